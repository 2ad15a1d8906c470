"""One wave: choose events, prepare, validate and load, finalise, and write what came of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.core.codes import EventStatus, Level, ProcessIndicator, ProcessStatus
from openbenefits.enrollment.frames import (
    load_highest_preparations,
    load_offered_prices,
    load_prepared_held,
    load_unasked,
)
from openbenefits.enrollment.rules.messages import message_rows, no_messages, with_catalogue
from openbenefits.enrollment.rules.prepare import Prepared, prepare
from openbenefits.enrollment.rules.replayed import return_fallen
from openbenefits.enrollment.rules.settle import Settled, settle
from openbenefits.enrollment.rules.since import held_otherwise
from openbenefits.enrollment.services import Known, load_known, post, save_preparation
from openbenefits.events import frames as event_frames
from openbenefits.events.activity import PROOF_MISSING
from openbenefits.events.rules import (
    EVENT_KEY,
    FINAL,
    RECORD_KEY,
    is_due,
    is_replayed_as_answered,
    is_to_be_replayed,
    window,
)
from openbenefits.events.services import flag_overtaken, move_events, replace_messages
from openbenefits.events.steps import record_steps
from openbenefits.programs.frames import Compiled, Tables
from openbenefits.programs.rulebook import Rulebook
from openbenefits.runs import models
from openbenefits.runs.fingerprints import fingerprints
from openbenefits.runs.judging import SNAPSHOT, failed_to_pass, lost_messages, said_of, without
from openbenefits.runs.kept import with_kept_programs
from openbenefits.runs.rules import (
    choose,
    event_status_of,
    interruptions,
    may_pass_next,
    not_due_yet,
    reaches,
    statuses_passed,
)
from openbenefits.store.bulk import copy_out, update_from

UTC = pl.Datetime("us", "UTC")
PASSED = ", passing an earlier event that waits"
TAKEN_BACK = "taken back"
"""The state of a run that was."""


@dataclass(frozen=True, kw_only=True)
class Wave:
    """What a wave did: an outcome per benefit record, the events worked on, whose next event may follow."""

    outcomes: pl.DataFrame
    worked: pl.DataFrame
    moved: pl.DataFrame


def work_wave(
    connection: Any,
    started: models.Run,
    people: pl.DataFrame,
    setup: Compiled,
    worked: pl.DataFrame,
    *,
    now: datetime,
) -> Wave:
    """Work on the first event of each benefit record, in the caller's transaction.

    `worked` names the events that earlier waves worked on: nobody works twice on one in a run.
    """
    rulebook, tables = setup
    events = _with_classes(event_frames.load_events(connection, people), tables, started)
    events = events.join(people.select(RECORD_KEY), on=list(RECORD_KEY), how="semi")
    events = _with_unasked(connection, events, started)
    chosen = choose(
        events,
        schedule_ids=schedules_of(started, events),
        is_finalizing=started.is_finalizing,
        through=started.through_level,
        worked=worked,
        preferred=started.options.get("event"),
    )
    _interrupt(connection, chosen, started, now=now)
    waiting = _waiting_outcomes(chosen, events)
    cases = _cases(chosen.filter("is_chosen"), started)
    if cases.is_empty():
        return Wave(outcomes=waiting, worked=cases.select(EVENT_KEY), moved=cases.select(RECORD_KEY))
    cases = _with_proof(connection, cases)
    known = load_known(connection, cases, rulebook)
    cases = cases.with_columns(fingerprint=fingerprints(known, started.releases))
    decided = _decide(connection, cases, known, rulebook, started)
    failed = failed_to_pass(connection, decided.cases, decided.prepared, chosen, setup)
    decided = replace(decided, cases=without(decided.cases, failed))
    _save(connection, events, decided, rulebook, started, now=now)
    told = decided.cases.select(
        *RECORD_KEY,
        outcome=_outcome(),
        from_status="process_status_before",
        to_status="to_status",
    )
    closed = decided.cases.filter(event_status_of() == "C").select(RECORD_KEY)
    return Wave(
        outcomes=pl.concat([waiting, told, said_of(failed)]),
        worked=cases.select(EVENT_KEY),
        moved=pl.concat([closed, may_pass_next(chosen)]).unique(),
    )


def _with_unasked(connection: Any, events: pl.DataFrame, started: models.Run) -> pl.DataFrame:
    """Add is_unasked: prepared already, and offering no choice (rulings §1.4)."""
    ready = events.filter(process_status=str(ProcessStatus.PR))
    if ready.is_empty() or not reaches(started.through_level, Level.ELECTIONS):
        return events.with_columns(is_unasked=pl.lit(value=False))
    unasked = load_unasked(connection, ready).with_columns(is_unasked=pl.lit(value=True))
    found = events.join(unasked, on=list(EVENT_KEY), how="left", maintain_order="left")
    return found.with_columns(pl.col("is_unasked").fill_null(value=False))


def schedules_of(started: models.Run, events: pl.DataFrame) -> list[int]:
    """Name the schedules a run works on: its own, or all that the events are of."""
    if started.schedule_id is not None:
        return [started.schedule_id]
    return events["schedule_id"].unique().to_list()


def _outcome() -> pl.Expr:
    """Say what a run did with an event; a finalising run names those it could not finalise (rulings §1.8)."""
    final = pl.col("to_status").is_in(FINAL)
    return (
        pl.when(pl.col("is_finalizing") & ~final)
        .then(pl.lit("not finalised"))
        .when("is_changed")
        .then(pl.lit("processed"))
        .otherwise(pl.lit("unchanged"))
    )


def _with_classes(events: pl.DataFrame, tables: Tables, started: models.Run) -> pl.DataFrame:
    """Add what runs need to know of each event's class and schedule."""
    classes = tables["event_class"].select(
        *("event_class_id", "use", "only_ends_coverage", "process_ahead_days", "window_days", "window_start"),
        "is_proof_required",
        is_guarded="is_full_termination_guarded",
    )
    schedules = tables["schedule"].select(
        "schedule_id",
        *("is_strict_order", "is_current_validated", "is_finalize_allowed"),
        schedule_window_begins_on="window_begins_on",
        schedule_window_ends_on="window_ends_on",
    )
    found = events.join(classes, on="event_class_id", how="left").join(
        schedules, on="schedule_id", how="left"
    )
    return found.with_columns(
        pl.col("is_strict_order", "is_current_validated").fill_null(value=False),
        is_finalize_allowed=pl.col("is_finalize_allowed").fill_null(value=True) | (pl.col("use") != SNAPSHOT),
        is_due=is_due(pl.lit(started.as_of)),
    )


