"""Arrears: what pays that payroll reported should have taken and did not, by age."""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.core import money
from openbenefits.payroll.frames import load_employee_numbers
from openbenefits.payroll.ledger import Asked, books
from openbenefits.payroll.rules.ageing import DEDUCTION, KEY, aged


def arrears(connection: Any, asked: Asked, on: date) -> pl.DataFrame:
    """List what is owed and not taken, by age on a day, with the employee's number.

    Shapes:  as `rules.ageing.aged`, with scheduled_cents (what of it is ordered for pays to come) and
             employee_number; the oldest first.
    Missing: where a balance is unknown the amounts are, and `fault` says why.
    """
    found = books(connection, asked)
    ordered = found.balances.filter(kind=DEDUCTION).group_by(KEY)
    scheduled = ordered.agg(money.total(pl.col("scheduled_cents")).alias("scheduled_cents"))
    numbers = load_employee_numbers(connection, asked.client_id)
    return (
        aged(found.pays, on)
        .join(scheduled, on=KEY, how="left")
        .join(numbers, on="person_id", how="left")
        .sort("since_on", "employee_number", "plan_type", nulls_last=True)
    )
