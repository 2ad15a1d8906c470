"""Tables that several pages of carriers show: agreements in force, files, lines of files; files by state."""

from typing import Any

import polars as pl
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.roles import Permission
from openbenefits.carriers.agreements.partners import read_partner
from openbenefits.carriers.models import PartnerVersion
from openbenefits.carriers.rules.custody import FileState
from openbenefits.store.isolation import PEO
from openbenefits.workbench.carriers.parts import (
    ENVIRONMENTS,
    KINDS,
    PEO_PATH,
    PURPOSES,
    STATES,
    TONES,
    WHO,
    client_codes,
    clients_for,
)
from openbenefits.workbench.charts import Bar, Tone, bars
from openbenefits.workbench.desks.parts import plan_types
from openbenefits.workbench.links import person as person_href
from openbenefits.workbench.pages import address
from openbenefits.workbench.sheets import Column, sheet

LAST = 1_000

LISTED: dict[str, Any] = {
    "pk": pl.Int64,
    "partner": pl.String,
    "client": pl.String,
    "as_of": pl.Date,
    "kind": pl.String,
    "purpose": pl.String,
    "environment": pl.String,
    "members": pl.Int64,
    "lines": pl.Int64,
    "state": pl.String,
    "since": pl.Datetime("us", "UTC"),
}
PARTNER_KINDS = {"834": _("834"), "file": _("layout of its own"), "portal": _("portal only")}
AGREEMENTS: dict[str, Any] = {
    "client_id": pl.Int64,
    "code": pl.String,
    "name": pl.String,
    "for": pl.String,
    "carriers": pl.String,
    "kind": pl.String,
    "environment": pl.String,
    "version": pl.Int64,
    "made_at": pl.Datetime("us", "UTC"),
    "owner": pl.String,
}


def partner_sheet(request: Any) -> Any:
    """Answer the agreements in force, as a table."""
    latest: dict[tuple[int, str], PartnerVersion] = {}
    seen = [PEO, *clients_for(request, Permission.SEE)]
    for row in PartnerVersion.objects.filter(client_id__in=seen).order_by("client_id", "code", "version"):
        latest[row.client_id, row.code] = row
    names, rows = client_codes(), []
    for (client_id, code), row in latest.items():
        told = read_partner(row.document)
        rows.append(
            {
                "client_id": client_id,
                "code": code,
                "name": told.name,
                "for": str(_("every client")) if client_id == PEO else names.get(client_id, ""),
                "carriers": ", ".join(told.carriers),
                "kind": told.kind,
                "environment": told.environment,
                "version": row.version,
                "made_at": row.made_at,
                "owner": PEO_PATH if client_id == PEO else names.get(client_id, ""),
            }
        )
    return sheet(
        request,
        pl.DataFrame(rows, schema=AGREEMENTS),
        (
            Column("code", _("Partner"), href=_to),
            Column("name", _("Name")),
            Column("for", _("For")),
            Column("carriers", _("Plans of")),
            Column("kind", _("It takes"), words=PARTNER_KINDS),
            Column("environment", _("Environment"), words=ENVIRONMENTS),
            Column("version", _("Version"), kind="number"),
            Column("made_at", _("In force since"), kind="moment"),
        ),
        name="partners",
        caption=_("Agreements in force"),
        empty=_("No agreement was loaded yet. Load one: it says whose plans a carrier is told of, and how."),
    )


def _to(row: Any) -> str:
    return address("carrier_partner", owner=row["owner"], code=row["code"])


def file_sheet(request: Any, found: Any, *, picks: bool = False) -> Any:
    """Answer files as a table, the latest first. picks: with a box to pick each."""
    codes = client_codes()
    names = [name for name in LISTED if name != "client"]
    rows = [
        {**{name: row[name] for name in names}, "client": codes.get(row["client_id"], "")}
        for row in found.order_by("-built_at", "-pk").values(*names, "client_id")[:LAST]
    ]
    return sheet(
        request,
        pl.DataFrame(rows, schema=LISTED),
        (
            Column(
                "pk", _("File"), kind="number", href=lambda row: address("carrier_file", number=row["pk"])
            ),
            Column("partner", _("Partner")),
            Column("client", _("For")),
            Column("as_of", _("As of"), kind="day"),
            Column("kind", _("Kind")),
            Column("purpose", _("What"), words=PURPOSES),
            Column("environment", _("Environment"), words=ENVIRONMENTS),
            Column("members", _("Members"), kind="number"),
            Column("lines", _("Lines"), kind="number"),
            Column("state", _("State"), kind="status", words=STATES),
            Column("since", _("Since"), kind="moment"),
        ),
        name="files",
        caption=_("Files"),
        empty=_("No file is here. Preview a partner's feed, then build its file."),
        picks="pk" if picks else None,
    )


def state_bars(counts: dict[str, int]) -> Any:
    """Draw how many files are in which state, in the order of their way."""
    here = address("carrier_files")
    values = [
        Bar(STATES[state], counts[state], href=f"{here}?state={state}", tone=_tone(state))
        for state in map(str, FileState)
        if counts.get(state)
    ]
    return bars(values, caption=_("Files by state")) if values else None


def _tone(state: str) -> Tone:
    tone = TONES.get(state, "plain")
    return tone if tone in ("good", "waiting", "bad") else "plain"  # type: ignore[return-value]


def cover_columns(plan_type: str = "plan_type") -> tuple[Column, ...]:
    """Answer the columns of lines that say who has what cover; plan_type: the column that holds it."""
    return (
        Column(
            "employee_number",
            _("Employee"),
            href=lambda row: person_href(row["client"], row["employee_number"]),
        ),
        Column("who", _("Who"), words=WHO),
        Column(plan_type, _("Plan type"), words=plan_types()),
        Column("kind", _("What"), words=KINDS),
        Column("plan", _("Plan")),
        Column("tier", _("Tier")),
        Column("begins_on", _("From"), kind="day"),
        Column("ends_on", _("Through"), kind="day"),
    )


def line_columns() -> tuple[Column, ...]:
    """Answer the columns of lines of files: who has what cover, and what the carrier said."""
    return (*cover_columns(), Column("verdict", _("The carrier says")), Column("words", _("In words")))


def line_sheet(request: Any, rows: pl.DataFrame, *, with_file: bool = False) -> Any:
    """Answer lines of files as a table, people by their numbers."""
    first = (Column("file_id", _("File"), kind="number", href=_to_file),) if with_file else ()
    return sheet(
        request,
        rows,
        (*first, *line_columns()),
        name="lines",
        caption=_("What it says of whom"),
        empty=_("It says nothing of anybody."),
    )


def _to_file(row: Any) -> str:
    return address("carrier_file", number=row["file_id"])
