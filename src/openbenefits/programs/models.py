"""Set-up at rest: bundles, their releases, and every rule and rate as a row.

Applying a bundle writes its rows anew under a new `Release`; the bundle points at the release that
holds. Taking back moves the pointer. So what held at any time can be read again, and nothing is
overwritten. Codes get a stable number in `SetupKey`, the same in every release, which is what options,
elections and coverage refer to. `client_id` 0 is the PEO's own bundle, readable by all clients.
"""

from django.db import models

from openbenefits.core.codes import DEFAULT_RELATIONSHIPS, AreaOf, LastDay, OverageBegins


class Bundle(models.Model):
    """A folder of set-up: the PEO's, or one client's."""

    client_id = models.IntegerField(unique=True)  # 0 = the PEO's
    code = models.TextField(unique=True)
    name = models.TextField()
    starts_on = models.DateField(null=True)  # changes to facts dated earlier trigger no event
    release = models.ForeignKey("Release", null=True, on_delete=models.PROTECT, related_name="+")


class Release(models.Model):
    """One applied version of a bundle, with the whole text it came from."""

    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="releases")
    number = models.IntegerField()
    fingerprint = models.TextField()
    document = models.JSONField()
    applied_at = models.DateTimeField()
    applied_by = models.TextField()
    reason = models.TextField(default="")
    taken_back_at = models.DateTimeField(null=True)
    taken_back_by = models.TextField(null=True)


class ReleaseAudit(models.Model):
    """What the audit of a client's set-up in force found, before that of the PEO."""

    client_id = models.IntegerField(primary_key=True)  # 0 = the PEO's
    made_of = models.TextField()  # the releases, and the code that looked
    told = models.JSONField()  # kept_audits.ReleaseAudit


class Draft(models.Model):
    """Changes to a bundle that somebody collects before they are applied (programs.drafts).

    `records` lists the records changed: section, key, as it was (null: new), as it shall be (null: gone);
    `orders` the keys of a section in their order, where a draft states it; `files` the CSV files by name,
    each with its text (null: gone) and the mark of the one it takes the place of.
    """

    client_id = models.IntegerField()  # 0 = the PEO's
    bundle_code = models.TextField()
    name = models.TextField()
    author = models.TextField()
    author_id = models.BigIntegerField()
    editors = models.JSONField(default=list)  # the users who changed something
    base_id = models.BigIntegerField(null=True)  # the release in force when it was begun; null: none
    records = models.JSONField(default=list)
    orders = models.JSONField(default=dict)
    files = models.JSONField(default=dict)
    begun_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(default="")
    ended_by_id = models.BigIntegerField(null=True)
    release_id = models.BigIntegerField(null=True)  # what it became; null of an ended one: given up

    class Meta:
        indexes = [models.Index(fields=["client_id", "ended_at"], name="programs_open_drafts")]


class RateLayout(models.Model):
    """Which column of a rate sheet means what, remembered for sheets with the same headings."""

    client_id = models.IntegerField()
    layout = models.TextField()  # the mark of the headings
    headings = models.JSONField()  # heading: what it means, '' where it is left out
    saved_by = models.TextField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client_id", "layout"], name="programs_one_layout")]


class SetupKey(models.Model):
    """The stable number of a code of one bundle."""

    id = models.AutoField(primary_key=True)
    client_id = models.IntegerField()
    kind = models.TextField()  # option, plan, rule, program …
    code = models.TextField()  # options: program/plan_type/option

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client_id", "kind", "code"], name="setup_key")]


class SetupRow(models.Model):
    """What every row of set-up carries."""

    release_id = models.BigIntegerField(db_index=True)
    client_id = models.IntegerField()

    class Meta:
        abstract = True


class DatedRow(SetupRow):
    """A row with an effective date and the place it was taken from."""

    valid_from = models.DateField()
    source = models.TextField()

    class Meta:
        abstract = True


class SwitchedRow(DatedRow):
    """A dated row that may switch its record off from its day (programs.dated)."""

    is_active = models.BooleanField(default=True)

    class Meta:
        abstract = True


