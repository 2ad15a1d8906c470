"""The options that commands of repair share."""

from pathlib import Path
from typing import Annotated

import typer

Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the event.", show_default=False)]
Apply = Annotated[bool, typer.Option("--apply", help="Do it; without this nothing is written.")]
Files = Annotated[
    Path | None,
    typer.Option(
        "--files", file_okay=False, help="Write every changed row there, as CSV.", show_default=False
    ),
]
