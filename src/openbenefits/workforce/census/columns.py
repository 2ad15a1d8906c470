"""The columns a census may have, and how the headings people give them are recognised."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from openbenefits.store.sheets import Headings, recognised

JOB_CODES = (
    "company",
    "benefit_group",
    "pay_group",
    "department",
    "location",
    "job_code",
    "union_code",
    "employee_class",
    "full_part_time",
    "regular_temporary",
    "flsa_status",
    "employee_type",
    "officer_code",
    "eeo_class",
    "regulatory_region",
    "salary_plan",
    "salary_grade",
    "job_function",
    *(f"config_{number}" for number in range(1, 10)),
)

COLUMNS = (
    "record",
    "employee_number",
    "dependent_number",
    "first_name",
    "last_name",
    "middle_name",
    "suffix",
    "ssn",
    "birth_date",
    "sex",
    "smoker",
    "marital_status",
    "medicare",
    "hire_date",
    "relationship",
    "student",
    "student_through",
    "disabled",
    "married",
    "died_on",
    "address",
    "city",
    "state",
    "zip",
    "email",
    "phone",
    "language",
    "job_number",
    "benefit_record",
    "primary_job",
    "eligibility_job",
    "action",
    "reason",
    "effective_date",
    "job_status",
    "last_day_employed",
    *JOB_CODES,
    "weekly_hours",
    "annual_pay",
    "base_type",
    "base_amount",
    "base_type_2",
    "base_amount_2",
    "base_type_3",
    "base_amount_3",
)

REQUIRED = ("employee_number", "first_name", "last_name", "birth_date", "hire_date")

SYNONYMS: dict[str, Sequence[str]] = {
    "record": ("record type", "row type", "member type", "employee or dependent"),
    "employee_number": ("employee id", "ee", "ee id", "ee number", "ee no", "emp id", "emp no", "emplid",
                        "employee", "employee no", "staff number", "personnel number", "file number"),
    "dependent_number": ("dependent id", "dep id", "dep no", "dep number", "dependent", "dependent no"),
    "first_name": ("first", "given name", "forename", "fname", "legal first name"),
    "last_name": ("last", "surname", "family name", "lname", "legal last name"),
    "middle_name": ("middle", "middle initial", "mi", "second name"),
    "suffix": ("name suffix", "generation"),
    "ssn": ("social", "social security number", "social security no", "social security", "ss", "tax id"),
    "birth_date": ("dob", "date of birth", "birthdate", "birthday", "birth", "born"),
    "sex": ("gender", "sex at birth", "m f"),
    "smoker": ("tobacco", "tobacco user", "smokes", "is smoker", "tobacco use"),
    "marital_status": ("marital", "civil status"),
    "medicare": ("medicare entitled", "entitled to medicare", "medicare eligible", "on medicare"),
    "hire_date": ("doh", "date of hire", "hired", "date hired", "start date", "original hire date", "hire"),
    "relationship": ("relation", "relationship to employee", "dependent type", "rel"),
    "student": ("full time student", "is student"),
    "student_through": ("student until", "student status through", "student evidence through"),
    "disabled": ("disability", "is disabled"),
    "married": ("is married",),
    "died_on": ("date of death", "death date", "died", "deceased on"),
    "address": ("street", "street address", "address 1", "address line 1", "home address", "line 1"),
    "city": ("town", "home city"),
    "state": ("st", "home state", "state code", "state of residence"),
    "zip": ("zip code", "zipcode", "postal code", "postal", "home zip", "zip 4", "post code"),
    "email": ("e mail", "email address", "work email"),
    "phone": ("telephone", "phone number", "home phone", "mobile", "cell phone", "mobile phone"),
    "language": ("preferred language", "language preference", "correspondence language", "lang"),
    "job_number": ("job no", "empl rcd", "employment record", "position number"),
    "benefit_record": ("benefit rcd", "benefit record number"),
    "primary_job": ("primary", "is primary", "main job"),
    "eligibility_job": ("include for eligibility", "counts for eligibility", "job for eligibility"),
    "action": ("job action", "action code"),
    "reason": ("action reason", "reason code"),
    "effective_date": ("eff date", "effdt", "effective", "date effective", "as of"),
    "job_status": ("status", "employment status", "empl status", "employee status", "hr status"),
    "last_day_employed": ("last day worked", "last day of employment", "last day"),
    "company": ("company code", "legal entity", "employer"),
    "benefit_group": ("benefit class", "benefits group", "benefit eligibility group"),
    "pay_group": ("paygroup", "pay frequency group", "payroll group"),
    "department": ("dept", "department code", "cost center", "deptid"),
    "location": ("location code", "work location", "worksite", "site"),
    "job_code": ("jobcode", "job class", "position code"),
    "union_code": ("union", "bargaining unit"),
    "employee_class": ("class", "empl class", "ee class"),
    "full_part_time": ("full part", "ft pt", "full time part time", "fulltime parttime"),
    "regular_temporary": ("reg temp", "regular temp"),
    "flsa_status": ("flsa", "exempt", "exempt status", "exempt non exempt"),
    "employee_type": ("empl type", "ee type", "salaried hourly", "pay type"),
    "officer_code": ("officer",),
    "eeo_class": ("eeo", "eeo code", "eeo category"),
    "regulatory_region": ("reg region", "regulatory reg"),
    "salary_plan": ("sal plan", "salary admin plan", "pay plan"),
    "salary_grade": ("grade", "sal grade", "pay grade"),
    "job_function": ("function", "job function code"),
    **{f"config_{n}": (f"eligibility config {n}", f"elig config {n}", f"config{n}") for n in range(1, 10)},
    "weekly_hours": ("hours", "hours per week", "standard hours", "std hours", "hrs week", "hours week"),
    "annual_pay": ("annual salary", "salary", "yearly pay", "annual earnings", "base pay", "annual rate",
                   "annual compensation", "pay"),
    "base_type": ("benefits base type", "benefit base type", "abbr type"),
    "base_amount": ("benefits base", "benefit base", "benefits base amount", "benefits base rate", "abbr"),
    "base_type_2": ("benefits base type 2",),
    "base_amount_2": ("benefits base amount 2", "benefits base 2"),
    "base_type_3": ("benefits base type 3",),
    "base_amount_3": ("benefits base amount 3", "benefits base 3"),
}  # fmt: skip


def _normalised(heading: str) -> str:
    """Reduce a heading to its words: lower case, `#` for number, no punctuation."""
    words = re.sub(r"[^a-z0-9]+", " ", heading.lower().replace("#", " number "))
    return words.strip()


_BY_NAME = {_normalised(name): column for column, names in SYNONYMS.items() for name in (column, *names)}


def recognise(headings: Sequence[str], mapping: Mapping[str, str] | None = None) -> Headings:
    """Recognise headings by name or synonym; the user's mapping (heading → column) goes first.

    >>> found = recognise(["EE #", "DOB", "Zip Code", "Shoe size"])
    >>> dict(found.found), list(found.unknown)
    ({'EE #': 'employee_number', 'DOB': 'birth_date', 'Zip Code': 'zip'}, ['Shoe size'])
    """
    own = {_normalised(heading): column for heading, column in (mapping or {}).items()}
    return recognised(
        headings, lambda heading: own.get(_normalised(heading)) or guess(heading), COLUMNS, REQUIRED
    )


def guess(heading: str) -> str | None:
    """Find the column a heading stands for: `EE #` is the employee's number, so is `employee id #`."""
    name = _normalised(heading)
    return _BY_NAME.get(name) or _BY_NAME.get(re.sub(r" ?number$", "", name))


def read_mapping(file: Path) -> dict[str, str]:
    """Read a mapping of headings to columns from YAML.

    Errors: ValueError, naming the file and what was expected.
    """
    expected = "expected lines like `Shoe size: employee_class`, each naming one of the census columns"
    try:
        given = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        where = getattr(problem, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise ValueError(f"{file.name}{line}: this is not YAML; {expected}") from None
    if not isinstance(given, dict):
        raise ValueError(f"{file.name}: found {type(given).__name__}; {expected}")
    wrong = sorted(str(column) for column in given.values() if column not in COLUMNS)
    if wrong:
        raise ValueError(f"{file.name}: {', '.join(wrong)} is no census column; {expected}")
    return {str(heading): column for heading, column in given.items()}
