"""Leaves without pay on a real database: ways to pay, letters, lapse, catching up with consent, paying before."""

from datetime import date

import pytest
from tests.programs.factories import DATED

from openbenefits.core.codes import LeaveWay

from .test_ledger import allow, asked, balances, medical, stored, take, write
from .worlds import NOW, World

AWAY, BACK = date(2026, 3, 2), date(2026, 4, 13)
FIRST, LAST = date(2026, 1, 4), date(2026, 4, 12)
POLICY = {**DATED, "code": "FAMILY", "name": "Family leave", "kind": "fmla", "lapse_class": "MSC"}
POLICY |= {"ways": ["pay_as_you_go", "catch_up", "prepay"], "default_way": "pay_as_you_go"}
PAYS = [
    *(date(2026, 1, 4), date(2026, 1, 18), date(2026, 2, 1), date(2026, 2, 15), date(2026, 3, 1)),
    *(date(2026, 3, 15), date(2026, 3, 29), date(2026, 4, 12), date(2026, 4, 26)),
]
DURING = [day for day in PAYS if AWAY <= day < BACK]


@pytest.fixture
def world(fresh_database, kept, tmp_path):
    return kept(
        fresh_database, "leaves", lambda: World(fresh_database, tmp_path, {"leave_policies": [POLICY]})
    )


@pytest.fixture
def ann(world):
    person = world.hire("0007")
    world.cover(person, "10", "HMO-1")
    return person


def job(world, person, on, action, status):
    world.workforce.change_job(
        world.client_id,
        person,
        on=on,
        changes={"job_status": status},
        action=action,
        made_by="test",
        now=NOW,
    )


def leave(world, person):
    from openbenefits.payroll.leaves import Leave

    return Leave(client_id=world.client_id, person_id=person, leave_from=AWAY)


def choose(world, person, way, **more):
    from openbenefits.payroll.leaves import choose

    said = {"on": AWAY, "consent": "signed 2 March", "author": "test", "now": NOW}
    return choose(world.connection, leave(world, person), LeaveWay(way), **(said | more))


def report(world, path, through, until_leave=AWAY):
    """Payroll takes the medical deduction in every pay but those of the leave."""
    paid = ["31.03", "31.02", "31.02", "31.03", "31.02", "31.03", "31.02", "31.03", "31.02"]
    rows = [
        ("0007", "10", "B", day, "0" if day in DURING and until_leave <= day else dollars)
        for day, dollars in zip(PAYS, paid, strict=True)
        if day <= through
    ]
    take(world, write(path, *rows))


def standing(world, on):
    from openbenefits.payroll.leaves import standings

    return standings(world.connection, world.client_id, on).row(0, named=True)


def proposed(world, on, **terms):
    from openbenefits.payroll.ledger import propose
    from openbenefits.payroll.rules.corrections import Agreed

    return medical(propose(world.connection, asked(world, through=on), on=on, agreed=Agreed(**terms)))


def test_a_choice_must_be_offered_and_is_kept_once(world, ann):
    from openbenefits.payroll.leaves import LeaveRefused

    with pytest.raises(LeaveRefused, match="none"):
        choose(world, ann, "catch_up")  # there is no leave yet
    job(world, ann, AWAY, "DTA", "L")
    with pytest.raises(LeaveRefused, match="consent"):
        choose(world, ann, "catch_up", consent=" ")
    with pytest.raises(LeaveRefused, match="last day"):
        choose(world, ann, "prepay")
    with pytest.raises(LeaveRefused, match="2026-03-02 on"):
        choose(world, ann, "prepay", through=date(2026, 3, 1))
    assert standing(world, AWAY)["way"] == "pay_as_you_go"  # the policy's, without a choice
    assert choose(world, ann, "catch_up")
    assert not choose(world, ann, "catch_up")
    assert standing(world, AWAY)["way"] == "catch_up"
    assert len(stored(world, "payroll_leaveact")) == 1


