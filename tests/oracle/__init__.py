"""The scalar oracle: docs/rules.md for one person at a time, in plain loops.

It imports nothing of the product but `core.codes`. Where it and the columnar kernel differ, one of the
two misreads docs/rules.md. Speed is no aim here; being obvious is.
"""

from .credits import credit_use
from .dates import pay_periods
from .deductions import owed
from .prepare import prepare

__all__ = ["credit_use", "owed", "pay_periods", "prepare"]
