"""`openbenefits scenario`: stories with what must come of them, played in a scratch database."""

from pathlib import Path
from typing import Annotated

import typer

from openbenefits.cli.screen import say

app = typer.Typer(
    no_args_is_help=True,
    help="Play YAML stories and say what differs from what they expect.",
    epilog="Example: openbenefits scenario run scenarios/*.yaml",
)
