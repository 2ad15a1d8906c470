"""Why a run of event maintenance made no event of what waits (rulings §1.10, docs/rules.md §15.8)."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.core.messages import CATALOGUE
from openbenefits.events import frames
from openbenefits.events.rules import RECORD_KEY

PERSON = ["client_id", "person_id"]
CLOSED = f"BA1006: {CATALOGUE['BA1006'].title}"
HELD = "waits for an administrator"


def not_taken(connection: Any, outcomes: pl.DataFrame, schedules: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Say of those without an outcome what the run left lying.

    Shapes: outcomes per benefit record with outcome (null: nothing was worked on); schedules as set up. Where
            none of those of event maintenance takes new events, the run leaves new facts unread and activity
            waiting; any other leaves what is held.
    """
    idle = outcomes.filter(pl.col("outcome").is_null())
    closed = [row["is_closed_to_new_events"] for row in schedules if row["kind"] == "E"]
    if not closed or idle.is_empty():
        return outcomes
    waiting = frames.load_waiting_activity(connection, idle).select(RECORD_KEY).unique()
    left = idle.join(waiting, on=list(RECORD_KEY), how="semi")
    text = HELD
    if all(closed):
        unread = idle.join(frames.load_unread_people(connection, idle), on=PERSON, how="semi")
        left, text = pl.concat([left, unread]).unique(list(RECORD_KEY)), CLOSED
    told = left.select(*RECORD_KEY, left_lying=pl.lit(text))
    found = outcomes.join(told, on=list(RECORD_KEY), how="left", maintain_order="left")
    return found.with_columns(outcome=pl.coalesce("outcome", "left_lying")).drop("left_lying")
