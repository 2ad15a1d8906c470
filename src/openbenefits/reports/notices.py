"""Notices: letters whose text somebody, or a channel, has written; kept, and sent as each person chose."""

from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.delivery.codes import Channel, DocumentKind
from openbenefits.delivery.keeping import keep_documents
from openbenefits.delivery.languages import load_languages
from openbenefits.delivery.routing import give
from openbenefits.reports.issuing_letters import load_people
from openbenefits.reports.printing import press
from openbenefits.reports.rules import city_line, full_name
from openbenefits.reports.spoken import days_said
from openbenefits.workforce import frames as workforce

PAPER = "us-letter"


def issue_notices(
    connection: Any,
    client_id: int,
    notices: pl.DataFrame,
    *,
    on: date,
    now: datetime,
    actor: str,
    channel: Channel | None = None,
) -> pl.DataFrame:
    """Make notices to people of a client, keep them, and give them to the ways their people chose, or to one.

    Shapes: notices have person_id, title and body (paragraphs apart by a blank line); adds document_id,
            in order. Part of the caller's transaction, or one of its own.
    """
    people = load_people(connection, client_id, notices["person_id"].unique().to_list())
    cases = people.select(
        "case", "client_id", "person_id", benefit_record=pl.lit(0, dtype=pl.Int16), as_of=pl.lit(on)
    )
    known = people.hstack(workforce.names_as_of(connection, cases).drop("case"))
    known = known.drop("language").join(load_languages(connection, cases), on="case")
    letters = notices.join(known, on="person_id", how="inner", maintain_order="left").select(
        "client_id",
        "person_id",
        "employee_number",
        "title",
        name=full_name(),
        client="client_name",
        address=pl.concat_list("line1", city_line()).list.drop_nulls().list.filter(pl.element() != ""),
        event="title",
        language="language",
        on=pl.col("language").replace(days_said(on, known["language"].unique())),
        paragraphs=pl.col("body").str.split("\n\n"),
    )
    with transaction.atomic():
        with press("notice.typ", paper=PAPER) as machine:
            pdfs = machine.files_of(letters.drop("client_id", "person_id"))
        about = letters.select(
            "client_id",
            "person_id",
            kind=pl.lit(str(DocumentKind.NOTICE)),
            benefit_record=None,
            schedule_id=None,
            event_number=None,
            as_of=pl.lit(on),
            paper=pl.lit(PAPER),
        )
        kept = keep_documents(connection, about, pdfs, author=actor, now=now)
        give(connection, kept, on=on, author=actor, now=now, channel=channel)
    return notices.with_columns(document_id=kept["document_id"])
