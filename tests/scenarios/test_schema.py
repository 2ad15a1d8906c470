"""The published schema is that of the program, and the stories of the repository follow it."""

import json
from pathlib import Path
from typing import get_args

from openbenefits.repair.kinds import ASKABLE, MOVE
from openbenefits.scenarios.orders import Operation
from openbenefits.scenarios.schema import FILE, json_schema
from openbenefits.scenarios.story import ACTS, Step

ROOT = Path(__file__).parents[2]


def test_the_published_schema_is_current():
    assert json.loads((ROOT / "docs" / "schema" / FILE).read_text()) == json_schema()


def test_every_act_is_a_key_of_a_step_and_stands_in_the_documentation():
    text = (ROOT / "docs" / "scenarios.md").read_text()
    assert set(ACTS) <= set(Step.__struct_fields__)
    assert [act for act in ACTS if f"`{act}`" not in text] == []


def test_a_story_may_order_every_operation_of_one_event_on_its_own():
    assert set(get_args(Operation)) == set(ASKABLE) - {MOVE}  # a move asks for another benefit record
