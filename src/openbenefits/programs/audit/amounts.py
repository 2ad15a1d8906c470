"""Formulas and contributions: steps that are none, bounds that cross, references that lead nowhere."""

from collections import Counter
from collections.abc import Iterator

from openbenefits.programs.audit.context import Audited, in_force_from, listed, numbered
from openbenefits.programs.audit.programs import Place, places
from openbenefits.programs.findings import Finding
from openbenefits.programs.offers import active
from openbenefits.programs.rows.rules import STEPS
from openbenefits.programs.sections.amounts import FormulaPart, FormulaStepPart
from openbenefits.programs.sections.offers import OptionPart
from openbenefits.programs.values import Path

_PER_COVERAGE = ("per_hundred", "per_thousand")


def formulas(audited: Audited) -> Iterator[Finding]:
    """Find steps of formulas that are no step or two, rounding half said, and bounds that cross."""
    for path, formula in numbered(audited.parts.formulas, "formulas"):
        yield from _disability_faults(audited, path, formula)
        if (formula.as_of in ("this_year", "last_year")) != (formula.as_of_day is not None):
            expected = "`as_of_day` with this_year and last_year, and only with them"
            yield audited.finding(
                path, "as_of_day", expected, formula.as_of_day or "none", "Correct the day."
            )
        yield from _base_faults(audited, path, formula)
        for place, step in numbered(formula.steps, *path, "steps"):
            yield from _step_faults(audited, place, step)
        yield from _bound_faults(audited, path, formula)


def _base_faults(audited: Audited, path: Path, formula: FormulaPart) -> Iterator[Finding]:
    """Find jobs stated where no job's pay is taken."""
    if formula.jobs == "primary" and not formula.active_only:
        return
    if formula.benefits_base is not None:
        expected = "`jobs` and `active_only` only with the pay of jobs"
        yield audited.finding(path, "base", expected, "a benefits base", "Take one or the other.")


def _step_faults(audited: Audited, path: Path, step: FormulaStepPart) -> Iterator[Finding]:
    operations = [name for name in STEPS if getattr(step, name) is not None]
    if len(operations) != 1:
        expected = f"one of {listed(STEPS)}"
        yield audited.finding(path, "step", expected, listed(operations) or "none", "Write one per step.")
    elif (step.round is None) != (step.to is None) or step.to == 0:
        expected = "`round: up`, `down` or `nearest` together with `to` above 0"
        yield audited.finding(path, "rounding", expected, "one without the other, or 0", "State both.")
    elif (step.round_to is None) != (step.round_up is None) or step.round_to == 0:
        expected = "`round_to` above 0 together with `round_up` (0 cuts off)"
        yield audited.finding(path, "rounding", expected, "one without the other, or 0", "State both.")
    elif step.divide == 0:
        yield audited.finding(path, "divisor", "a number above 0", "0", "Correct the step.")


def _bound_faults(audited: Audited, path: Path, formula: FormulaPart) -> Iterator[Finding]:
    low, high = formula.minimum, formula.maximum
    if low is not None and high is not None and low > high:
        cure = "Correct one of them."
        yield audited.finding(path, "bounds", "minimum not above maximum", f"{low} above {high}", cure)
    edges = [band.age_from for band in formula.age_reductions]
    if edges != sorted(set(edges)):
        cure = "Sort the ages, and write each once."
        yield audited.finding(path, "age_reductions", "rising ages", listed(edges), cure)
    if any(band.reduce_percent > 100 for band in formula.age_reductions):
        expected = "reductions of at most 100 %"
        yield audited.finding(path, "percent", expected, "more", "Correct the percentage.")


def contributions(audited: Audited) -> Iterator[Finding]:
    """Find contributions without a row, with two for one coverage, or above 100 %."""
    for path, part in numbered(audited.parts.contributions, "contributions"):
        rows = Counter(row.coverage_code for row in part.rows)
        if not rows or max(rows.values()) > 1:
            cure = "Write each coverage code once; leave it blank for any."
            expected = "one row for each coverage"
            several = [code or "any" for code, count in rows.items() if count > 1]
            found = f"several for {listed(several)}" if several else "none"
            yield audited.finding(path, "contribution_rows", expected, found, cure)
        if any(max(row.employee_percent, row.dependent_percent) > 100 for row in part.rows):
            expected = "percentages of at most 100"
            yield audited.finding(path, "percent", expected, "more", "Correct the percentage.")


