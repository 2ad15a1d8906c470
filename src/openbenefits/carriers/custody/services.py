"""The chain of custody: of each person and line what is intended, in a file, sent, answered, confirmed.

What waits too long for its next link opens a case, which closes when that link comes.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import polars as pl
from django.db import connection as default

from openbenefits.carriers.acknowledgements.words import TAKEN, answered
from openbenefits.carriers.agreements.partners import Partner, partners_of
from openbenefits.carriers.building.projecting import spans_of
from openbenefits.carriers.custody.portal_entries import close_done, overdue_cases
from openbenefits.carriers.filing.services import files
from openbenefits.carriers.models import CarrierFile
from openbenefits.carriers.rules.custody import NO_ENROLMENT, WAITS_FOR, FileState
from openbenefits.carriers.states import casing
from openbenefits.carriers.states.accepting import BAD, GOOD
from openbenefits.carriers.states.frames import load_entries, load_lines, load_unsaid
from openbenefits.carriers.states.waiting import agreements, hours_of
from openbenefits.casework.models import IS_OPEN, Ticket
from openbenefits.casework.services import Subject, close_for
from openbenefits.programs.frames import load_setup

MOMENT = pl.Datetime("us", "UTC")
CHAIN: dict[str, Any] = {
    "partner": pl.String,
    "benefit_record": pl.Int16,
    "dependent_id": pl.Int64,
    "member": pl.String,
    "line": pl.String,
    "plan_type": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "plan": pl.String,
    "tier": pl.String,
    "is_intended": pl.Boolean,
    "is_as_sent": pl.Boolean,
    "action": pl.String,
    "kind": pl.String,
    "file_id": pl.Int64,
    "file_state": pl.String,
    "in_file_at": MOMENT,
    "released_at": MOMENT,
    "transferred_at": MOMENT,
    "ta1": pl.String,
    "ta1_at": MOMENT,
    "acknowledged": pl.String,
    "acknowledged_at": MOMENT,
    "verdict": pl.String,
    "verdict_code": pl.String,
    "verdict_words": pl.String,
    "reported_at": MOMENT,
    "confirmed_at": MOMENT,
    "stage": pl.String,
    "due_at": MOMENT,
    "is_overdue": pl.Boolean,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "words": pl.String,
}
"""A row for each span of a member in a line, and for each that was said and no longer holds.

dependent_id: null for the employee himself. ends_on: the last day covered. is_intended: the coverage
timeline has the span now; is_as_sent: what was last said of it is what the timeline has.
stage: intended, in file, released, transferred, received, not read, accepted, refused, reported, confirmed,
portal, entered.
verdict: of the partner's report; of a set that was refused for this member: refused.
"""

S = FileState
Row = dict[str, Any]
DAY = timedelta(days=1)
END, CHANGE = "024", "001"


def chain(client_id: int, person_id: int, *, now: datetime) -> pl.DataFrame:
    """Answer the chain of custody of a person and his dependents, line by line: CHAIN.

    The latest that was said of a span counts. A fixed number of queries.
    """
    told = partners_of(client_id)
    held = _intended(client_id, person_id, told)
    said = list(load_lines(client_id, person_id).iter_rows(named=True))
    entries = load_entries([client_id], person_id=person_id, is_open=False).filter("is_net")
    owners = {(row["partner_client"], row["partner"]) for row in said if row["partner"]}
    known = agreements(owners)
    rows = list(_links(held, said, list(entries.iter_rows(named=True)), known, now))
    found = pl.DataFrame([[row.get(name) for name in CHAIN] for row in rows], schema=CHAIN, orient="row")
    return found.sort("benefit_record", "plan_type", "dependent_id", "begins_on", "line", nulls_last=False)


def chain_of_event(
    client_id: int, person_id: int, schedule_id: int, event_number: int, *, now: datetime
) -> pl.DataFrame:
    """Answer the part of a person's chain that follows from one event, whose elections it is: CHAIN."""
    rows = chain(client_id, person_id, now=now)
    return rows.filter(pl.col("schedule_id") == schedule_id, pl.col("event_number") == event_number)


