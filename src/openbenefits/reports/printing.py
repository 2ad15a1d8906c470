"""Letters as PDF, set by Typst with the fonts that come with it."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import polars as pl

from openbenefits.reports.files import draft_of, finish
from openbenefits.reports.spoken import ENGLISH, words_of
from openbenefits.runs.workers import most_workers

PAPERS = ("us-letter", "a4")
LEAST_LETTERS = 20
"""So many letters at least are worth a typesetter of their own."""
_TEMPLATES = (
    *("common.typ", "enrollment.typ", "confirmation.typ", "submission.typ"),
    *("coverage.typ", "notice.typ", "report.typ", "labels.typ"),
)
_TYPESETTER = "openbenefits.reports.typesetter"


class TemplateFault(RuntimeError):
    """A template that cannot set its letters: a fault of the program, not of anybody's data."""


@dataclass(frozen=True, kw_only=True)
class Press:
    """A folder with the templates, where letters are laid down and set."""

    folder: Path
    template: str
    paper: str

    def print(self, letters: Sequence[pl.DataFrame], paths: Sequence[Path]) -> list[Path]:
        """Set each frame of letters (a row each) into its PDF; a file is complete or not there."""
        self._set(letters, [draft_of(path) for path in paths], "pdf")
        return [finish(path) for path in paths]

    def files_of(self, letters: pl.DataFrame) -> list[bytes]:
        """Set each letter into a file of its own, in its language."""
        outputs = [self.folder / f"letter-{number}.pdf" for number in range(letters.height)]
        self._set(list(letters.iter_slices(1)), outputs, "pdf")
        return [output.read_bytes() for output in outputs]

    def pictures(self, letters: pl.DataFrame) -> list[bytes]:
        """Set letters as PNG pictures of their pages."""
        self._set([letters], [self.folder / "page-{0p}.png"], "png")
        return [file.read_bytes() for file in sorted(self.folder.glob("page-*.png"))]

    def _set(self, letters: Sequence[pl.DataFrame], outputs: Sequence[Path], kind: str) -> None:
        jobs = []
        for number, (frame, output) in enumerate(zip(letters, outputs, strict=True)):
            frame.write_json(self.folder / f"{number}.json")
            inputs = {"data": f"/{number}.json", **self._words(_first(frame, "language") or ENGLISH)}
            if title := _first(frame, "title"):
                inputs["title"] = title
            jobs.append({"inputs": inputs, "output": str(output.absolute())})
        order = {
            "template": str(self.folder / self.template),
            "root": str(self.folder),
            "paper": self.paper,
            "format": kind,
        }
        setters = max(1, min(most_workers(), len(jobs) // LEAST_LETTERS))
        with ThreadPoolExecutor(setters) as pool:
            parts = ({**order, "jobs": jobs[part::setters]} for part in range(setters))
            for said in pool.map(_typeset, parts):
                if said:
                    raise TemplateFault(f"{self.template} could not be set: {said}")

    def _words(self, language: str) -> dict[str, str]:
        """Lay down what the templates say in a language, and answer where it is."""
        name = f"words-{language}.json"
        if not (self.folder / name).exists():
            templates = {file.name: file.read_text(encoding="utf-8") for file in self.folder.glob("*.typ")}
            words = json.dumps(words_of(templates, language), ensure_ascii=False)
            (self.folder / name).write_text(words, encoding="utf-8")
        return {"language": language, "words": f"/{name}"}


def _typeset(order: Mapping[str, object]) -> str:
    """Let a typesetter set the jobs of an order; answer the last it said where it failed, else nothing."""
    command = [sys.executable, "-m", _TYPESETTER]
    done = subprocess.run(command, input=json.dumps(order), text=True, capture_output=True, check=False)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it ended"])[-1]


def _first(letters: pl.DataFrame, column: str) -> str | None:
    """Answer what the first letter has in a column, if there is one."""
    return letters[column][0] if column in letters.columns and letters.height else None


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
        yield Press(folder=Path(folder), template=template, paper=paper)
