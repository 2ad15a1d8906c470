"""Which options a person may have, may choose, and gets by default (docs/rules.md §2.5, §4, §8, §9).

People who agree in all that the options of a plan type look at share one *menu*: what is eligible, and what a
default would give, is decided per menu.
"""

from dataclasses import dataclass
from functools import cache

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import GENERAL_TYPES, DefaultMethod, OptionType, SelectAllowed, WaiveRule
from openbenefits.core.columns import (
    cut,
    filled,
    gathered,
    is_among,
    joined,
    located,
    marked,
    spread,
    take,
    true_at,
    where,
    with_taken,
)
from openbenefits.eligibility.dependents import counted, household_suffices
from openbenefits.eligibility.overrides import decided_options, options_decided
from openbenefits.programs.recent import FEW_ROWS
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.offers import Offers

NO_LIMIT = (0, 99)


@dataclass(frozen=True, kw_only=True)
class Menus:
    """What each menu holds.

    menus:     menu (= position), first_choice, choices; flagged_options and flagged_option_id,
               lowest_option_id and waiver_option_id: what the default methods may give.
    choices:   the eligible options of the menus: menu, offer, option_id.
    undecided: the options that cannot be decided: menu, offer.
    """

    menus: pl.DataFrame
    choices: pl.DataFrame
    undecided: pl.DataFrame


def with_menu(
    plans: pl.DataFrame, cases: pl.DataFrame, overrides: pl.DataFrame, offers: Offers
) -> tuple[pl.DataFrame, Menus]:
    """Give every plan row that offers anything its menu; a case with overrides has menus of its own.

    Shapes:  plans has case, plan_day (null: offers nothing) and the counts of the household; cases has
             verdict, rules_met, rules_undecided, geographies_met. Adds `menu`.
    """
    keyed = _menu_keys(plans, cases, overrides, offers)
    in_order = keyed.height <= FEW_ROWS  # then the same is asked in the same order
    known = keyed[true_at(keyed["key"].is_not_null())]
    distinct = known.unique("key", keep="any", maintain_order=in_order)
    distinct = distinct.with_row_index("menu")
    numbers = distinct[["key", "menu"]].cast({"menu": pl.Int32})
    menu = joined(keyed[["key"]], numbers, "key", how="left", maintain_order="left")["menu"]
    words = ("rules_met", "rules_undecided", "geographies_met")
    asked = with_taken(distinct, cases, "case", *words)
    if overrides.is_empty():
        shared = cut(asked, "key", "case", "verdict")
        menus = offers.recent.answer_of("menus", shared, lambda: _menus(asked, overrides, offers))
    else:
        menus = _menus(asked, overrides, offers)
    return plans.hstack([menu]), menus


def _menus(asked: pl.DataFrame, overrides: pl.DataFrame, offers: Offers) -> Menus:
    choices, undecided = _decided_options(asked, overrides, offers)
    menus = _with_defaults(asked[["menu"]], choices, offers)
    return Menus(menus=menus, choices=choices, undecided=undecided)


def _menu_keys(
    plans: pl.DataFrame, cases: pl.DataFrame, overrides: pl.DataFrame, offers: Offers
) -> pl.DataFrame:
    """Pack what a menu depends on; of the household only as many count as coverage codes demand."""
    kinds = [kind for kind in offers.kinds if (offers.days[f"most_{kind}"] > 0).any()]
    rows = plans.select("case", "plan_day", *(counted(kind) for kind in offers.kinds))
    rows = rows.with_columns(gathered(cases["verdict"], rows["case"]))
    key = pl.col("plan_day").cast(pl.Int64) * cases.height + pl.col("verdict")
    demanded = take(offers.days, rows["plan_day"], *(f"most_{kind}" for kind in kinds))
    rows = rows.with_columns(
        pl.min_horizontal(pl.col(counted(kind)).cast(pl.Int64), most)
        for kind, most in zip(kinds, demanded, strict=True)
    )
    for kind in kinds:
        largest = int(offers.days[f"most_{kind}"].max() or 0)  # type: ignore[arg-type]
        key = key * (largest + 1) + pl.col(counted(kind))
    decided = options_decided(overrides)[["case"]]
    if decided.height:
        decided = decided.unique().with_row_index("own_menu", offset=1)
        own = joined(rows[["case"]], decided, "case", how="left", maintain_order="left")
        rows = rows.with_columns(own["own_menu"].cast(pl.Int64).fill_null(0))
        key = key * (decided.height + 1) + pl.col("own_menu")
    return rows.with_columns(key=key)


