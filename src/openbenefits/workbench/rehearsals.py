"""Rehearsals: what a run would do, by client and plan and person by person, then carried out."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.reports.rehearsals import BY_PERSON, BY_PLAN, OUTCOMES, rehearsal_tables
from openbenefits.runs.limits import needs_second_person
from openbenefits.runs.models import Run
from openbenefits.runs.rehearsals import NoRehearsal, Rehearsal, list_rehearsals, load_rehearsal
from openbenefits.store.isolation import PEO
from openbenefits.workbench import links, words
from openbenefits.workbench.asking import asked
from openbenefits.workbench.charts import Bar, Bars, bars
from openbenefits.workbench.pages import address, client_of, page, show
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.models import Client

CENTS_PER_DOLLAR = 100
PLANS = (
    Column("plan", _("Plan type")),
    Column("people", _("People"), kind="number"),
    Column("coverage_differs", _("Coverage differs"), kind="number"),
    Column("deduction_differs", _("Deduction differs"), kind="number"),
    Column("year_before", _("Employees' year, now")),
    Column("year_after", _("Employees' year, after")),
    Column("difference", _("Difference")),
    Column("employer_difference", _("Employer's difference")),
)
PERSONS = (
    Column("benefit_record", _("Benefit record"), kind="number"),
    Column("plan", _("Plan type")),
    Column("from_day", _("From"), kind="day"),
    Column("before", _("Now")),
    Column("after", _("After")),
    Column("pay_before", _("A pay, now")),
    Column("pay_after", _("A pay, after")),
    Column("year_before", _("The year, now")),
    Column("year_after", _("The year, after")),
)


class CommitForm(forms.Form):
    """How much of a client may differ from what was rehearsed."""

    most_people = forms.IntegerField(
        label=_("People whose result may differ by now"),
        min_value=0,
        initial=0,
        help_text=_("With more the client is left out, and nothing of it is written."),
    )
    most_dollars = forms.DecimalField(
        label=_("Dollars of the year that may differ"),
        min_value=0,
        max_digits=12,
        decimal_places=2,
        initial=0,
    )

    def order(self) -> dict[str, Any]:
        """What is asked of the worker, beside which rehearsal."""
        dollars: Decimal = self.cleaned_data["most_dollars"]
        return {
            "most_people": self.cleaned_data["most_people"],
            "most_cents": int(dollars * CENTS_PER_DOLLAR),
        }


@page("<client:client>/rehearsals/", name="rehearsals", title=_("Rehearsals"))
def of_client(request: Any, client: str) -> HttpResponse:
    """List the rehearsals kept of a client, the last first."""
    mine = client_of(request, client)
    rows = list_rehearsals(connection)
    rows = rows.filter(pl.col("clients").list.contains(mine.pk))
    if not request.access.may(Permission.SEE, PEO):
        rows = rows.filter(pl.col("clients").list.len() == 1)
    columns = (
        Column(
            "number",
            _("Rehearsal"),
            kind="number",
            href=lambda row: address("rehearsal", client=mine.code, number=row["number"]),
        ),
        Column("made_at", _("Made"), kind="moment"),
        Column("made_by", _("By")),
        Column("as_of", _("As of"), kind="day"),
    )
    shown = sheet(
        request,
        rows.drop("clients"),
        columns,
        name="rehearsals",
        caption=_("Rehearsals, the last first"),
        empty=_("No rehearsal is kept. Start a run, and press “Rehearse”."),
    )
    if (file := shown.export()) is not None:
        return file
    crumbs = [(_("Runs"), address("runs", client=mine.code))]
    told = {"title": _("Rehearsals"), "rehearsals": shown, "crumbs": crumbs}
    return show(request, "workbench/rehearsals/list.html", client=mine, **told)


def find_rehearsal(client: Client, number: int) -> Rehearsal:
    """Find a rehearsal of a client, cut to it.

    Errors: Http404.
    """
    try:
        found = load_rehearsal(connection, number)
        order = found.order_of(client.pk)
    except NoRehearsal:
        raise Http404 from None
    return Rehearsal(
        number=found.number,
        made_at=found.made_at,
        made_by=found.made_by,
        orders=[order],
        people=found.people.filter(client_id=client.pk),
        differences=found.differences.filter(client_id=client.pk),
        measures={client.pk: found.measures.get(client.pk, {})},
        seconds=found.seconds,
        run_seconds=found.run_seconds,
    )


@page("<client:client>/rehearsals/<int:number>/", name="rehearsal", title=_("Rehearsal"))
def one(request: Any, client: str, number: int) -> HttpResponse:
    """Show what a rehearsed run would do to a client; ask for it to be carried out."""
    mine = client_of(request, client)
    found = find_rehearsal(mine, number)
    form = CommitForm(request.POST or None)
    here = address("rehearsal", client=mine.code, number=number)
    if request.method == "POST":
        request.access.require(Permission.FINALIZE, mine.pk)
        if form.is_valid():
            told = {"rehearsal": number} | form.order()
            return asked(request, mine, "commit", told, said="commit a rehearsal", back=here)
    tables = rehearsal_tables(connection, found)
    plans, persons = _sheets(request, mine, tables)
    for shown in (plans, persons):
        if (file := shown.export()) is not None:
            return file
    note(request.access, "saw", "rehearsal", client_id=mine.pk, now=clock.now())
    (order,) = found.orders
    second = needs_second_person(connection, mine.pk, "commit")
    is_mine = found.made_by.casefold() == request.user.username.casefold()
    return show(
        request,
        "workbench/rehearsals/one.html",
        title=say("Rehearsal %(number)s") % {"number": number},
        client=mine,
        crumbs=[
            (_("Runs"), address("runs", client=mine.code)),
            (_("Rehearsals"), address("rehearsals", client=mine.code)),
        ],
        status=422 if request.method == "POST" else 200,
        rehearsal=found,
        order=order,
        level=words.LEVELS[str(order.through)],
        in_scope=found.people.height,
        seconds=round(found.run_seconds, 1),
        outcomes=_outcomes(tables[OUTCOMES]),
        plans=plans,
        persons=persons,
        form=form,
        committed=_committed(mine, number),
        lacks_second=second and is_mine,
        may_commit=request.access.may(Permission.FINALIZE, mine.pk),
    )


def _sheets(request: Any, client: Client, tables: Mapping[str, pl.DataFrame]) -> tuple[Sheet, Sheet]:
    columns = (Column("employee_number", _("Employee"), href=links.to_person(client.code)), *PERSONS)
    empty = _("Nothing would differ in anybody's coverage or deductions.")
    plans, persons = _("People and dollars by plan type"), _("What would differ, person by person")
    return (
        sheet(request, tables[BY_PLAN], PLANS, name="plans", caption=plans, empty=empty),
        sheet(request, tables[BY_PERSON], columns, name="persons", caption=persons, empty=empty),
    )


def _outcomes(rows: pl.DataFrame) -> Bars:
    counted = rows.group_by("outcome").agg(pl.col("people").sum()).sort("people", descending=True)
    drawn = [Bar(outcome or "", people) for outcome, people in counted.iter_rows()]
    return bars(drawn, caption=_("What would become of everybody in scope"))


def _committed(client: Client, number: int) -> Run | None:
    """The run that carried a rehearsal out for a client, if one did."""
    runs = Run.objects.filter(bundle_client=client.pk, options__rehearsal=number)
    return runs.order_by("-pk").first()
