"""What a run is found by (its key), and by what damage is noticed (digests)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from passaat.identity import fingerprint, fingerprint_of_text


def parameters_digest(parameters: Mapping[str, float]) -> str:
    """Digest of a full set of parameters, which is also what runs under it go by."""
    return fingerprint(parameters, 24)


def run_key(arm_fingerprint: str, draw_digest: str, world_seed: int) -> str:
    """What a run is found by: a fingerprint of its policy (with behaviour and twin), its parameters and its world."""
    return digest(arm_fingerprint, draw_digest, str(world_seed))


def digest_of(status: str, reason: str, values: Sequence[object]) -> str:
    """Digest of a run's result, by which a changed or damaged one is noticed."""
    numbers = " ".join(
        # In a damaged file a number may have become anything.
        "" if value is None else value.hex() if isinstance(value, float) else repr(value)
        for value in values
    )
    return digest(str(status), str(reason), numbers)


def digest(*parts: str) -> str:
    return fingerprint_of_text("\n".join(parts), 24)
