"""The parts of the set-up of tasks and cases: their tables, fields, and what each field is chosen from."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from openbenefits.casework import models as tables
from openbenefits.casework.codes import Default, Job, Recipient, Security
from openbenefits.casework.listing import category_names
from openbenefits.casework.people import people_for
from openbenefits.store.isolation import PEO
from openbenefits.workbench.casework import words
from openbenefits.workbench.casework.forms import chosen
from openbenefits.workforce.models import Client

Words: TypeAlias = str | Promise
SECURITY = {Security.OPEN: _("everybody who sees the client"), Security.HEALTH: _("who may see health data")}
DEFAULTS = {
    Default.CREATOR: _("who opens it"),
    Default.USER: _("one user"),
    Default.ROLE: _("a role of the client's team"),
    Default.QUEUE: _("a queue"),
}
RECIPIENTS = {
    Recipient.ROLE: _("a role of the client's team"),
    Recipient.MANAGER: _("the department's manager"),
    Recipient.SUPERVISOR: _("the supervisor of who has it"),
}
FORMS_OF = {
    "task": _("task"),
    "case": _("case"),
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the set-up: its table, what it is called and means, the columns of its list, and fields.

    fields: name and label, in order. key: fields that name a record and stay as they are. is_fixed: no record
    is added, for each there can be is there. is_removable: a record is taken out again.
    """

    model: type[models.Model]
    title: Words
    meaning: Words
    listed: tuple[str, ...]
    fields: dict[str, Words]
    key: tuple[str, ...] = ("code",)
    is_fixed: bool = False
    is_removable: bool = False


CODE_AND_NAME: dict[str, Words] = {"code": _("Code"), "name": _("Name")}
OFF: dict[str, Words] = {"is_off": _("Switched off: not offered any more")}
DEPARTMENT: dict[str, Words] = {"department": _("Department")}
FITTING: dict[str, Words] = {
    "category": _("Category"),
    "kind": _("Code of the type"),
    "priority": _("Priority"),
}

