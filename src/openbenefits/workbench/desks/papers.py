"""Dependent documents: papers to review, dependents nobody proved, dropped at the deadline and let back."""

from typing import Any

import polars as pl
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_deny
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.enrollment import documents, verifying
from openbenefits.enrollment.documents import HEALTH_KINDS
from openbenefits.enrollment.evidence_deciding import deadlines_of
from openbenefits.enrollment.verifying import DependentOrder
from openbenefits.workbench import links
from openbenefits.workbench.desks.parts import day_asked, noted, numbers_of
from openbenefits.workbench.pages import Section, act, address, client_of, page, reason_of, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client, Person

DOCUMENTS: dict[str, Any] = {
    "id": pl.Int64,
    "person_id": pl.Int64,
    "about": pl.String,
    "kind": pl.String,
    "name": pl.String,
    "state": pl.String,
    "added_by": pl.String,
    "added_at": pl.Datetime("us", "UTC"),
    "decided_by": pl.String,
    "reason": pl.String,
}
STANDING = {
    verifying.PROVED: _("proved"),
    verifying.WAITING: _("papers to review"),
    verifying.MISSING: _("papers missing"),
    verifying.OVERDUE: _("overdue"),
    verifying.DROPPED: _("dropped"),
}


@page(
    "<client:client>/papers/",
    name="papers",
    title=_("Dependent documents"),
    section=Section.DESKS,
)
def listed(request: Any, client: str) -> HttpResponse:
    """List papers that wait for review, and covered dependents who are to be proved."""
    found = client_of(request, client)
    today = day_asked(request)
    rows = _papers(request, found)
    waiting = sheet(
        request,
        rows.filter(state="received"),
        _columns(client),
        name="waiting",
        caption=_("Papers to review"),
        empty=_("No paper waits for review."),
    )
    to_prove = verifying.dependents_to_prove(connection, found.pk, today)
    people = sheet(
        request, to_prove, _dependents(client), name="dependents", caption=_("Dependents to prove")
    )
    past = sheet(
        request,
        rows.filter(rows["state"] != "received"),
        _columns(client),
        name="past",
        caption=_("Reviewed"),
    )
    for table in (waiting, people, past):
        if (file := table.export()) is not None:
            return file
    noted(request, "saw", "dependent documents", found.pk)
    counted = dict(to_prove.group_by("standing").len().iter_rows())
    stated = deadlines_of(found.pk)
    return show(
        request,
        "workbench/desks/papers.html",
        title=_("Dependent documents"),
        client=found,
        waiting=waiting,
        people=people,
        past=past,
        counts=[(words, counted.get(code, 0)) for code, words in STANDING.items()],
        stated=stated,
    )


def _papers(request: Any, client: Client) -> pl.DataFrame:
    """Answer the papers one may see; those about health want a permission of their own."""
    rows = documents.list_of(connection, client.pk)
    if not request.access.may(Permission.SEE_HEALTH, client.pk):
        rows = [row for row in rows if row["kind"] not in HEALTH_KINDS]
    listed = pl.DataFrame([{name: row[name] for name in DOCUMENTS} for row in rows], schema=DOCUMENTS)
    numbers = numbers_of(client.pk, listed)
    person = pl.col("person_id").replace_strict(numbers, default=None, return_dtype=pl.String)
    return listed.with_columns(employee_number=person)


def _columns(client: str) -> tuple[Column, ...]:
    return (
        Column(
            "id", _("No."), kind="number", href=lambda row: address("paper", client=client, number=row["id"])
        ),
        Column("employee_number", _("Employee"), href=links.to_person(client)),
        Column("about", _("About")),
        Column("kind", _("Shows")),
        Column("added_by", _("Sent by")),
        Column("added_at", _("When"), kind="moment"),
        Column("state", _("State"), kind="status"),
        Column("reason", _("Why")),
    )


def _dependents(client: str) -> tuple[Column, ...]:
    def to_dependent(row: Any) -> str:
        return address(
            "dependent_proof", client=client, number=row["employee_number"], dependent=row["number"]
        )

    return (
        Column("employee_number", _("Employee"), href=to_dependent),
        Column("number", _("Dependent"), kind="number"),
        Column("first_name", _("First name")),
        Column("last_name", _("Last name")),
        Column("person_type", _("Is")),
        Column("since", _("Covered since"), kind="day"),
        Column("deadline_on", _("Until"), kind="day"),
        Column("reminded_on", _("Reminded"), kind="day"),
        Column("standing", _("Stands"), words=STANDING),
    )


# --- one paper ----------------------------------------------------------------------------------------------


@page("<client:client>/papers/<int:number>/", name="paper", title=_("Paper"))
def one(request: Any, client: str, number: int) -> HttpResponse:
    """Show what a paper is, and let somebody approve or reject it."""
    found = client_of(request, client)
    rows = _papers(request, found).filter(id=number)
    if rows.is_empty():
        raise Http404
    row = rows.row(0, named=True)
    noted(request, "saw", f"paper {number}", found.pk, row["person_id"])
    return show(
        request,
        "workbench/desks/paper.html",
        title=_("Paper %(number)s") % {"number": number},
        client=found,
        crumbs=[(_("Dependent documents"), address("papers", client=client))],
        row=row,
        person=links.person(client, row["employee_number"]),
        may=request.access.may(Permission.REPAIR, found.pk),
    )


