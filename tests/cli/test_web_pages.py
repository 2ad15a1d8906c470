"""Pages in a real browser, from the real server: everything by keyboard, on a phone, with a screen reader."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from tests.accounts.conftest import as_face, pair
from tests.cli.test_web import PASSWORD, users

from openbenefits.accounts.models import User
from openbenefits.accounts.signing_in import link_token

__all__ = ["as_face", "pair", "users"]

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs a loop in this very thread

WIDTHS = {"desk": (1280, 800), "phone": (320, 640)}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SECONDS = 60


@pytest.fixture(scope="module")
def site(database, users, embedded_server, tmp_path_factory) -> str:
    """The address of a server of its own process, as `openbenefits serve` starts it."""
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
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    opened = chromium.new_page()
    opened.set_default_timeout(SECONDS * 1000)
    yield opened
    opened.close()


def sign_in(page, site, name) -> None:
    page.goto(f"{site}/sign-in/{link_token(User.objects.get(username=name))}")


def check(page, where) -> None:
    """A page has a title, one main heading, fits its width, and breaks no rule for screen readers."""
    found = Axe().run(page, options={"runOnly": RULES})
    assert not found.violations_count, (
        where,
        [(v["id"], v["nodes"][0]["html"]) for v in found.response["violations"]],
    )
    assert page.title().endswith("· openbenefits"), where
    assert page.locator("h1").count() == 1, where
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), where


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", ["/", "/account/login/code/", "/account/password/reset/", "/sign-in/forged"])
def test_whoever_comes_finds_the_way_in(page, site, width, path):
    page.set_viewport_size(dict(zip(("width", "height"), WIDTHS[width], strict=True)))
    page.goto(site + path)
    check(page, (path, width))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["specialist", "employee", "nobody"])
def test_everybody_finds_his_own(page, site, width, name):
    page.set_viewport_size(dict(zip(("width", "height"), WIDTHS[width], strict=True)))
    sign_in(page, site, name)
    check(page, (name, width))
    for path in ("/account/2fa/", "/account/2fa/totp/activate/", "/account/sessions/", "/account/logout/"):
        page.goto(site + path)
        check(page, (name, path, width))


def test_one_comes_in_by_keyboard_alone(page, site):
    page.goto(site)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "login"
    page.keyboard.type("employee")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/")
    assert page.locator("h1").text_content() == "What you have today"


def test_an_authenticator_app_is_set_up_without_leaving_the_page_policy(page, site):
    """The square code is drawn, and no rule of the content policy is broken."""
    said = []
    page.on("console", lambda message: said.append(message.text))
    sign_in(page, site, "employee")
    page.goto(f"{site}/account/2fa/")
    page.get_by_role("link", name="Activate").click()
    page.wait_for_load_state("networkidle")
    if page.locator("input[type=password]").count():
        page.locator("input[type=password]").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/totp/activate/")
    assert page.locator("img").evaluate("image => image.complete && image.naturalWidth > 0")
    assert not [text for text in said if "Content Security Policy" in text]
