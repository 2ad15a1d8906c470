"""What a change of set-up moves, in people and dollars, before it is applied.

Everybody with a job is prepared twice as an event of the default class on the day would be, once by the rules
in force and once by the folder's; whatever differs is listed. Nothing is written: the folder is applied in a
transaction that is undone as soon as its rules have been compiled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core import money
from openbenefits.core.columns import take
from openbenefits.enrollment.rules.plans import COVERED
from openbenefits.enrollment.rules.prepare import Prepared, Situation, prepare
from openbenefits.enrollment.services import load_known
from openbenefits.programs import services as setup
from openbenefits.programs.frames import PEO, load_rulebook, load_setup
from openbenefits.programs.rulebook import Rulebook
from openbenefits.runs import frames
from openbenefits.runs.partitions import PARTITION_PEOPLE, with_partition

Progress = Callable[[int, int], None]
"""Told how many partitions are done, of how many."""

PARTS = ("employee", "employer")
SUMMED = (*PARTS, "employee_pay")
"""What is added up: the cents of a year of both, and what one pay takes of the employee."""
SIDES = ("", "_after")
MONTHS = 12
PERSON = ("client_id", "person_id", "benefit_record")

KINDS = (
    *("program gained", "program lost", "program changed", "option gained", "option lost"),
    *("default changed", "price changed", "error new", "error gone"),
)
"""What can change for a person."""

CHANGES: dict[str, Any] = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "change": pl.String,
    "plan_type": pl.String,
    "old": pl.Int64,
    "new": pl.Int64,
}
"""`old` and `new` are numbers of programs or options, or an option's year for the employee in cents."""

HELD: dict[str, Any] = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "held_option_id": pl.Int32,
    **{f"{name}{side}": kind for side in SIDES for name, kind in (  # of a year, and of one pay
        ("option_id", pl.Int32), *((f"{part}_cents", pl.Int64) for part in SUMMED))},
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SetupEffect:
    """What applying a folder would move.

    changes:    a row per person and change (see CHANGES, KINDS).
    clients:    per client and kind of change, how many people and how many rows.
    plan_types: per client and plan type, the people covered, how many of them change price or lose their
                option, how many have no price on that day, and the cents of a year of both sides, before and
                after.
    plans:      the same per plan, with the cents of a month. `employee_pay` adds up what one pay takes.
    people:     a row per person and plan type whose coverage in force changes price or is lost.
    """

    changes: pl.DataFrame
    clients: pl.DataFrame
    plan_types: pl.DataFrame
    plans: pl.DataFrame
    people: pl.DataFrame


class Rehearsed(Exception):
    """Ends the transaction of a rehearsal, so that nothing of it stays."""


def effect_of(
    connection: Any,
    client_id: int,
    source: setup.Source,
    *,
    as_of: date,
    now: datetime,
    progress: Progress | None = None,
    partition_people: int = PARTITION_PEOPLE,
) -> SetupEffect:
    """Compare what everybody is offered, by default and at what price, with a folder and without, on a day.

    For the PEO's folder (client 0) all clients are looked at. Nothing is written. A folder that cannot be
    applied moves nothing: ask `programs.services.check` why.
    """
    clients = _clients(connection, client_id)
    setup_before = load_setup(connection, clients)
    before = load_rulebook(connection, clients)
    after, options_after = _rehearsed(connection, client_id, clients, source, now=now)
    classes = setup_before["event_class"].filter(use="D")
    people = frames.load_scope(connection, clients, as_of).select(PERSON)
    changes, held = [pl.DataFrame(schema=CHANGES)], [pl.DataFrame(schema=HELD)]
    if after is not None and not people.is_empty() and not classes.is_empty():
        parts = with_partition(people, partition_people).partition_by("partition", include_key=False)
        for done, part in enumerate(parts, start=1):
            cases = default_cases(part, classes["event_class_id"][0], as_of)
            situation, old, new = _both(connection, cases, before, after)
            changes.append(_changes(cases, old, new))
            held.append(_held(cases, situation, old, new))
            if progress:
                progress(done, len(parts))
    options = (
        pl.concat([setup_before["option"], options_after]).select("option_id", "plan_id").unique("option_id")
    )
    return _counted(pl.concat(changes), pl.concat(held), options)


def _clients(connection: Any, client_id: int) -> list[int]:
    if client_id != PEO:
        return [client_id]
    programs = load_setup(connection)["program"]
    return sorted(programs["client_id"].unique())


