"""What another openbenefits handed over, taken in by one without clients: the same coverage and balances.

Numbers stay as they were handed over, so that rows go on referring to one another; what went by the PEO's
set-up goes by the part of it that was handed over, which becomes this house's. What the other house did
among itself (its users, tickets, channels, its exchange with payroll and carriers) stays in the folder.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from django.db import transaction
from django.db.models import BinaryField, Max, Model
from psycopg import sql

from openbenefits.programs import services as setup
from openbenefits.programs.findings import Finding, has_errors
from openbenefits.programs.models import Bundle, RateRow, Release
from openbenefits.store import secrets
from openbenefits.store.catalogue import psycopg_connection
from openbenefits.store.isolation import PEO
from openbenefits.workflow.handing_over import FILES, INHERITED, SSN, file_hash, models_of_clients
from openbenefits.workforce.models import Client

CAPABILITIES = (
    *("workforce", "programs", "eligibility", "rating", "events", "enrollment", "payroll", "runs"),
    *("compliance", "repair", "delivery"),
)
"""Whose tables are taken in, beside the set-up."""
ROWS_AT_ONCE = 500
"""Of a table with files, so that memory does not grow with them."""


class TakingInRefused(ValueError):
    """What cannot be taken in: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class TakenIn:
    """Who was taken in, how much of it, and what stays in the folder."""

    client: Client
    tables: int
    rows: int
    left: list[str]


class ColumnSaid(msgspec.Struct, frozen=True):
    """A column of what was handed over."""

    name: str


class TableSaid(msgspec.Struct, frozen=True):
    """A table of what was handed over."""

    table: str
    rows: int
    columns: list[ColumnSaid]


class Inherited(msgspec.Struct, frozen=True):
    """A release of the PEO's set-up that came along, and the number rows know it by."""

    id: int
    release: int
    applied_at: datetime


class Manifest(msgspec.Struct, frozen=True):
    """What `manifest.json` says, as far as it is read here."""

    tables: list[TableSaid]
    inherited: list[Inherited]
    files: dict[str, str]


def take_in(connection: Any, folder: Path, *, made_by: str) -> TakenIn:
    """Take in a client that another openbenefits handed over, whole or not at all.

    Errors: TakingInRefused for a house that has clients or set-up, a folder that is not what was handed over,
            and set-up that does not hold by itself.
    """
    manifest = _manifest(folder)
    known = {model._meta.db_table: model for model in models_of_clients()}
    tables = [one for one in manifest.tables if _is_taken(one.table)]
    _refuse_unknown(tables, known)
    with transaction.atomic():
        _refuse_others()
        for one in tables:
            _fill(connection, known[one.table], folder)
        filled = [known[one.table] for one in tables]
        _go_on_counting(connection, filled)
        _apply_inherited(connection, manifest, folder, made_by)
        _go_on_counting(connection, [*filled, RateRow])
        client = Client.objects.first()
        if client is None:
            raise TakingInRefused(f"{folder}: expected a client, found none; ask for the folder once more")
        faults = setup.audit_in_force(client.pk) if manifest.inherited else []
        if has_errors(faults):
            raise TakingInRefused(f"expected set-up that holds, found {_said(faults)}")
    return TakenIn(
        client=client,
        tables=len(tables),
        rows=sum(one.rows for one in tables),
        left=[one.table for one in manifest.tables if not _is_taken(one.table)],
    )


def _manifest(folder: Path) -> Manifest:
    """Read what was handed over, and see that every file is as it was then."""
    file = folder / "manifest.json"
    if not file.is_file():
        raise TakingInRefused(
            f"expected a folder that was handed over, found {folder} without manifest.json; name it"
        )
    try:
        manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
    except msgspec.DecodeError as fault:
        raise TakingInRefused(
            f"{file}: expected what a hand-over says of itself, found another text ({fault});"
            " ask for the folder once more"
        ) from None
    unlisted = [one.table for one in manifest.tables if f"{one.table}.csv" not in manifest.files]
    if unlisted:
        raise TakingInRefused(
            f"{file}: expected the mark of every table's file, found none of {', '.join(unlisted)};"
            " ask for the folder once more"
        )
    for name, known in manifest.files.items():
        path = folder / name
        if not path.is_file() or file_hash(path) != known:
            found = "another content" if path.is_file() else "no such file"
            raise TakingInRefused(
                f"{name}: expected it as it was handed over, found {found}; ask for the folder once more"
            )
    return manifest


def _is_taken(table: str) -> bool:
    return table.split("_")[0] in CAPABILITIES


def _refuse_unknown(tables: list[TableSaid], known: dict[str, type[Model]]) -> None:
    for one in tables:
        model = known.get(one.table)
        columns = {field.column for field in model._meta.concrete_fields} | {"ssn"} if model else set()
        unknown = [column.name for column in one.columns if column.name not in columns]
        if unknown:
            raise TakingInRefused(
                f"{one.table}: expected the tables of this version, found {', '.join(unknown)}; take it in"
                " with the version it was handed over by, then bring that up to date"
            )


