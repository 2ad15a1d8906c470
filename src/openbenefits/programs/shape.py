"""From a tree of YAML nodes to a record, listing every place where the tree does not have its shape.

msgspec stops at the first fault. So the faulty value is noted and cut off, and the rest is tried again.
"""

import difflib
import re
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from openbenefits.programs.findings import Finding
from openbenefits.programs.nodes import kind_of, place, value_of

MOST_FAULTS = 100
"""After so many the rest is not listed."""

Step = str | int
_MESSAGE = re.compile(r"^(?P<reason>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+|\.\.\.)\]")
_FIELD = re.compile(r"^Object (missing required|contains unknown) field `([^`]*)`$")
_LABELS = ("code", "plan_type", "action", "event_class", "field")

_WORDS: dict[type, str] = {
    inspect.IntType: "a whole number",
    inspect.DecimalType: "a number",
    inspect.BoolType: "true or false",
    inspect.DateType: "a day (YYYY-MM-DD)",
    inspect.NoneType: "nothing",
    inspect.DictType: "a mapping",
    inspect.ListType: "a list",
    inspect.VarTupleType: "a list",
}


class Complaint(NamedTuple):
    """What msgspec says of a value: the reason, the way to it, and whether it is of a key or value inside it.

    msgspec does not name the key of a mapping whose keys people choose.
    """

    reason: str
    steps: tuple[Step, ...]
    inside: str  # "", "key" or "value"


class Tree:
    """A tree of nodes that is cut back until it has its shape."""

    def __init__(self, root: MappingNode, kind: type[msgspec.Struct]) -> None:
        """Take the root of a bundle and the record it should become."""
        self.root = root
        self.kind = kind
        self.findings: list[Finding] = []
        self._cut: set[tuple[int, str]] = set()

    def read(self) -> Any:
        """Answer the record, or None; either way `findings` says what was wrong."""
        while len(self.findings) < MOST_FAULTS:
            try:
                record = msgspec.convert(value_of(self.root), self.kind)
            except msgspec.ValidationError as error:
                if not self._settle(_complaint(str(error))):
                    return None
            else:
                return None if self.findings else record
        return None

    def _settle(self, complaint: Complaint) -> bool:
        """Note a fault and remove it from the tree; False when there is no way on."""
        if complaint.inside:
            self._note_inside(complaint)
            return self._remove(complaint.steps)
        field = _FIELD.match(complaint.reason)
        if field is None:
            self._note_value(complaint)
            return self._remove(complaint.steps)
        if field[1] == "contains unknown":
            self._note_unknown(complaint.steps, field[2])
            return self._remove((*complaint.steps, field[2]))
        return self._settle_missing(complaint.steps, field[2])

    def _settle_missing(self, steps: tuple[Step, ...], name: str) -> bool:
        node = node_at(self.root, steps)
        is_consequence = (id(node), name) in self._cut
        if not is_consequence:
            expected, cure = f"a value for `{name}`", f"Add `{name}`."
            self._note(node, steps, "missing", expected, "none", cure)
        if steps:
            return self._remove(steps)
        empty = SequenceNode(tag="", value=[], start_mark=node.start_mark, end_mark=node.end_mark)
        self.root.value.append((ScalarNode(tag="", value=name), empty))
        return not is_consequence

    def _note_unknown(self, steps: tuple[Step, ...], name: str) -> None:
        known = _fields(_type_at(self.kind, steps))
        meant = difflib.get_close_matches(name, known, n=1)
        cure = f"Did you mean `{meant[0]}`?" if meant else "Remove it."
        mapping = node_at(self.root, steps)
        key = next(key for key, _ in mapping.value if key.value == name)
        self._note(key, steps, "unknown_key", f"one of {', '.join(known)}", f"`{name}`", cure)

    def _note_value(self, complaint: Complaint) -> None:
        node = node_at(self.root, complaint.steps)
        kind = _type_at(self.kind, complaint.steps)
        found = kind_of(node)
        is_text_wanted = isinstance(node, ScalarNode) and "str`, got" in complaint.reason
        cure = "Put the value in quotes." if is_text_wanted else "Correct the value."
        self._note(node, complaint.steps, "type", words(kind), "nothing" if found == "``" else found, cure)

    def _note_inside(self, complaint: Complaint) -> None:
        node = node_at(self.root, complaint.steps)
        kind = _type_at(self.kind, complaint.steps)
        expected, found = words(kind.value_type), complaint.reason
        if complaint.inside == "key":
            expected, found = words(kind.key_type), ", ".join(key.value for key, _ in node.value)
        self._note(node, complaint.steps, "type", expected, found, "Correct the value.")

    def _note(self, node: Node, steps: tuple[Step, ...], *words: str) -> None:
        code, expected, found, cure = words
        file, line = place(node)
        self.findings.append(
            Finding(
                code=code,
                where=describe(self.root, steps) or "the bundle",
                expected=expected,
                found=found,
                cure=cure,
                file=file,
                line=line,
            )
        )

    def _remove(self, steps: tuple[Step, ...]) -> bool:
        """Cut a value off its mapping or list."""
        if not steps:
            return False
        parent, last = node_at(self.root, steps[:-1]), steps[-1]
        if isinstance(parent, SequenceNode) and isinstance(last, int):
            del parent.value[last]
        else:
            self._cut.add((id(parent), str(last)))
            parent.value = [(key, value) for key, value in parent.value if key.value != last]
        return True


