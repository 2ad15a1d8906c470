"""A payroll run at the stand-in: enrolments become deductions, then vouchers; the rest is arrears."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from openbenefits.platform.client.values import amount, cents, day
from openbenefits.platform.standin.world import Record, World

BATCH = {"batchType": "R", "batchStatus": "TS.READY"}
Pays = Mapping[str, int]
"""What is left for benefits in each employee's pay, in cents; who is not named earns enough."""


def open_batch(world: World, client: str, **stated: Any) -> str:
    """Open a batch: payGroup, payDate, begins, ends, deductPeriod (the week of the month)."""
    number = world.number("B")
    world.batches[client][number] = BATCH | {
        "batchId": number,
        "payDate": stated["pay_date"],
        "payGroup": [
            {
                "payGroupId": stated["pay_group"],
                "payPeriodStartDate": stated["begins"],
                "payPeriodEndDate": stated["ends"],
                "weeksWorked": 1,
                "deductPeriod": stated.get("period", "1"),
            }
        ],
    }
    return number


def calculate(world: World, client: str, number: str, per_year: int, left: Pays | None = None) -> None:
    """Work a batch out: deductions from enrolments, one cycle of each adjustment, vouchers not shown yet."""
    batch = world.batches[client][number]
    group = batch["payGroup"][0]
    for employee, record in world.employees[client].items():
        if record["compensation"].get("payGroup") != group["payGroupId"]:
            continue
        enrolled = _standing(world, (client, employee), group["payPeriodEndDate"])
        rows = [_deduction(world, one, per_year) for one in enrolled]
        world.deductions[client, employee] = rows
        lines = [_line(row["deductionCode"], cents(row["amount"]) or 0, row["benefitPlanId"]) for row in rows]
        corrections = _corrections(world, (client, employee))
        lines += [_corrected(world, one) for one in corrections]
        paid = _paid(world, (client, employee), number, lines, (left or {}).get(employee))
        billed = [line for one in enrolled for line in _billed(one, group["payPeriodEndDate"], per_year)]
        billed += [_named(one) for one in corrections]
        _write_voucher(world, client, employee, batch, paid, billed)
    batch["batchStatus"] = "INITCOMP"


def complete(world: World, client: str, number: str) -> None:
    """Post a batch: its vouchers are shown from now on."""
    world.batches[client][number]["batchStatus"] = "COMP"
    world.happened("Payroll", "BatchControl", "change", client, number, "batchStatus")


def void(world: World, client: str, voucher: str, on: str) -> None:
    """Void a voucher: it is marked, and another one reverses it."""
    found = next(one for one in world.vouchers[client] if one["voucherId"] == voucher)
    found["voidDate"] = on
    reversed_ = {name: value for name, value in found.items() if name != "voidDate"}
    reversed_ |= {"voucherId": world.number("V"), "voidVoucherId": voucher, "type": "A"}
    reversed_["deduction"] = [{**one, "deductAmount": -one["deductAmount"]} for one in found["deduction"]]
    reversed_["benefit"] = [
        one | {name: -one[name] for name in _BILLED} for one in found.get("benefit") or ()
    ]
    world.vouchers[client].append(reversed_)


def _standing(world: World, place: tuple[str, str], ends: str) -> list[Record]:
    """List the enrolments that hold on the day a pay period ends; one ended ahead, until its day."""
    found, on = [], day(ends)
    for one in world.enrolments.get(place, []):
        begins, last = day(one.get("coverageStart")), day(one.get("coverageEnd"))
        is_ours = one["status"] == "A" or (one["status"] == "T" and last is not None)
        if is_ours and begins and on and begins <= on and not (last and last < on):
            found.append(one)
    return found


def _detail(enrolment: Record) -> Record:
    return enrolment["planDetail"][-1] if enrolment["planDetail"] else {}


def _deduction(world: World, enrolment: Record, per_year: int) -> Record:
    yearly = cents(_detail(enrolment).get("employeeContrib")) or 0
    plan = world.plans[enrolment["planId"]]
    return {
        "deductionCode": plan.get("pr125Dedn") or plan.get("prDednCode") or enrolment["planId"],
        "deductionType": "C",
        "amount": amount(round(yearly / per_year)),
        "period": "12345",
        "benefitPlanId": enrolment["planId"],
    }


