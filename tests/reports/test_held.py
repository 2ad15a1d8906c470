"""Ended windows: held by whom, since when, holding back what (docs/rules.md §14.3)."""

from datetime import date

import polars as pl
import pytest

from openbenefits.programs.models import EventClass
from openbenefits.reports import services
from openbenefits.reports.services import ReportRefused, Selection

from .conftest import EM

ENDS = date(2025, 11, 21)
AS_OF = date(2025, 11, 25)
COLUMNS = ("name", "held_by", "since", "days_held", "unanswered", "plan_types", "holds_back", "later_events")


@pytest.fixture
def waiting(world, ann):
    """Ann unanswered; Dan with an answer that has errors; Gil behind his own marriage; Eve settled."""
    for number, first, last in (("1002", "Dan", "Reed"), ("1003", "Eve", "Hall"), ("1005", "Gil", "Bond")):
        world.person(number, first, last)
    dan = world.event("1002", process_status="EE")
    world.offer(dan)
    for code in ("BLUE-1", "LIFE2"):
        world.election(dan, code)
    world.event("1003", process_status="FE", event_status="C")
    gil = {"schedule_id": EM, "event_on": date(2025, 10, 10)}
    world.event("1005", event_class="MAR", process_status="NT", window_ends_on=date(2025, 11, 9), **gil)
    later = gil | {"event_number": 1, "event_on": date(2025, 10, 20), "window_ends_on": None}
    world.event("1005", event_class="TER", process_status=None, event_status="C", preparation=0, **later)
    return world


def report(world, as_of=AS_OF, **selection):
    return services.make_report(world.connection, "HELD", Selection(as_of=as_of, **selection))


def holds(code):
    assert EventClass.objects.filter(code=code).update(window_action="hold")


def told(world, **selection):
    return report(world, **selection).main.select(COLUMNS).rows()


def test_what_the_run_of_window_ends_has_not_done_yet_is_held_by_it(waiting):
    assert [(row[0], row[1], row[3]) for row in told(waiting)] == [
        ("Bond, Gil", "the run of window ends", 16),
        ("Moss, Ann", "the run of window ends", 4),
        ("Reed, Dan", "the run of window ends", 4),
    ]


def test_by_whom_since_when_holding_back_what(waiting):
    holds("OE")
    holds("MAR")
    gil, ann, dan = told(waiting)
    assert gil == ("Bond, Gil", "the administrator", date(2025, 11, 10), 16, 0, None, 1, "TER 2025-10-20")
    assert ann[:5] == ("Moss, Ann", "the administrator", date(2025, 11, 22), 4, 3)
    assert len(ann[5].split(", ")) == 3
    assert ann[5].startswith("Medical, Supplemental life, ")
    assert dan[:5] == ("Reed, Dan", "the employee", date(2025, 11, 22), 4, 1)
    assert "health FSA" in dan[5]
    whom = report(waiting).sheets["By whom"].rows()
    assert whom == [("the administrator", 2, 2, 16, 1), ("the employee", 1, 1, 4, 0)]


@pytest.mark.parametrize(("as_of", "count"), [(ENDS, 1), (date(2025, 11, 22), 3)])
def test_the_last_day_of_a_window_holds_nothing_yet(waiting, as_of, count):
    assert report(waiting, as_of=as_of).main.height == count


def test_of_some_schedules_only(waiting):
    assert [row[0] for row in told(waiting, schedule_ids=(EM,))] == ["Bond, Gil"]


def test_it_needs_a_day(waiting):
    with pytest.raises(ReportRefused, match="--as-of"):
        report(waiting, as_of=None)


def test_it_is_written_whole_as_csv(waiting, tmp_path):
    (file, whom) = services.save_report(report(waiting), csv=tmp_path / "held.csv")
    rows = pl.read_csv(file)
    assert rows.height == 3
    assert pl.read_csv(whom).height == 1
