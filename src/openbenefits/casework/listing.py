"""Tickets as they are listed, counted and laid upon a board: those somebody may see."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl
from django.db.models import Case as Chosen
from django.db.models import Count, IntegerField, Min, Q, QuerySet, Value, When

from openbenefits.accounts.models import User
from openbenefits.accounts.numbers import numbers_of
from openbenefits.accounts.services import EVERY_CLIENT, Access
from openbenefits.casework.codes import DONE, STATUSES, Form, Priority, Status
from openbenefits.casework.models import (
    IS_OPEN,
    Attachment,
    Category,
    Comment,
    Mail,
    Queue,
    Ticket,
    TicketType,
)
from openbenefits.casework.models import Change as Line
from openbenefits.casework.seeing import visible
from openbenefits.workforce.models import Client, Person

MOST = 2_000
"""Tickets that one list holds: the most urgent, or the newest where done ones are asked for."""
MOST_OF_COLUMN = 25
TICKETS: dict[str, Any] = {
    "number": pl.Int64,
    "form": pl.String,
    "client_id": pl.Int64,
    "client": pl.String,
    "subject": pl.String,
    "category": pl.String,
    "kind": pl.String,
    "type": pl.String,
    "priority": pl.String,
    "status": pl.String,
    "assignee": pl.String,
    "role": pl.String,
    "queue": pl.String,
    "owner": pl.String,
    "start_on": pl.Date,
    "due_on": pl.Date,
    "is_overdue": pl.Boolean,
    "escalated": pl.Int64,
    "employee_number": pl.String,
    "about_kind": pl.String,
    "about_key": pl.String,
    "opened_by": pl.String,
    "opened_at": pl.Datetime("us", "UTC"),
    "changed_at": pl.Datetime("us", "UTC"),
    "done_at": pl.Datetime("us", "UTC"),
}
RANK = Chosen(
    *(When(priority=priority, then=Value(rank)) for rank, priority in enumerate(Priority)),
    output_field=IntegerField(),
)
"""Priorities as numbers: what comes first has the least."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which tickets are asked for; None is whatever it is.

    person_id: those about him under whatever number, where the client is named, too.
    due: "overdue", "today", "week" (the next seven days), "none" (no day). text: part of the subject, or the
    number. is_done: done ones instead of open ones; None: both.
    """

    client_id: int | None = None
    person_id: int | None = None
    form: Form | None = None
    status: Status | None = None
    priority: Priority | None = None
    category: str | None = None
    kind: str | None = None
    assignee_id: int | None = None
    is_unassigned: bool = False
    owner_id: int | None = None
    queue: str | None = None
    about_kind: str | None = None
    about_key: str | None = None
    due: str | None = None
    escalated: bool | None = None
    text: str = ""
    is_done: bool | None = False


def found(access: Access, wanted: Wanted, today: date) -> QuerySet[Ticket]:
    """Answer the tickets asked for, of those somebody may see."""
    names: tuple[str, ...] = ("client_id", "form", "status", "priority", "category", "kind")
    names += ("assignee_id", "owner_id", "queue", "about_kind", "about_key")
    exact = {name: getattr(wanted, name) for name in names if getattr(wanted, name) is not None}
    rows = Ticket.objects.filter(visible(access), **exact)
    if wanted.person_id is not None:
        rows = rows.filter(person_id__in=numbers_of(wanted.client_id or EVERY_CLIENT, wanted.person_id))
    if wanted.is_done is not None:
        rows = rows.filter(~IS_OPEN if wanted.is_done else IS_OPEN)
    if wanted.is_unassigned:
        rows = rows.filter(assignee_id__isnull=True)
    if wanted.escalated:
        rows = rows.filter(escalated__gt=0)
    if wanted.due:
        rows = rows.filter(_due(wanted.due, today))
    if text := wanted.text.strip():
        rows = rows.filter(
            Q(pk=int(text)) if text.isdecimal() and len(text) < 10 else Q(subject__icontains=text)
        )
    return rows


def _due(due: str, today: date) -> Q:
    days = {
        "overdue": Q(due_on__lt=today),
        "today": Q(due_on=today),
        "week": Q(due_on__gte=today, due_on__lt=date.fromordinal(today.toordinal() + 7)),
        "none": Q(due_on__isnull=True),
    }
    return days.get(due, Q())


def tickets(access: Access, wanted: Wanted, today: date, *, most: int = MOST) -> tuple[pl.DataFrame, int]:
    """List tickets as TICKETS, the most urgent first (done ones: the newest), and how many there are in all.

    Missing: of somebody who is no user, or a ticket of nobody, null; client null for one of the PEO itself.
    """
    rows = found(access, wanted, today)
    ordered = rows.order_by("-pk") if wanted.is_done else urgent_first(rows)
    shown = list(ordered[:most])
    total = len(shown) if len(shown) < most else rows.count()
    return as_frame(shown, today), total


def urgent_first(rows: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Put what is due first, and of that what is most urgent; what has no day comes last."""
    return rows.alias(rank=RANK).order_by("due_on", "rank", "pk")


