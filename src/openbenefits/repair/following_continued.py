"""Continued coverage follows when two person ids become one, and goes back when they part.

What was elected and paid, the duties that stand, and what people decided and sent about a loss. Nothing is
erased: each is written once more for whom it now counts, and counts no longer where it was.
"""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.compliance.cobra.rules.duties import FOLLOWED, WITHDRAWN, acts_that_count
from openbenefits.compliance.models import CobraAct, CobraDuty
from openbenefits.enrollment.models import Continuation
from openbenefits.repair.following_acts import APART, MERGED, load_of, write_all
from openbenefits.repair.following_named import with_same_dependents
from openbenefits.repair.models import PersonMerge

BENEFICIARY = ["benefit_record", "plan_type", "dependent_id"]
SPAN = [*BENEFICIARY, "begins_on"]
LOSS = ["dependent_id", "cover", "lost_on"]


def continued_twice(connection: Any, people: pl.DataFrame, survivor_id: int, same: pl.DataFrame) -> int:
    """Count what one continues and the other too: the same beneficiary, plan type and, in part, days.

    Shapes: same has old_dependent and dependent_id: whose dependents are whose.
    """
    held = _spans(connection, people).filter(~pl.col("is_deleted"))
    is_own = pl.col("person_id") == survivor_id
    theirs, own = with_same_dependents(held.filter(~is_own), same), held.filter(is_own)
    pairs = theirs.join(own, on=["plan_type", "dependent_id"], suffix="_own")
    begins_before_end = (pl.col("begins_on") <= pl.col("through_on_own")).fill_null(value=True)
    ends_after_begin = (pl.col("begins_on_own") <= pl.col("through_on")).fill_null(value=True)
    return pairs.filter(begins_before_end & ends_after_begin).select(SPAN).unique().height


def bring_continued(
    connection: Any,
    people: pl.DataFrame,
    survivor_id: int,
    renamed: pl.DataFrame,
    change_id: int,
    *,
    author: str,
    now: datetime,
) -> None:
    """Let what one continues, is due and was told be the other's, but where that one has its own."""
    spans = _spans(connection, people)
    is_own = pl.col("person_id") == survivor_id
    theirs = spans.filter(~is_own & ~pl.col("is_deleted"))
    _move_spans(connection, theirs, spans, survivor_id, renamed, change_id, now=now)
    _bring_duties(connection, people, survivor_id, renamed, now=now)
    _bring_acts(connection, people, survivor_id, renamed, author=author, now=now)


def give_continued_back(
    connection: Any,
    people: pl.DataFrame,
    last: PersonMerge,
    same: pl.DataFrame,
    change_id: int,
    *,
    author: str,
    now: datetime,
) -> None:
    """Let what came with a merge, and what was said about it since, count for the one again."""
    back = same.select(old_dependent="dependent_id", dependent_id="old_dependent")
    every = load_of(connection, Continuation, people).filter(person_id=last.survivor_id)
    came = every.filter(change_id=last.change_id)
    own = every.filter(pl.col("known_since") <= _stamp(last.acted_at)).join(came, on=SPAN, how="anti")
    spans = _spans(connection, people)
    theirs = spans.filter(~pl.col("is_deleted"), person_id=last.survivor_id)
    since = theirs.join(came, on=SPAN, how="anti")  # a first day corrected, above all
    since = since.join(came, on=BENEFICIARY, how="semi").join(own, on=BENEFICIARY, how="anti")
    theirs = pl.concat([theirs.join(came, on=SPAN, how="semi"), since])
    _move_spans(connection, theirs, spans, last.person_id, back, change_id, now=now)
    _give_duties_back(connection, people, last, now=now)
    _give_acts_back(connection, people, last, back, author=author, now=now)


def _stamp(now: datetime) -> pl.Expr:
    return pl.lit(now).cast(pl.Datetime("us", "UTC"))


# --- what was elected and paid ------------------------------------------------------------------------------


