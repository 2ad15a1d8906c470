"""The command line as a person uses it: arguments in, text and exit code out, on a clone of the test database."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from openbenefits.cli.main import app
from openbenefits.sample import SAMPLE_FOLDER, SampleFiles, generate

PEOPLE = 90

Cli = Callable[..., Result]


@pytest.fixture(scope="session")
def cli() -> Cli:
    """Answer a function that runs a command; its output and error output come together."""
    runner = CliRunner()

    def run(*arguments: object) -> Result:
        return runner.invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    return generate(tmp_path_factory.mktemp("people"), seed=3, people=PEOPLE)


@pytest.fixture
def set_up(cli: Cli, fresh_database: Any, kept: Any) -> Path:
    """Put the sample's set-up into force; answer the clients' folder."""
    found: Path = kept(fresh_database, "cli: set-up", lambda: put_set_up(cli))
    return found


def put_set_up(cli: Cli) -> Path:
    for folder in (SAMPLE_FOLDER / "peo", SAMPLE_FOLDER / "clients/quill"):
        assert cli("setup", "apply", folder).exit_code == 0
    return SAMPLE_FOLDER / "clients"
