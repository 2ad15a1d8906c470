"""Where one begins: what needs a person today, at all clients or at one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
from django.db import connection
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import ENDED
from openbenefits.review.services import Today, today
from openbenefits.review.today import DAYS_AHEAD
from openbenefits.review.work import taken_before
from openbenefits.runs.models import Run
from openbenefits.store.isolation import PEO
from openbenefits.workbench import links, words
from openbenefits.workbench.casework.counted import cards_of
from openbenefits.workbench.charts import Bar, Bars, Tone, bars
from openbenefits.workbench.pages import Section, address, client_of, page, same_page, show
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.models import Client

CAUSES_SHOWN = 8
RUNS_SHOWN = 8
WORK: tuple[tuple[str, str | Promise, str | Promise], ...] = (
    ("errors", _("People with errors"), _("set-up, data or elections to correct")),
    ("unanswered", _("Without an election"), _("prepared or notified, and no answer yet")),
    ("ending", _("Windows ending"), _("in the next 14 days, unanswered")),
    ("ended", _("Windows ended"), _("unanswered: extend them, or finalise with defaults")),
    ("flagged", _("Flagged events"), _("facts changed, overtaken or disconnected")),
    ("unproved", _("Evidence waiting"), _("more coverage asked for than is in force")),
    ("activity", _("Activity waiting"), _("not an event yet")),
    ("held_runs", _("Runs held"), _("by a limit, until somebody releases them")),
    ("balances", _("Balances"), _("more or less taken than owed")),
)
"""What is counted: its column, what it is called, what it means."""
NEEDED = {"unproved": Permission.SEE_HEALTH, "balances": Permission.PAYROLL}
"""What one must be allowed at a client to see its count; else it is not there."""


def _lists(client: str) -> dict[str, str | None]:
    """Answer where the list behind each count of a client is."""
    events = {name: links.events(client, what=name) for name in ("unanswered", "ending", "ended", "flagged")}
    return events | {
        "errors": links.work(client, severity="error"),
        "flagged": links.found("flagged", client=client) or events["flagged"],
        "unproved": links.work(client, code="BA1321"),
        "activity": links.found("activity", client=client) or address("controls", client=client),
        "held_runs": links.with_query(address("runs", client=client), **{"runs.f_state": "held"}),
        "balances": address("balances", client=client),
    }


def _to_list(name: str) -> Callable[[links.Row], str | None]:
    return lambda row: _lists(row["client"])[name] if row[name] else None


CLIENTS = (
    Column("client", _("Client"), href=lambda row: address("client", client=row["client"])),
    Column("events", _("Events"), kind="number"),
    Column("percent_final", _("Final, %"), kind="number"),
    *(Column(name, title, kind="number", href=_to_list(name)) for name, title, _meaning in WORK),
    Column("balances_on", _("Balances as of"), kind="day"),
)


@page("", name="home", title=_("Today"), section=Section.TODAY)
def home(request: Any) -> HttpResponse:
    """Show what needs a person today, at all clients."""
    found = _seen(request.access, today(connection, None, as_of=clock.today()))
    shown = _clients(request, found)
    if (file := shown.export()) is not None:
        return file
    cards = _cards(request.access, found, {name: f"?clients.sort=-{name}" for name, *_rest in WORK})
    return show(
        request,
        "workbench/home/home.html",
        title=_("Today"),
        own_cards=cards_of(request, None),
        cards=cards,
        clients_sheet=shown,
        windows=_windows(found, lambda _on: "?clients.sort=-ending"),
        errors=_errors(found, lambda code: links.with_query(address("causes"), **{"causes.f_code": code})),
        runs=_runs(Run.objects.all()),
        requests=_requests(request, ProcessRequest.objects.all()),
    )


def _seen(access: Access, found: Today) -> Today:
    """Leave out the counts that are not the user's to see, client by client: nothing is said there."""
    clients = found.clients
    for name, permission in NEEDED.items():
        seen = [one for one in clients["client_id"] if access.may(permission, one)]
        clients = clients.with_columns(pl.when(pl.col("client_id").is_in(seen)).then(name).alias(name))
    looked_on = pl.when(pl.col("balances").is_not_null()).then("balances_on")  # else not his to see either
    return replace(found, clients=clients.with_columns(balances_on=looked_on))


