"""What an offer is weighed with: what the employer gives, and how many people of each tier hold it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core import money
from openbenefits.core.codes import AreaOf, RateUnit
from openbenefits.core.plan_types import HEALTH, is_one_of
from openbenefits.renewals import frames
from openbenefits.renewals.codes import BAND_FACTS, Band, Bands, Method, Tier, bands_of
from openbenefits.renewals.models import HUNDRED_PERCENT, Batch, Offer, OfferCount, OfferTier
from openbenefits.renewals.plans import rates_of, zips_of_peo
from openbenefits.renewals.rules.pricing import BANDS, DOLLARS_BOUGHT, PLACE, in_bands
from openbenefits.renewals.statuses import RenewalRefused, held_for_change
from openbenefits.renewals.tiers import tiers_in_force


def set_contribution(offer: Offer, method: Method, employer: Mapping[Tier, int]) -> None:
    """Say what the employer gives, by tier: cents a month, or micro-percent of the premium.

    Errors: RenewalRefused below 0, above 100 percent, and once the batch is signed.
    """
    most = HUNDRED_PERCENT if method is Method.PERCENT else None
    for tier, value in employer.items():
        if value < 0 or (most is not None and value > most):
            told = "percent from 0 to 100" if most else "dollars from 0 up"
            raise RenewalRefused(f"offer {offer.pk}, {tier}: expected {told}, found another; correct it")
    if employer and method is Method.DOLLARS and is_for_coverage(offer):
        raise RenewalRefused(
            f"offer {offer.pk}: expected a percentage of rates for coverage or pay, found dollars; state one"
        )
    column = "employer_cents" if method is Method.DOLLARS else "employer_percent_micros"
    with transaction.atomic():
        held_for_change(offer.batch)
        Offer.objects.filter(pk=offer.pk).update(method=str(method))
        offer.tiers.all().delete()
        OfferTier.objects.bulk_create(
            OfferTier(client_id=offer.client_id, offer=offer, tier=str(tier), **{column: value})
            for tier, value in employer.items()
        )
    offer.method = str(method)


def set_counts(offer: Offer, people: Mapping[tuple[Tier, Bands], int], *, is_edited: bool = True) -> None:
    """Say with how many people of each tier and its bands an offer is weighed.

    Errors: RenewalRefused below 0, and once the batch is signed.
    """
    if any(count < 0 for count in people.values()):
        raise RenewalRefused(
            f"offer {offer.pk}: expected numbers of people from 0 up, found less; correct them"
        )
    with transaction.atomic():
        held_for_change(offer.batch)
        for (tier, bands), count in people.items():
            OfferCount.objects.update_or_create(
                offer=offer,
                tier=str(tier),
                bands=dict(bands),
                defaults={
                    "client_id": offer.client_id,
                    "people": count,
                    "unknown": 0,
                    "is_edited": is_edited,
                },
            )


def is_for_coverage(offer: Offer) -> bool:
    """Tell whether the rates of an offer are for so many dollars of coverage, or of pay."""
    return offer.rate_group is not None and offer.rate_group.unit in DOLLARS_BOUGHT


def average_volume(offer: Offer) -> int | None:
    """Answer the coverage (or pay) of a person of an offer, on average over its bands; None: not known."""
    rows = list(offer.counts.filter(people__gt=0).values_list("people", "volume_cents"))
    if not rows:
        return offer.counts.values_list("volume_cents", flat=True).first()
    people = sum(count for count, _ in rows)
    return None if any(one is None for _, one in rows) else sum(count * one for count, one in rows) // people


def set_volume(offer: Offer, cents: int) -> None:
    """Say how much coverage a person of an offer has on average, or how much pay a month.

    Errors: RenewalRefused below 0, and once the batch is signed.
    """
    if cents < 0:
        raise RenewalRefused(f"offer {offer.pk}: expected coverage or pay from 0 up, found less; correct it")
    with transaction.atomic():
        held_for_change(offer.batch)
        for bands in offer.rate_group.rates.values_list("bands", flat=True) if offer.rate_group else ():
            OfferCount.objects.update_or_create(
                offer=offer,
                tier=str(Tier.EE),
                bands=bands,
                defaults={"volume_cents": cents, "is_edited": True},
                create_defaults={
                    "client_id": offer.client_id,
                    "people": 0,
                    "volume_cents": cents,
                    "is_edited": True,
                },
            )


def set_people(offer: Offer, people: Mapping[Tier, int]) -> None:
    """Say how many people of each tier an offer is weighed with; of bands the lowest holds them all.

    Errors: as set_counts.
    """
    bands: dict[Tier, list[Bands]] = {}
    for one in rates_of(offer.rate_group) if offer.rate_group is not None else ():
        bands.setdefault(one.tier, []).append(one.bands)
    wanted = {
        (tier, place): count if number == 0 else 0
        for tier, count in people.items()
        for number, place in enumerate(bands.get(tier, [()]))
    }
    set_counts(offer, wanted)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Who was counted for the offers of a batch.

    people: coverages counted. unknown: people in the lowest band because the fact is not known; outside:
    people in no band, below the lowest or in another area. Both by the fact, in words, each person once.
    """

    people: int
    unknown: Mapping[str, int]
    outside: Mapping[str, int]

    def doubts(self) -> list[str]:
        """Say in sentences what the numbers do not stand upon; none where every fact is known."""
        said = (
            (self.unknown, "not known, and counted in the lowest band: {}; fill it in, or edit the numbers"),
            (self.outside, "in no band, and not counted: {}; add a band to the rate group"),
        )
        return [
            words.format(", ".join(f"{fact} of {count:,}" for fact, count in found.items()))
            for found, words in said
            if found
        ]


