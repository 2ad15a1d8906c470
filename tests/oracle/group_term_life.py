"""Imputed income of group-term life insurance (docs/rules.md §12): one person, day by day."""

from calendar import monthrange
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from .dates import age_years
from .rows import Row, half_away

FREE_CENTS, HUNDRED, THOUSAND = 5_000_000, 10_000, 100_000


def imputed_year(
    points: list[Row],
    carried: list[Row],
    rates: list[tuple[int, int]],
    birth_on: date | None,
    paid: int | None,
    year: int,
) -> tuple[dict[int, int | None], int | None]:
    """Find the months of a year that have cover, in cents, and the year; None where unknown.

    points: plan_type, begins_on, covered, option, cents (None: unknown); each holds until the next of its plan type.
    carried: option, since, until (exclusive): on these days its plan is imputed. rates: age from, micro-dollars.
    """
    age = age_years(birth_on, date(year, 12, 31))
    months: dict[int, int | None] = {}
    for month in range(1, 13):
        days = [date(year, month, day) for day in range(1, monthrange(year, month)[1] + 1)]
        covered = [day for day in days if _held(points, carried, day)]
        if covered:
            span = (covered[-1] - covered[0]).days + 1
            months[month] = _month(
                _sum(points, carried, covered[0]),
                _sum(points, carried, covered[-1]),
                span,
                len(days),
                age,
                rates,
            )
    if None in months.values() or paid is None:
        return months, None
    return months, max(sum(cents for cents in months.values() if cents is not None) - paid, 0)


def _held(points: list[Row], carried: list[Row], day: date) -> list[Row]:
    """List what is held on a day of plans that are imputed on it."""
    found = []
    for plan_type in sorted({point["plan_type"] for point in points}):
        begun = [one for one in points if one["plan_type"] == plan_type and one["begins_on"] <= day]
        last = max(begun, key=lambda one: one["begins_on"]) if begun else None
        if last is not None and last["covered"] and _is_carried(carried, last["option"], day):
            found.append(last)
    return found


def _is_carried(carried: list[Row], option: Any, day: date) -> bool:
    return any(one["option"] == option and one["since"] <= day < one["until"] for one in carried)


def _sum(points: list[Row], carried: list[Row], day: date) -> int | None:
    amounts = [one["cents"] for one in _held(points, carried, day)]
    return None if None in amounts else sum(amounts)


def _month(
    start: int | None, end: int | None, span: int, days: int, age: int | None, rates: list[tuple[int, int]]
) -> int | None:
    if start is None or end is None:
        return None
    above = half_away(start + end, 2) - FREE_CENTS
    taxed = max(int((Decimal(above + HUNDRED // 2) / HUNDRED).to_integral_value(ROUND_FLOOR)) * HUNDRED, 0)
    if taxed == 0:
        return 0
    reached = [] if age is None else [rate for age_from, rate in rates if age_from <= age]
    return half_away(reached[-1] * taxed * span, days * THOUSAND * 10_000) if reached else None
