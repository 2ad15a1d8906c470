"""Laws of export: what is written out and read again is what was applied."""

from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbenefits.programs import generations, services
from openbenefits.programs.differences import differences
from openbenefits.programs.frames import PEO as PEO_CLIENT
from openbenefits.programs.loaded import (
    LoadedBundle,
    ReleaseUnreadable,
    fingerprint,
    from_document,
    to_document,
)
from openbenefits.programs.reader import read
from openbenefits.programs.rulebook import compile_rulebook
from openbenefits.programs.unsaved import unsaved_tables
from openbenefits.programs.written import FolderTaken, write_bundle
from openbenefits.sample import SAMPLE_FOLDER

from .factories import CLIENT, PEO, make_client, make_peo
from .test_laws import VALUES, changed, paths

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
SAMPLES = [SAMPLE_FOLDER / "peo", *sorted((SAMPLE_FOLDER / "clients").iterdir())]


def written_again(bundle: LoadedBundle, folder: Path) -> LoadedBundle:
    write_bundle(bundle, folder)
    reading = read(folder)
    assert [finding.sentence() for finding in reading.findings] == []
    return reading.bundle


def assert_same(bundle: LoadedBundle, again: LoadedBundle) -> None:
    assert again.parts == bundle.parts
    assert fingerprint(to_document(again)) == fingerprint(to_document(bundle))
    assert differences(bundle, again) == []


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: folder.name)
def test_the_sample_written_out_is_the_sample(folder, tmp_path):
    bundle = read(folder).bundle
    assert_same(bundle, written_again(bundle, tmp_path / "again"))


def test_rows_of_what_was_written_out_are_the_same(tmp_path):
    before = [read(folder).bundle for folder in SAMPLES]
    after = [written_again(bundle, tmp_path / bundle.code) for bundle in before]
    old, _ = unsaved_tables(before[0], before[1:])
    new, _ = unsaved_tables(after[0], after[1:])
    assert old.keys() == new.keys()
    for name, rows in old.items():
        assert rows.equals(new[name]), name


def test_general_deductions_are_written_out_and_read_again(tmp_path):
    fee = {
        "code": "FEE",
        "name": "Fee",
        "deduction_code": "MED",
        "rate_table": "credit",
        "eligibility": "FULL",
    }

    def general(programs):
        programs[0]["deductions"] = [fee]
        programs[0]["credits"][0]["eligibility"] = "FULL"

    bundle = read(make_client(tmp_path / "client", programs=general)).bundle
    again = written_again(bundle, tmp_path / "again")
    assert_same(bundle, again)
    assert again.parts.programs[0].deductions[0].eligibility == "FULL"
    assert again.parts.programs[0].credits[0].eligibility == "FULL"


@settings(max_examples=60)
@given(st.sampled_from(list(paths(CLIENT))), VALUES)
def test_any_client_that_loads_is_written_out_and_read_again(path, value):
    with TemporaryDirectory() as name:
        bundle = read(make_client(Path(name) / "client", **changed(CLIENT, path, value))).bundle
        if bundle:
            assert_same(bundle, written_again(bundle, Path(name) / "again"))


@settings(max_examples=60)
@given(st.sampled_from(list(paths(PEO))), VALUES)
def test_any_peo_that_loads_is_written_out_and_read_again(path, value):
    with TemporaryDirectory() as name:
        bundle = read(make_peo(Path(name) / "peo", **changed(PEO, path, value))).bundle
        if bundle:
            assert_same(bundle, written_again(bundle, Path(name) / "again"))


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
ODD = st.sampled_from(
    [
        *("yes", "true", "null", "~", "", " ", "0x1f", "012", "12", "1.50", "2026-01-01", "a: b", "#"),
        *("\x85", "a\x85b", "a\u2028 b", "\u2029"),
    ]
)


@settings(max_examples=80)
@given(TEXTS | ODD, TEXTS | ODD, st.decimals(0, 999_999, places=6))
def test_any_words_and_numbers_survive(tmp_path_factory, name, source, rate):
    with TemporaryDirectory() as folder:
        bundle = read(make_peo(Path(folder) / "peo")).bundle
        document = to_document(bundle)
        document["parts"]["bundle"]["name"] = name
        document["parts"]["plans"][0]["source"] = source
        document["parts"]["rate_tables"][1]["rates"][0]["rate"] = format(rate.normalize(), "f")
        odd = from_document(document)
        assert written_again(odd, Path(folder) / "again").parts == odd.parts


