"""Carrier enrolment on its pages: walked from a preview to a refusal seen at the election, read on both widths."""

import re
from pathlib import Path

import msgspec
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client as Browser
from django.utils import timezone
from tests.carriers.judging import judged
from tests.faces.conftest import GIVEN, LENIENT, WIDTHS, check, sign_in, signed_in, text, wide
from tests.runs.conftest import put_enrolled

import openbenefits.carriers
from openbenefits.accounts.models import AuditEntry, User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, give_role
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import perform
from openbenefits.carriers.acknowledgements.reports import Column, Layout
from openbenefits.carriers.agreements.partners import Partner, Transport, save_partner
from openbenefits.carriers.agreements.text import read_text, text_of
from openbenefits.carriers.answers import services as answering
from openbenefits.carriers.building.services import Feed, build, preview
from openbenefits.carriers.custody.readings import lines_of_message
from openbenefits.carriers.filing import services as filing
from openbenefits.carriers.models import (
    CarrierFile,
    FileAct,
    FileLine,
    FileSet,
    PartnerVersion,
    PortalEntry,
    ViewLine,
)
from openbenefits.carriers.opening import of_partner
from openbenefits.events.models import Event
from openbenefits.programs.models import SetupKey
from openbenefits.store.secrets import seal_file
from openbenefits.workforce.models import Client, Person

HERE = "/workbench/carriers/"
CODE = "hmo_blue"
SAMPLES = Path(openbenefits.carriers.__file__).parent / "agreements"
NAMES = {
    "desk": (EVERY_CLIENT, RoleCode.ADMINISTRATOR),
    "reader": (EVERY_CLIENT, RoleCode.AUDITOR),
}
REPORT = Layout(
    kind="delimited",
    columns={
        "subscriber": Column(heading="ID"),
        "member": Column(heading="MEMBER"),
        "verdict": Column(heading="STATUS"),
        "code": Column(heading="CODE"),
        "words": Column(heading="TEXT"),
    },
    verdicts={"OK": "accepted", "BAD": "refused"},
)


@pytest.fixture(scope="module")
def users(database, kept, tmp_path_factory):
    """Two clients with coverage, an agreement of one, and of the PEO; an administrator, a reader, one of quill."""

    def build_all():
        for code in ("harbor", "quill"):
            put_enrolled(tmp_path_factory.mktemp(code), code=code, people=12)
        for name, (client_id, code) in NAMES.items():
            give_role(User.objects.create_user(name, f"{name}@example.com"), client_id, code, **GIVEN)
        only = User.objects.create_user("of quill", "quill@example.com")
        give_role(only, Client.objects.get(code="quill").pk, RoleCode.SPECIALIST, **GIVEN)

    kept(database, "workbench: carriers", build_all)
    return {user.username: user for user in User.objects.all()}


@pytest.fixture(scope="module")
def harbor(users) -> Client:
    return Client.objects.get(code="harbor")


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    return {name: tmp_path_factory.mktemp(name) for name in ("out", "answers")}


@pytest.fixture(scope="module")
def partner(harbor, folders) -> Partner:
    """HMO Blue as harbor agreed it: into a folder, reports read, no bounds of days."""
    told = msgspec.structs.replace(
        read_text((SAMPLES / f"{CODE}.yaml").read_text()),
        name="HMO Blue of Harbor",
        transport=Transport(kind="folder", folder=str(folders["out"]), answers=str(folders["answers"])),
        ahead_days=None,
        freezes=(),
        reports={"errors": REPORT},
        is_per_client=True,
    )
    save_partner(harbor.pk, CODE, told, author="test", now=timezone.now())
    return told


def acknowledgement(file: CarrierFile, code: str, number: int) -> bytes:
    """A 999 of the receiver that judges the only set of a file."""
    one = FileSet.objects.get(file_id=file.pk)
    return judged(file.group, one.control_number, code=code, number=number)


def carried(page) -> ProcessRequest:
    """Let the worker do what was asked for, and answer the request."""
    page.wait_for_url("**/requests/**")
    request = ProcessRequest.objects.latest("pk")
    assert perform(request.pk, timezone.now).state == "done", ProcessRequest.objects.get(pk=request.pk).told
    return ProcessRequest.objects.get(pk=request.pk)


