"""`openbenefits platform`: the payroll platform: linked, looked at, written, taken in, audited."""

import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli.clock import now, today
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.faults import EXIT_REFUSED, Refused
from openbenefits.cli.options import By, ClientCode, parse_day
from openbenefits.cli.screen import console, progress, say, table_of

if TYPE_CHECKING:
    from openbenefits.platform.exchange import Work

EPILOG = """Examples:  openbenefits platform look --client harbor   ·
openbenefits platform audit --client harbor   ·
openbenefits platform export set-up --client harbor --reason "go live" --apply"""

app = typer.Typer(
    no_args_is_help=True, help="The payroll platform: linked, looked at, written, audited.", epilog=EPILOG
)
_DAY: dict[str, Any] = {"parser": parse_day, "metavar": "YYYY-MM-DD", "show_default": False}
Begin = Annotated[date | None, typer.Option("--from", help="Checks from this day; 45 days back.", **_DAY)]
Through = Annotated[date | None, typer.Option("--through", help="Checks through this day; today.", **_DAY)]
Code = Annotated[str, typer.Argument(help="The code of the connection.")]
Url = Annotated[str, typer.Option("--url", help="The base of its addresses (https).")]
Peo = Annotated[str, typer.Option("--peo", help="The PEO number.")]
User = Annotated[str, typer.Option("--user", help="The web service user.")]
Password = Annotated[
    str, typer.Option("--password", prompt=True, hide_input=True, help="Asked for where it is not given.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with each change.")]


def _work(client_id: int, by: str, say_how_far: Any) -> "Work":
    from openbenefits.platform.exchange import Work

    return Work(
        connection=open_database(),
        client_id=client_id,
        author=by,
        today=today(),
        clock=lambda: datetime.now(UTC),
        say=say_how_far,
    )


@app.command()
def connect(code: Code, url: Url, peo: Peo, user: User, password: Password, by: By = "administrator") -> None:
    """Keep a connection, sealed; the same code again replaces it."""
    open_database()
    from openbenefits.platform.connecting import ConnectionOrder
    from openbenefits.platform.connecting import connect as keep

    order = ConnectionOrder(
        client_id=0, code=code, base_url=url, peo_id=peo, username=user, password=password
    )
    keep(order, author=by, now=now())
    say(f"connection {code} is kept", style="green")


@app.command()
def link(
    client: ClientCode,
    connection: Annotated[str, typer.Option("--connection", help="The code of the connection.")],
    number: Annotated[str, typer.Option("--number", help="The client's number there.")],
    by: By = "administrator",
) -> None:
    """Say which client there a client is."""
    open_database()
    from openbenefits.platform.connecting import link as join
    from openbenefits.platform.models import Connection

    found = Connection.objects.filter(code=connection, ended_at__isnull=True).first()
    if found is None:
        raise Refused(f"expected the code of a connection, found '{connection}'; state it with `connect`")
    join(find_client(client).pk, found, number, author=by, now=now())
    say(f"{client} is {number} there", style="green")


@app.command("call-it")
def call_it(
    kind: Annotated[str, typer.Argument(help="plan, tier, group, pay_group or deduction.")],
    ours: Annotated[str, typer.Argument(help="Our code.")],
    theirs: Annotated[str, typer.Argument(help="The code there.")],
    client: ClientCode,
    by: By = "administrator",
) -> None:
    """Say what a code of ours is called there, where it is not the same."""
    open_database()
    from openbenefits.platform.naming import call

    call(find_client(client).pk, kind, ours, theirs, author=by, now=now())
    say(f"{kind} {ours} is {theirs} there", style="green")


@app.command()
def look(client: ClientCode, begin: Begin = None, through: Through = None, by: By = "administrator") -> None:
    """Look at everything of a client there; audits are of the latest look."""
    open_database()
    from openbenefits.platform.exchange import look_at

    with progress("looking") as told:
        found = look_at(_work(find_client(client).pk, by, told), begin, through)
    say(f"{found.rows} rows seen", style="green")


