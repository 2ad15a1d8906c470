"""What is wrong with a set-up bundle, and how it is cured."""

from collections.abc import Iterable
from dataclasses import dataclass

from openbenefits.core.codes import Severity


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fault of a bundle. `where` names the record, `file` and `line` its place, if it came from a file.

    An error keeps a bundle from being applied; a warning is only shown.
    """

    code: str
    where: str
    expected: str
    found: str
    cure: str
    file: str = ""
    line: int | None = None
    severity: Severity = Severity.ERROR

    def sentence(self) -> str:
        """Say the finding in one line.

        >>> Finding(code="type", where="programs[GOLD]", expected="a day", found="text", cure="Write a day.",
        ...         file="programs.yaml", line=3).sentence()
        'programs.yaml, line 3: programs[GOLD]: expected a day, found text. Write a day.'
        """
        line = "" if self.line is None else f", line {self.line}"
        place = f"{self.file}{line}: " if self.file else ""
        return f"{place}{self.where}: expected {self.expected}, found {self.found}. {self.cure}"


def has_errors(findings: Iterable[Finding]) -> bool:
    """Tell whether any finding keeps a bundle from being applied."""
    return any(finding.severity is Severity.ERROR for finding in findings)
