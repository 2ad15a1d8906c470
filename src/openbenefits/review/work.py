"""The work list of a client, found from messages, flags, activity, runs, coverage and the ledger.

Nothing is stored and nothing ticked off: an entry is there while what it names is so, and gone with the next
run that finds it put right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.codes import EventStatus
from openbenefits.events.activity import waiting_activity
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.payroll.ledger import Asked, balances
from openbenefits.programs.frames import load_ending_calendars
from openbenefits.repair.proposals import find_proposals
from openbenefits.reports.frames import load_jobs
from openbenefits.reports.names import load_names, plan_type_name, with_option_names
from openbenefits.review import frames
from openbenefits.review.events import events_of_client
from openbenefits.review.rules import work
from openbenefits.review.rules.events import is_final, is_live
from openbenefits.workforce.models import Client, Person

PERSON = ["client_id", "person_id"]


def work_list(
    connection: Any, client_id: int, *, as_of: date, with_final: bool = False
) -> Mapping[str, pl.DataFrame]:
    """List what is to be done at a client: one entry for each cause, with who is behind it.

    `with_final` adds what was said of events that are final by now, and will not be said again.

    Shapes: sheets `Work` (work.ENTRY) and `Who` (work.WHO).
    """
    found = _look(connection, client_id)
    events = events_of_client(connection, client_id, as_of=as_of, person_ids=found.person_ids())
    parts = [
        _told(connection, client_id, found.said, events, with_final=with_final),
        _flagged(connection, found.proposals, events),
        _waiting(connection, client_id),
        _left_lying(connection, found.lying, events),
        _unproved(found.unproved, events),
        _taken_before(found.taken, events),
        _ending_calendars(connection, client_id, as_of),
    ]
    items = _with_people(connection, client_id, pl.concat([_items(part) for part in parts]))
    return {"Work": work.entries(items, as_of=as_of), "Who": work.people(items, as_of=as_of)}


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What entries of events come from, as read; events are loaded of these people alone."""

    said: pl.DataFrame
    proposals: pl.DataFrame
    lying: pl.DataFrame
    unproved: pl.DataFrame
    taken: pl.DataFrame

    def person_ids(self) -> list[int]:
        parts = (self.said, self.proposals, self.lying, self.unproved, self.taken)
        return pl.concat([part["person_id"] for part in parts]).unique().sort().to_list()


def _look(connection: Any, client_id: int) -> _Found:
    return _Found(
        said=frames.load_messages(connection, client_id),
        proposals=find_proposals(connection, client_id).select(*EVENT_KEY, "kind", "to_on", "why"),
        lying=frames.load_left_lying(connection, client_id),
        unproved=frames.load_unproved_cover(connection, client_id),
        taken=taken_before(connection, client_id),
    )


def _items(rows: pl.DataFrame) -> pl.DataFrame:
    """Shape rows as items; columns they lack are null."""
    absent = [pl.lit(None, kind).alias(name) for name, kind in work.ITEM.items() if name not in rows.columns]
    named = rows.with_columns(absent)
    return named.select(pl.col(name).cast(kind) for name, kind in work.ITEM.items())


def _with_people(connection: Any, client_id: int, items: pl.DataFrame) -> pl.DataFrame:
    """Fill in client and employee number of items that do not come from an event."""
    lacking = items.filter(pl.col("employee_number").is_null())["person_id"].unique().to_list()
    people = Person.objects.using(connection.alias).filter(client_id=client_id, id__in=lacking)
    known = {
        key: (number, code)
        for key, number, code in people.values_list("id", "employee_number", "client__code")
    }
    numbers = {key: number for key, (number, _) in known.items()}
    codes = {key: code for key, (_, code) in known.items()}
    person = pl.col("person_id")
    return items.with_columns(
        employee_number=pl.coalesce(
            "employee_number", person.replace_strict(numbers, default=None, return_dtype=pl.String)
        ),
        client=pl.coalesce("client", person.replace_strict(codes, default=None, return_dtype=pl.String)),
    )


