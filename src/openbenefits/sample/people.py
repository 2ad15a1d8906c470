"""People, their jobs and their families, as columns: nobody is made one by one.

The frames hold the census columns (see `CENSUS_COLUMNS`), typed: dates are dates, pay is whole dollars.
"""

from datetime import date
from typing import Final

import polars as pl

from openbenefits.core.days import age_years, day_after
from openbenefits.sample.draws import Draws
from openbenefits.sample.names import FAMILIES, MEN, STREETS, WOMEN
from openbenefits.sample.places import Places
from openbenefits.sample.profiles import Job, Profile

CENSUS_DAY: Final = date(2025, 9, 30)

CENSUS_COLUMNS: Final[dict[str, pl.DataType]] = {
    "record": pl.String(),
    "employee_number": pl.String(),
    "dependent_number": pl.Int64(),
    "first_name": pl.String(),
    "last_name": pl.String(),
    "ssn": pl.String(),
    "birth_date": pl.Date(),
    "sex": pl.String(),
    "smoker": pl.String(),
    "marital_status": pl.String(),
    "hire_date": pl.Date(),
    "relationship": pl.String(),
    "student": pl.String(),
    "disabled": pl.String(),
    "married": pl.String(),
    "address": pl.String(),
    "city": pl.String(),
    "state": pl.String(),
    "zip": pl.String(),
    "email": pl.String(),
    "job_number": pl.Int64(),
    "benefit_record": pl.Int64(),
    "primary_job": pl.String(),
    "action": pl.String(),
    "reason": pl.String(),
    "effective_date": pl.Date(),
    "job_status": pl.String(),
    "last_day_employed": pl.Date(),
    "company": pl.String(),
    "benefit_group": pl.String(),
    "pay_group": pl.String(),
    "department": pl.String(),
    "location": pl.String(),
    "job_code": pl.String(),
    "union_code": pl.String(),
    "employee_class": pl.String(),
    "full_part_time": pl.String(),
    "regular_temporary": pl.String(),
    "flsa_status": pl.String(),
    "weekly_hours": pl.Float64(),
    "annual_pay": pl.Int64(),
}

SSN_COUNT: Final = 10**8  # numbers beginning with 9 are never issued
SSN_STEP: Final = 48_271_009  # has no factor in common with the count, so no number comes twice


def make_people(profile: Profile, count: int, first: int, draws: Draws, places: Places) -> pl.DataFrame:
    """Make a client's employees with one job each. `first` numbers them among all people of the sample."""
    order = pl.int_range(1, count + 1, eager=True)
    people = pl.DataFrame(
        {
            "record": pl.repeat("employee", count, eager=True),
            "employee_number": order.cast(pl.String).str.zfill(6),
            "ssn": _ssn(order + first),
            **_self(count, draws),
            **_home(profile, count, draws, places),
            "job_number": pl.repeat(0, count, eager=True, dtype=pl.Int64),
            "benefit_record": pl.repeat(0, count, eager=True, dtype=pl.Int64),
            "primary_job": pl.repeat("Y", count, eager=True),
        }
    ).with_columns(employee_number=pl.lit(profile.prefix) + pl.col("employee_number"))
    people = _with_marriage(people, draws)
    return conform(_with_email(_with_status(_with_job(people, profile, draws), draws), profile))


def second_jobs(people: pl.DataFrame, profile: Profile, draws: Draws) -> pl.DataFrame:
    """Make second jobs for one person in a hundred: half share the benefit record, half have their own."""
    job = profile.jobs[-1]
    is_chosen = draws.happens(people.height, 0.01) & (people["job_status"] == "A")
    chosen = people.filter(is_chosen)
    has_own_record = draws.happens(chosen.height, 0.5)
    hours = 8.0
    return conform(
        chosen.with_columns(**_job_columns(job)).with_columns(
            job_number=1,
            benefit_record=has_own_record.cast(pl.Int64),
            primary_job=pl.when(has_own_record).then(pl.lit("Y")).otherwise(pl.lit("N")),
            full_part_time=pl.lit("P"),
            weekly_hours=pl.lit(hours),
            annual_pay=pl.lit(round(job.median_pay * hours / 40, -2), pl.Int64),
            effective_date=pl.max_horizontal("hire_date", pl.lit(date(2025, 3, 1))),
        )
    )


