"""Where carrier enrolment stands: what is overdue first, then what waits for a person, then partners."""

from typing import Any

import polars as pl
from django.db.models import Count
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.carriers.custody.readings import REFUSED
from openbenefits.carriers.filing import services as filing
from openbenefits.carriers.models import Answer, AnswerLine, CarrierFile, FileLine, PortalEntry
from openbenefits.carriers.rules.custody import WAITS_FOR
from openbenefits.workbench.carriers.lists import partner_sheet, state_bars
from openbenefits.workbench.carriers.parts import STATES, WAITS, client_codes, clients_for
from openbenefits.workbench.pages import Section, address, page, show
from openbenefits.workbench.sheets import Column, sheet


@page("carriers/", name="carriers", title=_("Carrier enrolment"), section=Section.CARRIERS)
def home(request: Any) -> HttpResponse:
    """Show what is overdue, what waits for a person, and the partners."""
    seen = clients_for(request, Permission.SEE)
    overdue = _overdue(request, seen)
    partners = partner_sheet(request)
    for table in (overdue, partners):
        if (file := table.export()) is not None:
            return file
    counts = dict(
        CarrierFile.objects.filter(client_id__in=seen)
        .values_list("state")
        .annotate(count=Count("pk"))
        .order_by()
    )
    return show(
        request,
        "workbench/carriers/home.html",
        title=_("Carrier enrolment"),
        overdue=overdue,
        cards=_cards(request, seen, counts),
        states=state_bars(counts),
        partners=partners,
        may_answer=bool(clients_for(request, Permission.PROCESS)),
    )


def _overdue(request: Any, seen: list[int]) -> Any:
    """Answer the files that wait longer than agreed, the longest first."""
    rows = filing.files(seen, now=clock.now(), states=[str(one) for one in WAITS_FOR])
    rows = rows.filter("is_overdue").sort("due_at")
    rows = rows.with_columns(
        client=pl.col("client_id").replace_strict(client_codes(), default="", return_dtype=pl.String)
    )
    return sheet(
        request,
        rows,
        (
            Column(
                "file_id",
                _("File"),
                kind="number",
                href=lambda row: address("carrier_file", number=row["file_id"]),
            ),
            Column("partner", _("Partner")),
            Column("client", _("For")),
            Column("state", _("State"), kind="status", words=STATES),
            Column("waits_for", _("It waits for")),
            Column("since", _("Since"), kind="moment"),
            Column("due_at", _("Was due"), kind="moment"),
        ),
        name="overdue",
        caption=_("Overdue"),
        empty=_("Nothing is overdue: every file was answered in the time agreed."),
    )


def _cards(request: Any, seen: list[int], counts: dict[str, int]) -> list[dict[str, Any]]:
    files, may = address("carrier_files"), clients_for(request, Permission.PROCESS)
    refused = FileLine.objects.filter(client_id__in=seen, verdict__in=REFUSED).count()
    lists = Answer.objects.filter(kind="834").values("pk")  # of a list that was compared no file is meant
    rows = AnswerLine.objects.filter(client_id__in=seen, file_id__isnull=True)
    strange = rows.exclude(answer_id__in=lists).count()
    entries = PortalEntry.objects.filter(client_id__in=may, done_at__isnull=True, is_net=True)
    late = entries.filter(due_on__lt=clock.today()).count()
    return [
        {
            "count": counts.get("held", 0),
            "title": _("held"),
            "meaning": WAITS["held"],
            "href": f"{files}?state=held",
        },
        {
            "count": counts.get("validated", 0),
            "title": _("to be released"),
            "meaning": _("validated; nobody released them yet"),
            "href": f"{files}?state=validated",
        },
        {
            "count": counts.get("invalid", 0),
            "title": _("not valid"),
            "meaning": _("their findings say what to correct"),
            "href": f"{files}?state=invalid",
        },
        {
            "count": refused,
            "title": _("lines refused"),
            "meaning": _("by a carrier's report"),
            "href": address("carrier_refused"),
        },
        {
            "count": strange,
            "title": _("unmatched answers"),
            "meaning": _("rows about no file of ours"),
            "href": address("carrier_answers"),
        },
        {
            "count": entries.count(),
            "title": _("portal entries"),
            "meaning": f"{late} {_('overdue')}",
            "href": address("carrier_portal"),
        },
    ]
