"""What needs a person today, counted by client; how far a schedule is; what defaults would give. Reads only.

Counts come from the database grouped, so that they are there at once whatever the number of people; the lists
behind them are `work_list` and `events_of_client`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl
import polars.selectors as cs

from openbenefits.core import money
from openbenefits.core.messages import CATALOGUE
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.reports.deferred import Deferred
from openbenefits.reports.frames import load_clients, load_events, load_people, with_case
from openbenefits.reports.listings import with_people
from openbenefits.reports.names import load_names, load_schedules, with_event_names, with_option_names
from openbenefits.reports.rules import full_name
from openbenefits.review import today_frames as frames
from openbenefits.review.rules.events import with_words
from openbenefits.review.rules.process_steps import Step, steps_of
from openbenefits.runs.models import Run

DAYS_AHEAD = 14
UNFINISHED = ("PR", "NT", "ET", "EE", "RE")
WORK = (
    *("errors", "unanswered", "ending", "ended", "flagged", "unproved", "activity", "held_runs"),
    *("open_runs", "balances"),
)
"""What is counted of each client: people whom errors hold, events without an answer, windows that end soon or
have ended unanswered, flagged events, people whose coverage waits for evidence (health data), activity that
waits, runs that a limit holds, runs not ended, people of whom a night found a balance left."""


@dataclass(frozen=True, kw_only=True)
class Today:
    """What needs a person, counted.

    clients:  client_id, client, events, open, percent_final, WORK and balances_on, the day of the night that
              looked at balances: every client asked for. Where no night has looked, both are null.
    statuses: client_id, schedule_id, client, schedule, schedule_name, process_status, events, open,
              final_or_void, unanswered.
    windows:  ends_on, events: the windows that end in the days to come.
    errors:   client_id, code, message, people.
    """

    clients: pl.DataFrame
    statuses: pl.DataFrame
    windows: pl.DataFrame
    errors: pl.DataFrame


def today(
    connection: Any, client_ids: Sequence[int] | None, *, as_of: date, days_ahead: int = DAYS_AHEAD
) -> Today:
    """Count what needs a person at some clients (None: all that may be seen), as of a day."""
    through = as_of + timedelta(days=days_ahead)
    standing = frames.load_standing(connection, client_ids, through=through)
    errors = frames.load_errors(connection, client_ids)
    is_soon = pl.col("ends_on") >= as_of
    clients = load_clients(connection)
    if client_ids is not None:
        clients = clients.filter(pl.col("client_id").is_in(list(client_ids)))
    counted = standing.group_by("client_id").agg(
        pl.col("events", "open", "final_or_void", "unanswered", "flagged").sum(),
        ending=pl.col("events").filter(is_soon.fill_null(value=False)).sum(),
        ended=pl.col("events").filter((~is_soon).fill_null(value=False)).sum(),
    )
    held = errors.group_by("client_id").agg(errors=pl.col("people").sum())
    parts = [
        counted,
        held,
        frames.load_unproved(connection, client_ids),
        frames.load_waiting(connection, client_ids),
        frames.load_runs(connection, client_ids),
        frames.load_balances(connection, client_ids),
    ]
    for part in parts:
        clients = clients.join(part, on="client_id", how="left", maintain_order="left")
    return Today(
        clients=_with_percent(clients.with_columns((cs.numeric() - cs.by_name("balances")).fill_null(0))),
        statuses=_by_status(connection, standing),
        windows=standing.filter(is_soon).group_by("ends_on").agg(pl.col("events").sum()).sort("ends_on"),
        errors=_named(errors),
    )


def _with_percent(clients: pl.DataFrame) -> pl.DataFrame:
    """Add how much is final or void, rounded down, so that 100 means all; null where there is nothing."""
    percent = pl.when(pl.col("events") > 0).then(100 * pl.col("final_or_void") // pl.col("events"))
    return clients.with_columns(percent_final=percent).select(
        "client_id", "client", "events", "open", "percent_final", *WORK, "balances_on"
    )


def _by_status(connection: Any, standing: pl.DataFrame) -> pl.DataFrame:
    summed = standing.group_by("client_id", "schedule_id", "process_status").agg(
        pl.col("events", "open", "final_or_void", "unanswered").sum()
    )
    named = load_schedules(connection).select("schedule_id", "client", "schedule", "schedule_name", "kind")
    return summed.join(named, on="schedule_id", how="left").sort(
        "client", "schedule", "process_status", nulls_last=True
    )


def _named(errors: pl.DataFrame) -> pl.DataFrame:
    words = {code: entry.title for code, entry in CATALOGUE.items()}
    message = pl.col("code").replace_strict(words, default=None, return_dtype=pl.String)
    return errors.with_columns(message=message).sort("people", "code", descending=[True, False])


# --- the events behind the counts ---------------------------------------------------------------------------

WHAT = ("unanswered", "ending", "ended", "flagged", "open")
"""What may be asked of `listed_events`, beside all."""


def listed_events(
    connection: Any,
    client_id: int,
    *,
    as_of: date,
    what: str | None = None,
    schedule_id: int | None = None,
    status: str | None = None,
) -> Deferred:
    """List the events of a client that a count is about (None: whatever it is), with names and words.

    Shapes: an event frame with employee_number, client, names of people and set-up, status words, flags.
            People are named as rows are made.
    """
    events = load_events(
        connection,
        client_ids=[client_id],
        schedule_ids=None if schedule_id is None else [schedule_id],
        statuses=[status] if status else None,
        event_statuses=["O"] if what in ("unanswered", "ending", "ended", "open") else None,
    )
    if status == "":
        events = events.filter(pl.col("process_status").is_null())
    events = with_case(events.filter(_is(what, as_of)) if what else events)
    names = load_names(connection)

    def named(some: pl.DataFrame) -> pl.DataFrame:
        page = with_case(some)
        return with_words(with_people(with_event_names(page, names), load_people(connection, page)))

    return Deferred(events=events.with_columns(lines=pl.lit(1)), make=named)


def _is(what: str, as_of: date) -> pl.Expr:
    """Whether an event is what is asked about, as `today_frames` counts it."""
    status, ends_on = pl.col("process_status"), pl.col("window_ends_on")
    is_asked = status.is_in(["PR", "NT", "EE", "RE"])
    is_soon = ends_on.is_between(as_of, as_of + timedelta(days=DAYS_AHEAD))
    is_live = pl.col("event_status") != "V"
    is_gone = pl.col("event_status") == "D"
    found = {
        "unanswered": status.is_in(["PR", "NT", "RE"]),
        "ending": is_asked & is_soon,
        "ended": is_asked & (ends_on < as_of),
        "flagged": (pl.col("is_out_of_sequence") | pl.col("is_eligibility_changed") | is_gone) & is_live,
    }
    return found.get(what, pl.col("event_status") == "O").fill_null(value=False)


# --- one schedule -------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a schedule is: its steps, the counts they rest on, the last day of its windows."""

    steps: Sequence[Step]
    counts: dict[str, int]
    window_ends_on: date | None


