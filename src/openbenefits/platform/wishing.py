"""A record as it is to be at the platform, and what an export asks of the audits."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from openbenefits.platform.audits.catalogue import AUDITS, Sides
from openbenefits.platform.audits.comparing import Bucket
from openbenefits.platform.outbound import ChangeOrder


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A record as it is to be there, and what must be right before it may be sent."""

    element: str
    key: str
    wanted: dict[str, Any]
    person_id: int | None = None
    problems: list[str] = field(default_factory=list)

    def order(self, client_id: int, *, cause: str, reason: str) -> ChangeOrder:
        """Answer it as a change to be planned; problems hold it."""
        return ChangeOrder(
            client_id=client_id,
            element=self.element,
            key=self.key,
            wanted=self.wanted,
            cause=cause,
            reason=reason,
            person_id=self.person_id,
            held="; ".join(self.problems),
        )


def about_tiers(sides: Sides, tiers: list[str]) -> list[str]:
    """Say which coverage tiers keep a record from being sent: those the platform does not know."""
    there = set(sides.seen("tier")["tier"].to_list())
    missing = sorted(set(tiers) - there)
    if not missing:
        return []
    told = ", ".join(missing)
    return [f"expected plan types there for {told}, found none; name them (`openbenefits platform call-it`)"]


def unequal(sides: Sides, code: str, buckets: tuple[Bucket, ...]) -> pl.DataFrame:
    """List the keys of an audit's rows in some buckets."""
    rows = AUDITS[code].rows(sides)
    return rows.filter(pl.col("bucket").is_in([str(bucket) for bucket in buckets])).select("key")


def unequal_keys(sides: Sides, code: str) -> list[str]:
    """Name the records that are ours and not there, or there otherwise, by an audit."""
    return unequal(sides, code, (Bucket.HERE_ONLY, Bucket.DIFFERENT))["key"].to_list()


def iso(day: date | None) -> str:
    """Write a day as the platform wants it; none is blank."""
    return "" if day is None else day.isoformat()
