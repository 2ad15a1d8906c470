"""Age-outs, on a database: who passes which limit when, and which coverage code follows."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.programs.factories import DATED, make_client, make_peo

from openbenefits.reports.services import ReportRefused, Selection, make_report

NOW = datetime(2025, 1, 1, tzinfo=UTC)
BY = {"made_by": "test", "now": NOW}
BEGIN = date(2026, 1, 1)


def code(name: str, **persons: tuple[int, int]) -> dict[str, Any]:
    counts = {"EE": (1, 1)} | persons
    return {
        "code": name,
        "name": name,
        "persons": {kind: {"min": least, "max": most} for kind, (least, most) in counts.items()},
    }


CODES = [
    code("1"),
    code("2", SP=(1, 1)),
    code("3", CH=(1, 99)),
    code("4", SP=(1, 1), CH=(1, 99)),
]
RULES = [
    {**DATED, "code": "HEALTH", "age_limit": 26, "last_day": "month_end"},
    {**DATED, "code": "DENTAL", "age_limit": 19, "student_age_limit": 23},
    {**DATED, "code": "VISION", "age_limit": 25, "last_day": "year_end", "disabled_exempt": False},
]
RATES = {
    **DATED,
    "code": "tier",
    "keys": ["coverage_code"],
    "rates": [{"rate": 10, "coverage_code": one} for one in "1234"],
}


def plan_type(number: str, plan: str, rule: str) -> dict[str, Any]:
    return {
        "plan_type": number,
        "event_rule": "OTHER",
        "dependent_rule": rule,
        "options": [
            {
                "code": plan,
                "plan": plan,
                "coverage_codes": ["1", "2", "3", "4"],
                "deduction_code": "MED",
                "costs": [{"rate_table": "tier"}],
            }
        ],
    }


class Employer:
    """One client with medical (26, month end), dental (19, students 23) and vision (25, year end)."""

    def __init__(self, connection: Any, folder: Path) -> None:
        from openbenefits.programs import services as setup
        from openbenefits.workforce import services

        self.connection, self.workforce, self.setup = connection, services, setup

        def with_types(programs: list[Any]) -> None:
            programs[0]["plan_types"] = [
                plan_type("10", "HMO", "HEALTH"),
                plan_type("11", "DEN", "DENTAL"),
                plan_type("14", "VIS", "VISION"),
            ]

        self.set_up(folder / "peo", rules=RULES)
        self.client_id = services.add_client("acme", "Acme").pk
        acme = make_client(folder / "acme", programs=with_types)
        found = setup.apply(acme, client_id=self.client_id, applied_by="test", now=NOW).findings
        assert [one for one in found if one.severity == "E"] == []
        self.numbers = 1000

    def set_up(self, folder: Path, *, rules: list[dict[str, Any]]) -> None:
        plans = [
            {**DATED, "code": name, "plan_type": number, "name": name, "carrier": "Carrier"}
            for name, number in (("HMO", "10"), ("DEN", "11"), ("VIS", "14"), ("LIFE", "20"), ("FSA", "60"))
        ]

        def add_tables(tables: list[Any]) -> None:
            tables.append(RATES)

        peo = make_peo(
            folder, plans=plans, coverage_codes=CODES, dependent_rules=rules, rate_tables=add_tables
        )
        found = self.setup.apply(peo, client_id=self.setup.PEO, applied_by="test", now=NOW).findings
        assert [one for one in found if one.severity == "E"] == []

    def hire(self) -> int:
        self.numbers += 1
        return self.workforce.hire(
            self.client_id,
            employee_number=str(self.numbers),
            first_name="Ann",
            last_name="Moss",
            on=date(2015, 1, 1),
            job={"pay_group": "BW", "annual_pay_cents": 6_000_000, "company": "ACM"},
            person={"birth_on": date(1970, 1, 1)},
            address={"state": "MA", "postal_code": "01001"},
            **BY,
        ).person_id

    def dependent(self, person: int, kind: str, born: date | None, name: str = "Cal", **facts: Any) -> int:
        return self.workforce.add_dependent(
            self.client_id,
            person,
            on=date(2020, 1, 1),
            first_name=name,
            last_name="Moss",
            person_type=kind,
            dependent={"birth_on": born} | facts,
            **BY,
        ).dependent_id

    def covers(
        self, person: int, number: str, tier: str, *dependents: int, begins_on: date = BEGIN, kind: str = "E"
    ) -> None:
        from openbenefits.enrollment.models import Coverage, CoverageDependent
        from openbenefits.programs.models import SetupKey
        from openbenefits.store.bulk import copy_in, schema_of

        plan = {"10": "HMO", "11": "DEN", "14": "VIS"}[number]
        keys = SetupKey.objects.filter(client_id=self.client_id)
        key = {"client_id": self.client_id, "person_id": person, "benefit_record": 0, "slot": 0, "version": 1}
        key |= {"plan_type": number, "begins_on": begins_on}
        point = key | {
            "kind": kind,
            "basis": "eligible",
            "program_id": keys.get(kind="program", code="MAIN").pk,
            "option_id": keys.get(kind="option", code=f"MAIN/{number}/{plan}-{tier}").pk if tier else None,
            "rule": "test",
            "made_at": NOW,
        }
        for model, rows in (
            (Coverage, [point]),
            (CoverageDependent, [key | {"dependent_id": one} for one in dependents]),
        ):
            if rows:
                schema = {name: one for name, one in schema_of(model).items() if name in rows[0]}
                copy_in(self.connection, model._meta.db_table, pl.DataFrame(rows, schema=schema))

    def report(self, as_of: date, through: date, **selection: Any) -> Any:
        return make_report(self.connection, "age-outs", Selection(as_of=as_of, through=through, **selection))

    def found(self, as_of: date, through: date, *columns: str) -> list[tuple[Any, ...]]:
        return self.report(as_of, through).main.select(columns).rows()


@pytest.fixture
def employer(fresh_database: Any, tmp_path: Path) -> Employer:
    return Employer(fresh_database, tmp_path)


STUDENT = {"is_student": True, "student_through": date(2027, 12, 31)}
YEAR = (BEGIN, date(2026, 12, 31))


def test_each_plan_by_its_own_rule_and_end_convention(employer: Employer) -> None:
    ann = employer.hire()
    spouse = employer.dependent(ann, "SP", date(1950, 1, 1), "Ben")
    medical = employer.dependent(ann, "CH", date(2000, 5, 15))
    dental = employer.dependent(ann, "CH", date(2007, 5, 15), "Dot")
    student = employer.dependent(ann, "CH", date(2003, 7, 1), "Eve", **STUDENT)
    vision = employer.dependent(ann, "CH", date(2001, 3, 3), "Flo", is_disabled=True)
    employer.covers(ann, "10", "4", spouse, medical)
    employer.covers(ann, "11", "3", dental, student)
    employer.covers(ann, "14", "4", spouse, vision)
    columns = ("dependent_name", "plan", "dependent_rule", "limit", "limit_of", "last_covered_on")
    assert employer.found(*YEAR, *columns) == [
        ("Moss, Dot", "Dental", "DENTAL", 19, "everybody", date(2026, 5, 14)),
        ("Moss, Cal", "Medical", "HEALTH", 26, "everybody", date(2026, 5, 31)),
        ("Moss, Eve", "Dental", "DENTAL", 23, "students", date(2026, 6, 30)),
        ("Moss, Flo", "Vision", "VISION", 25, "everybody", date(2026, 12, 31)),
    ]
    tiers = ("dependent_name", "option_code", "coverage_code", "coverage_code_after", "state")
    assert employer.found(*YEAR, *tiers) == [
        ("Moss, Dot", "DEN-3", "3", "3", "to do"),  # Eve is left
        ("Moss, Cal", "HMO-4", "4", "2", "to do"),
        ("Moss, Eve", "DEN-3", "3", "1", "to do"),  # Dot has gone by then
        ("Moss, Flo", "VIS-4", "4", "2", "to do"),
    ]


@pytest.mark.parametrize(
    ("as_of", "through", "count"),
    [
        (date(2026, 5, 31), date(2026, 5, 31), 1),
        (date(2026, 4, 1), date(2026, 5, 30), 0),
        (date(2026, 6, 1), date(2026, 12, 31), 0),
    ],
)
def test_both_days_of_the_span_belong_to_it(
    employer: Employer, as_of: date, through: date, count: int
) -> None:
    ann = employer.hire()
    employer.covers(ann, "10", "3", employer.dependent(ann, "CH", date(2000, 5, 15)))
    report = employer.report(as_of, through)
    assert report.main.height == count
    past = report.sheets["Past the limit"]
    assert past["last_covered_on"].to_list() == ([date(2026, 5, 31)] if as_of > date(2026, 5, 31) else [])


def test_who_is_born_on_a_leap_day_is_a_year_older_on_the_first_of_march(employer: Employer) -> None:
    ann = employer.hire()
    employer.covers(ann, "11", "3", employer.dependent(ann, "CH", date(2008, 2, 29)))
    assert employer.found(BEGIN, date(2027, 12, 31), "last_covered_on") == [(date(2027, 2, 28),)]


def test_the_disabled_stay_and_who_has_no_birth_date_is_past_the_limit(employer: Employer) -> None:
    ann = employer.hire()
    disabled = employer.dependent(ann, "CH", date(2000, 5, 15), is_disabled=True)
    unknown = employer.dependent(ann, "CH", None, "Dot")
    former = employer.dependent(ann, "CH", date(2000, 5, 15), "Eve", is_former=True)
    employer.covers(ann, "10", "3", disabled, unknown, former)
    report = employer.report(*YEAR)
    assert report.main.is_empty()
    past = report.sheets["Past the limit"].select("dependent_name", "last_covered_on").rows()
    assert past == [("Moss, Dot", None)]


def test_what_the_timeline_says_already_is_shown_as_such(employer: Employer) -> None:
    ann, bob = employer.hire(), employer.hire()
    cal = employer.dependent(ann, "CH", date(2000, 5, 15))
    employer.covers(ann, "10", "3", cal)
    employer.covers(ann, "10", "1", begins_on=date(2026, 6, 1))
    dan = employer.dependent(bob, "CH", date(2000, 5, 15), "Dan")
    employer.covers(bob, "10", "3", dan)
    employer.covers(bob, "10", "", begins_on=date(2026, 6, 1), kind="T")
    gone = employer.dependent(bob, "CH", date(2007, 5, 15), "Eve")
    employer.covers(bob, "11", "3", gone)
    employer.covers(bob, "11", "1", begins_on=date(2026, 3, 1))
    assert employer.found(*YEAR, "employee_number", "coverage_code_after", "state") == [
        ("1001", "1", "in the timeline"),
        ("1002", None, "in the timeline"),
    ]


def test_the_limit_is_that_of_the_facts_of_its_day(employer: Employer) -> None:
    ann = employer.hire()
    student = employer.dependent(ann, "CH", date(2005, 7, 1), **STUDENT)
    employer.covers(ann, "11", "3", student)
    assert employer.found(*YEAR, "last_covered_on") == []
    employer.workforce.change_dependent(
        employer.client_id, student, on=date(2026, 6, 10), changes={"is_student": False}, **BY
    )
    assert employer.found(*YEAR, "limit", "last_covered_on") == [(19, date(2026, 6, 9))]


@pytest.mark.parametrize(
    ("through", "found"),
    [
        (date(2026, 6, 9), [(19, date(2026, 6, 9))]),
        (date(2026, 12, 31), [(19, date(2026, 12, 31))]),
        (date(2027, 1, 1), []),
    ],
)
def test_a_student_is_one_through_the_day_of_the_evidence(
    employer: Employer, through: date, found: list[tuple[Any, ...]]
) -> None:
    ann = employer.hire()
    student = employer.dependent(
        ann, "CH", date(2005, 7, 1), is_student=True, student_through=date(2026, 3, 1)
    )
    employer.workforce.change_dependent(
        employer.client_id, student, on=date(2026, 2, 1), changes={"student_through": through}, **BY
    )
    employer.covers(ann, "11", "3", student)
    assert employer.found(*YEAR, "limit", "last_covered_on") == found


def test_a_student_without_evidence_is_past_the_limit_of_everybody(employer: Employer) -> None:
    ann = employer.hire()
    employer.covers(ann, "11", "3", employer.dependent(ann, "CH", date(2005, 7, 1), is_student=True))
    past = employer.report(*YEAR).sheets["Past the limit"]
    assert past.select("limit", "last_covered_on").rows() == [(19, date(2024, 6, 30))]


def test_one_client_only_and_a_span_that_is_one(employer: Employer) -> None:
    ann = employer.hire()
    employer.covers(ann, "10", "3", employer.dependent(ann, "CH", date(2000, 5, 15)))
    other = employer.workforce.add_client("other", "Other")
    assert employer.report(*YEAR, client="acme").main.height == 1
    assert employer.report(*YEAR, client=other.code).main.is_empty()
    with pytest.raises(ReportRefused, match="--through"):
        make_report(employer.connection, "AGE-OUTS", Selection(as_of=BEGIN))
    with pytest.raises(ReportRefused, match="--through"):
        employer.report(date(2026, 2, 1), BEGIN)
