"""Households written out for people to check: each line is the published one, each sum adds up, and the
product says the same.
"""

import csv
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
import yaml

from .setup import DATA, person
from .test_premiums import kernel, months

Row = dict[str, Any]
FIRST_AGE, LAST_AGE = 14, 64
LIMIT_OF_AGE, MINORS_CHARGED, OF_AGE = 26, 3, 21


@cache
def written() -> Row:
    return yaml.safe_load((DATA / "families.yaml").read_text())


def _families() -> list:
    return [pytest.param(one, id=one["name"]) for one in written()["families"]]


@cache
def lines_of(file: str) -> list[list[str]]:
    """List the lines of a file as text editors number them, from 1; line 0 is none."""
    with (DATA / file).open(newline="") as opened:
        return [[], *csv.reader(opened)]


def test_there_are_forty_households_of_every_kind() -> None:
    families = written()["families"]
    assert len(families) == 40
    assert {one["rating_area"] for one in families} == {f"R-MA00{number}" for number in range(1, 8)}
    assert len({one["plan"] for one in families}) == 22
    assert {one["begins"].month for one in families} == {1, 4, 7, 10}
    ages = {member["age"] for one in families for member in one["members"]}
    assert {0, 14, 15, 20, 21, 25, 26, 63, 64, 70} <= ages


@pytest.mark.parametrize("one", _families())
def test_the_zip_stands_in_its_line_with_county_and_area(one: Row) -> None:
    zip_code, county, state, area = lines_of("zips.csv")[one["zip_line"]]
    assert (zip_code, state, area) == (one["zip"], "MA", one["rating_area"])
    assert county == one["county"].split(" and ")[0]


@pytest.mark.parametrize("one", _families())
def test_each_premium_stands_in_its_line(one: Row) -> None:
    head, line = lines_of("premiums.csv")[1], lines_of("premiums.csv")[one["premiums_line"]]
    assert line[:2] == [one["plan"], one["rating_area"]]
    assert line[2] <= one["begins"].isoformat() <= line[3]
    for member in one["members"]:
        age = min(max(member["age"], FIRST_AGE), LAST_AGE)
        assert line[head.index(str(age))] == member["premium"], member


@pytest.mark.parametrize("one", _families())
def test_ages_are_those_of_the_day(one: Row) -> None:
    for member in one["members"]:
        born, day = member["born"], one["begins"]
        had_birthday = (day.month, day.day) >= (born.month, born.day)
        assert member["age"] == day.year - born.year - (not had_birthday), member


@pytest.mark.parametrize("one", _families())
def test_those_charged_are_those_of_the_regulation(one: Row) -> None:
    children = sorted((m for m in one["members"] if m["who"] == "CH"), key=lambda member: member["born"])
    counting = [m for m in children if m["age"] < LIMIT_OF_AGE or m.get("disabled")]
    minors = [m for m in counting if m["age"] < OF_AGE]
    free = [*minors[MINORS_CHARGED:], *(m for m in children if m not in counting)]
    assert [m for m in children if not m.get("charged", True)] == sorted(free, key=lambda m: m["born"])
    assert all(m.get("charged", True) for m in one["members"] if m["who"] != "CH")
    assert all(m.get("why") for m in free)


@pytest.mark.parametrize("one", _families())
def test_the_sum_is_of_those_charged_and_adds_up(one: Row) -> None:
    terms = []
    for part in one["sum"].split(" + "):
        *count, amount = part.split(" × ")
        terms += [Decimal(amount)] * (int(count[0]) if count else 1)
    assert terms == [Decimal(m["premium"]) for m in one["members"] if m.get("charged", True)]
    assert sum(terms) == Decimal(one["total"])


def _person(one: Row) -> Row:
    employee, *others = one["members"]
    dependents = [
        {
            "id": number,
            "person_type": member["who"],
            "birth_on": member["born"],
            "is_disabled": member.get("disabled", False),
        }
        for number, member in enumerate(others, 1)
    ]
    return person(one["begins"], one["zip"], employee["born"], dependents)


def test_the_product_says_the_same() -> None:
    listed = written()["families"]
    found = months([_person(one) for one in listed])
    totals = {one["name"]: found[case, f"{one['plan']}-FAM"] for case, one in enumerate(listed)}
    assert totals == {one["name"]: int(Decimal(one["total"]) * 100) for one in listed}


def test_a_zip_without_an_area_is_a_message_and_no_price() -> None:
    listed = written()["without_area"]
    people = [_person(one) for one in listed]
    found, told = months(people), kernel().prepare([(1, one) for one in people])
    for case, one in enumerate(listed):
        assert [part.strip() for part in lines_of("zips.csv")[one["zip_line"]]][0::3] == [one["zip"], ""]
        assert found[case, f"{one['plan']}-FAM"] is None
        assert told[case]["status"] == "PE"
        assert {code for code, _, _ in told[case]["messages"]} == {one["says"]}
