"""What payroll takes in a story, leaves without pay, and corrections."""

import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from openbenefits.payroll.leaves import Leave, choose, lapse, notice, receive
from openbenefits.payroll.ledger import Asked, balances, schedule
from openbenefits.payroll.policies import state_policy
from openbenefits.payroll.register import nothing_said, register_of
from openbenefits.payroll.rules.corrections import Agreed
from openbenefits.payroll.rules.words import dollars_text
from openbenefits.payroll.taken import take
from openbenefits.repair.resuming import ResumeOrder, resume
from openbenefits.scenarios.cast import Cast, cents
from openbenefits.scenarios.databases import BY, CLIENT_ID
from openbenefits.scenarios.orders import CorrectPart, LapsePart, LeavePart, PaysPart

REASON = "the story says so"


def on_leave(connection: Any, cast: Cast, part: LeavePart, on: date, now: datetime) -> None:
    """Record a choice, a payment or a letter of a leave.

    Errors: payroll.LeaveRefused; repair.RepairRefused.
    """
    leave = Leave(client_id=CLIENT_ID, person_id=cast.person(part.person), leave_from=part.leave)
    said: dict[str, Any] = {"on": on, "author": BY, "now": now}
    if part.way is not None:
        choose(connection, leave, part.way, consent=REASON, through=part.through, **said)
    if part.amount is not None:
        receive(connection, leave, cents(part.amount) or 0, how=REASON, **said)
    if part.letter:
        notice(connection, leave, reason=REASON, **said)
    if part.resume is not None:
        order = ResumeOrder(leave=leave, resumption=part.resume, on=on, consent=REASON, author=BY)
        resume(connection, order, now=now)


def end_unpaid(connection: Any, cast: Cast, part: LapsePart, on: date, now: datetime) -> None:
    """Bring about the events that end coverage nobody paid for."""
    del cast, part
    lapse(connection, CLIENT_ID, on, author=BY, now=now)


def take_pays(connection: Any, cast: Cast, part: PaysPart, on: date, now: datetime) -> None:
    """Let payroll take what the register says can be taken, pay by pay, corrections included."""
    del cast, on
    begin, through = part.begin, part.through
    rows = register_of(connection, CLIENT_ID, begin=begin, through=through, available=nothing_said())
    key = ["employee_number", "benefit_record", "plan_type", "pay_group", "ends_on", "tax_class"]
    kind = pl.when(pl.col("kind") == "correction").then(pl.lit("deduction")).otherwise("kind")
    sums = rows.with_columns(kind=kind).group_by(*key, "kind").agg(pl.col("take_cents").sum())
    said = sums.with_columns(taken=dollars_text(pl.col("take_cents"))).drop("take_cents")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"pays to {part.through}.csv"
        said.write_csv(path)
        take(connection, CLIENT_ID, path, now=now, made_by=BY)


def correct_pays(connection: Any, cast: Cast, part: CorrectPart, on: date, now: datetime) -> None:
    """Order what is ready, under the policy stated."""
    del cast
    policy: dict[str, Any] = {"client_id": 0, "state": "", "valid_from": date(2020, 1, 1), "source": REASON}
    policy |= {"periods": part.pays, "needs_consent": part.needs_consent}
    state_policy(connection, **policy, author=BY, now=now)
    asked = Asked(client_id=CLIENT_ID, through=on)
    schedule(connection, asked, on=on, agreed=Agreed(), reason=REASON, author=BY, now=now)


def balance_of(connection: Any, person_id: int, plan_type: str, on: date) -> Decimal | None:
    """Answer what is still to be taken of a plan type, as corrections see it; None where it is unknown."""
    rows = balances(connection, Asked(client_id=CLIENT_ID, through=on, person_ids=[person_id]))
    mine = rows.filter(plan_type=plan_type, kind="deduction")["correct_cents"]
    return None if mine.null_count() else Decimal(mine.sum()) / 100
