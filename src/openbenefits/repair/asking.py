"""What may be asked of one event now: every operation, and of the rest why not."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY
from openbenefits.repair import kinds
from openbenefits.repair.acts import last_standing, load_acts
from openbenefits.repair.judging import TABLE
from openbenefits.repair.targets import judged, spelled

UNDO = "undo"
ASKED = {"kind": pl.String, "name": pl.String, "is_possible": pl.Boolean, "why_not": pl.String}
TO_BE_STATED = ("to_day", "to_record")
"""What whoever asks states with the operation: nothing is wrong with the event."""


def operations_of(connection: Any, event: Mapping[str, int]) -> pl.DataFrame:
    """List the operations a person may order of an event, and of the others why not; undoing comes last.

    Shapes: ASKED. event: its key.
    """
    place = _place(event)
    events = load_events(connection, place)
    known = events.join(place, on=list(EVENT_KEY), how="semi")
    words = TABLE.filter(pl.col("kind").is_in(kinds.ASKABLE)).select("kind", name="to_do")
    if known.is_empty():
        return pl.DataFrame(schema=ASKED)
    other_day = known["event_on"][0] + timedelta(days=1)
    asked = place.join(words, how="cross").with_columns(
        to_on=pl.when(kind=kinds.REDATE).then(pl.lit(other_day)),
        to_record=pl.when(kind=kinds.MOVE).then(pl.col("benefit_record") + 1).cast(pl.Int16),
    )
    faults = judged(connection, events, spelled(asked)).filter(~pl.col("column").is_in(TO_BE_STATED))
    why = pl.format("expected {}, found {}; {}", "expected", "found", "cure")
    rows = words.join(faults.select("kind", why_not=why), on="kind", how="left", maintain_order="left")
    found = rows.with_columns(is_possible=pl.col("why_not").is_null()).select(list(ASKED))
    return pl.concat([found, _undoing(connection, place)])


def _undoing(connection: Any, place: pl.DataFrame) -> pl.DataFrame:
    """Whether the last operation on the event may be undone."""
    acts = load_acts(connection, place).join(place, on=list(EVENT_KEY), how="semi")
    last = last_standing(acts)
    if last.is_empty():
        nothing = "expected an operation that stands, found none"
        row: tuple[str, str, bool, str | None] = (UNDO, "undo the last operation", False, nothing)
    else:
        kind = kinds.KINDS[last["kind"][0]]
        why_not = None if kind.undone_by else f"'{kind.name}' orders nothing that could be withdrawn"
        row = (UNDO, f"undo: {kind.name}", why_not is None, why_not)
    return pl.DataFrame([row], schema=ASKED, orient="row")


def _place(event: Mapping[str, int]) -> pl.DataFrame:
    types = {"person_id": pl.Int64, "benefit_record": pl.Int16}
    return pl.DataFrame([dict(event)], schema={name: types.get(name, pl.Int32) for name in EVENT_KEY})
