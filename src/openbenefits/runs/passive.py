"""Passive events: age and length of service bring activity about (event-processing §3.5)."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core import days
from openbenefits.core.codes import ActionSource
from openbenefits.events.rules import ACTIVITY_KEY
from openbenefits.events.services import write_activity
from openbenefits.programs.frames import load_setup
from openbenefits.runs import frames, models
from openbenefits.runs.services import RunResult
from openbenefits.workforce.frames import as_of as facts_as_of

ACTIVE = ["A", "L", "P"]


def run_passive_events(
    connection: Any,
    client_id: int,
    *,
    as_of: date,
    now: datetime,
    started_by: str,
    run_control: str | None = None,
) -> RunResult:
    """Write the activity that falls due from the day after the last such run through `as_of`.

    Event maintenance then makes events of it. The same day and person never trigger twice.
    """
    with transaction.atomic():
        begin = _begin(client_id, as_of)
        started = models.Run.objects.create(
            run_control=run_control,
            kind="passive",
            bundle_client=client_id,
            as_of=as_of,
            through_level="schedule",
            state="done",
            started_at=now,
            ended_at=now,
            started_by=started_by,
            options={"from": str(begin)},
        )
        people = frames.load_scope(connection, [client_id], as_of)
        definitions = load_setup(connection, [client_id])["passive_event"]
        classes = load_setup(connection, [client_id])["event_class"].select(
            "event_class_id", bas_action="code"
        )
        found = passive_activity(
            connection, people, definitions.join(classes, on="event_class_id"), begin, as_of
        )
        write_activity(connection, found)
    outcomes = pl.DataFrame(
        {
            "outcome": ["triggered", "nothing due"],
            "to_status": [None, None],
            "people": _counts(found, people),
        },
        schema={"outcome": pl.String, "to_status": pl.String, "people": pl.Int64},
    )
    return RunResult(run_id=started.id, state="done", people=people.height, outcomes=outcomes)


def _begin(client_id: int, as_of: date) -> date:
    """The day after the last passive run; at first, the day itself."""
    last = models.Run.objects.filter(bundle_client=client_id, kind="passive", as_of__lt=as_of).order_by(
        "-as_of"
    )
    first = last.first()
    return first.as_of + timedelta(days=1) if first else as_of


def _counts(found: pl.DataFrame, people: pl.DataFrame) -> list[int]:
    triggered = found.select("client_id", "person_id", "benefit_record").unique().height
    return [triggered, people.height - triggered]


def passive_activity(
    connection: Any, people: pl.DataFrame, definitions: pl.DataFrame, begin: date, through: date
) -> pl.DataFrame:
    """Find who reaches which age or length of service in a span, with an active job on that day."""
    cases = people.with_columns(case=pl.int_range(pl.len(), dtype=pl.Int32), as_of=pl.lit(through)).select(
        "case", "client_id", "person_id", "benefit_record", "as_of"
    )
    facts = facts_as_of(connection, cases).filter(pl.col("job_status").is_in(ACTIVE))
    pairs = facts.join(definitions.select("base", "years", "months", "bas_action", "code"), how="cross")
    reached = pl.when(pl.col("base") == "birth").then("birth_on").otherwise("service_on")
    months = pl.col("years").cast(pl.Int32) * 12 + pl.col("months").cast(pl.Int32)
    dated = pairs.with_columns(event_on=days.add_months(reached, months)).filter(
        pl.col("event_on").is_between(begin, through)
    )
    source = (
        pl.when(pl.col("base") == "birth")
        .then(pl.lit(str(ActionSource.PASSIVE_BIRTH)))
        .otherwise(pl.lit(str(ActionSource.PASSIVE_SERVICE)))
    )
    return dated.with_columns(source=source, sequence=pl.lit(0, pl.Int16)).select(*ACTIVITY_KEY).unique()
