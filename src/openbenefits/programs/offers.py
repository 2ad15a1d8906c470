"""What a plan type of a program offers: options written for several coverage codes become one each."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from openbenefits.core.codes import OptionType
from openbenefits.programs.sections.amounts import CostPart, CreditPart, GeneralDeductionPart
from openbenefits.programs.sections.offers import OptionPart, PlanTypePart, ProgramPart

Kept = TypeVar("Kept", OptionPart, PlanTypePart)

WAIVE = "WAIVE"
PROGRAM_PLAN_TYPE = "01"


class Offer(NamedTuple):
    """One row of a program: an option for one coverage code, a waiver, a general credit or deduction."""

    code: str
    option_type: OptionType
    level: int = 0
    is_default: bool = False
    part: OptionPart | None = None
    coverage_code: str | None = None
    credits: tuple[CreditPart, ...] = ()


def active(parts: Iterable[Kept]) -> list[Kept]:
    """Leave out what a program row switches off."""
    return [part for part in parts if part.active]


def offers(plan_type: PlanTypePart) -> list[Offer]:
    """List what may be elected under a plan type, in the order of display; the waiver comes last."""
    listed = [offer for part in active(plan_type.options) for offer in _of_option(part, plan_type.credits)]
    if plan_type.waive in ("allowed", "with_proof"):
        listed.append(Offer(WAIVE, OptionType.WAIVE, credits=tuple(plan_type.waive_credits)))
    return listed


def general_offers(program: ProgramPart) -> list[Offer]:
    """List the credits everybody in a program gets, and the deductions everybody owes, if eligible."""
    given = [
        Offer(code, OptionType.GENERAL_CREDIT, part=part, credits=(credit,))
        for number, credit in enumerate(program.credits, 1)
        for code in [f"CREDIT-{number}"]
        for part in [OptionPart(code=code, name="General credit", eligibility=credit.eligibility)]
    ]
    taken = [
        Offer(one.code, OptionType.GENERAL_DEDUCTION, part=option_of_deduction(one))
        for one in program.deductions
    ]
    return given + taken


def option_of_deduction(part: GeneralDeductionPart) -> OptionPart:
    """Answer the option a general deduction is."""
    cost = CostPart(
        rate_table=part.rate_table,
        contribution=part.contribution,
        calculation_rule=part.calculation_rule,
    )
    return OptionPart(
        code=part.code,
        name=part.name,
        eligibility=part.eligibility,
        deduction_code=part.deduction_code,
        costs=[cost],
    )


def option_key(program: ProgramPart, plan_type: str, offer: Offer) -> str:
    """Answer the code under which an option has its stable number."""
    return f"{program.code}/{plan_type}/{offer.code}"


def all_offers(program: ProgramPart) -> Iterator[tuple[str, int, Offer]]:
    """List every row of a program with its plan type and its place within that."""
    rows = [(PROGRAM_PLAN_TYPE, general_offers(program))]
    rows += [(plan_type.plan_type, offers(plan_type)) for plan_type in active(program.plan_types)]
    for plan_type, listed in rows:
        for order, offer in enumerate(listed, 1):
            yield plan_type, order, offer


def _of_option(part: OptionPart, of_plan_type: list[CreditPart]) -> Iterator[Offer]:
    granted = (*part.credits, *of_plan_type)
    if not part.coverage_codes:
        yield Offer(
            part.code,
            OptionType.OPTION,
            level=part.level,
            is_default=part.default is True,
            part=part,
            credits=granted,
        )
    for step, coverage_code in enumerate(part.coverage_codes):
        yield Offer(
            f"{part.code}-{coverage_code}",
            OptionType.OPTION,
            level=part.level + step,
            is_default=part.default == coverage_code,
            part=part,
            coverage_code=coverage_code,
            credits=granted,
        )
