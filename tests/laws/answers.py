"""From the rows of the kernel to answers in the shape of the oracle."""

import polars as pl
from tests.laws.columns import Row

FLAGS = ("is_electable", "is_current", "is_default", "is_proof_required")
AMOUNTS = (
    *("coverage_cents", "approved_coverage_cents", "premium_coverage_cents"),
    *("month_total_cents", "month_employer_cents"),
    *("annual_before_tax_cents", "annual_after_tax_cents", "annual_employer_cents", "annual_credit_cents"),
    *("pay_before_tax_cents", "pay_after_tax_cents", "pay_credit_cents"),
    *("annual_imputed_cents", "pay_imputed_cents"),
)


def rows_of(frame: pl.DataFrame, case: int) -> list[Row]:
    return frame.filter(pl.col("case") == case).to_dicts()


MONTHS = {"month_total_cents": "year_total_cents", "month_employer_cents": "annual_employer_cents"}
"""What is shown of a month is a twelfth of the year, rounded."""


def option_of(row: Row) -> Row:
    months = {month: _twelfth(row[year]) for month, year in MONTHS.items()}
    return {name: months[name] if name in months else row[name] for name in (*FLAGS, *AMOUNTS)}


def _twelfth(year: int | None) -> int | None:
    return None if year is None else (year + 6) // 12


def code_of(number: int | None, codes: dict[int, str]) -> str | None:
    return None if number is None else codes.get(number, "(unknown)")


def general_credit_of(rows: list[Row]) -> Row | None:
    if not rows:
        return None

    def total(name: str) -> int | None:
        amounts = [row[name] for row in rows]
        return None if None in amounts else sum(amounts)

    return {name: total(name) for name in ("annual_credit_cents", "pay_credit_cents")}
