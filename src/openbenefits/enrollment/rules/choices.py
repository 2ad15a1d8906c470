"""Which options a person may have, may choose, and gets by default (docs/rules.md §2.5, §4, §8, §9)."""

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import DefaultMethod, OptionType, SelectAllowed, WaiveRule
from openbenefits.core.columns import spread, with_taken
from openbenefits.eligibility.rules import household_suffices
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.offers import Offers

NO_LIMIT = (0, 99)


def eligible_options(plans: pl.DataFrame, offers: Offers) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give every plan row its eligible options, and the options that cannot be decided.

    Shapes:  plans has plan, plan_day, rules_met, rules_undecided, geographies_met, spouses, partners,
             children. Result: rows of plan and offer with the option's columns; the second frame holds
             the undecided ones.
    """
    wanted = plans.filter(~pl.col("is_ignored") & ~pl.col("is_ending")).select(
        *("plan", "plan_day", "rules_met", "rules_undecided", "geographies_met"),
        *("spouses", "partners", "children"),
    )
    rows = with_taken(wanted, offers.days, "plan_day", "first_offer", "offers")
    rows = spread(rows, "first_offer", "offers", "offer").drop("first_offer", "offers", "plan_day")
    rows = with_taken(
        rows,
        offers.options,
        "offer",
        *("rule_bit", "geography_bit", "spouse_min", "partner_min", "child_min"),
    ).filter(household_suffices())
    rule, area = pl.col("rule_bit"), pl.col("geography_bit")
    met = (pl.col("rules_met") & rule) == rule
    lives_there = (area == 0) | ((pl.col("geographies_met") & area) == area)
    undecided = ((pl.col("rules_undecided") & rule) != 0) & lives_there.fill_null(value=True)
    unknown_area = (area != 0) & pl.col("geographies_met").is_null() & met
    eligible = rows.filter(met & lives_there.fill_null(value=False)).select("plan", "offer")
    return with_taken(
        eligible,
        offers.options,
        "offer",
        *(
            "option_id",
            "option_row",
            "option_type",
            "plan_id",
            "level",
            "display_order",
            "is_default",
            "rule_bit",
        ),
    ), rows.filter(undecided | unknown_area).select("plan", "offer")


def with_loss(plans: pl.DataFrame, options: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add what the current option means: eligible or lost, its level, and the plan behind it."""
    current = with_taken(options.select("plan", "option_id"), plans, "plan", "current_option_id")
    eligible = current.filter(pl.col("option_id") == pl.col("current_option_id"))["plan"]
    is_eligible = pl.col("plan").is_in(eligible.implode())
    levels = rulebook.options.select(
        current_option_id="option_id", current_level="level", current_plan_id="plan_id"
    ).unique("current_option_id", keep="last")
    rows = plans.join(levels, on="current_option_id", how="left", maintain_order="left")
    return rows.with_columns(
        is_current_eligible=is_eligible,
        is_lost=pl.col("is_in_force") & ~is_eligible & ~pl.col("is_ignored"),
        current_level=pl.when("is_in_force").then(pl.col("current_level")).otherwise(0).fill_null(0),
    )


