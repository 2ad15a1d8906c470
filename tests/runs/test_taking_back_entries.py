"""Elections and take-overs taken back are as if they had never come in; what is built on them goes first."""

from datetime import date, timedelta

import polars as pl
import pytest
from tests.cli.conftest import cli

from openbenefits.core.codes import Level
from openbenefits.enrollment.elections import enter_file, enter_one, withdraw
from openbenefits.enrollment.models import Coverage, Election, ProofDecision
from openbenefits.enrollment.takeover import take_over
from openbenefits.payroll.models import Taken
from openbenefits.runs.acts import ActRefused
from openbenefits.runs.models import Run
from openbenefits.runs.services import run
from openbenefits.runs.taking_back import Released, take_back
from openbenefits.runs.taking_back_entries import take_back_entry, takeover_deltas
from openbenefits.runs.windows import run_window_ends
from openbenefits.store.bulk import copy_out
from openbenefits.workforce.models import ChangeSet

from .conftest import NOW
from .test_taking_back import assert_same, state

__all__ = ["cli"]

LATER = NOW + timedelta(days=10)
WHY = {"reason": "the wrong file", "author": "boss", "now": LATER}
STANDING = """
SELECT * FROM (
  SELECT DISTINCT ON (person_id, schedule_id, event_number, plan_type, slot) person_id, schedule_id, event_number,
    plan_type, option_code, coverage_cents, pledge_cents, received_on, elector, source, is_withdrawn
  FROM enrollment_election
  ORDER BY person_id, schedule_id, event_number, plan_type, slot, submission DESC
) AS last WHERE NOT is_withdrawn
"""
RECEIVED = "SELECT person_id, event_number, elected_on, elect_source FROM events_event"
APPROVED = """
SELECT * FROM (SELECT DISTINCT ON (person_id, plan_type, valid_from) person_id, plan_type, valid_from,
    approved_cents, is_withdrawn FROM enrollment_proofdecision
  ORDER BY person_id, plan_type, valid_from, version DESC) AS last WHERE NOT is_withdrawn
"""
OFFERED = """
SELECT DISTINCT ON (n.employee_number) n.employee_number, p.code AS option, e.person_id, e.event_number
FROM enrollment_eventoption AS o JOIN programs_option AS p ON p.option_id = o.option_id
JOIN programs_coveragecode AS c ON c.coverage_code_id = p.coverage_code_id
JOIN events_event AS e ON e.person_id = o.person_id AND e.event_number = o.event_number
  AND e.schedule_id = o.schedule_id AND e.preparation = o.preparation
JOIN workforce_person AS n ON n.id = e.person_id
WHERE o.is_electable AND o.plan_type = '10' AND c.code = '1' AND e.process_status = 'PR'
ORDER BY n.employee_number, o.is_default, p.code
"""


def whole(connection, employer):
    found = state(connection, employer)
    for name, query in {"elections": STANDING, "received": RECEIVED, "approved": APPROVED}.items():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({query}) AS q LIMIT 0")
            names = [column.name for column in cursor.description]
        found[name] = copy_out(connection, query, dict.fromkeys(names, pl.String)).sort(names)
    return found


@pytest.fixture
def prepared(fresh_database, kept, make_employer):
    def build():
        employer = make_employer(fresh_database, is_faulty=False, people=40)
        run(fresh_database, employer.order(through=Level.OPTIONS), now=NOW)
        return employer

    return kept(fresh_database, "taking back entries", build)


def offered(connection) -> pl.DataFrame:
    schema = {
        "employee_number": pl.String,
        "option": pl.String,
        "person_id": pl.Int64,
        "event_number": pl.Int32,
    }
    return copy_out(connection, OFFERED, schema)


def election_file(connection, folder, name="elections.csv", *, most=12, day=date(2025, 11, 20)):
    rows = offered(connection).head(most)
    path = folder / name
    rows.select(
        "employee_number", "option", schedule=pl.lit("OE26"), plan_type=pl.lit("10"), received_on=pl.lit(day)
    ).write_csv(path)
    return path


def enter(connection, employer, path, now=NOW):
    done = enter_file(connection, employer.client_id, path, received_by="us", now=now)
    assert done.bad_row_count == 0, done.bad_rows
    return done


