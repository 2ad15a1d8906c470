"""Drafts: changed record by record, never written over what somebody else applied, applied as a folder is."""

import io
import zipfile
from datetime import UTC, date, datetime

import pytest

from openbenefits.accounts.approvals import ApprovalWanted
from openbenefits.programs import services as setup
from openbenefits.programs.drafts import archives, changes, services
from openbenefits.programs.drafts.records import plain_record
from openbenefits.programs.drafts.renewal import left_over
from openbenefits.programs.drafts.services import DraftRefused, Hand
from openbenefits.programs.frames import PEO
from openbenefits.programs.loaded import fingerprint, to_document
from openbenefits.programs.models import Bundle, Draft, Release
from openbenefits.programs.reader import read
from openbenefits.programs.services import Outcome
from openbenefits.sample import SAMPLE_FOLDER

from .factories import make_client, make_peo

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
TODAY = date(2026, 1, 5)
ACME = 7
ANNA, BEN = (Hand(name=name, user_id=number, now=NOW) for name, number in (("anna", 1), ("ben", 2)))


@pytest.fixture
def applied(fresh_database, tmp_path):
    """The small PEO and its client, in force."""
    setup.apply(make_peo(tmp_path / "peo"), client_id=PEO, applied_by="test", now=NOW)
    setup.apply(make_client(tmp_path / "client"), client_id=ACME, applied_by="test", now=NOW)
    return tmp_path


def begun(client_id=ACME, code="acme", by=ANNA) -> Draft:
    bundle = Bundle.objects.get(client_id=client_id)
    return services.begin(client_id, bundle.code, name="New rates", by=by)


def contribution(draft):
    held = services.opened(draft)
    record = held.parts["contributions"][0]
    return (record["code"], record["from"]), record


def raised(draft, percent="90", by=ANNA):
    key, record = contribution(draft)
    rows = [{**record["rows"][0], "employee_percent": percent}, *record["rows"][1:]]
    return services.put(draft, "contributions", key, {**record, "rows": rows}, by=by)


def test_own_rate_tables_without_rates_of_the_new_year_are_named():
    tables = [
        {"code": code, "from": day}
        for code, day in (("A", "2025-01-01"), ("A", "2026-01-01"), ("C", "2025-01-01"), ("B", "2025-06-01"))
    ]
    assert left_over({"rate_tables": tables}, date(2026, 1, 1)) == ["B", "C"]
    assert left_over({}, date(2026, 1, 1)) == []


def test_a_draft_applied_is_the_folder_applied(applied, tmp_path):
    draft = begun()
    raised(draft)
    held = services.opened(draft)
    assert [(one.section, one.says) for one in held.changes.records] == [("contributions", "changed")]
    assert not [one for one in held.findings if one.severity == "E"]
    change = services.apply_draft(draft, by=ANNA, reason="renewal")
    assert change.outcome is Outcome.APPLIED

    def alter(contributions):
        contributions[0]["rows"][0]["employee_percent"] = 90

    folder = read(make_client(tmp_path / "same", contributions=alter)).bundle
    assert change.release.fingerprint == fingerprint(to_document(folder))
    assert (change.release.reason, change.release.applied_by) == ("renewal", "anna")
    draft.refresh_from_db()
    assert (draft.release_id, draft.ended_by) == (change.release.pk, "anna")
    with pytest.raises(DraftRefused, match="has ended"):
        raised(draft)


def test_what_becomes_as_it_was_is_no_change(applied):
    draft = begun()
    raised(draft)
    key, _ = contribution(draft)
    services.restore(draft, "contributions", key, by=ANNA)
    assert not services.opened(draft).changes
    raised(draft)
    raised(draft, percent="80")
    assert not services.opened(draft).changes


def test_a_draft_on_a_moved_base_never_overwrites(applied):
    mine, theirs = begun(), begun(by=BEN)
    raised(mine, "90")
    raised(theirs, "70", by=BEN)
    assert services.apply_draft(theirs, by=BEN, reason="first").outcome is Outcome.APPLIED
    held = services.opened(mine)
    (conflict,) = held.conflicts
    assert conflict.theirs["rows"][0]["employee_percent"] == "70"
    refused = services.apply_draft(mine, by=ANNA, reason="second")
    assert refused.outcome is Outcome.REFUSED
    assert [one.code for one in refused.findings] == ["draft_conflict"]
    assert Release.objects.filter(bundle__client_id=ACME).count() == 2
    services.settle(mine, conflict.name, keeps_mine=False, by=ANNA)
    assert not services.opened(mine).changes
    raised(mine, "95")
    assert services.opened(mine).conflicts == []
    assert services.apply_draft(mine, by=ANNA, reason="third").outcome is Outcome.APPLIED


def test_two_drafts_of_different_records_go_together(applied):
    mine, theirs = begun(), begun(by=BEN)
    raised(mine)
    header = services.opened(theirs).parts["bundle"]
    services.put(theirs, "bundle", (), {**header, "name": "Acme Works"}, by=BEN)
    services.apply_draft(theirs, by=BEN, reason="name")
    assert services.apply_draft(mine, by=ANNA, reason="rates").outcome is Outcome.APPLIED
    parts = services.base_of(ACME).parts
    assert parts["bundle"]["name"] == "Acme Works"
    assert parts["contributions"][0]["rows"][0]["employee_percent"] == "90"


