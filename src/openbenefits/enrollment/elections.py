"""Taking elections, from a file or one by one: checked for form only, numbered, never overwritten.

Whether an election is allowed is decided by the run that validates it. Everything happens in one transaction
under the locks of the people; whoever a run is working on is named and left out (event-processing §9,
rulings §1.5, §1.6).
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl
from django.db import transaction

from openbenefits.core.codes import EventStatus, ProcessStatus
from openbenefits.enrollment import models
from openbenefits.enrollment.frames import (
    ELECTED_DEPENDENTS,
    ELECTED_FUNDS,
    ELECTION_COLUMNS,
    ELECTION_KEY,
    key_arrays,
)
from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.events.services import move_events
from openbenefits.programs.frames import load_codes
from openbenefits.programs.models import SetupKey
from openbenefits.store.bulk import copy_in, copy_out, schema_of, update_from
from openbenefits.store.locks import lock_rows
from openbenefits.workforce.census.cells import KINDS as CENSUS_KINDS
from openbenefits.workforce.census.cells import Kind, shape
from openbenefits.workforce.models import Person

BAD_ROW = pl.Schema(
    {
        "row": pl.Int32(),
        "column": pl.String(),
        "expected": pl.String(),
        "found": pl.String(),
        "cure": pl.String(),
    }
)

ENTERABLE = [
    *(str(status) for status in (ProcessStatus.PR, ProcessStatus.NT, ProcessStatus.ET)),
    *(str(status) for status in (ProcessStatus.EE, ProcessStatus.RE)),
]
ENTERED = str(ProcessStatus.ET)
FINAL = str(ProcessStatus.FE)
OPEN = str(EventStatus.OPEN)
CLOSED = str(EventStatus.CLOSED)
EVENT_STATUS_NAMES = {"O": "open", "C": "closed", "D": "disconnected", "V": "void"}

ONLY_SLOT = 0
PLACE = ELECTION_KEY[:-1]  # event, plan type, slot: what submissions are numbered within
CONTENT = (
    *("option_code", "option_id", "coverage_cents", "pledge_cents", "percent_thousandths", "waive_reason"),
    *("received_on", "is_withdrawn", "members", "allocation"),
)

PEOPLE = """
SELECT id AS person_id, employee_number FROM workforce_person
WHERE client_id = %(client)s AND employee_number = ANY(%(numbers)s)
"""

DEPENDENTS = """
SELECT person_id, number, id AS dependent_id FROM workforce_dependent
WHERE client_id = %(client)s AND person_id = ANY(%(persons)s)
"""

OFFERED_PLANS = """
SELECT p.person_id, p.benefit_record, p.schedule_id, p.event_number, p.plan_type
FROM enrollment_eventplan AS p
JOIN events_event AS e
  USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
WHERE p.client_id = %(client)s AND p.person_id = ANY(%(persons)s) AND NOT p.is_ignored
"""

SUBMISSIONS = """
SELECT client_id, person_id, benefit_record, schedule_id, event_number, plan_type, slot, submission,
       option_code, option_id, coverage_cents, pledge_cents, percent_thousandths, waive_reason, received_on,
       source, is_withdrawn
FROM enrollment_election WHERE client_id = %(client)s AND person_id = ANY(%(persons)s)
"""

SCHEDULED = """
SELECT client_id, person_id, benefit_record, schedule_id, event_number, process_status, preparation
FROM events_event WHERE client_id = %(client)s AND schedule_id = %(schedule)s AND event_status IN ('O', 'C')
"""

CHOICES = """
SELECT client_id, person_id, benefit_record, schedule_id, event_number, preparation, plan_type
FROM enrollment_eventplan WHERE client_id = %(client)s AND schedule_id = %(schedule)s AND is_choice
"""

STANDING = """
SELECT client_id, person_id, benefit_record, schedule_id, event_number, plan_type, submission,
       NOT is_withdrawn AND source <> 'pre-entered' AS stands
