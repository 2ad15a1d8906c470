"""Invoice lines against expected months, joined by person and plan.

What differs, with its cause by precedence.

Source: docs/invoices.md §5. Each unit (person, plan, month) is in exactly one row of the answer if anything
about it differs, so that the differences sum to invoice less expected, to the cent.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from openbenefits.core import money

PERSON = ["client_id", "person_id"]
UNIT = [*PERSON, "plan_id"]

FOUND: dict[str, Any] = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "plan_id": pl.Int32,
    "plan_type": pl.String,
    "month": pl.Date,
    "code": pl.String,
    "note": pl.String,
    "is_timing": pl.Boolean,
    "expected_cents": pl.Int64,
    "invoiced_cents": pl.Int64,
    "difference_cents": pl.Int64,
    "lines": pl.String,
    "unit": pl.Int32,
    "other_plan_id": pl.Int32,
    "billed_code_id": pl.Int32,
    "billed_volume_cents": pl.Int64,
    "billed_age": pl.Int16,
    "billed_dependents": pl.Int64,
    "known_at": pl.Datetime("us", "UTC"),
    "covered_through": pl.Date,
    "key": pl.String,
    "told_expected": pl.String,
    "told_found": pl.String,
}
"""A unit that differs. code: of `causes`, '' while undecided, ROUNDING for what is within the tolerance.

other_plan_id: the plan billed in place of the one expected. known_at: since when what we say is known. key,
told_*: of what is about no one person or line, what it is known by, and both sides in words.
"""

ROUNDING = "ROUNDING"
_ONE_DAY, _FOUR_DAYS = timedelta(days=1), timedelta(days=4)
COVERED = ("E", "D")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What decides when an amount counts as equal, and what the carrier could not know."""

    month: date
    cutoff_at: datetime
    rounding_cents: int = 5
    rounding_per_dependent_cents: int = 2
    volume_cents: int = 100_00
    cobra: str = "direct"


def billed_units(lines: pl.DataFrame) -> pl.DataFrame:
    """Add up lines by person and plan: what is billed, and what is printed of it.

    Shapes: lines has UNIT, plan_type, line, standing, is_dependent, premium_cents, coverage_code_id,
            volume_cents, age, dependents. Dependents billed on lines of their own are rolled up into the
            employee's.
    """
    own = ~pl.col("is_dependent")
    return lines.group_by(UNIT).agg(
        pl.col("plan_type").first(),
        invoiced_cents=pl.col("premium_cents").sum(),
        own_lines=own.sum().cast(pl.Int64),
        billed_code_id=pl.col("coverage_code_id").filter(own).drop_nulls().first(),
        billed_volume_cents=pl.col("volume_cents").filter(own).drop_nulls().first(),
        billed_age=pl.col("age").filter(own).drop_nulls().first(),
        billed_dependents=pl.coalesce(
            pl.col("dependents").filter(own).max().cast(pl.Int64),
            pl.when(pl.col("is_dependent").any()).then(pl.col("is_dependent").sum().cast(pl.Int64)),
        ),
        lines=pl.col("line").sort().cast(pl.String).str.join(", "),
        is_asked=(pl.col("standing") == "ask").any(),
    )


def expected_units(units: pl.DataFrame) -> pl.DataFrame:
    """Take one row for each person and plan of a month: several records or slots add up."""
    first = ("plan_type", "coverage_code_id", "volume_cents", "age", "members", "counted", "made_at", "unit")
    days = ("covered_days", "month_days", "start_day", "end_day", "full_cents", "basis", "run_ends_on")
    return (
        units.sort("is_charged", descending=True)
        .group_by(UNIT, maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in (*first, *days)),
            expected_cents=money.total(pl.col("expected_cents")),
            is_charged=pl.col("is_charged").any(),
        )
    )


def compare(
    lines: pl.DataFrame, units: pl.DataFrame, history: pl.DataFrame, settings: Settings
) -> pl.DataFrame:
    """Compare what is billed for a month with what was expected; answer every unit that differs, as FOUND.

    Shapes: lines as `billed_units` wants them, matched or asked about; units as `expected.UNIT` of the month;
            history as `expected.Expected`.
    """
    billed = billed_units(lines)
    wanted = expected_units(to_group(units, settings))
    both = billed.join(wanted.drop("plan_type"), on=UNIT)
    missing = wanted.filter(pl.col("is_charged")).join(billed, on=UNIT, how="anti")
    extra = billed.join(wanted, on=UNIT, how="anti")
    pairs, missing, extra = _pairs(missing, extra)
    return pl.concat(
        [
            conform(rows, settings)
            for rows in (
                _of_both(both, settings),
                pairs,
                _of_missing(missing),
                _of_extra(extra, history, settings),
            )
        ]
    )


