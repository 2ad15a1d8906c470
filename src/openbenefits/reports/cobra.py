"""COBRA: every loss of health coverage with its verdict and reason, and the duties that stand."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.compliance.cobra.frames import acts_of_notices, load_acts, load_standing
from openbenefits.compliance.cobra.rules.causes import NOT, OPEN, QUALIFIES
from openbenefits.compliance.cobra.rules.clocks import CLOCKS
from openbenefits.compliance.cobra.rules.duties import DUE, TO_CORRECT, WITHDRAWN
from openbenefits.compliance.cobra.rules.losses import EMPLOYEE, LOSS_KEY
from openbenefits.compliance.cobra.services import classified_losses
from openbenefits.payroll.frames import load_employee_numbers
from openbenefits.reports.frames import load_clients
from openbenefits.reports.names import plan_type_name
from openbenefits.reports.rules import sorted_name
from openbenefits.store.bulk import copy_out
from openbenefits.workforce.frames import names_as_of

WHO = ("client", "employee_number", "name", "dependent")
LOSS = (
    *(*WHO, "person_type", "cover", "plan", "last_covered_on", "lost_on", "verdict", "cause", "reason"),
    *("event_class", "happened_on", "reported_on", *CLOCKS, "source"),
)
DUTY = (
    *(*WHO, "cover", "lost_on", "state", "cause", "reason", "happened_on", *CLOCKS, "notified_on"),
    *("days_left", "source", "version", "recorded_on"),
)
VERDICTS = (OPEN, QUALIFIES, NOT)
"""The order of the list: what waits for a person first."""
STATES = (TO_CORRECT, DUE, WITHDRAWN)

NUMBERS = """
SELECT id AS dependent_id, number AS dependent FROM workforce_dependent WHERE client_id = %(client)s
"""


def cobra_sheets(
    connection: Any, client_ids: Sequence[int] | None, *, as_of: date
) -> dict[str, pl.DataFrame]:
    """List the losses of clients (None: of all), count them by reason, and list the duties recorded.

    days_left: from `as_of` to the last day for the election notice; null once it was sent, or withdrawn.
    """
    clients = load_clients(connection)
    if client_ids is not None:
        clients = clients.filter(pl.col("client_id").is_in(list(client_ids)))
    rows = [_of_client(connection, number, code, as_of) for number, code in clients.rows()]
    losses = pl.concat([loss for loss, _ in rows]) if rows else pl.DataFrame(schema=LOSS)
    duties = pl.concat([duty for _, duty in rows]) if rows else pl.DataFrame(schema=DUTY)
    counted = losses.group_by("client", "verdict", "cause", "reason").agg(
        losses=pl.len(), people=pl.col("employee_number").n_unique()
    )
    return {
        "Losses of coverage": losses,
        "By reason": counted.sort("client", "verdict", "cause", "reason", nulls_last=True),
        "Duties": duties,
    }


def _of_client(
    connection: Any, client_id: int, client: str, as_of: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    lost, standing = classified_losses(connection, client_id), load_standing(connection, client_id)
    notices = acts_of_notices(load_acts(connection, client_id))
    losses = _named(
        connection, client_id, client, lost.drop("notified_on", "told_cause", "told_through"), as_of
    )
    losses = losses.with_columns(plan=plan_type_name())
    duties = _named(connection, client_id, client, standing, as_of)
    duties = duties.join(notices, on=list(LOSS_KEY), how="left", maintain_order="left")
    is_open = (pl.col("state") == DUE) & pl.col("notified_on").is_null()
    left = (pl.col("election_notice_by") - pl.lit(as_of)).dt.total_days()
    duties = duties.with_columns(days_left=pl.when(is_open).then(left))
    return (
        _ordered(losses, "verdict", VERDICTS).select(LOSS),
        _ordered(duties, "state", STATES).select(DUTY),
    )


def _ordered(rows: pl.DataFrame, column: str, order: Sequence[str]) -> pl.DataFrame:
    place = pl.col(column).replace_strict(dict(zip(order, range(len(order)), strict=True)), default=None)
    by = (place, "lost_on", "name", "employee_number", "dependent", "cover")
    return rows.sort(by, nulls_last=[False, False, False, False, False, False])


def _named(connection: Any, client_id: int, client: str, rows: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Add WHO: people by number and name, dependents by number (null: the employee)."""
    numbers = load_employee_numbers(connection, client_id)
    people = rows.select("client_id", "person_id").unique(maintain_order=True)
    cases = people.with_columns(case=pl.int_range(pl.len(), dtype=pl.Int32), as_of=pl.lit(as_of))
    names = names_as_of(connection, cases).select("case", name=sorted_name())
    known = cases.join(names, on="case", how="left").select("person_id", "name")
    schema = {"dependent_id": pl.Int64, "dependent": pl.Int16}
    dependents = copy_out(connection, NUMBERS, schema, {"client": client_id})
    named = rows.join(numbers, on="person_id", how="left", maintain_order="left")
    named = named.join(known, on="person_id", how="left", maintain_order="left")
    named = named.join(dependents, on="dependent_id", how="left", maintain_order="left")
    type_of = {"person_type": pl.col("person_type").fill_null("EE")} if "person_type" in rows.columns else {}
    is_employee = pl.col("dependent_id") == EMPLOYEE
    return named.with_columns(
        client=pl.lit(client), dependent=pl.when(~is_employee).then("dependent"), **type_of
    )
