"""Carrier enrolment: partners, what each would be told, files released, sent and handed out."""

from datetime import date, datetime
from typing import Any, Literal

import polars as pl
from django.db import connection
from django.http import HttpResponse
from ninja import Path, Query
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.naming import Desk, at_or_peo
from openbenefits.api.paging import Page, Rows, page_of, slice_of
from openbenefits.api.problems import Problem, not_found
from openbenefits.api.routing import Routes
from openbenefits.api.runs import Asked, ask
from openbenefits.api.shapes import Body, Code, Cursor, Day, Id, Limit, Text, Words
from openbenefits.background.services import RequestRefused
from openbenefits.carriers.agreements.partners import PEO, PartnerRefused, partner_of, partners_of
from openbenefits.carriers.agreements.words import in_words
from openbenefits.carriers.building.services import Feed, preview
from openbenefits.carriers.custody.readings import file_lines, lines_of_message, members_of_message
from openbenefits.carriers.custody.retelling import refused_lines, tell_again
from openbenefits.carriers.filing import services as filing
from openbenefits.carriers.models import CarrierFile, PartnerVersion
from openbenefits.carriers.payments.services import premium_rows

router = Routes("carriers")
PARTNERS = "/clients/{client}/carrier-partners"
FILES = "/clients/{client}/carrier-files"
BYTES = {
    "responses": {200: {"description": "The file.", "content": {"application/octet-stream": {"schema": {}}}}}
}
MOST_LINES = 100_000
PREMIUM_SHOWN = (
    *("person_id", "employee_number", "plan_type", "policy", "covered_from", "kind", "cents", "billed_cents"),
)
KindOfFile = Literal["2", "4", "RX"]


class PartnerShown(BaseModel):
    """An agreement in force: whose plans a partner is told of, and how."""

    code: str
    name: str
    is_of_peo: bool = Field(description="Agreed for every client, not for this one alone.")
    version: int
    carriers: list[str] = Field(description="Whose plans it is told of, by their names in set-up.")
    kind: str = Field(description="834, file (a layout of its own), portal.")
    environment: str = Field(description="T test, P production.")
    in_words: dict[str, str]


class FeedPreview(BaseModel):
    """What a partner would be told today; nothing is written."""

    purpose: str
    members: int
    only_identity: int = Field(description="Members of whom no line is said, only who they are.")
    kinds: dict[str, int] = Field(description="Lines by what is said of them.")
    lines_to_portal: int
    holds: list[str]
    findings: list[str]


class FileShown(BaseModel):
    """A file for a partner, and how far it has come."""

    id: int
    partner: str
    kind: str
    purpose: str = Field(description="2 changes, 4 full audit, RX replacement; else empty.")
    environment: str
    as_of: date
    file_name: str
    state: str
    since: datetime
    members: int
    lines: int
    interchange: int | None
    group: int | None
    resends: int | None = Field(description="The file whose refused sets it sends again.")
    built_at: datetime
    built_by: str


class FileStep(BaseModel):
    """Something that happened to a file."""

    state: str
    words: str
    author: str
    made_at: datetime


class FileWhole(FileShown):
    """A file with why it is held, what was found in it, and its history."""

    holds: list[str]
    findings: list[dict[str, Any]]
    history: list[FileStep]


class Build(Body):
    """A file to be built."""

    partner: Code
    mode: KindOfFile | None = Field(None, description="As agreed for today unless told.")


class LookedAt(Body):
    """What somebody looked at, or why."""

    words: Words = Field(examples=["looked at who leaves: the plant was sold"])


