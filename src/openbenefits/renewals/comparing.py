"""Current against renewal, side by side: per plan, per tier, per person, per pay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import RateUnit
from openbenefits.programs import services as setup
from openbenefits.programs.bundle import ClientBundle
from openbenefits.renewals import frames
from openbenefits.renewals.codes import STANDING, Band
from openbenefits.renewals.designs import Feature, design_deltas
from openbenefits.renewals.existing import existing_lines
from openbenefits.renewals.models import Batch, ClientApproval
from openbenefits.renewals.rules.pricing import BANDS, LINES, PLACE, compared, per_pay, priced, totals

PAYS = {"weekly": 52, "biweekly": 26, "semimonthly": 24, "monthly": 12}
PRICED = ("premium_cents", "employer_cents", "employee_cents", "cost_cents", "margin_cents")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A batch as it is weighed: its offers, their priced lines, and those of what each renews.

    offers: frames.OFFERS, those turned down included; lines, before: pricing.priced, the latter under the
            offer that renews them, with the same people and volume: a change is one of price alone.
    """

    batch: Batch
    offers: pl.DataFrame
    lines: pl.DataFrame
    before: pl.DataFrame
    designs: Mapping[int, Sequence[Feature]]
    """What members pay themselves, now against renewal, by offer."""

    @cached_property
    def standing_offers(self) -> pl.DataFrame:
        """The offers that are not turned down."""
        return self.offers.filter(pl.col("status").is_in([str(one) for one in STANDING]))

    @cached_property
    def standing(self) -> pl.DataFrame:
        """The lines of offers that are not turned down."""
        return self.lines.join(self.standing_offers, on="offer_id", how="semi")

    @cached_property
    def former(self) -> pl.DataFrame:
        """The former lines under the bands of now: one without bands stands for each band of its tier."""
        is_composite = pl.all_horizontal(pl.col(kind).is_null() for kind in BANDS)
        composite, places = self.before.filter(is_composite), self.lines.select(PLACE)
        spread = places.join(composite.drop(*BANDS), on=["offer_id", "tier"])
        alone = composite.join(places, on=["offer_id", "tier"], how="anti")
        parts = (self.before.filter(~is_composite), spread, alone)
        return pl.concat(one.select(self.before.columns) for one in parts)

    def plans(self) -> pl.DataFrame:
        """Compare by offer: people, and was_, is_, change_ and percent_ of each amount for all of them."""
        now = totals(self.lines, "offer_id")
        sides = compared(totals(self.before, "offer_id"), now, "offer_id")
        return self.offers.join(sides, on="offer_id", how="left").join(
            now.select("offer_id", "people"), on="offer_id", how="left"
        )

    def all(self) -> dict[str, Any]:
        """Compare the whole: what goes on now, against what it renews and what ends without a renewal."""
        sides = compared(
            totals(self.before).with_columns(whole=pl.lit(1)),
            totals(self.standing).with_columns(whole=pl.lit(1)),
            "whole",
        )
        return sides.row(0, named=True)

    def tiers(self, offer_id: int) -> pl.DataFrame:
        """Compare one person of each tier and band of an offer, a month."""
        mine = [rows.filter(offer_id=offer_id) for rows in (self.former, self.lines)]
        rows = compared(mine[0], mine[1], *PLACE)
        people = mine[1].select(*PLACE, "people", "employer_percent_micros")
        return rows.join(people, on=PLACE, how="left", nulls_equal=True).sort(BANDS.keys())

    def with_pays(self, rows: pl.DataFrame, frequencies: list[str]) -> pl.DataFrame:
        """Add what the employee pays in each pay, now and then: was_<frequency>, is_<frequency>."""
        return rows.with_columns(
            **{
                f"{side}_{name}": per_pay(pl.col(f"{side}_employee_cents"), PAYS[name])
                for side in ("was", "is")
                for name in frequencies
            }
        )


