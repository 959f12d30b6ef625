"""docs/claims.md: for every causal claim of the evidence, the rules that act on it, or the reason why none does.

``make generated`` writes the page, and fails when a claim is unaccounted for. A rule cites a claim when its docstring,
a comment in its body or the docstring of a constant that it reads names the id; a lever, when its evidence does. A
claim that neither cites stands in ``left_out.toml`` with the reason.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from passaat.errors import EvidenceError
from passaat.evidence import Claim, claims
from passaat.model.parameters import PARAMETERS
from passaat.model.provenance.odd import table
from passaat.scenarios.levers import LEVERS

MODEL: Final = Path(__file__).resolve().parents[1]
ROOT: Final = MODEL.parent
PAGE: Final = ROOT / "docs" / "claims.md"
RESULTS: Final = ROOT / "tests" / "directions" / "results.json"
LEFT_OUT_FILE: Final = MODEL / "left_out.toml"

GROUPS: Final[Mapping[str, str]] = {
    "CF": "Forming a cluster",
    "SE": "Selection",
    "AP": "Plan and modules",
    "CO": "Coordinator",
    "LI": "Liaison",
    "EM": "Embassy",
    "PM": "Programme managers",
    "FC": "Firms' capacity",
    "R1": "Route 1, contacts",
    "R2": "Route 2, awareness",
    "R3": "Route 3, barriers",
    "SH": "Shocks",
    "TI": "Lags",
    "FU": "After the covenant",
    "SL": "SMEs and large firms",
    "MO": "Monitoring",
}
"""The groups of the evaluation's claims, by the first two characters of their ids."""
OTHER_GROUPS: Final[Mapping[str, str]] = {
    "RV": "The programme agency's own pages",
    "KL": "Lessons of a cluster project elsewhere",
    "KV": "Consultants on managing clusters",
}
"""Claims of other sources."""

_GENERATORS: Final = ("claims", "odd")
"""Modules that write about rules and hold none."""
_PREFIX: Final = "CF|SE|AP|CO|LI|EM|PM|FC|R[123]|SH|TI|FU|SL|MO|RV|KL|KV|L|K"
_CITED: Final = re.compile(rf"\b({_PREFIX})(\d\d)\b(?:\s*[-\u2013]\s*({_PREFIX})?(\d\d)\b)?")


@dataclass(frozen=True)
class Function:
    """One function of the model as its source shows it.

    Attributes:
        name: file and function, ``firm.take_part``.
        text: its docstring and comments, and the docstrings of the constants that it reads.
        reads: the parameters it reads.
        calls: functions of the model that it calls, with the parameters it hands to each.
    """

    name: str
    text: str
    reads: frozenset[str]
    calls: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Ledger:
    """Where each claim went.

    Attributes:
        claims: every claim by id, recommendations and rules of a source among them.
        rules: for each id, the functions that cite it.
        levers: for each id, the levers that cite it.
        left_out: for each id left out, the reason.
        tests: for each id, the tests of its direction, with their verdict.
        functions: every function of the model by name.
    """

    claims: Mapping[str, Claim]
    rules: Mapping[str, Sequence[str]]
    levers: Mapping[str, Sequence[str]]
    left_out: Mapping[str, str]
    tests: Mapping[str, Sequence[str]]
    functions: Mapping[str, Function]

    @property
    def wanted(self) -> dict[str, Claim]:
        """The causal claims, without recommendations and rules of a source."""
        return {id: claim for id, claim in self.claims.items() if claim.kind == "claim"}

    @property
    def represented(self) -> dict[str, Claim]:
        """The claims that a rule or a lever cites."""
        return {id: claim for id, claim in self.wanted.items() if id in self.rules or id in self.levers}


# --- reading ----------------------------------------------------------------------------------------------------------


def read_ledger() -> Ledger:
    """The ledger of the model as it is."""
    sources = {path.stem: path.read_text(encoding="utf-8") for path in sorted(MODEL.rglob("*.py"))}
    functions = functions_of({name: text for name, text in sources.items() if name not in _GENERATORS})
    known = claims()
    return Ledger(
        claims=known,
        rules=_by_id((name, function.text) for name, function in functions.items()),
        levers=_by_id(
            (name, " ".join(reference.id for reference in lever.evidence)) for name, lever in LEVERS.items()
        ),
        left_out=tomllib.loads(LEFT_OUT_FILE.read_text(encoding="utf-8")),
        tests=direction_tests(RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""),
        functions=functions,
    )


