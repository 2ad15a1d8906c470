"""COBRA: every cause that set-up names has a class, and no class gives less than the law (IRC 4980B(f))."""

from collections.abc import Iterator

from openbenefits.core.codes import CobraCause
from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.bundle import PeoBundle
from openbenefits.programs.findings import Finding
from openbenefits.programs.sections.duties import CobraClassPart

LEAST_MONTHS = {
    CobraCause.TERMINATION: 18,
    CobraCause.HOURS: 18,
    CobraCause.LEAVE: 18,
    CobraCause.DEATH: 36,
    CobraCause.DIVORCE: 36,
    CobraCause.MEDICARE: 36,
    CobraCause.CHILD: 36,
}
EMPLOYER_DAYS, ADMINISTRATOR_DAYS, LEAST_DAYS = 30, 14, 60


def cobra_classes(audited: Audited) -> Iterator[Finding]:
    """Find COBRA classes that give fewer months or days than the law, or let the employer take longer."""
    for path, part in numbered(getattr(audited.parts, "cobra_classes", ()), "cobra_classes"):
        if part.code is CobraCause.MISCONDUCT:
            expected, cure = "no class: a person decides, and it is a termination or nothing", "Leave it out."
            yield audited.finding(path, "cobra_class", expected, "one", cure)
            continue
        short = _too_little(part)
        if short:
            expected = "at least what the law gives, and no more days than it allows"
            yield audited.finding(path, "cobra_class", expected, listed(short), "Correct the numbers.")


def cobra_actions(audited: Audited) -> Iterator[Finding]:
    """Find causes that actions and event classes name and that have no class."""
    if not isinstance(audited.parts, PeoBundle):
        return
    known = {part.code for part in audited.parts.cobra_classes}
    for section in ("event_classes", "actions"):
        for path, part in numbered(getattr(audited.parts, section), section):
            cause = part.cobra_action
            if cause is None:
                continue
            needed = CobraCause.TERMINATION if cause is CobraCause.MISCONDUCT else cause
            if needed not in known:
                expected, cure = f"a class `{needed}` in `cobra_classes`", "Add it with its source."
                yield audited.finding(path, "cobra_action", expected, "none", cure)


def _too_little(part: CobraClassPart) -> list[str]:
    faults = {
        f"months {part.months} (least {LEAST_MONTHS[part.code]})": part.months < LEAST_MONTHS[part.code],
        f"employer_days {part.employer_days} (most {EMPLOYER_DAYS})": part.employer_days > EMPLOYER_DAYS,
        f"administrator_days {part.administrator_days} (most {ADMINISTRATOR_DAYS})": (
            part.administrator_days > ADMINISTRATOR_DAYS
        ),
        f"beneficiary_days {part.beneficiary_days} (least {LEAST_DAYS})": (
            part.beneficiary_days is not None and part.beneficiary_days < LEAST_DAYS
        ),
        f"election_days {part.election_days} (least {LEAST_DAYS})": part.election_days < LEAST_DAYS,
    }
    return [fault for fault, is_there in faults.items() if is_there]
