"""Who is to receive, entered for somebody from a signed form; the last word counts."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from django.db import connection, transaction
from tests.faces.conftest import LENIENT, signed_in, text
from tests.workbench.enrolled import clients, desk, users

from openbenefits.enrollment.designations import designated_on
from openbenefits.enrollment.models import Designation, Election, ElectionBeneficiary
from openbenefits.events.models import Event
from openbenefits.events.rules import FINAL
from openbenefits.workforce.models import ChangeSet, Dependent, Person

__all__ = ["clients", "desk", "users"]

KEY = ("client_id", "person_id", "benefit_record", "schedule_id", "event_number")
TO_COME = date(2100, 1, 1)
ENTERED = datetime(2026, 2, 1, 12, tzinfo=UTC)
SHARE = {"dependent_id": 1, "is_contingent": False, "percent_hundredths": 100_00}


@pytest.fixture
def head(clients, as_owner):
    """Somebody enrolled who has a dependent, and that one's number."""
    final = Event.objects.filter(client_id=clients[0].client_id, process_status__in=FINAL)
    people = as_owner(lambda: set(final.values_list("person_id", flat=True)))
    one = as_owner(lambda: Dependent.objects.filter(person_id__in=people).order_by("pk").first())
    return as_owner(lambda: Person.objects.get(pk=one.person_id)), one


def address(person) -> str:
    return f"/workbench/harbor/people/{person.employee_number}/beneficiaries/"


def test_a_signed_form_is_entered_and_what_cannot_be_is_said(desk, head, as_owner):
    person, child = head
    page = desk.get(address(person))
    assert "Basic life" in text(page)
    assert "Nobody is named" in text(page)
    share = f"0-20-primary_{child.number}"
    said = {"place": "0-20", "0-20-signed_on": "2026-03-01"}
    for wrong, told in (
        ({}, "found 0.00 %"),
        ({share: "99.99"}, "found 99.99 %"),
        ({share: "100", f"0-20-contingent_{child.number}": "1"}, "contingent beneficiaries"),
        ({share: "100", "0-20-signed_on": "2199-01-01"}, "one to come"),
    ):
        refused = desk.post(address(person), said | wrong)
        assert refused.status_code == 422
        assert told in text(refused)
    done = desk.post(address(person), said | {share: "100"}, follow=True)
    assert "Written down" in text(done)
    assert "(primary)" in text(done)
    assert "stands already" in text(desk.post(address(person), said | {share: "100"}, follow=True))
    stored = as_owner(lambda: Designation.objects.get(person_id=person.pk))
    assert (stored.percent_hundredths, stored.signed_on) == (100_00, date(2026, 3, 1))


def test_only_who_enters_elections_names_beneficiaries(browser, users, head):
    with LENIENT:
        assert signed_in(browser, users["auditor"]).get(address(head[0])).status_code == 403


@pytest.mark.parametrize(("later", "status", "stands"), [(1, "FE", False), (-1, "FE", True), (1, "ET", True)])
def test_the_last_word_counts(clients, as_owner, later, status, stands):
    """A final election after it that names somebody takes a designation's place; an earlier or open one does not."""
    assert as_owner(lambda: _is_standing(clients, later, status)) is stands


def _is_standing(clients, later, status) -> bool:
    with transaction.atomic():
        event = Event.objects.filter(client_id=clients[0].client_id, process_status__in=FINAL)[0]
        place = {name: getattr(event, name) for name in KEY} | {"plan_type": "20"}
        change = ChangeSet.objects.create(
            client_id=event.client_id,
            kind="elections",
            label="-",
            fingerprint="-",
            made_at=ENTERED,
            made_by="-",
        )
        said = {"submission": 9, "option_code": "BASIC", "received_on": ENTERED.date(), "source": "file"}
        Election(**place, **said, elector="test", change_id=change.pk).save(force_insert=True)
        ElectionBeneficiary(**place, **SHARE, submission=9).save(force_insert=True)
        made = {"number": 1, "author": "test", "made_at": ENTERED - timedelta(minutes=later)}
        whose = {name: place[name] for name in (*KEY[:3], "plan_type")}
        Designation(**whose, **SHARE, **made, signed_on=ENTERED.date()).save(force_insert=True)
        Event.objects.filter(**{name: place[name] for name in KEY}).update(process_status=status)
        people = pl.DataFrame({"client_id": [event.client_id], "person_id": [event.person_id]})
        found = designated_on(connection, people, on=TO_COME)
        transaction.set_rollback(True)
    return not found.filter(plan_type="20").is_empty()
