"""General deductions on paper and in explanations: who has one reads what it costs, who has none reads nothing."""

from datetime import UTC, date, datetime

import pytest
from tests.programs.factories import DATED

from openbenefits.programs.models import Schedule
from openbenefits.reports import services

from .test_explain import hired_newcomer, page
from .test_statements import text_of

FEES = [
    {"code": "FEE", "name": "Association fee", "deduction_code": "FEE", "rate_table": "fee"},
    {"code": "GYM", "name": "Gym of those under 41", "deduction_code": "FEE", "rate_table": "fee"},
]
PEO = {
    "rate_tables": lambda tables: tables.append(
        {**DATED, "code": "fee", "keys": [], "rates": [{"rate": 26}]}
    ),
    "deduction_codes": lambda codes: codes.append({"code": "FEE", "name": "Fee", "tax": "after"}),
}
ON = date(2026, 3, 4)
NOW = datetime(2026, 3, 4, 9, tzinfo=UTC)


def newcomer(database, tmp_path, *, is_finalizing):
    """Hire Ann, of 41 years, into a program that charges everybody a fee, and those under 41 a gym."""
    young = {**DATED, "code": "YOUNG", "name": "Under 41", "criteria": [{"field": "age_years", "max": 40}]}
    return hired_newcomer(
        database,
        tmp_path,
        peo=PEO,
        program={"deductions": [FEES[0], FEES[1] | {"eligibility": "YOUNG"}]},
        eligibility_rules=lambda rules: rules.append(young),
        is_finalizing=is_finalizing,
    )


def letter(database, client_id, make, tmp_path):
    schedule = Schedule.objects.get(client_id=client_id, code="EM").schedule_id
    (file,) = make(database, schedule, folder=tmp_path / "letters", on=ON, now=NOW).files
    return text_of(file)


def test_a_statement_says_what_the_program_costs(fresh_database, tmp_path):
    client_id, _ = newcomer(fresh_database, tmp_path, is_finalizing=False)
    said = letter(fresh_database, client_id, services.issue_enrollment_statements, tmp_path)
    costs = said[said.index("What your program costs you") :]
    assert "Association fee" in costs
    assert "$12.00" in costs  # 26 a month, in 26 pays
    assert "Gym" not in said


def test_a_confirmation_counts_it_in(fresh_database, tmp_path):
    client_id, _ = newcomer(fresh_database, tmp_path, is_finalizing=True)
    said = letter(fresh_database, client_id, services.issue_confirmations, tmp_path)
    assert "Association fee" in said
    assert "$12.00" in said
    assert "$31.03" in said  # medical, by default
    assert "Taken from each pay: $31.49" in said  # 31.03 + 12.00 - 11.54 of credit
    assert "Gym" not in said


@pytest.mark.parametrize("is_finalizing", [False, True])
def test_an_explanation_tells_price_and_who_has_it(fresh_database, tmp_path, is_finalizing):
    person = newcomer(fresh_database, tmp_path, is_finalizing=is_finalizing)
    said = " ".join(page(fresh_database, person, plan_type="01").split())
    assert "FEE (Association fee), $12.00 per pay: taken from everybody in the program" in said
    assert "rate table fee of 2026-01-01" in said
    assert "$26.00 a month × 12 = $312.00 a year ÷ 26 pays in 2026 = $12.00 per pay" in said
    assert "GYM: not offered: rule YOUNG is not met: completed years on the event date: 41" in said
    assert "everything stored agrees to the cent and the day" in said
