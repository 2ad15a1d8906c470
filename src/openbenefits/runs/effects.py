"""What a change of set-up moves, in people and dollars, before it is applied."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core import money
from openbenefits.enrollment.rules.plans import COVERED
from openbenefits.enrollment.rules.prepare import prepare
from openbenefits.enrollment.services import load_known
from openbenefits.programs import services as setup
from openbenefits.programs.frames import PEO, load_rulebook, load_setup
from openbenefits.runs import frames

PARTS = ("employee", "employer")


@dataclass(frozen=True, kw_only=True)
class SetupEffect:
    """What applying a folder would move.

    plan_types: one row per client and plan type: people covered, how many would change price or lose their
                option, and the annual cents of both sides before and after.
    people:     one row per person and plan type that changes.
    """

    plan_types: pl.DataFrame
    people: pl.DataFrame


class Rehearsed(Exception):
    """Ends the transaction of a rehearsal, so that nothing of it stays."""


def effect_of(connection: Any, client_id: int, folder: Path, *, as_of: date, now: datetime) -> SetupEffect:
    """Price everybody's present coverage with the set-up in force and with a folder's, as of a day.

    For the PEO's folder (client 0) all clients are priced. Nothing is written. A folder that cannot be
    applied moves nothing: ask `programs.services.check` why.
    """
    clients = _clients(connection, client_id)
    before = pl.concat([_priced(connection, client, as_of) for client in clients])
    after = before.clear()
    try:
        with transaction.atomic():
            change = setup.apply(folder, client_id=client_id, applied_by="rehearsal", now=now)
            if change.outcome == setup.Outcome.APPLIED:
                after = pl.concat([_priced(connection, client, as_of) for client in clients])
            else:
                after = before
            raise Rehearsed
    except Rehearsed:
        return _compared(before, after)


def _clients(connection: Any, client_id: int) -> list[int]:
    if client_id != PEO:
        return [client_id]
    programs = load_setup(connection)["program"]
    return sorted(programs["client_id"].unique())


_KEY = ("client_id", "person_id", "benefit_record", "plan_type")
_PRICED = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "option_id": pl.Int32,
    "employee_cents": pl.Int64,
    "employer_cents": pl.Int64,
}


def _priced(connection: Any, client_id: int, as_of: date) -> pl.DataFrame:
    """Price what people have, as an event of the default class on the day would."""
    classes = load_setup(connection, [client_id])["event_class"].filter(use="D")
    people = frames.load_scope(connection, [client_id], as_of)
    if people.is_empty() or classes.is_empty():
        return pl.DataFrame(schema=_PRICED)
    cases = people.select("client_id", "person_id", "benefit_record").with_columns(
        case=pl.int_range(pl.len(), dtype=pl.Int32),
        schedule_id=pl.lit(0, pl.Int32),
        event_number=pl.lit(0, pl.Int32),
        event_class_id=pl.lit(classes["event_class_id"][0], pl.Int32),
        event_on=pl.lit(as_of),
        received_on=pl.lit(None, pl.Date),
        only_ends_coverage=pl.lit(value=False),
        is_open_enrollment=pl.lit(value=False),
        is_settling=pl.lit(value=True),
    )
    rulebook = load_rulebook(connection, [client_id])
    known = load_known(connection, cases, rulebook)
    prepared = prepare(known.situation, rulebook)
    held = known.situation.in_force.filter(pl.col("kind").is_in(COVERED) & ~pl.col("is_future"))
    held = held.select("case", "plan_type", "option_id")
    options = prepared.options.join(prepared.plans.select("plan", "plan_type"), on="plan")
    prices = options.select(
        "case",
        "plan_type",
        "option_id",
        employee_cents=money.add(pl.col("annual_before_tax_cents"), pl.col("annual_after_tax_cents")),
        employer_cents=pl.col("annual_employer_cents"),
    )
    offered = prices.join(held, on=["case", "plan_type", "option_id"], how="semi")
    rows = held.join(offered, on=["case", "plan_type", "option_id"], how="left")
    keys = cases.select("case", "client_id", "person_id", "benefit_record")
    rows = rows.join(keys, on="case").join(
        offered.select("case", "plan_type", is_offered=pl.lit(value=True)),
        on=["case", "plan_type"],
        how="left",
    )
    kept = rows.with_columns(option_id=pl.when("is_offered").then("option_id"))
    return kept.select(pl.col(name).cast(kind) for name, kind in _PRICED.items())


def _compared(before: pl.DataFrame, after: pl.DataFrame) -> SetupEffect:
    """Put both prices of each person side by side and count."""
    rows = before.join(after, on=list(_KEY), how="full", suffix="_after", coalesce=True)
    lost = pl.col("option_id").is_not_null() & pl.col("option_id_after").is_null()
    moved = pl.any_horizontal(
        pl.col(f"{part}_cents").ne_missing(pl.col(f"{part}_cents_after")) for part in PARTS
    )
    rows = rows.with_columns(is_lost=lost, is_changed=moved | lost)
    known = [pl.col(f"{part}_cents{when}") for part in PARTS for when in ("", "_after")]
    plan_types = rows.group_by("client_id", "plan_type").agg(
        pl.len().alias("people"),
        pl.col("is_changed").sum().alias("changed"),
        pl.col("is_lost").sum().alias("lost"),
        *(column.drop_nulls().sum() for column in known),
    )
    return SetupEffect(
        plan_types=plan_types.sort("client_id", "plan_type"),
        people=rows.filter("is_changed").sort(list(_KEY)),
    )
