"""Rates from a carrier's sheet: looked at against set-up, then kept in a draft, to be applied or given up."""

from typing import Any

from ninja import File as Upload
from ninja import Form, Path, Status
from ninja.files import UploadedFile
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.drafts import DRAFT, at_draft, find_draft, hand_of
from openbenefits.api.elections import mapping_in, refuse_large
from openbenefits.api.problems import Problem
from openbenefits.api.routing import Routes
from openbenefits.api.setup import SETUP, Fault, faults_of, find_holder
from openbenefits.api.shapes import Code, Day, Id, Words, rows_of
from openbenefits.programs.drafts import services
from openbenefits.programs.drafts.rate_sheets import (
    MEANINGS,
    SheetOrder,
    SheetPreview,
    keep_sheet,
    preview_sheet,
)
from openbenefits.programs.drafts.records import key_text
from openbenefits.programs.services import loaded_in_force

router = Routes("set-up")
MOST_ROWS = 500
MAPPING = "What headings mean that are not known, as a JSON object; '' leaves a column out: " + ", ".join(
    one for one in MEANINGS if one
)


class SheetRead(BaseModel):
    """What a sheet would change: how its headings are read, its faults, its rates before and after.

    rows: the largest changes first, at most 500 of them; rates in micro-dollars, changes in hundredths of a
    percent.
    """

    headings: dict[str, str | None] = Field(description="null: not known; say with `mapping` what it is.")
    findings: list[Fault]
    is_applicable: bool
    counts: dict[str, int]
    rows: list[dict[str, Any]]


class SheetKept(SheetRead):
    """The rates of a sheet, kept in a draft as a new version of their table."""

    draft: int
    key: str


def _order(
    file: UploadedFile, table: str, valid_from: Day, source: str, sheet: str | None, mapping: str | None
) -> SheetOrder:
    """Read what is to become of a sheet.

    Errors: Problem for a file that is too large, or a meaning there is not.
    """
    refuse_large(file)
    mapped = mapping_in(mapping)
    if mapped and not set(mapped.values()) <= set(MEANINGS):
        known = ", ".join(one for one in MEANINGS if one)
        raise Problem(422, "not-valid", f"expected meanings among {known}, found another; correct `mapping`")
    return SheetOrder(
        name=file.name or "sheet.csv",
        data=file.read(),
        table=table,
        valid_from=valid_from,
        source=source,
        sheet_name=sheet,
        mapped=mapped,
    )


def _shown(found: SheetPreview) -> dict[str, Any]:
    changes = found.preview.changes
    rows = changes.rows.filter(changes.rows["change"] != "same")
    largest = rows.sort(rows["percent_hundredths"].abs(), descending=True, nulls_last=False)
    return {
        "headings": dict(found.headings),
        "findings": faults_of(found.preview.findings),
        "is_applicable": found.preview.is_applicable,
        "counts": {one: changes.count(one) for one in ("new", "changed", "gone", "same")},
        "rows": rows_of(largest.head(MOST_ROWS)),
    }


@router.post(f"{SETUP}/rate-sheet-previews", response=SheetRead, summary="Preview a rate sheet")
def preview(
    request: Any,
    client: Path[Code],
    file: Upload[UploadedFile],
    table: Code = Form(..., description="The code of the rate table; a new code makes a new one."),
    valid_from: Day = Form(...),
    source: Words = Form(..., description="The carrier's document and its date."),
    sheet: Words | None = Form(None, description="Of a workbook with several."),
    mapping: str | None = Form(None, max_length=20_000, description=MAPPING),
    draft: Id | None = Form(None, description="Read against this draft, in place of what is in force."),
) -> Any:
    """Show what a carrier's sheet (CSV or XLSX) would change, with its faults; nothing is kept."""
    holder = find_holder(request, client, Permission.SETUP)
    order = _order(file, table, valid_from, source, sheet, mapping)
    if draft is not None:
        bundle = services.opened(find_draft(holder, draft)).reading.bundle
    else:
        bundle = loaded_in_force(holder.client_id or 0)
    return _shown(preview_sheet(holder.client_id or 0, bundle, order))


@router.post(f"{DRAFT}/rate-sheets", response={201: SheetKept}, summary="Import a rate sheet into a draft")
def keep(
    request: Any,
    client: Path[Code],
    draft: Path[Id],
    file: Upload[UploadedFile],
    table: Code = Form(...),
    valid_from: Day = Form(...),
    source: Words = Form(..., description="The carrier's document and its date."),
    sheet: Words | None = Form(None),
    mapping: str | None = Form(None, max_length=20_000, description=MAPPING),
) -> Any:
    """Keep the rates of a sheet in a draft; /records/restore gives them up, /apply puts them into force."""
    holder, found = at_draft(request, client, draft)
    order = _order(file, table, valid_from, source, sheet, mapping)
    shown = preview_sheet(found.client_id, services.opened(found).reading.bundle, order)
    key = keep_sheet(found, order, by=hand_of(request))
    holder.did(f"import rates (draft {found.pk} of set-up)")
    return Status(201, _shown(shown) | {"draft": found.pk, "key": key_text(key)})
