"""Taking over current coverage on a real database."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from openbenefits.enrollment.models import (
    Coverage,
    CoverageDependent,
    CoverageFund,
    ProofDecision,
    ProviderChoice,
)
from openbenefits.enrollment.takeover import TakeOverResult, take_over
from openbenefits.repair.taken_over import TakenOver, operate_on_taken_over
from openbenefits.store.bulk import copy_out
from openbenefits.workforce.models import ChangeSet

from .worlds import NOW, World

FILES = Path(__file__).parent / "files"
ROW = {
    "employee_number": "E1",
    "plan_type": "20",
    "option": "LIFE",
    "begins_on": "2025-01-01",
    "program": "MAIN",
}
TABLES = (
    *("enrollment_coverage", "enrollment_coveragedependent", "enrollment_coveragefund"),
    *("enrollment_proofdecision", "workforce_changeset"),
)


def take(world: World, path: Path) -> TakeOverResult:
    return take_over(world.connection, world.client_id, path, now=NOW, made_by="analyst")


def stored(world: World) -> dict[str, list[str]]:
    queries = {table: f"SELECT t::text AS row FROM {table} AS t ORDER BY 1" for table in TABLES}
    return {
        table: copy_out(world.connection, query, {"row": pl.String})["row"].to_list()
        for table, query in queries.items()
    }


def bad(result: TakeOverResult) -> list[tuple[int, str, str]]:
    return result.bad_rows.select("row", "column", "found").rows()


@pytest.fixture
def people(world: World) -> dict[str, int]:
    ids = {number: world.person(number) for number in ("GOOD", "SECOND", "THIRD")}
    world.family(ids["GOOD"])
    return ids


@pytest.fixture
def employee(world: World) -> int:
    return world.person("E1")


def test_each_fault_is_named_and_good_rows_are_taken(world, people):
    result = take(world, FILES / "takeover_faults.csv")
    assert bad(result) == [
        (5, "employee_number", "xxxxxx"),
        (6, "benefit_record", "4"),
        (7, "option", "xxx-9"),
        (8, "plan_type", "99"),
        (9, "program", "xxxxx"),
        (10, "annual_pledge", "9.999"),
        (10, "begins_on", "99/99/9999"),
        (10, "percent", "999"),
        (11, "option", "blank"),
        (11, "program", "blank"),
        (12, "begins_on", "also in row 13"),
        (13, "begins_on", "also in row 12"),
        (13, "dependents", "1 unknown"),
        (14, "option", "xxxxx"),
        (14, "waived", "xxxxxxx"),
    ]
    assert (result.taken, result.unchanged, result.corrected, result.approvals) == (3, 0, 0, 1)
    said = dict(result.bad_rows.filter(column="option").select("row", "expected").rows())
    assert said[7] == "one of HMO-1, HMO-4"
    said = dict(result.bad_rows.filter(column="plan_type").select("row", "expected").rows())
    assert said[8] == "one of 10, 20, 60"


def test_good_rows_are_stored_whole(world, people):
    result = take(world, FILES / "takeover_faults.csv")
    points = {row.plan_type: row for row in Coverage.objects.all()}
    assert {row.person_id for row in points.values()} == {people["GOOD"]}
    kinds = {name: (row.kind, row.basis, row.rule, row.run_id) for name, row in points.items()}
    assert kinds == {
        "10": ("E", "eligible", "take-over", None),
        "20": ("E", "eligible", "take-over", None),
        "60": ("W", "none", "take-over", None),
    }
    assert points["10"].option_id == world.id_of("option", "MAIN/10/HMO-4")
    assert points["10"].deduction_begins_on == date(2025, 1, 5)
    assert (points["20"].coverage_cents, points["20"].deduction_begins_on) == (50_000_00, date(2025, 1, 1))
    assert points["60"].program_id == world.id_of("program", "MAIN")
    assert CoverageDependent.objects.count() == 2
    assert set(CoverageFund.objects.values_list("fund", "percent")) == {("INDEX", 60), ("BOND", 40)}
    decision = ProofDecision.objects.get()
    assert (decision.plan_type, decision.valid_from, decision.approved_cents, decision.change_id) == (
        "20",
        date(2025, 1, 1),
        40_000_00,
        result.change_id,
    )
    change = ChangeSet.objects.get(pk=result.change_id)
    assert (change.kind, change.label, change.made_by) == ("takeover", "takeover_faults.csv", "analyst")


def test_the_same_file_twice_is_once(world, people):
    first = take(world, FILES / "takeover_faults.csv")
    once = stored(world)
    again = take(world, FILES / "takeover_faults.csv")
    assert stored(world) == once
    assert (again.taken, again.unchanged, again.approvals, again.change_id) == (0, first.taken, 0, None)
    assert again.bad_rows.equals(first.bad_rows)


def test_a_corrected_file_supersedes_what_it_corrects(world, employee, make_file):
    take(world, make_file(ROW | {"coverage_amount": "50000", "approved_amount": "50000"}))
    corrected = make_file(ROW | {"coverage_amount": "60000", "approved_amount": "60000"})
    result = take(world, corrected)
    assert (result.taken, result.corrected, result.approvals) == (1, 1, 1)
    standing = Coverage.objects.get(superseded_by_run__isnull=True)
    assert (standing.version, standing.coverage_cents) == (2, 60_000_00)
    assert list(ProofDecision.objects.order_by("version").values_list("version", "approved_cents")) == [
        (1, 50_000_00),
        (2, 60_000_00),
    ]
    assert take(world, corrected).unchanged == 1


def test_several_days_of_one_plan_type_are_its_history(world, employee, make_file):
    result = take(world, make_file(ROW, ROW | {"begins_on": "2025-06-01"}))
    assert (result.taken, bad(result)) == (2, [])


def test_what_an_event_has_decided_is_left_alone(world, employee, make_file):
    file = make_file(ROW)
    take(world, file)
    point: dict[str, Any] = {
        "client_id": world.client_id,
        "person_id": employee,
        "benefit_record": 0,
        "plan_type": "20",
        "slot": 0,
        "begins_on": date(2026, 1, 1),
        "version": 1,
        "kind": "W",
        "basis": "none",
        "rule": "begins by election",
        "made_at": NOW,
    }
    world.write(Coverage, [point])
    assert (take(world, file).unchanged, take(world, file).taken) == (1, 0)
    result = take(world, make_file(ROW | {"coverage_amount": "10"}))
    assert bad(result) == [(2, "plan_type", "an event wrote this timeline")]


def test_doctors_and_dentists_come_with_coverage(world, people, make_file):
    """By number of the member; a slip is named, and the same file again writes nothing."""
    row = ROW | {"employee_number": "GOOD"}
    wrong = take(world, make_file(row | {"providers": "0:1234567890"}, row | {"providers": "77:1234567893"}))
    assert [name for _row, name, _found in bad(wrong) if name == "providers"] == ["providers"] * 2
    assert not ProviderChoice.objects.exists()
    first = make_file(row | {"providers": "0:1234567893 1:D4711"})
    assert take(world, first).providers == 2
    assert take(world, first).providers == 0
    assert take(world, make_file(row | {"providers": "0:1245319599"})).providers == 1
    told = ProviderChoice.objects.filter(person_id=people["GOOD"], dependent_id=0).order_by("number")
    assert list(told.values_list("number", "provider_id")) == [(1, "1234567893"), (2, "1245319599")]


@pytest.mark.parametrize(("word", "to_on"), [("void", None), ("redate", date(2025, 3, 1))])
def test_the_same_file_again_brings_nothing_in_that_was_put_right(world, employee, make_file, word, to_on):
    path = make_file(ROW)
    assert take(world, path).taken == 1
    order = TakenOver(
        client_id=world.client_id,
        person_id=employee,
        plan_type="20",
        do=word,
        to_on=to_on,
        begins_on=date(2025, 1, 1),
        as_of=date(2025, 6, 1),
        reason="wrong",
        author="analyst",
        begin=date(2025, 1, 1),
        through=date(2025, 12, 31),
    )
    operate_on_taken_over(world.connection, order, now=NOW)
    holding = Coverage.objects.filter(superseded_by_run=None)
    stands = list(holding.values_list("begins_on", flat=True))
    assert stands == ([] if to_on is None else [to_on])
    again = take(world, path)
    assert (again.taken, again.corrected, again.unchanged, again.bad_row_count) == (0, 0, 1, 0)
    assert list(holding.values_list("begins_on", flat=True)) == stands
    operate_on_taken_over(world.connection, replace(order, do="undo", to_on=None), now=NOW)
    assert list(holding.values_list("begins_on", flat=True)) == [date(2025, 1, 1)]
    other = take(world, make_file(ROW | {"coverage_amount": "60000"}))
    assert (other.taken, other.corrected) == (1, 1), "what it says otherwise is new"
