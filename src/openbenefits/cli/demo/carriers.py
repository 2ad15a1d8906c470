"""Carriers: told of coverage as it was, then of open enrolment alone; their answers stand at the election."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

import openbenefits.carriers
from openbenefits.carriers.agreements.partners import Mode, Partner, Transport, read_agreement, save_partner
from openbenefits.carriers.answers import services as answering
from openbenefits.carriers.answers.places import Place, places_of
from openbenefits.carriers.building.services import Feed, build
from openbenefits.carriers.custody import services as custody
from openbenefits.carriers.custody.retelling import tell_again
from openbenefits.carriers.filing import services as filing
from openbenefits.carriers.models import CarrierFile
from openbenefits.cli.demo.stage import ACTOR, OPEN_ENROLLMENT, Stage
from openbenefits.cli.screen import console, say, table_of
from openbenefits.sample.answers import REPORT, acknowledged, reported
from openbenefits.workforce.models import Person

AGREEMENTS = Path(openbenefits.carriers.__file__).parent / "agreements"
MEDICAL, DENTAL, LIFE = "hmo_blue", "delta_dental", "sample_life"
TAKEN_ON = datetime(2025, 10, 6, 2, tzinfo=UTC)
TOLD_ON = datetime(2025, 12, 8, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
STAGES = ("partner", "line", "plan", "tier", "begins_on", "stage", "acknowledged", "verdict_code", "words")


def play_first(stage: Stage) -> None:
    """Agree with three carriers, and tell each everything once; all of it is accepted."""
    with stage.step("1 Three carriers: told what is in force"):
        for code in (MEDICAL, DENTAL, LIFE):
            partner = _agreed(stage, code)
            save_partner(stage.clients[_client(stage)], code, partner, author=ACTOR, now=TAKEN_ON)
        files = _sent(stage, TAKEN_ON, {MEDICAL: "4", DENTAL: "4", LIFE: "4"})
        for number, file in enumerate(files, start=1):
            answer = acknowledged(file, {}, number=number, now=TAKEN_ON + 4 * HOUR)
            _take(stage, file, answer, "999", TAKEN_ON + 4 * HOUR)
        say("Every set is accepted: from now on a carrier is told what moved since, and nothing else.")


def play_enrolment(stage: Stage) -> None:
    """Tell them of open enrolment; one refuses a family by a 999, one a member by its own report."""
    with stage.step("6 Carriers are told of open enrolment, and answer"):
        medical, dental, life = _sent(stage, TOLD_ON, {MEDICAL: "2", DENTAL: "RX", LIFE: "2"})
        later = TOLD_ON + 4 * HOUR
        place = _chosen(stage, medical)
        answer = acknowledged(medical, {place.set: place}, number=11, now=later)
        _take(stage, medical, answer, "999", later)
        for number, file in ((12, dental), (13, life)):
            _take(stage, file, acknowledged(file, {}, number=number, now=later), "999", later)
        _show(stage, place, later, "A set refused by a 999, at the election")

        places = places_of(dental)
        other = _chosen(stage, dental)
        errors = {other.member: ("E17", "group not open for this plan")}
        report = reported(dental, places, errors)
        _take(stage, dental, report, "errors.csv", later + HOUR)
        _show(stage, other, later + HOUR, "A member refused by a carrier's own report, at the election")

        _tell_again(stage, dental, other, later + 2 * HOUR)

        again = _built(stage, MEDICAL, "2", TOLD_ON + timedelta(days=1))
        names = {(one.subscriber, one.member) for one in places_of(again)} if again else set()
        is_alone = bool(names) and {subscriber for subscriber, _ in names} == {place.subscriber}
        count = again.members if again else 0
        say(
            f"The next night's file to {MEDICAL}: {count} {'person' if count == 1 else 'people'},"
            f" {'the refused family alone' if is_alone else 'MORE THAN THE REFUSED FAMILY'}."
        )


def _tell_again(stage: Stage, file: CarrierFile, place: Place, now: datetime) -> None:
    """Have a member whom a report refused told again, once the carrier put right what was wrong."""
    told: dict[str, Any] = {"author": ACTOR, "words": "the group is open for the plan now", "now": now}
    count = tell_again(stage.connection, file.pk, place.member, **told)
    again = _built(stage, file.partner, "2", TOLD_ON + timedelta(days=1))
    members = again.members if again else 0
    say(
        f"{file.partner} opened the plan: {count} {'line is' if count == 1 else 'lines are'} told again,"
        f" and the next night's file speaks of {members} {'person' if members == 1 else 'people'}."
    )


def _client(stage: Stage) -> str:
    """Name the smallest client: the guide's validator takes a second for a thousand members."""
    return min(stage.files.clients, key=lambda files: files.people).client


