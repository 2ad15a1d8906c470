"""The report builder: subject, columns, conditions, groups and a picture; kept, shared, sent by mail."""

from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import polars as pl
from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts.clock import now, today
from openbenefits.accounts.services import note
from openbenefits.adhoc.declared import Kind, Subject
from openbenefits.adhoc.operators import OPERATORS, ValueRefused
from openbenefits.adhoc.query import CHARTS, FUNCTIONS, Output, Query, QueryRefused, read_query
from openbenefits.adhoc.running import PAGE_ROWS, Found, as_shown, run_query, run_whole, text_of
from openbenefits.adhoc.saved import (
    ReportMissing,
    SavingRefused,
    open_report,
    remove_report,
    reports_of,
    save_report,
)
from openbenefits.adhoc.scheduling import (
    EVERY_NAMES,
    Every,
    end_schedules,
    schedule_of,
    schedule_report,
)
from openbenefits.adhoc.stating import (
    CONDITIONS,
    GROUPS,
    RECKONINGS,
    SORTS,
    document_stated,
    sortable,
    stated_of,
)
from openbenefits.adhoc.subjects import SUBJECTS
from openbenefits.reports.files import defused
from openbenefits.reports.tabulated import pdf_of
from openbenefits.workbench.charts import Bar, Bars, bars
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, act, address, client_of, page, show
from openbenefits.workbench.sheets import TYPES, Column, sheet
from openbenefits.workforce.models import Client

MOST_BARS = 40
PREVIEWED = 10


@page("<client:client>/builder/", name="builder", title=_("Report builder"), section=Section.REPORTS)
def builder(request: Any, client: str) -> HttpResponse:
    """List the reports one finds, and the subjects a new one may be about."""
    found = client_of(request, client)
    rows = [
        {
            "key": one.key,
            "name": one.name,
            "subject": SUBJECTS[one.subject].title if one.subject in SUBJECTS else one.subject,
            "owner": _("comes with the product") if one.is_shipped else one.owner,
        }
        for one in reports_of(request.access, found.pk)
    ]
    frame = pl.DataFrame(
        [{name: str(value) for name, value in row.items()} for row in rows],
        schema=dict.fromkeys(("key", "name", "subject", "owner"), pl.String),
    )
    columns = (
        Column("name", _("Report"), href=lambda row: address("built_report", client=client, key=row["key"])),
        Column("subject", _("About")),
        Column("owner", _("By")),
    )
    listed = sheet(request, frame, columns, name="kept", caption=_("Reports you find here"))
    if (file := listed.export()) is not None:
        return file
    return show(
        request,
        "workbench/adhoc/list.html",
        title=_("Report builder"),
        client=found,
        listed=listed,
        subjects=SUBJECTS.values(),
    )


@page("<client:client>/builder/<str:key>/", name="built_report", title=_("Report"))
def built_report(request: Any, client: str, key: str) -> HttpResponse:
    """Show what a report finds, with the rights of who reads it; or save it as a file."""
    found = client_of(request, client)
    try:
        name, query, saved = open_report(request.access, found.pk, key)
    except ReportMissing:
        raise Http404 from None
    note(request.access, "saw", f"report on {query.subject}", client_id=found.pk, now=now())
    kind = request.GET.get("export", "")
    try:
        if kind in (*TYPES, "pdf"):
            return _file(request, found, name, query, kind)
        result, fault = _result(request, found, query), ""
    except (QueryRefused, ValueRefused) as refused:
        result, fault = None, str(refused)
    is_own = saved is not None and saved.user_id == request.access.user_id
    return show(
        request,
        "workbench/adhoc/report.html",
        title=name,
        client=found,
        crumbs=[(_("Report builder"), address("builder", client=client))],
        status=422 if fault else 200,
        fault=fault,
        result=result,
        key=key,
        says=SUBJECTS[query.subject].says if query.subject in SUBJECTS else "",
        saved=saved,
        is_own=is_own,
        schedule=schedule_of(request.access, saved) if saved is not None and is_own else None,
        every=[(str(one), words) for one, words in EVERY_NAMES.items()],
        today=today(),
    )


