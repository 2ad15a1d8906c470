"""Prepare events: from facts and set-up to options, prices, defaults, dates and a status.

This is the kernel's one entry for open enrolments of a million and for one marriage on a web request. It
knows no database and no clock; it returns frames, messages and a status per case, and never raises for a
person's data.
"""

from dataclasses import dataclass, field, replace
from functools import cache

import polars as pl

from openbenefits.core.codes import ProcessStatus
from openbenefits.core.columns import (
    case_and_plan_type,
    distinct,
    filled,
    gathered,
    is_among,
    joined,
    located,
    marked,
    take,
    true_at,
    where,
    with_taken,
)
from openbenefits.core.plan_types import HEALTH, is_one_of
from openbenefits.eligibility.dependents import DEPENDENT_RULE, counted, eligible_members, households
from openbenefits.eligibility.overrides import no_overrides
from openbenefits.eligibility.programs import assign_programs
from openbenefits.eligibility.rules import Eligibility, evaluate
from openbenefits.enrollment.rules import choices, control
from openbenefits.enrollment.rules.dates import with_dates
from openbenefits.enrollment.rules.ignored import lost_but_ignored
from openbenefits.enrollment.rules.messages import preparation_messages
from openbenefits.enrollment.rules.plans import COVERED, plan_rows_of
from openbenefits.enrollment.rules.reinstated import (
    nothing_ended,
    nothing_reduced,
    with_reinstated,
    without_refused,
)
from openbenefits.enrollment.rules.retiered import with_retiered
from openbenefits.programs.rulebook import Rulebook, used_kinds
from openbenefits.rating.rules.bases import base_pay, no_benefit_bases, no_job_history
from openbenefits.rating.rules.coverage import with_coverage
from openbenefits.rating.rules.decided import no_price_decisions
from openbenefits.rating.rules.imputed import with_imputed_income
from openbenefits.rating.rules.offers import Offers, find_offers, version_on
from openbenefits.rating.rules.price_days import no_pay_history
from openbenefits.rating.rules.prices import with_prices
from openbenefits.rating.rules.quotes import find_quotes


@cache
def no_jobs() -> pl.DataFrame:
    """Answer the frame of a situation in which nobody asks about other jobs than the primary."""
    return pl.DataFrame(schema={"case": pl.Int32, "job_number": pl.Int16})


CONTRIBUTIONS = {
    "case": pl.Int32,
    "plan_type": pl.String,
    "ends_on": pl.Date,
    "owed_cents": pl.Int64,
}


@cache
def no_contributions() -> pl.DataFrame:
    """Answer the frame of a situation in which nothing was contributed to an account."""
    return pl.DataFrame(schema=CONTRIBUTIONS)


BROUGHT = {
    "case": pl.Int32,
    "annual_limit": pl.String,
    "limit_year": pl.Int32,
    "brought_cents": pl.Int64,
}