FROM enrollment_election WHERE client_id = %(client)s AND schedule_id = %(schedule)s AND slot = 0
"""


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
        entry = _Entry(client_id=client_id, elector=received_by, source="file", now=now)
        return _entered(connection, entry, file.cells, unknown_headings=file.unknown_headings)


def enter_one(
    connection: Any,
    client_id: int,
    *,
    person_id: int,
    benefit_record: int,
    schedule_id: int,
    event_number: int,
    plan_type: str,
    option_code: str,
    coverage_cents: int | None = None,
    pledge_cents: int | None = None,
    percent_thousandths: int | None = None,
    dependents: Sequence[int] = (),
    funds: Mapping[str, int] | None = None,
    waive_reason: str | None = None,
    received_on: date,
    elector: str,
    source: str,
    now: datetime,
) -> EntryResult:
    """Enter one election, as a file of one row; `dependents` are their numbers, `funds` whole percentages."""
    cells = {
        "plan_type": plan_type,
        "option": option_code,
        "coverage_amount": _plain(coverage_cents, 2),
        "annual_pledge": _plain(pledge_cents, 2),
        "percent": _plain(percent_thousandths, 3),
        "dependents": " ".join(map(str, dependents)) or None,
        "funds": " ".join(f"{fund}:{percent}" for fund, percent in (funds or {}).items()) or None,
        "waive_reason": waive_reason,
        "received_on": received_on.isoformat(),
    }
    entry = _Entry(client_id=client_id, elector=elector, source=source, now=now)
    event = (person_id, benefit_record, schedule_id, event_number)
    with transaction.atomic(using=connection.alias):
        return _entered(connection, entry, _one_row(connection, client_id, event, cells))


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


def _plain(amount: int | None, decimals: int) -> str | None:
    """Write an amount as people would: 150000 cents as 1500.00."""
    return None if amount is None else f"{Decimal(amount).scaleb(-decimals):f}"


def _one_row(
    connection: Any, client_id: int, event: tuple[int, int, int, int], cells: Mapping[str, str | None]
) -> pl.DataFrame:
    """Lay one election out as the row of a file; who or what is unknown stays nameless and is refused."""
    person_id, benefit_record, schedule_id, event_number = event
    people = Person.objects.using(connection.alias).filter(client_id=client_id, id=person_id)
    schedules = load_codes(connection, client_id, "schedule").filter(id=schedule_id)["code"]
    stated = {
        "employee_number": people.values_list("employee_number", flat=True).first(),
        "benefit_record": str(benefit_record),
        "schedule": schedules[0] if schedules.len() else f"number {schedule_id}",
        "event_number": str(event_number),
        **cells,
    }
    schema = {"row": pl.Int32, **dict.fromkeys(ELECTION_FILE, pl.String)}
    return pl.DataFrame([{"row": 1, **stated}], schema=schema)


# --- from cells to submissions ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """Who enters what, for which client."""

    client_id: int
    elector: str
    source: str
    now: datetime
    is_withdrawal: bool = False


def _entered(
    connection: Any, entry: _Entry, cells: pl.DataFrame, unknown_headings: Sequence[str] = ()
) -> EntryResult:
    values = values_of(cells, ELECTION_FILE)
    found = [unreadable(cells, values), missing(cells, REQUIRED)]
    rows, stopped = with_people(connection, entry.client_id, _named(values))
    found.append(stopped)
    rows, unplaced = _with_events(connection, entry.client_id, rows)
    chosen = chosen_dependents(connection, entry.client_id, rows)
    rows = _with_options(connection, entry.client_id, rows)
    earlier = _submissions(connection, entry.client_id, rows)
    rows = _with_history(_with_contents(rows, chosen, entry), earlier)
    found += [
        unplaced,
        *_status_faults(rows),
        *_window_faults(rows),
        _plan_faults(connection, entry.client_id, rows),
        unknown_dependents(rows, chosen),
        _repeated(rows),
        _outdated(rows),
    ]
    bad = pl.concat(found).sort("row", "column", maintain_order=True)
    good = rows.join(bad, on="row", how="anti")
    written = good.filter(~pl.col("is_known"))
    _write(connection, written, chosen, entry)
    return EntryResult(
        rows_read=cells.height,
        entered=written.height,
        unchanged=good.height - written.height,
        events_moved=_move(connection, written, entry),
        bad_rows=bad,
        unknown_headings=unknown_headings,
    )


def _named(values: pl.DataFrame) -> pl.DataFrame:
    """Give the values of an elections file the names of the tables."""
    return values.select(
        *("row", "employee_number", "schedule", "plan_type", "dependents", "funds", "received_on"),
        option_code="option",
        benefit_record=pl.col("benefit_record").fill_null(0),
        stated_number=pl.col("event_number").cast(pl.Int32),
        coverage_cents="coverage_amount",
        pledge_cents="annual_pledge",
        percent_thousandths="percent",
        waive_reason=pl.concat_str("waive_reason", "other_coverage", separator=": ", ignore_nulls=True)
        .replace("", None),
        slot=pl.lit(ONLY_SLOT, pl.Int16),
    )  # fmt: skip


def with_people(connection: Any, client_id: int, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add client_id and person_id, lock the people, and name the rows of unknown or busy ones."""
    numbers = rows["employee_number"].drop_nulls().unique().to_list()
    schema = {"person_id": pl.Int64, "employee_number": pl.String}
    people = copy_out(connection, PEOPLE, schema, {"client": client_id, "numbers": numbers})
    found = rows.join(people, on="employee_number", how="left", maintain_order="left").with_columns(
        client_id=pl.lit(client_id, pl.Int32)
    )
    _, busy = lock_rows(connection, "workforce_person", people.select(id="person_id"))
    unknown = pl.col("employee_number").is_not_null() & pl.col("person_id").is_null()
    stopped = [
        faults(
            found,
            unknown,
            "employee_number",
            "the number of an employee of this client",
            "correct the number, or import the employee's facts first",
        ),
        faults(
            found,
            pl.col("person_id").is_in(busy["id"].implode()),
            "employee_number",
            "somebody nobody else is working on",
            "try again: enter this row again when the run is done",
            pl.lit("being processed"),
        ),
    ]
    return found, pl.concat(stopped)


