"""What payroll took: read from a file, each version kept, a file taken back as one unit.

One row says what a pay took of a plan type in a tax class, corrections included. A pay is reported whole by a
file that names it without a bad row of it: who is not named then had nothing taken. Of a pay with bad rows
that is not known, so that no balance counts it before a file names it without one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.bad_rows import faults, missing, repeated, unreadable
from openbenefits.core.cells import DAY, TEXT, WHOLE, Kind, read_hundredths, values_of
from openbenefits.core.codes import TaxClass
from openbenefits.enrollment.entries import change_by_file
from openbenefits.enrollment.entry_cells import read_cells
from openbenefits.enrollment.entry_rows import as_stored, people_of, with_people
from openbenefits.payroll import models
from openbenefits.payroll.frames import PLACE_COLUMNS, SERIES_COLUMNS, load_reported, load_taken_versions
from openbenefits.payroll.rules.takings import calendar_of
from openbenefits.programs.frames import load_rulebook, load_setup
from openbenefits.store.bulk import copy_in
from openbenefits.workforce.models import ChangeSet
from openbenefits.workforce.recording import lock_people
from openbenefits.workforce.undo import AlreadyTakenBack

KIND_OF_CHANGE = "taken"
LINE_KINDS = ("deduction", "credit", "sold")
CLASSES = (str(TaxClass.BEFORE_TAX), str(TaxClass.AFTER_TAX))
KEY = (*SERIES_COLUMNS, *PLACE_COLUMNS)


def _word(words: Sequence[str], *, upper: bool) -> Kind:
    def parse(text: pl.Expr) -> pl.Expr:
        word = text.str.to_uppercase() if upper else text.str.to_lowercase()
        return pl.when(word.is_in(list(words))).then(word)

    return Kind(parse=parse, expected=f"one of {', '.join(words)}", cure="correct the word")


KINDS = {
    "employee_number": Kind(parse=TEXT.parse, expected="an employee number"),
    "benefit_record": WHOLE,
    "kind": _word(LINE_KINDS, upper=False),
    "plan_type": Kind(parse=TEXT.parse, expected="the code of a plan type"),
    "tax_class": _word(CLASSES, upper=True),
    "pay_group": Kind(parse=TEXT.parse, expected="the code of a pay group"),
    "ends_on": DAY,
    "taken": Kind(
        parse=read_hundredths, expected="dollars with at most two decimals; negative if given back"
    ),
}
REQUIRED = ("employee_number", "plan_type", "pay_group", "ends_on", "taken")


class NotTaken(ValueError):
    """A change to take back that brought nothing payroll took."""


@dataclass(frozen=True, kw_only=True)
class TakenResult:
    """What came of a file. Shapes: bad_rows as BAD_ROW; totals by pay: pay_group, ends_on, rows, cents."""

    rows_read: int
    taken: int
    corrected: int  # of them: another amount had been reported before
    unchanged: int
    change_id: int | None  # null: nothing was written
    bad_rows: pl.DataFrame
    totals: pl.DataFrame
    whole: int  # pays that are now reported whole, and were not before
    unknown_headings: Sequence[str] = ()

    @property
    def bad_row_count(self) -> int:
        return self.bad_rows["row"].n_unique()


def take(
    connection: Any, client_id: int, path: Path, *, now: datetime, made_by: str, is_preview: bool = False
) -> TakenResult:
    """Take what payroll reports to have taken: all good rows; each bad one is named.

    The same file again changes nothing; another amount for the same pay and line corrects the earlier one. A
    preview writes nothing. Missing: a blank benefit_record is 0, a blank kind is a deduction.

    Errors: FileRefused for a file that cannot be read.
    """
    file = read_cells(Path(path), tuple(KINDS), REQUIRED)
    with transaction.atomic(using=connection.alias):
        rows, bad = _said(connection, client_id, file.cells)
        good = rows.join(bad, on="row", how="anti")
        new = good.filter(~pl.col("is_known"))
        whole = _whole(connection, client_id, rows, bad)
        change = None
        if (new.height or whole.height) and not is_preview:
            change = change_by_file(connection, client_id, KIND_OF_CHANGE, file, author=made_by, now=now)
            _write(connection, new.with_columns(is_deleted=pl.lit(value=False)), change.pk, now)
            _write_reports(connection, whole, client_id, change.pk)
    totals = good.group_by("pay_group", "ends_on").agg(rows=pl.len(), cents=pl.col("taken_cents").sum())
    return TakenResult(
        rows_read=file.cells.height,
        taken=new.height,
        corrected=new.filter(pl.col("was_deleted").not_()).height,
        unchanged=good.height - new.height,
        change_id=change.pk if change else None,
        bad_rows=bad,
        totals=totals.sort("pay_group", "ends_on"),
        whole=whole.height,
        unknown_headings=file.unknown_headings,
    )


def take_back(connection: Any, change_id: int, *, now: datetime, made_by: str) -> tuple[int, int]:
    """Take a file back as one unit: what was reported before it holds again.

    Answers how many amounts went back, and how many were left alone as a later file speaks of them.

    Errors: ChangeSet.DoesNotExist, NotTaken, AlreadyTakenBack, PeopleBusy.
    """
    changes = ChangeSet.objects.using(connection.alias)
    with transaction.atomic(using=connection.alias):
        undone = changes.select_for_update().get(pk=change_id)
        if undone.kind != KIND_OF_CHANGE:
            raise NotTaken(
                f"change {change_id}: expected a file of what payroll took, found {undone.kind};"
                " correct the number"
            )
        if changes.filter(undoes=undone).exists():
            raise AlreadyTakenBack(f"change {change_id} was taken back already")
        brought = models.Taken.objects.using(connection.alias).filter(
            client_id=undone.client_id, change_id=change_id
        )
        people = sorted(set(brought.values_list("person_id", flat=True)))
        lock_people(undone.client_id, pl.Series(people, dtype=pl.Int64))
        back, left = _before(load_taken_versions(connection, undone.client_id, people), change_id)
        change = changes.create(
            client_id=undone.client_id,
            kind="undo",
            label=f"take back: {undone.label}",
            made_by=made_by,
            made_at=now,
            undoes=undone,
        )
        _write(connection, back, change.pk, now)
    return back.height, left


def _before(versions: pl.DataFrame, change_id: int) -> tuple[pl.DataFrame, int]:
    """Find what held before a change, with the version to write above, and count what came after it."""
    key = list(KEY)
    brought = versions.filter(change_id=change_id).select(*key, brought="version")
    last = versions.unique(key, keep="last", maintain_order=True).select(*key, last="version")
    places = brought.join(last, on=key)
    untouched = places.filter(pl.col("last") == pl.col("brought"))
    earlier = versions.join(untouched, on=key).filter(pl.col("version") < pl.col("brought"))
    held = earlier.unique(key, keep="last", maintain_order=True)
    gone = versions.join(untouched, on=key).filter(pl.col("version") == pl.col("brought"))
    gone = gone.join(held, on=key, how="anti").with_columns(is_deleted=pl.lit(value=True))
    rows = pl.concat([held, gone]).with_columns(latest="last")
    return rows, places.height - untouched.height


def _write(connection: Any, rows: pl.DataFrame, change_id: int, now: datetime) -> None:
    """Append versions above `latest`."""
    stored = rows.with_columns(
        version=(pl.col("latest") + 1).cast(pl.Int32),
        change_id=pl.lit(change_id, pl.Int64),
        known_since=pl.lit(now).cast(pl.Datetime("us", "UTC")),
    )
    copy_in(connection, "payroll_taken", as_stored(stored, models.Taken))


def _whole(connection: Any, client_id: int, rows: pl.DataFrame, bad: pl.DataFrame) -> pl.DataFrame:
    """List the pays a file reports whole, for the first time: none if a bad row does not say its pay."""
    place = list(PLACE_COLUMNS)
    in_doubt = rows.join(bad, on="row", how="semi").select(place).unique()
    if in_doubt.select(pl.any_horizontal(pl.all().is_null()).any()).item():
        return rows.select(place).clear()
    good = rows.select(place).unique().join(in_doubt, on=place, how="anti")
    return good.join(load_reported(connection, client_id), on=place, how="anti")


def _write_reports(connection: Any, whole: pl.DataFrame, client_id: int, change_id: int) -> None:
    stored = whole.with_columns(client_id=pl.lit(client_id, pl.Int32), change_id=pl.lit(change_id, pl.Int64))
    copy_in(connection, "payroll_payreport", as_stored(stored, models.PayReport))


# --- what a file says -----------------------------------------------------------------------------------


def _said(connection: Any, client_id: int, cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read rows, and find what is wrong with them."""
    values = values_of(cells, KINDS)
    is_unread = cells["kind"].is_not_null() & values["kind"].is_null()
    named = values.with_columns(
        pl.col("benefit_record").fill_null(0).cast(pl.Int16),
        kind=pl.when(~is_unread).then(pl.col("kind").fill_null("deduction")),
        taken_cents="taken",
    )
    rows, stopped = with_people(connection, client_id, named)
    rows, not_in_setup = with_pays(connection, client_id, rows)
    is_deduction = pl.col("kind") == "deduction"
    blank = pl.lit("blank")
    found = [
        unreadable(cells, values, KINDS),
        missing(cells, REQUIRED, KINDS),
        stopped,
        *not_in_setup,
        _unknown_plan_types(connection, client_id, rows),
        faults(
            rows.filter(cells["tax_class"].is_null()),
            is_deduction,
            "tax_class",
            "B (before tax) or A (after tax) for a deduction",
            "fill in the cell",
            blank,
        ),
        faults(
            rows,
            ~is_deduction & cells["tax_class"].is_not_null(),
            "tax_class",
            "nothing for earnings",
            "empty the cell",
        ),
    ]
    keeps = is_deduction | pl.col("tax_class").is_not_null()  # earnings have none
    rows = rows.with_columns(tax_class=pl.when(keeps).then("tax_class").otherwise(pl.lit("")))
    found.append(repeated(rows, KEY, "taken", "one row for each pay and line, corrections included"))
    bad = pl.concat(found).unique(["row", "column"], keep="first", maintain_order=True)
    return _with_known(connection, client_id, rows), bad.sort("row", "column", maintain_order=True)