# --- the PEO's code lists ---------------------------------------------------------------------------


class EventClass(SetupRow):
    """What kind of event something is, and how it waits (event-processing §4, rulings §1.5)."""

    event_class_id = models.IntegerField()
    code = models.TextField()
    name = models.TextField()
    use = models.TextField()  # core.codes.EventClassUse
    priority = models.SmallIntegerField()
    is_manual_allowed = models.BooleanField()
    only_ends_coverage = models.BooleanField()
    is_full_termination_guarded = models.BooleanField()
    process_ahead_days = models.IntegerField()
    window_days = models.IntegerField()
    window_start = models.TextField()
    window_action = models.TextField()
    forms = models.TextField(default="both")  # both, enrollment, confirmation, none: what is printed
    enrollment_form_days = models.IntegerField(null=True)  # before the event date; null: however early
    cobra_action = models.TextField(default="")  # core.codes.CobraCause; '' = none
    is_copied_to_other_records = models.BooleanField(default=False)
    days_to_notify = models.IntegerField(null=True)  # of a reported life event; null: however late
    is_proof_required = models.BooleanField(default=False)  # … before its elections are final
    creates_event = models.BooleanField(default=True)  # … by itself; else it waits for an administrator


class ActionReason(SetupRow):
    """Which event class a job action (and reason) leads to."""

    action = models.TextField()
    reason = models.TextField()  # '' = any
    bas_action = models.TextField()  # '' = the default class
    cobra_action = models.TextField(default="")  # core.codes.CobraCause; '' = that of the event class


class CobraClass(DatedRow):
    """What losing coverage for a cause gives: months of continuation, and days to tell whom."""

    cause = models.TextField()  # core.codes.CobraCause
    months = models.SmallIntegerField()
    disability_months = models.SmallIntegerField()
    counts_from = models.TextField()  # event, loss
    employer_days = models.SmallIntegerField()
    administrator_days = models.SmallIntegerField()
    beneficiary_days = models.SmallIntegerField(null=True)  # null: the employer reports the event
    election_days = models.SmallIntegerField()


class LeavePolicy(SwitchedRow):
    """How coverage is paid for during leaves without pay that begin on its day or later."""

    code = models.TextField()
    name = models.TextField()
    kind = models.TextField()  # core.codes.LeaveKind
    begun_by = models.TextField()  # ACTION/REASON, separated by blanks; '' = every other leave
    ways = models.TextField()  # core.codes.LeaveWay, separated by blanks
    default_way = models.TextField()
    grace_days = models.SmallIntegerField()
    notice_days = models.SmallIntegerField()
    lapse_class = models.TextField()  # the event class that ends coverage; '' = none
    full_cost_after_days = models.SmallIntegerField(null=True)  # null: the employer pays on
    full_cost_thousandths = models.IntegerField(default=100_000)  # percent of the price that is then owed


class PayrollTerms(DatedRow):
    """Who corrects deductions, and what a low pay takes (rulings §5.4)."""

    retro_owner = models.TextField()  # core.codes.RetroOwner
    low_pay = models.TextField()  # core.codes.LowPay
    first_taken = models.TextField()  # plan types, separated by blanks


class CoverageCode(SetupRow):
    """How many persons of each kind a coverage code covers (core.codes.PERSON_KINDS)."""

    coverage_code_id = models.IntegerField()
    code = models.TextField()
    name = models.TextField()
    covers_employee = models.BooleanField(default=True)
    spouse_min = models.SmallIntegerField()
    spouse_max = models.SmallIntegerField()
    partner_min = models.SmallIntegerField()
    partner_max = models.SmallIntegerField()
    same_sex_spouse_min = models.SmallIntegerField(default=0)
    same_sex_spouse_max = models.SmallIntegerField(default=0)
    child_min = models.SmallIntegerField()
    child_max = models.SmallIntegerField()
    nonqualified_min = models.SmallIntegerField(default=0)
    nonqualified_max = models.SmallIntegerField(default=0)
    imputed_against_id = models.IntegerField(null=True)  # the coverage code without those no tax dependents


