"""Each numbered rule of offers and renewals, on tables: what goes in, what must come out."""

from datetime import date
from types import SimpleNamespace

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.programs.sections.codes import CoverageCodePart, PersonRange
from openbenefits.programs.sections.rates import RateLine
from openbenefits.renewals import comparing, weighing
from openbenefits.renewals.codes import BatchStatus, BatchType, Tier, bands_of
from openbenefits.renewals.moves import MOVES, next_of
from openbenefits.renewals.rules.designs import DESIGN, FEATURES, deltas
from openbenefits.renewals.rules.options import NoPlace, Sold, of_program
from openbenefits.renewals.rules.pricing import (
    AMOUNTS,
    EDGES,
    LINES,
    compared,
    per_pay,
    priced,
    rates_offered,
    totals,
)
from openbenefits.renewals.rules.renewing import (
    Standing,
    matching_definitions,
    rate_group_of,
    reminder_days,
    renewal_days,
    successors,
)
from openbenefits.renewals.tiers import tiers_of

PERCENT = 1_000_000
DOLLAR = 1_000_000


def line(**changes):
    given_ = {
        "offer_id": 1,
        "tier": "EE",
        "premium_micros": 500 * DOLLAR,
        "cost_micros": 450 * DOLLAR,
        "factor_micros": 100 * PERCENT,
        "method": "dollars",
        "stated_cents": 40_000,
        "stated_percent_micros": None,
        "people": 3,
    }
    return given_ | changes


def prices(*lines):
    return priced(pl.DataFrame(lines, schema=LINES))


@pytest.mark.parametrize(
    ("changes", "premium", "employer", "employee", "percent"),
    [
        # offered premium = rate group × risk factor ÷ 100, half up to the cent (§2.4)
        ({}, 50_000, 40_000, 10_000, 80 * PERCENT),
        ({"factor_micros": 107_500_000}, 53_750, 40_000, 13_750, 74_418_605),
        ({"premium_micros": 333_335_000}, 33_334, 33_334, 0, 100 * PERCENT),
        ({"premium_micros": 333_334_999, "stated_cents": 0}, 33_333, 0, 33_333, 0),
        # Manually Set Dollars: percent computed; never more than the premium (§2.4)
        ({"stated_cents": 60_000}, 50_000, 50_000, 0, 100 * PERCENT),
        # Manually Set Percentages: dollars computed
        (
            {"method": "percent", "stated_cents": None, "stated_percent_micros": 66_666_667},
            50_000,
            33_333,
            16_667,
            66_666_667,
        ),
        ({"method": "percent", "stated_percent_micros": 100 * PERCENT}, 50_000, 50_000, 0, 100 * PERCENT),
        # nobody said: unknown, never 0
        ({"stated_cents": None}, 50_000, None, None, None),
    ],
)
def test_what_an_offer_costs(changes, premium, employer, employee, percent):
    row = prices(line(**changes)).row(0, named=True)
    assert (row["premium_cents"], row["employer_cents"], row["employee_cents"]) == (
        premium,
        employer,
        employee,
    )
    assert row["employer_percent_micros"] == percent


@given(
    st.integers(0, 5_000 * DOLLAR),
    st.integers(1 * PERCENT, 500 * PERCENT),
    st.integers(0, 1_000_000),
    st.integers(0, 100 * PERCENT),
    st.sampled_from(["dollars", "percent"]),
)
def test_the_employee_never_pays_less_than_nothing_and_parts_add_up(micros, factor, cents, percent, method):
    row = prices(
        line(
            premium_micros=micros,
            factor_micros=factor,
            stated_cents=cents,
            stated_percent_micros=percent,
            method=method,
        )
    ).row(0, named=True)
    assert row["employee_cents"] >= 0
    assert row["employer_cents"] + row["employee_cents"] == row["premium_cents"]


