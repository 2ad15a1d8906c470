"""Settle events: turn valid elections, and defaults for the rest, into what shall hold from when."""

from dataclasses import dataclass, replace

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import ChangeKind, OptionType
from openbenefits.core.columns import with_taken
from openbenefits.eligibility.overrides import with_decided_basis
from openbenefits.enrollment.rules.amounts import HOURS, price_of_hours
from openbenefits.enrollment.rules.annual import with_capped_pledge
from openbenefits.enrollment.rules.cascades import cascade_messages, fall, with_falls
from openbenefits.enrollment.rules.credits import CreditUse, credit_use
from openbenefits.enrollment.rules.elected import BENEFICIARY, Checking, Elected
from openbenefits.enrollment.rules.members import allowed_members, collects_dependents, still_members
from openbenefits.enrollment.rules.messages import message_rows, with_catalogue
from openbenefits.enrollment.rules.outcomes import KEEPING, outcomes
from openbenefits.enrollment.rules.prepare import Prepared, Situation
from openbenefits.enrollment.rules.reinstated import held_again, with_reduced, without_refused
from openbenefits.enrollment.rules.validate import checked, locate, missing_elections
from openbenefits.programs.rulebook import Rulebook

RESULT_COLUMNS = (
    *("case", "plan", "plan_type", "slot", "kind", "basis", "program_id", "option_id", "coverage_cents"),
    *("requested_coverage_cents", "pledge_cents", "percent_thousandths", "after_tax_thousandths"),
    *("hours_hundredths", "waive_reason", "begins_on", "deduction_begins_on", "rule", "keeps_current"),
    *("ends_all", "goes_on"),
)


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What shall hold.

    cases:   case and process_status (FE or EE) of the cases settled.
    results: one row per plan type that changes or may change, as RESULT_COLUMNS.
    members: case, plan_type, dependent_id covered by a result.
    funds:   case, plan_type, fund, percent.
    beneficiaries: as elected.BENEFICIARY.
    credits: what credits pay for, and what became of the rest.
    """

    cases: pl.DataFrame
    results: pl.DataFrame
    members: pl.DataFrame
    funds: pl.DataFrame
    beneficiaries: pl.DataFrame
    messages: pl.DataFrame
    credits: CreditUse


def settle(
    cases: pl.DataFrame,
    prepared: Prepared,
    situation: Situation,
    elected: Elected,
    held: Elected,
    rulebook: Rulebook,
) -> Settled:
    """Validate the elections of cases and decide what shall hold for each plan type.

    Shapes:  cases names those to settle: case, is_finalizing. `held` has dependents and funds in force
             (its elections are not read).
    Errors:  a case with an invalid or missing required election becomes EE and nothing of it holds, unless
             it is being finalised; then defaults replace what is invalid.
    """
    among = cases.select("case")
    held = _without_refused(held, situation, prepared)
    prepared, elected = _only(prepared, among), _elected_only(elected, among)
    checking = locate(elected, held, situation, prepared, rulebook)
    judged, messages = checked(checking)
    missing = missing_elections(prepared, elected.elections)
    messages = pl.concat([messages, missing])
    faulty = (
        messages.filter(severity="E")
        .select("case")
        .unique()
        .join(cases.filter(~pl.col("is_finalizing")).select("case"), on="case", how="semi")
    )
    valid = judged.filter("is_valid").join(faulty, on="case", how="anti")
    plans = prepared.plans.join(faulty, on="case", how="anti").filter(~pl.col("is_ignored"))
    fallen = fall(checking, outcomes(checking, valid), with_elected=True)
    by_default = _default_results(valid, plans, checking, fallen.held)
    results = pl.concat([_elected_results(valid, plans, rulebook), by_default])
    results = pl.concat([results, _run_outs(results, plans)])
    sound = among.join(faulty, on="case", how="anti")
    results = with_falls(results, fallen, checking, sound)
    valid = valid.join(fallen.lost, on=["case", "plan_type"], how="anti")
    invalid = judged.filter(~pl.col("is_valid")).join(faulty, on="case", how="anti")
    notes = [messages, _replaced_messages(invalid), _ending_messages(results, faulty)]
    notes.append(cascade_messages(fallen, sound))
    status = (
        pl.when(pl.col("case").is_in(faulty["case"].implode())).then(pl.lit("EE")).otherwise(pl.lit("FE"))
    )
    return Settled(
        cases=among.with_columns(process_status=status),
        results=with_decided_basis(results, situation.overrides).select(RESULT_COLUMNS),
        members=_members(results, plans, valid, checking),
        funds=_funds(results, valid, elected, held),
        beneficiaries=_beneficiaries(results, valid, elected, held),
        messages=pl.concat(notes),
        credits=credit_use(results, _rollover_choices(elected.elections), prepared, rulebook),
    )


def _without_refused(held: Elected, situation: Situation, prepared: Prepared) -> Elected:
    """Forget who and what was covered where coverage ended and does not come back."""
    if situation.ended.is_empty():
        return held
    kept = {
        name: without_refused(getattr(held, name), situation.ended, prepared.plans)
        for name in ("members", "funds", "beneficiaries")
    }
    return replace(held, **kept)


def _elected_only(elected: Elected, among: pl.DataFrame) -> Elected:
    """Restrict what was submitted to some cases."""
    return replace(elected, elections=elected.elections.join(among, on="case", how="semi"))


def _rollover_choices(elections: pl.DataFrame) -> pl.DataFrame:
    """What people chose for credits left over: the choice last received of an event."""
    stated = elections.select("case", "plan_type", "received_on", "credit_rollover").drop_nulls()
    return stated.sort("received_on", "plan_type").unique("case", keep="last")


def _only(prepared: Prepared, among: pl.DataFrame) -> Prepared:
    """Restrict a preparation to some cases; positions stay valid because rows keep their own numbers."""
    if among.height == prepared.cases.height:
        return prepared
    return Prepared(
        cases=prepared.cases.join(among, on="case", how="semi"),
        plans=prepared.plans.join(among, on="case", how="semi"),
        options=prepared.options.join(among, on="case", how="semi"),
        messages=prepared.messages.join(among, on="case", how="semi"),
        trace=prepared.trace,
    )


_PLAN_DATES = (
    *("plan", "case", "plan_type", "coverage_begins_on", "deduction_begins_on", "coverage_ends_on"),
    *("deduction_ends_on", "is_lost", "is_ending", "is_in_force", "plan_row"),
)


def _elected_results(valid: pl.DataFrame, plans: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Results of valid elections."""
    rows = valid.select(
        *("plan", "slot", "option_type", "option_id", "percent_thousandths", "after_tax_thousandths"),
        *("hours_hundredths", "waive_reason"),
        pl.when(pl.col("amount_kind") == HOURS)
        .then(price_of_hours())
        .otherwise("pledge_cents")
        .alias("pledge_cents"),
        *("is_proof_required", "offered_coverage_cents", "approved_coverage_cents"),
    ).join(plans.select(_PLAN_DATES), on="plan")
    waives = pl.col("option_type") == OptionType.WAIVE
    return _shaped(
        rows.with_columns(
            kind=pl.when(waives)
            .then(pl.lit(str(ChangeKind.WAIVED)))
            .otherwise(pl.lit(str(ChangeKind.ELECTED))),
            begins_on=pl.col("coverage_begins_on"),
            coverage_cents=pl.col("approved_coverage_cents"),
            requested_coverage_cents=pl.when("is_proof_required").then("offered_coverage_cents"),
            rule=pl.lit("begins by election"),
            keeps_current=pl.lit(value=False),
            goes_on=pl.lit(value=False),
        ),
        rulebook.plan_rows,
    )


