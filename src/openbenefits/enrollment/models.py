"""What an event offers, what people chose, and the coverage timeline that follows.

`Preparation`, `EventPlan` and the menus these name are the result of one preparation of one event; another
result adds rows under a higher `preparation` number. `EventOption` shows the menus per event (decision 0013).
`Coverage` is the only statement of who is covered: change points per owner, plan type and slot, each valid
until the next (design §1.1, rulings §3).
"""

from django.db import models

from openbenefits.events.models import EventKey


class EventPlan(EventKey):
    """One plan type of a prepared event: its dates, its default, what the person may do."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "schedule_id", "event_number", "preparation", "plan_type"
    )
    preparation = models.IntegerField()
    plan_type = models.TextField()
    event_rule_row = models.IntegerField()  # programs.EventRule.id
    coverage_begins_on = models.DateField(null=True)
    deduction_begins_on = models.DateField(null=True)
    coverage_ends_on = models.DateField(null=True)  # last day, if what one has now ends
    deduction_ends_on = models.DateField(null=True)
    current_option_id = models.IntegerField(null=True)
    default_option_id = models.IntegerField(null=True)
    default_reason = models.TextField()
    offered_options = models.SmallIntegerField()  # how many may be chosen
    is_choice = models.BooleanField()  # the person may decide something
    is_lost = models.BooleanField()  # the current option is no longer eligible
    is_election_required = models.BooleanField()
    is_ignored = models.BooleanField()
    is_waive_allowed = models.BooleanField()
    menu_id = models.BigIntegerField(null=True)  # the MenuOptions offered; null = none


class Preparation(EventKey):
    """When an event was prepared, by which run, and as what: looking back needs no guess."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "schedule_id", "event_number", "preparation"
    )
    preparation = models.IntegerField()
    event_on = models.DateField()  # a repair may have moved the event since
    program_id = models.IntegerField(null=True)
    window_begins_on = models.DateField(null=True)
    window_ends_on = models.DateField(null=True)
    run_id = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()
    content = models.BigIntegerField(null=True)  # one number for all that is stored of it; null: not known


class OptionTerms(models.Model):
    """An eligible option as it is offered, priced. Money is cents; null = stated by the person."""

    option_id = models.IntegerField()
    is_electable = models.BooleanField()
    is_current = models.BooleanField()
    is_default = models.BooleanField()
    is_proof_required = models.BooleanField()
    coverage_cents = models.BigIntegerField(null=True)
    approved_coverage_cents = models.BigIntegerField(null=True)  # what is billed until proof is approved
    premium_coverage_cents = models.BigIntegerField(null=True)  # what the employee pays for, if not all
    annual_before_tax_cents = models.BigIntegerField(null=True)
    annual_after_tax_cents = models.BigIntegerField(null=True)
    annual_employer_cents = models.BigIntegerField(null=True)
    annual_credit_cents = models.BigIntegerField(null=True)
    pay_before_tax_cents = models.BigIntegerField(null=True)
    pay_after_tax_cents = models.BigIntegerField(null=True)
    pay_credit_cents = models.BigIntegerField(null=True)
    annual_imputed_cents = models.BigIntegerField(null=True)  # taxable value of cover, no tax dependents
    pay_imputed_cents = models.BigIntegerField(null=True)
    rate_row_id = models.BigIntegerField(null=True)  # programs.RateRow.id that priced it
    rule_mask = models.BigIntegerField()  # bits of the eligibility rules it needed

    class Meta:
        abstract = True


class MenuOption(OptionTerms):
    """One option of a menu: what everybody with the same choice of a plan type is offered, stored once."""

    pk = models.CompositePrimaryKey("client_id", "menu_id", "option_id")
    client_id = models.IntegerField()
    menu_id = models.BigIntegerField()  # of the sequence enrollment_menu


