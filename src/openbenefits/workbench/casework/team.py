"""The team of a client, and of the PEO where a client has nobody of its own."""

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.casework.orders import TicketRefused
from openbenefits.casework.people import people_for
from openbenefits.casework.set_up import set_member, team_of
from openbenefits.store.isolation import PEO
from openbenefits.workbench.pages import Section, act, client_of, page, show
from openbenefits.workforce.models import Client


@page("<client:client>/team/", name="team", title=_("Team of the client"), section=Section.SETUP)
def of_client(request: Any, client: str) -> HttpResponse:
    """Show who plays which role for a client; say who does."""
    return _team(request, client_of(request, client))


@page(
    "team/",
    name="peo_team",
    title=_("Team of the PEO"),
    section=Section.SETUP,
    permission=Permission.SETUP,
    of_peo=True,
)
def of_peo(request: Any) -> HttpResponse:
    """Show who plays which role wherever a client has nobody of its own; say who does."""
    return _team(request, None)


def _team(request: Any, client: Client | None) -> HttpResponse:
    client_id = client.pk if client else PEO
    people = people_for([client_id])
    if request.method == "POST":
        request.access.require(Permission.SETUP, client_id)
        return act(
            request, lambda: _save(request, client_id, people), said=_("The team is kept."), to=request.path
        )
    rows = team_of(client_id)
    users = people | people_for([])
    return show(
        request,
        "workbench/casework/team.html",
        title=_("Team of the client") if client else _("Team of the PEO"),
        client=client,
        rows=[
            row | {"user": users.get(row["user_id"]), "peo_user": users.get(row["peo_user_id"])}
            for row in rows
        ],
        people=people.items(),
        may=request.access.may(Permission.SETUP, client_id),
    )


def _save(request: Any, client_id: int, people: dict[int, str]) -> None:
    for row in team_of(client_id):
        said = request.POST.get(f"role-{row['code']}")
        if said is None:
            continue
        if said and not (said.isdecimal() and (int(said) in people or int(said) == row["user_id"])):
            raise TicketRefused("expected a user of the list, found another; choose one")
        user_id = int(said) if said else None
        if set_member(request.access, client_id, row["code"], user_id):
            note(
                request.access,
                "did",
                f"team: {row['code']}",
                client_id=client_id,
                reason=f"user {user_id}",
                now=clock.now(),
            )
