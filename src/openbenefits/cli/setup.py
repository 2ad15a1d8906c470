"""`openbenefits setup`: the set-up of the PEO and its clients, as folders of YAML files."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer

from openbenefits.cli.clock import now, today
from openbenefits.cli.database import open_database, prepare
from openbenefits.cli.faults import EXIT_REFUSED, Refused
from openbenefits.cli.options import By, Folder, parse_day
from openbenefits.cli.screen import (
    console,
    count_findings,
    dollars,
    print_findings,
    say,
    table_of,
)

if TYPE_CHECKING:
    from openbenefits.programs.ratesheets.comparing import Changes
    from openbenefits.programs.services import Change, CheckResult

app = typer.Typer(
    no_args_is_help=True,
    help="Check, compare, apply and take back set-up: folders of YAML files.",
    epilog="Example: openbenefits setup check sample/clients/harbor --peo sample/peo",
)


@app.command()
def check(
    folder: Folder,
    peo: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="The PEO's folder; else the PEO's set-up in force."),
    ] = None,
) -> None:
    """Audit a folder without changing anything: every fault with its file, line and cure."""
    result = audit(folder, peo)
    print_findings(result.findings)
    say(f"{folder}: {count_findings(result.findings)}")
    if not result.is_applicable:
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def diff(
    folder: Folder,
    as_of: Annotated[
        date | None,
        typer.Option(
            "--as-of",
            parser=parse_day,
            metavar="YYYY-MM-DD",
            help="The day to price on; else today, or when the changed records begin, if that is later.",
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option(dir_okay=False, help="Write it as CSV files.")] = None,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write it as one JSON file.")] = None,
) -> None:
    """Show what applying a folder would change, which clients follow, whom it moves by how many dollars."""
    connection = open_database()
    from openbenefits.cli import setup_diff
    from openbenefits.programs import services

    comparison = services.diff(folder)
    print_findings(comparison.findings)
    setup_diff.print_differences(comparison.differences)
    say(f"{folder}: {len(comparison.differences) or 'no'} differences from the set-up in force")
    if any(str(finding.severity) == "E" for finding in comparison.findings):
        raise typer.Exit(EXIT_REFUSED)
    setup_diff.print_standings(comparison.standings)
    effect = None
    if comparison.differences:
        day = as_of or setup_diff.day_of(comparison.differences, today())
        effect = setup_diff.show_effect(connection, folder, day)
    for path in setup_diff.save(comparison, effect, csv=csv, json=json):
        say(f"Written: {path}")


@app.command(name="apply")
def apply_folder(folder: Folder, by: By = "administrator") -> None:
    """Put a folder into force, whole or not at all; a client's folder also brings in the client."""
    open_database()
    change = put_in_force(folder, by)
    print_findings(change.findings)
    _say_outcome(str(folder), change)


@app.command(name="take-back")
def take_back(
    bundle: Annotated[str, typer.Argument(help="The code of the bundle: peo, or a client's.")],
    by: By = "administrator",
) -> None:
    """Return to the release before the one in force."""
    open_database()
    from openbenefits.programs import services

    change = services.take_back(bundle, by=by, now=now())
    print_findings(change.findings)
    _say_outcome(bundle, change)


@app.command(name="export")
def export_release(
    bundle: Annotated[str, typer.Argument(help="The code of the bundle: peo, or a client's.")],
    folder: Annotated[Path, typer.Argument(file_okay=False, help="A new or empty folder.")],
    release: Annotated[
        int | None, typer.Option(min=1, help="An earlier release; without it, the one in force.")
    ] = None,
    is_history: Annotated[
        bool, typer.Option("--history", help="Every release, each in a folder of its own.")
    ] = False,
) -> None:
    """Write what the database holds as a folder that can be checked, compared and applied again."""
    open_database()
    from openbenefits.programs import services

    if is_history and release is not None:
        raise Refused("expected --release or --history, found both. Leave one out.")
    written = (
        services.export_history(bundle, folder)
        if is_history
        else [services.export(bundle, folder, number=release)]
    )
    for one in written:
        say(f"{one.folder}: release {one.release.number} of {bundle}, {len(one.files)} files", style="green")


@app.command()
def unused() -> None:
    """List the PEO's records that no client in force goes by."""
    open_database()
    from openbenefits.programs import services

    found = services.unused_by_all()
    print_findings(found)
    say(f"{len(found)} records of the PEO that no client goes by")


