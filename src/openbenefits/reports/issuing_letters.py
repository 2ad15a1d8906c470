"""Letters of coverage and of loss: made from the timeline, kept, given to the way each person chose."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction
from django.utils import translation

from openbenefits.delivery.codes import Channel, DocumentKind
from openbenefits.delivery.keeping import keep_documents
from openbenefits.delivery.languages import load_languages
from openbenefits.delivery.routing import give
from openbenefits.programs.translations import load_translations
from openbenefits.reports import frames
from openbenefits.reports.coverage_letters import COVERAGE, LOSS, coverage_letters
from openbenefits.reports.covered_spans import EMPLOYEE, in_force, load_covered_spans, lost
from openbenefits.reports.printing import Press, press
from openbenefits.reports.spoken import named_by
from openbenefits.workforce import frames as workforce

BATCH_PEOPLE = 100
Progress = Callable[[int, int], None]


class LetterRefused(ValueError):
    """Letters that cannot be made: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class LetterOrder:
    """Which letters are wanted.

    kind:       COVERAGE of `as_of`, or LOSS of what ended from `since` to `as_of`.
    person_ids: some people; None: everybody of the client whom it is about.
    again:      also those who have such a letter of that day already.
    """

    client_id: int
    kind: DocumentKind
    as_of: date
    since: date | None = None
    person_ids: tuple[int, ...] | None = None
    again: bool = False
    paper: str = "us-letter"
    channel: Channel | None = None


@dataclass(frozen=True, kw_only=True)
class LetterResult:
    """What came of an order: the numbers of the letters made; how many people had no such coverage."""

    documents: Sequence[int]
    nothing: int
    had_one: int


def issue_letters(
    connection: Any,
    order: LetterOrder,
    *,
    on: date,
    now: datetime,
    actor: str,
    progress: Progress | None = None,
) -> LetterResult:
    """Make the letters of an order, a transaction for each batch of people.

    Broken off, the next call makes the rest: who has such a letter of that day is left out.

    Errors: LetterRefused for another kind, or a loss without the day it is looked for from.
    """
    _check(order)
    people = load_people(connection, order.client_id, order.person_ids)
    due = people if order.again else _without_letter(connection, order, people)
    documents: list[int] = []
    with press("coverage.typ", paper=order.paper) as machine:
        for batch in due.iter_slices(BATCH_PEOPLE):
            with transaction.atomic():
                documents += _issue(connection, order, batch, machine, on, now, actor)
            if progress is not None:
                progress(batch["place"][-1], due.height)
    return LetterResult(
        documents=tuple(documents),
        nothing=due.height - len(documents),
        had_one=people.height - due.height,
    )


def _check(order: LetterOrder) -> None:
    if order.kind not in (DocumentKind.COVERAGE, DocumentKind.LOSS):
        raise LetterRefused(
            f"expected coverage or loss, found {order.kind}; statements are issued by schedule"
        )
    if order.kind == DocumentKind.LOSS and (order.since is None or order.since > order.as_of):
        raise LetterRefused(
            "expected the first day on which coverage may have ended, not after the last; name it (--since)"
        )


def _issue(
    connection: Any,
    order: LetterOrder,
    batch: pl.DataFrame,
    machine: Press,
    on: date,
    now: datetime,
    actor: str,
) -> list[int]:
    letters = letters_about(connection, order, batch, on)
    if letters.is_empty():
        return []
    pdfs = machine.files_of(letters)
    about = letters.join(batch, on="case", maintain_order="left").select(
        "client_id",
        "person_id",
        kind=pl.lit(str(order.kind)),
        benefit_record=None,
        schedule_id=None,
        event_number=None,
        as_of=pl.lit(order.as_of),
        paper=pl.lit(order.paper),
    )
    kept = keep_documents(connection, about, pdfs, author=actor, now=now)
    give(connection, kept, on=on, author=actor, now=now, channel=order.channel)
    return kept["document_id"].to_list()


def letters_about(connection: Any, order: LetterOrder, batch: pl.DataFrame, on: date) -> pl.DataFrame:
    """Write the letters of some people, those left out who have nothing to be told of.

    Shapes: batch as `load_people`, a case each; the letters as `coverage_letters`.
    """
    spans = load_covered_spans(connection, batch.select("client_id", "person_id"))
    is_loss = order.kind == DocumentKind.LOSS
    told = lost(spans, order.since, order.as_of) if is_loss else in_force(spans, order.as_of)
    if told.is_empty():
        return pl.DataFrame()
    cases = batch.select(
        "case",
        "client_id",
        "person_id",
        benefit_record=pl.lit(0, dtype=pl.Int16),
        as_of=pl.lit(on),
    )
    people = batch.hstack(workforce.names_as_of(connection, cases).drop("case"))
    names = workforce.dependent_names_as_of(connection, cases)
    kinds = workforce.dependents_as_of(connection, cases).select("case", "dependent_id", "person_type")
    dependents = names.join(kinds, on=["case", "dependent_id"]).filter(pl.col("dependent_id") != EMPLOYEE)
    wording = LOSS if is_loss else COVERAGE
    languages = load_languages(connection, cases)
    named = load_translations(connection, order.client_id)
    parts = []
    for (language,), mine in languages.group_by("language", maintain_order=True):
        readers = people.join(mine, on="case", how="semi", maintain_order="left")
        with translation.override(str(language)), named_by(named):
            found = coverage_letters(readers, told, dependents, wording, as_of=order.as_of, on=on)
        parts.append(found.with_columns(language=pl.lit(language)))
    return pl.concat(parts, how="vertical_relaxed").sort("case")


PEOPLE_QUERY = """
SELECT p.client_id, p.id AS person_id, p.employee_number, c.name AS client_name
FROM workforce_person AS p JOIN workforce_client AS c ON c.id = p.client_id
WHERE p.client_id = %(client)s AND (%(persons)s::bigint[] IS NULL OR p.id = ANY (%(persons)s::bigint[]))
ORDER BY p.id
"""
PEOPLE = {
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "employee_number": pl.String(),
    "client_name": pl.String(),
}


def load_people(connection: Any, client_id: int, person_ids: Sequence[int] | None) -> pl.DataFrame:
    """Load people of a client: PEOPLE, case, and place, which counts from 1."""
    params = {"client": client_id, "persons": None if person_ids is None else list(person_ids)}
    rows = frames.copy_out(connection, PEOPLE_QUERY, PEOPLE, params)
    return rows.with_columns(
        case=pl.int_range(pl.len(), dtype=pl.Int32), place=pl.int_range(1, pl.len() + 1, dtype=pl.Int32)
    )


MADE_QUERY = """
SELECT DISTINCT person_id FROM delivery_document
WHERE client_id = %s AND kind = %s AND as_of = %s
"""


def _without_letter(connection: Any, order: LetterOrder, people: pl.DataFrame) -> pl.DataFrame:
    asked = [order.client_id, str(order.kind), order.as_of]
    made = frames.copy_out(connection, MADE_QUERY, {"person_id": pl.Int64()}, asked)
    rest = people.join(made, on="person_id", how="anti", maintain_order="left")
    return rest.with_columns(place=pl.int_range(1, pl.len() + 1, dtype=pl.Int32))
