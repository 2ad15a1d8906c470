"""Age-outs: covered dependents who pass a limit of age, their last covered day, and what follows."""

from datetime import timedelta
from typing import Any

from django import forms
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.masks import masked
from openbenefits.reports.age_outs import load_age_outs
from openbenefits.workbench import links
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet

DAYS_AHEAD = 120


class SpanForm(forms.Form):
    """From which day through which."""

    as_of = forms.DateField(label=_("From"), widget=DayInput())
    through = forms.DateField(label=_("Through"), widget=DayInput())


@page("<client:client>/age-outs/", name="age_outs", title=_("Age-outs"), section=Section.DESKS)
def listed(request: Any, client: str) -> HttpResponse:
    """List who ages out in a span of days, and who is still covered although past a limit."""
    found = client_of(request, client)
    today = clock.today()
    usual = {"as_of": today.isoformat(), "through": (today + timedelta(days=DAYS_AHEAD)).isoformat()}
    form = SpanForm(usual | request.GET.dict())
    whole = {"as_of": today, "through": today + timedelta(days=DAYS_AHEAD)}
    said: dict[str, Any] = form.cleaned_data if form.is_valid() else whole
    coming, past = (
        masked(request.access, found.pk, rows, "born")
        for rows in load_age_outs(connection, [found.pk], as_of=said["as_of"], through=said["through"])
    )
    columns = (
        Column("employee_number", _("Employee"), href=links.to_person(client)),
        Column("dependent", _("Dependent"), kind="number"),
        Column("dependent_name", _("Name")),
        Column("born", _("Born")),
        Column("plan", _("Plan")),
        Column("limit", _("Limit of age"), kind="number"),
        Column("last_covered_on", _("Last covered day"), kind="day"),
        Column("coverage_code", _("Covers now")),
        Column("coverage_code_after", _("Then")),
        Column("state", _("State")),
    )
    ahead = sheet(
        request, coming, columns, name="coming", caption=_("Who ages out"), empty=_("Nobody in these days.")
    )
    late = sheet(
        request,
        past,
        columns,
        name="past",
        caption=_("Past the limit, and still covered"),
        empty=_("Nobody."),
    )
    for table in (ahead, late):
        if (file := table.export()) is not None:
            return file
    noted(request, "saw", "age-outs", found.pk)
    return show(
        request,
        "workbench/desks/age_outs.html",
        title=_("Age-outs"),
        client=found,
        form=form,
        ahead=ahead,
        late=late,
        controls=links.found("controls", client=client),
    )
