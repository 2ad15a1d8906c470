"""A night: every run control that is due, of every client, clients at once, each client's in their order.

A client whose run may not start, or that somebody holds, stops no other; whatever a client had to wait for is
named. The next night takes it up, as a run control stays due until it has run.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from openbenefits.repair.proposals import run_repairs
from openbenefits.repair.schedules import run_reprocess
from openbenefits.repair.services import RepairRefused
from openbenefits.runs import controls
from openbenefits.runs.gate import RunHeld
from openbenefits.runs.services import RunResult
from openbenefits.runs.workers import each_done, usual_workers
from openbenefits.workforce.models import Client, Person
from openbenefits.workforce.recording import PeopleBusy

KINDS: Mapping[str, Callable[..., RunResult]] = {"repairs": run_repairs, "reprocess": run_reprocess}
"""How kinds of run controls are carried out that `runs` does not know of."""
HELD = (RunHeld, RepairRefused, PeopleBusy)


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What came of one run control: its result, or why the client's rest waits."""

    client_id: int
    client: str
    control: str
    result: RunResult | None
    why: str = ""


def night(
    connection: Any,
    clients: Sequence[Client],
    on: date,
    *,
    now: datetime,
    started_by: str,
    workers: int | None = None,
) -> Iterator[list[Carried]]:
    """Carry out everything due on a day; answer what came of each client as it is done.

    Shapes: one list per client, empty where nothing is due. With several clients each run works on its
            partitions one after the other: the clients are at once.
    Errors: those of the program itself; what holds a client is told of that client.
    """
    people = Person.objects.filter(client_id__in=[client.pk for client in clients]).count()
    of_each = 1 if len(clients) > 1 else workers
    work = partial(_of_client, on=on, now=now, started_by=started_by, workers=of_each)
    at_once = workers or usual_workers(people)
    yield from each_done(connection, list(clients), work, workers=at_once)


def _of_client(
    connection: Any, client: Client, *, on: date, now: datetime, started_by: str, workers: int | None
) -> list[Carried]:
    """Carry out what is due of a client, in its order, until something holds it."""
    found: list[Carried] = []
    for code in controls.due(connection, client.pk, on)["code"]:
        told = {"client_id": client.pk, "client": client.code, "control": code}
        try:
            result = controls.execute(
                connection,
                client.pk,
                code,
                as_of=on,
                now=now,
                started_by=started_by,
                workers=workers,
                more_kinds=KINDS,
            )
        except HELD as held:
            return [*found, Carried(**told, result=None, why=str(held))]
        found.append(Carried(**told, result=result))
    return found