@app.command()
def sync(
    client: ClientCode,
    is_whole: Annotated[bool, typer.Option("--whole", help="Read everybody, whatever changed.")] = False,
    by: By = "administrator",
) -> None:
    """Take in what changed there: events from our mark, employees read anew, facts made."""
    open_database()
    from openbenefits.platform.exchange import sync as take

    with progress("taking in") as told:
        _say_counts(take(_work(find_client(client).pk, by, told), is_whole=is_whole))


@app.command()
def listen(client: ClientCode, by: By = "administrator") -> None:
    """Have the platform tell of changes at our own address (OPENBENEFITS_URL), which it must reach."""
    open_database()
    from openbenefits.platform.exchange import listen as subscribe

    with progress("subscribing") as told:
        address = subscribe(_work(find_client(client).pk, by, told))
    say(f"the platform tells of changes at {address}", style="green")


@app.command()
def pays(client: ClientCode, begin: Begin = None, through: Through = None, by: By = "administrator") -> None:
    """Take what posted pays took into the payroll ledger."""
    open_database()
    from openbenefits.platform.exchange import PAYS_BACK, take_vouchers

    first, last = begin or today() - PAYS_BACK, through or today()
    found = take_vouchers(_work(find_client(client).pk, by, None), first, last)
    if found.result is not None:
        say(f"{found.result.taken} amounts taken, {found.result.bad_row_count} bad", style="green")
    for words in found.unplaced:
        say(words, style="yellow")


@app.command()
def export(
    client: ClientCode,
    part: Annotated[str, typer.Argument(help="set-up, people, corrections or rates.")],
    reason: Reason,
    is_applied: Annotated[bool, typer.Option("--apply", help="Plan it; without this it is listed.")] = False,
    by: By = "administrator",
) -> None:
    """List what would be sent of a client by the latest look, with what must be right first; or plan it."""
    connection = open_database()
    from openbenefits.platform import exporting
    from openbenefits.platform.audits.services import sides_of

    if part not in exporting.PARTS:
        raise Refused(f"expected one of {', '.join(exporting.PARTS)}, found '{part}'; correct it")
    sides = sides_of(connection, find_client(client).pk, today())
    found = exporting.wishes(sides, part)
    rows = [(one.element, one.key, "; ".join(one.problems)) for one in found]
    frame = pl.DataFrame(rows, schema=["element", "record", "first"], orient="row")
    console.print(table_of(frame, title=f"{part} of {client}"))
    if is_applied:
        made = exporting.export(sides, part, author=by, reason=reason, now=now())
        say(f"{len(made)} changes planned; `openbenefits platform send` sends them", style="green")


@app.command()
def stands(
    client: ClientCode,
    status: Annotated[str, typer.Argument(help="A active, I inactive, C before termination, T terminated.")],
    on: Annotated[date, typer.Option("--on", help="From which day on.", **_DAY)],
    reason: Reason,
    by: By = "administrator",
) -> None:
    """Plan where a client stands there from a day on; held while anybody is covered beyond it."""
    connection = open_database()
    from openbenefits.platform.audits.services import sides_of
    from openbenefits.platform.outbound import plan
    from openbenefits.platform.shared_wishes import status_wish

    sides = sides_of(connection, find_client(client).pk, today())
    order = status_wish(sides, status, on).order(sides.here.client_id, cause="status", reason=reason)
    made = plan(order, author=by, now=now())
    say(f"change {made.pk} is {made.state}{': ' + order.held if order.held else ''}", style="green")


@app.command()
def offers(
    client: ClientCode,
    batch: Annotated[int, typer.Option("--batch", help="The number of the benefits batch.")],
    mode: Annotated[str, typer.Option("--mode", help="insert, update or both.")] = "both",
    is_updating: Annotated[
        bool, typer.Option("--contributions", help="Contributions of offers there already change, too.")
    ] = False,
    by: By = "administrator",
) -> None:
    """Take the plans set up at the platform, as the latest look saw them, into a benefits batch as offers."""
    connection = open_database()
    from openbenefits.programs.drafts.services import Hand
    from openbenefits.renewals.from_payroll import Mode, take_offers
    from openbenefits.renewals.models import Batch

    found = Batch.objects.filter(client_id=find_client(client).pk, pk=batch).first()
    if found is None or mode not in set(Mode):
        raise Refused(f"expected a batch of {client} and one of {', '.join(Mode)}, found others; correct it")
    hand = Hand(name=by, user_id=0, now=now())
    done = take_offers(connection, found, Mode(mode), by=hand, is_updating_contributions=is_updating)
    say(f"{len(done.inserted)} inserted, {len(done.updated)} updated", style="green")
    for words in done.errors:
        say(words, style="yellow")


