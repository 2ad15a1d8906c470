"""What an event rule row says of elections: directions of change, re-entry, checks left out (docs §14.5)."""

import polars as pl

from openbenefits.core.codes import KIND_NAMES, AmountKind, OptionType, PledgeChange
from openbenefits.core.columns import with_taken
from openbenefits.enrollment.rules.control import RE_ENTRY, judged_plans, wrong_numbers
from openbenefits.enrollment.rules.elected import Checking
from openbenefits.enrollment.rules.messages import message_rows
from openbenefits.enrollment.rules.prepare import Prepared
from openbenefits.programs.rulebook import Rulebook

DEPENDENT_CHECKS = ("BA1306", "BA1307", "BA1308", "BA1309", "BA1310", "BA1352")
FUND_CHECKS = ("BA1317", "BA1334")


def rule_messages(checking: Checking) -> list[pl.DataFrame]:
    """Check elections against the changes their event rule row allows."""
    rows, prepared = checking.rows, checking.prepared
    closed = rows.join(prepared.trace.closed, on=["plan", "option_id"])
    by_persons = closed.filter(pl.col("closed_by") != RE_ENTRY)
    entry = prepared.plans.select("plan", "may_enter_on")
    barred = closed.filter(closed_by=RE_ENTRY).join(entry, on="plan", how="left", maintain_order="left")
    return [
        message_rows(
            by_persons,
            "BA1322",
            pl.format("a coverage with an allowed number of: {}", _plural("closed_by")),
            pl.col("option_code"),
        ),
        _named_messages(checking),
        message_rows(
            barred, "BA1350", pl.format("coverage from {} on", "may_enter_on"), pl.col("option_code")
        ),
        _pledge_messages(rows, prepared, checking.rulebook),
    ]


def _named_messages(checking: Checking) -> pl.DataFrame:
    """The persons an election names, of an option that is not closed itself."""
    rows, prepared, rulebook = checking.rows, checking.prepared, checking.rulebook
    if rulebook.person_changes.is_empty():
        return message_rows(rows.clear(), "BA1322", pl.lit(""), pl.lit(""))
    members = checking.situation.members
    plans = prepared.plans.filter(pl.col("plan").is_in(rows["plan"].drop_nulls().implode()))
    judged = judged_plans(plans, members, checking.situation.held_members, rulebook)
    offered = rows.filter(option_type=str(OptionType.OPTION))
    open_ones = offered.join(prepared.trace.closed, on=["plan", "option_id"], how="anti")
    codes = rulebook.options.select("option_id", "coverage_code_id").unique("option_id")
    elected = open_ones.select("case", "plan_type", "plan", "option_id", "option_code").join(
        codes.drop_nulls("coverage_code_id"), on="option_id"
    )
    named = checking.elected.members.join(
        members.select("case", "dependent_id", "person_type"), on=["case", "dependent_id"], how="left"
    )
    wrong = wrong_numbers(judged, elected, named, rulebook.options)
    present = pl.col("present").cast(pl.String).fill_null("none")
    return message_rows(
        wrong,
        "BA1322",
        pl.format("an allowed change of the number of: {} (now {})", _plural("kind"), present),
        pl.format("{}", "number"),
    )


def _plural(kind: str) -> pl.Expr:
    """What several persons of a kind are called."""
    return pl.col(kind).replace_strict({name: words[1] for name, words in KIND_NAMES.items()}, default=None)


def _pledge_messages(rows: pl.DataFrame, prepared: Prepared, rulebook: Rulebook) -> pl.DataFrame:
    """A pledge may move only as the event allows; a waiver pledges nothing."""
    pledged = rows.filter(pl.col("option_type").is_not_null(), amount_kind=str(AmountKind.PLEDGE))
    plans = prepared.plans.select("plan", "rule_row", "current_option_id", "current_pledge_cents")
    stated = pledged.drop(plans.columns[1:], strict=False).join(
        plans, on="plan", how="left", maintain_order="left"
    )
    stated = with_taken(stated, rulebook.event_rules, "rule_row", "pledge_change")
    bound = stated.filter(pl.col("pledge_change") != PledgeChange.ANY)
    if bound.is_empty():
        return message_rows(bound, "BA1351", pl.lit(""), pl.lit(""))
    new = pl.when(pl.col("option_type") == OptionType.WAIVE).then(0).otherwise("pledge_cents")
    has_current = pl.col("current_option_id").is_not_null()
    held = pl.when(has_current).then("current_pledge_cents").otherwise(0)
    rule = pl.col("pledge_change")
    fits = (
        pl.when(rule == PledgeChange.INCREASE)
        .then(new >= held)
        .when(rule == PledgeChange.DECREASE)
        .then(new <= held)
        .otherwise(new == held)
    )
    wrong = bound.filter(new.is_not_null() & ~fits.fill_null(value=False))
    shown = held.cast(pl.String).fill_null("an amount not known")
    return message_rows(
        wrong,
        "BA1351",
        pl.format("change of the pledge: {}, from {} cents", rule, shown),
        pl.format("{} cents", new),
    )


def without_ignored(messages: pl.DataFrame, checking: Checking) -> pl.DataFrame:
    """Drop the messages of checks that the event rule row of their plan type leaves out."""
    rules = checking.rulebook.event_rules
    if not (rules["ignores_dependent_checks"].any() or rules["ignores_fund_checks"].any()):
        return messages
    ignores = with_taken(
        checking.prepared.plans.select("case", "plan_type", "rule_row"),
        rules,
        "rule_row",
        *("ignores_dependent_checks", "ignores_fund_checks"),
    ).drop("rule_row")
    found = messages.join(ignores, on=["case", "plan_type"], how="left", maintain_order="left")
    left_out = (pl.col("ignores_dependent_checks") & pl.col("code").is_in(DEPENDENT_CHECKS)) | (
        pl.col("ignores_fund_checks") & pl.col("code").is_in(FUND_CHECKS)
    )
    return found.filter(~left_out.fill_null(value=False)).select(messages.columns)
