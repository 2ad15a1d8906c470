"""`openbenefits user`: who signs in, and as what. Nobody is there until added, and nobody has a password."""

import re
from typing import Annotated, Any

import typer

from openbenefits.cli.clock import end_of, now
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.faults import Refused
from openbenefits.cli.options import By, ClientCode, parse_day
from openbenefits.cli.screen import console, say

NUMBER = re.compile(r"\+[1-9]\d{5,14}")

app = typer.Typer(
    no_args_is_help=True,
    help="Add users, give and end their roles, sign them in by a link.",
    epilog="Example: openbenefits user add jane --email jane@example.com",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.", show_default=False)]
Email = Annotated[str, typer.Option("--email", help="Where a sign-in code goes.")]
Mobile = Annotated[str, typer.Option("--mobile", help="A number a sign-in code may go to, too.")]
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
def add(name: Name, email: Email = "", mobile: Mobile = "") -> None:
    """Add a user who may nothing yet and has no password: a sign-in link or code lets him in."""
    open_database()
    from openbenefits.accounts.models import User

    if User.objects.filter(username=name).exists():
        raise Refused(f"expected a new name, found the user '{name}'; choose another")
    User.objects.create_user(name, email or None, mobile=_free_number(mobile))
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


Scopes = Annotated[
    list[str], typer.Option("--scope", metavar="WORD", help="What it may; may be repeated, or `all`.")
]
Ends = Annotated[
    Any,
    typer.Option("--until", parser=parse_day, metavar="YYYY-MM-DD", help="Its last day.", show_default=False),
]
PerMinute = Annotated[int, typer.Option("--per-minute", min=1, help="The most requests of a minute.")]


@app.command()
def key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.", show_default=False)],
    scope: Scopes,
    client: OfClient = None,
    until: Ends = None,
    per_minute: PerMinute = 600,
    by: By = "administrator",
) -> None:
    """Make a key for a program, of a client or of all of them; its secret is shown once."""
    open_database()
    from openbenefits.accounts.keys import make_key

    expires_at = None if until is None else end_of(until)
    _, secret = make_key(
        _client_id(client),
        name,
        _scopes(scope),
        made_by=by,
        now=now(),
        expires_at=expires_at,
        per_minute=per_minute,
    )
    say(f"The key '{name}' of {client or 'every client'} may {', '.join(scope)}. It is shown only now:")
    say(secret, style="green")


@app.command(name="end-key")
def end_key_(name: Name, client: OfClient = None, by: By = "administrator") -> None:
    """End a key: nothing is answered to it any more."""
    open_database()
    from openbenefits.accounts.keys import end_key

    if not end_key(_client_id(client), name, ended_by=by, now=now()):
        raise Refused(f"expected a key '{name}' of {client or 'every client'}, found none that stands")
    say(f"The key '{name}' of {client or 'every client'} has ended.", style="green")


@app.command()
def keys() -> None:
    """List the keys of programs, with what they may and when they were last used."""
    open_database()
    from rich.table import Table

    from openbenefits.accounts.models import ApiKey
    from openbenefits.workforce.models import Client

    codes = dict(Client.objects.values_list("pk", "code"))
    table = Table("Key", "Of", "May", "Ends", "Last used")
    for one in ApiKey.objects.filter(ended_at__isnull=True).order_by("client_id", "name"):
        moments = [f"{at:%Y-%m-%d %H:%M}" if at else "" for at in (one.expires_at, one.last_used_at)]
        table.add_row(one.name, codes.get(one.client_id, "every client"), ", ".join(one.scopes), *moments)
    console.print(table)


def _scopes(words: list[str]) -> list[Any]:
    from openbenefits.accounts.roles import Permission

    known = [str(one) for one in Permission]
    if unknown := [word for word in words if word not in (*known, "all")]:
        message = f"expected `all`, or some of {', '.join(known)}; found {', '.join(unknown)}"
        raise typer.BadParameter(message, param_hint="--scope")
    return list(Permission) if "all" in words else [Permission(word) for word in words]


@app.command("list")
def show() -> None:
    """List users with their roles."""
    open_database()
    from rich.table import Table

    from openbenefits.accounts.models import User
    from openbenefits.workforce.models import Client

    codes = dict(Client.objects.values_list("pk", "code"))
    table = Table("User", "Is", "Of", "On")
    for user in (
        User.objects.filter(api_key=None)
        .prefetch_related("roles")
        .select_related("employee")
        .order_by("username")
    ):
        roles = [(one.code, codes.get(one.client_id, "every client")) for one in _standing(user)]
        if hasattr(user, "employee"):
            roles.append(("employee", codes.get(user.employee.client_id, "?")))
        for word, of in roles or [("nothing yet", "")]:
            table.add_row(user.username, word, of, "yes" if user.is_active else "switched off")
    console.print(table)


def _free_number(mobile: str) -> str | None:
    """Read a mobile number that is nobody's yet; None for none."""
    from openbenefits.accounts.models import User
    from openbenefits.accounts.texting import number_of

    number = number_of(mobile) if mobile else None
    if number is not None and not NUMBER.fullmatch(number):
        raise typer.BadParameter("expected a number like +15550102030", param_hint="--mobile")
    if number is not None and User.objects.filter(mobile=number).exists():
        raise Refused("expected a number of nobody yet, found that of a user; leave it out")
    return number


def _standing(user: Any) -> list[Any]:
    return [one for one in user.roles.all() if one.ended_at is None]


def _user(name: str) -> Any:
    from openbenefits.accounts.models import User

    found = User.objects.filter(username=name, api_key=None).first()
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
