"""Conditions of a channel on columns: a record's fields against a value, and what changed. Source: §5.2.

A blank field (missing, or an empty text) answers no to every comparison, and yes to `is blank`, `not
equals` and `does not contain`; so `NOT` of a comparison is yes for a blank one, which is how people read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl

from openbenefits.workflow.kinds import FieldType
from openbenefits.workflow.rules.days import DayRefused, read_day
from openbenefits.workflow.rules.expressions import Expression, holds

BEFORE = "before: "
"""Leads the name of a column that holds what a field was before the change."""


class Operator(StrEnum):
    """How a field is held against a value."""

    EQUALS = "equals"
    NOT_EQUALS = "not equals"
    ONE_OF = "one of"  # values apart by commas
    CONTAINS = "contains"  # also: a list of codes holds one
    NOT_CONTAINS = "does not contain"
    GREATER = "greater than"
    LESS = "less than"
    AT_LEAST = "at least"
    AT_MOST = "at most"
    BLANK = "is blank"
    NOT_BLANK = "is not blank"
    CHANGED = "changed"
    CHANGED_TO = "changed to"
    CHANGED_FROM = "changed from"
    ON = "on"  # days: today, today + 30 days, a field, 2026-01-01
    BEFORE = "before"
    AFTER = "after"
    ON_OR_BEFORE = "on or before"
    ON_OR_AFTER = "on or after"


O = Operator  # noqa: E741 - the rows below are read as a table
WITHOUT_VALUE = (O.BLANK, O.NOT_BLANK, O.CHANGED)
OF_CHANGE = (O.CHANGED, O.CHANGED_TO, O.CHANGED_FROM)
OF_DAYS = (O.ON, O.BEFORE, O.AFTER, O.ON_OR_BEFORE, O.ON_OR_AFTER)
OF_ORDER = (O.GREATER, O.LESS, O.AT_LEAST, O.AT_MOST)
OF_TEXT = (O.CONTAINS, O.NOT_CONTAINS)
FLAGS = {"yes": True, "no": False, "true": True, "false": False}


class ConditionRefused(ValueError):
    """A condition that cannot be: what was expected, what was found."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A condition: the column of a field (`relation.field` of another record), how, and against what."""

    label: str
    column: str
    type: FieldType
    operator: Operator
    value: str = ""


def check(row: Row) -> None:
    """Refuse a condition whose operator does not fit the field, or whose value cannot be read.

    Errors: ConditionRefused.
    """
    is_day, operator = row.type is FieldType.DAY, row.operator
    if operator in OF_DAYS and not is_day:
        raise ConditionRefused(f"expected a day for '{operator}', found {row.type}; use another operator")
    if operator in OF_ORDER and row.type not in (FieldType.NUMBER, FieldType.MONEY):
        raise ConditionRefused(f"expected a number for '{operator}', found {row.type}; use another operator")
    if operator in OF_TEXT and row.type is not FieldType.TEXT:
        raise ConditionRefused(f"expected a text for '{operator}', found {row.type}; use another operator")
    if operator in WITHOUT_VALUE:
        if row.value.strip():
            raise ConditionRefused(f"expected no value for '{operator}', found '{row.value}'; take it out")
        return
    if not row.value.strip():
        raise ConditionRefused(f"expected a value for '{operator}', found none; state one")
    _value(row)


def days_of(rows: Sequence[Row]) -> set[str]:
    """Name the fields that values of conditions count from."""
    days = (read_day(row.value) for row in rows if row.operator in OF_DAYS)
    return {day.field for day in days if day.field}


def answers(rows: Sequence[Row], records: pl.DataFrame) -> Mapping[str, pl.Series]:
    """Answer each condition for every record, by label.

    Shapes:  records have a column for each field, `today`, and for fields asked whether they changed what
             they were before (`before: name`), of the same type or as text.
    Missing: a record that is new has nothing before: its fields that are not blank have changed.
    """
    told = records.select(_answer(row, records).alias(f"{place}") for place, row in enumerate(rows))
    return {row.label: told[f"{place}"] for place, row in enumerate(rows)}


