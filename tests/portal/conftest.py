"""An employer whose people choose for 2026: coverage of 2025 taken over, open enrolment prepared, logins made."""

import os
from datetime import date

import pytest
from django.test import Client as Browser
from tests.accounts.conftest import as_face
from tests.faces.conftest import GIVEN, chromium, page, site
from tests.runs.conftest import NOW, put_employer

from openbenefits.accounts.clock import STANDS_ON
from openbenefits.accounts.models import User
from openbenefits.accounts.services import link_employee
from openbenefits.core.codes import Level
from openbenefits.enrollment.models import Coverage
from openbenefits.enrollment.takeover import take_over
from openbenefits.events.models import Event
from openbenefits.runs.services import run
from openbenefits.workforce.models import Dependent

__all__ = ["as_face", "chromium", "page", "site"]

TODAY = date(2025, 11, 5)
PEOPLE = 84


@pytest.fixture(scope="module", autouse=True)
def clock():
    """It is the middle of open enrolment, for this process and for servers it starts."""
    before = os.environ.get(STANDS_ON)
    os.environ[STANDS_ON] = TODAY.isoformat()
    yield
    if before is None:
        del os.environ[STANDS_ON]
    else:
        os.environ[STANDS_ON] = before


@pytest.fixture(scope="module")
def employer(database, kept, tmp_path_factory):
    def build():
        made = put_employer(tmp_path_factory.mktemp("harbor"), people=PEOPLE)
        (coverage,) = made.folder.rglob("current_coverage.csv")
        assert not take_over(database, made.client_id, coverage, now=NOW, made_by="test").bad_row_count
        run(database, made.order(through=Level.OPTIONS), now=NOW)
        for number, person_id in enumerate(choosing(made)):
            user = User.objects.create_user(f"person {number}", f"person{number}@example.com")
            link_employee(user, made.client_id, person_id, **GIVEN)
        return made

    return kept(database, ("choosing", PEOPLE), build)


def choosing(employer) -> list[int]:
    """The people who may choose: first those without anybody, then those with a family."""
    events = Event.objects.filter(client_id=employer.client_id, process_status="PR").order_by("person_id")
    covered = set(Coverage.objects.filter(plan_type="10", kind="E").values_list("person_id", flat=True))
    people = [one for one in events.values_list("person_id", flat=True) if one in covered]
    families = set(Dependent.objects.values_list("person_id", flat=True))
    return sorted(people, key=lambda person: (person in families, person))


@pytest.fixture(scope="module")
def users(employer, database) -> dict[str, User]:
    """Logins by what they are for: somebody alone, and heads of families; each used by one test."""
    named = list(
        User.objects.filter(username__startswith="person ").select_related("employee").order_by("pk")
    )
    families = set(Dependent.objects.values_list("person_id", flat=True))
    alone = [user for user in named if user.employee.person_id not in families]
    heads = [user for user in named if user.employee.person_id in families]
    return {f"alone {n}": user for n, user in enumerate(alone)} | {
        f"head {n}": user for n, user in enumerate(heads)
    }


@pytest.fixture
def enter(users, as_face):
    """Answer a function that signs somebody in, on Django's client as a web process."""

    def signed_in(name) -> Browser:
        browser = Browser(HTTP_HOST="localhost")
        browser.force_login(users[name], backend="allauth.account.auth_backends.AuthenticationBackend")
        return browser

    return signed_in


def event_of(employer) -> str:
    """The address of the open enrolment of whoever asks."""
    return f"/portal/events/{employer.open_enrollment}-0-0/"
