"""What happens to people, one record at a time: hired, moved, married, terminated; and its corrections.

Each use case is one change (`ChangeSet`) under the lock of the person. Batches use `recording.record_facts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.codes import ADULT_KINDS, PERSON_KINDS
from openbenefits.store import secrets
from openbenefits.workforce.bounds import beyond
from openbenefits.workforce.models import ChangeSet, Dependent, Person
from openbenefits.workforce.recording import (
    ADDRESSES,
    BENEFIT_BASES,
    DEPENDENTS,
    JOBS,
    LIFE_EVENTS,
    PERSONS,
    FactFrames,
    FactTable,
    add_client,
    add_dependents,
    add_people,
    known_versions,
    latest_versions,
    lock_people,
    record_facts,
)
from openbenefits.workforce.undo import TakeBackResult, take_back

__all__ = [
    "FactFrames",
    "FactRefused",
    "Recorded",
    "TakeBackResult",
    "add_client",
    "add_dependent",
    "add_dependents",
    "add_people",
    "change_dependent",
    "change_job",
    "change_person",
    "correct_job",
    "correct_person",
    "delete_job_row",
    "hire",
    "move",
    "record_facts",
    "report_life_event",
    "take_back",
    "terminate",
]

Columns = Mapping[str, Any]
PARTNERS = tuple(PERSON_KINDS[kind][0] for kind in ADULT_KINDS)
END_THE_FIRST = "there is a current spouse or partner already; end the first?"


class FactRefused(ValueError):
    """A fact that cannot be: the message says what was expected, what was found and what to change."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a use case wrote: its change, and the keys of who it is about."""

    change: ChangeSet
    person_id: int
    dependent_id: int | None = None


def hire(
    client_id: int,
    *,
    employee_number: str,
    first_name: str,
    last_name: str,
    on: date,
    job: Columns,
    person: Columns | None = None,
    address: Columns | None = None,
    ssn: str | None = None,
    made_by: str,
    now: datetime,
) -> Recorded:
    """Hire somebody: the participant, the address if stated, and the HIR row of the first job.

    `job`, `person` and `address` hold columns of their fact tables; service counts from `on` unless stated.

    Errors: FactRefused if the number belongs to somebody whose facts are known.
    """
    with transaction.atomic():
        key, is_new = Person.objects.get_or_create(client_id=client_id, employee_number=employee_number)
        if not is_new and _rows(PERSONS, client_id, key.pk).height:
            raise FactRefused(
                f"employee number of person {key.pk} is taken; use change_job with action REH to rehire"
            )
        at = {"person_id": key.pk, "valid_from": on}
        named = {"first_name": first_name, "last_name": last_name, "service_on": on}
        first_row = {"job_number": 0, "sequence": 0, "action": "HIR", "job_status": "A"}
        frames = FactFrames(
            persons=_one(PERSONS, at | named | dict(person or {}) | _ssn(ssn)),
            addresses=None if address is None else _one(ADDRESSES, at | dict(address)),
            jobs=_one(JOBS, at | first_row | dict(job)),
        )
        change = _record(client_id, frames, "hire", made_by, now)
    return Recorded(change=change, person_id=key.pk)


def change_person(
    client_id: int, person_id: int, *, on: date, changes: Columns, made_by: str, now: datetime
) -> Recorded:
    """Record that something about a participant is different from a day on."""
    return _follow(PERSONS, client_id, person_id, on, changes, "change of person", made_by, now)


def correct_person(
    client_id: int, person_id: int, *, on: date, changes: Columns, made_by: str, now: datetime
) -> Recorded:
    """Correct the person fact that holds on a day, on its own date."""
    return _follow(
        PERSONS, client_id, person_id, on, changes, "correction of person", made_by, now, is_new=False
    )


def move(
    client_id: int, person_id: int, *, on: date, address: Columns, made_by: str, now: datetime
) -> Recorded:
    """Record a new home address from a day on: line1, city, state, postal_code, country."""
    frames = FactFrames(addresses=_one(ADDRESSES, {"person_id": person_id, "valid_from": on} | dict(address)))
    return Recorded(change=_record(client_id, frames, "move", made_by, now), person_id=person_id)


