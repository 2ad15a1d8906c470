"""A carrier's full list: compared with our timeline, or opening a client; shown first, taken back whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.db import connection
from ninja import File as Upload
from ninja import Form, Path, Status
from ninja.files import UploadedFile
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.carriers import known_partner
from openbenefits.api.elections import MOST_ROWS, refuse_large
from openbenefits.api.naming import Desk, at
from openbenefits.api.problems import Problem
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import Code, Day, Id, Reasoned, Table, Truth, table_of
from openbenefits.background import openings
from openbenefits.carriers import opening
from openbenefits.carriers.agreements.partners import PartnerRefused
from openbenefits.carriers.agreements.text import read_document
from openbenefits.carriers.auditing.services import AuditRefused, audit
from openbenefits.carriers.building.services import Feed
from openbenefits.carriers.opening.mapping import MappingRefused
from openbenefits.carriers.x12.reader import X12Refused
from openbenefits.core.faults import message_of
from openbenefits.store.sheets import FileRefused

router = Routes("carriers")
OPENINGS = "/clients/{client}/carrier-openings"
MOST_CHARACTERS = 100_000
MappingText = Form(
    None,
    max_length=MOST_CHARACTERS,
    pattern="^[^\\x00]*$",
    description="What the carrier's codes and columns mean, as YAML or JSON; else as agreed.",
)
OnDay = Form(None, description="The day it is about; today unless told.")


class ListAudited(BaseModel):
    """What a carrier's list and our timeline say differently on a day."""

    answer_id: int = Field(description="Its rows: /carrier-answers/{answer_id}/rows.")
    is_new: bool = Field(description="The very same list is kept once.")
    summary: str
    counts: dict[str, int] = Field(description="Members, lines that agree, each verdict, each cause.")
    findings: Table = Field(description="What could not be read.")


class OpeningPreview(BaseModel):
    """What a file would open a client with: counts, what its codes mean, who comes, what is to be said."""

    refused: str = Field(description="Why nothing can be taken; else empty.")
    is_whole: bool = Field(description="Everything in force would be taken.")
    opened_before: int | None = Field(description="The change the very same file made, and that stands.")
    counts: dict[str, int]
    findings: Table
    codes: Table
    people: Table
    differences: Table


class OpeningMade(OpeningPreview):
    """A client that was opened; `change_id` takes it back."""

    change_id: int


class OpeningBack(BaseModel):
    """What taking an opening back did."""

    withdrawn: int
    restored: int
    points: int = Field(description="Change points of coverage that hold no longer.")
    conflicts: int = Field(description="Facts edited since, left as they are.")


@router.post(
    "/clients/{client}/carrier-audits", response={201: ListAudited}, summary="Audit a carrier's list"
)
def audit_list(
    request: Any,
    client: Path[Code],
    file: Upload[UploadedFile],
    partner: Code = Form(..., description="Whose list it is."),
    on: Day | None = OnDay,
    mapping: str | None = MappingText,
) -> Any:
    """Compare a carrier's full 834 or census with our timeline: each difference has its cause."""
    desk = at(request, client, Permission.PROCESS)
    known_partner(desk, partner)
    refuse_large(file)
    with _reading():
        found = audit(
            connection,
            Feed(client_id=desk.client_id, code=partner),
            file.read(),
            on=on or desk.today,
            now=desk.now,
            author=desk.author,
            file_name=file.name or "list",
            mapping=opening.read_mapping(read_document(mapping)) if mapping else None,
        )
    desk.did(f"audit of partner {partner}")
    names = ("answer_id", "is_new", "summary")
    told = {name: getattr(found, name) for name in names} | {"counts": dict(found.counts)}
    return Status(201, told | {"findings": table_of("Findings", found.findings.head(MOST_ROWS))})


