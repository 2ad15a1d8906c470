"""The columns in which the kernel takes cases, households, jobs, coverage and elections."""

from typing import Any

import polars as pl
from tests.oracle.eligibility import JOB_FIELDS

Row = dict[str, Any]
AMOUNTS_OF_A_JOB = ("weekly_hours_hundredths", "annual_pay_cents")
CASES = {
    "case": pl.Int32,
    "client_id": pl.Int32,
    "schedule_id": pl.Int32,
    "event_class_id": pl.Int32,
    "event_on": pl.Date,
    "only_ends_coverage": pl.Boolean,
    "is_open_enrollment": pl.Boolean,
    "received_on": pl.Date,
    "has_job": pl.Boolean,
    "birth_on": pl.Date,
    "sex": pl.String,
    "is_smoker": pl.Boolean,
    "service_on": pl.Date,
    "hire_on": pl.Date,
    "zip": pl.Int32,
    "state": pl.String,
    "is_medicare_entitled": pl.Boolean,
    **dict.fromkeys(JOB_FIELDS, pl.String),
    "weekly_hours_hundredths": pl.Int32,
    "annual_pay_cents": pl.Int64,
    "last_day_employed": pl.Date,
}
MEMBERS = {
    "case": pl.Int32,
    "dependent_id": pl.Int64,
    "person_type": pl.String,
    "birth_on": pl.Date,
    "sex": pl.String,
    "is_smoker": pl.Boolean,
    "is_student": pl.Boolean,
    "student_through": pl.Date,
    "is_disabled": pl.Boolean,
    "is_married": pl.Boolean,
    "is_former": pl.Boolean,
}
JOBS = {
    "case": pl.Int32,
    "job_number": pl.Int16,
    **dict.fromkeys(("is_of_record", "is_primary", "is_for_eligibility", "is_active"), pl.Boolean),
    **dict.fromkeys(JOB_FIELDS, pl.String),
    "weekly_hours_hundredths": pl.Int32,
    "annual_pay_cents": pl.Int64,
}
IN_FORCE = {
    "case": pl.Int32,
    "plan_type": pl.String,
    "slot": pl.Int16,
    "kind": pl.String,
    "program_id": pl.Int32,
    "option_id": pl.Int32,
    "coverage_cents": pl.Int64,
    "requested_coverage_cents": pl.Int64,
    "pledge_cents": pl.Int64,
    "percent_thousandths": pl.Int32,
    "after_tax_thousandths": pl.Int32,
    "hours_hundredths": pl.Int32,
    "is_future": pl.Boolean,
    "is_to_begin": pl.Boolean,
    "begins_on": pl.Date,
    "deduction_begins_on": pl.Date,
}
ELECTIONS = {
    "case": pl.Int32,
    "plan_type": pl.String,
    "slot": pl.Int16,
    "option_code": pl.String,
    "option_id": pl.Int32,
    "coverage_cents": pl.Int64,
    "pledge_cents": pl.Int64,
    "percent_thousandths": pl.Int32,
    "after_tax_thousandths": pl.Int32,
    "hours_hundredths": pl.Int32,
    "files_separately": pl.Boolean,
    "waive_reason": pl.String,
    "waiver_proof": pl.String,
    "waiver_proof_on": pl.Date,
    "credit_rollover": pl.String,
    "received_on": pl.Date,
    "source": pl.String,
}
COVERED = {"case": pl.Int32, "plan_type": pl.String, "dependent_id": pl.Int64}
INVESTED = {"case": pl.Int32, "plan_type": pl.String, "fund": pl.String, "percent": pl.Int16}
STATED = (
    *("coverage_cents", "pledge_cents", "percent_thousandths", "after_tax_thousandths", "hours_hundredths"),
    *("waive_reason", "waiver_proof", "waiver_proof_on", "credit_rollover"),
)
CHOICES = {"case": pl.Int32, "credit_rollover": pl.String}
