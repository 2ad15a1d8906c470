"""Who can be looked at in the demo's web: one login for each role, and links that sign in once."""

from collections.abc import Mapping
from typing import Any

from openbenefits.accounts.models import EmployeeLogin, User
from openbenefits.accounts.roles import ROLES, RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, give_role, link_employee
from openbenefits.accounts.signing_in import link_token
from openbenefits.cli.clock import now
from openbenefits.cli.demo import TODAY
from openbenefits.cli.demo.next_year import CLIENT, SCHEDULE
from openbenefits.cli.demo.stage import ACTOR, Stage
from openbenefits.cli.screen import console, say
from openbenefits.events.models import Event
from openbenefits.workforce.models import Client, Person

EMPLOYEES = 3
"""How many employees of the open enrolment have a login."""
SITE = "http://127.0.0.1:8000"


def make_logins(stage: Stage) -> None:
    """Add a user for each role, those of a client where enrolment is open, and some of its employees."""
    given: dict[str, Any] = {"given_by": ACTOR, "now": now()}
    for code, role in ROLES.items():
        if code is not RoleCode.EMPLOYEE:
            user = User.objects.create_user(str(code), f"{code}@example.com")
            give_role(user, EVERY_CLIENT if role.of_peo else stage.clients[CLIENT], code, **given)
    for person in _who_may_choose(stage):
        user = User.objects.create_user(f"employee-{person.employee_number}")
        link_employee(user, person.client_id, person.pk, **given)


def _who_may_choose(stage: Stage) -> list[Person]:
    """Choose employees who have been told that they may choose, those with dependents first."""
    told = Event.objects.filter(
        client_id=stage.clients[CLIENT], schedule_id=stage.schedules[CLIENT, SCHEDULE], process_status="NT"
    )
    people = Person.objects.filter(client_id=stage.clients[CLIENT], pk__in=told.values("person_id"))
    with_family = people.filter(dependent__isnull=False).distinct().order_by("employee_number")
    return [*with_family[:EMPLOYEES]] or [*people.order_by("employee_number")[:EMPLOYEES]]


def links(site: str) -> Mapping[str, str]:
    """Make a link for each login of the demo: who it is, and the address that signs in once."""
    clients = dict(Client.objects.values_list("pk", "name"))
    found = {}
    for user in User.objects.filter(is_active=True).order_by("pk"):
        employee = EmployeeLogin.objects.filter(user=user).first()
        role = user.roles.filter(ended_at__isnull=True).first()
        if employee is not None:
            who = f"{user.username}, of {clients[employee.client_id]}"
        elif role is not None:
            who = f"{ROLES[RoleCode(role.code)].name}, of {clients.get(role.client_id, 'every client')}"
        else:
            continue
        found[who] = f"{site}/sign-in/{link_token(user)}"
    return found


def show_links(site: str = SITE) -> None:
    """Print the address, and a link for each role."""
    say(f"The web of the demo is at {site}, on {TODAY}. A link signs in once, within a quarter of an hour:")
    for who, link in links(site).items():
        console.print(f"  {who}:\n    {link}", soft_wrap=True, highlight=False)
