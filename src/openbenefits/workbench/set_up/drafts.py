"""Drafts: what each changes, what is wrong with it, whom it moves by how many dollars."""

from datetime import timedelta
from typing import Any

import polars as pl
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.approvals import ApprovalKind, is_wanted
from openbenefits.accounts.roles import Permission
from openbenefits.background.services import ENDED, kind_of, latest
from openbenefits.programs.differences import Difference
from openbenefits.programs.drafts import services
from openbenefits.programs.drafts.rate_grid import TABLES
from openbenefits.programs.drafts.records import key_text, single_sections
from openbenefits.programs.drafts.services import OpenDraft, drafts_of
from openbenefits.programs.services import diff
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.pages import address, show
from openbenefits.workbench.set_up.editor import NEW, NO_KEY, draft_of, editor_address
from openbenefits.workbench.set_up.holders import Holder, setup_page
from openbenefits.workbench.set_up.words import CHANGES, GROUPS, title_of
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Person

MOST_SHOWN = 200
EFFECT = "draft effect"


@setup_page("drafts/", name="setup_drafts", title=_("Drafts"), permission=Permission.SETUP)
def list_drafts(request: Any, holder: Holder) -> HttpResponse:
    """Show the drafts under way, whose each is, and those that have ended."""
    rows = [
        {
            "name": one.name,
            "author": one.author,
            "changes": len(one.records) + len(one.files),
            "changed_at": one.changed_at,
            "ended": _("applied") if one.release_id else _("given up") if one.ended_at else _("under way"),
            "href": holder.address("setup_draft", number=one.pk),
        }
        for one in [*drafts_of(holder.client_id), *drafts_of(holder.client_id, ended=True)[:MOST_SHOWN]]
    ]
    schema: dict[str, Any] = {"name": pl.String, "author": pl.String, "changes": pl.Int32,
              "changed_at": pl.Datetime("us", "UTC"), "ended": pl.String, "href": pl.String}  # fmt: skip
    frame = pl.DataFrame([row | {"ended": str(row["ended"])} for row in rows], schema=schema)
    columns = (
        Column("name", _("Draft"), href=lambda row: row["href"]),
        Column("author", _("Begun by")),
        Column("changes", _("Changes"), kind="number"),
        Column("changed_at", _("Last changed"), kind="moment"),
        Column("ended", _("State"), kind="status"),
    )
    listed = sheet(request, frame, columns, name="drafts", caption=_("Drafts"), empty=_("No draft yet."))
    if (file := listed.export()) is not None:
        return file
    return show(
        request,
        "workbench/set_up/drafts.html",
        title=_("Drafts"),
        client=holder.client,
        crumbs=holder.crumbs(),
        drafts=listed,
        begin=holder.address("setup_begin"),
    )


@setup_page("drafts/<int:number>/", name="setup_draft", title=_("Draft"), permission=Permission.SETUP)
def draft_page(request: Any, holder: Holder, number: int) -> HttpResponse:
    """Show a draft: its changes, conflicts, faults, differences and effect; and how to apply it."""
    draft = draft_of(holder, number)
    held = services.opened(draft)
    is_ended = draft.ended_at is not None
    comparison = diff(held.reading) if not is_ended and held.reading.bundle else None
    differences = comparison.differences if comparison else []
    findings = [] if is_ended else held.findings
    errors = [one for one in findings if one.severity == "E"]
    return show(
        request,
        "workbench/set_up/draft.html",
        title=draft.name,
        client=holder.client,
        crumbs=holder.crumbs((_("Drafts"), holder.address("setup_drafts"))),
        holder=holder,
        draft=draft,
        is_ended=is_ended,
        others=[one for one in drafts_of(holder.client_id) if one.pk != draft.pk],
        changes=[_change(holder, held, one) for one in held.changes.records],
        files=held.changes.files,
        conflicts=[] if is_ended else [_conflict(one) for one in held.conflicts],
        errors=[_finding(holder, held, one) for one in errors],
        warnings=[_finding(holder, held, one) for one in findings if one.severity != "E"][:MOST_SHOWN],
        differences=[_difference(one) for one in differences[:MOST_SHOWN]],
        more=max(0, len(differences) - MOST_SHOWN),
        standings=[one for one in comparison.standings if one.standing != "not used"] if comparison else [],
        is_second=is_wanted(holder.client_id, ApprovalKind.SETUP),
        effect=_effect(request, holder, held),
        sections=_sections(holder, held),
        tomorrow=clock.today() + timedelta(days=1),
        next_year=clock.today().replace(year=clock.today().year + 1, month=1, day=1),
        act=holder.address("setup_draft_act", number=draft.pk),
    )


def _change(holder: Holder, held: OpenDraft, one: Any) -> dict[str, Any]:
    key = key_text(one.key)
    is_table = one.section == TABLES and one.record is not None
    return {
        "grid": holder.address("setup_grid", number=held.draft.pk, key=key) if is_table else "",
        "section": one.section,
        "title": title_of(one.section),
        "key": key,
        "name": key.replace("~", ", ") or title_of(one.section),
        "says": CHANGES[one.says],
        "state": {"new": "good", "changed": "waiting", "gone": "bad"}[one.says],
        "href": editor_address(holder, held.draft, one.section, key) if one.record is not None else "",
    }


