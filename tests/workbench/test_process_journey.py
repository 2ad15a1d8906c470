"""An administrator takes an open enrolment from preparation to confirmation on the pages; a worker does the work."""

import os
import subprocess
import sys

import pytest
from django.db import connection
from tests.accounts.conftest import as_face
from tests.faces.conftest import SECONDS, check, chromium, look, page, sign_in, site
from tests.review.test_demand import other_option
from tests.runs.conftest import put_employer
from tests.workbench.process import DAY, GIVEN, NOW

from openbenefits.accounts.clock import STANDS_ON
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, give_role
from openbenefits.enrollment.elections import enter_one
from openbenefits.events.models import Event
from openbenefits.events.windows import EventPlace
from openbenefits.workforce import census

__all__ = ["as_face", "chromium", "page", "site"]

OE = "/workbench/harbor/schedules/OE26/"


@pytest.fixture(scope="module")
def on_a_day(tmp_path_factory):
    """The day, and the folders, of the processes this module starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STANDS_ON, DAY.isoformat())
        patch.setenv("OPENBENEFITS_STATEMENTS", str(tmp_path_factory.mktemp("statements")))
        patch.setenv("OPENBENEFITS_REHEARSALS", str(tmp_path_factory.mktemp("rehearsals")))
        yield


@pytest.fixture(scope="module")
def employer(database, tmp_path_factory):
    return put_employer(tmp_path_factory.mktemp("harbor"), people=30, is_faulty=True)


@pytest.fixture(scope="module")
def users(database, employer, on_a_day):
    user = User.objects.create_user("administrator", "administrator@example.com")
    give_role(user, EVERY_CLIENT, RoleCode.ADMINISTRATOR, **GIVEN)
    return {"administrator": user}


@pytest.fixture(scope="module")
def worker(database, users, embedded_server):
    url = embedded_server.url(database.settings_dict["NAME"])
    command = [sys.executable, "-m", "openbenefits.cli", "worker"]
    process = subprocess.Popen(command, env=os.environ | {"DATABASE_URL": url}, stdout=subprocess.DEVNULL)
    yield process
    process.terminate()
    process.wait(SECONDS)


def step(page, name):
    return page.locator(".steps li").filter(has=page.get_by_role("heading", name=name))


def state(page, name) -> str:
    return step(page, name).locator(".status").text_content()


def finished(page) -> None:
    """Wait on the page of a request, which asks by itself how far it is, until it is done."""
    page.wait_for_url("**/workbench/requests/*/")
    page.locator(".status-done, .status-refused, .status-stopped").first.wait_for()
    assert page.locator(".status-done").count(), page.locator("main").text_content()


def press(page, site, name, button) -> None:
    page.goto(site + OE)
    step(page, name).get_by_role("button", name=button).click()
    finished(page)


def correct(employer) -> None:
    """HR sends the census again, put right."""
    found = census.preview(employer.client_id, employer.folder / "harbor" / "corrections.csv", as_of=DAY)
    census.apply(found, made_by="HR", now=NOW)


def answer(employer) -> int:
    """One of those asked chooses another medical option."""
    event = Event.objects.filter(schedule_id=employer.open_enrollment, process_status="NT").first()
    keys = ("client_id", "person_id", "benefit_record", "schedule_id", "event_number")
    place = EventPlace(**{name: getattr(event, name) for name in keys})
    enter_one(
        connection,
        place.client_id,
        **{name: value for name, value in place.key().items() if name != "client_id"},
        plan_type="10",
        option_code=other_option(place),
        received_on=DAY,
        elector="the employee",
        source="administrator",
        now=NOW,
    )
    return place.person_id


PAGES = (
    *("/workbench/", "/workbench/causes/", "/workbench/schedules/", "/workbench/runs/"),
    *("/workbench/harbor/", "/workbench/harbor/work/", "/workbench/harbor/events/"),
    *("/workbench/harbor/schedules/", OE, f"{OE}finalise/"),
    *("/workbench/harbor/runs/", "/workbench/harbor/controls/", "/workbench/harbor/runs/start/"),
    *("/workbench/harbor/rehearsals/", "/workbench/requests/", "/workbench/rehearsals/"),
)


def test_from_preparation_to_confirmation(page, site, worker, employer):
    said = []
    page.on("console", lambda message: said.append(message.text))
    sign_in(page, site, "administrator")
    page.goto(f"{site}/workbench/harbor/")
    page.get_by_role("link", name="Schedules", exact=True).first.click()
    page.locator("main").get_by_role("link", name="OE26").first.click()
    assert state(page, "Prepare") == "waiting"
    press(page, site, "Prepare", "Prepare everybody")
    page.locator("main").get_by_role("link", name="Run ").first.click()
    assert "What became of everybody in scope" in page.locator("main").text_content()
    check(page, "run")

    for path in PAGES:
        page.goto(site + path)
        look(page, path)
    page.goto(site + OE)
    assert (state(page, "Prepare"), state(page, "Correct")) == ("done", "waiting")
    faulty = Event.objects.filter(process_status__in=["AE", "PE"]).count()
    step(page, "Correct").get_by_role("link").click()
    correct(employer)
    page.locator("main").get_by_role("link", name="BA1").first.click()
    look(page, "entry")
    page.get_by_role("button", name="Everybody listed").click()
    finished(page)
    assert Event.objects.filter(process_status__in=["AE", "PE"]).count() < faulty

    press(page, site, "Notify", "Issue statements")
    assert "statements" in page.locator("main").text_content()
    person_id = answer(employer)
    press(page, site, "Validate", "Validate and post")
    assert Event.objects.get(person_id=person_id, schedule_id=employer.open_enrollment).process_status == "FE"

    page.goto(site + OE)
    step(page, "Finalise").get_by_role("link", name="Finalise, apply defaults").click()
    assert "Employees pay, a pay" in page.locator("main").text_content()
    page.get_by_role("button", name="Finalise").click()
    finished(page)
    press(page, site, "Confirm", "Issue confirmations")
    page.goto(site + OE)
    assert state(page, "Confirm") == "done"
    assert not Event.objects.filter(
        schedule_id=employer.open_enrollment, process_status="FE", confirm_notified_on=None
    ).exists()
    assert said == []


def test_a_run_is_rehearsed_and_would_be_taken_back(page, site, worker):
    """After the journey; each page as it is seen then."""
    sign_in(page, site, "administrator")
    main = page.locator("main")
    page.goto(site + "/workbench/harbor/runs/start/")
    page.get_by_role("button", name="Rehearse").click()
    finished(page)
    look(page, "request")
    main.get_by_role("link", name="Rehearsal ").first.click()
    look(page, "rehearsal")
    assert main.get_by_role("button", name="Commit").count() == 1
    page.goto(site + "/workbench/harbor/runs/")
    page.locator("tbody a").first.click()
    look(page, "run")
    main.get_by_role("link", name="Take back").click()
    look(page, "take back")
    assert "events go back to where they stood" in main.text_content()
    page.goto(site + OE)
    look(page, "a schedule that is done")
