"""Checks of single values that types alone cannot say: decimals, sizes, characters."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from msgspec.inspect import (
    DecimalType,
    DictType,
    IntType,
    ListType,
    Metadata,
    StrType,
    StructType,
    UnionType,
    VarTupleType,
)

from openbenefits.core.money import CENTS_PER_DOLLAR, LARGEST_OPERAND, MICROS_PER_DOLLAR

LARGEST_WHOLE = 32_767
LARGEST_DOLLARS = LARGEST_OPERAND // CENTS_PER_DOLLAR
LARGEST_RATE = LARGEST_OPERAND // MICROS_PER_DOLLAR
MOST_DECIMALS = 6

_PYTHON_TYPES: dict[Any, Any] = {DecimalType: Decimal, IntType: int, StrType: str, ListType: list}

Path = tuple[str | int, ...]
"""The way to a value from the top of a bundle: `("programs", 0, "plan_types", 2)`."""


class ValueFault(NamedTuple):
    """A value that has the right type and still cannot be."""

    path: Path
    code: str
    expected: str
    found: str
    cure: str


def value_faults(bundle: msgspec.Struct) -> list[ValueFault]:
    """Find the values of a bundle that have too many decimals, are too large, or cannot be stored."""
    return list(_faults(bundle, msgspec.inspect.type_info(type(bundle)), (), {}))


def _faults(value: Any, kind: Any, path: Path, extra: dict[str, Any]) -> Iterator[ValueFault]:
    for step, item, item_kind in _inside(value, kind):
        yield from _faults(item, item_kind, (*path, step), extra)
    match kind:
        case Metadata():
            yield from _faults(value, kind.type, path, kind.extra or extra)
        case UnionType():
            for one in kind.types:
                yield from _faults_of_union(value, one, path, extra)
        case DecimalType():
            yield from _decimal_faults(value, path, extra)
        case IntType() if abs(value) > LARGEST_WHOLE:
            cure = "Correct the number."
            yield ValueFault(path, "size", f"a number up to {LARGEST_WHOLE:,}", str(value), cure)
        case StrType() if not _is_storable(value):
            yield ValueFault(path, "text", "readable text", ascii(value), "Remove the odd characters.")


def _inside(value: Any, kind: Any) -> list[tuple[str | int, Any, Any]]:
    """List the values inside a value, each with the step to it and its type."""
    if isinstance(kind, StructType):
        return [(field.encode_name, getattr(value, field.name), field.type) for field in kind.fields]
    if isinstance(kind, ListType | VarTupleType):
        return [(index, item, kind.item_type) for index, item in enumerate(value)]
    if isinstance(kind, DictType):
        return [(str(key), item, kind.value_type) for key, item in value.items()]
    return []


def _faults_of_union(value: Any, kind: Any, path: Path, extra: dict[str, Any]) -> Iterator[ValueFault]:
    """Look at a union's member only if the value is one: unions here are of a type and null, bool or text."""
    inner = kind.type if isinstance(kind, Metadata) else kind
    if isinstance(value, _PYTHON_TYPES.get(type(inner), ())):
        yield from _faults(value, kind, path, extra)


def _decimal_faults(value: Decimal, path: Path, extra: dict[str, Any]) -> Iterator[ValueFault]:
    decimals = extra.get("decimals", MOST_DECIMALS)
    largest = LARGEST_RATE if decimals > 3 else LARGEST_DOLLARS
    if not value.is_finite() or abs(value) > largest:
        yield ValueFault(path, "size", f"a number up to {largest:,}", f"{value}", "Correct the number.")
    elif _decimals_of(value) > decimals:
        expected = f"at most {decimals} decimals"
        yield ValueFault(path, "decimals", expected, f"{value}", "Round it as the plan document does.")
    elif extra.get("least") is not None and value < extra["least"]:
        yield ValueFault(path, "negative", "a number not below 0", f"{value}", "Correct the sign.")


def _decimals_of(value: Decimal) -> int:
    """Count the decimals a number needs.

    >>> _decimals_of(Decimal("12.5")), _decimals_of(Decimal("100"))
    (1, 0)
    """
    return max(0, -int(value.normalize().as_tuple().exponent))


def _is_storable(text: str) -> bool:
    """Tell whether PostgreSQL can keep a text: no NUL, no half of a surrogate pair."""
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False
