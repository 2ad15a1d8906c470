"""Balances that are left: what pays did not take, or took too much of, as a night found it."""

from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.roles import Permission
from openbenefits.core.codes import TaxClass
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.payroll.open_balances import open_balances
from openbenefits.workbench import links
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.pages import Section, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet

KINDS = {"deduction": _("deduction"), "credit": _("credit"), "sold": _("hours sold")}
TAXED = {str(TaxClass.BEFORE_TAX): _("before tax"), str(TaxClass.AFTER_TAX): _("after tax")}


@page(
    "<client:client>/balances/",
    name="balances",
    title=_("Balances"),
    section=Section.DESKS,
    permission=Permission.PAYROLL,
)
def balances(request: Any, client: str) -> HttpResponse:
    """List what is still to be taken or given back, line by line, and as of which night."""
    found = client_of(request, client)
    looked_on, rows = open_balances(connection, found.pk)
    columns = (
        Column("employee_number", _("Employee"), href=links.to_person(client)),
        Column("plan_type", _("Plan type"), words=PLAN_TYPES),
        Column("correct_cents", _("Left"), kind="money"),
        Column("fault", _("Unknown, because of")),
        Column("owed_cents", _("Owed"), kind="money"),
        Column("taken_cents", _("Taken"), kind="money"),
        Column("received_cents", _("Paid otherwise"), kind="money"),
        Column("scheduled_cents", _("Scheduled"), kind="money"),
        Column("moved_cents", _("Otherwise taxed"), kind="money"),
        Column("kind", _("Kind"), words=KINDS),
        Column("tax_class", _("Tax"), words=TAXED),
        Column("benefit_record", _("Benefit record"), kind="number"),
    )
    empty = _("Every pay took what was owed, or a correction is ordered.")
    if looked_on is None:
        empty = _("No night has looked yet. The worker looks at all balances at night (worker --nightly).")
    shown = sheet(request, rows, columns, name="balances", caption=_("Balances left"), empty=empty)
    if (file := shown.export()) is not None:
        noted(request, "saw", "balances as a file", found.pk)
        return file
    noted(request, "saw", "balances", found.pk)
    return show(
        request,
        "workbench/desks/balances.html",
        title=_("Balances"),
        client=found,
        looked_on=looked_on,
        balances=shown,
    )
