"""`openbenefits user`: who signs in, and as what. Nobody is there until added, and nobody has a password."""

from typing import Annotated, Any

import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.faults import Refused
from openbenefits.cli.options import By, ClientCode
from openbenefits.cli.screen import console, say

app = typer.Typer(
    no_args_is_help=True,
    help="Add users, give and end their roles, sign them in by a link.",
    epilog="Example: openbenefits user add jane --email jane@example.com",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.", show_default=False)]
Email = Annotated[str, typer.Option("--email", help="Where a sign-in code goes.")]
RoleWord = Annotated[
    str,
    typer.Option("--role", help="administrator, specialist, payroll, finance, client, broker or auditor."),
]
OfClient = Annotated[
    str | None,
    typer.Option(
        "--client", "-c", metavar="CODE", help="The client; every one unless told.", show_default=False
    ),
]
Person = Annotated[str, typer.Option("--person", metavar="NUMBER", help="The employee's number.")]
Site = Annotated[str, typer.Option("--site", help="Where the web is.")]


@app.command()
def add(name: Name, email: Email = "") -> None:
    """Add a user who may nothing yet and has no password: a sign-in link or code lets him in."""
    open_database()
    from openbenefits.accounts.models import User

    if User.objects.filter(username=name).exists():
        raise Refused(f"expected a new name, found the user '{name}'; choose another")
    User.objects.create_user(name, email or None)
    say(f"{name} was added. Next: openbenefits user role {name} --role specialist", style="green")


@app.command()
def role(name: Name, role: RoleWord, client: OfClient = None, by: By = "administrator") -> None:
    """Give a user a role for a client, or for all of them."""
    open_database()
    from openbenefits.accounts.services import RoleRefused, give_role

    try:
        give_role(_user(name), _client_id(client), _role(role), given_by=by, now=now())
    except RoleRefused as refused:
        raise Refused(str(refused)) from refused
    say(f"{name} is {role} of {client or 'every client'}.", style="green")


@app.command()
def end(name: Name, role: RoleWord, client: OfClient = None, by: By = "administrator") -> None:
    """End a role."""
    open_database()
    from openbenefits.accounts.services import end_role

    if not end_role(_user(name), _client_id(client), _role(role), ended_by=by, now=now()):
        raise Refused(f"expected that {name} is {role} of {client or 'every client'}, found no such role")
    say(f"{name} is no longer {role} of {client or 'every client'}.", style="green")


@app.command()
def employee(name: Name, client: ClientCode, person: Person, by: By = "administrator") -> None:
    """Say which employee a user is: he sees himself alone."""
    open_database()
    from openbenefits.accounts.services import RoleRefused, link_employee

    found = find_client(client)
    person_id = find_people(found, [person])[0]
    try:
        link_employee(_user(name), found.pk, person_id, given_by=by, now=now())
    except RoleRefused as refused:
        raise Refused(str(refused)) from refused
    say(f"{name} is employee {person} of {client}.", style="green")


@app.command()
def link(name: Name, site: Site = "http://127.0.0.1:8000") -> None:
    """Make a link that signs a user in once, within a quarter of an hour."""
    open_database()
    from openbenefits.accounts.signing_in import link_token

    say(f"{site}/sign-in/{link_token(_user(name))}")


@app.command("list")
def show() -> None:
    """List users with their roles."""
    open_database()
    from rich.table import Table

    from openbenefits.accounts.models import User
    from openbenefits.workforce.models import Client

    codes = dict(Client.objects.values_list("pk", "code"))
    table = Table("User", "Is", "Of", "On")
    for user in User.objects.prefetch_related("roles").select_related("employee").order_by("username"):
        roles = [(one.code, codes.get(one.client_id, "every client")) for one in _standing(user)]
        if hasattr(user, "employee"):
            roles.append(("employee", codes.get(user.employee.client_id, "?")))
        for word, of in roles or [("nothing yet", "")]:
            table.add_row(user.username, word, of, "yes" if user.is_active else "switched off")
    console.print(table)


def _standing(user: Any) -> list[Any]:
    return [one for one in user.roles.all() if one.ended_at is None]


def _user(name: str) -> Any:
    from openbenefits.accounts.models import User

    found = User.objects.filter(username=name).first()
    if found is None:
        raise Refused(f"expected the name of a user, found '{name}'; `openbenefits user list` shows them all")
    return found


def _role(word: str) -> Any:
    from openbenefits.accounts.roles import RoleCode

    words = [str(code) for code in RoleCode if code is not RoleCode.EMPLOYEE]
    if word not in words:
        raise typer.BadParameter(f"expected one of {', '.join(words)}, found {word}", param_hint="--role")
    return RoleCode(word)


def _client_id(code: str | None) -> int:
    from openbenefits.accounts.services import EVERY_CLIENT

    return EVERY_CLIENT if code is None else find_client(code).pk
