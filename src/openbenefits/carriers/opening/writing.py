"""Writes an opening through the ways there are: facts as a census, coverage as a take-over."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.carriers.opening.cover import Cover
from openbenefits.carriers.opening.mapping import Mapping
from openbenefits.carriers.opening.stated import ASKED, FAULT, FINDING, LEFT, NOTED, no_findings
from openbenefits.enrollment.continuing import COLUMNS, take_in_cells
from openbenefits.enrollment.entry_cells import CellFile
from openbenefits.enrollment.takeover import TAKEOVER_FILE, take_over_cells
from openbenefits.store import secrets
from openbenefits.workforce import census
from openbenefits.workforce.census.columns import JOB_CODES
from openbenefits.workforce.census.comparing import Known
from openbenefits.workforce.census.matching import match_dependents
from openbenefits.workforce.census.planning import (
    ADDRESS_CELLS,
    DEPENDENT_CELLS,
    HIDDEN,
    JOB_CELLS,
    PERSON_CELLS,
)

OPTIONAL = ("state", "zip", "email", "weekly_hours", "annual_pay", "full_part_time", *JOB_CODES)
"""Cells without which somebody is taken all the same, if they cannot be read."""
EVERYTHING = 1.0


@dataclass(frozen=True, kw_only=True)
class Facts:
    """People as they are to be written. differences: row, fact, field, before, after, is_taken."""

    preview: census.CensusPreview
    differences: pl.DataFrame
    findings: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written. states: row and done (new, changed, same) of everybody taken."""

    change_id: int
    coverage_change_id: int | None
    points: int
    continued: int
    unchanged: int
    differences: pl.DataFrame
    states: pl.DataFrame


def census_of(client_id: int, file: census.CensusFile, mapping: Mapping, *, on: date) -> Facts:
    """Compare the people of a file with those known, and settle what becomes of what differs.

    What cannot be read and may be blank is left blank; of people known, only blanks are filled, unless the
    mapping says that the carrier's word corrects ours.
    """
    first = census.compare(client_id, file, as_of=on, max_bad_share=EVERYTHING)
    cells, noted = _without_unreadable(file.cells, first.bad_rows)
    differences = _told(first.differences)
    if mapping.known == "fill":
        cells = _kept(cells, differences)
        differences = differences.with_columns(is_taken=pl.col("before").is_null())
    shown = census.CensusFile(
        name=file.name, fingerprint=file.fingerprint, headings=file.headings, cells=cells
    )
    is_same = cells.equals(file.cells)
    second = first if is_same else census.compare(client_id, shown, as_of=on, max_bad_share=EVERYTHING)
    bad = second.bad_rows.select(
        "row",
        place="column",
        code=pl.lit("facts"),
        level=pl.lit(FAULT),
        expected="expected",
        found="found",
        cure="cure",
    )
    asked = second.asked.select(
        "row",
        place=pl.lit("NM1"),
        code=pl.lit("who is it"),
        level=pl.lit(ASKED),
        expected=pl.lit("the same person, or another one"),
        found="reason",
        cure=pl.lit("correct number, name or birth date here or there"),
    )
    found = pl.concat([noted, _finding(bad), _finding(asked)])
    return Facts(preview=second, differences=differences, findings=found)


def _finding(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.col(name).cast(kind) for name, kind in FINDING.items())


