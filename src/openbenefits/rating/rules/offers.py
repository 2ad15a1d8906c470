"""Offers: the options of a plan type with the rates, formulas and contributions that hold on a day.

Dates are resolved here, on the distinct pairs of plan type and pricing day, so that the rows of people only
look positions up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from openbenefits.core.codes import ADULT_KINDS, PERSON_KINDS, AgeOf, OptionType
from openbenefits.core.columns import joined, with_taken
from openbenefits.programs.recent import Recent
from openbenefits.programs.rulebook import PERSON_COUNTS, Rulebook, used_kinds
from openbenefits.rating.rules.pricing import with_pricing
from openbenefits.rating.rules.shares import GIVEN


@dataclass(frozen=True, kw_only=True)
class Offers:
    """Dense frames, each addressed by its row position.

    days:    plan_day, plan_row, price_on; first_offer, offers; first_unit, units; and how many persons
             of each kind its coverage codes demand at most (most_<kind>).
    options: offer, option_row and the option's columns, formula_row, has_formula, premium_formula_row,
             has_premium; is_imputed (it covers persons who are no tax dependents) and without_offer (the
             same option without them; null: it is not there); first_cost, costs, pricing (PRICINGS).
    costs:   cost, offer, cost_type, unit_ordinal (of the quote units of its day), code_offset (of the cell
             of the coverage code; null: the table has none), the table's units, is_per_member (a rate per
             member, and others to cover), the contribution (has_contribution: it gives anything); and, where
             that is a part of another option's price (has_reference), reference_offer (null: that option is
             not there).
    units:   unit, plan_day, rate_version (null: none holds), is_per_member, and for rates per member
             code_offset and, of each kind a household may have several of, how many are covered
             (<kind>_cap); calculation_rule_id, calculation (its row; null: none holds) and age_kinds (see
             `kinds_of_age`): what a plan row needs a quote for.
    kinds:   the kinds of dependents that some coverage code covers.
    """

    days: pl.DataFrame
    options: pl.DataFrame
    costs: pl.DataFrame
    units: pl.DataFrame
    kinds: tuple[str, ...]
    recent: Recent = field(default_factory=Recent, init=False, repr=False, compare=False)


FEW_DAYS = 1_000
"""So many plan types and days are remembered: those of a partition, and all the more those of one person."""


def find_offers(plan_days: pl.DataFrame, rulebook: Rulebook) -> Offers:
    """Resolve the options of plan types on their pricing days.

    Shapes:  plan_days has plan_day (= position), plan_row, price_on; a null price_on offers nothing.
    Missing: a rate table without a version on the day gives a null rate_version; the quote then finds none.
    """
    if plan_days.height > FEW_DAYS:
        return _found(plan_days, rulebook)
    asked = ("offers", tuple(plan_days.rows()))
    offers: Offers = rulebook.recent.answer(asked, lambda: _found(plan_days, rulebook))
    return offers


def _found(plan_days: pl.DataFrame, rulebook: Rulebook) -> Offers:
    kinds = tuple(used_kinds(rulebook))
    options = _with_imputed(_options_of_days(plan_days, rulebook), rulebook)
    priced = _costs_of_offers(options, rulebook, kinds)
    units = _quote_units(priced, kinds)
    costs = _with_contributions(_with_units(priced, units, kinds), rulebook)
    costs = _with_references(costs, options, rulebook)
    return Offers(
        days=_with_ranges(plan_days, options, units, kinds),
        options=with_pricing(_with_cost_ranges(options, costs), costs),
        costs=costs,
        units=units,
        kinds=kinds,
    )


def holds(day: str = "price_on") -> pl.Expr:
    """Whether a dated row holds on a day."""
    return (pl.col("valid_from") <= pl.col(day)) & (pl.col(day) < pl.col("valid_to"))


def version_on(
    wanted: pl.DataFrame, versions: pl.DataFrame, key: str, answer: str, day: str = "price_on"
) -> pl.DataFrame:
    """Add the position `answer` of the version of `key` that holds on each day; null where none does."""
    pairs = wanted[[key, day]].drop_nulls().unique()
    found = joined(pairs, versions[[key, "valid_from", "valid_to", answer]], key).filter(holds(day))
    return joined(wanted, found[[key, day, answer]], [key, day], how="left", maintain_order="left")


def _options_of_days(plan_days: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Repeat the options of each plan row for its days, and find their formula."""
    columns = (
        *("plan_row", "option_row", "option_id", "option_type", "plan_id", "coverage_code_id"),
        *("display_order", "level", "is_default", "rule_bit", "geography_bit", "formula_id"),
        *("premium_formula_id", "fixed_coverage_cents", "tax_class", "period_flags", "covers_employee"),
        *PERSON_COUNTS,
    )
    rows = plan_days.drop_nulls("price_on").join(
        rulebook.options.select(columns), on="plan_row", maintain_order="left_right"
    )
    is_priced = rulebook.plan_rows["is_priced"].gather(rows["plan_row"])
    rows = rows.with_columns(
        is_priced=is_priced | (rows["option_type"] != OptionType.OPTION.value),
        geography_bit=pl.col("geography_bit").fill_null(0),
        has_formula=pl.col("formula_id").is_not_null(),
        has_premium=pl.col("premium_formula_id").is_not_null(),
    )
    rows = version_on(rows, rulebook.formulas, "formula_id", "formula_row")
    premiums = rulebook.formulas.select(
        "valid_from", "valid_to", premium_formula_id="formula_id", premium_formula_row="formula_row"
    )
    rows = version_on(rows, premiums, "premium_formula_id", "premium_formula_row")
    return _numbered(rows.sort("plan_day", "display_order", maintain_order=True), "offer")


