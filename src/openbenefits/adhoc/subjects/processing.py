"""Events and what hangs on them: options, elections, messages; runs; letters."""

from openbenefits.adhoc.declared import Field, Kind, subject
from openbenefits.adhoc.subjects.shared import (
    BENEFIT_RECORD,
    CLIENT,
    CLIENT_FIELDS,
    EVENT_CLASS,
    EVENT_STATES,
    JOB_FIELDS,
    OF_EVENT,
    OF_OPTION,
    OF_PERSON,
    OPTION_FIELDS,
    PLAN_TYPE,
    PROGRAM,
    SCHEDULE,
    SCHEDULE_FIELDS,
    STATES,
    WHO,
    code,
    day,
    flag,
    money,
    number,
)
from openbenefits.core.messages import CATALOGUE
from openbenefits.delivery.codes import CHANNEL_NAMES, KIND_NAMES, FateCode

TITLES = {entry.code: f"{entry.code} {entry.title}" for entry in CATALOGUE.values()}
SEVERITIES = {"E": "error", "W": "warning"}

_EVENT_KEY = "client_id, person_id, benefit_record, schedule_id, event_number"
_LATEST = f"""(
    SELECT DISTINCT ON (r.client_id, r.person_id, r.benefit_record, r.schedule_id, r.event_number,
                        r.plan_type, r.slot)
           r.*, e.event_on, e.event_class_id, e.process_status, e.event_status
    FROM enrollment_election AS r JOIN events_event AS e
      USING ({_EVENT_KEY})
    ORDER BY r.client_id, r.person_id, r.benefit_record, r.schedule_id, r.event_number,
             r.plan_type, r.slot, r.submission DESC
)"""  # noqa: S608 - constants
_MENUS = f"""(
    SELECT r.*, e.event_on, e.event_class_id, e.process_status, e.event_status
    FROM enrollment_eventoption AS r JOIN events_event AS e
      USING ({_EVENT_KEY}, preparation)
)"""  # noqa: S608 - constants
_STANDING = f"""(
    SELECT r.*, e.event_on, e.event_class_id, e.process_status, e.event_status
    FROM events_message AS r JOIN events_event AS e
      USING ({_EVENT_KEY})
    WHERE r.is_current
)"""  # noqa: S608 - constants
_LETTERS = """(
    SELECT d.*, v.channel, f.fate, (f.at AT TIME ZONE 'UTC')::date AS fate_on,
           (d.made_at AT TIME ZONE 'UTC')::date AS made_on
    FROM delivery_document AS d
    LEFT JOIN LATERAL (
        SELECT id, channel FROM delivery_delivery
        WHERE client_id = d.client_id AND document_id = d.id ORDER BY id DESC LIMIT 1
    ) AS v ON true
    LEFT JOIN LATERAL (
        SELECT fate, at FROM delivery_fate
        WHERE client_id = d.client_id AND delivery_id = v.id ORDER BY id DESC LIMIT 1
    ) AS f ON true
)"""

THE_EVENT = (
    *SCHEDULE_FIELDS,
    Field(name="event_class", title="Event class", sql="ec.code", needs=("event_class",)),
    Field(name="event_name", title="Event", sql="ec.name", needs=("event_class",)),
    day("event_on", "Event date"),
    code("process_status", "Process status", "t.process_status", STATES),
    code("event_status", "Event status", "t.event_status", EVENT_STATES),
)

EVENTS = subject(
    "events",
    "Events",
    "Every event of everybody, and where it stands.",
    "events_event",
    (
        *WHO,
        BENEFIT_RECORD,
        *THE_EVENT,
        Field(name="program", title="Program", sql="g.code", needs=("program",)),
        number("priority", "Priority"),
        day("status_on", "Status since", "(t.status_at AT TIME ZONE 'UTC')::date"),
        day("window_begins_on", "Window begins"),
        day("window_ends_on", "Window ends"),
        day("option_notified_on", "Enrolment statement sent"),
        day("elected_on", "First election received"),
        flag("has_elected", "Has elected", "t.elected_on IS NOT NULL"),
        day("confirm_notified_on", "Confirmation sent"),
        flag("is_finalized", "Finalised with defaults"),
        flag("is_out_of_sequence", "Out of sequence"),
        flag("is_eligibility_changed", "Eligibility changed"),
        *JOB_FIELDS,
    ),
    (*OF_EVENT, EVENT_CLASS, PROGRAM),
    first=("client", "employee_number", "last_name", "event_class", "event_on", "process_status"),
)

