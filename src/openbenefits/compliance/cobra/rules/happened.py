"""What happened: the cause, if any, that an event of a timeline is for continuation, and its day.

The job row an event came from says the cause by its action and reason, else the event class does, else fewer
hours than before do. A job row of somebody who died is a death, whatever the action.
"""

import polars as pl

from openbenefits.core.codes import ActionSource, CobraCause
from openbenefits.events.rules import EVENT_KEY

JOB_SOURCES = [str(ActionSource.JOB), str(ActionSource.MULTI_JOB)]
DIED = "D"
FULL_TIME, PART_TIME = "F", "P"
_DAY_BEFORE = [str(one) for one in (CobraCause.TERMINATION, CobraCause.MISCONDUCT, CobraCause.DEATH)]


def what_happened(
    events: pl.DataFrame, classes: pl.DataFrame, actions: pl.DataFrame, jobs: pl.DataFrame
) -> pl.DataFrame:
    """Say of every event its cause and days: EVENT_KEY and `causes.FACTS`.

    Shapes:  events as `events.frames.load_events`; classes and actions the rows `event_class` and
             `action_reason` of set-up; jobs as `workforce.frames.load_jobs`.
    Missing: cause is null where neither action, class nor hours name one. happened_on is the last day
             employed, where employment ended and it is known, else the event day.
    """
    named = classes.select("event_class_id", event_class="code", class_use="use", class_cause=_cause())
    found = events.join(named, on="event_class_id", how="left", maintain_order="left")
    found = found.join(
        _job_rows(events, actions, jobs), on=list(EVENT_KEY), how="left", maintain_order="left"
    )
    cause = (
        pl.when(pl.col("job_status") == DIED)
        .then(pl.lit(str(CobraCause.DEATH)))
        .otherwise(pl.coalesce("job_cause", "class_cause", "hours_cause"))
    )
    found = found.with_columns(cause=cause)
    ended = pl.col("cause").is_in(_DAY_BEFORE)
    return found.select(
        *EVENT_KEY,
        "cause",
        "event_on",
        happened_on=pl.when(ended).then(pl.coalesce("last_day_employed", "event_on")).otherwise("event_on"),
        reported_on=pl.coalesce("reported_on", "recorded_on"),
        class_use="class_use",
        event_class="event_class",
    )


def _cause() -> pl.Expr:
    return pl.when(pl.col("cobra_action") != "").then("cobra_action")


def _job_rows(events: pl.DataFrame, actions: pl.DataFrame, jobs: pl.DataFrame) -> pl.DataFrame:
    """The job row each event came from; of several on one day the last that names a cause, else the last."""
    of_jobs = events.filter(pl.col("source").is_in(JOB_SOURCES))
    rows = _with_causes(_with_hours(jobs), actions)
    found = of_jobs.select(*EVENT_KEY, valid_from="event_on").join(
        rows, on=["person_id", "benefit_record", "valid_from"]
    )
    ordered = found.with_columns(names_cause=pl.col("job_cause").is_not_null()).sort(
        *EVENT_KEY, "names_cause", "job_number", "sequence"
    )
    return ordered.unique(EVENT_KEY, keep="last", maintain_order=True).select(
        *EVENT_KEY, "job_status", "last_day_employed", "job_cause", "hours_cause"
    )


def _with_hours(jobs: pl.DataFrame) -> pl.DataFrame:
    """Add hours_cause: `hours` where a job row has fewer than the one before, or is part-time after full."""
    rows = jobs.sort("person_id", "job_number", "valid_from", "sequence")
    before = [
        pl.col(name).shift(1).over("person_id", "job_number").alias(f"{name}_before")
        for name in ("weekly_hours_hundredths", "full_part_time")
    ]
    fewer = pl.col("weekly_hours_hundredths") < pl.col("weekly_hours_hundredths_before")
    part = (pl.col("full_part_time") == PART_TIME) & (pl.col("full_part_time_before") == FULL_TIME)
    fell = fewer.fill_null(value=False) | part.fill_null(value=False)
    return rows.with_columns(before).with_columns(
        hours_cause=pl.when(fell).then(pl.lit(str(CobraCause.HOURS)))
    )


def _with_causes(jobs: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Add job_cause: of the action with this reason, else of the action with any."""
    named = actions.select("action", "reason", found=_cause(), is_mapped=pl.lit(value=True))
    exact = named.filter(pl.col("reason") != "")
    general = named.filter(pl.col("reason") == "").drop("reason", "is_mapped").rename({"found": "any_cause"})
    rows = jobs.join(exact, on=["action", "reason"], how="left", maintain_order="left")
    rows = rows.join(general, on="action", how="left", maintain_order="left")
    cause = pl.when(pl.col("is_mapped")).then("found").otherwise("any_cause")
    return rows.with_columns(job_cause=cause)
