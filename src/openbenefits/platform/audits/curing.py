"""The cure of a row of an audit: the change that makes the platform hold what we hold."""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.platform import exporting
from openbenefits.platform import here as ours
from openbenefits.platform.audits.catalogue import Sides
from openbenefits.platform.audits.comparing import Bucket
from openbenefits.platform.audits.services import audit
from openbenefits.platform.client.values import amount
from openbenefits.platform.gathering import OURS
from openbenefits.platform.models import OutboundChange
from openbenefits.platform.outbound import plan
from openbenefits.platform.shared_wishes import rate_wishes
from openbenefits.platform.wishing import Wish


class NoCure(ValueError):
    """A row that nothing we send puts right: what it needs instead."""


def cure(
    sides: Sides,
    code: str,
    key: str,
    *,
    author: str,
    reason: str,
    now: datetime,
    may_shared: bool = False,
) -> list[OutboundChange]:
    """Plan what puts a row of an audit right.

    may_shared: the author may write what all clients share there (rates).

    Errors: NoCure for a row that is right, is not there any more, or needs a person.
    """
    rows = audit(sides, code).rows.filter(key=key)
    if rows.is_empty() or not rows["is_fault"][0]:
        raise NoCure("expected a row that is wrong, found none any more; look at the audit again")
    if code in SHARED and not may_shared:
        raise NoCure("expected somebody who sets up for every client, found another: all share it; ask one")
    row = rows.row(0, named=True)
    found = _wishes(sides, code, row)
    if not found:
        raise NoCure(
            _INSTEAD.get(code, "nothing that we send puts this right; somebody must at the platform")
        )
    cause = f"{code} {key}"
    orders = [one.order(sides.here.client_id, cause=cause, reason=reason) for one in found]
    return [plan(order, author=author, now=now) for order in orders]


SHARED = ("A2",)
"""Audits of what all clients share there."""
_INSTEAD = {
    "A1": "it is set up there and not offered here; end it at the platform, or offer it in the set-up",
    "A2": "it is a rate there and none of ours; end it at the platform, or put it into the set-up",
    "A6": "one side does not know that person: say who he is there, or have him hired, or ended, there",
    "A8": "a rate billed below its premium is a decision of who keeps rates",
    "A9": "somebody must elect or waive; open a window for him",
    "A10": "nobody here is that employee, or a child is past its limit: end it there, and here",
    "A11": "codes of plans are shared by all clients; whoever keeps them at the platform must write them",
}


def _wishes(sides: Sides, code: str, row: dict[str, Any]) -> list[Wish]:
    key = str(row["key"])
    if code == "A1":
        return [one for one in exporting.setup_wishes(sides) if one.key == key]
    if code == "A2":
        place = "|".join(key.split("|")[:2])
        return [one for one in rate_wishes(sides) if one.key == place] if row["here"] else []
    if code in ("A3", "A5"):
        place = "|".join(key.split("|")[:2])
        return [one for one in exporting.rule_wishes(sides) if one.key == place]
    if code == "A4":
        return [one for one in exporting.member_wishes(sides) if one.key == key]
    if code == "A6":
        wishes = [*exporting.dependent_wishes(sides), *exporting.enrolment_wishes(sides)]
        return [one for one in wishes if one.key == key.split("#")[0]]
    if code == "A7":
        return _missed(sides, row)
    if code == "A10":
        return _ends(sides, row)
    if code == "A12" and row["bucket"] != Bucket.THERE_ONLY:
        return [one for one in exporting.correction_wishes(sides) if one.person_id == row["person_id"]]
    return []


def _missed(sides: Sides, row: dict[str, Any]) -> list[Wish]:
    """What a pay took too little or too much, as one correction of that pay."""
    employee, code, _, ends_on = str(row["key"]).split("#")[0].split("|")
    rows = ours.deduction_codes(sides.here).filter(deduction_code=code)
    held = ours.covered(sides.here).filter(employee=employee).join(rows, on="plan", how="semi")
    plans = held if held.height == 1 else rows  # he may hold it no more
    if plans.height != 1 or row["person_id"] is None:
        return []
    plan_code = plans["plan"][0]
    cents = _cents(row["here"]) - _cents(row["there"])
    tag = f"{OURS}A7 {row['key']}"
    wanted = {
        "benefitPlan": plan_code,
        "period": ends_on[:7].replace("-", ""),
        "billAmount": amount(0),
        "eeContribution": amount(cents),
        "cycles": 1,
        "retroEnroll": not rows.filter(plan=plan_code)["is_before"][0],
        "comment": tag,
    }
    return [Wish(element="adjustment", key=tag, wanted=wanted, person_id=row["person_id"])]


def _cents(said: str | None) -> int:
    """Read the amount of a side; a side that is not there took, or owed, nothing."""
    text = (said or "cents 0").removeprefix("cents ")
    if not text.lstrip("-").isdecimal():
        raise NoCure("expected an amount that is known, found none; put the set-up right first")
    return int(text)


def _ends(sides: Sides, row: dict[str, Any]) -> list[Wish]:
    if row["person_id"] is None or row["key"] != row["employee"]:  # a child there is nobody we could name
        return []
    rows = sides.seen("enrolment").filter(
        (pl.col("employee") == row["employee"]) & pl.col("status").is_in(["A", "C"])
    )
    return [exporting.end_wish(sides, one) for one in rows.unique("plan").iter_rows(named=True)]
