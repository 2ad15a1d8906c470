"""The renewal workbook: a row for each offer, now against renewal, with formulas that work in the sheet.

Coverage counts are what somebody may change in it; the rest follows. A parent company's workbook adds the
counts of its child companies where plan and benefit group are the same. A sheet to sign on stands beside it.
"""

from io import BytesIO
from typing import Any

import polars as pl
from xlsxwriter import Workbook
from xlsxwriter.utility import xl_rowcol_to_cell

from openbenefits.core.plan_types import DELIVERED
from openbenefits.renewals.codes import BAND_FACTS, TIER_NAMES, Band, BatchStatus, Tier
from openbenefits.renewals.comparing import Compared, comparison_of
from openbenefits.renewals.models import Batch, OfferCount
from openbenefits.workforce.models import Client

SHEET, DESIGN, SIGNING = "Offer", "Plan design", "Signature"
TITLE_ROW, HEADING_ROW, FIRST_ROW = 0, 3, 4
PLACE = ("Offer", "Plan code", "Category", "Plan", "Carrier", "Benefit group", "Rate group", "Status")
AMOUNTS = ("Premium now", "Premium", "Employer now", "Employer", "Employee now", "Employee")
OWN = ("True cost", "Margin")
TIERS = tuple(str(one) for one in Tier)
UNKNOWN = "Not known, in the lowest band"
BY_TIER = ("premium now", "premium", "employer now", "employer")


def workbook_of(connection: Any, batch: Batch, *, for_client: bool = False) -> bytes:
    """Write a batch as a workbook; for a client without the PEO's own cost and margin."""
    weighed = comparison_of(connection, batch)
    counts = _counts(batch, weighed)
    file = BytesIO()
    with Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        styles = _styles(book)
        _write_offers(book, styles, batch, weighed, counts, for_client=for_client)
        _write_designs(book, styles, weighed)
        _write_signature(book, styles, batch)
    return file.getvalue()


def headings(*, for_client: bool) -> list[str]:
    """Answer the headings of the sheet of offers, in their order."""
    counts = [f"{tier} people" for tier in TIERS]
    each = [f"{tier} {name}" for tier in TIERS for name in BY_TIER]
    costs = [] if for_client else [f"{tier} true cost" for tier in TIERS]
    own = () if for_client else OWN
    return [*PLACE, *counts, *each, *costs, *AMOUNTS, *own, "Change", "Change %", UNKNOWN]


def _styles(book: Workbook) -> dict[str, Any]:
    money = {"num_format": "$#,##0.00"}
    return {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "heading": book.add_format(
            {"bold": True, "bg_color": "#1d3557", "font_color": "white", "text_wrap": True}
        ),
        "money": book.add_format(money | {"locked": True}),
        "open": book.add_format({"locked": False, "bg_color": "#fff7e6", "border": 1}),
        "percent": book.add_format({"num_format": "0.0%"}),
        "total": book.add_format(money | {"bold": True, "top": 1}),
        "plain": book.add_format({"text_wrap": True}),
        "line": book.add_format({"bottom": 1}),
    }


def _counts(batch: Batch, weighed: Compared) -> dict[tuple[int, str], int]:
    """Count the people of each offer and tier, those of child companies included."""
    found = _of_batch(weighed)
    for place, people in people_of_children(batch).items():
        if place in found:
            found[place] += people
    return found


def people_of_children(batch: Batch, counts: str = "people") -> dict[tuple[int, str], int]:
    """Count the people of child companies by the parent's offer and tier: same plan and benefit group.

    counts: a column of OfferCount.
    Where several of the parent's offers are alike (of several programs), the first one holds them.
    """
    offers: dict[tuple[int, str], int] = {}
    for offer_id, plan_id, group in batch.offers.order_by("pk").values_list("pk", "plan_id", "benefit_group"):
        offers.setdefault((plan_id, group), offer_id)
    found: dict[tuple[int, str], int] = {}
    rows = OfferCount.objects.filter(offer__batch__in=children_of(batch))
    names = ("offer__plan_id", "offer__benefit_group", "tier", counts)
    for plan_id, group, tier, people in rows.values_list(*names):
        if (plan_id, group) in offers:
            place = (offers[plan_id, group], tier)
            found[place] = found.get(place, 0) + people
    return found