def _cases(chosen: pl.DataFrame, started: models.Run) -> pl.DataFrame:
    """Number the events to work on; `case` is the position."""
    again = is_to_be_replayed() & pl.col("is_finalized")
    asked = pl.lit(started.is_finalizing) | pl.col("finalize_requested") | again
    finalizing = asked & pl.col("is_finalize_allowed")
    return chosen.sort(RECORD_KEY).with_columns(
        case=pl.int_range(pl.len(), dtype=pl.Int32),
        is_open_enrollment=pl.col("use") == "O",
        is_finalizing=finalizing,
        is_settling=(pl.col("work") != "prepare") | finalizing | is_replayed_as_answered(),
        received_on=pl.col("elected_on"),
        process_status_before=pl.col("process_status"),
    )


def _with_proof(connection: Any, cases: pl.DataFrame) -> pl.DataFrame:
    """Say which cases lack the proof of their life event (docs/rules.md §15.5).

    An event that only ends coverage never waits for it (rulings §1.2).
    """
    asked = cases.filter(pl.col("is_proof_required") & ~pl.col("only_ends_coverage"))
    if asked.is_empty():
        return cases.with_columns(is_proof_due=pl.lit(value=False))
    unproved = event_frames.load_unproved(connection, asked)
    due = asked.join(unproved, on=list(EVENT_KEY), how="semi")["case"]
    return cases.with_columns(is_proof_due=pl.col("case").is_in(due.implode()))


def _interrupt(connection: Any, chosen: pl.DataFrame, started: models.Run, *, now: datetime) -> None:
    """Close events that an earlier one interrupts; open again those whose turn has come back."""
    interrupted, resumed = interruptions(chosen)
    is_chosen = started.options.get("event") is not None
    why = "put back for an event on demand" if is_chosen else "interrupted by an earlier event"
    for events, status, cause in (
        (interrupted, EventStatus.CLOSED, why),
        (resumed, EventStatus.OPEN, "resumed"),
    ):
        if events.height:
            moves = events.with_columns(to_status="process_status", to_event_status=pl.lit(str(status)))
            move_events(connection, moves, cause=cause, run_id=started.id, actor=started.started_by, now=now)


