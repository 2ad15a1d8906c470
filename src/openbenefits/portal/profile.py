"""The profile: name, address, contact and language; a move reported."""

from typing import Any

import polars as pl
from django.conf import settings
from django.contrib import messages
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbenefits.portal.forms import AddressForm
from openbenefits.portal.pages import Me, page, posted, shown
from openbenefits.workforce.frames import names_as_of
from openbenefits.workforce.models import Person
from openbenefits.workforce.services import FactRefused, move


@page("profile")
def profile(request: HttpRequest, me: Me) -> HttpResponse:
    """Show who one is on file, and take a new address."""
    known = _known(me)
    initial = {name: known.get(name) for name in ("line1", "city", "state", "postal_code")}
    form = AddressForm(posted(request), today=me.today, initial=initial | {"since": me.today})
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        address = {name: told[name] for name in ("line1", "city", "postal_code")}
        address |= {"state": told["state"].upper(), "country": "USA"}
        try:
            move(me.client_id, me.person_id, on=told["since"], address=address, made_by=me.author, now=me.now)
            me.did("portal: moved")
            messages.success(
                request, _("We have your new address. If it changes what you are offered, we will ask you.")
            )
            return redirect("portal:profile")
        except FactRefused:
            form.add_error(None, _("This cannot be recorded so. Check the day and the names."))
    form.tie()
    number = Person.objects.get(client_id=me.client_id, pk=me.person_id).employee_number
    told = {"known": known, "form": form, "number": number, "has_texts": settings.HAS_TEXTS}
    return shown(request, me, "profile.html", told, status=422 if request.method == "POST" else 200)


def _known(me: Me) -> dict[str, Any]:
    case = pl.DataFrame(
        {
            "case": [0],
            "client_id": [me.client_id],
            "person_id": [me.person_id],
            "benefit_record": [0],
            "as_of": [me.today],
        },
        schema={
            "case": pl.Int32,
            "client_id": pl.Int32,
            "person_id": pl.Int64,
            "benefit_record": pl.Int16,
            "as_of": pl.Date,
        },
    )
    return names_as_of(connection, case).row(0, named=True)
