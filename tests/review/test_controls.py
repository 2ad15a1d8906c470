"""Processing controls: every control at every status, what changes, and who is refused."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, transaction
from tests.runs.conftest import NOW

from openbenefits.core.codes import Control, Level, ProcessStatus
from openbenefits.events.models import ControlAct, Event, EventStep
from openbenefits.events.windows import EventPlace
from openbenefits.reports.issuing import KINDS
from openbenefits.reports.services import issue_enrollment_statements
from openbenefits.review.rules.controls import FORMS, refusal
from openbenefits.review.services import ControlRefused, change_control, event_controls
from openbenefits.runs.services import run
from openbenefits.workforce.models import Person

LATER = NOW + timedelta(days=40)
DAY = date(2025, 11, 5)
SAID = {"reason": "told by phone", "author": "the clerk", "now": LATER}

TABLE = {
    #           new  AS   AN   AE   PR   PE   FP   FA   NT   ET   EE   FE   RE
    "finalise": "no  no   no   no   yes  no   no   no   yes  yes  yes  no   yes",
    "received": "no  no   no   no   no   no   no   no   no   yes  yes  no   yes",
    "notified": "no  no   no   no   no   no   no   no   yes  yes  yes  no   no",
    "confirmed": "no  no   no   no   no   no   no   no   no   no   no   yes  no",
    "forms": "yes yes  yes  yes  yes  yes  no   no   yes  yes  yes  yes  yes",
}
STATUSES = (None, "AS", "AN", "AE", "PR", "PE", "FP", "FA", "NT", "ET", "EE", "FE", "RE")
CELLS = [
    (control, status, cell == "yes")
    for control, row in TABLE.items()
    for status, cell in zip(STATUSES, row.split(), strict=True)
]


def test_the_table_has_every_control_and_status():
    assert set(TABLE) == {str(one) for one in Control}
    assert set(STATUSES) == {None, *(str(one) for one in ProcessStatus)}


@pytest.mark.parametrize(("control", "status", "is_allowed"), CELLS)
def test_where_a_control_may_be_changed(control, status, is_allowed):
    why_not = refusal(Control(control), "O", status)
    assert (why_not is None) == is_allowed
    if why_not:
        assert why_not.startswith("expected ")
        assert "found" in why_not


@pytest.mark.parametrize("control", Control)
@pytest.mark.parametrize("event_status", ["V", "D"])
@pytest.mark.parametrize("status", STATUSES)
def test_nothing_is_changed_of_a_void_or_disconnected_event(control, event_status, status):
    assert "expected an event that lives" in refusal(control, event_status, status)


@pytest.fixture
def place(prepared):
    event = Event.objects.filter(process_status="PR").order_by("person_id").first()
    return EventPlace(
        client_id=prepared.client_id,
        person_id=event.person_id,
        benefit_record=0,
        schedule_id=prepared.open_enrollment,
        event_number=0,
    )


def event_at(place):
    return Event.objects.get(**place.key())


def value(connection, place, control):
    rows = event_controls(connection, place, on=DAY)["Controls"]
    return rows.filter(control=control).row(0, named=True)


def test_a_finalising_order_is_carried_out_by_the_next_run(fresh_database, prepared, place):
    assert value(fresh_database, place, "finalise")["value"] == "no"
    act = change_control(fresh_database, place, Control.FINALISE, "yes", **SAID)
    assert (act.was, act.became, act.number) == ("no", "yes", 1)
    step = EventStep.objects.filter(**place.key()).order_by("-step").first()
    assert step.cause == "finalise: no to yes: told by phone"
    assert step.actor == "the clerk"
    assert event_at(place).steps == step.step
    run(fresh_database, prepared.order(through=Level.ELECTIONS), now=LATER)
    assert event_at(place).process_status == "FE"
    told = value(fresh_database, place, "finalised by order")
    assert told["value"] == "yes"
    with pytest.raises(ControlRefused, match="found FE"):
        change_control(fresh_database, place, Control.FINALISE, "yes", **SAID)
    change = event_controls(fresh_database, place, on=DAY)["Changes"].row(0, named=True)
    assert (change["control"], change["author"]) == ("finalise", "the clerk")


def test_letters_of_one_event_are_suppressed_and_given_back(fresh_database, prepared, place, tmp_path):
    def issued():
        others = Event.objects.exclude(person_id=place.person_id)
        others.update(option_notified_on=DAY)
        result = issue_enrollment_statements(
            fresh_database, place.schedule_id, folder=tmp_path, on=DAY, now=LATER
        )
        return result.issued, result.not_printed

    assert value(fresh_database, place, "forms")["value"] == "as its class: both"
    change_control(fresh_database, place, Control.FORMS, "confirmation", **SAID)
    assert issued() == (0, 1)
    assert event_at(place).process_status == "PR"
    change_control(fresh_database, place, Control.FORMS, "class", **SAID)
    assert issued() == (1, 0)
    assert event_at(place).process_status == "NT"


LETTERS = [  # what is changed of a prepared event, the enrolment statement, the confirmation
    ({}, "due", "not due"),
    ({"process_status": "ET"}, "due", "not due"),
    ({"process_status": "EE"}, "due", "not due"),
    ({"process_status": "RE"}, "not due", "not due"),
    ({"process_status": "AS"}, "not due", "not due"),
    ({"process_status": "FP"}, "not due", "not due"),
    ({"process_status": "FE", "event_status": "C"}, "not due", "due"),
    ({"process_status": "NT", "option_notified_on": DAY}, "issued on 2025-11-05", "not due"),
    ({"process_status": "ET", "option_notified_on": DAY}, "issued on 2025-11-05", "not due"),
    ({"event_status": "C"}, "not due", "not due"),
    ({"event_status": "V"}, "not due", "not due"),
    ({"process_indicator": "L"}, "not due", "not due"),
    ({"forms": "none"}, "due, but not printed", "not due"),
    ({"forms": "confirmation"}, "due, but not printed", "not due"),
    ({"forms": "enrollment"}, "due", "not due"),
    ({"process_status": "FE", "forms": "enrollment"}, "not due", "due, but not printed"),
    ({"process_status": "FE", "confirm_notified_on": DAY}, "not due", "issued on 2025-11-05"),
]


def test_which_letters_are_selected_and_which_suppressed(fresh_database, place):
    for changes, enrollment, confirmation in LETTERS:
        with transaction.atomic():
            Event.objects.filter(**place.key()).update(**changes)
            told = [value(fresh_database, place, f"{kind} statement")["value"] for kind in KINDS]
            assert told == [enrollment, confirmation], changes
            transaction.set_rollback(True)


def test_days_are_corrected_and_cleared(fresh_database, place):
    Event.objects.filter(**place.key()).update(
        process_status="NT", option_notified_on=DAY, window_ends_on=DAY
    )
    earlier = DAY - timedelta(days=1)
    change_control(fresh_database, place, Control.NOTIFIED, str(earlier), **SAID)
    assert event_at(place).option_notified_on == earlier
    with pytest.raises(ControlRefused, match="reprint it instead"):
        change_control(fresh_database, place, Control.NOTIFIED, "none", **SAID)
    Event.objects.filter(**place.key()).update(process_status="ET", elected_on=DAY)
    change_control(fresh_database, place, Control.NOTIFIED, "none", **SAID)
    change_control(fresh_database, place, Control.RECEIVED, str(earlier), **SAID)
    event = event_at(place)
    assert (event.option_notified_on, event.elected_on) == (None, earlier)
    Event.objects.filter(**place.key()).update(process_status="FE")
    change_control(fresh_database, place, Control.CONFIRMED, str(DAY), **SAID)
    assert event_at(place).confirm_notified_on == DAY
    assert ControlAct.objects.filter(**place.key()).count() == 4


REFUSED = [
    ("finalise", "perhaps", "expected one of yes, no, found perhaps"),
    ("finalise", "no", "expected another value, found no already"),
    ("forms", "letters", "expected one of class, both"),
    ("received", "2025-11-05", "expected an event at EE, ET, RE"),
    ("notified", "2025-11-05", "a statement is issued first"),
]


@pytest.mark.parametrize(("control", "text", "match"), REFUSED)
def test_what_cannot_be_is_refused_and_nothing_is_written(fresh_database, place, control, text, match):
    with pytest.raises(ControlRefused, match=match):
        change_control(fresh_database, place, Control(control), text, **SAID)
    assert not ControlAct.objects.exists()


@pytest.mark.parametrize(
    ("text", "match"),
    [("2026-02-30", "expected a day written like"), ("2026-01-01", "expected a day not after 2025-11-10")],
)
def test_days_must_be_days_that_have_been(fresh_database, place, text, match):
    Event.objects.filter(**place.key()).update(process_status="ET", elected_on=DAY)
    with pytest.raises(ControlRefused, match=match):
        change_control(fresh_database, place, Control.RECEIVED, text, **SAID)


@pytest.mark.parametrize("lacking", ["reason", "author"])
def test_who_and_why_are_stated(fresh_database, place, lacking):
    with pytest.raises(ControlRefused, match=f"expected a stated {lacking}"):
        change_control(fresh_database, place, Control.FINALISE, "yes", **(SAID | {lacking: " "}))


def test_an_unknown_event_and_acts_that_cannot_be_changed(fresh_database, place):
    from dataclasses import replace

    with pytest.raises(ControlRefused, match="found none; correct them"):
        event_controls(fresh_database, replace(place, event_number=77), on=DAY)
    change_control(fresh_database, place, Control.FORMS, FORMS[-1], **SAID)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ControlAct.objects.filter(**place.key()).update(reason="another")


def test_another_set_of_letters_alone_lets_nothing_be_prepared_again(fresh_database, prepared, place):
    before = event_at(place).preparation
    change_control(fresh_database, place, Control.FORMS, "none", **SAID)
    run(fresh_database, prepared.order(), now=LATER)
    assert event_at(place).preparation == before


def test_the_command_line_shows_and_changes_them(fresh_database, place, cli):
    number = Person.objects.get(pk=place.person_id).employee_number
    named = ("--client", "harbor", "--schedule", "OE26", "--person", number)
    shown = cli("review", "controls", *named)
    assert shown.exit_code == 0, shown.output
    assert "finalise" in shown.output
    changed = cli("review", "change", "finalise", "yes", *named, "--reason", "told by phone")
    assert changed.exit_code == 0, changed.output
    assert "was no and is now yes" in changed.output
    refused = cli("review", "change", "confirmed", "2025-01-01", *named, "--reason", "x")
    assert refused.exit_code == 1
    assert "expected an event at FE" in " ".join(refused.output.split())
