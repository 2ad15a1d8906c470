"""Re-tiering: fewer remain covered than the coverage code demands, and the same plan has a code that fits.

Rare, so everything here answers at once where no event rule row says `retier` (docs/rules.md §4.12).
"""

import polars as pl

from openbenefits.core.codes import PERSON_KINDS, OptionType
from openbenefits.core.columns import with_taken
from openbenefits.eligibility.dependents import counted, is_of_kind
from openbenefits.enrollment.rules.choices import Menus
from openbenefits.enrollment.rules.judged import judged_members
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.offers import Offers

KEY = ["case", "plan_type"]
MIN = {kind: f"{kind}_min" for kind in PERSON_KINDS}
MAX = {kind: f"{kind}_max" for kind in PERSON_KINDS}


def retiers(rulebook: Rulebook) -> bool:
    """Whether any event rule row re-tiers."""
    return bool(rulebook.event_rules["is_retiering"].any())


def with_retiered(
    plans: pl.DataFrame,
    menus: Menus,
    offers: Offers,
    members: pl.DataFrame,
    held_members: pl.DataFrame,
    rulebook: Rulebook,
) -> pl.DataFrame:
    """Add the option that the plan types fall to whose coverage code demands more persons than remain.

    Shapes:  plans with menu, current_option_id and current_plan_id; members the dependents of the cases,
             held_members (case, plan_type, dependent_id) those whom the coverage in force names. Adds
             retier_option_id, null where nothing is re-tiered.
    Source:  docs/rules.md §4.12; rulings §3.4.
    """
    nothing = plans.with_columns(retier_option_id=pl.lit(None, pl.Int32))
    if not retiers(rulebook):
        return nothing
    short = _short(_asked(plans, rulebook), members, held_members, rulebook)
    if short.is_empty():
        return nothing
    found = _fitting(short, menus, offers, rulebook)
    return plans.join(found, on="plan", how="left", maintain_order="left")


def _asked(plans: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """The plan rows of rules that re-tier, with the bounds of the current option's coverage code."""
    ruled = plans.filter(
        pl.col("rule_row").is_not_null()
        & pl.col("menu").is_not_null()
        & pl.col("current_plan_id").is_not_null()
        & ~pl.col("is_reinstated")
    ).select("plan", *KEY, "rule_row", "menu", "plan_row", "current_option_id", "current_plan_id",
             "dependent_rule_id", "price_on")  # fmt: skip
    ruled = with_taken(ruled, rulebook.event_rules, "rule_row", "is_retiering").filter("is_retiering")
    codes = rulebook.options.filter(pl.col("coverage_code_id").is_not_null()).select(
        "plan_row", *MIN.values(), current_option_id="option_id"
    )
    return ruled.join(codes, on=["plan_row", "current_option_id"])


def _short(
    asked: pl.DataFrame, members: pl.DataFrame, held_members: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Keep the plan rows whose coverage code demands more of a kind than remain; adds the counts."""
    if asked.is_empty():
        return asked
    named = held_members.select(*KEY, "dependent_id").join(asked.select(KEY), on=KEY, how="semi")
    unnamed = asked.join(named.select(KEY).unique(), on=KEY, how="anti").select(KEY)
    everybody = unnamed.join(members.select("case", "dependent_id"), on="case")
    judged = judged_members(asked, pl.concat([named, everybody]), members, rulebook)
    counts = (
        judged.filter(pl.col("why_not").is_null())
        .group_by(KEY)
        .agg(is_of_kind(kind).sum().cast(pl.Int64).alias(counted(kind)) for kind in PERSON_KINDS)
    )
    rows = asked.join(counts, on=KEY, how="left").with_columns(
        pl.col(counted(kind)).fill_null(0) for kind in PERSON_KINDS
    )
    return rows.filter(pl.any_horizontal(pl.col(counted(kind)) < pl.col(MIN[kind]) for kind in PERSON_KINDS))


def _fitting(short: pl.DataFrame, menus: Menus, offers: Offers, rulebook: Rulebook) -> pl.DataFrame:
    """Find the eligible option of the same plan that admits who remains: plan, retier_option_id."""
    rows = short.drop(MIN.values()).join(menus.choices, on="menu", maintain_order="left_right")
    rows = with_taken(rows, offers.options, "offer", "option_row", "option_type", "plan_id")
    rows = rows.filter(
        (pl.col("option_type") == OptionType.OPTION) & (pl.col("plan_id") == pl.col("current_plan_id"))
    )
    rows = with_taken(rows, rulebook.options, "option_row", "coverage_code_id", *MIN.values(), *MAX.values())
    fits = [pl.col(counted(kind)).is_between(pl.col(MIN[kind]), pl.col(MAX[kind])) for kind in PERSON_KINDS]
    rows = rows.filter(pl.col("coverage_code_id").is_not_null() & pl.all_horizontal(*fits))
    demanded, admitted = (pl.sum_horizontal(bounds.values()) for bounds in (MIN, MAX))
    ranked = rows.sort("plan", -demanded, admitted, maintain_order=True)
    best = ranked.unique("plan", keep="first", maintain_order=True)
    return best.select("plan", retier_option_id=pl.col("option_id").cast(pl.Int32))
