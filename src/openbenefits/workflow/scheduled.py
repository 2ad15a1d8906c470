"""Channels that days bring about: every day, all records of a client whose window holds the day.

Source: §5.3.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.casework.models import IS_OPEN, Ticket
from openbenefits.casework.services import Subject, TicketRefused, cancel_task, close_for
from openbenefits.store.catalogue import psycopg_connection
from openbenefits.workflow import models
from openbenefits.workflow.channels import Item, Schedule
from openbenefits.workflow.looking import LOCK, made_of
from openbenefits.workflow.making import LOG, Moment, lines_of, log
from openbenefits.workflow.published import Running, running
from openbenefits.workflow.records import asked_of, everyone, load
from openbenefits.workflow.rules.outcomes import Outcome, why
from openbenefits.workflow.rules.schedules import admitted, due

CREATED = str(Outcome.CREATED)


def run_schedules(connection: Any, client_id: int, *, today: date, now: datetime) -> dict[str, int]:
    """Let the scheduled channels of a client look at a day; answer how many things each has made, by code.

    To do it twice on a day makes nothing twice; a day that was missed is made up while its window lasts.
    """
    made: dict[str, int] = {}
    for one in running(client_id):
        if not one.channel.is_scheduled:
            continue
        with transaction.atomic():
            psycopg_connection(connection).execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, client_id])
            lines = _channel(connection, one, Moment(client_id=client_id, today=today, now=now))
            log(connection, [lines], now)
        made[one.channel.channel] = lines.filter(outcome=CREATED).height
    return made


def _channel(connection: Any, one: Running, moment: Moment) -> pl.DataFrame:
    keys = everyone(connection, one.reading.kind, moment.client_id)
    records = load(connection, one.reading.kind, asked_of(keys, moment.today), one.reading.fields)
    lines = [pl.DataFrame(schema=LOG)]
    if one.reading.kind.vanishes:
        _close_gone(one, keys, moment)
    for item, schedule in scheduled_items(one):
        if schedule.cancels_on_change:
            _cancel_moved(one, item, schedule, records, moment)
        lines += _item(connection, one, item, schedule, records, moment)
    return pl.concat(lines)


def scheduled_items(one: Running) -> list[tuple[Item, Schedule]]:
    """List the items that days bring about, each with its schedule: its own, or the channel's."""
    found = [(item, item.schedule or one.channel.schedule) for item in one.reading.first_items()]
    return [(item, schedule) for item, schedule in found if schedule is not None]


def _item(
    connection: Any, one: Running, item: Item, schedule: Schedule, records: pl.DataFrame, moment: Moment
) -> Iterable[pl.DataFrame]:
    found = due(records, schedule.timing())
    if found.is_empty():
        return []
    before = models.Made.objects.filter(
        channel_id=one.channel_id, item=item.item, key__in=found["key"].to_list()
    ).values_list("key", "fire_on", "made_on")
    made = pl.DataFrame(
        list(before), schema={"key": pl.String, "fire_on": pl.Date, "made_on": pl.Date}, orient="row"
    )
    judged = judge(one, admitted(found, made, schedule.timing()), schedule)
    stopped = judged.filter(pl.col("outcome") != str(Outcome.MATCHED))
    wanted = judged.filter(outcome=str(Outcome.MATCHED)).drop("outcome", "why")
    lines = [lines_of(one, item.item, stopped, moment)] if stopped.height else []
    return [*lines, *made_of(connection, one, item, wanted, moment)]


def judge(one: Running, admitted_: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """Say of records due whether conditions hold, and give them what an item wants to know."""
    met = one.reading.met(one.channel, admitted_)
    unmet = pl.concat_str(pl.lit(why("conditions", labels="")), pl.col("unmet"))
    said = pl.lit("fire ") + pl.col("fire_on").cast(pl.String)
    daily = said + pl.lit(" on ") + pl.col("today").cast(pl.String)
    return met.with_columns(
        why=pl.when(pl.col("outcome").is_not_null()).then("why").when(~pl.col("is_met")).then(unmet),
        outcome=pl.when(pl.col("outcome").is_not_null())
        .then("outcome")
        .when(~pl.col("is_met"))
        .then(pl.lit(str(Outcome.NOT_MATCHED)))
        .otherwise(pl.lit(str(Outcome.MATCHED))),
        cause=daily if schedule.frequency else said,
        depth=pl.lit(0, dtype=pl.Int16),
        user_id=pl.lit(None, dtype=pl.Int64),
    ).drop("is_met", "unmet")


def _close_gone(one: Running, keys: Iterable[str], moment: Moment) -> None:
    """Close what is open about records that are not there any more."""
    made = models.Made.objects.filter(
        channel_id=one.channel_id, client_id=moment.client_id, made_kind__in=("task", "case")
    )
    numbers = [int(key) for key in made.exclude(key__in=list(keys)).values_list("made_key", flat=True)]
    about = Ticket.objects.filter(IS_OPEN, pk__in=numbers).values_list("about_kind", "about_key").distinct()
    for kind, key in about:
        subject = Subject(kind=kind, key=key)
        told = f"{one.reading.kind.title.split(',')[0].lower()} is settled"
        close_for(subject, told, now=moment.now, client_id=moment.client_id, is_done=True, by="channels")


def _cancel_moved(
    one: Running, item: Item, schedule: Schedule, records: pl.DataFrame, moment: Moment
) -> None:
    """Cancel what is open for a day that has moved."""
    fires = records.select("key", fire=pl.col(schedule.field).dt.offset_by(f"{schedule.offset}d"))
    now = dict(fires.iter_rows())
    made = models.Made.objects.filter(
        channel_id=one.channel_id, client_id=moment.client_id, item=item.item, made_kind__in=("task", "case")
    ).exclude(fire_on=None)
    moved = {int(row.made_key) for row in made if row.key in now and now[row.key] != row.fire_on}
    for number in Ticket.objects.filter(IS_OPEN, pk__in=moved).values_list("pk", flat=True):
        try:
            cancel_task(one.author, number, reason="the day it was for has moved", now=moment.now)
        except TicketRefused:  # somebody has just ended it
            continue
