"""`openbenefits report HELD` and `openbenefits event windows`: who waits after a window has ended."""

import csv

import pytest

CLIENT = ("--client", "quill")


@pytest.fixture
def prepared(cli, fresh_database, set_up, people):
    """Open enrolment of a small client, prepared and not answered; its window ends in November."""
    census = people.of("quill").census
    assert cli("census", "apply", census, *CLIENT, "--as-of", "2025-10-01").exit_code == 0
    order = (*CLIENT, "--schedule", "OE26", "--as-of", "2025-11-03", "--through", "options")
    assert cli("run", "start", *order).exit_code == 0


def rows_of(cli, path, as_of):
    result = cli("report", "HELD", *CLIENT, "--as-of", as_of, "--csv", path)
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(path.read_text().splitlines()))


def test_held_windows_on_screen_and_as_csv(cli, prepared, tmp_path):
    assert rows_of(cli, tmp_path / "inside.csv", "2025-11-10") == []
    rows = rows_of(cli, tmp_path / "held.csv", "2025-12-05")
    assert rows
    assert {row["held_by"] for row in rows} == {"the run of window ends"}
    assert {row["event_class"] for row in rows} == {"OE"}
    assert all(int(row["days_held"]) > 0 for row in rows)
    listed = cli("event", "windows", *CLIENT, "--as-of", "2025-12-05")
    assert listed.exit_code == 0
    shown = " ".join(listed.output.split())
    assert "Ended windows of quill as of 2025-12-05" in shown
    assert rows[0]["employee_number"] in shown
    assert rows[0]["employee_number"] not in cli("event", "windows", *CLIENT, "--as-of", "2025-11-10").output
    moved_and_reopened(cli, rows[0])


def moved_and_reopened(cli, row):
    """A window that runs ends later; one that has ended is opened again; the wrong act says which is right."""
    event = (*CLIENT, "--schedule", "OE26", "--person", row["employee_number"], "--reason", "away")
    later = cli("event", "extend-window", *event, "--until", "2099-01-31")
    assert later.exit_code == 1
    assert "expected" in " ".join(later.output.split())
    assert "Traceback" not in later.output
    reopened = cli("event", "reopen-window", *event, "--until", "2099-12-31")
    assert (reopened.exit_code, "open again until 2099-12-31" in reopened.output) == (0, True)
    later = cli("event", "extend-window", *event, "--until", "2100-01-31")
    assert (later.exit_code, "now ends on 2100-01-31" in later.output) == (0, True)
    assert row["employee_number"] not in cli("event", "windows", *CLIENT, "--as-of", "2025-12-05").output


def test_unknown_clients_are_refused(cli, prepared):
    for command in (("report", "HELD"), ("event", "windows")):
        result = cli(*command, "--client", "nobody")
        assert result.exit_code == 1
        assert "Traceback" not in result.output