def _default_results(
    valid: pl.DataFrame, plans: pl.DataFrame, checking: Checking, would_hold: pl.DataFrame
) -> pl.DataFrame:
    """Results of plan types without a valid election: kept, defaulted, ended, or never enrolled."""
    rows = _as_decided(_defaulting(valid, plans, checking.prepared), checking.situation)
    rows = with_reduced(_with_held_amounts(rows, checking), checking.situation.reduced)
    rows = with_capped_pledge(rows, checking, would_hold)
    waives = (pl.col("option_type") == OptionType.WAIVE).fill_null(value=False)
    holds = pl.col("default_option_id").is_not_null()
    keeps = pl.col("default_reason").is_in(KEEPING) & holds
    ends = ~holds & (pl.col("is_in_force") | pl.col("is_ending"))
    day_after = days.day_after(pl.col("coverage_ends_on"))
    stays_waived = (pl.col("current_kind") == ChangeKind.WAIVED).fill_null(value=False) & ~pl.col(
        "is_reinstated"
    )
    kind = (
        pl.when(waives)
        .then(pl.lit(str(ChangeKind.WAIVED)))
        .when(holds)
        .then(pl.lit(str(ChangeKind.DEFAULTED)))
        .when(ends & ~pl.col("only_ends_coverage") & (pl.col("is_lost") | pl.col("is_ending")))
        .then(pl.lit(str(ChangeKind.INELIGIBLE)))
        .when(ends)
        .then(pl.lit(str(ChangeKind.TERMINATED)))
        .otherwise(pl.lit(str(ChangeKind.NEVER_ENROLLED)))
    )
    lapses = ends & ~pl.col("is_lost") & ~pl.col("is_ending") & pl.col("is_open_enrollment")
    return _shaped(
        rows.with_columns(
            slot=pl.lit(0, pl.Int16),
            kind=kind,
            begins_on=pl.when(ends & ~lapses).then(day_after).otherwise("coverage_begins_on"),
            deduction_begins_on=pl.when(ends & ~lapses)
            .then(days.day_after(pl.col("deduction_ends_on")))
            .otherwise("deduction_begins_on"),
            option_id=pl.col("default_option_id"),
            coverage_cents=pl.col("approved_coverage_cents"),
            requested_coverage_cents=pl.when("is_proof_required").then("coverage_cents"),
            pledge_cents=pl.when(keeps).then("current_pledge_cents"),
            percent_thousandths=pl.when(keeps).then("current_percent_thousandths"),
            after_tax_thousandths=pl.when(keeps).then("after_tax_thousandths"),
            hours_hundredths=pl.when(keeps).then("hours_hundredths"),
            waive_reason=pl.lit(None, pl.String),
            rule=pl.format("default: {}", "default_reason"),
            keeps_current=keeps,
            goes_on=(holds & (pl.col("default_reason") == "current")) | (waives & stays_waived),
        ),
        checking.rulebook.plan_rows,
    )


