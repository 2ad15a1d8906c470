"""The sample's set-up, and the generated ones: they are read and pass the audit."""

from pathlib import Path

import msgspec
import polars as pl
import pytest
import yaml

from openbenefits.programs import reader
from openbenefits.programs.audit import audit
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.sample.generator import generate
from openbenefits.sample.places import SAMPLE_FOLDER
from openbenefits.sample.setups import generate_setup

PEO = SAMPLE_FOLDER / "peo"
CLIENTS = sorted((SAMPLE_FOLDER / "clients").iterdir())


def sections(folder: Path) -> dict[str, object]:
    merged: dict = {}
    for file in sorted(folder.glob("*.yaml")):
        for name, value in yaml.safe_load(file.read_text()).items():
            merged[name] = merged.get(name, []) + value if isinstance(value, list) else value
    return merged


def read(folder: Path) -> LoadedBundle:
    bundle = reader.read(folder).bundle
    assert bundle is not None
    return bundle


def test_the_peo_bundle_converts() -> None:
    bundle = msgspec.convert(sections(PEO), PeoBundle, strict=False)
    real = [plan for plan in bundle.plans if "ideacrew/enroll" in plan.source]
    assert len(real) == 22
    assert all("MIT" in plan.source for plan in real)


@pytest.mark.parametrize("folder", CLIENTS, ids=lambda folder: folder.name)
def test_client_bundles_convert(folder: Path) -> None:
    bundle = msgspec.convert(sections(folder), ClientBundle, strict=False)
    assert bundle.bundle.code == folder.name


@pytest.mark.parametrize("folder", [PEO, *CLIENTS], ids=lambda folder: folder.name)
def test_the_reader_finds_nothing_wrong(folder: Path) -> None:
    reading = reader.read(folder)
    assert [finding.sentence() for finding in reading.findings] == []


@pytest.mark.parametrize("folder", [PEO, *CLIENTS], ids=lambda folder: folder.name)
def test_the_audit_finds_nothing_wrong(folder: Path) -> None:
    peo = None if folder == PEO else read(PEO)
    assert [finding.sentence() for finding in audit(read(folder), peo)] == []


def test_premiums_are_whole() -> None:
    premiums = pl.read_csv(PEO / "premiums.csv", infer_schema=False)
    assert premiums.height == 22 * 7 * 51
    assert premiums.select("table", "area", "age_from").is_unique().all()
    assert premiums["rate"].str.contains(r"^\d+\.\d\d$").all()
    lowest = premiums.group_by("table", "area").agg(pl.col("age_from").cast(pl.Int64).min())
    assert lowest["age_from"].unique().to_list() == [0]


def test_zips_have_one_area_and_no_blanks() -> None:
    zips = pl.read_csv(PEO / "geographies.csv", infer_schema=False)
    rated = zips.filter(pl.col("geography") == "ma-rating-areas")
    assert rated["zip"].is_unique().all()
    assert rated["area"].null_count() == 0
    assert zips["zip"].str.contains(r"^\d{5}$").all()
    assert rated.height == 672


def test_every_real_plan_is_offered_by_somebody() -> None:
    offered = {
        option.plan
        for folder in CLIENTS
        for program in msgspec.convert(sections(folder), ClientBundle, strict=False).programs
        for plan_type in program.plan_types
        for option in plan_type.options
    }
    plans = {plan.code for plan in msgspec.convert(sections(PEO), PeoBundle, strict=False).plans}
    assert plans - offered == {"SAMPLE-ADD"}  # the benchmark's clients offer it


def test_generated_setups_are_read_and_differ(tmp_path: Path) -> None:
    profiles = generate_setup(tmp_path, 3)
    assert [profile.code for profile in profiles] == ["c0001", "c0002", "c0003"]
    for profile in profiles:
        assert audit(read(tmp_path / profile.code), read(PEO)) == []
    rates = {(tmp_path / profile.code / "rates.yaml").read_text() for profile in profiles}
    assert len(rates) == 3


def test_people_for_generated_setups(tmp_path: Path) -> None:
    profiles = generate_setup(tmp_path / "clients", 2)
    sample = generate(
        tmp_path / "people", people=200, clients=profiles, clients_setup=tmp_path / "clients", is_faulty=False
    )
    assert [one.people for one in sample.clients] == [100, 100]
    held = pl.read_csv(sample.clients[0].current_coverage, infer_schema=False)
    assert set(held["plan_type"]) == {"10", "11", "14", "20", "21", "22", "30", "31", "40", "60"}
