"""Drafts of set-up: begun, changed record by record, checked, weighed in people and dollars, applied."""

from datetime import datetime
from typing import Any, Literal

from django.db import transaction
from ninja import File as Upload
from ninja import Path, Query, Status
from ninja.files import UploadedFile
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.naming import author_of
from openbenefits.api.paging import Page, page_of, slice_of_list
from openbenefits.api.problems import Problem, not_found
from openbenefits.api.routing import Routes
from openbenefits.api.setup import (
    SETUP,
    Applied,
    Difference,
    Fault,
    Holder,
    applied,
    differences_of,
    faults_of,
    find_holder,
    read_bundle,
    refuse,
)
from openbenefits.api.shapes import Body, Code, Cursor, Day, Id, Limit, Reasoned, Text, Words
from openbenefits.background.services import ask, latest
from openbenefits.programs.drafts import services
from openbenefits.programs.drafts.records import Key, key_from, key_names, key_text, records_of, sections_of
from openbenefits.programs.drafts.renewal import carry_forward, left_over
from openbenefits.programs.drafts.services import Hand, OpenDraft
from openbenefits.programs.models import Draft
from openbenefits.programs.services import diff

router = Routes("set-up")
DRAFTS = f"{SETUP}/drafts"
DRAFT = f"{DRAFTS}/{{draft}}"
EFFECT = "draft effect"
KEY = "The key of a record, as /records answers it: HMO~2026-01-01; empty for a section that is one record."
RecordKey = Text


class DraftShown(BaseModel):
    """A draft of set-up: whose it is, how much it changes, and what became of it."""

    id: int
    name: str
    author: str
    state: Literal["under way", "applied", "given up"]
    changes: int
    begun_at: datetime
    changed_at: datetime


class RecordChanged(BaseModel):
    """A record a draft changes: new, changed or gone."""

    section: str
    key: str
    change: str


class DraftConflict(BaseModel):
    """What somebody else put into force since the draft changed it."""

    name: str
    mine: dict[str, Any] | None
    theirs: dict[str, Any] | None


class DraftWhole(DraftShown):
    """A draft with all it changes and all that is wrong with it; of one that has ended, what it changed."""

    records: list[RecordChanged]
    files: list[str]
    conflicts: list[DraftConflict]
    findings: list[Fault]
    differences: list[Difference]
    is_applicable: bool


class RecordShown(BaseModel):
    """A record as it would be; docs/schema describes each section."""

    section: str
    key: str
    record: dict[str, Any]


class NewDraft(Body):
    """What a draft is for."""

    name: Words = Field(examples=["Renewal of 2027"])


class RecordNamed(Body):
    """A record by its section and key."""

    section: Code
    key: RecordKey = Field("", description=KEY)


class RecordPut(Body):
    """A record as it shall be; without a key it is a new one."""

    section: Code
    key: RecordKey | None = Field(None, description=KEY)
    record: dict[str, Any]


class RecordEnded(RecordNamed):
    """From which day on there is no such record, and where that is said."""

    on: Day
    source: Text = ""


class Settled(Body):
    """Which of the two shall hold."""

    name: Words
    keeps_mine: bool


class YearCarried(Body):
    """The first day of the year that comes, and the document it rests on."""

    begins: Day
    source: Words


class CarriedForward(BaseModel):
    """How many records were carried forward, and the rate tables that have no rates of the year yet."""

    records: int
    without_rates: list[str]


class WeighedOn(Body):
    """The day to price on."""

    as_of: Day | None = None


class Effect(BaseModel):
    """Whom a draft would move, by how many cents: waiting, running, done or refused.

    result: people by client and kind of change, cents by client and plan; empty until it is done.
    """

    state: Literal["waiting", "running", "done", "refused", "stopped"]
    done: int
    total: int | None
    told: str
    is_old: bool = Field(description="The draft has changed since.")
    result: dict[str, Any]


# --- finding ------------------------------------------------------------------------------------------------


def hand_of(request: Any) -> Hand:
    """Name the key as who changes a draft."""
    return Hand(name=author_of(request), user_id=request.access.user_id, now=request.now)


def find_draft(holder: Holder, number: int) -> Draft:
    """Find a draft of a set-up.

    Errors: Problem 404.
    """
    found = Draft.objects.filter(pk=number, client_id=holder.client_id).first()
    if found is None:
        raise not_found("a draft", "correct its number; /drafts lists them")
    return found


def at_draft(request: Any, client: str, number: int) -> tuple[Holder, Draft]:
    """Find a draft that is to be changed, and ask whether the key may."""
    holder = find_holder(request, client, Permission.SETUP)
    return holder, find_draft(holder, number)


def _key(held: OpenDraft, section: str, text: str) -> Key:
    record_type = sections_of(held.kind).get(section)
    if record_type is None:
        known = ", ".join(sections_of(held.kind))
        raise Problem(422, "not-valid", f"expected one of the sections {known}, found another; correct it")
    return key_from(text, len(key_names(section, record_type)))