def _without_unreadable(cells: pl.DataFrame, bad: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Blank the cells that cannot be read and need not be there; say so."""
    rows = bad.filter(pl.col("column").is_in(OPTIONAL))
    for (column,), part in rows.group_by("column"):
        name = str(column)
        blank = pl.col("row").is_in(part["row"].implode())
        cells = cells.with_columns(pl.when(~blank).then(pl.col(name)).alias(name))
    noted = rows.select(
        "row",
        place="column",
        code=pl.lit("left blank"),
        level=pl.lit(NOTED),
        expected="expected",
        found="found",
        cure=pl.lit("fill it in here"),
    )
    return cells, _finding(noted)


def _told(differences: pl.DataFrame) -> pl.DataFrame:
    """Leave out what differs in letters and marks only."""
    bare = [
        pl.col(name).str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]", "") for name in ("before", "after")
    ]
    same = (bare[0] == bare[1]).fill_null(value=False) & (pl.col("before") != HIDDEN)
    rows = differences.with_columns(is_taken=pl.lit(value=True), is_spelling=same)
    return rows.select("row", "fact", "field", "before", "after", "is_taken", "is_spelling")


def _kept(cells: pl.DataFrame, differences: pl.DataFrame) -> pl.DataFrame:
    """Put what is known here in the place of what a file says otherwise; jobs of people known stay."""
    names = {
        "person": PERSON_CELLS,
        "address": ADDRESS_CELLS,
        "dependent": DEPENDENT_CELLS,
        "job": JOB_CELLS,
    }
    held = differences.filter(pl.col("before").is_not_null())
    for (fact, field), part in held.group_by("fact", "field"):
        cell = names.get(str(fact), {}).get(str(field))
        if cell is None:
            continue
        is_bare = fact == "job" or field == "ssn"
        mine = part.select("row", mine=pl.lit(None, pl.String) if is_bare else pl.col("before"))
        cells = cells.join(
            mine.unique("row").with_columns(is_mine=True), on="row", how="left", maintain_order="left"
        )
        cells = cells.with_columns(pl.when("is_mine").then("mine").otherwise(pl.col(cell)).alias(cell))
        cells = cells.drop("mine", "is_mine")
    return cells


# --- coverage -----------------------------------------------------------------------------------------------


def coverage_of(
    connection: Any,
    client_id: int,
    facts: Facts,
    cover: Cover,
    people: pl.DataFrame,
    author: str,
    now: datetime,
) -> tuple[Written, pl.DataFrame]:
    """Write people, their coverage, and what of it continues; answer what was written and what was not."""
    change = census.apply(facts.preview, made_by=author, now=now)
    file = facts.preview.file
    mine = people.join(file.cells.select("row"), on="row", how="semi", maintain_order="left")
    numbers = _dependent_numbers(client_id, mine)
    families = mine.select("family").unique()
    rows = _takeover_rows(cover.points.join(families, on="family", how="semi"), mine, numbers)
    cells = _cell_file(file, rows.select("row", *TAKEOVER_FILE))
    done = take_over_cells(connection, client_id, cells, now=now, made_by=author)
    going = cover.continued.join(families, on="family", how="semi", maintain_order="left")
    untaken = rows.join(done.bad_rows, on="row", how="semi").select("family", "plan_type")
    going = going.join(untaken, on=["family", "plan_type"], how="anti", maintain_order="left")
    also = _continued_rows(going, mine, numbers)
    cells = _cell_file(file, also.select("row", *COLUMNS))
    kept = take_in_cells(connection, client_id, cells, now=now, made_by=author, is_filling=True)
    found = pl.concat([_finding_of(done.bad_rows, rows, mine), _finding_of(kept.bad_rows, also, mine)])
    written = Written(
        change_id=change.pk,
        coverage_change_id=done.change_id,
        points=done.taken,
        continued=kept.taken,
        unchanged=done.unchanged,
        differences=facts.differences.filter(~pl.col("is_spelling")).drop("is_spelling"),
        states=_states(facts.preview, mine),
    )
    return written, found


def _cell_file(file: census.CensusFile, cells: pl.DataFrame) -> CellFile:
    return CellFile(name=file.name, fingerprint=file.fingerprint, unknown_headings=(), cells=cells)


def _dependent_numbers(client_id: int, people: pl.DataFrame) -> pl.DataFrame:
    """Find the numbers dependents have here: member (their row) and number."""
    known = Known.load(client_id)
    owners = known.people.select("person_id", "employee_number")
    mine = people.filter(~pl.col("is_subscriber")).join(owners, on="employee_number", maintain_order="left")
    stated = mine.select(
        "person_id",
        "first_name",
        "birth_on",
        member="row",
        number=pl.lit(None, pl.Int16),
        ssn_hash=secrets.hash_ssn(mine["ssn"]).bin.encode("hex"),
    )
    latest = known.dependents.sort("valid_from").unique("dependent_id", keep="last", maintain_order=True)
    matched = match_dependents(stated, latest)
    numbers = latest.select("dependent_id", known_number="number")
    return matched.join(numbers, on="dependent_id").select("member", number="known_number")


def _takeover_rows(points: pl.DataFrame, people: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """Write points as the rows of a take-over file; `at` is the place in the carrier's file."""
    owners = people.filter("is_subscriber").select("family", "employee_number").unique("family")
    rows = points.join(owners, on="family", maintain_order="left").with_row_index("n", offset=1)
    named = rows.select("n", member="members").explode("member", empty_as_null=False)
    listed = (
        named.join(numbers, on="member")
        .sort("number")
        .group_by("n")
        .agg(dependents=pl.col("number").cast(pl.String).str.join(" "))
    )
    rows = rows.join(listed, on="n", how="left", maintain_order="left")
    cents = pl.col("amount_cents")
    stated = {
        "employee_number": pl.col("employee_number"),
        "plan_type": pl.col("plan_type"),
        "option": pl.col("option"),
        "begins_on": pl.col("begins_on").cast(pl.String),
        "dependents": pl.col("dependents"),
        "waived": pl.when("is_waived").then(pl.lit("Y")).otherwise(pl.lit("N")),
        "program": pl.col("program"),
        "coverage_amount": pl.when(cents.is_not_null()).then(
            pl.format("{}.{}", cents // 100, (cents % 100).cast(pl.String).str.zfill(2))
        ),
    }
    blank = pl.lit(None, pl.String)
    return rows.select(
        pl.col("n").cast(pl.Int32).alias("row"),
        "family",
        at="row",
        **{name: stated.get(name, blank) for name in TAKEOVER_FILE},
    )


def _continued_rows(continued: pl.DataFrame, people: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """Write what continues as the rows of a file of who elected; `at` is the place in the carrier's file."""
    owners = people.filter("is_subscriber").select("family", "employee_number").unique("family")
    rows = continued.join(owners, on="family", maintain_order="left")
    rows = rows.join(numbers, on="member", how="left", maintain_order="left").with_row_index("n", offset=1)
    stated = {
        "employee_number": pl.col("employee_number"),
        "dependent": pl.col("number").cast(pl.String),
        "plan_type": pl.col("plan_type"),
        "begins_on": pl.col("begins_on").cast(pl.String),
        "paid_through": pl.col("through_on").cast(pl.String),
    }
    blank = pl.lit(None, pl.String)
    return rows.select(
        pl.col("n").cast(pl.Int32).alias("row"),
        "family",
        at="row",
        **{name: stated.get(name, blank) for name in COLUMNS},
    )


def _finding_of(bad: pl.DataFrame, rows: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Say what is wrong with coverage at its place in the carrier's file.

    What an event has decided here is let be: a carrier that differs is a matter of an audit.
    """
    if bad.is_empty():
        return no_findings()
    heads = people.filter("is_subscriber").select("family", head="row").unique("family")
    placed = bad.join(rows.select("row", "at", "family"), on="row").join(heads, on="family")
    decided = pl.col("found") == "an event wrote this timeline"
    return placed.select(
        pl.coalesce("at", "head").cast(pl.Int32).alias("row"),
        place="column",
        code=pl.when(decided).then(pl.lit("decided here")).otherwise(pl.lit("coverage")),
        level=pl.when(decided).then(pl.lit(LEFT)).otherwise(pl.lit(FAULT)),
        expected="expected",
        found="found",
        cure="cure",
    )


def _states(preview: census.CensusPreview, people: pl.DataFrame) -> pl.DataFrame:
    """Say of everybody who was written whether he is new, changed or the same."""
    new = preview.new_people["employee_number"]
    changed = preview.differences["row"].unique()
    children = _new_rows(preview, people)
    is_new = (
        pl.when("is_subscriber")
        .then(pl.col("employee_number").is_in(new.implode()))
        .otherwise(pl.col("row").is_in(children.implode()))
    )
    done = pl.when(is_new).then(pl.lit("new")).when(pl.col("row").is_in(changed.implode()))
    return people.select("row", done=done.then(pl.lit("changed")).otherwise(pl.lit("same")))


def _new_rows(preview: census.CensusPreview, people: pl.DataFrame) -> pl.Series:
    """Find the rows of dependents who are new."""
    facts = preview.facts.dependents
    if facts is None or facts.is_empty():
        return pl.Series("row", [], pl.Int32)
    new = facts.filter(pl.col("dependent_id") < 0)
    owners = preview.new_people.select("person_id", "employee_number")
    known = Known.load(preview.client_id).people.select("person_id", "employee_number")
    named = new.join(pl.concat([owners, known]), on="person_id")
    keys = ["employee_number", "first_name", "birth_on"]
    mine = people.filter(~pl.col("is_subscriber"))
    return mine.join(named.select(keys).unique(), on=keys, how="semi", nulls_equal=True)["row"]
