"""Policies as a study sees them: an arm of it, what decides its runs, and the inputs of these."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from typing import Any, Final, Literal, Protocol, Self

from passaat.experiments.stats.pairing import Floats
from passaat.identity import fingerprint_of_text, text_of
from passaat.model.inputs import RunInputs
from passaat.scenarios.levers import LEVERS, LeverValue

AMOUNT_LEVERS: Final = (
    "covenant_amount_eur",
    "sme_travel_support_eur_year",
    "follow_up_eur_per_firm_year",
    "follow_up_eur_per_cluster_year",
)
"""Every amount that a policy pays; they are multiplied together to bring an option to the reference's public money. Not
the ceilings: the programme's budget, and the price up to which a liaison is appointed out of the covenant's money.
"""


Role = Literal["reference", "no-programme", "option", "part", "rival-reference"]


class Policy(Protocol):
    """What is asked of a scenario: a name, a text and hash to store, and the inputs of a run."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def hash(self) -> str: ...
    def to_toml(self) -> str: ...
    def inputs(self, parameters: Mapping[str, float] | None = None) -> RunInputs: ...


@dataclass(frozen=True)
class Arm:
    """One policy of a study: the reference, the world without programme, or an option, also at some scale of its
    amounts or with some levers moved.

    ``amount_factor`` multiplies every public amount from the first year of the window on; 1 is the
    option as it stands. ``settings`` are levers moved on top of the policy, from that year on, in the order of
    their names.
    """

    policy: Policy = field(repr=False)
    role: Role
    name: str
    scenario_hash: str
    amount_factor: float = 1.0
    settings: tuple[tuple[str, LeverValue], ...] = ()

    @classmethod
    def of(cls, policy: Policy, role: Role, name: str) -> Self:
        """The arm of a policy as it stands."""
        return cls(policy, role, name, policy.hash)

    @property
    def key(self) -> tuple[str, float, str]:
        """What decides this arm's runs, besides parameters and world seed."""
        return self.scenario_hash, self.amount_factor, self.settings_text

    @property
    def settings_text(self) -> str:
        """The levers moved, as JSON."""
        return settings_text(dict(self.settings))

    def at_factor(self, factor: float) -> Arm:
        """The same policy with every public amount at ``factor`` times what it says."""
        return replace(self, amount_factor=factor)

    def with_settings(self, levers: Mapping[str, LeverValue]) -> Arm:
        """The same policy with these levers moved from the first year of the window on."""
        return replace(self, settings=tuple(sorted(levers.items())))

    def inputs(self, parameters: Mapping[str, float]) -> RunInputs:
        """Inputs of this arm's runs under one draw of parameters."""
        return InputsOf()(self, parameters)


def settings_text(settings: Mapping[str, LeverValue]) -> str:
    """Settings as JSON, the same text for the same settings."""
    return json.dumps(dict(sorted(settings.items())), separators=(",", ":"))


class InputsOf:
    """Inputs of runs, arm by arm; what a policy says is read once and kept.

    Reading a scenario's levers year by year takes a twentieth of a run: too much for every run of a sweep.
    """

    KEPT: Final = 64
    """Policies kept ready; a study compares a handful."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, RunInputs] = OrderedDict()
        self._texts: OrderedDict[str, dict[str, str]] = OrderedDict()

    def __call__(self, arm: Arm, parameters: Mapping[str, float]) -> RunInputs:
        """Inputs of one arm under one draw of parameters; values that the scenario fixes win over the draw.

        Levers and parameters are plain dictionaries, so that inputs can travel to other machines.
        """
        inputs = self._policy(arm)
        levers = dict(inputs.levers)
        start = inputs.size.window_first_year - inputs.size.first_year
        for name, value in arm.settings:
            levers[name] = levers[name].copy()
            levers[name][start:] = LEVERS[name].code(value)
        if arm.amount_factor != 1.0:
            for name in AMOUNT_LEVERS:
                levers[name] = levers[name].copy()
                levers[name][start:] *= arm.amount_factor
        return replace(
            inputs,
            levers=levers,
            parameters={**parameters, **inputs.parameters},
        )

    def content(self, arm: Arm) -> str:
        """Fingerprint of all that an arm brings to a run, however it is written: a lever that is set to what it is
        anyway changes nothing.
        """
        policy, inputs = self._policy(arm), self(arm, {})
        texts = dict(self._texts_of(arm.scenario_hash, policy))
        for name, values in inputs.levers.items():
            if values is not policy.levers[name]:
                texts[f"lever {name}"] = text_of(values)
        return fingerprint_of_text("\n".join(f"{name} {texts[name]}" for name in sorted(texts)), 24)

    def _texts_of(self, scenario_hash: str, inputs: RunInputs) -> dict[str, str]:
        """What a policy brings to a run, part by part as text; kept, because many arms move a lever or two of it."""
        if scenario_hash not in self._texts:
            texts = {f"lever {name}": text_of(values) for name, values in inputs.levers.items()}
            texts |= {
                name: text_of(_plain(value))
                for name, value in vars(inputs).items()
                if name not in ("levers", "beyond_range")  # the last lets values pass and decides nothing
            }
            self._texts[scenario_hash] = texts
            if len(self._texts) > self.KEPT:
                self._texts.popitem(last=False)
        return self._texts[scenario_hash]

    def _policy(self, arm: Arm) -> RunInputs:
        if arm.scenario_hash not in self._kept:
            self._kept[arm.scenario_hash] = arm.policy.inputs({})
            if len(self._kept) > self.KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(arm.scenario_hash)
        return self._kept[arm.scenario_hash]


def _plain(value: Any) -> Any:
    """Dataclasses, also in tuples, as dictionaries."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def in_window(inputs: RunInputs, lever: str) -> Floats:
    """A lever in each year from the first of the window on, in its unit."""
    return inputs.levers[lever][inputs.size.window_first_year - inputs.size.first_year :]
