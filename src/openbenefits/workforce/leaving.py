"""Everybody of a client leaves on one day, as one change: the client itself leaves."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl
from django.db import transaction

from openbenefits.workforce.frames import ACTIVE_STATUSES
from openbenefits.workforce.models import ChangeSet, Person
from openbenefits.workforce.recording import (
    JOBS,
    FactFrames,
    known_versions,
    latest_versions,
    lock_people,
    record_facts,
)

_JOB = ("person_id", "job_number")


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """The jobs that go on after a day, and those that nobody can end there.

    Shapes: ending, the rows that end them, in the columns of JOBS; later, person_id and employee_number of
            who works on and has job rows after the day: which of them stand is for a person to say.
    """

    ending: pl.DataFrame
    later: pl.DataFrame


def leaving(client_id: int, *, last_day_employed: date) -> Leaving:
    """Find the jobs of a client that go on after a day; write nothing."""
    people = pl.DataFrame(
        list(Person.objects.filter(client_id=client_id).values_list("pk", "employee_number")),
        schema={"person_id": pl.Int64, "employee_number": pl.String},
        orient="row",
    )
    rows = latest_versions(JOBS, known_versions(JOBS, client_id, people["person_id"]))
    rows = rows.filter(~pl.col("is_deleted")).select(list(JOBS.columns)).sort("valid_from", "sequence")
    after = rows.filter(pl.col("valid_from") > last_day_employed)
    held = rows.filter(pl.col("valid_from") <= last_day_employed).unique(list(_JOB), keep="last")
    going = held.filter(pl.col("job_status").is_in(ACTIVE_STATUSES))
    ending = going.join(after, on="person_id", how="anti").with_columns(
        valid_from=pl.lit(last_day_employed + timedelta(days=1)),
        sequence=pl.lit(0, rows.schema["sequence"]),
        action=pl.lit("TER"),
        reason=pl.lit(None, pl.String),
        job_status=pl.lit("T"),
        last_day_employed=pl.lit(last_day_employed),
    )
    open_later = pl.concat(
        [
            going.join(after, on="person_id", how="semi").select("person_id"),
            after.filter(pl.col("job_status").is_in(ACTIVE_STATUSES)).select("person_id"),
        ]
    )
    later = people.join(open_later, on="person_id", how="semi").sort("employee_number")
    return Leaving(ending=ending.sort(list(_JOB)), later=later)


def end_everybody(
    client_id: int, *, last_day_employed: date, made_by: str, now: datetime
) -> tuple[ChangeSet | None, Leaving]:
    """End every job of a client on one day, as one change that can be taken back; None: there is none to end.

    Who has job rows after the day is left as he is, and named.
    """
    with transaction.atomic():
        people = Person.objects.filter(client_id=client_id).order_by("pk").values_list("pk", flat=True)
        lock_people(client_id, pl.Series(list(people), dtype=pl.Int64))
        found = leaving(client_id, last_day_employed=last_day_employed)
        if found.ending.is_empty():
            return None, found
        label = f"the client leaves: last day {last_day_employed}"
        frames = FactFrames(jobs=found.ending)
        change = record_facts(client_id, frames, kind="entry", label=label, made_by=made_by, now=now)
    return change, found
