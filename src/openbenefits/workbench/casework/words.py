"""What codes of casework are called on the pages."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = Mapping[str, str | Promise]

FORMS: Words = {"task": _("Task"), "case": _("Case")}
PRIORITIES: Words = {
    "critical": _("Critical"),
    "high": _("High"),
    "medium": _("Medium"),
    "low": _("Low"),
}
STATUSES: Words = {
    "new": _("New"),
    "in progress": _("In progress"),
    "on hold": _("On hold"),
    "complete": _("Complete"),
    "cancelled": _("Cancelled"),
    "waiting": _("Waiting"),
    "resolved": _("Resolved"),
    "closed": _("Closed"),
}
DUE: Words = {
    "overdue": _("Overdue"),
    "today": _("Due today"),
    "week": _("Due within a week"),
    "none": _("Without a day"),
}
FIELDS: Words = {
    "opened": _("Opened"),
    "status": _("Status"),
    "priority": _("Priority"),
    "assignee_id": _("Assigned to"),
    "role": _("For the role"),
    "queue": _("Queue"),
    "owner_id": _("Owner"),
    "start_on": _("Start"),
    "due_on": _("Due"),
    "category": _("Category"),
    "kind": _("Type"),
    "subject": _("Subject"),
    "body": _("What is to be done"),
    "notify": _("Told beside"),
    "is_health": _("Health data"),
    "escalated": _("Level of escalation"),
}
USERS = ("assignee_id", "owner_id", "notify")
"""Fields whose values are users."""
