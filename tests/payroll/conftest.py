"""A world for the tests of payroll."""

import pytest

from .worlds import World


@pytest.fixture
def world(fresh_database, kept, tmp_path):
    return kept(fresh_database, "payroll", lambda: World(fresh_database, tmp_path))
