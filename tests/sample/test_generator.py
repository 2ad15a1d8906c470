"""The sample's people: the same seed gives the same bytes, and every planted fault is there."""

from pathlib import Path

import polars as pl
import pytest

from openbenefits.sample.generator import SampleFiles, generate
from openbenefits.sample.people import CENSUS_COLUMNS, CENSUS_DAY
from openbenefits.sample.places import read_places
from openbenefits.sample.profiles import SAMPLE_CLIENTS
from openbenefits.sample.takeover import TAKEOVER_COLUMNS

CODES = [profile.code for profile in SAMPLE_CLIENTS]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    return generate(tmp_path_factory.mktemp("sample"))


def census(sample: SampleFiles, code: str) -> pl.DataFrame:
    path = sample.of(code).census
    frame = pl.read_excel(path, infer_schema_length=0) if path.suffix == ".xlsx" else text(path)
    assert frame.columns == list(CENSUS_COLUMNS)
    return frame


def text(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


def employees(sample: SampleFiles, code: str) -> pl.DataFrame:
    return census(sample, code).filter(pl.col("record") == "employee")


def hit_by(sample: SampleFiles, code: str, fault: str) -> pl.DataFrame:
    faults = text(sample.of(code).faults).filter(pl.col("fault") == fault)
    return employees(sample, code).join(faults, on="employee_number")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(sample: SampleFiles, tmp_path: Path) -> None:
    again = generate(tmp_path)
    assert contents(again.folder) == contents(sample.folder)


def test_another_seed_gives_other_people(sample: SampleFiles, tmp_path: Path) -> None:
    other = generate(tmp_path, seed=7)
    assert not text(other.of("harbor").census).equals(text(sample.of("harbor").census))


def test_the_sizes_are_as_asked(sample: SampleFiles) -> None:
    assert [one.people for one in sample.clients] == [900, 420, 180]
    numbers = [employees(sample, code)["employee_number"].n_unique() for code in CODES]
    assert numbers == [900, 420, 180]
    assert sample.dependents > sample.people


@pytest.mark.parametrize("people", [30, 5000])
def test_other_sizes(people: int, tmp_path: Path) -> None:
    assert generate(tmp_path, people=people).people == people


def test_no_social_security_number_comes_twice_or_was_ever_issued(sample: SampleFiles) -> None:
    people = pl.concat([census(sample, code) for code in CODES]).unique(
        ["employee_number", "dependent_number"]
    )
    assert people["ssn"].is_unique().all()
    assert people["ssn"].str.contains(r"^9\d\d-\d\d-\d{4}$").all()


@pytest.mark.parametrize("code", CODES)
def test_people_are_plausible(sample: SampleFiles, code: str) -> None:
    people = employees(sample, code)
    birth, hire = (
        people["birth_date"].str.head(10).str.to_date(),
        people["hire_date"].str.head(10).str.to_date(),
    )
    age = (pl.Series([CENSUS_DAY]) - birth).dt.total_days() / 365.25
    assert age.is_between(18, 71).all()
    assert (hire > birth.dt.offset_by("18y")).all()
    assert hire.max() <= CENSUS_DAY


@pytest.mark.parametrize("code", CODES)
def test_everybody_lives_in_a_known_zip(sample: SampleFiles, code: str) -> None:
    places = read_places()
    people = employees(sample, code)
    unknown = people.join(places.zips, on="zip", how="anti")
    unrated = people.join(places.unrated, on="zip", how="semi")
    assert unknown.is_empty()
    assert (
        unrated["employee_number"].to_list()
        == hit_by(sample, code, "no_rating_area")["employee_number"].to_list()
    )


@pytest.mark.parametrize("profile", SAMPLE_CLIENTS, ids=CODES)
def test_every_fault_of_a_client_is_planted(sample: SampleFiles, profile) -> None:
    faults = text(sample.of(profile.code).faults)
    assert set(faults["fault"]) == set(profile.faults)
    assert faults["employee_number"].is_unique().all()


def test_all_error_statuses_are_expected_somewhere(sample: SampleFiles) -> None:
    statuses = pl.concat([text(sample.of(code).faults) for code in CODES])["expected_status"]
    assert {"AE", "AN", "PE"} <= set(statuses)


def test_what_the_faults_say(sample: SampleFiles) -> None:
    both = hit_by(sample, "harbor", "two_programs")
    assert both.select("benefit_group", "employee_class").unique().rows() == [("SAL", "HOURLY")]
    assert hit_by(sample, "quill", "no_pay")["annual_pay"].null_count() == 3
    assert set(hit_by(sample, "harbor", "closed_pay_group")["pay_group"]) == {"HOLD"}
    assert set(hit_by(sample, "beacon", "unknown_pay_group")["pay_group"]) == {"BX9"}
    assert set(hit_by(sample, "harbor", "lost_eligibility")["weekly_hours"]) == {"12"}


def test_who_lost_eligibility_or_moved_away_is_covered(sample: SampleFiles) -> None:
    files = sample.of("harbor")
    medical = text(files.current_coverage).filter(pl.col("plan_type") == "10", pl.col("waived") == "N")
    for fault in ("lost_eligibility", "out_of_area"):
        hit = hit_by(sample, "harbor", fault)
        assert hit.join(medical, on="employee_number").height == hit.height


def test_some_hold_a_plan_that_is_no_longer_offered(sample: SampleFiles) -> None:
    held = text(sample.of("quill").current_coverage)["option"].drop_nulls()
    assert held.str.starts_with("TUFTS-G2-").any()


@pytest.mark.parametrize("code", CODES)
def test_corrections_cure_the_faults_that_are_to_be_cured(sample: SampleFiles, code: str) -> None:
    files = sample.of(code)
    cured = text(files.faults).filter(pl.col("is_cured") == "Y")
    corrections = text(files.corrections)
    assert corrections.columns == list(CENSUS_COLUMNS)
    assert set(corrections["employee_number"]) == set(cured["employee_number"])
    assert corrections["annual_pay"].null_count() == 0
    assert set(corrections["pay_group"]) <= {"HBW", "HSB", "HWK", "BSM", "QMO", "QBW"}


@pytest.mark.parametrize("code", CODES)
def test_coverage_names_dependents_of_the_person(sample: SampleFiles, code: str) -> None:
    coverage = text(sample.of(code).current_coverage)
    assert coverage.columns == list(TAKEOVER_COLUMNS)
    named = coverage.with_columns(dependent_number=pl.col("dependents").str.split(" ")).explode(
        "dependent_number", empty_as_null=True
    )
    known = census(sample, code).filter(pl.col("record") == "dependent")
    named = named.filter(pl.col("dependent_number").is_not_null())
    assert named.join(known, on=["employee_number", "dependent_number"], how="anti").is_empty()
    family = coverage.filter(pl.col("option").str.ends_with("-4"))
    assert (family["dependents"].str.count_matches(" ") >= 1).all()
    alone = coverage.filter(pl.col("option").str.ends_with("-1"))
    assert alone["dependents"].null_count() == alone.height


@pytest.mark.parametrize("code", CODES)
def test_five_stories_happen_in_2026(sample: SampleFiles, code: str) -> None:
    files = sample.of(code)
    stories = text(files.stories)
    assert stories["story"].to_list() == ["hire", "birth", "marriage", "move", "termination"]
    changes = text(files.changes)
    assert changes.columns == list(CENSUS_COLUMNS)
    assert set(changes["employee_number"]) == set(stories["employee_number"])
    assert sorted(changes["record"]) == ["dependent"] * 2 + ["employee"] * 4
    assert text(files.life_events)["event_class"].to_list() == ["BIR", "MAR"]
    known = set(employees(sample, code)["employee_number"])
    assert [number in known for number in stories["employee_number"]] == [False, True, True, True, True]


def test_without_faults(tmp_path: Path) -> None:
    sample = generate(tmp_path, people=300, is_faulty=False)
    assert employees(sample, "harbor")["annual_pay"].null_count() == 0
    assert text(sample.of("harbor").corrections).is_empty()
