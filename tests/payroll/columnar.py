"""The columnar projection in the words of the scalar oracle: one person, one plan type, documents in."""

from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import msgspec
import polars as pl
from tests.laws.kernel import JOBS, jobs_of
from tests.laws.situations import job_history_rows, price_decision_rows
from tests.oracle.deductions import person_on
from tests.oracle.documents import as_written
from tests.oracle.rows import Row

from openbenefits.payroll.rules import Known, fact_days, owed_lines
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.loaded import LoadedBundle, load
from openbenefits.programs.rulebook import compile_rulebook
from openbenefits.rating.rules.bases import BENEFIT_BASES, JOB_HISTORY, base_pay
from openbenefits.rating.rules.decided import PRICE_DECISIONS
from openbenefits.rating.rules.price_days import PAY_HISTORY

OWNER = {"client_id": 1, "person_id": 1, "benefit_record": 0}
OWNER_TYPES = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}
POINT_TYPES = OWNER_TYPES | {
    "plan_type": pl.String,
    "slot": pl.Int16,
    "begins_on": pl.Date,
    "kind": pl.String,
    "program_id": pl.Int32,
    "option_id": pl.Int32,
    "coverage_cents": pl.Int64,
    "requested_coverage_cents": pl.Int64,
    "pledge_cents": pl.Int64,
    "percent_thousandths": pl.Int32,
    "after_tax_thousandths": pl.Int32,
    "deduction_begins_on": pl.Date,
    "event_on": pl.Date,
}
FACT_TYPES = {
    "birth_on": pl.Date,
    "sex": pl.String,
    "is_smoker": pl.Boolean,
    "postal_code": pl.String,
    "service_on": pl.Date,
    "pay_group": pl.String,
    "company": pl.String,
    "location": pl.String,
    "annual_pay_cents": pl.Int64,
}
DEPENDENT_TYPES = {
    "case": pl.Int32,
    "person_id": pl.Int64,
    "dependent_id": pl.Int64,
    "number": pl.Int16,
    "person_type": pl.String,
    "birth_on": pl.Date,
    "sex": pl.String,
    "is_smoker": pl.Boolean,
    "is_student": pl.Boolean,
    "student_through": pl.Date,
    "is_disabled": pl.Boolean,
    "is_married": pl.Boolean,
    "is_former": pl.Boolean,
}


