"""Databases of stories: whatever a process keeps of one database is not taken for another's."""

from pathlib import Path

from openbenefits.programs.services import PEO, loaded_in_force
from openbenefits.scenarios.databases import Setup, scratch_database

FOLDER = Path(__file__).parents[2] / "scenarios" / "setup"


def test_two_setups_built_by_one_process_are_each_its_own():
    for name in ("One", "Two"):
        changes = (("peo.bundle.name", f"{name} of this test"),)
        with scratch_database(Setup(FOLDER / "peo", FOLDER / "office", changes)):
            found = loaded_in_force(PEO)
            assert found is not None
            assert found.parts.bundle.name == f"{name} of this test"
