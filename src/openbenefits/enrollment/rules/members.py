"""The dependents an election names, or coverage would have: who, and how many (docs/rules.md §11.4)."""

import polars as pl

from openbenefits.core.codes import KIND_NAMES, PERSON_KINDS
from openbenefits.eligibility.dependents import counted, is_of_kind, kind_of_member
from openbenefits.enrollment.rules.elected import Checking
from openbenefits.enrollment.rules.judged import judged_members
from openbenefits.enrollment.rules.messages import message_rows
from openbenefits.enrollment.rules.outcomes import DEFAULTED, ELECTED, KEPT, STANDING
from openbenefits.programs.rulebook import Rulebook

COLLECTING = ("dependents", "both")
_MEMBER = {"case": pl.Int32, "plan_type": pl.String, "dependent_id": pl.Int64}


def collects_dependents() -> pl.Expr:
    """Whether a plan row takes the names of dependents."""
    return pl.col("collect").is_in(COLLECTING)


def dependent_messages(checking: Checking) -> list[pl.DataFrame]:
    """The persons named must be eligible, and as many of each kind as the coverage code covers."""
    taking = checking.enrolling().filter(collects_dependents())
    if taking.is_empty():
        return []
    named = judged_members(taking, checking.elected.members, checking.situation.members, checking.rulebook)
    counts = (
        named.filter(pl.col("why_not").is_null())
        .group_by("case", "plan_type")
        .agg(is_of_kind(kind).sum().alias(counted(kind)) for kind in PERSON_KINDS)
    )
    coded = taking.filter(pl.col("coverage_code_id").is_not_null())
    of_plans = coded.join(counts, on=["case", "plan_type"], how="left").with_columns(
        pl.col(counted(kind)).fill_null(0) for kind in PERSON_KINDS
    )
    few = pl.any_horizontal(pl.col(counted(kind)) < pl.col(f"{kind}_min") for kind in PERSON_KINDS)
    many = pl.any_horizontal(pl.col(counted(kind)) > pl.col(f"{kind}_max") for kind in PERSON_KINDS)
    found = _household_words()
    reasons = (
        *(("age", "BA1308"), ("married", "BA1309"), ("relationship", "BA1310"), ("former", "BA1310")),
        ("student", "BA1352"),
    )
    return [
        message_rows(of_plans.filter(few), "BA1306", pl.format("those of {}", "option_code"), found),
        message_rows(of_plans.filter(many), "BA1307", pl.format("those of {}", "option_code"), found),
        *(
            message_rows(
                named.filter(why_not=why),
                code,
                pl.lit("an eligible dependent"),
                pl.lit(_WORDS.get(why, f"not eligible: {why}")),
            )
            for why, code in reasons
        ),
    ]


_WORDS = {"student": "a student by the record, without evidence for the day coverage begins"}

_USUAL_KINDS = ("spouse", "partner", "child")


def _household_words() -> pl.Expr:
    """How many of each kind are named; the rarer kinds only where somebody is named."""
    words = [pl.format("{} spouses, {} partners, {} children", *(counted(kind) for kind in _USUAL_KINDS))]
    for kind in PERSON_KINDS:
        if kind not in _USUAL_KINDS:
            some = pl.format(", {} {}", counted(kind), pl.lit(KIND_NAMES[kind][1]))
            words.append(pl.when(pl.col(counted(kind)) > 0).then(some).otherwise(pl.lit("")))
    return pl.concat_str(words)


def allowed_members(
    fresh: pl.DataFrame, plans: pl.DataFrame, members: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """All eligible dependents of the kinds a coverage code covers, oldest first.

    Shapes: fresh has case, plan_type, option_id; plans their dependent_rule_id and price_on. Answers case,
            plan_type, dependent_id.
    """
    if fresh.is_empty() or members.is_empty():
        return pl.DataFrame(schema=_MEMBER)
    most = {kind: f"{kind}_max" for kind in PERSON_KINDS}
    codes = rulebook.options.select("option_id", *most.values()).unique("option_id")
    rows = fresh.select("case", "plan_type", "option_id").join(codes, on="option_id")
    everybody = rows.select("case", "plan_type").join(members.select("case", "dependent_id"), on="case")
    wanted = plans.join(rows.select("case", "plan_type"), on=["case", "plan_type"], how="semi")
    judged = judged_members(wanted, everybody, members, rulebook).filter(pl.col("why_not").is_null())
    judged = judged.join(rows, on=["case", "plan_type"])
    room = pl.coalesce(pl.when(is_of_kind(kind)).then(column) for kind, column in most.items())
    ranked = judged.sort("case", "plan_type", "birth_on", "dependent_id", nulls_last=True)
    ranked = ranked.with_columns(room=room, group=kind_of_member())
    place = pl.int_range(pl.len()).over("case", "plan_type", "group")
    return ranked.filter(place < pl.col("room")).select(*_MEMBER)


def still_members(
    kept: pl.DataFrame, plans: pl.DataFrame, members: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Keep, of dependents covered so far, those who are still eligible: case, plan_type, dependent_id."""
    if kept.is_empty():
        return pl.DataFrame(schema=_MEMBER)
    rows = plans.join(kept.select("case", "plan_type").unique(), on=["case", "plan_type"], how="semi")
    judged = judged_members(rows, kept, members, rulebook)
    return judged.filter(pl.col("why_not").is_null()).select(*_MEMBER)


def members_of(checking: Checking, held: pl.DataFrame) -> pl.DataFrame:
    """Name the dependents whom outcomes would cover: case, plan_type, dependent_id."""
    key = ["case", "plan_type"]
    plans, members, rulebook = checking.prepared.plans, checking.situation.members, checking.rulebook

    def of(how: str) -> pl.DataFrame:
        return held.filter(how=how)

    chosen = checking.elected.members.join(of(ELECTED), on=key, how="semi")
    standing = checking.held.members.join(of(STANDING), on=key, how="semi")
    kept = checking.held.members.join(of(KEPT), on=key, how="semi")
    parts = [
        chosen,
        standing,
        still_members(kept, plans, members, rulebook),
        allowed_members(of(DEFAULTED), plans, members, rulebook),
    ]
    return pl.concat([part.select(*_MEMBER) for part in parts]).unique(maintain_order=True)
