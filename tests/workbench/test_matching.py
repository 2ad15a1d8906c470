"""The best plan on its pages: packages handed in, ordered, ordered again, side by side; and who may not."""

import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from django.db import connections
from django.test import Client as Browser
from django.utils import timezone
from tests.accounts.conftest import as_face, owner
from tests.faces.conftest import GIVEN, LENIENT, chromium, look, page, sign_in, signed_in, site, text
from tests.runs.conftest import put_enrolled

from openbenefits.accounts.clock import STANDS_ON
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, give_role
from openbenefits.background.matching_kinds import ComparePackages, check_comparison
from openbenefits.background.models import OrderFile, ProcessRequest
from openbenefits.background.order_files import OrderFileRefused
from openbenefits.background.services import perform
from openbenefits.matching.models import Comparison
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.workbench.matching import asking
from openbenefits.workforce.models import Client

__all__ = ["as_face", "chromium", "owner", "page", "site"]

FOLDER = SAMPLE_FOLDER / "matching"
PACKAGES, PROSPECT = FOLDER / "packages.csv", FOLDER / "prospect.csv"
ROLES = {
    "boss": (EVERY_CLIENT, RoleCode.ADMINISTRATOR),
    "theirs": (None, RoleCode.CLIENT),
    "desk": (None, RoleCode.SPECIALIST),
}
WEIGHTS = {"client": 30, "employee": 25, "richness": 15, "disruption": 10, "margin": 10, "pool_risk": 10}


@pytest.fixture(scope="module")
def users(database, kept, tmp_path_factory):
    """Harbor with people who are enrolled; an administrator, a specialist and somebody of the client."""

    def fill():
        return put_enrolled(tmp_path_factory.mktemp("harbor"), people=12)

    kept(connections["default"], "matching pages", fill)
    client = Client.objects.get(code="harbor")
    found = {}
    for name, (scope, code) in ROLES.items():
        found[name] = User.objects.create_user(name)
        give_role(found[name], client.pk if scope is None else scope, code, **GIVEN)
    return found


@pytest.fixture
def come(users, as_face, monkeypatch):
    """Answer a function that lets somebody come in, in January 2026."""
    monkeypatch.setenv(STANDS_ON, "2026-01-20")
    return lambda name: signed_in(Browser(HTTP_HOST="localhost"), users[name])


def handed(browser, where: str, *, census: Path | None = None, packages: Path = PACKAGES, **changes):
    fields = {"title": "Two thousand twenty-six", "as_of": "2026-01-20", "prices_on": "2026-02-01"}
    fields |= {"most_unplaced": 0, "min_contribution": 0, "state": "MA"}
    fields |= {f"weight-{name}": weight for name, weight in WEIGHTS.items()}
    with packages.open("rb") as file:
        files = {"packages": file}
        if census is None:
            return browser.post(where, {**fields, **files, **changes})
        with census.open("rb") as people:
            return browser.post(where, {**fields, **files, "census": people, **changes})


@LENIENT
def test_a_client_is_compared_ordered_again_and_laid_side_by_side(come, owner) -> None:
    boss = come("boss")
    made = handed(boss, "/workbench/harbor/best-plan/new")
    assert made.status_code == 302
    shown = boss.get(made["Location"])
    said = text(shown)
    assert "What is in force today" in said
    assert "POOL" in said
    assert "LEAN" in said
    again = {f"order-{name}": 0 for name in WEIGHTS} | {"order-richness": 100}
    again |= {"order-scale": "range", "order-reference": "", "order-reason": "richest first"}
    assert "Expected at least one" in text(boss.post(made["Location"], again | {"order-richness": 0}))
    assert "richest first" in text(boss.post(made["Location"], again, follow=True))
    orders = "SELECT number, reason FROM matching_ordering ORDER BY comparison_id DESC, number LIMIT 2"
    assert owner.execute(orders).fetchall() == [(1, ""), (2, "richest first")]
    beside = boss.get(f"{made['Location']}beside", {"by": "person"})
    assert "H0" in text(beside)
    assert "not known" in text(boss.get(f"{made['Location']}packages/today"))
    book = boss.get(f"{made['Location']}workbook")
    assert book.content[:2] == b"PK"
    noted = (
        "SELECT count(*) FROM accounts_auditentry WHERE what = 'order packages' AND reason = 'richest first'"
    )
    assert owner.execute(noted).fetchone() == (1,)


