"""What is asked for of casework: a ticket to be opened, what of one is to change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from msgspec import UNSET, UnsetType

from openbenefits.casework.codes import GENERAL, Form, Priority, Status
from openbenefits.casework.rules.assigning import Assignee

NOBODY_SAID = Assignee()


class TicketRefused(ValueError):
    """Something that cannot be done with a ticket: what was expected, what was found, what to change."""


class TicketMissing(LookupError):
    """A ticket that is not there, or not the user's to see."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The record that caused a ticket: its kind, and its natural key as pages and commands name it."""

    kind: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Order:
    """A ticket to be opened.

    client_id:     None for one of the PEO itself.
    subject, body: what is to be done. They are shown to who sees the ticket, and never sent by mail.
    category, kind: the type; one that nobody has set up has the defaults of none.
    priority:      None: that of the type. due_on: None: by the type, where it has a number of days.
    owner:         a user; None: who opens it, else who gets it.
    assigned:      nothing said: as the type has it.
    person_id:     whom it is about, so that it is found with him.
    about:         the record that caused it: when that is done with, `close_for` closes the ticket.
    cause:         unique for a client and form: to open it again answers the ticket that is there.
    notify:        users told beside.
    is_health:     only who may see health data sees it; None: as the type has it.
    """

    client_id: int | None
    subject: str
    body: str = ""
    category: str = GENERAL
    kind: str = ""
    priority: Priority | str | None = None
    start_on: date | None = None
    due_on: date | None = None
    owner: int | None = None
    assigned: Assignee = NOBODY_SAID
    person_id: int | None = None
    about: Subject | None = None
    cause: str = ""
    notify: tuple[int, ...] = ()
    is_health: bool | None = None


@dataclass(frozen=True, kw_only=True)
class TaskOrder(Order):
    """A task to be opened. is_marked: it need not be kept, and is deleted once it is done."""

    is_marked: bool = False


@dataclass(frozen=True, kw_only=True)
class CaseOrder(Order):
    """A case to be opened."""


@dataclass(frozen=True, kw_only=True)
class ChangeOrder:
    """What of a ticket is to change; what is not said stays.

    status: one, or one for each form (`codes.ENDS`, `codes.WITHDRAWN`). is_marked: of tasks only.
    """

    status: Status | Mapping[Form, Status] | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    start_on: date | UnsetType = UNSET
    due_on: date | UnsetType | None = UNSET
    category: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    subject: str | UnsetType = UNSET
    body: str | UnsetType = UNSET
    owner: int | UnsetType | None = UNSET
    assigned: Assignee | UnsetType = UNSET
    notify: tuple[int, ...] | UnsetType = UNSET
    is_marked: bool | UnsetType = UNSET

    def said(self) -> dict[str, Any]:
        """Answer what is to change, by name."""
        return {name: value for name, value in vars(self).items() if value is not UNSET}


@dataclass(frozen=True, kw_only=True)
class Author:
    """Who does something: in words, and as a user where it is one."""

    name: str
    user_id: int | None = field(default=None)
