"""Processing on demand tried first: what it would change of coverage, deductions and events."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from openbenefits.events.windows import EventPlace
from openbenefits.repair.proposals import due_order
from openbenefits.repair.services import (
    Consequences,
    RepairOrder,
    changed_deductions,
    compared,
    state_of,
)
from openbenefits.review.demand import Asked, Done
from openbenefits.store.trials import given_up

RECORD = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of an event, and what that changes."""

    done: Done
    consequences: Consequences


def tried(
    connection: Any, place: EventPlace, asked: Asked, work: Callable[[], Done], *, is_rehearsal: bool
) -> Tried:
    """Process an event on demand and answer what it changes; a rehearsal writes nothing.

    work: one of `review.demand`. Errors: as it.
    """
    people = pl.DataFrame([{name: place.key()[name] for name in RECORD}], schema=RECORD)
    pays = due_order(place.client_id, asked.as_of, asked.author)
    compares = RepairOrder(
        client_id=place.client_id,
        targets=pl.DataFrame(),
        as_of=asked.as_of,
        begin=pays.begin,
        through=pays.through,
        reason="on demand",
        author=asked.author,
    )
    with given_up(is_rehearsal=is_rehearsal):
        before = state_of(connection, compares, people)
        done = work()
        after = state_of(connection, compares, people)
        deductions = changed_deductions(connection, compares, before, after)
    run_id = None if is_rehearsal else done.run_id
    return Tried(done=done, consequences=compared(before, after, deductions, run_id))
