"""How the stand-in carries out what writes: full replacement, patch, checksums, as documented."""

from collections.abc import Callable, Mapping
from typing import Any

from openbenefits.platform.client.values import text
from openbenefits.platform.standin.world import (
    Answered,
    Record,
    World,
    checksum,
    refuse_stale,
    stamped,
    status_checksum,
)

Asked = Mapping[str, Any]
Write = Callable[[World, Asked], Record]
WRITES: dict[str, Write] = {}
ARRAYS = ("eligStatus", "eligType", "riskFactor", "hi15Rule", "hsaMatchDetail")
"""Arrays of a plan set-up that are replaced whole; its other fields are patched."""


def write(function: Write) -> Write:
    """Register a function as the operation of its name."""
    WRITES[function.__name__] = function
    return function


def _without(record: Asked, *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in ("checksum", *names)}


@write
def setBenefitGroup(world: World, asked: Asked) -> Record:  # noqa: N802
    """Create or replace a group; what is left out is erased."""
    client, said = world.client(asked), asked.get("benefitGroup") or {}
    groups, number = world.groups[client], text(said.get("groupId"))
    if not number or not said.get("groupName"):
        raise Answered(422, "groupId and groupName are required")
    refuse_stale(groups.get(number), text(said.get("checksum")))
    groups[number] = _without(said)
    return {"updateMessage": [], "benefitGroupResult": [stamped(groups[number])]}


@write
def setClientBenefitPlanSetupDetails(world: World, asked: Asked) -> Record:  # noqa: N802
    """Create or patch a plan set-up: what is left out or null stays."""
    client, said = world.client(asked), asked.get("benefitPlanDetail") or {}
    plan = world.plan(said)
    there = world.setups[client].get(plan)
    if there is not None and text(said.get("checksum")):
        refuse_stale(there, text(said["checksum"]))
    changed = {name: value for name, value in _without(said).items() if value is not None}
    world.setups[client][plan] = {**(there or {}), **changed}
    world.happened("Benefit", "BenefitPlan", "change", client, plan)
    return {
        "updateMessage": "ok",
        "benefitPlanSetupResult": {"clientId": client, "planId": plan, "benefitSetupMessages": []},
    }


@write
def setBenefitRule(world: World, asked: Asked) -> Record:  # noqa: N802
    """Create or replace a rule of a plan, a group and a day."""
    client, said = world.client(asked), asked.get("benefitRuleDetail") or {}
    plan = world.plan(said)
    group, day = text(said.get("groupPlanId")), text(said.get("effectiveDate"))
    if group not in world.groups[client]:
        raise Answered(422, "benefit group is not known")
    key = (plan, group, day)
    refuse_stale(world.rules[client].get(key), text(said.get("checksum")))
    world.rules[client][key] = _without(said, "historicalRule")
    return {"benefitRule": [stamped(world.rules[client][key])]}


@write
def setGroupBenefitPlanDetails(world: World, asked: Asked) -> Record:  # noqa: N802
    """Change a plan of the system."""
    said = asked.get("groupBenefitPlan") or {}
    plan = world.plan(said)
    refuse_stale(world.plans[plan], text(said.get("checksum")))
    world.plans[plan] = {**world.plans[plan], **_without(said)}
    return {"groupBenefitPlan": stamped(world.plans[plan])}


@write
def setGroupBenefitBillingRates(world: World, asked: Asked) -> Record:  # noqa: N802
    """Write billing rates."""
    return _rates(world, asked, "billing")


@write
def setGroupBenefitPremiumRates(world: World, asked: Asked) -> Record:  # noqa: N802
    """Write premium rates."""
    return _rates(world, asked, "premium")


def _rates(world: World, asked: Asked, kind: str) -> Record:
    said = asked.get("groupBenefitRate") or {}
    world.plan(said)
    names = ("planId", "networkId", "rateGroup", "planType", "effectiveDate")
    rows = world.rates.setdefault(kind, [])
    key = [text(said.get(name)) for name in names]
    place = next((at for at, one in enumerate(rows) if [text(one.get(n)) for n in names] == key), None)
    refuse_stale(None if place is None else rows[place], text(said.get("checksum")))
    if place is None:
        rows.append(_without(said))
    else:
        rows[place] = _without(said)
    return {"updateMessage": "ok", "warning": [], "infoMessage": []}


