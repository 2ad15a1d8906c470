"""All records of a client, handed over when it leaves: CSV and JSON, with what each column means.

What there is follows from the tables themselves, so a table that is added is handed over without a word here.
Secrets stay (keys, hashes, what subscribers sign with); SSNs are opened only where somebody asks for that.
An installation without clients takes the folder in (`taking_in`).
"""

import hashlib
import inspect
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.apps import apps
from django.db.models import BinaryField, Field, Model

from openbenefits.accounts.models import AuditEntry
from openbenefits.programs import services as setup
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.models import Bundle, RateRow, Release, SetupKey
from openbenefits.programs.numbers import keys_of
from openbenefits.store import secrets
from openbenefits.store.bulk import copy_out, schema_of
from openbenefits.store.catalogue import psycopg_connection
from openbenefits.store.isolation import CLIENT_COLUMNS, PARENTS, PEO
from openbenefits.workflow.stating import state
from openbenefits.workforce.models import Client

OURS = "openbenefits."
KEPT_BACK = {
    "accounts_apikey": "keys of programs end with the client",
    "background_handedin": "files that wait to be imported; what was imported is in the facts",
    "background_orderfile": "files of a day; what they ordered is in the records",
    "webhooks_subscription": "addresses of subscribers, with their secrets",
    "workforce_searchedname": "an index",
}
"""Tables that are not handed over, and why."""
INHERITED = Path("set-up") / "inherited"
SSN = "ssn_sealed"
HASH = re.compile(r"(_hash|secret_sealed)$")
Turned = Callable[[bytes], bytes]
SEALED: tuple[Turned, Turned] = (secrets.open_file, secrets.seal_file)
FILES: dict[tuple[str, str], tuple[Turned, Turned]] = {
    ("carriers_answer", "content"): SEALED,
    ("carriers_carrierfile", "content"): SEALED,
    ("casework_attachment", "content"): SEALED,
    ("delivery_content", "packed"): (zlib.decompress, zlib.compress),
    ("enrollment_document", "content"): SEALED,
    ("platform_inbounditem", "content"): SEALED,
    ("reconcile_invoice", "content"): SEALED,
    ("renewals_clientapproval", "document"): (bytes, bytes),
}
"""Columns that hold files: how each is opened, and how it is stored again."""
INNER = {
    ("carriers_carrierfile", "said"): "what the file was written from; it is in the lines and the file",
    ("carriers_viewperson", SSN): "in the facts of people",
    (
        "matching_comparison",
        "frames",
    ): "figures a comparison is drawn from; the orderings say what came of it",
}
"""Columns that are not handed over, and why."""
COMMENT = re.compile(r"^\s*(?P<name>\w+) = models\.\w+\(.*\)\s*#\s*(?P<says>.+)$", re.MULTILINE)
PAGE = """# Records of {name} ({code})

Handed over on {day} by openbenefits {version}. Every table is a CSV file: UTF-8, commas, a heading line, an
empty cell where nothing is known, days as YYYY-MM-DD, moments in UTC, amounts in whole cents where a
column's name ends in `_cents`. `manifest.json` says the same for programs, with the number of rows and the
SHA-256 of each file. `set-up/` holds the plans and rules of the client as YAML, the history of what
they were, and what they go by of those of the PEO (`inherited`). `files/` holds letters, papers and files,
by table and number of the row.

`stated/` is for who reads none of the tables: coverage with its plan, option and dependents, what pays took
in each calendar year, and what was still to be taken or given back, all by employee number and in words.
An openbenefits without clients takes the whole folder in: `openbenefits clients take-in FOLDER`.

Facts are dated twice: `valid_from` says from when something is true, `known_since` since when it was known.
Of the same key the highest `version` holds; `is_deleted` takes it back. Rows refer to one another by the
numbers in columns that end in `_id`.

{tables}"""


