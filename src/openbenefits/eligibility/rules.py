"""Who may have what, and why: pure decisions on columns (docs/rules.md §2 and §3).

Every criterion of every rule of a participant's client yields two bits, *failed* and *unknown*. A rule is
met when both words are 0, undecided when only the second is not. The rules met fold into one word per
case, which programs and options test with a single `&`.
"""

from dataclasses import dataclass

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import CHILD_TYPES, PersonType, ProcessStatus
from openbenefits.programs.fields import GEOGRAPHY_FIELD, LIST_FIELDS, RANGE_FIELDS
from openbenefits.programs.rulebook import Rulebook

CRITERIA: tuple[str, ...] = (*RANGE_FIELDS, *LIST_FIELDS, GEOGRAPHY_FIELD)
"""The order of the criterion bits: bit n of a failed or unknown word belongs to CRITERIA[n]."""

RANGE_COLUMNS = {
    "age_years": "age_years",
    "service_months": "service_months",
    "weekly_hours": "weekly_hours_hundredths",
    "annual_pay": "annual_pay_cents",
}


@dataclass(frozen=True, kw_only=True)
class Eligibility:
    """What the rules say: one row per case, and one per case and rule for the explanation."""

    cases: pl.DataFrame  # cases with rules_met, rules_undecided, geographies_met
    rules: pl.DataFrame  # case, rule_id, rule_bit, failed, unknown


def evaluate(cases: pl.DataFrame, rulebook: Rulebook) -> Eligibility:
    """Decide every eligibility rule of the client for every case, as of its event date.

    Shapes:  cases has one row per case (`case` = its position) with the facts; the result keeps the order
             and adds rules_met, rules_undecided, geographies_met (words of bits) and the ages used.
    Missing: a missing value makes its criterion unknown; a rule with an unknown criterion is never met.
    """
    measured = _with_geographies(_with_value_bits(_with_measures(cases), rulebook), rulebook)
    rules = _decide(measured, rulebook)
    words = rules.group_by("case").agg(
        rules_met=pl.col("rule_bit").filter(is_met()).bitwise_or(),
        rules_undecided=pl.col("rule_bit").filter(is_undecided()).bitwise_or(),
    )
    folded = measured.join(words, on="case", how="left", maintain_order="left").with_columns(
        pl.col("rules_met", "rules_undecided").fill_null(0)
    )
    return Eligibility(
        cases=folded.drop("^bit_.*$"),
        rules=rules.select("case", "rule_id", "rule_bit", "failed", "unknown"),
    )


def is_met() -> pl.Expr:
    """No criterion failed and none is unknown."""
    return (pl.col("failed") == 0) & (pl.col("unknown") == 0)


def is_undecided() -> pl.Expr:
    """No criterion failed, but at least one cannot be decided."""
    return (pl.col("failed") == 0) & (pl.col("unknown") != 0)


def _with_measures(cases: pl.DataFrame) -> pl.DataFrame:
    """Add age and service, in completed years and months on the event date."""
    event_on = pl.col("event_on")
    return cases.with_columns(
        age_years=days.age_years(pl.col("birth_on"), event_on).cast(pl.Int64),
        service_months=days.months_of_service(pl.col("service_on"), event_on).cast(pl.Int64),
    )


