"""Use cases of set-up: check a bundle, show what would change, apply it, take it back."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from threading import Lock

from django.db import connection, transaction
from django.db.models import Max

from openbenefits.accounts.approvals import ApprovalKind, Matter, require_approval
from openbenefits.core.codes import Severity
from openbenefits.programs.audit import audit
from openbenefits.programs.audit.graph import Record, own_records
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.differences import Difference, differences
from openbenefits.programs.findings import Finding, has_errors
from openbenefits.programs.flatten import flatten
from openbenefits.programs.frames import PEO
from openbenefits.programs.inheritance import ClientRecord, records_of, standings, unused_by
from openbenefits.programs.kept_audits import ReleaseAudit, keep_audit, read_audit
from openbenefits.programs.loaded import (
    LoadedBundle,
    ReleaseUnreadable,
    fingerprint,
    from_document,
    to_document,
    with_curves_of,
    with_holidays_of,
)
from openbenefits.programs.models import Bundle, Release, SetupKey
from openbenefits.programs.numbers import Key, Numbers, keys_of, names_of
from openbenefits.programs.reader import Reading, read
from openbenefits.programs.written import write_bundle
from openbenefits.store.bulk import copy_in


class Outcome(StrEnum):
    """What came of an attempt to change the set-up in force."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    TAKEN_BACK = "taken back"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """A bundle if it could be read, and everything wrong with it."""

    bundle: LoadedBundle | None
    findings: list[Finding]
    audited: list[Finding] = field(default_factory=list)  # those of them that reading it did not find

    @property
    def is_applicable(self) -> bool:
        return self.bundle is not None and not has_errors(self.findings)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What applying a folder would change, or why it cannot be read."""

    differences: list[Difference]
    findings: list[Finding]
    standings: list[ClientRecord] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What was done to the set-up in force, which release holds now, and what spoke against it."""

    outcome: Outcome
    release: Release | None
    findings: list[Finding]


@dataclass(frozen=True, kw_only=True)
class Export:
    """A release written out as a folder."""

    release: Release
    folder: Path
    files: list[Path]


class NoSuchRelease(LookupError):
    """A bundle or a release that is not in the database."""


Source = Path | Reading
"""Where a bundle comes from: a folder, or what was read already (a draft, say)."""


def read_source(source: Source) -> Reading:
    """Read a folder; what was read is answered as it is."""
    return source if isinstance(source, Reading) else read(source)


def check(source: Source, *, peo_folder: Path | None = None) -> CheckResult:
    """Read and audit a folder, a client's before the PEO's folder, or the PEO's set-up in force."""
    reading = read_source(source)
    if reading.bundle is None:
        return CheckResult(bundle=None, findings=reading.findings)
    background = _background(reading.bundle, peo_folder)
    if isinstance(background, LoadedBundle):
        found = audit(reading.bundle, background)
        return CheckResult(bundle=reading.bundle, findings=[*reading.findings, *found], audited=found)
    return CheckResult(bundle=reading.bundle, findings=[*reading.findings, *background])


def diff(source: Source) -> Comparison:
    """Compare a folder with the release in force; of the PEO's, say which client follows each change."""
    reading = read_source(source)
    if reading.bundle is None:
        return Comparison(differences=[], findings=reading.findings)
    in_force = _in_force(Bundle.objects.filter(code=reading.bundle.code).first())
    found = differences(in_force, reading.bundle)
    return Comparison(
        differences=found, findings=reading.findings, standings=_standings(reading.bundle, in_force, found)
    )


def _standings(
    loaded: LoadedBundle, in_force: LoadedBundle | None, found: list[Difference]
) -> list[ClientRecord]:
    """Say of each client in force how it stands to each record that a folder changes."""
    records = records_of(found)
    if loaded.is_client:
        peo = _in_force(Bundle.objects.filter(client_id=PEO).first())
        holders = [one for one in (loaded, in_force) if one is not None]
        named = {one for holder in holders for one in own_records(holder)}
        return standings([one for one in records if one in named], [loaded], peo) if peo else []
    return [one for client in clients_in_force() for one in _of_client(records, client, loaded, in_force)]


