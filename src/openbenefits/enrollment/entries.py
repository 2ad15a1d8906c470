"""What a file or an entry brings is one change: of elections it keeps where the events stood."""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.enrollment import models
from openbenefits.enrollment.entry_cells import CellFile
from openbenefits.enrollment.entry_rows import as_stored
from openbenefits.events.rules import EVENT_KEY
from openbenefits.store.bulk import copy_in
from openbenefits.workforce.models import ChangeSet

ELECTIONS = "elections"
"""The kind of change of an entry."""


def change_by_file(
    connection: Any, client_id: int, kind: str, file: CellFile, *, author: str, now: datetime
) -> ChangeSet:
    """Begin the change of a kind that a file brings, so that it may be taken back as one."""
    made: ChangeSet = ChangeSet.objects.using(connection.alias).create(
        client_id=client_id,
        kind=kind,
        label=file.name,
        fingerprint=file.fingerprint,
        made_at=now,
        made_by=author,
    )
    return made


def record_entry(
    connection: Any,
    written: pl.DataFrame,
    *,
    client_id: int,
    label: str,
    fingerprint: str,
    made_by: str,
    now: datetime,
) -> int:
    """Write down an entry, and where each of its events stands before; answer its number.

    Shapes: written has the event's key, process_status, event_status, elected_on, elect_source, steps.
    """
    change = ChangeSet.objects.using(connection.alias).create(
        client_id=client_id,
        kind=ELECTIONS,
        label=label,
        fingerprint=fingerprint,
        made_at=now,
        made_by=made_by,
    )
    events = written.unique(list(EVENT_KEY), keep="first", maintain_order=True)
    rows = events.with_columns(change_id=pl.lit(change.pk, pl.Int64))
    copy_in(connection, "enrollment_entrybefore", as_stored(rows, models.EntryBefore))
    return int(change.pk)
