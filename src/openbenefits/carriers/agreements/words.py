"""An agreement with a partner in plain words, and what differs between two versions of it."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from openbenefits.carriers.agreements.partners import Cadence, Limits, Partner, Transport

KINDS = {
    "834": "834 files (enrolment, X12)",
    "file": "files of a layout of its own",
    "portal": "nothing but a worklist for its portal",
}
MODES = {
    "2": "changes only",
    "4": "a full audit of everybody covered",
    "RX": "a list in place of what it holds",
}
ENVIRONMENTS = {"T": "test", "P": "production"}
DAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
DIFFERENCE = {"field": pl.String, "before": pl.String, "after": pl.String}
"""A field that two versions say differently; null where one of them does not say it."""


def in_words(partner: Partner) -> list[tuple[str, str]]:
    """Say what is agreed, as titles with a sentence each."""
    return [
        ("Plans of", ", ".join(partner.carriers)),
        ("It takes", KINDS[partner.kind]),
        ("One file holds", "one client" if partner.is_per_client else "all clients the agreement covers"),
        ("Environment", ENVIRONMENTS[partner.environment]),
        ("When", _when(partner.cadence)),
        *_open_enrollment(partner.cadence),
        ("Held for a person", _held(partner.limits)),
        *((("Released by", "somebody else than who built it"),) if partner.four_eyes else ()),
        *_frozen(partner),
        ("How it leaves", _transport(partner.transport)),
        ("Overdue", _due(partner)),
        ("How far back", _back(partner)),
        ("Codes", _codes(partner)),
        *((("Its own reports", ", ".join(sorted(partner.reports))),) if partner.reports else ()),
        *((("Contact", partner.contact),) if partner.contact else ()),
        *((("Source", partner.source),) if partner.source else ()),
    ]


def _when(cadence: Cadence) -> str:
    days = ", ".join(DAYS[one] for one in cadence.days) or "every day"
    words = f"{days} at {cadence.at:%H:%M}: {MODES[cadence.mode]}"
    if cadence.full_days:
        words += f"; a full audit besides on day {', '.join(map(str, cadence.full_days))} of the month"
    return words + ("; ends are left out of it, not said" if cadence.omits_ends else "")


def _open_enrollment(cadence: Cadence) -> Iterator[tuple[str, str]]:
    if cadence.open_enrollment is not None:
        span = f"{cadence.open_enrollment_from} through {cadence.open_enrollment_through}"
        yield "Open enrolment", f"{span}: {MODES[cadence.open_enrollment]}"


def _held(limits: Limits) -> str:
    said = []
    if limits.ends is not None:
        said.append(f"more than {limits.ends} members to end")
    if limits.ends_percent is not None:
        said.append(f"more than {limits.ends_percent} % of those covered to end")
    if limits.members_percent is not None:
        said.append(f"members change by more than {limits.members_percent} %")
    if not said:
        return "never"
    return f"{'; '.join(said)} (percents from {limits.from_members} members on)"


def _frozen(partner: Partner) -> Iterator[tuple[str, str]]:
    for one in partner.freezes:
        span = f"{one.from_on} through {one.through_on}"
        yield "Frozen", f"{span}: changes before {one.before} are entered at its portal"


def _transport(way: Transport) -> str:
    if way.kind == "folder":
        return f"into the folder {way.folder}" + (f"; answers from {way.answers}" if way.answers else "")
    if way.kind == "sftp":
        return f"by SFTP to {way.user}@{way.host}:{way.port}, {way.folder or 'its first folder'}"
    return "by hand: somebody downloads it and brings it there"


def _due(partner: Partner) -> str:
    named = {
        "a held file": partner.due.release,
        "its transfer": partner.due.transfer,
        "TA1 or 999": partner.due.acknowledgement,
        "its report": partner.due.report,
    }
    said = [f"{what} after {hours} h" for what, hours in named.items() if hours is not None]
    return ", ".join(said) or "nothing is ever overdue"


def _back(partner: Partner) -> str:
    ahead = "as far ahead as known" if partner.ahead_days is None else f"{partner.ahead_days} days ahead"
    return f"what ended more than {partner.retro_days} days ago and was never told is let be; {ahead}"


def _codes(partner: Partner) -> str:
    profile = partner.profile
    if profile is None:
        return "a layout of its own" if partner.layout else "none"
    return f"{len(profile.plans)} plans, {len(profile.tiers)} tiers, profile {profile.name}"


def differences(before: dict[str, Any], after: dict[str, Any]) -> pl.DataFrame:
    """List the fields that two documents say differently, by their path. Shapes: DIFFERENCE."""
    old, new = dict(_fields(before)), dict(_fields(after))
    rows = [
        (name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    return pl.DataFrame(rows, schema=DIFFERENCE, orient="row")


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, str | None]]:
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from _fields(one, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for number, one in enumerate(value, 1):
            yield from _fields(one, f"{path}[{number}]")
    elif value not in (None, [], {}):
        yield path, str(value)
