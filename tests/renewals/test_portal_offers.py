"""The client's contact in the portal: sees the offer, chooses, signs; nobody else does, and nothing else is seen."""

import os
from datetime import UTC, datetime

import pytest
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
from openbenefits.accounts.services import give_role
from openbenefits.renewals.codes import BatchStatus, OfferStatus
from openbenefits.renewals.models import Batch, ClientApproval
from openbenefits.renewals.moves import BATCH
from openbenefits.renewals.statuses import move
from openbenefits.workforce.models import Client

__all__ = ["as_face", "chromium", "page", "site"]

TODAY = "2026-10-20"
MOMENT = datetime(2026, 10, 20, 9, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def clock():
    before = os.environ.get(STANDS_ON)
    os.environ[STANDS_ON] = TODAY
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
    """Contacts of the client and of another, a specialist; the offer is before the client."""
    other = Client.objects.create(code="other", name="Other")
    found = {}
    for name, client_id, code in (
        ("contact", year.client_id, RoleCode.CONTACT),
        ("second contact", year.client_id, RoleCode.CONTACT),
        ("stranger", other.pk, RoleCode.CONTACT),
        ("specialist", year.client_id, RoleCode.SPECIALIST),
        ("broker", year.client_id, RoleCode.BROKER),
    ):
        found[name] = User.objects.create_user(name, f"{name.replace(' ', '')}@example.com")
        give_role(found[name], client_id, code, **GIVEN)
    Batch.objects.filter(pk=year.renewal).update(contact_id=found["contact"].pk)
    for step in (BatchStatus.PREPARED, BatchStatus.REVIEW):
        move(BATCH, Batch.objects.get(pk=year.renewal), step, author="specialist", now=MOMENT)
    return found


def come(users, name):
    return signed_in(Browser(HTTP_HOST="localhost"), users[name])


@LENIENT
def test_only_the_contact_of_the_client_reaches_the_offer(users, year, as_face):
    where = f"/portal/offers/{year.renewal}/"
    contact = come(users, "contact")
    assert contact.get("/", follow=True).redirect_chain[-1][0] == "/portal/offers/"
    seen = text(contact.get(where))
    assert "Benefits offer" in seen
    assert "margin" not in seen.lower()
    assert contact.get(f"/portal/offers/{year.batch}/").status_code == 200
    assert contact.get("/workbench/").status_code == 403
    assert contact.get(f"/portal/offers/{year.renewal}.pdf")["Content-Type"] == "application/pdf"
    assert contact.get(f"/portal/offers/{year.renewal}.xlsx").status_code == 200
    assert come(users, "stranger").get(where).status_code == 404
    for name in ("broker",):
        assert come(users, name).get(where).status_code == 403
    assert Browser(HTTP_HOST="localhost").get(where).status_code == 302


@LENIENT
def test_what_cannot_be_signed_is_said_on_the_page(users, year, as_face):
    where = f"/portal/offers/{year.renewal}/sign/"
    typed = {"name": "Q. Press", "agreed": "yes"}
    early = come(users, "contact").post(where, typed)
    assert early.status_code == 422
    assert "decide about each plan first" in text(early)
    assert "Tick that you may sign" in text(come(users, "contact").post(where, {"name": "Q."}))
    assert "Another contact signs" in text(come(users, "second contact").post(where, typed))
    assert come(users, "contact").get(where).status_code == 405
    assert not ClientApproval.objects.exists()


@LENIENT
def test_the_contact_reviews_chooses_and_signs_in_a_browser(users, year, site, page):
    offers = offers_of(year.renewal)
    sign_in(page, site, "contact")
    page.goto(f"{site}/portal/offers/")
    look(page, "offers")
    page.get_by_role("link", name="benefits from").first.click()
    page.get_by_text("What members pay themselves").first.click()
    look(page, "offer")
    for number, offer in enumerate(offers):
        word = "We do not take it" if number == 0 else "We take it"
        page.get_by_role("group", name=f"Your choice: {offer.plan.name}").get_by_label(word).check()
    page.get_by_role("button", name="Keep my choices").click()
    page.get_by_label("Your name").fill("Quentin Press")
    page.get_by_label("I may sign for my company").check()
    look(page, "offer, chosen")
    page.get_by_role("button", name="Sign", exact=True).click()
    page.get_by_text("by Quentin Press").wait_for()
    look(page, "offer, signed")
    approval = ClientApproval.objects.get()
    assert bytes(approval.document).startswith(b"%PDF")
    assert (approval.signature, approval.user_id) == ("Quentin Press", users["contact"].pk)
    assert Batch.objects.get(pk=year.renewal).status == BatchStatus.APPROVED
    statuses = {one.status for one in offers_of(year.renewal)}
    assert statuses == {OfferStatus.REJECTED, OfferStatus.PENDING}