def change_job(
    client_id: int,
    person_id: int,
    *,
    on: date,
    action: str,
    changes: Columns,
    reason: str | None = None,
    job_number: int | None = None,
    made_by: str,
    now: datetime,
) -> Recorded:
    """Add a job row: what held the day before with the changes; REH also forgets the last day employed.

    Without a job number it is the person's primary job. Several rows of one day are numbered in order.

    Errors: FactRefused if no job row holds on the day.
    """
    stated = {"action": action, "reason": reason, **dict(changes)}
    if action == "REH":
        stated = {"last_day_employed": None, "job_status": "A"} | stated
    with transaction.atomic():
        row = _job_row(client_id, person_id, on, job_number)
        sequence = row["sequence"] + 1 if row["valid_from"] == on else 0
        new = row | {"valid_from": on, "sequence": sequence} | stated
        change = _record(client_id, FactFrames(jobs=_one(JOBS, new)), f"job change {action}", made_by, now)
    return Recorded(change=change, person_id=person_id)


def terminate(
    client_id: int,
    person_id: int,
    *,
    last_day_employed: date,
    action: str = "TER",
    reason: str | None = None,
    job_status: str = "T",
    job_number: int | None = None,
    made_by: str,
    now: datetime,
) -> Recorded:
    """End a job: the row is dated the first day not employed (rulings §2.1)."""
    return change_job(
        client_id,
        person_id,
        on=last_day_employed + timedelta(days=1),
        action=action,
        reason=reason,
        changes={"job_status": job_status, "last_day_employed": last_day_employed},
        job_number=job_number,
        made_by=made_by,
        now=now,
    )


def correct_job(
    client_id: int,
    person_id: int,
    *,
    on: date,
    changes: Columns,
    job_number: int | None = None,
    sequence: int | None = None,
    made_by: str,
    now: datetime,
) -> Recorded:
    """Correct the job row dated `on`; another `valid_from` moves it: the old row goes, the new one comes.

    With the hire moves what came with it: service that counted from it, and, to an earlier day, what was said
    of the person, the home and the household as of the hire.
    """
    with transaction.atomic():
        row = _job_row(client_id, person_id, on, job_number, sequence, is_exact=True)
        new = row | dict(changes)
        frames = FactFrames(jobs=_one(JOBS, new))
        if any(new[name] != row[name] for name in JOBS.key):
            moved = [_one(JOBS, row | {"is_deleted": True}), _one(JOBS, new | {"is_deleted": False})]
            since = new["valid_from"] if _is_hire(client_id, row) else row["valid_from"]
            frames = _since(client_id, person_id, row["valid_from"], since, jobs=pl.concat(moved))
        change = _record(client_id, frames, "job correction", made_by, now)
    return Recorded(change=change, person_id=person_id)


def _is_hire(client_id: int, row: Columns) -> bool:
    """Whether a job row is the hire of a person: the first row there is."""
    rows = _rows(JOBS, client_id, row["person_id"])
    return row["action"] == "HIR" and row["valid_from"] == rows["valid_from"].min()


def _since(client_id: int, person_id: int, hired_on: date, since: date, *, jobs: pl.DataFrame) -> FactFrames:
    """Let what was recorded as of a hire hold from another day, with the job rows given."""

    def earlier(table: FactTable, owner: int) -> pl.DataFrame:
        rows = _rows(table, client_id, owner).filter(pl.col("valid_from") == hired_on)
        return rows.with_columns(valid_from=pl.lit(since)) if since < hired_on else rows.clear()

    serving = _rows(PERSONS, client_id, person_id).filter(pl.col("service_on") == hired_on)
    persons = pl.concat([earlier(PERSONS, person_id), serving if since != hired_on else serving.clear()])
    household = Dependent.objects.filter(client_id=client_id, person_id=person_id).values_list(
        "pk", flat=True
    )
    dependents = [earlier(DEPENDENTS, key) for key in household]
    served = pl.when(pl.col("service_on") == hired_on).then(pl.lit(since)).otherwise("service_on")
    return FactFrames(
        jobs=jobs,
        persons=persons.with_columns(service_on=served),
        addresses=earlier(ADDRESSES, person_id),
        dependents=pl.concat(dependents) if dependents else None,
        benefit_bases=earlier(BENEFIT_BASES, person_id),
    )


