"""The set-up of tasks and cases as the PEO changes it: a list for each part, one form for every record."""

from typing import Any

from django import forms
from django.db import models
from django.forms import modelform_factory
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.casework import models as tables
from openbenefits.casework.orders import TicketRefused
from openbenefits.casework.rules.calendar import CalendarRefused, holidays_of
from openbenefits.casework.set_up import remove_record, save_record
from openbenefits.casework.standing import calendar_of
from openbenefits.store.isolation import PEO
from openbenefits.workbench.casework.parts import NUMBERS, PARTS, USERS, Part, choices_of
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, act, address, page, show

OF_PEO: dict[str, Any] = {"permission": Permission.SETUP, "of_peo": True}


def form_of(part: Part, record: models.Model, said: Any = None) -> forms.ModelForm:
    """Make the form of a record; what names it is not changed once it is there."""
    kind = modelform_factory(part.model, fields=list(part.fields))
    form = kind(said, instance=record)
    choices = choices_of()
    for name, label in part.fields.items():
        field: Any = form.fields[name]
        stored: Any = part.model._meta.get_field(name)
        is_kept = record.pk is not None and name in part.key
        field.required = field.required and not stored.null and not is_kept
        if name in choices:
            field = form.fields[name] = _chosen(name, field, choices[name])
        elif isinstance(field, forms.DateField):
            field.widget = DayInput()
        elif isinstance(field, forms.CharField):
            field.widget = forms.TextInput()
        field.label = label
        field.disabled = is_kept
    return form


def _chosen(name: str, field: Any, choices: list[Any]) -> forms.TypedChoiceField:
    is_number = name in (*USERS, *NUMBERS)
    return forms.TypedChoiceField(
        choices=choices,
        required=field.required,
        coerce=int if is_number else str,
        empty_value=None if is_number else "",
    )


@page("casework/", name="casework", title=_("Tasks and cases: set-up"), section=Section.SETUP, **OF_PEO)
def overview(request: Any) -> HttpResponse:
    """Show the parts of the set-up, and types that tickets name and nobody has set up."""
    known = set(tables.TicketType.objects.values_list("category", "code"))
    used = tables.Ticket.objects.order_by().values_list("category", "kind").distinct()
    return show(
        request,
        "workbench/casework/set_up.html",
        title=_("Tasks and cases: set-up"),
        parts=[
            {"code": code, "part": part, "count": part.model._default_manager.count()}
            for code, part in PARTS.items()
        ],
        unknown=sorted(set(used) - known),
    )


def _part(code: str) -> Part:
    if code not in PARTS:
        raise Http404
    return PARTS[code]


@page("casework/<str:part>/", name="casework_part", title=_("Part of the set-up"), **OF_PEO)
def records(request: Any, part: str) -> HttpResponse:
    """List the records of a part of the set-up."""
    found = _part(part)
    shown = [(name, found.fields[name]) for name in found.listed]
    names = {name: {str(code): str(text) for code, text in listed} for name, listed in choices_of().items()}
    rows = [
        {"number": one.pk, "cells": [_cell(one, name, names) for name, _label in shown]}
        for one in found.model._default_manager.order_by(*found.listed[:3])
    ]
    year = clock.today().year
    return show(
        request,
        "workbench/casework/part.html",
        title=found.title,
        crumbs=[(_("Tasks and cases: set-up"), address("casework"))],
        part=found,
        code=part,
        headings=[label for _name, label in shown],
        rows=rows,
        holidays=_holidays(year) if part in ("hours", "days") else [],
        year=year,
    )


def _holidays(year: int) -> list[tuple[Any, str]]:
    calendar = calendar_of()
    return [one for number in (year, year + 1) for one in holidays_of(calendar, number).items()]


def _cell(record: models.Model, name: str, names: dict[str, dict[str, str]]) -> str:
    value = getattr(record, name)
    if isinstance(value, bool):
        return say("yes") if value else ""
    if name in names:
        return names[name].get("" if value is None else str(value), "" if value is None else str(value))
    return "" if value is None else str(value)


@page("casework/<str:part>/new", name="casework_new", title=_("Add a record"), **OF_PEO)
def add(request: Any, part: str) -> HttpResponse:
    """Add a record to a part of the set-up."""
    found = _part(part)
    if found.is_fixed:
        raise Http404
    return _edit(request, part, found.model())


@page("casework/<str:part>/<int:number>", name="casework_record", title=_("Change a record"), **OF_PEO)
def change(request: Any, part: str, number: int) -> HttpResponse:
    """Change a record of a part of the set-up."""
    record = _part(part).model._default_manager.filter(pk=number).first()
    if record is None:
        raise Http404
    return _edit(request, part, record)


def _edit(request: Any, code: str, record: models.Model) -> HttpResponse:
    part = PARTS[code]
    is_new = record.pk is None
    form = form_of(part, record, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            save_record(request.access, form.instance)
        except (TicketRefused, CalendarRefused) as refused:
            form.add_error(None, str(refused))
        else:
            note(
                request.access,
                "did",
                f"set-up of tasks and cases: {code}",
                client_id=PEO,
                reason=f"record {form.instance.pk}",
                now=clock.now(),
            )
            return redirect(address("casework_part", part=code))
    title = say("%(part)s: add") if is_new else say("%(part)s: change")
    return show(
        request,
        "workbench/casework/record.html",
        title=title % {"part": part.title},
        crumbs=[
            (_("Tasks and cases: set-up"), address("casework")),
            (part.title, address("casework_part", part=code)),
        ],
        form=form,
        part=part,
        code=code,
        number=record.pk,
        may_remove=not is_new and part.is_removable,
        status=422 if form.errors else 200,
    )


@page(
    "casework/<str:part>/<int:number>/remove", name="casework_remove", title=_("Take a record out"), **OF_PEO
)
@require_POST
def take_out(request: Any, part: str, number: int) -> HttpResponse:
    """Take a special day out of the calendar, or quiet hours away."""
    found = _part(part)
    record = found.model._default_manager.filter(pk=number).first() if found.is_removable else None
    if record is None:
        raise Http404

    def do() -> None:
        remove_record(request.access, record)
        what = f"set-up of tasks and cases: {part} taken out"
        note(request.access, "did", what, client_id=PEO, reason=f"record {number}", now=clock.now())

    return act(request, do, said=_("It is taken out."), to=address("casework_part", part=part))
