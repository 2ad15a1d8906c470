"""Renewals in the workbench: from today's plans to set-up in force, by a specialist; and who may not."""

import os
import re
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from tests.accounts.conftest import as_face
from tests.faces.conftest import (
    GIVEN,
    LENIENT,
    chromium,
    look,
    page,
    sign_in,
    signed_in,
    site,
    text,
)
from tests.renewals.conftest import PEOPLE, make_year, offers_of

from openbenefits.accounts.clock import STANDS_ON
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, give_role
from openbenefits.renewals.codes import BatchStatus, BatchType
from openbenefits.renewals.models import BenefitsPlan
from openbenefits.renewals.underwriting import define
from openbenefits.workforce.models import PersonFact

__all__ = ["as_face", "chromium", "page", "site"]

NAMES = {
    "boss": (EVERY_CLIENT, RoleCode.ADMINISTRATOR),
    "second": (EVERY_CLIENT, RoleCode.ADMINISTRATOR),
    "specialist": (None, RoleCode.SPECIALIST),
    "broker": (None, RoleCode.BROKER),
}


@pytest.fixture(scope="module", autouse=True)
def clock():
    before = os.environ.get(STANDS_ON)
    os.environ[STANDS_ON] = "2026-10-20"
    yield
    if before is None:
        del os.environ[STANDS_ON]
    else:
        os.environ[STANDS_ON] = before


@pytest.fixture(scope="module")
def year(database, kept, tmp_path_factory):
    return kept(database, ("renewals", PEOPLE), lambda: make_year(database, tmp_path_factory.mktemp("quill")))


@pytest.fixture(scope="module")
def users(year):
    define("Underwriting", BatchType.RENEWAL)
    found = {}
    for name, (client_id, code) in NAMES.items():
        found[name] = User.objects.create_user(name, f"{name}@example.com")
        give_role(found[name], year.client_id if client_id is None else client_id, code, **GIVEN)
    return found


@pytest.fixture(scope="module")
def offers(year):
    """The numbers of the renewal's offers, read before anybody is a face."""
    return [one.pk for one in offers_of(year.renewal)]


@pytest.fixture(scope="module")
def vision(year):
    """The number of the vision plan of the year to come."""
    return next(one.plan_id for one in offers_of(year.renewal) if one.plan.plan_type == "14")


@pytest.fixture(scope="module")
def sight(year):
    """The number of the vision plan's offer; nobody has said who smokes."""
    PersonFact.objects.filter(client_id=year.client_id).update(is_smoker=None)
    return next(one.pk for one in offers_of(year.renewal) if one.plan.plan_type == "14")


@pytest.fixture(scope="module")
def life(year):
    """The numbers of basic life's offer and plan."""
    found = next(one for one in offers_of(year.renewal) if one.plan.plan_type == "20")
    return found.pk, found.plan_id


@pytest.fixture
def come(users, as_face):
    return lambda name: signed_in(Browser(HTTP_HOST="localhost"), users[name])


def act(browser, year, name, **more):
    return browser.post(f"/workbench/quill/renewals/{year.renewal}/act", {"act": name, **more}, follow=True)


@LENIENT
def test_every_page_reads_well_at_both_widths(users, year, site, page):
    sign_in(page, site, "boss")
    offer = offers_of(year.renewal)[0]
    plan = BenefitsPlan.objects.filter(client_id=0).first()
    for where in (
        "renewals/",
        "renewals/plans/",
        f"renewals/plans/{plan.pk}/",
        "renewals/underwriting/",
        "quill/renewals/",
        "quill/renewals/progress/",
        f"quill/renewals/{year.renewal}/",
        f"quill/renewals/{year.renewal}/offers/{offer.pk}/",
    ):
        page.goto(f"{site}/workbench/{where}")
        look(page, where)


@LENIENT
def test_contributions_counts_and_the_workbook(offers, come, year):
    boss = come("boss")
    where = f"/workbench/quill/renewals/{year.renewal}/offers/{offers[0]}/"
    fields = {f"{what}_{tier}": "10" for what in ("employer", "people") for tier in ("EE", "ES", "EK", "EF")}
    wrong = boss.post(where, fields | {"method": "dollars", "employer_EE": "1.234"})
    assert wrong.status_code == 422
    assert "more decimals" in text(wrong)
    assert "Changed" in text(boss.post(where, fields | {"method": "percent"}, follow=True))
    file = boss.get(f"/workbench/quill/renewals/{year.renewal}/workbook.xlsx").content
    again = boss.post(
        f"/workbench/quill/renewals/{year.renewal}/workbook",
        {"file": SimpleUploadedFile("offer.xlsx", BytesIO(file).getvalue())},
        follow=True,
    )
    assert "0 numbers are changed" in text(again)
    bad = boss.post(
        f"/workbench/quill/renewals/{year.renewal}/workbook",
        {"file": SimpleUploadedFile("offer.xlsx", b"no")},
    )
    assert bad.status_code == 422
    assert "Counted" in text(act(boss, year, "count"))


