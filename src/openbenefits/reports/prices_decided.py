"""What people decided about prices, in names: the decisions of people, and whether they stand."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.enrollment.price_deciding import AMOUNTS, decided_before
from openbenefits.payroll.rules.words import dollars_text
from openbenefits.programs.frames import load_codes

EVERY = "every option"


def decided_prices(connection: Any, client_id: int, person_ids: Sequence[int]) -> pl.DataFrame:
    """List every decision about prices of people, by whom and why; amounts in dollars of a year.

    Shapes: benefit_record, number, plan_type, option, from, through, total, employer, employee, state
            (stands, undone, undoes n), by, reason, at.
    """
    people = pl.DataFrame(
        {"client_id": [client_id] * len(person_ids), "person_id": list(person_ids)},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
    codes = load_codes(connection, client_id, "option").select(option_id="id", option="code")
    rows = decided_before(connection, people).join(codes, on="option_id", how="left", maintain_order="left")
    state = (
        pl.when("stands")
        .then(pl.lit("stands"))
        .when(pl.col("undoes").is_null())
        .then(pl.lit("undone"))
        .otherwise(pl.format("undoes {}", "undoes"))
    )
    return rows.select(
        *("benefit_record", "number", "plan_type"),
        pl.col("option").fill_null(EVERY),
        pl.col("begins_on").alias("from"),
        pl.col("ends_on").alias("through"),
        *(dollars_text(pl.col(name)).alias(name.removesuffix("_cents")) for name in AMOUNTS),
        state.alias("state"),
        pl.col("author").alias("by"),
        "reason",
        pl.col("made_at").alias("at"),
    )