def test_paid_leave_is_none_and_without_a_policy_somebody_must_set_one_up(fresh_database, tmp_path):
    from openbenefits.payroll.leaves import LeaveRefused

    plain = World(fresh_database, tmp_path)
    person = plain.hire("0007")
    plain.cover(person, "10", "HMO-1")
    allow(plain)
    job(plain, person, date(2026, 1, 20), "DTA", "P")
    with pytest.raises(LeaveRefused, match="none"):
        choose(plain, person, "catch_up")
    job(plain, person, AWAY, "DTA", "L")
    with pytest.raises(LeaveRefused, match="no policy"):
        choose(plain, person, "catch_up")
    report(plain, tmp_path / "taken.csv", LAST)
    rows = proposed(plain, LAST)
    assert rows.select("status", "why").rows() == [("task", "no leave policy")]


def test_caught_up_after_the_return_with_the_consent_given_for_the_leave(world, ann, tmp_path):
    allow(world, periods=3, needs_consent=True)
    job(world, ann, AWAY, "DTA", "L")
    choose(world, ann, "catch_up")
    report(world, tmp_path / "a.csv", LAST)
    missed = medical(balances(world, through=LAST)).row(0, named=True)["correct_cents"]
    assert missed == 3102 + 3103  # 29 March is the third pay of its month: nothing is owed
    waits = proposed(world, LAST)
    assert waits.select("status", "why", "cents").rows() == [("waits", "catch up", None)]
    job(world, ann, BACK, "DTA", "A")
    after = proposed(world, BACK)
    assert after.select("status", "consent").unique().rows() == [("ready", "signed 2 March")]
    assert after["cents"].sum() == missed
    assert after.height == 3
    assert after["ends_on"].min() == date(2026, 4, 26)  # none of the pays of the leave


def test_consent_for_the_leave_covers_no_more_than_was_missed_in_it(world, ann, tmp_path):
    allow(world, needs_consent=True)
    job(world, ann, AWAY, "DTA", "L")
    choose(world, ann, "catch_up")
    job(world, ann, BACK, "DTA", "A")
    rows = [("0007", "10", "B", day, "0") for day in PAYS if day <= LAST]  # nothing at all was taken
    take(world, write(tmp_path / "a.csv", *rows))
    assert proposed(world, BACK)["status"].unique().to_list() == ["consent"]


def test_paid_as_one_goes_late_noticed_and_lapsed(world, ann, tmp_path):
    from openbenefits.events.models import Activity
    from openbenefits.payroll.leaves import LeaveRefused, lapse, notice, receive

    job(world, ann, AWAY, "DTA", "L")
    said = {"author": "test", "now": NOW}
    report(world, tmp_path / "a.csv", date(2026, 4, 26))
    # the pay to 15 March has its check on 20 March: due then, late from 20 April, the letter out by 5 April
    assert standing(world, date(2026, 3, 19))["standing"] == "paid"
    first = standing(world, date(2026, 3, 20))
    assert (first["standing"], first["due_cents"], first["oldest_due_on"]) == ("due", 3102, date(2026, 3, 20))
    assert first["notice_from"] == date(2026, 4, 5)
    assert standing(world, date(2026, 4, 4))["standing"] == "due"
    assert standing(world, date(2026, 4, 5))["standing"] == "notice"
    with pytest.raises(LeaveRefused, match="late"):
        notice(world.connection, leave(world, ann), on=date(2026, 3, 19), reason="letter", **said)
    assert notice(world.connection, leave(world, ann), on=date(2026, 4, 8), reason="letter 1", **said)
    assert not notice(world.connection, leave(world, ann), on=date(2026, 4, 8), reason="letter 1", **said)
    noticed = standing(world, date(2026, 4, 22))
    assert (noticed["standing"], noticed["may_end_on"]) == ("noticed", date(2026, 4, 23))
    assert lapse(world.connection, world.client_id, date(2026, 4, 22), **said).is_empty()
    with pytest.raises(LeaveRefused, match=r"62\.05"):
        receive(world.connection, leave(world, ann), 6_206, on=date(2026, 4, 22), how="check", **said)
    settled = receive(
        world.connection, leave(world, ann), 2_000, on=date(2026, 4, 20), how="check 17", **said
    )
    assert settled.select("ends_on", "received_cents").rows() == [(date(2026, 3, 15), 2_000)]
    late = standing(world, date(2026, 4, 23))
    assert (late["standing"], late["open_cents"]) == ("lapse", 1_102 + 3_103)
    done = lapse(world.connection, world.client_id, date(2026, 4, 23), **said)
    assert done.select("employee_number", "may_end_on", "lapse_class", "done").rows() == [
        ("0007", date(2026, 4, 23), "MSC", True)
    ]
    assert Activity.objects.filter(person_id=ann, bas_action="MSC", event_on=date(2026, 4, 23)).count() == 1
    again = lapse(world.connection, world.client_id, date(2026, 4, 23), **said)
    assert again["done"].to_list() == [False]


