"""`openbenefits sample`: made-up people of any number, from a seed."""

from pathlib import Path
from typing import Annotated

import typer

from openbenefits.cli.screen import console, say

SAMPLE_EPILOG = "Example: openbenefits sample /tmp/sample --people 100000"


def sample(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where the files go.", show_default=False)],
    people: Annotated[int, typer.Option(min=1, max=5_000_000, help="How many employees.")] = 1500,
    seed: Annotated[int, typer.Option(help="The same seed writes the same files.")] = 2026,
    clients: Annotated[
        int, typer.Option(min=0, help="So many clients with set-ups of their own; 0: the sample's three.")
    ] = 0,
) -> None:
    """Write a sample: census, coverage, corrections and a year's changes of made-up people."""
    from openbenefits.sample import generate, generate_setup

    with console.status(f"Making up {people:,} people …"):
        if clients:
            setups = folder / "clients"
            profiles = generate_setup(setups, clients, seed=seed)
            files = generate(
                folder / "people",
                seed=seed,
                people=people,
                clients=profiles,
                clients_setup=setups,
                is_faulty=False,
            )
        else:
            files = generate(folder / "people", seed=seed, people=people)
    say(
        f"{files.people:,} employees with {files.dependents:,} dependents of {len(files.clients)} clients:"
        f" {files.folder}",
        style="green",
    )
