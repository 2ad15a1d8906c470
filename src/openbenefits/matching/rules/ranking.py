"""The order of packages: six measures, brought to one scale by a named rule, weighted, added.

Points are millionths, whole numbers throughout, so that the same packages always come in the same order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import polars as pl

from openbenefits.core import money

POINT = 1_000_000
WHOLE = 10_000
"""100 % in hundredths of a percent."""
HIGHEST_WEIGHT = 100


class Scale(StrEnum):
    """How measures are brought to one scale.

    REFERENCE: as the difference from a reference package. Dollars are taken in parts of its premium, shares
               as they are. The law: adding or removing a package never changes the order of others.
    RANGE: from 0 for the worst of the packages to 1 for the best. The law: adding a package that is, on every
           measure, within what the others span never changes their order; one outside may.
    """

    REFERENCE = "reference"
    RANGE = "range"


@dataclass(frozen=True)
class Measure:
    """A measure: its column, whether more is better, whether it is dollars (else hundredths of a percent)."""

    column: str
    more_is_better: bool
    is_money: bool


MEASURES: dict[str, Measure] = {
    "client": Measure("employer_cents", more_is_better=False, is_money=True),
    "employee": Measure("employee_cents", more_is_better=False, is_money=True),
    "richness": Measure("richness_hundredths", more_is_better=True, is_money=False),
    "disruption": Measure("disruption_hundredths", more_is_better=False, is_money=False),
    "margin": Measure("margin_cents", more_is_better=True, is_money=True),
    "pool_risk": Measure("pool_risk_cents", more_is_better=False, is_money=True),
}

DEFAULT_WEIGHTS = {
    "client": 30,
    "employee": 25,
    "richness": 15,
    "disruption": 10,
    "margin": 10,
    "pool_risk": 10,
}


class BadWeights(ValueError):
    """Weights that cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """How packages are ordered. `weights` by measure, from 0 to 100; `reference`: the row of a package."""

    weights: Mapping[str, int]
    scale: Scale = Scale.RANGE
    reference: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        unknown = sorted(set(self.weights) - set(MEASURES))
        if unknown:
            raise BadWeights(f"expected weights of {', '.join(MEASURES)}, found {unknown[0]}; correct it")
        for name, weight in self.weights.items():
            if not 0 <= weight <= HIGHEST_WEIGHT:
                raise BadWeights(f"weight of {name}: expected 0 to {HIGHEST_WEIGHT}, found {weight}")
        if not any(self.weights.values()):
            raise BadWeights("expected at least one weight above 0, found none; raise one")
        if self.scale is Scale.REFERENCE and not (self.reference or {}).get("premium_cents"):
            raise BadWeights(
                "scale 'reference': expected a reference package with a premium, found none; name one, or use"
                " 'range'"
            )


def points(measured: pl.DataFrame, ranking: Ranking) -> pl.DataFrame:
    """Bring every measure of the packages to one scale: package and, for each measure, its points.

    Missing: a measure nobody can say of any package counts nothing (0 for all); one that only some can say
             counts, for the others, as the worst: 0 by range; a whole below the reference, so that what
             others say changes nothing.
    """
    columns = []
    for name, measure in MEASURES.items():
        if ranking.scale is Scale.REFERENCE and ranking.reference is not None:
            column = _of_reference(measure, measured, ranking.reference)
        else:
            column = _of_range(measure, measured)
        columns.append(column.alias(name))
    return measured.select("package", *columns)


def _of_range(measure: Measure, measured: pl.DataFrame) -> pl.Expr:
    known = measured[measure.column].drop_nulls()
    if known.is_empty():
        return pl.lit(0, pl.Int64)
    low, high = int(known.min()), int(known.max())  # type: ignore[arg-type]
    if low == high:
        return pl.when(pl.col(measure.column).is_not_null()).then(POINT).otherwise(0).cast(pl.Int64)
    value = pl.col(measure.column)
    above = (value - low) if measure.more_is_better else (high - value)
    return money.multiply_divide_half_up(above, POINT, high - low).fill_null(0)