def shown(draft: Draft) -> dict[str, Any]:
    """Write a draft as lists have it."""
    ended = "under way" if draft.ended_at is None else "applied" if draft.release_id else "given up"
    names = ("name", "author", "begun_at", "changed_at")
    plain = {name: getattr(draft, name) for name in names}
    return plain | {"id": draft.pk, "state": ended, "changes": len(draft.records) + len(draft.files)}


def _whole(draft: Draft) -> dict[str, Any]:
    held = services.opened(draft)
    is_open = draft.ended_at is None
    findings = held.findings if is_open else []
    has_bundle = is_open and held.reading.bundle is not None
    return shown(draft) | {
        "records": [
            {"section": one.section, "key": key_text(one.key), "change": one.says}
            for one in held.changes.records
        ],
        "files": [one.name for one in held.changes.files],
        "conflicts": [
            {"name": one.name, "mine": one.mine, "theirs": one.theirs}
            for one in (held.conflicts if is_open else [])
        ],
        "findings": faults_of(findings),
        "differences": differences_of(diff(held.reading)) if has_bundle else [],
        "is_applicable": is_open and not held.conflicts and all(one.severity != "E" for one in findings),
    }


def _did(holder: Holder, draft: Draft, what: str, reason: str = "") -> dict[str, Any]:
    """Write down what was done to a draft, and answer the draft."""
    holder.did(f"{what} (draft {draft.pk} of set-up)", reason)
    draft.refresh_from_db()
    return _whole(draft)


# --- reading ------------------------------------------------------------------------------------------------


@router.get(DRAFTS, response=Page[DraftShown], summary="List drafts of set-up")
def list_drafts(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    state: Literal["under way", "ended"] | None = Query(None),
) -> Any:
    """List the drafts of a set-up, the last begun first."""
    holder = find_holder(request, client, Permission.SETUP)
    rows = Draft.objects.filter(client_id=holder.client_id)
    if state is not None:
        rows = rows.filter(ended_at__isnull=state == "under way")
    return page_of(rows, shown, cursor=cursor, limit=limit, is_last_first=True)


@router.get(DRAFT, response=DraftWhole, summary="Show a draft")
def show_draft(request: Any, client: Path[Code], draft: Path[Id]) -> Any:
    """Show what a draft changes, what is wrong with it, and how it differs from what is in force."""
    _holder, found = at_draft(request, client, draft)
    return _whole(found)


@router.get(f"{DRAFT}/records", response=Page[RecordShown], summary="List records of a draft")
def list_records(
    request: Any,
    client: Path[Code],
    draft: Path[Id],
    cursor: Cursor,
    limit: Limit,
    section: Code = Query(...),
    key: RecordKey | None = Query(None, description=KEY),
) -> Any:
    """List the records of a section as they would be with the draft: all, or the one of a key."""
    _holder, found = at_draft(request, client, draft)
    held = services.opened(found)
    wanted = _key(held, section, key or "")
    rows = [
        {"section": section, "key": key_text(own), "record": record}
        for own, record in records_of(held.parts, section)
        if key is None or own == wanted
    ]
    return slice_of_list(rows, cursor=cursor, limit=limit)


# --- changing -----------------------------------------------------------------------------------------------


@router.post(DRAFTS, response={201: DraftWhole}, summary="Begin a draft")
def begin(request: Any, client: Path[Code], said: NewDraft) -> Any:
    """Begin a draft upon the set-up in force; nothing holds before it is applied."""
    holder = find_holder(request, client, Permission.SETUP)
    made = services.begin(_number(holder), holder.bundle_code, name=said.name, by=hand_of(request))
    return Status(201, _did(holder, made, "begin"))


def _number(holder: Holder) -> int:
    """Answer the number of whose set-up it is; only one that comes with its first bundle has none."""
    if holder.client_id is None:
        raise not_found("a client", "correct its code")
    return holder.client_id


@router.post(f"{DRAFT}/records", response=DraftWhole, summary="Put a record into a draft")
def put_record(request: Any, client: Path[Code], draft: Path[Id], said: RecordPut) -> Any:
    """Put a record into a draft: a new one, or in place of the one of a key."""
    holder, found = at_draft(request, client, draft)
    key = None if said.key is None else _key(services.opened(found), said.section, said.key)
    services.put(found, said.section, key, said.record, by=hand_of(request))
    return _did(holder, found, f"change {said.section}")


@router.post(f"{DRAFT}/records/take-out", response=DraftWhole, summary="Take a record out")
def take_out(request: Any, client: Path[Code], draft: Path[Id], said: RecordNamed) -> Any:
    """Take a record out that has not begun; what has begun is ended by a day."""
    holder, found = at_draft(request, client, draft)
    key = _key(services.opened(found), said.section, said.key)
    services.take_out(found, said.section, key, by=hand_of(request), today=holder.today)
    return _did(holder, found, f"take out of {said.section}")


