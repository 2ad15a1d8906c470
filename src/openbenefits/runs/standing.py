"""What people hold and owe, read from the database as one piece, so that two times can be compared."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.columns import in_types
from openbenefits.enrollment.frames import POINT, load_coverage, load_covered_dependents
from openbenefits.events.frames import load_events
from openbenefits.payroll.owing import load_owing, owed_apart
from openbenefits.payroll.rules.apart import Owing
from openbenefits.payroll.rules.excess import CREDIT, SOLD
from openbenefits.programs.frames import load_rulebook
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
    """What some people hold: points with members as a text, and what the amounts they owe follow from."""

    points: pl.DataFrame
    owing: Owing


def standing(connection: Any, client_id: int, people: pl.DataFrame) -> Standing:
    """Read what some people of a client hold.

    Shapes: people has RECORD.
    """
    points = _held_points(connection, people)
    owing = load_owing(connection, points, load_rulebook(connection, [client_id]))
    members = owing.members.sort(*POINT, "dependent_id")
    return Standing(points=_with_members(points, members), owing=owing)


def load_points(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the points that hold for some benefit records, with the dependents covered as a text."""
    members = load_covered_dependents(connection, people).sort(*POINT, "dependent_id")
    return _with_members(_held_points(connection, people), members)


def _held_points(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    records = people.select(RECORD).unique()
    return load_coverage(connection, people).join(records, on=list(RECORD), how="semi")


def _with_members(points: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    named = members.group_by(POINT).agg(members=pl.col("dependent_id").cast(pl.String).str.join(" "))
    return points.join(named, on=list(POINT), how="left")


def owed_on_sides(
    connection: Any, client_id: int, before: Standing, after: Standing, *, begin: date, through: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answer what people owe in the pays that end in a span, before and after, where that may differ.

    Shapes: OWED, twice. No fact and no set-up may have changed between the two.
    """
    sides = before.owing, after.owing
    lines = owed_apart(connection, client_id, sides, begin=begin, through=through)
    return _summed(lines[0]), _summed(lines[1])


def _summed(lines: pl.DataFrame) -> pl.DataFrame:
    """Add what is owed up by place and pay; what is paid to the person counts against it."""
    is_paid = pl.col("kind").is_in([CREDIT, SOLD])
    signed = lines.with_columns(cents=pl.when(is_paid).then(-pl.col("owed_cents")).otherwise("owed_cents"))
    summed = signed.group_by(*PLACE, "pay_group_id", "ends_on").agg(
        total("cents").alias("cents"), total("employer_cents").alias("employer_cents")
    )
    return in_types(summed, OWED)


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
