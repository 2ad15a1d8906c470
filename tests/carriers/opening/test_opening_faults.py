"""Files a client cannot be opened with as they are: each fault at its place, what is good is shown all the same."""

import random
import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openbenefits.carriers.opening import (
    MappingRefused,
    OpeningRefused,
    of_partner,
    open_client,
    preview,
    read_mapping,
)
from openbenefits.carriers.opening.from_834 import read_834
from openbenefits.carriers.x12.reader import X12Refused
from openbenefits.enrollment.models import Coverage
from openbenefits.store.sheets import FileRefused
from openbenefits.workforce.census.comparing import Known
from openbenefits.workforce.models import JobFact, PersonFact

from .conftest import NOW, ON
from .held import points_of

X12 = Path(__file__).parents[2] / "files" / "x12"
REAL = [*sorted(X12.glob("*.834")), *sorted(X12.glob("pyx12-834_[d-l]*[a-z].txt"))]
ISA = "ISA*00*          *00*          *30*123456780      *ZZ*EVERY          *251002*0200*^*00501*000000001*0*T*:~"
HEAD = "GS*BE*123456780*EVERY*20251002*0200*1*X*005010X220A1~ST*834*0001*005010X220A1~"
BGN = "BGN*00*F1*20251002*0200****4~N1*P5*HARBOR*FI*234567891~N1*IN*EVERY*FI*876543219~"


def a_file(*segments, action="4"):
    body = BGN.replace("****4", f"****{action}") + "".join(f"{one}~" for one in segments)
    count = body.count("~") + 2
    return f"{ISA}{HEAD}{body}SE*{count}*0001~GE*1*1~IEA*1*000000001~".encode()


def subscriber(number="E1", *, last="Stone", born="19800102", ssn="", status="A", employment="FT", more=()):
    identified = f"**34*{ssn}" if ssn else ""
    return [
        f"INS*Y*18*030*XN*{status}***{employment}",
        f"REF*0F*{number}",
        *more,
        "DTP*336*D8*20200101",
        f"NM1*IL*1*{last}*Ann**{identified}".rstrip("*"),
        f"DMG*D8*{born}*F",
    ]


def dependent(number="E1", *, relation="19", first="Kim", born="20150102"):
    return [f"INS*N*{relation}*030*XN*A", f"REF*0F*{number}", f"NM1*IL*1*Stone*{first}", f"DMG*D8*{born}*F"]


def line(plan, tier="EMP", begin="20250101", end="", insurance="HLT"):
    found = [f"HD*030**{insurance}*{plan}*{tier}"]
    found += [f"DTP*348*D8*{begin}"] if begin else []
    return found + ([f"DTP*349*D8*{end}"] if end else [])


@pytest.fixture
def plan(two):
    return next(code for code, kind in two.plans if kind == "10")


def shown(two, *segments, action="4", **changes):
    mapping = two.mapping(**{"program_by": "", "program": "HARBOR-SAL"} | changes)
    return preview(
        two.connection, two.empty, a_file(*segments, action=action), "x.834", mapping, on=ON, now=NOW
    )


def codes(found, level="fault"):
    return set(found.findings.filter(level=level)["code"])


def test_faults_are_at_their_places(two, plan):
    child = line(plan, "ECH")
    cases = {
        "no family": [x for x in subscriber() if "0F" not in x] + line(plan),
        "no name": [x for x in subscriber() if not x.startswith("NM1")] + line(plan),
        "no number": subscriber("471140815", ssn="471140815") + line(plan),
        "no subscriber": [*dependent("E9"), *child],
        "two subscribers": subscriber() + line(plan) + subscriber(last="Other", born="19700101") + line(plan),
        "relationship": [*subscriber(), *child, *dependent(relation="26"), *child],
        "plan unknown": [*subscriber(), *line("GOLD")],
        "tier unknown": [*subscriber(), *line(plan, "E9D")],
        "no begin": [*subscriber(), *line(plan, begin="")],
        "twice covered": [*subscriber(), *line(plan), *line(plan, begin="20250301")],
        "no last day": [*subscriber(employment="TE"), *line(plan)],
        "facts": [*subscriber(born="20350101"), *line(plan)],
    }
    for code, segments in cases.items():
        told = shown(two, *segments)
        assert code in codes(told), (code, told.findings)
        assert told.counts["points"] == 0
        row = told.findings.filter(code=code, level="fault")["row"][0]
        assert 6 < row < 6 + len(segments) + 1
        assert "471140815" not in str(told.findings.to_dicts())
    good = [*subscriber("E2", last="Good"), *line(plan)]
    told = shown(two, *cases["plan unknown"], *good)
    assert (told.counts["points"], told.counts["new"]) == (1, 1)
    with pytest.raises(OpeningRefused, match=r"segment 1[0-9]: expected a plan the mapping knows"):
        opened(two, *cases["plan unknown"], *good)
    assert Known.load(two.empty).people.is_empty()
    done = opened(two, *cases["plan unknown"], *good, is_partial=True)
    assert done.preview.counts["points"] == 1
    assert Known.load(two.empty).people["employee_number"].to_list() == ["E2"]


