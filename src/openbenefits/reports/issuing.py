"""Statements go out: letters are written, then the database says so, one transaction per file or batch.

A letter counts as issued only with its file complete on disk. Killed in between, the file stays, its people
are still to be notified, and the next call writes the same file again: names follow from the first event of
the batch and its last step, which is a new one after every issue and every reprocessing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction
from django.utils import translation

from openbenefits.core.codes import EventStatus, ProcessIndicator, ProcessStatus, WindowStart
from openbenefits.delivery.assembly import assembled
from openbenefits.delivery.codes import KIND_NAMES, Channel, FateCode
from openbenefits.delivery.keeping import keep_documents, load_sent
from openbenefits.delivery.languages import load_languages
from openbenefits.delivery.routing import give, write_fates
from openbenefits.enrollment.frames import load_credit_rolls, load_credit_uses
from openbenefits.events.rules import window
from openbenefits.events.services import move_events
from openbenefits.programs.translations import load_translations
from openbenefits.reports import frames, listings
from openbenefits.reports.confirmations import confirmation_letters
from openbenefits.reports.files import write_whole
from openbenefits.reports.leftover import credits_told
from openbenefits.reports.letters import StatementFrames
from openbenefits.reports.names import SetupNames, held_on, load_names, with_event_names, with_option_names
from openbenefits.reports.printing import Press, press
from openbenefits.reports.spoken import named_by
from openbenefits.reports.statements import enrollment_letters
from openbenefits.store.bulk import update_from
from openbenefits.store.locks import lock_rows

BATCH_PEOPLE = 100  # 0.3 GB of memory in the typesetter
ISSUED = "statement issued"
ASKED = (ProcessStatus.PR, ProcessStatus.ET, ProcessStatus.EE)
KEY = list(frames.EVENT_KEY)
UNSAFE = r"[^A-Za-z0-9]+"
TITLES = {str(kind): f"{name}s" for kind, name in KIND_NAMES.items()}

Progress = Callable[[int, int], None]
"""Told after each batch how many events are done, of how many."""


@dataclass(frozen=True, kw_only=True)
class StatementResult:
    """What was issued; `busy` people were being processed by somebody else and are left for the next call.

    `not_printed` counts the events due whose class prints no such letter, or not so early.
    """

    files: tuple[Path, ...]
    issued: int
    busy: int
    not_printed: int = 0


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of statement: its template, whom it goes to, and what marks it as sent."""

    name: str
    template: str
    letters: Callable[[StatementFrames], pl.DataFrame]
    statuses: tuple[str, ...]
    event_statuses: tuple[str, ...]
    notified: str
    forms: tuple[str, ...]
    mark: Callable[[Any, pl.DataFrame, date, datetime, str], None]

    def due(self) -> pl.Expr:
        """Whether a new statement is to be sent (event-processing §9.1)."""
        return (
            pl.col("process_status").is_in(self.statuses)
            & pl.col("event_status").is_in(self.event_statuses)
            & (pl.col("process_indicator") == ProcessIndicator.NORMAL.value)
            & pl.col(self.notified).is_null()
        )

    def is_printed(self, on: date) -> pl.Expr:
        """Whether the event, else its class, prints this letter on a day (event-processing §4.2)."""
        opens_on = pl.col("event_on") - pl.duration(days=pl.col("enrollment_form_days"))
        is_time = (opens_on <= on).fill_null(value=True) if self is ENROLLMENT else pl.lit(value=True)
        return pl.coalesce("own_forms", "forms").is_in(self.forms) & is_time


def issue_enrollment_statements(
    connection: Any,
    schedule_id: int,
    *,
    folder: Path | None = None,
    on: date,
    now: datetime,
    actor: str = "statements",
    per_person: bool = False,
    progress: Progress | None = None,
    paper: str = "us-letter",
    batch_people: int = BATCH_PEOPLE,
    person_ids: Sequence[int] | None = None,
) -> StatementResult:
    """Write the enrolment statements not yet sent (BAS004), note the day, and move PR to NT.

    Each letter is kept as it was made (`delivery`). With a folder they are written there for whoever prints
    them himself; without one they go the way their people chose.

    Entered events (ET, EE) keep their status. Where a class counts its window from the notice, the window
    begins with it. `person_ids` limits them to some people (None: everybody due).
    """
    job = _Job(
        connection, ENROLLMENT, schedule_id, folder, on, now, actor, per_person, batch_people, person_ids
    )
    return job.issue(paper, progress)


