"""The rulebook: set-up rows compiled to the dense frames the kernel joins and gathers from.

Compiling resolves codes to row positions once, so that the kernel never joins on text: programs, plan
types, event rules and options are addressed by position, eligibility rules by one bit each, list values by
one bit per group of values that always occur together, rates by the arithmetic of one long array
(`programs.rates`). Cost is that of the set-up, not of the people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import polars as pl

from openbenefits.core.codes import PERSON_KINDS, AgeOf
from openbenefits.core.plan_types import PLAN_TYPES, SPENDING_ACCOUNTS, VACATIONS, is_hsa_row, is_one_of
from openbenefits.programs.criteria import Variant, bits_of, compile_criteria
from openbenefits.programs.dated import dated, effective
from openbenefits.programs.limits import OF_PERSON
from openbenefits.programs.rates import compile_rates, zip_numbers
from openbenefits.programs.recent import Recent

PROGRAM_PLAN_TYPE = "01"
PERSON_COUNTS = tuple(f"{kind}_{bound}" for kind in PERSON_KINDS for bound in ("min", "max"))


DERIVED = 256
"""So many things that follow from the rulebook alone are remembered, as the bounds of criteria."""
JUDGED = 256
"""So many answers to what a few people asked are remembered: the same is asked of who comes next."""


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
    person_changes: pl.DataFrame
    dependent_rules: pl.DataFrame
    options: pl.DataFrame
    costs: pl.DataFrame
    calculation_rules: pl.DataFrame
    credit_plans: pl.DataFrame
    coverage_codes: pl.DataFrame
    plans: pl.DataFrame
    rate_tables: pl.DataFrame
    rate_cells: pl.DataFrame
    rate_codes: pl.DataFrame
    service_bands: pl.DataFrame
    pay_bands: pl.DataFrame
    rating_zips: pl.DataFrame
    rating_areas: pl.DataFrame
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
    funds: pl.DataFrame
    coverage_groups: pl.DataFrame
    addresses: pl.DataFrame
    excluded_coverage: pl.DataFrame
    variants: tuple[Variant, ...] = ()  # the ways in which rules look at fields
    looks_at_jobs: bool = False  # something looks at more jobs of a person than the primary one
    recent: Recent = field(default_factory=Recent, init=False, repr=False, compare=False)
    derived: Recent = field(default_factory=lambda: Recent(DERIVED), init=False, repr=False, compare=False)
    judged: Recent = field(default_factory=lambda: Recent(JUDGED), init=False, repr=False, compare=False)

    def criteria_fields(self) -> list[str]:
        """Name the fields that any rule looks at, in the order of their bits."""
        return list(dict.fromkeys(variant.field for variant in self.variants))

    def names(self) -> list[str]:
        """Name the frames of the rulebook."""
        return [one.name for one in fields(self) if isinstance(getattr(self, one.name), pl.DataFrame)]


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
    criteria = compile_criteria(tables, used_rules, used_geographies)
    rates = compile_rates(tables)
    costs = _costs(tables, options)
    formulas = _formulas(tables)
    calculations = _calculation_rules(tables)
    return Rulebook(
        programs=_with_area_bits(_with_rule_bits(programs, used_rules), used_geographies),
        schedule_programs=tables["schedule_program"].select("schedule_id", "program_id", "plan_type"),
        rules=criteria.rules,
        values=criteria.values,
        variants=criteria.variants,
        looks_at_jobs=_looks_at_jobs(criteria.variants, formulas),
        geographies=used_geographies,
        zips=zip_numbers(tables),
        plan_rows=_with_households(plan_rows, options, costs, calculations),
        plan_rules=_plan_rules(tables, plan_rows, event_rules),
        event_rules=event_rules,
        person_changes=_person_changes(tables, event_rules),
        dependent_rules=effective(tables["dependent_rule"], "dependent_rule_id"),
        options=_with_area_bits(_with_rule_bits(options, used_rules), used_geographies),
        costs=costs,
        calculation_rules=calculations,
        credit_plans=_credit_plans(tables, programs),
        coverage_codes=tables["coverage_code"],
        plans=effective(tables["plan"], "plan_id"),
        rate_tables=rates.tables,
        rate_cells=rates.cells,
        rate_codes=rates.codes,
        service_bands=rates.service_bands,
        pay_bands=rates.pay_bands,
        rating_zips=rates.zips,
        rating_areas=rates.areas,
        contributions=_contributions(tables),
        formulas=formulas,
        formula_steps=_formula_steps(tables),
        age_reductions=_of_formula(tables, "age_reduction"),
        pay_groups=tables["pay_group"].select("client_id", "pay_group_id", "code", "is_active"),
        pay_periods=_pay_periods(tables),
        pay_counts=_pay_counts(tables),
        deduction_codes=tables["deduction_code"],
        event_classes=tables["event_class"],
        limits=tables["annual_limit"],
        funds=tables["fund"].select("client_id", "plan_type", "code"),
        coverage_groups=effective(tables["coverage_group"], "coverage_group_id"),
        addresses=_addresses(tables),
        excluded_coverage=_excluded_coverage(tables, plan_rows),
    )


def _looks_at_jobs(variants: tuple[Variant, ...], formulas: pl.DataFrame) -> bool:
    """Whether a rule or a formula looks at more jobs of a person than the primary one."""
    return any(one.is_of_jobs for one in variants) or bool(formulas["source"].str.starts_with("jobs ").any())


def _pay_periods(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The pay periods of each pay group, in order."""
    periods = tables["pay_period"].rename({"pay_group_id": "pay_group"})
    return periods.with_columns(pl.col("pay_group").cast(pl.Int64)).sort("pay_group", "begins_on")


