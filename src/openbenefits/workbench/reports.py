"""The BAS reports on screen, as CSV, workbook, JSON and PDF."""

import json
from datetime import date
from typing import Any, TypeVar

import polars as pl
from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.clock import now, today
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.core.codes import PROCESS_STATUS_NAMES, ScheduleKind
from openbenefits.core.faults import message_of
from openbenefits.reports.deferred import Listing
from openbenefits.reports.for_reader import for_reader
from openbenefits.reports.names import load_schedules
from openbenefits.reports.services import (
    COUNTING_TO_TODAY,
    OF_OPEN_ENROLLMENT,
    REPORTS,
    PagedReport,
    Report,
    ReportKind,
    ReportRefused,
    Selection,
    make_report,
    page_report,
)
from openbenefits.reports.tabulated import pdf_of, selections_told, words_of
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, address, client_of, page, show
from openbenefits.workbench.sheets import Column, Kind, Sheet, sheet
from openbenefits.workforce.models import Client

LISTED = (
    Column("code", _("Report"), href=lambda row: address("report", client=row["client"], code=row["code"])),
    Column("title", _("What it lists")),
    Column("narrowed", _("Narrowed by")),
)
STATES = [(str(status), f"{status} {name}") for status, name in PROCESS_STATUS_NAMES.items()]
WORDS = {
    "schedule_ids": _("schedule"),
    "department": _("department"),
    "statuses": _("process status"),
    "as_of": _("day"),
    "through": _("span of days"),
    "notified_before": _("day of the notice"),
    "errors_only": _("errors only"),
    "program": _("program"),
}


@page("<client:client>/reports/", name="reports", title=_("Reports"), section=Section.REPORTS)
def reports(request: Any, client: str) -> HttpResponse:
    """List the reports there are."""
    found = client_of(request, client)
    rows = [
        {
            "client": client,
            "code": kind.code,
            "title": kind.title,
            "narrowed": ", ".join(str(WORDS[one]) for one in kind.options if one in WORDS),
        }
        for kind in REPORTS.values()
    ]
    listed = sheet(request, pl.DataFrame(rows), LISTED, name="list", caption=_("Reports there are"))
    if (file := listed.export()) is not None:
        return file
    return show(request, "workbench/reports/list.html", title=_("Reports"), client=found, listed=listed)


class SelectionForm(forms.Form):
    """What a report is narrowed to; fields it does not take are left out."""

    schedule = forms.MultipleChoiceField(
        required=False, label=_("Schedules"), help_text=_("None picked: all of them.")
    )
    program = forms.CharField(
        required=False, max_length=60, label=_("Program"), help_text=_("Its code; blank for all.")
    )
    department = forms.CharField(
        required=False,
        max_length=60,
        label=_("Department"),
        help_text=_("* stands for any text, ? for one character."),
    )
    status = forms.MultipleChoiceField(required=False, label=_("Process status"), choices=STATES)
    as_of = forms.DateField(required=False, label=_("Counted to"), widget=DayInput())
    through = forms.DateField(required=False, label=_("Through"), widget=DayInput())
    notified_before = forms.DateField(required=False, label=_("Notified before"), widget=DayInput())
    errors_only = forms.BooleanField(required=False, label=_("Errors only, no warnings"))

    def __init__(self, data: Any, kind: ReportKind, schedules: list[tuple[str, str]]) -> None:
        super().__init__(data)
        self.fields["schedule"].choices = schedules  # type: ignore[attr-defined]
        taken = {"schedule_ids": "schedule", "statuses": "status"}
        wanted = {taken.get(one, one) for one in kind.options}
        for name in [one for one in self.fields if one not in wanted]:
            del self.fields[name]

    def selection(self, client: Client, schedules: list[tuple[str, str]], kind: ReportKind) -> Selection:
        """Answer what was chosen, of this client alone; a day that is needed and blank is today."""
        given = self.cleaned_data
        ids = [int(one) for one in given.get("schedule") or [number for number, _name in schedules]]
        needs_day = bool(given.get("through")) or kind.code in COUNTING_TO_TODAY
        return Selection(
            schedule_ids=tuple(ids),
            client=client.code,
            program=given.get("program") or None,
            department=given.get("department") or None,
            statuses=tuple(given.get("status") or ()),
            as_of=given.get("as_of") or (today() if needs_day else None),
            through=given.get("through"),
            notified_before=given.get("notified_before"),
            errors_only=bool(given.get("errors_only")),
        )


