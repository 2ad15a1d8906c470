"""Audits of set-up, kept: a release never changes, so what was found of it stands while the checks do.

They are kept in this process, and by client in the database, for the processes of later runs.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

import openbenefits
from openbenefits.programs import services as setup
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.findings import Finding
from openbenefits.programs.frames import PEO, releases_in_force
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.sections.operation import DataAuditPart
from openbenefits.runs import models
from openbenefits.store.startup import is_face

KEPT_AUDITS, KEPT_PEOS = 256, 4
CHECKED_BY = ("core", "programs")
"""The packages whose code makes an audit."""
Kept = TypeVar("Kept")


class SetupAudit(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a client's set-up and the PEO's; and with how many people a run is held for."""

    findings: list[Finding]
    limits: DataAuditPart | None = None


class AuditedPeo(msgspec.Struct, frozen=True, kw_only=True):
    """The set-up of the PEO and its findings."""

    loaded: LoadedBundle | None
    findings: list[Finding]


_kept: OrderedDict[tuple[Any, ...], SetupAudit] = OrderedDict()
_peos: OrderedDict[tuple[Any, ...], AuditedPeo] = OrderedDict()
"""Audits by database and releases."""


def setup_audit(connection: Any, client_id: int) -> SetupAudit:
    """Answer the audit of the set-up in force of a client and of the PEO, made once for both releases."""
    settings = connection.settings_dict
    place = f"{settings['HOST']}/{settings['PORT']}/{settings['NAME']}"
    releases = releases_in_force(connection, [client_id])
    key = (place, client_id, *releases.items())
    if key not in _kept:
        _kept[key] = _of_database(connection, client_id, releases, place)
    return _kept_last(_kept, key, KEPT_AUDITS)


def _of_database(connection: Any, client_id: int, releases: Mapping[int, int], place: str) -> SetupAudit:
    """Read an audit that another process made of the same releases with the same checks, or make it."""
    made_of = f"{sorted(releases.items())} by {_checks()}"
    known = models.SetupAudit.objects.filter(client_id=client_id, made_of=made_of).first()
    if known is not None:
        return msgspec.convert(known.told, SetupAudit)
    found = _audit(client_id, _audited_peo(place, releases_in_force(connection, [PEO])))
    if not is_face(connection):
        told = models.SetupAudit(client_id=client_id, made_of=made_of, told=msgspec.to_builtins(found))
        models.SetupAudit.objects.bulk_create(
            [told], update_conflicts=True, unique_fields=["client_id"], update_fields=["made_of", "told"]
        )
    return found


@cache
def _checks() -> str:
    """Name the code that audits, so that another version of it audits anew."""
    root = Path(openbenefits.__file__).parent
    files = sorted(file for package in CHECKED_BY for file in (root / package).rglob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _audit(client_id: int, peo: AuditedPeo) -> SetupAudit:
    loaded = setup.loaded_in_force(client_id) if client_id != PEO else None
    if loaded is None or peo.loaded is None:
        return SetupAudit(findings=peo.findings)
    limits = loaded.parts.data_audit if isinstance(loaded.parts, ClientBundle) else None
    return SetupAudit(findings=[*peo.findings, *setup.audit(loaded, peo.loaded)], limits=limits)


def _audited_peo(place: str, releases: Mapping[int, int]) -> AuditedPeo:
    """Audit the set-up of the PEO once, however many clients stand before it."""
    key = (place, *releases.items())
    if key not in _peos:
        _peos[key] = AuditedPeo(loaded=setup.loaded_in_force(PEO), findings=setup.audit_in_force(PEO))
    return _kept_last(_peos, key, KEPT_PEOS)


def _kept_last(kept: OrderedDict[tuple[Any, ...], Kept], key: tuple[Any, ...], most: int) -> Kept:
    """Answer what is kept under a key, and let go of what was not asked for longest."""
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
    return kept[key]
