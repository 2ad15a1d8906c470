"""Which repairs a person decides: somebody's medical coverage would end on a past day (rulings §6.1)."""

from datetime import date

import polars as pl
import pytest

from openbenefits.repair.rules import HELD, event_changes, held_back

AS_OF = date(2026, 6, 1)
SPRING, MAY, LATER = date(2026, 3, 1), date(2026, 5, 1), date(2026, 7, 1)
TYPES = {
    **dict.fromkeys(("client_id", "benefit_record", "slot"), pl.Int32),
    **dict.fromkeys(("person_id", "option_id", "coverage_cents", "pledge_cents"), pl.Int64),
    **dict.fromkeys(("begins_on", "deduction_begins_on"), pl.Date),
    **dict.fromkeys(("plan_type", "kind", "members"), pl.String),
}


def timeline(*points):
    """Points as (plan type, day, kind, members)."""
    rows = [
        {"plan_type": plan, "begins_on": day, "kind": kind, "members": members, "option_id": 7}
        | {"client_id": 1, "person_id": 1, "benefit_record": 0, "slot": 0}
        for plan, day, kind, members in points
    ]
    return pl.DataFrame(rows, schema={name: TYPES.get(name, pl.Int64) for name in HELD})


def nothing_moved():
    columns = ("client_id", "person_id", "benefit_record", "schedule_id", "event_number")
    places = {name: TYPES.get(name, pl.Int32) for name in columns}
    said = {"event_on": pl.Date, **dict.fromkeys(("process_status", "event_status"), pl.String)}
    events = pl.DataFrame(schema=places | said | {"process_indicator": pl.String})
    return event_changes(events, events)


BEFORE = timeline(("10", SPRING, "E", "11 12"))


@pytest.mark.parametrize(
    ("what", "before", "after", "is_held"),
    [
        ("nothing differs", BEFORE, BEFORE, False),
        ("it never began", BEFORE, timeline(), True),
        ("it ends on a past day", BEFORE, timeline(("10", SPRING, "E", "11 12"), ("10", MAY, "T", None)), True),
        ("it ends today", BEFORE, timeline(("10", SPRING, "E", "11 12"), ("10", AS_OF, "T", None)), False),
        ("it ends ahead", BEFORE, timeline(("10", SPRING, "E", "11 12"), ("10", LATER, "T", None)), False),
        ("it begins later", BEFORE, timeline(("10", MAY, "E", "11 12")), True),
        ("it begins earlier", BEFORE, timeline(("10", date(2026, 2, 1), "E", "11 12")), False),
        ("a dependent goes", BEFORE, timeline(("10", SPRING, "E", "11")), True),
        ("a dependent comes", BEFORE, timeline(("10", SPRING, "E", "11 12 13")), False),
        ("a dependent goes ahead", BEFORE, timeline(("10", SPRING, "E", "11 12"), ("10", LATER, "E", "11")), False),
        ("it is declined", BEFORE, timeline(("10", SPRING, "W", None)), True),
        ("another medical plan type covers", BEFORE, timeline(("12", SPRING, "E", "11 12")), False),
        ("another covers the employee only", BEFORE, timeline(("12", SPRING, "E", None)), True),
        ("dental is not medical", timeline(("11", SPRING, "E", None)), timeline(), False),
        ("that of others is", timeline(("15", SPRING, "E", "11")), timeline(), True),
        ("major medical is", timeline(("13", SPRING, "D", None)), timeline(), True),
        ("what was ended is not", timeline(("10", SPRING, "T", None)), timeline(), False),
    ],
)  # fmt: skip
def test_medical_coverage_of_a_past_day_is_not_taken_away_by_itself(what, before, after, is_held):
    found = held_back(before, after, nothing_moved(), as_of=AS_OF)
    expected = ["medical coverage would end on a past day"] if is_held else []
    assert found["why"].to_list() == expected, what