def _defaulting(valid: pl.DataFrame, plans: pl.DataFrame, prepared: Prepared) -> pl.DataFrame:
    """List plan types without a valid election that the event touches, with the option of their default."""
    rows = plans.join(valid.select("plan"), on="plan", how="anti").filter(
        pl.col("default_reason") != "untouched"
    )
    classed = prepared.cases.select("case", "only_ends_coverage", "is_open_enrollment")
    rows = rows.join(classed, on="case", maintain_order="left")
    options = prepared.options.filter("is_default").select(
        "plan",
        "option_type",
        *("is_proof_required", "approved_coverage_cents", "coverage_cents", "annual_credit_cents"),
    )
    return rows.select(
        *_PLAN_DATES,
        *("default_option_id", "default_reason", "current_option_id", "current_pledge_cents"),
        *("current_kind", "is_reinstated"),
        *("only_ends_coverage", "is_open_enrollment"),
        *("current_percent_thousandths", "current_requested_coverage_cents"),
    ).join(options, on="plan", how="left", maintain_order="left")


def _as_decided(rows: pl.DataFrame, situation: Situation) -> pl.DataFrame:
    """Let what goes on, and is yet to begin, begin no sooner than events before this one decided."""
    decided = situation.in_force.filter((pl.col("slot") == 0) & pl.col("is_to_begin"))
    if decided.is_empty():
        return rows
    dates = {f"coming_{name}": name for name in ("begins_on", "deduction_begins_on")}
    rows = rows.join(
        decided.select("case", "plan_type", **dates),
        on=["case", "plan_type"],
        how="left",
        maintain_order="left",
    )
    goes_on = pl.col("default_reason") == "current"
    pairs = zip(("coverage_begins_on", "deduction_begins_on"), dates, strict=True)
    return rows.with_columns(
        pl.when(goes_on).then(pl.max_horizontal(own, coming)).otherwise(own).alias(own)
        for own, coming in pairs
    ).drop(*dates)


def _with_held_amounts(rows: pl.DataFrame, checking: Checking) -> pl.DataFrame:
    """Add the after-tax percentage and the hours in force, which only few plan types have."""
    situation = checking.situation
    held = held_again(situation.in_force, situation.ended, checking.prepared.plans)
    return rows.join(held, on=["case", "plan_type"], how="left", maintain_order="left")


