"""Pledges that ended during a leave: what the pays without them would have given, and both ways to go on."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from tests.programs.factories import BEGIN, DATED

from openbenefits.core.codes import Resumption
from openbenefits.payroll import leaves
from openbenefits.payroll.leaves import Leave, LeaveRefused
from openbenefits.payroll.rules.resuming import with_missed
from openbenefits.payroll.services import owed
from openbenefits.programs.models import Schedule
from openbenefits.repair.resuming import ResumeOrder, resume
from openbenefits.runs.services import RunOrder, run

from .test_leaves import AWAY, BACK, POLICY, job
from .worlds import THROUGH, World

LATER = datetime(2026, 4, 20, tzinfo=UTC)
CLASSES = [
    {"code": "LOA", "name": "Leave", "use": "specific", "priority": 300},
    {"code": "RFL", "name": "Return", "use": "specific", "priority": 310},
]
ACTIONS = [{"action": "LOA", "event_class": "LOA"}, {"action": "RFL", "event_class": "RFL"}]
ACCOUNT = {
    **DATED,
    "code": "ACCOUNT",
    "classes": [
        {"event_class": "LOA", "select": "none", "default": "terminate", "coverage_ends": "day_before_event"},
        {"event_class": "RFL", "select": "none", "reinstate_within_days": 184},
        {"default": "current_else_none"},
    ],
}


def with_account(programs):
    programs[0]["plan_types"][2]["event_rule"] = "ACCOUNT"


def leaving_world(connection, folder):
    """A client whose leaves end the account, and whose returns give it back; 100 a pay in 26 pays."""
    peo = {
        "leave_policies": [POLICY],
        "event_classes": lambda rows: rows.extend(CLASSES),
        "actions": lambda rows: rows.extend(ACTIONS),
    }
    client = {"event_rules": lambda rows: rows.append(ACCOUNT), "programs": with_account}
    return World(connection, folder, peo, **client)


def on_leave(world, number, *, is_back=True):
    """Somebody with an account whom the leave left without it; three pays of 100 fall into that time."""
    person = world.hire(number)
    world.cover(person, "60", "FSA", pledge_cents=2600_00)
    job(world, person, AWAY, "LOA", "L")
    process(world, AWAY)
    if is_back:
        job(world, person, BACK, "RFL", "A")
        process(world, BACK)
    return person


def process(world, on):
    schedule = Schedule.objects.get(client_id=world.client_id, code="EM").schedule_id
    order = RunOrder(
        client_id=world.client_id, schedule_id=schedule, as_of=on, floor=BEGIN, is_finalizing=True
    )
    run(world.connection, order, now=LATER)


def say(world, person, resumption, on=BACK):
    leave = Leave(client_id=world.client_id, person_id=person, leave_from=AWAY)
    order = ResumeOrder(
        leave=leave, resumption=Resumption(resumption), on=on, consent="signed", author="test"
    )
    return resume(world.connection, order, now=LATER)


def year(world, person):
    """The year's sum, and the first pay after the return."""
    rows = owed(world.connection, world.client_id, begin=BEGIN, through=THROUGH, person_ids=[person])
    mine = rows.filter(plan_type="60")
    return mine["owed_cents"].sum(), mine.filter(ends_on=date(2026, 4, 26))["owed_cents"].to_list()


@pytest.fixture
def world(fresh_database, kept, tmp_path):
    return kept(fresh_database, "resuming", lambda: leaving_world(fresh_database, tmp_path))


def test_the_whole_year_goes_on_until_somebody_chooses_less_and_the_last_word_counts(world):
    ann = on_leave(world, "0007")
    # 26 CFR 1.125-3 Q&A-6(a)(2): 2,100 left in 18 pays, or 100 as before
    assert year(world, ann) == (2600_00, [11667])
    changed = say(world, ann, "reduced").consequences.deductions
    assert changed.filter(plan_type="60")["ends_on"].n_unique() == 18
    assert year(world, ann) == (2300_00, [100_00])
    assert say(world, ann, "reduced") is None  # said before
    assert say(world, ann, "full") is not None
    assert year(world, ann) == (2600_00, [11667])
    shown = leaves.lapsed(
        world.connection, Leave(client_id=world.client_id, person_id=ann, leave_from=AWAY), on=BACK
    )
    told = ("pledge_cents", "missed_cents", "reduced_cents", "begins_on", "resumption")
    assert shown.select(told).rows() == [(2600_00, 300_00, 2300_00, BACK, "full")]


def test_who_chose_before_the_return_comes_back_with_less_and_again_the_same(world):
    ben = on_leave(world, "0008", is_back=False)
    assert say(world, ben, "reduced", on=date(2026, 4, 1)) is None
    job(world, ben, BACK, "RFL", "A")
    process(world, BACK)
    assert year(world, ben) == (2300_00, [100_00])
    process(world, BACK)
    assert year(world, ben) == (2300_00, [100_00])


def test_without_an_account_that_ended_there_is_nothing_to_choose(world):
    person = world.hire("0009")
    with pytest.raises(LeaveRefused, match="first day of a leave"):
        say(world, person, "reduced")
    job(world, person, AWAY, "LOA", "L")
    with pytest.raises(LeaveRefused, match="pledge that ended during the leave, found none"):
        say(world, person, "reduced")


LAPSE, RETURN = date(2026, 4, 1), date(2026, 7, 1)
MONTHS = [date(2026, month, 28) for month in range(1, 13)]
CASES = [
    ("three months between", LAPSE, RETURN, [10000] * 12, 30000),
    ("back before any pay", LAPSE, date(2026, 4, 28), [10000] * 12, 0),
    ("a pay that ends on the day of the return is paid again", LAPSE, date(2026, 5, 28), [10000] * 12, 10000),
    ("shares that differ by a cent", LAPSE, RETURN, [8333, 8333, 8334] * 4, 25000),
    ("deductions ended later than coverage", date(2026, 5, 1), RETURN, [10000] * 12, 20000),
    ("an amount not known", LAPSE, RETURN, [10000, 10000, 10000, None, *[10000] * 8], None),
    ("a return in another year counts that year alone", LAPSE, date(2027, 2, 1), [10000] * 12, 0),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_what_the_pays_without_it_would_have_given(case):
    """Source: 26 CFR 1.125-3 Q&A-6(a)(2) and (b); docs/rules.md §16.16."""
    _, ended, back, amounts, missed = case
    key = {"client_id": 1, "person_id": 7, "benefit_record": 0, "plan_type": "60"}
    asked = pl.DataFrame([key | {"deduction_resumes_on": ended, "deduction_begins_on": back}])
    lines = [key | {"ends_on": day, "owed_cents": cents} for day, cents in zip(MONTHS, amounts, strict=True)]
    found = with_missed(asked, pl.DataFrame(lines, schema_overrides={"owed_cents": pl.Int64}))
    assert found["missed_cents"].to_list() == [missed]