class EventOption(EventKey, OptionTerms):
    """One eligible option of a prepared event: a view of the event's plan types and their menus."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "schedule_id", "event_number", "preparation", "option_id"
    )
    preparation = models.IntegerField()
    plan_type = models.TextField()

    class Meta:
        managed = False
        db_table = "enrollment_eventoption"


class Election(EventKey):
    """What a person submitted for one plan type. A later submission supersedes; nothing is erased."""

    pk = models.CompositePrimaryKey(
        "client_id",
        "person_id",
        "benefit_record",
        "schedule_id",
        "event_number",
        "plan_type",
        "slot",
        "submission",
    )
    plan_type = models.TextField()
    slot = models.SmallIntegerField(default=0)
    submission = models.IntegerField()
    option_code = models.TextField()  # as keyed; 'WAIVE' declines
    option_id = models.IntegerField(null=True)  # null: the code is unknown, validation says so
    coverage_cents = models.BigIntegerField(null=True)
    pledge_cents = models.BigIntegerField(null=True)
    percent_thousandths = models.IntegerField(null=True)
    after_tax_thousandths = models.IntegerField(null=True)  # percent of pay, after tax
    hours_hundredths = models.IntegerField(null=True)  # of leave bought or sold
    files_separately = models.BooleanField(default=False)  # married, and files taxes separately
    waive_reason = models.TextField(null=True)
    waiver_proof = models.TextField(null=True)  # core.codes.WaiverProof
    waiver_proof_on = models.DateField(null=True)  # when it was seen
    credit_rollover = models.TextField(null=True)  # of the whole event: what becomes of credits left over
    received_on = models.DateField()
    elector = models.TextField()
    source = models.TextField()  # file, administrator, pre-entered
    is_withdrawn = models.BooleanField(default=False)
    change_id = models.BigIntegerField(null=True)  # the entry, which may be taken back as one unit


class EntryBefore(EventKey):
    """Where an event stood before elections were entered: what taking the entry back leads to."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "schedule_id", "event_number", "change_id"
    )
    change_id = models.BigIntegerField()
    process_status = models.TextField(null=True)
    event_status = models.TextField()
    elected_on = models.DateField(null=True)
    elect_source = models.TextField(null=True)
    steps = models.IntegerField()


class ElectionDependent(EventKey):
    """A dependent named in an election."""

    pk = models.CompositePrimaryKey(
        "client_id",
        "person_id",
        "benefit_record",
        "schedule_id",
        "event_number",
        "plan_type",
        "slot",
        "submission",
        "dependent_id",
    )
    plan_type = models.TextField()
    slot = models.SmallIntegerField(default=0)
    submission = models.IntegerField()
    dependent_id = models.BigIntegerField()


class ElectionBeneficiary(EventKey):
    """Who is to receive, by an election, and how much of it."""

    pk = models.CompositePrimaryKey(
        "client_id",
        "person_id",
        "benefit_record",
        "schedule_id",
        "event_number",
        "plan_type",
        "slot",
        "submission",
        "dependent_id",
        "is_contingent",
    )
    plan_type = models.TextField()
    slot = models.SmallIntegerField(default=0)
    submission = models.IntegerField()
    dependent_id = models.BigIntegerField()
    is_contingent = models.BooleanField()  # only where no primary beneficiary is left
    percent_hundredths = models.IntegerField()


class ElectionFund(EventKey):
    """How contributions of an election are invested."""

    pk = models.CompositePrimaryKey(
        "client_id",
        "person_id",
        "benefit_record",
        "schedule_id",
        "event_number",
        "plan_type",
        "slot",
        "submission",
        "fund",
    )
    plan_type = models.TextField()
    slot = models.SmallIntegerField(default=0)
    submission = models.IntegerField()
    fund = models.TextField()
    percent = models.SmallIntegerField()


