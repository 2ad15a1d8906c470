"""Where somebody's cover stands with each carrier: the chain of custody, line by line; an urgent add."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import polars as pl
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.carriers import custody
from openbenefits.events.windows import EventPlace
from openbenefits.workbench.desks.parts import plan_types
from openbenefits.workbench.pages import Words, address, client_of, page, show
from openbenefits.workbench.person.about import noted, person_href, somebody
from openbenefits.workforce.models import Dependent, Person

CHAIN = "<client:client>/people/<number:number>/carriers/"
STAGES: dict[str, Words] = {
    "intended": _("intended"),
    "in file": _("in a file"),
    "released": _("released"),
    "transferred": _("sent"),
    "received": _("received there"),
    "not read": _("not read there"),
    "accepted": _("taken by its system"),
    "refused": _("refused"),
    "reported": _("reported otherwise"),
    "confirmed": _("confirmed"),
    "portal": _("to be entered at its portal"),
    "entered": _("entered at its portal"),
}
TONES = {
    "confirmed": "good",
    "entered": "good",
    "refused": "bad",
    "not read": "bad",
    "reported": "bad",
    "portal": "waiting",
}
LINKS: tuple[tuple[str, Words], ...] = (
    ("in_file_at", _("In a file")),
    ("released_at", _("Released")),
    ("transferred_at", _("Transferred")),
    ("ta1_at", _("TA1: the envelope was read")),
    ("acknowledged_at", _("999: the set was judged")),
    ("reported_at", _("The carrier's report")),
    ("confirmed_at", _("Confirmed")),
)
Row = Mapping[str, Any]


def told_rows(rows: pl.DataFrame, person: Person) -> list[dict[str, Any]]:
    """Answer rows of a chain in words: whose, which line, where it stands, its links with their times."""
    ids = rows["dependent_id"].drop_nulls().unique().to_list()
    found = Dependent.objects.filter(client_id=person.client_id, person_id=person.pk, pk__in=ids)
    numbers = dict(found.values_list("pk", "number"))
    return [_told(row, numbers) for row in rows.iter_rows(named=True)]


def _told(row: Row, dependents: Mapping[int, Any]) -> dict[str, Any]:
    dependent = row["dependent_id"]
    return dict(row) | {
        "who": _("employee") if dependent is None else f"{_('dependent')} {dependents.get(dependent, '')}",
        "plan_type_name": plan_types().get(row["plan_type"], row["plan_type"]),
        "stage_words": STAGES.get(row["stage"], row["stage"]),
        "tone": TONES.get(row["stage"], ""),
        "links": list(_links(row)),
    }


def _links(row: Row) -> Iterator[dict[str, Any]]:
    for name, title in LINKS:
        at: datetime | None = row[name]
        if at is not None:
            yield {"title": title, "at": at, "said": _said(row, name)}


def _said(row: Row, name: str) -> str:
    if name == "acknowledged_at":
        return row["acknowledged"] or ""
    if name == "ta1_at":
        return row["ta1"] or ""
    if name == "reported_at":
        return " ".join(filter(None, (row["verdict"], row["verdict_code"])))
    return ""


def of_event(place: EventPlace, person: Person) -> list[dict[str, Any]]:
    """Answer what follows from an event and stands somewhere with a carrier, in words."""
    rows = custody.chain_of_event(
        place.client_id, place.person_id, place.schedule_id, place.event_number, now=clock.now()
    )
    return told_rows(rows, person)


@page(CHAIN, name="person_carriers", title=_("Where cover stands"))
def chain(request: Any, client: str, number: str) -> HttpResponse:
    """Show of each line of somebody's cover how far it has come, and what waits for whom."""
    found = client_of(request, client)
    person = somebody(found, number)
    noted(request, "saw", "where cover stands", person)
    rows = custody.chain(found.pk, person.pk, now=clock.now())
    return show(
        request,
        "workbench/person/carriers.html",
        title=_("Where cover stands"),
        client=found,
        crumbs=[
            (_("People"), address("people", client=found.code)),
            (person.employee_number, person_href(found.code, person.employee_number)),
        ],
        rows=told_rows(rows, person),
        late=rows.filter("is_overdue").height,
        refused=rows.filter(pl.col("stage").is_in(["refused", "not read"])).height,
    )
