"""Which pays a deduction is taken in: a person's pays, the flags of its code, the shares of a split."""

from datetime import date, timedelta

import polars as pl

from openbenefits.core import money, pays
from openbenefits.core.columns import with_neighbours, with_taken
from openbenefits.programs.rulebook import Rulebook

OWNER = ("client_id", "person_id", "benefit_record")
EVERY_PERIOD = 31
LOOK_BACK = timedelta(days=62)
"""How far before the first day asked about the pay before is looked for, to say what is different."""

PAY = (
    *("pay_group_id", "pay_number", "begins_on", "ends_on", "check_on", "period_of_month"),
    *("period_of_year", "periods_in_year"),
)


def days_needed(begin: date, through: date) -> tuple[date, date]:
    """Widen a span to what pledges (whole years) and the look back need."""
    return min(date(begin.year, 1, 1), begin - LOOK_BACK), date(through.year, 12, 31)


def pays_of_groups(groups: pl.DataFrame, rulebook: Rulebook, begin: date, through: date) -> pl.DataFrame:
    """List the pays that end in a span, of every pay group somebody has ever been in.

    Shapes: groups has OWNER and pay_group (its code).
    """
    first, last = days_needed(begin, through)
    known = groups.join(_active_groups(rulebook), on=["client_id", "pay_group"]).drop("pay_group")
    periods = _periods(rulebook).filter(pl.col("ends_on").is_between(first, last))
    return known.join(periods, on="pay_group_id")


def own_pays(facts: pl.DataFrame, rulebook: Rulebook, begin: date, through: date) -> pl.DataFrame:
    """Give everybody the pays of the group they are in on the day each pay ends.

    Shapes: facts has case, OWNER, as_of and pay_group (a code); the result has case, OWNER and PAY.
    """
    first, last = days_needed(begin, through)
    asked = facts.select("case", *OWNER, "pay_group", ends_on="as_of")
    asked = asked.filter(pl.col("ends_on").is_between(first, last))
    placed = asked.join(_active_groups(rulebook), on=["client_id", "pay_group"])
    found = placed.join(_periods(rulebook), on=["pay_group_id", "ends_on"])
    return found.select("case", *OWNER, *PAY).sort(*OWNER, "ends_on")