def _agreed(stage: Stage, code: str) -> Partner:
    """Read the agreement with a carrier; files go into a folder. A set of the medical one is a family."""
    out, back = stage.output("carriers", code, "sent", "x").parent, stage.output("carriers", code, "x").parent
    told = read_agreement((AGREEMENTS / f"{code}.yaml").read_text(encoding="utf-8"))
    return msgspec.structs.replace(
        told,
        transport=Transport(kind="folder", folder=str(out.absolute()), answers=str(back.absolute())),
        reports={"errors": REPORT},
        set_size=1 if code == MEDICAL else None,
    )


def _built(stage: Stage, code: str, mode: Mode, now: datetime) -> CarrierFile | None:
    feed = Feed(client_id=stage.clients[_client(stage)], code=code)
    return build(stage.connection, feed, on=now.date(), author=ACTOR, now=now, mode=mode)


def _sent(stage: Stage, now: datetime, modes: Mapping[str, Mode]) -> list[CarrierFile]:
    """Build a file for each carrier, release and send it, and show what each is."""
    found = []
    for code, mode in modes.items():
        file = _built(stage, code, mode, now)
        if file is None or file.state == "invalid":
            raise AssertionError(f"{code}: expected a file, found {file and file.findings}")
        for hold in file.holds:
            say(f"{code} is held: {hold['words']}")
        filing.release(file.pk, author=ACTOR, words="looked at", now=now + HOUR)
        filing.send(stage.connection, file.pk, now=now + 2 * HOUR, author=ACTOR)
        file.refresh_from_db()
        found.append(file)
    numbers = [file.pk for file in found]
    rows = filing.files([found[0].client_id], now=now + 3 * HOUR).filter(pl.col("file_id").is_in(numbers))
    shown = rows.sort("file_id").select("partner", "purpose", "members", "lines", "state", "file_name")
    console.print(table_of(shown, title="Files, released and sent"))
    return found


def _take(stage: Stage, file: CarrierFile, data: bytes, name: str, now: datetime) -> None:
    taken = answering.take(stage.connection, file.client_id, file.partner, data, name, author=ACTOR, now=now)
    for words in taken.words:
        say(f"{file.partner}: {words}")
    if taken.kind.startswith("report"):
        counted = ", ".join(f"{count} {verdict}" for verdict, count in sorted(taken.verdicts.items()))
        say(f"{file.partner}: a report of its own says of members: {counted}")


def _chosen(stage: Stage, file: CarrierFile) -> Place:
    """Find the first subscriber told of a line that follows from open enrolment."""
    schedule = stage.schedules[_client(stage), OPEN_ENROLLMENT]

    def is_theirs(place: Place) -> bool:
        return place.is_subscriber and any(line.schedule_id == schedule for line in place.lines)

    return next(filter(is_theirs, places_of(file)))


def _show(stage: Stage, place: Place, now: datetime, title: str) -> None:
    """Show the chain of custody of an election: what became of what somebody chose in open enrolment."""
    line = next(iter(place.lines))
    schedule = stage.schedules[_client(stage), OPEN_ENROLLMENT]
    rows = custody.chain_of_event(line.client_id, line.person_id, schedule, 0, now=now)
    mine: Sequence[str] = [name for name in STAGES if name in rows.columns]
    number = Person.objects.get(pk=line.person_id).employee_number
    console.print(table_of(rows.filter(member=place.member).select(mine), title=f"{title} of {number}"))
