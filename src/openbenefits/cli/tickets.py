"""`openbenefits tasks`, `cases` and `work`: what people have to do, and what time does to it."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openbenefits.cli.clock import now, today
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.faults import Refused
from openbenefits.cli.options import By, ClientCode, parse_day
from openbenefits.cli.screen import cell_text, console, say, table_of

if TYPE_CHECKING:
    from openbenefits.accounts.services import Access
    from openbenefits.casework.rules.assigning import Assignee

OneClient = Annotated[
    str | None,
    typer.Option(
        "--client", "-c", metavar="CODE", help="Of this client; of all unless told.", show_default=False
    ),
]
Number = Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="Its number.")]
Why = Annotated[str, typer.Option("--reason", help="Kept in its history.")]
User = Annotated[str | None, typer.Option("--user", metavar="NAME", help="A user.")]
Role = Annotated[str | None, typer.Option("--role", help="A role of the client's team.")]
Queue = Annotated[str | None, typer.Option("--queue", help="A queue.")]
LISTED = (
    "number",
    "client",
    "subject",
    "type",
    "priority",
    "status",
    "due_on",
    "assignee",
    "queue",
    "escalated",
)
EXAMPLE = "Example: openbenefits {many} list --client harbor --due overdue"


def owner() -> "Access":
    """Answer what the command line may: everything."""
    from openbenefits.accounts.roles import Permission
    from openbenefits.accounts.services import EVERY_CLIENT, Access

    return Access(user_id=0, permissions={EVERY_CLIENT: frozenset(Permission)})


def assignee(user: str | None, role: str | None, queue: str | None) -> "Assignee":
    """Read who is to get something.

    Errors: Refused for a user there is not.
    """
    from openbenefits.accounts.models import User as Users
    from openbenefits.casework.rules.assigning import Assignee

    if user is None:
        return Assignee(role=role, queue=queue)
    found = Users.objects.filter(username=user).first()
    if found is None:
        raise Refused(f"expected a user, found none called {user}; see `openbenefits user list`")
    return Assignee(user_id=found.pk, role=role, queue=queue)


def _found(number: int, one: str) -> Any:
    from openbenefits.casework.codes import Form
    from openbenefits.casework.seeing import ticket_of

    return ticket_of(owner(), number, form=Form(one))


def _commands(many: str, one: str) -> typer.Typer:
    """Make the commands of a form; both have the same."""
    app = typer.Typer(
        no_args_is_help=True,
        help=f"{many.capitalize()}: listed, opened, given to somebody, commented upon, done.",
        epilog=EXAMPLE.format(many=many),
    )
    _add_reading(app, many, one)
    _add_opening(app, one)
    _add_changing(app, one)
    return app


def _add_reading(app: typer.Typer, many: str, one: str) -> None:
    @app.command("list", help=f"List open {many}, the most urgent first.")
    def list_them(
        client: OneClient = None,
        due: Annotated[str | None, typer.Option(help="overdue, today, week or none.")] = None,
        queue: Queue = None,
        text: Annotated[str, typer.Option(help="Part of the subject.")] = "",
        done: Annotated[bool, typer.Option("--done", help="Those that are done.")] = False,
    ) -> None:
        open_database()
        from openbenefits.casework.codes import Form
        from openbenefits.casework.listing import Wanted, tickets

        client_id = find_client(client).pk if client else None
        wanted = Wanted(client_id=client_id, form=Form(one), due=due, queue=queue, text=text, is_done=done)
        rows, total = tickets(owner(), wanted, today())
        console.print(table_of(rows.select(LISTED), title=f"{total:,} {many}"))

    @app.command(help=f"Show a {one} with what was said and done.")
    def show(number: Number) -> None:
        open_database()
        from openbenefits.casework.listing import as_frame, story

        ticket = _found(number, one)
        row = as_frame([ticket], today()).row(0, named=True)
        for name in (
            "subject",
            "client",
            "type",
            "priority",
            "status",
            "assignee",
            "queue",
            "owner",
            "due_on",
        ):
            say(f"{name.replace('_', ' ')}: {cell_text(row[name])}")
        if ticket.body:
            say(ticket.body)
        told = story(ticket)
        for change in told.changes:
            why = f" ({change.reason})" if change.reason else ""
            what = f"{change.field} {change.before} → {change.after}{why}"
            say(f"{change.at:%Y-%m-%d %H:%M} {change.author}: {what}")
        for comment in told.comments:
            say(f"{comment.at:%Y-%m-%d %H:%M} {comment.author} said: {comment.body}")


def _add_opening(app: typer.Typer, one: str) -> None:
    @app.command("open", help=f"Open a {one}.")
    def open_one(
        subject: Annotated[str, typer.Argument(help="In a few words.")],
        client: ClientCode,
        type_: Annotated[
            str, typer.Option("--type", help="CATEGORY/TYPE, as the set-up has it.")
        ] = "general/",
        body: Annotated[str, typer.Option(help="What is to be done.")] = "",
        priority: Annotated[str | None, typer.Option(help="critical, high, medium or low.")] = None,
        due: Annotated[
            date | None, typer.Option("--due", parser=parse_day, metavar="YYYY-MM-DD", show_default=False)
        ] = None,
        person: Annotated[str | None, typer.Option(help="The employee's number.")] = None,
        user: User = None,
        role: Role = None,
        queue: Queue = None,
        by: By = "administrator",
    ) -> None:
        open_database()
        from openbenefits.casework.services import CaseOrder, TaskOrder, open_case, open_task

        mine = find_client(client)
        category, _slash, kind = type_.partition("/")
        order: dict[str, Any] = {
            "client_id": mine.pk,
            "subject": subject,
            "body": body,
            "category": category,
            "kind": kind,
            "priority": priority,
            "due_on": due,
            "person_id": find_people(mine, [person])[0] if person else None,
            "assigned": assignee(user, role, queue),
        }
        if one == "task":
            made: Any = open_task(by, TaskOrder(**order), now=now())
        else:
            made = open_case(by, CaseOrder(**order), now=now())
        say(f"{one.capitalize()} {made.pk} is open.", style="green")


def _add_changing(app: typer.Typer, one: str) -> None:
    @app.command(help=f"Give a {one} to a user, a role of the client's team, or a queue.")
    def assign(
        number: Number, user: User = None, role: Role = None, queue: Queue = None, by: By = "administrator"
    ) -> None:
        open_database()
        from openbenefits.casework.services import ChangeOrder, change

        order = ChangeOrder(assigned=assignee(user, role, queue))
        made = change(by, _found(number, one).pk, order, now=now())
        say(f"{one.capitalize()} {made.pk} is assigned.", style="green")

    @app.command(help=f"Say that a {one} is done.")
    def complete(number: Number, reason: Why = "", by: By = "administrator") -> None:
        open_database()
        from openbenefits.casework.services import complete_task

        made = complete_task(by, _found(number, one).pk, reason=reason, now=now())
        say(f"{one.capitalize()} {made.pk} is {made.status}.", style="green")

    @app.command(help=f"Say that nothing is to be done about a {one}.")
    def cancel(number: Number, reason: Why = "", by: By = "administrator") -> None:
        open_database()
        from openbenefits.casework.services import cancel_task

        made = cancel_task(by, _found(number, one).pk, reason=reason, now=now())
        say(f"{one.capitalize()} {made.pk} is {made.status}.", style="green")

    @app.command(help=f"Say something about a {one}.")
    def comment(
        number: Number, words: Annotated[str, typer.Argument(help="What you say.")], by: By = "administrator"
    ) -> None:
        open_database()
        from openbenefits.casework.talking import comment as say_it

        say_it(by, _found(number, one).pk, words, now=now())
        say("It is kept.", style="green")


tasks = _commands("tasks", "task")
cases = _commands("cases", "case")
work = typer.Typer(
    no_args_is_help=True,
    help="Tasks and cases together: what time does to them, and what waits.",
    epilog="Example: openbenefits work escalate",
)


@work.command()
def escalate() -> None:
    """Carry out the levels of escalation that are reached, remind of what is due, and send the mails.

    To do it again does nothing again; the worker does it every ten minutes.
    """
    connection = open_database()
    from openbenefits.casework.escalating import escalate as carry_out
    from openbenefits.casework.notices import send_notices

    moment = now()
    done = carry_out(moment)
    sent = send_notices(connection, now=moment)
    say(
        f"{done.level_1:,} reached level 1, {done.level_2:,} level 2; {done.due_soon:,} due soon, "
        f"{done.overdue:,} overdue; {sent:,} mails sent.",
        style="green",
    )


@work.command()
def queues() -> None:
    """List the queues with what waits in each."""
    open_database()
    from openbenefits.casework.listing import queues as waiting

    console.print(table_of(waiting(owner(), today()), title="Queues"))
