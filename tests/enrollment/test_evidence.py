"""How coverage that waits for evidence rises by what is approved, in every replay (docs/rules.md §8)."""

from datetime import date

import polars as pl
import pytest

from openbenefits.enrollment.frames import APPROVED_COLUMNS, COVERAGE_COLUMNS
from openbenefits.enrollment.rules.evidence import EVIDENCE_APPROVED, rises, rises_overtaken, with_ends

MARCH, APRIL, MAY, JUNE = (date(2026, month, 1) for month in (3, 4, 5, 6))


def points(*rows, rule="begins by election"):
    """Points as (day, covered, asked, rule, event)."""
    filled = [
        {"begins_on": day, "coverage_cents": covered, "requested_coverage_cents": asked}
        | {"rule": said or rule, "event_number": event, "schedule_id": 1}
        | {"client_id": 1, "person_id": 1, "benefit_record": 0, "plan_type": "21", "slot": 0, "version": 1}
        | {"deduction_begins_on": day}
        for day, covered, asked, said, event in rows
    ]
    return pl.DataFrame(filled, schema=COVERAGE_COLUMNS)


def approvals(*rows):
    filled = [
        {"client_id": 1, "person_id": 1, "plan_type": "21", "valid_from": day, "approved_cents": cents}
        for day, cents in rows
    ]
    return pl.DataFrame(filled, schema=APPROVED_COLUMNS)


WAITS = (MARCH, 150, 208, None, 1)


@pytest.mark.parametrize(
    ("what", "held", "approved", "known_to", "expected"),
    [
        ("nothing approved", [WAITS], [], None, []),
        ("all of it", [WAITS], [(APRIL, 208)], None, [(APRIL, 208, None)]),
        ("more than asked", [WAITS], [(APRIL, 300)], None, [(APRIL, 208, None)]),
        ("a part", [WAITS], [(APRIL, 180)], None, [(APRIL, 180, 208)]),
        ("no more than is covered", [WAITS], [(APRIL, 150)], None, []),
        ("less than is covered", [WAITS], [(APRIL, 100)], None, []),
        ("in two steps", [WAITS], [(APRIL, 180), (MAY, 208)], None, [(APRIL, 180, 208), (MAY, 208, None)]),
        ("less at the second time", [WAITS], [(APRIL, 180), (MAY, 160)], None, [(APRIL, 180, 208)]),
        ("before it begins", [(APRIL, 150, 208, None, 1)], [(MARCH, 208)], None, [(APRIL, 208, None)]),
        ("up to the event's day: known", [WAITS], [(APRIL, 208)], APRIL, []),
        ("after the event's day", [WAITS], [(MAY, 208)], APRIL, [(MAY, 208, None)]),
        ("nothing was asked", [(MARCH, 150, None, None, 1)], [(APRIL, 208)], None, []),
        ("after it ended", [WAITS, (APRIL, None, None, None, 2)], [(MAY, 208)], None, []),
        ("on the day it ends", [WAITS, (APRIL, None, None, None, 2)], [(APRIL, 208)], None, []),
        (
            "what begins later asks too",
            [WAITS, (MAY, 150, 300, None, 2)],
            [(APRIL, 208)],
            None,
            [(APRIL, 208, None), (MAY, 208, 300)],
        ),
    ],
)
def test_coverage_rises_by_what_is_approved(what, held, approved, known_to, expected):
    waiting = with_ends(points(*held)).with_columns(approved_to=pl.lit(known_to, pl.Date))
    found = rises(waiting, approvals(*approved)).sort("begins_on")
    told = found.select("begins_on", "coverage_cents", "requested_coverage_cents").rows()
    assert told == expected, what
    assert set(found["rule"]) <= {EVIDENCE_APPROVED}
    assert (found["deduction_begins_on"] == found["begins_on"]).all()


def test_deduction_of_what_was_approved_does_not_begin_before_that_of_the_point():
    late = points(WAITS).with_columns(deduction_begins_on=pl.lit(JUNE))
    waiting = with_ends(late).with_columns(approved_to=pl.lit(None, pl.Date))
    assert rises(waiting, approvals((APRIL, 208)))["deduction_begins_on"].to_list() == [JUNE]


RISE = (MAY, 208, None, EVIDENCE_APPROVED, 1)


@pytest.mark.parametrize(
    ("what", "standing", "new", "gone"),
    [
        ("its own point stands", [WAITS, RISE], [], []),
        ("an earlier one is written", [WAITS, RISE], [(date(2026, 2, 1), 50, None, None, 2)], []),
        ("one in between is written", [WAITS, RISE], [(APRIL, 50, None, None, 2)], [(MAY, 2)]),
        ("its own is written again", [RISE], [WAITS], [(MAY, 1)]),
        ("a later one is written", [WAITS, RISE], [(JUNE, 50, None, None, 2)], []),
        ("another rise stands in between", [WAITS, (APRIL, 180, 208, EVIDENCE_APPROVED, 1), RISE],
         [(date(2026, 3, 15), 50, None, None, 2)], [(APRIL, 2), (MAY, 2)]),
    ],
)  # fmt: skip
def test_a_rise_goes_with_the_point_it_raised(what, standing, new, gone):
    found = rises_overtaken(points(*new), points(*standing)).sort("begins_on")
    assert found.select("begins_on", "superseded_by_event").rows() == gone, what