def overdue(connection: Any, *, now: datetime, without: Collection[int] = ()) -> int:  # noqa: ARG001 - as every step of a night
    """Open cases for what waits too long, and close those of what has come; answer how many are new.

    without: clients left for another time.
    """
    _close_moved(now, without)
    close_done(now, without)
    waiting = [str(one) for one in WAITS_FOR]
    late = files(None, now=now, states=waiting).filter("is_overdue")
    orders = [_waits(row) for row in late.iter_rows(named=True)]
    orders += [*_unsaid(now), *overdue_cases(now)]
    return casing.open_all([one for one in orders if one.client_id not in without], now=now)


def _waits(row: Row) -> Any:
    words = (
        f"File {row['file_id']} for {row['partner']} is {row['state']} since {row['since']:%Y-%m-%d %H:%M}"
        f" UTC and waits for {row['waits_for']}, due by {row['due_at']:%Y-%m-%d %H:%M} UTC."
        " Ask whom it waits for; the case closes when it comes."
    )
    return casing.overdue_file(row["file_id"], row["client_id"], row["partner"], row["state"], words)


def _unsaid(now: datetime) -> list[Any]:
    """Answer the cases of files a report has spoken of, without naming every line in time."""
    unsaid = load_unsaid()
    if unsaid.is_empty():
        return []
    rows = files(None, now=now, states=[str(S.CONFIRMED)]).join(unsaid, on="file_id")
    told = agreements(set(rows.select("partner_client", "partner").rows()))
    orders = []
    for row in rows.iter_rows(named=True):
        partner = told.get((row["partner_client"], row["partner"]))
        hours = partner.due.report if partner is not None and partner.reports else None
        if hours is None or row["since"] + timedelta(hours=hours) >= now:
            continue
        words = (
            f"{row['unsaid']} lines of file {row['file_id']} for {row['partner']} are in no report yet. Ask"
            " the partner for them; the case closes when every line is confirmed."
        )
        orders.append(
            casing.overdue_file(row["file_id"], row["client_id"], row["partner"], row["state"], words)
        )
    return orders


def _close_moved(now: datetime, without: Collection[int]) -> None:
    """Close the cases of files that are no longer in the state they waited in."""
    about = Ticket.objects.filter(IS_OPEN, about_kind=casing.WAITS).exclude(client_id__in=without)
    waiting = dict(about.values_list("about_key", "cause"))
    states = dict(CarrierFile.objects.filter(pk__in=[int(key) for key in waiting]).values_list("pk", "state"))
    for key, cause in waiting.items():
        state = states.get(int(key), "")
        if not cause.endswith(f"waits: {state}"):
            close_for(Subject(kind=casing.WAITS, key=key), f"the file is {state}", now=now, is_done=True)


# --- the links of a chain -----------------------------------------------------------------------------------


