"""Repairs are tried on the employer that runs are tried on."""

import pytest
from tests.cli.conftest import cli
from tests.runs.conftest import Employer, contents, make_employer

__all__ = ["cli", "contents", "make_employer"]


@pytest.fixture
def enrolled(fresh_database, make_employer) -> Employer:
    """An employer whose open enrolment for 2026 is final."""
    return make_employer(fresh_database, is_faulty=False, people=60, is_enrolled=True)
