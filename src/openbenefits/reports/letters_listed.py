"""Who is to get a statement, who got one, and what became of it (BAS004, BAS005)."""

from typing import Any

import polars as pl

from openbenefits.delivery.codes import CHANNEL_NAMES
from openbenefits.delivery.frames import load_documents
from openbenefits.reports import listings
from openbenefits.reports.issuing import KEY, Kind


def statements_listed(connection: Any, events: pl.DataFrame, kind: Kind) -> dict[str, pl.DataFrame]:
    """List the events that are due a statement of a kind, or were sent one, with its last letter.

    Shapes:  events with names and people joined. Answers the list, and counts by what became of the letters.
    Missing: letter is null where a statement is due, or was sent before letters were kept.
    """
    concerned = events.filter(kind.due() | pl.col(kind.notified).is_not_null())
    clients = concerned["client_id"].unique().to_list()
    rows = _with_letters(concerned, load_documents(connection, client_ids=clients, kind=kind.name))
    named = rows.with_columns(
        fate=pl.when(kind.due())
        .then(pl.lit("due"))
        .otherwise(pl.coalesce("became", pl.lit("sent, not kept")))
    )
    listed = named.sort("client", "schedule", "name", "event_on", nulls_last=True).select(
        *("client", "schedule", *listings.WHO, *listings.EVENT),
        pl.col(kind.notified).alias("sent_on"),
        *("letter", "way", "fate"),
    )
    counted = listed.group_by("client", "schedule", "fate").agg(people=pl.len())
    return {"Statements": listed, "What became of them": counted.sort("client", "schedule", "fate")}


def _with_letters(events: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    last = kept.unique(KEY, keep="first", maintain_order=True)
    told = last.select(*KEY, letter="document_id", way="channel", became="fate")
    rows = events.join(told, on=KEY, how="left", maintain_order="left")
    words = {str(channel): name for channel, name in CHANNEL_NAMES.items()}
    fate = pl.coalesce("became", pl.when(pl.col("letter").is_not_null()).then(pl.lit("kept")))
    return rows.with_columns(way=pl.col("way").replace(words), became=fate)
