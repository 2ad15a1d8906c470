"""One run of all schedules of a client finishes everything due: the same end as one run after the other."""

from datetime import date

import polars as pl
import pytest
from django.db import connection as default

from openbenefits.core.codes import Level
from openbenefits.programs.models import Schedule
from openbenefits.runs.models import Run
from openbenefits.runs.services import run, trial
from openbenefits.store.bulk import copy_out

from .conftest import NOW

FLOOR = date(2024, 1, 1)  # hires before this are no events

STANDING = """SELECT client_id, person_id, benefit_record, schedule_id, event_number, event_on, event_status,
    process_status FROM events_event"""
TIMELINE = """SELECT person_id, benefit_record, plan_type, slot, begins_on, kind, option_id, coverage_cents,
    deduction_begins_on FROM enrollment_coverage WHERE superseded_by_run IS NULL"""
RESULTS = (
    *("events_event", "events_eventstep", "events_message", "events_activity", "enrollment_eventplan"),
    *("enrollment_menuoption", "enrollment_coverage", "enrollment_coveragedependent"),
    *("enrollment_coveragefund", "enrollment_preparation", "runs_runperson", "runs_runpartition", "runs_run"),
)


def rows(query):
    with default.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({query}) AS q LIMIT 0")
        names = [column.name for column in cursor.description]
    return copy_out(default, query, dict.fromkeys(names, pl.String)).sort(names)


@pytest.fixture
def start_again():
    def empty():
        with default.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(RESULTS)}")
            cursor.execute("UPDATE workforce_factchange SET consumed_by_run = NULL")

    return empty


@pytest.mark.parametrize("as_of", [date(2025, 11, 3), date(2025, 10, 10)])
def test_all_schedules_at_once_come_to_the_end_of_one_after_the_other(
    fresh_database, make_employer, start_again, as_of
):
    employer = make_employer(fresh_database, is_faulty=False)
    kinds = {"as_of": as_of, "through": Level.ELECTIONS, "floor": FLOOR}
    done = run(fresh_database, employer.order(schedule_id=None, **kinds), now=NOW)
    together = {query: rows(query) for query in (STANDING, TIMELINE)}
    start_again()
    schedules = [employer.event_maintenance, employer.open_enrollment]
    opened = schedules if as_of >= date(2025, 11, 3) else schedules[:1]
    for _ in range(3):
        for schedule in opened:
            run(fresh_database, employer.order(schedule_id=schedule, **kinds), now=NOW)
    for query, expected in together.items():
        assert rows(query).equals(expected)
    assert set(together[STANDING]["schedule_id"].cast(pl.Int64)) == set(opened)
    assert done.outcomes["people"].sum() == done.people


def test_a_run_of_all_schedules_is_rehearsed_and_repeated_like_any_other(fresh_database, make_employer):
    employer = make_employer(fresh_database)
    order = employer.order(schedule_id=None, through=Level.ELECTIONS, floor=FLOOR)
    rehearsed = trial(fresh_database, order, now=NOW)
    assert not Run.objects.exists()
    assert run(fresh_database, order, now=NOW).outcomes.equals(rehearsed.outcomes)
    before = rows(STANDING)
    again = run(fresh_database, order, now=NOW)
    assert "processed" not in again.outcomes["outcome"].to_list()
    assert rows(STANDING).equals(before)


def test_a_schedule_of_one_group_goes_before_that_of_everybody(fresh_database, make_employer):
    employer = make_employer(fresh_database, is_faulty=False)
    general = Schedule.objects.get(schedule_id=employer.event_maintenance, client_id=employer.client_id)
    with default.cursor() as cursor:
        cursor.execute("SELECT company, count(*) FROM workforce_jobfact GROUP BY 1 ORDER BY 2 LIMIT 1")
        company = cursor.fetchone()[0]
    Schedule.objects.create(
        **{
            field.name: getattr(general, field.name)
            for field in general._meta.concrete_fields
            if field.name not in ("pk", "id", "schedule_id", "code", "company")
        },
        schedule_id=9_000,
        code="OWN",
        company=company,
    )
    run(fresh_database, employer.order(schedule_id=None, through=Level.SCHEDULE, floor=FLOOR), now=NOW)
    with default.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT j.company, e.schedule_id FROM events_event e JOIN workforce_jobfact j"
            " USING (client_id, person_id) WHERE e.schedule_id <> %s",
            [employer.open_enrollment],
        )
        found = cursor.fetchall()
    assert (company, 9_000) in found
    assert (company, employer.event_maintenance) not in found
