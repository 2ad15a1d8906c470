"""`openbenefits elect`: what one election states, on the command line and in a file."""

import pytest
from tests.cli.conftest import put_set_up

from openbenefits.enrollment.models import Election, EventPlan
from openbenefits.events.models import Event
from openbenefits.workforce.models import Person

ORDER = ("--client", "quill", "--schedule", "OE26")
DENTAL = ("--plan-type", "11", "--option", "WAIVE")


@pytest.fixture
def chooser(cli, fresh_database, kept, people):
    """The number of somebody who may decline dental."""
    return kept(fresh_database, "cli: elect", lambda: _chooser(cli, people))


def _chooser(cli, people):
    put_set_up(cli)
    census = people.of("quill").census
    done = cli("census", "apply", census, "--client", "quill", "--as-of", "2025-10-01")
    assert done.exit_code == 0, done.output
    assert cli("run", "start", *ORDER, "--as-of", "2025-11-03", "--through", "options").exit_code == 0
    prepared = list(Event.objects.filter(process_status="PR").values_list("person_id", flat=True))
    plans = EventPlan.objects.filter(plan_type="11", is_choice=True, is_waive_allowed=True)
    found = plans.filter(person_id__in=prepared).order_by("person_id").first()
    return Person.objects.get(pk=found.person_id).employee_number


def one(cli, chooser, *more):
    return cli("elect", "one", *ORDER, "--person", chooser, *DENTAL, "--on", "2025-11-10", *more)


@pytest.mark.parametrize("word", ["paid", "forfeited", "rolled_over"])
def test_what_becomes_of_credits_left_over_is_entered(cli, chooser, word):
    result = one(cli, chooser, "--credit-rollover", word)
    assert (result.exit_code, "1 entered" in result.output) == (0, True)
    assert Election.objects.get().credit_rollover == word


def test_a_word_nobody_knows_is_a_bad_row_with_its_cure(cli, chooser):
    result = one(cli, chooser, "--credit-rollover", "kept")
    text = " ".join(result.output.split())
    assert result.exit_code == 1
    assert "credit_rollover" in text
    assert "one of paid, forfeited" in text
    assert not Election.objects.exists()


def test_a_file_says_it_in_words(cli, chooser, tmp_path):
    head = "employee_number,schedule,plan_type,option,received_on,Credit Rollover"
    file = tmp_path / "elections.csv"
    file.write_text(f"{head}\n{chooser},OE26,11,WAIVE,2025-11-10,Rolled over\n")
    result = cli("elect", "file", file, "--client", "quill")
    assert (result.exit_code, "1 entered" in result.output) == (0, True)
    assert Election.objects.get().credit_rollover == "rolled_over"


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--percent", "6.0001"),
        ("--after-tax", "six"),
        ("--hours", "1.005"),
        ("--pledge", "NaN"),
        ("--coverage", "1.001"),
        ("--fund", "INDEX"),
        ("--beneficiary", "1"),
        ("--contingent", "x:50"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_option(cli, chooser, option, text):
    result = one(cli, chooser, option, text)
    assert result.exit_code == 2
    assert option in result.output
    assert "Traceback" not in result.output
    assert not Election.objects.exists()
