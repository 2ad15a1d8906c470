"""A channel as people write it: what triggers it, conditions, and items that make something.

The YAML file of a channel, the form of the workbench and what is stored are this one shape; `schema.py`
publishes it.
"""

from enum import StrEnum
from typing import Any

import msgspec

from openbenefits.core.pipelines import Pipeline
from openbenefits.workflow.rules.conditions import Operator
from openbenefits.workflow.rules.schedules import Timing


class Operation(StrEnum):
    """What of a record counts."""

    INSERT = "insert"
    UPDATE = "update"
    BOTH = "insert or update"


class Part(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What every part of a channel is."""


class OnSave(Part):
    """Real time: when a record is made or changed.

    changed: the primary trigger field, which must have changed in this save; empty: any change counts.
    pipelines: the ways of arriving that count.
    """

    operation: Operation = Operation.BOTH
    changed: str = ""
    pipelines: list[Pipeline] = msgspec.field(
        default_factory=lambda: [one for one in Pipeline if one is not Pipeline.SILENT]
    )


class Schedule(Part):
    """Scheduled: so many days before (negative) or after a day of the record.

    grace: days in which it may still be made, the first among them. frequency: at most once in so many
    days; 0: once for each date it falls due on. cancels_on_change: when the day moves, what was opened for
    the old one is cancelled.
    """

    field: str
    offset: int = 0
    grace: int = 1
    frequency: int = 0
    include_inactive: bool = False
    cancels_on_change: bool = False

    def timing(self) -> Timing:
        """Answer it as the rules take it."""
        return Timing(
            field=self.field,
            offset=self.offset,
            grace=self.grace,
            frequency=self.frequency,
            include_inactive=self.include_inactive,
        )


class Condition(Part):
    """A row: the field of a record (`record`, or one that hangs on it), how, against what; its label."""

    label: str
    field: str
    operator: Operator
    value: str = ""
    source: str = "record"

    @property
    def column(self) -> str:
        """Answer the name of its field among the columns."""
        return column(self.source, self.field)


class Who(Part):
    """Who gets something: one of these, and who stands in where nobody is found.

    user, backup: names of users. field: of the record, with the name of a user. role: on the client's team.
    current: whoever made the change.
    """

    user: str = ""
    field: str = ""
    role: str = ""
    queue: str = ""
    current: bool = False
    backup: str = ""


class Due(Part):
    """When something is due.

    So many days, of business or of the calendar, from a day of the record or from today.
    """

    days: int = 0
    business: bool = True
    start: str = "today"


class Work(Part):
    """A task or a case to be opened: its cause is the record, whose end closes it.

    marked: of a task: it need not be kept, and is deleted once it is done.
    """

    subject: str
    body: str = ""
    category: str = "general"
    kind: str = ""
    priority: str = ""
    due: Due | None = None
    owner: Who | None = None
    assigned: Who | None = None
    marked: bool = False
    attach_to: str = "record"  # the record it is linked to: `record`, or one that hangs on it


class Mail(Part):
    """A mail to staff: it holds no more than its texts."""

    subject: str
    body: str
    to: list[Who]


class Letter(Part):
    """A letter to the person a record is about: kept, and sent the way he chose."""

    title: str
    body: str


class Act(Part):
    """A change of a record through a named act; never otherwise."""

    act: str
    values: dict[str, str] = {}


class After(Part):
    """What an item waits for: the task (or case) of an item before it, in a status."""

    item: str
    status: str = "complete"


class Item(Part):
    """One thing a channel makes: exactly one of task, case, mail, letter, change.

    after: it comes after an item before it, not after the trigger. schedule: in place of the channel's.
    done_when: the check that says from data whether its work is done. once: only once for a record.
    """

    item: str
    title: str
    task: Work | None = None
    case: Work | None = None
    mail: Mail | None = None
    letter: Letter | None = None
    change: Act | None = None
    after: After | None = None
    schedule: Schedule | None = None
    conditions: list[Condition] = []
    expression: str = ""
    once: bool = False
    done_when: str = ""

    @property
    def made(self) -> dict[str, Any]:
        """Answer what it makes, by kind."""
        kinds = ("task", "case", "mail", "letter", "change")
        return {kind: part for kind in kinds if (part := getattr(self, kind)) is not None}


class Channel(Part):
    """A channel.

    clients: codes of the clients it is for, of a channel of the PEO; none: all. playbook: the one it
             belongs to.
    withdrawn_when: of a real-time one: what it opened about a record is withdrawn once one of these holds,
             or once the record is not there any more.
    """

    channel: str
    name: str
    kind: str
    says: str = ""
    playbook: str = ""
    clients: list[str] = []
    on: OnSave | None = None
    schedule: Schedule | None = None
    by_hand: bool = False
    once: bool = False
    conditions: list[Condition] = []
    expression: str = ""
    withdrawn_when: list[Condition] = []
    items: list[Item] = []

    @property
    def is_scheduled(self) -> bool:
        """Whether days bring it about, and not changes, or somebody who starts it."""
        return self.on is None and not self.by_hand

    def watched(self) -> list[str]:
        """Name the kinds of record whose changes it looks at."""
        kinds = {self.kind} if self.on is not None else set()
        forms = {item.item: next(iter(item.made), "") for item in self.items}
        kinds |= {forms[item.after.item] for item in self.items if item.after and item.after.item in forms}
        return sorted(kinds & {self.kind, "task", "case"})


def column(source: str, field: str) -> str:
    """Answer the name of a field among the columns of a record."""
    return field if source in ("", "record", "channel") else f"{source}.{field}"


def document(channel: Channel) -> dict[str, Any]:
    """Answer a channel as it is stored."""
    stored: dict[str, Any] = msgspec.to_builtins(channel)
    return stored


def stored(document: Any) -> Channel:
    """Read a channel as it was stored."""
    return msgspec.convert(document, Channel)
