"""What holds a file for a person before it leaves: too many ends, too many or few members, frozen days.

Only what is about to be sent is compared with what the carrier was last told. Source: carrier-feeds §4, §8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from openbenefits.carriers.rules.renderings import CHANGE_FILE, Message
from openbenefits.carriers.rules.views import LINE, MEMBER, View


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """How much a file may change before somebody looks; None: no bound. Percents are of those covered."""

    ends: int | None = None
    ends_percent: int | None = None
    members_percent: int | None = None
    from_members: int = 20
    """Percents are looked at only where so many members were covered: one of ten is no alarm."""


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """Days on which a carrier takes no changes of coverage before a day: it has loaded the next year."""

    from_on: date
    through_on: date
    before: date


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Why a file waits for a person: what was expected, found, and what to do."""

    code: str
    words: str


def members_covered(told: View, on: date) -> pl.DataFrame:
    """Answer who is covered on a day or later, as far as a carrier was told."""
    lasts = pl.col("ends_on").is_null() | (pl.col("ends_on") >= on)
    return told.cover.filter(lasts).select(MEMBER).unique().sort(MEMBER)


def ended(message: Message, told: View, *, on: date) -> pl.DataFrame:
    """Answer whom a message ends as far as a carrier covers them: said, or left out of a full list.

    Shapes: MEMBER, a row each. A member who keeps one line is not ended.
    """
    before = members_covered(told, on)
    if message.purpose != CHANGE_FILE:
        lasts = pl.col("ends_on").is_null() | (pl.col("ends_on") >= on)
        goes_on = message.lines.filter(lasts & ~pl.col("is_void")).select(MEMBER)
        return before.join(goes_on, on=list(MEMBER), how="anti")
    leaving = message.lines.filter("is_leaving").select(LINE).unique()
    lines = told.cover.filter(pl.col("ends_on").is_null() | (pl.col("ends_on") >= on)).select(LINE).unique()
    kept = lines.join(leaving, on=list(LINE), how="anti").select(MEMBER)
    opened = message.lines.filter(pl.col("action") != "024").join(leaving, on=list(LINE), how="anti")
    stays = pl.concat([kept, opened.select(MEMBER)])
    gone = leaving.select(MEMBER).unique().join(before, on=list(MEMBER), how="semi")
    return gone.join(stays, on=list(MEMBER), how="anti").sort(MEMBER)


def holds(message: Message, told: View, thresholds: Thresholds, *, on: date) -> list[Hold]:
    """Say why a file must wait; nothing where it may leave.

    Shapes: told is what the carrier was last told, on is the day of the file.
    """
    if message.is_empty:
        return [Hold(code="empty", words="The file would say nothing of anybody; it is not sent.")]
    before, ends = members_covered(told, on).height, ended(message, told, on=on).height
    found = []
    if thresholds.ends is not None and ends > thresholds.ends:
        found.append(_too_many(f"at most {thresholds.ends} members to end, found {ends}"))
    counts = before >= thresholds.from_members
    percent = thresholds.ends_percent
    if counts and percent is not None and ends * 100 > percent * before:
        found.append(_too_many(f"at most {percent} % of {before} members to end, found {ends}"))
    after = before - ends + _added(message, told, on)
    change = thresholds.members_percent
    if counts and change is not None and abs(after - before) * 100 > change * before:
        words = f"Expected the members to change by at most {change} %, found {after} after {before}."
        found.append(
            Hold(code="members", words=f"{words} Look at who comes and goes, then release or rebuild.")
        )
    return found


def _too_many(what: str) -> Hold:
    return Hold(
        code="ends", words=f"Expected {what}. Look at who leaves, then release the file or rebuild it."
    )


def _added(message: Message, told: View, on: date) -> int:
    """Count whom the message brings in: covered from now on, and not so before."""
    opens = message.lines.filter((pl.col("action") != "024") & ~pl.col("is_void"))
    return opens.select(MEMBER).unique().join(members_covered(told, on), on=list(MEMBER), how="anti").height


def frozen(message: Message, freezes: Sequence[Freeze], *, on: date) -> tuple[Message, Message]:
    """Part a message in what may be sent on a day, and what somebody must enter at the carrier's portal.

    A family with one frozen row goes to the worklist as a whole: halves of a change are worse than none.
    Who is only corrected, or moved, is never frozen.
    """
    active = [one.before for one in freezes if one.from_on <= on <= one.through_on]
    if not active:
        return message, _of(message, pl.DataFrame(schema={"subscriber": pl.String}), is_kept=True)
    day = pl.coalesce(pl.col("ends_on") + timedelta(days=1), "begins_on")  # from which it changes anything
    waits = message.lines.filter(day < max(active)).select("subscriber").unique()
    return _of(message, waits, is_kept=False), _of(message, waits, is_kept=True)


def _of(message: Message, families: pl.DataFrame, *, is_kept: bool) -> Message:
    theirs = pl.col("subscriber").is_in(families["subscriber"].to_list())
    people, lines = (one.filter(theirs if is_kept else ~theirs) for one in (message.people, message.lines))
    return Message(purpose=message.purpose, people=people, lines=lines)