def issue_confirmations(
    connection: Any,
    schedule_id: int,
    *,
    folder: Path | None = None,
    on: date,
    now: datetime,
    actor: str = "statements",
    per_person: bool = False,
    progress: Progress | None = None,
    paper: str = "us-letter",
    batch_people: int = BATCH_PEOPLE,
    person_ids: Sequence[int] | None = None,
) -> StatementResult:
    """Write the confirmations not yet sent (BAS005) of events at FE, and note the day; folder as above."""
    job = _Job(
        connection, CONFIRMATION, schedule_id, folder, on, now, actor, per_person, batch_people, person_ids
    )
    return job.issue(paper, progress)


def reprint(
    connection: Any,
    schedule_id: int,
    *,
    kind: str,
    person_ids: Sequence[int],
    name: str,
    folder: Path,
    paper: str = "us-letter",
) -> Path | None:
    """Print again what was sent to the people of a print list, as it was sent; nothing is changed.

    Of who was sent one before letters were kept, it is what holds now. `kind` is enrollment or confirmation.
    Answers the file, or None where nobody of the list was sent one.
    """
    what = KINDS[kind]
    events = frames.load_events(connection, schedule_ids=[schedule_id]).filter(
        pl.col("person_id").is_in(list(person_ids)), pl.col(what.notified).is_not_null()
    )
    if events.is_empty():
        return None
    pdfs = load_sent(connection, what.name, events)
    older = events.join(pdfs, on=KEY, how="anti", maintain_order="left")
    files = pdfs["pdf"].to_list()
    if older.height:
        letters = letters_of(connection, what, frames.with_case(older), load_names(connection))
        with press(what.template, paper=paper) as machine:
            files += machine.files_of(letters)
    file_name = f"{what.name}_reprint_{pl.select(_safe(pl.lit(name))).item()}.pdf"
    whole = files[0] if len(files) == 1 else assembled(files, title=TITLES[what.name])
    return write_whole(folder / file_name, partial(write_bytes, whole))


