"""Prices per pay period, by the one rating function, from the rows valid when the pay ends (rulings §5.2).

Prices are asked only where something can change: pays of a person between two changes of facts, of anybody's
age in the family, and of set-up share one.
"""

import polars as pl

from openbenefits.core import days, money
from openbenefits.core.codes import AmountKind
from openbenefits.core.columns import in_types, with_taken
from openbenefits.core.plan_types import HEALTH
from openbenefits.eligibility.dependents import (
    DEPENDENT_RULE,
    days_of_age,
    eligible_members,
    is_student_on,
)
from openbenefits.payroll.rules.takings import OWNER
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.addresses import asks_addresses, with_address_zips
from openbenefits.rating.rules.bases import has_sources
from openbenefits.rating.rules.coverage import with_coverage
from openbenefits.rating.rules.decided import PRICE_DECISIONS, decided_edges
from openbenefits.rating.rules.offers import find_offers, version_on
from openbenefits.rating.rules.prices import with_prices
from openbenefits.rating.rules.quotes import find_quotes

POINT_DAY = (*OWNER, "plan_type", "slot", "begins_on")

_ASKED = ("point", "plan_row", "price_row", "price_case")
_DAYS = "^(deduction_on|pay_group_id)$"  # there where something asks for them
FACTS_PRICED = ("annual_pay_cents", "age", "family_ages", "place")
"""What is kept of the facts a line was priced with, to say why it differs from the pay before."""

_YEAR = (
    "year_employee_cents",
    "annual_employer_cents",
    "annual_credit_cents",
    "coverage_cents",
    "rate_row_id",
    "price_fault",
)


