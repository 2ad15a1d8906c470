"""Laws of what is owed: splits sum, and splitting a period of coverage changes no total."""

from copy import deepcopy
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.laws.test_kernel_agrees import IS_FUZZING

from openbenefits.payroll.rules import changes_between, deductions_summary, owed_lines

from .columnar import Projection, base, taken

BEGIN, THROUGH = date(2026, 1, 1), date(2026, 12, 31)
GROUPS = ("BW", "BW27", "WK", "WK53", "SM", "MO")
LAWS = settings(max_examples=500 if IS_FUZZING else 25, deadline=None)


@pytest.fixture(scope="module")
def setup():
    peo, client, _ = base()
    return Projection(peo, client)


def somebody(pay_group="BW", **more):
    person = base()[2]
    return person | {"job": person["job"] | {"pay_group": pay_group}} | more


def medical(begins_on=BEGIN, option="MED-EE", **more):
    point = {"plan_type": "10", "kind": "E", "program": "STD", "option": option, "begins_on": begins_on}
    return point | {"deduction_begins_on": begins_on} | more


def fsa(pledge_cents, begins_on=BEGIN, **more):
    return medical(begins_on, "FSA") | {"plan_type": "60", "pledge_cents": pledge_cents} | more


def total(lines):
    return taken(lines)["owed_cents"].sum()


@LAWS
@given(
    pledge=st.integers(1, 10**7), begins=st.dates(BEGIN, date(2026, 11, 15)), group=st.sampled_from(GROUPS)
)
def test_a_pledge_sums_exactly(setup, pledge, begins, group):
    assert total(setup.owed(somebody(group), [fsa(pledge, begins)], BEGIN, THROUGH)) == pledge


@pytest.mark.parametrize("group", GROUPS)
def test_a_year_is_twelve_months(setup, group):
    lines = setup.owed(somebody(group), [medical()], BEGIN, THROUGH)
    assert total(lines) == 12 * 10_000
    assert lines["employer_cents"].sum() == 12 * 40_000
    pays = {"BW": 24, "BW27": 24, "WK": 24, "WK53": 24, "SM": 24, "MO": 12}  # MEDBT: the first two of a month
    assert taken(lines).height == pays[group]


PERIODS = {"annual": 1, "quarterly": 4, "monthly": 12, "semimonthly": 24, "biweekly": 26, "weekly": 52}


@settings(LAWS, max_examples=500 if IS_FUZZING else 15)
@given(cents=st.integers(1, 10**6), frequency=st.sampled_from(sorted(PERIODS)), group=st.sampled_from(GROUPS))
@example(cents=10_000, frequency="annual", group="MO")
@example(cents=10_000, frequency="annual", group="BW")
def test_a_price_of_any_frequency_sums_to_its_year(cents, frequency, group):
    peo, client, _ = deepcopy(base())
    table = {"frequency": frequency, "rates": [{"coverage_code": "EE", "rate": cents / 100}]}
    peo["rate_tables"][0] |= table
    gift = {"code": "GIFT", "from": BEGIN, "source": "law", "frequency": frequency}
    peo["rate_tables"].append(gift | {"rates": [{"rate": cents / 100}]})
    client["programs"][0]["credits"] = [{"rate_table": "GIFT", "earnings_code": "FLX"}]
    lines = Projection(peo, client).owed(somebody(group), [medical()], BEGIN, THROUGH)
    year = cents * PERIODS[frequency]
    medical_lines = lines.filter(pl.col("plan_type") == "10")
    assert medical_lines["owed_cents"].sum() + medical_lines["employer_cents"].sum() == year
    assert lines.filter(pl.col("kind") == "credit")["owed_cents"].sum() == year


@LAWS
@given(
    cut=st.dates(BEGIN + timedelta(1), THROUGH), group=st.sampled_from(GROUPS), pledge=st.integers(1, 10**6)
)
def test_splitting_a_period_changes_no_total(setup, cut, group, pledge):
    person = somebody(group)
    for whole, parts in (
        ([medical()], [medical(), medical(cut)]),
        ([fsa(pledge)], [fsa(pledge), fsa(pledge, cut)]),
    ):
        before, after = (setup.owed(person, points, BEGIN, THROUGH) for points in (whole, parts))
        assert total(before) == total(after)
        if whole[0]["plan_type"] == "10":
            assert changes_between(before, after).is_empty()


