"""`openbenefits doctor`: whether everything is there that the program needs, and the set-up sound."""

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import typer
from rich.markup import escape

from openbenefits.cli.clock import today
from openbenefits.cli.database import refuse_unreadable_url, unapplied
from openbenefits.cli.faults import EXIT_REFUSED, message_of
from openbenefits.cli.screen import console, say
from openbenefits.store import boot, secrets, server

OLDEST_PYTHON = (3, 11)
OLDEST_POSTGRES = 150000
ENDING_SOON = timedelta(days=90)
DOCTOR_EPILOG = "Example: openbenefits doctor"


CALENDAR_ENDS = """
SELECT b.code, g.code, max(p.ends_on)
FROM programs_bundle AS b
JOIN programs_paygroup AS g ON g.release_id = b.release_id AND g.is_active
LEFT JOIN programs_payperiod AS p ON p.release_id = b.release_id AND p.pay_group_id = g.pay_group_id
GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at: sound, doubtful or broken, and what was found."""

    what: str
    state: str  # ok, warning, error
    found: str


def doctor() -> None:
    """Check Python, database, migrations, keys, folders, set-up and pay calendars."""
    worst = "ok"
    for check in _checks():
        style = {"ok": "green", "warning": "yellow", "error": "red"}[check.state]
        console.print(f"[{style}]{check.state:8}[/]{check.what}: {escape(check.found)}")
        worst = "error" if "error" in (worst, check.state) else max(worst, check.state)
    if worst == "error":
        raise typer.Exit(EXIT_REFUSED)
    say("All is well." if worst == "ok" else "Nothing is broken; look at the warnings.")


def _checks() -> Iterator[Check]:
    yield _python()
    yield _writable("data folder", server.base_folder())
    yield _writable("this folder, for output", Path.cwd())
    is_own = bool(os.environ.get("DATABASE_URL"))
    try:
        refuse_unreadable_url()
        boot()
        yield _database(is_own=is_own)
    except Exception as fault:  # whatever it is, it is what the doctor is asked for
        yield Check(what="database", state="error", found=message_of(fault))
        return
    yield _keys()
    waiting = unapplied()
    if waiting:
        found = f"{len(waiting)} not applied; run `openbenefits migrate`"
        yield Check(what="migrations", state="error", found=found)
        return
    yield Check(what="migrations", state="ok", found="all applied")
    yield from _setups()
    yield from _calendars(today())


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    is_new = sys.version_info >= OLDEST_PYTHON
    return Check(
        what="Python", state="ok" if is_new else "error", found=f"{version}; 3.11 or newer is needed"
    )


def _writable(what: str, folder: Path) -> Check:
    """Try to write where the program writes, or in the nearest folder that exists."""
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return Check(what=what, state="ok", found=f"{folder} can be written")
    except OSError as fault:
        return Check(what=what, state="error", found=f"{folder}: {fault.strerror}; give this user the right")


def _database(*, is_own: bool) -> Check:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int, current_setting('server_version')")
        number, version = cursor.fetchone()
    where = "of DATABASE_URL" if is_own else f"embedded, in {server.data_folder('default')}"
    state = "ok" if number >= OLDEST_POSTGRES else "error"
    return Check(what="database", state=state, found=f"PostgreSQL {version}, {where}; 15 or newer is needed")


def _keys() -> Check:
    """Close and open a value: the keys are there, and are keys."""
    import polars as pl

    try:
        probe = pl.Series("probe", ["000000000"])
        is_same = secrets.decrypt_ssn(secrets.encrypt_ssn(probe)).to_list() == probe.to_list()
    except (secrets.KeyMissing, secrets.KeyMismatch) as fault:
        return Check(what="keys", state="error", found=str(fault))
    if not secrets.web_key():
        return Check(what="keys", state="warning", found="no OPENBENEFITS_SECRET_KEY; `serve` needs one")
    return Check(what="keys", state="ok" if is_same else "error", found="values can be closed and opened")


def _setups() -> Iterator[Check]:
    """Audit each set-up in force as if it were applied now."""
    from openbenefits.programs.audit import audit
    from openbenefits.programs.loaded import from_document
    from openbenefits.programs.models import Bundle

    held = Bundle.objects.exclude(release=None).select_related("release").order_by("client_id")
    bundles = {bundle.client_id: from_document(bundle.release.document) for bundle in held}
    if 0 not in bundles:
        yield Check(what="set-up", state="warning", found="none in force; `openbenefits setup apply FOLDER`")
        return
    for bundle in held:
        findings = audit(bundles[bundle.client_id], bundles[0])
        errors = sum(str(finding.severity) == "E" for finding in findings)
        state = "error" if errors else "warning" if findings else "ok"
        found = f"release {bundle.release.number}, {errors} errors, {len(findings) - errors} warnings"
        yield Check(what=f"set-up {bundle.code}", state=state, found=found)


def _calendars(day: date) -> Iterator[Check]:
    """Name the active pay groups whose calendar ends soon, has ended, or was never built."""
    from django.db import connection

    rows = _rows(connection, CALENDAR_ENDS)
    late = [(bundle, group, end) for bundle, group, end in rows if end is None or end < day + ENDING_SOON]
    for bundle, group, end in late:
        is_over = end is None or end < day
        found = "has no periods" if end is None else f"{'ended' if is_over else 'ends'} on {end}"
        yield Check(
            what=f"pay calendar {bundle}/{group}",
            state="error" if is_over else "warning",
            found=f"{found}; extend calendar_through",
        )
    if rows and not late:
        yield Check(what="pay calendars", state="ok", found=f"{len(rows)}, none ends within 90 days")


def _rows(connection: Any, query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
