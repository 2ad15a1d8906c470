"""Taking elections on a real database: form, numbering, status, locks."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from openbenefits.enrollment.elections import (
    EntryResult,
    FileRefused,
    enter_file,
    enter_one,
    progress_of,
    withdraw,
)
from openbenefits.enrollment.models import Election, ElectionBeneficiary, ElectionDependent, ElectionFund
from openbenefits.events.models import Event, EventStep
from openbenefits.store.bulk import copy_out
from openbenefits.store.catalogue import psycopg_connection

from .worlds import NOW, World

FILES = Path(__file__).parent / "files"
ROW = {"employee_number": "E1", "plan_type": "10", "option": "HMO-1", "received_on": "2025-11-03"}

DUMPS = {
    "enrollment_election": ["submission", "option_code", "option_id", "received_on", "is_withdrawn"],
    "enrollment_electiondependent": ["submission", "dependent_id"],
    "enrollment_electionfund": ["submission", "fund", "percent"],
    "events_event": ["process_status", "event_status", "steps", "elected_on", "elect_source"],
    "events_eventstep": ["step", "from_status", "to_status"],
}


def enter(world: World, path: Path, **changes: Any) -> EntryResult:
    return enter_file(world.connection, world.client_id, path, received_by="clerk", now=NOW, **changes)


def one(world: World, person_id: int, plan_type: str, option: str, **changes: Any) -> EntryResult:
    given = {
        "benefit_record": 0,
        "schedule_id": world.id_of("schedule", "OE26"),
        "event_number": 0,
        "received_on": date(2025, 11, 3),
        "elector": "Ann",
        "source": "administrator",
        "now": NOW,
    }
    return enter_one(
        world.connection,
        world.client_id,
        person_id=person_id,
        plan_type=plan_type,
        option_code=option,
        **(given | changes),
    )


def stored(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Everything an entry may write."""
    found = {}
    for table, columns in DUMPS.items():
        query = f"SELECT person_id::text, {', '.join(f'{name}::text' for name in columns)} FROM {table}"
        schema = dict.fromkeys(["person_id", *columns], pl.String)
        found[table] = sorted(copy_out(world.connection, query, schema).rows(), key=str)
    return found


def bad(result: Any) -> list[tuple[int, str, str]]:
    return result.bad_rows.select("row", "column", "found").rows()


def status_of(person_id: int) -> tuple[str, str]:
    event = Event.objects.get(person_id=person_id, event_number=0)
    return event.process_status, event.event_status


@pytest.fixture
def employee(world: World) -> int:
    """E1 with a family and an open event at PR."""
    person_id = world.person("E1")
    world.family(person_id)
    world.event(person_id, "PR")
    return person_id


@pytest.fixture
def everybody(world: World) -> dict[str, int]:
    """The people of the golden file."""
    ids = {}
    for number in ("GOOD", "FORM", "SECOND", "THIRD", "FOURTH", "FIFTH"):
        ids[number] = world.person(number)
        world.event(ids[number], "PR")
    world.family(ids["GOOD"])
    world.family(ids["THIRD"])
    for number, status, event_status, changes in (
        ("ASSIGNED", "AS", "O", {}),
        ("NOTHING", "FP", "C", {}),
        ("VOIDED", "PR", "V", {}),
        ("NOWINDOW", "FE", "C", {"window_begins_on": None, "window_ends_on": None}),
        ("OTHEROPEN", "FE", "C", {}),
    ):
        ids[number] = world.person(number)
        world.event(ids[number], status, event_status, **changes)
    schedule = world.id_of("schedule", "EM")
    world.event(ids["OTHEROPEN"], "PR", schedule_id=schedule, event_number=1, source="TJ")
    return ids


# --- the golden file ----------------------------------------------------------------------------------------