def _run_outs(results: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """End lost coverage by its own end rule where the new one begins later still."""
    lost = plans.filter("is_lost").select(
        "plan", "coverage_ends_on", lost_deduction_ends_on="deduction_ends_on"
    )
    rows = results.filter(pl.col("kind").is_in(["E", "D", "W"]) & ~pl.col("keeps_current")).join(
        lost, on="plan"
    )
    gap = rows.filter(days.day_after(pl.col("coverage_ends_on")) < pl.col("begins_on"))
    ended = gap.with_columns(
        kind=pl.lit(str(ChangeKind.INELIGIBLE)),
        begins_on=days.day_after(pl.col("coverage_ends_on")),
        deduction_begins_on=days.day_after(pl.col("lost_deduction_ends_on")),
        rule=pl.lit("ends: no longer eligible"),
    ).with_columns(
        *(pl.lit(None, results.schema[name]).alias(name) for name in _CONTENT),
    )
    return ended.select(results.columns)


_CONTENT = (
    *("option_id", "coverage_cents", "requested_coverage_cents", "pledge_cents", "percent_thousandths"),
    *("after_tax_thousandths", "hours_hundredths", "waive_reason"),
)


def _shaped(rows: pl.DataFrame, plan_rows: pl.DataFrame) -> pl.DataFrame:
    """Give results their common columns."""
    rows = with_taken(rows, plan_rows, "plan_row", "program_id")
    return rows.with_columns(
        basis=pl.when(pl.col("kind").is_in(["E", "D"])).then(pl.lit("eligible")).otherwise(pl.lit("none")),
        slot=pl.col("slot").cast(pl.Int16),
        ends_all=pl.col("is_ending"),
    ).select(RESULT_COLUMNS)


def _members(
    results: pl.DataFrame, plans: pl.DataFrame, valid: pl.DataFrame, checking: Checking
) -> pl.DataFrame:
    """Name the dependents covered.

    Those elected; those in force, if still eligible, where coverage is kept; all the coverage code allows
    where a default gives it anew.
    """
    key, rulebook, known = ["case", "plan_type"], checking.rulebook, checking.situation.members
    taking = with_taken(plans.select(*key, "plan_row"), rulebook.plan_rows, "plan_row", "collect")
    covered = results.filter(pl.col("kind").is_in(["E", "D"])).join(
        taking.filter(collects_dependents()), on=key, how="semi"
    )
    chosen = checking.elected.members.join(valid.select(key), on=key, how="semi")
    kept = checking.held.members.join(covered.filter("keeps_current").select(key), on=key, how="semi")
    still = still_members(kept, plans, known, rulebook)
    fresh = covered.filter((pl.col("kind") == "D") & ~pl.col("keeps_current"))
    given = allowed_members(fresh, plans, known, rulebook)
    columns = [*key, "dependent_id"]
    parts = [part.select(columns) for part in (chosen.join(covered, on=key, how="semi"), still, given)]
    return pl.concat(parts).unique(maintain_order=True)


def _funds(results: pl.DataFrame, valid: pl.DataFrame, elected: Elected, held: Elected) -> pl.DataFrame:
    """Investments: those elected; those in force where coverage is kept."""
    kept = results.filter("keeps_current").select("case", "plan_type")
    columns = ["case", "plan_type", "fund", "percent"]
    chosen = elected.funds.join(valid.select("case", "plan_type"), on=["case", "plan_type"], how="semi")
    return pl.concat(
        [chosen.select(columns), held.funds.join(kept, on=["case", "plan_type"], how="semi").select(columns)]
    )


def _beneficiaries(
    results: pl.DataFrame, valid: pl.DataFrame, elected: Elected, held: Elected
) -> pl.DataFrame:
    """Who is to receive: those an election names; where it names none, and by default, those named before."""
    key, columns = ["case", "plan_type"], list(BENEFICIARY)
    covered = results.filter(pl.col("kind").is_in(["E", "D"])).select(key).unique()
    chosen = elected.beneficiaries.join(valid.select(key), on=key, how="semi")
    before = held.beneficiaries.join(chosen, on=key, how="anti")
    both = pl.concat([chosen.select(columns), before.select(columns)])
    return both.join(covered, on=key, how="semi")


def _replaced_messages(invalid: pl.DataFrame) -> pl.DataFrame:
    return with_catalogue(message_rows(invalid, "BA1331", pl.lit("a valid election"), pl.col("option_code")))


def _ending_messages(results: pl.DataFrame, faulty: pl.DataFrame) -> pl.DataFrame:
    """Warn where an event ends everything a person has."""
    counted = results.group_by("case").agg(
        ended=pl.col("kind").is_in(["T", "I"]).sum(), covered=pl.col("kind").is_in(["E", "D"]).sum()
    )
    ending = counted.filter((pl.col("ended") > 0) & (pl.col("covered") == 0)).join(
        faulty, on="case", how="anti"
    )
    return with_catalogue(
        message_rows(
            ending, "BA1332", pl.lit("some coverage to go on"), pl.format("{} plan types end", "ended")
        )
    )
