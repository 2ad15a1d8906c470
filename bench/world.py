"""A world to measure in: clients with rules and rates of their own, people, and what they are covered by.

It is made once per size and kept in a folder: set-up rows and facts as Parquet files, exactly the frames that
the kernel takes, beside the YAML and CSV files they come from.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl

import openbenefits
from bench.children import Progress
from bench.full import with_full_rules
from bench.twins import with_twins
from openbenefits.enrollment.rules.prepare import Situation
from openbenefits.programs import reader
from openbenefits.programs.loaded import LoadedBundle, load
from openbenefits.programs.numbers import Numbers
from openbenefits.programs.unsaved import unsaved_tables
from openbenefits.sample import SAMPLE_FOLDER, generate, generate_setup
from openbenefits.sample.offers import read_client
from openbenefits.sample.profiles import Profile
from openbenefits.workforce.frames import CaseJobs

PERIOD_BEGINS_ON = date(2026, 1, 1)
SCHEDULE, EVENT_CLASS = "OE26", "OE"
SEED = 2026
SAMPLE_PEO = SAMPLE_FOLDER / "peo"
WORKERS = 2
MODEL_EVERY = 10
"""Every tenth client has a census of its own; its people are dealt out among ten clients. (Writing a census
for each of 500 would take longer than all that is measured.)"""
MADE_BY = ("sample", "programs")  # a change in these packages makes a new world
SITUATION = ("cases", "members", "in_force", "approved", "prior", "chosen", "chosen_members", "jobs")

JOB = (
    *("company", "benefit_group", "pay_group", "location", "job_code", "union_code", "employee_class"),
    *("full_part_time", "regular_temporary", "flsa_status", "job_status"),
)
TEXTS = ("record", "employee_number", "relationship", "zip", "sex", "state", "primary_job")
FLAGS = ("smoker", "student", "disabled", "married")
CENSUS: dict[str, Any] = {
    **dict.fromkeys((*TEXTS, *FLAGS, *JOB), pl.String),
    **dict.fromkeys(("birth_date", "hire_date", "last_day_employed"), pl.Date),
    **dict.fromkeys(("annual_pay", "weekly_hours"), pl.Float64),
    "benefit_record": pl.Int16,
}
COVERAGE: dict[str, Any] = {
    **dict.fromkeys(("employee_number", "plan_type", "option", "program", "waived"), pl.String),
    **dict.fromkeys(("coverage_amount", "approved_amount", "annual_pledge", "percent"), pl.Float64),
}
NO_FLAGS: dict[str, bool | None] = {
    **dict.fromkeys(("is_smoker", "is_student", "is_disabled", "is_married", "is_former"), False),
    "student_through": None,
}
FAMILY: list[dict[str, Any]] = [
    {"person_type": "SP", "birth_on": date(1985, 5, 20), "sex": "F", **NO_FLAGS},
    {"person_type": "CH", "birth_on": date(2014, 9, 3), "sex": "M", **NO_FLAGS},
]
PERSON_TYPES = {
    "spouse": "SP",
    "domestic_partner": "DP",
    "child": "CH",
    "adult_child": "AC",
    "other": "OD",
}
EMPTY: dict[str, dict[str, Any]] = {
    "prior": {"case": pl.Int32, "option_id": pl.Int32},
    "chosen": {"case": pl.Int32, "plan_type": pl.String},
    "chosen_members": {"case": pl.Int32, "plan_type": pl.String, "dependent_id": pl.Int64},
}


@dataclass(frozen=True, kw_only=True)
class Made:
    """The files of a world: a set-up for each of the profiles, people for every tenth of them."""

    folder: Path
    profiles: Sequence[Profile]

    @property
    def frames(self) -> Path:
        return self.folder / f"frames-{_hash(Path(__file__).parent.glob('[ft][uw]*.py'), [Path(__file__)])}"


@dataclass(frozen=True, kw_only=True)
class World:
    """Set-up rows, and the situation of everybody at open enrolment."""

    tables: dict[str, pl.DataFrame]
    situation: Situation


# --- files ----------------------------------------------------------------------------------------------


def make_files(base: Path, *, clients: int, people: int, progress: Progress) -> Made:
    """Write bundles and censuses, unless they stand there already; `clients` is a multiple of 50."""
    folder = base / f"{clients}-clients-{people}-people-{source_hash()}"
    profiles = generate_setup(folder / "clients", clients, seed=SEED)
    models = profiles[::MODEL_EVERY]
    write_people(folder, models, people // len(models), progress)
    return Made(folder=folder, profiles=profiles)


def write_people(folder: Path, profiles: Sequence[Profile], people_each: int, progress: Progress) -> None:
    """Write the census and the coverage in force of each profile, in processes of their own."""
    missing = [one for one in profiles if not (folder / f"{one.code}-done").exists()]
    known = len(profiles) - len(missing)
    progress(known, len(profiles))
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        tasks = pool.map(_write_client, ((folder, profile, people_each) for profile in missing))
        for done, _ in enumerate(tasks, known + 1):
            progress(done, len(profiles))


def _write_client(task: tuple[Path, Profile, int]) -> None:
    folder, profile, people = task
    generate(
        folder / "people",
        seed=SEED,
        people=people,
        clients=(profile,),
        clients_setup=folder / "clients",
        is_faulty=False,
    )
    (folder / f"{profile.code}-done").touch()


def source_hash() -> str:
    """Name the sources a world is made by, so that a changed one makes a new world."""
    root = Path(openbenefits.__file__).parent
    return _hash(*((root / package).rglob("*.py") for package in MADE_BY), SAMPLE_PEO.iterdir())


def _hash(*groups: Iterable[Path]) -> str:
    files = sorted(file for group in groups for file in group)
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:10]


# --- frames ---------------------------------------------------------------------------------------------


def make_worlds(made: Made, progress: Progress) -> None:
    """Write the frames: `whole` with everybody, `full` with the full rule set, `double` with a fifth.

    In `double` each client has everything of its set-up twice, and nobody is in the second half of it.
    """
    some = made.profiles[: len(made.profiles) // 5]
    jobs = (
        ("whole", made.profiles, _as_it_is),
        ("full", made.profiles, with_full_rules),
        ("double", some, with_twins),
    )
    for done, (name, profiles, changed) in enumerate(jobs):
        progress(done, len(jobs))
        if not (made.frames / name / "done").exists():
            _write(made.frames / name, _world(made, profiles, changed))
    progress(len(jobs), len(jobs))


def read_world(folder: Path) -> World:
    """Read the frames of a world."""
    tables = {file.stem: pl.read_parquet(file) for file in sorted((folder / "tables").iterdir())}
    return World(
        tables=tables,
        situation=Situation(**{name: pl.read_parquet(folder / f"{name}.parquet") for name in SITUATION}),
    )


def _write(folder: Path, world: World) -> None:
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    for name, frame in world.tables.items():
        frame.write_parquet(folder / "tables" / f"{name}.parquet")
    for name in SITUATION:
        getattr(world.situation, name).write_parquet(folder / f"{name}.parquet")
    (folder / "done").touch()


def bundle_of(made: Made, profile: Profile) -> LoadedBundle:
    """Read a client's bundle without the checks: the generator made it."""
    return load(read_client(made.folder / "clients" / profile.code), {}, {})[0]


