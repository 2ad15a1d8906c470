"""Audit of data before processing (rulings §8): what facts, coverage and rules say of people together.

Everybody is prepared as an event of the default class on the day would be, so that what a run would stumble
over is said beforehand; coverage in force is held against the programs, the tiers and the ends of jobs.
Nothing is written.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.codes import CHILD_TYPES, PersonType
from openbenefits.enrollment.frames import load_held
from openbenefits.enrollment.rules.judged import judged_members
from openbenefits.enrollment.rules.plans import COVERED
from openbenefits.enrollment.rules.prepare import prepare
from openbenefits.enrollment.services import Known, load_known
from openbenefits.programs.frames import load_rulebook, load_setup
from openbenefits.programs.rulebook import Rulebook
from openbenefits.runs import frames
from openbenefits.runs.effects import PERSON, Progress, default_cases
from openbenefits.runs.partitions import PARTITION_PEOPLE, with_partition
from openbenefits.runs.twice import covered_twice
from openbenefits.workforce.audit import ENDED, FINDING, audit_data

HEALTH_PREFIX = "1"
KINDS: dict[str, list[str]] = {
    "spouse": [PersonType.SPOUSE.value],
    "partner": [PersonType.DOMESTIC_PARTNER.value],
    "child": [str(kind) for kind in CHILD_TYPES],
}


def audit_people(
    connection: Any,
    client_ids: Sequence[int],
    as_of: date,
    *,
    progress: Progress | None = None,
    partition_people: int = PARTITION_PEOPLE,
) -> pl.DataFrame:
    """List everything implausible about the people of some clients on a day.

    Shapes: code, client_id, person_id, expected, found, cure; a person has each finding once. Codes of HR20..
            are of facts, HR21.. of facts against coverage and set-up, BA.... what a run would say.
    """
    found = [audit_data(connection, client_ids, as_of)]
    classes = load_setup(connection, client_ids)["event_class"].filter(use="D")
    people = frames.load_scope(connection, client_ids, as_of).select(PERSON)
    if not people.is_empty() and not classes.is_empty():
        rulebook = load_rulebook(connection, client_ids)
        parts = with_partition(people, partition_people).partition_by("partition", include_key=False)
        for done, part in enumerate(parts, start=1):
            found += _of_part(connection, part, classes["event_class_id"][0], as_of, rulebook)
            if progress:
                progress(done, len(parts))
    found += [_named(rows, **texts) for rows, texts in covered_twice(connection, client_ids, as_of)]
    key = ["client_id", "code", "person_id"]
    return pl.concat(found).unique(key, keep="first", maintain_order=True).sort(key)


def _of_part(
    connection: Any, people: pl.DataFrame, event_class_id: int, as_of: date, rulebook: Rulebook
) -> list[pl.DataFrame]:
    cases = default_cases(people, event_class_id, as_of)
    known = load_known(connection, cases, rulebook)
    prepared = prepare(known.situation, rulebook)
    messages = prepared.messages.filter(pl.col("severity") == "E")
    return [
        _named(
            messages.join(cases.select("case", "client_id", "person_id"), on="case"),
            pl.col("code"),
            pl.col("expected"),
            pl.col("found"),
            "Correct the data or the set-up; a run would stop at this person with this message.",
        ),
        *_programs(prepared.cases, known),
        *_coverage(connection, known, rulebook),
        *_decided_prices(known, as_of, rulebook),
        _students(connection, prepared.plans.with_columns(price_on=pl.lit(as_of)), known, rulebook),
    ]


def _programs(cases: pl.DataFrame, known: Known) -> list[pl.DataFrame]:
    """Find people in two programs, and coverage of a program that is not theirs."""
    in_force = known.situation.in_force.filter(pl.col("kind").is_in(COVERED) & ~pl.col("is_future"))
    covered = cases.join(in_force.select("case").unique(), on="case", how="semi")
    at_work = ~pl.col("job_status").is_in(ENDED).fill_null(value=True)
    return [
        _named(
            cases.filter(pl.col("programs_met") > 1),
            "HR2101",
            "one benefit program",
            pl.format("{} of them", "programs_met"),
            "Correct the eligibility rules of the programs, or the person's job.",
        ),
        _named(
            covered.filter((pl.col("programs_met") == 0) & at_work),
            "HR2102",
            "coverage within a benefit program",
            "coverage without one",
            "Correct the job or the rules; else an event will end the coverage.",
        ),
        _named(
            covered.filter(~at_work),
            "HR2103",
            "no coverage after the end of the job",
            "coverage in force",
            "Process the termination, or correct the job.",
        ),
    ]


def _coverage(connection: Any, known: Known, rulebook: Rulebook) -> list[pl.DataFrame]:
    """Compare coverage in force with what is offered, with its tier and with the end of the job."""
    situation = known.situation
    held = situation.in_force.filter(pl.col("kind").is_in(COVERED))
    now = held.filter(~pl.col("is_future"))
    offered = rulebook.options.select("option_id", "coverage_code_id").unique("option_id")
    ended = situation.cases.filter(pl.col("job_status").is_in(ENDED)).select("case")
    return [
        _named(
            now.join(offered, on="option_id", how="anti"),
            "HR2104",
            "an option of a program of the client",
            "coverage in another",
            "Take the coverage over again with the option's present code.",
        ),
        _named(
            held.filter("is_future").join(ended, on="case", how="semi"),
            "HR2105",
            "no coverage to begin after the end of the job",
            "coverage to begin",
            "Withdraw the event that brought it, or correct the job.",
        ),
        _named(
            _wrong_tiers(connection, now.join(offered, on="option_id"), situation.members, rulebook),
            "HR2106",
            "as many covered dependents as the tier says",
            "more, fewer or others",
            "Correct the tier or who is covered, by an event.",
        ),
    ]


def _decided_prices(known: Known, as_of: date, rulebook: Rulebook) -> list[pl.DataFrame]:
    """Find decisions about prices that change nothing: no price that day, or no coverage there."""
    decided = known.situation.price_decisions.filter(
        (pl.col("begins_on") <= as_of) & (pl.col("ends_on").is_null() | (pl.col("ends_on") >= as_of))
    )
    if decided.is_empty():
        return []
    who = known.situation.cases.select("case", "client_id", "person_id")
    rows = decided.join(who, on="case")
    ends = rulebook.programs.select("program_row", "valid_to")
    offered = rulebook.plan_rows.select("plan_row", "program_row", "plan_type", "valid_from").join(
        ends, on="program_row"
    )
    offered = offered.filter((pl.col("valid_from") <= as_of) & (as_of < pl.col("valid_to")))
    costing = rulebook.costs.filter(cost_type="P").select("option_row").unique()
    priced = rulebook.options.join(costing, on="option_row", how="semi").join(offered, on="plan_row")
    is_of_type = pl.col("option_id").is_null()
    unpriced = [
        rows.filter(is_of_type).join(priced, on="plan_type", how="anti"),
        rows.filter(~is_of_type).join(priced, on=["plan_type", "option_id"], how="anti"),
    ]
    held = known.situation.in_force.filter(pl.col("kind").is_in(COVERED) & ~pl.col("is_future"))
    bare = rows.join(held, on=["case", "plan_type"], how="anti")
    return [
        _named(
            pl.concat(unpriced),
            "HR2111",
            "a decided price of an option that has one that day",
            pl.format("none any more in plan type {}", "plan_type"),
            "Undo the decision, or decide for the option that took its place.",
        ),
        _named(
            bare,
            "HR2112",
            "coverage where a price was decided",
            pl.format("none in plan type {}", "plan_type"),
            "Undo the decision if it is for nothing any more; it would count for the next election.",
        ),
    ]


def _students(connection: Any, plans: pl.DataFrame, known: Known, rulebook: Rulebook) -> pl.DataFrame:
    """Find covered students without evidence for the day, who would be too old without being students."""
    situation = known.situation
    held = situation.in_force.filter(pl.col("kind").is_in(COVERED) & ~pl.col("is_future"))
    asked = situation.members.filter("is_student").select("case").unique()
    held = held.join(asked, on="case", how="semi")
    members = load_held(connection, held).members
    judged = judged_members(plans, members, situation.members, rulebook)
    return _named(
        judged.filter(why_not="student").join(
            situation.cases.select("case", "client_id", "person_id"), on="case"
        ),
        "HR2110",
        "evidence that a covered dependent is a student",
        "none, or none any more",
        "Record until when it is evidenced (student_through), or end the dependent's coverage by an event.",
    )


def _wrong_tiers(
    connection: Any, held: pl.DataFrame, members: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Find health coverage whose covered dependents are too many or too few for its coverage code."""
    health = held.filter(pl.col("plan_type").str.starts_with(HEALTH_PREFIX))
    if health.is_empty():
        return health
    covered = load_held(connection, health.drop("coverage_code_id")).members
    kinds = covered.join(members.select("case", "dependent_id", "person_type"), on=["case", "dependent_id"])
    counts = kinds.group_by("case", "plan_type").agg(
        pl.col("person_type").is_in(types).sum().alias(f"{kind}_count") for kind, types in KINDS.items()
    )
    codes = rulebook.coverage_codes.select(
        "coverage_code_id", *(f"{kind}_{end}" for kind in KINDS for end in ("min", "max"))
    ).unique("coverage_code_id")
    rows = health.join(codes, on="coverage_code_id").join(counts, on=["case", "plan_type"], how="left")
    is_right = pl.all_horizontal(
        pl.col(f"{kind}_count").fill_null(0).is_between(pl.col(f"{kind}_min"), pl.col(f"{kind}_max"))
        for kind in KINDS
    )
    return rows.filter(~is_right)


def _named(
    rows: pl.DataFrame, code: str | pl.Expr, expected: str | pl.Expr, found: str | pl.Expr, cure: str
) -> pl.DataFrame:
    """Shape findings."""
    told = {"code": code, "expected": expected, "found": found, "cure": cure}
    texts = {name: pl.lit(value) if isinstance(value, str) else value for name, value in told.items()}
    named = rows.with_columns(**texts)
    return named.select(pl.col(name).cast(kind) for name, kind in FINDING.items())
