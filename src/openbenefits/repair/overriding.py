"""Eligibility decided by a person as an operation: with what it changes, at once, also for a final event."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.enrollment.overrides import override_eligibility, overrides_of
from openbenefits.events.rules import EVENT_KEY
from openbenefits.programs.frames import load_codes
from openbenefits.repair import kinds
from openbenefits.repair.operations import Told, rehearsed, told_of
from openbenefits.repair.permissions import Permit, Wish, everybody_may
from openbenefits.repair.services import RepairOrder, RepairRefused

OVERRIDE = "override"
EVENT = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}


@dataclass(frozen=True, kw_only=True)
class OverrideOrder:
    """What somebody decides for one event: about a program, or an option of it (plan type and code).

    event:       the event's key.
    is_eligible: None withdraws what was decided before.
    expires_on:  the last day it counts; None: until it is withdrawn.
    """

    event: dict[str, int]
    program: str
    option: tuple[str, str] | None
    is_eligible: bool | None
    as_of: date
    begin: date
    through: date
    reason: str
    author: str
    expires_on: date | None = None

    def repair_order(self) -> RepairOrder:
        """Answer the order to decide the event again."""
        schema = {name: EVENT.get(name, pl.Int32) for name in EVENT_KEY}
        targets = pl.DataFrame([self.event], schema=schema).with_columns(kind=pl.lit(kinds.AGAIN))
        return RepairOrder(
            client_id=self.event["client_id"],
            targets=targets,
            as_of=self.as_of,
            begin=self.begin,
            through=self.through,
            reason=self.reason,
            author=self.author,
        )


def override(
    connection: Any,
    order: OverrideOrder,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
) -> Told:
    """Record a decision about eligibility and decide the event, and the final ones after it, again.

    Errors: as `enrollment.overrides.override_eligibility`, and as `repair.services.repair`.
    """
    wish = Wish(
        author=order.author,
        client_id=order.event["client_id"],
        operations=(OVERRIDE,),
        person_ids=(order.event["person_id"],),
    )
    permit(wish)

    def work() -> Told:
        with transaction.atomic():
            override_eligibility(
                connection,
                **order.event,
                program=order.program,
                option=order.option,
                is_eligible=order.is_eligible,
                expires_on=order.expires_on,
                author=order.author,
                reason=order.reason,
                now=now,
                is_decided_again=True,
                is_rehearsal=is_rehearsal,
            )
            return told_of(connection, order.repair_order(), now=now, permit=everybody_may)

    return rehearsed(work, is_rehearsal=is_rehearsal)


def undo_override(
    connection: Any,
    order: OverrideOrder,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
) -> Told:
    """Give a decision about eligibility back: what was decided before about the same holds, else the rules.

    Errors: RepairRefused where nothing was decided about it; as `override`.
    """
    codes = load_codes(connection, order.event["client_id"], "program", "option")
    path = order.program if order.option is None else "/".join((order.program, *order.option))
    kind = "program" if order.option is None else "option"
    ids = codes.filter(kind=kind, code=path)["id"].to_list()
    name = f"{kind}_id"
    made = [
        row
        for row in overrides_of(connection, order.event)
        if row[name] in ids and (order.option is not None or row["option_id"] is None)
    ]
    if not made or made[-1]["is_eligible"] is None:
        raise RepairRefused(f"expected a decision about {path} to undo, found none; name what was decided")
    before = made[-2] if len(made) > 1 else {"is_eligible": None, "expires_on": None}
    given = OverrideOrder(**(vars(order) | {name: before[name] for name in ("is_eligible", "expires_on")}))
    return override(connection, given, now=now, permit=permit, is_rehearsal=is_rehearsal)


__all__ = ["OverrideOrder", "override", "undo_override"]
