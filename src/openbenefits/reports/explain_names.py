"""What set-up calls things: the codes and names of the releases an event was worked on with."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.programs.models import SetupKey

Tables = Mapping[str, pl.DataFrame]
Row = dict[str, Any]


def plan_type_name(plan_type: str) -> str:
    """The plain name of a plan type."""
    return PLAN_TYPES.get(plan_type, plan_type)


def row_of(table: pl.DataFrame, **key: Any) -> Row | None:
    """Find the one row of a key, or the last of them; an unknown key finds nothing."""
    if None in key.values():
        return None
    found = table.filter(**key)
    return None if found.is_empty() else found.row(-1, named=True)


def row_on(table: pl.DataFrame, on: date | None, *, even_inactive: bool = False, **key: Any) -> Row | None:
    """Find the dated row of a key that holds on a day; one that switches its record off is none."""
    if on is None or None in key.values():
        return None
    found = table.filter(**key).filter(pl.col("valid_from") <= on).sort("valid_from")
    latest = None if found.is_empty() else found.row(-1, named=True)
    is_off = latest is not None and not latest.get("is_active", True) and not even_inactive
    return None if is_off else latest


def rows_on(table: pl.DataFrame, on: date | None, **key: Any) -> list[Row]:
    """Find all rows of the version of a key that holds on a day."""
    latest = row_on(table, on, **key)
    return [] if latest is None else list(_of_version(table, latest["valid_from"], key))


def _of_version(table: pl.DataFrame, valid_from: date, key: dict[str, Any]) -> Any:
    return table.filter(valid_from=valid_from, **key).iter_rows(named=True)


def option_name(tables: Tables, option_id: int | None, on: date) -> str:
    """Name an option by its code and, if it has one, its name; '#7' where set-up no longer has it."""
    if option_id is None:
        return "nothing"
    row = row_on(tables["option"], on, option_id=option_id) or row_of(tables["option"], option_id=option_id)
    if row is None:
        key = SetupKey.objects.filter(pk=option_id, kind="option").first()
        return key.code.rsplit("/", 1)[-1] if key else f"option #{option_id}"
    return f"{row['code']} ({row['name']})" if row["name"] else str(row["code"])


def class_code(tables: Tables, event_class_id: int) -> tuple[str, str]:
    """The code and name of an event class."""
    row = row_of(tables["event_class"], event_class_id=event_class_id)
    return (str(event_class_id), "") if row is None else (row["code"], row["name"])


def schedule_name(tables: Tables, schedule_id: int) -> str:
    """The code and name of a schedule."""
    row = row_of(tables["schedule"], schedule_id=schedule_id)
    return f"schedule #{schedule_id}" if row is None else f"{row['code']} ({row['name']})"


def geography_code(geography_id: int | None) -> str:
    """The code of a geography."""
    key = SetupKey.objects.filter(pk=geography_id, kind="geography").first()
    return key.code if key else f"geography #{geography_id}"
