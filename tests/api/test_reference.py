"""The reference as people read it: in a browser, at two widths, by the rules for screen readers."""

import pytest
from tests.faces.conftest import chromium, look, page, site

__all__ = ["chromium", "page", "site"]


@pytest.fixture(scope="module")
def users(database):
    """Nobody signs in here."""
    return {}


def test_the_reference_is_read_without_scripts(page, site):
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{site}/api/v1/reference")
    first = page.locator("details").first
    first.locator("summary").click()
    assert first.get_by_role("table").is_visible()
    look(page, "reference")
    assert not [text for text in said if "Content Security Policy" in text]
    assert page.evaluate("document.scripts.length") == 0
