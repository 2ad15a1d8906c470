"""Who of a household counts as a dependent on a day, and how many of each kind (docs/rules.md §3)."""

from collections.abc import Sequence
from functools import cache

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import (
    ADULT_KINDS,
    DEFAULT_RELATIONSHIPS,
    KIND_OF,
    PERSON_KINDS,
    RELATIONSHIP_BITS,
    LastDay,
)


def eligible_members(members: pl.DataFrame) -> pl.DataFrame:
    """Keep the dependents who count on the day in question (docs/rules.md §3).

    Shapes:  members has one row per case, dependent and day (`price_on`) with the columns of the dependent
             rule (DEPENDENT_RULE; null: no rule).
    Missing: a child without a birth date never counts, unless exempt by disability.
    """
    return members.filter(~pl.col("is_former") & why_not_member(members).is_null())


DEPENDENT_RULE = (
    *("age_limit", "student_age_limit", "is_disabled_exempt", "is_married_ineligible"),
    *("relationship_bits", "last_day", "plan_year_begins"),
)
"""What a dependent rule says of who counts."""

NO_LIMIT_OF_AGE = 99


def why_not_member(members: pl.DataFrame) -> pl.Expr:
    """Say why somebody does not count: 'relationship', 'married', 'age', 'student', or null who does.

    Shapes:  members has person_type, birth_on, price_on, the flags of a dependent, and DEPENDENT_RULE.
             'student': too old, but for a student, which is recorded and not evidenced for that day.
    Missing: who has no birth date is too old, but for spouses and partners.
    """
    kind = pl.col("person_type")
    bit = kind.replace_strict(RELATIONSHIP_BITS, default=0, return_dtype=pl.Int16)
    is_allowed = (pl.col("relationship_bits").fill_null(DEFAULT_RELATIONSHIPS) & bit) != 0
    limit = pl.when(is_student_on(pl.col("price_on"))).then("student_age_limit").otherwise("age_limit")
    age = days.age_years(pl.col("birth_on"), _day_of_age(members))
    exempt = pl.col("is_disabled") & pl.col("is_disabled_exempt").fill_null(value=True)
    too_old = ~exempt & (age >= limit.fill_null(NO_LIMIT_OF_AGE)).fill_null(value=True)
    would_do = pl.col("is_student") & (age < pl.col("student_age_limit")).fill_null(value=False)
    married = pl.col("is_married") & pl.col("is_married_ineligible").fill_null(value=False)
    return (
        pl.when(~is_allowed)
        .then(pl.lit("relationship"))
        .when(~is_adult() & married)
        .then(pl.lit("married"))
        .when(~is_adult() & too_old)
        .then(pl.when(would_do).then(pl.lit("student")).otherwise(pl.lit("age")))
    )


def is_student_on(day: pl.Expr) -> pl.Expr:
    """Whether a dependent is a student on a day: recorded as one, and evidenced for the day (rules.md §3)."""
    return pl.col("is_student") & (day <= pl.col("student_through")).fill_null(value=False)


def _day_of_age(members: pl.DataFrame) -> pl.Expr:
    """The day on which the limit must not have been reached: the day in question, unless the rule lets the
    limit end later; then the day before, or the last day of the month, year or plan year before.
    """
    on, last_day = pl.col("price_on"), pl.col("last_day")
    usual = [LastDay.DAY_BEFORE_BIRTHDAY.value]
    if members["last_day"].drop_nulls().is_in(usual).all():
        return on
    found = on
    for kind, day in _later_ends(on, pl.col("plan_year_begins")).items():
        found = pl.when(last_day == kind).then(day).otherwise(found)
    return found


def _later_ends(on: pl.Expr, plan_year_begins: pl.Expr) -> dict[LastDay, pl.Expr]:
    return {
        LastDay.BIRTHDAY: days.day_before(on),
        LastDay.MONTH_END: days.day_before(days.month_begin(on)),
        LastDay.YEAR_END: days.day_before(on.dt.truncate("1y")),
        LastDay.PLAN_YEAR_END: days.day_before(_plan_year(on, plan_year_begins)),
    }


