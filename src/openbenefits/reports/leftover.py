"""What became of credits left over, as a confirmation says it (docs/rules.md §13)."""

import polars as pl

from openbenefits.reports.names import plan_type_name
from openbenefits.reports.rules import money_text

EVENT = ["client_id", "person_id", "benefit_record", "schedule_id", "event_number"]


def credits_told(events: pl.DataFrame, uses: pl.DataFrame, rolls: pl.DataFrame) -> pl.DataFrame:
    """Write a sentence for each case whose event left credits over: case, leftover.

    Shapes: events has case and EVENT; uses and rolls as `enrollment.frames` loads them, every version.
    """
    latest = uses.sort(*EVENT, "version").unique(EVENT, keep="last", maintain_order=True)
    left = latest.filter(pl.col("excess_cents") > 0).join(events.select("case", *EVENT), on=EVENT)
    rolled = rolls.with_columns(
        part=pl.concat_str(
            money_text(pl.col("rolled_cents")), pl.lit(" goes into "), plan_type_name().str.to_lowercase()
        )
    )
    rolled = rolled.sort("plan_type").group_by(*EVENT, "version").agg(rolled=pl.col("part").str.join(", "))
    rows = left.join(rolled, on=[*EVENT, "version"], how="left")
    parts = [
        pl.col("rolled"),
        _part("paid_cents", " is paid with your credits"),
        _part("forfeited_cents", " is forfeited"),
    ]
    return rows.select(
        "case",
        leftover=pl.concat_str(
            pl.lit("Of your credits for a year, "),
            money_text(pl.col("excess_cents")),
            pl.lit(" is not used up by what you pay before tax: "),
            pl.concat_str(parts, separator=", ", ignore_nulls=True),
            pl.lit("."),
        ),
    )


def _part(column: str, words: str) -> pl.Expr:
    """Say an amount, if there is any."""
    return pl.when(pl.col(column) > 0).then(pl.concat_str(money_text(pl.col(column)), pl.lit(words)))
