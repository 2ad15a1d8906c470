"""Which doctor or dentist each member of somebody's plans names, entered for him."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.enrollment.providers import (
    EMPLOYEE,
    LONGEST,
    Provider,
    ProviderRefused,
    Seat,
    name_provider,
    seats_on,
)
from openbenefits.workbench.pages import client_of, page
from openbenefits.workbench.person.about import author_of, somebody
from openbenefits.workbench.person.forms import day_field
from openbenefits.workbench.person.several import several_forms

SAID: Mapping[str, bool | None] = {"": None, "yes": True, "no": False}


class ProviderForm(forms.Form):
    """Whom one member names, from a day on; an empty number: nobody any more."""

    provider_id = forms.CharField(
        label=gettext_lazy("Number"),
        max_length=30,
        required=False,
        help_text=gettext_lazy("NPI of ten digits, or the carrier's own; empty: nobody any more."),
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST, required=False)
    is_patient = forms.ChoiceField(
        label=gettext_lazy("Already a patient"),
        required=False,
        choices=[("", gettext_lazy("not said")), ("yes", gettext_lazy("yes")), ("no", gettext_lazy("no"))],
    )
    begins_on = day_field(label=gettext_lazy("From"))

    def __init__(self, seat: Seat, data: Any = None) -> None:
        """Fill in what stands."""
        self.seat = seat
        known = seat.provider or Provider(provider_id="")
        told = {True: "yes", False: "no", None: ""}[known.is_patient]
        super().__init__(
            data,
            prefix=f"{seat.benefit_record}-{seat.plan_type}-{seat.number}",
            initial={
                "provider_id": known.provider_id,
                "name": known.name,
                "is_patient": told,
                "begins_on": clock.today(),
            },
        )

    @property
    def whose(self) -> str:
        """The member, as the office knows members."""
        if self.seat.number == EMPLOYEE:
            return str(_("employee"))
        return str(_("dependent %(number)s") % {"number": self.seat.number})

    def provider(self) -> Provider | None:
        """Answer what was typed."""
        told = self.cleaned_data
        if not told["provider_id"]:
            return None
        return Provider(
            provider_id=told["provider_id"], name=told["name"], is_patient=SAID[told["is_patient"]]
        )


@page(
    "<client:client>/people/<number:number>/providers/",
    name="providers",
    title=gettext_lazy("Providers"),
    permission=Permission.ELECT,
)
def providers(request: Any, client: str, number: str) -> HttpResponse:
    """Show which doctor or dentist each member names, and enter another."""
    found = client_of(request, client)
    person = somebody(found, number)
    seats = seats_on(connection, found.pk, person.pk, on=clock.today())
    return several_forms(
        request,
        found,
        person,
        [ProviderForm(seat) for seat in seats],
        bind=lambda place: ProviderForm(seats[place], request.POST),
        do=lambda form: _named(request, person, form),
        template="workbench/person/providers.html",
        title=_("Providers of %(number)s") % {"number": number},
        names=("providers", "provider named"),
    )


def _named(request: Any, person: Any, form: ProviderForm) -> bool:
    try:
        return name_provider(
            connection,
            person.client_id,
            person.pk,
            form.seat,
            form.provider(),
            on=form.cleaned_data["begins_on"],
            author=author_of(request),
            now=clock.now(),
        )
    except ProviderRefused as refused:
        form.add_error("provider_id", str(refused))
        return False
