"""Limits of runs: one seeded fault per finding, and none where they are right."""

import pytest

from openbenefits.programs.audit import audit
from openbenefits.programs.reader import read

from .factories import make_client, make_peo

RIGHT = """run_limits:
- {code: L1, from: 2026-01-01, source: test, terminations: 0}
- {code: L2, from: 2026-01-01, source: test, schedule: OE26, dollars_per_pay: 1000.00}
- {code: L3, from: 2026-07-01, source: test, dropped_dependents: 5, events_of_an_import: 20}
second_person: {release: true, take_back: true, commit: true}
"""
FAULTS = {
    "empty_run_limit": RIGHT.replace(", terminations: 0", ""),
    "limit_schedule": RIGHT.replace("OE26", "OE99"),
    "repeated_run_limit": RIGHT.replace("2026-07-01", "2026-01-01"),
}


def codes(folder, text):
    peo = read(make_peo(folder / "peo"))
    make_client(folder / "client")
    (folder / "client" / "run_limits.yaml").write_text(text)
    reading = read(folder / "client")
    assert reading.findings == []
    return [(one.code, one.where.split("[")[0]) for one in audit(reading.bundle, peo.bundle)]


def test_right_limits_have_no_finding(tmp_path):
    assert codes(tmp_path, RIGHT) == []


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_is_one_finding(tmp_path, code):
    assert codes(tmp_path, FAULTS[code]) == [(code, "run_limits")]