def days_of_age(rules: pl.DataFrame, day: str) -> list[pl.Expr]:
    """List the days whose ages say, by some dependent rules, who counts on a day: that day, and others."""
    on, found = pl.col(day), [pl.col(day)]
    ends = rules.select("last_day", "plan_year_begins").unique().sort("last_day", "plan_year_begins")
    for last_day, begins in ends.iter_rows():
        later = _later_ends(on, pl.lit(begins, pl.Int32))
        if last_day in later:
            found.append(later[LastDay(last_day)])
    return found


def _plan_year(day: pl.Expr, begins: pl.Expr) -> pl.Expr:
    """The first day of the plan year that holds a day; it begins with a month, January unless stated."""
    month = begins.fill_null(1)
    year = day.dt.year() - (day.dt.month() < month).cast(pl.Int32)
    return pl.date(year, month, 1)


def last_day_of_age() -> pl.Expr:
    """The last day on which somebody counts who is to reach a limit of age.

    Shapes:  birth_on, limit (years), last_day (a core.codes.LastDay; null: the day before the birthday),
             plan_year_begins (its month).
    Missing: null without a birth date.
    Source:  docs/rules.md §3; whoever is born on 29 February has the birthday on 1 March in common years.
    """
    born = pl.col("birth_on")
    anniversary = days.add_months(born, pl.col("limit").fill_null(NO_LIMIT_OF_AGE).cast(pl.Int32) * 12)
    birthday = (
        pl.when(anniversary.dt.day() < born.dt.day()).then(days.day_after(anniversary)).otherwise(anniversary)
    )
    return (
        pl.when(pl.col("last_day") == LastDay.BIRTHDAY)
        .then(birthday)
        .when(pl.col("last_day") == LastDay.MONTH_END)
        .then(days.month_end(birthday))
        .when(pl.col("last_day") == LastDay.YEAR_END)
        .then(pl.date(birthday.dt.year(), 12, 31))
        .when(pl.col("last_day") == LastDay.PLAN_YEAR_END)
        .then(days.day_before(days.add_months(_plan_year(birthday, pl.col("plan_year_begins")), pl.lit(12))))
        .otherwise(days.day_before(birthday))
    )


@cache
def is_adult() -> pl.Expr:
    """Whether a dependent is a spouse or partner, for whom no limit of age holds."""
    adults = [person.value for name in ADULT_KINDS for person in PERSON_KINDS[name]]
    return pl.col("person_type").is_in(adults)


def counted(kind: str) -> str:
    """Name the column that counts the dependents of a kind in a household."""
    return f"{kind}_count"


@cache
def is_of_kind(kind: str) -> pl.Expr:
    """Whether a dependent falls under a kind of core.codes.PERSON_KINDS."""
    return pl.col("person_type").is_in([person.value for person in PERSON_KINDS[kind]])


def kind_of_member() -> pl.Expr:
    """The kind a dependent falls under; null for former spouses and unknown relationships."""
    return pl.col("person_type").replace_strict(KIND_OF, default=None, return_dtype=pl.String)


def households(members: pl.DataFrame, kinds: Sequence[str]) -> pl.DataFrame:
    """Count the eligible dependents of each kind, per case and unit of `plan_unit`."""
    return members.group_by("case", "plan_unit").agg(
        is_of_kind(kind).sum().cast(pl.Int16).alias(counted(kind)) for kind in kinds
    )


def household_suffices(kinds: Sequence[str]) -> pl.Expr:
    """Whether the household holds the persons a coverage code demands."""
    return pl.all_horizontal(
        pl.lit(value=True), *(pl.col(counted(kind)) >= pl.col(f"{kind}_min") for kind in kinds)
    )
