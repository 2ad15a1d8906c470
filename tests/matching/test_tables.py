"""Cases with the numbers written out: tiers, richness, pool risk, take-up, and each reason to refuse.

Sources: process-management §3.1 (tiers), §3.2 (filters, measures); the rest is the product's own, as its README says.
"""

from datetime import date
from typing import Any

import polars as pl
import pytest
from tests.matching.worlds import FACTORS, candidate, candidates, census, flat, terms

from openbenefits.matching.candidates import NoCandidates
from openbenefits.matching.matched import price_packages, rank_packages
from openbenefits.matching.rules import tiers
from openbenefits.matching.rules.filters import Demands
from openbenefits.matching.rules.richness import with_richness

Row = dict[str, Any]
TABLE = pl.DataFrame(
    {"age_from": [0, 35, 35, 45], "male_percent_from": [0, 0, 50, 0], "tier": ["A", "C", "B", "D"]}
)
RATES = pl.DataFrame(
    {"tier": ["A", "B", "C", "D"], "order": [1, 2, 3, 4], "single_cents": [40000, 50000, 60000, 70000]}
)


@pytest.mark.parametrize(
    ("rate", "discount", "ages", "sexes", "control", "calculated", "final"),
    [
        (45_000, 0, [30, 31], ["M", "F"], "B", "A", "B"),  # control is riskier
        (
            45_000,
            20,
            [50, 50],
            ["F", "F"],
            "A",
            "D",
            "D",
        ),  # 450.00 less 20 % is 360.00; calculated is riskier
        (80_000, 0, [30], ["M"], "D", "A", "D"),  # above every tier: the riskiest
        (
            50_000,
            0,
            [34, 36],
            ["M", "F"],
            "B",
            "B",
            "B",
        ),  # 35.00 years, 50 % men: both edges belong to the band
        (None, 0, [40], ["F"], None, "C", "C"),  # no rate of today
        (60_000, 0, [], [], "C", None, "C"),  # nobody known
    ],
)
def test_final_tier_is_the_riskier(
    rate: int | None, discount: int, ages: list, sexes: list, control: Any, calculated: Any, final: str
) -> None:
    found = tiers.recommend(
        pl.Series(ages, dtype=pl.Int32),
        pl.Series(sexes, dtype=pl.String),
        TABLE,
        RATES,
        provided_single_cents=rate,
        max_discount_micros=discount * 1_000_000,
    )
    assert (found.control, found.calculated, found.final, found.chosen) == (control, calculated, final, final)


def test_a_tier_is_overridden_with_a_reason_only() -> None:
    given: Row = {"ages": pl.Series([40]), "sexes": pl.Series(["F"]), "table": TABLE, "rates": RATES}
    with pytest.raises(tiers.TierUnknown, match="reason"):
        tiers.recommend(**given, override="A")
    with pytest.raises(tiers.TierUnknown, match="found Z"):
        tiers.recommend(**given, override="Z", reason="because")
    found = tiers.recommend(**given, override="A", reason="large group with its own experience")
    assert (found.final, found.chosen, found.reason) == ("C", "A", "large group with its own experience")
    nothing: Row = given | {"ages": pl.Series([], dtype=pl.Int32), "sexes": pl.Series([], dtype=pl.String)}
    with pytest.raises(tiers.TierUnknown):
        tiers.recommend(**nothing)


@pytest.mark.parametrize(
    ("design", "richness"),
    [
        ({"actuarial_hundredths": 8_025}, 8_025),
        ({"deductible_cents": 0, "out_of_pocket_cents": 100_000, "coinsurance_micros": 0}, 10_000),
        (
            {"deductible_cents": 700_000, "out_of_pocket_cents": 920_000, "coinsurance_micros": 50_000_000},
            6_400,
        ),
        (
            {"deductible_cents": 350_000, "out_of_pocket_cents": 510_000, "coinsurance_micros": 25_000_000},
            8_200,
        ),
        ({"deductible_cents": 0, "out_of_pocket_cents": 100_000}, None),
    ],
)
def test_richness(design: Row, richness: int | None) -> None:
    rows = candidates([candidate("A", "P", "T", **design)], {}).rows
    assert with_richness(rows)["richness_hundredths"][0] == richness


def compared(group: list[Row], rows: list[Row], tables: Any = None, **changes: Any) -> Any:
    told = candidates(rows, tables or {"T": flat(400_00), "DEAR": flat(900_00)})
    return price_packages(census(group), told, None, FACTORS, terms(**changes))


