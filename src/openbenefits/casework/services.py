"""What other floors and the faces call: tickets opened, changed, ended with their cause."""

from openbenefits.casework.changing import (
    cancel_task,
    change,
    change_all,
    close_for,
    complete_task,
    delete_marked,
    would_change,
)
from openbenefits.casework.codes import Form, Priority, Status
from openbenefits.casework.models import Case, Task, Ticket
from openbenefits.casework.opening import open_case, open_cases, open_task, open_tasks
from openbenefits.casework.orders import (
    CaseOrder,
    ChangeOrder,
    Subject,
    TaskOrder,
    TicketMissing,
    TicketRefused,
)
from openbenefits.casework.rules.assigning import Assignee
from openbenefits.casework.rules.calendar import Calendar, add_business_hours, due_on
from openbenefits.casework.standing import calendar_of

__all__ = [
    "Assignee",
    "Calendar",
    "Case",
    "CaseOrder",
    "ChangeOrder",
    "Form",
    "Priority",
    "Status",
    "Subject",
    "Task",
    "TaskOrder",
    "Ticket",
    "TicketMissing",
    "TicketRefused",
    "add_business_hours",
    "calendar_of",
    "cancel_task",
    "change",
    "change_all",
    "close_for",
    "complete_task",
    "delete_marked",
    "due_on",
    "open_case",
    "open_cases",
    "open_task",
    "open_tasks",
    "would_change",
]
