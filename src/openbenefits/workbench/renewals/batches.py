"""One batch: where it stands, its offers now against renewal, what underwriting says, what comes next."""

from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.models import Role, User
from openbenefits.accounts.roles import Permission, RoleCode
from openbenefits.renewals import renewing
from openbenefits.renewals.approving import document_of
from openbenefits.renewals.codes import EDITABLE, BatchStatus
from openbenefits.renewals.comparing import approval_of, comparison_of
from openbenefits.renewals.models import Batch, PlanGroup
from openbenefits.renewals.moves import BATCH
from openbenefits.renewals.presenting import shown
from openbenefits.renewals.statuses import choices_of, history_of
from openbenefits.renewals.workbook import workbook_of
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import address, client_of, page, show
from openbenefits.workbench.renewals.parts import OFFER_STATUSES, STATUSES, VERDICTS, batch_of
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client

WHERE = "<client:client>/renewals/<int:number>/"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_BYTES = 10 * 2**20


class DetailsForm(forms.Form):
    """What a batch says about itself."""

    card_title = forms.CharField(label=_("Title"), max_length=120, required=False)
    eligibility = forms.CharField(label=_("Whom it is for"), max_length=200, required=False)
    enrollment_begins_on = forms.DateField(label=_("Open enrolment from"), widget=DayInput(), required=False)
    enrollment_ends_on = forms.DateField(label=_("Open enrolment to"), widget=DayInput(), required=False)
    default_rate_group = forms.CharField(label=_("Default rate group"), max_length=40, required=False)
    contract_type = forms.CharField(label=_("Contract type"), max_length=60, required=False)
    assigned_to = forms.CharField(label=_("Assigned to"), max_length=150, required=False)
    representative = forms.CharField(label=_("Benefit representative"), max_length=150, required=False)
    contact_id = forms.TypedChoiceField(
        label=_("Client's contact, who signs"), coerce=int, required=False, empty_value=None
    )
    parent = forms.CharField(label=_("Parent company (its code)"), max_length=40, required=False)
    notes = forms.CharField(
        label=_("Notes"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, client: Client, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        rows = Role.objects.filter(client_id=client.pk, code=RoleCode.CONTACT, ended_at__isnull=True)
        users = rows.order_by("user__username").values_list("user_id", "user__username")
        self.fields["contact_id"].choices = [("", _("nobody yet")), *users]  # type: ignore[attr-defined]

    def clean_parent(self) -> int | None:
        """Find the parent company."""
        code = self.cleaned_data["parent"].strip()
        if not code:
            return None
        found = Client.objects.filter(code=code).values_list("pk", flat=True).first()
        if found is None:
            raise forms.ValidationError(_("Expected the code of a client, found none. Correct it."))
        return int(found)


class SignForm(forms.Form):
    """A signature written down for the contact."""

    name = forms.CharField(label=_("Who signed"), max_length=200)
    title = forms.CharField(label=_("Position"), max_length=200, required=False)
    on_behalf_of = forms.CharField(
        label=_("How it was signed"),
        max_length=300,
        help_text=_("On paper, by mail …; kept with the signature."),
    )


class BackForm(forms.Form):
    """A workbook that comes back."""

    file = forms.FileField(label=_("Workbook (XLSX)"))

    def clean_file(self) -> Any:
        """Refuse a file that is too large."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("Expected at most 10 MB, found more."))
        return file


def _details(client: Client, batch: Batch) -> DetailsForm:
    initial = {name: getattr(batch, name) for name in DetailsForm.base_fields if hasattr(batch, name)}
    parent = Client.objects.filter(pk=batch.parent_client_id).values_list("code", flat=True).first()
    return DetailsForm(client, initial=initial | {"parent": parent or ""})


@page(WHERE, name="renewal_batch", title=_("Batch"))
def one(request: Any, client: str, number: int) -> HttpResponse:
    """Show a batch with its offers, and what may be done with it."""
    found = client_of(request, client)
    return shown_again(request, found, batch_of(found, number))


def shown_again(
    request: Any, client: Client, batch: Batch, *, status: int = 200, **more: Any
) -> HttpResponse:
    """Show a batch, with a form that is to be corrected."""
    access = request.access
    may_act = access.may(Permission.SETUP, client.pk)
    told = shown(connection, batch)
    rows = _offer_rows(told)
    table = sheet(
        request,
        rows,
        _columns(client.code, batch, with_margin=may_act),
        name="offers",
        caption=_("Offered plans, a month"),
        empty=_("No plan is offered yet. Add one, or apply a plan group."),
    )
    if (file := table.export()) is not None:
        return file
    verdicts = list(batch.underwriting.filter(is_active=True).order_by("department"))
    return show(
        request,
        "workbench/renewals/batch.html",
        title=_("Batch %(number)s, from %(day)s") % {"number": batch.pk, "day": batch.effective_on},
        client=client,
        crumbs=[(_("Benefits batches"), address("renewals", client=client.code))],
        status=status,
        batch=batch,
        batch_status=STATUSES.get(batch.status, batch.status),
        told=told,
        offers=table,
        bars=_bars(told),
        next=[(one, STATUSES[one]) for one in choices_of(batch)] if may_act else [],
        steps=history_of(BATCH, batch),
        verdicts=[(one, VERDICTS.get(one.status, one.status)) for one in verdicts],
        sees_health=access.may(Permission.SEE_HEALTH, client.pk),
        may_act=may_act,
        may_edit=may_act and batch.status in EDITABLE,
        contact=User.objects.filter(pk=batch.contact_id).values_list("username", flat=True).first(),
        groups=PlanGroup.objects.filter(plan_year=batch.effective_on.year).order_by("name"),
        parents=parents_of(batch),
        is_renewable=batch.status in renewing.RENEWABLE and not batch.renewals.exists(),
        today=clock.today(),
        **{"details": _details(client, batch), "sign_form": SignForm(), "back_form": BackForm(), **more},
    )


def parents_of(batch: Batch) -> list[Batch]:
    """List the batches of the parent company that begin on the same day."""
    if batch.parent_client_id is None:
        return []
    rows = Batch.objects.filter(client_id=batch.parent_client_id, effective_on=batch.effective_on)
    return list(rows.exclude(status=BatchStatus.EXPIRED).order_by("pk"))


def _offer_rows(told: Any) -> pl.DataFrame:
    table = [
        {
            "number": one.offer_id,
            "category": str(one.category),
            "plan": one.row["plan_name"],
            "code": one.row["unique_code"],
            "group": one.row["benefit_group"] or "all",
            "rate_group": one.row["rate_group"] or "",
            "status": one.row["status"],
            "people": one.people,
            "was": one.amounts["premium"].was,
            "premium": one.amounts["premium"].is_now,
            "employer": one.amounts["employer"].is_now,
            "employee": one.amounts["employee"].is_now,
            "change": one.amounts["premium"].percent,
            "margin": one.amounts["margin"].is_now,
        }
        for one in told.plans
    ]
    money: dict[str, Any] = dict.fromkeys(("was", "premium", "employer", "employee", "margin"), pl.Int64)
    texts: dict[str, Any] = dict.fromkeys(
        ("category", "plan", "code", "group", "rate_group", "status", "change"), pl.String
    )
    return pl.DataFrame(table, schema_overrides={"number": pl.Int64, "people": pl.Int64} | money | texts)


def _columns(client: str, batch: Batch, *, with_margin: bool) -> tuple[Column, ...]:
    def where(row: Any) -> str:
        return address("renewal_offer", client=client, number=batch.pk, offer=row["number"])

    margin = (Column("margin", _("PEO's margin"), kind="money"),) if with_margin else ()
    return (
        Column("plan", _("Plan"), href=where),
        Column("category", _("Category")),
        Column("group", _("Benefit group")),
        Column("rate_group", _("Rate group")),
        Column("status", _("Status"), kind="status", words=OFFER_STATUSES),
        Column("people", _("People"), kind="number"),
        Column("was", _("Premium now"), kind="money"),
        Column("premium", _("Premium"), kind="money"),
        Column("change", _("Change")),
        Column("employer", _("Employer"), kind="money"),
        Column("employee", _("Employees"), kind="money"),
        *margin,
    )


def _bars(told: Any) -> Any:
    values = []
    for one in told.plans:
        amount = one.amounts["premium"]
        values.append(Bar(f"{one.row['plan_name']}: {_('now')}", (amount.was or 0) // 100, tone="waiting"))
        values.append(Bar(f"{one.row['plan_name']}: {_('renewal')}", (amount.is_now or 0) // 100))
    return bars(values, caption=_("Premium of each plan a month, in dollars"))


@page(f"{WHERE}offer.pdf", name="renewal_document", title=_("Document"))
def document(request: Any, client: str, number: int) -> HttpResponse:
    """Give a batch as a PDF: as it was signed, or as it stands."""
    batch = batch_of(client_of(request, client), number)
    approval = approval_of(batch)
    pdf = bytes(approval.document) if approval else document_of(comparison_of(connection, batch), None)
    return _file(pdf, "application/pdf", f"batch-{number}.pdf")


@page(f"{WHERE}workbook.xlsx", name="renewal_workbook", title=_("Workbook"))
def workbook(request: Any, client: str, number: int) -> HttpResponse:
    """Give the renewal workbook; the PEO's cost and margin only to whoever sees them."""
    found = client_of(request, client)
    is_theirs = not request.access.may(Permission.SETUP, found.pk)
    content = workbook_of(connection, batch_of(found, number), for_client=is_theirs)
    return _file(content, XLSX, f"renewal-{number}.xlsx")


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
