"""Continuation of lost coverage as it is known: taken in from a file, and the days that rest on it.

Who elected and paid is a fact from outside; the notices and the billing of it are not kept here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.bad_rows import faults, missing, repeated, unreadable
from openbenefits.core.cells import DAY, FLAG, TEXT, WHOLE, Kind, values_of
from openbenefits.enrollment import models
from openbenefits.enrollment.basis import load_spans
from openbenefits.enrollment.election_frames import load_numbered_dependents
from openbenefits.enrollment.entries import change_by_file
from openbenefits.enrollment.entry_cells import CellFile, read_cells
from openbenefits.enrollment.entry_rows import as_stored, people_of, with_people
from openbenefits.enrollment.frames import POINT, load_covered_dependents
from openbenefits.enrollment.rules.continued import CONTINUED, COVERED_DAYS, WHO, continued_spans
from openbenefits.store.bulk import copy_in, copy_out, schema_of
from openbenefits.store.keys import PEOPLE, people_arrays
from openbenefits.workforce.frames import load_dependents, load_jobs
from openbenefits.workforce.models import ChangeSet

KIND_OF_CHANGE = "continuation"
KEY = [*WHO, "begins_on"]
DIED = "D"
"""The job status of somebody who died."""
KINDS = {
    "employee_number": Kind(parse=TEXT.parse, expected="an employee number"),
    "benefit_record": WHOLE,
    "dependent": WHOLE,
    "plan_type": Kind(parse=TEXT.parse, expected="the code of a plan type"),
    "begins_on": DAY,
    "elected_on": DAY,
    "paid_through": DAY,
    "withdrawn": FLAG,
}
COLUMNS = tuple(KINDS)
REQUIRED = ("employee_number", "plan_type", "begins_on")
VERSIONS = CONTINUED | {"version": pl.Int32, "elected_on": pl.Date, "is_deleted": pl.Boolean}
QUERY = f"""
SELECT DISTINCT ON (client_id, person_id, benefit_record, plan_type, dependent_id, begins_on)
       {", ".join(VERSIONS)}
FROM enrollment_continuation AS c JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE known_since <= %(known_at)s
ORDER BY client_id, person_id, benefit_record, plan_type, dependent_id, begins_on, version DESC
"""  # noqa: S608 (constants)
TAKEN_IN = f"""
SELECT {", ".join(schema_of(models.Continuation))} FROM enrollment_continuation AS c
WHERE client_id = %(client)s AND change_id = %(change)s AND NOT EXISTS (
    SELECT FROM enrollment_continuation AS l
    WHERE (l.client_id, l.person_id, l.benefit_record, l.plan_type, l.dependent_id, l.begins_on)
        = (c.client_id, c.person_id, c.benefit_record, c.plan_type, c.dependent_id, c.begins_on)
      AND l.version > c.version)