def to_group(units: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Leave out who pays the carrier himself, because he continues coverage."""
    if settings.cobra == "group":
        return units
    return units.filter((pl.col("basis") != "continuation").fill_null(value=True))


def conform(rows: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Answer rows as FOUND: with the difference, whether it is timing, and whether somebody must be asked."""
    late = (pl.col("known_at") > settings.cutoff_at).fill_null(value=False)
    asked = pl.col("is_asked") if "is_asked" in rows.columns else pl.lit(value=False)
    told = rows.with_columns(
        month=pl.lit(settings.month),
        difference_cents=pl.col("invoiced_cents").fill_null(0) - pl.col("expected_cents").fill_null(0),
        is_timing=late & (pl.col("code") != ROUNDING),
    ).with_columns(
        note=pl.when(asked & (pl.col("code") != "")).then(pl.col("code")).otherwise("note"),
        code=pl.when(asked).then(pl.lit("UNMATCHED_PERSON")).otherwise("code"),
    )
    blank = [pl.lit(None, kind).alias(name) for name, kind in FOUND.items() if name not in told.columns]
    return told.with_columns(blank).select(pl.col(name).cast(kind) for name, kind in FOUND.items())


# --- billed and expected ----------------------------------------------------------------------------------


def _of_both(both: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Say why the amounts of a unit differ, by what is printed; '' leaves it to `undecided`."""
    rows = both.with_columns(
        difference=pl.col("invoiced_cents") - pl.col("expected_cents"), known_at=pl.col("made_at")
    )
    slack = pl.max_horizontal(
        pl.lit(settings.rounding_cents), pl.col("counted") * settings.rounding_per_dependent_cents
    )
    is_equal, is_near = pl.col("difference") == 0, pl.col("difference").abs() <= slack
    other_tier = (pl.col("billed_code_id") != pl.col("coverage_code_id")).fill_null(value=False)
    volume_off = (
        (pl.col("billed_volume_cents") - pl.col("volume_cents")).abs() > settings.volume_cents
    ).fill_null(value=False)
    age_off = (pl.col("billed_age").cast(pl.Int32) != pl.col("age").cast(pl.Int32)).fill_null(value=False)
    part = _is_part()
    code = (
        pl.when(pl.col("expected_cents").is_null())
        .then(pl.lit("UNEXPLAINED"))
        .when((pl.col("own_lines") > 1) & ~is_near & (pl.col("difference") > 0))
        .then(pl.lit("INV_DUPLICATE"))
        .when((pl.col("own_lines") > 1) & ~is_near & (pl.col("invoiced_cents") == 0))
        .then(pl.lit("INV_MISSING"))  # billed, and taken back in the same month
        .when(~pl.col("is_charged") & part & ~is_near)
        .then(pl.lit("INV_PRORATION"))
        .when(~pl.col("is_charged") & ~is_near)
        .then(pl.lit("INV_EFF_DATE"))
        .when(other_tier)
        .then(pl.lit("INV_TIER"))
        .when(is_near & ~volume_off)
        .then(pl.when(is_equal).then(None).otherwise(pl.lit(ROUNDING)))
        .when(_dependents_code().is_not_null())
        .then(_dependents_code())
        .when(age_off & ~is_near)
        .then(pl.lit("INV_AGE_BAND"))
        .when(volume_off)
        .then(pl.lit("INV_VOLUME"))
        .otherwise(pl.lit(""))
    )
    found = rows.with_columns(code=code, note=_second(other_tier, age_off, volume_off, code), is_part=part)
    asked = pl.col("is_asked") & pl.col("code").is_null()
    return found.with_columns(code=pl.when(asked).then(pl.lit("")).otherwise("code")).filter(
        pl.col("code").is_not_null()
    )


def _dependents_code() -> pl.Expr:
    """What a printed count of dependents says: one too old, one missing, one too many; null if nothing."""
    printed = pl.col("billed_dependents")
    return (
        pl.when(printed.is_null() | (printed == pl.col("counted")))
        .then(None)
        .when((printed <= pl.col("members")) & (printed > pl.col("counted")))
        .then(pl.lit("DEP_OVERAGE"))
        .when(printed < pl.col("counted"))
        .then(pl.lit("DEP_MISSING"))
        .otherwise(pl.lit("DEP_EXTRA"))
    )


def _second(tier: pl.Expr, age: pl.Expr, volume: pl.Expr, code: pl.Expr) -> pl.Expr:
    """Name what differs besides the cause."""
    parts = [
        pl.when(differs & (code != name)).then(pl.lit(name))
        for differs, name in ((tier, "INV_TIER"), (age, "INV_AGE_BAND"), (volume, "INV_VOLUME"))
    ]
    return pl.concat_str(parts, separator=", ", ignore_nulls=True)


def _is_part() -> pl.Expr:
    """Whether what is billed is a part of the full month.

    Its covered days in a month coverage begins or ends, or half.
    """
    full, billed = pl.col("full_cents"), pl.col("invoiced_cents")
    edge = pl.col("start_day").is_not_null() | pl.col("end_day").is_not_null()
    by_days = money.multiply_divide_half_up(full, pl.col("covered_days"), pl.col("month_days"))
    less = (billed > 0) & (billed < full)
    is_days = edge & (pl.col("covered_days") < pl.col("month_days")) & ((billed - by_days).abs() <= 1)
    return (less & (is_days | ((billed * 2 - full).abs() <= 1))).fill_null(value=False)


def undecided(found: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Answer the units whose cause is not decided by what is printed, for their variants to be priced."""
    asked = found.filter((pl.col("code") == "") & (pl.col("difference_cents") != 0)).select("unit")
    return units.join(asked.drop_nulls().unique(), on="unit", how="semi")


VARIANT_ORDER = {"INV_TIER": 0, "INV_AGE_BAND": 1, "INV_TOBACCO": 2, "INV_AREA": 3, "INV_RATE": 4}


def decide(found: pl.DataFrame, units: pl.DataFrame, variants: pl.DataFrame) -> pl.DataFrame:
    """Decide what is left by the variant whose price is the amount billed.

    Else a part of a month, else a rate.

    Shapes: variants has unit, cause, told, full_cents, as `premiums.variant_premiums`. A variant that what
            is printed contradicts (the tier or the age that we say, too) is none.
    """
    facts = units.select("unit", "coverage_code_id", "age", *_PART).unique("unit")
    open_ = found.filter(pl.col("code") == "").join(facts, on="unit", how="left", maintain_order="left")
    billed = open_.select("unit", "invoiced_cents", "billed_code_id", "billed_age", "expected_cents")
    hits = variants.join(billed, on="unit").filter(
        (pl.col("full_cents") == pl.col("invoiced_cents"))
        & (pl.col("full_cents") != pl.col("expected_cents"))
    )
    hits = hits.filter(
        ~((pl.col("cause") == "INV_TIER") & pl.col("billed_code_id").is_not_null())
        & ~((pl.col("cause") == "INV_AGE_BAND") & pl.col("billed_age").is_not_null())
    )
    rank = pl.col("cause").replace_strict(VARIANT_ORDER, return_dtype=pl.Int32)
    best = hits.with_columns(rank=rank).sort("rank", "told").unique("unit", keep="first", maintain_order=True)
    told = open_.join(
        best.select("unit", hit="cause", told="told"), on="unit", how="left", maintain_order="left"
    )
    part = pl.when(_is_part()).then(pl.lit("INV_PRORATION"))
    decided = told.with_columns(
        code=pl.coalesce("hit", part, pl.lit("INV_RATE")), note=pl.coalesce("told", "note")
    )
    columns = list(FOUND)
    return pl.concat([found.filter(pl.col("code") != "").select(columns), decided.select(columns)])


_PART = ("full_cents", "covered_days", "month_days", "start_day", "end_day")


# --- only expected, only billed ---------------------------------------------------------------------------


def _pairs(missing: pl.DataFrame, extra: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Make one of a plan not billed and another of the same kind billed in its place."""
    kind = [*PERSON, "plan_type"]
    number = pl.int_range(pl.len()).over(kind)
    left = missing.sort(*UNIT).with_columns(number=number)
    right = extra.sort(*UNIT).with_columns(number=number)
    told = right.select(
        *kind, "number", "invoiced_cents", "lines", "is_asked", "billed_code_id", other_plan_id="plan_id"
    )
    pairs = left.join(told, on=[*kind, "number"]).with_columns(
        code=pl.lit("INV_WRONG_PLAN"), note=pl.lit(""), known_at="made_at"
    )
    used = pairs.select(*kind, "number")
    return (
        pairs.drop("number"),
        left.join(used, on=[*kind, "number"], how="anti").drop("number"),
        right.join(used, on=[*kind, "number"], how="anti").drop("number"),
    )


def _of_missing(missing: pl.DataFrame) -> pl.DataFrame:
    """Say why a month that is charged is not billed; nothing, where it costs nothing."""
    at_edge = (pl.col("start_day") > 1) | (pl.col("end_day") < pl.col("month_days"))
    code = (
        pl.when(pl.col("expected_cents").is_null())
        .then(pl.lit("UNEXPLAINED"))
        .when(pl.col("basis") == "continuation")
        .then(pl.lit("COBRA_MISSING"))
        .when(at_edge.fill_null(value=False))
        .then(pl.lit("INV_EFF_DATE"))
        .otherwise(pl.lit("INV_MISSING"))
    )
    return missing.filter((pl.col("expected_cents") != 0).fill_null(value=True)).with_columns(
        code=code, note=pl.lit(""), known_at="made_at", invoiced_cents=pl.lit(0, pl.Int64)
    )


def _of_extra(extra: pl.DataFrame, history: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Say why somebody is billed for a plan he is not covered in that month.

    By his history in the plan type.
    """
    rows = extra.with_row_index("at")
    month_end = (settings.month.replace(day=28) + _FOUR_DAYS).replace(day=1) - _ONE_DAY
    points = rows.select("at", *PERSON, "plan_type", billed_plan="plan_id").join(
        history.select(*PERSON, "plan_type", "plan_id", "kind", "basis", "begins_on", "until", "made_at"),
        on=[*PERSON, "plan_type"],
    )
    begun = pl.col("begins_on") <= month_end
    covered = pl.col("kind").is_in(COVERED) & pl.col("plan_id").is_not_null()
    ended = covered & (pl.col("until") <= month_end)
    told = (
        points.sort("at", "begins_on")
        .group_by("at", maintain_order=True)
        .agg(
            kind=pl.col("kind").filter(begun).last(),
            basis=pl.col("basis").filter(begun).last(),
            made_at=pl.col("made_at").filter(begun).last(),
            is_covered=covered.filter(begun).last(),
            was_covered=ended.any(),
            had_plan=(ended & (pl.col("plan_id") == pl.col("billed_plan"))).any(),
            is_later=(covered & ~begun).any(),
            until=pl.col("until").filter(ended).max(),
        )
    )
    found = rows.join(told, on="at", how="left", maintain_order="left")
    return found.filter(pl.col("invoiced_cents") != 0).with_columns(
        code=_extra_code(settings),
        note=pl.lit(""),
        expected_cents=pl.lit(0, pl.Int64),
        known_at="made_at",
        covered_through=pl.col("until") - pl.duration(days=1),
    )


def _extra_code(settings: Settings) -> pl.Expr:
    kind, was = pl.col("kind"), pl.col("was_covered").fill_null(value=False)
    continues = pl.col("is_covered").fill_null(value=False) & (pl.col("basis") == "continuation")
    direct = pl.lit(settings.cobra == "direct")
    return (
        pl.when(continues.fill_null(value=False) & direct)
        .then(pl.lit("COBRA_ON_ACTIVE"))
        .when(pl.col("had_plan").fill_null(value=False) & (kind != "W"))
        .then(pl.lit("INV_TERMED_BILLED"))
        .when(kind == "W")
        .then(pl.lit("INV_WAIVED_BILLED"))
        .when(was & ~pl.col("is_covered").fill_null(value=False))
        .then(pl.lit("INV_TERMED_BILLED"))
        .when(kind == "I")
        .then(pl.lit("INV_WAIVED_BILLED"))
        .when(kind.is_null() & pl.col("is_later").fill_null(value=False))
        .then(pl.lit("INV_EFF_DATE"))
        .otherwise(pl.lit("INV_NO_ENROLL"))
    )


# --- lines that are nobody's ------------------------------------------------------------------------------


def of_nobody(lines: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Answer a difference for each line of no client, or of nobody known, as FOUND."""
    lost = pl.col("client_id").is_null() | (pl.col("client_id") == 0)
    told = lines.with_columns(
        code=pl.when(lost).then(pl.lit("INV_UNALLOCATED")).otherwise(pl.lit("UNMATCHED_PERSON")),
        note=pl.lit(""),
        invoiced_cents="premium_cents",
        expected_cents=pl.lit(0, pl.Int64),
        known_at=pl.lit(None, pl.Datetime("us", "UTC")),
        lines=pl.col("line").cast(pl.String),
        own_month=pl.coalesce("month", pl.lit(settings.month)),
        person_id=pl.lit(None, pl.Int64),
        client_id=pl.col("client_id").fill_null(0),
    )
    return conform(told, settings).with_columns(told["own_month"].alias("month"))


def with_clusters(found: pl.DataFrame, least: int) -> pl.DataFrame:
    """Add cluster: rates of a plan that are off by one ratio, or all of one other day, are one matter."""
    is_rate = (pl.col("code") == "INV_RATE") & (pl.col("expected_cents") > 0)
    ratio = money.multiply_divide_half_up(pl.col("invoiced_cents"), 10_000, pl.col("expected_cents"))
    told = pl.when(pl.col("note").str.starts_with("the rate of")).then("note")
    mark = pl.when(is_rate).then(
        pl.concat_str(pl.col("plan_id"), pl.lit(" "), pl.coalesce(told, ratio.cast(pl.String)))
    )
    rows = found.with_columns(cluster=mark)
    many = pl.len().over("cluster") >= least
    return rows.with_columns(cluster=pl.when(many).then("cluster").fill_null(""))
