"""Writing change points: new versions, what superseded them, and what belongs to them.

The caller has locked the people, in its own transaction.
"""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.core.columns import in_types
from openbenefits.enrollment import models
from openbenefits.enrollment.frames import (
    POINT,
    load_covered_beneficiaries,
    load_covered_dependents,
    load_covered_funds,
    load_latest_versions,
)
from openbenefits.enrollment.rules.timeline import POINT_KEY
from openbenefits.store.bulk import copy_in, schema_of, update_from

CHILDREN = (
    (models.CoverageDependent, load_covered_dependents),
    (models.CoverageFund, load_covered_funds),
    (models.CoverageBeneficiary, load_covered_beneficiaries),
)


def as_stored(rows: pl.DataFrame, columns: dict[str, pl.DataType]) -> pl.DataFrame:
    """Pick the columns of a table, in its types."""
    return in_types(rows, columns)


def above_all_versions(connection: Any, new: pl.DataFrame) -> pl.DataFrame:
    """Number versions above superseded points of the same day too."""
    key = [*POINT_KEY, "begins_on"]
    latest = load_latest_versions(connection, new).select(*key, latest="version")
    found = new.join(latest, on=key, how="left")
    return found.with_columns(version=(pl.col("latest").fill_null(0) + 1).cast(pl.Int32)).drop("latest")


def above_superseded(new: pl.DataFrame, past: pl.DataFrame) -> pl.DataFrame:
    """Number versions above superseded points of the same day too; they are above those that hold already.

    Shapes: past has POINT, of superseded points.
    """
    if past.is_empty():
        return new
    key = [*POINT_KEY, "begins_on"]
    latest = past.group_by(key).agg(latest=pl.col("version").max() + 1)
    found = new.join(latest, on=key, how="left", maintain_order="left")
    return found.with_columns(version=pl.max_horizontal("version", "latest").cast(pl.Int32)).drop("latest")


def supersede(connection: Any, replaced: pl.DataFrame, *, run_id: int | None, now: datetime) -> None:
    """Say of points that they hold no longer.

    Shapes: POINT and, where the posting of an event does it, superseded_by_schedule and superseded_by_event.
    """
    if replaced.is_empty():
        return
    by = {"superseded_by_schedule": pl.Int32, "superseded_by_event": pl.Int32}
    given = [name for name in by if name in replaced.columns]
    rows = replaced.with_columns(
        superseded_by_run=pl.lit(run_id or 0, pl.Int64),
        superseded_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
    )
    columns = ["superseded_by_run", *given, "superseded_at"]
    rows = rows.with_columns(pl.col(name).cast(by[name]) for name in given)
    update_from(connection, "enrollment_coverage", rows.select(*POINT, *columns), POINT, columns)


def copy_points(connection: Any, points: pl.DataFrame, *, now: datetime) -> None:
    """Write points that hold from now on."""
    rows = points.with_columns(
        made_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
        superseded_by_run=pl.lit(None, pl.Int64),
        superseded_by_schedule=pl.lit(None, pl.Int32),
        superseded_by_event=pl.lit(None, pl.Int32),
        superseded_at=pl.lit(None, pl.Datetime("us", "UTC")),
    )
    copy_in(connection, "enrollment_coverage", as_stored(rows, schema_of(models.Coverage)))


def copy_children(connection: Any, new: pl.DataFrame) -> None:
    """Give points the dependents, investments and beneficiaries of the points they were made of.

    Shapes: new has POINT, and `was_on` and `was`: begin and version of the point it was made of.
    """
    places = new.select(*POINT_KEY, "begins_on", "version", "was_on", "was")
    for model, load in CHILDREN:
        children = load(connection, new).rename({"begins_on": "was_on", "version": "was"})
        rows = children.join(places, on=[*POINT_KEY, "was_on", "was"])
        copy_in(connection, model._meta.db_table, as_stored(rows, schema_of(model)))
