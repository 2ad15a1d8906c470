"""Two clients, staff with roles, and the moments at which things happen to their tickets."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, access_of, give_role
from openbenefits.workforce.models import Client

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)  # a Monday, 10 o'clock in New York
GIVEN = {"given_by": "test", "now": NOW}
EMPTIED = (
    "ticket",
    "change",
    "comment",
    "attachment",
    "notice",
    "mail",
    "told",
    "inquiry",
    "inquiryword",
    "muted",
    "follower",
    "teammember",
    "colleague",
    "wording",
)
ROLES = {
    "ann": ("acme", RoleCode.SPECIALIST),
    "bob": ("acme", RoleCode.PAYROLL),
    "cat": ("acme", RoleCode.BROKER),
    "dan": ("bolt", RoleCode.SPECIALIST),
    "eve": (None, RoleCode.ADMINISTRATOR),
}


def build() -> None:
    clients = {code: Client.objects.create(code=code, name=code.title()) for code in ("acme", "bolt")}
    for name, (client, role) in ROLES.items():
        user = User.objects.create_user(name, f"{name}@example.com")
        give_role(user, clients[client].pk if client else EVERY_CLIENT, role, **GIVEN)


@pytest.fixture(scope="module")
def filled_database(database, kept):
    kept(database, "casework", build)


@pytest.fixture
def house(filled_database):
    """The clients by code, without tickets, on the set-up as it is shipped; users are found by name."""
    tables = ", ".join(f"casework_{name}" for name in EMPTIED)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY")
    return numbers()


@pytest.fixture
def own_house(fresh_database, kept):
    """The same in a database of the test's own, whose set-up it may change."""
    kept(fresh_database, "casework", build)
    return numbers()


def numbers():
    return {one.code: one.pk for one in Client.objects.all()}


def user(name):
    return User.objects.get(username=name)


def access(name):
    return access_of(connection, user(name))
