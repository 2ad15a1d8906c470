"""What a carrier is told of members and their lines, as rows of a file that is no 834."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from openbenefits.carriers.layouts.contents import shaped
from openbenefits.carriers.layouts.layout import FileLayout, LayoutRefused
from openbenefits.carriers.layouts.writing import write
from openbenefits.carriers.rules.renderings import Message
from openbenefits.carriers.rules.views import MEMBER

LOOP = [*MEMBER, "basis"]


def render(
    layout: FileLayout,
    message: Message,
    values: Mapping[str, Any] | None = None,
    told: pl.DataFrame | None = None,
) -> bytes:
    """Write a message, changes or a full list, by a layout.

    Shapes: values are told of the file; told has `subscriber` and columns of its own for each family, or
            `subscriber`, `member` and columns for each member (employee number, group, division, class …).
    Errors: LayoutRefused, FileRefused.
    """
    if layout.content != "enrollment":
        raise LayoutRefused(
            f"{layout.name}: expected a layout of enrollment, found {layout.content}; choose another"
        )
    return write(layout, rows_of(message, told), {"purpose": message.purpose} | dict(values or {}))


def rows_of(message: Message, told: pl.DataFrame | None = None) -> pl.DataFrame:
    """Answer a message as rows (`contents.ENROLLMENT`): lines with their member, members without one."""
    people = message.people.with_columns(is_subscriber=pl.col("subscriber") == pl.col("member"))
    lines = message.lines.rename({"action": "line_action"})
    rows = people.join(lines, on=LOOP, how="left", nulls_equal=True, maintain_order="left_right")
    if told is not None:
        keys = [name for name in MEMBER if name in told.columns]
        more = [name for name in told.columns if name not in keys and name not in rows.columns]
        rows = rows.join(told.select(*keys, *more), on=keys, how="left", maintain_order="left")
    return shaped(rows, "enrollment")
