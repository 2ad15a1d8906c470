"""`openbenefits scenario`: stories with what must come of them, played in a scratch database."""

from pathlib import Path
from typing import Annotated

import typer

from openbenefits.cli.faults import EXIT_REFUSED
from openbenefits.cli.screen import progress, say

app = typer.Typer(
    no_args_is_help=True,
    help="Play YAML stories and say what differs from what they expect.",
    epilog="Example: openbenefits scenario run scenarios/hire.yaml",
)

Paths = Annotated[
    list[Path], typer.Argument(exists=True, help="Files of stories, or folders of them.", show_default=False)
]


@app.command()
def run(paths: Paths) -> None:
    """Play stories; exit code 1 if anything differs."""
    from openbenefits import scenarios

    with progress("Playing stories") as told:
        results = scenarios.run(paths, progress=told)
    for result in results:
        say(str(result))
    if not all(result.is_met for result in results):
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def schema(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where the file goes.")] = Path(
        "docs/schema"
    ),
) -> None:
    """Write the JSON Schema of stories."""
    from openbenefits.scenarios import schema as published

    say(f"Written: {published.write(folder)}")
