"""From people as the oracle knows them to rows as the kernel takes them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import polars as pl
from tests.laws.columns import AMOUNTS_OF_A_JOB, COVERED, INVESTED, JOBS, Row
from tests.oracle.eligibility import ACTIVE, JOB_FIELDS

from openbenefits.enrollment.rules.elected import BENEFICIARY, Elected


def held_before(people: Sequence[tuple[int, Row]]) -> Elected:
    """What holds of dependents, funds and beneficiaries before the event."""
    entries = ((case, one) for case, (_, person) in enumerate(people) for one in _held_or_ended(person))
    return Elected(elections=pl.DataFrame(), **contents_of(entries))


def contents_of(entries: Iterable[tuple[int, Row]]) -> dict[str, pl.DataFrame]:
    """The dependents, funds and beneficiaries of elections, or of what holds."""
    rows = [({"case": case, "plan_type": one["plan_type"]}, one) for case, one in entries]
    shares = (
        {
            **key,
            "dependent_id": share["id"],
            "is_contingent": bool(share.get("is_contingent")),
            "percent_hundredths": share["percent_hundredths"],
        }
        for key, one in rows
        for share in one.get("beneficiaries") or []
    )
    return {
        "members": frame_of(
            ({**key, "dependent_id": number} for key, one in rows for number in one.get("dependents") or []),
            COVERED,
        ),
        "funds": frame_of(
            (
                {**key, "fund": fund, "percent": percent}
                for key, one in rows
                for fund, percent in (one.get("funds") or {}).items()
            ),
            INVESTED,
        ),
        "beneficiaries": frame_of(shares, BENEFICIARY),
    }


def frame_of(rows: Iterable[Row], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def member_rows(case: int, person: Row) -> Iterable[Row]:
    for one in person.get("dependents") or []:
        yield {
            "case": case,
            "dependent_id": one["id"],
            **{
                name: one.get(name)
                for name in ("person_type", "birth_on", "sex", "is_smoker", "student_through")
            },
            **{
                name: bool(one.get(name)) for name in ("is_student", "is_disabled", "is_married", "is_former")
            },
        }


def jobs_of(case: int, person: Row) -> Iterable[Row]:
    """Give the primary job and the others of a person."""
    primary = person.get("job")
    jobs = [] if primary is None else [primary]
    for number, job in enumerate([*jobs, *(person.get("more_jobs") or [])]):
        status = job.get("job_status")
        yield {
            "case": case,
            "job_number": number,
            "is_of_record": job.get("is_of_record", True),
            "is_primary": job is primary,
            "is_for_eligibility": job.get("is_for_eligibility", True),
            "is_active": None if status is None else status in ACTIVE,
            **{name: job.get(name) for name in JOBS if name in (*JOB_FIELDS, *AMOUNTS_OF_A_JOB)},
        }


def _known_plan_types(person: Row) -> set[str]:
    """The plan types in which something is in force, or elected."""
    current = [one for one in person.get("current") or [] if one["kind"] in ("E", "D")]
    return {one["plan_type"] for one in (*current, *(person.get("elections") or []))}


def _held_or_ended(person: Row) -> list[Row]:
    """What holds before the event, and what ended and is not in force."""
    known = _known_plan_types(person)
    ended = [one for one in person.get("ended") or [] if one["plan_type"] not in known]
    return [*(person.get("current") or []), *ended]


def held_member_rows(case: int, person: Row) -> Iterable[Row]:
    for entry in _held_or_ended(person):
        for number in entry.get("dependents") or []:
            yield {"case": case, "plan_type": entry["plan_type"], "dependent_id": number}


def left_rows(case: int, person: Row) -> Iterable[Row]:
    for plan_type, left_on in (person.get("left_on") or {}).items():
        yield {"case": case, "plan_type": plan_type, "left_on": left_on}


def approved_rows(case: int, person: Row) -> Iterable[Row]:
    for plan_type, cents in (person.get("approved") or {}).items():
        yield {"case": case, "plan_type": plan_type, "approved_cents": cents}


def job_history_rows(case: int, person: Row) -> Iterable[Row]:
    for one in person.get("job_history") or []:
        for job in one["jobs"]:
            status = job.get("job_status")
            yield {
                "case": case,
                "valid_from": one["valid_from"],
                "is_of_record": job.get("is_of_record", True),
                "is_primary": job.get("is_primary", False),
                "is_for_eligibility": job.get("is_for_eligibility", True),
                "is_active": None if status is None else status in ACTIVE,
                "annual_pay_cents": job.get("annual_pay_cents"),
            }


def contribution_rows(case: int, person: Row) -> Iterable[Row]:
    for plan_type, pays in (person.get("contributed") or {}).items():
        for pay in pays:
            yield {"case": case, "plan_type": plan_type, **pay}


def brought_rows(case: int, person: Row) -> Iterable[Row]:
    for code, years in (person.get("brought") or {}).items():
        for year, cents in years.items():
            yield {"case": case, "annual_limit": code, "limit_year": year, "brought_cents": cents}


def price_decision_rows(person: Row, number_of: Callable[[str], int]) -> Iterable[Row]:
    """Lay out what was decided about prices of a person; `number_of` an option, by program, plan type, code."""
    for number, one in enumerate(person.get("price_decisions") or [], 1):
        option = one.get("option")
        yield {
            "plan_type": one["plan_type"],
            "option_id": number_of(f"{one['program']}/{one['plan_type']}/{option}") if option else None,
            "number": number,
            "begins_on": one["from"],
            "ends_on": one.get("through"),
            "author": "an analyst",
            "reason": "a test",
            **{f"decided_{part}_cents": one.get(part) for part in ("total", "employer", "employee")},
        }
