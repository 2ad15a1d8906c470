"""What follows when two person ids become one, and goes back when they part: facts, coverage, pays."""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.enrollment.frames import POINT, load_all_points, load_coverage
from openbenefits.enrollment.points import CHILDREN, above_all_versions, copy_points, supersede
from openbenefits.enrollment.taking_back import take_back_postings, write_again
from openbenefits.events.frames import load_events
from openbenefits.payroll.models import Taken
from openbenefits.repair.following_activity import give_activity_back, waiting_twice
from openbenefits.repair.following_acts import bring_unread, give_unread_back
from openbenefits.repair.following_continued import continued_twice
from openbenefits.repair.models import PersonMerge
from openbenefits.store.bulk import copy_in, copy_out, schema_of
from openbenefits.store.keys import PEOPLE, people_arrays
from openbenefits.workforce.models import Dependent, FactChange
from openbenefits.workforce.recording import (
    ADDRESSES,
    BENEFIT_BASES,
    DEPENDENTS,
    JOBS,
    LIFE_EVENTS,
    PERSONS,
    FactFrames,
    FactTable,
    add_dependents,
    known_versions,
    latest_versions,
    record_facts,
)
from openbenefits.workforce.undo import TAKEN_BACK

OWNED = {
    "persons": PERSONS,
    "addresses": ADDRESSES,
    "jobs": JOBS,
    "life_events": LIFE_EVENTS,
    "benefit_bases": BENEFIT_BASES,
}
MERGED = "merged: taken over under another person id"
"""The rule of a change point that came from the other person id."""
RENAMED = {"old_dependent": pl.Int64, "dependent_id": pl.Int64}


def ties_of(
    connection: Any, people: pl.DataFrame, survivor_id: int, same: pl.DataFrame
) -> list[tuple[str, int, str]]:
    """Count what stands in the way of merging somebody into another: what, how many, what to do first.

    Shapes: same as RENAMED, of the dependents both have.
    """
    twice = waiting_twice(connection, people, survivor_id)
    continued = continued_twice(connection, people, survivor_id, same)
    return [
        ("activity that waits of both, alike", twice, "run event maintenance, or delete it of one"),
        ("coverage both continue on the same days", continued, "take it in again as withdrawn of one"),
    ]


# --- facts --------------------------------------------------------------------------------------------------


def bring_facts(
    client_id: int, person_id: int, survivor_id: int, author: str, run_id: int, now: datetime
) -> tuple[int, pl.DataFrame]:
    """Let the facts of one be facts of the other; answer the change, and whose dependents are whose.

    What no run has read is unread still. Where the survivor has a fact of the same key, that one stands.
    """
    frames: dict[str, pl.DataFrame | None] = {}
    frames |= {name: _following(table, client_id, person_id, survivor_id) for name, table in OWNED.items()}
    renamed = _same_dependents(client_id, person_id, survivor_id)
    frames["dependents"] = _dependents(client_id, survivor_id, renamed)
    label = f"person {person_id} is person {survivor_id}"
    change = record_facts(client_id, FactFrames(**frames), kind="merge", label=label, made_by=author, now=now)
    _mark_read(client_id, change.pk)
    bring_unread(client_id, person_id, survivor_id, change.pk, run_id)
    return change.pk, renamed


def _mark_read(client_id: int, change_id: int) -> None:
    """Let no run make events of facts that only changed hands: their events came along."""
    FactChange.objects.filter(client_id=client_id, change_id=change_id).update(consumed_by_run=TAKEN_BACK)


def _held(table: FactTable, client_id: int, owners: pl.Series) -> pl.DataFrame:
    known = latest_versions(table, known_versions(table, client_id, owners))
    return known.filter(~pl.col("is_deleted")).select(list(table.columns))


def _one(person_id: int) -> pl.Series:
    return pl.Series([person_id], dtype=pl.Int64)


def _following(table: FactTable, client_id: int, person_id: int, survivor_id: int) -> pl.DataFrame:
    theirs, own = (_held(table, client_id, _one(owner)) for owner in (person_id, survivor_id))
    key = [name for name in table.key if name != "person_id"]
    came = theirs.join(own, on=key, how="anti").with_columns(person_id=pl.lit(survivor_id, pl.Int64))
    return pl.concat(
        [
            came.with_columns(is_deleted=pl.lit(value=False)),
            theirs.with_columns(is_deleted=pl.lit(value=True)),
        ]
    )


