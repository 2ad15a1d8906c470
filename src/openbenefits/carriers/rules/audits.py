"""A carrier's full list against our timeline on a day: what is missing here, missing there, and different.

Pure: both sides are frames. Why something differs is looked for apart (`audit_causes`).
"""

from datetime import date, timedelta
from typing import Any

import polars as pl

DAY = timedelta(days=1)
HERE, THERE, DIFFERENT = "missing here", "missing there", "different"
LISTED: dict[str, Any] = {
    "row": pl.Int32,
    "member_row": pl.Int32,
    "subscriber": pl.String,
    "member": pl.String,
    "line": pl.String,
    "plans": pl.List(pl.String),
    "tiers": pl.List(pl.String),
    "basis": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "is_code_known": pl.Boolean,
    "is_tier_known": pl.Boolean,
}
"""A line a carrier lists. subscriber, member: ours, null where nobody of ours is meant; line: the plan type,
null where no plan of ours is; plans, tiers: what its codes may be here (tiers null: it says none)."""

ROW = {
    "row": pl.Int32,
    "subscriber": pl.String,
    "member": pl.String,
    "line": pl.String,
    "verdict": pl.String,
    "field": pl.String,
    "here": pl.String,
    "there": pl.String,
    "begins_on": pl.Date,
}
"""A difference. field: coverage, plan, tier, begin, end, basis, twice, SSN, birth date, name, family. here,
there: what either side says, in codes and days, nothing of it personal. begins_on: of our span."""


def compared(listed: pl.DataFrame, cover: pl.DataFrame, *, on: date) -> pl.DataFrame:
    """Compare what a carrier lists with our spans, as they are in force on a day, as ROW.

    Shapes: listed as LISTED, cover as `views.COVER` of the members the list should hold.
    """
    rows = listed.filter(_not_void())
    theirs = rows.filter(_held(on))
    ours = cover.filter(_held(on))
    once = theirs.filter(pl.col("member").is_not_null() & pl.col("line").is_not_null())
    key = ["subscriber", "member", "line"]
    twice = once.filter(pl.len().over(key) > 1)
    single = once.sort("row").unique(key, keep="first", maintain_order=True)
    pairs = single.join(ours, on=key, suffix="_ours")
    found = [
        _twice(twice),
        _missing_there(ours.join(single, on=key, how="anti"), rows, on),
        _missing_here(single.join(ours, on=key, how="anti")),
        _missing_here(theirs.filter(pl.col("member").is_null() | pl.col("line").is_null())),
        *_fields(pairs),
        _ended(rows, cover, on),
    ]
    return pl.concat([one.select(pl.col(name).cast(kind) for name, kind in ROW.items()) for one in found])


def _held(on: date) -> pl.Expr:
    return (pl.col("begins_on").is_null() | (pl.col("begins_on") <= on)) & (
        pl.col("ends_on").is_null() | (pl.col("ends_on") >= on)
    )


def _not_void() -> pl.Expr:
    return ~(pl.col("ends_on") < pl.col("begins_on")).fill_null(value=False)


def _said(
    rows: pl.DataFrame, verdict: str, field: str, here: pl.Expr | None, there: pl.Expr | None, begin: str
) -> pl.DataFrame:
    none = pl.lit(None, pl.String)
    return rows.select(
        "row",
        "subscriber",
        "member",
        "line",
        verdict=pl.lit(verdict),
        field=pl.lit(field),
        here=none if here is None else here,
        there=none if there is None else there,
        begins_on=begin,
    )


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).fill_null("none")


def _listed(name: str) -> pl.Expr:
    return pl.col(name).list.join(" or ").fill_null("none")


def _twice(rows: pl.DataFrame) -> pl.DataFrame:
    again = rows.filter(pl.col("row") > pl.col("row").min().over("subscriber", "member", "line"))
    return _said(again, DIFFERENT, "twice", pl.lit("once"), pl.lit("several times"), "begins_on")


def _missing_there(ours: pl.DataFrame, listed: pl.DataFrame, on: date) -> pl.DataFrame:
    """Say whom a carrier does not list, and since when, where it lists him as ended."""
    key = ["subscriber", "member", "line"]
    over = listed.filter((pl.col("ends_on") < on).fill_null(value=False)).sort("ends_on")
    over = over.unique(key, keep="last", maintain_order=True).select(*key, "row", over_on="ends_on")
    rows = ours.join(over, on=key, how="left")
    there = pl.when(pl.col("over_on").is_not_null()).then(pl.format("ended {}", "over_on"))
    return _said(
        rows, THERE, "coverage", pl.format("{} from {}", _text("plan"), "begins_on"), there, "begins_on"
    )


def _missing_here(rows: pl.DataFrame) -> pl.DataFrame:
    there = pl.format("{} from {}", _listed("plans"), _text("begins_on"))
    return _said(rows, HERE, "coverage", None, there, "begins_on")


def _fields(pairs: pl.DataFrame) -> list[pl.DataFrame]:
    """Say what differs of lines both sides hold."""
    plan = ~pl.col("plans").list.contains(pl.col("plan")).fill_null(value=False)
    tier = (
        pl.col("tiers").is_not_null()
        & pl.col("tier").is_not_null()
        & ~pl.col("tiers").list.contains(pl.col("tier"))
    )
    begin = pl.col("begins_on").ne_missing(pl.col("begins_on_ours"))
    end = pl.col("ends_on").ne_missing(pl.col("ends_on_ours"))
    basis = pl.col("basis").is_not_null() & pl.col("basis").ne_missing(pl.col("basis_ours"))
    parts = (
        ("plan", plan | ~pl.col("is_code_known"), _text("plan"), _listed("plans")),
        ("tier", tier | ~pl.col("is_tier_known"), _text("tier"), _listed("tiers")),
        ("begin", begin, _text("begins_on_ours"), _text("begins_on")),
        ("end", end, _text("ends_on_ours"), _text("ends_on")),
        ("basis", basis, _text("basis_ours"), _text("basis")),
    )
    return [
        _said(pairs.filter(is_so.fill_null(value=False)), DIFFERENT, field, here, there, "begins_on_ours")
        for field, is_so, here, there in parts
    ]


def _ended(listed: pl.DataFrame, cover: pl.DataFrame, on: date) -> pl.DataFrame:
    """Say where both sides know an end, of the same span, and it is another day."""
    over = listed.filter((pl.col("ends_on") < on).fill_null(value=False))
    ours = cover.filter((pl.col("ends_on") < on).fill_null(value=False))
    pairs = over.join(ours, on=["subscriber", "member", "line", "begins_on"], suffix="_ours")
    rows = pairs.filter(pl.col("ends_on") != pl.col("ends_on_ours"))
    return _said(rows, DIFFERENT, "end", _text("ends_on_ours"), _text("ends_on"), "begins_on")
