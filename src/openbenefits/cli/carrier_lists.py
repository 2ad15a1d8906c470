"""`openbenefits carriers audit|open`: a carrier's full list compared with ours, or opening a client."""

import json
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.faults import EXIT_REFUSED, Refused
from openbenefits.cli.options import By, File, On
from openbenefits.cli.screen import console, progress, say, table_of

Partner = Annotated[str, typer.Option("--partner", metavar="CODE", help="The code of the partner.")]
MappingFile = Annotated[
    Path | None,
    typer.Option("--mapping", exists=True, dir_okay=False, help="YAML: what its codes mean; else as agreed."),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def audit(
    file: File,
    partner: Partner,
    on: On,
    client: Annotated[str | None, typer.Option("--client", "-c", help="The client; none: of all.")] = None,
    mapping: MappingFile = None,
    out: Annotated[Path | None, typer.Option("--out", help="A CSV file for the differences.")] = None,
    as_json: AsJson = False,
    by: By = "administrator",
) -> None:
    """Compare a carrier's full list with our timeline: each difference with why, and what to do.

    Ends with 1 where something differs.
    """
    connection = open_database()
    from openbenefits.carriers.auditing.services import audit as compare
    from openbenefits.carriers.building.services import Feed

    with progress("Comparing"):
        found = compare(
            connection,
            Feed(client_id=find_client(client).pk if client else 0, code=partner),
            file.read_bytes(),
            on=on,
            now=now(),
            author=by,
            file_name=file.name,
            mapping=_mapping(mapping),
        )
    rows = found.rows.drop("client_id", "file_id", "set", "line_number")
    if out is not None:
        rows.write_csv(out)
    if as_json:
        told = {"summary": found.summary, "counts": dict(found.counts), "rows": _plain(rows)}
        console.print_json(json.dumps(told))
    else:
        say(found.summary)
        _print_counts(dict(found.counts), "Counts, and causes")
        names = ("row", "person_id", "line", "verdict", "field", "here", "there", "cause", "words")
        if rows.height:
            console.print(table_of(rows.select(names), title="Differences"))
    if rows.height:
        raise typer.Exit(EXIT_REFUSED)


def open_(
    file: File,
    client: Annotated[str, typer.Option("--client", "-c", metavar="CODE", help="The client to be opened.")],
    on: On,
    partner: Annotated[str | None, typer.Option("--partner", help="Whose agreement is meant.")] = None,
    mapping: MappingFile = None,
    apply: Annotated[bool, typer.Option("--apply", help="Carry it out; else it is only shown.")] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Leave out families with faults.")] = False,
    by: By = "administrator",
) -> None:
    """Open or fill a client with a carrier's 834 or census: shown first, then all or nothing by --apply.

    Ends with 1 where something cannot be taken.
    """
    connection = open_database()
    from openbenefits.carriers import opening
    from openbenefits.carriers.agreements.partners import partner_of

    found, meant = find_client(client), _mapping(mapping)
    if meant is None and partner is None:
        raise typer.BadParameter("say what its codes mean: --partner or --mapping")
    if meant is None and partner is not None:
        meant = opening.of_partner(partner_of(found.pk, partner)[2], found.code)
    data = file.read_bytes()
    if apply:
        with progress("Opening"):
            made = opening.open_client(
                connection, found.pk, data, file.name, meant, author=by, on=on, now=now(), is_partial=partial
            )
        _print_preview(made.preview)
        say(f"Change {made.change_id}; `carriers open-back {made.change_id} -c {client}` undoes it.")
        return
    with progress("Trying"):
        shown = opening.preview(connection, found.pk, data, file.name, meant, on=on, now=now())
    _print_preview(shown)
    if not shown.is_whole:
        raise typer.Exit(EXIT_REFUSED)


def open_back(
    change: Annotated[int, typer.Argument(help="The change that `open` named.")],
    client: Annotated[str, typer.Option("--client", "-c", metavar="CODE", help="The client.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    by: By = "administrator",
) -> None:
    """Take an opening back whole: coverage first, then people."""
    connection = open_database()
    from openbenefits.carriers import opening

    told = opening.take_back(connection, find_client(client).pk, change, reason=reason, author=by, now=now())
    say(
        f"{told.withdrawn} facts withdrawn, {told.restored} restored, {told.points} change points ended,"
        f" {told.continued} continuations withdrawn."
    )
    if told.conflicts:
        say(f"{told.conflicts} facts were edited since, and stay.", style="yellow")


def _print_preview(shown: Any) -> None:
    if shown.refused:
        say(shown.refused, style="red")
    _print_counts(dict(shown.counts), f"What {shown.name} brings")
    if shown.findings.height:
        names = ("row", "level", "place", "expected", "found", "cure")
        console.print(table_of(shown.findings.select(names), title="Findings"))
    if shown.codes.height:
        lists = [name for name, kind in shown.codes.schema.items() if isinstance(kind, pl.List)]
        codes = shown.codes.with_columns(
            pl.col(name).cast(pl.List(pl.String)).list.join(", ") for name in lists
        )
        console.print(table_of(codes, title="What its codes mean"))


def _print_counts(counts: dict[str, int], title: str) -> None:
    rows = pl.DataFrame(list(counts.items()), schema={"what": pl.String, "how many": pl.Int64}, orient="row")
    console.print(table_of(rows, title=title))


def _mapping(file: Path | None) -> Any:
    """Read a mapping. Errors: MappingRefused, PartnerRefused for what is no YAML."""
    if file is None:
        return None
    from openbenefits.carriers.agreements.text import read_document
    from openbenefits.carriers.opening import read_mapping

    return read_mapping(read_document(text_of(file)))


def text_of(file: Path) -> str:
    """Read what somebody wrote. Errors: Refused for what is no text."""
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{file.name}: expected text in UTF-8, found other bytes; save it as UTF-8") from None


def _plain(rows: pl.DataFrame) -> list[dict[str, Any]]:
    return rows.with_columns(pl.col(pl.Date, pl.Datetime).cast(pl.String)).to_dicts()
