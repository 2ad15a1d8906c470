"""Records of a kind as frames: as they were known at a moment, with what hangs on them."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.store.bulk import copy_out
from openbenefits.workflow import frames
from openbenefits.workflow.kinds import POLARS, RecordKind, kind_of

ASKED = {"key": pl.String(), "known": pl.String(), "today": pl.Date()}
"""Which record, as known when ('infinity': all that is known), on which day."""
ALWAYS = "infinity"
OWN = {
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "is_active": pl.Boolean(),
    "is_ended": pl.Boolean(),
    "subject": pl.String(),
}
HISTORY = {
    "key": pl.String(),
    "at": pl.Datetime("us", "UTC"),
    "began": pl.Datetime("us", "UTC"),
    "pipeline": pl.String(),
}


def load(connection: Any, kind: RecordKind, asked: pl.DataFrame, names: Collection[str]) -> pl.DataFrame:
    """Load records: a row for each asked for that there is, with the fields named.

    Shapes: asked has ASKED; the result adds OWN and the fields. A name with a point is one of a record that
            hangs on it (`person.employee_number`); its columns are null where there is none.
            `person.subject` is the natural key by which a ticket is about that one.
    """
    own = sorted({one for one in names if "." not in one})
    others: dict[str, set[str]] = {}
    for one in names:
        if "." in one:
            relation, name = one.split(".", 1)
            others.setdefault(relation, set()).add(name)
    links = sorted({kind.related[relation].by for relation in others} - set(own))
    found = _rows(connection, kind, asked, [*own, *links])
    for relation, fields in others.items():
        related = kind.related[relation]
        keys = found.select(key=pl.col(related.by).cast(pl.String), known="known", today="today")
        wanted = sorted(fields - {"subject"})
        theirs = _rows(connection, kind_of(related.kind), keys.drop_nulls("key").unique(), wanted)
        theirs = theirs.select(
            pl.col("key").alias(related.by),
            "known",
            "today",
            pl.col(sorted(fields)).name.prefix(f"{relation}."),
        )
        found = found.with_columns(pl.col(related.by).cast(pl.String)).join(
            theirs, on=[related.by, "known", "today"], how="left", maintain_order="left"
        )
    return found.drop(links)


def _rows(connection: Any, kind: RecordKind, asked: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    schema = ASKED | OWN | {name: POLARS[kind.fields[name].type] for name in names}
    if asked.is_empty():
        return pl.DataFrame(schema=schema)
    values = "".join(f", {kind.path(name)} AS f{place}" for place, name in enumerate(names))
    query = f"""
        WITH asked AS (
            SELECT key, known::timestamptz AS known, known AS said, today
            FROM unnest(%(keys)s::text[], %(knowns)s::text[], %(todays)s::date[]) AS q (key, known, today)
        )
        SELECT a.key, a.said AS known, a.today, {kind.client} AS client_id, {kind.person} AS person_id,
               coalesce({kind.active}, false) AS is_active, coalesce({kind.ended}, false) AS is_ended,
               {kind.subject} AS subject{values}
        FROM asked AS a {kind.rows}
    """  # noqa: S608 - SQL of ours
    read_as = ASKED | OWN | {f"f{place}": schema[name] for place, name in enumerate(names)}
    given = {
        "keys": asked["key"].to_list(),
        "knowns": asked["known"].to_list(),
        "todays": asked["today"].to_list(),
    }
    found = copy_out(connection, query, read_as, given)
    return found.rename({f"f{place}": name for place, name in enumerate(names)})


def asked_of(keys: Collection[str], today: date, known: str = ALWAYS) -> pl.DataFrame:
    """Ask for records as known at one moment, on one day."""
    return pl.DataFrame({"key": sorted(set(keys))}, schema={"key": pl.String}).with_columns(
        known=pl.lit(known), today=pl.lit(today, dtype=pl.Date)
    )


def everyone(connection: Any, kind: RecordKind, client_id: int, *, ever: bool = False) -> list[str]:
    """List the keys of all records of a kind of a client; none where the kind has no such list.

    ever: also of those that are no more, of kinds whose past rows are kept.
    """
    if not kind.population:
        return []
    past = f" UNION ALL {frames.kept_keys(kind.table)}" if ever and kind.table else ""
    query = f"SELECT DISTINCT key FROM ({kind.population}{past}) AS q ORDER BY key"  # noqa: S608 - SQL of ours
    return copy_out(connection, query, {"key": pl.String()}, {"client": client_id})["key"].to_list()


def changes(
    connection: Any, kind: RecordKind, client_id: int, begin: datetime, end: datetime
) -> pl.DataFrame:
    """List what changed of a client after one moment and until another, in its order.

    Shapes: HISTORY; nothing where the kind has no history.
    """
    if not kind.has_history:
        return pl.DataFrame(schema=HISTORY)
    query = f"SELECT key, at, began, pipeline FROM ({kind.changes}) AS q ORDER BY at, key"  # noqa: S608 - SQL of ours
    return copy_out(connection, query, HISTORY, {"client": client_id, "begin": begin, "end": end})
