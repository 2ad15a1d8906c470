"""Words of letters in the language of who reads them: days, plan types, names of set-up, words of templates.

A letter is written while its language is active (`translation.override`), and while the words of its client
are (`named_by`); what set-up calls things is said in that language where one of them knows it, and stays as
it is where neither does.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from typing import Any

import polars as pl
from django.utils.dates import MONTHS, MONTHS_3
from django.utils.translation import get_language, gettext, override

from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.programs.translations import Translations
from openbenefits.reports.rules import day_text, short_day_text

ENGLISH = "en"
_NAMED: ContextVar[Translations | None] = ContextVar("_NAMED", default=None)
"""What the client whose people read calls things, by language."""
_ASKED = re.compile(r'\b(?:t|fill)\("([^"]*)"')
_MAPPED = re.compile(r'\(((?:"[^"]*",?\s*)+)\)\.map\(t\)')
_TEXT = re.compile(r'"([^"]*)"')
_PLACE = re.compile(r"(\{\w+\})")


def day_said(day: pl.Expr) -> pl.Expr:
    """Write a day as a letter does: January 5, 2026; 5 de enero de 2026."""
    return day_text(day) if _is_english() else _day(day, gettext("{month} {day}, {year}"), MONTHS)


def days_said(day: date, languages: Iterable[str]) -> dict[str, str]:
    """Write a day in each language."""
    found = {}
    for language in languages:
        with override(language):
            found[language] = str(pl.select(day_said(pl.lit(day))).item())
    return found


def short_day_said(day: pl.Expr) -> pl.Expr:
    """Write a day as a narrow column does: Jan 5, 2026; 5 ene 2026."""
    return short_day_text(day) if _is_english() else _day(day, gettext("{short} {day}, {year}"), MONTHS_3)


@contextmanager
def named_by(translations: Translations) -> Iterator[None]:
    """Let a client's own words count while this lasts."""
    token = _NAMED.set(translations)
    try:
        yield
    finally:
        _NAMED.reset(token)


def say(name: str) -> str:
    """Say a name in the reader's language: by the client's own word, else by the catalogue's."""
    return _own_words().get(name) or gettext(name)


def said(name: pl.Expr) -> pl.Expr:
    """Say a column of names, as `say`."""
    language, own = get_language() or ENGLISH, _own_words()

    def say_there(text: str) -> str:
        with override(language):  # columns are worked on by threads, which know no language of their own
            return own.get(text) or gettext(text)

    return name if _is_english() and not own else name.map_elements(say_there, return_dtype=pl.String)


def _own_words() -> Mapping[str, str]:
    return (_NAMED.get() or {}).get((get_language() or ENGLISH).partition("-")[0], {})


def plan_type_said() -> pl.Expr:
    """Answer the plain name of a plan type."""
    return said_of("plan_type", PLAN_TYPES)


def said_of(column: str, words: Mapping[Any, str]) -> pl.Expr:
    """Say codes by their words, in the reader's language; a code without one stays."""
    return pl.col(column).replace({str(code): say(word) for code, word in words.items()})


def words_of(templates: Mapping[str, str], language: str) -> dict[str, str]:
    """Say everything that templates ask for in a language: by the English words."""
    asked = {text for template in templates.values() for text in asked_in(template)}
    with override(language):
        return {text: gettext(text) for text in sorted(asked)}


def asked_in(template: str) -> set[str]:
    """Find the words a template wants said: `t("…")`, `fill("…", …)` and `("…", "…").map(t)`.

    >>> sorted(asked_in('#t("Date") #fill("Dear {},", name) ..("From", "Through").map(t)'))
    ['Date', 'Dear {},', 'From', 'Through']
    """
    mapped = {text for group in _MAPPED.findall(template) for text in _TEXT.findall(group)}
    return {*_ASKED.findall(template), *mapped}


def _is_english() -> bool:
    return (get_language() or ENGLISH).startswith(ENGLISH)


def _day(day: pl.Expr, pattern: str, months: Mapping[int, object]) -> pl.Expr:
    names = {number: str(name) for number, name in months.items()}
    month = day.dt.month().replace_strict(names, default=None, return_dtype=pl.String)
    parts = {
        "{month}": month,
        "{short}": month,
        "{day}": day.dt.day().cast(pl.String),
        "{year}": day.dt.year().cast(pl.String),
    }
    return pl.concat_str(parts.get(part, pl.lit(part)) for part in _PLACE.split(pattern) if part)
