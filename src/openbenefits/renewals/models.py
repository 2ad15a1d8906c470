"""Plans for clients at rest: price lists of the PEO, what is proposed to a client, and what became of it.

Nothing here prices a person: rates in force are those of set-up (decision 0017). Rows of client 0: the PEO's.
Tables have `client_id`, so that row-level security follows by itself; amounts are cents, rates micro-dollars.
"""

from django.db import models

from openbenefits.core.codes import AreaOf, RateUnit
from openbenefits.renewals.codes import (
    BatchStatus,
    BatchType,
    Method,
    OfferStatus,
    PlanKind,
    PlanStatus,
    RateSource,
    VerdictStatus,
)

HUNDRED_PERCENT = 100_000_000  # micro-percent


class StatusMove(models.Model):
    """A legal move of a status (renewals.moves)."""

    record = models.TextField()
    before = models.TextField()
    after = models.TextField()
    says = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["record", "before", "after"], name="renewals_one_move")
        ]


class HiddenStatus(models.Model):
    """A status of batches that this house passes over."""

    client_id = models.IntegerField(default=0)
    status = models.TextField()
    hidden_by = models.TextField()
    hidden_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client_id", "status"], name="renewals_hidden_once")]


class StatusChange(models.Model):
    """One move of a batch, an offer, a plan or an underwriting approval; append-only."""

    client_id = models.IntegerField()
    record = models.TextField()
    record_id = models.BigIntegerField()
    before = models.TextField()
    after = models.TextField()
    author = models.TextField()
    reason = models.TextField(default="")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["client_id", "record", "record_id"], name="renewals_history")]


class BenefitsPlan(models.Model):
    """A plan with its price list: a master or model of the PEO (client 0), or one client's own."""

    client_id = models.IntegerField()
    unique_code = models.TextField()  # the payroll platform's plan id
    kind = models.TextField(default=PlanKind.MASTER)
    is_base = models.BooleanField(default=False)  # may be copied from
    model_plan = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    plan_type = models.TextField()
    setup_plan = models.TextField()  # the code of `plans` in set-up it stands for, or becomes
    name = models.TextField()
    carrier = models.TextField()
    carrier_plan_code = models.TextField()
    begins_on = models.DateField()
    expires_on = models.DateField(null=True)
    default_rate_group = models.TextField(default="")
    status = models.TextField(default=PlanStatus.NEW)
    renewed_on = models.DateField(null=True)
    renewed_from = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="renewed")
    design = models.JSONField(default=dict)  # as PlanDesignPart of a bundle; empty: as set-up has it
    source = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client_id", "unique_code"], name="renewals_unique_plan_code")
        ]


class RateGroup(models.Model):
    """A column of a plan's price list: usually a letter, or the percent of a risk factor."""

    client_id = models.IntegerField()  # of its plan, or of the client that keeps it for a master of the PEO's
    plan = models.ForeignKey(BenefitsPlan, on_delete=models.PROTECT, related_name="rate_groups")
    title = models.TextField()
    rate_source = models.TextField(default=RateSource.MANUAL)
    geography = models.TextField(default="")  # whose rating areas its bands are
    area_of = models.TextField(default=AreaOf.HOME)  # whose address gives them
    unit = models.TextField(default=RateUnit.FLAT)  # what a rate buys; of health plans the whole price
    factor_micros = models.BigIntegerField(default=HUNDRED_PERCENT)  # of percentage groups
    begins_on = models.DateField()
    source = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client_id", "plan", "title"], name="renewals_one_rate_group")
        ]


class GroupRate(models.Model):
    """A month's rates of one tier and its bands: what is billed, and what the carrier is owed."""

    client_id = models.IntegerField()
    rate_group = models.ForeignKey(RateGroup, on_delete=models.CASCADE, related_name="rates")
    tier = models.TextField()
    bands = models.JSONField(default=dict)  # the lower edge of each kind (codes.Bands); {}: composite rates
    premium_micros = models.BigIntegerField()
    cost_micros = models.BigIntegerField(null=True)  # null: not known, and neither is the margin

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rate_group", "tier", "bands"], name="renewals_one_rate")
        ]


