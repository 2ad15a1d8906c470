"""What people hold and owe, read from the database as one piece, so that two times can be compared."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.enrollment.frames import POINT, load_coverage, load_covered_dependents
from openbenefits.events.frames import load_events
from openbenefits.payroll.rules.excess import CREDIT, SOLD
from openbenefits.payroll.services import owed
from openbenefits.runs.differences import CONTENT, PLACE, RECORD, total

EVENT = (
    *("schedule_id", "event_number", "event_class_id", "event_on", "process_status", "event_status"),
    "program_id",
)
OWED: dict[str, Any] = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "slot": pl.Int16,
    "pay_group_id": pl.Int64,
    "ends_on": pl.Date,
    "cents": pl.Int64,
    "employer_cents": pl.Int64,
}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What some people hold (points with members as a text) and owe (as OWED)."""

    points: pl.DataFrame
    owed: pl.DataFrame


def load_points(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the points that hold for some benefit records, with the dependents covered as a text."""
    points = load_coverage(connection, people).join(
        people.select(RECORD).unique(), on=list(RECORD), how="semi"
    )
    members = load_covered_dependents(connection, people).sort(*POINT, "dependent_id")
    named = members.group_by(POINT).agg(members=pl.col("dependent_id").cast(pl.String).str.join(" "))
    return points.join(named, on=list(POINT), how="left")


def standing(
    connection: Any, client_id: int, people: pl.DataFrame, *, begin: date, through: date
) -> Standing:
    """Read what some people of a client hold, and what they owe in the pays that end in a span."""
    points = load_points(connection, people)
    if people.is_empty():
        return Standing(points=points, owed=pl.DataFrame(schema=OWED))
    persons = people["person_id"].unique().to_list()
    lines = owed(connection, client_id, begin=begin, through=through, person_ids=persons)
    is_paid = pl.col("kind").is_in([CREDIT, SOLD])
    signed = lines.join(people.select(RECORD).unique(), on=list(RECORD), how="semi").with_columns(
        cents=pl.when(is_paid).then(-pl.col("owed_cents")).otherwise("owed_cents")
    )
    summed = signed.group_by(*PLACE, "pay_group_id", "ends_on").agg(
        total("cents").alias("cents"), total("employer_cents").alias("employer_cents")
    )
    return Standing(points=points, owed=summed.select(pl.col(name).cast(kind) for name, kind in OWED.items()))


def digests(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Answer per benefit record what its events were decided from, and what came of it, as two numbers.

    Shapes: RECORD, fingerprint (inputs), digest (events and coverage as they stand). Equal numbers mean equal
            inputs and results, within one version of the product.
    """
    points = load_points(connection, people)
    events = load_events(connection, people).join(people.select(RECORD), on=list(RECORD), how="semi")
    held = points.select(*RECORD, word=points.select(*PLACE[3:], "begins_on", *CONTENT).hash_rows(seed=11))
    stood = events.select(*RECORD, word=events.select(EVENT).hash_rows(seed=12))
    asked = events.select(*RECORD, word=events.select(*EVENT[:4], "input_fingerprint").hash_rows(seed=13))
    folded = people.select(RECORD).unique()
    for name, rows in (("fingerprint", asked), ("digest", pl.concat([held, stood]))):
        words = rows.group_by(RECORD).agg(pl.col("word").bitwise_xor().alias(name))
        folded = folded.join(words, on=list(RECORD), how="left")
    return folded.with_columns(
        pl.col(name).fill_null(0).reinterpret(signed=True) for name in ("fingerprint", "digest")
    )
