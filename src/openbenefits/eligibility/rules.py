"""Who may have what, and why: pure decisions on columns (docs/rules.md §2 and §3).

Every criterion of every rule of a participant's client yields two bits, *failed* and *unknown*. A rule is
met when both words are 0, undecided when only the second is not. The rules met fold into one word per
case, which programs and options test with a single `&`.
"""

from dataclasses import dataclass

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import CHILD_TYPES, PersonType, ProcessStatus
from openbenefits.core.columns import with_taken
from openbenefits.eligibility.facts import fact_of
from openbenefits.programs.fields import CRITERIA, FACT_COLUMNS, GEOGRAPHY_FIELD, LIST_FIELDS, RANGE_FIELDS
from openbenefits.programs.rulebook import Rulebook


@dataclass(frozen=True, kw_only=True)
class Eligibility:
    """What the rules say.

    cases:    the cases with `profile`, rules_met, rules_undecided and geographies_met (words of bits), and
              `verdict`: cases of the same verdict have the same words.
    profiles: one row per `profile` (= position): cases that agree in all that their rules look at.
    rules:    one row per profile and rule: rule_id, rule_bit, failed, unknown; see `rules_of_cases`.
    """

    cases: pl.DataFrame
    profiles: pl.DataFrame
    rules: pl.DataFrame


def evaluate(cases: pl.DataFrame, rulebook: Rulebook) -> Eligibility:
    """Decide every eligibility rule of the client for every case, as of its event date.

    Shapes:  cases has one row per case (`case` = its position) with the facts; the result keeps the order
             and adds profile, rules_met, rules_undecided, geographies_met, verdict.
    Missing: a missing value makes its criterion unknown; a rule with an unknown criterion is never met. A
             rule that does not hold yet is undecided.
    """
    used = rulebook.criteria_fields()
    numbered, profiles = _profiles(_with_geographies(cases, rulebook), rulebook, used)
    profiles = _with_value_bits(profiles, rulebook, used)
    rules = _decide(profiles, rulebook, used)
    profiles = _with_words(profiles, rules, rulebook)
    profiles = _with_verdict(profiles)
    words = profiles.select("rules_met", "rules_undecided", "verdict")[numbered["profile"]]
    return Eligibility(
        cases=numbered.with_columns(words.get_columns()),
        profiles=profiles,
        rules=rules.select("profile", "rule_id", "rule_bit", "failed", "unknown"),
    )


def rules_of_cases(eligibility: Eligibility) -> pl.DataFrame:
    """List case, rule_id, rule_bit, failed, unknown: what each rule says of each case."""
    return eligibility.cases.select("case", "profile").join(eligibility.rules, on="profile").drop("profile")


def is_met() -> pl.Expr:
    """No criterion failed and none is unknown."""
    return (pl.col("failed") == 0) & (pl.col("unknown") == 0)


def is_undecided() -> pl.Expr:
    """No criterion failed, but at least one cannot be decided."""
    return (pl.col("failed") == 0) & (pl.col("unknown") != 0)


