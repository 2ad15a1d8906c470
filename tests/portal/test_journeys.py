"""The portal in a real browser: on a phone, by keyboard, in two languages, and every page for a screen reader."""

import re

import pytest
from tests.faces.conftest import check, look, wide
from tests.portal.conftest import clock, employer, event_of, users

from openbenefits.accounts.signing_in import link_token

__all__ = ["clock", "employer", "users"]


def come(page, site, user, language="en") -> None:
    page.goto(f"{site}/sign-in/{link_token(type(user).objects.get(pk=user.pk))}")
    page.wait_for_url(f"{site}/portal/")
    if language == "es":
        page.get_by_role("button", name="Español").click()
        page.wait_for_load_state()


def press(page, name, role="button") -> None:
    page.get_by_role(role, name=name, exact=True).first.click()
    page.wait_for_load_state()


def test_one_enrols_a_family_on_a_phone(page, site, users, employer):
    wide(page, "phone")
    come(page, site, users["head 0"])
    press(page, "Choose plan by plan", "link")
    check(page, "event")
    page.goto(f"{site}{event_of(employer)}plans/10/")
    boxes = page.locator("input[type=checkbox][name=cover]")
    boxes.first.uncheck()
    page.wait_for_function("!document.querySelector('#options input[name=cover]') || true")
    press(page, "Show prices for these people")
    boxes.first.check()
    press(page, "Show prices for these people")
    check(page, "plan")
    page.locator("#options input[name=option]").first.check()
    press(page, "Save and review")
    assert "You have changes that were not submitted" in page.locator(".unsent").text_content()
    check(page, "review")
    for box in page.locator("input[name=sure]").all():
        box.check()
    press(page, "Submit")
    assert re.match(r"Confirmation \d+", page.locator("h1").text_content())
    assert "covers:" in page.locator("main").text_content()
    check(page, "confirmation")


def test_another_keeps_all_in_three_screens(page, site, users):
    wide(page, "phone")
    screens = []
    page.on("load", lambda opened: screens.append(opened.url))
    come(page, site, users["head 1"])
    press(page, "Keep what I have", "link")
    check(page, "keep")
    assert page.locator("input[name=sure]").count() == 0  # nothing is asked of an unchanged renewal
    press(page, "Keep this and submit")
    page.wait_for_url("**/confirmations/**")
    assert len(dict.fromkeys(screens)) == 3, screens


def test_a_third_reports_a_birth_in_spanish(page, site, users):
    wide(page, "phone")
    come(page, site, users["head 2"], "es")
    press(page, "Eventos de vida", "link")
    check(page, "life")
    press(page, "Nació un hijo o una hija", "link")
    page.get_by_label("Nombre", exact=True).fill("Luz")
    page.get_by_label("Fecha de nacimiento").fill("2025-11-02")
    page.get_by_label("Sexo").select_option("F")
    check(page, "report")
    press(page, "Informarlo")
    assert "Cubierto desde el 2 de noviembre de 2025" in page.locator("main").text_content()
    check(page, "event of a birth")
    press(page, "Cubrir en todos estos")
    check(page, "review of a birth")
    press(page, "Enviar")
    assert re.match(r"Confirmación \d+", page.locator("h1").text_content())
    assert "Luz" in page.locator("main").text_content()


def test_one_chooses_by_keyboard_alone(page, site, users, employer):
    """Tab, space, arrows and Enter: a choice is saved, reviewed and submitted."""
    come(page, site, users["alone 0"])
    page.goto(f"{site}{event_of(employer)}plans/14/")
    reach(page, "input[name=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    reach(page, "button[value=review]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/review/")
    while page.locator("input[name=sure]:not(:checked)").count():
        reach(page, "input[name=sure]:not(:checked)")
        page.keyboard.press("Space")
    reach(page, "main form button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/confirmations/**")
    assert re.match(r"Confirmation \d+", page.locator("h1").text_content())


def reach(page, selector) -> None:
    """Press Tab until something has the focus, and see that it is shown where it is."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", selector
            return
    raise AssertionError(f"no way to {selector} by Tab")


PAGES = (
    "",
    "life/",
    "life/MAR/",
    "family/",
    "family/add/",
    "family/receivers/0-20/",
    "family/providers/",
    "papers/",
    "letters/",
    "pay/",
    "history/",
    "profile/",
)


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_page_is_for_everybody(page, site, users, employer, language):
    said = []
    page.on("console", lambda message: said.append(message.text))
    come(page, site, users["head 3"], language)
    event = event_of(employer)
    plans = [f"{event}plans/{kind}/" for kind in ("10", "21", "40", "60")]
    pages = [f"/portal/{one}" for one in PAGES]
    for path in (*pages, event, *plans, f"{event}plans/10/compare/", f"{event}keep/", f"{event}review/"):
        page.goto(site + path)
        look(page, (path, language))
    assert not [text for text in said if "Content Security Policy" in text]
