"""A client leaves on 30 June: one act ends everybody, and nothing goes on after that day but COBRA (users-want 24)."""

from datetime import date

import polars as pl
import pytest
from tests.cli.conftest import cli
from tests.repair.worlds import LATER
from tests.runs.conftest import make_employer

from openbenefits.compliance.cobra.services import record_duties
from openbenefits.core.codes import Level
from openbenefits.enrollment.frames import load_coverage
from openbenefits.payroll.services import owed
from openbenefits.runs.services import run
from openbenefits.workflow.checks import CHECKS, verdicts
from openbenefits.workflow.models import Outbox
from openbenefits.workforce import services as workforce
from openbenefits.workforce.leaving import end_everybody
from openbenefits.workforce.models import JobFact, Person

__all__ = ["cli", "make_employer"]

LAST, AFTER = date(2026, 6, 30), date(2026, 7, 1)


@pytest.fixture
def enrolled(fresh_database, make_employer):
    return make_employer(fresh_database, is_faulty=False, people=60, is_enrolled=True)


def said(connection, name, client_id):
    return verdicts(connection, CHECKS[name], [str(client_id)], AFTER)["is_done"][0]


def covered(connection, client_id, on):
    """Answer who is covered on a day."""
    ids = list(Person.objects.filter(client_id=client_id).values_list("client_id", "pk"))
    people = pl.DataFrame(ids, schema={"client_id": pl.Int32, "person_id": pl.Int64}, orient="row")
    last = load_coverage(connection, people).filter(pl.col("begins_on") <= on).sort("begins_on")
    key = ["person_id", "benefit_record", "plan_type", "slot"]
    return last.unique(key, keep="last").filter(pl.col("kind").is_in(["E", "D"]))


def test_nothing_goes_on_after_the_last_day(fresh_database, enrolled):
    connection, client_id = fresh_database, enrolled.client_id
    change, found = end_everybody(client_id, last_day_employed=LAST, made_by="test", now=LATER)
    assert (change.kind, found.later.height) == ("entry", 0)
    assert found.ending["person_id"].n_unique() >= 55
    assert covered(connection, client_id, LAST).height > 100
    assert said(connection, "everybody left", client_id)
    assert not said(connection, "nobody covered", client_id)
    order = enrolled.order(
        schedule_id=enrolled.event_maintenance, as_of=AFTER, through=Level.ELECTIONS, is_finalizing=True
    )
    run(connection, order, now=LATER)
    assert covered(connection, client_id, AFTER).is_empty()
    assert said(connection, "nobody covered", client_id)
    pays = owed(connection, client_id, begin=date(2026, 7, 12), through=date(2026, 12, 31))
    assert pays["owed_cents"].sum() == 0
    duties = record_duties(connection, client_id, as_of=AFTER, now=LATER)
    assert set(duties["lost_on"]) == {AFTER}
    assert not said(connection, "COBRA notices sent", client_id)
    again = end_everybody(client_id, last_day_employed=LAST, made_by="test", now=LATER)
    assert (again[0], again[1].ending.height) == (None, 0)


def test_who_has_rows_after_the_day_is_named_and_it_is_taken_back_whole(fresh_database, enrolled, cli):
    client_id = enrolled.client_id
    first, second = Person.objects.filter(client_id=client_id).order_by("pk")[:2]
    workforce.change_job(
        client_id, first.pk, on=date(2026, 8, 1), action="DTA", changes={}, made_by="test", now=LATER
    )
    workforce.terminate(client_id, second.pk, last_day_employed=date(2026, 7, 31), made_by="test", now=LATER)
    before, waiting = JobFact.objects.count(), Outbox.objects.count()
    options = ("clients", "end", "--client", "harbor", "--last-day", "2026-06-30")
    told = cli(*options).output
    assert "would end on 2026-06-30" in told
    assert JobFact.objects.count() == before
    told = " ".join(cli(*options, "--apply").output.split())
    named = f"{first.employee_number}, {second.employee_number}"  # one of them leaves later than the client
    assert f"2 have job rows after that day and are left as they are: {named}" in told
    assert Outbox.objects.count() == waiting  # no channel looks at it person by person
    change = JobFact.objects.filter(action="TER", valid_from=AFTER).first().change_id
    assert not JobFact.objects.filter(valid_from=AFTER, person_id__in=(first.pk, second.pk)).exists()
    assert "58 withdrawn" in cli("census", "take-back", change).output
    rows = JobFact.objects.filter(client_id=client_id, valid_from=AFTER)
    assert set(rows.order_by("person_id", "version").values_list("version", "is_deleted")) == {
        (1, False),
        (2, True),
    }