class CreditUse(EventKey):
    """What credits paid for at a posting of an event, and what became of the rest. Cents of a year."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "schedule_id", "event_number", "version"
    )
    version = models.IntegerField()  # 1, 2, …: an event posted again says anew what holds
    begins_on = models.DateField()  # from when it holds
    total_cents = models.BigIntegerField(null=True)
    cost_cents = models.BigIntegerField(null=True)  # before tax, of the plan types that count
    used_cents = models.BigIntegerField(null=True)
    excess_cents = models.BigIntegerField(null=True)
    treatment = models.TextField()  # core.codes.ExcessCredits
    paid_cents = models.BigIntegerField(null=True)
    forfeited_cents = models.BigIntegerField(null=True)
    rolled_cents = models.BigIntegerField(null=True)
    run_id = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()
    is_taken_back = models.BooleanField(default=False)  # this version says: nothing holds of the event


class CreditRoll(EventKey):
    """What of credits left over an account got, as money of the employer's beside the pledge."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "schedule_id", "event_number", "version", "plan_type"
    )
    version = models.IntegerField()
    plan_type = models.TextField()
    rolled_cents = models.BigIntegerField()


class CoverageKey(models.Model):
    """What identifies a change point: owner, plan type, slot, the day it holds from, its version."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    plan_type = models.TextField()
    slot = models.SmallIntegerField(default=0)
    begins_on = models.DateField()
    version = models.IntegerField()

    class Meta:
        abstract = True


class Coverage(CoverageKey):
    """A change point of the coverage timeline: what holds from `begins_on` until the next point."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "plan_type", "slot", "begins_on", "version"
    )
    kind = models.TextField()  # core.codes.ChangeKind
    basis = models.TextField()  # eligible, run-out, leave, continuation, override
    program_id = models.IntegerField(null=True)
    option_id = models.IntegerField(null=True)
    coverage_cents = models.BigIntegerField(null=True)  # in force
    requested_coverage_cents = models.BigIntegerField(null=True)  # above it: waits for proof
    pledge_cents = models.BigIntegerField(null=True)  # plan-year amount
    percent_thousandths = models.IntegerField(null=True)
    after_tax_thousandths = models.IntegerField(null=True)
    hours_hundredths = models.IntegerField(null=True)  # of leave bought or sold
    waive_reason = models.TextField(null=True)
    deduction_begins_on = models.DateField(null=True)  # the second clock
    schedule_id = models.IntegerField(null=True)  # the event that made it; null = take-over
    event_number = models.IntegerField(null=True)
    rule = models.TextField()  # which rule gave the day, in words of core.codes
    run_id = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()
    superseded_by_run = models.BigIntegerField(null=True)  # null = holds
    superseded_by_schedule = models.IntegerField(null=True)  # the event whose posting superseded it, if one
    superseded_by_event = models.IntegerField(null=True)
    superseded_at = models.DateTimeField(null=True)


class CoverageDependent(CoverageKey):
    """A dependent covered from a change point on."""

    pk = models.CompositePrimaryKey(
        "client_id",
        "person_id",
        "benefit_record",
        "plan_type",
        "slot",
        "begins_on",
        "version",
        "dependent_id",
    )
    dependent_id = models.BigIntegerField()


class CoverageBeneficiary(CoverageKey):
    """Who is to receive from a change point on."""

    pk = models.CompositePrimaryKey(
        "client_id",
        "person_id",
        "benefit_record",
        "plan_type",
        "slot",
        "begins_on",
        "version",
        "dependent_id",
        "is_contingent",
    )
    dependent_id = models.BigIntegerField()
    is_contingent = models.BooleanField()
    percent_hundredths = models.IntegerField()


class Designation(models.Model):
    """An act: who is to receive, as somebody says outside an enrolment; a row for each share. Append-only.

    It stands until the next one, or until an election made after it that names who receives is final
    (enrollment.designations). One of nobody, at 0 percent, takes back what was said before.
    """

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "plan_type", "number", "dependent_id", "is_contingent"
    )
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    plan_type = models.TextField()
    number = models.IntegerField()  # counts the designations of the plan type
    dependent_id = models.BigIntegerField()
    is_contingent = models.BooleanField()
    percent_hundredths = models.IntegerField()
    signed_on = models.DateField()
    author = models.TextField()
    made_at = models.DateTimeField()


