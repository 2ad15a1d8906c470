"""Review of eligibility, controls, windows, activity, flagged events and proposals, each with its acts."""

from datetime import date

import pytest
from tests.faces.conftest import LENIENT, signed_in, text
from tests.workbench.enrolled import clients, desk, users

from openbenefits.events.models import Activity, ActivityAct, ControlAct, Event, WindowAct
from openbenefits.workforce.models import Person

__all__ = ["clients", "desk", "users"]

QUILL = "/workbench/quill"
HARBOR = "/workbench/harbor"
PREVIEW, APPLY = {"step": "preview"}, {"step": "apply"}


@pytest.fixture
def person(clients, as_owner):
    """Answer a function that finds somebody whose event stands at a status."""

    def find(client, status, place):
        events = Event.objects.filter(client_id=clients[client].client_id, process_status=status)
        return Person.objects.get(pk=events.order_by("person_id").values_list("person_id", flat=True)[place])

    return lambda client, status, place=0: as_owner(lambda: find(client, status, place))


def at(client, somebody, page="", schedule="OE26", number=0):
    return f"{client}/people/{somebody.employee_number}/events/{schedule}/0/{number}/{page}"


def test_eligibility_names_the_criteria_that_failed(desk, person):
    told = text(desk.get(at(HARBOR, person(0, "FA"), "eligibility/")))
    assert "not eligible" in told
    assert "Failed:" in told
    assert "Re-run this person" in told
    assert len(text(desk.get(at(HARBOR, person(0, "FA"), "eligibility/?all=yes")))) > len(told)


def test_a_control_is_changed_with_a_reason(desk, person, as_owner):
    somebody = person(1, "PR")
    here = at(QUILL, somebody, "control/")
    asked = {"control": "finalise", "value": "yes", "reason": "asked by phone"}
    assert "expected one of yes, no" in text(desk.post(here, asked | {"value": "perhaps"}))
    assert desk.post(here, asked)["Location"] == at(QUILL, somebody)
    made = as_owner(lambda: ControlAct.objects.get(person_id=somebody.pk))
    assert (made.control, made.became, made.reason) == ("finalise", "yes", "asked by phone")
    assert "found yes already" in text(desk.post(here, asked))
    assert "asked by phone" in text(desk.get(here))


def test_a_window_that_ended_is_reopened(desk, person, as_owner):
    somebody = person(1, "PR", 1)
    here = at(QUILL, somebody, "window/")
    assert "expected a last day" in text(desk.post(here, {"until": "2025-01-01", "reason": "late"}))
    assert desk.post(here, {"until": "2099-12-31", "reason": "late post"}).status_code == 302
    made = as_owner(lambda: WindowAct.objects.get(person_id=somebody.pk))
    assert (made.kind, made.ends_on) == ("reopen", date(2099, 12, 31))


def test_an_event_is_finalised_on_demand_after_a_look_at_what_that_changes(desk, person, as_owner):
    somebody = person(1, "PR", 2)
    here = at(QUILL, somebody, "demand/finalise/")
    tried = text(desk.post(here, PREVIEW))
    assert "The event would stand at FE" in tried
    assert "Coverage that differs" in tried
    assert as_owner(lambda: Event.objects.get(person_id=somebody.pk).process_status) == "PR"
    assert desk.post(here, APPLY)["Location"] == at(QUILL, somebody)
    assert as_owner(lambda: Event.objects.get(person_id=somebody.pk).process_status) == "FE"
    assert "expected an event at" in text(desk.post(here, APPLY))
    assert desk.get(at(QUILL, somebody, "demand/dance/")).status_code == 404


