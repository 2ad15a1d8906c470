"""Looking back: what held, what was offered and what letters said, as of one day, as known on another.

Points, facts, steps, preparations and releases all say when they were recorded; nothing here guesses.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from openbenefits.core.codes import Basis, ChangeKind
from openbenefits.core.date_rules import end_sentence
from openbenefits.delivery.assembly import assembled
from openbenefits.enrollment.basis import load_spans, points_known
from openbenefits.enrollment.continuing import load_continued
from openbenefits.enrollment.rules.basis import COVERED
from openbenefits.enrollment.rules.timeline import POINT_KEY
from openbenefits.reports import frames
from openbenefits.reports.files import write_whole
from openbenefits.reports.issuing import KINDS, TITLES, Kind, letters_of, write_bytes
from openbenefits.reports.names import SetupNames, load_names, plan_type_name, with_option_names
from openbenefits.reports.printing import press
from openbenefits.reports.rules import day_text
from openbenefits.store.bulk import copy_out

KEY = list(frames.EVENT_KEY)
_JOINED = """
FROM unnest(%(clients)s::int[], %(persons)s::bigint[], %(records)s::smallint[], %(schedules)s::int[],
            %(numbers)s::int[]) AS k (client_id, person_id, benefit_record, schedule_id, event_number)
