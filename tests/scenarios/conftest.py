"""A story that is right, to be spoilt by each test in one place."""

from pathlib import Path

import pytest

SETUP = Path(__file__).parents[2] / "scenarios" / "setup"

RIGHT = """\
name: Hired
source: test
setup: {peo: SETUP/peo, client: SETUP/office}
people:
  ann:
    born: 1986-06-15
    zip: "02110"
    job: {company: OFF, group: ALL, pay_group: BW, hours: 40, annual_pay: 52000}
    dependents:
      sam: {kind: SP, born: 1985-02-03}
steps:
  - on: 2026-03-02
    hire: {}
  - on: 2026-03-02
    run: {schedule: EM}
    expect:
      - event: {status: PR}
        options: {HMO-EE: {per_pay: 50}}
        plans: {"10": {coverage_begins: 2026-05-01}}
"""


@pytest.fixture
def story(tmp_path):
    """Write the story with texts replaced, and answer its file."""

    def write(*replacements, extra=""):
        text = RIGHT.replace("SETUP", str(SETUP)) + extra
        for before, after in replacements:
            assert before in text, before
            text = text.replace(before, after)
        file = tmp_path / "story.yaml"
        file.write_text(text)
        return file

    return write


@pytest.fixture(scope="module", autouse=True)
def beside_the_databases_of_tests(embedded_server):
    """Stories are played where the other databases of tests are: in memory, where there is plenty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENBENEFITS_HOME", str(embedded_server.folder.parent))
        yield
