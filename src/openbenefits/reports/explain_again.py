"""One event prepared again, from facts and set-up as known when it was last worked on.

The kernel that prepared it is run for this one case, and its trace kept. What the run could not have seen yet
(later facts, coverage, elections, evidence, set-up) is left out; what it stored is read for comparison.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import FINAL_STATUSES, EventStatus, Level, ProcessStatus
from openbenefits.enrollment.election_frames import load_elected
from openbenefits.enrollment.frames import (
    COVERAGE_COLUMNS,
    POINT,
    decided_before,
    in_force,
    load_held,
    points_about,
)
from openbenefits.enrollment.models import Coverage, EventOption, EventPlan, Preparation, ProofDecision
from openbenefits.enrollment.rules.elected import Elected
from openbenefits.enrollment.rules.prepare import Prepared, Situation, prepare
from openbenefits.enrollment.rules.reinstated import ENDED
from openbenefits.enrollment.services import ended_of, load_known
from openbenefits.events.models import Event, EventStep, Message
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.programs.frames import load_releases, releases_in_force
from openbenefits.programs.rulebook import Rulebook
from openbenefits.runs.models import Run, RunPartition, RunPerson
from openbenefits.runs.rules import TO_PREPARE, reaches
from openbenefits.store.bulk import schema_of

EventNumber = tuple[int, int]
"""A schedule and the number of an event in it."""

PLAN_COLUMNS = {
    **{name: name for name in ("coverage_begins_on", "deduction_begins_on", "coverage_ends_on")},
    **{name: name for name in ("deduction_ends_on", "current_option_id", "default_option_id")},
    **{name: name for name in ("default_reason", "offered_options", "is_choice", "is_lost", "is_ignored")},
    "event_rule_row": "rule_row",
}
"""What is stored of a plan type, and the column of the kernel's result it is."""

OPTION_COLUMNS = {
    **{name: name for name in ("is_electable", "is_current", "is_default", "is_proof_required")},
    **{name: name for name in ("coverage_cents", "approved_coverage_cents", "premium_coverage_cents")},
    **{name: name for name in ("rate_row_id", "annual_imputed_cents", "pay_imputed_cents")},
    **{name: name for name in ("annual_before_tax_cents", "annual_after_tax_cents")},
    **{name: name for name in ("annual_employer_cents", "annual_credit_cents")},
    **{name: name for name in ("pay_before_tax_cents", "pay_after_tax_cents", "pay_credit_cents")},
    "rule_mask": "rule_bit",
}
"""The same of an option."""


class NothingToExplain(LookupError):
    """The person has no event, or not the one asked about."""


@dataclass(frozen=True, kw_only=True)
class Worked:
    """The last run that worked on an event: all it saw was known at `at`, under its `releases`."""

    run_id: int
    at: datetime
    releases: tuple[int, ...]
    is_prepared: bool  # the run went as far as preparing options
    is_fresh: bool  # it prepared the event for the first time, or again; else it validated or finalised
    earlier: frozenset[EventNumber]  # events of the same record the same run worked on before this one


@dataclass(frozen=True, kw_only=True)
class Again:
    """The event, what was known of it, and what the kernel makes of that. `worked` is null if no run was."""

    event: dict[str, Any]
    steps: tuple[dict[str, Any], ...]
    worked: Worked | None
    tables: Mapping[str, pl.DataFrame]
    rulebook: Rulebook
    situation: Situation
    prepared: Prepared
    case: dict[str, Any]  # the one row of prepared.cases, with age_years and service_months
    known_at: datetime | None = None  # it is told as it stood at that moment; else as it stands


def prepare_again(connection: Any, event: dict[str, Any], *, known_at: datetime | None = None) -> Again:
    """Prepare an event again, as then known; one that no run has worked on, as known now.

    With `known_at` what was done to it later is left out.
    """
    history = EventStep.objects.filter(**key_of(event))
    if known_at is not None:
        history = history.filter(moved_at__lte=known_at)
    steps = tuple(history.order_by("step").values())
    worked = _last_work(event, steps, known_at)
    releases = worked.releases if worked else _releases_now(connection, event)
    rulebook, tables = load_releases(connection, releases)
    situation = _situation(connection, event, steps, worked, rulebook, tables)
    prepared = prepare(situation, rulebook)
    case = prepared.cases.with_columns(**measures()).row(0, named=True)
    return Again(
        event=event,
        steps=steps,
        worked=worked,
        tables=tables,
        rulebook=rulebook,
        situation=situation,
        prepared=prepared,
        case=case,
        known_at=known_at,
    )


def measures() -> dict[str, pl.Expr]:
    """Age and service on the event date (docs/rules.md §2.3)."""
    event_on = pl.col("event_on")
    return {
        "age_years": days.age_years(pl.col("birth_on"), event_on),
        "service_months": days.months_of_service(pl.col("service_on"), event_on),
    }


