"""What elections are checked by: required and excluded coverage, groups, amounts, hours, dependents."""

from collections.abc import Iterator

from openbenefits.core.codes import AmountKind, PersonType, Trade
from openbenefits.core.plan_types import carries_coverage_amount, is_health
from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.audit.programs import Place, places
from openbenefits.programs.findings import Finding
from openbenefits.programs.offers import active
from openbenefits.programs.sections.offers import OptionPart, PlanTypePart, RequiresPart
from openbenefits.programs.values import Path

_STATED = (AmountKind.PLEDGE, AmountKind.PERCENT)


def requirements(audited: Audited) -> Iterator[Finding]:
    """Find requirements that nothing can meet, that go in a circle, or compare what has no amount."""
    for place in places(audited):
        for path, option in numbered(place.part.options, *place.path, "options"):
            if option.requires is not None:
                expected, found = _requirement_fault(audited, place, option.requires)
                if expected:
                    cure = "Correct what the option requires."
                    yield audited.finding(path, "requirement", expected, found, cure)
    yield from _circles(audited)


def _requirement_fault(audited: Audited, place: Place, needs: RequiresPart) -> tuple[str, str]:
    """Say what is wrong with a requirement: expected and found; blank if nothing is."""
    own, named = place.part, needs.plan_type
    others = {part.plan_type: part for part in active(place.program.plan_types)}
    if named in (own.plan_type, "01"):
        return "coverage in another plan type", f"`{named}`"
    if named not in others:
        return "a plan type of the program", f"`{named}`"
    offered = {option.plan for option in active(others[named].options)}
    if needs.plan is not None and audited.find("plans", needs.plan) and needs.plan not in offered:
        return f"a plan that plan type {named} offers", f"`{needs.plan}`"
    bare = [kind for kind in (own.plan_type, named) if not carries_coverage_amount(kind)]
    if needs.coverage_percent is not None and bare:
        return "a percentage only between plan types with amounts of coverage", f"plan type {listed(bare)}"
    blind = [part.plan_type for part in (own, others[named]) if not _collects_dependents(part)]
    if needs.check_dependents and blind:
        return "plan types that collect dependents", f"plan type {listed(blind)}"
    return "", ""


def _circles(audited: Audited) -> Iterator[Finding]:
    """Find plan types that, step by step, require themselves."""
    for path, program in numbered(audited.client.programs if audited.client else (), "programs"):
        needs = {
            part.plan_type: {
                option.requires.plan_type
                for option in active(part.options)
                if option.requires and option.requires.plan_type != part.plan_type
            }
            for part in active(program.plan_types)
        }
        circle = sorted(kind for kind in needs if kind in _reached(needs, kind))
        if circle:
            cure = "Take one of the requirements away."
            expected = "no plan type that requires itself by way of others"
            yield audited.finding(path, "circle", expected, f"plan types {listed(circle)}", cure)


def _reached(needs: dict[str, set[str]], start: str) -> set[str]:
    reached: set[str] = set()
    ahead = set(needs[start])
    while ahead:
        step = ahead.pop()
        reached.add(step)
        ahead |= needs.get(step, set()) - reached
    return reached


def exclusions(audited: Audited) -> Iterator[Finding]:
    """Find plan types that exclude themselves, or a plan of another plan type than they say."""
    for place in places(audited):
        for excluded in place.part.excluded_coverage:
            kinds = {plan.plan_type for plan in audited.find("plans", excluded.plan)}
            if excluded.plan_type == place.part.plan_type:
                found = f"`{excluded.plan_type}`"
                cure = "Name another plan type."
                yield audited.finding(place.path, "exclusion", "coverage of another plan type", found, cure)
            elif kinds and excluded.plan_type not in kinds:
                expected = f"a plan of plan type {excluded.plan_type}"
                found = f"`{excluded.plan}`, of plan type {listed(sorted(kinds))}"
                yield audited.finding(
                    place.path, "exclusion", expected, found, "Correct the plan or the type."
                )


def coverage_groups(audited: Audited) -> Iterator[Finding]:
    """Find groups over plans without amounts of coverage, and groups nobody is in."""
    for path, plan in numbered(audited.parts.plans, "plans"):
        if plan.coverage_group is not None and not carries_coverage_amount(plan.plan_type):
            expected = "a coverage group only for plans with amounts of coverage"
            found = f"plan type {plan.plan_type}"
            yield audited.finding(path, "group", expected, found, "Take the plan out of the group.")
    named = {plan.coverage_group for plan in [*audited.parts.plans, *audited.codes.plans]}
    for path, group in numbered(audited.parts.coverage_groups, "coverage_groups"):
        if audited.client and group.code not in named:
            cure = "Name the group in its plans, or remove it."
            yield audited.finding(path, "group", "a plan of the group", "none", cure)