def as_frame(shown: Sequence[Ticket], today: date) -> pl.DataFrame:
    """Answer tickets as TICKETS, with names of clients, users, people and types in a query each."""
    users = names_of({user for one in shown for user in (one.assignee_id, one.owner_id)})
    clients = dict(Client.objects.filter(pk__in={one.client_id for one in shown}).values_list("pk", "code"))
    people = dict(
        Person.objects.filter(pk__in={one.person_id for one in shown if one.person_id}).values_list(
            "pk", "employee_number"
        )
    )
    types, queues = type_names(), dict(Queue.objects.values_list("code", "name"))
    rows = [
        {
            "number": one.pk,
            "client": clients.get(one.client_id),
            "type": types.get((one.category, one.kind), one.kind or one.category),
            "assignee": users.get(one.assignee_id),
            "owner": users.get(one.owner_id),
            "queue": queues.get(one.queue, one.queue) or None,
            "is_overdue": is_overdue(one, today),
            "employee_number": people.get(one.person_id),
            **{name: getattr(one, name) for name in SAME},
        }
        for one in shown
    ]
    return pl.DataFrame(rows, schema=TICKETS)


SAME = (
    *("form", "client_id", "subject", "category", "kind", "priority", "status", "role", "start_on", "due_on"),
    *("escalated", "about_kind", "about_key", "opened_by", "opened_at", "changed_at", "done_at"),
)


def is_overdue(ticket: Ticket, today: date) -> bool:
    """Whether a ticket should have been done by now."""
    return ticket.done_at is None and ticket.due_on is not None and ticket.due_on < today


def names_of(users: set[int | None]) -> dict[int | None, str]:
    """Answer the names of users, in one query."""
    return dict(User.objects.filter(pk__in=users - {None}).values_list("pk", "username"))


def type_names() -> dict[tuple[str, str], str]:
    """Answer what each type is called, by category and code."""
    return {(one.category, one.code): one.name for one in TicketType.objects.all()}


def category_names() -> dict[str, str]:
    """Answer what each category is called."""
    return dict(Category.objects.order_by("name").values_list("code", "name"))


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A column of a board: a status, its most urgent tickets, and how many there are, counted up to MOST."""

    status: Status
    tickets: pl.DataFrame
    total: int


def board(access: Access, form: Form, wanted: Wanted, today: date) -> list[Lane]:
    """Answer the tickets of a form by status: the most urgent open ones, the newest done ones."""
    every = found(access, replace(wanted, is_done=None), today)
    lanes = []
    for status in STATUSES[form]:
        rows = every.filter(form=form, status=status)
        ordered = urgent_first(rows) if status not in DONE else rows.order_by("-pk")
        lanes.append((status, list(ordered[:MOST_OF_COLUMN]), rows))
    frames = as_frame([one for _, shown, _ in lanes for one in shown], today)
    return [
        Lane(
            status=status,
            tickets=frames.filter(pl.col("status") == str(status)),
            total=len(shown) if len(shown) < MOST_OF_COLUMN else rows[:MOST].count(),
        )
        for status, shown, rows in lanes
    ]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many open tickets need somebody: due today, overdue, one's own, of nobody, escalated."""

    today: int
    overdue: int
    mine: int
    unassigned: int
    escalated: int


def counts(access: Access, today: date, client_id: int | None = None) -> Counts:
    """Count open tickets, of a client or of all somebody sees, in one statement."""
    rows = found(access, Wanted(client_id=client_id), today)
    return Counts(
        **rows.aggregate(
            today=Count("pk", filter=Q(due_on=today)),
            overdue=Count("pk", filter=Q(due_on__lt=today)),
            mine=Count("pk", filter=Q(assignee_id=access.user_id)),
            unassigned=Count("pk", filter=Q(assignee_id__isnull=True)),
            escalated=Count("pk", filter=Q(escalated__gt=0)),
        )
    )


QUEUES: dict[str, Any] = {
    "queue": pl.String,
    "name": pl.String,
    "open": pl.Int64,
    "overdue": pl.Int64,
    "critical": pl.Int64,
    "oldest": pl.Datetime("us", "UTC"),
}


def queues(access: Access, today: date) -> pl.DataFrame:
    """List the queues as QUEUES, with what waits in each."""
    rows = (
        Ticket.objects.filter(visible(access) & IS_OPEN & Q(assignee_id__isnull=True))
        .exclude(queue="")
        .values("queue")
        .annotate(
            open=Count("pk"),
            overdue=Count("pk", filter=Q(due_on__lt=today)),
            critical=Count("pk", filter=Q(priority=Priority.CRITICAL)),
            oldest=Min("opened_at"),
        )
    )
    waiting = {row["queue"]: row for row in rows}
    none = {"open": 0, "overdue": 0, "critical": 0, "oldest": None}
    listed = [
        {"queue": one.code, "name": one.name, **(waiting.get(one.code) or none)}
        for one in Queue.objects.order_by("name")
        if not one.is_off or one.code in waiting
    ]
    return pl.DataFrame(listed, schema=QUEUES)


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that is known of a ticket: history and what was said, oldest first; its files; mails about it."""

    changes: list[Line]
    comments: list[Comment]
    files: list[Attachment]
    mails: list[Mail]


def story(ticket: Ticket) -> Story:
    """Read what was done and said about a ticket; files without their bytes."""
    whose = {"client_id": ticket.client_id, "ticket_id": ticket.pk}
    return Story(
        changes=list(Line.objects.filter(**whose).order_by("id")),
        comments=list(Comment.objects.filter(**whose).order_by("id")),
        files=list(Attachment.objects.filter(**whose).defer("content").order_by("id")),
        mails=list(Mail.objects.filter(**whose).order_by("id")),
    )
