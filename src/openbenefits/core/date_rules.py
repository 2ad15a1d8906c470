"""Date rules as a plan document words them: the sentences of docs/rules.md §5 and of every explanation."""

from openbenefits.core.codes import BeginRule, DeductionBeginRule, DeductionEndRule, EndRule

BEGIN_SENTENCES: dict[str, str] = {
    BeginRule.EVENT_DATE: "on {day}",
    BeginRule.DAY_AFTER_EVENT: "the day after {day}",
    BeginRule.MONTH_AFTER: "first of the month after {day}",
    BeginRule.MONTH_ON_OR_AFTER: "first of the month on or after {day}",
    BeginRule.PAY_PERIOD_AFTER: "first full pay period that begins after {day}",
    BeginRule.PAY_PERIOD_ON_OR_AFTER: "first full pay period that begins on or after {day}",
    BeginRule.MONTH_AFTER_RECEIPT: "first of the month after the election is received{receipt}",
    BeginRule.LATER_OF_EVENT_AND_RECEIPT: "the later of {day} and the receipt of the election{receipt}",
}
END_SENTENCES: dict[str, str] = {
    EndRule.EVENT_DATE: "{day} itself",
    EndRule.DAY_BEFORE_EVENT: "the day before {day}",
    EndRule.MONTH_END: "end of the month of {day}",
    EndRule.PAY_PERIOD_END: "end of the pay period with {day}",
    EndRule.MIDDLE_OR_MONTH_END: "the 15th or the end of the month, whichever first comes on or after {day}",
    EndRule.DAY_OF_MONTH: "the set day of a month that first comes on or after {day}",
}
WITH_COVERAGE = "with coverage"


def begin_sentence(rule: str, day: str, receipt: str = "") -> str:
    """Say when coverage, or a deduction, begins by a rule, counted from a day.

    >>> begin_sentence(BeginRule.MONTH_AFTER, "May 3, 2026")
    'first of the month after May 3, 2026'
    >>> begin_sentence("later_of_event_and_receipt", "the day", "May 4")
    'the later of the day and the receipt of the election (May 4)'
    >>> begin_sentence("with_coverage", "May 3, 2026")
    'with coverage, on May 3, 2026'
    """
    if rule == DeductionBeginRule.WITH_COVERAGE:
        return f"{WITH_COVERAGE}, on {day}"
    return BEGIN_SENTENCES[rule].format(day=day, receipt=f" ({receipt})" if receipt else "")


def end_sentence(rule: str, day: str) -> str:
    """Say which is the last day of coverage, or of a deduction, by a rule, counted from a day.

    >>> end_sentence(EndRule.MONTH_END, "May 3, 2026")
    'end of the month of May 3, 2026'
    """
    if rule == DeductionEndRule.WITH_COVERAGE:
        return f"{WITH_COVERAGE}, on {day}"
    return END_SENTENCES[rule].format(day=day)
