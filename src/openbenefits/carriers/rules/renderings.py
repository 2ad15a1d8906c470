"""One difference as a file: changes only, a full audit, a replacement, a full list with who ended lately.

What differs between partners is a named convention (`Manner`). The frames are what a writer of segments, or
of a delimited file, is given. Source: carrier-feeds §4.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import polars as pl

from openbenefits.carriers.rules.differences import ADD, CHANGES, END, difference
from openbenefits.carriers.rules.maintenance import INITIAL, SAID, maintained, with_cobra_events
from openbenefits.carriers.rules.views import ACTIVE, COVER, LINE, MEMBER, PEOPLE, View, covered_people, view

EndDay = Literal["last_covered", "first_not_covered"]
VoidDay = Literal["begin", "day_before"]
CHANGE_FILE = "2"
COMPARE, NOTIFICATION = "030", "XN"
MOST_OF_SET = 10_000
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a partner wants things said.

    end: 349 is the last day covered, or the first day not covered. void: 349 is the first day, or the day
    before it. context: how a subscriber is sent of whom only dependents change ('': not at all). ended: the
    action of who ended lately in a full list. days_to_repeat: so many days an end is repeated there.
    set_size: the most members of a transaction set; null: 10,000, as the guide advises.
    """

    end: EndDay = "last_covered"
    void: VoidDay = "begin"
    context: Literal["", "001", "030"] = ""
    ended: Literal["024", "030"] = "024"
    days_to_repeat: int = 0
    set_size: int | None = None