def test_a_span_is_part_of_the_year(setup):
    year = setup.owed(somebody(), [medical(), fsa(100_001)], BEGIN, THROUGH)
    halves = [
        setup.owed(somebody(), [medical(), fsa(100_001)], *span)
        for span in ((BEGIN, date(2026, 6, 30)), (date(2026, 7, 1), THROUGH))
    ]
    assert pl.concat(halves).rows() == year.rows()


def test_a_pledge_is_for_its_year_and_the_account_lapses(setup):
    lines = setup.owed(somebody(), [fsa(120_000, date(2025, 1, 1))], date(2025, 12, 1), date(2026, 3, 1))
    assert lines["ends_on"].max() == date(2026, 1, 4)
    assert lines.row(-1, named=True)["cause"] == "ends"


def test_hours_of_leave_sold_are_paid_and_not_taken():
    peo, client, _ = base()
    leave = {"plan_type": "90", "event_rule": "FSA", "amount": "hours"}
    leave["options"] = [{"code": "SELL", "deduction_code": "FSABT", "hours": {"trade": "sell"}}]
    program = client["programs"][0]
    selling = program | {"plan_types": [*program["plan_types"], leave]}
    sold = Projection(peo, client | {"programs": [selling]})
    point = fsa(100_000, date(2026, 7, 6)) | {"plan_type": "90", "option": "SELL"}
    lines = sold.owed(somebody(), [point], BEGIN, THROUGH)
    assert set(lines["kind"]) == {"sold"}
    assert lines["tax_class"].null_count() == lines.height == 12
    assert lines["owed_cents"].sum() == 100_000
    assert lines["fault"].null_count() == lines.height


# --- causes ---------------------------------------------------------------------------------------------


def causes(lines):
    return [(row["ends_on"], row["cause"]) for row in lines.iter_rows(named=True) if row["cause"]]


def test_begins_changes_ends(setup):
    spouse = {"id": 1, "person_type": "SP", "birth_on": date(1980, 1, 1), "sex": "M"}
    points = [
        medical(),
        medical(date(2026, 3, 1), "MED-ES"),
        medical(date(2026, 6, 1), None, kind="T"),
        medical(date(2026, 9, 1)),
    ]
    lines = setup.owed(somebody(dependents=[spouse]), points, BEGIN, THROUGH)
    assert causes(lines) == [
        (date(2026, 1, 4), "begins"),
        (date(2026, 3, 1), "coverage changed"),
        (date(2026, 6, 7), "ends"),
        (date(2026, 9, 13), "begins"),
    ]
    assert lines.filter(cause="ends")["owed_cents"].to_list() == [0]


def test_what_began_before_does_not_begin(setup):
    lines = setup.owed(somebody(), [medical(date(2025, 2, 1))], date(2026, 5, 1), date(2026, 5, 31))
    assert causes(lines) == []


def test_rate_pay_and_age():
    peo, client, _ = base()
    tables = [
        *peo["rate_tables"],
        {"code": "MED", "from": date(2026, 3, 1), "source": "x", "keys": ["coverage_code"],
         "rates": [{"coverage_code": "EE", "rate": 600}]},
    ]  # fmt: skip
    life = {"code": "LIFE", "from": date(2020, 1, 1), "source": "x", "keys": ["age"], "unit": "per_thousand",
            "rates": [{"age_from": 0, "rate": 1}, {"age_from": 46, "rate": 2}]}  # fmt: skip
    tables = [table for table in tables if table["code"] != "LIFE"] + [life]
    setup = Projection(peo | {"rate_tables": tables}, client)
    rise = {"from": date(2026, 4, 1), "job": base()[2]["job"] | {"annual_pay_cents": 9_000_000}}
    person = somebody(changes=[rise])
    life_point = medical() | {"plan_type": "20", "option": "LIFE"}
    lines = setup.owed(person, [medical(), life_point], date(2026, 1, 5), THROUGH)
    assert causes(lines.filter(plan_type="10")) == [(date(2026, 3, 1), "rate")]
    assert causes(lines.filter(plan_type="20")) == [(date(2026, 4, 12), "pay"), (date(2026, 6, 21), "age")]


