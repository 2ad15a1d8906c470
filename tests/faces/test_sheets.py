"""A frame as a table on a page: sorted, filtered, paged and saved by its address."""

from datetime import date
from io import BytesIO

import polars as pl
import pytest
from django.test import RequestFactory

from openbenefits.reports.deferred import Deferred
from openbenefits.workbench.sheets import ROWS, Column, sheet

FRAME = pl.DataFrame(
    {
        "name": ["Ada", "=cmd", None, "bob"],
        "cents": [1250, -5, None, 700],
        "on": [date(2026, 1, 2), date(2025, 1, 2), None, None],
        "code": ["A", "B", "A", "X"],
    }
)
COLUMNS = (
    Column("name", "Name", href=lambda row: f"/people/{row['name']}"),
    Column("cents", "Amount", kind="money"),
    Column("on", "Day", kind="day"),
    Column("code", "State", kind="status", words={"A": "open", "B": "closed"}),
)


def shown(query="", frame=FRAME, **more):
    return sheet(RequestFactory().get(f"/?{query}"), frame, COLUMNS, name="s", caption="People", **more)


def texts(found):
    return [[cell.text for cell in row["cells"]] for row in found.rows]


def test_values_read_in_words():
    assert texts(shown())[:2] == [
        ["Ada", "$12.50", "2026-01-02", "open"],
        ["=cmd", "-$0.05", "2025-01-02", "closed"],
    ]
    first = shown().rows[0]["cells"]
    assert (first[0].href, first[1].href, first[3].status) == ("/people/Ada", None, "A")


@pytest.mark.parametrize(
    ("sort", "names"),
    [("s.sort=cents", ["=cmd", "bob", "Ada", ""]), ("s.sort=-cents", ["Ada", "bob", "=cmd", ""])],
)
def test_it_is_sorted_by_value_and_what_is_unknown_comes_last(sort, names):
    assert [row[0] for row in texts(shown(sort))] == names


def test_one_filters_by_what_one_sees():
    assert [row[0] for row in texts(shown("s.f_code=OPEN"))] == ["Ada", ""]
    assert [row[0] for row in texts(shown("s.f_cents=12.5"))] == ["Ada"]
    assert [row[0] for row in texts(shown("s.f_name=="))] == ["=cmd"]
    assert shown("s.f_name=nobody").total == 0
    assert shown("s.f_name=nobody").number == 1


def test_a_setting_that_is_not_one_is_passed_over():
    assert shown("s.sort=secret&s.page=x&s.f_other=1").total == FRAME.height


def test_pages_together_are_the_whole():
    many = pl.DataFrame({"name": [str(number) for number in range(2 * ROWS + 1)]})
    pages = [shown(f"s.page={number}", frame=many) for number in (1, 2, 3, 9)]
    assert [one.number for one in pages] == [1, 2, 3, 3]
    together = [row[0] for one in pages[:3] for row in texts(one)]
    assert together == many["name"].to_list()
    assert (pages[0].previous, pages[2].next) == (None, None)
    assert pages[1].next == "?s.page=3"


def test_of_a_deferred_listing_as_much_is_made_as_a_page_shows():
    made = []

    def make(some):
        made.append(some.height)
        each = some.select(pl.col("name").repeat_by("lines").explode(empty_as_null=False))
        return each.with_columns(cents=pl.lit(7))

    events = pl.DataFrame(
        {"name": [str(number) for number in range(ROWS)], "lines": [1, 0, 4, 1, 5] * (ROWS // 5)}
    )
    listing = Deferred(events=events, make=make)
    whole = make(events)["name"].to_list()
    pages = [shown(f"s.page={number}", frame=listing) for number in range(1, pages_of(whole) + 1)]
    assert (pages[0].total, pages[0].pages) == (len(whole), len(pages))
    made.clear()
    assert [row[0] for one in pages for row in texts(one)] == whole
    assert max(made) < ROWS / 2
    made.clear()
    assert shown("s.f_name=49", frame=listing).total == 5
    assert made == [ROWS], "a filter looks at all of them"


def pages_of(rows):
    return -(-len(rows) // ROWS)


def test_two_sheets_keep_their_settings_apart():
    found = shown("s.sort=name&other.sort=day&other.page=2")
    assert found.with_settings(page="2") == "?s.sort=name&other.sort=day&other.page=2&s.page=2"
    assert ("other.page", "2") in found.kept


def test_what_is_found_is_saved_with_amounts_that_add_up():
    csv = shown("s.export=csv&s.sort=cents").export()
    assert csv["Content-Disposition"] == 'attachment; filename="s.csv"'
    assert csv.content.decode().splitlines() == [
        "Name,Amount,Day,State",
        "'=cmd,-0.05,2025-01-02,closed",
        "bob,7.00,,X",
        "Ada,12.50,2026-01-02,open",
        ",,,open",
    ]
    book = pl.read_excel(BytesIO(shown("s.export=xlsx").export().content))
    assert book["Amount"].to_list() == [12.5, -0.05, None, 7.0]
    assert shown().export() is None
    assert shown("other.export=csv").export() is None
