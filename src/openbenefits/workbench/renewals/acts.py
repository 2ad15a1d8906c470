"""What is done with a batch from its page: each a form, each written down."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.core.faults import message_of
from openbenefits.renewals import approving, jobs, reminding, renewing, setting_up, underwriting
from openbenefits.renewals.approving import Signature
from openbenefits.renewals.batches import apply_group, change_batch
from openbenefits.renewals.codes import BatchStatus
from openbenefits.renewals.models import Batch, PlanGroup
from openbenefits.renewals.moves import BATCH
from openbenefits.renewals.statuses import RenewalRefused, move
from openbenefits.renewals.weighing import prefill_counts
from openbenefits.renewals.workbook import workbook_of
from openbenefits.renewals.workbook_reading import read_back
from openbenefits.workbench.pages import act, address, client_of, page
from openbenefits.workbench.renewals.batches import (
    WHERE,
    BackForm,
    DetailsForm,
    SignForm,
    parents_of,
    shown_again,
)
from openbenefits.workbench.renewals.parts import batch_of, did, hand_of
from openbenefits.workforce.models import Client


def _back(client: str, number: int) -> str:
    return address("renewal_batch", client=client, number=number)


@page(f"{WHERE}change", name="renewal_change", title=_("Change"), permission=Permission.SETUP)
@require_POST
def change(request: Any, client: str, number: int) -> HttpResponse:
    """Change what a batch says about itself."""
    found = client_of(request, client)
    batch = batch_of(found, number)
    form = DetailsForm(found, request.POST)
    if not form.is_valid():
        return shown_again(request, found, batch, status=422, details=form)
    given = dict(form.cleaned_data)
    given["parent_client_id"] = given.pop("parent")

    def do() -> None:
        change_batch(batch, **given)
        did(request, "batch changed", found.pk)

    return act(request, do, said=_("Changed."), to=_back(client, number))


@page(f"{WHERE}move", name="renewal_move", title=_("Status"), permission=Permission.SETUP)
@require_POST
def moved(request: Any, client: str, number: int) -> HttpResponse:
    """Take a batch to another status; before the client it goes by mail, too."""
    found = client_of(request, client)
    batch = batch_of(found, number)
    to = request.POST.get("to", "")

    def do() -> None:
        if to in (BatchStatus.APPROVED, BatchStatus.ACTIVE):
            raise RenewalRefused(
                f"batch {batch.pk}: expected a signature, or its day, found a status set by hand;"
                " sign it below, or let the jobs activate it"
            )
        by = hand_of(request)
        move(BATCH, batch, to, author=by.name, now=by.now, reason=request.POST.get("reason", ""))
        did(request, f"batch moved to {to}", found.pk)
        if to == BatchStatus.REVIEW:
            reminding.tell_contact(batch, workbook=workbook_of(connection, batch, for_client=True))

    return act(request, do, said=_("Moved."), to=_back(client, number))


ACTS = {
    "count": _("Counted from who is covered today."),
    "submit": _("Underwriting is asked."),
    "draft": _("The draft of set-up is made: finish it there."),
    "force": _("Set-up is in force, with its open enrolment and reminders."),
    "activate": _("Active."),
    "renew": _("The batch of the year after is begun."),
    "renew anyway": _("The batch of the year after is begun, without the plans nobody renewed."),
    "group": _("The plans of the group are in the batch."),
    "clone": _("The parent's plans are in the batch."),
    "withdraw": _("The signature is taken back."),
}


def _count(request: Any, batch: Batch) -> None:
    for doubt in prefill_counts(connection, batch, clock.today()).doubts():
        messages.warning(request, doubt)


def _submit(request: Any, batch: Batch) -> None:
    underwriting.submit(batch, by=hand_of(request))


def _draft(request: Any, batch: Batch) -> None:
    setting_up.draft_of(connection, batch, by=hand_of(request))


def _force(request: Any, batch: Batch) -> None:
    if not setting_up.adopt(batch):
        reason = request.POST.get("reason", "")
        setting_up.put_into_force(connection, batch, by=hand_of(request), reason=reason)


def _activate(request: Any, batch: Batch) -> None:
    if batch.effective_on > clock.today():
        raise RenewalRefused(
            f"batch {batch.pk}: expected its day {batch.effective_on} or later, found {clock.today()};"
            " wait for it"
        )
    jobs.activate(batch, by=hand_of(request))


def _renew(request: Any, batch: Batch) -> str:
    leaves_out = request.POST.get("act") == "renew anyway"
    made = renewing.renew_batch(batch, by=hand_of(request), leaves_out=leaves_out)
    code = Client.objects.values_list("code", flat=True).get(pk=batch.client_id)
    return _back(code, made.batch.pk)


def _group(request: Any, batch: Batch) -> None:
    asked = request.POST.get("group", "")
    group = PlanGroup.objects.filter(pk=int(asked)).first() if asked.isdigit() else None
    if group is None:
        raise RenewalRefused("expected a plan group, found none; choose one")
    apply_group(
        batch, group, by=hand_of(request), benefit_group=request.POST.get("benefit_group", "").strip()
    )


def _clone(request: Any, batch: Batch) -> None:
    parents = [one for one in parents_of(batch) if str(one.pk) == request.POST.get("parent")]
    if not parents:
        raise RenewalRefused("expected a batch of the parent company of the same day, found none; begin it")
    renewing.clone_to_child(parents[0], batch, by=hand_of(request))


def _withdraw(request: Any, batch: Batch) -> None:
    approving.withdraw(batch, by=hand_of(request), reason=request.POST.get("reason", ""))


STEPS: dict[str, Callable[[Any, Batch], str | None]] = {
    "count": _count,
    "submit": _submit,
    "draft": _draft,
    "force": _force,
    "activate": _activate,
    "renew": _renew,
    "renew anyway": _renew,
    "group": _group,
    "clone": _clone,
    "withdraw": _withdraw,
}
"""The steps of a batch by name; each answers where its result is seen, if elsewhere."""


@page(f"{WHERE}act", name="renewal_act", title=_("Act"), permission=Permission.SETUP)
@require_POST
def acted(request: Any, client: str, number: int) -> HttpResponse:
    """Do one of the steps of a batch."""
    found = client_of(request, client)
    batch = batch_of(found, number)
    name = request.POST.get("act", "")
    if name not in ACTS:
        raise Http404
    leads: list[str] = []

    def do() -> None:
        leads.append(STEPS[name](request, batch) or _back(client, number))
        did(request, f"batch: {name}", found.pk, request.POST.get("reason", ""))

    answer = act(request, do, said=ACTS[name], to=_back(client, number))
    return redirect(leads[0]) if leads else answer


@page(f"{WHERE}sign", name="renewal_sign", title=_("Sign"), permission=Permission.SETUP)
@require_POST
def signed(request: Any, client: str, number: int) -> HttpResponse:
    """Write down a signature for the client's contact, who gave it otherwise."""
    found = client_of(request, client)
    batch = batch_of(found, number)
    form = SignForm(request.POST)
    if not form.is_valid():
        return shown_again(request, found, batch, status=422, sign_form=form)

    def do() -> None:
        approving.sign(connection, batch, Signature(**form.cleaned_data), by=hand_of(request))
        did(request, "batch signed for the client", found.pk)

    return act(request, do, said=_("The signature is written down."), to=_back(client, number))


@page(f"{WHERE}workbook", name="renewal_workbook_back", title=_("Workbook"), permission=Permission.SETUP)
@require_POST
def workbook_back(request: Any, client: str, number: int) -> HttpResponse:
    """Take the numbers of people from a workbook; what is wrong is named row by row."""
    found = client_of(request, client)
    batch = batch_of(found, number)
    form = BackForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            taken = read_back(batch, file.name, file.read())
        except RenewalRefused as refused:
            form.add_error("file", message_of(refused))
        else:
            for fault in taken.faults[:20]:
                form.add_error("file", fault.sentence())
            if not taken.faults:
                did(request, "workbook read back", found.pk)
                said = _("%(count)s numbers are changed.") % {"count": taken.changed}
                return act(request, lambda: None, said=said, to=_back(client, number))
    return shown_again(request, found, batch, status=422, back_form=form)
