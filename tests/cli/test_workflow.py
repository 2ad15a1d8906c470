"""Channels by commands alone, from a file to the log; a client's records handed over."""

from pathlib import Path

import pytest
from tests.runs.conftest import make_employer

from openbenefits.accounts.clock import STANDS_ON
from openbenefits.workflow.models import DeadLetter
from openbenefits.workflow.shipped_channels import FOLDER

__all__ = ["make_employer"]

CHANNEL = """channel: leave
name: Leave
kind: job
on: {changed: job_status}
items:
  - item: look
    title: Look
    task: {subject: "Look at {{person.employee_number}}"}
"""


@pytest.fixture
def harbor(fresh_database, make_employer):
    return make_employer(fresh_database, is_faulty=False, people=30)


def said(result, code=0):
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def test_channels_from_file_to_log(cli, harbor, tmp_path, monkeypatch):
    monkeypatch.setenv(STANDS_ON, "2025-11-03")
    of = ("--client", "harbor")
    assert "nothing wrong" in said(cli("workflow", "check", *sorted(FOLDER.glob("*.yaml"))))
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(CHANNEL.replace("job_status", "shoe"))
    assert "expected a field of job" in said(cli("workflow", "check", wrong), 1)
    file = tmp_path / "leave.yaml"
    file.write_text(CHANNEL)
    assert "leave: version 1" in said(cli("workflow", "apply", file, *of))
    assert "version 1 runs" in said(cli("workflow", "publish", "leave", *of))
    file.write_text(cli("workflow", "export", "leave", *of).output)
    assert "leave: version 1, published" in said(cli("workflow", "apply", file, *of))  # the same is none
    assert "channels published" in said(cli("workflow", "ship"))
    assert "there already" in said(cli("workflow", "ship"))
    assert "leave Leave (harbor, version 1)" in said(cli("workflow", "list"))
    assert "open-enrollment: 1 made" in said(cli("workflow", "due", *of, "--as-of", "2025-11-03"))
    assert "2 made" in said(cli("workflow", "start", "client-termination", *of))
    log = tmp_path / "log.csv"
    assert "Written" in said(cli("workflow", "log", *of, "--outcome", "created", "--csv", log))
    assert log.read_text().count("created") >= 3
    assert "progress of playbooks" in said(cli("workflow", "progress", *of, "--as-of", "2025-11-03"))
    assert "renewal-plan: 0 made" in said(cli("workflow", "due", "--as-of", "2025-11-03"))
    assert "of all clients" in said(cli("workflow", "progress", "--as-of", "2025-11-03"))
    days = ("--from", "2025-09-15", "--through", "2025-10-15")
    assert "leave, 2025-09-15" in said(cli("workflow", "bench", "leave", *of, *days))
    assert "runs no more" in said(cli("workflow", "publish", "leave", *of, "--end"))
    assert "expected a channel" in said(cli("workflow", "bench", "nothing", *of, *days), 1)


def test_dead_letters(cli, harbor):
    from tests.runs.conftest import NOW, START

    letter = DeadLetter.objects.create(
        client_id=harbor.client_id,
        kind="job",
        key="1-0",
        cause="change 1",
        day=START,
        told="no address",
        at=NOW,
    )
    of = ("--client", "harbor")
    assert "no address" in said(cli("workflow", "replay", *of))
    assert "given up" in said(cli("workflow", "replay", *of, letter.pk, "--drop"))
    assert "expected a dead letter" in said(cli("workflow", "replay", *of, 999), 1)


def test_a_client_is_handed_over(cli, harbor, tmp_path):
    out = tmp_path / "out"
    assert "It holds personal data" in said(cli("clients", "hand-over", "--client", "harbor", out))
    assert {"README.md", "manifest.json", "workforce_personfact.csv"} <= {
        one.name for one in Path(out).iterdir()
    }
    assert "expected a new or empty folder" in said(cli("clients", "hand-over", "--client", "harbor", out), 1)
