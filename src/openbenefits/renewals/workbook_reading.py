"""A renewal workbook read back: the numbers of people somebody changed, with what is wrong row by row."""

from dataclasses import dataclass
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.renewals.codes import Tier
from openbenefits.renewals.models import Batch, Offer
from openbenefits.renewals.statuses import RenewalRefused
from openbenefits.renewals.weighing import set_counts
from openbenefits.renewals.workbook import SHEET, people_of_children
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
    grid, at, columns = _sheet_of(name, data)
    offers = {one.pk: one for one in batch.offers.select_related("batch")}
    faults: list[BadCell] = []
    wanted: dict[int, dict[tuple[Tier, int], int]] = {}
    for row in grid.slice(at + 1).iter_rows(named=True):
        number = row[columns["Offer"]]
        if number is None:
            continue
        offer = _offer_of(number, offers)
        if offer is None:
            faults.append(
                BadCell(row=row["row"], column="Offer", expected="an offer of the batch", found=number)
            )
            continue
        wanted[offer.pk] = _people(row, columns, faults)
    changed = _changes(offers, wanted, people_of_children(batch), faults)
    if not faults and not is_preview:
        with transaction.atomic():
            for offer_id, people in changed.items():
                set_counts(offers[offer_id], people)
    return Taken(changed=sum(len(one) for one in changed.values()), faults=faults)


def _sheet_of(name: str, data: bytes) -> tuple[pl.DataFrame, int, dict[str, str]]:
    try:
        grids = sheet_grids(name, data)
    except FileRefused as fault:
        raise RenewalRefused(str(fault)) from None
    if SHEET not in grids:
        raise RenewalRefused(
            f"{name}: expected a sheet '{SHEET}', found {', '.join(grids) or 'none'}; use ours"
        )
    grid = stripped(grids[SHEET])
    for place, row in enumerate(grid.iter_rows()):
        if "Offer" in row and f"{Tier.EE} people" in row:
            columns = {text: grid.columns[number] for number, text in enumerate(row) if isinstance(text, str)}
            return grid, place, columns
    raise RenewalRefused(
        f"{name}: expected the headings 'Offer' and 'EE people', found none; use our workbook"
    )


def _offer_of(number: str, offers: dict[int, Offer]) -> Offer | None:
    whole = number.removesuffix(".0")
    return offers.get(int(whole)) if whole.isascii() and whole.isdigit() and len(whole) < 19 else None


def _people(
    row: dict[str, Any], columns: dict[str, str], faults: list[BadCell]
) -> dict[tuple[Tier, int], int]:
    found = {}
    for tier in Tier:
        heading = f"{tier} people"
        said = row.get(columns.get(heading, ""))
        if said is None:
            continue
        whole = said.removesuffix(".0")
        if not (whole.isascii() and whole.isdigit() and len(whole) < 9 and int(whole) <= MOST_PEOPLE):
            expected = "a whole number of people, 0 or more"
            faults.append(BadCell(row=row["row"], column=heading, expected=expected, found=said))
            continue
        found[tier, 0] = int(whole)
    return found


def _changes(
    offers: dict[int, Offer],
    wanted: dict[int, dict[tuple[Tier, int], int]],
    of_children: dict[tuple[int, str], int],
    faults: list[BadCell],
) -> dict[int, dict[tuple[Tier, int], int]]:
    """Keep what differs from what is there; a tier with age bands is weighed by its lowest band."""
    changes: dict[int, dict[tuple[Tier, int], int]] = {}
    for offer_id, people in wanted.items():
        offer = offers[offer_id]
        known = {(one.tier, one.band_from): one.people for one in offer.counts.all()}
        for (tier, _), count in people.items():
            bands = sorted(age for held, age in known if held == tier)
            before = sum(known[str(tier), age] for age in bands)
            theirs = of_children.get((offer_id, str(tier)), 0)
            if count < theirs:
                expected = f"at least {theirs}, the people of the child companies"
                column = f"{tier} people of offer {offer_id}"
                faults.append(BadCell(row=0, column=column, expected=expected, found=str(count)))
                continue
            count -= theirs
            if before != count:
                lowest = bands[0] if bands else 0
                new = changes.setdefault(offer_id, {})
                new |= {(tier, age): 0 for age in bands[1:]}
                new[tier, lowest] = count
    return {offer_id: people for offer_id, people in changes.items() if people}