def test_totals_of_the_package_by_formula():
    """§3.2: sums of count × each; margin = premium − cost; what is unknown counts only where there are people."""
    rows = prices(
        line(),
        line(
            tier="EF",
            premium_micros=1_500 * DOLLAR,
            cost_micros=1_400 * DOLLAR,
            stated_cents=90_000,
            people=2,
        ),
        line(tier="ES", stated_cents=None, people=0),
    )
    found = totals(rows).row(0, named=True)
    assert found == {
        "people": 5,
        "premium_cents": 3 * 50_000 + 2 * 150_000,
        "employer_cents": 3 * 40_000 + 2 * 90_000,
        "employee_cents": 3 * 10_000 + 2 * 60_000,
        "cost_cents": 3 * 45_000 + 2 * 140_000,
        "margin_cents": 3 * 5_000 + 2 * 10_000,
    }
    unknown = totals(prices(line(), line(tier="ES", stated_cents=None, people=1))).row(0, named=True)
    assert (unknown["premium_cents"], unknown["employer_cents"]) == (200_000, None)


def test_change_is_renewal_less_current_with_its_percent():
    was = totals(prices(line()), "offer_id")
    now = totals(prices(line(premium_micros=535 * DOLLAR)), "offer_id")
    row = compared(was, now, "offer_id").row(0, named=True)
    assert (row["change_premium_cents"], row["percent_premium_cents"]) == (10_500, 70)
    assert (row["change_employee_cents"], row["percent_employee_cents"]) == (10_500, 350)
    new = compared(was.filter(offer_id=9), now, "offer_id").row(0, named=True)
    assert {new[f"was_{name}_cents"] for name in AMOUNTS} == {None}


def test_per_pay_is_a_twelfth_of_the_year_split_over_its_pays():
    found = pl.select(**{str(pays): per_pay(pl.lit(10_001), pays) for pays in (12, 24, 26, 52)}).row(0)
    assert found == (10_001, 5_001, 4_616, 2_308)


@pytest.mark.parametrize(
    ("effective", "expires", "begins", "ends"),
    [
        ("2026-01-01", "2026-12-31", "2027-01-01", "2027-12-31"),
        ("2026-07-01", "2026-12-31", "2027-01-01", "2027-12-31"),
        ("2026-07-01", None, "2027-07-01", "2028-06-30"),
        ("2028-02-29", None, "2029-02-28", "2030-02-27"),
        ("2027-03-01", "2028-02-29", "2028-03-01", "2029-02-28"),
    ],
)
def test_the_days_of_the_next_year(effective, expires, begins, ends):
    day = date.fromisoformat
    found = renewal_days(day(effective), expires and day(expires))
    assert found == (day(begins), day(ends))


def test_each_offer_that_goes_on_finds_the_plan_that_renews_its_own():
    """§6.1.2: turned down or over is left out; a successor must be complete; of several the latest."""
    offers = pl.DataFrame(
        {
            "offer_id": [1, 2, 3, 4, 5],
            "plan_id": [10, 10, 11, 12, 10],
            "status": ["active", "rejected", "active", "selected", "expired"],
        }
    )
    plans = pl.DataFrame(
        {
            "plan_id": [20, 21, 22, 23],
            "renewed_from_id": [10, 10, 11, None],
            "status": ["active", "pending activation", "new", "active"],
        }
    )
    found = dict(successors(offers, plans).select("offer_id", "successor_id").iter_rows())
    assert found == {1: 21, 3: None, 4: None}


@pytest.mark.parametrize(
    ("stated", "standing", "of_batch", "of_plan", "title"),
    [
        ("E", [("C", "10", "active", "B")], "D", "A", "E"),
        ("", [("C", "10", "active", "B")], "D", "A", "B"),
        ("", [("C", "10", "rejected", "B")], "D", "A", "D"),
        ("", [("C", "11", "active", "B")], "", "A", "A"),
        ("", [("X", "10", "active", "B")], "", "", ""),
    ],
)
def test_which_rate_group_a_new_offer_takes(stated, standing, of_batch, of_plan, title):
    rows = [Standing(carrier=c, plan_type=p, status=s, rate_group=r) for c, p, s, r in standing]
    found = rate_group_of(
        stated=stated, carrier="C", plan_type="10", standing=rows, of_batch=of_batch, of_plan=of_plan
    )
    assert found == title


