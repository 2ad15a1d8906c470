"""The days on which somebody who lost coverage goes on with it: spans that rest on continuation."""

from datetime import timedelta

import polars as pl

from openbenefits.core.codes import Basis
from openbenefits.enrollment.rules.basis import FAR

WHO = ("client_id", "person_id", "benefit_record", "plan_type", "dependent_id")
CONTINUED = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "dependent_id": pl.Int64,
    "begins_on": pl.Date,
    "through_on": pl.Date,
}
"""What somebody continues: from a day through the last day paid for (null: until it is said to end).

dependent_id is 0 for the employee; every beneficiary continues alone (rulings §3.2).
"""
COVERED_DAYS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "dependent_id": pl.Int64,
    "span_from": pl.Date,
    "span_until": pl.Date,
}
"""Spans in which the timeline of a benefit record covers a beneficiary."""


def continued_spans(continued: pl.DataFrame, covered: pl.DataFrame) -> pl.DataFrame:
    """Find the days that rest on continuation: those continued that no timeline covers.

    A day that a benefit record covers rests on what its point says: a reinstatement takes the place of
    continuation from its first day. Overlapping rows of one beneficiary count once.

    Shapes: continued as CONTINUED, covered as COVERED_DAYS. The result has WHO, span_from, span_until
            (the first day after it) and basis; of one beneficiary and plan type the spans do not overlap.
    Source: docs/rules.md §18.1; rulings §3.2, §3.3.
    """
    asked = continued.with_columns(
        span_from="begins_on",
        span_until=pl.col("through_on").cast(pl.Date) + timedelta(days=1),
    ).with_columns(pl.col("span_until").fill_null(FAR))
    marks = pl.concat(
        [
            *_edges(asked, "asked"),
            *_edges(covered.join(asked.select(WHO).unique(), on=list(WHO), how="semi"), "held"),
        ]
    )
    days = marks.group_by(*WHO, "day").agg(pl.col("asked").sum(), pl.col("held").sum()).sort(*WHO, "day")
    swept = days.with_columns(
        is_asked=pl.col("asked").cum_sum().over(WHO) > 0,
        is_held=pl.col("held").cum_sum().over(WHO) > 0,
        span_until=pl.col("day").shift(-1).over(WHO),
    )
    found = swept.filter(pl.col("is_asked") & ~pl.col("is_held") & pl.col("span_until").is_not_null())
    return found.select(*WHO, span_from="day", span_until="span_until", basis=pl.lit(str(Basis.CONTINUATION)))


def _edges(spans: pl.DataFrame, side: str) -> list[pl.DataFrame]:
    """The first days of spans, and the first days after them, as steps up and down of one side."""
    zero = {name: pl.lit(0, pl.Int64) for name in ("asked", "held")}
    return [
        spans.select(*WHO, day=column, **(zero | {side: pl.lit(step, pl.Int64)}))
        for column, step in (("span_from", 1), ("span_until", -1))
    ]