def _listed(client_id: int, person_id: int, *, with_deleted: bool = False) -> pl.DataFrame:
    """List the dependents of somebody with what they are recognised by."""
    rows = list(
        Dependent.objects.filter(client_id=client_id, person_id=person_id).values_list("pk", "number")
    )
    listed = pl.DataFrame(rows, schema={"dependent_id": pl.Int64, "number": pl.Int64}, orient="row")
    known = latest_versions(DEPENDENTS, known_versions(DEPENDENTS, client_id, listed["dependent_id"]))
    facts = known.filter(~pl.col("is_deleted") | with_deleted).sort("valid_from")
    last = facts.unique("dependent_id", keep="last").select(
        "dependent_id",
        "ssn_hash",
        who=pl.concat_str(
            pl.col("first_name").str.to_lowercase(),
            pl.col("last_name").str.to_lowercase(),
            pl.col("birth_on").cast(pl.String),
            separator="|",
        ),
    )
    return listed.join(last, on="dependent_id", how="left")


def dependents_of_both(
    client_id: int, person_id: int, survivor_id: int, *, with_deleted: bool = False
) -> pl.DataFrame:
    """Find the survivor's dependent for each of the other's that is one of both: RENAMED.

    `with_deleted`: also those whose facts were deleted since, as a merge deletes those of the other.
    """
    theirs, own = (_listed(client_id, one, with_deleted=with_deleted) for one in (person_id, survivor_id))
    return _alike(theirs, own).select(old_dependent="dependent_id", dependent_id="same")