def test_what_is_exported_is_what_was_applied(fresh_database, tmp_path):
    peo, client = make_peo(tmp_path / "peo"), make_client(tmp_path / "client")
    services.apply(peo, client_id=PEO_CLIENT, applied_by="a", now=NOW)
    services.apply(client, client_id=7, applied_by="a", now=NOW)
    for code, client_id in (("peo", PEO_CLIENT), ("acme", 7)):
        made = services.export(code, tmp_path / "out" / code)
        assert services.diff(made.folder).differences == []
        again = services.apply(made.folder, client_id=client_id, applied_by="a", now=NOW)
        assert again.outcome is services.Outcome.UNCHANGED


def test_an_earlier_release_is_exported_too(fresh_database, tmp_path):
    folder = make_peo(tmp_path / "peo")
    services.apply(folder, client_id=PEO_CLIENT, applied_by="a", now=NOW)
    (folder / "premiums.csv").write_text((folder / "premiums.csv").read_text().replace("310.25", "311"))
    services.apply(folder, client_id=PEO_CLIENT, applied_by="a", now=NOW)
    first = services.export("peo", tmp_path / "first", number=1)
    assert "310.25" in (first.folder / "premiums.csv").read_text()
    assert [one.new for one in services.diff(first.folder).differences] == [310_250_000]
    history = services.export_history("peo", tmp_path / "all")
    assert [one.release.number for one in history] == [1, 2]
    assert "311" in (history[1].folder / "premiums.csv").read_text()


def test_an_unknown_release_is_named(fresh_database, tmp_path):
    services.apply(make_peo(tmp_path / "peo"), client_id=PEO_CLIENT, applied_by="a", now=NOW)
    with pytest.raises(services.NoSuchRelease, match="one of the releases 1, found 9"):
        services.export("peo", tmp_path / "x", number=9)
    with pytest.raises(services.NoSuchRelease, match="one of the bundles peo, found acme"):
        services.export("acme", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_folder_in_use_is_not_written_into(tmp_path):
    bundle = read(make_peo(tmp_path / "peo")).bundle
    before = sorted((tmp_path / "peo").iterdir())
    with pytest.raises(FolderTaken, match="a new or empty folder"):
        write_bundle(bundle, tmp_path / "peo")
    assert sorted((tmp_path / "peo").iterdir()) == before


def test_documents_of_older_shapes_load(tmp_path, monkeypatch):
    document = to_document(read(make_peo(tmp_path / "peo")).bundle)
    before = from_document(document).parts
    del document["shape"]  # the first releases did not say their shape
    for record in document["parts"]["event_classes"]:
        record.pop("window_days")  # a field that came later has its default
    assert from_document(document).parts == before

    old = {**document, "parts": {**document["parts"], "carrier_plans": document["parts"]["plans"]}}
    del old["parts"]["plans"]
    with pytest.raises(ReleaseUnreadable, match=r"bundle peo: expected .* Apply the bundle's folder again"):
        from_document(old)
    monkeypatch.setattr(generations, "SHAPE", 2)
    monkeypatch.setitem(
        generations.STEPS,
        1,
        lambda parts: {("plans" if key == "carrier_plans" else key): part for key, part in parts.items()},
    )
    assert from_document(old).parts == before


@pytest.mark.parametrize(
    "broken", [{}, {"parts": None}, {"parts": {"bundle": {}}}, {"shape": 99, "parts": {}}]
)
def test_a_document_that_cannot_be_read_is_named(broken):
    with pytest.raises(ReleaseUnreadable, match="expected a document of shape"):
        from_document(broken)


def test_what_is_switched_off_is_written_out_and_makes_no_rows(tmp_path):
    def partly_off(section):
        section[0]["plan_types"][1]["active"] = False
        section.append({**section[0], "from": date(2026, 7, 1), "active": False})

    def off(section):
        section.append({**section[0], "from": date(2026, 7, 1), "active": False})

    peo = read(make_peo(tmp_path / "peo")).bundle
    client = read(make_client(tmp_path / "client", programs=partly_off, formulas=off)).bundle
    again = written_again(client, tmp_path / "again")
    assert_same(client, again)
    tables, _ = unsaved_tables(peo, [again])
    assert tables["formula"].sort("valid_from")["is_active"].to_list() == [True, False]
    assert tables["program"].sort("valid_from")["is_active"].to_list() == [True, False]
    assert "20" not in tables["plan_type_row"]["plan_type"].to_list()
    assert "LIFE" not in tables["option"]["code"].to_list()
    assert compile_rulebook(tables).formulas.height == 1
