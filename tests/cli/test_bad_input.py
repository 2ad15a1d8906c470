"""Bad input ends in one message (who, expected, found, what to change) and an exit code, never a traceback."""

import os
import shutil

import pytest
import typer

from openbenefits.cli.deciding import UNDO, decided
from openbenefits.cli.demo import alone
from openbenefits.cli.options import parts_of
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.store import use_database


def assert_refused(result, *words, code=1):
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    text = " ".join(result.output.split())
    for word in words:
        assert word in text


@pytest.fixture
def bundle(tmp_path):
    """A copy of a client's set-up, to break."""
    return shutil.copytree(SAMPLE_FOLDER / "clients/quill", tmp_path / "quill")


def check(cli, bundle):
    return cli("setup", "check", bundle, "--peo", SAMPLE_FOLDER / "peo")


def replace(bundle, file, old, new):
    path = bundle / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_sound_bundle_passes(cli, bundle):
    result = check(cli, bundle)
    assert result.exit_code == 0
    assert "no errors" in result.output


def test_broken_yaml(cli, bundle):
    (bundle / "rules.yaml").write_text("eligibility_rules: [\n")
    assert_refused(check(cli, bundle), "rules.yaml", "line")


def test_unknown_key(cli, bundle):
    replace(bundle, "groups.yaml", "frequency:", "frequencie:")
    assert_refused(check(cli, bundle), "groups.yaml", "frequencie")


def test_day_that_is_none(cli, bundle):
    replace(bundle, "schedules.yaml", "window_ends: 2025-11-21", "window_ends: 2025-02-31")
    assert_refused(check(cli, bundle), "schedules.yaml", "expected", "found")


def test_refused_folder_brings_in_no_client(cli, bundle, fresh_database):
    cli("setup", "apply", SAMPLE_FOLDER / "peo")
    replace(bundle, "groups.yaml", "frequency: monthly", "frequency: hourly")
    assert_refused(cli("setup", "apply", bundle), "refused")
    assert_refused(cli("census", "audit", "--client", "quill"), "no client quill", "none yet")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "due", "--client", "acme", "--on", "2026-02-31"], ("2026-03-31", "2026-02-31")),
        (["run", "due", "--client", "acme", "--on", "tomorrow"], ("calendar", "tomorrow")),
        (["run", "due"], ("--client",)),
        (["elect", "file", "nowhere.csv", "--client", "acme"], ("nowhere.csv", "does not exist")),
        (["nonsense"], ("nonsense",)),
    ],
    ids=["31 February", "no day", "no client", "no file", "no command"],
)
def test_command_not_understood(cli, arguments, words):
    assert_refused(cli(*arguments), *words, code=2)


def test_unknown_names(cli, database, tmp_path):
    file = tmp_path / "census.csv"
    file.write_text("employee number\n")
    assert_refused(cli("census", "preview", file, "--client", "acme"), "no client acme", "--client")
    assert_refused(cli("run", "resume", 99), "no run 99")
    assert_refused(cli("report", "BAS999"), "BAS999", "BAS001")
    assert_refused(cli("census", "take-back", 99), "no change 99")


def test_census_refused_as_a_whole(cli, fresh_database, set_up, tmp_path):
    file = tmp_path / "census.csv"
    file.write_text("colour,size\nred,9\n")
    assert_refused(cli("census", "preview", file, "--client", "quill"), "census.csv", "expected")


def test_bad_rows_are_named_without_personal_data(cli, fresh_database, set_up, people, tmp_path):
    rows = people.of("harbor").census.read_text().splitlines()
    cells = rows[1].split(",")
    cells[rows[0].split(",").index("birth_date")] = "2099-01-01"
    name = cells[rows[0].split(",").index("last_name")]
    file = tmp_path / "census.csv"
    file.write_text("\n".join([rows[0], ",".join(cells), *rows[2:]]))
    result = cli("census", "preview", file, "--client", "quill")
    assert result.exit_code == 0, result.output
    assert "birth_date" in result.output
    assert name not in result.output


def test_unknown_run_control(cli, fresh_database, set_up):
    assert_refused(cli("run", "control", "nightly", "--client", "quill"), "nightly", "events")


def test_unknown_schedule(cli, fresh_database, set_up):
    result = cli("statements", "enrollment", "--client", "quill", "--schedule", "OE99")
    assert_refused(result, "OE99", "OE26")


def test_amount_with_too_many_decimals(cli, fresh_database, set_up, people):
    cli("census", "apply", people.of("quill").census, "--client", "quill", "--as-of", "2025-10-01")
    choice = ("--person", "Q000001", "--plan-type", "60", "--option", "FSA", "--pledge", "12.345")
    result = cli("elect", "one", "--client", "quill", "--schedule", "OE26", *choice)
    assert_refused(result, "at most 2 decimals", "12.345", code=2)


def test_database_that_does_not_answer(cli, database, monkeypatch):
    before = os.environ["DATABASE_URL"]
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
    try:
        assert_refused(cli("run", "list", "--client", "acme"), "DATABASE_URL", "doctor")
    finally:
        use_database(before)


def test_demo_refuses_a_database_of_somebody(cli, database):
    assert_refused(cli("demo"), "DATABASE_URL", "Unset")


def test_unexpected_fault_says_where_and_quotes_nothing(cli, database, monkeypatch):
    from openbenefits.workforce.models import Client

    def broken(*_args, **_kwargs):
        raise RuntimeError("Keisha Sullivan 948-27-1009")

    monkeypatch.setattr(Client.objects, "filter", broken)
    result = cli("run", "list", "--client", "acme")
    assert_refused(result, "unexpected RuntimeError", "OPENBENEFITS_DEBUG")
    assert "948" not in result.output


def test_database_url_that_is_none(cli, database, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "secret nonsense")
    result = cli("run", "list", "--client", "acme")
    assert_refused(result, "DATABASE_URL cannot be read", "postgresql://")
    assert "secret" not in result.output


def test_second_demo_waits_for_the_first(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("OPENBENEFITS_HOME", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL")
    with alone():
        assert_refused(cli("demo"), "another demo is playing")


def test_an_option_and_a_decision_there_are_none():
    with pytest.raises(typer.BadParameter, match="expected TYPE/CODE, found MED-EE"):
        parts_of("MED-EE", "TYPE/CODE")
    with pytest.raises(typer.BadParameter, match="expected eligible, ineligible, withdrawn, undo, found no"):
        decided("no", UNDO)
    assert (parts_of(None, "TYPE/CODE"), parts_of("STD/MED-EE", "PROGRAM/CODE")) == (None, ("STD", "MED-EE"))
    assert (decided("ineligible"), decided("withdrawn"), decided(UNDO, UNDO)) == (False, None, None)
