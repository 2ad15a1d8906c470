"""Somebody leaves one client of the PEO for another: the same human, under a number of each.

Facts say it: the job ends at the one, and begins the next day at the other, with the person, address and
dependents as known. What follows for coverage and pay is decided by the set-up of each, in the next runs
(docs/rules.md §19.12).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.enrollment.brought import Brought, bring_along
from openbenefits.payroll.contributions import put_in
from openbenefits.programs.frames import load_setup
from openbenefits.repair.models import PersonTransfer
from openbenefits.repair.permissions import Permit, Wish, everybody_may
from openbenefits.repair.services import RepairRefused
from openbenefits.store.trials import given_up
from openbenefits.workforce.models import ChangeSet, Client, Dependent, Person
from openbenefits.workforce.recording import (
    ADDRESSES,
    DEPENDENTS,
    JOBS,
    PERSONS,
    FactFrames,
    FactTable,
    add_dependents,
    add_people,
    known_versions,
    latest_versions,
    lock_people,
    record_facts,
)
from openbenefits.workforce.services import terminate
from openbenefits.workforce.undo import take_back

TRANSFER, UNDO_TRANSFER = "transfer", "undo transfer"
AT_WORK = ("A", "L", "P")
KEPT_OF_JOB = (
    *("weekly_hours_hundredths", "annual_pay_cents", "full_part_time", "regular_temporary"),
    *("flsa_status", "job_status"),
)
"""What a job is measured by; its codes are those of the other client, and stated."""


@dataclass(frozen=True, kw_only=True)
class TransferOrder:
    """Who goes where, from which day.

    begins_on:     the first day at the other client; the last day employed here is the day before.
    job:           columns of the job there; company, benefit_group and pay_group are needed.
    action, coming_reason: of the job row there: the set-up there maps them to an event class.
    keeps_service: service counts on from here.
    """

    client_id: int
    person_id: int
    to_client: int
    employee_number: str
    begins_on: date
    job: Mapping[str, Any]
    keeps_service: bool
    reason: str
    author: str
    action: str = "HIR"
    coming_reason: str | None = None
    leaving_action: str = "TER"
    leaving_reason: str | None = field(default=None)


@dataclass(frozen=True, kw_only=True)
class Transferred:
    """Whom somebody is there, and the changes of facts that say so."""

    to_person: int
    left_change: int
    came_change: int
    dependents: int


def transfer(
    connection: Any,
    order: TransferOrder,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
) -> Transferred:
    """Let somebody go on at another client; a rehearsal writes nothing.

    Errors: RepairRefused without reason or author, for the same or unknown clients and people, somebody not
            at work on the day before, a number that is taken, and codes the set-up there does not know;
            PeopleBusy; whatever `permit` raises.
    """
    if not order.reason.strip() or not order.author.strip():
        raise RepairRefused("a transfer needs a reason and an author; state both")
    permit(_wish(order.author, order.client_id, order.person_id, TRANSFER))
    with given_up(is_rehearsal=is_rehearsal):
        return _transferred(connection, order, now=now)


def undo_transfer(
    client_id: int,
    person_id: int,
    *,
    reason: str,
    author: str,
    now: datetime,
    permit: Permit = everybody_may,
) -> PersonTransfer:
    """Take the last transfer that stands back: the job goes on here, and nothing is known of them there.

    What runs made of it meanwhile is found without its facts, and put right as any such event.

    Errors: RepairRefused where none stands, without reason or author, or where facts were changed since;
            PeopleBusy; whatever `permit` raises.
    """
    if not reason.strip() or not author.strip():
        raise RepairRefused("to undo a transfer needs a reason and an author; state both")
    permit(_wish(author, client_id, person_id, UNDO_TRANSFER))
    with transaction.atomic():
        standing = [one for one in transfers_of(client_id, person_id) if one.client_id == client_id]
        if not standing:
            raise RepairRefused(
                f"person {person_id}: expected a transfer to undo, found none; correct the number"
            )
        last = standing[-1]
        for change_id in (last.came_change, last.left_change):
            undone = take_back(change_id, made_by=author, now=now)
            if undone.conflicts.height:
                raise RepairRefused(
                    f"person {person_id}: expected facts as they came with the transfer, found"
                    f" {undone.conflicts.height} changed since; take those changes back first"
                )
    return last


def transfers_of(client_id: int, person_id: int) -> list[PersonTransfer]:
    """List the transfers of somebody that stand, from here or to here, in order."""
    gone = PersonTransfer.objects.filter(client_id=client_id, person_id=person_id)
    came = PersonTransfer.objects.filter(to_client=client_id, to_person=person_id)
    found = sorted((gone | came).distinct(), key=lambda one: (one.begins_on, one.acted_at))
    changes = [one.came_change for one in found]
    undone = set(ChangeSet.objects.filter(undoes__in=changes).values_list("undoes_id", flat=True))
    return [one for one in found if one.came_change not in undone]


def _wish(author: str, client_id: int, person_id: int, what: str) -> Wish:
    return Wish(author=author, client_id=client_id, operations=(what,), person_ids=(person_id,))


# --- writing ------------------------------------------------------------------------------------------------


def _transferred(connection: Any, order: TransferOrder, *, now: datetime) -> Transferred:
    _refuse_unknown(connection, order)
    lock_people(order.client_id, pl.Series([order.person_id], dtype=pl.Int64))
    person, job = _held(PERSONS, order), _held(JOBS, order)
    _refuse_unfit(order, person, job)
    left = terminate(
        order.client_id,
        order.person_id,
        last_day_employed=order.begins_on - timedelta(days=1),
        action=order.leaving_action,
        reason=order.leaving_reason,
        made_by=order.author,
        now=now,
    )
    to_person = int(add_people(order.to_client, pl.Series([order.employee_number]))["person_id"][0])
    dependents = _dependents(order, to_person)
    address = _held(ADDRESSES, order)
    came = record_facts(
        order.to_client,
        FactFrames(
            persons=_renamed(person, to_person, order).with_columns(service_on=_service(order)),
            addresses=_renamed(address, to_person, order) if address.height else None,
            jobs=_job(job, to_person, order),
            dependents=dependents if dependents.height else None,
        ),
        kind="transfer",
        label="from another client",
        made_by=order.author,
        now=now,
    )
    made = PersonTransfer.objects.filter(client_id=order.client_id, person_id=order.person_id).count()
    _bring_along(connection, order, to_person, came.pk, now=now)
    PersonTransfer.objects.create(
        client_id=order.client_id,
        person_id=order.person_id,
        number=made + 1,
        to_client=order.to_client,
        to_person=to_person,
        begins_on=order.begins_on,
        keeps_service=order.keeps_service,
        left_change=left.change.pk,
        came_change=came.pk,
        reason=order.reason,
        author=order.author,
        acted_at=now,
    )
    return Transferred(
        to_person=to_person,
        left_change=left.change.pk,
        came_change=came.pk,
        dependents=dependents["dependent_id"].n_unique(),
    )


def _bring_along(
    connection: Any, order: TransferOrder, to_person: int, change_id: int, *, now: datetime
) -> None:
    """Say there what pays here that end before the day put in, by legal limit, and what was brought here.

    Errors: RepairRefused where one of these amounts is not known.
    """
    there = put_in(connection, order.client_id, order.person_id, before=order.begins_on)
    for row in there.iter_rows(named=True):  # a handful of limits
        if row["cents"] is None:
            raise RepairRefused(
                f"person {order.person_id}: expected what every pay of the year put in under"
                f" {row['annual_limit']}, found one that is not known; correct what the register of"
                " payroll lists as without an amount"
            )
        brought = Brought(
            client_id=order.to_client,
            person_id=to_person,
            change_id=change_id,
            reason="put in at the client left",
            **row,
        )
        bring_along(connection, brought, author=order.author, now=now)


def _known(table: FactTable, client_id: int, owners: list[int]) -> pl.DataFrame:
    rows = latest_versions(table, known_versions(table, client_id, pl.Series(owners, dtype=pl.Int64)))
    return rows.filter(~pl.col("is_deleted")).select(list(table.columns))


def _held(table: FactTable, order: TransferOrder) -> pl.DataFrame:
    """The fact that holds on the last day here: one row, or none; of jobs the primary one."""
    rows = _known(table, order.client_id, [order.person_id])
    held = rows.filter(pl.col("valid_from") < order.begins_on)
    if table is JOBS:
        last = held.sort("valid_from", "sequence").unique("job_number", keep="last")
        return last.sort(~pl.col("is_primary").fill_null(value=False), "job_number").head(1)
    return held.sort("valid_from").tail(1)


def _renamed(row: pl.DataFrame, to_person: int, order: TransferOrder) -> pl.DataFrame:
    return row.with_columns(
        person_id=pl.lit(to_person, pl.Int64), valid_from=pl.lit(order.begins_on, pl.Date)
    )


def _service(order: TransferOrder) -> pl.Expr:
    return pl.col("service_on") if order.keeps_service else pl.lit(order.begins_on, pl.Date)


def _job(job: pl.DataFrame, to_person: int, order: TransferOrder) -> pl.DataFrame:
    """The first job row there: measured as here, with the codes stated."""
    kept = job.select(KEPT_OF_JOB).row(0, named=True)
    row = kept | {"action": order.action, "reason": order.coming_reason, "job_status": "A"}
    row |= {"person_id": to_person, "valid_from": order.begins_on, "job_number": 0, "sequence": 0}
    row |= dict(order.job)
    return pl.DataFrame([row], schema={name: JOBS.columns[name] for name in row})


def _dependents(order: TransferOrder, to_person: int) -> pl.DataFrame:
    """The dependents as known here on the day, under numbers of their own there."""
    listed = Dependent.objects.filter(client_id=order.client_id, person_id=order.person_id)
    numbers = dict(listed.order_by("number").values_list("pk", "number"))
    facts = _known(DEPENDENTS, order.client_id, list(numbers))
    held = facts.filter(pl.col("valid_from") <= order.begins_on).sort("valid_from")
    held = held.unique("dependent_id", keep="last", maintain_order=True)
    if held.is_empty():
        return held
    pairs = pl.DataFrame(
        {"old": held["dependent_id"], "number": [numbers[one] for one in held["dependent_id"]]}
    )
    added = add_dependents(
        order.to_client,
        pairs.select("old", person_id=pl.lit(to_person, pl.Int64), number=pl.col("number").cast(pl.Int64)),
    )
    renamed = held.join(added.select(dependent_id="old", new="dependent_id"), on="dependent_id")
    found = _renamed(renamed, to_person, order).with_columns(dependent_id="new")
    return found.select(list(DEPENDENTS.columns))


# --- what may be --------------------------------------------------------------------------------------------


def _refuse_unknown(connection: Any, order: TransferOrder) -> None:
    if order.client_id == order.to_client:
        raise RepairRefused(
            "expected another client, found the same; a job change says what changes within one"
        )
    if not Client.objects.filter(pk=order.to_client).exists():
        raise RepairRefused(f"client {order.to_client}: expected a client of the PEO, found none")
    if not Person.objects.filter(client_id=order.client_id, pk=order.person_id).exists():
        raise RepairRefused(f"person {order.person_id}: expected somebody of this client, found nobody")
    if Person.objects.filter(client_id=order.to_client, employee_number=order.employee_number).exists():
        raise RepairRefused(
            "expected a number nobody has at the other client, found one that is taken; state another,"
            " or rehire that person"
        )
    groups = load_setup(connection, [order.to_client])["pay_group"].filter(client_id=order.to_client)
    there_are = groups.select(pl.format("{} of {}", "code", "company")).to_series().unique().sort()
    asked = {"code": order.job.get("pay_group"), "company": order.job.get("company")}
    if None in asked.values() or groups.filter(**asked).is_empty():
        raise RepairRefused(
            f"pay_group: expected one with its company ({', '.join(there_are) or 'none is set up'}), found"
            f" {asked['code'] or 'none'} of {asked['company'] or 'none'}; correct the codes"
        )
    if not order.job.get("benefit_group"):
        raise RepairRefused("benefit_group: expected that of the job there, found none; state it")
    unknown = sorted(set(order.job) - set(JOBS.columns))
    if unknown:
        raise RepairRefused(f"expected columns of a job, found {', '.join(unknown)}; leave them out")


def _refuse_unfit(order: TransferOrder, person: pl.DataFrame, job: pl.DataFrame) -> None:
    if person.is_empty() or job.is_empty() or job["job_status"][0] not in AT_WORK:
        found = (
            "nobody known" if person.is_empty() else "no job" if job.is_empty() else "a job that has ended"
        )
        raise RepairRefused(
            f"person {order.person_id}: expected somebody at work on the day before {order.begins_on},"
            f" found {found}; correct the day, or rehire them there"
        )


__all__ = ["TransferOrder", "Transferred", "transfer", "transfers_of", "undo_transfer"]
