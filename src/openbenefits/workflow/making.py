"""What items of channels make: once for each cause, in bulk; what one record spoils is tried alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.faults import message_of
from openbenefits.core.pipelines import Pipeline
from openbenefits.store.arriving import arriving
from openbenefits.store.bulk import copy_in
from openbenefits.workflow import models
from openbenefits.workflow.channels import Item
from openbenefits.workflow.deciding import MOST_DEPTH
from openbenefits.workflow.making_kinds import MAKERS, Batch
from openbenefits.workflow.published import Running
from openbenefits.workflow.rules.outcomes import Outcome, why

LOG = {
    "client_id": pl.Int32(),
    "channel_id": pl.Int64(),
    "version": pl.Int32(),
    "item": pl.String(),
    "kind": pl.String(),
    "key": pl.String(),
    "person_id": pl.Int64(),
    "cause": pl.String(),
    "outcome": pl.String(),
    "why": pl.String(),
}


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When, and for whom, channels are at work."""

    client_id: int
    today: date
    now: datetime


def log(connection: Any, lines: Sequence[pl.DataFrame], now: datetime) -> None:
    """Write down what became of records. Shapes: LOG."""
    rows = pl.concat([pl.DataFrame(schema=LOG), *(one.select(list(LOG)) for one in lines)])
    copy_in(connection, "workflow_logline", rows.with_columns(at=pl.lit(now).cast(pl.Datetime("us", "UTC"))))


def lines_of(running: Running, item: str, records: pl.DataFrame, moment: Moment) -> pl.DataFrame:
    """Answer records with their outcome as lines of the log."""
    return records.select(
        client_id=pl.lit(moment.client_id, dtype=pl.Int32),
        channel_id=pl.lit(running.channel_id, dtype=pl.Int64),
        version=pl.lit(running.version, dtype=pl.Int32),
        item=pl.lit(item),
        kind=pl.lit(running.reading.kind.name),
        key="key",
        person_id="person_id",
        cause="cause",
        outcome="outcome",
        why=pl.col("why").fill_null(""),
    )


def make(
    connection: Any, running: Running, item: Item, records: pl.DataFrame, moment: Moment
) -> pl.DataFrame:
    """Make what an item makes for records; answer their lines of the log. Part of the caller's transaction.

    Shapes: records have key, person_id, cause, fire_on, depth, user_id, and the fields of the channel. A
            cause that was made something of already, and, where it is to be once, a record that was, is
            skipped.
    """
    if records.is_empty():
        return pl.DataFrame(schema=LOG)
    judged = _skipping(running, item, records.unique(["key", "cause"], keep="first", maintain_order=True))
    wanted = judged.filter(pl.col("outcome").is_null())
    made = _attempt(connection, running, item, wanted, moment)
    told = judged.update(made, on=["key", "cause"], how="left")
    return lines_of(running, item.item, told, moment)


def _skipping(running: Running, item: Item, records: pl.DataFrame) -> pl.DataFrame:
    """Say why records are skipped; `outcome` is null for the others."""
    known = models.Made.objects.filter(
        channel_id=running.channel_id, item=item.item, key__in=records["key"].to_list()
    ).values_list("key", "cause")
    there = pl.DataFrame(list(known), schema={"key": pl.String, "cause": pl.String}, orient="row")
    keys = pl.col("key").is_in(there["key"].unique().to_list())
    causes = pl.concat_str("key", pl.lit("\0"), "cause").is_in(
        there.select(pl.concat_str("key", pl.lit("\0"), "cause")).to_series().to_list()
    )
    repeated = pl.int_range(pl.len()).over("key") > 0
    once = pl.lit(running.channel.once or item.once)
    deep = pl.col("depth") > MOST_DEPTH
    reasons = (
        (deep, why("depth", depth=MOST_DEPTH)),
        (once & (keys | repeated), why("once")),
        (causes, why("change")),
    )
    told = pl.lit(None, dtype=pl.String)
    for stops, because in reversed(reasons):
        told = pl.when(stops).then(pl.lit(because)).otherwise(told)
    return records.with_columns(why=told).with_columns(
        outcome=pl.when(pl.col("why").is_not_null()).then(pl.lit(str(Outcome.SKIPPED)))
    )


