"""Pages about people in a real browser: read by a screen reader, on a phone, entered by keyboard alone."""

import re

import pytest
from tests.faces.conftest import look, sign_in
from tests.workbench.enrolled import clients, users

from openbenefits.enrollment.models import Election
from openbenefits.events.models import Event
from openbenefits.workforce.models import Person

__all__ = ["clients", "users"]

HARBOR, QUILL = "/workbench/harbor", "/workbench/quill"
ON = "2025-11-10"


@pytest.fixture(scope="module")
def numbers(clients):
    """By client, the people whose event stands at FE, FA and PR, by number."""
    Event.objects.filter(client_id=clients[1].client_id).update(window_ends_on="2099-12-31")
    found = {}
    for code, client in zip(("harbor", "quill"), clients, strict=True):
        for status in ("FE", "FA", "PR"):
            events = Event.objects.filter(client_id=client.client_id, process_status=status, event_number=0)
            ids = list(events.order_by("person_id").values_list("person_id", flat=True))
            names = dict(Person.objects.values_list("pk", "employee_number"))
            found[code, status] = [names[one] for one in ids]
    return found


def test_every_page_is_read_by_everybody(page, site, users, numbers):
    """On a desk and on a phone: what differs between the two is the width alone."""
    sign_in(page, site, "administrator")
    enrolled, gone, waits = (
        numbers["harbor", "FE"][0],
        numbers["harbor", "FA"][0],
        numbers["quill", "PR"][0],
    )
    own, event = f"{HARBOR}/people/{enrolled}/", f"{HARBOR}/people/{enrolled}/events/OE26/0/0/"
    paths = [f"{HARBOR}/{name}/" for name in ("people", "activity", "passive", "flagged", "proposals")]
    paths += [f"{HARBOR}/files/", f"{HARBOR}/files/send/operations/", f"{HARBOR}/proposals/due/"]
    paths += [f"{QUILL}/elections/", f"{QUILL}/elections/OE26/", f"{QUILL}/elections/OE26/enter/{waits}/0/0/"]
    paths += [
        own,
        *(own + name for name in ("price/", "taken-over/", "merge/", "transfer/", "ssn/")),
    ]
    paths += [
        own + "transfer/undo/",
        f"{QUILL}/lists/OE26/",
        own + "life-event/",
        f"{HARBOR}/people/{gone}/",
        event,
    ]
    paths += [event + name for name in ("eligibility/", "override/", "control/", "window/")]
    paths += [event + "do/redate/", f"{QUILL}/people/{waits}/events/OE26/0/0/demand/finalise/"]
    paths += [f"{QUILL}/people/{waits}/events/OE26/0/0/elect/", f"{QUILL}/people/{waits}/events/OE26/0/0/"]
    for path in paths:
        answer = page.goto(site + path)
        assert answer.status == 200, path
        look(page, path)


def test_what_is_opened_and_what_is_wrong_reads_well_too(page, site, users, numbers):
    """Details open, a preview shown, errors at their fields."""
    sign_in(page, site, "administrator")
    event = f"{HARBOR}/people/{numbers['harbor', 'FE'][1]}/events/OE26/0/0/"
    page.goto(site + event)
    for summary in page.locator("main summary").all()[:6]:
        summary.click()
    look(page, "an event opened")
    page.goto(site + event + "do/withdraw/")
    page.get_by_label("Reason").fill("a look")
    page.get_by_role("button", name="Show what it changes").click()
    assert page.get_by_role("heading", name="What it would change").is_visible()
    look(page, "a preview")
    page.goto(f"{site}{QUILL}/elections/OE26/enter/{numbers['quill', 'PR'][-1]}/0/0/")
    page.locator("[name='60-option']").fill("FSA")
    page.locator("[name='60-annual_pledge']").fill("much")
    page.keyboard.press("Enter")
    page.locator("[name='60-annual_pledge'][aria-invalid='true']").wait_for()
    assert page.locator("[name='60-annual_pledge']").input_value() == "much"
    look(page, "an error at its cell")


def test_three_people_are_entered_by_keyboard_alone(page, site, users, numbers, clients):
    said = []
    page.on("console", lambda message: said.append(message.text))
    sign_in(page, site, "administrator")
    page.goto(f"{site}{QUILL}/elections/OE26/")
    page.locator("main input:focus").wait_for()
    page.keyboard.press("Enter")  # the number is blank: whoever waits first
    done = []
    for _ in range(3):
        page.wait_for_url(re.compile(r"/enter/Q\d+/0/0/"))
        done.append(re.search(r"/enter/(Q\d+)/", page.url).group(1))
        assert page.evaluate("document.activeElement.name") == "10-option"
        page.keyboard.type("1")
        page.keyboard.press("Tab")
        while page.evaluate("document.activeElement.name") != "11-option":
            page.keyboard.press("Tab")
        page.keyboard.type("w")
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url, last=done[-1]: last not in url)
        assert f"{done[-1]}: entered 2 of" in page.get_by_role("status").first.text_content()
    people = Person.objects.filter(client_id=clients[1].client_id, employee_number__in=done)
    rows = Election.objects.filter(person_id__in=people.values("pk")).order_by("person_id", "plan_type")
    assert len(set(done)) == 3
    assert [row.plan_type for row in rows] == ["10", "11"] * 3
    assert all(row.option_code == "WAIVE" for row in rows if row.plan_type == "11")
    assert not [text for text in said if "Content Security Policy" in text]


def test_an_error_is_corrected_and_the_event_decided_again(page, site, users, numbers, clients):
    """From an election that cannot be, over its correction and validation, to reprocessing with a preview."""
    number = numbers["quill", "PR"][5]
    sign_in(page, site, "administrator")
    event = f"{site}{QUILL}/people/{number}/events/OE26/0/0/"
    page.goto(f"{site}{QUILL}/elections/OE26/enter/{number}/0/0/")
    page.locator("[name='10-option']").fill("NO-SUCH")
    page.keyboard.press("Enter")
    assert "found NO-SUCH" in page.locator("#\\31 0-option-error").text_content()

    page.goto(event)
    page.get_by_role("link", name="Finalise with defaults").is_visible()
    page.get_by_role("link", name="Validate", exact=True).click()
    page.get_by_role("button", name="Show what it changes").click()
    assert "would stand at EE" in page.locator("main").text_content()
    page.get_by_role("button", name="Do it").click()
    page.wait_for_url(event)
    assert "election error" in page.locator("main").text_content()

    page.get_by_role("link", name="Enter elections").click()
    choice = page.locator("[name='10-option']")
    choice.select_option(index=1)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(event)
    page.get_by_role("link", name="Finalise with defaults").click()
    page.get_by_role("button", name="Show what it changes").click()
    assert "would stand at FE" in page.locator("main").text_content()
    page.get_by_role("button", name="Do it").click()
    page.wait_for_url(event)
    assert "final: enrolled" in page.locator("main").text_content()

    page.get_by_role("link", name="Reprocess").click()
    page.get_by_label("Reason").fill("asked by the employee")
    page.get_by_role("button", name="Show what it changes").click()
    assert "Coverage that differs" in page.locator("main").text_content()
    page.get_by_role("button", name="Do it").click()
    page.wait_for_url(event)
    assert "It can be undone below." in page.get_by_role("status").first.text_content()
    page.goto(f"{site}{QUILL}/people/{number}/")
    assert "asked by the employee" in page.locator("main").text_content()
