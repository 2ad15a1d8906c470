"""What pays take, and why the last took otherwise than the one before."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.choosing.holding import holding_of
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.payroll.ledger import OrderRefused
from openbenefits.payroll.why import why
from openbenefits.portal.pages import Me, page, shown

CAUSES = (
    *(gettext_lazy("it begins"), gettext_lazy("it ends"), gettext_lazy("the rate changed")),
    *(
        gettext_lazy("what is covered changed"),
        gettext_lazy("pay changed"),
        gettext_lazy("an age was reached"),
    ),
    *(gettext_lazy("the home address changed"), gettext_lazy("somebody decided about the price")),
    *(gettext_lazy("a cent of the split"), gettext_lazy("it is not taken in every pay of the month")),
    *(gettext_lazy("another share of the same amount"), gettext_lazy("the amount cannot be found")),
    gettext_lazy("the leave: coverage costs its full price, or its usual one again"),
)
"""What payroll says of a difference; here so that it can be translated."""


@page("pays")
def pays(request: HttpRequest, me: Me) -> HttpResponse:
    """Show the next pay and those before it, and why the latest differs."""
    held = holding_of(connection, me.client_id, me.person_id, on=me.today, today=me.today)
    differences = []
    if len(held.pays) > 1:
        try:
            _earlier, lines = why(
                connection,
                me.client_id,
                me.person_id,
                ends_on=held.pays[0].ends_on,
                before=held.pays[1].ends_on,
            )
        except OrderRefused:
            lines = None
        if lines is not None:
            differences = [
                {
                    "plan": PLAN_TYPES.get(row["plan_type"], row["plan_type"]),
                    "before": row["before_cents"],
                    "after": row["after_cents"],
                    "difference": row["difference_cents"],
                    "words": ", ".join(_(part) for part in row["words"].split(", ")),
                }
                for row in lines.iter_rows(named=True)
            ]
    return shown(request, me, "pays.html", {"pays": held.pays, "differences": differences})