def _cards(access: Access, found: Today, lists: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """Answer the counts of all clients found, added up; none of what the user may see at no client.

    Missing: None where nobody has counted at any of them.
    """

    def is_seen(name: str) -> bool:
        return name not in NEEDED or any(access.may(NEEDED[name], one) for one in found.clients["client_id"])

    shown = [one for one in WORK if is_seen(one[0])]
    sums = (pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name, *_rest in shown)
    counts = found.clients.select(sums).row(0, named=True)
    nights = {"balances": _night(found)}
    return [
        {
            "title": title,
            "meaning": nights.get(name, meaning),
            "count": counts[name],
            "href": lists[name],
        }
        for name, title, meaning in shown
    ]


def _night(found: Today) -> str | Promise:
    """Say what a balance is, and which night looked at them; of several the first."""
    looked_on: Any = found.clients["balances_on"].min()
    if looked_on is None:
        return _("no night has looked yet")
    said = say("more or less taken than owed, as of the night of %(day)s")
    return said % {"day": looked_on.isoformat()}


def _clients(request: Any, found: Today) -> Sheet:
    rows = found.clients
    if "clients.sort" not in request.GET:
        most = pl.col("errors") + pl.col("ended") + pl.col("held_runs")
        rows = rows.sort(most, descending=True, maintain_order=True)
    return sheet(
        request,
        rows,
        CLIENTS,
        name="clients",
        caption=_("Clients"),
        empty=_("No client is yours to see. Ask an administrator for a role."),
    )


@page("<client:client>/", name="client", title=_("Overview"), section=Section.TODAY)
def of_client(request: Any, client: str) -> HttpResponse:
    """Show what needs a person today, at one client."""
    mine = client_of(request, client)
    found = _seen(request.access, today(connection, [mine.pk], as_of=clock.today()))
    cards = _cards(request.access, found, _lists(mine.code))
    late = taken_before(connection, mine.pk)["person_id"].n_unique()
    cards.append(
        {
            "title": _("Taken before a change"),
            "meaning": _("pays taken otherwise than coverage now says"),
            "count": late,
            "href": links.work(mine.code, code="BA1326"),
        }
    )
    return show(
        request,
        "workbench/home/client.html",
        title=mine.name,
        client=mine,
        own_cards=cards_of(request, mine),
        cards=cards,
        schedules=_schedules(found, mine),
        windows=_windows(found, lambda _on: links.events(mine.code, what="ending")),
        errors=_errors(found, lambda code: links.work(mine.code, code=code)),
        runs=_runs(Run.objects.filter(bundle_client=mine.pk)),
        requests=_requests(request, ProcessRequest.objects.filter(client_id=mine.pk)),
    )


def _schedules(found: Today, client: Client) -> Bars:
    """Draw how many events of each schedule are not final."""
    rows = found.statuses.group_by("schedule", "schedule_name", maintain_order=True).agg(
        open=(pl.col("events") - pl.col("final_or_void")).sum(), final=pl.col("final_or_void").sum()
    )
    drawn = []
    for row in rows.to_dicts():
        href = links.found("schedule", client=client.code, schedule=row["schedule"])
        name = row["schedule_name"] or row["schedule"]
        sides: tuple[tuple[Any, int, Tone], ...] = (
            (say("%(name)s: to do") % {"name": name}, row["open"], "waiting"),
            (say("%(name)s: final or void") % {"name": name}, row["final"], "good"),
        )
        drawn += [Bar(label, count, href, tone) for label, count, tone in sides]
    return bars(drawn, caption=_("Events by schedule"))


def _windows(found: Today, href: Callable[[Any], str | None]) -> Bars:
    drawn = [
        Bar(row["ends_on"].isoformat(), row["events"], href(row["ends_on"]), "waiting")
        for row in found.windows.to_dicts()
    ]
    caption = say("Windows that end in the next %(days)s days, unanswered") % {"days": DAYS_AHEAD}
    return bars(drawn, caption=caption)


def _errors(found: Today, href: Callable[[str], str | None]) -> Bars:
    """Draw the causes that hold most people."""
    summed = found.errors.group_by("code", "message").agg(pl.col("people").sum())
    rows = summed.sort("people", "code", descending=[True, False]).head(CAUSES_SHOWN)
    drawn = [
        Bar(f"{row['code']} {row['message'] or ''}".strip(), row["people"], href(row["code"]), "bad")
        for row in rows.to_dicts()
    ]
    return bars(drawn, caption=_("People held by an error, by cause"))


def _runs(runs: Any) -> list[dict[str, Any]]:
    """The last runs, with the address of each."""
    shown = list(runs.order_by("-pk")[:RUNS_SHOWN])
    codes = _codes(run.bundle_client for run in shown)
    return [
        {
            "run": run,
            "client": codes.get(run.bundle_client),
            "kind": words.KINDS_OF_RUN.get(run.kind, run.kind),
            "href": address("run", client=codes[run.bundle_client], number=run.pk),
        }
        for run in shown
        if run.bundle_client in codes
    ]


def _requests(request: Any, asked: Any) -> list[ProcessRequest]:
    """The last requests, those that have not ended first; those of the PEO are for who is of it."""
    if not request.access.may(Permission.SEE, PEO):
        asked = asked.exclude(client_id=PEO)
    ended = Q(state__in=[str(state) for state in ENDED])
    going = list(asked.exclude(ended).order_by("-pk")[:RUNS_SHOWN])
    return [*going, *asked.filter(ended).order_by("-pk")[: RUNS_SHOWN - len(going)]]


def _codes(numbers: Any) -> dict[int, str]:
    found: Sequence[tuple[int, str]] = Client.objects.filter(pk__in=set(numbers)).values_list("pk", "code")
    return dict(found)


CAUSES = (
    Column("client", _("Client"), href=lambda row: address("client", client=row["client"])),
    Column("code", _("Code"), href=lambda row: links.work(row["client"], code=row["code"])),
    Column("message", _("What stands in the way")),
    Column("people", _("People"), kind="number"),
)


@page("causes/", name="causes", title=_("Errors by cause"), section=Section.TODAY)
def causes(request: Any) -> HttpResponse:
    """List what holds people at all clients: client and cause, most people first."""
    found = today(connection, None, as_of=clock.today())
    rows = found.errors.join(found.clients.select("client_id", "client"), on="client_id")
    shown = sheet(
        request,
        rows,
        CAUSES,
        name="causes",
        caption=_("Errors by client and cause"),
        empty=_("No error holds anybody. New errors come with the next run."),
    )
    if (file := shown.export()) is not None:
        return file
    return show(request, "workbench/work/causes.html", title=_("Errors by cause"), causes=shown)


@page("go", name="go", title=_("Change the client"))
def go(request: Any) -> HttpResponse:
    """Go to the same page of another client, as the list above the navigation asks."""
    code = client_of(request, request.GET.get("client", "")).code
    return redirect(same_page(request.GET.get("page", "client"), code))
