"""What an event rule row says of elections: persons, re-entry, pledges, checks left out (docs/rules.md §14.5)."""

from datetime import date
from typing import Any

import msgspec
import polars as pl
import pytest
from tests.laws.kernel import Kernel
from tests.oracle.cases import merge, read_yaml

from openbenefits.core.codes import PERSON_KINDS
from openbenefits.enrollment.frames import left_plan_types
from openbenefits.enrollment.rules.elected import Checking
from openbenefits.enrollment.rules.messages import MESSAGE_SCHEMA, message_rows, with_catalogue
from openbenefits.enrollment.rules.rule_checks import (
    DEPENDENT_CHECKS,
    FUND_CHECKS,
    rule_messages,
    without_ignored,
)
from openbenefits.enrollment.rules.validate import locate
from openbenefits.programs.sections.eligibility import EventRuleRow

Row = dict[str, Any]

FAMILY = [
    {"id": 1, "person_type": "SP", "birth_on": date(1980, 1, 1)},
    {"id": 2, "person_type": "CH", "birth_on": date(2015, 1, 1)},
    {"id": 3, "person_type": "CH", "birth_on": date(2017, 1, 1)},
]
MEDICAL = {"plan_type": "10", "slot": 0, "kind": "E", "program": "STD"}


class Prepared:
    """One person of the tables' small set-up, prepared, and the elections to check."""

    def __init__(
        self, row: Row, person: Row, *, plan_type: str = "10", rule: str = "MED", **section: Any
    ) -> None:
        base = read_yaml("base.yaml")
        client = merge(
            base["client"], {"event_rules": [{"code": rule, "classes": [{"event_class": "", **row}]}]}
        )
        if section:
            plan = {"plan_type": plan_type, **section}
            client = merge(client, {"programs": [{"code": "STD", "plan_types": [plan]}]})
        whole = merge(base["person"], person) | {"event": base["event"]}
        self.kernel = Kernel(base["peo"], [client], [whole])
        self.situation = self.kernel.situation([(1, whole)])
        self.prepared = self.kernel.prepared([(1, whole)])
        self.person, self.plan_type = whole, plan_type

    def codes(self, option: str, *, members: tuple[int, ...] = (), pledge: int | None = None) -> list[str]:
        """The messages an election of an option gets from its event rule."""
        election = {
            "plan_type": self.plan_type,
            "option": option,
            "dependents": members,
            "pledge_cents": pledge,
        }
        return sorted(pl.concat(rule_messages(self.checking([election])))["code"])

    def checking(self, elections: list[Row]) -> Checking:
        """Locate elections of the person."""
        elected = self.kernel.elected(self.prepared, [(1, {**self.person, "elections": elections})])
        return locate(elected, elected, self.situation, self.prepared, self.kernel.rulebook)


CHILDREN = [
    ({"same": True}, (2,), []),
    ({"same": True}, (3,), []),
    ({"same": True}, (2, 3), ["BA1322"]),
    ({"more": True}, (2,), ["BA1322"]),
    ({"more": True}, (2, 3), []),
    ({"same": True, "more": True}, (2, 3), []),
    ({"same": True, "less": True}, (2, 3), ["BA1322"]),
]


@pytest.mark.parametrize(("change", "members", "codes"), CHILDREN)
def test_the_persons_named_change_only_as_the_event_allows(change, members, codes):
    held = {**MEDICAL, "option": "MED-EC", "dependents": [2]}
    case = Prepared({"persons": {"child": change}}, {"dependents": FAMILY, "current": [held]})
    assert case.codes("MED-EC", members=members) == codes


def test_an_option_that_a_kind_closes_is_named_once():
    held = {**MEDICAL, "option": "MED-EC", "dependents": [2]}
    case = Prepared({"persons": {"child": {"same": True}}}, {"dependents": FAMILY, "current": [held]})
    assert case.codes("MED-EE") == ["BA1322"]
    assert case.codes("MED-FAM", members=(1, 2)) == []
    assert case.codes("WAIVE") == []


def test_two_kinds_that_close_an_option_are_both_named():
    held = {**MEDICAL, "option": "MED-FAM", "dependents": [1, 2]}
    rule = {"persons": {"child": {"same": True}, "spouse": {"same": True}}}
    assert Prepared(rule, {"dependents": FAMILY, "current": [held]}).codes("MED-EE") == ["BA1322", "BA1322"]


@pytest.mark.parametrize(
    ("without", "members", "codes"),
    [
        ("allowed", (2,), []),
        ("not_allowed", (2,), ["BA1322"]),
        ("required", (2,), []),
    ],
)
def test_who_has_nothing_yet(without, members, codes):
    case = Prepared({"persons": {"child": {"without_current": without}}}, {"dependents": FAMILY})
    assert case.codes("MED-EC", members=members) == codes


def test_without_a_rule_nothing_is_said():
    case = Prepared({}, {"dependents": FAMILY, "current": [{**MEDICAL, "option": "MED-FAM"}]})
    assert case.codes("MED-EE") == []


def test_a_rule_of_another_plan_type_restricts_nothing():
    case = Prepared({"persons": {"child": {"same": True}}}, {"dependents": FAMILY})
    case.plan_type = "21"
    assert case.codes("SUP1") == []


@pytest.mark.parametrize(("left_on", "codes"), [(date(2025, 1, 2), ["BA1350"]), (date(2025, 1, 1), [])])
def test_entering_again_too_early(left_on, codes):
    case = Prepared({}, {"left_on": {"10": left_on}}, restrict_entry_months=12)
    assert case.codes("MED-EE") == codes
    assert case.codes("WAIVE") == []