class RiskFactor(models.Model):
    """A client's risk as underwriting sees it, from a day: percent of the premium of a rate group."""

    client_id = models.IntegerField()
    begins_on = models.DateField()
    factor_micros = models.BigIntegerField()
    plan_type = models.TextField(default="")  # '' = every one
    source = models.TextField()
    author = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client_id", "plan_type", "begins_on"], name="renewals_one_factor"
            )
        ]


class PlanGroup(models.Model):
    """Plans that go into a batch in one act."""

    client_id = models.IntegerField(default=0)
    plan_year = models.SmallIntegerField()
    name = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client_id", "plan_year", "name"], name="renewals_one_plan_group")
        ]


class PlanGroupMember(models.Model):
    """A plan of a plan group."""

    client_id = models.IntegerField(default=0)
    plan_group = models.ForeignKey(PlanGroup, on_delete=models.CASCADE, related_name="members")
    plan = models.ForeignKey(BenefitsPlan, on_delete=models.PROTECT, related_name="+")
    rate_group = models.TextField(default="")  # '' = as any new offer takes it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan_group", "plan"], name="renewals_member_once")]


class Batch(models.Model):
    """The package of one client for one enrolment year (benefits batch)."""

    client_id = models.IntegerField()
    type = models.TextField(default=BatchType.RENEWAL)
    status = models.TextField(default=BatchStatus.PENDING)
    effective_on = models.DateField()
    expires_on = models.DateField(null=True)
    renewal_of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="renewals")
    parent_client_id = models.IntegerField(null=True)  # the benefit parent company
    contract_type = models.TextField(default="")
    card_title = models.TextField(default="")
    eligibility = models.TextField(default="")  # who it is for, in words
    enrollment_begins_on = models.DateField(null=True)
    enrollment_ends_on = models.DateField(null=True)
    default_rate_group = models.TextField(default="")
    assigned_to = models.TextField(default="")
    representative = models.TextField(default="")
    contact_id = models.BigIntegerField(null=True)  # the user who reviews and signs for the client
    notes = models.TextField(default="")
    made_by = models.TextField()
    made_at = models.DateTimeField()
    submitted_by_id = models.BigIntegerField(null=True)  # who brought it before underwriting
    schedule = models.TextField(default="")  # of its open enrolment, once set-up is in force
    draft_id = models.BigIntegerField(null=True)  # of set-up, made of it
    release_id = models.BigIntegerField(null=True)  # of set-up, that holds its prices

    class Meta:
        indexes = [models.Index(fields=["client_id", "status"], name="renewals_batches")]


class Offer(models.Model):
    """A plan, as the PEO offers it to this client and the client to its people (offered benefits plan)."""

    client_id = models.IntegerField()
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="offers")
    plan = models.ForeignKey(BenefitsPlan, on_delete=models.PROTECT, related_name="+")
    rate_group = models.ForeignKey(RateGroup, null=True, on_delete=models.PROTECT, related_name="+")
    risk_factor_micros = models.BigIntegerField(default=HUNDRED_PERCENT)
    benefit_group = models.TextField(default="")  # '' = everybody in the program
    program = models.TextField(default="")  # of set-up; '' = the client's only one
    option_code = models.TextField(default="")  # of the program; kept over the years, so that choices go on
    client_plan_code = models.TextField(default="")
    status = models.TextField(default=OfferStatus.NEW)
    renewed_from = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="renewed")
    method = models.TextField(default=Method.DOLLARS)
    begins_on = models.DateField()
    expires_on = models.DateField(null=True)
    waiting_period = models.TextField(default="")
    comments = models.TextField(default="")
    is_imported = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "plan", "rate_group", "benefit_group", "program"],
                name="renewals_export_key",
                nulls_distinct=False,
            )
        ]


class OfferTier(models.Model):
    """What the employer gives to a tier of an offer; the one of the two that the method says."""

    client_id = models.IntegerField()
    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="tiers")
    tier = models.TextField()
    employer_cents = models.BigIntegerField(null=True)
    employer_percent_micros = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["offer", "tier"], name="renewals_one_contribution")]


