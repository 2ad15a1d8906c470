"""A session with the platform: each call is signed in, checked, repeated where safe, and read exactly.

Nothing that is sent or answered is logged.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import stamina

from openbenefits.platform.client import values
from openbenefits.platform.client.faults import (
    Busy,
    NotGranted,
    NotReached,
    NotThere,
    PlatformFault,
    Refused,
    SessionEnded,
    SignInRefused,
    Stale,
    Unsure,
)
from openbenefits.platform.client.operations import OPERATIONS, Ask, Operation

MOST_BYTES = 256 * 2**20
LONGEST_TOLD = 120
"""So many seconds of waiting a platform may ask for; who asks for more is asked again later."""
EXPIRED = "this user session has expired"
NOTHING_FOUND = ("no data", "not found", "no records", "no result", "cannot find")
Answer = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Where the platform is, and as whom one comes in: a web service user, never a person's login."""

    base_url: str
    peo_id: str
    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long an answer is waited for, and how often what is safe to repeat is repeated.

    seconds: until something comes. whole_seconds: until all of it is there.
    """

    seconds: float = 60
    whole_seconds: float = 600
    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 30


@dataclass(frozen=True, kw_only=True)
class Heard:
    """An answer, read whole."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class Session:
    """One session; several at once are several of these."""

    def __init__(self, credentials: Credentials, patience: Patience | None = None) -> None:
        """Nothing is asked yet: the first call signs in."""
        self.credentials = credentials
        self.patience = patience or Patience()
        self.base = credentials.base_url.rstrip("/")
        self._http = httpx.Client(timeout=self.patience.seconds, follow_redirects=False)
        self._number: str | None = None

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session, there and here; one that cannot be ended there ends by itself."""
        try:
            if self._number is not None:
                self._once(OPERATIONS["invalidateSession"], {})
        except PlatformFault:
            pass
        finally:
            self._number = None
            self._http.close()

    def call(self, name: str, **asked: Any) -> Answer:
        """Call an operation by its name; answer the payload.

        A read is repeated after a fault of the way; a write only where it was refused for being busy. After a
        session has ended one signs in once more, and calls once more.

        Errors: those of `faults`; Unsure for a write nobody knows the fate of.
        """
        operation = OPERATIONS[name]
        repeated: Answer = {}
        for attempt in stamina.retry_context(
            on=_is_worth_another(),
            attempts=self.patience.attempts,
            timeout=None,
            wait_initial=self.patience.first_wait,
            wait_max=self.patience.longest_wait,
            wait_jitter=self.patience.first_wait,
        ):
            with attempt:
                repeated = self._signed_in(operation, asked)
        return repeated

    def rows(self, name: str, **asked: Any) -> list[Any]:
        """Call an operation that answers a list, not paged; what is not found is an empty list."""
        operation = OPERATIONS[name]
        try:
            return listed(self.call(name, **asked), operation.rows)
        except NotThere:
            return []

    def fetch(self, address: str) -> Any:
        """Read the file a build left; only from where the platform itself is.

        Errors: Refused for another machine; NotReached.
        """
        here, there = httpx.URL(self.base), httpx.URL(self.base).join(address)
        if (here.scheme, here.host, here.port) != (there.scheme, there.host, there.port):
            raise Refused("expected a file on the platform itself, found another machine; nothing was read")
        try:
            return values.read(self._hear("GET", there, headers=self._headers()).content)
        except (httpx.HTTPError, *values.NO_JSON) as fault:
            raise NotReached(f"the file of a build could not be read ({type(fault).__name__})") from None

    # --- one call -------------------------------------------------------------------------------------------

    def _signed_in(self, operation: Operation, asked: Mapping[str, Any]) -> Answer:
        if self._number is None:
            self._sign_in()
        try:
            return self._once(operation, asked)
        except SessionEnded:
            self._number = None
            self._sign_in()
        return self._once(operation, asked)

    def _sign_in(self) -> None:
        said = {
            "username": self.credentials.username,
            "password": self.credentials.password,
            "peoId": self.credentials.peo_id,
        }
        try:
            answer = self._once(OPERATIONS["createPeoSession"], said)
        except (NotGranted, NotThere, Refused) as fault:
            raise SignInRefused(
                "expected a user, password and PEO number the platform knows, and it refused them;"
                " correct the connection"
            ) from fault
        except Unsure as fault:
            raise NotReached(str(fault)) from None
        number = answer.get("sessionId")
        if not isinstance(number, str) or not number:
            raise NotReached("expected a session number, found none")
        self._number = number

    def _once(self, operation: Operation, asked: Mapping[str, Any]) -> Answer:
        try:
            answer = self._send(operation, asked)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as fault:
            raise NotReached(f"{operation.name}: not reached ({type(fault).__name__})") from None
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise _lost(operation, type(fault).__name__) from None
        return _payload(operation, answer)

    def _hear(self, verb: str, url: httpx.URL | str, **sent: Any) -> Heard:
        """Ask, and read the answer whole, as long as it ends in time and is of a size.

        Errors: httpx.ReadTimeout where it does not.
        """
        until, parts, size = time.monotonic() + self.patience.whole_seconds, [], 0
        with self._http.stream(verb, url, **sent) as answer:
            for part in answer.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > MOST_BYTES or time.monotonic() > until:
                    raise httpx.ReadTimeout("an answer that does not end")
            headers = dict(answer.headers)
            return Heard(status_code=answer.status_code, headers=headers, content=b"".join(parts))

    def _send(self, operation: Operation, asked: Mapping[str, Any]) -> Heard:
        url, headers = f"{self.base}{operation.path}", self._headers()
        if operation.ask is Ask.GET:
            return self._hear("GET", url, params=_query(asked), headers=headers)
        if operation.ask is Ask.FORM:
            return self._hear("POST", url, data=_query(asked), headers=headers)
        body = dict(asked)
        if operation.ask is Ask.JSON:
            body["sessionId"] = self._number
        headers["Content-Type"] = "application/json"
        return self._hear("POST", url, content=values.written(body), headers=headers)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        return headers | {"sessionId": self._number} if self._number else headers


def _query(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Write what is asked as an address has it: nothing is left out, a list repeats its name."""
    found: dict[str, Any] = {}
    for name, value in asked.items():
        if value is None or value == "":
            continue
        found[name] = str(value).lower() if isinstance(value, bool) else value
    return found


