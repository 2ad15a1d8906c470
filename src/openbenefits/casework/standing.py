"""The set-up of casework as it stands: read whole, once for an act, however many tickets it is about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from openbenefits.accounts.models import User
from openbenefits.casework.codes import Default, Priority, Security
from openbenefits.casework.models import (
    Cascade,
    Colleague,
    Department,
    Escalating,
    Queue,
    ServiceLevel,
    SpecialDay,
    TeamMember,
    TeamRole,
    Ticket,
    TicketType,
    WorkingHours,
)
from openbenefits.casework.rules.assigning import House, Kind
from openbenefits.casework.rules.calendar import Calendar
from openbenefits.casework.rules.escalating import Hours, Step
from openbenefits.store.isolation import PEO

BY_DEFAULT = TicketType(category="", code="", name="", priority=Priority.MEDIUM)
"""The type of a ticket that names one nobody has set up: who opens it gets it, or it waits for somebody."""


def calendar_of(client_id: int | None = None) -> Calendar:
    """Answer the business calendar of the house, which all its clients share."""
    del client_id
    hours = WorkingHours.objects.filter(client_id=PEO).first()
    if hours is None:
        return Calendar()
    special = list(SpecialDay.objects.values_list("on", "is_open"))
    return Calendar(
        zone=hours.zone,
        opens=hours.opens,
        closes=hours.closes,
        weekdays=frozenset(map(int, hours.weekdays)),
        state=hours.state,
        closed=frozenset(day for day, is_open in special if not is_open),
        worked=frozenset(day for day, is_open in special if is_open),
    )


def day_of(now: datetime, calendar: Calendar) -> date:
    """Answer the day it is in the house."""
    return now.astimezone(ZoneInfo(calendar.zone)).date()


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The set-up as it stands. clients: whose teams it knows; named: users asked for; today: who is away."""

    clients: frozenset[int]
    named: frozenset[int]
    today: date
    calendar: Calendar

    @cached_property
    def types(self) -> Mapping[tuple[str, str], TicketType]:
        """Answer the types of tickets by category and code."""
        return {(one.category, one.code): one for one in TicketType.objects.all()}

    def type_of(self, category: str, kind: str) -> TicketType:
        """Answer the type of a ticket; the defaults of none where nobody has set it up."""
        return self.types.get((category, kind), BY_DEFAULT)

    def kind_of(self, category: str, kind: str) -> Kind:
        """Answer what the type of a ticket says of who gets it."""
        found = self.type_of(category, kind)
        return Kind(
            assigns=Default(found.assigns),
            user_id=found.assign_user_id,
            role=found.assign_role,
            queue=found.assign_queue,
            backup=found.backup_id,
            department=found.department,
        )

    def is_health(self, category: str, kind: str) -> bool:
        """Whether only who may see health data sees tickets of a type."""
        return self.type_of(category, kind).security == Security.HEALTH

    @cached_property
    def hours(self) -> list[Hours]:
        """Answer the business hours until each level."""
        rows = ServiceLevel.objects.all()
        return [
            Hours(
                category=one.category,
                kind=one.kind,
                priority=one.priority,
                level_1=one.hours_1,
                level_2=one.hours_2,
            )
            for one in rows
        ]

    @cached_property
    def steps(self) -> list[Step]:
        """Answer what reaching each level does."""
        names = ("category", "kind", "priority", "level", "next_priority", "next_role", "sends_mail")
        rows = Cascade.objects.values(*names, "recipient", "recipient_role")
        return [Step(**row) for row in rows]

    @cached_property
    def excluded(self) -> frozenset[tuple[str, str]]:
        """Answer the forms and statuses that are not escalated."""
        return frozenset(Escalating.objects.filter(is_excluded=True).values_list("form", "status"))

    @cached_property
    def managers(self) -> dict[str, int]:
        """Answer who answers for each department."""
        rows = Department.objects.filter(is_off=False, manager_id__isnull=False)
        return dict(rows.values_list("code", "manager_id"))

    @cached_property
    def departments(self) -> dict[str, str]:
        """Answer the department of each role."""
        return dict(TeamRole.objects.exclude(department="").values_list("code", "department"))

    @cached_property
    def colleagues(self) -> dict[int, Colleague]:
        """Answer where users work, by user."""
        return {one.user_id: one for one in Colleague.objects.all()}

    @cached_property
    def teams(self) -> dict[int, dict[str, int]]:
        """Answer who plays which role for each client; what a client lacks is the PEO's."""
        found: dict[int, dict[str, int]] = {}
        for client, role, user in TeamMember.objects.filter(client_id__in={*self.clients, PEO}).values_list(
            "client_id", "role", "user_id"
        ):
            found.setdefault(client, {})[role] = user
        common = found.get(PEO, {})
        return {client: common | found.get(client, {}) for client in self.clients | {PEO}}

    @cached_property
    def present(self) -> frozenset[int]:
        """Answer, of the users asked for or named by the set-up, those of the staff who can sign in."""
        asked = {*self.named, *self.managers.values(), *self.colleagues}
        asked |= {one.backup_id for one in self.colleagues.values() if one.backup_id}
        asked |= {user for team in self.teams.values() for user in team.values()}
        for one in self.types.values():
            asked |= {user for user in (one.assign_user_id, one.backup_id) if user}
        staff = User.objects.filter(pk__in=asked, is_active=True, employee__isnull=True)
        return frozenset(staff.values_list("pk", flat=True))

    def manager_of(self, ticket: Ticket) -> int | None:
        """Answer who answers for the department of a ticket's type, role or queue; None where nobody does."""
        of_role = self.departments.get(ticket.role, "")
        department = self.type_of(ticket.category, ticket.kind).department or of_role
        return self.managers.get(department or self.queues.get(ticket.queue, ""))

    @cached_property
    def queues(self) -> dict[str, str]:
        """Answer the department of each queue."""
        return dict(Queue.objects.exclude(department="").values_list("code", "department"))

    def house_of(self, client_id: int) -> House:
        """Answer who is there for a client."""
        return House(
            team=self.teams.get(client_id, self.teams[PEO]),
            managers=self.managers,
            departments=self.departments,
            present=self.present,
            backups={user: one.backup_id for user, one in self.colleagues.items() if one.backup_id},
            away=frozenset(user for user, one in self.colleagues.items() if _is_away(one, self.today)),
        )


def standing(clients: Iterable[int], now: datetime, *, named: Iterable[int | None] = ()) -> Standing:
    """Read the set-up as it stands for tickets of some clients, and who of some users is there."""
    calendar = calendar_of()
    users = frozenset(user for user in named if user is not None)
    return Standing(clients=frozenset(clients), named=users, today=day_of(now, calendar), calendar=calendar)


def _is_away(one: Colleague, today: date) -> bool:
    if one.away_from is None or one.away_from > today:
        return False
    return one.away_through is None or today <= one.away_through
