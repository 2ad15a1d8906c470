"""Taking over what a previous system knows: the coverage in force, as change points of the timeline.

Taken-over points name no event. A corrected file supersedes the points it corrects, as long as no event has
said anything about that plan type; from then on an event changes what holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.bad_rows import faults, missing, repeated, unreadable
from openbenefits.core.cells import values_of
from openbenefits.core.codes import ChangeKind
from openbenefits.enrollment import models
from openbenefits.enrollment.entry_cells import kinds_of, read_cells
from openbenefits.enrollment.entry_rows import (
    as_stored,
    chosen_dependents,
    invested,
    people_of,
    unknown_dependents,
    with_contents,
    with_people,
    with_stored_contents,
)
from openbenefits.enrollment.frames import (
    POINT,
    load_coverage,
    load_covered_dependents,
    load_covered_funds,
    load_decisions,
    load_latest_versions,
)
from openbenefits.enrollment.rules.timeline import POINT_KEY
from openbenefits.programs.frames import load_setup
from openbenefits.store.bulk import copy_in, update_from
from openbenefits.workforce.frames import load_jobs
from openbenefits.workforce.models import ChangeSet

TAKEOVER_FILE = (
    *("employee_number", "benefit_record", "plan_type", "option", "begins_on", "deduction_begins_on"),
    *("coverage_amount", "approved_amount", "annual_pledge", "percent", "dependents", "funds", "waived"),
    "program",  # option codes are unique within a program only
)
REQUIRED = ("employee_number", "plan_type", "begins_on")
REQUIRED_HEADINGS = (*REQUIRED, "option", "program")
KINDS = kinds_of(*TAKEOVER_FILE)

RULE = "take-over"
CONTENT = (
    *("kind", "program_id", "option_id", "coverage_cents", "pledge_cents", "percent_thousandths"),
    *("deduction_begins_on", "members", "allocation"),
)
NO_RUN = 0
CODES_SHOWN = 20

DECISION_KEY = ("client_id", "person_id", "plan_type", "valid_from")


@dataclass(frozen=True, kw_only=True)
class TakeOverResult:
    """What came of taking a file over.

    Shapes: bad_rows has row, column, expected, found (the shape of a cell, never its text), cure.
    """

    rows_read: int
    taken: int  # change points written
    corrected: int  # points of an earlier take-over that some of them supersede
    unchanged: int  # said nothing new
    approvals: int  # proof decisions written
    change_id: int | None  # null: nothing was written
    bad_rows: pl.DataFrame
    unknown_headings: Sequence[str] = ()

    @property
    def bad_row_count(self) -> int:
        return self.bad_rows["row"].n_unique()


def take_over(connection: Any, client_id: int, path: Path, *, now: datetime, made_by: str) -> TakeOverResult:
    """Take over the coverage in a file: all good rows are taken, each bad one is named.

    The same file again changes nothing. Missing: a blank benefit_record is 0, a blank deduction_begins_on is
    the day coverage begins, a blank `waived` is no.

    Errors: FileRefused for a file that cannot be read as coverage.
    """
    file = read_cells(Path(path), TAKEOVER_FILE, REQUIRED_HEADINGS)
    with transaction.atomic(using=connection.alias):
        values = values_of(file.cells, KINDS)
        rows, stopped = with_people(connection, client_id, _named(values))
        chosen = chosen_dependents(connection, client_id, rows)
        rows, not_in_setup = _with_options(connection, client_id, rows)
        existing = _existing(connection, rows)
        rows = _with_existing(with_contents(rows, chosen), existing)
        found = [
            unreadable(file.cells, values, KINDS),
            missing(file.cells, REQUIRED, KINDS),
            missing(file.cells.filter(~rows["is_waived"]), ["option", "program"], KINDS),
            stopped,
            *not_in_setup,
            _record_faults(connection, rows),
            unknown_dependents(rows, chosen),
            repeated(rows, POINT[:-1], "begins_on", "one row for each plan type and day"),
            _late_faults(rows),
        ]
        bad = pl.concat(found).sort("row", "column", maintain_order=True)
        good = rows.join(bad, on="row", how="anti")
        new = good.filter(~pl.col("is_known"))
        decisions = _new_decisions(connection, client_id, good)
        change = None
        if new.height or decisions.height:
            change = ChangeSet.objects.using(connection.alias).create(
                client_id=client_id,
                kind="takeover",
                label=file.name,
                fingerprint=file.fingerprint,
                made_at=now,
                made_by=made_by,
            )
        corrected = _supersede(connection, new, existing, now)
        _write_points(connection, new, chosen, now)
        _write_decisions(connection, decisions, change.pk if change else None, made_by, now)
    return TakeOverResult(
        rows_read=values.height,
        taken=new.height,
        corrected=corrected,
        unchanged=good.height - new.height,
        approvals=decisions.height,
        change_id=change.pk if change else None,
        bad_rows=bad,
        unknown_headings=file.unknown_headings,
    )


def _named(values: pl.DataFrame) -> pl.DataFrame:
    """Give the values of a file the names of the tables; a waiver has neither option nor amounts."""
    waived = pl.col("waived").fill_null(value=False)
    kind = pl.when(waived).then(pl.lit(str(ChangeKind.WAIVED))).otherwise(pl.lit(str(ChangeKind.ELECTED)))
    stated = {
        "option": "option",
        "coverage_cents": "coverage_amount",
        "approved_cents": "approved_amount",
        "pledge_cents": "annual_pledge",
        "percent_thousandths": "percent",
        "dependents": "dependents",
        "funds": "funds",
    }
    return values.select(
        *("row", "employee_number", "plan_type", "program", "begins_on"),
        benefit_record=pl.col("benefit_record").fill_null(0),
        slot=pl.lit(0, pl.Int16),
        is_waived=waived,
        kind=kind,
        deduction_begins_on=pl.when(~waived).then(pl.coalesce("deduction_begins_on", "begins_on")),
        **{name: pl.when(~waived).then(column) for name, column in stated.items()},
    )


def _with_options(
    connection: Any, client_id: int, rows: pl.DataFrame
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Add program_id and option_id from the set-up in force, and name the rows it does not know."""
    setup = load_setup(connection, [client_id])
    own = pl.col("client_id") == client_id
    programs = setup["program"].filter(own).select("program_id", program="code").unique()
    offered = setup["option"].filter(own & (pl.col("option_type") == "O"))
    offered = offered.select("program_id", "plan_type", "option_id", option="code").unique()
    placed = rows.join(programs, on="program", how="left", maintain_order="left").join(
        offered, on=["program_id", "plan_type", "option"], how="left", maintain_order="left"
    )
    plan_types = offered.group_by("program_id").agg(plan_types=_listed("plan_type"))
    options = offered.group_by("program_id", "plan_type").agg(options=_listed("option"))
    known = placed.join(plan_types, on="program_id", how="left", maintain_order="left").join(
        options, on=["program_id", "plan_type"], how="left", maintain_order="left"
    )
    names = programs.select(_listed("program")).item() or "none is set up"
    return placed, list(_unknown_codes(known, names))


