"""Leaves without pay, low pays, mismatches, continuation and coverage taken over, on the command line."""

from datetime import date

import pytest
from tests.payroll.test_leaves import POLICY, job
from tests.payroll.worlds import World

AWAY = "2026-03-02"


@pytest.fixture
def world(fresh_database, tmp_path):
    world = World(fresh_database, tmp_path, {"leave_policies": [POLICY]})
    person = world.hire("0007")
    world.cover(person, "10", "HMO-1")
    job(world, person, date.fromisoformat(AWAY), "DTA", "L")
    return world


@pytest.fixture
def told(cli, world):
    def run(*command):
        result = cli(*command)
        assert "Traceback" not in result.output
        return result.exit_code, " ".join(result.output.split())

    return run


OF = ("--client", "acme")
LEAVE = (*OF, "--person", "0007", "--leave", AWAY)


def test_a_leave_from_the_choice_to_the_lapse(told, tmp_path):
    taken = tmp_path / "taken.csv"
    days = ("2026-01-04", "2026-01-18", "2026-02-01", "2026-02-15", "2026-03-01", "2026-03-15", "2026-03-29")
    rows = [f"0007,10,B,BW,{day},{'0' if day > AWAY else '31.03'}" for day in days]
    taken.write_text("employee_number,plan_type,tax_class,pay_group,ends_on,taken\n" + "\n".join(rows) + "\n")
    told("payroll", "taken", taken, *OF)
    assert "pay_as_you_go" in told("payroll", "leaves", *OF, "--as-of", "2026-04-03")[1]
    choice = ("payroll", "leave-way", *LEAVE, "--way", "pay_as_you_go", "--consent", "signed", "--on", AWAY)
    assert "Recorded" in told(*choice)[1]
    assert "recorded before" in told(*choice)[1]
    code, text = told("payroll", "leave-notice", *LEAVE, "--reason", "letter", "--on", "2026-03-10")
    assert (code, "no letter is due" in text) == (1, True)
    letter = ("payroll", "leave-notice", *LEAVE, "--reason", "letter", "--on", "2026-04-06")
    assert "Recorded" in told(*letter)[1]
    paid = ("payroll", "leave-received", *LEAVE, "--how", "check 4", "--on", "2026-04-07", "--amount")
    code, text = told(*paid, "500")
    assert (code, "what is open" in text) == (1, True)
    assert "10.00" in told(*paid, "10")[1]
    assert "Nobody's" in told("payroll", "leave-lapse", *OF, "--as-of", "2026-04-20")[1]
    assert "1 entered" in told("payroll", "leave-lapse", *OF, "--as-of", "2026-04-21")[1]
    assert "Nothing to correct" in told("payroll", "leave-prepay", *OF, "--on", "2026-02-01")[1]
    assert "agree" in told("payroll", "mismatches", *OF, "--as-of", "2026-04-21")[1]


def test_the_register_takes_nothing_during_a_leave_and_no_more_than_there_is(told, tmp_path):
    available, register = tmp_path / "available.csv", tmp_path / "register.csv"
    available.write_text(
        "employee_number,pay_group,ends_on,available\n0007,BW,2026-01-04,20\n0007,XX,2026-01-04,1\n"
    )
    span = ("--from", "2026-01-01", "--through", "2026-03-15", "--file", register, "--available", available)
    code, text = told("payroll", "register", *OF, *span)
    assert code == 0
    assert "1 not taken whole" in text
    assert "pay_group" in text  # the bad row
    lines = [line.split(",") for line in register.read_text().splitlines()]
    at = {name: place for place, name in enumerate(lines[0])}
    medical = [line for line in lines if line[at["plan_type"]] == "10" and line[at["kind"]] == "deduction"]
    taken = {line[at["ends_on"]]: (line[at["take"]], line[at["untaken"]]) for line in medical}
    assert taken["2026-01-04"] == ("20.00", "low pay")
    assert taken["2026-03-01"] == ("31.03", "")
    assert taken["2026-03-15"] == ("0.00", "leave")


def test_continuation_is_taken_in_and_a_wrong_day_is_named(told, world, tmp_path):
    person = world.hire("0008")
    world.cover(person, "10", "HMO-1")
    world.cover(person, "10", None, begins_on=date.fromisoformat("2026-04-01"), kind="T", basis="none")
    path = tmp_path / "elected.csv"
    head = "employee_number,plan_type,begins_on,paid_through\n"
    path.write_text(head + "0008,10,2026-04-01,2026-05-31\n0008,10,2026-03-31,\n9999,10,2026-04-01,\n")
    text = told("cobra", "elected", path, *OF, "--preview")[1]
    assert "1 would be taken" in text
    assert "first day without coverage" in text
    assert "1 taken" in told("cobra", "elected", path, *OF)[1]
    assert "1 known already" in told("cobra", "elected", path, *OF)[1]
    shown = told("timeline", *OF, "--person", "0008", "--as-of", "2026-05-31")[1]
    assert "continuation" in shown
    assert "continuation" not in told("timeline", *OF, "--person", "0008", "--as-of", "2026-06-01")[1]


def test_coverage_taken_over_is_tried_first(told, world):
    of = (*OF, "--person", "0007", "--plan-type", "10", "--begins", "2026-01-01", "--as-of", "2026-04-01")
    code, text = told("repair", "taken-over", *of, "--do", "void", "--reason", "wrong")
    assert code == 0, text
    assert told("repair", "taken-over", *of, "--do", "void", "--reason", "wrong", "--apply")[0] == 0
    code, text = told("repair", "taken-over", *of, "--do", "void", "--reason", "wrong", "--apply")
    assert (code, "expected the first day of coverage taken over" in text) == (1, True)
    assert told("repair", "taken-over", *of, "--do", "undo", "--reason", "it was right", "--apply")[0] == 0
