"""Generated members, for laws: everything a member may hold, with letters and marks that files do not take."""

from datetime import date, datetime

from hypothesis import strategies as st

from openbenefits.carriers.enrollment.categories import Category, Label
from openbenefits.carriers.enrollment.coverage import (
    Card,
    Coordination,
    Coverage,
    Line,
    OtherCoverage,
    OtherInsurer,
    Provider,
    ProviderChange,
)
from openbenefits.carriers.enrollment.file import Address, Controls
from openbenefits.carriers.enrollment.header import Account, Beginning, Broker, Header, Organization
from openbenefits.carriers.enrollment.member import Disability, DisabilityLoop, Member, Standing
from openbenefits.carriers.enrollment.person import (
    City,
    Contact,
    Demographics,
    EmploymentClass,
    Health,
    Income,
    Language,
    Name,
    Party,
    Person,
    Street,
    WrongIdentity,
    insured,
)
from openbenefits.carriers.enrollment.record import COMPONENT, REPETITION
from openbenefits.carriers.enrollment.statements import Amount, Dated, Other, Reference

NOW = datetime(2026, 11, 20, 2, 15)
HEADER = Header(
    beginning=Beginning(purpose="00", reference="F1", on=NOW.date(), time="0215", action="2"),
    sponsor=Organization(role="P5", name="ACME", id_kind="FI", id="123456780"),
    insurer=Organization(role="IN", name="BEST HEALTH", id_kind="FI", id="987654320"),
)
ENDS = {
    "sender": Address(qualifier="30", id="123456780", group_id="123456780"),
    "receiver": Address(qualifier="ZZ", id="BEST", group_id="BEST"),
}
TOLD = {**ENDS, "controls": Controls(interchange=7, group=8), "at": NOW}

words = st.text(alphabet="aZ9 *:~^|>-'.éßŁ’Ж\n\t", min_size=1, max_size=12).map(lambda one: f"W{one}")
texts = st.one_of(st.just(""), words)
days = st.dates(date(1900, 1, 1), date(2100, 12, 31))
cents = st.integers(-(10**9), 10**9)
references = st.builds(Reference, kind=st.sampled_from(("17", "23", "DX", "ZZ", "Q4")), value=words)
dates = st.one_of(
    st.builds(Dated, kind=st.sampled_from(("303", "336", "348", "349")), on=days),
    st.builds(Dated, kind=st.just("582"), on=days, through=days),
)
amounts = st.builds(Amount, kind=st.sampled_from(("P3", "D2")), cents=cents)
others = st.lists(st.builds(Other, id=st.just("ZZZ"), values=st.tuples(words)), max_size=1).map(tuple)
street = st.none() | st.builds(Street, line_1=words, line_2=texts)
city = st.none() | st.builds(City, city=words, state=texts, zip=texts)
contact = st.none() | st.builds(Contact, role=st.just("IP"), kind_1=st.just("HP"), number_1=words)
demographics = st.none() | st.builds(
    Demographics,
    born_on=days,
    gender=st.sampled_from("FMU"),
    race=st.sampled_from(("", f"C{COMPONENT}RET{COMPONENT}2186-5", f"C{REPETITION}D")),
)


def few(one, size=2):
    return st.lists(one, max_size=size).map(tuple)


persons = st.builds(
    Person,
    name=st.builds(insured, words, texts, ssn=st.sampled_from((None, "123-45-6789", "900000000"))),
    contact=contact,
    street=street,
    city=city,
    demographics=demographics,
    classes=few(st.builds(EmploymentClass, class_1=words)),
    income=st.none() | st.builds(Income, frequency=st.just("7"), cents=cents),
    amounts=few(amounts),
    health=st.none() | st.builds(Health, use=st.just("N")),
    languages=few(st.builds(Language, code_list=st.just("LE"), code=words)),
    other=others,
)
parties = st.builds(
    Party,
    name=st.builds(Name, role=st.sampled_from(("31", "36", "M8", "S3", "QD", "45")), last=texts),
    contact=contact,
    street=street,
    city=city,
    other=others,
)
coordinations = st.builds(
    Coordination,
    coverage=st.builds(OtherCoverage, order=st.sampled_from("PSTU"), policy=texts),
    references=few(references),
    dates=few(dates),
    other=others,
    insurers=few(
        st.builds(OtherInsurer, name=st.builds(Name, role=st.just("IN"), last=words), street=street)
    ),
)
providers = st.builds(
    Provider,
    name=st.builds(
        Name, role=st.just("P3"), last=words, id_kind=st.just("XX"), id=words, relation=st.just("25")
    ),
    streets=few(st.builds(Street, line_1=words)),
    city=city,
    change=st.none() | st.builds(ProviderChange, on=days, reason=st.just("AI")),
    other=others,
)
coverages = st.builds(
    Coverage,
    line=st.builds(
        Line, action=st.sampled_from(("001", "021", "024")), insurance=words, plan=texts, tier=texts
    ),
    dates=few(dates),
    amounts=few(amounts),
    references=few(references),
    cards=few(st.builds(Card, text=words, kind=st.just("H"))),
    other=others,
    providers=few(providers),
    coordinations=few(coordinations),
)
categories = st.builds(
    Category,
    label=st.builds(Label, text=words),
    value=st.none() | references,
    on=st.none() | dates,
    other=others,
)


@st.composite
def members(draw, family="1", is_subscriber=True):
    return Member(
        standing=Standing(
            subscriber="Y" if is_subscriber else "N",
            relationship="18" if is_subscriber else "19",
            action="021",
            benefit_status="A",
            died_on=draw(st.none() | days),
            birth_sequence=draw(st.sampled_from(("", "1", "2"))),
        ),
        references=(Reference(kind="0F", value=family), *draw(few(references))),
        dates=draw(few(dates)),
        other=draw(others),
        person=draw(persons),
        was=draw(st.none() | st.builds(WrongIdentity, name=st.builds(insured, words, role=st.just("70")))),
        parties=tuple(draw(few(parties))),
        disabilities=draw(
            few(st.builds(DisabilityLoop, disability=st.builds(Disability, kind=st.just("1"))))
        ),
        coverages=draw(few(coverages)),
        categories=draw(few(categories)),
    )


@st.composite
def populations(draw):
    found = []
    for number in range(draw(st.integers(1, 2))):
        found.append(draw(members(family=str(number))))
        if draw(st.booleans()):
            found.append(draw(members(family=str(number), is_subscriber=False)))
    return found


brokers = Broker(
    party=Organization(role="BO", name="BROKER", id_kind="94", id="B1"), account=Account(number="A1")
)
