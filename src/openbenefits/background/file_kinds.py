"""Files of operations and prices as long work: tried out first, then carried out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from openbenefits.accounts.roles import Permission
from openbenefits.background.order_files import as_file, order_file_of
from openbenefits.background.services import Kind, Work
from openbenefits.repair.bulk import BulkResult, operate_file
from openbenefits.repair.permissions import Permit, Wish
from openbenefits.repair.pricing import PriceOrder, decide_file
from openbenefits.repair.proposals import DueOrder, due_order
from openbenefits.repair.services import RepairOrder
from openbenefits.reports.repairs import named_consequences, named_losses

MOST_ROWS = 300
"""So many bad rows, or rows of a table of consequences, are kept with a request; the numbers are of all."""

Told = Mapping[str, Any]


def _operations(work: Work, path: Any, is_rehearsal: bool) -> Told:
    pays = _pays(work)
    given = RepairOrder(
        client_id=work.request.client_id,
        targets=pl.DataFrame(),
        as_of=pays.as_of,
        begin=pays.begin,
        through=pays.through,
        reason="a file of operations",
        author=pays.author,
    )
    told: dict[str, Any] = {"now": work.now, "permit": _permit(work), "is_rehearsal": is_rehearsal}
    return _bulk(work, operate_file(work.connection, given, path, progress=work.say, **told))


def _prices(work: Work, path: Any, is_rehearsal: bool) -> Told:
    pays = _pays(work)
    order = PriceOrder(
        client_id=work.request.client_id, begin=pays.begin, through=pays.through, author=pays.author
    )
    told: dict[str, Any] = {"now": work.now, "permit": _permit(work), "is_rehearsal": is_rehearsal}
    return _bulk(work, decide_file(work.connection, order, path, **told))


def _pays(work: Work) -> DueOrder:
    return due_order(work.request.client_id, work.now.date(), work.request.author)


def _permit(work: Work) -> Permit:
    def permit(wish: Wish) -> None:
        work.access.require(Permission.REPAIR, wish.client_id)

    return permit


def _bulk(work: Work, done: BulkResult) -> Told:
    counts = {"rows": done.rows_read, "to do": done.done, "done before": done.unchanged}
    tables: dict[str, Any] = {}
    if done.told is not None:
        client_id = work.request.client_id
        named = named_consequences(work.connection, client_id, done.told.consequences)
        named["Losses of health coverage that differ"] = named_losses(
            work.connection, client_id, done.told.losses
        )
        tables = {title: _rows(frame) for title, frame in named.items()}
    return {
        "counts": counts | {"bad": done.bad_rows["row"].n_unique()},
        "bad_rows": _rows(done.bad_rows),
        "unknown_headings": list(done.unknown_headings),
        "tables": tables,
    }


def _rows(frame: pl.DataFrame) -> dict[str, Any]:
    """A frame as JSON can say it: its columns, its first rows, how many there are."""
    plain = frame.head(MOST_ROWS).select(pl.all().cast(pl.String).fill_null(""))
    return {"columns": frame.columns, "rows": [list(row) for row in plain.iter_rows()], "all": frame.height}


def _of_file(act: Callable[[Work, Any, bool], Told]) -> Callable[[Work], Told]:
    """Answer what takes the file of a request, and writes down which request tried it or did it.

    Asked for: file (its number), is_rehearsal.
    """

    def work_on(work: Work) -> Told:
        file = order_file_of(work.request.client_id, work.asked_for["file"])
        is_rehearsal = bool(work.asked_for["is_rehearsal"])
        with as_file(file) as path:
            return act(work, path, is_rehearsal)

    return work_on


FILES: Sequence[tuple[str, str, Permission, Callable[[Work, Any, bool], Told]]] = (
    ("operations file", "file of operations", Permission.REPAIR, _operations),
    ("prices file", "file of prices", Permission.REPAIR, _prices),
)
FILE_KINDS: dict[str, Kind] = {
    code: Kind(name=name, permission=permission, act=_of_file(act)) for code, name, permission, act in FILES
}