@cache
def nothing_brought() -> pl.DataFrame:
    """Answer the frame of a situation in which nobody put anything in at another employer."""
    return pl.DataFrame(schema=BROUGHT)


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What is known of the people whose events are prepared; columns as in `enrollment.frames`.

    cases:    one row per event, `case` its position.
    members:  dependents as of the event date.
    in_force: coverage in force on the day before the event date (`is_future`: only to begin later).
    approved: coverage amounts approved by evidence, per case and plan type.
    prior:    options of the last prepared event, per case.
    chosen:   plan types whose covered dependents are settled (by an election, or by coverage kept), and
              chosen_members those dependents: prices then count them, not everybody eligible.
    jobs:     every job of the person on the event date, of whatever benefit record, ended ones included
              (`workforce.frames.CaseJobs`): case, job_number, benefit_record, is_of_record, is_primary (the
              job of `cases`), is_for_eligibility, is_active, and the columns of a job. Loaded only where
              the set-up looks at more than the primary job (`Rulebook.looks_at_jobs`).
    pay_history: annual pay by day, as PAY_HISTORY of `rating.rules.price_days`; needed only where a
              calculation rule, or a formula, takes pay as of another day than the event's.
    benefit_bases: annual benefits bases of each type by day, as BENEFIT_BASES of `rating.rules.bases`; needed
              only where a formula takes one.
    job_history: every job by day, as JOB_HISTORY of `rating.rules.bases`; needed only where a formula takes
              the pay of a group of jobs on another day.
    overrides: what somebody decided about programs and options in place of the rules, for this event alone
              (`eligibility.overrides`): case, program_id, option_id (null: the program), is_eligible, author,
              reason.
    price_decisions: what somebody decided about prices of the person, as PRICE_DECISIONS of
              `rating.rules.decided`.
    held_members: dependents covered by what is in force: case, plan_type, dependent_id.
    left:     plan types left, per case: left_on, the first day without (control.LEFT).
    ended:    what ended last and has not begun again, per case and plan type (reinstated.ENDED), with
              is_only_ended: nothing is in force there, nor elected. Needed only where a rule reinstates.
    contributions: what pays take of pledges, as CONTRIBUTIONS (null: unknown); read only when elections are
              checked, and events settled.
    brought:  what was put in at other employers under legal limits, as BROUGHT.
    reduced:  pledges that come back smaller than they ended, as `reinstated.REDUCED`; read only when events
              are settled.
    """

    cases: pl.DataFrame
    members: pl.DataFrame
    in_force: pl.DataFrame
    approved: pl.DataFrame
    prior: pl.DataFrame
    chosen: pl.DataFrame
    chosen_members: pl.DataFrame
    jobs: pl.DataFrame = field(default_factory=no_jobs)
    pay_history: pl.DataFrame = field(default_factory=no_pay_history)
    benefit_bases: pl.DataFrame = field(default_factory=no_benefit_bases)
    overrides: pl.DataFrame = field(default_factory=no_overrides)
    price_decisions: pl.DataFrame = field(default_factory=no_price_decisions)
    held_members: pl.DataFrame = field(default_factory=control.no_held_members)
    left: pl.DataFrame = field(default_factory=control.nobody_left)
    ended: pl.DataFrame = field(default_factory=nothing_ended)
    job_history: pl.DataFrame = field(default_factory=no_job_history)
    contributions: pl.DataFrame = field(default_factory=no_contributions)
    brought: pl.DataFrame = field(default_factory=nothing_brought)
    reduced: pl.DataFrame = field(default_factory=nothing_reduced)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The steps in between, for the explanation: the same frames the result was made from."""

    eligibility: Eligibility
    offers: Offers
    quotes: pl.DataFrame
    members: pl.DataFrame
    closed: pl.DataFrame  # options closed by re-entry or a change of persons (control.CLOSED)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The result of a preparation: statuses per case, plan types, priced options, messages."""

    cases: pl.DataFrame
    plans: pl.DataFrame
    options: pl.DataFrame
    messages: pl.DataFrame
    trace: Trace