def used_kinds(rulebook: Rulebook) -> list[str]:
    """List the kinds of dependents that some coverage code covers; the others need not be counted."""
    codes = rulebook.coverage_codes
    return [kind for kind in PERSON_KINDS if (codes[f"{kind}_max"] > 0).any()]


def plan_type_number(column: str = "plan_type") -> pl.Expr:
    """Give each plan type a small number, for packing into keys."""
    numbers = {code: number for number, code in enumerate(PLAN_TYPES)}
    return pl.col(column).replace_strict(numbers, default=None, return_dtype=pl.Int64)


def _programs(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per program and effective date; `program_row` is its position."""
    return (
        dated(tables["program"], "program_id")
        .with_row_index("program_row")
        .with_columns(pl.col("program_row").cast(pl.Int32))
    )


def _plan_rows(tables: Mapping[str, pl.DataFrame], programs: pl.DataFrame) -> pl.DataFrame:
    """One row per plan type of a program row; `plan_row` is its position.

    A program with general credits or deductions has a row of its own, plan type 01 (`is_program`).
    """
    rows = tables["plan_type_row"].drop("client_id", "release_id", "id", strict=False)
    own = _program_plan_types(tables, rows.schema)
    return (
        pl.concat([rows, own])
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
            is_hsa=is_hsa_row(),
            counts_elsewhere=pl.col("counts_elsewhere").fill_null(
                pl.col("annual_limit").is_in(OF_PERSON).fill_null(value=False)
            ),
            is_priced=pl.col("amount_kind") == "none",
            is_program=pl.col("plan_type") == PROGRAM_PLAN_TYPE,
        )
    )


def _program_plan_types(tables: Mapping[str, pl.DataFrame], schema: pl.Schema) -> pl.DataFrame:
    """Make a plan type 01 for each program row with general credits or deductions."""
    granting = tables["option"].filter(plan_type=PROGRAM_PLAN_TYPE).select("program_id", "valid_from")
    programs = tables["program"].select("program_id", "valid_from", "event_rule_id")
    rows = programs.join(granting.unique(), on=["program_id", "valid_from"]).with_columns(
        plan_type=pl.lit(PROGRAM_PLAN_TYPE),
        display_order=pl.lit(0),
        waive_rule=pl.lit("N"),
        amount_kind=pl.lit("none"),
        is_invested=pl.lit(value=False),
        is_price_locked=pl.lit(value=False),
        restrict_entry_months=pl.lit(0),
    )
    absent = [pl.lit(None).alias(name) for name in schema if name not in rows.columns]
    return rows.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in schema.items())


def _lapses_at_open_enrollment() -> pl.Expr:
    """Spending accounts and vacation need a new election each year; an HSA goes on (rulings §3.5)."""
    return is_one_of((*SPENDING_ACCOUNTS, *VACATIONS)) & ~is_hsa_row()


def _excluded_coverage(tables: Mapping[str, pl.DataFrame], plan_rows: pl.DataFrame) -> pl.DataFrame:
    """The plan types, or single plans, that rule a plan row out."""
    key = ["program_id", "valid_from", "plan_type"]
    rows = tables["excluded_coverage"].join(plan_rows.select(*key, "plan_row"), on=key)
    return rows.select("plan_row", "excluded_plan_type", "excluded_plan_id")


def _options(tables: Mapping[str, pl.DataFrame], plan_rows: pl.DataFrame) -> pl.DataFrame:
    """One row per option of a plan row; `option_row` is its position."""
    keys = plan_rows.select("client_id", "program_id", "valid_from", "plan_type", "plan_row", "is_hsa")
    codes = tables["coverage_code"].select("coverage_code_id", "covers_employee", *PERSON_COUNTS)
    deductions = tables["deduction_code"].select("deduction_code_id", "tax_class", "period_flags")
    after_tax = deductions.select(
        after_tax_deduction_code_id="deduction_code_id", after_tax_period_flags="period_flags"
    )
    return (
        tables["option"]
        .drop("client_id", "release_id", strict=False)
        .join(keys, on=["program_id", "valid_from", "plan_type"])
        .join(codes, on="coverage_code_id", how="left")
        .join(deductions, on="deduction_code_id", how="left")
        .join(after_tax, on="after_tax_deduction_code_id", how="left")
        .with_columns(pl.col("covers_employee").fill_null(value=True), pl.col(PERSON_COUNTS).fill_null(0))
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
        .select(
            *("option_row", "number", "cost_type", "rate_table_id", "contribution_id"),
            "calculation_rule_id",
        )
        .sort("option_row", "number")
    )


def _calculation_rules(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Calculation rules by effective date; `calculation` is the position."""
    return (
        effective(tables["calculation_rule"], "calculation_rule_id")
        .with_row_index("calculation")
        .with_columns(pl.col("calculation").cast(pl.Int32))
    )


def _with_households(
    plan_rows: pl.DataFrame, options: pl.DataFrame, costs: pl.DataFrame, calculations: pl.DataFrame
) -> pl.DataFrame:
    """Add looks_at_household: a price of the plan type looks at the age of a dependent."""
    others = calculations.filter(pl.col("age_of") != AgeOf.EMPLOYEE).select("calculation_rule_id").unique()
    looking = costs.join(others, on="calculation_rule_id", how="semi")["option_row"].unique()
    rows = options["plan_row"].gather(looking).unique()
    return plan_rows.with_columns(looks_at_household=pl.col("plan_row").is_in(rows.implode()))


def _credit_plans(tables: Mapping[str, pl.DataFrame], programs: pl.DataFrame) -> pl.DataFrame:
    """The plan types credits pay for, and are rolled into, of each program row."""
    keys = programs.select("client_id", "program_id", "valid_from", "program_row")
    rows = tables["credit_plan"].join(keys, on=["client_id", "program_id", "valid_from"])
    return rows.select("program_row", "plan_type", "use", "number").sort("program_row", "use", "number")


# --- eligibility: one bit per rule, per geography, per group of values ---------------------------------


def _used_bits(
    programs: pl.DataFrame, options: pl.DataFrame, tables: Mapping[str, pl.DataFrame]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Number the rules, and the geographies, that each client uses: (client_id, rule_id, rule_bit) and
    (client_id, geography_id, geography_bit).
    """
    rules = pl.concat([programs.select("client_id", "rule_id"), options.select("client_id", "rule_id")])
    rules = bits_of(rules, "rule_id", "rule_bit")
    in_rules = rules.join(
        tables["eligibility_criterion"].select("rule_id", "geography_id").drop_nulls(), on="rule_id"
    ).select("client_id", "geography_id")
    own = [rows.select("client_id", "geography_id") for rows in (programs, options)]
    areas = pl.concat([*own, in_rules])
    return rules, bits_of(areas, "geography_id", "geography_bit")


def _with_rule_bits(rows: pl.DataFrame, used_rules: pl.DataFrame) -> pl.DataFrame:
    """Add `rule_bit`: 0 where no rule is needed."""
    return rows.join(used_rules, on=["client_id", "rule_id"], how="left", maintain_order="left").with_columns(
        pl.col("rule_bit").fill_null(0)
    )


def _with_area_bits(rows: pl.DataFrame, used_geographies: pl.DataFrame) -> pl.DataFrame:
    """Add `geography_bit`: 0 where any home will do."""
    key = ["client_id", "geography_id"]
    found = rows.join(used_geographies, on=key, how="left", maintain_order="left")
    return found.with_columns(pl.col("geography_bit").fill_null(0))


# --- event rules ----------------------------------------------------------------------------------------


def _event_rules(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Event-rule rows with their position (`rule_row`); a rule's rows share its effective dates."""
    rows = tables["event_rule"]
    versions = effective(rows.select("event_rule_id", "valid_from", "is_active").unique(), "event_rule_id")
    return (
        rows.join(versions, on=["event_rule_id", "valid_from"])
        .sort("event_rule_id", "valid_from", "event_class_id")
        .with_row_index("rule_row")
        .with_columns(pl.col("rule_row").cast(pl.Int32))
    )


def _person_changes(tables: Mapping[str, pl.DataFrame], event_rules: pl.DataFrame) -> pl.DataFrame:
    """What event-rule rows say about kinds of persons: rule_row, kind, what may change."""
    key = ["event_rule_id", "valid_from", "event_class_id"]
    rows = tables["person_change"].drop("client_id", "release_id", "id", strict=False)
    return rows.join(event_rules.select(*key, "rule_row"), on=key).drop(key)


def _plan_rules(
    tables: Mapping[str, pl.DataFrame], plan_rows: pl.DataFrame, event_rules: pl.DataFrame
) -> pl.DataFrame:
    """The event-rule row of each plan row and event class (the blank class fills gaps), and that of HIR.

    Columns: plan_row, event_class_id, rule_row (null: none), hire_rule_row, valid_from, valid_to.
    """
    hires = tables["event_class"].filter(code="HIR")["event_class_id"]
    classes = tables["event_class"].select("event_class_id")
    versions = event_rules.select("event_rule_id", "valid_from", "valid_to").unique()
    wanted = plan_rows.select("plan_row", "event_rule_id").join(classes, how="cross")
    wanted = wanted.join(versions, on="event_rule_id", how="left")
    rows = event_rules.select("event_rule_id", "valid_from", "event_class_id", "rule_row")
    blank = rows.filter(event_class_id=0).drop("event_class_id").rename({"rule_row": "blank_row"})
    found = wanted.join(rows, on=["event_rule_id", "valid_from", "event_class_id"], how="left").join(
        blank, on=["event_rule_id", "valid_from"], how="left"
    )
    hire = rows.filter(pl.col("event_class_id").is_in(hires.implode())).select(
        "event_rule_id", "valid_from", hire_row="rule_row"
    )
    return found.join(hire, on=["event_rule_id", "valid_from"], how="left").select(
        "plan_row",
        "event_class_id",
        "valid_from",
        "valid_to",
        rule_row=pl.coalesce("rule_row", "blank_row"),
        hire_rule_row=pl.coalesce("hire_row", "blank_row"),
    )


# --- contributions, formulas, pay ---------------------------------------------------------------------


def _contributions(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Contribution rows by effective date of their contribution."""
    rows = tables["contribution"]
    versions = effective(
        rows.select("contribution_id", "valid_from", "is_active").unique(), "contribution_id"
    )
    return rows.join(versions, on=["contribution_id", "valid_from"])


def _addresses(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Addresses of companies and locations by effective date."""
    rows = dated(tables["address"], "code", "client_id", "kind").filter("is_active")
    return rows.select(
        "client_id", "kind", "code", "valid_from", "valid_to", pl.col("zip").cast(pl.Int32, strict=False)
    )


def _formulas(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Formulas by effective date; `formula_row` is the position.

    `source` says what pay is taken if it is not that of the primary job on the event date (null): see
    `rating.rules.bases`.
    """
    is_of_jobs = (pl.col("jobs") != "primary") | pl.col("is_active_only")
    is_of_day = pl.col("years_back").is_not_null() | pl.col("pay_day").is_not_null()
    when = pl.when(is_of_day).then(pl.lit(" of a day")).otherwise(pl.lit(""))
    only = pl.when("is_active_only").then(pl.lit(" that go on")).otherwise(pl.lit(""))
    source = (
        pl.when(pl.col("base_type").is_not_null())
        .then(pl.concat_str(pl.lit("base "), pl.col("base_type").fill_null(""), when))
        .when(is_of_jobs)
        .then(pl.concat_str(pl.lit("jobs "), "jobs", only, when))
        .when(is_of_day)
        .then(pl.lit("pay"))
    )
    return (
        effective(tables["formula"], "formula_id")
        .with_columns(source=source)
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

    Flags 31 (every period) are always there, for credits. A year of which the calendar lacks a part has
    no count, nor has one without any flagged pay.
    """
    flags = pl.concat(
        [tables["deduction_code"].select("period_flags"), pl.DataFrame({"period_flags": [31]})],
        how="vertical_relaxed",
    ).unique()
    bit = pl.lit(2, dtype=pl.Int64).pow(pl.col("period_of_month") - 1).cast(pl.Int64)
    year = pl.col("ends_on").dt.year()
    periods = (
        tables["pay_period"]
        .with_columns(year=year)
        .with_columns(is_whole_year=pl.len().over("pay_group_id", "year") == pl.col("periods_in_year"))
    )
    return (
        periods.filter("is_whole_year")
        .select("pay_group_id", "year", bit=bit)
        .join(flags, how="cross")
        .filter((pl.col("period_flags").cast(pl.Int64) & pl.col("bit")) != 0)
        .group_by("pay_group_id", "year", "period_flags")
        .agg(pays=pl.len().cast(pl.Int64))
    )