def test_from_a_preview_to_a_refusal_at_the_election(page, site, harbor, partner, folders, tmp_path):
    sign_in(page, site, "desk")
    page.wait_for_url("**/workbench/")
    page.goto(f"{site}{HERE}partners/harbor/{CODE}/")
    page.get_by_role("link", name="Preview for harbor").click()
    assert "added" in page.locator(".cards").inner_text()
    page.get_by_role("button", name="Build the file").click()
    number = carried(page).result["carrier_file"]
    page.reload()
    page.get_by_role("link", name=f"Carrier file {number}").click()
    assert "validated" in page.locator("main .status").first.inner_text()
    page.get_by_label("What you looked at").fill("who is added")
    page.get_by_role("button", name="Release", exact=True).click()
    page.get_by_role("button", name="Send it").click()
    assert carried(page).result["file state"] == "sent"
    sent = list(folders["out"].iterdir())
    assert [one.read_bytes() for one in sent] == [filing.content_of(number)]

    answer = tmp_path / "answer.999"
    answer.write_bytes(acknowledgement(CarrierFile.objects.get(pk=number), "R", 1))
    page.goto(f"{site}{HERE}answers/")
    page.get_by_label("From", exact=True).select_option(f"{harbor.pk}|{CODE}")
    page.get_by_label("File", exact=True).set_input_files(answer)
    page.get_by_role("button", name="Take it in").click()
    page.wait_for_url("**/carriers/answers/*/")
    page.goto(f"{site}{HERE}files/{number}/")
    assert "rejected (999)" in page.locator("main .status").first.inner_text()

    line = FileLine.objects.filter(file_id=number, event_number__isnull=False).order_by("number")[0]
    page.goto(site + event_of(line))
    said = page.locator(".message.error", has_text=CODE).first.inner_text()
    assert "refused" in said
    page.get_by_role("link", name="Where all of their cover stands").click()
    assert "refused" in page.get_by_role("region", name="Cover, line by line").inner_text()
    page.get_by_role("link", name="Stands at").click()
    page.wait_for_url("**cover.sort=stage**")
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("Stands at")
    again = build(
        connections["default"],
        Feed(client_id=harbor.pk, code=CODE),
        on=timezone.localdate(),
        author="test",
        now=timezone.now(),
    )
    assert again is not None
    assert again.resends == number


def event_of(line: FileLine) -> str:
    """The address of the event a line of a file follows from."""
    found = Event.objects.get(
        client_id=line.client_id,
        person_id=line.person_id,
        benefit_record=line.benefit_record,
        schedule_id=line.schedule_id,
        event_number=line.event_number,
    )
    schedule = SetupKey.objects.get(pk=found.schedule_id).code
    person = Person.objects.get(pk=line.person_id)
    where = f"/workbench/harbor/people/{person.employee_number}/events/{schedule}"
    return f"{where}/{line.benefit_record}/{line.event_number}/"


@pytest.fixture(scope="module")
def file(harbor, partner) -> CarrierFile:
    """A file of harbor that waits: as the walk leaves it, or built here."""
    known = CarrierFile.objects.filter(client_id=harbor.pk, state="validated").order_by("-pk").first()
    if known is not None:
        return known
    feed = Feed(client_id=harbor.pk, code=CODE)
    now = timezone.now()
    made = build(connections["default"], feed, on=now.date(), author="test", now=now)
    assert made is not None
    return made


@pytest.fixture(scope="module")
def entry(harbor, file) -> PortalEntry:
    """Something overdue at a portal."""
    line = FileLine.objects.filter(file_id=file.pk, dependent_id=None).order_by("number")[0]
    return PortalEntry.objects.create(
        client_id=harbor.pk,
        partner=CODE,
        partner_client=harbor.pk,
        person_id=line.person_id,
        benefit_record=0,
        line=line.line,
        kind="add",
        action="021",
        begins_on=line.begins_on,
        plan=line.plan,
        tier=line.tier,
        reason="frozen",
        due_on=timezone.localdate().replace(year=2026, month=1, day=5),
        opened_at=timezone.now(),
        opened_by="test",
    )


