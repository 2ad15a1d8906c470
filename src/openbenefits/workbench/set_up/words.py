"""Sections, fields and values of set-up in plain words, beside the terms that plan documents use."""

from django.utils.translation import gettext_lazy as _

from openbenefits.workbench.pages import Words

SECTIONS: dict[str, tuple[Words, Words]] = {
    "programs": (_("Programs"), _("What a group of employees is offered: plan types, options, prices.")),
    "plans": (_("Plans"), _("The benefit plans of the carriers.")),
    "rate_tables": (_("Rate tables"), _("What a plan costs, by age, area, tier and the like.")),
    "contributions": (_("Contributions"), _("What the employer pays of a price.")),
    "formulas": (_("Coverage formulas"), _("How much life or disability coverage follows from pay.")),
    "eligibility_rules": (_("Eligibility rules"), _("Who may have something.")),
    "event_rules": (_("Event rules"), _("What an event allows, and when coverage begins and ends.")),
    "dependent_rules": (_("Dependent rules"), _("Who counts as a dependent, and until when.")),
    "calculation_rules": (_("Calculation rules"), _("As of which day age, service and pay are taken.")),
    "age_curves": (_("Age curves"), _("How rates rise with age.")),
    "geographies": (_("Areas"), _("Zip codes of rating areas and service areas (geographic table).")),
    "schedules": (_("Schedules"), _("Who is processed together, and for what.")),
    "run_controls": (_("Run controls"), _("Named orders to run.")),
    "pay_groups": (_("Pay groups"), _("Who is paid together, and when.")),
    "holiday_calendars": (_("Holidays"), _("Days on which no check is paid.")),
    "deduction_codes": (_("Deduction codes"), _("Before or after tax, and in which pays of a month.")),
    "companies": (_("Companies"), _("The legal employers of the client.")),
    "company_addresses": (_("Company addresses"), _("Where companies are, for rates by that area.")),
    "location_addresses": (_("Places of work"), _("Where locations are, for rates by that area.")),
    "benefit_groups": (_("Benefit groups"), _("Who is processed together (BAS group).")),
    "event_classes": (_("Event classes"), _("The kinds of events, their windows and letters.")),
    "actions": (_("Job actions"), _("Which event class a job action leads to.")),
    "passive_events": (_("Passive events"), _("Events that age or length of service brings about.")),
    "coverage_codes": (_("Coverage codes"), _("Who is covered beside the employee (coverage tier).")),
    "coverage_groups": (_("Coverage groups"), _("Plans that together have a maximum.")),
    "translations": (_("Translations"), _("Names that people read, in their language.")),
    "funds": (_("Funds"), _("Where savings may be invested.")),
    "annual_limits": (_("Legal amounts"), _("Legal limits of a year, one by one.")),
    "limit_sheets": (_("Limit sheets"), _("Files of legal limits, a column for each year.")),
    "age_tables": (_("Published tables by age"), _("Table I and the like.")),
    "cobra_classes": (_("COBRA classes"), _("What losing coverage for a cause gives, and by when to tell.")),
    "leave_policies": (_("Leave policies"), _("How coverage is paid for during leave without pay.")),
    "payroll_terms": (_("Payroll terms"), _("Who corrects deductions; what a low pay takes.")),
    "run_limits": (_("Run limits"), _("The most a run may publish before a person looks.")),
    "data_audit": (_("Data audit"), _("How many people with a finding a run accepts.")),
    "second_person": (_("Second person"), _("Acts that need another person.")),
    "bundle": (_("About this set-up"), _("Its code, its name, and when administration starts.")),
}

GROUPS: tuple[tuple[Words, tuple[str, ...]], ...] = (
    (
        _("What is offered"),
        ("programs", "plans", "coverage_codes", "coverage_groups", "funds", "translations"),
    ),
    (
        _("What it costs"),
        ("rate_tables", "age_curves", "contributions", "formulas", "calculation_rules", "geographies"),
    ),
    (
        _("Who, and when"),
        ("eligibility_rules", "dependent_rules", "event_rules", "event_classes", "actions", "passive_events"),
    ),
    (
        _("Pay and payroll"),
        ("pay_groups", "holiday_calendars", "deduction_codes", "leave_policies", "payroll_terms"),
    ),
    (_("Processing"), ("schedules", "run_controls", "run_limits", "data_audit", "second_person")),
    (_("The law"), ("annual_limits", "limit_sheets", "age_tables", "cobra_classes")),
    (
        _("The client"),
        ("bundle", "companies", "company_addresses", "location_addresses", "benefit_groups"),
    ),
)
"""Which sections stand together, in their order."""

FIELDS: dict[str, Words] = {
    "from": _("Holds from"),
    "hsa_eligible": _("High-deductible plan (HSA allowed)"),
    "imputed_income": _("Imputed income (26 USC 79)"),
    "names_provider": _("Members name a doctor or dentist (primary care provider)"),
    "eligibility": _("Who may have it (eligibility rule)"),
    "service_area": _("Where it is offered (service area)"),
    "event_rule": _("Event rule"),
    "coverage_codes": _("Coverage codes (tiers)"),
    "level": _("Level (rank in the plan type)"),
    "default": _("Default"),
    "select": _("What may be chosen (select allowed)"),
    "use_history": _("Only what is gained or lost (use history)"),
    "pre_enter": _("Enter the default beforehand (pre-enter)"),
    "ignore": _("Leave the plan type alone (ignore plan)"),
    "coverage_begins": _("Coverage begins"),
    "coverage_ends": _("Coverage ends"),
    "deduction_begins": _("Deduction begins"),
    "deduction_ends": _("Deduction ends"),
    "ends_day": _("Day of the month on which it ends"),
    "proof_above": _("Guaranteed amount: proof above"),
    "waived_proof_above": _("Proof above, for who waived before"),
    "waive": _("May it be declined (waive coverage)"),
    "restrict_entry_months": _("Months barred after leaving"),
    "dependent_rule": _("Dependent rule"),
    "employee_percent": _("Percent of the employee's own part"),
    "dependent_percent": _("Percent of the dependents' part"),
    "fixed_monthly": _("Fixed amount a month"),
    "cap_monthly": _("At most a month"),
    "minimum_employee_monthly": _("The employee pays at least, a month"),
    "per_member": _("Each covered person at the own age (list bill)"),
    "calendar_through": _("Calendar through"),
    "first_period_begins": _("First period begins"),
    "check_lag_days": _("Check, days after the period ends"),
    "holidays": _("Calendar of holidays"),
    "holiday_rule": _("A check on a holiday is paid"),
    "off_cycle": _("Off-cycle checks"),
    "warn_months": _("Say that the calendar ends, months before"),
    "periods_of_month": _("Pays of the month that take it"),
    "source": _("Source"),
    "code": _("Code"),
    "hours_per_year": _("Hours of a year"),
}

CHANGES: dict[str, Words] = {"new": _("new"), "changed": _("changed"), "gone": _("removed")}
STANDINGS: dict[str, Words] = {
    "inherited": _("inherited from the PEO"),
    "overridden": _("own, in place of the PEO's"),
    "own": _("own"),
    "not used": _("not used"),
}


def title_of(section: str) -> Words:
    """Name a section."""
    return SECTIONS[section][0] if section in SECTIONS else section.replace("_", " ").capitalize()


def label_of(field: str) -> Words:
    """Name a field: in plain words, else by its own."""
    return FIELDS.get(field) or field.replace("_", " ").capitalize()
