"""A comparison for a client of the product and for a prospect: made, kept unchanged, ordered again, written out."""

from datetime import UTC, date, datetime
from pathlib import Path

import fastexcel
import polars as pl
import pytest
from django.db import DatabaseError, connections, transaction
from tests.runs.conftest import Employer, put_enrolled

from openbenefits.matching import files, services, sheets
from openbenefits.matching.models import Comparison, Ordering
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
