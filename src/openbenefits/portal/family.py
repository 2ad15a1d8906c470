"""Dependents and people who may receive: seen, added, changed."""

from django.contrib import messages
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbenefits.choosing.household import (
    SecondPartner,
    add_person,
    change_person,
    household_of,
    partner_of,
)
from openbenefits.choosing.receivers import receiving_of
from openbenefits.enrollment.providers import seats_on
from openbenefits.portal.forms import PersonForm
from openbenefits.portal.pages import Me, page, posted, shown
from openbenefits.workforce.services import FactRefused


@page("family")
def people(request: HttpRequest, me: Me) -> HttpResponse:
    """Show who is on file, who of them is covered where, and who is to receive."""
    everybody = household_of(connection, me.client_id, me.person_id, on=me.today)
    told = {
        "present": [one for one in everybody if not one.is_former],
        "former": [one for one in everybody if one.is_former],
        "seats": seats_on(connection, me.client_id, me.person_id, on=me.today),
        "receiving": receiving_of(connection, me.client_id, me.person_id, on=me.today),
    }
    return shown(request, me, "family.html", told)


@page("add a person")
def add(request: HttpRequest, me: Me) -> HttpResponse:
    """Add a dependent, or somebody who may receive."""
    form = PersonForm(posted(request), today=me.today, initial={"since": me.today})
    if request.method == "POST" and form.is_valid() and _added(me, form):
        me.did("portal: person added")
        messages.success(
            request, _("Added. To cover this person, report what happened, or choose in your enrolment.")
        )
        return redirect("portal:family")
    form.tie()
    status = 422 if request.method == "POST" else 200
    return shown(request, me, "person.html", {"form": form, "relative": None}, status=status)


def _added(me: Me, form: PersonForm) -> bool:
    told = form.cleaned_data
    on = min(told["since"], me.today)
    try:
        with transaction.atomic():
            partner = partner_of(household_of(connection, me.client_id, me.person_id, on=on))
            if told["ends_first"] and partner is not None:
                change_person(me.client_id, partner, {"is_former": True}, on=on, by=me.by())
            add_person(connection, me.client_id, me.person_id, form.person(), on=on, by=me.by())
    except SecondPartner:
        form.add_error("ends_first", _("You have a spouse or partner on file. Tick this if that has ended."))
        return False
    except FactRefused:
        form.add_error(None, _("This cannot be recorded so. Check the day and the names."))
        return False
    return True


@page("change a person")
def change(request: HttpRequest, me: Me, number: int) -> HttpResponse:
    """Correct the names, the birth date or the sex of a person on file."""
    everybody = household_of(connection, me.client_id, me.person_id, on=me.today)
    relative = next((one for one in everybody if one.number == number), None)
    if relative is None:
        raise Http404
    known = {name: getattr(relative, name) for name in ("first_name", "last_name", "birth_on", "sex")}
    form = PersonForm(posted(request), today=me.today, is_new=False, initial=known)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        changes = {name: told[name] or None for name in known if (told[name] or None) != known[name]}
        try:
            if changes:
                change_person(me.client_id, relative, changes, on=me.today, by=me.by())
                me.did("portal: person changed")
            messages.success(request, _("Saved."))
            return redirect("portal:family")
        except FactRefused:
            form.add_error(None, _("This cannot be recorded so. Check the day and the names."))
    form.tie()
    status = 422 if request.method == "POST" else 200
    return shown(request, me, "person.html", {"form": form, "relative": relative}, status=status)
