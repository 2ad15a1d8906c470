"""A price decided by a person as an operation: what it changes, done, undone, one by one or from a file.

Payroll owes the price decided at once: it looks at the decisions that stand. Events that wait for elections
go back to be prepared, so that the next run offers that price. What is final stays final.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.compliance.cobra.rules.losses import LOSS_KEY
from openbenefits.compliance.cobra.services import classified_losses
from openbenefits.core import bad_rows
from openbenefits.core.cells import DAY, TEXT, WHOLE, Kind, read_hundredths, values_of
from openbenefits.enrollment.entry_cells import read_cells
from openbenefits.enrollment.entry_rows import with_people
from openbenefits.enrollment.overrides import assign_again
from openbenefits.enrollment.price_deciding import (
    PRICE_ROW,
    decide_prices,
    decided_before,
    last_standing,
    load_priced_options,
    placed,
    price_faults,
    undo_prices,
    with_known,
)
from openbenefits.events.frames import load_events
from openbenefits.events.rules import RECORD_KEY
from openbenefits.repair import kinds
from openbenefits.repair.bulk import BulkResult
from openbenefits.repair.operations import LOSS, Told, loss_changes, rehearsed
from openbenefits.repair.permissions import Permit, Wish, everybody_may
from openbenefits.repair.services import (
    RepairOrder,
    RepairRefused,
    changed_deductions,
    compared,
    state_of,
)
from openbenefits.workforce.recording import lock_people

PRICE, UNDO_PRICE = "price", "undo price"
DECIDED = "price decided"

DOLLARS = Kind(parse=read_hundredths, expected="an amount of a year in dollars, as 1200.00")
KINDS: dict[str, Kind] = {
    "employee_number": Kind(parse=TEXT.parse, expected="an employee number"),
    "benefit_record": WHOLE,
    "plan_type": Kind(parse=TEXT.parse, expected="the code of a plan type"),
    "program": Kind(parse=TEXT.parse, expected="the code of a program"),
    "option": Kind(parse=TEXT.parse, expected="the code of an option"),
    "from": DAY,
    "through": DAY,
    "total": DOLLARS,
    "employer": DOLLARS,
    "employee": DOLLARS,
    "reason": Kind(parse=TEXT.parse, expected="why, in words"),
}
REQUIRED = ("employee_number", "plan_type", "from", "reason")


@dataclass(frozen=True, kw_only=True)
class PriceOrder:
    """Who decides about prices at a client, and which pays to compare: those that end in a span."""

    client_id: int
    begin: date
    through: date
    author: str

    def repair_order(self) -> RepairOrder:
        """Answer the span as the comparison of repairs takes it."""
        return RepairOrder(
            client_id=self.client_id,
            targets=pl.DataFrame(),
            as_of=self.begin,
            begin=self.begin,
            through=self.through,
            reason=DECIDED,
            author=self.author,
        )


def decide(
    connection: Any,
    order: PriceOrder,
    rows: pl.DataFrame,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
) -> Told:
    """Record decisions about prices, all or none, and answer what they change; a rehearsal writes nothing.

    Shapes: rows as `price_deciding.PRICE_ROW`. What stands already, for the same reason, is left.
    Errors: RepairRefused naming the first row that cannot be; PeopleBusy; whatever `permit` raises.
    """
    _refuse_unsaid(order, rows)
    permit(_wish(order, rows, PRICE))

    def change() -> None:
        lock_people(order.client_id, rows["person_id"].unique())
        priced = load_priced_options(connection, order.client_id)
        said = placed(rows, priced)
        _refuse_faulty(price_faults(said, priced))
        made = decided_before(connection, rows)
        new = with_known(said, made).filter(~pl.col("is_known"))
        decide_prices(connection, new, made, author=order.author, now=now)
        _prepare_again(connection, new, order.author, now)

    return _told(connection, order, rows, change, is_rehearsal=is_rehearsal)


def undo(
    connection: Any,
    order: PriceOrder,
    rows: pl.DataFrame,
    *,
    reason: str,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
) -> Told:
    """Withdraw the last decision about prices of each plan type named; the one before holds again.

    Shapes: rows has RECORD_KEY and plan_type.
    Errors: RepairRefused where none stands; PeopleBusy; whatever `permit` raises.
    """
    _refuse_unsaid(order, rows.with_columns(reason=pl.lit(reason)))
    permit(_wish(order, rows, UNDO_PRICE))

    def change() -> None:
        lock_people(order.client_id, rows["person_id"].unique())
        made = decided_before(connection, rows)
        undone = last_standing(made).join(rows, on=[*RECORD_KEY, "plan_type"], how="semi")
        if undone.height < rows.height:
            raise RepairRefused(
                "expected a decision about a price to undo, found none; correct the person or the plan type"
            )
        undo_prices(connection, undone, made, author=order.author, reason=reason, now=now)
        _prepare_again(connection, undone, order.author, now)

    return _told(connection, order, rows, change, is_rehearsal=is_rehearsal)


def decide_file(
    connection: Any,
    order: PriceOrder,
    path: Path,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
    mapping: Mapping[str, str] | None = None,
) -> BulkResult:
    """Carry out a file of decisions about prices, a row each: every bad row is named, the good ones are done.

    The same file again changes nothing.

    Errors: FileRefused for a file that cannot be read; PeopleBusy; whatever `permit` raises.
    """
    file = read_cells(Path(path), tuple(KINDS), REQUIRED, mapping)
    with transaction.atomic():
        rows, bad = _read(connection, order.client_id, file.cells)
        fresh = rows.filter(~pl.col("is_known"))
    told = None
    if fresh.height:
        asked = fresh.select(list(PRICE_ROW))
        told = decide(connection, order, asked, now=now, permit=permit, is_rehearsal=is_rehearsal)
    return BulkResult(
        rows_read=file.cells.height,
        done=fresh.height,
        unchanged=rows.height - fresh.height,
        bad_rows=bad,
        told=told,
        unknown_headings=file.unknown_headings,
    )


def _read(connection: Any, client_id: int, cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answer the good rows with is_known (stands already), and the bad ones."""
    values = values_of(cells, KINDS)
    rows, stopped = with_people(connection, client_id, _named(values))
    priced = load_priced_options(connection, client_id)
    said = placed(rows, priced)
    place = [*RECORD_KEY, "plan_type", "program", "option", "begins_on"]
    spelled = said.with_columns(pl.col("program", "option").fill_null(""))
    found = [
        bad_rows.unreadable(cells, values, KINDS),
        bad_rows.missing(cells, REQUIRED, KINDS),
        stopped,
        price_faults(said, priced),
        bad_rows.repeated(spelled, place, "plan_type", "one row for each price and first day"),
    ]
    bad = pl.concat(found).unique(["row", "column"], keep="first", maintain_order=True)
    bad = bad.sort("row", "column", maintain_order=True)
    whole = said.join(bad, on="row", how="anti")
    return with_known(whole, decided_before(connection, whole)), bad


