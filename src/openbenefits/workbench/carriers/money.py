"""Files that are no enrolment, before they are files: contributions, lists, a month's premium by an 820."""

from datetime import date, timedelta
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
from openbenefits.carriers.agreements.partners import Partner
from openbenefits.carriers.building.services import Feed
from openbenefits.carriers.payments.services import premium_rows
from openbenefits.carriers.payments.writing import PREVIOUS, REMITTED
from openbenefits.core.faults import message_of
from openbenefits.core.money import dollars, total
from openbenefits.workbench.asking import asked, asked_of_peo
from openbenefits.workbench.carriers.parts import (
    NUL,
    Owner,
    client_codes,
    crumbs,
    in_force,
    owner_of,
    owner_path,
)
from openbenefits.workbench.desks.parts import noted, plan_types
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.links import person as person_href
from openbenefits.workbench.pages import Words, address, is_refusal, page, show
from openbenefits.workbench.sheets import Column, Sheet, sheet

HERE = "carriers/premiums/<client:owner>/<client:code>/"
YES = {True: _("yes"), False: ""}
PAID = {REMITTED: _("of the month"), PREVIOUS: _("of an earlier month")}
TITLES: dict[str, Words] = {
    "plan": _("Plan"),
    "pay_group": _("Pay group"),
    "pay_number": _("Pay"),
    "check_on": _("Check"),
    "employee_cents": _("Employee"),
    "employer_cents": _("Employer"),
    "total_cents": _("Together"),
    "employee_year_cents": _("Employee, this year"),
    "cover": _("Cover"),
    "tier": _("Tier"),
    "cause": _("Why"),
    "lost_on": _("Lost on"),
    "election_through": _("May elect through"),
    "begins_on": _("From"),
    "ends_on": _("Through"),
    "pledge_cents": _("Put down for the year"),
    "premium_cents": _("Premium of a month"),
    "annual_pay_cents": _("Pay of a year"),
    "volume_cents": _("Volume"),
    "is_correction": _("A correction"),
}
"""Columns of files that are no enrolment, as far as a page shows them; nothing of who somebody is."""
CONTENTS: dict[str, Words] = {
    "contributions": _("What pays put into accounts, and it was not told yet"),
    "eligibility": _("Who may use an account, from when"),
    "cobra": _("Who lost cover and must be offered to continue it"),
    "disability": _("Who is insured, with pay and volume"),
}


def rows_sheet(request: Any, content: str, rows: pl.DataFrame) -> Sheet:
    """Answer the rows of a file that is no enrolment as a table, people by their numbers."""
    rows = _of_clients(rows)
    shown = [name for name in TITLES if name in rows.columns]
    return sheet(
        request,
        rows,
        (
            _employee(),
            Column("plan_type", _("Plan type"), words=plan_types()),
            *(Column(name, TITLES[name], kind=_kind(name, rows), words=_words(name)) for name in shown),
        ),
        name="lines",
        caption=CONTENTS[content],
        empty=_("Nothing is to be said: the partner knows everything it should."),
    )


def _employee() -> Column:
    return Column(
        "employee_number", _("Employee"), href=lambda row: person_href(row["client"], row["employee_number"])
    )


def _of_clients(rows: pl.DataFrame) -> pl.DataFrame:
    code = pl.col("client_id").replace_strict(client_codes(), default="", return_dtype=pl.String)
    return rows.with_columns(client=code)


def _kind(name: str, rows: pl.DataFrame) -> Any:
    if name.endswith("_cents"):
        return "money"
    if rows.schema[name] == pl.Date:
        return "day"
    return "number" if rows.schema[name].is_integer() else "text"


def _words(name: str) -> Any:
    return YES if name == "is_correction" else None


def money_of(rows: pl.DataFrame) -> str:
    """Answer the sum of contributions in dollars; empty for lists that hold no money."""
    if "total_cents" not in rows.columns:
        return ""
    return _dollars(rows, "total_cents")


def _dollars(rows: pl.DataFrame, name: str) -> str:
    """Answer a sum of cents in dollars; unknown where one of them is."""
    cents = rows.select(total(pl.col(name))).item() if rows.height else 0
    return str(_("unknown")) if cents is None else dollars(cents)


class PremiumForm(forms.Form):
    """The month that is paid for, and when."""

    month = forms.DateField(label=_("A day of the month"), widget=DayInput())
    paid_on = forms.DateField(label=_("Paid on"), widget=DayInput())
    trace = forms.CharField(
        label=_("Number of the payment"),
        required=False,
        max_length=30,
        help_text=_("As the bank knows it; left empty, the number of the file."),
    )

    def clean_month(self) -> date:
        """Answer the first day of the month."""
        return self.cleaned_data["month"].replace(day=1)  # type: ignore[no-any-return]

    def clean_trace(self) -> str:
        """Leave away what no text may hold."""
        return str(self.cleaned_data["trace"]).replace(NUL, "").strip()


