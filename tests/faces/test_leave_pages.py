"""What goes on of an account that ended during a leave: chosen by the employee, changed by a specialist."""

import pytest
from django.db import connections
from django.test import Client as Browser
from tests.faces.conftest import GIVEN, LENIENT, chromium, look, page, sign_in, signed_in, site, text
from tests.payroll.test_resuming import leaving_world, on_leave, year

from openbenefits.accounts.clock import STANDS_ON
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import give_role, link_employee

__all__ = ["chromium", "page", "site"]

MINE = "/portal/leaves/0-2026-03-02/"
LEAVE = "/workbench/acme/leaves/0007/0/2026-03-02/"


@pytest.fixture(scope="module", autouse=True)
def clock():
    """It is the week after the return, for this process and for servers it starts."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(STANDS_ON, "2026-04-20")
        yield


@pytest.fixture(scope="module")
def world(database, tmp_path_factory):
    made = leaving_world(connections["default"], tmp_path_factory.mktemp("leaving"))
    made.ann, made.bob = on_leave(made, "0007"), made.hire("0008")
    return made


@pytest.fixture(scope="module")
def users(world):
    found = {name: User.objects.create_user(name, f"{name}@example.com") for name in ("boss", "ann", "bob")}
    give_role(found["boss"], world.client_id, RoleCode.ADMINISTRATOR, **GIVEN)
    for name in ("ann", "bob"):
        link_employee(found[name], world.client_id, getattr(world, name), **GIVEN)
    return found


@pytest.fixture
def come(users, as_face):
    return lambda name: signed_in(Browser(HTTP_HOST="localhost"), users[name])


@LENIENT
def test_the_employee_chooses_and_a_specialist_changes_it(come, world):
    ann = come("ann")
    assert "An account of yours ended during your leave" in text(ann.get("/portal/"))
    shown = text(ann.get(MINE))
    for words in ("$2,600.00", "$300.00", "$2,300.00", "Until you choose, the whole year goes on"):
        assert words in shown
    assert ann.post(MINE, {}).status_code == 422
    assert "You have chosen" in text(ann.post(MINE, {"resumption": "reduced"}, follow=True))
    assert "ended during your leave" not in text(ann.get("/portal/"))
    assert "ended during your leave" in text(ann.get(MINE, headers={"accept-language": "en"}))
    assert come("bob").get(MINE).status_code == 404
    boss = come("boss")
    assert "less what was not paid" in text(boss.get(LEAVE))
    said = {
        "act": "resume",
        "resume-resumption": "full",
        "resume-on": "2026-04-20",
        "resume-reason": "by mail",
    }
    assert "Written down" in text(boss.post(LEAVE, said, follow=True))
    assert "the whole year, made up" in text(boss.get(LEAVE))


def test_the_last_word_is_what_pays_take(world, database):
    assert year(world, world.ann) == (2600_00, [11667])


def test_both_pages_read_well(page, site):
    sign_in(page, site, "boss")
    page.goto(site + LEAVE)
    look(page, "leave")
    page.context.clear_cookies()
    sign_in(page, site, "ann")
    page.goto(site + MINE)
    look(page, "leave of mine")
