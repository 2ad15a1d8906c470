"""Dependents who must be proved: whose papers are missing, since when, until when; dropped at the deadline.

A dependent who is dropped is no longer one from the day after the deadline: a fact, with a life event of the
class the client names, which event maintenance decides by the rules. Both are changes that can be taken back.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import polars as pl
from django.db import transaction
from django.db.models import Count

from openbenefits.enrollment.evidence_deciding import deadlines_of
from openbenefits.enrollment.models import DependentAct
from openbenefits.store.bulk import copy_out
from openbenefits.workforce.models import Dependent
from openbenefits.workforce.services import change_dependent, report_life_event
from openbenefits.workforce.undo import take_back


class Kind(StrEnum):
    """What may be done about a dependent nobody proved."""

    REMINDED = "reminded"
    DROPPED = "dropped"
    LET_BACK = "let back"


PAPERS = ("birth", "adoption", "marriage", "residence", "student", "disability", "other")
"""Kinds of papers that show who a dependent is."""


class VerifyingRefused(ValueError):
    """What cannot be done about a dependent: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class DependentOrder:
    """What to do about one dependent, by the number people see."""

    client_id: int
    person_id: int
    number: int
    on: date
    reason: str
    author: str


QUERY = """
WITH covered AS (
    SELECT d.client_id, d.person_id, d.dependent_id, min(c.begins_on) AS covered_from,
           min((c.made_at AT TIME ZONE 'UTC')::date) AS since
    FROM enrollment_coveragedependent AS d
    JOIN enrollment_coverage AS c
      USING (client_id, person_id, benefit_record, plan_type, slot, begins_on, version)
    WHERE d.client_id = %(client)s AND c.superseded_by_run IS NULL
      AND NOT EXISTS (
          SELECT FROM enrollment_coverage AS n
          WHERE (n.client_id, n.person_id, n.benefit_record, n.plan_type, n.slot)
              = (c.client_id, c.person_id, c.benefit_record, c.plan_type, c.slot)
            AND n.superseded_by_run IS NULL AND n.begins_on > c.begins_on AND n.begins_on <= %(as_of)s
      )
    GROUP BY 1, 2, 3
), facts AS (
    SELECT DISTINCT ON (f.client_id, f.dependent_id) f.client_id, f.dependent_id, f.first_name, f.last_name,
           f.person_type, f.is_former
    FROM workforce_dependentfact AS f
    JOIN covered AS k USING (client_id, dependent_id)
    WHERE f.valid_from <= %(as_of)s AND NOT f.is_deleted
    ORDER BY f.client_id, f.dependent_id, f.valid_from DESC, f.version DESC
), papers AS (
    SELECT person_id, substring(about from '^dependent:([0-9]+)$')::smallint AS number,
           bool_or(state = 'approved') AS is_proved, count(*) FILTER (WHERE state = 'received') AS waiting,
           count(*) FILTER (WHERE state = 'rejected') AS rejected
    FROM enrollment_document
    WHERE client_id = %(client)s AND about LIKE 'dependent:%%' AND kind = ANY(%(papers)s)
    GROUP BY 1, 2
), acts AS (
    SELECT DISTINCT ON (a.client_id, a.dependent_id) a.client_id, a.dependent_id, a.kind, a.acted_on,
           max(a.acted_on) FILTER (WHERE a.kind = 'reminded') OVER w AS reminded_on
    FROM enrollment_dependentact AS a WHERE a.client_id = %(client)s
    WINDOW w AS (PARTITION BY a.client_id, a.dependent_id)
    ORDER BY a.client_id, a.dependent_id, a.number DESC
)
SELECT k.client_id, k.person_id, p.employee_number, k.dependent_id, d.number, f.first_name, f.last_name,
       f.person_type, k.since, k.covered_from, coalesce(q.is_proved, false) AS is_proved,
       coalesce(q.waiting, 0)::integer AS waiting, coalesce(q.rejected, 0)::integer AS rejected,
       t.reminded_on, t.kind AS last_act, f.is_former
FROM covered AS k
JOIN facts AS f USING (client_id, dependent_id)
JOIN workforce_dependent AS d ON d.client_id = k.client_id AND d.id = k.dependent_id
JOIN workforce_person AS p ON p.client_id = k.client_id AND p.id = k.person_id
LEFT JOIN papers AS q ON q.person_id = k.person_id AND q.number = d.number
LEFT JOIN acts AS t ON t.client_id = k.client_id AND t.dependent_id = k.dependent_id
"""
COVERED: dict[str, Any] = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "employee_number": pl.String,
    "dependent_id": pl.Int64,
    "number": pl.Int16,
    "first_name": pl.String,
    "last_name": pl.String,
    "person_type": pl.String,
    "since": pl.Date,
    "covered_from": pl.Date,
    "is_proved": pl.Boolean,
    "waiting": pl.Int32,
    "rejected": pl.Int32,
    "reminded_on": pl.Date,
    "last_act": pl.String,
    "is_former": pl.Boolean,
}
PROVED, WAITING, MISSING, OVERDUE, DROPPED = "proved", "to review", "missing", "overdue", "dropped"