def test_what_is_received_settles_the_oldest_first_and_is_never_taken_again(world, ann, tmp_path):
    from openbenefits.payroll.leaves import receive

    allow(world)
    job(world, ann, AWAY, "DTA", "L")
    report(world, tmp_path / "a.csv", LAST)
    on, said = date(2026, 4, 17), {"author": "test", "now": NOW}
    for cents in (3_000, 3_205):
        receive(world.connection, leave(world, ann), cents, on=on, how="check", **said)
    assert standing(world, on)["standing"] == "paid"
    row = medical(balances(world, through=LAST)).row(0, named=True)
    assert (row["received_cents"], row["correct_cents"]) == (6_205, 0)
    assert row["balance_cents"] == row["owed_cents"] - row["taken_cents"] - row["received_cents"]
    job(world, ann, BACK, "DTA", "A")
    assert proposed(world, BACK).is_empty()


def test_a_letter_of_an_earlier_default_counts_no_more(world, ann, tmp_path):
    from openbenefits.payroll.leaves import notice, receive

    job(world, ann, AWAY, "DTA", "L")
    report(world, tmp_path / "a.csv", LAST)
    said = {"author": "test", "now": NOW}
    notice(world.connection, leave(world, ann), on=date(2026, 4, 6), reason="letter", **said)
    receive(world.connection, leave(world, ann), 3_102, on=date(2026, 4, 10), how="check", **said)
    later = standing(world, date(2026, 5, 2))
    assert (later["oldest_due_on"], later["standing"]) == (date(2026, 4, 17), "due")
    assert standing(world, date(2026, 5, 3))["standing"] == "notice"


def test_paid_before_the_leave_once_and_not_given_back(world, ann, tmp_path):
    from openbenefits.payroll.leaves import prepay

    job(world, ann, AWAY, "DTA", "L")
    on = date(2026, 2, 1)
    choose(world, ann, "prepay", on=on, through=LAST)
    report(world, tmp_path / "a.csv", date(2026, 1, 18))
    said = {"on": on, "author": "test", "now": NOW}
    done = medical(prepay(world.connection, asked(world, through=on), **said))
    assert done.select("ends_on", "cents", "taken_as", "status").rows() == [
        (date(2026, 2, 1), 2_068, "B", "ready"),
        (date(2026, 2, 15), 2_069, "B", "ready"),
        (date(2026, 3, 1), 2_068, "B", "ready"),
    ]
    assert prepay(world.connection, asked(world, through=on), **said).is_empty()
    held = proposed(world, date(2026, 2, 2))
    assert held.select("status", "why").rows() == [("waits", "prepaid")]
    rows = [
        ("0007", "10", "B", day, dollars)
        for day, dollars in (
            (date(2026, 2, 1), "51.70"),
            (date(2026, 2, 15), "51.72"),
            (date(2026, 3, 1), "51.70"),
            (date(2026, 3, 15), "0"),
            (date(2026, 3, 29), "0"),
            (date(2026, 4, 12), "0"),
        )
    ]
    take(world, write(tmp_path / "b.csv", *rows))
    job(world, ann, BACK, "DTA", "A")
    assert medical(balances(world, through=LAST))["correct_cents"].to_list() == [0]
    assert proposed(world, BACK).is_empty()


