"""Preview and apply: what a census would change, then exactly that, as one change that can be taken back."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl
from django.db import transaction

from openbenefits.accounts.numbers import first_numbers
from openbenefits.store import secrets
from openbenefits.workforce.census import bases, checks
from openbenefits.workforce.census import cells as reader
from openbenefits.workforce.census.columns import read_mapping
from openbenefits.workforce.census.comparing import Known, Plan
from openbenefits.workforce.census.reading import CensusFile, CensusRefused, read
from openbenefits.workforce.models import ChangeSet, Client, Person
from openbenefits.workforce.recording import (
    DEPENDENTS,
    FactFrames,
    lock_people,
    record_facts,
)
from openbenefits.workforce.services import add_dependents, add_people

MAX_BAD_SHARE = 0.25

log = logging.getLogger(__name__)


class PreviewOutdated(RuntimeError):
    """The facts have changed since the preview; preview the file again."""


@dataclass(frozen=True, kw_only=True)
class CensusPreview:
    """What a census would do. Nothing is written yet.

    Shapes: `bad_rows` and `warnings` have row, column, expected, found (a shape, never a value) and cure;
            `asked` has row, employee_number and reason; `differences` has fact, row, field, before, after;
            `field_counts` has field and people. The planned facts hold personal data and are not shown.
    """

    client_id: int
    file: CensusFile
    as_of: date
    rows_read: int
    bad_rows: pl.DataFrame
    warnings: pl.DataFrame
    asked: pl.DataFrame
    people: Mapping[str, int]  # new, changed, same, asked
    differences: pl.DataFrame
    field_counts: pl.DataFrame
    max_bad_share: float
    facts: FactFrames = field(repr=False)
    new_people: pl.DataFrame = field(repr=False)
    new_dependents: pl.DataFrame = field(repr=False)

    @property
    def unknown_columns(self) -> list[str]:
        return list(self.file.headings.unknown)

    @property
    def bad_row_count(self) -> int:
        return self.bad_rows["row"].n_unique()

    @property
    def is_refused(self) -> bool:
        """Too many bad rows: the file is probably not what it is taken for."""
        return self.bad_row_count > self.max_bad_share * self.rows_read


def preview(
    client_id: int,
    file: Path,
    *,
    as_of: date,
    mapping: Mapping[str, str] | Path | None = None,
    max_bad_share: float = MAX_BAD_SHARE,
) -> CensusPreview:
    """Compare a census with what is known; write nothing.

    Changes of what is known hold from `as_of`, job rows from their effective date, new people from hire.

    Errors: CensusRefused for a file that cannot be read as a census.
    """
    given = read_mapping(mapping) if isinstance(mapping, Path) else mapping
    return compare(client_id, read(Path(file), given), as_of=as_of, max_bad_share=max_bad_share)


def compare(
    client_id: int, file: CensusFile, *, as_of: date, max_bad_share: float = MAX_BAD_SHARE
) -> CensusPreview:
    """Compare a census that was read already, or cells made from a file of another shape; write nothing."""
    found = _preview(client_id, file, as_of, max_bad_share)
    log.info(
        "census %s: %d rows, %d bad, %s",
        found.file.name,
        found.rows_read,
        found.bad_row_count,
        dict(found.people),
    )
    return found


def apply(preview: CensusPreview, *, made_by: str, now: datetime) -> ChangeSet:
    """Write what the preview shows: all good rows, as one change.

    Errors: CensusRefused above the share of bad rows; PreviewOutdated; PeopleBusy.
    """
    if preview.is_refused:
        raise CensusRefused(
            f"{preview.file.name}: {preview.bad_row_count} of {preview.rows_read} rows are bad, more than"
            f" {preview.max_bad_share:.0%}; correct them, or raise the limit"
        )
    with transaction.atomic():
        Client.objects.select_for_update(no_key=True).get(
            pk=preview.client_id
        )  # one import of a client at a time
        known = preview.facts.person_ids()
        lock_people(preview.client_id, known.filter(known > 0))
        again = _preview(preview.client_id, preview.file, preview.as_of, preview.max_bad_share)
        _refuse_outdated(preview, again)
        return record_facts(
            preview.client_id,
            _keyed(again),
            kind="census",
            label=preview.file.name,
            made_by=made_by,
            now=now,
            fingerprint=preview.file.fingerprint,
        )


def _preview(client_id: int, file: CensusFile, as_of: date, max_bad_share: float) -> CensusPreview:
    cells, renumbered = _under_first_numbers(client_id, file.cells)
    values = _hashed(checks.completed(reader.values_of(cells)))
    faults = pl.concat(
        [
            reader.unreadable(cells, values),
            checks.row_faults(cells, values, as_of),
            checks.file_faults(cells, values, as_of),
            bases.base_faults(cells, values),
            reader.padded(cells),
            renumbered,
        ]
    )
    known = Known.load(client_id)
    plan = Plan.make(cells, values, faults.filter(~pl.col("is_warning")), known, as_of)
    differences = pl.concat([part.differences for part in plan.parts.values()])
    bad = _sorted(plan.bad)
    shown = faults.filter(pl.col("is_warning")).join(bad, on="row", how="anti")
    return CensusPreview(
        client_id=client_id,
        file=file,
        as_of=as_of,
        rows_read=cells.height,
        bad_rows=bad,
        warnings=_sorted(shown),
        asked=plan.asked,
        people=plan.counts(),
        differences=differences,
        field_counts=differences.group_by("field").agg(people=pl.col("row").n_unique()).sort("field"),
        max_bad_share=max_bad_share,
        facts=FactFrames(**{name: part.facts for name, part in plan.parts.items()}),
        new_people=plan.new_people,
        new_dependents=plan.new_dependents,
    )


def _under_first_numbers(client_id: int, cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Let rows under the number of somebody who was merged be about who stays, and warn of each."""
    firsts = first_numbers(client_id)
    ids = {*firsts, *firsts.values()}
    numbers = dict(Person.objects.filter(pk__in=ids).values_list("pk", "employee_number"))
    stays = {numbers[one]: numbers[first] for one, first in firsts.items()}
    is_merged = cells["employee_number"].is_in(list(stays))
    expected, cure = "the number that stays of two that were merged", "taken as that one; correct the source"
    told = reader.warnings(cells, is_merged, "employee_number", expected, cure)
    return cells.with_columns(pl.col("employee_number").replace(stays)), told