def _with_imputed(options: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Find, of options that cover persons who are no tax dependents, the same option without them."""
    codes = rulebook.coverage_codes.filter(pl.col("imputed_against_id").is_not_null())
    if codes.is_empty():
        return options.with_columns(is_imputed=pl.lit(value=False), without_offer=pl.lit(None, pl.Int32))
    names = rulebook.coverage_codes.select(imputed_against_id="coverage_code_id", without_code="code")
    codes = codes.join(names, on="imputed_against_id").select(
        "coverage_code_id", "without_code", own_code="code"
    )
    code = rulebook.options["code"].gather(options["option_row"]).alias("code")
    asked = options.select("plan_day", "coverage_code_id", code).join(
        codes, on="coverage_code_id", how="left", maintain_order="left"
    )
    stem = pl.col("code").str.strip_suffix(pl.col("own_code"))
    asked = asked.with_columns(wanted=pl.concat_str(stem, "without_code"))
    known = options.select("plan_day", code.alias("wanted"), without_offer="offer")
    found = asked.join(known, on=["plan_day", "wanted"], how="left", maintain_order="left")
    return options.with_columns(found["without_offer"], found["own_code"].is_not_null().alias("is_imputed"))


def capped_kinds(kinds: Sequence[str]) -> list[str]:
    """List the kinds a household may have several of: of these a coverage code covers so many."""
    return [kind for kind in kinds if kind not in ADULT_KINDS]


_TABLE = ("is_per_member", "by_coverage_code", "times", "periods", "grain", "unit_divisor", "unit")


def _costs_of_offers(options: pl.DataFrame, rulebook: Rulebook, kinds: Sequence[str]) -> pl.DataFrame:
    """One row per offer and cost, with the version of its rate table and the cells of its coverage code."""
    most = [f"{kind}_max" for kind in kinds]
    columns = ("offer", "option_row", "plan_day", "price_on", "coverage_code_id", *most)
    rows = options.select(columns).join(rulebook.costs, on="option_row", maintain_order="left_right")
    rows = version_on(rows, rulebook.rate_tables, "rate_table_id", "rate_version")
    rows = with_taken(rows, rulebook.rate_tables, "rate_version", *_TABLE).rename({"unit": "rate_unit"})
    rows = rows.join(
        rulebook.rate_codes, on=["rate_version", "coverage_code_id"], how="left", maintain_order="left"
    )
    is_member = pl.col("is_per_member").fill_null(value=False)
    covers_others = pl.any_horizontal(pl.lit(value=False), *(pl.col(name) > 0 for name in most))
    offset = pl.when("by_coverage_code").then("code_offset").otherwise(0)
    rows = _with_calculation(rows, kinds, rulebook)
    return rows.with_columns(
        is_per_member=is_member & (covers_others | pl.col("by_coverage_code")),
        code_offset=offset,
        unit_code_offset=pl.when(is_member).then(offset).otherwise(0),
        **{f"{kind}_cap": _cap(kind, is_member) for kind in capped_kinds(kinds)},
    )


AGE_BITS = {kind: 1 << number for number, kind in enumerate(PERSON_KINDS)}
"""Bits of the kinds of persons whose age a price may look at."""


def _with_calculation(rows: pl.DataFrame, kinds: Sequence[str], rulebook: Rulebook) -> pl.DataFrame:
    """Add `calculation`, the row of the calculation rule that holds on the day, and `age_kinds`."""
    if rows["calculation_rule_id"].null_count() == rows.height:
        nothing = pl.lit(None, pl.Int32)
        return rows.with_columns(calculation=nothing, age_kinds=nothing)
    rows = version_on(rows, rulebook.calculation_rules, "calculation_rule_id", "calculation")
    rows = with_taken(rows, rulebook.calculation_rules, "calculation", "age_of")
    return rows.with_columns(age_kinds=kinds_of_age(kinds)).drop("age_of")


def kinds_of_age(kinds: Sequence[str]) -> pl.Expr:
    """The kinds of persons whose age a cost looks at, as bits; null: the employee's, or each member's own.

    Shapes: rows has age_of, is_per_member (of the table), coverage_code_id and the maxima of `kinds`, those
            that coverage codes cover. Without a coverage code anybody counts.
    """
    age_of = pl.col("age_of")
    adults = _age_bits([kind for kind in PERSON_KINDS if kind in ADULT_KINDS], kinds)
    others = _age_bits([kind for kind in PERSON_KINDS if kind not in ADULT_KINDS], kinds)
    of_another = pl.when(age_of == AgeOf.SPOUSE).then(adults).when(age_of == AgeOf.DEPENDENT).then(others)
    return pl.when(~pl.col("is_per_member").fill_null(value=False)).then(of_another)


def _age_bits(wanted: Sequence[str], kinds: Sequence[str]) -> pl.Expr:
    """The bits of the kinds wanted that the coverage code of the row allows."""
    is_bare = pl.col("coverage_code_id").is_null()
    bits = pl.lit(0, pl.Int32)
    for kind in wanted:
        is_allowed = is_bare | (pl.col(f"{kind}_max") > 0) if kind in kinds else is_bare
        bits = bits + pl.when(is_allowed).then(AGE_BITS[kind]).otherwise(0).cast(pl.Int32)
    return bits


def _cap(kind: str, is_member: pl.Expr) -> pl.Expr:
    """How many of a kind are covered; options that cover none share the quote of those that cover most."""
    most = pl.col(f"{kind}_max")
    cap = pl.when(is_member & (most > 0)).then(most)
    return cap.fill_null(cap.max().over("plan_day", "rate_table_id")).fill_null(0)


def _unit_key(kinds: Sequence[str]) -> list[str]:
    return [
        *("plan_day", "rate_table_id", "unit_code_offset"),
        *(f"{kind}_cap" for kind in capped_kinds(kinds)),
        *("calculation_rule_id", "age_kinds"),
    ]


def _quote_units(priced: pl.DataFrame, kinds: Sequence[str]) -> pl.DataFrame:
    """The distinct rates a plan day needs: options that share a table share its quote."""
    key = _unit_key(kinds)
    units = (
        priced.group_by(key)
        .agg(pl.col("price_on", "rate_version", "calculation").first(), pl.col("is_per_member").any())
        .sort(key)
    )
    return _numbered(units, "unit").with_columns(
        unit_ordinal=pl.int_range(pl.len(), dtype=pl.Int32).over("plan_day")
    )


def _with_units(priced: pl.DataFrame, units: pl.DataFrame, kinds: Sequence[str]) -> pl.DataFrame:
    key = _unit_key(kinds)
    found = priced.join(
        units.select(*key, "unit_ordinal"),
        on=key,
        how="left",
        maintain_order="left",
        nulls_equal=True,
    )
    return _numbered(found.sort("offer", "number", maintain_order=True), "cost")


def _with_contributions(costs: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add the employer's part: the row of the coverage code, else the row for any; without one, nothing."""
    amounts = (*GIVEN, "cap_monthly_cents", "minimum_employee_cents", "reference_option")
    wanted = costs.select("cost", "contribution_id", "price_on", "coverage_code_id").drop_nulls(
        "contribution_id"
    )
    rows = wanted.join(
        rulebook.contributions.rename({"coverage_code_id": "for_code"}), on="contribution_id"
    ).filter(holds() & ((pl.col("for_code") == 0) | (pl.col("for_code") == pl.col("coverage_code_id"))))
    best = rows.sort("cost", "for_code").unique("cost", keep="last").select("cost", *amounts)
    found = costs.join(best, on="cost", how="left", maintain_order="left")
    found = found.with_columns(pl.col(GIVEN).fill_null(0))
    return found.with_columns(has_contribution=pl.any_horizontal(pl.col(GIVEN) != 0))


def _with_references(costs: pl.DataFrame, options: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add has_reference and reference_offer: the option a contribution is measured by, of the same coverage.

    An option of one price that is its own reference needs none.
    """
    costs = costs.with_columns(has_reference=pl.col("reference_option").is_not_null())
    if not costs["has_reference"].any():
        return costs.with_columns(reference_offer=pl.lit(None, pl.Int32))
    codes = rulebook.coverage_codes.select("coverage_code_id", coverage_code="code")
    named = costs.join(codes, on="coverage_code_id", how="left", maintain_order="left").with_columns(
        option_code=pl.concat_str("reference_option", "coverage_code", separator="-", ignore_nulls=True)
    )
    code = rulebook.options["code"].gather(options["option_row"]).alias("option_code")
    known = options.select("plan_day", code, reference_offer="offer")
    found = named.join(known, on=["plan_day", "option_code"], how="left", maintain_order="left")
    is_single = costs.select((pl.col("cost_type") == "P").sum().over("offer") == 1).to_series()
    is_itself = (found["reference_offer"] == found["offer"]).fill_null(value=False) & is_single
    return costs.with_columns(
        pl.when(~is_itself).then(found["reference_offer"]).alias("reference_offer"),
        has_reference=pl.col("has_reference") & ~is_itself,
    )


def _with_ranges(
    plan_days: pl.DataFrame, options: pl.DataFrame, units: pl.DataFrame, kinds: Sequence[str]
) -> pl.DataFrame:
    """Add where the offers and quote units of each day begin, how many there are, and whom they demand."""
    demanded = [pl.col(f"{kind}_min").max().alias(f"most_{kind}") for kind in kinds]
    offers = options.group_by("plan_day").agg(*demanded, first_offer=pl.col("offer").min(), offers=pl.len())
    quotes = units.group_by("plan_day").agg(first_unit=pl.col("unit").min(), units=pl.len())
    return (
        plan_days.join(offers, on="plan_day", how="left", maintain_order="left")
        .join(quotes, on="plan_day", how="left", maintain_order="left")
        .with_columns(pl.col("first_offer", "offers", "first_unit", "units").fill_null(0).cast(pl.Int32))
        .with_columns(pl.col(f"most_{kind}").fill_null(0).cast(pl.Int64) for kind in kinds)
    )


def _with_cost_ranges(options: pl.DataFrame, costs: pl.DataFrame) -> pl.DataFrame:
    ranges = costs.group_by("offer").agg(first_cost=pl.col("cost").min(), costs=pl.len())
    return options.join(ranges, on="offer", how="left", maintain_order="left").with_columns(
        pl.col("first_cost", "costs").fill_null(0).cast(pl.Int32)
    )


def _numbered(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.with_columns(pl.int_range(pl.len(), dtype=pl.Int32).alias(name))