class Plan(SwitchedRow):
    """A benefit plan of a carrier."""

    plan_id = models.IntegerField()
    code = models.TextField()
    plan_type = models.TextField()
    name = models.TextField()
    carrier = models.TextField()
    is_hsa_eligible = models.BooleanField()
    is_imputed_income = models.BooleanField(default=False)  # group-term life the employer carries
    names_provider = models.BooleanField(default=False)  # every member names a doctor or dentist
    coverage_group_id = models.IntegerField(null=True)
    deductible_cents = models.BigIntegerField(null=True)  # this and the next: what members pay themselves
    family_deductible_cents = models.BigIntegerField(null=True)
    out_of_pocket_max_cents = models.BigIntegerField(null=True)
    family_out_of_pocket_max_cents = models.BigIntegerField(null=True)
    coinsurance_thousandths = models.IntegerField(null=True)
    primary_visit_cents = models.BigIntegerField(null=True)  # a copay; null: deductible and coinsurance
    specialist_visit_cents = models.BigIntegerField(null=True)
    emergency_visit_cents = models.BigIntegerField(null=True)
    drug_cents = models.BigIntegerField(null=True)
    design_source = models.TextField(null=True)  # null: the set-up says nothing of all this


class CoverageGroup(SwitchedRow):
    """Plans that together may not cover more than a maximum."""

    coverage_group_id = models.IntegerField()
    code = models.TextField()
    maximum_cents = models.BigIntegerField()


class RateTable(SwitchedRow):
    """What a table of rates is keyed by and what one rate buys."""

    rate_table_id = models.IntegerField()
    code = models.TextField()
    frequency = models.TextField()  # programs.rates.PERIODS_PER_YEAR
    unit = models.TextField()  # core.codes.RateUnit
    is_per_member = models.BooleanField()  # each covered person at the own age (list bill)
    by_age = models.BooleanField()
    by_area = models.BooleanField()
    by_coverage_code = models.BooleanField()
    by_smoker = models.BooleanField()
    by_sex = models.BooleanField()
    by_person_type = models.BooleanField(default=False)
    by_service = models.BooleanField()
    by_pay = models.BooleanField()
    geography_id = models.IntegerField(null=True)  # of the rating areas, when keyed by area
    area_of = models.TextField(default=AreaOf.HOME)  # core.codes.AreaOf
    charged_children = models.SmallIntegerField(default=3)  # per member: how many of those under the age
    charged_children_under = models.SmallIntegerField(default=21)
    curve = models.TextField(default="")  # the age curve its rates follow
    age_through = models.SmallIntegerField(null=True)  # nobody older has a rate; null: no such age


class Address(SwitchedRow):
    """Where a company, or a location that jobs name, is."""

    kind = models.TextField()  # core.codes.AreaOf: company, location
    code = models.TextField()
    zip = models.TextField()


class CalculationRule(SwitchedRow):
    """As of which day a price takes age, service and pay, and whose age it is (program-setup §4.3)."""

    calculation_rule_id = models.IntegerField()
    code = models.TextField()
    age_as_of = models.TextField()  # core.codes.PriceDay
    age_month = models.SmallIntegerField(null=True)
    age_day = models.SmallIntegerField(null=True)
    service_as_of = models.TextField()
    service_month = models.SmallIntegerField(null=True)
    service_day = models.SmallIntegerField(null=True)
    pay_as_of = models.TextField()
    pay_month = models.SmallIntegerField(null=True)
    pay_day = models.SmallIntegerField(null=True)
    age_of = models.TextField()  # core.codes.AgeOf


class RateRow(SetupRow):
    """One rate. Band keys hold the lower edge, which belongs to the band; unused keys are 0 or ''."""

    valid_from = models.DateField()
    rate_table_id = models.IntegerField()
    age_from = models.SmallIntegerField()
    area = models.TextField()
    coverage_code_id = models.IntegerField()
    is_smoker = models.BooleanField()
    sex = models.TextField()
    person_type = models.TextField(default="")
    service_months_from = models.IntegerField()
    annual_pay_from_cents = models.BigIntegerField()
    rate_micros = models.BigIntegerField()
    employer_micros = models.BigIntegerField(null=True)  # null: the table does not state it
    age_factor_micros = models.BigIntegerField(null=True)  # of the age curve; null: the table follows none


