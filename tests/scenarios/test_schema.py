"""The published schema is that of the program, and the stories of the repository follow it."""

import json
from pathlib import Path

from openbenefits.scenarios.schema import FILE, json_schema
from openbenefits.scenarios.story import ACTS, Step

ROOT = Path(__file__).parents[2]


def test_the_published_schema_is_current():
    assert json.loads((ROOT / "docs" / "schema" / FILE).read_text()) == json_schema()


def test_every_act_is_a_key_of_a_step_and_stands_in_the_documentation():
    text = (ROOT / "docs" / "scenarios.md").read_text()
    assert set(ACTS) <= set(Step.__struct_fields__)
    assert [act for act in ACTS if f"`{act}`" not in text] == []
