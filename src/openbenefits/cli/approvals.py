"""`openbenefits approvals`: what one user prepared and another is to approve, where the client wants it."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.faults import Refused
from openbenefits.cli.options import ClientCode
from openbenefits.cli.screen import console, say, table_of

app = typer.Typer(
    no_args_is_help=True,
    help="List what waits for a second person, approve it, refuse it.",
    epilog='Example: openbenefits approvals approve 7 --client harbor --by jane --reason "counts are right"',
)

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="As `approvals list` numbers it.")]
User = Annotated[str, typer.Option("--by", metavar="USER", help="Who decides; never who prepared it.")]
Why = Annotated[str, typer.Option("--reason", help="Why; kept with the decision.")]
SHOWN = ("proposal", "kind", "key", "told", "prepared_by", "prepared_at", "expires_at", "state", "decided_by")


@app.command("list")
def show(
    client: ClientCode,
    every: Annotated[bool, typer.Option("--all", help="Those decided or expired, too.")] = False,
) -> None:
    """List what waits for a second person at a client."""
    open_database()
    from openbenefits.accounts.approvals import pending_of, proposals_of

    found = find_client(client)
    rows = proposals_of(found.pk, now()) if every else pending_of(found.pk, now())
    if rows.is_empty():
        say(f"Nothing waits for a second person at {client}.")
        return
    console.print(table_of(rows.select(SHOWN), title="Approvals"))


@app.command()
def approve(number: Number, client: ClientCode, by: User, reason: Why) -> None:
    """Approve what another user prepared: it can then be done, exactly so, until it expires."""
    open_database()
    from openbenefits.accounts.approvals import approve as decide

    _decided(decide, number, client, by, reason)
    say(f"Proposal {number} is approved: it can now be done as it was prepared.", style="green")


@app.command()
def refuse(number: Number, client: ClientCode, by: User, reason: Why) -> None:
    """Refuse what another user prepared."""
    open_database()
    from openbenefits.accounts.approvals import refuse as decide

    _decided(decide, number, client, by, reason)
    say(f"Proposal {number} is refused.", style="green")


def _decided(decide: Callable[..., Any], number: int, client: str, by: str, reason: str) -> None:
    """Decide with the rights of the user named, as the web would."""
    from django.db import connection

    from openbenefits.accounts.approvals import ApprovalRefused
    from openbenefits.accounts.models import Proposal, User
    from openbenefits.accounts.services import NotAllowed, access_of

    found = find_client(client)
    proposal = Proposal.objects.filter(client_id=found.pk, pk=number).first()
    user = User.objects.filter(username=by, api_key=None).first()
    if proposal is None:
        raise Refused(f"expected the number of a proposal of {client}, found {number}; list them")
    if user is None:
        raise Refused(f"expected the name of a user, found '{by}'; `openbenefits user list` shows them all")
    try:
        decide(access_of(connection, user), proposal, reason=reason, now=now())
    except (ApprovalRefused, NotAllowed) as refused:
        raise Refused(str(refused)) from refused
