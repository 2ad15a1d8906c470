"""What the stand-in keeps: clients, employees, plans, enrolments, deductions, batches, events."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from openbenefits.platform.client.values import written

Record = dict[str, Any]


class Answered(Exception):
    """A call that is not answered 200: its status, and what its envelope says."""

    def __init__(self, status: int, told: str, code: str = "1") -> None:
        """Keep them."""
        self.status, self.told, self.code = status, told, code
        super().__init__(told)


def checksum(record: Mapping[str, Any]) -> str:
    """Answer the hash of a record as it is kept."""
    plain = {name: value for name, value in sorted(record.items()) if name != "checksum"}
    return hashlib.sha256(written(plain)).hexdigest()[:16]


def stamped(record: Mapping[str, Any]) -> Record:
    """Answer a record as it is shown: with the checksum one must bring to change it."""
    return {**record, "checksum": checksum(record)}


def refuse_stale(record: Mapping[str, Any] | None, said: str) -> None:
    """Refuse a write under another checksum than that of the record; empty creates what is not there."""
    expected = "" if record is None else checksum(record)
    if said != expected:
        raise Answered(409, "record has changed since it was read")


def status_checksum(client: Mapping[str, Any]) -> str:
    """Answer the hash of where a client stands."""
    return checksum({name: client.get(name, "") for name in ("status", "statusClass", "statusDate")})


@dataclass
class World:
    """All that is kept. Keys are as the platform has them: client, then employee, plan, group or number."""

    clients: dict[str, Record] = field(default_factory=dict)
    employees: dict[str, dict[str, Record]] = field(default_factory=dict)
    dependents: dict[tuple[str, str], dict[str, Record]] = field(default_factory=dict)
    plans: dict[str, Record] = field(default_factory=dict)  # of the system
    tiers: dict[str, Record] = field(default_factory=dict)
    rates: dict[str, list[Record]] = field(default_factory=dict)  # billing, premium
    groups: dict[str, dict[str, Record]] = field(default_factory=dict)
    setups: dict[str, dict[str, Record]] = field(default_factory=dict)  # by plan
    rules: dict[str, dict[tuple[str, str, str], Record]] = field(default_factory=dict)
    enrolments: dict[tuple[str, str], list[Record]] = field(default_factory=dict)
    adjustments: dict[tuple[str, str], list[Record]] = field(default_factory=dict)
    deductions: dict[tuple[str, str], list[Record]] = field(default_factory=dict)
    voluntary: dict[tuple[str, str], list[Record]] = field(default_factory=dict)
    arrears: dict[tuple[str, str], list[Record]] = field(default_factory=dict)
    schedules: dict[str, list[Record]] = field(default_factory=dict)
    batches: dict[str, dict[str, Record]] = field(default_factory=dict)
    vouchers: dict[str, list[Record]] = field(default_factory=dict)
    events: list[Record] = field(default_factory=list)
    subscriptions: dict[str, Record] = field(default_factory=dict)
    sessions: dict[str, float] = field(default_factory=dict)
    builds: dict[str, Record] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock, repr=False)
    numbers: int = 0

    def number(self, prefix: str = "") -> str:
        """Answer a number nobody has."""
        self.numbers += 1
        return f"{prefix}{self.numbers}"

    def client(self, asked: Mapping[str, Any]) -> str:
        """Find the client a call is about.

        Errors: Answered 400 where none is named, 404 for one there is not.
        """
        found = str(asked.get("clientId") or "")
        if not found:
            raise Answered(400, "Client ID is required for this operation")
        if found not in self.clients:
            raise Answered(404, "client not found")
        return found

    def employee(self, asked: Mapping[str, Any]) -> tuple[str, str]:
        """Find the client and employee a call is about."""
        client, number = self.client(asked), str(asked.get("employeeId") or "")
        if number not in self.employees.get(client, {}):
            raise Answered(404, "employee not found")
        return client, number

    def plan(self, asked: Mapping[str, Any]) -> str:
        """Find the plan of the system a call is about."""
        found = str(asked.get("planId") or "")
        if found not in self.plans:
            raise Answered(422, "plan is not known")
        return found

    def happened(self, schema: str, kind: str, action: str, client: str, about: str, *fields: str) -> None:
        """Write down what changed, for who subscribed."""
        place = len(self.events) + 1
        self.events.append(
            {
                "eventId": f"E{place}",
                "schemaName": schema,
                "className": kind,
                "action": action,
                "eventTimestamp": f"2026-01-01T00:00:{place % 60:02d}",
                "clientId": [client],
                "modifiedAttribute": list(fields),
                "objectId": about,
                "additionalInformation": "",
            }
        )

    # --- how it is filled -----------------------------------------------------------------------------------

    def add_client(self, number: str, name: str, **stated: Any) -> None:
        """Put a client, with its first benefit group."""
        self.clients[number] = {
            "id": number,
            "clientName": name,
            "legalName": name,
            "status": "A",
            "statusClass": "A",
            "serviceType": "PEO",
            "suppressAutoBenAdj": True,
            "eligibleBenefitsDeterminant": "B",
            **stated,
        }
        for place in (self.employees, self.groups, self.setups, self.rules, self.batches):
            place.setdefault(number, {})  # type: ignore[attr-defined]
        self.vouchers.setdefault(number, [])
        self.schedules.setdefault(number, [])
        first = {
            "groupId": "1",
            "groupName": "PRIMARY",
            "retirementOrBenefitPlan": "",
            "eligibleBenefits": [],
        }
        self.groups[number].setdefault("1", first)

    def add_employee(self, place: str, number: str, /, **stated: Any) -> None:
        """Put an employee: person, contactInformation, client, compensation as parts."""
        record = {"id": number, "lastName": "", "firstName": "", "middleInitial": "", **stated}
        for part in ("person", "contactInformation", "client", "compensation"):
            record.setdefault(part, {})
        self.employees[place][number] = record
        self.happened("Employee", "Person", "add", place, number)

    def add_plan(self, number: str, **stated: Any) -> None:
        """Put a plan of the system."""
        self.plans[number] = {
            "planId": number,
            "planDescription": number,
            "insClass": "M",
            "offerTypeCode": "MED",
            "costBasis": "M",
            "planTypeDetails": [],
            **stated,
        }
