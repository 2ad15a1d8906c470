"""Taking elections, from a file or one by one: checked for form only, numbered, never overwritten.

Whether an election is allowed is decided by the run that validates it. Everything happens in one transaction
under the locks of the people; whoever a run is working on is named and left out (event-processing §9,
rulings §1.5, §1.6).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.bad_rows import faults, missing, unreadable
from openbenefits.core.cells import values_of
from openbenefits.core.codes import ProcessStatus
from openbenefits.enrollment import models
from openbenefits.enrollment.election_faults import FINAL, row_faults
from openbenefits.enrollment.election_frames import (
    CHOICES,
    ELECTION_COLUMNS,
    SCHEDULED,
    STANDING,
    load_offered_plans,
)
from openbenefits.enrollment.election_rows import (
    ONLY_SLOT,
    OPEN,
    named,
    submissions,
    with_events,
    with_history,
    with_options,
)
from openbenefits.enrollment.entries import record_entry
from openbenefits.enrollment.entry_cells import election_cells, kinds_of, read_cells
from openbenefits.enrollment.entry_rows import (
    as_stored,
    chosen_beneficiaries,
    chosen_dependents,
    invested,
    unknown_dependents,
    with_contents,
    with_people,
    with_shares,
)
from openbenefits.events.rules import EVENT_KEY
from openbenefits.events.services import move_events
from openbenefits.programs.frames import load_codes
from openbenefits.programs.models import SetupKey
from openbenefits.store.bulk import copy_in, copy_out, update_from
from openbenefits.store.sheets import FileRefused
from openbenefits.workforce.models import Person

__all__ = [
    "EntryResult",
    "FileRefused",
    "election_cells",
    "enter_file",
    "enter_one",
    "enter_several",
    "progress_of",
    "withdraw",
]

ELECTION_FILE = (
    *("employee_number", "benefit_record", "schedule", "event_number", "plan_type", "option"),
    *("coverage_amount", "annual_pledge", "percent", "after_tax_percent", "hours", "files_separately"),
    *("dependents", "funds", "beneficiaries", "contingent_beneficiaries", "waive_reason"),
    *("other_coverage", "waiver_proof", "waiver_proof_on", "credit_rollover", "received_on"),
)
REQUIRED = ("employee_number", "plan_type", "option", "received_on")
KINDS = kinds_of(*ELECTION_FILE)

ENTERED = str(ProcessStatus.ET)


@dataclass(frozen=True, kw_only=True)
class EntryResult:
    """What came of entering elections.

    Shapes: bad_rows has row, column, expected, found (the shape of a cell, never its text), cure.
    """

    rows_read: int
    entered: int  # submissions written
    unchanged: int  # identical to what was submitted already
    events_moved: int  # events that came to ET
    bad_rows: pl.DataFrame
    change_id: int | None = None  # what takes the entry back as one unit; null: nothing was written
    unknown_headings: Sequence[str] = ()

    @property
    def bad_row_count(self) -> int:
        return self.bad_rows["row"].n_unique()


# --- entering ---------------------------------------------------------------------------------------------


def enter_file(
    connection: Any,
    client_id: int,
    path: Path,
    *,
    received_by: str,
    now: datetime,
    mapping: Mapping[str, str] | None = None,
) -> EntryResult:
    """Enter a file of elections, a row per plan type: all good rows are taken, each bad one is named.

    The same file again changes nothing. `mapping` says which heading of the file is which column.

    Errors: FileRefused for a file that cannot be read as elections.
    """
    file = read_cells(Path(path), ELECTION_FILE, REQUIRED, mapping)
    with transaction.atomic(using=connection.alias):
        entry = _Entry(
            client_id=client_id,
            elector=received_by,
            source="file",
            now=now,
            label=file.name,
            fingerprint=file.fingerprint,
        )
        return _entered(connection, entry, file.cells, unknown_headings=file.unknown_headings)


def enter_one(
    connection: Any,
    client_id: int,
    *,
    person_id: int,
    benefit_record: int,
    schedule_id: int,
    event_number: int,
    elector: str,
    source: str,
    now: datetime,
    **stated: Any,
) -> EntryResult:
    """Enter one election, as a file of one row; `stated` is what `election_cells` takes."""
    entry = _Entry(client_id=client_id, elector=elector, source=source, now=now)
    event = (person_id, benefit_record, schedule_id, event_number)
    with transaction.atomic(using=connection.alias):
        return _entered(connection, entry, _one_row(connection, client_id, event, election_cells(**stated)))


def enter_several(
    connection: Any,
    client_id: int,
    event: tuple[int, int, int, int],
    elections: Sequence[Mapping[str, str | None]],
    *,
    elector: str,
    source: str,
    now: datetime,
) -> EntryResult:
    """Enter what a person chose for several plan types of one event, as one change.

    Shapes: event is person, benefit record, schedule and event number; elections are `election_cells`.
    """
    entry = _Entry(
        client_id=client_id, elector=elector, source=source, now=now, label=f"{len(elections)} elections"
    )
    with transaction.atomic(using=connection.alias):
        return _entered(connection, entry, _rows(connection, client_id, event, elections))


def withdraw(
    connection: Any,
    client_id: int,
    *,
    person_id: int,
    benefit_record: int,
    schedule_id: int,
    event_number: int,
    plan_type: str,
    received_on: date,
    elector: str,
    source: str,
    now: datetime,
) -> EntryResult:
    """Withdraw the election that stands for one plan type of an event; the withdrawal is a submission too."""
    entry = _Entry(client_id=client_id, elector=elector, source=source, now=now, is_withdrawal=True)
    event = (person_id, benefit_record, schedule_id, event_number)
    with transaction.atomic(using=connection.alias):
        held = models.Election.objects.filter(
            client_id=client_id,
            person_id=person_id,
            benefit_record=benefit_record,
            schedule_id=schedule_id,
            event_number=event_number,
            plan_type=plan_type,
            slot=ONLY_SLOT,
        ).order_by("-submission")
        last = held.first()
        cells = {
            "plan_type": plan_type,
            "option": last.option_code if last else None,
            "received_on": received_on.isoformat(),
        }
        row = _one_row(connection, client_id, event, cells)
        if last is None or last.is_withdrawn:
            nothing = faults(
                row, pl.lit(value=True), "plan_type", "an election that stands", "enter one", pl.lit("none")
            )
            return EntryResult(rows_read=1, entered=0, unchanged=0, events_moved=0, bad_rows=nothing)
        return _entered(connection, entry, row)


def progress_of(connection: Any, schedule_id: int) -> pl.DataFrame:
    """Answer "entered n of m" for each event of a schedule that is neither void nor disconnected.

    Shapes: client_id, person_id, benefit_record, event_number, process_status, choices (plan types in which
            something may be decided), entered (those of them with an election that stands; what the set-up
            entered beforehand does not count, rulings §4).
    """
    key = {name: ELECTION_COLUMNS[name] for name in EVENT_KEY}
    place = key | {"plan_type": pl.String}
    prepared = {"preparation": pl.Int32}
    owner = (
        SetupKey.objects.using(connection.alias).filter(id=schedule_id).values_list("client_id", flat=True)
    )
    where = {"client": owner.first(), "schedule": schedule_id}
    events = copy_out(connection, SCHEDULED, key | {"process_status": pl.String} | prepared, where)
    choices = copy_out(connection, CHOICES, key | prepared | {"plan_type": pl.String}, where)
    schema = place | {"submission": pl.Int32, "stands": pl.Boolean}
    elections = copy_out(connection, STANDING, schema, where).sort("submission")
    standing = elections.unique(list(place), keep="last", maintain_order=True).filter("stands")
    offered = choices.join(standing.select(*place, "stands"), on=list(place), how="left")
    counts = offered.group_by(*key, "preparation").agg(choices=pl.len(), entered=pl.col("stands").count())
    found = events.join(counts, on=[*key, "preparation"], how="left").sort(*key)
    return found.drop("schedule_id", "preparation").with_columns(
        pl.col("choices", "entered").fill_null(0).cast(pl.Int64)
    )


def _one_row(
    connection: Any, client_id: int, event: tuple[int, int, int, int], cells: Mapping[str, str | None]
) -> pl.DataFrame:
    return _rows(connection, client_id, event, [cells])


def _rows(
    connection: Any,
    client_id: int,
    event: tuple[int, int, int, int],
    elections: Sequence[Mapping[str, str | None]],
) -> pl.DataFrame:
    """Lay elections out as the rows of a file; who or what is unknown stays nameless and is refused."""
    person_id, benefit_record, schedule_id, event_number = event
    people = Person.objects.using(connection.alias).filter(client_id=client_id, id=person_id)
    schedules = load_codes(connection, client_id, "schedule").filter(id=schedule_id)["code"]
    stated = {
        "employee_number": people.values_list("employee_number", flat=True).first(),
        "benefit_record": str(benefit_record),
        "schedule": schedules[0] if schedules.len() else f"number {schedule_id}",
        "event_number": str(event_number),
    }
    schema = {"row": pl.Int32, **dict.fromkeys(ELECTION_FILE, pl.String)}
    rows = [{"row": row, **stated, **cells} for row, cells in enumerate(elections, start=1)]
    return pl.DataFrame(rows, schema=schema)


# --- from cells to submissions ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """Who enters what, for which client."""

    client_id: int
    elector: str
    source: str
    now: datetime
    is_withdrawal: bool = False
    label: str = "one election"
    fingerprint: str = ""


def _entered(
    connection: Any, entry: _Entry, cells: pl.DataFrame, unknown_headings: Sequence[str] = ()
) -> EntryResult:
    values = values_of(cells, KINDS)
    rows, stopped = with_people(connection, entry.client_id, named(values))
    rows = with_events(connection, entry.client_id, rows)
    chosen = chosen_dependents(connection, entry.client_id, rows)
    beneficiaries = chosen_beneficiaries(connection, entry.client_id, rows)
    rows = with_contents(with_options(connection, entry.client_id, rows), chosen)
    rows = with_shares(rows, beneficiaries, ["row"])
    rows = rows.with_columns(is_withdrawn=pl.lit(value=entry.is_withdrawal))
    rows = with_history(rows, submissions(connection, entry.client_id, rows))
    offered = load_offered_plans(connection, entry.client_id, rows)
    found = [unreadable(cells, values, KINDS), missing(cells, REQUIRED, KINDS), stopped]
    found += row_faults(rows, chosen, offered)
    for column, which in (
        ("beneficiaries", ~pl.col("is_contingent")),
        ("contingent_beneficiaries", "is_contingent"),
    ):
        found.append(unknown_dependents(rows, beneficiaries.filter(which), column))
    bad = pl.concat(found).sort("row", "column", maintain_order=True)
    good = rows.join(bad, on="row", how="anti")
    written = good.filter(~pl.col("is_known"))
    change_id = _write(connection, written, chosen, beneficiaries, entry) if written.height else None
    return EntryResult(
        rows_read=cells.height,
        entered=written.height,
        unchanged=good.height - written.height,
        events_moved=_move(connection, written, entry),
        bad_rows=bad,
        change_id=change_id,
        unknown_headings=unknown_headings,
    )


# --- writing ----------------------------------------------------------------------------------------------


def _write(
    connection: Any, rows: pl.DataFrame, chosen: pl.DataFrame, beneficiaries: pl.DataFrame, entry: _Entry
) -> int:
    """Append submissions with their dependents, beneficiaries and investments; answer the change they are."""
    change_id = record_entry(
        connection,
        rows,
        client_id=entry.client_id,
        label=entry.label,
        fingerprint=entry.fingerprint,
        made_by=entry.elector,
        now=entry.now,
    )
    numbered = rows.with_columns(
        submission=(pl.col("last_submission").fill_null(0) + 1).cast(pl.Int32),
        elector=pl.lit(entry.elector),
        source=pl.lit(entry.source),
        change_id=pl.lit(change_id, pl.Int64),
    )
    copy_in(connection, "enrollment_election", as_stored(numbered, models.Election))
    members = numbered.join(chosen, on="row")
    copy_in(connection, "enrollment_electiondependent", as_stored(members, models.ElectionDependent))
    shares = numbered.drop("beneficiaries").join(beneficiaries, on="row")
    copy_in(connection, "enrollment_electionbeneficiary", as_stored(shares, models.ElectionBeneficiary))
    copy_in(connection, "enrollment_electionfund", as_stored(invested(numbered), models.ElectionFund))
    return change_id


def _move(connection: Any, written: pl.DataFrame, entry: _Entry) -> int:
    """Move the events elected in to ET, note the first receipt, and answer how many moved."""
    events = written.group_by(EVENT_KEY).agg(
        pl.col("process_status", "steps", "elected_on").first(), received_on=pl.col("received_on").min()
    )
    moving = events.filter(pl.col("process_status") != ENTERED).with_columns(
        to_status=pl.lit(ENTERED), to_event_status=pl.lit(OPEN)
    )
    is_final = pl.col("process_status") == FINAL
    causes = {"elections entered": ~is_final, "submitted again inside the window": is_final}
    for cause, which in causes.items():
        moves = moving.filter(which)
        if moves.height:
            move_events(connection, moves, cause=cause, run_id=None, actor=entry.elector, now=entry.now)
    first = events.filter(pl.col("elected_on").is_null()).select(
        *EVENT_KEY, elected_on="received_on", elect_source=pl.lit(entry.source)
    )
    if first.height:
        update_from(connection, "events_event", first, EVENT_KEY, ["elected_on", "elect_source"])
    return moving.height