def test_who_underwrites_a_batch():
    """§3.3: department, type, contract type equal or empty, active; a typed row is asked before an untyped one."""
    rows = [
        (1, "Risk", "Renewal", "", True),
        (2, "Legal", "Renewal", "PEO", True),
        (3, "Legal", "Renewal", "ASO", True),
        (4, "Risk", "RFP", "", True),
        (5, "Old", "Renewal", "", False),
        (6, "Both", "Renewal", "", True),
        (7, "Both", "Renewal", "PEO", True),
    ]
    names = ["definition_id", "department", "approval_type", "contract_type", "is_active"]
    table = pl.DataFrame(rows, schema=names, orient="row")
    found = matching_definitions(table, BatchType.RENEWAL, "PEO")["definition_id"].to_list()
    assert sorted(found) == [1, 2, 7]


def test_reminders_come_before_the_last_day_and_on_it():
    assert reminder_days(date(2026, 11, 20)) == [date(2026, 11, day) for day in (10, 15, 18, 20)]


def test_statuses_go_only_where_the_reference_lets_them():
    assert set(next_of("batch", "pending")) == {"prep for presentation"}
    assert "active" not in next_of("batch", "sent for approval")
    assert next_of("batch", "expired") == {}
    assert set(next_of("offer", "new")) == {"selected", "rejected"}
    assert "active" not in next_of("offer", "selected")
    hidden = frozenset({BatchStatus.PREPARED, BatchStatus.SELECTION})
    assert next_of("batch", "pending", hidden) == {
        "client review": ("prep for presentation", "client review")
    }
    assert "sent for approval" in next_of("batch", "client review", hidden)
    assert len(set(MOVES)) == len(MOVES)


def code(name, **persons):
    ranges = {kind: PersonRange(min=low, max=high) for kind, (low, high) in persons.items()}
    return CoverageCodePart(code=name, name=name, persons=ranges)


def test_coverage_codes_are_tiers_by_whom_they_cover():
    codes = [
        code("1", EE=(1, 1)),
        code("2", EE=(1, 1), SP=(1, 1)),
        code("3", EE=(1, 1), CH=(1, 1)),
        code("5", EE=(1, 1), CH=(1, 99)),
        code("4", EE=(1, 1), SP=(0, 1), CH=(0, 99)),
        code("12", EE=(1, 1), DP=(1, 1)),
        code("P", SP=(1, 1)),
        code("0"),
    ]
    assert tiers_of(codes) == {
        "1": Tier.EE, "2": Tier.ES, "3": Tier.EC, "5": Tier.EK, "4": Tier.EF, "12": Tier.ES, "0": Tier.EE,
    }  # fmt: skip


# --- offers as set-up ---------------------------------------------------------------------------------------

OPTION = {"code": "HMO", "plan": "HMO-26", "coverage_codes": ["1", "4"], "level": 10, "default": "1",
          "deduction_code": "MED", "costs": [{"rate_table": "old", "contribution": "EIGHTY"}]}  # fmt: skip
OTHER = {"code": "PPO", "plan": "PPO-26", "coverage_codes": ["1"], "level": 20}
PROGRAM = {
    "code": "MAIN",
    "from": "2027-01-01",
    "plan_types": [{"plan_type": "10", "options": [OPTION, OTHER]}, {"plan_type": "60", "options": []}],
}
TIERS = {"1": "EE", "4": "EF"}


def sold(**changes):
    given_ = {
        "program": "MAIN",
        "plan_type": "10",
        "option_code": "HMO",
        "benefit_group": "",
        "setup_plan": "HMO-26",
        "name": "HMO",
        "carrier": "C",
        "design": {},
        "is_going": True,
        "prices": [("EE", (), 500 * DOLLAR, 400 * DOLLAR), ("EF", (), 1_500 * DOLLAR, 900_500_000)],
    }
    return Sold(**(given_ | changes))


def written(*offers, parts=None):
    found = of_program(PROGRAM, offers, parts or {}, tiers=TIERS, day=date(2027, 1, 1), source="test")
    return {(section, record["code"]): record for section, _, record in found}


def test_an_option_goes_on_under_its_code_at_the_signed_prices():
    found = written(sold(setup_plan="HMO-27"))
    option, other = found["programs", "MAIN"]["plan_types"][0]["options"]
    assert (option["code"], option["plan"], option["level"], option["deduction_code"]) == (
        "HMO",
        "HMO-27",
        10,
        "MED",
    )
    assert option["costs"] == [{"rate_table": "MAIN-10-HMO"}]
    assert other == OTHER
    rates = found["rate_tables", "MAIN-10-HMO"]["rates"]
    assert {"coverage_code": "4", "rate": "1500.00", "employer_rate": "900.50"} in rates


