"""Use cases of the desk of evidence: what waits, reminders, decisions one by one or from a file, expiry.

Deducted is never more than approved: coverage rises only by `enrollment.evidence`, to at most what was asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.bad_rows import BAD_ROW, faults, missing, repeated, unreadable
from openbenefits.core.cells import DAY, TEXT, WHOLE, read_hundredths, values_of
from openbenefits.core.cells import Kind as CellKind
from openbenefits.enrollment.entries import change_by_file
from openbenefits.enrollment.entry_cells import read_cells
from openbenefits.enrollment.entry_rows import with_people
from openbenefits.enrollment.evidence import decide_proofs
from openbenefits.enrollment.evidence_frames import PENDING, load_acts, load_pending
from openbenefits.enrollment.models import EvidenceAct
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.sections.operation import DeadlinesPart
from openbenefits.programs.services import loaded_in_force
from openbenefits.store.bulk import copy_in, schema_of
from openbenefits.workforce.recording import lock_people

KIND_OF_CHANGE = "evidence"
LONG_DAYS = 60
"""A request that waits for more days is on the monthly list."""
REQUEST = ["client_id", "person_id", "benefit_record", "plan_type", "slot"]


class Kind(StrEnum):
    """What may be done about a request; the four in the middle close it."""

    REMINDED = "reminded"
    APPROVED = "approved"  # as asked
    PARTIAL = "partial"  # less than asked, more than in force
    DECLINED = "declined"
    EXPIRED = "expired"  # nobody decided in time
    UNDONE = "undone"


RAISING = (Kind.APPROVED, Kind.PARTIAL)
DECISIONS = (Kind.APPROVED, Kind.PARTIAL, Kind.DECLINED)


class EvidenceRefused(ValueError):
    """What cannot be done about evidence: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class EvidenceOrder:
    """A decision about what one participant asked for in a plan type.

    on: the day it counts from. approved_cents: of a partial approval.
    """

    client_id: int
    person_id: int
    benefit_record: int
    plan_type: str
    slot: int
    decision: Kind
    on: date
    reason: str
    author: str
    approved_cents: int | None = None


def deadlines_of(client_id: int) -> DeadlinesPart:
    """Answer until when a client waits for papers; one that states nothing waits for ever."""
    loaded = loaded_in_force(client_id)
    parts = loaded.parts if loaded is not None else None
    stated = parts.deadlines if isinstance(parts, ClientBundle) else None
    return stated or DeadlinesPart()


def pending(connection: Any, client_id: int, as_of: date) -> pl.DataFrame:
    """List what waits for evidence as PENDING, longest first, with days, deadline_on and is_long.

    Missing: deadline_on is null where the client states none.
    """
    rows = load_pending(connection, client_id)
    days = deadlines_of(client_id).evidence_days
    deadline = pl.lit(None, pl.Date) if days is None else pl.col("since") + pl.duration(days=days)
    waited = (pl.lit(as_of) - pl.col("since")).dt.total_days().cast(pl.Int32)
    return rows.with_columns(days=waited, deadline_on=deadline.cast(pl.Date), is_long=waited > LONG_DAYS)


def decide(connection: Any, order: EvidenceOrder, *, now: datetime) -> None:
    """Decide about one request; approved coverage rises from the day of the decision on.

    Errors: EvidenceRefused without a reason, where nothing waits, or for an amount that is not between what
            is in force and what was asked for; PeopleBusy.
    """
    with transaction.atomic(using=connection.alias):
        lock_people(order.client_id, pl.Series([order.person_id], dtype=pl.Int64))
        _refuse_silence(order.reason)
        waiting = _waiting_for(connection, order)
        approved = _approved(order, waiting)
        said = waiting.with_columns(
            kind=pl.lit(str(order.decision)),
            approved_cents=pl.lit(approved, pl.Int64),
            acted_on=pl.lit(order.on),
            reason=pl.lit(order.reason.strip()),
        )
        _carry_out(connection, said, author=order.author, now=now)


def _waiting_for(connection: Any, order: EvidenceOrder) -> pl.DataFrame:
    rows = load_pending(connection, order.client_id)
    found = rows.filter(**{name: getattr(order, name) for name in REQUEST})
    if found.is_empty():
        raise EvidenceRefused(
            f"plan type {order.plan_type}: expected a request that waits for evidence, found none;"
            " somebody may have decided it meanwhile"
        )
    return found


