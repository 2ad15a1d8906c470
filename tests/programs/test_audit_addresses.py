"""Rates by the employer's address: what the audit finds where the address, or its area, is missing."""

from datetime import date

import pytest

from .auditing import HMO, LIFE_TABLE, audited_client, audited_peo, the_one
from .factories import DATED


def by(kind):
    return {"rate_tables": lambda section: section[0].update(area_of=kind)}


OFFICE = {**DATED, "code": "ACM", "zip": "01001"}
NOWHERE = {**OFFICE, "zip": "99999"}

FAULTS = [
    ("company", {}, ("no_address", HMO)),
    ("company", {"location_addresses": [OFFICE]}, ("no_address", HMO)),
    ("company", {"company_addresses": [{**OFFICE, "from": date(2026, 1, 2)}]}, ("no_address", HMO)),
    (
        "company",
        {"company_addresses": [OFFICE, {**OFFICE, "from": date(2026, 7, 1), "active": False}]},
        ("no_address", HMO),
    ),
    ("company", {"company_addresses": [NOWHERE]}, ("address_without_area", HMO)),
    ("location", {}, ("no_address", HMO)),
    ("location", {"company_addresses": [OFFICE]}, ("no_address", HMO)),
    (
        "location",
        {"location_addresses": [OFFICE, {**NOWHERE, "code": "YARD"}]},
        ("address_without_area", HMO),
    ),
]


@pytest.mark.parametrize(("kind", "changes", "expected"), FAULTS)
def test_an_address_that_rates_go_by_is_there_and_in_an_area(tmp_path, kind, changes, expected):
    assert the_one(audited_client(tmp_path, peo=by(kind), **changes)) == expected


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("home", {}),
        ("home", {"company_addresses": [NOWHERE]}),
        ("company", {"company_addresses": [OFFICE]}),
        ("company", {"company_addresses": [OFFICE, {**OFFICE, "from": date(2026, 7, 1)}]}),
        ("location", {"location_addresses": [{**OFFICE, "code": "HQ"}]}),
    ],
)
def test_where_it_is_nothing_is_found(tmp_path, kind, changes):
    assert audited_client(tmp_path, peo=by(kind), **changes) == []


def test_an_address_is_of_a_company_of_the_client(tmp_path):
    found = audited_client(tmp_path, company_addresses=[{**OFFICE, "code": "XYZ"}])
    assert the_one(found) == ("unknown_code", "company_addresses[XYZ from 2026-01-01]")


def test_whose_address_counts_only_in_a_table_by_area(tmp_path):
    def change(section):
        section[1]["area_of"] = "company"

    assert the_one(audited_peo(tmp_path, rate_tables=change)) == ("area_of", LIFE_TABLE)
