"""What goes to a carrier: a letter to read and a file to load, of the differences it is to put right."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from openbenefits.core.money import dollars
from openbenefits.payroll.rules.words import dollars_text
from openbenefits.reconcile.items import Move, move, worklist
from openbenefits.reconcile.models import Invoice
from openbenefits.reconcile.rules.causes import TITLES
from openbenefits.reconcile.states import ItemState
from openbenefits.reconcile.terms import terms_of
from openbenefits.reports.files import defused
from openbenefits.reports.tabulated import pdf_of
from openbenefits.store.bulk import copy_out

DISPUTED = (str(ItemState.OPEN), str(ItemState.ASSIGNED))

HEADINGS = {
    "item": "Our number",
    "rows": "Row of your file",
    "member_id": "Member ID",
    "name": "Subscriber",
    "plan": "Plan",
    "month": "Coverage month",
    "billed": "Billed",
    "expected": "Expected",
    "claimed": "To be credited",
    "cause": "Because",
    "said": "We say / you billed",
    "evidence": "Coverage",
}

PRINTED = {
    "id": pl.Int64,
    "rows": pl.String,
    "member_id": pl.String,
    "name": pl.String,
    "plan": pl.String,
}
PRINTED_AS = """
SELECT t.id, string_agg(l.row::text, ', ' ORDER BY l.row) AS rows,
       coalesce(min(l.member_id), min(k.member_id)) AS member_id,
       coalesce(min(l.last_name || ', ' || l.first_name), min(f.last_name || ', ' || f.first_name)) AS name,
       min(coalesce(l.plan_label, p.name)) AS plan
FROM reconcile_item AS t
LEFT JOIN reconcile_invoiceline AS l
  ON l.invoice_id = t.invoice_id AND l.line::text = ANY(string_to_array(t.lines, ', '))
LEFT JOIN LATERAL (
    SELECT o.member_id FROM reconcile_linematch AS m
    JOIN reconcile_invoiceline AS o ON o.invoice_id = m.invoice_id AND o.line = m.line
    JOIN reconcile_invoice AS i ON i.id = m.invoice_id
    WHERE i.carrier = %(carrier)s AND m.client_id = t.client_id AND m.person_id = t.person_id
      AND m.standing = 'matched' AND NOT m.is_dependent AND o.member_id IS NOT NULL
    ORDER BY i.month DESC, o.line LIMIT 1
) AS k ON true
LEFT JOIN LATERAL (
    SELECT first_name, last_name FROM workforce_personfact AS f
    WHERE f.client_id = t.client_id AND f.person_id = t.person_id AND NOT f.is_deleted
    ORDER BY valid_from DESC, version DESC LIMIT 1
) AS f ON true
LEFT JOIN LATERAL (
    SELECT name FROM programs_plan AS p WHERE p.plan_id = t.plan_id ORDER BY valid_from DESC LIMIT 1
) AS p ON true
WHERE t.id = ANY(%(items)s::bigint[]) GROUP BY 1
"""


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """What was made. claimed_cents: what is to be credited, less what is to be billed besides."""

    items: int
    claimed_cents: int
    letter: Path
    file: Path


def disputable(connection: Any, invoice: Invoice, today: date) -> pl.DataFrame:
    """List the open differences the carrier is to put right.

    Those that wait for its cut-off are not disputed, nor credits it takes no more; who is not billed is told
    at any time. Who is on no line of it has the number the carrier last printed for him.

    Shapes: the columns of `worklist` and PRINTED.
    """
    rows = worklist(connection, today, invoice_id=invoice.pk, states=DISPUTED)
    mine = rows.filter((pl.col("owner") == "carrier") & (pl.col("leg") == "A") & ~pl.col("is_timing"))
    mine = mine.filter(~(pl.col("is_expired") & (pl.col("difference_cents") > 0)))
    given = {"items": mine["id"].to_list(), "carrier": invoice.carrier}
    told = copy_out(connection, PRINTED_AS, PRINTED, given)
    return mine.join(told, on="id", how="left", maintain_order="left")


def dispute_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Answer disputed differences as the carrier reads them: columns as HEADINGS, no SSN, no birth date."""
    evidence = pl.col("evidence").cast(pl.String)
    begins = evidence.str.json_path_match("$.run_begins_on")
    ends = pl.coalesce(
        evidence.str.json_path_match("$.run_ends_on"), evidence.str.json_path_match("$.covered_through")
    )
    covered = pl.concat_str(
        pl.when(begins.is_not_null()).then(pl.lit("from ") + begins),
        pl.when(ends.is_not_null()).then(pl.lit("through ") + ends),
        separator=" ",
        ignore_nulls=True,
    )
    return rows.select(
        item="id",
        rows="rows",
        member_id="member_id",
        name="name",
        plan="plan",
        month=pl.col("month").dt.strftime("%Y-%m"),
        billed=dollars_text(pl.col("invoiced_cents")),
        expected=dollars_text(pl.col("expected_cents")),
        claimed=dollars_text(pl.col("difference_cents")),
        cause=pl.col("code").replace_strict(TITLES, default=pl.col("code")),
        said=pl.concat_str(pl.col("expected", "found").replace("", None), separator=" / ", ignore_nulls=True),
        evidence=covered,
    )


def dispute_letter(invoice: Invoice, rows: pl.DataFrame, now: datetime) -> bytes:
    """Set the letter to the carrier: what it is to credit, what it is to bill, each with our evidence."""
    told = dispute_rows(rows)
    cents = rows["difference_cents"]
    owed_us, charges = told.filter(cents > 0), told.filter(cents <= 0)
    sheets = {"To be credited": owed_us, "To be billed or corrected": charges}
    return pdf_of(
        f"Dispute of invoice {invoice.number}",
        {name: frame for name, frame in sheets.items() if frame.height},
        selections=[
            ("To", f"{invoice.carrier} {terms_of(invoice.carrier).contact}".strip()),
            ("Month billed", f"{invoice.month:%B %Y}"),
            ("Invoice total", dollars(invoice.total_cents)),
            ("We claim", dollars(int(cents.sum()))),
            ("Please answer by", _earliest(rows)),
        ],
        made=f"made {now:%Y-%m-%d}",
        headings=HEADINGS,
    )


def _earliest(rows: pl.DataFrame) -> str:
    first = rows.filter(~pl.col("is_expired"))["deadline_on"].min()
    return str(first) if first is not None else "your earliest convenience"


def dispute_file(rows: pl.DataFrame) -> bytes:
    """Answer the same as CSV, for the carrier to load."""
    return defused(dispute_rows(rows)).rename(HEADINGS).write_csv().encode()


def write_dispute(connection: Any, invoice: Invoice, folder: Path, *, author: str, now: datetime) -> Dispute:
    """Write letter and file into a folder, and mark what they name as sent to the carrier."""
    rows = disputable(connection, invoice, now.date())
    place = folder / f"dispute-{invoice.pk}"
    made = Dispute(
        items=rows.height,
        claimed_cents=int(rows["difference_cents"].sum()),
        letter=place.with_suffix(".pdf"),
        file=place.with_suffix(".csv"),
    )
    if rows.is_empty():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    made.letter.write_bytes(dispute_letter(invoice, rows, now))
    made.file.write_bytes(dispute_file(rows))
    mark_sent(rows["id"].to_list(), author=author, now=now)
    return made


def mark_sent(item_ids: list[int], *, author: str, now: datetime) -> int:
    """Mark differences as sent to the carrier."""
    words = f"disputed with the carrier on {now:%Y-%m-%d}"
    return move(item_ids, Move(state=ItemState.SENT, words=words), author=author, now=now)