@dataclass(frozen=True)
class _Job:
    """One order to issue statements."""

    connection: Any
    kind: Kind
    schedule_id: int
    folder: Path | None
    on: date
    now: datetime
    actor: str
    per_person: bool
    batch_people: int
    person_ids: Sequence[int] | None = None

    def issue(self, paper: str, progress: Progress | None) -> StatementResult:
        events = frames.load_events(
            self.connection,
            schedule_ids=[self.schedule_id],
            statuses=self.kind.statuses,
            event_statuses=self.kind.event_statuses,
            person_ids=self.person_ids,
        ).filter(self.kind.due())
        names = load_names(self.connection)
        due = events.height
        events = self._printed(events, names)
        files: list[Path] = []
        issued = looked_at = 0
        with press(self.kind.template, paper=paper) as machine:
            for batch in events.iter_slices(self.batch_people):
                written, count = self._issue_batch(frames.with_case(batch), names, machine)
                files += written
                issued += count
                looked_at += batch.height
                if progress is not None:
                    progress(looked_at, events.height)
        return StatementResult(
            files=tuple(files),
            issued=issued,
            busy=self._still_due(events) if events.height else 0,
            not_printed=due - events.height,
        )

    def _printed(self, events: pl.DataFrame, names: SetupNames) -> pl.DataFrame:
        """Keep the events whose class prints this letter today."""
        said = names.event_classes.select("event_class_id", "forms", "enrollment_form_days")
        found = events.join(said, on="event_class_id", how="left", maintain_order="left")
        return found.filter(self.kind.is_printed(self.on)).select(events.columns)

    def _issue_batch(self, batch: pl.DataFrame, names: SetupNames, machine: Press) -> tuple[list[Path], int]:
        """Write the letters of a batch, then mark its events, under the locks of its people."""
        with transaction.atomic(using=self.connection.alias):
            people = batch.select("client_id", id="person_id").unique(maintain_order=True)
            locked, _ = lock_rows(self.connection, "workforce_person", people)
            mine = batch.join(
                locked.rename({"id": "person_id"}),
                on=["client_id", "person_id"],
                how="semi",
                maintain_order="left",
            )
            events = frames.with_case(
                frames.load_again(self.connection, frames.with_case(mine)).filter(self.kind.due())
            )
            if events.is_empty():
                return [], 0
            if self.kind is ENROLLMENT:
                events = self._with_window(events, names)
            files = self._print(events, names, machine)
            self.kind.mark(self.connection, events, self.on, self.now, self.actor)
        return files, events.height

    def _print(self, events: pl.DataFrame, names: SetupNames, machine: Press) -> list[Path]:
        """Set each letter, keep it, and give it to its way: into the folder, or as its person chose."""
        letters = letters_of(self.connection, self.kind, events, names)
        pdfs = machine.files_of(letters)
        kept = self._keep(events, pdfs, machine.paper)
        if self.folder is None:
            give(self.connection, kept, on=self.on, author=self.actor, now=self.now)
            return []
        files = self._file_names(events, names, self.folder)
        written = self._write(files, pdfs)
        self._note_printed(kept, written)
        return written

    def _keep(self, events: pl.DataFrame, pdfs: list[bytes], paper: str) -> pl.DataFrame:
        about = events.select(*KEY, as_of="event_on", kind=pl.lit(self.kind.name), paper=pl.lit(paper))
        return keep_documents(self.connection, about, pdfs, author=self.actor, now=self.now)

    def _write(self, files: list[Path], pdfs: list[bytes]) -> list[Path]:
        if self.per_person:
            pairs = zip(files, pdfs, strict=True)
            return [write_whole(path, partial(write_bytes, pdf)) for path, pdf in pairs]
        whole = assembled(pdfs, title=TITLES[self.kind.name])
        return [write_whole(files[0], partial(write_bytes, whole))]

    def _note_printed(self, kept: pl.DataFrame, files: list[Path]) -> None:
        """Say of letters in a folder that they are printed from there, in which file."""
        given = give(
            self.connection, kept, on=self.on, author=self.actor, now=self.now, channel=Channel.PRINT
        )
        names = [file.name for file in files] * (1 if self.per_person else given.height)
        sent = given.with_columns(pl.Series("told", names), fate=pl.lit(str(FateCode.SENT)))
        write_fates(self.connection, sent, author=self.actor, now=self.now)

    def _file_names(self, events: pl.DataFrame, names: SetupNames, folder: Path) -> list[Path]:
        """Name a file after each event: never twice the same after a commit, always the same before it."""
        numbers = frames.load_people(self.connection, events).select("case", "client", "employee_number")
        schedule = names.schedules.filter(schedule_id=self.schedule_id)["schedule"].first()
        between = "" if self.per_person else "_from"
        keys = events.join(numbers, on="case", how="left", maintain_order="left").select(
            pl.lit(self.kind.name).alias("kind"),
            _safe(pl.lit(schedule, dtype=pl.String)).alias("schedule") + between,
            _safe(pl.col("client")),
            _safe(pl.col("employee_number")),
            pl.concat_str(*KEY[1:], "steps", separator="-").alias("key"),
        )
        return [folder / f"{'_'.join(parts)}.pdf" for parts in keys.iter_rows()]

    def _with_window(self, events: pl.DataFrame, names: SetupNames) -> pl.DataFrame:
        """Let the window begin today where its class counts it from the notice."""
        rows = with_event_names(events, names)
        today, unknown = pl.lit(self.on, dtype=pl.Date), pl.lit(None, dtype=pl.Date)
        noticed = window(
            rows.with_columns(option_notified_on=today, reported_on=unknown, recorded_on=unknown)
        )
        begins = noticed["window_start"] == WindowStart.NOTICE.value
        return events.with_columns(
            pl.when(begins).then(noticed[name]).otherwise(pl.col(name)).alias(name)
            for name in ("window_begins_on", "window_ends_on")
        )

    def _still_due(self, events: pl.DataFrame) -> int:
        left = frames.load_again(self.connection, frames.with_case(events)).filter(self.kind.due())
        return left.select("client_id", "person_id").n_unique()


