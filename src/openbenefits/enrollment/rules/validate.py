"""Check submitted elections against what is offered now (docs/rules.md §11, event-processing §13.3).

The checks return messages and mark each election valid or not; what follows from that is `settle`'s business.
"""

import polars as pl

from openbenefits.core.codes import OptionType, WaiveRule
from openbenefits.core.columns import take, with_taken
from openbenefits.enrollment.rules.amounts import amount_messages, fund_messages
from openbenefits.enrollment.rules.annual import annual_messages
from openbenefits.enrollment.rules.beneficiaries import beneficiary_messages
from openbenefits.enrollment.rules.cascades import fall
from openbenefits.enrollment.rules.choices import is_above_level_limit
from openbenefits.enrollment.rules.contributed import contributed_messages
from openbenefits.enrollment.rules.elected import Checking, Elected
from openbenefits.enrollment.rules.links import group_messages, hsa_messages, link_messages
from openbenefits.enrollment.rules.members import dependent_messages
from openbenefits.enrollment.rules.messages import message_rows, no_messages, with_catalogue
from openbenefits.enrollment.rules.outcomes import outcomes
from openbenefits.enrollment.rules.prepare import Prepared, Situation
from openbenefits.enrollment.rules.rule_checks import rule_messages, without_ignored
from openbenefits.programs.rulebook import PERSON_COUNTS, Rulebook

WAIVER = "WAIVE"


