"""Taking a change back as one unit: what was known before is written again, nothing is erased."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl
from django.db import connection, transaction

from openbenefits.store.bulk import copy_in, copy_out, update_from
from openbenefits.workforce.models import ChangeSet
from openbenefits.workforce.recording import (
    FACT_TABLES,
    FEED_PLACE,
    FactFrames,
    FactTable,
    known_versions,
    latest_versions,
    lock_people,
    write_versions,
)

TAKEN_BACK = 0
"""Stands in `FactChange.consumed_by_run` where no run need look: the change and its undoing cancel out."""

CONFLICT = {
    "fact": pl.String(),
    "person_id": pl.Int64(),
    "valid_from": pl.Date(),
    "job_number": pl.Int16(),
    "change_id": pl.Int64(),
}
FEED_KEY = ("fact", "person_id", "valid_from", *FEED_PLACE)


class AlreadyTakenBack(ValueError):
    """The change was taken back before."""


@dataclass(frozen=True, kw_only=True)
class TakeBackResult:
    """What taking back did: facts restored or withdrawn, and later edits left alone (`conflicts`).

    Shapes: conflicts as fact, person_id, valid_from, job_number and the change_id of the later edit.
    """

    change: ChangeSet
    restored: int
    withdrawn: int
    conflicts: pl.DataFrame


def take_back(change_id: int, *, made_by: str, now: datetime) -> TakeBackResult:
    """Undo a change: each fact it brought, if untouched since, gets its previous version, or a deletion.

    Where no run has consumed the change's feed row yet, that row and the one of its undoing are marked
    consumed: nothing happened. Else the undoing waits in the feed as any change does.

    Errors: ChangeSet.DoesNotExist, AlreadyTakenBack, PeopleBusy.
    """
    with transaction.atomic():
        undone = ChangeSet.objects.select_for_update().get(pk=change_id)
        if ChangeSet.objects.filter(undoes=undone).exists():
            raise AlreadyTakenBack(f"change {change_id} was taken back already")
        lock_people(undone.client_id, _people_of(undone))
        plans = {table: _plan(undone, table) for table in FACT_TABLES}
        change = ChangeSet.objects.create(
            client_id=undone.client_id,
            kind="undo",
            label=f"take back: {undone.label}",
            made_by=made_by,
            made_at=now,
            undoes=undone,
        )
        before = [restore for restore, _ in plans.values()]
        feed = write_versions(change, FactFrames(**dict(zip(_FRAME_NAMES, before, strict=True))))
        _write_feed(undone, feed)
    is_deleted = pl.concat([restore["is_deleted"] for restore in before])
    return TakeBackResult(
        change=change,
        restored=int((~is_deleted).sum()),
        withdrawn=int(is_deleted.sum()),
        conflicts=pl.concat([conflicts for _, conflicts in plans.values()]),
    )


_FRAME_NAMES = ("persons", "addresses", "jobs", "dependents", "life_events", "benefit_bases")


def _people_of(change: ChangeSet) -> pl.Series:
    query = """
        SELECT DISTINCT person_id FROM workforce_factchange
        WHERE client_id = %(client)s AND change_id = %(change)s
    """
    parameters = {"client": change.client_id, "change": change.pk}
    return copy_out(connection, query, {"person_id": pl.Int64()}, parameters)["person_id"]


def _plan(change: ChangeSet, table: FactTable) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answer the facts to write again (or delete), and the later edits that forbid it."""
    versions = known_versions(table, change.client_id, _owners(change, table))
    brought = versions.filter(pl.col("change_id") == change.pk).select(*table.key, brought="version")
    last = latest_versions(table, versions).join(brought, on=table.key)
    is_untouched = pl.col("version") == pl.col("brought")
    untouched = last.filter(is_untouched)
    earlier = versions.join(brought, on=table.key).filter(pl.col("version") < pl.col("brought"))
    previous = latest_versions(table, earlier).filter(~pl.col("is_deleted"))
    columns = list(table.columns)
    kept = previous.join(untouched, on=table.key, how="semi").select(*columns, is_deleted=pl.lit(False))
    gone = untouched.join(previous, on=table.key, how="anti").select(*columns, is_deleted=pl.lit(True))
    return pl.concat([kept, gone]), _conflicts(table, last.filter(~is_untouched))


def _owners(change: ChangeSet, table: FactTable) -> pl.Series:
    query = f"""
        SELECT DISTINCT {table.key[0]} FROM {table.table}
        WHERE client_id = %(client)s AND change_id = %(change)s
    """  # noqa: S608 (names of our own tables)
    parameters = {"client": change.client_id, "change": change.pk}
    return copy_out(connection, query, {table.key[0]: pl.Int64()}, parameters)[table.key[0]]


def _conflicts(table: FactTable, later: pl.DataFrame) -> pl.DataFrame:
    given = later.with_columns(fact=pl.lit(table.fact))
    return given.select(
        pl.col(name) if name in given.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in CONFLICT.items()
    )


def _write_feed(undone: ChangeSet, feed: pl.DataFrame) -> None:
    """Write the feed rows of the undoing, cancelling them with those of the change no run has consumed."""
    query = """
        SELECT id, fact, person_id, valid_from, job_number, sequence, event_class FROM workforce_factchange
        WHERE client_id = %(client)s AND change_id = %(change)s AND consumed_by_run IS NULL
    """
    schema = {
        "id": pl.Int64(),
        "fact": pl.String(),
        "person_id": pl.Int64(),
        "valid_from": pl.Date(),
        **FEED_PLACE,
    }
    parameters = {"client": undone.client_id, "change": undone.pk}
    waiting = copy_out(connection, query, schema, parameters)
    cancelled = waiting.join(feed, on=FEED_KEY, how="semi", nulls_equal=True)
    marked = cancelled.select("id", consumed_by_run=pl.lit(TAKEN_BACK, pl.Int64))
    update_from(connection, "workforce_factchange", marked, ["id"], ["consumed_by_run"])
    known = cancelled.select(*FEED_KEY, consumed_by_run=pl.lit(TAKEN_BACK, pl.Int64)).unique()
    rows = feed.join(known, on=FEED_KEY, how="left", nulls_equal=True)
    copy_in(connection, "workforce_factchange", rows)
