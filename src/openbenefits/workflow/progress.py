"""How far playbooks are: each step that was made, when it is due, done by whom, and what data says."""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.store.bulk import copy_out
from openbenefits.workflow import models
from openbenefits.workflow.channels import stored
from openbenefits.workflow.checks import CHECKS, verdicts

STEPS = """
SELECT m.channel_id, m.version, m.item, m.kind, m.key, m.client_id, m.person_id,
       c.code AS channel, c.name, c.playbook, w.code AS client, p.employee_number, m.made_kind,
       m.made_key::bigint AS ticket, m.made_on, t.subject,
       CASE WHEN t.status = 'closed' AND EXISTS (
           SELECT FROM casework_change AS h WHERE h.client_id = t.client_id AND h.ticket_id = t.id
             AND h.field = 'status' AND h.after = 'resolved'
       ) THEN 'resolved' ELSE t.status END AS status,  -- what was done before it was put away is done
       t.due_on, (t.done_at AT TIME ZONE 'UTC')::date AS done_on, nullif(t.done_by, '') AS done_by
FROM workflow_made AS m
JOIN workflow_channel AS c ON c.id = m.channel_id
LEFT JOIN workforce_client AS w ON w.id = m.client_id
JOIN casework_ticket AS t ON t.client_id = m.client_id AND t.id = m.made_key::bigint AND NOT t.is_health
LEFT JOIN workforce_person AS p ON p.client_id = m.client_id AND p.id = m.person_id
WHERE m.made_kind IN ('task', 'case') AND (%(client)s::int IS NULL OR m.client_id = %(client)s)
  AND CASE %(playbook)s WHEN '' THEN c.playbook <> '' ELSE c.playbook = %(playbook)s END
  AND m.made_on >= %(since)s
ORDER BY m.id
"""
SCHEMA = {
    "channel_id": pl.Int64(),
    "version": pl.Int32(),
    "item": pl.String(),
    "kind": pl.String(),
    "key": pl.String(),
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "channel": pl.String(),
    "name": pl.String(),
    "playbook": pl.String(),
    "client": pl.String(),
    "employee_number": pl.String(),
    "made_kind": pl.String(),
    "ticket": pl.Int64(),
    "made_on": pl.Date(),
    "subject": pl.String(),
    "status": pl.String(),
    "due_on": pl.Date(),
    "done_on": pl.Date(),
    "done_by": pl.String(),
}
IN_TIME, LATE, OPEN, OVERDUE, TO_COME, CANCELLED = STANDS = (
    "done in time",
    "done late",
    "open",
    "overdue",
    "to come",
    "cancelled",
)
RECORD = ("channel_id", "kind", "key", "client_id", "person_id", "channel", "name", "playbook", "client")
"""What steps of one channel about one record share, beside the employee's number."""


def progress(
    connection: Any,
    client_id: int | None,
    *,
    today: date,
    playbook: str = "",
    since: date = date.min,
    is_proving: bool = True,
) -> pl.DataFrame:
    """List the steps of playbooks: due, done by, and whether data bears it out.

    client_id: None for every client, and for what is the PEO's own (its `client` is null).
    playbook: one of them; '' for all. since: made from that day on. is_proving: whether data are asked.
    Shapes: SCHEMA, with step (its title), stands (STANDS), check (a name, or null), is_proved and told. What
            comes after a step that is not done yet stands at TO_COME: no ticket, nothing asked of data.
    Missing: is_proved is null where the step has no check, the record is gone, or data were not asked.
    """
    since = max(since, date(1900, 1, 1))
    found = copy_out(connection, STEPS, SCHEMA, {"client": client_id, "playbook": playbook, "since": since})
    items = _items(found)
    titled = found.join(
        items.drop("after"), on=["channel_id", "version", "item"], how="left", maintain_order="left"
    )
    stands = (
        pl.when(pl.col("status").is_in(["cancelled", "closed"]))
        .then(pl.lit(CANCELLED))
        .when(pl.col("done_on").is_not_null() & (pl.col("done_on") > pl.col("due_on")))
        .then(pl.lit(LATE))
        .when(pl.col("done_on").is_not_null())
        .then(pl.lit(IN_TIME))
        .when(pl.col("due_on") < today)
        .then(pl.lit(OVERDUE))
        .otherwise(pl.lit(OPEN))
    )
    steps = titled.with_columns(stands=stands)
    steps = pl.concat([steps, _to_come(steps, items)], how="diagonal")
    if is_proving:
        return _proved(connection, steps, today)
    return steps.with_columns(is_proved=pl.lit(None, pl.Boolean), told=pl.lit(None, pl.String))


