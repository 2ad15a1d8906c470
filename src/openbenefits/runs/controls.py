"""Run controls: named, reusable orders with their last results and their place in the calendar."""

import calendar
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from openbenefits.core.codes import Level
from openbenefits.programs.frames import load_setup
from openbenefits.runs import models
from openbenefits.runs.passive import run_passive_events
from openbenefits.runs.services import Progress, RunOrder, RunResult, run, trial
from openbenefits.runs.windows import run_window_ends

_OTHER_KINDS = {"passive": run_passive_events, "windows": run_window_ends}

REHEARSED_KINDS = ("reprocess",)
"""The kinds beside `process` that can be tried."""

NIGHTLY, MONTHLY, ONCE = "nightly", "monthly", "once"


def controls(connection: Any, client_id: int) -> pl.DataFrame:
    """List the run controls of a client in their order, with when each ran last and what came of it."""
    rows = load_setup(connection, [client_id])["run_control"].filter(client_id=client_id)
    runs = models.Run.objects.filter(bundle_client=client_id, run_control__isnull=False)
    last = {
        started.run_control: (started.id, started.as_of, started.state) for started in runs.order_by("id")
    }
    columns = {
        name: [last.get(code, (None, None, None))[place] for code in rows["code"]]
        for place, name in enumerate(("last_run", "last_as_of", "last_state"))
    }
    schema = {"last_run": pl.Int64, "last_as_of": pl.Date, "last_state": pl.String}
    return rows.with_columns(pl.DataFrame(columns, schema=schema)).sort("display_order")


def due(connection: Any, client_id: int, on: date) -> pl.DataFrame:
    """List the run controls that are due on a day and have not run for it yet, in their order."""
    rows = controls(connection, client_id)
    wanted = [is_due(row, on) for row in rows.iter_rows(named=True)]
    return rows.filter(pl.Series(wanted, dtype=pl.Boolean))


def run_calendar(connection: Any, client_id: int, begin: date, through: date) -> pl.DataFrame:
    """Show which run control falls on which day of a span: on, code, name, kind."""
    rows = controls(connection, client_id).to_dicts()
    span = [begin + timedelta(days=number) for number in range((through - begin).days + 1)]
    lines = [
        {"on": day, "code": row["code"], "name": row["name"], "kind": row["kind"]}
        for day in span
        for row in rows
        if falls_on(row, day)
    ]
    return pl.DataFrame(
        lines, schema={"on": pl.Date, "code": pl.String, "name": pl.String, "kind": pl.String}
    )


def is_due(row: Mapping[str, Any], on: date) -> bool:
    """Tell whether a control is to run on a day: its turn has come, and it has not run for it.

    One that runs once is due until it has; one on demand never is.
    """
    if row["repeats"] == ONCE:
        return row["last_run"] is None and row["runs_on"] is not None and row["runs_on"] <= on
    return falls_on(row, on) and (row["last_as_of"] is None or row["last_as_of"] < on)


def falls_on(row: Mapping[str, Any], day: date) -> bool:
    """Tell whether a control's turn comes on a day; a month too short has its turn on the last day."""
    if row["repeats"] == MONTHLY:
        wanted = row["runs_on"].day if row["runs_on"] else 1
        return day.day == min(wanted, calendar.monthrange(day.year, day.month)[1])
    return bool(row["repeats"] == NIGHTLY or (row["repeats"] == ONCE and row["runs_on"] == day))


def execute(
    connection: Any,
    client_id: int,
    code: str,
    *,
    as_of: date,
    now: datetime,
    started_by: str,
    progress: Progress | None = None,
    is_trial: bool = False,
    accepted: Mapping[str, str] | None = None,
    workers: int | None = None,
    more_kinds: Mapping[str, Callable[..., RunResult]] | None = None,
    people: Sequence[int] | None = None,
    adds_people: bool = False,
) -> RunResult:
    """Carry out a run control, for some people only if they are listed.

    `more_kinds` says how to carry out the kinds that capabilities above this one know (repairs).

    Errors: LookupError names the controls there are, if there is none of this code; LookupError for a trial
            of a kind that cannot be tried.
    """
    rows = controls(connection, client_id)
    found = rows.filter(code=code)
    if found.is_empty():
        message = f"no run control {code!r}; there are: {', '.join(rows['code'])}"
        raise LookupError(message)
    control = found.row(0, named=True)
    kinds = _OTHER_KINDS | dict(more_kinds or {})
    if control["kind"] in kinds:
        other = kinds[control["kind"]]
        if is_trial and control["kind"] not in REHEARSED_KINDS:
            message = (
                f"run control {code} is of kind {control['kind']}, which cannot be tried; run it, or do not"
            )
            raise LookupError(message)
        given = {"run_control": code, "as_of": as_of, "now": now, "started_by": started_by}
        return other(connection, client_id, **given, **({"is_trial": True} if is_trial else {}))
    order = RunOrder(
        client_id=client_id,
        schedule_id=control["schedule_id"],
        as_of=as_of,
        through=Level(control["through_level"]),
        is_finalizing=control["is_finalizing"],
        run_control=code,
        started_by=started_by,
        accepted=accepted or {},
        people=people,
        adds_people=adds_people,
        captures_new=control["is_capturing_new"],
    )
    how = trial if is_trial else run
    return how(connection, order, now=now, workers=workers, progress=progress)
