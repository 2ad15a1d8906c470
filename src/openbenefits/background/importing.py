"""What the kinds of files people hand in hold, what importing them would do, and the imports themselves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import polars as pl
from django.db import transaction

from openbenefits.accounts.services import Access
from openbenefits.background import openings
from openbenefits.background.models import HandedIn, ProcessRequest
from openbenefits.background.services import ENDED, Work, ask
from openbenefits.background.uploads import (
    FileKind,
    FileNotTaken,
    State,
    end,
    mapping_of,
    opened,
    refuse_ended,
    require,
)
from openbenefits.core.bad_rows import BAD_ROW
from openbenefits.core.pipelines import Pipeline
from openbenefits.enrollment import elections, evidence_deciding, takeover
from openbenefits.enrollment.entry_cells import stated_headings
from openbenefits.repair.evidence import UndoOrder, undo_evidence
from openbenefits.runs.taking_back_entries import take_back_entry
from openbenefits.store.arriving import arriving
from openbenefits.store.trials import given_up
from openbenefits.workforce import census
from openbenefits.workforce.census.importing import MAX_BAD_SHARE
from openbenefits.workforce.census.reading import census_headings
from openbenefits.workforce.undo import take_back as take_back_facts

SHOWN_CONFLICTS = 500
DIFFERENCES = dict.fromkeys(("fact", "field", "before", "after"), pl.String)


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What importing a file would do; nothing is written.

    counts: what would come of it, by words. bad_rows: as BAD_ROW.
    differences: row, fact, field, before, after.
    refused: why nothing of it is taken; empty where something is.
    """

    rows_read: int
    counts: Mapping[str, int]
    bad_rows: pl.DataFrame
    warnings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=BAD_ROW))
    differences: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"row": pl.Int32, **DIFFERENCES})
    )
    unknown_headings: Sequence[str] = ()
    refused: str = ""

    @property
    def bad_row_count(self) -> int:
        return self.bad_rows["row"].n_unique()


@dataclass(frozen=True, kw_only=True)
class Reader:
    """How files of a kind are read: their columns, their headings, what they would do, and doing it."""

    columns: Sequence[str]
    required: Sequence[str]
    headings: Callable[[Path], Mapping[str, str | None]]
    foresee: Callable[[Any, HandedIn, Path, Mapping[str, str], str, datetime], Foreseen]
    carry_out: Callable[
        [Any, HandedIn, Path, Mapping[str, str], str, datetime], tuple[int | None, dict[str, Any]]
    ]


class ImportFile(msgspec.Struct, forbid_unknown_fields=True):
    """A file somebody handed in, by its number."""

    file: int


class TakeBackImport(msgspec.Struct, forbid_unknown_fields=True):
    """A file that was imported, by its number, and why it is taken back."""

    file: int
    reason: Annotated[str, msgspec.Meta(min_length=1)]


def check_file(access: Access, client_id: int, asked: ImportFile | TakeBackImport) -> None:
    """Refuse a file of another client, and one of a kind that is not the user's to import.

    Errors: FileNotTaken; NotAllowed.
    """
    require(access, _file(client_id, asked.file).kind, client_id)


def headings_of(file: HandedIn) -> dict[str, str]:
    """Answer the headings of a file with the columns they are taken for: '' for those nobody knows.

    Errors: FileNotTaken; sheets.FileRefused.
    """
    stated = mapping_of(file)
    with opened(file) as path:
        guessed = READERS[FileKind(file.kind)].headings(path)
    return {heading: stated.get(heading, guess or "") for heading, guess in guessed.items()}


def foresee(connection: Any, file: HandedIn, *, author: str, now: datetime) -> Foreseen:
    """Say what importing a file would do.

    Errors: FileNotTaken; sheets.FileRefused for a file that cannot be read; PeopleBusy.
    """
    refuse_ended(file)
    with opened(file) as path:
        found: Foreseen = READERS[FileKind(file.kind)].foresee(
            connection, file, path, mapping_of(file), author, now
        )
    return found


def import_file(work: Work) -> Mapping[str, Any]:
    """Import a file somebody handed in. Asked for: its number (`file`)."""
    work.say(0, 1)
    with transaction.atomic():
        file = _file(work.request.client_id, work.of(ImportFile).file, is_locked=True)
        refuse_ended(file)
        reader = READERS[FileKind(file.kind)]
        with opened(file) as path:
            change_id, told = reader.carry_out(
                work.connection, file, path, mapping_of(file), work.request.author, work.now
            )
        end(file, State.IMPORTED, now=work.now, change_id=change_id)
    work.say(1, 1)
    return {"file": file.pk, "change": change_id} | told


def take_back_import(work: Work) -> Mapping[str, Any]:
    """Take an import back. Asked for: its number (`file`) and the reason."""
    asked = work.of(TakeBackImport)
    file = _file(work.request.client_id, asked.file)
    if file.state != State.IMPORTED or file.change_id is None:
        raise FileNotTaken(
            f"file {file.pk}: expected one that changed something, found one that is {file.state}"
        )
    with transaction.atomic():
        told = _taken_back(work, file, asked.reason, work.request.author)
        file.state = str(State.TAKEN_BACK)
        file.save(update_fields=["state"])
    return {"file": file.pk} | told


