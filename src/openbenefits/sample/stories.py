"""What happens to some of the people in 2026: a hire, a marriage, a birth, a move, a termination."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from openbenefits.sample.faults import OUTSIDE_NHP
from openbenefits.sample.people import conform, ssn_of
from openbenefits.sample.profiles import Profile

HIRED: Final = date(2026, 3, 2)
BORN: Final = date(2026, 4, 11)
MARRIED: Final = date(2026, 5, 16)
MOVED: Final = date(2026, 6, 15)
LAST_DAY: Final = date(2026, 7, 31)
DAY_AFTER: Final = date(2026, 8, 1)
REPORTED: Final = {BORN: date(2026, 4, 20), MARRIED: date(2026, 5, 26)}


@dataclass(frozen=True, kw_only=True)
class Stories:
    """New census rows, life events as reported, and who they happen to."""

    changes: pl.DataFrame
    life_events: pl.DataFrame
    cast: pl.DataFrame


def tell(clean: pl.DataFrame, dependents: pl.DataFrame, profile: Profile, count: int, spare: int) -> Stories:
    """Choose one person for each story among those nothing is unusual about.

    `count` is how many people the client has, `spare` the first number no SSN was made of.
    """
    has = dependents["employee_number"].implode()
    spouses = dependents.filter(pl.col("relationship") == "spouse")["employee_number"].implode()
    number, status = pl.col("employee_number"), pl.col("marital_status")
    chosen: dict[str, str] = {}

    def choose(story: str, *conditions: pl.Expr) -> pl.DataFrame:
        taken = list(chosen.values())
        one = clean.filter(~number.is_in(taken), *conditions).head(1)
        chosen.update((story, found) for found in one["employee_number"])
        return one

    mover = choose("move", pl.col("medical").str.starts_with("NHP"))
    bride = choose("marriage", status == "single", ~number.is_in(has))
    parent = choose("birth", number.is_in(spouses), pl.col("birth_date") > date(1980, 1, 1))
    leaver = choose("termination", number.is_in(spouses))
    model = choose("hire")
    chosen |= {"hire": f"{profile.prefix}{count + 1:06d}"} if model.height else {}
    changes = [
        _hire(model, profile, count, spare),
        _new_dependent(parent, dependents, "child", BORN, spare + 1),
        _new_dependent(bride, dependents, "spouse", MARRIED, spare + 2),
        _without_action(bride, MARRIED).with_columns(marital_status=pl.lit("married")),
        _without_action(mover, MOVED).with_columns(**_literals(OUTSIDE_NHP)),
        leaver.with_columns(
            action=pl.lit("TER"),
            job_status=pl.lit("T"),
            last_day_employed=pl.lit(LAST_DAY),
            effective_date=pl.lit(DAY_AFTER),
        ),
    ]
    days = {"hire": HIRED, "birth": BORN, "marriage": MARRIED, "move": MOVED, "termination": LAST_DAY}
    told = [(story, chosen[story], day) for story, day in days.items() if story in chosen]
    columns = {"story": pl.String, "employee_number": pl.String, "happened_on": pl.Date}
    cast = pl.DataFrame(told, schema=columns, orient="row")
    return Stories(
        changes=pl.concat([conform(frame) for frame in changes]), life_events=_life_events(cast), cast=cast
    )


def _without_action(person: pl.DataFrame, day: date) -> pl.DataFrame:
    """State a person anew from a day: what is said of the job is the same as before."""
    return person.with_columns(action=pl.lit(None, pl.String), effective_date=pl.lit(day))


def _hire(model: pl.DataFrame, profile: Profile, count: int, spare: int) -> pl.DataFrame:
    return model.with_columns(
        **_literals(
            {
                "employee_number": f"{profile.prefix}{count + 1:06d}",
                "first_name": "Robin",
                "last_name": "Newcomb",
                "ssn": ssn_of(spare),
                "birth_date": date(1996, 8, 14),
                "marital_status": "single",
                "hire_date": HIRED,
                "effective_date": HIRED,
                "email": f"robin.newcomb@{profile.code}.example",
            }
        )
    )


def _new_dependent(
    of: pl.DataFrame, dependents: pl.DataFrame, relationship: str, day: date, spare: int
) -> pl.DataFrame:
    known = dependents.group_by("employee_number").agg(known=pl.col("dependent_number").max())
    is_child = relationship == "child"
    values = {
        "record": "dependent",
        "relationship": relationship,
        "first_name": "Ada" if is_child else "Jordan",
        "birth_date": day if is_child else date(1990, 2, 3),
        "sex": "F",
        "smoker": "N",
        "student": "N",
        "disabled": "N",
        "married": "N" if is_child else "Y",
        "ssn": ssn_of(spare),
        "effective_date": day,
    }
    kept = ("employee_number", "last_name", "address", "city", "state", "zip")
    return (
        of.select(kept)
        .join(known, on="employee_number", how="left")
        .with_columns(**_literals(values), dependent_number=pl.col("known").fill_null(0) + 1)
    )


def _life_events(cast: pl.DataFrame) -> pl.DataFrame:
    classes = {"birth": "BIR", "marriage": "MAR"}
    return cast.filter(pl.col("story").is_in(list(classes))).select(
        "employee_number",
        event_class=pl.col("story").replace_strict(classes, return_dtype=pl.String),
        happened_on="happened_on",
        reported_on=pl.col("happened_on").replace_strict(REPORTED, default=None, return_dtype=pl.Date),
    )


def _literals(values: Mapping[str, object]) -> dict[str, pl.Expr]:
    return {name: pl.lit(value) for name, value in values.items()}
