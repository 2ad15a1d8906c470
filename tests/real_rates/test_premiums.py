"""Every filed premium comes out of the kernel to the cent, and so do whole households."""

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
import yaml
from tests.laws.kernel import Kernel

from .setup import AGES, DATA, areas, client, filed, peo, person, plan_type_of

Row = dict[str, Any]


@cache
def kernel() -> Kernel:
    return Kernel(peo(), [client()], [])


def months(people: list[Row]) -> dict[tuple[int, str], int | None]:
    """Answer the month of each option for each person, in one call of the kernel."""
    prepared = kernel().prepared([(1, one) for one in people])
    codes = kernel().rulebook.options.select("option_id", "code")
    rows = prepared.options.join(prepared.plans.select("plan"), on="plan").join(codes, on="option_id")
    found = rows.select("case", "code", "month_total_cents").rows()
    return {(case, code): cents for case, code, cents in found}


def test_every_filed_premium_is_the_price_of_a_person_alone():
    zip_of = {area: zip_code for zip_code, area in areas().items()}
    asked = [(table, age, premium) for table in filed() for age, premium in table["premiums"].items()]
    people = [
        person(table["from"], zip_of[table["area"]], _born(table["from"], age), []) for table, age, _ in asked
    ]
    found = months(people)
    assert len(asked) == 26_061
    wrong = [
        (table["plan"], table["area"], table["from"], age)
        for case, (table, age, premium) in enumerate(asked)
        if found[case, f"{table['plan']}-EE"] != premium * 100
    ]
    assert wrong == []


@pytest.mark.parametrize(("age", "as_age"), [(0, 14), (5, 14), (13, 14), (65, 64), (90, 64)])
def test_the_first_and_last_age_stand_for_those_beyond(age, as_age):
    tables = [table for table in filed() if table["area"] == "R-MA003" and table["from"] == date(2018, 1, 1)]
    zip_of = {area: zip_code for zip_code, area in areas().items()}
    found = months([person(date(2018, 1, 1), zip_of["R-MA003"], _born(date(2018, 1, 1), age), [])])
    for table in tables:
        assert found[0, f"{table['plan']}-EE"] == table["premiums"][as_age] * 100


def _born(on: date, age: int) -> date:
    return on.replace(year=on.year - age)


# --- households -------------------------------------------------------------------------------------------


def families() -> list[Row]:
    return yaml.safe_load((DATA / "families.yaml").read_text())["families"]


def test_the_households_are_written_out_rightly():
    """Each premium written out is the filed one, and they add up to the total."""
    listed = families()
    assert len(listed) == 40
    for one in listed:
        table = next(
            table
            for table in filed()
            if (table["plan"], table["area"]) == (one["plan"], one["rating_area"])
            and table["from"] == (one["begins"] if plan_type_of(one["plan"]) == "10" else date(2018, 1, 1))
        )
        charged = [Decimal(member["charged"]) for member in one["members"] if member["charged"] != "no"]
        for member in one["members"]:
            age = min(max(member["age"], AGES[0]), AGES[-1])
            assert member["charged"] in ("no", str(table["premiums"][age])), one["name"]
        assert sum(charged) == Decimal(one["total"]), one["name"]
        assert len(charged) == one["members_charged"], one["name"]


def test_households_cost_what_their_members_cost():
    listed = families()
    people = [
        person(
            one["begins"],
            one["zip"],
            one["members"][0]["born"],
            [
                {
                    "id": number,
                    "person_type": member["who"],
                    "birth_on": member["born"],
                    "is_disabled": member.get("disabled", False),
                }
                for number, member in enumerate(one["members"][1:], 1)
            ],
        )
        for one in listed
    ]
    found = months(people)
    totals = {one["name"]: found[case, f"{one['plan']}-FAM"] for case, one in enumerate(listed)}
    assert totals == {one["name"]: int(Decimal(one["total"]) * 100) for one in listed}
