"""A schedule as the steps of its process, each with its action; finalised only after one has seen what it gives."""

import re

import pytest
from django.db import connection
from tests.accounts.conftest import as_face
from tests.faces.conftest import browser, signed_in, text
from tests.workbench.process import DAY, NOW, on_the_day, pair, users

from openbenefits.accounts.models import AuditEntry
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import perform
from openbenefits.core.money import dollars
from openbenefits.events.models import Event
from openbenefits.review.services import defaults_of
from openbenefits.store import use_database

__all__ = ["as_face", "browser", "pair", "users"]

OE = "/workbench/harbor/schedules/OE26/"


@pytest.fixture
def specialist(browser, users):
    with on_the_day():
        yield signed_in(browser, users["specialist"])


@pytest.fixture
def as_owner(database, embedded_server):
    """Answer a function that goes on as the worker, and back as a face."""
    url = embedded_server.url(database.settings_dict["NAME"])

    def work(do):
        use_database(url)
        try:
            return do()
        finally:
            use_database(url, as_face=True)

    return work


def last_request() -> ProcessRequest:
    return ProcessRequest.objects.order_by("-pk").first()


def steps(page) -> dict[str, str]:
    found = re.findall(r"<h3>(\w+) <span class=\"status[^>]*>(\w+)</span>", page.content.decode())
    return dict(found)


def test_schedules_are_listed_with_how_much_is_final(specialist):
    assert "OE26" in text(specialist.get("/workbench/harbor/schedules/"))
    everywhere = text(specialist.get("/workbench/schedules/"))
    assert "OE26" in everywhere
    assert "quill" not in everywhere
    assert specialist.get("/workbench/harbor/schedules/NONE/").status_code == 404


def test_a_prepared_schedule_shows_its_steps(specialist):
    page = specialist.get(OE)
    assert steps(page) == {
        "Prepare": "done",
        "Run": "done",
        "Correct": "waiting",
        "Notify": "waiting",
        "Elect": "waiting",
        "Validate": "blocked",
        "Finalise": "waiting",
        "Confirm": "blocked",
    }
    said = page.content.decode()
    assert "PR · options prepared" in said
    assert "/workbench/harbor/events/?schedule=OE26&amp;status=PR" in said
    assert 'action="/workbench/harbor/schedules/OE26/act/notify"' in said
    assert 'action="/workbench/harbor/schedules/OE26/act/confirm"' not in said


@pytest.mark.parametrize(
    ("stage", "kind", "told"),
    [
        ("prepare", "start run", {"through": "options"}),
        ("correct", "start run", {"through": "options"}),
        ("validate", "start run", {"through": "elections", "is_finalizing": False}),
        ("notify", "issue statements", {"kind": "enrollment", "on": "2025-11-03"}),
        ("confirm", "issue statements", {"kind": "confirmation"}),
    ],
)
def test_a_step_asks_the_worker(specialist, as_owner, stage, kind, told):
    answer = specialist.post(f"{OE}act/{stage}")
    found = as_owner(last_request)
    assert answer["Location"] == f"/workbench/requests/{found.pk}/"
    assert found.kind == kind
    assert told.items() <= found.asked_for.items()
    assert as_owner(lambda: AuditEntry.objects.filter(what=f"{stage} a schedule").exists())


def test_what_is_no_step_and_who_may_not_are_refused(specialist, browser, users):
    assert specialist.post(f"{OE}act/elect").status_code == 404
    assert specialist.get(f"{OE}act/notify").status_code == 405
    with on_the_day():
        reader = signed_in(browser, users["broker"])
        assert reader.post(f"{OE}act/notify").status_code == 403
        assert reader.get(f"{OE}finalise/").status_code == 403
        page = reader.get(OE).content.decode()
        assert f"{OE}act/" not in page
        assert "finalise/" not in page


def test_finalising_shows_who_gets_what_and_asks_only_for_what_was_seen(specialist, pair, as_owner):
    mine = pair[0]
    page = specialist.get(f"{OE}finalise/")
    said = text(page)
    told = as_owner(lambda: defaults_of(connection, mine.client_id, mine.open_enrollment))
    assert dollars(told.people["employee_pay_cents"].sum()) in said
    assert dollars(told.people["employer_year_cents"].sum()) in said
    assert told.people["name"][0] in said
    assert "The window still runs" in said
    rows = specialist.get(f"{OE}finalise/?people.export=csv").content.decode().splitlines()
    assert len(rows) == told.people.height + 1
    seen = re.search(r'name="seen" value="(\d+)"', page.content.decode()).group(1)
    before = as_owner(ProcessRequest.objects.count)
    accept = {"accept": re.findall(r'name="accept" value="(\w+)"', page.content.decode()), "reason": "tested"}
    again = specialist.post(f"{OE}finalise/", {"seen": "1", **accept})
    assert "look again" in text(again)
    assert as_owner(ProcessRequest.objects.count) == before
    specialist.post(f"{OE}finalise/", {"seen": seen, **accept})
    found = as_owner(last_request)
    assert (found.kind, found.asked_for["as_of"]) == ("finalise", DAY.isoformat())

    done = as_owner(lambda: perform(found.pk, lambda: NOW))
    assert done.state == "done", done.told
    left = as_owner(
        lambda: Event.objects.filter(
            client_id=mine.client_id, schedule_id=mine.open_enrollment, process_status__in=["PR", "NT", "ET"]
        ).count()
    )
    assert left == 0
    after = specialist.get(OE)
    assert steps(after)["Confirm"] == "waiting"
    assert "Everybody has answered" in text(specialist.get(f"{OE}finalise/"))
