"""Use cases of COBRA: classify losses, keep the duties that follow, record what people decide and send.

Duties are a projection that remembers: `record_duties` compares what follows from the timeline with the last
version of each duty and writes only what differs, so that it may run as often as one likes. Nothing below
calls it: a loss that a repair takes back is noticed the next time (decision 0012).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.compliance.cobra.frames import load_acts, load_known, load_standing
from openbenefits.compliance.cobra.rules.causes import OPEN, QUALIFIES
from openbenefits.compliance.cobra.rules.duties import (
    CORRECTED,
    DECIDED,
    DUE,
    NOTICED,
    TO_CORRECT,
    acts_that_count,
    duties,
    duty_changes,
)
from openbenefits.compliance.cobra.rules.judged import judged
from openbenefits.compliance.cobra.rules.losses import LOSS_KEY
from openbenefits.compliance.models import CobraAct
from openbenefits.core.codes import CobraCause
from openbenefits.store.bulk import copy_in
from openbenefits.workforce.models import Client


class CobraRefused(ValueError):
    """An act about a loss that cannot be: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One loss of coverage. `dependent_id` 0 is the employee."""

    client_id: int
    person_id: int
    dependent_id: int
    cover: str
    lost_on: date

    def of(self, rows: pl.DataFrame) -> dict[str, Any] | None:
        """Answer the row of this loss, if there is one."""
        found = rows.filter(**{name: getattr(self, name) for name in LOSS_KEY})
        return found.row(0, named=True) if found.height else None


@dataclass(frozen=True, kw_only=True)
class Act:
    """Who did something about a loss, on which day, and why."""

    on: date
    reason: str
    author: str


def classified_losses(
    connection: Any, client_id: int, person_ids: Sequence[int] | None = None
) -> pl.DataFrame:
    """List every loss of health coverage of some people (None: of all) of a client.

    Shapes: LOSS_KEY with verdict, cause, reason and clocks.
    """
    return judged(load_known(connection, client_id, person_ids))


def record_duties(connection: Any, client_id: int, *, as_of: date, now: datetime) -> pl.DataFrame:
    """Write what differs from the duties that stand, and answer the versions written.

    Duties whose loss is gone are withdrawn, or to be corrected where the notice was sent.
    """
    with transaction.atomic():
        Client.objects.select_for_update(no_key=True).get(
            pk=client_id
        )  # two at once would write a version twice
        known = load_known(connection, client_id)
        rows = judged(known)
        standing = load_standing(connection, client_id)
        changes = duty_changes(duties(rows), standing, rows, known.notices)
        written = changes.with_columns(recorded_on=pl.lit(as_of), made_at=pl.lit(now, _MOMENT))
        copy_in(connection, "compliance_cobraduty", written)
    return changes


_MOMENT = pl.Datetime("us", "UTC")


def decide(connection: Any, loss: Loss, act: Act, *, cause: CobraCause | None, now: datetime) -> None:
    """Record what somebody decided about a loss the rules leave open; None: it does not qualify.

    Errors: CobraRefused without a reason or author, for a loss there is not, or that the rules decide.
    """
    _refuse_anonymous(act)
    if cause is CobraCause.MISCONDUCT:
        raise CobraRefused("gross misconduct does not qualify; decide that it does not, or for termination")
    with transaction.atomic():
        Client.objects.select_for_update(no_key=True).get(pk=loss.client_id)
        found = loss.of(classified_losses(connection, loss.client_id, [loss.person_id]))
        if found is None:
            raise CobraRefused(f"no loss of {loss.cover} on {loss.lost_on}; `report COBRA` lists them")
        made = acts_that_count(load_acts(connection, loss.client_id))
        is_again = loss.of(made.filter(kind=DECIDED)) is not None
        if found["verdict"] != OPEN and not is_again:
            expected = f"a loss to decide; found that it {found['verdict']}: {found['reason']}"
            raise CobraRefused(f"expected {expected}. Correct the facts or the set-up instead")
        _write(connection, loss, act, kind=DECIDED, cause=str(cause or ""), now=now)


def record_notice(connection: Any, loss: Loss, act: Act, *, now: datetime) -> str:
    """Record that the notice a duty asks for was sent; answer its kind, `noticed` or `corrected`.

    Errors: CobraRefused without a reason or author, or where no notice is due.
    """
    _refuse_anonymous(act)
    with transaction.atomic():
        Client.objects.select_for_update(no_key=True).get(pk=loss.client_id)
        duty = loss.of(load_standing(connection, loss.client_id))
        state = duty["state"] if duty else "no duty"
        if state not in (DUE, TO_CORRECT):
            raise CobraRefused(f"expected a duty that is due, found {state}; record duties first")
        kind = NOTICED if state == DUE else CORRECTED
        found = loss.of(classified_losses(connection, loss.client_id, [loss.person_id])) or {}
        is_due = found.get("verdict") == QUALIFIES
        told = (found["cause"], found["continues_through"]) if is_due else ("", None)
        _write(connection, loss, act, kind=kind, cause=told[0], told_through=told[1], now=now)
    return kind


def _refuse_anonymous(act: Act) -> None:
    if not act.reason.strip() or not act.author.strip():
        raise CobraRefused("an act needs a reason and an author; state both")


def _write(
    connection: Any,
    loss: Loss,
    act: Act,
    *,
    kind: str,
    cause: str,
    now: datetime,
    told_through: date | None = None,
) -> None:
    key = {name: getattr(loss, name) for name in LOSS_KEY}
    number = load_acts(connection, loss.client_id).filter(**key).height + 1
    CobraAct.objects.create(
        **key,
        number=number,
        kind=kind,
        cause=cause,
        told_through=told_through,
        acted_on=act.on,
        reason=act.reason,
        author=act.author,
        acted_at=now,
    )