def test_who_comes_back_early_gets_the_rest_of_what_was_prepaid(world, ann, tmp_path):
    from openbenefits.payroll.leaves import prepay

    job(world, ann, AWAY, "DTA", "L")
    on = date(2026, 2, 1)
    choose(world, ann, "prepay", on=on, through=LAST)
    report(world, tmp_path / "a.csv", date(2026, 1, 18))
    prepay(world.connection, asked(world, through=on), on=on, author="test", now=NOW)
    early = date(2026, 3, 30)
    job(world, ann, early, "DTA", "A")
    paid = [("51.70", PAYS[2]), ("51.72", PAYS[3]), ("51.70", PAYS[4]), ("0", PAYS[5]), ("0", PAYS[6])]
    rows = [("0007", "10", "B", day, dollars) for dollars, day in paid]
    take(world, write(tmp_path / "b.csv", *rows))
    back = proposed(world, early)
    assert back.select("status", "cents").rows() == [("ready", -3_103)]


@pytest.mark.parametrize(
    ("percent", "away", "dear"),
    [
        ("102", date(2026, 2, 13), [date(2026, 3, 15), date(2026, 4, 12)]),  # the 30th day after is 15 March
        ("102", date(2026, 2, 14), [date(2026, 4, 12)]),  # the pay to 15 March ends on the 29th
        ("100", date(2026, 2, 13), [date(2026, 3, 15), date(2026, 4, 12)]),
    ],
)
def test_a_long_military_leave_costs_the_full_price(fresh_database, tmp_path, percent, away, dear):
    from openbenefits.payroll.services import owed

    policy = POLICY | {"kind": "military", "full_cost_after_days": 30, "full_cost_percent": float(percent)}
    world = World(fresh_database, tmp_path, {"leave_policies": [policy]})
    person = world.hire("0007")
    world.cover(person, "10", "HMO-1")
    world.cover(person, "20", "LIFE")

    def lines():
        span = {"begin": PAYS[0], "through": PAYS[-1]}
        rows = owed(world.connection, world.client_id, **span).filter(kind="deduction")
        return {(row["plan_type"], row["ends_on"]): row for row in rows.iter_rows(named=True)}

    usual = lines()
    job(world, person, away, "DTA", "L")
    job(world, person, BACK, "DTA", "A")
    found = lines()
    assert [key[1] for key, row in found.items() if row["owed_cents"] != usual[key]["owed_cents"]] == dear
    for day in dear:
        row, before = found["10", day], usual["10", day]
        total = (before["owed_cents"] + before["employer_cents"]) * int(percent)
        assert (row["owed_cents"], row["employer_cents"]) == ((total + 50) // 100, 0)
    told = {
        day: row["cause"] for (plan_type, day), row in found.items() if plan_type == "10" and row["cause"]
    }
    assert [day for day, cause in told.items() if cause == "leave"] == [dear[0], date(2026, 4, 26)]


def test_credits_not_paid_during_a_leave_are_no_recovery_and_do_not_wait(world, ann, tmp_path):
    from openbenefits.payroll.ledger import propose
    from openbenefits.payroll.rules.corrections import Agreed

    job(world, ann, AWAY, "DTA", "L")
    report(world, tmp_path / "a.csv", LAST)
    rows = propose(world.connection, asked(world, through=LAST), on=LAST, agreed=Agreed())
    told = dict(rows.select("kind", "why").rows())
    assert told == {"deduction": "as you go", "credit": "no open pay"}
