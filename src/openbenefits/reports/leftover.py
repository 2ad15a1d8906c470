"""What became of credits left over, as a confirmation says it (docs/rules.md §13)."""

import polars as pl
from django.utils.translation import gettext as _

from openbenefits.reports.rules import money_text
from openbenefits.reports.spoken import plan_type_said

EVENT = ["client_id", "person_id", "benefit_record", "schedule_id", "event_number"]


def credits_told(events: pl.DataFrame, uses: pl.DataFrame, rolls: pl.DataFrame) -> pl.DataFrame:
    """Write a sentence for each case whose event left credits over: case, leftover.

    Shapes: events has case and EVENT; uses and rolls as `enrollment.frames` loads them, every version.
    """
    latest = uses.sort(*EVENT, "version").unique(EVENT, keep="last", maintain_order=True)
    left = latest.filter(pl.col("excess_cents") > 0).join(events.select("case", *EVENT), on=EVENT)
    rolled = rolls.with_columns(
        part=pl.format(
            _("{} goes into {}"), money_text(pl.col("rolled_cents")), plan_type_said().str.to_lowercase()
        )
    )
    rolled = rolled.sort("plan_type").group_by(*EVENT, "version").agg(rolled=pl.col("part").str.join(", "))
    rows = left.join(rolled, on=[*EVENT, "version"], how="left")
    parts = [
        pl.col("rolled"),
        _part("paid_cents", _("{} is paid with your credits")),
        _part("forfeited_cents", _("{} is forfeited")),
    ]
    return rows.select(
        "case",
        leftover=pl.format(
            _("Of your credits for a year, {} is not used up by what you pay before tax: {}."),
            money_text(pl.col("excess_cents")),
            pl.concat_str(parts, separator=", ", ignore_nulls=True),
        ),
    )


def _part(column: str, words: str) -> pl.Expr:
    """Say an amount, if there is any."""
    return pl.when(pl.col(column) > 0).then(pl.format(words, money_text(pl.col(column))))