@pytest.fixture
def desk(users, as_face) -> Browser:
    with LENIENT:
        yield signed_in(Browser(HTTP_HOST="localhost"), users["desk"])


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_reads_well(page, site, file, entry, refused_of, width):
    wide(page, width)
    sign_in(page, site, "desk")
    page.wait_for_url("**/workbench/")
    person = Person.objects.get(pk=entry.person_id)
    taken = answering.take(
        connections["default"],
        file.client_id,
        CODE,
        acknowledgement(file, "A", 900),
        "early.999",
        author="test",
        now=timezone.now(),
    )
    places = (
        *("", "partners/", "partners/load", f"partners/harbor/{CODE}/", "files/", f"files/{file.pk}/"),
        *(f"files/{file.pk}/members", f"feeds/harbor/{CODE}/", "answers/", "refused/", "portal/"),
        *("audits/", f"files/{refused_of[0].pk}/again", "custody/"),
        *(f"answers/{taken.answer_id}/", f"portal/{entry.pk}/"),
    )
    for where in (
        *(HERE + one for one in places),
        "/workbench/harbor/carriers/open/",
        f"/workbench/harbor/people/{person.employee_number}/carriers/",
    ):
        assert page.goto(site + where).status == 200, where
        check(page, (where, width))


def test_an_agreement_is_loaded_with_its_faults_located(desk, harbor, partner):
    where = f"{HERE}partners/load"
    shown = desk.get(where, {"owner": "harbor", "code": CODE})
    assert "HMO Blue of Harbor" in shown.content.decode()
    bad = {
        "owner": "harbor",
        "code": "vision",
        "text": "name: V\ncarriers: [V]\nkind: portal\ndue:\n  report: soon\n",
    }
    answer = desk.post(where, bad)
    assert answer.status_code == 422
    assert "line 5: Expected `int | null`" in answer.content.decode().replace("&#x27;", "'")
    assert not PartnerVersion.objects.filter(code="vision").exists()
    good = bad | {"text": bad["text"].replace("soon", "72")}
    assert desk.post(where, good).status_code == 302
    assert desk.post(where, good | {"text": good["text"].replace("72", "96")}).status_code == 302
    assert desk.post(where, good | {"text": good["text"].replace("72", "96")}).status_code == 302
    one = text(desk.get(f"{HERE}partners/harbor/vision/"))
    assert "version 2," in one
    assert "its report after 96 h" in one
    assert "due.report 72 96" in one
    saved = desk.get(f"{HERE}partners/harbor/vision/?changes.export=csv").content.decode().splitlines()
    assert (saved[0], len(saved)) == ("Version,Made,By,Field,Before,After", 2)
    assert saved[1].endswith(",due.report,72,96")
    assert "nothing but a worklist" in one
    assert desk.get(f"{HERE}agreement.schema.json").json()["title"] == "Partner"


def test_what_an_agreement_has_no_code_for_is_shown(desk, harbor, partner, as_owner):
    where = f"{HERE}partners/harbor/{CODE}/"
    words = "What clients offer and the agreement has no code for"
    assert words not in text(desk.get(where))
    tiers = dict(list(partner.profile.tiers.items())[1:])
    lesser = msgspec.structs.replace(partner, profile=msgspec.structs.replace(partner.profile, tiers=tiers))

    def agreed(told):
        as_owner(lambda: save_partner(harbor.pk, CODE, told, author="test", now=timezone.now()))

    agreed(lesser)
    shown = text(desk.get(where))
    agreed(partner)
    assert words in shown
    assert "add it under tiers of the profile" in shown


def test_an_agreement_written_as_text_reads_as_the_same(partner):
    for one in SAMPLES.glob("*.yaml"):
        told = read_text(one.read_text())
        assert read_text(text_of(told)) == told