def _unknown(batch: Batch) -> dict[int, str]:
    """Say by offer whose fact of the band is not known, by tier, people of child companies included."""
    found = people_of_children(batch, "unknown")
    rows = OfferCount.objects.filter(offer__batch=batch)
    for offer_id, tier, unknown in rows.values_list("offer_id", "tier", "unknown"):
        found[offer_id, tier] = found.get((offer_id, tier), 0) + unknown
    bands = dict(batch.offers.values_list("pk", "rate_group__band"))
    said = {}
    for offer_id, band in bands.items():
        tiers = [f"{tier} {found[offer_id, tier]}" for tier in TIERS if found.get((offer_id, tier))]
        if tiers:
            said[offer_id] = f"{BAND_FACTS[Band(band)]}: {', '.join(tiers)}"
    return said


def children_of(batch: Batch) -> list[Batch]:
    """List the batches of child companies that name this client as their parent, of the same day."""
    rows = Batch.objects.filter(parent_client_id=batch.client_id, effective_on=batch.effective_on)
    return list(rows.exclude(status=BatchStatus.EXPIRED).exclude(pk=batch.pk).order_by("pk"))


def _of_batch(weighed: Compared) -> dict[tuple[int, str], int]:
    rows = weighed.lines.group_by("offer_id", "tier").agg(pl.col("people").sum())
    return {(offer, tier): people for offer, tier, people in rows.iter_rows()}


def _write_offers(
    book: Workbook,
    styles: dict[str, Any],
    batch: Batch,
    weighed: Compared,
    counts: dict[tuple[int, str], int],
    *,
    for_client: bool,
) -> None:
    sheet = book.add_worksheet(SHEET)
    names = headings(for_client=for_client)
    at = {name: column for column, name in enumerate(names)}
    employer = Client.objects.filter(pk=batch.client_id).values_list("name", flat=True).first() or ""
    sheet.write(
        TITLE_ROW, 0, f"Benefits of {employer}, {batch.effective_on} to {batch.expires_on}", styles["title"]
    )
    sheet.write(
        1, 0, f"Batch {batch.pk}. Change the yellow numbers of people only; the rest follows from them."
    )
    for name, column in at.items():
        sheet.write(HEADING_ROW, column, name, styles["heading"])
    row, unknown = FIRST_ROW, _unknown(batch)
    for offer in weighed.offers.iter_rows(named=True):
        _write_offer(sheet, styles, row, at, offer, weighed, counts, for_client=for_client)
        sheet.write(row, at[UNKNOWN], unknown.get(offer["offer_id"], ""), styles["plain"])
        row += 1
    if row > FIRST_ROW:
        _write_totals(sheet, styles, row, at, for_client=for_client)
    sheet.freeze_panes(FIRST_ROW, 4)
    sheet.set_column(0, 1, 10)
    sheet.set_column(2, 4, 20)
    sheet.set_column(5, len(names) - 1, 12)
    sheet.protect("", {"format_columns": True, "sort": True, "autofilter": True})


def _write_offer(
    sheet: Any,
    styles: dict[str, Any],
    row: int,
    at: dict[str, int],
    offer: dict[str, Any],
    weighed: Compared,
    counts: dict[tuple[int, str], int],
    *,
    for_client: bool,
) -> None:
    place = (
        *(offer["offer_id"], offer["unique_code"], DELIVERED.get(offer["plan_type"], offer["plan_type"])),
        *(offer["plan_name"], offer["carrier"], offer["benefit_group"], offer["rate_group"] or ""),
        offer["status"],
    )
    for name, value in zip(PLACE, place, strict=True):
        sheet.write(row, at[name], value, styles["plain"])
    now, was = _each(weighed.lines, offer["offer_id"]), _each(weighed.before, offer["offer_id"])
    for tier in TIERS:
        people = counts.get((offer["offer_id"], tier))
        if people is not None:
            sheet.write_number(row, at[f"{tier} people"], people, styles["open"])
        for name, side in (("", now), (" now", was)):
            _money(sheet, styles, row, at[f"{tier} premium{name}"], side.get(tier, {}).get("premium_cents"))
            _money(sheet, styles, row, at[f"{tier} employer{name}"], side.get(tier, {}).get("employer_cents"))
        if not for_client:
            _money(sheet, styles, row, at[f"{tier} true cost"], now.get(tier, {}).get("cost_cents"))
    _write_formulas(sheet, styles, row, at, for_client=for_client)


