"""What somebody enters at a partner's portal: frozen days, no files, who needs care before a file comes.

An entry that is done was told: the carrier view moves on by it. One with nothing left to say closes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.carriers.agreements.partners import partner_of, partners_of
from openbenefits.carriers.building import viewing
from openbenefits.carriers.building.projecting import spans_of
from openbenefits.carriers.models import CarrierFile, PortalEntry
from openbenefits.carriers.rules.custody import FileState
from openbenefits.carriers.rules.differences import ADD
from openbenefits.carriers.rules.identities import dependent_key, person_key
from openbenefits.carriers.states import casing
from openbenefits.carriers.states.frames import load_entries
from openbenefits.carriers.states.moving import come_to
from openbenefits.casework.models import IS_OPEN, Ticket
from openbenefits.casework.services import Assignee, CaseOrder, Subject, close_for
from openbenefits.programs.frames import load_setup

URGENT, PORTAL = "urgent", "portal"
OF_SPAN = ("benefit_record", "line", "begins_on", "plan", "tier")


class EntryRefused(ValueError):
    """An entry that cannot be made or done: what was expected, what was found, what to change."""


class EntryMissing(LookupError):
    """An entry that is not there, or not the user's to see."""


@dataclass(frozen=True, kw_only=True)
class UrgentAdd:
    """Somebody who needs care before the partner knows him: whom, in which plan type, from whose record.

    dependent_id: None for the employee himself.
    """

    client_id: int
    person_id: int
    plan_type: str
    dependent_id: int | None = None
    benefit_record: int = 0


def entries(
    client_ids: Sequence[int] | None,
    *,
    on: date,
    partner: str | None = None,
    is_open: bool = True,
    limit: int | None = None,
    offset: int = 0,
) -> pl.DataFrame:
    """List what is to be entered, what is due first; not is_open: with what is done or has gone.

    Shapes: as `custody_frames.ENTRY`, and is_overdue: it was due before the day and is open.
    """
    rows = load_entries(client_ids, partner=partner, is_open=is_open, limit=limit, offset=offset)
    is_waiting = pl.col("done_at").is_null() & pl.col("is_net")
    return rows.with_columns(is_overdue=is_waiting & (pl.col("due_on") < on))


def done(connection: Any, entry_id: int, *, call_reference: str, author: str, now: datetime) -> None:
    """Mark an entry as done, with what the partner gave as proof; the view moves on by it.

    Errors: EntryMissing; EntryRefused without a reference, or where it is done, or nothing is left to say.
    """
    reference = call_reference.strip()
    if not reference:
        raise EntryRefused(
            "expected what the partner gave as proof (a reference, or who took the call), found nothing; ask"
        )
    with transaction.atomic():
        entry = _locked(entry_id)
        if entry.done_at is not None:
            raise EntryRefused(f"entry {entry_id}: expected an open one, found one done by {entry.done_by}")
        if not entry.is_net:
            raise EntryRefused(
                f"entry {entry_id}: expected something to say, found nothing left; enter nothing"
            )
        viewing.entered(connection, entry, now=now)
        entry.done_at, entry.done_by, entry.call_reference = now, author, reference
        entry.save(update_fields=["done_at", "done_by", "call_reference"])
        _closed(entry, "it was entered", now)
        _whole(entry, author, now)


def urgent(
    connection: Any,
    order: UrgentAdd,
    *,
    author: str,
    on: date,
    now: datetime,
    call_reference: str = "",
) -> PortalEntry:
    """Put somebody who is covered, and whom his carrier does not know yet, on the worklist for today.

    call_reference: what the partner gave as proof, where he was told already: the entry is done at once.

    Errors: EntryRefused for who is not covered on the day, of whom no agreement speaks, who is in force
            there, or is on the worklist; PartnerRefused.
    """
    span, code, partner_client = _to_tell(connection, order, on)
    with transaction.atomic():
        viewing.locked(connection, code, [order.client_id])
        _require_unknown(connection, order, span, code, on)
        entry = PortalEntry.objects.create(
            client_id=order.client_id,
            partner=code,
            partner_client=partner_client,
            person_id=order.person_id,
            dependent_id=order.dependent_id,
            kind="add",
            action=ADD,
            ends_on=None,
            reason=URGENT,
            due_on=on,
            opened_at=now,
            opened_by=author,
            **{name: span[name] for name in OF_SPAN},
        )
        if call_reference.strip():
            done(connection, entry.pk, call_reference=call_reference, author=author, now=now)
            entry.refresh_from_db()
    return entry


def _require_unknown(connection: Any, order: UrgentAdd, span: dict[str, Any], code: str, on: date) -> None:
    """Refuse who is in force at the partner, or on the worklist already. Errors: EntryRefused."""
    told = viewing.told(connection, [order.client_id], code).cover
    lasts = pl.col("ends_on").is_null() | (pl.col("ends_on") >= on)
    same = told.filter(
        pl.col("member") == span["member"], pl.col("line") == span["line"], pl.col("plan") == span["plan"]
    )
    if same.filter(lasts & (pl.col("begins_on") <= on)).height:
        raise EntryRefused(f"{code}: expected a member the partner was not told of, found one it was; ask it")
    own = PortalEntry.objects.filter(
        client_id=order.client_id,
        partner=code,
        person_id=order.person_id,
        dependent_id=order.dependent_id,
        line=span["line"],
        done_at__isnull=True,
        is_net=True,
    )
    if own.exists():
        raise EntryRefused(f"{code}: expected no open entry for this line, found one; do that one")


