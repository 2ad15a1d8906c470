"""The options many commands share, and how a day is written."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from openbenefits.cli.clock import today


def parse_day(text: str | date) -> date:
    """Read a day; a default is one already.

    >>> parse_day("2026-03-02")
    datetime.date(2026, 3, 2)
    """
    if isinstance(text, date):
        return text
    try:
        day = date.fromisoformat(text) if len(text) == len("2026-03-31") else None
    except ValueError:
        day = None
    if day is None:
        message = f"expected a day of the calendar written like 2026-03-31, found {text}"
        raise typer.BadParameter(message)
    return day


def parts_of(option: str | None, form: str) -> tuple[str, str] | None:
    """Read an option that is named with what it belongs to, as TYPE/CODE; None where none is named.

    >>> parts_of("10/MED-EE", "TYPE/CODE")
    ('10', 'MED-EE')
    """
    if option is None:
        return None
    first, _, code = option.partition("/")
    if not first or not code:
        raise typer.BadParameter(f"expected {form}, found {option}", param_hint="--option")
    return first, code


_DAY = {"parser": parse_day, "metavar": "YYYY-MM-DD"}

ClientCode = Annotated[
    str, typer.Option("--client", "-c", metavar="CODE", help="The client, by its code.", show_default=False)
]
AsOf = Annotated[
    date,
    typer.Option("--as-of", default_factory=today, help="The day to look from; today unless told.", **_DAY),
]
EventBy = Annotated[
    date | None,
    typer.Option("--as-of", help="The last event of that day or before.", show_default=False, **_DAY),
]
KnownOn = Annotated[
    date | None,
    typer.Option(
        "--known-on", help="Answer as known on that day; now unless told.", show_default=False, **_DAY
    ),
]
On = Annotated[
    date, typer.Option("--on", default_factory=today, help="The day it happens; today unless told.", **_DAY)
]
From = Annotated[date, typer.Option("--from", help="The first day.", default_factory=today, **_DAY)]
Through = Annotated[date | None, typer.Option("--through", help="The last day.", show_default=False, **_DAY)]
SeenOn = Annotated[
    date | None, typer.Option("--waiver-proof-on", help="The day it was seen.", show_default=False, **_DAY)
]
CountedTo = Annotated[date | None, typer.Option("--as-of", help="Count days up to this one.", **_DAY)]
NotifiedBefore = Annotated[
    date | None, typer.Option("--notified-before", help="Only those notified before this day.", **_DAY)
]
Program = Annotated[str, typer.Option("--program", metavar="CODE", help="The program.")]
TypedOption = Annotated[
    str | None,
    typer.Option(
        "--option", metavar="TYPE/CODE", help="An option, not the program: 10/MED-EE.", show_default=False
    ),
]
Schedule = Annotated[
    str,
    typer.Option("--schedule", "-s", metavar="CODE", help="The schedule, by its code.", show_default=False),
]
Person = Annotated[str, typer.Option("--person", metavar="NUMBER", help="The employee's number.")]
Number = Annotated[int, typer.Option("--event", help="Its number; 0 for open enrolment.")]
Record = Annotated[int, typer.Option("--benefit-record")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who does it, for the history.", envvar="USER")]
File = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file.", show_default=False)
]
Folder = Annotated[
    Path,
    typer.Argument(exists=True, file_okay=False, readable=True, help="The folder.", show_default=False),
]
Output = Annotated[Path, typer.Option("--folder", file_okay=False, help="Where the files go.")]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        metavar="N",
        help="Partitions processed at once; unless told, one for each core if there are many people.",
        show_default=False,
    ),
]
