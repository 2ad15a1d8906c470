"""Why a deduction changed, in words: the difference of two pays of a person."""

from datetime import date

import polars as pl

from openbenefits.core import money
from openbenefits.payroll.rules import causes
from openbenefits.payroll.rules.ledger import ROUNDING_CENTS, SERIES

CAUSES = {
    causes.BEGINS: "it begins",
    causes.ENDS: "it ends",
    "leave": "the leave: coverage costs its full price, or its usual one again",
    causes.COVERAGE: "what is covered changed",
    causes.RATE: "the rate changed",
    causes.PAY_RISE: "pay changed",
    causes.AGE: "an age was reached",
    causes.ADDRESS: "the home address changed",
    causes.DECIDED: "somebody decided about the price",
}
SPLIT = "a cent of the split"
OTHER_SHARE = "another share of the same amount"
NOT_IN_EVERY_PAY = "it is not taken in every pay of the month"
UNKNOWN = "the amount cannot be found"

_AMOUNTS = ("owed_cents", "ordered_cents", "taken_cents")


def dollars_text(cents: pl.Expr) -> pl.Expr:
    """Write cents as a decimal number of dollars: -12.05.

    >>> pl.select(dollars_text(pl.lit(-1205))).item()
    '-12.05'
    """
    size = cents.abs()
    sign = pl.when(cents < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return pl.concat_str(
        sign, (size // 100).cast(pl.String), pl.lit("."), (size % 100).cast(pl.String).str.zfill(2)
    )


def difference_in_words(
    lines: pl.DataFrame, orders: pl.DataFrame, taken: pl.DataFrame, *, before: date, after: date
) -> pl.DataFrame:
    """Say, line by line, what differs between two pays of one person, and why.

    Shapes:  lines as `owed`, of every pay from `before` (the day one pay ends) through `after`; orders has
             SERIES, PLACE, cents, taken_as, reason; taken SERIES, PLACE, taken_cents. The result has SERIES,
             before_cents and after_cents (owed and ordered), difference_cents, words; lines that are the
             same are left out.
    Missing: an amount that cannot be found is null, and the words say so.
    """
    named = lines.with_columns(pl.col("tax_class").fill_null(""))
    sides = [_side(named, orders, taken, day, name) for day, name in ((before, "before"), (after, "after"))]
    rows = sides[0].join(sides[1], on=list(SERIES), how="full", coalesce=True)
    rows = rows.join(_causes(named, before, after), on=list(SERIES), how="left")
    counted = [f"{side}_{name}" for side in ("before", "after") for name in (*_AMOUNTS, "lines")]
    faulty = [f"{side}_is_faulty" for side in ("before", "after")]
    rows = rows.with_columns(
        pl.col(counted).fill_null(0), pl.col(faulty).fill_null(value=False), pl.col("causes").fill_null("")
    )
    rows = rows.with_columns(
        **{f"{side}_cents": _expected(side) for side in ("before", "after")}, words=_words()
    )
    difference = money.subtract(pl.col("after_cents"), pl.col("before_cents"))
    return (
        rows.with_columns(difference_cents=difference)
        .filter(pl.col("words") != "")
        .select(*SERIES, "before_cents", "after_cents", "difference_cents", "words")
        .sort(SERIES)
    )


def _side(
    lines: pl.DataFrame, orders: pl.DataFrame, taken: pl.DataFrame, day: date, name: str
) -> pl.DataFrame:
    """Add up one pay by series: what was owed, ordered and taken, and how many lines were owed."""
    here = pl.col("ends_on") == day
    by = list(SERIES)
    owed = (
        lines.filter(here & (pl.col("cause") != causes.ENDS))
        .group_by(by)
        .agg(
            owed_cents=pl.col("owed_cents").sum(),
            lines=pl.len().cast(pl.Int64),
            is_faulty=pl.col("owed_cents").is_null().any(),
        )
    )
    text = pl.format("a correction of {}: {}", dollars_text(pl.col("cents")), "reason")
    ordered = (
        orders.filter(here)
        .with_columns(tax_class="taken_as")
        .group_by(by)
        .agg(ordered_cents=pl.col("cents").sum(), orders=text.sort().str.join("; "))
    )
    reported = (
        taken.filter(here)
        .group_by(by)
        .agg(taken_cents=pl.col("taken_cents").sum(), is_reported=pl.lit(value=True))
    )
    found = owed.join(ordered, on=by, how="full", coalesce=True).join(
        reported, on=by, how="full", coalesce=True
    )
    found = found.with_columns(pl.col("owed_cents", "lines").fill_null(0))
    return found.rename({column: f"{name}_{column}" for column in found.columns if column not in by})


def _causes(lines: pl.DataFrame, before: date, after: date) -> pl.DataFrame:
    """Put the causes dated between the pays into words, in order."""
    between = lines.filter(
        (pl.col("ends_on") > before) & (pl.col("ends_on") <= after) & (pl.col("cause") != "")
    )
    told = between.with_columns(word=pl.col("cause").replace(CAUSES)).sort("ends_on")
    return told.group_by(SERIES).agg(causes=pl.col("word").unique(maintain_order=True).str.join(", "))


def _expected(side: str) -> pl.Expr:
    known = money.add(pl.col(f"{side}_owed_cents"), pl.col(f"{side}_ordered_cents"))
    return pl.when(~pl.col(f"{side}_is_faulty")).then(known)


def _words() -> pl.Expr:
    """Join what is to be said of a line; nothing where the pays are the same."""
    parts = [_of_owed(), *_of_orders(), *(_of_taken(side) for side in ("before", "after"))]
    return pl.concat_str(parts, separator="; ", ignore_nulls=True)


def _of_owed() -> pl.Expr:
    gap = (pl.col("after_owed_cents") - pl.col("before_owed_cents")).abs()
    return (
        pl.when(pl.col("before_is_faulty") | pl.col("after_is_faulty"))
        .then(pl.lit(UNKNOWN))
        .when(gap == 0)
        .then(pl.lit(None, pl.String))
        .when(pl.col("causes") != "")
        .then("causes")
        .when((pl.col("before_lines") == 0) | (pl.col("after_lines") == 0))
        .then(pl.lit(NOT_IN_EVERY_PAY))
        .when(gap <= ROUNDING_CENTS)
        .then(pl.lit(SPLIT))
        .otherwise(pl.lit(OTHER_SHARE))
    )


def _of_orders() -> list[pl.Expr]:
    return [
        pl.col("after_orders"),
        pl.when(pl.col("before_orders").is_not_null()).then(
            pl.format("the earlier pay had {}", "before_orders")
        ),
    ]


def _of_taken(side: str) -> pl.Expr:
    """Say where payroll took something else than was owed and ordered."""
    expected = pl.col(f"{side}_owed_cents") + pl.col(f"{side}_ordered_cents")
    is_other = (pl.col(f"{side}_taken_cents") - expected).abs() > ROUNDING_CENTS
    which = "this pay" if side == "after" else "the earlier pay"
    text = pl.format(
        f"payroll took {{}} in {which} in place of {{}}",
        dollars_text(pl.col(f"{side}_taken_cents")),
        dollars_text(expected),
    )
    is_told = pl.col(f"{side}_is_reported").fill_null(value=False) & is_other & ~pl.col(f"{side}_is_faulty")
    return pl.when(is_told).then(text)


__all__ = ["CAUSES", "difference_in_words", "dollars_text"]