def peo_bundle() -> LoadedBundle:
    """Read the PEO's bundle of the sample."""
    bundle = reader.read(SAMPLE_PEO).bundle
    if bundle is None:
        raise LookupError(SAMPLE_PEO)
    return bundle


def _as_it_is(bundle: LoadedBundle) -> LoadedBundle:
    return bundle


def _world(made: Made, profiles: Sequence[Profile], changed: Callable[[LoadedBundle], LoadedBundle]) -> World:
    bundles = [changed(bundle_of(made, profile)) for profile in profiles]
    tables, numbers = unsaved_tables(peo_bundle(), bundles)
    folders = [made.folder / "people" / profile.code for profile in profiles[::MODEL_EVERY]]
    census = _read(folders, "census.csv", CENSUS)
    cases = _cases(census, tables)
    places = cases.select("case", "client_id", "employee_number")
    coverage = _coverage(_read(folders, "current_coverage.csv", COVERAGE), numbers[1:], places)
    dependents = census.filter(record="dependent").join(places, on="employee_number")
    return World(
        tables=tables,
        situation=Situation(
            cases=cases.drop("employee_number"),
            members=_members(dependents, cases),
            in_force=_in_force(coverage),
            approved=_approved(coverage),
            jobs=_jobs(cases),
            **{name: pl.DataFrame(schema=schema) for name, schema in EMPTY.items()},
        ),
    )


def _read(folders: Iterable[Path], file: str, schema: dict[str, Any]) -> pl.DataFrame:
    """Read a file of every model; `model` counts them from 0."""
    frames = [
        pl.read_csv(folder / file, columns=list(schema), schema_overrides=schema).with_columns(
            model=pl.lit(number, pl.Int32)
        )
        for number, folder in enumerate(folders)
    ]
    return pl.concat(frames)


