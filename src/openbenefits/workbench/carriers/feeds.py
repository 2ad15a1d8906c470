"""A feed before it is a file: what a partner would be told today, of whom and why; built from there."""

from typing import Any

import polars as pl
from django.contrib import messages
from django.db import connection
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.carriers.agreements.partners import Partner
from openbenefits.carriers.building.services import Feed, Preview, preview
from openbenefits.carriers.custody.readings import lines_of_message, members_of_message
from openbenefits.carriers.due import rows_of
from openbenefits.carriers.lists.services import CONTRIBUTIONS
from openbenefits.carriers.rules.renderings import Message
from openbenefits.core.faults import message_of
from openbenefits.workbench.asking import asked, asked_of_peo
from openbenefits.workbench.carriers.money import money_of, rows_sheet
from openbenefits.workbench.carriers.parts import (
    KINDS,
    PURPOSES,
    crumbs,
    in_force,
    owner_of,
    owner_path,
)
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.desks.parts import noted, plan_types
from openbenefits.workbench.links import person as person_href
from openbenefits.workbench.pages import address, is_refusal, page, show
from openbenefits.workbench.sheets import Column, sheet

MODES = {"": _("as agreed for today"), **{mode: words for mode, words in PURPOSES.items() if mode}}
ENDS = ("drop", "end earlier", "void")
CARDS = (
    (
        "added",
        ("add", "reinstated", "reinstated after a gap"),
        _("added"),
        _("members who come, or come back"),
    ),
    ("ended", ENDS, _("ended"), _("members who lose a line, or never had it")),
    (
        "changed",
        (
            "plan change",
            "renewal",
            "tier change",
            "amount change",
            "doctor change",
            "basis change",
            "cobra",
            "begin moved",
            "end later",
        ),
        _("changed"),
        _("members with another plan, tier, doctor or day"),
    ),
)


@page(
    "carriers/feeds/<client:owner>/<client:code>/",
    name="carrier_feed",
    title=_("Preview of a feed"),
    permission=Permission.PROCESS,
)
def one(request: Any, owner: str, code: str) -> HttpResponse:
    """Show what a partner would be told today: who comes, goes and changes, and why; what would hold it."""
    whose = owner_of(request, owner, Permission.PROCESS)
    agreed_by, version, partner = in_force(whose.client_id, code)
    mode: Any = request.GET.get("mode", "") if request.GET.get("mode", "") in MODES else ""
    feed, on = Feed(client_id=whose.client_id, code=code), clock.today()
    way = (
        (_("Partners"), address("carrier_partners")),
        (code, address("carrier_partner", owner=owner_path(agreed_by), code=code)),
    )
    try:
        listed = rows_of(connection, feed, on=on, mode=mode or None)
        if listed is not None:
            about = {"owner": whose, "code": code, "version": version, "mode": mode}
            return _of_rows(request, partner, *listed, crumbs(*way), about)
        found = preview(connection, feed, on=on, now=clock.now(), mode=mode or None)
    except (ValueError, LookupError) as fault:
        if not is_refusal(fault):
            raise
        messages.error(request, message_of(fault))
        return redirect(address("carrier_partner", owner=owner_path(agreed_by), code=code))
    table, members = _lines(request, found.message), members_of_message(found.message)
    noted(request, "saw", f"preview of feed {code}", whose.client_id)
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/carriers/feed.html",
        title=f"{partner.name}: {_('preview')}",
        crumbs=crumbs(*way),
        owner=whose,
        code=code,
        version=version,
        modes=MODES,
        mode=mode,
        purpose=PURPOSES.get(found.message.purpose, found.message.purpose),
        cards=_cards(found.message),
        kinds=_kinds(found.message),
        lines=table,
        people=members["members"],
        people_only=members["people only"],
        portal=found.portal.lines.height,
        holds=found.holds,
        findings=_findings(found),
        is_empty=found.message.is_empty,
    )


def _of_rows(
    request: Any, partner: Partner, content: str, rows: pl.DataFrame, way: Any, about: dict[str, Any]
) -> HttpResponse:
    """Show what a file that is no enrolment would say, row by row."""
    table = rows_sheet(request, content, rows)
    noted(request, "saw", f"preview of feed {about['code']}", about["owner"].client_id)
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/carriers/rows.html",
        title=f"{partner.name}: {_('preview')}",
        crumbs=way,
        lines=table,
        people=rows.select("client_id", "person_id").n_unique(),
        money=money_of(rows),
        modes=None if content == CONTRIBUTIONS else MODES,
        **about,
    )


def _findings(found: Preview) -> list[str]:
    return [str(getattr(one, "words", one)) for one in found.findings][:200]


def _cards(message: Message) -> list[dict[str, Any]]:
    found = []
    for _name, kinds, title, meaning in CARDS:
        rows = message.lines.filter(pl.col("kind").is_in(kinds))
        count = rows.select("subscriber", "member").n_unique()
        found.append({"count": count, "title": title, "meaning": meaning, "href": None})
    return found


def _kinds(message: Message) -> Any:
    counts = message.lines["kind"].value_counts(sort=True)
    values = [
        Bar(
            KINDS.get(kind, kind),
            count,
            href=f"?lines.f_kind={KINDS.get(kind, kind)}",
            tone="bad" if kind in ENDS else "plain",
        )
        for kind, count in counts.iter_rows()
    ]
    return bars(values, caption=_("What it would say, by kind")) if values else None


def _lines(request: Any, message: Message) -> Any:
    """Answer what is said line by line, people by their numbers, each with why."""
    return sheet(
        request,
        lines_of_message(message),
        (
            Column(
                "employee_number",
                _("Employee"),
                href=lambda row: person_href(row["client"], row["employee_number"]),
            ),
            Column("who", _("Who"), words={"self": _("employee"), "dependent": _("dependent")}),
            Column("line", _("Plan type"), words=plan_types()),
            Column("kind", _("What"), words=KINDS),
            Column("plan", _("Plan")),
            Column("tier", _("Tier")),
            Column("begins_on", _("From"), kind="day"),
            Column("ends_on", _("Through"), kind="day"),
            Column("why", _("Why")),
        ),
        name="lines",
        caption=_("What it would say of whom"),
        empty=_("Nothing is to be said: the partner knows everything it should."),
    )


@page(
    "carriers/feeds/<client:owner>/<client:code>/build",
    name="build_carrier_file",
    title=_("Build a file"),
    permission=Permission.PROCESS,
)
@require_POST
def build(request: Any, owner: str, code: str) -> HttpResponse:
    """Ask the worker to build the file; its progress is seen on its own page."""
    whose = owner_of(request, owner, Permission.PROCESS)
    in_force(whose.client_id, code)
    mode = request.POST.get("mode", "")
    asked_for = {"code": code} | ({"mode": mode} if mode in MODES and mode else {})
    back = address("carrier_feed", owner=owner, code=code)
    said = f"build the file for partner {code}"
    if whose.client is None:
        return asked_of_peo(request, "carrier build", asked_for, said=said, back=back)
    return asked(request, whose.client, "carrier build", asked_for, said=said, back=back)
