"""Where somebody's cover stands with each carrier: the chain of custody, line by line; an urgent add."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import polars as pl
from django import forms
from django.contrib import messages
from django.db import connection
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.carriers.custody import portal_entries
from openbenefits.carriers.custody import services as custody
from openbenefits.events.windows import EventPlace
from openbenefits.workbench.desks.parts import plan_types
from openbenefits.workbench.pages import Words, act, address, client_of, page, show
from openbenefits.workbench.person.about import author_of, noted, person_href, somebody
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.models import Dependent, Person

ANYBODY = "self"
CHAIN = "<client:client>/people/<number:number>/carriers/"
STAGES: dict[str, Words] = {
    "intended": _("intended"),
    "in file": _("in a file"),
    "released": _("released"),
    "transferred": _("sent"),
    "received": _("received there"),
    "not read": _("not read there"),
    "accepted": _("taken by its system"),
    "refused": _("refused"),
    "reported": _("reported otherwise"),
    "confirmed": _("confirmed"),
    "portal": _("to be entered at its portal"),
    "entered": _("entered at its portal"),
}
TONES = {
    "confirmed": "good",
    "entered": "good",
    "refused": "bad",
    "not read": "bad",
    "reported": "bad",
    "portal": "waiting",
}
LINKS: tuple[tuple[str, Words], ...] = (
    ("in_file_at", _("In a file")),
    ("released_at", _("Released")),
    ("transferred_at", _("Transferred")),
    ("ta1_at", _("TA1: the envelope was read")),
    ("acknowledged_at", _("999: the set was judged")),
    ("reported_at", _("The carrier's report")),
    ("confirmed_at", _("Confirmed")),
)
Row = Mapping[str, Any]


class UrgentForm(forms.Form):
    """Who needs care before the next file is read, and what the carrier gave as proof if it knows already."""

    cover = forms.ChoiceField(label=_("Whose cover"))
    call_reference = forms.CharField(
        label=_("Call reference"),
        max_length=100,
        required=False,
        help_text=_("Where the carrier was told by phone already: the entry is done at once."),
    )

    def __init__(self, covers: list[tuple[str, str]], *parts: Any, **named: Any) -> None:
        """Offer the lines in force that a carrier does not know yet."""
        super().__init__(*parts, **named)
        self.fields["cover"].choices = covers  # type: ignore[attr-defined]


def told_rows(rows: pl.DataFrame, person: Person) -> list[dict[str, Any]]:
    """Answer rows of a chain in words: whose, which line, where it stands, its links with their times."""
    ids = rows["dependent_id"].drop_nulls().unique().to_list()
    found = Dependent.objects.filter(client_id=person.client_id, person_id=person.pk, pk__in=ids)
    numbers = dict(found.values_list("pk", "number"))
    return [_told(row, numbers) for row in rows.iter_rows(named=True)]


def _told(row: Row, dependents: Mapping[int, Any]) -> dict[str, Any]:
    dependent = row["dependent_id"]
    return dict(row) | {
        "who": _("employee") if dependent is None else f"{_('dependent')} {dependents.get(dependent, '')}",
        "plan_type_name": plan_types().get(row["plan_type"], row["plan_type"]),
        "stage_words": STAGES.get(row["stage"], row["stage"]),
        "tone": TONES.get(row["stage"], ""),
        "links": list(_links(row)),
    }


def _links(row: Row) -> Iterator[dict[str, Any]]:
    for name, title in LINKS:
        at: datetime | None = row[name]
        if at is not None:
            yield {"title": title, "at": at, "said": _said(row, name)}


def _said(row: Row, name: str) -> str:
    if name == "acknowledged_at":
        return row["acknowledged"] or ""
    if name == "ta1_at":
        return row["ta1"] or ""
    if name == "reported_at":
        return " ".join(filter(None, (row["verdict"], row["verdict_code"])))
    return ""


def of_event(place: EventPlace, person: Person) -> list[dict[str, Any]]:
    """Answer what follows from an event and stands somewhere with a carrier, in words."""
    rows = custody.chain_of_event(
        place.client_id, place.person_id, place.schedule_id, place.event_number, now=clock.now()
    )
    return told_rows(rows, person)


@page(CHAIN, name="person_carriers", title=_("Where cover stands"))
def chain(request: Any, client: str, number: str) -> HttpResponse:
    """Show of each line of somebody's cover how far it has come, and what waits for whom."""
    found = client_of(request, client)
    person = somebody(found, number)
    noted(request, "saw", "where cover stands", person)
    rows = custody.chain(found.pk, person.pk, now=clock.now())
    told = told_rows(rows, person)
    table = _table(request, told)
    if (saved := table.export()) is not None:
        return saved
    covers = _covers(told) if request.access.may(Permission.PROCESS, found.pk) else []
    return show(
        request,
        "workbench/person/carriers.html",
        title=_("Where cover stands"),
        client=found,
        crumbs=[
            (_("People"), address("people", client=found.code)),
            (person.employee_number, person_href(found.code, person.employee_number)),
        ],
        number=person.employee_number,
        rows=told,
        table=table,
        late=rows.filter("is_overdue").height,
        refused=rows.filter(pl.col("stage").is_in(["refused", "not read"])).height,
        urgent=UrgentForm(covers) if covers else None,
    )


