"""Which way a letter goes: as its person chose, on paper where nobody consented to anything else.

Source: 29 CFR 2520.104b-1(c): without paper only who agreed to it, and may withdraw that at any time.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.accounts.numbers import numbers_of
from openbenefits.delivery import frames
from openbenefits.delivery.codes import ELECTRONIC, Channel, FateCode
from openbenefits.delivery.models import Choice, Terms
from openbenefits.store.bulk import copy_in
from openbenefits.store.catalogue import psycopg_connection
from openbenefits.workforce import frames as workforce

PAPER_INSTEAD = "no e-mail address on file: printed instead"
GIVEN_TO = {"document_id": pl.Int64, "client_id": pl.Int32, "person_id": pl.Int64}


class ChoiceRefused(ValueError):
    """A way that a person cannot be given: what was expected, what was found, what to change."""


def choose_channel(
    client_id: int,
    person_id: int,
    channel: Channel,
    *,
    consented_on: date | None,
    how: str,
    author: str,
    now: datetime,
) -> Choice:
    """Write down how a person wants letters; paper withdraws what was agreed before.

    Errors: ChoiceRefused for a way without paper that nobody consented to, or that does not say how.
    """
    if channel in ELECTRONIC and consented_on is None:
        raise ChoiceRefused(
            "expected the day on which the person agreed to letters without paper, found none; "
            "name that day, or choose print"
        )
    if not how.strip():
        raise ChoiceRefused("expected how the person said so (portal, on paper …), found nothing; say how")
    return Choice.objects.create(
        client_id=client_id,
        person_id=person_id,
        channel=str(channel),
        consented_on=consented_on if channel in ELECTRONIC else None,
        how=how.strip(),
        author=author,
        made_at=now,
    )


def choice_of(client_id: int, person_id: int) -> Choice | None:
    """Answer how a person wants letters; None: nothing was ever said, so they are printed."""
    numbers = numbers_of(client_id, person_id)
    return Choice.objects.filter(client_id=client_id, person_id__in=numbers).order_by("-pk").first()


def set_terms(client_id: int, *, attaches: bool, author: str, now: datetime) -> Terms:
    """Say whether e-mails of a client carry the letter itself, or only word that it is in the portal."""
    return Terms.objects.create(client_id=client_id, attaches=attaches, author=author, made_at=now)


def attaches(client_id: int) -> bool:
    """Whether e-mails of a client carry the letter itself; no, as long as nobody said so."""
    held = Terms.objects.filter(client_id=client_id).order_by("-pk").first()
    return held is not None and held.attaches


def give(
    connection: Any,
    documents: pl.DataFrame,
    *,
    on: date,
    author: str,
    now: datetime,
    channel: Channel | None = None,
) -> pl.DataFrame:
    """Give letters to the ways their people chose, or all to one way; mails go out by `mailing.send_mails`.

    Shapes: documents have GIVEN_TO, and again_of where a delivery is repeated. Answers them with delivery_id,
            channel and fate: what is in the portal alone is sent, everything else waits.
    """
    if documents.is_empty():
        return documents.with_columns(delivery_id=pl.lit(None, dtype=pl.Int64))
    rows = _with_channels(connection, documents, on, channel)
    known = [name for name in ("again_of",) if name in rows.columns]
    ids = _numbers(connection, rows.height)
    made = rows.with_columns(
        pl.Series("delivery_id", ids, dtype=pl.Int64), made_by=pl.lit(author), made_at=_moment(now)
    )
    is_there = (pl.col("channel") == str(Channel.PORTAL)) & (pl.col("address") == "")
    made = made.with_columns(
        fate=pl.when(is_there).then(pl.lit(str(FateCode.SENT))).otherwise(pl.lit(str(FateCode.WAITING)))
    )
    columns = (*GIVEN_TO, *known, "channel", "address", "made_by", "made_at")
    copy_in(connection, "delivery_delivery", made.select(*columns, id="delivery_id"))
    write_fates(connection, made, author=author, now=now)
    return made


def write_fates(connection: Any, rows: pl.DataFrame, *, author: str, now: datetime) -> int:
    """Append what became of deliveries.

    Shapes: rows have client_id, person_id, delivery_id, fate and told.
    """
    fates = rows.select("client_id", "person_id", "delivery_id", "fate", "told")
    told = fates.with_columns(author=pl.lit(author), at=_moment(now))
    return copy_in(connection, "delivery_fate", told)


def _with_channels(
    connection: Any, documents: pl.DataFrame, on: date, channel: Channel | None
) -> pl.DataFrame:
    """Add channel, address and told: paper where an e-mail has no address to go to."""
    chosen = frames.load_choices(connection, documents["client_id"].unique().to_list())
    rows = documents.join(chosen, on=["client_id", "person_id"], how="left", maintain_order="left")
    wanted = pl.col("channel").fill_null(str(Channel.PRINT)) if channel is None else pl.lit(str(channel))
    rows = rows.with_columns(channel=wanted)
    electronic = pl.col("channel").is_in([str(one) for one in ELECTRONIC])
    cases = frames.of_day(rows, on)
    email = workforce.names_as_of(connection, cases)["email"]
    address = pl.when(electronic).then(pl.lit(email)).fill_null("")
    rows = rows.with_columns(address=address.alias("address"))
    lacks = (pl.col("channel") == str(Channel.EMAIL)) & (pl.col("address") == "")
    return rows.with_columns(
        channel=pl.when(lacks).then(pl.lit(str(Channel.PRINT))).otherwise("channel"),
        told=pl.when(lacks).then(pl.lit(PAPER_INSTEAD)).otherwise(pl.lit("")),
    )


def _numbers(connection: Any, count: int) -> Sequence[int]:
    query = "SELECT nextval(pg_get_serial_sequence('delivery_delivery', 'id')) FROM generate_series(1, %s)"
    return [row[0] for row in psycopg_connection(connection).execute(query, [count])]


def _moment(now: datetime) -> pl.Expr:
    return pl.lit(now).cast(pl.Datetime("us", "UTC"))