@write
def updateEmployeeFields(world: World, asked: Asked) -> Record:  # noqa: N802
    """Patch fields of an employee; each is kept in the part that shows it."""
    client, number = world.employee(asked)
    employee = world.employees[client][number]
    changed = [name for name in asked if name not in ("clientId", "employeeId", "sessionId")]
    for name in changed:
        parts = ("person", "contactInformation", "client", "compensation")
        part = next((one for one in parts if name in employee[one]), "client")
        employee[part][name] = asked[name]
    world.happened("Employee", "Client", "change", client, number, *changed)
    return {"updateMessage": "ok", "clientChecksum": checksum(employee["client"])}


@write
def updateClientStatus(world: World, asked: Asked) -> Record:  # noqa: N802
    """Give a client another status; employees are left as they are."""
    client = world.client(asked)
    record = world.clients[client]
    if text(asked.get("clientStatusChecksum")) != status_checksum(record):
        raise Answered(409, "client status has changed since it was read")
    if text(asked.get("newStatus")) not in ("A", "P", "I", "C", "T"):
        raise Answered(422, "newStatus is not valid")
    on = text(asked.get("effectiveDate"))
    record |= {"status": asked["newStatus"], "statusClass": asked["newStatus"], "statusDate": on}
    world.happened("Client", "Master", "change", client, client, "statusClass")
    return {"updateClientStatusResult": dict(asked), "updateMessage": "ok", "warnings": []}


# --- enrolments ---------------------------------------------------------------------------------------------


@write
def enrollBenefit(world: World, asked: Asked) -> Record:  # noqa: N802
    """Enrol an employee; another choice of the day takes its place; twice the same is there twice."""
    place, plan = world.employee(asked), world.plan(asked)
    if plan not in world.setups[place[0]]:
        raise Answered(422, "plan is not set up for the client")
    rows = world.enrolments.setdefault(place, [])
    found = next((one for one in rows if one["planId"] == plan), None)
    if found is None:
        found = {"planId": plan, "insClass": world.plans[plan]["insClass"], "planDetail": []}
        rows.append(found)
    names = ("planType", "coverage", "employeePremium", "dependentPremium", "employeeContrib", "dependent")
    detail = {name: asked[name] for name in names if name in asked}
    said = {"effectiveDate": asked.get("effectiveDate"), **detail}
    others = [one for one in found["planDetail"] if one["effectiveDate"] != said["effectiveDate"]]
    is_standing = found.get("status") == "A"
    same = [one for one in found["planDetail"] if one == said and is_standing]
    found["planDetail"] = [*others, *same, said]
    found |= {"status": "A", "coverageStart": asked.get("effectiveDate"), "coverageEnd": ""}
    world.happened("Benefit", "Enrollment", "change", place[0], place[1])
    return {"warningMessage": []}


def _moved(world: World, asked: Asked, before: tuple[str, ...], after: str, **fields: Any) -> Record:
    place, plan = world.employee(asked), world.plan(asked)
    rows = world.enrolments.setdefault(place, [])
    found = next((one for one in rows if one["planId"] == plan), None)
    status = "" if found is None else found["status"]
    if status == after:
        return _result(place[1], plan, after, [])
    if status not in before:
        told = [{"errorType": "E", "errorString": f"status {status or 'none'} cannot become {after}"}]
        raise Answered(422, told[0]["errorString"])
    if found is None:
        found = {"planId": plan, "insClass": world.plans[plan]["insClass"], "planDetail": []}
        rows.append(found)
    found |= {"status": after, **fields}
    world.happened("Benefit", "Enrollment", "change", place[0], place[1])
    return _result(place[1], plan, after, [])


def _result(employee: str, plan: str, status: str, told: list[Record]) -> Record:
    row = {"employeeId": employee, "plandId": plan, "status": status, "validateMessages": told}
    return {"validateBenefitPlanStatusResults": [row]}


@write
def benefitPlanSetEligible(world: World, asked: Asked) -> Record:  # noqa: N802
    """Make somebody eligible."""
    return _moved(world, asked, ("", "I", "T", "W"), "E")


@write
def benefitPlanSetInEligible(world: World, asked: Asked) -> Record:  # noqa: N802
    """Make somebody ineligible."""
    return _moved(world, asked, ("E",), "I")


@write
def benefitPlanSetWaive(world: World, asked: Asked) -> Record:  # noqa: N802
    """Write down that somebody waives."""
    return _moved(world, asked, ("", "E"), "W", waiveReason=asked.get("waiveReason", ""))


@write
def benefitPlanSetTerminate(world: World, asked: Asked) -> Record:  # noqa: N802
    """End coverage on a day."""
    return _moved(world, asked, ("A", "C"), "T", coverageEnd=asked.get("coverageEndDate"))