"""
_OF_EVENT = "USING (client_id, person_id, benefit_record, schedule_id, event_number)"
STEPS_QUERY = f"""
SELECT DISTINCT ON (client_id, person_id, benefit_record, schedule_id, event_number)
       client_id, person_id, benefit_record, schedule_id, event_number,
       s.step AS steps, s.to_status AS process_status, s.event_status,
       (s.moved_at AT TIME ZONE 'UTC')::date AS status_on
{_JOINED} JOIN events_eventstep AS s {_OF_EVENT}
WHERE s.moved_at <= %(known_at)s
ORDER BY client_id, person_id, benefit_record, schedule_id, event_number, s.step DESC
"""
PREPARATIONS_QUERY = f"""
SELECT DISTINCT ON (client_id, person_id, benefit_record, schedule_id, event_number)
       client_id, person_id, benefit_record, schedule_id, event_number,
       p.preparation, p.event_on, p.program_id, p.window_begins_on AS then_begins_on,
       p.window_ends_on AS then_ends_on
{_JOINED} JOIN enrollment_preparation AS p {_OF_EVENT}
WHERE p.made_at <= %(known_at)s
ORDER BY client_id, person_id, benefit_record, schedule_id, event_number, p.preparation DESC
"""
WINDOWS_QUERY = f"""
SELECT client_id, person_id, benefit_record, schedule_id, event_number,
       (array_agg(a.ends_on ORDER BY a.number DESC) FILTER (WHERE a.acted_at <= %(known_at)s))[1] AS acted_on,
       (array_agg(a.ended_on ORDER BY a.number) FILTER (WHERE a.acted_at > %(known_at)s))[1] AS before_act
{_JOINED} JOIN events_windowact AS a {_OF_EVENT}
GROUP BY 1, 2, 3, 4, 5
"""
_THEN = {name: frames.EVENT[name] for name in ("steps", "process_status", "event_status", "status_on")}
_PREPARED = {name: frames.EVENT[name] for name in ("preparation", "event_on", "program_id")}
_WINDOW = {"then_begins_on": pl.Date(), "then_ends_on": pl.Date()}
_ACTS = {"acted_on": pl.Date(), "before_act": pl.Date()}


def then_standing(connection: Any, events: pl.DataFrame, known_at: datetime) -> pl.DataFrame:
    """Turn events back to where they stood at a moment; those not prepared by then are left out.

    Shapes: events as `frames.load_events`; so is the answer, its rows numbered anew.
    """
    keys = {
        "clients": "client_id",
        "persons": "person_id",
        "records": "benefit_record",
        "schedules": "schedule_id",
        "numbers": "event_number",
    }
    asked: dict[str, Any] = {name: events[column].to_list() for name, column in keys.items()}
    asked["known_at"] = known_at
    steps = copy_out(connection, STEPS_QUERY, frames.EVENT_KEY | _THEN, asked)
    prepared = copy_out(connection, PREPARATIONS_QUERY, frames.EVENT_KEY | _PREPARED | _WINDOW, asked)
    acts = copy_out(connection, WINDOWS_QUERY, frames.EVENT_KEY | _ACTS, asked)
    bare = events.drop(*_THEN, *_PREPARED)
    found = bare.join(steps, on=KEY, how="inner", maintain_order="left")
    found = found.join(prepared, on=KEY, how="inner", maintain_order="left")
    found = found.join(acts, on=KEY, how="left", maintain_order="left")
    day = known_at.date()
    noted = ("option_notified_on", "confirm_notified_on", "elected_on")
    return frames.with_case(
        found.with_columns(
            *(pl.when(pl.col(name) <= day).then(pl.col(name)).alias(name) for name in noted),
            window_begins_on=pl.coalesce("then_begins_on", "window_begins_on"),
            window_ends_on=pl.coalesce("acted_on", "before_act", "then_ends_on", "window_ends_on"),
        ).select(events.columns)
    )


# --- what held ----------------------------------------------------------------------------------------------

HELD = {
    "employee_number": pl.String,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "plan": pl.String,
    "kind": pl.String,
    "option": pl.String,
    "begins_on": pl.Date,
    "coverage_cents": pl.Int64,
    "pledge_cents": pl.Int64,
    "dependents": pl.Int32,
    "basis": pl.String,
    "rests_on": pl.String,
}


def held_on(
    connection: Any,
    client_id: int,
    person_ids: Sequence[int],
    *,
    as_of: date,
    known_at: datetime | None = None,
) -> pl.DataFrame:
    """Answer what people had on a day, plan type by plan type, and what that day rested on.

    Shapes:  HELD; a line for each plan type of which the timeline says something by that day.
    Missing: basis and rests_on are null where nothing is covered.
    """
    people = _people(client_id, person_ids)
    points = points_known(connection, people, known_at).filter(pl.col("begins_on") <= as_of)
    rows = points.sort("begins_on").unique(list(POINT_KEY), keep="last")
    spans = load_spans(connection, people, known_at=known_at)
    on_day = (pl.col("span_from") <= as_of) & (pl.col("span_until") > as_of)
    based = spans.filter(on_day).select(
        *POINT_KEY, "ended_schedule", "ended_event", "ended_rule_row", day_basis="basis"
    )
    rows = rows.join(based, on=list(POINT_KEY), how="left")
    names = load_names(connection, known_at=known_at)
    rows = with_option_names(rows.with_columns(event_on=pl.lit(as_of)), names)
    rows = _with_reasons(connection, rows, names)
    rows = _with_dependents(connection, rows)
    rows = _with_continued(connection, rows, people, as_of, known_at)
    kinds = {kind.value: kind.name.lower().replace("_", " ") for kind in ChangeKind}
    found = rows.with_columns(
        plan=plan_type_name(),
        kind=pl.col("kind").replace_strict(kinds),
        option=pl.coalesce("option_code", pl.lit("")),
        basis="day_basis",
    )
    return found.select(pl.col(name).cast(kind) for name, kind in HELD.items()).sort(
        "employee_number", "benefit_record", "plan_type"
    )


def _with_continued(
    connection: Any, rows: pl.DataFrame, people: pl.DataFrame, as_of: date, known_at: datetime | None
) -> pl.DataFrame:
    """Say of what is ended who continues it on that day: the employee (slot 0), or so many dependents."""
    spans = load_continued(connection, people, known_at=known_at)
    on_day = spans.filter((pl.col("span_from") <= as_of) & (pl.col("span_until") > as_of))
    if on_day.is_empty():
        return rows
    key = ["client_id", "person_id", "benefit_record", "plan_type"]
    who = on_day.group_by(key).agg(
        continues=(pl.col("dependent_id") == 0).any(), others=(pl.col("dependent_id") != 0).sum()
    )
    found = rows.join(who, on=key, how="left", maintain_order="left")
    is_own = pl.col("continues").fill_null(value=False) & pl.col("day_basis").is_null()
    told = pl.when(is_own).then(pl.lit("the employee continues it at own cost"))
    others = pl.when(pl.col("others") > 0).then(pl.format("{} dependents continue it at own cost", "others"))
    return found.with_columns(
        day_basis=pl.when(is_own).then(pl.lit(str(Basis.CONTINUATION))).otherwise("day_basis"),
        rests_on=pl.concat_str("rests_on", told, others, separator="; ", ignore_nulls=True).replace("", None),
    ).drop("continues", "others")


def _people(client_id: int, person_ids: Sequence[int]) -> pl.DataFrame:
    schema = {"client_id": pl.Int32, "person_id": pl.Int64}
    return pl.DataFrame([(client_id, one) for one in person_ids], schema=schema, orient="row")


NUMBERS = "SELECT id AS person_id, employee_number FROM workforce_person WHERE id = ANY(%s)"
RULES = "SELECT id::int AS ended_rule_row, coverage_ends FROM programs_eventrule WHERE id = ANY(%s)"
CLASSES = """
SELECT e.client_id, e.person_id, e.benefit_record, e.schedule_id, e.event_number, e.event_class_id, e.event_on
FROM events_event AS e WHERE e.person_id = ANY(%s)
"""
_CLASSES = frames.EVENT_KEY | {"event_class_id": pl.Int32(), "made_on": pl.Date()}


def _with_reasons(connection: Any, rows: pl.DataFrame, names: SetupNames) -> pl.DataFrame:
    """Say in words what the day rests on."""
    persons = rows["person_id"].unique().to_list()
    numbers = copy_out(connection, NUMBERS, {"person_id": pl.Int64, "employee_number": pl.String}, [persons])
    events = copy_out(connection, CLASSES.replace("e.event_on", "e.event_on AS made_on"), _CLASSES, [persons])
    classes = names.event_classes.select("event_class_id", "event_class")
    named = events.join(classes, on="event_class_id", how="left").drop("event_class_id")
    ended = named.rename(
        {
            "schedule_id": "ended_schedule",
            "event_number": "ended_event",
            "event_class": "ended_class",
            "made_on": "ended_on",
        }
    )
    ended_rows = rows["ended_rule_row"].drop_nulls().unique().to_list()
    rules = copy_out(
        connection, RULES, {"ended_rule_row": pl.Int32, "coverage_ends": pl.String}, [ended_rows]
    )
    sentences = {name: end_sentence(name, "the day it ended") for name in rules["coverage_ends"].unique()}
    rules = rules.with_columns(
        ends_by=pl.col("coverage_ends").replace_strict(sentences, return_dtype=pl.String)
    )
    record = KEY[:3]
    rows = rows.join(numbers, on="person_id", how="left")
    rows = rows.join(named, on=KEY, how="left")
    rows = rows.join(ended, on=[*record, "ended_schedule", "ended_event"], how="left")
    return rows.join(rules, on="ended_rule_row", how="left").with_columns(rests_on=_reason())


def _reason() -> pl.Expr:
    made = pl.format("event {} of {}", "event_class", day_text(pl.col("made_on")))
    by = pl.when(pl.col("event_number").is_null()).then(pl.lit("take-over")).otherwise(made)
    basis = pl.col("day_basis")
    ended = pl.format("event {} of {}; {}", "ended_class", day_text(pl.col("ended_on")), "ends_by")
    return (
        pl.when(basis == str(Basis.RUN_OUT))
        .then(pl.format("ended by {}", pl.coalesce(ended, pl.lit("a later event"))))
        .when(basis == str(Basis.LEAVE))
        .then(pl.format("on leave; covered by {}", by))
        .when(basis == str(Basis.OVERRIDE))
        .then(pl.format("decided by a person for {}", by))
        .when(basis.is_not_null())
        .then(
            pl.format(
                "{} by {}",
                pl.when(pl.col("kind") == "E").then(pl.lit("elected")).otherwise(pl.lit("by default")),
                by,
            )
        )
    )


COVERED_QUERY = """
SELECT client_id, person_id, benefit_record, plan_type, slot, begins_on, version, count(*)::int AS dependents
FROM enrollment_coveragedependent WHERE person_id = ANY(%s) GROUP BY 1, 2, 3, 4, 5, 6, 7
"""


def _with_dependents(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    key = [*POINT_KEY, "begins_on", "version"]
    schema = {name: rows.schema[name] for name in key} | {"dependents": pl.Int32}
    counts = copy_out(connection, COVERED_QUERY, schema, [rows["person_id"].unique().to_list()])
    found = rows.join(counts, on=key, how="left")
    is_covered = pl.col("kind").is_in(COVERED)
    return found.with_columns(dependents=pl.when(is_covered).then(pl.col("dependents").fill_null(0)))


# --- what was offered ---------------------------------------------------------------------------------------

OFFERED = {
    "event": pl.String,
    "plan_type": pl.String,
    "plan": pl.String,
    "option": pl.String,
    "is_electable": pl.Boolean,
    "is_default": pl.Boolean,
    "is_current": pl.Boolean,
    "coverage_begins_on": pl.Date,
    "coverage_cents": pl.Int64,
    "pay_before_tax_cents": pl.Int64,
    "pay_after_tax_cents": pl.Int64,
    "pay_credit_cents": pl.Int64,
    "annual_employer_cents": pl.Int64,
}


def offered_on(
    connection: Any, client_id: int, person_id: int, *, as_of: date, known_at: datetime | None = None
) -> pl.DataFrame:
    """Answer the options of a person's last event of a day or before: its last preparation then known.

    Shapes: OFFERED, in the order of plan types and options; no row where nothing had been prepared.
    """
    events = frames.load_events(connection).filter(client_id=client_id, person_id=person_id)
    if known_at is not None and events.height:
        events = then_standing(connection, events, known_at)
    lasting = events.filter(
        (pl.col("event_on") <= as_of) & (pl.col("preparation") > 0) & pl.col("event_status").is_in(["O", "C"])
    )
    last = frames.with_case(lasting.sort("benefit_record", "event_on", "priority", "event_number").tail(1))
    if last.is_empty():
        return pl.DataFrame(schema=OFFERED)
    names = load_names(connection, known_at=known_at)
    plans = frames.load_plans(connection, last).select("case", "plan_type", "coverage_begins_on")
    options = frames.load_options(connection, last).join(plans, on=["case", "plan_type"], how="left")
    classes = names.event_classes.select("event_class_id", "event_class")
    about = last.select("case", "event_on", "event_class_id").join(classes, on="event_class_id", how="left")
    rows = with_option_names(options.join(about, on="case"), names).sort(
        "plan_type", "option_order", "option_id"
    )
    found = rows.with_columns(
        event=pl.format("{} of {}", "event_class", pl.col("event_on").dt.to_string()),
        plan=plan_type_name(),
        option="option_code",
    )
    return found.select(pl.col(name).cast(kind) for name, kind in OFFERED.items())


# --- what letters said --------------------------------------------------------------------------------------


def letters_then(
    connection: Any, kind: Kind, schedule_id: int, person_ids: Sequence[int] | None, known_at: datetime
) -> pl.DataFrame:
    """Write the letters of a schedule's events as they read at a moment (see `issuing.letters_of`)."""
    events = frames.load_events(connection, schedule_ids=[schedule_id])
    if person_ids is not None:
        events = events.filter(pl.col("person_id").is_in(list(person_ids)))
    events = then_standing(connection, events, known_at) if events.height else events
    stood = events.filter(
        pl.col("process_status").is_in([*kind.statuses, *_ONCE_ISSUED.get(kind.name, ())])
        & pl.col("event_status").is_in(kind.event_statuses)
    )
    if stood.is_empty():
        return pl.DataFrame()
    names = load_names(connection, known_at=known_at)
    return letters_of(connection, kind, frames.with_case(stood), names, known_at=known_at)


_ONCE_ISSUED = {"enrollment": ("NT", "RE")}
"""Statuses at which a statement has been sent already, and may be read again."""


def print_then(
    connection: Any,
    schedule_id: int,
    *,
    kind: str,
    person_ids: Sequence[int],
    known_at: datetime,
    path: Path,
    paper: str = "us-letter",
) -> Path | None:
    """Print statements as they read at a moment; None where there was none. Nothing is changed."""
    what = KINDS[kind]
    letters = letters_then(connection, what, schedule_id, person_ids, known_at)
    if letters.is_empty():
        return None
    with press(what.template, paper=paper) as machine:
        if letters["language"].n_unique() == 1:
            return machine.print([letters], [path])[0]
        whole = assembled(machine.files_of(letters), title=TITLES[what.name])
        return write_whole(path, partial(write_bytes, whole))
