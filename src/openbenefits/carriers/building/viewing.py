"""What partners were last told and accepted, and how that moves on: by accepted sets, and by hand.

What was sent and is not answered yet is in flight: the next file neither repeats nor loses it.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.carriers import models
from openbenefits.carriers.building import naming
from openbenefits.carriers.building.frames import load_agreements, load_files, load_view
from openbenefits.carriers.building.saying import LINES, unpacked
from openbenefits.carriers.rules.custody import FileState
from openbenefits.carriers.rules.differences import KEY
from openbenefits.carriers.rules.folding import after_changes, after_list
from openbenefits.carriers.rules.identities import dependent_key, person_key, with_ids
from openbenefits.carriers.rules.renderings import CHANGE_FILE, Message, listed, of_sets
from openbenefits.carriers.rules.views import COVER, MEMBER, PEOPLE, View, view
from openbenefits.store.bulk import copy_in, schema_of, staged
from openbenefits.store.catalogue import execute, psycopg_connection, same_key, table_name
from openbenefits.store.secrets import decrypt_ssn, encrypt_ssn
from openbenefits.workforce.models import Client

IN_FLIGHT = tuple(
    str(one)
    for one in (
        *(FileState.BUILT, FileState.VALIDATED, FileState.HELD, FileState.RELEASED),
        *(FileState.SENT, FileState.RECEIVED),
    )
)
"""States of a file that is on its way: its content is neither taken nor refused yet."""

PEO = 0
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
ROW = {"client_id": pl.Int32, "person_id": pl.Int64, "dependent_id": pl.Int64}


def told(connection: Any, client_ids: Sequence[int], code: str) -> View:
    """Answer what a partner was last told of some clients and accepted."""
    return _view(*load_view(connection, client_ids, code))


def expected(connection: Any, owner: int, client_ids: Sequence[int], code: str) -> View:
    """Answer what a partner holds once it has taken what is on its way: told, and in flight.

    owner: whose agreement it is (0: the PEO's).
    """
    found = told(connection, client_ids, code)
    files = load_files(connection, owner, code, client_ids, IN_FLIGHT)
    for client_id, as_of, said in files.select("client_id", "as_of", "said").iter_rows():
        message, past = unpacked(said)
        scope = list(client_ids) if client_id == PEO else [client_id]
        found = _after(found, _of_clients(message, scope), past, on=as_of, scope=scope)
    return found


def move(
    connection: Any,
    file: models.CarrierFile,
    sets: Collection[int],
    *,
    now: datetime,  # noqa: ARG001 - a view keeps no times; who moves it writes the history
) -> None:
    """Let the view move on by the accepted sets of a file; the same again changes nothing.

    A full list of which a set was not taken speaks only of the families of the other sets.
    """
    message, past = unpacked(file.said)
    taken = of_sets(message, sets)
    if taken.is_empty:
        return
    is_whole = message.people.join(taken.people, on="subscriber", how="anti").is_empty()
    is_list = message.purpose != CHANGE_FILE
    scope = clients_of(connection, file) if is_list else _clients(taken.people)
    families = None if is_list and is_whole else taken.people["subscriber"].unique()

    def change(found: View) -> View:
        return _after(found, taken, past, on=file.as_of, scope=scope)

    _moved(connection, file.partner, file.pk, scope, families, change)


def entered(connection: Any, entry: models.PortalEntry, *, now: datetime) -> None:
    """Let the view move on by what somebody entered at a partner's portal; the same again changes nothing."""
    people, lines = _of_entry(connection, entry, on=now.date())
    if lines.is_empty():
        return
    scope = [entry.client_id]

    def change(found: View) -> View:
        new = people.join(found.people, on=list(MEMBER), how="anti") if entry.file_id is None else people
        return after_changes(found, new, lines)

    _moved(connection, entry.partner, entry.file_id or 0, scope, lines["subscriber"].unique(), change)


def clients_of(connection: Any, file: models.CarrierFile) -> list[int]:
    """List the clients a file speaks for: its own, or all that the PEO's agreement covers."""
    return [file.client_id] if file.client_id != PEO else covered_clients(connection, file.partner)


def covered_clients(connection: Any, code: str) -> list[int]:
    """List the clients that have no agreement of their own with a partner: the PEO's covers them."""
    own = load_agreements(connection, code)["client_id"].to_list()
    return sorted(Client.objects.using(connection.alias).exclude(pk__in=own).values_list("pk", flat=True))


def locked(connection: Any, code: str, client_ids: Sequence[int]) -> None:
    """Let nobody else build for a partner, or move what it was told, until the transaction ends."""
    session = psycopg_connection(connection)
    for client_id in sorted(client_ids):
        session.execute(LOCK, [f"carriers {code} {client_id}"])


def _after(found: View, message: Message, past: pl.DataFrame, *, on: date, scope: Sequence[int]) -> View:
    """Answer a view after a partner took a message: changes, or a list of the families of some clients.

    past: what it knows to have ended before a list that does not name it, as COVER.
    """
    people = message.people.select(list(PEOPLE)).unique(MEMBER, keep="last")
    if message.purpose == CHANGE_FILE:
        return after_changes(found, people, message.lines.drop("said_end_on"))
    part, stays = _parted(found, pl.col("client_id").is_in(list(scope)))
    known = View(people=part.people, cover=past.join(part.cover, on=list(KEY), how="semi"))
    taken = after_list(known, listed(message, View(people=people, cover=past.clear())), on=on)
    return View(
        people=pl.concat([stays.people, taken.people]).sort(MEMBER),
        cover=pl.concat([stays.cover, taken.cover]).sort(KEY),
    )


def _parted(found: View, is_asked: pl.Expr) -> tuple[View, View]:
    """Part a view in the families a list speaks of, and the others."""
    parts = []
    for wanted in (is_asked, ~is_asked):
        people, cover = (
            with_ids(one).filter(wanted).select(one.columns) for one in (found.people, found.cover)
        )
        parts.append(View(people=people, cover=cover))
    return parts[0], parts[1]


def _of_clients(message: Message, client_ids: Sequence[int]) -> Message:
    """Leave of a message what it says of some clients."""
    is_asked = pl.col("client_id").is_in(list(client_ids))
    people, lines = (
        with_ids(one).filter(is_asked).select(one.columns) for one in (message.people, message.lines)
    )
    return Message(purpose=message.purpose, people=people, lines=lines)


def _clients(people: pl.DataFrame) -> list[int]:
    return sorted(with_ids(people)["client_id"].unique())


# --- how it is kept -----------------------------------------------------------------------------------------


def _view(people: pl.DataFrame, cover: pl.DataFrame) -> View:
    """Answer the rows of the tables as a view."""
    opened = people.with_columns(decrypt_ssn(people["ssn_sealed"]).alias("ssn"))
    return view(opened.select(list(PEOPLE)), cover.select(list(COVER)))


def _moved(
    connection: Any,
    code: str,
    file_id: int,
    client_ids: Sequence[int],
    families: pl.Series | None,
    change: Callable[[View], View],
) -> None:
    """Write what differs after a change of a view; the rest keeps its file and its confirmation."""
    with transaction.atomic(using=connection.alias):
        locked(connection, code, client_ids)
        before = _view(*load_view(connection, client_ids, code, families))
        after = change(before)
        marks = {"partner": pl.lit(code), "file_id": pl.lit(file_id, dtype=pl.Int64)}
        people = _new(before.people, after.people)
        sealed = encrypt_ssn(people["ssn"]).alias("ssn_sealed")
        rows = with_ids(people).with_columns(sealed, **marks)
        _written(connection, models.ViewPerson, MEMBER, code, before.people, after.people, rows)
        none = pl.lit(None, dtype=pl.Datetime("us", "UTC"))
        lines = with_ids(_new(before.cover, after.cover)).with_columns(confirmed_at=none, **marks)
        key = (*MEMBER, "line", "begins_on")
        _written(connection, models.ViewLine, key, code, before.cover, after.cover, lines)


def _new(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    return after.join(before, on=after.columns, how="anti", nulls_equal=True)


def _written(
    connection: Any,
    model: Any,
    key: Sequence[str],
    code: str,
    before: pl.DataFrame,
    after: pl.DataFrame,
    rows: pl.DataFrame,
) -> None:
    """Delete the rows that no longer hold, and write the new ones."""
    table, schema = model._meta.db_table, schema_of(model)
    gone = before.join(after, on=before.columns, how="anti", nulls_equal=True)
    if gone.height:
        at = with_ids(gone).select("client_id", *key).with_columns(partner=pl.lit(code))
        session = psycopg_connection(connection)
        with staged(session, table, at) as temporary:
            execute(
                session,
                "DELETE FROM {table} AS kept USING {staged} AS staged WHERE {same}",
                table=table_name(table),
                staged=temporary,
                same=same_key(["client_id", "partner", *key]),
            )
    copy_in(connection, table, rows.select(pl.col(name).cast(kind) for name, kind in schema.items()))


# --- what was entered by hand -------------------------------------------------------------------------------


def _of_entry(connection: Any, entry: models.PortalEntry, *, on: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answer what an entry says, as PEOPLE and CHANGES: as it was parted from a build, else as it stands."""
    ids = pl.DataFrame(
        {
            "client_id": [entry.client_id],
            "person_id": [entry.person_id],
            "dependent_id": [entry.dependent_id],
        },
        schema=ROW,
    )
    own = person_key(pl.col("client_id"), pl.col("person_id"))
    theirs = dependent_key(pl.col("client_id"), pl.col("person_id"), pl.col("dependent_id"))
    subscriber, member = ids.select(own, member=pl.coalesce(theirs, own)).row(0)
    if entry.file_id is None:
        return _urgent(connection, entry, ids, subscriber=subscriber, member=member, on=on)
    message, _ = unpacked(models.CarrierFile.objects.using(connection.alias).get(pk=entry.file_id).said)
    lines = message.lines.filter(
        pl.col("member") == member,
        pl.col("line") == entry.line,
        pl.col("action") == entry.action,
        pl.col("begins_on").eq_missing(pl.lit(entry.begins_on, dtype=pl.Date)),
    )
    people = message.people.join(lines.select("subscriber").unique(), on="subscriber", how="semi")
    people = people.filter((pl.col("member") == member) | (pl.col("subscriber") == pl.col("member")))
    return people.select(list(PEOPLE)).unique(MEMBER, keep="last"), lines.drop("said_end_on")


def _urgent(
    connection: Any, entry: models.PortalEntry, ids: pl.DataFrame, *, subscriber: str, member: str, on: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answer what somebody told a partner beside any file: the person as he is on the day, and the line."""
    names = ("line", "kind", "action", "begins_on", "ends_on", "plan", "tier")
    basis = "C" if entry.kind == "cobra" else "A"
    row = {name: getattr(entry, name) for name in names} | {"subscriber": subscriber, "member": member}
    row |= {"step": 1, "basis": basis, "is_void": False, "is_leaving": False}
    schema = {name: kind for name, kind in LINES.items() if name != "said_end_on"}
    lines = pl.DataFrame([{name: row.get(name) for name in schema}], schema=schema)
    facts = naming.facts_of(connection, ids, on=on, known_at=None)
    return naming.people_of(facts, lines), lines