def test_what_is_turned_down_ends_and_what_is_new_comes_last():
    found = written(sold(is_going=False), sold(option_code="NEW", setup_plan="NEW-27"))
    options = found["programs", "MAIN"]["plan_types"][0]["options"]
    assert [one["code"] for one in options] == ["PPO", "NEW"]
    assert options[1]["level"] == 21


LIFE = {"code": "1X", "plan": "LIFE-26", "formula": "ONE", "deduction_code": "LIF",
        "costs": [{"rate_table": "old", "contribution": "ALL", "calculation_rule": "BIRTHDAY"}]}  # fmt: skip
TWICE = LIFE | {"code": "2X", "formula": "TWO"}
ACCOUNT = {"code": "FSA", "plan": "FSA-26", "deduction_code": "FSA"}


def alone(*offers, options=(LIFE, TWICE), plan_type="20"):
    program = {
        "code": "MAIN",
        "from": "2027-01-01",
        "plan_types": [{"plan_type": plan_type, "options": options}],
    }
    found = of_program(program, offers, {}, tiers=TIERS, day=date(2027, 1, 1), source="test")
    return {(section, record["code"]): record for section, _, record in found}


def of_life(**changes):
    given_ = {"plan_type": "20", "option_code": "LIFE-26", "setup_plan": "LIFE-26", "unit": "per_thousand"}
    return sold(**(given_ | {"prices": [("EE", (), 155_000, 77_500)]} | changes))


def test_a_plan_without_tiers_stands_for_every_option_of_it():
    found = alone(of_life())
    first, second = found["programs", "MAIN"]["plan_types"][0]["options"]
    cost = {"rate_table": "MAIN-20-LIFE-26", "calculation_rule": "BIRTHDAY"}
    assert (first, second) == (LIFE | {"costs": [cost]}, TWICE | {"costs": [cost]})
    table = found["rate_tables", "MAIN-20-LIFE-26"]
    assert (table["unit"], table["keys"]) == ("per_thousand", [])
    assert table["rates"] == [{"rate": "0.155", "employer_rate": "0.0775"}]
    other = of_life(option_code="NEW", setup_plan="LIFE-27")
    options = alone(of_life(is_going=False), other)["programs", "MAIN"]["plan_types"][0]["options"]
    told = [(one["code"], one["plan"], one["formula"]) for one in options]
    assert told == [("1X", "LIFE-27", "ONE"), ("2X", "LIFE-27", "TWO")]  # it takes the place of the old
    options = alone(other)["programs", "MAIN"]["plan_types"][0]["options"]
    assert [(one["code"], one["plan"]) for one in options[2:]] == [("NEW", "LIFE-27")]
    assert alone(of_life(is_going=False))["programs", "MAIN"]["plan_types"][0]["active"] is False
    off = {"code": "MAIN", "from": "2027-01-01"}
    off |= {"plan_types": [{"plan_type": "20", "active": False, "options": [LIFE]}]}
    (_, _, again), _ = of_program(off, [of_life()], {}, tiers=TIERS, day=date(2027, 1, 1), source="test")
    assert again["plan_types"][0]["active"] is True
    with pytest.raises(NoPlace, match="rates of its rate group"):
        alone(of_life(prices=[]))


def test_an_account_needs_no_rates():
    offer = sold(plan_type="60", option_code="FSA-27", setup_plan="FSA-26", prices=[])
    found = alone(offer, options=(ACCOUNT,), plan_type="60")
    assert found["programs", "MAIN"]["plan_types"][0]["options"] == [ACCOUNT]
    assert list(found) == [("programs", "MAIN")]


def test_a_rate_for_coverage_costs_by_the_volume():
    life = {"unit": "per_thousand", "premium_micros": 155_000, "factor_micros": 110_000_000}
    share = {"method": "percent", "stated_cents": None, "stated_percent_micros": 50_000_000}
    lines = prices(line(**life, **share, volume_cents=5_000_000, cost_micros=150_000), line(**life, **share))
    known, unknown = lines.iter_rows(named=True)
    assert [known[f"{name}_cents"] for name in ("premium", "employer", "employee", "cost")] == [
        853,
        427,
        426,
        750,
    ]
    assert unknown["premium_cents"] is None  # how much coverage nobody says
    rates = rates_offered(lines).select("rate_micros", "employer_micros")
    assert rates.rows() == [(170_500, 85_250)] * 2