def _of_client(
    records: list[Record], client: LoadedBundle, loaded: LoadedBundle, in_force: LoadedBundle | None
) -> list[ClientRecord]:
    """Judge by the new set-up; a record that it no longer has, by the one in force."""
    now = [one for one in records if one in set(own_records(loaded))]
    gone = [one for one in records if one not in now]
    before = standings(gone, [client], in_force) if in_force else []
    return [*standings(now, [client], loaded), *before]


def apply(
    source: Source,
    *,
    client_id: int,
    applied_by: str,
    now: datetime,
    reason: str = "",
    is_rehearsal: bool = False,
) -> Change:
    """Put a folder into force, whole or not at all.

    Refused while its audit has errors, or while the PEO's would bring errors to a client's set-up in force.
    The same bundle again changes nothing. A rehearsal, which the caller gives up, needs no approval.

    Errors: ApprovalWanted where the set-up in force wants another user to approve the next.
    """
    with transaction.atomic():
        lock(client_id)
        result = check(source)
        obstacles = [*result.findings, *_obstacles(result.bundle, client_id)]
        if result.bundle is None or has_errors(obstacles):
            return Change(outcome=Outcome.REFUSED, release=_release_of(client_id), findings=obstacles)
        if not is_rehearsal:
            _require_approval(client_id, result.bundle, now)
        change = _put_in_force(result.bundle, obstacles, client_id, applied_by, now, reason)
        if change.outcome is Outcome.APPLIED:
            keep_audit(connection, client_id, _audit_told(result.bundle, result.audited))
        return change


def matter_of_release(client_id: int, code: str, mark: str) -> Matter:
    """Answer what another user approves who approves set-up: the bundle, and the fingerprint of its text."""
    return Matter(client_id=client_id, kind=ApprovalKind.SETUP, key=f"bundle {code}", parts=[mark])


def _require_approval(client_id: int, loaded: LoadedBundle, now: datetime) -> None:
    bundle = Bundle.objects.filter(client_id=client_id).select_related("release").first()
    if bundle is None or bundle.release is None:
        return
    mark = fingerprint(to_document(loaded))
    if mark != bundle.release.fingerprint:
        require_approval(matter_of_release(client_id, bundle.code, mark), now)


def take_back(bundle_code: str, *, by: str, now: datetime) -> Change:
    """Return to the release before the one in force; the first one leaves nothing in force.

    Refused while a client's set-up needs what the PEO's earlier release does not have, and the reverse.

    Errors: ApprovalWanted where the set-up in force wants another user to approve that.
    """
    with transaction.atomic():
        bundle = Bundle.objects.filter(code=bundle_code).first()
        if bundle is not None:
            lock(bundle.client_id)
            bundle.refresh_from_db()
        if bundle is None or bundle.release is None:
            findings = [_nothing_in_force(bundle_code)]
            return Change(outcome=Outcome.REFUSED, release=None, findings=findings)
        earlier = _release_before(bundle.release)
        findings = list(_faults_of_return(bundle, earlier))
        if findings:
            return Change(outcome=Outcome.REFUSED, release=bundle.release, findings=findings)
        mark = earlier.fingerprint if earlier is not None else ""
        require_approval(matter_of_release(bundle.client_id, bundle.code, mark), now)
        _mark_taken_back(bundle.release, by, now)
        _point(bundle, earlier)
    return Change(outcome=Outcome.TAKEN_BACK, release=earlier, findings=[])


def export(bundle_code: str, folder: Path, *, number: int | None = None) -> Export:
    """Write a release (None: the one in force) as a folder from which the same set-up can be applied.

    Errors: NoSuchRelease; written.FolderTaken; loaded.ReleaseUnreadable.
    """
    release = _wanted(bundle_code, number)
    files = write_bundle(from_document(release.document), folder)
    return Export(release=release, folder=folder, files=files)


def export_history(bundle_code: str, folder: Path) -> list[Export]:
    """Write every release of a bundle, each into `release-<number>` of a folder.

    Errors: as `export`.
    """
    numbers = Release.objects.filter(bundle__code=bundle_code).order_by("number").values_list("number")
    if not numbers:
        raise NoSuchRelease(_no_bundle(bundle_code))
    return [
        export(bundle_code, folder / f"release-{number:04d}", number=number) for (number,) in list(numbers)
    ]


def in_force_of(bundle_code: str) -> LoadedBundle:
    """Answer the bundle in force.

    Errors: NoSuchRelease; loaded.ReleaseUnreadable.
    """
    return from_document(_wanted(bundle_code, None).document)


