"""Use cases of drafts: begun, changed, checked, applied or given up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

import msgspec
from django.db import transaction

from openbenefits.programs import services as setup
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.drafts import changes as changed
from openbenefits.programs.drafts.changes import Changes, Conflict
from openbenefits.programs.drafts.reading import read_plain
from openbenefits.programs.drafts.records import (
    Key,
    Plain,
    begins,
    find,
    key_of,
    key_text,
    kind_of,
    plain_record,
    sections_of,
    typed,
)
from openbenefits.programs.findings import Finding
from openbenefits.programs.frames import PEO
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.models import Bundle, Draft
from openbenefits.programs.reader import Reading

FILES = "files"
"""Stands where a conflict is about a CSV file and no section."""


class DraftRefused(ValueError):
    """A change that cannot be made to a draft: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Hand:
    """Who changes something, and when."""

    name: str
    user_id: int
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Base:
    """The set-up in force as plain data, that drafts are changes of; without a release it is empty."""

    client_id: int
    release_id: int | None
    parts: Plain
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OpenDraft:
    """A draft upon the set-up in force: what it changes, what would then hold, and what is wrong with it."""

    draft: Draft
    base: Base
    changes: Changes

    @cached_property
    def whole(self) -> tuple[Plain, dict[str, str]]:
        """The bundle as it would be: its sections and its files."""
        return changed.applied(self.changes, self.base.parts, self.base.files)

    @property
    def parts(self) -> Plain:
        return self.whole[0]

    @property
    def kind(self) -> type[PeoBundle | ClientBundle]:
        return kind_of(self.base.parts)

    @cached_property
    def reading(self) -> Reading:
        """The bundle as it would be, read."""
        return read_plain(*self.whole)

    @cached_property
    def findings(self) -> list[Finding]:
        """Everything wrong with the bundle as it would be."""
        return setup.check(self.reading).findings

    @cached_property
    def conflicts(self) -> list[Conflict]:
        """What somebody else has put into force since."""
        return list(changed.conflicts(self.changes, self.base.parts, self.base.files))

    def record(self, section: str, key: Key) -> Plain | None:
        """Find a record as it would be."""
        return find(self.parts, section, key)


def base_of(client_id: int, *, kind: str = "client", code: str = "") -> Base:
    """Answer the set-up in force of a client; of one that has none yet, an empty bundle.

    Errors: loaded.ReleaseUnreadable.
    """
    bundle = Bundle.objects.filter(client_id=client_id).first()
    loaded = setup.loaded_in_force(client_id)
    if loaded is None or bundle is None:
        header = {"kind": "peo" if client_id == PEO else kind, "code": code}
        return Base(client_id=client_id, release_id=None, parts={"bundle": header})
    return Base(
        client_id=client_id,
        release_id=bundle.release_id,
        parts=plain_record(loaded.parts),
        files=dict(loaded.files),
    )


def begin(client_id: int, bundle_code: str, *, name: str, by: Hand) -> Draft:
    """Begin a draft upon the set-up in force.

    Errors: DraftRefused without a name.
    """
    if not name.strip():
        raise DraftRefused("expected a name that says what the draft is for, found none; give it one")
    return Draft.objects.create(
        client_id=client_id,
        bundle_code=bundle_code,
        name=name.strip(),
        author=by.name,
        author_id=by.user_id,
        editors=[by.user_id],
        base_id=Bundle.objects.filter(client_id=client_id).values_list("release_id", flat=True).first(),
        begun_at=by.now,
        changed_at=by.now,
    )


def drafts_of(client_id: int, *, ended: bool = False) -> Sequence[Draft]:
    """List the drafts of a client that are under way (or ended), the last changed first."""
    rows = Draft.objects.filter(client_id=client_id, ended_at__isnull=not ended)
    return list(rows.order_by("-changed_at", "-id"))


def opened(draft: Draft) -> OpenDraft:
    """Lay a draft upon the set-up in force now."""
    kept = changed.from_rows(draft.records, draft.orders, draft.files)
    return OpenDraft(draft=draft, base=base_of(draft.client_id, code=draft.bundle_code), changes=kept)


