"""A renewal workbook read back: the numbers of people somebody changed, with what is wrong row by row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from django.db import transaction

from openbenefits.renewals.codes import Bands, Tier, bands_of, bands_said
from openbenefits.renewals.models import Batch, Offer, OfferCount
from openbenefits.renewals.plans import Rate, rates_of
from openbenefits.renewals.statuses import RenewalRefused
from openbenefits.renewals.weighing import set_counts
from openbenefits.renewals.workbook import SHEET, people_of_children
from openbenefits.renewals.workbook_bands import BANDS_SHEET, Counts
from openbenefits.store.sheets import FileRefused, sheet_grids, stripped

MOST_PEOPLE = 10_000_000


@dataclass(frozen=True, kw_only=True)
class BadCell:
    """What is wrong in a row of the workbook: where, what was expected, what was found."""

    row: int
    column: str
    expected: str
    found: str

    def sentence(self) -> str:
        """Say it."""
        return f"row {self.row}, {self.column}: expected {self.expected}, found {self.found}; correct it"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a workbook changed: how many numbers, and what is wrong; with a fault nothing is changed."""

    changed: int
    faults: list[BadCell]


def read_back(batch: Batch, name: str, data: bytes, *, is_preview: bool = False) -> Taken:
    """Take the numbers of people from a workbook; whatever else was changed in it is left aside.

    The same workbook again changes nothing. One fault, and nothing is taken: the faults are all named.

    Errors: RenewalRefused for a file that is no workbook of this batch, and once the batch is signed.
    """
    grids = _grids(name, data)
    offers = {one.pk: one for one in batch.offers.select_related("batch", "rate_group")}
    rates = {pk: rates_of(one.rate_group) if one.rate_group else [] for pk, one in offers.items()}
    faults: list[BadCell] = []
    wanted: Wanted = {}
    for row, offer in _rows(*_sheet_of(name, grids), offers, faults):
        if not any(one.bands for one in rates[offer.pk]):
            wanted |= {(offer.pk, tier, ()): count for tier, count in _people(row, faults).items()}
    if BANDS_SHEET in grids:
        for row, offer in _rows(*_table_of(grids[BANDS_SHEET], 0), offers, faults):
            wanted |= _of_band(row, offer.pk, rates[offer.pk], faults)
    changed = _changes(offers, wanted, people_of_children(batch), faults)
    if not faults and not is_preview:
        with transaction.atomic():
            for offer_id, people in changed.items():
                set_counts(offers[offer_id], people)
    return Taken(changed=sum(len(one) for one in changed.values()), faults=faults)


Wanted = dict[tuple[int, Tier, Bands], int]
"""Numbers of people as the workbook states them: by offer, tier and bands."""


def _grids(name: str, data: bytes) -> dict[str, pl.DataFrame]:
    try:
        grids = sheet_grids(name, data)
    except FileRefused as fault:
        raise RenewalRefused(str(fault)) from None
    if SHEET not in grids:
        raise RenewalRefused(
            f"{name}: expected a sheet '{SHEET}', found {', '.join(grids) or 'none'}; use ours"
        )
    return {title: stripped(grid) for title, grid in grids.items()}


def _sheet_of(name: str, grids: Mapping[str, pl.DataFrame]) -> tuple[pl.DataFrame, dict[str, str]]:
    """Answer the rows of the sheet of offers below its headings, and the column of each heading."""
    grid = grids[SHEET]
    for place, row in enumerate(grid.iter_rows()):
        if "Offer" in row and f"{Tier.EE} people" in row:
            return _table_of(grid, place)
    raise RenewalRefused(
        f"{name}: expected the headings 'Offer' and 'EE people', found none; use our workbook"
    )


def _table_of(grid: pl.DataFrame, at: int) -> tuple[pl.DataFrame, dict[str, str]]:
    told = grid.row(at) if grid.height > at else ()
    columns = {text: grid.columns[number] for number, text in enumerate(told) if isinstance(text, str)}
    return grid.slice(at + 1), columns


Cells = dict[str, str | None]


def _rows(
    grid: pl.DataFrame, columns: Mapping[str, str], offers: Mapping[int, Offer], faults: list[BadCell]
) -> Iterator[tuple[Cells, Offer]]:
    """Answer the rows with an offer of the batch, by heading, with `row` its number; name the others."""
    for row in grid.iter_rows(named=True):
        number = row.get(columns.get("Offer", ""))
        if number is None:
            continue
        offer = _offer_of(number, offers)
        if offer is None:
            expected = "an offer of the batch"
            faults.append(BadCell(row=row["row"], column="Offer", expected=expected, found=number))
            continue
        yield {heading: row[column] for heading, column in columns.items()} | {"row": row["row"]}, offer


def _of_band(row: Cells, offer_id: int, rates: Sequence[Rate], faults: list[BadCell]) -> Wanted:
    """Read the people of a row of the sheet of bands; its place must be one of the rates as they are now."""
    number = (row.get("Number") or "").removesuffix(".0")
    at = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0
    one = rates[at - 1] if 0 < at <= len(rates) else None
    told = (row.get("Tier"), row.get("Band") or "")
    if one is None or (str(one.tier), bands_said(one.bands)) != told:
        expected = "a tier and band of the rates as they are now"
        found = ", ".join(part for part in told if part) or "none"
        faults.append(BadCell(row=int(row["row"] or 0), column="Band", expected=expected, found=found))
        return {}
    count = _count(row, "People", faults)
    return {} if count is None else {(offer_id, one.tier, one.bands): count}


def _offer_of(number: str, offers: Mapping[int, Offer]) -> Offer | None:
    whole = number.removesuffix(".0")
    return offers.get(int(whole)) if whole.isascii() and whole.isdigit() and len(whole) < 19 else None


def _people(row: Cells, faults: list[BadCell]) -> dict[Tier, int]:
    found = {tier: _count(row, f"{tier} people", faults) for tier in Tier}
    return {tier: count for tier, count in found.items() if count is not None}


def _count(row: Cells, heading: str, faults: list[BadCell]) -> int | None:
    """Read a number of people; None where there is none, or it is none."""
    said = row.get(heading)
    if said is None:
        return None
    whole = said.removesuffix(".0")
    if not (whole.isascii() and whole.isdigit() and len(whole) < 9 and int(whole) <= MOST_PEOPLE):
        expected = "a whole number of people, 0 or more"
        faults.append(BadCell(row=int(row["row"] or 0), column=heading, expected=expected, found=said))
        return None
    return int(whole)


def _changes(
    offers: Mapping[int, Offer], wanted: Wanted, of_children: Counts, faults: list[BadCell]
) -> dict[int, dict[tuple[Tier, Bands], int]]:
    """Keep what differs from what is there, without the people of child companies."""
    changes: dict[int, dict[tuple[Tier, Bands], int]] = {}
    rows = OfferCount.objects.filter(offer__in=offers).values_list("offer_id", "tier", "bands", "people")
    known = {(offer_id, tier, bands_of(bands)): people for offer_id, tier, bands, people in rows}
    for (offer_id, tier, bands), count in wanted.items():
        place = (offer_id, str(tier), bands)
        theirs = of_children.get(place, 0)
        if count < theirs:
            expected = f"at least {theirs}, the people of the child companies"
            column = f"{tier} people of offer {offer_id}"
            faults.append(BadCell(row=0, column=column, expected=expected, found=str(count)))
        elif known.get(place, 0) != count - theirs:
            changes.setdefault(offer_id, {})[tier, bands] = count - theirs
    return changes
