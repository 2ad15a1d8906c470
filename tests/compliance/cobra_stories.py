"""Stories of lost coverage: written in a table by hand, or generated; told to the rules as frames.

Words of a table: a point is "plan type, day, kind, dependents, @event"; an event "class, day, source, the day
it was reported"; a job row "day, action, status, F or P, weekly hours", then name=value; a dependent "person
type, birth", then flags.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from openbenefits.compliance.cobra.rules.judged import Known
from openbenefits.compliance.cobra.rules.losses import LOSS_KEY
from openbenefits.core.codes import DEFAULT_RELATIONSHIPS

TABLE = Path(__file__).with_name("cobra.yaml")
CLIENT, PERSON, PROGRAM, RULE, SCHEDULE = 1, 7, 3, 5, 2
CLASSES = {"TER": "S", "DIV": "S", "MSC": "D", "OE": "O", "DEA": "S", "MED": "S", "CHD": "S", "LVE": "S"}
CLASS_CAUSES = {"DIV": "divorce", "MED": "medicare", "CHD": "child", "DEA": "death", "LVE": "leave"}
ACTIONS = {
    ("TER", ""): "termination",
    ("TER", "GMC"): "gross_misconduct",
    ("TER", "XFR"): "",
    ("LOA", ""): "leave",
    ("DTA", ""): "",
}


@dataclass(frozen=True, kw_only=True)
class Point:
    plan_type: str
    begins_on: date
    kind: str
    members: tuple[int, ...] = ()
    event: int | None = None
    benefit_record: int = 0
    slot: int = 0


@dataclass(frozen=True, kw_only=True)
class Happening:
    event_class: str
    event_on: date
    source: str
    reported_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    valid_from: date
    action: str
    status: str
    full_part: str
    hours: int
    reason: str = ""
    last: date | None = None
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class Member:
    person_type: str
    birth_on: date | None = None
    former_from: date | None = None
    died: bool = False  # and is former by that
    married: bool = False
    disabled: bool = False


@dataclass(frozen=True, kw_only=True)
class Cobra:
    """A COBRA class, as set-up has it."""

    months: int
    disability_months: int = 0
    counts_from: str = "event"
    employer_days: int = 30
    administrator_days: int = 14
    beneficiary_days: int | None = None
    election_days: int = 60


_LONG = Cobra(months=36)
_OURS = Cobra(months=36, beneficiary_days=60)
_SHORT = Cobra(months=18, disability_months=11)
COBRA = {
    "termination": _SHORT,
    "hours": _SHORT,
    "leave": _SHORT,
    "death": _LONG,
    "medicare": _LONG,
    "divorce": _OURS,
    "child": _OURS,
}


@dataclass(frozen=True, kw_only=True)
class Story:
    points: tuple[Point, ...]
    events: dict[int, Happening] = field(default_factory=dict)
    jobs: tuple[Job, ...] = ()
    dependents: dict[int, Member] = field(default_factory=dict)
    decisions: dict[tuple[int, str, date], str] = field(default_factory=dict)
    notices: dict[tuple[int, str, date], date] = field(default_factory=dict)
    cobra: dict[str, Cobra] = field(default_factory=lambda: dict(COBRA))
    plan_year_month: int = 1
    age_limit: int = 26


# --- from the table ---------------------------------------------------------------------------------------


def read_table() -> list[dict[str, Any]]:
    return yaml.safe_load(TABLE.read_text(encoding="utf-8"))


def story_of(block: dict[str, Any]) -> Story:
    """Read a block's words."""
    counts = block.get("counts_from")
    cobra = {cause: one for cause, one in COBRA.items() if cause not in block.get("without", ())}
    if counts:
        cobra = {cause: replace(one, counts_from=counts) for cause, one in cobra.items()}
    return Story(
        points=tuple(_point(text) for text in block["points"]),
        events={number: _event(text) for number, text in block.get("events", {}).items()},
        jobs=tuple(_job(text) for text in block.get("jobs", ())),
        dependents={number: _member(text) for number, text in block.get("dependents", {}).items()},
        decisions=_acts(block.get("decided", {})),
        notices={key: date.fromisoformat(day) for key, day in _acts(block.get("noticed", {})).items()},
        cobra=cobra,
        plan_year_month=block.get("plan_year_month", 1),
    )


def _acts(acts: dict[str, Any]) -> dict[tuple[int, str, date], Any]:
    return {
        (int(who), cover.replace("_", " "), date.fromisoformat(day)): str(said or "")
        for (who, cover, day), said in ((key.split(), said) for key, said in acts.items())
    }