@pytest.mark.parametrize(
    ("offer", "group", "demands", "rule"),
    [
        ({"benefit_class": "FT"}, [{"tier": "EE"}], {}, "network"),
        ({"benefit_class": "FT"}, [{"tier": "EE"}], {"most_unplaced": 10_000}, "price"),
        ({"min_participation_micros": 75_000_000}, [{"tier": "EE"}, {"tier": "EE", "categories": ()}], {}, "participation"),
        ({"min_contribution_micros": 50_000_000, "employer": {"EE": ("percent", 49)}}, [{"tier": "EE"}], {}, "contribution"),
        ({"employer": {"EE": ("percent", 49)}}, [{"tier": "ES"}], {"min_contribution_micros": 50_000_000}, "contribution"),
        ({"min_group": 2}, [{"tier": "EE"}], {}, "group size"),
        ({"max_group": 1}, [{"tier": "EE"}, {"tier": "EE"}], {}, "group size"),
        ({"states": "MA NH"}, [{"tier": "EE"}], {"state": "CA"}, "state"),
        ({}, [{"tier": "EE", "pay": 12_000_00}], {"most_priced_out": 0}, "affordable"),
    ],
)  # fmt: skip
def test_each_reason_to_refuse(offer: Row, group: list[Row], demands: Row, rule: str) -> None:
    priced = compared(group, [candidate("A", "P", "T", **offer)], demands=Demands(**demands))
    assert rule in priced.refused["rule"].to_list()
    fine = candidate("B", "P", "T", employer={"EE": ("percent", 100)})
    both = compared(group, [candidate("A", "P", "T", **offer), fine], demands=Demands(**demands))
    assert set(both.refused["package"]) <= {0}
    assert rank_packages(both, terms()).ranked["package"].to_list() == [1]


def test_a_sole_carrier_bears_none_beside_it_and_excused_people_do_not_count() -> None:
    alone = candidate("A", "P1", "T", carrier="North", is_sole_carrier=True)
    other = candidate("A", "P2", "T", carrier="South")
    assert compared([{"tier": "EE"}], [alone, other]).refused["rule"].to_list() == ["carrier"]
    asking = candidate("A", "P", "T", min_participation_micros=100_000_000)
    group = [{"tier": "EE"}, {"tier": "EE", "categories": (), "is_excused": True}]
    assert compared(group, [asking]).refused.is_empty()


def test_a_network_reaches_by_zip_alone() -> None:
    """Without the PEO's geographies a network reaches nobody; a plan without one reaches everybody."""
    far = candidate("A", "P", "T", network="nowhere")
    priced = compared([{"tier": "EE", "zip": 2139}], [far, candidate("B", "P", "T")])
    assert priced.refused.filter(package=0)["rule"].to_list() == ["network", "price"]
    assert priced.refused.filter(package=1).is_empty()


def test_pool_risk_is_what_the_people_cost_above_the_rates() -> None:
    """Two people of factor 1.0 and 2.0 in rates that stand for 1.2: 1.5 ÷ 1.2 − 1 = 25 % of the premium."""
    group = [{"tier": "EE", "birth_on": date(1986, 1, 1)}, {"tier": "EE", "birth_on": date(1966, 1, 1)}]
    shared = candidate("A", "P", "T", is_pooled=True, risk_micros=1_200_000)
    better = candidate("B", "P", "T", is_pooled=True, risk_micros=1_600_000)
    own = candidate("C", "P", "T")
    unknown = candidate("D", "P", "T", is_pooled=True)
    found = compared(group, [shared, better, own, unknown]).measured
    assert found.select("premium_cents", "pool_risk_cents").rows() == [
        (800_00, 200_00),
        (800_00, 0),
        (800_00, 0),
        (800_00, None),
    ]


def test_people_take_what_changes_least_then_what_costs_least() -> None:
    plans = [
        candidate("A", "CHEAP", "T", carrier="North"),
        candidate("A", "DEAR", "DEAR", carrier="South"),
        candidate("A", "SAME", "DEAR", carrier="South"),
    ]
    group = [
        {"tier": "EE"},  # nothing known: the cheapest
        {"tier": "EE", "plan": "SAME", "carrier": "South"},  # the own plan, though it is dear
        {"tier": "EE", "plan": "GONE", "carrier": "South"},  # the carrier; of two that cost the same, by code
    ]
    priced = compared(group, plans)
    chosen = priced.taken.join(priced.packages.offers.select("offer", "plan"), on="offer").sort("person")
    assert chosen["plan"].to_list() == ["CHEAP", "SAME", "DEAR"]
    assert chosen["step"].to_list() == [None, 0, 1]
    assert priced.measured["disruption_hundredths"].to_list() == [1_250]


def test_priced_out_goes_by_the_share_of_pay_to_the_cent() -> None:
    """$400.00 of $48,192.77 a year is 9.96 % of a month's pay; a cent of pay less is not."""
    rows = [candidate("A", "P", "T")]
    exact = next(pay for pay in range(48_000_00, 49_000_00, 12) if pay // 12 * 996 // 10_000 >= 400_00)
    assert compared([{"tier": "EE", "pay": exact}], rows).measured["priced_out"][0] == 0
    assert compared([{"tier": "EE", "pay": exact - 12}], rows).measured["priced_out"][0] == 1
    assert compared([{"tier": "ES", "pay": exact}], rows).measured.select("priced_out", "unaffordable").row(
        0
    ) == (1, 0)
    unknown = compared([{"tier": "EE", "pay": None}], rows).measured
    assert unknown.select("priced_out", "pay_unknown").row(0) == (0, 1)


def test_what_cannot_be_a_candidate_is_refused_with_its_reason() -> None:
    with pytest.raises(NoCandidates, match="NOWHERE"):
        compared([{"tier": "EE"}], [candidate("A", "P", "NOWHERE")])
    with pytest.raises(NoCandidates, match="1x"):
        compared([{"tier": "EE"}], [candidate("A", "P", "T", category="25")])
    with pytest.raises(NoCandidates, match="the share of people who choose it"):
        compared([{"tier": "EE"}], [candidate("A", "P", "T", category="21")])
    with pytest.raises(NoCandidates, match="at least one"):
        compared([{"tier": "EE"}], [])