def prefill_counts(connection: Any, batch: Batch, as_of: date) -> Counted:
    """Count who holds each offer's option on a day, by tier and bands; what somebody edited stays.

    An offer whose option nobody can hold yet counts nobody.
    """
    offers = frames.load_offers(connection, [batch.pk])
    lines = frames.load_lines(connection, [batch.pk])
    held = frames.load_held(connection, batch.client_id, as_of)
    placed = placed_people(held, offers, lines, zips_of_peo())
    counted = counted_people(placed)
    with transaction.atomic():
        held_for_change(batch)
        edited = OfferCount.objects.filter(offer__batch=batch, is_edited=True)
        rows = edited.values_list("offer_id", "tier", "bands")
        kept = {(offer_id, tier, bands_of(bands)) for offer_id, tier, bands in rows}
        OfferCount.objects.filter(offer__batch=batch, is_edited=False).delete()
        OfferCount.objects.bulk_create(
            OfferCount(
                client_id=batch.client_id, bands=dict(bands_of(row)), **{name: row[name] for name in COUNTED}
            )
            for row in counted.iter_rows(named=True)
            if (row["offer_id"], row["tier"], bands_of(row)) not in kept
        )
    return Counted(
        people=int(counted["people"].sum()),
        unknown=_by_fact(placed, "unknown"),
        outside=_by_fact(placed, "outside"),
    )


def _by_fact(placed: pl.DataFrame, which: str) -> dict[str, int]:
    """Count people, each once for a fact, by the facts that they lack or fall outside by."""
    rows = placed.select("person_id", pl.col(which)).explode(which).drop_nulls(which)
    found = rows.group_by(which).agg(people=pl.col("person_id").n_unique()).sort(which)
    return {BAND_FACTS[Band(band)]: people for band, people in found.iter_rows()}


COUNTED = ("offer_id", "tier", "people", "unknown", "volume_cents")


def counted_people(placed: pl.DataFrame) -> pl.DataFrame:
    """Count people by offer, tier and bands: COUNTED and BANDS.

    Shapes:  as placed_people; who is in no band is not counted.
    Missing: the volume of a person on average is null where that of one of them is not known.
    """
    volume = money.divide_half_up(money.total(pl.col("volume_cents")), pl.len())
    lacks = pl.col("unknown").list.len() > 0
    inside = placed.filter(pl.col("outside").list.len() == 0)
    return inside.group_by(PLACE).agg(people=pl.len(), unknown=lacks.sum(), volume_cents=volume).sort(PLACE)


