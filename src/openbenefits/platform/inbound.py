"""What comes in: employees read there, queued sealed, made facts by the census import; payroll's own only.

An item that says what the last one of its employee said is not queued again. Each item ends complete, refused
(its bad cells named), or asked about; a person sees the queue and tries again.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from django.db import transaction

from openbenefits.platform.client.operations import MOST_IDS
from openbenefits.platform.client.session import Session, in_parts
from openbenefits.platform.client.values import day, is_hidden, text
from openbenefits.platform.connecting import link_people
from openbenefits.platform.models import InboundItem, PersonLink
from openbenefits.platform.naming import Names, names_of
from openbenefits.platform.ownership import TAKEN_IN
from openbenefits.store.secrets import open_file, seal_file
from openbenefits.workforce import census
from openbenefits.workforce.models import PersonFact

EMPLOYEE = "employee"
OPTIONS = "Person,Client,Compensation,ContactInformation"
HEADER_ROWS = 2
"""The first row of a file below its headings, as messages count them."""
TERMINATED = "T"
ALL_BAD = 1.0


class State(StrEnum):
    """How far an item has come."""

    PENDING = "pending"
    COMPLETE = "complete"
    UNCHANGED = "unchanged"  # facts here said so already
    ASK = "ask"  # the import cannot tell whether it is somebody we know
    REFUSED = "refused"
    REPLACED = "replaced"  # read again before it was taken in


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What came of a queue: how many items ended in which state, and the change of facts (null: none)."""

    states: Mapping[str, int]
    change_id: int | None


def collect(session: Session, client_id: int, client: str, ids: Sequence[str], *, now: datetime) -> int:
    """Read employees, and queue those that say something new; answer how many."""
    names, queued = names_of(client_id), 0
    for part in in_parts(sorted(set(ids)), MOST_IDS):
        for one in session.rows("getEmployee", clientId=client, employeeId=part, options=OPTIONS):
            queued += _queue(client_id, text(one.get("id")), row_of(one, names), now)
    return queued


def _queue(client_id: int, external_id: str, row: Mapping[str, str], now: datetime) -> int:
    content = msgspec.json.encode(dict(row))
    fingerprint = sha256(content).hexdigest()
    mine = InboundItem.objects.filter(client_id=client_id, element=EMPLOYEE, external_id=external_id)
    last = mine.order_by("-pk").first()
    done = (State.COMPLETE, State.UNCHANGED, State.PENDING)
    if last is not None and last.fingerprint == fingerprint and last.state in done:
        return 0
    with transaction.atomic():
        mine.filter(state=State.PENDING).update(state=State.REPLACED, ended_at=now)
        known = PersonLink.objects.filter(client_id=client_id, external_id=external_id).first()
        InboundItem.objects.create(
            client_id=client_id,
            person_id=known.person_id if known else None,
            element=EMPLOYEE,
            external_id=external_id,
            content=seal_file(content),
            fingerprint=fingerprint,
            read_at=now,
        )
    return 1


def row_of(employee: Mapping[str, Any], names: Names) -> dict[str, str]:
    """Answer the row of a census an employee makes: the fields payroll owns, and no other.

    Missing: a masked field is blank: a blank cell states nothing.
    """
    found: dict[str, str] = {"employee_number": _number(employee)}
    for field in TAKEN_IN:
        part = employee.get(field.part) if field.part else employee
        value = text((part or {}).get(field.theirs))
        found[field.ours] = "" if is_hidden(value) else value
    found["pay_group"] = names.ours("pay_group", found["pay_group"])
    return found | _action(found)


def _number(employee: Mapping[str, Any]) -> str:
    return text((employee.get("client") or {}).get("clientEmployeeId")) or text(employee.get("id"))


def _action(row: Mapping[str, str]) -> dict[str, str]:
    """Say what happened to the job: their last day of a termination is the last day employed."""
    since = day(row["effective_date"]) or day(row["hire_date"])
    if row["job_status"] == TERMINATED and since is not None:
        after = since + timedelta(days=1)
        return {
            "action": "TER",
            "effective_date": after.isoformat(),
            "last_day_employed": since.isoformat(),
        }
    is_hire = since is not None and since == day(row["hire_date"])
    return {"action": "HIR" if is_hire else "DTA", "effective_date": since.isoformat() if since else ""}


def take_in(client_id: int, *, as_of: date, author: str, now: datetime) -> Taken:
    """Make facts of what is queued: all good items as one change, the others named.

    What a platform hides of somebody we know (a birth date) stays as we know it.
    """
    items = list(InboundItem.objects.filter(client_id=client_id, state=State.PENDING).order_by("pk"))
    if not items:
        return Taken(states={}, change_id=None)
    rows = [msgspec.json.decode(open_file(bytes(one.content))) for one in items]
    _fill_hidden(client_id, items, rows)
    with TemporaryDirectory(prefix="openbenefits-") as folder, transaction.atomic():
        path = Path(folder) / "employees.csv"
        _write(path, rows)
        preview = census.preview(client_id, path, as_of=as_of, max_bad_share=ALL_BAD)
        changes = sum(preview.people.get(kind, 0) for kind in ("new", "changed"))
        change = census.apply(preview, made_by=author, now=now) if changes else None
        states = _settle(items, preview, change.pk if change else None, now)
        numbers = {one.external_id: row["employee_number"] for one, row in zip(items, rows, strict=True)}
        link_people(client_id, numbers, author=author, now=now)
    return Taken(states=states, change_id=change.pk if change else None)


def _fill_hidden(client_id: int, items: Sequence[InboundItem], rows: list[dict[str, str]]) -> None:
    """State the birth date we know where the platform hides it."""
    wanted = [one.person_id for one, row in zip(items, rows, strict=True) if not row["birth_date"]]
    facts = PersonFact.objects.filter(client_id=client_id, person_id__in=[one for one in wanted if one])
    known = {
        person: born.isoformat()
        for person, born in facts.order_by("valid_from", "version").values_list("person_id", "birth_on")
        if born
    }
    for one, row in zip(items, rows, strict=True):
        if not row["birth_date"] and one.person_id in known:
            row["birth_date"] = known[one.person_id]


def _write(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    headings = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, headings, restval="")
        writer.writeheader()
        writer.writerows(rows)


def _settle(
    items: Sequence[InboundItem], preview: census.CensusPreview, change_id: int | None, now: datetime
) -> dict[str, int]:
    """Write down what became of each item, in words that quote nobody's data."""
    told: dict[int, list[str]] = {}
    for bad in preview.bad_rows.iter_rows(named=True):
        words = f"{bad['column']}: expected {bad['expected']}; {bad['cure']}"
        told.setdefault(bad["row"] - HEADER_ROWS, []).append(words)
    asked = set(preview.asked["row"].to_list()) if preview.asked.height else set()
    counts: dict[str, int] = {}
    for place, one in enumerate(items):
        if place in told:
            one.state, one.told = State.REFUSED, "; ".join(told[place])[:1000]
        elif place + HEADER_ROWS in asked:
            one.state, one.told = State.ASK, "it may be somebody we know by another number; say who he is"
        else:
            one.state = State.COMPLETE if change_id else State.UNCHANGED
            one.change_id = change_id
        one.ended_at = now
        one.save(update_fields=["state", "told", "change_id", "ended_at"])
        counts[one.state] = counts.get(one.state, 0) + 1
    return counts


def try_again(item: InboundItem) -> None:
    """Put an item that was refused or asked about back into the queue."""
    if item.state in (State.REFUSED, State.ASK):
        InboundItem.objects.filter(pk=item.pk).update(state=State.PENDING, told="", ended_at=None)
