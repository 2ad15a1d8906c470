"""Review of how an event is decided and processed: eligibility field by field, controls, window."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.core.codes import Control
from openbenefits.events.models import Event
from openbenefits.events.windows import acts_of, extend_window, reopen_window
from openbenefits.reports.explain import NothingToExplain
from openbenefits.review.debugging import decided_for
from openbenefits.review.services import change_control, eligibility_debugging, event_controls
from openbenefits.workbench.pages import address, client_of, page, show
from openbenefits.workbench.person.about import author_of, noted, some_event, somebody
from openbenefits.workbench.person.event import EVENT, crumbs_of, keyed
from openbenefits.workbench.person.forms import ControlForm, WindowForm
from openbenefits.workbench.person.tables import Table, table_of
from openbenefits.workbench.person.trying import attempted
from openbenefits.workforce.models import Client, Person

ALIKE = ["used_by", "part", "rule"]
FAILED = ["I", "IO", "NL", "?"]
"""The codes of a criterion that does not speak for anybody."""


@page(EVENT + "eligibility/", name="eligibility", title=gettext_lazy("How eligibility was decided"))
def eligibility(
    request: Any, client: str, number: str, schedule: str, record: int, event: int
) -> HttpResponse:
    """Show per program and option the answer, and each criterion that decided it."""
    found = client_of(request, client)
    person = somebody(found, number)
    place = some_event(person, schedule, record, event)
    with_unused = request.GET.get("all") == "yes"
    try:
        told = eligibility_debugging(connection, place, with_unused=with_unused)
    except NothingToExplain as nothing:
        raise Http404(str(nothing)) from nothing
    noted(request, "saw", "eligibility", person)
    key = keyed(found, person, schedule, place)
    return show(
        request,
        "workbench/person/eligibility.html",
        title=_("How eligibility was decided"),
        client=found,
        crumbs=[*crumbs_of(found, person), (_("Event"), address("event", **key))],
        answers=_answers(told["Headers"], told["Fields"]),
        meanings=_meanings(told["Fields"]),
        decided=table_of(
            decided_for(connection, place), _("Decided by people"), empty=_("Nothing: the rules decide.")
        ),
        with_unused=with_unused,
        key=key,
        may_repair=request.access.may(Permission.REPAIR, found.pk),
    )


def _answers(headers: pl.DataFrame, fields: pl.DataFrame) -> list[dict[str, Any]]:
    """Each rule and what it is used by, with the criteria that failed first."""
    columns = ("field", "criterion", "link", "jobs", "evaluation", "code", "meaning", "result")
    parts = fields.partition_by(ALIKE, as_dict=True, maintain_order=True)
    found = []
    for row in headers.iter_rows(named=True):
        part = parts.get(tuple(row[name] for name in ALIKE))
        rows = (
            part.select(columns)
            if part is not None
            else pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
        )
        failed = rows.filter(pl.col("code").is_in(FAILED))["criterion"].to_list()
        shown = {name: row[name] or "" for name in ("used_by", "part", "rule", "result", "decision")}
        is_met = str(row["result"]).startswith("E")
        found.append(
            shown
            | {
                "is_met": is_met,
                "failed": [] if is_met else failed,
                "table": table_of(rows, f"{_('Criteria')}: {row['used_by']}, {row['part']} {row['rule']}"),
            }
        )
    return found


def _meanings(fields: pl.DataFrame) -> list[tuple[str, str]]:
    return list(fields.select("code", "meaning").unique().sort("code").iter_rows())


# --- acts on how an event is processed ----------------------------------------------------------------------


def _acting(
    request: Any,
    client: Client,
    person: Person,
    form: Any,
    *,
    title: str,
    key: Mapping[str, Any],
    above: list[Table],
) -> HttpResponse:
    return show(
        request,
        "workbench/person/plain.html",
        title=title,
        client=client,
        crumbs=[*crumbs_of(client, person), (_("Event"), address("event", **key))],
        form=form,
        above=above,
    )


@page(
    EVENT + "control/", name="control", title=gettext_lazy("Change a control"), permission=Permission.PROCESS
)
def control(request: Any, client: str, number: str, schedule: str, record: int, event: int) -> HttpResponse:
    """Change what steers how an event is processed, with a reason."""
    found = client_of(request, client)
    person = somebody(found, number)
    place = some_event(person, schedule, record, event)
    key = keyed(found, person, schedule, place)
    form = ControlForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        if said["control"] == str(Control.FINALISE):
            request.access.require(Permission.FINALIZE, found.pk)
        done = attempted(
            form,
            lambda: change_control(
                connection,
                place,
                Control(said["control"]),
                said["value"],
                reason=said["reason"],
                author=author_of(request),
                now=clock.now(),
            ),
        )
        if done is not None:
            noted(request, "did", "control changed", person, reason=said["reason"])
            messages.success(request, _("Changed. The next run goes by it."))
            return redirect(address("event", **key))
    noted(request, "saw", "controls", person)
    told = event_controls(connection, place, on=clock.today())
    above = [table_of(told["Controls"], _("Processing controls")), table_of(told["Changes"], _("Changes"))]
    return _acting(request, found, person, form, title=_("Change a control"), key=key, above=above)


@page(EVENT + "window/", name="window", title=gettext_lazy("Extend or reopen"), permission=Permission.PROCESS)
def window(request: Any, client: str, number: str, schedule: str, record: int, event: int) -> HttpResponse:
    """Let the window of an event end later."""
    found = client_of(request, client)
    person = somebody(found, number)
    place = some_event(person, schedule, record, event)
    key = keyed(found, person, schedule, place)
    form = WindowForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        told = {
            "until": said["until"],
            "reason": said["reason"],
            "author": author_of(request),
            "now": clock.now(),
        }

        def work() -> Any:
            has_ended = _has_ended(place)
            return (reopen_window if has_ended else extend_window)(connection, place, **told)

        if attempted(form, work) is not None:
            noted(request, "did", "window", person, reason=said["reason"])
            messages.success(request, _("The window ends on %(day)s.") % {"day": said["until"]})
            return redirect(address("event", **key))
    noted(request, "saw", "window", person)
    schema = {
        "ended_on": pl.Date,
        "ends_on": pl.Date,
        **dict.fromkeys(("kind", "reason", "author"), pl.String),
    }
    rows = [{name: getattr(one, name) for name in schema} for one in acts_of(place)]
    above = [table_of(pl.DataFrame(rows, schema=schema), _("Done to the window before"), empty=_("Nothing."))]
    return _acting(request, found, person, form, title=_("Extend or reopen the window"), key=key, above=above)


def _has_ended(place: Any) -> bool:
    ends_on = Event.objects.filter(**place.key()).values_list("window_ends_on", flat=True).first()
    return ends_on is not None and ends_on < clock.today()
