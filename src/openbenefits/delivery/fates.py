"""What became of letters, said by people: returned by the post, bounced, sent again."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.delivery import frames
from openbenefits.delivery.codes import Channel, FateCode
from openbenefits.delivery.routing import give, write_fates
from openbenefits.store import sheets

BY_HAND = (FateCode.SENT, FateCode.BOUNCED, FateCode.RETURNED, FateCode.FAILED)
"""What people may say of a letter; only its reader opens it."""

HEADINGS = ("letter", "document", "number", "document_id")
"""What the column of numbers may be called in a file."""


class FatesRefused(ValueError):
    """What was said of letters cannot be: what was expected, what was found, what to change."""


def note_fates(
    connection: Any,
    client_id: int,
    document_ids: Sequence[int],
    fate: FateCode,
    *,
    told: str = "",
    author: str,
    now: datetime,
) -> int:
    """Say what became of the last delivery of some letters; to say it twice adds nothing.

    Errors: FatesRefused, naming the numbers that are no letters of this client, or never went out.
    """
    if fate not in BY_HAND:
        raise FatesRefused(f"expected one of {', '.join(BY_HAND)}, found {fate}; choose one of these")
    wanted = list(dict.fromkeys(document_ids))
    found = frames.load_documents(connection, client_ids=[client_id], document_ids=wanted)
    missing = sorted(set(wanted) - set(found.filter(pl.col("delivery_id").is_not_null())["document_id"]))
    if missing:
        shown = ", ".join(str(one) for one in missing[:5]) + (" …" if len(missing) > 5 else "")
        raise FatesRefused(
            f"expected numbers of letters of this client that went out, found {len(missing)} others "
            f"({shown}); leave them out"
        )
    news = found.filter(pl.col("fate") != str(fate)).with_columns(
        fate=pl.lit(str(fate)), told=pl.lit(told.strip())
    )
    if news.is_empty():
        return 0
    with transaction.atomic():
        return write_fates(connection, news, author=author, now=now)


def numbers_in(name: str, data: bytes) -> list[int]:
    """Read the numbers of letters from a file: a column "letter" (or "document"), or the first one.

    Errors: FatesRefused, naming the first row that holds no number; sheets.FileRefused.
    """
    grid = sheets.stripped(_grid(name, data))
    if grid.is_empty():
        raise FatesRefused(f"{name}: expected numbers of letters, found no row; put a number into each row")
    columns = [column for column in grid.columns if column != "row"]
    head = {str(cell).lower(): column for column, cell in sheets.headings_at(grid, 0).items()}
    column = next((head[one] for one in HEADINGS if one in head), None)
    body = grid.slice(0 if column is None and _is_number(grid[columns[0]][0]) else 1)
    cells = body.select("row", cell=column or columns[0]).drop_nulls()
    wrong = cells.filter(~pl.col("cell").str.contains(r"^[0-9]{1,18}$"))
    if wrong.height:
        raise FatesRefused(
            f"{name}, row {wrong['row'][0]}: expected the number of a letter, found something else; "
            "take the numbers from the manifest"
        )
    return cells["cell"].cast(pl.Int64).to_list()


def send_again(
    connection: Any,
    client_id: int,
    document_ids: Sequence[int],
    *,
    on: date,
    author: str,
    now: datetime,
    channel: Channel | None = None,
) -> int:
    """Give letters to their ways once more, as they were made; each names the delivery that did not arrive.

    Errors: FatesRefused for numbers that are no letters of this client.
    """
    wanted = list(dict.fromkeys(document_ids))
    found = frames.load_documents(connection, client_ids=[client_id], document_ids=wanted)
    if found.height < len(wanted):
        raise FatesRefused(
            f"expected {len(wanted)} letters of this client, found {found.height}; take them from the list"
        )
    again = found.select("document_id", "client_id", "person_id", again_of="delivery_id")
    with transaction.atomic():
        return give(connection, again, on=on, author=author, now=now, channel=channel).height


def _grid(name: str, data: bytes) -> pl.DataFrame:
    if sheets.is_workbook(Path(name)):
        return next(iter(sheets.sheet_grids(name, data, most=1).values()))
    text = sheets.text_of(name, data)
    first = text.splitlines()[0] if text.strip() else ""
    separator = max((",", ";", "\t"), key=first.count)
    try:
        return sheets.text_grid(text, separator, first.count(separator) + 1)
    except pl.exceptions.PolarsError:
        raise FatesRefused(
            f"{name}: expected rows of the same number of cells, found others; save it as CSV again"
        ) from None


def _is_number(cell: str | None) -> bool:
    return cell is not None and cell.strip().isdigit()
