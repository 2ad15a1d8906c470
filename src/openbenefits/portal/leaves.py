"""What goes on of an account that ended during one's leave without pay."""

from datetime import date

from django import forms
from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from openbenefits.choosing.resuming import choose_resumption, resuming_of
from openbenefits.core.codes import Resumption
from openbenefits.payroll.leaves import LeaveRefused
from openbenefits.portal.fields import Tied
from openbenefits.portal.pages import Me, page, posted, shown
from openbenefits.repair.services import RepairRefused
from openbenefits.workforce.recording import PeopleBusy

WAYS = {
    Resumption.FULL: _("The whole year: I make up what was not paid in the pays that are left"),
    Resumption.REDUCED: _(
        "Less: my account is smaller by what was not paid, and each pay gives what it gave"
    ),
}


class ResumptionForm(Tied):
    """How much goes on."""

    resumption = forms.ChoiceField(
        label=_("What do you want?"), choices=[(str(one), name) for one, name in WAYS.items()],
        widget=forms.RadioSelect(),
    )  # fmt: skip


@page("leave")
def leave(request: HttpRequest, me: Me, record: int, first_day: str) -> HttpResponse:
    """Show what ended during a leave, and take what the employee wants of it."""
    places = resuming_of(connection, me.client_id, me.person_id, on=me.today)
    wanted = (record, first_day)
    place = next((one for one in places if (one.benefit_record, one.leave_from.isoformat()) == wanted), None)
    if place is None:
        raise Http404
    form = ResumptionForm(posted(request), initial={"resumption": str(place.resumption or Resumption.FULL)})
    if request.method == "POST" and form.is_valid():
        chosen = Resumption(form.cleaned_data["resumption"])
        try:
            choose_resumption(connection, me.client_id, me.person_id, place, chosen, on=me.today, by=me.by())
        except (LeaveRefused, RepairRefused, PeopleBusy):
            form.add_error(None, say("This cannot be recorded just now. Try again later, or ask us."))
        else:
            me.did("portal: chose what goes on after a leave")
            messages.success(request, say("Saved."))
            return redirect("portal:leave", record=record, first_day=first_day)
    form.tie()
    told = {"place": place, "form": form}
    return shown(request, me, "leave.html", told, status=422 if request.method == "POST" else 200)


def open_choices(me: Me) -> list[tuple[int, date]]:
    """Name the leaves of which nobody said what goes on: benefit record and first day."""
    places = resuming_of(connection, me.client_id, me.person_id, on=me.today)
    return [(one.benefit_record, one.leave_from) for one in places if one.resumption is None]
