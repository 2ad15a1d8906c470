"""Taking over what a previous system knows: the coverage in force, as change points of the timeline.

Taken-over points name no event. A corrected file supersedes the points it corrects, as long as no event has
said anything about that plan type; from then on an event changes what holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.bad_rows import missing, repeated, unreadable
from openbenefits.core.cells import values_of
from openbenefits.core.codes import ChangeKind
from openbenefits.enrollment import models
from openbenefits.enrollment.election_frames import load_decisions, load_numbered_dependents
from openbenefits.enrollment.entries import change_by_file
from openbenefits.enrollment.entry_cells import CellFile, kinds_of, read_cells
from openbenefits.enrollment.entry_rows import (
    as_stored,
    chosen_beneficiaries,
    chosen_dependents,
    invested,
    people_of,
    unknown_dependents,
    with_contents,
    with_people,
    with_shares,
    with_stored_contents,
)
from openbenefits.enrollment.frames import (
    POINT,
    load_all_points,
    load_covered_beneficiaries,
    load_covered_dependents,
    load_covered_funds,
    load_latest_versions,
)
from openbenefits.enrollment.rules.timeline import POINT_KEY
from openbenefits.enrollment.takeover_faults import (
    amount_faults,
    late_faults,
    listed_codes,
    record_faults,
    share_faults,
    unknown_codes,
)
from openbenefits.enrollment.takeover_providers import (
    named_providers,
    new_providers,
    provider_faults,
    write_providers,
)
from openbenefits.programs.frames import load_setup
from openbenefits.store.bulk import copy_in, update_from

TAKEOVER_FILE = (
    *("employee_number", "benefit_record", "plan_type", "option", "begins_on", "deduction_begins_on"),
    *("coverage_amount", "approved_amount", "annual_pledge", "percent", "dependents", "funds", "waived"),
    "program",  # option codes are unique within a program only
    *("after_tax_percent", "hours", "beneficiaries", "contingent_beneficiaries"),
    "providers",
)
REQUIRED = ("employee_number", "plan_type", "begins_on")
REQUIRED_HEADINGS = (*REQUIRED, "option", "program")
KINDS = kinds_of(*TAKEOVER_FILE)

RULE = "take-over"
CONTENT = (
    *("kind", "program_id", "option_id", "coverage_cents", "pledge_cents", "percent_thousandths"),
    *("after_tax_thousandths", "hours_hundredths", "deduction_begins_on", "members", "allocation", "shares"),
)
NO_RUN = 0

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
    providers: int  # doctors and dentists written
    change_id: int | None  # null: nothing was written
    bad_rows: pl.DataFrame
    unknown_headings: Sequence[str] = ()

    @property
    def bad_row_count(self) -> int:
        return self.bad_rows["row"].n_unique()


def take_over(
    connection: Any,
    client_id: int,
    path: Path,
    *,
    now: datetime,
    made_by: str,
    mapping: Mapping[str, str] | None = None,
) -> TakeOverResult:
    """Take over the coverage in a file: all good rows are taken, each bad one is named.

    The same file again changes nothing, nor does it bring in again what was moved or voided since: undo that.
    Missing: a blank benefit_record is 0, a blank deduction_begins_on is the day coverage begins, a blank
    `waived` is no. For hours bought or sold annual_pledge is what they cost, or pay, in the year.

    Errors: FileRefused for a file that cannot be read as coverage.
    """
    file = read_cells(Path(path), TAKEOVER_FILE, REQUIRED_HEADINGS, mapping)
    return take_over_cells(connection, client_id, file, now=now, made_by=made_by)


def take_over_cells(
    connection: Any, client_id: int, file: CellFile, *, now: datetime, made_by: str
) -> TakeOverResult:
    """Take over the coverage in a file that was read already, or in cells made from one of another shape.

    Shapes: cells has `row` (Int32) and every column of TAKEOVER_FILE (String).
    """
    with transaction.atomic(using=connection.alias):
        said = _said(connection, client_id, file.cells)
        good = said.rows.join(said.bad, on="row", how="anti")
        new = good.filter(~pl.col("is_known"))
        decisions = _new_decisions(connection, client_id, good)
        named = new_providers(connection, good, said.providers)
        change = None
        if new.height or decisions.height or named.height:
            change = change_by_file(connection, client_id, "takeover", file, author=made_by, now=now)
        replaced = _supersede(connection, new, said.existing, now)
        written = _write_points(connection, new, said.chosen, said.beneficiaries, now)
        if change is not None:
            _keep_points(connection, written, replaced, change.pk)
        change_id = change.pk if change else None
        _write_decisions(connection, decisions, change_id, made_by, now)
        write_providers(connection, named, change_id=change_id, made_by=made_by, now=now)
    return TakeOverResult(
        rows_read=file.cells.height,
        taken=new.height,
        corrected=replaced.height,
        unchanged=good.height - new.height,
        approvals=decisions.height,
        providers=named.height,
        change_id=change_id,
        bad_rows=said.bad,
        unknown_headings=file.unknown_headings,
    )


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What a file says: its rows, whom they name, what holds already, and what of them is bad."""

    rows: pl.DataFrame
    chosen: pl.DataFrame
    beneficiaries: pl.DataFrame
    providers: pl.DataFrame
    existing: pl.DataFrame
    bad: pl.DataFrame


