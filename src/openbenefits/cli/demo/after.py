"""Step 6, after: a hire, a birth, a marriage, a move and a termination, each through event maintenance."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from openbenefits.cli.demo.choosing import fresh, household, widened
from openbenefits.cli.demo.consequences import Consequences, show_consequences
from openbenefits.cli.demo.explaining import explain_three
from openbenefits.cli.demo.offers import offers_of
from openbenefits.cli.demo.stage import ACTOR, EVENTS, Stage, at
from openbenefits.cli.screen import say
from openbenefits.core.codes import ProcessStatus
from openbenefits.enrollment.elections import enter_file
from openbenefits.payroll.services import owed
from openbenefits.runs.services import RunResult, run
from openbenefits.sample import ClientFiles
from openbenefits.workforce import census
from openbenefits.workforce.models import Person
from openbenefits.workforce.services import report_life_event

YEAR = {"begin": date(2026, 1, 1), "through": date(2026, 12, 31)}
ANSWERED_AFTER = timedelta(days=7)
ENTERABLE = [str(status) for status in (ProcessStatus.PR, ProcessStatus.NT)]


@dataclass(frozen=True, kw_only=True)
class Story:
    """Something that happens to one person of each client."""

    name: str
    title: str
    adds: str | None = None  # whom the person covers from then on


STORIES = (
    Story(name="hire", title="a hire"),
    Story(name="birth", title="a birth", adds="needs_children"),
    Story(name="marriage", title="a marriage", adds="needs_spouse"),
    Story(name="move", title="a move"),
    Story(name="termination", title="a termination"),
)
EXPLAINED = ("birth", "hire", "move")


def play(stage: Stage) -> None:
    """Let the year happen, then explain three people."""
    for story in STORIES:
        with stage.step(f"6 After: {story.title}"):
            _happen(stage, story)
    with stage.step("6 After: why three people have what they have"):
        explain_three(stage, list(_told_about(stage)))


def _told_about(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Choose three of client, story and employee, each from another client."""
    for files, name in zip(stage.files.clients, EXPLAINED, strict=False):
        story = next(one for one in STORIES if one.name == name)
        number = employee_of(files, story.name)
        if number is not None:
            yield files.client, story.title, number


def _happen(stage: Stage, story: Story) -> None:
    """Play one story at every client that has somebody for it, then show what it changed."""
    found: list[Consequences] = []
    results: dict[str, RunResult] = {}
    for files in stage.each_client(story.title.capitalize()):
        number = employee_of(files, story.name)
        if number is None:
            continue
        before = _owed(stage, files.client, number)
        told = _record(stage, files, story, number)
        first = maintain(stage, files.client, told)
        answered = told + ANSWERED_AFTER
        is_answered = _elect(stage, files.client, story, number, answered)
        results[files.client] = maintain(stage, files.client, answered) if is_answered else first
        found.append(
            Consequences(
                client=files.client,
                client_id=stage.clients[files.client],
                employee_number=number,
                runs=(first.run_id, results[files.client].run_id),
                before=before,
                after=_owed(stage, files.client, number),
            )
        )
    if not found:
        say("Nobody in so small a sample has this story.")
        return
    show_consequences(stage.connection, found)
    stage.show_statuses("Event maintenance", EVENTS, results)


def employee_of(files: ClientFiles, story: str) -> str | None:
    """The employee number of whom a story, by name, happens to."""
    cast = pl.read_csv(files.stories, schema_overrides={"employee_number": pl.String}).filter(story=story)
    numbers = cast["employee_number"].to_list()
    return numbers[0] if numbers else None


def _record(stage: Stage, files: ClientFiles, story: Story, number: str) -> date:
    """Import the story's census rows, and its life event if it has one; answer the day it is known."""
    rows = pl.read_csv(files.changes, infer_schema=False).filter(employee_number=number)
    path = stage.output("changes", f"{files.client}-{story.name}.csv")
    rows.write_csv(path)
    happened = max(date.fromisoformat(day) for day in rows["effective_date"].drop_nulls())
    client_id = stage.clients[files.client]
    life = pl.read_csv(files.life_events, try_parse_dates=True).filter(employee_number=number)
    reported = max([happened, *life["reported_on"]])
    found = census.preview(client_id, path, as_of=happened)
    census.apply(found, made_by=ACTOR, now=at(reported))
    for event in life.iter_rows(named=True):
        report_life_event(
            client_id,
            person_of(client_id, number),
            event_class=event["event_class"],
            on=event["happened_on"],
            reported_on=event["reported_on"],
            made_by=ACTOR,
            now=at(reported),
        )
    return reported


def person_of(client_id: int, number: str) -> int:
    """The person of an employee number."""
    return Person.objects.get(client_id=client_id, employee_number=number).pk


def _owed(stage: Stage, client: str, number: str) -> pl.DataFrame:
    """What the person owes in the pays of the year; nothing for somebody not hired yet."""
    client_id = stage.clients[client]
    people = list(
        Person.objects.filter(client_id=client_id, employee_number=number).values_list("id", flat=True)
    )
    return owed(stage.connection, client_id, person_ids=people, **YEAR)


def maintain(stage: Stage, client: str, day: date) -> RunResult:
    """Run event maintenance, as it would each night."""
    return run(stage.connection, stage.order(client, EVENTS, day, run_control="events"), now=at(day))


def _elect(stage: Stage, client: str, story: Story, number: str, day: date) -> bool:
    """Enter what the person chooses of what the event offers; answer whether anything was offered."""
    client_id = stage.clients[client]
    people = [person_of(client_id, number)]
    offers = offers_of(stage.connection, [stage.schedules[client, EVENTS]], ENTERABLE, people)
    if offers.is_empty():
        return False
    family = household(stage.connection, client_id, people[0], number, day)
    chosen = widened(offers, family, story.adds, day) if story.adds else fresh(offers, family, day)
    path = stage.output("elections", f"{client}-{story.name}.csv")
    chosen.write_csv(path)
    result = enter_file(stage.connection, client_id, path, received_by=ACTOR, now=at(day))
    return result.entered > 0
