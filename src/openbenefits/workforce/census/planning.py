"""From the rows of a census to the facts it would write: what is stated, laid over what holds.

A blank cell states nothing, so what is known stays. New people have negative keys until they are applied.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from openbenefits.workforce.census.columns import JOB_CODES
from openbenefits.workforce.frames import HIRES, in_force
from openbenefits.workforce.recording import ADDRESSES, DEPENDENTS, JOBS, PERSONS, FactTable

TIMELESS = ("birth_on", "ssn_hash", "ssn", "service_on")
HIDDEN = "(hidden)"
DIFFERENCE = {
    "fact": pl.String(),
    "row": pl.Int32(),
    "field": pl.String(),
    "before": pl.String(),
    "after": pl.String(),
}

PERSON_CELLS = {
    "first_name": "first_name",
    "last_name": "last_name",
    "middle_name": "middle_name",
    "suffix": "suffix",
    "birth_on": "birth_date",
    "sex": "sex",
    "is_smoker": "smoker",
    "marital_status": "marital_status",
    "is_medicare_entitled": "medicare",
    "email": "email",
    "phone": "phone",
    "language": "language",
    "ssn_hash": "ssn_hash",
    "ssn": "ssn",
}
ADDRESS_CELLS = {"line1": "address", "city": "city", "state": "state", "postal_code": "zip"}
JOB_CELLS = {
    "benefit_record": "benefit_record",
    "is_primary": "primary_job",
    "is_for_eligibility": "eligibility_job",
    "action": "action",
    "reason": "reason",
    "job_status": "job_status",
    "last_day_employed": "last_day_employed",
    **{name: name for name in JOB_CODES},
    "weekly_hours_hundredths": "weekly_hours",
    "annual_pay_cents": "annual_pay",
}
DEPENDENT_CELLS = {
    "first_name": "first_name",
    "last_name": "last_name",
    "middle_name": "middle_name",
    "suffix": "suffix",
    "person_type": "relationship",
    "birth_on": "birth_date",
    "sex": "sex",
    "is_smoker": "smoker",
    "is_student": "student",
    "student_through": "student_through",
    "is_disabled": "disabled",
    "is_married": "married",
    "died_on": "died_on",
    "ssn_hash": "ssn_hash",
    "ssn": "ssn",
}


@dataclass(frozen=True, kw_only=True)
class Planned:
    """Facts to be written for one table, and how they differ from what holds (known people only)."""

    facts: pl.DataFrame
    differences: pl.DataFrame


def people_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Fold the rows of each employee number into one: the first value stated of each attribute."""
    cells = {**PERSON_CELLS, **ADDRESS_CELLS}
    return rows.group_by("employee_number", maintain_order=True).agg(
        pl.col("row").first(),
        *(pl.col(cell).drop_nulls().first().alias(name) for name, cell in cells.items()),
        pl.col("hire_date").drop_nulls().first(),
        start_on=pl.min_horizontal(pl.col("hire_date").min(), pl.col("effective_date").min()),
    )


def plan_persons(people: pl.DataFrame, known: pl.DataFrame, as_of: date) -> Planned:
    """Plan the person facts: a correction of what never changes (birth, SSN) goes on its own date."""
    held = _held(people, known, as_of)
    stated = people.with_columns(service_on=pl.lit(None, pl.Date))
    over = _laid_over(stated, held, [*PERSON_CELLS, "service_on"])
    over = over.with_columns(
        service_on=pl.when(pl.col("is_known")).then("service_on").otherwise(pl.col("hire_date"))
    )
    changing = [name for name in PERSON_CELLS if name not in TIMELESS]
    return _planned(PERSONS, over, as_of, changing)


def plan_addresses(people: pl.DataFrame, known: pl.DataFrame, as_of: date) -> Planned:
    """Plan the home addresses of the people that state any part of one."""
    stated = people.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in ADDRESS_CELLS))
    stated = stated.with_columns(country=pl.lit(None, pl.String))
    over = _laid_over(stated, _held(stated, known, as_of), [*ADDRESS_CELLS, "country"])
    over = over.with_columns(pl.col("country").fill_null("USA"))
    return _planned(ADDRESSES, over, as_of, list(ADDRESS_CELLS))


