"""From a YAML file to a story, or to findings that name file, line and what to change.

msgspec stops at the first fault and does not name the key of a mapping whose keys people choose, so the tree
is walked beside the types first; what passes that, msgspec turns into records.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import inspect
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from openbenefits.programs import nodes
from openbenefits.programs.findings import Finding
from openbenefits.programs.shape import words
from openbenefits.scenarios.expectations import Expectation
from openbenefits.scenarios.story import ACTS, Step, Story, act_of

Way = tuple[str | int, ...]
"""The way to a value from the top of a story: `("steps", 2, "expect", 0)`."""


@dataclass(frozen=True, kw_only=True)
class StoryFile:
    """What came of reading a file: a story if nothing was wrong, where its parts stand, what was wrong."""

    path: Path
    story: Story | None
    findings: list[Finding]
    lines: Mapping[Way, int] = field(default_factory=dict)

    def line(self, way: Way) -> int | None:
        """Answer the line of a part, or of what holds it."""
        while way and way not in self.lines:
            way = way[:-1]
        return self.lines.get(way)


def read_story(path: Path) -> StoryFile:
    """Read one file.

    Errors: none are raised for what stands in the file; a file that cannot be read is a finding too.
    """
    try:
        root = nodes.compose(path)
    except yaml.YAMLError as error:
        return StoryFile(path=path, story=None, findings=[nodes.unreadable(error, path.name)])
    except OSError as error:
        return StoryFile(path=path, story=None, findings=[_unreachable(path, error)])
    if root is None:
        return StoryFile(path=path, story=None, findings=[_unreachable(path, "an empty file")])
    findings = [*nodes.repair(root), *_faults(root, inspect.type_info(Story), ())]
    lines = dict(_lines(root, ()))
    if findings:
        return StoryFile(path=path, story=None, findings=findings, lines=lines)
    story = msgspec.convert(nodes.value_of(root), Story)
    findings = [_placed(fault, path, lines) for fault in _contradictions(story)]
    return StoryFile(path=path, story=None if findings else story, findings=findings, lines=lines)


def describe(way: Way) -> str:
    """Name a place as people see it: steps and list items are counted from 1.

    >>> describe(("steps", 0, "expect", 1, "coverage", "10"))
    'steps[1].expect[2].coverage.10'
    """
    text = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in way)
    return text.removeprefix(".") or "the story"


def _unreachable(path: Path, why: object) -> Finding:
    cure = "Name a YAML file with one story."
    return Finding(
        code="file", where=path.name, expected="a story", found=str(why), cure=cure, file=path.name
    )


def _lines(node: Node, way: Way) -> Iterator[tuple[Way, int]]:
    """List the line on which every value of a tree begins; of a mapping's value, that of its key."""
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield (*way, key.value), key.start_mark.line + 1
            yield from _lines(value, (*way, key.value))
    if isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            yield (*way, index), value.start_mark.line + 1
            yield from _lines(value, (*way, index))


# --- the shape ------------------------------------------------------------------------------------------


def _faults(node: Node, kind: Any, way: Way, extra: Mapping[str, Any] | None = None) -> Iterator[Finding]:
    """Find where a tree does not have the shape of a type."""
    match kind:
        case inspect.Metadata():
            yield from _faults(node, kind.type, way, kind.extra or extra)
        case inspect.UnionType():
            yield from _union_faults(node, kind, way, extra)
        case inspect.StructType():
            yield from _struct_faults(node, kind, way)
        case inspect.DictType():
            yield from _mapping_faults(node, kind, way)
        case inspect.ListType():
            yield from _list_faults(node, kind, way)
        case inspect.AnyType():
            pass
        case _:
            yield from _leaf_faults(node, kind, way, extra or {})


def _union_faults(
    node: Node, kind: inspect.UnionType, way: Way, extra: Mapping[str, Any] | None
) -> Iterator[Finding]:
    """Judge a value by the member it looks like; null where null is allowed is always right."""
    is_null = isinstance(node, ScalarNode) and nodes.value_of(node) is None
    members = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
    if is_null and len(members) < len(kind.types):
        return
    fitting = [one for one in members if isinstance(node, _node_type(one))]
    if len(members) == 1 or len(fitting) == 1:
        yield from _faults(node, (fitting or members)[0], way, extra)
    else:
        yield _type_fault(node, kind, way)


