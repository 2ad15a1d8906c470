"""Filters of the portal's templates: money by the one function, and words by code."""

from functools import lru_cache
from typing import Any

import polars as pl
from django import template

from openbenefits.choosing.offered import Choice, PlanChoice
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.portal import words
from openbenefits.reports.rules import hundredths_text, money_text, percent_text, whole_money_text
from openbenefits.reports.spoken import say

register = template.Library()
ABSENT = "\N{EN DASH}"


@register.filter
def money(cents: int | None) -> str:
    """Write cents as dollars; a dash where they are not known."""
    return ABSENT if cents is None else _money(cents)


@register.filter
def whole(cents: int | None) -> str:
    """Write cents as dollars, without cents where there are none."""
    return ABSENT if cents is None else _whole(cents)


@register.filter
def percent(thousandths: int | None) -> str:
    """Write thousandths of a percent."""
    return ABSENT if thousandths is None else _percent(thousandths)


@register.filter
def hours(hundredths: int | None) -> str:
    """Write hundredths of an hour, or of a percent."""
    return ABSENT if hundredths is None else _hundredths(hundredths)


@lru_cache(maxsize=8192)
def _money(cents: int) -> str:
    return str(pl.select(money_text(pl.lit(cents, pl.Int64))).item())


@lru_cache(maxsize=8192)
def _whole(cents: int) -> str:
    return str(pl.select(whole_money_text(pl.lit(cents, pl.Int64))).item())


@lru_cache(maxsize=1024)
def _percent(thousandths: int) -> str:
    return str(pl.select(percent_text(pl.lit(thousandths, pl.Int64))).item())


@lru_cache(maxsize=1024)
def _hundredths(hundredths: int) -> str:
    return str(pl.select(hundredths_text(pl.lit(hundredths, pl.Int64))).item())


@register.filter
def said(name: Any) -> str:
    """Say a name of the set-up or of the product in the reader's language, where it is known there."""
    return say(str(name)) if name else ""


@register.filter
def relationship(code: str) -> str:
    """Say what somebody is to the employee."""
    return str(words.RELATIONSHIPS.get(code, code))


@register.filter
def why_not(word: str) -> str:
    """Say why somebody cannot be covered."""
    return str(words.WHY_NOT.get(word, word))


@register.filter
def silent(plan: PlanChoice) -> str:
    """Say what happens in a plan type without an answer."""
    return words.silent(plan)


@register.filter
def option_name(option: Choice) -> str:
    """Name an option with whom, or how much, it covers."""
    return words.option_name(option)


@register.filter
def meaning(plan_type: str) -> str:
    """Say in plain words what a kind of plan is for."""
    return str(words.meaning_of(plan_type))


@register.filter
def change_word(change: str) -> str:
    """Say how a plan type differs from today."""
    return str(words.CHANGES.get(str(change), change))


@register.filter
def act_word(kind: str) -> str:
    """Say what somebody did."""
    return str(words.ACTS.get(kind, kind))


@register.filter
def paper_kind(kind: str) -> str:
    """Name a kind of paper."""
    return str(words.DOCUMENT_KINDS.get(kind, kind))


@register.filter
def paper_state(state: str) -> str:
    """Say where a paper stands."""
    return str(words.DOCUMENT_STATES.get(state, state))


@register.filter
def waits_word(code: str) -> str:
    """Say what a submission waits for."""
    return str(words.WAITS.get(code, code))


@register.filter
def plan_type_name(code: str) -> str:
    """Name a plan type."""
    return say(PLAN_TYPES.get(code, code))