class Projection:
    """A set-up, and what somebody owes under it."""

    def __init__(self, peo: Row, client: Row) -> None:
        from openbenefits.programs.unsaved import unsaved_tables

        tables, (_, numbers) = unsaved_tables(loaded(peo, PeoBundle), [loaded(client, ClientBundle)])
        self.tables, self.numbers = tables, numbers
        self.rulebook = compile_rulebook(tables)

    def owed(self, person: Row, points: list[Row], begin: date, through: date) -> pl.DataFrame:
        return owed_lines(
            self.known(person, points, begin, through), self.rulebook, begin=begin, through=through
        )

    def with_given(self, known: Known, given: pl.DataFrame) -> Known:
        """Add what settled events say of general credits and deductions."""
        return replace(known, given=given)

    def known(self, person: Row, points: list[Row], begin: date, through: date) -> Known:
        frame = self.points(points)
        groups = [person, *(person.get("changes") or [])]
        codes = {(one.get("job") or {}).get("pay_group") for one in groups} - {None}
        known_groups = pl.DataFrame(
            [OWNER | {"pay_group": code} for code in codes], schema=OWNER_TYPES | {"pay_group": pl.String}
        )
        days = fact_days(frame, known_groups, self.rulebook, begin=begin, through=through)
        persons = {case: person_on(person, day) for case, day in days.select("case", "as_of").iter_rows()}
        history = pl.DataFrame(
            [{"case": case, **one} for case in persons for one in persons[case].get("pay_history") or []],
            schema=PAY_HISTORY,
        )
        return Known(
            points=frame,
            members=self.members(points, person),
            facts=days.hstack(pl.DataFrame([facts(one) for one in persons.values()], schema=FACT_TYPES)),
            dependents=dependents(persons),
            pay_history=history,
            bases=self.bases(days, persons, history),
            price_decisions=self.decisions(person),
        )

    def decisions(self, person: Row) -> pl.DataFrame:
        def number_of(place: str) -> int:
            return self.numbers.maybe("option", place) or -1

        rows = [OWNER | one for one in price_decision_rows(person, number_of)]
        types = {name: kind for name, kind in PRICE_DECISIONS.items() if name != "case"}
        return pl.DataFrame(rows, schema=OWNER_TYPES | types)

    def bases(
        self, days: pl.DataFrame, persons: dict[int, Row], history: pl.DataFrame
    ) -> pl.DataFrame | None:
        """What formulas take coverage from beside the pay of the day."""
        jobs = [row for case, person in persons.items() for row in jobs_of(case, person)]
        stated = [
            {"case": case, **one} for case in persons for one in persons[case].get("benefit_bases") or []
        ]
        by_day = [row for case, person in persons.items() for row in job_history_rows(case, person)]
        return base_pay(
            days.select("case", on="as_of"),
            pl.DataFrame(jobs, schema=JOBS),
            history,
            pl.DataFrame(stated, schema=BENEFIT_BASES),
            self.rulebook,
            pl.DataFrame(by_day, schema=JOB_HISTORY),
        )

    def points(self, points: list[Row]) -> pl.DataFrame:
        rows = []
        for point in points:
            option = f"{point['program']}/{point['plan_type']}/{point['option']}"
            ids = {
                "program_id": self.numbers.of("program", point["program"]),
                "option_id": self.numbers.maybe("option", option if point["option"] else None),
            }
            rows.append(
                OWNER | {"slot": 0} | {name: point.get(name) for name in POINT_TYPES if name in point} | ids
            )
        return pl.DataFrame(rows, schema=POINT_TYPES)

    def members(self, points: list[Row], person: Row) -> pl.DataFrame:
        """The dependents points name; all there are where they name none."""
        everybody = [one["id"] for one in person.get("dependents") or []]
        for change in person.get("changes") or []:
            everybody += [one["id"] for one in change.get("dependents") or []]
        named = [(point, point.get("dependents")) for point in points]
        rows = [
            OWNER
            | {
                "plan_type": point["plan_type"],
                "slot": 0,
                "begins_on": point["begins_on"],
                "dependent_id": one,
            }
            for point, ids in named
            for one in (set(everybody) if ids is None else ids)
        ]
        schema = {name: POINT_TYPES[name] for name in (*OWNER_TYPES, "plan_type", "slot", "begins_on")}
        return pl.DataFrame(rows, schema=schema | {"dependent_id": pl.Int64})


def loaded(document: Row, kind: type[Any]) -> LoadedBundle:
    written, files = as_written(document)
    bundle, findings = load(msgspec.convert(written, kind), files, {})
    assert findings == []
    return bundle


def facts(person: Row) -> Row:
    job = person.get("job") or {}
    return {
        "birth_on": person.get("birth_on"),
        "sex": person.get("sex"),
        "is_smoker": person.get("is_smoker"),
        "postal_code": person.get("zip"),
        "service_on": person.get("service_on"),
        "pay_group": job.get("pay_group"),
        "company": job.get("company"),
        "location": job.get("location"),
        "annual_pay_cents": job.get("annual_pay_cents"),
    }


def dependents(persons: dict[int, Row]) -> pl.DataFrame:
    flags = dict.fromkeys(("is_student", "is_disabled", "is_married", "is_former"), False)
    rows = [
        {"case": case, "person_id": 1, "number": 1, "dependent_id": one["id"]}
        | {name: one.get(name) for name in ("person_type", "birth_on", "sex", "is_smoker", "student_through")}
        | {name: bool(one.get(name)) for name in flags}
        for case, person in persons.items()
        for one in person.get("dependents") or []
    ]
    return pl.DataFrame(rows, schema=DEPENDENT_TYPES)


def taken(lines: pl.DataFrame) -> pl.DataFrame:
    """The deductions, without the lines that only tell of an end."""
    return lines.filter(pl.col("kind") == "deduction", pl.col("cause") != "ends")


def compared(lines: pl.DataFrame) -> pl.DataFrame:
    """What the oracle lists, too: deductions and hours sold, that after tax first; tax in its words."""
    taxes = pl.col("tax_class").replace({"B": "before", "A": "after"})
    listed = lines.filter(pl.col("kind") != "credit", pl.col("cause") != "ends")
    return listed.with_columns(tax=taxes).sort("ends_on", "tax", maintain_order=True)


@cache
def base() -> tuple[Row, Row, Row]:
    from tests.oracle.cases import read_yaml

    document = read_yaml("base.yaml")
    return document["peo"], document["client"], document["person"]