def _node_type(kind: Any) -> type[Node]:
    if isinstance(kind, inspect.Metadata):
        return _node_type(kind.type)
    if isinstance(kind, inspect.StructType | inspect.DictType):
        return MappingNode
    return SequenceNode if isinstance(kind, inspect.ListType) else ScalarNode


def _struct_faults(node: Node, kind: inspect.StructType, way: Way) -> Iterator[Finding]:
    if not isinstance(node, MappingNode):
        yield _type_fault(node, kind, way)
        return
    fields = {one.encode_name: one for one in kind.fields}
    for key, value in node.value:
        if key.value in fields:
            yield from _faults(value, fields[key.value].type, (*way, key.value))
        else:
            meant = difflib.get_close_matches(key.value, fields, n=1)
            cure = f"Did you mean `{meant[0]}`?" if meant else "Remove it."
            yield _fault(key, way, "unknown_key", f"one of {', '.join(fields)}", f"`{key.value}`", cure)
    stated = {key.value for key, _ in node.value}
    for name, one in fields.items():
        if one.required and name not in stated:
            yield _fault(node, way, "missing", f"a value for `{name}`", "none", f"Add `{name}`.")


def _mapping_faults(node: Node, kind: inspect.DictType, way: Way) -> Iterator[Finding]:
    if not isinstance(node, MappingNode):
        yield _type_fault(node, kind, way)
        return
    for key, value in node.value:
        yield from _leaf_faults(key, kind.key_type, (*way, key.value), {})
        yield from _faults(value, kind.value_type, (*way, key.value))


def _list_faults(node: Node, kind: inspect.ListType, way: Way) -> Iterator[Finding]:
    if not isinstance(node, SequenceNode):
        yield _type_fault(node, kind, way)
        return
    if kind.min_length and len(node.value) < kind.min_length:
        yield _fault(node, way, "empty", "at least one", "none", "Add one.")
    for index, value in enumerate(node.value):
        yield from _faults(value, kind.item_type, (*way, index))


def _leaf_faults(node: Node, kind: Any, way: Way, extra: Mapping[str, Any]) -> Iterator[Finding]:
    while isinstance(kind, inspect.Metadata):
        kind, extra = kind.type, kind.extra or extra
    value = nodes.value_of(node) if isinstance(node, ScalarNode) else None
    if value is None or not _fits(node, value, kind):
        yield _type_fault(node, kind, way)
    elif isinstance(kind, inspect.DecimalType):
        yield from _decimal_faults(node, Decimal(value), way, extra)


def _fits(node: Node, value: Any, kind: Any) -> bool:
    if isinstance(kind, inspect.LiteralType):
        return value in kind.values
    if isinstance(kind, inspect.EnumType):
        return value in {one.value for one in kind.cls}
    if isinstance(kind, inspect.StrType):
        text = node.value if kind.pattern else value  # a pattern, not YAML, says what a code may look like
        return isinstance(text, str) and re.search(kind.pattern or "", text) is not None
    return type(value) in _PYTHON_TYPES.get(type(kind), ())


def _decimal_faults(node: Node, value: Decimal, way: Way, extra: Mapping[str, Any]) -> Iterator[Finding]:
    decimals = extra.get("decimals", 6)
    if -int(value.normalize().as_tuple().exponent) > decimals:
        cure = "Round it as the plan document does."
        yield _fault(node, way, "decimals", f"at most {decimals} decimals", f"`{value}`", cure)
    elif extra.get("least") is not None and value < extra["least"]:
        yield _fault(node, way, "negative", "a number not below 0", f"`{value}`", "Correct the sign.")


def _type_fault(node: Node, kind: Any, way: Way) -> Finding:
    wants_text = isinstance(kind, inspect.StrType) and not kind.pattern and isinstance(node, ScalarNode)
    cure = "Put the value in quotes." if wants_text and node.value else "Correct the value."
    found = nodes.kind_of(node)
    return _fault(node, way, "type", words(kind), "nothing" if found == "``" else found, cure)


def _fault(node: Node, way: Way, code: str, expected: str, found: str, cure: str) -> Finding:
    file, line = nodes.place(node)
    return Finding(
        code=code, where=describe(way), expected=expected, found=found, cure=cure, file=file, line=line
    )


