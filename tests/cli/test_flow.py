"""A client from set-up to deductions, by commands alone."""

import shutil

from openbenefits.enrollment.models import EventPlan
from openbenefits.events.models import Event
from openbenefits.workforce.models import Person


def done(result):
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_from_set_up_to_statements(cli, fresh_database, set_up, people, tmp_path):
    files = people.of("quill")
    client = ("--client", "quill")
    assert "unchanged" in done(cli("setup", "apply", set_up / "quill"))
    assert "no differences" in done(cli("setup", "diff", set_up / "quill"))

    begun = ("--as-of", "2025-10-01")
    assert f"{files.people} new" in done(cli("census", "preview", files.census, *client, *begun))
    assert "Imported as change" in done(cli("census", "apply", files.census, *client, *begun))
    assert f"{files.people} same" in done(cli("census", "preview", files.census, *client, *begun))
    assert "Data audit" in cli("census", "audit", *client, *begun).output
    assert "0 corrected" in done(cli("takeover", files.current_coverage, *client))

    assert "oe-prepare" in done(cli("run", "list", *client))
    year = ("--from", "2025-10-01", "--through", "2025-12-31")
    assert "2025-11-22" in done(cli("run", "calendar", *client, *year))
    order = (*client, "--schedule", "OE26", "--as-of", "2025-11-03")
    assert "nothing was written" in done(cli("run", "trial", *order))
    assert "options prepared" in done(cli("run", "start", *order, "--through", "options"))
    assert "oe-final" in done(cli("run", "due", *client, "--on", "2025-11-24"))

    folder = tmp_path / "letters"
    letters = (*client, "--schedule", "OE26", "--on", "2025-11-03", "--folder", folder)
    assert "statements in" in done(cli("statements", "enrollment", *letters))
    assert list(folder.glob("*.pdf"))
    assert "nothing entered" in done(cli("elect", "progress", *client, "--schedule", "OE26"))
    assert "final: enrolled" in done(cli("run", "control", "oe-final", *client, "--as-of", "2025-11-24"))
    assert "statements in" in done(cli("statements", "confirmation", *letters))

    sheet = tmp_path / "status.csv"
    done(cli("report", "BAS027", *client, "--csv", sheet))
    assert sheet.read_text().count("\n") > files.people
    register = tmp_path / "register.csv"
    january = ("--from", "2026-01-01", "--through", "2026-01-31")
    assert "lines" in done(cli("payroll", "register", *client, *january, "--file", register))
    assert "owed" in register.read_text().splitlines()[0]
    assert "Owed at quill" in done(cli("payroll", "owed", *client, *january))


def test_one_election_and_its_reasons(cli, fresh_database, set_up, people):
    files = people.of("quill")
    client = ("--client", "quill")
    begun = ("--as-of", "2025-10-01")
    done(cli("census", "apply", files.census, *client, *begun))
    done(cli("run", "start", *client, "--schedule", "OE26", "--as-of", "2025-11-03", "--through", "options"))
    prepared = Event.objects.filter(process_status="PR").values_list("person_id", flat=True)
    dental = EventPlan.objects.filter(plan_type="11", is_choice=True, is_waive_allowed=True)
    chooser = dental.filter(person_id__in=list(prepared)).first().person_id
    who = (*client, "--person", Person.objects.get(pk=chooser).employee_number)
    choice = ("--schedule", "OE26", "--plan-type", "11", "--option", "WAIVE", "--on", "2025-11-10")
    assert "1 entered" in done(cli("elect", "one", *who, *choice))
    late = ("--schedule", "OE26", "--plan-type", "11", "--option", "WAIVE", "--on", "2025-12-24")
    assert cli("elect", "one", *who, *late).exit_code == 1
    assert "Dental" in done(cli("explain", *who, "--plan-type", "11"))


def test_changed_set_up_shows_whom_it_moves(cli, fresh_database, set_up, people, tmp_path):
    files = people.of("quill")
    done(cli("census", "apply", files.census, "--client", "quill", "--as-of", "2025-10-01"))
    done(cli("takeover", files.current_coverage, "--client", "quill"))
    changed = shutil.copytree(set_up / "quill", tmp_path / "quill")
    rules = changed / "rules.yaml"
    assert "fixed_monthly: 325" in rules.read_text()
    rules.write_text(rules.read_text().replace("fixed_monthly: 325", "fixed_monthly: 250"))
    text = done(cli("setup", "diff", changed, "--as-of", "2025-10-02"))
    assert "Whom it moves" in text
    assert "release 2" in done(cli("setup", "apply", changed))
    assert "release 1" in done(cli("setup", "take-back", "quill"))


def test_doctor(cli, fresh_database, set_up):
    text = done(cli("doctor"))
    assert "set-up quill" in text
    assert "all applied" in text


def test_sample_and_scenario_schema(cli, tmp_path):
    assert "60 employees" in done(cli("sample", tmp_path / "made", "--people", 60))
    assert "Written" in done(cli("scenario", "schema", tmp_path))
    assert "peo-bundle" in done(cli("setup", "schema", tmp_path))


def test_a_benefits_base_of_one_person_is_stated_and_taken_back(cli, fresh_database, set_up, people):
    from openbenefits.workforce.models import BenefitBaseFact, Person

    client = ("--client", "quill")
    done(cli("census", "apply", people.of("quill").census, *client, "--as-of", "2025-10-01"))
    number = Person.objects.first().employee_number
    order = ("census", "base", *client, "--person", number, "--type", "BONUS", "--on", "2025-11-01")
    text = done(cli(*order, "--amount", "64,000.50"))
    facts = BenefitBaseFact.objects.order_by("version").values_list("annual_pay_cents", "is_deleted")
    assert list(facts) == [(6_400_050, False)]
    change = next(word.rstrip(";") for word in text.split() if word.rstrip(";").isdigit())
    assert "1 withdrawn" in done(cli("census", "take-back", change))
    assert facts.all()[1] == (6_400_050, True)
    assert "Change" in done(cli(*order, "--amount", "unknown"))
    assert facts.all()[2] == (None, False)
    assert (
        "no employee X9"
        in cli("census", "base", *client, "--person", "X9", "--type", "B", "--amount", "1").output
    )
    for wrong in ("-1", "1.234", "many"):
        refused = cli(*order, f"--amount={wrong}")
        assert refused.exit_code != 0
        assert "expected dollars" in " ".join(refused.output.split())
