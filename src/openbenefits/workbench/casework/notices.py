"""What somebody is told of tasks and cases in the product itself: new ones in the header, all on a page."""

from typing import Any

import polars as pl
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.casework.codes import Happening
from openbenefits.casework.models import Ticket
from openbenefits.casework.notices import see, told_to
from openbenefits.casework.seeing import visible
from openbenefits.workbench.pages import Section, act, address, page, show
from openbenefits.workbench.sheets import Column, sheet

MOST = 500
HAPPENED = {
    Happening.OPENED: _("opened"),
    Happening.CHANGED: _("changed"),
    Happening.ENDED: _("came to its end"),
    Happening.COMMENTED: _("somebody said something, or put a file to it"),
    Happening.UNASSIGNED: _("nobody was found to do it"),
    Happening.LEVEL_1: _("reached level 1"),
    Happening.LEVEL_2: _("reached level 2"),
    Happening.DUE_SOON: _("due soon"),
    Happening.OVERDUE: _("overdue"),
}
SCHEMA: dict[str, Any] = {
    "id": pl.Int64,
    "number": pl.Int64,
    "subject": pl.String,
    "happened": pl.String,
    "at": pl.Datetime("us", "UTC"),
    "is_new": pl.Boolean,
}


@page("notices/", name="notices", title=_("Notices"), section=Section.WORK)
def listed(request: Any) -> HttpResponse:
    """List what one was told, the last first; of tickets one may see."""
    told = told_to(request.access, MOST)
    seen = Ticket.objects.filter(visible(request.access), pk__in={one.ticket_id for one in told})
    subjects = dict(seen.values_list("pk", "subject"))
    rows = [
        {
            "id": one.pk,
            "number": one.ticket_id,
            "subject": subjects[one.ticket_id],
            "happened": ", ".join(str(HAPPENED[Happening(name)]) for name in one.happenings),
            "at": one.at,
            "is_new": one.seen_at is None,
        }
        for one in told
        if one.ticket_id in subjects
    ]
    table = sheet(
        request,
        pl.DataFrame(rows, schema=SCHEMA, orient="row"),
        (
            Column(
                "number",
                _("No."),
                kind="number",
                href=lambda row: address("ticket", number=row["number"]),
            ),
            Column("subject", _("Subject")),
            Column("happened", _("What happened")),
            Column("at", _("When"), kind="moment"),
            Column("is_new", _("New"), words={True: _("new"), False: ""}),
        ),
        name="notices",
        caption=_("What you were told"),
        empty=_("Nothing yet. You are told of tasks and cases that you have, or follow."),
    )
    if (file := table.export()) is not None:
        return file
    last = max((one.pk for one in told if one.seen_at is None), default=0)
    return show(request, "workbench/casework/notices.html", title=_("Notices"), notices=table, through=last)


@page("notices/seen", name="notices_seen", title=_("Notices"))
@require_POST
def seen(request: Any) -> HttpResponse:
    """Mark what was on the page as seen; what came since stays new."""
    through = request.POST.get("through", "")

    def do() -> None:
        see(request.access, through=int(through) if through.isdecimal() else 0, now=clock.now())

    return act(request, do, said=_("Marked as seen."), to=address("notices"))
