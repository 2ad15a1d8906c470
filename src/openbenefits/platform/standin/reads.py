"""How the stand-in answers what reads: each function is an operation by its name, given what was asked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from openbenefits.platform.client.paging import Reading
from openbenefits.platform.client.values import day
from openbenefits.platform.standin.world import Answered, Record, World, stamped, status_checksum

MOST_IDS = 20
READS: dict[str, "Read"] = {}
Asked = Mapping[str, Any]
Read = Callable[[World, Asked], Record]
READABLE = ("POSTCOMP", "WT.PEND", "PRINT", "PRINTCOMP", "COMP")
"""Statuses of a batch whose vouchers are shown."""


def read(function: Read) -> Read:
    """Register a function as the operation of its name."""
    READS[function.__name__] = function
    return function


def many(asked: Asked, name: str) -> list[str]:
    """Read a parameter that may be repeated."""
    found = asked.get(name) or []
    return [found] if isinstance(found, str) else list(found)


def page_of(rows: Sequence[Any], asked: Asked, name: str) -> Record:
    """Cut a page; asked["_reading"] says what startpage counts."""
    count, start = int(asked.get("count") or 500), int(asked.get("startpage") or 0)
    first = start if asked["_reading"] is Reading.RECORDS else start * count
    return {name: list(rows[first : first + count]), "total": len(rows), "startpage": start, "count": count}


@read
def getClientList(world: World, asked: Asked) -> Record:  # noqa: N802
    """List clients: the active ones unless asked otherwise."""
    is_inactive = str(asked.get("inActive", "")).casefold() == "true"
    found = [one for one in world.clients.values() if (one["statusClass"] != "A") is is_inactive]
    shown = [
        {name: one[name] for name in ("clientName", "legalName", "status")} | {"clientId": one["id"]}
        for one in found
    ]
    return {"clientListResult": {"clientList": shown}}


@read
def getClientMaster(world: World, asked: Asked) -> Record:  # noqa: N802
    """Show a client."""
    found = world.clients[world.client(asked)]
    return {"clientMaster": {**stamped(found), "clientStatusChecksum": status_checksum(found)}}


@read
def getBenefitGroup(world: World, asked: Asked) -> Record:  # noqa: N802
    """Show up to 20 benefit groups."""
    groups, wanted = world.groups[world.client(asked)], many(asked, "groupId")
    if len(wanted) > MOST_IDS:
        raise Answered(400, "at most 20 groups")
    return {"benefitGroupResults": [stamped(groups[one]) for one in wanted if one in groups]}


@read
def getClientCodes(world: World, asked: Asked) -> Record:  # noqa: N802
    """Show codes of a client."""
    client = world.client(asked)
    groups = [
        {"id": one["groupId"], "description": one["groupName"]} for one in world.groups[client].values()
    ]
    pays = [{"payGroupCode": one["groupId"], "description": ""} for one in world.schedules[client]]
    codes = world.clients[client].get("deductionCode", [])
    deductions = [{"id": one["deductionCodeId"], "description": ""} for one in codes]
    return {
        "clientCodes": {
            "clientId": client,
            "benefitGroupCode": groups,
            "payGroups": pays,
            "deductionCode": deductions,
        }
    }


@read
def getPayrollSchedule(world: World, asked: Asked) -> Record:  # noqa: N802
    """List pay groups with their schedules."""
    return {"clientPayrollSchedules": world.schedules[world.client(asked)]}


@read
def getEmployeeList(world: World, asked: Asked) -> Record:  # noqa: N802
    """List the ids of employees."""
    classes = asked.get("statusClass") or "ALT"
    rows = world.employees[world.client(asked)].items()
    return {
        "employeeList": {
            "employeeId": [number for number, one in rows if one["client"].get("statusClass", "A") in classes]
        }
    }


@read
def getEmployee(world: World, asked: Asked) -> Record:  # noqa: N802
    """Show up to 20 employees, with the parts asked for; SSN and birth date are masked unless granted."""
    client, wanted = world.client(asked), many(asked, "employeeId")
    if not 1 <= len(wanted) <= MOST_IDS:
        raise Answered(400, "between 1 and 20 employees")
    options = {one.strip().casefold() for one in str(asked.get("options") or "").split(",")}
    found = [world.employees[client][one] for one in wanted if one in world.employees[client]]
    return {"employee": [_shown(one, options, asked["_unmasked"]) for one in found]}


def _shown(employee: Record, options: set[str], unmasked: frozenset[str]) -> Record:
    parts = {
        "person": "person",
        "contactInformation": "contactinformation",
        "client": "client",
        "compensation": "compensation",
    }
    shown = {name: value for name, value in employee.items() if name not in parts}
    for name, option in parts.items():
        if option in options:
            shown[name] = dict(employee[name])
    if "NOMASKDOB" not in unmasked and "birthDate" in shown.get("person", {}):
        shown["person"]["birthDate"] = "****-**-**"
    if "NOMASKSSN" not in unmasked and "ssn" in shown.get("compensation", {}):
        shown["compensation"]["ssn"] = "***-**-****"
    return shown


@read
def getDependents(world: World, asked: Asked) -> Record:  # noqa: N802
    """List dependents; SSN and birth date are masked unless granted."""
    client, employee = world.employee(asked)
    rows = world.dependents.get((client, employee), {}).values()
    shown = [_relative(stamped(one), asked["_unmasked"]) for one in rows]
    return {"employeeId": employee, "clientId": client, "dependent": shown}


def _relative(shown: Record, unmasked: frozenset[str]) -> Record:
    for name, token, mask in (("ssn", "NOMASKSSN", "***-**-****"), ("birthdate", "NOMASKDOB", "****-**-**")):
        if token not in unmasked and shown.get(name):
            shown[name] = mask
    return shown


@read
def getBenefitPlanList(world: World, asked: Asked) -> Record:  # noqa: ARG001, N802
    """List the plans of the system."""
    names = ("planId", "insClass", "offerTypeCode")
    return {
        "benefitPlanList": [
            {name: one[name] for name in names}
            | {"planDesc": one["planDescription"], "insuranceClass": one["insClass"]}
            for one in world.plans.values()
        ]
    }


@read
def getGroupBenefitPlan(world: World, asked: Asked) -> Record:  # noqa: N802
    """Show a plan of the system."""
    found = world.plans.get(str(asked.get("planId") or ""))
    if found is None:
        raise Answered(404, "plan not found")
    return {"groupBenefitPlan": stamped(found)}


@read
def getGroupBenefitTypes(world: World, asked: Asked) -> Record:  # noqa: ARG001, N802
    """List coverage tiers."""
    return {"groupBenefitType": [stamped(one) for one in world.tiers.values()]}


@read
def getGroupBenefitRates(world: World, asked: Asked) -> Record:  # noqa: N802
    """Show billing and premium rates of a plan."""
    options = str(asked.get("options") or "BILLING,PREMIUM").upper()
    found = {}
    for kind, name in (("billing", "billingRate"), ("premium", "premiumRate")):
        if kind.upper() in options:
            rows = [one for one in world.rates.get(kind, []) if one["planId"] == asked.get("planId")]
            found[name] = [stamped(one) for one in rows]
    return found


@read
def getClientBenefitPlans(world: World, asked: Asked) -> Record:  # noqa: N802
    """List the plans of a client."""
    setups = world.setups[world.client(asked)].values()
    return {
        "benefitPlanOverview": [
            {
                "planId": one["planId"],
                "planDescription": "",
                "rateGroup": one.get("benefitRateGroup", ""),
                "startDate": one.get("startDate", ""),
                "endDate": one.get("stopDate", ""),
                "groupRules": [],
            }
            for one in setups
        ]
    }


@read
def getClientBenefitPlanSetupDetails(world: World, asked: Asked) -> Record:  # noqa: N802
    """Show how a plan is set up for a client."""
    found = world.setups[world.client(asked)].get(str(asked.get("planId")))
    if found is None:
        raise Answered(404, "plan set-up not found")
    return {"benefitPlanDetail": stamped(found)}


@read
def getBenefitRule(world: World, asked: Asked) -> Record:  # noqa: N802
    """List the rules of a client, of one plan if asked."""
    wanted = asked.get("planId")
    rows = world.rules[world.client(asked)].values()
    return {"benefitRule": [stamped(one) for one in rows if not wanted or one["planId"] == wanted]}


@read
def getBenefitPlans(world: World, asked: Asked) -> Record:  # noqa: N802
    """List the enrolments of an employee, whatever their status."""
    wanted = many(asked, "planId")
    rows = world.enrolments.get(world.employee(asked), [])
    return {"benefitPlan": [one for one in rows if not wanted or one["planId"] in wanted]}


@read
def getActiveBenefitPlans(world: World, asked: Asked) -> Record:  # noqa: N802
    """List the enrolments of an employee that are active on a day."""
    on = day(asked.get("effectiveDate")) or date.today()
    rows = getBenefitPlans(world, asked)["benefitPlan"]
    return {
        "benefitPlan": [
            one
            for one in rows
            if one["status"] in ("A", "C")
            and (day(one.get("coverageStart")) or date.max) <= on
            and (day(one.get("coverageEnd")) or date.max) >= on
        ]
    }


@read
def getBenefitAdjustments(world: World, asked: Asked) -> Record:  # noqa: N802
    """List the adjustments of an employee."""
    rows = world.adjustments.get(world.employee(asked), [])
    return {"benefitAdjustments": [stamped(one) for one in rows]}


@read
def getDeductions(world: World, asked: Asked) -> Record:  # noqa: N802
    """List the recurring deductions of an employee, as the last payroll left them."""
    place = world.employee(asked)
    rows = [*world.deductions.get(place, []), *world.voluntary.get(place, [])]
    return {"employeeDeductions": {"deduction": rows}}


@read
def getDeductionArrears(world: World, asked: Asked) -> Record:  # noqa: N802
    """List deductions not collected; 404 where there are none."""
    rows = world.arrears.get(world.employee(asked), [])
    if not rows:
        raise Answered(404, "no records found")
    return {"deductionArrears": [stamped(one) for one in rows]}


@read
def getVoluntaryRecurringDeductions(world: World, asked: Asked) -> Record:  # noqa: N802
    """List voluntary deductions with the checksum of the whole set."""
    rows = world.voluntary.get(world.employee(asked), [])
    return {"voluntaryDeduction": {"deduction": rows}, "checksum": stamped({"rows": rows})["checksum"]}


@read
def getBatchListByDate(world: World, asked: Asked) -> Record:  # noqa: N802
    """List batches whose pay date, period or posting is in a range."""
    if asked.get("dateType") not in ("PAY", "PERIOD", "POST"):
        raise Answered(400, "dateType must be PAY, PERIOD or POST")
    begin, end = str(asked.get("startDate")), str(asked.get("endDate"))
    rows = [one for one in world.batches[world.client(asked)].values() if begin <= one["payDate"] <= end]
    if not rows:
        raise Answered(500, "no records found")
    return {"batchList": rows}


@read
def getBatchStatus(world: World, asked: Asked) -> Record:  # noqa: N802
    """Tell the statuses of batches."""
    batches = world.batches[world.client(asked)]
    wanted = str(asked.get("batchIds") or "").split(",")
    found = [{"batchId": one, "status": batches[one]["batchStatus"]} for one in wanted if one in batches]
    return {"batchStatuses": found}


@read
def getPayrollVouchers(world: World, asked: Asked) -> Record:  # noqa: N802
    """List the vouchers of pay dates, page by page; those of batches under way only where asked for."""
    client = world.client(asked)
    if not asked.get("payDateStart"):
        raise Answered(400, "PayDateStart is required for this operation")
    begin, end = str(asked["payDateStart"]), str(asked.get("payDateEnd"))
    statuses = {number: one["batchStatus"] for number, one in world.batches[client].items()}
    is_early = "Initialized" in many(asked, "options")
    rows = [
        one
        for one in world.vouchers[client]
        if begin <= one["payDate"] <= end and (is_early or statuses.get(one["batchId"], "COMP") in READABLE)
    ]
    return page_of(rows, asked, "payrollVouchers")


@read
def getAllSubscriptions(world: World, asked: Asked) -> Record:  # noqa: N802
    """List subscriptions, of a tag if asked."""
    tag = asked.get("userStringId")
    rows = [one for one in world.subscriptions.values() if not tag or one["userStringId"] == tag]
    if not rows:
        raise Answered(404, "not found")
    return {"subscriptions": rows}


@read
def getEvents(world: World, asked: Asked) -> Record:  # noqa: N802
    """List events from a position on; the position kept with the subscription stays."""
    found = world.subscriptions.get(str(asked.get("subscriptionId")))
    if found is None:
        raise Answered(404, "subscription not found")
    start, most = int(asked.get("replayId") or 0), int(asked.get("numberOfEvents") or 500)
    classes = {(one["schemaName"], one["className"]) for one in found["filter"]}
    part = world.events[start : start + most]
    shown = [one for one in part if (one["schemaName"], one["className"]) in classes]
    return {"events": shown, "nextEvent": str(start + len(part))}


@read
def getUnbilledBenefitAdjustments(world: World, asked: Asked) -> Record:  # noqa: N802
    """Have the outstanding adjustments of clients built."""
    return _build(world, asked, lambda: _unbilled(world, many(asked, "clientId")))


def _unbilled(world: World, clients: Sequence[str]) -> Record:
    rows = [
        {"clientId": client, "employeeId": employee, "benefitAdjustments": [stamped(one) for one in rows]}
        for (client, employee), rows in world.adjustments.items()
        if not clients or client in clients
    ]
    return {"unbilledBenefitAdjustments": rows}


@read
def getData(world: World, asked: Asked) -> Record:  # noqa: N802
    """Have the rows of a class built, of everybody of a client."""
    make = BUILDS.get((str(asked.get("schemaName")), str(asked.get("className"))))
    if make is None:
        raise Answered(400, "schema and class are not known")
    client = world.client(asked)
    shown = asked["_unmasked"]
    return _build(world, asked, lambda: {"data": [_relative(one, shown) for one in make(world, client)]})


def _of_client(places: Mapping[tuple[str, str], Any], client: str) -> Iterable[tuple[Record, Any]]:
    for (place, employee), rows in places.items():
        if place == client:
            yield {"clientId": client, "employeeId": employee}, rows


def _built_plans(world: World, client: str) -> Iterable[Record]:
    for who, rows in _of_client(world.enrolments, client):
        yield from ({**who, **{n: v for n, v in one.items() if n != "planDetail"}} for one in rows)


def _built_details(world: World, client: str) -> Iterable[Record]:
    for who, rows in _of_client(world.enrolments, client):
        for one in rows:
            yield from ({**who, "planId": one["planId"], **detail} for detail in one["planDetail"])


def _built_dependents(world: World, client: str) -> Iterable[Record]:
    for who, rows in _of_client(world.dependents, client):
        yield from ({**who, **stamped(one)} for one in rows.values())


def _built_arrears(world: World, client: str) -> Iterable[Record]:
    for who, rows in _of_client(world.arrears, client):
        yield from ({**who, **stamped(one)} for one in rows)


BUILDS: dict[tuple[str, str], Callable[[World, str], Iterable[Record]]] = {
    ("Benefit", "BenefitPlan"): _built_plans,
    ("Benefit", "BenefitPlanDetail"): _built_details,
    ("Benefit", "Dependent"): _built_dependents,
    ("Deduction", "EmployeeArrears"): _built_arrears,
}


def _build(world: World, asked: Asked, make: Callable[[], Any]) -> Record:
    number = str(asked.get("downloadId") or "")
    if not number:
        if any(one["looks"] >= 0 for one in world.builds.values()):
            raise Answered(429, "a build is under way")
        number = world.number("D")
        world.builds[number] = {"looks": asked["_looks"], "made": make()}
        return {"downloadId": number, "buildStatus": "INIT", "dataObject": None}
    build = world.builds.get(number)
    if build is None:
        raise Answered(404, "download not found")
    build["looks"] -= 1
    if build["looks"] >= 0:
        return {"downloadId": number, "buildStatus": "BUILD", "dataObject": None}
    return {"downloadId": number, "buildStatus": "DONE", "dataObject": f"/built/{number}"}


@read
def getAPIPermissions(world: World, asked: Asked) -> Record:  # noqa: ARG001, N802
    """Show what the user is granted."""
    methods = [{"service": one, "options": []} for one in sorted(asked["_grants"] or ())]
    return {"currentPermissions": {"allowedMethods": methods}}
