"""What faces list of carrier enrolment: lines of messages, files and answers, and portal entries.

People are named by employee number and client code; dependents only as such. Each list is bounded by `limit`.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.carriers.enrollment.explain import REASONS
from openbenefits.carriers.models import AnswerLine, FileLine, PortalEntry
from openbenefits.carriers.rules.renderings import Message
from openbenefits.workforce.models import Client, Person

LIMIT = 2_000
REFUSED = ("refused", "missing there", "different")
"""Verdicts of a report that want somebody to act."""
FILE_LINE: dict[str, Any] = {
    "client_id": pl.Int64,
    "file_id": pl.Int64,
    "number": pl.Int64,
    "set": pl.Int64,
    "person_id": pl.Int64,
    "dependent_id": pl.Int64,
    "member": pl.String,
    "plan_type": pl.String,
    "kind": pl.String,
    "action": pl.String,
    "plan": pl.String,
    "tier": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "verdict": pl.String,
    "code": pl.String,
    "words": pl.String,
    "answered_at": pl.Datetime("us", "UTC"),
}
ANSWER_LINE: dict[str, Any] = {
    "client_id": pl.Int64,
    "number": pl.Int64,
    "file_id": pl.Int64,
    "set": pl.Int64,
    "line_number": pl.Int64,
    "person_id": pl.Int64,
    "segment": pl.String,
    "place": pl.String,
    "verdict": pl.String,
    "code": pl.String,
    "words": pl.String,
}
ENTRY: dict[str, Any] = {
    "id": pl.Int64,
    "client_id": pl.Int64,
    "partner": pl.String,
    "person_id": pl.Int64,
    "dependent_id": pl.Int64,
    "line": pl.String,
    "kind": pl.String,
    "plan": pl.String,
    "tier": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "reason": pl.String,
    "due_on": pl.Date,
    "opened_at": pl.Datetime("us", "UTC"),
    "done_at": pl.Datetime("us", "UTC"),
    "done_by": pl.String,
    "call_reference": pl.String,
}


def lines_of_message(message: Message) -> pl.DataFrame:
    """List what a message says of lines, with whom it is about and why.

    Shapes: the lines of the message with client_id, person_id, client, employee_number, who (self,
            dependent), why.
    """
    parts = message.lines["subscriber"].str.split("-")
    rows = message.lines.with_columns(
        client_id=parts.list.get(0, null_on_oob=True).cast(pl.Int64, strict=False),
        person_id=parts.list.get(1, null_on_oob=True).cast(pl.Int64, strict=False),
    )
    key = ["subscriber", "member", "basis"]
    reasons = message.people.select(*key, "reason").unique(key, keep="last")
    rows = rows.join(reasons, on=key, how="left", nulls_equal=True, maintain_order="left")
    is_self = pl.col("subscriber") == pl.col("member")
    said = pl.col("reason").replace_strict(REASONS, default=None, return_dtype=pl.String)
    return named(rows, is_self).with_columns(why=pl.coalesce("cause", said)).drop("reason")


def members_of_message(message: Message) -> dict[str, int]:
    """Count members: all a message speaks of, and those of whom it says no line, only who they are."""
    key = ["subscriber", "member"]
    people = message.people.select(key).unique()
    return {"members": people.height, "people only": people.join(message.lines, on=key, how="anti").height}


def file_lines(
    file_id: int | None = None,
    *,
    client_ids: Sequence[int] | None = None,
    kind: str | None = None,
    employee: str | None = None,
    is_refused: bool = False,
    limit: int = LIMIT,
) -> pl.DataFrame:
    """List lines of a file, of one kind or one employee; or what reports refused, the latest first.

    Shapes: FILE_LINE with client, employee_number, who.
    """
    found = FileLine.objects.all()
    order = "number"
    if file_id is not None:
        found = found.filter(file_id=file_id)
    if client_ids is not None:
        found = found.filter(client_id__in=client_ids)
    if is_refused:
        found, order = found.filter(verdict__in=REFUSED), "-answered_at"
    if kind is not None:
        found = found.filter(kind=kind)
    if employee:
        people = Person.objects.filter(employee_number=employee)[:limit]
        found = found.filter(person_id__in=list(people.values_list("pk", flat=True)))
    rows = pl.DataFrame(list(found.order_by(order).values(*FILE_LINE)[:limit]), schema=FILE_LINE)
    return named(rows, pl.col("dependent_id").is_null())


def answer_lines(answer_id: int, *, limit: int = LIMIT) -> pl.DataFrame:
    """List what an answer says, what is about no file of ours first.

    Shapes: ANSWER_LINE with client, employee_number.
    """
    found = AnswerLine.objects.filter(answer_id=answer_id).order_by("number").values(*ANSWER_LINE)[:limit]
    rows = named(pl.DataFrame(list(found), schema=ANSWER_LINE), pl.lit(value=True)).drop("who")
    return rows.sort(pl.col("file_id").is_not_null(), "number")


def portal_rows(client_ids: Sequence[int], *, with_done: bool = False, limit: int = LIMIT) -> pl.DataFrame:
    """List what is to be entered at portals, what is due first.

    Shapes: ENTRY with client, employee_number, who.
    """
    found = PortalEntry.objects.filter(client_id__in=client_ids, is_net=True)
    found = found if with_done else found.filter(done_at__isnull=True)
    rows = pl.DataFrame(list(found.order_by("due_on", "pk").values(*ENTRY)[:limit]), schema=ENTRY)
    return named(rows, pl.col("dependent_id").is_null())


def named(rows: pl.DataFrame, is_self: pl.Expr) -> pl.DataFrame:
    """Add client (its code), employee_number and who to rows with client_id and person_id."""
    ids = rows["person_id"].drop_nulls().unique().to_list()
    numbers = dict(Person.objects.filter(pk__in=ids).values_list("pk", "employee_number"))
    clients = rows["client_id"].drop_nulls().unique().to_list()
    codes = dict(Client.objects.filter(pk__in=clients).values_list("pk", "code"))
    return rows.with_columns(
        client=pl.col("client_id").replace_strict(codes, default="", return_dtype=pl.String),
        employee_number=pl.col("person_id").replace_strict(numbers, default=None, return_dtype=pl.String),
        who=pl.when(is_self).then(pl.lit("self")).otherwise(pl.lit("dependent")),
    )
