"""How the money pays collected meets an invoice: every cent is payroll's, the carrier's, timing, or unexplained."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.reconcile.rules.residuals import (
    CALENDAR,
    KEY,
    NOT_BILLED,
    NOT_COLLECTED,
    OTHER_MONTHS,
    PAYS,
    residuals,
)

PERSON = {name: PAYS[name] for name in KEY}


def wanted_of(*rows):
    schema = PERSON | {"expected_cents": pl.Int64, "other_cents": pl.Int64}
    return pl.DataFrame([(*row, 0)[:5] for row in rows], schema=schema, orient="row")


def found_of(*rows):
    return pl.DataFrame(rows, schema=PERSON | {"difference_cents": pl.Int64}, orient="row")


def pays_of(*rows):
    return pl.DataFrame(rows, schema=PAYS, orient="row")


def test_each_part_has_its_reason():
    wanted = wanted_of(
        (1, 1, 9, 10_000),
        (1, 2, 9, 10_000),
        (1, 3, 9, 10_000),
        (1, 5, 9, 10_000),
        (2, 9, 9, 50),
        (1, 8, 9, 40_000, 30_000),
    )
    found = found_of((1, 1, 9, 500), (1, 6, 9, 700))
    pays = pays_of(
        (1, 1, 9, 3000, 2500, 7000, 5000),  # one pay took too little; the carrier billed too much
        (1, 2, 9, 4500, 4500, 10_500, 5000),  # a month of three pays
        (1, 4, 9, 3000, 3000, 7000, 5000),  # a month that is not charged
        (1, 5, 9, 9000, 9000, 21_000, 10_000),  # twice a month's price, and not by one pay
        (1, 7, 9, None, 100, 0, 0),  # what is owed is not known
        (1, 8, 9, 3000, 3000, 7000, 5000),  # three months before are billed, too
    )
    rows = {one["person_id"]: one for one in residuals(wanted, found, pays, 12).iter_rows(named=True)}
    told = {
        person: (one["carrier_cents"], one["payroll_cents"], one["timing_cents"], one["unexplained_cents"])
        for person, one in rows.items()
    }
    assert told == {
        1: (500, -500, 0, 0),
        2: (0, 0, 5000, 0),
        3: (0, 0, -10_000, 0),
        4: (0, 0, 10_000, 0),
        5: (0, 0, 0, 20_000),
        6: (700, 0, 0, 0),
        7: (0, 0, 0, 100),
        8: (0, 0, -30_000, 0),
    }
    reasons = ["", CALENDAR, NOT_COLLECTED, NOT_BILLED, OTHER_MONTHS]
    assert [rows[one]["timing"] for one in (1, 2, 3, 4, 8)] == reasons
    assert 9 not in rows  # of the second client no pay was reported


CENTS = st.integers(-5000, 50_000)
PERSONS = st.integers(1, 6)


@given(
    st.dictionaries(PERSONS, st.tuples(st.integers(0, 50_000), CENTS)),
    st.dictionaries(PERSONS, CENTS),
    st.dictionaries(PERSONS, st.tuples(st.none() | CENTS, CENTS, CENTS, st.integers(0, 50_000))),
)
def test_nothing_is_lost(wanted, found, pays):
    rows = residuals(
        wanted_of(*((1, person, 9, *cents) for person, cents in wanted.items())),
        found_of(*((1, person, 9, cents) for person, cents in found.items())),
        pays_of(*((1, person, 9, *cents) for person, cents in pays.items())),
        12,
    )
    assert set(rows["person_id"]) == ({*wanted, *found, *pays} if pays else set())
    for one in rows.iter_rows(named=True):
        apart = one["taken_cents"] + one["employer_cents"] - one["invoiced_cents"]
        parts = one["payroll_cents"] - one["carrier_cents"] + one["timing_cents"] + one["unexplained_cents"]
        assert apart == parts
        assert (one["timing_cents"] == 0) == (one["timing"] == "")
        person = one["person_id"]
        assert one["invoiced_cents"] == wanted.get(person, (0,))[0] + found.get(person, 0)
