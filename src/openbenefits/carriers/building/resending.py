"""Refused sets that go again: alone, under the same reference where they say the very same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from openbenefits.carriers import models
from openbenefits.carriers.building.frames import load_files, load_sets
from openbenefits.carriers.building.saying import unpacked
from openbenefits.carriers.rules.custody import REFUSING, FileState, sets_to_send_again
from openbenefits.carriers.rules.differences import KEY
from openbenefits.carriers.rules.maintenance import SAID
from openbenefits.carriers.rules.renderings import Message, of_sets
from openbenefits.carriers.rules.views import MEMBER

REFUSED_IN = tuple(str(one) for one in (*REFUSING, FileState.ACCEPTED_IN_PART))
GIVEN_UP = tuple(str(one) for one in (FileState.INVALID, FileState.WITHDRAWN))
SAME = (*KEY, "action", "ends_on", "basis", "plan", "tier", "amount_cents", "provider", "is_void")


@dataclass(frozen=True, kw_only=True)
class Again:
    """What a new file says again. reference, file_id: of the file whose refused sets are these, if they are.

    sets: every refused set that the new file answers for; file_id and set.
    """

    reference: str = ""
    file_id: int | None = None
    sets: pl.DataFrame


def same_again(connection: Any, owner: int, code: str, client_ids: Sequence[int], message: Message) -> Again:
    """Find the refused sets nobody has sent again yet, and whether a message says just those of a file."""
    files = load_files(connection, owner, code, client_ids, REFUSED_IN)
    sets = load_sets(connection, files["id"].to_list())
    open_ = sets.filter(pl.col("resent_by").is_null() | pl.col("resent_state").is_in(GIVEN_UP))
    states = files.select("state", file_id="id")
    refused = sets_to_send_again(states, sets.select("file_id", "set", "code"))
    waiting = refused.join(open_, on=["file_id", "set"], how="semi")
    for file_id in sorted(waiting["file_id"].unique(), reverse=True):
        row = files.row(by_predicate=pl.col("id") == file_id, named=True)
        was, _ = unpacked(row["said"])
        if _is_same(of_sets(was, waiting.filter(file_id=file_id)["set"].to_list()), message):
            return Again(reference=row["reference"], file_id=file_id, sets=waiting)
    return Again(sets=waiting)


def settle(connection: Any, again: Again, file_id: int) -> None:
    """Note of refused sets which file answers for them."""
    for whose, number in again.sets.iter_rows():
        rows = models.FileSet.objects.using(connection.alias).filter(file_id=whose, set=number)
        rows.update(resent_by=file_id)


def _is_same(was: Message, message: Message) -> bool:
    """Tell whether two messages say the same of the same people."""
    if was.purpose != message.purpose:
        return False
    who = [*MEMBER, "basis", "action"]
    people = [one.people.select(list(SAID)).sort(who) for one in (was, message)]
    lines = [one.lines.select(SAME).sort(SAME) for one in (was, message)]
    return people[0].equals(people[1]) and lines[0].equals(lines[1])
