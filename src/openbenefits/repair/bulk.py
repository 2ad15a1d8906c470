"""Operations from a file: every row is judged first, the good ones are carried out, each bad one is named.

The same file again changes nothing: what stands as the last operation on its event is not done twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core import bad_rows
from openbenefits.core.cells import DAY, TEXT, WHOLE, Kind, values_of
from openbenefits.enrollment.entry_cells import read_cells
from openbenefits.enrollment.entry_rows import with_people
from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY
from openbenefits.programs.frames import load_codes
from openbenefits.repair import kinds
from openbenefits.repair.acts import last_standing, load_acts
from openbenefits.repair.operations import Told, operate, undo
from openbenefits.repair.permissions import Permit, everybody_may
from openbenefits.repair.services import Consequences, RepairOrder
from openbenefits.repair.targets import judged, spelled

UNDO = "undo"
WORDS = (*kinds.ASKABLE, UNDO)
AT_ONCE = 1_000
"""Operations of one transaction."""

KINDS: dict[str, Kind] = {
    "employee_number": Kind(parse=TEXT.parse, expected="an employee number"),
    "benefit_record": WHOLE,
    "schedule": Kind(parse=TEXT.parse, expected="the code of a schedule"),
    "event_number": WHOLE,
    "operation": Kind(
        parse=lambda text: pl.when(text.str.to_lowercase().is_in(WORDS)).then(text.str.to_lowercase()),
        expected=f"one of {', '.join(WORDS)}",
        cure="write one of these words",
    ),
    "to_day": DAY,
    "to_record": WHOLE,
    "reason": Kind(parse=TEXT.parse, expected="why, in words"),
}
REQUIRED = ("employee_number", "schedule", "operation", "reason")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class BulkResult:
    """What came of a file.

    Shapes: bad_rows has row, column, expected, found (the shape of a cell, never its text), cure.
    told:   what the operations changed, or would change; None where none was left to do.
    """

    rows_read: int
    done: int
    unchanged: int
    bad_rows: pl.DataFrame
    told: Told | None
    unknown_headings: Sequence[str] = ()


def operate_file(
    connection: Any,
    given: RepairOrder,
    path: Path,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
    mapping: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> BulkResult:
    """Carry out a file of operations, a row per event; `given` says client, day, pays and author.

    Rows are done a thousand at a time, each thousand in one transaction.

    Errors: FileRefused for a file that cannot be read; as `repair.services.repair`.
    """
    file = read_cells(Path(path), tuple(KINDS), REQUIRED, mapping)
    with transaction.atomic():
        rows, bad = _read(connection, given.client_id, file.cells)
    fresh = rows.filter(~pl.col("is_known"))
    told: list[Told] = []
    for done in range(0, fresh.height, AT_ONCE):
        part = fresh.slice(done, AT_ONCE)
        told += _carried_out(connection, given, part, now=now, permit=permit, is_rehearsal=is_rehearsal)
        if progress:
            progress(done + part.height, fresh.height)
    return BulkResult(
        rows_read=file.cells.height,
        done=fresh.height,
        unchanged=rows.height - fresh.height,
        bad_rows=bad,
        told=together(told) if told else None,
        unknown_headings=file.unknown_headings,
    )


def _carried_out(
    connection: Any,
    given: RepairOrder,
    part: pl.DataFrame,
    *,
    now: datetime,
    permit: Permit,
    is_rehearsal: bool,
) -> list[Told]:
    told = []
    for is_undoing, work in ((False, operate), (True, undo)):
        rows = part.filter((pl.col("kind") == UNDO) == is_undoing)
        if rows.height:
            targets = rows.select(*EVENT_KEY, "kind", "to_on", "to_record", "reason")
            order = replace(given, targets=targets, reason="a file of operations")
            told.append(work(connection, order, now=now, permit=permit, is_rehearsal=is_rehearsal))
    return told


def together(told: Sequence[Told]) -> Told:
    """Lay several accounts together as one."""
    parts = [one.consequences for one in told]
    frames = {
        name: pl.concat([getattr(part, name) for part in parts])
        for name in ("coverage", "deductions", "events", "before", "after")
    }
    return Told(
        consequences=Consequences(**frames, run_id=parts[-1].run_id),
        losses=pl.concat([one.losses for one in told]),
        left=pl.DataFrame(),
    )


# --- judging rows -------------------------------------------------------------------------------------------


def _read(connection: Any, client_id: int, cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answer the good rows as targets, with is_known (done already), and the bad ones."""
    values = values_of(cells, KINDS)
    rows, stopped = with_people(connection, client_id, _named(values))
    codes = load_codes(connection, client_id, "schedule")
    rows = rows.join(
        codes.select(schedule="code", schedule_id=pl.col("id").cast(pl.Int32)), on="schedule", how="left"
    ).sort("row")
    found = [
        bad_rows.unreadable(cells, values, KINDS),
        bad_rows.missing(cells, REQUIRED, KINDS),
        stopped,
        _unknown_schedules(rows),
        bad_rows.repeated(rows, list(EVENT_KEY), "operation", "one operation for each event"),
    ]
    bad = pl.concat(found)
    whole = _with_known(connection, rows.join(bad, on="row", how="anti"))
    fresh = whole.filter(~pl.col("is_known"))
    bad = pl.concat([bad, _faulty(connection, fresh)]).sort("row", "column", maintain_order=True)
    return whole.join(bad, on="row", how="anti"), bad


