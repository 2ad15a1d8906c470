"""A bundle as one zip file: written for people to take away, and read with distrust."""

import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from openbenefits.programs.findings import Finding
from openbenefits.programs.loaded import LoadedBundle, is_inside
from openbenefits.programs.reader import Reading, read
from openbenefits.programs.written import texts_of

LARGEST_UPLOAD = 20 * 2**20
LARGEST_UNPACKED = 100 * 2**20
MOST_FILES = 500
ENDINGS = (".yaml", ".yml", ".csv", ".md", ".txt")
"""What a bundle may hold; texts beside it are left out."""
_READ = (".yaml", ".yml", ".csv")
_LINK = 0o120000
_TYPE = 0o170000
_CHUNK = 2**16
BEGAN = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip we write, so that the same bundle gives the same bytes."""


class ArchiveRefused(ValueError):
    """A zip file that cannot be taken as a bundle; the message says what was expected and what to change."""


def zipped(bundle: LoadedBundle) -> bytes:
    """Write a bundle as a zip; the same bundle gives the same bytes."""
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts_of(bundle):
            coding = "utf-8-sig" if text.startswith("\ufeff") else "utf-8"
            entry = zipfile.ZipInfo(f"{bundle.code}/{name}", BEGAN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text.encode(coding))
    return whole.getvalue()


def read_zip(data: bytes) -> Reading:
    """Read a bundle from a zip; faults name the file in it and the line.

    Errors: ArchiveRefused for a file that is no zip, is too large, or would reach beyond its folder.
    """
    if len(data) > LARGEST_UPLOAD:
        raise ArchiveRefused(
            f"expected at most {LARGEST_UPLOAD // 2**20} MB, found more; leave other files out"
        )
    with TemporaryDirectory(prefix="openbenefits-upload-") as folder:
        root = Path(folder)
        try:
            with zipfile.ZipFile(BytesIO(data)) as archive:
                _unpack(archive, root)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
            raise ArchiveRefused(
                "expected a zip file without a password, found one that cannot be read; zip the folder again"
            ) from None
        reading = read(root)
    return Reading(bundle=reading.bundle, findings=[_without_folder(one, root) for one in reading.findings])


def _unpack(archive: zipfile.ZipFile, root: Path) -> None:
    entries = [one for one in archive.infolist() if not one.is_dir()]
    if len(entries) > MOST_FILES:
        raise ArchiveRefused(f"expected at most {MOST_FILES} files, found {len(entries)}; leave others out")
    for entry in entries:
        _refuse_odd(entry)
    common = _common_folder([one.filename for one in entries])
    left = LARGEST_UNPACKED
    for entry in entries:
        name = entry.filename[len(common) :]
        if PurePosixPath(name).suffix.lower() in _READ:
            left = _write(archive, entry, root / name, left)


def _refuse_odd(entry: zipfile.ZipInfo) -> None:
    """Refuse names that leave the folder, links, and files of other kinds."""
    name = entry.filename
    if not is_inside(name) or "\\" in name or ":" in name:
        raise ArchiveRefused(f"expected files inside the folder, found {name!r}; zip the folder itself")
    if (entry.external_attr >> 16) & _TYPE == _LINK:
        raise ArchiveRefused(f"expected files, found the link {name!r}; put the file itself into the zip")
    hidden = any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)
    if not hidden and PurePosixPath(name).suffix.lower() not in ENDINGS:
        raise ArchiveRefused(f"expected {', '.join(ENDINGS)} files, found {name!r}; leave it out")


def _common_folder(names: list[str]) -> str:
    """Answer the one folder everything lies in, with its slash; '' where files lie at the top."""
    firsts = {name.split("/", 1)[0] for name in names if not name.startswith("__MACOSX")}
    is_nested = len(firsts) == 1 and all("/" in name for name in names)
    return f"{firsts.pop()}/" if is_nested else ""


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, left: int) -> int:
    """Unpack one file and answer how many bytes may still come; sizes that a zip claims are not trusted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as packed, path.open("wb") as file:
        while chunk := packed.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise ArchiveRefused(
                    f"expected at most {LARGEST_UNPACKED // 2**20} MB unpacked, found more; leave files out"
                )
            file.write(chunk)
    return left


def _without_folder(finding: Finding, root: Path) -> Finding:
    """Leave out the name of the folder it was unpacked into."""
    is_folder = finding.file == str(root)
    return replace(finding, file="", where="the zip file") if is_folder else finding