def _with_value_bits(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add bit_<field>: the bit of the value's group; 0 for a value no rule names; null if missing."""
    for field in LIST_FIELDS:
        bits = rulebook.values[field].rename({"value": field, "bit": f"bit_{field}"})
        if bits.is_empty():
            cases = cases.with_columns(pl.lit(0, pl.Int64).alias(f"bit_{field}"))
            continue
        cases = cases.join(bits, on=["client_id", field], how="left", maintain_order="left")
        known = pl.when(pl.col(field).is_not_null()).then(pl.col(f"bit_{field}").fill_null(0))
        cases = cases.with_columns(known.alias(f"bit_{field}"))
    return cases


def _with_geographies(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add geographies_met: the bits of the geographies the home zip lies in; null if the zip is missing."""
    places = cases.select("client_id", "zip").drop_nulls().unique()
    met = (
        places.join(rulebook.geographies, on="client_id")
        .join(rulebook.zips, on=["geography_id", "zip"], how="semi")
        .group_by("client_id", "zip")
        .agg(geographies_met=pl.col("geography_bit").bitwise_or())
    )
    found = cases.join(met, on=["client_id", "zip"], how="left", maintain_order="left")
    return found.with_columns(
        geographies_met=pl.when(pl.col("zip").is_not_null()).then(pl.col("geographies_met").fill_null(0))
    )


def _decide(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Give the failed and unknown words of every case and rule that holds on the event date."""
    used = [field for field in CRITERIA if _is_used(rulebook, field)]
    bits = {field: 1 << CRITERIA.index(field) for field in used}
    facts = ["case", "client_id", "event_on", *(_fact_column(field) for field in used)]
    pairs = cases.select(facts).join(rulebook.rules, on="client_id")
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


def _is_used(rulebook: Rulebook, field: str) -> bool:
    return rulebook.rules[f"{field}_out"].null_count() < rulebook.rules.height


def _fact_column(field: str) -> str:
    if field == GEOGRAPHY_FIELD:
        return "geographies_met"
    return RANGE_COLUMNS.get(field, f"bit_{field}")


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


def assign_programs(cases: pl.DataFrame, in_force: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Find the one program of each case (docs/rules.md §2.4).

    Shapes:  cases as `evaluate` returns them; in_force has one row per case with coverage on the day
             before the event. Adds program_row, programs_met, programs_undecided and process_status
             (AS, AN, AE or FA).
    """
    candidates = _candidates(cases, rulebook)
    need = pl.col("rule_bit")
    counted = candidates.group_by("case").agg(
        programs_met=((pl.col("rules_met") & need) == need).sum(),
        programs_undecided=((pl.col("rules_undecided") & need) != 0).sum(),
        program_row=pl.col("program_row").filter((pl.col("rules_met") & need) == need).first(),
    )
    found = cases.join(counted, on="case", how="left", maintain_order="left")
    found = found.with_columns(pl.col("programs_met", "programs_undecided").fill_null(0))
    covered = found["case"].is_in(in_force["case"].implode())
    status = _program_status(covered)
    return found.with_columns(process_status=status).with_columns(
        program_row=pl.when(pl.col("process_status") == ProcessStatus.AS).then(pl.col("program_row"))
    )


def _candidates(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Pair cases with the active programs of their client that hold, restricted to those of the schedule."""
    programs = rulebook.programs.filter("is_active").select(
        "client_id", "program_id", "program_row", "rule_bit", "valid_from", "valid_to"
    )
    columns = ("case", "client_id", "schedule_id", "event_on", "has_job", "rules_met", "rules_undecided")
    pairs = cases.select(columns).filter("has_job").join(programs, on="client_id")
    holds = (pl.col("valid_from") <= pl.col("event_on")) & (pl.col("event_on") < pl.col("valid_to"))
    pairs = pairs.filter(holds)
    restricted = rulebook.schedule_programs.select("schedule_id", "program_id").unique()
    if restricted.is_empty():
        return pairs
    free = pairs.join(restricted, on="schedule_id", how="anti")
    return pl.concat([free, pairs.join(restricted, on=["schedule_id", "program_id"], how="semi")])


def _program_status(covered: pl.Series) -> pl.Expr:
    """Turn the counts into a status; a person without a job, or undecided, is an error."""
    met, undecided = pl.col("programs_met"), pl.col("programs_undecided")
    return (
        pl.when(~pl.col("has_job") | (met > 1) | (undecided > 0))
        .then(pl.lit(ProcessStatus.AE.value))
        .when(met == 1)
        .then(pl.lit(ProcessStatus.AS.value))
        .when(covered)
        .then(pl.lit(ProcessStatus.AN.value))
        .otherwise(pl.lit(ProcessStatus.FA.value))
    )


# --- dependents ---------------------------------------------------------------------------------------


def eligible_members(members: pl.DataFrame) -> pl.DataFrame:
    """Keep the dependents who count on the day in question (docs/rules.md §3).

    Shapes:  members has one row per case, dependent and day (`price_on`) with the columns of the dependent
             rule (age_limit, student_age_limit, is_disabled_exempt, is_married_ineligible; null: no rule).
    Missing: a child without a birth date counts only where there is no age limit.
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