def _hashed(values: pl.DataFrame) -> pl.DataFrame:
    return values.with_columns(ssn_hash=secrets.hash_ssn(values["ssn"]).bin.encode("hex"))


def _sorted(found: pl.DataFrame) -> pl.DataFrame:
    return found.drop("is_warning").sort("row", "column", maintain_order=True)


def _refuse_outdated(preview: CensusPreview, again: CensusPreview) -> None:
    """Refuse to write anything but what was shown."""
    shown, now = dict(preview.facts.stated()), dict(again.facts.stated())
    is_same = shown.keys() == now.keys() and all(shown[table].equals(now[table]) for table in shown)
    if not (is_same and preview.people == again.people and preview.asked.equals(again.asked)):
        raise PreviewOutdated(
            f"{preview.file.name}: the facts have changed since the preview; preview it again"
        )


def _keyed(preview: CensusPreview) -> FactFrames:
    """Create the new people and dependents, put their keys into the facts, and seal the SSNs."""
    numbers = add_people(preview.client_id, preview.new_people["employee_number"])
    people = preview.new_people.select(place="person_id").with_columns(key=numbers["person_id"])
    dependents = preview.new_dependents.with_columns(person_id=_with_keys("person_id", people))
    keys = add_dependents(preview.client_id, dependents.select("person_id", "number"))
    children = preview.new_dependents.select(place="dependent_id").with_columns(key=keys["dependent_id"])
    named = {
        "person": "persons",
        "address": "addresses",
        "job": "jobs",
        "dependent": "dependents",
        "benefit_base": "benefit_bases",
    }
    keyed = {
        named[table.fact]: _sealed(
            frame.with_columns(
                _with_keys("person_id", people),
                *([_with_keys("dependent_id", children)] if table is DEPENDENTS else []),
            )
        )
        for table, frame in preview.facts.stated()
    }
    return FactFrames(**keyed)


def _with_keys(column: str, keys: pl.DataFrame) -> pl.Expr:
    return pl.col(column).replace(keys["place"], keys["key"])


def _sealed(frame: pl.DataFrame) -> pl.DataFrame:
    """Put the sealed SSN in the place of the one stated; where none is stated, the known one stays."""
    if "ssn" not in frame.columns:
        return frame
    sealed = secrets.encrypt_ssn(frame["ssn"])
    return frame.with_columns(ssn_sealed=sealed.zip_with(sealed.is_not_null(), frame["ssn_sealed"])).drop(
        "ssn"
    )
