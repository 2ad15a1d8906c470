"""A report as somebody put it together: picks from the declaration, and values. It holds no SQL."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from openbenefits.adhoc.declared import Field, Kind, Subject
from openbenefits.adhoc.operators import OPERATORS, values_of
from openbenefits.adhoc.subjects import SUBJECTS

MOST_COLUMNS, MOST_FILTERS, MOST_GROUPS, MOST_ORDER = 40, 20, 5, 5
LINE = "count"


class QueryRefused(ValueError):
    """A report that cannot be: what was expected, what was found, what to change."""


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition: a field, an operator by name, the values it wants, as text."""

    field: str
    operator: str
    values: tuple[str, ...] = ()


class Aggregate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number over the rows of a group. Only `count` needs no field."""

    function: str  # count, distinct, sum, min, max
    field: str | None = None


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By which column of the result it is sorted."""

    by: str
    descending: bool = False


class Chart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A picture of the result: a bar, or a point of a line, for each row."""

    kind: str  # bar, line
    label: str
    value: str


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is asked for. With groups or aggregates the columns are those, and `columns` does not count."""

    subject: str
    columns: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    groups: tuple[str, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    order: tuple[Order, ...] = ()
    chart: Chart | None = None
    as_of: date | None = None  # None: the day it is asked on

    @property
    def is_grouped(self) -> bool:
        """Whether rows are put together."""
        return bool(self.groups or self.aggregates)


@dataclass(frozen=True, kw_only=True)
class Output:
    """A column of the result: its name there, its heading, and what its values are."""

    name: str
    title: str
    kind: Kind
    words: Mapping[str, str]


FUNCTIONS = {
    "count": ("Rows", ()),
    "distinct": ("Different values", tuple(Kind)),
    "sum": ("Sum", (Kind.NUMBER, Kind.MONEY)),
    "min": ("Least", (Kind.NUMBER, Kind.MONEY, Kind.DAY, Kind.MOMENT)),
    "max": ("Most", (Kind.NUMBER, Kind.MONEY, Kind.DAY, Kind.MOMENT)),
}
"""What can be reckoned over a group, in words, and over fields of which kinds."""
CHARTS = ("bar", "line")


def read_query(document: Any) -> Query:
    """Read a query from what JSON says, and check it.

    Errors: QueryRefused.
    """
    try:
        query = msgspec.convert(document, Query, strict=False)
    except msgspec.ValidationError as fault:
        raise QueryRefused(f"expected a report as the builder makes it, found another: {fault}") from None
    check(query)
    return query


def document_of(query: Query) -> dict[str, Any]:
    """Write a query as JSON can say it."""
    document: dict[str, Any] = msgspec.to_builtins(query)
    return document


def check(query: Query) -> None:
    """Refuse a query that picks what there is not, or does not fit together.

    Errors: QueryRefused, naming the first fault.
    """
    for fault in _faults(query):
        raise QueryRefused(fault)


def subject_of(query: Query) -> Subject:
    """Answer what a query is about.

    Errors: QueryRefused.
    """
    if query.subject not in SUBJECTS:
        raise QueryRefused(
            f"expected one of {', '.join(SUBJECTS)}, found {query.subject!r}; choose a subject"
        )
    return SUBJECTS[query.subject]


def output_name(aggregate: Aggregate) -> str:
    """Name the column of an aggregate."""
    return LINE if aggregate.function == "count" else f"{aggregate.function}_{aggregate.field}"


def outputs_of(query: Query) -> list[Output]:
    """Answer the columns of the result, in order."""
    fields = subject_of(query).fields
    if not query.is_grouped:
        return [_output(fields[name]) for name in query.columns]
    return [_output(fields[name]) for name in query.groups] + [
        _aggregated(one, fields) for one in query.aggregates
    ]


def _output(field: Field) -> Output:
    return Output(name=field.name, title=field.title, kind=field.kind, words=field.words)


def _aggregated(one: Aggregate, fields: Mapping[str, Field]) -> Output:
    words = FUNCTIONS[one.function][0]
    if one.function == "count" or one.field is None:
        return Output(name=LINE, title=words, kind=Kind.NUMBER, words={})
    field = fields[one.field]
    kind = Kind.NUMBER if one.function == "distinct" else field.kind
    return Output(
        name=output_name(one), title=f"{words} of {field.title.lower()}", kind=kind, words=field.words
    )


def _faults(query: Query) -> Iterator[str]:
    fields = subject_of(query).fields
    yield from _unknown("column", query.columns, fields)
    yield from _unknown("group", query.groups, fields)
    yield from _too_many(query)
    for one in query.filters:
        yield from _filter_faults(one, fields)
    for aggregate in query.aggregates:
        yield from _aggregate_faults(aggregate, fields)
    if not (query.columns or query.is_grouped):
        yield "expected at least one column, or a group, found none; pick one"
    names = [one.name for one in outputs_of(query)]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        yield f"expected each column once, found {twice} twice; take one away"
    for order in query.order:
        if order.by not in names:
            yield f"expected to sort by one of {', '.join(names)}, found {order.by!r}; choose one of these"
    if query.chart is not None:
        yield from _chart_faults(query.chart, outputs_of(query))


def _unknown(what: str, names: tuple[str, ...], fields: Mapping[str, Field]) -> Iterator[str]:
    for name in names:
        if name not in fields:
            yield f"expected a {what} of the subject, found {name!r}; choose one of {', '.join(fields)}"


def _too_many(query: Query) -> Iterator[str]:
    for what, found, most in (
        ("columns", query.columns, MOST_COLUMNS),
        ("conditions", query.filters, MOST_FILTERS),
        ("groups", query.groups, MOST_GROUPS),
        ("reckonings", query.aggregates, MOST_COLUMNS),
        ("columns to sort by", query.order, MOST_ORDER),
    ):
        if len(found) > most:
            yield f"expected at most {most} {what}, found {len(found)}; take some away"


def _filter_faults(one: Filter, fields: Mapping[str, Field]) -> Iterator[str]:
    field = fields.get(one.field)
    if field is None:
        yield f"expected a condition on a field of the subject, found {one.field!r}; choose another field"
        return
    operator = OPERATORS.get(one.operator)
    if operator is None or field.kind not in operator.kinds:
        fitting = ", ".join(name for name, known in OPERATORS.items() if field.kind in known.kinds)
        yield f"{field.title}: expected one of {fitting}, found {one.operator!r}; choose one of these"
        return
    try:
        values_of(operator, field, one.values)
    except ValueError as fault:
        yield str(fault)


def _aggregate_faults(one: Aggregate, fields: Mapping[str, Field]) -> Iterator[str]:
    if one.function not in FUNCTIONS:
        yield f"expected one of {', '.join(FUNCTIONS)}, found {one.function!r}; choose one of these"
    elif one.function == "count":
        if one.field is not None:
            yield "expected no field to count rows by, found one; leave it out, or count different values"
    elif one.field is None or one.field not in fields:
        yield f"expected a field to reckon {one.function} of, found {one.field!r}; choose one"
    elif fields[one.field].kind not in FUNCTIONS[one.function][1]:
        kind = fields[one.field].kind
        yield f"expected an amount or a day for {one.function}, found {one.field} ({kind}); choose another"


def _chart_faults(chart: Chart, outputs: list[Output]) -> Iterator[str]:
    kinds = {one.name: one.kind for one in outputs}
    if chart.kind not in CHARTS:
        yield f"expected a picture of {' or '.join(CHARTS)}, found {chart.kind!r}; choose one of these"
    if chart.label not in kinds or kinds.get(chart.value) not in (Kind.NUMBER, Kind.MONEY):
        yield "expected a picture of a column with amounts, labelled by another; choose two columns shown"
