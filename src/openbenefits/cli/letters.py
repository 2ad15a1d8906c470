"""`openbenefits letters`: letters kept and sent, print batches, what became of each, how people want them."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from openbenefits.cli.clock import now, today
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.options import AsOf, By, ClientCode, Output, parse_day
from openbenefits.cli.run import People
from openbenefits.cli.screen import console, progress, say, table_of

app = typer.Typer(
    no_args_is_help=True,
    help="Letters that are kept as sent: make, mail, print, and say what became of them.",
    epilog="Example: openbenefits letters coverage --client harbor --person H000024 --as-of 2026-03-01",
)
Batch = Annotated[int, typer.Argument(metavar="BATCH", help="The number of the print batch.")]
Since = Annotated[
    date, typer.Option("--since", parser=parse_day, metavar="YYYY-MM-DD", help="The first day looked at.")
]
LISTED = ("document_id", "employee_number", "kind", "as_of", "pages", "channel", "fate", "fate_at")


@app.command("list")
def list_letters(client: ClientCode, person: People = None, rows: int = 50) -> None:
    """List the letters of a client, or of people, the newest first."""
    connection = open_database()
    from openbenefits.accounts.numbers import numbers_of
    from openbenefits.delivery.frames import load_documents

    found = find_client(client)
    asked = [numbers_of(found.pk, one) for one in find_people(found, person)] if person else [None]
    for numbers in asked:
        frame = load_documents(connection, client_ids=[found.pk], person_ids=numbers, most=rows)
        console.print(table_of(frame.select(LISTED), title=f"Letters of {client}"))


@app.command()
def again(client: ClientCode) -> None:
    """List the letters that did not arrive."""
    connection = open_database()
    from openbenefits.delivery.frames import load_again

    frame = load_again(connection, [find_client(client).pk])
    console.print(table_of(frame.select(LISTED), title="Needed again"))


@app.command()
def coverage(client: ClientCode, as_of: AsOf, person: People = None, by: By = "administrator") -> None:
    """Make letters that prove coverage on a day, for everybody covered or for people named."""
    _issue(client, "coverage", as_of, None, person, by)


@app.command()
def loss(
    client: ClientCode, since: Since, as_of: AsOf, person: People = None, by: By = "administrator"
) -> None:
    """Make letters for those whose health coverage ended from one day to another."""
    _issue(client, "loss", as_of, since, person, by)


def _issue(
    client: str, kind: str, as_of: date, since: date | None, person: list[str] | None, by: str
) -> None:
    connection = open_database()
    from openbenefits.delivery.codes import DocumentKind
    from openbenefits.reports.issuing_letters import LetterOrder, issue_letters

    found = find_client(client)
    order = LetterOrder(
        client_id=found.pk,
        kind=DocumentKind(kind),
        as_of=as_of,
        since=since,
        person_ids=tuple(find_people(found, person)) if person else None,
        again=bool(person),
    )
    with progress("Writing letters") as told:
        result = issue_letters(connection, order, on=today(), now=now(), actor=by, progress=told)
    say(
        f"{len(result.documents):,} letters; {result.nothing:,} people had nothing to be told, "
        f"{result.had_one:,} had theirs already.",
        style="green",
    )


@app.command()
def mail(client: ClientCode, by: By = "administrator") -> None:
    """Send the mails that wait."""
    connection = open_database()
    from openbenefits.delivery.services import send_mails

    with progress("Sending mails") as told:
        done = send_mails(connection, find_client(client).pk, author=by, now=now(), progress=told)
    say(f"{done['sent']:,} mails sent, {done['failed']:,} failed.", style="green")


@app.command()
def batch(client: ClientCode, folder: Output = Path("letters"), by: By = "administrator") -> None:
    """Put the printed letters that wait into a batch; write its files, labels and manifest."""
    connection = open_database()
    from openbenefits.delivery.services import make_batch

    client_id = find_client(client).pk
    made = make_batch(connection, client_id, on=today(), author=by, now=now())
    _write(connection, client_id, made.pk, folder)


@app.command()
def reprint(
    client: ClientCode, number: Batch, folder: Output = Path("letters"), by: By = "administrator"
) -> None:
    """Print a batch again, as it was; nothing is said of its letters."""
    connection = open_database()
    from openbenefits.delivery.services import reprint_batch

    client_id = find_client(client).pk
    made = reprint_batch(connection, client_id, number, author=by, now=now())
    _write(connection, client_id, made.pk, folder)


def _write(connection: Any, client_id: int, number: int, folder: Path) -> None:
    """Write what a batch holds into a folder, and say so."""
    from openbenefits.delivery.services import files_of_batch, manifest_of
    from openbenefits.reports.files import write_csv, write_whole
    from openbenefits.reports.labels import labels_pdf

    manifest = manifest_of(connection, client_id, number, on=today())
    files = files_of_batch(connection, client_id, number, is_duplex=True)
    parts = {f"batch-{number}-{part}.pdf": file for part, file in enumerate(files, start=1)}
    parts[f"batch-{number}-labels.pdf"] = labels_pdf(manifest.lines, title=f"Labels of batch {number}")
    for name, data in parts.items():
        write_whole(folder / name, lambda draft, data=data: draft.write_bytes(data))  # type: ignore[misc]
    shown = ("place", "document_id", "kind", "employee_number", "name", "pages", "first_page")
    write_csv(folder / f"batch-{number}.csv", {"manifest": manifest.lines.select(shown)})
    lost = f"; {manifest.no_address.height} without an address" if manifest.no_address.height else ""
    say(
        f"Batch {number}: {manifest.letters:,} letters, {manifest.pages:,} pages{lost}: {folder}",
        style="green",
    )


@app.command()
def sent(client: ClientCode, number: Batch, by: By = "administrator") -> None:
    """Say that a batch went into the post."""
    connection = open_database()
    from openbenefits.delivery.services import mark_batch_sent

    count = mark_batch_sent(connection, find_client(client).pk, number, author=by, now=now())
    say(f"{count:,} letters are sent.", style="green")


@app.command()
def fate(
    client: ClientCode,
    fate: Annotated[str, typer.Argument(help="sent, bounced, returned or failed.")],
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The numbers of letters, CSV or workbook.")
    ],
    told: Annotated[str, typer.Option(help="What was said: moved, address unknown …")] = "",
    resend: Annotated[bool, typer.Option("--resend", help="Send them once more, too.")] = False,
    by: By = "administrator",
) -> None:
    """Say what became of letters whose numbers a file names."""
    connection = open_database()
    from openbenefits.delivery.codes import FateCode
    from openbenefits.delivery.fates import BY_HAND
    from openbenefits.delivery.services import note_fates, numbers_in, send_again

    if fate not in BY_HAND:
        raise typer.BadParameter(f"expected one of {', '.join(BY_HAND)}, found {fate}")
    client_id, numbers = find_client(client).pk, numbers_in(file.name, file.read_bytes())
    count = note_fates(connection, client_id, numbers, FateCode(fate), told=told, author=by, now=now())
    say(f"{count:,} letters are {fate}.", style="green")
    if resend:
        many = send_again(connection, client_id, numbers, on=today(), author=by, now=now())
        say(f"{many:,} letters go out once more.", style="green")


@app.command()
def way(
    client: ClientCode,
    person: Annotated[str, typer.Option("--person", metavar="NUMBER", help="An employee number.")],
    channel: Annotated[str, typer.Argument(help="portal, email or print.")],
    how: Annotated[str, typer.Option(help="How it was said: on paper, by telephone …")],
    agreed: Annotated[
        date | None,
        typer.Option(
            "--agreed", parser=parse_day, metavar="YYYY-MM-DD", help="When the person agreed to no paper."
        ),
    ] = None,
    by: By = "administrator",
) -> None:
    """Write down how a person wants letters; portal and email need the day of consent."""
    open_database()
    from openbenefits.delivery.codes import Channel
    from openbenefits.delivery.services import choose_channel

    if channel not in list(Channel):
        raise typer.BadParameter(f"expected one of {', '.join(Channel)}, found {channel}")
    found = find_client(client)
    choose_channel(
        found.pk,
        find_people(found, [person])[0],
        Channel(channel),
        consented_on=agreed,
        how=how,
        author=by,
        now=now(),
    )
    say(f"{person} gets letters by {channel}.", style="green")