def test_a_file_taken_back_was_never_entered_and_may_come_again(fresh_database, prepared, tmp_path):
    before = whole(fresh_database, prepared)
    path = election_file(fresh_database, tmp_path)
    entered = enter(fresh_database, prepared, path)
    assert entered.entered >= 5
    after = whole(fresh_database, prepared)
    assert not after["elections"].equals(before["elections"])
    told = take_back_entry(fresh_database, entered.change_id, **WHY, is_rehearsal=True)
    assert_same(whole(fresh_database, prepared), after)
    done = take_back_entry(fresh_database, entered.change_id, **WHY)
    assert (done.elections, done.events) == (told.elections, told.events) == (entered.entered,) * 2
    assert_same(whole(fresh_database, prepared), before)
    assert Election.objects.filter(change_id=entered.change_id).count() == entered.entered, (
        "nothing is erased"
    )
    with pytest.raises(ActRefused, match="taken back already"):
        take_back_entry(fresh_database, entered.change_id, **WHY)
    again = enter(fresh_database, prepared, path, now=LATER)
    assert again.entered == entered.entered
    assert_same(whole(fresh_database, prepared), after)


def test_a_correction_taken_back_leaves_the_election_before_it(fresh_database, prepared, tmp_path):
    row = offered(fresh_database).row(0, named=True)
    first = enter(fresh_database, prepared, election_file(fresh_database, tmp_path, most=1))
    before = whole(fresh_database, prepared)
    place = {
        "person_id": row["person_id"], "benefit_record": 0, "schedule_id": prepared.open_enrollment,
        "event_number": row["event_number"], "plan_type": "10", "received_on": date(2025, 11, 21),
        "elector": "them", "source": "administrator", "now": LATER,
    }  # fmt: skip
    waived = enter_one(fresh_database, prepared.client_id, option_code="WAIVE", **place)
    gone = withdraw(fresh_database, prepared.client_id, **place)
    with pytest.raises(ActRefused, match=f"found the entries {waived.change_id}, {gone.change_id}"):
        take_back_entry(fresh_database, first.change_id, **WHY)
    take_back_entry(fresh_database, gone.change_id, **WHY)
    take_back_entry(fresh_database, waived.change_id, **WHY)
    assert_same(whole(fresh_database, prepared), before)
    take_back_entry(fresh_database, first.change_id, **WHY)
    assert whole(fresh_database, prepared)["elections"].is_empty()


def test_what_runs_decided_with_elections_goes_first_and_comes_again(fresh_database, prepared, tmp_path, cli):
    before = whole(fresh_database, prepared)
    entered = enter(fresh_database, prepared, election_file(fresh_database, tmp_path))
    between = whole(fresh_database, prepared)
    made = run(fresh_database, prepared.order(is_finalizing=True, through=Level.ELECTIONS), now=LATER)
    refused = cli("elect", "take-back", entered.change_id, "--reason", "wrong")
    assert refused.exit_code == 1
    assert f"found the runs {made.run_id}" in " ".join(refused.output.split())
    take_back(fresh_database, made.run_id, **WHY)
    assert_same(whole(fresh_database, prepared), between)
    assert cli("census", "take-back", entered.change_id).exit_code == 1
    assert cli("elect", "take-back", entered.change_id, "--reason", "wrong").exit_code == 0
    assert_same(whole(fresh_database, prepared), before)


def test_two_runs_of_the_same_events_go_back_one_after_the_other(fresh_database, prepared):
    first = Run.objects.get()
    before = whole(fresh_database, prepared)
    second = run(fresh_database, prepared.order(is_finalizing=True, through=Level.ELECTIONS), now=LATER)
    take_back(fresh_database, second.run_id, **WHY)
    assert_same(whole(fresh_database, prepared), before)
    third = run(fresh_database, prepared.order(is_finalizing=True, through=Level.ELECTIONS), now=LATER)
    take_back(fresh_database, third.run_id, **WHY)
    take_back(fresh_database, first.pk, **WHY)
    assert whole(fresh_database, prepared)["events"].is_empty()
    assert not Coverage.objects.filter(superseded_by_run=None).exists()


def test_ends_of_windows_go_back_with_the_runs_they_started(fresh_database, prepared):
    before = whole(fresh_database, prepared)
    done = run_window_ends(
        fresh_database, prepared.client_id, as_of=date(2026, 6, 1), now=LATER, started_by="night"
    )
    parts = Run.objects.get(pk=done.run_id).options["runs"]
    assert len(parts) == 1
    assert not whole(fresh_database, prepared)["timeline"].is_empty()
    take_back(fresh_database, done.run_id, **WHY)
    assert_same(whole(fresh_database, prepared), before)


# --- coverage taken over ----------------------------------------------------------------------------------------


