"""Approvals: what one user prepared waits here for another, where the client wants a second person."""

from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import approvals, clock
from openbenefits.accounts.approvals import PERMISSIONS, ApprovalKind
from openbenefits.accounts.models import Proposal
from openbenefits.workbench import links
from openbenefits.workbench.pages import Section, act, address, client_of, page, reason_of, show
from openbenefits.workbench.sheets import Column, sheet

KINDS = {
    "release": _("Release a held run"),
    "take_back": _("Take a run back"),
    "commit": _("Commit a rehearsal"),
    "finalize": _("Finalise, with defaults"),
    "override": _("Decide eligibility"),
    "setup": _("Put set-up into force"),
    "write_off": _("Write off a difference"),
}
WANTED = "approvals_wanted"


@page("<client:client>/approvals/", name="approvals", title=_("Approvals"), section=Section.DESKS)
def listed(request: Any, client: str) -> HttpResponse:
    """List what waits for a second person, and what became of the rest."""
    found = client_of(request, client)
    rows = approvals.proposals_of(found.pk, clock.now())
    columns = (
        Column("proposal", _("No."), kind="number", href=_to(client)),
        Column("kind", _("What"), words=KINDS),
        Column("key", _("Of")),
        Column("told", _("What it comes to")),
        Column("prepared_by", _("Prepared by")),
        Column("prepared_at", _("When"), kind="moment"),
        Column("state", _("State"), kind="status"),
        Column("decided_by", _("Decided by")),
    )
    waiting = sheet(
        request,
        rows.filter(state="open"),
        columns[:-2],
        name="waiting",
        caption=_("Waiting for a second person"),
        empty=_("Nothing waits."),
    )
    past = sheet(
        request, rows.filter(rows["state"] != "open"), columns, name="past", caption=_("Decided, or expired")
    )
    for table in (waiting, past):
        if (file := table.export()) is not None:
            return file
    wanted = [KINDS[str(kind)] for kind in ApprovalKind if approvals.is_wanted(found.pk, kind)]
    told: dict[str, Any] = {"waiting": waiting, "past": past, "wanted": wanted}
    return show(request, "workbench/desks/approvals.html", title=_("Approvals"), client=found, **told)


def _to(client: str) -> Any:
    return lambda row: address("approval", client=client, number=row["proposal"])


@page("<client:client>/approvals/<int:number>/", name="approval", title=_("Approval"))
def one(request: Any, client: str, number: int) -> HttpResponse:
    """Show what was prepared, and let another user decide."""
    found = client_of(request, client)
    rows = approvals.proposals_of(found.pk, clock.now()).filter(proposal=number)
    if rows.is_empty():
        raise Http404
    row = rows.row(0, named=True)
    is_own = row["prepared_by_id"] == request.access.user_id
    return show(
        request,
        "workbench/desks/approval.html",
        title=KINDS[row["kind"]],
        client=found,
        crumbs=[(_("Approvals"), address("approvals", client=client))],
        row=row,
        is_own=is_own,
        may=request.access.may(PERMISSIONS[ApprovalKind(row["kind"])], found.pk),
        subject=_subject(client, row["key"]),
    )


def _subject(client: str, key: str) -> str | None:
    """Answer the page of what is to be approved, where there is one."""
    word, _sep, rest = key.partition(" ")
    return links.found("run", client=client, number=int(rest)) if word == "run" and rest.isdecimal() else None


@page("<client:client>/approvals/<int:number>/do", name="decide_approval", title=_("Approval"))
@require_POST
def decide(request: Any, client: str, number: int) -> HttpResponse:
    """Approve, refuse or withdraw."""
    found = client_of(request, client)
    proposal = Proposal.objects.filter(client_id=found.pk, pk=number).first()
    doing = {"approve": approvals.approve, "refuse": approvals.refuse, "withdraw": approvals.withdraw}
    chosen = doing.get(request.POST.get("act", ""))
    if proposal is None or chosen is None:
        raise Http404
    return act(
        request,
        lambda: chosen(request.access, proposal, reason=reason_of(request), now=clock.now()),
        said=_("Written down. What is approved can now be done as it was prepared."),
        to=address("approvals", client=client),
    )
