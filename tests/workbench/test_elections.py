"""Elections entered by keyboard, by participant, and from a file; counted, withdrawn, taken back."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.faces.conftest import LENIENT, signed_in, text
from tests.workbench.enrolled import clients, desk, users
from tests.workbench.test_operations import worked

from openbenefits.background.models import ProcessRequest
from openbenefits.enrollment.models import Election
from openbenefits.events.models import Event
from openbenefits.review.entry import next_to_enter, offer_of
from openbenefits.runs.models import RunPerson
from openbenefits.workforce.models import Person

__all__ = ["clients", "desk", "users"]

QUILL = "/workbench/quill"
LIST = QUILL + "/elections/OE26/"
ON = "2025-11-10"


@pytest.fixture(scope="module")
def open_windows(clients):
    """Let everybody elect on any day of this century."""
    Event.objects.filter(client_id=clients[1].client_id).update(window_ends_on="2099-12-31")


@pytest.fixture
def waiting(clients, open_windows, desk, as_owner):
    """Answer a function that finds whoever waits for elections, each place another one."""

    def find(place):
        events = Event.objects.filter(client_id=clients[1].client_id, process_status="PR", event_status="O")
        return Person.objects.get(pk=events.order_by("person_id").values_list("person_id", flat=True)[place])

    return lambda place=0: as_owner(lambda: find(place))


def entry(person):
    return f"{LIST}enter/{person.employee_number}/0/0/"


def elections(as_owner, person):
    def read():
        rows = Election.objects.filter(person_id=person.pk).order_by("plan_type", "submission")
        return {row.plan_type: row for row in rows}

    return as_owner(read)


def test_a_schedule_says_how_many_entered_what(desk, waiting):
    assert "OE26" in text(desk.get(QUILL + "/elections/"))
    told = text(desk.get(LIST))
    assert "nothing entered" in told
    assert waiting().employee_number in told
    assert desk.get(QUILL + "/elections/NONE/").status_code == 404


def test_enter_saves_and_goes_on_to_the_next_person(desk, waiting, as_owner):
    first, second = waiting(0), waiting(1)
    start = desk.get(LIST + "enter/")
    assert start["Location"] == entry(first)
    typed = {"received_on": ON, "10-option": "2", "11-option": "w", "14-option": "vision-1"}
    done = desk.post(entry(first), typed)
    assert desk.get(done["Location"])["Location"] == entry(second)
    made = elections(as_owner, first)
    assert made["11"].option_code == "WAIVE"
    assert made["14"].option_code == "VISION-1"
    assert made["10"].option_code not in ("2", "")
    assert {one.elector for one in made.values()} == {"administrator"}
    assert as_owner(lambda: Event.objects.get(person_id=first.pk).process_status) == "ET"
    assert "entered 3 of" in text(desk.get(entry(first)))


def test_what_is_wrong_is_said_at_its_cell_and_nothing_typed_is_lost(desk, waiting, as_owner):
    person = waiting(1)
    typed = {"received_on": ON, "10-option": "NO-SUCH", "60-option": "FSA", "60-annual_pledge": "12,5,0x"}
    typed |= {"40-option": "401K", "40-percent": "6"}
    answer = desk.post(entry(person), typed)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert re.search(r'name="60-annual_pledge" value="12,5,0x"[^>]*aria-invalid="true"', page)
    assert "expected dollars from 0" in text(answer)
    assert "expected an option that is offered, found NO-SUCH" in text(answer)
    made = elections(as_owner, person)
    assert "60" not in made
    assert made["40"].percent_thousandths == 6_000
    right = typed | {"10-option": "1", "60-annual_pledge": "600"}
    assert desk.post(entry(person), right).status_code == 302
    assert elections(as_owner, person)["60"].pledge_cents == 60_000


def test_a_day_that_is_none_is_said(desk, waiting):
    answer = desk.post(entry(waiting(0)), {"received_on": "soon", "10-option": "1"})
    assert "expected the day the elections were received" in text(answer)


def test_a_number_is_gone_to(desk, waiting):
    person = waiting(1)
    assert desk.get(LIST + "enter/", {"number": person.employee_number})["Location"] == entry(person)
    answer = desk.get(LIST + "enter/", {"number": "Q99"}, follow=True)
    assert "found none. Correct it." in text(answer)


def test_by_participant_with_dependents_and_withdrawn_again(desk, waiting, as_owner, clients):
    def with_dependents():
        from django.db import connection

        after, sid = (0, 0, -1), clients[1].open_enrollment
        while (place := next_to_enter(connection, clients[1].client_id, sid, after)) is not None:
            offer = offer_of(connection, place)
            if offer.dependents:
                return offer
            after = (place.person_id, place.benefit_record, place.event_number)
        raise AssertionError("expected somebody with dependents, found none")

    offer = as_owner(with_dependents)
    here = f"{QUILL}/people/{offer.employee_number}/events/OE26/0/0/elect/"
    page = desk.get(here)
    assert "per pay" in text(page)
    family = next(one.code for plan in offer.plans for one in plan.options if plan.plan_type == "10")
    number = str(offer.dependents[0][0])
    typed = {"received_on": ON, "10-option": family, "10-dependents": number, "10-dependents-asked": "yes"}
    assert desk.post(here, typed)["Location"] == here.removesuffix("elect/")
    stands = next(plan for plan in as_owner(with_dependents_of(offer)).plans if plan.plan_type == "10").stands
    assert stands == {"option": family, "dependents": number}
    assert f'name="10-dependents" value="{number}" checked' in desk.get(here).content.decode()
    desk.post(here, {"received_on": ON, "10-withdraw": "yes"})
    again = as_owner(with_dependents_of(offer))
    assert next(plan for plan in again.plans if plan.plan_type == "10").stands == {}


def with_dependents_of(offer):
    from django.db import connection

    return lambda: offer_of(connection, offer.place)


def test_a_participant_list_is_kept_and_run(desk, waiting, as_owner):
    here = QUILL + "/lists/OE26/"
    one, other = waiting(0).employee_number, waiting(1).employee_number
    assert "Nobody is on the list" in text(desk.get(here))
    asked = {"do": "add", "reason": "late hires"}
    assert "that nobody has" in text(desk.post(here, asked | {"numbers": f"{one} Q999999"}))
    assert "found 0" in text(desk.post(here, asked))
    file = SimpleUploadedFile("numbers.txt", f"employee_number\n{other}\n".encode())
    told = desk.post(here, asked | {"numbers": one, "file": file}, follow=True)
    assert "2 changed, 0 stood so already" in text(told)
    assert other in text(desk.get(here))
    desk.post(here, asked | {"do": "remove", "numbers": other})
    assert other not in text(desk.get(here))
    run = desk.post(here, {"run": "yes", "through": "options"})
    worked(as_owner)
    request = as_owner(lambda: ProcessRequest.objects.order_by("-pk").first())
    assert run["Location"] == f"/workbench/requests/{request.pk}/"
    assert request.state == "done", request.told
    assert as_owner(lambda: RunPerson.objects.filter(run_id=request.result["run"]).count()) == 1


def test_who_may_not_elect_enters_nothing(browser, users, waiting, as_owner):
    person = waiting(0)
    with LENIENT:
        signed_in(browser, users["auditor"])
        assert browser.post(entry(person), {"received_on": ON, "21-option": "1"}).status_code == 403
        assert "Enter by keyboard" not in text(browser.get(LIST))
    assert "21" not in elections(as_owner, person)