def check_elections(
    elected: Elected, held: Elected, situation: Situation, prepared: Prepared, rulebook: Rulebook
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Check every election of every case.

    Shapes:  `held` has dependents, funds and beneficiaries in force (its elections are not read). Answers
             the elections with plan, option (position in prepared.options, null: not offered) and is_valid;
             and the messages.
    """
    return checked(locate(elected, held, situation, prepared, rulebook))


def checked(checking: Checking) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Check elections that are located already; see check_elections."""
    rows = checking.rows
    if rows.is_empty():  # every check is one of elections
        return rows.with_columns(is_valid=pl.lit(value=True)), with_catalogue(no_messages())
    would_hold = fall(checking, outcomes(checking), with_elected=False).held
    parts = [
        *_offer_messages(checking),
        *_waiver_messages(rows),
        *amount_messages(checking),
        *annual_messages(checking, would_hold),
        *contributed_messages(checking),
        *fund_messages(checking),
        *hsa_messages(checking, would_hold),
        *link_messages(checking, would_hold),
        *group_messages(checking, would_hold),
        *dependent_messages(checking),
        *beneficiary_messages(checking),
        _proof_messages(rows),
        *rule_messages(checking),
        _rollover_messages(checking),
    ]
    messages = without_ignored(with_catalogue(pl.concat(parts)), checking)
    wrong = messages.filter(severity="E").select("case", "plan_type").unique().with_columns(is_wrong=True)
    judged = rows.join(wrong, on=["case", "plan_type"], how="left", maintain_order="left")
    return judged.with_columns(is_valid=pl.col("is_wrong").is_null()).drop("is_wrong"), messages


def missing_elections(prepared: Prepared, elections: pl.DataFrame) -> pl.DataFrame:
    """Name the plan types that require an election and have none, in events with some (rulings §4)."""
    if elections.is_empty():
        return with_catalogue(no_messages())
    started = elections.select("case").unique()
    required = prepared.plans.filter(pl.col("is_election_required") & pl.col("is_choice"))
    open_ones = required.join(started, on="case", how="semi").join(
        elections.select("case", "plan_type"), on=["case", "plan_type"], how="anti"
    )
    return with_catalogue(
        message_rows(open_ones, "BA1301", pl.lit("a choice or a waiver"), pl.lit("nothing entered"))
    )


_PLAN = (
    *("case", "plan_type", "plan", "plan_row", "waive_rule", "price_on", "plan_day", "current_option_id"),
    *("current_level", "level_limit", "waived_level_limit", "annual_pay_cents", "birth_on"),
)
_PLAN_ROW = (
    *("amount_kind", "minimum_amount_cents", "maximum_amount_cents", "minimum_percent_thousandths"),
    *("maximum_percent_thousandths", "maximum_after_tax_thousandths", "maximum_total_thousandths"),
    *("annual_limit", "is_last_limit_used", "plan_year_month", "is_by_month", "hours_per_year"),
    "counts_elsewhere",
    *("collect", "is_invested", "dependent_rule_id", "program_row"),
)
_OPTION = ("is_hsa", "coverage_code_id", "trade", "minimum_hours_hundredths", "maximum_hours_hundredths")


def locate(
    elected: Elected, held: Elected, situation: Situation, prepared: Prepared, rulebook: Rulebook
) -> Checking:
    """Find the plan row and the offered option of each election, and what bounds it."""
    rows = elected.elections.join(
        prepared.plans.select(_PLAN), on=["case", "plan_type"], how="left", maintain_order="left"
    )
    asked = prepared.options.join(rows.select("plan").unique(), on="plan", how="semi", maintain_order="left")
    offered = asked.select(
        *("plan", "option_id", "option", "option_row", "option_type", "plan_id", "offer", "level"),
        *("is_electable", "is_proof_required", "approved_coverage_cents"),
        offered_coverage_cents="coverage_cents",
        employer_cents="annual_credit_cents",
    )
    rows = rows.join(offered, on=["plan", "option_id"], how="left", maintain_order="left")
    rows = rows.with_columns(pl.col("is_electable", "is_proof_required").fill_null(value=False))
    rows = with_taken(rows, rulebook.plan_rows, "plan_row", *_PLAN_ROW)
    rows = with_taken(rows, rulebook.programs, "program_row", "maximum_pledge_cents")
    rows = with_taken(rows, rulebook.options, "option_row", *_OPTION)
    rows = rows.with_columns(take(prepared.trace.offers.options, rows["offer"], *PERSON_COUNTS))
    return Checking(
        rows=rows, elected=elected, held=held, prepared=prepared, situation=situation, rulebook=rulebook
    )


def _is_waiver() -> pl.Expr:
    return (pl.col("option_type") == OptionType.WAIVE).fill_null(value=False)


def _is_enrolling() -> pl.Expr:
    return (pl.col("option_type") == OptionType.OPTION).fill_null(value=False)


def _offer_messages(checking: Checking) -> list[pl.DataFrame]:
    """The option must be offered and electable; a stated coverage must be the option's.

    What closes an eligible option otherwise is said: how far one may rise here, event rules in `rule_checks`.
    """
    ruled_out = checking.prepared.trace.closed.select("plan", "option_id", is_ruled_out=True).unique()
    rows = checking.rows.join(ruled_out, on=["plan", "option_id"], how="left", maintain_order="left")
    waives = pl.col("option_code") == WAIVER
    closed = ~pl.col("is_electable")
    too_high = is_above_level_limit().fill_null(value=False) & _is_enrolling()
    is_unsaid = closed & ~waives & ~too_high & pl.col("is_ruled_out").is_null()
    stated = pl.col("coverage_cents")
    off = (
        _is_enrolling()
        & stated.is_not_null()
        & (stated != pl.col("offered_coverage_cents")).fill_null(value=True)
    )
    return [
        message_rows(
            rows.filter(is_unsaid),
            "BA1302",
            pl.lit("one of the options offered"),
            pl.col("option_code"),
        ),
        message_rows(
            rows.filter(closed & ~waives & too_high),
            "BA1323",
            pl.lit("an option within the levels one may rise"),
            pl.format("{}, level {}", "option_code", "level"),
        ),
        message_rows(rows.filter(closed & waives), "BA1304", pl.lit("an option"), pl.lit("a waiver")),
        message_rows(
            rows.filter(off),
            "BA1303",
            pl.format("{} cents, the coverage of the option", pl.col("offered_coverage_cents").fill_null(0)),
            pl.format("{} cents", "coverage_cents"),
        ),
    ]


def _waiver_messages(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Waiving with proof needs what was seen of the other coverage, and when."""
    has_proof = pl.col("waiver_proof").is_not_null() & pl.col("waiver_proof_on").is_not_null()
    unproved = _is_waiver() & (pl.col("waive_rule") == WaiveRule.WITH_PROOF) & ~has_proof
    return [
        message_rows(
            rows.filter(unproved),
            "BA1305",
            pl.lit("proof of other coverage, with the day it was seen"),
            pl.lit("none recorded"),
        )
    ]


def _rollover_messages(checking: Checking) -> pl.DataFrame:
    """What becomes of credits left over is chosen only where the program says so (docs/rules.md §13.3)."""
    stated = checking.rows.filter(pl.col("credit_rollover").is_not_null())
    if stated.is_empty():
        return message_rows(stated, "BA1341", pl.lit(""), pl.lit(""))
    cases = stated.select("case").join(
        checking.prepared.cases.select("case", "program_row"), on="case", how="left", maintain_order="left"
    )
    chosen = take(checking.rulebook.programs, cases["program_row"], "is_rollover_chosen")[0]
    return message_rows(
        stated.filter(~chosen.fill_null(value=False)),
        "BA1341",
        pl.lit("no choice: the program decides"),
        pl.col("credit_rollover"),
    )


def _proof_messages(rows: pl.DataFrame) -> pl.DataFrame:
    waiting = rows.filter(pl.col("is_proof_required") & pl.col("is_electable"))
    return message_rows(
        waiting,
        "BA1321",
        pl.format("evidence for {} cents", pl.col("offered_coverage_cents").fill_null(0)),
        pl.format("approved or guaranteed: {} cents", pl.col("approved_coverage_cents").fill_null(0)),
    )
