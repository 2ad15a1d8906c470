"""Batches, offers and plans as records that channels watch."""

from openbenefits.workflow.kinds import Field, FieldType, RecordKind, Related, register

DAY, FLAG = FieldType.DAY, FieldType.FLAG
OF_CLIENT = {"client": Related("client", by="client")}
CLIENT = {"client": Field("Client", path="t.client_id::text")}
OVER = "t.status = 'expired'"

KINDS = (
    RecordKind(
        name="batch",
        title="Benefits batch",
        table="renewals_batch",
        fields=CLIENT
        | {
            "type": Field("Kind"),
            "status": Field("Status"),
            "effective_on": Field("Effective", DAY),
            "expires_on": Field("Expires", DAY),
            "enrollment_begins_on": Field("Open enrolment from", DAY),
            "enrollment_ends_on": Field("Open enrolment to", DAY),
            "contract_type": Field("Contract type"),
            "assigned_to": Field("Assigned to"),
            "is_in_force": Field("Set-up in force", FLAG, "t.release_id IS NOT NULL"),
            "is_renewed": Field(
                "Renewed",
                FLAG,
                "EXISTS (SELECT 1 FROM renewals_batch AS r WHERE r.renewal_of_id = t.id)",
                is_now=True,
            ),
        },
        active=f"NOT ({OVER})",
        ended=OVER,
        related=OF_CLIENT,
    ),
    RecordKind(
        name="offer",
        title="Offered benefits plan",
        table="renewals_offer",
        fields=CLIENT
        | {
            "batch": Field("Batch", path="t.batch_id::text"),
            "status": Field("Status"),
            "benefit_group": Field("Benefit group"),
            "begins_on": Field("Begins", DAY),
            "expires_on": Field("Expires", DAY),
            "plan_code": Field(
                "Plan", path="(SELECT p.unique_code FROM renewals_benefitsplan AS p WHERE p.id = t.plan_id)"
            ),
            "plan_type": Field(
                "Category", path="(SELECT p.plan_type FROM renewals_benefitsplan AS p WHERE p.id = t.plan_id)"
            ),
        },
        active=f"NOT ({OVER}) AND t.status <> 'rejected'",
        ended=f"{OVER} OR t.status = 'rejected'",
        related=OF_CLIENT | {"batch": Related("batch", by="batch")},
    ),
)


def declare() -> None:
    """Declare them."""
    for kind in KINDS:
        register(kind)
