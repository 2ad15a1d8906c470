"""Channels look at what changed.

After commit, all records of a kind that one transaction changed together.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.casework.services import Subject, close_for
from openbenefits.core.faults import message_of
from openbenefits.store.catalogue import psycopg_connection
from openbenefits.workflow import models
from openbenefits.workflow.deciding import Reading, judged, with_before
from openbenefits.workflow.kinds import RecordKind, kind_of
from openbenefits.workflow.making import Moment, lines_of, log, make
from openbenefits.workflow.published import Running, running
from openbenefits.workflow.records import ALWAYS, asked_of, load
from openbenefits.workflow.rules.outcomes import Outcome, why

LOCK = 0xF10
"""Of a client's channels: one looks at a time, so that what is to be made once is."""
MOST_ATTEMPTS = 3
TICKETS = ("task", "case")
CHANGES = {
    "key": pl.String(),
    "known": pl.String(),
    "before": pl.String(),
    "today": pl.Date(),
    "pipeline": pl.String(),
    "operation": pl.String(),
    "depth": pl.Int16(),
    "user_id": pl.Int64(),
}


def look(connection: Any, outbox_id: int, *, today: date, now: datetime) -> int:
    """Let the channels of a client look at what a transaction changed of a kind; answer how many records.

    What fails is tried again by the queue, and after MOST_ATTEMPTS is a dead letter. To look twice makes
    nothing twice.
    """
    try:
        with transaction.atomic():
            return _look(connection, outbox_id, today, now)
    except Exception as fault:
        if not _failed(outbox_id, message_of(fault), today, now):
            raise
        return 0


def _look(connection: Any, outbox_id: int, today: date, now: datetime) -> int:
    row = models.Outbox.objects.filter(pk=outbox_id, state="waiting").first()
    if row is None:
        return 0
    psycopg_connection(connection).execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, row.client])
    together = models.Outbox.objects.filter(change=row.change, kind=row.kind, client=row.client)
    rows = list(together.filter(state="waiting").order_by("pk").select_for_update())
    if not rows:
        return 0
    first = together.order_by("pk").values_list("pk", flat=True)[0]
    moment = Moment(client_id=row.client, today=today, now=now)
    changes = changes_of(rows, today)
    lines = []
    for one in running(row.client, [row.kind]):
        if one.channel.kind == row.kind and one.channel.on is not None:
            lines += _triggered(connection, one, changes, f"change {first}", moment)
        if row.kind in TICKETS:
            lines += _chained(connection, one, row.kind, changes, moment)
    _close_ended(connection, kind_of(row.kind), changes, moment)
    log(connection, lines, now)
    models.Outbox.objects.filter(pk__in=[one.pk for one in rows]).update(state="done")
    return changes.height


def changes_of(rows: Sequence[models.Outbox], today: date) -> pl.DataFrame:
    """Answer the records that rows of the outbox name, each once. Shapes: CHANGES."""
    found = [
        {
            "key": key,
            "known": ALWAYS,
            "before": _earlier(row.known_at),
            "today": today,
            "pipeline": row.pipeline,
            "operation": row.operation,
            "depth": row.depth,
            "user_id": row.user_id,
        }
        for row in rows
        for key in row.keys
    ]
    return pl.DataFrame(found, schema=CHANGES).unique("key", keep="first", maintain_order=True)


def _earlier(moment: datetime | None) -> str | None:
    return None if moment is None else (moment - timedelta(microseconds=1)).isoformat()


def changed_records(connection: Any, reading: Reading, changes: pl.DataFrame) -> pl.DataFrame:
    """Load changed records with what they were before, as `judged` takes them.

    Shapes:  changes has CHANGES.
    Missing: where nothing says when a change began (`before`), nothing was before it.
    """
    kind = reading.kind
    asked = changes.select("key", "known", "today")
    found = load(connection, kind, asked, reading.fields).join(
        changes, on=["key", "known", "today"], how="left", maintain_order="left"
    )
    earlier = changes.select("key", "today", known="before").drop_nulls("known")
    before = load(connection, kind, earlier, reading.changing).rename({"known": "before"})
    links = changes.select("key", "before", "known")
    before = before.join(links, on=["key", "before"], how="inner", maintain_order="left")
    seen = with_before(found, before, reading.changing)
    is_known = pl.col("before").is_not_null()
    operation = (
        pl.when(pl.col("was_there").fill_null(value=False)).then(pl.lit("update"))
        .when(is_known).then(pl.lit("insert")).otherwise("operation")
    )  # fmt: skip
    return seen.with_columns(operation=operation).drop("was_there")