def plan_dependents(dependents: pl.DataFrame, known: pl.DataFrame, as_of: date) -> Planned:
    """Plan the dependent facts; a former spouse is no dependent any more.

    Shapes: dependents have the dependent cells by fact name, person_id, dependent_id, start_on (if new) and
            change_on (the day stated, if any).
    """
    held = _held(dependents, known, as_of, "dependent_id")
    over = _laid_over(dependents, held, [*DEPENDENT_CELLS, "is_former"])
    flags = ["is_student", "is_disabled", "is_married", "is_former"]
    over = over.with_columns(pl.col(flags).fill_null(False))
    changing = [name for name in (*DEPENDENT_CELLS, "is_former") if name not in TIMELESS]
    return _planned(DEPENDENTS, over, as_of, changing)


def plan_jobs(rows: pl.DataFrame, known: pl.DataFrame, as_of: date) -> Planned:
    """Plan the job rows: none where the one in force says the same, a correction on its day, else a new row.

    Action and reason count only on the row's own day. Who is new and was hired before the row's day gets a
    HIR row on the day of hire besides.

    Shapes: rows have person_id, is_new and the census cells; known as `frames.load_jobs` gives it.
    """
    stated = _dated(rows, as_of)
    held = in_force(
        stated.select(case="row", person_id="person_id", as_of="valid_from"),
        known.with_columns(held_from="valid_from", held_sequence="sequence"),
        ("job_number",),
        ("valid_from", "sequence"),
    ).rename({"case": "row"})
    beside = stated.join(held, on=["row", "job_number"], how="left", suffix="_held", maintain_order="left")
    beside = beside.with_columns(is_known=pl.col("held_from").is_not_null())
    is_same_day = pl.col("held_from") == pl.col("valid_from")
    over = _job_values(beside)
    compared = [name for name in JOB_CELLS if name not in ("action", "reason")]
    differs = _differs(compared) | (is_same_day & _differs(["action", "reason"])).fill_null(False)
    changed = over.filter(~pl.col("is_known") | differs).with_columns(
        sequence=pl.when(is_same_day).then("held_sequence").otherwise(pl.lit(0)).cast(pl.Int16)
    )
    facts = pl.concat([_hires(changed, known), changed.select(_JOB_FACT)])
    shown = changed.filter("is_known").with_columns(
        pl.when(is_same_day).then(f"{name}_held").otherwise(name).alias(f"{name}_held")
        for name in ("action", "reason")
    )
    return Planned(facts=facts, differences=_differences(JOBS, shown, list(JOB_CELLS)))


_JOB_FACT = ["person_id", "job_number", "valid_from", "sequence", *JOB_CELLS]


