"""Writing facts: versions, the change feed, the lock on the people touched. One transaction per change."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import Any

import polars as pl
from django.db import connection, models, transaction

from openbenefits.core.pipelines import Pipeline
from openbenefits.store.arriving import arriving
from openbenefits.store.bulk import copy_in, copy_out, schema_of
from openbenefits.store.keys import array_of
from openbenefits.store.locks import lock_rows
from openbenefits.workforce.models import (
    AddressFact,
    BenefitBaseFact,
    ChangeSet,
    Client,
    Dependent,
    DependentFact,
    JobFact,
    LifeEventFact,
    Person,
    PersonFact,
)

LOCK_WAIT_SECONDS = 10.0
LOCK_PAUSE_SECONDS = 0.05
STAMP = ("version", "change_id", "known_since", "is_deleted")
GEOGRAPHY = ("state", "postal_code", "country")
BENEFITS_PERSON = ("marital_status", "is_smoker", "is_medicare_entitled")
FEED_PLACE = {"job_number": pl.Int16(), "sequence": pl.Int16(), "event_class": pl.String()}
FEED_COLUMNS: dict[str, pl.DataType] = {
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "change_id": pl.Int64(),
    "fact": pl.String(),
    "operation": pl.String(),
    "valid_from": pl.Date(),
    **FEED_PLACE,
    "is_trigger": pl.Boolean(),
}
TRIGGERS = ("job", "life_event")
IMPORTED = ("census", "takeover", "taken")
"""Kinds of change that come in files."""


class PeopleBusy(RuntimeError):
    """Another transaction, such as a run's partition, holds some of the people to be written; try again."""


class UnknownPeople(LookupError):
    """Facts name a person who does not belong to the client."""


@dataclass(frozen=True)
class FactTable:
    """One of the six fact tables: its name in the feed, its key and its attributes."""

    fact: str
    model: type[models.Model]

    @cached_property
    def table(self) -> str:
        return self.model._meta.db_table

    @cached_property
    def key(self) -> list[str]:
        """The columns that identify a fact, but for its client and version."""
        names = self.model._meta.pk.field_names
        return [name for name in names if name not in ("client_id", "version")]

    @cached_property
    def columns(self) -> dict[str, pl.DataType]:
        """Everything a writer of facts states: person, key and attributes."""
        return {
            name: dtype for name, dtype in schema_of(self.model).items() if name not in (*STAMP, "client_id")
        }

    @cached_property
    def attributes(self) -> list[str]:
        return [name for name in self.columns if name not in (*self.key, "person_id")]

    @cached_property
    def compared(self) -> list[str]:
        """What makes two versions different: equal numbers are sealed differently each time."""
        return [name for name in self.attributes if name != "ssn_sealed"]

    @cached_property
    def defaults(self) -> dict[str, Any]:
        found = {
            field.column: field.default for field in self.model._meta.concrete_fields if field.has_default()
        }
        return {name: default for name, default in found.items() if name in self.columns}


PERSONS = FactTable("person", PersonFact)
ADDRESSES = FactTable("address", AddressFact)
JOBS = FactTable("job", JobFact)
DEPENDENTS = FactTable("dependent", DependentFact)
LIFE_EVENTS = FactTable("life_event", LifeEventFact)
BENEFIT_BASES = FactTable("benefit_base", BenefitBaseFact)


@dataclass(frozen=True, kw_only=True)
class FactFrames:
    """Facts to be written, a frame per table.

    Shapes: the columns of the model without client, version, change and known_since; a column left out takes
            the model's default. `is_deleted` (optional) withdraws the fact of that key.
    """

    persons: pl.DataFrame | None = None
    addresses: pl.DataFrame | None = None
    jobs: pl.DataFrame | None = None
    dependents: pl.DataFrame | None = None
    life_events: pl.DataFrame | None = None
    benefit_bases: pl.DataFrame | None = None

    def stated(self) -> Iterator[tuple[FactTable, pl.DataFrame]]:
        for field, table in zip(fields(self), FACT_TABLES, strict=True):
            frame = getattr(self, field.name)
            if frame is not None and frame.height:
                yield table, frame

    def person_ids(self) -> pl.Series:
        ids = [frame["person_id"].cast(pl.Int64) for _, frame in self.stated()]
        return pl.concat([pl.Series("person_id", [], pl.Int64), *ids]).unique().sort()


