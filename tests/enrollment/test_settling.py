"""What shall hold once elections are settled: what falls, what hours cost, who is to receive (rules.md §11)."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from tests.laws.kernel import Kernel
from tests.oracle.cases import merge, read_yaml

Row = dict[str, Any]

BASE = merge(read_yaml("base.yaml"), read_yaml("elections-amounts.yaml")["given"])


def held(plan_type: str, option: str, **more: Any) -> Row:
    return {"plan_type": plan_type, "kind": "E", "program": "STD", "option": option, **more}


def elected(plan_type: str, option: str, **more: Any) -> Row:
    return {"plan_type": plan_type, "option": option, **more}


def settled(
    *, is_finalizing: bool = False, client: Row | None = None, event: Row | None = None, **person: Any
):
    """Settle one person's event: the results by plan type, the messages, and what else was settled."""
    world = deepcopy(BASE)
    if client:
        world["client"] = merge(world["client"], client)
    someone = {
        **world["person"],
        "event": {**world["event"], **(event or {})},
        "prior_options": None,
        **person,
    }
    kernel = Kernel(world["peo"], [world["client"]], [someone])
    found = kernel.settled([(1, someone)], is_finalizing=is_finalizing)
    results = {row["plan_type"]: row for row in found.results.iter_rows(named=True)}
    said = [
        (row["code"], row["plan_type"]) for row in found.messages.iter_rows(named=True) if row["plan_type"]
    ]
    return results, said, found


def plan(plan_type: str, **more: Any) -> Row:
    return {"programs": [{"code": "STD", "plan_types": [{"plan_type": plan_type, **more}]}]}


DENTAL_NEEDS_MEDICAL = plan("11", options=[{"code": "DEN", "requires": {"plan_type": "10"}}])
CHAIN = {
    "programs": [
        {
            "code": "STD",
            "plan_types": [
                {"plan_type": "11", "options": [{"code": "DEN", "requires": {"plan_type": "10"}}]},
                {"plan_type": "14", "options": [{"code": "VIS", "requires": {"plan_type": "11"}}]},
            ],
        }
    ]
}


def test_what_needs_coverage_that_is_waived_ends_with_it():
    results, said, _ = settled(
        client=DENTAL_NEEDS_MEDICAL,
        event={"event_on": date(2026, 3, 10)},
        elections=[elected("10", "WAIVE")],
        current=[held("10", "MED-EE"), held("11", "DEN-EE")],
    )
    assert results["10"]["kind"] == "W"
    assert results["11"]["kind"] == "I"
    assert results["11"]["begins_on"] == results["10"]["begins_on"] == date(2026, 3, 10)
    assert results["11"]["option_id"] is None
    assert results["11"]["rule"] == "ends: it needs coverage in plan type 10"
    assert said == [("BA1335", "11")]


def test_a_chain_falls_as_a_whole_on_the_day_of_its_root():
    results, said, _ = settled(
        client=CHAIN,
        elections=[elected("10", "WAIVE")],
        current=[held("10", "MED-EE"), held("11", "DEN-EE"), held("14", "VIS-EE")],
    )
    assert [results[kind]["kind"] for kind in ("11", "14")] == ["I", "I"]
    assert {results[kind]["begins_on"] for kind in ("10", "11", "14")} == {date(2026, 1, 1)}
    assert said == [("BA1335", "11"), ("BA1335", "14")]


def test_what_is_met_stays():
    results, said, _ = settled(
        client=CHAIN,
        elections=[elected("10", "MED-EE")],
        current=[held("10", "MED-EE"), held("11", "DEN-EE"), held("14", "VIS-EE")],
    )
    assert [results[kind]["kind"] for kind in ("10", "11", "14")] == ["E", "D", "D"]
    assert said == []


