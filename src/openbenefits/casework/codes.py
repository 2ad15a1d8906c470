"""The code lists of casework. A ticket is a task or a case: what a person has to do, or to see to its end."""

from enum import StrEnum


class Form(StrEnum):
    """What a ticket is."""

    TASK = "task"  # one thing to do
    CASE = "case"  # a matter that goes on until it is resolved


class Priority(StrEnum):
    """How much hangs on a ticket; the first comes first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Status(StrEnum):
    """Where a ticket stands; STATUSES says which of them a task has, and which a case."""

    NEW = "new"
    IN_PROGRESS = "in progress"
    ON_HOLD = "on hold"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CLOSED = "closed"


STATUSES: dict[Form, tuple[Status, ...]] = {
    Form.TASK: (Status.NEW, Status.IN_PROGRESS, Status.ON_HOLD, Status.COMPLETE, Status.CANCELLED),
    Form.CASE: (Status.NEW, Status.IN_PROGRESS, Status.WAITING, Status.RESOLVED, Status.CLOSED),
}
"""In the order in which a ticket passes through them, and a board shows them."""
DONE = frozenset({Status.COMPLETE, Status.CANCELLED, Status.RESOLVED, Status.CLOSED})
"""Where nothing is left to do."""
ENDS: dict[Form, Status] = {Form.TASK: Status.COMPLETE, Form.CASE: Status.RESOLVED}
"""Where what was to be done is done."""
WITHDRAWN: dict[Form, Status] = {Form.TASK: Status.CANCELLED, Form.CASE: Status.CLOSED}
"""Where there is nothing to do any more, done or not."""


class Security(StrEnum):
    """Who sees the tickets of a type, among those who see the client."""

    OPEN = "open"
    HEALTH = "health"  # only who may see health data


class Default(StrEnum):
    """Whom a ticket of a type goes to where nobody says."""

    CREATOR = "creator"
    USER = "user"
    ROLE = "role"  # of the client's team
    QUEUE = "queue"


class Recipient(StrEnum):
    """Whom a step of escalation writes to, beside those it always does."""

    ROLE = "role"  # of the client's team
    MANAGER = "manager"  # of the department
    SUPERVISOR = "supervisor"  # of who has the ticket


class Scope(StrEnum):
    """Of whose tickets a follower is told."""

    ALL = "all"  # of every client he may see
    MINE = "mine"  # of the clients on whose team he is
    CLIENT = "client"  # of one client


class Happening(StrEnum):
    """What somebody is told of a ticket."""

    OPENED = "opened"
    CHANGED = "changed"
    ENDED = "ended"  # it is done, or nothing is to be done: who asked for it is told, too
    COMMENTED = "commented"
    UNASSIGNED = "unassigned"  # nobody was found to do it: it waits in the queue of that name
    LEVEL_1 = "level 1"
    LEVEL_2 = "level 2"
    DUE_SOON = "due soon"
    OVERDUE = "overdue"


class Job(StrEnum):
    """What the worker does by the clock, and leaves in quiet hours."""

    NIGHT = "night"  # set-up that is due, runs, reminders, carrier files of the day
    CHANNELS = "channels"  # scheduled channels look at the day
    REPORTS = "reports"  # reports ordered by mail
    CARRIERS = "carriers"  # carrier files sent, answers taken in
    CASEWORK = "casework"  # tasks and cases: closed, escalated, told of, deleted


class AskerMail(StrEnum):
    """A mail to an employee who asked something."""

    ANSWERED = "answered"
    CLOSED = "closed"


GENERAL = "general"
"""The category of a ticket that names none."""
UNASSIGNED = "unassigned"
"""The queue of tickets for whom nobody was found."""