def _taken_back(work: Work, file: HandedIn, reason: str, author: str) -> dict[str, Any]:
    change = int(file.change_id or 0)
    if file.kind == FileKind.CENSUS:
        done = take_back_facts(change, made_by=author, now=work.now)
        conflicts = done.conflicts.head(SHOWN_CONFLICTS).with_columns(pl.col("valid_from").cast(pl.String))
        return {
            "restored": done.restored,
            "withdrawn": done.withdrawn,
            "left": done.conflicts.height,
            "conflicts": conflicts.to_dicts(),
        }
    if file.kind == FileKind.OPENING:
        return openings.take_back(work.connection, file, reason=reason, author=author, now=work.now)
    if file.kind == FileKind.EVIDENCE:
        today = work.now.date()
        order = UndoOrder(
            client_id=file.client_id,
            as_of=today,
            begin=today.replace(month=1, day=1),
            through=today.replace(month=12, day=31),
            reason=reason,
            author=author,
            change_id=change,
        )
        undo_evidence(work.connection, order, now=work.now)
        return {}
    done_entry = take_back_entry(work.connection, change, reason=reason, author=author, now=work.now)
    return {"elections": done_entry.elections, "events": done_entry.events, "points": done_entry.points}


def ask_for(
    access: Access, kind: str, file: HandedIn, *, author: str, now: datetime, reason: str = ""
) -> ProcessRequest:
    """Ask the worker to import a file ("import file"), or to take the import back ("take back import").

    Errors: NotAllowed; FileNotTaken while that is being done already.
    """
    require(access, file.kind, file.client_id)
    if (open_one := request_of(file, is_open=True)) is not None:
        raise FileNotTaken(f"file {file.pk}: request {open_one.pk} about it is {open_one.state}; wait for it")
    asked = {"file": file.pk} | ({"reason": reason} if reason else {})
    return ask(access, kind, asked, client_id=file.client_id, author=author, now=now)


def request_of(file: HandedIn, *, is_open: bool = False) -> ProcessRequest | None:
    """Answer the last request about a file; the open one, if asked for."""
    found = ProcessRequest.objects.filter(
        client_id=file.client_id, kind__in=("import file", "take back import"), asked_for__file=file.pk
    )
    if is_open:
        found = found.exclude(state__in=[str(one) for one in ENDED])
    last: ProcessRequest | None = found.order_by("-pk").first()
    return last


def _file(client_id: int, number: int, *, is_locked: bool = False) -> HandedIn:
    found = HandedIn.objects.filter(pk=number, client_id=client_id)
    file: HandedIn | None = (found.select_for_update() if is_locked else found).first()
    if file is None:
        raise FileNotTaken("expected a file of this client, found none of that number; hand it in")
    return file


# --- the kinds ----------------------------------------------------------------------------------------------


def _census(file: HandedIn, path: Path, mapping: Mapping[str, str]) -> census.CensusPreview:
    return census.preview(
        file.client_id,
        path,
        as_of=date.fromisoformat(file.options["as_of"]),
        mapping=mapping,
        max_bad_share=float(file.options.get("max_bad_share", MAX_BAD_SHARE)),
    )


def _foresee_census(
    connection: Any, file: HandedIn, path: Path, mapping: Mapping[str, str], author: str, now: datetime
) -> Foreseen:
    del connection, author, now
    found = _census(file, path, mapping)
    refused = ""
    if found.is_refused:
        refused = (
            f"{found.bad_row_count} of {found.rows_read} rows are bad, more than {found.max_bad_share:.0%}:"
            " nothing of this file is taken; correct them, or look whether the columns are mapped right"
        )
    asked = found.asked.select(
        "row",
        column=pl.lit("employee_number"),
        expected=pl.lit("the same person, or another one"),
        found="reason",
        cure=pl.lit("nothing is written of this row; correct number, name or birth date"),
    ).cast(BAD_ROW)
    return Foreseen(
        rows_read=found.rows_read,
        counts=dict(found.people),
        bad_rows=pl.concat([found.bad_rows.cast(BAD_ROW), asked]),
        warnings=found.warnings.cast(BAD_ROW),
        differences=found.differences,
        unknown_headings=found.unknown_columns,
        refused=refused,
    )


def _import_census(
    connection: Any, file: HandedIn, path: Path, mapping: Mapping[str, str], author: str, now: datetime
) -> tuple[int | None, dict[str, Any]]:
    found = _census(file, path, mapping)
    way = Pipeline.SILENT if file.options.get("is_silent") else Pipeline.IMPORT
    with transaction.atomic(), arriving(connection, way):
        change = census.apply(found, made_by=author, now=now)
    return change.pk, {"people": dict(found.people), "bad_rows": found.bad_row_count}


def _told_of_elections(done: elections.EntryResult) -> dict[str, int]:
    return {"entered": done.entered, "unchanged": done.unchanged, "events": done.events_moved}


