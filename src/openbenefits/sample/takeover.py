"""The coverage people bring along: what they elected for 2025, as a take-over file."""

from collections.abc import Iterator
from datetime import date
from typing import Final

import polars as pl

from openbenefits.core.codes import AmountKind
from openbenefits.core.days import add_days, age_years, month_begin_after, month_begin_on_or_after
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.sections.offers import PlanTypePart, ProgramPart
from openbenefits.sample.draws import Draws
from openbenefits.sample.offers import eligible, formula, programs_on
from openbenefits.sample.people import CENSUS_DAY
from openbenefits.sample.places import Places
from openbenefits.sample.profiles import Profile

TAKEOVER_COLUMNS: Final[dict[str, pl.DataType]] = {
    "employee_number": pl.String(),
    "benefit_record": pl.Int64(),
    "plan_type": pl.String(),
    "option": pl.String(),
    "begins_on": pl.Date(),
    "deduction_begins_on": pl.Date(),
    "coverage_amount": pl.Int64(),
    "approved_amount": pl.Int64(),
    "annual_pledge": pl.Int64(),
    "percent": pl.Int64(),
    "dependents": pl.String(),
    "funds": pl.String(),
    "waived": pl.String(),
    "program": pl.String(),  # option codes are unique within a program only
}

PLAN_YEAR: Final = date(2025, 1, 1)
DEPENDENT_AGE: Final = 26
PLEDGE_LIMITS: Final = {"60": 3300, "61": 5000, "67": 4300}  # of 2025; HSA: self-only, so that all are lawful
TAKE_UP: Final = {  # how many take what they are offered; None: there is nothing to decide
    "10": 0.88,
    "11": 0.80,
    "14": 0.64,
    "20": None,
    "21": 0.42,
    "22": 0.5,
    "30": 0.35,
    "31": None,
    "40": 0.66,
    "60": 0.17,
    "61": 0.06,
    "67": 0.75,
}
FUND_CHOICES: Final = (
    "TD2040:100",
    "TD2060:100",
    "INDEX:60 BOND:40",
    "INDEX:50 INTL:30 STABLE:20",
    "STABLE:100",
)


def current_coverage(
    people: pl.DataFrame,
    dependents: pl.DataFrame,
    bundle: ClientBundle,
    profile: Profile,
    places: Places,
    draws: Draws,
) -> pl.DataFrame:
    """Make the elections in force at the census day, as of the bundle's 2025 programs."""
    held = people.filter(
        pl.col("job_status") != "T", pl.col("benefit_record") == 0, pl.col("primary_job") == "Y"
    )
    held = held.with_columns(begins_on=_begins(profile)).filter(pl.col("begins_on") <= CENSUS_DAY)
    held = held.join(places.served(), on="zip", how="left", maintain_order="left")
    held = _with_family(held, dependents)
    rows = [
        frame
        for program in programs_on(bundle, CENSUS_DAY)
        for frame in _of_program(
            held.filter(eligible(bundle, program.eligibility, CENSUS_DAY)), bundle, program, draws
        )
    ]
    if not rows:
        return pl.DataFrame(schema=TAKEOVER_COLUMNS)
    return (
        pl.concat(rows)
        .unique(["employee_number", "plan_type"], keep="first")
        .sort("employee_number", "plan_type")
    )


def _of_program(
    people: pl.DataFrame, bundle: ClientBundle, program: ProgramPart, draws: Draws
) -> Iterator[pl.DataFrame]:
    medical = pl.DataFrame(schema={"employee_number": pl.String, "option": pl.String})
    for part in program.plan_types:
        if part.plan_type == "67":
            people = people.join(
                medical.filter(pl.col("option").str.starts_with("HDHP")), on="employee_number", how="semi"
            )
        chosen = _of_plan_type(people, bundle, part, draws)
        rows = _conform(chosen.with_columns(program=pl.lit(program.code)))
        if part.plan_type == "10":
            medical = rows
        yield rows


def _of_plan_type(
    people: pl.DataFrame, bundle: ClientBundle, part: PlanTypePart, draws: Draws
) -> pl.DataFrame:
    chosen = _with_option(people, bundle, part, draws)
    share = TAKE_UP.get(part.plan_type, 0.5)
    takes = pl.lit(draws.happens(chosen.height, 1.0 if share is None else share))
    takes_effect = takes & pl.col("option").is_not_null()
    chosen = chosen.with_columns(
        plan_type=pl.lit(part.plan_type),
        deduction_begins_on="begins_on",
        option=pl.when(takes_effect).then("option"),
        waived=pl.when(takes_effect).then(pl.lit("N")).otherwise(pl.lit("Y")),
    )
    chosen = _with_amounts(chosen, bundle, part, draws)
    is_declined_on_record = part.plan_type.startswith("1")
    return chosen if is_declined_on_record else chosen.filter(pl.col("option").is_not_null())