def takeover_file(connection, folder, name, *, cents="10000", program, rows):
    path = folder / name
    lines = [f"{number},21,{option},{program},2025-01-01,{cents},{cents}" for number, option in rows]
    heading = "employee_number,plan_type,option,program,begins_on,coverage_amount,approved_amount"
    path.write_text("\n".join([heading, *lines]) + "\n")
    return path


@pytest.fixture
def employer(fresh_database, make_employer):
    return make_employer(fresh_database, is_faulty=False, people=20)


@pytest.fixture
def rows(fresh_database, employer):
    """People, and an option of supplemental life with its program, as the set-up has them."""
    schema = {"program": pl.String, "option": pl.String}
    query = """SELECT g.code AS program, o.code AS option FROM programs_option AS o JOIN programs_program AS g
        USING (client_id, program_id) WHERE o.plan_type = '21' AND o.option_type = 'O' AND o.client_id = %(client)s
        ORDER BY 1, 2 LIMIT 1"""
    place = copy_out(fresh_database, query, schema, {"client": employer.client_id}).row(0, named=True)
    numbers = copy_out(
        fresh_database, "SELECT employee_number FROM workforce_person ORDER BY 1 LIMIT 6",
        {"employee_number": pl.String},
    )["employee_number"]  # fmt: skip
    return {"program": place["program"], "rows": [(one, place["option"]) for one in numbers]}


def test_a_take_over_taken_back_never_came_and_a_correction_leaves_the_first(
    fresh_database, employer, rows, tmp_path
):
    def bring(name, cents, now=NOW):
        path = takeover_file(fresh_database, tmp_path, name, cents=cents, **rows)
        done = take_over(fresh_database, employer.client_id, path, now=now, made_by="us")
        assert done.bad_rows.is_empty(), done.bad_rows
        return done

    before = whole(fresh_database, employer)
    first = bring("first.csv", "10000")
    assert (first.taken, first.approvals) == (6, 6)
    between = whole(fresh_database, employer)
    second = bring("second.csv", "20000", now=LATER)
    assert second.corrected == 6
    with pytest.raises(ActRefused, match="later take-over"):
        take_back_entry(fresh_database, first.change_id, **WHY)
    take_back_entry(fresh_database, second.change_id, **WHY)
    assert_same(whole(fresh_database, employer), between)
    done = take_back_entry(fresh_database, first.change_id, **WHY)
    assert (done.points, done.approvals) == (6, 6)
    assert_same(whole(fresh_database, employer), before)
    assert ProofDecision.objects.exists(), "nothing is erased"
    assert bring("first.csv", "10000", now=LATER).taken == 6
    assert_same(whole(fresh_database, employer), between)


def test_a_take_over_that_was_used_or_paid_stays(fresh_database, employer, rows, tmp_path):
    path = takeover_file(fresh_database, tmp_path, "first.csv", **rows)
    came = take_over(fresh_database, employer.client_id, path, now=NOW, made_by="us")
    used = run(fresh_database, employer.order(through=Level.OPTIONS), now=LATER)
    with pytest.raises(ActRefused, match=f"found the runs {used.run_id}"):
        take_back_entry(fresh_database, came.change_id, **WHY)
    take_back(fresh_database, used.run_id, **WHY)
    person = Coverage.objects.filter(rule="take-over").first().person_id
    report = ChangeSet.objects.create(
        client_id=employer.client_id, kind="taken", label="a pay", made_at=LATER, made_by="payroll"
    )
    Taken.objects.create(
        client_id=employer.client_id, person_id=person, benefit_record=0, plan_type="21", kind="deduction",
        tax_class="A", pay_group_id=1, ends_on=date(2025, 11, 30), version=1, pay_number=24, taken_cents=100,
        change_id=report.pk, known_since=LATER, is_deleted=False,
    )  # fmt: skip
    before = whole(fresh_database, employer)
    with pytest.raises(Released, match="payroll took"):
        take_back_entry(fresh_database, came.change_id, **WHY)
    span = {"begin": date(2025, 1, 1), "through": date(2026, 12, 31)}
    told = takeover_deltas(fresh_database, came.change_id, now=LATER, **span)
    assert told["person_id"].n_unique() == 6
    assert_same(whole(fresh_database, employer), before)


@pytest.mark.parametrize("change", ["wrong kind", "none"])
def test_another_change_is_refused(fresh_database, employer, change):
    number = ChangeSet.objects.first().pk if change == "wrong kind" else 10**9
    with pytest.raises(ActRefused, match="expected elections entered or coverage taken over"):
        take_back_entry(fresh_database, number, **WHY)
