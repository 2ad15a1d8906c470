"""The stand-in over real HTTP: sessions, grants, envelopes, troubles; one thread for each call.

`Standin` runs it inside a process, as tests and the demo do; `openbenefits platform stand-in` runs it
by itself.
"""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit
from urllib.request import urlopen

import msgspec

from openbenefits.platform.client.operations import OPERATIONS, Ask
from openbenefits.platform.client.paging import Reading
from openbenefits.platform.client.session import EXPIRED
from openbenefits.platform.client.values import read, written
from openbenefits.platform.standin.reads import READS
from openbenefits.platform.standin.troubles import BEFORE, Trouble, Troubles
from openbenefits.platform.standin.world import Answered, Record, World
from openbenefits.platform.standin.writes import WRITES

BASE = "/prismhr-api/services/rest"
SIGN_IN = {"createPeoSession", "invalidateSession", "keepAlive"}
STATUS = {
    Trouble.EXPIRED: (401, EXPIRED),
    Trouble.EXPIRED_IN_WORDS: (200, EXPIRED),
    Trouble.STALE: (409, "record has changed since it was read"),
    Trouble.LOCKED: (503, "record is in use by another user"),
    Trouble.THROTTLED: (429, "too many requests"),
    Trouble.THROTTLED_FOR: (429, "too many requests"),
    Trouble.THROTTLED_LONG: (429, "too many requests"),
    Trouble.BROKEN: (500, "internal error"),
}


@dataclass(kw_only=True)
class Terms:
    """How the stand-in behaves: whom it knows, what it lets them do, how long a session lives unused."""

    username: str = "service"
    password: str = "correct horse"  # noqa: S105 - of a server for tests
    peo_id: str = "624*D"
    idle_seconds: float = 3600
    slow_seconds: float = 1.0
    reading: Reading = Reading.RECORDS
    looks: int = 2  # at a build, until it is done
    grants: frozenset[str] | None = None  # Service.operation; None: everything
    clients: frozenset[str] | None = None  # None: all of them
    unmasked: frozenset[str] = frozenset()
    port: int = 0


