"""A query as SQL: put together from the declaration alone; every value somebody stated is a parameter."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from psycopg import sql

from openbenefits.accounts.roles import Permission
from openbenefits.adhoc.declared import STORED, Field, Join, Kind, Subject
from openbenefits.adhoc.operators import OPERATORS, values_of
from openbenefits.adhoc.query import Aggregate, Query, output_name, outputs_of, subject_of

Clients = Sequence[int] | None
"""Clients by number; None: every one there is."""


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """A statement, its parameters by name, and the columns it answers."""

    statement: sql.Composed
    unsorted: sql.Composed
    params: Mapping[str, Any]
    schema: Mapping[str, pl.DataType]


def compiled(
    query: Query, *, as_of: date, clients: Clients, guarded: Mapping[Permission, Clients]
) -> Compiled:
    """Write a checked query as a statement.

    clients: whose rows. guarded: of which clients the reader may see what a permission guards; elsewhere such
             a field is not known, also to conditions, groups and sorting.
    """
    builder = _Builder(subject_of(query), guarded)
    inner = builder.select(query)
    order = _order(query)
    statement = sql.SQL("SELECT * FROM ({}) AS found{}").format(inner, order)
    params = {"as_of": query.as_of or as_of, "clients": None if clients is None else list(clients)}
    schema = {one.name: STORED[one.kind][1] for one in outputs_of(query)}
    return Compiled(statement=statement, unsorted=inner, params=params | builder.params, schema=schema)


def counted(found: Compiled) -> sql.Composed:
    """Write the statement that counts the rows of another."""
    return sql.SQL("SELECT count(*) AS rows FROM ({}) AS counted").format(found.unsorted)


def paged(found: Compiled, *, first: int, most: int) -> sql.Composed:
    """Write a statement for some of the rows of another, in its order."""
    return sql.SQL("{} LIMIT {} OFFSET {}").format(found.statement, sql.Literal(most), sql.Literal(first))


class _Builder:
    """Writes one query; remembers the joins and parameters it came to need."""

    def __init__(self, subject: Subject, guarded: Mapping[Permission, Clients]) -> None:
        self.subject, self.guarded = subject, guarded
        self.params: dict[str, Any] = {}
        self.joins: dict[str, Join] = {}

    def select(self, query: Query) -> sql.Composed:
        fields = self.subject.fields
        names = query.groups if query.is_grouped else query.columns
        columns = [self._named(self.expression(fields[name]), name) for name in names]
        columns += [self._named(self._aggregate(one), output_name(one)) for one in query.aggregates]
        conditions = [self._mine()] + [
            self._condition(fields[one.field], one.operator, one.values) for one in query.filters
        ]
        grouped = self._grouped(query)
        return sql.SQL("SELECT {} FROM {} AS t {} WHERE {}{}").format(
            sql.SQL(", ").join(columns),
            sql.SQL(self.subject.source),  # of the declaration
            sql.SQL(" ").join(sql.SQL(join.sql) for join in self.joins.values()),
            sql.SQL(" AND ").join(conditions),
            grouped,
        )

    def expression(self, field: Field) -> sql.Composed:
        """Write a field in the type it is answered in; not known where it is guarded."""
        self._need(field.needs)
        written = sql.SQL("({})::{}").format(sql.SQL(field.sql), sql.SQL(STORED[field.kind][0]))
        if field.guard is None:
            return written
        name = f"may_{field.guard.name.lower()}"
        allowed = self.guarded.get(field.guard, ())
        if allowed is None:
            return written
        self.params[name] = list(allowed)
        return sql.SQL("(CASE WHEN t.client_id = ANY ({}::int[]) THEN {} END)").format(
            sql.Placeholder(name), written
        )

    def _need(self, names: Iterable[str]) -> None:
        for name in names:
            join = self.subject.joins[name]
            self._need(join.needs)
            self.joins.setdefault(name, join)

    def _mine(self) -> sql.Composable:
        return sql.SQL("(%(clients)s::int[] IS NULL OR t.client_id = ANY (%(clients)s::int[]))")

    def _condition(self, field: Field, operator: str, texts: Sequence[str]) -> sql.Composed:
        asked = OPERATORS[operator]
        parts: list[sql.Composable] = [self.expression(field)]
        kind = "integer" if asked.is_days else STORED[field.kind][0]
        for value in values_of(asked, field, texts):
            name = f"v{len(self.params)}"
            self.params[name] = value
            many = "[]" if isinstance(value, list) else ""
            parts.append(sql.SQL("{}::{}").format(sql.Placeholder(name), sql.SQL(kind + many)))
        return sql.SQL("({})").format(sql.SQL(asked.sql).format(*parts))

    def _aggregate(self, one: Aggregate) -> sql.Composable:
        if one.function == "count" or one.field is None:
            return sql.SQL("count(*)")
        field = self.subject.fields[one.field]
        expression = self.expression(field)
        if one.function == "distinct":
            return sql.SQL("count(DISTINCT {})").format(expression)
        kind = "bigint" if field.kind in (Kind.NUMBER, Kind.MONEY) else STORED[field.kind][0]
        function = {"sum": "sum", "min": "min", "max": "max"}[one.function]
        return sql.SQL("{}({})::{}").format(sql.SQL(function), expression, sql.SQL(kind))

    def _grouped(self, query: Query) -> sql.Composable:
        if not query.groups:
            return sql.SQL("")
        places = [sql.SQL(str(number)) for number in range(1, len(query.groups) + 1)]
        return sql.SQL(" GROUP BY {}").format(sql.SQL(", ").join(places))

    @staticmethod
    def _named(expression: sql.Composable, name: str) -> sql.Composed:
        return sql.SQL("{} AS {}").format(expression, sql.Identifier(name))


def _order(query: Query) -> sql.Composable:
    """Sort as asked, then by all columns from the left, so that pages never overlap. Texts byte by byte."""
    outputs = {one.name: one.kind for one in outputs_of(query)}
    asked = {one.by: one.descending for one in query.order}
    parts = []
    for name in (*asked, *(one for one in outputs if one not in asked)):
        text = sql.SQL(' COLLATE "C"') if outputs[name] in (Kind.TEXT, Kind.CODE) else sql.SQL("")
        way = sql.SQL(" DESC NULLS LAST" if asked.get(name) else " ASC NULLS LAST")
        parts.append(sql.Composed([sql.Identifier(name), text, way]))
    return sql.SQL(" ORDER BY {}").format(sql.SQL(", ").join(parts))