# --- messages -----------------------------------------------------------------------------------------------


def _told(
    connection: Any, client_id: int, said: pl.DataFrame, events: pl.DataFrame, *, with_final: bool
) -> pl.DataFrame:
    """What runs said of events, and say still."""
    if said.is_empty():
        return said
    counting = events.filter(is_live() & (pl.lit(with_final) | ~is_final())).join(
        said.select(EVENT_KEY).unique(), on=list(EVENT_KEY), how="semi", maintain_order="left"
    )
    said = said.join(counting.select(*EVENT_KEY, "case"), on=list(EVENT_KEY))
    current = said.filter("is_current")
    steps = frames.load_steps(connection, counting).filter(pl.col("run_id").is_not_null())
    dated = work.first_said(current, said, steps.select("case", "run_id")).join(
        frames.load_run_days(connection, client_id).rename({"run_id": "first_run", "started_on": "since"}),
        on="first_run",
        how="left",
    )
    about = counting.drop("plan_type", strict=False)
    return _with_record(connection, dated.drop(EVENT_KEY).join(about, on="case"))


def _with_record(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Add which record each message is about."""
    named = with_option_names(rows, load_names(connection))
    owners = work.catalogue().select("code", "owner")
    rows = named.join(owners, on="code", how="left").join(
        _pay_groups(connection, rows), on="case", how="left"
    )
    return rows.with_columns(plan=plan_type_name()).with_columns(record=work.record_of())


def _pay_groups(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """The pay groups of the events that lack a calendar."""
    asked = rows.filter(code="BA1205").unique("case", maintain_order=True)
    if asked.is_empty():
        return pl.DataFrame(schema={"case": pl.Int32, "pay_group": pl.String})
    positions = asked.with_row_index("position").with_columns(pl.col("position").cast(pl.Int32))
    jobs = load_jobs(connection, positions.drop("case").rename({"position": "case"}))
    found = jobs.select(position="case", pay_group="pay_group")
    return positions.select("position", "case").join(found, on="position").drop("position")


# --- what runs do not say -----------------------------------------------------------------------------------


def _flagged(connection: Any, proposals: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Events that rest on facts that changed, were overtaken, or lost the fact they came from."""
    if proposals.is_empty():
        return proposals
    rows = proposals.join(events, on=list(EVENT_KEY)).join(
        frames.load_changed_days(connection, proposals), on=PERSON, how="left"
    )
    rows = _with_overtaken(rows, events)
    is_gone = pl.col("event_status") == str(EventStatus.DISCONNECTED)
    code = (
        pl.when(is_gone & (pl.col("kind") == "again"))
        .then(pl.lit("BA1005"))
        .when(is_gone)
        .then(pl.lit("BA1004"))
        .when("is_eligibility_changed")
        .then(pl.lit("BA1003"))
        .otherwise(pl.lit("BA1002"))
    )
    return rows.with_columns(
        code=code,
        record=pl.lit("event"),
        expected=pl.lit("decided from the facts as they are, in their order"),
        found="why",
    ).with_columns(since=pl.when(pl.col("code") == "BA1002").then("overtaken_on").otherwise("changed_on"))


def _with_overtaken(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Add the day on which an earlier event of the benefit record last became final."""
    others = events.filter(is_final()).select(
        *RECORD_KEY, "status_on", earlier_on="event_on", other="event_number", at="schedule_id"
    )
    pairs = rows.select(*EVENT_KEY, "event_on").join(others, on=list(RECORD_KEY))
    is_same = (pl.col("other") == pl.col("event_number")) & (pl.col("at") == pl.col("schedule_id"))
    earlier = pairs.filter(~is_same & (pl.col("earlier_on") <= pl.col("event_on")))
    last = earlier.group_by(EVENT_KEY).agg(overtaken_on=pl.col("status_on").max())
    return rows.join(last, on=list(EVENT_KEY), how="left", maintain_order="left")


def _waiting(connection: Any, client_id: int) -> pl.DataFrame:
    """Activity that does not become an event by itself."""
    rows = waiting_activity(connection, client_id)
    stuck = rows.filter(pl.col("why_held").is_not_null() | pl.col("event_class").is_null())
    without = pl.col("event_class").is_null()
    return stuck.with_columns(
        code=pl.when(without).then(pl.lit("BA1007")).otherwise(pl.lit("BA1009")),
        record=pl.when(without).then(pl.lit("event classes")).otherwise(pl.format("class {}", "event_class")),
        expected=pl.when(without)
        .then(pl.lit("one event class with the use 'default'"))
        .otherwise(pl.lit("a report in time, of a class that makes events")),
        found=pl.coalesce("why_held", pl.lit("none, or several")),
        since=pl.coalesce("reported_on", "recorded_on", "event_on"),
    )


def _left_lying(connection: Any, rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """What the last run of each schedule could not take or finish."""
    names = load_names(connection).schedules.select("schedule_id", "schedule")
    rows = rows.join(names, on="schedule_id", how="left")
    refused = rows.filter(pl.col("outcome").str.starts_with("BA1006")).with_columns(
        code=pl.lit("BA1006"),
        record=pl.format("schedule {}", "schedule"),
        expected=pl.lit("a schedule that takes new events"),
        found=pl.lit("new facts, and none that does"),
    )
    key = ["client_id", "person_id", "benefit_record", "schedule_id"]
    standing = events.filter(is_live() & ~is_final()).drop("schedule")
    unfinished = rows.filter(outcome="not finalised").join(standing, on=key)
    unfinished = unfinished.with_columns(
        code=pl.lit("BA1333"),
        record=pl.format("schedule {}", "schedule"),
        expected=pl.lit("a final event"),
        found=pl.format("{}, {}", "process_status", "status_name"),
    )
    return pl.concat([_items(refused), _items(unfinished)])


def _unproved(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Coverage that waits for evidence of insurability to be decided."""
    return _of_coverage(rows, events).with_columns(
        code=pl.lit("BA1321"),
        expected=pl.lit("evidence decided"),
        found=pl.lit("more asked for than is in force"),
    )


def _taken_before(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    if rows.is_empty():
        return rows
    return _of_coverage(rows, events).with_columns(
        code=pl.lit("BA1326"),
        expected=pl.lit("pays taken as coverage says"),
        found=pl.format("pays through {} reported before the change", "taken_through"),
    )


def taken_before(connection: Any, client_id: int) -> pl.DataFrame:
    """Coverage changed for pays that payroll had taken already, while a balance is left of it (BA1326)."""
    rows = frames.load_taken_before(connection, client_id)
    if rows.is_empty():
        return rows
    asked = Asked(
        client_id=client_id,
        through=rows["taken_through"].max(),  # type: ignore[arg-type]
        person_ids=rows["person_id"].unique().to_list(),
    )
    left = balances(connection, asked).filter(pl.col("correct_cents").ne_missing(0))
    key = ["client_id", "person_id", "benefit_record", "plan_type"]
    return rows.join(left.select(key).unique(), on=key, how="semi")


def _ending_calendars(connection: Any, client_id: int, as_of: date) -> pl.DataFrame:
    """Pay calendars of which few months are left: of nobody yet, and of everybody in the pay group soon."""
    code = Client.objects.using(connection.alias).filter(pk=client_id).values_list("code", flat=True).first()
    return load_ending_calendars(connection, [client_id], as_of).select(
        "client_id",
        "since",
        client=pl.lit(code, pl.String),
        code=pl.lit("BA1241"),
        record=pl.format("pay group {}", "pay_group"),
        expected=pl.lit("a calendar of the time to come"),
        found=pl.format("one through {}", "through"),
    )


def _of_coverage(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Add the event that made the coverage, and name its plan type."""
    about = events.drop("case", "plan_type", strict=False)
    found = rows.join(about, on=list(EVENT_KEY), how="left", nulls_equal=False)
    return found.with_columns(record=pl.format("plan type {} {}", "plan_type", plan_type_name()))


__all__ = ["work_list"]
