"""Browsing set-up: what there is, each record in words, where it is used."""

from datetime import date
from typing import Any

import polars as pl
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.programs.drafts.records import (
    Plain,
    begins,
    code_in,
    key_of,
    key_text,
    records_of,
    single_sections,
)
from openbenefits.programs.drafts.services import drafts_of
from openbenefits.programs.inheritance import standings
from openbenefits.programs.models import Bundle, Release
from openbenefits.programs.services import clients_in_force
from openbenefits.workbench.pages import Section, show
from openbenefits.workbench.set_up import pictures
from openbenefits.workbench.set_up.holders import Holder, section_of, setup_page
from openbenefits.workbench.set_up.showing import Link, shown
from openbenefits.workbench.set_up.words import GROUPS, SECTIONS, STANDINGS, title_of
from openbenefits.workbench.sheets import Column, sheet

NO_CODE = "-"
"""Stands in addresses for the code of a section that is one record."""


def link_of(holder: Holder) -> Link:
    """Answer what leads to a record of a set-up, or of the PEO's behind it; None where there is none."""
    known = holder.own | holder.peos

    def link(section: str, code: str) -> str | None:
        return holder.record_address(section, code) if (section, code) in known else None

    return link


@setup_page("", name="setup", title=_("Set-up"), section=Section.SETUP, peo_title=_("PEO set-up"))
def overview(request: Any, holder: Holder) -> HttpResponse:
    """Show what the set-up holds, which release is in force, and the drafts under way."""
    bundle = Bundle.objects.filter(client_id=holder.client_id).first()
    release = Release.objects.filter(pk=bundle.release_id).first() if bundle and bundle.release_id else None
    return show(
        request,
        "workbench/set_up/overview.html",
        title=_("Set-up of %(name)s") % {"name": holder.name},
        client=holder.client,
        holder=holder,
        release=release,
        groups=[_group(holder, title, sections) for title, sections in GROUPS],
        programs=_programs(holder),
        drafts=drafts_of(holder.client_id) if request.access.may(Permission.SETUP, holder.client_id) else [],
        may_change=request.access.may(Permission.SETUP, holder.client_id),
        pages=_pages(holder),
    )


def _pages(holder: Holder) -> dict[str, str]:
    names = ["setup_history", "setup_drafts", "setup_export", "setup_upload", "setup_audit", "setup_rates"]
    return {name: holder.address(name) for name in names}


def _group(holder: Holder, title: Any, sections: tuple[str, ...]) -> dict[str, Any]:
    links = []
    for section in sections:
        if section not in SECTIONS or not hasattr(holder.kind, "__struct_fields__"):
            continue
        if section not in holder.kind.__struct_fields__:
            continue
        own = len(set(_codes(holder, section)))
        inherited = len({code for kind, code in holder.used - holder.own if kind == section})
        name, says = SECTIONS[section]
        href = holder.address("setup_section", section=section)
        links.append({"title": name, "says": says, "own": own, "inherited": inherited, "href": href})
    return {"title": title, "links": links}


def _codes(holder: Holder, section: str) -> list[str]:
    record_type = section_of(holder, section)
    return [code_in(section, record_type, key) for key, _record in records_of(holder.base.parts, section)]


def _programs(holder: Holder) -> list[dict[str, Any]]:
    """The programs in force or to come, with their plan types: the shape of what is offered."""
    latest: dict[str, Plain] = {}
    for record in holder.base.parts.get("programs") or ():
        latest[record["code"]] = max(
            latest.get(record["code"], record), record, key=lambda one: str(one["from"])
        )
    return [
        {
            "name": record["name"],
            "code": code,
            "href": holder.address("setup_record", section="programs", code=code),
            "plan_types": len([one for one in record["plan_types"] if one.get("active", True)]),
            "options": sum(len(one["options"]) for one in record["plan_types"]),
        }
        for code, record in latest.items()
    ]


@setup_page("records/<str:section>/", name="setup_section", title=_("Records"))
def section_page(request: Any, holder: Holder, section: str) -> HttpResponse:
    """List the records of a section: own and inherited ones, with how often each is used."""
    rows = _records(holder, section)
    columns = (
        Column("code", _("Code"), href=lambda row: row["href"]),
        Column("name", _("Name")),
        Column("from", _("Holds from"), kind="day"),
        Column("versions", _("Versions"), kind="number"),
        Column("standing", _("Whose"), words=STANDINGS),
        Column("used_by", _("Named by"), kind="number"),
        Column("source", _("Source")),
    )
    listed = sheet(
        request,
        rows,
        columns,
        name="records",
        caption=title_of(section),
        empty=_("Nothing here yet. Begin a draft and add a record, or upload a bundle."),
    )
    if (file := listed.export()) is not None:
        return file
    return show(
        request,
        "workbench/set_up/section.html",
        title=title_of(section),
        client=holder.client,
        crumbs=holder.crumbs(),
        holder=holder,
        section=section,
        says=SECTIONS.get(section, ("", ""))[1],
        records=listed,
        may_change=request.access.may(Permission.SETUP, holder.client_id),
        new=holder.address("setup_change", section=section, code=NO_CODE),
        drafts=drafts_of(holder.client_id) if request.access.may(Permission.SETUP, holder.client_id) else [],
    )