def make_dependents(people: pl.DataFrame, first: int, draws: Draws) -> pl.DataFrame:
    """Make spouses, domestic partners and children, numbered from 1 in this order.

    One family in twelve has not told of its spouse.
    """
    count = people.height
    status = people["marital_status"]
    is_coupled = status.is_in(["married", "partnered"]) & draws.happens(count, 0.92)
    age = people.select(age_years(pl.col("birth_date"), CENSUS_DAY)).to_series()
    is_parent = draws.happens(count, 0.72) & ((status != "single") | draws.happens(count, 0.12)) & (age >= 22)
    children = draws.weighted(count, {"1": 34, "2": 40, "3": 18, "4": 6, "5": 2}).cast(pl.Int64)
    partners = _partners(people.filter(is_coupled), draws)
    offspring = _children(people.with_columns(children=children * is_parent.cast(pl.Int64)), draws)
    families = pl.concat([partners, offspring], how="diagonal")
    is_partner = pl.col("relationship").is_in(["spouse", "domestic_partner"])
    families = families.sort("employee_number", ~is_partner, "birth_date", "first_name", maintain_order=True)
    number = pl.int_range(1, pl.len() + 1).over("employee_number")
    order = pl.int_range(1, families.height + 1, eager=True)
    return conform(
        families.with_columns(
            record=pl.lit("dependent"),
            dependent_number=number,
            ssn=_ssn(order + first),
            effective_date=pl.max_horizontal("hire_date", "birth_date"),
        ).drop("hire_date")
    )


def conform(frame: pl.DataFrame) -> pl.DataFrame:
    """Give a frame the census columns, in their order; what it lacks is empty."""
    return frame.select(
        pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, kind).alias(name)
        for name, kind in CENSUS_COLUMNS.items()
    )


def _self(count: int, draws: Draws) -> dict[str, pl.Series]:
    sex = draws.weighted(count, {"F": 48, "M": 51.5, "X": 0.5})
    age = 18.5 + (draws.uniform(count) * 0.62 + draws.uniform(count) * 0.38) * 51.0
    worked = -((1 - draws.uniform(count)).log()) * 6.5
    tenure = pl.select(pl.min_horizontal(worked, age - 18.2)).to_series()
    return {
        "sex": sex,
        "first_name": _first_names(sex, draws),
        "last_name": draws.choice(count, FAMILIES),
        "birth_date": _days_before(age * 365.2425),
        "hire_date": _days_before(tenure * 365.2425),
        "smoker": _yes_no(draws.happens(count, 0.11)),
    }


def _home(profile: Profile, count: int, draws: Draws, places: Places) -> dict[str, pl.Series]:
    near, anywhere = places.near(profile.home_zips), places.rated()
    is_near = draws.happens(count, 0.88)
    position = draws.whole(count, 0, near.height - 1)
    other = draws.whole(count, 0, anywhere.height - 1)
    home = {
        name: near[name].gather(position).zip_with(is_near, anywhere[name].gather(other))
        for name in ("city", "zip")
    }
    number, street = draws.whole(count, 1, 480).cast(pl.String), draws.choice(count, STREETS)
    return {"address": number + " " + street + " Street", **home, "state": pl.repeat("MA", count, eager=True)}


