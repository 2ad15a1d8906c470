"""Repairs are tried on the employer that runs are tried on."""

from tests.runs.conftest import contents, make_employer

__all__ = ["contents", "make_employer"]