def test_a_conflict_may_be_settled_for_the_draft(applied):
    mine, theirs = begun(), begun(by=BEN)
    raised(mine, "90")
    raised(theirs, "70", by=BEN)
    services.apply_draft(theirs, by=BEN, reason="first")
    (conflict,) = services.opened(mine).conflicts
    services.settle(mine, conflict.name, keeps_mine=True, by=ANNA)
    assert services.apply_draft(mine, by=ANNA, reason="mine").outcome is Outcome.APPLIED
    assert services.base_of(ACME).parts["contributions"][0]["rows"][0]["employee_percent"] == "90"


def test_a_record_that_has_begun_is_ended_by_a_day_and_never_removed(applied):
    draft = begun()
    key, record = contribution(draft)
    with pytest.raises(DraftRefused, match="has not begun"):
        services.take_out(draft, "contributions", key, by=ANNA, today=TODAY)
    ended = services.end(draft, "contributions", key, date(2027, 1, 1), "letter", by=ANNA)
    assert services.opened(draft).record("contributions", ended)["active"] is False
    assert services.opened(draft).record("contributions", key) == record
    services.take_out(draft, "contributions", ended, by=ANNA, today=TODAY)
    assert not services.opened(draft).changes


def test_a_copy_needs_a_code_of_its_own(applied):
    draft = begun()
    key, _ = contribution(draft)
    with pytest.raises(DraftRefused, match="a code and a day of its own"):
        services.copy(draft, "contributions", key, {}, by=ANNA)
    new = services.copy(draft, "contributions", key, {"code": "OTHER"}, by=ANNA)
    assert new[0] == "OTHER"
    assert [one.says for one in services.opened(draft).changes.records] == ["new"]


def test_faults_name_their_record(applied):
    draft = begun()
    key, record = contribution(draft)
    rows = [{**record["rows"][0], "coverage_code": "nowhere"}]
    services.put(draft, "contributions", key, {**record, "rows": rows}, by=ANNA)
    found = [one for one in services.opened(draft).findings if one.code == "unknown_code"]
    assert [one.file for one in found] == [f"contributions/{key[0]}~{key[1]}"]
    refused = services.apply_draft(draft, by=ANNA, reason="try")
    assert refused.outcome is Outcome.REFUSED
    with pytest.raises(DraftRefused, match="a record of its shape"):
        services.put(draft, "contributions", key, {**record, "rows": "none"}, by=ANNA)


def test_a_second_person_approves_where_the_client_wants_one(applied, tmp_path):
    folder = make_client(tmp_path / "strict", second_person={"setup": True})
    setup.apply(folder, client_id=ACME, applied_by="test", now=NOW)
    draft = begun()
    raised(draft)
    with pytest.raises(ApprovalWanted, match="another person approves"):
        services.apply_draft(draft, by=ANNA, reason="alone")
    with pytest.raises(DraftRefused, match="a reason"):
        services.apply_draft(draft, by=BEN, reason=" ")


# --- zips ---------------------------------------------------------------------------------------------------

SAMPLES = [SAMPLE_FOLDER / "peo", *sorted((SAMPLE_FOLDER / "clients").iterdir())]


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: folder.name)
def test_export_and_upload_are_the_identity(folder):
    bundle = read(folder).bundle
    data = archives.zipped(bundle)
    again = archives.read_zip(data)
    assert again.findings == []
    assert fingerprint(to_document(again.bundle)) == fingerprint(to_document(bundle))
    assert archives.zipped(again.bundle) == data


def test_an_uploaded_bundle_is_a_draft_that_becomes_it(applied, tmp_path):
    def alter(contributions):
        contributions.insert(0, {**contributions[0], "code": "FIRST"})

    other = read(make_client(tmp_path / "other", contributions=alter)).bundle
    draft = begun()
    assert services.take_over(draft, archives.read_zip(archives.zipped(other)).bundle, by=ANNA) == 1
    change = services.apply_draft(draft, by=ANNA, reason="upload")
    assert change.release.fingerprint == fingerprint(to_document(other))
    same = begun()
    assert services.take_over(same, other, by=ANNA) == 0


def zip_of(**names) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in names.items():
            archive.writestr(name, text)
    return whole.getvalue()


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ({"../bundle.yaml": ""}, "inside the folder"),
        ({"a/../../b.yaml": ""}, "inside the folder"),
        ({"/etc/passwd.csv": ""}, "inside the folder"),
        ({"c:\\x.yaml": ""}, "inside the folder"),
        ({"run.exe": ""}, "leave it out"),
        ({f"{number}.csv": "" for number in range(archives.MOST_FILES + 1)}, "at most 500 files"),
        ({"big.csv": "0" * (archives.LARGEST_UNPACKED + 1)}, "MB unpacked"),
    ],
)
def test_a_zip_cannot_reach_beyond_its_folder(names, says):
    with pytest.raises(archives.ArchiveRefused, match=says):
        archives.read_zip(zip_of(**names))


def test_links_and_other_files_are_refused():
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        link = zipfile.ZipInfo("bundle.yaml")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(archives.ArchiveRefused, match="link"):
        archives.read_zip(whole.getvalue())
    with pytest.raises(archives.ArchiveRefused, match="cannot be read"):
        archives.read_zip(b"no zip")
    reading = archives.read_zip(zip_of(**{"x.yaml": "bundle: {kind: client"}))
    assert reading.bundle is None
    assert [one.code for one in reading.findings] == ["yaml"]


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: folder.name)
def test_nothing_differs_between_a_bundle_and_itself(folder):
    bundle = read(folder).bundle
    plain = plain_record(bundle.parts)
    assert not changes.between(plain, bundle.files, plain, bundle.files)
