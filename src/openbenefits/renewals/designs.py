"""Designs of plans, now against renewal: of the price list itself, else as set-up has it; said in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from openbenefits.core.money import dollars
from openbenefits.renewals.models import BenefitsPlan, Offer
from openbenefits.renewals.rules.designs import DESIGN, FEATURES, deltas
from openbenefits.store.bulk import copy_out

COINSURANCE = "coinsurance_percent"
_UNITS = {COINSURANCE: 1_000}  # thousandths of a percent; the others are cents
NO_COPAY = "deductible and coinsurance"
SAME, OTHER = "the same", "paid another way"

SETUP_DESIGNS = """
SELECT p.id AS plan_id, s.deductible_cents AS deductible, s.family_deductible_cents AS deductible_family,
       s.out_of_pocket_max_cents AS out_of_pocket_max,
       s.family_out_of_pocket_max_cents AS out_of_pocket_max_family,
       s.coinsurance_thousandths AS coinsurance_percent, s.primary_visit_cents AS primary_visit,
       s.specialist_visit_cents AS specialist_visit, s.emergency_visit_cents AS emergency_visit,
       s.drug_cents AS drug
FROM renewals_benefitsplan AS p
JOIN LATERAL (
    SELECT x.* FROM programs_plan AS x JOIN programs_bundle AS b ON b.release_id = x.release_id
    WHERE x.code = p.setup_plan AND x.client_id IN (0, p.client_id) AND x.valid_from <= p.begins_on
      AND x.design_source IS NOT NULL
    ORDER BY x.client_id DESC, x.valid_from DESC LIMIT 1
) AS s ON true
WHERE p.id = ANY(%(plans)s::bigint[])
"""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A feature of a design in words: what it is, now, after, and what that changes for members."""

    name: str
    was: str
    is_now: str
    change: str
    is_better: bool | None


def designs_of(connection: Any, plan_ids: list[int]) -> pl.DataFrame:
    """Answer the designs of plans that have one: DESIGN."""
    said = dict(BenefitsPlan.objects.filter(pk__in=plan_ids).exclude(design={}).values_list("pk", "design"))
    own = [
        {"plan_id": pk} | {name: _amount(design, name) for name in FEATURES} for pk, design in said.items()
    ]
    rest = [pk for pk in plan_ids if pk not in said]
    known = {name: pl.Int64 if name != COINSURANCE else pl.Int32 for name in DESIGN}
    of_setup = copy_out(connection, SETUP_DESIGNS, known, {"plans": rest})
    return pl.concat([pl.DataFrame(own, schema=DESIGN), of_setup.cast(pl.Schema(DESIGN))])


def _amount(design: Mapping[str, Any], name: str) -> int | None:
    said = design.get(name)
    return None if said is None else int(Decimal(str(said)) * _UNITS.get(name, 100))


def design_deltas(connection: Any, offers: pl.DataFrame) -> dict[int, list[Feature]]:
    """Compare the designs of offers with those of the plans they renew, in words, by offer.

    Shapes: offers as `frames.OFFERS`.
    """
    renewed = offers["renewed_from_id"].drop_nulls().to_list()
    old = dict(Offer.objects.filter(pk__in=renewed).values_list("pk", "plan_id"))
    pairs = offers.select(
        "offer_id",
        "plan_id",
        old_plan_id=pl.col("renewed_from_id").replace_strict(old, default=None, return_dtype=pl.Int64),
    ).drop_nulls()
    plans = sorted({*pairs["plan_id"], *pairs["old_plan_id"]})
    found: dict[int, list[Feature]] = {}
    for row in deltas(pairs, designs_of(connection, plans)).iter_rows(named=True):
        found.setdefault(row["offer_id"], []).append(_in_words(row))
    return found


def _in_words(row: Mapping[str, Any]) -> Feature:
    name, was, now, change = row["feature"], row["was"], row["is_now"], row["change"]
    if was == now:
        told = SAME
    elif change is None:
        told = OTHER
    else:
        sign = "+" if change > 0 else "-"
        told = f"{sign}{_said(name, abs(change))}"
    return Feature(
        name=FEATURES[name],
        was=_said(name, was),
        is_now=_said(name, now),
        change=told,
        is_better=row["is_better"],
    )


def _said(name: str, amount: int | None) -> str:
    if amount is None:
        return NO_COPAY
    if name == COINSURANCE:
        return f"{(Decimal(amount) / _UNITS[COINSURANCE]).normalize():f} %"
    return dollars(amount)