def _records(holder: Holder, section: str) -> pl.DataFrame:
    versions: dict[str, list[Plain]] = {}
    record_type = section_of(holder, section)
    for key, record in records_of(holder.base.parts, section):
        versions.setdefault(code_in(section, record_type, key) or NO_CODE, []).append(record)
    rows = [_row(holder, section, code, records) for code, records in versions.items()]
    inherited = sorted(code for kind, code in holder.used - holder.own if kind == section)
    rows += [_inherited(holder, section, code) for code in inherited]
    schema = {"code": pl.String, "name": pl.String, "from": pl.Date, "versions": pl.Int32,
              "standing": pl.String, "used_by": pl.Int32, "source": pl.String, "href": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _row(holder: Holder, section: str, code: str, records: list[Plain]) -> dict[str, Any]:
    latest = max(records, key=lambda one: str(one.get("from", "")))
    return {
        "code": code if code != NO_CODE else str(title_of(section)),
        "name": str(latest.get("name") or latest.get("plan_type") or ""),
        "from": begins(latest),
        "versions": len(records),
        "standing": holder.standing((section, code)),
        "used_by": len(holder.users_of.get((section, code), ())),
        "source": latest.get("source"),
        "href": holder.address("setup_record", section=section, code=code),
    }


def _inherited(holder: Holder, section: str, code: str) -> dict[str, Any]:
    held = [one for one in getattr(holder.peo.parts, section, ()) if one.code == code] if holder.peo else []
    last = max(held, key=lambda one: str(getattr(one, "valid_from", "")), default=None)
    return {
        "code": code,
        "name": str(getattr(last, "name", "") or ""),
        "from": getattr(last, "valid_from", None),
        "versions": len(held),
        "standing": "inherited",
        "used_by": len(holder.users_of.get((section, code), ())),
        "source": getattr(last, "source", None),
        "href": holder.record_address(section, code),
    }


@setup_page("records/<str:section>/<path:code>/", name="setup_record", title=_("Record"))
def record_page(request: Any, holder: Holder, section: str, code: str) -> HttpResponse:
    """Show a record with all its versions, in words and pictures, and the records that name it."""
    record_type = section_of(holder, section)
    asked = "" if section in single_sections(holder.kind) else code
    found = [
        (key, record)
        for key, record in records_of(holder.base.parts, section)
        if code_in(section, record_type, key) == asked
    ]
    if not found:
        raise Http404
    today = clock.today()
    found.sort(key=lambda one: str(one[1].get("from", "")), reverse=True)
    in_force = next((key for key, record in found if (begins(record) or today) <= today), None)
    link = link_of(holder)
    versions = [
        {
            "key": key_text(key),
            "from": begins(record),
            "is_in_force": key == in_force,
            "is_active": record.get("active", True),
            "source": record.get("source"),
            "shown": shown(record_type, record, link),
            "pictures": _pictures(holder, section, record),
        }
        for key, record in found
    ]
    name = found[0][1].get("name") or code
    may_change = request.access.may(Permission.SETUP, holder.client_id)
    return show(
        request,
        "workbench/set_up/record.html",
        title=name if section in single_sections(holder.kind) else f"{title_of(section)}: {name}",
        client=holder.client,
        crumbs=holder.crumbs((title_of(section), holder.address("setup_section", section=section))),
        holder=holder,
        section=section,
        code=code,
        standing=STANDINGS[holder.standing((section, asked))] if asked else "",
        overrides=holder.client is not None and (section, asked) in holder.peos,
        peo_address=Holder(None).address("setup_record", section=section, code=code),
        versions=versions,
        users=[(title_of(one[0]), one[1], link(*one)) for one in holder.users_of.get((section, asked), ())],
        goers=_clients(request, holder, section, asked),
        may_change=may_change,
        drafts=drafts_of(holder.client_id) if may_change else [],
        today=today,
    )


def _pictures(holder: Holder, section: str, record: Plain) -> dict[str, Any]:
    if holder.loaded is None:
        return {}
    if section == "age_curves":
        return {"lines": pictures.curve_of(holder.loaded, record["code"], record["from"])}
    if section == "rate_tables":
        lines, grid = pictures.rates_of(holder.loaded, record["code"], record["from"])
        return {"lines": lines, "grid": grid}
    return {}


def _clients(request: Any, holder: Holder, section: str, code: str) -> list[dict[str, Any]] | None:
    """How each client one may see stands to a record of the PEO's; only when asked: it reads them all."""
    if holder.client is not None or request.GET.get("clients") != "1" or holder.loaded is None:
        return None
    held = clients_in_force()
    return [
        {"client": one.client, "standing": STANDINGS[one.standing]}
        for one in standings([(section, code)], held, holder.loaded)
        if one.standing != "not used"
    ]


def key_in_force(holder: Holder, section: str, code: str, today: date) -> str:
    """Answer the key of the version that holds today, else of the first to come; '' for none."""
    record_type = section_of(holder, section)
    found = [
        (str(record.get("from", "")), key_of(section, record_type, record))
        for key, record in records_of(holder.base.parts, section)
        if code_in(section, record_type, key) == code
    ]
    past = [one for one in found if one[0] <= today.isoformat()]
    chosen = max(past, default=min(found, default=None))
    return key_text(chosen[1]) if chosen else ""