def _foresee_elections(
    connection: Any, file: HandedIn, path: Path, mapping: Mapping[str, str], author: str, now: datetime
) -> Foreseen:
    with given_up():
        done = elections.enter_file(
            connection, file.client_id, path, received_by=author, now=now, mapping=mapping
        )
    return _foreseen(done, _told_of_elections(done))


def _import_elections(
    connection: Any, file: HandedIn, path: Path, mapping: Mapping[str, str], author: str, now: datetime
) -> tuple[int | None, dict[str, Any]]:
    done = elections.enter_file(
        connection, file.client_id, path, received_by=author, now=now, mapping=mapping
    )
    return done.change_id, {**_told_of_elections(done), "bad_rows": done.bad_row_count}


def _told_of_takeover(done: takeover.TakeOverResult) -> dict[str, int]:
    return {
        "taken": done.taken,
        "corrected": done.corrected,
        "unchanged": done.unchanged,
        "approvals": done.approvals,
        "providers": done.providers,
    }


def _foresee_takeover(
    connection: Any, file: HandedIn, path: Path, mapping: Mapping[str, str], author: str, now: datetime
) -> Foreseen:
    with given_up():
        done = takeover.take_over(connection, file.client_id, path, now=now, made_by=author, mapping=mapping)
    return _foreseen(done, _told_of_takeover(done))


def _import_takeover(
    connection: Any, file: HandedIn, path: Path, mapping: Mapping[str, str], author: str, now: datetime
) -> tuple[int | None, dict[str, Any]]:
    done = takeover.take_over(connection, file.client_id, path, now=now, made_by=author, mapping=mapping)
    return done.change_id, {**_told_of_takeover(done), "bad_rows": done.bad_row_count}


def _foreseen(done: Any, counts: Mapping[str, int]) -> Foreseen:
    return Foreseen(
        rows_read=done.rows_read,
        counts=counts,
        bad_rows=done.bad_rows.cast(BAD_ROW),
        unknown_headings=done.unknown_headings,
    )


def _told_of_evidence(done: evidence_deciding.DecisionsFile) -> dict[str, int]:
    counted = dict(done.rows.group_by("kind").len().iter_rows())
    return {str(kind): counted.get(str(kind), 0) for kind in evidence_deciding.DECISIONS}


def _foresee_evidence(
    connection: Any, file: HandedIn, path: Path, mapping: Mapping[str, str], author: str, now: datetime
) -> Foreseen:
    done = evidence_deciding.decide_file(
        connection, file.client_id, path, author=author, now=now, mapping=mapping, is_preview=True
    )
    return _foreseen(done, _told_of_evidence(done))


def _import_evidence(
    connection: Any, file: HandedIn, path: Path, mapping: Mapping[str, str], author: str, now: datetime
) -> tuple[int | None, dict[str, Any]]:
    done = evidence_deciding.decide_file(
        connection, file.client_id, path, author=author, now=now, mapping=mapping
    )
    bad = done.bad_rows["row"].n_unique()
    return done.change_id, {**_told_of_evidence(done), "bad_rows": bad}


def _foresee_opening(
    connection: Any, file: HandedIn, path: Path, mapping: Mapping[str, str], author: str, now: datetime
) -> Foreseen:
    del path, mapping, author
    shown = openings.preview(connection, file, now=now)
    bad = shown.faults.rename({"place": "column"}).select(list(BAD_ROW)).cast(BAD_ROW)
    members = shown.counts["members"]
    return Foreseen(rows_read=members, counts=shown.counts, bad_rows=bad, refused=shown.refused)


def _plain_headings(columns: Sequence[str]) -> Callable[[Path], Mapping[str, str | None]]:
    return lambda path: stated_headings(path, columns)


READERS: dict[FileKind, Reader] = {
    FileKind.CENSUS: Reader(
        columns=census.COLUMNS,
        required=census.REQUIRED,
        headings=census_headings,
        foresee=_foresee_census,
        carry_out=_import_census,
    ),
    FileKind.ELECTIONS: Reader(
        columns=elections.ELECTION_FILE,
        required=elections.REQUIRED,
        headings=_plain_headings(elections.ELECTION_FILE),
        foresee=_foresee_elections,
        carry_out=_import_elections,
    ),
    FileKind.TAKEOVER: Reader(
        columns=takeover.TAKEOVER_FILE,
        required=takeover.REQUIRED_HEADINGS,
        headings=_plain_headings(takeover.TAKEOVER_FILE),
        foresee=_foresee_takeover,
        carry_out=_import_takeover,
    ),
    FileKind.EVIDENCE: Reader(
        columns=tuple(evidence_deciding.KINDS),
        required=evidence_deciding.REQUIRED,
        headings=_plain_headings(tuple(evidence_deciding.KINDS)),
        foresee=_foresee_evidence,
        carry_out=_import_evidence,
    ),
    FileKind.OPENING: Reader(
        columns=(),
        required=(),
        headings=lambda _path: {},
        foresee=_foresee_opening,
        carry_out=openings.carry_out,
    ),
}