"""  # noqa: S608 (constants)


@dataclass(frozen=True, kw_only=True)
class ContinuationResult:
    """What came of a file. Shapes: bad_rows as BAD_ROW."""

    rows_read: int
    taken: int
    unchanged: int
    change_id: int | None  # null: nothing was written
    bad_rows: pl.DataFrame
    unknown_headings: Sequence[str] = ()


def load_continued(
    connection: Any, people: pl.DataFrame, *, known_at: datetime | None = None
) -> pl.DataFrame:
    """Answer the spans of days that rest on continuation, as `rules.continued.continued_spans`.

    Nobody goes on after the day of his death, whatever is paid.
    """
    rows = _versions(connection, people, known_at).filter(~pl.col("is_deleted")).select(list(CONTINUED))
    if rows.is_empty():
        return continued_spans(rows, pl.DataFrame(schema=COVERED_DAYS))
    who = rows.select("client_id", "person_id").unique()
    rows = rows.join(_deaths(connection, who, known_at), on=["person_id", "dependent_id"], how="left")
    rows = rows.with_columns(through_on=pl.min_horizontal("through_on", "died_on"))
    living = rows.filter((pl.col("begins_on") <= pl.col("through_on")).fill_null(value=True))
    return continued_spans(living.select(list(CONTINUED)), _covered(connection, who, known_at))


def _deaths(connection: Any, people: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    """Say who died when: person_id, dependent_id (0: the employee; the day of the job row that says so)."""
    jobs = load_jobs(connection, people, known_at).filter(job_status=DIED)
    own = jobs.select("person_id", dependent_id=pl.lit(0, pl.Int64), died_on="valid_from")
    dependents = load_dependents(connection, people, {"died_on": pl.Date()}, known_at)
    theirs = dependents.drop_nulls("died_on").select(own.columns)
    return pl.concat([own, theirs]).group_by("person_id", "dependent_id").agg(pl.col("died_on").min())


def take_in(
    connection: Any, client_id: int, path: Path, *, now: datetime, made_by: str, is_preview: bool = False
) -> ContinuationResult:
    """Take in who continues lost coverage: all good rows, each bad one named; a preview writes nothing.

    Columns: employee_number, benefit_record (blank: 0), dependent (its number; blank: the employee),
    plan_type, begins_on (the first day without the coverage), elected_on, paid_through (blank: until it is
    said to end), withdrawn (yes: it was never continued). The same row again changes nothing; another one
    corrects it.

    Errors: FileRefused for a file that cannot be read.
    """
    file = read_cells(Path(path), COLUMNS, REQUIRED)
    return take_in_cells(connection, client_id, file, now=now, made_by=made_by, is_preview=is_preview)


def take_in_cells(
    connection: Any,
    client_id: int,
    file: CellFile,
    *,
    now: datetime,
    made_by: str,
    is_preview: bool = False,
    is_filling: bool = False,
) -> ContinuationResult:
    """Take in a file that was read already, or cells made from one of another shape.

    is_filling: of whom continuation of the plan type is known already, nothing else is taken.
    Shapes: cells has `row` (Int32) and every one of COLUMNS (String).
    """
    with transaction.atomic(using=connection.alias):
        rows, bad = _said(connection, client_id, file.cells)
        good = rows.join(bad, on="row", how="anti")
        new = good.filter(~pl.col("is_known"))
        if is_filling:
            known = _versions(connection, people_of(new), None).filter(~pl.col("is_deleted"))
            new = new.join(known.select(WHO), on=list(WHO), how="anti", maintain_order="left")
        change = None
        if new.height and not is_preview:
            change = change_by_file(connection, client_id, KIND_OF_CHANGE, file, author=made_by, now=now)
            _write(connection, new, change.pk, now)
    return ContinuationResult(
        rows_read=file.cells.height,
        taken=new.height,
        unchanged=good.height - new.height,
        change_id=change.pk if change else None,
        bad_rows=bad,
        unknown_headings=file.unknown_headings,
    )


def take_back(connection: Any, change: ChangeSet, *, author: str, now: datetime) -> int:
    """Let what a change took in count as never continued; answer how many. What was corrected since stays.

    For a change that brought rows nobody had said anything of.
    """
    undone = ChangeSet.objects.using(connection.alias).create(
        client_id=change.client_id,
        kind="undo",
        label=f"take back: {change.label}",
        made_by=author,
        made_at=now,
        undoes=change,
    )
    asked = {"client": change.client_id, "change": change.pk}
    rows = copy_out(connection, TAKEN_IN, schema_of(models.Continuation), asked)
    rows = rows.with_columns(latest="version", is_deleted=pl.lit(value=True))
    _write(connection, rows, undone.pk, now)
    return rows.height


def _versions(connection: Any, people: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    asked = {**people_arrays(people), "known_at": known_at or "infinity"}
    return copy_out(connection, QUERY, VERSIONS, asked)


def _covered(connection: Any, people: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    """The spans in which timelines cover employees and dependents, as COVERED_DAYS."""
    spans = load_spans(connection, people, known_at=known_at)
    own = spans.with_columns(dependent_id=pl.lit(0, pl.Int64))
    named = spans.join(load_covered_dependents(connection, people), on=list(POINT))
    columns = [pl.col(name).cast(kind) for name, kind in COVERED_DAYS.items()]
    return pl.concat([own.select(columns), named.select(columns)])


def _write(connection: Any, new: pl.DataFrame, change_id: int, now: datetime) -> None:
    rows = new.with_columns(
        version=(pl.col("latest") + 1).cast(pl.Int32),
        change_id=pl.lit(change_id, pl.Int64),
        known_since=pl.lit(now).cast(pl.Datetime("us", "UTC")),
    )
    copy_in(connection, "enrollment_continuation", as_stored(rows, models.Continuation))


# --- what a file says ---------------------------------------------------------------------------------------


def _said(connection: Any, client_id: int, cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read rows, and find what is wrong with them."""
    values = values_of(cells, KINDS)
    named = values.with_columns(
        pl.col("benefit_record").fill_null(0).cast(pl.Int16),
        through_on="paid_through",
        is_deleted=pl.col("withdrawn").fill_null(value=False),
    )
    rows, stopped = with_people(connection, client_id, named)
    rows, unknown = _with_dependents(connection, client_id, rows)
    found = [
        unreadable(cells, values, KINDS),
        missing(cells, REQUIRED, KINDS),
        stopped,
        unknown,
        faults(
            rows,
            pl.col("through_on") < pl.col("begins_on"),
            "paid_through",
            "a day from the first day on, or nothing",
            "correct the day",
            pl.col("through_on").cast(pl.String),
        ),
        _without_loss(connection, rows),
        repeated(rows, KEY, "begins_on", "one row for each beneficiary, plan type and day"),
    ]
    bad = pl.concat(found).unique(["row", "column"], keep="first", maintain_order=True)
    return _with_known(connection, rows), bad.sort("row", "column", maintain_order=True)