def prepare(situation: Situation, rulebook: Rulebook) -> Prepared:
    """Prepare every case: program, options, prices, credits, defaults, dates, proof, status.

    Shapes:  see Situation; the result's `plans` has one row per case and plan type, `options` one per
             eligible option.
    Missing: nothing missing becomes 0 or eligible; it becomes a message and an error status.
    Source:  docs/rules.md.
    """
    eligibility = evaluate(_with_pay_group(situation.cases, rulebook), situation.jobs, rulebook)
    covered = situation.in_force[["case", "kind"]].filter(is_among("kind", COVERED))
    cases = assign_programs(eligibility, covered, situation.overrides, rulebook)
    plans = with_dates(plan_rows_of(cases, situation.in_force, rulebook), cases, rulebook)
    plans = with_reinstated(plans, cases, situation.ended, rulebook)
    situation = _without_refused(situation, plans)
    plans, offers, members = priced_plans(plans, cases, situation, rulebook)
    plans, menus = choices.with_menu(plans, cases, situation.overrides, offers)
    plans = control.with_barred(choices.with_loss(plans, menus, rulebook), situation.left, rulebook)
    plans = with_retiered(plans, menus, offers, situation.members, situation.held_members, rulebook)
    plans = choices.with_default(plans, menus)
    options = choices.options_of_menus(plans, menus, offers)
    options = choices.electable(options, plans, situation.prior)
    options, closed = control.with_closed(
        options, plans, situation.members, situation.held_members, offers, rulebook
    )
    options, quotes = price_options(options, plans, members, cases, offers, rulebook, situation)
    options = _with_default_flag(choices.with_proof(options, plans), plans)
    plans = choices.with_resizing(_with_choice(plans, options, menus), options)
    undecided = choices.undecided_options(plans, menus)
    ignored = lost_but_ignored(plans, eligibility, situation.overrides, rulebook)
    messages = preparation_messages(cases, plans, options, undecided, ignored, offers)
    return Prepared(
        cases=_with_final_status(cases, plans, messages),
        plans=plans,
        options=options,
        messages=messages,
        trace=Trace(eligibility=eligibility, offers=offers, quotes=quotes, members=members, closed=closed),
    )


def _without_refused(situation: Situation, plans: pl.DataFrame) -> Situation:
    """Forget the dependents of what ended and does not come back: nobody is covered there."""
    if situation.ended.is_empty():
        return situation
    held = {
        name: without_refused(getattr(situation, name), situation.ended, plans)
        for name in ("chosen", "chosen_members", "held_members")
    }
    return replace(situation, **held)


