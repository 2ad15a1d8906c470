"""What people decided about somebody follows when two person ids become one, and goes back when they part.

Evidence and prices decided, corrections of pay ordered, what was agreed, said and paid about leaves, facts no
run has read yet. Nothing is erased: each is written once more for whom it now counts, and withdrawn where it
counted before.
"""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.enrollment.brought import Brought, bring_along
from openbenefits.enrollment.frames import load_brought
from openbenefits.enrollment.models import PriceDecision, ProofDecision
from openbenefits.enrollment.price_deciding import SAID, decided_before, undo_prices
from openbenefits.events.rules import RECORD_KEY
from openbenefits.payroll.models import LeaveAct, Received, Scheduled
from openbenefits.payroll.rules.leaves import WITHDRAWN, acts_that_count
from openbenefits.repair.models import PersonMerge
from openbenefits.store.bulk import copy_in, copy_out, schema_of
from openbenefits.store.keys import PEOPLE, people_arrays
from openbenefits.workforce.models import FactChange
from openbenefits.workforce.undo import TAKEN_BACK

MERGED = "merged: it follows to the other number"
APART = "taken apart: it goes back to the other number"
PROOF = ("plan_type", "valid_from")
SERIES = ("benefit_record", "plan_type", "kind", "tax_class")
LEAVE = ("benefit_record", "leave_from")
PAID = (*SERIES, "pay_group_id", "ends_on")
PAY = ("order_number", "pay_group_id", "ends_on")
FACT = ("fact", "valid_from", "job_number", "sequence", "event_class")


