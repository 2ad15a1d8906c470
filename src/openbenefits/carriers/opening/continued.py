"""Lines under COBRA: coverage that was lost, and goes on from the day after.

A beneficiary was covered on the day before he continues; since when, the file says by an older day of
begin, or by the line that ended then. Else that one day is what is known.
"""

from datetime import timedelta

import polars as pl

from openbenefits.carriers.opening.stated import NOTED, findings

DAY = timedelta(days=1)
WHOSE = ["family", "who", "insurance"]


def with_continuation(lines: pl.DataFrame) -> pl.DataFrame:
    """Say of each line from which day it continues (null: it does not), and through which.

    A line that began after the choice to continue continues since it began.
    """
    first = pl.max_horizontal("continues_on", "begins_on")
    through = pl.coalesce("ends_on", "continued_through")
    continues = pl.col("is_continued")
    return lines.with_columns(
        continues_on=pl.when(continues).then(first),
        ends_on=pl.when(continues).then(through).otherwise("ends_on"),
    ).drop("continued_through")


def with_losses(lines: pl.DataFrame) -> pl.DataFrame:
    """Add lost_from, the day from which what is continued was held; leave out lines that say just that."""
    going = lines.filter("is_continued").select("row", *WHOSE, "continues_on")
    ended = lines.filter(~pl.col("is_continued"), pl.col("ends_on").is_not_null())
    ended = ended.select(
        *WHOSE, of="row", began_on="begins_on", continues_on=pl.col("ends_on") + DAY, lost="plan"
    )
    pairs = going.join(ended, on=[*WHOSE, "continues_on"], nulls_equal=True)
    named = pairs.sort("began_on").unique("row", keep="first").select("row", "began_on")
    rest = lines.join(pairs.select(row="of"), on="row", how="anti", maintain_order="left")
    rows = rest.join(named, on="row", how="left", maintain_order="left")
    own = pl.when(pl.col("begins_on") < pl.col("continues_on")).then("begins_on")
    from_day = pl.coalesce(own, "began_on", pl.col("continues_on") - DAY)
    return rows.with_columns(lost_from=pl.when("is_continued").then(from_day)).drop("began_on")


def as_lost(lines: pl.DataFrame) -> pl.DataFrame:
    """Answer lines as active coverage: what continues ended the day before."""
    continues = pl.col("is_continued")
    return lines.with_columns(
        begins_on=pl.when(continues).then("lost_from").otherwise("begins_on"),
        ends_on=pl.when(continues).then(pl.col("continues_on") - DAY).otherwise("ends_on"),
    )


def going_on(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answer what continues (`cover.Cover.continued`), and note it."""
    rows = lines.filter("is_continued")
    noted = findings(
        rows,
        "continuation",
        "coverage of an employee or a dependent",
        "taken over as coverage that was lost, and goes on; see that the job and the day are right",
        place="INS05",
        level=NOTED,
        found=pl.format("under COBRA from {}", "continues_on"),
    )
    continued = rows.select(
        *("family", "plan_type", "row"),
        member=pl.when(~pl.col("is_subscriber")).then("who"),
        begins_on="continues_on",
        through_on="ends_on",
    )
    return continued, noted
