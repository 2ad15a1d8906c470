"""Credits left over: plan types that are not there, accounts that take none, treatments without credits."""

from collections.abc import Iterator

from openbenefits.core.codes import AmountKind, ExcessCredits
from openbenefits.core.plan_types import PROGRAM
from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.findings import Finding
from openbenefits.programs.offers import active
from openbenefits.programs.sections.offers import ProgramPart


def excess_credits(audited: Audited) -> Iterator[Finding]:
    """Find programs whose treatment of credits left over cannot be carried out."""
    for path, program in numbered(audited.client.programs if audited.client else (), "programs"):
        kinds = {part.plan_type: part.amount for part in active(program.plan_types)}
        for name in ("excess_cost_plan_types", "rollover_plan_types"):
            codes = getattr(program, name)
            costs = {PROGRAM} if program.deductions and name == "excess_cost_plan_types" else set()
            missing = sorted(set(codes) - set(kinds) - costs)
            if missing or len(set(codes)) < len(codes):
                expected = f"plan types of the program ({listed(kinds)}), each once"
                cure = f"Correct `{name}`."
                yield audited.finding(path, name, expected, listed(missing) or "one twice", cure)
        takes = (AmountKind.PLEDGE, AmountKind.PERCENT)
        stated = [code for code in program.rollover_plan_types if code in kinds and kinds[code] not in takes]
        if stated:
            expected = "accounts whose amount the person states"
            cure = "Correct `rollover_plan_types`."
            yield audited.finding(path, "rollover_account", expected, listed(stated), cure)
        rolls = program.excess_credits is ExcessCredits.ROLLED_OVER or program.rollover_by_choice
        if rolls and not program.rollover_plan_types:
            cure = "Name them in their order, or choose another treatment."
            yield audited.finding(path, "no_rollover", "plan types to roll over into", "none", cure)
        if (rolls or program.excess_credits is not ExcessCredits.PAID) and not _gives_credits(program):
            expected = "a program that gives credits"
            yield audited.finding(path, "no_credits", expected, "none", "Remove `excess_credits`.")


def _gives_credits(program: ProgramPart) -> bool:
    of_plans = (
        part.credits or part.waive_credits or any(option.credits for option in active(part.options))
        for part in active(program.plan_types)
    )
    return bool(program.credits) or any(of_plans)