@app.command()
def rates(
    folder: Folder,
    table: Annotated[str, typer.Argument(help="The rate table.")],
    sheet: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The carrier's CSV or XLSX.")],
    valid_from: Annotated[
        date,
        typer.Option("--from", parser=parse_day, metavar="YYYY-MM-DD", help="Since when the rates hold."),
    ],
    source: Annotated[str, typer.Option(help="The document the rates were taken from, and its date.")],
    sheet_name: Annotated[str | None, typer.Option("--sheet", help="The sheet of a workbook.")] = None,
    geography: Annotated[str | None, typer.Option(help="Of the rating areas, for a new table.")] = None,
    per_member: Annotated[bool, typer.Option(help="A new table prices each member by age.")] = False,
    peo: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="The PEO's folder, for a client's table."),
    ] = None,
    is_applied: Annotated[bool, typer.Option("--apply", help="Write the table into the folder.")] = False,
) -> None:
    """Show what a carrier's rate sheet changes; with --apply write it into the folder as a new version."""
    prepare()
    from openbenefits.programs.ratesheets import importing
    from openbenefits.programs.reader import read

    order = importing.RateOrder(
        folder=folder,
        table=table,
        sheet=sheet,
        valid_from=valid_from,
        source=source,
        sheet_name=sheet_name,
        geography=geography,
        is_per_member=per_member,
    )
    preview = importing.preview_rates(order, read(peo).bundle if peo else None)
    print_findings(preview.findings)
    show_rates(preview.changes, table)
    if not preview.is_applicable:
        message = f"{sheet}: refused, {count_findings(preview.findings)}. Correct what is listed."
        raise Refused(message)
    if not is_applied:
        say("Nothing was written; --apply writes it into the folder.")
        return
    for path in importing.apply_rates(preview):
        say(f"Written: {path}", style="green")
    say(f"`openbenefits setup diff {folder}` shows whom it moves.")


@app.command(name="rate-sheet")
def rate_sheet(
    folder: Folder,
    table: Annotated[str, typer.Argument(help="The rate table.")],
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The CSV or XLSX file to write.")],
    over: Annotated[
        str | None, typer.Option(metavar="area|coverage_code", help="A column for each area or each tier.")
    ] = None,
    valid_from: Annotated[
        date | None,
        typer.Option("--from", parser=parse_day, metavar="YYYY-MM-DD", help="The version; else the latest."),
    ] = None,
) -> None:
    """Write a rate table as the sheet a carrier would send, ready for `setup rates`."""
    prepare()
    from openbenefits.programs.ratesheets.importing import table_as_sheet
    from openbenefits.reports.files import write_csv, write_xlsx

    laid_out = table_as_sheet(folder, table, valid_from, over)
    write = write_xlsx if file.suffix.lower() == ".xlsx" else write_csv
    for path in write(file, {"rates": laid_out}):
        say(f"Written: {path}", style="green")


@app.command()
def schema(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where the files go.")] = Path(
        "docs/schema"
    ),
) -> None:
    """Write the JSON Schema of set-up files, for editors that check while one writes."""
    from openbenefits.programs import schema as published

    published.write(folder)
    say(f"{folder}: {', '.join(published.json_schemas())}")


def show_rates(changes: "Changes", table: str) -> None:
    """Show how many rates are new, changed, gone; the range of the changes; the largest of them."""
    counted = ", ".join(f"{changes.count(one)} {one}" for one in ("new", "changed", "gone", "same"))
    span = ""
    if changes.smallest is not None and changes.largest is not None:
        span = f"; changes from {dollars(changes.smallest)} % to {dollars(changes.largest)} %"
    say(f"{table}: {counted}{span}")
    moved = changes.rows.filter(pl.col("change") != "same").with_columns(
        size=pl.col("percent_hundredths").abs().fill_null(2**40)
    )
    shown = moved.sort("size", descending=True, maintain_order=True)
    keys = [name for name in shown.columns[:5] if shown[name].null_count() < shown.height]
    if shown.height:
        from openbenefits.programs.ratesheets.writing import rate_text

        texts = {
            side: [None if one is None else rate_text(one) for one in shown[f"{side}_micros"]]
            for side in ("old", "new")
        }
        percent = [None if one is None else dollars(one) for one in shown["percent_hundredths"]]
        table_shown = shown.select(
            *keys,
            "change",
            old=pl.Series(texts["old"], dtype=pl.String),
            new=pl.Series(texts["new"], dtype=pl.String),
            percent=pl.Series(percent, dtype=pl.String),
        )
        console.print(table_of(table_shown, title=f"Rates of {table}, the largest changes first"))


def audit(folder: Path, peo: Path | None = None) -> "CheckResult":
    """Read and audit a folder; the database is needed only where the PEO's set-up in force counts."""
    prepare()
    from openbenefits.programs import services
    from openbenefits.programs.reader import read

    bundle = read(folder).bundle
    if bundle is not None and bundle.is_client and peo is None:
        open_database()
    return services.check(folder, peo_folder=peo)


def put_in_force(folder: Path, by: str) -> "Change":
    """Apply a folder; a client that is new is brought in with its set-up, or not at all."""
    from django.db import transaction

    from openbenefits.programs import services
    from openbenefits.programs.reader import read
    from openbenefits.workforce.recording import add_client

    loaded = read(folder).bundle
    with transaction.atomic():
        client_id = 0
        if loaded is not None and loaded.is_client:
            client_id = add_client(loaded.code, loaded.parts.bundle.name).pk
        change = services.apply(folder, client_id=client_id, applied_by=by, now=now())
        if str(change.outcome) == "refused":
            transaction.set_rollback(True)
    return change


def _say_outcome(what: str, change: "Change") -> None:
    """Say what holds now.

    Errors: Refused where nothing was changed because something stands in the way.
    """
    release = change.release
    holds = f"release {release.number} is in force" if release else "nothing is in force"
    if str(change.outcome) == "refused":
        message = f"{what}: refused, {count_findings(change.findings)}; {holds}. Correct what is listed."
        raise Refused(message)
    say(f"{what}: {change.outcome}; {holds}", style="green")
