"""SFTP: the host proves who it is; a file is written aside, then renamed; looked for after a break."""

import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import paramiko
import stamina
from paramiko.hostkeys import HostKeyEntry

from openbenefits.carriers.agreements.partners import Transport
from openbenefits.carriers.filing.transport.carriage import (
    DONE,
    LARGEST_ANSWER,
    PART,
    Placed,
    TransferFailed,
    other_there,
    perhaps_taken,
    plain,
)

ATTEMPTS = 3
CONNECTING, ANSWERING = 20.0, 60.0
SSH_PORT = 22
BROKEN = (paramiko.SSHException, EOFError, ConnectionError, TimeoutError)
T = TypeVar("T")


class Broken(Exception):
    """A connection that could not be made, or broke: worth another attempt."""


class Sftp:
    """One partner's host. A connection is made for each attempt and closed after it."""

    def __init__(self, told: Transport) -> None:
        """Take what the agreement says; nothing is connected yet."""
        self.told = told

    def put(self, name: str, content: bytes, placed: Placed, *, is_placed: bool = False) -> None:
        """Put a file; after a break look whether it arrived, before anything is sent again."""
        told = {"is_placed": is_placed}
        target = f"{self.told.folder.rstrip('/')}/{plain(name)}" if self.told.folder else plain(name)
        part = f"{target}{PART}"

        def once(session: paramiko.SFTPClient) -> None:
            if _is_there(session, target, content):
                return
            if told["is_placed"] and _size(session, part) != len(content):
                raise perhaps_taken(name)
            if not told["is_placed"]:
                session.putfo(io.BytesIO(content), part, len(content))  # sees that all bytes are there
                placed()
                told["is_placed"] = True
            session.rename(part, target)  # unlike posix_rename it writes over nothing

        self._again(once, is_sure=lambda: not told["is_placed"])

    def waiting(self) -> list[str]:
        """List the answers that wait."""
        if not self.told.answers:
            return []

        def listed(session: paramiko.SFTPClient) -> list[str]:
            found = session.listdir_attr(self.told.answers)
            return sorted(
                one.filename
                for one in found
                if stat.S_ISREG(one.st_mode or 0) and not one.filename.startswith(".")
            )

        return self._again(listed)

    def fetch(self, name: str) -> bytes:
        """Read an answer."""
        path = f"{self.told.answers.rstrip('/')}/{plain(name)}"

        def read(session: paramiko.SFTPClient) -> bytes:
            if (_size(session, path) or 0) > LARGEST_ANSWER:
                raise TransferFailed(
                    f"{name}: expected at most {LARGEST_ANSWER // 2**20} MB, found more; take it by hand"
                )
            held = io.BytesIO()
            session.getfo(path, held)
            return held.getvalue()

        return self._again(read)

    def set_aside(self, name: str) -> None:
        """Move an answer that was taken aside, beside earlier ones of its name."""
        folder = self.told.answers.rstrip("/")

        def moved(session: paramiko.SFTPClient) -> None:
            if _size(session, f"{folder}/{DONE}") is None:
                session.mkdir(f"{folder}/{DONE}")
            if _size(session, f"{folder}/{plain(name)}") is None:
                return  # an attempt before this one did it
            for number in count():
                aside = f"{folder}/{DONE}/{f'{number}_' if number else ''}{name}"
                if _size(session, aside) is None:
                    session.rename(f"{folder}/{name}", aside)
                    return

        self._again(moved)

    def _again(
        self, act: Callable[[paramiko.SFTPClient], T], is_sure: Callable[[], bool] = lambda: True
    ) -> T:
        """Do something with a connection, a few times where it breaks. Errors: TransferFailed."""
        try:
            for attempt in stamina.retry_context(on=Broken, attempts=ATTEMPTS, timeout=None):
                with attempt, self._session() as session:
                    return act(session)
        except Broken as fault:
            raise TransferFailed(
                f"{self.told.host}: expected a connection that holds, found none in {ATTEMPTS} attempts"
                f" ({fault}); try again later, or ask the partner",
                is_sure=is_sure(),
            ) from fault
        raise AssertionError  # pragma: no cover - an attempt answers or raises

    @contextmanager
    def _session(self) -> Iterator[paramiko.SFTPClient]:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        self._known(client)
        try:
            client.connect(
                self.told.host,
                port=self.told.port,
                username=self.told.user,
                timeout=CONNECTING,
                banner_timeout=CONNECTING,
                auth_timeout=CONNECTING,
                allow_agent=False,
                look_for_keys=False,
                **_secret(self.told),
            )
            session = client.open_sftp()
            channel = session.get_channel()
            if channel is not None:
                channel.settimeout(ANSWERING)
            yield session
        except paramiko.BadHostKeyException as fault:
            raise _refused(
                self.told, "the host key of the agreement", "another; do not send before"
            ) from fault
        except paramiko.AuthenticationException as fault:
            raise _refused(self.told, "to be let in", "a refusal; look at user and secret, or") from fault
        except BROKEN as fault:
            raise Broken(type(fault).__name__) from fault
        except OSError as fault:
            if _is_unreached(fault):
                raise Broken(fault.strerror or type(fault).__name__) from fault
            words = fault.strerror or str(fault.args[-1] if fault.args else type(fault).__name__)
            raise TransferFailed(
                f"{self.told.host}: {words}. Check folders and rights in the agreement."
            ) from fault
        finally:
            client.close()

    def _known(self, client: paramiko.SSHClient) -> None:
        """Let the client know the one key the host must have."""
        entry = HostKeyEntry.from_line(self.told.host_key) if self.told.host_key else None
        if entry is None or entry.key is None:
            raise _refused(
                self.told, "the host key in the agreement, as a line of known_hosts", "none; add it or"
            )
        name = self.told.host if self.told.port == SSH_PORT else f"[{self.told.host}]:{self.told.port}"
        client.get_host_keys().add(name, entry.key.get_name(), entry.key)