@router.get(PARTNERS, response=Page[PartnerShown], summary="List carrier partners")
def list_partners(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List the agreements in force for a client: its own, and the PEO's it does not replace."""
    desk = at_or_peo(request, client, Permission.SEE)
    codes = pl.DataFrame({"code": sorted(partners_of(desk.client_id))}, schema={"code": pl.String})
    found = slice_of(codes, cursor=cursor, limit=limit)
    return found | {"items": [_partner(desk, row["code"]) for row in found["items"]]}


@router.get(f"{PARTNERS}/{{partner}}", response=PartnerShown, summary="Show a carrier partner")
def show_partner(request: Any, client: Path[Code], partner: Path[Code]) -> Any:
    """Show what is agreed with a partner, in words."""
    return _partner(at_or_peo(request, client, Permission.SEE), partner)


def _partner(desk: Desk, code: str) -> dict[str, Any]:
    try:
        owner, version, found = partner_of(desk.client_id, code)
    except PartnerRefused:
        raise not_found(
            "a partner with an agreement", "correct the code; /carrier-partners lists them"
        ) from None
    return {
        "code": code,
        "name": found.name,
        "is_of_peo": owner == PEO,
        "version": version,
        "carriers": list(found.carriers),
        "kind": found.kind,
        "environment": found.environment,
        "in_words": dict(in_words(found)),
    }


def of_clients(desk: Desk, rows: pl.DataFrame) -> pl.DataFrame:
    """Leave out whose rows they are, where all are of the client; of the PEO's own each names its client."""
    return rows.drop("client_id") if desk.is_of_peo else rows.drop("client_id", "client")


def unknown_partner() -> Problem:
    """Answer that there is no agreement with a partner."""
    return not_found("a partner with an agreement", "correct the code; /carrier-partners lists them")


def known_partner(desk: Desk, code: str) -> None:
    """Refuse a partner a client has no agreement with. Errors: Problem."""
    owners = (PEO, desk.client_id)
    if not PartnerVersion.objects.filter(client_id__in=owners, code=code).exists():
        raise unknown_partner()


@router.get(f"{PARTNERS}/{{partner}}/preview", response=FeedPreview, summary="Preview a carrier feed")
def preview_feed(
    request: Any, client: Path[Code], partner: Path[Code], mode: KindOfFile | None = Query(None)
) -> Any:
    """Compare what a partner knows with what holds today, counted; nothing is written."""
    desk, found = _previewed(request, client, partner, mode)
    desk.saw("preview of carrier feed")
    counts = members_of_message(found.message)
    kinds = found.message.lines["kind"].value_counts().rows()
    return {
        "purpose": found.message.purpose,
        "members": counts["members"],
        "only_identity": counts["people only"],
        "kinds": dict(kinds),
        "lines_to_portal": found.portal.lines.height,
        "holds": [one.words for one in found.holds],
        "findings": [str(getattr(one, "words", one)) for one in found.findings],
    }


@router.get(f"{PARTNERS}/{{partner}}/preview/lines", response=Rows, summary="List what would be said")
def preview_lines(
    request: Any,
    client: Path[Code],
    partner: Path[Code],
    cursor: Cursor,
    limit: Limit,
    mode: KindOfFile | None = Query(None),
) -> Any:
    """List line by line what a partner would be told today, of whom and why."""
    desk, found = _previewed(request, client, partner, mode)
    desk.saw("preview of carrier feed")
    dropped = ("subscriber", "member", "is_leaving", "step")
    return slice_of(
        of_clients(desk, lines_of_message(found.message)).drop(dropped), cursor=cursor, limit=limit
    )


def _previewed(request: Any, client: str, code: str, mode: KindOfFile | None) -> tuple[Desk, Any]:
    desk = at_or_peo(request, client, Permission.PROCESS)
    known_partner(desk, code)
    feed = Feed(client_id=desk.client_id, code=code)
    return desk, preview(connection, feed, on=desk.today, now=desk.now, mode=mode)


# --- files --------------------------------------------------------------------------------------------------


def _write(row: CarrierFile) -> dict[str, Any]:
    names = [name for name in FileShown.model_fields if name != "id"]
    return {"id": row.pk} | {name: getattr(row, name) for name in names}


def _file(desk: Desk, number: int) -> CarrierFile:
    rows = CarrierFile.objects.filter(client_id=desk.client_id, pk=number)
    found: CarrierFile | None = rows.defer("content", "said").first()
    if found is None:
        raise not_found("a carrier file", "correct the id; /carrier-files lists them")
    return found


@router.get(FILES, response=Page[FileShown], summary="List carrier files")
def list_files(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    state: Words | None = Query(None, description="In one state only."),
    partner: Code | None = Query(None, description="For one partner only."),
) -> Any:
    """List the files of a client alone, the last first."""
    desk = at_or_peo(request, client, Permission.SEE)
    rows = CarrierFile.objects.filter(client_id=desk.client_id).defer("content", "said")
    rows = rows if state is None else rows.filter(state=state)
    rows = rows if partner is None else rows.filter(partner=partner)
    return page_of(rows, _write, cursor=cursor, limit=limit, is_last_first=True)


@router.post(FILES, response={202: Asked}, summary="Build a carrier file")
def build_file(request: Any, client: Path[Code], said: Build) -> Any:
    """Ask for a partner's file as of today; what is held or not valid waits for a person."""
    desk = at_or_peo(request, client, Permission.PROCESS)
    asked_for = {"code": said.partner} | ({} if said.mode is None else {"mode": said.mode})
    try:
        return ask(desk, "carrier build", asked_for)
    except RequestRefused as refused:
        raise Problem(404, "not-found", str(refused)) from None


@router.get(f"{FILES}/{{file_id}}", response=FileWhole, summary="Show a carrier file")
def show_file(request: Any, client: Path[Code], file_id: Path[Id]) -> Any:
    """Show a file: why it is held, what validation found, and everything that happened to it."""
    desk = at_or_peo(request, client, Permission.SEE)
    return _whole(_file(desk, file_id))


def _whole(found: CarrierFile) -> dict[str, Any]:
    return _write(found) | {
        "holds": [str(one.get("words", "")) for one in found.holds],
        "findings": found.findings,
        "history": [{name: one[name] for name in FileStep.model_fields} for one in filing.history(found.pk)],
    }


@router.get(f"{FILES}/{{file_id}}/lines", response=Rows, summary="List what a file says")
def list_lines(request: Any, client: Path[Code], file_id: Path[Id], cursor: Cursor, limit: Limit) -> Any:
    """List line by line what a file says of whom, and what the carrier's report said to it."""
    desk = at_or_peo(request, client, Permission.SEE)
    rows = of_clients(desk, file_lines(_file(desk, file_id).pk, limit=MOST_LINES)).drop("file_id")
    desk.saw("lines of carrier file")
    return slice_of(rows, cursor=cursor, limit=limit)


@router.get(f"{FILES}/{{file_id}}/content", response=None, summary="Hand a file out", openapi_extra=BYTES)
def open_file(request: Any, client: Path[Code], file_id: Path[Id]) -> Any:
    """Answer the very bytes of a file: it names people with their numbers, and is written down."""
    desk = at_or_peo(request, client, Permission.SEE_PERSONAL)
    desk.access.require(Permission.PROCESS, desk.client_id)
    data = filing.content_of(_file(desk, file_id).pk)
    desk.saw("content of carrier file")
    return HttpResponse(data, content_type="application/octet-stream")


@router.post(f"{FILES}/{{file_id}}/release", response=FileWhole, summary="Release a carrier file")
def release_file(request: Any, client: Path[Code], file_id: Path[Id], said: LookedAt) -> Any:
    """Let a file leave with the next transfer; what was looked at is kept with it."""
    desk = at_or_peo(request, client, Permission.FINALIZE)
    found = _file(desk, file_id)
    filing.release(found.pk, author=desk.author, words=said.words, now=desk.now)
    desk.did("release carrier file", reason=said.words)
    return _whole(_file(desk, file_id))


@router.post(f"{FILES}/{{file_id}}/withdraw", response=FileWhole, summary="Withdraw a carrier file")
def withdraw_file(request: Any, client: Path[Code], file_id: Path[Id], said: LookedAt) -> Any:
    """Take a file back before it leaves; the next build says again what it would have said."""
    desk = at_or_peo(request, client, Permission.FINALIZE)
    found = _file(desk, file_id)
    filing.withdraw(found.pk, author=desk.author, words=said.words, now=desk.now)
    desk.did("withdraw carrier file", reason=said.words)
    return _whole(_file(desk, file_id))


class Retelling(Body):
    """Who is told again, and what was put right."""

    member: str | None = Field(
        None, max_length=100, pattern="^[^\\x00]*$", description="As /lines names it; everybody unless told."
    )
    words: Words = Field(examples=["the group is open now"])


class ToldAgain(BaseModel):
    """How many lines the next file says again."""

    lines: int


@router.get(f"{FILES}/{{file_id}}/refused", response=Rows, summary="List what a report refused")
def list_refused(request: Any, client: Path[Code], file_id: Path[Id], cursor: Cursor, limit: Limit) -> Any:
    """List the lines a carrier's report refused, and whether each may be told again."""
    desk = at_or_peo(request, client, Permission.SEE)
    rows = of_clients(desk, refused_lines(_file(desk, file_id).pk)).drop("file_id")
    desk.saw("refused lines of carrier file")
    return slice_of(rows, cursor=cursor, limit=limit)


@router.post(f"{FILES}/{{file_id}}/tell-again", response=ToldAgain, summary="Tell refused people again")
def retell(request: Any, client: Path[Code], file_id: Path[Id], said: Retelling) -> Any:
    """Have the next file say again what a report refused, once what was wrong is right."""
    desk = at_or_peo(request, client, Permission.PROCESS)
    found = _file(desk, file_id)
    count = tell_again(connection, found.pk, said.member, author=desk.author, words=said.words, now=desk.now)
    desk.did("tell again what was refused of carrier file", reason=said.words)
    return {"lines": count}


class BuildPremium(Body):
    """The premium of a month, to be paid by an 820."""

    partner: Code
    month: Day = Field(description="Any day of the month paid for.")
    paid_on: Day
    trace: Text = Field("", description="The number of the payment; the file's own unless told.")


@router.get(f"{PARTNERS}/{{partner}}/premium", response=Rows, summary="Preview a month's premium")
def preview_premium(
    request: Any,
    client: Path[Code],
    partner: Path[Code],
    cursor: Cursor,
    limit: Limit,
    month: Day = Query(..., description="Any day of the month paid for."),
) -> Any:
    """List what the 820 of a month would pay for whom, as payroll took it; nothing is written."""
    desk = at_or_peo(request, client, Permission.PROCESS)
    known_partner(desk, partner)
    rows = premium_rows(connection, Feed(client_id=desk.client_id, code=partner), month=month.replace(day=1))
    desk.saw("preview of premium")
    return slice_of(rows.select(PREMIUM_SHOWN), cursor=cursor, limit=limit)


@router.post("/clients/{client}/carrier-premiums", response={202: Asked}, summary="Build a premium file")
def build_premium(request: Any, client: Path[Code], said: BuildPremium) -> Any:
    """Ask for the 820 of a month; it is looked at, released and sent as any carrier file."""
    desk = at_or_peo(request, client, Permission.PROCESS)
    told = {"month": said.month.isoformat(), "paid_on": said.paid_on.isoformat(), "trace": said.trace}
    try:
        return ask(desk, "carrier premium", {"code": said.partner} | told)
    except RequestRefused as refused:
        raise Problem(404, "not-found", str(refused)) from None


@router.post(f"{FILES}/{{file_id}}/send", response={202: Asked}, summary="Send a carrier file")
def send_file(request: Any, client: Path[Code], file_id: Path[Id]) -> Any:
    """Ask for a released file to be sent the way that is agreed, once."""
    desk = at_or_peo(request, client, Permission.FINALIZE)
    return ask(desk, "carrier send", {"file": _file(desk, file_id).pk})
