"""docs/claims.md says where each claim of the evidence went: it is fresh, and no claim is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from passaat.errors import EvidenceError
from passaat.model.provenance import claims
from passaat.model.provenance.claims import Ledger, functions_of, ids_in

ROOT = Path(__file__).resolve().parents[3]

PLACEHOLDER = "one case: stands in for a reason until there is one"
HELPERS = '''
FAR = 0.4
"""How far apart rivals are (CF12)."""

def weigh(x, weight):
    """A pure helper (FC17)."""
    return x * weight

def deeper(world):
    return world.parameters.trust_fade
'''
ACTOR = '''
from passaat.model import helpers as aid
from passaat.model.helpers import FAR, weigh

def act(world, i):
    """Firm: act (CF06-CF08)."""
    firms, p = world.firms, world.parameters
    # meetings make relations (R202)
    if firms.x[i] > FAR:
        return weigh(firms.x[i], p.relation_gain) + p.contact_fade + firms.knowledge_gain[i]
    return inner(world)

def inner(world):
    return aid.deeper(world) + world.parameters.trust_gain  # AP11
'''


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return claims.read_ledger()


@pytest.fixture(scope="module")
def sound(ledger: Ledger) -> Ledger:
    """The same with a reason for exactly the claims that are not cited."""
    return replace(ledger, left_out={id: PLACEHOLDER for id in ledger.wanted if id not in ledger.represented})


def test_every_claim_is_cited_or_left_out_with_a_reason_and_every_cited_id_exists(ledger: Ledger) -> None:
    assert claims.problems_of(ledger) == []


def test_every_claim_of_more_than_one_view_is_accounted_for(ledger: Ledger) -> None:
    strong = [id for id, claim in ledger.wanted.items() if (claim.strength or 0) >= 2]
    assert len(strong) > 150
    accounted = {*ledger.rules, *ledger.levers, *(id for id, why in ledger.left_out.items() if why.strip())}
    assert [id for id in strong if id not in accounted] == []


def test_every_reason_is_of_a_known_kind(ledger: Ledger) -> None:
    kinds = ("one case", "observation", "outside", "not built", "no effect", "said before")
    assert [id for id, why in ledger.left_out.items() if not why.startswith(kinds) or len(why) < 30] == []


def test_every_id_that_a_reason_names_is_cited(ledger: Ledger) -> None:
    named = {(id, other) for id, why in ledger.left_out.items() for other in ids_in(why)}
    assert sorted((id, other) for id, other in named if other not in ledger.represented) == []


def test_every_claim_is_on_the_page_once(ledger: Ledger) -> None:
    page = claims.page_of(ledger)
    assert [id for id in ledger.wanted if page.count(f"\n| {id} |") != 1] == []
    assert {id[:2] for id in ledger.wanted} == {*claims.GROUPS, *claims.OTHER_GROUPS}


def test_known_citations_are_found(ledger: Ledger) -> None:
    assert "firm._start_step" in ledger.rules["FU01"]
    assert "cluster.settle_membership" in ledger.rules["CF07"]  # inside the range CF06-CF08
    assert "minimum_members" in ledger.levers["CF05"]
    assert "contact_fade" in claims.parameters_behind(["firm.fade"], ledger.functions)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("reads the market (CF02, CF04)", ["CF02", "CF04"]),
        ("fillers (CF06-CF08)", ["CF06", "CF07", "CF08"]),
        ("fillers (CF06-08), CF07", ["CF06", "CF07", "CF08"]),
        ("an en dash: R201\u2013R203", ["R201", "R202", "R203"]),
        ("advice L12, page rules RV08-RV10", ["L12", "RV08", "RV09", "RV10"]),
        ("AS 241, SHA256, A14, TI1, XCF06, 0xFC17", []),
    ],
)
def test_ids_in_a_text(text: str, ids: list[str]) -> None:
    assert ids_in(text) == ids


@pytest.mark.parametrize("text", ["CF08-CF06", "CF06-SE01"])
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError, match=f"{text} is no range"):
        ids_in(text)


def test_a_function_is_read_with_its_comments_constants_parameters_and_helpers() -> None:
    functions = functions_of({"helpers": HELPERS, "actor": ACTOR})
    act = functions["actor.act"]
    assert ids_in(act.text) == ["CF06", "CF07", "CF08", "R202", "CF12"]
    assert act.reads == {"relation_gain", "contact_fade"}  # not the column that bears a parameter's name
    assert ids_in(functions["actor.inner"].text) == ["AP11"]
    # its own and those of a helper, but not those of a helper's helper
    assert set(claims.parameters_behind(["actor.act"], functions)) == {
        "relation_gain",
        "contact_fade",
        "trust_gain",
    }
    assert set(claims.parameters_behind(["actor.inner"], functions)) == {"trust_gain", "trust_fade"}
    assert claims.parameters_behind(["helpers.weigh"], functions) == ["relation_gain"]  # handed over


def test_tests_of_directions_are_read() -> None:
    text = json.dumps({"results": [{"name": "fees deter", "claims": ["CF02", "CF04"], "verdict": "holds"}]})
    assert claims.direction_tests(text) == {"CF02": ["fees deter: holds"], "CF04": ["fees deter: holds"]}
    assert claims.direction_tests("") == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"results": [{"name": "x"}]}', '{"results": 3}'])
def test_unreadable_results_are_refused(text: str) -> None:
    with pytest.raises(EvidenceError, match=r"results\.json cannot be read"):
        claims.direction_tests(text)


def test_a_test_of_direction_is_shown(ledger: Ledger) -> None:
    tested = replace(ledger, tests={"FU01": ["follow-up: holds"]})
    (row,) = [line for line in claims.page_of(tested).splitlines() if line.startswith("| FU01 |")]
    assert row.endswith("| follow-up: holds |")


def test_messages_name_the_claims(sound: Ledger) -> None:
    kept = {id: why for id, why in sound.left_out.items() if id not in ("CF23", "KV08")}
    wrong = replace(
        sound,
        rules={id: names for id, names in sound.rules.items() if id not in ("CF22", "FU02")}
        | {"ZZ99": ["firm.act"]},
        levers={id: names for id, names in sound.levers.items() if id not in ("CF22", "FU02")},
        left_out={**kept, "FC17": PLACEHOLDER, "L12": PLACEHOLDER, "CF23": "  "},
        tests={"CF99": ["fees: holds"]},
    )
    lost, both, strange, rules, tests = claims.problems_of(wrong)
    assert lost.startswith(
        "claims cited by no rule or lever and not in model/left_out.toml (4): CF22 (source of "
    )
    assert "CF23, FU02" in lost
    assert lost.endswith(", KV08")
    assert both.startswith("claims cited and yet in model/left_out.toml (1): FC17 (")
    assert "firm.weakest" in both
    assert strange == "model/left_out.toml names what is no claim: L12"
    assert rules == "rules cite ids that claims.csv does not hold: ZZ99 (firm.act)"
    assert tests == "tests cite ids that claims.csv does not hold: CF99 (fees: holds)"