def test_a_held_file_wants_words_and_is_withdrawn(desk, file, as_owner):
    def held():
        holds = [{"code": "ends", "words": "Expected at most 25 members to end, found 31."}]
        CarrierFile.objects.filter(pk=file.pk).update(state="held", holds=holds)

    as_owner(held)
    where = f"{HERE}files/{file.pk}/"
    shown = text(desk.get(where))
    assert "found 31" in shown
    assert "held for a person" in shown
    assert "held" in text(desk.get(HERE + "files/", {"state": "held"}))
    refused = desk.post(where + "release", {"words": ""}, follow=True)
    assert "expected why a file that is held may go" in text(refused)
    released = desk.post(where + "release", {"words": "the plant was sold"}, follow=True)
    assert "It is released" in text(released)
    assert "the plant was sold" in text(released)
    gone = desk.post(where + "withdraw", {"words": "built too early"}, follow=True)
    assert "It is withdrawn" in text(gone)
    assert as_owner(FileAct.objects.filter(file_id=file.pk, state="withdrawn").count) == 1
    assert "only" in text(desk.get(HERE + "files/", {"state": "withdrawn"})).lower()


@pytest.fixture(scope="module")
def refused_of(file) -> tuple[CarrierFile, list[str]]:
    """A file that was taken, of whose members a report refused two."""
    made = copied(file, state="confirmed")
    rows = FileLine.objects.filter(file_id=file.pk, dependent_id=None).exclude(line="").order_by("number")[:2]
    for row in rows:
        values = {one.name: getattr(row, one.name) for one in FileLine._meta.concrete_fields}
        verdict = {
            "verdict": "refused",
            "code": "E1",
            "words": "group not open",
            "answered_at": timezone.now(),
        }
        FileLine.objects.create(**values | verdict | {"file_id": made.pk})
    return made, [row.member for row in rows]


def copied(file: CarrierFile, **changed) -> CarrierFile:
    """The same file once more, in another state."""
    names = [one.name for one in CarrierFile._meta.concrete_fields if one.name != "id"]
    return CarrierFile.objects.create(**{name: getattr(file, name) for name in names} | changed)


def test_whom_a_report_refused_is_told_again_with_a_reason(desk, users, refused_of, harbor, as_owner):
    made, members = refused_of
    one, where = f"{HERE}files/{made.pk}/", f"{HERE}files/{made.pk}/again"
    assert "Tell again whom its report refused" in text(desk.get(one))
    assert f"File {made.pk}: 2 lines" in text(desk.get(f"{HERE}partners/harbor/{CODE}/"))
    view = [
        ViewLine(
            client_id=row.client_id,
            partner=CODE,
            subscriber=row.subscriber,
            member=row.member,
            line=row.line,
            begins_on=row.begins_on,
            person_id=row.person_id,
            file_id=made.pk,
        )
        for row in as_owner(lambda: list(FileLine.objects.filter(file_id=made.pk)))
    ]
    as_owner(lambda: ViewLine.objects.bulk_create(view, ignore_conflicts=True))
    assert "2 may be told again" in text(desk.get(where))
    said = {"words": "the group is open now", "member": members[:1]}
    assert "found nobody" in text(desk.post(where, {"words": "x", "who": "picked"}, follow=True))
    assert "expected what was put right" in text(
        desk.post(where, said | {"words": "", "who": "all"}, follow=True)
    )
    done = text(desk.post(where, said | {"who": "picked"}, follow=True))
    assert "It is told again by the next file" in done
    assert "1 may be told again" in done
    assert "the next file says it" in done
    assert "0 may be told again" in text(desk.post(where, said | {"who": "all"}, follow=True))
    assert "lines of a member are told again: the group is open now" in text(desk.get(one))
    noted = AuditEntry.objects.filter(client_id=harbor.pk, what__startswith="tell again what was refused")
    assert as_owner(noted.count) == 2
    reader = signed_in(Browser(HTTP_HOST="localhost"), users["reader"])
    assert reader.get(where).status_code == 403
    quill = signed_in(Browser(HTTP_HOST="localhost"), users["of quill"])
    assert quill.get(where).status_code == 404


