"""What holds a file: ends said and left out, counts, frozen days."""

from datetime import date

import pytest
from tests.carriers.viewing import made, person, span

from openbenefits.carriers.rules.guards import Freeze, Thresholds, ended, frozen, holds
from openbenefits.carriers.rules.renderings import Manner, changes, full
from openbenefits.carriers.rules.views import View

ON = date(2026, 6, 1)
NAMES = [f"E{number:02d}" for number in range(20)]


def crowd(ending: int = 0, absent: int = 0, more: int = 0) -> View:
    """Twenty employees, some of whom end, are gone without a trace, or are new."""
    names = NAMES[absent:] + [f"N{number:02d}" for number in range(more)]
    rows = [
        span(one, "01-01", "05-31" if at < ending else "", subscriber=one) for at, one in enumerate(names)
    ]
    return made(*rows, people=[person(one, "18") | {"subscriber": one} for one in names])


@pytest.mark.parametrize(
    ("wanted", "thresholds", "codes"),
    [
        (crowd(ending=3), Thresholds(ends=3, ends_percent=15), []),
        (crowd(ending=3), Thresholds(ends=2), ["ends"]),
        (crowd(ending=3), Thresholds(ends_percent=14), ["ends"]),
        (crowd(ending=3), Thresholds(ends_percent=14, from_members=21), []),
        (crowd(absent=4), Thresholds(ends=3, members_percent=19), ["ends", "members"]),
        (crowd(more=5), Thresholds(members_percent=24, ends=0), ["members"]),
        (crowd(more=4), Thresholds(members_percent=20), []),
        (crowd(), Thresholds(), ["empty"]),
    ],
)
def test_a_change_file_waits_for_a_person(wanted, thresholds, codes):
    told = crowd()
    assert [one.code for one in holds(changes(told, wanted, Manner()), told, thresholds, on=ON)] == codes


def test_who_is_left_out_of_a_full_list_is_ended():
    told, wanted = crowd(), crowd(absent=4)
    message = full(told, wanted, Manner(), on=ON)
    assert ended(message, told, on=ON)["member"].to_list() == NAMES[:4]
    (hold,) = holds(message, told, Thresholds(ends=3), on=ON)
    assert "at most 3 members to end, found 4" in hold.words
    repeated = full(told, crowd(ending=4), Manner(days_to_repeat=30), on=ON)
    assert ended(repeated, told, on=ON)["member"].to_list() == NAMES[:4]


def test_who_keeps_a_line_is_not_ended():
    both = [span("S", "01-01"), span("S", "01-01", line="DEN")]
    told = made(*both)
    one_less = changes(told, made(both[0], span("S", "01-01", "05-31", line="DEN")), Manner())
    assert ended(one_less, told, on=ON).is_empty()
    none = changes(told, made(), Manner())
    assert ended(none, told, on=ON)["member"].to_list() == ["S"]
    other = changes(made(both[0]), made(both[1]), Manner())  # one line for another
    assert ended(other, made(both[0]), on=ON).is_empty()


def test_frozen_changes_go_to_the_portal_with_their_family():
    freeze = Freeze(from_on=date(2026, 11, 1), through_on=date(2026, 12, 31), before=date(2027, 1, 1))
    told = made(
        span("S", "01-01"), span("C", "01-01"), span("T", "01-01", subscriber="T"),
        people=[person("S"), person("C"), person("T", "18") | {"subscriber": "T"}],
    )  # fmt: skip
    wanted = made(
        span("S", "01-01", "11-30"), span("C", "01-01"), span("C", "2027-01-01", line="DEN"),
        span("T", "01-01"	, "12-31", subscriber="T"), span("T", "2027-01-01", plan="lead", subscriber="T"),
        people=[person("S"), person("C"), person("T", "18", last_name="New") | {"subscriber": "T"}],
    )  # fmt: skip
    message = changes(told, wanted, Manner())
    sent, worklist = frozen(message, [freeze], on=date(2026, 10, 31))
    assert sent.lines.equals(message.lines)
    assert worklist.is_empty
    sent, worklist = frozen(message, [freeze], on=date(2026, 11, 1))
    assert set(worklist.lines["subscriber"]) == {"S"}
    assert set(sent.people["subscriber"]) == {"T"}  # next year's plan, and a name
