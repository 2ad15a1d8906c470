"""One page tells the story of a person; what somebody may not see is not on it."""

import re

import polars as pl
import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from tests.faces.conftest import LENIENT, signed_in, text
from tests.workbench.enrolled import clients, desk, users

from openbenefits.accounts.models import AuditEntry
from openbenefits.events.models import Event
from openbenefits.store.secrets import decrypt_ssn
from openbenefits.workforce.models import Person, PersonFact

__all__ = ["clients", "desk", "users"]

PAGE = "/workbench/harbor/people/{}/"
MOST_QUERIES = 90


def someone(clients, status="FE", place=0):
    events = Event.objects.filter(client_id=clients[0].client_id, process_status=status).order_by("person_id")
    return Person.objects.get(pk=events.values_list("person_id", flat=True)[place])


def test_the_story_is_whole(desk, clients, as_owner):
    person = as_owner(lambda: someone(clients))
    told = text(desk.get(PAGE.format(person.employee_number)))
    for words in ("Open enrolment", "final: enrolled", "Medical", "eligible", "Why did it change?", "owed $"):
        assert words in told
    assert "Who saw and did what" in told


def test_ssn_is_masked_and_birth_date_only_for_who_may(desk, browser, users, clients, as_owner):
    person = as_owner(lambda: someone(clients))
    fact = as_owner(lambda: PersonFact.objects.filter(person_id=person.pk).last())
    ssn = as_owner(lambda: decrypt_ssn(pl.Series([bytes(fact.ssn_sealed)]))[0])
    mine = text(desk.get(PAGE.format(person.employee_number)))
    assert ssn not in mine
    assert f"•••-••-{ssn[-4:]}" in mine
    assert fact.birth_on.isoformat() in mine
    with LENIENT:
        theirs = text(signed_in(browser, users["auditor"]).get(PAGE.format(person.employee_number)))
    assert fact.birth_on.isoformat() not in theirs
    assert f"Born {fact.birth_on:%Y}" in theirs
    assert fact.email not in theirs
    assert "Decide a price" not in theirs


def test_all_of_an_ssn_takes_a_reason_that_is_written_down(desk, browser, users, clients, as_owner):
    person = as_owner(lambda: someone(clients))
    here = PAGE.format(person.employee_number) + "ssn/"
    assert "This field is required" in text(desk.post(here, {"reason": ""}))
    assert re.search(r"The number is \d{3}-\d\d-\d{4}", text(desk.post(here, {"reason": "tax form"})))
    last = as_owner(lambda: AuditEntry.objects.order_by("-pk").first())
    assert (last.what, last.reason) == ("social security number", "tax form")
    with LENIENT:
        assert signed_in(browser, users["auditor"]).get(here).status_code == 403


def test_messages_come_with_their_cure(desk, clients, as_owner):
    person = as_owner(lambda: someone(clients, "FA"))
    told = text(desk.get(PAGE.format(person.employee_number)))
    assert "Eligible for no program" in told
    assert "Correct the job if the person should have benefits." in told


def test_as_of_a_day_as_known_on_another(desk, clients, as_owner):
    person = as_owner(lambda: someone(clients))
    here = PAGE.format(person.employee_number)
    assert "Coverage on 2026-02-01" in text(desk.get(here, {"as_of": "2026-02-01"}))
    before = text(desk.get(here, {"as_of": "2026-02-01", "known_on": "2025-09-01"}))
    assert "Nothing is known of that day." in before
    assert "Expected a day like 2026-03-31" in text(desk.get(here, {"as_of": "31.3.2026"}))


def test_why_a_deduction_changed(desk, clients, as_owner):
    person = as_owner(lambda: someone(clients))
    here = PAGE.format(person.employee_number)
    ends = re.findall(r'<option value="(\d{4}-\d\d-\d\d)"', desk.get(here).content.decode())
    told = text(desk.get(here, {"pay": ends[0], "before": ends[2]}))
    assert f"The pay of {ends[0]} beside that of {ends[2]}" in told
    assert "expected an earlier pay" in text(desk.get(here, {"pay": ends[2], "before": ends[0]}))


@pytest.mark.parametrize("page", ["events/OE26/99999/0/", "events/OE26/0/99999999999/", "events/%00/0/0/"])
def test_what_cannot_be_an_event_is_not_found(desk, clients, as_owner, page):
    person = as_owner(lambda: someone(clients))
    assert desk.get(PAGE.format(person.employee_number) + page).status_code == 404


@pytest.mark.parametrize("number", ["H999999", "a/b", "~", "%00"])
def test_who_is_not_there_is_not_found(desk, number):
    assert desk.get(PAGE.format(number.replace("~", "~7E").replace("/", "~2F"))).status_code == 404


def test_the_page_asks_the_database_a_fixed_number_of_questions(desk, clients, as_owner):
    """However many events, dependents and pays somebody has."""
    counts = []
    for status, place in (("FE", 0), ("FE", 5), ("FA", 0)):
        person = as_owner(lambda status=status, place=place: someone(clients, status, place))
        desk.get(PAGE.format(person.employee_number))
        with CaptureQueriesContext(connections["default"]) as asked:
            desk.get(PAGE.format(person.employee_number))
        counts.append(len(asked))
    assert max(counts) - min(counts) <= 3, counts
    assert max(counts) <= MOST_QUERIES, counts


def test_an_event_tells_options_prices_and_why(desk, clients, as_owner):
    person = as_owner(lambda: someone(clients))
    told = text(desk.get(PAGE.format(person.employee_number) + "events/OE26/0/0/"))
    for words in (
        "Why this price:",
        "employer",
        "Why offered:",
        "Reprocess",
        "What cannot be done now, and why",
    ):
        assert words in told
    assert desk.get(PAGE.format(person.employee_number) + "events/OE26/0/7/").status_code == 404
    assert desk.get(PAGE.format(person.employee_number) + "events/NONE/0/0/").status_code == 404


def test_what_was_seen_and_done_is_written_down(desk, clients, as_owner):
    person = as_owner(lambda: someone(clients))
    desk.get(PAGE.format(person.employee_number) + "events/OE26/0/0/")
    last = as_owner(lambda: AuditEntry.objects.order_by("-pk").first())
    assert (last.kind, last.what, last.person_id) == ("saw", "event", person.pk)
