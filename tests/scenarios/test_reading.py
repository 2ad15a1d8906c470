"""Bad story files: each fault is named with file and line, and what to change."""

from pathlib import Path

import pytest

from openbenefits.scenarios.reading import read_story

FAULTS = [
    ("a key nobody knows", ("source: test", "sauce: test"), 2, "`sauce`", "Did you mean `source`?"),
    ("a key inside a person", ("    born: 1986", "    borne: 1986"), 6, "`borne`", "Did you mean `born`?"),
    ("a key inside an expectation", ("{per_pay: 50}", "{per_day: 50}"), 18, "`per_day`", "Did you mean `per_pay`?"),
    ("no such day", ("hire: {}", "hire: {effective: 2026-02-31}"), 13, "2026-02-31", "Correct the day."),
    ("text for a number", ("per_pay: 50", "per_pay: fifty"), 18, "`fifty`", "Correct the value."),
    ("three decimals", ("per_pay: 50", "per_pay: 50.125"), 18, "`50.125`", "Round it as the plan document does."),
    ("a zip that is a number", ('"02110"', "12110"), 7, "`12110`", "Put the value in quotes."),
    ("a status nobody knows", ("status: PR", "status: XX"), 17, "`XX`", "Correct the value."),
    ("a name with blanks", ("      sam:", "      Uncle Sam:"), 10, "`Uncle Sam`", "Correct the value."),
    ("a list instead of a mapping", ("{status: PR}", "[PR]"), 17, "a list", "Correct the value."),
    ("two things in a step", ("hire: {}", "hire: {}\n    rehire: {}"), 12, "hire, rehire", "Write a step for each."),
    ("nothing in a step", ("    hire: {}\n", ""), 12, "neither", "Say what happens."),
    ("steps out of order", ("  - on: 2026-03-02\n    run", "  - on: 2026-03-01\n    run"), 14, "2026-03-01", "Put the steps in order."),
    ("an unknown person", ("hire: {}", "hire: {person: bob}"), 13, "`bob`", "Correct the name."),
    ("an empty expectation", ("event: {status: PR}\n        options: {HMO-EE: {per_pay: 50}}\n        plans: {\"10\": {coverage_begins: 2026-05-01}}", "person: ann"), 17, "nothing", "Say what must be true."),
    ("outcomes without a run", ("hire: {}", "hire: {}\n    run_outcomes: {processed: 1}"), 14, "none", "Move it to the step of the run."),
]  # fmt: skip


@pytest.mark.parametrize(("why", "change", "line", "found", "cure"), FAULTS, ids=[one[0] for one in FAULTS])
def test_a_fault_is_named_with_its_line(story, why, change, line, found, cure):
    file = read_story(story(change))
    assert file.story is None
    finding = next(one for one in file.findings if one.cure == cure)
    assert (finding.file, finding.line) == ("story.yaml", line)
    assert found in finding.found


def test_all_faults_are_listed_at_once(story):
    file = read_story(story(("born: 1986-06-15", "borne: 1986-06-15"), ("per_pay: 50", "per_pay: fifty")))
    assert [one.line for one in file.findings] == [6, 18]


def test_a_missing_section_is_named(story):
    file = read_story(story(("name: Hired\n", "")))
    assert [one.expected for one in file.findings] == ["a value for `name`"]


def test_an_unknown_dependent_is_named(story):
    extra = '  - on: 2026-03-03\n    elect: {choices: {"10": {option: HMO-ES, dependents: [tom]}}}\n'
    (finding,) = read_story(story(extra=extra)).findings
    assert (finding.found, finding.line) == ("`tom`", 21)
    assert "sam" in finding.expected


def test_what_is_no_yaml_or_no_file_is_a_finding(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: [\n")
    assert read_story(broken).findings[0].code == "yaml"
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    assert read_story(empty).findings[0].found == "an empty file"
    assert read_story(Path("nowhere.yaml")).findings[0].code == "file"


def test_aliases_are_refused(tmp_path):
    file = tmp_path / "alias.yaml"
    file.write_text("name: &n x\nsource: *n\n")
    assert "alias" in read_story(file).findings[0].found