def comparison_of(connection: Any, batch: Batch) -> Compared:
    """Weigh a batch; what was signed is weighed as it was signed."""
    offers = frames.load_offers(connection, [batch.pk])
    lines = priced(signed_lines(batch) if is_signed(batch) else frames.load_lines(connection, [batch.pk]))
    before = offers.select("offer_id", old="renewed_from_id").drop_nulls()
    held = frames.load_lines(connection, offers=before["old"].to_list())
    renewed = before.join(held.rename({"offer_id": "old"}), on="old").drop("old")
    moved = pl.concat([renewed.select(*LINES), existing_lines(batch).select(*LINES)])
    moved = _with_people_of(moved, lines)
    return Compared(
        batch=batch,
        offers=offers,
        lines=lines,
        before=priced(moved.select(*LINES)),
        designs=design_deltas(connection, offers),
    )


def _with_people_of(before: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Weigh former lines with people and volume of now: those of the same bands, without bands of the tier.

    Where rates went by other bands, people are those of then; where they were for coverage and are for pay
    now, or the other way, so is the volume.
    """
    people, of_pay = pl.col("people"), pl.col("unit") == RateUnit.PERCENT_OF_BASE
    whole = money.total(pl.col("volume_cents") * people)
    tiers = lines.group_by("offer_id", "tier").agg(
        all_people=people.sum(),
        all_cents=pl.when(people.sum() > 0)
        .then(money.divide_half_up(whole, people.sum().clip(lower_bound=1)))
        .otherwise(pl.col("volume_cents").drop_nulls().first()),
        is_of_pay=of_pay.first(),
    )
    counts = lines.select(*PLACE, now_people="people", now_cents="volume_cents")
    rows = before.join(counts, on=PLACE, how="left", nulls_equal=True)
    rows = rows.join(tiers, on=["offer_id", "tier"], how="left")
    is_composite = pl.all_horizontal(pl.col(kind).is_null() for kind in BANDS)
    is_measured = of_pay.eq_missing(pl.col("is_of_pay"))
    now_cents = pl.coalesce(pl.when(is_composite).then("all_cents"), "now_cents")
    return rows.with_columns(
        people=pl.coalesce(pl.when(is_composite).then("all_people"), "now_people", "people"),
        volume_cents=pl.coalesce(pl.when(is_measured).then(now_cents), "volume_cents"),
    )


def approval_of(batch: Batch) -> ClientApproval | None:
    """Find the signature under a batch that stands."""
    return batch.approvals.filter(withdrawal__isnull=True).order_by("-pk").first()


def is_signed(batch: Batch) -> bool:
    """Whether a client's signature stands under a batch."""
    return approval_of(batch) is not None


def signed_lines(batch: Batch) -> pl.DataFrame:
    """Answer the lines of a batch as they were signed."""
    approval = approval_of(batch)
    rows = [] if approval is None else list(approval.lines)
    banded = {one["offer_id"] for one in rows if one.get("age_from") or one.get("band_from")}
    return pl.DataFrame([_with_kinds(one, is_banded=one["offer_id"] in banded) for one in rows], schema=LINES)


def _with_kinds(line: Mapping[str, Any], *, is_banded: bool) -> dict[str, Any]:
    """Answer a line signed when rates went by one kind of band (`band`, `band_from`), or by age alone."""
    kind = line.get("band") or str(Band.AGE)
    edge = line.get("band_from", line.get("age_from"))
    is_older = edge is not None and is_banded and kind != Band.AREA
    return {name: line.get(name) for name in LINES} | ({kind: edge} if is_older else {})


def frequencies_of(client_id: int) -> list[str]:
    """Answer how often a client's people are paid, by its set-up in force, the most frequent first."""
    loaded = setup.loaded_in_force(client_id)
    if loaded is None or not isinstance(loaded.parts, ClientBundle):
        return []
    found = {str(one.frequency) for one in loaded.parts.pay_groups if one.active}
    return [name for name in PAYS if name in found]
