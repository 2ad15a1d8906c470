"""When a scheduled item falls due for a record. Source: process-management §5.3; windows are ours.

fire   = the date of the record + offset (negative: before)
window = fire … fire + max(grace, 1) - 1, both included
"""

from dataclasses import dataclass

import polars as pl

from openbenefits.workflow.rules.outcomes import Outcome, why


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When an item of a scheduled channel is due.

    frequency: at most once in so many days for a record; 0: once for each date it falls due on.
    """

    field: str
    offset: int = 0
    grace: int = 1
    frequency: int = 0
    include_inactive: bool = False


def due(records: pl.DataFrame, timing: Timing) -> pl.DataFrame:
    """Keep the records whose window holds the day asked for (`today`), with `fire_on`.

    Missing: a record without the date is not due.
    """
    fire = pl.col(timing.field).dt.offset_by(f"{timing.offset}d")
    last = fire.dt.offset_by(f"{max(timing.grace, 1) - 1}d")
    return records.with_columns(fire_on=fire).filter(
        pl.col("fire_on").is_not_null(), pl.col("today").is_between(pl.col("fire_on"), last)
    )


def admitted(records: pl.DataFrame, made: pl.DataFrame, timing: Timing) -> pl.DataFrame:
    """Decide, of records due, which may be made something for: with `outcome` null, or why they are skipped.

    Shapes: made has key, fire_on and made_on of what this item made before. Its last day within the
            frequency limit, or the same fire date, keeps it from being made again.
    """
    last = made.group_by("key").agg(last_on=pl.col("made_on").max())
    fires = made.filter(pl.col("fire_on").is_not_null()).select("key", "fire_on", is_fired=True).unique()
    rows = records.join(last, on="key", how="left", maintain_order="left")
    rows = rows.join(fires, on=["key", "fire_on"], how="left", maintain_order="left")
    recent = pl.col("today") < pl.col("last_on").dt.offset_by(f"{timing.frequency}d")
    recently = recent.fill_null(value=False) if timing.frequency else pl.lit(value=False)
    fired = pl.lit(timing.frequency == 0) & pl.col("is_fired").fill_null(value=False)
    inactive = ~pl.col("is_active") & pl.lit(not timing.include_inactive)
    return rows.with_columns(
        outcome=pl.when(inactive | recently | fired).then(pl.lit(Outcome.SKIPPED)),
        why=pl.when(inactive)
        .then(pl.lit(why("inactive")))
        .when(recently)
        .then(pl.lit(why("frequency", days=timing.frequency)))
        .when(fired)
        .then(pl.lit(why("fired"))),
    ).drop("last_on", "is_fired")
