"""Keeping what one has: the choices that say so, and what cannot be kept. Pure."""

from dataclasses import dataclass, replace

from openbenefits.choosing.offered import Held, Offer, PlanChoice, Stated
from openbenefits.choosing.rules.stated import WAIVER


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What keeping everything says, by plan type, and the plan types in which it is not possible."""

    stated: dict[str, Stated]
    lost: tuple[str, ...]


def keeping(offer: Offer) -> Kept:
    """Say for each plan type in which something may be decided what keeps it as it is.

    What is covered is chosen again, with its amounts, persons, funds and beneficiaries; what is not covered
    is declined, where one may. Dependents who may be covered no longer are left out, and the tier follows.
    """
    stated: dict[str, Stated] = {}
    lost: list[str] = []
    for plan in offer.choices:
        if plan.held is None or plan.held.stated is None:
            if plan.waiver is not None and not plan.is_waiver_proved:
                stated[plan.plan_type] = Stated(option_code=WAIVER)
            continue
        again = _again(plan, plan.held, plan.held.stated)
        if again is None:
            lost.append(plan.plan_type)
        else:
            stated[plan.plan_type] = again
    return Kept(stated=stated, lost=tuple(lost))


def _again(plan: PlanChoice, held: Held, stated: Stated) -> Stated | None:
    """Choose the same anew; None where it is not offered."""
    option = plan.by_id(held.option_id)
    allowed = {one.number for one in plan.members if one.why_not is None}
    remaining = tuple(number for number in stated.dependents if number in allowed)
    if remaining == stated.dependents:
        return stated if option is not None and option.is_electable else None
    same_plan = [
        one
        for one in plan.options
        if one.is_electable and one.is_fitting and not one.is_waiver and one.name == held.name
    ]
    if len(same_plan) != 1 or set(plan.cover) != set(remaining):
        return None
    return replace(stated, option_code=same_plan[0].code, dependents=remaining)


def with_newcomers(offer: Offer) -> dict[str, Stated]:
    """Say what covers whoever came with the event (a child, a spouse) in the health plans already held.

    The offer's prices are for them: the tier of the same plan that fits all, and nothing where none does.
    """
    stated: dict[str, Stated] = {}
    for plan in offer.choices:
        new = [one.number for one in plan.members if one.is_new and one.why_not is None]
        if not new or plan.held is None or plan.held.stated is None or plan.is_decided:
            continue
        cover = tuple(sorted({*plan.held.stated.dependents, *new}))
        if set(cover) != set(plan.cover):
            continue
        fitting = [
            one
            for one in plan.options
            if one.is_electable and one.is_fitting and not one.is_waiver and one.name == plan.held.name
        ]
        if fitting:
            again = plan.held.stated
            stated[plan.plan_type] = replace(again, option_code=fitting[0].code, dependents=cover)
    return stated