class GeographyZip(SetupRow):
    """A zip of a geography: its rating area, or '' where membership alone matters (service areas)."""

    geography_id = models.IntegerField()
    zip = models.TextField()
    area = models.TextField()


class AnnualLimit(SetupRow):
    """A legal amount of one year. A year that is not here is unknown, never zero."""

    code = models.TextField()
    year = models.SmallIntegerField()
    limit_cents = models.BigIntegerField()
    source = models.TextField()


class AgeRate(DatedRow):
    """What $1,000 of cover is worth a month from an age on, in a published table."""

    code = models.TextField()
    valid_through = models.DateField(null=True)  # null: until the next version
    age_from = models.SmallIntegerField()
    rate_micros = models.BigIntegerField()


# --- rules a PEO or a client may have ---------------------------------------------------------------


class DeductionCode(SetupRow):
    """How payroll takes an employee's part."""

    deduction_code_id = models.IntegerField()
    code = models.TextField()
    name = models.TextField()
    tax_class = models.TextField()  # core.codes.TaxClass
    period_flags = models.SmallIntegerField()  # bit 0 = first period of a month, …


class DependentRule(SwitchedRow):
    """Until when somebody counts as a dependent (program-setup §8)."""

    dependent_rule_id = models.IntegerField()
    code = models.TextField()
    age_limit = models.SmallIntegerField()
    student_age_limit = models.SmallIntegerField()
    is_disabled_exempt = models.BooleanField()
    is_married_ineligible = models.BooleanField()
    relationship_bits = models.SmallIntegerField(default=DEFAULT_RELATIONSHIPS)
    last_day = models.TextField(default=LastDay.DAY_BEFORE_BIRTHDAY.value)
    plan_year_begins = models.SmallIntegerField(default=1)  # the month, for plan_year_end
    overage_begins = models.TextField(default=OverageBegins.EVENT_DATE.value)


class EligibilityRule(SwitchedRow):
    """A named rule: eligible if every criterion is met."""

    rule_id = models.IntegerField()
    code = models.TextField()
    name = models.TextField()


class EligibilityCriterion(SetupRow):
    """One criterion of a rule: a range (minimum, maximum) or a list (EligibilityValue rows)."""

    valid_from = models.DateField()
    rule_id = models.IntegerField()
    field = models.TextField()  # programs.fields
    is_excluding = models.BooleanField()  # meeting it makes ineligible
    minimum = models.BigIntegerField(null=True)
    maximum = models.BigIntegerField(null=True)
    geography_id = models.IntegerField(null=True)
    any_group = models.SmallIntegerField(default=0)  # 1, 2, 3: of the group's criteria one suffices
    as_of = models.TextField(default="event_date")  # this_year, last_year: ages and services count on …
    as_of_day = models.TextField(default="")  # … this day of it, as MM-DD
    jobs = models.TextField(default="primary")  # flagged, all_flagged
    is_active_only = models.BooleanField(default=False)
    evaluation = models.TextField(default="one")  # over several jobs: one, all, sum


class EligibilityValue(SetupRow):
    """A value of a list criterion."""

    valid_from = models.DateField()
    rule_id = models.IntegerField()
    field = models.TextField()
    value = models.TextField()


