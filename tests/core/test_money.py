"""Money operators agree with plain Decimal arithmetic, and missing is never 0."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from operator import mul
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.core import money

INT64 = 2**63
cents = st.one_of(
    st.integers(-200, 200),
    st.integers(-money.LARGEST_OPERAND, money.LARGEST_OPERAND),
)
positive = st.one_of(st.integers(1, 60), st.integers(1, money.LARGEST_OPERAND))
x, y, z = pl.col("x"), pl.col("y"), pl.col("z")


def rows_of(*values: st.SearchStrategy[int]) -> st.SearchStrategy[list[Any]]:
    known_or_not = [st.one_of(st.none(), value) for value in values]
    return st.lists(st.tuples(*known_or_not), min_size=1, max_size=30)


def column(rows: list[Any], answer: pl.Expr) -> list[Any]:
    schema = {name: pl.Int64 for name, _ in zip("xyz", rows[0], strict=False)}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.select(answer.alias("answer"))["answer"].to_list()


def by_row(rows: list[Any], rule: Callable[..., int | None]) -> list[Any]:
    return [None if None in row else rule(*row) for row in rows]


def half_up(numerator: int, divisor: int) -> int:
    with localcontext(prec=80):
        quotient = Decimal(numerator) / Decimal(divisor)
        return int(quotient.quantize(Decimal(1), rounding=ROUND_HALF_UP))


@given(rows_of(cents, cents, cents))
def test_sums_differences_and_extremes_are_null_strict(rows: list[Any]) -> None:
    assert column(rows, money.add(x, y, z)) == by_row(rows, lambda *a: sum(a))
    assert column(rows, money.minimum(x, y, z)) == by_row(rows, min)
    assert column(rows, money.maximum(x, y, z)) == by_row(rows, max)
    pairs = [row[:2] for row in rows]
    assert column(pairs, money.subtract(x, y)) == by_row(pairs, lambda a, b: a - b)


@given(rows_of(cents, positive))
def test_division_rounds_half_away_from_zero(rows: list[Any]) -> None:
    assert column(rows, money.divide_half_up(x, y)) == by_row(rows, half_up)


@given(rows_of(cents, cents, positive.map(lambda d: d * 1_000_000)))
def test_products_are_exact_and_never_overflow_in_range(rows: list[Any]) -> None:
    expected = by_row(rows, lambda a, b, d: half_up(a * b, d))
    assert column(rows, money.multiply_divide_half_up(x, y, z)) == expected


@given(rows_of(st.integers(-INT64, INT64 - 1), st.integers(-INT64, INT64 - 1)))
def test_products_are_exact_over_the_whole_of_int64(rows: list[Any]) -> None:
    answer = money.multiply_divide_half_up(x, y, 2**64)
    assert column(rows, answer) == by_row(rows, lambda a, b: half_up(a * b, 2**64))


@given(rows_of(cents, cents, positive.map(lambda d: d * 1_000_000)))
def test_a_credit_mirrors_its_charge(rows: list[Any]) -> None:
    charge = column(rows, money.multiply_divide_half_up(x, y, z))
    credit = column(rows, money.multiply_divide_half_up(-x, y, z))
    assert credit == [None if c is None else -c for c in charge]


@given(total=st.one_of(st.none(), cents), shares=st.integers(1, 60))
def test_a_split_sums_to_its_total_with_shares_a_cent_apart(total: int | None, shares: int) -> None:
    rows = [(total, k, shares) for k in range(1, shares + 1)]
    parts = column(rows, money.share_of_split(x, y, z))
    if total is None:
        assert parts == [None] * shares
    else:
        assert sum(parts) == total
        assert max(parts) - min(parts) <= 1


@given(rows_of(cents, st.integers(0, 10**6), st.integers(0, 10**7)))
def test_rounding_to_a_multiple_is_the_floor_formula(rows: list[Any]) -> None:
    def floor(amount: int, up: int, multiple: int) -> int:
        return (amount + up) // multiple * multiple if multiple else amount

    assert column(rows, money.round_to_multiple(x, y, z)) == by_row(rows, floor)


@given(rows_of(cents, cents, cents))
def test_only_in_clamp_does_null_mean_no_bound(rows: list[Any]) -> None:
    def clamped(amount: int | None, low: int | None, high: int | None) -> int | None:
        if amount is None:
            return None
        below = amount if high is None else min(amount, high)
        return below if low is None else max(below, low)

    assert column(rows, money.clamp(x, y, z)) == [clamped(*row) for row in rows]


@pytest.mark.parametrize(
    ("amount", "up", "multiple", "expected"),
    [
        (7_550_099, 0, 100_000, 7_500_000),
        (7_550_000, 50_000, 100_000, 7_600_000),
        (7_549_999, 50_000, 100_000, 7_500_000),
        (7_500_001, 99_999, 100_000, 7_600_000),
        (7_500_000, 99_999, 100_000, 7_500_000),
        (7_550_099, 500, 0, 7_550_099),
        (-150, 0, 100, -200),
        (7_550_099, 0, -100, None),
    ],
)
def test_rounding_truncates_rounds_to_nearest_or_up(
    amount: int, up: int, multiple: int, expected: int | None
) -> None:
    """Source: program-setup §4.5."""
    rows = [(amount, up, multiple)]
    assert column(rows, money.round_to_multiple(x, y, z)) == [expected]


def test_no_multiple_does_not_hide_an_unknown_round_up() -> None:
    assert column([(5, None, 0)], money.round_to_multiple(x, y, z)) == [None]


def test_percent_is_in_micro_percent() -> None:
    assert column([(123_456, 1_450_000)], money.percent_of(x, y)) == [1790]


@pytest.mark.parametrize("divisor", [0, -2])
def test_a_divisor_that_is_not_positive(divisor: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        money.divide_half_up(x, divisor)
    assert column([(7, divisor)], money.divide_half_up(x, y)) == [None]


def test_a_result_beyond_int64_raises_and_is_never_wrapped() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError, match="i128"):
        column([(INT64 - 1, 2)], money.multiply_divide_half_up(x, y, 1))


def test_results_stay_integer_cents() -> None:
    frame = pl.DataFrame({"x": [700], "y": [3]})
    answers = {
        "sum": money.add(x, y, 1),
        "difference": money.subtract(1, y),
        "least": money.minimum(x, 5),
        "clamped": money.clamp(x, None, y),
        "quotient": money.divide_half_up(x, y),
        "product": money.multiply_divide_half_up(x, y, 1000),
        "share": money.share_of_split(x, 1, y),
        "rounded": money.round_to_multiple(x, 0, y),
    }
    assert set(frame.select(**answers).schema.values()) == {pl.Int64()}


def test_one_step_per_column_plans_at_once() -> None:
    """A chain of columns, as the module asks for, does not multiply the plan."""
    frame = pl.LazyFrame({"x": [100_000], "y": [2_000]})
    for _ in range(12):
        frame = frame.with_columns(x=money.multiply_divide_half_up(x, y, 1000))
    assert frame.collect()["x"].item() == mul(100_000, 2**12)
