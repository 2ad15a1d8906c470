"""Conditions: what may be asked of which kind of field, and how a value is read from text."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from openbenefits.adhoc.declared import Field, Kind

TEXTS = (Kind.TEXT, Kind.CODE)
AMOUNTS = (Kind.NUMBER, Kind.MONEY, Kind.DAY)
LONGEST_TEXT, MOST_VALUES, LARGEST, MOST_DAYS = 200, 200, 10**15, 36_600
AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,2})?")


class ValueRefused(ValueError):
    """A value that does not fit its field: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A condition.

    title: in words. sql: with {0} for the field and {1}, {2} for its values. kinds: of fields it is for.
    values: how many it wants; None: one or more, as a list.
    """

    title: str
    sql: str
    kinds: tuple[Kind, ...]
    values: int | None = 1
    is_days: bool = False  # its value is a number of days, whatever the field is


ALL = tuple(Kind)
OPERATORS: dict[str, Operator] = {
    "is": Operator(title="is", sql="{0} = {1}", kinds=(*TEXTS, *AMOUNTS)),
    "is_not": Operator(title="is not", sql="{0} IS DISTINCT FROM {1}", kinds=(*TEXTS, *AMOUNTS)),
    "one_of": Operator(title="is one of", sql="{0} = ANY ({1})", kinds=TEXTS, values=None),
    "contains": Operator(title="contains", sql="position(lower({1}) IN lower({0})) > 0", kinds=(Kind.TEXT,)),
    "begins_with": Operator(
        title="begins with", sql="starts_with(lower({0}), lower({1}))", kinds=(Kind.TEXT,)
    ),
    "at_least": Operator(title="is at least", sql="{0} >= {1}", kinds=AMOUNTS),
    "at_most": Operator(title="is at most", sql="{0} <= {1}", kinds=AMOUNTS),
    "between": Operator(title="is between", sql="{0} BETWEEN {1} AND {2}", kinds=AMOUNTS, values=2),
    "last_days": Operator(
        title="was in the last … days",
        sql="{0} BETWEEN %(as_of)s::date - {1} AND %(as_of)s::date",
        kinds=(Kind.DAY,),
        is_days=True,
    ),
    "next_days": Operator(
        title="is in the next … days",
        sql="{0} BETWEEN %(as_of)s::date AND %(as_of)s::date + {1}",
        kinds=(Kind.DAY,),
        is_days=True,
    ),
    "yes": Operator(title="is so", sql="{0} IS TRUE", kinds=(Kind.FLAG,), values=0),
    "no": Operator(title="is not so", sql="{0} IS NOT TRUE", kinds=(Kind.FLAG,), values=0),
    "known": Operator(title="is known", sql="{0} IS NOT NULL", kinds=ALL, values=0),
    "unknown": Operator(title="is not known", sql="{0} IS NULL", kinds=ALL, values=0),
}


def values_of(operator: Operator, field: Field, texts: Sequence[str]) -> list[Any]:
    """Read the values of a condition.

    Errors: ValueRefused, naming the field and what was expected; never what was found, which may be personal.
    """
    wanted = operator.values
    if wanted is None:
        if not 0 < len(texts) <= MOST_VALUES:
            raise ValueRefused(f"{field.title}: expected 1 to {MOST_VALUES} values, found {len(texts)}")
        return [[_text(field, one) for one in texts]]
    if len(texts) != wanted:
        raise ValueRefused(f"{field.title}: expected {wanted} values, found {len(texts)}; state as many")
    read = _days if operator.is_days else READERS.get(field.kind, _text)
    return [read(field, one) for one in texts]


def _text(field: Field, text: str) -> str:
    if not text or len(text) > LONGEST_TEXT or "\0" in text:
        raise ValueRefused(f"{field.title}: expected a text of 1 to {LONGEST_TEXT} characters; state one")
    if field.kind is Kind.CODE and text not in field.words:
        raise ValueRefused(f"{field.title}: expected one of {', '.join(field.words)}; choose one of these")
    return text


def _number(field: Field, text: str) -> int:
    try:
        value = int(text.replace(",", ""))
    except ValueError:
        raise ValueRefused(f"{field.title}: expected a whole number; state one") from None
    return _bounded(field, value)


def _money(field: Field, text: str) -> int:
    bare = text.replace(",", "").replace("$", "").strip()
    if not AMOUNT.fullmatch(bare):
        raise ValueRefused(
            f"{field.title}: expected dollars with at most two decimals, as in 1,234.56; state such an amount"
        )
    return _bounded(field, int(Decimal(bare) * 100))


def _day(field: Field, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueRefused(f"{field.title}: expected a day as 2026-01-31; state one") from None


def _days(field: Field, text: str) -> int:
    value = _number(field, text)
    if not 0 <= value <= MOST_DAYS:
        raise ValueRefused(f"{field.title}: expected 0 to {MOST_DAYS} days; state as many")
    return value


def _bounded(field: Field, value: int) -> int:
    if abs(value) > LARGEST:
        raise ValueRefused(f"{field.title}: expected a smaller number; state one")
    return value


Reader = Callable[[Field, str], Any]
READERS: Mapping[Kind, Reader] = {Kind.NUMBER: _number, Kind.MONEY: _money, Kind.DAY: _day}
