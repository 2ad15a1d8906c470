"""The kinds of record of the floors below.

People, jobs, events, elections, coverage, runs, imports, clients.
"""

from openbenefits.accounts.roles import Permission
from openbenefits.workflow import frames
from openbenefits.workflow.kinds import Field, FieldType, RecordKind, Related

DAY, NUMBER, FLAG, MONEY = FieldType.DAY, FieldType.NUMBER, FieldType.FLAG, FieldType.MONEY
PERSONAL, HEALTH = Permission.SEE_PERSONAL, Permission.SEE_HEALTH
OF_CLIENT = {"client": Related("client", by="client")}
OF_PERSON = {"person": Related("person", by="person")} | OF_CLIENT
IS_PERSONS = {
    "client": Field("Client", path="t.client_id::text"),
    "person": Field("Person", path="t.person_id::text"),
}
JOB_FIELDS = {
    "action": Field("Last action"),
    "reason": Field("Reason"),
    "job_status": Field("Job status"),
    "last_day_employed": Field("Last day employed", DAY),
    "company": Field("Company"),
    "benefit_group": Field("Benefit group"),
    "pay_group": Field("Pay group"),
    "department": Field("Department"),
    "location": Field("Location"),
    "employee_class": Field("Employee class"),
    "full_part_time": Field("Full or part time"),
    "regular_temporary": Field("Regular or temporary"),
    "flsa_status": Field("FLSA status"),
    "weekly_hours": Field("Weekly hours, in hundredths", NUMBER, "t.weekly_hours_hundredths"),
}
NUMBER_OF = """(
    SELECT w.employee_number FROM workforce_person AS w
    WHERE w.client_id = t.client_id AND w.id = t.person_id
)"""
BEFORE = (
    "job_status",
    "benefit_group",
    "employee_class",
    "full_part_time",
    "location",
    "department",
    "pay_group",
)
ACTIVE = "t.job_status IN ('A', 'L', 'P', 'S', 'W')"

