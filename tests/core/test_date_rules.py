"""Every date rule has one sentence, and the rules of the kernel are written with it."""

from pathlib import Path

import pytest

from openbenefits.core.codes import BeginRule, DeductionBeginRule, DeductionEndRule, EndRule
from openbenefits.core.date_rules import (
    BEGIN_SENTENCES,
    END_SENTENCES,
    WITH_COVERAGE,
    begin_sentence,
    end_sentence,
)

RULES = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()


def test_every_rule_has_a_sentence():
    assert set(BEGIN_SENTENCES) == set(BeginRule)
    assert set(END_SENTENCES) == set(EndRule)


def test_deductions_know_the_rules_of_coverage_and_with_coverage():
    assert {str(rule) for rule in DeductionBeginRule} == {*BEGIN_SENTENCES, "with_coverage"}
    assert {str(rule) for rule in DeductionEndRule} == {*END_SENTENCES, "with_coverage"}
    assert all(begin_sentence(rule, "the day") for rule in DeductionBeginRule)
    assert all(end_sentence(rule, "the day") for rule in DeductionEndRule)


@pytest.mark.parametrize(("rule", "sentence"), [*BEGIN_SENTENCES.items(), *END_SENTENCES.items()])
def test_the_sentences_are_those_of_the_docs(rule, sentence):
    assert f"| {rule} | {sentence.format(day='the day', receipt='')} |" in RULES


def test_with_coverage_is_in_the_docs():
    assert f'"{WITH_COVERAGE}"' in RULES