@LENIENT
def test_what_is_much_is_left_to_the_worker(users, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv(STANDS_ON, "2026-01-20")
    monkeypatch.setattr(asking, "MOST_PRICES", 1)
    boss = signed_in(Browser(HTTP_HOST="localhost"), users["boss"])
    for where, census in (("/workbench/harbor/best-plan/new", None), ("/workbench/prospects/new", PROSPECT)):
        asked = handed(boss, where, census=census)
        assert "/requests/" in asked["Location"]
        request = ProcessRequest.objects.latest("pk")
        done = perform(request.pk, timezone.now)
        assert done.state == "done", done.told
        made = Comparison.objects.get(pk=done.result["comparison"])
        assert (made.packages, made.people) == (done.result["packages"], done.result["people"])
        shown = boss.get(asked["Location"])
        assert f"Comparison {made.pk}" in text(shown)
        link = re.search(rf'href="(/workbench/[^"]*/{made.pk}/)"', shown.content.decode())[1]
        assert "POOL" in text(boss.get(link))
    OrderFile.objects.all().delete()
    with pytest.raises(OrderFileRefused, match="send it again"):
        check_comparison(None, 0, ComparePackages("t", date(2026, 1, 1), date(2026, 2, 1), {}, packages=1))


@LENIENT
def test_what_cannot_be_taken_is_said_beside_the_form(come, tmp_path) -> None:
    boss = come("boss")
    where = "/workbench/harbor/best-plan/new"
    wrong = tmp_path / "packages.csv"
    wrong.write_text("package,category,plan,premium_ee\nA,medical,P,lots\n")
    said = handed(boss, where, packages=wrong)
    assert said.status_code == 422
    assert "premium_ee" in text(said)
    wrong.write_text("package,category,plan,rate_table\nA,medical,P,NOWHERE\n")
    assert "NOWHERE" in text(handed(boss, where, packages=wrong))
    wrong.write_text("name\nA\n")
    assert "expected a column package" in text(handed(boss, where, packages=wrong))
    assert "less than or equal to 100" in text(handed(boss, where, **{"weight-client": 101}))


@LENIENT
def test_a_client_does_not_see_what_the_peo_earns(come) -> None:
    boss = come("boss")
    made = handed(boss, "/workbench/prospects/new", census=PROSPECT)
    assert made.status_code == 302
    own = handed(boss, "/workbench/harbor/best-plan/new")["Location"]
    for name in ("theirs", "desk"):
        assert come(name).get(made["Location"]).status_code in (403, 404), name
    assert come("theirs").get(own).status_code == 403
    assert come("desk").get(own).status_code == 200
    other = own.replace("harbor/best-plan", "prospects")
    assert boss.get(other).status_code == 404


@LENIENT
def test_pages_at_both_widths(come, page, site, tmp_path) -> None:
    account = {
        "package": "POOL",
        "category": "health_fsa",
        "plan": "FSA",
        "rate": "4.5",
        "employer_ee": "4.5",
    }
    account |= {"take_up": "40", "pledge": "1200"}
    packages = tmp_path / "packages.csv"
    rows = [pl.read_csv(PACKAGES, infer_schema=False), pl.DataFrame([account])]
    pl.concat(rows, how="diagonal").write_csv(packages)
    made = handed(come("boss"), "/workbench/prospects/new", census=PROSPECT, packages=packages)["Location"]
    sign_in(page, site, "boss")
    for where in (
        "/workbench/prospects/",
        "/workbench/prospects/new",
        made,
        f"{made}packages/POOL",
        f"{made}beside?by=tier",
        "/workbench/prospects/tiers/",
    ):
        page.goto(f"{site}{where}")
        look(page, where)
    page.goto(f"{site}{made}")
    assert "40.0 %" in page.inner_text("main")  # what is assumed stands beside the result
    slider = page.get_by_label("Richness, slider")
    slider.fill("90")
    assert page.get_by_role("spinbutton", name="Richness").input_value() == "90"
    page.get_by_label("Why these weights").fill("richer plans")
    page.get_by_role("button", name="Order again").click()
    assert "richer plans" in page.inner_text("main")


@LENIENT
def test_a_tier_is_recommended_on_its_page(come) -> None:
    boss = come("boss")
    where = "/workbench/prospects/tiers/"
    fields = {"title": "Bakery", "on": "2026-01-20", "max_discount": 10, "single_rate": "520.00"}

    def said(**changes):
        names = {"census": PROSPECT, "bands": FOLDER / "tier_bands.csv", "rates": FOLDER / "tier_rates.csv"}
        opened = {name: path.open("rb") for name, path in names.items()}
        try:
            given = {f"tier-{name}": value for name, value in (fields | opened | changes).items()}
            return boss.post(where, given, follow=True)
        finally:
            for file in opened.values():
                file.close()

    assert "Bakery" in text(said())
    refused = said(override="E")
    assert refused.status_code == 422
    assert "expected a reason" in text(refused)
    assert "large claims" in text(said(override="E", reason="large claims"))
    assert come("theirs").get("/workbench/harbor/best-plan/tiers/").status_code == 403
    assert come("desk").get("/workbench/harbor/best-plan/tiers/").status_code == 200
