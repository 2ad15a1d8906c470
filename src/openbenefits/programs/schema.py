"""The published JSON Schema of bundles, for editors and for people who write set-up.

`python -m openbenefits.programs.schema FOLDER` writes it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from openbenefits.programs.bundle import ClientBundle, PeoBundle

_BUNDLES: dict[str, type[msgspec.Struct]] = {
    "peo-bundle.schema.json": PeoBundle,
    "client-bundle.schema.json": ClientBundle,
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """Answer the schema of one file of each kind of bundle, by file name.

    A file may hold any of the sections, so none is required of it; the reader asks for them of the folder.
    """
    return {name: _schema(kind) for name, kind in _BUNDLES.items()}


def write(folder: Path) -> None:
    """Write the schema files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in json_schemas().items():
        (folder / name).write_text(json.dumps(schema, indent=1) + "\n")


def _schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    (whole,), parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    top = parts.pop(kind.__name__)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **top,
        "required": [],
        "$defs": parts,
    }
    del whole
    return _with_numbers(schema)


def _with_numbers(schema: Any) -> Any:
    """Say `number` where msgspec says that JSON carries decimals as text: YAML has no such need."""
    if isinstance(schema, list):
        return [_with_numbers(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        default = {"default": json.loads(schema["default"])} if "default" in schema else {}
        return {"type": "number"} | default
    return {key: _with_numbers(one) for key, one in schema.items()}


if __name__ == "__main__":
    write(Path(sys.argv[1]))