def _intended(client_id: int, person_id: int, told: Mapping[str, Partner]) -> list[Row]:
    """Answer the spans of a person's coverage timeline, with the partner each is for."""
    if not told:
        return []
    carriers = {carrier: code for code, one in told.items() for carrier in one.carriers}
    whole = msgspec.structs.replace(next(iter(told.values())), carriers=tuple(carriers), ahead_days=None)
    setup = load_setup(default, [client_id])
    plans = dict(setup["plan"].sort("valid_from").select("code", "carrier").iter_rows())
    people = pl.DataFrame(
        {"client_id": [client_id], "person_id": [person_id]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
    spans = spans_of(default, people, setup, whole)
    rows = list(spans.iter_rows(named=True))
    return [row | {"partner": carriers.get(plans.get(row["plan"], ""))} for row in rows]


def _links(
    held: list[Row],
    said: list[Row],
    entries: list[Row],
    known: Mapping[tuple[int, str], Partner],
    now: datetime,
) -> Iterator[Row]:
    """Join what is intended with the last that was said of it, and say where each stands."""
    last: dict[tuple[Any, ...], Row] = {}
    enrolled = {_key(row) for row in said if row["kind"] not in NO_ENROLMENT}
    for row in said:
        is_beside = row["kind"] in NO_ENROLMENT and _key(row) in enrolled
        last[(*_key(row), row["partner"]) if is_beside else _key(row)] = row
    open_ones = {_portal_key(row): row for row in entries}
    for span in held:
        own = last.pop(_key(span), None)
        entry = open_ones.pop(_portal_key(span), None)
        yield _link(span, own, entry, _changed_to(span, said), known, now)
    for row in last.values():
        yield _link(None, row, open_ones.pop(_portal_key(row), None), set(), known, now)
    for entry in open_ones.values():
        yield _link(None, None, entry, set(), known, now)


def _key(row: Row) -> tuple[Any, ...]:
    return row["dependent_id"], row["plan_type"], row["line"], row["begins_on"]


def _portal_key(row: Row) -> tuple[Any, ...]:
    return row["dependent_id"], row["line"], row["begins_on"]


def _changed_to(span: Row, said: list[Row]) -> set[Any]:
    """Answer the last days a change of the day after took over: such an end needs no word of its own."""
    own = (span["line"], span["dependent_id"])
    changes = (row for row in said if row["action"] == CHANGE and row["begins_on"] is not None)
    return {row["begins_on"] - DAY for row in changes if (row["line"], row["dependent_id"]) == own}


def _link(
    span: Row | None,
    said: Row | None,
    entry: Row | None,
    cut: set[Any],
    known: Mapping[tuple[int, str], Partner],
    now: datetime,
) -> Row:
    base = span or said or entry or {}
    row: Row = {name: base.get(name) for name in CHAIN if name in base and name not in ("action", "kind")}
    row["is_intended"] = span is not None
    row |= {"stage": "intended", "is_overdue": False, "is_as_sent": False}
    if said is not None:
        row |= _said(said, known)
        row["is_as_sent"] = _is_as_sent(span, said, cut)
        for name in ("schedule_id", "event_number", "partner"):
            row[name] = said[name] if said[name] is not None else row.get(name)
    if entry is not None and (said is None or entry["opened_at"] >= said["in_file_at"]):
        row |= _entered(entry, now)
    row["is_overdue"] = row.get("due_at") is not None and row["due_at"] < now
    row["words"] = _words(row, said, entry)
    return row


def _said(said: Row, known: Mapping[tuple[int, str], Partner]) -> Row:
    """Answer the links of what was said in a file."""
    is_own = said["state"] is not None
    refused_set = said["set_code"] is not None and said["set_code"] not in TAKEN
    is_of_report = said["verdict"] is not None and not refused_set
    row = {
        "action": said["action"],
        "kind": said["kind"],
        "file_id": said["file_id"],
        "file_state": said["state"],
        "in_file_at": said["in_file_at"],
        "released_at": said["released_at"],
        "transferred_at": said["transferred_at"],
        "ta1": "R" if said["not_read_at"] else "A" if said["received_at"] else None,
        "ta1_at": said["not_read_at"] or said["received_at"],
        "acknowledged": None if said["not_read_at"] else said["set_code"],
        "acknowledged_at": None if said["not_read_at"] else said["acknowledged_at"],
        "verdict": said["verdict"],
        "verdict_code": said["code"],
        "verdict_words": said["words"],
        "reported_at": said["reported_at"] if is_of_report else None,
        "confirmed_at": said["reported_at"] if is_of_report and said["verdict"] in GOOD else None,
    }
    row["stage"] = _stage(row, is_own=is_own, refused_set=refused_set)
    row["due_at"] = _due(said, row, known)
    return row


def _stage(row: Row, *, is_own: bool, refused_set: bool) -> str:
    if row["confirmed_at"]:
        return "confirmed"
    if row["reported_at"]:
        return "refused" if row["verdict"] in BAD else "reported"
    if row["ta1"] == "R":
        return "not read"
    if refused_set:
        return "refused"
    if row["acknowledged"] in TAKEN:
        return "accepted"
    if row["ta1"]:
        return "received"
    if row["transferred_at"]:
        return "transferred"
    return "released" if row["released_at"] and is_own else "in file"


def _due(said: Row, row: Row, known: Mapping[tuple[int, str], Partner]) -> datetime | None:
    """Answer until when the next link is due, as the agreement says it; null where nothing is waited for."""
    partner = known.get((said["partner_client"], said["partner"]))
    if partner is None or row["stage"] in ("confirmed", "refused", "not read", "reported"):
        return None
    if row["stage"] == "accepted":
        hours = partner.due.report if partner.reports else None
        since = said["acknowledged_at"]
    else:
        hours = hours_of(partner, said["file_kind"]).get(S(said["state"]))
        since = said["since"]
    return None if hours is None or since is None else since + timedelta(hours=hours)


def _is_as_sent(span: Row | None, said: Row, cut: set[Any]) -> bool:
    """Whether the last word of a span is what the timeline has; of money and losses it has none."""
    if said["kind"] in NO_ENROLMENT:
        return span is None or said["ends_on"] == span["ends_on"]
    is_end = said["action"] == END
    if span is None:
        return is_end
    if is_end and said["ends_on"] != span["ends_on"]:
        return False
    ends_unsaid = not is_end and said["ends_on"] is None and span["ends_on"] is not None
    if ends_unsaid and span["ends_on"] not in cut:
        return False
    return (said["plan"], said["tier"]) == (span["plan"], span["tier"])


def _entered(entry: Row, now: datetime) -> Row:
    """Answer the link of what is entered by hand."""
    due = datetime.combine(entry["due_on"] + DAY, datetime.min.time(), tzinfo=now.tzinfo)
    is_done = entry["done_at"] is not None
    return {
        "partner": entry["partner"],
        "action": entry["action"],
        "kind": entry["kind"],
        "stage": "entered" if is_done else "portal",
        "transferred_at": entry["done_at"],
        "due_at": None if is_done else due,
        "is_as_sent": is_done,
    }


def _words(row: Row, said: Row | None, entry: Row | None) -> str:
    """Say in plain words where a line stands."""
    told = _where(row, said, entry)
    if said is not None and said["line"] == "":
        return f"Who it is was told. {told}"
    if row["stage"] == "intended":
        return told
    if not row["is_intended"] and not row["is_as_sent"]:
        return f"{told} The coverage no longer holds; the next file takes it back."
    if row["is_intended"] and not row["is_as_sent"] and row["stage"] not in ("portal", "refused", "not read"):
        return f"{told} The coverage has changed since; the next file says so."
    return told


def _where(row: Row, said: Row | None, entry: Row | None) -> str:
    stage, reason = row["stage"], row.get("verdict_words") or ""
    number = f"file {row['file_id']}" if row.get("file_id") else "a file"
    late = " That is overdue." if row["is_overdue"] else ""
    if stage == "intended":
        if row.get("partner") is None:
            return "Nobody is to be told: no agreement covers this plan."
        return "It is in no file yet; the next one says it."
    if stage in ("portal", "entered") and entry is not None:
        if stage == "entered":
            return f"It was entered at the partner's portal; reference {entry['call_reference']}."
        return f"It is to be entered at the partner's portal by {entry['due_on']:%Y-%m-%d}.{late}"
    if said is not None and said["state"] is None:
        return "It is in a file of several clients; who sees all of them can say how far that is."
    waits = WAITS_FOR.get(S(row["file_state"]), "") if row.get("file_state") else ""
    words = {
        "in file": f"It is in {number}, which waits for {waits or 'its release'}.{late}",
        "released": f"It is in {number}, which waits for its transfer.{late}",
        "transferred": f"It was sent in {number}; nothing was answered yet.{late}",
        "received": f"It was sent in {number}, whose envelope was read; a 999 is waited for.{late}",
        "not read": f"It was sent in {number}, which the partner could not read; it goes again.",
        "accepted": f"It was sent in {number} and taken as a file; a report has not confirmed it yet.{late}",
        "reported": f"The partner reports on it without a decision. {reason}".rstrip(),
        "confirmed": "The partner has confirmed it.",
    }
    if stage == "refused":
        return _refused(row, reason, number)
    return words[stage]


def _refused(row: Row, reason: str, number: str) -> str:
    if row["reported_at"]:
        code = f" (code {row['verdict_code']})" if row["verdict_code"] else ""
        verdict = {"missing there": "does not have it", "different": "holds it otherwise"}
        return f"The partner {verdict.get(row['verdict'], 'refused it')}{code}. {reason}".rstrip()
    own = f" {reason}" if row["verdict"] else " It was not for this member."
    return f"Its set of {number} was {answered(row['acknowledged'])}; it goes again with the next file.{own}"
