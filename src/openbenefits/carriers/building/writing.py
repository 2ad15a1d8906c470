"""A message as the bytes a partner gets, validated before it may leave; and its parts as rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.carriers import models
from openbenefits.carriers.agreements.partners import Partner
from openbenefits.carriers.building.projecting import Projection
from openbenefits.carriers.building.telling import members_of, values_for
from openbenefits.carriers.conformance import findings_of
from openbenefits.carriers.enrollment.arrange import enrollment_file
from openbenefits.carriers.enrollment.file import Controls, File
from openbenefits.carriers.enrollment.profile import Profile, ProfileRefused
from openbenefits.carriers.enrollment.rules import Leniency, broken_rules
from openbenefits.carriers.enrollment.writer import write_file
from openbenefits.carriers.layouts.enrolling import render
from openbenefits.carriers.layouts.layout import LayoutRefused
from openbenefits.carriers.layouts.writing import FileRefused
from openbenefits.carriers.rules.differences import END
from openbenefits.carriers.rules.identities import with_ids
from openbenefits.carriers.rules.renderings import Message
from openbenefits.carriers.rules.views import LINE, MEMBER, View
from openbenefits.carriers.x12.writer import NotWritable
from openbenefits.store.bulk import copy_in, schema_of

MOST_FINDINGS = 200


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What keeps a file from leaving: the rule, where, what to do. Nothing personal."""

    rule: str
    place: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file as bytes, with the control numbers of its sets and what validation found."""

    data: bytes | None = None
    sets: Sequence[str] = ()
    findings: list[Finding] = field(default_factory=list)

    @property
    def text(self) -> str | None:
        """Answer the bytes as text."""
        return None if self.data is None else self.data.decode("utf-8", errors="replace")


def write(
    message: Message,
    projection: Projection,
    told: View,
    partner: Partner,
    *,
    client: str,
    reference: str,
    controls: Controls,
    at: datetime,
    is_again: bool = False,
) -> Written:
    """Write a message for a partner and validate it: our rules on the model, then the guide on the bytes.

    client: the code of the only client in it; '' where it holds several.
    """
    if partner.layout is not None and partner.kind == "file":
        told_of = layout_values(message, projection, partner)
        about = {"reference": reference, "number": controls.interchange, "as_of": at.date(), "client": client}
        try:
            data = render(partner.layout, message, {**values_for(partner, client), **about}, told_of)
        except (LayoutRefused, FileRefused) as fault:
            return Written(findings=[Finding(rule="layout", place="", words=str(fault))])
        return Written(data=data)
    if partner.profile is None:
        return Written(
            findings=[Finding(rule="agreement", place="", words="the agreement has no profile; add one")]
        )
    try:
        file = enrollment_file(
            members_of(message, projection, told, partner),
            partner.profile,
            reference=reference,
            controls=controls,
            at=at,
            values=values_for(partner, client),
            action=message.purpose,
            is_again=is_again,
            set_size=partner.set_size,
        )
        data = write_file(file, partner.profile.form)
    except (ProfileRefused, NotWritable) as fault:
        return Written(findings=[Finding(rule="profile", place="", words=str(fault))])
    found = [*_of_sets(file, message), *_of_rules(file, partner), *_of_guide(data, partner.profile)]
    return Written(data=data, sets=[one.control_number for one in file.sets], findings=found[:MOST_FINDINGS])


def layout_values(message: Message, projection: Projection, partner: Partner) -> pl.DataFrame:
    """Answer what columns of a layout may name beside a message, by subscriber: numbers, places, values."""
    owners = with_ids(message.people.select(member="subscriber").unique())
    known = owners.join(projection.values, on=["client_id", "person_id"], how="left")
    agreed = {client: values_for(partner, client) for client in known["client"].drop_nulls().unique()}
    names = sorted({name for told in agreed.values() for name in told if name not in known.columns})
    rows = [{"client": client, **{name: told.get(name) for name in names}} for client, told in agreed.items()]
    schema = {"client": pl.String, **dict.fromkeys(names, pl.String)}
    found = known.join(pl.DataFrame(rows, schema=schema), on="client", how="left")
    return found.rename({"member": "subscriber"}).drop("client_id", "person_id", "dependent_id", "ssn")


def leniency_of(partner: Partner) -> Leniency:
    """Answer which rules a partner's files may break: what the profile says, and what its manner implies."""
    allowed = partner.profile.leniency if partner.profile else Leniency()
    is_repeated = partner.days_to_repeat > 0 and partner.ended == END
    return replace(
        allowed,
        context_subscriber=allowed.context_subscriber or not partner.context,
        full_file_ends=allowed.full_file_ends or is_repeated,
    )


