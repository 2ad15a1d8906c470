"""What candidates cost each person: asked of the one kernel, never reckoned here.

`enrollment.rules.prepare.priced_plans` and `.price_options` (and below them `rating.rules`: offers, quotes,
coverage, prices, shares) answer the year of each price; this module only puts people and prices together in
the frames these take, and turns the year into months.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import ADULT_KINDS, KIND_OF
from openbenefits.enrollment.rules.prepare import Situation, price_options, priced_plans
from openbenefits.matching.candidates import TIERS
from openbenefits.matching.people import DEPENDENTS, Census
from openbenefits.programs.rulebook import Rulebook

CLIENT = 1
"""The number `programs.unsaved` gives the first client."""

MONTHS = 12
NOT_OFFERED = ("area", "rate")
"""Faults that say a plan has no price for somebody: it cannot be had there, or at that age."""

FACTS = (
    *("birth_on", "sex", "is_smoker", "zip", "service_on", "annual_pay_cents"),
    *("company", "location"),
)
"""What of a person a price may look at."""

PRICED = {
    "person": pl.Int32(),
    "key": pl.Int32(),
    "tier": pl.String(),
    "premium_cents": pl.Int64(),
    "employer_cents": pl.Int64(),
    "employee_cents": pl.Int64(),
    "pay_cents": pl.Int64(),
    "fault": pl.String(),
}
"""A month's premium and its parts, the employee's part of one pay, and why there is none."""


@dataclass(frozen=True, kw_only=True)
class Book:
    """The set-up that prices candidates on a day.

    options:   key, tier, category, plan_row, option_row: where the kernel finds what is to be priced.
    networks:  network, zip (a number): whom a network reaches.
    pay_groups: pay_frequency, pay_group_id: one group that is paid so often.
    """

    rulebook: Rulebook
    on: date
    options: pl.DataFrame
    networks: pl.DataFrame
    pay_groups: pl.DataFrame
    client_id: int = CLIENT


def price(census: Census, asked: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Price what is asked: who, which price, in which tier.

    Shapes:  asked has person, key, tier; the result as PRICED, in its order, without what the book has no
             option for.
    Missing: null amounts, and the kernel's fault; 'household': the tier covers somebody the census does not
             name, and the price goes by who is covered.
    """
    rows = asked.join(book.options, on=["key", "tier"], maintain_order="left")
    if rows.is_empty():
        return pl.DataFrame(schema=PRICED)
    cases = _cases(census, book)
    situation = _situation(census, cases)
    plans = _plans(rows, book)
    plans, offers, members = priced_plans(plans, cases, situation, book.rulebook)
    found = plans.select("plan", "case", "plan_row")
    options = rows.join(
        found, left_on=["person", "plan_row"], right_on=["case", "plan_row"], maintain_order="left"
    )
    known = offers.options.select("option_row", "offer")
    options = options.join(known, on="option_row", maintain_order="left")
    priced, _ = price_options(
        options.select("plan", "offer"), plans, members, cases, offers, book.rulebook, situation
    )
    priced = priced.hstack(options.select("person", "key", "tier"))
    is_per_member = offers.costs.group_by("offer").agg(pl.col("is_per_member").any())
    priced = priced.join(is_per_member, on="offer", how="left", maintain_order="left")
    return _monthly(_with_household_fault(priced, members))


_KEYS = 1 << 24
_TIERS = 8
"""More keys and tiers than there ever are."""


def place_of_price() -> pl.Expr:
    """Person, key and tier of a price packed into one number: what is joined on, and sorted by."""
    tier = pl.col("tier").replace_strict({name: at for at, name in enumerate(TIERS)}, return_dtype=pl.Int64)
    return (pl.col("person").cast(pl.Int64) * _KEYS + pl.col("key").cast(pl.Int64)) * _TIERS + tier


