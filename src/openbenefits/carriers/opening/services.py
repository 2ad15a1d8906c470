"""Use cases: what a carrier's file would open a client with; doing it, all or nothing; taking it back."""

import logging
from collections.abc import Mapping as Words
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.carriers.opening.census_rows import census_cells
from openbenefits.carriers.opening.cover import Cover, cover_of
from openbenefits.carriers.opening.families import Families, families_of
from openbenefits.carriers.opening.from_834 import read_834
from openbenefits.carriers.opening.from_table import read_table
from openbenefits.carriers.opening.mapping import Mapping
from openbenefits.carriers.opening.meanings import meanings_of
from openbenefits.carriers.opening.stated import ASKED, FAULT, FINDING, LEFT, NOTED, Stated
from openbenefits.carriers.opening.writing import Written, census_of, coverage_of
from openbenefits.carriers.x12.reader import is_x12
from openbenefits.enrollment import continuing
from openbenefits.runs.taking_back_entries import TAKEOVER, take_back_entry
from openbenefits.store.trials import given_up
from openbenefits.workforce import census
from openbenefits.workforce.census.comparing import Known
from openbenefits.workforce.models import ChangeSet
from openbenefits.workforce.undo import take_back as take_back_facts

ROUNDS = 4
"""How often what only writing finds out may leave out further families."""

log = logging.getLogger(__name__)