# --- what cannot be known -------------------------------------------------------------------------------


def test_an_unknown_price_is_never_nothing(setup):
    person = somebody() | {"job": base()[2]["job"] | {"annual_pay_cents": None}}
    lines = setup.owed(person, [medical() | {"plan_type": "20", "option": "LIFE"}], BEGIN, date(2026, 1, 31))
    assert lines.select("owed_cents", "fault").unique().rows() == [(None, "coverage")]
    summary = deductions_summary(lines)
    assert summary["owed_cents"].to_list() == [None] * summary.height
    assert summary["faulty_lines"].to_list() == [1] * summary.height


def test_a_year_the_calendar_lacks_cannot_be_split(setup):
    lines = setup.owed(somebody("BW27"), [medical()], date(2028, 1, 1), date(2028, 1, 31))
    assert set(lines["fault"]) <= {"calendar"}
    assert lines["owed_cents"].null_count() == lines.height


# --- percent of pay, locked prices, registers -----------------------------------------------------------


def test_percent_of_pay():
    peo, client, _ = base()
    plan = {"plan_type": "40", "event_rule": "FSA", "amount": "percent_of_pay",
            "options": [{"code": "K", "deduction_code": "FSABT"}]}  # fmt: skip
    program = client["programs"][0]
    setup = Projection(peo, client | {"programs": [program | {"plan_types": [*program["plan_types"], plan]}]})
    point = medical(option="K") | {"plan_type": "40", "percent_thousandths": 6_000}
    lines = taken(setup.owed(somebody(), [point], BEGIN, THROUGH))
    assert lines["owed_cents"].unique().to_list() == [17_423]  # 6 % of 75,500.00 / 26
    assert lines.height == 26


@pytest.mark.parametrize(
    ("amount", "stated"),
    [
        ("percent_of_pay", {"percent_thousandths": 6_000, "after_tax_thousandths": 1_000}),
        ("annual_pledge", {"pledge_cents": 260_000}),
        ("none", {}),
    ],
)
def test_what_is_no_option_on_the_day_of_a_pay_has_no_amount(amount, stated):
    peo, client, _ = base()
    option = {"code": "K", "deduction_code": "FSABT", "costs": [{"rate_table": "TWENTY"}]}
    plan = {"plan_type": "40", "event_rule": "FSA", "amount": amount, "options": [option]}
    program = client["programs"][0]
    later = plan | {"options": [option | {"active": False}]}
    versions = [
        program | {"from": begins_on, "plan_types": [*program["plan_types"], one]}
        for begins_on, one in ((program["from"], plan), (date(2026, 6, 1), later))
    ]
    setup = Projection(peo, client | {"programs": versions})
    lines = taken(
        setup.owed(somebody(), [medical(option="K") | {"plan_type": "40"} | stated], BEGIN, THROUGH)
    )
    offered = lines.filter(pl.col("ends_on") < date(2026, 6, 1))
    assert offered["fault"].null_count() == offered.height > 0
    gone = lines.filter(pl.col("ends_on") >= date(2026, 6, 1))
    assert gone["owed_cents"].null_count() == gone.height > 0
    assert set(gone["fault"]) == {"option"}


def test_a_register_of_changes(setup):
    old = setup.owed(somebody(), [medical(), fsa(26_000)], BEGIN, date(2026, 2, 28))
    new = setup.owed(
        somebody(),
        [medical(), medical(date(2026, 2, 1), "MED-ES", dependents=[]), fsa(0)],
        BEGIN,
        date(2026, 2, 28),
    )
    found = changes_between(
        old.filter(pl.col("ends_on") != date(2026, 1, 18)), new.filter(pl.col("plan_type") == "10")
    )
    rows = found.select("ends_on", "plan_type", "change", "difference_cents").rows()
    assert (date(2026, 1, 18), "10", "added", 5_000) in rows
    assert (date(2026, 2, 1), "10", "changed", 12_500) in rows
    assert (date(2026, 1, 4), "60", "removed", -1_000) in rows
    assert changes_between(old, old).is_empty()


def test_nobody_owes_nothing(setup):
    assert setup.owed(somebody(), [], BEGIN, THROUGH).is_empty()
    assert owed_lines.__doc__
