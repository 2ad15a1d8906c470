"""The published JSON Schema of channels. `python -m openbenefits.workflow.schema FOLDER` writes it."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from openbenefits.workflow.channels import Channel

NAME = "channel.schema.json"


def json_schema() -> dict[str, Any]:
    """Answer the schema of the file of a channel."""
    _, parts = msgspec.json.schema_components([Channel], ref_template="#/$defs/{name}")
    top = parts.pop("Channel")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_loose(top), "$defs": _loose(parts)}


def _loose(schema: Any) -> Any:
    """Let values and labels be numbers, days and flags, as YAML has them."""
    if isinstance(schema, list):
        return [_loose(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    free = {"type": ["string", "number", "boolean"]}
    return {
        key: value | free
        if key in ("label", "value") and isinstance(value, dict) and "type" in value
        else _loose(value)
        for key, value in schema.items()
    }


def write(folder: Path) -> None:
    """Write the schema file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_text(json.dumps(json_schema(), indent=1) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