OPTIONS = subject(
    "options",
    "Options offered",
    "What each prepared event offers, with prices.",
    _MENUS,
    (
        *WHO,
        *THE_EVENT,
        *OPTION_FIELDS,
        flag("is_electable", "May be elected"),
        flag("is_current", "Held now"),
        flag("is_default", "Default"),
        flag("is_proof_required", "Proof needed"),
        money("coverage_amount", "Coverage amount", "t.coverage_cents"),
        money("pay_before_tax", "Each pay, before tax", "t.pay_before_tax_cents"),
        money("pay_after_tax", "Each pay, after tax", "t.pay_after_tax_cents"),
        money("pay_credit", "Credit each pay", "t.pay_credit_cents"),
        money("annual_before_tax", "A year, before tax", "t.annual_before_tax_cents"),
        money("annual_after_tax", "A year, after tax", "t.annual_after_tax_cents"),
        money("annual_employer", "Employer a year", "t.annual_employer_cents"),
        *JOB_FIELDS,
    ),
    (*OF_EVENT, EVENT_CLASS, *OF_OPTION),
    first=("client", "employee_number", "event_class", "plan_type", "option", "pay_before_tax"),
)

ELECTIONS = subject(
    "elections",
    "Elections",
    "The last submission for each plan type of each event.",
    _LATEST,
    (
        *WHO,
        *THE_EVENT,
        *OPTION_FIELDS,
        Field(name="keyed", title="As keyed", sql="t.option_code"),
        day("received_on", "Received"),
        Field(name="elector", title="Elected by", sql="t.elector"),
        Field(name="source", title="Came by", sql="t.source"),
        flag("is_withdrawn", "Withdrawn"),
        number("submission", "Number of submission"),
        money("coverage_amount", "Coverage amount", "t.coverage_cents"),
        money("pledge", "Amount for the year", "t.pledge_cents"),
        *JOB_FIELDS,
    ),
    (*OF_EVENT, EVENT_CLASS, *OF_OPTION),
    first=("client", "employee_number", "last_name", "plan_type", "keyed", "received_on"),
)

MESSAGES = subject(
    "messages",
    "Messages",
    "What stands in the way of events, or should be known about them.",
    _STANDING,
    (
        *WHO,
        *THE_EVENT,
        code("message", "Message", "t.code", TITLES),
        code("severity", "Severity", "t.severity", SEVERITIES),
        PLAN_TYPE,
        Field(name="expected", title="Expected", sql="t.expected"),
        Field(name="found", title="Found", sql="t.found"),
        number("run_id", "Run"),
        *JOB_FIELDS,
    ),
    (*OF_EVENT, EVENT_CLASS),
    first=("client", "employee_number", "message", "severity", "expected", "found"),
)

RUNS = subject(
    "runs",
    "Runs",
    "Runs of one client: what was processed when, and how it ended.",
    "(SELECT r.*, r.bundle_client AS client_id, r.id AS run_id FROM runs_run AS r"
    " WHERE r.bundle_client IS NOT NULL)",
    (
        *CLIENT_FIELDS,
        number("run_id", "Run"),
        Field(name="run_control", title="Run control", sql="t.run_control"),
        Field(name="kind", title="Kind", sql="t.kind"),
        *SCHEDULE_FIELDS,
        day("run_as_of", "As of", "t.as_of"),
        Field(name="through_level", title="Through level", sql="t.through_level"),
        flag("is_finalizing", "Finalises"),
        Field(name="run_state", title="State", sql="t.state"),
        Field(name="started_at", title="Started", sql="t.started_at", kind=Kind.MOMENT),
        Field(name="ended_at", title="Ended", sql="t.ended_at", kind=Kind.MOMENT),
        Field(name="started_by", title="Started by", sql="t.started_by"),
    ),
    (CLIENT, SCHEDULE),
    first=("client", "run_id", "schedule", "run_as_of", "run_state", "started_at"),
)

DOCUMENTS = subject(
    "documents",
    "Letters",
    "Letters that were made, on which way the last of each went, and what became of it.",
    _LETTERS,
    (
        *WHO,
        number("letter", "Number of letter", "t.id"),
        code("kind", "Kind of letter", "t.kind", {str(kind): name for kind, name in KIND_NAMES.items()}),
        day("letter_of", "Speaks of", "t.as_of"),
        day("made_on", "Made"),
        Field(name="made_by", title="Made by", sql="t.made_by"),
        number("pages", "Pages"),
        code("channel", "Way", "t.channel", {str(one): name for one, name in CHANNEL_NAMES.items()}),
        code("fate", "What became of it", "t.fate", {str(one): str(one) for one in FateCode}),
        day("fate_on", "Since"),
        *SCHEDULE_FIELDS,
        *JOB_FIELDS,
    ),
    (*OF_PERSON, SCHEDULE),
    first=("client", "employee_number", "letter", "kind", "channel", "fate"),
)
SUBJECTS = (EVENTS, OPTIONS, ELECTIONS, MESSAGES, RUNS, DOCUMENTS)
