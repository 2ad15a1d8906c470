"""The ledger on a real database: a file of what payroll took, balances, orders, and why a deduction changed."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from .worlds import BEGIN, NOW

FILES = Path(__file__).parent / "files"
FIRST, SECOND, THIRD = date(2026, 1, 4), date(2026, 1, 18), date(2026, 2, 1)
ON = date(2026, 2, 2)


@pytest.fixture
def ann(world):
    person = world.hire("0007")
    world.cover(person, "10", "HMO-1")
    return person


def write(path, *rows):
    """Write rows of (number, plan type, tax class, end of pay, dollars)."""
    names = ("employee_number", "plan_type", "tax_class", "ends_on", "taken")
    texts = [dict(zip(names, map(str, row), strict=True)) | {"pay_group": "BW"} for row in rows]
    pl.DataFrame(texts).write_csv(path)
    return path


def take(world, path, **more):
    from openbenefits.payroll.taken import take

    return take(world.connection, world.client_id, path, now=NOW, made_by="analyst", **more)


def asked(world, **more):
    from openbenefits.payroll.ledger import Asked

    return Asked(**({"client_id": world.client_id, "through": ON} | more))


def balances(world, **more):
    from openbenefits.payroll.ledger import balances

    return balances(world.connection, asked(world, **more))


def medical_arrears(world, on=ON):
    from openbenefits.payroll.arrears import arrears

    return arrears(world.connection, asked(world), on).filter(plan_type="10")


def correct(world, **terms):
    from openbenefits.payroll.ledger import schedule
    from openbenefits.payroll.rules.corrections import Agreed

    agreed = Agreed(**({"pre_tax_ground": "documented error"} | terms))
    said = {"reason": "a deduction was missed", "author": "test", "now": NOW}
    return schedule(world.connection, asked(world), on=ON, agreed=agreed, **said)


def allow(world, **terms):
    from openbenefits.payroll.policies import state_policy

    said = {
        "client_id": 0,
        "state": "",
        "valid_from": BEGIN,
        "source": "the law",
        "author": "test",
        "now": NOW,
    }
    return state_policy(world.connection, **(said | terms))


def stored(world, table="payroll_taken"):
    with world.connection.cursor() as cursor:
        cursor.execute(f"SELECT t::text FROM {table} AS t ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def medical(frame):
    return frame.filter(plan_type="10", kind="deduction")


def test_a_missed_deduction_is_recovered_once(world, ann, tmp_path):
    allow(world, periods=2)
    take(
        world,
        write(tmp_path / "a.csv", ("0007", "10", "B", FIRST, "31.03"), ("0007", "10", "B", SECOND, "0")),
    )
    owing = medical(balances(world)).row(0, named=True)
    assert (owing["owed_cents"], owing["taken_cents"], owing["correct_cents"]) == (6_205, 3_103, 3_102)
    (open_,) = medical_arrears(world).iter_rows(named=True)
    assert (open_["open_cents"], open_["since_on"], open_["0_to_30_days"]) == (3_102, SECOND, 3_102)
    assert medical_arrears(world, on=date(2026, 3, 1))["31_to_60_days"].to_list() == [3_102]
    done = medical(correct(world))
    assert done.select("status", "ends_on", "cents", "taken_as").rows() == [
        ("ready", THIRD, 1_551, "B"),
        ("ready", date(2026, 2, 15), 1_551, "B"),
    ]
    assert medical(correct(world)).is_empty()
    assert len(stored(world, "payroll_scheduled")) == 2 + 1  # and one of the credit, below
    assert medical(balances(world)).select("scheduled_cents", "correct_cents").rows() == [(3_102, 0)]
    assert medical_arrears(world).select("open_cents", "scheduled_cents").rows() == [(3_102, 3_102)]


def test_credits_not_paid_are_owed_to_the_person(world, ann, tmp_path):
    take(world, write(tmp_path / "a.csv", ("0007", "10", "B", FIRST, "31.03")))
    row = balances(world).filter(kind="credit").row(0, named=True)
    assert (row["plan_type"], row["tax_class"], row["correct_cents"]) == ("01", "", row["owed_cents"])
    assert row["owed_cents"] > 0
    assert correct(world).filter(kind="credit")["status"].to_list() == ["ready"]


def test_without_a_policy_nothing_is_ordered(world, ann, tmp_path):
    take(world, write(tmp_path / "a.csv", ("0007", "10", "B", FIRST, "0")))
    assert medical(correct(world)).select("status", "why").rows() == [("task", "no policy")]
    assert medical(balances(world))["scheduled_cents"].to_list() == [0]
    allow(world, state="MA", is_forbidden=True)
    assert medical(correct(world))["why"].to_list() == ["forbidden"]
    allow(world, state="MA", is_forbidden=True, is_withdrawn=True)
    assert medical(correct(world))["why"].to_list() == ["no policy"]


def test_pays_payroll_works_on_are_not_touched(world, ann, tmp_path):
    from openbenefits.payroll.ledger import OrderRefused, propose
    from openbenefits.payroll.rules.corrections import Agreed

    allow(world)
    take(world, write(tmp_path / "a.csv", ("0007", "10", "B", FIRST, "0")))

    def first_pay(**closed):
        rows = propose(world.connection, asked(world, closed_through=closed), on=ON, agreed=Agreed())
        return medical(rows)["ends_on"].to_list()

    assert first_pay() == [THIRD]  # its check comes after the day asked on
    assert first_pay(BW=THIRD) == [date(2026, 2, 15)]
    with pytest.raises(OrderRefused, match="BW"):
        first_pay(NONE=THIRD)


def test_somebody_covered_no_more_gets_all_of_it_back(world, ann, tmp_path):
    from openbenefits.enrollment.models import Coverage

    take(world, write(tmp_path / "a.csv", ("0007", "10", "B", FIRST, "31.03")))
    Coverage.objects.filter(person_id=ann).update(superseded_by_run=1, superseded_at=NOW)
    row = medical(balances(world)).row(0, named=True)
    assert (row["owed_cents"], row["correct_cents"]) == (0, -3_103)
    assert correct(world).select("status", "cents", "note").rows() == [("ready", -3_103, "wages")]
    assert correct(world).is_empty()


def test_a_cancelled_order_is_owed_again(world, ann, tmp_path):
    from openbenefits.payroll.ledger import OrderRefused, cancel, ordered

    allow(world)
    take(world, write(tmp_path / "a.csv", ("0007", "10", "B", FIRST, "0")))
    before = medical(balances(world))["correct_cents"].to_list()
    correct(world)
    listed = medical(ordered(world.connection, world.client_id))
    assert listed.select("employee_number", "pay_group", "ends_on", "cents").rows() == [
        ("0007", "BW", THIRD, 3_103)
    ]
    said = {"author": "test", "now": NOW}
    with pytest.raises(OrderRefused, match="reason"):
        cancel(world.connection, world.client_id, [ann], reason=" ", **said)
    assert cancel(world.connection, world.client_id, [ann], reason="agreed to wait", **said) == 2
    assert cancel(world.connection, world.client_id, [ann], reason="agreed to wait", **said) == 0
    assert medical(balances(world))["correct_cents"].to_list() == before
    assert ordered(world.connection, world.client_id).is_empty()
    correct(world)
    assert medical(balances(world))["correct_cents"].to_list() == [0]


# --- the file -------------------------------------------------------------------------------------------


def test_each_fault_is_named_and_good_rows_are_taken(world, ann):
    result = take(world, FILES / "taken_faults.csv")
    assert result.bad_rows.select("row", "column", "found").rows() == [
        (4, "employee_number", "9999"),
        (5, "pay_group", "xxxx"),
        (6, "ends_on", "2026-01-05"),
        (7, "plan_type", "99"),
        (8, "taken", "9.999"),
        (9, "tax_class", "blank"),
        (10, "tax_class", "xxxxx"),
        (11, "taken", "also in row 12"),
        (12, "taken", "also in row 11"),
        (13, "kind", "xxxx"),
        (14, "taken", "blank"),
        (15, "tax_class", "x"),
    ]
    assert (result.rows_read, result.taken, result.corrected, result.unchanged) == (14, 2, 0, 0)
    assert result.totals.select("rows", "cents").rows() == [(2, 5_603)]


def test_the_same_file_twice_is_once_and_a_preview_is_nothing(world, ann):
    preview = take(world, FILES / "taken_faults.csv", is_preview=True)
    assert (preview.taken, preview.change_id, stored(world)) == (2, None, [])
    take(world, FILES / "taken_faults.csv")
    once = stored(world)
    again = take(world, FILES / "taken_faults.csv")
    assert (again.taken, again.unchanged, again.change_id) == (0, 2, None)
    assert stored(world) == once


def test_a_pay_with_a_bad_row_is_not_reported_whole(world, ann, tmp_path):
    good, bad = ("0007", "20", "A", FIRST, "1.00"), ("1234", "10", "B", FIRST, "31.03")
    later = ("0007", "10", "B", SECOND, "31.02")
    assert take(world, write(tmp_path / "a.csv", good, bad, later)).whole == 1  # the later one
    assert medical(balances(world))["correct_cents"].to_list() == [0]  # the first pay is not looked at
    fixed = ("0007", "10", "B", FIRST, "31.03")
    unreadable = ("0007", "10", "B", "soon", "31.03")
    assert take(world, write(tmp_path / "b.csv", good, unreadable)).whole == 0
    result = take(world, write(tmp_path / "c.csv", good))  # nothing new, but now it is all there was
    assert (result.taken, result.unchanged, result.whole) == (0, 1, 1)
    assert medical(balances(world))["correct_cents"].to_list() == [3_103]
    assert take(world, write(tmp_path / "d.csv", fixed)).whole == 0
    assert medical(balances(world))["correct_cents"].to_list() == [0]


def test_a_file_is_corrected_and_taken_back(world, ann, tmp_path):
    from openbenefits.payroll.frames import load_reported, load_taken
    from openbenefits.payroll.taken import NotTaken, take_back
    from openbenefits.workforce.models import ChangeSet
    from openbenefits.workforce.undo import AlreadyTakenBack

    def held():
        return load_taken(world.connection, world.client_id, None)["taken_cents"].to_list()

    def back(change):
        return take_back(world.connection, change, now=NOW, made_by="test")

    first = take(
        world,
        write(tmp_path / "a.csv", ("0007", "10", "B", FIRST, "31.03"), ("0007", "10", "B", SECOND, "1")),
    )
    second = take(world, write(tmp_path / "b.csv", ("0007", "10", "B", FIRST, "30.00")))
    assert (second.taken, second.corrected, held()) == (1, 1, [3_000, 100])
    assert back(first.change_id) == (1, 1)  # the corrected amount stays
    assert held() == [3_000]
    assert back(second.change_id) == (1, 0)
    assert held() == [3_103]
    assert load_reported(world.connection, world.client_id).is_empty()  # both that told of it are taken back
    with pytest.raises(AlreadyTakenBack):
        back(second.change_id)
    with pytest.raises(NotTaken):
        back(ChangeSet.objects.exclude(kind="taken").first().pk)
    again = take(world, tmp_path / "b.csv")
    assert (again.taken, held()) == (1, [3_000])


def test_earnings_may_be_reported_in_a_workbook(world, ann, tmp_path):
    row = {"employee_number": "0007", "kind": "credit", "plan_type": "01", "pay_group": "BW", "taken": 12.5}
    path = tmp_path / "paid.xlsx"
    pl.DataFrame([row | {"ends_on": FIRST}]).write_excel(path)
    result = take(world, path)
    assert (result.taken, result.bad_row_count, result.totals["cents"].to_list()) == (1, 0, [1_250])


# --- policies -------------------------------------------------------------------------------------------


def test_a_policy_is_stated_once_and_every_version_kept(world):
    from openbenefits.payroll.models import RecoveryPolicy
    from openbenefits.payroll.policies import PolicyRefused, policies_of

    assert allow(world, cap_thousandths=50_000)
    assert not allow(world, cap_thousandths=50_000)
    assert allow(world, cap_thousandths=25_000)
    assert RecoveryPolicy.objects.count() == 2
    assert policies_of(world.connection, world.client_id)["cap_thousandths"].to_list() == [25_000]
    for wrong in (
        {"state": "ma"},
        {"state": "MAS"},
        {"cap_cents": -1},
        {"cap_thousandths": 100_001},
        {"periods": 0},
        {"source": " "},
        {"valid_from": THIRD, "is_withdrawn": True},
    ):
        with pytest.raises(PolicyRefused):
            allow(world, **wrong)


# --- why ------------------------------------------------------------------------------------------------


def explained(world, person, ends_on, before=None):
    from openbenefits.payroll.why import why

    earlier, rows = why(world.connection, world.client_id, person, ends_on=ends_on, before=before)
    found = rows.select("plan_type", "before_cents", "after_cents", "words").rows()
    return earlier, {plan_type: (was, now, words) for plan_type, was, now, words in found}


def test_why_a_deduction_changed(world, ann, tmp_path):
    from openbenefits.payroll.why import why

    child = world.workforce.add_dependent(
        world.client_id,
        ann,
        on=date(2012, 2, 29),
        first_name="Cal",
        last_name="Moss",
        person_type="CH",
        dependent={"birth_on": date(2012, 2, 29)},
        made_by="test",
        now=NOW,
    ).dependent_id
    world.cover(ann, "10", "HMO-4", date(2026, 7, 1), [child])
    earlier, said = explained(world, ann, date(2026, 7, 5))
    assert earlier == date(2026, 6, 21)
    assert said == {"10": (3_102, 8_105, "what is covered changed")}
    assert explained(world, ann, SECOND)[1] == {"10": (3_103, 3_102, "a cent of the split")}
    third = date(2026, 3, 29)  # the third pay of March
    assert explained(world, ann, third)[1]["10"] == (3_102, 0, "it is not taken in every pay of the month")
    from openbenefits.payroll.ledger import OrderRefused

    with pytest.raises(OrderRefused, match="2026-01-05"):
        why(world.connection, world.client_id, ann, ends_on=date(2026, 1, 5))


def test_why_tells_of_corrections_and_of_what_payroll_did_otherwise(world, ann, tmp_path):
    allow(world)
    take(
        world,
        write(tmp_path / "a.csv", ("0007", "10", "B", FIRST, "31.03"), ("0007", "10", "B", SECOND, "0")),
    )
    said = explained(world, ann, SECOND)[1]["10"]
    assert said == (3_103, 3_102, "a cent of the split; payroll took 0.00 in this pay in place of 31.02")
    correct(world)
    was, now, words = explained(world, ann, THIRD)[1]["10"]
    assert (was, now - was) == (3_102, 3_103)
    assert "a correction of 31.02: a deduction was missed" in words
    assert "payroll took 0.00 in the earlier pay in place of 31.02" in words
