"""What values look like on the way in and out: days, codes, keys, words, tables."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import polars as pl
from ninja import Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

_DAY = re.compile(r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DAY_SHAPE = {"type": "string", "format": "date", "pattern": "^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"}
MOST = 2**63 - 1


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("a day from 1900 through 2199, written like 2026-03-31")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("a day of the calendar, written like 2026-03-31") from None


def _truth(value: Any) -> Any:
    """Read a yes or no of an address: true or false, and nothing else."""
    if isinstance(value, str) and value not in ("true", "false"):
        raise ValueError("true or false")
    return value == "true" if isinstance(value, str) else value


def _whole(value: Any) -> Any:
    """Read a number of an address: digits, and nothing else."""
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,19}", value, re.ASCII):
        raise ValueError("a whole number")
    return value


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema(_DAY_SHAPE)]
Truth = Annotated[bool, BeforeValidator(_truth)]
Id = Annotated[int, Field(ge=1, le=MOST), BeforeValidator(_whole)]
PageNumber = Annotated[int, Field(ge=1, le=10_000), BeforeValidator(_whole)]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
Record = Annotated[int, Field(ge=0, le=9999, description="The benefit record.")]
Code = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$")]
PlanType = Annotated[
    str, Field(pattern="^[0-9A-Z]{2}$", description="The plan type: 10 medical, 11 dental, …")
]
EventId = Annotated[
    str,
    Field(
        pattern="^[1-9][0-9]{0,17}-[0-9]{1,4}-[0-9]{1,9}-[0-9]{1,9}$",
        description="Person, benefit record, schedule and number of an event, with dashes between.",
        examples=["24-0-3-0"],
    ),
]
Words = Annotated[str, Field(min_length=1, max_length=2000, pattern="^[^\\x00]*$")]
Text = Annotated[str, Field(max_length=200, pattern="^[^\\x00]*$")]
Cents = Annotated[int, Field(ge=0, le=10**13)]
Ssn = Annotated[str, Field(pattern="^[0-9]{9}$", description="Nine digits; never answered back.")]

Limit = Annotated[
    int,
    Field(ge=1, le=500),
    BeforeValidator(_whole),
    Query(100, description="The most records to answer."),
]
Cursor = Annotated[
    str | None,
    Query(None, max_length=600, description="Where to go on: `next` of the answer before."),
]
AsOf = Annotated[Day | None, Query(None, description="The day it is asked for; today unless told.")]
KnownOn = Annotated[
    Day | None, Query(None, description="Only what had been recorded by the end of that day.")
]


class Body(BaseModel):
    """What is sent: no field that is not known, nothing of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Reasoned(Body):
    """An act that wants a reason."""

    reason: Words = Field(examples=["asked by phone"])


Cell = str | int | bool | list[str] | list[int] | None


class Table(BaseModel):
    """A table: its columns in order, and its rows by column. Amounts are cents where the column says so."""

    name: str
    columns: list[str]
    rows: list[dict[str, Any]]


class Tables(BaseModel):
    """Several tables about one question, the main one first."""

    tables: list[Table]


def cell(value: Any) -> Any:
    """Write one value as JSON can hold it: days and moments as ISO text, never a float."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, list | tuple):
        return [cell(one) for one in value]
    if isinstance(value, dict):
        return {name: cell(one) for name, one in value.items()}
    if isinstance(value, float | Decimal):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else None


def rows_of(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Write the rows of a frame; what is sealed or binary is left out."""
    shown = frame.select(pl.exclude(pl.Binary))
    return [{name: cell(value) for name, value in row.items()} for row in shown.iter_rows(named=True)]


def table_of(name: str, frame: pl.DataFrame) -> Table:
    """Write a frame as a table."""
    shown = frame.select(pl.exclude(pl.Binary))
    return Table(name=name, columns=shown.columns, rows=rows_of(shown))


def tables_of(sheets: Mapping[str, pl.DataFrame]) -> Tables:
    """Write sheets, the main one first."""
    return Tables(tables=[table_of(name, frame) for name, frame in sheets.items()])