PARTS: dict[str, Part] = {
    "types": Part(
        model=tables.TicketType,
        title=_("Types"),
        meaning=_("Who gets a task or case of a type, who is told, when it is due, who may see it."),
        listed=("category", "name", "priority", "due_days", "assign_role", "is_off"),
        key=("category", "code"),
        fields={
            "category": _("Category"),
            **CODE_AND_NAME,
            "priority": _("Priority"),
            "due_days": _("Due after, business days"),
            "reminder_days": _("Reminded of before, business days"),
            **DEPARTMENT,
            "assigns": _("Goes to"),
            "assign_user_id": _("The user, where it goes to one"),
            "assign_role": _("Goes to the role, where it goes to one"),
            "assign_queue": _("The queue, where it goes to one"),
            "backup_id": _("Backup"),
            "notified_role": _("Role that is told of changes"),
            "level_1_role": _("Role that is told at level 1"),
            "level_2_role": _("Role that is told at level 2"),
            "security": _("Seen by"),
            **OFF,
        },
    ),
    "levels": Part(
        model=tables.ServiceLevel,
        title=_("Service levels"),
        meaning=_(
            "Business hours until each level. The row that fits most closely counts; empty fits every one."
        ),
        listed=("category", "kind", "priority", "hours_1", "hours_2"),
        key=("category", "kind", "priority"),
        fields=FITTING | {"hours_1": _("Hours to level 1"), "hours_2": _("Hours to level 2")},
    ),
    "steps": Part(
        model=tables.Cascade,
        title=_("Steps of escalation"),
        meaning=_("What reaching a level does, beside telling who has it and the roles of its type."),
        listed=(
            "level",
            "category",
            "kind",
            "priority",
            "next_priority",
            "next_role",
            "recipient",
            "sends_mail",
        ),
        key=("category", "kind", "priority", "level"),
        fields=FITTING
        | {
            "level": _("Level"),
            "next_priority": _("Priority becomes"),
            "next_role": _("Goes to the role"),
            "sends_mail": _("Somebody is told by mail"),
            "recipient": _("Told beside"),
            "recipient_role": _("The role, where one is told beside"),
        },
    ),
    "statuses": Part(
        model=tables.Escalating,
        title=_("Statuses"),
        meaning=_("Whether tasks and cases of a status are escalated and reminded of."),
        listed=("form", "status", "is_excluded"),
        key=("form", "status"),
        is_fixed=True,
        fields={"form": _("What"), "status": _("Status"), "is_excluded": _("Left out of escalation")},
    ),
    "categories": Part(
        model=tables.Category,
        title=_("Categories"),
        meaning=_("What tasks and cases are about, coarsely."),
        listed=("code", "name", "is_off"),
        fields=CODE_AND_NAME | OFF,
    ),
    "queues": Part(
        model=tables.Queue,
        title=_("Queues"),
        meaning=_("Where tasks and cases wait for somebody to take them."),
        listed=("code", "name", "department", "is_off"),
        fields=CODE_AND_NAME | DEPARTMENT | OFF,
    ),
    "roles": Part(
        model=tables.TeamRole,
        title=_("Roles of a client's team"),
        meaning=_("The parts people play for a client. Each client's team says who does."),
        listed=("code", "name", "department", "is_off"),
        fields=CODE_AND_NAME | DEPARTMENT | OFF,
    ),
    "departments": Part(
        model=tables.Department,
        title=_("Departments"),
        meaning=_("The manager gets what nobody else is found for, and is told of what is critical."),
        listed=("code", "name", "manager_id", "is_off"),
        fields=CODE_AND_NAME | {"manager_id": _("Manager")} | OFF,
    ),
    "colleagues": Part(
        model=tables.Colleague,
        title=_("Colleagues"),
        meaning=_("Where somebody works, who stands above, who stands in while somebody is away."),
        listed=("user_id", "department", "supervisor_id", "backup_id", "away_from", "away_through"),
        key=("user_id",),
        fields={
            "user_id": _("User"),
            **DEPARTMENT,
            "supervisor_id": _("Supervisor"),
            "backup_id": _("Stands in"),
            "away_from": _("Away from"),
            "away_through": _("Away through"),
        },
    ),
    "hours": Part(
        model=tables.WorkingHours,
        title=_("Business hours"),
        meaning=_(
            "Levels and days due are counted in business time. Federal holidays are kept; a state's, too."
        ),
        listed=("zone", "opens", "closes", "weekdays", "state"),
        key=(),
        is_fixed=True,
        fields={
            "zone": _("Time zone"),
            "opens": _("Opens"),
            "closes": _("Closes"),
            "weekdays": _("Weekdays (Monday is 1)"),
            "state": _("State whose holidays are kept, too"),
        },
    ),
    "days": Part(
        model=tables.SpecialDay,
        title=_("Special days"),
        meaning=_("Days on which the house is closed beside holidays, or works although it is one."),
        listed=("on", "name", "is_open"),
        key=("on",),
        fields={"on": _("Day"), "name": _("What it is"), "is_open": _("The house works")},
        is_removable=True,
    ),
    "quiet": Part(
        model=tables.QuietHours,
        title=_("Quiet hours"),
        meaning=_(
            "Hours in which the worker leaves a job, of everybody or of one client. What stays due is done "
            "when the job runs next. They are by the clock of the business hours, and end on the next day "
            "where the end does not come after the beginning."
        ),
        listed=("job", "client_id", "weekdays", "begins", "ends"),
        key=(),
        fields={
            "job": _("Job"),
            "client_id": _("Client"),
            "weekdays": _("Weekdays on which they begin (Monday is 1)"),
            "begins": _("From"),
            "ends": _("To"),
        },
        is_removable=True,
    ),
}
JOBS = {
    Job.NIGHT: _("the night: set-up due, runs, reminders, carrier files of the day"),
    Job.CHANNELS: _("scheduled channels"),
    Job.REPORTS: _("reports ordered by mail"),
    Job.CARRIERS: _("carrier files sent, answers taken in"),
    Job.CASEWORK: _("tasks and cases: escalated, told of, deleted"),
}
NUMBERS = ("level", "client_id")
USERS = ("assign_user_id", "backup_id", "manager_id", "user_id", "supervisor_id")
ROLES = ("assign_role", "notified_role", "level_1_role", "level_2_role", "next_role", "recipient_role")


def choices_of() -> dict[str, list[Any]]:
    """Answer what each field that names something else is chosen from."""
    none = say("none")
    people = chosen(people_for([]), none)
    roles = chosen(dict(tables.TeamRole.objects.order_by("name").values_list("code", "name")), none)
    queues = dict(tables.Queue.objects.order_by("name").values_list("code", "name"))
    departments = dict(tables.Department.objects.order_by("name").values_list("code", "name"))
    found: dict[str, list[Any]] = dict.fromkeys(USERS, people) | dict.fromkeys(ROLES, roles)
    return found | {
        "category": chosen(category_names(), say("every")),
        "priority": chosen(words.PRIORITIES, say("every")),
        "next_priority": chosen(words.PRIORITIES, say("stays")),
        "department": chosen(departments, none),
        "assign_queue": chosen(queues, none),
        "assigns": chosen(DEFAULTS),
        "security": chosen(SECURITY),
        "recipient": chosen(RECIPIENTS, none),
        "level": [(1, "1"), (2, "2")],
        "form": chosen(FORMS_OF),
        "status": chosen(words.STATUSES),
        "job": chosen(JOBS),
        "client_id": [(PEO, say("every client")), *Client.objects.order_by("code").values_list("pk", "name")],
    }