def _rehearsed(
    connection: Any, client_id: int, clients: Sequence[int], source: setup.Source, *, now: datetime
) -> tuple[Rulebook | None, pl.DataFrame]:
    """Compile the rules as the folder would have them; None where it cannot be applied or changes nothing."""
    kept: list[tuple[Rulebook | None, pl.DataFrame]] = []
    try:
        with transaction.atomic():
            change = setup.apply(
                source, client_id=client_id, applied_by="rehearsal", now=now, is_rehearsal=True
            )
            options = load_setup(connection, clients)["option"]
            is_new = change.outcome == setup.Outcome.APPLIED
            kept.append((load_rulebook(connection, clients) if is_new else None, options))
            raise Rehearsed
    except Rehearsed:
        return kept[0]


def default_cases(people: pl.DataFrame, event_class_id: int, as_of: date) -> pl.DataFrame:
    """Make an event of the default class on the day for everybody."""
    return people.with_columns(
        case=pl.int_range(pl.len(), dtype=pl.Int32),
        schedule_id=pl.lit(0, pl.Int32),
        event_number=pl.lit(0, pl.Int32),
        event_class_id=pl.lit(event_class_id, pl.Int32),
        event_on=pl.lit(as_of),
        received_on=pl.lit(None, pl.Date),
        only_ends_coverage=pl.lit(value=False),
        is_open_enrollment=pl.lit(value=False),
        is_settling=pl.lit(value=True),
    )


Side = tuple[pl.DataFrame, pl.DataFrame]
"""What a person has (program, faults, defaults), and the eligible options with their prices."""


def _both(
    connection: Any, cases: pl.DataFrame, before: Rulebook, after: Rulebook
) -> tuple[Situation, Side, Side]:
    """Prepare the same people by both rulebooks; what is known of them is read once."""
    uses_history = after if after.event_rules["use_history"].any() else before
    situation = load_known(connection, cases, uses_history).situation
    first, second = (_side(prepare(situation, rulebook), rulebook) for rulebook in (before, after))
    return situation, first, second


def _side(prepared: Prepared, rulebook: Rulebook) -> Side:
    program = take(rulebook.programs, prepared.cases["program_row"], "program_id")
    is_faulty = pl.col("process_status").is_in(["AE", "PE"])
    cases = prepared.cases.select("case", is_faulty=is_faulty).with_columns(program)
    plans = prepared.plans.select("plan", "case", "plan_type", "is_ignored", "default_option_id")
    defaults = plans.filter(~pl.col("is_ignored")).select("case", "plan_type", "default_option_id")
    options = prepared.options.join(plans.select("plan", "plan_type"), on="plan").select(
        "case",
        "plan_type",
        "option_id",
        employee_cents=money.add(pl.col("annual_before_tax_cents"), pl.col("annual_after_tax_cents")),
        employer_cents=pl.col("annual_employer_cents"),
        employee_pay_cents=money.add(pl.col("pay_before_tax_cents"), pl.col("pay_after_tax_cents")),
    )
    return cases.join(defaults, on="case", how="left"), options


def _changes(cases: pl.DataFrame, before: Side, after: Side) -> pl.DataFrame:
    """List what changes for each person."""
    found = pl.concat(
        [
            *_program_changes(before[0], after[0]),
            *_option_changes(before[1], after[1]),
            _default_changes(before[0], after[0]),
        ],
        how="diagonal",
    )
    rows = found.join(cases.select("case", *PERSON), on="case")
    return rows.select(pl.col(name).cast(kind) for name, kind in CHANGES.items())


def _program_changes(before: pl.DataFrame, after: pl.DataFrame) -> list[pl.DataFrame]:
    columns = ["case", "program_id", "is_faulty"]
    both = (
        before.select(columns)
        .unique("case")
        .join(after.select(columns).unique("case"), on="case", suffix="_after")
    )
    old, new = pl.col("program_id"), pl.col("program_id_after")
    blank = pl.lit(None, pl.String)
    kind = (
        pl.when(old.is_null() & new.is_not_null())
        .then(pl.lit("program gained"))
        .when(old.is_not_null() & new.is_null())
        .then(pl.lit("program lost"))
        .when(old != new)
        .then(pl.lit("program changed"))
    )
    fault = (
        pl.when(~pl.col("is_faulty") & pl.col("is_faulty_after"))
        .then(pl.lit("error new"))
        .when(pl.col("is_faulty") & ~pl.col("is_faulty_after"))
        .then(pl.lit("error gone"))
    )
    nothing = pl.lit(None, pl.Int64)
    return [
        both.select("case", change=kind, plan_type=blank, old=old.cast(pl.Int64), new=new.cast(pl.Int64)),
        both.select("case", change=fault, plan_type=blank, old=nothing, new=nothing),
    ]