class ProviderChoice(models.Model):
    """An act: which doctor or dentist a member of a plan names, from a day on. The last one counts."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "plan_type", "dependent_id", "number"
    )
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    plan_type = models.TextField()
    dependent_id = models.BigIntegerField()  # 0 = the employee
    number = models.IntegerField()  # counts the choices of the member
    provider_id = models.TextField()  # an NPI, or the carrier's number; empty: nobody any more
    name = models.TextField()
    is_patient = models.BooleanField(null=True)  # of this provider already; null: not said
    begins_on = models.DateField()
    author = models.TextField()
    change_id = models.BigIntegerField(null=True)  # the file it came with
    made_at = models.DateTimeField()


class CoverageFund(CoverageKey):
    """How contributions are invested from a change point on."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "plan_type", "slot", "begins_on", "version", "fund"
    )
    fund = models.TextField()
    percent = models.SmallIntegerField()


class TakenOverPoint(CoverageKey):
    """Which change points a take-over wrote, and which version each took the place of.

    What taking it back leads to.
    """

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "plan_type", "slot", "begins_on", "version"
    )
    change_id = models.BigIntegerField()
    was_version = models.IntegerField(null=True)


class ProofDecision(models.Model):
    """An act: how much coverage of a plan type was approved for a person, from a day (rulings §4)."""

    pk = models.CompositePrimaryKey("client_id", "person_id", "plan_type", "valid_from", "version")
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    plan_type = models.TextField()
    valid_from = models.DateField()
    version = models.IntegerField()
    approved_cents = models.BigIntegerField()
    decided_by = models.TextField()
    change_id = models.BigIntegerField(null=True)
    known_since = models.DateTimeField()
    is_withdrawn = models.BooleanField(default=False)  # this version says: nothing is decided for the day


class EligibilityOverride(EventKey):
    """An act: what somebody decided for one event about a program or an option, in place of the rules.

    Of the versions about the same program or option the last one counts; one that is neither eligible nor
    ineligible withdraws it, and the rules decide again (docs/rules.md §2.9).
    """

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "schedule_id", "event_number", "version"
    )
    version = models.IntegerField()  # counts the decisions of the event
    program_id = models.IntegerField()
    option_id = models.IntegerField(null=True)  # null = the program itself
    is_eligible = models.BooleanField(null=True)  # null = withdrawn
    expires_on = models.DateField(null=True)  # its last day; then it is withdrawn while the event is open
    author = models.TextField()
    reason = models.TextField()
    made_at = models.DateTimeField()


class Continuation(models.Model):
    """A fact: coverage that somebody who lost it goes on with, as elected and paid for (rulings §3.2)."""

    pk = models.CompositePrimaryKey(
        *("client_id", "person_id", "benefit_record", "plan_type", "dependent_id", "begins_on", "version")
    )
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    plan_type = models.TextField()
    dependent_id = models.BigIntegerField()  # 0 = the employee; every beneficiary continues alone
    begins_on = models.DateField()
    version = models.IntegerField()
    elected_on = models.DateField(null=True)
    through_on = models.DateField(null=True)  # the last day paid for; null: until it is said to end
    is_deleted = models.BooleanField(default=False)  # this version says: it was never continued
    change_id = models.BigIntegerField()
    known_since = models.DateTimeField()