class EventRule(SwitchedRow):
    """What an event of one class means for a plan type (program-setup §6). Class 0 = any other."""

    event_rule_id = models.IntegerField()
    code = models.TextField()
    event_class_id = models.IntegerField()
    select_allowed = models.TextField()
    use_history = models.BooleanField()
    pre_enter = models.BooleanField()
    is_election_required = models.BooleanField()
    is_ignored = models.BooleanField()
    default_method = models.TextField()
    waiting_months = models.SmallIntegerField()
    waiting_days = models.SmallIntegerField()
    coverage_begins = models.TextField()  # core.codes.BeginRule
    deduction_begins = models.TextField()
    coverage_ends = models.TextField()  # core.codes.EndRule
    deduction_ends = models.TextField()
    ends_day = models.SmallIntegerField(null=True)  # of the month: of rules that name one
    level_limit = models.SmallIntegerField()  # 0 and 99: no limit
    waived_level_limit = models.SmallIntegerField()
    proof_from_level = models.SmallIntegerField(null=True)
    proof_above_cents = models.BigIntegerField(null=True)  # the guaranteed amount
    waived_proof_from_level = models.SmallIntegerField(null=True)
    waived_proof_above_cents = models.BigIntegerField(null=True)
    proof_rise = models.SmallIntegerField(default=0)  # 0 and 99: no such rule
    reinstate_within_days = models.SmallIntegerField(default=0)  # 0: nothing comes back
    is_retiering = models.BooleanField(default=False)
    pledge_change = models.TextField(default="any")  # core.codes.PledgeChange
    ignores_dependent_checks = models.BooleanField(default=False)
    ignores_fund_checks = models.BooleanField(default=False)


class PersonChange(SetupRow):
    """How the number of covered persons of a kind may change, by event rule row (program-setup §6.5)."""

    valid_from = models.DateField()
    event_rule_id = models.IntegerField()
    event_class_id = models.IntegerField()
    kind = models.TextField()  # core.codes.PERSON_KINDS
    may_stay = models.BooleanField()
    may_rise = models.BooleanField()
    may_fall = models.BooleanField()
    without_current = models.TextField()  # core.codes.WithoutCurrent


class Formula(SwitchedRow):
    """How a coverage amount follows from pay (program-setup §4.5)."""

    formula_id = models.IntegerField()
    code = models.TextField()
    base_cap_cents = models.BigIntegerField(null=True)
    minimum_cents = models.BigIntegerField(null=True)
    maximum_cents = models.BigIntegerField(null=True)
    pay_divisor = models.SmallIntegerField()  # 1 annual pay, 12 monthly, 52 weekly
    benefit_percent_micros = models.BigIntegerField(null=True)  # disability: what a month's benefit replaces
    base_type = models.TextField(null=True)  # a benefits base of this type instead of the pay of a job
    jobs = models.TextField(default="primary")  # flagged, all_flagged: the pay of these jobs together
    is_active_only = models.BooleanField(default=False)
    pay_day = models.TextField(null=True)  # pay as of this day of the pay period: check_date, pay_end
    years_back = models.SmallIntegerField(null=True)  # pay as of a day of this year (0) or the last (1)
    as_of_month = models.SmallIntegerField(null=True)
    as_of_day = models.SmallIntegerField(null=True)


class FormulaStep(SetupRow):
    """One step of a formula, applied in order."""

    valid_from = models.DateField()
    formula_id = models.IntegerField()
    step = models.SmallIntegerField()
    operation = models.TextField()  # multiply, divide, add, subtract, add_base, round, set
    operand_thousandths = models.BigIntegerField(null=True)  # a factor; add, subtract, set: cents × 1000
    round_up_cents = models.BigIntegerField(null=True)
    round_to_cents = models.BigIntegerField(null=True)


class AgeReduction(SetupRow):
    """From which age coverage is reduced by how much."""

    valid_from = models.DateField()
    formula_id = models.IntegerField()
    age_from = models.SmallIntegerField()
    reduce_percent_micros = models.BigIntegerField()


class Contribution(SwitchedRow):
    """What the employer pays of a price. `coverage_code_id` 0 = any coverage."""

    contribution_id = models.IntegerField()
    code = models.TextField()
    coverage_code_id = models.IntegerField()
    employee_percent_micros = models.BigIntegerField()  # of the own part; 100_000_000 = 100 %
    dependent_percent_micros = models.BigIntegerField()  # of what dependents add
    fixed_monthly_cents = models.BigIntegerField()
    cap_monthly_cents = models.BigIntegerField(null=True)
    minimum_employee_cents = models.BigIntegerField(null=True)  # of a month
    reference_option = models.TextField(null=True)  # of whose price; null: of the option's own


# --- programs ---------------------------------------------------------------------------------------


