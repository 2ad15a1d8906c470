"""The fields an eligibility criterion may look at: ranges over numbers, lists of codes, geographies."""

CONFIG_FIELDS = tuple(f"config_{number}" for number in range(1, 10))

RANGE_FIELDS: dict[str, str] = {
    "age_years": "completed years of age",
    "service_months": "completed months of service",
    "weekly_hours": "standard hours a week, in hundredths",
    "annual_pay": "annual pay, in cents",
}

LIST_FIELDS: dict[str, str] = {
    "benefit_group": "process group of the job",
    "company": "company of the job",
    "company_pay_group": "company and pay group of the job, as COMPANY/PAYGROUP",
    "department": "department",
    "eeo_class": "EEO class",
    "employee_class": "employee class",
    "employee_type": "employee type (S salaried, H hourly …)",
    "flsa_status": "FLSA status",
    "full_part_time": "full time (F) or part time (P)",
    "job_code": "job code",
    "job_function": "job function",
    "job_status": "job status (A active, L leave, P paid leave, T terminated …)",
    "location": "work location",
    "medicare": "entitled to Medicare (Y or N)",
    "officer_code": "officer code",
    "pay_group": "pay group",
    "regular_temporary": "regular (R) or temporary (T)",
    "regulatory_region": "regulatory region",
    "salary_grade": "salary grade",
    "salary_plan": "salary plan",
    "state": "state of the home address",
    "union_code": "union code",
    **{name: f"the client's own field {name[-1]}" for name in CONFIG_FIELDS},
}

GEOGRAPHY_FIELD = "home_zip"

CRITERIA: tuple[str, ...] = (*RANGE_FIELDS, *LIST_FIELDS, GEOGRAPHY_FIELD)
"""The order of the criterion bits: bit n of a failed or unknown word belongs to CRITERIA[n]."""

AGED_FIELDS = ("age_years", "service_months")
"""Counted as of a day, which a criterion may choose."""

PERSON_FIELDS = (*AGED_FIELDS, "medicare", "state", GEOGRAPHY_FIELD)
"""The same whatever job is looked at; all others are of a job."""

SUMMED_FIELDS = ("weekly_hours", "annual_pay")
"""What may be added up over jobs."""

FACT_COLUMNS: dict[str, str] = {
    "weekly_hours": "weekly_hours_hundredths",
    "annual_pay": "annual_pay_cents",
    "medicare": "is_medicare_entitled",
    GEOGRAPHY_FIELD: "zip",
}
"""The column of the facts that holds a field, where it is named otherwise."""
