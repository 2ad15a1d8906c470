"""Pays too low for every deduction, and who corrects: tables of cases, and files on a real database."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from tests.programs.factories import DATED

from openbenefits.payroll.rules import ledger, retro
from openbenefits.payroll.rules.low_pay import AVAILABLE, TERMS, with_take

from .test_ledger import allow, asked, balances, medical, take, write
from .worlds import World

DAY = date(2026, 3, 15)
PAY = {"client_id": 1, "person_id": 1, "benefit_record": 0, "pay_group_id": 7, "ends_on": DAY}
ITEM = {
    **{name: AVAILABLE[name] for name in PAY},
    "check_on": pl.Date,
    "plan_type": pl.String,
    "tax_class": pl.String,
    "kind": pl.String,
    "is_correction": pl.Boolean,
    "cents": pl.Int64,
}


def item(plan_type, cents, kind="deduction", is_correction=False, tax_class="B", ends_on=DAY):
    about = {"check_on": date(2026, 3, 20), "plan_type": plan_type, "tax_class": tax_class, "kind": kind}
    return PAY | about | {"is_correction": is_correction, "cents": cents, "ends_on": ends_on}


def taken(items, available, low_pay="partial", first="", status="A", since=date(2026, 1, 1)):
    said = [] if available is None else [PAY | {"available_cents": available}]
    statuses = [PAY | {"job_status": status}]
    terms = [] if low_pay is None else [{"valid_from": since, "low_pay": low_pay, "first_taken": first}]
    rows = with_take(
        pl.DataFrame(items, schema=ITEM),
        pl.DataFrame(said, schema=AVAILABLE),
        pl.DataFrame(statuses, schema={name: ITEM[name] for name in PAY} | {"job_status": pl.String}),
        pl.DataFrame(terms, schema=TERMS),
    )
    return rows.select("take_cents", "untaken").rows()


THREE = [item("10", 5_000), item("11", 1_000), item("20", 300)]
ALL = [(5_000, None), (1_000, None), (300, None)]
LOW = "low pay"
CASES = {
    "nothing is said of the pay": (THREE, None, {}, ALL),
    "enough to the cent": (THREE, 6_300, {}, ALL),
    "a cent too little": (THREE, 6_299, {}, [(5_000, None), (1_000, None), (299, LOW)]),
    "part of the first that does not fit": (THREE, 5_400, {}, [(5_000, None), (400, LOW), (0, LOW)]),
    "nothing left": (THREE, 0, {}, [(0, LOW)] * 3),
    "less than nothing is nothing": (THREE, -500, {}, [(0, LOW)] * 3),
    "without terms, in part": (THREE, 5_400, {"low_pay": None}, [(5_000, None), (400, LOW), (0, LOW)]),
    "only whole ones": (THREE, 5_400, {"low_pay": "whole"}, [(5_000, None), (0, LOW), (0, LOW)]),
    "a whole one that fits to the cent": (THREE, 6_000, {"low_pay": "whole"}, [ALL[0], ALL[1], (0, LOW)]),
    "terms of later do not count": (
        THREE,
        5_400,
        {"low_pay": "whole", "since": date(2026, 3, 21)},
        [(5_000, None), (400, LOW), (0, LOW)],
    ),
    "the order of the terms": (THREE, 1_300, {"first": "20 11"}, [(0, LOW), (1_000, None), (300, None)]),
    "who is not named comes after": (THREE, 1_000, {"first": "11"}, [(0, LOW), (1_000, None), (0, LOW)]),
    "corrections come last": (
        [item("10", 800, is_correction=True), item("20", 300)],
        500,
        {"first": "10"},
        [(200, LOW), (300, None)],
    ),
    "credits are paid all the same": (
        [item("10", 5_000), item("01", 2_000, kind="credit", tax_class=None)],
        1_000,
        {},
        [(1_000, LOW), (2_000, None)],
    ),
    "money given back is given": ([item("10", -700, is_correction=True)], 0, {}, [(-700, None)]),
    "what is unknown is not taken": (
        [item("10", None), item("20", 300)],
        300,
        {},
        [(None, None), (300, None)],
    ),
    "on leave without pay nothing is taken": (THREE, None, {"status": "L"}, [(0, "leave")] * 3),
    "on leave with pay it is": (THREE, None, {"status": "P"}, ALL),
    "another pay is another matter": (
        [item("10", 5_000), item("10", 5_000, ends_on=date(2026, 3, 29))],
        100,
        {},
        [(100, LOW), (5_000, None)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_low_pay_takes(name):
    items, available, terms, expected = CASES[name]
    assert taken(items, available, **terms) == expected


def terms_world(connection, folder, **terms):
    world = World(connection, folder, {"payroll_terms": [{**DATED, "code": "TERMS", **terms}]})
    person = world.hire("0007")
    world.cover(person, "10", "HMO-1")
    return world


def test_the_register_says_what_each_pay_can_take_and_the_rest_comes_back(fresh_database, tmp_path):
    from openbenefits.payroll.register import nothing_said, read_available, register_of
    from openbenefits.payroll.services import write_register

    world = terms_world(fresh_database, tmp_path)
    first, second = date(2026, 1, 4), date(2026, 1, 18)
    path = tmp_path / "available.csv"
    path.write_text(
        "employee_number,pay_group,ends_on,available\n0007,BW,2026-01-04,20.00\n9999,BW,x,1.234\n"
    )
    said = read_available(world.connection, world.client_id, path)
    assert said.bad_rows.select("row", "column").rows() == [
        (3, "available"),
        (3, "employee_number"),
        (3, "ends_on"),
    ]
    span = {"begin": first, "through": second}
    rows = medical(register_of(world.connection, world.client_id, available=said, **span))
    assert rows.select("ends_on", "owed_cents", "take_cents", "untaken").rows() == [
        (first, 3_103, 2_000, "low pay"),
        (second, 3_102, 3_102, None),
    ]
    all_lines = register_of(world.connection, world.client_id, available=nothing_said(), **span)
    assert medical(all_lines)["take_cents"].to_list() == [3_103, 3_102]
    write_register(rows, tmp_path / "register.csv")
    assert pl.read_csv(tmp_path / "register.csv")["take"].to_list() == [20.0, 31.02]
    allow(world)
    take(world, write(tmp_path / "taken.csv", ("0007", "10", "B", first, "20.00")))
    assert medical(balances(world))["correct_cents"].to_list() == [1_103]


def test_who_corrects(fresh_database, tmp_path):
    """Payroll does, by its terms: nothing is ordered, and what it leaves as it was stops the files."""
    from openbenefits.payroll.ledger import schedule
    from openbenefits.payroll.retro import SendStopped, mismatches, refuse_mismatches
    from openbenefits.payroll.rules.corrections import Agreed

    world = terms_world(fresh_database, tmp_path, retro_owner="payroll")
    allow(world)
    later = date(2026, 2, 20)
    at = {"on": later, "agreed": Agreed(), "reason": "missed", "author": "test"}
    now = datetime(2026, 2, 20, tzinfo=UTC)
    days = [date(2026, 1, 4), date(2026, 1, 18), date(2026, 2, 1)]
    _report(world, tmp_path, days[0], "0", datetime(2026, 1, 9, tzinfo=UTC))
    done = schedule(world.connection, asked(world, through=later), **at, now=now)
    assert medical(done).select("status", "why").rows() == [("waits", "payroll corrects")]
    assert medical(balances(world))["scheduled_cents"].to_list() == [0]
    assert medical(
        mismatches(world.connection, world.client_id, later)
    ).is_empty()  # one pay says nothing yet
    _report(world, tmp_path, days[1], "31.02", datetime(2026, 1, 23, tzinfo=UTC))
    found = medical(mismatches(world.connection, world.client_id, later))
    assert found.select("employee_number", "cents", "mismatch").rows() == [
        ("0007", 3_103, retro.NOT_CORRECTED)
    ]
    with pytest.raises(SendStopped, match="0007"):
        refuse_mismatches(world.connection, world.client_id, later, "")
    refuse_mismatches(world.connection, world.client_id, later, "agreed with payroll")


def _report(world, folder, day, dollars, at):
    from openbenefits.payroll.taken import take as read

    path = write(folder / f"{day}.csv", ("0007", "10", "B", day, dollars))
    with path.open("a") as file:
        file.write("")
    read(world.connection, world.client_id, path, now=at, made_by="analyst")


SERIES = {"client_id": 1, "person_id": 1, "benefit_record": 0, "plan_type": "10", "kind": "deduction"}
UNASKED = {
    "taken what was missed before, unasked": ([3_000, 0, -3_000], [3_000]),
    "never missed: an error, not a correction": ([0, 0, -3_000], []),
    "more than was missed": ([1_000, 0, -3_000], []),
    "what was missed later is no reason": ([-3_000, 3_000], []),
    "as ordered": ([3_000, 0, 0], []),
    "a cent is of the split": ([3_000, -1], []),
}


@pytest.mark.parametrize("name", UNASKED)
def test_payroll_corrects_though_we_do(name):
    differences, expected = UNASKED[name]
    rows = [
        SERIES
        | {"tax_class": "B", "pay_group_id": 7, "ends_on": date(2026, 1, 4 + 7 * number)}
        | {"difference_cents": cents, "is_rounding": abs(cents) <= ledger.ROUNDING_CENTS}
        for number, cents in enumerate(differences)
    ]
    types = {name: retro.MISMATCH[name] for name in (*ledger.SERIES, *ledger.PLACE)}
    frame = pl.DataFrame(rows, schema=types | {"difference_cents": pl.Int64, "is_rounding": pl.Boolean})
    assert retro.adjusted_unasked(frame)["cents"].to_list() == expected
