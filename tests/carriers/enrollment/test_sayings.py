"""What a carrier is to be told, as a model and as segments; each as a file that the guide and our rules take.

The subscriber of a change is sent first, as context, where only a dependent changes.
"""

from dataclasses import replace
from datetime import date

import pytest
from tests.carriers.enrollment.populations import HEADER, TOLD

from openbenefits.carriers.conformance import findings_of
from openbenefits.carriers.enrollment.coverage import Coverage, Line, Provider, ProviderChange
from openbenefits.carriers.enrollment.file import file_of
from openbenefits.carriers.enrollment.member import Disability, DisabilityLoop, Member, Standing
from openbenefits.carriers.enrollment.person import Demographics, Name, Person, WrongIdentity, insured
from openbenefits.carriers.enrollment.reader import read_file
from openbenefits.carriers.enrollment.rules import Leniency, broken_rules
from openbenefits.carriers.enrollment.statements import Dated, Reference
from openbenefits.carriers.enrollment.writer import write_file

BEGIN, LAST = date(2027, 1, 1), date(2027, 3, 31)
NEXT = date(2027, 4, 1)


def day(kind, on):
    return Dated(kind=kind, on=on)


def line(action, insurance="HLT", *dates, plan="PPO1", tier="ESP"):
    return Coverage(line=Line(action=action, insurance=insurance, plan=plan, tier=tier), dates=dates)


def subscriber(action, reason, *coverages, dates=(), status="A", event="", employment="FT", family="E1"):
    standing = Standing(
        subscriber="Y",
        relationship="18",
        action=action,
        reason=reason,
        benefit_status=status,
        cobra_event=event,
        employment=employment,
    )
    return Member(
        standing=standing,
        references=(Reference(kind="0F", value=family),),
        dates=dates,
        person=Person(
            name=insured("Doe", "Jane", ssn="123456789"),
            demographics=Demographics(born_on=date(1980, 5, 15), gender="F"),
        ),
        coverages=coverages,
    )


def dependent(
    relationship, action, reason, *coverages, first="Ada", ssn="", dates=(), born=date(2027, 1, 1), **more
):
    standing = Standing(
        subscriber="N", relationship=relationship, action=action, reason=reason, benefit_status="A", **more
    )
    return Member(
        standing=standing,
        references=(Reference(kind="0F", value="E1"),),
        dates=dates,
        person=Person(
            name=insured("Doe", first, ssn=ssn), demographics=Demographics(born_on=born, gender="F")
        ),
        coverages=coverages,
    )


CONTEXT = subscriber("001", "20")
ADDED, ENDED = line("021", "HLT", day("348", BEGIN)), line("024", "HLT", day("349", LAST))


def corrected(ssn, was):
    told = subscriber("001", "25")
    right = replace(told.person, name=insured("Doe", "Jane", ssn=ssn, role="74"))
    wrong = WrongIdentity(
        name=insured("Do", "Jane", ssn=was, role="70"), demographics=Demographics(gender="F")
    )
    return replace(told, person=right, was=wrong)


def with_provider():
    doctor = Provider(
        name=Name(role="P3", last="Well", first="Ada", id_kind="XX", id="1234567893", relation="26"),
        change=ProviderChange(on=NEXT, reason="AI"),
    )
    return subscriber("001", "15", replace(line("001", "HMO", day("348", BEGIN)), providers=(doctor,)))