def _named(values: pl.DataFrame) -> pl.DataFrame:
    return values.select(
        *("row", "employee_number", "plan_type", "program", "option", "reason"),
        benefit_record=pl.col("benefit_record").fill_null(0),
        begins_on="from",
        ends_on="through",
        **{f"{name}_cents": pl.col(name) for name in ("total", "employer", "employee")},
    )


def _told(connection: Any, order: PriceOrder, rows: pl.DataFrame, change: Any, *, is_rehearsal: bool) -> Told:
    """Make a change, and compare what is owed before and after."""
    records = rows.select(pl.col(name) for name in RECORD_KEY).unique()

    def work() -> Told:
        with transaction.atomic():
            compares = order.repair_order()
            before = state_of(connection, compares, records)
            change()
            after = state_of(connection, compares, records)
            deductions = changed_deductions(connection, compares, before, after)
        losses = classified_losses(connection, order.client_id, []).select(*LOSS_KEY, *LOSS)
        return Told(
            consequences=compared(before, after, deductions, None),
            losses=loss_changes(losses, losses),  # nobody's coverage changes
            left=pl.DataFrame(),
        )

    return rehearsed(work, is_rehearsal=is_rehearsal)


def _prepare_again(connection: Any, rows: pl.DataFrame, author: str, now: datetime) -> None:
    """Let the events that wait for elections of these benefit records be prepared with the price decided."""
    events = load_events(connection, rows).join(rows, on=list(RECORD_KEY), how="semi")
    living = events.filter(pl.col("event_status").is_in(kinds.LIVING))
    assign_again(connection, living, author=author, now=now, cause=DECIDED)


def _refuse_unsaid(order: PriceOrder, rows: pl.DataFrame) -> None:
    if not order.author.strip() or rows["reason"].fill_null("").str.strip_chars().eq("").any():
        raise RepairRefused("a decision about a price needs a reason and an author; state both")


def _refuse_faulty(bad: pl.DataFrame) -> None:
    if bad.height:
        first = bad.row(0, named=True)
        raise RepairRefused(
            f"{first['column']}: expected {first['expected']}, found {first['found']}; {first['cure']}"
        )


def _wish(order: PriceOrder, rows: pl.DataFrame, what: str) -> Wish:
    return Wish(
        author=order.author,
        client_id=order.client_id,
        operations=(what,),
        person_ids=tuple(rows["person_id"].unique().sort()),
    )


__all__ = ["PriceOrder", "decide", "decide_file", "undo"]