@LENIENT
def test_rates_by_bands_are_typed_line_by_line(vision, sight, come, year):
    boss, where = come("boss"), f"/workbench/renewals/plans/{vision}/"
    typed = {"title": "P", "source": "letter", "kinds": ["pay"], "banded": "EE, 0, 7.10, 6\nEE; 50000; 8.20"}
    wrong = boss.post(where + "rates", typed | {"banded": "EE, 0, 7.10\nEE 50000"})
    assert wrong.status_code == 422
    assert "Line 2: expected tier, dollars of pay a year, billed, true cost" in text(wrong)
    assert "The rates are kept" in text(boss.post(where + "rates", typed, follow=True))
    assert "from $50,000 a year" in text(boss.get(where))
    smokers = typed | {"kinds": ["smoker"], "banded": "EE, 2, 7"}
    assert "of smokers 0 and 1" in text(boss.post(where + "rates", smokers, follow=True))
    by_area = typed | {"title": "Z", "kinds": ["area"], "geography": "ma-rating-areas"}
    wrong = boss.post(where + "rates", by_area | {"banded": "EE, R-XX, 7"})
    assert "expected areas of ma-rating-areas" in text(wrong)
    assert "EE, R-XX, 7" in wrong.content.decode()  # what was typed stays
    lost = boss.post(where + "rates", by_area | {"geography": "", "banded": "EE, R-MA001, 7"})
    assert "expected a geography with rating areas" in text(lost)
    boss.post(where + "rates", by_area | {"banded": "EE, R-MA001, 7\nEE, R-MA002, 8.5"}, follow=True)
    assert "in area R-MA002" in text(boss.get(where))
    both = by_area | {"title": "Y", "kinds": ["area", "smoker"], "area_of": "location"}
    lines = [f"EE, {smoker}, R-MA00{area}, 9" for smoker in (0, 1) for area in (1, 2)]
    gap = boss.post(where + "rates", both | {"banded": "\n".join(lines[:3])})
    assert "found none for EE, smokers, in area R-MA002" in text(gap)
    boss.post(where + "rates", both | {"banded": "\n".join(lines)}, follow=True)
    seen = text(boss.get(where))
    assert "non-smokers, in area R-MA001" in seen
    assert "rating area of the place of work, ma-rating-areas" in seen
    offered = typed | {"title": "A", "kinds": ["smoker"], "banded": "EE, 0, 7.10\nEE, 1, 9"}
    boss.post(where + "rates", offered, follow=True)
    assert "counted in the lowest band: smoking of" in text(act(boss, year, "count"))
    at = f"/workbench/quill/renewals/{year.renewal}/offers/{sight}/"
    assert "the smoking is not known" in text(boss.get(at)).replace("  ", " ")


@LENIENT
def test_rates_for_coverage_are_weighed_with_a_volume(life, come, year):
    boss, (offer, plan) = come("boss"), life
    assert "a rate is for 1,000 dollars of coverage" in text(boss.get(f"/workbench/renewals/plans/{plan}/"))
    where = f"/workbench/quill/renewals/{year.renewal}/offers/{offer}/"
    typed = {"method": "percent", "employer_EE": "100", "people_EE": "10", "volume": "50000"}
    assert "Changed" in text(boss.post(where, typed, follow=True))
    seen = text(boss.get(where))
    assert "7.75" in seen  # a person: 50 thousands at 0.155
    assert "77.50" in seen
    refused = text(boss.post(where, typed | {"method": "dollars"}, follow=True))
    assert "expected a percentage of rates for coverage or pay" in refused
    rates = {"title": "B", "source": "letter", "unit": "per_thousand", "premium_ES": "0.2"}
    told = text(boss.post(f"/workbench/renewals/plans/{plan}/rates", rates, follow=True))
    assert "expected rates of tier EE" in told


@LENIENT
def test_who_only_reads_sees_no_margin_and_does_nothing(come, year):
    broker = come("broker")
    seen = text(broker.get(f"/workbench/quill/renewals/{year.renewal}/"))
    assert "margin" not in seen
    assert act(broker, year, "count").status_code == 403
    assert broker.get("/workbench/renewals/underwriting/").status_code == 403
    assert broker.post("/workbench/renewals/jobs").status_code == 403


@LENIENT
def test_a_batch_goes_from_the_client_into_force_with_a_second_person(offers, come, year):
    boss, second = come("boss"), come("second")
    move = f"/workbench/quill/renewals/{year.renewal}/move"
    for to in (BatchStatus.PREPARED, BatchStatus.REVIEW):
        assert "Moved" in text(boss.post(move, {"to": to}, follow=True))
    assert "found a status set by hand" in text(boss.post(move, {"to": BatchStatus.APPROVED}, follow=True))
    sign = f"/workbench/quill/renewals/{year.renewal}/sign"
    typed = {"name": "Q. Press", "on_behalf_of": "on paper, 19 October"}
    assert boss.post(sign, {"name": "Q. Press"}).status_code == 422
    assert "decide about each plan first" in text(boss.post(sign, typed, follow=True))
    for offer in offers:
        where = f"/workbench/quill/renewals/{year.renewal}/offers/{offer}/choose"
        assert "Selected" in text(boss.post(where, {"act": "select"}, follow=True))
    assert "Underwriting is asked" in text(act(boss, year, "submit"))
    assert "written down" in text(boss.post(sign, typed, follow=True))
    assert "expected the approval of underwriting" in text(act(boss, year, "force"))
    listed = second.get("/workbench/renewals/underwriting/").content.decode()
    decide = re.search(r'action="(/workbench/renewals/underwriting/\d+)"', listed)[1]
    assert "another person" in text(boss.post(decide, {"verdict": "approve"}, follow=True))
    assert "Decided" in text(second.post(decide, {"verdict": "approve"}, follow=True))
    assert "Set-up is in force" in text(act(boss, year, "force"))
    assert "found 2026-10-20" in text(act(boss, year, "activate"))
    seen = text(boss.get("/workbench/quill/renewals/progress/"))
    assert "Open enrolment" in seen