_BILLED = ("premiumAmt", "empContrib", "empDeduct")


def _billed(enrolment: Record, ends: str, per_year: int) -> list[Record]:
    """Bill what a pay is to bear of a premium, and the employer's part; nothing where no premium is said."""
    detail = _detail(enrolment)
    premium = sum(cents(detail.get(name)) or 0 for name in ("employeePremium", "dependentPremium"))
    own = cents(detail.get("employeeContrib")) or 0
    parts = (premium, premium - own, own)
    amounts = {name: _dollars(round(part / per_year)) for name, part in zip(_BILLED, parts, strict=True)}
    month = ends[:7].replace("-", "")
    return [{"planId": enrolment["planId"], "coveragePeriod": month, **amounts}] if premium else []


def _dollars(value: int) -> Decimal:
    """Write cents as the number of dollars a voucher has."""
    return Decimal(value).scaleb(-2)


def _line(code: str, value: int, plan: str) -> Record:
    return {"deductCode": code, "deductDescription": "", "deductAmount": value, "planId": plan}


def _corrections(world: World, place: tuple[str, str]) -> list[Record]:
    """Take one cycle of each adjustment that is open."""
    found = [
        one for one in world.adjustments.get(place, []) if one["cyclesBilled"] < int(one.get("cycles") or 1)
    ]
    for one in found:
        one["cyclesBilled"] += 1
    return found


def _corrected(world: World, one: Record) -> Record:
    """Make a cycle of an adjustment a deduction of the pay."""
    plan = world.plans.get(one["benefitPlan"], {})
    codes = (plan.get("pr125Dedn"), plan.get("prDednCode"))  # before tax, after
    first, second = reversed(codes) if one.get("retroEnroll") else codes
    return _line(
        first or second or one["benefitPlan"], cents(one.get("eeContribution")) or 0, one["benefitPlan"]
    )


def _named(one: Record) -> Record:
    """Name an adjustment beside the benefits of a pay, with what a cycle of it is."""
    own = cents(one.get("eeContribution")) or 0
    amounts = dict.fromkeys(_BILLED, _dollars(0)) | {"empDeduct": _dollars(own)}
    about = {
        "planId": one["benefitPlan"],
        "coveragePeriod": one.get("period", ""),
        "adjRef": one["refNumber"],
    }
    return about | amounts


def _paid(
    world: World, place: tuple[str, str], batch: str, lines: list[Record], left: int | None
) -> list[Record]:
    """Take what the pay has left for it; the rest is arrears."""
    paid = []
    for line in lines:
        taken = line["deductAmount"] if left is None else min(line["deductAmount"], left)
        left = None if left is None else left - taken
        if taken < line["deductAmount"]:
            world.arrears.setdefault(place, []).append(
                {
                    "arrearsDate": world.batches[place[0]][batch]["payDate"],
                    "dedCode": line["deductCode"],
                    "amount": amount(line["deductAmount"] - taken),
                    "benefitPlan": line["planId"],
                    "batchNumber": batch,
                }
            )
        paid.append({**line, "deductAmount": taken})
    return paid


def _write_voucher(
    world: World, client: str, employee: str, batch: Record, lines: list[Record], billed: list[Record]
) -> None:
    group = batch["payGroup"][0]
    world.vouchers[client].append(
        {
            "voucherId": world.number("V"),
            "type": "R",
            "status": "",
            "voidDate": "",
            "voidVoucherId": "",
            "employeeId": employee,
            "payDate": batch["payDate"],
            "payGroup": group["payGroupId"],
            "payPeriodStart": group["payPeriodStartDate"],
            "payPeriodEnd": group["payPeriodEndDate"],
            "batchId": batch["batchId"],
            "deduction": [{**line, "deductAmount": _dollars(line["deductAmount"])} for line in lines],
            "benefit": billed,
        }
    )