def _spans(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """The last word about what each of both continues."""
    rows = load_of(connection, Continuation, people).sort("version")
    return rows.unique(["person_id", *SPAN], keep="last", maintain_order=True)


def _move_spans(
    connection: Any,
    rows: pl.DataFrame,
    spans: pl.DataFrame,
    to_person: int,
    renamed: pl.DataFrame,
    change_id: int,
    *,
    now: datetime,
) -> None:
    stamped = {"change_id": pl.lit(change_id, pl.Int64), "known_since": _stamp(now)}
    there = spans.filter(person_id=to_person).select(*SPAN, there="version")
    came = with_same_dependents(rows, renamed).join(there, on=SPAN, how="left")
    came = came.with_columns(
        person_id=pl.lit(to_person, pl.Int64), version=pl.col("there").fill_null(0) + 1, **stamped
    )
    gone = rows.with_columns(version=pl.col("version") + 1, is_deleted=pl.lit(value=True), **stamped)
    write_all(connection, Continuation, [came, gone])


# --- duties -------------------------------------------------------------------------------------------------


def _duties(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Every version of the duties of both, the last ones last."""
    return load_of(connection, CobraDuty, people).sort("person_id", *LOSS, "version")


def _standing(duties: pl.DataFrame) -> pl.DataFrame:
    return duties.unique(["person_id", *LOSS], keep="last", maintain_order=True)


def _bring_duties(
    connection: Any, people: pl.DataFrame, survivor_id: int, renamed: pl.DataFrame, *, now: datetime
) -> None:
    """Let duties stand for the other; recording duties finds what the merge changed of them."""
    last = _standing(_duties(connection, people))
    is_own = pl.col("person_id") == survivor_id
    theirs = last.filter(~is_own & (pl.col("state") != WITHDRAWN))
    own = last.filter(is_own).select(*LOSS, own_version="version", own_state="state")
    came = with_same_dependents(theirs, renamed).join(own, on=LOSS, how="left")
    came = came.filter(pl.col("own_state").fill_null(WITHDRAWN) == WITHDRAWN).with_columns(
        person_id=pl.lit(survivor_id, pl.Int64),
        version=pl.col("own_version").fill_null(0) + 1,
        made_at=_stamp(now),
    )
    write_all(connection, CobraDuty, [came, _withdrawn(theirs, MERGED, now)])


def _give_duties_back(connection: Any, people: pl.DataFrame, last: PersonMerge, *, now: datetime) -> None:
    every = _duties(connection, people)
    standing = _standing(every)
    at_merge = every.filter(pl.col("made_at") == _stamp(last.acted_at))
    went = at_merge.filter(person_id=last.person_id, state=WITHDRAWN, reason=MERGED)
    before = went.select("person_id", *LOSS, version=pl.col("version") - 1)
    latest = standing.select("person_id", *LOSS, latest="version")
    back = every.join(before, on=["person_id", *LOSS, "version"], how="semi").join(
        latest, on=["person_id", *LOSS]
    )
    back = back.with_columns(version=pl.col("latest") + 1, made_at=_stamp(now))
    came = at_merge.filter(person_id=last.survivor_id).select("person_id", *LOSS)
    copies = standing.join(came, on=["person_id", *LOSS], how="semi").filter(pl.col("state") != WITHDRAWN)
    write_all(connection, CobraDuty, [back, _withdrawn(copies, APART, now)])


def _withdrawn(duties: pl.DataFrame, reason: str, now: datetime) -> pl.DataFrame:
    return duties.with_columns(
        version=pl.col("version") + 1,
        state=pl.lit(WITHDRAWN),
        reason=pl.lit(reason),
        recorded_on=pl.lit(now.date()),
        made_at=_stamp(now),
    )


# --- what was decided and sent ------------------------------------------------------------------------------


def _acts(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    return load_of(connection, CobraAct, people).sort("person_id", *LOSS, "number")


def _bring_acts(
    connection: Any,
    people: pl.DataFrame,
    survivor_id: int,
    renamed: pl.DataFrame,
    *,
    author: str,
    now: datetime,
) -> None:
    """Let decisions and notices be about the other's loss, so that none of them asks to be corrected."""
    every = _acts(connection, people)
    counting = acts_that_count(every)
    is_own = pl.col("person_id") == survivor_id
    theirs, own = counting.filter(~is_own), counting.filter(is_own)
    came = with_same_dependents(theirs, renamed).join(own, on=LOSS, how="anti")
    _write_acts(connection, came, every, survivor_id, now=now)
    _leave_acts(connection, theirs, every, MERGED, author=author, now=now)


def _give_acts_back(
    connection: Any,
    people: pl.DataFrame,
    last: PersonMerge,
    back: pl.DataFrame,
    *,
    author: str,
    now: datetime,
) -> None:
    """Write again what came and what was done about it since; where nothing came, what counted before."""
    every = _acts(connection, people)
    at_merge = pl.col("acted_at") == _stamp(last.acted_at)
    came = every.filter(at_merge, person_id=last.survivor_id).select(LOSS).unique()
    copies = acts_that_count(every).filter(person_id=last.survivor_id).join(came, on=LOSS, how="semi")
    returning = with_same_dependents(copies, back)
    followed = every.filter(at_merge, person_id=last.person_id, kind=FOLLOWED)
    went = followed.select(*LOSS, followed="number")
    of_before = every.filter(person_id=last.person_id).join(went, on=LOSS)
    of_before = acts_that_count(of_before.filter(pl.col("number") < pl.col("followed")))
    stayed = of_before.join(returning, on=LOSS, how="anti").select(returning.columns)
    _write_acts(connection, pl.concat([returning, stayed]), every, last.person_id, now=now)
    _leave_acts(connection, copies, every, APART, author=author, now=now)


def _write_acts(
    connection: Any, acts: pl.DataFrame, every: pl.DataFrame, to_person: int, *, now: datetime
) -> None:
    """Write acts down once more under a number, above those it has."""
    there = every.filter(person_id=to_person).group_by(LOSS).agg(highest=pl.col("number").max())
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(LOSS)
    numbered = acts.sort(*LOSS, "number").with_columns(place=place)
    numbered = numbered.join(there, on=LOSS, how="left", maintain_order="left").with_columns(
        person_id=pl.lit(to_person, pl.Int64),
        number=pl.col("highest").fill_null(0) + pl.col("place"),
        acted_at=_stamp(now),
    )
    write_all(connection, CobraAct, [numbered])


def _leave_acts(
    connection: Any, acts: pl.DataFrame, every: pl.DataFrame, reason: str, *, author: str, now: datetime
) -> None:
    """Say of losses that what was done about them counts under the other number."""
    whose = ["person_id", *LOSS]
    highest = every.group_by(whose).agg(highest=pl.col("number").max())
    rows = acts.unique(whose, keep="last", maintain_order=True).join(highest, on=whose)
    left = rows.with_columns(
        number=pl.col("highest") + 1,
        kind=pl.lit(FOLLOWED),
        cause=pl.lit(""),
        told_through=pl.lit(None, pl.Date),
        acted_on=pl.lit(now.date()),
        reason=pl.lit(reason),
        author=pl.lit(author),
        acted_at=_stamp(now),
    )
    write_all(connection, CobraAct, [left])


__all__ = ["bring_continued", "continued_twice", "give_continued_back"]