def _named(values: pl.DataFrame) -> pl.DataFrame:
    return values.select(
        *("row", "employee_number", "schedule", "reason"),
        benefit_record=pl.col("benefit_record").fill_null(0),
        event_number=pl.col("event_number").fill_null(0).cast(pl.Int32),
        kind="operation",
        to_on="to_day",
        to_record="to_record",
    )


def _unknown_schedules(rows: pl.DataFrame) -> pl.DataFrame:
    unknown = pl.col("schedule").is_not_null() & pl.col("schedule_id").is_null()
    return bad_rows.faults(rows, unknown, "schedule", KINDS["schedule"].expected, "correct the code")


def _with_known(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Add is_known: the last operation that stands (or, of an undoing, the last of all) is this very one."""
    acts = load_acts(connection, rows)
    said = ["kind", "to_on", "to_record", "reason"]
    key = [*EVENT_KEY, *said]
    undone = acts.sort("number").unique(list(EVENT_KEY), keep="last").drop_nulls("undoes")
    known = pl.concat(
        [
            last_standing(acts).select(key),
            undone.with_columns(
                kind=pl.lit(UNDO), to_on=pl.lit(None, pl.Date), to_record=pl.lit(None, pl.Int16)
            ).select(key),
        ]
    )
    marked = known.with_columns(is_known=pl.lit(value=True))
    found = rows.join(marked, on=key, how="left", nulls_equal=True, maintain_order="left")
    return found.with_columns(pl.col("is_known").fill_null(value=False))


def _faulty(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Name the rows whose operation cannot be."""
    if rows.is_empty():
        return pl.DataFrame(schema=bad_rows.BAD_ROW)
    events = load_events(connection, rows)
    asked = rows.filter(pl.col("kind") != UNDO)
    faults = judged(connection, events, spelled(asked.select(*EVENT_KEY, "kind", "to_on", "to_record")))
    named = faults.drop("kind").join(rows.select("row", *EVENT_KEY), on=list(EVENT_KEY))
    return pl.concat(
        [named.select(list(bad_rows.BAD_ROW)).cast(bad_rows.BAD_ROW), _not_undone(connection, rows)]
    )


def _not_undone(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Name the rows that would undo what was never done, or what ordered nothing."""
    lasting = [code for code, kind in kinds.KINDS.items() if kind.undone_by is None]
    acts = last_standing(load_acts(connection, rows)).select(*EVENT_KEY, last="kind")
    found = rows.filter(kind=UNDO).join(acts, on=list(EVENT_KEY), how="left").with_columns(operation="kind")
    return bad_rows.faults(
        found,
        pl.col("last").is_null() | pl.col("last").is_in(lasting),
        "operation",
        "an event with an operation to undo",
        "remove the row",
        pl.col("last").fill_null("none"),
    )