def ids_in(text: str) -> list[str]:
    """Ids that a text names, each once; ranges such as ``CF06-CF08`` in full.

    Raises:
        EvidenceError: a range that runs backwards or from one group into another.
    """
    found: dict[str, None] = {}
    for group, number, last_group, last_number in _CITED.findall(text):
        first = last = int(number)
        if last_number:
            last = int(last_number)
            if (last_group or group) != group or last <= first:
                raise EvidenceError(
                    f"{group}{number}-{last_group}{last_number} is no range of ids",
                    hint="Write the first and the last id of one group, or list the ids.",
                )
        found.update(dict.fromkeys(f"{group}{place:02d}" for place in range(first, last + 1)))
    return list(found)


def _by_id(texts: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """For each id, the names of the texts that name it, in their order."""
    found: dict[str, list[str]] = {}
    for name, text in texts:
        for id in ids_in(text):
            found.setdefault(id, []).append(name)
    return found


def direction_tests(text: str) -> dict[str, list[str]]:
    """For each id, the tests of its direction with their verdict; empty for an empty text.

    Raises:
        EvidenceError: the text is not ``{"results": [{"name": ..., "claims": [...], "verdict": ...}, ...]}``.
    """
    found: dict[str, list[str]] = {}
    try:
        results = json.loads(text)["results"] if text else []
        for result in results:
            for id in result["claims"]:
                found.setdefault(str(id), []).append(f"{result['name']}: {result['verdict']}")
    except (ValueError, KeyError, TypeError) as error:
        raise EvidenceError(
            f"tests/directions/results.json cannot be read ({error!r})",
            hint="Run the tests of directions again; they write it.",
        ) from error
    return found


def functions_of(sources: Mapping[str, str]) -> dict[str, Function]:
    """Functions and methods of modules given by name, in the order of their text."""
    trees = {module: ast.parse(text) for module, text in sources.items()}
    constants = {module: _constants(tree) for module, tree in trees.items()}
    found: dict[str, Function] = {}
    for module, tree in trees.items():
        names = _names_from(module, tree)
        comments = _comments(sources[module])
        for name, node in _definitions(tree):
            said = [text for line, text in comments.items() if node.lineno <= line <= _end(node)]
            for read in sorted({inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}):
                home, _, constant = names.get(read, "").rpartition(".")
                said.append(constants.get(home, {}).get(constant, ""))
            found[f"{module}.{name}"] = Function(
                name=f"{module}.{name}",
                text="\n".join([ast.get_docstring(node) or "", *said]),
                reads=frozenset(_parameters_in(node, _aliases(node))),
                calls=_calls(node, names),
            )
    return found


def _definitions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions of a module and methods of its classes; what is nested in one belongs to it."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{f.name}", f) for f in node.body if isinstance(f, ast.FunctionDef))


def _end(node: ast.FunctionDef) -> int:
    return node.end_lineno or node.lineno


