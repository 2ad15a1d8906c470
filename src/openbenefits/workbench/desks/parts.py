"""What the desks share: addresses of participants, plan types in words, forms that are shown again."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import polars as pl
from django import forms
from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.services import note
from openbenefits.core.plan_types import DELIVERED
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import address
from openbenefits.workforce.models import Person

Row = Mapping[str, Any]
Lead = Callable[[Row], str | None]


def place(name: str, **parts: Any) -> str | None:
    """Answer the address of a page that another area has; None where it has none."""
    try:
        return address(name, **parts)
    except NoReverseMatch:
        return None


def to_person(client: str) -> Lead:
    """Answer what leads from a row to the page of its participant."""
    return lambda row: (
        place("person", client=client, number=row["employee_number"]) if row.get("employee_number") else None
    )


def plan_types() -> dict[str, str]:
    """Answer plan types in words, by code."""
    return dict(DELIVERED)


def day_asked(request: HttpRequest, name: str = "as_of") -> date:
    """Answer the day an address asks for; today where it asks for none, or for nonsense."""
    try:
        return date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return timezone.localdate()


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
        now=timezone.now(),
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
