"""A rehearsal carried out, client by client: who is as rehearsed gets exactly that, the others are listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.runs import models
from openbenefits.runs.acts import COMMIT, record_act, refuse_same_person
from openbenefits.runs.differences import PLACE, RECORD
from openbenefits.runs.limits import dollars_text, exceeded, limits_of, needs_second_person
from openbenefits.runs.processing import Progress, go_through
from openbenefits.runs.publishing import close, rehearse_run
from openbenefits.runs.rehearsals import Rehearsal
from openbenefits.runs.rehearsing import added_up
from openbenefits.runs.services import start_run

COMMITTED, LEFT_OUT = "committed", "left out"
SAME, CHANGED, NEW, GONE = "as rehearsed", "changed", "new in scope", "no longer in scope"


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How much of a client may differ from its rehearsal: people whose result differs, dollars of the year.

    None is no limit.
    """

    people: int | None = 0
    cents: int | None = 0


@dataclass(frozen=True, kw_only=True)
class Commit:
    """What committing a rehearsal came to for one client.

    state:   committed, or left out: nothing of the client was written; `why` says it.
    differing: RECORD of those not as rehearsed: `how` (changed, new in scope, no longer in scope), whether
               their result differs, and by how many cents of the year.
    """

    client_id: int
    run_id: int | None
    state: str
    why: str
    people: int
    differing: pl.DataFrame


def commit(
    connection: Any,
    rehearsal: Rehearsal,
    *,
    now: datetime,
    author: str,
    tolerance: Tolerance,
    clients: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> list[Commit]:
    """Carry a rehearsal out for its clients, or some of them, each in one transaction.

    Errors: ActRefused where a client wants a second person; gate.RunHeld; NoRehearsal for another client.
    """
    asked = list(clients) if clients is not None else [order.client_id for order in rehearsal.orders]
    for client_id in asked:
        second = needs_second_person(connection, client_id, COMMIT)
        refuse_same_person(second, rehearsal.made_by, author, f"rehearsal {rehearsal.number}")
    done = []
    for number, client_id in enumerate(asked, start=1):
        done.append(
            _commit_client(connection, rehearsal, client_id, now=now, author=author, tolerance=tolerance)
        )
        if progress:
            progress(number, len(asked))
    return done


class _Left(Exception):
    """Ends the transaction of a client that is left out."""


def _commit_client(
    connection: Any,
    rehearsal: Rehearsal,
    client_id: int,
    *,
    now: datetime,
    author: str,
    tolerance: Tolerance,
) -> Commit:
    """Compute a client anew with everybody locked, compare with the rehearsal, and publish it or leave it."""
    order = rehearsal.order_of(client_id)
    kept: list[Commit] = []
    try:
        with transaction.atomic():
            started = start_run(connection, order, now=now)
            parts = rehearse_run(connection, started, now=now)
            people = pl.concat([part.people for part in parts]) if parts else rehearsal.people.clear()
            changes = pl.concat([rehearsal.differences.clear(), *(part.differences for part in parts)])
            differing = compare(
                rehearsal.people.filter(client_id=client_id),
                people,
                rehearsal.differences.filter(client_id=client_id),
                changes,
            )
            limits = limits_of(connection, client_id, order.schedule_id, order.as_of)
            why = _too_much(differing, tolerance)
            # what was rehearsed was looked at: it counts as released
            allowed = rehearsal.measures[client_id]
            why += [one.sentence() for one in exceeded(limits, added_up(parts), allowed)]
            told = Commit(
                client_id=client_id,
                run_id=None if why else started.pk,
                state=LEFT_OUT if why else COMMITTED,
                why="; ".join(why),
                people=people.height,
                differing=differing,
            )
            kept.append(told)
            if why:
                raise _Left
            _publish(connection, started, rehearsal, author, now)
    except _Left:
        pass
    return kept[0]


def _publish(connection: Any, started: models.Run, rehearsal: Rehearsal, author: str, now: datetime) -> None:
    record_act(
        connection,
        started,
        COMMIT,
        reason=f"rehearsal {rehearsal.number} committed",
        author=author,
        now=now,
        prepared_by=rehearsal.made_by,
    )
    started.options = started.options | {"rehearsal": rehearsal.number}
    started.save(update_fields=["options"])
    go_through(connection, started, now=now, workers=1, progress=None)
    close(started, now)


def _too_much(differing: pl.DataFrame, tolerance: Tolerance) -> list[str]:
    """Say what of the differences goes beyond what the operator allows."""
    found = differing.filter("is_result_different")
    cents = found["cents"].drop_nulls().sum()
    why = []
    if tolerance.people is not None and found.height > tolerance.people:
        why.append(
            f"at most {tolerance.people:,} people with another result expected, {found.height:,} found"
        )
    if tolerance.cents is not None and cents > tolerance.cents:
        most, there = dollars_text(tolerance.cents), dollars_text(int(cents))
        why.append(f"at most {most} of the year that differ expected, {there} found")
    if tolerance.cents is not None and found["cents"].null_count():
        why.append(f"the dollars of {found['cents'].null_count():,} people cannot be found")
    return why


def compare(
    rehearsed: pl.DataFrame, people: pl.DataFrame, expected: pl.DataFrame, found: pl.DataFrame
) -> pl.DataFrame:
    """List who is not as rehearsed: RECORD, how, is_result_different, cents (of the year, either way).

    Shapes: rehearsed and people as `Rehearsal.people`; expected and found as DIFFERENCES.
    Missing: cents are null where an amount of either side is unknown.
    """
    columns = [*RECORD, "fingerprint", "digest"]
    sides = [
        rows.select(columns).with_columns(pl.lit(value=True).alias(name))
        for name, rows in (("was_there", rehearsed), ("is_there", people))
    ]
    both = sides[0].join(sides[1], on=list(RECORD), how="full", coalesce=True, suffix="_now")
    how = (
        pl.when(pl.col("was_there").is_null())
        .then(pl.lit(NEW))
        .when(pl.col("is_there").is_null())
        .then(pl.lit(GONE))
        .when(pl.col("fingerprint") != pl.col("fingerprint_now"))
        .then(pl.lit(CHANGED))
        .when(pl.col("digest") != pl.col("digest_now"))
        .then(pl.lit(CHANGED))
        .otherwise(pl.lit(SAME))
    )
    listed = both.with_columns(how=how, is_result_different=pl.col("digest").ne_missing(pl.col("digest_now")))
    listed = listed.filter(pl.col("how") != SAME).select(*RECORD, "how", "is_result_different")
    return listed.join(_years(expected, found), on=list(RECORD), how="left").with_columns(
        cents=pl.when(pl.col("is_unknown").fill_null(value=False)).then(None).otherwise(
            pl.col("cents").fill_null(0)
        )
    ).drop("is_unknown").sort(RECORD)  # fmt: skip


def _years(expected: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Sum, per benefit record, how far the year differs between two rehearsals."""
    change = pl.col("year_cents_after") - pl.col("year_cents_before")
    sides = [
        rows.select(*PLACE, is_dollars=pl.col("pay_ends_on").is_not_null(), cents=change)
        for rows in (expected, found)
    ]
    both = sides[0].join(sides[1], on=list(PLACE), how="full", coalesce=True, suffix="_now")

    def side(suffix: str) -> pl.Expr:
        has = pl.col(f"is_dollars{suffix}").fill_null(value=False)
        return pl.when(has).then(pl.col(f"cents{suffix}")).otherwise(0)

    apart = (side("_now") - side("")).abs()
    return both.group_by(RECORD).agg(cents=apart.drop_nulls().sum(), is_unknown=apart.null_count() > 0)
