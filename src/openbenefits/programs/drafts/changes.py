"""Changes of a draft: what each record was and shall be, put upon whatever set-up is in force.

A change names the record as it was when it was first touched. Where the set-up in force has another one by
now, the two are in conflict: nothing is written over until a person has said which shall hold.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from openbenefits.programs.drafts.records import (
    Key,
    Plain,
    find,
    key_text,
    kind_of,
    mark_of,
    records_of,
    sections_of,
    single_sections,
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One record, as it was (None: there was none) and as it shall be (None: it goes)."""

    section: str
    key: Key
    was: Plain | None
    record: Plain | None

    @property
    def says(self) -> str:
        """What is done to the record, in a word."""
        if self.was is None:
            return "new"
        return "gone" if self.record is None else "changed"


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """One CSV file: the mark of what it was ('' = there was none), and its text (None: it goes)."""

    name: str
    was: str
    text: str | None


@dataclass(frozen=True, kw_only=True)
class Changes:
    """All changes of a draft. `orders`: the keys of a section in the order they shall stand in."""

    records: Sequence[Change] = ()
    files: Sequence[FileChange] = ()
    orders: Mapping[str, Sequence[Key]] | None = None

    def __bool__(self) -> bool:
        return bool(self.records or self.files or self.orders)


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A record or file that somebody else changed since the draft did; `key` None: a file of the name."""

    section: str
    key: Key | None
    theirs: Plain | None
    mine: Plain | None

    @property
    def name(self) -> str:
        return self.section if self.key is None else f"{self.section}[{key_text(self.key)}]"


def text_mark(text: str | None) -> str:
    """Answer a short text that is the same for the same file only; '' for none."""
    return "" if text is None else sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def with_record(changes: Changes, base: Plain, section: str, key: Key, record: Plain | None) -> Changes:
    """Change a record; what becomes again as it was in the base is no change."""
    before = next((one for one in changes.records if (one.section, one.key) == (section, key)), None)
    was = before.was if before else find(base, section, key)
    others = [one for one in changes.records if one is not before]
    if mark_of(was) == mark_of(record):
        return replace(changes, records=others)
    return replace(changes, records=[*others, Change(section=section, key=key, was=was, record=record)])


def with_file(changes: Changes, base_files: Mapping[str, str], name: str, text: str | None) -> Changes:
    """Change a CSV file; None takes it out."""
    before = next((one for one in changes.files if one.name == name), None)
    was = before.was if before else text_mark(base_files.get(name))
    others = [one for one in changes.files if one.name != name]
    if text_mark(text) == was:
        return replace(changes, files=others)
    return replace(changes, files=[*others, FileChange(name=name, was=was, text=text)])


def between(old: Plain, old_files: Mapping[str, str], new: Plain, new_files: Mapping[str, str]) -> Changes:
    """Find the changes that lead from one bundle to another, the order of their records included."""
    kind = kind_of(new)
    found = Changes()
    orders: dict[str, list[Key]] = {}
    for section in sections_of(kind):
        before, after = (dict(records_of(parts, section)) for parts in (old, new))
        for key in dict.fromkeys([*before, *after]):
            found = with_record(found, old, section, key, after.get(key))
        is_new_order = [key for key in before if key in after] + [key for key in after if key not in before]
        if section not in single_sections(kind) and is_new_order != list(after):
            orders[section] = list(after)
    for name in dict.fromkeys([*old_files, *new_files]):
        found = with_file(found, old_files, name, new_files.get(name))
    return replace(found, orders=orders or None)


def conflicts(changes: Changes, parts: Plain, files: Mapping[str, str]) -> Iterator[Conflict]:
    """List what is neither as the draft found it nor as the draft wants it."""
    for one in changes.records:
        now = find(parts, one.section, one.key)
        if mark_of(now) not in (mark_of(one.was), mark_of(one.record)):
            yield Conflict(section=one.section, key=one.key, theirs=now, mine=one.record)
    for file in changes.files:
        if text_mark(files.get(file.name)) not in (file.was, text_mark(file.text)):
            yield Conflict(section=file.name, key=None, theirs=None, mine=None)


def resolved(
    changes: Changes, parts: Plain, files: Mapping[str, str], conflict: Conflict, *, keeps_mine: bool
) -> Changes:
    """Settle a conflict: what the draft says holds, knowing the other; or the draft gives it up."""
    if conflict.key is None:
        others = [one for one in changes.files if one.name != conflict.section]
        mine = [
            replace(one, was=text_mark(files.get(one.name)))
            for one in changes.files
            if one.name == conflict.section and keeps_mine
        ]
        return replace(changes, files=[*others, *mine])
    place = (conflict.section, conflict.key)
    kept = [one for one in changes.records if (one.section, one.key) != place]
    own = [
        replace(one, was=find(parts, *place))
        for one in changes.records
        if (one.section, one.key) == place and keeps_mine
    ]
    return replace(changes, records=[*kept, *own])


def applied(changes: Changes, parts: Plain, files: Mapping[str, str]) -> tuple[Plain, dict[str, str]]:
    """Put changes upon a bundle: its sections and its files as they shall be.

    A changed record keeps its place, a new one stands last, unless the draft says the order.
    """
    kind = kind_of(parts)
    singles = single_sections(kind)
    orders = changes.orders or {}
    after = dict(parts)
    for section in dict.fromkeys([*(one.section for one in changes.records), *orders]):
        rows: dict[Key, Plain] = dict(records_of(parts, section))
        for one in changes.records:
            if one.section == section and one.record is None:
                rows.pop(one.key, None)
            elif one.section == section and one.record is not None:
                rows[one.key] = one.record
        after[section] = (
            next(iter(rows.values()), None) if section in singles else _in_order(rows, orders.get(section))
        )
    texts = dict(files)
    for file in changes.files:
        if file.text is None:
            texts.pop(file.name, None)
        else:
            texts[file.name] = file.text
    return after, texts


def _in_order(rows: Mapping[Key, Plain], order: Sequence[Key] | None) -> list[Plain]:
    places = {key: place for place, key in enumerate(order or ())}
    return [rows[key] for key in sorted(rows, key=lambda key: places.get(key, len(places)))]


def to_rows(changes: Changes) -> tuple[list[Plain], dict[str, Any], dict[str, Any]]:
    """Write changes as a draft keeps them: records, orders, files."""
    records = [
        {"section": one.section, "key": list(one.key), "was": one.was, "record": one.record}
        for one in changes.records
    ]
    orders = {section: [list(key) for key in keys] for section, keys in (changes.orders or {}).items()}
    return records, orders, {one.name: {"was": one.was, "text": one.text} for one in changes.files}


def from_rows(
    records: Sequence[Plain], orders: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]
) -> Changes:
    """Read changes as a draft keeps them."""
    return Changes(
        records=[Change(**{**one, "key": tuple(one["key"])}) for one in records],
        files=[FileChange(name=name, **one) for name, one in files.items()],
        orders={section: [tuple(key) for key in keys] for section, keys in orders.items()} or None,
    )