def _approved(order: EvidenceOrder, waiting: pl.DataFrame) -> int | None:
    asked, in_force = waiting["asked_cents"][0], waiting["in_force_cents"][0] or 0
    if order.decision == Kind.APPROVED:
        return int(asked)
    if order.decision != Kind.PARTIAL:
        return None
    if order.approved_cents is None or not in_force < order.approved_cents < asked:
        raise EvidenceRefused(
            "expected an amount above what is in force and below what was asked for, found another;"
            " approve all of it, or decline it"
        )
    return order.approved_cents


def remind(connection: Any, order: EvidenceOrder, *, now: datetime) -> None:
    """Write down that somebody was reminded of the evidence that is missing; `reason` says how.

    Errors: EvidenceRefused without a reason, or where nothing waits.
    """
    _refuse_silence(order.reason)
    with transaction.atomic(using=connection.alias):
        waiting = _waiting_for(connection, order)
        note_reminded(
            connection, waiting, on=order.on, reason=order.reason.strip(), author=order.author, now=now
        )


def note_reminded(
    connection: Any, waiting: pl.DataFrame, *, on: date, reason: str, author: str, now: datetime
) -> None:
    """Write down that everybody of a list was reminded.

    Shapes: waiting as `pending`.
    """
    said = waiting.with_columns(
        kind=pl.lit(str(Kind.REMINDED)),
        approved_cents=pl.lit(None, pl.Int64),
        acted_on=pl.lit(on),
        reason=pl.lit(reason),
    )
    _write(connection, said, author=author, now=now, change_id=None)


def expire_due(connection: Any, client_id: int, as_of: date, *, author: str, now: datetime) -> pl.DataFrame:
    """Close every request whose deadline has passed before a day; what is in force stays. Answers them."""
    with transaction.atomic(using=connection.alias):
        due = pending(connection, client_id, as_of).filter(pl.col("deadline_on") < as_of)
        lock_people(client_id, due["person_id"].unique())
        said = due.with_columns(
            kind=pl.lit(str(Kind.EXPIRED)),
            approved_cents=pl.lit(None, pl.Int64),
            acted_on=pl.lit(as_of),
            reason=pl.lit("not decided by the deadline"),
        )
        _write(connection, said, author=author, now=now, change_id=None)
    return due


def _carry_out(
    connection: Any, said: pl.DataFrame, *, author: str, now: datetime, change_id: int | None = None
) -> None:
    raising = said.filter(pl.col("kind").is_in([str(one) for one in RAISING]))
    if raising.height:
        proofs = raising.select(
            "client_id", "person_id", "plan_type", "approved_cents", valid_from="acted_on"
        )
        decide_proofs(connection, proofs.unique(), decided_by=author, now=now, change_id=change_id)
    _write(connection, said, author=author, now=now, change_id=change_id)


def _write(connection: Any, said: pl.DataFrame, *, author: str, now: datetime, change_id: int | None) -> None:
    """Append acts; said has PENDING, kind, approved_cents, acted_on, reason, and `undoes` where it is one."""
    if said.is_empty():
        return
    made = load_acts(connection, said["client_id"][0]).group_by(REQUEST).agg(last=pl.col("number").max())
    undoes = [] if "undoes" in said.columns else [pl.lit(None, pl.Int32).alias("undoes")]
    rows = said.join(made, on=REQUEST, how="left", maintain_order="left").with_columns(
        *undoes,
        number=pl.col("last").fill_null(0) + pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(REQUEST),
        change_id=pl.lit(change_id, pl.Int64),
        author=pl.lit(author),
        acted_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
    )
    columns = schema_of(EvidenceAct)
    copy_in(
        connection,
        EvidenceAct._meta.db_table,
        rows.select(pl.col(name).cast(kind) for name, kind in columns.items()),
    )


# --- decisions of a carrier's file --------------------------------------------------------------------------

WORDS = {
    **dict.fromkeys(("approved", "approve", "accepted", "a", "yes"), str(Kind.APPROVED)),
    **dict.fromkeys(("partial", "partially approved", "counter offer", "p"), str(Kind.PARTIAL)),
    **dict.fromkeys(("declined", "decline", "denied", "refused", "d", "no"), str(Kind.DECLINED)),
}
KINDS: dict[str, CellKind] = {
    "employee_number": CellKind(parse=TEXT.parse, expected="an employee number"),
    "benefit_record": WHOLE,
    "plan_type": CellKind(parse=TEXT.parse, expected="the code of a plan type"),
    "decision": CellKind(
        parse=lambda text: text.str.to_lowercase().replace_strict(
            WORDS, default=None, return_dtype=pl.String
        ),
        expected="approved, partial or declined",
    ),
    "approved": CellKind(parse=read_hundredths, expected="dollars, as 150000.00"),
    "decided_on": DAY,
    "reason": CellKind(parse=TEXT.parse, expected="why, in words"),
}
REQUIRED = ("employee_number", "plan_type", "decision", "decided_on")


