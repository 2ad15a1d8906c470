"""The event, the facts used, and the programs: who may take part, and why."""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import PROCESS_STATUS_NAMES, ProcessStatus
from openbenefits.core.messages import CATALOGUE
from openbenefits.events.models import Activity, Message
from openbenefits.programs.fields import GEOGRAPHY_FIELD
from openbenefits.reports.explain_again import Again, is_work, key_of, record_of
from openbenefits.reports.explain_names import Row, class_code, row_on, schedule_name
from openbenefits.reports.explain_parts import (
    EventPart,
    Fact,
    Note,
    ProgramPart,
    RulePart,
    Step,
)
from openbenefits.reports.explain_rules import decision_on, decision_sentence, field_value, rule_part
from openbenefits.reports.explain_words import (
    EVENT_STATUS_WORDS,
    PERSON_WORDS,
    SOURCE_WORDS,
    UNKNOWN,
    day,
    listed,
)
from openbenefits.runs.models import Run


def event_part(again: Again) -> EventPart:
    """Tell what happened, why it is of its class, what it went through and what stands in its way."""
    event = again.event
    code, name = class_code(again.tables, event["event_class_id"])
    happened, why = _origin(again, code)
    status = event["process_status"]
    return EventPart(
        schedule=schedule_name(again.tables, event["schedule_id"]),
        event_number=event["event_number"],
        happened=happened,
        event_class=code,
        class_name=name,
        why_class=why,
        event_on=event["event_on"],
        status=status,
        status_name=PROCESS_STATUS_NAMES.get(status, "not processed yet"),
        window_begins_on=event["window_begins_on"],
        window_ends_on=event["window_ends_on"],
        steps=tuple(_step(step) for step in again.steps),
        notes=_notes(again),
        worked_in="" if again.worked is None else run_name(again.worked.run_id),
        known_at=None if again.worked is None else again.worked.at,
    )


def run_name(run_id: int | None) -> str:
    """Name a run by its number, its run control and who started it."""
    run = Run.objects.filter(pk=run_id).first() if run_id else None
    if run is None:
        return ""
    control = f" ({run.run_control})" if run.run_control else ""
    return f"run {run.pk}{control} as of {day(run.as_of)}, by {run.started_by}"


def _step(step: dict[str, Any]) -> Step:
    by_run = run_name(step["run_id"])
    cause = by_run if is_work(step) else ", ".join(filter(None, (step["cause"], by_run or step["actor"])))
    return Step(
        status=step["to_status"] or "",
        name=PROCESS_STATUS_NAMES.get(step["to_status"], ""),
        event_status=EVENT_STATUS_WORDS[step["event_status"]],
        at=step["moved_at"],
        cause=cause,
    )


def _notes(again: Again) -> tuple[Note, ...]:
    rows = Message.objects.filter(**key_of(again.event)).order_by("run_id", "number")
    if again.known_at is not None and again.worked is not None:
        rows = rows.filter(run_id=again.worked.run_id)
    else:
        rows = rows.filter(is_current=True)
    return tuple(
        Note(
            code=row.code,
            severity="error" if row.severity == "E" else "warning",
            title=CATALOGUE[row.code].title,
            plan_type=row.plan_type,
            expected=row.expected,
            found=row.found,
            cure=CATALOGUE[row.code].cure,
        )
        for row in rows
    )


# --- where the event came from ----------------------------------------------------------------------------


def _origin(again: Again, code: str) -> tuple[str, str]:
    """Say what happened and why that makes an event of its class."""
    event = again.event
    if event["source"] in ("OE", "SN"):
        what = SOURCE_WORDS[event["source"]]
        return (
            f"{what} as of {day(event['event_on'])}",
            f"the schedule opens it for everybody, as class {code}",
        )
    told = [_activity(again, row, code) for row in _activities(event, code)]
    if not told:
        return SOURCE_WORDS.get(event["source"], event["source"]), "its activity is not known"
    happened, why = zip(*told, strict=True)
    return "; ".join(dict.fromkeys(happened)), "; ".join(dict.fromkeys(why))


def _activities(event: dict[str, Any], code: str) -> list[dict[str, Any]]:
    """The activity that became the event; where none is linked to it, that of its day and class."""
    linked = list(Activity.objects.filter(**key_of(event)).values())
    same_day = Activity.objects.filter(
        event_on=event["event_on"], bas_action__in=[code, ""], **record_of(event)
    )
    return linked or list(same_day.values())


