"""Pages in a real browser, from the real server: everything by keyboard, on a phone, with a screen reader."""

import pytest
from tests.faces.conftest import PASSWORD, WIDTHS, check, sign_in, wide


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", ["/", "/account/login/code/", "/account/password/reset/", "/sign-in/forged"])
def test_whoever_comes_finds_the_way_in(page, site, width, path):
    wide(page, width)
    page.goto(site + path)
    check(page, (path, width))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["specialist", "employee", "nobody"])
def test_everybody_finds_his_own(page, site, width, name):
    wide(page, width)
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
