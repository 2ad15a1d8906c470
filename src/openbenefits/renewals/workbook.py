"""The renewal workbook: a row for each offer, now against renewal, with formulas that work in the sheet.

Coverage counts are what somebody may change in it; the rest follows. Of rates by bands they stand on a sheet
of their own (`workbook_bands`). A parent company's workbook adds the counts of its child companies where plan
and benefit group are the same. A sheet to sign on stands beside it.
"""

from io import BytesIO
from typing import Any

from xlsxwriter import Workbook

from openbenefits.core.plan_types import DELIVERED
from openbenefits.renewals.codes import TIER_NAMES, BatchStatus, Tier, bands_of
from openbenefits.renewals.comparing import Compared, comparison_of
from openbenefits.renewals.models import Batch, OfferCount
from openbenefits.renewals.plans import facts_of
from openbenefits.renewals.workbook_bands import (
    BY_TIER,
    Counts,
    amounts,
    cell,
    each,
    is_banded,
    write_bands,
    write_money,
    write_sums,
)
from openbenefits.workforce.models import Client

SHEET, DESIGN, SIGNING = "Offer", "Plan design", "Signature"
TITLE_ROW, HEADING_ROW, FIRST_ROW = 0, 3, 4
PLACE = ("Offer", "Plan code", "Category", "Plan", "Carrier", "Benefit group", "Rate group", "Status")
AMOUNTS = ("Premium now", "Premium", "Employer now", "Employer", "Employee now", "Employee")
OWN = ("True cost", "Margin")
TIERS = tuple(str(one) for one in Tier)
UNKNOWN = "Not known, in the lowest band"


def workbook_of(connection: Any, batch: Batch, *, for_client: bool = False) -> bytes:
    """Write a batch as a workbook; for a client without the PEO's own cost and margin."""
    weighed = comparison_of(connection, batch)
    counts = _counts(batch, weighed)
    file = BytesIO()
    with Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        styles = _styles(book)
        _write_offers(book, styles, batch, weighed, counts, for_client=for_client)
        write_bands(book, styles, weighed, counts, for_client=for_client)
        _write_designs(book, styles, weighed)
        _write_signature(book, styles, batch)
    return file.getvalue()


def headings(*, for_client: bool) -> list[str]:
    """Answer the headings of the sheet of offers, in their order."""
    counts = [f"{tier} people" for tier in TIERS]
    prices = [f"{tier} {name}" for tier in TIERS for name in BY_TIER]
    costs = [] if for_client else [f"{tier} true cost" for tier in TIERS]
    own = () if for_client else OWN
    return [*PLACE, *counts, *prices, *costs, *AMOUNTS, *own, "Change", "Change %", UNKNOWN]


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


def _counts(batch: Batch, weighed: Compared) -> Counts:
    """Count the people of each offer, tier and bands, those of child companies included."""
    found = _of_batch(weighed)
    for place, people in people_of_children(batch).items():
        if place in found:
            found[place] += people
    return found


def people_of_children(batch: Batch, counts: str = "people") -> Counts:
    """Count the people of child companies by the parent's offer, tier and bands: same plan and benefit group.

    counts: a column of OfferCount.
    Where several of the parent's offers are alike (of several programs), the first one holds them.
    """
    offers: dict[tuple[int, str], int] = {}
    for offer_id, plan_id, group in batch.offers.order_by("pk").values_list("pk", "plan_id", "benefit_group"):
        offers.setdefault((plan_id, group), offer_id)
    found: Counts = {}
    rows = OfferCount.objects.filter(offer__batch__in=children_of(batch))
    names = ("offer__plan_id", "offer__benefit_group", "tier", "bands", counts)
    for plan_id, group, tier, bands, people in rows.values_list(*names):
        if (plan_id, group) in offers:
            place = (offers[plan_id, group], tier, bands_of(bands))
            found[place] = found.get(place, 0) + people
    return found


def by_tier(counts: Counts) -> dict[tuple[int, str], int]:
    """Add the people of all bands of an offer and tier up."""
    found: dict[tuple[int, str], int] = {}
    for (offer_id, tier, _bands), people in counts.items():
        found[offer_id, tier] = found.get((offer_id, tier), 0) + people
    return found