def _with_events(connection: Any, client_id: int, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Find the event of each row: the one named, else the open one; add what is known of it."""
    codes = load_codes(connection, client_id, "schedule").select(
        schedule="code", stated_schedule=pl.col("id").cast(pl.Int32)
    )
    rows = rows.join(codes, on="schedule", how="left", maintain_order="left")
    events = load_events(connection, _known(rows)).with_columns(
        open_events=(pl.col("event_status") == OPEN).sum().over(RECORD_KEY)
    )
    events = events.select(
        *EVENT_KEY,
        *("event_status", "process_status", "program_id", "window_begins_on", "window_ends_on"),
        *("elected_on", "steps", "open_events"),
    )
    stated = ["schedule", "stated_schedule", "stated_number"]
    pairs = rows.select("row", *RECORD_KEY, *stated).join(events, on=RECORD_KEY)
    is_open = pl.col("event_status") == OPEN
    in_schedule = (
        pl.when(pl.col("schedule").is_null())
        .then(is_open)
        .otherwise(pl.col("stated_schedule") == pl.col("schedule_id"))
    )
    numbered = (pl.col("stated_number") == pl.col("event_number")).fill_null(value=True)
    fitting = pairs.filter(in_schedule & numbered).filter(is_open == is_open.max().over("row"))
    only = fitting.filter(pl.len().over("row") == 1).drop(*RECORD_KEY, *stated)
    placed = rows.join(only, on="row", how="left", maintain_order="left")
    return placed, _unplaced(placed)


def _unplaced(rows: pl.DataFrame) -> pl.DataFrame:
    """Name the rows whose schedule or event does not exist."""
    is_known = pl.col("person_id").is_not_null()
    no_schedule = pl.col("schedule").is_not_null() & pl.col("stated_schedule").is_null()
    no_event = is_known & pl.col("schedule_id").is_null() & ~no_schedule
    nothing_stated = pl.col("schedule").is_null() & pl.col("stated_number").is_null()
    return pl.concat(
        [
            faults(
                rows, no_schedule, "schedule", "the code of a schedule of this client", "correct the code"
            ),
            faults(
                rows,
                no_event & nothing_stated,
                "event_number",
                "an open event of this benefit record",
                "state schedule and event_number, or run event maintenance first",
                pl.lit("none open"),
            ),
            faults(
                rows,
                no_event & ~nothing_stated,
                "event_number",
                "one event of this person, benefit record and schedule",
                "correct benefit_record, schedule and event_number",
                pl.lit("none, or more than one"),
            ),
        ]
    )


def _known(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("person_id").is_not_null()).select("client_id", "person_id").unique()


def _persons(client_id: int, rows: pl.DataFrame) -> dict[str, Any]:
    return {"client": client_id, "persons": rows["person_id"].drop_nulls().unique().to_list()}


def chosen_dependents(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """List the dependents each row names: row, number, dependent_id (null: no such dependent)."""
    schema = {"person_id": pl.Int64, "number": pl.Int16, "dependent_id": pl.Int64}
    known = copy_out(connection, DEPENDENTS, schema, _persons(client_id, rows))
    named = rows.select("row", "person_id", number="dependents").explode("number", empty_as_null=False)
    named = named.filter(pl.col("number").is_not_null()).unique()
    return named.join(known, on=["person_id", "number"], how="left").drop("person_id")


def _with_options(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Add option_id: that of the code in the event's program; null where the set-up knows no such code."""
    codes = load_codes(connection, client_id, "program", "option")
    programs = codes.filter(kind="program").select(program_id="id", program="code")
    options = codes.filter(kind="option").select(option_id="id", path="code")
    placed = rows.join(programs, on="program_id", how="left", maintain_order="left").with_columns(
        path=pl.concat_str("program", "plan_type", "option_code", separator="/")
    )
    return placed.join(options, on="path", how="left", maintain_order="left").drop("path", "program")


def _with_contents(rows: pl.DataFrame, chosen: pl.DataFrame, entry: _Entry) -> pl.DataFrame:
    """Add what an election is compared by: members and allocation as texts in a fixed order."""
    members = chosen.group_by("row").agg(members=pl.col("dependent_id").sort().cast(pl.String).str.join(" "))
    return rows.join(members, on="row", how="left", maintain_order="left").with_columns(
        allocation=pl.col("funds").list.sort().list.join(" "), is_withdrawn=pl.lit(value=entry.is_withdrawal)
    )


def _submissions(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Load all that was submitted by these people, with members and allocation as texts."""
    people = _known(rows)
    key = list(ELECTION_KEY)
    schema = {name: ELECTION_COLUMNS[name] for name in key}
    arrays = key_arrays(people)
    submitted = copy_out(connection, SUBMISSIONS, ELECTION_COLUMNS, _persons(client_id, rows))
    members = copy_out(connection, ELECTED_DEPENDENTS, schema | {"dependent_id": pl.Int64}, arrays)
    funds = copy_out(connection, ELECTED_FUNDS, schema | {"fund": pl.String, "percent": pl.Int16}, arrays)
    named = members.group_by(key).agg(members=pl.col("dependent_id").sort().cast(pl.String).str.join(" "))
    part = pl.format("{}:{}", "fund", "percent")
    allocated = funds.group_by(key).agg(allocation=part.sort().str.join(" "))
    return submitted.join(named, on=key, how="left").join(allocated, on=key, how="left")


def _with_history(rows: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """Add how a row stands to earlier submissions of its plan type.

    Adds last_submission, last_received_on, is_late (older than the last one), is_known (says nothing new:
    the same as the last one, or an older one that was entered before).
    """
    place = list(PLACE)
    last = earlier.sort("submission").group_by(place, maintain_order=True).last()
    last = last.select(*place, last_submission="submission", last_received_on="received_on")
    content = [*place, *CONTENT]
    said = earlier.group_by(content).agg(said_last=pl.col("submission").max())
    found = rows.join(last, on=place, how="left", maintain_order="left").join(
        said, on=content, how="left", nulls_equal=True, maintain_order="left"
    )
    is_late = (pl.col("received_on") < pl.col("last_received_on")).fill_null(value=False)
    is_said = pl.col("said_last").is_not_null()
    repeats_last = (pl.col("said_last") == pl.col("last_submission")).fill_null(value=False)
    return found.with_columns(is_late=is_late, is_known=repeats_last | (is_late & is_said))


# --- what is wrong with a row -----------------------------------------------------------------------------


def faults(
    rows: pl.DataFrame,
    is_bad: pl.Expr | pl.Series,
    column: str,
    expected: str | pl.Expr,
    cure: str | pl.Expr,
    found: pl.Expr | None = None,
) -> pl.DataFrame:
    """List one fault as BAD_ROW; where `found` is not said, it is the shape of the cell, never its text."""
    texts = {
        "column": pl.lit(column),
        "expected": pl.lit(expected) if isinstance(expected, str) else expected,
        "found": shape(pl.col(column)) if found is None else found,
        "cure": pl.lit(cure) if isinstance(cure, str) else cure,
    }
    bad = is_bad.fill_null(value=False)
    return rows.filter(bad).select("row", **texts).cast(BAD_ROW)


def unreadable(cells: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """List the cells that are filled and cannot be read."""
    names = [name for name in values.columns if name != "row"]
    listed = [
        faults(
            cells,
            cells[name].is_not_null() & values[name].is_null(),
            name,
            CELL_KINDS[name].expected,
            CELL_KINDS[name].cure,
        )
        for name in names
    ]
    return pl.concat(listed)


def missing(cells: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """List the blank cells of columns that must be filled."""
    blank, cure = pl.lit("blank"), "fill in the cell"
    listed = [
        faults(cells, pl.col(name).is_null(), name, CELL_KINDS[name].expected, cure, blank)
        for name in columns
    ]
    return pl.concat(listed)


def _is_resubmission() -> pl.Expr:
    """A final enrolment that may be submitted again; the window is judged apart (rulings §1.6)."""
    return (pl.col("process_status") == FINAL) & (pl.col("event_status") == CLOSED)


def _is_enterable() -> pl.Expr:
    return pl.col("process_status").is_in(ENTERABLE) & (pl.col("event_status") == OPEN)


def _status_faults(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """An event takes elections while open at PR, NT, ET, EE, RE, or again inside its window when final."""
    rows = rows.filter(pl.col("schedule_id").is_not_null())
    again = _is_resubmission().fill_null(value=False)
    takes = _is_enterable().fill_null(value=False) | again
    status = pl.format(
        "{}, {}",
        pl.col("process_status").fill_null("not processed"),
        pl.col("event_status").replace(EVENT_STATUS_NAMES),
    )
    yield faults(
        rows,
        ~takes,
        "event_number",
        f"an open event at {', '.join(ENTERABLE)}, or one at {FINAL} inside its window",
        "process the event until it can be elected in, or correct schedule and event_number",
        status,
    )
    yield faults(
        rows,
        again & pl.col("window_ends_on").is_null(),
        "event_number",
        "an event with an election window",
        "reopen the event for re-entry",
        status,
    )
    label = pl.format("{}/{}", "schedule_id", "event_number")
    first = label.filter(again).first().over(RECORD_KEY)
    yield faults(
        rows,
        again & ((pl.col("open_events") > 0) | (label != first)),
        "event_number",
        "no other event of this benefit record open, and one reopened at a time",
        "enter the row again when the other event is final",
        pl.lit("another event is open"),
    )


def _window_faults(rows: pl.DataFrame) -> list[pl.DataFrame]:
    received = pl.col("received_on")
    day = received.cast(pl.String)
    cure = "correct the day of receipt, or extend the person's window"
    return [
        faults(
            rows,
            received > pl.col("window_ends_on"),
            "received_on",
            pl.format("a day not after {}, the last of the window", "window_ends_on"),
            cure,
            day,
        ),
        faults(
            rows,
            received < pl.col("window_begins_on"),
            "received_on",
            pl.format("a day not before {}, the first of the window", "window_begins_on"),
            cure,
            day,
        ),
    ]


def _plan_faults(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """A plan type must be part of the event as it was last prepared."""
    key = [*EVENT_KEY[1:], "plan_type"]
    schema = {name: ELECTION_COLUMNS[name] for name in key}
    offered = copy_out(connection, OFFERED_PLANS, schema, _persons(client_id, rows))
    listed = offered.group_by(EVENT_KEY[1:]).agg(listed=pl.col("plan_type").sort().str.join(", "))
    asked = rows.filter(pl.col("plan_type").is_not_null() & (_is_enterable() | _is_resubmission()))
    foreign = asked.join(offered, on=key, how="anti", maintain_order="left").join(
        listed, on=EVENT_KEY[1:], how="left", maintain_order="left"
    )
    return faults(
        foreign,
        pl.lit(value=True),
        "plan_type",
        pl.format("a plan type of the event: {}", pl.col("listed").fill_null("it has none")),
        "correct the plan type, or remove the row",
    )


def unknown_dependents(rows: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Name the rows with a dependent the person does not have."""
    unknown = chosen.filter(pl.col("dependent_id").is_null()).group_by("row").agg(unknown=pl.len())
    return faults(
        rows.filter(pl.col("person_id").is_not_null()).join(unknown, on="row"),
        pl.lit(value=True),
        "dependents",
        "numbers of dependents of this person",
        "correct the numbers, or add the dependent first",
        pl.format("{} unknown", "unknown"),
    )


def repeated(rows: pl.DataFrame, key: Sequence[str], column: str, expected: str) -> pl.DataFrame:
    """Name all rows that say something about the same, as nobody can know which is meant."""
    whole = rows.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in key))
    first, last = pl.col("row").min().over(key), pl.col("row").max().over(key)
    paired = whole.with_columns(other=pl.when(pl.col("row") == first).then(last).otherwise(first))
    return faults(
        paired,
        pl.col("other") != pl.col("row"),
        column,
        expected,
        pl.format("remove this row, or row {}", "other"),
        pl.format("also in row {}", "other"),
    )


