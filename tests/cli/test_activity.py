"""`openbenefits event activity`: what waits is listed, entered and deleted; refusals say why."""

import pytest

from openbenefits.workforce.models import Person

CLIENT = ("--client", "quill")
MARRIED = ("--event-class", "MAR", "--on", "2026-03-02")


@pytest.fixture
def employee(fresh_database, cli, set_up, people):
    census = people.of("quill").census
    assert cli("census", "apply", census, *CLIENT, "--as-of", "2025-10-01").exit_code == 0
    return ("--person", Person.objects.order_by("id").first().employee_number)


def said(result):
    assert "Traceback" not in result.output
    return result.exit_code, " ".join(result.output.split())


def test_activity_is_entered_listed_and_deleted(cli, employee):
    activity = ("event", "activity")
    assert "Nothing waits" in cli(*activity, "list", *CLIENT).output
    entered = cli(*activity, "enter", *CLIENT, *employee, *MARRIED, "--reason", "told by phone")
    assert said(entered)[0] == 0
    listed = said(cli(*activity, "list", *CLIENT))[1]
    assert employee[1] in listed
    assert "2026-03-02" in listed

    again = cli(*activity, "enter", *CLIENT, *employee, *MARRIED, "--reason", "told by phone")
    assert said(again)[0] == 1
    assert "the same waiting already" in said(again)[1]
    for command in ("admit", "prove"):
        reason = "--seen" if command == "prove" else "--reason"
        refused = cli(*activity, command, *CLIENT, *employee, *MARRIED, reason, "certificate")
        assert said(refused)[0] == 1
        assert "expected" in said(refused)[1]

    place = ("--on", "2026-03-02", "--stated", "MAR")
    deleted = cli(*activity, "delete", *CLIENT, *employee, *place, "--reason", "a mistake")
    assert said(deleted)[0] == 0
    assert "Nothing waits" in cli(*activity, "list", *CLIENT).output
