"""Kinds of record of the floors above channels: batches, offered plans, invoices, differences, payroll."""

from openbenefits.background import carrier_checks
from openbenefits.workflow.checks import Check
from openbenefits.workflow.kinds import Field, FieldType, RecordKind, Related

DAY, NUMBER, FLAG, MONEY = FieldType.DAY, FieldType.NUMBER, FieldType.FLAG, FieldType.MONEY
CLIENT = Field("Client", path="t.client_id::text")
OF_CLIENT = {"client": Related("client", by="client")}
PERSON = Field("Person", path="t.person_id::text")
OF_PERSON = {"person": Related("person", by="person")} | OF_CLIENT

_PLAN = "(SELECT p.unique_code FROM renewals_benefitsplan AS p WHERE p.id = t.plan_id)"
KINDS = (
    RecordKind(
        name="batch",
        title="Benefits batch",
        table="renewals_batch",
        fields={
            "client": CLIENT,
            "type": Field("Type"),
            "status": Field("Status"),
            "effective_on": Field("Effective", DAY),
            "expires_on": Field("Expires", DAY),
            "enrollment_begins_on": Field("Open enrolment begins", DAY),
            "enrollment_ends_on": Field("Open enrolment ends", DAY),
            "assigned_to": Field("Assigned to"),
            "offers": Field(
                "Offered plans",
                NUMBER,
                "(SELECT count(*) FROM renewals_offer AS q WHERE q.batch_id = t.id)",
                is_now=True,
            ),
        },
        active="t.status <> 'expired'",
        ended="t.status = 'expired'",
        related=OF_CLIENT,
    ),
    RecordKind(
        name="offered plan",
        title="Offered plan",
        table="renewals_offer",
        fields={
            "client": CLIENT,
            "batch": Field("Batch", path="t.batch_id::text"),
            "status": Field("Status"),
            "begins_on": Field("Begins", DAY),
            "expires_on": Field("Expires", DAY),
            "benefit_group": Field("Benefit group"),
            "plan": Field(
                "Plan", path="(SELECT p.unique_code FROM renewals_benefitsplan AS p WHERE p.id = t.plan_id)"
            ),
        },
        active="t.status NOT IN ('rejected', 'expired')",
        ended="t.status IN ('rejected', 'expired')",
        related={"batch": Related("batch", by="batch")} | OF_CLIENT,
    ),
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
_INVOICES = """
LEFT JOIN LATERAL (
    SELECT count(*) AS approved FROM reconcile_invoice AS v
    WHERE v.client_id = k.client_id AND v.state IN ('approved', 'paid', 'closed')
) AS v ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS open FROM reconcile_item AS i
    WHERE i.client_id = k.client_id AND i.state IN ('open', 'assigned', 'sent', 'promised')
) AS i ON true"""
_HIS_DIFFERENCES = """
LEFT JOIN LATERAL (
    SELECT count(*) AS open FROM reconcile_item AS i WHERE i.client_id = k.client_id
      AND i.person_id = k.person_id AND i.state IN ('open', 'assigned', 'sent', 'promised')
) AS i ON true"""
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
        source=_OF_CLIENT + _INVOICES,
        is_done="v.approved > 0 AND i.open = 0",
        told="concat(v.approved, ' invoices approved, ', i.open, ' differences open')",
    ),
    Check(
        name="no difference open",
        title="No invoice differs about the person",
        kind="person",
        source=_OF_PERSON + _HIS_DIFFERENCES,
        is_done="i.open = 0",
        told="concat(i.open, ' differences open')",
    ),
    Check(
        name="batch approved",
        title="The batch is signed for",
        kind="batch",
        source="LEFT JOIN renewals_batch AS t ON t.id = a.key::bigint",
        is_done="t.status IN ('approved', 'active')",
        told="coalesce(t.status, 'there is no such batch')",
    ),
)


def register_all() -> None:
    """Declare them; a kind that its own floor has declared stays as that says."""
    from openbenefits.workflow.checks import register_check
    from openbenefits.workflow.kinds import KINDS as KNOWN
    from openbenefits.workflow.kinds import register

    for kind in KINDS:
        if kind.name not in KNOWN:
            register(kind)
    for check in (*CHECKS, *carrier_checks.CHECKS):
        register_check(check)
