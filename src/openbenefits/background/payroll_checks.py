"""Whether the payroll platform holds what set-up says, by the audits of the latest look at it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.platform.audits.services import audit, sides_of
from openbenefits.platform.connecting import NotLinked, linked
from openbenefits.platform.seen import NoLook
from openbenefits.programs.models import Release
from openbenefits.renewals.models import Batch
from openbenefits.workflow.checks import VERDICT, Check

OF_SET_UP = ("A1", "A2", "A3", "A5")
"""Plan set-ups, rates, contributions, waits (process-management §9.2)."""


def _equals(connection: Any, keys: Sequence[str], today: date) -> pl.DataFrame:
    """Answer of clients whether nothing of their set-up of today stands otherwise there."""
    return _verdicts((key, *_compared(connection, int(key), today)) for key in keys)


def _holds(connection: Any, keys: Sequence[str], today: date) -> pl.DataFrame:
    """Answer of batches whether their set-up stands there for their first day, read since it is in force."""
    found = Batch.objects.in_bulk([int(key) for key in keys])
    since = dict(
        Release.objects.filter(pk__in=[one.release_id for one in found.values()]).values_list(
            "pk", "applied_at"
        )
    )
    rows = []
    for key in keys:
        batch = found.get(int(key))
        if batch is None or batch.release_id is None:
            rows.append((key, False, "its set-up is not in force"))
            continue
        on = max(batch.effective_on, today)
        rows.append((key, *_compared(connection, batch.client_id, on, since[batch.release_id])))
    return _verdicts(rows)


def _compared(connection: Any, client_id: int, on: date, since: datetime | None = None) -> tuple[bool, str]:
    try:
        linked(client_id)
        sides = sides_of(connection, client_id, on)
    except NotLinked:
        return False, "not linked to a payroll platform"
    except NoLook:
        return False, "nobody has looked at the payroll platform"
    ended = sides.look.ended_at
    if since is not None and (ended is None or ended < since):
        return False, "nobody has looked at the payroll platform since its set-up is in force"
    faults = {code: audit(sides, code).faults for code in OF_SET_UP}
    told = ", ".join(f"{code}: {count}" for code, count in faults.items())
    return not any(faults.values()), f"differences that nobody accepted: {told}"


def _verdicts(rows: Any) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=VERDICT, orient="row")


CHECKS = (
    Check(
        name="payroll equals set-up",
        title="Plans, rates, contributions and waits read back from the payroll platform as set-up has them",
        kind="client",
        ask=_equals,
    ),
    Check(
        name="payroll holds the batch",
        title="The payroll platform reads back what the batch offers",
        kind="batch",
        ask=_holds,
    ),
)
