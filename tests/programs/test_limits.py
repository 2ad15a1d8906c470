"""Legal limits: the sample's are the published ones; a year not known is said, never guessed."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from openbenefits.core.codes import Severity
from openbenefits.programs import services
from openbenefits.programs.audit import audit
from openbenefits.programs.legal import LimitUnknown, limit_of
from openbenefits.programs.limits import LEGAL, STANDS_FOR
from openbenefits.programs.reader import read
from openbenefits.sample import SAMPLE_FOLDER

from .auditing import audited_client
from .factories import DATED, make_peo

PUBLISHED = Path(__file__).parents[1] / "files" / "limits"
LIMITS = read(SAMPLE_FOLDER / "peo").bundle.limits


def lines(name: str) -> list[dict[str, str]]:
    with (PUBLISHED / name).open() as file:
        return list(csv.DictReader(file))


ANNUAL = [(line["key"], int(year), line[year], line["unit"]) for line in lines("annual_limits.csv")
          for year in ("2024", "2025", "2026", "2027")]  # fmt: skip
GUIDELINES = [
    (code, int(line["guideline_year"]), line[column], "USD")
    for line in lines("fpl_single.csv")
    for column, code in (
        ("contiguous", "fpl_contiguous"),
        ("alaska", "fpl_alaska"),
        ("hawaii", "fpl_hawaii"),
        ("each_additional_contiguous", "fpl_additional_contiguous"),
    )
]


@pytest.mark.parametrize(("code", "year", "amount", "unit"), ANNUAL + GUIDELINES)
def test_every_published_figure_is_in_the_sample(code, year, amount, unit):
    if amount:
        limit = limit_of(LIMITS, code, year)
        assert limit.amount == Decimal(amount) * 100
        assert limit.unit == ("percent" if unit == "percent" else "dollars")
        assert limit.source
        assert limit.source != "same"
    else:
        with pytest.raises(LimitUnknown):
            limit_of(LIMITS, code, year)


def test_a_day_asks_for_its_year():
    assert limit_of(LIMITS, "health_fsa_salary_reduction", date(2026, 7, 1)).text == "$3,400.00"


def test_beyond_the_last_year_is_an_error_or_a_choice():
    with pytest.raises(
        LimitUnknown, match=r"expected an amount for 2027, found none; the last known year is 2026"
    ):
        limit_of(LIMITS, "health_fsa_salary_reduction", 2027)
    late = limit_of(LIMITS, "health_fsa_salary_reduction", 2027, is_last_known_enough=True)
    assert (late.year, late.amount) == (2026, 340_000)
    with pytest.raises(LimitUnknown, match="the first is 2024"):
        limit_of(LIMITS, "health_fsa_salary_reduction", 2023, is_last_known_enough=True)
    with pytest.raises(LimitUnknown, match=r"expected one of the limits .* found fsa"):
        limit_of(LIMITS, "fsa", 2026)


def with_sheet(folder: Path, text: str) -> Path:
    made = make_peo(folder, limit_sheets=[{"code": "legal", "file": "limits.csv"}])
    (made / "limits.csv").write_text(text)
    return made


def test_a_blank_cell_is_no_row(tmp_path):
    bundle = read(with_sheet(tmp_path, "code,2026,2027,source\nhsa,4400,,Rev. Proc.\n")).bundle
    assert bundle.limits.select("code", "year", "limit_cents").rows() == [
        ("fsa", 2026, 340_000),
        ("hsa", 2026, 440_000),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "code,2026,source\nhsa,n/a,x\n",
            "limits.csv, line 2: limits.csv, line 2: expected dollars or percent",
        ),
        ("code,2026,source\nhsa,-1,x\n", "found `-1`"),
        ("code,2026,source\nhsa,1,\n", "expected a source in column `source`, found nothing"),
        ("code,source\nhsa,x\n", "expected a column for each year"),
        ("code,2026,year,source\nhsa,1,2,x\n", "found `year`"),
        ("", "expected a column `code`"),
    ],
)
def test_faults_of_a_sheet_name_their_line(tmp_path, text, expected):
    found = " ".join(finding.sentence() for finding in read(with_sheet(tmp_path, text)).findings)
    assert expected in found


def test_a_limit_twice_is_one_finding(tmp_path):
    folder = with_sheet(tmp_path, "code,2026,source\nfsa,3400,x\nhsa,1,x\n")
    (finding,) = audit(read(folder).bundle)
    assert (finding.code, finding.where, finding.found) == (
        "limit_twice",
        "limit_sheets[legal]",
        "fsa 2026 twice",
    )


def test_limits_reach_the_database(fresh_database):
    change = services.apply(
        SAMPLE_FOLDER / "peo", client_id=0, applied_by="a", now=datetime(2026, 1, 5, tzinfo=UTC)
    )
    assert change.outcome is services.Outcome.APPLIED
    stored = services.in_force_of("peo").limits
    assert stored.equals(LIMITS)
    from openbenefits.programs.frames import load_setup

    rows = load_setup(fresh_database)["annual_limit"].select("code", "year", "limit_cents")
    assert sorted(rows.rows()) == sorted(LIMITS.select("code", "year", "limit_cents").rows())


def test_every_age_of_table_i_is_in_the_sample():
    bundle = read(SAMPLE_FOLDER / "peo").bundle
    rows = bundle.ages.filter(code="IRC79_TABLE_I").sort("age_from").select("age_from", "rate_micros").rows()
    published = [
        (int(line["age_from"]), Decimal(line["monthly_cost_per_1000"])) for line in lines("irc79_table_i.csv")
    ]
    assert rows == [(age, int(rate * 1_000_000)) for age, rate in published]
    (part,) = bundle.parts.age_tables
    assert "1.79-3" in part.source


# --- limits that plan types name ------------------------------------------------------------------------


def next_year(section):
    """Let open enrolment be that of 2027."""
    section[-1].update(period_begins=date(2027, 1, 1), period_ends=date(2027, 12, 31))


def account(kind, **more):
    """Let plan type 60 be as stated, or add another one to it: the sections that say so."""
    plan = {**DATED, "code": "ACCOUNT", "plan_type": kind, "name": "Account", "carrier": "Carrier"}

    def add(section):
        spending = next(one for one in section[0]["plan_types"] if one["plan_type"] == "60")
        if kind == "60":
            spending.update({"annual_limit": None, **more})
        else:
            options = [{"code": "ACCOUNT", "plan": "ACCOUNT", "deduction_code": "FSA"}]
            other = {**spending, "plan_type": kind, "annual_limit": None, "options": options}
            section[0]["plan_types"].append(other | more)

    return {"programs": add, "plans": [] if kind == "60" else [plan]}


AFTER_THE_TABLE = [
    # plan type, limit, what else is said, codes of which 2027 is missing
    ("60", "fsa", {}, ["fsa"]),
    ("60", "fsa", {"missing_limit": "last_known"}, []),
    ("60", "fsa", {"plan_year_month": 7}, []),  # the plan year of 1 January began in 2026
    ("61", "dcap_exclusion", {}, ["dcap_exclusion", "dcap_exclusion_mfs"]),
    ("61", "dcap_exclusion", {"plan_year_month": 7}, ["dcap_exclusion", "dcap_exclusion_mfs"]),
    ("67", "hsa_self", {}, ["hsa_self", "hsa_family", "hsa_catch_up_55"]),
]


@pytest.mark.parametrize(("kind", "code", "more", "expected"), AFTER_THE_TABLE)
def test_a_year_beyond_the_table_is_an_error_and_never_the_year_before(tmp_path, kind, code, more, expected):
    known = dict.fromkeys(["fsa", *(one for codes in STANDS_FOR.values() for one in codes)], 3400)
    limits = [{"code": one, "year": 2026, "limit": most, "source": "x"} for one, most in known.items()]
    found = audited_client(
        tmp_path,
        peo={"annual_limits": limits},
        schedules=next_year,
        **account(kind, annual_limit=code, **more),
    )
    unknown = [one for one in found if one.code == "limit_unknown" and f"plan_types[{kind}]" in one.where]
    assert [finding.expected.split("`")[1] for finding in unknown] == expected
    for finding in unknown:
        assert finding.severity is Severity.ERROR
        assert finding.where == f"programs[MAIN from 2026-01-01].plan_types[{kind}]"
        assert finding.found == "none for 2027; the last known year is 2026"


@pytest.mark.parametrize(("year", "missing"), [(2024, []), (2025, ["k401_catch_up_60_63"])])
def test_the_higher_catch_up_need_not_be_known_before_it_exists(tmp_path, year, missing):
    def of_year(section):
        section[-1].update(period_begins=date(year, 1, 1), period_ends=date(year, 12, 31))

    sections = account("40", annual_limit="k401_deferral")

    def from_then_on(programs):
        sections["programs"](programs)
        programs[0].update({"from": date(year, 1, 1)})

    limits = [
        {"code": code, "year": known, "limit": 9000, "source": "x"}
        for code, known in (
            ("k401_deferral", year),
            ("k401_catch_up_50", year),
            ("k401_catch_up_60_63", 2027),
        )
    ]
    setup = {**sections, "programs": from_then_on, "schedules": of_year}
    found = audited_client(tmp_path, peo={"annual_limits": limits}, **setup)
    unknown = [finding for finding in found if finding.code == "limit_unknown"]
    assert [one.expected.split("`")[1] for one in unknown] == missing


def test_each_amount_that_a_limit_reads_must_be_known(tmp_path):
    limits = [{"code": one, "year": 2026, "limit": 4400, "source": "x"} for one in ("fsa", "hsa_self")]
    found = audited_client(
        tmp_path,
        peo={"annual_limits": limits},
        **account("67", annual_limit="hsa_self"),
    )
    unknown = [finding for finding in found if finding.code != "no_hsa_plan"]
    said = [(finding.code, finding.expected.split("`")[1], finding.found) for finding in unknown]
    assert said == [
        ("limit_unknown", "hsa_family", "none for 2026; no year is known"),
        ("limit_unknown", "hsa_catch_up_55", "none for 2026; no year is known"),
    ]


@pytest.mark.parametrize("kind", sorted(LEGAL))
def test_every_plan_type_the_law_limits_is_asked_for_its_limit(tmp_path, kind):
    found = audited_client(tmp_path, **account(kind))
    (finding,) = [one for one in found if one.code != "no_hsa_plan"]
    assert (finding.code, finding.severity) == ("no_annual_limit", Severity.WARNING)
    assert f"`{LEGAL[kind]}`" in finding.expected


def test_nobody_asks_for_a_limit_of_what_the_law_does_not_limit(tmp_path):
    assert audited_client(tmp_path, **account("42")) == []


def test_the_sample_names_a_limit_wherever_the_law_has_one():
    for folder in sorted((SAMPLE_FOLDER / "clients").iterdir()):
        client = read(folder).bundle.parts
        for program in client.programs:
            named = {part.plan_type: part.annual_limit for part in program.plan_types}
            limited = {kind: code for kind, code in LEGAL.items() if kind in named}
            assert limited.items() <= named.items()
            assert limited