def electable(options: pl.DataFrame, plans: pl.DataFrame, prior: pl.DataFrame) -> pl.DataFrame:
    """Add is_current and is_electable.

    Shapes:  prior has case and option_id, the options of the last prepared event, for `use_history`.
    """
    rows = with_taken(
        options,
        plans,
        "plan",
        *("case", "select_allowed", "use_history", "is_lost", "is_in_force", "current_option_id"),
        *("current_plan_id", "current_level", "waive_rule", "level_limit", "waived_level_limit"),
    )
    rows = _with_gain(rows, prior)
    allowed, is_waiver = pl.col("select_allowed"), pl.col("option_type") == OptionType.WAIVE
    is_current = (pl.col("option_id") == pl.col("current_option_id")).fill_null(value=False)
    same_plan = (pl.col("plan_id") == pl.col("current_plan_id")).fill_null(value=False) | is_current
    or_waive = allowed == SelectAllowed.CURRENT_OR_WAIVE
    selected = (
        pl.when("is_lost")
        .then(pl.lit(value=True))
        .when("use_history")
        .then(pl.col("is_gained"))
        .when(allowed == SelectAllowed.ALL)
        .then(pl.lit(value=True))
        .when(is_waiver)
        .then(or_waive)
        .when(or_waive | (allowed == SelectAllowed.CURRENT))
        .then(same_plan)
        .otherwise(pl.lit(value=False))
    )
    may_waive = ~is_waiver | (pl.col("waive_rule") != WaiveRule.NOT_ALLOWED)
    return rows.with_columns(
        is_current=is_current, is_electable=selected & may_waive & (_within_level() | is_current | is_waiver)
    ).drop(
        "select_allowed",
        "use_history",
        "current_plan_id",
        "is_gained",
        "waive_rule",
        "level_limit",
        "waived_level_limit",
    )


def _with_gain(rows: pl.DataFrame, prior: pl.DataFrame) -> pl.DataFrame:
    """Add is_gained: the plan type has an option that the last prepared event did not have."""
    if not rows["use_history"].any():
        return rows.with_columns(is_gained=pl.lit(value=False))
    known = prior.select("case").unique()
    watched = rows.filter("use_history").select("plan", "case", "option_id")
    gained = watched.join(prior, on=["case", "option_id"], how="anti")["plan"]
    first = watched.join(known, on="case", how="anti")["plan"]
    plans = pl.concat([gained, first]).unique()
    return rows.with_columns(is_gained=pl.col("plan").is_in(plans.implode()))


def _within_level() -> pl.Expr:
    """Whether the option is within the levels one may rise."""
    limit = pl.when("is_in_force").then("level_limit").otherwise("waived_level_limit")
    return limit.is_in(list(NO_LIMIT)) | (pl.col("level") - pl.col("current_level") <= limit)


