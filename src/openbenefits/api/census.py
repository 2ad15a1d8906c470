"""Census files: previewed, imported as one change, taken back (see changes)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from ninja import File as Upload
from ninja import Form, Path, Query, Status
from ninja.files import UploadedFile
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.elections import BadRow, bad_rows, mapping_in, saved
from openbenefits.api.naming import Desk, at
from openbenefits.api.paging import Rows, slice_of
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import AsOf, Code, Cursor, Day, Limit, Table, table_of
from openbenefits.workforce import census
from openbenefits.workforce.audit import audit_data

router = Routes("census")
MAPPING = 'What each heading of the file is, as a JSON object: {"Emp No": "employee_number"}.'


class Preview(BaseModel):
    """What a census changes: counts of people, fields that change, rows that are bad or asked about."""

    rows_read: int
    people: dict[str, int]
    bad_rows: list[BadRow]
    bad_row_count: int
    is_refused: bool = Field(description="Too many bad rows: probably not what it is taken for.")
    warnings: Table
    asked: Table
    fields: Table
    unknown_columns: list[str]


class Imported(Preview):
    """An import; `change_id` takes it back."""

    change_id: int


@contextmanager
def _previewed(
    desk: Desk, file: UploadedFile, as_of: Day | None, mapping: str | None, share: int
) -> Iterator[census.CensusPreview]:
    with saved(file) as path:
        yield census.preview(
            desk.client_id,
            path,
            as_of=as_of or desk.today,
            mapping=mapping_in(mapping),
            max_bad_share=share / 100,
        )


def _preview(found: census.CensusPreview) -> dict[str, Any]:
    asked = found.asked.select(one for one in ("row", "reason") if one in found.asked.columns)
    return {
        "rows_read": found.rows_read,
        "people": dict(found.people),
        "bad_rows": bad_rows(found.bad_rows),
        "bad_row_count": found.bad_row_count,
        "is_refused": found.is_refused,
        "warnings": table_of("Warnings", found.warnings),
        "asked": table_of("Same person or not?", asked),
        "fields": table_of("Fields that change", found.field_counts),
        "unknown_columns": found.unknown_columns,
    }


BadShare = Query(25, ge=0, le=100, description="Refuse the file above this percentage of bad rows.")


@router.post("/clients/{client}/census-previews", response=Preview, summary="Preview a census")
def preview(
    request: Any,
    client: Path[Code],
    file: Upload[UploadedFile],
    as_of: AsOf,
    mapping: str | None = Form(None, max_length=20_000, description=MAPPING),
    max_bad_percent: int = BadShare,
) -> Any:
    """Show what a census would change, and name its bad rows; nothing is written."""
    desk = at(request, client, Permission.FACTS)
    with _previewed(desk, file, as_of, mapping, max_bad_percent) as found:
        return _preview(found)


@router.post("/clients/{client}/censuses", response={201: Imported}, summary="Import a census")
def import_census(
    request: Any,
    client: Path[Code],
    file: Upload[UploadedFile],
    as_of: AsOf,
    mapping: str | None = Form(None, max_length=20_000, description=MAPPING),
    max_bad_percent: int = BadShare,
) -> Any:
    """Import a census: all good rows, as one change that can be taken back."""
    desk = at(request, client, Permission.FACTS)
    with _previewed(desk, file, as_of, mapping, max_bad_percent) as found:
        change = census.apply(found, made_by=desk.author, now=desk.now)
        desk.did("import census")
        return Status(201, _preview(found) | {"change_id": change.pk})


@router.get("/clients/{client}/data-audit", response=Rows, summary="Audit a client's data")
def audit(request: Any, client: Path[Code], cursor: Cursor, limit: Limit, as_of: AsOf) -> Any:
    """List what is implausible or missing in a client's data, before anything is processed."""
    desk = at(request, client, Permission.SEE)
    rows = audit_data(connection, [desk.client_id], as_of or desk.today).drop("client_id", strict=False)
    return slice_of(rows, cursor=cursor, limit=limit)
