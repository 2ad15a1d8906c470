"""One signed POST to the address of a subscriber, to a machine that was looked at before."""

import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

SECONDS = 10
MOST_CHARACTERS = 2_000
LOCAL = ("localhost", "127.0.0.1", "::1")


class AddressRefused(ValueError):
    """An address that nothing is sent to: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What an attempt came to: whether it was taken, and how it was answered, in words without content."""

    is_taken: bool
    told: str


def refuse_address(url: str, *, is_local: bool) -> SplitResult:
    """Refuse what is no address of a subscriber; of the local installation, this machine may be one.

    Errors: AddressRefused.
    """
    try:
        parts = urlsplit(url)
        port_of(parts)
    except ValueError:
        raise AddressRefused("expected an address like https://example.com/hooks, found no address") from None
    is_here = is_local and parts.hostname in LOCAL and parts.scheme == "http"
    if len(url) > MOST_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefused(f"expected at most {MOST_CHARACTERS} printable ASCII characters, found others")
    if not parts.hostname or (parts.scheme != "https" and not is_here):
        raise AddressRefused(
            f"expected an address that begins with https://, found '{parts.scheme or 'none'}'; name one"
        )
    if parts.username or parts.password or parts.fragment:
        raise AddressRefused("expected an address without a user, password or fragment; leave them out")
    return parts


def send(
    url: str, body: bytes, *, secret: bytes, delivery: str, attempt: int, now: datetime, is_local: bool
) -> Sent:
    """Send a body once, signed; nothing is followed to another address.

    Missing: what cannot be reached, or answers anything but 2xx, was not taken.
    """
    stamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "openbenefits-webhooks",
        "Openbenefits-Delivery": delivery,
        "Openbenefits-Attempt": str(attempt),
        "Openbenefits-Timestamp": stamp,
        "Openbenefits-Signature": f"v1={signature(secret, stamp, body)}",
    }
    try:
        parts = refuse_address(url, is_local=is_local)
        machine = _machine(parts, is_local=is_local)
        status = _post(parts, machine, body, headers)
    except AddressRefused as refused:
        return Sent(is_taken=False, told=str(refused))
    except ssl.SSLError:
        return Sent(is_taken=False, told="expected a valid certificate, found none")
    except (OSError, http.client.HTTPException) as fault:
        return Sent(is_taken=False, told=f"could not be reached ({type(fault).__name__})")
    is_taken = 200 <= status < 300
    return Sent(is_taken=is_taken, told=f"answered {status}")


def signature(secret: bytes, stamp: str, body: bytes) -> str:
    """Answer the HMAC-SHA256 of the time and the body, as hexadecimal digits."""
    return hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def port_of(parts: SplitResult) -> int:
    """Answer the port of an address."""
    return parts.port or (443 if parts.scheme == "https" else 80)


def _machine(parts: SplitResult, *, is_local: bool) -> str:
    """Find the machine of an address, which is then connected to; refuse one inside our own network."""
    found = socket.getaddrinfo(parts.hostname, port_of(parts), type=socket.SOCK_STREAM)
    machines = [ipaddress.ip_address(str(place[4][0]).split("%")[0]) for place in found]
    if not all(_is_outside(one) or (is_local and one.is_loopback) for one in machines):
        raise AddressRefused("expected a machine on the public network, found a private address")
    return str(machines[0])


def _is_outside(machine: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    inner = getattr(machine, "ipv4_mapped", None) or machine
    return inner.is_global and not inner.is_multicast


class _Pinned(http.client.HTTPSConnection):
    """A connection to the machine that was looked at, under the name of the address."""

    machine = ""

    def connect(self) -> None:
        """Connect, and check the certificate against the name."""
        plain = socket.create_connection((self.machine, self.port), self.timeout)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


def _post(parts: SplitResult, machine: str, body: bytes, headers: dict[str, str]) -> int:
    connection: Any
    if parts.scheme == "https":
        connection = _Pinned(parts.hostname or "", port_of(parts), timeout=SECONDS)
        connection.machine = machine
    else:
        connection = http.client.HTTPConnection(machine, port_of(parts), timeout=SECONDS)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = {} if parts.scheme == "https" else {"Host": parts.netloc}
        connection.request("POST", target, body=body, headers=headers | host)
        status: int = connection.getresponse().status
        return status
    finally:
        connection.close()
