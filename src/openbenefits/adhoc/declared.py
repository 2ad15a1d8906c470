"""What may be asked for: subjects and their fields, declared as data.

All SQL of an ad hoc report is written here and in `subjects`; what people state only picks from it, or is a
parameter. In the SQL, `t` is the subject's own row; %(as_of)s is the day the report speaks of.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import polars as pl

from openbenefits.accounts.roles import Permission


class Kind(StrEnum):
    """What the values of a field are."""

    TEXT = "text"
    CODE = "code"  # one of a list of words
    NUMBER = "number"
    MONEY = "money"  # cents
    DAY = "day"
    MOMENT = "moment"
    FLAG = "flag"


STORED = {
    Kind.TEXT: ("text", pl.String()),
    Kind.CODE: ("text", pl.String()),
    Kind.NUMBER: ("bigint", pl.Int64()),
    Kind.MONEY: ("bigint", pl.Int64()),
    Kind.DAY: ("date", pl.Date()),
    Kind.MOMENT: ("timestamptz", pl.Datetime("us", "UTC")),
    Kind.FLAG: ("boolean", pl.Boolean()),
}
"""As what a field comes from the database, and into a frame."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column that may be asked for.

    sql:   an expression over `t` and the joins it needs. needs: the names of these joins.
    guard: what one must be allowed, client by client, to see it; without it the value is not known.
    words: what the codes are called.
    """

    name: str
    title: str
    sql: str
    kind: Kind = Kind.TEXT
    needs: tuple[str, ...] = ()
    guard: Permission | None = None
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Join:
    """A table beside the subject's own, by its name; it adds no row and takes none away."""

    name: str
    sql: str
    needs: tuple[str, ...] = ()


Rows = Callable[[Any, int, Any], pl.DataFrame]
"""Computes the rows of a subject that is stored nowhere: connection, client, day."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a report is about, a row each.

    source: what stands after FROM, with client_id, named `t`. fields: by name, in the order of the lists.
    first:  the fields a new report begins with.
    rows:   where the subject is computed: of one client only, put into a temporary table of `columns`.
    """

    name: str
    title: str
    says: str
    source: str
    fields: Mapping[str, Field]
    joins: Mapping[str, Join]
    first: tuple[str, ...]
    rows: Rows | None = None
    columns: Mapping[str, pl.DataType] = field(default_factory=dict)


def subject(
    name: str,
    title: str,
    says: str,
    source: str,
    fields: tuple[Field, ...],
    joins: tuple[Join, ...],
    *,
    first: tuple[str, ...],
    rows: Rows | None = None,
    columns: Mapping[str, pl.DataType] | None = None,
) -> Subject:
    """Declare a subject, its fields and joins by name.

    Errors: ValueError where a field has the name of another, or needs a join there is not.
    """
    by_name = {one.name: one for one in fields}
    joined = {one.name: one for one in joins}
    needed = {need for known in fields for need in known.needs}
    needed |= {need for join in joins for need in join.needs}
    if len(by_name) < len(fields) or not needed <= set(joined) or not set(first) <= set(by_name):
        raise ValueError(f"the declaration of {name} does not hold together")
    return Subject(
        name=name,
        title=title,
        says=says,
        source=source,
        fields=by_name,
        joins=joined,
        first=first,
        rows=rows,
        columns=columns or {},
    )