def loaded_in_force(client_id: int) -> LoadedBundle | None:
    """Answer a client's set-up in force, if there is any.

    Errors: loaded.ReleaseUnreadable.
    """
    return _in_force(Bundle.objects.filter(client_id=client_id).first())


def clients_in_force() -> list[LoadedBundle]:
    """Answer the set-up in force of every client one may read, by code.

    Errors: loaded.ReleaseUnreadable.
    """
    held = Bundle.objects.exclude(client_id=PEO).exclude(release=None).select_related("release")
    return [client for bundle in held.order_by("code") if (client := _in_force(bundle))]


def audit_in_force(client_id: int) -> list[Finding]:
    """Audit a client's set-up in force as if it were applied now, and the PEO's before it."""
    return audit_with_limits(client_id).findings


def audit_with_limits(client_id: int) -> ReleaseAudit:
    """Answer the findings of `audit_in_force`, and what holds the client's runs; made once for a release."""
    peo = _audit_of_release(PEO)
    if peo is None:
        return ReleaseAudit(findings=[_needs_peo(f"of client {client_id}")])
    own = _audit_of_release(client_id) if client_id != PEO else None
    return peo if own is None else ReleaseAudit(findings=peo.findings + own.findings, limits=own.limits)


def _audit_of_release(client_id: int) -> ReleaseAudit | None:
    """Answer the audit of a release in force, made now unless it is kept; None: there is no release."""
    known = read_audit(connection, client_id)
    if known is None and (loaded := loaded_in_force(client_id)) is not None:
        known = _audit_told(loaded, audit(loaded, loaded_in_force(PEO)))
        keep_audit(connection, client_id, known)
    return known


def _audit_told(loaded: LoadedBundle, findings: Sequence[Finding]) -> ReleaseAudit:
    """Put an audit as it is kept: of a release in force no file is told, nor a line."""
    limits = loaded.parts.data_audit if isinstance(loaded.parts, ClientBundle) else None
    return ReleaseAudit(findings=[replace(one, file="", line=None) for one in findings], limits=limits)


def unused_by_all() -> list[Finding]:
    """List the PEO's records that no client in force goes by: code lists, rates, rules, coverage codes.

    Errors: loaded.ReleaseUnreadable.
    """
    peo = loaded_in_force(PEO)
    return [] if peo is None else unused_by(peo, clients_in_force())


def _wanted(bundle_code: str, number: int | None) -> Release:
    bundle = Bundle.objects.filter(code=bundle_code).select_related("release").first()
    if bundle is None:
        raise NoSuchRelease(_no_bundle(bundle_code))
    if number is None:
        if bundle.release is None:
            raise NoSuchRelease(f"bundle {bundle_code}: expected a release in force, found none. Name one.")
        return bundle.release
    release = bundle.releases.filter(number=number).first()
    if release is None:
        known = ", ".join(str(one) for (one,) in bundle.releases.order_by("number").values_list("number"))
        message = f"bundle {bundle_code}: expected one of the releases {known}, found {number}. Correct it."
        raise NoSuchRelease(message)
    return release


def _no_bundle(bundle_code: str) -> str:
    known = ", ".join(code for (code,) in Bundle.objects.order_by("client_id").values_list("code"))
    return f"expected one of the bundles {known or '(none yet)'}, found {bundle_code}. Correct the code."


# --- applying -----------------------------------------------------------------------------------------


def lock(client_id: int) -> None:
    """Wait for whoever changes this bundle or the PEO's, and keep both until the transaction ends."""
    rows = Bundle.objects.select_for_update().filter(client_id__in={PEO, client_id})
    list(rows.order_by("client_id"))


def _put_in_force(
    loaded: LoadedBundle, findings: list[Finding], client_id: int, applied_by: str, now: datetime, reason: str
) -> Change:
    header = loaded.parts.bundle
    Bundle.objects.get_or_create(client_id=client_id, defaults={"code": header.code, "name": header.name})
    bundle = Bundle.objects.select_for_update(of=("self",)).select_related("release").get(client_id=client_id)
    document = to_document(loaded)
    mark = fingerprint(document)
    if bundle.release is not None and bundle.release.fingerprint == mark:
        return Change(outcome=Outcome.UNCHANGED, release=bundle.release, findings=findings)
    last = bundle.releases.aggregate(last=Max("number"))["last"] or 0
    release = Release.objects.create(
        bundle=bundle,
        number=last + 1,
        fingerprint=mark,
        document=document,
        applied_at=now,
        applied_by=applied_by,
        reason=reason,
    )
    _write_rows(loaded, client_id, release)
    bundle.name, bundle.starts_on = header.name, header.starts
    _point(bundle, release)
    return Change(outcome=Outcome.APPLIED, release=release, findings=findings)


