"""A package costs what the same plans, set up and prepared for an event, would cost each person.

The set-up is written in bundles, as an analyst would, and prepared by the ordinary kernel; the package names the
same rate tables and contributions.
"""

from copy import deepcopy
from datetime import date
from typing import Any

import polars as pl
import pytest
from tests.laws.documents import loaded
from tests.laws.kernel import Kernel
from tests.real_rates import setup

from openbenefits.core import money
from openbenefits.matching.book import make_book
from openbenefits.matching.candidates import TIERS, share
from openbenefits.matching.rules.prices import price
from openbenefits.programs.bundle import PeoBundle

from .worlds import candidate, candidates, census

Row = dict[str, Any]
ON = date(2018, 4, 1)
PLANS = ("41304MA0041144-01", "41304MA0041148-01", "42690MA1300038-01")
PERCENT, DOLLARS = 62, 55_00
PEOPLE = [
    ("02139", date(1950, 3, 2), []),
    ("01001", date(1987, 4, 1), [("SP", date(1990, 7, 7))]),
    ("02139", date(1987, 4, 2), [("CH", date(2010, 1, 1)), ("CH", date(2014, 1, 1))]),
    (
        "01001",
        date(1970, 1, 1),
        [("SP", date(1969, 5, 5)), *(("CH", date(2001 + n, 2, 2)) for n in range(5))],
    ),
]


def contributing() -> Row:
    """The client of the real rates, who pays a percentage of every price, and dollars besides."""
    client = deepcopy(setup.client())
    rows = [{"employee_percent": PERCENT, "dependent_percent": PERCENT, "fixed_monthly": "55.00"}]
    client["contributions"] = [{"code": "SHARE", "from": setup.BEGIN, **setup.SOURCE, "rows": rows}]
    for section in client["programs"][0]["plan_types"]:
        for option in section["options"]:
            option["costs"] = [one | {"contribution": "SHARE"} for one in option["costs"]]
    return client


def tier_of(dependents: list[tuple[str, date]]) -> str:
    kinds = {kind for kind, _ in dependents}
    return "EF" if len(kinds) == 2 else "ES" if "SP" in kinds else "EK" if kinds else "EE"


@pytest.fixture(scope="module")
def prepared() -> dict[tuple[int, str, bool], Row]:
    """The prices of prepared options: by person, plan, and whether everybody is covered."""
    kernel = Kernel(setup.peo(), [contributing()], [])
    told = []
    for zip_code, born, dependents in PEOPLE:
        others = [
            {"id": number, "person_type": kind, "birth_on": day}
            for number, (kind, day) in enumerate(dependents, start=1)
        ]
        told.append((1, setup.person(ON, zip_code, born, others)))
    found = {}
    options = kernel.prepared(told).options
    codes = kernel.rulebook.options.select("option_id", own_code="code").unique()
    for row in options.join(codes, on="option_id").iter_rows(named=True):
        plan, _, code = row["own_code"].rpartition("-")
        found[row["case"], plan, code == "FAM"] = row
    return found


def test_a_package_costs_what_its_set_up_costs(prepared: Any) -> None:
    peo = loaded(setup.peo(), PeoBundle)
    group = [
        {"tier": tier_of(others), "birth_on": born, "zip": int(zip_code), "dependents": others}
        for zip_code, born, others in PEOPLE
    ]
    both = [
        candidate("A", plan, plan, employer=dict.fromkeys(TIERS, ("percent", PERCENT)))
        | {f"employer_{tier.lower()}_cents": DOLLARS for tier in TIERS}
        for plan in PLANS
    ]
    packages = share(candidates(both, {}).rows)
    book = make_book(packages.prices, candidates(both, {}).rates, peo, ON)
    everybody = census(group)
    asked = everybody.covered.select("person", "tier").join(packages.prices.select("key"), how="cross")
    found = price(everybody, asked, book).join(packages.offers.select("key", "plan"), on="key")
    assert found.height == len(PEOPLE) * len(PLANS)
    assert found["fault"].null_count() == found.height
    for row in found.iter_rows(named=True):
        year = prepared[row["person"], row["plan"], row["tier"] != "EE"]
        months = pl.select(
            *(
                money.divide_half_up(pl.lit(year[name]), 12).alias(name)
                for name in ("year_total_cents", "annual_employer_cents")
            )
        ).row(0)
        assert (row["premium_cents"], row["employer_cents"]) == months
        assert row["pay_cents"] == year["pay_before_tax_cents"] + year["pay_after_tax_cents"]


def test_whom_the_census_does_not_name_is_no_free_member() -> None:
    peo = loaded(setup.peo(), PeoBundle)
    told = candidates([candidate("A", PLANS[0], PLANS[0])], {})
    packages = share(told.rows)
    group = [
        {"tier": "EF", "zip": 2139, "dependents": [("CH", date(2010, 1, 1))]},
        {"tier": "EE", "zip": 99999},
    ]
    everybody = census(group)
    asked = everybody.covered.select("person", "tier").join(packages.prices.select("key"), how="cross")
    found = price(everybody, asked, make_book(packages.prices, told.rates, peo, ON))
    assert found["fault"].to_list() == ["household", "area"]
    assert found["premium_cents"].null_count() == 2
