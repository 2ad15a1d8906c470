"""What is expected: the sample's published rates, month by month; ages as carriers count them; what follows for others."""

from datetime import date

import msgspec
import polars as pl
import pytest
from tests.reconcile.conftest import BEFORE, CARRIER, MONTH, NOW, book, end

from openbenefits.core import days
from openbenefits.programs.frames import load_setup
from openbenefits.reconcile.expected import expect
from openbenefits.reconcile.outputs import balances, credits_on_their_way, figures, roll_forward, self_bill
from openbenefits.reconcile.rules.deadlines import deadline
from openbenefits.reconcile.rules.premiums import counted_from
from openbenefits.reconcile.terms import EVERY, AgeBasis, Terms, save_terms, terms_of

MUTUAL, LIFE = ("Sample Mutual (invented)",), ("Sample Life (invented)",)
# Source: sample/peo/invented.yaml, rates of 2025 by coverage code
RATES = {
    ("SAMPLE-VISION", "1"): 680,
    ("SAMPLE-VISION", "2"): 1360,
    ("SAMPLE-VISION", "3"): 1495,
    ("SAMPLE-VISION", "4"): 2140,
    ("SAMPLE-VISION", "12"): 1360,
    ("SAMPLE-HDHP", "1"): 41250,
    ("SAMPLE-HDHP", "2"): 86625,
    ("SAMPLE-HDHP", "3"): 78375,
    ("SAMPLE-HDHP", "4"): 123750,
    ("SAMPLE-HDHP", "12"): 86625,
}


def named(connection, found) -> pl.DataFrame:
    codes = load_setup(connection)["coverage_code"].select("coverage_code_id", tier="code").unique()
    rows = found.units.join(found.plans.select("plan_id", "plan"), on="plan_id")
    return rows.join(codes, on="coverage_code_id", how="left")


def test_a_month_costs_its_published_rate(two, fresh_database):
    found = expect(fresh_database, list(two.values()), Terms(carriers=MUTUAL), [MONTH])
    rows = named(fresh_database, found)
    assert rows.height > 50
    for row in rows.iter_rows(named=True):
        assert row["expected_cents"] == RATES[row["plan"], row["tier"]]
        assert row["rate_row_id"] is not None


