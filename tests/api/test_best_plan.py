"""Packages compared over the API: handed in, ordered, ordered again, side by side."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.api.conftest import API, NOW, Program

from openbenefits.api import best_plan
from openbenefits.background.services import perform
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.store import use_database

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


def test_what_is_much_is_left_to_the_worker(
    harbor: Program, database: Any, embedded_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best_plan, "MOST_PRICES", 1)
    asked = sent(harbor, PACKAGES)
    assert asked.status_code == 202, asked.content
    assert (asked.json()["kind"], asked.json()["state"]) == ("compare packages", "waiting")
    url = embedded_server.url(database.settings_dict["NAME"])
    use_database(url)
    done = perform(asked.json()["id"], lambda: NOW)
    use_database(url, as_face=True)
    assert done.state == "done", done.told
    followed = harbor.browser.get(asked.json()["link"]).json()
    shown = harbor.get(f"{PLACE}/{followed['result']['comparison']}").json()
    assert {"today", "POOL", "LEAN"} <= {one["code"] for one in shown["packages"]}
    assert (shown["made_by"], shown["weights"]) == (done.author, best_plan.DEFAULT_WEIGHTS)


def test_what_cannot_be_taken_says_why(harbor: Program) -> None:
    wrong = sent(harbor, b"package,category,plan,premium_ee\nA,medical,P,lots\n")
    assert wrong.status_code == 422
    assert "row 2, premium_ee" in wrong.json()["detail"]
    assert sent(harbor, b"package,category,plan,rate_table\nA,medical,P,NOWHERE\n").status_code in (409, 422)
    assert harbor.get(f"{PLACE}/999999").status_code == 404
