"""The desks: what somebody looks at and decides, one case after the other, and what comes in from outside."""

from openbenefits.workbench.desks import (
    ages,
    approvals,
    balances,
    cobra,
    evidence,
    imports,
    keys,
    leaves,
    papers,
    trail,
    users,
)

__all__ = [
    "ages",
    "approvals",
    "balances",
    "cobra",
    "evidence",
    "imports",
    "keys",
    "leaves",
    "papers",
    "trail",
    "users",
]