FACT_TABLES = (PERSONS, ADDRESSES, JOBS, DEPENDENTS, LIFE_EVENTS, BENEFIT_BASES)


def add_client(code: str, name: str) -> Client:
    """Add an employer, or answer the one of that code."""
    return Client.objects.get_or_create(code=code, defaults={"name": name})[0]


def add_people(client_id: int, employee_numbers: pl.Series) -> pl.DataFrame:
    """Give keys to new participants.

    Shapes: the result has employee_number and person_id (Int64), in the order given.
    Errors: IntegrityError for a number the client has already.
    """
    rows = Person.objects.bulk_create(
        [Person(client_id=client_id, employee_number=number) for number in employee_numbers],
        batch_size=10_000,
    )
    ids = pl.Series("person_id", [row.pk for row in rows], dtype=pl.Int64)
    return pl.DataFrame([employee_numbers.alias("employee_number"), ids])


def add_dependents(client_id: int, dependents: pl.DataFrame) -> pl.DataFrame:
    """Give keys to new dependents.

    Shapes: dependents have person_id and number; the result adds dependent_id (Int64), in the order given.
    """
    rows = Dependent.objects.bulk_create(
        [
            Dependent(client_id=client_id, person_id=person_id, number=number)
            for person_id, number in dependents.select("person_id", "number").iter_rows()
        ],
        batch_size=10_000,
    )
    return dependents.with_columns(dependent_id=pl.Series([row.pk for row in rows], dtype=pl.Int64))


def record_facts(
    client_id: int,
    frames: FactFrames,
    *,
    kind: str,
    label: str,
    made_by: str,
    now: datetime,
    fingerprint: str = "",
) -> ChangeSet:
    """Write facts of one client as one change: the next version of each key that differs from what is known.

    Rows that say what is known already write nothing. Every row written has its row in the change feed.

    Errors: UnknownPeople; PeopleBusy when a run holds them for longer than `LOCK_WAIT_SECONDS`;
            ValueError for two rows of one key.
    """
    with transaction.atomic(), _arriving(kind):
        lock_people(client_id, frames.person_ids())
        change = ChangeSet.objects.create(
            client_id=client_id, kind=kind, label=label, made_by=made_by, made_at=now, fingerprint=fingerprint
        )
        copy_in(connection, "workforce_factchange", write_versions(change, frames))
    return change


def _arriving(kind: str) -> AbstractContextManager[None]:
    """Say how facts arrive: those of a file as an import, others as what is done around them."""
    return arriving(connection, Pipeline.IMPORT) if kind in IMPORTED else nullcontext()


def write_versions(change: ChangeSet, frames: FactFrames) -> pl.DataFrame:
    """Write the versions a change brings; answer its rows for the change feed, not yet written."""
    with_job = (
        pl.Series([], dtype=pl.Int64) if frames.jobs is None else frames.jobs["person_id"].cast(pl.Int64)
    )
    feeds = [_write_table(change, table, frame, with_job) for table, frame in frames.stated()]
    return pl.concat([pl.DataFrame(schema=FEED_COLUMNS), *feeds])


