"""What runs promise: everybody accounted for, errors that move on when cured, reruns that change nothing."""

from datetime import date

import polars as pl
import pytest
from django.db import IntegrityError, transaction

from openbenefits.core.codes import Level
from openbenefits.enrollment.models import Coverage
from openbenefits.enrollment.takeover import take_over
from openbenefits.events.models import Event, Message
from openbenefits.programs import frames as set_up
from openbenefits.programs.models import EventClass
from openbenefits.runs.services import run, trial
from openbenefits.store.bulk import copy_out
from openbenefits.workforce.models import JobFact
from openbenefits.workforce.services import terminate

from .conftest import NOW


def standing(connection, schedule_id):
    query = "SELECT process_status, count(*)::bigint AS people FROM events_event WHERE schedule_id = %s GROUP BY 1"
    rows = copy_out(connection, query, {"process_status": pl.String, "people": pl.Int64}, [schedule_id])
    return dict(rows.iter_rows())


def test_each_level_takes_everybody_further_and_accounts_for_all(fresh_database, make_employer):
    employer = make_employer(fresh_database)
    people = JobFact.objects.values("person_id", "benefit_record").distinct().count()

    scheduled = run(fresh_database, employer.order(through=Level.SCHEDULE), now=NOW)
    assert standing(fresh_database, employer.open_enrollment) == {None: people}
    assigned = run(fresh_database, employer.order(through=Level.PROGRAM), now=NOW)
    at_program = standing(fresh_database, employer.open_enrollment)
    assert set(at_program) <= {"AS", "AE", "AN", "FA"}
    prepared = run(fresh_database, employer.order(), now=NOW)
    at_options = standing(fresh_database, employer.open_enrollment)
    assert set(at_options) <= {"AE", "FA", "PE", "PR", "FP"}
    assert at_options["PR"] > 0
    assert at_options["PE"] > 0
    assert at_options["AE"] == at_program["AE"] > 0

    for result in (scheduled, assigned, prepared):
        assert result.people == people
        assert result.outcomes["people"].sum() == people


def test_the_same_run_again_changes_nothing(fresh_database, make_employer, contents):
    employer = make_employer(fresh_database)
    order = employer.order(is_finalizing=True, through=Level.ELECTIONS)
    run(fresh_database, order, now=NOW)
    before = contents(fresh_database)
    again = run(fresh_database, order, now=NOW)
    after = contents(fresh_database)
    for table, rows in before.items():
        assert rows.equals(after[table]), table
    assert "processed" not in again.outcomes["outcome"].to_list()


def test_a_trial_writes_nothing_and_says_what_would_change(fresh_database, make_employer, contents):
    employer = make_employer(fresh_database)
    before = contents(fresh_database)
    order = employer.order(is_finalizing=True, through=Level.ELECTIONS)
    rehearsed = trial(fresh_database, order, now=NOW)
    after = contents(fresh_database)
    assert all(rows.equals(after[table]) for table, rows in before.items())
    assert rehearsed.changes.height > 0
    done = run(fresh_database, order, now=NOW)
    assert done.outcomes.equals(rehearsed.outcomes)


def test_one_poisoned_person_stops_nobody(fresh_database, make_employer, contents):
    employer = make_employer(fresh_database, is_faulty=False)
    order = employer.order(is_finalizing=True, through=Level.ELECTIONS)
    with transaction.atomic():
        run(fresh_database, order, now=NOW)
        clean = contents(fresh_database)["enrollment_coverage"]
        transaction.set_rollback(True)
    poisoned = clean["person_id"][0]
    with fresh_database.cursor() as cursor:
        cursor.execute(
            "UPDATE workforce_jobfact SET annual_pay_cents = NULL, weekly_hours_hundredths = NULL,"
            " pay_group = 'NOWHERE' WHERE person_id = %s",
            [int(poisoned)],
        )
    run(fresh_database, order, now=NOW)
    found = contents(fresh_database)
    assert found["enrollment_coverage"].filter(person_id=poisoned).is_empty()
    assert found["enrollment_coverage"].equals(clean.filter(pl.col("person_id") != poisoned))
    errors = found["events_event"].filter(pl.col("process_status").is_in(["AE", "PE"]))
    assert errors["person_id"].to_list() == [poisoned]


