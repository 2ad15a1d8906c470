"""Which months are charged.

The documented cases, the table of every rule, and a scalar oracle on generated spans.
"""

from calendar import monthrange
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbenefits.reconcile.rules import charging

JAN, FEB, MAR = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
FULL = 28_000
D15, MONTH_END = ("wash", 15), ("wash", 31)


def charged(rule, begins, ends, month, full=FULL) -> int:
    kind, day = rule
    runs = pl.DataFrame(
        {"run": [1], "begins_on": [begins], "ends_on": [ends]},
        schema={"run": pl.Int64, "begins_on": pl.Date, "ends_on": pl.Date},
    )
    rows = charging.month_rows(runs, pl.DataFrame({"month": [month]}))
    told = rows.with_columns(wash=pl.lit(kind), wash_day=pl.lit(day, pl.Int64)).with_columns(
        is_charged=charging.is_charged()
    )
    cents = told.select(charging.charged_cents(pl.lit(full, pl.Int64))).to_series()
    return cents[0] if cents.len() else 0


# Source: billing wash rule of a payroll platform, its cases for the 15th (reconciliation.md §5.1)
DOCUMENTED = [
    (D15, date(2026, 1, 8), None, JAN, FULL),
    (D15, date(2026, 1, 29), None, JAN, 0),
    (D15, date(2026, 1, 22), date(2026, 3, 5), JAN, 0),
    (D15, date(2026, 1, 22), date(2026, 3, 5), FEB, FULL),
    (D15, date(2026, 1, 22), date(2026, 3, 5), MAR, 0),
]
# Ours: what the documents leave open (docs/invoices.md §1)
RULED = [
    (D15, date(2026, 1, 15), None, JAN, FULL),  # the 15th itself: charged at the start
    (D15, date(2026, 1, 16), None, JAN, 0),
    (D15, date(2025, 1, 1), date(2026, 1, 15), JAN, 0),  # not at the end
    (D15, date(2025, 1, 1), date(2026, 1, 16), JAN, FULL),
    (D15, date(2026, 1, 2), date(2026, 1, 20), JAN, FULL),  # both in one month
    (D15, date(2026, 1, 2), date(2026, 1, 10), JAN, 0),
    (D15, date(2026, 1, 18), date(2026, 1, 20), JAN, 0),
    (MONTH_END, date(2026, 1, 31), None, JAN, FULL),
    (MONTH_END, date(2025, 1, 1), date(2026, 1, 1), JAN, FULL),  # no wash at the end
    (("full", 15), date(2026, 1, 31), date(2026, 1, 31), JAN, FULL),
    (("first_of_month", 15), date(2026, 1, 2), None, JAN, 0),
    (("first_of_month", 15), date(2025, 1, 1), date(2026, 1, 1), JAN, FULL),
    (("next_month", 15), date(2026, 1, 2), None, JAN, 0),
    (("next_month", 15), date(2026, 1, 2), None, FEB, FULL),
    (("next_month", 15), date(2026, 1, 1), None, JAN, FULL),
    (("next_month", 15), date(2025, 1, 1), date(2026, 1, 3), JAN, FULL),
    (("prorate_daily", 15), date(2026, 2, 15), None, FEB, FULL // 2),
    (("prorate_daily", 15), date(2026, 1, 1), date(2026, 2, 7), FEB, FULL // 4),
    (D15, date(2026, 2, 1), None, JAN, 0),  # not covered at all
]


@pytest.mark.parametrize(("rule", "begins", "ends", "month", "cents"), DOCUMENTED + RULED)
def test_a_month_is_charged_by_its_rule(rule, begins, ends, month, cents):
    assert charged(rule, begins, ends, month) == cents


def oracle(rule, begins: date, ends: date | None, month: date, full: int) -> int:
    """The same, one span at a time, by the words of docs/invoices.md §1."""
    kind, day = rule
    last = month.replace(day=monthrange(month.year, month.month)[1])
    if begins > last or (ends is not None and ends < month):
        return 0
    starts_here, ends_here = begins >= month, ends is not None and ends <= last
    if kind == "wash":
        if starts_here and begins.day > day:
            return 0
        return 0 if ends_here and day < 31 and ends.day <= day else full
    if kind in ("first_of_month", "next_month"):
        return full if not starts_here or begins.day == 1 else 0
    if kind == "full":
        return full
    days = ((ends if ends_here else last) - (begins if starts_here else month)).days + 1
    return (full * days * 2 + last.day) // (2 * last.day)


@settings(max_examples=150)
@given(
    kind=st.sampled_from(["wash", "full", "first_of_month", "next_month", "prorate_daily"]),
    day=st.sampled_from([10, 15, 20, 31]),
    start=st.integers(0, 120),
    length=st.none() | st.integers(0, 100),
    month=st.sampled_from([JAN, FEB, MAR]),
    full=st.integers(0, 500_000),
)
def test_the_oracle_says_the_same(kind, day, start, length, month, full):
    begins = date(2025, 12, 1) + timedelta(days=start)
    ends = None if length is None else begins + timedelta(days=length)
    assert charged((kind, day), begins, ends, month, full) == oracle((kind, day), begins, ends, month, full)


def test_runs_join_what_covers_one_plan_without_a_gap():
    day = date(2026, 1, 1)
    rows = [
        (10, day, "A"),
        (10, date(2026, 1, 20), "A"),
        (10, date(2026, 2, 10), None),
        (20, date(2026, 3, 1), "B"),
    ]
    points = pl.DataFrame(
        [(1, 7, 0, "10", 0, plan, begins) for plan, begins, _ in rows],
        schema=["client_id", "person_id", "benefit_record", "plan_type", "slot", "plan_id", "begins_on"],
        orient="row",
    ).with_columns(plan_id=pl.when(pl.Series([one[2] is not None for one in rows])).then("plan_id"))
    runs, told = charging.runs_of(points)
    assert runs.select("plan_id", "begins_on", "ends_on").rows() == [
        (10, day, date(2026, 2, 9)),
        (20, date(2026, 3, 1), None),
    ]
    assert told["run"].to_list()[:2] == [told["run"][0]] * 2