def with_shares(lines: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Keep the pays whose flag is on and say which share of the calendar year's amount each takes.

    Adds share_no and shares. Where as many flagged pays fall in every month (12, 24, 36, 48 a year), those of
    a month so split what of the year falls on the month: of a monthly price its month.

    Missing: null where the calendar lacks part of the year: its pays cannot be counted.
    Source:  rulings §2.4, §5.1.
    """
    flagged = _flagged(rulebook, lines)
    found = lines.filter(is_flag_on()).join(
        flagged, on=["pay_group_id", "pay_number", "period_flags"], how="left", maintain_order="left"
    )
    return found.with_columns(
        share_no=pl.col("flag_no").cast(pl.Int64), shares=pl.col("flags_in_year").cast(pl.Int64)
    ).drop("flag_no", "flags_in_year")


def split(year: str) -> pl.Expr:
    """Find what a pay takes of an amount per year; needs share_no and shares.

    >>> pay = {"year": [12 * 10_001] * 3, "share_no": [1, 2, 1], "shares": [24, 24, 26]}
    >>> pl.DataFrame(pay).select(split("year")).to_series().to_list()
    [5001, 5000, 4616]
    """
    return money.share_of_split(pl.col(year), pl.col("share_no"), pl.col("shares"))


def with_group_changes(lines: pl.DataFrame) -> pl.DataFrame:
    """Add taken_no and taken_shares: how far into the year the pay before, of another pay group, had come.

    Shapes: lines with series, kind, tax_class, ends_on, pay_group_id, own_no, share_no, shares. Null where
            the flagged pay before of the line and year is of the same group, or took nothing of it.
    Source: docs/rules.md §7.6: no part of a year is taken twice, or left out, when the calendar changes.
    """
    line = ["series", "kind", "tax_class", "period_flags"]
    columns = {f"before_{name}": name for name in ("pay_group_id", "own_no", "share_no", "shares", "ends_on")}
    ordered = with_neighbours(lines.sort(*line, "ends_on"), line, above=columns)
    before = {name: pl.col(new) for new, name in columns.items()}
    goes_on = (before["ends_on"].dt.year() == pl.col("ends_on").dt.year()) & (
        before["own_no"] == pl.col("own_no") - 1
    )
    moves = (goes_on & (before["pay_group_id"] != pl.col("pay_group_id"))).fill_null(value=False)
    return ordered.with_columns(
        taken_no=pl.when(moves).then(before["share_no"]), taken_shares=pl.when(moves).then(before["shares"])
    ).drop(columns)


def split_after(year: str) -> pl.Expr:
    """As `split`, from where the pay before, of another pay group, had come to."""
    until = money.multiply_divide_half_up(pl.col(year), pl.col("share_no"), pl.col("shares"))
    taken = money.multiply_divide_half_up(pl.col(year), pl.col("taken_no"), pl.col("taken_shares"))
    rest = money.maximum(until - taken, pl.lit(0, pl.Int64))
    return pl.when(pl.col("taken_no").is_null()).then(split(year)).otherwise(rest)


def own_flagged(pays_: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Number the flagged pays of each owner, whichever pay groups they are of.

    Shapes: the result has owner, period_flags, ends_on; own_no and own_pays (of the calendar year), and
            following_on: when the next flagged pay ends.
    """
    pairs = lines.select("owner", "period_flags").unique()
    taken = pays_.select("owner", "ends_on", "period_of_month").join(pairs, on="owner").filter(is_flag_on())
    whose = ["owner", "period_flags"]
    taken = with_neighbours(taken.sort(*whose, "ends_on"), whose, below={"following_on": "ends_on"})
    year = pl.struct(*whose, pl.col("ends_on").dt.year()).rle_id()
    taken = taken.with_columns(year=year, place=pl.int_range(pl.len(), dtype=pl.Int64))
    years = taken.group_by("year", maintain_order=True).agg(
        own_pays=pl.len().cast(pl.Int64), first=pl.first("place")
    )
    counted = with_taken(taken, years, "year", "own_pays", "first")
    return counted.with_columns(own_no=pl.col("place") - pl.col("first") + 1).drop(
        "period_of_month", "year", "place", "first"
    )


def is_flag_on() -> pl.Expr:
    """Whether the flag of a pay's place in its month is on."""
    bit = pl.lit(2, dtype=pl.Int64).pow(pl.col("period_of_month").cast(pl.Int64) - 1).cast(pl.Int64)
    return (pl.col("period_flags").cast(pl.Int64) & bit) != 0


def _flagged(rulebook: Rulebook, lines: pl.DataFrame) -> pl.DataFrame:
    """Number the flagged pays of each calendar in its year."""
    used = lines.select("pay_group_id", "period_flags").unique()
    calendars = _periods(rulebook).select(*PAY).join(used, on="pay_group_id")
    by = ["pay_group_id", "period_flags"]
    counted = pays.flagged_periods(calendars, pl.col("period_flags").cast(pl.Int64), by)
    return counted.filter(is_flag_on()).select(*by, "pay_number", "flag_no", "flags_in_year")


def calendar_of(rulebook: Rulebook, client_id: int) -> pl.DataFrame:
    """List the pays of a client's pay groups: pay_group (its code) and PAY."""
    groups = rulebook.pay_groups.filter(client_id=client_id)
    named = groups.select(pl.col("pay_group_id").cast(pl.Int64), pay_group="code").unique("pay_group_id")
    return named.join(_periods(rulebook), on="pay_group_id").sort("pay_group", "ends_on")


def _active_groups(rulebook: Rulebook) -> pl.DataFrame:
    groups = rulebook.pay_groups.filter("is_active")
    return groups.select("client_id", pl.col("pay_group_id").cast(pl.Int64), pay_group="code")


def _periods(rulebook: Rulebook) -> pl.DataFrame:
    return rulebook.pay_periods.rename({"pay_group": "pay_group_id"}).select(PAY)
