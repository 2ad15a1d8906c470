"""What of tickets changes, one or many at once: with its history, its levels, and who is told."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from openbenefits.casework.codes import DONE, ENDS, STATUSES, WITHDRAWN, Form, Happening, Status
from openbenefits.casework.models import Attachment, Change, Notice, Ticket
from openbenefits.casework.opening import MOST_SUBJECT, assigned_columns, is_unassigned, levels_of
from openbenefits.casework.orders import Author, ChangeOrder, Subject, TicketMissing, TicketRefused
from openbenefits.casework.rules.assigning import Assignee, assign
from openbenefits.casework.rules.calendar import business_seconds
from openbenefits.casework.rules.escalating import level_reached
from openbenefits.casework.seeing import By, asked, author_of, require_work, visible
from openbenefits.casework.standing import Standing, standing

WATCHED = (
    *("status", "priority", "assignee_id", "role", "queue", "owner_id", "start_on", "due_on"),
    *("category", "kind", "subject", "body", "notify", "is_health", "escalated", "is_marked"),
)
"""What of a ticket its history tells."""
FOLLOWING = (
    *("changed_at", "done_at", "done_by", "level_1_at", "level_2_at", "reminded"),
    *("stands_since", "stood_seconds"),
)
"""What follows from it."""
MOST_AT_ONCE = 5_000
DELETION = "deletion of marked tasks"


def change(by: By, number: int, order: ChangeOrder, *, reason: str = "", now: datetime) -> Ticket:
    """Change a ticket; what already is as asked for stays, and is no change.

    Errors: TicketMissing, NotAllowed; TicketRefused for a status its form has not, or an empty subject.
    """
    with transaction.atomic():
        found = _locked(by, [number])
        if not found:
            raise TicketMissing(f"expected a task or case of yours, found none of the number {number}")
        _change(by, found, order, reason, now)
    return found[0]


def change_all(by: By, numbers: Iterable[int], order: ChangeOrder, *, reason: str = "", now: datetime) -> int:
    """Change many tickets in a fixed number of statements; answer how many are not as they were.

    Errors: as `change`, and then nothing is changed; TicketRefused for more than MOST_AT_ONCE.
    """
    wanted = sorted(set(numbers))
    if len(wanted) > MOST_AT_ONCE:
        raise TicketRefused(
            f"expected at most {MOST_AT_ONCE:,} tickets at once, found {len(wanted):,}; take a part of them"
        )
    with transaction.atomic():
        return len(_change(by, _locked(by, wanted), order, reason, now))


def would_change(by: By, numbers: Iterable[int], order: ChangeOrder, *, now: datetime) -> int:
    """Answer how many tickets `change_all` would change, and change none.

    Errors: as `change_all`.
    """
    with transaction.atomic():
        count = change_all(by, numbers, order, now=now)
        transaction.set_rollback(True)
    return count


def complete_task(by: By, number: int, *, reason: str = "", now: datetime) -> Ticket:
    """Say that what was to be done is done: a task is complete, a case resolved."""
    return change(by, number, ChangeOrder(status=ENDS), reason=reason, now=now)


def cancel_task(by: By, number: int, *, reason: str = "", now: datetime) -> Ticket:
    """Say that there is nothing to do: a task is cancelled, a case closed."""
    return change(by, number, ChangeOrder(status=WITHDRAWN), reason=reason, now=now)


def close_for(
    subject: Subject,
    reason: str,
    *,
    now: datetime,
    client_id: int | None = None,
    is_done: bool = False,
    by: By = "its cause has ended",
) -> int:
    """Close the open tickets a record has caused, as it is done with; answer how many.

    client_id: None where the key of the record is one of all clients. is_done: what was to be done has been;
    else there is nothing to do any more.
    """
    found = Ticket.objects.filter(about_kind=subject.kind, about_key=subject.key).exclude(status__in=DONE)
    if client_id is not None:
        found = found.filter(client_id=client_id)
    order = ChangeOrder(status=ENDS if is_done else WITHDRAWN)
    return change_all(by, found.values_list("pk", flat=True), order, reason=reason, now=now)


def delete_marked(now: datetime, *, without: Collection[int] = ()) -> int:
    """Delete the tasks that are marked and done: nobody sees them any more; answer how many.

    Files lose their bytes. The row stays with its cause, so that nothing opens the task again; its history
    says who marked it and who did it. without: clients whose tasks stay until another time.
    """
    with transaction.atomic():
        gone = Ticket.objects.filter(form=Form.TASK, is_marked=True, status__in=DONE, deleted_at__isnull=True)
        gone = gone.exclude(client_id__in=without)
        numbers = list(gone.select_for_update(skip_locked=True).values_list("pk", flat=True))
        files = Attachment.objects.filter(ticket_id__in=numbers, content__isnull=False)
        files.update(content=None, removed_by=DELETION, removed_at=now)
        return Ticket.objects.filter(pk__in=numbers).update(deleted_at=now)


def _locked(by: By, numbers: Sequence[int]) -> list[Ticket]:
    """Lock the tickets somebody sees and may act upon.

    Errors: NotAllowed, before anything is locked: to who only reads, a row that would be locked is not there.
    """
    seen = Ticket.objects.filter(pk__in=numbers)
    if not isinstance(by, str):
        seen = seen.filter(visible(by))
    for client_id in seen.order_by().values_list("client_id", flat=True).distinct():
        require_work(by, client_id)
    return list(seen.order_by("pk").select_for_update())


def _change(by: By, tickets: list[Ticket], order: ChangeOrder, reason: str, now: datetime) -> list[Ticket]:
    """Change tickets that are locked; answer those that are not as they were."""
    author = author_of(by)
    who = order.assigned if isinstance(order.assigned, Assignee) else Assignee()
    stands = standing(
        {one.client_id for one in tickets}, now, named={who.user_id, who.backup, author.user_id}
    )
    changed: list[Ticket] = []
    lines: list[Change] = []
    for one in tickets:
        before = {name: getattr(one, name) for name in WATCHED}
        _put(one, order, stands, author, now)
        differing = [name for name in WATCHED if getattr(one, name) != before[name]]
        if differing:
            one.changed_at = now
            changed.append(one)
            lines += [line_of(one, name, before[name], author, reason, now) for name in differing]
    save(changed, lines, by_user=author.user_id, now=now)
    return changed


def save(tickets: list[Ticket], lines: list[Change], *, by_user: int | None, now: datetime) -> None:
    """Write changed tickets, their history, and that people are to be told."""
    if not tickets:
        return
    fields = {line.field for line in lines} & set(WATCHED)
    moved = {line.ticket_id for line in lines if line.field == "status"}
    Ticket.objects.bulk_update(tickets, sorted(fields | set(FOLLOWING)), batch_size=500)
    Change.objects.bulk_create(lines)
    Notice.objects.bulk_create(
        Notice(
            client_id=one.client_id,
            ticket_id=one.pk,
            at=now,
            happening=_happening(one, moved),
            by_user_id=by_user,
        )
        for one in tickets
    )


def _happening(ticket: Ticket, moved: set[int]) -> Happening:
    if ticket.pk in moved and ticket.status in DONE:
        return Happening.ENDED
    return Happening.UNASSIGNED if is_unassigned(ticket) else Happening.CHANGED


def _put(ticket: Ticket, order: ChangeOrder, stands: Standing, author: Author, now: datetime) -> None:
    """Put what is asked for upon a ticket, and what follows from it."""
    said = order.said()
    before = (ticket.category, ticket.kind, ticket.priority, ticket.start_on)
    for name in ("priority", "category", "kind", "start_on", "due_on", "body"):
        if name in said:
            setattr(ticket, name, said[name])
    ticket.subject = str(said.get("subject", ticket.subject)).strip()[:MOST_SUBJECT]
    if not ticket.subject:
        raise TicketRefused("expected a subject, found none; say in a few words what is to be done")
    ticket.owner_id = said.get("owner", ticket.owner_id)
    ticket.notify = asked(said.get("notify", ticket.notify))
    ticket.reminded = 0 if "due_on" in said else ticket.reminded
    if "is_marked" in said:
        _mark(ticket, is_marked=said["is_marked"])
    if "status" in said:
        _to_status(ticket, said["status"], author, now)
    has_gone_on = _stop_or_go_on(ticket, stands, now)
    if before[:2] != (ticket.category, ticket.kind):
        ticket.is_health = stands.is_health(ticket.category, ticket.kind)
    if "assigned" in said:
        _reassign(ticket, said["assigned"], stands)
    if has_gone_on or before != (ticket.category, ticket.kind, ticket.priority, ticket.start_on):
        count_levels(ticket, stands, now)


def _mark(ticket: Ticket, *, is_marked: bool) -> None:
    if ticket.form != Form.TASK:
        raise TicketRefused(
            f"expected a task, found the case {ticket.pk}: a case is kept; take it out of the choice"
        )
    ticket.is_marked = is_marked


def _stop_or_go_on(ticket: Ticket, stands: Standing, now: datetime) -> bool:
    """Let the clock of a ticket stand while it waits on somebody or is done; answer whether it went on again.

    Business time for which it stood is added up, and no level counts it.
    """
    is_still = ticket.status in DONE or (ticket.form, ticket.status) in stands.excluded
    if is_still:
        ticket.stands_since = ticket.stands_since or now
        return False
    if ticket.stands_since is None:
        return False
    ticket.stood_seconds += business_seconds(ticket.stands_since, now, stands.calendar)
    ticket.stands_since = None
    return True


def _to_status(ticket: Ticket, wanted: Status | Mapping[Form, Status], author: Author, now: datetime) -> None:
    form = Form(ticket.form)
    status = wanted[form] if isinstance(wanted, Mapping) else wanted
    if status not in STATUSES[form]:
        raise TicketRefused(
            f"expected one of {', '.join(STATUSES[form])} for a {form}, found '{status}'; choose one"
        )
    is_done = status in DONE
    if is_done and ticket.status not in DONE:
        ticket.done_at, ticket.done_by = now, author.name
    elif not is_done:
        ticket.done_at, ticket.done_by = None, ""
    ticket.status = status


def _reassign(ticket: Ticket, wanted: Assignee, stands: Standing) -> None:
    """Give a ticket to somebody; whom nobody can find is refused, because somebody chose him.

    Errors: TicketRefused.
    """
    if not wanted.is_said:
        raise TicketRefused("expected a user, a role of the team or a queue, found none; choose one")
    kind = stands.kind_of(ticket.category, ticket.kind)
    if wanted.user_id is not None and wanted.user_id not in stands.present:
        raise TicketRefused("expected a user of the staff who can sign in, found another; choose one")
    found = assign(wanted, kind, stands.house_of(ticket.client_id), creator=None)
    for name, value in assigned_columns(found).items():
        setattr(ticket, name, value)


def count_levels(ticket: Ticket, stands: Standing, now: datetime) -> None:
    """Count the levels anew; one that lies ahead again is to be reached again."""
    ticket.level_1_at, ticket.level_2_at = levels_of(
        *(stands, ticket.category, ticket.kind, ticket.priority, ticket.start_on, ticket.opened_at),
        ticket.stood_seconds,
    )
    ticket.escalated = min(ticket.escalated, level_reached(ticket.level_1_at, ticket.level_2_at, now))


def line_of(ticket: Ticket, name: str, before: object, author: Author, reason: str, now: datetime) -> Change:
    return Change(
        client_id=ticket.client_id,
        ticket_id=ticket.pk,
        at=now,
        author=author.name,
        user_id=author.user_id,
        field=name,
        before=said_of(before),
        after=said_of(getattr(ticket, name)),
        reason=reason.strip(),
    )


def said_of(value: Any) -> str:
    """Say a value as the history keeps it: numbers and codes; pages name them."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)
