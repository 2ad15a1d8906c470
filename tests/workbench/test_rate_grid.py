"""Rates changed cell by cell: by keys, by a pasted rectangle, in a version of their own; by keyboard in a browser."""

import re
from datetime import UTC, date, datetime

import pytest
from tests.accounts.conftest import as_face, pair
from tests.faces.conftest import (
    LENIENT,
    browser,
    check,
    chromium,
    page,
    sign_in,
    signed_in,
    site,
    text,
    users,
)

from openbenefits.programs.drafts import services
from openbenefits.programs.drafts.rate_grid import GridOrder, amount_in, grid_of, keep_cells
from openbenefits.programs.drafts.services import DraftRefused, Hand
from openbenefits.programs.frames import PEO
from openbenefits.programs.models import Draft

__all__ = ["as_face", "browser", "chromium", "page", "pair", "site", "users"]

NOW = datetime(2026, 1, 20, tzinfo=UTC)
SHARED = ("11821MA0040003-01", "2025-01-01")
"""A table whose rates stand in a file with those of many others, by area and age."""
OWN = ("OWN-LIFE", "2027-01-01")


@pytest.fixture
def hand(users):
    return Hand(name="specialist", user_id=users["specialist"].pk, now=NOW)


def order(grid, texts, day="2027-01-01", **other):
    given = {"amount": grid.amount, "texts": texts, "valid_from": date.fromisoformat(day), "source": "letter"}
    return GridOrder(**given | {"mark": grid.mark} | other)


def own_table(client_id, by) -> Draft:
    """A draft with a small table of ages and smokers, a rate each."""
    draft = services.begin(client_id, "harbor", name="Life of 2027", by=by)
    rates = [
        {"age_from": age, "smoker": smoker, "rate": f"{age // 10}.{20 + smoker}"}
        for age in (0, 30, 50)
        for smoker in (False, True)
    ]
    record = {"code": OWN[0], "from": OWN[1], "source": "letter", "keys": ["age", "smoker"], "rates": rates}
    assert services.put(draft, "rate_tables", None, record, by=by) == OWN
    return draft


@pytest.fixture(scope="module")
def drafts(pair, users) -> list[Draft]:
    """Drafts made before anybody works as a face."""
    by = Hand(name="specialist", user_id=users["specialist"].pk, now=NOW)
    return [own_table(pair[0].client_id, by) for _ in range(2)]


def test_a_rate_of_a_shared_file_changes_in_a_version_with_a_file_of_its_own(pair, hand):
    draft = services.begin(PEO, services.Bundle.objects.get(client_id=PEO).code, name="Rates", by=hand)
    held = services.opened(draft)
    grid = grid_of(held, SHARED)
    assert (grid.keys, grid.across, grid.changed) == (["age_from"], "area", 0)
    place = (grid.rows.index(("30",)), 1)
    cell = grid.cells[place]
    assert (cell.was, cell.is_changed) == (cell.text, False)

    key = keep_cells(draft, SHARED, order(grid, {cell.line: "$ 1,999.5"}), by=hand)
    assert key == (SHARED[0], "2027-01-01")
    held = services.opened(draft)
    then = grid_of(held, key)
    assert (then.cells[place].text, then.cells[place].was, then.changed) == ("1999.50", cell.text, 1)
    assert len(then.cells) == len(grid.cells)
    assert [one.name for one in held.changes.files] == [f"rates-{SHARED[0]}-2027-01-01.csv"]
    assert [(one.key, one.says) for one in held.changes.records] == [(key, "new")]
    assert not [one for one in held.findings if one.severity == "E"]
    again = keep_cells(draft, key, order(then, {cell.line: "1999.75"}), by=hand)
    assert grid_of(services.opened(draft), again).cells[place].text == "1999.75"


def test_what_cannot_be_kept_is_refused_and_changes_nothing(pair, hand):
    draft = own_table(pair[0].client_id, hand)
    grid = grid_of(services.opened(draft), OWN)
    for texts, other, says in (
        ({0: "twelve"}, {}, "expected amounts"),
        ({99: "1"}, {}, "expected amounts"),
        ({0: "1"}, {"source": " "}, "expected a source"),
        ({0: "1"}, {"mark": "old"}, "changed since"),
    ):
        with pytest.raises(DraftRefused, match=says):
            keep_cells(draft, OWN, order(grid, texts, **other), by=hand)
    assert grid_of(services.opened(draft), OWN) == grid
    with pytest.raises(DraftRefused, match="that the table has"):
        grid_of(services.opened(draft), OWN, "employer_rate")
    assert [amount_in(one) for one in ("", "1e3", "12.", "1.1234567", "1,23")] == [None] * 5


def test_a_rectangle_is_pasted_over_pages_and_faults_are_marked(drafts, browser, users):
    draft = drafts[0]
    with LENIENT:
        mine = signed_in(browser, users["specialist"])
        where = f"/workbench/harbor/set-up/rates/draft/{draft.pk}/{'~'.join(OWN)}/"
        shown = mine.get(where)
        assert shown.status_code == 200
        mark = re.search(r'name="mark" value="(\w+)"', shown.content.decode())[1]
        said = {"mark": mark, "valid_from": OWN[1], "source": "letter", "row": "2", "column": "0"}
        wrong = mine.post(where, said | {"c0": "x", "paste": "7\tseven\n8\t9\n1\t1"})
        assert wrong.status_code == 422
        assert "2 cells have no place in the table" in text(wrong)
        assert re.findall(r'id="(c\d)"[^>]* aria-invalid', wrong.content.decode()) == ["c0", "c3"]
        kept = mine.post(where, said | {"c0": "0.55", "paste": "7\t7.5\r\n8\t\r\n"})
        assert kept.status_code == 302
        assert "4 rates are changed" in text(mine.get(kept["Location"]))
        late = mine.post(where, said | {"c0": "0.60"})
        assert "changed since" in text(late)
        found = re.findall(r'name="c\d" value="([^"]*)"', mine.get(where).content.decode())
    assert found == ["0.55", "0.21", "7.00", "7.50", "8.00", "5.21"]


def test_cells_are_changed_by_keyboard_and_clipboard(page, site, drafts):
    draft = drafts[1]
    sign_in(page, site, "specialist")
    page.wait_for_url("**/workbench/**")
    page.goto(f"{site}/workbench/harbor/set-up/rates/draft/{draft.pk}/{'~'.join(OWN)}/")
    page.get_by_label("30, does not smoke").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.type("1.10")
    page.keyboard.press("Enter")
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text/plain", "2\\t3\\n4\\t5\\n6\\t7\\n");
          document.activeElement.dispatchEvent(
            new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        }"""
    )
    assert page.locator("#grid-told").inner_text().startswith("4 cells are filled; 2 had no place here")
    check(page, "a grid of rates, touched")
    page.get_by_role("button", name="Keep in the draft").click()
    page.get_by_text("5 rates are changed in the draft").wait_for()
    draft.refresh_from_db()
    grid = grid_of(services.opened(draft), OWN)
    assert [grid.cells[row, 0].text for row in range(3)] == ["1.10", "2.00", "4.00"]
    check(page, "a grid of rates, kept")
