"""The fields an eligibility criterion may look at: ranges over numbers, lists of codes, geographies."""

RANGE_FIELDS: dict[str, str] = {
    "age_years": "completed years on the event date",
    "service_months": "completed months of service on the event date",
    "weekly_hours": "standard hours a week, in hundredths",
    "annual_pay": "annual pay, in cents",
}

LIST_FIELDS: dict[str, str] = {
    "benefit_group": "process group of the job",
    "company": "company of the job",
    "employee_class": "employee class",
    "flsa_status": "FLSA status",
    "full_part_time": "full time (F) or part time (P)",
    "job_code": "job code",
    "job_status": "job status (A active, L leave, P paid leave, T terminated …)",
    "location": "work location",
    "pay_group": "pay group",
    "regular_temporary": "regular (R) or temporary (T)",
    "state": "state of the home address",
    "union_code": "union code",
}

GEOGRAPHY_FIELD = "home_zip"
