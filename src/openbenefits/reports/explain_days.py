"""As of which day a price took age, service and pay, and whose age it was (docs/rules.md §7.9)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import AgeOf, AreaOf, RateUnit
from openbenefits.rating.rules.addresses import PLACES, asks_addresses, with_address_zips
from openbenefits.reports.explain_again import Again
from openbenefits.reports.explain_names import Row, row_on

_PERSONS = {
    AgeOf.EMPLOYEE: "employee",
    AgeOf.SPOUSE: "spouse or partner",
    AgeOf.DEPENDENT: "oldest child or non-qualified dependent",
}


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a price looked at: the days, whose birth date, months of service and pay. Null: not known."""

    age_on: date | None
    serving_on: date | None
    pay_on: date | None
    birth_on: date | None
    annual_pay_cents: int | None
    service_months: int | None
    zips: Mapping[str, int | None]  # whose address (core.codes.AreaOf), and its zip on the day


def looked_at(again: Again, plan: Row, option: Row, cost: Row) -> Look:
    """Answer what the kernel looked at for a cost: everything on the day priced, or what its rule says."""
    quote = _quote(again, plan, option, cost) if cost["calculation_rule_id"] is not None else None
    found = quote or {
        "age_on": plan["price_on"],
        "serving_on": plan["price_on"],
        "pay_on": None,
        "birth_on": again.case["birth_on"],
        "annual_pay_cents": again.case["annual_pay_cents"],
    }
    names = ("age_on", "serving_on", "pay_on", "birth_on", "annual_pay_cents")
    months = _service_months(again.case["service_on"], found["serving_on"])
    zips = _zips(again, plan["price_on"])
    return Look(**{name: found[name] for name in names}, service_months=months, zips=zips)


def _zips(again: Again, on: date) -> dict[str, int | None]:
    """The zips by which rates may go: of the home, and of the addresses of the job on a day."""
    zips = {str(AreaOf.HOME): again.case["zip"]}
    if asks_addresses(again.rulebook):
        places = again.situation.cases.filter(case=again.case["case"]).select(*PLACES, on=pl.lit(on))
        found = with_address_zips(places, "on", again.rulebook)
        zips |= {str(AreaOf.COMPANY): found["company_zip"][0], str(AreaOf.LOCATION): found["location_zip"][0]}
    return zips


def _service_months(service_on: date | None, on: date | None) -> int | None:
    if service_on is None or on is None:
        return None
    return int(pl.select(days.months_of_service(pl.lit(service_on), on)).item())


def _quote(again: Again, plan: Row, option: Row, cost: Row) -> Row | None:
    """Find the quote of a cost in the trace."""
    trace = again.prepared.trace
    offer = trace.offers.options.filter(plan_day=plan["plan_day"], option_id=option["option_id"])["offer"]
    found = trace.offers.costs.filter(pl.col("offer").is_in(offer.implode()), number=cost["number"])
    if found.is_empty():
        return None
    unit = trace.offers.days["first_unit"][plan["plan_day"]] + found["unit_ordinal"][0]
    quotes = trace.quotes.filter(plan=plan["plan"], unit=unit)
    return None if quotes.is_empty() else quotes.row(0, named=True)


def day_lines(again: Again, plan: Row, table: Row, cost: Row, look: Look) -> Iterator[str]:
    """Say what the calculation rule of a cost had the price look at, as far as the table does."""
    if table["curve"]:
        yield f"rates by the age curve {table['curve']}"
    if cost["calculation_rule_id"] is None:
        return
    rules = again.tables["calculation_rule"]
    rule = row_on(rules, plan["price_on"], calculation_rule_id=cost["calculation_rule_id"])
    if rule is None:
        yield "no calculation rule holds on the day"
        return
    told = []
    if table["by_age"]:
        whose = "each member" if table["is_per_member"] else _PERSONS[AgeOf(rule["age_of"])]
        told.append(f"age of the {whose} on {_written(look.age_on)}".replace("the each", "each"))
    if table["by_service"]:
        told.append(f"service on {_written(look.serving_on)}")
    if table["by_pay"] or table["unit"] == RateUnit.PERCENT_OF_BASE:
        told.append(f"pay on {_written(look.pay_on or plan['event_on'])}")
    name = f"calculation rule {rule['code']} of {rule['valid_from']} ({rule['source']})"
    yield f"{name}: {', '.join(told) or 'nothing the rates look at'}"


def _written(day: date | None) -> str:
    return "a day without a pay period" if day is None else day.isoformat()
