"""How far a file has come, as legal moves; what a carrier then knows, what goes again, what is overdue.

States: built, validated, held or released, sent, received (TA1), then what the 999 says, then what the
carrier's business report says, and reconciled. What was refused moves nothing. Source: carrier-feeds §7.
"""

from datetime import datetime
from enum import StrEnum

import polars as pl

from openbenefits.carriers.acknowledgements.words import TAKEN

LISTED, LOST, FUNDED, PAID = "in a list", "loss", "contribution", "premium"
NO_ENROLMENT = (LISTED, LOST, FUNDED, PAID)
"""Kinds of what is said of a person in a file that is no enrolment."""
NO_COVER = (LOST, FUNDED, PAID)
"""Those that say nothing of what somebody is covered by."""


class FileState(StrEnum):
    """How far a file has come."""

    BUILT = "built"
    INVALID = "invalid"
    VALIDATED = "validated"
    HELD = "held"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    SENT = "sent"
    RECEIVED = "received"
    NOT_READ = "not read"
    ACCEPTED = "accepted"
    ACCEPTED_WITH_ERRORS = "accepted with errors"
    ACCEPTED_IN_PART = "accepted in part"
    REJECTED = "rejected"
    CONFIRMED = "confirmed"
    RECONCILED = "reconciled"


_S = FileState
_ANSWERED = (_S.ACCEPTED, _S.ACCEPTED_WITH_ERRORS, _S.ACCEPTED_IN_PART, _S.REJECTED)
MOVES: dict[FileState, tuple[FileState, ...]] = {
    _S.BUILT: (_S.VALIDATED, _S.INVALID, _S.WITHDRAWN),
    _S.INVALID: (),
    _S.VALIDATED: (_S.HELD, _S.RELEASED, _S.WITHDRAWN),
    _S.HELD: (_S.RELEASED, _S.WITHDRAWN),
    _S.RELEASED: (_S.SENT, _S.WITHDRAWN),
    _S.WITHDRAWN: (),
    _S.SENT: (_S.RECEIVED, _S.NOT_READ, *_ANSWERED),  # a TA1 is not everybody's custom
    _S.RECEIVED: _ANSWERED,
    _S.NOT_READ: (),
    _S.ACCEPTED: (_S.CONFIRMED,),
    _S.ACCEPTED_WITH_ERRORS: (_S.CONFIRMED,),
    _S.ACCEPTED_IN_PART: (_S.CONFIRMED,),
    _S.REJECTED: (),
    _S.CONFIRMED: (_S.RECONCILED,),
    _S.RECONCILED: (),
}
"""Where a file may go from where it is. What was not read or was rejected goes again as a new file."""

TELLING = frozenset({_S.ACCEPTED, _S.ACCEPTED_WITH_ERRORS, _S.ACCEPTED_IN_PART, _S.CONFIRMED, _S.RECONCILED})
REFUSING = frozenset({_S.NOT_READ, _S.REJECTED})
OF_ENVELOPE = {"A": _S.RECEIVED, "E": _S.RECEIVED, "R": _S.NOT_READ}
OF_GROUP = {"A": _S.ACCEPTED, "E": _S.ACCEPTED_WITH_ERRORS, "P": _S.ACCEPTED_IN_PART}
WAITS_FOR = {
    _S.VALIDATED: "its release",
    _S.HELD: "a person's word",
    _S.RELEASED: "its transfer",
    _S.SENT: "a 999",
    _S.RECEIVED: "a 999",
    **dict.fromkeys((_S.ACCEPTED, _S.ACCEPTED_WITH_ERRORS, _S.ACCEPTED_IN_PART), "a business report"),
}
"""What the next move of a state depends on, where somebody else must make it."""


class MoveRefused(ValueError):
    """A move a file may not make: from where, to where, what it may do."""


def moved(state: FileState, to: FileState) -> FileState:
    """Answer the state a file comes to; the same again is no move.

    Errors: MoveRefused.
    """
    if to == state or to in MOVES[state]:
        return to
    may = ", ".join(MOVES[state]) or "nothing any more"
    raise MoveRefused(
        f"a file that is {state} may become {may}; found {to}. Build a new file to send it again."
    )


def after_envelope(state: FileState, code: str) -> FileState:
    """Answer the state after a TA1. One that comes late changes nothing of what a 999 has said."""
    to = OF_ENVELOPE.get(code)
    if to is None:
        raise MoveRefused(
            f"expected A, E or R in a TA1, found {code or 'nothing'}; ask the carrier what it means"
        )
    is_late = to == _S.RECEIVED and (state in TELLING or state == _S.REJECTED)
    return state if is_late else moved(state, to)


def after_group(state: FileState, code: str) -> FileState:
    """Answer the state after a 999, by its AK901; what is not known counts as rejected and tells nothing."""
    return moved(state, OF_GROUP.get(code, _S.REJECTED))


def sets_told(files: pl.DataFrame, sets: pl.DataFrame) -> pl.DataFrame:
    """Answer the sets whose content the carrier now knows: the high-water mark moves by these and no others.

    Shapes:  files has file_id and state; sets has file_id, set and code (IK501; null: the 999 did not name
             the set). Answers file_id and set.
    Source:  a group that is taken takes its sets; of one taken in part, those it names as taken.
    """
    rows = sets.join(files.select("file_id", "state"), on="file_id", how="inner")
    named = pl.col("code").is_in(TAKEN).fill_null(value=False)
    whole = pl.col("state").is_in([str(_S.ACCEPTED), str(_S.ACCEPTED_WITH_ERRORS)])
    in_part = pl.col("state").is_in([str(one) for one in TELLING])
    told = (whole & pl.col("code").is_null()) | (in_part & named)
    return rows.filter(told).select("file_id", "set").sort("file_id", "set")


def sets_to_send_again(files: pl.DataFrame, sets: pl.DataFrame) -> pl.DataFrame:
    """Answer the sets that were answered and not taken: of a file that was not read or rejected, all.

    Shapes: as `sets_told`. A set a carrier has not answered yet is in neither.
    """
    answered = [str(one) for one in (*TELLING, *REFUSING)]
    done = files.filter(pl.col("state").is_in(answered)).select("file_id")
    rows = sets.join(done, on="file_id", how="semi").select("file_id", "set")
    return rows.join(sets_told(files, sets), on=["file_id", "set"], how="anti").sort("file_id", "set")


def overdue(files: pl.DataFrame, due_hours: dict[FileState, int], *, now: datetime) -> pl.DataFrame:
    """List files that wait longer than agreed for what comes next, the longest first.

    Shapes:  files has file_id, state and since (when it came to the state). due_hours: how long a state may
             last; one that is not named may last for ever. Answers file_id, state, due_at, waits_for.
    """
    bounds = pl.DataFrame(
        [(str(one), due_hours[one], words) for one, words in WAITS_FOR.items() if one in due_hours],
        schema={"state": pl.String, "hours": pl.Int64, "waits_for": pl.String},
        orient="row",
    )
    rows = files.join(bounds, on="state", how="inner")
    rows = rows.with_columns(due_at=pl.col("since") + pl.duration(hours="hours"))
    return (
        rows.filter(pl.col("due_at") < now).select("file_id", "state", "due_at", "waits_for").sort("due_at")
    )
