"""Underwriting: which departments approve what, and what waits for their word."""

from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts.roles import Permission
from openbenefits.renewals import underwriting as desk
from openbenefits.renewals.codes import BatchType, VerdictStatus
from openbenefits.renewals.models import UnderwritingApproval, UnderwritingDefinition
from openbenefits.workbench.pages import Section, act, address, page, show
from openbenefits.workbench.renewals.parts import VERDICTS, did, hand_of
from openbenefits.workforce.models import Client

MOST = 500


class DefinitionForm(forms.Form):
    """A department that approves batches of a type."""

    department = forms.CharField(label=_("Department"), max_length=80)
    approval_type = forms.ChoiceField(label=_("Batches"), choices=[(str(one), str(one)) for one in BatchType])
    contract_type = forms.CharField(
        label=_("Contract type"), max_length=60, required=False, help_text=_("Blank: every one.")
    )
    holds_days = forms.IntegerField(
        label=_("Days an approval counts"), min_value=1, max_value=3650, initial=90
    )
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)


@page(
    "renewals/underwriting/",
    name="underwriting",
    title=_("Underwriting"),
    section=Section.RENEWALS,
    permission=Permission.SEE_HEALTH,
)
def listed(request: Any) -> HttpResponse:
    """List what waits for underwriting, and the departments that are asked."""
    may_define = request.access.may(Permission.SETUP, 0)
    form = DefinitionForm()
    status = 200
    if request.method == "POST":
        request.access.require(Permission.SETUP, 0)
        form = DefinitionForm(request.POST)
        if form.is_valid():
            return _define(request, form.cleaned_data)
        status = 422
    waiting = UnderwritingApproval.objects.filter(
        is_active=True, status__in=[VerdictStatus.PENDING, VerdictStatus.REPROCESS]
    ).select_related("batch")
    codes = dict(Client.objects.values_list("pk", "code"))
    mine = [
        (one, codes[one.client_id], VERDICTS[one.status])
        for one in waiting.order_by("pk")[:MOST]
        if one.client_id in codes and request.access.may(Permission.SEE_HEALTH, one.client_id)
    ]
    return show(
        request,
        "workbench/renewals/underwriting.html",
        title=_("Underwriting"),
        status=status,
        waiting=mine,
        definitions=UnderwritingDefinition.objects.order_by("department", "approval_type", "contract_type"),
        form=form if may_define else None,
        user_id=request.user.pk,
    )


def _define(request: Any, said: dict[str, Any]) -> HttpResponse:
    def do() -> None:
        given = {name: said[name] for name in ("holds_days", "is_active")}
        desk.define(
            said["department"],
            BatchType(said["approval_type"]),
            contract_type=said["contract_type"].strip(),
            **given,
        )
        did(request, "underwriting defined", 0)

    return act(request, do, said=_("Kept."), to=address("underwriting"))


@page(
    "renewals/underwriting/<int:number>",
    name="underwriting_decide",
    title=_("Decide"),
    permission=Permission.SEE_HEALTH,
)
@require_POST
def decide(request: Any, number: int) -> HttpResponse:
    """Approve or decline what another person submitted."""
    found = UnderwritingApproval.objects.filter(pk=number).select_related("definition").first()
    if found is None:
        raise Http404
    request.access.require(Permission.SEE_HEALTH, found.client_id)
    request.access.require(Permission.SETUP, found.client_id)
    verdict = desk.Verdict(
        is_approved=request.POST.get("verdict") == "approve",
        contingencies=request.POST.get("contingencies", "").strip()[:500],
    )

    def do() -> None:
        desk.decide(found, verdict, by=hand_of(request))
        did(request, "underwriting decided", found.client_id)

    return act(request, do, said=_("Decided."), to=address("underwriting"))
