"""Pages in a real browser, from the real server: everything by keyboard, on a phone, with a screen reader."""

import re

import pytest
from tests.faces.conftest import PASSWORD, check, look, sign_in, wide


@pytest.fixture(scope="module")
def site(served):
    return served


WAYS_IN = ("/", "/account/login/code/", "/account/password/reset/", "/sign-in/", "/sign-in/forged")


@pytest.mark.parametrize("path", WAYS_IN)
def test_whoever_comes_finds_the_way_in(page, site, path):
    page.goto(site + path)
    look(page, path)


@pytest.mark.parametrize("name", ["specialist", "employee", "nobody"])
def test_everybody_finds_his_own(page, site, name):
    sign_in(page, site, name)
    look(page, name)
    for path in ("/account/2fa/", "/account/2fa/totp/activate/", "/account/sessions/", "/account/logout/"):
        page.goto(site + path)
        look(page, (name, path))


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
    page.wait_for_url(f"{site}/portal/")
    assert page.locator("h2#today").text_content() == "What you have today"


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


FINE = """<!doctype html><html lang="en"><title>A page · openbenefits</title>
<style>body { background: #fff; color: #222 } p { font-size: 16px } %s</style>
<main><h1>A page</h1><p>Words.</p><p class="narrow">Few.</p><button>One</button><button>Two</button></main></html>"""


@pytest.mark.parametrize(
    ("style", "fault"),
    [
        ("", None),
        ("p { color: #ccc }", "color-contrast"),
        ("@media (max-width: 400px) { p { color: #ccc } }", "color-contrast"),
        ("@media (max-width: 400px) { main { background: #333 } }", "color-contrast"),
        (
            ".narrow { display: none; color: #ccc } @media (max-width: 400px) { p { display: block !important } }",
            "color-contrast",
        ),
        (
            "@media (max-width: 400px) { button { width: 9px; height: 9px; padding: 0; border: 0; font-size: 1px } }",
            "target-size",
        ),
        ("@media (max-width: 400px) { h1 { display: none } }", "page-has-heading-one"),
        ("p { min-width: 500px }", "fits"),
    ],
)
def test_what_is_wrong_at_one_width_alone_is_found(page, style, fault):
    page.set_content(FINE % style)
    wide(page, "desk")
    if fault is None:
        look(page, "fine")
        return
    if style.startswith(("@", ".")):
        check(page, "on a desk it is fine")
    with pytest.raises(AssertionError, match=re.escape(fault)):
        look(page, "fits")