def dependents_to_prove(connection: Any, client_id: int, as_of: date) -> pl.DataFrame:
    """List the covered dependents a client wants proved, as COVERED with days, deadline_on, standing.

    standing: proved, to review (papers wait), missing, overdue, dropped.
    Missing: deadline_on is null where the client states none; then nobody is overdue.
    """
    stated = deadlines_of(client_id)
    asked = {"client": client_id, "as_of": as_of, "papers": list(PAPERS)}
    rows = copy_out(connection, QUERY, COVERED, asked)
    if stated.dependent_types:
        rows = rows.filter(pl.col("person_type").is_in(stated.dependent_types))
    days = stated.dependent_days
    deadline = pl.lit(None, pl.Date) if days is None else pl.col("since") + pl.duration(days=days)
    told = rows.with_columns(
        days=(pl.lit(as_of) - pl.col("since")).dt.total_days().cast(pl.Int32),
        deadline_on=deadline.cast(pl.Date),
    )
    return told.with_columns(
        standing=pl.when(pl.col("last_act") == str(Kind.DROPPED))
        .then(pl.lit(DROPPED))
        .when("is_proved")
        .then(pl.lit(PROVED))
        .when(pl.col("waiting") > 0)
        .then(pl.lit(WAITING))
        .when(pl.col("deadline_on") < as_of)
        .then(pl.lit(OVERDUE))
        .otherwise(pl.lit(MISSING))
    ).sort("since", "employee_number", "number")


def remind(connection: Any, order: DependentOrder, *, now: datetime) -> None:
    """Write down that somebody was reminded of papers that are missing; `reason` says how.

    Errors: VerifyingRefused without a reason, or for a dependent who is proved, or not covered.
    """
    row = _open(connection, order)
    _write(row, Kind.REMINDED, order, now)


def note_reminded(papers: pl.DataFrame, *, on: date, reason: str, author: str, now: datetime) -> None:
    """Write down that everybody of a list was reminded.

    Shapes: papers as `dependents_to_prove`.
    """
    ids = papers["dependent_id"].to_list()
    made = DependentAct.objects.filter(client_id__in=papers["client_id"].unique(), dependent_id__in=ids)
    counts = dict(made.order_by().values_list("dependent_id").annotate(Count("number")))
    DependentAct.objects.bulk_create(
        DependentAct(
            client_id=client_id,
            person_id=person_id,
            dependent_id=dependent_id,
            number=counts.get(dependent_id, 0) + 1,
            kind=str(Kind.REMINDED),
            acted_on=on,
            reason=reason,
            author=author,
            acted_at=now,
        )
        for client_id, person_id, dependent_id in papers.select(
            "client_id", "person_id", "dependent_id"
        ).rows()
    )


