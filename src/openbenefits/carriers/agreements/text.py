"""An agreement with a partner as people write it: YAML, read with located faults; its JSON Schema."""

import json
import re
from typing import Any

import msgspec
import yaml

from openbenefits.carriers.agreements.partners import Partner, PartnerRefused, read_partner
from openbenefits.programs.nodes import compose_text, value_of

SCHEMA = "https://json-schema.org/draft/2020-12/schema"
MOST_CHARACTERS = 500_000
_PLACE = re.compile(r" - at `\$([^`]*)`")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\.\.\.)\]")


def read_text(text: str) -> Partner:
    """Read an agreement from YAML or JSON.

    Errors: PartnerRefused names the line where one can be named, what was expected and found.
    """
    root, document = _read(text)
    try:
        return read_partner(document)
    except PartnerRefused as refused:
        raise PartnerRefused(_located(str(refused), root)) from None


def read_document(text: str) -> Any:
    """Read what YAML or JSON says, as plain values. Errors: PartnerRefused names the line."""
    return _read(text)[1]


def _read(text: str) -> tuple[yaml.Node | None, Any]:
    if len(text) > MOST_CHARACTERS:
        raise PartnerRefused(f"expected at most {MOST_CHARACTERS:,} characters, found {len(text):,}")
    try:
        root = compose_text(text.encode())
        return root, None if root is None else value_of(root)
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        words = f"line {line}: expected YAML, found {fault.problem or 'none'}; correct it"
        raise PartnerRefused(words) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise PartnerRefused("expected YAML, found something else; correct the text") from None


def text_of(partner: Partner) -> str:
    """Write an agreement as YAML, with what it leaves to the ordinary left away."""
    return msgspec.yaml.encode(_short(partner)).decode()


def json_schema() -> dict[str, Any]:
    """Answer the published JSON Schema of agreements."""
    (_,), parts = msgspec.json.schema_components([Partner], ref_template="#/$defs/{name}")
    top = parts.pop("Partner")
    return {"$schema": SCHEMA, **top, "$defs": parts}


def schema_text() -> str:
    """Answer the schema as a file says it."""
    return json.dumps(json_schema(), indent=1) + "\n"


def _short(value: Any) -> Any:
    """Answer what a struct says besides its defaults, as plain values."""
    if not isinstance(value, msgspec.Struct):
        return _plain(value)
    told = {}
    for field in msgspec.structs.fields(value):
        found = getattr(value, field.name)
        if field.default_factory is not msgspec.NODEFAULT:
            is_ordinary = found == field.default_factory()
        else:
            is_ordinary = field.default is not msgspec.NODEFAULT and found == field.default
        if not is_ordinary:
            told[field.encode_name] = _short(found)
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_short(one) for one in value]
    return msgspec.to_builtins(value)


def _located(words: str, root: yaml.Node | None) -> str:
    """Put the line in front of what is wrong, where the fault names a field."""
    found = _PLACE.search(words)
    if found is None or root is None:
        return words
    field = found[1].lstrip(".")
    plain = _PLACE.sub(f" at {field}" if field else "", words)
    return f"line {_line(root, field)}: {plain}"


def _line(node: yaml.Node, field: str) -> int:
    """Answer the line of a field, or of what should hold it."""
    line = node.start_mark.line
    for name, number in _STEP.findall(field):
        inner = _inside(node, name, number)
        if inner is None:
            break
        line, node = inner
    return int(line) + 1


def _inside(node: yaml.Node, name: str, number: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == name:
                return key.start_mark.line, value
    if isinstance(node, yaml.SequenceNode) and number.isdecimal() and int(number) < len(node.value):
        inner = node.value[int(number)]
        return inner.start_mark.line, inner
    return None
