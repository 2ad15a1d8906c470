"""Activity that waits follows when two person ids become one, and goes back when they part.

It keeps what people did about it (entered, admitted, proved). What has become an event meanwhile goes the way
of events.
"""

from typing import Any

import polars as pl

from openbenefits.events.activity import remove
from openbenefits.events.frames import load_waiting_activity
from openbenefits.events.models import Activity, ActivityAct
from openbenefits.events.rules import ACTIVITY_KEY
from openbenefits.repair.following_acts import load_of, write_all
from openbenefits.repair.models import PersonMerge

PLACE = [name for name in ACTIVITY_KEY if name != "person_id"]
SAID = ("kind", "reason", "author", "acted_at")


def waiting_twice(connection: Any, people: pl.DataFrame, survivor_id: int) -> int:
    """Count the activity that waits of one and that the other has too: of one day, source and class."""
    theirs = _waiting(connection, people).filter(pl.col("person_id") != survivor_id)
    own = load_of(connection, Activity, people).filter(person_id=survivor_id)
    return theirs.join(own, on=PLACE, how="semi").height


def bring_activity(connection: Any, people: pl.DataFrame, survivor_id: int, change_id: int) -> None:
    """Let what waits of one wait of the other; what came of a fact comes of the fact that followed."""
    theirs = _waiting(connection, people).filter(pl.col("person_id") != survivor_id)
    acts = load_of(connection, ActivityAct, people).join(theirs, on=list(ACTIVITY_KEY), how="semi")
    _move(connection, theirs, acts, people, survivor_id, change_id)


def give_activity_back(connection: Any, people: pl.DataFrame, last: PersonMerge, change_id: int) -> None:
    """Let what came with a merge and still waits wait of the one again, with what was done about it since."""
    waiting = _waiting(connection, people).filter(person_id=last.survivor_id)
    acts = load_of(connection, ActivityAct, people)
    own, before = (acts.filter(person_id=one) for one in (last.survivor_id, last.person_id))
    by_hand = own.join(before, on=[*PLACE, *SAID], how="semi").select(ACTIVITY_KEY).unique()
    came = pl.concat(
        [
            waiting.filter(change_id=last.change_id),
            waiting.filter(pl.col("change_id").is_null()).join(by_hand, on=list(ACTIVITY_KEY), how="semi"),
        ]
    )
    since = own.join(came, on=list(ACTIVITY_KEY), how="semi").join(before, on=[*PLACE, *SAID], how="anti")
    _move(connection, came, since, people, last.person_id, change_id)


def _waiting(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    keys = load_waiting_activity(connection, people).select(ACTIVITY_KEY)
    return load_of(connection, Activity, people).join(keys, on=list(ACTIVITY_KEY), how="semi")


def _move(
    connection: Any,
    rows: pl.DataFrame,
    acts: pl.DataFrame,
    people: pl.DataFrame,
    to_person: int,
    change_id: int,
) -> None:
    """Write activity, and acts about it, under another number, and let it wait no more where it was."""
    if rows.is_empty():
        return
    there = {"person_id": pl.lit(to_person, pl.Int64)}
    of_fact = pl.when(pl.col("change_id").is_not_null()).then(pl.lit(change_id, pl.Int64))
    known = load_of(connection, ActivityAct, people).filter(person_id=to_person)
    highest = known.group_by(PLACE).agg(highest=pl.col("number").max())
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(PLACE)
    copies = acts.sort(*PLACE, "number").with_columns(place=place, **there)
    copies = copies.join(highest, on=PLACE, how="left", maintain_order="left")
    copies = copies.with_columns(number=pl.col("highest").fill_null(0) + pl.col("place"))
    remove(connection, rows)
    write_all(connection, Activity, [rows.with_columns(change_id=of_fact, **there)])
    write_all(connection, ActivityAct, [copies])


__all__ = ["bring_activity", "give_activity_back", "waiting_twice"]