def test_each_fault_is_named_and_good_rows_are_taken(world, everybody):
    result = enter(world, FILES / "election_faults.csv")
    assert bad(result) == [
        (5, "employee_number", "xxxxxx"),
        (6, "schedule", "xx99"),
        (7, "event_number", "none, or more than one"),
        (8, "event_number", "none open"),
        (9, "event_number", "AS, open"),
        (10, "event_number", "FP, closed"),
        (11, "event_number", "PR, void"),
        (12, "event_number", "FE, closed"),
        (13, "event_number", "another event is open"),
        (14, "received_on", "2025-12-04"),
        (15, "received_on", "2025-10-31"),
        (16, "plan_type", "99"),
        (17, "coverage_amount", "99x"),
        (18, "annual_pledge", "99.999"),
        (19, "annual_pledge", "-99"),
        (20, "dependents", "1 unknown"),
        (20, "received_on", "9999-99-99"),
        (21, "dependents", "xxxxx"),
        (21, "funds", "xxxxx:99 xxxxx:99"),
        (21, "percent", "9.999"),
        (22, "plan_type", "also in row 23"),
        (23, "plan_type", "also in row 22"),
        (24, "option", "blank"),
        (24, "received_on", "blank"),
        (25, "dependents", "1 unknown"),
        (25, "funds", "xxxx:999"),
    ]
    assert (result.rows_read, result.entered, result.unchanged, result.events_moved) == (24, 3, 0, 1)
    assert result.bad_rows["expected"].str.len_chars().min() > 0
    assert result.bad_rows["cure"].str.len_chars().min() > 0


def test_good_rows_are_stored_whole(world, everybody):
    enter(world, FILES / "election_faults.csv")
    elections = {row.plan_type: row for row in Election.objects.all()}
    assert {row.person_id for row in elections.values()} == {everybody["GOOD"]}
    assert elections["10"].option_id == world.id_of("option", "MAIN/10/HMO-4")
    assert (elections["20"].option_code, elections["20"].option_id) == ("NO-SUCH", None)
    assert elections["60"].pledge_cents == 1500_50
    assert {(row.elector, row.source) for row in elections.values()} == {("clerk", "file")}
    assert ElectionDependent.objects.count() == 2
    assert set(ElectionFund.objects.values_list("fund", "percent")) == {("INDEX", 60), ("BOND", 40)}
    event = Event.objects.get(person_id=everybody["GOOD"])
    assert (event.process_status, event.elected_on, event.elect_source) == ("ET", date(2025, 11, 3), "file")
    step = EventStep.objects.get()
    assert (step.from_status, step.to_status, step.actor, step.cause) == (
        "PR",
        "ET",
        "clerk",
        "elections entered",
    )


# --- laws ---------------------------------------------------------------------------------------------------


def test_the_same_file_twice_is_once(world, everybody):
    first = enter(world, FILES / "election_faults.csv")
    once = stored(world)
    again = enter(world, FILES / "election_faults.csv")
    assert stored(world) == once
    assert (again.entered, again.unchanged, again.events_moved) == (0, first.entered, 0)
    assert again.bad_rows.equals(first.bad_rows)


def test_an_older_file_after_a_newer_one_changes_nothing(world, employee, make_file):
    older = make_file(ROW, name="older.csv")
    enter(world, older)
    enter(world, make_file(ROW | {"option": "WAIVE", "received_on": "2025-11-10"}))
    before = stored(world)
    result = enter(world, older)
    assert (result.entered, result.unchanged, bad(result)) == (0, 1, [])
    assert stored(world) == before


