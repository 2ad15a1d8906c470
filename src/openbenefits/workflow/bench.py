"""The test bench: what a channel would have done in some days that are past; nothing is written.

Changes are taken from history, each record as it was known then; scheduled channels look again whenever the
worker did.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl
from croniter import croniter
from django.conf import settings

from openbenefits.casework.codes import Job
from openbenefits.casework.quiet import quiet_at
from openbenefits.workflow import models
from openbenefits.workflow.channels import Channel, Item, Schedule
from openbenefits.workflow.deciding import Reading, judged
from openbenefits.workflow.kinds import RecordKind, kind_of
from openbenefits.workflow.looking import changed_records
from openbenefits.workflow.published import Running
from openbenefits.workflow.records import asked_of, changes, everyone, load
from openbenefits.workflow.rules.content import merged
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
    "made": pl.String(),
    "why": pl.String(),
}
MADE = {"key": pl.String(), "fire_on": pl.Date(), "made_on": pl.Date()}
MATCHED, NOT_MATCHED, SKIPPED = str(Outcome.MATCHED), str(Outcome.NOT_MATCHED), str(Outcome.SKIPPED)
CREATED = "would create"


class BenchRefused(ValueError):
    """What cannot be tried: what was expected, what was found."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a channel would have done, and what of it is not as it would have been then.

    found: FOUND; in their order, a line for each record looked at, and for each item tried on it, with what
           it would have made.
    """

    found: pl.DataFrame
    notes: list[str]

    def counts(self) -> dict[str, int]:
        """Count what was looked at and what came of it."""
        told = self.found.select(
            seen=pl.struct("at", "key").n_unique(),
            created=(pl.col("outcome") == CREATED).sum(),
            skipped=(pl.col("outcome") == SKIPPED).sum(),
            not_matched=(pl.col("outcome") == NOT_MATCHED).sum(),
        )
        return dict(zip(told.columns, told.row(0), strict=True))


def bench(connection: Any, channel: Channel, client_id: int, begin: date, through: date) -> Tried:
    """Try a channel on what is past; answer what it would have made, and what it would have passed over.

    What comes after a task is not tried: nobody knows when it would be complete.

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
    found = tried(connection, one, client_id, begin, through).sort("at", "key", "item", maintain_order=True)
    return Tried(found=found, notes=list(_notes(reading, begin)))


# --- changes ------------------------------------------------------------------------------------------------


def _changes(connection: Any, one: Running, client_id: int, begin: date, through: date) -> pl.DataFrame:
    first, last = _midnight(begin), _midnight(through + timedelta(days=1))
    past = changes(connection, one.reading.kind, client_id, first - timedelta(microseconds=1), last)
    if past.is_empty():
        return pl.DataFrame(schema=FOUND)
    asked = past.select(
        "key",
        "at",
        "pipeline",
        known=_moment(pl.col("at")),
        before=_moment(pl.col("began").dt.offset_by("-1us")),
        today=pl.col("at").dt.date(),
        operation=pl.lit(""),
        depth=pl.lit(0, dtype=pl.Int16),
        user_id=pl.lit(None, dtype=pl.Int64),
    ).unique(["key", "known"], keep="first", maintain_order=True)
    records = changed_records(connection, one.reading, asked)
    found = judged(one.reading, records).sort("at", "key")
    seen = [_told(found, "")]
    matched = found.filter(outcome=MATCHED).drop("outcome", "why")
    for item in one.reading.first_items():
        seen.append(_told(_tried(one, item, matched, pl.DataFrame(schema=MADE)), item.item))
    return pl.concat(seen)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _moment(at: pl.Expr) -> pl.Expr:
    return at.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")


# --- days ---------------------------------------------------------------------------------------------------


def _scheduled(connection: Any, one: Running, client_id: int, begin: date, through: date) -> pl.DataFrame:
    """Let it look whenever the worker did, and before: what it had made by the first day counts, too."""
    items = scheduled_items(one)
    warm = max((max(schedule.grace, 1) - 1 + schedule.frequency for _, schedule in items), default=0)
    keys = everyone(connection, one.reading.kind, client_id, ever=True)
    made = {item.item: pl.DataFrame(schema=MADE) for item, _ in items}
    seen = [pl.DataFrame(schema=FOUND)]
    for at in _lookings(client_id, begin - timedelta(days=min(warm, MOST_DAYS)), through):
        records = load(
            connection, one.reading.kind, asked_of(keys, at.date(), at.isoformat()), one.reading.fields
        ).with_columns(at=pl.lit(at))
        for item, schedule in items:
            told = _on_a_day(one, item, schedule, records, made[item.item])
            fresh = told.filter(outcome=CREATED).select("key", "fire_on", made_on=pl.lit(at.date()))
            made[item.item] = pl.concat([made[item.item], fresh])
            if at.date() >= begin:
                seen.append(_told(told, item.item))
    return pl.concat(seen)