@page("<client:client>/papers/<int:number>/open", name="open_paper", title=_("Paper"))
@xframe_options_deny
def opened(request: Any, client: str, number: int) -> HttpResponse:
    """Hand a paper out as a file: of a type that was found in its bytes, never shown inside a page."""
    found = client_of(request, client)
    rows = _papers(request, found).filter(id=number)
    if rows.is_empty():
        raise Http404
    paper = documents.open(connection, found.pk, number)
    noted(request, "saw", f"content of paper {number}", found.pk, paper.person_id)
    answer = HttpResponse(paper.content, content_type=paper.media_type)
    answer["Content-Disposition"] = (
        f'attachment; filename="paper-{number}{ENDINGS.get(paper.media_type, "")}"'
    )
    answer["X-Content-Type-Options"] = "nosniff"
    answer._csp_replace = {"default-src": ["'none'"], "sandbox": [""]}
    return answer


ENDINGS = {"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png"}


@page(
    "<client:client>/papers/<int:number>/decide",
    name="decide_paper",
    title=_("Paper"),
    permission=Permission.REPAIR,
)
@require_POST
def decide(request: Any, client: str, number: int) -> HttpResponse:
    """Approve a paper, or reject it with a reason its sender reads."""
    found = client_of(request, client)
    if _papers(request, found).filter(id=number).is_empty():
        raise Http404

    def do() -> None:
        made = documents.decide(
            connection,
            found.pk,
            number,
            request.POST.get("act", ""),
            reason=reason_of(request),
            decided_by=request.user.username,
            now=clock.now(),
        )
        noted(request, "did", f"{made.state} paper {number}", found.pk, made.person_id, why=made.reason)

    return act(request, do, said=_("Decided."), to=address("papers", client=client))


# --- one dependent ------------------------------------------------------------------------------------------

DEPENDENT = "<client:client>/papers/of/<str:number>/<int:dependent>/"


@page(DEPENDENT, name="dependent_proof", title=_("Dependent"))
def dependent_proof(request: Any, client: str, number: str, dependent: int) -> HttpResponse:
    """Show how far the proof of one dependent is; remind, drop, let back."""
    found = client_of(request, client)
    person = _person(found, number)
    rows = verifying.dependents_to_prove(connection, found.pk, clock.today())
    mine = rows.filter(person_id=person.pk, number=dependent)
    is_dropped = verifying.is_dropped(found.pk, person.pk, dependent)
    if mine.is_empty() and not is_dropped:
        raise Http404
    noted(request, "saw", "proof of a dependent", found.pk, person.pk)
    papers = _papers(request, found).filter(person_id=person.pk, about=f"dependent:{dependent}")
    row = mine.row(0, named=True) if mine.height else {"standing": verifying.DROPPED}
    return show(
        request,
        "workbench/desks/dependent.html",
        title=_("Dependent %(dependent)s of %(number)s") % {"dependent": dependent, "number": number},
        client=found,
        crumbs=[(_("Dependent documents"), address("papers", client=client))],
        row=row,
        standing=STANDING[row["standing"]],
        papers=sheet(
            request, papers, _columns(client), name="papers", caption=_("Papers"), empty=_("None yet.")
        ),
        person=links.person(client, number),
        is_dropped=is_dropped,
        event=deadlines_of(found.pk).unverified_event,
        may=request.access.may(Permission.REPAIR, found.pk),
        here=request.path,
    )


def _person(client: Client, number: str) -> Person:
    found = Person.objects.filter(client=client, employee_number=number).first()
    if found is None:
        raise Http404
    return found


@page(DEPENDENT + "do", name="act_dependent", title=_("Dependent"), permission=Permission.REPAIR)
@require_POST
def act_dependent(request: Any, client: str, number: str, dependent: int) -> HttpResponse:
    """Remind of papers, drop a dependent nobody proved, or let one back."""
    found = client_of(request, client)
    person = _person(found, number)
    doing = {"remind": verifying.remind, "drop": verifying.drop, "let back": verifying.let_back}
    chosen = doing.get(request.POST.get("act", ""))
    if chosen is None:
        raise Http404
    order = DependentOrder(
        client_id=found.pk,
        person_id=person.pk,
        number=dependent,
        on=clock.today(),
        reason=reason_of(request),
        author=request.user.username,
    )

    def do() -> None:
        chosen(connection, order, now=clock.now())
        noted(request, "did", f"{request.POST['act']} a dependent", found.pk, person.pk, why=order.reason)

    to = address("dependent_proof", client=client, number=number, dependent=dependent)
    return act(request, do, said=_("Done. The next run of event maintenance decides what follows."), to=to)