def _table(request: Any, told: list[dict[str, Any]]) -> Sheet:
    """Show the lines as a table: whose, where each stands, what was told of it."""
    rows = [
        {
            "line": str(row["plan_type_name"] or _("the person")),
            "who": str(row["who"]),
            "stage": row["stage"],
            "is_overdue": bool(row["is_overdue"]),
            "words": row["words"],
            "partner": row["partner"],
            "plan": " ".join(filter(None, (row["plan"], row["tier"]))) or None,
            "begins_on": row["begins_on"],
            "ends_on": row["ends_on"],
        }
        for row in told
    ]
    schema: dict[str, Any] = dict.fromkeys(("line", "who", "stage"), pl.String)
    schema |= {"is_overdue": pl.Boolean}
    schema |= dict.fromkeys(("words", "partner", "plan"), pl.String)
    schema |= dict.fromkeys(("begins_on", "ends_on"), pl.Date)
    columns = (
        Column("line", _("Line")),
        Column("who", _("Whose")),
        Column("stage", _("Stands at"), kind="status", words=STAGES),
        Column("is_overdue", _("Overdue"), words={True: _("overdue"), False: ""}),
        Column("words", _("In words")),
        Column("partner", _("Carrier")),
        Column("plan", _("Plan")),
        Column("begins_on", _("From"), kind="day"),
        Column("ends_on", _("Through"), kind="day"),
    )
    return sheet(
        request, pl.DataFrame(rows, schema=schema), columns, name="cover", caption=_("Cover, line by line")
    )


def _covers(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Answer the lines that may be told urgently: intended, of a partner, and not confirmed yet."""
    found = {}
    for row in told:
        if row["is_intended"] and row["partner"] and row["stage"] not in ("confirmed", "entered", "portal"):
            key = f"{row['benefit_record']}|{row['plan_type']}|{row['dependent_id'] or ANYBODY}"
            found[key] = f"{row['plan_type_name']}, {row['who']}: {row['partner']}"
    return list(found.items())


@page(CHAIN + "urgent", name="urgent_add", title=_("Urgent add"), permission=Permission.PROCESS)
@require_POST
def urgent(request: Any, client: str, number: str) -> HttpResponse:
    """Put somebody's cover on the portal worklist of today."""
    found = client_of(request, client)
    person = somebody(found, number)
    covers = _covers(told_rows(custody.chain(found.pk, person.pk, now=clock.now()), person))
    form, here = UrgentForm(covers, request.POST), address("person_carriers", client=client, number=number)
    if not form.is_valid():
        messages.error(request, _("Expected a line the carrier does not know yet, found none; pick one."))
        return redirect(here)
    said = form.cleaned_data
    record, plan_type, dependent = said["cover"].split("|")
    order = portal_entries.UrgentAdd(
        client_id=found.pk,
        person_id=person.pk,
        plan_type=plan_type,
        dependent_id=None if dependent == ANYBODY else int(dependent),
        benefit_record=int(record),
    )

    def do() -> None:
        portal_entries.urgent(
            connection,
            order,
            author=author_of(request),
            on=clock.today(),
            now=clock.now(),
            call_reference=said["call_reference"],
        )
        noted(request, "did", "urgent add at a carrier", person)

    return act(request, do, said=_("It is on the portal worklist."), to=here)