def _said(connection: Any, client_id: int, cells: pl.DataFrame) -> _Said:
    """Read the rows of a file, and find what is wrong with them."""
    values = values_of(cells, KINDS)
    rows, stopped = with_people(connection, client_id, _named(values))
    chosen = chosen_dependents(connection, client_id, rows)
    beneficiaries = chosen_beneficiaries(connection, client_id, rows)
    providers = named_providers(rows, load_numbered_dependents(connection, client_id, rows))
    rows, not_in_setup = _with_options(connection, client_id, rows)
    existing = _existing(connection, rows)
    rows = with_shares(with_contents(rows, chosen), beneficiaries, ["row"])
    rows = _with_existing(rows, existing)
    found = [
        unreadable(cells, values, KINDS),
        missing(cells, REQUIRED, KINDS),
        missing(cells.filter(~rows["is_waived"]), ["option", "program"], KINDS),
        stopped,
        *not_in_setup,
        record_faults(connection, rows),
        unknown_dependents(rows, chosen),
        *_beneficiary_faults(rows, beneficiaries),
        *provider_faults(rows, providers),
        *amount_faults(rows),
        repeated(rows, POINT[:-1], "begins_on", "one row for each plan type and day"),
        late_faults(rows),
    ]
    bad = pl.concat(found).unique(["row", "column"], keep="first", maintain_order=True)
    return _Said(
        rows=rows,
        chosen=chosen,
        beneficiaries=beneficiaries,
        providers=providers,
        existing=existing,
        bad=bad.sort("row", "column", maintain_order=True),
    )


def _beneficiary_faults(rows: pl.DataFrame, beneficiaries: pl.DataFrame) -> list[pl.DataFrame]:
    columns = {"beneficiaries": ~pl.col("is_contingent"), "contingent_beneficiaries": pl.col("is_contingent")}
    unknown = [unknown_dependents(rows, beneficiaries.filter(which), name) for name, which in columns.items()]
    return [*unknown, *share_faults(rows, beneficiaries)]


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
        "after_tax_thousandths": "after_tax_percent",
        "hours_hundredths": "hours",
        "beneficiaries": "beneficiaries",
        "contingent_beneficiaries": "contingent_beneficiaries",
        "providers": "providers",
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
    plan_types = offered.group_by("program_id").agg(plan_types=listed_codes("plan_type"))
    options = offered.group_by("program_id", "plan_type").agg(options=listed_codes("option"))
    known = placed.join(plan_types, on="program_id", how="left", maintain_order="left").join(
        options, on=["program_id", "plan_type"], how="left", maintain_order="left"
    )
    names = programs.select(listed_codes("program")).item() or "none is set up"
    return with_plan_rows(placed, setup["plan_type_row"].filter(own)), list(unknown_codes(known, names))


