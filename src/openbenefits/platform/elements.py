"""What is written at the platform: how each element is found there, written, and compared."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from openbenefits.platform.client.faults import Hidden, NotThere
from openbenefits.platform.client.replacing import replace
from openbenefits.platform.client.session import Session, listed
from openbenefits.platform.client.values import decimal, is_hidden, text

Wanted = Mapping[str, Any]
TIMES = "times"
"""How often a record is there that is to be there once; told beside its fields."""
NUMBER = "number"
"""The number a record has there, told beside its fields where it was asked for by something else."""
NEW = "NEW"
"""The number of a record that is to be made."""
ROW_KEYS = ("planType", "planId", "fromAge", "dependentId")
"""By what rows of a list are told apart."""
_POINT = re.compile(r"-?[0-9]*\.[0-9]+")


class NotReady(ValueError):
    """A change for which something must be there first: it is held, and says so."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a record is: a session, a client there, an employee there (blank where it is nobody's)."""

    session: Session
    client: str
    employee: str = ""

    @property
    def who(self) -> dict[str, str]:
        """Name client and employee, as operations ask for them."""
        return {"clientId": self.client} | ({"employeeId": self.employee} if self.employee else {})


@dataclass(frozen=True, kw_only=True)
class Element:
    """A kind of record written there.

    find: reads the record as it is, in the fields of what is wanted; None where there is none.
    write: writes it. creates: written twice it is there twice, so it is never written again unseen.
    adjusts: it corrects deductions, which is only ours to do where we own corrections (rulings §5.4).
    """

    name: str
    title: str
    find: Callable[[Place, Wanted], Wanted | None]
    write: Callable[[Place, Wanted], None]
    of_person: bool = True
    creates: bool = False
    adjusts: bool = False


def differing(wanted: Wanted, there: Wanted | None) -> list[str]:
    """Name the fields that are not as wanted; a masked field equals nothing.

    Missing: a record that is not there differs in all of them.
    """
    if there is None:
        return sorted(wanted)
    found = [name for name, value in wanted.items() if not same(value, there.get(name))]
    if int(there.get(TIMES, 1)) > 1:
        found.append(TIMES)
    return sorted(found)


def same(wanted: Any, there: Any) -> bool:
    """Tell whether two values say the same: amounts as numbers, blank as nothing, rows by a key."""
    if is_hidden(there) or is_hidden(wanted):
        return False
    if isinstance(wanted, list):
        return _same_rows(wanted, there) if isinstance(there, list) else not wanted and not text(there)
    if isinstance(wanted, bool) or isinstance(there, bool):
        return _truth(wanted) == _truth(there)
    ours, theirs = text(wanted), text(there)
    if ours == theirs:
        return True
    is_number = any(isinstance(one, int | Decimal) or _POINT.fullmatch(text(one)) for one in (wanted, there))
    numbers = decimal(wanted), decimal(there)
    return is_number and None not in numbers and numbers[0] == numbers[1]


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else text(value).casefold() in ("y", "yes", "true", "1")


def _same_rows(wanted: list[Any], there: list[Any]) -> bool:
    if len(wanted) != len(there):
        return False
    if not wanted or not isinstance(wanted[0], Mapping):
        return sorted(map(text, wanted)) == sorted(map(text, there))
    key = next(name for name in ROW_KEYS if name in wanted[0])
    by_key = {text(one.get(key)): one for one in there if isinstance(one, Mapping)}
    return all(
        text(one[key]) in by_key
        and all(same(value, by_key[text(one[key])].get(n)) for n, value in one.items())
        for one in wanted
    )


