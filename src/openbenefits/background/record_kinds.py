"""Kinds of record of the floors above channels: underwriting, invoices, differences, payroll."""

from openbenefits.background import carrier_checks, payroll_checks
from openbenefits.workflow.checks import Check, register_check
from openbenefits.workflow.kinds import Field, FieldType, RecordKind, Related, register

DAY, NUMBER, FLAG, MONEY = FieldType.DAY, FieldType.NUMBER, FieldType.FLAG, FieldType.MONEY
CLIENT = Field("Client", path="t.client_id::text")
OF_CLIENT = {"client": Related("client", by="client")}
PERSON = Field("Person", path="t.person_id::text")
OF_PERSON = {"person": Related("person", by="person")} | OF_CLIENT

KINDS = (
    RecordKind(
        name="underwriting",
        title="Underwriting approval",
        table="renewals_underwritingapproval",
        fields={
            "client": CLIENT,
            "batch": Field("Batch", path="t.batch_id::text"),
            "department": Field("Department"),
            "status": Field("Status"),
            "expires_on": Field("Counts until", DAY),
        },
        active="t.is_active",
        ended="NOT t.is_active OR t.decided_on IS NOT NULL",
        related={"batch": Related("batch", by="batch")} | OF_CLIENT,
    ),
    RecordKind(
        name="invoice",
        title="Carrier invoice",
        table="reconcile_invoice",
        fields={
            "client": CLIENT,
            "carrier": Field("Carrier"),
            "number": Field("Number"),
            "month": Field("Month", DAY),
            "due_on": Field("Due", DAY),
            "state": Field("State"),
            "total": Field("Total", MONEY, "t.total_cents"),
        },
        active="t.state NOT IN ('paid', 'closed')",
        ended="t.state = 'closed'",
        related=OF_CLIENT,
    ),
    RecordKind(
        name="difference",
        title="Difference of an invoice",
        table="reconcile_item",
        fields={
            "client": CLIENT,
            "person": PERSON,
            "code": Field("Cause"),
            "plan_type": Field("Plan type"),
            "month": Field("Month", DAY),
            "difference": Field("Difference", MONEY, "t.difference_cents"),
            "owner": Field("Owner"),
            "assigned_to": Field("Assigned to"),
            "deadline_on": Field("Last day the carrier takes it", DAY),
            "state": Field("State"),
        },
        person="t.person_id",
        active="t.state IN ('open', 'assigned', 'sent', 'promised')",
        ended="t.state IN ('resolved', 'written off', 'not an error')",
        related=OF_PERSON,
    ),
    RecordKind(
        name="payroll change",
        title="Change sent to the payroll platform",
        table="platform_outboundchange",
        fields={
            "client": CLIENT,
            "person": PERSON,
            "element": Field("Element"),
            "state": Field("State"),
            "cause": Field("Cause"),
            "attempts": Field("Attempts", NUMBER),
        },
        person="t.person_id",
        active="t.state IN ('planned', 'held', 'sent', 'answered', 'different', 'failed')",
        ended="t.state IN ('equal', 'replaced', 'cancelled')",
        related=OF_PERSON,
    ),
)
_OF_CLIENT = "CROSS JOIN LATERAL (SELECT a.key::int AS client_id) AS k"
_OF_PERSON = """JOIN workforce_person AS o ON o.id = split_part(a.key, '-', 1)::bigint
CROSS JOIN LATERAL (SELECT o.client_id, o.id AS person_id) AS k"""
_CHANGES = """LEFT JOIN LATERAL (
    SELECT count(*) AS sent, count(*) FILTER (WHERE x.state NOT IN ('equal', 'replaced', 'cancelled')) AS open
    FROM platform_outboundchange AS x WHERE x.client_id = k.client_id{more}
) AS n ON true"""
_OPEN = "i.state IN ('open', 'assigned', 'sent', 'promised')"
_BILLS = """v.client_id = {client} OR v.client_id = 0 AND EXISTS (
    SELECT 1 FROM reconcile_invoiceline AS l WHERE l.invoice_id = v.id AND l.client_id = {client}
)"""
"""An invoice of the client's own, or one it shares."""
_INVOICES = f"""
LEFT JOIN LATERAL (
    SELECT count(*) AS approved FROM reconcile_invoice AS v
    WHERE v.state IN ('approved', 'paid', 'closed') AND v.month >= k.since
      AND ({_BILLS.format(client="k.client_id")})
) AS v ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS open FROM reconcile_item AS i
    WHERE i.client_id = k.client_id AND i.month >= k.since AND {_OPEN}
) AS i ON true"""  # noqa: S608 - SQL of ours
_EVER = "CROSS JOIN LATERAL (SELECT a.key::int AS client_id, '-infinity'::date AS since) AS k"
_OF_YEAR = """LEFT JOIN LATERAL (
    SELECT s.client_id, s.period_begins_on AS since FROM programs_schedule AS s
    JOIN programs_bundle AS b ON b.release_id = s.release_id WHERE s.schedule_id = a.key::int LIMIT 1
) AS k ON true"""
_IS_RECONCILED = "v.approved > 0 AND i.open = 0"
_RECONCILED = "concat(v.approved, ' invoices approved, ', i.open, ' differences open')"
_HIS_DIFFERENCES = f"""
LEFT JOIN LATERAL (
    SELECT count(*) AS open FROM reconcile_item AS i
    WHERE i.client_id = k.client_id AND i.person_id = k.person_id AND {_OPEN}
) AS i ON true"""  # noqa: S608 - SQL of ours
_BILLED = """
LEFT JOIN LATERAL (
    SELECT max(c.begins_on) AS ended_on FROM enrollment_coverage AS c
    WHERE c.client_id = k.client_id AND c.person_id = k.person_id AND c.kind = 'T' AND c.superseded_at IS NULL
) AS e ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS carriers, count(*) FILTER (WHERE EXISTS (
        SELECT 1 FROM reconcile_invoice AS n
        WHERE n.carrier = w.carrier AND n.client_id = w.client_id AND n.month >= e.ended_on AND n.results > 0
    )) AS later
    FROM (
        SELECT DISTINCT v.carrier, v.client_id FROM reconcile_linematch AS m
        JOIN reconcile_invoice AS v ON v.id = m.invoice_id
        WHERE m.client_id = k.client_id AND m.person_id = k.person_id
    ) AS w
) AS w ON true"""
"""Who billed a person so far, and of them who has billed a month after coverage ended."""
CHECKS = (
    Check(
        name="payroll reads back",
        title="Everything sent to the payroll platform reads back as it was to be",
        kind="client",
        source=f"{_OF_CLIENT} {_CHANGES.format(more='')}",
        is_done="n.sent > 0 AND n.open = 0",
        told="concat(n.sent, ' changes sent, ', n.open, ' not read back as they were to be')",
    ),
    Check(
        name="first invoice reconciled",
        title="An invoice of the client is approved, and no difference of it is open",
        kind="client",
        source=_EVER + _INVOICES,
        is_done=_IS_RECONCILED,
        told=_RECONCILED,
    ),
    Check(
        name="year's first invoice reconciled",
        title="An invoice of the year of the open enrolment is approved, and no difference of it is open",
        kind="open enrolment",
        source=_OF_YEAR + _INVOICES,
        is_done=_IS_RECONCILED,
        told=_RECONCILED,
    ),
    Check(
        name="off the invoice",
        title="Whoever billed the person has billed a month after the coverage, and nothing about it differs",
        kind="person",
        source=_OF_PERSON + _BILLED + _HIS_DIFFERENCES,
        is_done="i.open = 0 AND w.later = w.carriers",
        told="concat(w.later, ' of ', w.carriers, ' carriers have billed a later month, ', i.open,"
        " ' differences open')",
    ),
    Check(
        name="no difference open",
        title="No invoice differs about the person",
        kind="person",
        source=_OF_PERSON + _HIS_DIFFERENCES,
        is_done="i.open = 0",
        told="concat(i.open, ' differences open')",
    ),
)


def register_all() -> None:
    """Declare them."""
    for kind in KINDS:
        register(kind)
    for check in (*CHECKS, *carrier_checks.CHECKS, *payroll_checks.CHECKS):
        register_check(check)
