"""What was owed and not taken, by age: the oldest shortfall is settled first, and nothing is lost."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.payroll.rules.ageing import AGES, aged

ON = date(2026, 6, 30)
PAY = {"client_id": 1, "person_id": 7, "benefit_record": 0, "plan_type": "10", "kind": "deduction"}
PAY |= {"tax_class": "B", "pay_group_id": 1}


def pays(*told, **more):
    """Make pays of (days before ON, owed, taken)."""
    rows = [
        PAY
        | {"ends_on": ON - timedelta(days=days), "owed_cents": owed, "taken_cents": taken}
        | {"received_cents": 0, "fault": None}
        | more
        for days, owed, taken in told
    ]
    kinds = {"client_id": pl.Int32, "benefit_record": pl.Int16, "pay_group_id": pl.Int32}
    return pl.DataFrame(rows, schema_overrides=kinds | {"fault": pl.String})


CASES = [  # pays, open by age, the oldest that is open
    ([(0, 100, 0), (30, 100, 0), (31, 100, 40), (60, 50, 0), (61, 7, 0), (90, 3, 0), (91, 9, 0)],
     (200, 110, 10, 9), 91),
    ([(100, 100, 0), (40, 100, 200)], None, None),  # recovered
    ([(100, 100, 0), (70, 100, 0), (40, 100, 250)], (0, 0, 50, 0), 70),  # the oldest is settled first
    ([(100, 100, 300), (40, 100, 0)], None, None),  # too much was taken before: nothing is open
    ([(40, 100, 99), (10, 100, 101)], None, None),  # within its rounding
    ([(10, 100, 400)], None, None),  # to be given back, not owed
]  # fmt: skip


@pytest.mark.parametrize(("told", "wanted", "oldest"), CASES)
def test_what_is_open_has_the_age_of_the_pay_that_missed_it(told, wanted, oldest):
    found = aged(pays(*told), ON)
    if wanted is None:
        assert found.is_empty()
        return
    (row,) = found.iter_rows(named=True)
    assert tuple(row[name] for name in AGES) == wanted
    assert (row["open_cents"], row["since_on"]) == (sum(wanted), ON - timedelta(days=oldest))


def test_money_received_and_another_tax_class_settle_and_credits_are_none():
    missed = pays((50, 100, 0))
    assert aged(pays((50, 100, 0), received_cents=100), ON).is_empty()
    late = pays((10, 0, 100), tax_class="A")
    assert aged(pl.concat([missed, late]), ON).is_empty()
    assert aged(pays((50, 100, 0), kind="credit"), ON).is_empty()


def test_a_pay_nobody_knows_makes_the_amounts_unknown():
    (row,) = aged(pl.concat([pays((50, 100, 0)), pays((20, 100, 0), fault="rate")]), ON).iter_rows(named=True)
    assert (row["fault"], row["open_cents"], row["31_to_60_days"]) == ("rate", None, None)


TOLD = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 999), st.integers(0, 999)), max_size=8)


@given(TOLD)
def test_ages_add_up_to_what_is_open(told):
    once = list({days: one for one in told for days in (one[0],)}.values())
    if not once:
        return
    short = [owed - taken if abs(owed - taken) > 1 else 0 for _days, owed, taken in once]
    found = aged(pays(*once), ON)
    rows = found.to_dicts() or [dict.fromkeys(("open_cents", *AGES), 0)]
    assert rows[0]["open_cents"] == max(0, sum(short))
    assert sum(rows[0][name] for name in AGES) == rows[0]["open_cents"]
