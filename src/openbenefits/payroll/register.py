"""The register payroll reads: what each pay owes, and what it can take of it.

A pay of somebody on leave without pay takes nothing; one of which payroll says what is left for benefits
takes no more than that. What is not taken stays owed, and the ledger brings it back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from openbenefits.core.bad_rows import faults, missing, repeated, unreadable
from openbenefits.core.cells import DAY, TEXT, WHOLE, Kind, read_hundredths, values_of
from openbenefits.enrollment.entry_cells import read_cells
from openbenefits.payroll.frames import load_employee_numbers, load_named, load_orders
from openbenefits.payroll.ledger import terms_of
from openbenefits.payroll.rules.low_pay import AVAILABLE, PAY, with_take
from openbenefits.payroll.rules.takings import OWNER, calendar_of
from openbenefits.payroll.services import owed
from openbenefits.payroll.taken import with_pays
from openbenefits.programs.frames import load_rulebook
from openbenefits.workforce.frames import as_of

CORRECTION = "correction"
KINDS = {
    "employee_number": Kind(parse=TEXT.parse, expected="an employee number"),
    "benefit_record": WHOLE,
    "pay_group": Kind(parse=TEXT.parse, expected="the code of a pay group"),
    "ends_on": DAY,
    "available": Kind(parse=read_hundredths, expected="dollars with at most two decimals"),
}
REQUIRED = ("employee_number", "pay_group", "ends_on", "available")


@dataclass(frozen=True, kw_only=True)
class Available:
    """What pays have left for benefits. Shapes: rows as AVAILABLE, bad_rows as BAD_ROW."""

    rows: pl.DataFrame
    bad_rows: pl.DataFrame
    unknown_headings: Sequence[str] = ()


def nothing_said() -> Available:
    """Answer that payroll said of no pay what it has left."""
    return Available(rows=pl.DataFrame(schema=AVAILABLE), bad_rows=pl.DataFrame())


def read_available(connection: Any, client_id: int, path: Path) -> Available:
    """Read what pays have left for benefits, as payroll found before it took them; each bad row is named.

    Columns: employee_number, benefit_record (blank: 0), pay_group, ends_on, available.

    Errors: FileRefused for a file that cannot be read.
    """
    file = read_cells(Path(path), tuple(KINDS), REQUIRED)
    values = values_of(file.cells, KINDS)
    named = values.with_columns(pl.col("benefit_record").fill_null(0).cast(pl.Int16))
    numbers = load_employee_numbers(connection, client_id).with_columns(client_id=pl.lit(client_id, pl.Int32))
    rows = named.join(numbers, on="employee_number", how="left", maintain_order="left")
    rows, unknown = with_pays(connection, client_id, rows)
    found = [
        unreadable(file.cells, values, KINDS),
        missing(file.cells, REQUIRED, KINDS),
        faults(
            rows,
            pl.col("employee_number").is_not_null() & pl.col("person_id").is_null(),
            "employee_number",
            "the number of a person of this client",
            "correct the number",
        ),
        *unknown,
        repeated(rows, PAY, "available", "one row for each pay of a person"),
    ]
    bad = pl.concat(found).unique(["row", "column"], keep="first", maintain_order=True)
    good = rows.join(bad, on="row", how="anti").with_columns(available_cents="available")
    return Available(
        rows=good.select(pl.col(name).cast(kind) for name, kind in AVAILABLE.items()),
        bad_rows=bad.sort("row", "column", maintain_order=True),
        unknown_headings=file.unknown_headings,
    )


def register_of(
    connection: Any,
    client_id: int,
    *,
    begin: date,
    through: date,
    available: Available,
    person_ids: Sequence[int] | None = None,
) -> pl.DataFrame:
    """List what is owed in the pays that end in a span, what is ordered beside it, and what they can take.

    Shapes: as `services.owed`, corrections as lines of that kind, with take_cents and untaken.
    """
    lines = owed(connection, client_id, begin=begin, through=through, person_ids=person_ids)
    both = pl.concat(
        [lines, _corrections(connection, client_id, lines, begin, through, person_ids)], how="diagonal"
    )
    is_correction = pl.col("kind") == CORRECTION
    items = both.with_columns(
        is_correction=is_correction,
        line_kind="kind",
        kind=pl.when(is_correction).then(pl.lit("deduction")).otherwise("kind"),
        cents="owed_cents",
    )
    statuses = _statuses(connection, items)
    found = with_take(items, available.rows, statuses, terms_of(connection, client_id))
    return found.with_columns(kind="line_kind").drop("is_correction", "line_kind", "cents")


def _corrections(
    connection: Any,
    client_id: int,
    lines: pl.DataFrame,
    begin: date,
    through: date,
    person_ids: Sequence[int] | None,
) -> pl.DataFrame:
    """The deductions ordered beside what is owed, for pays of the span that payroll has not reported."""
    orders = load_orders(connection, client_id, person_ids).filter(
        ~pl.col("is_cancelled")
        & (pl.col("kind") == "deduction")
        & pl.col("ends_on").is_between(begin, through)
    )
    waiting = orders.join(load_named(connection, client_id), on=["pay_group_id", "ends_on"], how="anti")
    calendar = calendar_of(load_rulebook(connection, [client_id]), client_id)
    pays = calendar.select("pay_group_id", "pay_group", "begins_on", "ends_on", "check_on")
    named = waiting.join(pays, on=["pay_group_id", "ends_on"]).join(
        load_employee_numbers(connection, client_id), on="person_id", how="left"
    )
    rows = named.with_columns(
        kind=pl.lit(CORRECTION),
        slot=pl.lit(0, pl.Int16),
        tax_class="taken_as",
        owed_cents="cents",
        cause="reason",
    )
    return rows.select(
        pl.col(name).cast(lines.schema[name]) for name in lines.columns if name in rows.columns
    )


def _statuses(connection: Any, items: pl.DataFrame) -> pl.DataFrame:
    """The job status of everybody on the day each pay ends."""
    days = items.select(PAY).unique().with_columns(as_of="ends_on").sort(PAY)
    asked = days.select(*OWNER, "as_of").unique(maintain_order=True)
    cases = asked.with_columns(case=pl.int_range(pl.len(), dtype=pl.Int32)).select("case", *OWNER, "as_of")
    facts = as_of(connection, cases).select(*OWNER, "as_of", "job_status")
    return days.join(facts, on=[*OWNER, "as_of"], how="left").select(*PAY, "job_status")
