"""Repairs in words: what is proposed, and what changes, with people by number and set-up by code."""

from typing import TYPE_CHECKING, Any

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import PROCESS_STATUS_NAMES, EventStatus, ProcessIndicator
from openbenefits.payroll.frames import load_employee_numbers
from openbenefits.programs.frames import load_setup
from openbenefits.repair import kinds
from openbenefits.repair.acts import load_acts
from openbenefits.reports.names import plan_type_name
from openbenefits.reports.rules import money_text

if TYPE_CHECKING:
    from openbenefits.repair.services import Consequences

TO_DO = {"again": "decide again", "withdraw": "withdraw", "redate": "move to another day"}
KINDS = {
    "E": "elected",
    "D": "by default",
    "W": "waived",
    "T": "ended",
    "N": "never enrolled",
    "I": "ended: not eligible",
}


def named_proposals(connection: Any, client_id: int, proposals: pl.DataFrame) -> pl.DataFrame:
    """Lay proposals out for people: employee_number, schedule, event, its day, what to do, to when, why.

    Shapes: proposals as `repair.rules.proposed`, with or without `outcome`.
    """
    rows = _with_places(connection, client_id, proposals)
    outcome = ["outcome"] if "outcome" in proposals.columns else []
    return rows.select(
        *("employee_number", "schedule", "event_number", "event_on"),
        to_do=pl.col("kind").replace_strict(TO_DO, return_dtype=pl.String),
        to="to_on",
        why="why",
        **{name: pl.col(name) for name in outcome},
    )


def named_consequences(connection: Any, client_id: int, told: "Consequences") -> dict[str, pl.DataFrame]:
    """Lay the consequences of a repair out as three tables by title: events, coverage, deductions."""
    return {
        "Events that stand elsewhere": _events(connection, client_id, told.events),
        "Coverage that differs": _coverage(connection, client_id, told.coverage),
        "Deductions that differ": _deductions(connection, client_id, told.deductions),
    }


def named_losses(connection: Any, client_id: int, losses: pl.DataFrame) -> pl.DataFrame:
    """Lay losses of health coverage out: whose, which cover, from which day, and what follows."""
    numbers = load_employee_numbers(connection, client_id)
    rows = losses.join(numbers, on="person_id", how="left", maintain_order="left")
    return rows.select(
        "employee_number",
        "cover",
        "lost_on",
        who=pl.when(pl.col("dependent_id") == 0)
        .then(pl.lit("the employee"))
        .otherwise(pl.lit("a dependent")),
        side=pl.col("side").replace_strict({"before": "no longer", "after": "now"}, return_dtype=pl.String),
        verdict="verdict",
        cause="cause",
        continues_through="continues_through",
    )


def named_acts(connection: Any, client_id: int, person_id: int) -> pl.DataFrame:
    """Lay out what was done with the events of somebody: event, what, when, by whom, why."""
    key = {"client_id": [client_id], "person_id": [person_id]}
    people = pl.DataFrame(key, schema={"client_id": pl.Int32, "person_id": pl.Int64})
    acts = _with_places(connection, client_id, load_acts(connection, people))
    words = {code: kind.name for code, kind in kinds.KINDS.items()}
    return acts.sort("acted_at", "schedule", "event_number", "number").select(
        *("schedule", "event_number", "number"),
        done=pl.col("kind").replace_strict(words, return_dtype=pl.String),
        undoes="undoes",
        was_on="was_on",
        to_on="to_on",
        was=pl.col("was_process_status").fill_null(""),
        at=pl.col("acted_at").dt.strftime("%Y-%m-%d %H:%M"),
        by="author",
        why="reason",
    )


def _with_places(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Add employee_number and the code of the schedule."""
    numbers = load_employee_numbers(connection, client_id)
    schedules = load_setup(connection, [client_id])["schedule"].select("schedule_id", schedule="code")
    return rows.join(numbers, on="person_id", how="left", maintain_order="left").join(
        schedules, on="schedule_id", how="left", maintain_order="left"
    )


def _events(connection: Any, client_id: int, events: pl.DataFrame) -> pl.DataFrame:
    words = {"": "not decided yet", **PROCESS_STATUS_NAMES}

    def said(after: str) -> pl.Expr:
        name = pl.col(f"process_status{after}").fill_null("").replace_strict(words, return_dtype=pl.String)
        waits = pl.col(f"process_indicator{after}") == str(ProcessIndicator.REPLAY)
        return (
            pl.when(pl.col(f"event_status{after}") == str(EventStatus.VOID))
            .then(pl.lit("void"))
            .when(waits)
            .then(pl.lit("to be decided again, behind an earlier one"))
            .otherwise(name)
        )

    rows = _with_places(connection, client_id, events)
    return rows.select(
        *("employee_number", "schedule", "event_number"),
        was_on="event_on",
        was=said(""),
        is_on="event_on_after",
        becomes=said("_after"),
    )


def _coverage(connection: Any, client_id: int, coverage: pl.DataFrame) -> pl.DataFrame:
    options = (
        load_setup(connection, [client_id])["option"].select("option_id", option="code").unique("option_id")
    )
    numbers = load_employee_numbers(connection, client_id)
    rows = coverage.join(options, on="option_id", how="left", maintain_order="left").join(
        numbers, on="person_id", how="left", maintain_order="left"
    )
    return rows.select(
        "employee_number",
        plan=plan_type_name(),
        side=pl.col("side").replace_strict({"before": "no longer", "after": "now"}, return_dtype=pl.String),
        from_day="begins_on",
        holds=pl.col("kind").replace_strict(KINDS, return_dtype=pl.String),
        option="option",
        amount=money_text(pl.coalesce("coverage_cents", "pledge_cents")),
        deducted_from="deduction_begins_on",
        dependents=pl.col("members").str.split(" ").list.len(),
    )


def _deductions(connection: Any, client_id: int, deductions: pl.DataFrame) -> pl.DataFrame:
    """Sum what differs per person, plan and tax class over the pays compared."""
    key = ["person_id", "plan_type", "kind", "tax_class"]
    known = [money.total(pl.col(name)).alias(name) for name in ("before", "after")]
    summed = deductions.group_by(key).agg(
        *known, pays=pl.len(), first_pay=pl.col("ends_on").min(), last_pay=pl.col("ends_on").max()
    )
    numbers = load_employee_numbers(connection, client_id)
    return (
        summed.join(numbers, on="person_id", how="left")
        .sort("employee_number", "plan_type", "kind", "tax_class")
        .select(
            "employee_number",
            "kind",
            "tax_class",
            "pays",
            "first_pay",
            "last_pay",
            plan=plan_type_name(),
            before=money_text(pl.col("before")),
            after=money_text(pl.col("after")),
            difference=money_text(money.subtract(pl.col("after"), pl.col("before"))),
        )
    )
