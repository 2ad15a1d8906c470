"""The rulebook: set-up rows compiled to the dense frames the kernel joins and gathers from.

Compiling resolves codes to row positions once, so that the kernel never joins on text: programs, plan
types, event rules and options are addressed by position, eligibility rules by one bit each, list values by
one bit per group of values that always occur together, rates by one packed integer. Cost is that of the
set-up, not of the people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import polars as pl

from openbenefits.core.codes import PLAN_TYPES, RateUnit
from openbenefits.programs.fields import GEOGRAPHY_FIELD, LIST_FIELDS, RANGE_FIELDS

FAR_FUTURE = pl.date(9999, 12, 31)
MOST_BITS = 62
OLDEST_AGE = 120

PERIODS_PER_YEAR = {"A": 1, "Q": 4, "M": 12, "S": 24, "B": 26, "W": 52}
UNIT_DIVISORS = {
    RateUnit.FLAT: 1,
    RateUnit.PER_HUNDRED: 100_00,
    RateUnit.PER_THOUSAND: 1_000_00,
    RateUnit.PERCENT_OF_BASE: 100_00,
}


class SetupTooComplex(Exception):
    """A client uses more eligibility rules, geographies or value groups than one word of bits holds."""


@dataclass(frozen=True, kw_only=True)
class Rulebook:
    """Everything the kernel needs to know of the set-up of some clients. See each builder for columns."""

    programs: pl.DataFrame
    schedule_programs: pl.DataFrame
    rules: pl.DataFrame
    values: Mapping[str, pl.DataFrame]
    geographies: pl.DataFrame
    zips: pl.DataFrame
    plan_rows: pl.DataFrame
    plan_rules: pl.DataFrame
    event_rules: pl.DataFrame
    dependent_rules: pl.DataFrame
    options: pl.DataFrame
    costs: pl.DataFrame
    coverage_codes: pl.DataFrame
    plans: pl.DataFrame
    rate_tables: pl.DataFrame
    rates: pl.DataFrame
    service_bands: pl.DataFrame
    pay_bands: pl.DataFrame
    areas: pl.DataFrame
    contributions: pl.DataFrame
    formulas: pl.DataFrame
    formula_steps: pl.DataFrame
    age_reductions: pl.DataFrame
    pay_groups: pl.DataFrame
    pay_periods: pl.DataFrame
    pay_counts: pl.DataFrame
    deduction_codes: pl.DataFrame
    event_classes: pl.DataFrame
    limits: pl.DataFrame

    def names(self) -> list[str]:
        """Name the frames of the rulebook."""
        return [field.name for field in fields(self)]


def compile_rulebook(tables: Mapping[str, pl.DataFrame]) -> Rulebook:
    """Compile the rows of the releases in force.

    `tables` maps the table of each model of `programs.models` (snake case, as `eligibility_rule`) to its
    rows. Rows of several clients and of the PEO (client 0) come together.

    Errors: SetupTooComplex where one client needs more than 62 rules, areas or value groups.
    """
    programs = _programs(tables)
    plan_rows = _plan_rows(tables, programs)
    options = _options(tables, plan_rows)
    event_rules = _event_rules(tables)
    used_rules, used_geographies = _used_bits(programs, options, tables)
    rules, values = _rules(tables, used_rules, used_geographies)
    areas = _areas(tables)
    rate_tables = _rate_tables(tables)
    service_bands, pay_bands = (
        _bands(tables, rate_tables, "service_months_from"),
        _bands(tables, rate_tables, "annual_pay_from_cents"),
    )
    return Rulebook(
        programs=_with_rule_bits(programs, used_rules),
        schedule_programs=tables["schedule_program"].select("schedule_id", "program_id", "plan_type"),
        rules=rules,
        values=values,
        geographies=used_geographies,
        zips=tables["geography_zip"].select(
            "geography_id", pl.col("zip").cast(pl.Int32, strict=False), "area"
        ),
        plan_rows=plan_rows,
        plan_rules=_plan_rules(tables, plan_rows, event_rules),
        event_rules=event_rules,
        dependent_rules=_dated(tables["dependent_rule"], "dependent_rule_id"),
        options=_with_rule_bits(options, used_rules).join(
            used_geographies, on=["client_id", "geography_id"], how="left", maintain_order="left"
        ),
        costs=_costs(tables, options),
        coverage_codes=tables["coverage_code"],
        plans=tables["plan"].unique("plan_id", keep="last"),
        rate_tables=rate_tables,
        rates=_rates(tables, rate_tables, areas, service_bands, pay_bands),
        service_bands=service_bands,
        pay_bands=pay_bands,
        areas=areas,
        contributions=_contributions(tables),
        formulas=_formulas(tables),
        formula_steps=_formula_steps(tables),
        age_reductions=_of_formula(tables, "age_reduction"),
        pay_groups=tables["pay_group"].select("client_id", "pay_group_id", "code", "is_active"),
        pay_periods=tables["pay_period"]
        .rename({"pay_group_id": "pay_group"})
        .with_columns(pl.col("pay_group").cast(pl.Int64))
        .sort("pay_group", "begins_on"),
        pay_counts=_pay_counts(tables),
        deduction_codes=tables["deduction_code"],
        event_classes=tables["event_class"],
        limits=tables["annual_limit"],
    )


def plan_type_number(column: str = "plan_type") -> pl.Expr:
    """Give each plan type a small number, for packing into keys."""
    numbers = {code: number for number, code in enumerate(PLAN_TYPES)}
    return pl.col(column).replace_strict(numbers, default=None, return_dtype=pl.Int64)


def _dated(rows: pl.DataFrame, key: str, *more: str) -> pl.DataFrame:
    """Add `valid_to` (exclusive): the day the next row of the same key begins."""
    return rows.sort(key, *more, "valid_from").with_columns(
        valid_to=pl.col("valid_from").shift(-1).over(key, *more).fill_null(FAR_FUTURE)
    )


def _programs(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per program and effective date; `program_row` is its position."""
    return (
        _dated(tables["program"], "program_id")
        .with_row_index("program_row")
        .with_columns(pl.col("program_row").cast(pl.Int32))
    )


