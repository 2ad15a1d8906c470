"""Use cases of payroll: what is owed, what the next pay takes, and the register payroll reads.

Nothing here is stored: what is owed follows from the coverage timeline, the pay calendars and the set-up in
force, as known now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from openbenefits.enrollment.frames import load_coverage
from openbenefits.payroll.frames import load_covered_people, load_employee_numbers
from openbenefits.payroll.owing import at_full_cost, known_of
from openbenefits.payroll.rules import (
    Known,
    changes_between,
    deductions_summary,
    next_lines,
    owed_lines,
    own_pays,
)
from openbenefits.payroll.rules.excess import CREDIT, SOLD
from openbenefits.payroll.rules.takings import OWNER
from openbenefits.payroll.rules.words import dollars_text
from openbenefits.programs.frames import load_rulebook, load_setup
from openbenefits.programs.rulebook import Rulebook

LONGEST_PAY = timedelta(days=62)

REGISTER = (
    *("employee_number", "benefit_record", "pay_group", "pay_number", "begins_on", "ends_on", "check_on"),
    *("kind", "plan_type", "option", "deduction_code", "earnings_code", "tax_class"),
    *("owed", "employer", "coverage", "cause", "fault"),
)


@dataclass(frozen=True, kw_only=True)
class _Loaded:
    known: Known
    rulebook: Rulebook
    tables: Mapping[str, pl.DataFrame]


def owed(
    connection: Any,
    client_id: int,
    *,
    begin: date,
    through: date,
    person_ids: Sequence[int] | None = None,
) -> pl.DataFrame:
    """List what is owed in the pays that end from one day through another.

    Shapes:  as `frames.Owed`: deductions, credits, hours sold; employer-paid cover has lines that owe 0.
    Missing: an amount that cannot be found is null and `fault` says why.
    """
    loaded = _load(connection, client_id, begin, through, person_ids)
    lines = _lines(connection, client_id, loaded, begin, through)
    return _with_names(lines, load_employee_numbers(connection, client_id), loaded.tables)


def next_pay(
    connection: Any, client_id: int, on: date, person_ids: Sequence[int] | None = None
) -> pl.DataFrame:
    """List what each person's next pay takes: the first pay with its check on or after a day.

    Shapes: as `owed`.
    """
    begin, through = on - LONGEST_PAY, on + LONGEST_PAY
    loaded = _load(connection, client_id, begin, through, person_ids)
    lines = _lines(connection, client_id, loaded, begin, through)
    pays = own_pays(loaded.known.facts, loaded.rulebook, begin, through)
    named = _with_names(lines, load_employee_numbers(connection, client_id), loaded.tables)
    return next_lines(named, pays, on)


def _lines(connection: Any, client_id: int, loaded: _Loaded, begin: date, through: date) -> pl.DataFrame:
    lines = owed_lines(loaded.known, loaded.rulebook, begin=begin, through=through)
    return at_full_cost(connection, client_id, lines)


def find_unpaid(connection: Any, client_id: int, *, begin: date, through: date) -> pl.DataFrame:
    """Name those who hold coverage that owes in a span and yet have no pay in it: no pay group, no calendar.

    Shapes: OWNER and the pay groups they were ever in, as a text.
    """
    loaded = _load(connection, client_id, begin, through, None)
    pays = own_pays(loaded.known.facts, loaded.rulebook, begin, through)
    paid = pays.filter(pl.col("ends_on").is_between(begin, through)).select(OWNER).unique()
    points = loaded.known.points.sort("begins_on").with_columns(
        until=pl.col("deduction_begins_on").shift(-1).over(*OWNER, "plan_type", "slot")
    )
    owing = points.filter(
        pl.col("kind").is_in(["E", "D"])
        & (pl.col("deduction_begins_on") <= through)
        & (pl.col("until").is_null() | (pl.col("until") > begin))
    )
    return owing.select(OWNER).unique().join(paid, on=list(OWNER), how="anti").sort(OWNER)


def write_register(frame: pl.DataFrame, path: Path) -> int:
    """Write lines of `owed`, or of `register.register_of`, as the CSV payroll reads; answer how many.

    Missing: an unknown amount is an empty field, and `fault` says why.
    """
    amounts = {"owed": "owed_cents", "employer": "employer_cents", "coverage": "coverage_cents"}
    columns: tuple[str, ...] = REGISTER
    if "take_cents" in frame.columns:
        amounts["take"] = "take_cents"
        columns += ("take", "untaken")
    rows = frame.with_columns(dollars_text(pl.col(cents)).alias(name) for name, cents in amounts.items())
    order = ["check_on", "employee_number", "benefit_record", "kind", "plan_type", "slot"]
    rows.sort(order).select(columns).write_csv(path)
    return rows.height


def _load(
    connection: Any, client_id: int, begin: date, through: date, person_ids: Sequence[int] | None
) -> _Loaded:
    tables = load_setup(connection, [client_id])
    rulebook = load_rulebook(connection, [client_id])
    people = load_covered_people(connection, client_id, person_ids)
    points = load_coverage(connection, people)
    known = known_of(connection, points, rulebook, begin=begin, through=through)
    return _Loaded(known=known, rulebook=rulebook, tables=tables)


def _with_names(
    lines: pl.DataFrame, numbers: pl.DataFrame, tables: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Add the codes payroll knows people, groups, options, deductions and earnings by."""
    groups = tables["pay_group"].select(pl.col("pay_group_id").cast(pl.Int64), pay_group="code")
    options = tables["option"].sort("valid_from").unique("option_id", keep="last")
    codes = tables["deduction_code"].select("deduction_code_id", deduction_code="code")
    named = (
        lines.join(numbers, on="person_id", how="left", maintain_order="left")
        .join(groups, on="pay_group_id", how="left", maintain_order="left")
        .join(options.select("option_id", option="code"), on="option_id", how="left", maintain_order="left")
        .join(codes, on="deduction_code_id", how="left", maintain_order="left")
        .join(_earnings(tables["cost"]), on="option_id", how="left", maintain_order="left")
    )
    sold = options.select("option_id", "sold_earnings_code")
    named = named.join(sold, on="option_id", how="left", maintain_order="left")
    of_kind = (
        pl.when(pl.col("kind") == CREDIT)
        .then("earnings_code")
        .when(pl.col("kind") == SOLD)
        .then("sold_earnings_code")
    )
    return named.with_columns(earnings_code=of_kind).drop("sold_earnings_code")


def _earnings(costs: pl.DataFrame) -> pl.DataFrame:
    """Name the earnings codes of an option's credits, as they were last set up."""
    rows = costs.drop_nulls("earnings_code")
    latest = rows.filter(pl.col("valid_from") == pl.col("valid_from").max().over("option_id"))
    return latest.group_by("option_id").agg(pl.col("earnings_code").unique().sort().str.join(" + "))


__all__ = ["changes_between", "deductions_summary", "find_unpaid", "next_pay", "owed", "write_register"]