def test_an_offer_of_a_benefit_group_is_limited_to_it_beside_the_rule_there_was():
    rule = {"code": "FULL", "from": "2026-01-01", "criteria": [{"field": "weekly_hours", "min": "30"}]}
    own = PROGRAM | {"plan_types": [{"plan_type": "10", "options": [OPTION | {"eligibility": "FULL"}]}]}
    found = of_program(
        own,
        [sold(benefit_group="OFFICE")],
        {"eligibility_rules": [rule]},
        tiers=TIERS,
        day=date(2027, 1, 1),
        source="test",
    )
    records = {record["code"]: record for _, _, record in found}
    assert records["FULL-GROUP-OFFICE"]["criteria"] == [
        {"field": "weekly_hours", "min": "30"},
        {"field": "benefit_group", "values": ["OFFICE"]},
    ]
    assert records["MAIN"]["plan_types"][0]["options"][0]["eligibility"] == "FULL-GROUP-OFFICE"


def test_an_offer_without_a_place_or_a_price_says_so():
    with pytest.raises(NoPlace, match="expected category 11"):
        written(sold(plan_type="11"))
    with pytest.raises(NoPlace, match="expected a price for a coverage code"):
        written(sold(prices=[("EC", (), 1, 0)]))


def test_what_members_pay_is_compared_feature_by_feature():
    blank = dict.fromkeys(FEATURES)
    old = blank | {"plan_id": 1, "deductible": 50_000, "coinsurance_percent": 20_000, "drug": 1_000}
    new = blank | {"plan_id": 2, "deductible": 75_000, "coinsurance_percent": 10_000, "primary_visit": 2_500}
    designs = pl.DataFrame([old, new], schema=DESIGN)
    schema = {"offer_id": pl.Int64(), "plan_id": pl.Int64(), "old_plan_id": pl.Int64()}
    pairs = pl.DataFrame([(7, 2, 1), (8, 2, 3), (9, 2, 2)], schema=schema, orient="row")
    rows = deltas(pairs, designs)
    assert rows.filter(offer_id=7).drop("offer_id").rows() == [
        ("deductible", 50_000, 75_000, 25_000, False),
        ("coinsurance_percent", 20_000, 10_000, -10_000, True),
        ("primary_visit", None, 2_500, None, None),
        ("drug", 1_000, None, None, None),
    ]
    assert rows.filter(offer_id=8).is_empty()  # the former plan states no design
    assert rows.filter(offer_id=9)["change"].drop_nulls().unique().to_list() == [0]


@pytest.mark.parametrize(
    ("band", "edge", "key", "column", "value"),
    [
        ("age", 40, "age", "age_from", 40),
        ("service", 5, "service", "service_months_from", 60),
        ("pay", 50_000, "pay", "annual_pay_from", "50000.00"),
        ("smoker", 1, "smoker", "smoker", True),
    ],
)
def test_bands_of_a_rate_group_become_keys_of_its_rate_table(band, edge, key, column, value):
    prices = [
        ("EE", bands_of({band: 0}), 500 * DOLLAR, 400 * DOLLAR),
        ("EE", bands_of({band: edge}), 600 * DOLLAR, 400 * DOLLAR),
    ]
    table = written(sold(prices=prices))["rate_tables", "MAIN-10-HMO"]
    assert table["keys"] == ["coverage_code", key]
    assert [one[column] for one in table["rates"]] == [type(value)(0) if band != "pay" else "0.00", value]
    assert msgspec.convert(table["rates"], list[RateLine])


