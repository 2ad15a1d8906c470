"""The eligibility rules of the rulebook: a row per rule and date, columns for each way to look at a field.

Most rules look at a field in the plain way: the primary job, on the event date. Every way that some rule asks
for (ages as of another day, several jobs) is a *variant* with columns of its own; what nobody asks for costs
nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from openbenefits.programs.dated import SetupTooComplex, effective
from openbenefits.programs.fields import CRITERIA, GEOGRAPHY_FIELD, LIST_FIELDS, RANGE_FIELDS
from openbenefits.programs.links import MOST_GROUPS

MOST_BITS = 62

_WAY = ("as_of", "as_of_day", "jobs", "is_active_only", "evaluation")
_PLAIN = ("event_date", "", "primary", False, "one")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A way in which rules look at a field; `key` begins the names of its columns.

    as_of, as_of_day: the day an age or a service is counted on (`MM-DD` of the event's year or the last).
    jobs:             the primary job, the flagged jobs of the benefit record, or all flagged jobs.
    evaluation:       whether one job, all jobs or the sum over the jobs has to meet the criterion.
    """

    key: str
    field: str
    as_of: str
    as_of_day: str
    jobs: str
    is_active_only: bool
    evaluation: str

    @property
    def bit(self) -> int:
        """The bit of the field in words of criteria; a rule looks at a field in one way only."""
        return 1 << CRITERIA.index(self.field)

    @property
    def is_of_jobs(self) -> bool:
        """Whether more, or fewer, jobs are looked at than the primary one as it is."""
        return self.jobs != "primary" or self.is_active_only

    @property
    def is_summed(self) -> bool:
        return self.is_of_jobs and self.evaluation == "sum"

    @property
    def is_per_job(self) -> bool:
        """Whether each job is judged by itself."""
        return self.is_of_jobs and self.evaluation != "sum"

    @property
    def selection(self) -> str:
        """Name the jobs it looks at."""
        return f"{self.jobs}{' active' if self.is_active_only else ''}"


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """The eligibility rules of a rulebook.

    rules:    one row per client, rule and effective date. Columns of a variant of a range: <key>_min,
              <key>_max, <key>_out (excluding; null: the rule does not look at it so); of lists, geographies:
              <key>_mask, <key>_out. Where a rule has groups of which one criterion suffices also any_1 …
              any_3, their criteria as words of bits.
    values:   of each list field in use: client, value and the bit of the value.
    variants: the ways in which rules look at fields, in the order of the bits.
    """

    rules: pl.DataFrame
    values: Mapping[str, pl.DataFrame]
    variants: tuple[Variant, ...]


def compile_criteria(
    tables: Mapping[str, pl.DataFrame], used_rules: pl.DataFrame, used_geographies: pl.DataFrame
) -> Criteria:
    """Compile the rules that programs and options use.

    Errors: SetupTooComplex where one client needs more than 62 groups of values of a field.
    """
    rules = (
        effective(tables["eligibility_rule"], "rule_id")
        .select("rule_id", "code", "valid_from", "valid_to")
        .join(used_rules, on="rule_id")
    )
    criteria = _used_criteria(tables, rules)
    variants = _variants(criteria)
    values: dict[str, pl.DataFrame] = {}
    masks: dict[str, pl.DataFrame] = {}
    for field in dict.fromkeys(one.field for one in variants if one.field in LIST_FIELDS):
        masks[field], values[field] = _value_bits(tables, rules, field)
    masks[GEOGRAPHY_FIELD] = criteria.join(used_geographies, on=["client_id", "geography_id"]).select(
        *_RULE, mask="geography_bit"
    )
    for variant in variants:
        rules = _with_variant(rules, criteria, variant, masks)
    return Criteria(rules=_with_groups(rules, criteria), values=values, variants=variants)


_RULE = ("client_id", "rule_id", "valid_from")


def _used_criteria(tables: Mapping[str, pl.DataFrame], rules: pl.DataFrame) -> pl.DataFrame:
    """The criteria of the rules in use; what makes no difference to a way is as in the plain way."""
    rows = tables["eligibility_criterion"].drop("client_id", "release_id", "id", strict=False)
    rows = rows.join(rules.select(_RULE), on=["rule_id", "valid_from"])
    is_plain_job = (pl.col("jobs") == "primary") & ~pl.col("is_active_only")
    return rows.with_columns(
        as_of_day=pl.when(pl.col("as_of") == "event_date").then(pl.lit("")).otherwise("as_of_day"),
        evaluation=pl.when(is_plain_job).then(pl.lit("one")).otherwise("evaluation"),
    )


