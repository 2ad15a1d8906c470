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
       t.status, t.due_on, (t.done_at AT TIME ZONE 'UTC')::date AS done_on, nullif(t.done_by, '') AS done_by
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
IN_TIME, LATE, OPEN, OVERDUE, CANCELLED = STANDS = (
    "done in time",
    "done late",
    "open",
    "overdue",
    "cancelled",
)


def progress(
    connection: Any, client_id: int | None, *, today: date, playbook: str = "", since: date = date.min
) -> pl.DataFrame:
    """List the steps of playbooks: due, done by, and whether data bears it out.

    client_id: None for every client, and for what is the PEO's own (its `client` is null).
    playbook: one of them; '' for all. since: made from that day on.
    Shapes: SCHEMA, with step (its title), stands (STANDS), check (a name, or null), is_proved and told.
    Missing: is_proved is null where the step has no check, or the record is gone.
    """
    since = max(since, date(1900, 1, 1))
    found = copy_out(connection, STEPS, SCHEMA, {"client": client_id, "playbook": playbook, "since": since})
    titled = found.join(
        _items(found), on=["channel_id", "version", "item"], how="left", maintain_order="left"
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
    return _proved(connection, titled.with_columns(stands=stands), today)


def _items(found: pl.DataFrame) -> pl.DataFrame:
    """Answer the titles and checks of the items named."""
    rows = []
    for channel, version in found.select("channel_id", "version").unique().iter_rows():
        kept = models.ChannelVersion.objects.get(channel_id=channel, version=version)
        rows += [
            (channel, version, item.item, place, item.title, item.done_when or None)
            for place, item in enumerate(stored(kept.document).items)
        ]
    names = {"channel_id": pl.Int64, "version": pl.Int32, "item": pl.String, "place": pl.Int32}
    return pl.DataFrame(rows, schema=names | {"step": pl.String, "check": pl.String}, orient="row")


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
    """Sum steps up: for each client, playbook and record how many are done, open, not borne out."""
    unproved = pl.col("stands").is_in([IN_TIME, LATE]) & (pl.col("is_proved") == False)  # noqa: E712
    return (
        steps.group_by("client", "playbook", "channel", "name", "key", "employee_number", maintain_order=True)
        .agg(
            begun_on=pl.col("made_on").min(),
            steps=pl.len(),
            done=pl.col("stands").is_in([IN_TIME, LATE]).sum(),
            open=(pl.col("stands") == OPEN).sum(),
            overdue=(pl.col("stands") == OVERDUE).sum(),
            unproved=unproved.sum(),
        )
        .sort("client", "playbook", "key")
    )