def lock_people(client_id: int, person_ids: pl.Series) -> None:
    """Lock people's rows as every writer of facts, elections or events does; wait for a run's partition.

    Errors: UnknownPeople, PeopleBusy.
    """
    known = Person.objects.filter(client_id=client_id, id__in=person_ids.to_list()).count()
    if known != person_ids.len():
        raise UnknownPeople(
            f"{person_ids.len() - known} of the people named do not belong to client {client_id}"
        )
    waiting = person_ids.to_frame("id").select(pl.lit(client_id, pl.Int32).alias("client_id"), "id")
    give_up_at = time.monotonic() + LOCK_WAIT_SECONDS
    while waiting.height:
        _, waiting = lock_rows(connection, "workforce_person", waiting)
        if waiting.height and time.monotonic() > give_up_at:
            raise PeopleBusy(f"{waiting.height} people of client {client_id} are being processed; try again")
        if waiting.height:
            time.sleep(LOCK_PAUSE_SECONDS)


def known_versions(table: FactTable, client_id: int, owners: pl.Series) -> pl.DataFrame:
    """Read every version of the facts of persons (or of dependents, where these own the facts)."""
    schema = {**table.columns, "version": pl.Int32(), "change_id": pl.Int64(), "is_deleted": pl.Boolean()}
    query = f"""
        SELECT {", ".join(f"f.{name}" for name in schema)}
        FROM unnest(%(owners)s::bigint[]) AS k (owner)
        JOIN {table.table} AS f ON f.client_id = %(client)s AND f.{table.key[0]} = k.owner
    """  # noqa: S608 (names of our own tables)
    return copy_out(connection, query, schema, {"owners": array_of(owners.unique()), "client": client_id})


def latest_versions(table: FactTable, versions: pl.DataFrame) -> pl.DataFrame:
    """Keep of each key its latest version, deletions included."""
    return versions.sort("version").unique(table.key, keep="last", maintain_order=True)


def _write_table(
    change: ChangeSet, table: FactTable, stated: pl.DataFrame, with_job: pl.Series
) -> pl.DataFrame:
    """Write one table's new versions and answer their feed rows."""
    frame = complete(table, stated)
    known = latest_versions(table, known_versions(table, change.client_id, frame[table.key[0]]))
    written = _differing(table, frame, known)
    stamped = written.select(
        *table.columns,
        "is_deleted",
        client_id=pl.lit(change.client_id, pl.Int32),
        version=pl.col("version_known").fill_null(0) + 1,
        change_id=pl.lit(change.pk, pl.Int64),
        known_since=pl.lit(change.made_at).cast(pl.Datetime("us", "UTC")),
    )
    copy_in(connection, table.table, stamped)
    return _feed_rows(change, table, written, _is_trigger(table, written, known, with_job))


def complete(table: FactTable, stated: pl.DataFrame) -> pl.DataFrame:
    """Give a frame all columns of its table, in type, and refuse two rows of one key."""
    unknown = set(stated.columns) - {*table.columns, "is_deleted"}
    if unknown:
        raise ValueError(f"{table.table} has no column {sorted(unknown)}")
    if stated.select(table.key).is_duplicated().any():
        raise ValueError(f"two rows of one key for {table.table}")
    missing = [name for name in table.columns if name not in stated.columns]
    filled = stated.with_columns(
        pl.lit(table.defaults.get(name)).cast(table.columns[name]).alias(name) for name in missing
    )
    deleted = pl.col("is_deleted") if "is_deleted" in stated.columns else pl.lit(False)
    return filled.select(
        *(pl.col(name).cast(dtype) for name, dtype in table.columns.items()), deleted.alias("is_deleted")
    )


