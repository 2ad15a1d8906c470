"""Review looks at the employer that runs are tried on."""

from datetime import date

import pytest
from django.db import connections
from tests.cli.conftest import cli
from tests.runs.conftest import NOW, Employer, contents, make_employer

from openbenefits.core.codes import Level
from openbenefits.runs.services import run

__all__ = ["cli", "contents", "make_employer"]

AS_OF = date(2025, 11, 3)


@pytest.fixture
def prepared(fresh_database, kept, make_employer) -> Employer:
    """An employer whose open enrolment for 2026 is prepared, its data faulty as the sample's is."""

    def build() -> Employer:
        employer = make_employer(fresh_database, people=60)
        run(connections["default"], employer.order(through=Level.OPTIONS), now=NOW)
        return employer

    return kept(fresh_database, "review: prepared", build)
