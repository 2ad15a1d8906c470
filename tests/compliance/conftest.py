"""Duties are tried on the employer that repairs are tried on."""

from tests.cli.conftest import cli
from tests.repair.conftest import enrolled
from tests.runs.conftest import make_employer

__all__ = ["cli", "enrolled", "make_employer"]