SAYINGS = {
    # what is to be said: the members, and segments that must stand in the file, in this order
    "new subscriber": (
        [subscriber("021", "28", ADDED)],
        "INS*Y*18*021*28*A***FT | HD*021**HLT*PPO1*ESP | DTP*348*D8*20270101",
    ),
    "newborn without SSN": (
        [CONTEXT, dependent("19", "021", "02", ADDED)],
        "INS*Y*18*001*20*A***FT | INS*N*19*021*02*A | NM1*IL*1*DOE*ADA | DMG*D8*20270101*F | HD*021**HLT*PPO1*ESP",
    ),
    "newborn's SSN has come": (
        [CONTEXT, dependent("19", "001", "25", ssn="234567890")],
        "INS*N*19*001*25*A | NM1*IL*1*DOE*ADA****34*234567890",
    ),
    "twins": (
        [
            CONTEXT,
            dependent("19", "021", "02", ADDED, birth_sequence="1"),
            dependent("19", "021", "02", ADDED, first="Bea", birth_sequence="2"),
        ],
        "INS*N*19*021*02*A************1 | INS*N*19*021*02*A************2",
    ),
    "adopted child": ([CONTEXT, dependent("09", "021", "05", ADDED)], "INS*N*09*021*05*A"),
    "spouse after marriage": ([CONTEXT, dependent("01", "021", "32", ADDED)], "INS*N*01*021*32*A"),
    "domestic partner": ([CONTEXT, dependent("53", "021", "32", ADDED)], "INS*N*53*021*32*A"),
    "disabled child over age": (
        [
            CONTEXT,
            replace(
                dependent("19", "001", "21", born=date(1995, 1, 1), handicapped="Y"),
                disabilities=(DisabilityLoop(disability=Disability(kind="3"), dates=(day("360", BEGIN),)),),
            ),
        ],
        "INS*N*19*001*21*A*****Y | DSB*3 | DTP*360*D8*20270101",
    ),
    "dependent dropped by divorce": (
        [CONTEXT, dependent("01", "024", "01", ENDED, dates=(day("357", LAST),))],
        "INS*N*01*024*01*A | DTP*357*D8*20270331 | HD*024**HLT*PPO1*ESP | DTP*349*D8*20270331",
    ),
    "one line dropped": (
        [subscriber("001", "14", ENDED)],
        "INS*Y*18*001*14*A***FT | HD*024**HLT*PPO1*ESP | DTP*349*D8*20270331",
    ),
    "other plan": (
        [subscriber("001", "22", ENDED, line("021", "HLT", day("348", NEXT), plan="PPO2"))],
        "INS*Y*18*001*22*A***FT | HD*024**HLT*PPO1*ESP | DTP*349*D8*20270331 | HD*021**HLT*PPO2*ESP | DTP*348*D8*20270401",
    ),
    "other tier": (
        [subscriber("001", "20", line("001", "HLT", day("303", NEXT), day("348", BEGIN), tier="FAM"))],
        "HD*001**HLT*PPO1*FAM | DTP*303*D8*20270401 | DTP*348*D8*20270101",
    ),
    "employment ended": (
        [
            subscriber(
                "024", "08", ENDED, dates=(day("337", date(2027, 3, 12)), day("357", LAST)), employment="TE"
            )
        ],
        "INS*Y*18*024*08*A***TE | DTP*337*D8*20270312 | DTP*357*D8*20270331 | HD*024**HLT*PPO1*ESP",
    ),
    "to continuation": (
        [
            subscriber("024", "08", ENDED, employment="TE"),
            subscriber(
                "021",
                "09",
                line("021", "HLT", day("348", NEXT)),
                dates=(day("301", LAST), day("340", NEXT)),
                status="C",
                event="1",
                employment="TE",
            ),
        ],
        "INS*Y*18*024*08*A***TE | DTP*349*D8*20270331 | INS*Y*18*021*09*C**1*TE | DTP*301*D8*20270331 | DTP*340*D8*20270401",
    ),
    "reinstated without a gap": (
        [subscriber("025", "41", line("025", "HLT", day("303", NEXT), day("348", BEGIN)))],
        "INS*Y*18*025*41*A***FT | HD*025**HLT*PPO1*ESP | DTP*303*D8*20270401 | DTP*348*D8*20270101",
    ),
    "identity corrected": (
        [corrected("345678901", "123456789")],
        "INS*Y*18*001*25*A***FT | NM1*74*1*DOE*JANE****34*345678901 | NM1*70*1*DO*JANE****34*123456789",
    ),
    "never in effect": (
        [subscriber("024", "14", line("024", "HLT", day("348", BEGIN), day("349", BEGIN)))],
        "HD*024**HLT*PPO1*ESP | DTP*348*D8*20270101 | DTP*349*D8*20270101",
    ),
    "child only": (
        [
            subscriber("021", "26"),
            dependent("19", "021", "28", line("021", "HLT", day("348", BEGIN), tier="CHD")),
        ],
        "INS*Y*18*021*26*A***FT | INS*N*19*021*28*A | HD*021**HLT*PPO1*CHD",
    ),
    "several policies": (
        [
            subscriber(
                "021",
                "28",
                replace(ADDED, references=(Reference(kind="1L", value="POL-1"),)),
                replace(
                    line("021", "DEN", day("348", BEGIN), plan="D1"),
                    references=(Reference(kind="1L", value="POL-2"),),
                ),
            )
        ],
        "HD*021**HLT*PPO1*ESP | REF*1L*POL-1 | HD*021**DEN*D1*ESP | REF*1L*POL-2",
    ),
    "other doctor": (
        [with_provider()],
        "INS*Y*18*001*15*A***FT | LX*1 | NM1*P3*1*WELL*ADA****XX*1234567893*26 | PLA*2*1P*20270401**AI",
    ),
    "death of a dependent": (
        [CONTEXT, dependent("01", "024", "03", ENDED, died_on=date(2027, 3, 3))],
        "INS*N*01*024*03*A******D8*20270303 | HD*024**HLT*PPO1*ESP",
    ),
}
FULL = {
    "everybody, as it is": (
        [subscriber("030", "XN", line("030", "HLT", day("348", BEGIN)))],
        "INS*Y*18*030*XN*A***FT | HD*030**HLT*PPO1*ESP | DTP*348*D8*20270101",
    ),
    "everybody, with who has ended": (
        [subscriber("024", "08", ENDED, employment="TE")],
        "INS*Y*18*024*08*A***TE | HD*024**HLT*PPO1*ESP | DTP*349*D8*20270331",
    ),
}


