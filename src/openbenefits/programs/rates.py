"""Rates compiled: one dense cell per combination of keys, addressed by arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import polars as pl

from openbenefits.core.codes import PERSON_KINDS, RATED_PERSONS, RateUnit
from openbenefits.core.money import MICROS_PER_CENT, divide_half_up
from openbenefits.programs.dated import SetupTooComplex, effective

MOST_CELLS = 2**31 - 1
OLDEST_AGE = 120

PERIODS_PER_YEAR = {"A": 1, "Q": 4, "M": 12, "S": 24, "B": 26, "W": 52, "D": 260, "D365": 365}
ROUNDED_IN_YEAR = ("A", "D", "D365")
"""Frequencies whose rate is first multiplied by its periods: it is the year that is rounded."""
MONTHLY = 12
"""The grain of a price of months: the employer's part of it is found, and rounded, for a month."""
UNIT_DIVISORS = {
    RateUnit.FLAT: 1,
    RateUnit.PER_HUNDRED: 100_00,
    RateUnit.PER_THOUSAND: 1_000_00,
    RateUnit.PERCENT_OF_BASE: 100_00,
}

SEX_NUMBERS = {"F": 0, "M": 1, "X": 2}
PERSON_NUMBERS = {str(kind): number for number, kind in enumerate(RATED_PERSONS)}
STRIDES = {
    "by_person_type": ("person_stride", "persons"),
    "by_sex": ("sex_stride", "sexes"),
    "by_smoker": ("smoker_stride", "smokers"),
    "by_pay": ("pay_stride", "pay_bands"),
    "by_service": ("service_stride", "service_bands"),
    "by_area": ("area_stride", "areas"),
    "by_age": ("age_stride", "ages"),
}
"""The dimensions of a rate table, from the quickest to the slowest; coverage codes are slower still."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Rate tables as one long array.

    tables: by effective date; rate_version is the position; `charging` numbers the ways of
            counting children. The cell of a rate is first_cell + the number
            of each key × its stride (0: not keyed by it, and only then) + code_offset (see `codes`).
    cells:  total (flat tables: cents of a year; others: micro-dollars), own (the employee's part of it),
            employer (what of it the employer pays, null where the table does not say), rate_row_id; nulls
            where there is no rate.
    codes:  rate_version, coverage_code_id, code_offset.
    bands:  rate_version, lower edge, band (from 0).
    zips:   zip, zip_number (from 0) of the rating areas; `areas` holds area_number at the table's
            first_area + zip_number, null where the zip has none.
    """

    tables: pl.DataFrame
    cells: pl.DataFrame
    codes: pl.DataFrame
    service_bands: pl.DataFrame
    pay_bands: pl.DataFrame
    zips: pl.DataFrame
    areas: pl.DataFrame


def compile_rates(tables: Mapping[str, pl.DataFrame]) -> Rates:
    """Lay the rates of all tables out as one array. Errors: SetupTooComplex where it would be too long."""
    versions = _rate_versions(tables)
    service_bands = _bands(tables, versions, "service_months_from", "by_service")
    pay_bands = _bands(tables, versions, "annual_pay_from_cents", "by_pay")
    area_names, zips, areas = _rating_areas(tables, versions)
    rows = _keyed_rates(tables, versions, service_bands, pay_bands, area_names)
    stating = rows.drop_nulls("employer")["rate_version"].unique()
    versions = versions.with_columns(states_employer=pl.col("rate_version").is_in(stating.implode()))
    codes = rows.filter("by_coverage_code").select("rate_version", "coverage_code_id").unique()
    codes = codes.sort("rate_version", "coverage_code_id").with_columns(
        code_number=pl.int_range(pl.len(), dtype=pl.Int64).over("rate_version")
    )
    laid_out = _laid_out(versions, service_bands, pay_bands, area_names, codes, zips.height)
    code_offsets = codes.join(laid_out.select("rate_version", "code_stride"), on="rate_version").select(
        "rate_version", "coverage_code_id", code_offset=pl.col("code_number") * pl.col("code_stride")
    )
    return Rates(
        tables=laid_out,
        cells=_cells(_with_own_part(rows, tables), laid_out, code_offsets),
        codes=code_offsets,
        service_bands=service_bands,
        pay_bands=pay_bands,
        zips=zips,
        areas=areas,
    )


