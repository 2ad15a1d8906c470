"""What is sent that more than one record of a client hangs on: rates all clients share, the client itself."""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.platform import here as ours
from openbenefits.platform.audits.catalogue import ACTIVE, Sides
from openbenefits.platform.client.values import amount
from openbenefits.platform.wishing import Wish, about_tiers, iso, unequal_keys

OLDEST = 120
"""Through which age a last band goes."""
STATUSES = ("A", "I", "C", "T")
"""Active, inactive, before termination, terminated: what a client may be made there."""


class StatusRefused(ValueError):
    """A status a client cannot be given: what was expected, what was found, what to change."""


def rate_wishes(sides: Sides) -> list[Wish]:
    """The rates of tiers that are not as ours, one record for each plan and tier with all its ages.

    A rate goes there in two parts, the employee's and the dependents': ours are the rate of who is covered
    alone at the same age, and what is beyond it.
    """
    wrong = {tuple(key.split("|")[:2]) for key in unequal_keys(sides, "A2")}
    rows = ours.rates(sides.here)
    alone = rows.filter("is_alone").unique(["plan", "age_from"]).select("plan", "age_from", own="cents")
    split = rows.join(alone, on=["plan", "age_from"], how="left", maintain_order="left")
    groups = dict(sides.seen("setup").select("plan", "rate_group").iter_rows())
    return [
        _rate_wish(sides, part.sort("age_from"), groups.get(part["plan"][0]) or "")
        for part in split.partition_by("plan", "tier", maintain_order=True)
        if (part["plan"][0], part["tier"][0]) in wrong
    ]


def _rate_wish(sides: Sides, part: pl.DataFrame, rate_group: str) -> Wish:
    plan, tier = part["plan"][0], part["tier"][0]
    ages = part["age_from"].to_list()
    last = [*(age - 1 for age in ages[1:]), OLDEST]
    problems = about_tiers(sides, [tier])
    if part["own"].null_count():
        problems.append(
            "expected a rate of who is covered alone at each age, found none: the parts are unknown"
        )
    if (part["cents"] < part["own"]).any():
        problems.append(
            "expected a rate not below that of who is covered alone, found one; correct the rates"
        )
    bands = [
        {
            "fromAge": str(one["age_from"]),
            "toAge": str(through),
            "employeeBillPremAmount": amount(one["own"]),
            "dependentBillPremAmount": amount(None if one["own"] is None else one["cents"] - one["own"]),
        }
        for one, through in zip(part.iter_rows(named=True), last, strict=True)
    ]
    wanted: dict[str, Any] = {
        "planId": plan,
        "rateGroup": rate_group,
        "planType": tier,
        "effectiveDate": iso(part["from_on"][0]),
        "benefitRateDetails": bands,
    }
    return Wish(element="rate", key=f"{plan}|{tier}", wanted=wanted, problems=problems)


def status_wish(sides: Sides, status: str, on: date) -> Wish:
    """The client as it is to stand there from a day on; nothing follows from it for its employees.

    A client is terminated there only where the last look saw nobody covered any more.

    Errors: StatusRefused.
    """
    if status not in STATUSES:
        raise StatusRefused(f"expected one of {', '.join(STATUSES)}, found '{status}'; correct it")
    problems = []
    is_open = pl.col("status").is_in(ACTIVE) & pl.col("ends_on").is_null()
    covered = sides.seen("enrolment").filter(is_open | (pl.col("ends_on") > on))
    if status == "T" and covered.height:
        people = covered["employee"].n_unique()
        problems.append(
            f"expected nobody covered there beyond {on}, found {people} people; send their ends first"
        )
    wanted = {"newStatus": status, "effectiveDate": iso(on)}
    return Wish(element="client", key="status", wanted=wanted, problems=problems)
