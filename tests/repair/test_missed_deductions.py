"""A resignation is withdrawn after pays that took nothing: what they missed is recovered, once."""

from datetime import date, timedelta

import polars as pl

from openbenefits.payroll.ledger import Asked, balances, books, schedule
from openbenefits.payroll.policies import state_policy
from openbenefits.payroll.rules.corrections import Agreed
from openbenefits.payroll.services import owed
from openbenefits.payroll.taken import take
from openbenefits.repair.proposals import find_proposals
from openbenefits.workforce import services as workforce

from .test_proposals import LAST_DAY, SPRING, covered_person, due, maintain, resign
from .worlds import LATER

BEGIN, NEXT = date(2026, 1, 1), date(2026, 6, 30)


def asked(employer, through):
    return Asked(client_id=employer.client_id, through=through)


def report(connection, employer, path, begin, through):
    """Payroll takes, in the pays of a span, what is owed and ordered as it stands."""
    lines = owed(connection, employer.client_id, begin=begin, through=through)
    known = books(connection, asked(employer, through)).orders
    orders = known.filter(pl.col("ends_on").is_between(begin, through))
    names = lines.select("person_id", "employee_number", "pay_group_id", "pay_group").unique()
    key = ["person_id", "benefit_record", "kind", "plan_type", "tax_class", "pay_group_id", "ends_on"]
    both = [
        lines.select(*key, cents="owed_cents"),
        orders.with_columns(tax_class=pl.when(pl.col("kind") == "deduction").then("taken_as")).select(
            *key, "cents"
        ),
    ]
    sums = (
        pl.concat(both).group_by(key).agg(pl.col("cents").sum()).join(names, on=["person_id", "pay_group_id"])
    )
    rows = sums.with_columns(taken=pl.col("cents").cast(pl.Decimal(12, 2)) / 100).drop("cents", "person_id")
    rows.drop("pay_group_id").write_csv(path)
    result = take(connection, employer.client_id, path, now=LATER, made_by="test")
    assert (result.bad_row_count, result.taken) == (0, rows.height)


def test_what_a_withdrawn_resignation_missed_is_taken_once(fresh_database, enrolled, tmp_path):
    person_id = covered_person(fresh_database, enrolled)
    resign(enrolled, person_id)
    maintain(fresh_database, enrolled)
    report(fresh_database, enrolled, tmp_path / "spring.csv", BEGIN, SPRING)
    even = balances(fresh_database, asked(enrolled, SPRING))
    assert even["balance_cents"].unique().to_list() == [0]

    first_day = LAST_DAY + timedelta(days=1)
    workforce.delete_job_row(enrolled.client_id, person_id, on=first_day, made_by="test", now=LATER)
    maintain(fresh_database, enrolled)
    due(fresh_database, enrolled, LATER)
    assert find_proposals(fresh_database, enrolled.client_id).is_empty()
    missed = balances(fresh_database, asked(enrolled, SPRING)).filter(pl.col("correct_cents") != 0)
    assert set(missed["person_id"]) == {person_id}
    after = owed(
        fresh_database, enrolled.client_id, begin=BEGIN, through=SPRING, person_ids=[person_id]
    ).filter(pl.col("ends_on") > date(2026, 3, 31), plan_type="10")
    medical = missed.filter(plan_type="10", kind="deduction")
    assert medical["correct_cents"].sum() == after["owed_cents"].sum() > 0

    policy = {"client_id": 0, "state": "", "valid_from": BEGIN, "periods": 2, "source": "a test"}
    state_policy(fresh_database, **policy, author="test", now=LATER)
    order = {
        "on": SPRING,
        "agreed": Agreed(),
        "reason": "resignation withdrawn",
        "author": "test",
        "now": LATER,
    }
    done = schedule(fresh_database, asked(enrolled, SPRING), **order)
    assert done["status"].unique().to_list() == ["ready"]
    assert done["cents"].sum() == missed["correct_cents"].sum()
    assert schedule(fresh_database, asked(enrolled, SPRING), **order).is_empty()

    report(fresh_database, enrolled, tmp_path / "summer.csv", SPRING + timedelta(days=1), NEXT)
    settled = balances(fresh_database, asked(enrolled, NEXT))
    assert settled["correct_cents"].unique().to_list() == [0]
    assert settled["scheduled_cents"].unique().to_list() == [0]