def _with_dependents(
    connection: Any, client_id: int, rows: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add dependent_id (0: the employee), and name the rows with a number nobody has."""
    known = load_numbered_dependents(connection, client_id, rows)
    numbered = rows.with_columns(number=pl.col("dependent").cast(pl.Int16)).join(
        known, on=["person_id", "number"], how="left", maintain_order="left"
    )
    is_own = pl.col("number").fill_null(0) == 0
    unknown = faults(
        numbered,
        ~is_own & pl.col("person_id").is_not_null() & pl.col("dependent_id").is_null(),
        "dependent",
        "the number of a dependent of this person",
        "correct the number; leave it out for the employee",
        pl.col("number").cast(pl.String),
    )
    ids = pl.when(is_own).then(pl.lit(0, pl.Int64)).otherwise(pl.col("dependent_id"))
    return numbered.with_columns(dependent_id=ids), unknown


def _without_loss(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Name the rows of a beneficiary whose coverage did not end on the day before."""
    covered = _covered(connection, people_of(rows), None)
    lost = covered.select(*WHO, begins_on="span_until").unique()
    held = covered.select(*WHO, begins_on="span_from").unique()
    ended = lost.join(held, on=KEY, how="anti").with_columns(is_lost=pl.lit(value=True))
    found = rows.join(ended, on=KEY, how="left", maintain_order="left")
    return faults(
        found,
        pl.col("dependent_id").is_not_null()
        & pl.col("begins_on").is_not_null()
        & pl.col("person_id").is_not_null()
        & pl.col("is_lost").is_null(),
        "begins_on",
        "the first day without coverage of this plan type",
        "correct the day, the plan type or the beneficiary",
        pl.col("begins_on").cast(pl.String),
    )


def _with_known(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Add latest (its version; 0: none) and is_known: this very row holds."""
    before = _versions(connection, people_of(rows), None).select(
        *KEY, latest="version", was_through="through_on", was_elected="elected_on", was_deleted="is_deleted"
    )
    found = rows.join(before, on=KEY, how="left", maintain_order="left")
    same = (
        pl.col("through_on").eq_missing(pl.col("was_through"))
        & pl.col("elected_on").eq_missing(pl.col("was_elected"))
        & (pl.col("is_deleted") == pl.col("was_deleted"))
    )
    return found.with_columns(is_known=same.fill_null(value=False), latest=pl.col("latest").fill_null(0))


__all__ = ["COLUMNS", "ContinuationResult", "load_continued", "take_back", "take_in", "take_in_cells"]
