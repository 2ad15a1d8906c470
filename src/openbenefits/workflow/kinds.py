"""Kinds of record that channels watch: each floor declares its own, higher ones by `register`.

A kind says where its records stand, what their fields are, and which other records hang on them. What is
read is SQL of ours; channels name kinds and fields only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import polars as pl

from openbenefits.accounts.roles import Permission
from openbenefits.workflow import frames


class FieldType(StrEnum):
    """What values a field has."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"  # cents
    DAY = "day"
    FLAG = "flag"


POLARS = {
    FieldType.TEXT: pl.String(),
    FieldType.NUMBER: pl.Int64(),
    FieldType.MONEY: pl.Int64(),
    FieldType.DAY: pl.Date(),
    FieldType.FLAG: pl.Boolean(),
}


@dataclass(frozen=True)
class Field:
    """A field of a kind of record.

    path: SQL of its value; empty: the column of the same name of the record's row, `t`.
    guard: what one must be allowed to read it; what has one is never put into a text a channel writes.
    is_now: it says what holds now even where the record is read as it was known at a moment.
    """

    title: str
    type: FieldType = FieldType.TEXT
    path: str = ""
    guard: Permission | None = None
    is_now: bool = False


@dataclass(frozen=True)
class Related:
    """Another record that hangs on a record: its kind, and the field of this one that holds its key."""

    kind: str
    by: str


@dataclass(frozen=True, kw_only=True)
class RecordKind:
    """A kind of record that may trigger a channel.

    table:    where a record is a row with `id` and `client_id`, as `t`, whose past rows are kept
              (`triggers.keep`); nothing else is to be said then.
    source:   where more is to be read: what follows `FROM asked AS a`, SQL that brings a row for each
              `a.key`, as it was known at `a.known` and stands on the day `a.today`.
    client, person, active: SQL of whose it is, whom it is about (NULL: nobody), whether it counts.
    ended:    SQL of whether it is done with: then open tickets about it are closed.
    subject:  SQL of its natural key, as pages, commands and tickets about it name it.
    everyone: SQL of all keys of %(client)s, in a column `key`; without it no channel of the kind is
              scheduled.
    history:  SQL of what changed of %(client)s after %(begin)s and until %(end)s: `key`, from when (`began`)
              to when (`at`) it did, `pipeline`; of a table it follows from its past rows. With one,
              `source` honours `a.known`, and the test bench can look back.
    link:     the name of the page of the workbench that shows a record.
    guard:    what one must be allowed to see that there is such a record.
    """

    name: str
    title: str
    fields: Mapping[str, Field]
    table: str = ""
    source: str = ""
    client: str = "t.client_id"
    person: str = "NULL"
    active: str = "true"
    ended: str = "false"
    subject: str = "a.key"
    everyone: str = ""
    history: str = ""
    related: Mapping[str, Related] = field(default_factory=lambda: MappingProxyType({}))
    link: str = ""
    guard: Permission | None = None

    @property
    def rows(self) -> str:
        """Answer what follows `FROM asked AS a`."""
        return self.source or f"JOIN {frames.then(self.table)} ON true"

    @property
    def population(self) -> str:
        """Answer the SQL of all keys of a client; empty where there is none."""
        if self.everyone or not self.table:
            return self.everyone
        return f"SELECT t.id::text AS key FROM {self.table} AS t WHERE {self.client} = %(client)s"  # noqa: S608 - names of ours

    @property
    def changes(self) -> str:
        """Answer the SQL of what changed of a client; empty where nothing says it."""
        return self.history or (frames.kept_changes(self.table) if self.table else "")

    @property
    def has_history(self) -> bool:
        """Whether a record can be read as it was known at a moment."""
        return bool(self.changes)

    def path(self, name: str) -> str:
        """Answer the SQL of a field's value."""
        return self.fields[name].path or f"t.{name}"


class KindUnknown(LookupError):
    """A kind of record, or a field of one, that nobody declared: what was expected, what was found."""


KINDS: dict[str, RecordKind] = {}


def register(kind: RecordKind) -> None:
    """Declare a kind of record; to declare the same again changes nothing.

    Errors: ValueError where another one has its name, or a related record hangs on a field it does not have.
    """
    if KINDS.get(kind.name, kind) != kind:
        raise ValueError(f"expected one kind of record of the name '{kind.name}', found two; rename one")
    if bad := [one.by for one in kind.related.values() if one.by not in kind.fields]:
        raise ValueError(f"expected a field of '{kind.name}', found '{bad[0]}'; declare it")
    if not (kind.table or kind.source):
        raise ValueError(f"expected a table or a source of '{kind.name}', found none; state one")
    KINDS[kind.name] = kind


def kind_of(name: str) -> RecordKind:
    """Find a kind of record.

    Errors: KindUnknown.
    """
    if name not in KINDS:
        raise KindUnknown(f"expected one of {', '.join(sorted(KINDS))}, found '{name}'")
    return KINDS[name]


def field_of(kind: RecordKind, source: str, name: str) -> Field:
    """Find a field of a record (`record`) or of one that hangs on it, by the name of the relation.

    Errors: KindUnknown, naming what there is.
    """
    if source in ("", "record"):
        owner = kind
    elif source in kind.related:
        owner = kind_of(kind.related[source].kind)
    else:
        raise KindUnknown(f"expected one of {', '.join(('record', *kind.related))}, found '{source}'")
    if name not in owner.fields:
        raise KindUnknown(f"expected a field of {owner.name} ({', '.join(owner.fields)}), found '{name}'")
    return owner.fields[name]