def delete_job_row(
    client_id: int,
    person_id: int,
    *,
    on: date,
    job_number: int | None = None,
    sequence: int | None = None,
    made_by: str,
    now: datetime,
) -> Recorded:
    """Withdraw the job row dated `on`, as if it had never been."""
    with transaction.atomic():
        row = _job_row(client_id, person_id, on, job_number, sequence, is_exact=True)
        frames = FactFrames(jobs=_one(JOBS, row | {"is_deleted": True}))
        change = _record(client_id, frames, "job row deleted", made_by, now)
    return Recorded(change=change, person_id=person_id)


def add_dependent(
    client_id: int,
    person_id: int,
    *,
    on: date,
    first_name: str,
    last_name: str,
    person_type: str,
    dependent: Columns | None = None,
    ssn: str | None = None,
    number: int | None = None,
    made_by: str,
    now: datetime,
) -> Recorded:
    """Add a dependent from a day on; `dependent` holds further columns of the fact (birth_on, sex, …).

    Errors: FactRefused for a second current spouse or partner.
    """
    with transaction.atomic():
        lock_people(client_id, pl.Series([person_id], dtype=pl.Int64))
        _refuse_second_partner(client_id, person_id, on, person_type)
        taken = Dependent.objects.filter(client_id=client_id, person_id=person_id).values_list(
            "number", flat=True
        )
        number = max(taken, default=0) + 1 if number is None else number
        key = Dependent.objects.create(client_id=client_id, person_id=person_id, number=number)
        at = {"person_id": person_id, "dependent_id": key.pk, "valid_from": on}
        named = {"first_name": first_name, "last_name": last_name, "person_type": person_type}
        frame = _one(DEPENDENTS, at | named | dict(dependent or {}) | _ssn(ssn))
        change = _record(client_id, FactFrames(dependents=frame), "dependent added", made_by, now)
    return Recorded(change=change, person_id=person_id, dependent_id=key.pk)


def change_dependent(
    client_id: int, dependent_id: int, *, on: date, changes: Columns, made_by: str, now: datetime
) -> Recorded:
    """Record that something about a dependent is different from a day on (`is_former` ends the relationship).

    With `died_on` it ends by death.

    Errors: FactRefused if that makes a second current spouse or partner.
    """
    with transaction.atomic():
        key = Dependent.objects.get(client_id=client_id, pk=dependent_id)
        lock_people(client_id, pl.Series([key.person_id], dtype=pl.Int64))
        if changes.get("died_on") is not None:
            changes = {"is_former": True} | dict(changes)
        if changes.get("person_type") in PARTNERS:
            _refuse_second_partner(client_id, key.person_id, on, changes["person_type"], but=dependent_id)
        done = _follow(DEPENDENTS, client_id, dependent_id, on, changes, "change of dependent", made_by, now)
    return Recorded(change=done.change, person_id=key.person_id, dependent_id=dependent_id)


def report_life_event(
    client_id: int,
    person_id: int,
    *,
    event_class: str,
    on: date,
    reported_on: date,
    made_by: str,
    now: datetime,
) -> Recorded:
    """Record that something happened in a participant's life: `on` is the day it happened."""
    fact = {"person_id": person_id, "valid_from": on, "event_class": event_class, "reported_on": reported_on}
    change = _record(
        client_id, FactFrames(life_events=_one(LIFE_EVENTS, fact)), f"life event {event_class}", made_by, now
    )
    return Recorded(change=change, person_id=person_id)


def record_benefit_base(
    client_id: int,
    person_id: int,
    *,
    on: date,
    base_type: str,
    annual_pay_cents: int | None,
    benefit_record: int = 0,
    made_by: str,
    now: datetime,
) -> Recorded:
    """Record the benefits base of a type from a day on; None: not known any more from that day.

    Errors: FactRefused for less than nothing, and for more than anybody earns.
    """
    fact = {
        "person_id": person_id,
        "benefit_record": benefit_record,
        "base_type": base_type,
        "valid_from": on,
        "annual_pay_cents": annual_pay_cents,
    }
    frames = FactFrames(benefit_bases=_one(BENEFIT_BASES, fact))
    return Recorded(
        change=_record(client_id, frames, f"benefits base {base_type}", made_by, now), person_id=person_id
    )


def _record(client_id: int, frames: FactFrames, label: str, made_by: str, now: datetime) -> ChangeSet:
    return record_facts(client_id, frames, kind="entry", label=label, made_by=made_by, now=now)


