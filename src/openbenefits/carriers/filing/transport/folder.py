"""A folder of this machine, or one mounted: a file appears under its name whole, and over no other."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

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


class Folder:
    """Two folders: where files are put, and where answers are found."""

    def __init__(self, files: str, answers: str) -> None:
        """Take both; either may be empty where nothing goes that way."""
        self.files, self.answers = files, answers

    def put(self, name: str, content: bytes, placed: Placed, *, is_placed: bool = False) -> None:
        """Put a file, readable by its owner alone."""
        folder = _there(self.files, "files")
        target, part = folder / plain(name), folder / f".{plain(name)}{PART}"
        with _told(folder):
            if _is_same(target, content):
                return
            if is_placed and not (part.exists() and part.read_bytes() == content):
                raise perhaps_taken(name)
            if not is_placed:
                _write(part, content)
                placed()
        with _told(folder, is_sure=False):
            try:
                target.hardlink_to(part)  # unlike a rename it fails where one of the name is there
            except FileExistsError:
                _is_same(target, content)  # somebody was quicker, with the same bytes or it raises
            part.unlink()

    def waiting(self) -> list[str]:
        """List the answers that wait."""
        if not self.answers:
            return []
        folder = _there(self.answers, "answers")
        with _told(folder):
            return sorted(
                one.name for one in folder.iterdir() if one.is_file() and not one.name.startswith(".")
            )

    def fetch(self, name: str) -> bytes:
        """Read an answer."""
        file = _there(self.answers, "answers") / plain(name)
        with _told(file):
            if file.stat().st_size > LARGEST_ANSWER:
                raise TransferFailed(
                    f"{name}: expected at most {LARGEST_ANSWER // 2**20} MB, found more; take it by hand"
                )
            return file.read_bytes()

    def set_aside(self, name: str) -> None:
        """Move an answer that was taken aside, beside earlier ones of its name."""
        folder = _there(self.answers, "answers")
        with _told(folder):
            (folder / DONE).mkdir(exist_ok=True)
            file = folder / plain(name)
            for number in count():
                aside = folder / DONE / (f"{number}_{name}" if number else name)
                try:
                    aside.hardlink_to(file)
                except FileExistsError:
                    continue
                file.unlink()
                return


def _there(folder: str, what: str) -> Path:
    if not folder or not Path(folder).is_dir():
        found = "none that is there" if folder else "none"
        raise TransferFailed(f"expected a folder for {what}, found {found}; correct it in the agreement")
    return Path(folder)


def _write(part: Path, content: bytes) -> None:
    """Write a file for its owner's eyes; what an earlier transfer left is written anew."""
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _is_same(target: Path, content: bytes) -> bool:
    """Tell whether the file is there already. Errors: TransferFailed where another one of its name is."""
    if not target.exists():
        return False
    if target.stat().st_size != len(content) or target.read_bytes() != content:
        raise other_there(target.name)
    return True


@contextmanager
def _told(place: Path, *, is_sure: bool = True) -> Iterator[None]:
    """Say a fault of the file system in words of ours."""
    try:
        yield
    except OSError as fault:
        raise TransferFailed(
            f"{place}: {fault.strerror or type(fault).__name__}. Check the folder and its rights.",
            is_sure=is_sure,
        ) from fault
