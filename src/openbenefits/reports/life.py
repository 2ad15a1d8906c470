"""Imputed income of group-term life insurance: who, in which month, how much (docs/rules.md §12)."""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import COVERED_KINDS, TaxClass
from openbenefits.enrollment.frames import load_coverage
from openbenefits.payroll.frames import load_covered_people, load_employee_numbers
from openbenefits.payroll.services import owed
from openbenefits.programs.frames import load_rulebook, load_setup
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.imputed import group_term_life
from openbenefits.reports.frames import load_clients
from openbenefits.workforce.frames import as_of

TABLE_I = "IRC79_TABLE_I"
COVERED = [str(kind) for kind in COVERED_KINDS]
PERSON = ["client_id", "person_id"]
SERIES = [*PERSON, "benefit_record", "plan_type", "slot"]


def imputed_life(connection: Any, year: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """List the months and the years of everybody with group-term life insurance that the employer carries.

    Shapes:  months: client, employee_number, month, coverage, taxed, age, rate, imputed; years: client,
             employee_number, months, paid, imputed. Cents, rates in micro-dollars.
    Missing: blank where something is unknown, also where no Table I holds at the end of the year.
    """
    months, years = [pl.DataFrame(schema=MONTHS)], [pl.DataFrame(schema=YEARS)]
    for client_id, code in load_clients(connection).iter_rows():
        of_client = _of_client(connection, client_id, year)
        if of_client is not None:
            numbers = load_employee_numbers(connection, client_id).with_columns(client=pl.lit(code))
            found = [one.join(numbers, left_on="owner", right_on="person_id") for one in of_client]
            months.append(_shaped(found[0].rename(MONTH_NAMES), MONTHS))
            years.append(_shaped(found[1].rename(YEAR_NAMES), YEARS))
    order = ["client", "employee_number"]
    return pl.concat(months).sort(*order, "month"), pl.concat(years).sort(*order)


MONTH_NAMES = {
    "coverage_cents": "coverage",
    "taxed_cents": "taxed",
    "rate_micros": "rate",
    "month_cents": "imputed",
}
YEAR_NAMES = {"months_cents": "months", "paid_cents": "paid", "year_cents": "imputed"}
MONTHS = {
    "client": pl.String,
    "employee_number": pl.String,
    "month": pl.Int8,
    "coverage": pl.Int64,
    "taxed": pl.Int64,
    "age": pl.Int16,
    "rate": pl.Int64,
    "imputed": pl.Int64,
}
YEARS = {
    "client": pl.String,
    "employee_number": pl.String,
    "months": pl.Int64,
    "paid": pl.Int64,
    "imputed": pl.Int64,
}


def _shaped(rows: pl.DataFrame, schema: dict[str, Any]) -> pl.DataFrame:
    return rows.select(pl.col(name).cast(kind) for name, kind in schema.items())


def _of_client(connection: Any, client_id: int, year: int) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """The months and years of one client's people; none where no plan of theirs has imputed income."""
    setup, rulebook = load_setup(connection, [client_id]), load_rulebook(connection, [client_id])
    carried = carried_options(rulebook)
    if carried.is_empty():
        return None
    points = load_coverage(connection, load_covered_people(connection, client_id, None))
    cover = life_cover(points, carried, year)
    if cover.is_empty():
        return None
    people = _births(connection, client_id, cover, year).join(
        _paid(connection, client_id, cover, carried, year), on="owner", how="left"
    )
    people = people.with_columns(paid_cents=pl.when(pl.col("pays").is_null()).then(0).otherwise("paid_cents"))
    return group_term_life(cover, people, rates_on(setup["age_rate"], date(year, 12, 31)))


def carried_options(rulebook: Rulebook) -> pl.DataFrame:
    """Say when which option is one of a plan whose cover is imputed: option_id, carried_from, carried_to.

    Shapes: carried_to is exclusive; an option has a row for each pair of rows of its program and of its plan
            that hold together.
    """
    programs = rulebook.programs.select("program_row", "valid_from", "valid_to")
    rows = rulebook.plan_rows.select("plan_row", "program_row").join(programs, on="program_row")
    options = rulebook.options.select("plan_row", "option_id", "plan_id").join(rows, on="plan_row")
    plans = rulebook.plans.filter("is_imputed_income").select(
        "plan_id", plan_from="valid_from", plan_to="valid_to"
    )
    found = options.join(plans, on="plan_id").select(
        "option_id",
        carried_from=pl.max_horizontal("valid_from", "plan_from"),
        carried_to=pl.min_horizontal("valid_to", "plan_to"),
    )
    return found.filter(pl.col("carried_from") < pl.col("carried_to"))


def life_cover(points: pl.DataFrame, carried: pl.DataFrame, year: int) -> pl.DataFrame:
    """Cut coverage into months: all of a person's together, on the first and on the last day covered in it.

    Shapes: points as `enrollment.frames.COVERAGE_COLUMNS`, carried as `carried_options`: on other days an
            option does not count; the result as `group_term_life` takes it.
    """
    last = date(year, 12, 31)
    spans = points.sort(*SERIES, "begins_on").with_columns(
        until=pl.col("begins_on").shift(-1).over(SERIES).dt.offset_by("-1d").fill_null(last)
    )
    spans = spans.filter(pl.col("kind").is_in(COVERED)).join(carried, on="option_id")
    spans = spans.select(
        "coverage_cents",
        owner="person_id",
        begins_on=pl.max_horizontal("begins_on", "carried_from"),
        until=pl.min_horizontal("until", pl.col("carried_to").dt.offset_by("-1d")),
    ).filter(pl.col("begins_on") <= pl.col("until"))
    first = pl.date_range(date(year, 1, 1), last, "1mo", eager=True).alias("first")
    months = pl.DataFrame([first]).with_columns(last=pl.col("first").dt.month_end())
    parts = spans.join(months, how="cross").filter(
        (pl.col("begins_on") <= pl.col("last")) & (pl.col("until") >= pl.col("first"))
    )
    parts = parts.with_columns(
        begin=pl.max_horizontal("begins_on", "first"), end=pl.min_horizontal("until", "last")
    )
    starts, ends = pl.col("begin") == pl.col("begin").min(), pl.col("end") == pl.col("end").max()
    cents = pl.col("coverage_cents")
    found = parts.group_by("owner", "first").agg(
        start_cents=money.total(cents.filter(starts)),
        end_cents=money.total(cents.filter(ends)),
        covered_days=(pl.col("end").max() - pl.col("begin").min()).dt.total_days() + 1,
    )
    return found.sort("owner", "first").select(
        "owner",
        pl.lit(year, pl.Int32).alias("year"),
        pl.col("first").dt.month().alias("month"),
        *("start_cents", "end_cents", "covered_days"),
    )


def rates_on(rows: pl.DataFrame, day: date) -> pl.DataFrame:
    """The rates of Table I that hold on a day: none where the table has ended, or has not begun."""
    known = rows.filter((pl.col("code") == TABLE_I) & (pl.col("valid_from") <= day))
    latest = known.filter(pl.col("valid_from") == pl.col("valid_from").max())
    holds = pl.col("valid_through").is_null() | (pl.col("valid_through") >= day)
    return latest.filter(holds).select("age_from", "rate_micros")


def _births(connection: Any, client_id: int, cover: pl.DataFrame, year: int) -> pl.DataFrame:
    """The birth dates known at the end of the year: owner, birth_on."""
    owners = cover["owner"].unique().sort()
    cases = pl.DataFrame(
        {
            "case": pl.int_range(owners.len(), dtype=pl.Int32, eager=True),
            "client_id": pl.Series([client_id], dtype=pl.Int32).new_from_index(0, owners.len()),
            "person_id": owners,
        }
    ).with_columns(benefit_record=pl.lit(0, pl.Int16), as_of=pl.lit(date(year, 12, 31)))
    return as_of(connection, cases).select("birth_on", owner="person_id")


def _paid(
    connection: Any, client_id: int, cover: pl.DataFrame, carried: pl.DataFrame, year: int
) -> pl.DataFrame:
    """What people pay for these plans after tax in the pays of the year: owner, paid_cents, pays."""
    people = cover["owner"].unique().to_list()
    begin, through = date(year, 1, 1), date(year, 12, 31)
    lines = owed(connection, client_id, begin=begin, through=through, person_ids=people)
    taken = lines.filter(
        (pl.col("kind") == "deduction") & (pl.col("tax_class") == str(TaxClass.AFTER_TAX))
    ).join(carried, on="option_id")
    taken = taken.filter(pl.col("ends_on").is_between("carried_from", "carried_to", closed="left"))
    return taken.group_by(owner="person_id").agg(paid_cents=money.total(pl.col("owed_cents")), pays=pl.len())
