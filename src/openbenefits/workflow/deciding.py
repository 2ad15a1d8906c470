"""What a channel says of records: matched or not and why, by columns for all of them at once."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from openbenefits.accounts.roles import Permission
from openbenefits.workflow.channels import Channel, Condition, Item, OnSave, Operation
from openbenefits.workflow.kinds import RecordKind, field_of, kind_of
from openbenefits.workflow.rules.conditions import BEFORE, Row, decide
from openbenefits.workflow.rules.expressions import parse
from openbenefits.workflow.rules.outcomes import Outcome, why
from openbenefits.workflow.texts import changing_fields, fields_of

MOST_DEPTH = 10
"""So many channels may stand behind a change; beyond it nothing is made (process-management §5.6)."""


@dataclass(frozen=True)
class Reading:
    """A channel with the kind of its records, read once for many of them."""

    channel: Channel

    @cached_property
    def kind(self) -> RecordKind:
        """Answer the kind of record that triggers it."""
        return kind_of(self.channel.kind)

    @cached_property
    def fields(self) -> set[str]:
        """Name the fields it needs."""
        return fields_of(self.channel, self.kind)

    @cached_property
    def changing(self) -> set[str]:
        """Name the fields of which it matters what they were before."""
        return changing_fields(self.channel)

    @cached_property
    def is_health(self) -> bool:
        """Whether what it looks at is health data: whoever reads its log, or its tickets, may see such."""
        asked = [part for one in self.fields for part in [one.rpartition(".")]]
        guards = {field_of(self.kind, source or "record", name).guard for source, _, name in asked}
        return Permission.SEE_HEALTH in guards | {self.kind.guard}

    def first_items(self) -> list[Item]:
        """List the items that come from the trigger itself."""
        return [item for item in self.channel.items if item.after is None]

    def met(self, part: Channel | Item, records: pl.DataFrame) -> pl.DataFrame:
        """Add whether the conditions of a channel or item hold (`is_met`), and which do not (`unmet`)."""
        rows = [self._row(one) for one in part.conditions]
        return decide(rows, parse(part.expression, [row.label for row in rows]), records)

    def _row(self, one: Condition) -> Row:
        source = "record" if one.source == "channel" else one.source
        found = field_of(self.kind, source, one.field)
        return Row(
            label=one.label, column=one.column, type=found.type, operator=one.operator, value=one.value
        )


def judged(reading: Reading, records: pl.DataFrame) -> pl.DataFrame:
    """Judge changed records by a real-time channel: add `outcome` and `why`.

    Shapes: records have key, known, today, is_active, pipeline, operation, the fields, and `before: field`
            of those of which it matters what they were.
    """
    on = reading.channel.on
    if on is None:
        raise ValueError(f"expected a real-time channel, found '{reading.channel.channel}'")
    found = reading.met(reading.channel, records)
    steps = (
        (~pl.col("pipeline").is_in([str(one) for one in on.pipelines]), _said("pipeline", "pipeline")),
        (~_counts(on.operation), _said("operation", "operation")),
        (~_changed(on), pl.lit(why("unchanged", field=on.changed))),
        (~pl.col("is_met"), pl.concat_str(pl.lit(why("conditions", labels="")), pl.col("unmet"))),
    )
    skipped = pl.lit(str(Outcome.SKIPPED))
    outcome, told = pl.lit(str(Outcome.MATCHED)), pl.lit("")
    for place, (stops, because) in reversed(list(enumerate(steps))):
        outcome = (
            pl.when(stops)
            .then(skipped if place == 0 else pl.lit(str(Outcome.NOT_MATCHED)))
            .otherwise(outcome)
        )
        told = pl.when(stops).then(because).otherwise(told)
    return found.with_columns(outcome=outcome, why=told).drop("is_met", "unmet")


def _counts(operation: Operation) -> pl.Expr:
    if operation is Operation.BOTH:
        return pl.lit(value=True)
    return pl.col("operation") == str(operation)


def _changed(on: OnSave) -> pl.Expr:
    if not on.changed:
        return pl.lit(value=True)
    before = pl.col(BEFORE + on.changed)
    return pl.col(on.changed).cast(pl.String).ne_missing(before.cast(pl.String))


def _said(code: str, column: str) -> pl.Expr:
    """Say why, with the value of a column in it."""
    lead, _, rest = why(code, **{column: "\0"}).partition("\0")
    return pl.concat_str(pl.lit(lead), pl.col(column), pl.lit(rest))


def with_before(records: pl.DataFrame, before: pl.DataFrame, changing: Collection[str]) -> pl.DataFrame:
    """Put beside records what some of their fields were before; null for those that are new.

    Shapes: before has key, known (of the record it belongs to) and the fields, typed or as text.
    """
    there = [name for name in sorted(changing) if name in before.columns]
    earlier = before.select("key", "known", pl.col(there).name.prefix(BEFORE), was_there=pl.lit(value=True))
    found = records.join(earlier, on=["key", "known"], how="left", maintain_order="left")
    missing = [name for name in changing if name not in there]
    return found.with_columns(pl.lit(None, dtype=pl.String).alias(BEFORE + name) for name in missing)