KINDS = (
    RecordKind(
        name="client",
        subject="t.code",
        title="Client",
        fields={
            "code": Field("Code"),
            "name": Field("Name"),
            "people": Field("People", NUMBER, "n.people"),
            "first_known_on": Field("First census on", DAY, "(n.first_known AT TIME ZONE 'UTC')::date"),
            "set_up_on": Field("Set-up in force since", DAY, "(r.applied_at AT TIME ZONE 'UTC')::date"),
            "starts_on": Field("Administered from", DAY, "b.starts_on", is_now=True),
        },
        table="workforce_client",
        source=frames.CLIENT,
        client="t.id",
        everyone=frames.CLIENTS,
    ),
    RecordKind(
        name="person",
        subject="t.employee_number",
        title="Participant",
        fields={
            "client": Field("Client", path="t.client_id::text"),
            "employee_number": Field("Employee number"),
            "first_name": Field("First name", path="pf.first_name"),
            "last_name": Field("Last name", path="pf.last_name"),
            "birth_on": Field("Born", DAY, "pf.birth_on", PERSONAL),
            "sex": Field("Sex", path="pf.sex", guard=PERSONAL),
            "marital_status": Field("Marital status", path="pf.marital_status", guard=PERSONAL),
            "service_on": Field("Service counts from", DAY, "pf.service_on"),
            "is_medicare_entitled": Field("Entitled to Medicare", FLAG, "pf.is_medicare_entitled", HEALTH),
            "has_email": Field("Has an e-mail address", FLAG, "coalesce(pf.email, '') <> ''"),
            "state": Field("State", path="ad.state"),
            "postal_code": Field("Postal code", path="ad.postal_code", guard=PERSONAL),
            "hired_on": Field("Last hired on", DAY, "h.hired_on"),
        }
        | {
            name: Field(one.title, one.type, f"j.{one.path.removeprefix('t.') or name}")
            for name, one in JOB_FIELDS.items()
        },
        source=frames.PERSON,
        person="t.id",
        active=ACTIVE.replace("t.", "j."),
        everyone=frames.PEOPLE,
        history=frames.PEOPLE_CHANGED,
        related=OF_CLIENT,
        link="participant",
    ),
    RecordKind(
        name="job",
        subject="concat_ws('/', o.employee_number, t.job_number)",
        title="Job, as its last row says (rows to come included)",
        fields=IS_PERSONS
        | {
            "job_number": Field("Number of job", NUMBER),
            "valid_from": Field("From", DAY),
            "hired_on": Field("Last hired on", DAY, "h.hired_on"),
            "is_primary": Field("Primary job", FLAG),
        }
        | JOB_FIELDS
        | {f"{name}_before": Field(f"{JOB_FIELDS[name].title} before", path=f"b.{name}") for name in BEFORE},
        source=frames.JOB,
        person="t.person_id",
        active=ACTIVE,
        everyone=frames.JOBS,
        history=frames.JOBS_CHANGED,
        related=OF_PERSON,
        link="participant",
    ),
    RecordKind(
        name="life event",
        subject=f"concat_ws('/', {NUMBER_OF}, t.event_class, t.valid_from)",
        title="Life event as reported",
        fields=IS_PERSONS
        | {
            "event_class": Field("Event class"),
            "happened_on": Field("Happened on", DAY, "t.valid_from"),
            "reported_on": Field("Reported on", DAY),
            "is_withdrawn": Field("Withdrawn", FLAG, "t.is_deleted"),
        },
        source=frames.LIFE_EVENT,
        person="t.person_id",
        active="NOT t.is_deleted",
        ended="t.is_deleted",
        everyone=frames.LIFE_EVENTS,
        history=frames.LIFE_EVENTS_CHANGED,
        related=OF_PERSON,
        link="participant",
    ),
    RecordKind(
        name="event",
        subject=f"concat_ws('/', {NUMBER_OF}, s.code, t.benefit_record, t.event_number)",
        title="Event",
        fields=IS_PERSONS
        | {
            "event_class": Field("Event class", path="ec.code"),
            "schedule": Field("Schedule", path="s.code"),
            "event_on": Field("Event date", DAY, is_now=True),
            "process_status": Field("Process status", path="st.to_status"),
            "event_status": Field("Event status (O open, C closed, V void)", path="st.event_status"),
            "window_begins_on": Field("Window begins", DAY, is_now=True),
            "window_ends_on": Field("Window ends", DAY, is_now=True),
            "elected_on": Field("First election received", DAY, is_now=True),
            "is_finalized": Field("Finalised with defaults", FLAG, is_now=True),
            "is_eligibility_changed": Field("Eligibility changed", FLAG, is_now=True),
        },
        source=frames.EVENT,
        person="t.person_id",
        active="st.event_status = 'O'",
        ended="st.event_status <> 'O'",
        everyone=frames.EVENTS,
        history=frames.EVENTS_CHANGED,
        related=OF_PERSON,
        link="participant",
    ),
    RecordKind(
        name="election",
        subject=f"concat_ws('/', {NUMBER_OF}, t.event_number, t.plan_type, t.slot)",
        title="Election",
        fields=IS_PERSONS
        | {
            "plan_type": Field("Plan type"),
            "option": Field("Option, as keyed", path="t.option_code"),
            "event_class": Field("Event class", path="ec.code"),
            "event_on": Field("Event date", DAY),
            "received_on": Field("Received", DAY),
            "source": Field("Came by"),
            "waive_reason": Field("Reason of a waiver"),
            "is_withdrawn": Field("Withdrawn", FLAG),
            "submission": Field("Number of submission", NUMBER),
        },
        source=frames.ELECTION,
        person="t.person_id",
        active="NOT t.is_withdrawn",
        everyone=frames.ELECTIONS,
        history=frames.ELECTIONS_CHANGED,
        related=OF_PERSON,
        link="participant",
    ),
    RecordKind(
        name="coverage",
        subject=f"concat_ws('/', {NUMBER_OF}, t.benefit_record, t.plan_type, t.slot)",
        title="Coverage of a plan type: the last change point",
        fields=IS_PERSONS
        | {
            "plan_type": Field("Plan type"),
            "kind": Field(
                "Kind (E elected, D defaulted, W waived, T terminated, N never enrolled, I ineligible)"
            ),
            "basis": Field("Basis"),
            "option": Field("Option", path="o.code"),
            "begins_on": Field("From", DAY),
            "coverage_amount": Field("Coverage amount", MONEY, "t.coverage_cents"),
            "awaits_evidence": Field(
                "Waits for evidence", FLAG, "t.requested_coverage_cents IS NOT NULL", HEALTH
            ),
        },
        source=frames.COVERAGE,
        person="t.person_id",
        active="t.kind IN ('E', 'D')",
        everyone=frames.COVERAGES,
        history=frames.COVERAGE_CHANGED,
        related=OF_PERSON,
        link="participant",
    ),
    RecordKind(
        name="evidence",
        subject=f"concat_ws('/', {NUMBER_OF}, t.benefit_record, t.plan_type, t.slot)",
        guard=HEALTH,
        title="Evidence of insurability: the last act",
        fields=IS_PERSONS
        | {
            "plan_type": Field("Plan type"),
            "act": Field("Act", path="t.kind", guard=HEALTH),
            "acted_on": Field("Acted on", DAY),
            "asked_amount": Field("Coverage asked for", MONEY, "t.asked_cents", HEALTH),
        },
        source=frames.EVIDENCE,
        person="t.person_id",
        everyone=frames.EVIDENCES,
        history=frames.EVIDENCE_CHANGED,
        related=OF_PERSON,
    ),
    RecordKind(
        name="import",
        title="Import, or entry, of facts",
        fields={
            "client": Field("Client", path="t.client_id::text"),
            "kind": Field("Kind"),
            "made_by": Field("By"),
            "made_on": Field("On", DAY, "(t.made_at AT TIME ZONE 'UTC')::date"),
            "people": Field("People it changed", NUMBER, "n.people"),
            "is_taken_back": Field("Taken back", FLAG, "u.id IS NOT NULL"),
        },
        source=frames.IMPORT,
        active="u.id IS NULL",
        ended="u.id IS NOT NULL",
        everyone=frames.IMPORTS,
        history=frames.IMPORTS_CHANGED,
        related=OF_CLIENT,
    ),
    RecordKind(
        name="run",
        title="Run",
        fields={
            "client": Field("Client", path="t.bundle_client::text"),
            "kind": Field("Kind"),
            "state": Field("State"),
            "as_of": Field("As of", DAY),
            "is_finalizing": Field("Finalises", FLAG),
            "started_by": Field("Started by"),
        },
        table="runs_run",
        client="t.bundle_client",
        ended="t.state IN ('done', 'taken back')",
        everyone=frames.RUNS,
        related=OF_CLIENT,
        link="run",
    ),
    RecordKind(
        name="open enrolment",
        subject="t.code",
        title="Open enrolment, as set-up in force has it",
        fields={
            "client": Field("Client", path="t.client_id::text"),
            "code": Field("Code"),
            "name": Field("Name"),
            "effective_on": Field("Coverage begins", DAY, "t.period_begins_on"),
            "ends_on": Field("Plan year ends", DAY, "t.period_ends_on"),
            "window_begins_on": Field("Window begins", DAY),
            "window_ends_on": Field("Window ends", DAY),
            "events": Field("Events", NUMBER, "n.events"),
            "unfinished": Field("Events not yet final", NUMBER, "n.unfinished"),
        },
        source=frames.OPEN_ENROLLMENT,
        everyone=frames.OPEN_ENROLLMENTS,
        related=OF_CLIENT,
    ),
    *(
        RecordKind(
            name=form,
            title=form.capitalize(),
            fields={
                "client": Field("Client", path="t.client_id::text"),
                "person": Field("Person", path="t.person_id::text"),
                "category": Field("Category"),
                "kind": Field("Type"),
                "priority": Field("Priority"),
                "status": Field("Status"),
                "start_on": Field("Start", DAY),
                "due_on": Field("Due", DAY),
                "assignee": Field(
                    "Assigned to", path="(SELECT username FROM accounts_user WHERE id = t.assignee_id)"
                ),
                "role": Field("For the role"),
                "queue": Field("Queue"),
                "escalated": Field("Level of escalation", NUMBER),
                "is_channels": Field("Opened by a channel", FLAG, "starts_with(t.opened_by, 'channel ')"),
            },
            table="casework_ticket",
            source=frames.TICKET.replace("{form}", form),
            person="t.person_id",
            active="t.status NOT IN ('complete', 'cancelled', 'resolved', 'closed')",
            everyone=frames.TICKETS.replace("{form}", form),
            related=OF_PERSON,
            link=form,
        )
        for form in ("task", "case")
    ),
)