def load_of(connection: Any, model: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load every row of a table about some people."""
    schema = schema_of(model)
    query = (
        f"SELECT {', '.join(schema)} FROM {model._meta.db_table} AS t"  # noqa: S608
        f" JOIN {PEOPLE} AS k USING (client_id, person_id)"
    )
    return copy_out(connection, query, schema, people_arrays(people))


def write_all(connection: Any, model: Any, parts: list[pl.DataFrame]) -> None:
    """Write frames that have, among others, the columns of a table."""
    columns = schema_of(model)
    for rows in parts:
        stored = rows.select(pl.col(name).cast(kind) for name, kind in columns.items())
        copy_in(connection, model._meta.db_table, stored)


def _stamp(now: datetime) -> pl.Expr:
    return pl.lit(now).cast(pl.Datetime("us", "UTC"))


# --- evidence -----------------------------------------------------------------------------------------------


def _proofs(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """The last word about each amount approved of both."""
    rows = load_of(connection, ProofDecision, people).sort("version")
    return rows.unique(["person_id", *PROOF], keep="last", maintain_order=True)


def bring_proofs(
    connection: Any, people: pl.DataFrame, survivor_id: int, change_id: int, *, now: datetime
) -> None:
    """Let what was approved of one be approved of the other, but where that one has a decision of the day."""
    last = _proofs(connection, people)
    is_own = pl.col("person_id") == survivor_id
    theirs = last.filter(~is_own & ~pl.col("is_withdrawn"))
    own = last.filter(is_own).select(*PROOF, own_version="version", own_gone="is_withdrawn")
    stamped = {"change_id": pl.lit(change_id, pl.Int64), "known_since": _stamp(now)}
    both = theirs.join(own, on=list(PROOF), how="left")
    came = both.filter(pl.col("own_gone").fill_null(value=True)).with_columns(
        person_id=pl.lit(survivor_id, pl.Int64), version=pl.col("own_version").fill_null(0) + 1, **stamped
    )
    gone = theirs.with_columns(version=pl.col("version") + 1, is_withdrawn=pl.lit(value=True), **stamped)
    write_all(connection, ProofDecision, [came, gone])


def _give_proofs_back(
    connection: Any, people: pl.DataFrame, last: PersonMerge, change_id: int, *, now: datetime
) -> None:
    rows = _proofs(connection, people).filter(change_id=last.change_id)
    stamped = {"change_id": pl.lit(change_id, pl.Int64), "known_since": _stamp(now)}
    next_ = rows.with_columns(version=pl.col("version") + 1, is_withdrawn=~pl.col("is_withdrawn"), **stamped)
    write_all(connection, ProofDecision, [next_])


# --- prices -------------------------------------------------------------------------------------------------


def bring_prices(
    connection: Any, people: pl.DataFrame, survivor_id: int, change_id: int, *, author: str, now: datetime
) -> None:
    """Let prices decided for one be decided for the other, but where something is decided of that one."""
    made = decided_before(connection, people)
    standing = made.filter("stands")
    is_own = pl.col("person_id") == survivor_id
    theirs, own = standing.filter(~is_own), standing.filter(is_own)
    place = ["benefit_record", "plan_type", "option_id"]
    came = theirs.join(own, on=place, how="anti", nulls_equal=True)
    _write_prices(connection, came, made, survivor_id, change_id, now=now)
    undo_prices(connection, theirs, made, author=author, reason=MERGED, now=now, change_id=change_id)


def _write_prices(
    connection: Any, rows: pl.DataFrame, made: pl.DataFrame, person_id: int, change_id: int, *, now: datetime
) -> None:
    highest = made.filter(person_id=person_id).group_by("benefit_record").agg(last=pl.col("number").max())
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("benefit_record")
    numbered = rows.sort("number").join(highest, on="benefit_record", how="left", maintain_order="left")
    stamped = numbered.with_columns(
        person_id=pl.lit(person_id, pl.Int64),
        number=pl.col("last").fill_null(0) + place,
        undoes=pl.lit(None, pl.Int32),
        change_id=pl.lit(change_id, pl.Int64),
        made_at=_stamp(now),
    )
    write_all(connection, PriceDecision, [stamped])


def _give_prices_back(
    connection: Any, people: pl.DataFrame, last: PersonMerge, change_id: int, *, author: str, now: datetime
) -> None:
    made = decided_before(connection, people)
    copies = made.filter("stands", person_id=last.survivor_id, change_id=last.change_id)
    undone = made.filter(person_id=last.person_id, change_id=last.change_id).drop_nulls("undoes")
    numbers = undone.select(*RECORD_KEY, number="undoes")
    theirs = made.join(numbers, on=[*RECORD_KEY, "number"], how="semi").select(
        *RECORD_KEY, "number", *SAID, "author", "reason"
    )
    _write_prices(connection, theirs, made, last.person_id, change_id, now=now)
    undo_prices(connection, copies, made, author=author, reason=APART, now=now, change_id=change_id)


# --- corrections of pay that were ordered -------------------------------------------------------------------


def _orders(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """The last word about each correction ordered of both."""
    rows = load_of(connection, Scheduled, people).sort("version")
    return rows.unique(["person_id", *SERIES, *PAY], keep="last", maintain_order=True)


def bring_orders(connection: Any, people: pl.DataFrame, survivor_id: int, *, now: datetime) -> None:
    """Let corrections ordered of one be ordered of the other, under numbers above that one's."""
    last = _orders(connection, people)
    is_own = pl.col("person_id") == survivor_id
    theirs = last.filter(~is_own & ~pl.col("is_cancelled"))
    highest = last.filter(is_own).group_by(SERIES).agg(highest=pl.col("order_number").max())
    place = pl.col("order_number").rank("dense").over(SERIES).cast(pl.Int32)
    came = theirs.join(highest, on=list(SERIES), how="left").with_columns(
        person_id=pl.lit(survivor_id, pl.Int64),
        order_number=pl.col("highest").fill_null(0) + place,
        version=pl.lit(1, pl.Int32),
        made_at=_stamp(now),
    )
    gone = theirs.with_columns(
        version=pl.col("version") + 1,
        is_cancelled=pl.lit(value=True),
        reason=pl.lit(MERGED),
        made_at=_stamp(now),
    )
    write_all(connection, Scheduled, [came, gone])


def _give_orders_back(connection: Any, people: pl.DataFrame, last: PersonMerge, *, now: datetime) -> None:
    """Order again what was ordered of the one; what became of it meanwhile (cancelled, say) stays so."""
    versions = load_of(connection, Scheduled, people).sort("version")
    at_merge = pl.col("made_at") == pl.lit(last.acted_at).cast(pl.Datetime("us", "UTC"))
    key = [*SERIES, *PAY]
    gone = versions.filter(at_merge, person_id=last.person_id, reason=MERGED, is_cancelled=True)
    before = versions.join(
        gone.select(*key, version=pl.col("version") - 1, now_version="version"), on=[*key, "version"]
    ).filter(person_id=last.person_id)
    came = versions.filter(at_merge, person_id=last.survivor_id, version=1)
    newest = _orders(connection, people).filter(person_id=last.survivor_id)
    copies = newest.join(came.select(key), on=key, how="semi")
    same = [*SERIES, "pay_group_id", "ends_on", "cents"]
    fates = copies.select(*same, is_over="is_cancelled").unique(same, keep="first")
    back = before.join(fates, on=same, how="left").with_columns(
        version=pl.col("now_version") + 1,
        is_cancelled=pl.col("is_over").fill_null(value=False),
        made_at=_stamp(now),
    )
    less = copies.filter(~pl.col("is_cancelled")).with_columns(
        version=pl.col("version") + 1,
        is_cancelled=pl.lit(value=True),
        reason=pl.lit(APART),
        made_at=_stamp(now),
    )
    write_all(connection, Scheduled, [back, less])


# --- leaves -------------------------------------------------------------------------------------------------


def _leave_acts(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Every choice and letter about leaves of both, the last ones last."""
    return load_of(connection, LeaveAct, people).sort("person_id", *LEAVE, "number")


def bring_leave_acts(
    connection: Any, people: pl.DataFrame, survivor_id: int, *, author: str, now: datetime
) -> None:
    """Let what was said about leaves of one count for the other, but where that one has a word of its own."""
    every = _leave_acts(connection, people)
    is_own = pl.col("person_id") == survivor_id
    counting = acts_that_count(every)
    came = counting.filter(~is_own).join(counting.filter(is_own), on=list(LEAVE), how="anti")
    _move_leave_acts(connection, came, every, survivor_id, reason=MERGED, author=author, now=now)


def _give_leave_acts_back(
    connection: Any, people: pl.DataFrame, last: PersonMerge, *, author: str, now: datetime
) -> None:
    """Let what came with the merge, and what was said about those leaves since, count for the one again."""
    every = _leave_acts(connection, people)
    at_merge = pl.col("made_at") == pl.lit(last.acted_at).cast(pl.Datetime("us", "UTC"))
    went = every.filter(at_merge, person_id=last.person_id, kind=WITHDRAWN, reason=MERGED)
    theirs = acts_that_count(every).filter(person_id=last.survivor_id)
    theirs = theirs.join(went.select(LEAVE), on=list(LEAVE), how="semi")
    _move_leave_acts(connection, theirs, every, last.person_id, reason=APART, author=author, now=now)


def _move_leave_acts(
    connection: Any,
    acts: pl.DataFrame,
    every: pl.DataFrame,
    to_person: int,
    *,
    reason: str,
    author: str,
    now: datetime,
) -> None:
    """Write acts down once more under another number, and withdraw them where they were."""
    leave = ["person_id", *LEAVE]
    highest = every.group_by(leave).agg(highest=pl.col("number").max())
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(leave)
    moved = acts.with_columns(place=place, person_id=pl.lit(to_person, pl.Int64), made_at=_stamp(now))
    moved = moved.join(highest, on=leave, how="left", maintain_order="left").with_columns(
        number=pl.col("highest").fill_null(0) + pl.col("place")
    )
    left = (
        acts.unique(leave, keep="last", maintain_order=True)
        .join(highest, on=leave)
        .with_columns(
            number=pl.col("highest") + 1,
            kind=pl.lit(WITHDRAWN),
            way=pl.lit(""),
            through_on=pl.lit(None, pl.Date),
            acted_on=pl.lit(now.date()),
            reason=pl.lit(reason),
            author=pl.lit(author),
            made_at=_stamp(now),
        )
    )
    write_all(connection, LeaveAct, [moved, left])


# --- payments of leaves -------------------------------------------------------------------------------------


def _payments(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """The last word about what came in for each pay of both."""
    rows = load_of(connection, Received, people).sort("version")
    return rows.unique(["person_id", *PAID], keep="last", maintain_order=True)


def bring_payments(connection: Any, people: pl.DataFrame, survivor_id: int, *, now: datetime) -> None:
    """Let what came in for pays of one count for the other: it was one human's leave."""
    last = _payments(connection, people)
    is_own = pl.col("person_id") == survivor_id
    theirs = last.filter(~is_own & (pl.col("received_cents") != 0))
    own = last.filter(is_own).select(*PAID, own_version="version", own_cents="received_cents")
    stamped = {"how": pl.lit(MERGED), "made_at": _stamp(now)}
    came = theirs.join(own, on=list(PAID), how="left").with_columns(
        person_id=pl.lit(survivor_id, pl.Int64),
        version=pl.col("own_version").fill_null(0) + 1,
        received_cents=pl.col("received_cents") + pl.col("own_cents").fill_null(0),
        **stamped,
    )
    gone = theirs.with_columns(version=pl.col("version") + 1, received_cents=pl.lit(0, pl.Int64), **stamped)
    write_all(connection, Received, [came, gone])


def _give_payments_back(connection: Any, people: pl.DataFrame, last: PersonMerge, *, now: datetime) -> None:
    """Let what had come in for the one count for that one again; what came in since stays where it came."""
    every = load_of(connection, Received, people).sort("version")
    at_merge = pl.col("made_at") == pl.lit(last.acted_at).cast(pl.Datetime("us", "UTC"))
    gone = every.filter(at_merge, person_id=last.person_id, how=MERGED).select(
        "person_id", *PAID, version=pl.col("version") - 1
    )
    before = every.join(gone, on=["person_id", *PAID, "version"], how="semi")
    latest = _payments(connection, people)
    theirs = latest.filter(person_id=last.person_id).select(*PAID, now_version="version")
    back = before.join(theirs, on=list(PAID)).with_columns(
        version=pl.col("now_version") + 1, made_at=_stamp(now)
    )
    own = latest.filter(person_id=last.survivor_id).join(
        before.select(*PAID, came_cents="received_cents"), on=list(PAID)
    )
    less = own.with_columns(
        version=pl.col("version") + 1,
        received_cents=pl.col("received_cents") - pl.col("came_cents"),
        how=pl.lit(APART),
        made_at=_stamp(now),
    )
    write_all(connection, Received, [back, less])


# --- what was put in elsewhere ------------------------------------------------------------------------------


def bring_brought(
    connection: Any, people: pl.DataFrame, survivor_id: int, change_id: int, *, author: str, now: datetime
) -> None:
    """Let what one put in at other employers count for the other, but where that one has a word of its own.

    It goes with the change of the merge, and so counts no longer once that is taken back.
    """
    last = load_brought(connection, people)
    is_own = pl.col("person_id") == survivor_id
    came = last.filter(~is_own).join(last.filter(is_own), on=["annual_limit", "limit_year"], how="anti")
    for row in came.iter_rows(named=True):  # a handful of limits
        said = Brought(
            client_id=row["client_id"],
            person_id=survivor_id,
            annual_limit=row["annual_limit"],
            year=row["limit_year"],
            cents=row["brought_cents"],
            reason=MERGED,
            change_id=change_id,
        )
        bring_along(connection, said, author=author, now=now)


# --- facts no run has read ----------------------------------------------------------------------------------


def bring_unread(client_id: int, person_id: int, survivor_id: int, change_id: int, run_id: int) -> None:
    """Let facts of one that no run has read be unread facts of the other, as far as they followed."""
    feed = FactChange.objects.filter(client_id=client_id)
    waiting = feed.filter(person_id=person_id, consumed_by_run=None).exclude(change_id=change_id)
    came = set(feed.filter(person_id=survivor_id, change_id=change_id).values_list(*FACT))
    copies = [
        FactChange(**{**row, "id": None, "person_id": survivor_id, "change_id": change_id})
        for row in waiting.order_by("id").values()
        if row["operation"] == "D" or tuple(row[name] for name in FACT) in came
    ]
    FactChange.objects.bulk_create(copies)
    waiting.update(consumed_by_run=run_id)


def give_unread_back(last: PersonMerge, undone_id: int) -> None:
    """Let facts that had not been read be unread again; what a run made of them meanwhile is taken note of.

    The undoing of what was read since stays in the feed, so that the next run finds the fact gone.
    """
    feed = FactChange.objects.filter(client_id=last.client_id)
    copies = feed.filter(person_id=last.survivor_id, change_id=last.change_id)
    used = set(copies.exclude(consumed_by_run=None).exclude(consumed_by_run=TAKEN_BACK).values_list(*FACT))
    copies.filter(consumed_by_run=None).update(consumed_by_run=TAKEN_BACK)
    undoing = feed.filter(change_id=undone_id)
    noted = [
        row["id"]
        for row in undoing.filter(person_id=last.survivor_id).values("id", *FACT)
        if tuple(row[name] for name in FACT) in used
    ]
    undoing.exclude(id__in=noted).update(consumed_by_run=TAKEN_BACK)
    undoing.filter(id__in=noted).update(consumed_by_run=None)
    feed.filter(person_id=last.person_id, consumed_by_run=last.run_id).update(consumed_by_run=None)


# --- all of it ----------------------------------------------------------------------------------------------


def bring_acts(
    connection: Any, people: pl.DataFrame, survivor_id: int, change_id: int, *, author: str, now: datetime
) -> None:
    """Let everything decided and ordered about one count for the other."""
    bring_proofs(connection, people, survivor_id, change_id, now=now)
    bring_prices(connection, people, survivor_id, change_id, author=author, now=now)
    bring_orders(connection, people, survivor_id, now=now)
    bring_leave_acts(connection, people, survivor_id, author=author, now=now)
    bring_payments(connection, people, survivor_id, now=now)
    bring_brought(connection, people, survivor_id, change_id, author=author, now=now)


def give_acts_back(
    connection: Any, people: pl.DataFrame, last: PersonMerge, change_id: int, *, author: str, now: datetime
) -> None:
    """Let everything that was decided and ordered about one count for that one again."""
    _give_proofs_back(connection, people, last, change_id, now=now)
    _give_prices_back(connection, people, last, change_id, author=author, now=now)
    _give_orders_back(connection, people, last, now=now)
    _give_leave_acts_back(connection, people, last, author=author, now=now)
    _give_payments_back(connection, people, last, now=now)


__all__ = ["bring_acts", "bring_unread", "give_acts_back", "give_unread_back", "load_of", "write_all"]
