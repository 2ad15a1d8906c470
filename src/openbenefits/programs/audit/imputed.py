"""Imputed income: coverage codes against which none can be reckoned, tables by age that lack ages."""

from collections.abc import Iterator

from openbenefits.core.codes import PersonType
from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.audit.programs import places
from openbenefits.programs.findings import Finding
from openbenefits.programs.sections.codes import CoverageCodePart

TABLE_I = "IRC79_TABLE_I"
GROUP_LIFE = ("20", "21", "23")


def imputed_codes(audited: Audited) -> Iterator[Finding]:
    """Find coverage codes reckoned against more people, or against one of their kind."""
    codes = {part.code: part for part in audited.codes.coverage_codes}
    for path, part in numbered(getattr(audited.parts, "coverage_codes", ()), "coverage_codes"):
        without = codes.get(part.imputed_against or "")
        if without is None or without.code == part.code:
            continue  # an unknown code, or a circle: other checks say so
        if without.imputed_against is not None or not _is_less(without, part):
            expected = "a coverage code with fewer persons, all tax dependents"
            cure = "Correct `imputed_against`."
            yield audited.finding(path, "imputed_against", expected, f"`{without.code}`", cure)


def _is_less(one: CoverageCodePart, other: CoverageCodePart) -> bool:
    """Tell whether one code covers nobody the other does not, and somebody less."""
    most = [
        (
            one.persons[kind].max if kind in one.persons else 0,
            other.persons[kind].max if kind in other.persons else 0,
        )
        for kind in PersonType
    ]
    return all(few <= many for few, many in most) and any(few < many for few, many in most)


def imputed_options(audited: Audited) -> Iterator[Finding]:
    """Find options that cover persons who are no tax dependents, without an option that leaves them out."""
    against = {
        part.code: part.imputed_against for part in audited.codes.coverage_codes if part.imputed_against
    }
    for place in places(audited):
        for path, option in numbered(place.part.options, *place.path, "options"):
            wanted = {against[code] for code in option.coverage_codes if code in against}
            missing = sorted(wanted - set(option.coverage_codes))
            if missing and option.costs:
                expected = "also the coverage code without those who are no tax dependents"
                cure = "Add the coverage code, so that the value of their cover can be told."
                yield audited.finding(path, "imputed_option", expected, f"none for {listed(missing)}", cure)


def life_plans(audited: Audited) -> Iterator[Finding]:
    """Find plans with imputed income that are no life insurance, or for which there is no Table I."""
    for path, plan in numbered(audited.parts.plans, "plans"):
        if not plan.imputed_income:
            continue
        if plan.plan_type not in GROUP_LIFE:
            expected = f"a life insurance on the employee ({listed(GROUP_LIFE)})"
            cure = "Remove `imputed_income`."
            yield audited.finding(path, "imputed_plan", expected, f"plan type {plan.plan_type}", cure)
        elif not any(table.code == TABLE_I for table in audited.codes.age_tables):
            cure = "Add the table of 26 CFR 1.79-3(d)(2) to the PEO's `age_tables`."
            yield audited.finding(path, "no_age_table", f"an age table {TABLE_I}", "none", cure)


def age_tables(audited: Audited) -> Iterator[Finding]:
    """Find tables by age that do not begin at birth, say an age twice, or end before they begin."""
    ages = audited.bundle.ages
    for path, part in numbered(getattr(audited.parts, "age_tables", ()), "age_tables"):
        edges = ages.filter(code=part.code, valid_from=part.valid_from)["age_from"].to_list()
        if 0 not in edges:
            cure = "Add the row of the youngest."
            found = listed(sorted(edges)[:1]) or "no row"
            yield audited.finding(path, "youngest", "a row from age 0 on", found, cure)
        if len(set(edges)) < len(edges):
            yield audited.finding(path, "repeated", "each age once", "one twice", "Remove one of them.")
        if part.through is not None and part.through < part.valid_from:
            cure = "Correct one of the days."
            yield audited.finding(path, "through", "a last day not before the first", str(part.through), cure)
