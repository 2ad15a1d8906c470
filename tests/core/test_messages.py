"""The catalogue of messages against the list of event-processing §13.3, and against the tests there are."""

from pathlib import Path

import pytest

from openbenefits.core.messages import CATALOGUE

TESTS = Path(__file__).parents[1]

LISTED = (
    *(f"BA100{number}" for number in range(1, 8)),
    *(f"BA110{number}" for number in range(1, 5)),
    *(f"BA12{number:02}" for number in range(1, 11)),
    *(f"BA13{number:02}" for number in range(1, 27)),
)

SAID_OTHERWISE = {
    "BA1104": "a rule that does not hold on the day is undecided: BA1105 for programs, BA1211 for options",
    "BA1204": "a deduction code that does not exist is a finding of the audit of set-up, `unknown_code`",
    "BA1208": "credits without an earnings code are refused when a bundle is read",
}
"""What of the list has no code of its own, and where it is said."""


@pytest.mark.parametrize("code", LISTED)
def test_what_the_reference_lists_is_in_the_catalogue_or_said_otherwise(code):
    assert (code in CATALOGUE) != (code in SAID_OTHERWISE)


NO_EVIDENCE = ("test_messages.py", "test_values_have_rows.py")


@pytest.fixture(scope="module")
def texts():
    files = [*TESTS.rglob("*.py"), *TESTS.rglob("*.yaml"), *(TESTS.parent / "scenarios").rglob("*.yaml")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path.name not in NO_EVIDENCE)


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_test_or_table_expects_it(code, texts):
    assert code in texts, f"no test raises {code}"