def _with_pay_group(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add pay_group_id: null where the job's pay group is unknown or inactive."""
    groups = rulebook.derived.answer("active pay groups", lambda: _active_pay_groups(rulebook))
    return joined(cases, groups, ["client_id", "pay_group"], how="left", maintain_order="left")


def _active_pay_groups(rulebook: Rulebook) -> pl.DataFrame:
    return where(rulebook.pay_groups, "is_active").select("client_id", "pay_group_id", pay_group="code")


def priced_plans(
    plans: pl.DataFrame, cases: pl.DataFrame, situation: Situation, rulebook: Rulebook
) -> tuple[pl.DataFrame, Offers, pl.DataFrame]:
    """Add what pricing needs to plan rows: pricing day, offers, household, pay facts, approved amounts."""
    facts = take(cases, plans["case"], "event_on", "annual_pay_cents", "birth_on", "pay_group_id")
    plans = plans.with_columns(facts)
    is_known = pl.col("coverage_begins_on").is_not_null() | (
        pl.col("is_program") & pl.col("rule_row").is_null()
    )
    plans = plans.with_columns(
        price_on=pl.coalesce("coverage_begins_on", "event_on"),
        deduction_on=pl.when("is_program")
        .then(pl.coalesce("coverage_begins_on", "event_on"))
        .otherwise("deduction_begins_on"),
        is_offering=is_known & ~pl.col("is_ignored") & ~pl.col("is_ending"),
    ).with_columns(pay_year=pl.col("pay_group_id").cast(pl.Int64) * 10_000 + pl.col("price_on").dt.year())
    plans, plan_days = _with_plan_day(plans)
    plans, members = _with_household(plans, situation, rulebook)
    approved = located(*case_and_plan_type(plans, situation.approved))
    plans = plans.hstack(take(situation.approved, approved, "approved_cents"))
    return plans, find_offers(plan_days, rulebook), members


def _with_plan_day(plans: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Number the distinct pairs of plan row and pricing day of the plan rows that offer something."""
    offering = true_at(plans["is_offering"])
    asked = plans[["plan_row", "price_on"]][offering]
    day = asked["price_on"].cast(pl.Int32)
    first, last = day.min() or 0, day.max() or 0
    days = int(last) - int(first) + 1  # type: ignore[arg-type]
    packed = asked["plan_row"].cast(pl.Int64) * days + (day - first)
    rows, which = distinct(packed, (int(asked["plan_row"].max() or 0) + 1) * days)  # type: ignore[arg-type]
    plan_days = asked[rows].with_row_index("plan_day").cast({"plan_day": pl.Int32})
    nothing = pl.Series("plan_day", [None], pl.Int32).new_from_index(0, plans.height)
    return plans.hstack([nothing.scatter(offering, which)]), plan_days


def _with_household(
    plans: pl.DataFrame, situation: Situation, rulebook: Rulebook
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Number the households plan rows share (case, dependent rule, day) and count who is eligible.

    A plan type whose covered dependents are settled has a household of its own (`chosen_for`).
    """
    if situation.members.height:
        return _with_some_household(plans, situation, rulebook)
    counts = [counted(kind) for kind in used_kinds(rulebook)]
    nobody: pl.DataFrame = rulebook.derived.answer(
        ("nobody", *situation.members.columns), lambda: _with_some_household(plans, situation, rulebook)[1]
    )
    alone = [pl.lit(0, pl.Int16).alias(name) for name in counts]
    return plans.with_columns(pl.lit(None, pl.Int32).alias("plan_unit"), *alone), nobody


def _with_some_household(
    plans: pl.DataFrame, situation: Situation, rulebook: Rulebook
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Do it where somebody has a dependent; else there is nothing to number."""
    key = ["case", "dependent_rule_id", "price_on", "chosen_for"]
    chosen = situation.chosen.select("case", "plan_type", chosen_for="plan_type").unique()
    looks = gathered(rulebook.plan_rows["looks_at_household"], plans["plan_row"]).fill_null(value=False)
    is_health = (is_one_of(HEALTH) | looks) & pl.col("plan_day").is_not_null()
    is_household = pl.col("case").is_in(situation.members["case"].unique().implode())
    asked = plans[["plan", "case", "plan_type", "dependent_rule_id", "price_on", "plan_day"]]
    asked = joined(asked.filter(is_health & is_household), chosen, ["case", "plan_type"], how="left")
    units = asked[key].unique().with_row_index("plan_unit").cast({"plan_unit": pl.Int32})
    eligible = eligible_members(joined(situation.members, _with_dependent_rule(units, rulebook), "case"))
    kinds = used_kinds(rulebook)
    counts = [counted(kind) for kind in kinds]
    counted_units = households(eligible, kinds)[["plan_unit", *counts]]
    of_plans = joined(joined(asked, units, key, nulls_equal=True), counted_units, "plan_unit", how="left")
    found = joined(
        plans[["plan"]], of_plans[["plan", "plan_unit", *counts]], "plan", how="left", maintain_order="left"
    )
    found = found.select("plan_unit", pl.col(counts).fill_null(0))
    return plans.hstack(found.get_columns()), _charged(eligible, situation.chosen_members)


def _with_dependent_rule(units: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add the dependent rule that holds on the day of each household."""
    rules = rulebook.dependent_rules.with_row_index("rule_position")
    ruled = version_on(units, rules, "dependent_rule_id", "rule_position")
    return with_taken(
        ruled,
        rules,
        "rule_position",
        *DEPENDENT_RULE,
    )


def _charged(eligible: pl.DataFrame, chosen_members: pl.DataFrame) -> pl.DataFrame:
    """Keep, of households that are settled, only the dependents chosen."""
    known = [name for name in eligible.columns if name != "chosen_for"]
    if eligible["chosen_for"].null_count() == eligible.height:
        return eligible[known]
    free = eligible.filter(pl.col("chosen_for").is_null())
    chosen = joined(
        eligible.filter(pl.col("chosen_for").is_not_null()),
        chosen_members.select("case", "dependent_id", chosen_for="plan_type"),
        ["case", "dependent_id", "chosen_for"],
        how="semi",
    )
    return pl.concat([free, chosen])[known]


def price_options(
    options: pl.DataFrame,
    plans: pl.DataFrame,
    members: pl.DataFrame,
    cases: pl.DataFrame,
    offers: Offers,
    rulebook: Rulebook,
    situation: Situation,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add coverage amounts and prices to options; also give the quotes, for the explanation."""
    bases = bases_of(situation, rulebook)
    covered = with_coverage(options, plans, offers, rulebook, bases)
    covered = covered.with_columns(option=pl.int_range(pl.len(), dtype=pl.Int32))
    quotes = find_quotes(plans, members, cases, offers, rulebook, situation.pay_history)
    units = filled(gathered(offers.days["units"], plans["plan_day"]), 0)
    located = plans.select(
        *("plan", "case", "plan_type", "annual_pay_cents", "birth_on", "price_on", "pay_year"),
        *("deduction_on", "pay_group_id"),
        first_quote=units.cum_sum() - units,
    )
    decided = situation.price_decisions
    priced = with_prices(covered, located, quotes, offers, rulebook, bases, decided)
    return with_imputed_income(priced, located, quotes, offers, rulebook, bases, decided), quotes


def bases_of(situation: Situation, rulebook: Rulebook) -> pl.DataFrame | None:
    """Find what formulas take coverage from beside the pay of the case; None where none asks for more."""
    cases = situation.cases.select("case", on="event_on")
    history, bases = situation.pay_history, situation.benefit_bases
    return base_pay(cases, situation.jobs, history, bases, rulebook, situation.job_history)


def _with_choice(plans: pl.DataFrame, options: pl.DataFrame, menus: choices.Menus) -> pl.DataFrame:
    """Add how many options are electable and whether that is a choice."""
    eligible = filled(gathered(menus.menus["choices"], plans["menu"]), 0).cast(pl.Int16)
    closed = options["plan"].filter(~options["is_electable"])
    offered = eligible.alias("offered_options")
    if closed.len():
        counts = closed.value_counts(name="closed")
        of_plans = joined(plans[["plan"]], counts, "plan", how="left", maintain_order="left")["closed"]
        offered = offered - of_plans.fill_null(0).cast(pl.Int16)
    return plans.hstack([offered, (offered >= 2).alias("is_choice")])


def _with_default_flag(options: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """Mark the option that holds without an election."""
    default = gathered(plans["default_option_id"], options["plan"])
    is_default = filled(options["option_id"] == default, value=False)
    return options.hstack([is_default.alias("is_default")])


def _with_final_status(cases: pl.DataFrame, plans: pl.DataFrame, messages: pl.DataFrame) -> pl.DataFrame:
    """Decide PE, FP, FA or PR (docs/rules.md §10)."""
    matters = plans["is_choice"] | plans["is_lost"] | plans["is_changed_by_default"]
    is_fault = (messages["severity"] == "E") & (messages["level"] == "option")
    is_faulty = marked(messages["case"].filter(is_fault), cases.height)
    is_open = marked(plans["case"].filter(~plans["is_ignored"] & matters), cases.height)
    has_choice = marked(plans["case"].filter(plans["is_choice"]), cases.height)
    status = pl.col("process_status")
    final = (
        pl.when(is_among("process_status", [ProcessStatus.AE.value, ProcessStatus.FA.value]))
        .then(status)
        .when(is_faulty)
        .then(pl.lit(ProcessStatus.PE.value))
        .when(is_open)
        .then(pl.lit(ProcessStatus.PR.value))
        .otherwise(pl.lit(ProcessStatus.FP.value))
    )
    return cases.with_columns(program_status=status, process_status=final, has_choice=has_choice)


__all__ = ["Prepared", "Situation", "Trace", "prepare", "price_options", "priced_plans"]
