"""The playbooks on the sample, out of the box: open enrolment and renewal by their days, done when data says so."""

from datetime import UTC, date, datetime

import pytest
from django.db import connections
from tests.runs.conftest import NOW, make_employer

from openbenefits.core.codes import Level
from openbenefits.events.models import Event
from openbenefits.runs.services import run
from openbenefits.workflow import looking, models
from openbenefits.workflow.bench import bench
from openbenefits.workflow.progress import progress
from openbenefits.workflow.scheduled import run_schedules
from openbenefits.workflow.shipped_channels import shipped, take_over

__all__ = ["make_employer"]

DAYS = [date(2025, 9, day) for day in (3, 24)] + [date(2025, 10, day) for day in (8, 18, 20)]
DAYS += [date(2025, 11, day) for day in (2, 3, 19, 22)] + [date(2025, 12, 26), date(2026, 1, 2)]
FINAL = datetime(2025, 11, 30, 8, tzinfo=UTC)
STEPS = ["rates", "masters", "batch", "prepare", "launch"]


@pytest.fixture
def harbor(fresh_database, make_employer):
    return make_employer(fresh_database, is_faulty=False, people=30)


def proved(client_id):
    steps = progress(connections["default"], client_id, today=date(2026, 1, 10))
    return dict(steps.drop_nulls("check").select("item", "is_proved").iter_rows()), steps


def test_open_enrolment_and_renewal(harbor):
    connection = connections["default"]
    take_over(None, author="test", now=NOW)
    for day in DAYS * 2:  # to look at a day again makes nothing again
        run_schedules(connection, harbor.client_id, today=day, now=NOW)
    said, steps = proved(harbor.client_id)
    assert steps["item"].to_list() == [*STEPS, "close", "carrier", "activate"]
    assert said == dict.fromkeys(("prepare", "launch", "close", "carrier", "activate"), False)
    run(connection, harbor.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
    said, _ = proved(harbor.client_id)
    assert said == {"prepare": True, "launch": True, "close": True, "carrier": False, "activate": False}
    for row in models.Outbox.objects.filter(state="waiting"):
        looking.look(connection, row.pk, today=date(2026, 1, 10), now=NOW)
    assert not models.DeadLetter.objects.exists()


def test_who_has_not_finished_is_reminded_of(harbor):
    take_over(None, author="test", now=NOW)
    connection = connections["default"]
    run(connection, harbor.order(through=Level.OPTIONS), now=NOW)
    for day in (date(2025, 11, 11), date(2025, 11, 16), date(2025, 11, 19), date(2025, 11, 21)):
        run_schedules(connection, harbor.client_id, today=day, now=NOW)
    _, steps = proved(harbor.client_id)
    subjects = steps.filter(steps["item"].str.starts_with("remind"))["subject"].to_list()
    count = Event.objects.filter(client_id=harbor.client_id, event_status="O").count()
    told = [f"Open enrolment OE26: {count} have not finished; remind them"] * 4
    assert subjects == told
    assert count > 0
    run(connection, harbor.order(is_finalizing=True, through=Level.ELECTIONS), now=FINAL)
    tried = bench(
        connection, shipped()["open-enrollment"], harbor.client_id, date(2025, 11, 10), FINAL.date()
    )
    made = tried.found.filter(outcome="would create")
    assert [f"task: {one}" for one in told] == [one for one in made["made"] if "remind" in one]
    (note,) = tried.notes
    assert "come after another are not tried" in note
