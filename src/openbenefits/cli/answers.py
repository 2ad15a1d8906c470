"""What commands have in common, written once: being about one event, and answering tables.

A command says what it needs besides; the options of the event and of the tables are added to its own.
"""

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openbenefits.cli.database import find_client, find_people, find_schedule, open_database
from openbenefits.cli.options import ClientCode, Number, Person, Record, Schedule
from openbenefits.cli.screen import console, say

if TYPE_CHECKING:
    import polars as pl

    from openbenefits.events.windows import EventPlace

SHOWN = 20
Rows = Annotated[int, typer.Option("--rows", min=1, help="How many rows of each table to show here.")]
Csv = Annotated[
    Path | None, typer.Option("--csv", dir_okay=False, help="Write all rows, a file for each table.")
]
Xlsx = Annotated[
    Path | None, typer.Option("--xlsx", dir_okay=False, help="Write a workbook, a sheet for each table.")
]
Json = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="Write all tables as JSON.")]

Command = Callable[..., Any]


def _option(name: str, kind: Any, default: Any = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=default)


EVENT = (
    *(_option("client", ClientCode), _option("schedule", Schedule), _option("person", Person)),
    *(_option("event", Number, 0), _option("benefit_record", Record, 0)),
)
TABLES = (
    *(_option("rows", Rows, SHOWN), _option("csv", Csv, None)),
    *(_option("xlsx", Xlsx, None), _option("json", Json, None)),
)


def about_an_event(command: Command) -> Command:
    """Let a command be about one event: it is given `connection` and the `place` that its options name."""

    def found(**given: Any) -> Any:
        named = {option.name: given.pop(option.name) for option in EVENT}
        connection = open_database()
        return command(connection, place_of(connection, **named), **given)

    return _with_options(found, command, EVENT, is_given=("connection", "place"))


def answers_tables(*, apart: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Let a command that answers tables print them, and write the files its options ask for.

    On screen a table with the columns `apart` is taken apart by them.
    """

    def added(command: Command) -> Command:
        def shown(**given: Any) -> None:
            asked = {option.name: given.pop(option.name) for option in TABLES}
            show(command(**given), apart=apart, **asked)

        return _with_options(shown, command, TABLES)

    return added


def _with_options(
    outer: Command, command: Command, options: tuple[Parameter, ...], *, is_given: tuple[str, ...] = ()
) -> Command:
    """Name a command as the one inside, with its own options and these; those of tables come last."""
    own = [one for name, one in signature(command).parameters.items() if name not in is_given]
    own = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in own]
    both = [*own, *options] if options is TABLES else [*options, *own]
    outer.__name__, outer.__doc__ = command.__name__, command.__doc__
    outer.__annotations__ = {one.name: one.annotation for one in both}
    outer.__signature__ = Signature(both)  # type: ignore[attr-defined]
    return outer


def place_of(
    connection: Any, client: str, schedule: str, person: str, benefit_record: int, event: int
) -> "EventPlace":
    """Find the event that a command names."""
    from openbenefits.events.windows import EventPlace

    found = find_client(client)
    return EventPlace(
        client_id=found.pk,
        person_id=find_people(found, [person])[0],
        benefit_record=benefit_record,
        schedule_id=find_schedule(connection, client, schedule),
        event_number=event,
    )


def show(
    sheets: "Mapping[str, pl.DataFrame]",
    *,
    rows: int = SHOWN,
    csv: Path | None = None,
    xlsx: Path | None = None,
    json: Path | None = None,
    apart: tuple[str, ...] = (),
) -> None:
    """Print the tables, the first one last so that it is read last, and write the files asked for."""
    from openbenefits.reports import files
    from openbenefits.reports.tables import laid_out

    first, *others = sheets.items()
    for name, frame in (*others, first):
        if frame.is_empty():
            say(f"{name}: none.")
        else:
            shown = frame.drop(
                column for column in frame.columns if frame[column].null_count() == frame.height
            )
            for part in _taken_apart(shown, apart):
                console.print(laid_out(part, title=name, rows=rows, width=console.width))
    writers = ((csv, files.write_csv), (xlsx, files.write_xlsx), (json, files.write_json))
    for path, write in writers:
        for written in write(path, sheets) if path else ():
            say(f"Written: {written}")


def _taken_apart(frame: "pl.DataFrame", apart: tuple[str, ...]) -> "list[pl.DataFrame]":
    """Take a table apart by columns, if there are several rows for each value."""
    by = [column for column in apart if column in frame.columns]
    if not by or frame.select(by).is_unique().all():
        return [frame]
    return frame.partition_by(by, maintain_order=True)
