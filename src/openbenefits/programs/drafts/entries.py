"""What people type into the fields of a record, read field by field; each fault names its field."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from openbenefits.programs import values
from openbenefits.programs.drafts.records import Plain, typed
from openbenefits.programs.drafts.shapes import Field, Kind, blank, fields_of, is_flat

Posted = Mapping[str, str]
Faults = dict[str, str]
MOST_ROWS = 2_000
WIDEST = 10
"""A table of records is entered row by row on the page itself while they have so few fields."""
_PATH = re.compile(r" - at (?:`key` in )?`\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]")


def is_inline(field: Field) -> bool:
    """Tell whether the records of a field are entered with the record that holds them."""
    if field.item is None or not is_flat(field.item):
        return False
    return field.kind is Kind.RECORD or len(fields_of(field.item)) <= WIDEST


def read_entries(record_type: type[msgspec.Struct], before: Plain, posted: Posted) -> tuple[Plain, Faults]:
    """Read a record from what was typed; records that are not entered with it stay as they are.

    Answers the record as plain data and, by the name of each field, what is wrong with it.
    """
    faults: Faults = {}
    record = _read(record_type, before, posted, "", faults)
    if not faults:
        faults |= faults_of(record_type, record)
    return record, faults


def faults_of(record_type: type[msgspec.Struct], record: Plain) -> Faults:
    """Find what is wrong with a record by itself: its shape, its sizes; by the name of the field."""
    try:
        whole = typed(record_type, record)
    except msgspec.ValidationError as fault:
        match = _PATH.search(str(fault))
        steps = [name or number for name, number in _STEP.findall(match["path"] if match else "")]
        reason = str(fault)[: match.start()] if match else str(fault)
        return {".".join(steps): reason}
    return {
        ".".join(str(step) for step in one.path): f"expected {one.expected}, found {one.found}. {one.cure}"
        for one in values.value_faults(whole)
    }


def _read(
    record_type: type[msgspec.Struct], before: Plain, posted: Posted, prefix: str, faults: Faults
) -> Plain:
    record: Plain = {}
    for field in fields_of(record_type):
        name = prefix + field.name
        if field.is_nested and not is_inline(field):
            if field.name in before or not field.required:
                record[field.name] = before.get(field.name, field.default)
            elif field.kind is Kind.RECORDS:
                record[field.name] = []
        elif field.is_nested:
            record[field.name] = _read_inside(field, before.get(field.name), posted, name, faults)
        else:
            try:
                record[field.name] = read_value(field, posted.get(name, ""))
            except ValueError as fault:
                faults[name] = str(fault)
    return record


def _read_inside(field: Field, before: Any, posted: Posted, name: str, faults: Faults) -> Any:
    """Read the records of a field that are entered with it; rows left blank are none."""
    assert field.item is not None  # noqa: S101 - a nested field has a type
    if field.kind is Kind.RECORD:
        return (
            None
            if _is_blank(field, posted, f"{name}.")
            else _read(field.item, before or blank(field.item), posted, f"{name}.", faults)
        )
    rows = [
        (place, _read(field.item, {}, posted, f"{name}.{place}.", faults))
        for place in _places(posted, name)
        if not _is_blank(field, posted, f"{name}.{place}.") and not posted.get(f"{name}.{place}.remove")
    ]
    if field.kind is Kind.RECORDS:
        return [row for _place, row in rows]
    found: dict[str, Plain] = {}
    for place, row in rows:
        key = posted.get(f"{name}.{place}.key", "").strip()
        if not key or key in found:
            faults[f"{name}.{place}.key"] = "expected a name of its own, found " + (
                "none" if not key else "it twice"
            )
        found[key] = row
    return found


def _places(posted: Posted, name: str) -> Iterator[int]:
    count = posted.get(f"{name}.count", "0")
    yield from range(min(int(count), MOST_ROWS) if count.isdecimal() else 0)


def _is_blank(field: Field, posted: Posted, prefix: str) -> bool:
    """Tell whether nothing was typed into a row; a row that was there before is never blank."""
    if posted.get(f"{prefix}kept") or posted.get(f"{prefix}key", "").strip():
        return False
    for one in fields_of(field.item) if field.item is not None else ():
        typed_in = posted.get(prefix + one.name, "").strip()
        untouched = {"", text_of(one, one.default), "on" if one.default is True else ""}
        if typed_in not in untouched:
            return False
    return True


def read_value(field: Field, text: str) -> Any:
    """Read one value; blank is none, or the default where none is not allowed.

    Errors: ValueError, saying what was expected and found.
    """
    text = text.strip()
    if field.kind is Kind.FLAG:
        return _flag(field, text)
    if not text:
        return _none(field)
    if field.kind is Kind.CHOICE and text not in field.choices:
        raise ValueError(f"expected one of {', '.join(field.choices)}, found {text}")
    if field.pattern and not re.search(field.pattern, text):
        raise ValueError(f"expected a short code (form {field.pattern}), found {text}")
    if field.kind is Kind.LISTED:
        return [_single(field.inner, one.strip()) for one in text.split(",") if one.strip()]
    if field.kind is Kind.PAIRS:
        return dict(_pair(field, line) for line in text.splitlines() if line.strip())
    if field.name == "default" and text in ("yes", "no", "true", "false"):
        return text in ("yes", "true")
    return _single(field.kind, text)


def text_of(field: Field, value: Any) -> str:
    """Write a value as it is typed."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {text_of(field, held)}" for key, held in value.items())
    return str(value)


def _flag(field: Field, text: str) -> bool | None:
    if text in ("yes", "on", "true"):
        return True
    return None if not text and field.optional else False


def _none(field: Field) -> Any:
    if field.required and not field.optional:
        raise ValueError("expected a value, found none")
    if field.optional:
        return None
    if field.kind is Kind.LISTED:
        return []
    return {} if field.kind is Kind.PAIRS else field.default


def _pair(field: Field, line: str) -> tuple[str, Any]:
    key, colon, value = line.partition(":")
    if not colon or not key.strip():
        raise ValueError(f"expected `key: value`, found {line.strip()}")
    if field.inner is Kind.LISTED:
        return key.strip(), [one.strip() for one in value.split(",") if one.strip()]
    return key.strip(), _single(field.inner, value.strip())


def _single(kind: Kind, text: str) -> Any:
    try:
        if kind is Kind.WHOLE:
            return int(text)
        if kind is Kind.NUMBER:
            return _decimal(text)
        if kind is Kind.DAY:
            return date.fromisoformat(text).isoformat()
    except (ValueError, InvalidOperation):
        raise ValueError(f"expected a {kind}, found {text}") from None
    return text


def _decimal(text: str) -> str:
    """Read a number as bundles write it, so that the same amount is the same text.

    >>> _decimal("1,250.50"), _decimal("80.00"), _decimal("$12")
    ('1250.5', '80', '12')
    """
    number = Decimal(text.removeprefix("$").replace(",", ""))
    if not number.is_finite():
        raise InvalidOperation
    plain = format(number, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
