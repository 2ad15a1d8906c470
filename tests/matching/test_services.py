"""A comparison for a client of the product and for a prospect: made, kept unchanged, ordered again, written out."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import fastexcel
import polars as pl
import pytest
from django.db import DatabaseError, connections, transaction
from tests.runs.conftest import Employer, put_enrolled

from openbenefits.matching import files, services, sheets
from openbenefits.matching.candidates import NoCandidates
from openbenefits.matching.models import Comparison, Ordering
from openbenefits.matching.people import with_assumed
from openbenefits.matching.rules.ranking import DEFAULT_WEIGHTS, Scale
from openbenefits.programs.frames import PEO
from openbenefits.reports.files import write_xlsx
from openbenefits.sample import SAMPLE_FOLDER

NOW = datetime(2025, 11, 3, 8, tzinfo=UTC)
PACKAGES = SAMPLE_FOLDER / "matching" / "packages.csv"
PROSPECT = SAMPLE_FOLDER / "matching" / "prospect.csv"


def read_packages() -> files.Candidates:
    read = files.read_candidates(PACKAGES.name, PACKAGES.read_bytes())
    assert read.bad_rows.is_empty()
    return read.found


def asked(client_id: int, **changes: object) -> services.Asked:
    given = {
        "client_id": client_id,
        "title": "2026",
        "as_of": date(2025, 11, 3),
        "prices_on": date(2026, 1, 1),
        "candidates": read_packages(),
        "weights": DEFAULT_WEIGHTS,
    }
    return services.Asked(**(given | changes))


@pytest.fixture(scope="module")
def harbor(database, kept, tmp_path_factory) -> Employer:
    def fill() -> Employer:
        return put_enrolled(tmp_path_factory.mktemp("sample"), people=40)

    return kept(connections["default"], "matching", fill)


def prospect() -> files.Census:
    return files.read_census(PROSPECT.name, PROSPECT.read_bytes()).found


def compared(client_id: int, **changes: object) -> services.Kept:
    made = services.compare(connections["default"], asked(client_id, **changes), made_by="test", now=NOW)
    return services.look(client_id, made.comparison_id)


def test_a_prospect_gets_an_order_of_packages_and_none_is_hidden(harbor: Employer, tmp_path: Path) -> None:
    kept = compared(PEO, census=prospect())
    table = kept.table
    assert sorted(table["code"]) == sorted(set(read_packages().rows["package"]))
    assert table.filter(standing="ranked").height >= 2
    assert kept.ordering.scale == Scale.RANGE
    reasons = dict(sheets.refused(kept).select("code", "rule").iter_rows())
    assert reasons["LEAN"] == "contribution"
    pool = table.filter(code="POOL").row(0, named=True)
    assert pool["margin_cents"] > 0
    assert pool["pool_risk_cents"] > 0
    assert table.filter(code="GOLD-NHP")["margin_cents"][0] == 0
    choice = sheets.plans(kept, services.package_of(kept, "CHOICE")).filter(category="22")
    assert choice.select("tier", "people", "premium_cents", "employee_cents").rows() == [
        ("EE", kept.comparison.people, 50 * kept.comparison.people, 0)
    ]
    book = write_xlsx(tmp_path / "packages.xlsx", sheets.workbook(kept))[0]
    assert "Packages" in fastexcel.read_excel(book).sheet_names


def test_a_client_is_compared_with_what_is_in_force(harbor: Employer) -> None:
    kept = compared(harbor.client_id, as_of=date(2026, 1, 15), prices_on=date(2026, 2, 1))
    today = kept.table.filter(standing="today").row(0, named=True)
    assert kept.ordering.reference == "today"
    assert today["people"] > 0
    assert today["premium_cents"] == today["employer_cents"] + today["employee_cents"]
    assert today["employer_change"] == 0
    number = int(today["package"])
    first = int(kept.table["package"][0])
    people = sheets.beside(kept, number, first, "person")
    assert {"number", "plan_now", "plan_then", "pay_cents_change"} <= set(people.columns)
    by_plan = sheets.beside(kept, number, first, "plan")
    assert (
        by_plan["employer_cents_now"].sum() == people["employer_cents_now"].sum() == today["employer_cents"]
    )


LIFE = (
    "package,category,plan,rate_table,formula,rate,rate_unit,coverage,premium_ee,premium_es,premium_ec,premium_ek,premium_ef,"
    "employer_ee_percent,true_rate\n"
    "SAME,medical,M,,,,,,500,900,800,800,1200,80,\n"
    "SAME,basic_life,SAMPLE-BASIC-LIFE,SAMPLE-BASIC-LIFE,BASIC-1X,,,,,,,,,100,\n"
    "SAME,accidental_death,ADD,,,0.02,per thousand,25000,,,,,,,0.015\n"
    "SAME,long_term_disability,LTD,,,0.6,percent of pay,,,,,,,50,0.5\n"
)


def read_text(text: str) -> files.Read[files.Candidates]:
    return files.read_candidates("packages.csv", text.encode())


def test_life_and_disability_are_compared_by_what_they_cover(harbor: Employer) -> None:
    day = date(2026, 2, 1)
    read = read_text(LIFE)
    assert read.bad_rows.is_empty(), read.bad_rows
    kept = compared(harbor.client_id, candidates=read.found, as_of=day, prices_on=day)
    number = dict(kept.table.select("code", "package").iter_rows())
    rows = sheets.beside(kept, number["today"], number["SAME"], "person")
    life = rows.filter(category="20")
    assert life.height > 0
    for side in ("premium_cents", "employer_cents", "pay_cents"):
        assert life[f"{side}_now"].equals(life[f"{side}_then"], check_names=False), side
    assert life["premium_cents_now"].min() > 0
    plans = sheets.plans(kept, number["SAME"])
    accident = plans.filter(category="22").row(0, named=True)
    everybody = kept.priced.census.people.height  # nobody has it today
    told = ("people", "premium_cents", "employer_cents", "true_cents")
    assert [accident[name] for name in told] == [everybody, 50 * everybody, 0, 38 * everybody]
    assert kept.table.filter(code="SAME")["unplaced"][0] == 0
    assert kept.table.filter(code="today")["unplaced"][0] == 0


def test_what_people_choose_or_nobody_states_is_not_compared(harbor: Employer) -> None:
    head = "package,category,plan,rate,rate_unit,rate_table,formula\n"
    chosen = read_text(f"{head}A,supplemental life,S,0.1,per thousand,,\nA,60,FSA,1,,,\nA,medical,M,1,,,\n")
    assert chosen.bad_rows.select("row", "column").rows() == [(2, "take_up"), (3, "take_up"), (4, "rate")]
    assert "the share of people who choose it" in chosen.bad_rows["expected"][0]
    other = read_text(f"{head}A,dependent life,S,0.1,per thousand,,\n")
    assert "each person chooses" in other.bad_rows["cure"][0]
    for line, why in (
        ("A,basic_life,L,0.1,per thousand,,", "formula or an amount of coverage"),
        ("A,basic_life,L,0.1,per thousand,,NONE", "formula NONE: expected one of the set-up"),
        ("A,basic_life,L,,,SAMPLE-BASIC-LIFE,", "rate per thousand, found neither"),
    ):
        with pytest.raises(NoCandidates, match=why):
            compared(harbor.client_id, candidates=read_text(f"{head}{line}\n").found)


CHOICES = (
    "package,category,plan,rate,rate_unit,coverage,premium_ee,premium_es,premium_ec,premium_ek,premium_ef,"
    "employer_ee,take_up,pledge,seed,true_rate\n"
    "ALL,medical,M,,,,500,900,800,800,1200,400,,,,\n"
    "ALL,supplemental_life,SUPP,0.2,per thousand,50000,,,,,,,25,,,\n"
    "ALL,health_fsa,FSA,4.50,,,,,,,,4.50,40%,1200,,\n"
    "ALL,hsa,HSA,0,,,,,,,,,50,2400,600,0\n"
    "LESS,medical,M,,,,500,900,800,800,1200,400,,,,\n"
)


def test_what_people_choose_is_priced_by_what_is_assumed_and_shown(harbor: Employer) -> None:
    day = date(2026, 2, 1)
    read = read_text(CHOICES)
    assert read.bad_rows.is_empty(), read.bad_rows
    kept = compared(harbor.client_id, candidates=read.found, as_of=day, prices_on=day)
    everybody = kept.priced.census.people.height
    number = dict(kept.table.select("code", "package").iter_rows())
    plans = {row["plan"]: row for row in sheets.plans(kept, number["ALL"]).iter_rows(named=True)}
    told = ("premium_cents", "employer_cents", "employee_cents")
    life, fsa, hsa = ([plans[code][name] for name in told] for code in ("SUPP", "FSA", "HSA"))
    assert life == [250 * everybody, 0, 250 * everybody]  # 50 thousands at 0.20, a quarter of the people
    assert fsa == [180 * everybody, 180 * everybody, 0]  # the fee; what people put in is no cost
    assert hsa == [2_500 * everybody, 2_500 * everybody, 0]  # $50 a month, half of the people
    assert plans["SUPP"]["people"] == round(everybody / 4)
    assumed = sheets.assumed(kept).rows(named=True)
    assert [(one["code"], one["plan"], one["take_up"]) for one in assumed] == [
        ("ALL", "SUPP", "25.0 %"),
        ("ALL", "FSA", "40.0 %"),
        ("ALL", "HSA", "50.0 %"),
    ]
    assert (assumed[2]["pledge_cents"], assumed[2]["seed_cents"]) == (240_000, 60_000)
    assert sheets.workbook(kept)["Assumed"].height == 3
    amounts = {row["code"]: row for row in kept.table.iter_rows(named=True)}
    added = sum(part[1] for part in (life, fsa, hsa))
    assert amounts["ALL"]["employer_cents"] - amounts["LESS"]["employer_cents"] == added
    assert amounts["ALL"]["unplaced"] == amounts["LESS"]["unplaced"]


def test_what_is_kept_is_never_changed_and_can_be_ordered_again(harbor: Employer) -> None:
    kept = compared(PEO, census=prospect())
    services.order_again(
        PEO,
        kept.comparison.pk,
        {"richness": 100},
        reason="staff first",
        made_by="test",
        now=NOW,
    )
    again = services.look(PEO, kept.comparison.pk)
    assert (again.ordering.number, again.ordering.reason) == (2, "staff first")
    assert (
        again.table["richness_hundredths"][0]
        == again.table.filter(standing="ranked")["richness_hundredths"].max()
    )
    first = services.look(PEO, kept.comparison.pk, 1)
    assert first.table.equals(kept.table)
    assert [code for code, _ in first.ordering.order] == kept.table.filter(standing="ranked")[
        "code"
    ].to_list()
    for model in (Comparison, Ordering):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            model.objects.update(made_by="somebody else")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            model.objects.filter(pk=0)._raw_delete("default")
    with pytest.raises(services.NoComparison):
        services.look(harbor.client_id, kept.comparison.pk)


def test_the_same_inputs_have_the_same_fingerprint_and_others_another(harbor: Employer) -> None:
    first, second = (compared(PEO, census=prospect()) for _ in range(2))
    assert first.comparison.inputs == second.comparison.inputs
    other = compared(PEO, census=prospect(), prices_on=date(2026, 2, 1))
    assert other.comparison.inputs != first.comparison.inputs


def test_nothing_personal_is_kept_of_a_prospect(harbor: Employer) -> None:
    kept = compared(PEO, census=prospect())
    assert "birth_on" not in kept.priced.census.people.columns
    assert "zip" not in kept.priced.census.people.columns
    assert kept.priced.census.dependents.is_empty()


def test_cells_that_cannot_be_taken_are_named() -> None:
    text = (
        "number,birth_date,zip,medical\nA,1980-02-30,02139,EE\nA,1980-02-01,2139,EX\n,1980-02-01,02139,EE\n"
    )
    read = files.read_census("census.csv", text.encode())
    assert read.bad_rows.select("row", "column").rows() == [
        (2, "birth_date"),
        (3, "medical"),
        (3, "number"),
        (3, "zip"),
        (4, "number"),
    ]
    with pytest.raises(files.FileRefused, match="package, category, plan"):
        files.read_candidates("packages.csv", b"name\nx\n")
    read_rates = files.read_candidates("packages.csv", b"package,category,plan\nA,medical,P\n")
    assert read_rates.bad_rows["column"].to_list() == ["rate_table"]


def test_tiers_of_a_household_are_those_of_who_is_listed() -> None:
    text = (
        "number,person,birth_date\nA,,1980-01-01\nB,,1980-01-01\nB,child,2010-01-01\nC,,1980-01-01\n"
        "C,spouse,1980-01-01\nC,child,2010-01-01\nD,,1980-01-01\nD,child,2010-01-01\nD,child,2012-01-01\n"
    )
    census = files.read_census("census.csv", text.encode()).found
    assert census.covered.sort("person")["tier"].to_list() == ["EE", "EC", "EF", "EK"]
    assert census.covered["category"].unique().to_list() == ["10"]
    assert isinstance(census.people["zip"].dtype, pl.Int32)


def test_untiered_coverage_is_what_the_census_says_or_begins_with_everybody() -> None:
    text = "number,birth_date,basic_life\nA,1980-01-01,household\nB,1980-01-01,none\nC,1980-01-01,\n"
    census = files.read_census("census.csv", text.encode()).found
    known = census.covered.group_by("category").agg(pl.col("person").sort(), pl.col("tier").first())
    assert known.sort("category").rows() == [("10", [0, 1, 2], "EE"), ("20", [0], "EE")]
    offers = pl.DataFrame({"category": ["10", "11", "20", "31", "21"], "take_up_micros": [None] * 4 + [1]})
    offers = offers.with_columns(option=pl.lit(None, pl.String))
    begun = with_assumed(census, offers)
    assert begun.assumed == ("31",)
    assert begun.covered.filter(category="31")["person"].to_list() == [0, 1, 2]
    assert begun.covered.filter("is_asked", category="21")["person"].to_list() == [0, 1, 2]
    assert begun.covered.height == census.covered.height + 3 + 3
    of_setup = offers.with_columns(option=pl.lit("MAIN/31/LTD"))
    assert with_assumed(census, of_setup).assumed == ("31",)
    assert (
        with_assumed(replace(census, prepared=("31",)), of_setup).assumed == ()
    )  # offered, and nobody has it