def _to_come(steps: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """List the items that come after a step, of records that are not so far; none after a cancelled one."""
    record = [*RECORD, "employee_number"]
    begun = steps.group_by(record, maintain_order=True).agg(pl.col("version").max())
    there = steps.select("channel_id", "key", "item")
    waiting = begun.join(
        items.filter(pl.col("after").is_not_null()), on=["channel_id", "version"], maintain_order="left"
    ).join(there, on=["channel_id", "key", "item"], how="anti", maintain_order="left")
    over = steps.filter(stands=CANCELLED).select("channel_id", "key", after="item")
    while True:  # whatever comes after one that never comes does not come either
        never = waiting.join(over, on=["channel_id", "key", "after"], how="semi")
        if never.is_empty():
            return waiting.drop("after", "check").with_columns(stands=pl.lit(TO_COME))
        waiting = waiting.join(never, on=["channel_id", "key", "item"], how="anti", maintain_order="left")
        over = never.select("channel_id", "key", after="item")


def _items(found: pl.DataFrame) -> pl.DataFrame:
    """Answer the titles and checks of the items named."""
    rows = []
    for channel, version in found.select("channel_id", "version").unique().iter_rows():
        kept = models.ChannelVersion.objects.get(channel_id=channel, version=version)
        rows += [
            (
                *(channel, version, item.item, place, item.title, item.done_when or None),
                item.after.item if item.after else None,
            )
            for place, item in enumerate(stored(kept.document).items)
        ]
    names = {"channel_id": pl.Int64(), "version": pl.Int32(), "item": pl.String(), "place": pl.Int32()}
    texts = dict.fromkeys(("step", "check", "after"), pl.String())
    return pl.DataFrame(rows, schema={**names, **texts}, orient="row")


def _proved(connection: Any, steps: pl.DataFrame, today: date) -> pl.DataFrame:
    """Add what the checks of steps say."""
    asked = steps.with_columns(
        of=pl.col("check").replace_strict(
            {name: one.kind for name, one in CHECKS.items()}, default=None, return_dtype=pl.String
        )
    ).with_columns(
        subject_key=pl.when(pl.col("of") == "client")
        .then(pl.col("client_id").cast(pl.String))
        .when(pl.col("of") == "person")
        .then(pl.col("person_id").cast(pl.String))
        .otherwise("key")
    )
    answers = [
        verdicts(connection, CHECKS[name], rows["subject_key"].unique().to_list(), today).with_columns(
            check=pl.lit(name)
        )
        for (name,), rows in asked.filter(pl.col("of").is_not_null()).group_by("check", maintain_order=True)
    ]
    schema = {"subject_key": pl.String, "is_proved": pl.Boolean, "told": pl.String, "check": pl.String}
    renamed = [one.rename({"key": "subject_key", "is_done": "is_proved"}) for one in answers]
    told = pl.concat([pl.DataFrame(schema=schema), *renamed])
    found = asked.join(told, on=["subject_key", "check"], how="left", maintain_order="left")
    return found.drop("subject_key", "of")


def summary(steps: pl.DataFrame) -> pl.DataFrame:
    """Sum steps up: for each client, playbook and record how many are done, open, to come, not borne out.

    Shapes: `is_over`, whether nothing is open or to come; due_on, the first day something open is due by.
    """
    is_open = pl.col("stands").is_in([OPEN, OVERDUE])
    unproved = pl.col("stands").is_in([IN_TIME, LATE]) & (pl.col("is_proved") == False)  # noqa: E712
    return (
        steps.group_by("client", "playbook", "channel", "name", "key", "employee_number", maintain_order=True)
        .agg(
            begun_on=pl.col("made_on").min(),
            steps=pl.len(),
            done=pl.col("stands").is_in([IN_TIME, LATE]).sum(),
            open=(pl.col("stands") == OPEN).sum(),
            overdue=(pl.col("stands") == OVERDUE).sum(),
            to_come=(pl.col("stands") == TO_COME).sum(),
            due_on=pl.col("due_on").filter(is_open).min(),
            is_over=~pl.col("stands").is_in([OPEN, OVERDUE, TO_COME]).any(),
            unproved=unproved.sum(),
        )
        .sort("client", "playbook", "key")
    )
