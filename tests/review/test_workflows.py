"""The workflow lists, on real runs."""

from datetime import date, timedelta

import polars as pl
import pytest
from tests.runs.conftest import NOW

from openbenefits.core.codes import Level
from openbenefits.enrollment.elections import enter_one
from openbenefits.enrollment.models import Coverage, EventOption
from openbenefits.events.models import Event
from openbenefits.programs.models import CoverageCode, Option
from openbenefits.review.rules.workflows import changed_dates, late, leaves
from openbenefits.review.services import workflow_lists
from openbenefits.review.workflows import DATES, DEPENDENTS, LATE, LEAVES, SHEETS, TERMINATIONS
from openbenefits.runs.services import run
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import Dependent, DependentFact, Person, PersonFact

LATER = NOW + timedelta(days=5)
AS_OF = date(2025, 11, 3)


def lists(connection, employer, as_of=AS_OF, **options):
    return workflow_lists(connection, employer.client_id, as_of=as_of, **options)


def number_of(person_id):
    return Person.objects.get(pk=person_id).employee_number


def spouse_of_somebody():
    """A prepared person with a spouse, and a medical option that covers just the two."""
    couples = CoverageCode.objects.filter(code="2").values_list("coverage_code_id", flat=True)
    for person_id in (
        Event.objects.filter(process_status="PR").order_by("person_id").values_list("person_id", flat=True)
    ):
        spouses = DependentFact.objects.filter(person_id=person_id, person_type="SP").values_list(
            "dependent_id"
        )
        offered = EventOption.objects.filter(person_id=person_id, plan_type="10", is_electable=True)
        option = Option.objects.filter(
            option_id__in=offered.values_list("option_id", flat=True), coverage_code_id__in=couples
        ).first()
        if spouses and option:
            return person_id, Dependent.objects.get(pk=spouses[0][0]), option
    pytest.fail("the sample has no such person")


def test_a_dependent_whom_an_election_enrols_is_found_until_covered(fresh_database, prepared):
    assert set(lists(fresh_database, prepared)) == set(SHEETS)
    person_id, spouse, option = spouse_of_somebody()
    schedule_id = prepared.open_enrollment
    entered = enter_one(
        fresh_database,
        prepared.client_id,
        person_id=person_id,
        benefit_record=0,
        schedule_id=schedule_id,
        event_number=0,
        plan_type="10",
        option_code=option.code,
        dependents=[spouse.number],
        received_on=date(2025, 11, 4),
        elector="test",
        source="administrator",
        now=LATER,
    )
    assert entered.entered == 1, entered.bad_rows
    found = lists(fresh_database, prepared)[DEPENDENTS]
    told = found.select("employee_number", "plan_type", "dependent", "person_type").rows()
    assert told == [(number_of(person_id), "10", spouse.number, "SP")]


def test_an_answer_is_late_from_the_day_after_the_window(fresh_database, prepared):
    ends = Event.objects.filter(process_status="PR").first().window_ends_on
    waiting = Event.objects.filter(process_status="PR", window_ends_on=ends).count()
    assert lists(fresh_database, prepared, as_of=ends)[LATE].is_empty()
    rows = lists(fresh_database, prepared, as_of=ends + timedelta(days=1))[LATE]
    assert rows.height == waiting
    assert rows["days_late"].unique().to_list() == [1]


@pytest.mark.parametrize(
    ("status", "event_status", "is_late"),
    [("PR", "O", True), ("NT", "O", True), ("ET", "O", False), ("RE", "O", False), ("PR", "C", False)],
)
def test_only_who_never_answered_is_late(status, event_status, is_late):
    row = {"process_status": status, "event_status": event_status, "window_ends_on": AS_OF}
    events = pl.DataFrame([row | {"employee_number": "1", "event_number": 1}])
    assert late(events, as_of=AS_OF + timedelta(days=1)).height == is_late


