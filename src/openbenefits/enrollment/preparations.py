"""What is kept of preparations: plan types and menus, where they are not stored already (decision 0013)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.core.codes import WAIVABLE
from openbenefits.core.columns import cut, filled, joined
from openbenefits.core.days import instant
from openbenefits.enrollment import models
from openbenefits.enrollment.points import as_stored
from openbenefits.enrollment.prepared_frames import NEW_MENUS, load_contents
from openbenefits.enrollment.rules.prepare import Prepared
from openbenefits.events.rules import EVENT_KEY, is_to_be_replayed
from openbenefits.store.bulk import copy_in, copy_out, schema_of

NUMBER = (*EVENT_KEY, "preparation")
MARKS = ("mark", "second_mark")
SEED = 2_026


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What preparations say of some events, as it is stored.

    events:  the events given, with `content`, one number for all that is stored of each.
    plans:   `case`, `plan` and the columns of an EventPlan but its key and menu; `client_id`; and two numbers
             that are the same where all options are the same (null: there are none).
    options: `plan` and the columns of a MenuOption but its key.
    """

    events: pl.DataFrame
    plans: pl.DataFrame
    options: pl.DataFrame


def offered(prepared: Prepared, events: pl.DataFrame) -> Offered:
    """Put what was prepared of some events in the form it is stored in.

    Shapes: events has case, client_id, event_on, the program assigned (program_id) and the window.
    """
    owners = events[["case", "client_id"]]
    options = prepared.options.join(owners, on="case", how="semi", maintain_order="left")
    options = _columns(options.rename({"rule_bit": "rule_mask"}), models.MenuOption, "plan")
    plans = prepared.plans.with_columns(
        pl.col("rule_row").fill_null(-1).alias("event_rule_row"),
        pl.col("is_election_required").fill_null(value=False),
        pl.col("default_reason").fill_null("nothing"),
        is_waive_allowed=pl.col("waive_rule").is_in([str(rule) for rule in WAIVABLE]).fill_null(value=False),
    )
    plans = _columns(plans, models.EventPlan, "case", "plan")
    plans = joined(plans, owners, "case", maintain_order="left")
    plans = joined(plans, _marked(options), "plan", how="left", maintain_order="left")
    return Offered(events=_with_content(events, plans), plans=plans, options=options)


def _columns(rows: pl.DataFrame, model: Any, *places: str) -> pl.DataFrame:
    """Pick the columns a table has beside its key, in its types."""
    own = {name: kind for name, kind in schema_of(model).items() if name not in (*NUMBER, "menu_id")}
    return as_stored(rows, {name: rows.schema[name] for name in places} | own)


def _marked(options: pl.DataFrame) -> pl.DataFrame:
    """Give each plan row two numbers of 64 bits that tell its options, as a whole, from all others."""
    said = cut(options, "plan")
    told = options.select(
        "plan", *(said.hash_rows(seed=SEED + at).alias(mark) for at, mark in enumerate(MARKS))
    )
    return told.group_by("plan").agg(pl.col(mark).bitwise_xor() for mark in MARKS)


def _with_content(events: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """Add the number that is the same where everything stored is (decision 0007 says of what kind it is)."""
    own = events[["program_id", "event_on", "window_begins_on", "window_ends_on"]].hash_rows(seed=SEED)
    said = cut(plans, "case", "plan").hash_rows(seed=SEED).alias("plans")
    folded = pl.DataFrame([plans["case"], said]).group_by("case").agg(pl.col("plans").bitwise_xor())
    of_plans = joined(events[["case"]], folded, "case", how="left", maintain_order="left")["plans"]
    content = (own ^ filled(of_plans, 0)).reinterpret(signed=True)
    return events.with_columns(content.alias("content"))


def of_new_content(connection: Any, made: Offered) -> pl.DataFrame:
    """Answer the events of which something else is stored as what now holds, or nothing.

    What somebody ordered to be decided again is prepared anew, whatever comes of it.
    """
    begun = made.events.filter((pl.col("preparation") > 0) & ~is_to_be_replayed())
    if begun.is_empty():
        return made.events
    stored = load_contents(connection, begun)
    same = [*NUMBER, "content"]
    return made.events.join(stored, on=same, how="anti", maintain_order="left")


def save_preparation(
    connection: Any, made: Offered, events: pl.DataFrame, *, run_id: int | None, now: datetime
) -> None:
    """Write plan types and menus of prepared events under a new preparation number, and when that was.

    Shapes: events are some of made.events, with `preparation` as the number to write.
    """
    if events.is_empty():
        return
    rows = events.with_columns(run_id=pl.lit(run_id, pl.Int64), made_at=instant(now))
    copy_in(connection, "enrollment_preparation", as_stored(rows, schema_of(models.Preparation)))
    plans = joined(cut(made.plans, "client_id"), events[["case", *NUMBER]], "case", maintain_order="left")
    menus = _numbered(connection, plans)
    options = made.options.join(menus, on="plan", maintain_order="right")
    copy_in(connection, "enrollment_menuoption", as_stored(options, schema_of(models.MenuOption)))
    kind = ["client_id", *MARKS]
    plans = joined(plans, menus[[*kind, "menu_id"]], kind, how="left", maintain_order="left")
    copy_in(connection, "enrollment_eventplan", as_stored(plans, schema_of(models.EventPlan)))


def _numbered(connection: Any, plans: pl.DataFrame) -> pl.DataFrame:
    """Number the different menus of some plan rows; `plan` is one that has it."""
    menus = plans.filter(pl.col("mark").is_not_null()).unique(
        ["client_id", *MARKS], keep="first", maintain_order=True
    )
    numbers = copy_out(connection, NEW_MENUS, {"menu_id": pl.Int64}, [menus.height])
    return menus[["plan", "client_id", *MARKS]].hstack([numbers["menu_id"]])