def _option_changes(before: pl.DataFrame, after: pl.DataFrame) -> list[pl.DataFrame]:
    key = ["case", "plan_type", "option_id"]
    gained, lost = after.join(before, on=key, how="anti"), before.join(after, on=key, how="anti")
    both = before.join(after, on=key, suffix="_after")
    is_moved = pl.any_horizontal(
        pl.col(f"{part}_cents").ne_missing(pl.col(f"{part}_cents_after")) for part in PARTS
    )
    option, none = pl.col("option_id").cast(pl.Int64), pl.lit(None, pl.Int64)
    return [
        gained.select("case", "plan_type", change=pl.lit("option gained"), old=none, new=option),
        lost.select("case", "plan_type", change=pl.lit("option lost"), old=option, new=none),
        both.filter(is_moved).select(
            "case",
            "plan_type",
            change=pl.lit("price changed"),
            old="employee_cents",
            new="employee_cents_after",
        ),
    ]


def _default_changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    key = ["case", "plan_type"]
    columns = [*key, "default_option_id"]
    both = before.select(columns).drop_nulls("plan_type").join(
        after.select(columns).drop_nulls("plan_type"), on=key, suffix="_after"
    )  # fmt: skip
    old, new = pl.col("default_option_id").cast(pl.Int64), pl.col("default_option_id_after").cast(pl.Int64)
    changed = both.filter(old.ne_missing(new))
    return changed.select(*key, change=pl.lit("default changed"), old=old, new=new)


def _held(cases: pl.DataFrame, situation: Situation, before: Side, after: Side) -> pl.DataFrame:
    """Put the price of what people have before and after side by side."""
    in_force = situation.in_force.filter(pl.col("kind").is_in(COVERED) & ~pl.col("is_future"))
    rows = in_force.select("case", "plan_type", "option_id", held_option_id="option_id")
    key = ["case", "plan_type", "option_id"]
    for side, suffix in ((before[1], ""), (after[1], "_after")):
        prices = side.select(
            *key,
            pl.col("option_id").alias(f"is_offered{suffix}"),
            pl.col([f"{part}_cents" for part in SUMMED]).name.suffix(suffix),
        )
        rows = rows.join(prices, on=key, how="left")
    renamed = rows.drop("option_id").rename(
        {"is_offered": "option_id", "is_offered_after": "option_id_after"}
    )
    return renamed.join(cases.select("case", *PERSON), on="case").select(
        pl.col(name).cast(kind) for name, kind in HELD.items()
    )


def _counted(changes: pl.DataFrame, held: pl.DataFrame, options: pl.DataFrame) -> SetupEffect:
    """Count people and add up dollars."""
    changes = changes.drop_nulls("change").sort(*PERSON, "change", "plan_type", "old", "new")
    moved = pl.any_horizontal(
        pl.col(f"{part}_cents").ne_missing(pl.col(f"{part}_cents_after")) for part in PARTS
    )
    is_lost = pl.col("option_id").is_not_null() & pl.col("option_id_after").is_null()
    rows = held.with_columns(is_lost=is_lost, is_changed=moved | is_lost)
    with_plan = rows.join(
        options.rename({"option_id": "held_option_id"}),
        on="held_option_id",
        how="left",
        maintain_order="left",
    )
    return SetupEffect(
        changes=changes,
        clients=changes.group_by("client_id", "change")
        .agg(people=pl.struct("person_id", "benefit_record").n_unique(), rows=pl.len())
        .sort("client_id", "change"),
        plan_types=_sums(rows, "client_id", "plan_type"),
        plans=_with_months(_sums(with_plan, "client_id", "plan_type", "plan_id")),
        people=rows.filter("is_changed").sort(*PERSON, "plan_type"),
    )


def _sums(rows: pl.DataFrame, *key: str) -> pl.DataFrame:
    known = [pl.col(f"{part}_cents{side}") for part in SUMMED for side in SIDES]
    return (
        rows.group_by(key)
        .agg(
            pl.len().alias("people"),
            pl.col("is_changed").sum().alias("changed"),
            pl.col("is_lost").sum().alias("lost"),
            pl.col("employee_cents_after").is_null().sum().alias("without_price"),
            *(column.drop_nulls().sum() for column in known),
        )
        .sort(key)
    )


def _with_months(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the cents of a month: a twelfth of the year, rounded (docs/rules.md §7.2)."""
    return rows.with_columns(
        money.divide_half_up(pl.col(f"{part}_cents{side}"), MONTHS).alias(f"{part}_month_cents{side}")
        for part in PARTS
        for side in SIDES
    )
