"""Whom people named outside an enrolment follows when two person ids become one; it goes back when they part.

Who is to receive, and the doctors and dentists of members. What was said stays where it was said: it has no
effect without coverage. It is written once more for whom it now counts, with the day and moment it was said.
"""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.enrollment.models import Designation, ProviderChoice
from openbenefits.repair.following_acts import load_of, write_all
from openbenefits.repair.models import PersonMerge

PLACES: dict[Any, list[str]] = {
    Designation: ["benefit_record", "plan_type"],
    ProviderChoice: ["benefit_record", "plan_type", "dependent_id"],
}
"""What one word is about: the last one counts."""
GONE: dict[Any, pl.Expr] = {
    Designation: pl.col("percent_hundredths") == 0,
    ProviderChoice: pl.col("provider_id") == "",
}
"""A word that takes back what was said before."""


def bring_named(
    connection: Any, people: pl.DataFrame, survivor_id: int, renamed: pl.DataFrame, change_id: int
) -> None:
    """Let whom one named be named by the other, but where that one's own word stands.

    Shapes: renamed has old_dependent and dependent_id: whose dependents are whose.
    """
    for model, place in PLACES.items():
        rows = load_of(connection, model, people)
        is_own = pl.col("person_id") == survivor_id
        own, theirs = rows.filter(is_own), with_same_dependents(rows.filter(~is_own), renamed)
        standing = _last(own, place).filter(~GONE[model])
        came = theirs.join(standing, on=place, how="anti")
        above = own.group_by(place).agg(highest=pl.col("number").max())
        numbered = came.join(above, on=place, how="left").with_columns(
            person_id=pl.lit(survivor_id, pl.Int64),
            number=pl.col("number") + pl.col("highest").fill_null(0),
            change_id=pl.lit(change_id, pl.Int64),
        )
        write_all(connection, model, [numbered])


def give_named_back(
    connection: Any, people: pl.DataFrame, last: PersonMerge, *, author: str, now: datetime
) -> None:
    """Take back what came with a merge and is still the last word; what was said since stays."""
    for model, place in PLACES.items():
        rows = load_of(connection, model, people)
        own, theirs = (rows.filter(person_id=one) for one in (last.survivor_id, last.person_id))
        came = _came(model, _last(own, place).filter(~GONE[model]), theirs, last.change_id)
        taken_back = came.unique(place).with_columns(
            number=pl.col("number") + 1, author=pl.lit(author), made_at=_moment(now), **_gone(model, now)
        )
        write_all(connection, model, [taken_back])


def _came(model: Any, own: pl.DataFrame, theirs: pl.DataFrame, change_id: int) -> pl.DataFrame:
    """Keep what came with a merge: by its change, or said at the very moment the other said it."""
    if model is ProviderChoice:
        return own.filter(change_id=change_id)
    return own.join(theirs, on=[*PLACES[model], "made_at"], how="semi")


def _gone(model: Any, now: datetime) -> dict[str, pl.Expr]:
    """Say that nobody is named any more."""
    day = pl.lit(now.date())
    if model is Designation:
        nobody = {"dependent_id": pl.lit(0), "is_contingent": pl.lit(value=False)}
        return nobody | {"percent_hundredths": pl.lit(0), "signed_on": day}
    nothing = {"is_patient": pl.lit(None, pl.Boolean), "change_id": pl.lit(None, pl.Int64)}
    return nothing | {"provider_id": pl.lit(""), "name": pl.lit(""), "begins_on": day}


def _last(rows: pl.DataFrame, place: list[str]) -> pl.DataFrame:
    """The rows of the last word about each place."""
    return rows.filter(pl.col("number") == pl.col("number").max().over(place))


def with_same_dependents(rows: pl.DataFrame, renamed: pl.DataFrame) -> pl.DataFrame:
    """Name the dependents of one number as those of the other; the employee himself is 0 under both.

    Shapes: renamed has old_dependent and dependent_id.
    """
    known = renamed.select(dependent_id="old_dependent", same="dependent_id")
    same = rows.join(known, on="dependent_id", how="left", maintain_order="left")
    return same.with_columns(dependent_id=pl.coalesce("same", "dependent_id")).drop("same")


def _moment(now: datetime) -> pl.Expr:
    return pl.lit(now).cast(pl.Datetime("us", "UTC"))


__all__ = ["bring_named", "give_named_back", "with_same_dependents"]
