"""Tables that do not fit on the screen are laid out otherwise, and lose nothing."""

import io

import polars as pl
import pytest
from rich.console import Console

from openbenefits.reports.tables import laid_out


def printed(frame, width, rows=20) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(laid_out(frame, title="People", width=width, rows=rows))
    return console.export_text()


PEOPLE = pl.DataFrame(
    {
        "client": ["harbor"] * 3,
        "employee_number": ["H000001", "H000002", "H000003"],
        "open": [0, 0, 0],
        "found": ["more asked for than is in force"] * 2 + ["nothing at all"],
        "cure": ["Decide the evidence; until then the approved amount holds."] * 3,
    }
)


def test_what_fits_is_shown_whole():
    text = printed(PEOPLE, 200)
    assert "All rows" not in text
    assert text.count("harbor") == 3


def test_what_is_the_same_everywhere_is_said_once_where_it_would_not_fit():
    text = printed(PEOPLE, 60)
    assert text.count("harbor") == 1
    assert "All rows: client harbor, cure Decide the evidence" in " ".join(text.split())
    assert "0 in all rows: open" in text
    assert "│ H000003" in text


def test_rows_stand_one_below_the_other_where_even_that_does_not_fit():
    text = printed(PEOPLE, 26)
    assert "│" not in text
    places = [text.index(number) for number in PEOPLE["employee_number"]]
    assert places == sorted(places)


def test_one_row_is_no_reason_to_leave_anything_out():
    assert "harbor" in printed(PEOPLE.head(1), 30)


@pytest.mark.parametrize("width", range(24, 200, 11))
def test_no_line_is_wider_than_the_screen_and_no_word_is_cut(width):
    text = printed(PEOPLE, width)
    assert max(len(line) for line in text.splitlines()) <= width
    for word in ("H000002", "evidence;", "approved"):
        assert word in text


def test_it_says_how_many_rows_there_are():
    assert "2 of 3 rows" in printed(PEOPLE, 200, rows=2)
    assert "2 of 3 rows" in printed(PEOPLE, 26, rows=2)