def _of_reference(measure: Measure, measured: pl.DataFrame, reference: Mapping[str, Any]) -> pl.Expr:
    """Points gained on the reference. What the reference does not say is counted from nothing (0)."""
    own = reference[measure.column] or 0
    whole = reference["premium_cents"] if measure.is_money else WHOLE
    value = pl.col(measure.column)
    gained = (value - own) if measure.more_is_better else (own - value)
    is_known_of_any = measured[measure.column].null_count() < measured.height
    return money.multiply_divide_half_up(gained, POINT, whole).fill_null(-POINT if is_known_of_any else 0)


def rank(measured: pl.DataFrame, ranking: Ranking) -> pl.DataFrame:
    """Order the packages: rank (from 1), package, score, and the points of each measure.

    Equal scores go by client cost, then employee cost, then the package's code.
    Shapes: measured has package, code and the columns of MEASURES, with premium_cents.
    """
    scored = points(measured, ranking).with_columns(score=_score(ranking.weights))
    told = measured.select("package", "code", "employer_cents", "employee_cents")
    rows = scored.join(told, on="package", maintain_order="left")
    rows = rows.sort(
        "score",
        "employer_cents",
        "employee_cents",
        "code",
        descending=[True, False, False, False],
        nulls_last=True,
    )
    rows = rows.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32))
    return rows.select("rank", "package", "score", *MEASURES)


def _score(weights: Mapping[str, int]) -> pl.Expr:
    """The weighted mean of the points, rounded half up."""
    score = pl.lit(0, pl.Int64)
    for name, weight in weights.items():
        score = score + pl.col(name) * weight
    return money.divide_half_up(score, sum(weights.values()))


def sensitivity(measured: pl.DataFrame, ranking: Ranking) -> pl.DataFrame:
    """Say which weight would change the winner: the nearest one below and above, with who would win then.

    Shapes: measure, weight (now), below, below_winner, above, above_winner; null where no weight from 0 to
            100 changes it.
    """
    if measured.is_empty():
        return pl.DataFrame(schema=SENSITIVITY)
    winner = rank(measured, ranking)["package"][0]
    by_points = points(measured, ranking)
    told = measured.select("package", "code", "employer_cents", "employee_cents")
    by_points = by_points.join(told, on="package", maintain_order="left")
    rows = [_turning(name, by_points, ranking, winner) for name in MEASURES]
    return pl.DataFrame(rows, schema=SENSITIVITY, orient="row")


SENSITIVITY = {
    "measure": pl.String(),
    "weight": pl.Int32(),
    "below": pl.Int32(),
    "below_winner": pl.Int32(),
    "above": pl.Int32(),
    "above_winner": pl.Int32(),
}


def _turning(name: str, rows: pl.DataFrame, ranking: Ranking, winner: int) -> tuple[object, ...]:
    """Try every weight of a measure, the others as they are; all zero is no ranking."""
    others = {other: weight for other, weight in ranking.weights.items() if other != name}
    fixed = pl.lit(0, pl.Int64)
    for other, weight in others.items():
        fixed = fixed + pl.col(other) * weight
    whole = sum(others.values())
    tried = pl.DataFrame({"tried": range(0 if whole else 1, HIGHEST_WEIGHT + 1)}, schema={"tried": pl.Int64})
    total = pl.col("tried") + whole
    scored = rows.with_columns(fixed=fixed).join(tried, how="cross")
    scored = scored.with_columns(
        score=money.divide_half_up(pl.col("fixed") + pl.col("tried") * pl.col(name), total)
    )
    best = scored.sort(
        "tried",
        "score",
        "employer_cents",
        "employee_cents",
        "code",
        descending=[False, True, False, False, False],
        nulls_last=True,
    ).unique("tried", keep="first", maintain_order=True)
    other_winners = best.filter(pl.col("package") != winner).select("tried", "package")
    now = ranking.weights.get(name, 0)
    below = other_winners.filter(pl.col("tried") < now).tail(1).rows()
    above = other_winners.filter(pl.col("tried") > now).head(1).rows()
    return (name, now, *(below[0] if below else (None, None)), *(above[0] if above else (None, None)))
