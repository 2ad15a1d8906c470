"""What is offered to a client, for the contact who reviews and signs for it: no employee, and no staff."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import connection, transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import EVERY_CLIENT, Access, NotAllowed, note
from openbenefits.core.faults import message_of
from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals import approving
from openbenefits.renewals.approving import Signature, document_of
from openbenefits.renewals.batches import is_open_to_client
from openbenefits.renewals.codes import OfferStatus
from openbenefits.renewals.comparing import approval_of, comparison_of
from openbenefits.renewals.models import Batch
from openbenefits.renewals.presenting import VISIBLE, BatchShown, batches_for_client, shown
from openbenefits.renewals.statuses import RenewalRefused
from openbenefits.renewals.workbook import workbook_of
from openbenefits.workforce.models import Client

View = Callable[..., HttpResponse]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def signs_only(access: Access) -> bool:
    """Whether somebody is here to choose and sign for a client, and for nothing else."""
    allowed = frozenset().union(*access.permissions.values()) if access.permissions else frozenset()
    return access.person_id is None and allowed == {Permission.OFFERS}


def contact_page(name: str) -> Callable[[View], View]:
    """Make a view a page of contacts: of a batch of a client he signs for, in the audit trail as `name`."""

    def decorate(view: View) -> View:
        @never_cache
        @login_required
        @wraps(view)
        def answer(request: Any, batch: int, **path: Any) -> HttpResponse:
            found = _batch_of(request, batch)
            kind = "did" if request.method == "POST" else "saw"
            note(request.access, kind, f"portal: {name}", client_id=found.client_id, now=clock.now())
            return view(request, found, **path)

        return answer

    return decorate


def _batch_of(request: Any, number: int) -> Batch:
    """Find a batch that is before the client, and is his to see.

    Errors: Http404; NotAllowed.
    """
    _refuse_others(request)
    found = Batch.objects.filter(pk=number, status__in=VISIBLE).first()
    if found is None or not request.access.may(Permission.OFFERS, found.client_id):
        raise Http404
    return found


def _refuse_others(request: Any) -> None:
    access: Access = request.access
    if access.person_id is not None or not any(
        Permission.OFFERS in allowed for allowed in access.permissions.values()
    ):
        raise NotAllowed("expected the client's contact for offers, found another; ask for that role")


@never_cache
@login_required
def listed(request: Any) -> HttpResponse:
    """List what is offered to the clients somebody signs for."""
    _refuse_others(request)
    allowed = request.access.permissions
    mine = [one for one, may in allowed.items() if Permission.OFFERS in may]
    every = EVERY_CLIENT in mine
    rows = batches_for_client(None if every else mine)
    names = dict(Client.objects.filter(pk__in={one.client_id for one in rows}).values_list("pk", "name"))
    told = [{"batch": one, "client": names.get(one.client_id, "")} for one in rows]
    return render(request, "portal/offers.html", {"offers": told})


@contact_page("an offer")
def offer(request: Any, batch: Batch) -> HttpResponse:
    """Show an offer: now against the renewal, in all, by plan, by person and pay; choose, and sign."""
    return _shown(request, batch)


def _shown(
    request: Any, batch: Batch, *, error: str = "", typed: dict[str, str] | None = None
) -> HttpResponse:
    told = shown(connection, batch)
    client = Client.objects.get(pk=batch.client_id)
    undecided = sum(one.row["status"] == OfferStatus.NEW for one in told.plans)
    context = {
        "told": told,
        "batch": batch,
        "client": client,
        "bars": _bars(told),
        "may_choose": is_open_to_client(batch),
        "may_sign": batch.status in approving.SIGNABLE and _is_contact(request, batch),
        "undecided": undecided,
        "error": error,
        "typed": typed or {},
    }
    return render(request, "portal/offer.html", context, status=422 if error else 200)


def _is_contact(request: Any, batch: Batch) -> bool:
    """Whether somebody is the one who signs: the contact the batch names, or any where it names none."""
    return batch.contact_id is None or batch.contact_id == request.user.pk


def _bars(told: BatchShown) -> list[dict[str, Any]]:
    """Each plan's premium now and after, drawn to one scale."""
    longest = max((one.amounts["premium"].is_now or 0 for one in told.plans), default=0)
    longest = max([longest, *(one.amounts["premium"].was or 0 for one in told.plans)])
    return [
        {
            "plan": one,
            "was": 100 * (one.amounts["premium"].was or 0) // longest if longest else 0,
            "is": 100 * (one.amounts["premium"].is_now or 0) // longest if longest else 0,
        }
        for one in told.plans
    ]


def _by(request: Any) -> Hand:
    return Hand(name=request.user.get_username(), user_id=request.user.pk, now=clock.now())


@require_POST
@contact_page("choice of offers")
def choose(request: Any, batch: Batch) -> HttpResponse:
    """Take in which plans are chosen and which turned down."""
    if not is_open_to_client(batch):
        return _shown(request, batch, error=_("The choices of this offer are closed. Ask your specialist."))
    wanted = {"select": True, "reject": False}
    try:
        with transaction.atomic():
            for one in batch.offers.select_related("batch"):
                said = request.POST.get(f"offer-{one.pk}", "")
                if said in wanted:
                    approving.choose(one, is_selected=wanted[said], by=_by(request), reason="portal")
    except RenewalRefused as fault:
        return _shown(request, batch, error=message_of(fault))
    messages.success(request, _("Your choices are kept."))
    return redirect("portal:offer", batch=batch.pk)


@require_POST
@contact_page("signature of an offer")
def sign(request: Any, batch: Batch) -> HttpResponse:
    """Sign an offer with one's typed name."""
    typed = {name: request.POST.get(name, "").strip() for name in ("name", "title", "agreed")}
    if not _is_contact(request, batch):
        return _shown(request, batch, error=_("Another contact signs this offer. Ask your specialist."))
    if not typed["agreed"]:
        wrong = _("Tick that you may sign for your company.")
        return _shown(request, batch, error=wrong, typed=typed)
    try:
        with transaction.atomic():
            signature = Signature(name=typed["name"][:200], title=typed["title"][:200])
            approving.sign(connection, batch, signature, by=_by(request))
    except RenewalRefused as fault:
        batch.refresh_from_db()
        return _shown(request, batch, error=message_of(fault), typed=typed)
    messages.success(request, _("Signed. Thank you: your specialist takes it from here."))
    return redirect("portal:offer", batch=batch.pk)


@contact_page("document of an offer")
def document(request: Any, batch: Batch) -> HttpResponse:
    """Give the offer as a PDF: as it was signed, or as it stands."""
    del request
    approval = approval_of(batch)
    pdf = bytes(approval.document) if approval else document_of(comparison_of(connection, batch), None)
    return _file(pdf, "application/pdf", f"offer-{batch.effective_on}.pdf")


@contact_page("workbook of an offer")
def workbook(request: Any, batch: Batch) -> HttpResponse:
    """Give the offer as a workbook with lines to sign on, without what it costs the PEO."""
    del request
    return _file(workbook_of(connection, batch, for_client=True), XLSX, f"offer-{batch.effective_on}.xlsx")


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