def opened(two, *segments, is_partial=False, **changes):
    mapping = two.mapping(**{"program_by": "", "program": "HARBOR-SAL"} | changes)
    return open_client(
        two.connection,
        two.empty,
        a_file(*segments),
        "x.834",
        mapping,
        author="test",
        on=ON,
        now=NOW,
        is_partial=is_partial,
    )


def test_what_is_left_and_noted(two, plan):
    told = shown(
        two,
        *subscriber("E2", last="Over"), *line(plan, end="20250630"),
        *subscriber("E3", last="Ends"), *line(plan, end="20251231"),
        *subscriber("E4", last="Void"), *line(plan), *line("X", begin="20250501", end="20250430"),
        *subscriber("E5", last="Misfit"), *line(plan, end="20250630"), *line(plan, "FAM", begin="20250701"),
    )  # fmt: skip
    assert codes(told) == set()
    assert codes(told, "left") == {"ended", "line ended", "never in effect"}
    assert codes(told, "noted") == {"will end", "tier does not fit"}, told.findings
    states = dict(told.people.select("employee_number", "state").iter_rows())
    assert (states["E3"], states["E4"], states["E5"]) == ("new", "new", "new")
    assert told.counts["points"] == 4  # one of them says that coverage has ended


def test_a_file_of_changes_opens_nothing(two, plan):
    told = shown(two, *subscriber(), *line(plan), action="2")
    assert "full file" in told.refused
    assert told.counts["new"] == 1


def test_which_program_is_asked(two):
    told = shown(two, *subscriber(), *line("SAMPLE-VISION", insurance="VIS"), program="")
    assert codes(told) == {"which program"}
    assert "HARBOR-HRL, HARBOR-SAL" in told.faults["found"][0]


def test_history_of_a_family(two, plan):
    done = opened(
        two,
        *subscriber(), *line(plan, "EMP", end="20250630"), *line(plan, "ECH", begin="20250701"),
        *dependent(), *line(plan, "ECH", begin="20250701", end="20251130"),
        *dependent(first="Lee", born="20160203"), *line(plan, "ECH", begin="20250901"),
    )  # fmt: skip
    points = points_of(two.connection, two.empty).select("begins_on", "coverage_code", "names")
    assert points.rows() == [
        (date(2025, 7, 1), "3", ["KIM"]),
        (date(2025, 9, 1), "3", ["KIM", "LEE"]),
        (date(2025, 12, 1), "3", ["LEE"]),
    ]
    assert done.preview.counts["dependents"] == 2


def test_jobs_and_amounts_as_far_as_told(two):
    plans = [{"insurance": "HLT", "plan": "LIFE", "ours": "SAMPLE-SUPP-LIFE", "option": "2X"}]
    pay, volume = "ICM*4*5000.5*37.5", "AMT*D2*120000"
    person = subscriber(employment="PT", more=["REF*DX*D7"])
    person[-2] = "NM1*IL*1*Stone*Ann*Lou**Jr"
    person.insert(-1, "PER*IP**HP*6175550100*EM*ann@harbor.example")
    done = opened(
        two,
        *person, pay, *line("LIFE", ""), volume,
        plans=plans, tiers={}, amount_from="D2", identifiers={"department": "DX"}, cells={"company": "HFM"},
        values={"department": {"D7": "SALES"}},
    )  # fmt: skip
    assert done.preview.is_whole
    job = JobFact.objects.get(client_id=two.empty)
    assert (job.annual_pay_cents, job.weekly_hours_hundredths) == (60_006_00, 37_50)
    assert (job.department, job.company, job.full_part_time) == ("SALES", "HFM", "P")
    assert (job.action, job.valid_from) == ("HIR", date(2020, 1, 1))
    named = PersonFact.objects.get(client_id=two.empty)
    assert (named.middle_name, named.suffix) == ("Lou", "Jr")
    assert (named.phone, named.email) == ("6175550100", "ann@harbor.example")
    point = Coverage.objects.get(client_id=two.empty)
    assert (point.plan_type, point.coverage_cents) == ("21", 120_000_00)


def test_numbers_are_made_where_none_is_told(two, plan):
    made = opened(two, *subscriber("471140815", ssn="471140815"), *line(plan), number_prefix="C")
    assert made.preview.people["employee_number"].to_list() == ["C00001"]
    again = shown(
        two, *subscriber("S77", ssn="471140815"), *line(plan), employee_number=[], number_prefix="C"
    )
    assert again.people.select("employee_number", "state").rows() == [("C00001", "same")]
    other = shown(two, *subscriber("E7", ssn="471140815"), *line(plan))
    assert codes(other, "asked") == {"who is it"}
    assert other.counts["points"] == 0


