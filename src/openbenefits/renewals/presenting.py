"""A batch as people look at it: the whole, each plan, a person of each tier, each pay.

What the client's contact and what a specialist sees is put together here once; the PEO's own cost is apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from openbenefits.core.plan_types import DELIVERED
from openbenefits.renewals.codes import TIER_NAMES, Bands, BatchStatus, bands_of, bands_said
from openbenefits.renewals.comparing import Compared, approval_of, comparison_of, frequencies_of
from openbenefits.renewals.designs import Feature
from openbenefits.renewals.models import Batch, ClientApproval

VISIBLE = tuple(str(one) for one in BatchStatus if one not in (BatchStatus.PENDING, BatchStatus.PREPARED))
"""Statuses in which a client's contact sees a batch: what is still being built is not his to see."""


@dataclass(frozen=True, kw_only=True)
class Amount:
    """An amount now and after, with what it changes by: cents, and tenths of a percent."""

    name: str
    was: int | None
    is_now: int | None
    change: int | None
    tenths: int | None

    @property
    def percent(self) -> str:
        """The change in percent: +7.0 %; nothing where there was nothing."""
        if self.tenths is None:
            return ""
        sign = "-" if self.tenths < 0 else "+"
        return f"{sign}{abs(self.tenths) // 10}.{abs(self.tenths) % 10} %"


@dataclass(frozen=True, kw_only=True)
class PersonLine:
    """What one person of a tier costs a month: premium, employer, employee, and each pay."""

    tier: str
    name: str
    band: str
    """Of what people, in words."""
    bands: Bands
    people: int
    premium: Amount
    employer: Amount
    employee: Amount
    employer_percent_micros: int | None
    pays: Sequence[tuple[str, int | None, int | None]]


@dataclass(frozen=True, kw_only=True)
class PlanShown:
    """An offer, with its people and totals a month."""

    row: dict[str, Any]
    category: str
    people: int
    amounts: dict[str, Amount]
    lines: Sequence[PersonLine]
    design: Sequence[Feature]
    """What members pay themselves, now against renewal; empty where that is not stated of both."""

    @property
    def offer_id(self) -> int:
        return int(self.row["offer_id"])

    @property
    def is_new(self) -> bool:
        """Whether it renews nothing."""
        return self.row["renewed_from_id"] is None


@dataclass(frozen=True, kw_only=True)
class BatchShown:
    """A batch to be looked at."""

    batch: Batch
    whole: Sequence[Amount]
    own: Sequence[Amount]
    """The PEO's cost and margin: never shown to a client."""
    plans: Sequence[PlanShown]
    frequencies: Sequence[str]
    approval: ClientApproval | None

    def by_category(self) -> list[tuple[str, list[PlanShown]]]:
        """The plans by category, in their order."""
        found: dict[str, list[PlanShown]] = {}
        for one in self.plans:
            found.setdefault(one.category, []).append(one)
        return list(found.items())


def shown(connection: Any, batch: Batch) -> BatchShown:
    """Put together what there is to see of a batch."""
    weighed = comparison_of(connection, batch)
    frequencies = frequencies_of(batch.client_id)
    whole = weighed.all()
    return BatchShown(
        batch=batch,
        whole=[_amount(whole, name) for name in ("premium", "employer", "employee")],
        own=[_amount(whole, name) for name in ("cost", "margin")],
        plans=[_plan(weighed, row, frequencies) for row in weighed.plans().iter_rows(named=True)],
        frequencies=frequencies,
        approval=approval_of(batch),
    )


def _amount(row: dict[str, Any], name: str) -> Amount:
    return Amount(
        name=name,
        was=row[f"was_{name}_cents"],
        is_now=row[f"is_{name}_cents"],
        change=row[f"change_{name}_cents"],
        tenths=row[f"percent_{name}_cents"],
    )


def _plan(weighed: Compared, row: dict[str, Any], frequencies: list[str]) -> PlanShown:
    lines = weighed.with_pays(weighed.tiers(row["offer_id"]), frequencies)
    order = list(TIER_NAMES)
    rows = sorted(lines.iter_rows(named=True), key=lambda one: (order.index(one["tier"]), bands_of(one)))
    return PlanShown(
        row=row,
        category=DELIVERED.get(row["plan_type"], row["plan_type"]),
        people=row["people"] or 0,
        amounts={name: _amount(row, name) for name in ("premium", "employer", "employee", "cost", "margin")},
        lines=[_line(one, frequencies) for one in rows],
        design=weighed.designs.get(row["offer_id"], ()),
    )


def _line(row: dict[str, Any], frequencies: list[str]) -> PersonLine:
    premium, employer, employee = (_amount(row, name) for name in ("premium", "employer", "employee"))
    return PersonLine(
        tier=row["tier"],
        name=TIER_NAMES[row["tier"]],
        band=bands_said(bands_of(row)),
        bands=bands_of(row),
        people=row["people"] or 0,
        premium=premium,
        employer=employer,
        employee=employee,
        employer_percent_micros=row["employer_percent_micros"],
        pays=[(name, row[f"was_{name}"], row[f"is_{name}"]) for name in frequencies],
    )


def batches_for_client(client_ids: Sequence[int] | None) -> list[Batch]:
    """List the batches the contact of some clients may see (None: of all), the latest first."""
    rows = Batch.objects.filter(status__in=VISIBLE)
    if client_ids is not None:
        rows = rows.filter(client_id__in=client_ids)
    return list(rows.order_by("-effective_on", "-pk")[:100])


def days_left(batch: Batch, today: date) -> int:
    """Answer how many days there are before the batch begins."""
    return (batch.effective_on - today).days