class PriceDecision(models.Model):
    """An act: what somebody decided about a price of one participant, for some days (docs/rules.md §7.12).

    Cents of a year; null: as the rules say. One that `undoes` another says nothing itself: that one no longer
    counts. Append-only.
    """

    pk = models.CompositePrimaryKey("client_id", "person_id", "benefit_record", "number")
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    number = models.IntegerField()  # counts the decisions of the benefit record
    plan_type = models.TextField()
    option_id = models.IntegerField(null=True)  # null: every option of the plan type
    begins_on = models.DateField()
    ends_on = models.DateField(null=True)  # the last day; null: for good
    total_cents = models.BigIntegerField(null=True)
    employer_cents = models.BigIntegerField(null=True)
    employee_cents = models.BigIntegerField(null=True)
    undoes = models.IntegerField(null=True)
    change_id = models.BigIntegerField(null=True)  # people merged, or taken apart: it followed one of them
    author = models.TextField()
    reason = models.TextField()
    made_at = models.DateTimeField()


class BroughtAlong(models.Model):
    """What somebody put in at other employers under a legal limit of a year, in all: told, or of a transfer.

    Append-only: the highest version that stands holds; one that came with a change goes with it.
    """

    pk = models.CompositePrimaryKey("client_id", "person_id", "annual_limit", "year", "version")
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    annual_limit = models.TextField()  # its code, as plan types name it
    year = models.SmallIntegerField()  # of the limit
    version = models.IntegerField()
    cents = models.BigIntegerField()
    change_id = models.BigIntegerField(null=True)  # the transfer it came with
    reason = models.TextField()
    author = models.TextField()
    made_at = models.DateTimeField()


class EvidenceAct(models.Model):
    """What became of a request for more coverage that waits for evidence of insurability: append-only."""

    pk = models.CompositePrimaryKey("client_id", "person_id", "benefit_record", "plan_type", "slot", "number")
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    plan_type = models.TextField()
    slot = models.SmallIntegerField()
    number = models.IntegerField()  # counts the acts about the coverage
    schedule_id = models.IntegerField(null=True)  # the event that asked for it; null: taken over
    event_number = models.IntegerField(null=True)
    asked_cents = models.BigIntegerField()
    kind = models.TextField()  # enrollment.evidence_deciding.Kind
    approved_cents = models.BigIntegerField(null=True)
    acted_on = models.DateField()  # the day it counts from; of a reminder, the day it was sent
    undoes = models.IntegerField(null=True)  # the act that no longer counts
    change_id = models.BigIntegerField(null=True)  # the file it came with
    reason = models.TextField()
    author = models.TextField()
    acted_at = models.DateTimeField()


class DependentAct(models.Model):
    """What was done about a dependent nobody proved: reminded, dropped, let back; append-only."""

    pk = models.CompositePrimaryKey("client_id", "person_id", "dependent_id", "number")
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    dependent_id = models.BigIntegerField()
    number = models.IntegerField()
    kind = models.TextField()  # enrollment.verifying.Kind
    acted_on = models.DateField()
    change_id = models.BigIntegerField(null=True)  # the change of facts that made it so
    event_change_id = models.BigIntegerField(null=True)  # the change that reported the event
    reason = models.TextField()
    author = models.TextField()
    acted_at = models.DateTimeField()


class Document(models.Model):
    """A paper somebody sent about a person: its bytes sealed, and what was decided about it."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    about = models.TextField()  # enrollment.documents: what it belongs to, such as event:4:1 or dependent:2
    kind = models.TextField()  # core.codes.DocumentKind
    name = models.TextField()  # as the sender called the file
    media_type = models.TextField()  # by its content, never by its name
    size = models.IntegerField()  # bytes
    content = models.BinaryField()  # sealed (store.secrets)
    state = models.TextField(default="received")  # core.codes.DocumentState
    added_by = models.TextField()
    added_at = models.DateTimeField()
    decided_by = models.TextField(null=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, default="")  # of the decision

    class Meta:
        indexes = [
            models.Index(fields=["client_id", "person_id"], name="document_of_person"),
            models.Index(
                fields=["client_id", "added_at"],
                name="document_waiting",
                condition=models.Q(state="received"),
            ),
        ]
