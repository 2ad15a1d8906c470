"""A year after: dates of the next batch, which plan follows which, which rate group a new offer takes.

Source: process-management §2.4, §3.3, §6.1. Nothing here reads a database or a clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from openbenefits.renewals.codes import COMPLETE, STANDING, BatchType


def a_year_after(day: date) -> date:
    """Answer the same day of the next year; 29 February is the 28th.

    >>> a_year_after(date(2028, 2, 29)), a_year_after(date(2026, 7, 1))
    (datetime.date(2029, 2, 28), datetime.date(2027, 7, 1))
    """
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year + 1, day=28 if is_leap_day else day.day)


def renewal_days(effective_on: date, expires_on: date | None) -> tuple[date, date]:
    """Answer first and last day of the year after a batch.

    It begins on the day after the old one expires; where that is not known, a year after it began; it lasts a
    year (§6.1.5).

    >>> renewal_days(date(2026, 1, 1), date(2026, 12, 31))
    (datetime.date(2027, 1, 1), datetime.date(2027, 12, 31))
    >>> renewal_days(date(2026, 7, 1), None)
    (datetime.date(2027, 7, 1), datetime.date(2028, 6, 30))
    """
    begins = a_year_after(effective_on) if expires_on is None else expires_on + timedelta(days=1)
    return begins, a_year_after(begins) - timedelta(days=1)


def successors(offers: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """Find the plan that follows the one of each offer that goes on: successor_id, null for none (§6.1.2).

    Shapes: offers has offer_id, plan_id, status; plans has plan_id, renewed_from_id, status.
    An offer that was turned down or is over does not go on. A plan follows once it is complete: it has rates,
    and holds or waits for its day. Of several the latest (highest number) follows.
    """
    going = offers.filter(pl.col("status").is_in([str(one) for one in STANDING]))
    is_complete = pl.col("status").is_in([str(one) for one in COMPLETE])
    complete = plans.filter(is_complete & pl.col("renewed_from_id").is_not_null())
    latest = complete.group_by("renewed_from_id").agg(successor_id=pl.col("plan_id").max())
    return going.join(
        latest, left_on="plan_id", right_on="renewed_from_id", how="left", maintain_order="left"
    )


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An offer there is, as far as a new one may take its rate group."""

    carrier: str
    plan_type: str
    status: str
    rate_group: str


def rate_group_of(
    *,
    stated: str,
    carrier: str,
    plan_type: str,
    standing: Iterable[Standing],
    of_batch: str,
    of_plan: str,
) -> str:
    """Answer the title of the rate group of a new offer; '' where nothing says one.

    What is stated; else that of an offer of the same carrier and category that is active and not turned down;
    else the default of the batch; else that of the plan (§2.4).
    """
    if stated:
        return stated
    for one in standing:
        is_alike = (one.carrier, one.plan_type) == (carrier, plan_type)
        if is_alike and one.status in STANDING and one.rate_group:
            return one.rate_group
    return of_batch or of_plan


def matching_definitions(
    definitions: pl.DataFrame, approval_type: BatchType, contract_type: str
) -> pl.DataFrame:
    """Take the underwriting definitions of a batch: active, of its type, of its contract type or of none.

    A department with a row for the contract type is asked by that row alone (§2.5, §3.3).
    """
    found = definitions.filter(
        pl.col("is_active")
        & (pl.col("approval_type") == str(approval_type))
        & pl.col("contract_type").is_in(["", contract_type])
    )
    return found.sort("department", "contract_type").unique("department", keep="last", maintain_order=True)


def reminder_days(window_ends: date, before: Sequence[int] = (10, 5, 2, 0)) -> list[date]:
    """Answer the days on which who has not elected is reminded, the last day of the window included (§6.2).

    >>> reminder_days(date(2026, 11, 20))[0]
    datetime.date(2026, 11, 10)
    """
    return [window_ends - timedelta(days=days) for days in before]
