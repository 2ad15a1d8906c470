"""What an event changed: coverage points written, and deductions of the year before and after."""

from dataclasses import dataclass
from typing import Any

import polars as pl
from rich.table import Table

from openbenefits.cli.screen import console, dollars, say
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.payroll.services import changes_between
from openbenefits.programs.frames import load_setup
from openbenefits.store.bulk import copy_out

KINDS = {
    "E": "elected",
    "D": "kept or defaulted",
    "W": "waived",
    "T": "ends",
    "N": "never enrolled",
    "I": "ends: no longer eligible",
}
WAIVED = "W"

POINTS = """
SELECT c.plan_type, c.begins_on, c.kind, c.option_id, c.coverage_cents, c.deduction_begins_on
FROM enrollment_coverage AS c JOIN workforce_person AS p ON p.client_id = c.client_id AND p.id = c.person_id
WHERE c.client_id = %(client)s AND p.employee_number = %(number)s AND c.run_id = ANY(%(runs)s::bigint[])
  AND c.superseded_by_run IS NULL
"""
POINT_COLUMNS = {
    "plan_type": pl.String,
    "begins_on": pl.Date,
    "kind": pl.String,
    "option_id": pl.Int32,
    "coverage_cents": pl.Int64,
    "deduction_begins_on": pl.Date,
}


@dataclass(frozen=True, kw_only=True)
class Consequences:
    """One person's event: the runs that worked on it, and what is owed in the year before and after them."""

    client: str
    client_id: int
    employee_number: str
    runs: tuple[int, int]
    before: pl.DataFrame
    after: pl.DataFrame


def show_consequences(connection: Any, found: list[Consequences]) -> None:
    """Show, person by person and plan type by plan type, what coverage and deduction came of an event."""
    for one in found:
        title = f"{one.employee_number} of {one.client}"
        rows = _rows(connection, one)
        if not rows:
            say(f"{title}: nothing changed.")
            continue
        table = Table("Plan type", "Coverage", "From", "First pay", title=title, title_justify="left")
        for name in ("Per pay before", "Per pay after", "In the year"):
            table.add_column(name, justify="right")
        for row in rows:
            table.add_row(*row)
        console.print(table)


def _rows(connection: Any, one: Consequences) -> list[tuple[str, ...]]:
    """Lay coverage points beside the deductions of their plan type."""
    runs = "{" + ",".join(map(str, one.runs)) + "}"
    parameters = {"client": one.client_id, "number": one.employee_number, "runs": runs}
    options = load_setup(connection, [one.client_id])["option"].sort("valid_from")
    codes = options.unique("option_id", keep="last").select("option_id", option="code")
    points = copy_out(connection, POINTS, POINT_COLUMNS, parameters).join(codes, on="option_id", how="left")
    deductions = _deductions(one)
    both = points.sort("begins_on").join(deductions, on="plan_type", how="full", coalesce=True)
    return [_row(row) for row in both.sort("plan_type", "begins_on").iter_rows(named=True)]


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    words = KINDS.get(row["kind"] or "", "")
    amount = f" {dollars(row['coverage_cents'])}" if row["coverage_cents"] else ""
    return (
        PLAN_TYPES.get(row["plan_type"], row["plan_type"]).replace(" spending account", "").split(" (")[0],
        f"{words} {'' if row['kind'] == WAIVED else row['option'] or ''}{amount}".strip() or "priced anew",
        str(row["begins_on"] or ""),
        str(row["first_pay"] or ""),
        dollars(row["old_cents"]),
        dollars(row["new_cents"]),
        dollars(row["year_cents"]),
    )


def _deductions(one: Consequences) -> pl.DataFrame:
    """Per plan type: the first pay that differs, what it took and takes, and the year's difference."""
    changes = changes_between(one.before, one.after).filter(kind="deduction").sort("ends_on")
    unknown = pl.col("difference_cents").is_null().any()
    return changes.group_by("plan_type", maintain_order=True).agg(
        first_pay=pl.col("ends_on").first(),
        old_cents=pl.col("old_cents").drop_nulls().first(),
        new_cents=pl.col("new_cents").drop_nulls().first(),
        year_cents=pl.when(~unknown).then(pl.col("difference_cents").sum()),
    )
