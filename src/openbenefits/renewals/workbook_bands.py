"""The sheet of bands of the renewal workbook: a row for each tier and its bands of rates that go by bands.

Numbers of people are stated there, and the row of the offer adds them up with formulas.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl
from xlsxwriter import Workbook
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell

from openbenefits.renewals.codes import Bands, bands_of, bands_said
from openbenefits.renewals.comparing import Compared
from openbenefits.renewals.rules.pricing import BANDS

BANDS_SHEET = "Bands"
BAND_PLACE = ("Offer", "Plan code", "Plan", "Tier", "Number", "Band")
BY_TIER = ("premium now", "premium", "employer now", "employer")
TRUE_COST = "true cost"
Counts = dict[tuple[int, str, Bands], int]
"""People by offer, tier and bands."""


def is_banded(lines: pl.DataFrame, offer_id: int) -> bool:
    """Tell whether the rates of an offer go by bands."""
    mine = lines.filter(offer_id=offer_id)
    return any(mine[kind].count() for kind in BANDS)


def each(lines: pl.DataFrame, offer_id: int) -> dict[tuple[str, Bands], dict[str, Any]]:
    """Answer what a person of each tier and bands of an offer costs."""
    mine = lines.filter(offer_id=offer_id).iter_rows(named=True)
    return {(row["tier"], bands_of(row)): row for row in mine}


def amounts(
    now: Mapping[str, Any] | None, was: Mapping[str, Any] | None, *, for_client: bool
) -> dict[str, int | None]:
    """Answer what one person costs, by the names of BY_TIER, and the true cost unless it is for a client."""
    sides = (("", now or {}), (" now", was or {}))
    found = {
        f"{what}{side}": one.get(f"{what}_cents") for side, one in sides for what in ("premium", "employer")
    }
    return found | ({} if for_client else {TRUE_COST: (now or {}).get("cost_cents")})


def write_sums(
    sheet: Any,
    styles: dict[str, Any],
    row: int,
    at: dict[str, int],
    offer_id: int,
    weighed: Compared,
    counts: Counts,
    *,
    for_client: bool,
) -> None:
    """Add people of an offer's bands up, and take the average of what one of them costs."""
    last = weighed.lines.height
    columns = {
        name: f"{BANDS_SHEET}!{xl_range_abs(1, number, last, number)}"
        for number, name in enumerate(_band_headings(for_client=for_client))
    }
    offer = cell(row, at["Offer"])
    known: dict[str, int] = {}
    for (one, tier, _bands), number in counts.items():
        if one == offer_id:
            known[tier] = known.get(tier, 0) + number
    for tier, number in known.items():
        is_mine = f'({columns["Offer"]}={offer})*({columns["Tier"]}="{tier}")'
        people = f"SUMPRODUCT({is_mine}*{columns['People']})"
        sheet.write_formula(row, at[f"{tier} people"], f"={people}", styles["plain"], number)
        for name in (*BY_TIER, *(() if for_client else (TRUE_COST,))):
            whole = f"SUMPRODUCT({is_mine}*{columns['People']}*{columns[name.capitalize()]})"
            sheet.write_formula(
                row, at[f"{tier} {name}"], f"=IF({people}=0,0,{whole}/{people})", styles["money"]
            )


def _band_headings(*, for_client: bool) -> list[str]:
    names = [name.capitalize() for name in (*BY_TIER, *(() if for_client else (TRUE_COST,)))]
    return [*BAND_PLACE, "People", *names]


def write_bands(
    book: Workbook, styles: dict[str, Any], weighed: Compared, counts: Counts, *, for_client: bool
) -> None:
    """Write a row for each tier and bands of the offers whose rates go by bands, people to be changed."""
    banded = [
        one for one in weighed.offers.iter_rows(named=True) if is_banded(weighed.lines, one["offer_id"])
    ]
    if not banded:
        return
    sheet = book.add_worksheet(BANDS_SHEET)
    at = {name: column for column, name in enumerate(_band_headings(for_client=for_client))}
    for name, column in at.items():
        sheet.write(0, column, name, styles["heading"])
    row = 1
    for offer in banded:
        now, was = each(weighed.lines, offer["offer_id"]), each(weighed.former, offer["offer_id"])
        for number, (tier, bands) in enumerate(now, start=1):
            place = (
                offer["offer_id"],
                offer["unique_code"],
                offer["plan_name"],
                tier,
                number,
                bands_said(bands),
            )
            for name, value in zip(BAND_PLACE, place, strict=True):
                sheet.write(row, at[name], value, styles["plain"])
            people = counts.get((offer["offer_id"], tier, bands), 0)
            sheet.write_number(row, at["People"], people, styles["open"])
            one = amounts(now[tier, bands], was.get((tier, bands)), for_client=for_client)
            for name, cents in one.items():
                write_money(sheet, styles, row, at[name.capitalize()], cents)
            row += 1
    sheet.freeze_panes(1, 0)
    sheet.set_column(2, 5, 24)
    sheet.protect("", {"format_columns": True, "sort": True, "autofilter": True})


def write_money(sheet: Any, styles: dict[str, Any], row: int, column: int, cents: int | None) -> None:
    """Write cents as dollars; nothing where they are not known."""
    if cents is not None:
        sheet.write_number(row, column, cents / 100, styles["money"])


def cell(row: int, column: int) -> str:
    """Name a cell as formulas do."""
    return str(xl_rowcol_to_cell(row, column))
