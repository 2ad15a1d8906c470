"""834s from elsewhere: read without a fault, written back byte for byte, judged by the guide and our rules."""

from dataclasses import replace

import pytest
from tests.carriers.enrollment.test_laws import FILES

from openbenefits.carriers.conformance import findings_of
from openbenefits.carriers.enrollment.explain import words_of
from openbenefits.carriers.enrollment.reader import read_file
from openbenefits.carriers.enrollment.rules import broken_rules
from openbenefits.carriers.enrollment.writer import write_file
from openbenefits.carriers.x12.writer import Form

JUDGED = {
    "lfh-add-dependent": "subscriber_first",
    "lfh-cancel-dependent": "subscriber_first",
    "lfh-enroll-employee-multiple-products": "",
    "lfh-reinstate-employee": "",
    "lfh-terminate-subscriber-eligibility": "subscriber_is_self",
    "pyx12-834_deident_family": "ssn subscriber_first",  # dependents have subscriber numbers of their own
    "pyx12-834_deident_new_enroll": "ssn",
    "pyx12-834_deident_term": "ssn",
    "pyx12-834_ls_le_ls": "ssn",
}
TOLD = {
    "lfh-add-dependent": "dependent (child), add, active: HLT add from 1996-06-01",
    "lfh-cancel-dependent": "dependent (child), end, termination of benefits: no line",
    "lfh-enroll-employee-multiple-products": "subscriber, add, active: HLT add from 1996-06-01; VIS add from 1996-06-01",
    "lfh-reinstate-employee": "subscriber, reinstate, active: no line",
    "lfh-terminate-subscriber-eligibility": "subscriber (child), end, termination of employment: no line",
    "pyx12-834_deident_family": "subscriber, add, notification only: PPO FAM add from 2026-04-01",
    "pyx12-834_deident_new_enroll": "subscriber, add, notification only: HMO EMP add from 2026-04-01",
    "pyx12-834_deident_term": "subscriber, end, notification only: PPO EMP end through 2026-03-31",
    "pyx12-834_ls_le_ls": "subscriber, change, AI, identity corrected: HMO “12345678902012062020130415N” IND change from 2012-09-01; 13 reporting categories",
}


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_a_real_file_is_read_told_and_judged(file):
    data = file.read_bytes()
    reading = read_file(data)
    assert reading.faults == ()
    assert words_of(reading.file.sets[0].members[0]) == TOLD[file.stem]
    assert findings_of(data) == []
    assert " ".join(sorted({one.rule for one in broken_rules(reading.file)})) == JUDGED[file.stem]


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_a_real_file_is_written_back_byte_for_byte(file):
    reading = read_file(file.read_bytes())
    form = Form(delimiters=reading.delimiters, line_end="\n")
    assert write_file(reading.file, form).strip() == file.read_bytes().strip()


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_marks_line_ends_and_delimiters_do_not_matter(file):
    plain = read_file(file.read_bytes())
    form = Form(
        line_end="\r\n", delimiters=replace(plain.delimiters, element="|", component="<", repetition="%")
    )
    assert read_file(b"\xef\xbb\xbf" + write_file(plain.file, form)).file == plain.file


def test_several_sets_are_read():
    one = read_file(FILES[0].read_bytes()).file
    group = one.groups[0]
    two = replace(
        one, groups=(replace(group, sets=(group.sets[0], replace(group.sets[0], control_number="0002"))),)
    )
    assert read_file(write_file(two)).file == two
    assert findings_of(write_file(two)) == []
