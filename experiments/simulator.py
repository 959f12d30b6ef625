"""The border to the model: what a comparison needs of a simulator, and the one that ships.

Anything that turns inputs and a world seed into a run, and a run into outcomes, can be compared: another
driver, a subclassed model, a toy in a test.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from typing import Any, Final, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from passaat.experiments import own_model
from passaat.experiments.basis import PRIOR, Basis, Reference, basis_for
from passaat.experiments.pairing import Direction, Floats
from passaat.identity import fingerprint, fingerprint_of_text, number_text, text_of
from passaat.model.inputs import RunInputs
from passaat.scenarios.levers import LEVERS, LeverValue

AMOUNT_LEVER: Final = "covenant_amount_eur"
"""The lever that is multiplied to bring an option to the reference's public money."""

Role = Literal["reference", "no-programme", "option", "rival-reference"]


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


class OutcomeLike(Protocol):
    """What is asked of an outcome of the model."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def better(self) -> Direction: ...


@dataclass(frozen=True)
class Simulator:
    """A model as a comparison sees it. ``Any`` is the simulator's own kind of run, which nobody here looks
    into.

    Attributes:
        outcomes: what a run is judged by, in the order of the arrays of ``outcomes_of``.
        simulate: one run of these inputs in the world of this seed; may be called from several threads at
            once.
        outcomes_of: outcomes of a run, given the run of the same world without the programme; nan where an
            outcome does not exist in that world.
        draw_parameters: (n, seed) -> n draws of the uncertain parameters; the first of them do not depend
            on n.
        version: version of the model, for people.
        behaviour: fingerprint that changes when results may change; a study belongs to one. A copy of the shipped model
            with other functions or outcomes gets one of its own, and prior draws (``experiments/own_model.py``).
        basis: what ``draw_parameters`` rests on; a study belongs to one of these, too.
        fingerprint: works out ``behaviour`` anew, which other machines do before they take part; None where that
            cannot be asked.
    """

    outcomes: Sequence[OutcomeLike]
    simulate: Callable[[RunInputs, int], Any]
    outcomes_of: Callable[[Any, Any], NDArray[np.float64]]
    draw_parameters: Callable[[int, int], Sequence[Mapping[str, float]]]
    version: str
    behaviour: str
    basis: Basis = PRIOR
    fingerprint: Callable[[], str] | None = None

    def __post_init__(self) -> None:
        for name, value in own_model.corrections(self).items():
            object.__setattr__(self, name, value)


def the_model(reference: Reference, *, prior: bool = False) -> Simulator:
    """The model that ships, compiled, with draws of its parameters for this reference: of the shipped posterior where
    that applies, of the prior ranges otherwise and where ``prior`` asks for them.
    """
    import passaat
    from passaat.model import compiled, outcomes

    basis, draw = basis_for(reference, prior=prior)
    shipped = own_model.Shipped(
        behaviour_of_model(), behaviour_of_model, compiled.simulate, outcomes.outcomes_of, outcomes.OUTCOMES
    )
    return Simulator(
        outcomes=shipped.outcomes,
        simulate=shipped.simulate,
        outcomes_of=shipped.outcomes_of,
        draw_parameters=draw,
        version=passaat.__version__,
        behaviour=own_model.ship(shipped),
        basis=basis,
        fingerprint=shipped.fingerprint,
    )


@dataclass(frozen=True)
class Arm:
    """One policy of a study: the reference, the world without programme, or an option, also at some scale of its
    amounts or with some levers moved.

    ``amount_factor`` multiplies the amount per covenant from the first year of the window on; 1 is the
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
        """The same policy with its amounts per covenant at ``factor`` times what it says."""
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

    Reading a scenario's levers year by year takes 1.5 ms, a twentieth of a run: too much for every run of a sweep.
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
            levers[AMOUNT_LEVER] = levers[AMOUNT_LEVER].copy()
            levers[AMOUNT_LEVER][start:] *= arm.amount_factor
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


def amounts_in_window(inputs: RunInputs) -> Floats:
    """Amount per covenant in each year from the first of the window on, in EUR."""
    return inputs.levers[AMOUNT_LEVER][inputs.size.window_first_year - inputs.size.first_year :]


_OUTCOME_RUNS: Final = ("no programme", "practice", "follow-up")
"""Golden runs, all of one world, whose outcomes enter the fingerprint."""


def behaviour_of_model() -> str:
    """Fingerprint that changes when results of the model may change: its golden runs, and their outcomes.

    The outcomes of golden runs against the one without programme are added, because a run can stay the same
    while what is counted in it changes. Takes some 60 ms once the model is compiled.
    """
    from passaat.model import compiled, golden, outcomes

    runs = {name: compiled.simulate(*golden.golden_inputs()[name]) for name in _OUTCOME_RUNS}
    twin = runs["no programme"]
    names = [outcome.name for outcome in outcomes.OUTCOMES]
    judged = {
        name: dict(zip(names, map(number_text, outcomes.outcomes_of(run, twin).tolist()), strict=True))
        for name, run in runs.items()
    }
    return fingerprint({"behaviour": golden.behaviour(), "outcomes": judged})
