"""Rates written out from a base: by an age curve, by tier factors, and for smokers.

A table with a curve states the rate of one age; each other age follows from the curve. A table with tiers
states the rate of factor 1; each coverage code follows. Both are done once, when a bundle is loaded, so that
all that comes after sees plain rates. A rate is multiplied by all its factors, divided by that of the base
age and rounded to the cent once: no factor is rounded before.
"""

from collections.abc import Iterable

import polars as pl

from openbenefits.core.money import MICROS_PER_CENT, MICROS_PER_DOLLAR, multiply_divide_half_up
from openbenefits.programs.sections.rates import AgeCurvePart, RateKey, RateTablePart

CURVE_SCHEMA: dict[str, pl.DataType] = {
    "curve": pl.String(),
    "valid_from": pl.Date(),
    "age": pl.Int16(),
    "factor_micros": pl.Int64(),
}
_AMOUNTS = ("rate_micros", "employer_micros")
_WHOLE = MICROS_PER_DOLLAR
"""A factor of 1."""


def rate_keys(table: RateTablePart) -> list[RateKey]:
    """List the keys of a table's rates once they are written out."""
    added: list[RateKey] = []
    if table.curve is not None:
        added.append("age")
    if table.tiers:
        added.append("coverage_code")
    if table.tobacco_factor is not None:
        added.append("smoker")
    return list(dict.fromkeys([*table.keys, *added]))


def curve_on(table: RateTablePart, parts: Iterable[AgeCurvePart]) -> AgeCurvePart | None:
    """Answer the row of a table's curve that holds on the table's day."""
    held = [part for part in parts if part.code == table.curve and part.valid_from <= table.valid_from]
    latest = max(held, key=lambda part: part.valid_from, default=None)
    return latest if latest and latest.active else None


def written_out(
    table: RateTablePart, lines: pl.DataFrame, curves: pl.DataFrame, parts: Iterable[AgeCurvePart]
) -> pl.DataFrame:
    """Write a table's lines out by age, coverage code and smoking, as far as it has factors for them.

    Shapes:  lines as the rates of a bundle; curves as CURVE_SCHEMA. The columns stay.
    Missing: lines of a table whose curve does not hold, or lacks the base age, stay as they are written; the
             audit refuses them.
    """
    if not (table.curve or table.tiers or table.tobacco_factor is not None):
        return lines
    one = pl.lit(_WHOLE).cast(pl.Int128)
    rows = lines.with_columns(_factor=one, _divisor=one)
    rows = _by_age(table, rows, curves, curve_on(table, parts))
    rows = _by_smoking(table, _by_tier(table, rows))
    cents = [
        multiply_divide_half_up(pl.col(name), pl.col("_factor"), pl.col("_divisor") * MICROS_PER_CENT)
        for name in _AMOUNTS
    ]
    amounts = [(one * MICROS_PER_CENT).alias(name) for one, name in zip(cents, _AMOUNTS, strict=True)]
    return rows.with_columns(amounts).select(lines.columns)


def factor_text(micros: int) -> str:
    """Write a factor without needless zeros.

    >>> factor_text(1_444_000), factor_text(1_000_000), factor_text(10_000_000)
    ('1.444', '1', '10')
    """
    whole, rest = divmod(micros, _WHOLE)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")


def curve_text(table: RateTablePart, curves: pl.DataFrame, parts: Iterable[AgeCurvePart]) -> str:
    """Name the curve a table's rates follow, and the factor of the age they are stated for; else nothing."""
    curve = curve_on(table, parts)
    if curve is None:
        return ""
    base = _factors(curves, curve).filter(age=table.base_age)["factor_micros"].to_list()
    factor = factor_text(base[0]) if base else "unknown"
    named = f"{curve.code} of {curve.valid_from} ({curve.source})"
    return f"{named}, stated for the age of {table.base_age} with the factor {factor}"


def age_through(table: RateTablePart, curves: pl.DataFrame, parts: Iterable[AgeCurvePart]) -> int | None:
    """Answer the highest age a table has rates for; null where everybody older has that of the highest."""
    curve = curve_on(table, parts)
    if curve is None or curve.open_above:
        return None
    ages = _factors(curves, curve)["age"]
    return None if ages.is_empty() else int(ages.max())  # type: ignore[arg-type]


def _factors(curves: pl.DataFrame, curve: AgeCurvePart) -> pl.DataFrame:
    return (
        curves.filter(curve=curve.code, valid_from=curve.valid_from)
        .select("age", "factor_micros")
        .sort("age")
    )


def _by_age(
    table: RateTablePart, rows: pl.DataFrame, curves: pl.DataFrame, curve: AgeCurvePart | None
) -> pl.DataFrame:
    """Repeat each line for each age of the curve; the lowest begins at 0 where the curve is open below."""
    if curve is None:
        return rows
    factors = _factors(curves, curve)
    base = factors.filter(age=table.base_age)["factor_micros"]
    if base.is_empty() or base[0] <= 0:
        return rows
    is_lowest = pl.lit(curve.open_below) & (pl.col("age") == factors["age"].min())
    repeated = rows.drop("age_from").join(factors, how="cross", maintain_order="left_right")
    return repeated.with_columns(
        age_from=pl.when(is_lowest).then(0).otherwise("age").cast(pl.Int16),
        _factor=pl.col("_factor") * pl.col("factor_micros"),
        _divisor=pl.col("_divisor") * pl.lit(base[0]).cast(pl.Int128),
        age_factor_micros="factor_micros",
    ).select(rows.columns)


def _by_tier(table: RateTablePart, rows: pl.DataFrame) -> pl.DataFrame:
    """Repeat each line for each coverage code with a factor."""
    if not table.tiers:
        return rows
    tiers = pl.DataFrame(
        {"tier": list(table.tiers), "_tier": [int(factor * _WHOLE) for factor in table.tiers.values()]},
        schema={"tier": pl.String, "_tier": pl.Int64},
    )
    repeated = rows.join(tiers, how="cross", maintain_order="left_right")
    return repeated.with_columns(
        coverage_code="tier",
        _factor=pl.col("_factor") * pl.col("_tier"),
        _divisor=pl.col("_divisor") * _WHOLE,
    ).select(rows.columns)


def _by_smoking(table: RateTablePart, rows: pl.DataFrame) -> pl.DataFrame:
    """Repeat each line for smokers, who pay more from the age of tobacco on."""
    if table.tobacco_factor is None:
        return rows
    factor = int(table.tobacco_factor * _WHOLE)
    rows = _cut_at(rows, table.tobacco_from_age)
    pays_more = (pl.col("age_from") >= table.tobacco_from_age).fill_null(value=True) & pl.col("smoker")
    both = pl.DataFrame({"smoker": [False, True]})
    repeated = rows.drop("smoker").join(both, how="cross", maintain_order="left_right")
    return repeated.with_columns(
        _factor=pl.col("_factor") * pl.when(pays_more).then(factor).otherwise(_WHOLE),
        _divisor=pl.col("_divisor") * _WHOLE,
    ).select(rows.columns)


def _cut_at(rows: pl.DataFrame, age: int) -> pl.DataFrame:
    """Cut the band of ages that holds an age in two, so that the second begins with it."""
    begins = rows.filter(pl.col("age_from") <= age)["age_from"].max()
    if begins is None or begins == age:
        return rows
    second = rows.filter(age_from=begins).with_columns(age_from=pl.lit(age, rows.schema["age_from"]))
    return pl.concat([rows, second])
