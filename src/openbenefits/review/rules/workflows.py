"""What an administrator wants to be told of, as lists: pure shaping of frames (event-processing §18)."""

from datetime import date

import polars as pl

from openbenefits.core.codes import ProcessStatus

UNANSWERED = [str(status) for status in (ProcessStatus.PR, ProcessStatus.NT)]
PREPARED = [
    *UNANSWERED,
    *(str(one) for one in (ProcessStatus.ET, ProcessStatus.EE, ProcessStatus.RE)),
]
"""Where an event stands that has options and is not final."""


def newly_enrolled(elected: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Name the dependents whom elections enrol and coverage in force does not cover.

    Shapes: both have case, plan_type, dependent_id.
    """
    key = ["case", "plan_type", "dependent_id"]
    return elected.select(key).unique().join(held.select(key).unique(), on=key, how="anti")


def late(events: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Pick the open events whose response date has passed without an answer, the longest first.

    Shapes: events with process_status, event_status, window_ends_on. Adds days_late.
    """
    waiting = pl.col("process_status").is_in(UNANSWERED) & (pl.col("event_status") == "O")
    rows = events.filter(waiting & (pl.col("window_ends_on") < as_of))
    days = (pl.lit(as_of) - pl.col("window_ends_on")).dt.total_days()
    return rows.with_columns(days_late=days).sort("window_ends_on", "employee_number", "event_number")


def full_terminations(events: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """Pick the prepared events that would end everything a person has.

    Shapes: plans of the present preparation: case, current_option_id, default_option_id, is_ignored,
            offered_options, coverage_ends_on. Adds plan_types (how many end) and last_day (of the latest).
    """
    held = plans.filter(pl.col("current_option_id").is_not_null() & ~pl.col("is_ignored"))
    goes_on = (pl.col("offered_options") > 0) | pl.col("default_option_id").is_not_null()
    ends = held.group_by("case").agg(
        plan_types=pl.len().cast(pl.Int64), last_day=pl.col("coverage_ends_on").max(), goes_on=goes_on.any()
    )
    prepared = events.filter(pl.col("process_status").is_in(PREPARED) & (pl.col("event_status") == "O"))
    return prepared.join(ends.filter(~pl.col("goes_on")).drop("goes_on"), on="case", maintain_order="left")


def changed_dates(persons: pl.DataFrame) -> pl.DataFrame:
    """Say of whom another birth or service date became known, in the order it did; never the dates.

    Shapes:  persons are all versions of person rows: person_id, birth_on, service_on, known_on, made_by and
             `known`, which orders them. Answers person_id, what, known_on, made_by.
    Missing: a date that was unknown before, or is now, is another date; the first row differs from nothing.
    """
    ordered = persons.sort("person_id", "known")
    parts = []
    for column, what in (("birth_on", "birth date"), ("service_on", "service date")):
        differs = pl.col(column).ne_missing(pl.col(column).shift(1)).over("person_id")
        is_first = pl.int_range(pl.len()).over("person_id") == 0
        parts.append(ordered.filter(differs & ~is_first).with_columns(what=pl.lit(what)))
    return pl.concat(parts).select("person_id", "what", "known_on", "made_by").sort("known_on", "person_id")


def leaves(jobs: pl.DataFrame) -> pl.DataFrame:
    """Pick the job rows with which a leave begins: of status L or P, after one of another status.

    Shapes: the job rows that hold: person_id, job_number, valid_from, sequence, job_status.
    """
    job = ["person_id", "job_number"]
    ordered = jobs.sort(*job, "valid_from", "sequence")
    before = pl.col("job_status").shift(1).over(job)
    begins = pl.col("job_status").is_in(["L", "P"]) & before.ne_missing(pl.col("job_status"))
    return ordered.filter(begins)
