"""What a carrier prints, said in our words: labels of plans, tiers, subgroups; who people are."""

from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.masks import shown_birth_date
from openbenefits.accounts.roles import Permission
from openbenefits.programs.frames import load_setup
from openbenefits.reconcile import loading, matching
from openbenefits.reconcile.expected import plans_of
from openbenefits.reconcile.loading import InvoiceRefused
from openbenefits.reconcile.models import Invoice
from openbenefits.reconcile.rules.matching import STEPS
from openbenefits.reconcile.terms import terms_of
from openbenefits.workbench.pages import act, address, page, show
from openbenefits.workbench.reconcile.parts import client_names, crumbs, invoice_of, noted_of
from openbenefits.workforce.models import Person

KINDS = {"plans": _("Plans"), "tiers": _("Coverage tiers"), "subgroups": _("Subgroups")}
MOST_ASKED = 50
NOBODY = "nobody"


@page(
    "invoices/<int:number>/labels",
    name="invoice_labels",
    title=_("What the labels mean"),
    permission=Permission.FINANCE,
)
def labels(request: Any, number: int) -> HttpResponse:
    """Show the labels nobody has said the meaning of, and take their meaning."""
    found = invoice_of(request, number)
    if request.method == "POST":
        return _map(request, found)
    rows = loading.unmapped(connection, found)
    choices = _choices(found)
    groups = [
        (kind, title, rows.filter(kind=kind).to_dicts(), choices[kind])
        for kind, title in KINDS.items()
        if rows.filter(kind=kind).height
    ]
    return show(
        request,
        "workbench/reconcile/labels.html",
        title=_("What the labels mean"),
        crumbs=crumbs(found),
        invoice=found,
        groups=groups,
    )


def _choices(invoice: Invoice) -> dict[str, list[tuple[str, str]]]:
    """Answer the codes labels may stand for, with their names."""
    terms = terms_of(invoice.carrier)
    clients = [invoice.client_id] if invoice.client_id else matching.clients_of(invoice)
    plans = plans_of(connection, clients, terms.carriers)
    tiers = load_setup(connection, clients)["coverage_code"].unique("code").sort("code")
    codes = [name for pk, name in client_names().items() if pk]
    return {
        "plans": [(code, f"{name} ({code})") for code, name in plans.select("plan", "plan_name").iter_rows()],
        "tiers": [(code, f"{name} ({code})") for code, name in tiers.select("code", "name").iter_rows()],
        "subgroups": [(code, code) for code in codes],
    }


def _map(request: Any, invoice: Invoice) -> HttpResponse:
    posted = zip(
        request.POST.getlist("kind"),
        request.POST.getlist("label"),
        request.POST.getlist("code"),
        strict=False,
    )
    said: dict[str, dict[str, str]] = {}
    for kind, label, code in posted:
        if kind in KINDS and code:
            said.setdefault(kind, {})[label] = code

    def do() -> None:
        if not said:
            raise InvoiceRefused("expected a meaning of at least one label, found none; choose one")
        loading.map_labels(connection, invoice, said, author=request.user.username, now=clock.now())
        noted_of(request, "did", "map labels of invoice", invoice)

    done = _("Remembered for this carrier.")
    return act(request, do, said=done, to=address("invoice_labels", number=invoice.pk))


@page(
    "invoices/<int:number>/people",
    name="invoice_people",
    title=_("Who is it?"),
    permission=Permission.FINANCE,
)
def people(request: Any, number: int) -> HttpResponse:
    """Show whom lines may be about, beside whom we know, and take the answers."""
    found = invoice_of(request, number)
    words = {name: text for name, (_confidence, text) in STEPS.items()}
    asked = matching.asked_about(connection, found)
    lost = matching.asked_about(connection, found, "unmatched")

    def shown(row: dict[str, Any]) -> dict[str, Any]:
        return row | {
            "born": shown_birth_date(request.access, row["client_id"], row["birth_on"]),
            "our_born": shown_birth_date(request.access, row["client_id"], row["our_birth_on"]),
            "why": words.get(row["step"], ""),
        }

    noted_of(request, "saw", "people asked about on invoice", found)
    return show(
        request,
        "workbench/reconcile/people.html",
        title=_("Who is it?"),
        crumbs=crumbs(found),
        invoice=found,
        asked=[shown(row) for row in asked.head(MOST_ASKED).iter_rows(named=True)],
        asked_more=max(0, asked.height - MOST_ASKED),
        lost=[shown(row) for row in lost.head(MOST_ASKED).iter_rows(named=True)],
        lost_more=max(0, lost.height - MOST_ASKED),
        nobody=NOBODY,
    )


@page(
    "invoices/<int:number>/confirm",
    name="confirm_person",
    title=_("Confirm"),
    permission=Permission.FINANCE,
)
@require_POST
def confirm(request: Any, number: int) -> HttpResponse:
    """Write down who somebody on the invoice is, or that it is nobody of ours."""
    found = invoice_of(request, number)
    identity, who = request.POST.get("identity", ""), request.POST.get("who", "").strip()

    def do() -> None:
        person_id = None if who == NOBODY else _person(found, who)
        matching.confirm(
            connection, found, {identity: person_id}, author=request.user.username, now=clock.now()
        )
        noted_of(request, "did", "confirm a person of invoice", found)

    done = _("Remembered: the next invoice knows it, too. Reconcile again to see what it changes.")
    return act(request, do, said=done, to=address("invoice_people", number=number))


def _person(invoice: Invoice, number: str) -> int:
    people_ = Person.objects.filter(client_id__in=matching.clients_of(invoice), employee_number=number)
    ids = list(people_.values_list("pk", flat=True)[:2])
    if len(ids) != 1:
        raise InvoiceRefused(
            "expected the employee number of one person of this invoice's clients, found"
            f" {'several' if ids else 'none'}; correct the number"
        )
    return ids[0]
