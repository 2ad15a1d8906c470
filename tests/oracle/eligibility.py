"""Who may have what: rules, programs, options, dependents (docs/rules.md §2 and §3)."""

from calendar import isleap, monthrange
from datetime import date, timedelta
from typing import Any

from openbenefits.core.codes import CHILD_TYPES, USUAL_RELATIONSHIPS

from .dates import age_years, service_months
from .rows import Row, Setup, cents, decimal

MET, FAILED, UNKNOWN = "met", "failed", "unknown"
ELIGIBLE, INELIGIBLE, UNDECIDED = "eligible", "ineligible", "undecided"

JOB_FIELDS = (
    "benefit_group",
    "company",
    "department",
    "eeo_class",
    "employee_class",
    "employee_type",
    "flsa_status",
    "full_part_time",
    "job_code",
    "job_function",
    "job_status",
    "location",
    "officer_code",
    "pay_group",
    "regular_temporary",
    "regulatory_region",
    "salary_grade",
    "salary_plan",
    "union_code",
    *(f"config_{number}" for number in range(1, 10)),
)
ACTIVE = ("A", "L", "P", "S", "W")  # statuses of a job that goes on
ADULTS = ("SP", "DP", "SS")
KINDS = (*ADULTS, "CH", "NQ")
IN_HUNDREDTHS = ("weekly_hours", "annual_pay")  # written in hours and dollars, compared in hundredths


def person_facts(person: Row, day: date) -> Row:
    """Gather what criteria look at, whatever the job; ages and services are counted on the day."""
    return {
        "age_years": age_years(person.get("birth_on"), day),
        "service_months": service_months(person.get("service_on"), day),
        "state": person.get("state"),
        "home_zip": person.get("zip"),
        "medicare": _yes_or_no(person.get("is_medicare_entitled")),
    }


def job_facts(job: Row) -> Row:
    """Gather what criteria look at in a job."""
    pair = (job.get("company"), job.get("pay_group"))
    return {
        "weekly_hours": job.get("weekly_hours_hundredths"),
        "annual_pay": job.get("annual_pay_cents"),
        "company_pay_group": None if None in pair else "/".join(pair),
        **{field: job.get(field) for field in JOB_FIELDS},
    }


def _yes_or_no(flag: bool | None) -> str | None:
    return None if flag is None else "Y" if flag else "N"


def criterion_verdict(setup: Setup, part: Row, person: Row, day: date) -> str:
    """Decide a criterion, or a group of them, and turn it round if it excludes."""
    if "any" in part:
        verdict = any_suffices([criterion_verdict(setup, one, person, day) for one in part["any"]])
    elif "all" in part:
        verdict = all_are_needed([criterion_verdict(setup, one, person, day) for one in part["all"]])
    else:
        verdict = _single_verdict(setup, part, person, day)
    turned = {MET: FAILED, FAILED: MET, UNKNOWN: UNKNOWN}
    return turned[verdict] if part.get("exclude", False) else verdict


def any_suffices(verdicts: list[str]) -> str:
    if MET in verdicts:
        return MET
    return UNKNOWN if UNKNOWN in verdicts else FAILED


def all_are_needed(verdicts: list[str]) -> str:
    if FAILED in verdicts:
        return FAILED
    return UNKNOWN if UNKNOWN in verdicts else MET


def _single_verdict(setup: Setup, part: Row, person: Row, day: date) -> str:
    facts = person_facts(person, counted_on(part, day))
    if part["field"] in facts:
        return _value_verdict(setup, part, facts[part["field"]])
    if part.get("jobs", "primary") == "primary" and not part.get("active_only", False):
        return _value_verdict(setup, part, job_facts(person.get("job") or {})[part["field"]])
    values = [_value_in_job(part, job) for job in jobs_looked_at(part, person)]
    evaluation = part.get("evaluation", "one")
    if evaluation == "sum":
        return _value_verdict(setup, part, None if None in values else sum(values))
    verdicts = [_value_verdict(setup, part, value) for value in values]
    if evaluation == "one":
        return any_suffices(verdicts)
    return all_are_needed(verdicts) if verdicts else FAILED


def counted_on(part: Row, day: date) -> date:
    """Find the day ages and services count on; 29 February is the 28th of a common year."""
    as_of = part.get("as_of", "event_date")
    if as_of == "event_date":
        return day
    year = day.year if as_of == "this_year" else day.year - 1
    month, of_month = (int(number) for number in part["as_of_day"].split("-"))
    return date(year, month, min(of_month, monthrange(year, month)[1]))


