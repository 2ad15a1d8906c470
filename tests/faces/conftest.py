"""Faces as people use them: Django's client as a web process, and a real browser against the real server."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connections
from django.test import Client as Browser
from django.test import override_settings
from playwright.sync_api import sync_playwright
from tests.accounts.conftest import as_face, owner, pair
from tests.faces import web

from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, give_role, link_employee
from openbenefits.accounts.signing_in import link_token
from openbenefits.workforce.models import Person

__all__ = ["as_face", "owner", "pair"]

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs a loop in this very thread

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
GIVEN = {"given_by": "test", "now": NOW}
LENIENT = override_settings(SECOND_FACTOR="off")
"""Lets staff in without a second factor."""
PASSWORD = "correct horse battery staple"
WIDTHS = {"desk": (1280, 800), "phone": (320, 640)}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SECONDS = 60
JUDGED = """
async rules => {
  const told = one => one.violations.map(rule => [rule.id, rule.nodes[0].html]);
  const looks = element => {
    const style = getComputedStyle(element);
    return element.checkVisibility({visibilityProperty: true, opacityProperty: true}) &&
      [style.color, style.backgroundColor, style.backgroundImage, style.opacity, style.textShadow,
        style.fontSize, style.fontWeight].join();
  };
  const first = !window.judged;
  window.judged ??= new WeakMap();
  const changed = [];
  for (const element of document.body.querySelectorAll("*")) {
    const look = looks(element);
    if (look && judged.get(element) !== look) changed.push(element);
    judged.set(element, look);
  }
  const options = {runOnly: rules, resultTypes: ["violations"]};
  if (first) return told(await axe.run(options));
  const rest = told(await axe.run({...options, rules: {"color-contrast": {enabled: false}}}));
  if (!changed.length) return rest;
  const contrast = {runOnly: ["color-contrast"], resultTypes: ["violations"]};
  return rest.concat(told(await axe.run({include: changed}, contrast)));
}
"""
"""What axe-core finds. Contrast, which takes most of its time, is judged once of each element as it looks: again
at another width only where an element has come into sight or has got other colours or letters. All other rules
are judged each time."""
_shots = count(1)


@pytest.fixture(scope="module")
def site(database, users, embedded_server, tmp_path_factory) -> str:
    """The address of the web: the application of `openbenefits serve`, in a process all modules share in turn."""
    url = embedded_server.url(database.settings_dict["NAME"])
    environment = os.environ | {"DATABASE_URL": url, "OPENBENEFITS_SECOND_FACTOR": "off"}
    yield web.serve(environment, tmp_path_factory.mktemp("site") / "log")
    web.stop()


@pytest.fixture(scope="module")
def served(database, users, embedded_server, tmp_path_factory) -> str:
    """The address of a server of its own processes, as `openbenefits serve` starts it."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    url = embedded_server.url(database.settings_dict["NAME"])
    command = [sys.executable, "-m", "openbenefits.cli", "serve", "--no-worker", "--port", str(port)]
    environment = os.environ | {"DATABASE_URL": url, "OPENBENEFITS_SECOND_FACTOR": "off"}
    said = tmp_path_factory.mktemp("site") / "log"
    with said.open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_for(port, process, said)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(SECONDS)


def _wait_for(port: int, process: subprocess.Popen, said: Path) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, said.read_text()
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(f"the server did not answer within {SECONDS} s")


@pytest.fixture(scope="module")
def chromium():
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert program, "expected Chromium, found none: apt-get install chromium, or name it in CHROMIUM"
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        connections[
            "default"
        ].close()  # under Playwright's loop Django has another connection, of an earlier module
        yield browser
        connections["default"].close()
        browser.close()


@pytest.fixture
def page(chromium):
    opened = chromium.new_page()
    opened.set_default_timeout(SECONDS * 1000)
    yield opened
    opened.close()


def wide(page, width) -> None:
    page.set_viewport_size(dict(zip(("width", "height"), WIDTHS[width], strict=True)))


def sign_in(page, site, name) -> None:
    page.goto(f"{site}/sign-in/{link_token(User.objects.get(username=name))}")


def look(page, where) -> None:
    """Check a page as it is, on a desk and on a phone: what differs between the two is the width alone."""
    for width in WIDTHS:
        wide(page, width)
        check(page, (where, width))
    wide(page, "desk")


def check(page, where) -> None:
    """A page has a title, one main heading, fits its width, and breaks no rule for screen readers."""
    if folder := os.environ.get("OPENBENEFITS_SHOTS"):  # to look at what is tested
        page.screenshot(path=str(Path(folder) / f"{next(_shots):03d}.png"), full_page=True)
    if page.evaluate("!window.axe"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate(JUDGED, RULES)
    assert not found, (where, found)
    assert page.title().endswith("· openbenefits"), where
    assert page.locator("h1").count() == 1, where
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), where


@pytest.fixture(scope="module")
def users(database, pair):
    """A specialist of one client, one of every client, an employee, and one who may nothing."""
    mine = pair[0].client_id
    names = ("specialist", "everywhere", "employee", "nobody")
    found = {name: User.objects.create_user(name, f"{name}@example.com", PASSWORD) for name in names}
    give_role(found["specialist"], mine, RoleCode.SPECIALIST, **GIVEN)
    give_role(found["everywhere"], EVERY_CLIENT, RoleCode.AUDITOR, **GIVEN)
    person_id = Person.objects.filter(client_id=mine).order_by("pk").values_list("pk", flat=True)[0]
    link_employee(found["employee"], mine, person_id, **GIVEN)
    return found


@pytest.fixture
def browser(users, as_face) -> Browser:
    return Browser(HTTP_HOST="localhost")


def signed_in(browser, user) -> Browser:
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser


def text(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))