def _repeated(rows: pl.DataFrame) -> pl.DataFrame:
    return repeated(rows, PLACE, "plan_type", "one row for each plan type of an event")


def _outdated(rows: pl.DataFrame) -> pl.DataFrame:
    """Name the rows received before what was submitted last, unless they were entered in their time."""
    return faults(
        rows,
        pl.col("is_late") & ~pl.col("is_known"),
        "received_on",
        pl.format("a day not before {}, when the election that stands was received", "last_received_on"),
        "remove the row, or correct the day of receipt",
        pl.col("received_on").cast(pl.String),
    )


# --- writing ----------------------------------------------------------------------------------------------


def _write(connection: Any, rows: pl.DataFrame, chosen: pl.DataFrame, entry: _Entry) -> None:
    """Append submissions with their dependents and investments."""
    numbered = rows.with_columns(
        submission=(pl.col("last_submission").fill_null(0) + 1).cast(pl.Int32),
        elector=pl.lit(entry.elector),
        source=pl.lit(entry.source),
    )
    copy_in(connection, "enrollment_election", as_stored(numbered, models.Election))
    members = numbered.join(chosen, on="row")
    copy_in(connection, "enrollment_electiondependent", as_stored(members, models.ElectionDependent))
    copy_in(connection, "enrollment_electionfund", as_stored(invested(numbered), models.ElectionFund))


