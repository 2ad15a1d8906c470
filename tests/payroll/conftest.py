"""A world for the tests of payroll."""

import pytest

from .worlds import World


@pytest.fixture
def world(fresh_database, tmp_path):
    return World(fresh_database, tmp_path)
