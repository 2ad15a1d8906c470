"""The payroll set-up sheet: on the screen, as a workbook, as PDF; each line read back from the platform."""

from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.platform.setup_sheet import COLUMNS, in_words, sheet_of
from openbenefits.reports.tabulated import pdf_of
from openbenefits.workbench.pages import address, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet

STATUS = {"read_back"}


@page(
    "<client:client>/payroll-platform/set-up-sheet/",
    name="platform_sheet",
    title=_("Payroll set-up sheet"),
    permission=Permission.PAYROLL,
)
def lines(request: Any, client: str) -> HttpResponse:
    """List plans, codes, rate groups, contributions, waits and days, checked off by read-back."""
    found = client_of(request, client)
    rows, look = sheet_of(connection, found.pk, clock.today())
    shown = in_words(rows)
    columns = [
        Column(
            name,
            title,
            kind="day" if name == "begins_on" else "status" if name in STATUS else "text",
        )
        for name, title in COLUMNS.items()
    ]
    table = sheet(
        request,
        shown,
        columns,
        name="set-up-sheet",
        caption=_("Line by line"),
        empty=_("This client's set-up offers no plan."),
    )
    if request.GET.get("as") == "pdf":
        return _pdf(found, table.found, look)
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/platform/sheet.html",
        title=_("Payroll set-up sheet"),
        client=found,
        crumbs=[(_("Payroll platform"), address("platform", client=client))],
        lines=table,
        look=look,
    )


def _pdf(client: Any, rows: Any, look: Any) -> HttpResponse:
    title = f"Payroll set-up sheet of {client.name}"
    seen = "not read back yet" if look is None else f"read back {look.ended_at:%Y-%m-%d %H:%M} UTC"
    content = pdf_of(
        title,
        {"Set-up": rows},
        selections=[("As of", clock.today().isoformat()), ("Platform", seen)],
        made=f"made {clock.now():%Y-%m-%d %H:%M} UTC",
        headings=COLUMNS,
    )
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="payroll-set-up-{client.code}.pdf"'
    return answer
