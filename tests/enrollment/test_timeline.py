"""Laws of the coverage timeline: change points, each valid until the next."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.enrollment.rules.timeline import POINT_KEY, beside_decided, timeline_changes

DAY = date(2026, 1, 1)
SCHEMA = {
    "client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16, "plan_type": pl.String,
    "slot": pl.Int16, "begins_on": pl.Date, "kind": pl.String, "option_id": pl.Int32, "coverage_cents": pl.Int64,
    "requested_coverage_cents": pl.Int64, "pledge_cents": pl.Int64, "percent_thousandths": pl.Int32,
    "after_tax_thousandths": pl.Int32, "hours_hundredths": pl.Int32,
    "schedule_id": pl.Int32, "event_number": pl.Int32,
    "members": pl.String, "funds": pl.String, "beneficiaries": pl.String,
}  # fmt: skip


def point(day, kind, option=None, **changes):
    row = dict.fromkeys(SCHEMA) | {
        "client_id": 1,
        "person_id": 7,
        "benefit_record": 0,
        "plan_type": "10",
        "slot": 0,
    }
    return row | {"begins_on": DAY + timedelta(days=day), "kind": kind, "option_id": option} | changes


def results(*rows):
    frame = pl.DataFrame([{key: row[key] for key in SCHEMA} for row in rows], schema=SCHEMA)
    return frame.with_columns(flag(rows, "ends_all"), flag(rows, "goes_on"))


def flag(rows, name):
    return pl.Series(name, [row.get(name, False) for row in rows], dtype=pl.Boolean)


def existing(*rows):
    frame = pl.DataFrame([{key: row[key] for key in SCHEMA} for row in rows], schema=SCHEMA)
    return frame.with_columns(flag(rows, "is_to_begin"), version=pl.lit(1, pl.Int32))


def apply(changes, held):
    """What holds after: what is not superseded, and the new points."""
    new, replaced = timeline_changes(changes, held)
    key = [*POINT_KEY, "begins_on", "version"]
    kept = held.join(replaced, on=key, how="anti")
    new = new.with_columns(is_to_begin=pl.lit(value=False))
    return pl.concat([kept, new.select(kept.columns)]).sort(*POINT_KEY, "begins_on")


def test_the_same_coverage_adds_nothing():
    new, replaced = timeline_changes(results(point(30, "E", 5)), existing(point(0, "D", 5)))
    assert new.is_empty()
    assert replaced.is_empty()


def test_a_result_of_the_same_day_replaces_the_point():
    after = apply(results(point(0, "E", 6)), existing(point(0, "D", 5)))
    assert after["option_id"].to_list() == [6]
    assert after["version"].to_list() == [2]


def test_other_dependents_are_another_coverage():
    new, _ = timeline_changes(
        results(point(9, "E", 5, members="1 2")), existing(point(0, "E", 5, members="1"))
    )
    assert new.height == 1


def test_an_ending_takes_later_points_along():
    held = existing(point(0, "E", 5), point(60, "E", 6))
    after = apply(results(point(30, "T", ends_all=True)), held)
    assert after["kind"].to_list() == ["E", "T"]


def test_what_is_decided_anew_takes_the_place_of_what_was_to_begin():
    held = existing(point(0, "E", 5), point(60, "E", 6, is_to_begin=True))
    assert apply(results(point(30, "E", 7)), held)["option_id"].to_list() == [5, 7]


@pytest.mark.parametrize(
    ("decided", "result", "stands"),
    [
        (point(60, "E", 6), point(60, "D", 6, goes_on=True), False),  # what is to begin, as it was said
        (point(60, "E", 6), point(60, "D", 6, goes_on=True, coverage_cents=9), True),  # at another amount
        (point(60, "T"), point(60, "D", 5, goes_on=True), False),  # ended by then: it stays ended
        (point(60, "T"), point(30, "D", 5, goes_on=True, coverage_cents=9), True),  # until then it goes on
        (point(60, "T"), point(60, "E", 7), True),  # chosen anew
        (point(60, "W", 9), point(60, "W", 9, goes_on=True), False),
        (point(60, "T"), point(60, "N"), False),
    ],
)
def test_what_goes_on_leaves_what_was_decided_before_as_it_is(decided, result, stands):
    assert beside_decided(results(result), existing(decided)).height == stands


def test_a_later_point_stands_when_an_earlier_event_is_posted_late():
    after = apply(results(point(30, "E", 7)), existing(point(0, "E", 5), point(60, "E", 6)))
    assert after["option_id"].to_list() == [5, 7, 6]


def test_never_enrolled_is_said_once():
    assert apply(results(point(0, "N")), existing()).height == 1
    assert timeline_changes(results(point(30, "N")), existing(point(0, "N")))[0].is_empty()


points = st.builds(
    point,
    st.integers(0, 40),
    st.sampled_from("EDWTNI"),
    st.sampled_from([None, 5, 6]),
    pledge_cents=st.sampled_from([None, 1000]),
    ends_all=st.booleans(),
)
distinct_days = st.lists(points, max_size=5, unique_by=lambda row: row["begins_on"])


@given(distinct_days, distinct_days)
def test_one_point_a_day_and_applying_again_adds_nothing(changes, held):
    frame, before = results(*changes), existing(*held)
    after = apply(frame, before)
    assert after.select(*POINT_KEY, "begins_on").is_unique().all()
    alone = frame.head(1)
    once = apply(alone, before)
    new, replaced = timeline_changes(alone, once)
    assert new.is_empty()
    assert replaced.is_empty()
