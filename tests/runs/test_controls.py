"""How run controls repeat: on which days their turn comes, and until when one is due."""

from datetime import date

import pytest

from openbenefits.runs.controls import falls_on, is_due

JANUARY, MARCH = date(2026, 1, 31), date(2026, 3, 31)
REPEATS = [  # repeats, runs_on, last run for, day, its turn, due
    ("nightly", None, None, "2026-03-31", True, True),
    ("nightly", None, "2026-03-31", "2026-03-31", True, False),
    ("nightly", None, "2026-03-30", "2026-03-31", True, True),
    ("monthly", JANUARY, None, "2026-02-28", True, True),
    ("monthly", JANUARY, "2026-02-28", "2026-02-28", True, False),
    ("monthly", JANUARY, None, "2026-03-30", False, False),
    ("monthly", None, None, "2026-03-01", True, True),
    ("once", MARCH, None, "2026-03-30", False, False),
    ("once", MARCH, None, "2026-03-31", True, True),
    ("once", MARCH, None, "2026-04-02", False, True),  # a night was missed
    ("once", MARCH, "2026-03-31", "2026-04-02", False, False),  # it has run: never again by itself
    ("once", None, None, "2026-03-31", False, False),
    ("on_demand", None, None, "2026-03-31", False, False),
]


@pytest.mark.parametrize(("repeats", "runs_on", "last", "day", "turn", "due"), REPEATS)
def test_how_a_control_repeats(repeats, runs_on, last, day, turn, due):
    last_as_of = None if last is None else date.fromisoformat(last)
    row = {"repeats": repeats, "runs_on": runs_on, "last_as_of": last_as_of}
    row["last_run"] = None if last is None else 1
    on = date.fromisoformat(day)
    assert (falls_on(row, on), is_due(row, on)) == (turn, due)