def _disability_faults(audited: Audited, path: Path, formula: FormulaPart) -> Iterator[Finding]:
    """Find formulas that are neither steps nor a disability benefit, or both."""
    part = formula.disability
    if part is None:
        if not formula.steps:
            cure = "Add the steps, or `disability`."
            yield audited.finding(path, "no_steps", "steps, or a disability benefit", "neither", cure)
        return
    said = [
        name
        for name in ("steps", "base_cap", "minimum", "maximum", "age_reductions")
        if getattr(formula, name)
    ]
    if said or formula.base == "weekly_pay":
        cure = "Remove them, or write the formula in steps."
        found = listed([*said, *(["weekly pay"] if formula.base == "weekly_pay" else [])])
        yield audited.finding(path, "disability", "nothing beside `disability`", found, cure)
    if not 0 < part.replacement_percent <= 100:
        cure = "Correct the percentage."
        yield audited.finding(
            path, "percent", "a percentage above 0, at most 100", str(part.replacement_percent), cure
        )


def premium_formulas(audited: Audited) -> Iterator[Finding]:
    """Find premium formulas without a coverage formula, or without a rate per unit of coverage."""
    for place in places(audited):
        for path, option in numbered(place.part.options, *place.path, "options"):
            if option.premium_formula is None:
                continue
            if option.formula is None:
                cure = "Name the formula of the coverage, or remove `premium_formula`."
                yield audited.finding(path, "premium_formula", "a formula beside it", "none", cure)
            elif not _units(audited, option) & set(_PER_COVERAGE):
                expected = "a rate per hundred or per thousand of coverage"
                yield audited.finding(path, "premium_rate", expected, "none", "Remove `premium_formula`.")


def _units(audited: Audited, option: OptionPart) -> set[str]:
    tables = [table for cost in option.costs for table in audited.find("rate_tables", cost.rate_table)]
    return {table.unit.value for table in tables}


def reference_options(audited: Audited) -> Iterator[Finding]:
    """Find contributions measured by an option that is not there, or lacks the coverage."""
    for place in places(audited):
        named = {option.code: option for option in active(place.part.options)}
        for path, option in numbered(place.part.options, *place.path, "options"):
            for code in _reference_codes(audited, place, option):
                yield from _reference_faults(audited, path, option, named, code)
            circle = _circle(audited, place, named, option)
            if circle:
                cure = "Let one option's price be the measure."
                expected = "contributions measured by one another's price at most one way"
                yield audited.finding(path, "reference_circle", expected, " → ".join(circle), cure)


def _reference_codes(audited: Audited, place: Place, option: OptionPart) -> list[str]:
    """List the options by whose price the contributions of an option are measured."""
    versions = [
        version
        for cost in option.costs
        for version in in_force_from(
            audited.find("contributions", cost.contribution), place.program.valid_from
        )
    ]
    return sorted(
        {version.reference_option for version in versions if version.reference_option} - {option.code}
    )


def _reference_faults(
    audited: Audited, path: Path, option: OptionPart, named: dict[str, OptionPart], code: str
) -> Iterator[Finding]:
    cure = "Correct `reference_option` of the contribution, or the options."
    reference = named.get(code)
    if reference is None:
        expected = f"one of the options of this plan type ({listed(sorted(named))})"
        yield audited.finding(path, "reference_option", expected, f"`{code}`", cure)
        return
    missing = sorted(set(option.coverage_codes) - set(reference.coverage_codes))
    if missing:
        expected = f"`{code}` with the coverage codes of this option"
        yield audited.finding(path, "reference_coverage", expected, f"it lacks {listed(missing)}", cure)
    if not reference.costs:
        yield audited.finding(path, "reference_price", f"`{code}` with a price", "none", cure)


def _circle(audited: Audited, place: Place, named: dict[str, OptionPart], option: OptionPart) -> list[str]:
    """Follow the references of an option; answer the way if it leads back, told once, by its first code."""
    way, code = [option.code], option.code
    while code in named:
        following = _reference_codes(audited, place, named[code])
        if not following:
            return []
        code = following[0]
        if code in way:
            return [*way, code] if code == option.code and option.code == min(way) else []
        way.append(code)
    return []
