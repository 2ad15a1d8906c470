"""Settle events: turn valid elections, and defaults for the rest, into what shall hold from when."""

from dataclasses import dataclass

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import ChangeKind, OptionType
from openbenefits.core.columns import with_taken
from openbenefits.enrollment.rules.messages import message_rows, with_catalogue
from openbenefits.enrollment.rules.prepare import Prepared, Situation
from openbenefits.enrollment.rules.validate import check_elections, judged_members, missing_elections
from openbenefits.programs.rulebook import Rulebook

RESULT_COLUMNS = (
    *("case", "plan", "plan_type", "slot", "kind", "basis", "program_id", "option_id", "coverage_cents"),
    *("requested_coverage_cents", "pledge_cents", "percent_thousandths", "waive_reason", "begins_on"),
    *("deduction_begins_on", "rule", "keeps_current", "ends_all"),
)


@dataclass(frozen=True, kw_only=True)
class Elected:
    """What people submitted, of the cases at hand: see validate.check_elections."""

    elections: pl.DataFrame
    members: pl.DataFrame
    funds: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What shall hold.

    cases:   case and process_status (FE or EE) of the cases settled.
    results: one row per plan type that changes or may change, as RESULT_COLUMNS.
    members: case, plan_type, dependent_id covered by a result.
    funds:   case, plan_type, fund, percent.
    """

    cases: pl.DataFrame
    results: pl.DataFrame
    members: pl.DataFrame
    funds: pl.DataFrame
    messages: pl.DataFrame


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
    prepared = _only(prepared, among)
    elections = elected.elections.join(among, on="case", how="semi")
    checked, messages = check_elections(
        elections, elected.members, elected.funds, situation.members, prepared, rulebook
    )
    missing = missing_elections(prepared, elections)
    messages = pl.concat([messages, missing])
    faulty = (
        messages.filter(severity="E")
        .select("case")
        .unique()
        .join(cases.filter(~pl.col("is_finalizing")).select("case"), on="case", how="semi")
    )
    valid = checked.filter("is_valid").join(faulty, on="case", how="anti")
    plans = prepared.plans.join(faulty, on="case", how="anti").filter(~pl.col("is_ignored"))
    results = pl.concat(
        [_elected_results(valid, plans, rulebook), _default_results(valid, plans, prepared, rulebook)]
    )
    results = pl.concat([results, _run_outs(results, plans)])
    invalid = checked.filter(~pl.col("is_valid")).join(faulty, on="case", how="anti")
    notes = [messages, _replaced_messages(invalid), _ending_messages(results, faulty)]
    status = (
        pl.when(pl.col("case").is_in(faulty["case"].implode())).then(pl.lit("EE")).otherwise(pl.lit("FE"))
    )
    return Settled(
        cases=among.with_columns(process_status=status),
        results=results.select(RESULT_COLUMNS),
        members=_members(results, plans, valid, elected, held, situation, rulebook),
        funds=_funds(results, valid, elected, held),
        messages=pl.concat(notes),
    )


def _only(prepared: Prepared, among: pl.DataFrame) -> Prepared:
    """Restrict a preparation to some cases; positions stay valid because rows keep their own numbers."""
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
        *("plan", "slot", "option_type", "option_id", "pledge_cents", "percent_thousandths", "waive_reason"),
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
        ),
        rulebook.plan_rows,
    )


def _default_results(
    valid: pl.DataFrame, plans: pl.DataFrame, prepared: Prepared, rulebook: Rulebook
) -> pl.DataFrame:
    """Results of plan types without a valid election: kept, defaulted, ended, or never enrolled."""
    rows = plans.join(valid.select("plan"), on="plan", how="anti").filter(
        pl.col("default_reason") != "untouched"
    )
    rows = rows.join(prepared.cases.select("case", "only_ends_coverage"), on="case", maintain_order="left")
    options = prepared.options.select(
        "plan",
        "option_type",
        *("is_proof_required", "approved_coverage_cents", "coverage_cents"),
        default_option_id="option_id",
    )
    rows = rows.select(
        *_PLAN_DATES,
        *("default_option_id", "default_reason", "current_option_id", "current_pledge_cents"),
        "only_ends_coverage",
        *("current_percent_thousandths", "current_requested_coverage_cents"),
    ).join(options, on=["plan", "default_option_id"], how="left", maintain_order="left")
    waives = (pl.col("option_type") == OptionType.WAIVE).fill_null(value=False)
    holds = pl.col("default_option_id").is_not_null()
    keeps = (pl.col("default_reason") == "current") & holds
    ends = ~holds & (pl.col("is_in_force") | pl.col("is_ending"))
    day_after = days.day_after(pl.col("coverage_ends_on"))
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
    lapses = ends & ~pl.col("is_lost") & ~pl.col("is_ending")
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
            waive_reason=pl.lit(None, pl.String),
            rule=pl.format("default: {}", "default_reason"),
            keeps_current=keeps,
        ),
        rulebook.plan_rows,
    )


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
    "waive_reason",
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
    results: pl.DataFrame,
    plans: pl.DataFrame,
    valid: pl.DataFrame,
    elected: Elected,
    held: Elected,
    situation: Situation,
    rulebook: Rulebook,
) -> pl.DataFrame:
    """Name the dependents covered.

    Those elected; those in force, if still eligible, where coverage is kept; all the coverage code allows
    where a default gives it anew.
    """
    covered = results.filter(pl.col("kind").is_in(["E", "D"]) & pl.col("plan_type").str.starts_with("1"))
    chosen = elected.members.join(valid.select("case", "plan_type"), on=["case", "plan_type"], how="semi")
    kept = held.members.join(
        covered.filter("keeps_current").select("case", "plan_type"), on=["case", "plan_type"], how="semi"
    )
    kept_rows = plans.join(kept.select("case", "plan_type").unique(), on=["case", "plan_type"], how="semi")
    judged = judged_members(kept_rows, kept, situation.members, rulebook)
    still = judged.filter(pl.col("why_not").is_null()).select("case", "plan_type", "dependent_id")
    fresh = covered.filter((pl.col("kind") == "D") & ~pl.col("keeps_current"))
    given = _allowed_members(fresh, plans, situation, rulebook)
    columns = ["case", "plan_type", "dependent_id"]
    return pl.concat([chosen.select(columns), still, given.select(columns)]).unique(maintain_order=True)


def _allowed_members(
    fresh: pl.DataFrame, plans: pl.DataFrame, situation: Situation, rulebook: Rulebook
) -> pl.DataFrame:
    """All eligible dependents of the kinds a coverage code covers."""
    codes = rulebook.options.select("option_id", "spouse_max", "partner_max", "child_max").unique("option_id")
    rows = fresh.select("case", "plan_type", "option_id").join(codes, on="option_id")
    everybody = rows.select("case", "plan_type").join(
        situation.members.select("case", "dependent_id"), on="case"
    )
    wanted = plans.join(rows.select("case", "plan_type"), on=["case", "plan_type"], how="semi")
    judged = judged_members(wanted, everybody, situation.members, rulebook).filter(
        pl.col("why_not").is_null()
    )
    judged = judged.join(rows, on=["case", "plan_type"])
    kind = pl.col("person_type")
    room = (
        pl.when(kind == "SP").then("spouse_max").when(kind == "DP").then("partner_max").otherwise("child_max")
    )
    group = pl.when(kind.is_in(["SP", "DP"])).then(kind).otherwise(pl.lit("CH"))
    ranked = judged.sort("case", "plan_type", "birth_on", "dependent_id").with_columns(room=room, group=group)
    place = pl.int_range(pl.len()).over("case", "plan_type", "group")
    return ranked.filter(place < pl.col("room"))


def _funds(results: pl.DataFrame, valid: pl.DataFrame, elected: Elected, held: Elected) -> pl.DataFrame:
    """Investments: those elected; those in force where coverage is kept."""
    kept = results.filter("keeps_current").select("case", "plan_type")
    columns = ["case", "plan_type", "fund", "percent"]
    chosen = elected.funds.join(valid.select("case", "plan_type"), on=["case", "plan_type"], how="semi")
    return pl.concat(
        [chosen.select(columns), held.funds.join(kept, on=["case", "plan_type"], how="semi").select(columns)]
    )


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
