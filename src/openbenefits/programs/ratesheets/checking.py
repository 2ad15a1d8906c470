"""The typical faults of a carrier's sheet, each refused with its row and column."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise, product
from statistics import median_low
from typing import Any

from openbenefits.programs.ratesheets.reading import Cell, Sheet

OUTLIER = 5
"""A rate so many times what it is compared with, or so small a part of it, is a slip of the decimal point: a
slip shows even where rates moved by half."""

FACTORS = 10
"""Where the middle rate is less than a tenth of the one in force, the sheet holds percent or factors."""

Keys = tuple[Any, ...]


def check(sheet: Sheet, in_force: Mapping[Keys, int], tiers_of_table: Iterable[str]) -> None:
    """Note what is wrong with a sheet that could be read; `in_force` are the rates it would replace."""
    _duplicates(sheet)
    _missing_tiers(sheet, set(tiers_of_table))
    for group in _groups(sheet.cells).values():
        _bands(sheet, group)
    if not _is_other_unit(sheet, in_force):
        _outliers(sheet, in_force)


def _duplicates(sheet: Sheet) -> None:
    seen: dict[Keys, Cell] = {}
    for cell in sheet.cells:
        first = seen.setdefault(cell.keys, cell)
        if first is not cell:
            expected, found = "each rate once", f"the keys of {first.place} again"
            sheet.fault("duplicate", cell.place, expected, found, "Keep one of them.", cell.row)


def _missing_tiers(sheet: Sheet, tiers_of_table: set[str]) -> None:
    """Find tiers the table has and the sheet has not, and places where a tier or area is left out."""
    tiers = {cell.coverage_code for cell in sheet.cells} - {None}
    gone = sorted(tiers_of_table - tiers)  # type: ignore[type-var]
    cure = "Add the rows, or take the tier out of the table first."
    if gone and sheet.cells:
        expected = f"the tiers of the table ({', '.join(sorted(tiers_of_table))})"
        sheet.fault("missing_tier", sheet.file, expected, f"none for {', '.join(gone)}", cure)
    areas = {cell.area for cell in sheet.cells}
    combinations = {(cell.area, cell.coverage_code): cell for cell in sheet.cells}
    for area, tier in product(sorted(areas, key=str), sorted(tiers, key=str)):
        if (area, tier) not in combinations and tiers:
            near = next(cell for cell in sheet.cells if area in (None, cell.area))
            expected = f"every tier in {'area ' + area if area else 'the sheet'}"
            sheet.fault("missing_tier", near.place, expected, f"none for {tier}", "Add the rows.", near.row)


def _groups(cells: Iterable[Cell]) -> dict[Keys, list[Cell]]:
    """Put together the rates that differ by age alone, by age."""
    groups: dict[Keys, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.keys[1:], []).append(cell)
    for group in groups.values():
        group.sort(key=lambda cell: cell.ages.first if cell.ages else 0)
    return groups


def _bands(sheet: Sheet, group: list[Cell]) -> None:
    """Find gaps and overlaps of the bands of ages."""
    if group[0].ages is None:
        return
    first, last = group[0], group[-1]
    if first.ages and first.ages.first > 0:
        cure = "Name the lowest band, as `0-14`."
        found = f"bands from {first.ages.first}"
        sheet.fault("gap", first.place, "ages from 0", found, cure, first.row)
    if last.is_edge:
        return
    if last.ages and last.ages.last is not None:
        cure = "Name the highest band, as `64+`."
        found = f"bands up to {last.ages.last}"
        sheet.fault("gap", last.place, "ages without end", found, cure, last.row)
    for before, after in pairwise(group):
        _between(sheet, before, after)


def _between(sheet: Sheet, before: Cell, after: Cell) -> None:
    if before.ages is None or after.ages is None or before.ages == after.ages:
        return  # the same band twice is a duplicate
    if before.ages.last is None or after.ages.first <= before.ages.last:
        found = f"ages from {after.ages.first}, which {before.place} has too"
        sheet.fault("overlap", after.place, "each age in one band", found, "Correct the ages.", after.row)
    elif after.ages.first > before.ages.last + 1:
        expected = f"a band from {before.ages.last + 1}"
        cure = "Add the band; head the column `age from` if its ages are lower edges."
        sheet.fault("gap", after.place, expected, f"one from {after.ages.first}", cure, after.row)


def _is_other_unit(sheet: Sheet, in_force: Mapping[Keys, int]) -> bool:
    """Find sheets of factors or percent where the table has dollars; once for the whole sheet."""
    if not in_force or not sheet.cells:
        return False
    before, now = median_low(in_force.values()), median_low([cell.micros for cell in sheet.cells])
    if before <= now * FACTORS or len(sheet.cells) < 3:
        return False
    first = sheet.cells[0]
    expected = f"dollars (the middle rate in force is {_dollars(before)})"
    found = f"a middle value of {_dollars(now)}: percent or factors"
    sheet.fault("percent", first.place, expected, found, "Take the sheet with rates in dollars.", first.row)
    return True


def _outliers(sheet: Sheet, in_force: Mapping[Keys, int]) -> None:
    """Find rates far from the one in force of the same keys, or else from those beside them."""
    for group in _groups(sheet.cells).values():
        for index, cell in enumerate(group):
            compared = in_force.get(cell.keys)
            near = [compared] if compared is not None else list(_neighbours(group, index, sheet.cells))
            if near and all(_is_far(cell.micros, other) for other in near):
                what = "the rate in force" if compared is not None else "the rates beside it"
                expected = f"a rate like {what}, {_dollars(near[0])}"
                cure = "Check the decimal point with the carrier."
                sheet.fault("outlier", cell.place, expected, _dollars(cell.micros), cure, cell.row)


def _neighbours(group: list[Cell], index: int, cells: list[Cell]) -> Iterator[int]:
    """Answer the rates of the ages before and after, at an end the two next to it; else the middle rate."""
    around = [index - 1, index + 1]
    if index == 0:
        around = [1, 2]
    elif index == len(group) - 1:
        around = [index - 1, index - 2]
    found = [group[other].micros for other in around if 0 <= other < len(group)]
    if len(found) == 2:
        yield from found
    elif len(cells) > 2:
        yield median_low([cell.micros for cell in cells if cell is not group[index]])


def _is_far(rate: int, other: int) -> bool:
    return rate >= OUTLIER * other > 0 or 0 < rate * OUTLIER <= other


def _dollars(micros: int) -> str:
    whole, rest = divmod(micros, 1_000_000)
    return f"${whole:,}.{f'{rest:06d}'.rstrip('0').ljust(2, '0')}"