class HandOverRefused(ValueError):
    """What cannot be handed over: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class HandedOver:
    """What was written: the folder, and how many rows and files."""

    folder: Path
    tables: int
    rows: int
    files: int


def hand_over(
    connection: Any,
    client: Client,
    folder: Path,
    *,
    version: str,
    now: datetime,
    by: str,
    with_ssn: bool = False,
) -> HandedOver:
    """Write all records of a client into a new folder, and in the audit trail that it was done.

    Errors: HandOverRefused for a folder that holds something.
    """
    if folder.exists() and any(folder.iterdir()):
        raise HandOverRefused(
            f"expected a new or empty folder, found {folder} with something in it; name another"
        )
    folder.mkdir(parents=True, exist_ok=True)
    inherited = _write_set_up(client.pk, folder)
    keys = sorted({f"{kind} {code}" for _, part in inherited for kind, code in keys_of(part)})
    listed = [
        _table(connection, client.pk, model, folder, keys, with_ssn=with_ssn) for model in models_of_clients()
    ]
    tables = [one for one in listed if one["rows"]]
    state(connection, client.pk, folder / "stated", on=now.date())
    files = _hashes(folder)
    manifest = {
        "client": {"code": client.code, "name": client.name},
        "made_at": now.isoformat(),
        "program": f"openbenefits {version}",
        "tables": tables,
        "empty_tables": [one["table"] for one in listed if not one["rows"]],
        "kept_back": KEPT_BACK,
        "inherited": [
            {"id": one.pk, "release": one.number, "applied_at": one.applied_at.isoformat()}
            for one, _ in inherited
        ],
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    page = PAGE.format(
        name=client.name,
        code=client.code,
        day=now.date(),
        version=version,
        tables="\n".join(_said(one) for one in tables),
    )
    (folder / "README.md").write_text(page)
    what = {"kind": "did", "what": "records handed over", "reason": f"by {by}"}
    AuditEntry.objects.create(at=now, client_id=client.pk, **what)
    return HandedOver(
        folder=folder, tables=len(tables), rows=sum(one["rows"] for one in tables), files=len(files) + 2
    )


def models_of_clients() -> list[type[Model]]:
    """List the tables whose rows are a client's."""
    found = []
    for model in apps.get_models():
        meta = model._meta
        if (
            not model.__module__.startswith(OURS)
            or not meta.managed
            or meta.proxy
            or meta.db_table in KEPT_BACK
        ):
            continue
        own = {field.column for field in meta.concrete_fields}
        if meta.db_table in PARENTS or CLIENT_COLUMNS.get(meta.db_table, "client_id") in own:
            found.append(model)
    return sorted(found, key=lambda model: model._meta.db_table)


def of_client(table: str) -> str:
    """Answer the SQL of whether a row of a table is the client's; %(keys)s: the PEO's set-up it goes by."""
    if table in PARENTS:
        column, parent = PARENTS[table]
        return f"{column} IN (SELECT id FROM {parent} WHERE {of_client(parent)})"  # noqa: S608 - names of ours
    mine = f"{CLIENT_COLUMNS.get(table, 'client_id')} = %(client)s"
    keys = f"client_id = {PEO} AND concat(kind, ' ', code) = ANY(%(keys)s)"
    if table == SetupKey._meta.db_table:
        return f"({mine} OR {keys})"
    if table == RateRow._meta.db_table:  # what is stored of a price names its rate
        known = f"SELECT id FROM {SetupKey._meta.db_table} WHERE {keys}"  # noqa: S608 - names of ours
        return f"({mine} OR client_id = {PEO} AND rate_table_id IN ({known}))"
    return mine


def _columns(model: type[Model]) -> "list[Field[Any, Any]]":
    """List the columns that are handed over as cells."""
    return [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, BinaryField) and not HASH.search(field.column)
    ]


