"""`openbenefits carriers`: partners, feeds previewed and built, files released and sent, answers, custody."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli import carrier_files, carrier_lists, carrier_partners
from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.faults import EXIT_REFUSED, Refused
from openbenefits.cli.options import By, On, Person, parse_day
from openbenefits.cli.screen import console, progress, say, table_of

if TYPE_CHECKING:
    from openbenefits.carriers.building.services import Preview

app = typer.Typer(
    no_args_is_help=True,
    help="Carrier enrolment: what partners are told, what they answer, who is confirmed.",
    rich_markup_mode="rich",
    epilog="""Examples:  openbenefits carriers partner load dental.yaml --code dental   ·
openbenefits carriers preview dental --client harbor   ·
openbenefits carriers build dental --client harbor   ·
openbenefits carriers release 1   ·   openbenefits carriers send 1   ·
openbenefits carriers ack answer.999 --partner dental --client harbor""",
)
app.add_typer(carrier_partners.app, name="partner")
for _command in carrier_files.COMMANDS:
    app.command()(_command)
app.command()(carrier_lists.audit)
app.command("open")(carrier_lists.open_)
app.command("open-back")(carrier_lists.open_back)

Code = Annotated[str, typer.Argument(metavar="PARTNER", help="The code of the partner.")]
Partner = Annotated[str, typer.Option("--partner", metavar="CODE", help="The code of the partner.")]
Client = Annotated[
    str | None, typer.Option("--client", "-c", metavar="CODE", help="The client; none: all in one file.")
]
Mode = Annotated[
    str | None, typer.Option("--mode", help="2 changes, 4 full audit, RX replacement; as agreed unless told.")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
SHOWN = ("client", "employee_number", "who", "line", "kind", "plan", "tier", "begins_on", "ends_on", "why")


@app.command("preview")
def preview_(code: Code, on: On, client: Client = None, mode: Mode = None, as_json: AsJson = False) -> None:
    """Show what a partner would be told: who is added, ended and changed, and why. Nothing is written.

    Ends with 1 where the file would be held or not be valid.
    """
    connection = open_database()
    from openbenefits.carriers.building.services import Feed, preview
    from openbenefits.carriers.custody.readings import lines_of_message, members_of_message

    feed = Feed(client_id=_client_id(client), code=code)
    with progress("Comparing what the partner knows with what holds"):
        found = preview(connection, feed, on=on, now=now(), mode=_mode(mode))
    rows = lines_of_message(found.message).select(*SHOWN)
    if as_json:
        told = {
            "purpose": found.message.purpose,
            "lines": _plain(rows),
            "holds": [one.words for one in found.holds],
            "findings": [_words(one) for one in found.findings],
            **members_of_message(found.message),
        }
        console.print_json(json.dumps(told))
    else:
        _print_preview(found, rows)
    if not found.message.is_empty and (found.holds or found.findings):
        raise typer.Exit(EXIT_REFUSED)


def _print_preview(found: "Preview", rows: pl.DataFrame) -> None:
    from openbenefits.carriers.custody.readings import members_of_message

    if found.message.is_empty:
        say("Nothing is to be said: the partner knows everything it should.", style="green")
        return
    counts = rows["kind"].value_counts(sort=True).rename({"count": "lines"})
    console.print(table_of(counts, title="What it would say"))
    console.print(table_of(rows, title="Of whom"))
    members = members_of_message(found.message)
    say(f"{members['members']:,} members, {members['people only']:,} of them only who they are.")
    if found.portal.lines.height:
        say(f"{found.portal.lines.height:,} lines go to the portal worklist.")
    for hold in found.holds:
        say(f"It would be held: {hold.words}", style="yellow")
    for one in found.findings:
        say(f"Not valid: {_words(one)}", style="red")


def _words(finding: Any) -> str:
    return str(getattr(finding, "words", finding))


@app.command("build")
def build_(
    on: On,
    code: Annotated[str | None, typer.Argument(metavar="[PARTNER]", help="None: all that are due.")] = None,
    client: Client = None,
    mode: Mode = None,
    processes: Annotated[int, typer.Option(min=1, help="Files of a night built at once.")] = 2,
    by: By = "administrator",
) -> None:
    """Build a partner's file, validated; without a partner, the files of all that are due that day.

    Ends with 1 where a file is held or not valid: look at it, release it or correct what was found.
    """
    connection = open_database()
    from openbenefits.carriers.building.services import Feed
    from openbenefits.carriers.due import build, build_due

    if code is None:
        with progress("Building what is due"):
            made = build_due(connection, on, now(), processes, author=by)
        carrier_files.print_outcomes(made)
        return
    with progress("Building"):
        file = build(
            connection,
            Feed(client_id=_client_id(client), code=code),
            on=on,
            author=by,
            now=now(),
            mode=_mode(mode),
        )
    if file is None:
        say("Nothing is to be said: no file was built.", style="green")
        return
    carrier_files.print_file(file.pk)
    if file.state in ("held", "invalid"):
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def premium(
    code: Code,
    month: Annotated[
        Any,
        typer.Option(
            "--month", parser=parse_day, metavar="YYYY-MM-DD", help="Any day of the month paid for."
        ),
    ],
    paid_on: Annotated[
        Any, typer.Option("--paid-on", parser=parse_day, metavar="YYYY-MM-DD", help="The day it is paid.")
    ],
    client: Client = None,
    trace: Annotated[str, typer.Option(help="The number of the payment; the file's own unless told.")] = "",
    by: By = "administrator",
) -> None:
    """Build the 820 of a month's premium as payroll took it; earlier months as adjustments."""
    connection = open_database()
    from openbenefits.carriers.building.services import Feed
    from openbenefits.carriers.payments.services import build_premium

    feed = Feed(client_id=_client_id(client), code=code)
    first = month.replace(day=1)
    file = build_premium(connection, feed, month=first, paid_on=paid_on, trace=trace, author=by, now=now())
    if file is None:
        say("Nothing new was taken for that month: no file was built.", style="green")
        return
    carrier_files.print_file(file.pk)
    if file.state in ("held", "invalid"):
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def retell(
    file: Annotated[int, typer.Argument(metavar="FILE", help="The file whose report refused somebody.")],
    member: Annotated[str | None, typer.Option("--member", help="The member, as it is listed.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody its report refused.")] = False,
    words: Annotated[str, typer.Option("--words", help="What was put right.")] = "",
    by: By = "administrator",
) -> None:
    """List what a report refused of a file; --member or --all has the next file say it again.

    Do it once what was wrong is right, and say by --words what that was.
    """
    connection = open_database()
    from openbenefits.carriers.custody.retelling import refused_lines, tell_again

    if member is not None or everybody:
        count = tell_again(connection, file, member, author=by, words=words, now=now())
        say(f"{count} lines are told again by the next file.", style="green")
        return
    rows = refused_lines(file)
    if rows.is_empty():
        say("No report refused anybody of this file.", style="green")
        return
    names = ("member", "client", "employee_number", "who", "plan_type", "kind", "code", "words", "stands")
    console.print(table_of(rows.select(names), title="What its report refused"))


