"""Eligibility criterion by criterion, and the history of passive events (event-processing §16, §17)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.codes import FINAL_STATUSES, EventStatus
from openbenefits.enrollment.overrides import WORDS, expired, overrides_of
from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY
from openbenefits.events.windows import EventPlace
from openbenefits.payroll.frames import load_employee_numbers
from openbenefits.programs.frames import load_codes, load_setup
from openbenefits.reports.explain_again import find_event
from openbenefits.reports.names import load_names, load_schedules
from openbenefits.reports.outcomes import eligibility_lines
from openbenefits.review import frames
from openbenefits.runs.passive import passive_history

HEADERS, FIELDS, VALUES = "Headers", "Fields", "Values"
HEADER = ("schedule", "event_number", "event_on", "processed_on", "used_by", "part", "rule", "rule_from")
ALIKE = ["used_by", "part", "rule"]
BETWEEN = ", "
"""What stands between the values of several jobs in a line of the kernel's view."""


def eligibility_debugging(
    connection: Any, place: EventPlace, *, with_unused: bool = False
) -> Mapping[str, pl.DataFrame]:
    """Show how the eligibility of an event was decided, from the kernel's own answers.

    Shapes: sheets `Headers` (a row for each rule, service area or decision and what it is used by, with
            result and decision), `Fields` (a row for each field in order, with its code: E, EO, I, IO, IS,
            NE, NL, or ? for undecided) and `Values` (a row for each job looked at).
    Errors: NothingToExplain if there is no such event.
    """
    number = (place.schedule_id, place.event_number)
    event = find_event(place.client_id, place.person_id, place.benefit_record, number)
    lines = eligibility_lines(
        connection,
        place.client_id,
        place.person_id,
        benefit_record=place.benefit_record,
        event=number,
        with_unused=with_unused,
    )
    fields = lines.with_columns(field=pl.int_range(pl.len()).over(ALIKE) + 1)
    told = ("link", "jobs", "evaluation", "code", "meaning", "result")
    looked = fields.filter(part="rule")
    values = looked.with_columns(value=pl.col("values").str.split(BETWEEN)).explode("value")
    return {
        HEADERS: _headers(connection, place, event, lines),
        FIELDS: fields.select(*ALIKE, "field", "criterion", *told),
        VALUES: values.select(*ALIKE, "field", "criterion", "value").drop_nulls("value"),
    }


def _headers(
    connection: Any, place: EventPlace, event: Mapping[str, Any], lines: pl.DataFrame
) -> pl.DataFrame:
    """A row for each rule, service area or decision, with the event and the day its row holds from."""
    schedules = load_names(connection).schedules.filter(schedule_id=place.schedule_id)["schedule"]
    headers = lines.group_by(ALIKE, maintain_order=True).agg(pl.col("result", "decision").first())
    days = _rule_days(connection, place.client_id, event["event_on"])
    named = headers.join(days, on=["part", "rule"], how="left", maintain_order="left").with_columns(
        schedule=pl.lit(schedules[0] if schedules.len() else str(place.schedule_id)),
        event_number=pl.lit(place.event_number),
        event_on=pl.lit(event["event_on"]),
        processed_on=pl.lit(event["status_at"].date()),
    )
    return named.select(*HEADER, "result", "decision")


def _rule_days(connection: Any, client_id: int, event_on: date) -> pl.DataFrame:
    """From which day the row of each eligibility rule holds that holds on the event date."""
    rows = load_setup(connection, [client_id])["eligibility_rule"].filter(pl.col("valid_from") <= event_on)
    latest = rows.sort("valid_from").unique("code", keep="last")
    return latest.select(part=pl.lit("rule"), rule="code", rule_from="valid_from")


DECIDED = {
    "number": pl.Int32(),
    **dict.fromkeys(("program", "option", "decision", "author", "reason"), pl.String()),
    "expires_on": pl.Date(),
    "made_at": pl.Datetime("us", "UTC"),
}


def decided_for(connection: Any, place: EventPlace) -> pl.DataFrame:
    """List what people decided about the eligibility of an event, the latest last; as DECIDED."""
    codes = load_codes(connection, place.client_id, "program", "option")
    known = {(kind, number): code for kind, number, code in codes.select("kind", "id", "code").iter_rows()}
    rows = [
        {
            "number": row["version"],
            "program": known.get(("program", row["program_id"]), "?"),
            "option": known.get(("option", row["option_id"]), ""),
            "decision": WORDS[row["is_eligible"]],
            **{name: row[name] for name in ("expires_on", "author", "reason", "made_at")},
        }
        for row in overrides_of(connection, place.key())
    ]
    return pl.DataFrame(rows, schema=DECIDED)


def expired_decisions(connection: Any, client_id: int, on: date) -> pl.DataFrame:
    """List the decisions about final events whose last day is before a day: a person decides those again.

    Shapes: employee_number, schedule, benefit_record, event_number, event_on, program, option ('': the whole
            program), expires_on; what expired first comes first.
    """
    rows = expired(connection, client_id, on).with_columns(client_id=pl.lit(client_id, pl.Int32))
    events = load_events(connection, rows.select("client_id", "person_id").unique())
    is_final = pl.col("process_status").is_in([str(one) for one in FINAL_STATUSES])
    final = events.filter(is_final & (pl.col("event_status") == EventStatus.CLOSED.value))
    rows = rows.join(final.select(*EVENT_KEY, "event_on"), on=list(EVENT_KEY))
    codes = load_codes(connection, client_id, "program", "option")
    for name in ("program", "option"):
        known = codes.filter(kind=name).select(pl.col("code").alias(name), pl.col("id").alias(f"{name}_id"))
        rows = rows.join(known, on=f"{name}_id", how="left")
    schedules = load_schedules(connection).select("schedule_id", "schedule")
    named = rows.join(schedules, on="schedule_id", how="left").join(
        load_employee_numbers(connection, client_id), on="person_id", how="left"
    )
    told = named.with_columns(option=pl.col("option").fill_null("")).select(*EXPIRED_DECISION)
    return told.sort("expires_on", "employee_number", "event_number")


EXPIRED_DECISION = (
    *("employee_number", "schedule", "benefit_record", "event_number", "event_on", "program", "option"),
    "expires_on",
)


def passive_events(connection: Any, client_id: int) -> Mapping[str, pl.DataFrame]:
    """List the runs of passive events, the last first, and whom each passive event triggered.

    Shapes: sheets `Runs` (as `runs.passive.passive_history`) and `Triggered` (who, when, which class, what
            became of it; event_number is null while it waits).
    """
    return {
        "Runs": passive_history(client_id),
        "Triggered": frames.load_passive_activity(connection, client_id),
    }


__all__ = ["decided_for", "eligibility_debugging", "expired_decisions", "passive_events"]