def find_event(
    client_id: int,
    person_id: int,
    benefit_record: int,
    event: EventNumber | None,
    *,
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> dict[str, Any]:
    """Find the event asked about, or the one that moved last: dated `as_of` or before, as then known.

    Errors: NothingToExplain, saying what was looked for.
    """
    rows = Event.objects.filter(client_id=client_id, person_id=person_id, benefit_record=benefit_record)
    if event is not None:
        rows = rows.filter(schedule_id=event[0], event_number=event[1])
    known = [_as_it_stood(row, known_at) for row in rows.values()]
    gone = [str(EventStatus.VOID), str(EventStatus.DISCONNECTED)]
    standing = [
        row
        for row in known
        if row is not None
        and (event is not None or row["event_status"] not in gone)
        and (as_of is None or row["event_on"] <= as_of)
    ]
    found = max(standing, key=_moved, default=None)
    if found is None:
        wanted = "an event" if event is None else f"event {event[1]} of schedule {event[0]}"
        raise NothingToExplain(
            f"benefit record {benefit_record} of person {person_id} (client {client_id}): expected {wanted}, "
            f"found none; run the schedule first"
        )
    return found


def _moved(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["status_at"], row["event_on"], row["event_number"], row["schedule_id"]


def _as_it_stood(event: dict[str, Any], known_at: datetime | None) -> dict[str, Any] | None:
    """Turn an event back to a moment; null where it had not moved by then."""
    if known_at is None:
        return event
    step = (
        EventStep.objects.filter(moved_at__lte=known_at, **key_of(event)).order_by("-step").values().first()
    )
    if step is None:
        return None
    made = Preparation.objects.filter(made_at__lte=known_at, **key_of(event)).order_by("-preparation")
    prepared = made.values("preparation", "event_on", "program_id").first() or {"preparation": 0}
    moved = {
        "process_status": step["to_status"],
        "event_status": step["event_status"],
        "status_at": step["moved_at"],
        "steps": step["step"],
    }
    return event | moved | prepared


def key_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event's key."""
    return {name: event[name] for name in EVENT_KEY}


def record_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """The key of the event's benefit record."""
    return {name: event[name] for name in RECORD_KEY}


def _releases_now(connection: Any, event: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(releases_in_force(connection, [event["client_id"]]).values())


# --- the last run ---------------------------------------------------------------------------------------


def _last_work(
    event: Mapping[str, Any], steps: tuple[dict[str, Any], ...], known_at: datetime | None
) -> Worked | None:
    """Find the last run that prepared, validated or finalised an event.

    A run that left the status as it was wrote no step, yet wrote messages.
    """
    noted = set(Message.objects.filter(**key_of(event)).values_list("run_id", flat=True))
    if known_at is not None:
        begun = Run.objects.filter(pk__in=noted, started_at__lte=known_at)
        noted = set(begun.values_list("pk", flat=True))
    runs = noted | {step["run_id"] for step in steps if is_work(step)}
    if not runs:
        return None
    run = Run.objects.get(pk=max(runs))
    return Worked(
        run_id=run.pk,
        at=_committed_at(event, run),
        releases=tuple(release for _, release in sorted((int(k), v) for k, v in run.releases.items())),
        is_prepared=reaches(run.through_level, Level.OPTIONS),
        is_fresh=_is_fresh(event, steps, run.pk),
        earlier=_earlier_in_run(event, run.pk),
    )


def is_work(step: Mapping[str, Any]) -> bool:
    """Tell whether a step came from working on the event, not from its place among others."""
    return bool(step["cause"] == f"run {step['run_id']}")


def _committed_at(event: Mapping[str, Any], run: Run) -> datetime:
    """When the person's partition of the run was committed: facts known by then were seen."""
    person = RunPerson.objects.filter(run_id=run.pk, **record_of(event)).first()
    line = person and RunPartition.objects.filter(run_id=run.pk, partition=person.partition).first()
    return (line and line.committed_at) or run.started_at


def _is_fresh(event: Mapping[str, Any], steps: tuple[dict[str, Any], ...], run_id: int) -> bool:
    own = [step["from_status"] for step in steps if step["run_id"] == run_id and is_work(step)]
    before = own[0] if own else event["process_status"]
    return before is None or before in TO_PREPARE


def _earlier_in_run(event: Mapping[str, Any], run_id: int) -> frozenset[EventNumber]:
    """Name the events of the benefit record that come before this one and were worked on by the same run."""
    worked = EventStep.objects.filter(run_id=run_id, cause=f"run {run_id}", **record_of(event))
    numbers = set(worked.values_list("schedule_id", "event_number"))
    rows = Event.objects.filter(**record_of(event)).values()
    before = [row for row in rows if _place(row) < _place(event)]
    return frozenset(numbers & {(row["schedule_id"], row["event_number"]) for row in before})


def _place(event: Mapping[str, Any]) -> tuple[Any, ...]:
    return event["event_on"], event["priority"], event["event_number"], event["schedule_id"]


# --- what was known -------------------------------------------------------------------------------------


def _situation(
    connection: Any,
    event: dict[str, Any],
    steps: tuple[dict[str, Any], ...],
    worked: Worked | None,
    rulebook: Rulebook,
    tables: Mapping[str, pl.DataFrame],
) -> Situation:
    is_elected = worked is not None and not _elected_since(event, steps, worked)
    cases = _cases(event, worked, tables, is_elected=is_elected)
    known = load_known(connection, cases, rulebook, known_at=None if worked is None else worked.at)
    about = points_about(cases, _coverage(event, worked))
    held = in_force(about, decided_before(connection, cases, about))
    elected = load_elected(connection, cases if is_elected else cases.head(0))
    ended = ended_of(connection, cases, _coverage(event, worked), held, elected, rulebook)
    points = [held.select("case", *POINT), ended.filter("is_only_ended").select("case", *POINT)]
    chosen, members = _settled_households(cases, elected, load_held(connection, pl.concat(points)))
    return replace(
        known.situation,
        ended=ended.select(*ENDED, "is_only_ended"),
        in_force=held,
        approved=_approved(event, worked),
        prior=_prior(event, worked),
        chosen=chosen,
        chosen_members=members,
    )


def _cases(
    event: dict[str, Any], worked: Worked | None, tables: Mapping[str, pl.DataFrame], *, is_elected: bool
) -> pl.DataFrame:
    """The case, as a run shapes it."""
    schema = schema_of(Event)
    row = pl.DataFrame([{name: event[name] for name in schema}], schema=schema)
    classes = tables["event_class"].select("event_class_id", "use", "only_ends_coverage")
    return row.join(classes, on="event_class_id", how="left").with_columns(
        case=pl.lit(0, pl.Int32),
        is_open_enrollment=pl.col("use") == "O",
        is_settling=pl.lit(worked is not None and not worked.is_fresh),
        received_on="elected_on" if is_elected else pl.lit(None, pl.Date),
    )


def _elected_since(event: dict[str, Any], steps: tuple[dict[str, Any], ...], worked: Worked) -> bool:
    """Tell whether elections came only after the run."""
    if event["process_status"] == ProcessStatus.ET:
        return True
    own = [step["step"] for step in steps if step["run_id"] == worked.run_id and is_work(step)]
    return bool(own) and any(
        step["step"] > own[-1] and step["to_status"] == ProcessStatus.ET for step in steps
    )


def _coverage(event: dict[str, Any], worked: Worked | None) -> pl.DataFrame:
    """The change points that held when the run looked."""
    points = list(Coverage.objects.filter(**record_of(event)).values())
    seen = [
        point for point in points if _is_seen(point, worked) and not _is_superseded(point, points, worked)
    ]
    rows = [{name: point[name] for name in COVERAGE_COLUMNS} for point in seen]
    return pl.DataFrame(rows, schema=COVERAGE_COLUMNS)


def _is_seen(point: Mapping[str, Any], worked: Worked | None) -> bool:
    if worked is None:
        return True
    if point["run_id"] is None:
        return bool(point["made_at"] <= worked.at)
    by = (point["schedule_id"], point["event_number"])
    return point["run_id"] < worked.run_id or (point["run_id"] == worked.run_id and by in worked.earlier)


def _is_superseded(point: Mapping[str, Any], points: list[dict[str, Any]], worked: Worked | None) -> bool:
    by_run = point["superseded_by_run"]
    if by_run is None or worked is None:
        return by_run is not None
    if by_run == 0:  # not by a run
        return bool(point["superseded_at"] <= worked.at)
    if by_run != worked.run_id:
        return bool(by_run < worked.run_id)
    return any(_replaces(other, point, by_run, worked) for other in points)


def _replaces(other: Mapping[str, Any], point: Mapping[str, Any], run_id: int, worked: Worked) -> bool:
    """Whether an event the run worked on before this one superseded a point by another of its timeline."""
    is_same = all(other[name] == point[name] for name in ("plan_type", "slot"))
    by = (other["schedule_id"], other["event_number"])
    is_earlier = other["run_id"] == run_id and by in worked.earlier
    return is_same and is_earlier and other["begins_on"] <= point["begins_on"]


def _approved(event: dict[str, Any], worked: Worked | None) -> pl.DataFrame:
    """The amounts approved by evidence, as then known."""
    rows = ProofDecision.objects.filter(
        client_id=event["client_id"], person_id=event["person_id"], valid_from__lte=event["event_on"]
    )
    if worked is not None:
        rows = rows.filter(known_since__lte=worked.at)
    days = {(row.plan_type, row.valid_from): row for row in rows.order_by("valid_from", "version")}
    latest = {row.plan_type: row.approved_cents for row in days.values() if not row.is_withdrawn}
    schema = {"case": pl.Int32, "plan_type": pl.String, "approved_cents": pl.Int64}
    return pl.DataFrame([(0, *item) for item in latest.items()], schema=schema, orient="row")


def _prior(event: dict[str, Any], worked: Worked | None) -> pl.DataFrame:
    """The options of the last event prepared to its end before this one, as the run saw it."""
    standing = (_as_seen(row, worked) for row in Event.objects.filter(**record_of(event)).values())
    before = [
        row
        for row in standing
        if row is not None and row["event_on"] <= event["event_on"] and key_of(row) != key_of(event)
    ]
    latest = max((row["event_on"] for row in before), default=None)
    options: set[int] = set()
    for row in before:
        if row["event_on"] == latest:
            found = EventOption.objects.filter(**key_of(row), preparation=row["preparation"])
            options |= set(found.values_list("option_id", flat=True))
    pairs = [(0, option) for option in sorted(options)]
    return pl.DataFrame(pairs, schema={"case": pl.Int32, "option_id": pl.Int32}, orient="row")


def _as_seen(event: dict[str, Any], worked: Worked | None) -> dict[str, Any] | None:
    """Turn another event back to what the run saw of it; null where it had not come to its end by then."""
    if worked is not None:
        steps = EventStep.objects.filter(**key_of(event)).order_by("-step").values()
        step = next((row for row in steps if _is_step_seen(row, worked)), None)
        made = Preparation.objects.filter(**key_of(event)).order_by("-preparation")
        rows = made.values(*EVENT_KEY, "preparation", "event_on", "run_id", "made_at")
        prepared = next((row for row in rows if _is_seen(row, worked)), None)
        if step is None or prepared is None:
            return None
        event = prepared | {"process_status": step["to_status"], "event_status": step["event_status"]}
    is_final = event["process_status"] in FINAL_STATUSES
    return event if is_final and event["event_status"] in (EventStatus.OPEN, EventStatus.CLOSED) else None


def _is_step_seen(step: Mapping[str, Any], worked: Worked) -> bool:
    """Tell whether a run saw a step of another event: what it moves before it works, it sees itself."""
    if step["run_id"] == worked.run_id and not is_work(step):
        return True
    return _is_seen({**step, "made_at": step["moved_at"]}, worked)


def _settled_households(
    cases: pl.DataFrame, elected: Elected, held: Elected
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The plan types whose covered dependents are settled, and those dependents (as in `load_known`)."""
    key = ["case", "plan_type"]
    settling = cases.filter("is_settling").select("case")
    kept = held.members.join(settling, on="case", how="semi").join(elected.elections, on=key, how="anti")
    chosen = pl.concat([elected.elections.select(key), kept.select(key)]).unique()
    return chosen, pl.concat([elected.members, kept])


# --- what was stored ------------------------------------------------------------------------------------


def differences(again: Again) -> tuple[str, ...]:
    """Name where what was stored differs from what the kernel makes of what was known; empty: nowhere."""
    if again.worked is None or not again.worked.is_prepared or not again.event["preparation"]:
        return ()
    return (
        *_compared(again, EventPlan, "plan_type", PLAN_COLUMNS, traced_plans(again)),
        *_compared(again, EventOption, "option_id", OPTION_COLUMNS, again.prepared.options),
    )


def traced_plans(again: Again) -> pl.DataFrame:
    """The plan types of the case, with nothing where what is stored says nothing."""
    return again.prepared.plans.with_columns(
        pl.col("rule_row").fill_null(-1), pl.col("default_reason").fill_null("nothing")
    )


def _compared(
    again: Again, model: Any, key: str, columns: Mapping[str, str], traced: pl.DataFrame
) -> Iterator[str]:
    rows = model.objects.filter(**key_of(again.event), preparation=again.event["preparation"]).values()
    stored = {row[key]: row for row in rows}
    found = {row[key]: row for row in traced.iter_rows(named=True)}
    what = key.removesuffix("_id").replace("_", " ")
    for name in sorted(stored.keys() ^ found.keys()):
        yield f"{what} {name}: {'stored' if name in stored else 'found again'} only"
    for name in sorted(stored.keys() & found.keys()):
        for column, ours in columns.items():
            if stored[name][column] != found[name][ours]:
                yield f"{what} {name}: {column} stored {stored[name][column]}, again {found[name][ours]}"
