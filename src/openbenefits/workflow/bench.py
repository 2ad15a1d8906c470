"""The test bench: what a channel would have done in some days that are past; nothing is written.

Changes are taken from history, each record as it was known then; scheduled channels look at every day again.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl

from openbenefits.workflow.channels import Channel
from openbenefits.workflow.deciding import Reading, judged
from openbenefits.workflow.looking import changed_records
from openbenefits.workflow.published import Running
from openbenefits.workflow.records import asked_of, changes, everyone, load
from openbenefits.workflow.rules.outcomes import Outcome, why
from openbenefits.workflow.rules.schedules import admitted, due
from openbenefits.workflow.scheduled import judge, scheduled_items

MOST_DAYS = 400
FOUND = {
    "at": pl.Datetime("us", "UTC"),
    "key": pl.String(),
    "person_id": pl.Int64(),
    "item": pl.String(),
    "outcome": pl.String(),
    "why": pl.String(),
}
MATCHED, CREATED, SKIPPED = str(Outcome.MATCHED), "would create", str(Outcome.SKIPPED)


class BenchRefused(ValueError):
    """What cannot be tried: what was expected, what was found."""


def bench(connection: Any, channel: Channel, client_id: int, begin: date, through: date) -> pl.DataFrame:
    """Try a channel on what is past; answer what it would have made, and what it would have passed over.

    Shapes: FOUND; of changes a line for each record and item, in their order. What comes after a task is
            not tried: nobody knows when it would be complete.
    Errors: BenchRefused for no days, too many, or a kind of record without a history of its changes.
    """
    days = (through - begin).days + 1
    if not 1 <= days <= MOST_DAYS:
        raise BenchRefused(f"expected from 1 to {MOST_DAYS} days, found {max(days, 0)}; choose others")
    reading = Reading(channel)
    if not channel.is_scheduled and not reading.kind.has_history:
        raise BenchRefused(
            f"expected a kind of record whose changes are kept, found '{reading.kind.name}'; publish it and"
            " look at its log"
        )
    one = Running(0, 0, reading)
    tried = _scheduled if channel.is_scheduled else _changes
    return tried(connection, one, client_id, begin, through).sort("at", "key", "item")


def _changes(connection: Any, one: Running, client_id: int, begin: date, through: date) -> pl.DataFrame:
    first, last = (datetime.combine(day, time(), UTC) for day in (begin, through + timedelta(days=1)))
    past = changes(connection, one.reading.kind, client_id, first - timedelta(microseconds=1), last)
    if past.is_empty():
        return pl.DataFrame(schema=FOUND)
    asked = past.select(
        "key",
        "at",
        "pipeline",
        known=_moment(pl.col("at")),
        before=_moment(pl.col("at").dt.offset_by("-1us")),
        today=pl.col("at").dt.date(),
        operation=pl.lit(""),
        depth=pl.lit(0, dtype=pl.Int16),
        user_id=pl.lit(None, dtype=pl.Int64),
    ).unique(["key", "known"], keep="first", maintain_order=True)
    records = changed_records(connection, one.reading, asked, {})
    found = judged(one.reading, records).sort("at", "key")
    seen = [_told(found, "")]
    matched = found.filter(outcome=MATCHED).drop("outcome", "why")
    for item in one.reading.first_items():
        met = one.reading.met(item, matched)
        seen.append(_told(_once(met.filter("is_met"), is_once=one.channel.once or item.once), item.item))
    return pl.concat(seen)


def _once(records: pl.DataFrame, *, is_once: bool) -> pl.DataFrame:
    """Say what would be created; where it is made once, only the first of a record is."""
    again = pl.lit(is_once) & (pl.int_range(pl.len()).over("key") > 0)
    return records.with_columns(
        outcome=pl.when(again).then(pl.lit(SKIPPED)).otherwise(pl.lit(CREATED)),
        why=pl.when(again).then(pl.lit(why("once"))).otherwise(pl.lit("")),
    )


def _moment(at: pl.Expr) -> pl.Expr:
    return at.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")


def _scheduled(connection: Any, one: Running, client_id: int, begin: date, through: date) -> pl.DataFrame:
    keys = everyone(connection, one.reading.kind, client_id)
    made = {item.item: pl.DataFrame(schema=MADE) for item, _ in scheduled_items(one)}
    seen = [pl.DataFrame(schema=FOUND)]
    for number in range((through - begin).days + 1):
        day = begin + timedelta(days=number)
        at = datetime.combine(day, time(), UTC)
        known = (at + timedelta(days=1)).isoformat() if one.reading.kind.has_history else "infinity"
        records = load(connection, one.reading.kind, asked_of(keys, day, known), one.reading.fields)
        for item, schedule in scheduled_items(one):
            found = due(records, schedule.timing())
            if found.is_empty():
                continue
            told = judge(one, admitted(found, made[item.item], schedule.timing()), schedule)
            told = told.with_columns(at=pl.lit(at))
            seen.append(_told(told.filter(pl.col("outcome") != MATCHED), item.item))
            matched = told.filter(outcome=MATCHED).drop("outcome", "why")
            met = one.reading.met(item, matched).filter("is_met")
            if one.channel.once or item.once:
                met = met.join(made[item.item], on="key", how="anti")
            seen.append(_told(_once(met, is_once=False), item.item))
            fresh = met.select("key", "fire_on", made_on=pl.lit(day, dtype=pl.Date))
            made[item.item] = pl.concat([made[item.item], fresh])
    return pl.concat(seen)


MADE = {"key": pl.String(), "fire_on": pl.Date(), "made_on": pl.Date()}


def _told(found: pl.DataFrame, item: str) -> pl.DataFrame:
    return found.with_columns(item=pl.lit(item), why=pl.col("why").fill_null("")).select(
        pl.col(name).cast(kind) for name, kind in FOUND.items()
    )
