"""Elections of events that are assigned or prepared again: withdrawn as further submissions, or given back.

"Deleted" means superseded, never erased (rulings §4): who chose what, and when it was received, stays. The
caller has locked the people, in its own transaction.
"""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.enrollment import models
from openbenefits.enrollment.election_frames import (
    ELECTION_KEY,
    load_elected_beneficiaries,
    load_elected_dependents,
    load_elected_funds,
)
from openbenefits.enrollment.entry_rows import as_stored
from openbenefits.events.rules import EVENT_KEY
from openbenefits.store.bulk import copy_in, copy_out, schema_of
from openbenefits.store.keys import PEOPLE, people_arrays

REPAIR = "repair"
"""The source of a withdrawal that a repair wrote."""

SUBMITTED = (
    f"SELECT {{columns}} FROM enrollment_election AS e JOIN {PEOPLE} AS k USING (client_id, person_id)"  # noqa: S608
)

PLACE = [*ELECTION_KEY[:-1]]
CONTENTS = (
    (models.ElectionDependent, load_elected_dependents),
    (models.ElectionBeneficiary, load_elected_beneficiaries),
    (models.ElectionFund, load_elected_funds),
)


def load_submitted(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load every submission of some events, in order, with all its columns."""
    schema = schema_of(models.Election)
    rows = copy_out(connection, SUBMITTED.format(columns=", ".join(schema)), schema, people_arrays(events))
    return rows.join(events.select(EVENT_KEY).unique(), on=list(EVENT_KEY), how="semi").sort(*ELECTION_KEY)


def standing(submitted: pl.DataFrame) -> pl.DataFrame:
    """Keep of each place the last submission, if it stands."""
    last = submitted.unique(PLACE, keep="last", maintain_order=True)
    return last.filter(~pl.col("is_withdrawn"))


def withdraw_elections(connection: Any, events: pl.DataFrame, *, actor: str, on: date) -> int:
    """Withdraw the elections of events because the events are decided without them; answer how many."""
    return _write_withdrawals(connection, standing(load_submitted(connection, events)), actor=actor, on=on)


def _write_withdrawals(connection: Any, rows: pl.DataFrame, *, actor: str, on: date) -> int:
    withdrawn = rows.with_columns(
        submission=(pl.col("submission") + 1).cast(pl.Int32),
        is_withdrawn=pl.lit(value=True),
        source=pl.lit(REPAIR),
        elector=pl.lit(actor),
        received_on=pl.lit(on),
        change_id=pl.lit(None, pl.Int64),
    )
    return copy_in(connection, "enrollment_election", as_stored(withdrawn, models.Election))


def withdraw_copies(connection: Any, trail: pl.DataFrame, *, actor: str, on: date) -> int:
    """Withdraw the elections that came to an event from another one, where they still stand; how many.

    Shapes: trail has the key of the event they came from, and to_person, to_record, to_number.
    """
    if trail.is_empty():
        return 0
    said = ["plan_type", "slot", "option_code", "received_on", "elector", "source"]
    there = ["client_id", "to_person", "to_record", "schedule_id", "to_number"]
    came = standing(load_submitted(connection, trail)).join(
        trail.select(*EVENT_KEY, "to_person", "to_record", "to_number"), on=list(EVENT_KEY)
    )
    keys = trail.select("client_id", "schedule_id", person_id="to_person", benefit_record="to_record",
                        event_number="to_number")  # fmt: skip
    theirs = standing(load_submitted(connection, keys))
    copied = theirs.join(came, left_on=[*_PLACED, *said], right_on=[*there, *said], how="semi")
    return _write_withdrawals(connection, copied, actor=actor, on=on)


_PLACED = ["client_id", "person_id", "benefit_record", "schedule_id", "event_number"]


def give_elections_back(connection: Any, events: pl.DataFrame) -> int:
    """Let the elections stand again that a repair withdrew, where nothing was chosen since: how many."""
    submitted = load_submitted(connection, events)
    last = submitted.unique(PLACE, keep="last", maintain_order=True)
    by_repair = last.filter((pl.col("source") == REPAIR) & pl.col("is_withdrawn"))
    earlier = submitted.filter(~pl.col("is_withdrawn")).unique(PLACE, keep="last", maintain_order=True)
    back = earlier.join(by_repair.select(*PLACE, next="submission"), on=PLACE)
    rows = back.with_columns(
        was="submission",
        submission=(pl.col("next") + 1).cast(pl.Int32),
        change_id=pl.lit(None, pl.Int64),
    )
    copy_in(connection, "enrollment_election", as_stored(rows, models.Election))
    copy_contents(
        connection, rows, rows.select(*ELECTION_KEY, *(pl.col(n).alias(f"old_{n}") for n in PLACE), "was")
    )
    return rows.height


def copy_contents(
    connection: Any, people: pl.DataFrame, places: pl.DataFrame, renamed: pl.DataFrame | None = None
) -> None:
    """Copy dependents, beneficiaries and funds of submissions to others.

    Shapes: places has ELECTION_KEY (where to), and where they are copied from: old_…, was (submission);
            renamed has old_dependent and dependent_id (None: dependents stay who they are).
    """
    source = [f"old_{name}" for name in PLACE]
    for model, load in CONTENTS:
        rows = load(connection, people).rename({**dict(zip(PLACE, source, strict=True)), "submission": "was"})
        found = rows.join(places, on=[*source, "was"])
        if renamed is not None and "dependent_id" in found.columns:
            found = found.rename({"dependent_id": "old_dependent"}).join(renamed, on="old_dependent")
        copy_in(connection, model._meta.db_table, as_stored(found, model))
