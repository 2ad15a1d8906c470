"""The table of documented behaviour names stories and tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "behaviours.md"
ROWS = [
    tuple(cell.strip() for cell in line.strip("|\n ").split("|"))
    for line in TABLE.read_text().splitlines()
    if re.match(r"\| \d", line)
]
SHOWN = sorted({name.strip() for row in ROWS for name in row[2].split(",") if "nothing yet" not in row[2]})


def test_the_table_has_all_sections():
    assert {row[0].split(".")[0] for row in ROWS} == {str(number) for number in range(1, 19)}
    assert all(len(row) == 3 for row in ROWS)


@pytest.mark.parametrize("name", SHOWN)
def test_what_shows_a_behaviour_exists(name):
    if not name.startswith("tests/"):
        assert (ROOT / "scenarios" / f"{name}.yaml").is_file()
        return
    file, _, test = name.partition("::")
    assert (ROOT / file).is_file()
    assert not test or f"def {test}(" in (ROOT / file).read_text()
