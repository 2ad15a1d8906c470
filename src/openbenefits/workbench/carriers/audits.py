"""A carrier's full list beside our timeline: taken in, compared, each difference with its cause."""

from typing import Any

from django import forms
from django.db import connection
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.carriers.agreements.partners import PartnerRefused
from openbenefits.carriers.agreements.text import read_document
from openbenefits.carriers.auditing import services as auditing
from openbenefits.carriers.building.services import Feed
from openbenefits.carriers.models import Answer
from openbenefits.carriers.opening import read_mapping
from openbenefits.carriers.opening.mapping import Mapping, MappingRefused
from openbenefits.core.faults import message_of
from openbenefits.workbench.carriers.answers import MOST_BYTES, answer_sheet, feeds_for
from openbenefits.workbench.carriers.parts import clients_for, crumbs
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, address, is_refusal, page, show

KIND = "834"
MOST_CHARACTERS = 100_000


class AuditForm(forms.Form):
    """A full list of a carrier, and the day it is compared on."""

    feed = forms.ChoiceField(label=_("From"))
    file = forms.FileField(
        label=_("Full list"),
        help_text=_("A full 834, or the carrier's list by a mapping; at most 10 MB."),
    )
    on = forms.DateField(label=_("Compared on"), widget=DayInput())
    mapping = forms.CharField(
        label=_("Mapping (YAML)"),
        required=False,
        max_length=MOST_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "code"}),
        help_text=_("What the carrier's columns and codes mean; left empty, the agreement turned around."),
    )

    def __init__(self, feeds: list[tuple[str, str]], *parts: Any, **named: Any) -> None:
        """Offer the partners somebody may audit."""
        super().__init__(*parts, **named)
        self.fields["feed"].choices = feeds  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        """Refuse a file that is too large."""
        return of_size(self.cleaned_data["file"])

    def clean_mapping(self) -> Mapping | None:
        """Read the mapping, where there is one."""
        return mapping_of(self.cleaned_data["mapping"])


def of_size(file: Any) -> Any:
    """Answer a file handed in. Errors: ValidationError for one that is too large."""
    if file.size > MOST_BYTES:
        raise forms.ValidationError(_("Expected at most 10 MB, found more. Use `openbenefits carriers`."))
    return file


def mapping_of(text: str) -> Mapping | None:
    """Read a mapping somebody wrote; None for none. Errors: ValidationError says the place."""
    if not text.strip():
        return None
    try:
        return read_mapping(read_document(text))
    except (MappingRefused, PartnerRefused) as refused:
        raise forms.ValidationError(str(refused)) from None


@page(
    "carriers/audits/",
    name="carrier_audits",
    title=_("Audits of carriers"),
    section=Section.CARRIERS,
    permission=Permission.PROCESS,
)
def listed(request: Any) -> HttpResponse:
    """List audits, the latest first; compare another list."""
    feeds = feeds_for(request, Permission.PROCESS)
    form, status = AuditForm(feeds, initial={"on": clock.today()}), 200
    if request.method == "POST":
        form, status = AuditForm(feeds, request.POST, request.FILES), 422
        if form.is_valid():
            number = _audited(request, form)
            if number is not None:
                return redirect(address("carrier_answer", number=number))
    found = Answer.objects.filter(client_id__in=clients_for(request, Permission.SEE), kind=KIND)
    table = answer_sheet(request, found, _("No list was compared yet. Compare one."), _("Lists compared"))
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/carriers/audits.html",
        title=_("Audits of carriers"),
        crumbs=crumbs(),
        status=status,
        audits=table,
        form=form if feeds else None,
    )


def _audited(request: Any, form: AuditForm) -> int | None:
    """Compare a list; answer what it is kept as, or None where the form says what is wrong."""
    said = form.cleaned_data
    holder, _bar, code = said["feed"].partition("|")
    request.access.require(Permission.PROCESS, int(holder))
    try:
        found = auditing.audit(
            connection,
            Feed(client_id=int(holder), code=code),
            said["file"].read(),
            on=said["on"],
            now=clock.now(),
            author=request.user.username,
            file_name=said["file"].name,
            mapping=said["mapping"],
        )
    except (ValueError, LookupError) as fault:
        if not is_refusal(fault):
            raise
        form.add_error("file", message_of(fault))
        return None
    noted(request, "did", f"audit of partner {code}", int(holder))
    return found.answer_id