def _one(table: FactTable, columns: Columns) -> pl.DataFrame:
    """Make a frame of one fact; a column the table does not have is refused.

    Errors: FactRefused, naming the column, or what is beyond its bounds.
    """
    schema = {**table.columns, "is_deleted": pl.Boolean()}
    unknown = sorted(set(columns) - set(schema))
    if unknown:
        raise FactRefused(f"a {table.fact} fact has no column {', '.join(unknown)}")
    faults = beyond(columns)
    if faults:
        raise FactRefused(f"{'; '.join(faults)}, something else was stated")
    return pl.DataFrame(
        {name: [value] for name, value in columns.items()}, {name: schema[name] for name in columns}
    )


def _ssn(ssn: str | None) -> dict[str, Any]:
    """Answer the sealed number and its hash; nothing if none was stated."""
    if ssn is None:
        return {}
    given = pl.Series("ssn", [ssn])
    hashed = secrets.hash_ssn(given)
    if hashed.null_count():
        raise FactRefused("an SSN has nine digits")
    return {"ssn_sealed": secrets.encrypt_ssn(given)[0], "ssn_hash": hashed.bin.encode("hex")[0]}


def _rows(table: FactTable, client_id: int, owner: int) -> pl.DataFrame:
    """Read the facts of one owner as now known."""
    known = known_versions(table, client_id, pl.Series([owner], dtype=pl.Int64))
    return latest_versions(table, known).filter(~pl.col("is_deleted")).select(list(table.columns))


def _held(table: FactTable, client_id: int, owner: int, on: date) -> dict[str, Any]:
    """Find the fact of one owner that holds on a day."""
    held = _rows(table, client_id, owner).filter(pl.col("valid_from") <= on).sort("valid_from")
    if held.is_empty():
        raise FactRefused(f"no {table.fact} fact of {owner} holds on {on}; expected one to change")
    return held.row(-1, named=True)


def _follow(
    table: FactTable,
    client_id: int,
    owner: int,
    on: date,
    changes: Columns,
    label: str,
    made_by: str,
    now: datetime,
    *,
    is_new: bool = True,
) -> Recorded:
    """Write what holds on a day, with changes: from that day on, or (not `is_new`) on its own date."""
    with transaction.atomic():
        held = _held(table, client_id, owner, on)
        new = held | dict(changes) | ({"valid_from": on} if is_new else {})
        frame = _one(table, new)
        frames = FactFrames(persons=frame) if table is PERSONS else FactFrames(dependents=frame)
        change = _record(client_id, frames, label, made_by, now)
    return Recorded(change=change, person_id=held["person_id"])


def _job_row(
    client_id: int,
    person_id: int,
    on: date,
    job_number: int | None,
    sequence: int | None = None,
    *,
    is_exact: bool = False,
) -> dict[str, Any]:
    """Find the job row that holds on a day (or is dated so): of the job named, else of the primary one."""
    lock_people(client_id, pl.Series([person_id], dtype=pl.Int64))
    rows = _rows(JOBS, client_id, person_id).sort("valid_from", "sequence")
    rows = rows.filter(pl.col("valid_from") == on if is_exact else pl.col("valid_from") <= on)
    if sequence is not None:
        rows = rows.filter(pl.col("sequence") == sequence)
    if job_number is not None:
        rows = rows.filter(pl.col("job_number") == job_number)
    else:
        rows = rows.unique("job_number", keep="last").filter("is_primary").sort("valid_from", "sequence")
    if rows.is_empty():
        raise FactRefused(f"no job row of person {person_id} {'is dated' if is_exact else 'holds on'} {on}")
    return rows.row(-1, named=True)


def _refuse_second_partner(
    client_id: int, person_id: int, on: date, person_type: str, but: int | None = None
) -> None:
    """Refuse a current spouse or partner beside another one."""
    if person_type not in PARTNERS:
        return
    owners = Dependent.objects.filter(client_id=client_id, person_id=person_id).exclude(pk=but)
    ids = pl.Series(list(owners.values_list("pk", flat=True)), dtype=pl.Int64)
    known = known_versions(DEPENDENTS, client_id, ids)
    held = latest_versions(DEPENDENTS, known).filter(~pl.col("is_deleted") & (pl.col("valid_from") <= on))
    last = held.sort("valid_from").unique("dependent_id", keep="last")
    if last.filter(pl.col("person_type").is_in(PARTNERS) & ~pl.col("is_former")).height:
        raise FactRefused(f"person {person_id}: {END_THE_FIRST}")
