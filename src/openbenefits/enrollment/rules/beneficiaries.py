"""Who is to receive: primary and contingent beneficiaries of an election (docs/rules.md §11.8)."""

import polars as pl

from openbenefits.enrollment.rules.elected import Checking
from openbenefits.enrollment.rules.messages import message_rows

COLLECTING = ("beneficiaries", "both")
ALL = 100_00
"""100 % in hundredths."""


def beneficiary_messages(checking: Checking) -> list[pl.DataFrame]:
    """Shares of the primary beneficiaries, and of the contingent ones, must each add up to 100 %."""
    rows, key = checking.enrolling(), ["case", "plan_type"]
    takes = pl.col("collect").is_in(COLLECTING)
    named = checking.elected.beneficiaries.join(rows.filter(takes).select(key), on=key, how="semi")
    share = pl.col("percent_hundredths").cast(pl.Int64)
    totals = named.group_by(key, maintain_order=True).agg(
        primary=share.filter(~pl.col("is_contingent")).sum(),
        contingent=share.filter("is_contingent").sum(),
        has_contingent=pl.col("is_contingent").any(),
    )
    held = checking.held.beneficiaries.select(key).unique()
    bare = rows.filter(takes).join(totals, on=key, how="anti").join(held, on=key, how="anti")
    stray = checking.elected.beneficiaries.join(rows.filter(~takes).select(key), on=key, how="semi")
    off = totals.filter(pl.col("primary") != ALL)
    contingent_off = totals.filter(pl.col("has_contingent") & (pl.col("contingent") != ALL))
    return [
        message_rows(
            off, "BA1316", pl.lit("10000 hundredths of a percent for the primary"), pl.format("{}", "primary")
        ),
        message_rows(
            contingent_off,
            "BA1316",
            pl.lit("10000 hundredths of a percent for the contingent"),
            pl.format("{}", "contingent"),
        ),
        message_rows(bare, "BA1338", pl.lit("a beneficiary"), pl.lit("none named")),
        message_rows(
            stray.unique(key, maintain_order=True),
            "BA1339",
            pl.lit("no beneficiaries: the plan does not take them"),
            pl.lit("some named"),
        ),
    ]