def _plan_rows(tables: Mapping[str, pl.DataFrame], programs: pl.DataFrame) -> pl.DataFrame:
    """One row per plan type of a program row; `plan_row` is its position."""
    return (
        tables["plan_type_row"]
        .drop("client_id", "release_id", strict=False)
        .join(
            programs.select("client_id", "program_id", "valid_from", "program_row"),
            on=["program_id", "valid_from"],
        )
        .sort("program_row", "display_order")
        .with_row_index("plan_row")
        .with_columns(
            pl.col("plan_row").cast(pl.Int32),
            plan_type_number=plan_type_number(),
            is_lapsing=_lapses_at_open_enrollment(),
            is_priced=pl.col("amount_kind") == "none",
        )
    )


def _lapses_at_open_enrollment() -> pl.Expr:
    """Spending accounts and vacation need a new election each year; the HSA (67) goes on (rulings §3.5)."""
    plan_type = pl.col("plan_type")
    return (plan_type.str.starts_with("6") & (plan_type != "67")) | plan_type.str.starts_with("9")


def _options(tables: Mapping[str, pl.DataFrame], plan_rows: pl.DataFrame) -> pl.DataFrame:
    """One row per option of a plan row (general credits have none); `option_row` is its position."""
    keys = plan_rows.select("client_id", "program_id", "valid_from", "plan_type", "plan_row")
    codes = tables["coverage_code"].select(
        "coverage_code_id",
        *("spouse_min", "spouse_max", "partner_min", "partner_max", "child_min", "child_max"),
    )
    deductions = tables["deduction_code"].select("deduction_code_id", "tax_class", "period_flags")
    return (
        tables["option"]
        .drop("client_id", "release_id", strict=False)
        .join(keys, on=["program_id", "valid_from", "plan_type"])
        .join(codes, on="coverage_code_id", how="left")
        .join(deductions, on="deduction_code_id", how="left")
        .with_columns(pl.col("^(spouse|partner|child)_(min|max)$").fill_null(0))
        .sort("plan_row", "display_order")
        .with_row_index("option_row")
        .with_columns(pl.col("option_row").cast(pl.Int32))
    )


