"""The columns of a list of tickets, and the link that leads to each."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from openbenefits.workbench import links
from openbenefits.workbench.casework import words
from openbenefits.workbench.pages import address
from openbenefits.workbench.sheets import Column


def to_ticket(row: Any) -> str:
    """Answer the address of a ticket's page."""
    return address("ticket", number=row["number"])


def columns(*, with_client: bool) -> tuple[Column, ...]:
    """Answer the columns of a list of tickets, with their client where it is one of several."""
    client = Column("client", _("Client"), href=lambda row: address("tickets", client=row["client"]))
    return (
        Column("number", _("No."), href=to_ticket),
        Column("subject", _("Subject"), href=to_ticket),
        Column("form", _("What"), words=words.FORMS),
        *([client] if with_client else []),
        Column("type", _("Type")),
        Column("priority", _("Priority"), kind="status", words=words.PRIORITIES),
        Column("status", _("Status"), words=words.STATUSES),
        Column("due_on", _("Due"), kind="day"),
        Column("assignee", _("Assigned to")),
        Column("queue", _("Queue")),
        Column(
            "employee_number",
            _("Employee"),
            href=lambda row: links.person(row["client"], row["employee_number"]),
        ),
        Column("escalated", _("Level"), kind="number"),
        Column("changed_at", _("Changed"), kind="moment"),
    )
