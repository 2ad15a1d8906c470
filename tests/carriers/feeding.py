"""A story played step by step, with files built, accepted and refused between: the office of sayings.yaml."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from django.db import connections

from openbenefits.carriers.agreements.partners import Partner, read_partner, save_partner
from openbenefits.carriers.building import viewing
from openbenefits.carriers.building.services import Feed, build
from openbenefits.carriers.models import CarrierFile, FileSet
from openbenefits.scenarios.databases import CLIENT_ID, Setup, apply_setup
from openbenefits.scenarios.playing import Play, begin, play_step
from openbenefits.scenarios.reading import read_story
from openbenefits.store.secrets import open_file
from openbenefits.workforce.recording import add_client

STORY = Path(__file__).with_name("sayings.yaml")
SETUP_KNOWN = datetime(2000, 1, 1, tzinfo=UTC)
CODE = "carrier"
FEED = Feed(client_id=CLIENT_ID, code=CODE)
END = {"qualifier": "30", "id": "123456780", "group_id": "123456780"}
PROFILE = {
    "name": "office",
    "sender": END,
    "receiver": {"qualifier": "ZZ", "id": "CARRIER", "group_id": "CARRIER"},
    "sponsor": {"name": "Office", "id": "234567891"},
    "insurer": {"name": "Carrier", "id": "876543219"},
    "plans": {
        "HMO": {"insurance": "HMO", "plan": "HMO"},
        "PPO": {"insurance": "PPO", "plan": "PPO"},
        "HDHP": {"insurance": "HLT", "plan": "HDHP"},
        "DEN": {"insurance": "DEN", "plan": "DEN"},
    },
    "subscriber_id": "subscriber",
    "tiers": {"EE": "EMP", "ES": "ESP", "EC": "ECH", "FAM": "FAM", "EP": "ESP", "KID": "CHD"},
    "off": ["premium"],
    "allowed": {"full_file_ends": True},
}


def agreement(**changes: Any) -> Partner:
    """An agreement with the story's carrier: a change file every day, nothing held, unless told otherwise."""
    free = {"ends": None, "ends_percent": None, "members_percent": None}
    told = {"name": "Carrier", "carriers": ["Carrier"], "plan_types": ["10", "11"], "limits": free}
    return read_partner(told | {"profile": PROFILE | changes.pop("profile", {})} | changes)


def at(on: date) -> datetime:
    """Two in the morning."""
    return datetime.combine(on, time(2), UTC)


@dataclass
class Fed:
    """A story in the database at hand, and what is made for its carrier."""

    connection: Any
    play: Play
    done: int = 0

    def play_until(self, on: date) -> None:
        """Play the steps before a day."""
        while self.done < len(self.play.story.steps) and self.play.story.steps[self.done].on < on:
            play_step(self.play, self.done)
            self.done += 1

    def build(self, on: date, mode: Any = None, feed: Feed = FEED) -> CarrierFile | None:
        """Build the file of a day."""
        return build(self.connection, feed, on=on, author="test", now=at(on), mode=mode)

    def accept(self, file: CarrierFile, *sets: int) -> None:
        """Answer a file as a 999 does: all of it, or some of its sets."""
        every = list(FileSet.objects.filter(file_id=file.pk).values_list("set", flat=True))
        taken = sets or every
        FileSet.objects.filter(file_id=file.pk).update(code="R")
        FileSet.objects.filter(file_id=file.pk, set__in=taken).update(code="A")
        state = "accepted" if len(taken) == len(every) else "accepted in part"
        CarrierFile.objects.filter(pk=file.pk).update(state=state)
        viewing.move(self.connection, file, list(taken), now=file.built_at)

    def refuse(self, file: CarrierFile) -> None:
        """Answer a file as rejected."""
        FileSet.objects.filter(file_id=file.pk).update(code="R")
        CarrierFile.objects.filter(pk=file.pk).update(state="rejected")

    def told(self, on: date, mode: Any = None) -> dict[str, list[str]]:
        """Build a file, accept it, and answer what it says of each person of the story."""
        file = self.build(on, mode)
        if file is None:
            return {}
        assert file.state == "validated", file.findings
        self.accept(file)
        return self.said(file)

    def said(self, file: CarrierFile) -> dict[str, list[str]]:
        """Answer the segments of each family by the name of its subscriber, but for who and where they are."""
        names = {str(key): name for name, key in self.play.cast.people.items()}
        found: dict[str, list[str]] = {}
        name = ""
        for block in text_of(file).split("INS*")[1:]:
            segments = ["INS*" + block.split("~")[0], *block.split("~")[1:]]
            kept = [one for one in segments if one.startswith(SHOWN)]
            name = next(one for one in segments if one.startswith("REF*0F*")).removeprefix("REF*0F*")
            key = name.split("-")[1]
            found.setdefault(names[key], []).extend(kept)
        return found


SHOWN = ("INS*", "HD*", "DTP*", "NM1*74", "NM1*70", "AMT*", "LX*", "NM1*P3", "PLA*", "DSB*")


def text_of(file: CarrierFile) -> str:
    """Answer a file as text."""
    return open_file(bytes(file.content)).decode()


def story(partner: Partner, path: Path = STORY) -> Fed:
    """Begin a story in a blank database, with an agreement in force."""
    file = read_story(path)
    assert file.story is not None, file.findings
    folder = path.parent
    peo, client = ((folder / one).resolve() for one in (file.story.setup.peo, file.story.setup.client))
    setup = Setup(peo, client, tuple(file.story.changes.items()))
    add_client("office", "Office")
    apply_setup(setup, now=SETUP_KNOWN)
    save_partner(CLIENT_ID, CODE, partner, author="test", now=SETUP_KNOWN)
    play = begin(connections["default"], file.story, setup)
    return Fed(connection=connections["default"], play=play)