HELD_PLEDGE = [
    {"plan_type": "60", "slot": 0, "kind": "E", "option": "FSA", "program": "STD", "pledge_cents": 100_000}
]
PLEDGES = [
    ("any", HELD_PLEDGE, 1, []),
    ("increase", HELD_PLEDGE, 99_999, ["BA1351"]),
    ("increase", HELD_PLEDGE, 100_000, []),
    ("increase", HELD_PLEDGE, 100_001, []),
    ("decrease", HELD_PLEDGE, 99_999, []),
    ("decrease", HELD_PLEDGE, 100_000, []),
    ("decrease", HELD_PLEDGE, 100_001, ["BA1351"]),
    ("none", HELD_PLEDGE, 99_999, ["BA1351"]),
    ("none", HELD_PLEDGE, 100_000, []),
    ("none", HELD_PLEDGE, 100_001, ["BA1351"]),
    ("increase", [], 1, []),
    ("decrease", [], 1, ["BA1351"]),
    ("none", [], 1, ["BA1351"]),
    ("increase", HELD_PLEDGE, None, []),
    ("none", [{**HELD_PLEDGE[0], "pledge_cents": None}], 1, ["BA1351"]),
]


@pytest.mark.parametrize(("change", "current", "pledge", "codes"), PLEDGES)
def test_a_pledge_moves_only_as_the_event_allows(change, current, pledge, codes):
    case = Prepared({"pledge_change": change}, {"current": current}, plan_type="60", rule="FSA")
    assert case.codes("FSA", pledge=pledge) == codes


@pytest.mark.parametrize(
    ("change", "current", "codes"),
    [
        ("increase", HELD_PLEDGE, ["BA1351"]),
        ("none", HELD_PLEDGE, ["BA1351"]),
        ("decrease", HELD_PLEDGE, []),
        ("any", HELD_PLEDGE, []),
        ("none", [], []),
        ("increase", [], []),
    ],
)
def test_a_waiver_pledges_nothing(change, current, codes):
    case = Prepared({"pledge_change": change}, {"current": current}, plan_type="60", rule="FSA")
    assert case.codes("WAIVE") == codes


@pytest.mark.parametrize(
    ("row", "left"),
    [
        ({}, {*DEPENDENT_CHECKS, *FUND_CHECKS, "BA1302"}),
        ({"ignore_dependent_checks": True}, {*FUND_CHECKS, "BA1302"}),
        ({"ignore_fund_checks": True}, {*DEPENDENT_CHECKS, "BA1302"}),
        ({"ignore_dependent_checks": True, "ignore_fund_checks": True}, {"BA1302"}),
    ],
)
def test_checks_left_out(row, left):
    case = Prepared(row, {})
    codes = [*DEPENDENT_CHECKS, *FUND_CHECKS, "BA1302"]
    rows = pl.DataFrame({"case": [0, 0], "plan_type": ["10", "20"]}, schema_overrides={"case": pl.Int32})
    said = pl.concat([message_rows(rows, code, pl.lit("a"), pl.lit("b")) for code in codes])
    kept = without_ignored(with_catalogue(said), case.checking([]))
    assert set(kept.filter(plan_type="10")["code"]) == left
    assert set(kept.filter(plan_type="20")["code"]) == set(codes)
    assert kept.columns[: len(MESSAGE_SCHEMA)] == list(MESSAGE_SCHEMA)


@pytest.mark.parametrize("kind", [*PERSON_KINDS, "EE", "children"])
def test_set_up_names_the_kinds_there_are(kind):
    row = {"persons": {kind: {"same": True}}}
    if kind in PERSON_KINDS:
        assert set(msgspec.convert(row, EventRuleRow).persons) == {kind}
    else:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(row, EventRuleRow)


# --- who left a plan type -----------------------------------------------------------------------------------

JAN, FEB, MAR, APR = (date(2026, month, 1) for month in (1, 2, 3, 4))
TIMELINES = [
    ([(JAN, "E"), (FEB, "T")], FEB),
    ([(JAN, "D"), (FEB, "W")], FEB),
    ([(JAN, "E"), (FEB, "I")], None),
    ([(JAN, "E"), (FEB, "I"), (MAR, "W")], None),
    ([(JAN, "E"), (FEB, "T"), (MAR, "W")], FEB),
    ([(JAN, "E"), (FEB, "T"), (MAR, "E")], FEB),
    ([(JAN, "E"), (FEB, "T"), (MAR, "E"), (date(2026, 3, 15), "W")], date(2026, 3, 15)),
    ([(JAN, "W"), (FEB, "N")], None),
    ([(JAN, "E"), (APR, "T")], None),
    ([(JAN, "E"), (date(2026, 3, 31), "T")], date(2026, 3, 31)),
]


@pytest.mark.parametrize(("points", "left_on"), TIMELINES)
def test_when_a_plan_type_was_left(points, left_on):
    """As of an event on 1 April."""
    cases = pl.DataFrame(
        {"case": [0], "client_id": [1], "person_id": [1], "benefit_record": [0], "event_on": [APR]}
    )
    coverage = pl.DataFrame(
        [
            {"client_id": 1, "person_id": 1, "benefit_record": 0, "plan_type": "10", "slot": 0}
            | {"begins_on": on, "kind": kind}
            for on, kind in points
        ]
    )
    assert left_plan_types(cases, coverage)["left_on"].to_list() == ([left_on] if left_on else [])