def settle(connection: Any, *, on: date, now: datetime, without: Collection[int] = ()) -> int:
    """Close urgent entries with nothing left to say; answer how many. Those of a build the next one closes.

    That is where the partner was told by a file meanwhile, or the coverage is not to be any more. without:
    clients left for another time.
    """
    is_left = pl.col("client_id").is_in(list(without))
    rows = load_entries(None).filter(pl.col("reason") == URGENT, ~is_left)
    closed = 0
    for (client_id, code), own in rows.group_by("client_id", "partner", maintain_order=True):
        closed += _settled(connection, int(str(client_id)), str(code), own, on=on, now=now)
    return closed


def close_done(now: datetime, without: Collection[int] = ()) -> int:
    """Close the cases of entries that are done, or say nothing any more; answer how many."""
    about = Ticket.objects.filter(IS_OPEN, about_kind=casing.ENTRY).exclude(client_id__in=without)
    keys = set(about.values_list("about_key", flat=True))
    there = PortalEntry.objects.filter(pk__in=[int(key) for key in keys])
    left = set(there.filter(done_at__isnull=True, is_net=True).values_list("pk", flat=True))
    over = sorted(int(key) for key in keys if int(key) not in left)
    return sum(close_for(_subject(one), "nothing is left to enter", now=now, is_done=True) for one in over)


def overdue_cases(now: datetime) -> list[CaseOrder]:
    """Answer a case for each entry that is overdue."""
    rows = entries(None, on=now.date()).filter("is_overdue")
    return [
        CaseOrder(
            client_id=row["client_id"],
            subject=f"An entry at {row['partner']}'s portal is overdue",
            body=f"Entry {row['entry_id']} ({row['kind']}) was due on {row['due_on']}. Enter it, and note the"
            " reference; the case closes then.",
            category=casing.CATEGORY,
            kind=casing.NO_CONFIRMATION,
            assigned=Assignee(role=casing.ROLE),
            person_id=row["person_id"],
            about=_subject(row["entry_id"]),
            cause=f"carrier portal {row['entry_id']}",
        )
        for row in rows.iter_rows(named=True)
    ]


def _locked(entry_id: int) -> PortalEntry:
    entry = PortalEntry.objects.select_for_update().filter(pk=entry_id).first()
    if entry is None:
        raise EntryMissing(f"expected an entry of yours, found none of the number {entry_id}; choose one")
    return entry


def _subject(entry_id: int) -> Subject:
    return Subject(kind=casing.ENTRY, key=str(entry_id))


def _closed(entry: PortalEntry, words: str, now: datetime) -> None:
    close_for(_subject(entry.pk), words, now=now, client_id=entry.client_id, is_done=True)


def _whole(entry: PortalEntry, author: str, now: datetime) -> None:
    """Let a file that is nothing but a worklist come to sent, and taken, once all of it is entered."""
    if entry.file_id is None:
        return
    file = CarrierFile.objects.select_for_update().filter(pk=entry.file_id, kind=PORTAL).first()
    left = PortalEntry.objects.filter(file_id=entry.file_id, done_at__isnull=True, is_net=True)
    if file is None or left.exists():
        return
    way = (FileState.VALIDATED, FileState.RELEASED, FileState.SENT, FileState.ACCEPTED)
    state = FileState(file.state)
    start = {FileState.BUILT: 0, FileState.VALIDATED: 1, FileState.HELD: 1, FileState.RELEASED: 2}.get(state)
    for to in way[start:] if start is not None else ():
        come_to(file, to, "all of it is entered", author=author, now=now)


def _to_tell(connection: Any, order: UrgentAdd, on: date) -> tuple[dict[str, Any], str, int]:
    """Answer the span to be told, and of whose agreement; errors as `urgent`."""
    people = pl.DataFrame(
        {"client_id": [order.client_id], "person_id": [order.person_id]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
    setup = load_setup(connection, [order.client_id])
    for code, partner in partners_of(order.client_id).items():
        rows = spans_of(connection, people, setup, partner).filter(
            (pl.col("plan_type") == order.plan_type)
            & (pl.col("benefit_record") == order.benefit_record)
            & pl.col("dependent_id").eq_missing(pl.lit(order.dependent_id, dtype=pl.Int64))
            & (pl.col("begins_on") <= on)
            & (pl.col("ends_on").is_null() | (pl.col("ends_on") >= on))
        )
        if rows.height:
            return rows.row(0, named=True), code, partner_of(order.client_id, code)[0]
    raise EntryRefused(
        f"plan type {order.plan_type}: expected somebody covered on {on} in a plan an agreement speaks of,"
        " found nobody; finish the enrolment first, or load the agreement"
    )


def _settled(
    connection: Any, client_id: int, code: str, rows: pl.DataFrame, *, on: date, now: datetime
) -> int:
    """Close of a partner's urgent entries those it knows of, and those nobody is covered by any more."""
    told = viewing.told(connection, [client_id], code).cover
    partner = partners_of(client_id).get(code)
    wants = told.clear()
    if partner is not None:
        setup = load_setup(connection, [client_id])
        wants = spans_of(connection, rows.select("client_id", "person_id").unique(), setup, partner)
    own = pl.coalesce(
        dependent_key(pl.col("client_id"), pl.col("person_id"), pl.col("dependent_id")),
        person_key(pl.col("client_id"), pl.col("person_id")),
    )
    lines = rows.with_columns(member=own)
    key = ["member", "line", "plan"]
    lasts = pl.col("ends_on").is_null() | (pl.col("ends_on") >= on)
    known = lines.join(told.filter(lasts), on=key, how="semi")
    unwanted = lines.join(wants.filter(lasts), on=key, how="anti")
    gone = sorted({*known["entry_id"], *unwanted["entry_id"]})
    for number in gone:
        with transaction.atomic():
            entry = _locked(number)
            if entry.done_at is None and entry.is_net:
                entry.is_net = False
                entry.save(update_fields=["is_net"])
                _closed(entry, "nothing is left to say", now)
    return len(gone)