def _of_rules(file: File, partner: Partner) -> list[Finding]:
    return [
        Finding(rule=one.rule, place=f"set {one.set}, member {one.member}", words=one.said)
        for one in broken_rules(file, leniency_of(partner))
    ]


def _of_guide(data: bytes, profile: Profile) -> list[Finding]:
    if not profile.follows_guide:
        return []
    return [
        Finding(
            rule=f"guide {one.code}",
            place=f"set {one.set}, segment {one.segment} {one.segment_id}",
            words=str(one),
        )
        for one in findings_of(data)
    ]


def _of_sets(file: File, message: Message) -> list[Finding]:
    """See that the file is cut as the message is: what a set is answered for is what it said."""
    said = message.people.group_by("set").len().sort("set")["len"].to_list()
    if said == [len(one.members) for one in file.sets]:
        return []
    words = "two subscribers have one number (REF*0F); give each his own in the values of the agreement"
    return [Finding(rule="families", place="", words=words)]


# --- its parts as rows --------------------------------------------------------------------------------------


def keep_parts(
    connection: Any, file: models.CarrierFile, message: Message, projection: Projection, written: Written
) -> None:
    """Keep the sets of a file, and what it says line by line with the events it follows from."""
    numbers = sorted(message.people["set"].unique())
    controls = list(written.sets) or [f"{number:04d}" for number in numbers]
    models.FileSet.objects.using(connection.alias).bulk_create(
        models.FileSet(client_id=file.client_id, file_id=file.pk, set=number, control_number=controls[at])
        for at, number in enumerate(numbers[: len(controls)])
    )
    rows = file_lines(message, projection).with_columns(file_id=pl.lit(file.pk, dtype=pl.Int64))
    schema = schema_of(models.FileLine)
    missing = [pl.lit(None).alias(name) for name in schema if name not in rows.columns]
    stored = rows.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in schema.items())
    copy_in(connection, models.FileLine._meta.db_table, stored)


def file_lines(message: Message, projection: Projection) -> pl.DataFrame:
    """Answer what a message says line by line, whose it is and from which event it follows.

    Shapes: the columns of models.FileLine that are known when a file is built, numbered from 1. Somebody of
            whom no line speaks has a row with line ''.
    """
    sets = message.people.select(*MEMBER, "set").unique(MEMBER, keep="first")
    lines = message.lines.join(sets, on=list(MEMBER), how="left")
    silent = message.people.join(message.lines, on=list(MEMBER), how="anti")
    told = silent.select(*MEMBER, "set", "action", line=pl.lit(""), kind=_personal())
    rows = pl.concat([_with_sources(lines, projection.sources), told], how="diagonal")
    rows = with_ids(rows.sort("set", *LINE, "step", nulls_last=True))
    return rows.with_columns(
        pl.col("benefit_record").fill_null(0),
        number=pl.int_range(1, pl.len() + 1),
        plan_type="line",
    )


def _personal() -> pl.Expr:
    """Name what is said of a person alone."""
    return (
        pl.when("is_corrected")
        .then(pl.lit("identity"))
        .when(pl.col("reason") == "25")
        .then(pl.lit("identity"))
        .when(pl.col("reason") == "43")
        .then(pl.lit("address"))
        .when(pl.col("reason") == "33")
        .then(pl.lit("person"))
        .otherwise(pl.lit("context"))
    )


def _with_sources(lines: pl.DataFrame, sources: pl.DataFrame) -> pl.DataFrame:
    """Add benefit record and event: an end follows from what ended the span, else from what began it."""
    key = list(LINE)
    begun = sources.unique([*key, "begins_on"], keep="first").select(
        *key, "begins_on", "benefit_record", "schedule_id", "event_number"
    )
    ended = sources.filter(pl.col("ends_on").is_not_null()).unique([*key, "ends_on"], keep="last")
    ended = ended.select(
        *key,
        "ends_on",
        end_record="benefit_record",
        end_schedule="end_schedule_id",
        end_event="end_event_number",
    )
    rows = lines.join(begun, on=[*key, "begins_on"], how="left").join(ended, on=[*key, "ends_on"], how="left")
    is_end = pl.col("action") == END
    return rows.with_columns(
        benefit_record=pl.coalesce("benefit_record", "end_record"),
        schedule_id=pl.when(is_end).then("end_schedule").otherwise("schedule_id"),
        event_number=pl.when(is_end).then("end_event").otherwise("event_number"),
    ).drop("end_record", "end_schedule", "end_event")
