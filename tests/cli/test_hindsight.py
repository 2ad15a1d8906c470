"""Looking back on the command line: what was had and offered as of a day, as known on a day."""

from openbenefits.events.models import Event
from openbenefits.workforce.models import Person


def done(result):
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_what_was_had_and_offered_as_known_today_and_before(cli, fresh_database, set_up, people, tmp_path):
    client = ("--client", "quill")
    done(cli("census", "apply", people.of("quill").census, *client, "--as-of", "2025-10-01"))
    done(cli("run", "start", *client, "--schedule", "OE26", "--as-of", "2025-11-03", "--through", "options"))
    prepared = Event.objects.filter(process_status="PR").values_list("person_id", flat=True)
    who = (*client, "--person", Person.objects.get(pk=min(prepared)).employee_number)
    sheet = tmp_path / "options.csv"
    done(cli("options", *who, "--as-of", "2026-02-01", "--csv", sheet))
    assert "OE of 2026-01-01" in sheet.read_text()
    assert "Nothing was known then." in done(cli("options", *who, "--known-on", "2020-01-01"))
    assert "Nothing was known then." in done(cli("timeline", *who, "--known-on", "2020-01-01"))
    early = cli("explain", *who, "--known-on", "2020-01-01")
    assert early.exit_code == 1
    assert "found none" in early.output
    letter = (*who, "--schedule", "OE26", "--file", tmp_path / "letter.pdf")
    assert "had no such statement" in done(cli("statements", "copy", *letter, "--known-on", "2020-01-01"))
    assert "Written" in done(cli("statements", "copy", *letter, "--known-on", "2099-01-01"))
    done(cli("run", "start", *client, "--schedule", "OE26", "--as-of", "2025-11-24", "--finalize"))
    held = tmp_path / "held.csv"
    done(cli("timeline", *who, "--as-of", "2026-02-01", "--csv", held))
    assert "by default by event OE of January 1, 2026" in held.read_text()
