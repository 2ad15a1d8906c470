"""Which month a line is about: the one billed, one before, one ahead.

Months are compared once as expected; of what was billed before, only what is still to be put right is
expected (docs/invoices.md §5).
"""

from dataclasses import replace
from datetime import timedelta

import polars as pl

from openbenefits.core import days, money
from openbenefits.core.money import first_served
from openbenefits.reconcile.rules.comparing import (
    FOUND,
    ROUNDING,
    UNIT,
    Settings,
    billed_units,
    compare,
    conform,
    to_group,
)

PLACE = [*UNIT, "month"]
SETTLED = {name: FOUND[name] for name in (*PLACE, "difference_cents")}


def compare_months(
    lines: pl.DataFrame,
    units: pl.DataFrame,
    history: pl.DataFrame,
    earlier: pl.DataFrame,
    settings: Settings,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Compare the lines of an invoice, each with the month it is about.

    A month ahead is compared for whom it is billed: nobody else is missing there. What an earlier invoice
    billed of a month, the one billed now included, is not expected again.

    Shapes:  lines as of `compare`, with is_retro and month (null: it names none); units of the month billed,
             of the past months an invoice was loaded of, of those lines name ahead; earlier as of
             `compare_retro`. Answers what differs, as FOUND (code '' while undecided); what was put right
             (SETTLED); what was expected (PLACE, expected_cents).
    """
    group = to_group(units, settings)
    told = pl.col("month") >= settings.month
    again = earlier.filter(told).select(PLACE)
    is_again = lines.join(again, on=PLACE, how="semi")
    fresh = lines.filter(told).join(again, on=PLACE, how="anti")
    past = pl.concat([lines.filter(~told.fill_null(value=False)), is_again])
    new = group.filter(told).join(again, on=PLACE, how="anti")
    now, later = new.filter(month=settings.month), new.filter(pl.col("month") > settings.month)
    new = pl.concat([now, later.join(fresh, on=PLACE, how="semi")])
    parts = [
        compare(of_month, new.filter(month=month), history, replace(settings, month=month))
        for month in sorted({settings.month, *fresh["month"].to_list()})
        for of_month in [fresh.filter(month=month)]
    ]
    before = pl.concat([group.filter(~told), group.join(again, on=PLACE, how="semi")])
    retro, settled, wanted = compare_retro(past, before, earlier, settings)
    first = new.filter("is_charged").select(*PLACE, "expected_cents").drop_nulls("expected_cents")
    return (
        pl.concat([*parts, retro]),
        settled.select(pl.col(name).cast(kind) for name, kind in SETTLED.items()),
        pl.concat([first, wanted.select(*PLACE, "expected_cents")]),
    )


def compare_retro(
    lines: pl.DataFrame, units: pl.DataFrame, earlier: pl.DataFrame, settings: Settings
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Compare lines with what their months should have been billed and were not.

    Shapes:  lines as of `compare`, month null where none is printed; units of the months; earlier has PLACE,
             billed_cents: what was billed of these months so far, month null with of_month (that of the
             invoice) where a line named none. Answers the units that differ, as FOUND; those that were put
             right (PLACE, difference_cents: the credit or charge); and what was expected (PLACE,
             expected_cents).
    """
    wanted = _still_to_bill(units, earlier, settings)
    billed = _placed(lines, wanted, settings)
    rows = billed.join(wanted, on=PLACE, how="full", coalesce=True).with_columns(
        pl.col("invoiced_cents", "expected_cents").fill_null(0),
        plan_type=pl.coalesce("plan_type", "plan_type_wanted"),
    )
    billed_cents, wanted_cents = pl.col("invoiced_cents"), pl.col("expected_cents")
    is_near = (billed_cents - wanted_cents).abs() <= settings.rounding_cents
    code = (
        pl.when(billed_cents == wanted_cents)
        .then(None)
        .when(is_near)
        .then(pl.lit(ROUNDING))
        .when(wanted_cents == 0)
        .then(pl.lit("RETRO_UNEXPECTED"))
        .when(billed_cents == 0)
        .then(pl.lit("RETRO_MISSING"))
        .otherwise(pl.lit("RETRO_AMOUNT"))
    )
    told = rows.with_columns(code=code, note=pl.lit(""), known_at="made_at")
    is_right = pl.col("code").is_null() | (pl.col("code") == ROUNDING)
    settled = told.filter(is_right & (billed_cents != 0) & (wanted_cents != 0))
    months = told.filter(pl.col("code").is_not_null())
    found = conform(months, settings).with_columns(months["month"])
    return found, settled.select(*PLACE, difference_cents=billed_cents), wanted


def _still_to_bill(units: pl.DataFrame, earlier: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Find what each month should have been less what was billed of it; nothing within the tolerance."""
    should = (
        units.filter("is_charged")
        .group_by(PLACE)
        .agg(
            pl.col("plan_type").first().alias("plan_type_wanted"),
            should=money.total(pl.col("expected_cents")),
            made_at=pl.col("made_at").max(),
            unit=pl.col("unit").first(),
        )
    )
    named = earlier.drop_nulls("month").group_by(PLACE).agg(pl.col("billed_cents").sum())
    rows = should.join(named, on=PLACE, how="full", coalesce=True)
    unknown = pl.col("plan_type_wanted").is_not_null() & pl.col("should").is_null()
    short = pl.col("should").fill_null(0) - pl.col("billed_cents").fill_null(0)
    rows = rows.filter(~unknown).with_columns(expected_cents=short)
    rows = _less_unnamed(rows, earlier.filter(pl.col("month").is_null()))
    return rows.filter(pl.col("expected_cents").abs() > settings.rounding_cents).drop(
        "should", "billed_cents"
    )


def _less_unnamed(rows: pl.DataFrame, bare: pl.DataFrame) -> pl.DataFrame:
    """Take off what earlier invoices billed without a month: of the oldest months first, as it was then."""
    if bare.is_empty():
        return rows
    totals = bare.group_by(UNIT).agg(total=pl.col("billed_cents").sum(), of_month=pl.col("of_month").max())
    placed, rest = first_served(rows.rename({"expected_cents": "cents"}), totals, on=UNIT, by=["month"])
    rest = rest.with_columns(month=_month_before(pl.col("of_month"))).select(*PLACE, "cents")
    rest = rest.join(rows.select("month").unique(), on="month", how="semi")
    taken = pl.concat([placed, rest]).group_by(PLACE).agg(pl.col("cents").sum())
    found = rows.join(taken, on=PLACE, how="full", coalesce=True)
    left = pl.col("expected_cents").fill_null(0) - pl.col("cents").fill_null(0)
    return found.with_columns(expected_cents=left).drop("cents")


def _month_before(month: pl.Expr) -> pl.Expr:
    return days.add_months(days.month_begin(month), -1)


def _placed(lines: pl.DataFrame, wanted: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Add up lines by unit and month.

    Those that name no month settle the oldest expectations of their sign; the rest is of the month before.
    """
    parts = [
        billed_units(group).with_columns(month=pl.lit(month)).select(_PLACED)
        for (month,), group in lines.drop_nulls("month").group_by("month", maintain_order=True)
    ]
    bare = billed_units(lines.filter(pl.col("month").is_null())).rename({"invoiced_cents": "total"})
    placed, rest = first_served(wanted.rename({"expected_cents": "cents"}), bare, on=UNIT, by=["month"])
    last = (settings.month - timedelta(days=1)).replace(day=1)
    told = [placed.join(bare, on=UNIT), rest.with_columns(month=pl.lit(last))]
    parts += [one.rename({"cents": "invoiced_cents"}).select(_PLACED) for one in told]
    return (
        pl.concat(parts, how="vertical_relaxed")
        .group_by(PLACE)
        .agg(
            pl.col("plan_type").first(),
            pl.col("invoiced_cents").sum(),
            pl.col("lines").unique().sort().str.join(", "),
            pl.col("is_asked").any(),
        )
    )


_PLACED = [*PLACE, "plan_type", "invoiced_cents", "lines", "is_asked"]