def test_life_costs_its_volume_in_thousands(two, fresh_database):
    found = expect(fresh_database, list(two.values()), Terms(carriers=LIFE), [MONTH])
    basic = named(fresh_database, found).filter(plan="SAMPLE-BASIC-LIFE")
    assert basic.height > 50
    for row in basic.iter_rows(named=True):  # $0.145 a month per $1,000
        assert abs(row["expected_cents"] * 100_000 - row["volume_cents"] * 145 // 10) <= 50_000


def test_the_rate_is_that_of_the_month(two, fresh_database):
    months = [date(2025, 12, 1), date(2026, 1, 1)]
    found = expect(fresh_database, list(two.values()), Terms(carriers=MUTUAL), months)
    single = named(fresh_database, found).filter(plan="SAMPLE-VISION", tier="1")
    told = dict(single.select("month", "expected_cents").unique().iter_rows())
    assert told == {months[0]: 680, months[1]: 710}


def test_a_carrier_that_counts_ages_from_the_first_of_the_year_bills_them_so(two, fresh_database):
    fixed = Terms(carriers=LIFE, age_basis={EVERY: AgeBasis(kind="fixed", month=1, day=1)})
    ids = list(two.values())
    usual = expect(fresh_database, ids, Terms(carriers=LIFE), [MONTH]).units
    counted = expect(fresh_database, ids, fixed, [MONTH]).units
    key = ["person_id", "plan_id"]
    both = usual.select(*key, "age", "expected_cents").join(
        counted.select(*key, fixed_age="age", fixed_cents="expected_cents"), on=key
    )
    assert (both["age"] - both["fixed_age"]).is_in([0, 1]).all()
    younger = both.filter(pl.col("age") > pl.col("fixed_age"))
    assert younger.height > 20
    assert (younger["fixed_cents"] <= younger["expected_cents"]).all()
    assert younger.filter(pl.col("fixed_cents") < pl.col("expected_cents")).height


@pytest.mark.parametrize(
    ("basis", "month", "day", "born", "on", "age"),
    [
        ("coverage_month", 1, 1, date(1990, 5, 10), date(2026, 5, 1), 35),
        ("birth_month", 1, 1, date(1990, 5, 10), date(2026, 5, 1), 36),
        ("month_after", 1, 1, date(1990, 5, 10), date(2026, 5, 1), 35),
        ("month_after", 1, 1, date(1990, 5, 10), date(2026, 6, 1), 36),
        ("month_after", 1, 1, date(1990, 5, 1), date(2026, 5, 1), 36),
        ("fixed", 1, 1, date(1990, 5, 10), date(2026, 12, 1), 35),
        ("fixed", 7, 1, date(1990, 5, 10), date(2026, 6, 1), 35),
        ("fixed", 7, 1, date(1990, 5, 10), date(2026, 7, 1), 36),
    ],
)
def test_ages_are_counted_the_carriers_way(basis, month, day, born, on, age):
    row = pl.DataFrame({"b": [basis], "m": [month], "d": [day], "born": [born], "on": [on]})
    moved = row.with_columns(moved=counted_from(pl.col("b"), pl.col("m"), pl.col("d"), "born", "on"))
    assert moved.select(days.age_years(pl.col("moved"), pl.col("on"))).item() == age


@pytest.mark.parametrize(
    ("cents", "more", "last"),
    [
        (100, {}, date(2026, 1, 30)),  # 90 days from 1 November
        (-100, {}, date(2025, 12, 31)),  # 60 days
        (100, {"term_months": 2}, date(2026, 1, 1)),
        (100, {"basis": "statement"}, date(2026, 2, 3)),
        (100, {"allows_credit": False}, MONTH),
    ],
)
def test_the_last_day_a_carrier_takes_it(cents, more, last):
    told = {"statement_on": date(2025, 11, 5), "add_days": 60, "term_days": 90, "term_months": None}
    told |= {"basis": "notice", "allows_credit": True} | more
    row = pl.DataFrame({"month": [MONTH], "difference_cents": [cents]})
    assert row.select(deadline(**told)).item() == last


def test_the_bill_we_make_ourselves_follows_from_the_month_before(two, fresh_database):
    connection, ids = fresh_database, list(two.values())
    units = book(connection, two).expected.units
    gone = units.filter(pl.col("plan_type") == "14").sort("person_id").head(3)
    end(gone, date(2025, 10, 31))
    steps = roll_forward(connection, ids, CARRIER, MONTH)
    cents = {name: steps[f"{name}_cents"].sum() for name in ("before", "added", "ended", "changed", "now")}
    people = {name: steps[f"{name}_people"].sum() for name in ("before", "added", "ended", "now")}
    assert people["ended"] == 3
    assert cents["before"] + cents["added"] - cents["ended"] + cents["changed"] == cents["now"]
    assert people["before"] + people["added"] - people["ended"] == people["now"]
    bill = self_bill(connection, ids, CARRIER, MONTH)
    assert bill["premium_cents"].sum() == cents["now"]
    assert bill["unpriced"].sum() == 0
    assert self_bill(connection, ids, CARRIER, BEFORE)["premium_cents"].sum() == cents["before"]


def test_balances_credits_and_figures_of_an_invoice(two, fresh_database, tmp_path):
    from tests.reconcile.conftest import LOADED, write

    from openbenefits.reconcile.loading import InvoiceOrder, load
    from openbenefits.reconcile.reconciling import reconcile

    connection = fresh_database
    save_terms(CARRIER, msgspec.structs.replace(terms_of(CARRIER), carriers=MUTUAL), author="t", now=NOW)
    lines = book(connection, two).lines().filter(pl.col("plan").str.starts_with("SAMPLE-V"))
    one = pl.int_range(pl.len()) == 0
    lines = lines.with_columns(
        premium_cents=pl.when(one).then(pl.col("premium_cents") + 100).otherwise("premium_cents")
    )
    terms = msgspec.structs.replace(terms_of(CARRIER), plans={"PL SAMPLE-VISION": "SAMPLE-VISION"})
    save_terms(CARRIER, terms, author="t", now=NOW)
    order = InvoiceOrder(
        client_id=0,
        carrier=CARRIER,
        number="1",
        month=MONTH,
        statement_on=MONTH,
        path=write(lines, tmp_path / "a.csv"),
    )
    invoice = load(connection, order, author="t", now=LOADED)
    told = reconcile(connection, invoice, author="t", now=LOADED)
    (credit,) = credits_on_their_way(connection, None, MONTH).to_dicts()
    assert (credit["claimed_cents"], credit["open_cents"], credit["is_expired"]) == (100, 100, False)
    assert credits_on_their_way(connection, None, date(2026, 6, 1))["is_expired"].to_list() == [True]
    register = balances(connection, two["harbor"], CARRIER, MONTH)
    mine = lines.filter(client="harbor")
    assert register["charged_cents"].sum() == mine["premium_cents"].sum()
    assert (register["closing_cents"] == register["charged_cents"]).all()  # nothing was taken yet
    said = figures(connection, invoice, MONTH)
    assert said["first-pass match"] == 10_000
    missing = told["invoiced_cents"] - told["expected_cents"] - 100  # the medical plan is not billed at all
    assert said["gross error"] == ((100 - missing) * 20_000 + told["invoiced_cents"]) // (
        2 * told["invoiced_cents"]
    )
    assert said["perhaps uncovered"] > 0
    assert said["lost to the window"] == 0
    assert figures(connection, invoice, date(2026, 6, 1))["lost to the window"] == 10_000
