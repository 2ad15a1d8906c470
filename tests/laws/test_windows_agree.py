"""Windows: what the columns decide of them is what the scalar oracle says of each (docs/rules.md §14)."""

from datetime import date
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from tests.laws.drawing import days
from tests.oracle.windows import at_end, may_be_received, may_lengthen, window_of

from openbenefits.core.codes import WindowAction, WindowActKind, WindowStart
from openbenefits.enrollment.election_faults import window_faults
from openbenefits.events.rules import window
from openbenefits.events.windows import WindowRefused, refuse_date
from openbenefits.runs.rules import action_at_end

from .test_kernel_agrees import LAW

Row = dict[str, Any]

DAYS = days(date(2026, 2, 1), date(2026, 4, 30))
STARTS = {str(one): one.name.lower() for one in WindowStart}
ACTIONS = {str(one): one.name.lower() for one in WindowAction}


@st.composite
def waiting(draw: DrawFn) -> Row:
    """Draw an event, its class and perhaps a schedule with a window of its own."""
    event_class = {
        "window_start": draw(st.sampled_from(sorted(STARTS))),
        "window_days": draw(st.integers(0, 60)),
    }
    known = {"notified_on": draw(st.none() | DAYS), "reported_on": draw(st.none() | DAYS)}
    dated = sorted(draw(st.lists(DAYS, min_size=2, max_size=2)))
    schedule = {"window_begins": dated[0], "window_ends": dated[1]} if draw(st.integers(1, 4)) == 4 else None
    event = {"event_on": draw(DAYS), "recorded_on": draw(DAYS), **known}
    return {"event": event, "event_class": event_class, "schedule": schedule, "received_on": draw(DAYS)}


def rows_of(ones: list[Row]) -> pl.DataFrame:
    """Lay events out as columns."""
    rows = [
        {
            "row": number,
            "event_on": one["event"]["event_on"],
            "recorded_on": one["event"]["recorded_on"],
            "reported_on": one["event"]["reported_on"],
            "option_notified_on": one["event"]["notified_on"],
            "window_begins_on": None,
            "window_ends_on": None,
            **one["event_class"],
            "schedule_window_begins_on": (one["schedule"] or {}).get("window_begins"),
            "schedule_window_ends_on": (one["schedule"] or {}).get("window_ends"),
            "received_on": one["received_on"],
        }
        for number, one in enumerate(ones)
    ]
    dates = [name for name in rows[0] if name.endswith("_on")]
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(dates, pl.Date) | {"row": pl.Int32})


@LAW
@given(st.lists(waiting(), min_size=1, max_size=8))
def test_windows_and_what_is_received_outside(ones: list[Row]) -> None:
    found = window(rows_of(ones))
    named = [
        {
            **one,
            "event_class": one["event_class"] | {"window_start": STARTS[one["event_class"]["window_start"]]},
        }
        for one in ones
    ]
    expected = [window_of(one["event"], one["event_class"], one["schedule"]) for one in named]
    assert found.select("window_begins_on", "window_ends_on").rows() == expected
    refused = set(pl.concat(window_faults(found))["row"])
    for number, (one, its) in enumerate(zip(ones, expected, strict=True)):
        assert (number not in refused) == may_be_received(its, one["received_on"])


@LAW
@given(st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.booleans(), st.none() | DAYS), min_size=1))
def test_what_becomes_of_events_when_their_windows_end(ones: list[tuple[str, bool, date | None]]) -> None:
    schema = {"window_action": pl.String, "must_end": pl.Boolean, "elected_on": pl.Date}
    found = pl.DataFrame(ones, schema=schema, orient="row").select(action_at_end().alias("action"))["action"]
    expected = [
        at_end(ACTIONS[action], must_end, elected_on is not None) for action, must_end, elected_on in ones
    ]
    assert [ACTIONS[action] for action in found] == expected


@LAW
@given(st.sampled_from(list(WindowActKind)), DAYS, DAYS, DAYS)
def test_which_last_days_may_take_the_place_of_another(
    kind: WindowActKind, ends: date, until: date, on: date
) -> None:
    try:
        refuse_date(kind, ends, until, on)
    except WindowRefused:
        assert not may_lengthen(kind.name.lower(), ends, until, on)
    else:
        assert may_lengthen(kind.name.lower(), ends, until, on)