def _decided_options(
    menus: pl.DataFrame, overrides: pl.DataFrame, offers: Offers
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """List the options of each menu: those that are eligible, and those that cannot be decided."""
    rows = with_taken(menus, offers.days, "plan_day", "first_offer", "offers")
    rows = spread(rows, "first_offer", "offers", "offer")
    columns = ("option_id", "rule_bit", "geography_bit", *(f"{kind}_min" for kind in offers.kinds))
    rows = with_taken(rows, offers.options, "offer", *columns).filter(household_suffices(offers.kinds))
    rule, area = pl.col("rule_bit"), pl.col("geography_bit")
    met = (pl.col("rules_met") & rule) == rule
    lives_there = (area == 0) | ((pl.col("geographies_met") & area) == area)
    undecided = ((pl.col("rules_undecided") & rule) != 0) & lives_there.fill_null(value=True)
    unknown_area = (area != 0) & pl.col("geographies_met").is_null() & met
    rows = rows.with_columns(
        is_eligible=met & lives_there.fill_null(value=False), is_undecided=undecided | unknown_area
    )
    rows = decided_options(rows, overrides)
    eligible = where(rows, "is_eligible")[["menu", "offer", "option_id"]]
    return eligible, where(rows, "is_undecided")[["menu", "offer"]]


def _with_defaults(menus: pl.DataFrame, choices: pl.DataFrame, offers: Offers) -> pl.DataFrame:
    """Add the range of each menu's options, and what the default methods would take from it."""
    rows = with_taken(choices, offers.options, "offer", "option_type", "level", "is_default")
    at = pl.int_range(pl.len(), dtype=pl.Int64)
    is_option = pl.col("option_type") == OptionType.OPTION
    ranked = pl.when(is_option).then(pl.col("level") * pl.len().cast(pl.Int64) + at)
    rows = rows.with_columns(
        waiver=pl.when(pl.col("option_type") == OptionType.WAIVE).then(at),
        lowest=ranked,
        flagged=pl.when("is_default").then(ranked),
    )
    taken = rows.group_by("menu", maintain_order=True).agg(
        pl.len().cast(pl.Int32).alias("choices"), pl.col("waiver", "lowest", "flagged").min()
    )
    taken = _with_ties(taken, rows)
    found = [
        gathered(choices["option_id"], taken[name] % max(rows.height, 1)).alias(f"{name}_option_id")
        for name in ("flagged", "lowest", "waiver")
    ]
    taken = taken.hstack(found)[["menu", "choices", *_DEFAULTS]]
    first = pl.col("choices").cum_sum() - pl.col("choices")
    taken = taken.with_columns(first_choice=first.cast(pl.Int32))
    wanted = joined(menus, taken, "menu", how="left", maintain_order="left")
    return wanted.with_columns(pl.col("choices", "flagged_options").fill_null(0))


def _with_ties(taken: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Add flagged_options: how many options flagged as default stand at the lowest level of such a one.

    Shapes: `flagged` is level × rows + row, null where there is none, in both; of a menu it is the least.
    """
    flagged = rows[["menu", "flagged"]].drop_nulls("flagged")
    least = joined(flagged, taken.select("menu", least="flagged"), "menu", how="left", maintain_order="left")
    tied = least.filter(pl.col("flagged") // rows.height == pl.col("least") // rows.height)
    counts = tied["menu"].value_counts(name="flagged_options")
    return joined(taken, counts, "menu", how="left", maintain_order="left")


def options_of_menus(plans: pl.DataFrame, menus: Menus, offers: Offers) -> pl.DataFrame:
    """Write out the eligible options of every plan row: case, plan, offer and the option's columns."""
    rows = with_taken(plans[["case", "plan", "menu"]], menus.menus, "menu", "first_choice", "choices")
    rows = spread(rows, "first_choice", "choices", "choice")
    offer = gathered(menus.choices["offer"], rows["choice"])
    columns = ("option_id", "option_row", "option_type", "plan_id", "level", "rule_bit")
    return rows[["case", "plan"]].hstack([offer, *take(offers.options, offer, *columns)])


def undecided_options(plans: pl.DataFrame, menus: Menus) -> pl.DataFrame:
    """List plan and offer of the options that cannot be decided."""
    if menus.undecided.is_empty():
        return plans[["plan"]].clear().hstack(menus.undecided[["offer"]])
    return joined(plans[["plan", "menu"]], menus.undecided, "menu")[["plan", "offer"]]


# --- what may be chosen -----------------------------------------------------------------------------------


def with_loss(plans: pl.DataFrame, menus: Menus, rulebook: Rulebook) -> pl.DataFrame:
    """Add what the current option means: eligible or lost, its level and plan, if the program has it.

    What is in force in a plan type outside the program is lost. Where nothing is offered for want of a
    rule or a calendar, nothing is lost.
    """
    held = plans.select("plan", "menu", "plan_row", option_id="current_option_id")
    held = held[true_at(held["option_id"].is_not_null())]
    eligible = joined(held, menus.choices, ["menu", "option_id"], how="semi")["plan"]
    known = rulebook.derived.answer("levels", lambda: _levels(rulebook.options))
    in_program = joined(held, known, ["plan_row", "option_id"])
    at = located(plans["plan"], in_program["plan"], plans.height)
    is_eligible = marked(eligible, plans.height)
    is_offered = pl.col("menu").is_not_null() | (pl.col("is_ending") & ~pl.col("is_ignored"))
    return plans.with_columns(
        take(in_program, at, "current_level", "current_plan_id"),
        is_current_eligible=is_eligible,
        is_lost=pl.col("keeps_current") & ~is_eligible & is_offered,
        comes_back=_comes_back(plans, menus, is_eligible),
    )


def _levels(options: pl.DataFrame) -> pl.DataFrame:
    return options.select("plan_row", "option_id", current_level="level", current_plan_id="plan_id")


def _comes_back(plans: pl.DataFrame, menus: Menus, is_eligible: pl.Series) -> pl.Series:
    """Whether what is reinstated can be: the option is eligible, or there is a waiver to come back to."""
    reinstated = plans["is_reinstated"]
    if not reinstated.any():
        return reinstated
    waivers = with_taken(plans[["menu"]], menus.menus, "menu", "waiver_option_id")["waiver_option_id"]
    return reinstated & (is_eligible | (plans["is_waived_now"] & waivers.is_not_null()))


def electable(options: pl.DataFrame, plans: pl.DataFrame, prior: pl.DataFrame) -> pl.DataFrame:
    """Add is_current and is_electable.

    Shapes:  prior has case and option_id, the options of the last prepared event, for `use_history`.
    """
    current = gathered(plans["current_option_id"], options["plan"])
    is_current = filled(options["option_id"] == current, value=False).alias("is_current")
    options = options.hstack([is_current])
    allowed = _allowed(plans, options, prior)
    options = options.with_columns(is_electable=~is_among("option_type", GENERAL_TYPES))
    bound = (allowed["allowed"] != SelectAllowed.ALL.value) | allowed["limit"].is_not_null()
    at = true_at(gathered(bound, options["plan"]))
    if at.is_empty():
        return options
    rows = options[["plan", "option_type", "plan_id", "level", "is_current", "is_electable"]][at]
    rows = with_taken(rows, allowed, "plan", "allowed", "limit", "current_plan_id", "from_level")
    answer = rows.select(pl.col("is_electable") & _is_selected() & _is_within_level()).to_series()
    return options.with_columns(options["is_electable"].clone().scatter(at, answer))


def _allowed(plans: pl.DataFrame, options: pl.DataFrame, prior: pl.DataFrame) -> pl.DataFrame:
    """Say what may be selected, and how far one may rise: allowed, limit, from_level, current_plan_id.

    The limit is null where none binds: 0 and 99 mean no limit, and a current option that is not in the
    program has no level to rise from.
    """
    every, none = pl.lit(str(SelectAllowed.ALL)), pl.lit(str(SelectAllowed.NONE))
    is_gained = marked(_gained(plans, options, prior), plans.height)
    by_history = pl.when(is_gained).then(every).otherwise(none)
    allowed = (
        pl.when(pl.col("retier_option_id").is_not_null())
        .then(none)
        .when("is_lost")
        .then(every)
        .when("comes_back")
        .then(none)
        .when("use_history")
        .then(by_history)
        .otherwise("select_allowed")
    )
    limit, from_level = _rise()
    return plans.select(
        allowed=allowed.fill_null(none),
        limit=limit,
        from_level=from_level,
        current_plan_id="current_plan_id",
    )


@cache
def _rise() -> tuple[pl.Expr, pl.Expr]:
    """How many levels one may rise (null: no limit), and from which."""
    has_current = pl.col("current_option_id").is_not_null()
    limit = pl.when(has_current).then("level_limit").otherwise("waived_level_limit")
    binds = ~limit.is_in(list(NO_LIMIT)) & (~has_current | pl.col("current_level").is_not_null())
    return pl.when(binds).then(limit), pl.when(has_current).then("current_level").otherwise(0)


def is_above_level_limit() -> pl.Expr:
    """Whether an option of some level is further up than one may rise; reads columns of its plan row."""
    limit, from_level = _rise()
    return pl.col("level").cast(pl.Int32) - from_level > limit


def _gained(plans: pl.DataFrame, options: pl.DataFrame, prior: pl.DataFrame) -> pl.Series:
    """Name the plan rows, of rules that use history, with an option that the last event did not have."""
    if not plans["use_history"].any():
        return plans["plan"].clear()
    watching = plans[["plan", "case", "use_history"]].filter("use_history")
    offered = options.filter(pl.col("option_type") == OptionType.OPTION)[["plan", "case", "option_id"]]
    watched = joined(offered, watching[["plan"]], "plan", how="semi")
    gained = joined(watched, prior, ["case", "option_id"], how="anti")["plan"]
    known = prior[["case"]].unique()
    first = joined(watching, known, "case", how="anti")["plan"]
    return pl.concat([gained, first]).unique()


@cache
def _is_selected() -> pl.Expr:
    """Whether what may be selected admits an option; of the current plan every option counts."""
    allowed, is_waiver = pl.col("allowed"), pl.col("option_type") == OptionType.WAIVE
    or_waive = allowed == SelectAllowed.CURRENT_OR_WAIVE
    same_plan = (pl.col("plan_id") == pl.col("current_plan_id")).fill_null(value=False)
    return (
        pl.when(allowed == SelectAllowed.ALL)
        .then(pl.lit(value=True))
        .when(is_waiver)
        .then(or_waive)
        .when(or_waive | (allowed == SelectAllowed.CURRENT))
        .then(same_plan | pl.col("is_current"))
        .otherwise(pl.lit(value=False))
    )


@cache
def _is_within_level() -> pl.Expr:
    """Whether the option is within the levels one may rise; a waiver always is."""
    is_waiver = pl.col("option_type") == OptionType.WAIVE
    rise = pl.col("level").cast(pl.Int32) - pl.col("from_level")
    return is_waiver | pl.col("limit").is_null() | (rise <= pl.col("limit")).fill_null(value=True)


# --- evidence of insurability ---------------------------------------------------------------------------

_PROOF = (
    *("proof_from_level", "proof_above_cents", "waived_proof_from_level", "waived_proof_above_cents"),
    *("approved_cents", "current_coverage_cents", "is_in_force", "proof_rise", "current_level"),
)


def with_proof(options: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """Add is_proof_required and approved_coverage_cents (what is billed until proof is approved)."""
    coverage = options["coverage_cents"]
    options = options.with_columns(
        is_proof_required=pl.lit(value=False), approved_coverage_cents="coverage_cents"
    )
    at = true_at(coverage.is_not_null())
    if at.is_empty():
        return options
    judged = _judged(with_taken(options[["plan", "level", "coverage_cents"]][at], plans, "plan", *_PROOF))
    return options.with_columns(
        options["is_proof_required"].clone().scatter(at, judged["is_proof_required"]),
        options["approved_coverage_cents"].clone().scatter(at, judged["approved_coverage_cents"]),
    )


def _judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Decide, for options with a coverage amount, whether proof is required and what is billed until then."""
    terms, verdict = _proof()
    return rows.with_columns(**terms).select(**verdict)


@cache
def _proof() -> tuple[dict[str, pl.Expr], dict[str, pl.Expr]]:
    """What proof depends on, and what follows from that."""
    guaranteed = pl.when("is_in_force").then("proof_above_cents").otherwise("waived_proof_above_cents")
    from_level = pl.when("is_in_force").then("proof_from_level").otherwise("waived_proof_from_level")
    held = pl.when("is_in_force").then("current_coverage_cents").fill_null(0)
    coverage = pl.col("coverage_cents")
    rise = pl.col("level").cast(pl.Int32) - pl.col("current_level")
    rises_too_far = ~pl.col("proof_rise").is_in(list(NO_LIMIT)) & (rise > pl.col("proof_rise"))
    terms = {
        "approved": money.maximum(pl.col("approved_cents").fill_null(0), held),
        "guaranteed": guaranteed,
        "fires": (coverage > guaranteed).fill_null(value=False)
        | (pl.col("level") >= from_level).fill_null(value=False)
        | rises_too_far.fill_null(value=False),
    }
    required = (coverage > pl.col("approved")) & pl.col("fires")
    most = money.maximum(pl.col("approved"), pl.col("guaranteed").fill_null(0))
    billed = money.minimum(coverage, most)
    until_then = pl.when(required).then(billed).otherwise(coverage)
    return terms, {"is_proof_required": required, "approved_coverage_cents": until_then}


# --- defaults -----------------------------------------------------------------------------------------

KEEPS_CURRENT = (
    DefaultMethod.CURRENT_ELSE_NONE,
    DefaultMethod.CURRENT_ELSE_OPTION,
    DefaultMethod.CURRENT_ELSE_LOWEST,
)
NEEDS_OPTION = (DefaultMethod.OPTION, DefaultMethod.CURRENT_ELSE_OPTION)


_DEFAULTS = ("flagged_options", "flagged_option_id", "lowest_option_id", "waiver_option_id")


def with_default(plans: pl.DataFrame, menus: Menus) -> pl.DataFrame:
    """Add default_option_id, default_reason, default_fault and is_changed_by_default to plan rows.

    default_reason: current, reinstated, retiered, default option, lowest level, waiver, ends, untouched,
                    nothing.
    default_fault:  null, 'none' (no eligible default), 'several' (a tie at the lowest level).
    """
    rows = with_taken(plans, menus.menus, "menu", *_DEFAULTS)
    rows = rows.with_columns(**_ways()).with_columns(**_outcomes())
    rows = rows.with_columns(_reason=_reason(), is_changed_by_default=_is_changed())
    reason = _REASONS[rows["_reason"].cast(pl.UInt32)].alias("default_reason")
    gone = {*_DEFAULTS, *_ways(), "_reason", "is_untouched", "is_waived_now"}
    return rows.hstack([reason])[[name for name in (*rows.columns, "default_reason") if name not in gone]]


@cache
def _ways() -> dict[str, pl.Expr]:
    """Which ways of a default are open to a plan row: columns, as several expressions look at each."""
    method = pl.col("default_method")
    is_offered = pl.col("menu").is_not_null() & ~pl.col("is_program")
    falls, waived = pl.col("retier_option_id").is_not_null(), pl.col("is_waived_now")
    back, keeps = pl.col("comes_back") & is_offered, is_among("default_method", KEEPS_CURRENT)
    held = keeps & pl.col("keeps_current") & pl.col("is_current_eligible")
    free = ~back & ~falls
    stays_waived = keeps & waived & pl.col("waiver_option_id").is_not_null() & free
    enters = ~pl.col("is_barred") & free & ~stays_waived
    return {
        "_is_offered": is_offered,
        "_falls": falls,
        "_keeps": (held | (back & ~waived)) & ~falls,
        "_leaves": (method == DefaultMethod.LEAVE) & is_offered & free,
        "_flagged": is_among("default_method", NEEDS_OPTION) & enters,
        "_lowest": (method == DefaultMethod.CURRENT_ELSE_LOWEST) & enters,
        "_waives": ((method == DefaultMethod.WAIVE) & free) | (back & waived) | stays_waived,
    }


@cache
def _outcomes() -> dict[str, pl.Expr]:
    """The option a default gives by the ways that are open, and what stands in its way."""
    option = (
        pl.when(~pl.col("_is_offered"))
        .then(None)
        .when("_falls")
        .then("retier_option_id")
        .when(pl.col("_keeps") | pl.col("_leaves"))
        .then("current_option_id")
        .when(pl.col("_flagged") & (pl.col("flagged_options") == 1))
        .then("flagged_option_id")
        .when("_lowest")
        .then("lowest_option_id")
        .when("_waives")
        .then("waiver_option_id")
    )
    return {
        "default_option_id": option,
        "is_untouched": pl.col("_leaves") | pl.col("is_ignored") | pl.col("is_program"),
        "default_fault": _fault(),
    }


def with_resizing(plans: pl.DataFrame, options: pl.DataFrame) -> pl.DataFrame:
    """Count the same option at another amount of coverage as a change: pay, age or formula has moved it."""
    at = true_at(options["is_default"] & options["is_current"])
    kept = options[["plan", "approved_coverage_cents"]][at]
    kept = with_taken(kept, plans, "plan", "default_reason", "current_coverage_cents")
    moved = pl.col("approved_coverage_cents").ne_missing(pl.col("current_coverage_cents"))
    resized = kept.filter(moved & (pl.col("default_reason") != "untouched"))["plan"]
    if resized.is_empty():
        return plans
    is_resized = pl.col("plan").is_in(resized.implode())
    return plans.with_columns(is_changed_by_default=pl.col("is_changed_by_default") | is_resized)


_REASONS = pl.Series(
    "default_reason",
    ["untouched", "retiered", "reinstated", "current", "default option", "lowest level", "waiver", "ends",
     "nothing"],
)  # fmt: skip


@cache
def _reason() -> pl.Expr:
    """The place of the reason among _REASONS: small numbers are chosen faster than words."""
    has = pl.col("default_option_id").is_not_null()
    conditions = [
        pl.col("is_untouched"),
        has & pl.col("_falls"),
        has & pl.col("_keeps") & pl.col("is_reinstated"),
        has & pl.col("_keeps"),
        has & pl.col("_flagged"),
        has & pl.col("_lowest"),
        has & pl.col("_waives"),
        pl.col("is_in_force") | pl.col("is_ending"),
    ]
    places = [pl.when(holds).then(pl.lit(place, pl.UInt8)) for place, holds in enumerate(conditions)]
    return pl.coalesce(*places, pl.lit(len(conditions), pl.UInt8))


def _fault() -> pl.Expr:
    flagged, is_settled = pl.col("_flagged"), ~pl.col("_is_offered") | pl.col("_keeps") | pl.col("_falls")
    several = flagged & (pl.col("flagged_options") > 1)
    unwaivable = (pl.col("waive_rule") != WaiveRule.NOT_APPLICABLE) & pl.col("waiver_option_id").is_null()
    missing = (flagged & (pl.col("flagged_options") == 0)) | (pl.col("_waives") & unwaivable)
    return (
        pl.when(is_settled)
        .then(None)
        .when(several)
        .then(pl.lit("several"))
        .when(missing)
        .then(pl.lit("none"))
    )


@cache
def _is_changed() -> pl.Expr:
    """Whether doing nothing would change what is in force; accounts that lapse are in force until then."""
    default = pl.col("default_option_id")
    is_waiver = (default == pl.col("waiver_option_id")).fill_null(value=False)
    differs = default.ne_missing(pl.col("current_option_id")) | pl.col("is_lost")
    offered = (
        pl.when("comes_back")
        .then(pl.lit(value=True))
        .when("is_untouched")
        .then(pl.lit(value=False))
        .when(default.is_null())
        .then("is_in_force")
        .when(is_waiver)
        .then(~pl.col("is_waived_now"))
        .otherwise(differs)
    )
    ending = pl.col("is_ending") & ~pl.col("is_ignored")
    return pl.when("_is_offered").then(offered).otherwise(ending)
