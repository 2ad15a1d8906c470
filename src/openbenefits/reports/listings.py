"""The columns, order and groups of the listings: frames in, frames out.

`events` everywhere is an event frame (`frames.load_events`) with set-up names and people joined to it.
"""

from datetime import date

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import COVERED_KINDS, EventStatus, ProcessStatus, Severity
from openbenefits.core.messages import CATALOGUE
from openbenefits.reports.names import plan_type_name
from openbenefits.reports.rules import STATUS_NAMES, city_line, fallback, full_name, sorted_name

WHO = ("employee_number", "name", "benefit_record")
EVENT = ("event_class", "event_on", "process_status")
NO_PROGRAM = (ProcessStatus.AN, ProcessStatus.AE, ProcessStatus.FA)
UNTOUCHED = (ProcessStatus.PR, ProcessStatus.NT, ProcessStatus.RE)


def matches(pattern: str, column: str) -> pl.Expr:
    """Whether a column matches a pattern of * (any text) and ? (one character), whatever the case.

    >>> frame = pl.DataFrame({"department": ["Sales East", "Stores", None]})
    >>> frame.filter(matches("s*east", "department"))["department"].to_list()
    ['Sales East']
    """
    pieces = pl.Series([pattern]).str.escape_regex().item().replace(r"\*", ".*").replace(r"\?", ".")
    return pl.col(column).str.contains(f"(?is)^{pieces}$").fill_null(value=False)


