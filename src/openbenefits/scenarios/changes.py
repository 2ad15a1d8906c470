"""A story's own changes to a set-up: a copy of the bundle folders with values replaced by path.

A path begins with `peo` or `client` and names records by their code, as findings do:
`client.event_rules[MED].classes[HIR].waiting_days`. The row of a blank event class is `[other]`, a new record
is added as `[+]`, and `null` takes a value away.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from openbenefits.programs import nodes

BLANK = "other"
NEW = "+"
BUNDLES = ("peo", "client")
LABELS = ("code", "plan_type", "action", "event_class", "field", "rate_table", "age_from", "coverage_code")

_STEP = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")


class ChangeRefused(ValueError):
    """A path that leads nowhere; the message says how far it leads and what is there."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """One YAML file of a bundle as a tree, and where it is written."""

    file: Path
    root: MappingNode


class _Dumper(yaml.SafeDumper):
    """Writes trees out, with every value quoted that plain YAML 1.1 would read as something else."""


def write_changed(folders: Mapping[str, Path], changes: Mapping[str, Any], into: Path) -> dict[str, Path]:
    """Write copies of the folders `peo` and `client` with the changes, and answer where they are.

    Errors: ChangeRefused.
    """
    copies = {name: into / name for name in BUNDLES}
    for name, copy in copies.items():
        shutil.copytree(folders[name], copy)
    documents = {name: list(_documents(copy)) for name, copy in copies.items()}
    for path, value in changes.items():
        _change(documents, path, value)
    for document in [one for several in documents.values() for one in several]:
        document.file.write_text(yaml.serialize(document.root, Dumper=_Dumper, allow_unicode=True))
    return copies


def _documents(folder: Path) -> Iterator[Document]:
    for file in sorted(folder.iterdir()):
        if file.suffix in {".yaml", ".yml"}:
            root = nodes.compose(file)
            if isinstance(root, MappingNode):
                yield Document(file=file, root=root)


def _change(documents: Mapping[str, list[Document]], path: str, value: Any) -> None:
    steps = [label if label or not name else name for label, name in _STEP.findall(path)]
    if len(steps) < 2 or steps[0] not in BUNDLES:
        raise ChangeRefused(f"`{path}`: expected a path that begins with `peo.` or `client.` and a section")
    roots = [document.root for document in documents[steps[0]]]
    holders = [root for root in roots if any(key.value == steps[1] for key, _ in root.value)]
    if len(steps) == 2 or (not holders and steps[2] == NEW):
        _set_section(holders or roots[:1], steps[1], value)
        return
    errors = []
    for root in holders:
        try:
            _replace(root, steps[1:], value, path)
        except ChangeRefused as error:
            errors.append(error)
        else:
            return
    raise errors[-1] if errors else ChangeRefused(f"`{path}`: no section `{steps[1]}` in the bundle")


def _set_section(roots: list[MappingNode], name: str, value: Any) -> None:
    section = _node(value)
    roots[0].value = [(key, one) for key, one in roots[0].value if key.value != name]
    roots[0].value.append((ScalarNode("tag:yaml.org,2002:str", name), section))


def _replace(root: Node, steps: list[str], value: Any, path: str) -> None:
    """Walk down, and put the value where the path ends."""
    node = root
    for step in steps[:-1]:
        node = _below(node, step, path)
    last = steps[-1]
    if isinstance(node, SequenceNode) and last == NEW:
        node.value.append(_node(value))
    elif isinstance(node, SequenceNode):
        node.value[_position(node, last, path)] = _node(value)
    elif isinstance(node, MappingNode):
        node.value = [(key, one) for key, one in node.value if key.value != last]
        if value is not None:
            node.value.append((ScalarNode("tag:yaml.org,2002:str", last), _node(value)))
    else:
        raise ChangeRefused(f"`{path}`: there is nothing below the value before `{last}`")


def _below(node: Node, step: str, path: str) -> Node:
    if isinstance(node, SequenceNode):
        found: Node = node.value[_position(node, step, path)]
        return found
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == step:
                below: Node = value
                return below
    raise ChangeRefused(f"`{path}`: expected {_offered(node)}, found `{step}`")


def _position(node: SequenceNode, label: str, path: str) -> int:
    """Find the record of a list that has a label, else by its number from 1."""
    labels = [_label(item) for item in node.value]
    wanted = "" if label == BLANK and "" in labels else label
    if wanted in labels:
        return labels.index(wanted)
    if label.isdigit() and 1 <= int(label) <= len(node.value):
        return int(label) - 1
    raise ChangeRefused(f"`{path}`: expected {_offered(node)}, found `{label}`")


def _offered(node: Node) -> str:
    if isinstance(node, SequenceNode):
        return "one of " + ", ".join(_label(item) or BLANK for item in node.value)
    if isinstance(node, MappingNode):
        return "one of " + ", ".join(key.value for key, _ in node.value)
    return "nothing further"


def _label(node: Node) -> str:
    if isinstance(node, ScalarNode):
        return str(node.value)
    by_key = {key.value: value for key, value in node.value} if isinstance(node, MappingNode) else {}
    found = (by_key[name].value for name in LABELS if isinstance(by_key.get(name), ScalarNode))
    return next(found, "")


def _node(value: Any) -> Node:
    """Make a tree of a plain value; decimals stay exact."""
    if isinstance(value, dict):
        pairs = [(ScalarNode("tag:yaml.org,2002:str", str(key)), _node(one)) for key, one in value.items()]
        return MappingNode("tag:yaml.org,2002:map", pairs)
    if isinstance(value, list):
        return SequenceNode("tag:yaml.org,2002:seq", [_node(one) for one in value])
    if isinstance(value, bool) or value is None:
        kind = "null" if value is None else "bool"
        return ScalarNode(f"tag:yaml.org,2002:{kind}", {True: "true", False: "false", None: "null"}[value])
    kind = {"int": "int", "Decimal": "float", "date": "timestamp"}.get(type(value).__name__, "str")
    text = f"{value:f}" if kind == "float" else str(value)
    if kind == "float" and "." not in text:
        kind = "int"
    return ScalarNode(f"tag:yaml.org,2002:{kind}", text)