def test_finalising_an_invalid_election_takes_along_what_needed_it():
    elections = [elected("10", "NONE"), elected("11", "DEN-EE"), elected("14", "VIS-EE")]
    results, said, found = settled(client=CHAIN, elections=elections, is_finalizing=True)
    assert found.cases["process_status"].to_list() == ["FE"]
    assert [results[kind]["kind"] for kind in ("10", "11", "14")] == ["N", "N", "N"]
    assert ("BA1335", "14") in said
    results, said, found = settled(client=CHAIN, elections=elections)
    assert found.cases["process_status"].to_list() == ["EE"]
    assert results == {}


def test_coverage_outside_the_event_falls_too():
    results, said, _ = settled(
        client=DENTAL_NEEDS_MEDICAL,
        event={"event_class": "OE", "programs": {"STD": ["10"]}},
        elections=[elected("10", "WAIVE")],
        current=[held("10", "MED-EE"), held("11", "DEN-EE")],
    )
    assert (results["11"]["kind"], results["11"]["begins_on"]) == ("I", date(2026, 1, 1))
    assert said == [("BA1335", "11")]


@pytest.mark.parametrize("row", [{"ignore": True}, {"default": "leave"}])
def test_what_the_event_leaves_alone_is_only_named(row):
    rules = {"event_rules": [{"code": "SUP", "classes": [{"event_class": "", **row}]}]}
    results, said, _ = settled(
        client=merge(DENTAL_NEEDS_MEDICAL, rules),
        elections=[elected("10", "WAIVE")],
        current=[held("10", "MED-EE"), held("11", "DEN-EE")],
    )
    assert "11" not in results
    assert said == [("BA1340", "11")]


@pytest.mark.parametrize(
    ("pay", "hours", "year", "price"),
    [
        (52_000_00, 800, 2080, 200_00),
        (52_000_00, 801, 2080, 200_25),
        (50_000_00, 800, 2080, 192_31),  # 24.038… an hour, rounded once
        (50_000_00, 800, 1950, 205_13),
    ],
)
def test_hours_are_priced_by_annual_pay(pay, hours, year, price):
    job = {**BASE["person"]["job"], "annual_pay_cents": pay}
    results, said, _ = settled(
        client=plan("90", hours_per_year=year),
        job=job,
        elections=[elected("90", "BUY", hours_hundredths=hours)],
    )
    assert said == []
    assert (results["90"]["hours_hundredths"], results["90"]["pledge_cents"]) == (hours, price)


def shares(*rows: tuple[int, int]) -> list[Row]:
    return [{"id": number, "percent_hundredths": share} for number, share in rows]


def receivers(found: Any) -> list[tuple[str, int, int]]:
    rows = found.beneficiaries.sort("plan_type", "dependent_id")
    return rows.select("plan_type", "dependent_id", "percent_hundredths").rows()


@pytest.mark.parametrize(
    ("election", "expected"),
    [
        ([], [("21", 1, 10_000)]),  # by default
        ([elected("21", "SUP1")], [("21", 1, 10_000)]),  # an election that names none
        ([elected("21", "SUP1", beneficiaries=shares((2, 10_000)))], [("21", 2, 10_000)]),
        ([elected("21", "WAIVE")], []),
    ],
)
def test_beneficiaries_stay_until_others_are_named(election, expected):
    current = [held("21", "SUP1", coverage_cents=100_000_00, beneficiaries=shares((1, 10_000)))]
    _, _, found = settled(client=plan("21", collect="beneficiaries"), elections=election, current=current)
    assert receivers(found) == expected


@pytest.mark.parametrize(
    ("pledge", "kept"), [(4_400_00, 4_400_00), (4_400_01, 4_400_00), (8_000_00, 4_400_00)]
)
def test_an_hsa_goes_on_with_at_most_the_limit_of_its_year(pledge, kept):
    current = [held("10", "HD-EE"), held("67", "HSA", pledge_cents=pledge)]
    results, _, _ = settled(
        client=plan("67", annual_limit="hsa_self"), event={"event_class": "OE"}, elections=[], current=current
    )
    assert results["67"]["pledge_cents"] == kept


