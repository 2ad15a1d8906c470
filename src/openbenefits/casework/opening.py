"""Tickets are opened: whoever asks, and however many at once, each cause once."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.db import connections, transaction

from openbenefits.casework.codes import Form, Happening, Priority
from openbenefits.casework.models import Case, Change, Notice, Task, Ticket
from openbenefits.casework.orders import Author, CaseOrder, Order, TaskOrder, TicketRefused
from openbenefits.casework.rules.assigning import Assigned, assign
from openbenefits.casework.rules.calendar import due_on
from openbenefits.casework.rules.escalating import closest, levels_at
from openbenefits.casework.seeing import By, asked, author_of, client_number, require_work
from openbenefits.casework.standing import Standing, standing

LOCK = 0x7A5C
"""Of a client's causes: who opens one waits for who does."""
MOST_SUBJECT = 200
T = TypeVar("T", bound=Ticket)


def open_task(by: By, order: TaskOrder, *, now: datetime) -> Task:
    """Open a task; one of a cause that is there already is answered as it is, whatever became of it.

    by: a user's access, or the name of what acts by itself.

    Errors: NotAllowed; TicketRefused for an order without a subject or with a priority there is not.
    """
    return open_tasks(by, [order], now=now)[0]


def open_case(by: By, order: CaseOrder, *, now: datetime) -> Case:
    """Open a case, as `open_task` does a task."""
    return open_cases(by, [order], now=now)[0]


def open_tasks(by: By, orders: Sequence[TaskOrder], *, now: datetime) -> list[Task]:
    """Open many tasks in a fixed number of statements; answer one for each order, in order."""
    return _open(by, Task, Form.TASK, orders, now)


def open_cases(by: By, orders: Sequence[CaseOrder], *, now: datetime) -> list[Case]:
    """Open many cases in a fixed number of statements; answer one for each order, in order."""
    return _open(by, Case, Form.CASE, orders, now)


def _open(by: By, model: type[T], form: Form, orders: Sequence[Order], now: datetime) -> list[T]:
    clients = {client_number(order.client_id) for order in orders}
    named = {user for order in orders for user in (order.assigned.user_id, order.assigned.backup)}
    author = author_of(by)
    stands = standing(clients, now, named=named | {author.user_id})
    for order in orders:
        _check(by, order, stands)
    with transaction.atomic():
        there = _there(model, form, orders)
        made: dict[int, T] = {}
        for place, order in enumerate(orders):
            key = (client_number(order.client_id), order.cause)
            if order.cause and key in there:
                made[place] = there[key]
                continue
            made[place] = there[key] = model(form=form, **_row(order, author, stands, now))
        fresh = {id(one): one for one in made.values() if one.pk is None}
        model._base_manager.bulk_create(fresh.values())
        _write_down(fresh.values(), author, now)
    return [made[place] for place in range(len(orders))]


def _check(by: By, order: Order, stands: Standing) -> None:
    health = stands.is_health(order.category, order.kind) if order.is_health is None else order.is_health
    require_work(by, client_number(order.client_id), is_health=health)
    if not order.subject.strip():
        raise TicketRefused("expected a subject, found none; say in a few words what is to be done")
    if order.priority is not None and order.priority not in set(Priority):
        raise TicketRefused(
            f"expected a priority of {', '.join(Priority)}, found '{order.priority}'; choose one"
        )
    if order.due_on is not None and order.start_on is not None and order.due_on < order.start_on:
        raise TicketRefused(f"expected a day due from {order.start_on} on, found {order.due_on}; correct one")


def _there(model: type[T], form: Form, orders: Sequence[Order]) -> dict[tuple[int, str], T]:
    """Answer the tickets that causes have already; nobody else opens one until this transaction ends."""
    causes = {(client_number(order.client_id), order.cause) for order in orders if order.cause}
    if not causes:
        return {}
    clients = sorted({client for client, _ in causes})
    with connections["default"].cursor() as cursor:
        for client in clients:  # in the same order everywhere
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, client])
    found = model._base_manager.filter(
        form=form, client_id__in=clients, cause__in={cause for _, cause in causes}
    )
    return {(one.client_id, one.cause): one for one in found}


def _row(order: Order, author: Author, stands: Standing, now: datetime) -> dict[str, Any]:
    """Answer the columns of a new ticket."""
    client_id = client_number(order.client_id)
    settings = stands.type_of(order.category, order.kind)
    kind, house = stands.kind_of(order.category, order.kind), stands.house_of(client_id)
    assigned = assign(order.assigned, kind, house, creator=author.user_id)
    start = order.start_on or stands.today
    days = settings.due_days
    due = order.due_on
    if due is None and days is not None:
        due = due_on(start, days, calendar=stands.calendar)
    row: dict[str, Any] = {
        "client_id": client_id,
        "person_id": order.person_id,
        "subject": order.subject.strip()[:MOST_SUBJECT],
        "body": order.body.strip(),
        "category": order.category,
        "kind": order.kind,
        "priority": str(order.priority or settings.priority),
        "is_health": stands.is_health(order.category, order.kind)
        if order.is_health is None
        else order.is_health,
        "notify": asked(order.notify),
        "about_kind": order.about.kind if order.about else "",
        "about_key": order.about.key if order.about else "",
        "cause": order.cause,
        "is_marked": isinstance(order, TaskOrder) and order.is_marked,
        "start_on": start,
        "due_on": due,
        "opened_by": author.name,
        "opened_by_id": author.user_id,
        "opened_at": now,
        "changed_at": now,
    }
    row |= assigned_columns(assigned)
    row["owner_id"] = order.owner or author.user_id or assigned.user_id
    row["level_1_at"], row["level_2_at"] = levels_of(
        stands, row["category"], row["kind"], row["priority"], row["start_on"], now
    )
    return row


def assigned_columns(assigned: Assigned) -> dict[str, Any]:
    """Answer the columns that say who has a ticket."""
    return {"assignee_id": assigned.user_id, "role": assigned.role, "queue": assigned.queue}


def levels_of(
    stands: Standing,
    category: str,
    kind: str,
    priority: str,
    start_on: Any,
    opened_at: datetime,
    stood_seconds: int = 0,
) -> tuple[datetime | None, ...]:
    """Answer when a ticket is escalated: in business time since it was opened, or its start if later.

    stood_seconds: the business time for which it waited on somebody, which does not count.
    """
    begins = datetime.combine(start_on, time(), ZoneInfo(stands.calendar.zone))
    hours = closest(stands.hours, category, kind, priority)
    return levels_at(hours, max(opened_at, begins), stands.calendar, stood_seconds)


def _write_down(tickets: Any, author: Author, now: datetime) -> None:
    """Write the first line of each history, and what people are told."""
    whose = {"at": now}
    Change.objects.bulk_create(
        Change(
            client_id=one.client_id,
            ticket_id=one.pk,
            author=author.name,
            user_id=author.user_id,
            field="opened",
            after=one.status,
            **whose,
        )
        for one in tickets
    )
    Notice.objects.bulk_create(
        Notice(
            client_id=one.client_id,
            ticket_id=one.pk,
            happening=Happening.UNASSIGNED if is_unassigned(one) else Happening.OPENED,
            by_user_id=author.user_id,
            **whose,
        )
        for one in tickets
    )


def is_unassigned(ticket: Ticket) -> bool:
    """Whether nobody was found for a ticket."""
    from openbenefits.casework.codes import UNASSIGNED

    return ticket.assignee_id is None and ticket.queue == UNASSIGNED