def _rate_versions(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Rate tables by effective date; `rate_version` is the position."""
    unit = pl.col("unit")
    return (
        effective(tables["rate_table"], "rate_table_id")
        .with_row_index("rate_version")
        .with_columns(
            pl.col("rate_version").cast(pl.Int32),
            charging=pl.struct("charged_children", "charged_children_under").rank("dense").cast(pl.Int32),
            **periods_of("frequency", unit),
            unit_divisor=unit.replace_strict(
                {str(key): value for key, value in UNIT_DIVISORS.items()}, return_dtype=pl.Int64
            ),
        )
    )


def periods_of(frequency: str, unit: pl.Expr) -> dict[str, pl.Expr]:
    """How a rate becomes a year's price: rate × units × times, rounded to the cent, × periods.

    `periods` are those whose price is rounded by itself, `times` the others (days); a percentage is one of a
    year's pay, whatever the frequency. `grain` is 12 for a price of months, else 1.

    Source: docs/rules.md §7.2, §7.5.
    """
    in_year = pl.col(frequency).replace_strict(PERIODS_PER_YEAR, return_dtype=pl.Int64)
    is_percent = (unit == RateUnit.PERCENT_OF_BASE).fill_null(value=False)
    is_of_year = pl.col(frequency).is_in(ROUNDED_IN_YEAR)
    is_monthly = (pl.col(frequency) == "M") & ~is_percent
    return {
        "times": pl.when(is_percent | ~is_of_year).then(1).otherwise(in_year).cast(pl.Int64),
        "periods": pl.when(is_percent | is_of_year).then(1).otherwise(in_year).cast(pl.Int64),
        "grain": pl.when(is_monthly).then(MONTHLY).otherwise(1).cast(pl.Int64),
    }


def _bands(tables: Mapping[str, pl.DataFrame], versions: pl.DataFrame, edge: str, flag: str) -> pl.DataFrame:
    """Number the bands of a graded key per rate version: rate_version, lower edge, band."""
    keyed = versions.filter(pl.col(flag)).select("rate_table_id", "valid_from", "rate_version")
    return (
        tables["rate_row"]
        .join(keyed, on=["rate_table_id", "valid_from"])
        .select("rate_version", edge)
        .unique()
        .sort("rate_version", edge)
        .with_columns(band=pl.int_range(pl.len(), dtype=pl.Int64).over("rate_version"))
    )


def _rating_areas(
    tables: Mapping[str, pl.DataFrame], versions: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Number the areas of each geography that rates are keyed by, and the zips that lie in one.

    Three frames: geography_id, area, area_number; zip, zip_number; and one row per geography and zip
    number with area_number. The geographies follow one another in the order of their number.
    """
    keyed = versions.filter("by_area").select("geography_id").drop_nulls().unique().sort("geography_id")
    placed = zip_numbers(tables).filter(pl.col("area") != "").join(keyed, on="geography_id", how="semi")
    placed = placed.drop_nulls("zip").unique(["geography_id", "zip"], keep="first", maintain_order=True)
    names = placed.select("geography_id", "area").unique().sort("geography_id", "area")
    names = names.with_columns(area_number=pl.int_range(pl.len(), dtype=pl.Int64).over("geography_id"))
    zips = placed.select("zip").unique().sort("zip")
    zips = zips.with_columns(zip_number=pl.int_range(pl.len(), dtype=pl.Int64))
    grid = keyed.join(zips, how="cross", maintain_order="left_right")
    found = placed.join(names, on=["geography_id", "area"])
    areas = grid.join(
        found.select("geography_id", "zip", "area_number"),
        on=["geography_id", "zip"],
        how="left",
        maintain_order="left",
    )
    return names, zips, areas.select("geography_id", "area_number")


def zip_numbers(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    zip_number = pl.col("zip").cast(pl.Int32, strict=False)
    return tables["geography_zip"].select("geography_id", zip_number, "area")


def _keyed_rates(
    tables: Mapping[str, pl.DataFrame],
    versions: pl.DataFrame,
    service_bands: pl.DataFrame,
    pay_bands: pl.DataFrame,
    areas: pl.DataFrame,
) -> pl.DataFrame:
    """Give each rate the numbers of its keys, every age of a band spelt out."""
    flags = versions.select("rate_table_id", "valid_from", "rate_version", "geography_id", "^by_.*$")
    money = versions.select(
        "rate_version", "age_through", "times", "periods", is_flat=pl.col("unit") == RateUnit.FLAT
    )
    rows = (
        tables["rate_row"]
        .drop("client_id", "release_id", "age_factor_micros", strict=False)
        .join(flags, on=["rate_table_id", "valid_from"])
        .join(money, on="rate_version")
        .join(areas, on=["geography_id", "area"], how="left")
        .join(service_bands, on=["rate_version", "service_months_from"], how="left")
        .rename({"band": "service_band"})
        .join(pay_bands, on=["rate_version", "annual_pay_from_cents"], how="left")
        .rename({"band": "pay_band"})
        .with_columns(
            smoker=pl.col("is_smoker").cast(pl.Int64),
            sex_number=sex_number(),
            person_number=person_number(),
            total=_of_a_year("rate_micros"),
            employer=_of_a_year("employer_micros"),
        )
    )
    stated = pl.col("employer").is_not_null().any().over("rate_version")
    rows = rows.with_columns(employer=pl.when(stated).then(pl.col("employer").fill_null(0)))
    return _with_every_age(rows)


def _of_a_year(rate: str) -> pl.Expr:
    """Turn flat rates into cents of a year; others stay as they are."""
    year = divide_half_up(pl.col(rate) * pl.col("times"), MICROS_PER_CENT) * pl.col("periods")
    return pl.when("is_flat").then(year).otherwise(rate)


@cache
def person_number(column: str = "person_type") -> pl.Expr:
    """Number the types of persons that rates know; null for any other."""
    return pl.col(column).replace_strict(PERSON_NUMBERS, default=None, return_dtype=pl.Int64)


@cache
def sex_number(column: str = "sex") -> pl.Expr:
    """Number the values of sex that rates know; null for any other."""
    return pl.col(column).replace_strict(SEX_NUMBERS, default=None, return_dtype=pl.Int64)


def _with_every_age(rows: pl.DataFrame) -> pl.DataFrame:
    """Spell out each age of each band of a table, so that a rate is found by equality."""
    edges = rows.filter("by_age").select("rate_version", "age_from", "age_through").unique()
    edges = edges.sort("rate_version", "age_from")
    last = pl.coalesce(pl.col("age_through").cast(pl.Int32) + 1, OLDEST_AGE + 1)
    edges = edges.with_columns(until=pl.coalesce(pl.col("age_from").shift(-1).over("rate_version"), last))
    edges = edges.drop("age_through")
    graded = rows.filter("by_age").join(edges, on=["rate_version", "age_from"])
    graded = graded.with_columns(age=pl.int_ranges("age_from", "until", dtype=pl.Int64)).explode("age")
    flat = rows.filter(~pl.col("by_age")).with_columns(age=pl.lit(0, dtype=pl.Int64))
    return pl.concat([graded.drop("until"), flat])


_OTHER_KEYS = (
    *("rate_version", "age", "area_number", "service_band", "pay_band", "smoker", "sex_number"),
    "person_number",
)


def _with_own_part(rows: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Add `own`: the rate of the first coverage code that covers nobody else, where the table has one."""
    alone = tables["coverage_code"].filter(
        pl.col("covers_employee"), pl.all_horizontal(pl.col(f"{kind}_max") == 0 for kind in PERSON_KINDS)
    )
    own = (
        rows.filter("by_coverage_code")
        .join(alone.select("coverage_code_id"), on="coverage_code_id", how="semi")
        .sort("coverage_code_id")
        .unique(_OTHER_KEYS, keep="first", maintain_order=True)
        .select(*_OTHER_KEYS, own="total")
    )
    found = rows.join(own, on=_OTHER_KEYS, how="left", nulls_equal=True)
    return found.with_columns(own=pl.coalesce("own", "total"))


def _laid_out(
    versions: pl.DataFrame,
    service_bands: pl.DataFrame,
    pay_bands: pl.DataFrame,
    areas: pl.DataFrame,
    codes: pl.DataFrame,
    zips: int,
) -> pl.DataFrame:
    """Give each rate version its strides and the range of its cells."""
    sized = versions.with_columns(
        ages=pl.when("by_age").then(OLDEST_AGE + 1).otherwise(1).cast(pl.Int64),
        smokers=pl.when("by_smoker").then(2).otherwise(1).cast(pl.Int64),
        sexes=pl.when("by_sex").then(len(SEX_NUMBERS)).otherwise(1).cast(pl.Int64),
        persons=pl.when("by_person_type").then(len(PERSON_NUMBERS)).otherwise(1).cast(pl.Int64),
    )
    for name, rows, key in (
        ("areas", areas, "geography_id"),
        ("service_bands", service_bands, "rate_version"),
        ("pay_bands", pay_bands, "rate_version"),
        ("codes", codes, "rate_version"),
    ):
        counted = rows.group_by(key).agg(pl.len().cast(pl.Int64).alias(name))
        sized = sized.join(counted, on=key, how="left", maintain_order="left")
    sized = sized.with_columns(
        pl.when("by_area").then("areas").otherwise(1).fill_null(1).alias("areas"),
        pl.col("service_bands", "pay_bands", "codes").fill_null(1),
    )
    stride = pl.lit(1, pl.Int64)
    for flag, (name, size) in STRIDES.items():
        sized = sized.with_columns(stride.alias(f"_{name}"))
        sized = sized.with_columns(pl.when(flag).then(f"_{name}").otherwise(0).alias(name))
        stride = pl.col(f"_{name}") * pl.col(size)
    sized = sized.with_columns(code_stride=stride).with_columns(cells=pl.col("code_stride") * pl.col("codes"))
    _refuse_too_many_cells(sized)
    first_areas = versions.filter("by_area").select("geography_id").drop_nulls().unique().sort("geography_id")
    first_areas = first_areas.with_columns(first_area=pl.int_range(pl.len(), dtype=pl.Int64) * zips)
    return (
        sized.drop("^_.*_stride$")
        .with_columns(first_cell=pl.col("cells").cum_sum() - pl.col("cells"))
        .join(first_areas, on="geography_id", how="left", maintain_order="left")
    )


def _refuse_too_many_cells(sized: pl.DataFrame) -> None:
    cells = sum(sized["cells"].to_list())
    if cells > MOST_CELLS:
        raise SetupTooComplex(f"the rate tables have {cells:,} combinations of keys: use fewer keys")


def _cells(rows: pl.DataFrame, laid_out: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """Lay the rates out in one array, nulls where the tables say nothing."""
    where = laid_out.select("rate_version", "first_cell", *(stride for stride, _ in STRIDES.values()))
    numbers = {
        "person_stride": "person_number",
        "sex_stride": "sex_number",
        "smoker_stride": "smoker",
        "pay_stride": "pay_band",
        "service_stride": "service_band",
        "area_stride": "area_number",
        "age_stride": "age",
    }
    offsets = [
        pl.when(pl.col(stride) > 0).then(pl.col(stride) * pl.col(number)).otherwise(0)
        for stride, number in numbers.items()
    ]
    placed = rows.join(where, on="rate_version").join(
        codes, on=["rate_version", "coverage_code_id"], how="left"
    )
    cell = pl.col("first_cell") + pl.col("code_offset").fill_null(0)
    for offset in offsets:
        cell = cell + offset
    reachable = ~pl.col("by_area") | pl.col("area_number").is_not_null()
    placed = (
        placed.filter(reachable)
        .select("total", "own", "employer", "rate_row_id", cell=cell)
        .drop_nulls("cell")
    )
    every = pl.DataFrame({"cell": pl.int_range(sum(laid_out["cells"].to_list()), eager=True, dtype=pl.Int64)})
    found = every.join(placed.unique("cell", keep="first"), on="cell", how="left", maintain_order="left")
    return found.drop("cell")
