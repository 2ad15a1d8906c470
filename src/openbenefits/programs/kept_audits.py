"""Audits of set-up, kept: a release never changes, so what was found of it stands while the checks do.

They are kept in this process, and in the database for the processes of later runs: from the moment a release
is put into force, and again once that of the PEO, before which a client's stands, is another.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

import openbenefits
from openbenefits.programs import models
from openbenefits.programs.findings import Finding
from openbenefits.programs.frames import releases_in_force
from openbenefits.programs.recent import Recent
from openbenefits.programs.sections.operation import DataAuditPart
from openbenefits.store.startup import is_face

KEPT = 256
CHECKED_BY = ("core", "programs")
"""The packages whose code makes an audit."""


class ReleaseAudit(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with the release in force of a client, or of the PEO; and what holds the client's runs.

    `limits` says for how many people with a finding; None: for none.
    """

    findings: list[Finding]
    limits: DataAuditPart | None = None


_kept = Recent(KEPT)
"""Audits by database, client, releases and checks."""


def read_audit(connection: Any, client_id: int) -> ReleaseAudit | None:
    """Answer the audit of the release in force, if one with the same checks is kept."""
    made_of = _made_of(connection, client_id)

    def read() -> ReleaseAudit | None:
        row = models.ReleaseAudit.objects.filter(client_id=client_id, made_of=made_of).first()
        return None if row is None else msgspec.convert(row.told, ReleaseAudit)

    return _kept.answer((_place(connection), client_id, made_of), read)


def keep_audit(connection: Any, client_id: int, found: ReleaseAudit) -> None:
    """Keep the audit of the release in force in the place of the one before; a face keeps it to itself."""
    made_of = _made_of(connection, client_id)
    _kept.keep((_place(connection), client_id, made_of), found)
    if not is_face(connection):
        row = models.ReleaseAudit(client_id=client_id, made_of=made_of, told=msgspec.to_builtins(found))
        models.ReleaseAudit.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["client_id"], update_fields=["made_of", "told"]
        )


def _made_of(connection: Any, client_id: int) -> str:
    return f"releases {sorted(releases_in_force(connection, [client_id]).items())}, checks {_checks()}"


def _place(connection: Any) -> str:
    settings = connection.settings_dict
    return f"{settings['HOST']}/{settings['PORT']}/{settings['NAME']}"


@cache
def _checks() -> str:
    """Name the code that audits: another version of it audits anew."""
    root = Path(openbenefits.__file__).parent
    files = sorted(file for package in CHECKED_BY for file in (root / package).rglob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
