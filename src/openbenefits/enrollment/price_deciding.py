"""Use cases of price decisions: what somebody decides about participants' prices (docs/rules.md §7.12).

The caller has locked the people, in its own transaction.
"""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.core.bad_rows import BAD_ROW, faults
from openbenefits.core.codes import AmountKind
from openbenefits.enrollment.frames import PRICE_DECIDED_COLUMNS, PRICES_DECIDED
from openbenefits.enrollment.models import PriceDecision
from openbenefits.events.rules import RECORD_KEY
from openbenefits.programs.frames import load_setup
from openbenefits.store.bulk import copy_in, copy_out, schema_of
from openbenefits.store.keys import people_arrays

AMOUNTS = ("total_cents", "employer_cents", "employee_cents")
SAID = ("plan_type", "option_id", "begins_on", "ends_on", *AMOUNTS)
PRICE_ROW: dict[str, Any] = {
    "row": pl.Int32,
    **{name: PRICE_DECIDED_COLUMNS[name] for name in RECORD_KEY},
    "plan_type": pl.String,
    "program": pl.String,
    "option": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    **dict.fromkeys(AMOUNTS, pl.Int64),
    "reason": pl.String,
}
"""A decision as it is said: program and option name an option (both null: every option of the plan type);
cents of a year (null: as the rules say)."""


def load_priced_options(connection: Any, client_id: int) -> pl.DataFrame:
    """List the options that have a price anywhere in the set-up: program, plan_type, option, option_id."""
    tables = load_setup(connection, [client_id])
    own = pl.col("client_id") == client_id
    programs = tables["program"].filter(own).select("program_id", program="code").unique()
    priced = tables["cost"].filter(cost_type="P").select("option_id").unique()
    stating = tables["plan_type_row"].filter(own, pl.col("amount_kind") != str(AmountKind.NONE))
    options = tables["option"].filter(own).join(priced, on="option_id", how="semi")
    options = options.join(stating, on=["program_id", "plan_type"], how="anti")
    listed = options.join(programs, on="program_id")
    return listed.select("program", "plan_type", "option_id", option="code").unique()


def placed(rows: pl.DataFrame, priced: pl.DataFrame) -> pl.DataFrame:
    """Add option_id to decisions: null for every option of the plan type, and where there is no such one."""
    key = ["program", "plan_type", "option"]
    return rows.join(priced, on=key, how="left", maintain_order="left")


def price_faults(rows: pl.DataFrame, priced: pl.DataFrame) -> pl.DataFrame:
    """Name what is wrong with decisions by themselves, as BAD_ROW; rows as `placed` answers them."""
    is_turned = pl.col("ends_on") < pl.col("begins_on")
    asked = "a last day on or after the first"
    days = faults(rows, is_turned, "through", asked, "correct one of the days", pl.lit("an earlier one"))
    found = pl.concat([*_place_faults(rows, priced), *_amount_faults(rows), days])
    return found.cast(BAD_ROW).sort("row", maintain_order=True)


def _place_faults(rows: pl.DataFrame, priced: pl.DataFrame) -> list[pl.DataFrame]:
    """Name plan types and options there are no prices of."""
    types = priced["plan_type"].unique().sort()
    names = priced.select("plan_type", pl.format("{}/{}", "program", "option").alias("name")).unique()
    listed = names.sort("name").group_by("plan_type", maintain_order=True).agg(pl.col("name").str.join(", "))
    rows = rows.join(listed, on="plan_type", how="left", maintain_order="left")
    is_known = pl.col("plan_type").is_in(types.implode())
    is_named = pl.col("option").is_not_null() | pl.col("program").is_not_null()
    return [
        faults(
            rows,
            ~is_known,
            "plan_type",
            f"a plan type with prices: {', '.join(types) or 'there is none'}",
            "correct the plan type",
        ),
        faults(
            rows,
            is_known & is_named & pl.col("option_id").is_null(),
            "option",
            pl.format("program and option with a price: {}", "name"),
            "correct the program or the option, or leave both out",
        ),
    ]