def _lost(operation: Operation, why: str) -> PlatformFault:
    """A call whose answer cannot be read: for a write nobody knows whether it was done."""
    if operation.is_write:
        return Unsure(f"{operation.name}: sent, and no answer that can be read ({why})")
    return NotReached(f"{operation.name}: no answer that can be read ({why})")


def _payload(operation: Operation, answer: Heard) -> Answer:
    """Read an answer, or raise what its status or envelope says."""
    if answer.status_code == httpx.codes.NO_CONTENT:
        return {}
    try:
        found = values.read(answer.content)
    except values.NO_JSON:
        found = None
    envelope = found if isinstance(found, dict) else None
    told = values.text((envelope or {}).get("errorMessage"))
    if answer.status_code == httpx.codes.UNAUTHORIZED or told.casefold() == EXPIRED:
        raise SessionEnded("the session has ended")
    if answer.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
        raise _of_status(operation, answer, told)
    if envelope is None or "errorCode" not in envelope:
        raise _lost(operation, "garbled")
    if values.text(envelope["errorCode"]) not in ("0", ""):
        raise Refused(f"{operation.name} was refused: {told or 'no reason given'}")
    return envelope


def _of_status(operation: Operation, answer: Heard, told: str) -> PlatformFault:
    name, status = operation.name, answer.status_code
    said = f"{name} was answered {status}: {told or 'no reason given'}"
    if status == httpx.codes.FORBIDDEN:
        return NotGranted(f"expected the grant {operation.grant}, found none; ask for it at the platform")
    if status == httpx.codes.NOT_FOUND:
        return NotThere(said)
    if status == httpx.codes.CONFLICT:
        return Stale(said)
    if status in (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS):
        after = answer.headers.get("retry-after", "")
        return Busy(said, wait=float(after) if after.isdecimal() else None)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR and status != httpx.codes.NOT_IMPLEMENTED:
        if not operation.is_write and any(words in told.casefold() for words in NOTHING_FOUND):
            return NotThere(said)
        return _lost(operation, f"answered {status}")
    return Refused(said)


def _is_worth_another() -> Callable[[Exception], bool | float]:
    """Tell of a fault whether the same call may be made again, and after how many seconds if it says so."""

    def judged(fault: Exception) -> bool | float:
        if isinstance(fault, Busy):
            return True if fault.wait is None else fault.wait <= LONGEST_TOLD and fault.wait
        return isinstance(fault, NotReached)  # a write that is Unsure is no NotReached

    return judged


def listed(answer: Answer, where: str) -> list[Any]:
    """Find a list in an answer; where it is missing or null there is nothing.

    Errors: NotReached where there is something else in its place.
    """
    found: Any = answer
    for name in where.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
        if found is None:
            return []
    if not isinstance(found, list):
        raise NotReached(f"expected a list as '{where}', found something else")
    return found


def in_parts(ids: Sequence[str], most: int) -> list[list[str]]:
    """Cut a list of ids into parts of which each may be asked for at once."""
    return [list(ids[start : start + most]) for start in range(0, len(ids), most)]


def pause(seconds: float) -> None:
    """Wait between two looks at what the platform builds."""
    time.sleep(seconds)
