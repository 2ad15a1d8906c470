"""What somebody stated in a form, field by field, as a query; and a query as a form shows it again.

A form states: column (several), condition<n>, operator<n>, value<n>, second<n>, group<n>, function<n>, of<n>,
sort<n>, way<n>, chart, label, amount, as_of.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from openbenefits.adhoc.declared import Field, Kind, Subject
from openbenefits.adhoc.operators import OPERATORS
from openbenefits.adhoc.query import Query

Stated = Callable[[str], Sequence[str]]
"""Answers the values a form states under a name."""

CONDITIONS, GROUPS, RECKONINGS, SORTS = 20, 3, 5, 3
SEVERAL = re.compile(r"\s*[;,]\s*")


def document_stated(subject: Subject, stated: Stated) -> dict[str, Any]:
    """Write what a form states as JSON says a query; blank lines are left out.

    It is checked when it is read (`query.read_query`).
    """

    def one(name: str) -> str:
        values = stated(name)
        return values[0].strip() if values else ""

    chosen = set(stated("column"))
    document: dict[str, Any] = {
        "subject": subject.name,
        "columns": [name for name in subject.fields if name in chosen],
        "filters": [
            _filter(subject, one, number) for number in range(CONDITIONS) if one(f"condition{number}")
        ],
        "groups": [one(f"group{number}") for number in range(GROUPS) if one(f"group{number}")],
        "aggregates": [
            {"function": one(f"function{number}"), "field": one(f"of{number}") or None}
            for number in range(RECKONINGS)
            if one(f"function{number}")
        ],
        "order": [
            {"by": one(f"sort{number}"), "descending": one(f"way{number}") == "down"}
            for number in range(SORTS)
            if one(f"sort{number}")
        ],
    }
    if document["groups"] and not document["aggregates"]:
        document["aggregates"] = [{"function": "count", "field": None}]
    if one("chart"):
        document["chart"] = {"kind": one("chart"), "label": one("label"), "value": one("amount")}
    if one("as_of"):
        document["as_of"] = one("as_of")
    return document


def _filter(subject: Subject, one: Callable[[str], str], number: int) -> dict[str, Any]:
    name, operator = one(f"condition{number}"), one(f"operator{number}")
    field, asked = subject.fields.get(name), OPERATORS.get(operator)
    first, second = one(f"value{number}"), one(f"second{number}")
    wanted = 1 if asked is None else asked.values
    if wanted is None:
        values = [value for value in SEVERAL.split(first) if value]
    else:
        values = [first, second][:wanted]
    return {"field": name, "operator": operator, "values": [_code(field, value) for value in values]}


def _code(field: Field | None, text: str) -> str:
    """Take a word for its code, whatever the case; everything else as it is."""
    if field is None or field.kind is not Kind.CODE or text in field.words:
        return text
    known: Mapping[str, str] = {word.casefold(): code for code, word in field.words.items()}
    return known.get(text.casefold(), text)


def stated_of(query: Query) -> dict[str, list[str]]:
    """Write a query as a form states it."""
    found: dict[str, list[str]] = {"column": list(query.columns)}
    for number, one in enumerate(query.filters):
        values = list(one.values)
        if (asked := OPERATORS.get(one.operator)) is not None and asked.values is None:
            values = [", ".join(values)]
        found |= {f"condition{number}": [one.field], f"operator{number}": [one.operator]}
        found |= {f"value{number}": values[:1], f"second{number}": values[1:2]}
    for number, group in enumerate(query.groups):
        found[f"group{number}"] = [group]
    for number, aggregate in enumerate(query.aggregates):
        found |= {f"function{number}": [aggregate.function], f"of{number}": [aggregate.field or ""]}
    for number, order in enumerate(query.order):
        found |= {f"sort{number}": [order.by], f"way{number}": ["down" if order.descending else "up"]}
    if query.chart is not None:
        chart = query.chart
        found |= {"chart": [chart.kind], "label": [chart.label], "amount": [chart.value]}
    if query.as_of is not None:
        found["as_of"] = [query.as_of.isoformat()]
    return found


def sortable(subject: Subject, document: Mapping[str, Any]) -> dict[str, str]:
    """Answer what the result may be sorted by and drawn of: its columns, by name and in words."""
    fields = subject.fields
    if not (document["groups"] or document["aggregates"]):
        return {name: fields[name].title for name in document["columns"] if name in fields}
    found = {name: fields[name].title for name in document["groups"] if name in fields}
    for one in document["aggregates"]:
        of = one.get("field")
        title = f"{one['function']} of {fields[of].title.lower()}" if of in fields else "rows"
        name = "count" if one["function"] == "count" else f"{one['function']}_{of}"
        found[name] = title
    return found