_PYTHON_TYPES: dict[Any, tuple[type, ...]] = {
    inspect.IntType: (int,),
    inspect.DecimalType: (int, Decimal),
    inspect.BoolType: (bool,),
    inspect.DateType: (date,),
}


# --- what a story says about itself ---------------------------------------------------------------------

Contradiction = tuple[Way, str, str, str]
"""Where, what was expected, what was found, what to change."""


def _placed(fault: Contradiction, path: Path, lines: Mapping[Way, int]) -> Finding:
    way, expected, found, cure = fault
    return Finding(
        code="story",
        where=describe(way),
        expected=expected,
        found=found,
        cure=cure,
        file=path.name,
        line=StoryFile(path=path, story=None, findings=[], lines=lines).line(way),
    )


def _contradictions(story: Story) -> Iterator[Contradiction]:
    """Find what cannot be meant: several acts in a step, steps out of order, unknown names."""
    before = None
    for number, step in enumerate(story.steps):
        way: Way = ("steps", number)
        acts = [name for name in ACTS if getattr(step, name) is not None]
        if len(acts) > 1:
            yield way, "one thing done in a step", ", ".join(acts), "Write a step for each."
        if not acts and not step.expect:
            yield way, f"one of {', '.join(ACTS)}, or `expect`", "neither", "Say what happens."
        if before is not None and step.on < before:
            yield (*way, "on"), f"a day from {before} on", str(step.on), "Put the steps in order."
        before = step.on
        yield from _unknown_people(story, step, way)
        yield from _unknown_dependents(story, step, way)
        yield from _misplaced_expectations(step, way)


def _unknown_people(story: Story, step: Step, way: Way) -> Iterator[Contradiction]:
    known = ", ".join(story.people)
    act = act_of(step)
    named: list[tuple[Way, str | None]] = [
        ((*way, "expect", index), one.person) for index, one in enumerate(step.expect)
    ]
    if act is not None and "person" in act[1].__struct_fields__:
        named.append(((*way, act[0]), act[1].person))  # type: ignore[attr-defined]
    if step.run is not None:
        named += [((*way, "run", "people", index), one) for index, one in enumerate(step.run.people or ())]
    for place, name in named:
        if name is None and len(story.people) != 1:
            yield place, f"`person`, one of {known}", "none", "Say who is meant."
        elif name is not None and name not in story.people:
            yield place, f"one of the people ({known})", f"`{name}`", "Correct the name."


def _unknown_dependents(story: Story, step: Step, way: Way) -> Iterator[Contradiction]:
    known = {name for person in story.people.values() for name in person.dependents}
    known |= {name for name in map(_dependent_made, story.steps) if name}
    for place, names in _dependents_named(step):
        for name in names:
            if name not in known:
                expected = f"one of the dependents ({', '.join(sorted(known)) or 'there are none'})"
                yield (*way, *place), expected, f"`{name}`", "Correct the name."


def _dependent_made(step: Step) -> str | None:
    if step.marry is not None:
        return step.marry.spouse
    if step.birth is not None:
        return step.birth.child
    return None if step.add_dependent is None else step.add_dependent.dependent


def _dependents_named(step: Step) -> Iterator[tuple[Way, list[str]]]:
    if step.elect is not None:
        for plan_type, choice in step.elect.choices.items():
            yield ("elect", "choices", plan_type), choice.dependents
    if step.divorce is not None:
        yield ("divorce",), [step.divorce.spouse]
    if step.change_dependent is not None:
        yield ("change_dependent",), [step.change_dependent.dependent]


def _misplaced_expectations(step: Step, way: Way) -> Iterator[Contradiction]:
    """Refuse expectations about a run or an act where there is none, and those that say nothing."""
    if step.run is None and step.run_outcomes is not msgspec.UNSET:
        yield (*way, "run_outcomes"), "a `run` in this step", "none", "Move it to the step of the run."
    if step.refused and act_of(step) is None:
        yield (*way, "refused"), "something done in this step", "nothing", "Say what is refused."
    for index, one in enumerate(step.expect):
        if not _says_anything(one):
            yield (*way, "expect", index), "something to compare", "nothing", "Say what must be true."


def _says_anything(one: Expectation) -> bool:
    stated = (one.events, one.event, one.outcome, one.tasks)
    listed = (one.plans, one.options, one.coverage, one.deductions, one.credits, one.basis, one.balances)
    return any(value is not msgspec.UNSET for value in stated) or any(listed)
