"""Laws of 834s: written, read and written again is the same; a damaged file is read or refused, never a crash."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.carriers.enrollment.populations import HEADER, TOLD, brokers, members, populations
from tests.laws.test_kernel_agrees import IS_FUZZING

from openbenefits.carriers.enrollment.file import cut, file_of, in_families
from openbenefits.carriers.enrollment.reader import read_file
from openbenefits.carriers.enrollment.writer import write_file
from openbenefits.carriers.x12.reader import Delimiters, X12Refused
from openbenefits.carriers.x12.writer import Form, NotWritable

FOLDER = Path(__file__).parents[2] / "files" / "x12"
FILES = sorted(
    (one for one in FOLDER.iterdir() if one.is_file() and "834" in one.name and "999" not in one.name),
    key=str,
)
FORMS = (
    Form(),
    Form(line_end="\r\n", is_upper=False),
    Form(is_plain=False, delimiters=Delimiters(element="|", component=">", segment="'", repetition="!")),
    Form(delimiters=Delimiters(element="\x1d", component="<", segment="\n", repetition="%")),
)
slow = settings(
    max_examples=400 if IS_FUZZING else 15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@slow
@given(told=populations(), form=st.sampled_from(FORMS))
def test_written_read_and_written_again_is_the_same(told, form):
    header = replace(HEADER, brokers=(brokers,))
    first = write_file(file_of(header, told, **TOLD), form)
    reading = read_file(first)
    assert reading.delimiters == form.delimiters
    assert write_file(reading.file, form) == first
    assert {one.id for one in reading.faults} <= {"ZZZ"}


@slow
@given(told=populations())
def test_a_model_that_was_read_comes_back_whole(told):
    once = read_file(write_file(file_of(HEADER, told, **TOLD)))
    again = read_file(write_file(once.file, FORMS[1]))
    assert again.file == once.file


@slow
@given(form=st.sampled_from((FORMS[0], FORMS[1], FORMS[3])), told=members())
def test_the_form_of_a_file_changes_nothing_of_what_it_says(form, told):
    plain = read_file(write_file(file_of(HEADER, [told], **TOLD), Form())).file
    assert read_file(write_file(plain, replace(form, is_upper=False))).file == plain


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
@settings(max_examples=2000 if IS_FUZZING else 20)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_where_it_breaks(file, data):
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(
            st.sampled_from((b"", b"*", b"~", b":", b"HD*", b"\xff", b"9", b"~LX*1~", b"~NM1*IL~", b"\n"))
        )
        content[place : place + data.draw(st.integers(0, 9))] = piece
    try:
        reading = read_file(bytes(content))
    except X12Refused:
        return
    assert all(one.segment > 0 and one.said for one in reading.faults)
    with suppress(NotWritable):  # an element of ISA may have grown
        write_file(reading.file)


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=30), largest=st.integers(3, 8))
def test_no_family_is_cut_and_nobody_is_lost(sizes, largest):
    families = [list(range(size)) for size in sizes]
    parts = list(cut(families, largest))
    assert sum(map(len, parts)) == sum(sizes)
    assert all(part[0] == 0 for part in parts)
    assert all(len(part) <= largest or len(part) in sizes for part in parts)


@slow
@given(told=populations())
def test_a_subscriber_stands_before_his_dependents(told):
    for family in in_families(told[::-1]):
        assert [one.is_subscriber for one in family] == sorted(
            (one.is_subscriber for one in family), reverse=True
        )
        assert len({one.family for one in family}) == 1