class OpeningRefused(ValueError):
    """A file that opens nothing: why, and what to change."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a file would open a client with. Nothing is written.

    counts: members, families, new, changed, same, dependents, lines, points, continued (lines of members
    under COBRA), known_coverage, and findings by level. Missing: refused is empty where the file can be
    taken; opened_before is the change the same file made, and that stands.

    Shapes: people has row, family, employee_number, record, name, state (new, changed, same, fault, asked,
            left); codes has insurance, plan, tier, lines, plan_type, ours; differences has row, fact, field,
            before, after, is_taken; findings as FINDING.
    """

    client_id: int
    name: str
    fingerprint: str
    unit: str
    refused: str
    opened_before: int | None
    counts: Words[str, int]
    people: pl.DataFrame = field(repr=False)
    codes: pl.DataFrame = field(repr=False)
    differences: pl.DataFrame = field(repr=False)
    findings: pl.DataFrame = field(repr=False)

    @property
    def faults(self) -> pl.DataFrame:
        """Answer what keeps families from being taken."""
        return self.findings.filter(pl.col("level").is_in([FAULT, ASKED]))

    @property
    def is_whole(self) -> bool:
        """Tell whether everything in force would be taken."""
        return not self.refused and self.faults.is_empty()


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What came of opening a client: the change of facts, that of coverage (null: none), what was shown."""

    preview: Preview = field(repr=False)
    change_id: int
    coverage_change_id: int | None


@dataclass(frozen=True, kw_only=True)
class TakenBack:
    """What taking back did: facts withdrawn or restored, points and continuations that hold no longer.

    conflicts: edits left alone.
    """

    withdrawn: int
    restored: int
    points: int
    continued: int
    conflicts: int


def preview(
    connection: Any, client_id: int, data: bytes, file_name: str, mapping: Mapping, *, on: date, now: datetime
) -> Preview:
    """Say what a file would open a client with: tried for real, and given up.

    Errors: X12Refused, FileRefused, MappingRefused for a file that cannot be read as a whole; PeopleBusy.
    """
    stated = read(file_name, data, mapping)
    with given_up():
        return _carried_out(connection, client_id, stated, mapping, "preview", on, now)[0]


def open_client(
    connection: Any,
    client_id: int,
    data: bytes,
    file_name: str,
    mapping: Mapping,
    *,
    author: str,
    on: date,
    now: datetime,
    is_partial: bool = False,
) -> Opened:
    """Open or fill a client with what a file says is in force: everything, or nothing.

    is_partial: families with faults are left out whole, instead of refusing the file.
    Errors: OpeningRefused; and as `preview`.
    """
    stated = read(file_name, data, mapping)
    with transaction.atomic():
        shown, written = _carried_out(connection, client_id, stated, mapping, author, on, now)
        if written is None or shown.refused:
            raise OpeningRefused(f"{shown.name}: {shown.refused}")
        if not is_partial:
            _refuse_faults(shown)
    log.info("client %d opened: %s", client_id, dict(shown.counts))
    return Opened(preview=shown, change_id=written.change_id, coverage_change_id=written.coverage_change_id)


def read(file_name: str, data: bytes, mapping: Mapping) -> Stated:
    """Read a file of either kind: an 834, or a census by the table of the mapping.

    Errors: X12Refused, FileRefused, MappingRefused.
    """
    if is_x12(data):
        return read_834(file_name, data, amount_from=mapping.amount_from)
    return read_table(file_name, data, mapping)


def take_back(
    connection: Any, client_id: int, change_id: int, *, reason: str, author: str, now: datetime
) -> TakenBack:
    """Undo an opening whole: coverage first, then facts. What somebody edited since stays, and is counted.

    Errors: OpeningRefused; ActRefused where runs have built on it; PeopleBusy.
    """
    with transaction.atomic():
        facts = ChangeSet.objects.filter(pk=change_id, client_id=client_id, kind="census").first()
        if facts is None:
            raise OpeningRefused(f"change {change_id}: expected an opening of this client, found none")
        continued = sum(
            continuing.take_back(connection, one, author=author, now=now)
            for one in _beside(facts, continuing.KIND_OF_CHANGE)
        )
        points = 0
        for change in _beside(facts, TAKEOVER):
            done = take_back_entry(connection, change.pk, reason=reason, author=author, now=now)
            points += done.points
        told = take_back_facts(facts.pk, made_by=author, now=now)
    return TakenBack(
        withdrawn=told.withdrawn,
        restored=told.restored,
        points=points,
        continued=continued,
        conflicts=told.conflicts.height,
    )


def _beside(facts: ChangeSet, kind: str) -> list[ChangeSet]:
    """Find the coverage, or the continuation, the same act brought."""
    found = ChangeSet.objects.filter(
        client_id=facts.client_id, kind=kind, fingerprint=facts.fingerprint, made_at=facts.made_at
    )
    undone = ChangeSet.objects.filter(undoes__isnull=False).values("undoes_id")
    return list(found.exclude(pk__in=undone))


def opened_before(client_id: int, fingerprint: str) -> int | None:
    """Answer the change by which the very same file opened the client, and that stands."""
    undone = ChangeSet.objects.filter(undoes__isnull=False).values("undoes_id")
    found = ChangeSet.objects.filter(client_id=client_id, kind="census", fingerprint=fingerprint)
    last: ChangeSet | None = found.exclude(pk__in=undone).order_by("-pk").first()
    return last.pk if last else None


# --- carrying out -------------------------------------------------------------------------------------------


def _carried_out(
    connection: Any, client_id: int, stated: Stated, mapping: Mapping, author: str, on: date, now: datetime
) -> tuple[Preview, Written | None]:
    """Write what can be taken; say what was, and what was not.

    What only writing finds out leaves out the families it is about, and what was written goes back first.
    """
    before = opened_before(client_id, stated.fingerprint)
    families = families_of(stated, mapping, Known.load(client_id).people, on=on)
    cells = census_cells(families, stated.identifiers, stated.lines, mapping)
    meanings = meanings_of(connection, client_id, mapping, stated.lines)
    cover = cover_of(stated, families, meanings, mapping, _programs(families, cells, mapping), on)
    found = pl.concat([families.findings, cover.findings])
    work = _Work(connection, client_id, stated, mapping, families, cells, cover, author, on, now)
    written = None
    for _ in range(ROUNDS):
        written, more = work.tried(found)
        if more.is_empty():
            break
        found = pl.concat([found, more])
        if more.filter(pl.col("level").is_in([FAULT, ASKED])).is_empty():
            break
    return work.preview(found, written, before), written


def _programs(families: Families, cells: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Say which program each family is in; null: nobody said."""
    heads = families.people.filter("is_subscriber").unique("family", keep="first")
    of = heads.select("row", "family").join(cells, on="row", how="left")
    if mapping.program_by:
        program = pl.col(mapping.program_by).replace_strict(
            mapping.programs, default=None, return_dtype=pl.String
        )
    else:
        program = pl.lit(mapping.program or None, pl.String)
    return of.select("family", program=program)


