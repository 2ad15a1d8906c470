"""Passive events: age and length of service bring activity about (event-processing §3.5)."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core import days
from openbenefits.core.codes import ActionSource
from openbenefits.enrollment.frames import load_coverage, load_covered_dependents
from openbenefits.enrollment.rules.ages import FACTS, age_outs
from openbenefits.events.rules import ACTIVITY_KEY, RECORD_KEY
from openbenefits.events.services import write_activity
from openbenefits.programs.frames import load_rulebook, load_setup
from openbenefits.programs.models import Bundle
from openbenefits.runs import frames, models
from openbenefits.runs.orders import PARTS, TAKEN_BACK
from openbenefits.runs.services import RunOrder, RunResult, run
from openbenefits.workforce.frames import as_of as facts_as_of
from openbenefits.workforce.frames import load_dependents

ACTIVE = ["A", "L", "P"]
DEPENDENT_LIMIT = "dependent_limit"


def run_passive_events(
    connection: Any,
    client_id: int,
    *,
    as_of: date,
    now: datetime,
    started_by: str,
    run_control: str | None = None,
    begin: date | None = None,
    code: str | None = None,
    process_with: int | None = None,
) -> RunResult:
    """Write the activity that falls due from `begin` through `as_of`; the run is the history of that.

    Without `begin` it is the day after the last such run. `code` limits it to one passive event. Event
    maintenance then makes events of it: at once, for whom it triggered, with the schedule `process_with`. The
    same day and person never trigger twice; nothing triggers before the client's start.

    Errors: LookupError for an unknown code; ValueError for a span that ends before it begins.
    """
    with transaction.atomic():
        begin = begin or _begin(client_id, as_of, code)
        if begin > as_of:
            message = f"expected days from {begin} on, found {as_of} as the last; correct one of them"
            raise ValueError(message)
        definitions = _definitions(connection, client_id, code)
        people = frames.load_scope(connection, [client_id], as_of)
        found = passive_activity(connection, people, definitions, _after_start(client_id, begin), as_of)
        options: dict[str, Any] = {"from": str(begin), "event": code}
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
            options=options,
        )
        options["triggered"] = write_activity(connection, found, run_id=started.pk)
        started.save(update_fields=["options"])
    if process_with is not None and found.height:
        done = _process(
            connection, client_id, process_with, found, as_of=as_of, now=now, started_by=started_by
        )
        options[PARTS] = [done.run_id]
        started.save(update_fields=["options"])
    outcomes = pl.DataFrame(
        {
            "outcome": ["triggered", "nothing due"],
            "to_status": [None, None],
            "people": _counts(found, people),
        },
        schema={"outcome": pl.String, "to_status": pl.String, "people": pl.Int64},
    )
    return RunResult(run_id=started.id, state="done", people=people.height, outcomes=outcomes)


def passive_history(client_id: int) -> pl.DataFrame:
    """List which days were processed when, the last first; `event` is null where all were.

    Missing: runs of earlier versions of the product do not say how much they triggered.
    """
    runs = models.Run.objects.filter(bundle_client=client_id, kind="passive").order_by("-id")
    lines = [
        {
            "run": one.id,
            "begins_on": date.fromisoformat(one.options["from"]),
            "through": one.as_of,
            "event": one.options.get("event"),
            "triggered": one.options.get("triggered"),
            "state": one.state,
            "at": one.started_at,
            "by": one.started_by,
        }
        for one in runs
    ]
    return pl.DataFrame(lines, schema=HISTORY)


HISTORY: dict[str, pl.DataType] = {
    "run": pl.Int64(),
    "begins_on": pl.Date(),
    "through": pl.Date(),
    "event": pl.String(),
    "triggered": pl.Int64(),
    "state": pl.String(),
    "at": pl.Datetime("us", "UTC"),
    "by": pl.String(),
}


def _definitions(connection: Any, client_id: int, code: str | None) -> pl.DataFrame:
    """The passive events of the set-up with the class each leads to, or the one asked for."""
    tables = load_setup(connection, [client_id])
    classes = tables["event_class"].select("event_class_id", bas_action="code")
    every = tables["passive_event"].join(classes, on="event_class_id")
    asked = every if code is None else every.filter(code=code)
    if code is not None and asked.is_empty():
        message = f"no passive event {code!r}; there are: {', '.join(every['code']) or 'none'}"
        raise LookupError(message)
    return asked


def _begin(client_id: int, as_of: date, code: str | None) -> date:
    """The day after the last run about the same passive events; at first, the day itself."""
    runs = models.Run.objects.filter(bundle_client=client_id, kind="passive", as_of__lt=as_of)
    runs = runs.exclude(state=TAKEN_BACK)
    about = [one for one in runs.order_by("-as_of") if one.options.get("event") in (None, code)]
    return about[0].as_of + timedelta(days=1) if about else as_of


def _after_start(client_id: int, begin: date) -> date:
    """The first day that may trigger: not before the day benefits administration starts."""
    bundle = Bundle.objects.filter(client_id=client_id).first()
    starts_on = bundle.starts_on if bundle else None
    return max(begin, starts_on) if starts_on else begin


def _process(
    connection: Any,
    client_id: int,
    schedule_id: int,
    found: pl.DataFrame,
    *,
    as_of: date,
    now: datetime,
    started_by: str,
) -> RunResult:
    """Run event maintenance at once for those whom something triggered."""
    order = RunOrder(
        client_id=client_id,
        schedule_id=schedule_id,
        as_of=as_of,
        people=found["person_id"].unique().sort().to_list(),
        started_by=started_by,
    )
    return run(connection, order, now=now)


def _counts(found: pl.DataFrame, people: pl.DataFrame) -> list[int]:
    triggered = found.select("client_id", "person_id", "benefit_record").unique().height
    return [triggered, people.height - triggered]


def passive_activity(
    connection: Any, people: pl.DataFrame, definitions: pl.DataFrame, begin: date, through: date
) -> pl.DataFrame:
    """Find who reaches which age or length of service in a span, with an active job on that day.

    Birth and service dates are those known on the last day; the job is that of the day reached.
    """
    limited = definitions.filter(base=DEPENDENT_LIMIT)
    definitions = definitions.filter(pl.col("base") != DEPENDENT_LIMIT)
    facts = facts_as_of(connection, _cases(people.with_columns(as_of=pl.lit(through))))
    pairs = facts.join(definitions.select("base", "years", "months", "bas_action"), how="cross")
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
    if limited.height:
        own = dated.select(*RECORD_KEY, "event_on", "bas_action", source=source)
        others = _limits_passed(connection, people, limited, begin, through)
        dated, source = pl.concat([own, others.select(own.columns)]), pl.col("source")
    rows = dated.with_columns(source=source, sequence=pl.lit(0, pl.Int16)).select(*ACTIVITY_KEY).unique()
    return rows.join(_at_work(connection, rows), on=[*RECORD_KEY, "event_on"], how="semi")


def _limits_passed(
    connection: Any, people: pl.DataFrame, definitions: pl.DataFrame, begin: date, through: date
) -> pl.DataFrame:
    """Find on which days of a span covered dependents pass a limit of age: RECORD_KEY, event_on, bas_action.

    The day is the first on which they no longer count by the rule of a plan type that covers them on it. One
    without a birth date passes none; whom the timeline ends by then already is left out.
    """
    clients = people["client_id"].unique().to_list()
    who = people.select("client_id", "person_id").unique()
    covers = load_covered_dependents(connection, who)
    who = who.join(covers, on=["client_id", "person_id"], how="semi")
    out = age_outs(
        load_coverage(connection, who),
        covers,
        load_dependents(connection, who, FACTS),
        load_rulebook(connection, clients),
        as_of=begin,
        through=through,
    )
    due = out.filter(~pl.col("is_settled")).with_columns(
        event_on=days.day_after(pl.col("last_covered_on")).cast(pl.Date)
    )
    due = due.filter(pl.col("event_on").is_between(begin, through)).select(*RECORD_KEY, "event_on").unique()
    due = due.join(people.select(RECORD_KEY).unique(), on=list(RECORD_KEY), how="semi")
    named = definitions.select("bas_action", source=pl.lit(str(ActionSource.PASSIVE_BIRTH)))
    return due.join(named, how="cross")


def _at_work(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Keep the benefit records and days on which a job is active."""
    cases = _cases(rows.select(*RECORD_KEY, as_of="event_on").unique(maintain_order=True))
    facts = facts_as_of(connection, cases).filter(pl.col("job_status").is_in(ACTIVE))
    return facts.select(*RECORD_KEY, event_on="as_of")


def _cases(people: pl.DataFrame) -> pl.DataFrame:
    numbered = people.with_columns(case=pl.int_range(pl.len(), dtype=pl.Int32))
    return numbered.select("case", *RECORD_KEY, "as_of")
