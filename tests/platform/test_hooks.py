"""The platform tells that something changed: shaken hands with, believed nothing, read once, whoever else posts."""

from datetime import date, datetime
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import Client as Browser
from tests.accounts.conftest import as_face

from openbenefits.platform import connecting, hints, tasks
from openbenefits.platform.client.session import Patience
from openbenefits.platform.exchange import Work, listen
from openbenefits.platform.models import Hint, Link
from openbenefits.platform.standin.server import Standin, Terms
from openbenefits.store import use_database
from openbenefits.workforce.models import Person
from openbenefits.workforce.recording import add_client

__all__ = ["as_face"]

NOW = datetime.fromisoformat("2026-03-01T09:00:00+00:00")
BY = {"author": "test", "now": NOW}
QUEUED = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'openbenefits.platform_hint'"


@pytest.fixture(scope="module")
def platform():
    with Standin(terms=Terms(unmasked=frozenset({"NOMASKDOB"}))) as running:
        running.world.add_client("CUST", "Acme")
        yield running


@pytest.fixture(scope="module")
def link(database, platform):
    client = add_client("acme", "Acme")
    terms = platform.terms
    stated = {"peo_id": terms.peo_id, "username": terms.username, "password": terms.password}
    order = connecting.ConnectionOrder(client_id=0, code="main", base_url=platform.url, **stated)
    return connecting.link(client.pk, connecting.connect(order, **BY), "CUST", **BY)


@pytest.fixture
def hook(link):
    return f"/{hints.PLACE}/{hints.token_of(link.client_id, link.connection_id)}"


class _Silent(WSGIRequestHandler):
    def log_message(self, *_):
        """Write no log."""


def test_the_platform_shakes_hands_with_the_address(link, platform, monkeypatch):
    with make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=_Silent) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(settings, "PUBLIC_URL", f"http://127.0.0.1:{server.server_port}")
        work = Work(
            connection=connections["default"],
            client_id=link.client_id,
            author="test",
            today=date(2026, 3, 1),
            clock=lambda: NOW,
            patience=Patience(seconds=20),
        )
        first = listen(work)
        assert listen(work) == first  # the one before ended
        server.shutdown()
    (there,) = platform.world.subscriptions.values()
    assert there["webhookUrls"] == [first]
    assert Link.objects.get(pk=link.pk).subscription == there["subscriptionId"]


def test_many_deliveries_are_one_hint_and_forged_ones_none(link, hook, as_face, embedded_server, database):
    browser = Browser(HTTP_HOST="localhost")
    forged = f"/{hints.PLACE}/{link.client_id}-{link.connection_id}~forged"
    for where in (forged, f"{hook}x", f"/{hints.PLACE}/1"):
        assert browser.post(where).status_code == 404
        assert browser.get(where, {"validationToken": "t"}).status_code == 404
    assert browser.get(hook).status_code == 400
    assert browser.get(hook, {"validationToken": "<b>"}).headers["Content-Type"].startswith("text/plain")
    answers = [browser.post(hook, b"\x00 not JSON", content_type="x/y").status_code for _ in range(3)]
    assert answers == [202, 200, 200]
    elsewhere = f"/{hints.PLACE}/{hints.token_of(link.client_id, link.connection_id + 1)}"
    assert browser.post(elsewhere).status_code == 200  # linked elsewhere by now
    use_database(embedded_server.url(database.settings_dict["NAME"]))
    assert Hint.objects.count() == 1
    with connections["default"].cursor() as cursor:
        assert cursor.execute(QUEUED).fetchone() == (1,)


def test_the_worker_reads_what_changed_and_the_next_hint_is_a_new_one(link, platform):
    job = {"statusClass": "A", "lastHireDate": "2026-02-02", "statusDate": "2026-02-02"}
    platform.world.add_employee(
        "CUST",
        "0200",
        lastName="Hall",
        firstName="Ann",
        person={"birthDate": "1990-04-01", "gender": "F"},
        contactInformation={"state": "MA", "zipcode": "01001", "city": "Agawam"},
        client=job,
        compensation={"payGroup": "BW", "standardHours": "40", "annualPay": "52000.00"},
    )
    token = hints.token_of(link.client_id, link.connection_id)
    hints.take_hint(connections["default"], token, now=NOW)
    waiting = Hint.objects.get(taken_at__isnull=True)
    tasks.read_on.func(waiting.pk)
    assert Person.objects.filter(client_id=link.client_id, employee_number="0200").exists()
    waiting.refresh_from_db()
    assert waiting.taken_at is not None
    assert hints.take_hint(connections["default"], token, now=NOW)
