"""A look at everything of a client at the platform: read, put into our words, kept for the audits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from openbenefits.platform.client import values
from openbenefits.platform.client.faults import NotThere
from openbenefits.platform.client.operations import MOST_IDS
from openbenefits.platform.client.paging import paged
from openbenefits.platform.client.session import Session, in_parts
from openbenefits.platform.client.values import cents, day, text, truth
from openbenefits.platform.connecting import Known, link_people
from openbenefits.platform.families import covered_families, seen_families
from openbenefits.platform.gathering import of_people
from openbenefits.platform.here import Here, here_of
from openbenefits.platform.limits import last_days
from openbenefits.platform.models import Look, Seen
from openbenefits.platform.seen import KEPT_LOOKS, keep

Rows = list[dict[str, Any]]
GROUP_PLANS = "G"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is looked at: a client there, and the pays with their check from one day through another."""

    known: Known
    pays_from: date
    pays_through: date
    author: str
    now: datetime
    say: Callable[[int, int], None] | None = None


def look(connection: Any, session: Session, asked: Asked) -> Look:
    """Read everything of a client there, and keep it; earlier looks but the last ones go.

    Errors: those of `client.faults`; the look says then that it did not end well.
    """
    client_id = asked.known.link.client_id
    made = Look.objects.create(
        client_id=client_id,
        begun_at=asked.now,
        pays_from=asked.pays_from,
        pays_through=asked.pays_through,
    )
    try:
        here = here_of(connection, client_id, asked.now.date())
        read = _read_all(session, here, asked)
        found = read.rows
        with transaction.atomic():
            people = link_people(client_id, read.numbers, author=asked.author, now=asked.now)
            known = here_of(connection, client_id, here.on) if len(people) > here.people.height else here
            found["family"] = seen_families(known, read.dependents)
            made.rows = keep(connection, made, found, people)
    except Exception as fault:
        made.told = f"it could not be read ({type(fault).__name__})"
        raise
    finally:
        made.ended_at = asked.now
        made.save(update_fields=["rows", "told", "ended_at"])
    _forget(client_id)
    return made


