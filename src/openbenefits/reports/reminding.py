"""Reminders of evidence and papers that are missing: due by a client's rule, a letter for each person."""

from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from openbenefits.delivery.frames import of_day
from openbenefits.delivery.languages import load_languages
from openbenefits.delivery.mailing import send_mails
from openbenefits.enrollment import evidence_deciding, verifying
from openbenefits.programs.sections.operation import DeadlinesPart
from openbenefits.programs.translations import load_translations
from openbenefits.reports.notices import issue_notices
from openbenefits.reports.rules import full_name
from openbenefits.reports.spoken import day_said, named_by, plan_type_said

TOLD = "reminded by letter, by the rule of the client"


def due(rows: pl.DataFrame, rule: DeadlinesPart, on: date) -> pl.DataFrame:
    """Keep what somebody is to be reminded of on a day: first after some days, then every so many days.

    Shapes: rows have since, reminded_on and deadline_on.
    Missing: without a first day nobody is reminded; without further days once; no deadline never passes.
    """
    if rule.first_reminder_days is None:
        return rows.clear()
    first = pl.col("since") + pl.duration(days=rule.first_reminder_days)
    further = rule.reminder_every_days
    again = pl.lit(None, pl.Date) if further is None else pl.col("reminded_on") + pl.duration(days=further)
    next_on = pl.when(pl.col("reminded_on").is_null()).then(first).otherwise(again)
    is_open = (pl.col("deadline_on") >= on).fill_null(value=True)
    return rows.filter((next_on <= on).fill_null(value=False) & is_open)


def remind_due(connection: Any, client_id: int, *, on: date, now: datetime, author: str) -> dict[str, int]:
    """Remind everybody of a client who is due on a day; answer how many letters, and of how much they tell.

    A person gets one letter, in his language, about all that is missing; that he was reminded is an act of
    the desks. Mails go out at once, paper waits for a print batch. Run twice on a day it does nothing more.
    """
    rule = evidence_deciding.deadlines_of(client_id)
    evidence = due(evidence_deciding.pending(connection, client_id, on), rule, on)
    to_prove = verifying.dependents_to_prove(connection, client_id, on)
    papers = due(to_prove.filter(standing=verifying.MISSING), rule, on)
    people = pl.concat([one.select("client_id", "person_id") for one in (evidence, papers)]).unique()
    if people.is_empty():
        return {"letters": 0, "evidence": 0, "papers": 0}
    with transaction.atomic():
        with named_by(load_translations(connection, client_id)):
            notices = _notices(connection, people.sort("person_id"), evidence, papers, on)
        notices = issue_notices(connection, client_id, notices, on=on, now=now, actor=author)
        evidence_deciding.note_reminded(connection, evidence, on=on, reason=TOLD, author=author, now=now)
        verifying.note_reminded(papers, on=on, reason=TOLD, author=author, now=now)
    made = notices["document_id"].to_list()
    send_mails(connection, client_id, author=author, now=now, document_ids=made)
    return {"letters": notices.height, "evidence": evidence.height, "papers": papers.height}


def _notices(
    connection: Any, people: pl.DataFrame, evidence: pl.DataFrame, papers: pl.DataFrame, on: date
) -> pl.DataFrame:
    """Write a notice for each person: person_id, title, body."""
    languages = load_languages(connection, of_day(people, on))
    parts = []
    for (language,), mine in people.hstack(languages.select("language")).group_by("language"):
        with override(str(language)):
            parts.append(_written(mine, evidence, papers))
    return pl.concat(parts).sort("person_id")


def _written(people: pl.DataFrame, evidence: pl.DataFrame, papers: pl.DataFrame) -> pl.DataFrame:
    until = _("Please send it by {}.")
    asked = _listed(
        evidence, plan_type_said(), _("The insurer still waits for your answers about: {}."), until
    )
    proofs = _listed(papers, full_name(), _("Papers that show who somebody is are missing for: {}."), until)
    rows = people.join(asked, on="person_id", how="left").join(
        proofs, on="person_id", how="left", suffix="_papers"
    )
    last = pl.lit(
        _("What is not there in time may end, or stay at the smaller amount. If you sent it, thank you.")
    )
    body = pl.concat_str("told", "told_papers", last, separator="\n\n", ignore_nulls=True)
    return rows.select("person_id", title=pl.lit(_("Something is still missing")), body=body)


def _listed(rows: pl.DataFrame, name: pl.Expr, words: str, until: str) -> pl.DataFrame:
    """Say in a paragraph what is missing of each person: person_id, told."""
    named = rows.with_columns(named=name).sort("person_id", "since")
    found = named.group_by("person_id", maintain_order=True).agg(
        pl.col("named").unique(maintain_order=True).str.join(", "), pl.col("deadline_on").min()
    )
    told = pl.format(words, "named")
    dated = pl.concat_str(told, pl.format(until, day_said(pl.col("deadline_on"))), separator=" ")
    return found.select("person_id", told=pl.coalesce(dated, told))
