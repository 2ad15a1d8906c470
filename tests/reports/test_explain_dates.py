"""The sentence an explanation gives each day: rule, day counted from, wait, receipt (docs/rules.md §5)."""

from datetime import date

import pytest

from openbenefits.core.codes import BeginRule, DeductionBeginRule

from .test_explain import elect, events, hired_newcomer, page, process

COVERAGE = [
    ("event_date", "on March 2, 2026", date(2026, 3, 2)),
    ("day_after_event", "the day after March 2, 2026", date(2026, 3, 3)),
    ("first_of_month_after", "first of the month after March 2, 2026", date(2026, 4, 1)),
    ("first_of_month_on_or_after", "first of the month on or after March 2, 2026", date(2026, 4, 1)),
    ("first_pay_period_after", "first full pay period that begins after March 2, 2026", date(2026, 3, 16)),
    (
        "first_pay_period_on_or_after",
        "first full pay period that begins on or after March 2, 2026",
        date(2026, 3, 2),
    ),
    (
        "first_of_month_after_receipt",
        "first of the month after the election is received",
        date(2026, 4, 1),  # counted from the event until one is received
    ),
    (
        "later_of_event_and_receipt",
        "the later of March 2, 2026 and the receipt of the election",
        date(2026, 3, 2),
    ),
]


def test_every_rule_is_asked():
    assert [rule for rule, _, _ in COVERAGE] == [str(rule) for rule in BeginRule]
    assert {str(rule) for rule in DeductionBeginRule} == {*(rule for rule, _, _ in COVERAGE), "with_coverage"}


def lines_of(connection, newcomer):
    told = page(connection, newcomer, plan_type="10")
    return " ".join(told.split("Event rule")[1].split("Dependents ")[0].split())


@pytest.mark.parametrize(("rule", "sentence", "day"), COVERAGE)
def test_a_begin_rule_in_words(fresh_database, tmp_path, rule, sentence, day):
    def ruled(rules):
        row = rules[0]["classes"][0]
        row.update(coverage_begins=rule, deduction_begins="with_coverage")
        row.pop("waiting_days")

    newcomer = hired_newcomer(fresh_database, tmp_path, ruled=ruled, is_finalizing=False)
    said = lines_of(fresh_database, newcomer)
    written = f"{day:%B} {day.day}, {day.year}"
    assert f"Coverage begins {sentence}" in said
    assert f"[{rule}]" in said
    assert f"Deductions begin with coverage, on {written} [with_coverage]" in said


def test_the_receipt_is_told_with_its_day(fresh_database, tmp_path):
    def ruled(rules):
        row = rules[0]["classes"][0]
        row.update(coverage_begins="first_of_month_after_receipt", deduction_begins="first_of_month_after")
        row.pop("waiting_days")

    newcomer = hired_newcomer(fresh_database, tmp_path, ruled=ruled, is_finalizing=False)
    (event,) = events(newcomer[0])
    elect(fresh_database, event, "10", "HMO-1", on=date(2026, 3, 9))
    from datetime import UTC, datetime

    process(fresh_database, newcomer[0], "E", as_of=date(2026, 3, 9), now=datetime(2026, 3, 10, tzinfo=UTC))
    said = lines_of(fresh_database, newcomer)
    assert "first of the month after the election is received (March 9, 2026)" in said
    assert "Deductions begin first of the month after April 1, 2026" in said