def progress_of(connection: Any, client_id: int, schedule_id: int, *, on: date) -> Progress:
    """Say how far a schedule of a client is on a day."""
    counts = frames.load_steps(connection, client_id, schedule_id, on=on)
    window_ends_on = counts.pop("window_ends_on")
    runs = Run.objects.filter(bundle_client=client_id, schedule_id=schedule_id).exclude(state="taken back")
    last = runs.order_by("-pk").values_list("state", flat=True).first()
    return Progress(steps=steps_of(counts, last), counts=counts, window_ends_on=window_ends_on)


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What applying defaults to a schedule would give to whoever has not answered.

    plans:  plan_type, plan, people, keeps (how many keep what they have), employee_pay_cents,
            employee_year_cents, employer_year_cents.
    people: person_id, employee_number, name, benefit_record, event_number, process_status,
            window_ends_on, unanswered (choices), gets, and the cents.
    Missing: cents are null where the price of a default is not known before the run.
    """

    plans: pl.DataFrame
    people: pl.DataFrame


CENTS = ("employee_pay_cents", "employee_year_cents", "employer_year_cents")


def defaults_of(connection: Any, client_id: int, schedule_id: int) -> Defaults:
    """Answer what a schedule's unfinished events would get of plan types nobody answered, priced as stored.

    What leaves no choice is there, too: it costs as well.
    """
    events = load_events(
        connection,
        client_ids=[client_id],
        schedule_ids=[schedule_id],
        statuses=UNFINISHED,
        event_statuses=["O"],
    )
    who = events.select("case", "person_id", "benefit_record", "event_number", "event_on").join(
        load_people(connection, events)
        .with_columns(name=full_name())
        .select("case", "employee_number", "name"),
        on="case",
        how="left",
        maintain_order="left",
    )
    rows = _priced(frames.load_defaults(connection, client_id, schedule_id))
    named = with_option_names(
        rows.join(who, on=["person_id", "benefit_record", "event_number"], how="left"), load_names(connection)
    )
    return Defaults(plans=_of_plans(named), people=_of_people(named))


def _priced(rows: pl.DataFrame) -> pl.DataFrame:
    """Add what the default costs: nothing, where it is no coverage."""
    is_none = pl.col("option_id").is_null()

    def cents(*names: str) -> pl.Expr:
        return pl.when(is_none).then(0).otherwise(money.add(*(pl.col(name) for name in names)))

    return rows.with_columns(
        employee_pay_cents=cents("pay_before_tax_cents", "pay_after_tax_cents"),
        employee_year_cents=cents("annual_before_tax_cents", "annual_after_tax_cents"),
        employer_year_cents=cents("annual_employer_cents"),
    )


def _of_plans(rows: pl.DataFrame) -> pl.DataFrame:
    words = pl.col("plan_type").replace(PLAN_TYPES)
    return (
        rows.group_by("plan_type")
        .agg(
            people=pl.struct("person_id", "benefit_record").n_unique(),
            uncovered=pl.col("option_id").is_null().sum(),
            **{name: money.total(pl.col(name)) for name in CENTS},
        )
        .with_columns(plan=words)
        .sort("plan_type")
    )


def _of_people(rows: pl.DataFrame) -> pl.DataFrame:
    given = pl.format("{} {}", pl.col("plan_type").replace(PLAN_TYPES), "option_code")
    person = ("person_id", "employee_number", "name", "benefit_record", "event_number")
    return (
        rows.sort("plan_type")
        .group_by(*person, "process_status", "window_ends_on", maintain_order=True)
        .agg(
            unanswered=pl.col("is_choice").sum(),
            gets=given.drop_nulls().str.join(", "),
            **{name: money.total(pl.col(name)) for name in CENTS},
        )
        .sort("employee_number", "benefit_record", nulls_last=True)
    )