def test_an_older_election_never_entered_before_is_refused(world, employee, make_file):
    enter(world, make_file(ROW | {"received_on": "2025-11-10"}))
    result = enter(world, make_file(ROW | {"option": "WAIVE"}))
    assert bad(result) == [(2, "received_on", "2025-11-03")]
    assert Election.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"option": "WAIVE"},
        {"received_on": "2025-11-04"},
        {"dependents": "1"},
        {"funds": "INDEX:100"},
        {"percent": "7.25%"},
        {"coverage_amount": "$50,000"},
        {"other_coverage": "of the spouse"},
        {"after_tax_percent": "2.5"},
        {"hours": "8.25"},
        {"files_separately": "Y"},
        {"waiver_proof": "medicare"},
        {"waiver_proof_on": "2025-11-02"},
        {"beneficiaries": "1:100"},
        {"contingent_beneficiaries": "1:100"},
    ],
)
def test_whatever_differs_is_a_further_submission(world, employee, make_file, change):
    names = ("dependents", "funds", "percent", "coverage_amount", "other_coverage", "after_tax_percent")
    more = ("hours", "files_separately", "waiver_proof", "waiver_proof_on", "beneficiaries")
    empty = dict.fromkeys((*names, *more, "contingent_beneficiaries"), "")
    enter(world, make_file(empty | ROW))
    result = enter(world, make_file(empty | ROW | change))
    assert (result.entered, result.events_moved) == (1, 0)
    assert sorted(Election.objects.values_list("submission", flat=True)) == [1, 2]


STATED = {
    "hours": "8.25",
    "after_tax_percent": "2.5",
    "files_separately": "Y",
    "waiver_proof": "Medicare",
    "waiver_proof_on": "2025-11-02",
    "beneficiaries": "2:66.67 1:33.33",
    "contingent_beneficiaries": "1:100",
}


def test_what_goes_with_an_election_is_stored(world, employee, make_file):
    assert bad(enter(world, make_file(ROW | STATED))) == []
    row = Election.objects.get()
    assert (row.hours_hundredths, row.after_tax_thousandths, row.files_separately) == (825, 2_500, True)
    assert (row.waiver_proof, row.waiver_proof_on) == ("medicare", date(2025, 11, 2))
    shares = ElectionBeneficiary.objects.order_by("is_contingent", "percent_hundredths")
    assert list(shares.values_list("is_contingent", "percent_hundredths")) == [
        (False, 3_333),
        (False, 6_667),
        (True, 10_000),
    ]
    result = one(
        world,
        employee,
        "10",
        "HMO-1",
        hours_hundredths=825,
        after_tax_thousandths=2_500,
        files_separately=True,
        waiver_proof="medicare",
        waiver_proof_on=date(2025, 11, 2),
        beneficiaries={1: 3_333, 2: 6_667},
        contingent_beneficiaries={1: 10_000},
    )
    assert (result.entered, result.unchanged) == (0, 1)


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("beneficiaries", "1:33.333"),
        ("beneficiaries", "1:50 1:50"),
        ("beneficiaries", "1:101"),
        ("beneficiaries", "9:100"),
        ("contingent_beneficiaries", "spouse:100"),
        ("contingent_beneficiaries", "9:100"),
        ("waiver_proof", "a letter"),
        ("waiver_proof_on", "soon"),
        ("hours", "-1"),
        ("after_tax_percent", "100.01"),
        ("files_separately", "maybe"),
    ],
)
def test_what_goes_with_an_election_is_read_strictly(world, employee, make_file, column, cell):
    assert [found for _, found, _ in bad(enter(world, make_file(ROW | {column: cell})))] == [column]
    assert Election.objects.count() == 0


def test_one_by_one_equals_the_file(world, employee, make_file):
    enter(world, make_file(ROW | {"option": "HMO-4", "dependents": "2 1", "annual_pledge": "12.30"}))
    result = one(world, employee, "10", "HMO-4", dependents=[1, 2], pledge_cents=1230)
    assert (result.entered, result.unchanged) == (0, 1)


def test_a_workbook_equals_the_csv(world, employee, make_file):
    enter(world, make_file(ROW | {"dependents": "1"}))
    before = stored(world)
    result = enter(world, make_file(ROW | {"dependents": "1"}, name="same.xlsx"))
    assert (result.unchanged, bad(result)) == (1, [])
    assert stored(world) == before