def check(members, said, action):
    header = replace(HEADER, beginning=replace(HEADER.beginning, action=action))
    told = file_of(header, members, **TOLD)
    data = write_file(told)
    found = iter(data.decode().split("~"))
    missing = [
        segment for segment in said.split(" | ") if segment not in found
    ]  # `in` moves on: order counts
    assert missing == []
    assert findings_of(data) == []
    assert broken_rules(told, Leniency(full_file_ends=action == "4")) == []
    again = read_file(data)
    assert (again.faults, write_file(again.file)) == ((), data)


@pytest.mark.parametrize("saying", SAYINGS)
def test_a_change_is_said(saying):
    check(*SAYINGS[saying], "2")


@pytest.mark.parametrize("saying", FULL)
def test_a_full_file_says_what_is(saying):
    check(*FULL[saying], "4")


def test_dependents_told_first_are_put_after_their_subscriber():
    members, said = SAYINGS["newborn without SSN"]
    check(members[::-1], said, "2")


@pytest.mark.parametrize(
    ("ssn", "real"),
    [
        ("123-45-6789", "123456789"),
        ("123 45 6789", "123456789"),
        ("12345678", ""),
        ("000000000", ""),
        ("000123456", ""),
        ("666123456", ""),
        ("999999999", ""),
        ("912345678", ""),
        ("123004567", ""),
        ("123450000", ""),
        ("", ""),
        (None, ""),
        ("\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19", ""),
    ],
)  # fmt: skip
def test_only_a_real_number_is_sent(ssn, real):
    name = insured("Doe", ssn=ssn)
    assert (name.id_kind, name.id) == ("34" if real else "", real)
