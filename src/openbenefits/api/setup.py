"""Set-up: audited, compared, applied and taken back as a zip of YAML files, and written out again."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse
from ninja import File as Upload
from ninja import Form, Path, Query
from ninja.files import UploadedFile
from pydantic import BaseModel

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import EVERY_CLIENT, Access, note
from openbenefits.api.elections import refuse_large
from openbenefits.api.naming import PEO, at, author_of
from openbenefits.api.paging import Page, Rows, page_of, slice_of
from openbenefits.api.problems import Problem, not_found
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import AsOf, Body, Code, Cursor, Id, Limit, Number, Words, cell
from openbenefits.programs import services
from openbenefits.programs.drafts.archives import read_zip, zipped
from openbenefits.programs.findings import Finding
from openbenefits.programs.models import Bundle, Release
from openbenefits.programs.reader import Reading
from openbenefits.runs.gate import obstacles
from openbenefits.workforce.models import Client
from openbenefits.workforce.recording import add_client

router = Routes("set-up")
SETUP = "/set-up/{client}"


class Fault(BaseModel):
    """What is wrong with a set-up, and how it is cured; errors keep it from being applied."""

    severity: str
    code: str
    where: str
    file: str
    line: int | None
    expected: str
    found: str
    cure: str


class Audited(BaseModel):
    """The faults of a set-up."""

    findings: list[Fault]
    is_applicable: bool


class Difference(BaseModel):
    """A record or value that is new, gone or changed."""

    path: str
    change: str
    old: Any
    new: Any


class Standing(BaseModel):
    """How a client stands to a record of the PEO: inherited, overridden or own."""

    client: str
    section: str
    code: str
    standing: str


class Compared(BaseModel):
    """What applying a bundle would change."""

    findings: list[Fault]
    differences: list[Difference]
    standings: list[Standing]


class ReleaseShown(BaseModel):
    """One applied version of a bundle."""

    number: int
    applied_at: datetime
    applied_by: str
    reason: str
    taken_back_at: datetime | None
    is_in_force: bool


class Applied(BaseModel):
    """What was done to the set-up in force."""

    outcome: str
    release: int | None
    findings: list[Fault]


class Obstacle(BaseModel):
    """What keeps a run from starting."""

    code: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Whose set-up an address names, and who asks; a client that comes with its first bundle has no id."""

    code: str
    client_id: int | None
    access: Access
    author: str
    now: datetime

    @property
    def today(self) -> date:
        return clock.today()

    @property
    def bundle_code(self) -> str:
        """The code its bundle has: the address of the PEO's is none."""
        known = Bundle.objects.filter(client_id=self.client_id).values_list("code", flat=True).first()
        return known or self.code

    def did(self, what: str, reason: str = "") -> None:
        client_id = EVERY_CLIENT if self.client_id is None else self.client_id
        note(self.access, "did", f"api {what}", client_id=client_id, reason=reason, now=self.now)


def find_holder(request: Any, code: str, permission: Permission, *, may_be_new: bool = False) -> Holder:
    """Find whose set-up is meant: the PEO's for its keys alone, a client's, or that of one to come.

    Errors: Problem 404; NotAllowed.
    """
    access: Access = request.access
    given = {"code": code, "access": access, "now": request.now}
    is_of_peo = EVERY_CLIENT in access.permissions
    if code == PEO and is_of_peo:
        request.refused_of = EVERY_CLIENT
        access.require(permission, EVERY_CLIENT)
        return Holder(client_id=EVERY_CLIENT, author=author_of(request), **given)
    if may_be_new and is_of_peo and code != PEO and not Client.objects.filter(code=code).exists():
        access.require(permission, EVERY_CLIENT)
        return Holder(client_id=None, author=author_of(request), **given)
    desk = at(request, code, permission)
    return Holder(client_id=desk.client_id, author=desk.author, **given)