def with_proof(options: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """Add is_proof_required and approved_coverage_cents (what is billed until proof is approved)."""
    rows = with_taken(
        options,
        plans,
        "plan",
        *("proof_from_level", "proof_above_cents", "waived_proof_from_level", "waived_proof_above_cents"),
        *("approved_cents", "current_coverage_cents"),
    )
    guaranteed = pl.when("is_in_force").then("proof_above_cents").otherwise("waived_proof_above_cents")
    from_level = pl.when("is_in_force").then("proof_from_level").otherwise("waived_proof_from_level")
    held = pl.when("is_in_force").then("current_coverage_cents").fill_null(0)
    approved = money.maximum(pl.col("approved_cents").fill_null(0), held)
    coverage = pl.col("coverage_cents")
    rises = coverage > approved
    fires = (coverage > guaranteed).fill_null(value=False) | (pl.col("level") >= from_level).fill_null(
        value=False
    )
    required = (rises & fires).fill_null(value=False)
    billed = money.minimum(coverage, money.maximum(approved, guaranteed.fill_null(0)))
    return rows.with_columns(
        is_proof_required=required,
        approved_coverage_cents=pl.when(required).then(billed).otherwise(coverage),
    ).drop(
        *("proof_from_level", "proof_above_cents", "waived_proof_from_level", "waived_proof_above_cents"),
        *("approved_cents", "current_coverage_cents"),
    )


# --- defaults -----------------------------------------------------------------------------------------

KEEPS_CURRENT = (
    DefaultMethod.CURRENT_ELSE_NONE,
    DefaultMethod.CURRENT_ELSE_OPTION,
    DefaultMethod.CURRENT_ELSE_LOWEST,
)
NEEDS_OPTION = (DefaultMethod.OPTION, DefaultMethod.CURRENT_ELSE_OPTION)


def with_default(plans: pl.DataFrame, options: pl.DataFrame) -> pl.DataFrame:
    """Add default_option_id, default_reason and default_fault to plan rows.

    default_reason: current, default option, lowest level, waiver, ends, untouched, nothing.
    default_fault:  null, 'none' (no eligible default), 'several' (a tie at the lowest level).
    """
    rows = (
        plans.join(_flagged(options), on="plan", how="left", maintain_order="left")
        .join(_lowest(options, plans), on="plan", how="left", maintain_order="left")
        .join(_waivers(options), on="plan", how="left", maintain_order="left")
    )
    method = pl.col("default_method")
    current = (
        method.is_in([str(name) for name in KEEPS_CURRENT])
        & pl.col("keeps_current")
        & pl.col("is_current_eligible")
    )
    flagged = method.is_in([str(name) for name in NEEDS_OPTION])
    lowest = method == DefaultMethod.CURRENT_ELSE_LOWEST
    waives = method == DefaultMethod.WAIVE
    untouched = (method == DefaultMethod.LEAVE) | pl.col("is_ignored")
    option = (
        pl.when(current)
        .then("current_option_id")
        .when(untouched | pl.col("is_ending"))
        .then(None)
        .when(flagged & (pl.col("flagged_options") == 1))
        .then("flagged_option_id")
        .when(lowest)
        .then("lowest_option_id")
        .when(waives & (pl.col("waive_rule") != WaiveRule.NOT_ALLOWED))
        .then("waiver_option_id")
    )
    return (
        rows.with_columns(default_option_id=option)
        .with_columns(
            default_reason=_reason(current, untouched, flagged, lowest, waives),
            default_fault=_fault(current, flagged, waives, lowest),
        )
        .drop("flagged_options", "flagged_option_id", "lowest_option_id", "waiver_option_id")
    )


def _reason(
    current: pl.Expr, untouched: pl.Expr, flagged: pl.Expr, lowest: pl.Expr, waives: pl.Expr
) -> pl.Expr:
    has = pl.col("default_option_id").is_not_null()
    return (
        pl.when(untouched)
        .then(pl.lit("untouched"))
        .when(has & current)
        .then(pl.lit("current"))
        .when(has & flagged)
        .then(pl.lit("default option"))
        .when(has & lowest)
        .then(pl.lit("lowest level"))
        .when(has & waives)
        .then(pl.lit("waiver"))
        .when(pl.col("is_in_force"))
        .then(pl.lit("ends"))
        .otherwise(pl.lit("nothing"))
    )


def _fault(current: pl.Expr, flagged: pl.Expr, waives: pl.Expr, lowest: pl.Expr) -> pl.Expr:
    several = flagged & (pl.col("flagged_options") > 1)
    missing = pl.col("default_option_id").is_null() & (flagged | waives | lowest)
    return (
        pl.when(current | pl.col("is_ignored") | pl.col("is_ending"))
        .then(None)
        .when(several)
        .then(pl.lit("several"))
        .when(missing)
        .then(pl.lit("none"))
    )


def _flagged(options: pl.DataFrame) -> pl.DataFrame:
    """The eligible options flagged as default, at the lowest level among them, per plan row."""
    flagged = options.filter("is_default")
    lowest = flagged.filter(pl.col("level") == pl.col("level").min().over("plan"))
    return lowest.group_by("plan").agg(
        flagged_options=pl.len(), flagged_option_id=pl.col("option_id").first()
    )


def _lowest(options: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """The eligible option of the lowest level, where a default method asks for it."""
    asking = plans.filter(default_method=str(DefaultMethod.CURRENT_ELSE_LOWEST)).select("plan")
    rows = options.join(asking, on="plan", how="semi").filter(pl.col("option_type") == OptionType.OPTION)
    rows = rows.sort("level", "display_order").unique("plan", keep="first", maintain_order=True)
    return rows.select("plan", lowest_option_id="option_id")


def _waivers(options: pl.DataFrame) -> pl.DataFrame:
    waivers = options.filter(pl.col("option_type") == OptionType.WAIVE)
    return waivers.select("plan", waiver_option_id="option_id").unique("plan")
