"""What is owed in each pay: which pays, what share of what, why it differs from the pay before."""

from openbenefits.payroll.rules.lines import Known, fact_days, owed_amounts, owed_lines
from openbenefits.payroll.rules.registers import changes_between, deductions_summary, next_lines
from openbenefits.payroll.rules.takings import own_pays

__all__ = [
    "Known",
    "changes_between",
    "deductions_summary",
    "fact_days",
    "next_lines",
    "owed_amounts",
    "owed_lines",
    "own_pays",
]