def faults_of(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Write findings as the API answers them."""
    return [asdict(one) | {"severity": str(one.severity)} for one in findings]


def read_bundle(holder: Holder, file: UploadedFile) -> Reading:
    """Read the zip of a bundle.

    Errors: Problem for the bundle of somebody else; ArchiveRefused.
    """
    refuse_large(file)
    reading = read_zip(file.read())
    if reading.bundle is not None:
        found = reading.bundle.code if reading.bundle.is_client else PEO
        if found != holder.code:
            raise Problem(
                422,
                "file-refused",
                f"expected the set-up of {holder.code}, found that of {found}; send it there",
            )
    return reading


@router.get(f"{SETUP}/audit", response=Audited, summary="Audit the set-up in force")
def audit(request: Any, client: Path[Code]) -> Any:
    """Audit the set-up in force as if it were applied now, and the PEO's behind it."""
    holder = find_holder(request, client, Permission.SEE)
    findings = services.audit_in_force(holder.client_id or EVERY_CLIENT)
    return {"findings": faults_of(findings), "is_applicable": not services.has_errors(findings)}


@router.get(
    "/clients/{client}/run-obstacles", response=list[Obstacle], summary="Say whether a run would start"
)
def list_obstacles(request: Any, client: Path[Code], as_of: AsOf) -> Any:
    """List what keeps a run from starting: open errors of the audits of set-up and data."""
    desk = at(request, client, Permission.SEE)
    found = obstacles(connection, desk.client_id, as_of or desk.today)
    return [{"code": one.code, "where": getattr(one, "where", "")} for one in found]


@router.get(f"{SETUP}/releases", response=Page[ReleaseShown], summary="List releases")
def list_releases(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List the versions of a set-up that were applied, the last first."""
    holder = find_holder(request, client, Permission.SEE)
    bundle = Bundle.objects.filter(client_id=holder.client_id).first()
    in_force = bundle.release_id if bundle is not None else None
    names = ("number", "applied_at", "applied_by", "reason", "taken_back_at")
    return page_of(
        Release.objects.filter(bundle=bundle),
        lambda row: {one: getattr(row, one) for one in names} | {"is_in_force": row.pk == in_force},
        cursor=cursor,
        limit=limit,
        is_last_first=True,
    )


ZIP = {"responses": {200: {"description": "The bundle.", "content": {"application/zip": {"schema": {}}}}}}


@router.get(f"{SETUP}/bundle", response=None, summary="Write the set-up out", openapi_extra=ZIP)
def export(
    request: Any, client: Path[Code], release: Id | None = Query(None, description="An earlier one.")
) -> Any:
    """Answer a release (the one in force unless told) as a zip that can be compared and applied again."""
    holder = find_holder(request, client, Permission.SETUP)
    rows = Release.objects.filter(bundle__client_id=holder.client_id)
    wanted = rows.filter(number=release) if release else rows.filter(pk__in=Bundle.objects.values("release"))
    found = wanted.first()
    if found is None:
        raise not_found("a release", "correct its number; /releases lists them")
    holder.did("export set-up")
    response = HttpResponse(zipped(services.from_document(found.document)), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{holder.code}-{found.number}.zip"'
    return response


@router.post(f"{SETUP}/checks", response=Audited, summary="Check a bundle")
def check(request: Any, client: Path[Code], file: Upload[UploadedFile]) -> Any:
    """Audit a bundle without changing anything: every fault with its file, line and cure."""
    holder = find_holder(request, client, Permission.SETUP, may_be_new=True)
    found = services.check(read_bundle(holder, file))
    return {"findings": faults_of(found.findings), "is_applicable": found.is_applicable}


@router.post(f"{SETUP}/comparisons", response=Compared, summary="Compare a bundle with what is in force")
def compare(request: Any, client: Path[Code], file: Upload[UploadedFile]) -> Any:
    """Show what applying a bundle would change, record by record, and which clients follow."""
    holder = find_holder(request, client, Permission.SETUP)
    found = services.diff(read_bundle(holder, file))
    return {
        "findings": faults_of(found.findings),
        "differences": differences_of(found),
        "standings": [
            {"client": one.client, "section": one.section, "code": one.code, "standing": str(one.standing)}
            for one in found.standings
        ],
    }


def differences_of(found: services.Comparison) -> list[dict[str, Any]]:
    """Write what a bundle changes, record by record."""
    return [
        {"path": one.path, "change": one.change, "old": cell(one.old), "new": cell(one.new)}
        for one in found.differences
    ]


def applied(change: services.Change) -> dict[str, Any]:
    """Write what became of a change of set-up.

    Errors: Problem for one that was refused.
    """
    if change.outcome is services.Outcome.REFUSED:
        refuse(change.findings)
        raise Problem(409, "set-up-refused", "expected a set-up without errors, found some; check it")
    release = None if change.release is None else change.release.number
    return {"outcome": str(change.outcome), "release": release, "findings": faults_of(change.findings)}


def refuse(findings: Sequence[Finding]) -> None:
    """Refuse what has faults, naming the first ones.

    Errors: Problem.
    """
    if findings:
        raise Problem(409, "set-up-refused", "; ".join(one.sentence() for one in findings[:5]))


@router.post(f"{SETUP}/releases", response=Applied, summary="Apply a bundle")
def apply(request: Any, client: Path[Code], file: Upload[UploadedFile], reason: Words = Form(...)) -> Any:
    """Put a bundle into force, whole or not at all; the first one of a client brings the client in."""
    holder = find_holder(request, client, Permission.SETUP, may_be_new=True)
    reading = read_bundle(holder, file)
    with transaction.atomic():
        client_id = holder.client_id
        if client_id is None and reading.bundle is not None:
            client_id = add_client(reading.bundle.code, reading.bundle.parts.bundle.name).pk
        given: dict[str, Any] = {"applied_by": holder.author, "now": holder.now, "reason": reason}
        change = services.apply(reading, client_id=client_id or EVERY_CLIENT, **given)
        answer = applied(change)
    holder.did("apply set-up", reason)
    return answer


@router.get("/limits", response=Rows, summary="List legal limits")
def list_limits(
    request: Any, cursor: Cursor, limit: Limit, code: Code | None = None, year: Number | None = None
) -> Any:
    """List the legal amounts by year, with their sources; a year without an amount is unknown, never zero."""
    del request
    rows = services.in_force_of(PEO).limits
    if code is not None:
        rows = rows.filter(code=code)
    if year is not None:
        rows = rows.filter(year=year)
    return slice_of(rows, cursor=cursor, limit=limit)


class TakingBack(Body):
    """Why the last release is taken back, and which one that is."""

    reason: Words
    release: Number


@router.post(f"{SETUP}/releases/take-back", response=Applied, summary="Take the last release back")
def take_back(request: Any, client: Path[Code], said: TakingBack) -> Any:
    """Return to the release before the one in force, which is named so that nothing else is taken back."""
    holder = find_holder(request, client, Permission.SETUP)
    bundle = Bundle.objects.filter(client_id=holder.client_id).select_related("release").first()
    number = None if bundle is None or bundle.release is None else bundle.release.number
    if bundle is None or number != said.release:
        raise Problem(
            409, "conflict", f"expected the release in force ({number}), found {said.release}; name it"
        )
    change = services.take_back(bundle.code, by=holder.author, now=holder.now)
    answer = applied(change)
    holder.did("take set-up back", said.reason)
    return answer