def _activity(again: Again, row: dict[str, Any], code: str) -> tuple[str, str]:
    what = SOURCE_WORDS.get(row["source"], row["source"])
    action = again.case["action"] if row["source"] == "TJ" else None
    acted = f" with action {action}" if action else ""
    reported = f", reported {day(row['reported_on'])}" if row["reported_on"] else ""
    happened = f"{what} of {day(row['event_on'])}{acted}{reported}"
    if row["bas_action"] and row["bas_action"] == code:
        by = f"the action table maps {action} to {code}" if action else f"{code} is what was stated"
        return happened, by
    return happened, f"nothing maps {action or what} to a class of its own: the default class {code}"


# --- facts --------------------------------------------------------------------------------------------------


def facts(again: Again) -> tuple[Fact, ...]:
    """List the facts decisions were made from, as of the event date."""
    case = again.case
    told = {
        "Age": _known(case["age_years"], "{} years"),
        "Service": _known(case["service_months"], "{} completed months"),
        "Hired": day(case["hire_on"]),
        "Job": _joined(case, "job_code", "job_status", "employee_class"),
        "Full or part time, regular or temporary": _joined(case, "full_part_time", "regular_temporary"),
        "Weekly hours": field_value(case, "weekly_hours"),
        "Annual pay": field_value(case, "annual_pay"),
        "Company and process group": _joined(case, "company", "benefit_group"),
        "Pay group": case["pay_group"] or UNKNOWN,
        "Home zip": _zip(again),
        "Dependents": _dependents(again),
    }
    if case["received_on"] is not None:
        told["Elections first received"] = day(case["received_on"])
    return tuple(Fact(name=name, value=value) for name, value in told.items())


def _known(value: Any, text: str) -> str:
    return UNKNOWN if value is None else text.format(value)


def _joined(case: Row, *columns: str) -> str:
    return ", ".join(str(case[name]) for name in columns if case[name] is not None) or UNKNOWN


def _zip(again: Again) -> str:
    value = field_value(again.case, GEOGRAPHY_FIELD)
    rows = again.tables["geography_zip"].filter(pl.col("zip") == value, pl.col("area") != "")
    areas = sorted(rows["area"].unique())
    return f"{value} (rating area {listed(areas)})" if areas else f"{value} (no rating area)"


def _dependents(again: Again) -> str:
    told = [
        f"{PERSON_WORDS.get(row['person_type'], row['person_type'])} of {_age(row['birth_on'], again)}"
        for row in again.situation.members.iter_rows(named=True)
        if not row["is_former"]
    ]
    return listed(told) or "none"


def _age(birth_on: date | None, again: Again) -> str:
    age = age_on(birth_on, again.event["event_on"])
    return "unknown age" if age is None else f"{age} years"


def age_on(birth_on: date | None, on: date | None) -> int | None:
    """The completed years of somebody on a day."""
    if birth_on is None or on is None:
        return None
    return int(pl.select(days.age_years(pl.lit(birth_on), pl.lit(on))).item())


# --- programs -----------------------------------------------------------------------------------------------


def programs(again: Again) -> tuple[ProgramPart, ...]:
    """Tell of each active program of the client whether the person is in it, and why."""
    on, client = again.event["event_on"], again.event["client_id"]
    table = again.tables["program"].filter(client_id=client)
    held = [
        row_on(table, on, even_inactive=True, program_id=one) for one in table["program_id"].unique().sort()
    ]
    return tuple(_program(again, row) for row in held if row is not None and row["is_active"])


def _program(again: Again, row: Row) -> ProgramPart:
    rule = rule_part(again, row["rule_id"])
    assigned = again.case["program_row"]
    held = None if assigned is None else again.rulebook.programs.row(assigned, named=True)
    is_assigned = held is not None and held["program_id"] == row["program_id"]
    return ProgramPart(
        code=row["code"],
        name=row["name"],
        source=row["source"],
        is_assigned=is_assigned,
        why=_why_program(again, row, rule, is_assigned=is_assigned),
        rule=rule,
    )


def _why_program(again: Again, row: Row, rule: RulePart, *, is_assigned: bool) -> str:
    named = again.tables["schedule_program"].filter(schedule_id=again.event["schedule_id"])
    if named.height and row["program_id"] not in named["program_id"].to_list():
        return "the schedule does not cover this program"
    if not again.case["has_job"]:
        return "there is no job on the event date"
    decision = decision_on(again, row["program_id"])
    if decision is not None:
        return decision_sentence(decision, rule)
    if not is_assigned and rule.result == "E" and again.case["program_status"] == ProcessStatus.AE:
        return f"{rule.sentence()}, but not of this program alone"
    return rule.sentence()
