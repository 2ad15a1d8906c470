"""An open enrolment under way: harbor's is prepared, with the errors of a faulty census; quill is enrolled."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test import override_settings
from tests.runs.conftest import Employer, put_employer, put_enrolled

from openbenefits.accounts.clock import STANDS_ON
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, give_role
from openbenefits.runs.services import run

DAY = date(2025, 11, 3)
NOW = datetime(2025, 11, 3, 9, tzinfo=UTC)
GIVEN = {"given_by": "test", "now": NOW}


@contextmanager
def on_the_day() -> Iterator[None]:
    """Let staff in without a second factor, on a day on which the enrolment is open."""
    with override_settings(SECOND_FACTOR="off"), pytest.MonkeyPatch.context() as patch:
        patch.setenv(STANDS_ON, DAY.isoformat())
        yield


@pytest.fixture(scope="module")
def pair(database, tmp_path_factory) -> tuple[Employer, Employer]:
    """A client whose open enrolment is prepared, and one that is enrolled."""
    mine = put_employer(tmp_path_factory.mktemp("harbor"), people=40, is_faulty=True)
    run(connection, mine.order(), now=NOW)
    return mine, put_enrolled(tmp_path_factory.mktemp("quill"), code="quill", people=12)


@pytest.fixture(scope="module")
def users(database, pair):
    """A specialist of the first client, an auditor of it, an administrator and an auditor of every client."""
    mine = pair[0].client_id
    roles = {
        "specialist": (mine, RoleCode.SPECIALIST),
        "broker": (mine, RoleCode.BROKER),
        "administrator": (EVERY_CLIENT, RoleCode.ADMINISTRATOR),
        "everywhere": (EVERY_CLIENT, RoleCode.AUDITOR),
    }
    found = {name: User.objects.create_user(name, f"{name}@example.com") for name in roles}
    for name, (client_id, code) in roles.items():
        give_role(found[name], client_id, code, **GIVEN)
    return found
