"""What comes back: TA1, 999 and reports taken in; what each said; what matched nobody; who was refused."""

from typing import Any

import polars as pl
from django import forms
from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.carriers.agreements.partners import PEO
from openbenefits.carriers.answers import services as answering
from openbenefits.carriers.answers.services import Taken
from openbenefits.carriers.custody.readings import REFUSED, answer_lines, file_lines
from openbenefits.carriers.models import Answer, AnswerLine, PartnerVersion
from openbenefits.core.faults import message_of
from openbenefits.workbench.carriers.lists import line_sheet
from openbenefits.workbench.carriers.parts import NUL, client_codes, clients_for, crumbs
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.links import person as person_href
from openbenefits.workbench.pages import Section, Words, address, is_refusal, page, show
from openbenefits.workbench.sheets import Column, sheet

LAST = 1_000
MOST_BYTES = 10 * 2**20
MOST_WORDS = 5
ANSWERS = _("Answers")
AUDIT, EQUAL = "834", "equal"
TOTALS = ("listed", "matched", EQUAL)
VERDICTS = ("missing there", "missing here", "different")
MEANINGS: dict[str, Words] = {
    "listed": _("members on the list"),
    "matched": _("of them known here"),
    EQUAL: _("lines that agree"),
}
KINDS = {
    "TA1": _("TA1: was the envelope read"),
    "999": _("999: were the sets taken"),
    "report": _("report: who is enrolled"),
    "834": _("834 to compare with"),
}


