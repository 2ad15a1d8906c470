"""Runs on the command line: rehearsed, committed, held, released, taken back; events that wait."""

import csv
import shutil

import pytest
from django.conf import settings

from openbenefits.enrollment.models import Coverage
from openbenefits.events.models import Event
from openbenefits.runs.models import Run

CLIENT = ("--client", "quill")
ORDER = (*CLIENT, "--schedule", "OE26", "--as-of", "2025-11-03")
LIMIT = """run_limits:
- {code: ALL, from: 2025-01-01, source: test, dollars_per_pay: 0}
"""


@pytest.fixture
def counted(cli, fresh_database, set_up, people, tmp_path, monkeypatch):
    """A client with people; rehearsals are kept in a folder of the test."""
    monkeypatch.setattr(settings, "REHEARSALS", tmp_path / "rehearsals")
    census = people.of("quill").census
    assert cli("census", "apply", census, *CLIENT, "--as-of", "2025-10-01").exit_code == 0
    return set_up


def words(result):
    return " ".join(result.output.split())


def test_a_rehearsal_is_shown_written_and_committed(cli, counted, tmp_path):
    assert "No rehearsal is kept" in words(cli("run", "rehearsals"))
    made = cli("run", "rehearse", *ORDER, "--finalize", "--csv", tmp_path / "told.csv", "--by", "ann")
    assert made.exit_code == 0, made.output
    assert "Rehearsal 1: nothing was written" in words(made)
    assert not Run.objects.exists()
    by_person = list(csv.DictReader((tmp_path / "told-by-person.csv").read_text().splitlines()))
    assert by_person
    assert all(row["employee_number"] and row["client"] == "quill" for row in by_person)
    assert {row["before"] for row in by_person} == {""}
    assert "ann" in words(cli("run", "rehearsals"))
    shown = cli("run", "rehearsal", "1", "--xlsx", tmp_path / "told.xlsx")
    assert shown.exit_code == 0
    assert (tmp_path / "told.xlsx").exists()
    done = cli("run", "commit", "1")
    assert done.exit_code == 0, done.output
    assert "committed" in words(done)
    points = Coverage.objects.count()
    assert cli("run", "commit", "1").exit_code == 0
    assert Coverage.objects.count() == points, "committed twice is committed once"
    for wrong in (("run", "commit", "9"), ("run", "rehearsal", "9")):
        result = cli(*wrong)
        assert result.exit_code == 1
        assert "there are: 1" in words(result)
        assert "Traceback" not in result.output


def test_a_run_is_held_released_and_taken_back(cli, counted, tmp_path):
    shutil.copytree(counted / "quill", tmp_path / "quill")
    (tmp_path / "quill" / "run_limits.yaml").write_text(LIMIT)
    assert cli("setup", "apply", tmp_path / "quill").exit_code == 0
    assert "No run is held" in words(cli("run", "held"))
    held = cli("run", "start", *ORDER, "--finalize", "--by", "ann")
    assert held.exit_code == 0, held.output
    assert "Held for a person: at most $0.00 differing in one pay expected" in words(held)
    number = Run.objects.get().pk
    listed = words(cli("run", "held", *CLIENT))
    assert f"{number} │ quill" in listed
    released = cli("run", "release", number, "--reason", "looked at", "--by", "bob")
    assert released.exit_code == 0, released.output
    assert Run.objects.get().state == "done"
    back = cli("run", "take-back", number, "--reason", "the wrong rates", "--by", "bob")
    assert back.exit_code == 0, back.output
    assert f"Run {number} is taken back" in words(back)
    for wrong in (("release", number), ("take-back", number), ("release", 99), ("take-back", 99)):
        result = cli("run", *wrong, "--reason", "again")
        assert result.exit_code == 1
        assert "Traceback" not in result.output


def test_events_that_wait_say_for_whom_and_what_they_hold_back(cli, counted, tmp_path):
    assert "No event of quill waits" in words(cli("event", "held", *CLIENT))
    assert cli("run", "start", *ORDER, "--through", "options").exit_code == 0
    file = tmp_path / "held.csv"
    inside = cli("event", "held", *CLIENT, "--as-of", "2025-11-10", "--csv", file)
    assert inside.exit_code == 0, inside.output
    rows = list(csv.DictReader(file.read_text().splitlines()))
    prepared = [row for row in rows if row["process_status"] == "PR"]
    assert {(row["held_by"], row["why"]) for row in prepared} == {("the employee", "an election")}
    faulty = [row for row in rows if row["process_status"] in ("AE", "PE")]
    assert faulty
    assert {row["held_by"] for row in faulty} == {"the administrator"}
    assert all(row["why"].startswith("errors to correct: BA") for row in faulty)
    cli("event", "held", *CLIENT, "--as-of", "2026-01-10", "--csv", file)
    late = [row for row in csv.DictReader(file.read_text().splitlines()) if row["process_status"] == "PR"]
    assert {row["why"] for row in late} == {"the window has ended without an answer"}


def test_one_run_over_all_schedules_needs_no_schedule(cli, counted):
    done = cli("run", "start", *CLIENT, "--as-of", "2025-11-03", "--through", "options")
    assert done.exit_code == 0, done.output
    assert Run.objects.get().schedule_id is None
    assert Event.objects.filter(process_status="PR").exists()