def placed_people(
    held: pl.DataFrame, offers: pl.DataFrame, lines: pl.DataFrame, zips: pl.DataFrame
) -> pl.DataFrame:
    """Place people under the offer that stands for what they hold, in the bands of its rate group.

    With tiers that is the option of its code, without tiers any option of its plan.

    Shapes:  held as load_held, offers as OFFERS, lines as LINES, zips: geography, zip, area; answers
             person_id, PLACE, volume_cents (coverage, or a month's pay), unknown and outside: lists of the
             kinds of bands by whose fact somebody is not known, or in none.
    Missing: who lacks the fact a kind of several bands goes by is in its lowest, and unknown; who is below
             the lowest, or in an area that is none of the group's, is outside.
    """
    is_tiered = is_one_of(HEALTH)
    last = pl.when(is_tiered).then("option_code").otherwise("setup_plan")
    stem = pl.concat_str("program", "plan_type", last, separator="/")
    wanted = offers.filter(~is_tiered | (pl.col("option_code") != ""))
    wanted = wanted.select("offer_id", "benefit_group", stem=stem)
    held = held.with_columns(plan_type=pl.col("option").str.extract(r"^[^/]*/([^/]*)/"))
    rows = pl.concat([_tiered(held.filter(is_tiered)), _untiered(held.filter(~is_tiered))])
    rows = rows.join(wanted, on="stem", suffix="_offered").filter(
        (pl.col("benefit_group_offered") == "") | (pl.col("benefit_group_offered") == pl.col("benefit_group"))
    )
    terms = lines.group_by("offer_id").agg(pl.col("unit", "geography", "area_of").first())
    rows = _with_area(rows.join(terms, on="offer_id"), zips)
    for kind in BANDS:
        rows = _in_kind(rows, lines, kind)
    volume = pl.when(pl.col("unit") == RateUnit.PERCENT_OF_BASE).then("monthly_pay_cents")
    return rows.select(
        *("person_id", *PLACE),
        volume_cents=volume.otherwise("coverage_cents"),
        **{told: _kinds_where(told) for told in ("unknown", "outside")},
    )


def _kinds_where(told: str) -> pl.Expr:
    return pl.concat_list(pl.when(f"{kind}_{told}").then(pl.lit(kind)) for kind in BANDS).list.drop_nulls()


def _tiered(held: pl.DataFrame) -> pl.DataFrame:
    """Add the tier of each option with a coverage code, and its stem without; the others are left out."""
    tiers = {code: str(tier) for code, tier in tiers_in_force().items()}
    code = pl.col("option").str.extract(r"-([^-/]*)$")
    return held.with_columns(
        stem=pl.col("option").str.replace(r"-[^-/]*$", ""),
        tier=code.replace_strict(tiers, default=None, return_dtype=pl.String),
    ).drop_nulls("tier")


def _untiered(held: pl.DataFrame) -> pl.DataFrame:
    """Add the stem of each option by its plan; who holds one is covered alone."""
    place = pl.col("option").str.extract(r"^([^/]*/[^/]*)/")
    return held.with_columns(
        stem=pl.concat_str(place, "plan", separator="/"), tier=pl.lit(str(Tier.EE))
    ).drop_nulls("stem")


def _with_area(rows: pl.DataFrame, zips: pl.DataFrame) -> pl.DataFrame:
    """Add `area`: that of the address an offer goes by, in its geography; null for a zip that is in none."""
    zip_ = pl.coalesce(
        pl.when(pl.col("area_of") == str(one)).then(f"{one}_zip")
        for one in (AreaOf.COMPANY, AreaOf.LOCATION, AreaOf.HOME)
    )
    places = zips.select("geography", "zip", "area").filter(pl.col("area") != "")
    return rows.with_columns(zip=zip_).join(
        places.unique(["geography", "zip"]), on=["geography", "zip"], how="left"
    )


def _in_kind(rows: pl.DataFrame, lines: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Put the band of each row in place of its fact; add <kind>_unknown and <kind>_outside.

    Shapes: rows has offer_id and the fact in a column of the kind's name.
    """
    edges = lines.select("offer_id", edge=kind).drop_nulls().unique()
    told = edges.group_by("offer_id").agg(lowest=pl.col("edge").min(), edges=pl.len())
    rows = rows.join(told, on="offer_id", how="left").with_columns(value=kind)
    is_unknown = pl.col("value").is_null() & (pl.col("edges") > (0 if kind == Band.AREA else 1))
    rows = rows.with_columns(
        is_unknown.fill_null(value=False).alias(f"{kind}_unknown"),
        value=pl.coalesce("value", "lowest"),
    )
    if kind == Band.AREA:
        rows = rows.join(edges.with_columns(value="edge"), on=["offer_id", "value"], how="left")
    else:
        rows = in_bands(rows, edges)
    is_outside = pl.col("edge").is_null() & pl.col("lowest").is_not_null()
    found = rows.with_columns(pl.col("edge").alias(kind), is_outside.alias(f"{kind}_outside"))
    return found.drop("edge", "edges", "lowest", "value")
