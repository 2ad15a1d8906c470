"""Windows of one person's event, let end later: only later, with a reason, and what the daily run makes of it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openbenefits.enrollment.elections import enter_one
from openbenefits.events.models import Event, EventStep, WindowAct
from openbenefits.events.windows import EventPlace, WindowRefused, acts_of, extend_window, reopen_window
from openbenefits.programs.models import EventClass
from openbenefits.runs.windows import held_events, run_window_ends

ENDS = date(2025, 11, 30)
INSIDE, AFTER = datetime(2025, 11, 20, 9, tzinfo=UTC), datetime(2025, 12, 3, 9, tzinfo=UTC)
LATER = date(2025, 12, 15)
REASON = "notice sent late"


def place_of(world, person_id):
    schedule_id = world.id_of("schedule", "OE26")
    return EventPlace(
        client_id=world.client_id,
        person_id=person_id,
        benefit_record=0,
        schedule_id=schedule_id,
        event_number=0,
    )


def class_id(code):
    return EventClass.objects.filter(code=code).values_list("event_class_id", flat=True).first()


@pytest.fixture
def event(world):
    """Answer a function that gives a person an event and answers its place."""

    def make(number="1", status="PR", event_status="O", code="OE", **changes):
        person_id = world.person(number)
        world.event(person_id, status, event_status, event_class_id=class_id(code), **changes)
        return place_of(world, person_id)

    return make


def stored(place):
    return Event.objects.get(**place.key())


def act(how, world, place, now, until=LATER, reason=REASON, author="clerk"):
    return how(world.connection, place, until=until, reason=reason, author=author, now=now)


@pytest.mark.parametrize(
    ("how", "now", "kind"), [(extend_window, INSIDE, "extend"), (reopen_window, AFTER, "reopen")]
)
def test_a_window_ends_later_and_history_says_why(world, event, how, now, kind):
    place = event(finalize_requested=True)
    done = act(how, world, place, now)
    after = stored(place)
    assert (done.kind, done.ended_on, done.ends_on, done.author) == (kind, ENDS, LATER, "clerk")
    assert (after.window_ends_on, after.process_status, after.event_status) == (LATER, "PR", "O")
    assert (after.finalize_requested, after.steps) == (False, 1)
    step = EventStep.objects.get(**place.key())
    assert (step.from_status, step.to_status, step.actor, step.run_id) == ("PR", "PR", "clerk", None)
    assert REASON in step.cause
    assert str(LATER) in step.cause


def test_acts_follow_one_another(world, event):
    place = event()
    act(extend_window, world, place, INSIDE, until=date(2025, 12, 5))
    act(extend_window, world, place, AFTER, until=date(2025, 12, 10))
    act(reopen_window, world, place, datetime(2025, 12, 11, tzinfo=UTC), until=date(2025, 12, 20))
    assert [(one.number, one.kind, one.ended_on, one.ends_on) for one in acts_of(place)] == [
        (1, "extend", ENDS, date(2025, 12, 5)),
        (2, "extend", date(2025, 12, 5), date(2025, 12, 10)),
        (3, "reopen", date(2025, 12, 10), date(2025, 12, 20)),
    ]
    assert stored(place).steps == 3


@pytest.mark.parametrize(
    ("how", "now", "until", "says"),
    [
        (extend_window, INSIDE, ENDS, "never shortened"),
        (extend_window, INSIDE, ENDS - timedelta(1), "never shortened"),
        (extend_window, datetime(2025, 12, 1, tzinfo=UTC), LATER, "reopen it instead"),
        (reopen_window, datetime(2025, 11, 30, 23, tzinfo=UTC), LATER, "extend it instead"),
        (reopen_window, AFTER, ENDS, "never shortened"),
        (reopen_window, AFTER, date(2025, 12, 2), "nobody could elect"),
    ],
)
def test_what_is_refused_for_its_days(world, event, how, now, until, says):
    place = event()
    with pytest.raises(WindowRefused, match=says):
        act(how, world, place, now, until=until)
    assert stored(place).window_ends_on == ENDS
    assert acts_of(place) == []


@pytest.mark.parametrize(
    ("how", "now", "until"),
    [
        (extend_window, datetime(2025, 11, 30, 23, tzinfo=UTC), date(2025, 12, 1)),
        (reopen_window, datetime(2025, 12, 1, tzinfo=UTC), date(2025, 12, 1)),
    ],
)
def test_the_first_days_that_are_not_refused(world, event, how, now, until):
    place = event()
    act(how, world, place, now, until=until)
    assert stored(place).window_ends_on == until


@pytest.mark.parametrize(
    ("status", "event_status", "says"),
    [
        ("FE", "C", "not final, found FE"),
        ("FP", "C", "not final, found FP"),
        ("FA", "C", "not final, found FA"),
        ("PR", "V", "void"),
        ("PR", "D", "disconnected"),
    ],
)
def test_final_void_and_disconnected_events_are_refused(world, event, status, event_status, says):
    place = event(status=status, event_status=event_status)
    with pytest.raises(WindowRefused, match=says):
        act(reopen_window, world, place, AFTER)
    assert stored(place).window_ends_on == ENDS


def test_what_else_is_refused(world, event):
    place = event(number="1")
    with pytest.raises(WindowRefused, match="expected a reason"):
        act(extend_window, world, place, INSIDE, reason="  ")
    with pytest.raises(WindowRefused, match="expected a author"):
        act(extend_window, world, place, INSIDE, author="")
    unbegun = event(number="2", window_begins_on=None, window_ends_on=None)
    with pytest.raises(WindowRefused, match="has not begun"):
        act(extend_window, world, unbegun, INSIDE)
    nobody = place_of(world, world.person("3"))
    with pytest.raises(WindowRefused, match="found none"):
        act(extend_window, world, nobody, INSIDE)


def test_an_act_cannot_be_changed(world, event):
    place = event()
    act(extend_window, world, place, INSIDE)
    acts = WindowAct.objects.filter(**place.key())
    for change in (lambda: acts.update(reason="another"), acts.delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    with pytest.raises(DatabaseError, match="never_shortened"), transaction.atomic():
        WindowAct.objects.create(
            **place.key(),
            number=2,
            kind="extend",
            ended_on=LATER,
            ends_on=LATER,
            reason="x",
            author="y",
            acted_at=INSIDE,
        )


@pytest.mark.parametrize(
    ("received_on", "bad_rows"), [(ENDS, 0), (ENDS + timedelta(1), 1), (LATER, 1), (date(2025, 10, 31), 1)]
)
def test_an_election_after_the_window_is_refused_whoever_enters_it(world, event, received_on, bad_rows):
    place = event()
    result = elect(world, place, received_on)
    assert result.bad_row_count == bad_rows
    if received_on > ENDS:
        act(reopen_window, world, place, AFTER)
        assert elect(world, place, received_on).bad_row_count == 0
        assert elect(world, place, LATER + timedelta(1)).bad_row_count == 1


def elect(world, place, received_on):
    return enter_one(
        world.connection,
        place.client_id,
        person_id=place.person_id,
        benefit_record=0,
        schedule_id=place.schedule_id,
        event_number=0,
        plan_type="10",
        option_code="WAIVE",
        received_on=received_on,
        elector="clerk",
        source="administrator",
        now=AFTER,
    )


# --- the daily run ------------------------------------------------------------------------------------------


def ends(world, as_of):
    return run_window_ends(world.connection, world.client_id, as_of=as_of, now=AFTER, started_by="night")


def with_action(action):
    EventClass.objects.filter(code="OE").update(window_action=action)
    from openbenefits.programs import frames

    frames._kept.clear()


@pytest.fixture
def window_action():
    """Let the class OE do something else at the end of its window, until the test is over."""
    yield with_action
    with_action("hold")


def test_hold_leaves_the_event_open_and_lists_it(world, event, window_action):
    window_action("hold")
    place = event()
    assert ends(world, ENDS).people == 0
    result = ends(world, ENDS + timedelta(1))
    assert dict(result.outcomes.select("outcome", "people").iter_rows()) == {"window ended: hold": 1}
    assert (stored(place).process_status, stored(place).event_status) == ("PR", "O")
    (row,) = held_events(world.connection, [world.client_id], ENDS + timedelta(4)).to_dicts()
    assert (row["employee_number"], row["event_class"], row["days_past"], row["action"]) == (
        "1",
        "OE",
        4,
        "hold",
    )
    assert "decide" in row["why"]
    assert held_events(world.connection, [world.client_id], ENDS).is_empty()


def test_void_is_for_those_who_did_not_answer(world, event, window_action):
    window_action("void")
    silent = event(number="1")
    answered = event(number="2", status="EE", elected_on=date(2025, 11, 10))
    waiting = held_events(world.connection, [world.client_id], LATER)
    assert dict(waiting.select("employee_number", "action").iter_rows()) == {"1": "void", "2": "hold"}
    ends(world, LATER)
    assert (stored(silent).event_status, stored(answered).event_status) == ("V", "O")
    (row,) = held_events(world.connection, [world.client_id], LATER).to_dicts()
    assert row["employee_number"] == "2"
    assert "correct it" in row["why"]


@pytest.mark.parametrize("action", ["void", "finalize", "hold"])
def test_the_daily_run_does_nothing_inside_a_longer_window(world, event, window_action, action):
    """Whatever the class does at the end, on every day until the new last one, it included."""
    window_action(action)
    place = event()
    act(extend_window, world, place, INSIDE)
    for as_of in (ENDS, ENDS + timedelta(1), LATER - timedelta(1), LATER):
        assert ends(world, as_of).people == 0
        assert (stored(place).process_status, stored(place).event_status) == ("PR", "O")
    assert held_events(world.connection, [world.client_id], LATER).is_empty()
    assert held_events(world.connection, [world.client_id], LATER + timedelta(1)).height == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gaps=st.lists(st.integers(1, 20), min_size=1, max_size=5), look=st.integers(0, 130))
def test_a_window_only_grows_and_the_run_waits_for_its_last_day(world, gaps, look):
    """However often it is extended, the run of a day acts exactly when the day is after the last one."""
    with transaction.atomic():
        person_id = world.person("law")
        world.event(person_id, "PR", "O", event_class_id=class_id("OE"))
        place, until = place_of(world, person_id), ENDS
        for gap in gaps:
            until += timedelta(gap)
            act(extend_window, world, place, INSIDE, until=until)
            assert stored(place).window_ends_on == until
        as_of = ENDS + timedelta(look)
        listed = held_events(world.connection, [world.client_id], as_of).height
        assert listed == (1 if as_of > until else 0)
        transaction.set_rollback(True)