def test_an_hsa_ends_with_the_high_deductible_plan():
    current = [held("10", "HD-EE"), held("67", "HSA", pledge_cents=100_00)]
    results, said, _ = settled(
        event={"event_class": "OE"}, elections=[elected("10", "MED-EE")], current=current
    )
    assert (results["67"]["kind"], results["67"]["begins_on"]) == ("I", date(2026, 1, 1))
    assert said == [("BA1335", "67")]


def test_an_hsa_goes_on_as_it_is_where_the_limit_is_not_published():
    current = [held("10", "HD-EE"), held("67", "HSA", pledge_cents=8_000_00)]
    results, _, _ = settled(
        client=plan("67", annual_limit="hsa_self"),
        event={"event_class": "OE", "event_on": date(2028, 1, 1)},
        elections=[],
        current=current,
    )
    assert results["67"]["pledge_cents"] == 8_000_00


def test_the_after_tax_percentage_holds_and_goes_on():
    after = plan("40", maximum_after_tax_percent=10)
    results, _, _ = settled(
        client=after, elections=[elected("40", "K", percent_thousandths=6_000, after_tax_thousandths=4_000)]
    )
    assert results["40"]["after_tax_thousandths"] == 4_000
    results, _, _ = settled(
        client=after,
        elections=[],
        current=[held("40", "K", percent_thousandths=6_000, after_tax_thousandths=4_000)],
    )
    assert results["40"]["after_tax_thousandths"] == 4_000


def test_dependents_of_life_cover_are_covered_where_they_are_collected():
    collects = plan("25", collect="dependents", dependent_rule="DEP26")
    _, _, found = settled(client=collects, elections=[elected("25", "SPL50", dependents=[1])])
    assert found.members.rows() == [(0, "25", 1)]
    _, _, found = settled(elections=[elected("25", "SPL50", dependents=[1])])
    assert found.members.rows() == []


SECOND_HSA = {
    "programs": [
        {
            "code": "STD",
            "plan_types": [
                {"plan_type": "67", "annual_limit": "hsa_self"},
                {
                    "plan_type": "6A",
                    "event_rule": "FSA",
                    "waive": "allowed",
                    "amount": "annual_pledge",
                    "annual_limit": "hsa_self",
                    "options": [{"code": "LP", "plan": "LP", "deduction_code": "FSABT"}],
                },
            ],
        }
    ]
}


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (2_000_00, 2_400_00, (2_000_00, 2_400_00)),
        (2_000_00, 2_400_01, (2_000_00, 2_400_00)),
        (4_400_00, 4_400_00, (4_400_00, 0)),
        (4_400_01, 100, (4_400_00, 0)),
        (4_399_99, 100, (4_399_99, 1)),
    ],
)
@pytest.mark.parametrize("is_reversed", [False, True])
def test_two_hsas_go_on_with_at_most_one_limit_together(first, second, kept, is_reversed):
    current = [
        held("10", "HD-EE"),
        held("67", "HSA", pledge_cents=first),
        held("6A", "LP", pledge_cents=second),
    ]
    if is_reversed:
        current.reverse()
    results, _, _ = settled(client=SECOND_HSA, event={"event_class": "OE"}, elections=[], current=current)
    assert (results["67"]["pledge_cents"], results["6A"]["pledge_cents"]) == kept


def test_an_account_under_another_limit_is_not_counted_with_an_hsa():
    client = deepcopy(SECOND_HSA)
    client["programs"][0]["plan_types"][1]["annual_limit"] = "health_fsa_salary_reduction"
    current = [
        *(held("10", "HD-EE"), held("67", "HSA", pledge_cents=4_400_00)),
        held("6A", "LP", pledge_cents=3_400_00),
    ]
    results, _, _ = settled(client=client, event={"event_class": "OE"}, elections=[], current=current)
    assert results["67"]["pledge_cents"] == 4_400_00