def _table(
    connection: Any, client_id: int, model: type[Model], folder: Path, keys: list[str], *, with_ssn: bool
) -> dict[str, Any]:
    """Write the rows of a table, and the files it holds; answer what the manifest says of it."""
    table = model._meta.db_table
    columns = [field.column for field in _columns(model)]
    has_ssn = with_ssn and SSN in {field.column for field in model._meta.concrete_fields}
    names = [*columns, SSN] if has_ssn else columns
    types = schema_of(model)
    schema = {name: types[name] if name == SSN else pl.String() for name in names}
    order = _quoted([field.column for field in model._meta.pk_fields])
    query = f"SELECT {_quoted(names)} FROM {table} WHERE {of_client(table)} ORDER BY {order}"  # noqa: S608 - names of ours
    rows = copy_out(connection, query, schema, {"client": client_id, "keys": keys})
    if has_ssn:
        rows = rows.with_columns(ssn=secrets.decrypt_ssn(rows[SSN])).drop(SSN)
    if rows.height:
        rows.write_csv(folder / f"{table}.csv")
        _write_files(connection, client_id, model, folder)
    says = _comments(model)
    told = [
        {"name": field.column, "type": field.get_internal_type(), "says": says.get(field.name, "")}
        for field in _columns(model)
    ]
    told += [{"name": "ssn", "type": "TextField", "says": "opened"}] if has_ssn else []
    doc = " ".join((model.__doc__ or "").split())
    return {"table": table, "says": doc, "rows": rows.height, "columns": told}


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _write_files(connection: Any, client_id: int, model: type[Model], folder: Path) -> None:
    table = model._meta.db_table
    for (name, column), (opened, _) in FILES.items():
        if name != table:
            continue
        key = model._meta.pk.column  # type: ignore[union-attr]
        query = f"SELECT {key}, {column} FROM {table} WHERE client_id = %s AND {column} IS NOT NULL"  # noqa: S608 - names of ours
        (folder / "files" / table).mkdir(parents=True, exist_ok=True)
        with psycopg_connection(connection).cursor() as cursor:
            for number, content in cursor.execute(query, [client_id]):
                (folder / "files" / table / str(number)).write_bytes(opened(bytes(content)))


def _write_set_up(client_id: int, folder: Path) -> list[tuple[Release, LoadedBundle]]:
    """Write set-up as folders; answer the PEO's releases, each as far as the client goes by it."""
    bundle = Bundle.objects.filter(client_id=client_id, release__isnull=False).first()
    if bundle is None:
        return []
    setup.export(bundle.code, folder / "set-up" / "in force")
    setup.export_history(bundle.code, folder / "set-up" / "history")
    return setup.export_inherited(client_id, folder / INHERITED)


def _comments(model: type[Model]) -> dict[str, str]:
    """Answer what the program says of columns, from the comments beside them."""
    return {
        match["name"]: match["says"]
        for one in reversed(inspect.getmro(model))
        if one.__module__.startswith(OURS)
        for match in COMMENT.finditer(inspect.getsource(one))
    }


def _hashes(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file_hash(file) for file in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())


def file_hash(file: Path) -> str:
    """Answer the SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _said(one: dict[str, Any]) -> str:
    lines = [
        f"## {one['table']}.csv",
        "",
        f"{one['says']} ({one['rows']:,} rows)",
        "",
        "| column | holds | means |",
    ]
    lines.append("|---|---|---|")
    lines += [
        f"| `{column['name']}` | {_kind(column['type'])} | {column['says'].replace('|', '/')} |"
        for column in one["columns"]
    ]
    return "\n".join([*lines, ""])


KINDS = {
    "BooleanField": "t or f",
    "DateField": "day",
    "DateTimeField": "moment",
    "JSONField": "JSON",
    "TextField": "text",
    "CharField": "text",
    "TimeField": "time",
}

NUMBERS = re.compile("Integer|Auto|Decimal|ForeignKey|OneToOne")


def _kind(name: str) -> str:
    return KINDS.get(name, "number" if NUMBERS.search(name) else "text")