def _lookings(client_id: int, begin: date, through: date) -> Iterator[datetime]:
    """List the moments at which the worker lets scheduled channels look at a client, as it does today."""
    end = _midnight(through + timedelta(days=1))
    for at in croniter(settings.CHANNELS_AT, _midnight(begin) - timedelta(seconds=1)).all_next(datetime):
        if at >= end:
            return
        quiet = quiet_at(Job.CHANNELS, at)
        if not quiet.is_everywhere and client_id not in quiet.clients:
            yield at


def _on_a_day(
    one: Running, item: Item, schedule: Schedule, records: pl.DataFrame, made: pl.DataFrame
) -> pl.DataFrame:
    """Say of the records due at a moment what would have become of them."""
    found = due(records, schedule.timing())
    told = judge(one, admitted(found, made, schedule.timing()), schedule)
    matched = told.filter(outcome=MATCHED).drop("outcome", "why")
    stopped = told.filter(pl.col("outcome") != MATCHED)
    return pl.concat([stopped, _tried(one, item, matched, made)], how="diagonal")


# --- what an item would make --------------------------------------------------------------------------------


def _tried(one: Running, item: Item, records: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """Say of records what an item would have made of them; where it is made once, only the first time."""
    met = one.reading.met(item, records)
    is_once = pl.lit(one.channel.once or item.once)
    is_again = pl.col("key").is_in(made["key"].unique().to_list()) | (
        pl.col("is_met").cum_sum().over("key") > 1
    )
    skipped = pl.col("is_met") & is_once & is_again
    created = pl.col("is_met") & ~skipped
    return met.with_columns(
        outcome=pl.when(created).then(pl.lit(CREATED)).when(skipped).then(pl.lit(SKIPPED))
        .otherwise(pl.lit(NOT_MATCHED)),
        why=pl.when(created).then(pl.lit("")).when(skipped).then(pl.lit(why("once")))
        .otherwise(pl.concat_str(pl.lit(why("conditions", labels="")), "unmet")),
        made=pl.when(created).then(_thing(item, records.columns)).otherwise(pl.lit("")),
    ).drop("is_met", "unmet")  # fmt: skip


def _thing(item: Item, columns: list[str]) -> pl.Expr:
    """Say what an item makes: its kind, with the subject, title or act."""
    (kind, part), *_ = item.made.items()
    names = (name for name in ("subject", "title", "act") if hasattr(part, name))
    return pl.concat_str(pl.lit(f"{kind}: "), merged(getattr(part, next(names)), columns))


def _told(found: pl.DataFrame, item: str) -> pl.DataFrame:
    told = found if "made" in found.columns else found.with_columns(made=pl.lit(""))
    return told.with_columns(pl.col("why", "made").fill_null(""), item=pl.lit(item)).select(
        pl.col(name).cast(kind) for name, kind in FOUND.items()
    )


# --- what is not as it was then -----------------------------------------------------------------------------


def _notes(reading: Reading, begin: date) -> Iterator[str]:
    """Say what was read otherwise than as it was then, and what was not tried."""
    kinds = {name.rpartition(".")[0] for name in reading.fields}
    of = {one: kind_of(reading.kind.related[one].kind) if one else reading.kind for one in {"", *kinds}}
    yield from _read_now(reading, of)
    since = dict(models.Keeping.objects.values_list("of_table", "since"))
    for kind in {one.name: one for one in of.values()}.values():
        kept = since.get(kind.table)
        if kept is not None and _midnight(begin) < kept:
            yield (
                f"{kind.title}: what a record was before {kept:%Y-%m-%d %H:%M} UTC is not kept: it is read"
                " as of that moment, and what changed before is not tried"
            )
    if any(item.after for item in reading.channel.items):
        yield "Items that come after another are not tried: nobody knows when that would be done"


def _read_now(reading: Reading, of: dict[str, RecordKind]) -> Iterable[str]:
    """Name the fields the channel asks for that are read as of today."""
    asked = (name.rpartition(".") for name in sorted(reading.fields))
    for relation, _, name in asked:
        found = of[relation].fields.get(name)
        if found is not None and found.is_now:
            yield f"{of[relation].title}: '{found.title}' is read as it is today"
