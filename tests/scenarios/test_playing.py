"""What a story says when it is not true, or cannot be played."""

import os

import openbenefits.scenarios as scenarios
from openbenefits.scenarios.services import play_file, run


def test_a_true_story_is_met(story):
    result = play_file(story())
    assert result.is_met, result.sentences()
    assert str(result).startswith("ok: story.yaml: Hired (2 steps")


def test_each_difference_says_where_and_what(story):
    file = story(("per_pay: 50", "per_pay: 51"), ("2026-05-01", "2026-06-01"), ("status: PR", "status: FE"))
    result = play_file(file)
    assert not result.is_met
    event = "step 2: ann, event HIR of 2026-03-02"
    assert result.sentences() == [
        f"story.yaml, line 17: {event}, status: expected FE, found PR",
        f"story.yaml, line 18: {event}, option HMO-EE, per pay: expected 51.00, found 50.00",
        f"story.yaml, line 19: {event}, plan type 10, coverage begins: expected 2026-06-01, found 2026-05-01",
    ]


def test_an_option_that_the_setup_does_not_have_is_no_difference_in_price(story):
    (said,) = play_file(story(("HMO-EE", "HMI-EE"))).sentences()
    assert "option HMI-EE: expected an option of the set-up" in said


def test_what_holds_is_told_when_there_is_more_or_less(story):
    extra = '        coverage: {"10": [{option: HMO-EE}]}\n        deductions: {"10": {periods: 1}}\n'
    result = play_file(story(extra=extra))
    assert [one.found for one in result.differences] == ["none", "0"]


def test_a_change_of_the_setup_by_path_holds_for_this_story_alone(story):
    change = (
        "people:\n",
        "changes: {'client.event_rules[MED].classes[HIR].waiting_days': 0}\npeople:\n",
    )
    changed = play_file(story(change))
    assert [one.found for one in changed.differences] == ["2026-04-01"]
    assert play_file(story()).is_met


def test_a_path_that_leads_nowhere_is_a_finding(story):
    change = ("people:\n", "changes: {'client.event_rules[MEDI].classes[HIR].waiting_days': 0}\npeople:\n")
    (finding,) = play_file(story(change)).findings
    assert finding.line == 4
    assert "MED" in finding.found
    assert "`MEDI`" in finding.found


def test_a_setup_that_its_audit_refuses_is_a_finding(story):
    change = ("people:\n", "changes: {'client.event_rules[MED].classes[HIR].waiting_days': 91}\npeople:\n")
    result = play_file(story(change))
    assert {one.code for one in result.findings} == {"wait"}
    assert str(result).startswith("not played: story.yaml")


def test_a_setup_that_is_not_there_is_a_finding(story):
    (finding,) = play_file(story(("/peo,", "/pea,"))).findings
    assert (finding.where, finding.line) == ("setup.peo", 3)


def test_a_step_that_cannot_be_played_ends_the_story(story):
    (finding,) = play_file(story(("schedule: EM", "schedule: EN"))).findings
    assert "EM, OE26" in finding.found
    assert finding.line == 15


def test_a_step_may_be_expected_to_be_refused(story):
    extra = "  - on: 2026-03-03\n    hire: {}\n    refused: true\n"
    assert play_file(story(extra=extra)).is_met
    extra = "  - on: 2026-03-03\n    move: {zip: '02111'}\n    refused: true\n"
    (difference,) = play_file(story(extra=extra)).differences
    assert difference.found == "it was done"


def test_nothing_changed_notices_a_change(story):
    extra = "  - on: 2026-03-03\n    elect: {choices: {'11': {option: DEN-EE}}}\n    nothing_changed: true\n"
    result = play_file(story(extra=extra))
    assert "enrollment_election" in {one.about for one in result.differences}


def test_django_points_where_it_did_before(story):
    before = os.environ["DATABASE_URL"]
    play_file(story())
    assert os.environ["DATABASE_URL"] == before


def test_folders_are_searched_for_stories_and_progress_is_told(story):
    told = []
    file = story()
    results = scenarios.run([file.parent], progress=lambda done, total: told.append((done, total)))
    assert [one.name for one in results] == ["Hired"]
    assert told == [(1, 1)]
    assert run([]) == []