def _refuse_others() -> None:
    clients, bundles = Client.objects.count(), Bundle.objects.count()
    if clients or bundles:
        raise TakingInRefused(
            f"expected a house without clients and set-up, found {clients} and {bundles}; make one beside it,"
            " or open the client there from a census and its coverage (`takeover`)"
        )


def _fill(connection: Any, model: type[Model], folder: Path) -> None:
    table = model._meta.db_table
    file = folder / f"{table}.csv"
    with file.open("rb") as stream:
        header = next(csv.reader([stream.readline().decode()]))
    files = {field.column for field in model._meta.concrete_fields if isinstance(field, BinaryField)}
    turned = [column for column in files if (table, column) in FILES]
    if not turned and "ssn" not in header:
        _copy(connection, table, header, [file.read_bytes()])
        return
    rows = pl.read_csv(file, infer_schema=False)
    for part in rows.iter_slices(ROWS_AT_ONCE):
        given = part
        for column in turned:
            given = given.with_columns(_stored(given, model, column, folder))
        if "ssn" in header:
            given = _sealed(given)
        _copy(connection, table, given.columns, [given.write_csv().encode()])


def _stored(rows: pl.DataFrame, model: type[Model], column: str, folder: Path) -> pl.Series:
    """Answer the files of rows as they are stored, in PostgreSQL's words; null where a row has none."""
    table = model._meta.db_table
    place, close = folder / "files" / table, FILES[table, column][1]
    keys = rows[model._meta.pk.column]  # type: ignore[union-attr]
    paths = [place / key for key in keys]
    return pl.Series(column, [_hex(close(one.read_bytes())) if one.is_file() else None for one in paths])


def _sealed(rows: pl.DataFrame) -> pl.DataFrame:
    """Seal social security numbers with the key of this house."""
    sealed = [_hex(one) if one else None for one in secrets.encrypt_ssn(rows["ssn"])]
    marks = [one.hex() if one else None for one in secrets.hash_ssn(rows["ssn"])]
    return rows.drop("ssn").with_columns(pl.Series(SSN, sealed), pl.Series("ssn_hash", marks))


def _hex(content: bytes) -> str:
    return "\\x" + content.hex()


def _copy(connection: Any, table: str, columns: list[str], parts: list[bytes]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, HEADER)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with psycopg_connection(connection).cursor() as cursor, cursor.copy(statement) as copy:
        for part in parts:
            copy.write(part)


def _go_on_counting(connection: Any, models: list[type[Model]]) -> None:
    """Let numbers that the database gives go on behind those taken in."""
    session = psycopg_connection(connection)
    for table, column in _counted(models):
        session.execute(
            sql.SQL(
                "SELECT setval(pg_get_serial_sequence(%s, %s), greatest(max({0}), 1)) FROM {1}"
                " WHERE pg_get_serial_sequence(%s, %s) IS NOT NULL HAVING max({0}) IS NOT NULL"
            ).format(sql.Identifier(column), sql.Identifier(table)),
            [table, column, table, column],
        )


def _count_from(connection: Any, table: str, column: str, number: int) -> None:
    """Let the next number that the database gives be this one."""
    statement = "SELECT setval(pg_get_serial_sequence(%s, %s), %s, false)"
    psycopg_connection(connection).execute(statement, [table, column, number])


def _counted(models: list[type[Model]]) -> Iterator[tuple[str, str]]:
    for model in models:
        for field in model._meta.concrete_fields:
            if field.get_internal_type() in ("AutoField", "BigAutoField"):
                yield model._meta.db_table, field.column


def _apply_inherited(connection: Any, manifest: Manifest, folder: Path, made_by: str) -> None:
    """Put the PEO's releases into force one after the other, each under the number by which runs know it.

    Only the last is held against the client's, once all of them are there.
    """
    in_force = dict(Bundle.objects.values_list("pk", "release_id"))
    last_rate = RateRow.objects.aggregate(last=Max("pk"))["last"] or 0
    for one in manifest.inherited:
        Bundle.objects.update(release=None)  # of two that say the same, each is a release of its own
        _count_from(connection, Release._meta.db_table, "id", one.id)
        _apply(folder / INHERITED / f"release-{one.release:04d}", one.applied_at, made_by)
    RateRow.objects.filter(client_id=PEO, pk__gt=last_rate).delete()  # they came under their own numbers
    for bundle, release in in_force.items():
        Bundle.objects.filter(pk=bundle).update(release_id=release)


def _apply(folder: Path, known_since: datetime, made_by: str) -> None:
    """Put a release of the PEO's set-up into force as of then, under the numbers that rows refer to."""
    change = setup.apply(
        folder, client_id=PEO, applied_by=made_by, now=known_since, reason="taken in with a client"
    )
    if has_errors(change.findings):
        raise TakingInRefused(
            f"{folder}: expected set-up that holds by itself, found {_said(change.findings)}"
        )


def _said(findings: list[Finding]) -> str:
    return "; ".join(one.sentence() for one in findings[:5])