def with_pays(connection: Any, client_id: int, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Add pay_group_id and pay_number from the calendars, and name what set-up does not know."""
    calendar = calendar_of(load_rulebook(connection, [client_id]), client_id)
    groups = calendar.select("pay_group", "pay_group_id").unique()
    pays = calendar.select("pay_group_id", "ends_on", "pay_number")
    placed = rows.join(groups, on="pay_group", how="left", maintain_order="left").join(
        pays, on=["pay_group_id", "ends_on"], how="left", maintain_order="left"
    )
    groups_there = ", ".join(groups["pay_group"].sort()) or "none is set up"
    found = [
        faults(
            placed,
            pl.col("pay_group").is_not_null() & pl.col("pay_group_id").is_null(),
            "pay_group",
            f"one of {groups_there}",
            "correct the code",
        ),
        faults(
            placed,
            pl.col("pay_group_id").is_not_null()
            & pl.col("ends_on").is_not_null()
            & pl.col("pay_number").is_null(),
            "ends_on",
            "the last day of a pay of this pay group",
            "correct the day, or the pay group's calendar",
            pl.col("ends_on").cast(pl.String),
        ),
    ]
    return placed, found


def _unknown_plan_types(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Name plan types that no program of the client has."""
    plan_types = load_setup(connection, [client_id])["plan_type_row"].filter(client_id=client_id)
    codes = sorted({*plan_types["plan_type"].to_list(), "01"})
    return faults(
        rows,
        ~pl.col("plan_type").is_in(codes),
        "plan_type",
        f"one of {', '.join(codes)}",
        "correct the code; leave out what is not a benefit",
    )


def _with_known(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Add is_known (this very amount holds), latest (its version; 0: none) and was_deleted."""
    people = people_of(rows)["person_id"].to_list()
    versions = load_taken_versions(connection, client_id, people)
    held = versions.unique(list(KEY), keep="last", maintain_order=True).select(
        *KEY, latest="version", held_cents="taken_cents", was_deleted="is_deleted"
    )
    found = rows.join(held, on=list(KEY), how="left", maintain_order="left").with_columns(
        pl.col("latest").fill_null(0), pl.col("was_deleted").fill_null(value=True)
    )
    same = (pl.col("taken_cents") == pl.col("held_cents")).fill_null(value=False)
    return found.with_columns(is_known=same & ~pl.col("was_deleted"))
