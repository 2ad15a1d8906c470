"""Why a carrier's list differs from our timeline: by what it was told, and what became of that.

In order: who or what it names is unknown; what we say of it is refused, on its way, or waits; what it
accepted and does not hold; what was never told.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import polars as pl

from openbenefits.carriers.rules.audits import HERE, THERE
from openbenefits.carriers.rules.custody import REFUSING, FileState


class Cause(StrEnum):
    """Why something differs."""

    UNKNOWN_PERSON = "unknown here"
    PERHAPS = "perhaps somebody else"
    UNKNOWN_CODE = "code unknown"
    IDENTITY = "identity"
    OTHER_FAMILY = "another family"
    TWICE = "listed twice"
    REFUSED = "refused"
    IN_FLIGHT = "sent, not answered"
    NOT_SENT = "in a file not sent"
    PORTAL = "to be entered at the portal"
    FROZEN = "frozen"
    LOST = "accepted, not held"
    NOT_ENDED = "end accepted, still held"
    OLD = "too long ago to be told"
    NEVER_HELD = "never covered here"
    TAKEN_BACK = "taken back here"
    NEXT_FILE = "not told yet"
    EARLIER = "told before, never by us"


WORDS: dict[Cause, str] = {
    Cause.UNKNOWN_PERSON: "Nobody here has that number, SSN, or name with birth. Ask the carrier who it is.",
    Cause.PERHAPS: "Nobody here fits; somebody has a similar name. Compare number, SSN and birth date.",
    Cause.UNKNOWN_CODE: "The agreement has no meaning for the carrier's code. Add it, or ask the carrier.",
    Cause.IDENTITY: "Both sides mean the same person, written differently. Correct the one that is wrong.",
    Cause.OTHER_FAMILY: "The carrier has this person in another family. Ask it to move him.",
    Cause.TWICE: "The carrier lists the same line several times. Ask it which holds.",
    Cause.REFUSED: "What was sent of it was refused. Correct what the carrier says, then send it again.",
    Cause.IN_FLIGHT: "It was sent and the carrier has not answered. Wait for the answer.",
    Cause.NOT_SENT: "It is in a file that has not left. Release and send the file.",
    Cause.PORTAL: "It waits to be entered at the carrier's portal. Enter it, and note the call reference.",
    Cause.FROZEN: "The carrier takes no such change on these days. It goes to the portal, or waits.",
    Cause.LOST: "The carrier accepted it and does not hold it. Ask the carrier, naming the file.",
    Cause.NOT_ENDED: "The carrier accepted the end and goes on. Ask the carrier, naming the file.",
    Cause.OLD: "It lies further back than the agreement tells. Tell the carrier apart.",
    Cause.NEVER_HELD: "The person is known here and has no such coverage. Find out who enrolled him there.",
    Cause.TAKEN_BACK: "It was told and has been taken back here since. The next file says so.",
    Cause.NEXT_FILE: "It has not been told yet. The next file says it.",
    Cause.EARLIER: "The carrier holds it otherwise, and we never told it. The next file says what is right.",
}
"""What each cause means, and what to do."""

_ON_THE_WAY = frozenset({str(FileState.SENT), str(FileState.RECEIVED)})
_AT_HOME = frozenset(
    str(one) for one in (FileState.BUILT, FileState.VALIDATED, FileState.HELD, FileState.RELEASED)
)
_REFUSED = frozenset(str(one) for one in REFUSING)
TAKEN = ("A", "E")

KNOWN: dict[str, Any] = {
    "subscriber": pl.String,
    "member": pl.String,
    "line": pl.String,
    "is_told": pl.Boolean,
    "was_told": pl.Boolean,
    "told_end": pl.Date,
    "told_begin": pl.Date,
    "told_plan": pl.String,
    "told_tier": pl.String,
    "has_ended": pl.Boolean,
    "ended_on": pl.Date,
    "is_person_known": pl.Boolean,
    "file_id": pl.Int64,
    "set": pl.Int32,
    "line_number": pl.Int32,
    "state": pl.String,
    "set_code": pl.String,
    "verdict_there": pl.String,
    "code_there": pl.String,
    "is_portal": pl.Boolean,
    "is_frozen": pl.Boolean,
}
"""What is known of a member's line: as told and accepted (is_told: so that it holds on the day), how it ended
here, the last file about it."""


def caused(rows: pl.DataFrame, *, since: date) -> pl.DataFrame:
    """Add `cause` and `words` to differences.

    Shapes: rows has audits.ROW, KNOWN, and is_unknown, is_near, is_code_known.
    """
    reported = (pl.col("verdict_there") == "refused").fill_null(value=False)
    refused = (
        pl.col("state").is_in(list(_REFUSED))
        | (pl.col("set_code").is_not_null() & ~pl.col("set_code").is_in(TAKEN))
    ).fill_null(value=False)
    cover = pl.col("field").is_in(["coverage", "plan", "tier", "begin", "end", "basis"])
    cause = (
        pl.when(pl.col("field").is_in(["SSN", "birth date", "name"]))
        .then(_of(Cause.IDENTITY))
        .when(pl.col("field") == "family")
        .then(_of(Cause.OTHER_FAMILY))
        .when(pl.col("field") == "twice")
        .then(_of(Cause.TWICE))
        .when(pl.col("is_near"))
        .then(_of(Cause.PERHAPS))
        .when(pl.col("is_unknown"))
        .then(_of(Cause.UNKNOWN_PERSON))
        .when(~pl.col("is_code_known"))
        .then(_of(Cause.UNKNOWN_CODE))
        .when(cover & (reported | (refused & _says_ours())))
        .then(_of(Cause.REFUSED))
        .when(cover & pl.col("state").is_in(list(_ON_THE_WAY)) & _says_ours())
        .then(_of(Cause.IN_FLIGHT))
        .when(cover & pl.col("state").is_in(list(_AT_HOME)) & _says_ours())
        .then(_of(Cause.NOT_SENT))
        .when(pl.col("is_portal").fill_null(value=False))
        .then(_of(Cause.PORTAL))
        .otherwise(_told(since))
    )
    words = pl.col("cause").replace_strict(
        {str(one): text for one, text in WORDS.items()}, default="", return_dtype=pl.String
    )
    return rows.with_columns(cause=cause).with_columns(words=words)


def _of(one: Cause) -> pl.Expr:
    return pl.lit(str(one))


def _says_ours() -> pl.Expr:
    """Tell whether the last file about a line spoke of what is not accepted yet."""
    return pl.col("file_id").is_not_null() & ~_agrees()


def _agrees() -> pl.Expr:
    """Tell whether what was told and accepted is what we hold, as far as it differs there."""
    is_told = pl.col("is_told").fill_null(value=False)
    told = {
        "plan": pl.col("told_plan"),
        "tier": pl.col("told_tier"),
        "begin": pl.col("told_begin").cast(pl.String),
        "end": pl.col("told_end").cast(pl.String).fill_null("none"),
    }
    same = pl.lit(value=True)
    for field, value in told.items():
        same = (
            pl.when(pl.col("field") == field).then(value.fill_null("none") == pl.col("here")).otherwise(same)
        )
    ended = pl.col("has_ended").fill_null(value=False) & (pl.col("told_end") == pl.col("ended_on"))
    return (
        pl.when(pl.col("verdict") == HERE)
        .then(~is_told | ended.fill_null(value=False))
        .otherwise(is_told & same)
        .fill_null(value=False)
    )


def _held_there(since: date) -> pl.Expr:
    """Say why a carrier holds what we do not."""
    is_told = pl.col("is_told").fill_null(value=False)
    ended = pl.col("has_ended").fill_null(value=False)
    is_old = (pl.col("ended_on") < since).fill_null(value=False)
    end_told = ended & (pl.col("told_end") == pl.col("ended_on")).fill_null(value=False)
    return (
        pl.when(end_told)
        .then(_of(Cause.NOT_ENDED))
        .when(ended & ~pl.col("was_told").fill_null(value=False))
        .then(_of(Cause.EARLIER))
        .when(ended & is_old)
        .then(_of(Cause.OLD))
        .when(ended)
        .then(_of(Cause.NEXT_FILE))
        .when(is_told)
        .then(_of(Cause.TAKEN_BACK))
        .when(pl.col("is_person_known").fill_null(value=False))
        .then(_of(Cause.NEVER_HELD))
        .otherwise(_of(Cause.UNKNOWN_PERSON))
    )


def _told(since: date) -> pl.Expr:
    """Find the cause in what was told and accepted."""
    is_told = pl.col("is_told").fill_null(value=False)
    is_old = (pl.col("ended_on") < since).fill_null(value=False)
    there = (
        pl.when(is_told)
        .then(_of(Cause.LOST))
        .when(pl.col("is_frozen").fill_null(value=False))
        .then(_of(Cause.FROZEN))
        .otherwise(_of(Cause.NEXT_FILE))
    )
    old_end = (pl.col("field") == "end") & is_old
    other = (
        pl.when(_agrees())
        .then(_of(Cause.LOST))
        .when(old_end)
        .then(_of(Cause.OLD))
        .when(pl.col("is_frozen").fill_null(value=False))
        .then(_of(Cause.FROZEN))
        .when(is_told)
        .then(_of(Cause.NEXT_FILE))
        .otherwise(_of(Cause.EARLIER))
    )
    return (
        pl.when(pl.col("verdict") == HERE)
        .then(_held_there(since))
        .when(pl.col("verdict") == THERE)
        .then(there)
        .otherwise(other)
    )


def first_told(on: date, retro_days: int) -> date:
    """Answer the day before which an end that was never told is let be."""
    return on - timedelta(days=retro_days)
