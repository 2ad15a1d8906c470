"""Use cases of overrides: what somebody decides about eligibility for one event (docs/rules.md §2.9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.accounts.approvals import ApprovalKind, Matter, require_approval
from openbenefits.core.codes import FINAL_STATUSES, EventStatus, ProcessStatus
from openbenefits.enrollment.models import EligibilityOverride
from openbenefits.events.models import Event
from openbenefits.events.rules import EVENT_KEY
from openbenefits.events.services import move_events
from openbenefits.programs.frames import load_setup
from openbenefits.store.bulk import copy_out, schema_of
from openbenefits.workforce.recording import lock_people

DECISIONS = ("eligible", "ineligible", "withdrawn")
"""What may be decided; `withdrawn` lets the rules decide again."""

WORDS = dict(zip((True, False, None), DECISIONS, strict=True))

WAITING = tuple(str(status) for status in (ProcessStatus.PR, ProcessStatus.NT, ProcessStatus.RE))
"""Prepared, and not looked at again before somebody answers; a decision assigns these again."""


class OverrideRefused(ValueError):
    """A decision that cannot be: the message says what was expected, what found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What came of a decision."""

    version: int
    is_new: bool  # false: the same had been decided before, so nothing was written
    is_prepared_again: bool  # the event had been prepared, and goes back to be


def overrides_of(connection: Any, event: dict[str, Any]) -> list[dict[str, Any]]:
    """List every decision ever made for an event, the latest last."""
    rows = EligibilityOverride.objects.filter(**{name: event[name] for name in EVENT_KEY})
    return list(rows.using(connection.alias).order_by("version").values())


def override_eligibility(
    connection: Any,
    *,
    client_id: int,
    person_id: int,
    benefit_record: int,
    schedule_id: int,
    event_number: int,
    program: str,
    option: tuple[str, str] | None = None,
    is_eligible: bool | None,
    author: str,
    reason: str,
    now: datetime,
    expires_on: date | None = None,
    is_decided_again: bool = False,
    is_rehearsal: bool = False,
) -> Decided:
    """Record what somebody decides about a program, or an option of it, for one event.

    `option` is a plan type and a code; `is_eligible` null withdraws what was decided before. An event that
    has been prepared, and waits for elections, goes back to AS, so that the next run prepares it again; one
    with elections entered is prepared again by the next run anyway. `is_decided_again` says that the caller
    decides the event again at once, so that it may be final. A rehearsal needs no approval: it is given up.
    `expires_on` is the last day it counts (`expire_due`); null, it counts until somebody withdraws it.

    Missing: the same decision by the same author for the same reason, again: nothing is written.
    Errors:  OverrideRefused for an unknown, final or void event, an unknown program or option, an empty
             author or reason, or nothing to withdraw. UnknownPeople, PeopleBusy. ApprovalWanted where the
             client wants another user to approve it.
    """
    _refuse_silence(author=author, reason=reason)
    key = {"client_id": client_id, "person_id": person_id, "benefit_record": benefit_record}
    key |= {"schedule_id": schedule_id, "event_number": event_number}
    with transaction.atomic(using=connection.alias):
        lock_people(client_id, pl.Series([person_id], dtype=pl.Int64))
        event = _open_event(connection, key, may_be_final=is_decided_again)
        program_id, option_id = _place(connection, event, program, option)
        made = EligibilityOverride.objects.using(connection.alias).filter(**key)
        last = made.filter(program_id=program_id, option_id=option_id).order_by("-version").first()
        name = _name(program, option)
        _refuse_nothing_to_withdraw(is_eligible, last, f"event {event_number}", name)
        said = (is_eligible, author, reason, expires_on)
        if last is not None and said == (last.is_eligible, last.author, last.reason, last.expires_on):
            return Decided(version=last.version, is_new=False, is_prepared_again=False)
        if not is_rehearsal:
            require_approval(
                matter_of_override(key, program_id, option_id, is_eligible, name, expires_on), now
            )
        version = made.count() + 1
        made.create(
            **key,
            version=version,
            program_id=program_id,
            option_id=option_id,
            is_eligible=is_eligible,
            expires_on=None if is_eligible is None else expires_on,
            author=author,
            reason=reason,
            made_at=now,
        )
        again = not is_decided_again and assign_again(connection, [event], author=author, now=now) > 0
    return Decided(version=version, is_new=True, is_prepared_again=again)


EXPIRED_QUERY = """
SELECT person_id, benefit_record, schedule_id, event_number, program_id, option_id, expires_on
FROM (
    SELECT DISTINCT ON (person_id, benefit_record, schedule_id, event_number, program_id, option_id) *
    FROM enrollment_eligibilityoverride WHERE client_id = %s
    ORDER BY person_id, benefit_record, schedule_id, event_number, program_id, option_id, version DESC
) AS last
WHERE is_eligible IS NOT NULL AND expires_on < %s
ORDER BY person_id, event_number
"""
EXPIRED: dict[str, Any] = {
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "program_id": pl.Int32,
    "option_id": pl.Int32,
    "expires_on": pl.Date,
}


def expired(connection: Any, client_id: int, on: date) -> pl.DataFrame:
    """List the decisions of a client that still stand and whose last day is before a day, as EXPIRED."""
    return copy_out(connection, EXPIRED_QUERY, EXPIRED, [client_id, on])


def expire_due(connection: Any, client_id: int, on: date, *, author: str, now: datetime) -> tuple[int, int]:
    """Withdraw what has expired of events still open, prepared again; answer how many, how many not.

    What an event that is final rests on stays: a person decides it again, with its consequences shown.
    """
    due = expired(connection, client_id, on)
    done = sum(_expire(connection, client_id, one, author, now) for one in due.iter_rows(named=True))
    return done, due.height - done


def _expire(connection: Any, client_id: int, one: Mapping[str, Any], author: str, now: datetime) -> bool:
    """Withdraw one decision; False where its event is final or void. That it ends was decided with it."""
    key = {"client_id": client_id} | {name: one[name] for name in EVENT_KEY if name != "client_id"}
    with transaction.atomic(using=connection.alias):
        lock_people(client_id, pl.Series([one["person_id"]], dtype=pl.Int64))
        try:
            event = _open_event(connection, key, may_be_final=False)
        except OverrideRefused:
            return False
        made = EligibilityOverride.objects.using(connection.alias).filter(**key)
        made.create(
            **key,
            version=made.count() + 1,
            program_id=one["program_id"],
            option_id=one["option_id"],
            is_eligible=None,
            author=author,
            reason=f"counted through {one['expires_on']}",
            made_at=now,
        )
        assign_again(connection, [event], author=author, now=now)
    return True


def _refuse_silence(**said: str) -> None:
    """Refuse a decision without an author or a reason.

    Errors: OverrideRefused.
    """
    for what, text in said.items():
        if not text.strip():
            raise OverrideRefused(f"expected {a(what)} of the decision, found none; state the {what}")


def _refuse_nothing_to_withdraw(
    is_eligible: bool | None, last: EligibilityOverride | None, event: str, name: str
) -> None:
    """Refuse to withdraw what nobody decided.

    Errors: OverrideRefused.
    """
    if is_eligible is None and (last is None or last.is_eligible is None):
        raise OverrideRefused(
            f"{event}: expected a decision about {name} to withdraw, found none; state eligible or ineligible"
        )


def matter_of_override(
    key: Mapping[str, int],
    program_id: int,
    option_id: int | None,
    is_eligible: bool | None,
    name: str,
    expires_on: date | None = None,
) -> Matter:
    """Answer what another user approves who approves a decision about an event; name: of what it is about."""
    place = "/".join(str(key[one]) for one in EVENT_KEY if one != "client_id")
    decided = None if is_eligible is None else str(is_eligible).lower()
    return Matter(
        client_id=key["client_id"],
        kind=ApprovalKind.OVERRIDE,
        key=f"event {place}",
        parts=[
            str(program_id),
            None if option_id is None else str(option_id),
            decided,
            *([] if expires_on is None else [expires_on.isoformat()]),
        ],
        told=f"{name}: {WORDS[is_eligible]}" + ("" if expires_on is None else f", through {expires_on}"),
    )


def a(what: str) -> str:
    """Put the article before a word.

    >>> a("author"), a("reason")
    ('an author', 'a reason')
    """
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


def _open_event(connection: Any, key: dict[str, Any], *, may_be_final: bool) -> dict[str, Any]:
    """Find the event, which must not be void, nor final unless it is decided again at once.

    Errors: OverrideRefused.
    """
    event = Event.objects.using(connection.alias).filter(**key).values().first()
    where = f"event {key['event_number']} of schedule {key['schedule_id']}, person {key['person_id']}"
    if event is None:
        raise OverrideRefused(
            f"{where}: expected an event of benefit record {key['benefit_record']}, found none;"
            " correct the schedule or the number, or run the schedule first"
        )
    if event["event_status"] in (EventStatus.VOID, EventStatus.DISCONNECTED):
        raise OverrideRefused(
            f"{where}: expected an event that counts, found one that is void or disconnected;"
            " decide for the event that took its place"
        )
    if event["process_status"] in FINAL_STATUSES and not may_be_final:
        raise OverrideRefused(
            f"{where}: expected an event still being worked on, found {event['process_status']}, which is"
            " final; open the event again first, or decide for the next one"
        )
    return dict(event)


def _place(
    connection: Any, event: dict[str, Any], program: str, option: tuple[str, str] | None
) -> tuple[int, int | None]:
    """Find the program, and its option, as they are on the event date.

    Errors: OverrideRefused, naming what there is.
    """
    tables = load_setup(connection, [event["client_id"]])
    programs = tables["program"].filter(
        pl.col("client_id") == event["client_id"], pl.col("valid_from") <= event["event_on"]
    )
    programs = programs.sort("valid_from").unique("program_id", keep="last")
    found = programs.filter(code=program)
    if found.is_empty():
        there_are = ", ".join(programs["code"].sort()) or "none"
        raise OverrideRefused(
            f"no program {program} on {event['event_on']}; there are {there_are}. Correct the program"
        )
    held = found.row(0, named=True)
    if option is None:
        return held["program_id"], None
    key = {"program_id": held["program_id"], "valid_from": held["valid_from"]}
    options = tables["option"].filter(**key)
    chosen = options.filter(plan_type=option[0], code=option[1])
    if chosen.is_empty():
        names = options.filter(pl.col("code") != "").select(pl.format("{}/{}", "plan_type", "code"))
        there_are = ", ".join(names.to_series().sort()) or "none"
        raise OverrideRefused(
            f"no option {'/'.join(option)} in program {program} on {event['event_on']};"
            f" there are {there_are}. Correct the plan type or the option"
        )
    return held["program_id"], chosen["option_id"][0]


def _name(program: str, option: tuple[str, str] | None) -> str:
    return f"program {program}" if option is None else f"option {'/'.join(option)} of program {program}"


def assign_again(
    connection: Any,
    events: Sequence[dict[str, Any]] | pl.DataFrame,
    *,
    author: str,
    now: datetime,
    cause: str = "eligibility decided",
) -> int:
    """Move events that wait for elections back to AS, with history; answer how many were moved.

    Shapes: events has the event's key, process_status, event_status, steps.
    """
    columns = (*EVENT_KEY, "process_status", "event_status", "steps")
    schema = {name: kind for name, kind in schema_of(Event).items() if name in columns}
    if not isinstance(events, pl.DataFrame):
        events = pl.DataFrame([{name: one[name] for name in schema} for one in events], schema=schema)
    moves = events.select(list(schema)).filter(pl.col("process_status").is_in(list(WAITING)))
    if moves.height:
        moves = moves.with_columns(to_status=pl.lit(str(ProcessStatus.AS)), to_event_status="event_status")
        move_events(connection, moves, cause=cause, run_id=None, actor=author, now=now)
    return moves.height
