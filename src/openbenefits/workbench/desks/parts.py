"""What the desks share: addresses of participants, plan types in words, forms that are shown again."""

from datetime import date
from typing import Any

import polars as pl
from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.services import note
from openbenefits.core.plan_types import DELIVERED
from openbenefits.workbench.forms import DayInput
from openbenefits.workforce.models import Person


def plan_types() -> dict[str, str]:
    """Answer plan types in words, by code."""
    return dict(DELIVERED)


def day_asked(request: HttpRequest, name: str = "as_of") -> date:
    """Answer the day an address asks for; today where it asks for none, or for nonsense."""
    try:
        return date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return clock.today()


def noted(
    request: Any, kind: str, what: str, client_id: int, person_id: int | None = None, why: str = ""
) -> None:
    """Write down what somebody saw or did, now."""
    note(
        request.access,
        kind,
        what,
        client_id=client_id,
        person_id=person_id,
        reason=why,
        now=clock.now(),
    )


def numbers_of(client_id: int, rows: pl.DataFrame, column: str = "person_id") -> dict[int, str]:
    """Answer the employee numbers of the people rows name, in one query."""
    ids = rows[column].drop_nulls().unique().to_list()
    return dict(Person.objects.filter(client_id=client_id, pk__in=ids).values_list("pk", "employee_number"))


class DayForm(forms.Form):
    """A day that a list is asked for."""

    as_of = forms.DateField(label=_("As of"), widget=DayInput())


class ReasonedDay(forms.Form):
    """A day from which something counts, and why."""

    on = forms.DateField(label=_("From"), widget=DayInput())
    reason = forms.CharField(label=_("Reason"), max_length=500, help_text=_("Kept with what you do."))
