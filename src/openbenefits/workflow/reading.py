"""The YAML file of a channel, read with the place of each fault."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from openbenefits.programs.findings import Finding
from openbenefits.programs.nodes import compose, place, unreadable, value_of
from openbenefits.workflow.channels import Channel

PATH = re.compile(r" - at `\$?(?P<path>[^`]*)`$")
STEP = re.compile(r"\.(?P<name>[A-Za-z_]+)|\[(?P<index>\d+)\]")
CURE = "Correct it; docs/schema/channel.schema.json says what may stand here."


def read_file(file: Path) -> tuple[Channel | None, list[Finding]]:
    """Read the file of a channel; None where it is none, and what is wrong with it."""
    try:
        node = compose(file)
    except yaml.YAMLError as error:
        return None, [unreadable(error, file.name)]
    if not isinstance(node, MappingNode):
        return None, [_finding("", "a channel", "something else", file.name, 1)]
    return _read(node)


def _read(node: MappingNode) -> tuple[Channel | None, list[Finding]]:
    try:
        return read(value_of(node)), []
    except msgspec.ValidationError as error:
        told, where = str(error), ""
        if (match := PATH.search(told)) is not None:
            told, where = told[: match.start()], match["path"]
        expected, _, found = told.partition(", got ")
        name, line = place(_at(node, where))
        said = expected.removeprefix("Expected ").replace("Object missing", "an entry for")
        return None, [_finding(where.lstrip("."), said, found or "something else", name, line)]


def read(plain: Any) -> Channel:
    """Read a channel from plain values, as YAML or JSON have them.

    Errors: msgspec.ValidationError.
    """
    return msgspec.convert(_texts(plain), Channel)


def _texts(plain: Any, name: str = "") -> Any:
    """Write as text what people may write as numbers, days or flags: labels and values."""
    if isinstance(plain, dict):
        if name == "values":
            return {key: _text(value) for key, value in plain.items()}
        return {key: _texts(value, key) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_texts(one) for one in plain]
    return _text(plain) if name in ("label", "value", "expression", "kind") else plain


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int) else value


def _at(node: Node, path: str) -> Node:
    """Find the node of a path as far as it is there."""
    for step in STEP.finditer(path):
        if step["index"] is not None and isinstance(node, SequenceNode):
            node = node.value[int(step["index"])]
        elif isinstance(node, MappingNode):
            inner = [value for key, value in node.value if key.value == step["name"]]
            if not inner:
                return node
            node = inner[0]
    return node


def _finding(where: str, expected: str, found: str, file: str, line: int) -> Finding:
    return Finding(
        code="channel",
        where=where or "channel",
        expected=expected or "a channel",
        found=found,
        cure=CURE,
        file=file,
        line=line,
    )
