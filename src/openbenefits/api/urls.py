"""Where each resource is; whatever is not there is answered as a problem."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, re_path

from openbenefits.api import (
    best_plan,
    carrier_agreements,
    carrier_answers,
    carrier_lists,
    carriers,
    census,
    clients,
    continuation,
    coverage,
    drafts,
    elections,
    event_acts,
    events,
    facts,
    invoices,
    papers,
    payroll,
    people,
    platform,
    queries,
    rate_sheets,
    renewals,
    repairs,
    roles,
    runs,
    saved_reports,
    setup,
    statements,
    subscriptions,
    tickets,
    work,
)
from openbenefits.api.openapi import api
from openbenefits.api.problems import answer, of_status
from openbenefits.api.reference import reference
from openbenefits.api.routing import shared

RESOURCES = (
    *(clients, people, facts, elections, events, event_acts, coverage, payroll, runs, repairs, work),
    *(continuation, setup, drafts, rate_sheets, tickets, best_plan, renewals, platform, invoices),
    *(carriers, carrier_answers, carrier_agreements, carrier_lists),
    *(queries, saved_reports, census, papers, statements, subscriptions, roles),
)
"""What is imported for the addresses it answers."""
api.add_router("", shared)


def nowhere(request: HttpRequest) -> HttpResponse:
    """Answer that nothing is at an address."""
    return answer(request, of_status(404, "there is nothing at this address; see /api/v1/reference"))


app_name = "api"
_patterns, _, _ = api.urls
urlpatterns: list[URLPattern | URLResolver] = [
    path("reference", reference, name="reference"),
    *_patterns,
    re_path(".*", nowhere),
]