def _with_option(
    people: pl.DataFrame, bundle: ClientBundle, part: PlanTypePart, draws: Draws
) -> pl.DataFrame:
    """Choose an option among those whose service area holds the home and whose rule is met."""
    luck = pl.lit(draws.uniform(people.height))
    offered = [
        pl.when(eligible(bundle, option.eligibility, CENSUS_DAY) & _is_served(option.service_area)).then(
            pl.lit(option.code)
        )
        for option in part.options
    ]
    codes = pl.concat_list(offered).list.drop_nulls()
    position = (luck * codes.list.len()).floor().cast(pl.Int64)
    coverage_code, covered = _coverage(pl.lit(draws.uniform(people.height)))
    has_codes = any(option.coverage_codes for option in part.options)
    chosen = people.with_columns(
        option=pl.when(codes.list.len() > 0).then(codes.list.get(position, null_on_oob=True)),
        coverage_code=coverage_code,
        dependents=covered if has_codes else pl.lit(None, pl.String),
    )
    return (
        chosen.with_columns(option=pl.concat_str("option", pl.lit("-"), "coverage_code"))
        if has_codes
        else chosen
    )


def _with_amounts(
    people: pl.DataFrame, bundle: ClientBundle, part: PlanTypePart, draws: Draws
) -> pl.DataFrame:
    is_taken = pl.col("option").is_not_null()
    amount = pl.lit(None, pl.Int64)
    for option in part.options:
        if option.formula:
            own = pl.when(pl.col("option") == option.code).then(formula(bundle, option.formula, CENSUS_DAY))
            amount = pl.coalesce(own, amount)
    limit = min(PLEDGE_LIMITS.get(part.plan_type, 0), int(part.maximum_pledge or 0))
    pledge = pl.lit(draws.whole(people.height, 4, max(limit // 50, 4)) * 50)
    percent = pl.lit(draws.whole(people.height, 2, 14))
    funds = pl.lit(draws.choice(people.height, FUND_CHOICES))
    nothing = pl.lit(None)
    return people.with_columns(
        coverage_amount=amount,
        approved_amount=amount,
        annual_pledge=pl.when(is_taken).then(pledge if part.amount is AmountKind.PLEDGE else nothing),
        percent=pl.when(is_taken).then(percent if part.amount is AmountKind.PERCENT else nothing),
        funds=pl.when(is_taken).then(funds if part.invested else nothing),
        dependents=pl.when(is_taken).then("dependents"),
    )


def _with_family(people: pl.DataFrame, dependents: pl.DataFrame) -> pl.DataFrame:
    """Add the numbers of spouse, partner and children who could be covered when coverage began."""
    kind = pl.col("relationship")
    is_child = kind.is_in(["child", "adult_child"])
    is_young = (age_years(pl.col("birth_date"), CENSUS_DAY) < DEPENDENT_AGE) | (pl.col("disabled") == "Y")
    number = pl.col("dependent_number").cast(pl.String)
    family = (
        dependents.join(people.select("employee_number", "begins_on"), on="employee_number")
        .filter(pl.col("birth_date") <= pl.col("begins_on"))
        .group_by("employee_number", maintain_order=True)
        .agg(
            spouse=number.filter(kind == "spouse").first(),
            partner=number.filter(kind == "domestic_partner").first(),
            children=number.filter(is_child & is_young).str.join(" "),
        )
        .with_columns(children=pl.col("children").replace("", None))
    )
    return people.join(family, on="employee_number", how="left", maintain_order="left")


def _coverage(luck: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Choose a coverage code the family can fill, and whom it covers. Most cover everybody they have."""
    has_spouse, has_partner = pl.col("spouse").is_not_null(), pl.col("partner").is_not_null()
    has_children = pl.col("children").is_not_null()
    alone, whole = luck < 0.18, luck >= 0.3
    code = (
        pl.when(alone)
        .then(pl.lit("1"))
        .when(has_partner)
        .then(pl.lit("12"))
        .when(has_spouse & has_children & whole)
        .then(pl.lit("4"))
        .when(has_spouse)
        .then(pl.lit("2"))
        .when(has_children)
        .then(pl.lit("3"))
        .otherwise(pl.lit("1"))
    )
    covered = (
        pl.when(code == "4")
        .then(pl.concat_str("spouse", "children", separator=" "))
        .when(code == "2")
        .then("spouse")
        .when(code == "12")
        .then("partner")
        .when(code == "3")
        .then("children")
    )
    return code, covered


def _begins(profile: Profile) -> pl.Expr:
    """Cover those hired long ago from the plan year's begin, the others from the end of their waiting."""
    waited = add_days(pl.col("hire_date"), profile.waiting_days)
    own = {
        "event": waited,
        "month_after": month_begin_after(waited),
        "month_on_or_after": month_begin_on_or_after(waited),
    }[profile.begins]
    return pl.max_horizontal(own, pl.lit(PLAN_YEAR))


def _is_served(service_area: str | None) -> pl.Expr:
    if service_area is None:
        return pl.lit(value=True)
    return (pl.lit(" ") + pl.col("served") + " ").str.contains(f" {service_area} ", literal=True)


def _conform(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(kind) for name, kind in TAKEOVER_COLUMNS.items())