def _begun() -> dict[str, date]:
    """Begin with the month before this one, paid today."""
    today = clock.today()
    return {"month": (today.replace(day=1) - timedelta(days=1)).replace(day=1), "paid_on": today}


@page(HERE, name="carrier_premium", title=_("Premium"), permission=Permission.PROCESS)
def premium(request: Any, owner: str, code: str) -> HttpResponse:
    """Show what a month's 820 would pay for whom, as payroll took it; nothing is written."""
    whose = owner_of(request, owner, Permission.PROCESS)
    agreed_by, _version, partner = in_force(whose.client_id, code)
    form = PremiumForm(request.GET if "month" in request.GET else {**_begun()})
    feed, rows = Feed(client_id=whose.client_id, code=code), None
    if form.is_valid():
        try:
            rows = _of_clients(premium_rows(connection, feed, month=form.cleaned_data["month"]))
        except (ValueError, LookupError) as fault:
            if not is_refusal(fault):
                raise
            messages.error(request, message_of(fault))
            return redirect(address("carrier_partner", owner=owner_path(agreed_by), code=code))
        noted(request, "saw", f"premium for partner {code}", whose.client_id)
    table = None if rows is None else _premium_sheet(request, rows)
    if table is not None and (file := table.export()) is not None:
        return file
    return _shown(request, whose, partner, form, rows, table, agreed_by=agreed_by, code=code)


def _shown(
    request: Any,
    whose: Owner,
    partner: Partner,
    form: PremiumForm,
    rows: pl.DataFrame | None,
    table: Sheet | None,
    *,
    agreed_by: int,
    code: str,
) -> HttpResponse:
    return show(
        request,
        "workbench/carriers/premium.html",
        title=f"{partner.name}: {_('premium')}",
        crumbs=crumbs(
            (_("Partners"), address("carrier_partners")),
            (code, address("carrier_partner", owner=owner_path(agreed_by), code=code)),
        ),
        status=200 if form.is_valid() else 422,
        owner=whose,
        code=code,
        form=form,
        said=form.cleaned_data,
        sums=() if rows is None else _sums(rows),
        is_empty=rows is not None and rows.is_empty(),
        table=table,
    )


def _sums(rows: pl.DataFrame) -> list[tuple[str, Words, Words]]:
    """Answer what is paid: of the month, of earlier ones, and altogether, in dollars."""
    of_month, earlier = (_dollars(rows.filter(kind=kind), "cents") for kind in PAID)
    return [
        (of_month, _("of the month"), _("what its own pays took")),
        (earlier, _("of earlier months"), _("what came late, or was corrected")),
        (_dollars(rows, "cents"), _("to be paid"), _("the total of the 820")),
        (
            str(rows.select("client_id", "person_id").n_unique()),
            _("employees"),
            _("who are paid for"),
        ),
    ]


def _premium_sheet(request: Any, rows: pl.DataFrame) -> Sheet:
    return sheet(
        request,
        rows,
        (
            _employee(),
            Column("plan_type", _("Plan type"), words=plan_types()),
            Column("policy", _("Plan")),
            Column("covered_from", _("Month"), kind="day"),
            Column("kind", _("What"), words=PAID),
            Column("cents", _("Paid"), kind="money"),
            Column("billed_cents", _("Owed"), kind="money"),
        ),
        name="premium",
        caption=_("What would be paid for whom"),
        empty=_("Nothing new was taken for that month: no file would be built."),
    )


@page(
    HERE + "build",
    name="build_carrier_premium",
    title=_("Build a premium file"),
    permission=Permission.PROCESS,
)
@require_POST
def build(request: Any, owner: str, code: str) -> HttpResponse:
    """Ask the worker to build the 820 of a month; its progress is seen on its own page."""
    whose = owner_of(request, owner, Permission.PROCESS)
    in_force(whose.client_id, code)
    back, form = address("carrier_premium", owner=owner, code=code), PremiumForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Expected a month and the day it is paid, found another; pick both."))
        return redirect(back)
    told = form.cleaned_data
    asked_for = {
        "code": code,
        "month": told["month"].isoformat(),
        "paid_on": told["paid_on"].isoformat(),
        "trace": told["trace"],
    }
    said = f"build the premium file for partner {code}"
    if whose.client is None:
        return asked_of_peo(request, "carrier premium", asked_for, said=said, back=back)
    return asked(request, whose.client, "carrier premium", asked_for, said=said, back=back)
