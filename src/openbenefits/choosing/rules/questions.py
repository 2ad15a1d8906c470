"""What is asked a second time before it is submitted: slips of the finger that bind for a year. Pure.

Source: users-want 28. What does not differ from today is never asked about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from openbenefits.choosing.rules.lines import Change, Line

TIMES = 5
"""By how much an amount moves, up or down, to be asked about."""
HEALTH_FSA = "60"


class Asking(StrEnum):
    """What is asked."""

    DROPPED = "dropped"  # coverage would end
    PERSON_DROPPED = "person_dropped"  # somebody covered would be no more
    AMOUNT = "amount"  # an amount moves by TIMES or more
    NO_CHILD = "no_child"  # a care account without a child it could pay for
    HSA_AND_FSA = "hsa_and_fsa"  # a health savings account beside a general health FSA


@dataclass(frozen=True, kw_only=True)
class Question:
    """One thing asked: of which plan type, and what is found."""

    asking: Asking
    plan_type: str
    before_cents: int | None = None
    after_cents: int | None = None
    people: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """What an answer names."""
        return f"{self.asking}:{self.plan_type}"


def second_questions(
    lines: Sequence[Line], *, care_plan_types: Sequence[str], hsa_plan_types: Sequence[str], children: int
) -> tuple[Question, ...]:
    """List what is to be asked a second time about a submission.

    `care_plan_types` pay for the care of children, of whom there are `children` young enough.
    """
    asked: list[Question] = []
    differing = [line for line in lines if line.change not in (Change.SAME, Change.PRICE, Change.NONE)]
    for line in differing:
        if line.change is Change.ENDED:
            asked.append(Question(asking=Asking.DROPPED, plan_type=line.plan_type))
        if line.dropped:
            asked.append(
                Question(asking=Asking.PERSON_DROPPED, plan_type=line.plan_type, people=line.dropped)
            )
        asked.extend(_amount(line))
        if line.plan_type in care_plan_types and line.after is not None and not children:
            asked.append(Question(asking=Asking.NO_CHILD, plan_type=line.plan_type))
    asked.extend(_accounts(lines, differing, hsa_plan_types))
    return tuple(asked)


def _amount(line: Line) -> list[Question]:
    if line.before is None or line.after is None:
        return []
    for name in ("pledge_cents", "percent_thousandths", "coverage_cents"):
        before, after = getattr(line.before, name), getattr(line.after, name)
        if before and after and (after >= TIMES * before or before >= TIMES * after):
            cents = (before, after) if name != "percent_thousandths" else (None, None)
            return [
                Question(
                    asking=Asking.AMOUNT,
                    plan_type=line.plan_type,
                    before_cents=cents[0],
                    after_cents=cents[1],
                )
            ]
    return []


def _accounts(
    lines: Sequence[Line], differing: Sequence[Line], hsa_plan_types: Sequence[str]
) -> list[Question]:
    covered = {line.plan_type for line in lines if line.after is not None}
    changed = {line.plan_type for line in differing}
    return [
        Question(asking=Asking.HSA_AND_FSA, plan_type=hsa)
        for hsa in hsa_plan_types
        if hsa in covered and HEALTH_FSA in covered and changed & {hsa, HEALTH_FSA}
    ]
