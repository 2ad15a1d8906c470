"""The published JSON Schema of stories, for editors and for people who write them.

`python -m openbenefits.scenarios.schema FOLDER` writes it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from openbenefits.scenarios.story import Story

FILE = "scenario.schema.json"


def json_schema() -> dict[str, Any]:
    """Answer the schema of one story."""
    _, parts = msgspec.json.schema_components([Story], ref_template="#/$defs/{name}")
    top = parts.pop(Story.__name__)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": parts}
    found: dict[str, Any] = _with_numbers(schema)
    return found


def write(folder: Path) -> Path:
    """Write the schema file, and answer which it is."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    file.write_text(json.dumps(json_schema(), indent=1) + "\n")
    return file


def _with_numbers(schema: Any) -> Any:
    """Say `number` where msgspec says that JSON carries decimals as text: YAML has no such need."""
    if isinstance(schema, list):
        return [_with_numbers(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        return {"type": "number"}
    return {key: _with_numbers(one) for key, one in schema.items()}


if __name__ == "__main__":
    write(Path(sys.argv[1]))
