"""`python -m openbenefits.sample FOLDER`: the sample, or any number of generated clients, as files."""

import argparse
import sys
from pathlib import Path

from openbenefits.sample.generator import SampleFiles, generate
from openbenefits.sample.setups import generate_setup


def main(arguments: list[str] | None = None) -> SampleFiles:
    """Write the files the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m openbenefits.sample", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument(
        "--clients",
        type=int,
        default=0,
        help="make so many clients with set-ups of their own (in FOLDER/clients)",
    )
    asked = parser.parse_args(arguments)
    people = asked.folder / "people"
    if not asked.clients:
        files = generate(people, seed=asked.seed, people=asked.people)
    else:
        setups = asked.folder / "clients"
        profiles = generate_setup(setups, asked.clients, seed=asked.seed)
        files = generate(
            people,
            seed=asked.seed,
            people=asked.people,
            clients=profiles,
            clients_setup=setups,
            is_faulty=False,
        )
    sys.stdout.write(
        f"{files.people} people with {files.dependents} dependents, {len(files.clients)} clients: {people}\n"
    )
    return files


if __name__ == "__main__":
    main()