def prices_at(places: pl.Series) -> pl.DataFrame:
    """Answer person, key and tier of packed places, in their order."""
    place = pl.col("place")
    return places.to_frame("place").select(
        person=(place // (_KEYS * _TIERS)).cast(pl.Int32),
        key=(place // _TIERS % _KEYS).cast(pl.Int32),
        tier=(place % _TIERS).replace_strict(dict(enumerate(TIERS)), return_dtype=pl.String),
    )


def _cases(census: Census, book: Book) -> pl.DataFrame:
    """Everybody as a case of the kernel, on the day of the prices."""
    people = census.people.join(book.pay_groups, on="pay_frequency", how="left", maintain_order="left")
    return people.select(
        case="person",
        client_id=pl.lit(book.client_id, pl.Int32),
        event_on=pl.lit(book.on),
        pay_group_id="pay_group_id",
        **{name: pl.col(name) for name in FACTS},
    )


def _situation(census: Census, cases: pl.DataFrame) -> Situation:
    members = census.dependents.select(DEPENDENTS.keys()).rename({"person": "case"})
    key = {"case": pl.Int32, "plan_type": pl.String}
    return Situation(
        cases=cases,
        members=members,
        in_force=pl.DataFrame(schema=key),
        approved=pl.DataFrame(schema=key | {"approved_cents": pl.Int64}),
        prior=pl.DataFrame(schema={"case": pl.Int32, "option_id": pl.Int32}),
        chosen=pl.DataFrame(schema=key),
        chosen_members=pl.DataFrame(schema=key | {"dependent_id": pl.Int64}),
    )


def _plans(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """One plan row of the kernel per person and category: its coverage begins on the day of the prices."""
    rules = book.rulebook.plan_rows.select("plan_row", "plan_type", "dependent_rule_id")
    distinct = rows.select("plan_row", case="person").unique().sort("case", "plan_row")
    plans = distinct.join(rules, on="plan_row", how="left", maintain_order="left")
    return plans.with_columns(
        plan=pl.int_range(pl.len(), dtype=pl.Int32),
        coverage_begins_on=pl.lit(book.on),
        deduction_begins_on=pl.lit(book.on),
        rule_row=pl.lit(None, pl.Int32),
        is_program=pl.lit(value=False),
        is_ignored=pl.lit(value=False),
        is_ending=pl.lit(value=False),
    )


def _with_household_fault(priced: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Say where a price per member lacks the members its tier covers: it would be too low."""
    kind = pl.col("person_type").replace_strict(KIND_OF, default=None, return_dtype=pl.String)
    is_adult = kind.is_in(ADULT_KINDS)
    households = members.group_by("case").agg(has_adult=is_adult.any(), has_child=(kind == "child").any())
    found = priced.select("person", "tier", "is_per_member").join(
        households, left_on="person", right_on="case", how="left", maintain_order="left"
    )
    lacks_adult = pl.col("tier").is_in(["ES", "EF"]) & ~pl.col("has_adult").fill_null(value=False)
    lacks_child = pl.col("tier").is_in(["EC", "EK", "EF"]) & ~pl.col("has_child").fill_null(value=False)
    lacks = found.select(lacks=pl.col("is_per_member").fill_null(value=False) & (lacks_adult | lacks_child))
    return priced.with_columns(
        price_fault=pl.when(lacks["lacks"] & pl.col("price_fault").is_null())
        .then(pl.lit("household"))
        .otherwise("price_fault")
    )


def _monthly(priced: pl.DataFrame) -> pl.DataFrame:
    """A twelfth of the year, rounded half up; the employee's part is what is left of the premium.

    Without a pay calendar a person's months are known all the same, and only the pay is not.
    """
    year, employer = pl.col("year_total_cents"), pl.col("annual_employer_cents")
    is_known = (
        year.is_not_null()
        & employer.is_not_null()
        & (pl.col("price_fault") != "household").fill_null(value=True)
    )
    months = priced.select(
        *("person", "key", "tier"),
        premium_cents=pl.when(is_known).then(money.divide_half_up(year, MONTHS)),
        employer_cents=pl.when(is_known).then(money.divide_half_up(employer, MONTHS)),
        pay_cents=pl.when(is_known).then(
            money.add(pl.col("pay_before_tax_cents"), pl.col("pay_after_tax_cents"))
        ),
        fault=pl.when(~is_known).then(pl.coalesce("price_fault", pl.lit("rate"))),
    )
    rest = money.subtract(pl.col("premium_cents"), pl.col("employer_cents"))
    return months.with_columns(employee_cents=rest).select(
        pl.col(name).cast(kind) for name, kind in PRICED.items()
    )
