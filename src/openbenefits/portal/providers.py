"""Which doctor or dentist each member names, where a plan asks for one."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.choosing.household import household_of
from openbenefits.enrollment.providers import (
    EMPLOYEE,
    LONGEST,
    Provider,
    ProviderRefused,
    Seat,
    name_provider,
    seats_on,
)
from openbenefits.portal.fields import Tied
from openbenefits.portal.pages import Me, page, shown

YES_NO = (("", "–"), ("yes", gettext_lazy("yes")), ("no", gettext_lazy("no")))
SAID: Mapping[str, bool | None] = {"": None, "yes": True, "no": False}


class ProviderForm(Tied):
    """Whom one member names."""

    provider_id = forms.CharField(
        label=gettext_lazy("Number (NPI, ten digits, or the plan's own)"), max_length=30
    )
    name = forms.CharField(label=gettext_lazy("Name of the doctor or dentist"), max_length=LONGEST)
    is_patient = forms.ChoiceField(
        label=gettext_lazy("Already a patient there?"), choices=YES_NO, required=False
    )

    def __init__(self, seat: Seat, name: str, data: Any = None) -> None:
        self.seat, self.whose = seat, name
        known = seat.provider or Provider(provider_id="")
        told = {True: "yes", False: "no", None: ""}[known.is_patient]
        initial = {"provider_id": known.provider_id, "name": known.name, "is_patient": told}
        super().__init__(
            data, prefix=f"{seat.benefit_record}-{seat.plan_type}-{seat.number}", initial=initial
        )

    def provider(self) -> Provider:
        """Answer what was typed."""
        told = self.cleaned_data
        return Provider(
            provider_id=told["provider_id"], name=told["name"], is_patient=SAID[told["is_patient"]]
        )

    def tie(self) -> None:
        """Tie each error to its field, whose name has the member before it."""
        for name in self.errors:
            if name in self.fields:
                described = f"id_{self.add_prefix(name)}_error"
                self.fields[name].widget.attrs |= {"aria-invalid": "true", "aria-describedby": described}


@page("doctors and dentists")
def providers(request: HttpRequest, me: Me) -> HttpResponse:
    """Show whom each member names, and take another."""
    seats = seats_on(connection, me.client_id, me.person_id, on=me.today)
    names = {
        one.number: one.name for one in household_of(connection, me.client_id, me.person_id, on=me.today)
    }
    names[EMPLOYEE] = _("You")
    asked = [ProviderForm(seat, names.get(seat.number, "")) for seat in seats]
    if request.method == "POST":
        place = next((at for at, form in enumerate(asked) if form.prefix == request.POST.get("seat")), None)
        if place is None:
            raise Http404
        form = asked[place] = ProviderForm(seats[place], asked[place].whose, request.POST)
        if form.is_valid() and _named(request, me, form):
            return redirect("portal:providers")
        form.tie()
    status = 422 if request.method == "POST" else 200
    return shown(request, me, "providers.html", {"asked": asked}, status=status)


def _named(request: HttpRequest, me: Me, form: ProviderForm) -> bool:
    try:
        is_new = name_provider(
            connection,
            me.client_id,
            me.person_id,
            form.seat,
            form.provider(),
            on=me.today,
            author=me.author,
            now=me.now,
        )
    except ProviderRefused:
        form.add_error("provider_id", _("This number is no NPI and none of a plan. Look for a slip."))
        return False
    if is_new:
        me.did("portal: provider named")
    messages.success(request, _("Saved. It counts from today."))
    return True
