"""A host of SFTP in this process, over a real socket: one user, one folder, and breaks of the connection on order."""

import errno
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import paramiko

USER, PASSWORD = "peo", "not-for-real"  # a host of tests


@dataclass
class Host:
    """Where it listens, what it lets in, and what is to go wrong: breaks by the name of an operation."""

    root: Path
    key: paramiko.PKey
    port: int = 0
    breaks: list[str] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)
    transports: list[paramiko.Transport] = field(default_factory=list)

    @property
    def host_key(self) -> str:
        return f"[127.0.0.1]:{self.port} {self.key.get_name()} {self.key.get_base64()}"

    def at(self, name: str) -> bool:
        """Note an operation; answer whether the connection breaks at it."""
        self.done.append(name)
        if name in self.breaks:
            self.breaks.remove(name)
            for one in self.transports:
                one.sock.close()
            return True
        return False


class _Door(paramiko.ServerInterface):
    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_auth_password(self, username: str, password: str) -> int:
        is_known = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if is_known else paramiko.AUTH_FAILED


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: _Door, host: Host) -> None:
        self.host = host

    def _at(self, path: str) -> Path:
        return self.host.root / path.lstrip("/")

    def stat(self, path: str):
        if self.host.at("stat"):
            return paramiko.SFTP_FAILURE
        try:
            return paramiko.SFTPAttributes.from_stat(self._at(path).stat())
        except OSError as fault:
            return paramiko.SFTPServer.convert_errno(fault.errno or errno.EIO)

    lstat = stat

    def list_folder(self, path: str):
        found = []
        for one in sorted(self._at(path).iterdir()):
            told = paramiko.SFTPAttributes.from_stat(one.stat())
            told.filename = one.name
            found.append(told)
        return found

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes):
        is_write = bool(flags & os.O_WRONLY)
        name = "write" if is_write else "read"
        if self.host.at(name):
            return paramiko.SFTP_FAILURE
        if name in self.host.denied:
            return paramiko.SFTP_PERMISSION_DENIED
        try:
            handle = paramiko.SFTPHandle(flags)
            file = self._at(path).open("wb" if is_write else "rb")
        except OSError as fault:
            return paramiko.SFTPServer.convert_errno(fault.errno or errno.EIO)
        handle.readfile = handle.writefile = file
        return handle

    def rename(self, oldpath: str, newpath: str) -> int:
        if self.host.at("before rename"):
            return paramiko.SFTP_FAILURE
        if self._at(newpath).exists():
            return paramiko.SFTP_FAILURE
        self._at(oldpath).rename(self._at(newpath))
        if self.host.at("after rename"):
            return paramiko.SFTP_FAILURE
        return paramiko.SFTP_OK

    def mkdir(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        self._at(path).mkdir()
        return paramiko.SFTP_OK


@contextmanager
def host(root: Path) -> Iterator[Host]:
    """Listen on a port of this machine until the end."""
    told = Host(root=root, key=paramiko.ECDSAKey.generate())
    listening = socket.create_server(("127.0.0.1", 0))
    told.port = listening.getsockname()[1]

    def serve() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            transport = paramiko.Transport(line)
            told.transports.append(transport)
            transport.add_server_key(told.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, told)
            try:
                transport.start_server(server=_Door())
            except (paramiko.SSHException, EOFError, OSError):
                transport.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield told
    finally:
        listening.close()
        for one in told.transports:
            one.close()