def _variants(criteria: pl.DataFrame) -> tuple[Variant, ...]:
    ways = criteria.select("field", *_WAY).unique().sort("field", *_WAY)
    found = []
    for number, (field, *way) in enumerate(ways.iter_rows(), 1):
        key = field if tuple(way) == _PLAIN else f"{field}~{number}"
        found.append(Variant(key=key, field=field, **dict(zip(_WAY, way, strict=True))))
    return tuple(sorted(found, key=lambda one: (one.bit, one.key)))


def _with_variant(
    rules: pl.DataFrame, criteria: pl.DataFrame, variant: Variant, masks: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Add the columns of one way to look at a field."""
    key = variant.key
    mine = criteria.filter(field=variant.field, **{name: getattr(variant, name) for name in _WAY})
    out = pl.col("is_excluding").alias(f"{key}_out")
    if variant.field in RANGE_FIELDS:
        bounds = (pl.col("minimum").alias(f"{key}_min"), pl.col("maximum").alias(f"{key}_max"))
        return rules.join(mine.select(*_RULE, *bounds, out), on=_RULE, how="left")
    found = mine.select(*_RULE, out).join(masks[variant.field], on=_RULE, how="left")
    found = found.with_columns(pl.col("mask").fill_null(0)).rename({"mask": f"{key}_mask"})
    return rules.join(found, on=_RULE, how="left")


def _with_groups(rules: pl.DataFrame, criteria: pl.DataFrame) -> pl.DataFrame:
    """Add any_1 …: the criteria of each group as a word of bits; 0 where the rule has no such group."""
    linked = criteria.filter(pl.col("any_group") > 0)
    if linked.is_empty():
        return rules
    bits = {field: 1 << number for number, field in enumerate(CRITERIA)}
    bit = pl.col("field").replace_strict(bits, return_dtype=pl.Int64)
    words = linked.group_by(_RULE).agg(
        bit.filter(pl.col("any_group") == group).sum().alias(f"any_{group}")
        for group in range(1, MOST_GROUPS + 1)
    )
    return rules.join(words, on=_RULE, how="left").with_columns(pl.col("^any_[0-9]$").fill_null(0))


def _value_bits(
    tables: Mapping[str, pl.DataFrame], rules: pl.DataFrame, field: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Masks per rule and the bit of each value: values that occur in the same rules share a bit."""
    used = (
        tables["eligibility_value"]
        .filter(field=field)
        .select("rule_id", "valid_from", "value")
        .join(rules.select(_RULE), on=["rule_id", "valid_from"])
    )
    place = pl.format("{}@{}", "rule_id", "valid_from")
    groups = used.group_by("client_id", "value").agg(place.unique().sort().str.join(",").alias("group"))
    numbered = groups.with_columns(slot=pl.col("group").rank("dense").over("client_id").cast(pl.Int64) - 1)
    refuse_too_many(numbered, f"groups of values of {field}")
    bits = numbered.select("client_id", "value", one_bit("slot").alias("bit"))
    masks = (
        used.join(bits, on=["client_id", "value"])
        .group_by(_RULE)
        .agg(pl.col("bit").bitwise_or().alias("mask"))
    )
    return masks, bits


def bits_of(used: pl.DataFrame, key: str, name: str) -> pl.DataFrame:
    """Give each distinct key of a client one bit of a 64-bit word.

    Errors: SetupTooComplex where a client has more keys than bits.
    """
    numbered = (
        used.drop_nulls()
        .unique()
        .sort("client_id", key)
        .with_columns(slot=pl.int_range(pl.len()).over("client_id"))
    )
    refuse_too_many(numbered, key)
    return numbered.select("client_id", key, one_bit("slot").alias(name))


def one_bit(slot: str) -> pl.Expr:
    """The word in which only the bit of a number from 0 is set."""
    return pl.lit(2, dtype=pl.Int64).pow(pl.col(slot)).cast(pl.Int64)


def refuse_too_many(numbered: pl.DataFrame, what: str) -> None:
    """Refuse a set-up in which a client needs more bits than a word has."""
    too_many = numbered.filter(pl.col("slot") >= MOST_BITS)
    if too_many.height:
        client = too_many["client_id"][0]
        message = f"client {client} uses more than {MOST_BITS} of {what}: split its programs over clients"
        raise SetupTooComplex(message)
