"""The payroll platform on its pages and over the API: asked of the worker, compared, cured, accepted, refused."""

import pytest
from django.test import Client as Browser
from tests.faces.conftest import GIVEN, LENIENT, look, sign_in, signed_in, text
from tests.platform.test_audits import acme, platform, work

from openbenefits.accounts import clock
from openbenefits.accounts.keys import make_key
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import Permission, RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, access_of, give_role
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import ask, perform
from openbenefits.platform.models import Accepted, InboundItem, Look, OutboundChange
from openbenefits.platform.outbound import ChangeOrder, plan
from openbenefits.store import use_database
from openbenefits.workforce.recording import add_client

__all__ = ["acme", "platform", "work"]

PLACE = "/workbench/acme/payroll-platform/"
NAMES = {
    "boss": RoleCode.ADMINISTRATOR,
    "payroll": RoleCode.PAYROLL,
    "second": RoleCode.PAYROLL,
    "reader": RoleCode.AUDITOR,
}


@pytest.fixture(scope="module")
def users(acme):
    """Staff of the client, one of every client, and one of another client only."""
    found = {name: User.objects.create_user(name) for name in (*NAMES, "peo", "stranger")}
    for name, code in NAMES.items():
        give_role(found[name], acme.client_id, code, **GIVEN)
    give_role(found["peo"], EVERY_CLIENT, RoleCode.ADMINISTRATOR, **GIVEN)
    give_role(found["stranger"], add_client("other", "Other").pk, RoleCode.PAYROLL, **GIVEN)
    return found


@pytest.fixture(scope="module")
def looked(users, acme):
    """What a worker saw at the platform, asked for by somebody of payroll."""
    access = access_of(acme.connection, users["payroll"])
    ask(access, "platform look", {}, client_id=acme.client_id, author="payroll", now=clock.now())
    done = perform(ProcessRequest.objects.latest("pk").pk, clock.now)
    assert (done.state, done.told) == ("done", "")
    return Look.objects.latest("pk")


class Face:
    """A browser whose requests a web process answers; between them the test works as the owner of the tables."""

    def __init__(self, browser, url):
        self.browser, self.url = browser, url

    def get(self, *asked, **more):
        return self._asked(self.browser.get, asked, more)

    def post(self, *asked, **more):
        return self._asked(self.browser.post, asked, more)

    def _asked(self, how, asked, more):
        use_database(self.url, as_face=True)
        try:
            return how(*asked, **more)
        finally:
            use_database(self.url)


@pytest.fixture
def url(database, embedded_server):
    return embedded_server.url(database.settings_dict["NAME"])


@pytest.fixture
def come(users, url):
    """Answer a function that lets somebody come in by a browser of his own."""
    return lambda name: Face(signed_in(Browser(HTTP_HOST="localhost"), users[name]), url)


@LENIENT
def test_nothing_was_read_yet(come):
    assert "ask for a look" in text(come("payroll").get(PLACE))
    assert come("payroll").get(f"{PLACE}audits/A1/").status_code == 302
    assert come("payroll").get(f"{PLACE}audits/A1/row?key=HMO").status_code == 404
    sheet = text(come("payroll").get(f"{PLACE}set-up-sheet/"))
    assert "Nothing was read back yet" in sheet
    assert "HMO" in sheet


@LENIENT
def test_a_look_then_a_cure_by_one_click(looked, come, platform):
    payroll = come("payroll")
    home = text(payroll.get(PLACE))
    assert "Payroll may not run" in home
    assert "A1 Plans offered and plan set-ups: 3 that nobody accepted" in home
    assert "here only" in text(payroll.get(f"{PLACE}audits/A1/"))
    row = f"{PLACE}audits/A1/row?key=HMO"
    assert "Send what we hold" in text(payroll.get(row))
    done = text(payroll.post(f"{PLACE}audits/A1/cure", {"key": "HMO"}, follow=True))
    assert "Planned; the next sending sends it" in done
    change = OutboundChange.objects.get()
    assert (change.state, change.cause, change.author) == ("planned", "A1 HMO", "payroll")
    assert "2026-01-01" in text(payroll.get(f"{PLACE}changes/{change.pk}/"))
    assert "planned" in text(payroll.get(f"{PLACE}changes/"))
    asked = payroll.post(f"{PLACE}ask/send", follow=True)
    assert "It is asked for" in text(asked)


def test_the_worker_sends_it_and_reads_it_back(looked, database, platform):
    request = ProcessRequest.objects.latest("pk")
    assert (request.kind, request.state) == ("platform send", "waiting")
    done = perform(request.pk, clock.now)
    assert (done.state, done.result) == ("done", {"counts": {"equal": 1}})
    assert platform.world.setups["CUST"]["HMO"]["startDate"] == "2026-01-01"


@LENIENT
def test_a_difference_is_accepted_and_a_write_off_by_two(looked, come, users):
    payroll, row = come("payroll"), f"{PLACE}audits/A1/row?key=LIFE"
    wrong = payroll.post(row, {"ground": "timing", "until": "soon", "reason": ""})
    assert wrong.status_code == 422
    late = payroll.post(row, {"ground": "timing", "until": "2020-01-01", "reason": "x"}, follow=True)
    assert "choose another" in text(late)
    until = clock.today().isoformat()
    said = {"ground": "write-off", "until": until, "reason": "never set up"}
    assert "another person" in text(payroll.post(row, said, follow=True))
    one = Accepted.objects.get()
    own = payroll.post(f"{PLACE}accepted/{one.pk}/agree", follow=True)
    assert "expected another person" in text(own)
    assert "Agree to LIFE" in text(come("second").get(f"{PLACE}audits/A1/"))
    come("second").post(f"{PLACE}accepted/{one.pk}/agree", follow=True)
    assert Accepted.objects.get().second == "second"
    assert "write-off" in text(payroll.get(row))
    payroll.post(f"{PLACE}accepted/{one.pk}/end")
    assert Accepted.objects.get().ended_by == "payroll"