def _write_rows(loaded: LoadedBundle, client_id: int, release: Release) -> None:
    peo = _in_force(Bundle.objects.filter(client_id=PEO).first()) if client_id != PEO else loaded
    own = _numbers_of(loaded, client_id)
    numbers = Numbers(
        own=own,
        peo=_numbers_of(peo, PEO) if peo else {},
        names={**(names_of(peo) if peo else {}), **names_of(loaded)},
    )
    whole = with_holidays_of(with_curves_of(loaded, peo), peo) if peo else loaded
    for model, frame in flatten(whole, numbers, client_id=client_id, release_id=release.pk).items():
        copy_in(connection, model._meta.db_table, frame)


def _numbers_of(loaded: LoadedBundle, client_id: int) -> dict[Key, int]:
    """Answer the stable number of each record of a bundle, giving one to each new code."""
    wanted = keys_of(loaded)
    known = _known_numbers(client_id)
    SetupKey.objects.bulk_create(
        SetupKey(client_id=client_id, kind=kind, code=code)
        for kind, code in wanted
        if (kind, code) not in known
    )
    known = _known_numbers(client_id)
    return {key: known[key] for key in wanted}


def _known_numbers(client_id: int) -> dict[Key, int]:
    rows = SetupKey.objects.filter(client_id=client_id).values_list("kind", "code", "id")
    return {(kind, code): number for kind, code, number in rows}


def _point(bundle: Bundle, release: Release | None) -> None:
    bundle.release = release
    bundle.save(update_fields=["release", "name", "starts_on"])


# --- what stands in the way ---------------------------------------------------------------------------


def _obstacles(loaded: LoadedBundle | None, client_id: int) -> Iterator[Finding]:
    """Find what speaks against a bundle beside its own audit."""
    if loaded is None:
        return
    if loaded.is_client != (client_id != PEO):
        raise ValueError(f"client {client_id} and a bundle of kind {loaded.parts.bundle.kind}")
    for other in Bundle.objects.filter(code=loaded.code).exclude(client_id=client_id):
        yield _about_code(loaded, f"it in use for client {other.client_id}")
    for own in Bundle.objects.filter(client_id=client_id).exclude(code=loaded.code):
        yield _about_code(loaded, f"`{own.code}` in force for this client")
    if not loaded.is_client:
        yield from _harm_to_clients(loaded)


def _harm_to_clients(peo: LoadedBundle | None) -> Iterator[Finding]:
    """Find errors that another PEO bundle would bring to the clients' set-up in force."""
    try:
        before = _in_force(Bundle.objects.filter(client_id=PEO).first())
    except ReleaseUnreadable:  # what replaces it is judged by itself
        before = None
    clients = Bundle.objects.exclude(client_id=PEO).exclude(release=None).select_related("release")
    for bundle in clients.order_by("client_id"):
        client = _in_force(bundle)
        if client is None:
            continue
        known = set(_errors(client, before)) if before else set()
        found = [_needs_peo(bundle.code)] if peo is None else _errors(client, peo)
        for finding in found:
            if finding not in known:
                yield replace(finding, where=f"client {bundle.code}: {finding.where}")
        if peo and before and not _same_rates(client, before, peo):
            yield _curve_moved(bundle.code)
        if peo and before and _holidays_moved(client, before, peo):
            yield _checks_moved(bundle.code)


def _faults_of_return(bundle: Bundle, earlier: Release | None) -> Iterator[Finding]:
    loaded = None if earlier is None else from_document(earlier.document)
    if bundle.client_id == PEO:
        yield from (one for one in _harm_to_clients(loaded) if one.severity is Severity.ERROR)
        return
    peo = _in_force(Bundle.objects.filter(client_id=PEO).first())
    if loaded is not None and peo is not None:
        yield from _errors(loaded, peo)


