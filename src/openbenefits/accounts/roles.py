"""Roles, and what each may do: rows, so that a new role is a row and not code.

Source: users-want 22, rulings §6.5 (health data is hidden from client and sales roles).
"""

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """What somebody may do with the records of a client."""

    SEE = "see"  # facts, events, options, coverage, deductions, reports
    SEE_PERSONAL = "see personal"  # birth date, address, all of the SSN
    SEE_HEALTH = "see health"  # evidence, disability, underwriting
    ELECT = "elect"  # elections, life events, dependents, beneficiaries
    FACTS = "facts"  # HR facts and imports
    PROCESS = "process"  # runs, schedules, statements
    REPAIR = "repair"  # operations after the fact, overrides, take-back
    FINALIZE = "finalise"  # finalise with defaults, commit, release what is held
    SETUP = "set-up"  # bundles, rates, rules
    PAYROLL = "payroll"  # what was taken, corrections, recovery
    FINANCE = "finance"  # invoices, reconciliation, write-offs
    USERS = "users"  # roles of others, of the same clients
    AUDIT = "audit"  # who saw and did what
    OFFERS = "offers"  # choose among what is offered to a client, and sign for it


class RoleCode(StrEnum):
    """Who somebody is for a client."""

    ADMINISTRATOR = "administrator"
    SPECIALIST = "specialist"
    PAYROLL = "payroll"
    FINANCE = "finance"
    CLIENT = "client"
    CONTACT = "contact"
    BROKER = "broker"
    AUDITOR = "auditor"
    EMPLOYEE = "employee"


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role.

    permissions: what it may do; without any but SEE and AUDIT it writes nothing.
    of_peo: it may be given for every client at once (client 0).
    """

    code: RoleCode
    name: str
    permissions: frozenset[Permission]
    of_peo: bool = False


P = Permission
_DESK = {P.SEE, P.SEE_PERSONAL, P.ELECT, P.FACTS, P.PROCESS, P.REPAIR}
_ROLES = (
    Role(
        code=RoleCode.ADMINISTRATOR,
        name="PEO administrator",
        permissions=frozenset(P),
        of_peo=True,
    ),
    Role(
        code=RoleCode.SPECIALIST,
        name="benefits specialist",
        permissions=frozenset(_DESK | {P.SEE_HEALTH, P.FINALIZE, P.SETUP}),
        of_peo=True,
    ),
    Role(
        code=RoleCode.PAYROLL,
        name="payroll",
        permissions=frozenset({P.SEE, P.SEE_PERSONAL, P.PAYROLL}),
        of_peo=True,
    ),
    Role(code=RoleCode.FINANCE, name="finance", permissions=frozenset({P.SEE, P.FINANCE}), of_peo=True),
    Role(
        code=RoleCode.CLIENT,
        name="client administrator",
        permissions=frozenset({P.SEE, P.SEE_PERSONAL, P.ELECT, P.FACTS, P.USERS}),
    ),
    Role(code=RoleCode.CONTACT, name="client contact for offers", permissions=frozenset({P.OFFERS})),
    Role(code=RoleCode.BROKER, name="broker", permissions=frozenset({P.SEE})),
    Role(code=RoleCode.AUDITOR, name="auditor", permissions=frozenset({P.SEE, P.AUDIT}), of_peo=True),
    Role(code=RoleCode.EMPLOYEE, name="employee", permissions=frozenset({P.SEE, P.SEE_PERSONAL, P.ELECT})),
)
ROLES: dict[RoleCode, Role] = {role.code: role for role in _ROLES}

ONLY_READING = frozenset({P.SEE, P.SEE_PERSONAL, P.SEE_HEALTH, P.AUDIT})


def writes(permissions: frozenset[Permission]) -> bool:
    """Whether these permissions change any record."""
    return bool(permissions - ONLY_READING)