def _attempt(
    connection: Any, running: Running, item: Item, wanted: pl.DataFrame, moment: Moment
) -> pl.DataFrame:
    """Make of all at once, or, where that fails, of each alone; answer key, cause, outcome, why."""
    answer = {"key": pl.String(), "cause": pl.String(), "outcome": pl.String(), "why": pl.String()}
    if wanted.is_empty():
        return pl.DataFrame(schema=answer)
    (kind, part), *_ = item.made.items()
    told: list[tuple[str, str, str, str]] = []

    def put(rows: pl.DataFrame) -> None:
        with transaction.atomic(), arriving(connection, Pipeline.CHANNEL, 1 + int(rows["depth"].max() or 0)):  # type: ignore[arg-type]
            batch = Batch(
                connection=connection, running=running, item=item.item, part=part, records=rows, moment=moment
            )
            keys = MAKERS[kind](batch)
            _write(running, item, kind, rows, keys, moment)
        told.extend(
            (*one, str(Outcome.CREATED), f"{kind} {made}")
            for one, made in zip(rows.select("key", "cause").iter_rows(), keys, strict=True)
        )

    for rows in wanted.partition_by("depth", maintain_order=True):
        _each(put, rows, lambda row, fault: told.append(_dead(running, item, row, fault, moment)))
    return pl.DataFrame(told, schema=answer, orient="row")


def _each(
    put: Callable[[pl.DataFrame], None],
    rows: pl.DataFrame,
    failed: Callable[[dict[str, Any], Exception], None],
) -> None:
    try:
        put(rows)
    except Exception as fault:
        if rows.height == 1:
            failed(rows.row(0, named=True), fault)
            return
        for place in range(rows.height):
            _each(put, rows.slice(place, 1), failed)


def _write(
    running: Running, item: Item, kind: str, rows: pl.DataFrame, keys: Sequence[str], moment: Moment
) -> None:
    models.Made.objects.bulk_create(
        models.Made(
            client_id=moment.client_id,
            channel_id=running.channel_id,
            version=running.version,
            item=item.item,
            kind=running.reading.kind.name,
            key=row["key"],
            person_id=row["person_id"],
            cause=row["cause"],
            fire_on=row["fire_on"],
            depth=row["depth"],
            made_kind=kind,
            made_key=made,
            made_on=moment.today,
            made_at=moment.now,
        )
        for row, made in zip(rows.iter_rows(named=True), keys, strict=True)
    )


def _dead(
    running: Running, item: Item, row: dict[str, Any], fault: Exception, moment: Moment
) -> tuple[str, str, str, str]:
    """Keep what could not be made, with the reason; it may be ordered again."""
    told = message_of(fault)
    again = models.DeadLetter.objects.filter(
        channel_id=running.channel_id, item=item.item, key=row["key"], cause=row["cause"], state="waiting"
    )
    for letter in again:
        letter.state, letter.told, letter.attempts = "dead", told, letter.attempts + 1
        letter.save(update_fields=["state", "told", "attempts"])
    if not again:
        models.DeadLetter.objects.create(
            client_id=moment.client_id,
            channel_id=running.channel_id,
            version=running.version,
            item=item.item,
            kind=running.reading.kind.name,
            key=row["key"],
            person_id=row["person_id"],
            cause=row["cause"],
            depth=row["depth"],
            user_id=row["user_id"],
            day=moment.today,
            fire_on=row["fire_on"],
            told=told,
            at=moment.now,
        )
    return row["key"], row["cause"], str(Outcome.FAILED), told