def in_programs(events: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pick the events of whom a program is for, in the order of BAS001; count the participants of each."""
    found = events.filter(
        pl.col("program_id").is_not_null(),
        ~pl.col("process_status").is_in(_texts(NO_PROGRAM)),
        pl.col("event_status").is_in([EventStatus.OPEN.value, EventStatus.CLOSED.value]),
    )
    people = found.group_by("schedule", "program", "program_name").agg(
        participants=pl.struct("client_id", "person_id").n_unique(), events=pl.len()
    )
    order = ("client", "schedule", "program", "name", "employee_number", "event_on", "benefit_record")
    return found.sort(order, nulls_last=True, maintain_order=True), people.sort("schedule", "program")


def eligible_participants(events: pl.DataFrame, options: pl.DataFrame) -> pl.DataFrame:
    """List who may have what (BAS001), in the order of the events; one without options has a row, too."""
    placed = events.with_row_index("place")
    rows = placed.join(options.drop("event_on", strict=False), on="case", how="left").sort(
        "place", "plan_type", "option_order", "option_code", nulls_last=True, maintain_order=True
    )
    return rows.select(
        *("client", "schedule", "program", *WHO, "event_class", "event_on", "process_status", "plan_type"),
        *("option_code", "plan_name", "coverage_code", "is_electable", "is_default", "is_proof_required"),
    )


def mailing_labels(events: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """List one label per participant in the order of the post (BAS002), and those without an address."""
    latest = events.sort("event_on").unique(["client_id", "person_id"], keep="last", maintain_order=True)
    rows = latest.with_columns(name=full_name(), line2=city_line())
    whole = pl.all_horizontal(pl.col("line1", "city", "postal_code").is_not_null())
    abroad = pl.when(pl.col("country") != "USA").then("country")
    labels = rows.filter(whole).sort("country", "postal_code", "name")
    without = rows.filter(~whole).sort("client", "employee_number")
    return (
        labels.select("client", "employee_number", "name", "line1", "line2", country=abroad),
        without.select("client", "employee_number", "name", "line1", "city", "state", "postal_code"),
    )


def invalid_elections(
    events: pl.DataFrame, messages: pl.DataFrame, dependents: pl.DataFrame, *, errors_only: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """List what stands in the way of whom (BAS003), and group it by cause.

    Shapes: messages as loaded, with option names joined.
    """
    numbers = dependents.select("case", "dependent_id", dependent="number")
    rows = messages.join(numbers, on=["case", "dependent_id"], how="left").drop("event_on", strict=False)
    rows = rows.join(_catalogue(), on="code", how="left").join(events, on="case")
    if errors_only:
        rows = rows.filter(severity=Severity.ERROR.value)
    rows = rows.with_columns(severity=_severity_name(), plan=plan_type_name())
    listed = rows.sort(
        "name",
        "employee_number",
        "benefit_record",
        "event_on",
        "event_number",
        "plan_type",
        "code",
        "number",
        nulls_last=True,
    ).select(
        *(
            "client",
            "schedule",
            *WHO,
            *EVENT,
            "severity",
            "code",
            "message",
            "plan",
            "option_code",
            "dependent",
        ),
        *("expected", "found", "cure", "owner"),
    )
    causes = rows.group_by("severity", "code", "message", "plan", "cure", "owner").agg(
        people=pl.struct("client_id", "person_id").n_unique(), messages=pl.len()
    )
    order = ("severity", "people", "code", "plan")
    columns = ("severity", "code", "message", "plan", "people", "messages", "owner", "cure")
    return listed, causes.sort(order, descending=[False, True, False, False]).select(columns)


def missing_elections(
    events: pl.DataFrame,
    plans: pl.DataFrame,
    elections: pl.DataFrame,
    *,
    as_of: date | None,
    notified_before: date | None,
) -> pl.DataFrame:
    """List who has not answered, and for how many of the plan types offered (BAS006).

    Untouched events (PR, NT, RE) owe every plan type that offers a choice; an entered one (ET, EE) is listed
    where a plan type that requires an election has none (rulings §9).
    """
    asked = plans.filter(~pl.col("is_ignored") & (pl.col("is_choice") | pl.col("is_election_required")))
    answered = elections.select("case", "plan_type").unique().with_columns(is_answered=pl.lit(value=True))
    rows = asked.join(answered, on=["case", "plan_type"], how="left").join(
        events.select("case", "process_status"), on="case"
    )
    untouched = pl.col("process_status").is_in(_texts(UNTOUCHED))
    reopened = pl.col("process_status") == ProcessStatus.RE.value
    is_owed = (reopened | pl.col("is_answered").is_null()) & (untouched | pl.col("is_election_required"))
    counted = (
        rows.sort("case", "plan_type")
        .group_by("case", maintain_order=True)
        .agg(
            outstanding=is_owed.sum(), of=pl.len(), plan_types=plan_type_name().filter(is_owed).str.join(", ")
        )
    )
    missing = counted.filter(pl.col("outstanding") > 0).join(events, on="case")
    if notified_before is not None:
        missing = missing.filter(pl.col("option_notified_on") < notified_before)
    waited = pl.lit(as_of, dtype=pl.Date) - pl.col("option_notified_on")
    return (
        missing.with_columns(days_outstanding=waited.dt.total_days())
        .sort("client", "department", "name", "employee_number", nulls_last=True)
        .select(
            *("client", "schedule", "department", *WHO, *EVENT, "option_notified_on", "days_outstanding"),
            *("window_ends_on", "outstanding", "of", "plan_types"),
        )
    )


def dependents_elections(
    events: pl.DataFrame,
    current: pl.DataFrame,
    elected: pl.DataFrame,
    elections: pl.DataFrame,
    dependents: pl.DataFrame,
    messages: pl.DataFrame,
    *,
    errors_only: bool,
) -> pl.DataFrame:
    """List every dependent with a current or a new election (BAS007).

    Shapes: current and elected have case, plan_type, dependent_id. Action: E enrolled by the election,
            T ended by it, N none (the plan type has no election).
    """
    key = ["case", "plan_type", "dependent_id"]
    rows = pl.concat([current.select(key), elected.select(key)]).unique()
    rows = _flagged(rows, current, key, "is_enrolled_now")
    rows = _flagged(rows, elected, key, "is_elected")
    rows = _flagged(rows, elections, ["case", "plan_type"], "has_election")
    rows = _flagged(
        rows, messages.filter(severity=Severity.ERROR.value), ["case", "dependent_id"], "has_error"
    )
    rows = rows.join(
        elections.select("case", "plan_type", "option_code").unique(["case", "plan_type"]),
        on=["case", "plan_type"],
        how="left",
    )
    people = dependents.with_columns(dependent_name=sorted_name()).drop(
        "first_name", "last_name", "person_id"
    )
    rows = rows.join(
        people.rename({"number": "dependent", "birth_on": "born"}), on=["case", "dependent_id"], how="left"
    ).join(events.drop("birth_on", strict=False), on="case")
    action = (
        pl.when("is_elected").then(pl.lit("E")).when("has_election").then(pl.lit("T")).otherwise(pl.lit("N"))
    )
    rows = rows.with_columns(
        action=action, age=days.age_years(pl.col("born"), pl.col("event_on")), plan=plan_type_name()
    )
    if errors_only:
        rows = rows.filter("has_error")
    return rows.sort("client", "name", "employee_number", "plan_type", "dependent", nulls_last=True).select(
        *("client", "schedule", *WHO, *EVENT, "plan", "option_code", "dependent", "dependent_name"),
        *("person_type", "born", "age", "is_enrolled_now", "action", "has_error"),
    )


def without_a_plan(events: pl.DataFrame, menus: pl.DataFrame, options: pl.DataFrame) -> pl.DataFrame:
    """Pick the events that came to no program, or to one none of whose plans is offered.

    Shapes: menus has case and menu_id of each plan type prepared; options has client_id, menu_id,
            option_type, event_on: what each menu holds on the days of the events. Adds eligible_for.
    """
    statuses = pl.col("process_status").is_in([ProcessStatus.AN.value, ProcessStatus.FA.value])
    days = events.select("case", "client_id", "event_on")
    holding = options.filter(pl.col("option_type") == "O").select("client_id", "menu_id", "event_on").unique()
    offered = menus.join(days, on="case").join(holding, on=["client_id", "menu_id", "event_on"], how="semi")
    prepared = pl.col("case").is_in(menus["case"].unique().implode())
    has_no_option = prepared & ~pl.col("case").is_in(offered["case"].unique().implode())
    why = pl.when(statuses).then(pl.lit("no program")).otherwise(pl.lit("no plan of the program"))
    return events.filter(statuses | has_no_option).with_columns(eligible_for=why)


def ineligible_participants(events: pl.DataFrame, messages: pl.DataFrame) -> pl.DataFrame:
    """List who qualifies for no program, or for none of its plans (BAS010), with the facts rules look at.

    Shapes: events as `without_a_plan`, with people and jobs.
    """
    reasons = (
        messages.join(_catalogue(), on="code")
        .sort("case", "number")
        .group_by("case", maintain_order=True)
        .agg(cause=pl.format("{}: expected {}, found {}", "message", "expected", "found").first())
    )
    rows = events.join(reasons, on="case", how="left", maintain_order="left")
    return (
        rows.with_columns(
            weekly_hours=pl.col("weekly_hours_hundredths") * 0.01,
            service_months=days.months_of_service(pl.col("service_on"), pl.col("event_on")),
            age=days.age_years(pl.col("birth_on"), pl.col("event_on")),
        )
        .sort("client", "schedule", "name", "employee_number")
        .select(
            *(
                "client",
                "schedule",
                *WHO,
                *EVENT,
                "eligible_for",
                "job_status",
                "company",
                "pay_group",
                "union_code",
            ),
            *("state", "weekly_hours", "service_months", "age"),
            reason="cause",
        )
    )


def by_process_status(events: pl.DataFrame) -> pl.DataFrame:
    """Order events as BAS027 lists them."""
    order = ("client", "schedule", "process_status", "name", "event_on", "priority", "event_number")
    return events.sort(order, nulls_last=True, maintain_order=True)


def process_status(events: pl.DataFrame) -> pl.DataFrame:
    """List every event and where it stands (BAS027), in the order of the events."""
    return events.select(
        *("client", "schedule", "department", *WHO, "event_class", "event_on", "priority", "event_number"),
        *(
            "event_status",
            "process_status",
            "status_name",
            "status_on",
            "process_indicator",
            "finalize_requested",
        ),
        *("is_out_of_sequence", "is_eligibility_changed"),
    )


FLAG_DAY_NAMES = {
    "address_changed_on": "address",
    "job_changed_on": "job",
    "jobs_changed_on": "one of several jobs",
    "person_changed_on": "person or dependents",
    "disconnected_on": "disconnected",
    "out_of_sequence_on": "out of sequence",
}
"""What was flagged, in words, with the day on which it was."""


def flagged_items(events: pl.DataFrame) -> pl.DataFrame:
    """List the events that carry a flag: out of sequence, eligibility changed, disconnected (BAS008).

    A void event needs no act, whatever flag it was given before.
    """
    flags = {
        "out of sequence": pl.col("is_out_of_sequence"),
        "eligibility changed": pl.col("is_eligibility_changed"),
        "disconnected": pl.col("event_status") == EventStatus.DISCONNECTED.value,
    }
    named = [pl.when(is_flagged).then(pl.lit(name)) for name, is_flagged in flags.items()]
    is_void = pl.col("event_status") == EventStatus.VOID.value
    rows = events.filter(pl.any_horizontal(*flags.values()) & ~is_void)
    return (
        rows.with_columns(
            flags=pl.concat_str(named, separator=", ", ignore_nulls=True),
            set_on=pl.concat_str(
                (pl.format(f"{name} {{}}", pl.col(column)) for column, name in FLAG_DAY_NAMES.items()),
                separator=", ",
                ignore_nulls=True,
            ),
        )
        .sort("client", "schedule", "name", "event_on", "priority", "event_number")
        .select(
            "client", "schedule", *WHO, *EVENT, "event_status", "status_on", "flags", "set_on", "event_number"
        )
    )


def waiting(
    events: pl.DataFrame, later: pl.DataFrame, messages: pl.DataFrame, *, as_of: date | None
) -> pl.DataFrame:
    """List the open events that hold back later ones: since when, at which status, why, and which.

    Shapes: events are open and not final; later has case and the events of the same benefit record that are
            not processed yet, with their class.
    """
    listed = later_events(events, later)
    reasons = messages.join(_catalogue(), on="code").sort("case", "severity", "number")
    reasons = reasons.group_by("case", maintain_order=True).agg(
        cause=pl.format("{} {}", "code", "message").first()
    )
    rows = events.join(listed, on="case").join(reasons, on="case", how="left")
    days_waiting = (pl.lit(as_of, dtype=pl.Date) - pl.col("status_on")).dt.total_days()
    return (
        rows.with_columns(days_waiting=days_waiting, why=pl.coalesce("cause", "status_name"))
        .sort(["holds_back", "status_on", "name"], descending=[True, False, False])
        .select(
            *(
                "client",
                "schedule",
                *WHO,
                *EVENT,
                "status_name",
                "status_on",
                "days_waiting",
                "window_ends_on",
                "why",
            ),
            *("holds_back", "later_events"),
        )
    )


def later_events(events: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Count, and name, the later events each event holds back: case, holds_back, later_events."""
    own = events.select("case", since="event_on", rank="priority", own="event_number", at="schedule_id")
    is_same_day = pl.col("event_on") == pl.col("since")
    is_later = (pl.col("event_on") > pl.col("since")) | (is_same_day & (pl.col("priority") >= pl.col("rank")))
    is_other = (pl.col("event_number") != pl.col("own")) | (pl.col("schedule_id") != pl.col("at"))
    held = later.join(own, on="case").filter(is_later & is_other).sort("case", "event_on", "priority")
    named = pl.format("{} {}", "event_class", "event_on").str.join(", ")
    return held.group_by("case", maintain_order=True).agg(holds_back=pl.len(), later_events=named)


def with_people(events: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Join who each event is about, the name as lists sort it, and the status in words."""
    rows = events.drop("client", strict=False).join(people, on="case", how="left", maintain_order="left")
    status = pl.col("process_status").fill_null("").replace_strict(STATUS_NAMES, return_dtype=pl.String)
    return rows.with_columns(
        fallback("schedule", "schedule_id").cast(pl.String), name=sorted_name(), status_name=status
    )


def in_force_before(timeline: pl.DataFrame) -> pl.DataFrame:
    """Pick the coverage in force on the day before `event_on`, per case, plan type and slot."""
    before = timeline.filter(pl.col("begins_on") < pl.col("event_on")).sort("begins_on")
    last = before.unique(["case", "plan_type", "slot"], keep="last", maintain_order=True)
    return last.filter(pl.col("kind").is_in([str(kind) for kind in COVERED_KINDS]))


def _flagged(rows: pl.DataFrame, found: pl.DataFrame, key: list[str], name: str) -> pl.DataFrame:
    """Add whether `found` has a row of the same key."""
    marks = found.select(key).unique().with_columns(pl.lit(value=True).alias(name))
    return rows.join(marks, on=key, how="left").with_columns(pl.col(name).fill_null(value=False))


def _catalogue() -> pl.DataFrame:
    entries = CATALOGUE.values()
    return pl.DataFrame(
        {
            "code": [entry.code for entry in entries],
            "message": [entry.title for entry in entries],
            "cure": [entry.cure for entry in entries],
            "owner": [str(entry.owner) for entry in entries],
        }
    )


def _severity_name() -> pl.Expr:
    return pl.col("severity").replace_strict({"E": "error", "W": "warning"}, default=pl.col("severity"))


def _texts(values: tuple[ProcessStatus, ...]) -> list[str]:
    return [str(value) for value in values]
