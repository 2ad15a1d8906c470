"""Business time, who gets a ticket, when it is escalated and who is told: as tables."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.casework.codes import Default, Happening
from openbenefits.casework.rules.assigning import Assigned, Assignee, House, Kind, assign
from openbenefits.casework.rules.calendar import (
    Calendar,
    CalendarRefused,
    add_business_hours,
    business_seconds,
    due_on,
    holidays_of,
    is_business_day,
)
from openbenefits.casework.rules.escalating import Hours, Step, closest, level_reached, levels_at, steps_due
from openbenefits.casework.rules.quiet import Hours as QuietHours
from openbenefits.casework.rules.quiet import are_quiet
from openbenefits.casework.rules.telling import Around, recipients

HOUSE = Calendar(closed=frozenset({date(2026, 11, 27)}), worked=frozenset({date(2026, 10, 12)}))
NEW_YORK = ZoneInfo("America/New_York")

DUE = [  # start, n, in business days, due
    ("2026-03-02", 5, True, "2026-03-09"),  # a Monday
    ("2026-03-06", 1, True, "2026-03-09"),  # a Friday
    ("2026-03-07", 1, True, "2026-03-09"),  # a Saturday
    ("2026-03-07", 0, True, "2026-03-09"),
    ("2026-03-09", 0, True, "2026-03-09"),
    ("2026-03-09", -1, True, "2026-03-06"),
    ("2026-03-08", -1, True, "2026-03-06"),
    ("2026-07-02", 1, True, "2026-07-06"),  # Independence Day falls on a Saturday: the Friday is kept
    ("2026-11-25", 1, True, "2026-11-30"),  # Thanksgiving, and the day the house closes beside
    ("2026-10-09", 1, True, "2026-10-12"),  # Columbus Day, on which the house works
    ("2026-12-31", 1, True, "2027-01-04"),
    ("2026-03-02", 5, False, "2026-03-07"),
    ("2026-03-02", -60, False, "2026-01-01"),
]


@pytest.mark.parametrize(("start", "n", "business", "due"), DUE)
def test_days_after_a_day(start, n, business, due):
    found = due_on(date.fromisoformat(start), n, business=business, calendar=HOUSE)
    assert found.isoformat() == due


@given(st.dates(date(2020, 1, 1), date(2035, 12, 31)), st.integers(-250, 250))
def test_a_business_day_counts_one_by_one(start, n):
    found = due_on(start, n, calendar=HOUSE)
    assert is_business_day(found, HOUSE)
    first, last = sorted((start, found))
    days = [date.fromordinal(one) for one in range(first.toordinal(), last.toordinal() + 1)]
    passed = sum(is_business_day(one, HOUSE) for one in days) - is_business_day(start, HOUSE)
    assert passed == abs(n) or n == 0


HOURS = [  # begins (New York), hours, ends (New York)
    ("2026-03-02 10:00", 4, "2026-03-02 14:00"),
    ("2026-03-02 10:00", 7, "2026-03-02 17:00"),
    ("2026-03-02 10:00", "7.5", "2026-03-03 08:30"),
    ("2026-03-02 06:00", 1, "2026-03-02 09:00"),
    ("2026-03-02 17:00", 1, "2026-03-03 09:00"),
    ("2026-03-06 16:00", 2, "2026-03-09 09:00"),  # over the weekend on which clocks go forward
    ("2026-03-02 10:00", 0, "2026-03-02 10:00"),
    ("2026-03-07 12:00", 0, "2026-03-09 08:00"),
    ("2026-11-25 16:00", 2, "2026-11-30 09:00"),
    ("2026-03-02 10:00", 45, "2026-03-09 10:00"),
]


@pytest.mark.parametrize(("begins", "hours", "ends"), HOURS)
def test_business_hours_after_a_moment(begins, hours, ends):
    start = datetime.fromisoformat(begins).replace(tzinfo=NEW_YORK)
    found = add_business_hours(start, Decimal(hours), HOUSE)
    assert f"{found.astimezone(NEW_YORK):%Y-%m-%d %H:%M}" == ends


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.integers(0, 100),
    st.integers(0, 100),
)
def test_hours_add_up(start, first, second):
    both = add_business_hours(start, first + second, HOUSE)
    assert both >= add_business_hours(start, first, HOUSE)
    one_by_one = add_business_hours(add_business_hours(start, first, HOUSE), second, HOUSE)
    # an hour that ends at closing time is the opening of the next day
    assert add_business_hours(both, 0, HOUSE) == add_business_hours(one_by_one, 0, HOUSE) or second == 0


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    st.integers(0, 60),
)
def test_hours_between_two_moments_are_those_added(start, hours):
    end = add_business_hours(start, hours, HOUSE)
    assert business_seconds(start, end, HOUSE) == hours * 3600
    assert business_seconds(end, start, HOUSE) == 0 or hours == 0


def test_a_calendar_that_cannot_be_is_refused():
    with pytest.raises(CalendarRefused, match="end after they begin"):
        Calendar(opens=time(9), closes=time(9))
    with pytest.raises(CalendarRefused, match="with its zone"):
        add_business_hours(datetime(2026, 1, 1), 1)
    with pytest.raises(CalendarRefused, match="within ten years"):
        due_on(date(2026, 1, 1), 4000)
    assert date(2026, 10, 12) not in holidays_of(HOUSE, 2026)
    assert holidays_of(HOUSE, 2026)[date(2026, 11, 26)] == "Thanksgiving Day"
    assert is_business_day(date(2026, 4, 20), Calendar())
    assert not is_business_day(date(2026, 4, 20), Calendar(state="MA"))  # Patriots' Day


TEAM = {"specialist": 1, "payroll": 2}
STAFF = House(
    team=TEAM,
    managers={"benefits": 9},
    departments={"nurse": "benefits"},
    present=frozenset({1, 2, 3, 5, 9}),
    backups={1: 5, 3: 4},
    away=frozenset({3}),
)
NOBODY = Assigned(queue="unassigned", is_unassigned=True)
CREATED, OF_ROLE = Kind(), Kind(assigns=Default.ROLE, role="specialist", department="benefits")
ASSIGNED = {
    "a user": (Assignee(user_id=2), CREATED, STAFF, Assigned(user_id=2)),
    "a role": (Assignee(role="payroll"), CREATED, STAFF, Assigned(user_id=2, role="payroll")),
    "a queue": (Assignee(queue="desk"), OF_ROLE, STAFF, Assigned(queue="desk")),
    "nothing said, to its maker": (Assignee(), CREATED, STAFF, Assigned(user_id=5)),
    "nothing said, by its type": (Assignee(), OF_ROLE, STAFF, Assigned(user_id=1, role="specialist")),
    "who cannot sign in: the backup": (Assignee(user_id=8, backup=2), CREATED, STAFF, Assigned(user_id=2)),
    "who is away without a deputy there": (Assignee(user_id=3), CREATED, STAFF, NOBODY),
    "the backup of the type": (Assignee(user_id=8), Kind(backup=1), STAFF, Assigned(user_id=1)),
    "the manager of the type": (Assignee(user_id=8), Kind(department="benefits"), STAFF, Assigned(user_id=9)),
    "the manager of the role": (
        Assignee(role="nurse"),
        CREATED,
        STAFF,
        Assigned(user_id=9, role="nurse"),
    ),
    "a role nobody plays": (
        Assignee(role="clown"),
        CREATED,
        STAFF,
        Assigned(queue="unassigned", role="clown", is_unassigned=True),
    ),
    "a role nobody plays, in a queue": (
        Assignee(role="clown", queue="desk"),
        CREATED,
        STAFF,
        Assigned(queue="desk", role="clown"),
    ),
    "nobody known, but a backup": (
        Assignee(queue="unassigned", backup=2),
        CREATED,
        STAFF,
        Assigned(user_id=2),
    ),
    "nobody known": (Assignee(queue="unassigned"), CREATED, STAFF, NOBODY),
    "nobody at all": (Assignee(user_id=8), CREATED, House(), NOBODY),
}


@pytest.mark.parametrize("case", ASSIGNED)
def test_who_gets_a_ticket(case):
    wanted, kind, house, expected = ASSIGNED[case]
    assert assign(wanted, kind, house, creator=5) == expected


def test_an_absence_passes_to_the_deputy():
    away = House(present=frozenset({1, 5}), backups={1: 5}, away=frozenset({1}))
    assert assign(Assignee(user_id=1), CREATED, away, creator=None).user_id == 5


def hours(category, kind, priority, level_1=1):
    return Hours(category=category, kind=kind, priority=priority, level_1=level_1, level_2=None)


ROWS = [
    hours("", "", "high", 1),
    hours("invoice", "", "high", 2),
    hours("invoice", "dispute", "high", 3),
    hours("invoice", "dispute", "low", 4),
    hours("", "", "low", 5),
]
CLOSEST = [
    (("invoice", "dispute", "high"), 3),
    (("invoice", "dispute", "low"), 4),
    (("invoice", "other", "high"), 2),
    (("invoice", "other", "low"), 5),
    (("carrier", "dispute", "high"), 1),
    (("carrier", "", "medium"), None),
]


@pytest.mark.parametrize(("asked", "expected"), CLOSEST)
def test_the_row_that_fits_most_closely_counts(asked, expected):
    found = closest(ROWS, *asked)
    assert (found and found.level_1) == expected
    assert closest(ROWS[::-1], *asked) == found


def test_a_step_of_any_priority_stands_behind_that_of_one():
    steps = [
        Step(category="", kind="", priority="", level=1),
        Step(category="", kind="", priority="low", level=1),
    ]
    assert closest(steps, "x", "", "low") is steps[1]
    assert closest(steps, "x", "", "high") is steps[0]


def test_levels_are_moments_of_business_time_and_reached_once():
    opened = datetime(2026, 3, 6, 21, tzinfo=UTC)  # Friday, 16 o'clock in New York
    first, second = levels_at(
        Hours(category="", kind="", priority="high", level_1=Decimal(2), level_2=Decimal(10)), opened, HOUSE
    )
    assert (first, second) == (datetime(2026, 3, 9, 13, tzinfo=UTC), datetime(2026, 3, 9, 21, tzinfo=UTC))
    assert levels_at(None, opened, HOUSE) == (None, None)
    assert [level_reached(first, second, one) for one in (opened, first, second)] == [0, 1, 2]
    assert level_reached(None, None, second) == 0
    assert [steps_due(*one) for one in ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (1, 1))] == [
        (),
        (1,),
        (1, 2),
        (2,),
        (),
        (),
    ]


AROUND = Around(
    assignee=1,
    owner=2,
    notify=frozenset({3}),
    notified=4,
    level_1=5,
    level_2=6,
    manager=7,
    administrators=frozenset({8}),
    followers=frozenset({9}),
    told=frozenset({10}),
    muted=frozenset({99}),
)
TOLD = {
    Happening.OPENED: {1, 3, 4, 9, 10},
    Happening.CHANGED: {1, 3, 4, 9, 10},
    Happening.ENDED: {1, 2, 3, 4, 9, 10},
    Happening.COMMENTED: {1, 3, 4, 9, 10},
    Happening.UNASSIGNED: {1, 3, 4, 7, 9, 10},
    Happening.LEVEL_1: {1, 4, 5, 10},
    Happening.LEVEL_2: {1, 4, 5, 6, 10},
    Happening.DUE_SOON: {1},
    Happening.OVERDUE: {1, 2},
}


@pytest.mark.parametrize("happening", Happening)
def test_who_is_told(happening):
    assert recipients(happening, AROUND, None) == TOLD[happening]
    assert recipients(happening, AROUND, 1) == TOLD[happening] - {1}


def test_the_manager_is_told_of_what_is_critical_and_administrators_where_there_is_none():
    critical = Around(assignee=1, manager=7, is_critical=True, muted=frozenset({1}))
    assert recipients(Happening.OPENED, critical, None) == {7}
    assert recipients(Happening.UNASSIGNED, Around(administrators=frozenset({8})), None) == {8}


WEEKEND = QuietHours(weekdays=frozenset({6, 7}), begins=time(), ends=time())
NIGHTS = QuietHours(weekdays=frozenset({5}), begins=time(22), ends=time(6))
LUNCH = QuietHours(weekdays=frozenset(range(1, 6)), begins=time(12), ends=time(13))
QUIET = [  # hours, moment, quiet
    (WEEKEND, "2026-03-07 00:00", True),  # a Saturday
    (WEEKEND, "2026-03-08 23:59", True),
    (WEEKEND, "2026-03-09 00:00", False),
    (NIGHTS, "2026-03-06 21:59", False),  # a Friday
    (NIGHTS, "2026-03-06 22:00", True),
    (NIGHTS, "2026-03-07 05:59", True),  # begun on Friday
    (NIGHTS, "2026-03-07 06:00", False),
    (NIGHTS, "2026-03-07 22:30", False),
    (NIGHTS, "2026-03-06 05:00", False),  # begun on Thursday
    (LUNCH, "2026-03-06 12:00", True),
    (LUNCH, "2026-03-06 13:00", False),
    (LUNCH, "2026-03-07 12:30", False),
]


@pytest.mark.parametrize(("hours", "moment", "quiet"), QUIET)
def test_quiet_hours_hold_from_their_beginning_until_before_their_end(hours, moment, quiet):
    assert are_quiet([hours], datetime.fromisoformat(moment)) is quiet