def test_where_everybodys_cover_stands_is_counted_and_listed(desk, users, file, refused_of):
    where = HERE + "custody/"
    shown = text(desk.get(where))
    assert "Cover by how far it has come" in shown
    refused = text(desk.get(where, {"stage": "refused", "partner": CODE}))
    assert "Only cover that is refused" in refused
    assert refused.count("group not open") == 2
    assert "no rows" in text(desk.get(where, {"partner": "nobody"}))
    lines = desk.get(where, {"stage": "refused", "lines.export": "csv"}).content.decode().splitlines()
    assert {line.rpartition(",")[0].count("refused") for line in lines[1:]} == {1}
    quill = signed_in(Browser(HTTP_HOST="localhost"), users["of quill"])
    assert "no rows" in text(quill.get(where))


def test_a_filter_of_the_files_is_kept_and_shared(desk, users, file):
    where, keep = HERE + "files/", "/workbench/filters/save"
    said = {"page": "carrier_files", "client_id": "0", "back": where, "query": "state=held&files.page=2"}
    assert "The filter is kept" in text(desk.post(keep, said | {"name": "held ones"}, follow=True))
    reader = signed_in(Browser(HTTP_HOST="localhost"), users["reader"])
    assert "held ones" not in text(reader.get(where))
    desk.post(keep, said | {"name": "held ones", "is_shared": "on"})
    shown = reader.get(where)
    assert "held ones of desk" in text(shown)
    assert 'href="?state=held"' in shown.content.decode()
    assert "Drop" not in text(shown)
    assert "held ones shared" in text(desk.get(where))
    quill = signed_in(Browser(HTTP_HOST="localhost"), users["of quill"])
    assert "held ones" not in text(quill.get(where))


def test_several_files_are_released_and_withdrawn_at_once(desk, users, file, as_owner):
    made = as_owner(lambda: [copied(file, state="validated").pk for _ in range(2)])
    where = f"{HERE}files/act"
    assert "pick some" in text(desk.post(where, {"act": "release", "words": "x"}, follow=True))
    gone = as_owner(lambda: copied(file, state="withdrawn").pk)
    mixed = desk.post(where, {"act": "release", "words": "looked", "pk": [*made, gone]}, follow=True)
    assert "done for each" not in text(mixed)
    states = CarrierFile.objects.filter(pk__in=made).values_list("state", flat=True)
    assert set(as_owner(lambda: list(states.all()))) == {"validated"}
    done = desk.post(where, {"act": "release", "words": "looked at who leaves", "pk": made}, follow=True)
    assert "It is done for each file picked" in text(done)
    assert set(as_owner(lambda: list(states.all()))) == {"released"}
    desk.post(where, {"act": "withdraw", "words": "built too early", "pk": made})
    assert set(as_owner(lambda: list(states.all()))) == {"withdrawn"}
    reader = signed_in(Browser(HTTP_HOST="localhost"), users["reader"])
    assert reader.post(where, {"act": "release", "pk": made}).status_code == 403


def test_who_knows_says_whether_a_broken_transfer_arrived(desk, file, as_owner):
    def broken_off():
        made = copied(file, state="released")
        FileAct.objects.create(
            client_id=made.client_id,
            file_id=made.pk,
            number=1,
            state="released",
            words=filing.PLACED,
            author="test",
            made_at=timezone.now(),
        )
        return made.pk

    where = f"{HERE}files/{as_owner(broken_off)}/"
    assert "Did it arrive?" in text(desk.get(where))
    assert "expected who says so" in text(desk.post(where + "arrived", {"arrived": "yes"}, follow=True))
    said = {"arrived": "yes", "words": "their desk, by phone"}
    assert "their desk, by phone" in text(desk.post(where + "arrived", said, follow=True))
    assert "Did it arrive?" not in text(desk.get(where))


