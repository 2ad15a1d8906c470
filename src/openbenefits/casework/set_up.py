"""The set-up of casework as the PEO changes it, and the team of each client."""

from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access
from openbenefits.casework.models import QuietHours, TeamMember, TeamRole, TicketType, WorkingHours
from openbenefits.casework.orders import TicketRefused
from openbenefits.casework.rules.calendar import Calendar
from openbenefits.store.isolation import PEO

Record = TypeVar("Record", bound=models.Model)
MOST_REMINDER_DAYS = 30


def save_record(access: Access, record: Record) -> Record:
    """Keep a record of the set-up, new or changed.

    Errors: NotAllowed; TicketRefused for a record that cannot be, naming its fields.
    """
    access.require(Permission.SETUP, PEO)
    try:
        record.full_clean(exclude=_open_fields(record))
    except ValidationError as refused:
        words = "; ".join(f"{name}: {' '.join(said)}" for name, said in refused.message_dict.items())
        raise TicketRefused(f"expected a record that can be kept, found one that cannot: {words}") from None
    if isinstance(record, WorkingHours):
        Calendar(
            zone=record.zone,
            opens=record.opens,
            closes=record.closes,
            weekdays=_weekdays(record.weekdays),
            state=record.state,
        )
    if isinstance(record, TicketType) and not 0 <= record.reminder_days <= MOST_REMINDER_DAYS:
        raise TicketRefused(
            f"expected 0 to {MOST_REMINDER_DAYS} business days, found {record.reminder_days}; correct them"
        )
    if isinstance(record, QuietHours):
        _check_quiet(record)
    record.save()
    return record


def _check_quiet(record: QuietHours) -> None:
    """Refuse weekdays there are not."""
    days = _weekdays(record.weekdays)
    if not days or not days <= set(range(1, 8)):
        raise TicketRefused(
            f"expected weekdays as numbers from 1 (Monday) to 7, found '{record.weekdays}'; correct them"
        )


def _open_fields(record: models.Model) -> set[str]:
    """Name the fields that say nothing, and may: a type of a whole category has an empty code."""
    fields = record._meta.concrete_fields
    empty = {one.name for one in fields if one.null and getattr(record, one.name) is None}
    return empty | ({"code"} if isinstance(record, TicketType) and record.pk else set())


def _weekdays(said: str) -> frozenset[int]:
    return frozenset(int(one) if one.isdecimal() else 0 for one in said)


def remove_record(access: Access, record: models.Model) -> None:
    """Take a record out that nothing else names: a special day, quiet hours.

    Errors: NotAllowed.
    """
    access.require(Permission.SETUP, PEO)
    record.delete()


def set_member(access: Access, client_id: int, role: str, user_id: int | None) -> bool:
    """Say who plays a role for a client (0: wherever a client has nobody of its own); None: nobody.

    Answer whether that changed anything.

    Errors: NotAllowed; TicketRefused for a role there is not.
    """
    access.require(Permission.SETUP, client_id)
    if not TeamRole.objects.filter(code=role).exists():
        raise TicketRefused(f"expected a role of the team, found '{role}'; see the set-up of tasks and cases")
    there = TeamMember.objects.filter(client_id=client_id, role=role)
    if user_id is None:
        return bool(there.delete()[0])
    if there.filter(user_id=user_id).exists():
        return False
    TeamMember.objects.update_or_create(client_id=client_id, role=role, defaults={"user_id": user_id})
    return True


def team_of(client_id: int) -> list[dict[str, Any]]:
    """List the roles with who plays each for a client, and who would for the PEO."""
    held: dict[tuple[int, str], int] = {
        (client, role): user
        for client, role, user in TeamMember.objects.filter(client_id__in=(client_id, PEO)).values_list(
            "client_id", "role", "user_id"
        )
    }
    return [
        {
            "code": one.code,
            "name": one.name,
            "user_id": held.get((client_id, one.code)),
            "peo_user_id": held.get((PEO, one.code)),
        }
        for one in TeamRole.objects.filter(is_off=False).order_by("name")
    ]