@dataclass(frozen=True)
class _Work:
    """One opening under way."""

    connection: Any
    client_id: int
    stated: Stated
    mapping: Mapping
    families: Families
    cells: pl.DataFrame
    cover: Cover
    author: str
    on: date
    now: datetime

    def tried(self, found: pl.DataFrame) -> tuple[Written | None, pl.DataFrame]:
        """Write the families without a fault; where that finds faults, nothing of it stays."""
        bad = self.bad_families(found)
        cells = self._good(self.cells, bad)
        if cells.is_empty():
            return None, found.clear()
        with transaction.atomic():
            facts = census_of(self.client_id, self._file(cells), self.mapping, on=self.on)
            if facts.findings.filter(level=FAULT).height + facts.findings.filter(level=ASKED).height:
                return None, facts.findings
            written, more = coverage_of(
                *(self.connection, self.client_id, facts, self.cover, self.families.people),
                *(self.author, self.now),
            )
            if more.filter(level=FAULT).height:
                transaction.set_rollback(True)
                return None, more
        return written, pl.concat([facts.findings, more])

    def bad_families(self, found: pl.DataFrame) -> pl.Series:
        """Answer the families that are not taken whole."""
        rows = found.filter(pl.col("level").is_in([FAULT, ASKED])).select("row").unique()
        lines = self.stated.lines.select("row", at="member")
        places = self.families.of_row.select("row", "family")
        of_people = rows.join(places, on="row")["family"]
        of_lines = rows.join(lines, on="row").join(places, left_on="at", right_on="row")["family"]
        return pl.concat([of_people, of_lines]).drop_nulls().unique()

    def _good(self, cells: pl.DataFrame, bad: pl.Series) -> pl.DataFrame:
        places = self.families.of_row.filter(~pl.col("family").is_in(bad.implode()))
        named = self.families.people.filter(
            pl.col("last_name").is_not_null() & pl.col("word").is_not_null() & pl.col("family").is_not_null()
        )
        good = places.join(named.select("row"), on="row", how="semi")
        return cells.join(good, on="row", how="semi", maintain_order="left")

    def _file(self, cells: pl.DataFrame) -> census.CensusFile:
        headings = census.recognise(list(census.REQUIRED))
        return census.CensusFile(
            name=self.stated.name, fingerprint=self.stated.fingerprint, headings=headings, cells=cells
        )

    def preview(self, found: pl.DataFrame, written: Written | None, before: int | None) -> Preview:
        """Put together what is shown."""
        found = found.unique(maintain_order=True).sort("row", "place", maintain_order=True)
        refused = self.stated.refused
        if not refused and before is not None:
            refused = f"this very file opened the client by change {before}; take that back first"
        if not refused and written is None:
            refused = "expected somebody to be taken, found nobody; see what was found"
        people = self._people(found, written)
        states = dict(people.filter(record="employee").group_by("state").len().iter_rows())
        return Preview(
            client_id=self.client_id,
            name=self.stated.name,
            fingerprint=self.stated.fingerprint,
            unit=self.stated.unit,
            refused=refused,
            opened_before=before,
            counts={
                "members": self.stated.people.height,
                "families": self.stated.people["family"].drop_nulls().n_unique(),
                **{state: states.get(state, 0) for state in ("new", "changed", "same")},
                "dependents": people.filter(
                    pl.col("state").is_in(["new", "changed", "same"]), record="dependent"
                ).height,
                "lines": self.stated.lines.height,
                "points": written.points if written else 0,
                "continued": written.continued if written else 0,
                "known_coverage": written.unchanged if written else 0,
                **{f"{level}s": found.filter(level=level).height for level in (FAULT, ASKED, LEFT, NOTED)},
            },
            people=people,
            codes=self.cover.codes,
            differences=written.differences if written else _no_differences(),
            findings=found.select(list(FINDING)),
        )

    def _people(self, found: pl.DataFrame, written: Written | None) -> pl.DataFrame:
        """List everybody the file names, with what becomes of him."""
        bad = self.bad_families(found)
        left = found.filter(level=LEFT)["row"]
        asked = self.bad_families(found.filter(level=ASKED))
        states = written.states if written else pl.DataFrame(schema={"row": pl.Int32, "done": pl.String})
        numbers = self.families.people.select("row", "employee_number")
        state = (
            pl.when(pl.col("row").is_in(left.implode()))
            .then(pl.lit(LEFT))
            .when(pl.col("family").is_in(asked.implode()))
            .then(pl.lit(ASKED))
            .when(pl.col("family").is_in(bad.implode()) | pl.col("family").is_null())
            .then(pl.lit(FAULT))
            .otherwise(pl.col("done").fill_null(LEFT))
        )
        rows = self.families.of_row.filter(pl.col("row") == pl.col("member")).select("row")
        everybody = self.stated.people.join(rows, on="row", how="semi").join(numbers, on="row", how="left")
        return (
            everybody.join(states, on="row", how="left", maintain_order="left")
            .select(
                "row",
                "family",
                "employee_number",
                record=pl.when("is_subscriber").then(pl.lit("employee")).otherwise(pl.lit("dependent")),
                name=pl.concat_str("first_name", "last_name", separator=" ", ignore_nulls=True),
                state=state,
            )
            .sort("row")
        )


def _no_differences() -> pl.DataFrame:
    text = dict.fromkeys(("fact", "field", "before", "after"), pl.String)
    return pl.DataFrame(schema={"row": pl.Int32, **text, "is_taken": pl.Boolean})


def _refuse_faults(shown: Preview) -> None:
    """Refuse what cannot be taken whole."""
    if shown.faults.is_empty():
        return
    first = shown.faults.row(0, named=True)
    raise OpeningRefused(
        f"{shown.name}: {shown.faults.height} faults keep families from being taken, the first in"
        f" {shown.unit} {first['row']}: expected {first['expected']}; correct them, or take the rest alone"
    )