class OfferCount(models.Model):
    """How many people of a tier and its bands an offer is weighed with."""

    client_id = models.IntegerField()
    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="counts")
    tier = models.TextField()
    bands = models.JSONField(default=dict)  # as of the rate
    people = models.IntegerField()
    unknown = models.IntegerField(default=0)  # of them, those without a fact bands go by: in the lowest
    volume_cents = models.BigIntegerField(null=True)  # of coverage or of a month's pay, on average
    is_edited = models.BooleanField(default=False)  # by somebody, and no longer what the timeline says

    class Meta:
        constraints = [models.UniqueConstraint(fields=["offer", "tier", "bands"], name="renewals_one_count")]


class ExistingPlan(models.Model):
    """A prospect's present or a competing plan, to compare with (presale plan)."""

    client_id = models.IntegerField()
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="existing")
    plan_type = models.TextField()
    name = models.TextField()
    carrier = models.TextField(default="")
    premiums = models.JSONField(default=dict)  # tier: cents a month
    employers = models.JSONField(default=dict)  # tier: cents a month
    compare_to = models.ForeignKey(Offer, null=True, on_delete=models.SET_NULL, related_name="compared")
    notes = models.TextField(default="")


class UnderwritingDefinition(models.Model):
    """Which department has to approve batches of a type; `contract_type` '' is for every one."""

    client_id = models.IntegerField(default=0)
    department = models.TextField()
    approval_type = models.TextField()  # BatchType
    contract_type = models.TextField(default="")
    holds_days = models.SmallIntegerField(default=90)  # how long an approval counts
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client_id", "department", "approval_type", "contract_type"],
                name="renewals_one_definition",
            )
        ]


class UnderwritingApproval(models.Model):
    """What a department says about a batch. Who submitted it does not decide about it."""

    client_id = models.IntegerField()
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="underwriting")
    definition = models.ForeignKey(UnderwritingDefinition, on_delete=models.PROTECT, related_name="+")
    department = models.TextField()
    status = models.TextField(default=VerdictStatus.PENDING)
    is_active = models.BooleanField(default=True)
    contingencies = models.TextField(default="")
    submitted_by_id = models.BigIntegerField()
    decided_by_id = models.BigIntegerField(null=True)
    decided_by = models.TextField(default="")
    decided_on = models.DateField(null=True)
    expires_on = models.DateField(null=True)  # the last day it counts

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "definition"], name="renewals_one_verdict"),
            models.CheckConstraint(
                condition=models.Q(decided_by_id__isnull=True)
                | ~models.Q(decided_by_id=models.F("submitted_by_id")),
                name="renewals_second_person",
            ),
        ]


class ClientApproval(models.Model):
    """A client's signature under a batch: who, when, under what, and the document. Append-only."""

    client_id = models.IntegerField()
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="approvals")
    signature = models.TextField()
    title = models.TextField(default="")
    user_id = models.BigIntegerField()
    author = models.TextField()
    on_behalf_of = models.TextField(default="")  # who told a specialist, and how; '' = signed by the contact
    signed_at = models.DateTimeField()
    lines = models.JSONField()  # prices and contributions as signed
    digest = models.TextField()  # of the lines
    document = models.BinaryField()  # the PDF as it was signed


class Withdrawal(models.Model):
    """A client's signature taken back, before its set-up was in force."""

    client_id = models.IntegerField()
    approval = models.OneToOneField(ClientApproval, on_delete=models.PROTECT, related_name="withdrawal")
    author = models.TextField()
    reason = models.TextField()
    at = models.DateTimeField()


class Reminder(models.Model):
    """A day on which who has not elected is reminded, of the open enrolment of a batch."""

    client_id = models.IntegerField()
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="reminders")
    due_on = models.DateField()
    sent_at = models.DateTimeField(null=True)
    mailed = models.IntegerField(null=True)
    unreachable = models.IntegerField(null=True)  # without an address: told by the progress report

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "due_on"], name="renewals_one_reminder")]