@app.command()
def ack(
    files: Annotated[
        list[Path] | None,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="TA1, 999, or reports."),
    ] = None,
    partner: Annotated[str | None, typer.Option("--partner", metavar="CODE", help="Who sent them.")] = None,
    client: Client = None,
    layout: Annotated[str | None, typer.Option(help="The layout of a report, by its name.")] = None,
    by: By = "administrator",
) -> None:
    """Take answers in: TA1, 999 and reports; without files, collect them where partners put them."""
    connection = open_database()
    from openbenefits.carriers.answers import services as answering

    if not files:
        with progress("Collecting answers"):
            came = answering.collect_all(connection, now=now(), author=by)
        carrier_files.print_collected(came)
        return
    if partner is None:
        raise typer.BadParameter("name the partner that sent the files by --partner")
    for file in files:
        taken = answering.take(
            connection,
            _client_id(client),
            partner,
            file.read_bytes(),
            file.name,
            author=by,
            now=now(),
            layout=layout,
        )
        carrier_files.print_answer(taken)


@app.command()
def chain(
    client: Annotated[str, typer.Option("--client", "-c", metavar="CODE", help="The client.")],
    person: Person,
    as_json: AsJson = False,
) -> None:
    """Show where somebody's cover stands with each partner: intended, sent, answered, confirmed."""
    open_database()
    from openbenefits.carriers.custody import services as custody
    from openbenefits.workforce.models import Person as Employee

    found = find_client(client)
    somebody = Employee.objects.filter(client_id=found.pk, employee_number=person).first()
    if somebody is None:
        raise Refused(f"expected an employee of {client}, found nobody of the number {person}; correct it")
    rows = custody.chain(found.pk, somebody.pk, now=now())
    if as_json:
        console.print_json(json.dumps(_plain(rows)))
        return
    if rows.is_empty():
        say("No partner is to be told of this employee.")
        return
    console.print(table_of(rows.select(_told(rows)), title=f"Where the cover of {person} stands"))


def _told(rows: pl.DataFrame) -> list[str]:
    first = (
        "partner",
        "who",
        "line",
        "plan",
        "begins_on",
        "ends_on",
        "state",
        "words",
        "due_at",
        "is_overdue",
    )
    return [name for name in first if name in rows.columns]


def _plain(rows: pl.DataFrame) -> list[dict[str, Any]]:
    shown = rows.select(pl.exclude(pl.Binary)).with_columns(pl.col(pl.Date, pl.Datetime).cast(pl.String))
    return shown.to_dicts()


def _client_id(code: str | None) -> int:
    return int(find_client(code).pk) if code else 0


def _mode(mode: str | None) -> Any:
    if mode not in (None, "2", "4", "RX"):
        raise typer.BadParameter(f"expected 2, 4 or RX, found {mode}")
    return mode
