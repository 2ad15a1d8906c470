"""The gate of a run: closed while the audit of set-up has errors, or that of data more than is accepted.

What stands in the way is a code; somebody may accept it for one run, with a reason, which the run keeps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.codes import Severity
from openbenefits.programs import services as setup
from openbenefits.programs.findings import Finding
from openbenefits.programs.sections.operation import DataAuditPart
from openbenefits.runs.audit import audit_people

SHOWN = 5


class RunHeld(ValueError):
    """A run that may not start; the message lists what stands in the way."""


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """One code that stands in the way, how often, and an example."""

    code: str
    count: int
    sentence: str


def refuse_faulty(
    connection: Any, client_id: int, as_of: date, accepted: Mapping[str, str] | None = None
) -> None:
    """Let a run start, or say why not.

    `accepted` maps codes to the reason why they may stand for this run.

    Errors: RunHeld.
    """
    given = accepted or {}
    blank = [code for code, reason in given.items() if not reason.strip()]
    if blank:
        raise RunHeld(f"{', '.join(blank)}: expected a reason to accept it, found none. Give the reason.")
    found = [one for one in obstacles(connection, client_id, as_of) if one.code not in given]
    if found:
        listed = "; ".join(f"{one.code} ({one.count}): {one.sentence}" for one in found[:SHOWN])
        more = f"; and {len(found) - SHOWN} more codes" if len(found) > SHOWN else ""
        message = (
            f"expected audits without open errors, found {listed}{more}."
            " Correct it, or accept a code for this run with a reason."
        )
        raise RunHeld(message)


def obstacles(connection: Any, client_id: int, as_of: date) -> list[Obstacle]:
    """List what keeps a client's runs from starting on a day."""
    audit = setup.audit_with_limits(client_id)
    errors = [one for one in audit.findings if one.severity is Severity.ERROR]
    limits = audit.limits
    return [*_of_setup(errors), *(_of_data(connection, client_id, as_of, limits) if limits else ())]


def _of_setup(errors: list[Finding]) -> list[Obstacle]:
    codes = list(dict.fromkeys(one.code for one in errors))
    return [
        Obstacle(
            code=code,
            count=sum(one.code == code for one in errors),
            sentence=next(one.sentence() for one in errors if one.code == code),
        )
        for code in codes
    ]


def _of_data(connection: Any, client_id: int, as_of: date, limits: DataAuditPart) -> list[Obstacle]:
    """Count the people of each code against what the client accepts."""
    found = audit_people(connection, [client_id], as_of)
    counted = found.group_by("code").agg(
        pl.col("person_id").n_unique().alias("people"), pl.col("expected", "found", "cure").first()
    )
    return [
        Obstacle(
            code=row["code"],
            count=row["people"],
            sentence=(
                f"at most {limits.people.get(row['code'], limits.most_people)} people accepted;"
                f" expected {row['expected']}, found {row['found']}. {row['cure']}"
            ),
        )
        for row in counted.sort("code").to_dicts()
        if row["people"] > limits.people.get(row["code"], limits.most_people)
    ]
