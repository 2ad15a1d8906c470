"""`openbenefits carriers`: files listed, read, released, withdrawn, sent, handed out; portal entries."""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from openbenefits.cli.clock import now, today
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.faults import EXIT_REFUSED, Refused
from openbenefits.cli.options import By
from openbenefits.cli.screen import console, say, table_of

Number = Annotated[int, typer.Argument(metavar="FILE", help="The number `files` shows in front.")]
Words = Annotated[str, typer.Option("--words", help="What was looked at, or why; no personal data.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Client = Annotated[str | None, typer.Option("--client", "-c", metavar="CODE", help="Of one client only.")]
FILES = (
    *("file_id", "partner", "client_id", "as_of", "kind", "purpose", "members", "lines", "state", "since"),
    *("waits_for", "due_at", "is_overdue"),
)


def files(
    client: Client = None,
    partner: Annotated[str | None, typer.Option(metavar="CODE", help="Of one partner only.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="In these states only.")] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only what waits too long; ends with 1.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 40,
    as_json: AsJson = False,
) -> None:
    """List files, the newest first, with what each waits for and until when."""
    open_database()
    from openbenefits.carriers.filing import services as filing

    _refuse_unknown(partner, state or [])
    rows = filing.files(
        [find_client(client).pk] if client else None,
        now=now(),
        partner=partner,
        states=state or (),
        limit=None if overdue else limit,
    )
    rows = rows.filter("is_overdue") if overdue else rows
    if as_json:
        told = rows.with_columns(pl.col(pl.Date, pl.Datetime).cast(pl.String))
        console.print_json(json.dumps(told.to_dicts()))
    elif rows.is_empty():
        say("Nothing is overdue." if overdue else "No file was built yet; `carriers build` builds one.")
    else:
        console.print(table_of(rows.select(FILES), title="Files"))
    if overdue and rows.height:
        raise typer.Exit(EXIT_REFUSED)


def show(
    file: Number,
    members: Annotated[int, typer.Option(min=0, help="Read so many members aloud.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show a file: its history, what holds it, what was found in it; --members reads members in words."""
    open_database()
    if as_json:
        console.print_json(json.dumps(_as_json(file), default=str))
    else:
        print_file(file)
    if members:
        _print_members(file, members)


def _as_json(number: int) -> dict[str, Any]:
    from openbenefits.carriers.filing import services as filing

    found = _file(number)
    names = ("partner", "client_id", "kind", "purpose", "environment", "as_of", "state", "since", "members")
    told = {name: getattr(found, name) for name in (*names, "lines", "file_name", "holds", "findings")}
    return {"file": number, **told, "history": filing.history(number)}


def release(file: Number, words: Words = "", by: By = "administrator") -> None:
    """Let a file leave with the next transfer; of a held one, say by --words what was looked at."""
    open_database()
    from openbenefits.carriers.filing import services as filing

    filing.release(file, author=by, words=words, now=now())
    say(f"File {file} is released; `carriers send {file}` sends it.", style="green")


def withdraw(file: Number, words: Words, by: By = "administrator") -> None:
    """Take a file back before it leaves; the next build says again what it would have said."""
    open_database()
    from openbenefits.carriers.filing import services as filing

    filing.withdraw(file, author=by, words=words, now=now())
    say(f"File {file} is withdrawn.", style="green")


def send(
    file: Annotated[int | None, typer.Argument(metavar="[FILE]", help="None: all that is released.")] = None,
    by: By = "administrator",
) -> None:
    """Send a released file the way that is agreed, once; without a number, everything that is released.

    Ends with 1 where one of several could not be sent.
    """
    connection = open_database()
    from openbenefits.carriers.filing import services as filing

    if file is not None:
        state = filing.send(connection, file, now=now(), author=by)
        say(f"File {file} is {state}.", style="green")
        return
    came = filing.send_released(connection, now=now(), author=by)
    if not came:
        say("Nothing is released that goes by itself.")
        return
    print_pairs("Sent", {f"file {number}": words for number, words in came.items()})
    if any(words not in _states() for words in came.values()):
        raise typer.Exit(EXIT_REFUSED)


def content(
    file: Number, out: Annotated[Path, typer.Option("--out", help="The file to write it to; a new one.")]
) -> None:
    """Hand a file out as it is, for its owner's eyes: it names people with their numbers."""
    open_database()
    from openbenefits.carriers.filing import services as filing

    data = filing.content_of(file)
    try:
        out.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise Refused(f"expected no file {out.name} there yet, found one; name another") from None
    out.write_bytes(data)
    say(f"{len(data):,} bytes: {out}")


def portal(
    client: Client = None,
    done: Annotated[int | None, typer.Option("--done", metavar="ENTRY", help="Write an entry down.")] = None,
    reference: Annotated[str, typer.Option(help="The partner's call reference, for --done.")] = "",
    by: By = "administrator",
) -> None:
    """List what is to be entered at portals, what is due first; --done with its call reference ends one."""
    connection = open_database()
    from openbenefits.carriers.custody import portal_entries
    from openbenefits.carriers.custody.readings import portal_rows
    from openbenefits.workforce.models import Client as Known

    if done is not None:
        portal_entries.done(connection, done, call_reference=reference, author=by, now=now())
        say(f"Entry {done} is done.", style="green")
        return
    ids = [find_client(client).pk] if client else list(Known.objects.values_list("pk", flat=True))
    rows = portal_rows(ids)
    if rows.is_empty():
        say("Nothing is to be entered at a portal.", style="green")
        return
    names = ("id", "due_on", "partner", "client", "employee_number", "who", "line", "kind", "plan", "tier")
    shown = rows.select(*names, "begins_on", "ends_on", "reason")
    console.print(table_of(shown, title=f"To be entered, as of {today()}"))


COMMANDS = (files, show, release, withdraw, send, content, portal)


def print_file(number: int) -> None:
    """Print where a file stands, what holds it, what was found in it, and its history."""
    from openbenefits.carriers.filing import services as filing

    found = _file(number)
    say(
        f"File {number} for {found.partner}: {found.members:,} members, {found.lines:,} lines, {found.state}."
    )
    for hold in found.holds:
        say(f"Held: {hold['words']}", style="yellow")
    for finding in found.findings[:40]:
        say(f"Found: {finding.get('words', finding)}", style="red")
    rows = [(one["made_at"], one["state"], one["author"], one["words"]) for one in filing.history(number)]
    schema: dict[str, Any] = {
        "at": pl.Datetime("us", "UTC"),
        **dict.fromkeys(("state", "by", "words"), pl.String),
    }
    console.print(table_of(pl.DataFrame(rows, schema=schema, orient="row"), title="History"))


def print_outcomes(made: Sequence[Any]) -> None:
    """Print what a night made of each feed; ends with 1 where one failed, is held or is not valid."""
    if not made:
        say("Nothing is due today.")
        return
    rows = [
        (one.feed.code, one.feed.client_id, one.file_id, one.error or one.state or "nothing to say")
        for one in made
    ]
    schema = {"partner": pl.String, "client_id": pl.Int64, "file": pl.Int64, "came_of_it": pl.String}
    console.print(table_of(pl.DataFrame(rows, schema=schema, orient="row"), title="Built"))
    if any(one.error or one.state in ("held", "invalid") for one in made):
        raise typer.Exit(EXIT_REFUSED)


def print_pairs(title: str, told: Mapping[str, Any]) -> None:
    """Print names with what is said of each."""
    rows = pl.DataFrame(
        [(str(name), str(value)) for name, value in told.items()],
        schema={"what": pl.String, "came of it": pl.String},
        orient="row",
    )
    console.print(table_of(rows, title=title))


def print_collected(came: Mapping[tuple[int, str], Any]) -> None:
    """Print what was collected of each partner; ends with 1 where something could not be."""
    rows, is_whole = {}, True
    for (client_id, code), found in came.items():
        name = f"{code} ({client_id or 'every client'})"
        if isinstance(found, str):
            rows[name], is_whole = found, False
            continue
        for file, taken in found.taken.items():
            rows[f"{name}: {file}"] = f"{taken.kind}: {' '.join(taken.words)}"
        for file, why in found.left.items():
            rows[f"{name}: {file}"], is_whole = why, False
    if rows:
        print_pairs("Collected", rows)
    else:
        say("No answer waits anywhere.")
    if not is_whole:
        raise typer.Exit(EXIT_REFUSED)


def print_answer(taken: Any) -> None:
    """Print what an answer said."""
    from openbenefits.carriers.custody.readings import answer_lines

    for words in taken.words:
        say(words)
    if taken.answer_id is None:
        return
    names = ("file_id", "set", "employee_number", "segment", "place", "verdict", "code", "words")
    rows = answer_lines(taken.answer_id).select(names)
    title = f"Answer {taken.answer_id}: {taken.kind}"
    if rows.height:
        console.print(table_of(rows, title=title))
    print_pairs(title, {f"file {number}": state for number, state in taken.files.items()})


def _print_members(number: int, most: int) -> None:
    from openbenefits.carriers.enrollment.explain import words_of
    from openbenefits.carriers.enrollment.reader import read_file
    from openbenefits.carriers.filing import services as filing

    told = read_file(filing.content_of(number)).file
    members = (member for one in told.sets for member in one.members)
    for count, member in enumerate(islice(members, most), 1):
        say(f"{count:>5}  {words_of(member)}")


def _file(number: int) -> Any:
    from openbenefits.carriers.models import CarrierFile

    found = CarrierFile.objects.defer("content", "said").filter(pk=number).first()
    if found is None:
        raise typer.BadParameter(f"no file {number}; `carriers files` shows what there is")
    return found


def _refuse_unknown(partner: str | None, states: list[str]) -> None:
    """Refuse to look for what there cannot be: an empty list would say that all is well."""
    from openbenefits.carriers.models import PartnerVersion

    if partner is not None and not PartnerVersion.objects.filter(code=partner).exists():
        raise Refused(
            f"expected a partner with an agreement, found {partner}; `carriers partner list` names them"
        )
    if unknown := sorted(set(states) - _states()):
        raise Refused(f"expected {', '.join(sorted(_states()))}, found {', '.join(unknown)}; correct --state")


def _states() -> set[str]:
    from openbenefits.carriers.rules.custody import FileState

    return {str(one) for one in FileState}