def _costs(tables: Mapping[str, pl.DataFrame], options: pl.DataFrame) -> pl.DataFrame:
    """The prices and credits of each option row."""
    return (
        tables["cost"]
        .drop("client_id", "release_id", strict=False)
        .join(options.select("option_row", "option_id", "valid_from"), on=["option_id", "valid_from"])
        .select("option_row", "number", "cost_type", "rate_table_id", "contribution_id")
        .sort("option_row", "number")
    )


# --- eligibility: one bit per rule, per geography, per group of values ---------------------------------


def _used_bits(
    programs: pl.DataFrame, options: pl.DataFrame, tables: Mapping[str, pl.DataFrame]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Number the rules, and the geographies, that each client uses: (client_id, rule_id, rule_bit) and
    (client_id, geography_id, geography_bit)."""
    rules = pl.concat([programs.select("client_id", "rule_id"), options.select("client_id", "rule_id")])
    rules = _bits(rules, "rule_id", "rule_bit")
    in_rules = rules.join(
        tables["eligibility_criterion"].select("rule_id", "geography_id").drop_nulls(), on="rule_id"
    ).select("client_id", "geography_id")
    areas = pl.concat([options.select("client_id", "geography_id"), in_rules])
    return rules, _bits(areas, "geography_id", "geography_bit")


def _bits(used: pl.DataFrame, key: str, name: str) -> pl.DataFrame:
    """Give each distinct key of a client one bit of a 64-bit word."""
    numbered = (
        used.drop_nulls()
        .unique()
        .sort("client_id", key)
        .with_columns(slot=pl.int_range(pl.len()).over("client_id"))
    )
    _refuse_too_many(numbered, key)
    return numbered.select("client_id", key, _one_bit("slot").alias(name))


def _one_bit(slot: str) -> pl.Expr:
    return pl.lit(2, dtype=pl.Int64).pow(pl.col(slot)).cast(pl.Int64)


def _refuse_too_many(numbered: pl.DataFrame, what: str) -> None:
    too_many = numbered.filter(pl.col("slot") >= MOST_BITS)
    if too_many.height:
        client = too_many["client_id"][0]
        message = f"client {client} uses more than {MOST_BITS} of {what}: split its programs over clients"
        raise SetupTooComplex(message)


def _with_rule_bits(rows: pl.DataFrame, used_rules: pl.DataFrame) -> pl.DataFrame:
    """Add `rule_bit`: 0 where no rule is needed."""
    return rows.join(used_rules, on=["client_id", "rule_id"], how="left", maintain_order="left").with_columns(
        pl.col("rule_bit").fill_null(0)
    )


def _rules(
    tables: Mapping[str, pl.DataFrame], used_rules: pl.DataFrame, used_geographies: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """One row per client, rule and effective date, with a minimum, maximum or mask column per field.

    Columns of a range field f: f_min, f_max, f_out (excluding); of a list field: f_mask, f_out; of the
    geography: home_zip_mask, home_zip_out. An unused field has nulls. `values[f]` maps client and value
    to its bit.
    """
    rules = (
        _dated(tables["eligibility_rule"], "rule_id")
        .select("rule_id", "code", "valid_from", "valid_to")
        .join(used_rules, on="rule_id")
    )
    criteria = tables["eligibility_criterion"]
    key = ["rule_id", "valid_from"]
    for field in RANGE_FIELDS:
        columns = [
            pl.col("minimum").alias(f"{field}_min"),
            pl.col("maximum").alias(f"{field}_max"),
            pl.col("is_excluding").alias(f"{field}_out"),
        ]
        rules = rules.join(criteria.filter(field=field).select(*key, *columns), on=key, how="left")
    values: dict[str, pl.DataFrame] = {}
    for field in LIST_FIELDS:
        masks, values[field] = _value_bits(tables, rules, field)
        out = criteria.filter(field=field).select(*key, pl.col("is_excluding").alias(f"{field}_out"))
        rules = rules.join(out, on=key, how="left").join(masks, on=["client_id", *key], how="left")
        rules = rules.with_columns(
            pl.when(pl.col(f"{field}_out").is_not_null()).then(pl.col(f"{field}_mask").fill_null(0))
        )
    geography = (
        criteria.filter(field=GEOGRAPHY_FIELD)
        .select(*key, "geography_id", pl.col("is_excluding").alias("home_zip_out"))
        .join(used_geographies, on="geography_id")
        .select("client_id", *key, "home_zip_out", pl.col("geography_bit").alias("home_zip_mask"))
    )
    return rules.join(geography, on=["client_id", *key], how="left"), values


def _value_bits(
    tables: Mapping[str, pl.DataFrame], rules: pl.DataFrame, field: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Masks per rule and the bit of each value: values that occur in the same rules share a bit."""
    used = (
        tables["eligibility_value"]
        .filter(field=field)
        .select("rule_id", "valid_from", "value")
        .join(rules.select("client_id", "rule_id", "valid_from"), on=["rule_id", "valid_from"])
    )
    place = pl.format("{}@{}", "rule_id", "valid_from")
    groups = used.group_by("client_id", "value").agg(place.unique().sort().str.join(",").alias("group"))
    numbered = groups.with_columns(slot=pl.col("group").rank("dense").over("client_id").cast(pl.Int64) - 1)
    _refuse_too_many(numbered, f"groups of values of {field}")
    bits = numbered.select("client_id", "value", _one_bit("slot").alias("bit"))
    masks = (
        used.join(bits, on=["client_id", "value"])
        .group_by("client_id", "rule_id", "valid_from")
        .agg(pl.col("bit").bitwise_or().alias(f"{field}_mask"))
    )
    return masks, bits


# --- event rules ----------------------------------------------------------------------------------------


def _event_rules(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Event-rule rows with their position (`rule_row`); a rule's rows share its effective dates."""
    rows = tables["event_rule"]
    versions = _dated(rows.select("event_rule_id", "valid_from").unique(), "event_rule_id")
    return (
        rows.join(versions, on=["event_rule_id", "valid_from"])
        .sort("event_rule_id", "valid_from", "event_class_id")
        .with_row_index("rule_row")
        .with_columns(pl.col("rule_row").cast(pl.Int32))
    )


def _plan_rules(
    tables: Mapping[str, pl.DataFrame], plan_rows: pl.DataFrame, event_rules: pl.DataFrame
) -> pl.DataFrame:
    """The event-rule row of each plan row and event class (the blank class fills gaps), and that of HIR.

    Columns: plan_row, event_class_id, rule_row (null: none), hire_rule_row, valid_from, valid_to.
    """
    classes = tables["event_class"].select("event_class_id", "code")
    versions = event_rules.select("event_rule_id", "valid_from", "valid_to").unique()
    wanted = plan_rows.select("plan_row", "event_rule_id").join(classes, how="cross")
    wanted = wanted.join(versions, on="event_rule_id", how="left")
    rows = event_rules.select("event_rule_id", "valid_from", "event_class_id", "rule_row")
    blank = rows.filter(event_class_id=0).drop("event_class_id").rename({"rule_row": "blank_row"})
    found = wanted.join(rows, on=["event_rule_id", "valid_from", "event_class_id"], how="left").join(
        blank, on=["event_rule_id", "valid_from"], how="left"
    )
    found = found.with_columns(rule_row=pl.coalesce("rule_row", "blank_row"))
    hire = found.filter(code="HIR").select("plan_row", "valid_from", hire_rule_row="rule_row")
    return found.join(hire, on=["plan_row", "valid_from"], how="left").select(
        "plan_row", "event_class_id", "rule_row", "hire_rule_row", "valid_from", "valid_to"
    )


# --- rates ------------------------------------------------------------------------------------------------


def _areas(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Number the rating areas: area, area_number from 1 (0 = not keyed by area)."""
    rows = tables["rate_row"].select("area").filter(pl.col("area") != "").unique().sort("area")
    return rows.with_row_index("area_number", offset=1).with_columns(pl.col("area_number").cast(pl.Int64))


def _rate_tables(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Rate tables by effective date; `rate_version` is the position."""
    unit = pl.col("unit")
    return (
        _dated(tables["rate_table"], "rate_table_id")
        .with_row_index("rate_version")
        .with_columns(
            pl.col("rate_version").cast(pl.Int32),
            periods=pl.when(unit == RateUnit.PERCENT_OF_BASE)
            .then(1)
            .otherwise(pl.col("frequency").replace_strict(PERIODS_PER_YEAR, return_dtype=pl.Int64)),
            unit_divisor=unit.replace_strict(
                {str(key): value for key, value in UNIT_DIVISORS.items()}, return_dtype=pl.Int64
            ),
        )
    )


def _bands(tables: Mapping[str, pl.DataFrame], rate_tables: pl.DataFrame, key: str) -> pl.DataFrame:
    """Number the bands of a graded key per rate version: rate_version, lower edge, band."""
    flag = "by_service" if key == "service_months_from" else "by_pay"
    return (
        tables["rate_row"]
        .join(
            rate_tables.filter(pl.col(flag)).select("rate_table_id", "valid_from", "rate_version"),
            on=["rate_table_id", "valid_from"],
        )
        .select("rate_version", key)
        .unique()
        .sort("rate_version", key)
        .with_columns(band=pl.int_range(pl.len()).over("rate_version") + 1)
    )


def rate_key() -> pl.Expr:
    """Pack what identifies a rate into one integer; unused keys are 0.

    From rate_version, age (0–127), area_number, coverage_code_id, service_band, pay_band, smoker (0, 1)
    and sex_number (0–3). Widths: 20, 7, 9, 12, 6, 6, 1, 2 bits.
    """
    key = pl.col("rate_version").cast(pl.Int64)
    for column, width in (
        ("age", 7),
        ("area_number", 9),
        ("coverage_code_id", 12),
        ("service_band", 6),
        ("pay_band", 6),
        ("smoker", 1),
        ("sex_number", 2),
    ):
        key = key * (1 << width) + pl.col(column).cast(pl.Int64)
    return key


def sex_number(column: str = "sex") -> pl.Expr:
    """Number the values of sex for the rate key; '' = not keyed by sex."""
    return pl.col(column).replace_strict({"": 0, "F": 1, "M": 2, "X": 3}, default=None, return_dtype=pl.Int64)


def _rates(
    tables: Mapping[str, pl.DataFrame],
    rate_tables: pl.DataFrame,
    areas: pl.DataFrame,
    service_bands: pl.DataFrame,
    pay_bands: pl.DataFrame,
) -> pl.DataFrame:
    """Rates by packed key, every age of a band spelt out.

    Columns: rate_key, rate_micros, own_micros (the employee's part), rate_row_id.
    """
    version = rate_tables.select("rate_table_id", "valid_from", "rate_version", "by_age", "by_coverage_code")
    rows = (
        tables["rate_row"]
        .join(version, on=["rate_table_id", "valid_from"])
        .join(areas, on="area", how="left")
        .join(service_bands, on=["rate_version", "service_months_from"], how="left")
        .rename({"band": "service_band"})
        .join(pay_bands, on=["rate_version", "annual_pay_from_cents"], how="left")
        .rename({"band": "pay_band"})
        .with_columns(
            pl.col("area_number", "service_band", "pay_band").fill_null(0),
            smoker=pl.col("is_smoker").cast(pl.Int64),
            sex_number=sex_number(),
        )
    )
    rows = _with_own_part(_with_every_age(rows), tables)
    return rows.select(rate_key().alias("rate_key"), "rate_micros", "own_micros", "rate_row_id").sort(
        "rate_key"
    )


_OTHER_KEYS = (*("rate_version", "area_number", "service_band", "pay_band", "smoker", "sex_number"),)


def _with_every_age(rows: pl.DataFrame) -> pl.DataFrame:
    """Spell out each age of each band, so that a rate is found by equality."""
    edges = rows.sort("age_from").with_columns(
        until=pl.col("age_from").shift(-1).over(*_OTHER_KEYS, "coverage_code_id").fill_null(OLDEST_AGE + 1)
    )
    graded = edges.filter("by_age").with_columns(age=pl.int_ranges("age_from", "until")).explode("age")
    flat = edges.filter(~pl.col("by_age")).with_columns(age=pl.lit(0, dtype=pl.Int64))
    return pl.concat([graded, flat]).drop("until")


def _with_own_part(rows: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Add `own_micros`: the rate of the coverage code that covers nobody else, where the table has one."""
    alone = tables["coverage_code"].filter(
        (pl.col("spouse_max") == 0) & (pl.col("partner_max") == 0) & (pl.col("child_max") == 0)
    )
    own = (
        rows.filter("by_coverage_code")
        .join(alone.select("coverage_code_id"), on="coverage_code_id", how="semi")
        .select(*_OTHER_KEYS, "age", own_micros="rate_micros")
    )
    return rows.join(own, on=[*_OTHER_KEYS, "age"], how="left").with_columns(
        own_micros=pl.coalesce("own_micros", "rate_micros")
    )


# --- contributions, formulas, pay ---------------------------------------------------------------------


def _contributions(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Contribution rows by effective date of their contribution."""
    rows = tables["contribution"]
    versions = _dated(rows.select("contribution_id", "valid_from").unique(), "contribution_id")
    return rows.join(versions, on=["contribution_id", "valid_from"])


def _formulas(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Formulas by effective date; `formula_row` is the position."""
    return (
        _dated(tables["formula"], "formula_id")
        .with_row_index("formula_row")
        .with_columns(pl.col("formula_row").cast(pl.Int32))
    )


def _of_formula(tables: Mapping[str, pl.DataFrame], table: str) -> pl.DataFrame:
    """Rows of a formula with the position of the formula they belong to."""
    formulas = _formulas(tables).select("formula_id", "valid_from", "formula_row")
    return tables[table].join(formulas, on=["formula_id", "valid_from"])


def _formula_steps(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Steps renumbered 0, 1, … within their formula."""
    return (
        _of_formula(tables, "formula_step")
        .sort("formula_row", "step")
        .with_columns(step=pl.int_range(pl.len()).over("formula_row"))
    )


def _pay_counts(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """How many flagged pays a pay group has in a calendar year: pay_group_id, year, period_flags, pays.

    Flags 31 (every period) are always there, for credits.
    """
    flags = pl.concat(
        [tables["deduction_code"].select("period_flags"), pl.DataFrame({"period_flags": [31]})],
        how="vertical_relaxed",
    ).unique()
    bit = pl.lit(2, dtype=pl.Int64).pow(pl.col("period_of_month") - 1).cast(pl.Int64)
    return (
        tables["pay_period"]
        .select(
            "pay_group_id", pl.col("ends_on").dt.year().alias("year"), bit.alias("bit"), "periods_in_year"
        )
        .join(flags, how="cross")
        .filter((pl.col("period_flags").cast(pl.Int64) & pl.col("bit")) != 0)
        .group_by("pay_group_id", "year", "period_flags")
        .agg(pays=pl.len().cast(pl.Int64))
    )
