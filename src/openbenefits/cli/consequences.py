"""How the command line shows what a repair changes: statuses, coverage, deductions, losses of coverage."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from openbenefits.cli.faults import EXIT_REFUSED
from openbenefits.cli.screen import console, say, table_of

if TYPE_CHECKING:
    from openbenefits.repair.bulk import BulkResult
    from openbenefits.repair.operations import Told
    from openbenefits.repair.services import Consequences


def tell(connection: Any, client_id: int, told: "Told", files: Path | None, *, is_done: bool) -> None:
    """Show what changes, duties under COBRA too."""
    from openbenefits.reports.repairs import named_losses

    show(connection, client_id, told.consequences, files)
    losses = named_losses(connection, client_id, told.losses)
    if losses.height:
        console.print(table_of(losses, title="Losses of health coverage that differ"))
    else:
        say("Losses of health coverage that differ: none.")
    if files is not None:
        losses.write_csv(files / "losses-that-differ.csv")
    if not is_done:
        say("Nothing was written. Say --apply to do it.")


def tell_file(
    connection: Any, client_id: int, file: Path, result: "BulkResult", files: Path | None, *, is_done: bool
) -> None:
    """Show what a file of repairs does, and its bad rows.

    Errors: typer.Exit where a row is bad, once all is shown.
    """
    bad = result.bad_rows["row"].n_unique()
    counts = f"{result.done} to do, {result.unchanged} done before, {bad} bad"
    say(f"{file.name}: {result.rows_read} rows, {counts}.")
    if bad:
        console.print(table_of(result.bad_rows, title="Rows that cannot be"))
    if result.told is not None:
        tell(connection, client_id, result.told, files, is_done=is_done)
    if bad:
        raise typer.Exit(EXIT_REFUSED)


def show(connection: Any, client_id: int, told: "Consequences", files: Path | None) -> None:
    """Show what changes: where events stand, coverage, deductions."""
    from openbenefits.reports.repairs import named_consequences

    tables = named_consequences(connection, client_id, told)
    for title, rows in tables.items():
        if rows.height:
            console.print(table_of(rows, title=title))
        else:
            say(f"{title}: none.")
    if files is not None:
        files.mkdir(parents=True, exist_ok=True)
        for title, rows in tables.items():
            rows.write_csv(files / f"{title.lower().replace(' ', '-')}.csv")
        say(f"Written to {files}.")