class Program(SwitchedRow):
    """A benefit program: what a group of employees is offered."""

    program_id = models.IntegerField()
    code = models.TextField()
    name = models.TextField()
    rule_id = models.IntegerField(null=True)
    geography_id = models.IntegerField(null=True)  # service area the person must live in
    event_rule_id = models.IntegerField(null=True)  # plan type 01: when credits begin and end
    maximum_pledge_cents = models.BigIntegerField(null=True)  # of all spending accounts together
    excess_credits = models.TextField(default="paid")  # core.codes.ExcessCredits
    rollover_rest = models.TextField(default="forfeited")  # paid, forfeited
    is_rollover_chosen = models.BooleanField(default=False)


class CreditPlan(SetupRow):
    """A plan type credits pay for, or one that credits left over are rolled into."""

    valid_from = models.DateField()
    program_id = models.IntegerField()
    plan_type = models.TextField()
    use = models.TextField()  # cost, rollover
    number = models.SmallIntegerField()  # rolled over in this order


class PlanTypeRow(SetupRow):
    """A plan type of a program."""

    valid_from = models.DateField()
    program_id = models.IntegerField()
    plan_type = models.TextField()
    display_order = models.SmallIntegerField()
    event_rule_id = models.IntegerField()
    waive_rule = models.TextField()
    dependent_rule_id = models.IntegerField(null=True)
    amount_kind = models.TextField()  # core.codes.AmountKind
    minimum_amount_cents = models.BigIntegerField(null=True)  # pledge per plan year
    maximum_amount_cents = models.BigIntegerField(null=True)
    minimum_percent_thousandths = models.IntegerField(null=True)
    maximum_percent_thousandths = models.IntegerField(null=True)
    maximum_after_tax_thousandths = models.IntegerField(null=True)
    maximum_total_thousandths = models.IntegerField(null=True)
    annual_limit = models.TextField(null=True)  # the code of a legal limit
    is_last_limit_used = models.BooleanField(default=False)  # where a year's limit is not published
    plan_year_month = models.SmallIntegerField(default=1)
    is_by_month = models.BooleanField(default=False)  # the limit by months eligible
    counts_elsewhere = models.BooleanField(null=True)  # what was put in elsewhere; null: by law
    hours_per_year = models.SmallIntegerField(default=2080)
    collect = models.TextField(default="none")  # none, dependents, beneficiaries, both
    is_invested = models.BooleanField()
    is_price_locked = models.BooleanField()  # priced as of coverage begin, not per pay period
    restrict_entry_months = models.SmallIntegerField(default=0)


class Option(SetupRow):
    """Something that can be elected (or a waiver, a general credit or deduction)."""

    valid_from = models.DateField()
    program_id = models.IntegerField()
    plan_type = models.TextField()
    option_id = models.IntegerField()
    code = models.TextField()
    name = models.TextField()
    option_type = models.TextField()  # core.codes.OptionType
    display_order = models.SmallIntegerField()
    level = models.SmallIntegerField()
    is_default = models.BooleanField()
    plan_id = models.IntegerField(null=True)
    coverage_code_id = models.IntegerField(null=True)
    rule_id = models.IntegerField(null=True)
    geography_id = models.IntegerField(null=True)  # service area the person must live in
    formula_id = models.IntegerField(null=True)
    premium_formula_id = models.IntegerField(null=True)  # of the coverage the employee pays for
    fixed_coverage_cents = models.BigIntegerField(null=True)
    deduction_code_id = models.IntegerField(null=True)
    after_tax_deduction_code_id = models.IntegerField(null=True)  # of a percentage after tax
    required_plan_type = models.TextField(null=True)  # the coverage it needs beside it
    required_plan_id = models.IntegerField(null=True)
    required_percent_thousandths = models.IntegerField(null=True)
    is_same_dependents = models.BooleanField(default=False)
    trade = models.TextField(null=True)  # hours of leave: core.codes.Trade
    minimum_hours_hundredths = models.IntegerField(null=True)
    maximum_hours_hundredths = models.IntegerField(null=True)
    sold_earnings_code = models.TextField(null=True)  # what pays hours sold