def stated_amounts(audited: Audited) -> Iterator[Finding]:
    """Find limits of amounts that nobody states, hours without a trade, and trades without hours."""
    for place in places(audited):
        part = place.part
        yield from _annual_limits(audited, place)
        after, total = part.maximum_after_tax_percent, part.maximum_total_percent
        if (after is not None or total is not None) and part.amount is not AmountKind.PERCENT:
            expected = "limits of percentages only where the amount is percent_of_pay"
            found = f"`amount: {part.amount.value}`"
            yield audited.finding(place.path, "limits", expected, found, "Correct one of them.")
        elif after is not None and total is not None and after > total:
            found = f"{after} above {total}"
            expected = "the after-tax maximum not above that of both"
            yield audited.finding(place.path, "limits", expected, found, "Correct one.")
        for path, option in numbered(part.options, *place.path, "options"):
            yield from _hours(audited, path, part, option)
            yield from _after_tax(audited, path, part, option)


def _annual_limits(audited: Audited, place: Place) -> Iterator[Finding]:
    part = place.part
    if part.annual_limit is not None and part.amount not in _STATED:
        expected = "an annual limit only where a pledge or a percentage is stated"
        found = f"`amount: {part.amount.value}`"
        yield audited.finding(place.path, "annual_limit", expected, found, "Correct one of them.")
    known = sorted(audited.peo.limits["code"].unique())
    if part.annual_limit is not None and part.annual_limit not in known:
        expected, found = (
            f"one of the annual limits ({listed(known) or 'there are none'})",
            f"`{part.annual_limit}`",
        )
        cure = "Correct the code, or add it to `annual_limits`."
        yield audited.finding(place.path, "unknown_code", expected, found, cure)
    says_how = part.month_rule or part.missing_limit != "refuse" or part.counts_elsewhere is not None
    if part.annual_limit is None and says_how:
        cure = "Name the annual limit, or leave out what says how it is used."
        yield audited.finding(place.path, "annual_limit", "the annual limit meant", "none", cure)


def _hours(audited: Audited, path: Path, part: PlanTypePart, option: OptionPart) -> Iterator[Finding]:
    trades, hours = part.amount is AmountKind.HOURS, option.hours
    if trades != (hours is not None):
        expected = "hours bought or sold" if trades else "hours only where the amount is hours"
        found = "none" if trades else f"`amount: {part.amount.value}`"
        yield audited.finding(path, "hours", expected, found, "Correct the option, or the plan type.")
    elif hours and hours.minimum is not None and hours.maximum is not None and hours.minimum > hours.maximum:
        found = f"{hours.minimum} above {hours.maximum}"
        yield audited.finding(path, "hours", "minimum not above maximum", found, "Correct one.")
    if hours and (hours.trade == Trade.SELL) != (hours.earnings_code is not None):
        expected = "an earnings code where hours are sold, and only there"
        found = f"`trade: {hours.trade}`, earnings code {hours.earnings_code or 'none'}"
        yield audited.finding(path, "earnings_code", expected, found, "Name the code that pays them.")


def _after_tax(audited: Audited, path: Path, part: PlanTypePart, option: OptionPart) -> Iterator[Finding]:
    """Find deduction codes of percentages after tax that nobody can state, or that are taken before tax."""
    code = option.after_tax_deduction_code
    if code is None:
        return
    if not part.maximum_after_tax_percent:
        expected = "an after-tax deduction code only where a percentage after tax may be stated"
        found = f"`maximum_after_tax_percent: {part.maximum_after_tax_percent or 'none'}`"
        yield audited.finding(path, "after_tax", expected, found, "Correct one of them.")
    taxes = {one.code: one.tax for one in audited.codes.deduction_codes}
    if taxes.get(code) == "before":
        expected = "a deduction code with `tax: after`"
        yield audited.finding(path, "after_tax", expected, f"`{code}`", "Name a code after tax.")


def collected(audited: Audited) -> Iterator[Finding]:
    """Find plan types whose coverage codes cover others, and that take nobody's name."""
    covering = {
        code.code
        for code in audited.codes.coverage_codes
        if any(kind is not PersonType.EMPLOYEE and persons.max > 0 for kind, persons in code.persons.items())
    }
    for place in places(audited):
        used = sorted(
            {code for option in active(place.part.options) for code in option.coverage_codes} & covering
        )
        if used and not _collects_dependents(place.part):
            expected = f"dependents collected for coverage codes {listed(used)}"
            found = f"`collect: {place.part.collect}`"
            cure = "Collect dependents, or take the coverage codes away."
            yield audited.finding(place.path, "collect", expected, found, cure)


def _collects_dependents(part: PlanTypePart) -> bool:
    return part.collect in ("dependents", "both") or (part.collect is None and is_health(part.plan_type))