def _waiting_outcomes(chosen: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Say of those whose first event is not worked on what it waits for."""
    busy = chosen.filter("is_chosen").select(RECORD_KEY)
    first = chosen.filter("is_first").join(busy, on=list(RECORD_KEY), how="anti")
    ahead = not_due_yet(events, chosen).with_columns(waits_for=pl.lit("its day"))
    columns = [*RECORD_KEY, "waits_for", "process_status"]
    return pl.concat([first.select(columns), ahead.select(columns)]).select(
        *RECORD_KEY,
        outcome=pl.format("waits for {}", "waits_for"),
        from_status="process_status",
        to_status="process_status",
    )


# --- deciding ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What a wave decided, before it is written.

    cases: the cases with program_status, prepared_status, final_status (each null where not reached),
           to_status, is_changed.
    """

    cases: pl.DataFrame
    prepared: Prepared
    settled: Settled | None
    messages: pl.DataFrame


def _decide(
    connection: Any, cases: pl.DataFrame, known: Known, rulebook: Rulebook, started: models.Run
) -> Decided:
    """Prepare all cases; settle those with elections, those being finalised, those without a choice."""
    prepared = prepare(with_kept_programs(known.situation, cases, rulebook), rulebook)
    found = prepared.cases.select("case", "program_status", "has_choice", prepared_to="process_status")
    cases = _with_prepared_status(cases.join(found, on="case", maintain_order="left"), started)
    settling = _settling(cases, known, started)
    settled = None
    final = pl.DataFrame(schema={"case": pl.Int32, "final_status": pl.String})
    if settling.height:
        settled = settle(settling, prepared, known.situation, known.elected, known.held, rulebook)
        replayed = cases.filter(is_to_be_replayed())
        if replayed.height:
            earlier = load_offered_prices(connection, replayed)
            settled = return_fallen(settled, replayed, known.elected, prepared, earlier)
        final = settled.cases.select("case", final_status="process_status")
    entered = is_to_be_replayed() & pl.col("case").is_in(known.elected.elections["case"].implode())
    cases = cases.join(final, on="case", how="left", maintain_order="left").with_columns(
        entered_status=pl.when(entered & pl.col("final_status").is_in(ENTERED)).then(pl.lit("ET")),
        to_status=pl.coalesce("final_status", "prepared_status", "program_status", "process_status"),
    )
    same = (
        (pl.col("fingerprint") == pl.col("input_fingerprint"))
        & (pl.col("to_status") == pl.col("process_status"))
        & (pl.col("event_status") == event_status_of())
        & ~is_to_be_replayed()
    ).fill_null(value=False)
    messages = prepared.messages if settled is None else pl.concat([prepared.messages, settled.messages])
    said = [_proof_messages(cases), lost_messages(cases, prepared)]
    messages = pl.concat([messages, *said, _held_otherwise(connection, settling, cases, prepared)])
    if not reaches(started.through_level, Level.OPTIONS):
        messages = messages.filter(pl.col("level").is_in(["schedule", "program"]))
    return Decided(
        cases=cases.with_columns(is_changed=~same), prepared=prepared, settled=settled, messages=messages
    )


def _proof_messages(cases: pl.DataFrame) -> pl.DataFrame:
    """Say of the cases without their proof what they wait for."""
    expected, found = pl.lit("the proof of the life event"), pl.lit("none recorded")
    return with_catalogue(
        message_rows(cases.filter("is_proof_due").select("case"), PROOF_MISSING, expected, found)
    )


def _held_otherwise(
    connection: Any, settling: pl.DataFrame, cases: pl.DataFrame, prepared: Prepared
) -> pl.DataFrame:
    """Say of events prepared earlier, and settled now, where coverage in force changed in between."""
    waited = cases.filter((pl.col("work") != "prepare") & (pl.col("preparation") > 0))
    waited = waited.join(settling, on="case", how="semi")
    if waited.is_empty():
        return with_catalogue(no_messages())
    return held_otherwise(waited, prepared.plans, load_prepared_held(connection, waited))


ENTERED = [str(ProcessStatus.FE), str(ProcessStatus.EE)]
"""Where elections lead that are taken as entered when an event is decided again."""
_ERRORS = [str(ProcessStatus.AE), str(ProcessStatus.PE)]


def _with_prepared_status(cases: pl.DataFrame, started: models.Run) -> pl.DataFrame:
    """Say which statuses preparation passes at the level of the run.

    Only events that are being prepared move; those with elections keep their status here. Without a program
    and with nothing to end an event passes AN to FA at once.
    """
    preparing = pl.col("work") == "prepare"
    nothing = pl.col("program_status") == str(ProcessStatus.FA)
    options = (
        pl.col("prepared_to") if reaches(started.through_level, Level.OPTIONS) else pl.lit(None, pl.String)
    )
    assigned = pl.when(nothing).then(pl.lit(str(ProcessStatus.AN))).otherwise("program_status")
    prepared = pl.when(nothing).then(pl.lit(str(ProcessStatus.FA))).otherwise(options)
    return cases.with_columns(
        program_status=pl.when(preparing).then(assigned), prepared_status=pl.when(preparing).then(prepared)
    )


def _settling(cases: pl.DataFrame, known: Known, started: models.Run) -> pl.DataFrame:
    """Name the cases to validate and load now.

    Those with elections (all withdrawn: they wait again), those being finalised, and freshly prepared ones
    without any choice (rulings §1.4), unless such a one would end all coverage and its class guards that.
    What lacks the proof of its life event waits, however it was answered.
    """
    if not reaches(started.through_level, Level.ELECTIONS):
        return cases.head(0).select("case", "is_finalizing")
    sound = ~pl.col("prepared_to").is_in(_ERRORS)
    fresh = pl.col("prepared_status") == str(ProcessStatus.PR)
    guarded = pl.col("is_guarded") & (pl.col("program_status") == str(ProcessStatus.AN))
    unasked = fresh & ~pl.col("has_choice") & ~guarded
    answered = pl.col("case").is_in(known.elected.elections["case"].implode()) | pl.col("is_finalizing")
    asked = pl.col("work").is_in(["validate", "finalise"]) & sound & answered
    finalised = fresh & pl.col("is_finalizing")
    replayed = fresh & is_to_be_replayed() & answered
    wanted = (unasked | asked | finalised | replayed) & ~pl.col("is_proof_due")
    return cases.filter(wanted & pl.col("is_finalize_allowed")).select("case", "is_finalizing")


# --- writing ----------------------------------------------------------------------------------------------


def _save(
    connection: Any,
    events: pl.DataFrame,
    decided: Decided,
    rulebook: Rulebook,
    started: models.Run,
    *,
    now: datetime,
) -> None:
    """Write what changed: preparation, coverage, statuses with their steps, messages."""
    changed = decided.cases.filter("is_changed")
    if changed.is_empty():
        return
    prepared = changed.filter(pl.col("prepared_to").is_not_null() & _reached_options(started))
    numbered = _above_all(connection, prepared, started)
    with_program = _with_windows_and_programs(numbered, decided, rulebook)
    save_preparation(connection, decided.prepared, with_program, run_id=started.id, now=now)
    if decided.settled is not None:
        is_snapshot = pl.col("use") == SNAPSHOT  # it looks, and posts nothing
        final = changed.filter((pl.col("final_status") == str(ProcessStatus.FE)) & ~is_snapshot)
        post(connection, decided.settled, final, run_id=started.id, now=now)
    _save_steps(connection, changed, started, now=now)
    _save_events(connection, changed, numbered, decided, rulebook, now=now)
    flag_overtaken(connection, events, changed.filter(pl.col("to_status").is_in(FINAL)))
    messages = decided.messages.join(changed.select("case", *EVENT_KEY), on="case")
    replace_messages(connection, messages, changed, run_id=started.id)


def _above_all(connection: Any, prepared: pl.DataFrame, started: models.Run) -> pl.DataFrame:
    """Number preparations one on; where a run was taken back, above those it left too: none is changed."""
    highest = pl.col("preparation")
    if models.Run.objects.filter(bundle_client=started.bundle_client, state=TAKEN_BACK).exists():
        made = load_highest_preparations(connection, prepared)
        prepared = prepared.join(made, on=list(EVENT_KEY), how="left", maintain_order="left")
        highest = pl.max_horizontal("preparation", "highest_preparation")
    return prepared.with_columns(preparation=(highest + 1).cast(pl.Int32))


def _reached_options(started: models.Run) -> pl.Expr:
    return pl.lit(reaches(started.through_level, Level.OPTIONS))


def _save_steps(connection: Any, changed: pl.DataFrame, started: models.Run, *, now: datetime) -> None:
    """Append each single move, with its number, to the history."""
    passed = pl.when("is_trying").then(pl.lit(PASSED)).otherwise(pl.lit(""))
    rows = statuses_passed(changed.with_columns(from_status="process_status")).with_columns(
        event_status=event_status_of(),
        cause=pl.format("run {}{}", pl.lit(started.id), passed),
    )
    record_steps(connection, rows, run_id=started.id, actor=started.started_by, now=now)


EVENT_STATE = (
    *("process_status", "event_status", "status_at", "steps", "preparation", "program_id"),
    *("input_fingerprint", "finalize_requested", "is_finalized", "process_indicator"),
    *("is_out_of_sequence", "is_eligibility_changed", "window_begins_on", "window_ends_on"),
)
"""What a wave writes of an event."""


def _save_events(
    connection: Any,
    changed: pl.DataFrame,
    numbered: pl.DataFrame,
    decided: Decided,
    rulebook: Rulebook,
    *,
    now: datetime,
) -> None:
    """Write the new state of the events: first those that close, then those that open."""
    rows = _with_results(changed, numbered, decided, rulebook)
    moved = pl.col("to_status").ne_missing(pl.col("process_status"))
    rows = rows.with_columns(
        process_status="to_status",
        event_status=event_status_of(),
        status_at=pl.when(moved).then(pl.lit(now).cast(UTC)).otherwise("status_at"),
        input_fingerprint="fingerprint",
        finalize_requested=pl.lit(value=False),
        is_finalized=pl.when(pl.col("to_status") == str(ProcessStatus.FE))
        .then("is_finalizing")
        .otherwise("is_finalized"),
        process_indicator=pl.lit(str(ProcessIndicator.NORMAL)),
        is_out_of_sequence=pl.lit(value=False),
        is_eligibility_changed=pl.lit(value=False),
    )
    for status in ("C", "O"):
        update_from(connection, "events_event", rows.filter(event_status=status), EVENT_KEY, EVENT_STATE)


def _with_results(
    changed: pl.DataFrame, numbered: pl.DataFrame, decided: Decided, rulebook: Rulebook
) -> pl.DataFrame:
    """Add windows, and the new number of steps, preparation and program, of those that reached them."""
    steps = statuses_passed(changed.with_columns(from_status="process_status"))
    moved = steps.group_by(EVENT_KEY).agg(moved_steps=pl.len().cast(pl.Int32))
    programs = _new_programs(decided, rulebook)
    rows = (
        window(changed)
        .join(moved, on=list(EVENT_KEY), how="left")
        .join(numbered.select("case", next_preparation="preparation"), on="case", how="left")
        .join(programs, on="case", how="left")
    )
    return rows.with_columns(
        steps=pl.col("steps") + pl.col("moved_steps").fill_null(0),
        preparation=pl.coalesce("next_preparation", "preparation"),
        program_id=pl.coalesce("new_program_id", "program_id"),
    )


def _new_programs(decided: Decided, rulebook: Rulebook) -> pl.DataFrame:
    """The program each case was assigned: case, program_row, new_program_id."""
    programs = rulebook.programs.select("program_row", new_program_id="program_id")
    return decided.prepared.cases.select("case", "program_row").join(programs, on="program_row", how="left")


def _with_windows_and_programs(numbered: pl.DataFrame, decided: Decided, rulebook: Rulebook) -> pl.DataFrame:
    """What is kept of a preparation besides its results: the program assigned, and the window it had."""
    rows = window(numbered).join(_new_programs(decided, rulebook), on="case", how="left")
    return rows.with_columns(program_id=pl.coalesce("new_program_id", "program_id"))


# --- what a trial shows -------------------------------------------------------------------------------------

CHANGES = """
SELECT c.client_id, c.person_id, c.benefit_record, c.plan_type, c.begins_on, c.kind, c.option_id,
       c.coverage_cents, c.pledge_cents, c.rule
FROM enrollment_coverage AS c WHERE c.run_id = %s
"""

CHANGES_KEY = ("client_id", "person_id", "benefit_record", "plan_type", "begins_on")
CHANGES_SCHEMA = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "begins_on": pl.Date,
    "kind": pl.String,
    "option_id": pl.Int32,
    "coverage_cents": pl.Int64,
    "pledge_cents": pl.Int64,
    "rule": pl.String,
}


def changes_of(connection: Any, run_id: int) -> pl.DataFrame:
    """Answer the change points a run wrote, in no order."""
    return copy_out(connection, CHANGES, CHANGES_SCHEMA, [run_id])


def no_changes() -> pl.DataFrame:
    """The frame of a run that wrote no change point."""
    return pl.DataFrame(schema=CHANGES_SCHEMA)