def with_plan_rows(rows: pl.DataFrame, plan_types: pl.DataFrame) -> pl.DataFrame:
    """Add amount_kind and collect of the plan type on the day coverage begins; before any, of its first."""
    key = ["program_id", "plan_type"]
    parts = plan_types.select(*key, "valid_from", "amount_kind", "collect").sort("valid_from")
    first = parts.unique(key, keep="first", maintain_order=True).select(
        *key, first_amount_kind="amount_kind", first_collect="collect"
    )
    found = rows.sort("begins_on").join_asof(
        parts, left_on="begins_on", right_on="valid_from", by=key, check_sortedness=False
    )
    found = found.join(first, on=key, how="left").with_columns(
        amount_kind=pl.coalesce("amount_kind", "first_amount_kind"),
        collect=pl.coalesce("collect", "first_collect"),
    )
    return found.drop("valid_from", "first_amount_kind", "first_collect").sort("row")


def _existing(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Load the points that hold for these people, with members, allocation and shares as texts.

    Also those somebody put right since (moved, voided, gone to another number): not to be brought in again.
    """
    people = people_of(rows)
    points = load_all_points(connection, people)
    holds = pl.col("superseded_by_run").is_null()
    latest = points.sort("version").unique(POINT[:-1], keep="last", maintain_order=True)
    put_right = latest.filter(pl.col("superseded_by_run") > NO_RUN, rule=RULE)
    known = pl.concat(
        [points.filter(holds).with_columns(holds=True), put_right.with_columns(holds=False)],
    )
    stored = with_stored_contents(
        known,
        load_covered_dependents(connection, people),
        load_covered_funds(connection, people),
        POINT,
    )
    return with_shares(stored, load_covered_beneficiaries(connection, people), POINT)


def _with_existing(rows: pl.DataFrame, existing: pl.DataFrame) -> pl.DataFrame:
    """Add is_known (holds already, or was put right) and has_events (an event has written this timeline)."""
    content = [*POINT[:-1], *CONTENT]
    same = existing.select(content).unique().with_columns(is_known=pl.lit(value=True))
    by_events = existing.filter("holds", pl.col("rule") != RULE).select(POINT_KEY).unique()
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


# --- writing ------------------------------------------------------------------------------------------------


def _supersede(connection: Any, new: pl.DataFrame, existing: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Supersede the taken-over points of the same day; answer them."""
    replaced = (
        existing.filter("holds")
        .join(new, on=POINT[:-1], how="semi")
        .select(
            *POINT,
            superseded_by_run=pl.lit(NO_RUN, pl.Int64),
            superseded_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
        )
    )
    if replaced.height:
        columns = ["superseded_by_run", "superseded_at"]
        update_from(connection, "enrollment_coverage", replaced, POINT, columns)
    return replaced


def _write_points(
    connection: Any, new: pl.DataFrame, chosen: pl.DataFrame, beneficiaries: pl.DataFrame, now: datetime
) -> pl.DataFrame:
    """Append the change points with their dependents, investments and beneficiaries; answer them."""
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
    shares = points.drop("beneficiaries").join(beneficiaries, on="row")
    copy_in(connection, "enrollment_coveragebeneficiary", as_stored(shares, models.CoverageBeneficiary))
    return points


def _keep_points(connection: Any, written: pl.DataFrame, replaced: pl.DataFrame, change_id: int) -> None:
    """Keep which points a take-over wrote, and what they took the place of: taking it back needs both."""
    was = replaced.select(*POINT[:-1], was_version="version")
    rows = written.select(POINT).join(was, on=POINT[:-1], how="left")
    rows = rows.with_columns(change_id=pl.lit(change_id, pl.Int64))
    copy_in(connection, "enrollment_takenoverpoint", as_stored(rows, models.TakenOverPoint))


NOT_STATED = (
    *("requested_coverage_cents", "waive_reason", "schedule_id", "event_number", "run_id"),
    *("superseded_by_run", "superseded_by_schedule", "superseded_by_event", "superseded_at"),
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
        is_withdrawn=pl.lit(value=False),
        known_since=pl.lit(now).cast(pl.Datetime("us", "UTC")),
    )
    copy_in(connection, "enrollment_proofdecision", as_stored(rows, models.ProofDecision))