def _result(request: Any, client: Client, query: Query, *, rows: int = PAGE_ROWS) -> dict[str, Any]:
    asked = request.GET.get("page", "1")
    number = int(asked) if asked.isdecimal() and len(asked) < 9 else 1
    found = run_query(
        connection, query, request.access, as_of=today(), client_id=client.pk, page=number, rows=rows
    )
    pages = max(1, -(-found.total // rows))
    return {
        "headings": [
            {"title": one.title, "is_to_the_right": one.kind in (Kind.NUMBER, Kind.MONEY)}
            for one in found.outputs
        ],
        "rows": [
            [
                {"text": text_of(one, value), "is_to_the_right": one.kind in (Kind.NUMBER, Kind.MONEY)}
                for one, value in zip(found.outputs, row, strict=True)
            ]
            for row in found.frame.rows()
        ],
        "total": found.total,
        "first": (number - 1) * rows + 1 if found.frame.height else 0,
        "last": (number - 1) * rows + found.frame.height,
        "number": number,
        "pages": pages,
        "previous": "?" + urlencode({"page": number - 1}) if number > 1 else None,
        "next": "?" + urlencode({"page": number + 1}) if number < pages else None,
        "as_of": found.as_of,
        "withheld": found.withheld,
        "bars": _bars(query, found),
    }


def _bars(query: Query, found: Found) -> Bars | None:
    """Draw the picture of a report, of the rows shown; a line as bars in the order of its labels."""
    chart = query.chart
    if chart is None or found.frame.is_empty():
        return None
    outputs = {one.name: one for one in found.outputs}
    rows = found.frame.head(MOST_BARS)
    if chart.kind == "line":
        rows = rows.sort(chart.label, nulls_last=True)
    others = [name for name in outputs if name not in (chart.label, chart.value) and name in query.groups]
    drawn = []
    for row in rows.iter_rows(named=True):
        words = [_word(outputs[name], row[name]) for name in (chart.label, *others)]
        drawn.append(Bar(" · ".join(words), max(0, row[chart.value] or 0)))
    if outputs[chart.value].kind is Kind.MONEY:
        drawn = [Bar(f"{one.label}, {_('in cents')}", one.value) for one in drawn]
    return bars(drawn, caption=outputs[chart.value].title)


def _word(output: Output, value: Any) -> str:
    """Say what a bar is about; of what is or is not, what it is that is so."""
    text = text_of(output, value) or str(_("not known"))
    return f"{output.title}: {text}" if output.kind is Kind.FLAG else text


def _file(request: Any, client: Client, name: str, query: Query, kind: str) -> HttpResponse:
    found = run_whole(connection, query, request.access, as_of=today(), client_id=client.pk)
    note(request.access, "did", f"file of a report on {query.subject}", client_id=client.pk, now=now())
    rows = as_shown(found)
    if kind == "pdf":
        selections = [("As of", found.as_of.isoformat()), *_conditions(query)]
        made = f"{client.name}, {now():%B %-d, %Y %H:%M} UTC"
        data = pdf_of(
            name,
            {SUBJECTS[query.subject].title: rows},
            selections=selections,
            made=made,
            headings={column: column for column in rows.columns},
        )
        answer = HttpResponse(data, content_type="application/pdf")
    else:
        file = BytesIO()
        if kind == "csv":
            defused(rows).write_csv(file)
        else:
            defused(rows).write_excel(file, worksheet="Report", autofit=False)
        answer = HttpResponse(file.getvalue(), content_type=TYPES[kind])
    answer["Content-Disposition"] = f'attachment; filename="report.{kind}"'
    return answer


def _conditions(query: Query) -> list[tuple[str, str]]:
    fields = SUBJECTS[query.subject].fields
    return [
        (fields[one.field].title, f"{OPERATORS[one.operator].title} {', '.join(one.values)}".strip())
        for one in query.filters
    ]


# --- building -----------------------------------------------------------------------------------------------


@page("<client:client>/builder-edit/", name="build", title=_("Build a report"))
def build(request: Any, client: str) -> HttpResponse:
    """Build a report: a GET begins one, a POST shows what it finds, or keeps it."""
    found = client_of(request, client)
    if request.method == "POST":
        subject = _subject(request.POST.get("subject", ""))
        document = document_stated(subject, request.POST.getlist)
        return _built(request, found, subject, request.POST.getlist, document)
    subject, stated, told = _begun(request, found)
    document = document_stated(subject, lambda name: stated.get(name, []))
    return _form(request, found, subject, lambda name: stated.get(name, []), document, told)


def _subject(name: str) -> Subject:
    if name not in SUBJECTS:
        raise Http404
    return SUBJECTS[name]


def _begun(request: Any, client: Client) -> tuple[Subject, dict[str, list[str]], dict[str, Any]]:
    """Begin with a subject, or with a report there is: changed where it is one's own, else copied."""
    key = request.GET.get("key", "")
    if not key:
        subject = _subject(request.GET.get("subject", ""))
        return subject, {"column": list(subject.first)}, {}
    try:
        name, query, saved = open_report(request.access, client.pk, key)
    except ReportMissing:
        raise Http404 from None
    is_own = saved is not None and saved.user_id == request.access.user_id
    told = {"name": name, "key": key if is_own else "", "is_shared": bool(saved and saved.is_shared)}
    return _subject(query.subject), stated_of(query), told


def _built(
    request: Any, client: Client, subject: Subject, stated: Any, document: dict[str, Any]
) -> HttpResponse:
    told: dict[str, Any] = {
        "name": request.POST.get("name", ""),
        "key": request.POST.get("key", ""),
        "is_shared": "is_shared" in request.POST,
    }
    try:
        query = read_query(document)
        if request.POST.get("do") == "save":
            kept = save_report(
                request.access,
                client.pk,
                told["name"],
                query,
                is_shared=told["is_shared"],
                key=told["key"],
                author=request.user.username,
                now=now(),
            )
            note(request.access, "did", "report kept", client_id=client.pk, now=now())
            return redirect(address("built_report", client=client.code, key=str(kept.pk)))
        note(request.access, "saw", f"report on {query.subject}", client_id=client.pk, now=now())
        told["result"] = _result(request, client, query, rows=PREVIEWED)
    except (QueryRefused, ValueRefused, SavingRefused, ReportMissing) as refused:
        told["fault"] = str(refused)
    if request.htmx:
        return render(request, "workbench/adhoc/preview.html", told)
    return _form(request, client, subject, stated, document, told)


def _form(
    request: Any,
    client: Client,
    subject: Subject,
    stated: Any,
    document: dict[str, Any],
    told: dict[str, Any],
) -> HttpResponse:
    def one(name: str) -> str:
        values = stated(name)
        return str(values[0]) if values else ""

    def lines(most: int, *names: str) -> list[dict[str, Any]]:
        """Every line that states something, and a blank one."""
        found: list[dict[str, Any]] = [
            {"number": number, **{name: one(f"{name}{number}") for name in names}} for number in range(most)
        ]
        used = [line for line in found if line[names[0]]]
        return [*used, *(line for line in found if not line[names[0]])][: min(most, len(used) + 1)]

    words = sorted({word for field in subject.fields.values() for word in field.words.values()})
    return show(
        request,
        "workbench/adhoc/build.html",
        title=_("Build a report: %(subject)s") % {"subject": subject.title.lower()},
        client=client,
        crumbs=[(_("Report builder"), address("builder", client=client.code))],
        status=422 if told.get("fault") else 200,
        subject=subject,
        fields=subject.fields.values(),
        chosen=set(stated("column")),
        conditions=lines(CONDITIONS, "condition", "operator", "value", "second"),
        groups=lines(GROUPS, "group"),
        reckonings=lines(RECKONINGS, "function", "of"),
        sorts=lines(SORTS, "sort", "way"),
        operators=[(name, one.title) for name, one in OPERATORS.items()],
        functions=[(name, title) for name, (title, _kinds) in FUNCTIONS.items()],
        sortable=list(sortable(subject, document).items()),
        charts=CHARTS,
        chart={name: one(name) for name in ("chart", "label", "amount", "as_of")},
        words=words,
        **told,
    )


# --- what is kept -------------------------------------------------------------------------------------------


@page("<client:client>/builder/<str:key>/remove", name="remove_report", title=_("Remove a report"))
@require_POST
def remove(request: Any, client: str, key: str) -> HttpResponse:
    """Take a report of one's own off every list."""
    found = client_of(request, client)

    def do() -> None:
        remove_report(request.access, found.pk, key, now=now())
        note(request.access, "did", "report removed", client_id=found.pk, now=now())

    return act(request, do, said=_("The report is removed."), to=address("builder", client=client))


class MailForm(forms.Form):
    """How often a report is sent, from when, and whether the list goes along."""

    every = forms.ChoiceField(choices=[("", ""), *((str(one), words) for one, words in EVERY_NAMES.items())])
    begins_on = forms.DateField(widget=DayInput())
    attached = forms.BooleanField(required=False)


@page("<client:client>/builder/<str:key>/mail", name="mail_report", title=_("Send a report"))
@require_POST
def mail(request: Any, client: str, key: str) -> HttpResponse:
    """Have a report of one's own sent to oneself, or no more."""
    found = client_of(request, client)
    form = MailForm(request.POST)

    def do() -> None:
        _name, _query, saved = open_report(request.access, found.pk, key)
        if saved is None:
            raise SavingRefused(
                str(_("expected a report of yours, found one that comes with the product; keep a copy"))
            )
        if request.POST.get("do") == "end":
            end_schedules(request.access, saved)
        elif not form.is_valid():
            raise SavingRefused(str(_("expected how often and from when, found something else; choose both")))
        else:
            given = form.cleaned_data
            asked = {"begins_on": given["begins_on"], "attached": given["attached"], "now": now()}
            schedule_report(request.access, found.pk, saved, every=Every(given["every"]), **asked)
        note(request.access, "did", "report by mail", client_id=found.pk, now=now())

    here = address("built_report", client=client, key=key)
    return act(request, do, said=_("That is kept."), to=here)