def test_a_life_event_is_entered_and_processed_at_once(desk, person, as_owner):
    somebody = person(0, "FE")
    here = f"{HARBOR}/people/{somebody.employee_number}/life-event/"
    asked = {"event_class": "MAR", "on": "2026-02-10", "benefit_record": "0", "reason": "told by phone"}
    assert "on or after" in text(desk.post(here, asked | {"on": "1999-01-01"}))
    waits = desk.post(here, asked)["Location"]
    assert "MAR" in text(desk.get(waits))
    assert somebody.employee_number in text(desk.get(f"{HARBOR}/activity/"))
    done = desk.post(waits, {"act": "process", "reason": "at once"})
    assert done["Location"] == f"{HARBOR}/people/{somebody.employee_number}/"
    event = as_owner(lambda: Event.objects.get(person_id=somebody.pk, event_on="2026-02-10"))
    assert event.process_status == "PR"
    assert "It waits no more" in text(desk.get(waits))


def test_waiting_activity_is_deleted_with_a_reason(desk, person, as_owner):
    somebody = person(0, "FE", 1)
    here = f"{HARBOR}/people/{somebody.employee_number}/life-event/"
    asked = {"event_class": "MAR", "on": "2026-02-11", "benefit_record": "0", "reason": "told by phone"}
    waits = desk.post(here, asked)["Location"]
    assert "expected activity that is held" in text(desk.post(waits, {"act": "admit", "reason": "x"}))
    assert desk.post(waits, {"act": "delete", "reason": "told twice"}).status_code == 302
    acts = as_owner(lambda: list(ActivityAct.objects.filter(person_id=somebody.pk).order_by("number")))
    assert [(one.kind, one.author) for one in acts] == [
        ("enter", "administrator"),
        ("delete", "administrator"),
    ]
    assert as_owner(lambda: Activity.objects.filter(person_id=somebody.pk, event_number=None).exists())
    assert "It waits no more" in text(desk.get(waits))


def test_a_flagged_event_is_proposed_for_repair_tried_and_kept_or_repaired(desk, person, as_owner, clients):
    first, second = person(0, "FE", 2), person(0, "FE", 3)

    def changed():
        for one in (first, second):
            Event.objects.filter(person_id=one.pk, event_number=0).update(
                is_eligibility_changed=True, person_changed_on=date(2026, 2, 1)
            )

    as_owner(changed)
    for page in ("flagged/", "proposals/"):
        told = text(desk.get(f"{HARBOR}/{page}"))
        assert first.employee_number in told
        assert second.employee_number in told
    assert "What it would change" in text(
        desk.post(at(HARBOR, first, "proposal/"), {"reason": "x"} | PREVIEW)
    )
    kept = desk.post(at(HARBOR, first, "proposal/"), {"reason": "known", "step": "keep"})
    assert kept["Location"] == f"{HARBOR}/proposals/"
    assert first.employee_number not in text(desk.get(f"{HARBOR}/proposals/"))
    assert desk.post(f"{HARBOR}/proposals/due/", PREVIEW).status_code == 200
    assert desk.post(f"{HARBOR}/proposals/due/", APPLY).status_code == 302
    assert "Nothing to repair" in text(desk.get(f"{HARBOR}/proposals/"))
    assert not as_owner(lambda: Event.objects.get(person_id=second.pk, event_number=0).is_eligibility_changed)


def test_lists_are_saved_as_files_and_say_what_to_do_where_they_are_empty(desk):
    assert "Nobody yet. Let a run control of passive events run." in text(desk.get(f"{QUILL}/passive/"))
    assert "Nothing waits" in text(desk.get(f"{QUILL}/activity/"))
    assert "what has expired of events still open" in text(desk.get(f"{QUILL}/expired/"))
    answer = desk.get(f"{HARBOR}/flagged/?flagged.export=csv")
    assert answer["Content-Type"].startswith("text/csv")


def test_where_nobody_is_on_leave_the_desk_says_so(desk):
    assert "Nobody is on leave without pay" in text(desk.get(f"{HARBOR}/leaves/"))


@pytest.mark.parametrize("page", ["control/", "window/", "override/", "proposal/"])
def test_who_only_reads_changes_nothing(browser, users, person, page):
    with LENIENT:
        signed_in(browser, users["auditor"])
        assert browser.get(at(HARBOR, person(0, "FE"), page)).status_code == 403
        assert browser.get(at(HARBOR, person(0, "FE"), "eligibility/")).status_code == 200
