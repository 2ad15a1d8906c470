"""Who pays a price, in words: the employer's part and what remains (docs/rules.md §7.5)."""

import polars as pl

from openbenefits.core import money as cents_of
from openbenefits.reports.explain_again import Again
from openbenefits.reports.explain_names import Row, rows_on
from openbenefits.reports.explain_words import money, percent

Told = tuple[Row, list[str]]
"""Amounts, and the lines that tell how they came about."""

UNKNOWN: Row = {"employer_cents": None, "employee_cents": None}
MONTHS = 12


def said(year: int | None, grain: int) -> str:
    """Write an amount of a year as the price it is of: of a month (grain 12) or of the year."""
    return money(year if year is None else year // grain)


def per(grain: int) -> str:
    """Name what a price is of."""
    return "month" if grain == MONTHS else "year"


def share(
    cost: Row, row: Row | None, year: Row, measure: Row, named: str, grain: int, stated: int | None = None
) -> Told:
    """The employer's part of the year, and what remains; told, and rounded, by the month or the year (grain).

    Percentages are taken of `measure`: the option's own year, or that of the option `named`.
    """
    total, own = year["total_cents"], year["own_cents"]
    if stated is not None and total is not None:
        employer = min(stated, total)
        line = f"employer: as the rates state it: {said(employer, grain)} a {per(grain)}"
        return {"employer_cents": employer, "employee_cents": total - employer}, [line]
    if total is None or own is None or (row is None and cost["contribution_id"] is not None):
        return UNKNOWN, []
    if row is None:
        lines = ["no employer contribution"] if cost["cost_type"] == "P" else []
        return {"employer_cents": 0, "employee_cents": total}, lines
    own, others = measure["own_cents"], measure["dependents_cents"]
    if own is None or others is None:
        return UNKNOWN, []
    given = (
        _share_of(own, row["employee_percent_micros"], grain),
        _share_of(others, row["dependent_percent_micros"], grain),
    )
    offered = sum(given) + row["fixed_monthly_cents"] * MONTHS
    least = min((row["minimum_employee_cents"] or 0) * MONTHS, total)
    cap = row["cap_monthly_cents"]
    employer = min(offered, total - least, *([] if cap is None else [cap * MONTHS])) if _gives(row) else 0
    line = _employer_line(row, (own, others), given, named, offered, employer, grain)
    return {"employer_cents": employer, "employee_cents": total - employer}, [line]


def _share_of(year: int, percent_micros: int, grain: int) -> int:
    whole = grain * cents_of.HUNDRED_PERCENT
    share = cents_of.multiply_divide_half_up(pl.lit(year), pl.lit(percent_micros), pl.lit(whole))
    return _number(share) * grain


def contribution_of(again: Again, plan: Row, option: Row, cost: Row) -> Row | None:
    """The row of the coverage code, else the row for any."""
    if cost["contribution_id"] is None:
        return None
    rows = rows_on(again.tables["contribution"], plan["price_on"], contribution_id=cost["contribution_id"])
    by_code = {row["coverage_code_id"]: row for row in rows}
    return by_code.get(option["coverage_code_id"] or 0, by_code.get(0))


def _gives(row: Row) -> bool:
    names = ("employee_percent_micros", "dependent_percent_micros", "fixed_monthly_cents")
    return any(row[name] for name in names)


def _employer_line(
    row: Row,
    measured: tuple[int, int],
    given: tuple[int, int],
    named: str,
    offered: int,
    employer: int,
    grain: int,
) -> str:
    of_whom = f" of {named}" if named else ""
    parts = []
    for name, measure, part, share_of in (
        ("own", measured[0], given[0], row["employee_percent_micros"]),
        ("dependents'", measured[1], given[1], row["dependent_percent_micros"]),
    ):
        if name == "own" or measure:
            taken_of = f"{_measure(measure, grain)}{of_whom}"
            parts.append(f"{percent(share_of)} of the {name} part {taken_of} = {said(part, grain)}")
    if row["fixed_monthly_cents"]:
        parts.append(f"{_monthly(row['fixed_monthly_cents'], grain)} fixed")
    least = row["minimum_employee_cents"]
    capped = "" if employer == offered else f", at most {said(employer, grain)}"
    if least and employer != offered:
        capped += f" (the employee pays at least {_monthly(least, grain)})"
    return f"employer: {' + '.join(parts)}{capped}: {said(employer, grain)} a {per(grain)}"


def _measure(year: int, grain: int) -> str:
    """What a percentage is taken of: a twelfth that is no whole number of cents is told as such."""
    return said(year, grain) if year % grain == 0 else f"{money(year)} ÷ {grain}"


def _monthly(month: int, grain: int) -> str:
    """A monthly amount of a contribution, in what the price is of."""
    return money(month) if grain == MONTHS else f"{money(month)} × {MONTHS}"


def premium_share(year: Row, told: Told, lines: list[str], grain: int) -> Told:
    """Who pays where the employee's price is that of the premium coverage, and the employer pays the rest."""
    paid, share_lines = told
    total, employee = year["total_cents"], paid["employee_cents"]
    if total is None or employee is None:
        return UNKNOWN, []
    employee = min(employee, total)
    rest = f"employer: the rest of {said(total, grain)}: {said(total - employee, grain)} a {per(grain)}"
    shared = {"employer_cents": total - employee, "employee_cents": employee}
    return shared, [*(f"for the premium coverage: {line}" for line in [*lines, *share_lines]), rest]


def _number(amount: pl.Expr) -> int:
    return int(pl.select(amount).item())