@page("<client:client>/reports/<str:code>/", name="report", title=_("Report"))
def report(request: Any, client: str, code: str) -> HttpResponse:
    """Show a report: what it is narrowed to, then its sheets; nothing is made before it is asked for."""
    found, kind = client_of(request, client), REPORTS.get(code)
    if kind is None:
        raise Http404
    schedules = _schedules(found, kind)
    is_asked = "show" in request.GET
    form = SelectionForm(request.GET if is_asked else None, kind, schedules)
    made, fault = None, ""
    if is_asked and form.is_valid():
        try:
            chosen = form.selection(found, schedules, kind)
            if (file := _file(request, found, chosen, kind, form)) is not None:
                return file
            made = _readable(request, found, page_report(connection, kind.code, chosen))
        except ReportRefused as refused:
            fault = message_of(refused)
    sheets = [] if made is None else _sheets(request, made)
    for one in sheets:
        if (exported := one.export()) is not None:
            return exported
    return show(
        request,
        "workbench/reports/report.html",
        title=f"{kind.code} {kind.title}",
        client=found,
        crumbs=[(_("Reports"), address("reports", client=client))],
        status=422 if fault or (is_asked and made is None) else 200,
        form=form,
        kind=kind,
        sheets=sheets,
        fault=fault,
        is_made=made is not None,
        query=request.GET.urlencode(),
    )


def _schedules(client: Client, kind: ReportKind) -> list[tuple[str, str]]:
    rows = load_schedules(connection).filter(client=client.code).sort("schedule")
    if kind.code in OF_OPEN_ENROLLMENT:
        rows = rows.filter(kind=str(ScheduleKind.OPEN_ENROLLMENT))
    named = zip(rows["schedule_id"].cast(pl.String), rows["schedule"], rows["schedule_name"], strict=True)
    return [(number, f"{code} · {name}") for number, code, name in named]


Made = TypeVar("Made", Report, PagedReport)


def _readable(request: Any, client: Client, made: Made) -> Made:
    """Leave of a report what its reader may see, and write down that he saw it."""
    note(request.access, "saw", f"report {made.code}", client_id=client.pk, now=now())
    sees = request.access.may(Permission.SEE_PERSONAL, client.pk)
    return for_reader(made, client=client.code, may_see_personal=sees)


def _sheets(request: Any, made: PagedReport) -> list[Sheet]:
    return [
        sheet(
            request,
            rows,
            columns_of(rows),
            name=f"s{place}",
            caption=name,
            empty=_("Nothing to list for this selection."),
        )
        for place, (name, rows) in enumerate(made.sheets.items())
    ]


def columns_of(rows: Listing) -> list[Column]:
    """Answer a column for each of a frame but the client, its heading made of its name."""
    shown = {name: dtype for name, dtype in rows.schema.items() if name != "client"}  # the page names it
    return [Column(name, words_of(name), kind=_kind(dtype)) for name, dtype in shown.items()]


def _kind(dtype: pl.DataType) -> Kind:
    if dtype.is_numeric():
        return "number"
    return "day" if dtype == pl.Date else "text"


def _file(
    request: Any, client: Client, chosen: Selection, of: ReportKind, form: SelectionForm
) -> HttpResponse | None:
    """Answer the whole report as PDF or JSON, where the address asks for that."""
    kind = request.GET.get("file")
    if kind not in ("json", "pdf"):
        return None
    made = _readable(request, client, make_report(connection, of.code, chosen))
    name = f"{made.code}-{date.isoformat(today())}"
    if kind == "json":
        sheets = {one: json.loads(rows.write_json()) for one, rows in made.sheets.items()}
        answer = HttpResponse(json.dumps(sheets, ensure_ascii=False), content_type="application/json")
    else:
        pdf = pdf_of(
            f"{made.code} {made.title}",
            made.sheets,
            selections=selections_told(_told(form)),
            made=f"{now():%B %-d, %Y %H:%M} UTC",
        )
        answer = HttpResponse(pdf, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return answer


def _told(form: SelectionForm) -> dict[str, Any]:
    """Say what was chosen, schedules and statuses in words."""
    told = dict(form.cleaned_data)
    for name in ("schedule", "status"):
        if told.get(name):
            words = dict(form.fields[name].choices)  # type: ignore[attr-defined]
            told[name] = [words[one] for one in told[name]]
    return told