@router.post(
    "/clients/{client}/carrier-opening-previews", response=OpeningPreview, summary="Preview an opening"
)
def preview_opening(
    request: Any,
    client: Path[Code],
    file: Upload[UploadedFile],
    partner: Code | None = Form(None, description="Whose agreement says what its codes mean."),
    on: Day | None = OnDay,
    mapping: str | None = MappingText,
) -> Any:
    """Show what a carrier's 834 or census would open the client with: tried for real, and given up."""
    desk = _desk(request, client)
    meant = _meant(desk, partner, mapping)
    data = _bytes(file)
    with _reading():
        shown = opening.preview(
            connection, desk.client_id, data, file.name or "list", meant, on=_on(desk, on), now=desk.now
        )
    desk.saw("preview of an opening")
    return _shown(shown)


@router.post(OPENINGS, response={201: OpeningMade}, summary="Open a client from a carrier's file")
def open_client(
    request: Any,
    client: Path[Code],
    file: Upload[UploadedFile],
    partner: Code | None = Form(None, description="Whose agreement says what its codes mean."),
    on: Day | None = OnDay,
    mapping: str | None = MappingText,
    is_partial: Truth = Form(False, description="Leave out families with faults, and take the rest."),
) -> Any:
    """Bring people, dependents and coverage of a carrier's file: everything or nothing, as one change."""
    desk = _desk(request, client)
    meant = _meant(desk, partner, mapping)
    data = _bytes(file)
    with _reading():
        made = opening.open_client(
            connection,
            desk.client_id,
            data,
            file.name or "list",
            meant,
            author=desk.author,
            on=_on(desk, on),
            now=desk.now,
            is_partial=is_partial,
        )
    desk.did(f"open from a carrier's file: change {made.change_id}")
    return Status(201, _shown(made.preview) | {"change_id": made.change_id})


@router.post(f"{OPENINGS}/{{change_id}}/take-back", response=OpeningBack, summary="Take an opening back")
def take_back(request: Any, client: Path[Code], change_id: Path[Id], said: Reasoned) -> Any:
    """Undo an opening whole, coverage first; what somebody edited since stays, and is counted."""
    desk = at(request, client, Permission.FACTS)
    done = opening.take_back(
        connection, desk.client_id, change_id, reason=said.reason, author=desk.author, now=desk.now
    )
    desk.did(f"take opening {change_id} back", reason=said.reason)
    return {name: getattr(done, name) for name in OpeningBack.model_fields}


def _desk(request: Any, client: str) -> Desk:
    """Find the client for who may open it: people come with their names."""
    desk = at(request, client, Permission.FACTS)
    desk.access.require(Permission.SEE_PERSONAL, desk.client_id)
    return desk


def _on(desk: Desk, on: date | None) -> date:
    return on or desk.today


def _bytes(file: UploadedFile) -> bytes:
    refuse_large(file)
    return bytes(file.read())


def _meant(desk: Desk, partner: str | None, mapping: str | None) -> opening.Mapping:
    """Answer what the codes of a file mean. Errors: Problem."""
    if not partner and not mapping:
        words = "expected `partner` or `mapping`, found neither; say what the codes of the file mean"
        raise Problem(422, "not-valid", words)
    if partner and not mapping:
        known_partner(desk, partner)
    try:
        return openings.meaning(desk.client_id, partner or "", mapping or "")
    except (MappingRefused, PartnerRefused) as refused:
        raise Problem(422, "not-valid", str(refused)) from None


@contextmanager
def _reading() -> Iterator[None]:
    """Say of a file that cannot be read, or compared, that it is the file. Errors: Problem 422."""
    try:
        yield
    except (X12Refused, FileRefused, MappingRefused, AuditRefused) as refused:
        raise Problem(422, "file-refused", message_of(refused)) from None


def _shown(found: opening.Preview) -> dict[str, Any]:
    tables = {name: getattr(found, name).head(MOST_ROWS) for name in ("findings", "codes", "people")}
    tables["differences"] = found.differences.head(MOST_ROWS)
    return {
        "refused": found.refused,
        "is_whole": found.is_whole,
        "opened_before": found.opened_before,
        "counts": dict(found.counts),
        **{name: table_of(name.capitalize(), rows) for name, rows in tables.items()},
    }