def _each(lines: pl.DataFrame, offer_id: int) -> dict[str, dict[str, Any]]:
    """Answer what a person of each tier costs; of banded rates the average over its people."""
    found: dict[str, dict[str, Any]] = {}
    mine = lines.filter(offer_id=offer_id).sort("tier", "band_from")
    for tier in mine["tier"].unique(maintain_order=True):
        rows = mine.filter(tier=tier)
        people = int(rows["people"].sum())
        found[tier] = {
            name: _average(rows[name].to_list(), rows["people"].to_list(), people)
            for name in ("premium_cents", "employer_cents", "cost_cents")
        }
    return found


def _average(values: list[int | None], people: list[int], everybody: int) -> int | None:
    if None in values:
        return None
    if not everybody:
        return values[0]
    weighted = sum(value * count for value, count in zip(values, people, strict=True) if value is not None)
    return (2 * weighted + everybody) // (2 * everybody)


def _money(sheet: Any, styles: dict[str, Any], row: int, column: int, cents: int | None) -> None:
    if cents is not None:
        sheet.write_number(row, column, cents / 100, styles["money"])


def _write_formulas(
    sheet: Any, styles: dict[str, Any], row: int, at: dict[str, int], *, for_client: bool
) -> None:
    def total(of: str) -> str:
        return "+".join(
            f"{_cell(row, at[f'{tier} people'])}*{_cell(row, at[f'{tier} {of}'])}" for tier in TIERS
        )

    for name in ("premium now", "premium", "employer now", "employer"):
        sheet.write_formula(row, at[name.capitalize()], f"={total(name)}", styles["money"])
    for side in ("", " now"):
        premium, employer = _cell(row, at[f"Premium{side}"]), _cell(row, at[f"Employer{side}"])
        sheet.write_formula(row, at[f"Employee{side}"], f"={premium}-{employer}", styles["money"])
    premium, now = _cell(row, at["Premium"]), _cell(row, at["Premium now"])
    if not for_client:
        sheet.write_formula(row, at["True cost"], f"={total('true cost')}", styles["money"])
        sheet.write_formula(row, at["Margin"], f"={premium}-{_cell(row, at['True cost'])}", styles["money"])
    sheet.write_formula(row, at["Change"], f"={premium}-{now}", styles["money"])
    sheet.write_formula(row, at["Change %"], f'=IF({now}=0,"",({premium}-{now})/{now})', styles["percent"])


def _write_totals(
    sheet: Any, styles: dict[str, Any], row: int, at: dict[str, int], *, for_client: bool
) -> None:
    """Add up what is not turned down."""
    sheet.write(row, 3, "In all, without what is rejected", styles["total"])
    status = f"{_cell(FIRST_ROW, at['Status'])}:{_cell(row - 1, at['Status'])}"
    for name in (*AMOUNTS, *(() if for_client else OWN), "Change"):
        span = f"{_cell(FIRST_ROW, at[name])}:{_cell(row - 1, at[name])}"
        sheet.write_formula(row, at[name], f'=SUMIF({status},"<>rejected",{span})', styles["total"])


def _cell(row: int, column: int) -> str:
    return str(xl_rowcol_to_cell(row, column))


def _write_designs(book: Workbook, styles: dict[str, Any], weighed: Compared) -> None:
    """Write what members pay themselves, now against renewal, a row for each feature of an offer."""
    if not weighed.designs:
        return
    sheet = book.add_worksheet(DESIGN)
    for column, title in enumerate(("Offer", "Plan", "What members pay", "Now", "Renewal", "Change")):
        sheet.write(0, column, title, styles["heading"])
    row = 1
    for offer_id, plan in weighed.offers.select("offer_id", "plan_name").iter_rows():
        for one in weighed.designs.get(offer_id, ()):
            for column, value in enumerate((offer_id, plan, one.name, one.was, one.is_now, one.change)):
                sheet.write(row, column, value, styles["plain"])
            row += 1
    sheet.set_column(1, 2, 34)
    sheet.set_column(3, 5, 24)


def _write_signature(book: Workbook, styles: dict[str, Any], batch: Batch) -> None:
    sheet = book.add_worksheet(SIGNING)
    sheet.set_column(0, 0, 90)
    told = (
        f"We take the plans that stand as selected on the sheet '{SHEET}', from {batch.effective_on} to"
        f" {batch.expires_on}, with the contributions shown there."
    )
    tiers = ", ".join(f"{code} {name.lower()}" for code, name in TIER_NAMES.items())
    lines = (told, "", "Signature", "Name and position", "Day", "", f"Tiers: {tiers}.")
    for number, line in enumerate(lines):
        sheet.write(
            number, 0, line, styles["line" if line in ("Signature", "Name and position", "Day") else "plain"]
        )