def put(draft: Draft, section: str, key: Key | None, record: Plain, *, by: Hand) -> Key:
    """Put a record into a draft, in place of the one of a key (None: a new one); answer its key.

    Errors: DraftRefused for a section or record that cannot be, or a key that another record has.
    """
    with transaction.atomic():
        held = _held(draft)
        record_type = sections_of(held.kind).get(section)
        if record_type is None:
            known = ", ".join(sections_of(held.kind))
            raise DraftRefused(
                f"expected one of the sections {known}, found '{section}'; choose one of these"
            )
        try:
            whole = plain_record(typed(record_type, record))
        except msgspec.ValidationError as fault:
            raise DraftRefused(
                f"{section}: expected a record of its shape, found: {fault}; correct it"
            ) from None
        own = key_of(section, record_type, whole)
        if own != key and held.record(section, own) is not None:
            raise DraftRefused(
                f"{section}: expected a code and a day of its own, found another record {key_text(own)};"
                " change that one, or choose another code or day"
            )
        kept = held.changes
        if key is not None and own != key:
            kept = changed.with_record(kept, held.base.parts, section, key, None)
        _keep(draft, changed.with_record(kept, held.base.parts, section, own, whole), by)
    return own


def take_out(draft: Draft, section: str, key: Key, *, by: Hand, today: date) -> None:
    """Take a record out; what has begun and is dated stays as it was, and is ended by a day.

    Errors: DraftRefused.
    """
    with transaction.atomic():
        held = _held(draft)
        stands = find(held.base.parts, section, key)
        if stands is not None and (day := begins(stands)) is not None and day <= today:
            raise DraftRefused(
                f"{section}[{key_text(key)}]: expected a record that has not begun, found one in force since"
                f" {day}; end it by a day instead, so that what was decided by it can be explained"
            )
        if held.record(section, key) is None:
            raise DraftRefused(f"{section}: expected a record of the draft, found no {key_text(key)}")
        _keep(draft, changed.with_record(held.changes, held.base.parts, section, key, None), by)


def restore(draft: Draft, section: str, key: Key, *, by: Hand) -> None:
    """Give up what a draft does to one record."""
    with transaction.atomic():
        held = _held(draft)
        stands = find(held.base.parts, section, key)
        _keep(draft, changed.with_record(held.changes, held.base.parts, section, key, stands), by)


def end(draft: Draft, section: str, key: Key, on: date, source: str, *, by: Hand) -> Key:
    """End a record: from a day on there is none of its code (a version that is not active).

    Errors: DraftRefused for records that know no days, and for a day before the record begins.
    """
    held = _held(draft)
    record = held.record(section, key)
    if record is None or "active" not in record or "from" not in record:
        raise DraftRefused(
            f"{section}: expected a record that can be switched off by a day, found another kind"
        )
    first = begins(record)
    if first is not None and on <= first:
        raise DraftRefused(
            f"expected a day after {first}, on which the record begins, found {on}; correct it"
        )
    ended = {**record, "from": on.isoformat(), "active": False, "source": source or record["source"]}
    return put(draft, section, None, ended, by=by)


def copy(draft: Draft, section: str, key: Key, given: Plain, *, by: Hand) -> Key:
    """Copy a record under another code or day (`given` says which).

    Errors: DraftRefused.
    """
    record = _held(draft).record(section, key)
    if record is None:
        raise DraftRefused(f"{section}: expected a record to copy, found no {key_text(key)}")
    return put(draft, section, None, {**record, **given}, by=by)


def put_file(draft: Draft, name: str, text: str | None, *, by: Hand) -> None:
    """Put a CSV file into a draft, or take it out."""
    with transaction.atomic():
        held = _held(draft)
        _keep(draft, changed.with_file(held.changes, held.base.files, name, text), by)


