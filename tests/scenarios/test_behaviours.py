"""Tables of behaviour and of rules name stories, blocks of tables and tests that exist and are collected."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "behaviours.md").read_text()
RULES = (ROOT / "docs" / "process-rules.md").read_text()
ROWS = [
    tuple(cell.strip() for cell in line.strip("|\n ").split("|"))
    for line in (PAGE + RULES).splitlines()
    if re.match(r"\| \d", line)
]
DOCUMENTED, _, WANTED = PAGE.partition("## What the people")
SHOWN = sorted({name for row in ROWS for name in re.findall(r"`([^`]+)`", row[2])})
TESTS = [name for name in SHOWN if name.startswith("tests/")]
SECTIONS = {"2": 5, "3": 3, "4": 6, "5": 7, "6": 2, "7": 3, "8": 6, "9": 2, "10": 0}
"""Of process management: how many sections of its own each has."""
PLAYBOOKS = "7"
"""A section with rules of its own beside those of its sections."""
PAINS = {"1", "2", "3", "4", "7", "8", "9", "10", "11", "16", "19"}


def numbers_of(page: str) -> set[str]:
    return {number for line in page.splitlines() for number in re.findall(r"^\| (\d+)", line)}


def test_the_tables_have_all_sections_and_pains():
    assert numbers_of(DOCUMENTED) == {str(number) for number in range(1, 20)}
    assert numbers_of(WANTED) == PAINS
    assert all(len(row) == 3 for row in ROWS)
    assert [row for row in ROWS if not re.search(r"`[^`]+`", row[2])] == []


def test_every_section_of_process_management_has_a_rule_and_a_test():
    wanted = {f"{one}.{part}" for one, count in SECTIONS.items() for part in range(1, count + 1)}
    wanted |= {PLAYBOOKS} | {one for one, count in SECTIONS.items() if not count}
    assert set(re.findall(r"^\| ([\d.]+) \|", RULES, re.MULTILINE)) == wanted
    assert all(f"A{number}" in _audits_named() for number in range(1, 13))
    jobs = [line for line in RULES.splitlines() if line.startswith("| 5.7 |")]
    assert len(jobs) == 10  # eight jobs, how they repeat, when they are quiet


def _audits_named() -> set[str]:
    """Name the audits of payroll that rows speak of, spans filled in."""
    told = " ".join(re.findall(r"^\| 9\.2 \|([^|]*)", RULES, re.MULTILINE))
    spans = re.findall(r"A(\d+) to A(\d+)", told)
    filled = {f"A{number}" for first, last in spans for number in range(int(first), int(last) + 1)}
    return filled | set(re.findall(r"A\d+", told))


@pytest.mark.parametrize("name", [name for name in SHOWN if name not in TESTS])
def test_a_story_or_a_block_of_a_table_exists(name):
    file, _, block = name.partition(": ")
    if block:
        blocks = yaml.load((ROOT / "tests" / "tables" / file).read_text(), yaml.CSafeLoader)
        assert block in names_of(blocks)
    else:
        assert (ROOT / "scenarios" / f"{name}.yaml").is_file()


def names_of(node: object) -> list[str]:
    """Collect every `name` of a tree."""
    if isinstance(node, dict):
        own = [node["name"]] if isinstance(node.get("name"), str) else []
        return own + [name for value in node.values() for name in names_of(value)]
    return [name for value in node for name in names_of(value)] if isinstance(node, list) else []


def test_every_test_named_is_collected(request):
    """Here, where all tests run; what is not is looked for in its file."""
    missing = set(TESTS) - named(item.nodeid for item in request.session.items)
    if missing:
        missing -= named(collected_of(sorted({name.partition("::")[0] for name in missing})))
    assert sorted(missing) == []


def named(tests: Iterable[str]) -> set[str]:
    """Name tests with and without what they are parametrized by."""
    return {name for test in tests for name in (test, test.partition("[")[0])}


def collected_of(files: list[str]) -> list[str]:
    asked = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ours["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(asked, cwd=ROOT, env=ours, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout.splitlines()