def _point(text: str) -> Point:
    plan_type, day, kind, *rest = text.split()
    named = dict(word.split("=") for word in rest if "=" in word)
    return Point(
        plan_type=plan_type,
        begins_on=date.fromisoformat(day),
        kind=kind,
        members=tuple(int(word) for word in rest if word.isdigit()),
        event=next((int(word[1:]) for word in rest if word.startswith("@")), None),
        benefit_record=int(named.get("record", 0)),
        slot=int(named.get("slot", 0)),
    )


def _event(text: str) -> Happening:
    event_class, day, source, *reported = text.split()
    return Happening(
        event_class=event_class,
        event_on=date.fromisoformat(day),
        source=source,
        reported_on=date.fromisoformat(reported[0]) if reported else None,
    )


def _job(text: str) -> Job:
    day, action, status, full_part, hours, *rest = text.split()
    named = dict(word.split("=") for word in rest)
    return Job(
        valid_from=date.fromisoformat(day),
        action=action,
        status=status,
        full_part=full_part,
        hours=int(hours),
        reason=named.get("reason", ""),
        last=date.fromisoformat(named["last"]) if "last" in named else None,
        number=int(named.get("job", 0)),
    )


def _member(text: str) -> Member:
    person_type, *rest = text.split()
    named = dict(word.split("=") for word in rest if "=" in word)
    return Member(
        person_type=person_type,
        birth_on=date.fromisoformat(named["born"]) if "born" in named else None,
        former_from=date.fromisoformat(named["former"]) if "former" in named else None,
        died="died" in rest,
        disabled="disabled" in rest,
    )


# --- as frames --------------------------------------------------------------------------------------------

_OWNER = {"client_id": pl.Int32, "person_id": pl.Int64}
_RECORD = {**_OWNER, "benefit_record": pl.Int16}
_EVENT = {**_RECORD, "schedule_id": pl.Int32, "event_number": pl.Int32}
_PLACE = {**_RECORD, "plan_type": pl.String, "slot": pl.Int16, "begins_on": pl.Date, "version": pl.Int32}


def told(story: Story, *, client_id: int = CLIENT) -> Known:
    """Tell a story as what is loaded of one person."""
    return Known(
        points=_points(story, client_id),
        members=_members(story, client_id),
        events=_events(story, client_id),
        jobs=_jobs(story),
        dependents=_dependents(story),
        setup=_setup(story),
        plan_rows=pl.DataFrame(
            [
                (PROGRAM, plan_type, date(2020, 1, 1), RULE)
                for plan_type in ("10", "11", "12", "13", "14", "15", "60", "61", "6B")
            ],
            schema=["program_id", "plan_type", "valid_from", "dependent_rule_id"],
            orient="row",
        ).cast({"program_id": pl.Int32, "dependent_rule_id": pl.Int32}),
        dependent_rules=_dependent_rules(story),
        decisions=_keyed(story.decisions, client_id, "decided_cause", pl.String).with_columns(
            decided_reason=pl.lit("looked into")
        ),
        notices=_keyed(story.notices, client_id, "notified_on", pl.Date).with_columns(
            told_cause=pl.lit("termination"), told_through=pl.lit(date(2027, 9, 15))
        ),
    )


