"""As of which day a price takes age, service and pay, and whose age it is (docs/rules.md §7.9).

Days depend on few things (the rule, the days of the plan row, its pay group), so they are decided on the
distinct combinations and looked up by the rows; rows without a calculation rule are left as they are.
"""

from functools import cache

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import KIND_OF, PriceDay
from openbenefits.core.columns import with_taken
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.offers import AGE_BITS, Offers

PAY_HISTORY = {"case": pl.Int32, "valid_from": pl.Date, "annual_pay_cents": pl.Int64}

_BITS = {person: AGE_BITS[kind] for person, kind in KIND_OF.items()}
_OF_THE_EVENT = [PriceDay.COVERAGE_BEGIN.value, PriceDay.EVENT_DATE.value]
_COMBINATION = ("calculation", "price_on", "event_on", "deduction_on", "pay_group_id")


@cache
def no_pay_history() -> pl.DataFrame:
    """An empty history of pay, for set-up that asks for none."""
    return pl.DataFrame(schema=PAY_HISTORY)


def asks_pay_history(rulebook: Rulebook) -> bool:
    """Tell whether a calculation rule, or a formula, takes pay as of another day than the event's."""
    return bool(rulebook.derived.answer("asks pay history", lambda: _names_another_day(rulebook)))


def _names_another_day(rulebook: Rulebook) -> bool:
    of_prices = (~rulebook.calculation_rules["pay_as_of"].is_in(_OF_THE_EVENT)).any()
    return bool(of_prices or (rulebook.formulas["source"] == "pay").any())


def asks_event_days(calculation_rules: pl.DataFrame) -> bool:
    """Tell whether a calculation rule takes age or service as of the event date."""
    is_event = pl.any_horizontal(pl.col("age_as_of", "service_as_of") == PriceDay.EVENT_DATE)
    return bool(calculation_rules.select(is_event).to_series().any())


def has_calculations(offers: Offers) -> bool:
    """Tell whether any price at hand has a calculation rule."""
    ruled = offers.units["calculation_rule_id"]
    return ruled.null_count() < ruled.len()


def with_price_days(
    rows: pl.DataFrame,
    plans: pl.DataFrame,
    members: pl.DataFrame,
    offers: Offers,
    rulebook: Rulebook,
    pay_history: pl.DataFrame,
) -> pl.DataFrame:
    """Answer the rules of the rows: the days, whose birth date, and the pay of the day.

    Shapes:  rows has plan, unit, price_on, age_on and serving_on (the pricing day), birth_on,
             annual_pay_cents; plans has case, event_on, deduction_on, pay_group_id, plan_unit; members as
             `find_quotes` has them; pay_history as PAY_HISTORY. Replaces the columns named, and adds
             pay_on, is_unruled, is_nobody (there is nobody whose age it could be) and is_pay_day_missing.
    Missing: a day of pay without a calendar is null, and so is pay before the history begins.
    """
    rows = with_taken(rows, offers.units, "unit", "calculation", "calculation_rule_id", "age_kinds")
    decided = _decided_days(rows, plans, rulebook)
    is_ruled = pl.col("calculation").is_not_null()
    rows = rows.with_columns(decided.get_columns()).with_columns(
        is_unruled=pl.col("calculation_rule_id").is_not_null() & ~is_ruled,
        age_on=pl.when(is_ruled).then("ruled_age_on").otherwise("age_on"),
        serving_on=pl.when(is_ruled).then("ruled_serving_on").otherwise("serving_on"),
        is_pay_day_missing=pl.col("asks_history").fill_null(value=False) & pl.col("pay_on").is_null(),
    )
    rows = _with_pay(rows, plans, pay_history)
    rows = _with_birth(rows, plans, members)
    return rows.drop("calculation", "calculation_rule_id", "age_kinds", "^ruled_.*$", "asks_history")


