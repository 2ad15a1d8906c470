"""Fixtures of the pages about people: a client that is finally enrolled, and one whose enrolment is prepared."""

from typing import Any

import pytest
from django.db import connections
from django.test import override_settings
from tests.faces.conftest import GIVEN, PASSWORD, signed_in
from tests.runs.conftest import NOW, Employer, put_employer, put_enrolled

from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, give_role
from openbenefits.core.codes import Level
from openbenefits.runs.services import run

PEOPLE = 20
LOGINS = {
    "administrator": RoleCode.ADMINISTRATOR,
    "auditor": RoleCode.AUDITOR,
    "payroll": RoleCode.PAYROLL,
}


@pytest.fixture(scope="module")
def clients(database: Any, kept: Any, tmp_path_factory: Any) -> tuple[Employer, Employer]:
    """harbor, enrolled for 2026, and quill, prepared; with a login for each of LOGINS."""

    def build() -> tuple[Employer, Employer]:
        harbor = put_enrolled(tmp_path_factory.mktemp("harbor"), code="harbor", people=PEOPLE)
        quill = put_employer(tmp_path_factory.mktemp("quill"), code="quill", people=PEOPLE)
        run(connections["default"], quill.order(through=Level.OPTIONS), now=NOW)
        for name, code in LOGINS.items():
            user = User.objects.create_user(name, f"{name}@example.com", PASSWORD)
            give_role(user, EVERY_CLIENT, code, **GIVEN)
        only = User.objects.create_user("of quill", "quill@example.com", PASSWORD)
        give_role(only, quill.client_id, RoleCode.SPECIALIST, **GIVEN)
        return harbor, quill

    return kept(database, "workbench: an enrolled and a prepared client", build)


@pytest.fixture(scope="module")
def users(clients: tuple[Employer, Employer]) -> dict[str, User]:
    """The logins there are, by name."""
    return {user.username: user for user in User.objects.all()}


@pytest.fixture
def desk(browser: Any, users: dict[str, User]) -> Any:
    """The browser of an administrator who has signed in."""
    with override_settings(SECOND_FACTOR="off"):
        yield signed_in(browser, users["administrator"])
