"""Audits done: every row with its bucket, who accepted it, and whether payroll may run."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from openbenefits.platform.audits import accepting
from openbenefits.platform.audits.catalogue import AUDITS, Audit, Sides
from openbenefits.platform.audits.comparing import counts
from openbenefits.platform.connecting import NotLinked, linked
from openbenefits.platform.here import here_of, strangers
from openbenefits.platform.models import Look, OutboundChange, PersonLink
from openbenefits.platform.owner import disagreement
from openbenefits.platform.seen import NoLook, last_look

FRESH = timedelta(hours=24)
"""So old a look at the platform may be for payroll to run by it."""
UNSETTLED = ("planned", "held", "sent", "answered", "different", "failed")


class NoSuchAudit(LookupError):
    """An audit there is not."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What an audit found.

    Shapes: rows as comparing.COMPARED, with fingerprint, is_fault, ground (why accepted; null: not).
    """

    audit: Audit
    look: Look
    rows: pl.DataFrame

    @property
    def counts(self) -> dict[str, int]:
        return counts(self.rows)

    @property
    def faults(self) -> int:
        """How many rows are faults that nobody accepted."""
        return self.rows.filter(pl.col("is_fault") & pl.col("ground").is_null()).height

    @property
    def accepted(self) -> int:
        return self.rows.filter(pl.col("ground").is_not_null()).height


def sides_of(connection: Any, client_id: int, on: date) -> Sides:
    """Load both sides of a client: our records on a day, and the latest look.

    Errors: NoLook.
    """
    look = last_look(client_id)
    return Sides(connection=connection, here=here_of(connection, client_id, on), look=look)


def audit(sides: Sides, code: str) -> Result:
    """Do one audit.

    Errors: NoSuchAudit.
    """
    if code not in AUDITS:
        raise NoSuchAudit(f"expected one of {', '.join(AUDITS)}, found '{code}'; correct it")
    wanted = AUDITS[code]
    accepted = accepting.in_force(sides.here.client_id, sides.on).filter(audit=code).drop("audit")
    rows = accepting.with_fingerprints(wanted.rows(sides)).with_columns(
        is_fault=pl.col("bucket").is_in([str(bucket) for bucket in wanted.faults])
    )
    accepted = accepted.unique(["key", "fingerprint"], keep="last")
    found = rows.join(accepted, on=["key", "fingerprint"], how="left", maintain_order="left")
    ground = pl.when("is_fault").then("ground")
    return Result(audit=wanted, look=sides.look, rows=found.with_columns(ground=ground))


def audits(connection: Any, client_id: int, on: date) -> list[Result]:
    """Do all twelve."""
    sides = sides_of(connection, client_id, on)
    return [audit(sides, code) for code in AUDITS]


@dataclass(frozen=True, kw_only=True)
class MayRun:
    """Whether payroll may run for a client, and what stands in the way, in words."""

    may_run: bool
    reasons: list[str]
    looked_at: datetime | None
    faults: dict[str, int]


def may_run(connection: Any, client_id: int, *, on: date, now: datetime) -> MayRun:
    """Answer whether payroll may run: everybody known, nothing under way, no fault that nobody accepted.

    Missing: a client that is not linked, or was not looked at lately, may not run: nobody knows.
    """
    try:
        linked(client_id)
        sides = sides_of(connection, client_id, on)
    except (NotLinked, NoLook) as fault:
        return MayRun(may_run=False, reasons=[str(fault)], looked_at=None, faults={})
    look, results = sides.look, [audit(sides, code) for code in AUDITS]
    reasons = _about_look(look, now) + _about_people(sides) + _about_changes(client_id)
    if words := disagreement(connection, client_id, look, on):
        reasons.append(words)
    faults = {result.audit.code: result.faults for result in results}
    reasons += [
        f"{result.audit.code} {result.audit.title}: {result.faults} that nobody accepted"
        for result in results
        if result.audit.stops and result.faults
    ]
    return MayRun(may_run=not reasons, reasons=reasons, looked_at=look.ended_at, faults=faults)


def _about_look(look: Look, now: datetime) -> list[str]:
    if look.ended_at is not None and now - look.ended_at <= FRESH:
        return []
    return ["the platform was last looked at more than 24 hours ago; ask for a look"]


def _about_people(sides: Sides) -> list[str]:
    """Count who exchanges nothing: somebody there whom nobody knows here, and the other way."""
    seen = sides.seen("employee").filter(pl.col("status") != "T")
    unknown = seen.filter(pl.col("person_id").is_null())["employee"].to_list()
    said = PersonLink.objects.filter(client_id=sides.here.client_id, external_id__in=unknown)
    left, lone = len(unknown) - said.count(), strangers(sides.here)["person_id"].n_unique()
    told = {
        f"employees there who are nobody here: {left}; say who they are": left,
        f"people who hold coverage and are nobody there: {lone}; say who they are": lone,
    }
    return [words for words, count in told.items() if count]


def _about_changes(client_id: int) -> list[str]:
    """Count changes that are not settled; of one record only its latest counts."""
    rows = OutboundChange.objects.filter(client_id=client_id).order_by("element", "key", "-pk")
    latest = rows.distinct("element", "key").values_list("state", flat=True)
    open_now = sum(state in UNSETTLED for state in latest)
    return [f"changes not read back as they are to be: {open_now}"] if open_now else []
