"""Repairs are tried on the employer that runs are tried on."""

import pytest
from tests.cli.conftest import cli
from tests.runs.conftest import NOW, Employer, contents, make_employer

from openbenefits.core.codes import Level
from openbenefits.runs.services import run

__all__ = ["cli", "contents", "make_employer"]


@pytest.fixture
def enrolled(fresh_database, make_employer) -> Employer:
    """An employer whose open enrolment for 2026 is final."""
    employer = make_employer(fresh_database, is_faulty=False, people=60)
    run(fresh_database, employer.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
    return employer
