"""`openbenefits run night`: everything due of every client, as a nightly job calls it."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.faults import EXIT_REFUSED
from openbenefits.cli.options import By, On, Workers
from openbenefits.cli.screen import console, progress, say

if TYPE_CHECKING:
    from openbenefits.repair.night import Carried

NIGHT_EPILOG = "Example: openbenefits run night --on 2026-03-02"


def night(
    on: On,
    client: Annotated[
        list[str] | None,
        typer.Option("--client", "-c", metavar="CODE", help="A client; may be repeated; all unless told."),
    ] = None,
    workers: Workers = None,
    by: By = "administrator",
) -> None:
    """Carry out every run control due on a day, of every client, clients at once.

    A client that something holds stops no other; it is named, with the reason, and the command ends with 1.
    """
    connection = open_database()
    from openbenefits.repair.night import night as carry_out
    from openbenefits.workforce.models import Client

    chosen = [find_client(code) for code in client or ()] or list(Client.objects.order_by("code"))
    found: list[Carried] = []
    with progress("Clients") as told:
        done = carry_out(connection, chosen, on, now=now(), started_by=by, workers=workers)
        for count, one in enumerate(done, 1):
            found += one
            told(count, len(chosen))
    _show(found, on, len(chosen))
    if any(one.result is None for one in found):
        raise typer.Exit(EXIT_REFUSED)


def _show(found: "list[Carried]", on: date, clients: int) -> None:
    from openbenefits.reports.tables import laid_out

    if not found:
        say(f"Nothing is due on {on} at {clients:,} clients.")
        return
    rows = pl.DataFrame([_row(one) for one in sorted(found, key=lambda one: one.client)])
    held = rows.filter(pl.col("why") != "")
    console.print(
        laid_out(rows.drop("why"), title=f"The night of {on}", width=console.width, rows=rows.height)
    )
    if held.height:
        shown = held.select("client", "control", "why")
        console.print(laid_out(shown, title="Held", width=console.width, rows=shown.height))
    processed = rows["processed"].sum()
    say(f"{clients:,} clients, {rows.height - held.height:,} runs, {processed:,} benefit records processed.")


def _row(one: "Carried") -> dict[str, object]:
    result = one.result
    moved = 0 if result is None else result.outcomes.filter(outcome="processed")["people"].sum()
    return {
        "client": one.client,
        "control": one.control,
        "run": None if result is None else result.run_id,
        "state": "held" if result is None else result.state,
        "in_scope": 0 if result is None else result.people,
        "processed": moved,
        "why": one.why,
    }
