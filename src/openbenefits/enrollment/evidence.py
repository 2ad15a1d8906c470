"""Use cases of evidence: record what was approved, and let coverage rise by it, now and in every replay.

The caller has locked the people, in its own transaction.
"""

from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.enrollment import models
from openbenefits.enrollment.frames import POINT, load_approvals, load_coverage
from openbenefits.enrollment.points import above_all_versions, copy_children, copy_points, supersede
from openbenefits.enrollment.rules.evidence import rises, rises_overtaken, with_ends


def decide_proof(
    connection: Any,
    *,
    client_id: int,
    person_id: int,
    plan_type: str,
    valid_from: date,
    approved_cents: int,
    decided_by: str,
    now: datetime,
) -> None:
    """Record how much coverage of a plan type was approved, from a day, and let it take effect.

    Coverage that waits for this evidence rises from that day to what was approved, at most what was asked
    for; below the amount already in force nothing changes. Later events use the approved amount.
    """
    row = {
        "client_id": client_id,
        "person_id": person_id,
        "plan_type": plan_type,
        "valid_from": valid_from,
        "approved_cents": approved_cents,
    }
    decide_proofs(connection, pl.DataFrame([row], schema=PROOF), decided_by=decided_by, now=now)


DAY = ["client_id", "person_id", "plan_type", "valid_from"]
PROOF: dict[str, Any] = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "plan_type": pl.String,
    "valid_from": pl.Date,
    "approved_cents": pl.Int64,
}


def decide_proofs(
    connection: Any, rows: pl.DataFrame, *, decided_by: str, now: datetime, change_id: int | None = None
) -> None:
    """Record what was approved for several people, as `decide_proof` does; rows as PROOF."""
    _write_proofs(rows, decided_by=decided_by, now=now, change_id=change_id)
    keys = rows.select("client_id", "person_id").unique()
    coverage = load_coverage(connection, keys).join(rows, on=DAY[:3], how="semi")
    points = with_ends(coverage).with_columns(approved_to=pl.lit(None, pl.Date))
    approvals = load_approvals(connection, keys).join(rows, on=DAY, how="semi")
    write_rises(connection, rises(points, approvals), run_id=None, now=now)


def withdraw_proofs(rows: pl.DataFrame, *, decided_by: str, now: datetime) -> None:
    """Record that nothing is decided for these days any more; coverage follows its events, decided again."""
    _write_proofs(rows, decided_by=decided_by, now=now, is_withdrawn=True)


def _write_proofs(
    rows: pl.DataFrame,
    *,
    decided_by: str,
    now: datetime,
    change_id: int | None = None,
    is_withdrawn: bool = False,
) -> None:
    made = models.ProofDecision.objects.filter(
        client_id__in=rows["client_id"].unique().to_list(), person_id__in=rows["person_id"].to_list()
    )
    listed = list(made.values_list(*DAY, "version"))
    schema = {**{name: PROOF[name] for name in DAY}, "last": pl.Int32}
    last = pl.DataFrame(listed, schema=schema, orient="row").group_by(DAY).agg(pl.col("last").max())
    new = rows.join(last, on=DAY, how="left").with_columns(pl.col("last").fill_null(0))
    models.ProofDecision.objects.bulk_create(
        models.ProofDecision(
            **{name: row[name] for name in PROOF},
            version=row["last"] + 1,
            decided_by=decided_by,
            change_id=change_id,
            known_since=now,
            is_withdrawn=is_withdrawn,
        )
        for row in new.iter_rows(named=True)
    )


def evidence_followed(
    connection: Any, new: pl.DataFrame, standing: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Say how new points rise by what was approved from a day after their event.

    What was approved up to the day of the event is in them already.

    Shapes: new has the points to write, and event_on; standing is what holds besides. Answers the rises of
            points that new ones replace, which go, and the rises of new ones (`rules.evidence.rises`).
    """
    gone = rises_overtaken(new, standing)
    waiting = new.filter(pl.col("requested_coverage_cents").is_not_null())
    if waiting.is_empty():
        return gone, waiting
    theirs = [rows.join(waiting, on=DAY[:2], how="semi") for rows in (new, standing)]
    left = theirs[1].join(gone, on=list(POINT), how="anti")
    ends = with_ends(pl.concat([rows.select(POINT) for rows in (theirs[0], left)]))
    ended = waiting.join(ends, on=list(POINT)).with_columns(approved_to="event_on")
    return gone, rises(ended, load_approvals(connection, waiting))


def write_rises(connection: Any, risen: pl.DataFrame, *, run_id: int | None, now: datetime) -> None:
    """Write rises with what belongs to the points raised; a rise of a point's own day supersedes it."""
    if risen.is_empty():
        return
    was = pl.col("was_on")
    supersede(
        connection,
        risen.filter(was == pl.col("begins_on")).with_columns(begins_on=was, version="was").select(POINT),
        run_id=run_id,
        now=now,
    )
    new = above_all_versions(connection, risen)
    copy_points(connection, new.with_columns(run_id=pl.lit(run_id, pl.Int64)), now=now)
    copy_children(connection, new)