def _triggered(
    connection: Any,
    one: Running,
    changes: pl.DataFrame,
    cause: str,
    moment: Moment,
) -> list[pl.DataFrame]:
    records = changed_records(connection, one.reading, changes)
    found = judged(one.reading, records).with_columns(
        cause=pl.lit(cause), fire_on=pl.lit(None, dtype=pl.Date)
    )
    lines = [lines_of(one, "", found, moment)]
    matched = found.filter(outcome=str(Outcome.MATCHED)).drop("outcome", "why")
    for item in one.reading.first_items():
        lines += made_of(connection, one, item, matched, moment)
    return lines


def made_of(
    connection: Any, one: Running, item: Any, records: pl.DataFrame, moment: Moment
) -> list[pl.DataFrame]:
    """Make what an item makes for those of its records of which its own conditions hold."""
    if records.is_empty():
        return []
    met = one.reading.met(item, records)
    unmet = met.filter(~pl.col("is_met")).with_columns(
        outcome=pl.lit(str(Outcome.NOT_MATCHED)),
        why=pl.concat_str(pl.lit(why("conditions", labels="")), pl.col("unmet")),
    )
    lines = [lines_of(one, item.item, unmet, moment)] if unmet.height else []
    return [*lines, make(connection, one, item, met.filter("is_met").drop("is_met", "unmet"), moment)]


def _chained(
    connection: Any, one: Running, form: str, changes: pl.DataFrame, moment: Moment
) -> list[pl.DataFrame]:
    """Make what comes after tasks or cases of this channel that have come to a status."""
    after = [item for item in one.channel.items if item.after is not None]
    if not after:
        return []
    tickets = load(connection, kind_of(form), changes.select("key", "known", "today"), ["status"])
    made = models.Made.objects.filter(
        client_id=moment.client_id,
        channel_id=one.channel_id,
        made_kind=form,
        made_key__in=tickets["key"].to_list(),
    ).values_list("made_key", "item", "key", "depth")
    schema = {"ticket": pl.String, "of": pl.String, "record": pl.String, "behind": pl.Int16}
    behind = pl.DataFrame(list(made), schema=schema, orient="row").join(
        tickets.select(ticket="key", status="status"), on="ticket"
    )
    behind = behind.join(changes.select(ticket="key", depth="depth", user_id="user_id"), on="ticket")
    lines: list[pl.DataFrame] = []
    for item in after:
        before = item.after
        due = behind.filter(of=before.item, status=before.status) if before else behind.clear()
        if due.is_empty():
            continue
        records = load(
            connection, one.reading.kind, asked_of(due["record"].to_list(), moment.today), one.reading.fields
        )
        records = with_before(records, records.clear(), one.reading.changing).drop("was_there")
        records = records.join(
            due.rename({"record": "key"}), on="key", how="inner", maintain_order="left"
        ).with_columns(
            cause=pl.concat_str(pl.lit(f"after {form} "), "ticket"),
            fire_on=pl.lit(None, dtype=pl.Date),
            depth=pl.max_horizontal("depth", pl.col("behind") + 1),
        )
        lines += made_of(connection, one, item, records.drop("ticket", "of", "status", "behind"), moment)
    return lines


def _close_ended(connection: Any, kind: RecordKind, changes: pl.DataFrame, moment: Moment) -> None:
    """Close what is open about records that are done with."""
    if kind.ended == "false":
        return
    found = load(connection, kind, changes.select("key", "known", "today"), [])
    for key in found.filter("is_ended")["subject"].to_list():
        close_for(
            Subject(kind=kind.name, key=key),
            f"{kind.title.split(',')[0].lower()} is done with",
            now=moment.now,
            client_id=moment.client_id,
            is_done=True,
            by="channels",
        )


def stamp(cause: str, fire_on: date | None, depth: int, user_id: int | None) -> dict[str, pl.Expr]:
    """Answer the columns an item wants to know of a record beside its fields."""
    return {
        "cause": pl.lit(cause),
        "fire_on": pl.lit(fire_on, dtype=pl.Date),
        "depth": pl.lit(depth, dtype=pl.Int16),
        "user_id": pl.lit(user_id, dtype=pl.Int64),
    }


def give_up(outbox_id: int) -> None:
    """Leave what could not be looked at dead, as it was before it was ordered again."""
    models.Outbox.objects.filter(pk=outbox_id, state="waiting").update(state="dead")


def _failed(outbox_id: int, told: str, today: date, now: datetime) -> bool:
    """Count a failure; answer whether it was the last and is a dead letter now."""
    with transaction.atomic():
        row = models.Outbox.objects.select_for_update().get(pk=outbox_id)
        row.attempts += 1
        is_dead = row.attempts >= MOST_ATTEMPTS
        if is_dead:
            row.state = "dead"
            models.DeadLetter.objects.create(
                client_id=row.client,
                kind=row.kind,
                cause=f"change {row.pk}",
                depth=row.depth,
                user_id=row.user_id,
                day=today,
                outbox_id=row.pk,
                told=told,
                attempts=row.attempts,
                at=now,
            )
        row.save(update_fields=["attempts", "state"])
    return is_dead
