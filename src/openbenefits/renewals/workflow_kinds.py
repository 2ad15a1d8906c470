"""Batches, offered plans and plans as records that channels watch, and what is checked of them."""

from openbenefits.renewals.codes import COMPLETE, STANDING
from openbenefits.workflow.checks import Check, register_check
from openbenefits.workflow.kinds import Field, FieldType, RecordKind, Related, add_field, register

DAY, FLAG, NUMBER = FieldType.DAY, FieldType.FLAG, FieldType.NUMBER
OF_CLIENT = {"client": Related("client", by="client")}
CLIENT = {"client": Field("Client", path="t.client_id::text")}
OVER = "t.status = 'expired'"
RENEWS_ON = "coalesce(t.expires_on + 1, ({begins} + interval '1 year')::date)"
"""The first day of the year after (§6.1.5)."""
_STANDING = ", ".join(f"'{one}'" for one in STANDING)
_COMPLETE = ", ".join(f"'{one}'" for one in COMPLETE)
_NEXT = f"""EXISTS (
    SELECT 1 FROM renewals_benefitsplan AS n WHERE n.renewed_from_id = {{plan}} AND n.status IN ({_COMPLETE})
)"""  # noqa: S608 - SQL of ours
_TO_RENEW = f"""(
    SELECT count(DISTINCT q.plan_id) FROM renewals_offer AS q
    WHERE q.batch_id = t.id AND q.status IN ({_STANDING}) AND NOT {_NEXT.format(plan="q.plan_id")}
)"""  # noqa: S608 - SQL of ours
_OFFERED = f"""(
    SELECT count(DISTINCT q.batch_id) FROM renewals_offer AS q
    WHERE q.plan_id = t.id AND q.status IN ({_STANDING})
)"""  # noqa: S608 - SQL of ours
_RENEWED = "EXISTS (SELECT 1 FROM renewals_batch AS r WHERE r.renewal_of_id = t.id)"
_PLAN_SAYS = "(SELECT p.{column} FROM renewals_benefitsplan AS p WHERE p.id = t.plan_id)"

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
            "renews_on": Field("The year after begins", DAY, RENEWS_ON.format(begins="t.effective_on")),
            "enrollment_begins_on": Field("Open enrolment from", DAY),
            "enrollment_ends_on": Field("Open enrolment to", DAY),
            "contract_type": Field("Contract type"),
            "assigned_to": Field("Assigned to"),
            "offers": Field(
                "Offered plans",
                NUMBER,
                "(SELECT count(*) FROM renewals_offer AS q WHERE q.batch_id = t.id)",
                is_now=True,
            ),
            "plans_to_renew": Field("Its plans that nobody renewed yet", NUMBER, _TO_RENEW, is_now=True),
            "is_in_force": Field("Set-up in force", FLAG, "t.release_id IS NOT NULL"),
            "is_renewed": Field("Renewed", FLAG, _RENEWED, is_now=True),
        },
        active=f"NOT ({OVER})",
        ended=OVER,
        related=OF_CLIENT,
    ),
    RecordKind(
        name="offered plan",
        title="Offered plan",
        table="renewals_offer",
        fields=CLIENT
        | {
            "batch": Field("Batch", path="t.batch_id::text"),
            "status": Field("Status"),
            "benefit_group": Field("Benefit group"),
            "begins_on": Field("Begins", DAY),
            "expires_on": Field("Expires", DAY),
            "plan": Field("Plan", path=_PLAN_SAYS.format(column="unique_code")),
            "plan_type": Field("Category", path=_PLAN_SAYS.format(column="plan_type")),
            "carrier": Field("Carrier", path=_PLAN_SAYS.format(column="carrier")),
            "is_renewal": Field("Goes on from the year before", FLAG, "t.renewed_from_id IS NOT NULL"),
        },
        active=f"NOT ({OVER}) AND t.status <> 'rejected'",
        ended=f"{OVER} OR t.status = 'rejected'",
        related=OF_CLIENT | {"batch": Related("batch", by="batch")},
    ),
    RecordKind(
        name="plan",
        subject="t.unique_code",
        title="Benefits plan: a master of the PEO, or a client's own",
        table="renewals_benefitsplan",
        fields=CLIENT
        | {
            "unique_code": Field("Plan"),
            "name": Field("Name"),
            "plan_type": Field("Category"),
            "carrier": Field("Carrier"),
            "status": Field("Status"),
            "begins_on": Field("Begins", DAY),
            "expires_on": Field("Expires", DAY),
            "renews_on": Field("The year after begins", DAY, RENEWS_ON.format(begins="t.begins_on")),
            "is_renewed": Field("Renewed, with rates", FLAG, _NEXT.format(plan="t.id"), is_now=True),
            "offered": Field(
                "Batches it is offered in",
                NUMBER,
                _OFFERED,
                is_now=True,
            ),
        },
        active=f"NOT ({OVER})",
        ended=OVER,
        related=OF_CLIENT,
    ),
)
BATCHES = Field(
    "Benefits batches",
    NUMBER,
    "(SELECT count(*) FROM renewals_batch AS q WHERE q.client_id = t.id)",
    is_now=True,
)
_BATCH = "LEFT JOIN renewals_batch AS t ON t.id = a.key::bigint"
_NO_BATCH = "'there is no such batch'"
CHECKS = (
    Check(
        name="plan renewed",
        title="There is a plan for the year after, with rates",
        kind="plan",
        source="LEFT JOIN renewals_benefitsplan AS t ON t.id = a.key::bigint",
        is_done=_NEXT.format(plan="t.id"),
        told="CASE WHEN t.id IS NULL THEN 'there is no such plan' ELSE 'renewed on '"
        " || coalesce(t.renewed_on::text, 'no day yet') END",
    ),
    Check(
        name="batch renewed",
        title="There is a batch for the year after",
        kind="batch",
        source=_BATCH,
        is_done=_RENEWED,
        told=f"CASE WHEN t.id IS NULL THEN {_NO_BATCH} ELSE {_TO_RENEW} || ' plans nobody renewed yet' END",
    ),
    Check(
        name="batch presented",
        title="The client has the batch before it, or has chosen",
        kind="batch",
        source=_BATCH,
        is_done="t.status NOT IN ('pending', 'prep for presentation')",
        told=f"coalesce(t.status, {_NO_BATCH})",
    ),
    Check(
        name="batch approved",
        title="The batch is signed for",
        kind="batch",
        source=_BATCH,
        is_done="t.status IN ('approved', 'active')",
        told=f"coalesce(t.status, {_NO_BATCH})",
    ),
)


def declare() -> None:
    """Declare them."""
    for kind in KINDS:
        register(kind)
    add_field("client", "batches", BATCHES)
    for check in CHECKS:
        register_check(check)
