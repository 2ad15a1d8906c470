"""The ledger on the command line: a file, balances, a policy, orders, words."""

from datetime import date

import polars as pl
import pytest
from tests.payroll.worlds import World

FIRST = "2026-01-04"


@pytest.fixture
def world(fresh_database, tmp_path):
    world = World(fresh_database, tmp_path)
    world.cover(world.hire("0007"), "10", "HMO-1")
    return world


def test_from_what_payroll_took_to_an_order(cli, world, tmp_path):
    path = tmp_path / "january.csv"
    row = {"employee_number": "0007", "plan_type": "10", "tax_class": "B", "pay_group": "BW"}
    pl.DataFrame([row | {"ends_on": FIRST, "taken": "0.00"}]).write_csv(path)

    def ledger(command, *more):
        result = cli("payroll", command, *more)
        assert "Traceback" not in result.output
        return result.exit_code, " ".join(result.output.split())

    of = ("--client", "acme")
    assert "1 would be taken" in ledger("taken", path, *of, "--preview")[1]
    assert "1 taken, 0 of them corrected" in ledger("taken", path, *of)[1]
    assert "0 taken" in ledger("taken", path, *of)[1]
    assert "31.03" in ledger("balances", *of, "--as-of", "2026-01-10")[1]
    correct = ("correct", *of, "--on", "2026-01-10")
    code, text = ledger(*correct)
    assert code == 0
    assert "no recovery policy holds" in text
    said = ("--from", FIRST, "--source", "the law", "--cap-percent", "50")
    assert "Stated" in ledger("policy", *said)[1]
    assert "stated before" in ledger("policy", *said)[1]
    assert "Nothing was written" in ledger(*correct)[1]
    code, text = ledger(*correct, "--apply")
    assert code == 1
    assert "reason" in text
    assert "ordered" in ledger(*correct, "--apply", "--reason", "missed")[1]
    assert "Nothing to correct" in ledger(*correct)[1]
    listed = tmp_path / "orders.csv"
    ledger("ordered", *of, "--file", listed)
    amounts = pl.read_csv(listed, infer_schema=False).filter(kind="deduction")
    assert amounts.select("tax_class", "taken_as", "amount").rows()[0] == ("B", "A", "15.51")
    text = ledger("why", *of, "--person", "0007", "--pay", amounts["ends_on"][0])[1]
    assert "a correction" in text
    assert "corrections cancelled" in ledger("cancel", *of, "--person", "0007", "--reason", "no")[1]
    code, text = ledger("why", *of, "--person", "0007", "--pay", "2026-01-05")
    assert code == 1
    assert "expected the last day of a pay" in text
    code, text = ledger("correct", *of, "--on", date(2026, 1, 10), "--pays", "4")
    assert code == 2
    change = ledger("take-back", 99_999)
    assert change[0] == 1
    assert "no change 99999" in change[1]


def test_a_census_take_back_leaves_the_ledger_alone(cli, world, tmp_path):
    path = tmp_path / "january.csv"
    row = {"employee_number": "0007", "plan_type": "10", "tax_class": "B", "pay_group": "BW"}
    pl.DataFrame([row | {"ends_on": FIRST, "taken": "0.00"}]).write_csv(path)
    from openbenefits.workforce.models import ChangeSet

    cli("payroll", "taken", path, "--client", "acme")
    number = ChangeSet.objects.get(kind="taken").pk
    refused = cli("census", "take-back", number)
    assert refused.exit_code == 1
    assert "payroll take-back" in " ".join(refused.output.split())
    assert cli("payroll", "take-back", number).exit_code == 0
