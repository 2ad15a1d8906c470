"""The history of events: each single move, appended."""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.core.columns import in_types
from openbenefits.core.days import instant
from openbenefits.events import models
from openbenefits.store.bulk import copy_in, schema_of


def record_steps(
    connection: Any, steps: pl.DataFrame, *, run_id: int | None, actor: str, now: datetime
) -> None:
    """Append the moves of events to their history.

    Shapes: steps has the event's key, `step` (its number, counting on), from_status, to_status,
            event_status, cause.
    """
    rows = steps.with_columns(
        run_id=pl.lit(run_id, pl.Int64),
        actor=pl.lit(actor),
        moved_at=instant(now),
    )
    columns = schema_of(models.EventStep)
    stored = in_types(rows, columns)
    copy_in(connection, "events_eventstep", stored)
