"""Whom tickets of a client may be given to: users with a role there, its team, managers."""

from collections.abc import Iterable

from django.db.models import Q

from openbenefits.accounts.models import Role, User
from openbenefits.casework.models import Department, TeamMember
from openbenefits.store.isolation import PEO


def people_for(client_ids: Iterable[int]) -> dict[int, str]:
    """Answer the users to whom tickets of some clients may be given, by number, by name."""
    clients = {*client_ids, PEO}
    with_role = Role.objects.filter(client_id__in=clients, ended_at__isnull=True).values("user_id")
    on_team = TeamMember.objects.filter(client_id__in=clients).values("user_id")
    managing = Department.objects.exclude(manager_id=None).values("manager_id")
    there = User.objects.filter(Q(pk__in=with_role) | Q(pk__in=on_team) | Q(pk__in=managing))
    staff = there.filter(is_active=True, api_key__isnull=True)
    return dict(staff.order_by("username").values_list("pk", "username"))