def _forget(client_id: int) -> None:
    kept = list(Look.objects.filter(client_id=client_id).order_by("-pk").values_list("pk", flat=True))
    gone = kept[KEPT_LOOKS:]
    Seen.objects.filter(client_id=client_id, look_id__in=gone).delete()
    Look.objects.filter(pk__in=gone).delete()


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What was read: rows by element, dependents as they are there, the number of ours each states."""

    rows: dict[str, Rows]
    dependents: Mapping[str, list[Any]]  # by employee
    numbers: dict[str, str]  # by employee


def _read_all(session: Session, here: Here, asked: Asked) -> _Read:
    client = {"clientId": asked.known.link.external_id}
    found = _set_up(session, client)
    employees = _employees(session, client)
    found["employee"] = [_employee(one) for one in employees]
    with_family = set(covered_families(here)["employee"].to_list())
    people = of_people(session, client, [text(one["id"]) for one in employees], with_family, asked.say)
    found |= people.rows
    found["dependent"] = last_days(here, found.pop("child"))
    found |= _pays(session, client, asked)
    numbers = {text(one["id"]): text((one.get("client") or {}).get("clientEmployeeId")) for one in employees}
    return _Read(rows=found, dependents=people.dependents, numbers=numbers)


# --- set-up -------------------------------------------------------------------------------------------------


def _set_up(session: Session, client: Mapping[str, str]) -> dict[str, Rows]:
    master = session.call("getClientMaster", **client).get("clientMaster") or {}
    plans = sorted({text(one.get("planId")) for one in session.rows("getClientBenefitPlans", **client)})
    setups = [_setup(session, client, plan) for plan in plans]
    codes = session.call("getClientCodes", **client, options="BenefitGroup,PGroups,Deduction")
    known = codes.get("clientCodes") or {}
    return {
        "client": [
            {
                "is_suppressing": truth(master.get("suppressAutoBenAdj")),
                "status": text(master.get("statusClass")),
            }
        ],
        "setup": [one for one in setups if one is not None],
        "plan": [one for plan in plans if (one := _plan(session, plan)) is not None],
        "rule": [row for one in session.rows("getBenefitRule", **client) for row in _rule(one)],
        "rate": [row for plan in plans for row in _rates(session, plan)],
        "group": [{"group": text(one.get("id"))} for one in known.get("benefitGroupCode") or ()],
        "pay_group": [{"pay_group": text(one.get("payGroupCode"))} for one in known.get("payGroups") or ()],
        "tier": [{"tier": text(one.get("typeCode"))} for one in session.rows("getGroupBenefitTypes")],
    }


def _setup(session: Session, client: Mapping[str, str], plan: str) -> dict[str, Any] | None:
    asked = {"planId": plan, "planClass": GROUP_PLANS}
    try:
        one = session.call("getClientBenefitPlanSetupDetails", **client, **asked).get("benefitPlanDetail")
    except NotThere:
        return None
    found = one or {}
    return {
        "plan": plan,
        "status": text(found.get("status")),
        "begins_on": day(found.get("startDate")),
        "ends_on": day(found.get("stopDate")),
        "rate_group": text(found.get("benefitRateGroup")),
        "is_suppressing": truth(found.get("planSuppBenAdj")),
    }


def _plan(session: Session, plan: str) -> dict[str, Any] | None:
    try:
        one = session.call("getGroupBenefitPlan", planId=plan).get("groupBenefitPlan") or {}
    except NotThere:
        return None
    return {
        "plan": plan,
        "before_code": text(one.get("pr125Dedn")),
        "after_code": text(one.get("prDednCode")),
        "bill_code": text(one.get("billCode")),
    }


def _rule(one: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    unit, value = text(one.get("minDayOrMonth")), text(one.get("minDayOrMonthValue"))
    days = text(one.get("eligDays"))
    about = {
        "plan": text(one.get("planId")),
        "group": text(one.get("groupPlanId")),
        "from_on": day(one.get("effectiveDate")),
        "wait": f"{value or days or '0'} {unit or 'D'}",
        "begins": text(one.get("eligDateUsed")),
    }
    rules: Sequence[Mapping[str, Any]] = one.get("rule") or ({},)  # without tiers there is one for its wait
    for row in rules:
        yield about | {
            "tier": text(row.get("planType")),
            "method": text(row.get("method")),
            "employee": share(row.get("companyEEBill")),
            "dependents": share(row.get("companyDepBill")),
        }


def share(value: Any) -> str:
    """Write a percentage or an amount with four decimals, as the platform rounds them."""
    found = values.decimal(value)
    return f"{found or 0:.4f}"


def _rates(session: Session, plan: str) -> Iterable[dict[str, Any]]:
    try:
        answer = session.call("getGroupBenefitRates", planId=plan, options="BILLING,PREMIUM")
    except NotThere:
        return
    for kind, name in (("billing", "billingRate"), ("premium", "premiumRate")):
        for one in answer.get(name) or ():
            for detail in one.get("benefitRateDetails") or ():
                yield {
                    "kind": kind,
                    "plan": plan,
                    "rate_group": text(one.get("rateGroup")),
                    "tier": text(one.get("planType")),
                    "from_on": day(one.get("effectiveDate")),
                    "age_from": int(values.decimal(detail.get("fromAge")) or 0),
                    "cents": _whole_rate(detail),
                }


def _whole_rate(detail: Mapping[str, Any]) -> int | None:
    parts = [cents(detail.get(name)) for name in ("employeeBillPremAmount", "dependentBillPremAmount")]
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


# --- people -------------------------------------------------------------------------------------------------


def _employees(session: Session, client: Mapping[str, str]) -> list[Any]:
    ids = [text(one) for one in session.rows("getEmployeeList", **client)]
    found = []
    for part in in_parts(ids, MOST_IDS):
        found += session.rows("getEmployee", **client, employeeId=part, options="Client,Compensation")
    return found


def _employee(one: Mapping[str, Any]) -> dict[str, Any]:
    job, pay = one.get("client") or {}, one.get("compensation") or {}
    return {
        "employee": text(one["id"]),
        "status": text(job.get("statusClass")),
        "group": text(job.get("benefitGroup")),
        "pay_group": text(pay.get("payGroup")),
        "hired_on": day(job.get("lastHireDate")) or day(job.get("firstHireDate")),
    }


# --- pays ---------------------------------------------------------------------------------------------------


def _pays(session: Session, client: Mapping[str, str], asked: Asked) -> dict[str, Rows]:
    begin, end = asked.pays_from.isoformat(), asked.pays_through.isoformat()
    batches = session.rows("getBatchListByDate", **client, startDate=begin, endDate=end, dateType="PAY")
    vouchers = read_vouchers(session, asked.known, asked.pays_from, asked.pays_through)
    return {
        "batch": [
            {
                "batch": text(one.get("batchId")),
                "pay_group": text(group.get("payGroupId")),
                "ends_on": day(group.get("payPeriodEndDate")),
                "status": text(one.get("batchStatus")),
            }
            for one in batches
            for group in one.get("payGroup") or ()
        ],
        "taken": [row for one in vouchers for row in taken_lines(one)],
        "corrected": [row for one in vouchers for row in corrected_lines(one)],
    }


def read_vouchers(session: Session, known: Known, begin: date, through: date) -> list[Any]:
    """Read the vouchers of pay dates that hold: those voided, and those that void them, cancel out."""
    rows = paged(
        session,
        "getPayrollVouchers",
        reading=known.reading,
        clientId=known.link.external_id,
        payDateStart=begin.isoformat(),
        payDateEnd=through.isoformat(),
    )
    return [one for one in rows if not text(one.get("voidDate")) and not text(one.get("voidVoucherId"))]


def taken_lines(voucher: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """List what a voucher took, line by line, without what is nothing."""
    for line in voucher.get("deduction") or ():
        if taken := cents(line.get("deductAmount")):
            yield {
                "employee": text(voucher.get("employeeId")),
                "plan": text(line.get("planId")),
                "code": text(line.get("deductCode")),
                "pay_group": text(voucher.get("payGroup")),
                "ends_on": day(voucher.get("payPeriodEnd")),
                "cents": taken,
            }


def corrected_lines(voucher: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """List what of a voucher's deductions is of earlier pays: adjustments it names, arrears it collects."""
    adjusted = [one for one in voucher.get("benefit") or () if text(one.get("adjRef"))]
    parts = [(one, "empDeduct") for one in adjusted]
    parts += [(one, "arrearsAmt") for one in voucher.get("fromArrears") or ()]
    for one, amount in parts:
        if taken := cents(one.get(amount)):
            yield {
                "employee": text(voucher.get("employeeId")),
                "plan": text(one.get("planId")),
                "period": text(one.get("coveragePeriod")),
                "pay_group": text(voucher.get("payGroup")),
                "ends_on": day(voucher.get("payPeriodEnd")),
                "cents": taken,
            }
