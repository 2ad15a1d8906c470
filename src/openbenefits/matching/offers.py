"""Packages that stand already: benefits batches of a client (`renewals`), their offered plans as candidates.

Premiums are those of `renewals.rules.pricing.priced` (rate group × risk factor, in cents); what a person pays
of them is the kernel's word, as it is once the batch has become set-up.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from openbenefits.core.money import CENTS_PER_DOLLAR, MICROS_PER_CENT, MICROS_PER_DOLLAR
from openbenefits.matching.candidates import CANDIDATE, RATES, TIERED, TIERS, Candidates, NoCandidates
from openbenefits.programs.frames import PEO
from openbenefits.renewals import frames
from openbenefits.renewals.codes import STANDING, Band, Method
from openbenefits.renewals.models import Batch, BenefitsPlan
from openbenefits.renewals.rules.pricing import priced

_DESIGN = {
    "deductible": ("deductible_cents", CENTS_PER_DOLLAR),
    "out_of_pocket_max": ("out_of_pocket_cents", CENTS_PER_DOLLAR),
    "primary_visit": ("primary_visit_cents", CENTS_PER_DOLLAR),
    "drug": ("drug_cents", CENTS_PER_DOLLAR),
    "coinsurance_percent": ("coinsurance_micros", MICROS_PER_DOLLAR),
}


def code_of(batch: Batch) -> str:
    """The code of the package a batch is."""
    return f"batch-{batch.pk}"


def title_of(batch: Batch) -> str:
    """What people call a batch."""
    return batch.card_title or f"{batch.type} {batch.effective_on}"


def candidates_of(connection: Any, client_id: int, batches: Sequence[int]) -> Candidates:
    """Answer batches of a client as packages: every offer that is not turned down, priced by tier.

    Errors: NoCandidates for a batch that is not the client's, or an offer without rates.
    """
    found = list(Batch.objects.filter(client_id=client_id, pk__in=batches).order_by("pk"))
    if lacking := sorted(set(batches) - {one.pk for one in found}):
        raise NoCandidates(f"expected batches of this client, found {lacking[0]}; correct the number")
    standing = [str(one) for one in STANDING]
    offers = frames.load_offers(connection, [one.pk for one in found])
    offers = offers.filter(pl.col("status").is_in(standing), pl.col("plan_type").is_in(list(TIERED)))
    lines = priced(frames.load_lines(connection, [one.pk for one in found]))
    lines = lines.join(offers.select("offer_id"), on="offer_id", how="semi")
    bare = offers.join(lines.drop_nulls("premium_cents"), on="offer_id", how="anti")
    if bare.height:
        row = bare.row(0, named=True)
        raise NoCandidates(
            f"batch {row['batch_id']}, plan {row['unique_code']}: expected rates of a rate group, found none;"
            " choose one"
        )
    is_other = ~pl.col("band").is_in([str(Band.AGE), str(Band.AREA)])
    other = lines.filter(is_other & (pl.col("band_from") > 0))
    if other.height:
        row = offers.join(other, on="offer_id", how="semi").row(0, named=True)
        raise NoCandidates(
            f"batch {row['batch_id']}, plan {row['unique_code']}: expected rates by tier, age or area, found"
            f" rates by {other['band'][0]}; compare this batch on its own page, or leave the plan out"
        )
    return Candidates(rows=_rows(found, offers, lines), rates=_rates(lines))


def _rows(batches: Sequence[Batch], offers: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    names = pl.DataFrame(
        {
            "batch_id": [one.pk for one in batches],
            "package": [code_of(one) for one in batches],
            "title": [title_of(one) for one in batches],
        },
        schema={"batch_id": pl.Int64, "package": pl.String, "title": pl.String},
    )
    has_cost = lines.group_by("offer_id").agg(is_cost_known=pl.col("cost_cents").is_not_null().all())
    is_by_age = lines.group_by("offer_id").agg(is_by_age=_is_by_age().any())
    rows = offers.join(names, on="batch_id").join(_employers(lines), on="offer_id", how="left")
    rows = rows.join(has_cost, on="offer_id", how="left").join(is_by_age, on="offer_id", how="left")
    rows = rows.join(_designs(offers), on="plan_id", how="left")
    rows = rows.with_columns(
        is_current=pl.lit(value=False),
        category="plan_type",
        plan=pl.when(pl.col("setup_plan") != "").then("setup_plan").otherwise("unique_code"),
        plan_title="plan_name",
        rate_table=_table("premium"),
        true_table=pl.when("is_cost_known").then(_table("cost")),
        benefit_class=pl.when(pl.col("benefit_group") != "").then("benefit_group"),
        is_pooled=pl.col("is_of_peo") & ~pl.col("is_by_age"),  # what its rates stand for nobody says
    )
    absent = [pl.lit(None, kind).alias(name) for name, kind in CANDIDATE.items() if name not in rows.columns]
    return rows.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in CANDIDATE.items())


def _is_by_age() -> pl.Expr:
    return (pl.col("band") == str(Band.AGE)) & (pl.col("band_from") > 0)


def _table(what: str) -> pl.Expr:
    return pl.format("OFFER-{}-{}", "offer_id", pl.lit(what))


def _employers(lines: pl.DataFrame) -> pl.DataFrame:
    """What the employer gives, a column per tier and way; as stated, of the one way the method says."""
    by_tier = lines.sort("band_from").unique(["offer_id", "tier"], keep="first", maintain_order=True)
    columns = []
    for tier in TIERS:
        of_tier = pl.col("tier") == tier
        cents = pl.col("stated_cents").filter(of_tier, pl.col("method") == Method.DOLLARS)
        share = pl.col("stated_percent_micros").filter(of_tier, pl.col("method") == Method.PERCENT)
        columns += [
            cents.first().alias(f"employer_{tier.lower()}_cents"),
            share.first().alias(f"employer_{tier.lower()}_micros"),
        ]
    return by_tier.group_by("offer_id").agg(columns)


def _designs(offers: pl.DataFrame) -> pl.DataFrame:
    """The design of plans that say one of their own, and whether they are the PEO's: plan_id, is_of_peo."""
    plans = BenefitsPlan.objects.filter(pk__in=offers["plan_id"].unique().to_list())
    rows = [
        {
            "plan_id": pk,
            "is_of_peo": client_id == PEO,
            **{column: _amount(said.get(name), unit) for name, (column, unit) in _DESIGN.items()},
        }
        for pk, client_id, said in plans.values_list("pk", "client_id", "design")
    ]
    schema = {
        "plan_id": pl.Int64(),
        "is_of_peo": pl.Boolean(),
        **{column: pl.Int64() for column, _ in _DESIGN.values()},
    }
    return pl.DataFrame(rows, schema=schema)


def _amount(said: Any, unit: int) -> int | None:
    return None if said is None else int(Decimal(str(said)) * unit)


def _rates(lines: pl.DataFrame) -> pl.DataFrame:
    """A table of premiums and one of true costs for each offer; by age or area where its rate group is."""
    is_by_age = _is_by_age().any().over("offer_id")
    parts = [pl.DataFrame(schema=RATES)]
    for what in ("premium", "cost"):
        parts.append(
            lines.drop_nulls(f"{what}_cents").select(
                table=_table(what),
                tier="tier",
                age_from=pl.when(is_by_age).then("band_from").cast(pl.Int16),
                area="area",
                rate_micros=pl.col(f"{what}_cents") * MICROS_PER_CENT,
                is_per_member=pl.lit(value=False),
                geography="geography",
                unit=pl.lit(None, pl.String),
            )
        )
    return pl.concat(parts)


def together(parts: Sequence[Candidates]) -> Candidates:
    """Put packages of several origins beside one another."""
    return Candidates(
        rows=pl.concat([one.rows for one in parts]), rates=pl.concat([one.rates for one in parts]).unique()
    )