def jobs_looked_at(part: Row, person: Row) -> list[Row]:
    """List the jobs a criterion looks at; of one without a status nobody knows whether it is active."""
    primary = person.get("job")
    jobs = [] if primary is None else [primary]
    if part.get("jobs", "primary") != "primary":
        jobs = [
            job for job in [*jobs, *(person.get("more_jobs") or [])] if job.get("is_for_eligibility", True)
        ]
    if part.get("jobs") == "flagged":
        jobs = [job for job in jobs if job.get("is_of_record", True)]
    if part.get("active_only", False):
        jobs = [job for job in jobs if job.get("job_status") in (None, *ACTIVE)]
    return jobs


def _value_in_job(part: Row, job: Row) -> Any:
    if part.get("active_only", False) and job.get("job_status") is None:
        return None
    return job_facts(job)[part["field"]]


def _value_verdict(setup: Setup, part: Row, value: Any) -> str:
    if value is None:
        return UNKNOWN
    is_met = all(
        [
            _is_in_range(part, value),
            part.get("values") is None or value in part["values"],
            part.get("geography") is None or value in setup.zips(part["geography"]),
        ]
    )
    return MET if is_met else FAILED


def _is_in_range(criterion: Row, value: int) -> bool:
    convert = cents if criterion["field"] in IN_HUNDREDTHS else decimal
    low, high = criterion.get("min"), criterion.get("max")
    return (low is None or convert(low) <= value) and (high is None or value <= convert(high))


def verdict_of(criteria: list[str]) -> str:
    """Fold verdicts: one that failed decides, else one that is unknown leaves it open."""
    if FAILED in criteria:
        return INELIGIBLE
    return UNDECIDED if UNKNOWN in criteria else ELIGIBLE


def rule_verdicts(setup: Setup, code: str | None, person: Row, day: date) -> list[tuple[str, str]]:
    """List each criterion of a rule with its verdict; no rule has none."""
    if code is None:
        return []
    rule = setup.row_on("eligibility_rules", code, day)
    if rule is None:
        return [(f"rule {code} does not hold yet", UNKNOWN)]
    return [
        (part.get("field", "group"), criterion_verdict(setup, part, person, day)) for part in rule["criteria"]
    ]


# --- the program ----------------------------------------------------------------------------------------


def assign_program(setup: Setup, person: Row, event: Row) -> Row:
    """Find the one program of a person: {assignment, program, messages, reasons}."""
    if person.get("job") is None:
        return {"assignment": "AE", "program": None, "messages": ["BA1001"], "reasons": {}}
    day = event["event_on"]
    reasons, by_verdict = {}, {ELIGIBLE: [], INELIGIBLE: [], UNDECIDED: []}
    for program in setup.programs_on(day):
        if program.get("active", True):
            criteria = rule_and_area(setup, program, person, day)
            override = override_of(person, program["code"], None, None)
            verdict = override or verdict_of([found for _, found in criteria])
            reasons[program["code"]] = {"verdict": verdict, "criteria": criteria}
            by_verdict[verdict].append(program)
    return {**_assignment(by_verdict, person, event), "reasons": reasons}


def rule_and_area(setup: Setup, part: Row, person: Row, day: date) -> list[tuple[str, str]]:
    """List the verdicts of the rule and of the service area of a program or an option."""
    criteria = rule_verdicts(setup, part.get("eligibility"), person, day)
    area = part.get("service_area")
    if area is not None:
        criteria.append(("service area", _area_verdict(setup, area, person.get("zip"))))
    return criteria


def override_of(person: Row, program: str, plan_type: str | None, option: str | None) -> str | None:
    """Find what a person has decided about a program, or an option, in place of rule and service area."""
    for one in person.get("overrides") or []:
        if (one["program"], one.get("plan_type"), one.get("option")) == (program, plan_type, option):
            return ELIGIBLE if one["eligible"] else INELIGIBLE
    return None


def _assignment(by_verdict: dict[str, list[Row]], person: Row, event: Row) -> Row:
    """Take the one program that is met, of those the schedule names, if it names any."""
    named = event.get("programs")

    def counting(verdict: str) -> list[Row]:
        return [one for one in by_verdict[verdict] if named is None or one["code"] in named]

    eligible = counting(ELIGIBLE)
    if len(eligible) > 1:
        return {"assignment": "AE", "program": None, "messages": ["BA1101"]}
    if counting(UNDECIDED):
        return {"assignment": "AE", "program": None, "messages": ["BA1105"]}
    if eligible:
        return {"assignment": "AS", "program": eligible[0], "messages": []}
    if by_verdict[ELIGIBLE]:
        return {"assignment": "FA", "program": None, "messages": ["BA1103"]}
    if by_verdict[UNDECIDED]:
        return {"assignment": "AE", "program": None, "messages": ["BA1105"]}
    has_coverage = any(is_in_force(entry) for entry in person.get("current") or [])
    return {"assignment": "AN" if has_coverage else "FA", "program": None, "messages": []}


