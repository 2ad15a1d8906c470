"""What a record of set-up is made of, field by field: from its type alone, so that forms need no other."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from openbenefits.programs.drafts.records import Plain


class Kind(StrEnum):
    """What is entered in a field, and how it is read."""

    TEXT = "text"
    CHOICE = "choice"
    FLAG = "flag"
    WHOLE = "whole number"
    NUMBER = "number"
    DAY = "day"
    LISTED = "listed"  # several values, separated by commas
    PAIRS = "pairs"  # a line for each: `key: value`, or `key: value, value`
    RECORD = "record"
    RECORDS = "records"
    NAMED_RECORDS = "named records"  # records by a key


NAMES = {
    "rate_table": "rate_tables",
    "contribution": "contributions",
    "formula": "formulas",
    "calculation_rule": "calculation_rules",
    "eligibility": "eligibility_rules",
    "plan": "plans",
    "service_area": "geographies",
    "geography": "geographies",
    "premium_formula": "formulas",
    "deduction_code": "deduction_codes",
    "after_tax_deduction_code": "deduction_codes",
    "event_rule": "event_rules",
    "dependent_rule": "dependent_rules",
    "event_class": "event_classes",
    "lapse_class": "event_classes",
    "coverage_group": "coverage_groups",
    "schedule": "schedules",
    "coverage_code": "coverage_codes",
    "coverage_codes": "coverage_codes",
    "curve": "age_curves",
    "imputed_against": "coverage_codes",
    "company": "companies",
    "benefit_group": "benefit_groups",
    "annual_limit": "annual_limits",
    "holidays": "holiday_calendars",
    "programs": "programs",
}
"""Fields that name a record, and the section it is in."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a record.

    choices: what may be chosen; names: the section of the records it names; item: the type of the records
    inside it, or of the values of pairs; key: of named records and pairs, what the key names.
    """

    name: str
    kind: Kind
    required: bool
    optional: bool
    default: Any
    choices: tuple[str, ...] = ()
    names: str = ""
    item: type[msgspec.Struct] | None = None
    pattern: str = ""
    inner: Kind = Kind.TEXT

    @property
    def is_nested(self) -> bool:
        return self.kind in (Kind.RECORD, Kind.RECORDS, Kind.NAMED_RECORDS)


@cache
def fields_of(record_type: type[msgspec.Struct]) -> tuple[Field, ...]:
    """Answer the fields of a record, in the order in which they are written."""
    info = inspect.type_info(record_type)
    return tuple(_field(one) for one in info.fields)  # type: ignore[attr-defined]


@cache
def is_flat(record_type: type[msgspec.Struct]) -> bool:
    """Tell whether a record holds single values only, so that several make a table."""
    return not any(one.is_nested for one in fields_of(record_type))


@cache
def is_shallow(record_type: type[msgspec.Struct]) -> bool:
    """Tell whether what a record holds is flat: it can be entered on one page with it."""
    return all(one.item is None or is_flat(one.item) for one in fields_of(record_type) if one.is_nested)


def blank(record_type: type[msgspec.Struct]) -> Plain:
    """Answer a new record with the defaults of its fields."""
    return {one.name: one.default for one in fields_of(record_type) if not one.required}


def at_path(record_type: type[msgspec.Struct], path: list[str | int]) -> type[msgspec.Struct]:
    """Answer the type of the record at a path: `["plan_types", 0, "options", 3]`.

    Errors: LookupError.
    """
    found = record_type
    for step in path:
        if isinstance(step, int):
            continue
        field = next((one for one in fields_of(found) if one.name == step), None)
        if field is None or field.item is None:
            raise LookupError(f"expected a record with {step}, found none; go back to the record")
        found = field.item
    return found


def _field(info: Any) -> Field:
    kind, is_optional = _without_none(info.type)
    return Field(
        name=info.encode_name,
        required=info.required,
        optional=is_optional,
        default=_default(info),
        names=NAMES.get(info.encode_name, ""),
        **_described(kind),
    )


_SINGLE: dict[Any, Kind] = {
    inspect.BoolType: Kind.FLAG,
    inspect.IntType: Kind.WHOLE,
    inspect.DecimalType: Kind.NUMBER,
    inspect.DateType: Kind.DAY,
}


def _described(kind: Any) -> dict[str, Any]:
    """Say how the values of a type are entered."""
    match kind:
        case inspect.Metadata():
            return _described(kind.type)
        case inspect.LiteralType():
            return {"kind": Kind.CHOICE, "choices": tuple(str(one) for one in kind.values)}
        case inspect.EnumType():
            return {"kind": Kind.CHOICE, "choices": tuple(str(one.value) for one in kind.cls)}
        case inspect.StructType():
            return {"kind": Kind.RECORD, "item": kind.cls}
        case inspect.ListType() | inspect.VarTupleType():
            return _of_list(_described(kind.item_type))
        case inspect.DictType():
            return _of_mapping(_described(kind.value_type))
        case inspect.StrType():
            return {"kind": Kind.TEXT, "pattern": kind.pattern or ""}
    return {"kind": _SINGLE.get(type(kind), Kind.TEXT)}


def _of_list(inner: dict[str, Any]) -> dict[str, Any]:
    if inner["kind"] is Kind.RECORD:
        return {"kind": Kind.RECORDS, "item": inner["item"]}
    return {"kind": Kind.LISTED, "inner": inner["kind"], "choices": inner.get("choices", ())}


def _of_mapping(inner: dict[str, Any]) -> dict[str, Any]:
    if inner["kind"] is Kind.RECORD:
        return {"kind": Kind.NAMED_RECORDS, "item": inner["item"]}
    return {"kind": Kind.PAIRS, "inner": inner["kind"]}


def _without_none(kind: Any) -> tuple[Any, bool]:
    """Take null out of a union; of two other types the first counts, and text where one is text."""
    if not isinstance(kind, inspect.UnionType):
        return kind, False
    types = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
    text = next((one for one in types if isinstance(one, inspect.StrType)), types[0])
    return text, len(types) < len(kind.types)


def _default(info: Any) -> Any:
    if info.required:
        return None
    if info.default is not msgspec.NODEFAULT:
        return msgspec.to_builtins(info.default)
    return msgspec.to_builtins(info.default_factory())