def test_what_a_file_says_is_masked_and_downloads_are_noted(desk, users, file, harbor, as_owner):
    where = f"{HERE}files/{file.pk}/"
    data = as_owner(lambda: filing.content_of(file.pk))
    named = re.sub(rb"(NM1\*IL\*1\*[^*~]*\*[^*~]*)[^~]*", rb"\1****34*219099999", data, count=1)
    rows = CarrierFile.objects.filter(pk=file.pk)
    as_owner(lambda: rows.update(content=seal_file(named)))
    members = text(desk.get(where + "members"))
    assert "subscriber" in members
    assert "•••-••-9999" in members
    assert "219099999" not in members
    born = re.search(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", members.partition("•••-••-9999")[2])[0]
    reader = signed_in(Browser(HTTP_HOST="localhost"), users["reader"])
    assert f"•••-••-9999 {born[:4]} subscriber" in text(reader.get(where + "members"))
    saved = desk.get(where + "members?members.export=csv").content.decode()
    assert saved.startswith("Member,SSN,Born,What is said")
    assert len(saved.splitlines()) == file.members + 1
    assert "•••-••-9999" in saved
    assert "219099999" not in saved
    assert "1–1 of 1" in text(desk.get(where + "members?members.f_ssn=9999&members.sort=-name"))
    as_owner(lambda: rows.update(content=seal_file(data)))
    assert desk.post(where + "content").content == data
    assert desk.get(where + "content").status_code == 405
    noted = AuditEntry.objects.filter(client_id=harbor.pk, what=f"content of carrier file {file.pk}")
    assert as_owner(noted.count) == 1


def test_an_entry_is_done_with_its_reference(desk, entry, as_owner):
    assert "1 overdue" in text(desk.get(HERE + "portal/"))
    where = f"{HERE}portal/{entry.pk}/"
    assert desk.post(where, {"call_reference": ""}).status_code == 422
    done = desk.post(where, {"call_reference": "call 77-A"}, follow=True)
    assert "the partner knows it" in text(done)
    as_owner(entry.refresh_from_db)
    assert (entry.call_reference, entry.done_by) == ("call 77-A", "desk")
    assert "call 77-A" in text(desk.get(HERE + "portal/", {"all": "1"}))


def test_an_answer_that_cannot_be_read_is_told_beside_the_file(desk, harbor, partner):
    feed = f"{harbor.pk}|{CODE}"
    answer = desk.post(HERE + "answers/", {"feed": feed, "file": SimpleUploadedFile("x.txt", b"ISA*00*cut")})
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    nobody = desk.post(HERE + "answers/", {"feed": "999|nobody", "file": SimpleUploadedFile("x", b"x")})
    assert nobody.status_code == 422


def test_who_may_not_sees_and_does_nothing(users, file, entry, as_face):
    with LENIENT:
        reader = signed_in(Browser(HTTP_HOST="localhost"), users["reader"])
        assert reader.get(f"{HERE}files/{file.pk}/").status_code == 200
        for where in ("release", "withdraw", "send", "content"):
            assert reader.post(f"{HERE}files/{file.pk}/{where}").status_code == 403, where
        assert reader.get(f"{HERE}feeds/harbor/{CODE}/").status_code == 403
        assert reader.get(f"{HERE}portal/").status_code == 403
        assert reader.post(f"{HERE}partners/load", {"owner": "harbor"}).status_code == 403
        quill = signed_in(Browser(HTTP_HOST="localhost"), users["of quill"])
        for where in (
            *(f"files/{file.pk}/", f"files/{file.pk}/members", f"portal/{entry.pk}/"),
            *(f"partners/harbor/{CODE}/", f"feeds/harbor/{CODE}/"),
        ):
            assert quill.get(HERE + where).status_code == 404, where
        assert "HMO Blue of Harbor" not in text(quill.get(f"{HERE}partners/"))
        assert quill.post(f"{HERE}files/{file.pk}/release", {"words": "x"}).status_code == 404


def test_lines_of_a_preview_name_people_and_say_why(harbor, partner, file):
    feed = Feed(client_id=harbor.pk, code=CODE)
    found = preview(connections["default"], feed, on=timezone.localdate(), now=timezone.now(), mode="4")
    rows = lines_of_message(found.message)
    assert rows.height == found.message.lines.height
    assert rows["employee_number"].null_count() == 0
    assert set(rows["client"]) == {"harbor"}
    assert rows["why"].null_count() == 0


@pytest.fixture(scope="module")
def full_list(harbor, partner, file) -> bytes:
    """Everybody harbor has with the carrier, as the carrier itself would list them."""
    feed = Feed(client_id=harbor.pk, code=CODE)
    now = timezone.now()
    return preview(connections["default"], feed, on=now.date(), now=now, mode="4").text.encode()


def test_a_full_list_is_compared_and_each_difference_has_its_cause(desk, harbor, full_list):
    where, feed = HERE + "audits/", f"{harbor.pk}|{CODE}"
    changed = full_list.replace(b"*BASICDED*", b"*PREMIUM*", 1)
    form = {"feed": feed, "on": timezone.localdate().isoformat()}
    answer = desk.post(where, form | {"file": SimpleUploadedFile("full.834", changed)}, follow=True)
    shown = text(answer)
    assert "plan: here 42690MA1300038-01, there 42690MA1260001-01" in shown
    assert "11 members on the list" in shown or "members on the list 11" in shown
    assert "about no file of ours" not in shown
    assert "full.834" in text(desk.get(where))
    bad = desk.post(where, form | {"file": SimpleUploadedFile("x", b"nothing of the kind")})
    assert bad.status_code == 422
    assert "errorlist" in bad.content.decode()


def test_a_client_is_opened_with_the_very_file_that_was_shown_and_taken_back(
    desk, users, harbor, partner, full_list, as_owner
):
    where = "/workbench/harbor/carriers/open/"
    mapping = msgspec.structs.replace(of_partner(partner, "harbor"), known="correct")
    form = {"on": timezone.localdate().isoformat(), "mapping": msgspec.yaml.encode(mapping).decode()}

    def hand_in(data: bytes, **said):
        return desk.post(where, form | said | {"file": SimpleUploadedFile("full.834", data)}, follow=True)

    located = desk.post(where, {"mapping": "name: x\nplans: [\n", "on": "2026-01-01"})
    assert "line 3: expected YAML" in text(located)
    assert hand_in(b"ISA*00*cut").status_code == 422
    unsure = hand_in(full_list)
    assert "Nothing of this file can be taken" in text(unsure)
    assert "one program that offers the plan" in text(unsure)
    assert "Open the client with it" not in text(unsure)
    lines = desk.get(unsure.redirect_chain[-1][0], {"findings.export": "csv"}).content.decode()
    assert "HARBOR-HRL, HARBOR-SAL" in lines

    mapping = msgspec.structs.replace(mapping, program="HARBOR-SAL")
    form["mapping"] = msgspec.yaml.encode(mapping).decode()
    before = as_owner(Person.objects.count)
    shown = hand_in(full_list.replace(b"*BASICDED*", b"*PREMIUM*", 1).replace(b"SPRINGFIELD", b"LUDLOW"))
    one = shown.redirect_chain[-1][0]
    assert "What the file brings members in the file 11" in text(shown)
    assert as_owner(Person.objects.count) == before
    act = one.replace("/carriers/open/", "/imports/") + "do"
    assert "It is on its way" in text(desk.post(act, {"act": "import", "is_partial": "yes"}, follow=True))
    assert as_owner(performed).state == "done"
    assert "imported" in text(desk.get(one))
    assert "expected a reason" in text(desk.post(act, {"act": "take back"}, follow=True))
    desk.post(act, {"act": "take back", "reason": "the carrier sent last year's list"})
    assert as_owner(performed).state == "done"
    assert "taken back" in text(desk.get(one))
    assert "full.834" in text(desk.get(where))
    noted = AuditEntry.objects.filter(client_id=harbor.pk, what__contains=": opening ")
    assert {one.what.split(":")[0] for one in as_owner(lambda: list(noted))} >= {"import", "take back"}
    reader = signed_in(Browser(HTTP_HOST="localhost"), users["reader"])
    assert reader.get(where).status_code == 403
    assert reader.get(one).status_code == 403


def performed() -> ProcessRequest:
    """Let the worker do what was asked last."""
    return perform(ProcessRequest.objects.latest("pk").pk, timezone.now)
