"""Print batches: letters that go to the printer and the post together, in the order of the post."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.delivery import frames
from openbenefits.delivery.assembly import assembled
from openbenefits.delivery.codes import FateCode
from openbenefits.delivery.keeping import unpacked
from openbenefits.delivery.models import Content, PrintBatch
from openbenefits.delivery.routing import write_fates
from openbenefits.store.bulk import copy_in
from openbenefits.store.catalogue import psycopg_connection
from openbenefits.workforce import frames as workforce

LETTERS_IN_A_FILE = 250
BATCH_LOCK = 0xBA7C


class BatchRefused(LookupError):
    """A print batch that cannot be: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a print batch holds.

    lines: a row for each letter at its place: place, document_id, kind, employee_number, name, address
           lines, pages, first_page (of the whole), fate.
    """

    batch: PrintBatch
    lines: pl.DataFrame

    @property
    def letters(self) -> int:
        return self.lines.height

    @property
    def pages(self) -> int:
        return int(self.lines["pages"].sum())

    @property
    def no_address(self) -> pl.DataFrame:
        """The letters that no post can bring anywhere."""
        return self.lines.filter(pl.col("line1").is_null() | pl.col("postal_code").is_null())


def make_batch(connection: Any, client_id: int, *, on: date, author: str, now: datetime) -> PrintBatch:
    """Put the printed letters of a client that wait, and are in no batch yet, into one.

    Errors: BatchRefused where nothing waits.
    """
    with transaction.atomic():
        _one_at_a_time(connection, client_id)
        waiting = frames.load_unbatched(connection, client_id)
        if waiting.is_empty():
            raise BatchRefused(
                "expected letters that wait to be printed, found none; issue statements or letters first"
            )
        return _fill(connection, client_id, _by_post(connection, waiting, on), None, author, now)


def reprint_batch(
    connection: Any, client_id: int, batch_id: int, *, places: Sequence[int] = (), author: str, now: datetime
) -> PrintBatch:
    """Make a batch of the same letters again, all or those at some places; no fate changes by it.

    Errors: BatchRefused where there is no such batch or place.
    """
    find_batch(client_id, batch_id)
    lines = frames.load_lines(connection, client_id, batch_id)
    if places:
        unknown = sorted(set(places) - set(lines["place"]))
        if unknown:
            raise BatchRefused(
                f"expected places 1 to {lines.height} of batch {batch_id}, found {unknown[0]}; "
                "take them from its manifest"
            )
        lines = lines.filter(pl.col("place").is_in(list(places)))
    with transaction.atomic():
        return _fill(connection, client_id, lines, batch_id, author, now)


def find_batch(client_id: int, batch_id: int) -> PrintBatch:
    """Find a batch of a client.

    Errors: BatchRefused.
    """
    found = PrintBatch.objects.filter(pk=batch_id, client_id=client_id).first()
    if found is None:
        raise BatchRefused(f"expected a print batch of this client, found none with the number {batch_id}")
    return found


def manifest_of(connection: Any, client_id: int, batch_id: int, *, on: date) -> Manifest:
    """Answer what a batch holds, with names and addresses of a day.

    Errors: BatchRefused.
    """
    batch = find_batch(client_id, batch_id)
    lines = frames.load_lines(connection, client_id, batch_id)
    named = _with_addresses(connection, lines, on)
    first = pl.col("pages").cast(pl.Int64).cum_sum() - pl.col("pages") + 1
    return Manifest(batch=batch, lines=named.with_columns(first_page=first))


def files_of_batch(connection: Any, client_id: int, batch_id: int, *, is_duplex: bool) -> Iterator[bytes]:
    """Answer the files to print, LETTERS_IN_A_FILE letters each, as made and in the order of the post.

    is_duplex: a letter with an odd number of pages is followed by an empty one, so that each begins a sheet.
    Errors: BatchRefused.
    """
    part = 1
    while (file := file_of_batch(connection, client_id, batch_id, part, is_duplex=is_duplex)) is not None:
        yield file
        part += 1


def file_of_batch(
    connection: Any, client_id: int, batch_id: int, part: int, *, is_duplex: bool
) -> bytes | None:
    """Answer one of the files of `files_of_batch`, counted from 1; None where there is none.

    Errors: BatchRefused.
    """
    find_batch(client_id, batch_id)
    lines = frames.load_lines(connection, client_id, batch_id)
    ids = lines["document_id"].slice((part - 1) * LETTERS_IN_A_FILE, LETTERS_IN_A_FILE).to_list()
    if part < 1 or not ids:
        return None
    kept = Content.objects.filter(client_id=client_id).in_bulk(ids)
    pdfs = [unpacked(kept[one].packed) for one in ids]
    return assembled(pdfs, title=f"Print batch {batch_id}", is_duplex=is_duplex)


def mark_batch_sent(connection: Any, client_id: int, batch_id: int, *, author: str, now: datetime) -> int:
    """Say that a batch went into the post; answer how many letters had not been sent before.

    Errors: BatchRefused.
    """
    find_batch(client_id, batch_id)
    lines = frames.load_lines(connection, client_id, batch_id).filter(fate=str(FateCode.WAITING))
    told = pl.lit(f"print batch {batch_id}")
    sent = lines.with_columns(fate=pl.lit(str(FateCode.SENT)), told=told)
    with transaction.atomic():
        return write_fates(connection, sent, author=author, now=now) if sent.height else 0


def _one_at_a_time(connection: Any, client_id: int) -> None:
    """Let nobody else make a batch of this client before this transaction ends."""
    psycopg_connection(connection).execute("SELECT pg_advisory_xact_lock(%s, %s)", [BATCH_LOCK, client_id])


def _fill(
    connection: Any, client_id: int, lines: pl.DataFrame, of: int | None, author: str, now: datetime
) -> PrintBatch:
    batch = PrintBatch.objects.create(client_id=client_id, reprint_of=of, made_by=author, made_at=now)
    placed = lines.select(
        "client_id",
        "person_id",
        "delivery_id",
        batch_id=pl.lit(batch.pk, dtype=pl.Int64),
        place=pl.int_range(1, pl.len() + 1, dtype=pl.Int32),
    )
    copy_in(connection, "delivery_printline", placed)
    return batch


def _by_post(connection: Any, rows: pl.DataFrame, on: date) -> pl.DataFrame:
    """Order letters as the post sorts them: by country, postal code and street; without an address last."""
    return _with_addresses(connection, rows, on).sort(
        "country", "postal_code", "line1", "document_id", nulls_last=True
    )


def _with_addresses(connection: Any, rows: pl.DataFrame, on: date) -> pl.DataFrame:
    """Add name, line1, city, state, postal_code and country of a day."""
    cases = frames.of_day(rows, on)
    known = workforce.names_as_of(connection, cases)
    name = pl.concat_str("first_name", "last_name", separator=" ", ignore_nulls=True).alias("name")
    return rows.hstack(known.select(name, "line1", "city", "state", "postal_code", "country"))