def is_in_force(entry: Row) -> bool:
    return entry["kind"] in ("E", "D")


# --- dependents -----------------------------------------------------------------------------------------


def counting_dependents(setup: Setup, rule_code: str | None, person: Row, day: date) -> list[Row]:
    """List the dependents who count on a day, oldest first."""
    rule = setup.row_on("dependent_rules", rule_code, day) or {}
    counting = [
        dependent
        for dependent in person.get("dependents") or []
        if not dependent.get("is_former") and would_count(rule, dependent, day)
    ]
    return sorted(counting, key=lambda one: (one.get("birth_on") or date.max, one["id"]))


def is_student(dependent: Row, day: date) -> bool:
    """A student is one through the day for which that is evidenced."""
    through = dependent.get("student_through")
    return bool(dependent.get("is_student")) and through is not None and day <= through


def would_count(rule: Row, dependent: Row, day: date) -> bool:
    """Whether somebody who is not former counts on a day."""
    kind = dependent["person_type"]
    if kind not in rule.get("relationships", USUAL_RELATIONSHIPS) or kind == "XS":
        return False
    if kind in ADULTS:
        return True
    if rule.get("married_ineligible", False) and dependent.get("is_married"):
        return False
    if rule.get("disabled_exempt", True) and dependent.get("is_disabled"):
        return True
    limit = rule.get("age_limit", 99)
    if is_student(dependent, day) and rule.get("student_age_limit") is not None:
        limit = rule["student_age_limit"]
    birth_on = dependent.get("birth_on")
    return birth_on is not None and day <= last_day_of(rule, birth_on, limit)


def last_day_of(rule: Row, birth_on: date, limit: int) -> date:
    """Find the last day somebody counts: before or on the birthday of the limit, or the end of its month or year."""
    if (birth_on.month, birth_on.day) == (2, 29) and not isleap(birth_on.year + limit):
        birthday = date(birth_on.year + limit, 3, 1)
    else:
        birthday = birth_on.replace(year=birth_on.year + limit)
    match rule.get("last_day", "day_before_birthday"):
        case "month_end":
            return birthday.replace(day=monthrange(birthday.year, birthday.month)[1])
        case "birthday":
            return birthday
        case "year_end":
            return date(birthday.year, 12, 31)
        case "plan_year_end":
            month = rule.get("plan_year_begins", 1)
            begun = date(birthday.year - (birthday.month < month), month, 1)
            return begun.replace(year=begun.year + 1) - timedelta(days=1)
    return birthday - timedelta(days=1)


def kind_of(dependent: Row) -> str:
    """Name the column of a coverage code a dependent falls under: CH stands for all children."""
    return "CH" if dependent["person_type"] in CHILD_TYPES else dependent["person_type"]


def covered_dependents(setup: Setup, coverage_code: str | None, counting: list[Row]) -> list[Row]:
    """List the dependents a coverage code covers: of each kind up to its maximum, oldest first."""
    code = setup.row("coverage_codes", coverage_code)
    covered = []
    for kind in KINDS:
        allowed = (code["persons"].get(kind) or {"max": 0})["max"] if code else 0
        covered += [one for one in counting if kind_of(one) == kind][:allowed]
    return covered


def covers_nobody_else(coverage_code: Row) -> bool:
    return all(kind == "EE" or limits["max"] == 0 for kind, limits in coverage_code["persons"].items())


def covers_employee(coverage_code: Row | None) -> bool:
    """Tell whether the employee is covered: named, or nobody else is."""
    if coverage_code is None or covers_nobody_else(coverage_code):
        return True
    return coverage_code["persons"].get("EE", {"max": 0})["max"] > 0


# --- options --------------------------------------------------------------------------------------------


def option_verdict(
    setup: Setup, place: tuple[str, str], option: Row, person: Row, day: date, counting: list[Row]
) -> Row:
    """Decide an option: its rule, its service area, and the persons its coverage code demands.

    Who decided about the option (its program and plan type are its place) did so in place of the first two.
    """
    override = override_of(person, *place, option["code"])
    if override is None:
        criteria = rule_and_area(setup, option, person, day)
    else:
        criteria = [("override", MET if override == ELIGIBLE else FAILED)]
    code = setup.row("coverage_codes", option["coverage_code"])
    for kind in KINDS if code else ():
        demanded = (code["persons"].get(kind) or {"min": 0})["min"]
        found = sum(1 for one in counting if kind_of(one) == kind)
        criteria.append((f"household {kind}", MET if found >= demanded else FAILED))
    return {"verdict": verdict_of([found for _, found in criteria]), "criteria": criteria}


def _area_verdict(setup: Setup, area: str, home_zip: str | None) -> str:
    if home_zip is None:
        return UNKNOWN
    return MET if home_zip in setup.zips(area) else FAILED