def node_at(root: Node, steps: tuple[Step, ...]) -> Node:
    """Walk down a tree."""
    node = root
    for step in steps:
        if isinstance(step, int):
            node = node.value[step]
        else:
            node = next(value for key, value in node.value if key.value == step)
    return node


def describe(root: Node, steps: tuple[Step, ...]) -> str:
    """Name a place by the codes of the records above it: `programs[GOLD].plan_types[10].waive`."""
    text, node = "", root
    for step in steps:
        node = node_at(node, (step,))
        text += f"[{_label(node) or step + 1}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def words(kind: Any) -> str:
    """Say in words what a type admits."""
    match kind:
        case inspect.Metadata():
            return words(kind.type)
        case inspect.UnionType():
            return " or ".join(words(one) for one in kind.types)
        case inspect.LiteralType():
            return "one of " + ", ".join(str(value) for value in kind.values)
        case inspect.EnumType():
            return "one of " + ", ".join(one.value for one in kind.cls)
        case inspect.StrType():
            return f"text of the form {kind.pattern}" if kind.pattern else "text"
        case inspect.StructType():
            return "a mapping with " + ", ".join(_fields(kind))
    return _WORDS.get(type(kind), "another value")


def _label(node: Node) -> str:
    if not isinstance(node, MappingNode):
        return ""
    by_key = {key.value: value for key, value in node.value}
    labels = (by_key[name].value for name in _LABELS if isinstance(by_key.get(name), ScalarNode))
    return next(labels, "")


def _complaint(message: str) -> Complaint:
    """Take a message of msgspec apart.

    >>> _complaint("Expected `int`, got `str` - at `$.persons[...].min`").steps
    ('persons',)
    """
    match = _MESSAGE.match(message)
    assert match is not None  # noqa: S101 - the pattern admits any text
    found = [name or index for name, index in _STEP.findall(match["path"] or "")]
    known = found[: found.index("...")] if "..." in found else found
    steps = tuple(int(step) if step.isdigit() else step for step in known)
    inside = "value" if "..." in found else "key" if match["key"] else ""
    return Complaint(match["reason"], steps, inside)


def _type_at(kind: Any, steps: tuple[Step, ...]) -> Any:
    """Find the type a record has at a place, seen through unions with null."""
    found: Any = inspect.type_info(kind)
    for step in steps:
        found = _below(_plain(found), step)
    return _plain(found)


def _below(kind: Any, step: Step) -> Any:
    if isinstance(kind, inspect.StructType):
        return next(field.type for field in kind.fields if field.encode_name == step)
    is_list = isinstance(kind, inspect.ListType | inspect.VarTupleType)
    return kind.item_type if is_list else kind.value_type


def _plain(kind: Any) -> Any:
    if isinstance(kind, inspect.Metadata):
        return _plain(kind.type)
    if isinstance(kind, inspect.UnionType):
        known = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        return _plain(known[0]) if len(known) == 1 else kind
    return kind


def _fields(kind: Any) -> list[str]:
    return [field.encode_name for field in kind.fields]