@dataclass(frozen=True, kw_only=True)
class DecisionsFile:
    """What a carrier's file of decisions says, or did.

    Shapes: rows are PENDING with row, kind, approved_cents, acted_on, reason; bad_rows as BAD_ROW.
    """

    rows_read: int
    rows: pl.DataFrame
    bad_rows: pl.DataFrame
    change_id: int | None
    unknown_headings: tuple[str, ...] = ()


def decide_file(
    connection: Any,
    client_id: int,
    path: Path,
    *,
    author: str,
    now: datetime,
    mapping: Mapping[str, str] | None = None,
    is_preview: bool = False,
) -> DecisionsFile:
    """Carry out a file of decisions: all good rows, each bad one named; a preview writes nothing.

    Errors: FileRefused for a file that cannot be read; PeopleBusy.
    """
    file = read_cells(Path(path), tuple(KINDS), REQUIRED, mapping)
    change = None
    with transaction.atomic(using=connection.alias):
        rows, bad = _read(connection, client_id, file.cells, file.name)
        if rows.height and not is_preview:
            change = change_by_file(connection, client_id, KIND_OF_CHANGE, file, author=author, now=now)
            _carry_out(connection, rows, author=author, now=now, change_id=change.pk)
    return DecisionsFile(
        rows_read=file.cells.height,
        rows=rows,
        bad_rows=bad,
        change_id=change.pk if change else None,
        unknown_headings=tuple(file.unknown_headings),
    )


def _read(
    connection: Any, client_id: int, cells: pl.DataFrame, name: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    values = values_of(cells, KINDS).with_columns(pl.col("benefit_record").fill_null(0).cast(pl.Int16))
    named, stopped = with_people(connection, client_id, values)
    waiting = load_pending(connection, client_id).drop("employee_number", "client_id")
    key = ["person_id", "benefit_record", "plan_type"]
    found = named.join(waiting, on=key, how="left", maintain_order="left")
    is_partial = pl.col("decision") == str(Kind.PARTIAL)
    is_whole = pl.col("person_id").is_not_null() & pl.col("plan_type").is_not_null()
    between = (pl.col("approved") > pl.col("in_force_cents").fill_null(0)) & (
        pl.col("approved") < pl.col("asked_cents")
    )
    bad = pl.concat(
        [
            unreadable(cells, values, KINDS),
            missing(cells, REQUIRED, KINDS),
            stopped,
            faults(
                found,
                is_whole & pl.col("asked_cents").is_null(),
                "plan_type",
                "a request of this employee that waits for evidence",
                "correct the plan type, or leave the row out: it is decided",
            ),
            faults(
                found,
                is_partial & pl.col("asked_cents").is_not_null() & ~between.fill_null(value=False),
                "approved",
                "an amount above what is in force and below what was asked for",
                "correct the amount or the decision",
                pl.lit("another amount, or none"),
            ),
            repeated(found, key, "plan_type", "one row for each employee and plan type"),
        ]
    ).unique(["row", "column"], keep="first", maintain_order=True)
    good = found.join(bad, on="row", how="anti")
    approved = pl.when(is_partial).then("approved").when(pl.col("decision") == str(Kind.APPROVED))
    rows = good.with_columns(
        kind="decision",
        approved_cents=approved.then("asked_cents"),
        acted_on="decided_on",
        reason=pl.coalesce("reason", pl.lit(f"file {name}")),
    )
    columns = ["row", *PENDING, "kind", "approved_cents", "acted_on", "reason"]
    return rows.select(columns), bad.cast(BAD_ROW).sort("row", "column", maintain_order=True)


def _refuse_silence(reason: str) -> None:
    if not reason.strip():
        raise EvidenceRefused("expected a reason, found none; state it")


def write_undone(connection: Any, acts: pl.DataFrame, *, reason: str, author: str, now: datetime) -> None:
    """Append that acts no longer count; acts as `evidence_frames.ACTS`."""
    said = acts.with_columns(
        undoes="number",
        kind=pl.lit(str(Kind.UNDONE)),
        reason=pl.lit(reason.strip()),
        approved_cents=pl.lit(None, pl.Int64),
    ).drop("number")
    _write(connection, said, author=author, now=now, change_id=None)