def test_at_most_one_event_of_a_record_is_open(fresh_database, make_employer):
    employer = make_employer(fresh_database)
    run(fresh_database, employer.order(), now=NOW)
    run(
        fresh_database,
        employer.order(schedule_id=employer.event_maintenance, through=Level.ELECTIONS),
        now=NOW,
    )
    with fresh_database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM events_event WHERE event_status = 'O'"
            " GROUP BY client_id, person_id, benefit_record HAVING count(*) > 1) AS several"
        )
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE events_event SET process_status = 'NT' WHERE process_status = 'AE'", "illegal move|^$"),
        ("UPDATE events_event SET process_status = NULL", "illegal move"),
        ("UPDATE events_event SET event_status = 'X'", "event_status_known"),
        ("DELETE FROM events_eventstep", "append-only"),
    ],
)
def test_the_database_refuses_illegal_moves(fresh_database, make_employer, statement, said):
    employer = make_employer(fresh_database)
    run(fresh_database, employer.order(), now=NOW)
    if "'NT'" in statement:  # AE reaches NT only over AS and PR: the closure allows it, single steps do not
        said = "illegal step"
        statement = (
            "INSERT INTO events_eventstep SELECT client_id, person_id, benefit_record, schedule_id, event_number,"
            " 99, run_id, actor, 'AE', 'NT', event_status, cause, moved_at FROM events_eventstep LIMIT 1"
        )
    with pytest.raises(IntegrityError, match=said), transaction.atomic(), fresh_database.cursor() as cursor:
        cursor.execute(statement)


def test_an_event_before_any_set_up_is_in_error_and_stops_nothing(fresh_database, make_employer):
    """Coverage in force then has a plan type, but no rule says anything of it (BA1201)."""
    employer = make_employer(fresh_database, is_faulty=False, people=40)
    taken = next(employer.folder.rglob("current_coverage.csv"))
    take_over(fresh_database, employer.client_id, taken, now=NOW, made_by="test")
    maintenance = employer.order(
        schedule_id=employer.event_maintenance, through=Level.ELECTIONS, floor=date(2000, 1, 1)
    )
    done = run(fresh_database, maintenance, now=NOW)
    processed = done.outcomes.filter(outcome="processed")
    assert processed.filter(to_status="PE")["people"].sum() > 10
    assert Message.objects.filter(code="BA1201").exists()


@pytest.mark.parametrize(("is_guarded", "status"), [(False, "FE"), (True, "PR")])
def test_what_offers_no_choice_is_final_whichever_run_prepared_it(
    fresh_database, make_employer, is_guarded, status
):
    employer = make_employer(fresh_database, is_faulty=False, people=20, is_enrolled=True)
    EventClass.objects.filter(code="TER").update(is_full_termination_guarded=is_guarded)
    set_up._kept.clear()
    person_id = (
        Coverage.objects.filter(plan_type="10", kind__in=["E", "D"]).order_by("person_id").first().person_id
    )
    terminate(employer.client_id, person_id, last_day_employed=date(2026, 1, 15), made_by="test", now=NOW)
    nightly = {"schedule_id": employer.event_maintenance, "as_of": date(2026, 2, 1)}
    run(fresh_database, employer.order(**nightly, through=Level.OPTIONS), now=NOW)
    event = Event.objects.filter(person_id=person_id, schedule_id=employer.event_maintenance)
    assert event.get().process_status == "PR"
    run(fresh_database, employer.order(**nightly, through=Level.ELECTIONS), now=NOW)
    assert event.get().process_status == status
