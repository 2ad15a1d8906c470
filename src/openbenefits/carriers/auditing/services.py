"""A carrier's full list against our timeline: member by member, line by line, with why and what to do.

The list is an 834, or a census of the carrier's by a mapping. The result is kept as an answer of kind 834;
the very same list is kept once.
"""

from collections.abc import Mapping as Words
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.carriers import models
from openbenefits.carriers.agreements.partners import PEO, Partner, partner_of
from openbenefits.carriers.auditing.frames import load_everybody, load_last_lines, load_open_entries
from openbenefits.carriers.building import viewing
from openbenefits.carriers.building.projecting import Projection, wanted
from openbenefits.carriers.building.services import Feed
from openbenefits.carriers.opening.mapping import Mapping, of_partner
from openbenefits.carriers.opening.meanings import plans_meant
from openbenefits.carriers.opening.services import read
from openbenefits.carriers.opening.stated import FINDING, Stated
from openbenefits.carriers.rules import matching
from openbenefits.carriers.rules.audit_causes import KNOWN, caused, first_told
from openbenefits.carriers.rules.audits import DIFFERENT, HERE, LISTED, ROW, THERE, compared
from openbenefits.carriers.rules.identities import dependent_key, person_key, with_ids
from openbenefits.carriers.rules.views import View
from openbenefits.programs.frames import load_setup
from openbenefits.store.bulk import copy_in
from openbenefits.store.secrets import hash_ssn, seal_file
from openbenefits.workforce.models import Client

KIND = "834"
KEY = ["subscriber", "member", "line"]
PERSONAL = ("SSN", "birth date", "name", "family")
ONE_DAY = pl.duration(days=1)
RESULT: dict[str, Any] = {
    "row": pl.Int32,
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "dependent_id": pl.Int64,
    **{name: kind for name, kind in ROW.items() if name not in ("row", "begins_on")},
    "begins_on": pl.Date,
    "cause": pl.String,
    "words": pl.String,
    "file_id": pl.Int64,
    "set": pl.Int32,
    "line_number": pl.Int32,
}
"""A difference, about whom, and why. row: the segment or row of the list; null: it is not there. person_id is
null where nobody of ours is meant. file_id, set, line_number: our last line about it."""


class AuditRefused(ValueError):
    """A list that cannot be compared: why, and what to change."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What a carrier's list and our timeline say differently on a day.

    counts: listed (members), matched, equal (lines alike), each verdict, and each cause. is_new: it was kept
    now; the very same list is kept once. Shapes: rows as RESULT; findings as FINDING, what could not be read.
    """

    feed: Feed
    on: date
    unit: str
    rows: pl.DataFrame = field(repr=False)
    counts: Words[str, int]
    findings: pl.DataFrame = field(repr=False)
    answer_id: int | None
    is_new: bool

    @property
    def summary(self) -> str:
        """Say in one sentence how the list stands."""
        told = self.counts
        if self.rows.is_empty():
            return f"{told['matched']} members compared on {self.on}: everything agrees."
        return (
            f"{told['matched']} of {told['listed']} members compared on {self.on}:"
            f" {told[THERE]} missing there, {told[HERE]} missing here, {told[DIFFERENT]} different."
        )


def audit(
    connection: Any,
    feed: Feed,
    data: bytes,
    *,
    on: date,
    now: datetime,
    author: str = "",
    file_name: str = "",
    mapping: Mapping | None = None,
    is_kept: bool = True,
) -> Audit:
    """Compare a carrier's full list with our timeline on a day, and keep what was found.

    mapping: what the carrier's codes mean, where that is not the agreement turned around (a census, say).
    Errors: AuditRefused; PartnerRefused; X12Refused, FileRefused, MappingRefused for a list nobody can read.
    """
    owner, _, partner = partner_of(feed.client_id, feed.code)
    clients = [feed.client_id] if feed.client_id != PEO else viewing.covered_clients(connection, feed.code)
    meant = mapping or of_partner(partner, _code_of(feed.client_id))
    stated = read(file_name or "list", data, meant)
    if stated.refused:
        raise AuditRefused(f"{feed.code}: {stated.refused}")
    ours = wanted(connection, clients, partner, on=on)
    work = _Work(connection, owner, feed, partner, clients, meant, stated, ours, on)
    rows, counts = work.found()
    answer_id, is_new = None, False
    if is_kept:
        answer_id, is_new = _kept(connection, owner, feed, stated, data, rows, counts, author=author, now=now)
    return Audit(
        feed=feed,
        on=on,
        unit=stated.unit,
        rows=rows,
        counts=counts,
        findings=stated.findings.select(list(FINDING)),
        answer_id=answer_id,
        is_new=is_new,
    )