@app.command()
def send(
    client: ClientCode,
    despite: Annotated[str, typer.Option("--despite", help="Why mismatches keep nothing back.")] = "",
    by: By = "administrator",
) -> None:
    """Send what is due, and read it back."""
    open_database()
    from openbenefits.platform.exchange import send as do

    with progress("sending") as told:
        _say_counts(do(_work(find_client(client).pk, by, told), despite=despite))


def _say_counts(counts: Any) -> None:
    told = ", ".join(f"{number} {name}" for name, number in counts.items()) or "nothing was due"
    say(told, style="green")


@app.command()
def changes(client: ClientCode) -> None:
    """List the latest changes to what the platform holds, and how far each has come."""
    open_database()
    from openbenefits.platform.models import OutboundChange

    names = ("id", "element", "key", "state", "attempts", "told")
    found = OutboundChange.objects.filter(client_id=find_client(client).pk).order_by("-pk")[:200]
    frame = pl.DataFrame(list(found.values_list(*names)), schema=list(names), orient="row")
    console.print(table_of(frame, title=f"Changes for {client}"))


@app.command()
def audit(
    client: ClientCode,
    code: Annotated[str, typer.Argument(help="A1 … A12; all without it.")] = "",
) -> None:
    """Lay what we hold beside what the latest look saw; ends with 1 where payroll may not run."""
    connection = open_database()
    from openbenefits.platform.audits import services

    client_id = find_client(client).pk
    if code:
        result = services.audit(services.sides_of(connection, client_id, today()), code.upper())
        rows = result.rows.filter(pl.col("bucket") != "equal").with_columns(pl.col("fields").list.join(", "))
        shown = rows.select("bucket", "key", "here", "there", "fields", "note", "ground")
        console.print(table_of(shown, title=f"{result.audit.code} {result.audit.title}"))
        return
    _print_all(services.audits(connection, client_id, today()), client)
    answer = services.may_run(connection, client_id, on=today(), now=now())
    for words in answer.reasons:
        say(words, style="yellow")
    say(
        "payroll may run" if answer.may_run else "payroll may not run",
        style="green" if answer.may_run else "red",
    )
    if not answer.may_run:
        raise typer.Exit(EXIT_REFUSED)


def _print_all(results: Any, client: str) -> None:
    rows = [(one.audit.code, one.audit.title, *one.counts.values(), one.faults) for one in results]
    names = ["audit", "title", "here_only", "there_only", "different", "equal", "not_accepted"]
    console.print(table_of(pl.DataFrame(rows, schema=names, orient="row"), title=f"Audits of {client}"))


@app.command()
def ownership(
    document: Annotated[
        Path | None,
        typer.Option("--document", dir_okay=False, help="Write it as a page.", show_default=False),
    ] = None,
) -> None:
    """Show which element flows in which direction, who owns it, and what happens on a conflict."""
    from openbenefits.platform import ownership as table

    if document is not None:
        document.write_text(table.document())
    names = [heading.casefold() for heading in table.HEADINGS]
    frame = pl.DataFrame(table.rows(), schema=names, orient="row")
    console.print(table_of(frame, title="Who owns what"))


@app.command("stand-in")
def stand_in(
    port: Annotated[int, typer.Option("--port", help="Where it answers.")] = 8085,
) -> None:
    """Run a stand-in for the platform on this machine, to try things out; Ctrl-C ends it."""
    from openbenefits.platform.standin.server import Standin, Terms

    with Standin(terms=Terms(port=port)) as running:
        terms = running.terms
        say(f"{running.url}  user {terms.username}  password {terms.password}  PEO {terms.peo_id}")
        while True:
            time.sleep(3600)
