"""Every word of the portal has its Spanish, and the compiled catalogue is the written one."""

import gettext
import re
from pathlib import Path

import pytest
from django.utils import translation

import openbenefits
from openbenefits.core.codes import ChoiceActKind, DocumentKind, DocumentState
from openbenefits.core.plan_types import DELIVERED
from openbenefits.portal import pays, words

CATALOGUE = Path(openbenefits.__file__).parent / "locale" / "es" / "LC_MESSAGES" / "django.po"
SAME = {"401(k)", "Dental"}
"""What is the same word in both languages."""
BY_CODE = (words.MEANINGS, words.RELATIONSHIPS, words.WHY_NOT, words.DOCUMENT_KINDS, words.DOCUMENT_STATES,
           words.CHANGES, words.ACTS, words.WAITS, words.REFUSALS, words.QUESTIONS, words.LETTERS, words.WAYS)  # fmt: skip


def entries() -> list[tuple[str, str]]:
    """The words and their translations, as written; each part of a plural is one."""
    found = []
    for entry in CATALOGUE.read_text().split("\n\n")[1:]:
        parts = re.findall(r'^(msgid(?:_plural)?|msgstr(?:\[\d\])?) ((?:".*"\n?)+)', entry, re.MULTILINE)
        told = {name: "".join(re.findall(r'"(.*)"', text)) for name, text in parts}
        found += [(told["msgid"], text) for name, text in told.items() if name.startswith("msgstr")]
    return found


def test_nothing_is_left_untranslated_or_guessed():
    assert len(entries()) > 400
    assert [one for one, said in entries() if not said] == []
    assert "fuzzy" not in CATALOGUE.read_text()


def test_the_compiled_catalogue_is_the_written_one():
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    said = {text.replace('\\"', '"').replace("\\n", "\n") for _, text in entries()}
    assert {text for text in compiled._catalog.values() if not text.startswith("Project")} == said


@pytest.mark.parametrize("told", BY_CODE)
def test_words_by_code_are_in_both_languages(told):
    for code, word in told.items():
        with translation.override("en-us"):
            english = str(word)
        with translation.override("es"):
            assert str(word) != english, code


def test_every_code_and_plan_type_has_a_word():
    assert set(words.DOCUMENT_KINDS) == set(DocumentKind)
    assert set(words.DOCUMENT_STATES) == set(DocumentState)
    assert set(words.ACTS) == set(ChoiceActKind)
    with translation.override("es"):
        for name in (*words.PLAN_TYPE_NAMES, *words.TIER_NAMES):
            assert translation.gettext(name) != name or name in SAME, name
        assert all(str(cause) for cause in pays.CAUSES)
    known = {name for code, name in DELIVERED.items() if code[0] in "123"}
    assert known - set(words.PLAN_TYPE_NAMES) <= {"Federal life (2Y)", "Federal life (2Z)"}