def _code_of(client_id: int) -> str:
    found = Client.objects.filter(pk=client_id).first()
    return found.code if found else ""


@dataclass(frozen=True)
class _Work:
    """One audit under way."""

    connection: Any
    owner: int
    feed: Feed
    partner: Partner
    clients: Sequence[int]
    mapping: Mapping
    stated: Stated
    ours: Projection
    on: date

    def found(self) -> tuple[pl.DataFrame, dict[str, int]]:
        """Answer the differences with their causes, and counts."""
        theirs, ours = _theirs(self.stated), self._ours()
        pairs = matching.matched(theirs, ours)
        near = matching.suggested(theirs.join(pairs, on="row", how="anti"), ours)
        others = self._others(theirs.join(pairs, on="row", how="anti"))
        listed = self._listed(pl.concat([pairs, others]))
        rows = pl.concat([compared(listed, self.ours.view.cover, on=self.on), *self._identity(theirs, pairs)])
        marked = self._marked(rows, listed, near)
        result = caused(marked, since=first_told(self.on, self.partner.retro_days))
        shown = with_ids(result).select(pl.col(name).cast(kind) for name, kind in RESULT.items())
        shown = shown.sort("row", *KEY, "field", nulls_last=True)
        return shown, self._counts(shown, theirs, pairs, listed)

    def _ours(self) -> pl.DataFrame:
        """Answer our members with the number the carrier knows their families by."""
        profile = self.partner.profile
        name = profile.subscriber_id if profile is not None else "employee_number"
        values = self.ours.values
        number = pl.col(name) if name in values.columns else pl.lit(None, pl.String)
        numbers = values.select("client_id", "person_id", family=number)
        people = with_ids(self.ours.view.people).join(numbers, on=["client_id", "person_id"], how="left")
        named = people.with_columns(
            is_subscriber=pl.col("subscriber") == pl.col("member"),
            ssn=pl.when(matching.was_issued("ssn")).then("ssn"),
        )
        return named.select(pl.col(one).cast(kind) for one, kind in matching.OURS.items())

    def _others(self, theirs: pl.DataFrame) -> pl.DataFrame:
        """Match who is left with people known here whom this carrier never covered."""
        if theirs.is_empty():
            return pl.DataFrame(schema=matching.PAIR)
        everybody = load_everybody(self.connection, self.clients)
        own = person_key(pl.col("client_id"), pl.col("person_id"))
        child = dependent_key(pl.col("client_id"), pl.col("person_id"), pl.col("dependent_id"))
        known = everybody.with_columns(
            subscriber=own,
            member=pl.when(pl.col("dependent_id").is_null()).then(own).otherwise(child),
            family="employee_number",
            is_subscriber=pl.col("dependent_id").is_null(),
            ssn="ssn_hash",
        )
        known = known.select(pl.col(one).cast(kind) for one, kind in matching.OURS.items())
        rest = known.join(self.ours.view.people, on="member", how="anti")
        hashed = theirs.with_columns(ssn=hash_ssn(theirs["ssn"]).bin.encode("hex"))
        return matching.matched(hashed, rest)

    def _listed(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Answer the lines of the list in our words, as LISTED."""
        last = pl.col("ends_on")
        if self.mapping.end_day == "first_not_covered":
            last = last - ONE_DAY
        people = self.stated.people.select(member_row="row", basis="benefit_status")
        lines = self.stated.lines.rename({"member": "member_row"}).with_columns(ends_on=last)
        rows = lines.join(people, on="member_row", maintain_order="left")
        rows = rows.join(pairs.select("subscriber", "member", member_row="row"), on="member_row", how="left")
        return self._in_our_codes(rows)

    def _in_our_codes(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Add what plan, plan type and coverage code a line may be."""
        plans = load_setup(self.connection, self.clients)["plan"]
        types = plans.select(ours="code", of_plan="plan_type").unique("ours")
        code = ["insurance", "plan"]
        meant = plans_meant(self.mapping, rows).join(types, on="ours", how="left").group_by(code)
        exact = meant.agg(
            plans=pl.col("ours").unique().sort(), of_plan=pl.col("of_plan").drop_nulls().first()
        )
        stated = pl.DataFrame(
            [(one.insurance.upper(), one.ours) for one in self.mapping.plans if one.insurance],
            schema={"insurance": pl.String, "ours": pl.String},
            orient="row",
        )
        kinds = stated.join(types, on="ours").group_by("insurance").agg(several=pl.col("of_plan").unique())
        by_kind = kinds.filter(pl.col("several").list.len() == 1)
        by_kind = by_kind.select("insurance", of_kind=pl.col("several").list.first())
        tiers = pl.DataFrame(
            [(theirs.upper(), list(several)) for theirs, several in self.mapping.tiers.items()],
            schema={"tier": pl.String, "tiers": pl.List(pl.String)},
            orient="row",
        )
        found = rows.join(exact, on=code, how="left", nulls_equal=True)
        found = found.join(by_kind, on="insurance", how="left").join(tiers, on="tier", how="left")
        return found.with_columns(
            line=pl.coalesce("of_plan", "of_kind"),
            is_code_known=pl.col("plans").is_not_null(),
            is_tier_known=pl.col("tier").is_null() | pl.col("tiers").is_not_null(),
        ).select(pl.col(name).cast(kind) for name, kind in LISTED.items())

    def _identity(self, theirs: pl.DataFrame, pairs: pl.DataFrame) -> list[pl.DataFrame]:
        """List members whose identity, or family, differs."""
        both = pairs.join(theirs, on="row").join(self._ours(), on=["subscriber", "member"], suffix="_ours")
        told = matching.identity_differences(both)
        moved = both.filter(pl.col("family") != pl.col("family_ours"))
        rows = pl.concat(
            [
                told,
                moved.select(
                    "row", "subscriber", "member", field=pl.lit("family"), how=pl.lit("another family")
                ),
            ]
        )
        none = pl.lit(None, pl.String)
        said = {
            "verdict": pl.lit(DIFFERENT),
            "here": none,
            "there": pl.col("how"),
            "line": none,
            "begins_on": pl.lit(None, pl.Date),
        }
        shown = rows.with_columns(**said)
        return [shown.select(pl.col(name).cast(kind) for name, kind in ROW.items())]

    def _marked(self, rows: pl.DataFrame, listed: pl.DataFrame, near: pl.DataFrame) -> pl.DataFrame:
        """Add what is known of each line: what was told, how it ended here, the last file about it."""
        told = viewing.told(self.connection, self.clients, self.feed.code)
        lines = rows.join(_told(told, self.on), on=KEY, how="left")
        lines = lines.join(_ended(self.ours.view, self.on), on=KEY, how="left")
        lines = self._with_files(lines)
        places = listed.select("row", "member_row", "is_code_known", "is_tier_known")
        lines = lines.join(places, on="row", how="left")
        is_near = pl.col("member_row").is_in(near["row"].implode())
        is_known = pl.col("is_code_known").fill_null(value=True)
        is_tier = (pl.col("field") != "tier") | pl.col("is_tier_known").fill_null(value=True)
        plan_fields = pl.col("field").is_in(["coverage", "plan"])
        found = lines.with_columns(
            is_unknown=pl.col("member").is_null(),
            is_near=is_near.fill_null(value=False) & pl.col("member").is_null(),
            is_code_known=(is_known | ~plan_fields) & is_tier,
            is_person_known=pl.col("member").is_not_null(),
            is_frozen=self._frozen(),
        )
        extra = ["is_unknown", "is_near", "is_code_known"]
        return found.select(*ROW, *(pl.col(n).cast(k) for n, k in KNOWN.items() if n not in ROW), *extra)

    def _with_files(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Add the last file about each line, and whether something waits for the portal."""
        ids = ["client_id", "person_id", "dependent_id"]
        last = load_last_lines(self.connection, self.owner, self.feed.code, self.clients)
        entries = load_open_entries(self.connection, self.owner, self.feed.code, self.clients)
        keyed = with_ids(rows)
        keyed = keyed.join(
            last.rename({"plan_type": "line"}), on=[*ids, "line"], how="left", nulls_equal=True
        )
        waiting = entries.with_columns(is_portal=pl.lit(value=True))
        return keyed.join(waiting, on=[*ids, "line"], how="left", nulls_equal=True)

    def _frozen(self) -> pl.Expr:
        """Tell whether the carrier takes no change of such a span today."""
        active = [one.before for one in self.partner.freezes if one.from_on <= self.on <= one.through_on]
        if not active:
            return pl.lit(value=False)
        return (pl.coalesce(pl.col("ended_on") + ONE_DAY, "begins_on") < max(active)).fill_null(value=False)

    def _counts(
        self, rows: pl.DataFrame, theirs: pl.DataFrame, pairs: pl.DataFrame, listed: pl.DataFrame
    ) -> dict[str, int]:
        verdicts = dict(rows.group_by("verdict").len().iter_rows())
        causes = dict(rows.group_by("cause").len().sort("cause").iter_rows())
        wrong = rows.filter(pl.col("row").is_not_null())["row"].unique()
        return {
            "listed": theirs.height,
            "matched": pairs.height,
            "equal": listed.filter(~pl.col("row").is_in(wrong.implode())).height,
            **{verdict: verdicts.get(verdict, 0) for verdict in (THERE, HERE, DIFFERENT)},
            **causes,
        }


def _theirs(stated: Stated) -> pl.DataFrame:
    return stated.people.select(pl.col(name).cast(kind) for name, kind in matching.THEIRS.items())


def _told(told: View, on: date) -> pl.DataFrame:
    """Answer of each line what was last told of it: the span of the day, else the latest."""
    holds = (pl.col("begins_on") <= on) & (pl.col("ends_on").is_null() | (pl.col("ends_on") >= on))
    ordered = told.cover.with_columns(is_told=holds).sort("is_told", "begins_on")
    return ordered.unique(KEY, keep="last", maintain_order=True).select(
        *KEY,
        "is_told",
        was_told=pl.lit(value=True),
        told_begin="begins_on",
        told_end="ends_on",
        told_plan="plan",
        told_tier="tier",
    )


def _ended(ours: View, on: date) -> pl.DataFrame:
    """Answer the lines that ended here before a day, with their last day."""
    over = ours.cover.filter((pl.col("ends_on") < on).fill_null(value=False))
    last = over.group_by(KEY).agg(ended_on=pl.col("ends_on").max())
    return last.with_columns(has_ended=pl.lit(value=True))


def _kept(
    connection: Any,
    owner: int,
    feed: Feed,
    stated: Stated,
    data: bytes,
    rows: pl.DataFrame,
    counts: Words[str, int],
    *,
    author: str,
    now: datetime,
) -> tuple[int, bool]:
    """Keep an audit as an answer with its lines; the very same list is kept already."""
    with transaction.atomic():
        answer, is_new = models.Answer.objects.get_or_create(
            partner_client=owner,
            partner=feed.code,
            fingerprint=stated.fingerprint,
            defaults={
                "client_id": feed.client_id,
                "kind": KIND,
                "file_name": stated.name,
                "content": seal_file(data),
                "told": dict(counts),
                "taken_at": now,
                "taken_by": author,
            },
        )
        if is_new:
            lines = _answer_lines(answer.pk, feed.client_id, stated.unit, rows)
            copy_in(connection, "carriers_answerline", lines)
    return int(answer.pk), is_new


def _answer_lines(answer_id: int, client_id: int, unit: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Write differences as the lines of an answer: codes, days and words, nothing personal."""
    said = pl.format(
        "{}: here {}, there {}. {}",
        "field",
        pl.col("here").fill_null("none"),
        pl.col("there").fill_null("none"),
        "words",
    )
    numbered = rows.with_row_index("number", offset=1)
    return numbered.select(
        pl.col("client_id").fill_null(client_id).cast(pl.Int32),
        pl.lit(answer_id, pl.Int64).alias("answer_id"),
        pl.col("number").cast(pl.Int32),
        "file_id",
        "set",
        "line_number",
        "person_id",
        segment=pl.when(pl.col("field").is_in(PERSONAL)).then(pl.lit("INS")).otherwise(pl.lit("HD")),
        place=pl.when(pl.col("row").is_not_null()).then(pl.format("{} {}", pl.lit(unit), "row")),
        verdict="verdict",
        code="cause",
        words=said,
    )
