"""Named checks: whether the work behind a record is done, as the data says, and not because somebody said so.

A higher floor declares its own (`register_check`): that payroll reads back what was set up, that the first
invoice is reconciled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.payroll.ledger import Asked, balances
from openbenefits.store.bulk import copy_out
from openbenefits.store.catalogue import psycopg_connection
from openbenefits.workflow.check_frames import CHECKS as SQL_CHECKS

VERDICT = {"key": pl.String(), "is_done": pl.Boolean(), "told": pl.String()}


@dataclass(frozen=True, kw_only=True)
class Check:
    """A named check of records of a kind.

    kind: `client` and `person` are asked of whom a record is about, any other of the record itself.
    source: SQL after `FROM asked AS a` (columns key, today) that answers `is_done` and `told` of each record.
    ask: in place of SQL, what answers VERDICT of keys on a day.
    """

    name: str
    title: str
    kind: str
    source: str = ""
    is_done: str = ""
    told: str = ""
    ask: Callable[[Any, Sequence[str], date], pl.DataFrame] | None = None


CHECKS: dict[str, Check] = {}


def register_check(check: Check) -> None:
    """Declare a check; to declare the same again changes nothing.

    Errors: ValueError where another one has its name.
    """
    if CHECKS.get(check.name, check) != check:
        raise ValueError(f"expected one check of the name '{check.name}', found two; rename one")
    CHECKS[check.name] = check


def verdicts(connection: Any, check: Check, keys: Sequence[str], today: date) -> pl.DataFrame:
    """Ask a check about records.

    Shapes: VERDICT, a row for each record that is there.
    """
    if not keys:
        return pl.DataFrame(schema=VERDICT)
    if check.ask is not None:
        return check.ask(connection, keys, today)
    query = f"""
        WITH asked AS (SELECT DISTINCT key, %(today)s::date AS today FROM unnest(%(keys)s::text[]) AS q (key))
        SELECT a.key, coalesce({check.is_done}, false) AS is_done, {check.told} AS told
        FROM asked AS a {check.source}
    """  # noqa: S608 - SQL of ours
    return copy_out(connection, query, VERDICT, {"keys": list(keys), "today": today})


def _settled(connection: Any, keys: Sequence[str], today: date) -> pl.DataFrame:
    """Answer of people whether the ledger has nothing more to take or to give back."""
    people = sorted({int(key) for key in keys})
    rows = psycopg_connection(connection).execute(
        "SELECT client_id, array_agg(id) FROM workforce_person WHERE id = ANY(%s) GROUP BY client_id",
        [people],
    )
    open_of: dict[int, int] = dict.fromkeys(people, 0)
    for client_id, ids in rows.fetchall():
        for person_id, count in _open_lines(connection, client_id, today, ids).iter_rows():
            open_of[person_id] = count
    return _verdicts([(str(person), count) for person, count in open_of.items()])


def _none_open(connection: Any, keys: Sequence[str], today: date) -> pl.DataFrame:
    """Answer of clients whether no balance is open."""
    counts = [(key, int(_open_lines(connection, int(key), today, None)["lines"].sum())) for key in keys]
    return _verdicts(counts)


def _open_lines(connection: Any, client_id: int, today: date, people: Sequence[int] | None) -> pl.DataFrame:
    asked = Asked(client_id=client_id, through=today, person_ids=people)
    found = balances(connection, asked).filter(pl.col("correct_cents").fill_null(1) != 0)
    return found.group_by("person_id").agg(lines=pl.len())


def _verdicts(counts: Sequence[tuple[str, int]]) -> pl.DataFrame:
    rows = [(key, count == 0, f"{count} balances open") for key, count in counts]
    return pl.DataFrame(rows, schema=VERDICT, orient="row")


SHIPPED = (
    *(
        Check(
            name=one["name"],
            title=one["title"],
            kind=one["kind"],
            source=one["source"],
            is_done=one["is_done"],
            told=one["told"],
        )
        for one in SQL_CHECKS
    ),
    Check(
        name="deductions settled",
        title="The ledger has nothing more to take from the person, or to give back",
        kind="person",
        ask=_settled,
    ),
    Check(name="no open balance", title="No balance of the client is open", kind="client", ask=_none_open),
)
