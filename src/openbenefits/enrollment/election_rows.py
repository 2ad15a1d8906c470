"""From the cells of elections to submissions: whose event a row is about, and what was submitted before."""

from typing import Any

import polars as pl

from openbenefits.core.codes import EventStatus
from openbenefits.enrollment.election_frames import (
    ELECTION_KEY,
    load_elected_beneficiaries,
    load_elected_dependents,
    load_elected_funds,
    load_submissions,
)
from openbenefits.enrollment.entry_rows import people_of, with_shares, with_stored_contents
from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.programs.frames import load_codes

OPEN = str(EventStatus.OPEN)
ONLY_SLOT = 0
PLACE = ELECTION_KEY[:-1]  # event, plan type, slot: what submissions are numbered within
CONTENT = (
    *("option_code", "option_id", "coverage_cents", "pledge_cents", "percent_thousandths", "waive_reason"),
    *("after_tax_thousandths", "hours_hundredths", "files_separately", "waiver_proof", "waiver_proof_on"),
    *("credit_rollover", "received_on", "is_withdrawn", "members", "allocation", "shares"),
)


def named(values: pl.DataFrame) -> pl.DataFrame:
    """Give the values of an elections file the names of the tables."""
    return values.select(
        *("row", "employee_number", "schedule", "plan_type", "dependents", "funds", "received_on"),
        *("beneficiaries", "contingent_beneficiaries", "waiver_proof", "waiver_proof_on"),
        "credit_rollover",
        option_code="option",
        benefit_record=pl.col("benefit_record").fill_null(0),
        stated_number=pl.col("event_number").cast(pl.Int32),
        coverage_cents="coverage_amount",
        pledge_cents="annual_pledge",
        percent_thousandths="percent",
        after_tax_thousandths="after_tax_percent",
        hours_hundredths=pl.col("hours").cast(pl.Int32),
        files_separately=pl.col("files_separately").fill_null(value=False),
        waive_reason=pl.concat_str("waive_reason", "other_coverage", separator=": ", ignore_nulls=True)
        .replace("", None),
        slot=pl.lit(ONLY_SLOT, pl.Int16),
    )  # fmt: skip


def with_events(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Find the event of each row: the one named, else the open one; add what is known of it.

    Missing: a row whose event does not exist, or is not the only one that fits, has no schedule_id.
    """
    codes = load_codes(connection, client_id, "schedule").select(
        schedule="code", stated_schedule=pl.col("id").cast(pl.Int32)
    )
    rows = rows.join(codes, on="schedule", how="left", maintain_order="left")
    events = load_events(connection, people_of(rows)).with_columns(
        open_events=(pl.col("event_status") == OPEN).sum().over(RECORD_KEY)
    )
    events = events.select(
        *EVENT_KEY,
        *("event_status", "process_status", "program_id", "window_begins_on", "window_ends_on"),
        *("elected_on", "elect_source", "steps", "open_events"),
    )
    stated = ["schedule", "stated_schedule", "stated_number"]
    pairs = rows.select("row", *RECORD_KEY, *stated).join(events, on=RECORD_KEY)
    is_open = pl.col("event_status") == OPEN
    in_schedule = (
        pl.when(pl.col("schedule").is_null())
        .then(is_open)
        .otherwise(pl.col("stated_schedule") == pl.col("schedule_id"))
    )
    numbered = (pl.col("stated_number") == pl.col("event_number")).fill_null(value=True)
    fitting = pairs.filter(in_schedule & numbered).filter(is_open == is_open.max().over("row"))
    only = fitting.filter(pl.len().over("row") == 1).drop(*RECORD_KEY, *stated)
    return rows.join(only, on="row", how="left", maintain_order="left")


def with_options(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Add option_id: that of the code in the event's program; null where the set-up knows no such code."""
    codes = load_codes(connection, client_id, "program", "option")
    programs = codes.filter(kind="program").select(program_id="id", program="code")
    options = codes.filter(kind="option").select(option_id="id", path="code")
    placed = rows.join(programs, on="program_id", how="left", maintain_order="left").with_columns(
        path=pl.concat_str("program", "plan_type", "option_code", separator="/")
    )
    return placed.join(options, on="path", how="left", maintain_order="left").drop("path", "program")


def submissions(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Load all that was submitted by these people, with members and allocation as texts."""
    people = people_of(rows)
    stored = with_stored_contents(
        load_submissions(connection, client_id, rows),
        load_elected_dependents(connection, people),
        load_elected_funds(connection, people),
        ELECTION_KEY,
    )
    return with_shares(stored, load_elected_beneficiaries(connection, people), ELECTION_KEY)


def with_history(rows: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """Add how a row stands to earlier submissions of its plan type.

    Adds last_submission, last_received_on, is_late (older than the last one), is_known (says nothing new:
    the same as the last one, or an older one that was entered before).
    """
    place = list(PLACE)
    last = earlier.sort("submission").group_by(place, maintain_order=True).last()
    last = last.select(*place, last_submission="submission", last_received_on="received_on")
    content = [*place, *CONTENT]
    said = earlier.group_by(content).agg(said_last=pl.col("submission").max())
    found = rows.join(last, on=place, how="left", maintain_order="left").join(
        said, on=content, how="left", nulls_equal=True, maintain_order="left"
    )
    is_late = (pl.col("received_on") < pl.col("last_received_on")).fill_null(value=False)
    is_said = pl.col("said_last").is_not_null()
    repeats_last = (pl.col("said_last") == pl.col("last_submission")).fill_null(value=False)
    return found.with_columns(is_late=is_late, is_known=repeats_last | (is_late & is_said))
