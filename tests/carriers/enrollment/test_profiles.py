"""Profiles as data: the same family to carriers that want it differently, byte for byte."""

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import msgspec
import pytest

import openbenefits.carriers.enrollment as enrollment
from openbenefits.carriers.conformance import findings_of
from openbenefits.carriers.enrollment.arrange import Told, arrange, enrollment_file
from openbenefits.carriers.enrollment.coverage import Coverage, Line
from openbenefits.carriers.enrollment.file import Controls
from openbenefits.carriers.enrollment.member import Member, Standing
from openbenefits.carriers.enrollment.person import (
    City,
    Contact,
    Demographics,
    Name,
    Party,
    Person,
    Street,
    insured,
)
from openbenefits.carriers.enrollment.profile import (
    ProfileRefused,
    json_schema,
    read_profile,
    read_profile_file,
)
from openbenefits.carriers.enrollment.reader import read_file
from openbenefits.carriers.enrollment.rules import broken_rules
from openbenefits.carriers.enrollment.statements import Amount, Dated
from openbenefits.carriers.enrollment.writer import write_file

GOLDEN = Path(__file__).parents[1] / "golden"
PROFILES = sorted((Path(enrollment.__file__).parent / "profiles").glob("*.yaml"))
SCHEMA = Path(__file__).parents[3] / "docs" / "schema" / "carrier-profile.schema.json"
VALUES = {"employee_number": "E100", "group": "G-4711", "department": "00123", "policy": "P-99"}
BEGIN, END = date(2027, 1, 1), date(2027, 3, 31)


def family(plan, action, reason, *, status="A"):
    def line(tier):
        days = (Dated(kind="348", on=BEGIN),)
        told = Line(action=action, insurance=plan, tier=tier)
        return Coverage(line=told, dates=days, amounts=(Amount(kind="P3", cents=2310),))

    def person(ssn, first, born):
        return Person(
            name=insured("Muñoz-Groß", first, ssn=ssn),
            contact=Contact(role="IP", kind_1="HP", number_1="2085550100"),
            street=Street(line_1="100 Main St. * Apt ~2"),
            city=City(city="Boise", state="ID", zip="83702"),
            demographics=Demographics(born_on=born, gender="F"),
        )

    event = "5" if status == "C" else ""
    standing = Standing(action=action, reason=reason, benefit_status=status, cobra_event=event)
    employee = Member(
        standing=replace(standing, subscriber="Y", relationship="18", employment="FT"),
        dates=(Dated(kind="336", on=date(2020, 5, 4)),),
        person=person("123-45-6789", "José", date(1980, 5, 15)),
        parties=(
            Party(
                name=Name(role="31"), street=Street(line_1="PO Box 7"), city=City(city="Boise", state="ID")
            ),
        ),
        coverages=(line("EC"),),
    )
    newborn = Member(
        standing=replace(standing, subscriber="N", relationship="19"),
        person=person("", "Zoë", date(2026, 12, 20)),
        coverages=(line("EC"),),
    )
    return [Told(member=one, values=VALUES) for one in (newborn, employee)]


def single(plan, action):
    told = Standing(
        subscriber="Y", relationship="18", action=action, benefit_status="C", cobra_event="5", employment="TE"
    )
    days = (Dated(kind="348", on=BEGIN), Dated(kind="349", on=END))
    member = Member(
        standing=told,
        person=Person(name=insured("Solo", "Han", ssn="234567890")),
        coverages=(Coverage(line=Line(action=action, insurance=plan, tier="EE"), dates=days),),
    )
    return [Told(member=member, values=VALUES | {"employee_number": "E200"})]


def people_for(profile):
    plan = min(profile.plans)
    action, reason = ("021", "28") if profile.action == "2" else ("030", "XN")
    return family(plan, action, reason) + single(plan, action)


@pytest.mark.parametrize("file", PROFILES, ids=lambda one: one.stem)
def test_a_carrier_gets_its_file_byte_for_byte(file):
    profile = read_profile_file(file)
    controls = Controls(interchange=41, group=41)
    told = enrollment_file(
        people_for(profile),
        profile,
        reference="F41",
        controls=controls,
        at=datetime(2026, 12, 1, 2, 0),
        values=VALUES,
    )
    data = write_file(told, profile.form)
    assert data == (GOLDEN / f"{file.stem}.834").read_bytes()
    assert findings_of(data) == []
    assert broken_rules(told, profile.leniency) == []
    assert read_file(data).faults == ()
    assert profile.name == file.stem


def segments(name):
    return (GOLDEN / f"{name}.834").read_text().replace("\n", "").split("~")


def test_what_is_documented_of_each_carrier_is_in_its_file():
    dental, vision = segments("dental_idaho"), segments("vision_full")
    assert not any(one.startswith(("REF*38", "DTP*007")) for one in dental)
    assert "N1*TV*OPEN PEO*FI*123456780" in dental
    assert dental.count("REF*1L*G-4711") == sum(one.startswith("INS") for one in dental) == 3
    assert "HD*021**DEN*DENTAL HIGH PLAN*ECH" in dental
    assert (
        "INS*Y*18*030**A***FT" in vision,
        "HD*030**VIS*G-4711*ECH" in vision,
        "HD*030**VIS*G-4711" in vision,
    ) == (True,) * 3
    assert vision.index("REF*1L*G-4711") > vision.index("HD*030**VIS*G-4711*ECH")
    first, second = segments("state_vision"), segments("state_vision_other")
    assert ("HD*030**VIS**IND" in first, "HD*030**VIS**EMP" in second) == (True, True)
    assert ("REF*38*P-99" in first, "REF*38*P-99" in second) == (True, False)
    assert ("REF*DX*00123" in first, "REF*DX*00999" in first, "INS*Y*18*030*XN*C**1*TE" in first) == (
        True,
    ) * 3
    assert b"~\r\n" in (GOLDEN / "state_vision.834").read_bytes()


def replace_struct(profile, **changes):
    return msgspec.structs.replace(profile, **changes)


def test_what_a_profile_lacks_is_said():
    profile = read_profile_file(PROFILES[0])
    plan = min(profile.plans)
    with pytest.raises(ProfileRefused, match="plan LIFE has no code"):
        arrange(single("LIFE", "021")[0], profile)
    with pytest.raises(ProfileRefused, match="coverage code EE has no tier"):
        arrange(single(plan, "021")[0], replace_struct(profile, tiers={}))
    with pytest.raises(ProfileRefused, match="a value named group"):
        arrange(replace(single(plan, "021")[0], values={"employee_number": "1"}), profile)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('action: "2"', 'action: "3"', "action"),
        ("line_end: lf", "line_ends: lf", "line_ends"),
        ("insurance: DEN", "insurance: DENTAL", "insurance"),
        ("line_end: lf", 'marks: {element: "A"}', "delimiters"),
        ("line_end: lf", "line_end: [", "profile"),
        ('qualifier: "30"', 'qualifier: "31"', "qualifier"),
    ],
)
def test_a_wrong_profile_is_refused(old, new, said):
    text = PROFILES[0].read_text()
    assert old in text
    with pytest.raises(ProfileRefused, match=said):
        read_profile(text.replace(old, new, 1))


def test_the_published_schema_is_that_of_the_code():
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(json_schema()))
