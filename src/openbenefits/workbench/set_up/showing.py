"""A record as people read it: what it says, in words, with links to the records it names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.programs.drafts.reading import label_of as code_of
from openbenefits.programs.drafts.records import Plain
from openbenefits.programs.drafts.shapes import Field, Kind, fields_of, is_flat, is_shallow
from openbenefits.workbench.set_up.words import Words, label_of

ANY: dict[str, Words] = {"event_class": gettext_lazy("all others"), "coverage_code": gettext_lazy("any")}
"""What a blank means in fields where it is no lack."""

Link = Callable[[str, str], str | None]
"""Answers the address of a record: section, code."""


@dataclass(frozen=True)
class Piece:
    """A value, or a part of one, and where it leads."""

    text: str
    href: str | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """Records of one type as a table; columns that no record fills are left out."""

    label: Words
    headings: Sequence[Words]
    rows: Sequence[Sequence[Sequence[Piece]]]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A record: values it states, tables and records inside it; and what is left at its default."""

    title: str
    values: Sequence[tuple[Words, Sequence[Piece]]] = ()
    tables: Sequence[Table] = ()
    records: Sequence["Shown"] = ()
    defaults: Sequence[tuple[Words, str]] = field(default_factory=tuple)
    summary: str = ""


def shown(record_type: type[msgspec.Struct], record: Plain, link: Link, *, title: str = "") -> Shown:
    """Show a record: what is stated first, what is left at its default apart."""
    values: list[tuple[Words, Sequence[Piece]]] = []
    tables: list[Table] = []
    records: list[Shown] = []
    defaults: list[tuple[Words, str]] = []
    for one in fields_of(record_type):
        value = record.get(one.name, one.default)
        if not one.required and value == one.default:
            defaults.append((label_of(one.name), text_of(one, value)))
        elif one.kind in (Kind.RECORDS, Kind.NAMED_RECORDS):
            rows = _rows(one, value)
            if one.item is not None and is_shallow(one.item):
                tables.append(table_of(one.item, rows, link, label=label_of(one.name)))
            elif one.item is not None:
                records += [shown(one.item, row, link, title=name_of(row, one)) for row in rows]
        elif one.kind is Kind.RECORD and one.item is not None:
            records.append(shown(one.item, value, link, title=str(label_of(one.name))))
        else:
            values.append((label_of(one.name), pieces_of(one, value, link)))
    return Shown(title=title, values=values, tables=tables, records=records, defaults=defaults)


def table_of(item: type[msgspec.Struct], rows: Sequence[Plain], link: Link, *, label: Words) -> Table:
    """Put records side by side; fields that all leave at their default make no column."""
    used = [
        one
        for one in fields_of(item)
        if one.required or any(row.get(one.name, one.default) != one.default for row in rows)
    ]
    first = [one for one in used if one.name in ("code", "event_class", "coverage_code", "plan_type")]
    columns = [*first, *(one for one in used if one not in first)]
    cells = [[pieces_of(one, row.get(one.name, one.default), link) for one in columns] for row in rows]
    return Table(label=label, headings=[label_of(one.name) for one in columns], rows=cells)


def name_of(record: Plain, one: Field | None = None) -> str:
    """Name a record inside another: its code, with the plan type in words."""
    plan_type = record.get("plan_type")
    if plan_type:
        return f"{plan_type} {PLAN_TYPES.get(plan_type, '')}".strip()
    return code_of(record) or (str(label_of(one.name)) if one else "")


def pieces_of(one: Field, value: Any, link: Link) -> list[Piece]:
    """Say a value, with links where it names records."""
    if value is None or value == "":
        return [Piece(str(ANY[one.name]))] if value == "" and one.name in ANY else []
    if one.kind is Kind.RECORD and one.item is not None:
        return _inside(one, [value], link)
    if one.kind in (Kind.RECORDS, Kind.NAMED_RECORDS):
        return _inside(one, _rows(one, value), link)
    if one.names and one.kind is Kind.PAIRS:
        return [Piece(f"{key}: {_listed(held)}", link(one.names, key)) for key, held in value.items()]
    if one.names:
        codes = value if isinstance(value, list) else [value]
        return [Piece(str(code), link(one.names, str(code))) for code in codes]
    return [Piece(text_of(one, value))]


def _inside(one: Field, rows: Sequence[Plain], link: Link) -> list[Piece]:
    """Say short records inside a cell: what they state."""
    found: list[Piece] = []
    for row in rows:
        for inner in fields_of(one.item) if one.item is not None else ():
            value = row.get(inner.name, inner.default)
            if value != inner.default or inner.required:
                pieces = pieces_of(inner, value, link)
                found += [Piece(f"{label_of(inner.name)}: {piece.text}", piece.href) for piece in pieces]
    return found


def text_of(one: Field, value: Any) -> str:
    """Say a single value in words; a dash for none."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return _listed(value)
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_listed(held)}" for key, held in value.items())
    if one.name == "plan_type":
        return f"{value} {PLAN_TYPES.get(value, '')}".strip()
    return str(value).replace("_", " ") if one.kind is Kind.CHOICE else str(value)


def _listed(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or str(_("all"))
    return str(value)


def _rows(one: Field, value: Any) -> list[Plain]:
    if one.kind is Kind.NAMED_RECORDS:
        return [{"code": key, **row} for key, row in (value or {}).items()]
    return list(value or ())


__all__ = ["Link", "Piece", "Shown", "Table", "is_flat", "name_of", "shown", "table_of", "text_of"]
