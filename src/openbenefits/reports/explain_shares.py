"""Who pays a month's price, in words: the employer's part and what remains (docs/rules.md §7.5)."""

import polars as pl

from openbenefits.core import money as cents_of
from openbenefits.reports.explain_again import Again
from openbenefits.reports.explain_names import Row, rows_on
from openbenefits.reports.explain_words import money, percent

Told = tuple[Row, list[str]]
"""Amounts, and the lines that tell how they came about."""

UNKNOWN: Row = {"month_employer_cents": None, "month_employee_cents": None}


def share(
    cost: Row, row: Row | None, month: Row, measure: Row, named: str, stated: int | None = None
) -> Told:
    """The employer's part of the month, and what remains.

    Percentages are taken of `measure`: the option's own month, or that of the option `named`.
    """
    total, own = month["month_total_cents"], month["month_own_cents"]
    if stated is not None and total is not None:
        employer = min(stated, total)
        line = f"employer: as the rates state it: {money(employer)} a month"
        return {"month_employer_cents": employer, "month_employee_cents": total - employer}, [line]
    if total is None or own is None or (row is None and cost["contribution_id"] is not None):
        return UNKNOWN, []
    if row is None:
        lines = ["no employer contribution"] if cost["cost_type"] == "P" else []
        return {"month_employer_cents": 0, "month_employee_cents": total}, lines
    own, others = measure["month_own_cents"], measure["month_dependents_cents"]
    if own is None or others is None:
        return UNKNOWN, []
    own_part = _number(cents_of.percent_of(pl.lit(own), pl.lit(row["employee_percent_micros"])))
    others_part = _number(cents_of.percent_of(pl.lit(others), pl.lit(row["dependent_percent_micros"])))
    offered = own_part + others_part + row["fixed_monthly_cents"]
    least = min(row["minimum_employee_cents"] or 0, total)
    caps = [cap for cap in (row["cap_monthly_cents"], total - least) if cap is not None]
    employer = min(offered, *caps) if _gives(row) else 0
    line = _employer_line(row, (own, others), (own_part, others_part), named, offered, employer)
    return {"month_employer_cents": employer, "month_employee_cents": total - employer}, [line]


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
    row: Row, measured: tuple[int, int], given: tuple[int, int], named: str, offered: int, employer: int
) -> str:
    (own, others), (own_part, others_part) = measured, given
    of_whom = f" of {named}" if named else ""
    share_of_own = percent(row["employee_percent_micros"])
    parts = [f"{share_of_own} of the own part {money(own)}{of_whom} = {money(own_part)}"]
    if others:
        share_of_others = percent(row["dependent_percent_micros"])
        parts.append(
            f"{share_of_others} of the dependents' part {money(others)}{of_whom} = {money(others_part)}"
        )
    if row["fixed_monthly_cents"]:
        parts.append(f"{money(row['fixed_monthly_cents'])} fixed")
    least = row["minimum_employee_cents"]
    capped = "" if employer == offered else f", at most {money(employer)}"
    capped += f" (the employee pays at least {money(least)})" if least and employer != offered else ""
    return f"employer: {' + '.join(parts)}{capped}: {money(employer)} a month"


def premium_share(month: Row, told: Told, lines: list[str]) -> Told:
    """Who pays where the employee's price is that of the premium coverage, and the employer pays the rest."""
    paid, share_lines = told
    total, employee = month["month_total_cents"], paid["month_employee_cents"]
    if total is None or employee is None:
        return UNKNOWN, []
    employee = min(employee, total)
    rest = f"employer: the rest of {money(total)}: {money(total - employee)} a month"
    shared = {"month_employer_cents": total - employee, "month_employee_cents": employee}
    return shared, [*(f"for the premium coverage: {line}" for line in [*lines, *share_lines]), rest]


def _number(amount: pl.Expr) -> int:
    return int(pl.select(amount).item())