def _dated(rows: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Give each job row its day, its number and its values by fact name."""
    named = rows.select(
        "row",
        "person_id",
        "hire_date",
        "job_number",
        pl.coalesce("effective_date", pl.when("is_new").then("hire_date"), pl.lit(as_of)).alias("valid_from"),
        *(pl.col(cell).alias(name) for name, cell in JOB_CELLS.items()),
    )
    return named.with_columns(pl.col("weekly_hours_hundredths").cast(pl.Int32))


def _job_values(beside: pl.DataFrame) -> pl.DataFrame:
    """Lay the cells over the row in force; what neither says takes the usual value."""
    has_ended = pl.coalesce("job_status", "job_status_held").is_in(["T", "R", "D"])
    is_first = ~pl.col("is_known") & (
        pl.col("valid_from") == pl.col("valid_from").min().over("person_id", "job_number")
    )
    is_lowest = pl.col("job_number") == pl.col("job_number").min().over("person_id")
    is_hire = is_first & (~is_lowest | (pl.col("valid_from") == pl.col("hire_date")).fill_null(True))
    is_same_day = pl.col("held_from") == pl.col("valid_from")
    usual = pl.when(is_hire).then(pl.lit("HIR")).when(has_ended).then(pl.lit("TER")).otherwise(pl.lit("DTA"))
    special = {
        "action": pl.coalesce("action", pl.when(is_same_day).then("action_held"), usual),
        "reason": pl.coalesce("reason", pl.when(is_same_day).then("reason_held")),
        "job_status": pl.coalesce("job_status", "job_status_held", pl.lit("A")),
        "last_day_employed": pl.coalesce(
            "last_day_employed", pl.when(has_ended).then("last_day_employed_held")
        ),
        "benefit_record": pl.coalesce("benefit_record", "benefit_record_held", pl.lit(0, pl.Int16)),
        "is_primary": pl.coalesce("is_primary", "is_primary_held", is_lowest),
        "is_for_eligibility": pl.coalesce(
            "is_for_eligibility", "is_for_eligibility_held", pl.lit(value=True)
        ),
    }
    plain = {name: pl.coalesce(name, f"{name}_held") for name in JOB_CELLS if name not in special}
    return beside.with_columns(**special, **plain)


def _hires(changed: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Make the HIR row of each new job that states an earlier day of hire and no hire of its own."""
    key = ["person_id", "job_number"]
    hired = pl.concat(
        [
            known.filter(pl.col("action").is_in(HIRES)).select(key),
            changed.filter(pl.col("action").is_in(HIRES)).select(key),
        ]
    )
    first = (
        changed.filter(~pl.col("is_known")).sort("valid_from").unique(key, keep="first", maintain_order=True)
    )
    first = first.sort("job_number").unique("person_id", keep="first", maintain_order=True)
    late = first.filter(pl.col("hire_date") < pl.col("valid_from")).join(hired, on=key, how="anti")
    hire = {"action": "HIR", "reason": None, "job_status": "A"}
    return late.with_columns(
        valid_from="hire_date",
        sequence=pl.lit(0, pl.Int16),
        last_day_employed=pl.lit(None, pl.Date),
        **{name: pl.lit(value, pl.String) for name, value in hire.items()},
    ).select(_JOB_FACT)


def _held(rows: pl.DataFrame, known: pl.DataFrame, as_of: date, owner: str = "person_id") -> pl.DataFrame:
    """Find what holds for each row's owner on the day, or from the first day known if that is later."""
    own = known.join(rows.select(owner).drop_nulls().unique(), on=owner, how="semi").sort("valid_from")
    begun = own.filter(pl.col("valid_from") <= as_of).unique(owner, keep="last")
    later = own.join(begun, on=owner, how="anti").unique(owner, keep="first")
    return pl.concat([begun, later])


def _laid_over(stated: pl.DataFrame, held: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Lay what is stated over what holds: the values, beside them what held (suffix `_held`)."""
    owner = "dependent_id" if "dependent_id" in held.columns else "person_id"
    more = {"ssn": pl.lit(None, pl.String)} if "ssn" in names else {}
    before = held.with_columns(**more).select(
        owner,
        held_from="valid_from",
        **{f"{name}_held": pl.col(name) for name in names},
        **({"ssn_sealed": pl.col("ssn_sealed")} if "ssn" in names else {}),
    )
    beside = stated.join(before, on=owner, how="left", maintain_order="left")
    return beside.with_columns(
        *(pl.coalesce(name, f"{name}_held").alias(name) for name in names),
        is_known=pl.col("held_from").is_not_null(),
    )


def _planned(table: FactTable, over: pl.DataFrame, as_of: date, changing: Sequence[str]) -> Planned:
    """Keep the rows that say something new, dated: a start, a change, or a correction of what held."""
    names = [name for name in table.compared if f"{name}_held" in over.columns]
    is_changed = _differs([name for name in changing if name in names])
    day = pl.max_horizontal(pl.col("held_from"), pl.lit(as_of))
    stated_day = pl.col("change_on") if "change_on" in over.columns else pl.lit(None, pl.Date)
    on = pl.when(stated_day > pl.col("held_from")).then(stated_day).otherwise(day)
    valid_from = (
        pl.when(~pl.col("is_known"))
        .then(pl.coalesce("start_on", pl.lit(as_of)))
        .when(is_changed)
        .then(on)
        .otherwise("held_from")
    )
    kept = over.filter(~pl.col("is_known") | _differs(names)).with_columns(valid_from=valid_from)
    columns = [*table.columns, *(["ssn"] if "ssn_hash" in names else [])]
    columns = [name for name in columns if name in kept.columns]
    return Planned(
        facts=kept.select(columns), differences=_differences(table, kept.filter("is_known"), names)
    )


def _differs(names: Sequence[str]) -> pl.Expr:
    return pl.any_horizontal(
        pl.lit(False), *(pl.col(name).ne_missing(pl.col(f"{name}_held")) for name in names)
    )


def _differences(table: FactTable, rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """List field by field what changes, an SSN without its value."""
    empty = pl.DataFrame(schema=DIFFERENCE)
    return pl.concat([empty, *(_field_differences(table, rows, name) for name in names)]).sort("row", "field")


def _field_differences(table: FactTable, rows: pl.DataFrame, name: str) -> pl.DataFrame:
    is_hidden = name == "ssn_hash"
    values: Mapping[str, pl.Expr] = {
        "before": pl.lit(HIDDEN) if is_hidden else pl.col(f"{name}_held").cast(pl.String),
        "after": pl.lit(HIDDEN) if is_hidden else pl.col(name).cast(pl.String),
    }
    return rows.filter(_differs([name])).select(
        pl.lit(table.fact).alias("fact"),
        "row",
        pl.lit("ssn" if is_hidden else name).alias("field"),
        **values,
    )
