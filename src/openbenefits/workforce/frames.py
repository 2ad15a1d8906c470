"""Facts as frames: what held for a participant on a day, as known now or as then known.

A *case* is a question about one participant and benefit record on one day. The loaders answer each case
with exactly one row (dependents: with one row per dependent), null where nothing is known.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import dataframely as dy
import polars as pl

from openbenefits.core.columns import joined, last_of_each, where
from openbenefits.store.bulk import copy_out
from openbenefits.store.keys import UNNESTED_PEOPLE, people_arrays

HIRES = ("HIR", "REH")
ACTIVE_STATUSES = ("A", "L", "P", "S", "W")
"""At work, on leave, suspended, in a short work break: the job goes on."""

FACT = {"version": pl.Int32(), "is_deleted": pl.Boolean()}
PERSON = {
    "birth_on": pl.Date(),
    "sex": pl.String(),
    "is_smoker": pl.Boolean(),
    "marital_status": pl.String(),
    "service_on": pl.Date(),
}
PERSON_MORE = {"is_medicare_entitled": pl.Boolean()}
ADDRESS = {"state": pl.String(), "postal_code": pl.String(), "country": pl.String()}
JOB = {
    "is_primary": pl.Boolean(),
    "action": pl.String(),
    "reason": pl.String(),
    "job_status": pl.String(),
    "last_day_employed": pl.Date(),
    "company": pl.String(),
    "benefit_group": pl.String(),
    "pay_group": pl.String(),
    "department": pl.String(),
    "location": pl.String(),
    "job_code": pl.String(),
    "union_code": pl.String(),
    "employee_class": pl.String(),
    "full_part_time": pl.String(),
    "regular_temporary": pl.String(),
    "flsa_status": pl.String(),
    "weekly_hours_hundredths": pl.Int32(),
    "annual_pay_cents": pl.Int64(),
}
JOB_MORE = {
    "is_for_eligibility": pl.Boolean(),
    **dict.fromkeys(("employee_type", "officer_code", "eeo_class", "regulatory_region"), pl.String()),
    **dict.fromkeys(("salary_plan", "salary_grade", "job_function"), pl.String()),
    **{f"config_{number}": pl.String() for number in range(1, 10)},
}
"""What only some rules of eligibility look at: loaded where they do."""
MORE = (*PERSON_MORE, *JOB_MORE)
JOB_PLACE = {
    "job_number": pl.Int16(),
    "valid_from": pl.Date(),
    "sequence": pl.Int16(),
    "benefit_record": pl.Int16(),
}
DEPENDENT = {
    "person_type": pl.String(),
    "birth_on": pl.Date(),
    "sex": pl.String(),
    "is_smoker": pl.Boolean(),
    "is_student": pl.Boolean(),
    "student_through": pl.Date(),
    "is_disabled": pl.Boolean(),
    "is_married": pl.Boolean(),
    "is_former": pl.Boolean(),
}


class Cases(dy.Schema):
    """The questions: which participant, which benefit record, on which day."""

    case = dy.Int32(primary_key=True)
    client_id = dy.Int32()
    person_id = dy.Int64()
    benefit_record = dy.Int16()
    as_of = dy.Date()


class CaseFacts(Cases):
    """What held for each case; no job row found leaves `job_number` and all columns of the job null."""

    birth_on = dy.Date(nullable=True)
    sex = dy.String(nullable=True)
    is_smoker = dy.Bool(nullable=True)
    marital_status = dy.String(nullable=True)
    service_on = dy.Date(nullable=True)
    state = dy.String(nullable=True)
    postal_code = dy.String(nullable=True)
    country = dy.String(nullable=True)
    job_number = dy.Int16(nullable=True)
    job_valid_from = dy.Date(nullable=True)
    sequence = dy.Int16(nullable=True)
    is_primary = dy.Bool(nullable=True)
    action = dy.String(nullable=True)
    reason = dy.String(nullable=True)
    job_status = dy.String(nullable=True)
    last_day_employed = dy.Date(nullable=True)
    company = dy.String(nullable=True)
    benefit_group = dy.String(nullable=True)
    pay_group = dy.String(nullable=True)
    department = dy.String(nullable=True)
    location = dy.String(nullable=True)
    job_code = dy.String(nullable=True)
    union_code = dy.String(nullable=True)
    employee_class = dy.String(nullable=True)
    full_part_time = dy.String(nullable=True)
    regular_temporary = dy.String(nullable=True)
    flsa_status = dy.String(nullable=True)
    weekly_hours_hundredths = dy.Int32(nullable=True)
    annual_pay_cents = dy.Int64(nullable=True)
    hire_on = dy.Date(nullable=True)


class CaseDependents(dy.Schema):
    """The dependents known for each case, former ones included."""

    case = dy.Int32(primary_key=True)
    person_id = dy.Int64()
    dependent_id = dy.Int64(primary_key=True)
    number = dy.Int16()
    person_type = dy.String()
    birth_on = dy.Date(nullable=True)
    sex = dy.String(nullable=True)
    is_smoker = dy.Bool(nullable=True)
    is_student = dy.Bool()
    student_through = dy.Date(nullable=True)
    is_disabled = dy.Bool()
    is_married = dy.Bool()
    is_former = dy.Bool()


PERSON_QUERY = f"""
SELECT f.person_id, f.valid_from, f.version, f.is_deleted, {{columns}}
FROM {UNNESTED_PEOPLE}
JOIN {{table}} AS f USING (client_id, person_id)
WHERE f.known_since <= %(known_at)s
"""

DEPENDENT_QUERY = f"""
SELECT d.person_id, f.dependent_id, d.number, f.valid_from, f.version, f.is_deleted, {{columns}}
FROM {UNNESTED_PEOPLE}
JOIN workforce_dependent AS d USING (client_id, person_id)
JOIN workforce_dependentfact AS f ON f.client_id = d.client_id AND f.dependent_id = d.id
WHERE f.known_since <= %(known_at)s
"""


class CaseJobs(dy.Schema):
    """Every job a person has on the case's day, of whatever benefit record: ended ones included."""

    case = dy.Int32(primary_key=True)
    job_number = dy.Int16(primary_key=True)
    benefit_record = dy.Int16()
    is_of_record = dy.Bool()
    is_primary = dy.Bool()
    is_for_eligibility = dy.Bool()
    is_active = dy.Bool()
    job_status = dy.String()
    company = dy.String(nullable=True)
    benefit_group = dy.String(nullable=True)
    pay_group = dy.String(nullable=True)
    department = dy.String(nullable=True)
    location = dy.String(nullable=True)
    job_code = dy.String(nullable=True)
    union_code = dy.String(nullable=True)
    employee_class = dy.String(nullable=True)
    full_part_time = dy.String(nullable=True)
    regular_temporary = dy.String(nullable=True)
    flsa_status = dy.String(nullable=True)
    weekly_hours_hundredths = dy.Int32(nullable=True)
    annual_pay_cents = dy.Int64(nullable=True)