def invested(rows: pl.DataFrame) -> pl.DataFrame:
    """List the investments of rows: a row per fund, with fund and percent in place of `funds`."""
    parts = rows.filter(pl.col("funds").is_not_null()).explode("funds", empty_as_null=False)
    return parts.with_columns(
        fund=pl.col("funds").str.extract(r"^([^:]+):"),
        percent=pl.col("funds").str.extract(r":([0-9]+)$").cast(pl.Int16),
    )


def as_stored(rows: pl.DataFrame, model: Any) -> pl.DataFrame:
    """Give rows the columns and types of a table."""
    return rows.select(pl.col(name).cast(kind) for name, kind in schema_of(model).items())


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


# --- reading files ----------------------------------------------------------------------------------------


class FileRefused(ValueError):
    """The file as a whole cannot be taken; the message says what was expected and what to change."""


@dataclass(frozen=True, kw_only=True)
class CellFile:
    """A file as text: `row` is the row as a spreadsheet numbers it; blank cells are null."""

    name: str
    fingerprint: str
    unknown_headings: Sequence[str]
    cells: pl.DataFrame = field(repr=False)


def read_cells(
    path: Path, columns: Sequence[str], required: Sequence[str], mapping: Mapping[str, str] | None = None
) -> CellFile:
    """Read a CSV file or the first sheet of a workbook whose first row holds headings.

    Errors: FileRefused.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise FileRefused(f"{path.name}: the file cannot be read ({problem.strerror})") from None
    is_book = path.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".xlsb")
    grid = _sheet(path.name, data) if is_book else _text(path.name, data)
    grid = grid.select(pl.all().str.strip_chars(" \t\r\n\u00a0").replace("", None)).with_row_index("row", 1)
    if grid.height < 2:
        raise FileRefused(f"{path.name}: expected a row of headings and rows below it, found none")
    place, unknown = _columns_of(path.name, grid, columns, required, mapping)
    body = grid.slice(1).filter(pl.any_horizontal(pl.exclude("row").is_not_null()))
    blank = pl.lit(None, pl.String)
    cells = body.select(
        pl.col("row").cast(pl.Int32),
        **{name: pl.col(place[name]) if name in place else blank for name in columns},
    )
    return CellFile(
        name=path.name,
        fingerprint=hashlib.sha256(data).hexdigest(),
        unknown_headings=unknown,
        cells=cells,
    )


def _text(name: str, data: bytes) -> pl.DataFrame:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefused(f"{name}: the file is not UTF-8 text; in Excel save as `CSV UTF-8`") from None
    top = text.split("\n", 1)[0]
    separator = max((",", ";", "\t"), key=top.count)
    width = len(next(csv.reader(io.StringIO(top), delimiter=separator), []))
    schema = {f"c{number}": pl.String for number in range(width)}
    try:
        return pl.read_csv(text.encode(), has_header=False, separator=separator, schema=schema)
    except pl.exceptions.PolarsError:
        raise FileRefused(
            f"{name}: expected {width} cells in every row, as many as there are headings;"
            " put a cell that holds the separator in double quotes, one at each end"
        ) from None


def _sheet(name: str, data: bytes) -> pl.DataFrame:
    try:
        book = fastexcel.read_excel(data)
        sheet = book.load_sheet(0, header_row=None, skip_rows=0, dtypes="string").to_polars()
    except fastexcel.FastExcelError:
        raise FileRefused(f"{name}: the workbook cannot be read; save it as .xlsx again") from None
    return sheet.rename({column: f"c{number}" for number, column in enumerate(sheet.columns)})


def _columns_of(
    name: str,
    grid: pl.DataFrame,
    columns: Sequence[str],
    required: Sequence[str],
    mapping: Mapping[str, str] | None,
) -> tuple[dict[str, str], list[str]]:
    """Find which column of the grid is which of the file's, and which headings are none."""
    own = {_plain_heading(heading): column for heading, column in (mapping or {}).items()}
    headings = {
        column: heading
        for column, heading in zip(grid.columns[1:], grid.drop("row").row(0), strict=True)
        if heading is not None
    }
    stated = {
        column: own.get(_plain_heading(heading), _plain_heading(heading))
        for column, heading in headings.items()
    }
    taken = [column for column in stated.values() if column in columns]
    twice = sorted({column for column in taken if taken.count(column) > 1})
    lacking = [column for column in required if column not in taken]
    if twice:
        raise FileRefused(f"{name}, row 1: two headings stand for {', '.join(twice)}; remove one")
    if lacking:
        raise FileRefused(
            f"{name}, row 1: expected headings for {', '.join(lacking)}; rename the file's,"
            " or state which heading is which in a mapping"
        )
    place = {known: column for column, known in stated.items() if known in columns}
    return place, [heading for column, heading in headings.items() if stated[column] not in columns]