def _differing(table: FactTable, frame: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Keep the rows that say something new, beside what was known of their key (suffix `_known`)."""
    beside = frame.join(
        known.drop("person_id", strict=False) if "person_id" not in table.key else known,
        on=table.key,
        how="left",
        suffix="_known",
        maintain_order="left",
    )
    is_held = pl.col("version").is_not_null() & ~pl.col("is_deleted_known")
    differs = pl.any_horizontal(
        False, *(pl.col(name).ne_missing(pl.col(f"{name}_known")) for name in table.compared)
    )
    says_new = pl.when(is_held).then(pl.col("is_deleted") | differs).otherwise(~pl.col("is_deleted"))
    operation = (
        pl.when(pl.col("is_deleted")).then(pl.lit("D")).when(is_held).then(pl.lit("C")).otherwise(pl.lit("I"))
    )
    return beside.with_columns(operation=operation).filter(says_new).rename({"version": "version_known"})


def _is_trigger(
    table: FactTable, written: pl.DataFrame, known: pl.DataFrame, with_job: pl.Series
) -> pl.Expr | pl.Series:
    """Tell which rows change something eligibility may depend on.

    A first address triggers only if no job row comes with it: the job row of a hire triggers anyway. The
    first row of a person triggers nothing; a later one does where marital status, smoking or Medicare differ.
    Source: event-processing §3.3.
    """
    if table is PERSONS:
        compared = _with_before(written, known, BENEFITS_PERSON)
        return compared.select(is_trigger=~pl.col("is_first") & _differs(BENEFITS_PERSON))["is_trigger"]
    if table is not ADDRESSES:
        return pl.lit(table.fact in TRIGGERS)
    compared = _with_before(written, known, GEOGRAPHY)
    is_unknown = pl.all_horizontal(pl.col(f"{name}_before").is_null() for name in GEOGRAPHY)
    with_new_job = pl.col("person_id").is_in(with_job.implode())
    differs = pl.when(is_unknown).then(~with_new_job).otherwise(_differs(GEOGRAPHY))
    return compared.select(is_trigger=differs)["is_trigger"]


def _differs(names: Sequence[str]) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in names)


def _with_before(written: pl.DataFrame, known: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Set attributes of each row beside what held before it: `…_before`, and `is_first` where nothing did."""
    before = _before(written, known, names)
    stated = written.select("person_id", "operation", *names).hstack(before)
    deleted = pl.col("operation") == "D"
    return stated.with_columns(
        pl.when(deleted).then(written[f"{name}_known"]).otherwise(pl.col(name)).alias(name) for name in names
    )


def _before(written: pl.DataFrame, known: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Find what each row is compared with: the version it corrects, else the row before it."""
    place = ("person_id", "valid_from")
    columns = [*place, *names]
    superseded = written.filter(pl.col("operation") == "C").select(
        *place, *(pl.col(f"{name}_known").alias(name) for name in names)
    )
    untouched = known.filter(~pl.col("is_deleted")).join(written, on=place, how="anti").select(columns)
    brought = written.filter(~pl.col("is_deleted")).select(columns)
    in_time = pl.concat([untouched, brought]).sort("valid_from").with_columns(is_found=pl.lit(value=True))
    earlier = (
        written.select("operation", *place)
        .with_row_index("at")
        .sort("valid_from")
        .join_asof(
            in_time, on="valid_from", by="person_id", allow_exact_matches=False, check_sortedness=False
        )
        .sort("at")
    )
    corrected = earlier.select(*place).join(superseded, on=place, how="left", maintain_order="left")
    is_correction = earlier["operation"] == "C"
    return earlier.select(
        *(
            pl.when(is_correction).then(corrected[name]).otherwise(pl.col(name)).alias(f"{name}_before")
            for name in names
        ),
        is_first=pl.col("is_found").is_null() & ~is_correction,
    )


def _feed_rows(
    change: ChangeSet, table: FactTable, written: pl.DataFrame, is_trigger: pl.Expr | pl.Series
) -> pl.DataFrame:
    place = [
        pl.col(name) if name in table.key else pl.lit(None, dtype).alias(name)
        for name, dtype in FEED_PLACE.items()
    ]
    return written.select(
        pl.lit(change.client_id, pl.Int32).alias("client_id"),
        "person_id",
        pl.lit(change.pk, pl.Int64).alias("change_id"),
        pl.lit(table.fact).alias("fact"),
        "operation",
        "valid_from",
        *place,
        is_trigger.alias("is_trigger"),
    )
