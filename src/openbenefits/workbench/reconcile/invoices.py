"""Invoices: listed, taken in, shown with their causes, reconciled, disputed, approved, paid."""

import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import ENDED
from openbenefits.carriers.x12.reader import X12Refused
from openbenefits.reconcile import disputes, items, loading
from openbenefits.reconcile.loading import InvoiceOrder, InvoiceRefused
from openbenefits.reconcile.models import CarrierTerms, Invoice, PlanMonth
from openbenefits.reconcile.states import NEXT, InvoiceState, Kind
from openbenefits.store.isolation import PEO
from openbenefits.store.sheets import FileRefused
from openbenefits.workbench.asking import asked, asked_of_peo
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, act, address, page, show
from openbenefits.workbench.reconcile.parts import (
    client_names,
    crumbs,
    invoice_of,
    item_columns,
    named,
    noted_of,
    plan_names,
)
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client

MOST_BYTES = 10 * 2**20
STATES = {
    "loaded": _("loaded"),
    "matched": _("matched"),
    "reviewed": _("reviewed"),
    "approved": _("approved"),
    "paid": _("paid"),
    "closed": _("closed"),
}
KINDS = {
    Kind.LIST: _("Carrier's list of people"),
    Kind.SELF: _("Own bill of a carrier"),
    Kind.SUMMARY: _("Carrier's numbers by tier"),
    Kind.BILLING: _("Our bill to the client"),
}
STEPS = {
    InvoiceState.MATCHED: _("Take it back to be looked at"),
    InvoiceState.REVIEWED: _("It is reviewed"),
    InvoiceState.APPROVED: _("Approve the payment"),
    InvoiceState.PAID: _("It is paid"),
    InvoiceState.CLOSED: _("Close it"),
}
LAST = 500


class MoneyField(forms.DecimalField):
    """Dollars as printed."""

    def __init__(self, label: Any) -> None:
        super().__init__(label=label, required=False, max_digits=12, decimal_places=2)


