"""The reference as people read it: in a browser, at two widths, by the rules for screen readers."""

import pytest
from tests.faces.conftest import WIDTHS, check, chromium, page, site, wide

__all__ = ["chromium", "page", "site"]


@pytest.fixture(scope="module")
def users(database):
    """Nobody signs in here."""
    return {}


@pytest.mark.parametrize("width", WIDTHS)
def test_the_reference_is_read_without_scripts(page, site, width):
    wide(page, width)
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{site}/api/v1/reference")
    check(page, ("reference", width))
    first = page.locator("details").first
    first.locator("summary").click()
    assert first.get_by_role("table").is_visible()
    check(page, ("reference, opened", width))
    assert not [text for text in said if "Content Security Policy" in text]
    assert page.evaluate("document.scripts.length") == 0
