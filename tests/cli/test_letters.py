"""Letters and reports of one's own, by commands alone."""

import json

import pytest
from django.test import override_settings
from tests.runs.conftest import make_employer

from openbenefits.delivery.models import Document

__all__ = ["make_employer"]


@pytest.fixture
def harbor(fresh_database, make_employer):
    return make_employer(fresh_database, is_faulty=False, people=60, is_enrolled=True)


def done(result):
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_letters_from_making_to_what_became_of_them(cli, harbor, tmp_path):
    client = ("--client", "harbor")
    assert "H000003 gets letters by portal" in done(
        cli(
            "letters",
            "way",
            "portal",
            *client,
            "--person",
            "H000003",
            "--how",
            "on paper",
            "--agreed",
            "2026-01-05",
        )
    )
    people = ("--person", "H000003", "--person", "H000004")
    assert "2 letters" in done(cli("letters", "coverage", *client, *people, "--as-of", "2026-02-01"))
    assert "1 mails sent" in done(cli("letters", "mail", *client))
    said = done(cli("letters", "batch", *client, "--folder", tmp_path))
    assert "1 letters, 1 pages" in said
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".csv", ".pdf", ".pdf"]
    number = said.split("Batch ")[1].split(":")[0]
    assert "1 letters are sent" in done(cli("letters", "sent", number, *client))
    printed = Document.objects.order_by("pk").last().pk
    back = tmp_path / "back.csv"
    back.write_text(f"letter\n{printed}\n")
    assert "go out once more" in done(cli("letters", "fate", "returned", back, *client, "--resend"))
    assert "waiting" in done(cli("letters", "list", *client))
    assert "nothing" in done(
        cli("letters", "loss", *client, "--since", "2026-01-01", "--as-of", "2026-02-01")
    )
    wrong = cli("letters", "batch", *client, "--folder", tmp_path)
    assert wrong.exit_code == 0  # the one that is sent again
    assert cli("letters", "batch", *client, "--folder", tmp_path).exit_code == 1


def test_reports_of_ones_own(cli, harbor, tmp_path):
    client = ("--client", "harbor")
    assert "renewal-elections" in done(cli("adhoc", "list", *client))
    assert "people: Everybody" in done(cli("adhoc", "subjects"))
    sheet = tmp_path / "who.csv"
    assert "Has elected" in done(cli("adhoc", "run", "renewal-progress", *client, "--csv", sheet))
    assert sheet.read_text().startswith("Department,Has elected,Rows")
    query = tmp_path / "query.json"
    query.write_text(json.dumps({"subject": "people", "columns": ["employee_number"]}))
    assert "60 rows" in done(cli("adhoc", "run", query, *client))
    query.write_text(json.dumps({"subject": "people", "columns": ["nothing"]}))
    refused = cli("adhoc", "run", query, *client)
    assert (refused.exit_code, "expected a column of the subject" in " ".join(refused.output.split())) == (
        1,
        True,
    )
    assert done(cli("adhoc", "due")) == ""
