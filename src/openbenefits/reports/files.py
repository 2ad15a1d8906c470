"""Files that are complete or not there: reports as CSV, XLSX and JSON, statements as PDF."""

import json
import os
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path

import polars as pl
from xlsxwriter import Workbook

SHEET_NAME_LENGTH = 31


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a file beside `path`, bring it to disk, then give it its name.

    Whoever is killed in between leaves no half file under the name, and the next writer replaces the rest.
    """
    write(draft_of(path))
    return finish(path)


def draft_of(path: Path) -> Path:
    """Name the file to write before `path` gets its name, in the same folder, which is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.part")


def finish(path: Path) -> Path:
    """Bring the draft of `path` to disk, then give it its name."""
    draft = draft_of(path)
    with draft.open("rb+") as file:
        os.fsync(file.fileno())
    draft.replace(path)
    _sync_folder(path.parent)
    return path


def write_csv(path: Path, sheets: Mapping[str, pl.DataFrame]) -> list[Path]:
    """Write the first sheet to `path` and each further one beside it, named for the sheet.

    A cell that a spreadsheet would run as a formula is written as text.
    """
    names = list(sheets)
    paths = [path, *(path.with_name(f"{path.stem}-{_slug(name)}{path.suffix}") for name in names[1:])]
    for target, name in zip(paths, names, strict=True):
        write_whole(target, defused(sheets[name]).write_csv)
    return paths


def write_json(path: Path, sheets: Mapping[str, pl.DataFrame]) -> list[Path]:
    """Write one object: each sheet by its name, a list of rows; days as ISO texts, what is not known null."""
    rows = {name: json.loads(frame.write_json()) for name, frame in sheets.items()}
    text = json.dumps(rows, indent=1, ensure_ascii=False)
    return [write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8"))]


HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 14px/1.5 system-ui, sans-serif; margin: 2rem }}
table {{ border-collapse: collapse }} th, td {{ text-align: left; vertical-align: top; padding: .2rem .8rem;
border-bottom: 1px solid #ccc }}
</style></head><body>
{body}
</body></html>
"""


def write_html(path: Path, sheets: Mapping[str, pl.DataFrame]) -> list[Path]:
    """Write one page with a table for each sheet; a sheet without rows says so."""
    body = "\n".join(_html_table(name, frame) for name, frame in sheets.items())
    page = HTML.format(title=escape(path.stem), body=body)
    return [write_whole(path, lambda draft: draft.write_text(page, encoding="utf-8"))]


def _html_table(name: str, frame: pl.DataFrame) -> str:
    title = f"<h2>{escape(name)}</h2>"
    if frame.is_empty():
        return f"{title}\n<p>None.</p>"
    head = "".join(f"<th>{escape(column)}</th>" for column in frame.columns)
    rows = (
        "".join(f"<td>{'' if cell is None else escape(str(cell))}</td>" for cell in row)
        for row in frame.rows()
    )
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f"{title}\n<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def write_xlsx(path: Path, sheets: Mapping[str, pl.DataFrame]) -> list[Path]:
    """Write one workbook with a sheet each: header kept in view, filters on, columns as wide as needed."""

    def write(draft: Path) -> None:
        with Workbook(draft, {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
            for name, frame in sheets.items():
                _write_sheet(workbook, name, frame)

    return [write_whole(path, write)]


def _write_sheet(workbook: Workbook, name: str, frame: pl.DataFrame) -> None:
    titled = frame.rename({column: column.replace("_", " ").capitalize() for column in frame.columns})
    titled.write_excel(
        workbook,
        worksheet=name[:SHEET_NAME_LENGTH],
        table_style="Table Style Light 1",
        autofit=frame.height < 50_000,
        freeze_panes=(1, 0),
    )


FORMULA_STARTS = r"^([=+\-@\t\r])"


def defused(frame: pl.DataFrame) -> pl.DataFrame:
    """Write as text what a spreadsheet would run as a formula."""
    return frame.with_columns(pl.col(pl.String).str.replace(FORMULA_STARTS, "'${1}"))


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