def decide(rows: Sequence[Row], expression: Expression | None, records: pl.DataFrame) -> pl.DataFrame:
    """Add to records whether the expression holds (`is_met`), and the labels that do not (`unmet`)."""
    if not rows:
        return records.with_columns(is_met=pl.lit(value=True), unmet=pl.lit(""))
    labels = {row.label: f"label: {row.label}" for row in rows}
    told = records.with_columns(
        series.alias(labels[label]) for label, series in answers(rows, records).items()
    )
    unmet = pl.concat_str(
        [pl.when(~pl.col(name)).then(pl.lit(label)) for label, name in labels.items()],
        separator=", ",
        ignore_nulls=True,
    )
    met = holds(expression, {label: pl.col(name) for label, name in labels.items()})
    return told.with_columns(is_met=met, unmet=unmet).drop(labels.values())


def _answer(row: Row, records: pl.DataFrame) -> pl.Expr:
    field = pl.col(row.column)
    blank = field.is_null() | (field == "") if row.type is FieldType.TEXT else field.is_null()
    if row.operator is O.BLANK:
        return blank
    if row.operator is O.NOT_BLANK:
        return ~blank
    if row.operator in OF_CHANGE:
        return _changed(row, records)
    if row.operator in OF_DAYS:
        day = read_day(row.value).on_columns()
        return _compared(row.operator, field, day).fill_null(value=False)
    if row.operator in (O.NOT_EQUALS, O.NOT_CONTAINS):
        return blank | ~_held(row, field)
    return (~blank & _held(row, field)).fill_null(value=False)


def _held(row: Row, field: pl.Expr) -> pl.Expr:
    value = _value(row)
    match row.operator:
        case O.EQUALS | O.NOT_EQUALS:
            return field == pl.lit(value)
        case O.ONE_OF:
            return field.is_in(list(value))  # type: ignore[call-overload]
        case O.CONTAINS | O.NOT_CONTAINS:
            return field.str.to_lowercase().str.contains(str(value).lower(), literal=True)
        case _:
            return _compared(row.operator, field, pl.lit(value))


def _compared(operator: Operator, field: pl.Expr, other: pl.Expr) -> pl.Expr:
    match operator:
        case O.GREATER | O.AFTER:
            return field > other
        case O.LESS | O.BEFORE:
            return field < other
        case O.AT_LEAST | O.ON_OR_AFTER:
            return field >= other
        case O.AT_MOST | O.ON_OR_BEFORE:
            return field <= other
        case _:
            return field == other


def _changed(row: Row, records: pl.DataFrame) -> pl.Expr:
    name = BEFORE + row.column
    before = pl.col(name) if name in records.columns else pl.lit(None, dtype=pl.String)
    as_text = name not in records.columns or records.schema[name] == pl.String
    field = pl.col(row.column).cast(pl.String) if as_text else pl.col(row.column)
    changed = field.ne_missing(before)
    if row.operator is O.CHANGED:
        return changed
    wanted = pl.lit(_value(row))
    side = before if row.operator is O.CHANGED_FROM else field
    return (changed & (side.cast(pl.String) == wanted.cast(pl.String))).fill_null(value=False)


def _value(row: Row) -> object:
    """Read the value of a condition as its field is.

    Errors: ConditionRefused.
    """
    if row.operator is O.ONE_OF:
        return [_one(row, part) for part in row.value.split(",") if part.strip()]
    return _one(row, row.value)


def _one(row: Row, text: str) -> object:
    said = text.strip()
    try:
        match row.type:
            case FieldType.NUMBER | FieldType.MONEY:
                return int(said)
            case FieldType.FLAG:
                return FLAGS[said.lower()]
            case FieldType.DAY:
                return read_day(said) if row.operator in OF_DAYS else date.fromisoformat(said)
            case _:
                return said
    except (ValueError, KeyError) as fault:
        told = str(fault) if isinstance(fault, DayRefused) else f"expected a {row.type}, found '{said}'"
        raise ConditionRefused(f"{told}; correct the value") from None
