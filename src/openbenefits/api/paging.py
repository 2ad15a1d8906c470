"""Lists, page by page: a cursor says after which key to go on, so that a page costs what the first costs."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import polars as pl
from django.core.exceptions import ValidationError
from django.db.models import CompositePrimaryKey, Model, QuerySet
from pydantic import BaseModel, Field

from openbenefits.api.problems import Problem
from openbenefits.api.shapes import rows_of
from openbenefits.workforce.models import Person

Item = TypeVar("Item")
Row = TypeVar("Row", bound=Model)


class Page(BaseModel, Generic[Item]):
    """A page of a list, and where the next one begins: null at the end."""

    items: list[Item]
    next: str | None = Field(description="Give it as `cursor` for the next page; null at the end.")


Rows = Page[dict[str, Any]]
"""A page of rows by column."""


def page_of(
    rows: "QuerySet[Row]",
    write: Callable[[Row], Any],
    *,
    cursor: str | None,
    limit: int,
    key: str = "pk",
    is_last_first: bool = False,
) -> dict[str, Any]:
    """Answer a page of rows in the order of a key (the primary one unless told), after the cursor."""
    if cursor is not None:
        after = _after(rows.model, key, _read(cursor))
        rows = rows.filter(**{f"{key}__{'lt' if is_last_first else 'gt'}": after})
    found = list(rows.order_by(f"-{key}" if is_last_first else key)[: limit + 1])
    shown = found[:limit]
    more = _written(getattr(shown[-1], key)) if len(found) > limit else None
    return {"items": [write(row) for row in shown], "next": more}


def slice_of(frame: pl.DataFrame, *, cursor: str | None, limit: int) -> dict[str, Any]:
    """Answer a page of rows that are computed whole: the cursor counts them."""
    begin = _begin(cursor)
    more = _written(begin + limit) if frame.height > begin + limit else None
    return {"items": rows_of(frame.slice(begin, limit)), "next": more}


def slice_of_list(items: Sequence[Any], *, cursor: str | None, limit: int) -> dict[str, Any]:
    """Answer a page of items that are there whole: the cursor counts them."""
    begin = _begin(cursor)
    more = _written(begin + limit) if len(items) > begin + limit else None
    return {"items": list(items[begin : begin + limit]), "next": more}


def _begin(cursor: str | None) -> int:
    """Read how many items the pages before had."""
    read = [0] if cursor is None else _read(cursor)
    if len(read) != 1 or not isinstance(read[0], int) or not 0 <= read[0] < 2**40:
        raise _refused()
    return read[0]


AT_ONCE = 100
"""So many people are computed at least; more where these have too few rows for a page."""


def slice_of_people(
    people: QuerySet[Person],
    compute: Callable[[list[int]], pl.DataFrame],
    *,
    cursor: str | None,
    limit: int,
) -> dict[str, Any]:
    """Answer a page of rows that are computed of people: only those whose rows it shows are looked at.

    compute: answers the rows of some people, with person_id; those of one are always in the same order. The
    cursor says with whom to go on, and how many of his rows were shown.
    """
    begin, skipped = _place(cursor)
    parts: list[pl.DataFrame] = []
    left, at_once = limit, max(limit, AT_ONCE)
    while True:
        ids = list(people.filter(pk__gte=begin).order_by("pk").values_list("pk", flat=True)[:at_once])
        if not ids:
            return _joined(parts, None)
        rows = compute(ids).sort("person_id", maintain_order=True)
        rows = rows.slice(min(skipped, rows.filter(person_id=begin).height))
        parts.append(rows.head(left))
        if rows.height > left:
            person = rows["person_id"][left]
            shown = rows.head(left).filter(person_id=person).height
            return _joined(parts, [person, shown + (skipped if person == begin else 0)])
        left, begin, skipped = left - rows.height, ids[-1] + 1, 0
        if len(ids) < at_once:
            return _joined(parts, None)
        if not left:
            return _joined(parts, [begin, 0])
        at_once *= 2


def _place(cursor: str | None) -> tuple[int, int]:
    read = [0, 0] if cursor is None else _read(cursor)
    if len(read) != 2 or not all(isinstance(one, int) and 0 <= one < 2**40 for one in read):
        raise _refused()
    return read[0], read[1]


def _joined(parts: list[pl.DataFrame], key: list[int] | None) -> dict[str, Any]:
    rows = rows_of(pl.concat(parts)) if parts else []
    return {"items": rows, "next": None if key is None else _written(tuple(key))}


def _written(key: Any) -> str:
    parts = list(key) if isinstance(key, tuple) else [key]
    return base64.urlsafe_b64encode(json.dumps(parts, default=str).encode()).decode().rstrip("=")


def _read(cursor: str) -> list[Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise _refused() from None
    if not isinstance(found, list) or not all(isinstance(part, str | int) for part in found):
        raise _refused()
    return found


def _after(model: type[Model], key: str, parts: list[Any]) -> Any:
    """Read the parts of a key as its fields hold them."""
    if key == "pk" and isinstance(model._meta.pk, CompositePrimaryKey):
        fields = [model._meta.get_field(name) for name in model._meta.pk.field_names]
    else:
        fields = [model._meta.pk if key == "pk" else model._meta.get_field(key)]
    if len(parts) != len(fields):
        raise _refused()
    try:
        read = [field.to_python(part) for field, part in zip(fields, parts, strict=True)]
    except ValidationError:
        raise _refused() from None
    if any(isinstance(part, int) and abs(part) >= 2**63 for part in read) or "\0" in str(read):
        raise _refused()
    return tuple(read) if len(read) > 1 else read[0]


def _refused() -> Problem:
    return Problem(
        422, "not-valid", "expected `next` of an answer as the cursor, found another text; begin without one"
    )