@router.post(f"{DRAFT}/records/end", response=DraftWhole, summary="End a record")
def end_record(request: Any, client: Path[Code], draft: Path[Id], said: RecordEnded) -> Any:
    """End a record: from a day on there is none of its code."""
    holder, found = at_draft(request, client, draft)
    key = _key(services.opened(found), said.section, said.key)
    services.end(found, said.section, key, said.on, said.source, by=hand_of(request))
    return _did(holder, found, f"end in {said.section}")


@router.post(f"{DRAFT}/records/restore", response=DraftWhole, summary="Give up the change of a record")
def restore(request: Any, client: Path[Code], draft: Path[Id], said: RecordNamed) -> Any:
    """Leave a record as it is in force."""
    holder, found = at_draft(request, client, draft)
    key = _key(services.opened(found), said.section, said.key)
    services.restore(found, said.section, key, by=hand_of(request))
    return _did(holder, found, f"restore in {said.section}")


@router.post(f"{DRAFT}/bundle", response=DraftWhole, summary="Take a bundle over into a draft")
def take_bundle(request: Any, client: Path[Code], draft: Path[Id], file: Upload[UploadedFile]) -> Any:
    """Make a draft of all in which a bundle differs from what is in force, in place of what it changed."""
    holder, found = at_draft(request, client, draft)
    reading = read_bundle(holder, file)
    refuse(reading.findings if reading.bundle is None else [])
    if reading.bundle is not None:
        services.take_over(found, reading.bundle, by=hand_of(request))
    return _did(holder, found, "take a bundle over")


@router.post(f"{DRAFT}/conflicts", response=DraftWhole, summary="Settle a conflict")
def settle(request: Any, client: Path[Code], draft: Path[Id], said: Settled) -> Any:
    """Say which shall hold: what the draft says, or what somebody else put into force meanwhile."""
    holder, found = at_draft(request, client, draft)
    services.settle(found, said.name, keeps_mine=said.keeps_mine, by=hand_of(request))
    return _did(holder, found, "settle a conflict")


@router.post(f"{DRAFT}/carry-forward", response=CarriedForward, summary="Carry a year forward")
def forward(request: Any, client: Path[Code], draft: Path[Id], said: YearCarried) -> Any:
    """Copy programs, open enrolment and pay calendars to the year that begins on a day."""
    holder, found = at_draft(request, client, draft)
    count = carry_forward(found, said.begins, said.source, by=hand_of(request))
    _did(holder, found, "carry forward")
    return {"records": count, "without_rates": left_over(services.opened(found).parts, said.begins)}


# --- people and dollars, and what becomes of it -------------------------------------------------------------


@router.post(f"{DRAFT}/effect", response={202: Effect}, summary="Weigh a draft")
def weigh(request: Any, client: Path[Code], draft: Path[Id], said: WeighedOn) -> Any:
    """Ask the worker whom a draft would move and by how many cents; GET the same address to follow it."""
    holder, found = at_draft(request, client, draft)
    day = said.as_of or holder.today
    asked_for = {"draft": found.pk, "as_of": day.isoformat()}
    ask(
        holder.access,
        EFFECT,
        asked_for,
        client_id=_number(holder),
        author=holder.author,
        now=holder.now,
    )
    holder.did(f"weigh (draft {found.pk} of set-up)")
    return Status(202, _effect(holder, found))


@router.get(f"{DRAFT}/effect", response=Effect, summary="Show whom a draft moves")
def show_effect(request: Any, client: Path[Code], draft: Path[Id]) -> Any:
    """Show what was last weighed of a draft: people and cents, by client and plan."""
    return _effect(*at_draft(request, client, draft))


def _effect(holder: Holder, draft: Draft) -> dict[str, Any]:
    work = latest(_number(holder), EFFECT, draft=draft.pk)
    if work is None:
        raise not_found("an effect of the draft", "POST to the same address to have it worked out")
    is_old = bool(work.result) and work.result["draft_of"] != draft.changed_at.isoformat()
    names = ("state", "done", "total", "told", "result")
    return {name: getattr(work, name) for name in names} | {"is_old": is_old}


@router.post(f"{DRAFT}/apply", response=Applied, summary="Apply a draft")
def apply(request: Any, client: Path[Code], draft: Path[Id], said: Reasoned) -> Any:
    """Put a draft into force as a new release, whole or not at all; /releases/take-back takes it back."""
    holder, found = at_draft(request, client, draft)
    with transaction.atomic():
        change = services.apply_draft(found, by=hand_of(request), reason=said.reason)
        answer = applied(change)
    holder.did(f"apply (draft {found.pk} of set-up)", said.reason)
    return answer


@router.post(f"{DRAFT}/give-up", response=DraftWhole, summary="Give a draft up")
def give_up(request: Any, client: Path[Code], draft: Path[Id], said: Reasoned) -> Any:
    """End a draft without applying it; it stays readable."""
    holder, found = at_draft(request, client, draft)
    services.give_up(found, by=hand_of(request))
    return _did(holder, found, "give up", said.reason)