class ExcludedCoverage(SetupRow):
    """Coverage that rules a plan type of a program out: of a plan type, or of one plan of it."""

    valid_from = models.DateField()
    program_id = models.IntegerField()
    plan_type = models.TextField()
    excluded_plan_type = models.TextField()
    excluded_plan_id = models.IntegerField(null=True)


class Cost(SetupRow):
    """A price or a credit of an option; an option may have several, which add up."""

    valid_from = models.DateField()
    option_id = models.IntegerField()
    number = models.SmallIntegerField()
    cost_type = models.TextField()  # P price, C credit
    rate_table_id = models.IntegerField()
    contribution_id = models.IntegerField(null=True)
    calculation_rule_id = models.IntegerField(null=True)
    earnings_code = models.TextField(null=True)


class Fund(SetupRow):
    """Where savings may be invested."""

    plan_type = models.TextField()
    code = models.TextField()
    name = models.TextField()


class Translation(SetupRow):
    """What a name that people read is in their language."""

    name = models.TextField()
    language = models.TextField()  # en, es
    text = models.TextField()


# --- calendars, schedules, run controls ---------------------------------------------------------------


class PayGroup(SetupRow):
    """A group of people paid together."""

    pay_group_id = models.IntegerField()
    code = models.TextField()
    name = models.TextField()
    company = models.TextField()
    frequency = models.TextField()  # W B S M
    is_active = models.BooleanField()
    warn_months = models.SmallIntegerField(default=3)  # so long before the calendar ends it is said


class PayPeriod(SetupRow):
    """One pay period of a pay group (core.pays.generate)."""

    pay_group_id = models.IntegerField()
    pay_number = models.IntegerField()
    begins_on = models.DateField()
    ends_on = models.DateField()
    check_on = models.DateField()
    period_of_month = models.SmallIntegerField()
    period_of_year = models.SmallIntegerField()
    periods_in_year = models.SmallIntegerField()


class BenefitGroup(SetupRow):
    """A process group (BAS group): who is processed together."""

    code = models.TextField()
    name = models.TextField()


class Schedule(SetupRow):
    """Who is processed, and for what."""

    schedule_id = models.IntegerField()
    code = models.TextField()
    name = models.TextField()
    kind = models.TextField()  # core.codes.ScheduleKind
    company = models.TextField()  # '' = all
    benefit_group = models.TextField()  # '' = all
    event_class_id = models.IntegerField(null=True)  # open enrolment, snapshot
    period_begins_on = models.DateField(null=True)  # the event date of open enrolment and snapshot
    period_ends_on = models.DateField(null=True)
    window_begins_on = models.DateField(null=True)
    window_ends_on = models.DateField(null=True)
    is_closed_to_new_events = models.BooleanField()
    is_strict_order = models.BooleanField(default=False)  # nothing passes but what only ends coverage
    is_current_validated = models.BooleanField(default=False)  # snapshot
    is_finalize_allowed = models.BooleanField(default=True)  # snapshot


class ScheduleProgram(SetupRow):
    """A program and plan type an open enrolment or a snapshot covers."""

    schedule_id = models.IntegerField()
    program_id = models.IntegerField()
    plan_type = models.TextField()


class PassiveEvent(SetupRow):
    """An event that age or length of service brings about."""

    code = models.TextField()
    event_class_id = models.IntegerField()
    base = models.TextField()  # birth, service
    years = models.SmallIntegerField()
    months = models.SmallIntegerField()


class RunControl(SetupRow):
    """A named order to run, reusable, with its place in the calendar."""

    code = models.TextField()
    name = models.TextField()
    kind = models.TextField()  # process, passive, windows
    schedule_id = models.IntegerField(null=True)
    through_level = models.TextField()
    is_finalizing = models.BooleanField()
    is_capturing_new = models.BooleanField(default=True)  # of a period: who came after the first run
    repeats = models.TextField()  # nightly, monthly, once, on_demand
    runs_on = models.DateField(null=True)  # once: the day; monthly: any day of the month
    display_order = models.SmallIntegerField()
