"""A set-up changed by path: what is not named stays as it is, exactly."""

from pathlib import Path

import pytest

from openbenefits.programs.reader import read
from openbenefits.scenarios.changes import ChangeRefused, write_changed

SETUP = Path(__file__).parents[2] / "scenarios" / "setup"
FOLDERS = {"peo": SETUP / "peo", "client": SETUP / "office"}


def client(tmp_path, changes):
    copies = write_changed(FOLDERS, changes, tmp_path)
    reading = read(copies["client"])
    assert reading.bundle is not None, reading.findings
    return reading.bundle.parts


def test_without_changes_a_copy_says_the_same(tmp_path):
    copies = write_changed(FOLDERS, {}, tmp_path)
    for name, folder in FOLDERS.items():
        assert read(copies[name]).bundle.parts == read(folder).bundle.parts


def test_values_are_replaced_added_and_taken_away(tmp_path):
    parts = client(
        tmp_path,
        {
            "client.event_rules[MED].classes[HIR].waiting_days": 30,
            "client.event_rules[DEN].classes[other].default": "terminate",
            "client.programs[STD].plan_types[11].waive": None,
            "client.benefit_groups[+]": {"code": "NEW", "name": "New ones"},
            "client.eligibility_rules[FULL].criteria[2].min": 20,
        },
    )
    rules = {rule.code: {row.event_class: row for row in rule.classes} for rule in parts.event_rules}
    assert rules["MED"]["HIR"].waiting_days == 30
    assert rules["DEN"][""].default == "terminate"
    plan_types = {one.plan_type: one for one in parts.programs[0].plan_types}
    assert plan_types["11"].waive == "not_allowed"
    assert [group.code for group in parts.benefit_groups] == ["ALL", "NEW"]
    assert parts.eligibility_rules[0].criteria[1].min == 20


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("event_rules[MED]", "begins with `peo.` or `client.`"),
        ("client.rules[MED].from", "no section `rules`"),
        ("client.event_rules[MEDI].from", "expected one of MED, DEN, BASIC"),
        ("client.event_rules[MED].from.day", "nothing below"),
    ],
)
def test_a_path_that_leads_nowhere_says_how_far_it_leads(tmp_path, path, says):
    with pytest.raises(ChangeRefused, match=says.replace("`", ".")):
        write_changed(FOLDERS, {path: 1}, tmp_path)
