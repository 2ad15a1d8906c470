"""The reports an administrator can ask for, by code: their titles, their options, and how they are made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from rich.table import Table

from openbenefits.core.codes import FINAL_STATUSES, EventStatus, ProcessStatus, ScheduleKind
from openbenefits.core.money import MICROS_PER_CENT
from openbenefits.reports import files, frames, listings, setup_listings
from openbenefits.reports.age_outs import load_age_outs
from openbenefits.reports.arrears import arrears_sheets
from openbenefits.reports.cobra import cobra_sheets
from openbenefits.reports.deferred import Deferred, Listing, whole
from openbenefits.reports.held import UNSETTLED, held_windows
from openbenefits.reports.issuing import CONFIRMATION, ENROLLMENT, Kind
from openbenefits.reports.letters_listed import statements_listed
from openbenefits.reports.life import imputed_life
from openbenefits.reports.names import (
    SetupNames,
    held_on,
    load_names,
    load_schedules,
    with_event_names,
    with_option_names,
)
from openbenefits.reports.outcomes import LINES, lines_of_events
from openbenefits.reports.rules import money_text
from openbenefits.reports.tables import preview_table
from openbenefits.runs.windows import held_events


class ReportRefused(ValueError):
    """A report that cannot be: the message says what was asked, what there is, and what to change."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a report is narrowed to. None and empty ask for all."""

    schedule_ids: tuple[int, ...] | None = None
    department: str | None = None  # * and ? are wildcards
    statuses: tuple[str, ...] = ()
    as_of: date | None = None  # days are counted up to it
    notified_before: date | None = None
    errors_only: bool = False
    client: str | None = None  # by code; of the schedules, the caller has seen to it
    through: date | None = None
    program: str | None = None  # by code


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report made: its sheets, the main one first."""

    code: str
    title: str
    sheets: Mapping[str, pl.DataFrame]

    @property
    def main(self) -> pl.DataFrame:
        return next(iter(self.sheets.values()))


@dataclass(frozen=True, kw_only=True)
class PagedReport:
    """A report of which pages are shown: what of its sheets is dear is made page by page."""

    code: str
    title: str
    sheets: Mapping[str, Listing]


Build = Callable[[Any, Selection], Mapping[str, Listing]]


@dataclass(frozen=True, kw_only=True)
class ReportKind:
    """A report that can be asked for, and the fields of `Selection` it takes."""

    code: str
    title: str
    build: Build
    options: tuple[str, ...]


def make_report(connection: Any, code: str, selection: Selection) -> Report:
    """Make a report.

    Errors: ReportRefused for a code that does not exist, or an option the report does not take.
    """
    paged = page_report(connection, code, selection)
    sheets = {name: whole(rows) for name, rows in paged.sheets.items()}
    return Report(code=paged.code, title=paged.title, sheets=sheets)


def page_report(connection: Any, code: str, selection: Selection) -> PagedReport:
    """Make a report to show pages of: of its sheets only what is shown is made.

    Errors: as `make_report`.
    """
    kind = REPORTS.get(code.upper())
    if kind is None:
        raise ReportRefused(f"there is no report {code}; there are {', '.join(REPORTS)}")
    stated = [field.name for field in fields(Selection) if getattr(selection, field.name) != field.default]
    extra = [name for name in stated if name not in kind.options]
    if extra:
        raise ReportRefused(f"{kind.code} takes {', '.join(kind.options)}; leave out {', '.join(extra)}")
    return PagedReport(code=kind.code, title=kind.title, sheets=kind.build(connection, selection))


def save_report(report: Report, *, csv: Path | None = None, xlsx: Path | None = None) -> list[Path]:
    """Write a report as CSV, XLSX or both; answer the files. In CSV each further sheet is its own file."""
    written = [] if csv is None else files.write_csv(csv, report.sheets)
    return written if xlsx is None else [*written, *files.write_xlsx(xlsx, report.sheets)]


def report_tables(report: Report, *, rows: int) -> list[Table]:
    """Preview the sheets of a report, the smaller ones first, so that the list is read last."""
    sheets = list(report.sheets.items())
    return [
        preview_table(frame, title=f"{report.code} {report.title}: {name}", rows=rows)
        for name, frame in (*sheets[1:], sheets[0])
    ]


def find_schedules(connection: Any, codes: list[str]) -> tuple[int, ...] | None:
    """Find schedules by code, or by client/code; a code several clients have finds them all.

    Missing: no codes ask for all schedules, which is None.
    Errors:  ReportRefused for a code nobody has.
    """
    if not codes:
        return None
    known = load_schedules(connection).with_columns(
        full=pl.concat_str(pl.col("client").fill_null(""), "schedule", separator="/")
    )
    wanted = pl.Series("wanted", codes)
    unknown = sorted(set(codes) - set(known["full"]) - set(known["schedule"]))
    if unknown:
        there_are = ", ".join(known["full"].unique().sort().to_list()) or "none yet"
        raise ReportRefused(f"no schedule {', '.join(unknown)}; there are {there_are}")
    found = known.filter(pl.col("schedule").is_in(wanted.implode()) | pl.col("full").is_in(wanted.implode()))
    return tuple(found["schedule_id"].unique().sort())


# --- the reports ----------------------------------------------------------------------------------------


def _eligible(connection: Any, selection: Selection) -> Mapping[str, Listing]:
    events, names = _events(connection, selection)
    if selection.program is not None:
        events = frames.with_case(events.filter(pl.col("program") == selection.program))
    ordered, programs = listings.in_programs(events)
    counted = frames.count_options(connection, ordered)
    lines = pl.max_horizontal(pl.col("options").fill_null(0), pl.lit(1))

    def listed(some: pl.DataFrame) -> pl.DataFrame:
        page = frames.with_case(some)
        options = _named(frames.load_options(connection, page), page, names)
        return listings.eligible_participants(page, options)

    of_each = ordered.join(counted, on="case", how="left", maintain_order="left").with_columns(lines=lines)
    return {"Eligible participants": Deferred(events=of_each, make=listed), "Programs": programs}


def _labels(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    events, _ = _events(
        connection, selection, event_statuses=[EventStatus.OPEN.value, EventStatus.CLOSED.value]
    )
    labels, without = listings.mailing_labels(events)
    return {"Labels": labels, "No address": without}


def _invalid(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    events, names = _events(connection, selection)
    messages = _named(frames.load_messages(connection, events), events, names)
    concerned = events.join(messages.filter(pl.col("dependent_id").is_not_null()), on="case", how="semi")
    listed, causes = listings.invalid_elections(
        events, messages, frames.load_dependents(connection, concerned), errors_only=selection.errors_only
    )
    return {"People": listed, "By cause": causes}


def _missing(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    statuses = [*listings.UNTOUCHED, ProcessStatus.ET, ProcessStatus.EE]
    events, _ = _events(
        connection,
        selection,
        statuses=[str(status) for status in statuses],
        event_statuses=[EventStatus.OPEN.value],
    )
    rows = listings.missing_elections(
        _with_jobs(connection, events),
        frames.load_plans(connection, events),
        frames.load_elections(connection, events),
        as_of=selection.as_of,
        notified_before=selection.notified_before,
    )
    return {"Missing elections": rows}


def _dependents(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    events, _ = _events(connection, selection)
    timeline = frames.load_coverage(connection, events).join(
        events.select("case", "event_on"), on="case", maintain_order="left"
    )
    current = frames.load_covered(connection, events).join(
        listings.in_force_before(timeline), on=["case", *frames.COVERAGE_PLACE], how="semi"
    )
    rows = listings.dependents_elections(
        events,
        current,
        frames.load_elected_dependents(connection, events),
        frames.load_elections(connection, events),
        frames.load_dependents(connection, events),
        frames.load_messages(connection, events),
        errors_only=selection.errors_only,
    )
    return {"Dependents": rows}


def _ineligible(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    kinds = load_schedules(connection).filter(kind=ScheduleKind.OPEN_ENROLLMENT.value)["schedule_id"]
    asked = kinds.to_list() if selection.schedule_ids is None else list(selection.schedule_ids)
    if not set(asked) <= set(kinds):
        raise ReportRefused(
            "BAS010 is for open enrolment schedules; name one of those, or none for all of them"
        )
    events, names = frames.load_events(connection, schedule_ids=asked), load_names(connection)
    clients = events["client_id"].unique().to_list()
    held = frames.load_menu_options(connection, clients).join(
        events.select("client_id", "event_on").unique(), on="client_id"
    )
    options = held_on(held, names.options, "option_id")
    menus = frames.load_menus(connection, events)
    found = frames.with_case(listings.without_a_plan(events, menus, options))
    named = _with_jobs(connection, _named_events(connection, found, names))
    rows = listings.ineligible_participants(named, frames.load_messages(connection, found))
    return {"Ineligible participants": rows}


def _status(connection: Any, selection: Selection) -> Mapping[str, Listing]:
    events, _ = _events(connection, selection, statuses=list(selection.statuses) or None)
    if selection.department is not None:
        jobs = _with_jobs(connection, events)
        events = events.join(
            jobs.filter(listings.matches(selection.department, "department")), on="case", how="semi"
        )
    ordered = listings.by_process_status(events).with_columns(lines=pl.lit(1))

    def listed(some: pl.DataFrame) -> pl.DataFrame:
        return listings.process_status(_with_jobs(connection, frames.with_case(some)))

    return {"Process status": Deferred(events=ordered, make=listed)}


def _flagged(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    events, _ = _events(connection, selection)
    return {"Flagged items": listings.flagged_items(events)}


def _waiting(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    unfinished = [str(status) for status in ProcessStatus if status not in FINAL_STATUSES]
    events, names = _events(
        connection, selection, statuses=unfinished, event_statuses=[EventStatus.OPEN.value]
    )
    classes = names.event_classes.select("event_class_id", "event_class")
    later = frames.load_later_events(connection, events).join(classes, on="event_class_id", how="left")
    rows = listings.waiting(events, later, frames.load_messages(connection, events), as_of=selection.as_of)
    return {"Who waits": rows}


def _held(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    as_of = selection.as_of
    if as_of is None:
        raise ReportRefused("HELD counts days; name the day to count up to (--as-of 2026-12-31)")
    events, names = _events(
        connection, selection, statuses=UNSETTLED, event_statuses=[EventStatus.OPEN.value]
    )
    events = events.filter(pl.col("window_ends_on") < as_of)
    classes = names.event_classes.select("event_class_id", "event_class")
    later = frames.load_later_events(connection, events).join(classes, on="event_class_id", how="left")
    listed, counted = held_windows(
        events,
        held_events(connection, events["client_id"].unique().to_list(), as_of),
        frames.load_plans(connection, events),
        frames.load_elections(connection, events),
        later,
        as_of=as_of,
    )
    return {"Held windows": listed, "By whom": counted}


def _eligibility(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    counting = [EventStatus.OPEN.value, EventStatus.CLOSED.value]
    statuses = list(selection.statuses) or None
    events, _ = _events(connection, selection, statuses=statuses, event_statuses=counting)
    lines = lines_of_events(connection, events)
    who = events.select("case", "client", "schedule", *listings.WHO, *listings.EVENT)
    found = lines.join(who, on="case", how="left", maintain_order="left")
    counted = found.group_by("used_by", "rule", "criterion", "code", "meaning").agg(events=pl.len())
    return {
        "Eligibility": found.select("client", "schedule", *listings.WHO, *listings.EVENT, *LINES),
        "By code": counted.sort("used_by", "rule", "criterion", "code", nulls_last=True),
    }


def _life(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    if selection.as_of is None:
        raise ReportRefused("GTL is about a year; name a day of it (--as-of 2026-12-31)")
    months, years = imputed_life(connection, selection.as_of.year)
    return {
        "Months": _in_dollars(months, "coverage", "taxed", "imputed"),
        "Year": _in_dollars(years, "months", "paid", "imputed"),
    }


def _age_outs(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    as_of, through = selection.as_of, selection.through
    if as_of is None or through is None or through < as_of:
        raise ReportRefused("AGE-OUTS is about a span of days; name its last one (--through 2026-12-31)")
    coming, past = load_age_outs(connection, _clients_of(connection, selection), as_of=as_of, through=through)
    return {"Age-outs": coming, "Past the limit": past}


def _cobra(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    if selection.as_of is None:
        raise ReportRefused("COBRA counts days; name the day to count from (--as-of 2026-12-31)")
    return cobra_sheets(connection, _clients_of(connection, selection), as_of=selection.as_of)


def _arrears(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    if selection.as_of is None:
        raise ReportRefused("ARREARS counts days; name the day to count up to (--as-of 2026-12-31)")
    ids, clients = _clients_of(connection, selection), frames.load_clients(connection)
    mine = clients if ids is None else clients.filter(pl.col("client_id").is_in(ids))
    pairs = mine.select("client_id", "client").rows()
    return arrears_sheets(connection, pairs, as_of=selection.as_of)


def _statements(kind: Kind) -> Build:
    def build(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
        events, _ = _events(connection, selection)
        return statements_listed(connection, events, kind)

    return build


def _of_setup(listed: Callable[[Any, str | None], Mapping[str, pl.DataFrame]]) -> Build:
    return lambda connection, selection: listed(connection, selection.client)


def _audit(connection: Any, selection: Selection) -> Mapping[str, pl.DataFrame]:
    if selection.as_of is None:
        raise ReportRefused("BEN733 is about a day; name it (--as-of 2026-12-31)")
    ids = _clients_of(connection, selection)
    clients = frames.load_clients(connection)
    mine = clients if ids is None else clients.filter(pl.col("client_id").is_in(ids))
    return setup_listings.audited(connection, mine, selection.as_of)


def _clients_of(connection: Any, selection: Selection) -> list[int] | None:
    """The clients a report about people is narrowed to: the one named, or those of the schedules named."""
    clients = frames.load_clients(connection)
    if selection.client is not None:
        return clients.filter(client=selection.client)["client_id"].to_list()
    if selection.schedule_ids is None:
        return None
    schedules = load_schedules(connection).filter(
        pl.col("schedule_id").is_in(pl.Series(selection.schedule_ids, dtype=pl.Int32).implode())
    )
    return clients.join(schedules, on="client", how="semi")["client_id"].to_list()


def _in_dollars(rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Write cents as dollars, and a rate per $1,000 likewise; what is unknown stays blank."""
    texts = [money_text(pl.col(name)).alias(name) for name in columns]
    if "rate" in rows.columns:
        texts.append(money_text(pl.col("rate") // MICROS_PER_CENT).alias("rate"))
    return rows.with_columns(texts)


def _events(
    connection: Any,
    selection: Selection,
    *,
    statuses: list[str] | None = None,
    event_statuses: list[str] | None = None,
) -> tuple[pl.DataFrame, SetupNames]:
    """Load the events of the selection, with what set-up calls things and who they are about."""
    events = frames.load_events(
        connection, schedule_ids=selection.schedule_ids, statuses=statuses, event_statuses=event_statuses
    )
    names = load_names(connection)
    return _named_events(connection, events, names), names


def _named_events(connection: Any, events: pl.DataFrame, names: SetupNames) -> pl.DataFrame:
    """Add what set-up calls things, and who events are about."""
    return listings.with_people(with_event_names(events, names), frames.load_people(connection, events))


def _with_jobs(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    jobs = frames.load_jobs(connection, events)
    known = [name for name in jobs.columns if name in events.columns and name != "case"]
    return events.join(jobs.drop(known), on="case", how="left", maintain_order="left")


def _named(rows: pl.DataFrame, events: pl.DataFrame, names: SetupNames) -> pl.DataFrame:
    """Name the options of rows that hang on events."""
    dated = rows.join(events.select("case", "event_on"), on="case", maintain_order="left")
    return with_option_names(dated, names)


def _kind(code: str, title: str, build: Build, *options: str) -> ReportKind:
    return ReportKind(code=code, title=title, build=build, options=("schedule_ids", "client", *options))


REPORTS: dict[str, ReportKind] = {
    kind.code: kind
    for kind in (
        _kind("BAS001", "Eligible participants", _eligible, "program"),
        _kind("BAS002", "Mailing labels", _labels),
        _kind("BAS003", "Invalid elections and errors", _invalid, "errors_only"),
        _kind("BAS004", "Enrolment statements", _statements(ENROLLMENT)),
        _kind("BAS005", "Confirmation statements", _statements(CONFIRMATION)),
        _kind("BAS006", "Missing elections", _missing, "as_of", "notified_before"),
        _kind("BAS007", "Dependents' elections", _dependents, "errors_only"),
        _kind("BAS008", "Flagged items", _flagged),
        _kind("BAS010", "Ineligible participants", _ineligible),
        _kind("BAS027", "Process status", _status, "department", "statuses"),
        _kind(
            "BAS701A", "Benefit programs, plan types and options", _of_setup(setup_listings.programs_listed)
        ),
        _kind("BAS701B", "Costs and credits of options", _of_setup(setup_listings.costs_listed)),
        _kind("BAS703A", "Eligibility rules", _of_setup(setup_listings.rules_listed)),
        _kind("BAS703B", "Event rules", _of_setup(setup_listings.event_rules_listed)),
        _kind("BEN733", "Audit of people and set-up", _audit, "as_of"),
        _kind("GTL", "Imputed income of group-term life insurance", _life, "as_of"),
        _kind("AGE-OUTS", "Dependents who pass a limit of age", _age_outs, "as_of", "through"),
        _kind("ARREARS", "Deductions owed and not taken, by age", _arrears, "as_of"),
        _kind("COBRA", "Losses of health coverage, and the duties that follow", _cobra, "as_of"),
        _kind("HELD", "Ended windows: held by whom, since when, holding back what", _held, "as_of"),
        _kind("ELIGIBILITY", "Eligibility, criterion by criterion", _eligibility, "statuses"),
        _kind("WAITING", "Who waits, and why", _waiting, "as_of"),
    )
}
"""Every report, by code."""

COUNTING_TO_TODAY = ("ARREARS", "BEN733", "COBRA", "HELD")
"""Reports that count days up to one; the faces take today where none is named."""

OF_OPEN_ENROLLMENT = ("BAS010",)
"""Reports that are about open enrolment alone."""