@dataclass(kw_only=True)
class Standin:
    """A running stand-in: its world, what goes wrong next, every call it had."""

    terms: Terms = field(default_factory=Terms)
    world: World = field(default_factory=World)
    troubles: Troubles = field(default_factory=Troubles)
    calls: list[str] = field(default_factory=list)
    _server: Any = None

    def __enter__(self) -> "Standin":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Answer calls from now on, on the loopback."""
        handler = type("Handler", (_Handler,), {"standin": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.terms.port), handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The base of its addresses."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{BASE}"

    def expire(self) -> None:
        """End every session."""
        self.world.sessions.clear()

    # --- one call -------------------------------------------------------------------------------------------

    def answer(self, name: str, verb: str, session: Mapping[str, str], asked: Record) -> tuple[int, Any]:
        """Carry out a call; answer the status and the body."""
        operation = OPERATIONS.get(name)
        if operation is None or verb != ("GET" if operation.ask is Ask.GET else "POST"):
            return 404, _envelope("operation is not known", "404")
        try:
            with self.world.lock:
                if name in SIGN_IN:
                    return 200, _envelope() | self._signed(name, session, asked)
                self._admit(operation.ask, operation.grant, session, asked)
                asked.pop("sessionId", None)
                return 200, _envelope() | self._carried_out(name, asked)
        except Answered as told:
            return told.status, _envelope(told.told, told.code)

    def _signed(self, name: str, session: Mapping[str, str], asked: Record) -> Record:
        if name == "createPeoSession":
            if asked.get("peoId") != self.terms.peo_id:
                raise Answered(404, "PEO is not known")
            if (asked.get("username"), asked.get("password")) != (self.terms.username, self.terms.password):
                raise Answered(403, "bad credentials")
            number = self.world.number("session-")
            self.world.sessions[number] = time.monotonic()
            return {"sessionId": number}
        if name == "invalidateSession":
            self.world.sessions.pop(session.get("header", ""), None)
        return {"updateMessage": "ok"}

    def _admit(self, ask: Ask, grant: str, session: Mapping[str, str], asked: Record) -> None:
        number = asked.get("sessionId") if ask is Ask.JSON else session.get("header")
        last = self.world.sessions.get(str(number or ""))
        if last is None or time.monotonic() - last > self.terms.idle_seconds:
            raise Answered(401, EXPIRED)
        self.world.sessions[str(number)] = time.monotonic()
        if self.terms.grants is not None and grant not in self.terms.grants:
            raise Answered(403, "this user session is not authorized for the method specified")
        if self.terms.clients is not None and asked.get("clientId") not in (*self.terms.clients, None):
            raise Answered(403, "company is not open to this user")

    def _carried_out(self, name: str, asked: Record) -> Record:
        if name in WRITES:
            if name == "createSubscription":
                self._shake_hands(str(asked.get("webhookUrls") or ""))
            return WRITES[name](self.world, asked)
        if name not in READS:
            raise Answered(501, "not supported by the stand-in")
        told = {"_reading": self.terms.reading, "_unmasked": self.terms.unmasked}
        return READS[name](
            self.world, asked | told | {"_looks": self.terms.looks, "_grants": self.terms.grants}
        )

    def _shake_hands(self, urls: str) -> None:
        for url in filter(None, urls.split(",")):
            token = self.world.number("token-")
            with urlopen(f"{url}?{urlencode({'validationToken': token})}", timeout=20) as found:  # noqa: S310
                if found.read().decode() != token:
                    raise Answered(422, "webhook did not answer the token")

    def built(self, number: str) -> Any:
        """Answer what a build made."""
        found = self.world.builds.get(number)
        return None if found is None else found["made"]


WAITS = {Trouble.THROTTLED_FOR: {"Retry-After": "1"}, Trouble.THROTTLED_LONG: {"Retry-After": "3600"}}


def _odd(body: Record) -> Record:
    """Answer the envelope as it is, and numbers in the place of records and lists of records."""
    return {name: 7 if isinstance(value, dict) else _odd_rows(value) for name, value in body.items()}


def _odd_rows(value: Any) -> Any:
    return [7 for _ in value] if isinstance(value, list) else value


def _envelope(told: str = "", code: str = "0") -> Record:
    return {"errorCode": code, "errorMessage": told, "extension": None}


class _Handler(BaseHTTPRequestHandler):
    """Reads a call, lets trouble meet it, answers it."""

    standin: Standin
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer is one packet

    def log_message(self, *_: object) -> None:
        """Write no log: addresses name people."""

    def do_GET(self) -> None:
        """Answer what reads."""
        parts = urlsplit(self.path)
        if "/built/" in parts.path:
            self._say(200, written(self.standin.built(parts.path.rsplit("/", 1)[1])))
            return
        asked = {
            name: found[0] if len(found) == 1 else found for name, found in parse_qs(parts.query).items()
        }
        self._call("GET", parts.path, asked)

    def do_POST(self) -> None:
        """Answer what writes."""
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_json = self.headers.get("Content-Type", "").startswith("application/json")
        try:
            found = read(content) if is_json else {n: v[0] for n, v in parse_qs(content.decode()).items()}
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._say(400, written(_envelope("malformed", "400")))
            return
        self._call("POST", urlsplit(self.path).path, found)

    def _call(self, verb: str, path: str, asked: Record) -> None:
        name = path.rsplit("/", 1)[1]
        operation = OPERATIONS.get(name)
        if operation is None or path != BASE + operation.path:
            self._say(404, written(_envelope("no such address", "404")))
            return
        self.standin.calls.append(name)
        trouble = self.standin.troubles.next(name)
        if trouble in BEFORE:
            status, told = STATUS[trouble]
            self._say(status, written(_envelope(told, "1")), WAITS.get(trouble))
            return
        session = {"header": self.headers.get("sessionId", "")}
        status, body = self.standin.answer(name, verb, session, asked)
        self._said(trouble, status, body)

    def _said(self, trouble: Trouble | None, status: int, body: Any) -> None:
        content = written(body)
        if trouble is Trouble.LOST:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if trouble is Trouble.SLOW:
            time.sleep(self.standin.terms.slow_seconds)
        elif trouble is Trouble.GARBAGE:
            content = b"<html>" + quote("service").encode()
        elif trouble is Trouble.TRUNCATED:
            content = content[: len(content) // 2]
        elif trouble is Trouble.OTHER_SHAPE:
            content = b"[]"
        elif trouble is Trouble.ODD_RECORDS:
            content = written(_odd(body))
        elif trouble in (Trouble.TWICE, Trouble.PARTIAL) and "events" in body:
            status, content = self._retold(trouble, status, body)
        self._say(status, content, pause=0.05 if trouble is Trouble.DRIPPING else 0)

    def _retold(self, trouble: Trouble, status: int, body: Record) -> tuple[int, bytes]:
        """Tell events twice and the latest first; or some of them only."""
        if trouble is Trouble.TWICE:
            return status, written(body | {"events": [*reversed(body["events"]), *body["events"]]})
        half = len(body["events"]) // 2
        first = int(body["nextEvent"]) - len(body["events"])
        less = {"events": body["events"][:half], "nextEvent": str(first + half), "isPartial": True}
        return 206, written(body | less)

    def _say(
        self, status: int, content: bytes, headers: Mapping[str, str] | None = None, pause: float = 0
    ) -> None:
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            for part in [content[at : at + 1] for at in range(len(content))] if pause else [content]:
                self.wfile.write(part)
                self.wfile.flush()
                time.sleep(pause)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the caller gave up
