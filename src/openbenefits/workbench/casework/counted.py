"""Tickets on the pages of other areas: counted where one begins, listed with the person they are about."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.casework.listing import Wanted, counts, tickets
from openbenefits.casework.seeing import may_work
from openbenefits.workbench import links
from openbenefits.workbench.casework import words
from openbenefits.workbench.pages import address
from openbenefits.workforce.models import Client, Person

MOST_OF_PERSON = 10
CARDS: dict[str, tuple[Any, Any, dict[str, str]]] = {
    "mine": (_("My tasks and cases"), _("assigned to me, open"), {"whose": "mine"}),
    "today": (_("Due today"), _("tasks and cases"), {"due": "today"}),
    "overdue": (_("Overdue"), _("tasks and cases past their day"), {"due": "overdue"}),
    "unassigned": (_("Of nobody"), _("tasks and cases in a queue"), {"whose": "nobody"}),
}
"""What is counted: what it is called, what it means, and how its list is asked for."""


def cards_of(request: Any, client: Client | None) -> list[dict[str, Any]]:
    """Count the open tickets that need somebody, each count with its list."""
    told = counts(request.access, clock.today(), client.pk if client else None)
    here = address("tickets", client=client.code) if client else address("all_tickets")
    return [
        {
            "title": title,
            "meaning": meaning,
            "count": getattr(told, name),
            "href": links.with_query(here, **asked),
        }
        for name, (title, meaning, asked) in CARDS.items()
    ]


def tickets_of(request: Any, person: Person, client: str) -> dict[str, Any]:
    """List the most urgent open tickets about somebody, as one may see them."""
    wanted = Wanted(client_id=person.client_id, person_id=person.pk)
    rows, total = tickets(request.access, wanted, clock.today(), most=MOST_OF_PERSON)
    shown = [
        row
        | {
            "href": address("ticket", number=row["number"]),
            "status_name": words.STATUSES[row["status"]],
            "priority_name": words.PRIORITIES[row["priority"]],
        }
        for row in rows.to_dicts()
    ]
    asked = {"person": person.employee_number, "about": f"person:{person.employee_number}"}
    may = may_work(request.access, person.client_id)
    return {
        "tickets": shown,
        "more_tickets": total - len(shown),
        "new_ticket": links.with_query(address("new_ticket", client=client), **asked) if may else None,
    }