def _one(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except NotThere:
        return None


# --- set-up -------------------------------------------------------------------------------------------------


def _find_setup(place: Place, wanted: Wanted) -> Wanted | None:
    asked = {"planId": wanted["planId"], "planClass": wanted["planClass"]}
    found = _one(lambda: place.session.call("getClientBenefitPlanSetupDetails", **place.who, **asked))
    return None if found is None else found.get("benefitPlanDetail")


def _write_setup(place: Place, wanted: Wanted) -> None:
    replace(
        lambda: _find_setup(place, wanted),
        lambda _: dict(wanted),
        lambda record: place.session.call(
            "setClientBenefitPlanSetupDetails",
            **place.who,
            benefitPlanDetail={**wanted, "checksum": record["checksum"]},  # a patch: only what is ours
        ),
    )


RULE_KEY = ("planId", "groupPlanId", "effectiveDate")


def _find_rule(place: Place, wanted: Wanted) -> Wanted | None:
    rows = place.session.rows("getBenefitRule", **place.who, planId=wanted["planId"])
    found = [one for one in rows if all(text(one.get(name)) == text(wanted[name]) for name in RULE_KEY)]
    return found[0] if found else None


def _write_rule(place: Place, wanted: Wanted) -> None:
    def write(record: dict[str, Any]) -> None:
        record.pop("historicalRule", None)
        place.session.call("setBenefitRule", **place.who, benefitRuleDetail=record)

    replace(lambda: _find_rule(place, wanted), lambda there: _laid(there, wanted, "rule", "planType"), write)


def _laid(there: Mapping[str, Any], wanted: Wanted, rows: str, key: str) -> dict[str, Any]:
    """Lay what is wanted upon a record; of a list of rows, fields that are not ours stay."""
    if rows not in wanted:
        return dict(wanted)
    known = {text(one.get(key)): one for one in there.get(rows) or ()}
    return {**wanted, rows: [{**known.get(text(one[key]), {}), **one} for one in wanted[rows]]}


def _find_group(place: Place, wanted: Wanted) -> Wanted | None:
    rows = place.session.rows("getBenefitGroup", **place.who, groupId=[wanted["groupId"]])
    return rows[0] if rows else None


def _write_group(place: Place, wanted: Wanted) -> None:
    replace(
        lambda: _find_group(place, wanted),
        lambda there: {"retirementOrBenefitPlan": "", **there, **wanted},
        lambda record: place.session.call("setBenefitGroup", **place.who, benefitGroup=record),
    )


RATE_KEY = ("planId", "rateGroup", "planType", "effectiveDate")
RATES = "benefitRateDetails"
AMOUNTS = ("employeeBillPremAmount", "dependentBillPremAmount")


def _find_rate(place: Place, wanted: Wanted) -> Wanted | None:
    asked = {"planId": wanted["planId"], "options": "BILLING"}
    answer = _one(lambda: place.session.call("getGroupBenefitRates", **asked))
    rows = listed(answer or {}, "billingRate")
    found = [one for one in rows if all(text(one.get(name)) == text(wanted[name]) for name in RATE_KEY)]
    return found[0] if found else None


def _write_rate(place: Place, wanted: Wanted) -> None:
    numbers = [one | {name: decimal(one[name]) for name in AMOUNTS} for one in wanted[RATES]]
    said = {**wanted, RATES: numbers}  # amounts of rates travel as numbers
    replace(
        lambda: _find_rate(place, wanted),
        lambda there: _laid(there, said, RATES, "fromAge"),
        lambda record: place.session.call("setGroupBenefitBillingRates", groupBenefitRate=record),
    )


CLIENT_FIELDS = {"newStatus": "statusClass", "effectiveDate": "statusDate"}
"""What a change of a client's status asks for, and where it is read afterwards."""


def _find_client(place: Place, _: Wanted) -> Wanted | None:
    found = _one(lambda: place.session.call("getClientMaster", **place.who))
    master = (found or {}).get("clientMaster")
    if master is None:
        return None
    return {ours: master.get(theirs) for ours, theirs in CLIENT_FIELDS.items()} | {
        "clientStatusChecksum": master.get("clientStatusChecksum", "")
    }


def _write_client(place: Place, wanted: Wanted) -> None:
    """Change the status of a client, and nothing of its employees: their ends are sent one by one."""
    there = _find_client(place, wanted)
    said = {
        "clientStatusChecksum": (there or {}).get("clientStatusChecksum", ""),
        "plannedTermDate": "",
        "clientTermReason": "",
        "termActiveEmployees": "N",
        "employeeTermStatus": "",
        "employeeTermDate": "",
        "employeeTermReason": "",
        "enrollCobra": "N",
        "okToDeletePendingBatches": "N",
    }
    place.session.call("updateClientStatus", **place.who, **(said | dict(wanted)))


# --- people -------------------------------------------------------------------------------------------------


def _find_employee(place: Place, _: Wanted) -> Wanted | None:
    asked = {"clientId": place.client, "employeeId": [place.employee]}
    rows = place.session.rows("getEmployee", **asked, options="Client,Compensation")
    return {**(rows[0].get("compensation") or {}), **(rows[0].get("client") or {})} if rows else None


def _write_employee(place: Place, wanted: Wanted) -> None:
    place.session.call("updateEmployeeFields", **place.who, **wanted)


def _dependents(place: Place) -> list[Any]:
    return list(place.session.rows("getDependents", **place.who))


def is_same_person(one: Wanted, wanted: Wanted) -> bool:
    """Tell whether a dependent there has the first name and birth date of one of ours."""
    return _is_named(one, wanted) and same(wanted.get("birthdate"), one.get("birthdate"))


def _is_named(one: Wanted, wanted: Wanted) -> bool:
    return text(one.get("firstName")).casefold() == text(wanted.get("firstName")).casefold()


def _dependent_there(place: Place, wanted: Wanted) -> dict[str, Any] | None:
    """Find a dependent by his number there; one who has none yet by first name and birth date.

    Errors: Hidden where somebody of that name is there whose birth date is masked: it may be him.
    """
    rows = _dependents(place)
    if wanted["dependentId"] != NEW:
        return next((one for one in rows if text(one.get("dependentId")) == wanted["dependentId"]), None)
    found = next((one for one in rows if is_same_person(one, wanted)), None)
    if found is None and any(_is_named(one, wanted) and is_hidden(one.get("birthdate")) for one in rows):
        raise Hidden(
            "expected birth dates of dependents that can be read, found one masked; ask the platform to"
            " unmask them for this user (NOMASKDOB)"
        )
    return found


def _find_dependent(place: Place, wanted: Wanted) -> Wanted | None:
    found = _dependent_there(place, wanted)
    if found is None:
        return None
    return {**found, NUMBER: found.get("dependentId"), "dependentId": wanted["dependentId"]}


def _write_dependent(place: Place, wanted: Wanted) -> None:
    """Write a dependent whole: what of his record is not ours stays as it was read."""
    replace(
        lambda: _dependent_there(place, wanted),
        lambda there: {**wanted, "dependentId": there.get("dependentId", wanted["dependentId"])},
        lambda record: place.session.call("setDependent", **place.who, dependent=record),
    )


def _enrolled(place: Place, wanted: Wanted) -> Mapping[str, Any] | None:
    rows = place.session.rows("getBenefitPlans", **place.who, planId=[wanted["planId"]])
    found = [one for one in rows if text(one.get("planId")) == wanted["planId"]]
    return found[-1] if found else None


def _find_enrolment(place: Place, wanted: Wanted) -> Wanted | None:
    found = _enrolled(place, wanted)
    if found is None:
        return None
    details = [
        one
        for one in found.get("planDetail") or ()
        if text(one.get("effectiveDate")) == text(wanted["effectiveDate"])
    ]
    if not details:
        return None
    status = {"status": found.get("status"), "planId": found.get("planId"), TIMES: len(details)}
    return {**details[-1], **status}


def _write_enrolment(place: Place, wanted: Wanted) -> None:
    said = {name: value for name, value in wanted.items() if name != "status"}
    place.session.call("enrollBenefit", **place.who, **said)


def _find_end(place: Place, wanted: Wanted) -> Wanted | None:
    found = _enrolled(place, wanted)
    if found is None:
        return None
    is_ended = text(found.get("status")) == "T" or same(wanted["coverageEndDate"], found.get("coverageEnd"))
    if not is_ended:
        return None
    return {"planId": found.get("planId"), "coverageEndDate": found.get("coverageEnd")}


def _write_end(place: Place, wanted: Wanted) -> None:
    more = {"cobraEventRelatedTerm": False, "cobraQualEvent": "", "suppressBenAdjustments": True}
    place.session.call("benefitPlanSetTerminate", **place.who, **wanted, **more)


def _find_status(place: Place, wanted: Wanted) -> Wanted | None:
    found = _enrolled(place, wanted)
    return None if found is None else {"planId": found.get("planId"), "status": found.get("status")}


def _write_waiver(place: Place, wanted: Wanted) -> None:
    place.session.call("benefitPlanSetWaive", **place.who, planId=wanted["planId"], waiveReason="waived")


def _write_eligible(place: Place, wanted: Wanted) -> None:
    place.session.call("benefitPlanSetEligible", **place.who, planId=wanted["planId"])


# --- money --------------------------------------------------------------------------------------------------


def _find_adjustment(place: Place, wanted: Wanted) -> Wanted | None:
    """Find ours by the tag in its comment; how often it is there is told, too."""
    rows = place.session.rows("getBenefitAdjustments", **place.who)
    found = [one for one in rows if text(one.get("comment")) == text(wanted["comment"])]
    return {**found[-1], TIMES: len(found)} if found else None


def _write_adjustment(place: Place, wanted: Wanted) -> None:
    there = _find_adjustment(place, wanted)
    known = {"refNumber": "NEW"}
    if there is not None:
        known = {name: value for name, value in there.items() if name != TIMES}
    place.session.call("setBenefitAdjustments", **place.who, benefitAdjustments=[{**known, **wanted}])


GONE = "gone"


def _find_removed(place: Place, wanted: Wanted) -> Wanted | None:
    rows = place.session.rows("getBenefitAdjustments", **place.who)
    is_there = any(text(one.get("refNumber")) == text(wanted["refNumber"]) for one in rows)
    return {"refNumber": wanted["refNumber"], "is": "there" if is_there else GONE}


def _write_removed(place: Place, wanted: Wanted) -> None:
    rows = place.session.rows("getBenefitAdjustments", **place.who)
    for one in rows:
        if text(one.get("refNumber")) == text(wanted["refNumber"]):
            said = {"refNumber": one["refNumber"], "checksum": one.get("checksum", "")}
            place.session.call("deleteBenefitAdjustment", **place.who, **said)


_ALL = (
    Element(
        name="plan set-up", title="set-up of a plan", find=_find_setup, write=_write_setup, of_person=False
    ),
    Element(
        name="rule", title="contributions and waits", find=_find_rule, write=_write_rule, of_person=False
    ),
    Element(name="group", title="benefit group", find=_find_group, write=_write_group, of_person=False),
    Element(name="rate", title="rates of a tier", find=_find_rate, write=_write_rate, of_person=False),
    Element(
        name="client", title="status of the client", find=_find_client, write=_write_client, of_person=False
    ),
    Element(name="employee", title="group of an employee", find=_find_employee, write=_write_employee),
    Element(name="dependent", title="dependent", find=_find_dependent, write=_write_dependent),
    Element(name="enrolment", title="enrolment", find=_find_enrolment, write=_write_enrolment, creates=True),
    Element(name="end", title="end of coverage", find=_find_end, write=_write_end),
    Element(name="waiver", title="waiver", find=_find_status, write=_write_waiver),
    Element(name="eligible", title="made eligible", find=_find_status, write=_write_eligible),
    Element(
        name="adjustment",
        title="correction of a deduction",
        find=_find_adjustment,
        write=_write_adjustment,
        creates=True,
        adjusts=True,
    ),
    Element(
        name="adjustment removed",
        title="correction taken away",
        find=_find_removed,
        write=_write_removed,
        adjusts=True,
    ),
)
ELEMENTS = {element.name: element for element in _ALL}
