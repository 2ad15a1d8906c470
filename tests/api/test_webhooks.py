"""What changed is told to whoever subscribed: signed, in order, again when it was not taken, never inside."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.api.conftest import NOW, Program

from openbenefits.store import use_database
from openbenefits.webhooks import services
from openbenefits.webhooks.models import Delivery, Outbox
from openbenefits.webhooks.sending import AddressRefused, refuse_address, send

HOOKS = "/clients/harbor/subscriptions"


class Listener:
    """A subscriber's server, which answers as it is told and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.heard: list[tuple[dict[str, str], bytes]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.heard.append((dict(self.headers), body))
                self.send_response(listener.answers.pop(0) if listener.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks?of=harbor"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def said(self) -> list[dict]:
        return [json.loads(body) for _, body in self.heard]


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def owner(database, embedded_server):
    """Do something as the worker does it: as the owner of the tables."""
    url = embedded_server.url(database.settings_dict["NAME"])

    @contextmanager
    def become():
        use_database(url)
        try:
            yield
        finally:
            use_database(url, as_face=True)

    return become


@pytest.fixture
def subscribed(harbor: Program, listener: Listener, owner):
    """Answer a function that subscribes the listener to changes; each test has its own."""
    made = []

    def subscribe(*changes: str) -> dict:
        answer = harbor.post(HOOKS, {"url": listener.url, "changes": list(changes)})
        assert answer.status_code == 201, answer.content
        made.append(answer.json()["id"])
        return answer.json()

    yield subscribe
    for number in made:
        harbor.delete(f"{HOOKS}/{number}")


def spread_all(owner) -> list[int]:
    """Do what the queue's first task does for everything in the outbox."""
    with owner():
        numbers = [services.spread(row.pk, now=NOW) for row in Outbox.objects.order_by("pk")]
        return sorted({one for several in numbers for one in several})


def deliver(owner, subscription: int, at: datetime = NOW) -> datetime | None:
    with owner():
        return services.deliver(subscription, clock=lambda: at, is_local=True)


def reprocess(harbor: Program) -> str:
    """Decide somebody's event again: steps of the event, a run, and perhaps coverage."""
    event = harbor.get("/clients/harbor/events", limit=1).json()["items"][0]["id"]
    said = {"reason": "a test", "is_preview": False, "as_of": "2025-11-10"}
    answer = harbor.post(f"/clients/harbor/events/{event}/reprocess", said)
    assert answer.status_code == 200, answer.content
    return event


def test_what_changed_is_told_signed_with_ids_and_links_only(harbor, listener, subscribed, owner):
    made = subscribed("events", "runs")
    event = reprocess(harbor)
    assert spread_all(owner) == [made["id"]]
    assert deliver(owner, made["id"]) is None
    changes = {said["change"] for said in listener.said()}
    assert changes == {"events", "runs"}
    for headers, body in listener.heard:
        signed = f"{headers['Openbenefits-Timestamp']}.".encode() + body
        expected = hmac.new(made["secret"].encode(), signed, hashlib.sha256).hexdigest()
        assert headers["Openbenefits-Signature"] == f"v1={expected}"
        said = json.loads(body)
        assert set(said) == {"delivery", "change", "client", "run", "changed_at", "records"}
        assert said["client"] == "harbor"
        for record in said["records"]:
            assert harbor.browser.get(record["link"]).status_code == 200
    told = [one["id"] for said in listener.said() if said["change"] == "events" for one in said["records"]]
    assert event in told
    states = {one["state"] for one in harbor.get(f"{HOOKS}/{made['id']}/deliveries").json()["items"]}
    assert states == {"delivered"}


def test_elections_are_told_and_other_clients_are_not(harbor, listener, subscribed, owner, filled):
    made = subscribed("elections")
    quills = Program(filled.secrets["quill"])
    for program, client in ((quills, "quill"), (harbor, "harbor")):
        person_id = program.get(f"/clients/{client}/people").json()["items"][0]["id"]
        fact = {"event_class": "MAR", "on": "2026-02-10", "reported_on": "2026-02-12"}
        program.post(f"/clients/{client}/people/{person_id}/life-events", fact)
        asked = {"person_id": person_id, "schedule": "EM", "event_on": "2026-02-10", "event_class": "MAR"}
        schedules = program.get(f"/clients/{client}/schedules").json()["items"]
        asked["schedule"] = next(one["code"] for one in schedules if one["kind"] == "E")
        done = program.post(f"/clients/{client}/events", asked | {"as_of": "2026-02-20"})
        assert done.status_code == 201, done.content
        event = done.json()["event"]
        said = {"plan_type": "10", "option": "WAIVE", "received_on": "2026-02-20"}
        assert program.post(f"/clients/{client}/events/{event}/elections", said).status_code == 201
    spread_all(owner)
    deliver(owner, made["id"])
    assert [(one["client"], [record["id"] for record in one["records"]]) for one in listener.said()] == [
        ("harbor", [event])
    ]


def test_nothing_is_written_where_nobody_subscribed(harbor, owner):
    with owner():
        before = Outbox.objects.count()
    reprocess(harbor)
    with owner():
        assert Outbox.objects.count() == before


def test_what_is_not_taken_comes_again_later_and_in_order(harbor, listener, subscribed, owner):
    made = subscribed("runs")
    reprocess(harbor)
    reprocess(harbor)
    spread_all(owner)
    listener.answers = [500, 503]
    first = deliver(owner, made["id"])
    assert first == NOW + timedelta(seconds=30)
    assert len(listener.heard) == 1  # the others wait behind it
    second = deliver(owner, made["id"], first)
    assert second == first + timedelta(seconds=60)
    assert deliver(owner, made["id"], second) is None
    numbers = [said["delivery"] for said in listener.said()]
    assert numbers[:3] == [numbers[0]] * 3
    assert numbers[2:] == sorted(numbers[2:])
    assert [headers["Openbenefits-Attempt"] for headers, _ in listener.heard[:3]] == ["1", "2", "3"]


def test_what_is_never_taken_dies_holds_nothing_back_and_is_ordered_again(
    harbor, listener, subscribed, owner
):
    made = subscribed("runs")
    reprocess(harbor)
    spread_all(owner)
    listener.answers = [500] * services.MOST_ATTEMPTS
    at: datetime | None = NOW
    while at is not None:
        at = deliver(owner, made["id"], at)
    rows = harbor.get(f"{HOOKS}/{made['id']}/deliveries", state="dead").json()["items"]
    assert [(one["attempts"], one["told"]) for one in rows] == [(services.MOST_ATTEMPTS, "answered 500")]
    assert harbor.get(f"{HOOKS}/{made['id']}/deliveries", state="waiting").json()["items"] == []
    again = f"{HOOKS}/{made['id']}/deliveries/{rows[0]['id']}/redeliver"
    with owner():
        jobs = ProcrastinateJob.objects.filter(task_name="openbenefits.deliver").count()
    assert harbor.post(again).json()["state"] == "waiting"
    assert harbor.post(again).status_code == 409
    with owner():
        assert ProcrastinateJob.objects.filter(task_name="openbenefits.deliver").count() == jobs + 1
    deliver(owner, made["id"], timezone.now() + timedelta(seconds=1))
    assert listener.said()[-1]["delivery"] == rows[0]["id"]


def test_the_queue_does_it_by_itself(harbor, listener, subscribed, owner):
    made = subscribed("runs")
    reprocess(harbor)
    with owner(), app.replace_connector(app.connector.get_worker_connector()):
        app.run_worker(queues=["webhooks"], wait=False, install_signal_handlers=False)
    assert {said["change"] for said in listener.said()} == {"runs"}
    with owner():
        assert not Delivery.objects.filter(subscription_id=made["id"], state="waiting").exists()


def test_an_ended_subscription_hears_nothing(harbor, listener, subscribed, owner):
    made = subscribed("runs")
    reprocess(harbor)
    assert spread_all(owner) == [made["id"]]
    ended = harbor.delete(f"{HOOKS}/{made['id']}")
    assert ended.json()["ended_at"]
    assert deliver(owner, made["id"]) is None
    assert listener.heard == []
    rows = harbor.get(f"{HOOKS}/{made['id']}/deliveries").json()["items"]
    assert {one["state"] for one in rows} == {"dead"}
    again = harbor.post(f"{HOOKS}/{made['id']}/deliveries/{rows[0]['id']}/redeliver")
    assert again.status_code == 409


def test_many_ids_come_in_parts(subscribed, harbor, owner, filled):
    made = subscribed("coverage")
    client_id = filled.employers["harbor"].client_id
    with owner():
        ids = [str(number) for number in range(services.MOST_IDS + 1)]
        row = Outbox.objects.create(client=client_id, change="coverage", ids=ids, made_at=NOW)
        services.spread(row.pk, now=NOW)
        services.spread(row.pk, now=NOW)  # a worker that broke off begins again
        parts = Delivery.objects.filter(subscription_id=made["id"], outbox_id=row.pk).order_by("part")
        assert [one.records for one in parts] == [services.MOST_IDS, 1]
        assert json.loads(services.body_of(row, parts[1]))["records"][0]["id"] == ids[-1]


def test_what_ended_long_ago_is_forgotten(owner, filled, as_face):
    with owner():
        services.forget(NOW + timedelta(days=400))
        assert not Delivery.objects.filter(ended_at__isnull=False).exists()


# --- where nothing is sent ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hooks",
        "ftp://example.com",
        "https://",
        "https://user:pass@example.com/",
        "https://example.com/#part",
        "https://example.com:port/",
        "nothing",
        "https://example.com/a b",
    ],
)
def test_addresses_that_are_refused(url):
    with pytest.raises(AddressRefused, match="expected"):
        refuse_address(url, is_local=True)


def test_this_machine_is_an_address_of_a_local_installation_only():
    assert refuse_address("http://127.0.0.1:9/x", is_local=True)
    with pytest.raises(AddressRefused):
        refuse_address("http://127.0.0.1:9/x", is_local=False)


@pytest.mark.parametrize(
    "machine",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "0.0.0.0",
    ],
)
def test_no_machine_inside_is_reached_whatever_its_name(monkeypatch, machine):
    """A name of the public network may lead inside: what it leads to is looked at, and nothing is connected."""
    import socket

    def found(*_: object, **__: object) -> list:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (machine, 443))]

    def connected(*_: object, **__: object) -> None:
        raise AssertionError("connected")

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(socket, "create_connection", connected)
    given = {"secret": b"s", "delivery": "1", "attempt": 1, "now": NOW, "is_local": False}
    sent = send("https://hooks.example.com/", b"{}", **given)
    assert not sent.is_taken
    assert "private address" in sent.told


def test_a_subscription_needs_its_scope(filled, as_face):
    reading = Program(filled.secrets["reading"])
    answer = reading.post(HOOKS, {"url": "https://example.com/", "changes": ["runs"]})
    assert answer.status_code == 403
