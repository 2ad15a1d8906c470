"""On demand: which action is there at which status, and each carried out on one event of one person."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.runs.conftest import NOW

from openbenefits.core.codes import Level, ProcessStatus
from openbenefits.enrollment.elections import enter_one
from openbenefits.enrollment.models import Coverage, EventOption
from openbenefits.events.activity import ActivityPlace
from openbenefits.events.models import Activity, Event, EventStep
from openbenefits.events.windows import EventPlace
from openbenefits.programs.models import CoverageCode, Option
from openbenefits.review.rules.actions import COMMANDS, ENABLED, MEANING, refusal
from openbenefits.review.services import (
    Asked,
    DemandRefused,
    actions_of,
    issue_statement,
    prepare_activity,
    prepare_event,
    reprocess_event,
    settle_event,
)
from openbenefits.runs.services import run
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import Person

LATER = NOW + timedelta(days=5)
AS_OF = date(2026, 3, 2)
ASKED = Asked(as_of=AS_OF, now=LATER, author="the clerk")

TABLE = {
    #             new  AS   AN   AE   PR   PE   FP   FA   NT   ET   EE   FE   RE
    "prepare": "  yes  yes  yes  yes  no   yes  no   no   no   no   no   no   no",
    "statement": "no   no   no   no   yes  no   no   no   yes  no   no   no   no",
    "elect": "    no   no   no   no   yes  no   no   no   yes  yes  yes  no   yes",
    "validate": " no   no   no   no   no   no   no   no   no   yes  yes  no   yes",
    "finalise": " no   no   no   no   yes  no   no   no   yes  yes  yes  no   yes",
    "reprocess": "no   no   yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes",
    "status": "   yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes",
}
STATUSES = (None, "AS", "AN", "AE", "PR", "PE", "FP", "FA", "NT", "ET", "EE", "FE", "RE")
CELLS = [
    (action, status, cell == "yes")
    for action, row in TABLE.items()
    for status, cell in zip(STATUSES, row.split(), strict=True)
]


def test_the_table_has_every_action_and_status():
    assert set(TABLE) == set(ENABLED) == set(MEANING) == set(COMMANDS)
    assert set(STATUSES) == {None, *(str(one) for one in ProcessStatus)}


@pytest.mark.parametrize(("action", "status", "is_enabled"), CELLS)
def test_an_action_is_there_or_says_why_not(action, status, is_enabled):
    why_not = refusal(action, "O", status)
    assert (why_not is None) == is_enabled
    if why_not:
        assert "expected an event at" in why_not
        assert f"found {status or 'not processed yet'}" in why_not


@pytest.mark.parametrize("action", TABLE)
@pytest.mark.parametrize(("event_status", "left"), [("V", {"status"}), ("D", {"status", "reprocess"})])
def test_what_is_left_of_an_event_that_does_not_live(action, event_status, left):
    assert (refusal(action, event_status, "PR") is None) == (action in left)


# --- carried out ------------------------------------------------------------------------------------------


@pytest.fixture
def final(fresh_database, make_employer):
    """An employer whose open enrolment is final."""
    return make_employer(fresh_database, is_faulty=False, people=40, is_enrolled=True)


def somebody(employer):
    events = Event.objects.filter(process_status="FE", schedule_id=employer.open_enrollment)
    return events.order_by("person_id").first().person_id


def marry(employer, person_id, on, event_class="MAR"):
    report = {"event_class": event_class, "on": on, "reported_on": on, "made_by": "test", "now": LATER}
    workforce.report_life_event(employer.client_id, person_id, **report)
    return ActivityPlace(
        client_id=employer.client_id, person_id=person_id, event_on=on, bas_action=event_class
    )


def event_at(place):
    return Event.objects.get(**place.key())


def enabled(connection, place):
    rows = actions_of(connection, place)
    return set(rows.filter("is_enabled")["action"])


def elect(connection, place, *, option="BAD", plan_type="10"):
    return enter_one(
        connection,
        place.client_id,
        **{name: value for name, value in place.key().items() if name != "client_id"},
        plan_type=plan_type,
        option_code=option,
        received_on=date(2026, 3, 2),
        elector="test",
        source="administrator",
        now=LATER,
    )


def other_option(place):
    """A medical option for the employee alone that is not the present one."""
    offered = EventOption.objects.filter(**place.key(), plan_type="10", is_electable=True, is_current=False)
    alone = CoverageCode.objects.filter(code="1").values_list("coverage_code_id", flat=True)
    numbers = offered.values_list("option_id", flat=True)
    options = Option.objects.filter(option_id__in=numbers, coverage_code_id__in=alone)
    return options.order_by("option_id").first().code


def test_a_picked_activity_is_prepared_at_once_and_what_was_in_process_put_back(fresh_database, final):
    person_id = somebody(final)
    first = prepare_activity(
        fresh_database, marry(final, person_id, date(2026, 2, 10)), final.event_maintenance, ASKED
    )
    assert (first.process_status, first.event_status) == ("PR", "O")
    later = prepare_activity(
        fresh_database, marry(final, person_id, AS_OF, "BIR"), final.event_maintenance, ASKED
    )
    assert (later.process_status, later.event_status) == ("PR", "O")
    put_back = event_at(first.place)
    assert (put_back.process_status, put_back.event_status) == ("PR", "C")
    step = EventStep.objects.filter(**first.place.key()).order_by("-step").first()
    assert step.cause == "put back for an event on demand"
    assert Event.objects.filter(person_id=person_id, event_status="O").count() == 1
    assert enabled(fresh_database, later.place) >= {"statement", "elect", "finalise", "reprocess"}


def test_the_event_of_another_day_goes_on_when_the_picked_one_is_final(fresh_database, final):
    person_id = somebody(final)
    first = prepare_activity(
        fresh_database, marry(final, person_id, date(2026, 2, 10)), final.event_maintenance, ASKED
    )
    later = prepare_activity(
        fresh_database, marry(final, person_id, AS_OF, "BIR"), final.event_maintenance, ASKED
    )
    done = settle_event(fresh_database, later.place, ASKED, with_defaults=True)
    assert (done.process_status, done.event_status) == ("FE", "C")
    left = event_at(first.place)
    assert (left.process_status, left.event_status) == ("PR", "O"), "open again, and not finalised with it"


def test_a_day_to_come_is_prepared_on_demand(fresh_database, final):
    ahead = marry(final, somebody(final), AS_OF + timedelta(days=60))
    order = {"schedule_id": final.event_maintenance, "as_of": AS_OF, "through": Level.OPTIONS}
    run(fresh_database, final.order(**order), now=LATER)
    event = Event.objects.get(event_number__gt=0, event_on=ahead.event_on)
    assert event.process_status is None
    place = EventPlace(
        client_id=final.client_id,
        person_id=event.person_id,
        benefit_record=0,
        schedule_id=event.schedule_id,
        event_number=event.event_number,
    )
    assert enabled(fresh_database, place) == {"prepare", "status"}
    assert prepare_event(fresh_database, place, ASKED).process_status == "PR"


def test_activity_that_is_not_there_or_is_held_is_refused(fresh_database, final):
    person_id = somebody(final)
    nothing = ActivityPlace(client_id=final.client_id, person_id=person_id, event_on=AS_OF, bas_action="MAR")
    with pytest.raises(DemandRefused, match="expected activity ME MAR of 2026-03-02, found none"):
        prepare_activity(fresh_database, nothing, final.event_maintenance, ASKED)
    held = {"on": AS_OF, "reported_on": AS_OF + timedelta(days=200), "made_by": "test", "now": LATER}
    workforce.report_life_event(final.client_id, person_id, event_class="MAR", **held)
    with pytest.raises(DemandRefused, match="found one that is held"):
        prepare_activity(fresh_database, nothing, final.event_maintenance, ASKED)
    assert Activity.objects.filter(person_id=person_id, event_number__isnull=True, source="ME").count() == 1


@pytest.fixture
def wedding(fresh_database, final):
    """A prepared marriage."""
    activity = marry(final, somebody(final), AS_OF)
    return prepare_activity(fresh_database, activity, final.event_maintenance, ASKED).place


def test_validation_loads_what_is_valid_and_names_what_is_not(fresh_database, wedding):
    with pytest.raises(DemandRefused, match="validate: expected an event at EE, ET, RE; found PR"):
        settle_event(fresh_database, wedding, ASKED, with_defaults=False)
    assert elect(fresh_database, wedding).entered == 1
    done = settle_event(fresh_database, wedding, ASKED, with_defaults=False)
    assert done.process_status == "EE"
    assert "BA1302" in done.messages
    assert elect(fresh_database, wedding, option=other_option(wedding)).entered == 1
    done = settle_event(fresh_database, wedding, ASKED, with_defaults=False)
    assert done.process_status == "FE", done.messages
    assert Coverage.objects.filter(
        event_number=wedding.event_number, schedule_id=wedding.schedule_id
    ).exists()
    assert enabled(fresh_database, wedding) == {"reprocess", "status"}


def test_defaults_replace_what_is_invalid(fresh_database, wedding):
    assert elect(fresh_database, wedding).entered == 1
    done = settle_event(fresh_database, wedding, ASKED, with_defaults=True)
    assert done.process_status == "FE"
    assert event_at(wedding).is_finalized


def test_a_statement_is_issued_once_and_then_printed_again(fresh_database, wedding, tmp_path):
    others = Event.objects.filter(process_status="PR").exclude(**wedding.key()).count()
    first = issue_statement(fresh_database, wedding, ASKED, folder=tmp_path)
    assert first.exists()
    assert event_at(wedding).process_status == "NT"
    assert Event.objects.filter(process_status="PR").count() == others
    again = issue_statement(fresh_database, wedding, ASKED, folder=tmp_path)
    assert "reprint" in again.name
    assert event_at(wedding).process_status == "NT"
    Event.objects.filter(**wedding.key()).update(forms="none", process_status="ET", option_notified_on=None)
    with pytest.raises(DemandRefused, match="statement: expected an event at NT, PR"):
        issue_statement(fresh_database, wedding, ASKED, folder=tmp_path)


def test_a_suppressed_statement_is_refused(fresh_database, wedding, tmp_path):
    Event.objects.filter(**wedding.key()).update(forms="confirmation")
    with pytest.raises(DemandRefused, match="own `forms` leave it out"):
        issue_statement(fresh_database, wedding, ASKED, folder=tmp_path)


def test_reprocessing_is_shown_before_it_is_done(fresh_database, wedding):
    settle_event(fresh_database, wedding, ASKED, with_defaults=True)
    steps = event_at(wedding).steps
    how = {"reason": "a test"}
    told = reprocess_event(fresh_database, wedding, ASKED, **how, is_rehearsal=True)
    assert told.are_none()
    assert event_at(wedding).steps == steps
    done = reprocess_event(fresh_database, wedding, ASKED, **how, is_rehearsal=False)
    assert done.are_none()
    assert event_at(wedding).steps > steps
    assert event_at(wedding).process_status == "FE"


def test_an_unknown_event_is_refused(fresh_database, wedding):
    with pytest.raises(DemandRefused, match="found none; correct them"):
        actions_of(fresh_database, replace(wedding, event_number=99))


def test_the_command_line_does_it(fresh_database, final, cli, tmp_path):
    person_id = somebody(final)
    number = Person.objects.get(pk=person_id).employee_number
    marry(final, person_id, AS_OF)
    who = ("--client", "harbor", "--schedule", "EM", "--person", number)
    day = ("--as-of", "2026-03-02")
    demand = ("review", "demand")
    made = cli(*demand, "activity", *who, "--on", "2026-03-02", "--stated", "MAR", *day)
    assert made.exit_code == 0, made.output
    assert "stands at PR" in made.output
    event = Event.objects.get(person_id=person_id, event_number__gt=0).event_number
    named = (*who, "--event", event)
    assert "prepare" in cli(*demand, "actions", *named).output
    refused = cli(*demand, "prepare", *named, *day)
    assert refused.exit_code == 1
    assert "expected an event at" in " ".join(refused.output.split())
    letter = cli(*demand, "statement", *named, *day, "--folder", tmp_path)
    assert letter.exit_code == 0, letter.output
    settled = cli(*demand, "finalise", *named, *day)
    assert "stands at FE" in settled.output, settled.output
    again = cli(*demand, "reprocess", *named, *day, "--reason", "a test")
    assert again.exit_code == 0, again.output
    assert "Nothing was written" in again.output
