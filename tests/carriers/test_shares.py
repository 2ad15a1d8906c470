"""Money told to a partner: what files said adds up to what was taken, however often it changed in between."""

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from openbenefits.carriers.rules.shares import (
    EMPLOYER,
    KEY,
    SHARES,
    changed,
    contributions,
    premiums,
    shares,
)

PAYS = [(1, date(2026, 1, 4)), (1, date(2026, 1, 18)), (1, date(2026, 2, 1)), (2, date(2026, 1, 31))]
LINE_COLUMNS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "pay_group_id": pl.Int64,
    "ends_on": pl.Date,
    "tax_class": pl.String,
    "owed_cents": pl.Int64,
    "employer_cents": pl.Int64,
    "plan": pl.String,
    "pay_group": pl.String,
    "pay_number": pl.Int32,
    "check_on": pl.Date,
}
OTHER = {"taken_cents": pl.Int64, "received_cents": pl.Int64, "cents": pl.Int64, "taken_as": pl.String}


def rows(told, *columns):
    schema = {name: (LINE_COLUMNS | OTHER)[name] for name in columns}
    return pl.DataFrame([[one.get(name) for name in columns] for one in told], schema=schema, orient="row")


def place(person, pay, tax="B"):
    group, ends_on = pay
    return {
        "client_id": 1,
        "person_id": person,
        "benefit_record": 0,
        "plan_type": "10",
        "tax_class": tax,
        "pay_group_id": group,
        "ends_on": ends_on,
        "taken_as": tax,
        "plan": "HMO",
        "pay_group": "BW",
        "pay_number": ends_on.day,
        "check_on": ends_on,
        "employer_cents": 0,
    }


AT = ("client_id", "person_id", "benefit_record", "plan_type", "pay_group_id", "ends_on")


def books(lines, taken=(), received=(), orders=()):
    return shares(
        rows(lines, *LINE_COLUMNS),
        rows(taken, *AT, "tax_class", "taken_cents"),
        rows(received, *AT, "tax_class", "received_cents"),
        rows(orders, *AT, "taken_as", "cents"),
    )


def test_sources_stand_apart_and_what_was_ordered_is_told_from_what_is_owed():
    pay = PAYS[1]
    found = books(
        [place(7, pay) | {"owed_cents": 6_000, "employer_cents": 24_000}],
        [place(7, pay) | {"taken_cents": 7_500}, place(7, pay, "A") | {"taken_cents": 100}],
        [place(7, pay) | {"received_cents": 40}],
        [place(7, pay) | {"cents": 2_000}],
    )
    assert found.select("source", "is_recovered", "cents", "owed_cents").rows() == [
        ("after tax", False, 100, 0),
        ("before tax", False, 6_000, 6_000),
        ("before tax", True, 1_500, 0),
        ("employer", False, 24_000, 24_000),
        ("otherwise", False, 40, 0),
    ]
    assert found["plan"].to_list() == ["HMO"] * 5


def test_an_order_not_carried_out_recovers_nothing():
    pay = PAYS[1]
    line, order = place(7, pay) | {"owed_cents": 6_000}, place(7, pay) | {"cents": 2_000}
    for taken, regular, recovered in ((6_000, 6_000, 0), (5_000, 5_000, 0), (9_000, 7_000, 2_000)):
        found = books([line], [place(7, pay) | {"taken_cents": taken}], orders=[order])
        sums = found.group_by("is_recovered").agg(pl.col("cents").sum()).sort("is_recovered").rows()
        assert sums == [(False, regular)] + ([(True, recovered)] if recovered else [])


def test_billed_and_not_paid_is_said_with_nothing_paid():
    found = books([place(7, PAYS[0]) | {"owed_cents": 6_000}])
    nothing = pl.DataFrame(schema=SHARES)
    told = premiums(found, nothing, month=date(2026, 1, 1), employer=False)
    assert told.select("kind", "cents", "billed_cents").rows() == [("remitted", 0, 6_000)]
    billed = told.select("client_id", "person_id", "plan_type", month="covered_from", billed_cents=pl.lit(9))
    other = premiums(found, nothing, month=date(2026, 1, 1), employer=False, billed=billed)
    assert other["billed_cents"].to_list() == [9]


@st.composite
def takings(draw):
    """What is known of some pays at a time: cents by person, pay and source."""
    told = []
    for person in (7, 8):
        for group, ends_on in PAYS:
            for source in ("before tax", EMPLOYER):
                cents = draw(st.sampled_from([None, 0, 500, -100, 6_205]))
                if cents is not None:
                    where = (1, person, 0, "60", group, ends_on, source, False)
                    told.append((*where, "BW", ends_on.day, ends_on, "FSA", cents, 500))
    return pl.DataFrame(told, schema=SHARES, orient="row")


def total(frame):
    sums = frame.group_by(KEY).agg(pl.col("cents").sum()).filter(pl.col("cents") != 0)
    return sums.sort(KEY).rows()


@settings(max_examples=50, deadline=None)
@given(times=st.lists(takings(), min_size=1, max_size=4))
def test_what_files_said_adds_up_to_what_was_taken(times):
    told = pl.DataFrame(schema=SHARES)
    for now in times:
        rows_said = contributions(now, told)
        said = changed(now, told).select(list(SHARES))
        assert rows_said["total_cents"].sum() == said["cents"].sum()
        told = pl.concat([told, said])
        assert total(told) == total(now)
        assert contributions(now, told).is_empty()


@settings(max_examples=50, deadline=None)
@given(times=st.lists(takings(), min_size=1, max_size=4))
def test_premiums_paid_add_up_and_old_pays_are_never_remitted_again(times):
    told, paid, remitted = pl.DataFrame(schema=SHARES), 0, set()
    month = date(2026, 2, 1)
    for now in times:
        lines = premiums(now, told, month=month, employer=True)
        paid += lines["cents"].sum()
        assert paid == now["cents"].sum()
        assert lines.filter(kind="previous")["code"].is_in(["52", "53"]).all()
        told = pl.concat([told, changed(now, told).select(list(SHARES))])
        new = set(now.select("pay_group_id", "ends_on").unique().rows()) - remitted
        if not new:
            assert lines.filter(kind="remitted").is_empty()
        remitted |= new
        assert premiums(now, told, month=month, employer=True).is_empty()