def _cases(census: pl.DataFrame, tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Deal people out among clients; give everybody's open-enrolment event with the facts of that day."""
    classes = tables["event_class"].filter(code=EVENT_CLASS)["event_class_id"]
    schedules = tables["schedule"].filter(code=SCHEDULE).select("client_id", "schedule_id")
    seat = pl.int_range(pl.len(), dtype=pl.Int32).over("model") % MODEL_EVERY
    people = (
        census.filter(pl.col("record") == "employee", benefit_record=0, primary_job="Y")
        .with_columns(client_id=pl.col("model") * MODEL_EVERY + seat + 1)
        .sort("client_id", maintain_order=True)
    )
    return people.join(schedules, on="client_id", how="left", maintain_order="left").select(
        pl.int_range(pl.len(), dtype=pl.Int32).alias("case"),
        *("client_id", "employee_number", "schedule_id", "sex", "state", *JOB),
        event_class_id=pl.lit(classes.item(), pl.Int32),
        event_on=pl.lit(PERIOD_BEGINS_ON),
        only_ends_coverage=pl.lit(value=False),
        is_open_enrollment=pl.lit(value=True),
        received_on=pl.lit(None, pl.Date),
        has_job=pl.lit(value=True),
        birth_on="birth_date",
        is_smoker=pl.col("smoker") == "Y",
        service_on="hire_date",
        hire_on="hire_date",
        zip=pl.col("zip").cast(pl.Int32),
        weekly_hours_hundredths=(pl.col("weekly_hours") * 100).cast(pl.Int32),
        annual_pay_cents=(pl.col("annual_pay") * 100).cast(pl.Int64),
        last_day_employed="last_day_employed",
    )


def _jobs(cases: pl.DataFrame) -> pl.DataFrame:
    """The job of everybody, and a second, smaller one of every twentieth."""
    schema = CaseJobs.create_empty().schema
    first = cases.with_columns(
        job_number=0,
        benefit_record=0,
        is_of_record=True,
        is_primary=True,
        is_for_eligibility=True,
        is_active=pl.col("job_status") == "A",
    )
    second = first.filter(pl.col("case") % 20 == 0).with_columns(
        pl.col("weekly_hours_hundredths") // 2,
        job_number=1,
        is_primary=False,
    )
    rows = pl.concat([first, second]).sort("case", "job_number")
    absent = [pl.lit(None).alias(name) for name in schema if name not in rows.columns]
    return rows.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in schema.items())


def _members(dependents: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Give the dependents of the census, and a spouse and a child to whoever has none.

    So everybody may choose among all coverage codes: about 27 options each, as design §6 asks.
    """
    known = dependents.select(
        "case",
        person_type=pl.col("relationship").replace_strict(PERSON_TYPES),
        birth_on="birth_date",
        sex="sex",
        is_smoker=pl.col("smoker").fill_null("N") == "Y",
        is_student=pl.col("student").fill_null("N") == "Y",
        student_through=pl.lit(None, pl.Date),  # nobody of the sample is a student
        is_disabled=pl.col("disabled").fill_null("N") == "Y",
        is_married=pl.col("married").fill_null("N") == "Y",
        is_former=pl.lit(value=False),
    )
    single = cases.join(known, on="case", how="anti").select("case")
    family = pl.DataFrame(FAMILY, schema={name: known.schema[name] for name in FAMILY[0]})
    added = single.join(family, how="cross").select(known.columns)
    return (
        pl.concat([known, added])
        .sort("case", maintain_order=True)
        .with_columns(dependent_id=pl.int_range(pl.len(), dtype=pl.Int64))
    )


def _coverage(rows: pl.DataFrame, numbers: Sequence[Numbers], places: pl.DataFrame) -> pl.DataFrame:
    """Add to what everybody brings along the numbers of programs and options."""
    held = rows.join(places, on="employee_number").with_columns(
        place=pl.concat_str("program", "plan_type", "option", separator="/")
    )
    options = _numbers_of("option", numbers).rename({"code": "place", "number": "option_id"})
    programs = _numbers_of("program", numbers).rename({"code": "program", "number": "program_id"})
    return held.join(options, on=["client_id", "place"], how="left").join(
        programs, on=["client_id", "program"], how="left"
    )


def _numbers_of(kind: str, numbers: Sequence[Numbers]) -> pl.DataFrame:
    rows = [
        (client, code, number)
        for client, one in enumerate(numbers, 1)
        for (what, code), number in one.own.items()
        if what == kind
    ]
    schema: dict[str, Any] = {"client_id": pl.Int32, "code": pl.String, "number": pl.Int32}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _in_force(coverage: pl.DataFrame) -> pl.DataFrame:
    amount = (pl.col("coverage_amount") * 100).cast(pl.Int64)
    return coverage.select(
        *("case", "plan_type", "program_id", "option_id"),
        slot=pl.lit(0, pl.Int16),
        kind=pl.when(pl.col("waived") == "Y").then(pl.lit("W")).otherwise(pl.lit("E")),
        coverage_cents=amount,
        requested_coverage_cents=amount,
        pledge_cents=(pl.col("annual_pledge") * 100).cast(pl.Int64),
        percent_thousandths=(pl.col("percent") * 1000).cast(pl.Int32),
        is_future=pl.lit(value=False),
        is_to_begin=pl.lit(value=False),
    ).sort("case", "plan_type")


def _approved(coverage: pl.DataFrame) -> pl.DataFrame:
    return (
        coverage.drop_nulls("approved_amount")
        .select("case", "plan_type", approved_cents=(pl.col("approved_amount") * 100).cast(pl.Int64))
        .sort("case", "plan_type")
    )