def test_several_kinds_of_band_are_several_keys_of_the_rate_table():
    prices = [
        ("EE", bands_of({"smoker": smoker, "age": age, "area": "WEST"}), (age + smoker) * DOLLAR, 0)
        for age in (0, 40)
        for smoker in (0, 1)
    ]
    table = written(sold(prices=prices, geography="ma", area_of="location"))["rate_tables", "MAIN-10-HMO"]
    assert table["keys"] == ["coverage_code", "age", "smoker", "area"]
    assert (table["geography"], table["area_of"]) == ("ma", "location")
    assert [(one["age_from"], one["smoker"], one["rate"]) for one in table["rates"]] == [
        (0, False, "0.00"),
        (0, True, "1.00"),
        (40, False, "40.00"),
        (40, True, "41.00"),
    ]
    assert msgspec.convert(table["rates"], list[RateLine])


ZIPS = pl.DataFrame({"geography": ["ma"] * 2, "zip": ["01001", "02101"], "area": ["WEST", "EAST"]})


def test_rating_areas_become_the_key_of_the_rate_table():
    prices_ = [
        ("EE", bands_of({"area": area}), rate * DOLLAR, 0) for area, rate in (("WEST", 500), ("EAST", 600))
    ]
    offer = sold(prices=prices_, geography="ma")
    table = written(offer)["rate_tables", "MAIN-10-HMO"]
    assert (table["keys"], table["geography"]) == (["coverage_code", "area"], "ma")
    assert [(one["area"], one["rate"]) for one in table["rates"]] == [("WEST", "500.00"), ("EAST", "600.00")]
    assert msgspec.convert(table["rates"], list[RateLine])


def held(**changes):
    given_ = {
        "person_id": [1, 2, 3],
        "option": ["MAIN/10/HMO-1"] * 3,
        "plan": ["HMO-26"] * 3,
        "coverage_cents": [None] * 3,
        "monthly_pay_cents": [100_00, 200_00, None],
        "home_zip": ["01001", "02101", None],
        "company_zip": ["02101"] * 3,
        "location_zip": ["01001", None, "99999"],
        "benefit_group": ["ALL"] * 3,
        "age": [30, 45, None],
        "service": [2, 7, 12],
        "pay": [40_000, 60_000, 90_000],
        "smoker": [0, 1, None],
    }
    return pl.DataFrame(
        given_ | changes, schema_overrides=dict.fromkeys(EDGES, pl.Int32) | {"coverage_cents": pl.Int64}
    )


def placed(*bands, **changes):
    """Who falls into which bands of the one offer there is, in the order of people."""
    rows = [
        dict.fromkeys(LINES)
        | {"offer_id": 1, "tier": "EE", "area_of": "home", "geography": "ma"}
        | one
        | changes
        for one in bands
    ]
    plan_type = "31" if changes.get("unit") else "10"
    offers = pl.DataFrame(
        {
            "offer_id": [1],
            "program": ["MAIN"],
            "plan_type": [plan_type],
            "option_code": ["HMO"],
            "setup_plan": ["HMO-26"],
            "benefit_group": [""],
        }
    )
    people = held(option=[f"MAIN/{plan_type}/HMO-1"] * 3)
    return weighing.placed_people(people, offers, pl.DataFrame(rows, schema=LINES), ZIPS).sort("person_id")


@pytest.fixture
def tiers(monkeypatch):
    monkeypatch.setattr(weighing, "tiers_in_force", lambda: {"1": Tier.EE})


def test_people_fall_into_the_band_of_what_the_group_goes_by(tiers):
    told = {}
    for band, edge in (("age", 40), ("service", 5), ("pay", 50_000), ("smoker", 1)):
        counted = weighing.counted_people(placed({band: 0}, {band: edge}))
        told[band] = counted.select(band, "people", "unknown").rows()
    assert told == {  # who lacks the fact is in the lowest band, and told of
        "age": [(0, 2, 1), (40, 1, 0)],
        "service": [(0, 1, 0), (5, 2, 0)],
        "pay": [(0, 1, 0), (50_000, 2, 0)],
        "smoker": [(0, 2, 1), (1, 1, 0)],
    }
    above = placed({"age": 40}, {"age": 50})
    assert above["age"].to_list() == [None, 40, 40]
    assert above["outside"].to_list() == [["age"], [], []]
    assert weighing.counted_people(above)["people"].to_list() == [2]
    assert placed({})["unknown"].to_list() == [[], [], []]
    found = placed({"area": "WEST"}, {"area": "EAST"})
    assert found["area"].to_list() == ["WEST", "EAST", "EAST"]
    assert found["unknown"].to_list() == [[], [], ["area"]]
    west = placed({"area": "WEST"})
    assert west["area"].to_list() == ["WEST", None, "WEST"]  # no rate of an area is no rate of another
    assert west["outside"].to_list() == [[], ["area"], []]


