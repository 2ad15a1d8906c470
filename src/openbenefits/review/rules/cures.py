"""Where a message is cured: the command of the product that does it, for each code of the catalogue."""

import polars as pl

from openbenefits.core.codes import Owner
from openbenefits.core.messages import CATALOGUE

SETUP, CENSUS, LIFE = "setup apply FOLDER", "census apply FILE --client {client}", "event activity"
ELECTION = "elect one --client {client} --schedule {schedule} --person {person} --event {event}"
REPAIR = "repair proposals --client {client}"
EVENT_REPAIR = "repair event --client {client} --schedule {schedule} --person {person} --event {event}"
LEDGER = "payroll correct --client {client} --person {person}"
PROOF = "elect proof --client {client} --person {person}"
PERSON = "review person --client {client} --person {person}"

OF_OWNER = {
    Owner.SETUP: SETUP,
    Owner.HR_DATA: CENSUS,
    Owner.ELECTION: ELECTION,
    Owner.PROCESS: PERSON,
}
OF_CODE = {
    "BA1002": REPAIR,
    "BA1003": REPAIR,
    "BA1004": EVENT_REPAIR,
    "BA1005": EVENT_REPAIR,
    "BA1008": f"{LIFE} prove --client {{client}} --person {{person}}",
    "BA1009": f"{LIFE} list --client {{client}}",
    "BA1321": PROOF,
    "BA1326": LEDGER,
    "BA1333": PERSON,
}
"""Where the owner's usual command is not the cure."""

COMMANDS = {code: OF_CODE.get(code, OF_OWNER[entry.owner]) for code, entry in CATALOGUE.items()}
"""The command that cures each code; in capitals, and in braces, what it is told."""

SEVERAL = {"person": "NUMBER", "schedule": "CODE", "event": "NUMBER"}
"""What stands for the person, schedule and event where an entry is about several."""


def path_of(command: str) -> tuple[str, ...]:
    """The words of a command up to what it is told.

    >>> path_of("event activity list --client {client}")
    ('event', 'activity', 'list')
    """
    words = command.split()
    told = [place for place, word in enumerate(words) if word.startswith("-") or word.isupper()]
    return tuple(words[: told[0]] if told else words)


def command_of() -> pl.Expr:
    """The command that cures an entry: with its person, schedule and event where it is about one only.

    Shapes: rows with client, code, and one_person, one_schedule, one_event (null: several).
    """
    command = pl.col("code").replace_strict(COMMANDS, return_dtype=pl.String)
    filled = command.str.replace("{client}", pl.col("client"), literal=True)
    for name, column in (("person", "one_person"), ("schedule", "one_schedule"), ("event", "one_event")):
        told = pl.col(column).cast(pl.String).fill_null(SEVERAL[name])
        filled = filled.str.replace(f"{{{name}}}", told, literal=True)
    return pl.format("openbenefits {}", filled)
