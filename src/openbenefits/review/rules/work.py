"""The work list: what stands in the way, the same cause for many people as one entry. Pure.

A cause is a message and the record it names: a pay group, an option of a program, the fields of a job. It is
never a person. An entry is there while its cause is, so that nobody has to tick it off.
"""

from datetime import date

import polars as pl

from openbenefits.core.messages import CATALOGUE
from openbenefits.review.rules.cures import command_of

ITEM = {
    **dict.fromkeys(("client_id",), pl.Int32()),
    "person_id": pl.Int64(),
    "client": pl.String(),
    "employee_number": pl.String(),
    "benefit_record": pl.Int16(),
    "schedule": pl.String(),
    "event_number": pl.Int32(),
    "event_class": pl.String(),
    "event_on": pl.Date(),
    "process_status": pl.String(),
    "code": pl.String(),
    "record": pl.String(),
    "plan_type": pl.String(),
    "expected": pl.String(),
    "found": pl.String(),
    "since": pl.Date(),
}
"""One message about one person: what a cause is made of."""

CAUSE = ["client", "code", "record"]
ENTRY = (
    *("client", "severity", "code", "message", "record", "people", "events", "expected", "found"),
    *("owner", "cure", "command", "since", "days_old", "employees"),
)
WHO = (
    *("client", "severity", "code", "message", "record", "employee_number", "benefit_record", "schedule"),
    *("event_number", "event_class", "event_on", "process_status", "expected", "found", "since", "days_old"),
)
NAMED = 5
"""How many employees an entry names; the second sheet names all."""


def catalogue() -> pl.DataFrame:
    """Answer the catalogue as a frame: code, severity, message, owner, cure."""
    entries = CATALOGUE.values()
    return pl.DataFrame(
        {
            "code": [entry.code for entry in entries],
            "severity": [str(entry.severity) for entry in entries],
            "message": [entry.title for entry in entries],
            "owner": [str(entry.owner) for entry in entries],
            "cure": [entry.cure for entry in entries],
        }
    ).with_columns(pl.col("severity").replace_strict({"E": "error", "W": "warning"}))


def entries(items: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Make one entry of each cause, errors first, the one of most people first.

    Shapes:  items as ITEM; the result as ENTRY: `since` is the first day somebody had it, `days_old` up to
             `as_of`; `found` is named where all have found the same.
    """
    told = items.join(catalogue(), on="code", how="left", maintain_order="left")
    person = pl.struct("client_id", "person_id")
    event = pl.struct("client_id", "person_id", "benefit_record", "schedule", "event_number")
    grouped = told.sort("since", "employee_number").group_by(
        *CAUSE, "severity", "message", "owner", "cure", maintain_order=True
    )
    found = grouped.agg(
        expected=_only("expected", otherwise=pl.lit("as each of them says")),
        people=person.filter(pl.col("person_id").is_not_null()).n_unique(),
        events=event.filter(pl.col("event_number").is_not_null()).n_unique(),
        found=_only("found", otherwise=pl.format("{} different", pl.col("found").n_unique())),
        since=pl.col("since").min(),
        employees=_some_names(),
        one_person=_only("employee_number"),
        one_schedule=_only("schedule"),
        one_event=_only("event_number"),
    )
    rows = found.with_columns(command=command_of(), days_old=_days_old(as_of))
    order = ["severity", "people", "code", "record"]
    return rows.sort(order, descending=[False, True, False, False], nulls_last=True).select(ENTRY)


def people(items: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Name everybody behind the entries, by cause; as WHO."""
    rows = items.join(catalogue(), on="code", how="left", maintain_order="left")
    order = ("severity", "code", "record", "employee_number", "event_on", "event_number")
    return rows.with_columns(days_old=_days_old(as_of)).sort(order, nulls_last=True).select(WHO)


def _only(name: str, *, otherwise: pl.Expr | None = None) -> pl.Expr:
    """The value all rows of a group share; else another, or nothing."""
    other = pl.lit(None) if otherwise is None else otherwise
    return pl.when(pl.col(name).n_unique() == 1).then(pl.col(name).first()).otherwise(other)


def _some_names() -> pl.Expr:
    names = pl.col("employee_number").unique(maintain_order=True)
    more = names.len().cast(pl.Int64) - NAMED
    some = names.head(NAMED).str.join(", ")
    return pl.when(more > 0).then(pl.format("{} and {} more", some, more)).otherwise(some)


def _days_old(as_of: date) -> pl.Expr:
    return (pl.lit(as_of) - pl.col("since")).dt.total_days()


def record_of() -> pl.Expr:
    """Name the record of set-up or data that a message is about, never the person.

    Shapes: rows with code, owner, schedule, event_class, program, plan_type, plan (its name), option_code,
            pay_group, found.
    """
    plan = pl.format("plan type {} {}", "plan_type", "plan")
    named = {
        "BA1001": pl.lit("job"),
        "BA1006": pl.format("schedule {}", "schedule"),
        "BA1007": pl.lit("event classes"),
        "BA1101": pl.lit("eligibility rules of the programs"),
        "BA1102": pl.lit("job"),
        "BA1103": pl.format("schedule {}", "schedule"),
        "BA1105": pl.format("job or person, {}", "found"),
        "BA1201": pl.format("event rule of {} for class {}", plan, "event_class"),
        "BA1205": pl.format("pay group {}", pl.col("pay_group").fill_null("(none)")),
        "BA1209": pl.lit("annual pay of the job"),
        "BA1212": pl.lit("home zip, or address of the job"),
        "BA1213": pl.lit("birth date"),
    }
    option = pl.format("{}, option {} of program {}", plan, "option_code", "program")
    usual = (
        pl.when((pl.col("owner") == "set-up") & pl.col("option_code").is_not_null())
        .then(option)
        .when(pl.col("plan_type").is_not_null())
        .then(plan)
        .otherwise(pl.lit("event"))
    )
    found = pl.lit(None, pl.String)
    for code, record in named.items():
        found = pl.when(pl.col("code") == code).then(record).otherwise(found)
    return pl.coalesce(found, usual)


def first_said(current: pl.DataFrame, said: pl.DataFrame, looked: pl.DataFrame) -> pl.DataFrame:
    """Find the first run that said what a message says, without a later one that looked and did not say it.

    Shapes: current has case, code, plan_type; said has case, run_id, code, plan_type of all messages, current
            or not; looked has case and run_id of the runs that worked on the event. Adds first_run.
    """
    what = ["case", "code", "plan_type"]
    wanted = current.select(what).unique()
    runs = pl.concat([looked.select("case", "run_id"), said.select("case", "run_id")]).unique()
    every = wanted.join(runs, on="case")
    silent = every.join(said.select(*what, "run_id"), on=[*what, "run_id"], how="anti", nulls_equal=True)
    last_silent = silent.group_by(what).agg(silent_run=pl.col("run_id").max())
    named = said.join(last_silent, on=what, how="left", nulls_equal=True)
    is_since = (pl.col("run_id") > pl.col("silent_run")).fill_null(value=True)
    first = named.filter(is_since).group_by(what).agg(first_run=pl.col("run_id").min())
    return current.join(first, on=what, how="left", nulls_equal=True, maintain_order="left")