@write
def setDependent(world: World, asked: Asked) -> Record:  # noqa: N802
    """Create ("NEW") or replace a dependent; what is left out is erased."""
    place, said = world.employee(asked), asked.get("dependent") or {}
    family = world.dependents.setdefault(place, {})
    number = text(said.get("dependentId"))
    if not text(said.get("lastName")) or not text(said.get("relationType")):
        raise Answered(422, "lastName and relationType are required")
    if number == "NEW":
        number = world.number("D")
    elif number not in family:
        raise Answered(404, "dependent not found")
    else:
        refuse_stale(family[number], text(said.get("checksum")))
    family[number] = {**_without(said), "dependentId": number}
    world.happened("Benefit", "Dependent", "change", place[0], place[1])
    return {"dependent": [stamped(family[number])], "updateMessage": "ok", "validationErrors": []}


# --- money --------------------------------------------------------------------------------------------------

FROZEN = ("benefitPlan", "period", "billAmount", "eeContribution")


@write
def setBenefitAdjustments(world: World, asked: Asked) -> Record:  # noqa: N802
    """Create ("NEW") or change adjustments; rows not sent stay."""
    place = world.employee(asked)
    rows = world.adjustments.setdefault(place, [])
    for said in asked.get("benefitAdjustments") or []:
        number = text(said.get("refNumber"))
        if number == "NEW":
            rows.append({**_without(said), "refNumber": world.number("R"), "cyclesBilled": 0})
            continue
        at = next((at for at, one in enumerate(rows) if one["refNumber"] == number), None)
        if at is None:
            raise Answered(404, "adjustment not found")
        refuse_stale(rows[at], text(said.get("checksum")))
        changed = {**rows[at], **_without(said)}
        if rows[at]["cyclesBilled"] and any(changed[name] != rows[at][name] for name in FROZEN):
            raise Answered(422, "period and amounts are frozen once a cycle was billed")
        rows[at] = changed
    return {"updateMessage": "ok", "warning": [], "infoMessage": []}


@write
def deleteBenefitAdjustment(world: World, asked: Asked) -> Record:  # noqa: N802
    """Delete an adjustment of which nothing was billed."""
    place, number = world.employee(asked), text(asked.get("refNumber"))
    rows = world.adjustments.get(place, [])
    found = next((one for one in rows if one["refNumber"] == number), None)
    if found is None:
        raise Answered(422, "adjustment not found")
    refuse_stale(found, text(asked.get("checksum")))
    if found["cyclesBilled"]:
        raise Answered(422, "a cycle was billed")
    rows.remove(found)
    return {"updateMessage": "ok"}


@write
def setVoluntaryRecurringDeductions(world: World, asked: Asked) -> Record:  # noqa: N802
    """Replace the voluntary deductions; rows of a benefit plan are ignored."""
    place = world.employee(asked)
    refuse_stale({"rows": world.voluntary.get(place, [])}, text(asked.get("checksum")))
    world.voluntary[place] = [
        _without(one, "detailsChecksum") for one in asked["deduction"] if not text(one.get("benefitPlanId"))
    ]
    return {"updateMessage": "ok"}


# --- subscriptions ------------------------------------------------------------------------------------------


@write
def createSubscription(world: World, asked: Asked) -> Record:  # noqa: N802
    """Subscribe to a kind of record; a webhook must have answered its token before (see the server)."""
    if asked.get("includes") and asked.get("excludes"):
        raise Answered(400, "includes or excludes, never both")
    number = world.number("S")
    first = {"schemaName": asked.get("schemaName"), "className": asked.get("className")}
    world.subscriptions[number] = {
        "subscriptionId": number,
        "replayId": "0",
        "description": asked.get("description", ""),
        "userStringId": asked.get("userStringId", ""),
        "filter": [first],
        "webhookUrls": [one for one in str(asked.get("webhookUrls") or "").split(",") if one],
    }
    return {"subscription": world.subscriptions[number]}


@write
def appendFilter(world: World, asked: Asked) -> Record:  # noqa: N802
    """Add a kind of record to a subscription."""
    found = world.subscriptions.get(text(asked.get("subscriptionId")))
    if found is None:
        raise Answered(404, "subscription not found")
    found["filter"].append({"schemaName": asked.get("schemaName"), "className": asked.get("className")})
    return {"subscription": found}


@write
def cancelSubscription(world: World, asked: Asked) -> Record:  # noqa: N802
    """End a subscription."""
    world.subscriptions.pop(text(asked.get("subscriptionId")), None)
    return {"updateMessage": "ok"}


@write
def stopProcess(world: World, asked: Asked) -> Record:  # noqa: N802
    """Stop a build."""
    world.builds.pop(text(asked.get("downloadId")), None)
    return {"updateMessage": "ok"}