def _with_marriage(people: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    age = age_years(pl.col("birth_date"), CENSUS_DAY)
    share = pl.when(age < 25).then(0.06).when(age < 30).then(0.26).when(age < 40).then(0.52).otherwise(0.62)
    divorced = pl.when(age < 30).then(0.01).otherwise(0.11)
    widowed = pl.when(age < 50).then(0.0).otherwise(0.03)
    chance = pl.lit(draws.uniform(people.height))
    return people.with_columns(
        marital_status=pl.when(chance < share)
        .then(pl.lit("married"))
        .when(chance < share + divorced)
        .then(pl.lit("divorced"))
        .when(chance < share + divorced + widowed)
        .then(pl.lit("widowed"))
        .when(chance < share + divorced + widowed + 0.03)
        .then(pl.lit("partnered"))
        .otherwise(pl.lit("single"))
    )


def _with_job(people: pl.DataFrame, profile: Profile, draws: Draws) -> pl.DataFrame:
    jobs = pl.DataFrame(
        [_job_values(job) | {"median": job.median_pay, "spread": job.spread} for job in profile.jobs],
        infer_schema_length=None,
    )
    code = draws.weighted(people.height, {job.code: job.weight for job in profile.jobs})
    luck = pl.lit(draws.bell(people.height))
    years = (pl.lit(CENSUS_DAY) - pl.col("hire_date")).dt.total_days() / 365.25
    pay = pl.col("median") * (pl.col("weekly_hours") / 40) * (luck * pl.col("spread") + years * 0.006).exp()
    return (
        people.with_columns(job_code=code)
        .join(jobs, on="job_code", how="left", maintain_order="left")
        .with_columns(annual_pay=((pay / 100).round() * 100).cast(pl.Int64))
    )


def _with_status(people: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Most are active since they were hired; some are on leave, a few have left this year."""
    status = draws.weighted(people.height, {"A": 970, "L": 18, "P": 4, "T": 8})
    days_ago = pl.lit(draws.whole(people.height, 5, 200))
    changed = pl.max_horizontal(
        pl.col("hire_date"), (pl.lit(CENSUS_DAY).cast(pl.Int32) - days_ago).cast(pl.Int32).cast(pl.Date)
    )
    is_gone, is_away = pl.col("job_status") == "T", pl.col("job_status").is_in(["L", "P"])
    return people.with_columns(job_status=status).with_columns(
        action=pl.when(is_gone)
        .then(pl.lit("TER"))
        .when(is_away)
        .then(pl.lit("LOA"))
        .otherwise(pl.lit("HIR")),
        last_day_employed=pl.when(is_gone).then(changed),
        effective_date=pl.when(is_gone)
        .then(day_after(changed))
        .when(is_away)
        .then(changed)
        .otherwise("hire_date"),
    )


def _with_email(people: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    name = pl.concat_str("first_name", "last_name", "employee_number", separator=".").str.to_lowercase()
    return people.with_columns(email=name + f"@{profile.code}.example")


def _partners(people: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    count = people.height
    other = {"F": "M", "M": "F", "X": "X"}
    sex = people["sex"].replace_strict(other).zip_with(draws.happens(count, 0.94), people["sex"])
    birth = _shifted(people["birth_date"], draws.bell(count) * 1100)
    youngest = pl.lit(date(2006, 1, 1))
    return people.select(
        "employee_number", "hire_date", "address", "city", "state", "zip", "last_name"
    ).with_columns(
        first_name=_first_names(sex, draws),
        birth_date=pl.min_horizontal(pl.lit(birth), youngest),
        sex=sex,
        smoker=_yes_no(draws.happens(count, 0.11)),
        relationship=people["marital_status"].replace_strict(
            {"married": "spouse", "partnered": "domestic_partner"}
        ),
        student=pl.lit("N"),
        disabled=pl.lit("N"),
        married=people["marital_status"].replace_strict({"married": "Y", "partnered": "N"}),
    )


def _children(people: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Children are born after their parent's eighteenth year, and none is older than 27."""
    family = people.select(
        "employee_number", "hire_date", "address", "city", "state", "zip", "last_name", "birth_date"
    )
    children = family.select(pl.all().repeat_by(people["children"])).explode(
        family.columns, empty_as_null=False, keep_nulls=False
    )
    count = children.height
    parent_age = (pl.lit(CENSUS_DAY) - pl.col("birth_date")).dt.total_days() / 365.2425
    oldest = pl.min_horizontal(parent_age - 18.5, pl.lit(27.0))
    age = children.select(pl.max_horizontal(oldest, pl.lit(0.2)) * draws.uniform(count)).to_series()
    birth = _days_before(age * 365.2425)
    sex = draws.weighted(count, {"F": 49, "M": 51})
    is_adult, is_student = age >= 18, draws.happens(count, 0.6)
    return children.with_columns(
        first_name=_first_names(sex, draws),
        birth_date=birth,
        sex=sex,
        smoker=pl.lit("N"),
        relationship=pl.when(is_adult).then(pl.lit("adult_child")).otherwise(pl.lit("child")),
        student=_yes_no(is_adult & is_student & (age < 23)),
        disabled=_yes_no(draws.happens(count, 0.012)),
        married=_yes_no((age >= 21) & draws.happens(count, 0.08)),
    )


def _first_names(sex: pl.Series, draws: Draws) -> pl.Series:
    women, men = draws.choice(len(sex), WOMEN), draws.choice(len(sex), MEN)
    return women.zip_with(sex == "F", men)


def ssn_of(number: int) -> str:
    """Invent a social security number: never issued, and another one for each number."""
    return str(_ssn(pl.Series([number]))[0])


def _ssn(number: pl.Series) -> pl.Series:
    digits = ((number * SSN_STEP) % SSN_COUNT).cast(pl.String).str.zfill(8)
    return "9" + digits.str.slice(0, 2) + "-" + digits.str.slice(2, 2) + "-" + digits.str.slice(4, 4)


def _days_before(days: pl.Series) -> pl.Series:
    today = (CENSUS_DAY - date(1970, 1, 1)).days
    return (today - days.floor().cast(pl.Int64)).cast(pl.Int32).cast(pl.Date)


def _shifted(day: pl.Series, days: pl.Series) -> pl.Series:
    return (day.cast(pl.Int32) + days.round().cast(pl.Int32)).cast(pl.Date)


def _yes_no(flag: pl.Series) -> pl.Series:
    return pl.Series(["N", "Y"]).gather(flag.cast(pl.UInt32))


def _job_values(job: Job) -> dict[str, object]:
    return {
        "job_code": job.code,
        "company": job.company,
        "benefit_group": job.benefit_group,
        "pay_group": job.pay_group,
        "employee_class": job.employee_class,
        "department": job.department,
        "location": job.location,
        "union_code": job.union_code,
        "full_part_time": job.full_part_time,
        "regular_temporary": job.regular_temporary,
        "flsa_status": job.flsa_status,
        "weekly_hours": float(job.weekly_hours),
    }


def _job_columns(job: Job) -> dict[str, pl.Expr]:
    return {name: pl.lit(value) for name, value in _job_values(job).items()}
