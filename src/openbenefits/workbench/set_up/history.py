"""The releases of a set-up, and what differs between two of them."""

from typing import Any

import polars as pl
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.roles import Permission
from openbenefits.programs.differences import differences
from openbenefits.programs.loaded import from_document
from openbenefits.programs.models import Bundle, Release
from openbenefits.workbench.pages import show
from openbenefits.workbench.set_up.holders import Holder, setup_page
from openbenefits.workbench.sheets import Column, sheet

CHANGES = {"added": _("new"), "removed": _("removed"), "changed": _("changed")}


@setup_page("history/", name="setup_history", title=_("Releases"))
def history(request: Any, holder: Holder) -> HttpResponse:
    """List the releases, the last first, each with what it changed; the one in force may be taken back."""
    bundle = Bundle.objects.filter(client_id=holder.client_id).first()
    rows = [
        {
            "number": number,
            "applied_at": applied_at,
            "applied_by": by,
            "reason": reason,
            "state": "in force"
            if bundle and pk == bundle.release_id
            else "taken back"
            if back
            else "earlier",
        }
        for pk, number, applied_at, by, reason, back in Release.objects.filter(
            bundle__client_id=holder.client_id
        )
        .order_by("-number")
        .values_list("id", "number", "applied_at", "applied_by", "reason", "taken_back_at")
    ]
    schema: dict[str, Any] = {
        "number": pl.Int32,
        "applied_at": pl.Datetime("us", "UTC"),
        **dict.fromkeys(("applied_by", "reason", "state"), pl.String),
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    columns = (
        Column("number", _("Release"), kind="number", href=lambda row: _difference_address(holder, row)),
        Column("applied_at", _("Applied"), kind="moment"),
        Column("applied_by", _("By")),
        Column("reason", _("Why")),
        Column("state", _("State"), kind="status"),
    )
    listed = sheet(
        request, frame, columns, name="releases", caption=_("Releases"), empty=_("Nothing was applied yet.")
    )
    if (file := listed.export()) is not None:
        return file
    return show(
        request,
        "workbench/set_up/history.html",
        title=_("Releases"),
        client=holder.client,
        crumbs=holder.crumbs(),
        releases=listed,
        in_force=next((row["number"] for row in rows if row["state"] == "in force"), None),
        numbers=[row["number"] for row in rows],
        compare=holder.address("setup_compare"),
        take_back=holder.address("setup_take_back"),
        may_change=request.access.may(Permission.SETUP, holder.client_id),
    )


def _difference_address(holder: Holder, row: Any) -> str:
    return f"{holder.address('setup_compare')}?old={row['number'] - 1}&new={row['number']}"


@setup_page("history/compare/", name="setup_compare", title=_("Two releases"))
def compare(request: Any, holder: Holder) -> HttpResponse:
    """Show what differs between two releases, record by record; without the earlier, all of the later."""
    numbers = {name: request.GET.get(name, "") for name in ("old", "new")}
    if not all(text.isdecimal() and len(text) < 9 for text in numbers.values()):
        raise Http404
    old, new = (
        Release.objects.filter(bundle__client_id=holder.client_id, number=int(numbers[name])).first()
        for name in ("old", "new")
    )
    if new is None:
        raise Http404
    found = differences(from_document(old.document) if old else None, from_document(new.document))
    rows = [(one.path, one.change, _text(one.old), _text(one.new)) for one in found]
    schema = dict.fromkeys(("record", "change", "old", "new"), pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    columns = (
        Column("record", _("Record")),
        Column("change", _("Change"), words=CHANGES),
        Column("old", _("Before")),
        Column("new", _("After")),
    )
    listed = sheet(
        request,
        frame,
        columns,
        name="differences",
        caption=_("What differs"),
        empty=_("Nothing differs between the two."),
    )
    if (file := listed.export()) is not None:
        return file
    return show(
        request,
        "workbench/set_up/compare.html",
        title=_("Release %(new)s against %(old)s") % numbers,
        client=holder.client,
        crumbs=holder.crumbs((_("Releases"), holder.address("setup_history"))),
        differences=listed,
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)[:500]
