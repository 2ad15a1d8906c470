"""Leaves, COBRA and age-outs on their pages: what is written down, what is refused, what follows."""

from datetime import date

import pytest
from django.db import connections
from django.test import Client as Browser
from tests.accounts.conftest import as_face
from tests.faces.conftest import GIVEN, LENIENT, NOW, signed_in, text
from tests.payroll.test_leaves import POLICY, job
from tests.payroll.worlds import World

from openbenefits.accounts.clock import STANDS_ON
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import give_role
from openbenefits.events.models import Activity
from openbenefits.payroll.models import LeaveAct
from openbenefits.payroll.taken import take
from openbenefits.workforce.models import Client

__all__ = ["as_face"]

AWAY = "2026-03-02"
LEAVE = f"/workbench/acme/leaves/0007/0/{AWAY}/"
COBRA = {"code": "termination", "from": "2020-01-01", "source": "test", "months": 18}
NAMES = {"boss": RoleCode.ADMINISTRATOR, "payroll": RoleCode.PAYROLL, "reader": RoleCode.AUDITOR}


@pytest.fixture(scope="module")
def users(database, tmp_path_factory):
    """A client with somebody on leave without pay, and somebody who lost medical coverage."""
    world = World(
        connections["default"],
        tmp_path_factory.mktemp("acme"),
        {"leave_policies": [POLICY], "cobra_classes": [COBRA]},
    )
    away = world.hire("0007")
    world.cover(away, "10", "HMO-1")
    job(world, away, date.fromisoformat(AWAY), "DTA", "L")
    days = ("2026-01-04", "2026-01-18", "2026-02-01", "2026-02-15", "2026-03-01", "2026-03-15", "2026-03-29")
    rows = [f"0007,10,B,BW,{day},{'0' if day > AWAY else '31.03'}" for day in days]
    taken = tmp_path_factory.mktemp("taken") / "taken.csv"
    taken.write_text("employee_number,plan_type,tax_class,pay_group,ends_on,taken\n" + "\n".join(rows))
    assert take(connections["default"], world.client_id, taken, made_by="test", now=NOW).change_id
    left = world.hire("0008")
    world.cover(left, "10", "HMO-1")
    world.cover(left, "10", None, begins_on=date(2026, 4, 1), kind="T", basis="none")
    found = {name: User.objects.create_user(name) for name in NAMES}
    client = Client.objects.get(code="acme")
    for name, code in NAMES.items():
        give_role(found[name], client.pk, code, **GIVEN)
    return found


@pytest.fixture
def on_day(monkeypatch):
    """Answer a function that lets the clock of the faces stand on a day."""
    return lambda day: monkeypatch.setenv(STANDS_ON, day)


@pytest.fixture
def come(users, as_face):
    """Answer a function that lets somebody come in by a browser of his own."""
    return lambda name: signed_in(Browser(HTTP_HOST="localhost"), users[name])


def said(browser, where, what, **given):
    """Post one of the forms of a page, as the browser names its fields."""
    fields = {f"{what}-{name}": value for name, value in given.items()}
    return browser.post(where, {"act": what, **fields}, follow=True)


@LENIENT
def test_a_leave_from_the_choice_to_the_lapse(come, on_day):
    on_day("2026-04-07")
    boss = come("boss")
    assert "0007" in text(boss.get("/workbench/acme/leaves/"))
    wrong = said(boss, LEAVE, "way", way="prepay", on=AWAY, reason="signed")
    assert "expected the last day" in text(wrong)
    assert said(boss, LEAVE, "way", way="pay_as_you_go", on="never", reason="").status_code == 422
    done = said(boss, LEAVE, "way", way="pay_as_you_go", on=AWAY, reason="signed")
    assert "Written down" in text(done)
    assert "as one goes" in text(done)
    assert "Written down" in text(said(boss, LEAVE, "notice", on="2026-04-06", reason="letter of 6 April"))
    too_much = said(boss, LEAVE, "received", amount="5000", on="2026-04-07", reason="check 4")
    assert "what is open" in text(too_much)
    assert "Written down" in text(
        said(boss, LEAVE, "received", amount="10", on="2026-04-07", reason="check 4")
    )
    on_day("2026-04-21")
    assert "who has not paid" in text(boss.get("/workbench/acme/leaves/"))
    ended = boss.post("/workbench/acme/leaves/lapse", follow=True)
    assert "the next run of event maintenance" in text(ended)


def test_what_was_written_about_the_leave_is_signed(users, database):
    assert set(LeaveAct.objects.values_list("author", flat=True)) == {"boss"}
    assert Activity.objects.filter(event_on__gte=date(2026, 4, 1)).exists()


@LENIENT
def test_who_may_not_act_sees_no_form(come, on_day):
    on_day("2026-04-07")
    reader = come("reader")
    told = reader.get(LEAVE)
    assert "Write it down" not in text(told)
    assert said(reader, LEAVE, "way", way="catch_up", on=AWAY, reason="x").status_code == 403
    assert "Take in a payment" in text(come("payroll").get(LEAVE))
    assert said(come("payroll"), LEAVE, "way", way="catch_up", on=AWAY, reason="x").status_code == 403
    for gone in ("0009/0/2026-03-02/", "0007/0/soon/", "0007/1/2026-03-02/"):
        assert reader.get(f"/workbench/acme/leaves/{gone}").status_code == 404


@LENIENT
def test_a_loss_is_decided_recorded_and_its_notice_written_down(come, on_day):
    on_day("2026-04-10")
    boss = come("boss")
    listed = text(boss.get("/workbench/acme/cobra/"))
    assert "0008" in listed
    loss = "/workbench/acme/cobra/0008/0/medical/2026-04-01/"
    assert boss.get(loss).status_code == 200
    decided = said(boss, loss, "decide", cause="termination", on="2026-04-10", reason="he left")
    assert "Written down" in text(decided)
    boss.post("/workbench/acme/cobra/record")
    noticed = text(said(boss, loss, "notice", on="2026-04-10", reason="by mail"))
    assert "Written down" in noticed
    assert "sent on 2026-04-10" in noticed
    for gone in ("0009/0/medical/2026-04-01/", "0008/0/medical/soon/", "0008/3/medical/2026-04-01/"):
        assert boss.get(f"/workbench/acme/cobra/{gone}").status_code == 404
    assert said(come("reader"), loss, "decide", cause="none", on="2026-04-10", reason="x").status_code == 403
    assert come("reader").post("/workbench/acme/cobra/record").status_code == 403


@LENIENT
def test_age_outs_are_listed_for_any_days(come):
    reader = come("reader")
    assert reader.get("/workbench/acme/age-outs/").status_code == 200
    assert reader.get("/workbench/acme/age-outs/", {"as_of": "soon", "through": ""}).status_code == 200
    assert reader.get("/workbench/acme/age-outs/", {"coming.export": "csv"}).status_code == 200
