"""Prices and order of generated packages: the same as one person at a time, and the laws of the scales."""

from typing import Any

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.matching import oracle
from tests.matching.worlds import FACTORS, candidate, candidates, census, flat, peo, terms

from openbenefits.core.codes import RateUnit
from openbenefits.matching.candidates import TIERS
from openbenefits.matching.matched import overview, price_packages, rank_packages
from openbenefits.matching.rules.ranking import MEASURES, Ranking, Scale, points, rank, sensitivity

Row = dict[str, Any]
MANY = settings(max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # each a book
PURE = settings(max_examples=40)

people = st.lists(
    st.fixed_dictionaries(
        {
            "tier": st.sampled_from(TIERS),
            "plan": st.sampled_from([None, "P1", "P2"]),
            "carrier": st.sampled_from([None, "North", "South"]),
            "benefit_class": st.sampled_from([None, "FT", "PT"]),
            "pay": st.integers(10_000_00, 90_000_00),
        }
    ),
    min_size=1,
    max_size=7,
)
tables = st.lists(st.integers(100_00, 900_00), min_size=2, max_size=4).map(
    lambda found: {f"T{number}": flat(cents) for number, cents in enumerate(found)}
)
employers = st.dictionaries(
    st.sampled_from(TIERS),
    st.one_of(
        st.tuples(st.just("cents"), st.integers(0, 900_00)),
        st.tuples(st.just("percent"), st.integers(0, 100)),
    ),
)


UNTIERED: dict[str, tuple[RateUnit, Row]] = {
    "20": (RateUnit.FLAT, {}),
    "22": (RateUnit.PER_THOUSAND, {"coverage_cents": 25_000_00}),
    "23": (RateUnit.PER_THOUSAND, {"formula": "ONE"}),
    "30": (RateUnit.PER_HUNDRED, {"coverage_cents": 612_00}),
    "31": (RateUnit.PERCENT_OF_BASE, {}),
}
"""What an untiered plan of each category is priced by, and covers."""


@st.composite
def begun(draw: Any, package: str) -> tuple[list[Row], dict[str, tuple[RateUnit, int]]]:
    """Untiered plans of a package, up to two of a category, each at rates of its own."""
    rows, known = [], {}
    for category in draw(st.lists(st.sampled_from(sorted(UNTIERED)), max_size=3, unique=True)):
        unit, covers = UNTIERED[category]
        for plan in draw(st.sampled_from([["L1"], ["L1", "L2"]])):
            names = [f"{package}-{category}-{plan}-{what}" for what in ("premium", "cost")]
            known |= {name: (unit, draw(st.integers(10_000, 3_000_000))) for name in names}
            told = {"package": package, "plan": plan, "category": category, "carrier": "Life", **covers}
            told |= {"rate_table": names[0], "true_table": names[1], "employer": draw(employers)}
            rows.append(told | {"benefit_class": draw(st.sampled_from([None, "FT"]))})
    return rows, known


@st.composite
def packages(draw: Any) -> tuple[list[Row], dict[str, Any]]:
    """Up to four packages of up to three medical plans each, and what else they hold."""
    known: dict[str, Any] = draw(tables)
    own = sorted(known)
    rows = []
    for package in "ABCD"[: draw(st.integers(1, 4))]:
        plans = draw(st.lists(st.sampled_from(["P1", "P2", "P3"]), min_size=1, max_size=3, unique=True))
        rows += [
            {
                "package": package,
                "category": "10",
                "plan": plan,
                "carrier": draw(st.sampled_from(["North", "South"])),
                "rate_table": draw(st.sampled_from(own)),
                "true_table": draw(st.sampled_from(own)),
                "benefit_class": draw(st.sampled_from([None, "FT"])),
                "employer": draw(employers),
            }
            for plan in plans
        ]
        more, rates = draw(begun(package))
        rows, known = rows + more, known | rates
    return rows, known


def handed(rows: list[Row], known: dict[str, Any]) -> Any:
    """The packages as candidates, with their tables."""
    by_tier = {name: rates for name, rates in known.items() if isinstance(rates, dict)}
    untiered = {name: rates for name, rates in known.items() if name not in by_tier}
    return candidates([candidate(**row) for row in rows], by_tier, untiered)


@MANY
@given(people, packages())
def test_packages_come_to_what_each_person_adds(group: list[Row], made: Any) -> None:
    rows, known = made
    priced = price_packages(census(group), handed(rows, known), peo(), FACTORS, terms())
    for found in priced.measured.iter_rows(named=True):
        own = [row for row in rows if row["package"] == found["code"]]
        said = oracle.measures(group, own, known)
        assert found["unplaced"] == said["unplaced"]
        if not said["people"]:
            continue
        assert found["people"] == said["people"]
        for name in ("premium", "employer", "employee", "true", "margin"):
            assert found[f"{name}_cents"] == said[name], name
        assert found["priced_out"] == said["priced_out"]
        assert found["disruption_hundredths"] == said["disruption"]


@MANY
@given(people, packages(), st.randoms(use_true_random=False))
def test_the_order_of_people_changes_nothing(group: list[Row], made: Any, random: Any) -> None:
    rows, known = made
    told = handed(rows, known)
    numbered = [one | {"number": f"{at:03d}"} for at, one in enumerate(group)]
    shuffled = list(numbered)
    random.shuffle(shuffled)
    first, second = (
        price_packages(census(one), told, peo(), FACTORS, terms()) for one in (numbered, shuffled)
    )
    assert first.measured.equals(second.measured)
    assert first.refused.equals(second.refused)


# --- order: laws on measures alone --------------------------------------------------------------------------

amounts = st.integers(0, 10_000_00)
shares = st.one_of(st.none(), st.integers(0, 10_000))


@st.composite
def measured_rows(draw: Any, least: int = 1) -> list[Row]:
    found = []
    for number in range(draw(st.integers(least, 6))):
        employer, employee = draw(amounts), draw(amounts)
        found.append(
            {
                "code": f"P{number}",
                "premium": employer + employee + 1,
                "employer": employer,
                "employee": employee,
                "richness": draw(shares),
                "disruption": draw(shares),
                "margin": draw(st.one_of(st.none(), st.integers(-5_000_00, 5_000_00))),
                "pool_risk": draw(amounts),
            }
        )
    return found


def frame(rows: list[Row]) -> pl.DataFrame:
    columns = {
        "code": [row["code"] for row in rows],
        "package": list(range(len(rows))),
        **{
            f"{name}_cents": [row[name] for row in rows]
            for name in ("premium", "employer", "employee", "margin")
        },
        "pool_risk_cents": [row["pool_risk"] for row in rows],
        "richness_hundredths": [row["richness"] for row in rows],
        "disruption_hundredths": [row["disruption"] for row in rows],
    }
    kinds = {name: pl.Int64() for name in columns} | {"code": pl.String(), "package": pl.Int32()}
    return pl.DataFrame(columns, schema=kinds)


weights = st.fixed_dictionaries({name: st.integers(0, 100) for name in MEASURES}).filter(
    lambda found: any(found.values())
)


def codes(rows: list[Row], ranking: Ranking) -> list[str]:
    table = frame(rows)
    found = rank(table, ranking)
    return found.join(table.select("package", "code"), on="package", maintain_order="left")["code"].to_list()


def by_reference(row: Row, own: dict[str, int]) -> Ranking:
    return Ranking(weights=own, scale=Scale.REFERENCE, reference=frame([row]).row(0, named=True))


@PURE
@given(measured_rows(), weights)
def test_order_is_that_of_the_oracle(rows: list[Row], own: dict[str, int]) -> None:
    assert codes(rows, Ranking(weights=own)) == oracle.ranked(rows, own, None)
    assert codes(rows, by_reference(rows[0], own)) == oracle.ranked(rows, own, rows[0])


@PURE
@given(measured_rows(least=2), weights)
def test_a_measure_without_weight_is_ignored(rows: list[Row], own: dict[str, int]) -> None:
    own = (
        own | {"margin": 0} if any(w for n, w in own.items() if n != "margin") else {"client": 1, "margin": 0}
    )
    other = [row | {"margin": 7 * number} for number, row in enumerate(rows)]
    assert codes(rows, Ranking(weights=own)) == codes(other, Ranking(weights=own))


@PURE
@given(measured_rows(least=2), weights)
def test_against_a_reference_no_package_moves_the_others(rows: list[Row], own: dict[str, int]) -> None:
    known = [row | {"richness": row["richness"] or 0, "disruption": 0, "margin": 0} for row in rows]
    ranking = by_reference(known[0], own)
    assert [code for code in codes(known, ranking) if code != "P1"] == codes(known[:1] + known[2:], ranking)


@PURE
@given(measured_rows(least=2), weights, st.data())
def test_by_range_a_package_within_the_others_moves_none(
    rows: list[Row], own: dict[str, int], data: Any
) -> None:
    inside: Row = {"code": "NEW"}
    for name in ("employer", "employee", "richness", "disruption", "margin", "pool_risk"):
        known = [row[name] for row in rows if row[name] is not None]
        inside[name] = data.draw(st.integers(min(known), max(known))) if known else None
    inside["premium"] = 1
    ranking = Ranking(weights=own)
    assert [code for code in codes([*rows, inside], ranking) if code != "NEW"] == codes(rows, ranking)


@PURE
@given(measured_rows(least=2), weights)
def test_a_dominated_package_never_wins(rows: list[Row], own: dict[str, int]) -> None:
    best = rows[0]
    worse = best | {"code": "Z", "employer": best["employer"] + 1, "pool_risk": best["pool_risk"] + 1}
    for ranking in (Ranking(weights=own), by_reference(rows[-1], own)):
        order = codes([*rows, worse], ranking)
        assert order.index("P0") < order.index("Z")


@PURE
@given(measured_rows(least=2), weights)
def test_the_weight_said_to_change_the_winner_changes_it(rows: list[Row], own: dict[str, int]) -> None:
    ranking = Ranking(weights=own)
    table = frame(rows)
    winner = rank(table, ranking)["package"][0]
    for row in sensitivity(table, ranking).iter_rows(named=True):
        for side, toward in (("below", 1), ("above", -1)):
            weight = row[side]
            if weight is None:
                continue
            turned = Ranking(weights=own | {row["measure"]: weight})
            assert rank(table, turned)["package"][0] == row[f"{side}_winner"] != winner
            nearer = own | {row["measure"]: weight + toward}
            assert rank(table, Ranking(weights=nearer))["package"][0] == winner


def test_points_are_whole_numbers() -> None:
    rows = frame([{"code": "A", "premium": 9, "employer": 1, "employee": 2, "richness": None, "disruption": 1,
                   "margin": None, "pool_risk": 0}])  # fmt: skip
    assert all(kind == pl.Int64 for name, kind in points(rows, Ranking(weights={"client": 1})).schema.items()
               if name != "package")  # fmt: skip


@MANY
@given(people, packages())
def test_no_package_is_ever_hidden(group: list[Row], made: Any) -> None:
    """Every package is in the overview, whatever it costs and whoever refused it; cheaper ones are marked."""
    rows, known = made
    priced = price_packages(census(group), handed(rows, known), peo(), FACTORS, terms())
    found = overview(priced, rank_packages(priced, terms()))
    assert sorted(found["code"]) == sorted({row["package"] for row in rows})
    first = found.filter(rank=1)
    if first.height:
        cheaper = found.filter(pl.col("employer_cents") < first["employer_cents"][0])
        assert cheaper["is_cheaper_for_client"].all()
    assert set(found.filter(standing="refused")["package"]) == set(priced.refused["package"])


@pytest.mark.parametrize("bad", [{"margin": 101}, {"price": 1}, {"client": 0}])
def test_weights_that_cannot_be(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Ranking(weights=bad)
