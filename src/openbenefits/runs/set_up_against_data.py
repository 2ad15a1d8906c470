"""Warnings that neither the set-up nor the data gives alone: what one of them says and the other does not."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.programs.frames import load_ending_calendars
from openbenefits.runs.unfilled import unfilled_fields
from openbenefits.runs.unmapped import unknown_companies, unmapped_actions

COLUMNS = ("severity", "code", "where", "expected", "found", "cure")
WARNINGS = {"client_id": pl.Int32(), **dict.fromkeys(COLUMNS, pl.String())}


def warnings_of(connection: Any, client_ids: Sequence[int], as_of: date) -> pl.DataFrame:
    """List own fields no job fills, actions nothing maps, companies nobody knows, calendars that end.

    Shapes: client_id and the columns of a finding of set-up, all of them warnings.
    """
    unfilled = unfilled_fields(connection, client_ids, as_of).select(
        "client_id",
        code=pl.lit("field_unfilled"),
        where=pl.format("eligibility rules {}", "rules"),
        expected=pl.format("{} in the jobs, as these rules ask for it", "field"),
        found=pl.lit("no job that says it; a run decides nobody by it"),
        cure=pl.lit("Fill it in the census, or take it out of the rules."),
    )
    reason = pl.when(pl.col("reason") == "").then(pl.lit("")).otherwise(pl.format(" ({})", "reason"))
    unmapped = unmapped_actions(connection, client_ids, as_of).select(
        "client_id",
        code=pl.lit("action_unmapped"),
        where=pl.concat_str(pl.lit("jobs with the action "), "action", reason),
        expected=pl.lit("the action, or the action with its reason, in `actions` of the PEO's set-up"),
        found=pl.format("none, for {} people: their events are of the default class", "people"),
        cure=pl.lit("Map it to an event class; blank for the default class, if that is meant."),
    )
    unknown = unknown_companies(connection, client_ids, as_of).select(
        "client_id",
        code=pl.lit("company_unknown"),
        where=pl.format("jobs of the company {}", "company"),
        expected=pl.lit("a company of which the client has a pay group"),
        found=pl.format("none, for {} people", "people"),
        cure=pl.lit("Correct the jobs, or add the company and its pay groups to the set-up."),
    )
    ending = load_ending_calendars(connection, client_ids, as_of).select(
        "client_id",
        code=pl.lit("calendar_ending"),
        where=pl.format("pay_groups[{}]", "pay_group"),
        expected=pl.lit("a pay calendar of the time to come"),
        found=pl.format("one through {}", "through"),
        cure=pl.lit("Extend the calendar: until then nothing has a price per pay after it."),
    )
    rows = pl.concat([unfilled, unmapped, unknown, ending], how="vertical_relaxed")
    return rows.with_columns(severity=pl.lit("W")).select(
        pl.col(name).cast(kind) for name, kind in WARNINGS.items()
    )
