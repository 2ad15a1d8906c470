"""Taking over beneficiaries, percentages after tax, and hours bought or sold."""

from pathlib import Path

import pytest
from tests.payroll.test_stated_amounts import codes, offer, plans
from tests.payroll.worlds import BEGIN, World

from openbenefits.enrollment.models import Coverage, CoverageBeneficiary
from openbenefits.enrollment.takeover import take_over
from openbenefits.payroll.services import owed

from .worlds import NOW

ROW = {"employee_number": "0007", "program": "MAIN", "begins_on": "2026-01-01"}
SAVE = ROW | {"plan_type": "40", "option": "SAVE"}
SELL = ROW | {"plan_type": "90", "option": "SELL"}
LIFE = ROW | {"plan_type": "20", "option": "LIFE", "coverage_amount": "50000"}
HMO = ROW | {"plan_type": "10", "option": "HMO-1"}


def offer_more(section):
    offer(section)
    life = next(one for one in section[0]["plan_types"] if one["plan_type"] == "20")
    life["collect"] = "beneficiaries"


@pytest.fixture
def trading(fresh_database, kept, tmp_path):
    return kept(fresh_database, "trading", lambda: _with_a_family(fresh_database, tmp_path))


def _with_a_family(fresh_database, tmp_path):
    world = World(fresh_database, tmp_path, {"plans": plans, "deduction_codes": codes}, programs=offer_more)
    world.person = world.hire("0007")
    world.family = [
        world.workforce.add_dependent(
            world.client_id,
            world.person,
            on=BEGIN,
            first_name="Some",
            last_name="Body",
            person_type=kind,
            number=number,
            made_by="test",
            now=NOW,
        ).dependent_id
        for number, kind in ((1, "SP"), (2, "CH"), (3, "CH"))
    ]
    return world


def take(world, path: Path):
    return take_over(world.connection, world.client_id, path, now=NOW, made_by="analyst")


def bad(result):
    return result.bad_rows.select("row", "column", "expected", "found").rows()


def test_percentages_after_tax_and_hours_are_owed_as_taken_over(trading, make_file):
    rows = [
        SAVE | {"percent": "6", "after_tax_percent": "2.5%"},
        SELL | {"hours": "40.5", "annual_pledge": "1000"},
    ]
    result = take(trading, make_file(*rows))
    assert (result.taken, bad(result)) == (2, [])
    points = {point.plan_type: point for point in Coverage.objects.all()}
    assert (points["40"].percent_thousandths, points["40"].after_tax_thousandths) == (6_000, 2_500)
    assert (points["90"].hours_hundredths, points["90"].pledge_cents) == (4_050, 100_000)
    lines = owed(trading.connection, trading.client_id, begin=BEGIN, through=BEGIN.replace(day=4))
    found = lines.filter(lines["plan_type"] != "01").select(
        "kind", "tax_class", "owed_cents", "earnings_code"
    )
    assert found.rows() == [
        ("deduction", "A", 5_000, None),
        ("deduction", "B", 12_000, None),
        ("sold", None, 3_846, "PTOPAY"),
    ]


def test_beneficiaries_are_taken_over_with_their_shares(trading, make_file):
    spouse, one, two = trading.family
    named = LIFE | {"beneficiaries": "1:100", "contingent_beneficiaries": "2:66.67 3:33.33"}
    assert (take(trading, make_file(named)).taken, CoverageBeneficiary.objects.count()) == (1, 3)
    stored = CoverageBeneficiary.objects.values_list("dependent_id", "is_contingent", "percent_hundredths")
    assert set(stored) == {(spouse, False, 10_000), (one, True, 6_667), (two, True, 3_333)}
    assert take(trading, make_file(named)).unchanged == 1
    corrected = take(trading, make_file(named | {"beneficiaries": "1:50 2:50"}))
    assert (corrected.taken, corrected.corrected) == (1, 1)
    latest = CoverageBeneficiary.objects.filter(version=2, is_contingent=False)
    assert set(latest.values_list("dependent_id", "percent_hundredths")) == {(spouse, 5_000), (one, 5_000)}


FAULTS = [
    (LIFE | {"beneficiaries": "1:60 2:39.99"}, "beneficiaries", "100 % together", "99.99 %"),
    (LIFE | {"contingent_beneficiaries": "1:100"}, "beneficiaries", "100 % together", "0.00 %"),
    (
        LIFE | {"beneficiaries": "1:100", "contingent_beneficiaries": "2:50"},
        "contingent_beneficiaries",
        "100 % together",
        "50.00 %",
    ),
    (
        LIFE | {"beneficiaries": "9:100"},
        "beneficiaries",
        "numbers of dependents of this person",
        "1 unknown",
    ),
    (
        LIFE | {"beneficiaries": "1=100"},
        "beneficiaries",
        "numbers of dependents with percentages of at most two decimals, as 1:66.67 2:33.33",
        "9=999",
    ),
    (HMO | {"beneficiaries": "1:100"}, "beneficiaries", "a plan type that takes beneficiaries", "`collect: dependents`"),
    (
        LIFE | {"after_tax_percent": "3"},
        "after_tax_percent",
        "a percentage after tax only where the plan type takes a percentage of pay",
        "`amount: none`",
    ),
    (
        SAVE | {"percent": "3", "after_tax_percent": "101"},
        "after_tax_percent",
        "a percentage from 0 to 100, with at most two decimals",
        "999",
    ),
    (LIFE | {"hours": "3"}, "hours", "hours only where the plan type trades hours", "`amount: none`"),
    (SELL | {"annual_pledge": "10"}, "hours", "the hours bought or sold", "blank"),
    (SELL | {"hours": "8"}, "annual_pledge", "what the hours cost, or pay, in the year", "blank"),
    (SELL | {"hours": "-8", "annual_pledge": "1"}, "hours", "hours from 0, with at most two decimals", "-9"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "column", "expected", "found"), FAULTS)
def test_a_bad_amount_or_share_is_one_fault(trading, make_file, row, column, expected, found):
    result = take(trading, make_file(row))
    assert (result.taken, bad(result)) == (0, [(2, column, expected, found)])
    assert result.bad_rows["cure"].item()


def test_a_waiver_states_nothing(trading, make_file):
    waived = SELL | {"option": "", "waived": "Y", "hours": "8", "beneficiaries": "1:100"}
    assert bad(take(trading, make_file(waived))) == []
    assert Coverage.objects.get().hours_hundredths is None