@dataclass(frozen=True, kw_only=True)
class Message:
    """A file before it is written: BGN08, its people (SAID and `set`), their lines (CHANGES, `said_end_on`).

    said_end_on: what 349 says, in the partner's manner; ends_on stays the last day covered.
    """

    purpose: str
    people: pl.DataFrame
    lines: pl.DataFrame

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be said: such a file is not sent."""
        return self.people.is_empty()


def changes(told: View, wanted: View, manner: Manner, *, since: date | None = None) -> Message:
    """Say only what moved since the carrier was last told and accepted."""
    lines = difference(told, wanted, since=since)
    people = _with_new_subscribers(maintained(told, wanted, lines), told, wanted)
    people = with_cobra_events(_with_context(people, wanted, manner), wanted, told)
    return _message(CHANGE_FILE, people, lines, manner)


def omitted(told: View, wanted: View, message: Message) -> pl.DataFrame:
    """List the ends a full list says by leaving out, as CHANGES: explicit ends are not among them."""
    return _ends(told, wanted).join(message.lines, on=[*LINE, "begins_on"], how="anti")


def full(told: View, wanted: View, manner: Manner, *, on: date, purpose: Literal["4", "RX"] = "4") -> Message:
    """Say everybody covered on a day or later, every line with its true first day; no change codes.

    purpose: 4 is an audit, RX tells the carrier to put the list in place of what it has.
    With days to repeat, who ended lately, and whom this list would end by leaving out, is on it with the end.
    """
    lasts = pl.col("ends_on").is_null() | (pl.col("ends_on") >= on)
    current = _listed(wanted.cover.filter(lasts), COMPARE)
    rows = [current]
    if manner.days_to_repeat:
        since = on - timedelta(days=manner.days_to_repeat)
        late = wanted.cover.filter(~lasts & (pl.col("ends_on") >= since))
        rows += [_listed(late, manner.ended), _ended_now(told, wanted, manner, current, late)]
    lines = pl.concat(rows).sort(*LINE, "begins_on")
    lines = lines.with_columns(step=pl.int_range(1, pl.len() + 1).over(LINE).cast(pl.Int32))
    people = with_cobra_events(_everybody(told, wanted, lines), wanted, told)
    return _message(purpose, people, lines, manner)


def listed(message: Message, wanted: View) -> View:
    """Answer what a carrier holds that took a full list into an empty book."""
    kept = message.lines.filter(~pl.col("is_void")).with_columns(end_cause=pl.lit(None, dtype=pl.String))
    cover = kept.select(list(COVER))
    return view(covered_people(wanted.people, cover), cover)


def of_sets(message: Message, sets: Collection[int]) -> Message:
    """Answer the part of a message that stands in some of its transaction sets."""
    people = message.people.filter(pl.col("set").is_in(list(sets)))
    lines = message.lines.join(people.select(MEMBER).unique(), on=list(MEMBER), how="semi")
    return Message(purpose=message.purpose, people=people, lines=lines)


def in_sets(message: Message, most: int = MOST_OF_SET) -> Message:
    """Divide a message into transaction sets of so many INS at most; a family stays together.

    A family that is larger alone has a set of its own.
    """
    sizes = message.people.group_by("subscriber").len().sort("subscriber")
    numbers, number, filled = [], 1, 0
    for size in sizes["len"]:
        if filled and filled + size > most:
            number, filled = number + 1, 0
        filled += size
        numbers.append(number)
    sets = sizes.select("subscriber", set=pl.Series(numbers, dtype=pl.Int32))
    people = message.people.drop("set").join(sets, on="subscriber", how="left", maintain_order="left")
    return Message(purpose=message.purpose, people=people, lines=message.lines)


def _message(purpose: str, people: pl.DataFrame, lines: pl.DataFrame, manner: Manner) -> Message:
    shift = DAY if manner.end == "first_not_covered" else timedelta(0)
    void = pl.col("begins_on") if manner.void == "begin" else pl.col("begins_on") - DAY
    said = pl.when("is_void").then(void).otherwise(pl.col("ends_on") + shift)
    people = people.with_columns(set=pl.lit(1, dtype=pl.Int32))
    message = Message(purpose=purpose, people=people, lines=lines.with_columns(said_end_on=said))
    return in_sets(message) if manner.set_size is None else in_sets(message, manner.set_size)


def _with_new_subscribers(people: pl.DataFrame, told: View, wanted: View) -> pl.DataFrame:
    """Put a subscriber whom the carrier does not know before dependents of his who are added alone."""
    known = pl.concat([told.people.select(MEMBER), people.select(MEMBER)])
    families = people.select("subscriber").unique()
    new = wanted.people.filter(pl.col("subscriber") == pl.col("member"))
    new = new.join(families, on="subscriber", how="semi").join(known, on=list(MEMBER), how="anti")
    rows = new.with_columns(
        basis=pl.lit(ACTIVE),
        action=pl.lit(ADD),
        reason=pl.lit(INITIAL),
        turn=pl.lit(1),
        is_corrected=pl.lit(value=False),
    )
    return people if rows.is_empty() else _in_order(pl.concat([people, _as_said(rows)]))


def _with_context(people: pl.DataFrame, wanted: View, manner: Manner) -> pl.DataFrame:
    """Put the subscriber before dependents who change alone, where the partner wants that."""
    if not manner.context:
        return people
    said = people.filter(pl.col("subscriber") == pl.col("member")).select("subscriber")
    alone = people.join(said, on="subscriber", how="anti").select("subscriber").unique()
    theirs = wanted.people.filter(pl.col("subscriber") == pl.col("member"))
    theirs = theirs.join(alone, on="subscriber", how="semi")
    basis = wanted.cover.sort("begins_on").group_by(MEMBER).agg(basis=pl.col("basis").last())
    rows = theirs.join(basis, on=list(MEMBER), how="left").with_columns(
        basis=pl.col("basis").fill_null(ACTIVE),
        action=pl.lit(manner.context),
        turn=pl.lit(1),
        is_corrected=pl.lit(value=False),
    )
    return _in_order(pl.concat([people, _as_said(rows)]))


def _as_said(rows: pl.DataFrame) -> pl.DataFrame:
    missing = [pl.lit(None).alias(name) for name in SAID if name not in rows.columns]
    return rows.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in SAID.items())


def _in_order(people: pl.DataFrame) -> pl.DataFrame:
    return people.sort("subscriber", pl.col("subscriber") != pl.col("member"), "member", "turn", "basis")


def _listed(cover: pl.DataFrame, action: str) -> pl.DataFrame:
    kind = "listed" if action == COMPARE else "ended lately"
    rows = cover.with_columns(
        cause=pl.when(pl.col("ends_on").is_null()).then("cause").otherwise(pl.coalesce("end_cause", "cause")),
        step=pl.lit(1),
        action=pl.lit(action),
        kind=pl.lit(kind),
        is_void=pl.lit(value=False),
        is_leaving=pl.lit(value=False),
    )
    return rows.select(pl.col(name).cast(kind) for name, kind in CHANGES.items())


def _ended_now(
    told: View, wanted: View, manner: Manner, current: pl.DataFrame, late: pl.DataFrame
) -> pl.DataFrame:
    """Find ends the carrier was not told, which the list would leave to be guessed."""
    key = [*LINE, "begins_on"]
    ends = _ends(told, wanted)
    rows = ends.join(current, on=key, how="anti").join(late, on=key, how="anti")
    return rows.with_columns(action=pl.lit(manner.ended))


def _ends(told: View, wanted: View) -> pl.DataFrame:
    """Find what ends, or is void, of what a carrier was told."""
    ends = difference(told, wanted).filter((pl.col("action") == END) & (pl.col("kind") != "correction"))
    return ends.join(told.cover, on=[*LINE, "begins_on"], how="semi")


def _everybody(told: View, wanted: View, lines: pl.DataFrame) -> pl.DataFrame:
    """Answer a row for each person and basis on a list; who has only ended lines is told by their action."""
    gone = told.people.join(wanted.people, on=list(MEMBER), how="anti")
    people = pl.concat([wanted.people, gone]).select(list(PEOPLE))
    is_ended = (pl.col("action") == END).all()
    rows = lines.group_by(*MEMBER, "basis").agg(
        action=pl.when(is_ended).then(pl.lit(END)).otherwise(pl.lit(COMPARE)),
        reason=pl.when(is_ended).then(pl.lit("07")).otherwise(pl.lit(NOTIFICATION)),
        turn=pl.when(is_ended).then(0).otherwise(1),
    )
    found = rows.join(people, on=list(MEMBER), how="left").with_columns(is_corrected=pl.lit(value=False))
    childless = _subscribers_without_lines(found, people)
    return _in_order(pl.concat([_as_said(found), _as_said(childless)]))


def _subscribers_without_lines(found: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Find subscribers who cover others and not themselves: they are listed without a line."""
    alone = (
        found.select("subscriber")
        .unique()
        .join(found.filter(pl.col("subscriber") == pl.col("member")), on="subscriber", how="anti")
    )
    own = people.filter(pl.col("subscriber") == pl.col("member")).join(alone, on="subscriber", how="semi")
    return own.with_columns(
        basis=pl.lit("A"),
        action=pl.lit(COMPARE),
        reason=pl.lit(NOTIFICATION),
        turn=pl.lit(1),
        is_corrected=pl.lit(value=False),
    )
