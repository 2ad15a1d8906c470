"""Who sees which tickets, who may act upon them, and under whose name."""

from typing import Any, TypeAlias

from django.db import connections
from django.db.models import Q

from openbenefits.accounts.models import User
from openbenefits.accounts.roles import Permission, writes
from openbenefits.accounts.services import EVERY_CLIENT, NOTHING, Access, NotAllowed
from openbenefits.casework.codes import Form
from openbenefits.casework.models import Ticket
from openbenefits.casework.orders import Author, TicketMissing
from openbenefits.store.isolation import PEO

By: TypeAlias = Access | str
"""A user with what he may, or the name of what acts by itself (a run, a channel), which may everything."""


def may_work(access: Access, client_id: int) -> bool:
    """Whether somebody acts upon the tickets of a client: staff who may change any of its records."""
    own = access.permissions.get(client_id, NOTHING) | access.permissions.get(EVERY_CLIENT, NOTHING)
    return access.person_id is None and writes(own)


def require_work(by: By, client_id: int, *, is_health: bool = False) -> None:
    """Refuse who may not act upon a client's tickets.

    Errors: NotAllowed.
    """
    if isinstance(by, str):
        return
    if not may_work(by, client_id):
        raise NotAllowed(
            "expected a role that may change records of this client, found none; "
            "ask an administrator of the client for it"
        )
    if is_health:
        by.require(Permission.SEE_HEALTH, client_id)


def visible(access: Access) -> Q:
    """Limit tickets to those somebody may see: of his clients, and with health data where he may see it.

    What is deleted nobody sees.
    """
    if access.person_id is not None:
        return Q(pk__in=[])
    seeing = Q(deleted_at__isnull=True)
    if not access.may(Permission.SEE, EVERY_CLIENT):
        seeing &= Q(client_id__in=clients_with(access, Permission.SEE))
    if access.may(Permission.SEE_HEALTH, EVERY_CLIENT):
        return seeing
    return seeing & (Q(is_health=False) | Q(client_id__in=clients_with(access, Permission.SEE_HEALTH)))


def clients_with(access: Access, permission: Permission) -> list[int]:
    """List the clients for which somebody may something, by a role for each; the PEO's own is among them."""
    return [client for client, allowed in access.permissions.items() if permission in allowed]


def ticket_of(
    access: Access, number: int, *, form: Form | None = None, client_id: int | None = None
) -> Ticket:
    """Find a ticket somebody may see by its number.

    Errors: TicketMissing.
    """
    found = Ticket.objects.filter(visible(access), pk=number)
    if form is not None:
        found = found.filter(form=form)
    if client_id is not None:
        found = found.filter(client_id=client_id)
    ticket = found.first()
    if ticket is None:
        raise TicketMissing(
            f"expected a {form or 'task or case'} of yours, found none of the number {number}"
        )
    return ticket


def author_of(by: By) -> Author:
    """Answer under whose name something is done; what acts by itself within a request has its user."""
    if isinstance(by, Access):
        name = User.objects.filter(pk=by.user_id).values_list("username", flat=True).first()
        return Author(name=name or "the owner of the database", user_id=by.user_id or None)
    return Author(name=by, user_id=_asking())


def _asking() -> int | None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT nullif(current_setting('openbenefits.user', true), '')::bigint")
        (found,) = cursor.fetchone()
    return found or None


def client_number(client_id: int | None) -> int:
    """Answer the number under which rows of a client, or of the PEO itself, stand."""
    return PEO if client_id is None else client_id


def asked(values: Any) -> list[int]:
    """Answer numbers once each, in their order."""
    return sorted({int(one) for one in values if one is not None})
