"""Packages compared over the API: handed in, ordered, ordered again, side by side."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from tests.api.conftest import API, Program

from openbenefits.sample import SAMPLE_FOLDER

PACKAGES = (SAMPLE_FOLDER / "matching" / "packages.csv").read_bytes()
PLACE = "/clients/harbor/best-plan"


def sent(program: Program, packages: bytes, **form: str) -> Any:
    file = SimpleUploadedFile("packages.csv", packages, "text/csv")
    given = {"packages": file, "title": "A year", "prices_on": "2026-02-01"} | form
    return program.browser.post(f"{API}{PLACE}?as_of=2026-01-20", given)


def test_packages_are_compared_and_ordered_again(harbor: Program) -> None:
    answer = sent(harbor, PACKAGES)
    assert answer.status_code == 200, answer.content
    made = answer.json()
    assert made["reference"] == "today"
    codes = {one["code"] for one in made["packages"]}
    assert {"today", "POOL", "LEAN"} <= codes
    assert {one["code"] for one in made["refused"]} <= codes
    place = f"{PLACE}/{made['number']}"
    again = harbor.post(
        f"{place}/orderings",
        {"weights": {"richness": 100, "client": 0}, "scale": "range", "reason": "richer"},
    )
    assert again.status_code == 200, again.content
    assert (again.json()["ordering"], again.json()["reason"]) == (2, "richer")
    assert harbor.get(place, ordering=1).json()["packages"] == made["packages"]
    listed = harbor.get(PLACE).json()["items"]
    assert listed[0]["number"] == made["number"]
    beside = harbor.get(f"{place}/beside", first="today", second="POOL", by="person").json()
    assert "pay_cents_change" in beside["columns"]
    assert beside["rows"]


def test_what_cannot_be_taken_says_why(harbor: Program) -> None:
    wrong = sent(harbor, b"package,category,plan,premium_ee\nA,medical,P,lots\n")
    assert wrong.status_code == 422
    assert "row 2, premium_ee" in wrong.json()["detail"]
    assert sent(harbor, b"package,category,plan,rate_table\nA,medical,P,NOWHERE\n").status_code in (409, 422)
    assert harbor.get(f"{PLACE}/999999").status_code == 404