def _listed(column: str) -> pl.Expr:
    """List codes in order, the first of them if there are many."""
    codes = pl.col(column).unique().sort()
    more = pl.when(codes.len() > CODES_SHOWN).then(pl.lit(", …")).otherwise(pl.lit(""))
    return codes.head(CODES_SHOWN).str.join(", ") + more


def _unknown_codes(rows: pl.DataFrame, programs: str) -> Iterator[pl.DataFrame]:
    no_program = pl.col("program").is_not_null() & pl.col("program_id").is_null()
    in_program = pl.col("program_id").is_not_null() & pl.col("plan_type").is_not_null()
    no_plan_type = in_program & pl.col("options").is_null()
    no_option = in_program & ~no_plan_type & pl.col("option").is_not_null() & pl.col("option_id").is_null()
    cure = "correct the code, or add it to the set-up"
    yield faults(rows, no_program, "program", f"one of {programs}", cure)
    yield faults(
        rows,
        no_plan_type,
        "plan_type",
        pl.format("one of {}", pl.col("plan_types").fill_null("those the program has: none")),
        cure,
    )
    yield faults(rows, no_option, "option", pl.format("one of {}", "options"), cure)


def _existing(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Load the points that hold for these people, with members and allocation as texts."""
    people = people_of(rows)
    return with_stored_contents(
        load_coverage(connection, people),
        load_covered_dependents(connection, people),
        load_covered_funds(connection, people),
        POINT,
    )


def _with_existing(rows: pl.DataFrame, existing: pl.DataFrame) -> pl.DataFrame:
    """Add is_known (the point holds already) and has_events (an event has written this timeline)."""
    content = [*POINT[:-1], *CONTENT]
    same = existing.select(content).unique().with_columns(is_known=pl.lit(value=True))
    by_events = existing.filter(pl.col("rule") != RULE).select(POINT_KEY).unique()
    return (
        rows.join(same, on=content, how="left", nulls_equal=True, maintain_order="left")
        .join(
            by_events.with_columns(has_events=pl.lit(value=True)),
            on=POINT_KEY,
            how="left",
            maintain_order="left",
        )
        .with_columns(pl.col("is_known", "has_events").fill_null(value=False))
    )


def _record_faults(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """A benefit record must have a job: coverage needs somebody to process it."""
    people = rows.filter(pl.col("person_id").is_not_null())
    jobs = load_jobs(connection, people_of(rows))
    records = jobs.select("person_id", "benefit_record").unique()
    without = people.join(records, on=["person_id", "benefit_record"], how="anti", maintain_order="left")
    return faults(
        without,
        pl.lit(value=True),
        "benefit_record",
        "a benefit record of one of this person's jobs",
        "correct the number, or import the job first",
        pl.format("{}", "benefit_record"),
    )


def _late_faults(rows: pl.DataFrame) -> pl.DataFrame:
    """Coverage that an event has decided is not taken over again."""
    return faults(
        rows,
        pl.col("has_events") & ~pl.col("is_known"),
        "plan_type",
        "a plan type no event has decided yet",
        "correct it through the event, or remove the row",
        pl.lit("an event wrote this timeline"),
    )


# --- writing ------------------------------------------------------------------------------------------------


def _supersede(connection: Any, new: pl.DataFrame, existing: pl.DataFrame, now: datetime) -> int:
    """Supersede the taken-over points of the same day; answer how many."""
    replaced = existing.join(new, on=POINT[:-1], how="semi").select(
        *POINT,
        superseded_by_run=pl.lit(NO_RUN, pl.Int64),
        superseded_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
    )
    if replaced.height:
        columns = ["superseded_by_run", "superseded_at"]
        update_from(connection, "enrollment_coverage", replaced, POINT, columns)
    return replaced.height


def _write_points(connection: Any, new: pl.DataFrame, chosen: pl.DataFrame, now: datetime) -> None:
    """Append the change points with their dependents and investments."""
    latest = load_latest_versions(connection, new).rename({"version": "latest"})
    basis = pl.when("is_waived").then(pl.lit("none")).otherwise(pl.lit("eligible"))
    points = new.join(latest, on=POINT[:-1], how="left", maintain_order="left").with_columns(
        version=(pl.col("latest").fill_null(0) + 1).cast(pl.Int32),
        basis=basis,
        rule=pl.lit(RULE),
        made_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
        **{name: pl.lit(None) for name in NOT_STATED},
    )
    copy_in(connection, "enrollment_coverage", as_stored(points, models.Coverage))
    members = points.join(chosen.filter(pl.col("dependent_id").is_not_null()), on="row")
    copy_in(connection, "enrollment_coveragedependent", as_stored(members, models.CoverageDependent))
    copy_in(connection, "enrollment_coveragefund", as_stored(invested(points), models.CoverageFund))


NOT_STATED = (
    *("requested_coverage_cents", "waive_reason", "schedule_id", "event_number", "run_id"),
    *("superseded_by_schedule", "superseded_by_event"),
    *("superseded_by_run", "superseded_at", "after_tax_thousandths", "hours_hundredths"),
)


def _new_decisions(connection: Any, client_id: int, good: pl.DataFrame) -> pl.DataFrame:
    """List the approved amounts that are not recorded yet, with the version to write."""
    stated = good.filter(pl.col("approved_cents").is_not_null()).rename({"begins_on": "valid_from"})
    approved = stated.group_by(DECISION_KEY).agg(pl.col("approved_cents").max())
    recorded = load_decisions(connection, client_id, approved)
    beside = approved.join(recorded, on=DECISION_KEY, how="left", suffix="_recorded")
    differs = pl.col("approved_cents").ne_missing(pl.col("approved_cents_recorded"))
    return beside.filter(differs).with_columns(version=pl.col("version").fill_null(0) + 1)


def _write_decisions(
    connection: Any, decisions: pl.DataFrame, change_id: int | None, made_by: str, now: datetime
) -> None:
    rows = decisions.with_columns(
        decided_by=pl.lit(made_by),
        change_id=pl.lit(change_id, pl.Int64),
        known_since=pl.lit(now).cast(pl.Datetime("us", "UTC")),
    )
    copy_in(connection, "enrollment_proofdecision", as_stored(rows, models.ProofDecision))