def _unknown(batch: Batch) -> dict[int, str]:
    """Say by offer whose facts of the bands are not known, by tier, people of child companies included."""
    found = by_tier(people_of_children(batch, "unknown"))
    rows = OfferCount.objects.filter(offer__batch=batch)
    for offer_id, tier, unknown in rows.values_list("offer_id", "tier", "unknown"):
        found[offer_id, tier] = found.get((offer_id, tier), 0) + unknown
    said = {}
    for offer in batch.offers.select_related("rate_group"):
        tiers = [f"{tier} {found[offer.pk, tier]}" for tier in TIERS if found.get((offer.pk, tier))]
        if tiers and offer.rate_group is not None:
            said[offer.pk] = f"{facts_of(offer.rate_group)}: {', '.join(tiers)}"
    return said


def children_of(batch: Batch) -> list[Batch]:
    """List the batches of child companies that name this client as their parent, of the same day."""
    rows = Batch.objects.filter(parent_client_id=batch.client_id, effective_on=batch.effective_on)
    return list(rows.exclude(status=BatchStatus.EXPIRED).exclude(pk=batch.pk).order_by("pk"))


def _of_batch(weighed: Compared) -> Counts:
    rows = weighed.lines.iter_rows(named=True)
    return {(row["offer_id"], row["tier"], bands_of(row)): row["people"] for row in rows}


def _write_offers(
    book: Workbook,
    styles: dict[str, Any],
    batch: Batch,
    weighed: Compared,
    counts: Counts,
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
    counts: Counts,
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
    if is_banded(weighed.lines, offer["offer_id"]):
        write_sums(sheet, styles, row, at, offer["offer_id"], weighed, counts, for_client=for_client)
    else:
        _write_tiers(sheet, styles, row, at, offer["offer_id"], weighed, counts, for_client=for_client)
    _write_formulas(sheet, styles, row, at, for_client=for_client)


def _write_tiers(
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
    """Write people and amounts of an offer with one rate for each tier."""
    now, was = each(weighed.lines, offer_id), each(weighed.before, offer_id)
    for tier in TIERS:
        people = counts.get((offer_id, tier, ()))
        if people is not None:
            sheet.write_number(row, at[f"{tier} people"], people, styles["open"])
        for name, cents in amounts(now.get((tier, ())), was.get((tier, ())), for_client=for_client).items():
            write_money(sheet, styles, row, at[f"{tier} {name}"], cents)


def _write_formulas(
    sheet: Any, styles: dict[str, Any], row: int, at: dict[str, int], *, for_client: bool
) -> None:
    def total(of: str) -> str:
        return "+".join(
            f"{cell(row, at[f'{tier} people'])}*{cell(row, at[f'{tier} {of}'])}" for tier in TIERS
        )

    for name in ("premium now", "premium", "employer now", "employer"):
        sheet.write_formula(row, at[name.capitalize()], f"={total(name)}", styles["money"])
    for side in ("", " now"):
        premium, employer = cell(row, at[f"Premium{side}"]), cell(row, at[f"Employer{side}"])
        sheet.write_formula(row, at[f"Employee{side}"], f"={premium}-{employer}", styles["money"])
    premium, now = cell(row, at["Premium"]), cell(row, at["Premium now"])
    if not for_client:
        sheet.write_formula(row, at["True cost"], f"={total('true cost')}", styles["money"])
        sheet.write_formula(row, at["Margin"], f"={premium}-{cell(row, at['True cost'])}", styles["money"])
    sheet.write_formula(row, at["Change"], f"={premium}-{now}", styles["money"])
    sheet.write_formula(row, at["Change %"], f'=IF({now}=0,"",({premium}-{now})/{now})', styles["percent"])


def _write_totals(
    sheet: Any, styles: dict[str, Any], row: int, at: dict[str, int], *, for_client: bool
) -> None:
    """Add up what is not turned down."""
    sheet.write(row, 3, "In all, without what is rejected", styles["total"])
    status = f"{cell(FIRST_ROW, at['Status'])}:{cell(row - 1, at['Status'])}"
    for name in (*AMOUNTS, *(() if for_client else OWN), "Change"):
        span = f"{cell(FIRST_ROW, at[name])}:{cell(row - 1, at[name])}"
        sheet.write_formula(row, at[name], f'=SUMIF({status},"<>rejected",{span})', styles["total"])


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
