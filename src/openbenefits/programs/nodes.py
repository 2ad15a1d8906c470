"""YAML files as trees of nodes that know their file and line, read without building any object.

Only what a bundle needs is understood: text, whole numbers, numbers with a decimal point (exact, never a
float), `true` and `false`, days, lists and mappings. `01` and `02110` stay text. Aliases, tags and
repeated keys are faults.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from openbenefits.programs.findings import Finding

DEEPEST = 30
"""Levels of nesting; libyaml's own recursion overruns the stack of the process."""

_PREFIX = "tag:yaml.org,2002:"


class BundleLoader(yaml.CSafeLoader):
    """Resolves plain words as in YAML 1.2: `yes`, `NO` and `12:30` are text, numbers are decimal."""

    yaml_implicit_resolvers: dict[str, Any] = {}


for _name, _pattern, _starts in (
    ("null", r"~|null|", "~n"),
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?(0|[1-9][0-9]{0,17})", "-+0123456789"),
    ("float", r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}", "-+0123456789"),
    ("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "0123456789"),
):
    _firsts = [*_starts, ""] if _name == "null" else list(_starts)
    BundleLoader.add_implicit_resolver(_PREFIX + _name, re.compile(rf"^(?:{_pattern})$"), _firsts)


def compose(file: Path) -> Node | None:
    """Read the one document of a file; None for an empty one.

    Errors: yaml.YAMLError for what is not YAML or not UTF-8, and for aliases, tags and too many levels.
    """
    _refuse_bombs(file.read_bytes())
    with file.open("rb") as stream:
        return yaml.compose(stream, Loader=BundleLoader)


def compose_text(text: bytes) -> Node | None:
    """Read the one document of a text; None for an empty one.

    Errors: as `compose`.
    """
    _refuse_bombs(text)
    return yaml.compose(text, Loader=BundleLoader)


def unreadable(error: yaml.YAMLError, file: str) -> Finding:
    """Turn the reader's complaint about a whole file into a finding."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return Finding(
        code="yaml",
        where=file,
        expected="YAML",
        found=str(problem).splitlines()[0],
        cure="Correct this line or the one before it; a missing quote, colon or blank is the usual cause.",
        file=file,
        line=None if mark is None else mark.line + 1,
    )


def place(node: Node) -> tuple[str, int]:
    """Answer the file's name and the line where a node begins."""
    return Path(node.start_mark.name).name, node.start_mark.line + 1


def value_of(node: Node) -> Any:
    """Build the plain value of a repaired tree."""
    if isinstance(node, MappingNode):
        return {key.value: value_of(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [value_of(item) for item in node.value]
    return _READ.get(node.tag, str)(node.value)


def repair(node: Node) -> Iterator[Finding]:
    """Find the faults of a tree, and put something harmless in their place so that reading can go on."""
    if isinstance(node, ScalarNode):
        yield from _repair_day(node)
    if isinstance(node, MappingNode):
        yield from _repair_keys(node)
    for child in _children(node):
        yield from repair(child)


def kind_of(node: Node) -> str:
    """Name a node for people."""
    if isinstance(node, MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, SequenceNode) else f"`{node.value}`"


def _refuse_bombs(text: bytes) -> None:
    """Refuse what would blow up a reader: libyaml recurses by level, aliases multiply, tags mislead."""
    depth = 0
    for event in yaml.parse(text, Loader=BundleLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if problem := _bomb(event, depth):
            mark: Any = event.start_mark
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _bomb(event: yaml.Event, depth: int) -> str:
    if depth > DEEPEST:
        return "too many levels"
    if isinstance(event, yaml.AliasEvent):
        return f"the alias *{event.anchor}: write the value out"
    tag = getattr(event, "tag", None)
    return f"the tag {tag}: write a plain value" if tag else ""


def _children(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [value for _, value in node.value]
    return list(node.value) if isinstance(node, SequenceNode) else []


def _repair_day(node: ScalarNode) -> Iterator[Finding]:
    if node.tag != _PREFIX + "timestamp":
        return
    try:
        date.fromisoformat(node.value)
    except ValueError:
        yield _fault(node, "day", "a day of the calendar (YYYY-MM-DD)", node.value, "Correct the day.")
        node.value = "2000-01-01"


def _repair_keys(node: MappingNode) -> Iterator[Finding]:
    kept: dict[str, tuple[Node, Node]] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            yield _fault(key, "key", "a word before the colon", "a list or mapping", "Correct the key.")
        elif key.value in kept:
            cure = "Remove one of them, or join the two."
            yield _fault(key, "duplicate_key", f"`{key.value}` once", "it twice", cure)
        else:
            kept[key.value] = (key, value)
    node.value = list(kept.values())


def _fault(node: Node, code: str, expected: str, found: str, cure: str) -> Finding:
    file, line = place(node)
    return Finding(code=code, where=file, expected=expected, found=found, cure=cure, file=file, line=line)


def _decimal(text: str) -> Decimal:
    """Read a number with a point; `12.50` and `12.5` are one value and are written alike.

    >>> _decimal("12.50"), _decimal("100.00")
    (Decimal('12.5'), Decimal('100'))
    """
    return Decimal(text.rstrip("0").rstrip("."))


_READ: dict[str, Callable[[str], Any]] = {
    _PREFIX + "null": lambda _: None,
    _PREFIX + "bool": lambda text: text == "true",
    _PREFIX + "int": int,
    _PREFIX + "float": _decimal,
    _PREFIX + "timestamp": date.fromisoformat,
}
