"""Audit of HR facts before they are processed (rulings §8): who has what nobody should have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.codes import ADULT_KINDS, PERSON_KINDS, PersonType
from openbenefits.core.days import age_years
from openbenefits.store.bulk import copy_out
from openbenefits.workforce.frames import as_of as facts_as_of
from openbenefits.workforce.frames import dependents_as_of, in_force, load_dependents, load_jobs, load_persons

FINDING = {
    "code": pl.String(),
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "expected": pl.String(),
    "found": pl.String(),
    "cure": pl.String(),
}

YOUNGEST_YEARS, OLDEST_YEARS = 14, 100
YOUNGEST_PARTNER_YEARS = 16
CHILD_LIMIT_YEARS = 26
PARTNERS = tuple(PERSON_KINDS[kind][0] for kind in ADULT_KINDS)
SPOUSES = (PersonType.SPOUSE, PersonType.SAME_SEX_SPOUSE)
CHILDREN = (PersonType.CHILD, PersonType.ADULT_CHILD)
ENDED = ("T", "R", "D")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One kind of finding: its code, what was expected, what was found, and what to change."""

    code: str
    expected: str
    found: str
    cure: str

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """List the finding for the people of some rows, once each."""
        return (
            rows.select("client_id", "person_id")
            .unique()
            .select(
                pl.lit(self.code).alias("code"),
                "client_id",
                "person_id",
                pl.lit(self.expected).alias("expected"),
                pl.lit(self.found).alias("found"),
                pl.lit(self.cure).alias("cure"),
            )
        )


def _check(code: str, expected: str, found: str, cure: str) -> Check:
    return Check(code=code, expected=expected, found=found, cure=cure)


NO_JOB = _check("HR2001", "a job row", "none", "Add the job, or withdraw the person.")
NO_PRIMARY = _check("HR2002", "one primary job", "jobs, none of them primary", "Mark one job as primary.")
AGE = _check(
    "HR2003", f"an age from {YOUNGEST_YEARS} to {OLDEST_YEARS}", "another age", "Correct the birth date."
)
UNMARRIED = _check("HR2004", "no current spouse beside that marital status", "a current spouse",
                   "Correct the marital status, or end the spouse.")  # fmt: skip
NO_SPOUSE = _check("HR2005", "a spouse, as the marital status is married", "none",
                   "Add the spouse, or correct the marital status.")  # fmt: skip
TWO_PARTNERS = _check("HR2006", "one current spouse or partner", "several", "End the first.")
AFTER_END = _check("HR2007", "no row after the end of the job but a rehire", "a later row",
                   "Delete the later row, or make it a rehire.")  # fmt: skip
OVER_AGE = _check("HR2008", f"children below {CHILD_LIMIT_YEARS}, or disabled", "an older child",
                  "End the dependent, or record the disability.")  # fmt: skip
NON_STANDARD = _check("HR2009", "spouse, partner or child", "another kind of dependent",
                      "Check that the plan covers this kind, or correct it.")  # fmt: skip
YOUNG_PARTNER = _check("HR2010", f"a spouse or partner of {YOUNGEST_PARTNER_YEARS} or more", "a younger one",
                       "Correct the birth date or the relationship.")  # fmt: skip
OLD_CHILD = _check("HR2011", "a child younger than the participant", "an older child",
                   "Correct a birth date or the relationship.")  # fmt: skip
TWICE = _check("HR2012", "each dependent once", "the same human twice",
               "End one of the two; coverage goes by the other.")  # fmt: skip
OWN_DEPENDENT = _check("HR2013", "dependents other than the participant", "the participant as a dependent",
                       "End the dependent.")  # fmt: skip
NO_BIRTH = _check("HR2020", "a birth date", "none", "Fill in the birth date.")
NO_ZIP = _check("HR2021", "a home zip", "none", "Fill in the zip.")
NO_PAY = _check("HR2022", "the annual pay of the job", "none", "Fill in the annual pay.")
NO_DEPENDENT_BIRTH = _check("HR2023", "a birth date of each dependent", "none", "Fill in the birth date.")


def audit_data(connection: Any, client_ids: Sequence[int], as_of: date) -> pl.DataFrame:
    """List what is implausible or missing in the facts of some clients on a day.

    Shapes: code, client_id, person_id, expected, found, cure; a person has each finding once.
    Source: rulings §8. What needs coverage (tiers, who is covered twice) is not here: `runs.audit`.
    """
    cases = _everybody(connection, client_ids, as_of)
    facts = facts_as_of(connection, cases)
    family = dependents_as_of(connection, cases).join(
        facts.select("case", "client_id", "marital_status", participant_birth_on="birth_on"), on="case"
    )
    current = family.filter(~pl.col("is_former"))
    jobs = load_jobs(connection, cases).join(cases.select("client_id", "person_id"), on="person_id")
    found = [
        *_people(facts, jobs),
        *_partners(facts, current),
        *_dependents(current, as_of),
        *_twice(connection, cases),
        _after_end(jobs),
    ]
    return pl.concat([pl.DataFrame(schema=FINDING), *found]).sort("client_id", "code", "person_id")


