"""Leaves without pay as the facts, the set-up and what was agreed tell of them."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.payroll.frames import load_leave_acts, load_people_away
from openbenefits.payroll.rules.leaves import LEAVE, TERMS, WAYS, leaves_of, with_policies, with_ways
from openbenefits.payroll.rules.takings import OWNER
from openbenefits.programs.frames import load_setup
from openbenefits.workforce.frames import load_jobs, primary_jobs


def load_leaves(connection: Any, client_id: int, person_ids: Sequence[int] | None = None) -> pl.DataFrame:
    """Load the leaves without pay of a client's people, with the policy and the way each is paid for.

    Shapes: LEAVE with TERMS and WAYS of `rules.leaves`.
    """
    people = load_people_away(connection, client_id, person_ids)
    if people.is_empty():
        return pl.DataFrame(schema={**LEAVE, **TERMS, **WAYS})
    known = leaves_of(_history(connection, people))
    policies = load_setup(connection, [client_id])["leave_policy"]
    acts = load_leave_acts(connection, client_id, person_ids)
    return with_ways(with_policies(known, policies), acts)


def _history(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Find the primary job of each benefit record on every day on which a job row of the person begins."""
    jobs = load_jobs(connection, people)
    days = jobs.select("person_id", as_of="valid_from").unique()
    records = jobs.select("person_id", "benefit_record").unique()
    asked = records.join(days, on="person_id").join(people, on="person_id")
    cases = asked.sort(*OWNER, "as_of").with_columns(case=pl.int_range(pl.len(), dtype=pl.Int32))
    held = primary_jobs(cases, jobs).select("case", "job_status", "action", "reason")
    return cases.join(held, on="case")
