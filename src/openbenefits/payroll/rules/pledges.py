"""Annual pledges: what is left of a pledge, split over the flagged pays that remain of its year."""

import polars as pl

from openbenefits.core import money

_YEAR = ("series", "year")


def with_first_pay(lines: pl.DataFrame) -> pl.DataFrame:
    """Add first_no: which of the flagged pays of a year is the first that a point takes, in whatever way.

    Shapes: lines has point, ends_on, period_flags and own_no; a point's lines of a year begin with the first
            pay it may take.
    """
    place = ("point", "period_flags", pl.col("ends_on").dt.year())
    return lines.with_columns(first_no=pl.col("own_no").min().over(place))


def with_pledge_shares(lines: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Add owed_cents to the pays of pledges.

    A pledge is for the calendar year in which its deductions begin: (pledge less what the points before it
    contributed in the year) over the flagged pays from then to 31 December. An account that does not lapse
    at open enrolment (HSA) goes on, with the whole pledge, in each later year; any other owes nothing then.

    Shapes:  lines has series (owner, plan type, slot), point (ascending in time), point_pledge_cents,
             point_deduction_begins_on, ends_on, is_lapsing, own_no, own_pays and first_no; others are the
             deductions that are no pledges (percentages of pay, prices), with owed_cents: contributed, too.
    Missing: null for a pledge never stated, where what was contributed is unknown, and where the calendar
             lacks part of the year (shares is null).
    Source:  rulings §3.5, §5.1, §5.6.
    """
    year = pl.col("ends_on").dt.year()
    rows = lines.with_columns(year=year).filter(
        ~pl.col("is_lapsing") | (pl.col("point_deduction_begins_on").dt.year() == year)
    )
    if rows.is_empty():
        return rows.with_columns(owed_cents=pl.lit(None, pl.Int64)).drop("year")
    before = pl.col("first_no") - 1
    rows = rows.with_columns(_number=pl.col("own_no") - before, _shares=pl.col("own_pays") - before)
    left = _left_of_pledges(rows, others.with_columns(year=year))
    rows = rows.join(left, on=["point", "year"], how="left", maintain_order="left")
    shared = money.share_of_split(pl.col("_left"), pl.col("_number"), pl.col("_shares"))
    is_counted = pl.col("shares").is_not_null()
    return rows.with_columns(owed_cents=pl.when(is_counted).then(shared)).drop(
        "year", "_number", "_shares", "_left"
    )


def _with_otherwise(turns: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Add what the points before took in the year otherwise than by a pledge; nothing: 0."""
    taken = others.join(turns.select(*_YEAR, turn="point"), on=list(_YEAR))
    taken = taken.filter(pl.col("point") < pl.col("turn")).group_by("turn", "year")
    taken = taken.agg(_otherwise=money.total(pl.col("owed_cents")), _is_any=pl.lit(value=True))
    found = turns.join(taken, left_on=["point", "year"], right_on=["turn", "year"], how="left")
    otherwise = pl.when(pl.col("_is_any").is_null()).then(0).otherwise("_otherwise")
    return found.with_columns(_otherwise=otherwise)


def _left_of_pledges(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Find what is left of each pledge when its turn comes: first points together, then second ones."""
    turns = (
        rows.group_by("series", "year", "point")
        .agg(
            pl.col("point_pledge_cents").first(),
            _taken=pl.col("_number").max(),
            _shares=pl.col("_shares").first(),
        )
        .sort("series", "year", "point")
        .with_columns(_turn=pl.int_range(pl.len()).over(*_YEAR))
    )
    turns = _with_otherwise(turns, others)
    contributed = turns.select(_YEAR).unique().with_columns(contributed=pl.lit(0, pl.Int64))
    found = []
    for turn in range(int(turns["_turn"].max()) + 1):  # type: ignore[arg-type]
        these = turns.filter(_turn=turn).join(contributed, on=list(_YEAR))
        before = money.add(pl.col("contributed"), pl.col("_otherwise"))
        these = these.with_columns(_left=money.subtract(pl.col("point_pledge_cents"), before))
        found.append(these.select("point", "year", "_left"))
        part = money.multiply_divide_half_up(pl.col("_left"), pl.col("_taken"), pl.col("_shares"))
        added = these.select(*_YEAR, contributed=money.add(pl.col("contributed"), part))
        rest = contributed.join(added, on=list(_YEAR), how="anti")
        contributed = pl.concat([rest, added])
    return pl.concat(found)