def _amount_faults(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Name amounts that are none, below 0, both parts, or a part above the total."""
    part = pl.max_horizontal("employer_cents", "employee_cents")
    least = pl.min_horizontal(AMOUNTS)
    return [
        faults(
            rows,
            pl.all_horizontal(pl.col(name).is_null() for name in AMOUNTS),
            "employee",
            "a total, or the part of employer or employee",
            "state one of them",
            pl.lit("none"),
        ),
        faults(
            rows, least < 0, "employee", "amounts of 0 or more", "correct the amount", pl.lit("less than 0")
        ),
        faults(
            rows,
            pl.col("employer_cents").is_not_null() & pl.col("employee_cents").is_not_null(),
            "employer",
            "the part of one; the other follows",
            "leave one of them out",
            pl.lit("both parts"),
        ),
        faults(
            rows,
            part > pl.col("total_cents"),
            "total",
            "a total of at least the part stated",
            "correct one of the amounts",
            pl.lit("less"),
        ),
    ]


def decided_before(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Load every decision about prices of some people, the last last, with stands (not undone since)."""
    made = copy_out(connection, PRICES_DECIDED, PRICE_DECIDED_COLUMNS, people_arrays(rows))
    made = made.sort(*RECORD_KEY, "number")
    undone = made.drop_nulls("undoes").select(*RECORD_KEY, number="undoes", is_undone=pl.lit(value=True))
    found = made.join(undone, on=[*RECORD_KEY, "number"], how="left", maintain_order="left")
    return found.with_columns(stands=pl.col("undoes").is_null() & pl.col("is_undone").is_null()).drop(
        "is_undone"
    )


def with_known(rows: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """Add is_known: the same stands already, for the same reason."""
    key = [*RECORD_KEY, *SAID, "reason"]
    same = made.filter("stands").select(key).unique().with_columns(is_known=pl.lit(value=True))
    found = rows.join(same, on=key, how="left", nulls_equal=True, maintain_order="left")
    return found.with_columns(pl.col("is_known").fill_null(value=False))


def decide_prices(
    connection: Any, rows: pl.DataFrame, made: pl.DataFrame, *, author: str, now: datetime
) -> None:
    """Write decisions that are whole and new; rows as `placed`, made as `decided_before`."""
    nothing = {"undoes": pl.lit(None, pl.Int32), "change_id": pl.lit(None, pl.Int64)}
    _write(connection, rows.with_columns(**nothing), made, author=author, now=now)


def last_standing(made: pl.DataFrame) -> pl.DataFrame:
    """Keep of each benefit record and plan type the last decision that stands."""
    stands = made.filter("stands").sort(*RECORD_KEY, "number")
    return stands.unique([*RECORD_KEY, "plan_type"], keep="last", maintain_order=True)


def undo_prices(
    connection: Any,
    undone: pl.DataFrame,
    made: pl.DataFrame,
    *,
    author: str,
    reason: str,
    now: datetime,
    change_id: int | None = None,
) -> None:
    """Withdraw decisions that stand; undone as `last_standing`. `change_id`: of people merged or parted."""
    nothing = [pl.lit(None, pl.Int64).alias(name) for name in AMOUNTS]
    rows = undone.with_columns(*nothing, undoes="number", reason=pl.lit(reason)).drop("number")
    rows = rows.with_columns(change_id=pl.lit(change_id, pl.Int64))
    _write(connection, rows, made, author=author, now=now)


def _write(connection: Any, rows: pl.DataFrame, made: pl.DataFrame, *, author: str, now: datetime) -> None:
    last = made.group_by(RECORD_KEY).agg(last=pl.col("number").max())
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(RECORD_KEY)
    numbered = rows.join(last, on=list(RECORD_KEY), how="left", maintain_order="left").with_columns(
        number=pl.col("last").fill_null(0) + place,
        author=pl.lit(author),
        made_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
    )
    columns = schema_of(PriceDecision)
    stored = numbered.select(pl.col(name).cast(kind) for name, kind in columns.items())
    copy_in(connection, "enrollment_pricedecision", stored)