def _conflict(one: Any) -> dict[str, Any]:
    def told(record: Any) -> str:
        return ", ".join(f"{name}: {value}" for name, value in (record or {}).items() if _differs(one, name))

    return {"name": one.name, "mine": told(one.mine), "theirs": told(one.theirs)}


def _differs(one: Any, name: str) -> bool:
    return (one.mine or {}).get(name) != (one.theirs or {}).get(name)


def _finding(holder: Holder, held: OpenDraft, one: Any) -> dict[str, Any]:
    """A finding, with where the record it is about is edited."""
    section, _slash, key = one.file.partition("/")
    is_record = bool(_slash) and section in held.parts
    href = editor_address(holder, held.draft, section, key) if is_record else ""
    return {"finding": one, "href": href}


def _difference(one: Difference) -> dict[str, str]:
    old, new = ("" if value is None else str(value)[:MOST_SHOWN] for value in (one.old, one.new))
    return {"path": one.path, "change": one.change, "old": old, "new": new}


def _sections(holder: Holder, held: OpenDraft) -> list[dict[str, Any]]:
    """The sections to which a record may be added."""
    known = holder.kind.__struct_fields__
    singles = single_sections(holder.kind)
    found = []
    for title, sections in GROUPS:
        links = [
            {
                "title": title_of(one),
                "href": editor_address(holder, held.draft, one, NO_KEY if one in singles else NEW),
            }
            for one in sections
            if one in known
        ]
        found.append({"title": title, "links": links})
    return found


# --- people and dollars -------------------------------------------------------------------------------------


def _effect(request: Any, holder: Holder, held: OpenDraft) -> dict[str, Any] | None:
    """The last effect that was asked for of a draft, and whether the draft has changed since."""
    work = latest(holder.client_id, EFFECT, draft=held.draft.pk)
    if work is None:
        return None
    told: dict[str, Any] = {"work": work, "kind": kind_of(EFFECT).name, "is_ended": work.state in ENDED}
    result = work.result
    if not result:
        return told
    is_old = result["draft_of"] != held.draft.changed_at.isoformat()
    return told | {
        "result": result,
        "is_old": is_old,
        "bars": _bars(result),
        "plans": _plans(request, result),
        "named": _named(result),
    }


def _bars(result: dict[str, Any]) -> Any:
    found = [Bar(f"{one['client']}: {one['change']}", one["people"]) for one in result["clients"]]
    return bars(found, caption=_("People moved, by client and kind of change")) if found else None


def _plans(request: Any, result: dict[str, Any]) -> Any:
    """Dollars by client and plan, before and after: of one pay, of a month, of a year."""
    names = ["employee_pay_cents", "employee_month_cents", "employer_month_cents", "employee_cents"]
    amounts = [f"{name}{side}" for name in names for side in ("", "_after")]
    schema = {"client": pl.String, "plan_type": pl.String, "plan": pl.String, "people": pl.Int64,
              "changed": pl.Int64, "lost": pl.Int64, **dict.fromkeys(amounts, pl.Int64)}  # fmt: skip
    rows = [{name: row.get(name) for name in schema} for row in result["plans"]]
    columns = (
        Column("client", _("Client")),
        Column("plan_type", _("Plan type")),
        Column("plan", _("Plan")),
        Column("people", _("Covered"), kind="number"),
        Column("changed", _("Changed"), kind="number"),
        Column("lost", _("Lost"), kind="number"),
        Column("employee_pay_cents", _("Employees, a pay: now"), kind="money"),
        Column("employee_pay_cents_after", _("then"), kind="money"),
        Column("employee_month_cents", _("Employees, a month: now"), kind="money"),
        Column("employee_month_cents_after", _("then "), kind="money"),
        Column("employer_month_cents", _("Employers, a month: now"), kind="money"),
        Column("employer_month_cents_after", _("then  "), kind="money"),
    )
    return sheet(
        request,
        pl.DataFrame(rows, schema=schema, orient="row"),
        columns,
        name="effect",
        caption=_("Dollars by client and plan"),
        empty=_("Nobody's coverage changes its price."),
    )


def _named(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The first of the people moved, by employee number, with where their story is told."""
    ids = [one["person_id"] for one in result["named"]]
    known = {
        person.pk: (person.employee_number, person.client.code)
        for person in Person.objects.filter(pk__in=ids).select_related("client")
    }
    found: dict[int, dict[str, Any]] = {}
    for one in result["named"]:
        if one["person_id"] in known:
            number, client = known[one["person_id"]]
            row = found.setdefault(one["person_id"], {"number": number, "client": client, "plan_types": []})
            row["plan_types"].append(one["plan_type"])
    return list(found.values())


__all__ = ["address", "draft_page", "list_drafts"]