def test_people_fall_into_several_kinds_of_band_together(tiers):
    grid = [{"age": age, "smoker": smoker} for age in (0, 40) for smoker in (0, 1)]
    found = placed(*grid)
    assert found.select("age", "smoker").rows() == [(0, 0), (40, 1), (0, 0)]
    assert found["unknown"].to_list() == [[], [], ["age", "smoker"]]
    counted = weighing.counted_people(found).select("age", "smoker", "people", "unknown")
    assert counted.rows() == [(0, 0, 2, 1), (40, 1, 1, 0)]


def test_areas_may_be_those_of_the_workplace_and_rates_of_pay_are_weighed_with_pay(tiers):
    areas = [{"area": "WEST"}, {"area": "EAST"}]
    assert placed(*areas, area_of="company")["area"].to_list() == ["EAST"] * 3
    at_work = placed(*areas, area_of="location")
    assert at_work["area"].to_list() == ["WEST", "EAST", "EAST"]
    assert at_work["unknown"].to_list() == [[], ["area"], ["area"]]
    assert placed({}, unit="percent_of_base")["volume_cents"].to_list() == [100_00, 200_00, None]


def test_lines_signed_when_rates_went_by_one_kind_of_band_are_read_as_they_were_signed(monkeypatch):
    old = line() | {"band_from": 0}
    signed = [
        old | {"band": "pay"},
        old | {"band": "pay", "band_from": 50_000},
        old | {"offer_id": 2, "band": "age"},
        old | {"offer_id": 3, "band": "area", "band_from": 7, "area": "EAST", "geography": "ma"},
        line(offer_id=4) | {"age_from": 0},
        line(offer_id=4) | {"age_from": 40},
        line(offer_id=5, age=40, smoker=1),
    ]
    monkeypatch.setattr(comparing, "approval_of", lambda _batch: SimpleNamespace(lines=signed))
    found = comparing.signed_lines(None)
    assert found.columns == list(LINES)
    assert [bands_of(row) for row in found.iter_rows(named=True)] == [
        (("pay", 0),),
        (("pay", 50_000),),
        (),
        (("area", "EAST"),),
        (("age", 0),),
        (("age", 40),),
        (("age", 40), ("smoker", 1)),
    ]


def test_former_rates_are_weighed_with_the_people_of_now_though_bands_are_others():
    def weighed(before, *now):
        lines = [dict.fromkeys(LINES) | one for one in now]
        old = pl.DataFrame([dict.fromkeys(LINES) | before], schema=LINES)
        found = comparing._with_people_of(old, pl.DataFrame(lines, schema=LINES))
        return found.select("people", "volume_cents").row(0)

    for_coverage = {"unit": "per_thousand", "people": 9, "volume_cents": 70_00}
    young = line(age=0, unit="per_thousand", people=3, volume_cents=10_00)
    old = line(age=40, unit="per_thousand", people=1, volume_cents=50_00)
    assert weighed(line(**for_coverage), young, old) == (4, 20_00)
    assert weighed(line(age=40, **for_coverage), young, old) == (1, 50_00)
    assert weighed(line(smoker=1, **for_coverage), young, old) == (9, 70_00)
    of_pay = line(unit="percent_of_base", people=4, volume_cents=1_000_00)
    assert weighed(line(**for_coverage), of_pay) == (4, 70_00)  # pay is no coverage


def test_former_rates_without_bands_stand_beside_each_band_of_now():
    now = prices(line(age=0), line(age=40, premium_micros=600 * DOLLAR))
    before = prices(line(premium_micros=450 * DOLLAR), line(tier="ES"))
    found = comparing.Compared(batch=None, offers=None, lines=now, before=before, designs={}).tiers(1)
    rows = found.select("tier", "age", "was_premium_cents", "is_premium_cents").rows()
    assert rows == [("ES", None, 50_000, None), ("EE", 0, 45_000, 50_000), ("EE", 40, 45_000, 60_000)]
