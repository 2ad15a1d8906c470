"""Credits and imputed income in words: what credits paid for, and what coverage adds to taxable pay."""

from calendar import monthrange
from datetime import date

import polars as pl

from openbenefits.enrollment.models import CreditRoll, CreditUse
from openbenefits.rating.rules.imputed import FREE_COVERAGE_CENTS, group_term_life
from openbenefits.reports.explain_again import Again, key_of
from openbenefits.reports.explain_names import Row, plan_type_name, row_on
from openbenefits.reports.explain_parts import CreditPart, Fact
from openbenefits.reports.explain_words import MICROS, decimal, money, whole_money
from openbenefits.reports.life import rates_on

TREATMENT_WORDS = {"paid": "paid out", "forfeited": "forfeited", "rolled_over": "rolled over into accounts"}


def credit_part(again: Again) -> CreditPart | None:
    """Tell what the event's credits were used for, as last posted; None where it had none."""
    key = key_of(again.event)
    row = CreditUse.objects.filter(**key).order_by("version").values().last()
    if row is None or row["is_taken_back"]:
        return None
    rolls = CreditRoll.objects.filter(**key, version=row["version"]).order_by("plan_type")
    names = [
        *("total_cents", "cost_cents", "used_cents", "excess_cents"),
        *("paid_cents", "forfeited_cents", "rolled_cents"),
    ]
    return CreditPart(
        from_on=row["begins_on"],
        treatment=TREATMENT_WORDS[row["treatment"]],
        rolls=tuple(Fact(name=plan_type_name(one.plan_type), value=money(one.rolled_cents)) for one in rolls),
        **{name: row[name] for name in names},
    )


def imputed_text(again: Again, plan: Row, row: Row, priced: Row) -> str:
    """What an option adds to taxable pay; empty where it adds nothing by its kind."""
    told = [_persons(priced), _life(again, plan, row, priced)]
    return "; ".join(part for part in told if part)


def _persons(priced: Row) -> str:
    """The value of covering persons who are no tax dependents."""
    year, pay = priced["annual_imputed_cents"], priced["pay_imputed_cents"]
    if year is None:
        return "not known: the value of covering persons who are no tax dependents"
    if year == 0:
        return ""
    per_pay = "" if pay is None else f", {money(pay)} per pay"
    return f"{money(year)} a year{per_pay} for covering persons who are no tax dependents"


def _life(again: Again, plan: Row, row: Row, priced: Row) -> str:
    """What a month of the coverage by itself would add as group-term life insurance the employer carries."""
    held = row_on(again.tables["plan"], plan["price_on"], plan_id=row["plan_id"])
    if held is None or not held["is_imputed_income"]:
        return ""
    on: date = plan["price_on"]
    amount = priced["coverage_cents"]
    cover = pl.DataFrame(
        {
            "owner": [0],
            "year": [on.year],
            "month": [on.month],
            "start_cents": [amount],
            "end_cents": [amount],
            "covered_days": [monthrange(on.year, on.month)[1]],
        },
        schema_overrides={"start_cents": pl.Int64, "end_cents": pl.Int64},
    )
    person = pl.DataFrame(
        {"owner": [0], "birth_on": [again.case["birth_on"]], "paid_cents": [0]},
        schema_overrides={"birth_on": pl.Date, "paid_cents": pl.Int64},
    )
    rates = rates_on(again.tables["age_rate"], date(on.year, 12, 31))
    found = group_term_life(cover, person, rates)[0].row(0, named=True)
    if found["month_cents"] is None:
        return "not known: the value of this life insurance lacks its amount, the age or Table I"
    if found["taxed_cents"] == 0:
        return ""
    rate = decimal(found["rate_micros"], MICROS, least=2)
    return (
        f"{money(found['month_cents'])} a month, were it all the life insurance the employer carries: "
        f"{whole_money(found['taxed_cents'])} above {whole_money(FREE_COVERAGE_CENTS)} × ${rate} per $1,000 "
        f"at age {found['age']} on December 31; all of it together counts, less what is paid after tax"
    )