def test_a_prepared_event_that_would_end_everything_is_a_termination(fresh_database, make_employer):
    employer = make_employer(fresh_database, is_faulty=False, people=40, is_enrolled=True)
    person_id = Coverage.objects.filter(kind__in=["E", "D"]).order_by("person_id").first().person_id
    last_day = date(2026, 3, 13)
    workforce.terminate(employer.client_id, person_id, last_day_employed=last_day, made_by="test", now=LATER)
    order = {"schedule_id": employer.event_maintenance, "as_of": date(2026, 3, 14)}
    run(fresh_database, employer.order(**order, through=Level.OPTIONS), now=LATER)
    found = lists(fresh_database, employer)[TERMINATIONS]
    assert found["employee_number"].to_list() == [number_of(person_id)]
    row = found.row(0, named=True)
    assert row["plan_types"] > 0
    assert row["last_day"] >= last_day
    run(fresh_database, employer.order(**order, through=Level.ELECTIONS, is_finalizing=True), now=LATER)
    assert lists(fresh_database, employer)[TERMINATIONS].is_empty()


def test_another_birth_or_service_date_is_told_without_the_date(fresh_database, prepared):
    assert lists(fresh_database, prepared)[DATES].is_empty()
    fact = PersonFact.objects.order_by("person_id").first()
    changes = {"birth_on": fact.birth_on + timedelta(days=1), "service_on": date(2010, 1, 1)}
    said = {"changes": changes, "made_by": "the clerk", "now": LATER}
    workforce.correct_person(prepared.client_id, fact.person_id, on=fact.valid_from, **said)
    rows = lists(fresh_database, prepared)[DATES]
    who = number_of(fact.person_id)
    assert rows.select("employee_number", "what", "made_by", "known_on").sort("what").rows() == [
        (who, "birth date", "the clerk", LATER.date()),
        (who, "service date", "the clerk", LATER.date()),
    ]
    assert not {"birth_on", "service_on"} & set(rows.columns)
    assert lists(fresh_database, prepared, since=LATER.date())[DATES].height == 2
    assert lists(fresh_database, prepared, since=LATER.date() + timedelta(days=1))[DATES].is_empty()


def test_what_was_unknown_and_became_known_is_a_change():
    rows = [(1, None, None, 1), (1, AS_OF, None, 2), (1, AS_OF, None, 3), (2, None, AS_OF, 1)]
    persons = pl.DataFrame(
        [dict(zip(("person_id", "birth_on", "service_on", "known"), row, strict=True)) for row in rows],
        schema={"person_id": pl.Int64, "birth_on": pl.Date, "service_on": pl.Date, "known": pl.Int64},
    ).with_columns(known_on=pl.lit(AS_OF), made_by=pl.lit("x"))
    assert changed_dates(persons).select("person_id", "what").rows() == [(1, "birth date")]


def test_a_leave_begins_with_the_first_row_of_its_status(fresh_database, prepared):
    person_id = Event.objects.filter(process_status="PR").order_by("person_id").first().person_id
    for day, status in ((date(2025, 11, 10), "L"), (date(2025, 11, 20), "L"), (date(2025, 12, 1), "A")):
        workforce.change_job(
            prepared.client_id,
            person_id,
            on=day,
            action="LOA",
            changes={"job_status": status},
            made_by="test",
            now=LATER,
        )
    found = lists(fresh_database, prepared)[LEAVES]
    assert (number_of(person_id), date(2025, 11, 10), "L") in found.select(
        "employee_number", "begins_on", "status"
    ).rows()
    mine = found.filter(employee_number=number_of(person_id))
    assert mine.height == 1
    assert (
        lists(fresh_database, prepared, since=date(2025, 11, 11))[LEAVES]
        .filter(employee_number=number_of(person_id))
        .is_empty()
    )


def test_unpaid_after_paid_leave_is_a_leave_of_its_own():
    jobs = pl.DataFrame(
        {
            "person_id": [1, 1, 1],
            "job_number": [0, 0, 0],
            "valid_from": [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)],
            "sequence": [0, 0, 0],
            "job_status": ["A", "P", "L"],
        }
    )
    assert leaves(jobs)["job_status"].to_list() == ["P", "L"]
