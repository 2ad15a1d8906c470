"""What people are told of tickets by mail: written by the act, sent by the worker, a mail for each user.

A mail names tickets by number and type, never by what they say: subjects and comments may be personal.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from openbenefits.accounts.models import Role, User
from openbenefits.accounts.roles import Permission, RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, Access, access_of
from openbenefits.casework.codes import Happening, Priority, Scope
from openbenefits.casework.models import Follower, Mail, Muted, Notice, Ticket, Told
from openbenefits.casework.rules.telling import Around, recipients
from openbenefits.casework.standing import Standing, standing
from openbenefits.workforce.models import Client

AT_ONCE = 1_000
MOST_LISTED = 50
HAPPENED = {
    Happening.OPENED: "it was opened",
    Happening.CHANGED: "it was changed",
    Happening.ENDED: "it came to its end",
    Happening.COMMENTED: "somebody said something, or put a file to it",
    Happening.UNASSIGNED: "nobody was found to do it: it waits in a queue",
    Happening.LEVEL_1: "it reached level 1 of escalation",
    Happening.LEVEL_2: "it reached level 2 of escalation",
    Happening.DUE_SOON: "it is due soon",
    Happening.OVERDUE: "it is overdue",
}
BODY = """This happened to tasks and cases that you have, or follow:

{lines}

All of yours: {link}