def drop(connection: Any, order: DependentOrder, *, now: datetime) -> str:
    """Let a dependent nobody proved be none from the day after the deadline, or from a later `order.on`.

    Event maintenance then decides the life event that was reported with it. Answers the class of that event.

    Errors: VerifyingRefused before the deadline, while papers wait for review, or where the client's set-up
            names no class of event for it; PeopleBusy.
    """
    stated = deadlines_of(order.client_id)
    row = _open(connection, order)
    if stated.unverified_event is None:
        raise VerifyingRefused(
            "expected a class of event in the client's set-up (deadlines, unverified_event), found none;"
            " set it, or end the coverage by a life event"
        )
    if row["standing"] != OVERDUE:
        raise VerifyingRefused(
            f"dependent {order.number}: expected one who is overdue, found one that is {row['standing']}"
        )
    on = max(order.on, row["deadline_on"] + timedelta(days=1))
    with transaction.atomic(using=connection.alias):
        changed = change_dependent(
            order.client_id,
            row["dependent_id"],
            on=on,
            changes={"is_former": True},
            made_by=order.author,
            now=now,
        )
        reported = report_life_event(
            order.client_id,
            order.person_id,
            event_class=stated.unverified_event,
            on=on,
            reported_on=on,
            made_by=order.author,
            now=now,
        )
        _write(row, Kind.DROPPED, order, now, changes=(changed.change.pk, reported.change.pk))
    return stated.unverified_event


def let_back(connection: Any, order: DependentOrder, *, now: datetime) -> None:
    """Take the dropping of a dependent back, as if it had never been; events decided by it are then flagged.

    Errors: VerifyingRefused where the dependent was not dropped; AlreadyTakenBack; PeopleBusy.
    """
    _refuse_silence(order.reason)
    made = _acts(order.client_id, _dependent_id(connection, order))
    last = made.filter(kind__in=(str(Kind.DROPPED), str(Kind.LET_BACK))).order_by("-number").first()
    if last is None or last.kind != Kind.DROPPED:
        raise VerifyingRefused(f"dependent {order.number}: expected one who was dropped, found another")
    with transaction.atomic(using=connection.alias):
        for change in (last.event_change_id, last.change_id):
            take_back(change, made_by=order.author, now=now)
        row = {"person_id": order.person_id, "dependent_id": last.dependent_id}
        _write(row, Kind.LET_BACK, order, now)


def is_dropped(client_id: int, person_id: int, number: int) -> bool:
    """Tell whether a dependent stands dropped."""
    theirs = Dependent.objects.filter(client_id=client_id, person_id=person_id, number=number)
    made = DependentAct.objects.filter(client_id=client_id, dependent_id__in=theirs.values("pk"))
    last = made.filter(kind__in=(str(Kind.DROPPED), str(Kind.LET_BACK))).order_by("-number").first()
    return last is not None and last.kind == Kind.DROPPED


def _open(connection: Any, order: DependentOrder) -> dict[str, Any]:
    _refuse_silence(order.reason)
    rows = dependents_to_prove(connection, order.client_id, order.on)
    found = rows.filter(person_id=order.person_id, number=order.number)
    if found.is_empty() or found["standing"][0] in (PROVED, DROPPED):
        there = "none" if found.is_empty() else f"one that is {found['standing'][0]}"
        raise VerifyingRefused(
            f"dependent {order.number}: expected a covered dependent whose papers are missing, found {there}"
        )
    return found.row(0, named=True)


def _dependent_id(connection: Any, order: DependentOrder) -> int:
    theirs = Dependent.objects.using(connection.alias).filter(
        client_id=order.client_id, person_id=order.person_id, number=order.number
    )
    found = theirs.values_list("pk", flat=True).first()
    if found is None:
        raise VerifyingRefused(f"expected a dependent of this employee, found none of number {order.number}")
    return int(found)


def _acts(client_id: int, dependent_id: int) -> Any:
    return DependentAct.objects.filter(client_id=client_id, dependent_id=dependent_id)


def _write(
    row: dict[str, Any],
    kind: Kind,
    order: DependentOrder,
    now: datetime,
    *,
    changes: tuple[int | None, int | None] = (None, None),
) -> None:
    made = _acts(order.client_id, row["dependent_id"])
    made.create(
        client_id=order.client_id,
        person_id=order.person_id,
        dependent_id=row["dependent_id"],
        number=made.count() + 1,
        kind=str(kind),
        acted_on=order.on,
        change_id=changes[0],
        event_change_id=changes[1],
        reason=order.reason.strip(),
        author=order.author,
        acted_at=now,
    )


def _refuse_silence(reason: str) -> None:
    if not reason.strip():
        raise VerifyingRefused("expected a reason, found none; state it")
