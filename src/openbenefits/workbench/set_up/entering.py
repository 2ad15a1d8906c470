"""The form of any record: made from its type, filled with what it says or what was typed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.programs.drafts.entries import MOST_ROWS, Faults, is_inline, text_of
from openbenefits.programs.drafts.records import Plain
from openbenefits.programs.drafts.shapes import Field, Kind, fields_of
from openbenefits.programs.findings import Finding
from openbenefits.workbench.set_up.showing import name_of, table_of
from openbenefits.workbench.set_up.words import Words, label_of

SPARE_ROWS = 1
_PLACE = re.compile(r"\[([^\]]*)\]")
HELP: dict[Kind, Words] = {
    Kind.LISTED: _("Several, separated by commas."),
    Kind.PAIRS: _("A line for each: name: value."),
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A field as it is entered.

    name: of the input; element: its id; choices: what a list offers; suggested: the section whose codes are.
    """

    name: str
    element: str
    label: Words
    kind: str
    text: str = ""
    choices: Sequence[tuple[str, str]] = ()
    suggested: str = ""
    is_required: bool = False
    help: Words = ""
    fault: str = ""
    told: Sequence[str] = ()  # what the check says of it


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a table that is entered: its fields, and its place."""

    name: str
    entries: Sequence[Entry]
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class Block:
    """A part of the form: a record inside the record, a table of rows, or records with pages of their own."""

    name: str
    label: Words
    kind: str  # fields, rows, links
    entries: Sequence[Entry] = ()
    rows: Sequence[Row] = ()
    count: int = 0
    links: Sequence[Mapping[str, Any]] = ()
    table: Any = None


@dataclass(frozen=True, kw_only=True)
class Form:
    """The fields of a record, then its blocks; `suggestions`: the codes of each section that is named."""

    entries: Sequence[Entry]
    blocks: Sequence[Block]
    faults: Sequence[str] = field(default_factory=tuple)

    @property
    def told_texts(self) -> set[str]:
        """Answer what the check says of single fields, and stands beside them."""
        return {text for one in self._everything for text in one.told}

    @property
    def _everything(self) -> list[Entry]:
        held = [*self.entries, *(one for block in self.blocks for one in block.entries)]
        return held + [one for block in self.blocks for row in block.rows for one in row.entries]

    @property
    def sections(self) -> list[str]:
        """Answer the sections whose codes are offered."""
        return sorted({one.suggested for one in self._everything if one.suggested})


Told = Mapping[str, Sequence[str]]
"""What the check says of each field, by the name of its input."""


def told_of(found: Sequence[Finding], place: str) -> Told:
    """Sort findings to the fields of the record at a place, by what a finding says where it is."""
    told: dict[str, list[str]] = {}
    for one in found:
        if one.where.startswith(f"{place}."):
            name = _PLACE.sub(r".\1", one.where.removeprefix(f"{place}."))
            told.setdefault(name, []).append(one.sentence())
    return told


def form_of(
    record_type: type[msgspec.Struct],
    record: Plain,
    *,
    faults: Faults,
    posted: Mapping[str, str] | None = None,
    told: Told | None = None,
) -> Form:
    """Make the form of a record; after a fault it holds what was typed."""
    entries, blocks = [], []
    named: set[str] = set()
    for one in fields_of(record_type):
        value = record.get(one.name, one.default)
        if not one.is_nested:
            entry = _entry(one, value, "", faults, posted)
            entries.append(replace(entry, told=(told or {}).get(entry.name, ())))
            named.add(one.name)
        elif is_inline(one):
            blocks.append(_inline(one, value, faults, posted))
            named |= {entry.name for entry in _entries_in(blocks[-1])}
        else:
            blocks.append(_linked(one, value))
    rest = [f"{name}: {fault}" if name else fault for name, fault in faults.items() if name not in named]
    return Form(entries=entries, blocks=blocks, faults=rest)


def _entries_in(block: Block) -> list[Entry]:
    return [*block.entries, *(one for row in block.rows for one in row.entries)]


def _entry(one: Field, value: Any, prefix: str, faults: Faults, posted: Mapping[str, str] | None) -> Entry:
    name = prefix + one.name
    text = posted.get(name, "") if posted is not None else text_of(one, value)
    choices: list[tuple[str, str]] = []
    if one.kind is Kind.CHOICE:
        choices = [(choice, choice.replace("_", " ")) for choice in one.choices]
    elif one.kind is Kind.FLAG and one.optional:
        choices = [("yes", str(_("yes"))), ("no", str(_("no")))]
    elif one.name in ("plan_type",) and one.kind is Kind.TEXT:
        choices = [(code, f"{code} {named}") for code, named in PLAN_TYPES.items() if code != "01"]
    if choices and (one.optional or not one.required or (text and text not in dict(choices))):
        extra = [] if not text or text in dict(choices) else [(text, text)]
        choices = [*([("", "–")] if one.optional else []), *extra, *choices]
    elif choices and not text:
        choices = [("", "–"), *choices]
    return Entry(
        name=name,
        element="f-" + name.replace(".", "-"),
        label=label_of(one.name),
        kind="choice" if choices else _INPUTS.get(one.kind, "text"),
        text=text,
        choices=choices,
        suggested="" if choices else one.names,
        is_required=one.required and not one.optional and one.kind is not Kind.FLAG,
        help=HELP.get(one.kind, ""),
        fault=faults.get(name, ""),
    )


_INPUTS = {
    Kind.FLAG: "flag",
    Kind.DAY: "date",
    Kind.PAIRS: "lines",
    Kind.NUMBER: "number",
    Kind.WHOLE: "number",
}


def _inline(one: Field, value: Any, faults: Faults, posted: Mapping[str, str] | None) -> Block:
    """A record or a table that is entered with the record that holds it."""
    assert one.item is not None  # noqa: S101 - a nested field has a type
    inner = fields_of(one.item)
    if one.kind is Kind.RECORD:
        entries = [
            _entry(field, (value or {}).get(field.name), f"{one.name}.", faults, posted) for field in inner
        ]
        return Block(name=one.name, label=label_of(one.name), kind="fields", entries=entries)
    held = _rows(one, value)
    count = len(held) + SPARE_ROWS
    if posted is not None and posted.get(f"{one.name}.count", "").isdecimal():
        count = min(int(posted[f"{one.name}.count"]), MOST_ROWS) + (posted.get("more") == one.name)
    rows = []
    for place in range(count):
        row = held[place] if place < len(held) else None
        prefix = f"{one.name}.{place}."
        entries = [
            _entry(field, row.get(field.name, field.default) if row else _new(field), prefix, faults, posted)
            for field in inner
        ]
        if one.kind is Kind.NAMED_RECORDS:
            text = posted.get(f"{prefix}key", "") if posted is not None else (row or {}).get("key", "")
            entries = [_key_entry(f"{prefix}key", text, faults), *entries]
        rows.append(Row(name=prefix, entries=entries, is_new=row is None))
    return Block(name=one.name, label=label_of(one.name), kind="rows", rows=rows, count=count)


def _key_entry(name: str, text: str, faults: Faults) -> Entry:
    """The name of a record that has one instead of a code."""
    element = "f-" + name.replace(".", "-")
    return Entry(
        name=name, element=element, label=_("Kind"), kind="text", text=text, fault=faults.get(name, "")
    )


def _new(one: Field) -> Any:
    """What stands in a row that is not filled yet."""
    return one.default if one.kind in (Kind.CHOICE, Kind.FLAG) else None


def _rows(one: Field, value: Any) -> list[Plain]:
    if one.kind is Kind.NAMED_RECORDS:
        return [{"key": key, **row} for key, row in (value or {}).items()]
    return list(value or ())


def _linked(one: Field, value: Any) -> Block:
    """Records with pages of their own: a table of what they say, and a link to each."""
    assert one.item is not None  # noqa: S101 - a nested field has a type
    if one.kind is Kind.RECORD:
        links = [{"at": one.name, "text": label_of(one.name), "is_given": value is not None}]
        return Block(name=one.name, label=label_of(one.name), kind="link", links=links)
    if one.kind is Kind.NAMED_RECORDS:
        links = [{"at": f"{one.name}.{key}", "text": key} for key in value or {}]
        return Block(name=one.name, label=label_of(one.name), kind="links", links=links, count=len(links))
    rows = _rows(one, value)
    links = [
        {"at": f"{one.name}.{place}", "text": name_of(row) or str(place + 1), "place": place}
        for place, row in enumerate(rows)
    ]
    table = table_of(one.item, rows, lambda _section, _code: None, label=label_of(one.name))
    return Block(
        name=one.name, label=label_of(one.name), kind="links", links=links, count=len(rows), table=table
    )
