"""Check submitted elections against what is offered now (event-processing §10, §13.3).

The checks return messages and mark each election valid or not; what follows from that is `settle`'s business.
"""

import polars as pl

from openbenefits.core.codes import AmountKind, OptionType, WaiveRule
from openbenefits.core.columns import with_taken
from openbenefits.eligibility.rules import why_not_member
from openbenefits.enrollment.rules.messages import message_rows, with_catalogue
from openbenefits.enrollment.rules.prepare import Prepared
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.offers import version_on

HSA = "67"
MEDICAL = "10"

ELECTION_COLUMNS = (
    *("case", "plan_type", "slot", "option_code", "option_id", "coverage_cents", "pledge_cents"),
    *("percent_thousandths", "waive_reason", "received_on", "source"),
)


def check_elections(
    elections: pl.DataFrame,
    chosen_members: pl.DataFrame,
    funds: pl.DataFrame,
    members: pl.DataFrame,
    prepared: Prepared,
    rulebook: Rulebook,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Check every election of every case.

    Shapes:  elections as ELECTION_COLUMNS, the latest submission per plan type; chosen_members (case,
             plan_type, dependent_id) names the dependents of elections; funds (case, plan_type, fund,
             percent); members are all dependents known. Answers the elections with plan, option (position
             in prepared.options, null: not offered) and is_valid; and the messages.
    """
    rows = _located(elections, prepared, rulebook)
    parts = [
        *_offer_messages(rows),
        *_waiver_messages(rows),
        *_amount_messages(rows),
        _fund_messages(rows, funds),
        _unknown_fund_messages(rows, funds, prepared, rulebook),
        _hsa_messages(rows, prepared, rulebook),
        *_dependent_messages(rows, chosen_members, members, rulebook),
        _proof_messages(rows),
    ]
    messages = with_catalogue(pl.concat(parts))
    wrong = messages.filter(severity="E").select("case", "plan_type").unique().with_columns(is_wrong=True)
    checked = rows.join(wrong, on=["case", "plan_type"], how="left", maintain_order="left")
    return checked.with_columns(is_valid=pl.col("is_wrong").is_null()).drop("is_wrong"), messages


def missing_elections(prepared: Prepared, elections: pl.DataFrame) -> pl.DataFrame:
    """Name the plan types that require an election and have none, in events with some (rulings §4)."""
    started = elections.select("case").unique()
    required = prepared.plans.filter(pl.col("is_election_required") & pl.col("is_choice"))
    open_ones = required.join(started, on="case", how="semi").join(
        elections.select("case", "plan_type"), on=["case", "plan_type"], how="anti"
    )
    return with_catalogue(
        message_rows(open_ones, "BA1301", pl.lit("a choice or a waiver"), pl.lit("nothing entered"))
    )


def _located(elections: pl.DataFrame, prepared: Prepared, rulebook: Rulebook) -> pl.DataFrame:
    """Find the plan row and the offered option of each election."""
    plans = prepared.plans.select(
        "case", "plan_type", "plan", "plan_row", "waive_rule", "price_on", "plan_day"
    )
    rows = elections.join(plans, on=["case", "plan_type"], how="left", maintain_order="left")
    offered = prepared.options.select(
        *("plan", "option_id", "option", "option_type", "plan_id", "offer", "is_electable"),
        *("is_proof_required", "approved_coverage_cents"),
        offered_coverage_cents="coverage_cents",
    )
    rows = rows.join(offered, on=["plan", "option_id"], how="left", maintain_order="left")
    rows = rows.with_columns(pl.col("is_electable", "is_proof_required").fill_null(value=False))
    rows = with_taken(
        rows,
        rulebook.plan_rows,
        "plan_row",
        *("amount_kind", "minimum_amount_cents", "maximum_amount_cents", "minimum_percent_thousandths"),
        *("maximum_percent_thousandths", "is_invested", "dependent_rule_id"),
    )
    offers = prepared.trace.offers
    return with_taken(
        rows,
        offers.options,
        "offer",
        *("spouse_min", "spouse_max", "partner_min", "partner_max", "child_min", "child_max"),
    )


def _is_waiver() -> pl.Expr:
    return (pl.col("option_type") == OptionType.WAIVE).fill_null(value=False)


def _is_enrolling() -> pl.Expr:
    return (pl.col("option_type") == OptionType.OPTION).fill_null(value=False)


def _offer_messages(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """The option must be offered and electable; a stated coverage must be the option's."""
    waives = pl.col("option_code") == "WAIVE"
    closed = ~pl.col("is_electable")
    stated = pl.col("coverage_cents")
    off = (
        _is_enrolling()
        & stated.is_not_null()
        & (stated != pl.col("offered_coverage_cents")).fill_null(value=True)
    )
    return [
        message_rows(
            rows.filter(closed & ~waives),
            "BA1302",
            pl.lit("one of the options offered"),
            pl.col("option_code"),
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
    unproved = (
        _is_waiver() & (pl.col("waive_rule") == WaiveRule.WITH_PROOF) & pl.col("waive_reason").is_null()
    )
    return [
        message_rows(
            rows.filter(unproved), "BA1305", pl.lit("proof of other coverage"), pl.lit("none recorded")
        )
    ]


def _amount_messages(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Pledges and percentages must be stated and lie within the plan's limits."""
    enrolls = rows.filter(_is_enrolling())
    pledges = enrolls.filter(amount_kind=str(AmountKind.PLEDGE))
    shares = enrolls.filter(amount_kind=str(AmountKind.PERCENT))
    pledge, share = pl.col("pledge_cents"), pl.col("percent_thousandths")
    low, high = pl.col("minimum_amount_cents").fill_null(1), pl.col("maximum_amount_cents")
    low_share = pl.col("minimum_percent_thousandths").fill_null(1)
    high_share = pl.col("maximum_percent_thousandths")
    pledge_off = (pledge < low) | (pledge > high).fill_null(value=False)
    share_off = (share < low_share) | (share > high_share).fill_null(value=False)
    return [
        message_rows(pledges.filter(pledge.is_null()), "BA1330", pl.lit("an annual amount"), pl.lit("none")),
        message_rows(shares.filter(share.is_null()), "BA1330", pl.lit("a percentage of pay"), pl.lit("none")),
        message_rows(
            pledges.filter(pledge_off),
            "BA1318",
            pl.format("{} to {} cents a year", low, high.cast(pl.String).fill_null("any number of")),
            pl.format("{} cents", pledge),
        ),
        message_rows(
            shares.filter(share_off),
            "BA1320",
            pl.format(
                "{} to {} thousandths of a percent", low_share, high_share.cast(pl.String).fill_null("any")
            ),
            pl.format("{}", share),
        ),
    ]


def _fund_messages(rows: pl.DataFrame, funds: pl.DataFrame) -> pl.DataFrame:
    """Allocations of an invested plan must add up to 100 %."""
    totals = funds.group_by("case", "plan_type").agg(total=pl.col("percent").cast(pl.Int64).sum())
    invested = rows.filter(_is_enrolling() & pl.col("is_invested")).join(
        totals, on=["case", "plan_type"], how="left"
    )
    off = invested.filter((pl.col("total") != 100).fill_null(value=True))
    return message_rows(off, "BA1317", pl.lit("100 %"), pl.format("{} %", pl.col("total").fill_null(0)))


def _unknown_fund_messages(
    rows: pl.DataFrame, funds: pl.DataFrame, prepared: Prepared, rulebook: Rulebook
) -> pl.DataFrame:
    """Money may go only into funds of the plan type, the client's own or the PEO's."""
    key = ["case", "plan_type"]
    named = funds.join(rows.filter(_is_enrolling()).select(key), on=key, how="semi")
    named = named.join(prepared.cases.select("case", "client_id"), on="case")
    known = rulebook.funds.rename({"code": "fund"})
    of_peo = known.filter(client_id=0).drop("client_id")
    unknown = named.join(known, on=["client_id", "plan_type", "fund"], how="anti").join(
        of_peo, on=["plan_type", "fund"], how="anti"
    )
    return message_rows(unknown, "BA1334", pl.lit("a fund of this plan"), pl.col("fund"))


def _hsa_messages(rows: pl.DataFrame, prepared: Prepared, rulebook: Rulebook) -> pl.DataFrame:
    """An HSA needs an HSA-eligible plan: the medical choice of this event, else what holds by default."""
    wanting = rows.filter((pl.col("plan_type") == HSA) & _is_enrolling())
    chosen = rows.filter(plan_type=MEDICAL).select(
        "case", chosen_plan_id="plan_id", is_chosen=pl.lit(value=True)
    )
    defaults = prepared.plans.filter(plan_type=MEDICAL).select("case", "plan", "default_option_id")
    held = defaults.join(
        rulebook.options.select(default_option_id="option_id", default_plan_id="plan_id").unique(
            "default_option_id"
        ),
        on="default_option_id",
        how="left",
    ).select("case", "default_plan_id")
    rows = wanting.join(chosen, on="case", how="left").join(held, on="case", how="left")
    medical = (
        pl.when(pl.col("is_chosen").fill_null(value=False))
        .then("chosen_plan_id")
        .otherwise("default_plan_id")
    )
    fitting = rulebook.plans.filter("is_hsa_eligible")["plan_id"]
    fits = medical.is_in(fitting.implode()).fill_null(value=False)
    return message_rows(
        rows.filter(~fits), "BA1319", pl.lit("an HSA-eligible medical plan"), pl.lit("another, or none")
    )


def _dependent_messages(
    rows: pl.DataFrame, chosen: pl.DataFrame, members: pl.DataFrame, rulebook: Rulebook
) -> list[pl.DataFrame]:
    """The persons named must be eligible, and as many of each kind as the coverage code covers."""
    health = rows.filter(_is_enrolling() & pl.col("plan_type").str.starts_with("1"))
    named = judged_members(health, chosen, members, rulebook)
    counts = (
        named.filter(pl.col("why_not").is_null())
        .group_by("case", "plan_type")
        .agg(
            spouses=(pl.col("person_type") == "SP").sum(),
            partners=(pl.col("person_type") == "DP").sum(),
            children=pl.col("person_type").is_in(["CH", "AC", "OD"]).sum(),
        )
    )
    counted = health.join(counts, on=["case", "plan_type"], how="left").with_columns(
        pl.col("spouses", "partners", "children").fill_null(0)
    )
    kinds = (("spouses", "spouse"), ("partners", "partner"), ("children", "child"))
    few = pl.any_horizontal(pl.col(many) < pl.col(f"{one}_min") for many, one in kinds)
    many_ = pl.any_horizontal(pl.col(many) > pl.col(f"{one}_max") for many, one in kinds)
    found = pl.format("{} spouses, {} partners, {} children", "spouses", "partners", "children")
    reasons = (("age", "BA1308"), ("married", "BA1309"), ("relationship", "BA1310"), ("former", "BA1310"))
    return [
        message_rows(counted.filter(few), "BA1306", pl.format("those of {}", "option_code"), found),
        message_rows(counted.filter(many_), "BA1307", pl.format("those of {}", "option_code"), found),
        *(
            message_rows(
                named.filter(why_not=why),
                code,
                pl.lit("an eligible dependent"),
                pl.lit(f"not eligible: {why}"),
            )
            for why, code in reasons
        ),
    ]


def judged_members(
    rows: pl.DataFrame, chosen: pl.DataFrame, members: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Judge the dependents named for plan types on the day coverage begins: adds person_type and why_not.

    Shapes: rows has case, plan_type, dependent_rule_id, price_on.
    """
    named = rows.select("case", "plan_type", "dependent_rule_id", "price_on").join(
        chosen, on=["case", "plan_type"]
    )
    named = named.join(members, on=["case", "dependent_id"], how="left", maintain_order="left")
    rules = rulebook.dependent_rules.with_row_index("position")
    ruled = version_on(named, rules, "dependent_rule_id", "position")
    ruled = with_taken(
        ruled,
        rules,
        "position",
        *("age_limit", "student_age_limit", "is_disabled_exempt", "is_married_ineligible"),
    )
    unknown = pl.col("person_type").is_null()
    why = (
        pl.when(unknown)
        .then(pl.lit("relationship"))
        .when("is_former")
        .then(pl.lit("former"))
        .otherwise(why_not_member())
    )
    return ruled.with_columns(why_not=why)


def _proof_messages(rows: pl.DataFrame) -> pl.DataFrame:
    waiting = rows.filter(pl.col("is_proof_required") & pl.col("is_electable"))
    return message_rows(
        waiting,
        "BA1321",
        pl.format("evidence for {} cents", pl.col("offered_coverage_cents").fill_null(0)),
        pl.format("approved or guaranteed: {} cents", pl.col("approved_coverage_cents").fill_null(0)),
    )
