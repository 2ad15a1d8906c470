"""What a person states with a choice: pledges, percentages, hours, funds (docs/rules.md §11.5, §11.7)."""

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import AmountKind
from openbenefits.enrollment.rules.elected import Checking
from openbenefits.enrollment.rules.messages import message_rows

PLEDGE, PERCENT, HOURS = (str(kind) for kind in (AmountKind.PLEDGE, AmountKind.PERCENT, AmountKind.HOURS))
WHOLE_PERCENT = 100


def amount_messages(checking: Checking) -> list[pl.DataFrame]:
    """Amounts must be stated, and lie within the limits of the plan."""
    return [*_pledges(checking), *_percentages(checking), *_hours(checking)]


def _pledges(checking: Checking) -> list[pl.DataFrame]:
    rows, pledge = checking.enrolling(PLEDGE), pl.col("pledge_cents")
    low, high = pl.col("minimum_amount_cents").fill_null(1), pl.col("maximum_amount_cents")
    off = (pledge < low) | (pledge > high).fill_null(value=False)
    return [
        message_rows(rows.filter(pledge.is_null()), "BA1330", pl.lit("an annual amount"), pl.lit("none")),
        message_rows(
            rows.filter(off),
            "BA1318",
            pl.format("{} to {} cents a year", low, high.cast(pl.String).fill_null("any number of")),
            pl.format("{} cents", pledge),
        ),
    ]


def _percentages(checking: Checking) -> list[pl.DataFrame]:
    """Before tax, after tax and both together; one of them must be stated."""
    rows = checking.enrolling(PERCENT)
    before, after = pl.col("percent_thousandths"), pl.col("after_tax_thousandths")
    low = pl.col("minimum_percent_thousandths").fill_null(1)
    high = pl.col("maximum_percent_thousandths")
    off = (before < low) | (before > high).fill_null(value=False)
    after_off = (after > pl.col("maximum_after_tax_thousandths").fill_null(0)).fill_null(value=False)
    both = before.fill_null(0) + after.fill_null(0)
    total_off = (both > pl.col("maximum_total_thousandths")).fill_null(value=False)
    nothing = before.is_null() & (after.fill_null(0) == 0)
    most = pl.format("{} to {} thousandths of a percent", low, high.cast(pl.String).fill_null("any"))
    most_after = pl.format(
        "at most {} thousandths of a percent after tax", pl.col("maximum_after_tax_thousandths").fill_null(0)
    )
    most_both = pl.format("at most {} thousandths of a percent in all", "maximum_total_thousandths")
    return [
        message_rows(rows.filter(nothing), "BA1330", pl.lit("a percentage of pay"), pl.lit("none")),
        message_rows(rows.filter(off), "BA1320", most, pl.format("{}", before)),
        message_rows(rows.filter(after_off), "BA1320", most_after, pl.format("{}", after)),
        message_rows(rows.filter(total_off), "BA1320", most_both, pl.format("{}", both)),
    ]


def _hours(checking: Checking) -> list[pl.DataFrame]:
    """Hours bought or sold, within the limits of the option; they are priced by annual pay."""
    rows, hours = checking.enrolling(HOURS), pl.col("hours_hundredths")
    low, high = pl.col("minimum_hours_hundredths").fill_null(1), pl.col("maximum_hours_hundredths")
    off = (hours < low) | (hours > high).fill_null(value=False)
    unpriced = hours.is_not_null() & pl.col("annual_pay_cents").is_null()
    return [
        message_rows(rows.filter(hours.is_null()), "BA1330", pl.lit("a number of hours"), pl.lit("none")),
        message_rows(
            rows.filter(off),
            "BA1324",
            pl.format("{} to {} hundredths of an hour", low, high.cast(pl.String).fill_null("any number of")),
            pl.format("{}", hours),
        ),
        message_rows(
            rows.filter(unpriced), "BA1209", pl.lit("annual pay, which prices an hour"), pl.lit("none")
        ),
    ]


def price_of_hours() -> pl.Expr:
    """The year's price of hours of leave: hours × annual pay ÷ hours of a year, rounded once.

    Units: hours are hundredths, the price cents. Missing: null without hours or pay.
    """
    year = pl.col("hours_per_year").cast(pl.Int64) * 100
    return money.multiply_divide_half_up(
        pl.col("annual_pay_cents"), pl.col("hours_hundredths").cast(pl.Int64), year
    )


def fund_messages(checking: Checking) -> list[pl.DataFrame]:
    """Allocations of an invested plan must add up to 100 %, in funds of the plan type."""
    funds, key = checking.elected.funds, ["case", "plan_type"]
    totals = funds.group_by(key).agg(total=pl.col("percent").cast(pl.Int64).sum())
    invested = checking.enrolling().filter("is_invested").join(totals, on=key, how="left")
    off = invested.filter((pl.col("total") != WHOLE_PERCENT).fill_null(value=True))
    found = pl.format("{} %", pl.col("total").fill_null(0))
    return [message_rows(off, "BA1317", pl.lit("100 %"), found), _unknown_funds(checking)]


def _unknown_funds(checking: Checking) -> pl.DataFrame:
    """Money may go only into funds of the plan type, the client's own or the PEO's."""
    key = ["case", "plan_type"]
    named = checking.elected.funds.join(checking.enrolling().select(key), on=key, how="semi")
    named = named.join(checking.prepared.cases.select("case", "client_id"), on="case")
    known = checking.rulebook.funds.rename({"code": "fund"})
    of_peo = known.filter(client_id=0).drop("client_id")
    unknown = named.join(known, on=["client_id", "plan_type", "fund"], how="anti").join(
        of_peo, on=["plan_type", "fund"], how="anti"
    )
    return message_rows(unknown, "BA1334", pl.lit("a fund of this plan"), pl.col("fund"))
