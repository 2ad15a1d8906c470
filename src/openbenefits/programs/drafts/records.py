"""Records of a bundle as plain data: what their types are, and the key that tells one from another.

A bundle as plain data is what its release keeps: sections by name, each a list of records (or one record).
Decimals and days are text there, as JSON has neither.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from openbenefits.programs.bundle import ClientBundle, PeoBundle

Plain = dict[str, Any]
Key = tuple[str, ...]
"""The values that tell the records of a section apart; none where the section is one record."""

_KEYS = {
    **dict.fromkeys(("bundle", "data_audit", "second_person"), ()),
    "actions": ("action", "reason"),
    "funds": ("plan_type", "code"),
    "translations": ("name", "language"),
    "annual_limits": ("code", "year"),
}
SEPARATOR = "~"


@cache
def sections_of(kind: type[PeoBundle | ClientBundle]) -> Mapping[str, type[msgspec.Struct]]:
    """Answer the sections of a kind of bundle, each with the type of its records."""
    found = {}
    for field in inspect.type_info(kind).fields:  # type: ignore[attr-defined]
        record = _struct_in(field.type)
        if record is not None:
            found[field.encode_name] = record
    return found


@cache
def single_sections(kind: type[PeoBundle | ClientBundle]) -> frozenset[str]:
    """Answer the sections that are one record and no list."""
    fields = inspect.type_info(kind).fields  # type: ignore[attr-defined]
    return frozenset(one.encode_name for one in fields if not isinstance(one.type, inspect.ListType))


def kind_of(parts: Plain) -> type[PeoBundle | ClientBundle]:
    """Answer which kind of bundle plain data are of."""
    return ClientBundle if parts["bundle"]["kind"] == "client" else PeoBundle


def key_names(section: str, record_type: type[msgspec.Struct]) -> Key:
    """Name the fields that make the key of a record."""
    if section in _KEYS:
        return _KEYS[section]
    names = [field.encode_name for field in msgspec.structs.fields(record_type)]
    return tuple(name for name in ("code", "from") if name in names) if "code" in names else ()


def key_of(section: str, record_type: type[msgspec.Struct], record: Plain) -> Key:
    """Answer the key of a record: `("HMO", "2026-01-01")`."""
    return tuple(str(record.get(name, "")) for name in key_names(section, record_type))


def code_in(section: str, record_type: type[msgspec.Struct], key: Key) -> str:
    """Answer what all versions of a record share: its key without the day."""
    names = key_names(section, record_type)
    return SEPARATOR.join(value for name, value in zip(names, key, strict=True) if name != "from")


def key_text(key: Key) -> str:
    """Write a key as one word, for addresses.

    >>> key_text(("HMO", "2026-01-01")), key_from("HMO~2026-01-01", 2), key_from("", 0)
    ('HMO~2026-01-01', ('HMO', '2026-01-01'), ())
    """
    return SEPARATOR.join(key)


def key_from(text: str, parts: int) -> Key:
    """Read a key of so many parts from one word."""
    return tuple(text.rsplit(SEPARATOR, parts - 1)) if parts else ()


def records_of(parts: Plain, section: str) -> Iterator[tuple[Key, Plain]]:
    """List the records of a section with their keys."""
    kind = kind_of(parts)
    record_type = sections_of(kind)[section]
    held = parts.get(section)
    if section in single_sections(kind):
        if held is not None:
            yield (), held
        return
    for record in held or ():
        yield key_of(section, record_type, record), record


def find(parts: Plain, section: str, key: Key) -> Plain | None:
    """Find a record; None if there is none."""
    return next((record for own, record in records_of(parts, section) if own == key), None)


def plain_record(record: msgspec.Struct) -> Plain:
    """Turn a record into plain data."""
    plain: Plain = msgspec.to_builtins(record)
    return plain


def typed(record_type: type[msgspec.Struct], record: Plain) -> msgspec.Struct:
    """Turn plain data into a record.

    Errors: msgspec.ValidationError.
    """
    return msgspec.convert(record, record_type)


def mark_of(value: Any) -> str:
    """Answer a text that is the same for the same plain data only."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True)


def begins(record: Plain) -> date | None:
    """Answer the day a dated record begins."""
    return date.fromisoformat(record["from"]) if record.get("from") else None


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    match kind:
        case inspect.StructType():
            return kind.cls
        case inspect.ListType():
            return _struct_in(kind.item_type)
        case inspect.UnionType():
            return next((found for one in kind.types if (found := _struct_in(one))), None)
    return None