def test_a_census_of_the_carrier(two, plan, tmp_path):
    table = {
        "columns": {
            "family": "Subscriber", "relationship": "Relation", "last_name": "Last", "first_name": "First",
            "birth_on": "Born", "hired_on": "Hired", "identifier:CLASS": "Class",
        },
        "lines": [
            {"insurance": "HLT", "plan": "Medical", "tier": "Med Tier", "begins_on": "Med From"},
            {"insurance": "DEN", "plan": "Dental", "tier": "Den Tier", "begins_on": "Den From"},
        ],
    }  # fmt: skip
    dental = next(code for code, kind in two.plans if kind == "11")
    rows = [
        "Subscriber,Relation,Last,First,Born,Hired,Class,Medical,Med Tier,Med From,Dental,Den Tier,Den From",
        f"E1,Member,Stone,Ann,1/2/1980,1/1/2020,S,{plan},ECH,1/1/2025,{dental},emp,2025-03-01",
        f"E1,Kid,Stone,Kim,1/2/2015,,,{plan},ECH,1/1/2025,,,",
        f"E2,Member,Hill,Bo,13/13/1980,1/1/2020,S,{plan},EMP,1/1/2025,,,",
    ]
    data = "\n".join(rows).encode()
    mapping = two.mapping(
        table=table,
        relationships={"Member": "self", "Kid": "child"},
        identifiers={"employee_class": "CLASS"},
        program_by="employee_class",
        programs={"S": "HARBOR-SAL"},
    )
    told = preview(two.connection, two.empty, data, "c.csv", mapping, on=ON, now=NOW)
    assert told.faults.select("row", "code", "found").rows() == [(4, "unreadable", "99/99/9999")]
    assert (told.counts["new"], told.counts["dependents"], told.counts["points"]) == (1, 1, 2)
    book = tmp_path / "c.xlsx"
    frame = pl.read_csv(data, infer_schema=False).filter(pl.col("Subscriber") == "E1")
    frame.write_excel(book)
    done = open_client(
        two.connection, two.empty, book.read_bytes(), "c.xlsx", mapping, author="test", on=ON, now=NOW
    )
    assert done.preview.is_whole
    points = points_of(two.connection, two.empty).select("plan", "coverage_code", "begins_on", "names")
    assert points.rows() == [
        (plan, "3", date(2025, 1, 1), ["KIM"]),
        (dental, "1", date(2025, 3, 1), None),
    ]
    with pytest.raises(FileRefused):
        preview(two.connection, two.empty, b"a,b\n1,2\n", "c.csv", mapping, on=ON, now=NOW)
    with pytest.raises(MappingRefused, match="table"):
        preview(two.connection, two.empty, data, "c.csv", two.mapping(), on=ON, now=NOW)


def test_mappings_are_refused_with_what_to_change():
    with pytest.raises(MappingRefused, match="columns of a census"):
        read_mapping({"name": "x", "plans": [], "cells": {"nothing": "1"}})
    with pytest.raises(MappingRefused, match="program_by"):
        read_mapping({"name": "x", "plans": [], "program_by": "department"})
    with pytest.raises(MappingRefused, match="family"):
        read_mapping({"name": "x", "plans": [], "table": {"columns": {"last_name": "L", "first_name": "F"}}})
    assert of_partner is not None


def test_real_files_are_previewed(two):
    assert len(REAL) == 9
    for file in REAL:
        told = preview(two.connection, two.empty, file.read_bytes(), file.name, two.mapping(), on=ON, now=NOW)
        assert "full file" in told.refused
        assert told.counts["members"] == told.people.height >= 1
        assert told.findings.filter(pl.col("row").is_null()).is_empty()


def test_of_a_file_altered_nobody_is_lost(two, plan):
    data = a_file(*subscriber(), *line(plan, "ECH"), *dependent(), *line(plan, "ECH", begin="20250301"))
    dice, refused, told_of = random.Random(7), [], 0
    for _ in range(8):
        broken = bytearray(data)
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(ISA), len(broken))
            broken[at] = dice.choice(b"*~:^ 09AZ\xff\n")
        try:
            told = preview(two.connection, two.empty, bytes(broken), "m.834", two.mapping(), on=ON, now=NOW)
        except X12Refused as fault:
            refused.append(str(fault))
            continue
        told_of += 1
        everybody_is_told_of(bytes(broken), told)
    assert refused
    assert told_of
    assert all(re.search(r"segment \d+: |expected ", one) for one in refused)


def everybody_is_told_of(data, told):
    """Each INS of the bytes is a person shown, or is left out by a finding at it; who is not taken has a finding."""
    stated = [at for at, one in enumerate(data.split(b"~"), start=1) if one.strip().startswith(b"INS*")]
    located = set(told.findings["row"])
    assert set(stated) <= set(told.people["row"]) | located
    assert told.counts["members"] == len(stated) == 2 or located
    assert told.findings.filter(pl.col("row").is_null()).is_empty()
    untaken = told.people.filter(pl.col("state").is_in(["fault", "asked", "left"]))
    assert untaken.is_empty() or located


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300))
def test_reading_anything_is_refused_or_told(tail):
    data = a_file(*subscriber(), *line("P")) + tail
    try:
        told = read_834("x", data[: len(data) - len(tail) // 2])
    except X12Refused:
        return
    assert told.people.height >= 1
