"""What changed since an event was prepared, and is settled: the option in force (docs/rules.md §14.7)."""

import polars as pl

from openbenefits.enrollment.rules.messages import message_rows, with_catalogue

CHANGED_SINCE = "BA1325"


def held_otherwise(settling: pl.DataFrame, plans: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Say of events being settled where the option in force is not the one they were prepared with.

    Shapes: settling has case; plans, as prepared now, case, plan_type, is_ignored, current_option_id; stored
            case, plan_type and held_option_id of the preparation before (only where there was one). Answers
            messages.
    """
    now = plans.filter(~pl.col("is_ignored")).select("case", "plan_type", option_id="current_option_id")
    both = now.join(stored, on=["case", "plan_type"], how="left").join(settling, on="case", how="semi")
    differing = both.filter(pl.col("option_id").ne_missing(pl.col("held_option_id")))
    found = (
        pl.when(pl.col("option_id").is_null())
        .then(pl.lit("none in force now"))
        .when(pl.col("held_option_id").is_null())
        .then(pl.lit("one in force now, and none then"))
        .otherwise(pl.lit("another in force now"))
    )
    expected = pl.lit("the option in force when the event was prepared")
    return with_catalogue(message_rows(differing, CHANGED_SINCE, expected, found))