def _comments(source: str) -> dict[int, str]:
    """Comments by line."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def _constants(tree: ast.Module) -> dict[str, str]:
    """Constants of a module with the docstring that stands below each."""
    found: dict[str, str] = {}
    for node, below in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(below, ast.Expr):
            if isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
                found.update(dict.fromkeys(names, below.value.value))
    return found


def _names_from(module: str, tree: ast.Module) -> dict[str, str]:
    """What the names of a module stand for in the model: ``clip`` for ``rules.clip``, ``cluster`` for itself."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "passaat.model":
            found.update({alias.asname or alias.name: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("passaat.model."):
            home = (node.module or "").removeprefix("passaat.model.")
            found.update({alias.asname or alias.name: f"{home}.{alias.name}" for alias in node.names})
    found.update({name: f"{module}.{name}" for name in _constants(tree)})
    found.update({name: f"{module}.{name}" for name, _ in _definitions(tree)})
    return found


def _aliases(node: ast.FunctionDef) -> set[str]:
    """Names that stand for the parameters: ``p`` in ``p = world.parameters``, alone or in a tuple."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assign):
            for target in inner.targets:
                pairs = [(target, inner.value)]
                if isinstance(target, ast.Tuple) and isinstance(inner.value, ast.Tuple):
                    pairs = list(zip(target.elts, inner.value.elts, strict=False))
                for name, value in pairs:
                    if isinstance(name, ast.Name) and _is_parameters(value, set()):
                        found.add(name.id)
    return found


def _is_parameters(node: ast.expr, aliases: set[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in aliases
    return isinstance(node, ast.Attribute) and node.attr == "parameters"


def _parameters_in(node: ast.AST, aliases: set[str]) -> set[str]:
    """Parameters read anywhere in a piece of code."""
    return {
        inner.attr
        for inner in ast.walk(node)
        if isinstance(inner, ast.Attribute)
        and inner.attr in PARAMETERS
        and _is_parameters(inner.value, aliases)
    }


def _calls(node: ast.FunctionDef, names: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Functions of the model that a function calls, with the parameters in the arguments."""
    aliases = _aliases(node)
    found: dict[str, frozenset[str]] = {}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            called = ""
            if isinstance(inner.func, ast.Name):
                called = names.get(inner.func.id, "")
            elif isinstance(inner.func, ast.Attribute) and isinstance(inner.func.value, ast.Name):
                if inner.func.value.id in names:
                    called = f"{names[inner.func.value.id]}.{inner.func.attr}"
            handed = [_parameters_in(argument, aliases) for argument in inner.args]
            handed += [_parameters_in(keyword.value, aliases) for keyword in inner.keywords]
            if called:
                found[called] = found.get(called, frozenset()).union(*handed)
    return found


def parameters_behind(rules: Sequence[str], functions: Mapping[str, Function]) -> list[str]:
    """Parameters that rules read themselves, through a helper that they call, or are handed by their callers."""
    found: set[str] = set()
    for rule in rules:
        found |= functions[rule].reads
        for called in functions[rule].calls:
            if called in functions:
                found |= functions[called].reads
        for caller in functions.values():
            found |= caller.calls.get(rule, frozenset())
    return [name for name in PARAMETERS if name in found]


# --- checking ---------------------------------------------------------------------------------------------------------


def problems_of(ledger: Ledger) -> list[str]:
    """What is wrong with the ledger, every offender named; empty when each claim went somewhere."""
    problems = []
    left_out = ledger.left_out
    lost = [
        id for id in ledger.wanted if id not in ledger.represented and not str(left_out.get(id, "")).strip()
    ]
    if lost:
        problems.append(
            f"claims cited by no rule or lever and not in model/left_out.toml ({len(lost)}): "
            + ", ".join(_with_hint(id) for id in lost)
        )
    both = [f"{id} ({', '.join(_citing(ledger, id))})" for id in left_out if id in ledger.represented]
    if both:
        problems.append(f"claims cited and yet in model/left_out.toml ({len(both)}): " + ", ".join(both))
    strange = [id for id in left_out if id not in ledger.wanted]
    if strange:
        problems.append("model/left_out.toml names what is no claim: " + ", ".join(strange))
    for what, cited in (("rules", ledger.rules), ("levers", ledger.levers), ("tests", ledger.tests)):
        unknown = [f"{id} ({', '.join(names)})" for id, names in cited.items() if id not in ledger.claims]
        if unknown:
            problems.append(f"{what} cite ids that claims.csv does not hold: " + ", ".join(unknown))
    return problems


def _citing(ledger: Ledger, id: str) -> list[str]:
    return [*ledger.rules.get(id, ()), *(f"lever {name}" for name in ledger.levers.get(id, ()))]


def _with_hint(id: str) -> str:
    """The id, with the parameters whose source names it: their rules may be what should cite it."""
    named = [name for name, parameter in PARAMETERS.items() if id in ids_in(parameter.source)]
    return f"{id} (source of {', '.join(named)})" if named else id


# --- writing ----------------------------------------------------------------------------------------------------------


def page_of(ledger: Ledger) -> str:
    """The whole page."""
    wanted, represented = ledger.wanted, ledger.represented
    evaluation = [id for id in wanted if id[:2] in GROUPS]
    held = [id for id in evaluation if id in represented]
    lines = [
        "# Claims and rules",
        "",
        "<!-- Generated from the code by `make generated`; do not edit. -->",
        "",
        f"The evaluation was read as {len(evaluation)} causal claims in {len(GROUPS)} groups; the model represents "
        f"{len(held)} of them,",
        f"{sum(id not in ledger.rules for id in held)} of these only as evidence for a lever. Other sources add "
        f"{len(wanted) - len(evaluation)} claims. *Represented* means that a",
        "rule names the claim or that a lever gives it as evidence, not that its size is known: see",
        "[the model, rule by rule](ODD.md), sections 8 and 9.",
        "",
        "- **strength**: 4 counted or measured, 3 synthesis of several sources, 2 one or two cases or one group of",
        "  sources, 1 a single view or an expectation. No claim rests on a control group.",
        "- **rules**: functions of [model/](../model) whose docstring or comments name the claim.",
        "- **parameters**: what these rules and their helpers read; bold where a parameter's source names the claim.",
        "- **test**: the simulated experiment that checks the direction, with its verdict; - where there is none.",
        "",
    ]
    lines += table(
        ("group", "claims", "represented", "by a lever only", "strength 2 and up", "of which represented"),
        [_group_row(ledger, prefix, title) for prefix, title in [*GROUPS.items(), *OTHER_GROUPS.items()]],
    )
    for prefix, title in [*GROUPS.items(), *OTHER_GROUPS.items()]:
        mine = [id for id in wanted if id[:2] == prefix]
        shown = [id for id in mine if id in represented]
        lines += ["", f"## {title}", "", f"{len(shown)} of {len(mine)} represented."]
        if shown:
            heads = ("id", "cause → effect", "sign", "strength", "rules", "levers", "parameters", "test")
            lines += ["", *table(heads, [_claim_row(ledger, id) for id in shown])]
    lines += ["", "## Left out", "", "Claims that no rule and no lever names, and why.", ""]
    out = [id for id in wanted if id not in represented]
    rows = [
        (
            id,
            _arrow(wanted[id]),
            wanted[id].sign,
            str(wanted[id].strength),
            ledger.left_out.get(id, "undecided"),
        )
        for id in out
    ]
    return "\n".join([*lines, *table(("id", "cause → effect", "sign", "strength", "reason"), rows), ""])


def _group_row(ledger: Ledger, prefix: str, title: str) -> tuple[str, ...]:
    mine = {id: claim for id, claim in ledger.wanted.items() if id[:2] == prefix}
    held = [id for id in mine if id in ledger.represented]
    strong = [id for id, claim in mine.items() if (claim.strength or 0) >= 2]
    return (
        f"{title} ({prefix})",
        str(len(mine)),
        str(len(held)),
        str(sum(id not in ledger.rules for id in held)),
        str(len(strong)),
        str(sum(id in held for id in strong)),
    )


def _claim_row(ledger: Ledger, id: str) -> tuple[str, ...]:
    claim = ledger.wanted[id]
    rules, levers = ledger.rules.get(id, ()), ledger.levers.get(id, ())
    names = parameters_behind(rules, ledger.functions)
    own = [name for name in names if id in ids_in(PARAMETERS[name].source)]
    parameters = [f"**`{name}`**" for name in own] + [f"`{name}`" for name in names if name not in own]
    return (
        id,
        _arrow(claim),
        claim.sign,
        str(claim.strength),
        _listed(f"`{name}`" for name in rules),
        _listed(f"`{name}`" for name in levers),
        _listed(parameters),
        _listed(ledger.tests.get(id, ())),
    )


def _arrow(claim: Claim) -> str:
    return f"{claim.cause} → {claim.effect}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "-"


def generated() -> dict[str, str]:
    """The page, by its place in the repository; claims that are unaccounted for stand in it as *undecided*."""
    return {"docs/claims.md": page_of(read_ledger())}


def undecided() -> list[str]:
    """What somebody has to decide before the page is complete; empty when every claim is accounted for."""
    return problems_of(read_ledger())
