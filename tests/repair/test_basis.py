"""The basis of real coverage: after runs, leaves and endings every covered day shows what it rests on."""

from datetime import date, timedelta

import polars as pl
from tests.runs.conftest import Employer

from openbenefits.core.codes import Level
from openbenefits.enrollment.basis import load_spans
from openbenefits.enrollment.frames import load_coverage
from openbenefits.enrollment.rules.basis import COVERED
from openbenefits.reports.hindsight import held_on
from openbenefits.runs.services import run
from openbenefits.workforce.models import JobFact
from openbenefits.workforce.services import change_job, terminate

from .worlds import LATER, events_of

LAST, AWAY = date(2026, 3, 10), date(2026, 5, 4)


def maintain(connection, employer: Employer) -> None:
    order = employer.order(
        schedule_id=employer.event_maintenance,
        as_of=date(2026, 7, 1),
        through=Level.ELECTIONS,
        is_finalizing=True,
    )
    run(connection, order, now=LATER)


def test_ends_leaves_and_all_the_rest(fresh_database, enrolled):
    people = sorted(set(JobFact.objects.values_list("person_id", flat=True)))
    covered = events_of(fresh_database, enrolled, process_status="FE")["person_id"].to_list()
    leaver, away = [one for one in people if one in covered][:2]
    terminate(enrolled.client_id, leaver, last_day_employed=LAST, made_by="test", now=LATER)
    change_job(
        enrolled.client_id,
        away,
        on=AWAY,
        changes={"job_status": "L"},
        action="LOA",
        made_by="test",
        now=LATER,
    )
    maintain(fresh_database, enrolled)
    everybody = pl.DataFrame(
        {"client_id": [enrolled.client_id] * len(people), "person_id": people},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
    spans = load_spans(fresh_database, everybody)
    points = load_coverage(fresh_database, everybody).filter(pl.col("kind").is_in(COVERED))
    assert points.height
    key = ["person_id", "benefit_record", "plan_type", "slot", "begins_on"]
    first = spans.group_by(key).agg(pl.col("span_from").min())
    assert first.filter(pl.col("span_from") != pl.col("begins_on")).is_empty()
    assert first.height == points.height
    day = LAST + timedelta(days=1)
    after = held_on(fresh_database, enrolled.client_id, [leaver], as_of=day)
    told = after.filter(plan_type="10")
    if told["kind"][0] in ("elected", "defaulted"):
        assert told["basis"][0] == "run-out"
        assert "ended by event TER of March 11, 2026" in told["rests_on"][0]
    on_leave = held_on(fresh_database, enrolled.client_id, [away], as_of=AWAY)
    assert set(on_leave["basis"].drop_nulls()) == {"leave"}
    before = held_on(fresh_database, enrolled.client_id, [away], as_of=AWAY - timedelta(days=1))
    assert set(before["basis"].drop_nulls()) == {"eligible"}