class AnswerForm(forms.Form):
    """A file that a partner sent."""

    feed = forms.ChoiceField(label=_("From"))
    file = forms.FileField(
        label=_("File"),
        help_text=_("TA1, 999, or a report of the partner by the layout agreed; at most 10 MB."),
    )
    layout = forms.CharField(
        label=_("Layout of a report"),
        required=False,
        max_length=60,
        help_text=_("Its name in the agreement; left empty where there is one only."),
    )

    def __init__(self, feeds: list[tuple[str, str]], *parts: Any, **named: Any) -> None:
        """Offer the partners somebody may take answers of."""
        super().__init__(*parts, **named)
        self.fields["feed"].choices = feeds  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        """Refuse a file that is too large."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("Expected at most 10 MB, found more. Take it by `carriers ack`."))
        return file


def feeds_for(request: Any, permission: Permission) -> list[tuple[str, str]]:
    """Answer the partners somebody may do something with: `client number|code`, in words."""
    allowed, names = clients_for(request, permission), client_codes()
    codes = PartnerVersion.objects.values_list("client_id", "code").distinct().order_by("code", "client_id")
    found = []
    for client_id, code in codes:
        holders = allowed if client_id == PEO else [client_id] if client_id in allowed else []
        found += [(f"{holder}|{code}", f"{code}: {names.get(holder, '')}") for holder in holders]
    return list(dict.fromkeys(found))


@page("carriers/answers/", name="carrier_answers", title=_("Answers"), section=Section.CARRIERS)
def listed(request: Any) -> HttpResponse:
    """List what came back, the latest first; take in what came by hand."""
    feeds = feeds_for(request, Permission.PROCESS)
    form, status = AnswerForm(feeds), 200
    if request.method == "POST":
        form, status = AnswerForm(feeds, request.POST, request.FILES), 422
        if form.is_valid():
            taken = _take(request, form)
            if taken is not None:
                return _after(request, taken)
    found = Answer.objects.filter(client_id__in=clients_for(request, Permission.SEE))
    empty = _("Nothing came back yet. Answers are collected by themselves, or taken in here.")
    table = answer_sheet(request, found, empty)
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/carriers/answers.html",
        title=_("Answers"),
        crumbs=crumbs(),
        status=status,
        answers=table,
        form=form if feeds else None,
    )


def _after(request: Any, taken: Taken) -> HttpResponse:
    """Go where what came of an answer is seen."""
    for words in taken.words[:MOST_WORDS]:
        messages.info(request, words)
    if taken.answer_id is not None:
        return redirect(address("carrier_answer", number=taken.answer_id))
    if taken.reply is not None:
        return redirect(address("carrier_file", number=taken.reply))
    return redirect(address("carrier_answers"))


def _take(request: Any, form: AnswerForm) -> Taken | None:
    """Take an answer in; None where the form says what is wrong with it."""
    said = form.cleaned_data
    holder, _bar, code = said["feed"].partition("|")
    client_id = int(holder)
    request.access.require(Permission.PROCESS, client_id)
    file = said["file"]
    try:
        taken = answering.take(
            connection,
            client_id,
            code,
            file.read(),
            file.name,
            author=request.user.username,
            now=clock.now(),
            layout=said["layout"].replace(NUL, "").strip() or None,
        )
    except (ValueError, LookupError) as fault:
        if not is_refusal(fault):
            raise
        form.add_error("file", message_of(fault))
        return None
    noted(request, "did", f"take a {taken.kind} in", client_id)
    return taken


LISTED: dict[str, Any] = {
    "pk": pl.Int64,
    "partner": pl.String,
    "client": pl.String,
    "kind": pl.String,
    "file_name": pl.String,
    "taken_at": pl.Datetime("us", "UTC"),
    "taken_by": pl.String,
}


def answer_sheet(request: Any, found: Any, empty: Words, caption: Words = ANSWERS) -> Any:
    """Answer answers of partners as a table, the latest first."""
    names, codes = [one for one in LISTED if one != "client"], client_codes()
    rows = [
        {**{name: row[name] for name in names}, "client": codes.get(row["client_id"], "")}
        for row in found.order_by("-taken_at", "-pk").values(*names, "client_id")[:LAST]
    ]
    return sheet(
        request,
        pl.DataFrame(rows, schema=LISTED),
        (
            Column(
                "pk", _("Answer"), kind="number", href=lambda row: address("carrier_answer", number=row["pk"])
            ),
            Column("partner", _("Partner")),
            Column("client", _("For")),
            Column("kind", _("What"), words=KINDS),
            Column("file_name", _("File")),
            Column("taken_at", _("Taken in"), kind="moment"),
            Column("taken_by", _("By")),
        ),
        name="answers",
        caption=caption,
        empty=empty,
    )


@page("carriers/answers/<int:number>/", name="carrier_answer", title=_("Answer"))
def one(request: Any, number: int) -> HttpResponse:
    """Show what an answer said, row by row; what is about no file of ours first."""
    found = Answer.objects.defer("content").filter(pk=number).first()
    if found is None:
        raise Http404
    request.access.require(Permission.SEE, found.client_id)
    noted(request, "saw", f"carrier answer {number}", found.client_id)
    rows = answer_lines(found.pk)
    table = _said(request, rows)
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/carriers/answer.html",
        title=f"{found.partner}: {found.kind} {found.pk}",
        crumbs=crumbs((_("Answers"), address("carrier_answers"))),
        answer=found,
        kind=KINDS.get(found.kind, found.kind),
        words=found.told.get("words", []),
        verdicts=_verdicts(found),
        rows=table,
        unmatched=0
        if found.kind == AUDIT
        else AnswerLine.objects.filter(answer_id=found.pk, file_id__isnull=True).count(),
        files=sorted(rows["file_id"].drop_nulls().unique().to_list()),
    )


def _verdicts(found: Answer) -> Any:
    """Draw how often an answer said what; of a list that was compared, why the two sides differ."""
    is_audit = found.kind == AUDIT
    counts = found.told if is_audit else found.told.get("verdicts", {})
    column = "code" if is_audit else "verdict"
    values = [
        Bar(
            MEANINGS.get(name, name),
            count,
            href=None if name in TOTALS else f"?rows.f_{column}={name}",
            tone="bad" if name in REFUSED else "good" if name == EQUAL else "plain",
        )
        for name, count in sorted(counts.items(), key=lambda one: (one[0] not in TOTALS, -one[1]))
        if count and not (is_audit and name in VERDICTS)
    ]
    caption = _("The two lists, and why they differ") if is_audit else _("How often it said what")
    return bars(values, caption=caption) if values else None


def _said(request: Any, rows: pl.DataFrame) -> Any:
    return sheet(
        request,
        rows,
        (
            Column("number", _("Row"), kind="number"),
            Column(
                "file_id",
                _("File"),
                kind="number",
                href=lambda row: address("carrier_file", number=row["file_id"]) if row["file_id"] else None,
            ),
            Column("set", _("Set"), kind="number"),
            Column(
                "employee_number",
                _("Employee"),
                href=lambda row: person_href(row["client"], row["employee_number"]),
            ),
            Column("segment", _("Segment")),
            Column("place", _("Place")),
            Column("verdict", _("It says")),
            Column("code", _("Code")),
            Column("words", _("In words")),
        ),
        name="rows",
        caption=_("What it said"),
        empty=_("It names nothing in particular: it speaks of the whole file."),
    )


@page("carriers/refused/", name="carrier_refused", title=_("Lines refused"))
def refused(request: Any) -> HttpResponse:
    """List the lines that a report refused, or told otherwise, the latest first."""
    rows = file_lines(client_ids=clients_for(request, Permission.SEE), is_refused=True)
    table = line_sheet(request, rows, with_file=True)
    for client_id in sorted(rows["client_id"].unique().to_list()):
        noted(request, "saw", "lines carriers refused", client_id)
    if (file := table.export()) is not None:
        return file
    return show(
        request, "workbench/carriers/refused.html", title=_("Lines refused"), crumbs=crumbs(), lines=table
    )