def _plain_heading(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", heading.lower()).strip("_")


# --- what cells mean --------------------------------------------------------------------------------------


def values_of(cells: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Answer the values of the cells, null where blank or unreadable; money in cents."""
    return cells.select("row", *(CELL_KINDS[name].parse(pl.col(name)).alias(name) for name in columns))


def _dollars(text: pl.Expr) -> pl.Expr:
    cents = CENSUS_KINDS["annual_pay"].parse(text)
    return pl.when(cents >= 0).then(cents)


def _percent(text: pl.Expr) -> pl.Expr:
    """Read a percentage with at most two decimals, in thousandths of a percent."""
    hundredths = CENSUS_KINDS["annual_pay"].parse(text.str.strip_suffix("%"))
    return pl.when(hundredths.is_between(0, 100_00)).then((hundredths * 10).cast(pl.Int32))


def _numbers(text: pl.Expr) -> pl.Expr:
    """Read numbers of dependents; Excel turns a single 1 into 1.0."""
    plain = text.str.replace(r"^([0-9]+)\.0+$", "$1")
    numbers = plain.str.extract_all("[0-9]+").cast(pl.List(pl.Int16), strict=False)
    return pl.when(plain.str.contains(r"^[0-9]{1,4}(\s+[0-9]{1,4})*$")).then(numbers)


def _funds(text: pl.Expr) -> pl.Expr:
    """Read an allocation as a list of CODE:percent, each fund once."""
    parts = text.str.extract_all(r"\S+").list.eval(pl.element().str.replace(":0*", ":"))
    funds = parts.list.eval(pl.element().str.extract("^([^:]+):"))
    part = r"[^\s:]+:0*(100|[1-9][0-9]?)"
    is_read = text.str.contains(rf"^{part}(\s+{part})*$") & (funds.list.n_unique() == funds.list.len())
    return pl.when(is_read).then(parts)


_TEXT = CENSUS_KINDS["employee_number"]
_DAY = CENSUS_KINDS["effective_date"]
_WHOLE = CENSUS_KINDS["benefit_record"]
_DOLLARS = Kind(
    parse=_dollars, expected="dollars from 0, with at most two decimals", cure="correct the amount"
)


def _text_kind(expected: str) -> Kind:
    return Kind(parse=_TEXT.parse, expected=expected)


CELL_KINDS: dict[str, Kind] = {
    "employee_number": _text_kind("an employee number"),
    "benefit_record": _WHOLE,
    "schedule": _text_kind("the code of a schedule"),
    "event_number": _WHOLE,
    "plan_type": _text_kind("the code of a plan type"),
    "option": _text_kind("the code of an option, or WAIVE"),
    "program": _text_kind("the code of a program"),
    **dict.fromkeys(("coverage_amount", "approved_amount", "annual_pledge"), _DOLLARS),
    "percent": Kind(parse=_percent, expected="a percentage from 0 to 100, with at most two decimals"),
    "dependents": Kind(parse=_numbers, expected="numbers of dependents separated by blanks, as 1 2"),
    "funds": Kind(
        parse=_funds, expected="funds with whole percentages from 1 to 100, each once, as INDEX:60 BOND:40"
    ),
    **dict.fromkeys(("waive_reason", "other_coverage"), _text_kind("text")),
    **dict.fromkeys(("received_on", "begins_on", "deduction_begins_on"), _DAY),
    "waived": CENSUS_KINDS["smoker"],
}

ELECTION_FILE = (
    *("employee_number", "benefit_record", "schedule", "event_number", "plan_type", "option"),
    *("coverage_amount", "annual_pledge", "percent", "dependents", "funds", "waive_reason"),
    *("other_coverage", "received_on"),
)
REQUIRED = ("employee_number", "plan_type", "option", "received_on")
