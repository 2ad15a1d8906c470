"""Money for partners on its pages: contributions and a month's premium, previewed and built from what pays took."""

from datetime import date

import msgspec
import pytest
from django.db import connections
from django.test import Client as Browser
from django.utils import timezone
from tests.carriers.test_paying import FIRST, SECOND, made, take
from tests.faces.conftest import GIVEN, LENIENT, WIDTHS, check, sign_in, signed_in, text, wide

from openbenefits.accounts.models import AuditEntry, User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, give_role
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import perform
from openbenefits.carriers.agreements.partners import partner_of, save_partner
from openbenefits.carriers.models import CarrierFile
from openbenefits.carriers.payments.reading import read_payments
from openbenefits.store.secrets import open_file
from openbenefits.workforce.models import Client

PREMIUM = "/workbench/carriers/premiums/acme/care/"
FEED = "/workbench/carriers/feeds/acme/care/"
JANUARY = {"month": "2026-01-20", "paid_on": "2026-02-05", "trace": "EFT-77"}


@pytest.fixture(scope="module")
def users(database, kept, tmp_path_factory):
    """Two people whose pays were taken; an administrator, and an auditor who only reads."""

    def build():
        folder = tmp_path_factory.mktemp("acme")
        world = made(connections["default"], folder)
        for number, dollars in (("0007", "50.00"), ("0008", "50.01")):
            take(world, folder, (number, "60", "B", FIRST, dollars))
            take(world, folder, (number, "10", "B", SECOND, dollars))
        for name, code in (("desk", RoleCode.ADMINISTRATOR), ("reader", RoleCode.AUDITOR)):
            give_role(User.objects.create_user(name, f"{name}@example.com"), EVERY_CLIENT, code, **GIVEN)

    kept(database, "workbench: carrier money", build)
    return {user.username: user for user in User.objects.all()}


@pytest.fixture
def desk(users, as_face) -> Browser:
    with LENIENT:
        yield signed_in(Browser(HTTP_HOST="localhost"), users["desk"])


def carried(as_owner) -> CarrierFile:
    """Let the worker do what was asked last, and answer the file it made."""

    def do():
        done = perform(ProcessRequest.objects.latest("pk").pk, timezone.now)
        assert done.state == "done", done.told
        return CarrierFile.objects.get(pk=done.result["carrier_file"])

    return as_owner(do)


def test_a_months_premium_is_previewed_and_built(desk, as_owner, users):
    partner = text(desk.get("/workbench/carriers/partners/acme/care/"))
    assert "Premium of acme" in partner
    shown = text(desk.get(PREMIUM, JANUARY))
    assert "0007" in shown
    assert "$100.01 to be paid the total of the 820" in shown
    exported = desk.get(PREMIUM, JANUARY | {"premium.export": "csv"}).content.decode()
    assert exported.startswith("Employee,Plan type,Plan,Month,What,Paid,Owed")
    assert desk.get(PREMIUM, {"month": "soon"}).status_code == 422
    assert "Expected a month" in text(desk.post(f"{PREMIUM}build", {"month": ""}, follow=True))

    asked = desk.post(f"{PREMIUM}build", JANUARY, follow=True)
    assert "premium file for a carrier" in text(asked).lower()
    file = carried(as_owner)
    (payment,) = read_payments(open_file(bytes(file.content)))
    assert (file.kind, file.state) == ("820", "validated")
    assert payment.total_cents == 10_001
    assert b"TRN*" in open_file(bytes(file.content))
    assert b"EFT-77" in open_file(bytes(file.content))
    assert "Nothing new was taken for that month" in text(desk.get(PREMIUM, JANUARY))
    noted = AuditEntry.objects.filter(what="build the premium file for partner care")
    assert as_owner(noted.count) == 1

    reader = signed_in(Browser(HTTP_HOST="localhost"), users["reader"])
    assert reader.get(PREMIUM).status_code == 403
    assert reader.post(f"{PREMIUM}build", JANUARY).status_code == 403


def test_contributions_are_previewed_and_built(desk, as_owner):
    shown = text(desk.get(FEED))
    assert "What pays put into accounts" in shown
    assert "$100.01 together" in shown
    desk.post(f"{FEED}build", {"mode": ""})
    file = carried(as_owner)
    assert (file.state, file.lines) == ("validated", 2)
    assert "the partner knows everything" in text(desk.get(FEED))


def test_a_partner_without_premium_says_what_is_missing(desk, as_owner):
    client_id = as_owner(Client.objects.get).pk
    _owner, _version, agreed = as_owner(lambda: partner_of(client_id, "care"))
    bare = msgspec.structs.replace(agreed, premium=None)
    as_owner(lambda: save_partner(client_id, "bare", bare, author="test", now=timezone.now()))
    shown = text(desk.get("/workbench/carriers/premiums/acme/bare/", follow=True))
    assert "expected how its 820 is written" in shown
    assert "Premium of acme" not in shown


@pytest.mark.parametrize("width", WIDTHS)
def test_money_pages_read_well(page, site, users, width):
    wide(page, width)
    sign_in(page, site, "desk")
    page.wait_for_url("**/workbench/")
    month = date(2026, 1, 1).isoformat()
    for where in (f"{PREMIUM}?month={month}&paid_on=2026-02-05", FEED):
        assert page.goto(site + where).status == 200, where
        check(page, (where, width))
