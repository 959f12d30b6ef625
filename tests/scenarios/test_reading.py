"""Reading what people write: no number is read as another one, and no file ends in a traceback."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from passaat import cli
from passaat.cli import parts as cli_parts
from passaat.errors import PassaatError, ScenarioError, StudyError
from passaat.experiments.design.plan_files import read_plan
from passaat.model.parameters import PARAMETERS
from passaat.scenarios import reading
from passaat.scenarios.levers import LEVERS, UNITS, lever
from passaat.scenarios.loading import load_scenario, read_scenario
from passaat.scenarios.reading import (
    COUNTS,
    MEASURES,
    NumberError,
    Quantity,
    in_thousands,
    read_number,
    shown_value,
)

MONEY = Quantity("EUR", 0, 2_000_000)
SHARE = Quantity("share", 0, 1)
PERSONS = Quantity("persons", 1, 6, whole=True)
NBSP, NARROW, THIN = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}", "\N{THIN SPACE}"

OPTION = """name = "mine"
title = "a title"
kind = "option"
description = "A trial."

[levers]
{levers}

[levers_why]
{whys}
"""


def option_file(folder: Path, *levers: str, name: str = "mine.toml", encoding: str = "utf-8") -> Path:
    """An option file with these lines under [levers], each with a reason."""
    names = [line.split("=")[0].strip() for line in levers]
    whys = "\n".join(f'{one} = "Trial."' for one in names)
    path = folder / name
    path.write_bytes(OPTION.format(levers="\n".join(levers), whys=whys).encode(encoding))
    return path


def plan_file(folder: Path, body: str, rows: str = "") -> Path:
    path = folder / "plan.toml"
    head = 'name = "p"\nquestion = "Why?"\nreference = "pib"\n'
    path.write_text(head + body, encoding="utf-8")
    (folder / "points.csv").write_text(rows, encoding="utf-8")
    return path


LIST = '[design]\nmethod = "list"\nfile = "points.csv"\nworlds = 1\nrest = "defaults"\n'


def refused(path: Path) -> str:
    """What is said of a scenario file that cannot be read."""
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path)
    assert caught.value.hint
    return str(caught.value)


def refused_plan(path: Path) -> str:
    with pytest.raises(StudyError) as caught:
        read_plan(path)
    return str(caught.value)


# Units


def test_every_unit_is_either_written_in_thousands_or_not() -> None:
    units = {*UNITS, *(record.unit for record in PARAMETERS.values())}
    for unit in units:
        assert in_thousands(unit) != (unit in MEASURES), unit
    assert not COUNTS & MEASURES
    assert all(in_thousands(unit) for unit in ("EUR", "EUR/firm/year", "persons", "covenants"))
    assert not any(in_thousands(unit) for unit in ("share", "ratio", "points"))


# One reader


@pytest.mark.parametrize(
    ("text", "of", "corrections"),
    [
        ("3.000", MONEY, ("3000", "3")),
        ("200.000", MONEY, ("200000", "200")),
        ("200,000", MONEY, ("200000", "200")),
        ("1.200.000", MONEY, ("1200000",)),
        ("1,200,000", MONEY, ("1200000",)),
        ("1.234,5", MONEY, ("1234.5",)),
        ("1,234.5", MONEY, ("1234.5",)),
        ("1.234.567,50", MONEY, ("1234567.5",)),
        ("12,50", MONEY, ("12.5",)),
        ("2_0_0", MONEY, ("200",)),
        ("3'000", MONEY, ("3000",)),
        ("3\N{RIGHT SINGLE QUOTATION MARK}000", MONEY, ("3000",)),
        ("3 000", MONEY, ("3000",)),
        (f"3{NBSP}000", MONEY, ("3000",)),
        (f"200{NARROW}000", MONEY, ("200000",)),
        (f"200{THIN}000", MONEY, ("200000",)),
        ("€ 200.000", MONEY, ("200000", "200")),
        ("€ 200,-", MONEY, ("200",)),
        ("200000 EUR", MONEY, ("200000",)),
        ("EUR 3.000,--", MONEY, ("3000", "3")),
        ("\N{ARABIC-INDIC DIGIT THREE}", MONEY, ("3",)),
        ("\N{FULLWIDTH DIGIT THREE}\N{FULLWIDTH DIGIT ZERO}", MONEY, ("30",)),
        ("3.000", PERSONS, ("3",)),  # three thousand persons are not allowed, so three are meant
        ("2,0", PERSONS, ("2",)),
        ("3.125", MONEY, ("3125", "3.1250")),  # what is offered must be read in one way
        ("0,5", SHARE, ("0.5",)),
        ("0,125", SHARE, ("0.125",)),
        ("1,000", SHARE, ("1",)),
        ("50 %", SHARE, ("0.5",)),
        ("12,5%", SHARE, ("0.125",)),
        ("020.000", MONEY, ("20000", "20")),
        ("00200.000", MONEY, ("200000", "200")),
        ("007", MONEY, ("7",)),
        ("00.5", SHARE, ("0.5",)),
        ("200.000e0", MONEY, ("200000", "200")),
        ("1.250e6", MONEY, ("1250000",)),
        ("1_500.000", MONEY, ("1500000", "1500")),
        ("350.000.0", MONEY, ("350000",)),
        ("350,000,00", MONEY, ("350000",)),
        ("200k", MONEY, ("200000",)),
        ("€ 200K", MONEY, ("200000",)),
        ("0.2 M", MONEY, ("200000",)),
        ("0,2 mln", MONEY, ("200000",)),
        ("1.250M", MONEY, ("1250000",)),
        ("0.2 M", SHARE, ()),
        ("0.2 moons", MONEY, ()),
        ("-3.000", MONEY, ()),
        ("200000,300000", MONEY, ()),  # two amounts, of which one lacks its year
        ("1e", MONEY, ()),
        ("soon", MONEY, ()),
        ("", MONEY, ()),
        ("1.2.3", MONEY, ()),
        ("1.2,3.4", MONEY, ()),
        ("nan", MONEY, ()),
        ("inf", MONEY, ()),
        ("Infinity", MONEY, ()),
        ("9" * 400, MONEY, ()),
        ("1e400", MONEY, ()),
        ("50 %", MONEY, ()),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_what_can_be_meant(
    text: str, of: Quantity, corrections: tuple[str, ...]
) -> None:
    with pytest.raises(NumberError) as caught:
        read_number(text, of)
    assert caught.value.corrections == corrections
    assert caught.value.why or not corrections
    for number in corrections:
        assert of.allows(read_number(number, of))
    assert len(caught.value.advice(str)) < 200


@pytest.mark.parametrize(
    ("text", "of", "value"),
    [
        ("0.125", SHARE, 0.125),
        ("1.250", Quantity("ratio"), 1.25),
        ("55.125", Quantity("points"), 55.125),
        ("0.125", MONEY, 0.125),  # nobody writes a hundred and twenty-five like this
        ("3000", MONEY, 3000.0),
        ("3000.500", MONEY, 3000.5),
        ("12.5", MONEY, 12.5),
        ("350_000", MONEY, 350_000.0),
        ("2e5", MONEY, 200_000.0),
        (" 7 ", MONEY, 7.0),
        ("+5", MONEY, 5.0),
    ],
)
def test_what_can_be_read_in_one_way_is_read(text: str, of: Quantity, value: float) -> None:
    assert read_number(text, of) == value


@settings(max_examples=200, deadline=None)
@given(
    amount=st.integers(1_000, 10**12),
    sign=st.sampled_from([".", ",", "'", " ", NBSP, NARROW, "\N{THIN SPACE}"]),
)
def test_an_amount_with_separators_of_thousands_is_never_read_as_another(amount: int, sign: str) -> None:
    with pytest.raises(NumberError) as caught:
        read_number(f"{amount:,}".replace(",", sign), Quantity("EUR"))
    assert caught.value.corrections[0] == str(amount)


@settings(max_examples=200, deadline=None)
@given(value=st.decimals(0, 10**6, places=2), unit=st.sampled_from(["EUR", "share", "persons", "points"]))
def test_a_decimal_comma_is_never_read_and_its_number_always_offered(value: object, unit: str) -> None:
    with pytest.raises(NumberError) as caught:
        read_number(str(value).replace(".", ","), Quantity(unit))
    assert [float(number) for number in caught.value.corrections] == [float(str(value))]


@settings(max_examples=300, deadline=None)
@given(
    text=st.text(alphabet="0123456789.,_'’ -+eE%€٣\u00a0", max_size=12),
    unit=st.sampled_from(["EUR", "share"]),
)
@example(text="-", unit="EUR")
@example(text="1.001", unit="EUR")
@example(text=",", unit="EUR")
def test_any_text_is_a_number_or_a_number_error(text: str, unit: str) -> None:
    try:
        value = read_number(text, Quantity(unit))
    except NumberError as error:
        for number in error.corrections:
            assert read_number(number, Quantity(unit)) is not None
    else:
        assert value == float(text)
        assert re.fullmatch(r"[-+\d._eE ]+", text.strip(), re.ASCII)


# Where numbers stand: --set, files, plans, lists


def test_set_offers_the_whole_setting_again() -> None:
    result = CliRunner().invoke(
        cli.app, ["run", "pib", "--set", "covenant_amount_eur=200.000", "--set", "assessors=2,0"]
    )
    assert result.exit_code == 2
    assert "write --set covenant_amount_eur=200000, or --set covenant_amount_eur=200" in result.stderr
    assert "write --set assessors=2" in result.stderr


def test_set_offers_a_dated_setting_again() -> None:
    with pytest.raises(ValueError, match=r"write --set co_funding_ratio=2017:0.5,2019:1"):
        LEVERS["co_funding_ratio"].parse_setting("2017:0,5,2019:1")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2019:200,000,2021:300,000", "200,000 and 300,000"),
        ("2019:200.000,2021:300.000", "200.000 and 300.000"),
        ("2019:200.000,2021:300", "200.000"),
    ],
)
def test_a_dated_setting_names_every_number_and_corrects_all(text: str, shown: str) -> None:
    with pytest.raises(ValueError, match=f"covenant_amount_eur = {shown}: ") as caught:
        LEVERS["covenant_amount_eur"].parse_setting(text)
    settings = re.findall(r"--set covenant_amount_eur=([\d:,]+\d)", str(caught.value))
    read = [LEVERS["covenant_amount_eur"].parse_setting(one) for one in settings]
    last = 300.0 if text.endswith(":300") else 300_000.0
    assert read == [{2019: 200_000.0, 2021: last}, {2019: 200.0, 2021: 300.0}]


@pytest.mark.parametrize(
    ("text", "straight"),
    [
        ("2019=200000", "2019:200000"),
        ("2019:200000;2021:300000", "2019:200000,2021:300000"),
        ("2019=200000; 2021=300000", "2019:200000, 2021:300000"),
    ],
)
def test_a_dated_setting_in_other_signs_is_written_anew(text: str, straight: str) -> None:
    with pytest.raises(ValueError, match="must read like 2019:VALUE") as caught:
        LEVERS["covenant_amount_eur"].parse_setting(text)
    assert str(caught.value).endswith(f"write --set covenant_amount_eur={straight}")
    assert isinstance(LEVERS["covenant_amount_eur"].parse_setting(straight), dict)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("20x9:3", "'20x9:3' must read like 2019:VALUE"),
        ("19:3", "'19:3' must read like 2019:VALUE"),
        ("2019.5:3", "'2019.5:3' must read like 2019:VALUE"),
        ("2 019:3", "'2 019:3' must read like 2019:VALUE"),
        ("2,2021:3", "'2' must read like 2019:VALUE"),
        ("2019:2000,3000", "'2019:2000,3000' has one year for several values"),
        ("2019:1,2019:2", "2019 is named twice"),
        ("2019:", "must read like 2019:VALUE"),
        ("2019:1,2020:", "must read like 2019:VALUE"),
        ("0019:1", "must read like 2019:VALUE"),
        ("2019:9", "assessors = 9 is not allowed"),
    ],
)
def test_dated_settings_that_cannot_be_meant_are_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LEVERS["assessors"].parse_setting(text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("replicate", "pib", "--precision", "100.000"), "write 100000, or 100"),
        (("replicate", "pib", "--precision-share", "0,05"), "write 0.05"),
        (("discover", "x.db", "--by", "50.000.000"), "write 50000000"),
        (("discover", "x.db", "--fails-at", "5_0"), "write 50"),
        (("discover", "x.db", "--by", "much"), "it is no number"),
    ],
)
def test_amounts_behind_other_options_are_read_the_same_way(arguments: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(cli.app, list(arguments))
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_amounts_that_can_be_read_in_one_way_are_taken() -> None:
    assert cli_parts.amount("4e7") == 4e7
    assert cli_parts.amount(0.0) == 0.0
    assert cli_parts.share("0.125") == 0.125


def test_set_takes_values_by_year() -> None:
    setting = LEVERS["programme_budget_eur_year"].parse_setting("2021:5000000, 2019:4200000")
    assert setting == {2019: 4_200_000.0, 2021: 5_000_000.0}
    assert LEVERS["follow_up_eligibility"].parse_setting("2019:sme") == {2019: "sme"}


def test_a_scenario_says_line_and_corrected_line_of_a_dutch_amount(tmp_path: Path) -> None:
    said = refused(option_file(tmp_path, "assessors = 3", "follow_up_eur_per_firm_year = 3.000  # a firm"))
    assert "line 8: levers.follow_up_eur_per_firm_year = 3.000" in said
    assert (
        "write follow_up_eur_per_firm_year = 3000  # a firm, or follow_up_eur_per_firm_year = 3  # a firm"
        in said
    )


def test_a_dated_dutch_amount_is_refused(tmp_path: Path) -> None:
    said = refused(option_file(tmp_path, "covenant_amount_eur = { 2017 = 200.000, 2019 = 3e5 }"))
    assert "write covenant_amount_eur = { 2017 = 200000, 2019 = 3e5 }" in said


@pytest.mark.parametrize(
    ("line", "corrected"),
    [
        ("covenant_amount_eur = 1.200.000", "covenant_amount_eur = 1200000"),
        ("covenant_amount_eur = 1.234,5", "covenant_amount_eur = 1234.5"),
        ("covenant_amount_eur = 3 000", "covenant_amount_eur = 3000"),
        ("covenant_amount_eur = 3'000", "covenant_amount_eur = 3000"),
        ("covenant_amount_eur = € 3000", "covenant_amount_eur = 3000"),
        (f"covenant_amount_eur = 3{NBSP}000", "covenant_amount_eur = 3000"),
        ("covenant_amount_eur = 2_0_0", "covenant_amount_eur = 200"),
        ("capacity_screening_weight = 0,5", "capacity_screening_weight = 0.5"),
        (
            "capacity_screening_weight = { 2016 = 0,5, 2019 = 0,25 }",
            "capacity_screening_weight = { 2016 = 0.5, 2019 = 0.25 }",
        ),
    ],
)
def test_numbers_that_are_no_toml_are_corrected_in_their_line(
    tmp_path: Path, line: str, corrected: str
) -> None:
    said = refused(option_file(tmp_path, line))
    assert "line 7" in said
    assert f"write {corrected}\n" in said
    option_file(tmp_path, corrected, name="again.toml")
    assert load_scenario(tmp_path / "again.toml").kind == "option"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('"200000"', "a number has no quotes; write covenant_amount_eur = 200000\n"),
        ("'200.000'", "no quotes; write covenant_amount_eur = 200000, or covenant_amount_eur = 200\n"),
        (
            '{ 2019 = "€ 3.000", 2021 = 4.000 }',
            "write covenant_amount_eur = { 2019 = 3000, 2021 = 4000 },"
            " or covenant_amount_eur = { 2019 = 3, 2021 = 4 }\n",
        ),
        (
            '{ 2019 = "3", 2021 = "3" }',
            'levers.covenant_amount_eur.2021 = "3": a number has no quotes; write 3\n',
        ),
        ('"much"', "'much' is not allowed; it must be 0 to 2000000 EUR"),
        ("020.000", "write covenant_amount_eur = 20000, or covenant_amount_eur = 20\n"),
        ("€ 3.000", "write covenant_amount_eur = 3000, or covenant_amount_eur = 3\n"),
        ("200k", "write covenant_amount_eur = 200000\n"),
        ("{ 2017 = 0.2 M, 2019 = 300k }", "write covenant_amount_eur = { 2017 = 200000, 2019 = 300000 }\n"),
        ("350.000.0", "write covenant_amount_eur = 350000\n"),
        ("200.000e0", "write covenant_amount_eur = 200000, or covenant_amount_eur = 200\n"),
        ("1_500.000", "write covenant_amount_eur = 1500000, or covenant_amount_eur = 1500\n"),
        ("-3.000", "write numbers without separators of thousands; it must be 0 to 2000000 EUR\n"),
        ("20 moons", "it must be 0 to 2000000 EUR\n"),
        ("2019-01-01", "covenant_amount_eur = 2019-01-01 is not allowed"),
        ("07:30:00", "covenant_amount_eur = 07:30:00 is not allowed"),
        ("true", "covenant_amount_eur = true is not allowed"),
        ("[true, 1]", "covenant_amount_eur = [true, 1] is not allowed"),
        ("{ 2019.5 = true }", "covenant_amount_eur = { 5 = true } is not allowed"),
    ],
)
def test_a_value_that_is_no_number_is_told_in_the_words_of_the_file(
    tmp_path: Path, value: str, told: str
) -> None:
    assert told in refused(option_file(tmp_path, f"covenant_amount_eur = {value}"))


def test_a_quoted_number_is_told_wherever_a_number_belongs(tmp_path: Path) -> None:
    path = tmp_path / "ref.toml"
    text = load_scenario("pib").to_toml().replace("n_firms = 2000", 'n_firms = "2_000"')
    path.write_text(text + '\n[parameters]\nfeedback_gain = "0,125"\n', encoding="utf-8")
    said = refused(path)
    assert 'world.n_firms = "2_000": a number has no quotes; write n_firms = 2000\n' in said
    assert 'parameters.feedback_gain = "0,125": a number has no quotes; write feedback_gain = 0.125\n' in said
    body = (
        '[design]\nmethod = "sobol"\npoints = "64"\n\n[levers]\nfollow_up_years = { low = "1", high = 4 }\n'
    )
    said = refused_plan(plan_file(tmp_path, body))
    assert "a number has no quotes; write points = 64\n" in said
    assert "a number has no quotes; write follow_up_years = { low = 1, high = 4 }\n" in said


def test_text_that_reads_like_a_number_stays_text_where_text_belongs(tmp_path: Path) -> None:
    path = option_file(tmp_path, "assessors = 3")
    text = path.read_text(encoding="utf-8").replace('title = "a title"', 'title = "2030"')
    path.write_text(text, encoding="utf-8")
    assert read_scenario(path).title == "2030"


def test_a_share_with_three_decimals_is_read(tmp_path: Path) -> None:
    path = option_file(tmp_path, "capacity_screening_weight = 0.125", "co_funding_ratio = 1.250")
    assert dict(read_scenario(path).levers) == {"capacity_screening_weight": 0.125, "co_funding_ratio": 1.25}


def test_sizes_and_parameters_of_a_reference_are_read_with_their_units(tmp_path: Path) -> None:
    text = load_scenario("pib").to_toml().replace("n_firms = 2000", "n_firms = 2.000")
    text += "\n[parameters]\nfeedback_gain = 0.125\n"
    path = tmp_path / "ref.toml"
    path.write_text(text, encoding="utf-8")
    said = refused(path)
    assert (
        "world.n_firms = 2.000: write numbers without separators of thousands; write n_firms = 2000\n" in said
    )
    assert "feedback_gain" not in said


@settings(max_examples=100, deadline=None)
@given(amount=st.floats(0, 2_000_000), share=st.floats(0, 1))
@example(amount=1.125, share=0.125)
@example(amount=123.456, share=1.0)
def test_what_the_program_writes_it_reads_again(
    tmp_path_factory: pytest.TempPathFactory, amount: float, share: float
) -> None:
    path = tmp_path_factory.mktemp("written") / "pib.toml"
    levers = {"covenant_amount_eur": amount, "sme_score_weight": share}
    path.write_text(load_scenario("pib").with_levers(levers).to_toml(), encoding="utf-8")
    again = read_scenario(path)
    assert again.lever("covenant_amount_eur", 2017) == amount
    assert again.lever("sme_score_weight", 2017) == share


def test_plans_read_numbers_as_scenarios_do(tmp_path: Path) -> None:
    design = '[design]\nmethod = "latin-hypercube"\npoints = 2.000\nworlds = 1\nrest = "defaults"\n'
    said = refused_plan(
        plan_file(tmp_path, design + "[levers]\ncovenant_amount_eur = { low = 200.000, high = 500.000 }\n")
    )
    assert "2 problems" in said
    assert "write points = 2000, or points = 2\n" in said
    assert "write covenant_amount_eur = { low = 200000, high = 500000 }," in said
    assert "or covenant_amount_eur = { low = 200, high = 500 }\n" in said
    said = refused_plan(
        plan_file(tmp_path, design.replace("2.000", "4") + "[levers]\nassessors = [1, 2,0]\n")
    )
    assert "0" in said  # a list cannot tell a decimal comma from its own; 0 assessors are refused
    wanted = "[levers]\nsme_score_weight = { low = 0.125, high = 0.500 }\n"
    assert (
        read_plan(plan_file(tmp_path, design.replace("2.000", "4") + wanted)).factor("sme_score_weight").low
        == 0.125
    )


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (
            "200.000",
            "line 2: covenant_amount_eur = 200.000: write numbers without separators of thousands; write 200000",
        ),
        ("2_0_0", "write 200"),
        ('"200,5"', "write 200.5"),
        (f"200{NBSP}000", "NO-BREAK SPACE, U+00A0"),
        ("٣", "ARABIC-INDIC DIGIT THREE"),
        ("200000,5", "a decimal comma? Write 0.5, not 0,5"),
        ("9" * 400, "larger than any number"),
        ("nan", "covenant_amount_eur = nan is not allowed"),
    ],
)
def test_lists_of_points_read_numbers_as_scenarios_do(tmp_path: Path, cell: str, said: str) -> None:
    plan = plan_file(tmp_path, LIST, f"covenant_amount_eur\n{cell}\n350000\n500000\n")
    told = refused_plan(plan)
    assert said in told
    assert max(map(len, told.splitlines())) < 400


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("feedback_gain", "0,1", "write 0.1"),
        ("feedback_gain", "0.1_5", "write 0.15"),
        ("feedback_gain", "٣", "ARABIC-INDIC"),
        ("draw", "٣", "must be a whole number, 0 to 9"),
        ("draw", "1_0", "must be a whole number, 0 to 9"),
    ],
)
def test_columns_of_parameters_and_draws_are_read_the_same_way(
    tmp_path: Path, column: str, cell: str, said: str
) -> None:
    draws = LIST.replace('rest = "defaults"', 'rest = "prior"\ndraws = 10') if column == "draw" else LIST
    assert said in refused_plan(plan_file(tmp_path, draws, f'{column}\n"{cell}"\n'))


def test_a_list_with_a_mark_at_its_start_and_windows_line_ends_is_read(tmp_path: Path) -> None:
    plan = plan_file(tmp_path, LIST)
    (tmp_path / "points.csv").write_bytes(b"\xef\xbb\xbfcovenant_amount_eur\r\n200000\r\n350000\r\n")
    assert [point["covenant_amount_eur"] for point in read_plan(plan).points()] == [200_000, 350_000]


# Files


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_marks_at_the_start_and_any_line_end_are_read(tmp_path: Path, mark: bytes, end: bytes) -> None:
    path = option_file(tmp_path, "assessors = 3")
    path.write_bytes(mark + path.read_bytes().replace(b"\n", end))
    assert dict(read_scenario(path).levers) == {"assessors": 3}
    design = (
        '[design]\nmethod = "sobol"\npoints = 4\nworlds = 1\nrest = "defaults"\n[levers]\nassessors = "all"\n'
    )
    plan = plan_file(tmp_path, design)
    plan.write_bytes(mark + plan.read_bytes().replace(b"\n", end))
    assert read_plan(plan).size == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name = \N{LATIN SMALL LETTER E WITH ACUTE}".encode("latin-1"), "line 1 holds the byte 0xE9"),
        ("a = 1\n# \N{EURO SIGN}".encode("cp1252"), "line 2 holds the byte 0x80"),
        ('name = "x"'.encode("utf-16"), "UTF-16"),
        ('name = "x"'.encode("utf-32"), "UTF-32"),
        (b"\x00\x00\xfe\xff" + 'name = "x"'.encode("utf-32-be"), "UTF-32"),
        (b"PK\x03\x04rest", "a file of an office program"),
    ],
)
def test_other_encodings_are_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "other.toml"
    path.write_bytes(content)
    assert said in refused(path)
    assert "UTF-8" in refused(path)
    (tmp_path / "points.csv").write_bytes(b"")
    plan = plan_file(tmp_path, LIST)
    (tmp_path / "points.csv").write_bytes(content)
    assert said in refused_plan(plan)


TYPOGRAPHIC = sorted(reading._ASCII_FOR)


@pytest.mark.parametrize("one", TYPOGRAPHIC, ids=[f"U+{ord(one):04X}" for one in TYPOGRAPHIC])
def test_a_typographic_character_is_named_with_its_place(tmp_path: Path, one: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(
        f'title = "{one} is fine in quotes"  # and here: {one}\nname {one}= 1\n', encoding="utf-8"
    )
    said = refused(path)
    assert "line 2, column 6" in said
    assert f"U+{ord(one):04X}" in said


def test_curly_quotes_and_no_break_spaces_are_corrected(tmp_path: Path) -> None:
    path = option_file(tmp_path, "assessors = 3")
    good = path.read_text(encoding="utf-8")
    for old, new in (
        ('"mine"', "\N{LEFT DOUBLE QUOTATION MARK}mine\N{RIGHT DOUBLE QUOTATION MARK}"),
        ('"mine"', '"mine\N{RIGHT DOUBLE QUOTATION MARK}'),
        ("name = ", f"name{NBSP}= "),
        ("name = ", "name \N{FULLWIDTH EQUALS SIGN} "),
    ):
        path.write_text(good.replace(old, new, 1), encoding="utf-8")
        said = refused(path)
        assert "line 1, column" in said
        if "FULLWIDTH" not in said:
            assert 'write name = "mine"\n' in said
    path.write_text(good.replace("assessors = 3", "assessors = \N{EN DASH}3"), encoding="utf-8")
    assert "EN DASH, U+2013" in refused(path)


def test_a_control_character_is_named_and_does_not_act(tmp_path: Path) -> None:
    path = option_file(tmp_path, "assessors = \x1b[31m3")
    said = refused(path)
    assert "U+001B" in said
    assert "\x1b" not in said


HUGE = "9" * 400


@pytest.mark.parametrize(
    "number", [HUGE, "-" + HUGE, "9" * 5000, "0x" + "f" * 400, "0x" + "f" * 6000, "1e999", "9" * 20]
)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("n_firms = 2000", "n_firms = {}"),
        ("last_year = 2034", "last_year = {}"),
        ("agri_food = 14", "agri_food = {}"),
        ("strength = 0.9", "strength = {}"),
        ("country = 11", "country = {}"),
        ("[world]", "[levers]\ncovenant_amount_eur = {}\n[world]"),
        ("[world]", "[levers]\nlarge_firms_role = {}\n[world]"),
        ("[world]", "[levers]\nprogramme_on = {{ 2016 = {} }}\n[world]"),
        ("[world]", "[parameters]\nfeedback_gain = {}\n[world]"),
        ('name = "pib"', 'name = "pib"\nother = {}'),
        ('name = "pib"', "name = {}"),
    ],
)
def test_huge_numbers_are_one_line_with_the_number(tmp_path: Path, number: str, old: str, new: str) -> None:
    text = load_scenario("pib").to_toml()
    assert old in text
    path = tmp_path / "huge.toml"
    path.write_text(text.replace(old, new.format(number), 1), encoding="utf-8")
    said = refused(path)
    assert "line " in said
    assert "larger than any number that can be worked with" in said
    assert max(map(len, said.splitlines())) < 400


@pytest.mark.parametrize("value", [10**400, -(10**400), 2**100_000], ids=["large", "negative", "unprintable"])
def test_huge_numbers_from_python_are_refused_too(value: int) -> None:
    pib = load_scenario("pib")
    for name, entry in LEVERS.items():
        with pytest.raises(ValueError, match="is not allowed"):
            entry.normalise(value)
        with pytest.raises(ScenarioError):
            pib.with_levers({name: value})
    with pytest.raises(ScenarioError) as parameters:
        pib.with_parameters({"feedback_gain": value})
    with pytest.raises(ScenarioError) as world:
        pib.with_world({"n_firms": value})
    with pytest.raises(ScenarioError) as year:
        pib.with_levers({"assessors": {value: 3}})
    assert all(len(str(caught.value)) < 1000 for caught in (parameters, world, year))


@pytest.mark.parametrize(
    "deep", ["[" * 5000 + "]" * 5000, "{a=" * 5000 + "1" + "}" * 5000, "[" * 25 + "1" + "]" * 25]
)
def test_deep_nesting_is_one_line(tmp_path: Path, deep: str) -> None:
    path = tmp_path / "deep.toml"
    path.write_text(f"name = 'x'\nlevers = {deep}\n", encoding="utf-8")
    assert "line 2" in refused(path)
    assert "20 deep" in refused(path)
    assert "20 deep" in refused_plan(path)
    path.write_text("a." * 3000 + "b = 1\n", encoding="utf-8")
    assert "20 deep" in refused(path)


def test_values_are_shown_short() -> None:
    assert shown_value("x" * 1000) == "xxxxxxxxxx…xxx (1,000 characters)"
    assert shown_value(10**399) == "1000000000…000 (400 digits)"
    assert shown_value(2000) == "2000"
    assert shown_value("2000") == "'2000'"


# A file that is there under another name


def test_a_file_with_another_ending_is_named_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    option_file(tmp_path, "assessors = 3", name="my.txt")
    option_file(tmp_path, "assessors = 3", name="yours.toml.txt")
    option_file(tmp_path, "assessors = 3", name="theirs.toml")
    option_file(tmp_path, "assessors = 3", name="UPPER.TOML")
    (tmp_path / "old.db").write_bytes(b"")
    for reader in (load_scenario, read_plan):
        for name, said, way_out in (
            ("my.txt", "my.txt is there, but a", "mv my.txt my.toml"),
            ("./my.txt", "my.txt is there, but a", "mv my.txt my.toml"),
            ("yours.toml", "yours.toml.txt is there, but a", "mv yours.toml.txt yours.toml"),
            ("my", "my.txt is there, but a", "mv my.txt my.toml"),
            ("theirs", "there is no theirs, but there is theirs.toml", "theirs.toml"),
            ("old.db", "it is a study that was run", "passaat studies old.db"),
        ):
            with pytest.raises(PassaatError) as caught:
                reader(name)
            assert said in str(caught.value)
            assert way_out in caught.value.hint
    assert load_scenario("UPPER.TOML").kind == "option"


@pytest.mark.parametrize(
    "name", ["n" * 256, "n" * 256 + ".toml", "d/" + "n" * 5000 + ".toml", "a\0b.toml", "a\0b", "", "."]
)
def test_names_that_no_file_can_have_are_one_line(name: str) -> None:
    for reader in (load_scenario, read_plan):
        with pytest.raises(PassaatError) as caught:
            reader(name)
        assert "\0" not in str(caught.value)
        assert max(map(len, str(caught.value).splitlines())) < 500


def test_names_in_plans_that_no_file_can_have_are_one_line(tmp_path: Path) -> None:
    body = LIST.replace("points.csv", "a\\u0000b.csv")
    assert "no file can have that name" in refused_plan(plan_file(tmp_path, body))
    plan = plan_file(tmp_path, LIST, "assessors\n2\n3\n")
    plan.write_text(plan.read_text(encoding="utf-8").replace('"pib"', '"a\\u0000b.toml"'), encoding="utf-8")
    assert "a\\x00b.toml" in refused_plan(plan)


def test_a_file_far_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    with path.open("wb") as file:
        file.truncate(2_000_000)  # a hole: no disk is filled
    assert "has 2 MB; of a scenario at most 1 MB are read" in refused(path)


def test_a_file_of_a_million_brackets_or_numbers_is_read_in_a_moment(tmp_path: Path) -> None:
    """Not timed; a reader whose work grows with the square of the file would not come to an end."""
    path = tmp_path / "many.toml"
    path.write_text("a = [" + "1.5, " * 190_000 + "]", encoding="utf-8")
    assert "unknown key 'a'" in refused(path)


def test_an_unknown_name_of_three_thousand_letters_is_shown_short() -> None:
    result = CliRunner().invoke(cli.app, ["run", "pib", "--set", f"{'x' * 3000}=3"])
    assert result.exit_code == 2
    assert "unknown lever 'xxxxxxxxxx…xxx (3,000 characters)'" in result.stderr


@pytest.mark.parametrize("content", ["", "\n", "# nothing", " \t", "\ufeff", "# a\r\n# b\r\n"])
def test_a_file_that_says_nothing_is_a_scenario_or_plan_without_its_parts(
    content: str, tmp_path: Path
) -> None:
    path = tmp_path / "empty.toml"
    path.write_text(content, encoding="utf-8")
    assert "kind is missing" in refused(path)
    assert "reference is missing" in refused_plan(path)


@pytest.mark.parametrize(
    "line",
    [
        "# a remark \x1b[2J",
        'title = "\x1b[2J"',
        "assessors = 3\x1b[2J",
        "\x1b[2J",
        f"{'x' * 300}\x1b[2J = 1",
        "x = 3.000 # \N{RIGHT-TO-LEFT OVERRIDE}",
        "covenant_amount_eur = 3.000 # \N{RIGHT-TO-LEFT OVERRIDE}",
    ],
)
def test_no_line_in_a_message_acts_on_a_terminal(line: str, tmp_path: Path) -> None:
    said = refused(option_file(tmp_path, "follow_up_years = 2", line))
    assert "\x1b" not in said
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in said


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no such pipes there")
def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    reading, writing = os.pipe()

    def write_on() -> None:
        with contextlib.suppress(BrokenPipeError):
            while True:
                os.write(writing, b"a" * 4096)

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        assert "goes on after 1 MB" in refused(Path(f"/dev/fd/{reading}"))
    finally:
        os.close(reading)
        writer.join()
        os.close(writing)


@pytest.mark.parametrize("cell", ["2\x1b[2J", "3.000\x1b", "\x1b[2J" * 20, "2,0\N{RIGHT-TO-LEFT OVERRIDE}"])
def test_no_cell_in_a_message_acts_on_a_terminal(cell: str, tmp_path: Path) -> None:
    for column in ("follow_up_years", "follow_up_eligibility", "support_gain", cell):
        said = refused_plan(plan_file(tmp_path, LIST, f"{column}\n{cell}\n1\n"))
        assert "\x1b" not in said
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in said


def test_a_tab_within_a_number_is_told_like_any_other_blank(tmp_path: Path) -> None:
    said = refused(option_file(tmp_path, "follow_up_eur_per_firm_year = 3\t000"))
    assert "write follow_up_eur_per_firm_year = 3000" in said


def test_a_number_of_thousands_of_digits_is_refused_in_the_words_of_its_lever() -> None:
    with pytest.raises(
        ValueError, match=r"covenant_amount_eur = 1000000000…000 \(5,001 digits\) is not allowed"
    ):
        lever("covenant_amount_eur").parse_setting("1" + "0" * 5_000)


@pytest.mark.parametrize("there", ["points.csv.txt", "points.txt"])
def test_a_list_that_is_there_under_another_ending_is_named(there: str, tmp_path: Path) -> None:
    (tmp_path / there).write_text("draw\n0\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"cannot read .*points\.csv") as refused:
        reading.read_text(tmp_path / "points.csv", StudyError, "a list of points")
    assert f"{there} is there: name it, or rename it." in refused.value.hint


# Lines from a word processor, and names that are nearly right


def test_every_line_with_curly_quotes_is_told_and_corrected(tmp_path: Path) -> None:
    path = option_file(tmp_path, "assessors = 3", "covenant_amount_eur = 200k–")
    lines = path.read_text(encoding="utf-8").splitlines()
    curly = [line.replace(' "', " “").replace('"', "”") for line in lines]
    path.write_text("\n".join(curly), encoding="utf-8")
    said = refused(path)
    wrong = [number for number, line in enumerate(curly, start=1) if not line.isascii()]
    assert [int(number) for number in re.findall(r"line (\d+), column", said)] == wrong
    assert said.splitlines()[0] == f"{len(wrong)} problems:"
    for number, line in enumerate(lines, start=1):
        if curly[number - 1] != line and line.isascii():
            assert f"; write {line}\n" in said, number


@pytest.mark.parametrize(
    ("levers", "whys", "told"),
    [
        (
            "covenant_amont_eur = 3000",
            "covenant_amont_eur",
            ["'covenant_amont_eur'; did you mean 'covenant_amount_eur'"],
        ),
        ("budget = 3000", "budget", ["unknown lever 'budget'; did you mean 'liaison_budget_eur_year' or"]),
        (
            "assessors = 3",
            "asessors",
            ["'asessors'; did you mean 'assessors'", "assessors moves without a reason"],
        ),
        ("asessors = 3", "assessors", ["unknown lever 'asessors'; did you mean 'assessors'"]),
    ],
)
def test_a_lever_that_is_unknown_gets_the_nearest_name_and_nothing_that_follows_from_it(
    tmp_path: Path, levers: str, whys: str, told: list[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OPTION.format(levers=levers, whys=f'{whys} = "Trial."'), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path)
    for one in told:
        assert one in str(caught.value)
    known = levers.split(" ")[0] in LEVERS
    assert known or "without a reason" not in str(caught.value)
    assert "which does not move" not in str(caught.value)


# What stands where a file should be


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such pipes there")
def test_a_pipe_to_which_nobody_writes_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "points.csv")
    os.mkfifo(tmp_path / "mine.toml")
    os.mkfifo(tmp_path / "mine")
    said = f"{tmp_path / 'points.csv'} is a pipe to which nobody writes"
    assert said in refused_plan(plan_file_of_pipe(tmp_path))
    with pytest.raises(ScenarioError, match=r"mine is a pipe to which nobody writes"):
        read_scenario(tmp_path / "mine")
    with pytest.raises(ScenarioError, match=r"mine\.toml is a pipe, and a scenario is a file"):
        load_scenario(tmp_path / "mine.toml")


def plan_file_of_pipe(folder: Path) -> Path:
    path = folder / "plan.toml"
    path.write_text('name = "p"\nquestion = "Why?"\nreference = "pib"\n' + LIST, encoding="utf-8")
    return path


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no such pipes there")
def test_a_pipe_that_is_written_to_is_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    text = option_file(tmp_path, "assessors = 3").read_bytes()

    def write_late() -> None:
        time.sleep(0.2)
        with os.fdopen(writing, "wb") as file:
            file.write(text)

    writer = threading.Thread(target=write_late)
    writer.start()
    try:
        assert dict(read_scenario(Path(f"/dev/fd/{reading}")).levers) == {"assessors": 3}
    finally:
        writer.join()
        os.close(reading)


def test_a_folder_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").mkdir()
    for read, error in ((load_scenario, ScenarioError), (read_plan, StudyError)):
        with pytest.raises(error, match=r"mine\.toml is a folder, and a (scenario|plan) is a file that ends"):
            read(str(tmp_path / "mine.toml"))


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full", "/dev/zero"])
def test_a_device_is_no_scenario(device: str, tmp_path: Path) -> None:
    if not Path(device).exists():
        pytest.skip("this system has no such device")
    with pytest.raises(ScenarioError, match=f"{device} is a device"):
        load_scenario(device)
    with pytest.raises(ScenarioError, match=f"{device} is a device, not a scenario"):
        read_scenario(Path(device))
    path = plan_file(tmp_path, '[design]\nmethod = "sobol"\npoints = 8\n[levers]\nfollow_up_years = "all"\n')
    path.write_text(path.read_text(encoding="utf-8").replace('"pib"', f'"{device}"'), encoding="utf-8")
    assert f"{device} is a device" in refused_plan(path)