def take_over(draft: Draft, loaded: LoadedBundle, *, by: Hand) -> int:
    """Make a draft of all in which a bundle differs from the set-up in force; answer how many changes.

    Errors: DraftRefused for a bundle of another client, or one that has a record twice.
    """
    with transaction.atomic():
        held = _held(draft)
        if loaded.code != draft.bundle_code:
            raise DraftRefused(
                f"expected a bundle with the code '{draft.bundle_code}', found '{loaded.code}';"
                " upload it at that client, or correct `code` in its header"
            )
        parts = plain_record(loaded.parts)
        found = changed.between(held.base.parts, held.base.files, parts, loaded.files)
        after, _ = changed.applied(found, held.base.parts, held.base.files)
        if any((after.get(name) or None) != (held_now or None) for name, held_now in parts.items()):
            raise DraftRefused("expected each record once, found one twice; correct its code or date")
        _keep(draft, found, by)
    return len(found.records) + len(found.files)


def settle(draft: Draft, conflict_name: str, *, keeps_mine: bool, by: Hand) -> None:
    """Settle a conflict with what was put into force meanwhile: the draft's holds, or is given up.

    Errors: DraftRefused if there is none of that name.
    """
    with transaction.atomic():
        held = _held(draft)
        found = next((one for one in held.conflicts if one.name == conflict_name), None)
        if found is None:
            raise DraftRefused(
                f"expected a conflict, found none about {conflict_name}; look at the draft again"
            )
        base = held.base
        _keep(draft, changed.resolved(held.changes, base.parts, base.files, found, keeps_mine=keeps_mine), by)


def give_up(draft: Draft, *, by: Hand) -> None:
    """End a draft without applying it; it stays readable."""
    _held(draft)
    Draft.objects.filter(pk=draft.pk).update(ended_at=by.now, ended_by=by.name, ended_by_id=by.user_id)


def apply_draft(draft: Draft, *, by: Hand, reason: str) -> setup.Change:
    """Put a draft into force as a new release, whole or not at all, upon what is in force at that moment.

    Refused where it conflicts with what somebody else applied since, and by all that refuses a folder.

    Errors: DraftRefused without a reason, and for an ended draft; ApprovalWanted where the client wants
            another person to approve exactly this.
    """
    if not reason.strip():
        raise DraftRefused("expected a reason, found none; say why the set-up changes")
    with transaction.atomic():
        setup.lock(draft.client_id)
        held = _held(draft)
        if held.conflicts:
            return setup.Change(
                outcome=setup.Outcome.REFUSED,
                release=None,
                findings=[_conflicting(one) for one in held.conflicts],
            )
        change = setup.apply(
            held.reading, client_id=draft.client_id, applied_by=by.name, now=by.now, reason=reason.strip()
        )
        if change.outcome is not setup.Outcome.REFUSED and change.release is not None:
            Draft.objects.filter(pk=draft.pk).update(
                ended_at=by.now,
                ended_by=by.name,
                ended_by_id=by.user_id,
                release_id=change.release.pk,
            )
    return change


def _held(draft: Draft) -> OpenDraft:
    """Take a draft for oneself until the transaction ends, as it is now.

    Errors: DraftRefused for one that has ended.
    """
    with transaction.atomic():
        now = Draft.objects.select_for_update().filter(pk=draft.pk).first()
    if now is None or now.ended_at is not None:
        raise DraftRefused("expected a draft under way, found one that has ended; begin another")
    draft.refresh_from_db()
    return opened(draft)


def _keep(draft: Draft, kept: Changes, by: Hand) -> None:
    draft.records, draft.orders, draft.files = changed.to_rows(kept)
    draft.editors = sorted({*draft.editors, by.user_id})
    draft.changed_at = by.now
    draft.save(update_fields=["records", "orders", "files", "editors", "changed_at"])


def _conflicting(conflict: Conflict) -> Finding:
    return Finding(
        code="draft_conflict",
        where=conflict.name,
        expected="what was in force when the draft changed it",
        found="another version, applied by somebody else since",
        cure="Say in the draft which of the two shall hold.",
    )