def letters_of(
    connection: Any, kind: Kind, events: pl.DataFrame, names: SetupNames, *, known_at: datetime | None = None
) -> pl.DataFrame:
    """Load what the letters of a batch say, and write each in the language of its person.

    As then known, of events as they then stood. Adds language; in the order of the events.
    """
    cases = events.select("case", "client_id", "person_id", "benefit_record", as_of="event_on")
    told = events.join(load_languages(connection, cases), on="case", how="left", maintain_order="left")
    parts = []
    for (language, client_id), mine in told.group_by("language", "client_id", maintain_order=True):
        named = load_translations(connection, int(client_id))
        with translation.override(str(language)), named_by(named):
            batch = batch_of(connection, mine.drop("language"), names, known_at=known_at)
            parts.append(kind.letters(batch).with_columns(language=pl.lit(language)))
    if not parts:
        return kind.letters(batch_of(connection, events, names, known_at=known_at))
    return pl.concat(parts, how="vertical_relaxed").sort("case")


def batch_of(
    connection: Any, events: pl.DataFrame, names: SetupNames, *, known_at: datetime | None = None
) -> StatementFrames:
    """Load what letters of a batch of events are made from.

    Shapes: events as `frames.load_events`.
    """
    people = frames.load_people(connection, events, known_at=known_at)
    named = listings.with_people(with_event_names(events, names), people)
    dated = events.select("case", "event_on", "program_id")

    def of_events(rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
        return rows.join(dated.select("case", *columns), on="case", maintain_order="left")

    plans = held_on(
        of_events(frames.load_plans(connection, events), "event_on", "program_id"),
        names.plan_types,
        "program_id",
        "plan_type",
    )
    options = with_option_names(of_events(frames.load_options(connection, events), "event_on"), names)
    coverage = frames.load_coverage(connection, events, known_at=known_at)
    funds = frames.load_funds(connection, events).join(
        names.funds, on=["plan_type", "fund"], how="left", maintain_order="left"
    )
    uses = load_credit_uses(connection, events, known_at=known_at)
    return StatementFrames(
        events=named,
        plans=plans,
        options=options,
        timeline=with_option_names(of_events(coverage, "event_on"), names),
        covered=frames.load_covered(connection, events),
        funds=funds,
        beneficiaries=frames.load_beneficiaries(connection, events),
        dependents=frames.load_dependents(connection, events, known_at=known_at),
        leftover=credits_told(events, uses, load_credit_rolls(connection, events)),
    )


def _mark_asked(connection: Any, events: pl.DataFrame, on: date, now: datetime, actor: str) -> None:
    """Note that enrolment statements were sent, and move the events that were only prepared."""
    noted = events.with_columns(option_notified_on=pl.lit(on, dtype=pl.Date))
    update_from(
        connection, "events_event", noted, KEY, ["option_notified_on", "window_begins_on", "window_ends_on"]
    )
    prepared = events.filter(process_status=ProcessStatus.PR.value).with_columns(
        to_status=pl.lit(ProcessStatus.NT.value), to_event_status="event_status"
    )
    move_events(connection, prepared, cause=ISSUED, run_id=None, actor=actor, now=now)


def _mark_confirmed(connection: Any, events: pl.DataFrame, on: date, _now: datetime, _actor: str) -> None:
    """Note that confirmations were sent."""
    noted = events.with_columns(confirm_notified_on=pl.lit(on, dtype=pl.Date))
    update_from(connection, "events_event", noted, KEY, ["confirm_notified_on"])


def write_bytes(data: bytes, path: Path) -> None:
    """Write a file."""
    path.write_bytes(data)


def _safe(text: pl.Expr) -> pl.Expr:
    """Write a text so that it can be part of a file's name on any system."""
    return text.str.replace_all(UNSAFE, "-").str.strip_chars("-").fill_null("none")


ENROLLMENT = Kind(
    name="enrollment",
    template="enrollment.typ",
    letters=enrollment_letters,
    statuses=tuple(str(status) for status in ASKED),
    event_statuses=(EventStatus.OPEN.value,),
    notified="option_notified_on",
    forms=("both", "enrollment"),
    mark=_mark_asked,
)
CONFIRMATION = Kind(
    name="confirmation",
    template="confirmation.typ",
    letters=confirmation_letters,
    statuses=(ProcessStatus.FE.value,),
    event_statuses=(EventStatus.OPEN.value, EventStatus.CLOSED.value),
    notified="confirm_notified_on",
    forms=("both", "confirmation"),
    mark=_mark_confirmed,
)
KINDS = {kind.name: kind for kind in (ENROLLMENT, CONFIRMATION)}
"""The kinds of statement, by name."""
