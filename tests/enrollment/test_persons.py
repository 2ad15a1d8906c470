"""The persons named in an election, against the coverage code chosen: too few, as many as fit, too many."""

from typing import Any

import polars as pl
import pytest
from tests.laws.kernel import ELECTIONS, Kernel
from tests.oracle.cases import load_cases

from openbenefits.enrollment.rules.elected import Elected
from openbenefits.enrollment.rules.validate import check_elections

SPOUSE, SAME_SEX, PARTNER = (
    {"id": 1, "person_type": "SP"},
    {"id": 2, "person_type": "SS"},
    {"id": 3, "person_type": "DP"},
)
CHILDREN = [{"id": 10 + n, "person_type": "CH", "birth_on": None, "is_disabled": True} for n in range(3)]
OTHERS = [{"id": 20 + n, "person_type": "NQ", "birth_on": None, "is_disabled": True} for n in range(3)]
EVERYBODY = [SPOUSE, SAME_SEX, PARTNER, *CHILDREN, *OTHERS]

FEW, MANY, FITS = "BA1306", "BA1307", None

CASES = [
    ("MED-1", [], FITS),
    ("MED-1", [SPOUSE], MANY),
    ("MED-1", OTHERS[:1], MANY),
    ("MED-2", [], FEW),
    ("MED-2", [SPOUSE], FITS),
    ("MED-2", [SAME_SEX], FEW),
    ("MED-2", [SPOUSE, CHILDREN[0]], MANY),
    ("MED-2", [SPOUSE, SAME_SEX], MANY),
    ("MED-3", [], FEW),
    ("MED-3", CHILDREN[:1], FITS),
    ("MED-3", CHILDREN, FITS),
    ("MED-3", OTHERS, FEW),
    ("MED-3", [SPOUSE, *CHILDREN], MANY),
    ("MED-4", [SPOUSE], FEW),
    ("MED-4", CHILDREN, FEW),
    ("MED-4", [SPOUSE, *CHILDREN], FITS),
    ("MED-4", [SPOUSE, PARTNER, *CHILDREN], MANY),
    ("MED-12", [], FEW),
    ("MED-12", [PARTNER], FITS),
    ("MED-12", [PARTNER, OTHERS[0]], MANY),
    ("MED-14", [PARTNER], FEW),
    ("MED-14", [PARTNER, *CHILDREN], FITS),
    ("MED-14", [PARTNER, *CHILDREN, OTHERS[0]], MANY),
    ("MED-22", [SPOUSE], FEW),
    ("MED-22", [SAME_SEX], FITS),
    ("MED-22", [SAME_SEX, PARTNER], MANY),
    ("MED-24", [SAME_SEX], FEW),
    ("MED-24", [SAME_SEX, *CHILDREN], FITS),
    ("MED-24", [SAME_SEX, SPOUSE, *CHILDREN], MANY),
    ("NQ-5", [], FEW),
    ("NQ-5", [PARTNER], FITS),
    ("NQ-5", [PARTNER, OTHERS[0]], MANY),
    ("NQ-6", [], FEW),
    ("NQ-6", OTHERS[:1], FITS),
    ("NQ-6", OTHERS, FITS),
    ("NQ-6", [PARTNER, *OTHERS], MANY),
    ("NQ-7", [PARTNER], FEW),
    ("NQ-7", OTHERS, FEW),
    ("NQ-7", [PARTNER, *OTHERS], FITS),
    ("NQ-7", [PARTNER, SPOUSE, *OTHERS], MANY),
]


@pytest.fixture(scope="module")
def prepared() -> dict[str, Any]:
    """A household of everybody, prepared with all codes of the reference table."""
    case = next(case for case in load_cases("persons.yaml") if "each code" in case.name)
    person = {**case.person, "dependents": EVERYBODY}
    kernel = Kernel(case.peo, [case.client], [person])
    situation = kernel.situation([(1, person)])
    return {"kernel": kernel, "situation": situation, "prepared": kernel.prepared([(1, person)])}


@pytest.mark.parametrize(("option", "named", "expected"), CASES)
def test_as_many_persons_as_the_code_covers(
    prepared: dict[str, Any], option: str, named: list[Any], expected: str | None
) -> None:
    messages = _checked(prepared, option, [one["id"] for one in named])

    found = messages.filter(pl.col("code").is_in([FEW, MANY]))["code"].to_list()
    assert expected in found if expected else found == []


def test_the_message_says_who_is_named(prepared: dict[str, Any]) -> None:
    messages = _checked(prepared, "MED-2", [2, 20])

    few = messages.filter(code=FEW).row(0, named=True)
    assert few["found"] == (
        "0 spouses, 0 partners, 0 children, 1 same-sex spouses, 1 non-qualified dependents"
    )


def _checked(given: dict[str, Any], option: str, dependents: list[int]) -> pl.DataFrame:
    kernel, situation = given["kernel"], given["situation"]
    plan_type = "10" if option.startswith("MED") else "15"
    empty = dict.fromkeys(ELECTIONS)
    election = {**empty, "case": 0, "plan_type": plan_type, "slot": 0, "option_code": option}
    election["option_id"] = kernel.numbers[1].own[("option", f"STD/{plan_type}/{option}")]
    members = [{"case": 0, "plan_type": plan_type, "dependent_id": number} for number in dependents]
    funds = pl.DataFrame(
        schema={"case": pl.Int32, "plan_type": pl.String, "fund": pl.String, "percent": pl.Int16}
    )
    schema = {"case": pl.Int32, "plan_type": pl.String, "dependent_id": pl.Int64}
    elected = Elected(
        elections=pl.DataFrame([election], schema=ELECTIONS),
        members=pl.DataFrame(members, schema=schema),
        funds=funds,
    )
    held = Elected(elections=elected.elections.clear(), members=elected.members.clear(), funds=funds)
    _, messages = check_elections(elected, held, situation, given["prepared"], kernel.rulebook)
    return messages
