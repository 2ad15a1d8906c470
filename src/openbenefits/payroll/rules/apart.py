"""Whose amounts may differ between two times, and in which plan types: nobody else's need be found."""

from dataclasses import dataclass, replace

import polars as pl

from openbenefits.core.codes import GENERAL_TYPES
from openbenefits.payroll.rules.lines import HELD
from openbenefits.payroll.rules.takings import OWNER
from openbenefits.programs.rulebook import Rulebook

PLACE = (*OWNER, "plan_type", "slot")
PLAN_TYPE = (*OWNER, "plan_type")

_BOOKKEEPING = ("version", "basis", "waive_reason", "schedule_id", "event_number", "rule", "run_id")
"""Columns of a change point that no amount follows from."""


@dataclass(frozen=True, kw_only=True)
class Owing:
    """What amounts owed follow from beside facts and set-up: what people hold. Columns as `lines.Known`."""

    points: pl.DataFrame
    members: pl.DataFrame
    uses: pl.DataFrame
    rolls: pl.DataFrame
    price_decisions: pl.DataFrame
    given: pl.DataFrame


def apart(before: Owing, after: Owing, rulebook: Rulebook) -> tuple[Owing, Owing]:
    """Keep, of what people hold at two times, what may owe different amounts; facts and set-up are the same.

    Plan types owe independently of one another, each with all its slots, but where credits are used, or a
    program gives and takes something in general: there, one that differs keeps all of its person's.
    """
    places = _owing_places(before, after)
    owners = places.select(OWNER)
    stated = [
        _only_one_side(getattr(before, name), getattr(after, name), list(getattr(after, name).columns))
        for name in ("uses", "rolls", "price_decisions", "given")
    ]
    whole = [rows.select(OWNER) for rows in stated]
    if _has_general(rulebook):
        whole.append(owners)
    else:
        using = pl.concat([before.uses.select(OWNER), after.uses.select(OWNER)])
        whole.append(owners.join(using.unique(), on=list(OWNER), how="semi"))
    everything = pl.concat(whole).unique()
    return _of(before, places, everything), _of(after, places, everything)


def _owing_places(before: Owing, after: Owing) -> pl.DataFrame:
    """Name the plan types whose points, or members, differ, and where either side holds something."""
    said = [name for name in before.points.columns if name not in _BOOKKEEPING]
    named = [*PLACE, "begins_on", "dependent_id"]
    differing = [
        _only_one_side(before.points, after.points, said),
        _only_one_side(before.members, after.members, named),
    ]
    places = pl.concat([rows.select(PLAN_TYPE) for rows in differing]).unique()
    holds = pl.col("kind").is_in(HELD) & pl.col("option_id").is_not_null()
    holding = pl.concat([one.points.filter(holds).select(PLAN_TYPE) for one in (before, after)])
    return places.join(holding, on=list(PLAN_TYPE), how="semi")


def _only_one_side(before: pl.DataFrame, after: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """List the rows that are on one of two sides only."""
    sides = before[columns], after[columns]
    if sides[0].equals(sides[1]):
        return sides[0].clear()
    gone = sides[0].join(sides[1], on=columns, how="anti", nulls_equal=True)
    new = sides[1].join(sides[0], on=columns, how="anti", nulls_equal=True)
    return pl.concat([gone, new])


def _has_general(rulebook: Rulebook) -> bool:
    return bool(rulebook.options["option_type"].is_in([str(kind) for kind in GENERAL_TYPES]).any())


def _of(owing: Owing, places: pl.DataFrame, everything: pl.DataFrame) -> Owing:
    """Restrict what is held to some places, and to all those of some owners."""
    points = owing.points
    wanted = pl.concat(
        [
            points.select(PLAN_TYPE).unique().join(everything, on=list(OWNER), how="semi"),
            places.select(PLAN_TYPE),
        ]
    ).unique()
    return replace(owing, points=points.join(wanted, on=list(PLAN_TYPE), how="semi", maintain_order="left"))


__all__ = ["PLACE", "Owing", "apart"]