# --- status -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["PR", "NT", "EE", "RE"])
def test_an_election_moves_its_event_to_entered(world, status):
    person_id = world.person("E1")
    world.event(person_id, status)
    assert one(world, person_id, "10", "HMO-1").events_moved == 1
    assert status_of(person_id) == ("ET", "O")
    assert EventStep.objects.get().from_status == status


def test_a_further_election_does_not_move_it(world, employee):
    one(world, employee, "10", "HMO-1")
    result = one(world, employee, "60", "FSA", pledge_cents=1000_00, received_on=date(2025, 11, 2))
    assert (result.entered, result.events_moved) == (1, 0)
    assert EventStep.objects.count() == 1
    assert Event.objects.get().elected_on == date(2025, 11, 3)


@pytest.mark.parametrize(
    ("status", "event_status"),
    [(None, "C"), ("AS", "O"), ("AE", "O"), ("PE", "O"), ("FP", "C"), ("PR", "C"), ("PR", "V"), ("PR", "D")],
)
def test_an_illegal_status_is_refused(world, status, event_status):
    person_id = world.person("E1")
    world.event(person_id, status, event_status)
    before = stored(world)
    result = one(world, person_id, "10", "HMO-1")
    assert [column for _, column, _ in bad(result)] == ["event_number"]
    assert stored(world) == before


def test_a_final_enrolment_is_reopened_inside_its_window(world):
    person_id = world.person("E1")
    world.event(person_id, "FE", "C", elected_on=date(2025, 11, 2), elect_source="file")
    assert one(world, person_id, "10", "HMO-1").events_moved == 1
    assert status_of(person_id) == ("ET", "O")
    assert EventStep.objects.get().cause == "submitted again inside the window"
    assert Event.objects.get().elected_on == date(2025, 11, 2)


def test_a_final_enrolment_stays_final_after_its_window(world):
    person_id = world.person("E1")
    world.event(person_id, "FE", "C")
    result = one(world, person_id, "10", "HMO-1", received_on=date(2025, 12, 1))
    assert [column for _, column, _ in bad(result)] == ["received_on"]
    assert status_of(person_id) == ("FE", "C")


def test_two_final_events_are_not_reopened_together(world, make_file):
    person_id = world.person("E1")
    world.event(person_id, "FE", "C")
    world.event(person_id, "FE", "C", schedule_id=world.id_of("schedule", "EM"), event_number=1)
    rows = [ROW | {"schedule": "OE26", "event_number": "0"}, ROW | {"schedule": "EM", "event_number": "1"}]
    result = enter(world, make_file(*rows))
    assert bad(result) == [(3, "event_number", "another event is open")]
    assert Event.objects.filter(event_status="O").count() == 1


# --- locks --------------------------------------------------------------------------------------------------


def test_whoever_a_run_works_on_is_left_out(world, employee, make_file):
    other = world.person("E2")
    world.event(other, "PR")
    file = make_file(ROW, ROW | {"employee_number": "E2"})
    with psycopg.connect(psycopg_connection(world.connection).info.dsn) as run:
        run.execute("SELECT 1 FROM workforce_person WHERE id = %s FOR NO KEY UPDATE", [employee])
        result = enter(world, file)
    assert bad(result) == [(2, "employee_number", "being processed")]
    assert result.bad_rows["cure"][0].startswith("try again")
    assert (result.entered, status_of(employee)[0], status_of(other)[0]) == (1, "PR", "ET")
    assert enter(world, file).entered == 1


def test_people_of_another_client_are_unknown(world, employee, make_file):
    result = enter_file(world.connection, world.client_id + 1, make_file(ROW), received_by="clerk", now=NOW)
    assert bad(result) == [(2, "employee_number", "x9")]


# --- withdrawing, progress ----------------------------------------------------------------------------------