def _errors(client: LoadedBundle, peo: LoadedBundle) -> list[Finding]:
    return [finding for finding in audit(client, peo) if finding.severity is Severity.ERROR]


def _same_rates(client: LoadedBundle, before: LoadedBundle, after: LoadedBundle) -> bool:
    """Tell whether a client's rates that follow the PEO's curves stay as they are."""
    return with_curves_of(client, before).rates.equals(with_curves_of(client, after).rates)


def _curve_moved(client_code: str) -> Finding:
    return Finding(
        code="curve_moved",
        where=f"client {client_code}",
        expected="rates by the age curves of the PEO as they are now",
        found="rates written out by the curves before",
        cure="Apply the client's bundle again, so that its rates follow.",
        severity=Severity.WARNING,
    )


def _holidays_moved(client: LoadedBundle, before: LoadedBundle, after: LoadedBundle) -> bool:
    """Tell whether holidays of the PEO that a client's pay groups name are other ones."""
    parts = client.parts
    wanted = {group.holidays for group in parts.pay_groups} if isinstance(parts, ClientBundle) else set()
    wanted -= {None, *(one.code for one in parts.holiday_calendars)}
    named = (
        {one.code: one for one in peo.parts.holiday_calendars if one.code in wanted}
        for peo in (before, after)
    )
    return next(named) != next(named)


def _checks_moved(client_code: str) -> Finding:
    return Finding(
        code="holidays_moved",
        where=f"client {client_code}",
        expected="pay calendars by the holidays of the PEO as they are now",
        found="checks dated by the holidays before",
        cure="Apply the client's set-up again, so that its checks follow.",
        severity=Severity.WARNING,
    )


def _about_code(loaded: LoadedBundle, found: str) -> Finding:
    return Finding(
        code="bundle_code",
        where=f"bundle {loaded.code}",
        expected="a bundle code of this client alone",
        found=found,
        cure="Correct `code` in the header `bundle`, or apply it for the other client.",
    )


def _needs_peo(client_code: str) -> Finding:
    return Finding(
        code="no_peo",
        where=f"bundle {client_code}",
        expected="the PEO's set-up in force",
        found="none",
        cure="Apply the PEO's bundle, or name its folder.",
    )


def _nothing_in_force(code: str) -> Finding:
    return Finding(
        code="nothing_in_force",
        where=f"bundle {code}",
        expected="a release in force",
        found="none",
        cure="Correct the bundle's code.",
    )


# --- releases -----------------------------------------------------------------------------------------


def _background(loaded: LoadedBundle, peo_folder: Path | None) -> LoadedBundle | list[Finding]:
    """Answer the bundle before which another is audited, or why there is none."""
    if not loaded.is_client:
        return loaded
    if peo_folder is not None:
        reading = read(peo_folder)
        return reading.bundle or reading.findings
    in_force = _in_force(Bundle.objects.filter(client_id=PEO).first())
    return in_force or [_needs_peo(loaded.code)]


KEPT_BUNDLES = 16
_kept: OrderedDict[tuple[str, int], LoadedBundle] = OrderedDict()
"""Bundles lately read, by database and release: a release never changes."""
_keeping = Lock()
"""Held while a bundle is looked up or let go: runs of several clients ask at once."""


def _in_force(bundle: Bundle | None) -> LoadedBundle | None:
    if bundle is None or bundle.release_id is None:
        return None
    settings = connection.settings_dict
    key = (f"{settings['HOST']}/{settings['PORT']}/{settings['NAME']}", bundle.release_id)
    with _keeping:
        known = _kept.get(key)
    loaded = known or from_document(bundle.release.document)
    with _keeping:
        _kept[key] = loaded
        _kept.move_to_end(key)
        while len(_kept) > KEPT_BUNDLES:
            _kept.popitem(last=False)
    return loaded


def _release_of(client_id: int) -> Release | None:
    bundle = Bundle.objects.filter(client_id=client_id).select_related("release").first()
    return None if bundle is None else bundle.release


def _release_before(release: Release) -> Release | None:
    earlier = Release.objects.filter(
        bundle=release.bundle, number__lt=release.number, taken_back_at__isnull=True
    )
    return earlier.order_by("-number").first()


def _mark_taken_back(release: Release, by: str, now: datetime) -> None:
    release.taken_back_at = now
    release.taken_back_by = by
    release.save(update_fields=["taken_back_at", "taken_back_by"])
