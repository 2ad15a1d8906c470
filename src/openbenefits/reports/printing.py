"""Letters as PDF, set by Typst with the fonts that come with it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

import polars as pl
import typst

from openbenefits.reports.files import write_whole

PAPERS = ("us-letter", "a4")
_TEMPLATES = ("common.typ", "enrollment.typ", "confirmation.typ")
_DATA = "letters.json"


class Press:
    """A Typst compiler over one template: it keeps fonts and template between files."""

    def __init__(self, folder: Path, template: str, paper: str) -> None:
        self._data = folder / _DATA
        self._inputs = {"data": f"/{_DATA}", "paper": paper}
        self._data.write_text("[]")
        self._compiler = typst.Compiler(
            str(folder / template), root=str(folder), ignore_system_fonts=True, sys_inputs=self._inputs
        )

    def print(self, letters: pl.DataFrame, path: Path) -> Path:
        """Set letters, one row each, into one PDF that is complete or not there."""
        letters.write_json(self._data)
        return write_whole(path, lambda draft: self._compiler.compile(output=str(draft), format="pdf"))

    def pictures(self, letters: pl.DataFrame) -> list[bytes]:
        """Set letters as PNG pictures of their pages."""
        letters.write_json(self._data)
        pages = self._compiler.compile(format="png", ppi=100)
        return pages if isinstance(pages, list) else [pages]


@contextmanager
def press(template: str, *, paper: str = "us-letter") -> Iterator[Press]:
    """Set up a press for `enrollment.typ` or `confirmation.typ`.

    Errors: ValueError for paper we do not print on.
    """
    if paper not in PAPERS:
        raise ValueError(f"paper is one of {', '.join(PAPERS)}, not {paper}")
    with tempfile.TemporaryDirectory(prefix="openbenefits-") as folder:
        for name in _TEMPLATES:
            with as_file(files("openbenefits.reports") / name) as source:
                shutil.copy(source, folder)
        yield Press(Path(folder), template, paper)