def _everybody(connection: Any, client_ids: Sequence[int], as_of: date) -> pl.DataFrame:
    """Ask about each person of whom anything is known."""
    query = """
        SELECT client_id, id AS person_id FROM workforce_person
        WHERE client_id = ANY(%(clients)s) AND EXISTS (
            SELECT FROM workforce_personfact AS f
            WHERE f.client_id = workforce_person.client_id AND f.person_id = workforce_person.id
        )
    """
    schema = {"client_id": pl.Int32(), "person_id": pl.Int64()}
    people = copy_out(connection, query, schema, {"clients": list(client_ids)})
    return people.select(
        pl.int_range(pl.len(), dtype=pl.Int32).alias("case"),
        "client_id",
        "person_id",
        pl.lit(0, pl.Int16).alias("benefit_record"),
        pl.lit(as_of).alias("as_of"),
    )


def _people(facts: pl.DataFrame, jobs: pl.DataFrame) -> list[pl.DataFrame]:
    age = age_years(pl.col("birth_on"), pl.col("as_of"))
    is_known = pl.col("birth_on").is_not_null() | pl.col("service_on").is_not_null()
    at_work = pl.col("job_number").is_not_null() & ~pl.col("job_status").is_in(ENDED)
    without = facts.join(jobs, on="person_id", how="anti")
    begun = jobs.join(facts.select("person_id", "as_of"), on="person_id").filter(
        pl.col("valid_from") <= pl.col("as_of")
    )
    own = begun.filter("is_primary")
    return [
        NO_JOB.of(without.filter(is_known)),
        NO_PRIMARY.of(begun.join(own, on="person_id", how="anti")),
        AGE.of(facts.filter(~age.is_between(YOUNGEST_YEARS, OLDEST_YEARS))),
        NO_BIRTH.of(facts.filter(pl.col("birth_on").is_null() & at_work)),
        NO_ZIP.of(facts.filter(pl.col("postal_code").is_null() & at_work)),
        NO_PAY.of(facts.filter(pl.col("annual_pay_cents").is_null() & at_work)),
    ]


def _partners(facts: pl.DataFrame, current: pl.DataFrame) -> list[pl.DataFrame]:
    spouses = current.filter(pl.col("person_type").is_in(SPOUSES))
    partners = current.filter(pl.col("person_type").is_in(PARTNERS))
    is_married = pl.col("marital_status") == "married"
    return [
        UNMARRIED.of(spouses.filter(~is_married)),
        NO_SPOUSE.of(facts.filter(is_married).join(spouses, on="person_id", how="anti")),
        TWO_PARTNERS.of(partners.filter(pl.len().over("person_id") > 1)),
    ]


def _dependents(current: pl.DataFrame, as_of: date) -> list[pl.DataFrame]:
    age = age_years(pl.col("birth_on"), as_of)
    is_child, is_partner = pl.col("person_type").is_in(CHILDREN), pl.col("person_type").is_in(PARTNERS)
    is_older = pl.col("birth_on") <= pl.col("participant_birth_on")
    return [
        OVER_AGE.of(current.filter(is_child & (age >= CHILD_LIMIT_YEARS) & ~pl.col("is_disabled"))),
        NON_STANDARD.of(current.filter(~is_child & ~is_partner)),
        YOUNG_PARTNER.of(current.filter(is_partner & (age < YOUNGEST_PARTNER_YEARS))),
        OLD_CHILD.of(current.filter(is_child & is_older)),
        NO_DEPENDENT_BIRTH.of(current.filter(pl.col("birth_on").is_null())),
    ]


HUMAN = {
    "first_name": pl.String(),
    "last_name": pl.String(),
    "birth_on": pl.Date(),
    "ssn_hash": pl.String(),
}


def _twice(connection: Any, cases: pl.DataFrame) -> list[pl.DataFrame]:
    """Find dependents who are the same human, and those who are the participant."""
    facts = load_dependents(connection, cases, HUMAN | {"is_former": pl.Boolean()})
    held = in_force(cases, facts, ("dependent_id",)).filter(~pl.col("is_former"))
    owner = cases.select("case", "client_id", "person_id")
    people = held.join(owner, on="case").with_columns(_name_key())
    own = in_force(cases, load_persons(connection, cases, HUMAN)).with_columns(_name_key())
    twins, selves = [], []
    for mark in ("ssn_hash", "name_key"):
        marked = people.filter(pl.col(mark).is_not_null())
        twins.append(marked.filter(pl.len().over("case", mark) > 1))
        selves.append(marked.join(own.select("case", mark).drop_nulls(), on=["case", mark], how="semi"))
    return [TWICE.of(pl.concat(twins)), OWN_DEPENDENT.of(pl.concat(selves))]


def _name_key() -> pl.Expr:
    """What rows of one human have in common without an SSN: name and birth date; null if one is missing."""
    parts = (pl.col(name).str.strip_chars().str.to_lowercase() for name in ("first_name", "last_name"))
    return pl.concat_str(*parts, pl.col("birth_on").cast(pl.String), separator="|").alias("name_key")


def _after_end(jobs: pl.DataFrame) -> pl.DataFrame:
    """Find the job rows that follow an ended one without a rehire."""
    ordered = jobs.sort("person_id", "job_number", "valid_from", "sequence")
    before = pl.col("job_status").shift(1).over("person_id", "job_number")
    goes_on = ~pl.col("job_status").is_in(ENDED) & ~pl.col("action").is_in(["HIR", "REH"])
    return AFTER_END.of(ordered.filter(before.is_in(ENDED) & goes_on))