def as_of(
    connection: Any,
    cases: pl.DataFrame,
    *,
    known_at: datetime | None = None,
    more: Collection[str] = (),
) -> pl.DataFrame:
    """Load what held for each case on its day: person, home address, primary job, hire date.

    The primary job of a benefit record is, among the rows in force on the day (of each job the latest, the
    highest sequence), the latest that is primary and belongs to the record. `hire_on` is the day of that
    job's latest HIR or REH row.

    Shapes:  cases as `Cases`; the result as `CaseFacts`, in the order of the cases, with what is asked
             for of `MORE` besides.
    Missing: nulls where nothing is known; `known_at` answers as then known.
    """
    return facts_and_jobs(connection, cases, known_at=known_at, more=more)[0]


def facts_and_jobs(
    connection: Any,
    cases: pl.DataFrame,
    *,
    known_at: datetime | None = None,
    more: Collection[str] = (),
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Load what held for each case (see `as_of`), and the rows of all jobs it was chosen from."""
    person = PERSON | {name: dtype for name, dtype in PERSON_MORE.items() if name in more}
    persons = load_persons(connection, cases, person, known_at)
    addresses = load_addresses(connection, cases, ADDRESS, known_at)
    jobs = load_jobs(connection, cases, known_at, more=more)
    facts = cases
    for held in (
        _undated(in_force(cases, persons)),
        _undated(in_force(cases, addresses)),
        primary_jobs(cases, jobs),
    ):
        facts = joined(facts, held, "case", how="left", maintain_order="left")
    return facts, jobs


def _undated(held: pl.DataFrame) -> pl.DataFrame:
    """Leave out since when something holds."""
    return held[[name for name in held.columns if name != "valid_from"]]


def jobs_as_of(cases: pl.DataFrame, jobs: pl.DataFrame) -> pl.DataFrame:
    """Pick every job each case's person has on its day: of each job number the row in force.

    Shapes: jobs as `load_jobs` gives them, with is_for_eligibility; the result as `CaseJobs` with whatever
            more columns the jobs have, ordered by case and job number. `is_of_record`: the job belongs to
            the case's benefit record; `is_primary`: it is the one `as_of` tells of; `is_active`: at work or
            on leave.
    """
    held = in_force(cases, jobs, ("job_number",), ("valid_from", "sequence"))
    primary = primary_jobs(cases, jobs).select("case", "job_number", is_the_primary=pl.lit(value=True))
    records = cases.select("case", case_record="benefit_record")
    return (
        joined(held, records, "case", how="left", maintain_order="left")
        .join(primary, on=["case", "job_number"], how="left", maintain_order="left")
        .with_columns(
            is_of_record=pl.col("benefit_record") == pl.col("case_record"),
            is_primary=pl.col("is_the_primary").fill_null(value=False),
            is_active=pl.col("job_status").is_in(ACTIVE_STATUSES),
        )
        .drop("case_record", "is_the_primary", "valid_from", "sequence", "action", "reason")
        .sort("case", "job_number")
    )


def names_as_of(connection: Any, cases: pl.DataFrame, *, known_at: datetime | None = None) -> pl.DataFrame:
    """Load what a statement is addressed with: case, names, e-mail, language and home address."""
    name = dict.fromkeys(("first_name", "last_name", "email", "language"), pl.String())
    address = dict.fromkeys(("line1", "city", "state", "postal_code", "country"), pl.String())
    persons = in_force(cases, load_persons(connection, cases, name, known_at)).drop("valid_from")
    addresses = in_force(cases, load_addresses(connection, cases, address, known_at)).drop("valid_from")
    return (
        cases[["case"]]
        .join(persons, on="case", how="left", maintain_order="left")
        .join(addresses, on="case", how="left", maintain_order="left")
    )


def dependents_as_of(
    connection: Any, cases: pl.DataFrame, *, known_at: datetime | None = None
) -> pl.DataFrame:
    """Load the dependents known on each case's day; who is no longer one has `is_former`.

    Shapes: cases as `Cases`; the result as `CaseDependents`, ordered by case and dependent.
    """
    return _dependents_in_force(connection, cases, DEPENDENT, known_at)


def dependent_names_as_of(
    connection: Any, cases: pl.DataFrame, *, known_at: datetime | None = None
) -> pl.DataFrame:
    """Load the names of the dependents of each case: case, person_id, dependent_id, number, both names."""
    name = dict.fromkeys(("first_name", "last_name"), pl.String())
    return _dependents_in_force(connection, cases, name, known_at)


def load_persons(
    connection: Any, keys: pl.DataFrame, columns: Mapping[str, Any], known_at: datetime | None = None
) -> pl.DataFrame:
    """Load the person facts of the keys (client_id, person_id): person_id, valid_from, columns asked for."""
    return _load_by_person(
        connection, "workforce_personfact", keys, {"valid_from": pl.Date()}, columns, known_at
    )


def load_addresses(
    connection: Any, keys: pl.DataFrame, columns: Mapping[str, Any], known_at: datetime | None = None
) -> pl.DataFrame:
    """Load the home addresses of the keys: person_id, valid_from and the columns asked for."""
    return _load_by_person(
        connection, "workforce_addressfact", keys, {"valid_from": pl.Date()}, columns, known_at
    )


def load_jobs(
    connection: Any,
    keys: pl.DataFrame,
    known_at: datetime | None = None,
    *,
    more: Collection[str] = (),
) -> pl.DataFrame:
    """Load the job rows of the keys: person_id, `JOB_PLACE`, `JOB`, and what is asked for of `JOB_MORE`."""
    columns = JOB | {name: dtype for name, dtype in JOB_MORE.items() if name in more}
    key = ["person_id", *(name for name in JOB_PLACE if name != "benefit_record")]
    return _load_by_person(connection, "workforce_jobfact", keys, JOB_PLACE, columns, known_at, key)


def load_dependents(
    connection: Any, keys: pl.DataFrame, columns: Mapping[str, Any], known_at: datetime | None = None
) -> pl.DataFrame:
    """Load the dependent facts of the keys: person_id, dependent_id, number, valid_from, columns asked."""
    head = {
        "person_id": pl.Int64(),
        "dependent_id": pl.Int64(),
        "number": pl.Int16(),
        "valid_from": pl.Date(),
        **FACT,
    }
    query = DEPENDENT_QUERY.format(columns=_select_list(columns))
    rows = copy_out(connection, query, head | dict(columns), _parameters(keys, known_at))
    return _latest_versions(rows, ["dependent_id", "valid_from"])


def in_force(
    cases: pl.DataFrame, rows: pl.DataFrame, by: Sequence[str] = (), order: Sequence[str] = ("valid_from",)
) -> pl.DataFrame:
    """Pick for each case, and each value of `by`, the last row that is true from its day or before.

    Shapes: the result has `case` and the columns of `rows` but person_id.
    """
    told = [name for name in rows.columns if name != "person_id"]
    if rows.is_empty():
        return cases[["case"]].clear().hstack(rows[told])
    known = rows[["person_id", *dict.fromkeys((*by, *order))]].with_row_index("at")
    candidates = joined(cases[["case", "person_id", "as_of"]], known, "person_id")
    begun = candidates.filter(pl.col("valid_from") <= pl.col("as_of"))
    picked = last_of_each(begun, ["case", *by], *order)
    return picked[["case"]].hstack(rows[told][picked["at"]])


def primary_jobs(cases: pl.DataFrame, jobs: pl.DataFrame) -> pl.DataFrame:
    """Pick the primary job of each case's benefit record, with its hire date.

    Shapes: the result has `case` and the columns of the job in `CaseFacts`; cases without a job have no row.
    """
    order = ("valid_from", "sequence")
    places = jobs[["person_id", *JOB_PLACE, "is_primary", "action"]].with_row_index("place")
    held = in_force(cases, places, ("job_number",), order)
    of_record = joined(
        where(held, "is_primary"), cases[["case", "benefit_record"]], ["case", "benefit_record"]
    )
    best = of_record.sort("case", *order, "job_number", descending=[False, False, False, True]).unique(
        "case", keep="last", maintain_order=True
    )
    told = [name for name in jobs.columns if name not in ("person_id", "benefit_record")]
    rows = best[["case"]].hstack(jobs[told][best["place"]])
    hired = _hire_days(cases, places, best)
    return joined(rows, hired, "case", how="left").rename({"valid_from": "job_valid_from"})


def pay_history_of(cases: pl.DataFrame, jobs: pl.DataFrame) -> pl.DataFrame:
    """Answer the annual pay of the primary job of each case by day: case, valid_from, annual_pay_cents.

    Shapes:  cases as `Cases` (their days do not matter), jobs as `load_jobs`.
    Missing: null from a day on which no row of the record is primary, or which has no pay.
    """
    records = cases[["person_id", "benefit_record"]].unique()
    changes = joined(records, jobs.select("person_id", as_of="valid_from").unique(), "person_id")
    asked = changes.with_columns(case=pl.int_range(pl.len(), dtype=pl.Int32))
    held = primary_jobs(asked, jobs)[["case", "annual_pay_cents"]]
    known = joined(asked, held, "case", how="left").select(
        "person_id", "benefit_record", valid_from="as_of", annual_pay_cents="annual_pay_cents"
    )
    found = joined(cases[["case", "person_id", "benefit_record"]], known, ["person_id", "benefit_record"])
    return found[["case", "valid_from", "annual_pay_cents"]]


def job_history_of(cases: pl.DataFrame, jobs: pl.DataFrame) -> pl.DataFrame:
    """Answer every job of each case's person, anew from each day on which any of them changes.

    Shapes: cases as `Cases` (their days do not matter), jobs as `load_jobs`, with is_for_eligibility. The
            result has case, valid_from, is_of_record, is_primary, is_for_eligibility, is_active and
            annual_pay_cents, one row per job: what `jobs_as_of` gives of that day.
    """
    key = ["person_id", "benefit_record"]
    changes = joined(
        cases.select(key).unique(), jobs.select("person_id", as_of="valid_from").unique(), "person_id"
    )
    asked = changes.with_columns(case=pl.int_range(pl.len(), dtype=pl.Int32))
    held = jobs_as_of(asked, jobs).drop(key, strict=False)
    known = joined(asked.select("case", *key, valid_from="as_of"), held, "case").drop("case")
    columns = ("is_of_record", "is_primary", "is_for_eligibility", "is_active", "annual_pay_cents")
    return joined(cases[["case", *key]], known, key).select("case", "valid_from", *columns)


def benefit_bases_of(
    connection: Any, cases: pl.DataFrame, *, known_at: datetime | None = None
) -> pl.DataFrame:
    """Load the benefits bases of each case's record by day: case, base_type, valid_from, annual_pay_cents.

    Shapes: cases as `Cases` (their days do not matter).
    """
    rows = load_benefit_bases(connection, cases, known_at)
    found = joined(cases[["case", "person_id", "benefit_record"]], rows, ["person_id", "benefit_record"])
    return found[["case", "base_type", "valid_from", "annual_pay_cents"]]


def load_benefit_bases(connection: Any, keys: pl.DataFrame, known_at: datetime | None = None) -> pl.DataFrame:
    """Load the benefits bases of people, all of their records: person_id, benefit_record, base_type,
    valid_from, annual_pay_cents.
    """
    place = {"benefit_record": pl.Int16(), "base_type": pl.String(), "valid_from": pl.Date()}
    amount = {"annual_pay_cents": pl.Int64()}
    return _load_by_person(connection, "workforce_benefitbasefact", keys, place, amount, known_at)


def _hire_days(cases: pl.DataFrame, places: pl.DataFrame, best: pl.DataFrame) -> pl.DataFrame:
    """Find the latest HIR or REH day of each case's job, on or before the case's day."""
    hires = places.filter(pl.col("action").is_in(HIRES))[["person_id", "job_number", "valid_from"]]
    of_job = joined(cases[["case", "person_id", "as_of"]], best[["case", "job_number"]], "case")
    return (
        joined(of_job, hires, ["person_id", "job_number"])
        .filter(pl.col("valid_from") <= pl.col("as_of"))
        .group_by("case")
        .agg(hire_on=pl.col("valid_from").max())
    )


def _dependents_in_force(
    connection: Any, cases: pl.DataFrame, columns: Mapping[str, Any], known_at: datetime | None
) -> pl.DataFrame:
    rows = load_dependents(connection, cases, columns, known_at)
    held = in_force(cases, rows, ("dependent_id",))
    of_person = joined(held, cases[["case", "person_id"]], "case", maintain_order="left")
    return of_person[["case", "person_id", "dependent_id", "number", *columns]]


def _load_by_person(
    connection: Any,
    table: str,
    keys: pl.DataFrame,
    place: Mapping[str, Any],
    columns: Mapping[str, Any],
    known_at: datetime | None,
    key: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Load the latest known version of each fact key of the persons, deleted ones left out."""
    more = {name: dtype for name, dtype in place.items() if name != "valid_from"} | dict(columns)
    schema = {"person_id": pl.Int64(), "valid_from": pl.Date(), **FACT, **more}
    query = PERSON_QUERY.format(table=table, columns=_select_list(more))
    rows = copy_out(connection, query, schema, _parameters(keys, known_at))
    return _latest_versions(rows, ["person_id", *place] if key is None else key)


def _latest_versions(rows: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Keep the latest version of each key, and none where that one is a deletion."""
    if (rows["version"] > 1).any():  # most clients have corrected nothing in a partition
        rows = rows.filter(pl.col("version") == pl.col("version").max().over(key))
    if rows["is_deleted"].any():
        rows = where(rows, ~rows["is_deleted"])
    return rows[[name for name in rows.columns if name not in FACT]]


def _select_list(columns: Mapping[str, Any]) -> str:
    return ", ".join(f"f.{name}" for name in columns)


def _parameters(keys: pl.DataFrame, known_at: datetime | None) -> dict[str, Any]:
    return {**people_arrays(keys), "known_at": known_at or "infinity"}
