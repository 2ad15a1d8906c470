"""A request is done whole or not at all, and what is refused is written down."""

import pytest
from django.http import Http404, HttpResponse
from django.test import override_settings
from django.urls import path
from tests.faces.conftest import LENIENT, NOW, signed_in

from openbenefits.accounts.models import AuditEntry
from openbenefits.accounts.services import NotAllowed, note
from openbenefits.cli.web import urlpatterns as ours
from openbenefits.store import use_database

FAULTS = {"missing": Http404(), "fault": RuntimeError("a fault"), "refused": NotAllowed("no")}


def half(request, how):
    client_id = next(iter(request.access.permissions))
    note(request.access, "did", f"half {how}", client_id=client_id, now=NOW)
    if how in FAULTS:
        raise FAULTS[how]
    return HttpResponse(how)


urlpatterns = [path("half/<how>", half, name="half"), *ours]


@LENIENT
@override_settings(ROOT_URLCONF="tests.faces.test_requests")
@pytest.mark.parametrize(
    ("how", "status"), [("whole", 200), ("missing", 404), ("fault", 500), ("refused", 403)]
)
def test_a_page_that_fails_has_done_nothing(browser, users, database, embedded_server, how, status):
    signed_in(browser, users["specialist"])
    browser.raise_request_exception = False
    assert browser.get(f"/half/{how}").status_code == status
    use_database(embedded_server.url(database.settings_dict["NAME"]))
    written = AuditEntry.objects.filter(what=f"half {how}").count()
    assert written == (status == 200)
    refused = AuditEntry.objects.filter(kind="refused", what="half", user=users["specialist"])
    assert refused.exists() == (how == "refused")  # the last of the four
