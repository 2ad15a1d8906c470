"""What needs a person today, how far a schedule is, what defaults would give: against the events themselves."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from django.db import connection
from tests.runs.conftest import put_employer

from openbenefits.core.codes import Level
from openbenefits.enrollment.models import Coverage
from openbenefits.events.models import Event, Message
from openbenefits.review.rules.process_steps import Stage, StageState, steps_of
from openbenefits.review.today import defaults_of, listed_events, progress_of, today
from openbenefits.review.today_frames import COUNTED, load_defaults
from openbenefits.runs.services import run

NOW = datetime(2025, 11, 3, 9, tzinfo=UTC)
DAY = date(2025, 11, 3)


@pytest.fixture(scope="module")
def prepared(database, tmp_path_factory):
    """An employer whose open enrolment is prepared, with the errors of a faulty census."""
    employer = put_employer(tmp_path_factory.mktemp("harbor"), people=60, is_faulty=True)
    run(connection, employer.order(), now=NOW)
    return employer


def test_the_counts_of_today_are_those_of_the_events(prepared):
    found = today(connection, [prepared.client_id], as_of=DAY)
    (row,) = found.clients.to_dicts()
    events = Event.objects.filter(client_id=prepared.client_id)
    assert row["client"] == "harbor"
    assert row["events"] == events.count()
    assert row["open"] == events.filter(event_status="O").count()
    assert row["unanswered"] == events.filter(event_status="O", process_status="PR").count() > 0
    errors = Message.objects.filter(is_current=True, severity="E", person_id__in=_unfinished(events))
    assert row["errors"] == found.errors["people"].sum() > 0
    assert set(found.errors["code"]) == set(errors.values_list("code", flat=True))
    assert found.statuses["events"].sum() == row["events"]
    assert row["ended"] == row["ending"] == 0


def _unfinished(events):
    return events.exclude(process_status__in=("FA", "FE", "FP")).values("person_id")


def test_windows_that_end_soon_are_told_by_day_and_those_that_ended_apart(prepared):
    ends_on = Event.objects.filter(process_status="PR").first().window_ends_on
    soon = today(connection, None, as_of=ends_on)
    waiting = Event.objects.filter(event_status="O", process_status="PR", window_ends_on=ends_on).count()
    assert soon.windows.to_dicts() == [{"ends_on": ends_on, "events": waiting}]
    assert soon.clients["ending"].sum() == waiting
    assert today(connection, None, as_of=date(2026, 6, 1)).clients["ended"].sum() == waiting


def test_a_client_without_anything_has_a_row_of_zeros(prepared):
    from openbenefits.workforce.models import Client

    empty = Client.objects.create(code="empty", name="Empty")
    row = today(connection, None, as_of=DAY).clients.filter(client_id=empty.pk).row(0, named=True)
    assert (row["events"], row["errors"], row["percent_final"]) == (0, 0, None)
    empty.delete()


def test_the_steps_of_a_prepared_schedule(prepared):
    found = progress_of(connection, prepared.client_id, prepared.open_enrollment, on=DAY)
    states = {step.stage: (step.state, step.waiting) for step in found.steps}
    counts = found.counts
    assert states[Stage.PREPARE] == (StageState.DONE, 0)
    assert states[Stage.RUN] == (StageState.DONE, 0)
    assert states[Stage.CORRECT] == (StageState.WAITING, counts["faulty"])
    assert states[Stage.NOTIFY] == (StageState.WAITING, counts["not_told"])
    assert states[Stage.ELECT] == (StageState.WAITING, counts["unanswered"])
    assert states[Stage.FINALISE] == (StageState.WAITING, counts["unfinished"])
    assert states[Stage.CONFIRM][0] == StageState.BLOCKED
    assert found.window_ends_on is not None


def test_a_schedule_nobody_is_in_waits_to_be_prepared():
    steps = steps_of(dict.fromkeys(COUNTED, 0), None)
    states = [step.state for step in steps]
    assert states == [StageState.WAITING] * 2 + [StageState.BLOCKED] * 6


def test_defaults_are_what_finalising_gives(prepared):
    told = defaults_of(connection, prepared.client_id, prepared.open_enrollment)
    assert told.people["employee_number"].null_count() == 0
    assert 0 < told.people["unanswered"].sum() < told.plans["people"].sum()
    priced = told.plans.filter(plan_type="10").row(0, named=True)
    assert priced["employer_year_cents"] > priced["employee_year_cents"] > priced["employee_pay_cents"] > 0
    place = (connection, prepared.client_id, prepared.open_enrollment)
    expected = load_defaults(*place).filter(pl.col("option_id").is_not_null())
    run(connection, prepared.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
    enrolled = Event.objects.filter(process_status="FE").values_list("person_id", flat=True)
    covered = Coverage.objects.filter(superseded_by_run=None, kind="D", slot=0, person_id__in=enrolled)
    mine = expected.filter(pl.col("person_id").is_in(list(enrolled)))
    assert mine.height
    assert set(covered.values_list("person_id", "plan_type", "option_id")) == set(
        mine.select("person_id", "plan_type", "option_id").iter_rows()
    )
    assert defaults_of(*place).people.is_empty()


@pytest.mark.parametrize("what", ["unanswered", "ending", "ended", "flagged", "open"])
def test_the_list_behind_a_count_is_as_long(prepared, what):
    for on in (DAY, Event.objects.order_by("-window_ends_on").first().window_ends_on, date(2027, 1, 1)):
        counted = today(connection, [prepared.client_id], as_of=on).clients[what].item()
        assert listed_events(connection, prepared.client_id, as_of=on, what=what).height == counted


def test_the_events_of_a_status_are_listed(prepared):
    statuses = today(connection, [prepared.client_id], as_of=DAY).statuses
    for row in statuses.to_dicts():
        found = listed_events(connection, prepared.client_id, as_of=DAY, status=row["process_status"])
        assert found.height == row["events"], row