class LoadForm(forms.Form):
    """An invoice as it came, with what its first page says."""

    client = forms.ChoiceField(label=_("For"))
    kind = forms.ChoiceField(label=_("What it is"), choices=list(KINDS.items()))
    carrier = forms.CharField(
        label=_("Carrier or agency"),
        max_length=120,
        help_text=_("Of a bill to the client: the name under which its terms are kept."),
    )
    number = forms.CharField(label=_("Number of the invoice"), max_length=60)
    month = forms.DateField(label=_("A day of the month billed"), widget=DayInput())
    statement_on = forms.DateField(label=_("Made out on"), widget=DayInput())
    cutoff_on = forms.DateField(
        label=_("Changes are in it until"),
        required=False,
        widget=DayInput(),
        help_text=_(
            "The cut-off; what was known later is not disputed. Left empty: the day it was made out."
        ),
    )
    due_on = forms.DateField(label=_("To be paid by"), required=False, widget=DayInput())
    file = forms.FileField(label=_("File"), help_text=_("CSV, XLSX or an 820, at most 10 MB."))
    current = MoneyField(_("Current charges as printed, $"))
    adjustments = MoneyField(_("Adjustments as printed, $"))
    previous = MoneyField(_("Previous balance, $"))
    payments = MoneyField(_("Payments received, $"))
    total = MoneyField(_("Total due as printed, $"))

    def __init__(self, allowed: list[tuple[str, str]], *parts: Any, **named_: Any) -> None:
        """Offer the clients somebody may load invoices of."""
        super().__init__(*parts, **named_)
        self.fields["client"].choices = allowed  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        """Refuse a file that is too large."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("Expected at most 10 MB, found more. Load it by `reconcile load`."))
        return file


@page(
    "invoices/",
    name="invoices",
    title=_("Carrier invoices"),
    section=Section.DESKS,
    permission=Permission.FINANCE,
)
def listed(request: Any) -> HttpResponse:
    """List the invoices of the clients one may see, the latest first."""
    columns = ("pk", "client_id", "carrier", "number", "month", "total_cents", "state", "told", "due_on")
    may = [one for one in (PEO, *client_names()) if request.access.may(Permission.FINANCE, one)]
    found = Invoice.objects.filter(client_id__in=may).order_by("-month", "-pk").values(*columns)[:LAST]
    names = client_names()
    rows = [
        {
            **{name: row[name] for name in columns if name not in ("client_id", "told")},
            "client": names.get(row["client_id"], ""),
            "difference_cents": _difference(row["told"]),
        }
        for row in found
    ]
    table = sheet(
        request,
        pl.DataFrame(rows, schema=_LISTED),
        (
            Column("number", _("Invoice"), href=lambda row: address("invoice", number=row["pk"])),
            Column("carrier", _("Carrier")),
            Column("client", _("For")),
            Column("month", _("Month billed"), kind="day"),
            Column("total_cents", _("Total due"), kind="money"),
            Column("difference_cents", _("Differs by"), kind="money"),
            Column("due_on", _("To be paid by"), kind="day"),
            Column("state", _("State"), kind="status", words=STATES),
        ),
        name="invoices",
        caption=_("Invoices"),
        empty=_("No invoice was loaded yet. Load the first one."),
    )
    if (file := table.export()) is not None:
        return file
    return show(request, "workbench/reconcile/invoices.html", title=_("Carrier invoices"), invoices=table)


_LISTED = {
    "pk": pl.Int64,
    "carrier": pl.String,
    "number": pl.String,
    "month": pl.Date,
    "total_cents": pl.Int64,
    "state": pl.String,
    "due_on": pl.Date,
    "client": pl.String,
    "difference_cents": pl.Int64,
}


def _difference(told: dict[str, Any]) -> int | None:
    return told["invoiced_cents"] - told["expected_cents"] if told else None


@page("invoices/load", name="load_invoice", title=_("Load an invoice"), permission=Permission.FINANCE)
def load(request: Any) -> HttpResponse:
    """Take an invoice in."""
    allowed = [
        (str(pk), str(name))
        for pk, name in client_names().items()
        if request.access.may(Permission.FINANCE, pk)
    ]
    status, form = 200, LoadForm(allowed, initial={"month": clock.today().replace(day=1)})
    if request.method == "POST":
        form, status = LoadForm(allowed, request.POST, request.FILES), 422
        if form.is_valid():
            made = _load(request, form)
            if made is not None:
                return redirect(address("invoice", number=made.pk))
    known = sorted(set(CarrierTerms.objects.values_list("carrier", flat=True)))
    return show(
        request,
        "workbench/reconcile/load.html",
        title=_("Load an invoice"),
        crumbs=crumbs(),
        status=status,
        form=form,
        known=known,
    )


def _load(request: Any, form: LoadForm) -> Invoice | None:
    said = form.cleaned_data
    client_id = int(said["client"])
    request.access.require(Permission.FINANCE, client_id)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(said["file"].name).name
        path.touch(mode=0o600)
        path.write_bytes(said["file"].read())
        order = InvoiceOrder(
            client_id=client_id,
            carrier=said["carrier"].strip(),
            number=said["number"].strip(),
            kind=said["kind"],
            month=said["month"],
            statement_on=said["statement_on"],
            cutoff_on=said["cutoff_on"],
            due_on=said["due_on"],
            path=path,
            previous_cents=_cents(said["previous"]) or 0,
            payments_cents=_cents(said["payments"]) or 0,
            current_cents=_cents(said["current"]),
            adjustment_cents=_cents(said["adjustments"]),
            total_cents=_cents(said["total"]),
        )
        try:
            made = loading.load(connection, order, author=request.user.username, now=clock.now())
        except (FileRefused, X12Refused, InvoiceRefused) as refused:
            form.add_error("file", str(refused))
            return None
    noted_of(request, "did", "load an invoice", made)
    return made


def _cents(amount: Any) -> int | None:
    return None if amount is None else int(amount * 100)


@page("invoices/<int:number>/", name="invoice", title=_("Invoice"), permission=Permission.FINANCE)
def one(request: Any, number: int) -> HttpResponse:
    """Show an invoice: where it stands, its sums, differences by cause, the statement of each client."""
    found = invoice_of(request, number)
    everything = request.GET.get("all") == "1"
    rows = items.worklist(connection, clock.today(), invoice_id=found.pk, states=[] if everything else None)
    plans = plan_names(rows)
    causes = items.by_cause(rows)
    if code := request.GET.get("cause", ""):
        rows = rows.filter(code=code)
    table = sheet(
        request,
        named(rows, plans),
        item_columns(),
        name="differences",
        caption=_("Differences, by deadline and dollars"),
        empty=_("Nothing differs, or nothing is open any more."),
    )
    statement = _statement(request, found)
    for shown in (table, statement):
        if (file := shown.export()) is not None:
            noted_of(request, "saw", "differences of invoice", found)
            return file
    noted_of(request, "saw", "invoice", found)
    labels = loading.unmapped(connection, found).filter(pl.col("kind") != "subgroups").height
    return show(
        request,
        "workbench/reconcile/invoice.html",
        title=f"{found.carrier}: {found.number}",
        crumbs=crumbs(),
        invoice=found,
        told=found.told,
        state=STATES.get(found.state, found.state),
        cards=_cards(found),
        causes=_bars(found, causes),
        cents=_dollar_bars(found, causes),
        items=table,
        statement=statement,
        labels=labels,
        work=_work(found),
        steps=[(str(step), STEPS[step]) for step in NEXT[InvoiceState(found.state)] if found.results],
        disputable=disputes.disputable(connection, found, clock.today()).height,
        cause=code,
        everything=everything,
        payment=items.proposed_payment(found),
        kind=KINDS.get(Kind(found.kind), _("payment")),
        is_bill=found.kind == Kind.BILLING,
        **_progress(found),
    )


def _work(invoice: Invoice) -> ProcessRequest | None:
    asked_for = ProcessRequest.objects.filter(
        kind="reconcile", client_id=invoice.client_id, asked_for__invoice=invoice.pk
    )
    return asked_for.order_by("-pk").first()


def _progress(invoice: Invoice) -> dict[str, Any]:
    work = _work(invoice)
    return {"is_ended": work is None or work.state in ENDED, "work_kind": _("reconciliation of an invoice")}


def _cards(invoice: Invoice) -> list[dict[str, Any]]:
    told = invoice.told
    if not told:
        return []
    people = address("invoice_people", number=invoice.pk)
    return [
        {
            "count": told["lines"],
            "title": _("lines"),
            "meaning": _("as the carrier printed them"),
            "href": None,
        },
        {
            "count": told["matched"],
            "title": _("matched"),
            "meaning": _("lines whose person is known"),
            "href": None,
        },
        {
            "count": told["asked"],
            "title": _("to be asked about"),
            "meaning": _("is it who we think?"),
            "href": people,
        },
        {
            "count": told["unmatched"],
            "title": _("nobody's"),
            "meaning": _("lines of nobody we know"),
            "href": people,
        },
    ]


def _bars(invoice: Invoice, causes: pl.DataFrame) -> Any:
    here = address("invoice", number=invoice.pk)
    values = [
        Bar(
            row["title"],
            row["items"],
            href=f"{here}?cause={row['code']}",
            tone="bad" if row["grave"] == "H" else "waiting",
        )
        for row in causes.sort("items", descending=True).iter_rows(named=True)
    ]
    return bars(values, caption=_("How many, by cause")) if values else None


def _dollar_bars(invoice: Invoice, causes: pl.DataFrame) -> Any:
    here = address("invoice", number=invoice.pk)
    whole = causes.with_columns(dollars=(pl.col("over_cents") - pl.col("under_cents")) // 100)
    values = [
        Bar(row["title"], row["dollars"], href=f"{here}?cause={row['code']}")
        for row in whole.sort("dollars", descending=True).iter_rows(named=True)
    ]
    return bars(values, caption=_("Dollars that differ, by cause")) if values else None


def _statement(request: Any, invoice: Invoice) -> Any:
    fields = [field.column for field in PlanMonth._meta.concrete_fields]
    rows = pl.DataFrame(list(PlanMonth.objects.filter(invoice_id=invoice.pk).values(*fields)), schema=_SCHEMA)
    rows = named(rows, plan_names(rows)).sort("client", "plan")
    return sheet(
        request,
        rows,
        (
            Column("client", _("Client")),
            Column("plan", _("Plan")),
            Column("people_expected", _("People expected"), kind="number"),
            Column("people_invoiced", _("People billed"), kind="number"),
            Column("expected_cents", _("Expected"), kind="money"),
            Column("invoiced_cents", _("Billed"), kind="money"),
            Column("explained_cents", _("Explained"), kind="money"),
            Column("unexplained_cents", _("Unexplained"), kind="money"),
            Column("taken_cents", _("Taken from employees"), kind="money"),
            Column("owed_cents", _("Owed by employees"), kind="money"),
            Column("employer_cents", _("Employer's part"), kind="money"),
        ),
        name="statement",
        caption=_("Statement by client and plan"),
        empty=_("Reconcile the invoice first."),
    )


_SCHEMA: dict[str, Any] = {
    "client_id": pl.Int32,
    "invoice_id": pl.Int64,
    "plan_id": pl.Int32,
    "people_expected": pl.Int32,
    "people_invoiced": pl.Int32,
    **dict.fromkeys(
        (
            *("volume_cents", "expected_cents", "invoiced_cents", "explained_cents", "rounding_cents"),
            *("unexplained_cents", "owed_cents", "taken_cents", "employer_cents"),
        ),
        pl.Int64,
    ),
}


@page("invoices/<int:number>/run", name="run_invoice", title=_("Reconcile"), permission=Permission.FINANCE)
@require_POST
def run(request: Any, number: int) -> HttpResponse:
    """Ask the worker to compare the invoice; its progress is seen on its own page."""
    found = invoice_of(request, number)
    back = address("invoice", number=number)
    asked_for, said = {"invoice": found.pk}, f"reconcile invoice {found.pk}"
    if found.client_id == PEO:
        return asked_of_peo(request, "reconcile", asked_for, said=said, back=back)
    client = Client.objects.get(pk=found.client_id)
    return asked(request, client, "reconcile", asked_for, said=said, back=back)


@page("invoices/<int:number>/state", name="invoice_state", title=_("State"), permission=Permission.FINANCE)
@require_POST
def state(request: Any, number: int) -> HttpResponse:
    """Take an invoice a step further."""
    found = invoice_of(request, number)

    def do() -> None:
        try:
            step = InvoiceState(request.POST.get("state", ""))
        except ValueError:
            raise InvoiceRefused("expected a step the page offers, found none; choose one") from None
        items.advance(found, step)
        noted_of(request, "did", f"invoice {step}", found)

    return act(request, do, said=_("Done."), to=address("invoice", number=number))


@page(
    "invoices/<int:number>/take-back",
    name="invoice_back",
    title=_("Take back"),
    permission=Permission.FINANCE,
)
@require_POST
def take_back(request: Any, number: int) -> HttpResponse:
    """Forget an invoice loaded by mistake."""
    found = invoice_of(request, number)

    def do() -> None:
        noted_of(request, "did", "take back invoice", found)
        loading.take_back(connection, found)

    return act(request, do, said=_("Taken back."), to=address("invoices"))


@page(
    "invoices/<int:number>/dispute.<str:kind>",
    name="dispute",
    title=_("Dispute"),
    permission=Permission.FINANCE,
)
def dispute(request: Any, number: int, kind: str) -> HttpResponse:
    """Answer the letter, or the file, of what the carrier is to put right."""
    found = invoice_of(request, number)
    rows = disputes.disputable(connection, found, clock.today())
    noted_of(request, "saw", "dispute of invoice", found)
    if kind == "pdf":
        answer = HttpResponse(
            disputes.dispute_letter(found, rows, clock.now()), content_type="application/pdf"
        )
    else:
        kind = "csv"
        answer = HttpResponse(disputes.dispute_file(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="dispute-{found.pk}.{kind}"'
    return answer


@page(
    "invoices/<int:number>/sent", name="dispute_sent", title=_("Dispute sent"), permission=Permission.FINANCE
)
@require_POST
def sent(request: Any, number: int) -> HttpResponse:
    """Mark what the letter names as sent."""
    found = invoice_of(request, number)

    def do() -> None:
        rows = disputes.disputable(connection, found, clock.today())
        if rows.is_empty():
            raise InvoiceRefused("expected differences to dispute, found none; nothing was marked")
        disputes.mark_sent(rows["id"].to_list(), author=request.user.username, now=clock.now())
        noted_of(request, "did", "dispute invoice", found)

    return act(request, do, said=_("Marked as sent to the carrier."), to=address("invoice", number=number))