def _alike(theirs: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Pair dependents by SSN, else by name and birth date: dependent_id, same."""
    matches = [
        theirs.drop_nulls(by)
        .join(own.drop_nulls(by), on=by)
        .select("dependent_id", same="dependent_id_right")
        for by in ("ssn_hash", "who")
    ]
    return pl.concat(matches).unique("dependent_id", keep="first", maintain_order=True)


def _same_dependents(client_id: int, person_id: int, survivor_id: int) -> pl.DataFrame:
    """Find, or add, the survivor's dependent for each of the other's: RENAMED."""
    theirs, own = _listed(client_id, person_id), _listed(client_id, survivor_id)
    same = _alike(theirs, own)
    new = theirs.join(same, on="dependent_id", how="anti").sort("number")
    highest = own["number"].max() if own.height else 0
    added = add_dependents(
        client_id,
        new.select(
            old_dependent="dependent_id",
            person_id=pl.lit(survivor_id, pl.Int64),
            number=pl.int_range(pl.len()) + 1 + pl.lit(highest),
        ),
    )
    found = same.select(old_dependent="dependent_id", dependent_id="same")
    return pl.concat([found, added.select("old_dependent", "dependent_id")]).select(
        pl.col(name).cast(kind) for name, kind in RENAMED.items()
    )


def _dependents(client_id: int, survivor_id: int, renamed: pl.DataFrame) -> pl.DataFrame | None:
    if renamed.is_empty():
        return None
    theirs = _held(DEPENDENTS, client_id, renamed["old_dependent"])
    own = _held(DEPENDENTS, client_id, renamed["dependent_id"]).select("dependent_id").unique()
    came = (
        theirs.rename({"dependent_id": "old_dependent"})
        .join(renamed, on="old_dependent")
        .join(own, on="dependent_id", how="anti")
        .with_columns(person_id=pl.lit(survivor_id, pl.Int64))
        .select(theirs.columns)
    )
    return pl.concat(
        [
            came.with_columns(is_deleted=pl.lit(value=False)),
            theirs.with_columns(is_deleted=pl.lit(value=True)),
        ]
    )


# --- coverage that was taken over ---------------------------------------------------------------------------


def bring_points(
    connection: Any,
    people: pl.DataFrame,
    survivor_id: int,
    renamed: pl.DataFrame,
    run_id: int,
    *,
    now: datetime,
) -> None:
    """Let coverage that no event made be the survivor's, but of plan types where that one took some over too.

    What events of both posted is taken back first: it is decided again anyway.
    """
    take_back_postings(connection, load_events(connection, people), run_id=run_id, now=now)
    points = load_coverage(connection, people).filter(pl.col("schedule_id").is_null())
    is_own = pl.col("person_id") == survivor_id
    theirs, own = points.filter(~is_own), points.filter(is_own)
    supersede(connection, theirs.select(POINT), run_id=run_id, now=now)
    came = theirs.join(own, on=["benefit_record", "plan_type", "slot"], how="anti").rename({"version": "was"})
    if came.is_empty():
        return
    given = came.with_columns(
        was_person="person_id",
        person_id=pl.lit(survivor_id, pl.Int64),
        rule=pl.lit(MERGED),
        version=pl.lit(0, pl.Int32),
        run_id=pl.lit(run_id, pl.Int64),
    )
    new = above_all_versions(connection, given)
    copy_points(connection, new, now=now)
    places = new.select(*POINT, "was", "was_person")
    for model, load in CHILDREN:
        rows = load(connection, people).rename({"version": "was", "person_id": "was_person"})
        key = [name for name in POINT if name not in ("person_id", "version")]
        found = rows.join(places, on=[*key, "was", "was_person"])
        if "dependent_id" in found.columns:
            found = found.rename({"dependent_id": "old_dependent"}).join(renamed, on="old_dependent")
        columns = schema_of(model)
        copy_in(connection, model._meta.db_table, found.select(pl.col(n).cast(k) for n, k in columns.items()))


# --- what payroll took --------------------------------------------------------------------------------------

SERIES = ("benefit_record", "plan_type", "kind", "tax_class", "pay_group_id", "ends_on")


def _taken(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the last word about what each pay took of both."""
    schema = schema_of(Taken)
    query = (
        f"SELECT {', '.join(schema)} FROM payroll_taken AS t JOIN {PEOPLE} AS k USING (client_id, person_id)"  # noqa: S608
    )
    rows = copy_out(connection, query, schema, people_arrays(people))
    return rows.sort("version").unique(["client_id", "person_id", *SERIES], keep="last", maintain_order=True)


def bring_taken(
    connection: Any, people: pl.DataFrame, survivor_id: int, change_id: int, *, now: datetime
) -> None:
    """Let what pays took of one be taken of the other: it was one human's pay."""
    last = _taken(connection, people)
    is_own = pl.col("person_id") == survivor_id
    theirs = last.filter(~is_own & ~pl.col("is_deleted"))
    own = last.filter(is_own).select(
        *SERIES, own_version="version", own_cents="taken_cents", own_gone="is_deleted"
    )
    both = theirs.join(own, on=list(SERIES), how="left")
    kept = pl.when(pl.col("own_gone").fill_null(value=True)).then(0).otherwise("own_cents")
    came = both.with_columns(
        person_id=pl.lit(survivor_id, pl.Int64),
        version=pl.col("own_version").fill_null(0) + 1,
        taken_cents=pl.col("taken_cents") + kept,
    )
    gone = theirs.with_columns(version=pl.col("version") + 1, is_deleted=pl.lit(value=True))
    _write_taken(connection, [came, gone], change_id, now)


def _write_taken(connection: Any, parts: list[pl.DataFrame], change_id: int, now: datetime) -> None:
    columns = schema_of(Taken)
    for rows in parts:
        stamped = rows.with_columns(
            change_id=pl.lit(change_id, pl.Int64), known_since=pl.lit(now).cast(pl.Datetime("us", "UTC"))
        )
        copy_in(connection, "payroll_taken", stamped.select(pl.col(n).cast(k) for n, k in columns.items()))


# --- going back ---------------------------------------------------------------------------------------------


def give_back(
    connection: Any, people: pl.DataFrame, change_id: int, last: PersonMerge, run_id: int, *, now: datetime
) -> int:
    """Give coverage and pays that followed back; the facts are back already, by a change: answer it."""
    give_unread_back(last, change_id)
    give_activity_back(connection, people, last, change_id)
    take_back_postings(connection, load_events(connection, people), run_id=run_id, now=now)
    held = load_coverage(connection, people)
    copies = held.filter(person_id=last.survivor_id, rule=MERGED)
    supersede(connection, copies.select(POINT), run_id=run_id, now=now)
    all_points = load_all_points(connection, people)
    theirs = all_points.filter(
        pl.col("schedule_id").is_null(), person_id=last.person_id, superseded_by_run=last.run_id
    )
    write_again(connection, theirs, run_id=run_id, now=now)
    _give_taken_back(connection, people, last, change_id, now)
    return change_id


def _give_taken_back(
    connection: Any, people: pl.DataFrame, last: PersonMerge, change_id: int, now: datetime
) -> None:
    rows = _taken(connection, people)
    theirs = rows.filter(person_id=last.person_id, change_id=last.change_id)
    back = theirs.with_columns(version=pl.col("version") + 1, is_deleted=pl.lit(value=False))
    own = rows.filter(person_id=last.survivor_id).join(
        theirs.select(*SERIES, came_cents="taken_cents"), on=list(SERIES)
    )
    rest = pl.col("taken_cents") - pl.col("came_cents")
    less = own.with_columns(version=pl.col("version") + 1, taken_cents=rest, is_deleted=rest == 0)
    _write_taken(connection, [back, less], change_id, now)
