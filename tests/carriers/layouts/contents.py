"""Rows of every kind of content, by hand: few people, each with something that must be told otherwise."""

from datetime import date

import polars as pl
from tests.carriers.viewing import made, person, span

from openbenefits.carriers.layouts.contents import CONTENTS, shaped
from openbenefits.carriers.layouts.enrolling import rows_of
from openbenefits.carriers.rules.renderings import Manner, full
from openbenefits.carriers.rules.views import empty

VALUES = {
    "as_of": date(2026, 3, 2),
    "purpose": "4",
    "group": "G-4711",
    "employer": "E77001",
    "plan_number": "401-22",
    "policy": "4712",
}
ANN = {
    "client_id": 1,
    "person_id": 11,
    "benefit_record": 0,
    "employee_number": "A100",
    "last_name": "Muñoz-Groß",
    "first_name": "José",
    "ssn": "123-45-6789",
    "birth_on": date(1980, 5, 15),
}
BOB = {
    "client_id": 1,
    "person_id": 12,
    "benefit_record": 0,
    "employee_number": "A101",
    "last_name": 'O"Hara, Jr',
    "first_name": "Bob",
    "ssn": "234567890",
    "birth_on": date(1990, 1, 31),
}


def frame(kind, *rows):
    """Rows of a content, as they come; what is not told is missing."""
    columns = CONTENTS[kind].columns
    told = [[one.get(name) for name in columns] for one in rows]
    return shaped(pl.DataFrame(told, schema=dict(columns), orient="row"), kind)


def pay(
    who, plan_type, on, before=0, after=0, employer=0, *, year=0, employer_year=0, corrects=False, group="BW"
):
    """What a pay put into a plan."""
    money = {"before_tax_cents": before, "after_tax_cents": after, "employee_cents": before + after}
    sums = {"employer_cents": employer, "total_cents": before + after + employer}
    years = {"employee_year_cents": year, "employer_year_cents": employer_year}
    told = {"plan_type": plan_type, "check_on": on, "pay_group": group, "is_correction": corrects}
    return who | money | sums | years | told


def enrollment():
    """Two families: one with a child whose cover ended, one of a single."""
    told = {"plan": "VISION", "tier": "EC"}
    view = made(
        span("S", "2025-01-01", line="VIS", **told),
        span("S1", "2025-02-01", "02-27", line="VIS", **told),
        span("S", "2025-01-01", line="DEN", plan="DENTAL-LOW", tier="EE"),
        {**span("T", "2026-01-01", line="VIS", plan="VISION-PLUS", tier="EE"), "subscriber": "T"},
        people=[
            person("S", last_name="Muñoz-Groß", ssn="123456789", birth_on=date(1980, 5, 15), sex="F"),
            person("S1", last_name="Muñoz-Groß", birth_on=date(2025, 2, 1)),
            {**person("T", "18", last_name="Solo|Han", ssn="234567890", sex="X"), "subscriber": "T"},
        ],
    )
    return rows_of(full(empty(), view, Manner(days_to_repeat=30), on=date(2026, 3, 2)))


def contributions():
    """Two people, three plans, a correction that takes money back, a year to date."""
    first, second = date(2026, 1, 9), date(2026, 1, 23)
    return frame(
        "contributions",
        pay(ANN, "60", first, 10_000, year=10_000),
        pay(ANN, "60", second, 10_005, year=20_005),
        pay(BOB, "61", first, -2_500, year=0, corrects=True),
        pay(ANN, "65", second, 12_345, employer=5_000, year=24_690, employer_year=10_000),
        pay(BOB, "65", second, -1, year=0, corrects=True, group="MO"),
        pay(ANN, "40", first, 30_000, 2_050, 15_000, year=32_050, employer_year=15_000),
        pay(BOB, "40", second, -30_000, 0, -15_000, year=0, corrects=True),
    )


def cobra():
    """A family that lost two plans, and a child that lost one; one loss already told."""
    lost = {
        "client_id": 1,
        "last_covered_on": date(2026, 2, 28),
        "lost_on": date(2026, 3, 1),
        "election_notice_by": date(2026, 4, 14),
        "continues_through": date(2027, 8, 31),
        "state_of_duty": "due",
        "happened_on": date(2026, 2, 20),
    }
    ann = ANN | lost | {"dependent_id": 0, "relationship": "EE", "cause": "termination"}
    ann |= {
        "beneficiary_last_name": "Muñoz",
        "beneficiary_first_name": "José",
        "beneficiary_ssn": "123456789",
    }
    place = {"address_1": "1 Main St; Apt 2", "city": "Boise", "state": "ID", "postal_code": "83702"}
    spouse = ann | {"dependent_id": 5, "relationship": "SP", "beneficiary_first_name": "Mia"}
    child = (
        BOB | lost | {"dependent_id": 7, "relationship": "CH", "cause": "child", "continues_through": None}
    )
    child |= {"beneficiary_last_name": "O'Hara", "beneficiary_first_name": "Kim"}
    return frame(
        "cobra",
        ann | place | {"plan": "PPO-1", "tier": "ES", "premium_cents": 123_456},
        ann | place | {"plan": "DENTAL-LOW", "tier": "ES", "premium_cents": 4_620},
        spouse | {"plan": "PPO-1", "tier": "ES", "premium_cents": 123_456, "beneficiary_ssn": None},
        child | {"plan": "PPO-1"},
        BOB | lost | {"dependent_id": 0, "state_of_duty": "withdrawn", "plan": "PPO-1", "cause": "hours"},
    )


def disability():
    """Somebody in both plans, and somebody in one."""
    job = {"hired_on": date(2020, 5, 4), "state": "ID", "annual_pay_cents": 6_500_050}
    ann = ANN | job | {"class": "A"}
    return frame(
        "disability",
        ann | {"plan_type": "30", "begins_on": date(2025, 1, 1), "volume_cents": 75_000},
        ann | {"plan_type": "31", "begins_on": date(2025, 6, 1), "volume_cents": 325_003},
        BOB | job | {"plan_type": "31", "begins_on": date(2026, 1, 1), "volume_cents": 325_003},
        BOB | job | {"plan_type": "20", "begins_on": date(2026, 1, 1), "volume_cents": 5_000_000},
    )