def _frame(rows: list[tuple[Any, ...]], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def _points(story: Story, client_id: int) -> pl.DataFrame:
    rows = [
        (client_id, PERSON, one.benefit_record, one.plan_type, one.slot, one.begins_on, 1, one.kind, PROGRAM)
        + ((None, None) if one.event is None else (SCHEDULE, one.event))
        for one in story.points
    ]
    more = {"kind": pl.String, "program_id": pl.Int32, "schedule_id": pl.Int32, "event_number": pl.Int32}
    return _frame(rows, _PLACE | more)


def _members(story: Story, client_id: int) -> pl.DataFrame:
    rows = [
        (client_id, PERSON, one.benefit_record, one.plan_type, one.slot, one.begins_on, 1, member)
        for one in story.points
        for member in one.members
    ]
    return _frame(rows, _PLACE | {"dependent_id": pl.Int64})


def _records(story: Story) -> dict[int, int]:
    return {one.event: one.benefit_record for one in story.points if one.event is not None}


def _events(story: Story, client_id: int) -> pl.DataFrame:
    numbers = list(CLASSES)
    rows = [
        (
            *(client_id, PERSON, _records(story).get(number, 0), SCHEDULE, number),
            *(numbers.index(one.event_class), one.event_on, one.source, one.reported_on, None),
        )
        for number, one in story.events.items()
    ]
    more = {"event_class_id": pl.Int32, "event_on": pl.Date, "source": pl.String}
    return _frame(rows, _EVENT | more | {"reported_on": pl.Date, "recorded_on": pl.Date})


def _jobs(story: Story) -> pl.DataFrame:
    schema = {
        "person_id": pl.Int64,
        "job_number": pl.Int16,
        "valid_from": pl.Date,
        "sequence": pl.Int16,
        "benefit_record": pl.Int16,
        "action": pl.String,
        "reason": pl.String,
        "job_status": pl.String,
        "last_day_employed": pl.Date,
        "full_part_time": pl.String,
        "weekly_hours_hundredths": pl.Int32,
    }
    rows = [
        (
            *(PERSON, one.number, one.valid_from, 0, 0, one.action, one.reason or None),
            *(one.status, one.last, one.full_part, one.hours * 100),
        )
        for one in story.jobs
    ]
    return _frame(rows, schema)


def _dependents(story: Story) -> pl.DataFrame:
    schema = {
        "person_id": pl.Int64,
        "dependent_id": pl.Int64,
        "number": pl.Int16,
        "valid_from": pl.Date,
        "person_type": pl.String,
        "birth_on": pl.Date,
        **dict.fromkeys(("is_student", "is_disabled", "is_married", "is_former"), pl.Boolean),
        "student_through": pl.Date,
        "died_on": pl.Date,
    }
    rows = []
    for number, one in story.dependents.items():
        spans = [(date(2000, 1, 1), False)] + ([(one.former_from, True)] if one.former_from else [])
        rows += [
            (
                *(PERSON, number, number, day, one.person_type, one.birth_on),
                *(False, one.disabled, one.married, is_former, None, day if is_former and one.died else None),
            )
            for day, is_former in spans
        ]
    return _frame(rows, schema)


def _dependent_rules(story: Story) -> pl.DataFrame:
    row = {
        "dependent_rule_id": RULE,
        "valid_from": date(2020, 1, 1),
        "age_limit": story.age_limit,
        "student_age_limit": story.age_limit,
        "is_disabled_exempt": True,
        "plan_year_begins": 1,
        "is_married_ineligible": False,
        "relationship_bits": DEFAULT_RELATIONSHIPS,
        "last_day": "month_end",
    }
    return pl.DataFrame([row]).cast({"dependent_rule_id": pl.Int32, "relationship_bits": pl.Int16})


def _setup(story: Story) -> dict[str, pl.DataFrame]:
    classes = [
        (number, code, use, CLASS_CAUSES.get(code, "")) for number, (code, use) in enumerate(CLASSES.items())
    ]
    cobra = {
        "cause": pl.String,
        "valid_from": pl.Date,
        "source": pl.String,
        **dict.fromkeys(("months", "disability_months"), pl.Int16),
        "counts_from": pl.String,
        **dict.fromkeys(
            ("employer_days", "administrator_days", "beneficiary_days", "election_days"), pl.Int16
        ),
    }
    rows = [
        (
            *(cause, date(2020, 1, 1), "test", one.months, one.disability_months, one.counts_from),
            *(one.employer_days, one.administrator_days, one.beneficiary_days, one.election_days),
        )
        for cause, one in story.cobra.items()
    ]
    accounts = {
        "program_id": pl.Int32,
        "plan_type": pl.String,
        "valid_from": pl.Date,
        "annual_limit": pl.String,
        "plan_year_month": pl.Int16,
    }
    year = story.plan_year_month
    return {
        "event_class": _frame(
            classes,
            {"event_class_id": pl.Int32, "code": pl.String, "use": pl.String, "cobra_action": pl.String},
        ),
        "action_reason": _frame(
            [(*key, cause) for key, cause in ACTIONS.items()],
            {"action": pl.String, "reason": pl.String, "cobra_action": pl.String},
        ),
        "cobra_class": _frame(rows, cobra),
        "plan_type_row": _frame(
            [
                (PROGRAM, "60", date(2020, 1, 1), "health_fsa_salary_reduction", year),
                (PROGRAM, "6B", date(2020, 1, 1), "health_fsa_salary_reduction", year),
                (PROGRAM, "61", date(2020, 1, 1), "dcap_exclusion", year),
            ],
            accounts,
        ),
    }


def _keyed(acts: dict[tuple[int, str, date], Any], client_id: int, name: str, kind: Any) -> pl.DataFrame:
    schema = dict(zip(LOSS_KEY, (pl.Int32, pl.Int64, pl.Int64, pl.String, pl.Date), strict=True)) | {
        name: kind
    }
    return _frame([(client_id, PERSON, *key, said) for key, said in acts.items()], schema)
