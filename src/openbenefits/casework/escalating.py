"""What time does to tickets: they reach levels and are reminded of. The worker carries it out, ever again."""

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from openbenefits.casework.changing import FOLLOWING, WATCHED, line_of
from openbenefits.casework.codes import Happening, Priority, Recipient
from openbenefits.casework.models import IS_OPEN, Change, Notice, Ticket, TicketType
from openbenefits.casework.opening import assigned_columns
from openbenefits.casework.orders import Author
from openbenefits.casework.rules.assigning import Assignee, assign
from openbenefits.casework.rules.calendar import due_on
from openbenefits.casework.rules.escalating import Step, closest, level_reached, steps_due
from openbenefits.casework.standing import BY_DEFAULT, Standing, calendar_of, day_of, standing

AT_ONCE = 500
ESCALATION = Author(name="escalation")
REACHED = {1: Happening.LEVEL_1, 2: Happening.LEVEL_2}
REMINDED = {1: Happening.DUE_SOON, 2: Happening.OVERDUE}


@dataclass(frozen=True, kw_only=True)
class Escalated:
    """How many tickets reached each level, and how many were reminded of."""

    level_1: int = 0
    level_2: int = 0
    due_soon: int = 0
    overdue: int = 0


def escalate(now: datetime, *, without: Collection[int] = ()) -> Escalated:
    """Carry out the levels that tickets have reached, and remind of those soon due; nothing is done twice.

    A transaction for each batch. Tickets somebody is writing at this moment are left for the next time.
    without: clients whose tickets are left, too.
    """
    counts = asdict(Escalated())
    due, last = _due(now).exclude(client_id__in=without), 0
    while True:
        with transaction.atomic():
            rows = due.filter(pk__gt=last).order_by("pk")
            tickets = list(rows.select_for_update(skip_locked=True)[:AT_ONCE])
            if not tickets:
                return Escalated(**counts)
            last = tickets[-1].pk
            for happening in _advance_all(tickets, now):
                counts[happening.replace(" ", "_")] += 1


def _due(now: datetime) -> QuerySet[Ticket]:
    """Answer the open tickets that may have something due: rows of an index, never all of them."""
    calendar = calendar_of()
    today = day_of(now, calendar)
    most = TicketType.objects.aggregate(most=Max("reminder_days"))["most"] or BY_DEFAULT.reminder_days
    soon = due_on(today, most, calendar=calendar)
    reached = Q(level_1_at__lte=now, escalated__lt=1) | Q(level_2_at__lte=now, escalated__lt=2)
    to_remind = Q(due_on__lte=soon, reminded__lt=1) | Q(due_on__lt=today, reminded__lt=2)
    return Ticket.objects.filter(IS_OPEN & (reached | to_remind))


def _advance_all(tickets: list[Ticket], now: datetime) -> Iterator[Happening]:
    stands = standing({one.client_id for one in tickets}, now)
    changed: list[Ticket] = []
    lines: list[Change] = []
    notices: list[Notice] = []
    for one in tickets:
        before = {name: getattr(one, name) for name in WATCHED}
        reminded = one.reminded
        told = [*_escalate(one, stands, now), *_remind(one, stands)]
        yield from (happening for happening, _, _ in told)
        differing = [name for name in WATCHED if getattr(one, name) != before[name]]
        lines += [line_of(one, name, before[name], ESCALATION, "", now) for name in differing]
        if differing or one.reminded != reminded:
            changed.append(one)
        notices += [
            Notice(client_id=one.client_id, ticket_id=one.pk, at=now, happening=happening, told=users)
            for happening, is_sent, users in told
            if is_sent
        ]
    for one in changed:
        one.changed_at = now
    fields = {line.field for line in lines} | set(FOLLOWING)
    Ticket.objects.bulk_update(changed, sorted(fields), batch_size=AT_ONCE)
    Change.objects.bulk_create(lines)
    Notice.objects.bulk_create(notices)


Told = tuple[Happening, bool, list[int]]
"""What happened, whether it is told, and whom beside those who always are."""


def _escalate(ticket: Ticket, stands: Standing, now: datetime) -> Iterator[Told]:
    """Carry out the levels a ticket has reached and not passed, in order."""
    if (ticket.form, ticket.status) in stands.excluded:
        return
    for level in steps_due(ticket.escalated, level_reached(ticket.level_1_at, ticket.level_2_at, now)):
        rows = [step for step in stands.steps if step.level == level]
        step = closest(rows, ticket.category, ticket.kind, ticket.priority)
        users = [] if step is None else _recipients(ticket, step, stands)
        ticket.escalated = level
        if step is not None:
            _cascade(ticket, step, stands)
        yield REACHED[level], step is None or step.sends_mail, users


def _cascade(ticket: Ticket, step: Step, stands: Standing) -> None:
    """Raise the priority and pass the ticket on, where the step says so; it never falls, nor to nobody.

    The levels stay as they were counted: what an escalation changes does not escalate further by itself.
    """
    ranks = list(Priority)
    if step.next_priority and ranks.index(Priority(step.next_priority)) < ranks.index(
        Priority(ticket.priority)
    ):
        ticket.priority = step.next_priority
    if step.next_role:
        kind = stands.kind_of(ticket.category, ticket.kind)
        found = assign(Assignee(role=step.next_role), kind, stands.house_of(ticket.client_id), creator=None)
        if not found.is_unassigned:
            for name, value in assigned_columns(found).items():
                setattr(ticket, name, value)


def _recipients(ticket: Ticket, step: Step, stands: Standing) -> list[int]:
    """Answer whom a step writes to beside those it always does; nobody where there is none."""
    found: int | None = None
    if step.recipient == Recipient.ROLE:
        found = stands.house_of(ticket.client_id).team.get(step.recipient_role)
    elif step.recipient == Recipient.MANAGER:
        found = stands.manager_of(ticket)
    elif step.recipient == Recipient.SUPERVISOR and ticket.assignee_id in stands.colleagues:
        found = stands.colleagues[ticket.assignee_id].supervisor_id
    return [] if found is None else [found]


def _remind(ticket: Ticket, stands: Standing) -> Iterator[Told]:
    """Remind of a ticket once before it is due, and once after."""
    if ticket.due_on is None or (ticket.form, ticket.status) in stands.excluded:
        return
    days = stands.type_of(ticket.category, ticket.kind).reminder_days
    soon = due_on(ticket.due_on, -days, calendar=stands.calendar) if days else ticket.due_on
    reached = 2 if ticket.due_on < stands.today else 1 if soon <= stands.today else 0
    if reached > ticket.reminded:
        ticket.reminded = reached
        yield REMINDED[reached], True, []
