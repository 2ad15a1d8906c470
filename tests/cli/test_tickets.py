"""Tasks and cases by commands alone."""

import re

from tests.casework.conftest import build


def done(result):
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_task_and_a_case_from_opening_to_end(cli, fresh_database, kept):
    kept(fresh_database, "casework", build)
    said = done(cli("tasks", "open", "Call them", "--client", "acme", "--due", "2026-01-05", "--user", "bob"))
    number = re.search(r"Task (\d+) is open", said)[1]
    assert "Call them" in done(cli("tasks", "list", "--client", "acme", "--due", "overdue"))
    assert "0 tasks" in done(cli("tasks", "list", "--client", "bolt"))
    done(cli("tasks", "assign", number, "--queue", "payroll"))
    assert "1" in done(cli("work", "queues"))
    done(cli("tasks", "comment", number, "nobody there"))
    assert "1 overdue" in done(cli("work", "escalate"))
    assert "0 reached level 1, 0 level 2; 0 due soon, 0 overdue; 0 mails" in done(cli("work", "escalate"))
    assert "is complete" in done(cli("tasks", "complete", number, "--reason", "they called"))
    shown = done(cli("tasks", "show", number))
    assert all(one in shown for one in ("nobody there", "they called", "status new → complete"))
    said = done(cli("cases", "open", "Her letter", "--client", "acme", "--type", "general/complaint"))
    case = re.search(r"Case (\d+) is open", said)[1]
    assert "is closed" in done(cli("cases", "cancel", case))
    for wrong in (
        ("tasks", "show", case),
        ("tasks", "assign", number, "--user", "nobody"),
        ("cases", "show", 99),
    ):
        refused = cli(*wrong)
        assert refused.exit_code == 1
        assert "expected" in refused.output
