"""Rehearsals kept: what a run would do, for everybody of some clients, in files beside the data.

A rehearsal writes nothing to the database. Its folder holds the orders, everybody in scope with a number for
what they were decided from and one for what came of it, what differs, and how long it took.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from django.conf import settings

from openbenefits.core.codes import Level
from openbenefits.runs.differences import DIFFERENCES
from openbenefits.runs.gate import refuse_faulty
from openbenefits.runs.orders import RunOrder
from openbenefits.runs.processing import Progress
from openbenefits.runs.rehearsing import Part, added_up, rehearse_part
from openbenefits.runs.starting import partitioned
from openbenefits.runs.workers import each_done, usual_workers

ORDERS, PEOPLE, CHANGES = "orders.json", "people.parquet", "differences.parquet"


class NoRehearsal(LookupError):
    """A rehearsal that is not kept: the message names those that are."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What rehearsing some orders found, one order for each client.

    people:      RECORD, outcome, to_status, fingerprint, digest: everybody in scope.
    differences: as `differences.DIFFERENCES`.
    measures:    by client, what limits are held against.
    seconds:     how long the rehearsal took; `run_seconds` an estimate of what the run takes.
    """

    number: int
    made_at: datetime
    made_by: str
    orders: Sequence[RunOrder]
    people: pl.DataFrame
    differences: pl.DataFrame
    measures: dict[int, dict[str, int]]
    seconds: float
    run_seconds: float

    def order_of(self, client_id: int) -> RunOrder:
        """Answer the order of a client.

        Errors: NoRehearsal.
        """
        found = [order for order in self.orders if order.client_id == client_id]
        if not found:
            message = f"rehearsal {self.number} is not about client {client_id}; rehearse it first"
            raise NoRehearsal(message)
        return found[0]


def rehearse(
    connection: Any,
    orders: Sequence[RunOrder],
    *,
    now: datetime,
    made_by: str,
    partition_people: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Rehearsal:
    """Rehearse orders, one for each client, over everybody in scope; keep what was found.

    The estimate of the run: rehearsing computes and writes all that the run does, and gives it up; what it
    does beside (comparing what people hold and owe) is measured apart and left out.

    Errors: gate.RunHeld while the audits of one client have open errors its order does not accept.
    """
    begun = time.monotonic()
    work: list[tuple[RunOrder, pl.DataFrame]] = []
    for order in orders:
        refuse_faulty(connection, order.client_id, order.as_of, order.accepted)
        people = partitioned(connection, order, partition_people, workers)
        work += [(order, part) for part in people.partition_by("partition")]
    scoped = time.monotonic() - begun
    found: list[tuple[int, Part]] = []
    rehearse_one = partial(_rehearsed, now=now)
    at_once = workers or usual_workers(sum(part.height for _, part in work))
    for answer in each_done(connection, work, rehearse_one, workers=at_once):
        found.append(answer)
        if progress:
            progress(len(found), len(work))
    seconds = time.monotonic() - begun
    comparing = sum(part.comparing_seconds for _, part in found)
    working = sum(part.seconds for _, part in found)
    share = 1 - comparing / working if working else 1.0
    return _kept(
        connection,
        orders,
        found,
        made_at=now,
        made_by=made_by,
        seconds=seconds,
        run_seconds=scoped + (seconds - scoped) * share,
    )


def _rehearsed(connection: Any, item: tuple[RunOrder, pl.DataFrame], *, now: datetime) -> tuple[int, Part]:
    order, people = item
    return order.client_id, rehearse_part(connection, people, order=order, now=now)


# --- files --------------------------------------------------------------------------------------------------


def folder_of(connection: Any) -> Path:
    """The folder of the rehearsals of a database, within the setting REHEARSALS."""
    place = connection.settings_dict
    name = f"{place['HOST'] or 'local'}_{place['PORT'] or ''}_{place['NAME']}"
    return Path(settings.REHEARSALS) / "".join(sign if sign.isalnum() else "_" for sign in name)


def _kept(
    connection: Any, orders: Sequence[RunOrder], found: list[tuple[int, Part]], **told: Any
) -> Rehearsal:
    """Write a rehearsal down under the next number."""
    parts = [part for _, part in found]
    clients = {order.client_id for order in orders}
    rehearsal = Rehearsal(
        number=_claimed(folder_of(connection)),
        orders=list(orders),
        people=pl.concat([PEOPLE_FRAME, *(part.people.select(PEOPLE_FRAME.columns) for part in parts)]),
        differences=pl.concat([pl.DataFrame(schema=DIFFERENCES), *(part.differences for part in parts)]),
        measures={
            client: added_up([part for number, part in found if number == client]) for client in clients
        },
        **told,
    )
    folder = folder_of(connection) / str(rehearsal.number)
    rehearsal.people.write_parquet(folder / PEOPLE)
    rehearsal.differences.write_parquet(folder / CHANGES)
    head = {
        "made_at": rehearsal.made_at.isoformat(),
        "made_by": rehearsal.made_by,
        "seconds": rehearsal.seconds,
        "run_seconds": rehearsal.run_seconds,
        "measures": rehearsal.measures,
        "orders": [asdict(order) for order in orders],
    }
    (folder / ORDERS).write_text(json.dumps(head, default=str, indent=1), encoding="utf-8")
    return rehearsal


def _claimed(folder: Path) -> int:
    """Make the folder of the next number; two that rehearse at once get two."""
    folder.mkdir(parents=True, exist_ok=True)
    number = max((int(one.name) for one in folder.iterdir() if one.name.isdigit()), default=0) + 1
    while True:
        try:
            (folder / str(number)).mkdir()
        except FileExistsError:
            number += 1
        else:
            return number


def load_rehearsal(connection: Any, number: int) -> Rehearsal:
    """Read a rehearsal back.

    Errors: NoRehearsal.
    """
    folder = folder_of(connection) / str(number)
    if not (folder / ORDERS).exists():
        known = ", ".join(str(row["number"]) for row in list_rehearsals(connection).to_dicts()) or "none"
        message = f"no rehearsal {number} is kept; there are: {known}. Correct the number, or rehearse first."
        raise NoRehearsal(message)
    head = json.loads((folder / ORDERS).read_text(encoding="utf-8"))
    return Rehearsal(
        number=number,
        made_at=datetime.fromisoformat(head["made_at"]),
        made_by=head["made_by"],
        orders=[_order(order) for order in head["orders"]],
        people=pl.read_parquet(folder / PEOPLE),
        differences=pl.read_parquet(folder / CHANGES),
        measures={int(client): found for client, found in head["measures"].items()},
        seconds=head["seconds"],
        run_seconds=head["run_seconds"],
    )


def _order(told: dict[str, Any]) -> RunOrder:
    days = {name: date.fromisoformat(told[name]) for name in ("as_of", "floor") if told[name]}
    return RunOrder(**(told | days | {"through": Level(told["through"])}))


def list_rehearsals(connection: Any) -> pl.DataFrame:
    """List the rehearsals kept, the last first: number, made_at, made_by, clients, as_of."""
    folder = folder_of(connection)
    heads = sorted(folder.glob(f"*/{ORDERS}"), key=lambda path: -int(path.parent.name))
    lines = []
    for path in heads:
        head = json.loads(path.read_text(encoding="utf-8"))
        lines.append(
            {
                "number": int(path.parent.name),
                "made_at": datetime.fromisoformat(head["made_at"]),
                "made_by": head["made_by"],
                "clients": [order["client_id"] for order in head["orders"]],
                "as_of": date.fromisoformat(head["orders"][0]["as_of"]),
            }
        )
    return pl.DataFrame(lines, schema=LISTED)


LISTED: dict[str, Any] = {
    "number": pl.Int64,
    "made_at": pl.Datetime("us", "UTC"),
    "made_by": pl.String,
    "clients": pl.List(pl.Int64),
    "as_of": pl.Date,
}
PEOPLE_FRAME = pl.DataFrame(
    schema={
        "client_id": pl.Int32,
        "person_id": pl.Int64,
        "benefit_record": pl.Int16,
        "outcome": pl.String,
        "to_status": pl.String,
        "fingerprint": pl.Int64,
        "digest": pl.Int64,
    }
)