def _decided_days(rows: pl.DataFrame, plans: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Decide ruled_age_on, ruled_serving_on, pay_on and asks_history of each row."""
    asked = rows.select("plan", "calculation", "price_on")
    asked = with_taken(asked, plans, "plan", "event_on", "deduction_on", "pay_group_id").drop("plan")
    combinations = asked.drop_nulls("calculation").select(_COMBINATION).unique()
    decided = _decide(combinations, rulebook)
    found = asked.join(decided, on=list(_COMBINATION), how="left", maintain_order="left", nulls_equal=True)
    return found.select("ruled_age_on", "ruled_serving_on", "pay_on", "asks_history")


def _decide(combinations: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    rows = with_pay_period(combinations.with_row_index("combination"), rulebook)
    names = [f"{fact}_{part}" for fact in ("age", "service", "pay") for part in ("as_of", "month", "day")]
    rows = with_taken(rows, rulebook.calculation_rules, "calculation", *names)
    of_history = ~pl.col("pay_as_of").is_in(_OF_THE_EVENT)
    return rows.select(
        *_COMBINATION,
        _day_of("age").alias("ruled_age_on"),
        _day_of("service").alias("ruled_serving_on"),
        pl.when(of_history).then(_day_of("pay")).alias("pay_on"),
        asks_history=of_history,
    )


def with_pay_period(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add the check and the end of the pay period that holds the day of the deduction, and the next end.

    Shapes:  rows has combination (a number of its own), deduction_on and pay_group_id. Adds _check_on,
             _ends_on, _next_ends_on.
    Missing: null without a day, or where the calendar has no period with it.
    """
    periods = rulebook.pay_periods.select(
        "pay_group",
        "begins_on",
        *(pl.col(name).alias(f"_{name}") for name in ("ends_on", "check_on")),
        _next_ends_on=pl.col("ends_on").shift(-1).over("pay_group"),
    )
    asked = rows.select("combination", "deduction_on", pay_group=pl.col("pay_group_id").cast(pl.Int64))
    found = asked.join(periods, on="pay_group").filter(
        pl.col("deduction_on").is_between(pl.col("begins_on"), pl.col("_ends_on"))
    )
    return rows.join(
        found.select("combination", "_ends_on", "_check_on", "_next_ends_on"), on="combination", how="left"
    )


def _day_of(fact: str) -> pl.Expr:
    """The day as of which a fact is taken."""
    rule, month, day = (pl.col(f"{fact}_{part}") for part in ("as_of", "month", "day"))
    year = pl.col("price_on").dt.year()
    found = {
        PriceDay.COVERAGE_BEGIN: pl.col("price_on"),
        PriceDay.EVENT_DATE: pl.col("event_on"),
        PriceDay.CHECK_DATE: pl.col("_check_on"),
        PriceDay.PAY_END: pl.col("_ends_on"),
        PriceDay.NEXT_PAY_END: pl.col("_next_ends_on"),
        PriceDay.THIS_YEAR: days.year_day(year, month, day),
        PriceDay.LAST_YEAR: days.year_day(year - 1, month, day),
    }
    answers = [pl.when(rule == kind.value).then(answer) for kind, answer in found.items()]
    return pl.coalesce(answers)


def _with_pay(rows: pl.DataFrame, plans: pl.DataFrame, pay_history: pl.DataFrame) -> pl.DataFrame:
    """Replace the pay by that of pay_on, where a rule asks for another day than the event's."""
    if rows["pay_on"].null_count() == rows.height:
        kept = pl.when(~pl.col("is_pay_day_missing")).then("annual_pay_cents")
        return rows.with_columns(annual_pay_cents=kept)
    asked = with_taken(rows.select("plan", "pay_on"), plans, "plan", "case").drop("plan")
    pairs = asked.drop_nulls().unique().sort("pay_on")
    history = pay_history.select("case", pay_on="valid_from", then_cents="annual_pay_cents").sort("pay_on")
    known = pairs.join_asof(history, on="pay_on", by="case", strategy="backward", check_sortedness=False)
    found = asked.join(known, on=["case", "pay_on"], how="left", maintain_order="left")
    pay = pl.when("asks_history").then("then_cents").otherwise("annual_pay_cents")
    return rows.with_columns(found["then_cents"]).with_columns(annual_pay_cents=pay).drop("then_cents")


def _with_birth(rows: pl.DataFrame, plans: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Replace the birth date by that of the oldest person a rule names; nobody of the kind: null."""
    if rows["age_kinds"].null_count() == rows.height:
        return rows.with_columns(is_nobody=pl.lit(value=False))
    asked = with_taken(rows.select("plan", "age_kinds"), plans, "plan", "plan_unit").drop("plan")
    pairs = asked.drop_nulls().unique()
    bit = pl.col("person_type").replace_strict(_BITS, default=0, return_dtype=pl.Int32)
    people = pairs.join(members.select("plan_unit", "dependent_id", "birth_on", bit=bit), on="plan_unit")
    of_kind = people.filter((pl.col("age_kinds") & pl.col("bit")) != 0)
    oldest = of_kind.sort("birth_on", "dependent_id", nulls_last=True).unique(
        ["plan_unit", "age_kinds"], keep="first", maintain_order=True
    )
    oldest = oldest.select("plan_unit", "age_kinds", other_birth_on="birth_on", is_there=pl.lit(value=True))
    found = asked.join(oldest, on=["plan_unit", "age_kinds"], how="left", maintain_order="left")
    of_another = pl.col("age_kinds").is_not_null()
    return (
        rows.with_columns(found["other_birth_on"], found["is_there"])
        .with_columns(
            birth_on=pl.when(of_another).then("other_birth_on").otherwise("birth_on"),
            is_nobody=of_another & pl.col("is_there").is_null(),
        )
        .drop("other_birth_on", "is_there")
    )