def _profiles(cases: pl.DataFrame, rulebook: Rulebook, used: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Number the distinct combinations of what the rules look at: many people share one.

    A number counts only by the bounds of the rules that it reaches, so that two salaries on the same side of
    every bound are the same.
    """
    event_on = pl.col("event_on")
    measures = {
        "age_years": days.age_years(pl.col("birth_on"), event_on).cast(pl.Int64),
        "service_months": days.months_of_service(pl.col("service_on"), event_on).cast(pl.Int64),
    }
    facts = [measures[name].alias(name) for name in measures if name in used]
    facts += [fact_of(field).alias(_raw_column(field)) for field in used if field in _RAW_FIELDS]
    key = ["client_id", "event_on", "has_job", "geographies_met"]
    rows = cases.select("case", *key, *facts)
    rows = rows.with_columns(
        _banded(rows[_raw_column(field)], field, rulebook) for field in used if field in RANGE_FIELDS
    )
    key = rows.columns[1:]
    profiles = rows.select(key).unique().with_row_index("profile")
    profiles = profiles.with_columns(pl.col("profile").cast(pl.Int32))
    found = rows.join(profiles, on=key, how="left", maintain_order="left", nulls_equal=True)
    return cases.with_columns(found["profile"]), profiles


def _banded(values: pl.Series, field: str, rulebook: Rulebook) -> pl.Series:
    """Replace each number by the greatest bound not above it: what a rule says of both is the same."""
    rules = rulebook.rules
    bounds = pl.concat([rules[f"{field}_min"], rules[f"{field}_max"] + 1]).cast(pl.Int64)
    bounds = bounds.drop_nulls().unique().sort()
    if bounds.is_empty():
        return values
    below = pl.Series([int(bounds[0]) - 1], dtype=pl.Int64)
    found = pl.concat([below, bounds]).gather(
        bounds.search_sorted(values.cast(pl.Int64).fill_null(0), "right")
    )
    return pl.select(pl.when(values.is_not_null()).then(found).alias(values.name)).to_series()


def _raw_column(field: str) -> str:
    """Name the column of a case that a criterion is about, before values become bits."""
    if field == GEOGRAPHY_FIELD:
        return "geographies_met"
    return FACT_COLUMNS.get(field, field) if field in RANGE_FIELDS else field


_RAW_FIELDS = [field for field in CRITERIA if field not in ("age_years", "service_months", GEOGRAPHY_FIELD)]


def _with_value_bits(profiles: pl.DataFrame, rulebook: Rulebook, used: list[str]) -> pl.DataFrame:
    """Add bit_<field>: the bit of the value's group; 0 for a value no rule names; null if missing."""
    for field in used:
        if field in LIST_FIELDS:
            bits = rulebook.values[field].rename({"value": field, "bit": f"bit_{field}"})
            profiles = profiles.join(bits, on=["client_id", field], how="left", maintain_order="left")
            known = pl.when(pl.col(field).is_not_null()).then(pl.col(f"bit_{field}").fill_null(0))
            profiles = profiles.with_columns(known.alias(f"bit_{field}"))
    return profiles


def _with_geographies(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add geographies_met: the bits of the geographies the home zip lies in; null if the zip is missing."""
    known = pl.col("zip").is_not_null()
    if rulebook.geographies.is_empty():
        return cases.with_columns(geographies_met=pl.when(known).then(pl.lit(0, pl.Int64)))
    places = cases.select("client_id", "zip").drop_nulls().unique()
    met = (
        places.join(rulebook.geographies, on="client_id")
        .join(rulebook.zips, on=["geography_id", "zip"], how="semi")
        .group_by("client_id", "zip")
        .agg(geographies_met=pl.col("geography_bit").bitwise_or())
    )
    found = cases.select("client_id", "zip").join(
        met, on=["client_id", "zip"], how="left", maintain_order="left"
    )
    words = found.select(geographies_met=pl.when(known).then(pl.col("geographies_met").fill_null(0)))
    return cases.with_columns(words.get_columns())


def _decide(profiles: pl.DataFrame, rulebook: Rulebook, used: list[str]) -> pl.DataFrame:
    """Give the failed and unknown words of every profile and rule that holds on the event date."""
    bits = {field: 1 << CRITERIA.index(field) for field in used}
    facts = dict.fromkeys(["profile", "client_id", "event_on", *(_fact_column(field) for field in used)])
    pairs = profiles.select(list(facts)).join(rulebook.rules, on="client_id")
    pairs = pairs.filter(
        (pl.col("valid_from") <= pl.col("event_on")) & (pl.col("event_on") < pl.col("valid_to"))
    )
    decided = pairs.with_columns(
        *(_failed(field).alias(f"failed_{field}") for field in used),
        *(_unknown(field).alias(f"unknown_{field}") for field in used),
    )
    return decided.with_columns(
        failed=_word("failed", bits),
        unknown=_word("unknown", bits),
    )


def _with_words(profiles: pl.DataFrame, rules: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Fold the rules of each profile into rules_met and rules_undecided."""
    failed = pl.col("failed") != 0
    words = rules.group_by("profile").agg(
        rules_met=pl.col("rule_bit").filter(is_met()).bitwise_or(),
        rules_failed=pl.col("rule_bit").filter(failed).bitwise_or(),
    )
    every = rulebook.rules.group_by("client_id").agg(every_rule=pl.col("rule_bit").bitwise_or())
    found = profiles.join(words, on="profile", how="left", maintain_order="left").join(
        every, on="client_id", how="left", maintain_order="left"
    )
    found = found.with_columns(pl.col("rules_met", "rules_failed", "every_rule").fill_null(0))
    decided = pl.col("rules_met") | pl.col("rules_failed")
    return found.with_columns(rules_undecided=pl.col("every_rule") & ~decided).drop(
        "rules_failed", "every_rule", "^bit_.*$"
    )


_VERDICT = ["rules_met", "rules_undecided", "geographies_met"]


def _with_verdict(profiles: pl.DataFrame) -> pl.DataFrame:
    """Number the distinct words: few, however many profiles there are."""
    verdicts = profiles.select(_VERDICT).unique().with_row_index("verdict")
    verdicts = verdicts.with_columns(pl.col("verdict").cast(pl.Int32))
    return profiles.join(verdicts, on=_VERDICT, how="left", maintain_order="left", nulls_equal=True)


def _fact_column(field: str) -> str:
    if field == GEOGRAPHY_FIELD:
        return "geographies_met"
    return _raw_column(field) if field in RANGE_FIELDS else f"bit_{field}"


def _met(field: str) -> pl.Expr:
    """Whether the fact meets the criterion, before `exclude`; null when the fact is missing."""
    fact = pl.col(_fact_column(field))
    if field not in RANGE_FIELDS:
        return (fact & pl.col(f"{field}_mask")) != 0
    low, high = pl.col(f"{field}_min"), pl.col(f"{field}_max")
    above = (fact >= low).fill_null(low.is_null())
    below = (fact <= high).fill_null(high.is_null())
    return pl.when(fact.is_not_null()).then(above & below)


def _failed(field: str) -> pl.Expr:
    """A criterion in use that the fact decides against."""
    return (_met(field) == pl.col(f"{field}_out")).fill_null(value=False)


def _unknown(field: str) -> pl.Expr:
    """A criterion in use whose fact is missing."""
    return pl.col(f"{field}_out").is_not_null() & pl.col(_fact_column(field)).is_null()


def _word(kind: str, bits: dict[str, int]) -> pl.Expr:
    """Set the bit of each criterion for which the flag holds."""
    word = pl.lit(0, pl.Int64)
    for field, bit in bits.items():
        word = word + pl.col(f"{kind}_{field}").cast(pl.Int64) * bit
    return word


# --- programs ---------------------------------------------------------------------------------------


def assign_programs(eligibility: Eligibility, in_force: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Find the one program of each case (docs/rules.md §2.4).

    Shapes:  in_force has one row per case with coverage on the day before the event. The result are the
             cases with program_row, programs_met, programs_undecided, is_outside_schedule and
             process_status (AS, AN, AE or FA).
    """
    counted = _counted_programs(eligibility.profiles, rulebook)
    cases = eligibility.cases
    found = cases.with_columns(counted[cases["profile"]].get_columns())
    found = _with_schedule(found, rulebook)
    covered = found["case"].is_in(in_force["case"].implode())
    found = found.with_columns(process_status=_program_status(covered))
    return found.with_columns(
        program_row=pl.when(pl.col("process_status") == ProcessStatus.AS).then(pl.col("program_row"))
    )


def _counted_programs(profiles: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Count, per profile, the active programs of the client that hold and are met, or undecided."""
    programs = rulebook.programs.filter("is_active").select(
        "client_id", "program_row", "rule_bit", "valid_from", "valid_to"
    )
    columns = ("profile", "client_id", "event_on", "rules_met", "rules_undecided")
    pairs = profiles.select(columns).join(programs, on="client_id")
    pairs = pairs.filter(
        (pl.col("valid_from") <= pl.col("event_on")) & (pl.col("event_on") < pl.col("valid_to"))
    )
    need = pl.col("rule_bit")
    is_met_ = (pl.col("rules_met") & need) == need
    counted = pairs.group_by("profile").agg(
        programs_met=is_met_.sum(),
        programs_undecided=((pl.col("rules_undecided") & need) != 0).sum(),
        program_row=pl.col("program_row").filter(is_met_).first(),
    )
    found = profiles.select("profile").join(counted, on="profile", how="left", maintain_order="left")
    return found.drop("profile").with_columns(pl.col("programs_met", "programs_undecided").fill_null(0))


def _with_schedule(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add is_outside_schedule: the schedule names programs, and not the one met."""
    named = rulebook.schedule_programs.select("schedule_id", "program_id").unique()
    if named.is_empty():
        return cases.with_columns(is_outside_schedule=pl.lit(value=False))
    met = cases.select("schedule_id", "program_row")
    pairs = with_taken(met.unique(), rulebook.programs, "program_row", "program_id")
    naming = pairs.join(named.select("schedule_id").unique(), on="schedule_id", how="semi")
    outside = naming.drop_nulls().join(named, on=["schedule_id", "program_id"], how="anti")
    outside = outside.select("schedule_id", "program_row", is_outside_schedule=pl.lit(value=True))
    key = ["schedule_id", "program_row"]
    found = met.join(outside, on=key, how="left", maintain_order="left")
    return cases.with_columns(found["is_outside_schedule"].fill_null(value=False))


def _program_status(covered: pl.Series) -> pl.Expr:
    """Turn the counts into a status; a person without a job, or undecided, is an error."""
    met, undecided = pl.col("programs_met"), pl.col("programs_undecided")
    return (
        pl.when(~pl.col("has_job") | (met > 1) | (undecided > 0))
        .then(pl.lit(ProcessStatus.AE.value))
        .when((met == 1) & ~pl.col("is_outside_schedule"))
        .then(pl.lit(ProcessStatus.AS.value))
        .when((met == 0) & covered)
        .then(pl.lit(ProcessStatus.AN.value))
        .otherwise(pl.lit(ProcessStatus.FA.value))
    )


# --- dependents ---------------------------------------------------------------------------------------


def eligible_members(members: pl.DataFrame) -> pl.DataFrame:
    """Keep the dependents who count on the day in question (docs/rules.md §3).

    Shapes:  members has one row per case, dependent and day (`price_on`) with the columns of the dependent
             rule (age_limit, student_age_limit, is_disabled_exempt, is_married_ineligible; null: no rule).
    Missing: a child without a birth date never counts, unless exempt by disability.
    """
    return members.filter(~pl.col("is_former") & why_not_member().is_null())


def why_not_member() -> pl.Expr:
    """Say why somebody does not count: 'relationship', 'married', 'age', or null who does."""
    kind = pl.col("person_type")
    is_child = kind.is_in([str(child) for child in CHILD_TYPES])
    is_adult = kind.is_in([str(PersonType.SPOUSE), str(PersonType.DOMESTIC_PARTNER)])
    limit = pl.when("is_student").then("student_age_limit").otherwise("age_limit")
    age = days.age_years(pl.col("birth_on"), pl.col("price_on"))
    exempt = pl.col("is_disabled") & pl.col("is_disabled_exempt").fill_null(value=True)
    too_old = ~exempt & (age >= limit.fill_null(99)).fill_null(value=True)
    married = pl.col("is_married") & pl.col("is_married_ineligible").fill_null(value=False)
    return (
        pl.when(~is_child & ~is_adult)
        .then(pl.lit("relationship"))
        .when(is_child & married)
        .then(pl.lit("married"))
        .when(is_child & too_old)
        .then(pl.lit("age"))
    )


def households(members: pl.DataFrame) -> pl.DataFrame:
    """Count the eligible spouses, partners and children per case and unit of `plan_unit`."""
    kind = pl.col("person_type")
    return members.group_by("case", "plan_unit").agg(
        spouses=(kind == PersonType.SPOUSE).sum().cast(pl.Int16),
        partners=(kind == PersonType.DOMESTIC_PARTNER).sum().cast(pl.Int16),
        children=kind.is_in([str(child) for child in CHILD_TYPES]).sum().cast(pl.Int16),
    )


def household_suffices() -> pl.Expr:
    """Whether the household holds the persons a coverage code demands."""
    return (
        (pl.col("spouses") >= pl.col("spouse_min"))
        & (pl.col("partners") >= pl.col("partner_min"))
        & (pl.col("children") >= pl.col("child_min"))
    )
