"""What an offer is weighed with: what the employer gives, and how many people of each tier hold it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core import money
from openbenefits.core.plan_types import HEALTH, is_one_of
from openbenefits.renewals import frames
from openbenefits.renewals.codes import BAND_FACTS, Band, Method, Tier
from openbenefits.renewals.models import HUNDRED_PERCENT, Batch, Offer, OfferCount, OfferTier
from openbenefits.renewals.plans import zips_of_peo
from openbenefits.renewals.rules.pricing import DOLLARS_BOUGHT, band_value, in_bands
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
            f"offer {offer.pk}: expected a percentage of rates for coverage, found dollars; state one"
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


def set_counts(offer: Offer, people: Mapping[tuple[Tier, int], int], *, is_edited: bool = True) -> None:
    """Say with how many people of each tier and band an offer is weighed.

    Errors: RenewalRefused below 0, and once the batch is signed.
    """
    if any(count < 0 for count in people.values()):
        raise RenewalRefused(
            f"offer {offer.pk}: expected numbers of people from 0 up, found less; correct them"
        )
    with transaction.atomic():
        held_for_change(offer.batch)
        for (tier, band_from), count in people.items():
            OfferCount.objects.update_or_create(
                offer=offer,
                tier=str(tier),
                band_from=band_from,
                defaults={
                    "client_id": offer.client_id,
                    "people": count,
                    "unknown": 0,
                    "is_edited": is_edited,
                },
            )


def is_for_coverage(offer: Offer) -> bool:
    """Tell whether the rates of an offer are for so many dollars of coverage."""
    return offer.rate_group is not None and offer.rate_group.unit in DOLLARS_BOUGHT


def average_volume(offer: Offer) -> int | None:
    """Answer the coverage of a person of an offer, on average over its bands, in cents; None: not known."""
    rows = list(offer.counts.filter(people__gt=0).values_list("people", "volume_cents"))
    if not rows:
        return offer.counts.values_list("volume_cents", flat=True).first()
    people = sum(count for count, _ in rows)
    return None if any(one is None for _, one in rows) else sum(count * one for count, one in rows) // people


def set_volume(offer: Offer, cents: int) -> None:
    """Say how much coverage a person of an offer has on average.

    Errors: RenewalRefused below 0, and once the batch is signed.
    """
    if cents < 0:
        raise RenewalRefused(f"offer {offer.pk}: expected coverage from 0 up, found less; correct it")
    with transaction.atomic():
        held_for_change(offer.batch)
        for band_from in (
            offer.rate_group.rates.values_list("band_from", flat=True) if offer.rate_group else ()
        ):
            OfferCount.objects.update_or_create(
                offer=offer,
                tier=str(Tier.EE),
                band_from=band_from,
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
    bands: dict[str, list[int]] = {}
    if offer.rate_group is not None:
        for tier, band_from in offer.rate_group.rates.order_by("band_from").values_list("tier", "band_from"):
            bands.setdefault(tier, []).append(band_from)
    wanted = {
        (tier, band_from): count if place == 0 else 0
        for tier, count in people.items()
        for place, band_from in enumerate(bands.get(str(tier), [0]))
    }
    set_counts(offer, wanted)


NOWHERE = -1
"""Stands for an area that a rate group has no rates for: below every band."""


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
    """Count who holds each offer's option on a day, by tier and band; what somebody edited stays.

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
        kept = set(edited.values_list("offer_id", "tier", "band_from"))
        OfferCount.objects.filter(offer__batch=batch, is_edited=False).delete()
        OfferCount.objects.bulk_create(
            OfferCount(client_id=batch.client_id, **row)
            for row in counted.iter_rows(named=True)
            if (row["offer_id"], row["tier"], row["band_from"]) not in kept
        )
    return Counted(
        people=int(counted["people"].sum()),
        unknown=_by_fact(placed.filter("is_unknown")),
        outside=_by_fact(placed.filter(pl.col("band_from").is_null())),
    )


def _by_fact(placed: pl.DataFrame) -> dict[str, int]:
    """Count people, each once, by the fact their bands go by."""
    found = placed.group_by("band").agg(people=pl.col("person_id").n_unique()).sort("band")
    return {BAND_FACTS[Band(band)]: people for band, people in found.iter_rows()}


def counted_people(placed: pl.DataFrame) -> pl.DataFrame:
    """Count people by offer, tier and band: offer_id, tier, band_from, people, unknown, volume_cents.

    Shapes:  as placed_people; who is in no band is not counted.
    Missing: the volume of a person on average is null where the coverage of one of them is not known.
    """
    volume = money.divide_half_up(money.total(pl.col("coverage_cents")), pl.len())
    return (
        placed.drop_nulls("band_from")
        .group_by("offer_id", "tier", "band_from")
        .agg(people=pl.len(), unknown=pl.col("is_unknown").sum(), volume_cents=volume)
        .sort("offer_id", "tier", "band_from")
    )


def placed_people(
    held: pl.DataFrame, offers: pl.DataFrame, lines: pl.DataFrame, zips: pl.DataFrame
) -> pl.DataFrame:
    """Place people under the offer that stands for what they hold, in the band of its rate group.

    With tiers that is the option of its code, without tiers any option of its plan.

    Shapes:  held as load_held, offers as OFFERS, lines as LINES, zips: geography, zip, area; answers
             person_id, offer_id, tier, band, band_from, is_unknown, coverage_cents.
    Missing: where a group has several bands, who lacks the fact they go by is in the lowest, and is_unknown;
             who is below the lowest, or in an area that is none of the group's, has no band_from.
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
    rows = _in_areas(rows.join(_bands(lines), on="offer_id"), lines, zips)
    rows = rows.with_columns(
        value=band_value(pl.col("band"), {str(band): pl.col(str(band)) for band in Band})
    )
    is_unknown = pl.col("value").is_null() & pl.col("is_banded")
    rows = rows.with_columns(is_unknown=is_unknown, value=pl.col("value").fill_null(pl.col("lowest")))
    found = in_bands(rows, lines.select("offer_id", "band_from").unique())
    return found.select("person_id", "offer_id", "tier", "band", "band_from", "is_unknown", "coverage_cents")


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


def _bands(lines: pl.DataFrame) -> pl.DataFrame:
    """Answer of each offer what its bands are of, the lowest edge, and whether there are several."""
    edge = pl.col("band_from").cast(pl.Int32)
    is_by_area = (pl.col("band") == Band.AREA).any()
    return lines.group_by("offer_id").agg(
        pl.col("band", "geography").first(), lowest=edge.min(), is_banded=(edge.n_unique() > 1) | is_by_area
    )


def _in_areas(rows: pl.DataFrame, lines: pl.DataFrame, zips: pl.DataFrame) -> pl.DataFrame:
    """Add the number of the rating area of each home, as the offer has it.

    Missing: null for a zip that is in no area; NOWHERE for an area the offer has no rates for.
    """
    places = zips.select("geography", "zip", place="area").filter(pl.col("place") != "")
    numbers = lines.drop_nulls("area").select("offer_id", place="area", number="band_from").unique()
    found = rows.join(places.unique(["geography", "zip"]), on=["geography", "zip"], how="left")
    found = found.join(numbers, on=["offer_id", "place"], how="left")
    number = pl.when(pl.col("place").is_not_null()).then(pl.col("number").fill_null(NOWHERE))
    return found.with_columns(number.cast(pl.Int32).alias(str(Band.AREA)))
