"""Arrears by age, as a report: each person and plan type with something open, and the plan types in sum."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.payroll.arrears import arrears
from openbenefits.payroll.ledger import Asked
from openbenefits.payroll.rules.ageing import AGES
from openbenefits.reports.names import plan_type_name
from openbenefits.reports.rules import money_text

AMOUNTS = ("open_cents", *AGES, "scheduled_cents")
SHOWN = tuple(name.removesuffix("_cents") for name in AMOUNTS)
ABOUT = ("client", "employee_number", "benefit_record", "plan_type", "plan_type_name", "since_on")


def arrears_sheets(
    connection: Any, clients: Sequence[tuple[int, str]], *, as_of: date
) -> dict[str, pl.DataFrame]:
    """List what pays through a day should have taken and did not, in dollars, and count it by plan type.

    Missing: an amount that is not known is blank; `why` says why, and no sum has it.
    """
    found = [
        arrears(connection, Asked(client_id=number, through=as_of), as_of).with_columns(client=pl.lit(code))
        for number, code in clients
    ]
    if not found:
        return {"Arrears": pl.DataFrame(), "By plan type": pl.DataFrame()}
    rows = pl.concat(found).with_columns(plan_type_name=plan_type_name())
    known = rows.filter(pl.col("fault").is_null())
    sums = known.group_by("client", "plan_type", "plan_type_name").agg(
        people=pl.col("person_id").n_unique(), **{name: pl.col(name).sum() for name in AMOUNTS}
    )
    return {
        "Arrears": _in_dollars(rows).select(*ABOUT, *SHOWN, why="fault"),
        "By plan type": _in_dollars(sums.sort("client", "plan_type")).select(
            *("client", "plan_type", "plan_type_name", "people"), *SHOWN
        ),
    }


def _in_dollars(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        money_text(pl.col(name)).alias(shown) for name, shown in zip(AMOUNTS, SHOWN, strict=True)
    )