def withdrawn(world: World, person_id: int) -> EntryResult:
    return withdraw(
        world.connection,
        world.client_id,
        person_id=person_id,
        benefit_record=0,
        schedule_id=world.id_of("schedule", "OE26"),
        event_number=0,
        plan_type="10",
        received_on=date(2025, 11, 4),
        elector="Ann",
        source="administrator",
        now=NOW,
    )


def test_a_withdrawal_is_the_next_submission(world, employee, make_file):
    file = make_file(ROW)
    enter(world, file)
    assert withdrawn(world, employee).entered == 1
    rows = Election.objects.order_by("submission").values_list("submission", "option_code", "is_withdrawn")
    assert list(rows) == [(1, "HMO-1", False), (2, "HMO-1", True)]
    assert bad(withdrawn(world, employee)) == [(1, "plan_type", "none")]
    assert enter(world, file).entered == 0


def test_there_must_be_something_to_withdraw(world, employee):
    assert bad(withdrawn(world, employee)) == [(1, "plan_type", "none")]


def test_progress_counts_choices_and_what_stands(world, employee):
    def progress() -> list[tuple[Any, ...]]:
        found = progress_of(world.connection, world.id_of("schedule", "OE26"))
        return found.select("process_status", "choices", "entered").rows()

    assert progress() == [("PR", 2, 0)]
    one(world, employee, "10", "HMO-1")
    one(world, employee, "20", "LIFE")
    one(world, employee, "60", "FSA", pledge_cents=1, source="pre-entered")
    assert progress() == [("ET", 2, 1)]
    withdrawn(world, employee)
    assert progress() == [("ET", 2, 0)]


# --- one by one, and files as a whole ----------------------------------------------------------------------


def test_one_election_is_checked_like_a_row(world, employee):
    result = one(world, employee, "10", "HMO-1", percent_thousandths=7_125, funds={"A": 0}, dependents=[9])
    assert [column for _, column, _ in bad(result)] == ["dependents", "funds", "percent"]
    assert [column for _, column, _ in bad(one(world, 10**9, "10", "HMO-1"))] == ["employee_number"]
    assert [column for _, column, _ in bad(one(world, employee, "10", "HMO-1", schedule_id=10**6))] == [
        "schedule"
    ]
    assert Election.objects.count() == 0


@pytest.mark.parametrize("column", ["coverage_cents", "pledge_cents", "hours_hundredths"])
def test_an_amount_nobody_can_mean_is_a_bad_row(world, employee, column):
    named = {
        "coverage_cents": "coverage_amount",
        "pledge_cents": "annual_pledge",
        "hours_hundredths": "hours",
    }
    for value in (10**12 + 1, 2**62, -1):
        found = one(world, employee, "10", "HMO-1", **{column: value})
        assert [name for _, name, _ in bad(found)] == [named[column]]
    assert Election.objects.count() == 0


def test_headings_may_be_mapped(world, employee, make_file):
    row = {"EE #": "E1", "Plan type": "10", "Choice": "HMO-1", "Received on": "2025-11-03", "Shoe size": "9"}
    mapping = {"EE #": "employee_number", "Choice": "option"}
    result = enter(world, make_file(row), mapping=mapping)
    assert (result.entered, result.unknown_headings) == (1, ["Shoe size"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "expected a row of headings"),
        (b"employee_number,plan_type,option,received_on\n", "rows below it"),
        (b"employee_number,plan_type,option\nE1,10,X\n", "headings for received_on"),
        (b"option,Option,employee_number,plan_type,received_on\na,b,c,d,e\n", "two headings"),
        (b"employee_number,plan_type,option,received_on\nE1,10,X,2025-11-03,1\n", "expected 4 cells"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused(world, tmp_path, content, said):
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(FileRefused, match=said):
        enter(world, path)


def test_blank_rows_and_semicolons_are_passed_over(world, employee, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("employee_number;plan_type;option;received_on\n\nNOBODY;10;X;2025-11-03\n;;;\n")
    assert bad(enter(world, path)) == [(3, "employee_number", "xxxxxx")]