@LENIENT
def test_the_set_up_sheet_in_three_forms(looked, come):
    payroll = come("payroll")
    shown = text(payroll.get(f"{PLACE}set-up-sheet/"))
    assert "not there" in shown
    assert "percent" in shown
    assert payroll.get(f"{PLACE}set-up-sheet/", {"as": "pdf"}).content.startswith(b"%PDF")
    workbook = payroll.get(f"{PLACE}set-up-sheet/", {"set-up-sheet.export": "xlsx"})
    assert workbook.content.startswith(b"PK")


@LENIENT
def test_what_came_in_is_listed_and_tried_again(looked, come, acme):
    item = InboundItem.objects.create(
        client_id=acme.client_id,
        element="employee",
        external_id="0300",
        content=b"",
        fingerprint="x",
        state="refused",
        told="last_name: expected a name",
        read_at=clock.now(),
    )
    payroll = come("payroll")
    assert "expected a name" in text(payroll.get(f"{PLACE}queue/"))
    payroll.post(f"{PLACE}queue/again", {"id": [item.pk]})
    assert InboundItem.objects.get().state == "pending"
    unknown = payroll.post(f"{PLACE}queue/", {"external_id": "0300", "number": "none"}, follow=True)
    assert "found none" in text(unknown)
    assert "benefitGroup" in text(payroll.get("/workbench/payroll-platform/ownership/"))


@LENIENT
def test_connections_and_codes_are_set_up_by_who_may(looked, come):
    peo = come("peo")
    said = {
        "code": "west",
        "base_url": "https://api.example.com/rest",
        "peo_id": "1*D",
        "username": "u",
        "password": "open sesame",
    }
    kept = text(peo.post("/workbench/payroll-platform/connections/", said, follow=True))
    assert "Kept, sealed" in kept
    assert "sesame" not in kept
    code = {"act": "code", "code-kind": "plan", "code-ours": "HMO2", "code-theirs": "HMO"}
    assert "Written down" in text(come("boss").post(f"{PLACE}link/", code, follow=True))
    assert come("payroll").get(f"{PLACE}link/").status_code == 403
    assert come("payroll").get("/workbench/payroll-platform/connections/").status_code == 403


@LENIENT
def test_who_may_not_sees_nothing_and_changes_nothing(looked, come, acme):
    order = ChangeOrder(
        client_id=acme.client_id,
        element="plan set-up",
        key="FSA",
        wanted={"planId": "FSA"},
        cause="test",
        reason="test",
    )
    change = plan(order, author="test", now=clock.now())
    for name in ("reader", "stranger"):
        browser = come(name)
        for where in ("", "audits/A1/", "changes/", f"changes/{change.pk}/", "queue/", "set-up-sheet/"):
            assert browser.get(PLACE + where).status_code in (403, 404), (name, where)
        for where in ("ask/look", "audits/A1/cure", f"changes/{change.pk}/cancel"):
            assert browser.post(PLACE + where, {"key": "FSA"}).status_code in (403, 404), (name, where)
    change.refresh_from_db()
    assert change.state == "planned"
    come("payroll").post(f"{PLACE}changes/{change.pk}/cancel")
    change.refresh_from_db()
    assert change.state == "cancelled"
    again = come("payroll").post(f"{PLACE}changes/{change.pk}/again")
    assert again["Location"] == f"{PLACE}changes/{OutboundChange.objects.latest('pk').pk}/"


def test_a_program_asks_whether_payroll_may_run(looked, acme, url):
    key = make_key(
        acme.client_id, "payroll", [Permission.PAYROLL, Permission.SEE], made_by="test", now=clock.now()
    )
    program = Face(Browser(HTTP_HOST="localhost", HTTP_AUTHORIZATION=f"Bearer {key[1]}"), url)
    place = "/api/v1/clients/acme/payroll-platform"
    told = program.get(f"{place}/may-run").json()
    assert told["may_run"] is False
    assert told["faults"]["A1"] > 0
    audits = program.get(f"{place}/audits").json()
    assert [one["code"] for one in audits] == [f"A{number}" for number in range(1, 13)]
    rows = program.get(f"{place}/audits/A1/rows").json()["items"]
    assert {row["bucket"] for row in rows} <= {"here only", "there only", "different", "equal"}
    cure = {"key": "FSA", "reason": "by program"}
    made = program.post(f"{place}/audits/A1/cures", cure, content_type="application/json")
    assert made.status_code == 201
    number = made.json()[0]["id"]
    assert program.get(f"{place}/changes/{number}").json()["element"] == "plan set-up"
    assert program.get(f"{place}/changes").json()["items"][0]["id"] == number
    assert program.get("/api/v1/clients/other/payroll-platform/may-run").status_code == 404


def test_pages_in_a_browser(looked, site, page, users):
    sign_in(page, site, "peo")
    number = OutboundChange.objects.latest("pk").pk
    for where in (
        *("", "audits/A1/", "audits/A1/row?key=LIFE", "changes/", f"changes/{number}/", "queue/"),
        *("set-up-sheet/", "link/"),
    ):
        page.goto(f"{site}{PLACE}{where}")
        look(page, where)
    for where in ("connections/", "ownership/"):
        page.goto(f"{site}/workbench/payroll-platform/{where}")
        look(page, where)
