"""The elections people make out of what they are offered."""

from datetime import date

import polars as pl
import pytest

from openbenefits.sample.elections import (
    ELECTION_COLUMNS,
    EVENT,
    OFFER_COLUMNS,
    WAIVE,
    ElectionFile,
    elections,
)

PEOPLE = 600

MISTAKES = {
    "hsa_without_hdhp",
    "not_offered",
    "unknown_option",
    "too_few_dependents",
    "too_many_dependents",
    "unknown_dependent",
    "pledge_too_high",
    "pledge_missing",
    "percent_too_high",
    "funds_not_100",
    "unknown_fund",
    "received_late",
}


def offer(person: int, plan_type: str, option: str, **more: object) -> dict[str, object]:
    row: dict[str, object] = {
        "employee_number": f"P{person:04d}",
        "benefit_record": 0,
        "schedule": "OE26",
        "event_number": 1,
        "plan_type": plan_type,
        "option": option,
        "is_current": False,
        "needs_spouse": option.endswith("-2"),
        "needs_partner": False,
        "needs_children": False,
        "amount_kind": "none",
        "minimum": None,
        "maximum": None,
        "is_invested": False,
        "is_hsa_eligible": option.startswith("HDHP"),
    }
    return row | more


def offers_of(person: int) -> list[dict[str, object]]:
    pledge = {"amount_kind": "annual_pledge", "minimum": 120, "maximum": 3400}
    medical = ["HDHP-1", "HDHP-2", "GOLD-1", "GOLD-2", WAIVE] + (["SILVER-1"] if person % 2 else [])
    saving = {"amount_kind": "percent_of_pay", "minimum": 1, "maximum": 60, "is_invested": True}
    return [
        *(offer(person, "10", code, is_current=code == "GOLD-1") for code in medical),
        *(offer(person, "11", code) for code in ("DENTAL-1", "DENTAL-2", WAIVE)),
        offer(person, "20", "BASIC"),
        *(offer(person, "40", code, **saving) for code in ("401K", WAIVE)),
        *(offer(person, "60", code, **pledge) for code in ("FSA", WAIVE)),
        *(offer(person, "67", code, **pledge) for code in ("HSA", WAIVE)),
    ]


@pytest.fixture(scope="module")
def offers() -> pl.DataFrame:
    return pl.DataFrame(
        [row for person in range(PEOPLE) for row in offers_of(person)],
        schema=OFFER_COLUMNS,
        infer_schema_length=None,
    )


@pytest.fixture(scope="module")
def dependents() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "employee_number": [f"P{person:04d}" for person in range(0, PEOPLE, 2)],
            "dependent_number": 1,
            "relationship": "spouse",
            "birth_date": date(1985, 5, 5),
            "disabled": "N",
        }
    )


@pytest.fixture(scope="module")
def made(offers: pl.DataFrame, dependents: pl.DataFrame) -> ElectionFile:
    return elections(offers, dependents, fault_share=0.1)


def right(made: ElectionFile) -> pl.DataFrame:
    return made.rows.join(made.faults, on=[*EVENT, "plan_type"], how="anti")


def test_the_order_of_offers_does_not_matter(
    made: ElectionFile, offers: pl.DataFrame, dependents: pl.DataFrame
) -> None:
    again = elections(offers.reverse(), dependents.reverse(), fault_share=0.1)
    assert again.rows.equals(made.rows)
    assert again.faults.equals(made.faults)


def test_a_share_of_the_people_chooses_once_per_plan_type(made: ElectionFile) -> None:
    assert made.rows.columns == list(ELECTION_COLUMNS)
    assert made.rows["employee_number"].n_unique() / PEOPLE == pytest.approx(0.6, abs=0.06)
    assert made.rows.select(*EVENT, "plan_type").is_unique().all()
    assert "20" not in set(made.rows["plan_type"])  # there is nothing to choose


def test_every_mistake_is_made(made: ElectionFile) -> None:
    assert set(made.faults["fault"]) == MISTAKES
    assert made.faults["employee_number"].is_unique().all()


def test_everything_else_is_offered(made: ElectionFile, offers: pl.DataFrame) -> None:
    assert right(made).join(offers, on=[*EVENT, "plan_type", "option"], how="anti").is_empty()


def test_everything_else_is_complete(made: ElectionFile) -> None:
    rows = right(made)
    assert rows.filter(pl.col("option").str.ends_with("-2"))["dependents"].unique().to_list() == ["1"]
    assert rows.filter(pl.col("option").is_in(["FSA", "HSA"]))["annual_pledge"].is_between(120, 3400).all()
    saving = rows.filter(pl.col("option") == "401K")
    assert saving["percent"].is_between(1, 60).all()
    assert saving["funds"].null_count() == 0
    waived = rows.filter(pl.col("option") == WAIVE)
    assert waived["waive_reason"].null_count() == 0
    assert rows["received_on"].is_between(date(2025, 11, 3), date(2025, 11, 21)).all()


def test_only_who_takes_the_high_deductible_saves_in_an_hsa(made: ElectionFile) -> None:
    rows = right(made)
    saver = rows.filter(pl.col("option") == "HSA").select("employee_number")
    medical = made.rows.filter(pl.col("plan_type") == "10").join(saver, on="employee_number")
    spoilt = made.faults.filter(pl.col("plan_type") == "10")["employee_number"].implode()
    assert medical.filter(~pl.col("employee_number").is_in(spoilt))["option"].str.starts_with("HDHP").all()


def test_the_mistakes(made: ElectionFile, offers: pl.DataFrame) -> None:
    wrong = made.rows.join(made.faults, on=[*EVENT, "plan_type"])

    def of(fault: str) -> pl.DataFrame:
        return wrong.filter(pl.col("fault") == fault)

    assert of("not_offered").join(offers, on=["employee_number", "option"], how="semi").is_empty()
    assert of("too_few_dependents")["dependents"].null_count() == of("too_few_dependents").height
    assert (of("pledge_too_high")["annual_pledge"] > 3400).all()
    assert set(of("hsa_without_hdhp")["option"]) == {"HSA"}
    assert (of("received_late")["received_on"] > date(2025, 11, 21)).all()