def with_year(
    lines: pl.DataFrame,
    points: pl.DataFrame,
    members: pl.DataFrame,
    facts: pl.DataFrame,
    dependents: pl.DataFrame,
    rulebook: Rulebook,
    pay_history: pl.DataFrame | None = None,
    bases: pl.DataFrame | None = None,
    decisions: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Add year_cents (employee's part, or credit), year_employer_cents, coverage_cents, price_fault.

    Adds rate_row_id, price_on and FACTS_PRICED too, as priced_*.

    Shapes:  lines has point, case, kind, plan_row, option_row, amount_kind, has_price, has_credit, begins and
             ends; points, facts are addressed by position; dependents by `case`; decisions as
             PRICE_DECISIONS of `rating.rules.decided`, with OWNER in place of the case.
    Missing: null where no price is found; an option without prices costs 0.
    """
    if decisions is not None and decisions.is_empty():
        decisions = None
    edges = None if decisions is None else decided_edges(decisions, list(OWNER))
    facts = with_price_case(facts, dependents, rulebook, edges)
    asked = _with_price_rows(_with_price_case(lines, points, facts), rulebook)
    is_priced = pl.col("has_price") & (pl.col("amount_kind") == str(AmountKind.NONE))
    units = asked.filter(is_priced | pl.col("has_credit")).select(_ASKED).unique().drop_nulls()
    of_cases = None if decisions is None else decisions_of_cases(decisions, facts)
    years = _years(units, points, members, facts, dependents, rulebook, pay_history, bases, of_cases)
    found = with_edges(asked, points, edges).join(years, on=list(_ASKED), how="left", maintain_order="left")
    found = with_taken(found, facts, "price_case", *FACTS_PRICED, prefix="priced_")
    is_credit = pl.col("kind") == "credit"
    is_free = ~pl.col("has_price") & pl.col("option_row").is_not_null()
    costs_nothing = pl.when(is_free).then(pl.lit(0, pl.Int64))
    year = pl.coalesce(costs_nothing, "year_employee_cents")
    return found.with_columns(
        year_cents=pl.when(is_credit).then("annual_credit_cents").otherwise(year),
        year_employer_cents=pl.when(is_credit)
        .then(pl.lit(0, pl.Int64))
        .otherwise(pl.coalesce(costs_nothing, "annual_employer_cents")),
        coverage_cents=pl.when(~is_credit).then(pl.coalesce("coverage_cents", "point_coverage_cents")),
    ).drop("year_employee_cents", "annual_employer_cents", "annual_credit_cents", "price_row")


# --- which days need a price ----------------------------------------------------------------------------


def decisions_of_cases(decisions: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Lay what was decided about prices of people out for each of their cases."""
    rows = facts.select("case", *OWNER).join(decisions, on=list(OWNER))
    return in_types(rows, PRICE_DECISIONS)


def with_edges(lines: pl.DataFrame, points: pl.DataFrame, edges: pl.DataFrame | None) -> pl.DataFrame:
    """Add decided_edge: which of the days it was, by the day priced, that changed it (0: none)."""
    if edges is None:
        return lines.with_columns(decided_edge=pl.lit(0, pl.Int32))
    placed = with_taken(lines, points, "point", *OWNER).with_columns(plan_type="point_plan_type")
    key = [*OWNER, "plan_type"]
    days_ = placed.select(*key, "price_on").unique().sort("price_on")
    found = days_.join_asof(
        edges.sort("on"), left_on="price_on", right_on="on", by=key, check_sortedness=False
    )
    placed = placed.join(found, on=[*key, "price_on"], how="left", maintain_order="left", nulls_equal=True)
    edge = pl.col("edge").fill_null(0).cast(pl.Int32)
    return placed.select(*lines.columns, decided_edge=edge)


def with_price_case(
    facts: pl.DataFrame, dependents: pl.DataFrame, rulebook: Rulebook, edges: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Add what prices need of each case, and price_case: the person's first case that is priced the same."""
    rows = facts.with_columns(
        zip=pl.col("postal_code").str.slice(0, 5).cast(pl.Int32, strict=False),
        service_months=days.months_of_service(pl.col("service_on"), pl.col("as_of")),
        age=days.age_years(pl.col("birth_on"), pl.col("as_of")),
        setup_version=facts["as_of"].dt.epoch("d").replace_strict(_versions(facts, rulebook)),
    )
    rows = _with_place(rows, rulebook)
    rows = rows.join(_families(dependents, facts, rulebook), on="case", how="left", maintain_order="left")
    keys = ["annual_pay_cents", "birth_on", "sex", "is_smoker", "place", "age", "family", "setup_version"]
    if rulebook.rate_tables["by_service"].any():
        keys.append("service_months")
    if rulebook.calculation_rules.height or has_sources(rulebook):  # they may look at the very pay
        keys.append("as_of")
    if edges is not None:
        keys.append("decided")
        rows = _with_decided(rows, edges)
    return rows.with_columns(price_case=pl.col("case").min().over([*OWNER, *keys]))


def _with_place(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add place: a number that differs where the home, or an address that rates go by, does."""
    if not asks_addresses(rulebook):
        return rows.with_columns(place="zip")
    rows = with_address_zips(rows, "as_of", rulebook)
    zips = ["zip", "company_zip", "location_zip"]
    return rows.with_columns(place=pl.struct(zips).hash()).drop("company_zip", "location_zip")


def _with_decided(facts: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Add `decided`: how often, by the day, anything decided about a price of the person had changed."""
    passed = facts.select("case", *OWNER, "as_of").join(edges, on=list(OWNER))
    passed = passed.filter(pl.col("on") <= pl.col("as_of")).group_by("case").agg(decided=pl.len())
    return facts.join(passed, on="case", how="left", maintain_order="left")


def _versions(facts: pl.DataFrame, rulebook: Rulebook) -> dict[int, int]:
    """Number the days between which no set-up row that prices depend on begins."""
    dated = (
        *(rulebook.programs, rulebook.rate_tables, rulebook.contributions, rulebook.formulas),
        rulebook.dependent_rules,
    )
    changes = pl.concat([rows.select("valid_from") for rows in dated])["valid_from"].unique().sort()
    asked = facts["as_of"].unique()
    numbers = changes.search_sorted(asked, side="right")
    return dict(zip(asked.dt.epoch("d").to_list(), numbers.to_list(), strict=True))


def _families(dependents: pl.DataFrame, facts: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Fold the dependents of each case into one number that differs when anything does that prices see.

    That is what is recorded of them, their ages, the ages that say who still counts, and who still studies.
    """
    asked = days_of_age(rulebook.dependent_rules, "as_of")
    ages = {f"age_{number}": days.age_years(pl.col("birth_on"), day) for number, day in enumerate(asked)}
    rows = dependents.join(facts.select("case", "as_of"), on="case")
    rows = rows.with_columns(**ages, studies=is_student_on(pl.col("as_of")))
    told = [name for name in rows.columns if name not in ("case", "as_of", "person_id", "number")]
    aged = pl.struct("dependent_id", *ages).hash()
    marks = rows.select("case", mark=pl.struct(told).hash(), age_mark=aged)
    return marks.group_by("case").agg(
        family=pl.col("mark").bitwise_xor(), family_ages=pl.col("age_mark").bitwise_xor()
    )


def _with_price_case(lines: pl.DataFrame, points: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Add price_case: as of the pay's end; as of the point's begin where the plan locks its price."""
    free = lines.filter(~pl.col("is_price_locked"))
    locked = lines.filter("is_price_locked").drop("price_case", strict=False)
    free = with_taken(free, facts, "case", "price_case")
    locked = with_taken(locked, points, "point", *OWNER)
    days_known = facts.select(*OWNER, point_begins_on="as_of", price_case="price_case")
    locked = locked.join(days_known, on=[*OWNER, "point_begins_on"], how="left").drop(OWNER)
    return pl.concat([free, locked.select(free.columns)]).with_columns(
        price_on=pl.when("is_price_locked").then("point_begins_on").otherwise("ends_on")
    )


def _with_price_rows(lines: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add price_row: the plan row of the day priced, else that of the pay's end."""
    free = lines.filter(~pl.col("is_price_locked")).with_columns(price_row="plan_row")
    locked = lines.filter("is_price_locked")
    if locked.is_empty():
        return free
    ends = rulebook.programs.select("program_row", "valid_to")
    versions = rulebook.plan_rows.join(ends, on="program_row").select(
        "program_id", "plan_type", "valid_from", "valid_to", price_row="plan_row"
    )
    key = ["point_program_id", "point_plan_type", "price_on"]
    found = locked.select(key).unique().join(versions, left_on=key[:2], right_on=["program_id", "plan_type"])
    found = found.filter(
        (pl.col("valid_from") <= pl.col("price_on")) & (pl.col("price_on") < pl.col("valid_to"))
    ).select(*key, "price_row")
    locked = locked.join(found, on=key, how="left").with_columns(
        pl.coalesce("price_row", "plan_row").alias("price_row")
    )
    return pl.concat([free, locked.select(free.columns)])


# --- the price of a year -------------------------------------------------------------------------------


def _years(
    units: pl.DataFrame,
    points: pl.DataFrame,
    members: pl.DataFrame,
    facts: pl.DataFrame,
    dependents: pl.DataFrame,
    rulebook: Rulebook,
    pay_history: pl.DataFrame | None,
    bases: pl.DataFrame | None,
    decisions: pl.DataFrame | None,
) -> pl.DataFrame:
    """Price each unit (point, plan row, case) once."""
    plans, plan_days = _plans(units, points, facts, rulebook)
    offers = find_offers(plan_days, rulebook)
    options = plans.select("plan", "plan_day", "option_id").join(
        offers.options.select("plan_day", "option_id", "offer"), on=["plan_day", "option_id"]
    )
    covered = with_coverage(options.select("plan", "offer"), plans, offers, rulebook, bases)
    covered = _within_approved(covered, plans).with_columns(option=pl.int_range(pl.len(), dtype=pl.Int32))
    charged = _charged(plans, points, members, dependents, rulebook)
    quotes = find_quotes(plans, charged, facts, offers, rulebook, pay_history)
    located = _located(plans, quotes)
    priced = with_prices(covered, located, quotes, offers, rulebook, bases, decisions)
    return (
        plans.select("plan", *_ASKED).join(priced.select("plan", *_YEAR), on="plan", how="left").drop("plan")
    )


def _plans(
    units: pl.DataFrame, points: pl.DataFrame, facts: pl.DataFrame, rulebook: Rulebook
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give the rating floor its plan rows, and their distinct pairs of plan row and day."""
    plans = units.with_columns(case="price_case", plan=pl.int_range(pl.len(), dtype=pl.Int32))
    plans = with_taken(plans, facts, "case", "annual_pay_cents", "birth_on", "as_of").rename(
        {"as_of": "price_on"}
    )
    plans = with_taken(
        plans, points, "point", "option_id", "plan_type", "coverage_cents", "requested_coverage_cents"
    )
    plans = plans.rename({"coverage_cents": "approved_cents"})
    plans = with_taken(plans, rulebook.plan_rows, "price_row", "dependent_rule_id")
    plans = plans.with_columns(
        plan_unit=pl.when(pl.col("plan_type").is_in(HEALTH)).then("plan"),
        pay_year=pl.lit(None, pl.Int64),
    )
    plans = _with_days(plans, points, facts, rulebook)
    key = ["price_row", "price_on"]
    plan_days = plans.select(key).unique().sort(key).rename({"price_row": "plan_row"})
    plan_days = plan_days.with_columns(plan_day=pl.int_range(pl.len(), dtype=pl.Int32))
    found = plans.join(plan_days.rename({"plan_row": "price_row"}), on=key, how="left", maintain_order="left")
    return found, plan_days.select("plan_day", "plan_row", "price_on")


def _with_days(
    plans: pl.DataFrame, points: pl.DataFrame, facts: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Add what rules and formulas ask for: the event's day, that of the deduction, pay group, household.

    The pay of a deduction is the very pay priced; of a locked price, that in which deductions began.
    """
    of_period = rulebook.formulas["pay_day"]
    if rulebook.calculation_rules.is_empty() and of_period.null_count() == of_period.len():
        return plans
    event_on = "event_on" if "event_on" in points.columns else "begins_on"
    days_ = points.select(event_on=pl.coalesce(event_on, "begins_on"), begun_on="deduction_begins_on")
    plans = with_taken(plans, days_, "point", "event_on", "begun_on")
    plans = with_taken(plans, rulebook.plan_rows, "price_row", "is_price_locked", "looks_at_household")
    groups = rulebook.pay_groups.filter("is_active").select("client_id", "pay_group_id", pay_group="code")
    placed = facts.select("client_id", "pay_group").join(
        groups, on=["client_id", "pay_group"], how="left", maintain_order="left"
    )
    return with_taken(plans, placed, "case", "pay_group_id").with_columns(
        deduction_on=pl.when("is_price_locked").then("begun_on").otherwise("price_on"),
        plan_unit=pl.coalesce("plan_unit", pl.when("looks_at_household").then("plan")),
    )


def _within_approved(options: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """Hold coverage at what is in force while more of it waits for proof (rulings §4)."""
    rows = with_taken(options, plans, "plan", "approved_cents", "requested_coverage_cents")
    coverage = pl.col("coverage_cents")
    approved = money.minimum(coverage, pl.col("approved_cents"))
    return rows.with_columns(
        coverage_cents=pl.when(pl.col("requested_coverage_cents").is_null())
        .then(coverage)
        .otherwise(approved)
    ).drop("approved_cents", "requested_coverage_cents")


def _charged(
    plans: pl.DataFrame,
    points: pl.DataFrame,
    members: pl.DataFrame,
    dependents: pl.DataFrame,
    rulebook: Rulebook,
) -> pl.DataFrame:
    """The dependents a point covers who still count on the day priced (docs/rules.md §3)."""
    rules = rulebook.dependent_rules.with_row_index("rule_position")
    units = plans.drop_nulls("plan_unit").select(
        *("case", "point", "plan_type", "dependent_rule_id", "price_on", "plan_unit")
    )
    ruled = version_on(units, rules, "dependent_rule_id", "rule_position")
    ruled = with_taken(
        ruled,
        rules,
        "rule_position",
        *DEPENDENT_RULE,
    )
    named = members.join(points.select(*POINT_DAY, "point"), on=list(POINT_DAY)).select(
        "point", "dependent_id"
    )
    rows = ruled.join(named, on="point").join(dependents, on=["case", "dependent_id"])
    bare = ruled.filter(~pl.col("plan_type").is_in(HEALTH)).join(named, on="point", how="anti")
    if bare.height:  # whose age a price looks at need not be covered by the plan
        rows = pl.concat([rows, bare.join(dependents, on="case").select(rows.columns)])
    return eligible_members(rows).select(
        "plan_unit", "dependent_id", "person_type", "birth_on", "sex", "is_smoker", "price_on"
    )


def _located(plans: pl.DataFrame, quotes: pl.DataFrame) -> pl.DataFrame:
    """Say where the quotes of each plan row begin."""
    first = quotes.group_by("plan").agg(first_quote=pl.col("quote").min().cast(pl.Int32))
    known = ("plan", "case", "plan_type", "annual_pay_cents", "birth_on", "price_on", "pay_year")
    rows = plans.select(*known, _DAYS)
    return rows.join(first, on="plan", how="left", maintain_order="left")