def _secret(told: Transport) -> dict[str, Any]:
    """Answer password or key, from where the agreement says the environment has it."""
    value = os.environ.get(told.secret, "") if told.secret else ""
    if not value:
        raise TransferFailed(
            f"{told.host}: expected a password, or the path of a key, in the environment variable"
            f" {told.secret or '(none is named)'}, found nothing; set it where the worker runs"
        )
    file = Path(value)
    if not (file.is_absolute() and file.is_file()):
        return {"password": value}
    try:
        return {"pkey": paramiko.PKey.from_path(file)}
    except (paramiko.SSHException, ValueError, TypeError, OSError) as fault:
        raise TransferFailed(
            f"{told.host}: expected a private key in the file that {told.secret} names, found none that can"
            " be read; put one there without a passphrase"
        ) from fault


def _refused(told: Transport, expected: str, found: str) -> TransferFailed:
    return TransferFailed(f"{told.host}: expected {expected}, found {found} ask the partner")


def _is_unreached(fault: OSError) -> bool:
    """Whether the network failed, and not the host refused: its refusals have the numbers of files."""
    files = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, None)
    return fault.errno not in files or isinstance(fault, paramiko.ssh_exception.NoValidConnectionsError)


def _size(session: paramiko.SFTPClient, path: str) -> int | None:
    try:
        return session.stat(path).st_size or 0
    except FileNotFoundError:
        return None


def _is_there(session: paramiko.SFTPClient, target: str, content: bytes) -> bool:
    """Tell whether the file is there already, by size, and by bytes where they may be read.

    Errors: TransferFailed where another one of its name is there.
    """
    size = _size(session, target)
    if size is None:
        return False
    if size != len(content):
        raise other_there(Path(target).name)
    held = io.BytesIO()
    try:
        session.getfo(target, held)
    except PermissionError:
        return True  # a letter box: what was put in is not read
    if hashlib.sha256(held.getvalue()).digest() != hashlib.sha256(content).digest():
        raise other_there(Path(target).name)
    return True