Mute one on its page; end what you follow on the page "My work".
"""
LINE = """{form} {number} of {client}: {happened}.
  {kind}, {priority}, {status}, {due}
  {link}"""
SENT, FAILED = "sent", "failed"


@dataclass(frozen=True, kw_only=True)
class Post:
    """What mails of a batch are made of. access: of each user who may be written to."""

    tickets: Mapping[int, Ticket]
    stands: Standing
    followers: list[Follower]
    administrators: frozenset[int]
    muted: frozenset[tuple[int, int]]
    users: Mapping[int, User]
    access: Mapping[int, Access]
    clients: Mapping[int, str]


def send_notices(connection: Any, *, now: datetime, without: Collection[int] = ()) -> int:
    """Tell people what happened to tickets since the last time; answer how many mails went out.

    Each user gets one mail of a batch, however many tickets it is about. A mail that does not go out is kept
    with what went wrong. A worker that breaks off in a batch tells it again. without: clients whose tickets
    are told of another time.
    """
    sent, last = 0, 0
    while True:
        waiting = Notice.objects.filter(sent_at__isnull=True, pk__gt=last).order_by("pk")
        waiting = waiting.exclude(client_id__in=without)
        numbers = list(waiting.values_list("pk", flat=True)[:AT_ONCE])
        if not numbers:
            return sent
        last = numbers[-1]
        sent += _send(connection, numbers, now)


def _send(connection: Any, numbers: list[int], now: datetime) -> int:
    about = Notice.objects.filter(pk__in=numbers).values("ticket_id")
    post = _post(connection, list(Ticket.objects.filter(pk__in=about)), numbers, now)
    with transaction.atomic():
        waiting = Notice.objects.filter(pk__in=numbers, sent_at__isnull=True)
        notices = list(waiting.order_by("pk").select_for_update(skip_locked=True))
        made: list[Mail] = []
        sent = 0
        told = _told(notices, post)
        Told.objects.bulk_create(_rows_of(told, post, now))
        for user_id, happened in told.items():
            mails = _mail(user_id, happened, post, now)
            made += mails
            sent += bool(mails) and mails[0].fate == SENT
        Mail.objects.bulk_create(made)
        Notice.objects.filter(pk__in=[one.pk for one in notices]).update(sent_at=now)
    return sent


Happened = dict[int, list[Happening]]
"""What happened, by ticket."""


def _told(notices: list[Notice], post: Post) -> dict[int, Happened]:
    """Answer what each user is told: only of tickets he may see."""
    told: dict[int, Happened] = {}
    for one in notices:
        ticket = post.tickets.get(one.ticket_id)
        if ticket is None:
            continue
        happening = Happening(one.happening)
        for user_id in recipients(happening, _around(ticket, one, post), one.by_user_id):
            access = post.access.get(user_id)
            if access is not None and _sees(access, ticket):
                told.setdefault(user_id, {}).setdefault(ticket.pk, []).append(happening)
    return told


def _rows_of(told: dict[int, Happened], post: Post, now: datetime) -> list[Told]:
    """Answer what users are told in the product, whether or not a mail reaches them."""
    return [
        Told(
            client_id=post.tickets[number].client_id,
            ticket_id=number,
            at=now,
            user_id=user_id,
            happenings=list(dict.fromkeys(map(str, said))),
        )
        for user_id, happened in told.items()
        for number, said in happened.items()
    ]


def _mail(user_id: int, happened: Happened, post: Post, now: datetime) -> list[Mail]:
    """Write to a user; answer a line for each ticket, none where no address is known."""
    address = post.users[user_id].email
    if not address:
        return []
    fate, told = SENT, ""
    try:
        _message(address, happened, post).send()
    except (SMTPException, OSError, ValueError) as fault:
        fate, told = FAILED, type(fault).__name__  # its text quotes the address
    return [
        Mail(
            client_id=post.tickets[number].client_id,
            ticket_id=number,
            at=now,
            user_id=user_id,
            fate=fate,
            told=told,
        )
        for number in happened
    ]


def _sees(access: Access, ticket: Ticket) -> bool:
    if access.person_id is not None or not access.may(Permission.SEE, ticket.client_id):
        return False
    return not ticket.is_health or access.may(Permission.SEE_HEALTH, ticket.client_id)


def _message(address: str, happened: Happened, post: Post) -> EmailMessage:
    lines = [_line(post.tickets[number], said, post) for number, said in happened.items()]
    if len(lines) == 1:
        ((number, _),) = happened.items()
        subject = f"{post.tickets[number].form.capitalize()} {number}: {_kind(post.tickets[number], post)}"
    else:
        subject = f"{len(lines):,} tasks and cases"
    if len(lines) > MOST_LISTED:
        lines = [*lines[:MOST_LISTED], f"… and {len(lines) - MOST_LISTED:,} more"]
    body = BODY.format(lines="\n\n".join(lines), link=f"{settings.PUBLIC_URL}/workbench/mine/")
    return EmailMessage(subject=subject, body=body, to=[address])


def _line(ticket: Ticket, happened: list[Happening], post: Post) -> str:
    said = dict.fromkeys(HAPPENED[one] for one in happened)
    return LINE.format(
        form=ticket.form.capitalize(),
        number=ticket.pk,
        client=post.clients.get(ticket.client_id, "the PEO"),
        happened=", and ".join(said),
        kind=_kind(ticket, post),
        priority=ticket.priority,
        status=ticket.status,
        due=f"due {ticket.due_on}" if ticket.due_on else "no day due",
        link=f"{settings.PUBLIC_URL}/workbench/tickets/{ticket.pk}/",
    )


def _kind(ticket: Ticket, post: Post) -> str:
    return post.stands.type_of(ticket.category, ticket.kind).name or ticket.category


def _around(ticket: Ticket, notice: Notice, post: Post) -> Around:
    """Find the users around a ticket."""
    settings_of = post.stands.type_of(ticket.category, ticket.kind)
    team = post.stands.house_of(ticket.client_id).team
    return Around(
        assignee=ticket.assignee_id,
        owner=ticket.owner_id,
        notify=frozenset(ticket.notify),
        notified=team.get(settings_of.notified_role),
        level_1=team.get(settings_of.level_1_role),
        level_2=team.get(settings_of.level_2_role),
        manager=post.stands.manager_of(ticket),
        administrators=post.administrators,
        followers=frozenset(one.user_id for one in post.followers if _follows(one, ticket, team)),
        told=frozenset(notice.told),
        muted=frozenset(user for number, user in post.muted if number == ticket.pk),
        is_critical=ticket.priority == Priority.CRITICAL,
    )


def _follows(one: Follower, ticket: Ticket, team: Mapping[str, int]) -> bool:
    if one.scope == Scope.CLIENT:
        return one.client_id == ticket.client_id
    return one.scope == Scope.ALL or one.user_id in team.values()


def _post(connection: Any, found: list[Ticket], numbers: list[int], now: datetime) -> Post:
    """Read what mails about tickets are made of, in a fixed number of statements and one for each reader."""
    stands = standing({one.client_id for one in found}, now)
    followers = list(Follower.objects.all())
    chiefs = Role.objects.filter(
        client_id=EVERY_CLIENT, code=str(RoleCode.ADMINISTRATOR), ended_at__isnull=True
    )
    administrators = frozenset(chiefs.values_list("user_id", flat=True))
    wanted = {one.user_id for one in followers} | administrators | set(stands.managers.values())
    wanted |= {user for team in stands.teams.values() for user in team.values()}
    told = Notice.objects.filter(pk__in=numbers).exclude(told=[]).values_list("told", flat=True)
    wanted |= {user for users in told for user in users}
    wanted |= {user for one in found for user in (one.assignee_id, one.owner_id, *one.notify) if user}
    users = User.objects.filter(pk__in=wanted, is_active=True).in_bulk()
    clients = Client.objects.filter(pk__in=stands.clients)
    return Post(
        tickets={one.pk: one for one in found},
        stands=stands,
        followers=followers,
        administrators=administrators,
        muted=frozenset(
            Muted.objects.filter(ticket_id__in=[one.pk for one in found]).values_list("ticket_id", "user_id")
        ),
        users=users,
        access={number: access_of(connection, user) for number, user in users.items()},
        clients=dict(clients.values_list("pk", "name")),
    )


# --- what is told in the product ----------------------------------------------------------------------------

MOST_UNSEEN = 99
"""So many unseen notices are counted; more are as many as no one reads."""


def unseen(access: Access) -> int:
    """Count the notices of a user that he has not seen; MOST_UNSEEN + 1 stands for more."""
    if not access.user_id or access.person_id is not None:
        return 0
    mine = Told.objects.filter(user_id=access.user_id, seen_at__isnull=True)
    return len(mine.values_list("pk", flat=True)[: MOST_UNSEEN + 1])


def told_to(access: Access, most: int) -> list[Told]:
    """List what a user was told, the last first."""
    return list(Told.objects.filter(user_id=access.user_id).order_by("-pk")[:most])


def see(access: Access, *, through: int, now: datetime) -> int:
    """Mark the notices of a user as seen, up to a number; answer how many were new to him."""
    mine = Told.objects.filter(user_id=access.user_id, seen_at__isnull=True, pk__lte=through)
    return mine.update(seen_at=now)


# --- what each user wants to be told ------------------------------------------------------------------------


def mute(access: Access, ticket: Ticket, *, is_muted: bool) -> None:
    """Be told nothing of a ticket any more, or be told again."""
    whose = {"client_id": ticket.client_id, "ticket_id": ticket.pk, "user_id": access.user_id}
    if is_muted:
        Muted.objects.get_or_create(**whose)
    else:
        Muted.objects.filter(**whose).delete()


def is_muted(access: Access, ticket: Ticket) -> bool:
    """Whether somebody wants to be told nothing of a ticket."""
    return Muted.objects.filter(ticket_id=ticket.pk, user_id=access.user_id).exists()


def follow(access: Access, scope: Scope, client_id: int = 0, *, is_following: bool) -> None:
    """Be told of all tickets of some clients, or no more; who may not see them is told nothing.

    Errors: NotAllowed for a client that is not one's own to see.
    """
    if scope is Scope.CLIENT:
        access.require(Permission.SEE, client_id)
    whose = {
        "user_id": access.user_id,
        "scope": str(scope),
        "client_id": client_id if scope is Scope.CLIENT else 0,
    }
    if is_following:
        Follower.objects.get_or_create(**whose)
    else:
        Follower.objects.filter(**whose).delete()


def followed(access: Access) -> list[tuple[Scope, int]]:
    """List what somebody follows: each scope, and the client of one."""
    rows = Follower.objects.filter(user_id=access.user_id).order_by("scope", "client_id")
    return [(Scope(one.scope), one.client_id) for one in rows]
