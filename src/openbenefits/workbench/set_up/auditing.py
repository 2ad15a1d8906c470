"""The audit on screen: set-up, people, and both together, by cause; and whether a run would start."""

from typing import Any

import polars as pl
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import ENDED, ask, kind_of
from openbenefits.programs.findings import Finding
from openbenefits.programs.inheritance import record_named
from openbenefits.programs.services import audit_in_force
from openbenefits.runs.set_up_against_data import warnings_of
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.pages import Section, act, show
from openbenefits.workbench.set_up.acts import day_in
from openbenefits.workbench.set_up.browse import link_of
from openbenefits.workbench.set_up.holders import Holder, setup_page
from openbenefits.workbench.set_up.showing import Link
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Person

AUDIT = "audit"
SEVERITIES = {"E": gettext_lazy("error"), "W": gettext_lazy("warning")}


@setup_page(
    "audit/",
    name="setup_audit",
    title=gettext_lazy("Audit"),
    section=Section.SETUP,
    peo_title=gettext_lazy("Audit of the PEO's set-up"),
)
def audit(request: Any, holder: Holder) -> HttpResponse:
    """Show what is wrong: with the set-up now, with the people as they were last looked at."""
    rows = _of_setup(holder)
    listed = sheet(
        request,
        rows,
        (
            Column("severity", _("Severity"), words=SEVERITIES),
            Column("code", _("Code")),
            Column("where", _("Record"), href=lambda row: row["href"]),
            Column("expected", _("Expected")),
            Column("found", _("Found")),
            Column("cure", _("What to change")),
        ),
        name="setup",
        caption=_("Findings of set-up"),
        empty=_("The set-up has no findings."),
    )
    if (file := listed.export()) is not None:
        return file
    causes = rows.group_by("severity", "code").len().sort("severity", "len", descending=[False, True])
    drawn = [
        Bar(
            f"{code} ({SEVERITIES[severity]})",
            count,
            f"?setup.f_code={code}",
            "bad" if severity == "E" else "waiting",
        )
        for severity, code, count in causes.rows()
    ]
    errors = rows.filter(severity="E").height
    return show(
        request,
        "workbench/set_up/audit.html",
        title=_("Audit"),
        client=holder.client,
        crumbs=holder.crumbs(),
        holder=holder,
        findings=listed,
        bars=bars(drawn, caption=_("Findings of set-up by cause")) if drawn else None,
        errors=errors,
        looked=_looked(holder) if holder.client else None,
        may_look=request.access.may(Permission.PROCESS, holder.client_id),
        look=holder.address("setup_look"),
        today=clock.today(),
    )


def _of_setup(holder: Holder) -> pl.DataFrame:
    link = link_of(holder)
    found = [_row(one, link) for one in audit_in_force(holder.client_id)]
    if holder.client:
        both = warnings_of(connection, [holder.client_id], clock.today()).drop("client_id").to_dicts()
        found += [{**one, "href": _link(link, one["where"])} for one in both]
    names = ("severity", "code", "where", "expected", "found", "cure", "href")
    return pl.DataFrame(found, schema=dict.fromkeys(names, pl.String), orient="row").sort("severity", "code")


def _row(one: Finding, link: Link) -> dict[str, str | None]:
    return {
        "severity": str(one.severity),
        "code": one.code,
        "where": one.where,
        "expected": one.expected,
        "found": one.found,
        "cure": one.cure,
        "href": _link(link, one.where),
    }


def _link(link: Link, where: str) -> str | None:
    record = record_named(where)
    return link(*record) if record else None


def _looked(holder: Holder) -> dict[str, Any] | None:
    """What the last look at everybody found, or how far it is."""
    work = ProcessRequest.objects.filter(client_id=holder.client_id, kind=AUDIT).order_by("-id").first()
    if work is None:
        return None
    told: dict[str, Any] = {"work": work, "kind": kind_of(AUDIT).name, "is_ended": work.state in ENDED}
    if work.result:
        ids = {number for one in work.result["people"] for number in one["named"]}
        known = dict(Person.objects.filter(pk__in=ids).values_list("pk", "employee_number"))
        causes = [
            {**one, "named": [known[number] for number in one["named"] if number in known]}
            for one in work.result["people"]
        ]
        told |= {"result": work.result, "causes": causes}
    return told


@setup_page(
    "audit/look",
    name="setup_look",
    title=gettext_lazy("Look at everybody"),
    permission=Permission.PROCESS,
)
@require_POST
def look(request: Any, holder: Holder) -> HttpResponse:
    """Have everybody of the client looked at."""

    def do() -> None:
        asked = {"as_of": day_in(request, "as_of").isoformat()}
        author, now = request.user.username, clock.now()
        ask(request.access, AUDIT, asked, client_id=holder.client_id, author=author, now=now)
        note(request.access, "did", "audit of everybody", client_id=holder.client_id, now=now)

    return act(request, do, said=_("Everybody is being looked at."), to=holder.address("setup_audit"))
