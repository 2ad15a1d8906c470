"""The portal's pages as a web process answers them: each employee his own, drafts and submissions apart."""

import re

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from tests.faces.conftest import text
from tests.portal.conftest import event_of

from openbenefits.choosing.models import ChoiceAct, Draft
from openbenefits.delivery.models import Choice
from openbenefits.enrollment.models import Coverage, Designation, Document, Election, ProviderChoice
from openbenefits.programs.models import Bundle, Option, Plan, Translation
from openbenefits.store import use_database
from openbenefits.workforce.models import DependentFact

MAILED = override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")


@pytest.fixture
def owned(database, embedded_server):
    """Look at the tables as their owner, then go on as a face."""

    def look(question):
        url = embedded_server.url(database.settings_dict["NAME"])
        use_database(url)
        try:
            return question()
        finally:
            use_database(url, as_face=True)

    return look


def options_of(page) -> list[str]:
    return re.findall(r'name="option" value="([^"]+)"', page.content.decode())


def mine(user) -> dict[str, int]:
    return {"client_id": user.employee.client_id, "person_id": user.employee.person_id}


def test_the_first_page_says_what_is_open_and_what_one_has(enter, employer):
    page = text(enter("alone 0").get("/portal/"))
    assert "Open enrolment 2026" in page
    assert "Answer by Nov. 21, 2025" in page
    assert "16 days left" in page
    assert "Without an answer, the default of each plan applies" in page
    assert re.search(r"Medical .* Each pay \$[0-9.]+ .* Your employer", page)


def test_names_are_in_the_words_of_the_client(enter, employer, owned):
    browser, event = enter("alone 0"), event_of(employer)
    release = owned(lambda: Bundle.objects.get(client_id=employer.client_id).release_id)
    plan = re.search(r'class="name">([^,<]+)', browser.get(f"{event}plans/10/").content.decode())[1].strip()
    said = {"en": {"Medical": "Doctors and hospitals"}, "es": {plan: "Plan del puerto", "Medical": "Salud"}}
    rows = [
        Translation(release_id=release, client_id=employer.client_id, language=language, name=name, text=text)
        for language, words in said.items()
        for name, text in words.items()
    ]
    owned(lambda: Translation.objects.bulk_create(rows))
    assert "Doctors and hospitals" in text(browser.get("/portal/"))
    spanish = text(browser.get(f"{event}plans/10/", headers={"accept-language": "es"}))
    owned(lambda: Translation.objects.all().delete())
    assert "Plan del puerto" in spanish
    assert "Salud" in spanish
    assert plan not in spanish


def test_a_draft_is_no_submission_until_it_is_submitted(enter, employer, users, owned):
    """Draft and submitted differ, every page says so, and a later edit leaves what was submitted standing."""
    browser, event, who = enter("alone 1"), event_of(employer), mine(users["alone 1"])
    plan = f"{event}plans/10/"
    codes = [code for code in options_of(browser.get(plan)) if code != "WAIVE"]
    first, second = codes[0], codes[-1]
    saved = browser.post(plan, {"option": first, "go": "review"}, follow=True)
    assert saved.redirect_chain[-1][0] == f"{event}review/"
    assert "You have changes that were not submitted" in text(browser.get("/portal/family/"))
    assert not owned(lambda: Election.objects.filter(**who).exists())
    with MAILED:
        done = browser.post(f"{event}review/", {}, follow=True)
    assert re.search(r"Confirmation \d+", text(done))
    assert "not submitted" not in text(browser.get("/portal/family/"))
    assert mail.outbox[-1].to == [users["alone 1"].email]
    assert "Medical" in mail.outbox[-1].body
    mail.outbox.clear()
    browser.post(plan, {"option": second, "go": ""})
    assert "You have changes that were not submitted" in text(browser.get("/portal/"))
    standing = owned(lambda: list(Election.objects.filter(**who).values_list("plan_type", "option_code")))
    assert standing == [("10", first)]
    held = owned(lambda: Coverage.objects.filter(**who, plan_type="10", begins_on="2026-01-01").count())
    assert held <= 1
    browser.post(f"{event}discard/")
    assert "You have changes that were not submitted" not in text(browser.get("/portal/"))
    kinds = owned(lambda: [act.kind for act in ChoiceAct.objects.filter(**who).order_by("pk")])
    assert kinds == ["view", "save", "submit", "save", "discard"]


def test_what_the_engine_refuses_is_said_at_its_plan_and_nothing_is_submitted(enter, employer, users, owned):
    browser, event, who = enter("alone 2"), event_of(employer), mine(users["alone 2"])
    form = f"{event}plans/60/"
    empty = browser.post(form, {"option": "FSA", "amount": "", "unit": "year"})
    assert empty.status_code == 422
    assert "Say how much." in text(empty)
    assert 'aria-invalid="true"' in empty.content.decode()
    assert browser.post(form, {"option": "FSA", "amount": "99999", "unit": "year"}).status_code == 302
    page = browser.get(f"{event}review/")
    assert "outside the limits" in text(page)
    assert f'href="{event}plans/60/"' in page.content.decode()
    refused = browser.post(f"{event}review/", {})
    assert refused.status_code == 422
    assert not owned(lambda: Election.objects.filter(**who).exists())
    assert owned(lambda: Draft.objects.filter(**who).count()) == 1


def test_a_pledge_of_each_pay_is_shown_as_the_year_it_is(enter, employer):
    browser, event = enter("alone 3"), event_of(employer)
    page = text(browser.get(f"{event}plans/60/"))
    pays = int(re.search(r"(\d+) pays of the year", page)[1])
    browser.post(f"{event}plans/60/", {"option": "FSA", "amount": "20", "unit": "pay"})
    review = text(browser.get(f"{event}review/"))
    assert f"${20 * pays:,}.00 for the year ({pays} × $20.00)" in review, review


def test_what_binds_for_a_year_is_asked_twice_and_a_renewal_is_not(enter, employer):
    browser, event = enter("alone 4"), event_of(employer)
    assert "Please make sure" not in text(browser.get(f"{event}keep/"))
    browser.post(f"{event}plans/10/", {"option": "WAIVE"})
    browser.post(f"{event}plans/61/", {"option": "DCFSA", "amount": "1000", "unit": "year"})
    page = browser.get(f"{event}review/")
    assert "no coverage of this kind any more" in text(page)
    assert "children under 13" in text(page)
    asked = re.findall(r'name="sure" value="([^"]+)"', page.content.decode())
    assert asked == ["dropped:10", "no_child:61"]
    half = browser.post(f"{event}review/", {"sure": asked[:1]})
    assert half.status_code == 422
    assert "Tick each of these" in text(half)
    done = browser.post(f"{event}review/", {"sure": asked}, follow=True)
    assert "No coverage of this kind" in text(done)


def test_one_step_keeps_all_and_the_confirmation_is_a_page_and_a_pdf(enter, employer):
    browser, event = enter("alone 5"), event_of(employer)
    page = browser.get(f"{event}keep/")
    assert "Keep this and submit" in text(page)
    done = browser.post(f"{event}keep/", {}, follow=True)
    number = re.search(r"Confirmation (\d+)", text(done))[1]
    pdf = browser.get(f"/portal/confirmations/{number}.pdf")
    assert pdf.content.startswith(b"%PDF-")
    assert f"Confirmation {number}" in text(browser.get("/portal/history/"))
    told = browser.get("/portal/history.csv").content.decode()
    assert ",submit," in told


def test_nobody_sees_anothers(enter, employer, users, owned):
    with_one, other = enter("alone 6"), enter("alone 7")
    event = event_of(employer)
    done = with_one.post(f"{event}keep/", {}, follow=True)
    number = re.search(r"Confirmation (\d+)", text(done))[1]
    paper = SimpleUploadedFile("birth.pdf", b"%PDF-1.7 a paper", "application/pdf")
    with_one.post("/portal/papers/", {"kind": "other", "about": "person", "file": paper})
    document = owned(lambda: Document.objects.filter(**mine(users["alone 6"])).get().pk)
    assert with_one.get(f"/portal/papers/{document}/").content == b"%PDF-1.7 a paper"
    for address in (
        f"/portal/confirmations/{number}/",
        f"/portal/confirmations/{number}.pdf",
        f"/portal/papers/{document}/",
        f"/portal/events/{employer.event_maintenance}-1-0/",
        "/portal/family/77/",
        "/portal/events/99999999999999999999-0-0/",
    ):
        assert other.get(address).status_code == 404, address


def test_letters_are_on_paper_until_somebody_agrees_to_something_else(enter, users, owned):
    browser = enter("alone 6")
    assert 'value="print" checked' in browser.get("/portal/letters/").content.decode()
    browser.post("/portal/letters/", {"way": "pigeon"})
    browser.post("/portal/letters/", {"way": "portal"})
    assert 'value="portal" checked' in browser.get("/portal/letters/").content.decode()
    said = owned(lambda: list(Choice.objects.filter(**mine(users["alone 6"])).values_list("channel", "how")))
    assert said == [("portal", "portal")]
    assert browser.get("/portal/letters/1.pdf").status_code == 404


def test_a_program_is_no_paper(enter):
    browser = enter("alone 6")
    program = SimpleUploadedFile("paper.pdf", b"MZ\x90", "application/pdf")
    answer = browser.post("/portal/papers/", {"kind": "other", "about": "person", "file": program})
    assert answer.status_code == 422
    assert "Expected a PDF, a JPEG or a PNG" in text(answer)


def test_a_birth_of_four_fields_reaches_covered_from(enter, users, owned):
    """Without a social security number; the child is in the health plans held, from the day of birth."""
    browser = enter("head 0")
    child = {"first_name": "Ida", "last_name": "New", "on": "2025-11-01", "sex": "F"}
    page = browser.post("/portal/life/BIR/", child, follow=True)
    assert page.status_code == 200
    assert "Covered from Nov. 1, 2025" in text(page)
    event = page.redirect_chain[-1][0]
    review = browser.post(f"{event}cover/", follow=True)
    assert "Ida New" in text(review)
    done = browser.post(f"{event}review/", {}, follow=True)
    assert re.search(r"From Nov. 1, 2025 .*Ida New", text(done))
    points = owned(
        lambda: list(
            Coverage.objects.filter(
                **mine(users["head 0"]), plan_type="10", begins_on="2025-11-01"
            ).values_list("kind")
        )
    )
    assert points == [("E",)]
    again = browser.post("/portal/life/BIR/", child)
    assert again["Location"] == event  # the same report leads to the same event
    facts = owned(lambda: DependentFact.objects.filter(**mine(users["head 0"]), first_name="Ida").count())
    assert facts == 1


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"on": "2025-11-06"}, "one to come"),
        ({"on": "1850-01-01"}, "after 1900"),
        ({"on": "soon"}, "valid date"),
        ({}, "required"),
    ],
)
def test_a_day_that_cannot_be_is_said_at_its_field(enter, told, found):
    answer = enter("alone 6").post("/portal/life/FSC/", told)
    assert answer.status_code == 422
    assert found in text(answer)


def test_a_report_too_late_waits_for_the_office(enter):
    page = enter("alone 7").post("/portal/life/MAR/", SPOUSE | {"on": "2025-09-01"}, follow=True)
    assert "The benefits office looks at it first" in text(page)


SPOUSE = {"first_name": "Sam", "last_name": "Doe", "birth_on": "1990-05-05", "sex": "M"}


def test_there_is_one_spouse_at_a_time(enter):
    browser = enter("alone 8")
    first = browser.post("/portal/life/MAR/", SPOUSE | {"on": "2025-10-20"}, follow=True)
    assert "Sam Doe" in text(browser.get("/portal/family/"))
    assert first.status_code == 200
    second = {**SPOUSE, "first_name": "Kim", "person_type": "SP", "since": "2025-11-01"}
    asked = browser.post("/portal/family/add/", second)
    assert asked.status_code == 422
    assert "Tick this if that has ended" in text(asked)
    browser.post("/portal/family/add/", second | {"ends_first": "on"})
    page = text(browser.get("/portal/family/"))
    assert "Kim Doe" in page.split("No longer dependents")[0]
    assert "Sam Doe" in page.split("No longer dependents")[1]


def test_one_says_who_receives_at_any_time(enter, users, owned, employer):
    """Shares are 100 of each class; the last word counts, here and in what an enrolment begins with."""
    browser = enter("head 4")
    family = browser.get("/portal/family/")
    assert "Nobody is named" in text(family)
    address = "/portal/family/receivers/0-20/"
    numbers = re.findall(r'name="share_(\d+)"', browser.get(address).content.decode())
    for wrong in (
        {},
        {f"share_{numbers[0]}": "60"},
        {f"share_{numbers[0]}": "100", f"contingent_{numbers[0]}": "9"},
    ):
        refused = browser.post(address, wrong)
        assert refused.status_code == 422
        assert "add up to 100" in text(refused)
    added = {
        "first_name": "Town",
        "last_name": "Library",
        "person_type": "BN",
        "since": "2025-11-01",
        "birth_on": "1950-01-01",
    }
    browser.post("/portal/family/add/", added)
    *_, friend = re.findall(r'name="share_(\d+)"', browser.get(address).content.decode())
    browser.post(address, {f"share_{numbers[0]}": "100", f"contingent_{friend}": "100"})
    assert "Town Library, 100 %, only if nobody else" in text(browser.get("/portal/family/"))
    browser.post(address, {f"share_{numbers[0]}": "62.5", f"share_{friend}": "37.5"})
    assert "Town Library, 37.5 %" in text(browser.get("/portal/family/"))
    again = browser.post(address, {f"share_{numbers[0]}": "62.5", f"share_{friend}": "37.5"})
    assert again.status_code == 302
    assert owned(lambda: Designation.objects.filter(**mine(users["head 4"])).count()) == 4  # two acts of two
    assert browser.get("/portal/family/receivers/0-10/").status_code == 404


def test_an_enrolment_begins_with_who_receives_now(enter, users, owned, employer):
    held = Coverage.objects.filter(plan_type="21", kind="E")
    holders = owned(lambda: set(held.values_list("person_id", flat=True)))
    browser = enter(next(name for name, user in users.items() if user.employee.person_id in holders))
    browser.post("/portal/family/add/", SPOUSE | {"person_type": "BN", "since": "2025-11-01"})
    address = "/portal/family/receivers/0-21/"
    *_, friend = re.findall(r'name="share_(\d+)"', browser.get(address).content.decode())
    assert browser.post(address, {f"share_{friend}": "100"}).status_code == 302
    (field,) = re.findall(
        rf'<input[^>]*name="share_{friend}"[^>]*>',
        browser.get(f"{event_of(employer)}plans/21/").content.decode(),
    )
    assert 'value="100"' in field


def test_each_member_of_a_plan_that_asks_names_a_dentist(enter, users, owned):
    """The last word counts; a number with a slip is said, and who has no such plan is asked nothing."""
    held = Coverage.objects.filter(plan_type="11", kind="E", option_id__in=owned(options_that_ask))
    asked = owned(lambda: set(held.values_list("person_id", flat=True)))
    holder = next(name for name, user in users.items() if user.employee.person_id in asked)
    browser = enter(holder)
    assert "Your doctors and dentists" in text(browser.get("/portal/family/"))
    said = {"seat": "0-11-0", "0-11-0-name": "Dr. Ada Reyes", "0-11-0-is_patient": "yes"}
    slip = browser.post("/portal/family/providers/", said | {"0-11-0-provider_id": "1234567890"})
    assert slip.status_code == 422
    assert "Look for a slip" in text(slip)
    done = browser.post("/portal/family/providers/", said | {"0-11-0-provider_id": "1234567893"}, follow=True)
    assert 'value="1234567893"' in done.content.decode()
    browser.post("/portal/family/providers/", said | {"0-11-0-provider_id": "D-4711"})
    stored = owned(lambda: list(ProviderChoice.objects.filter(**mine(users[holder])).order_by("number")))
    assert [(one.number, one.provider_id, one.is_patient) for one in stored] == [
        (1, "1234567893", True),
        (2, "D-4711", True),
    ]
    other = next(name for name, user in users.items() if user.employee.person_id not in asked)
    assert "asks for a doctor" in text(enter(other).get("/portal/family/providers/"))
    assert enter(other).post("/portal/family/providers/", said).status_code == 404


def options_that_ask():
    plans = Plan.objects.filter(names_provider=True).values("plan_id")
    return list(Option.objects.filter(plan_id__in=plans).values_list("option_id", flat=True))


def test_a_person_is_corrected_and_an_address_changed(enter):
    browser = enter("head 1")
    number = re.search(r"/portal/family/(\d+)/", browser.get("/portal/family/").content.decode())[1]
    told = {"first_name": "Robin", "last_name": "Changed", "birth_on": "2015-02-03", "sex": ""}
    browser.post(f"/portal/family/{number}/", told)
    assert "Robin Changed" in text(browser.get("/portal/family/"))
    home = {
        "line1": "1 New Street",
        "city": "Boston",
        "state": "m1",
        "postal_code": "02134",
        "since": "2025-11-01",
    }
    assert "two letters" in text(browser.post("/portal/profile/", home))
    browser.post("/portal/profile/", home | {"state": "ma"})
    assert "1 New Street, Boston, MA 02134" in text(browser.get("/portal/profile/"))


def test_plans_are_compared_by_expected_use(enter, employer):
    page = text(enter("alone 9").get(f"{event_of(employer)}plans/10/compare/?level=own&primary_visits=x"))
    assert "Compare plans" in page
    much = text(enter("alone 9").get(f"{event_of(employer)}plans/10/compare/?level=high"))
    assert "at its most" in much


def test_every_page_speaks_spanish(enter, employer):
    browser = enter("alone 9")
    browser.post("/language/setlang/", {"language": "es", "next": "/"})
    page = text(browser.get("/portal/"))
    assert "Lo que tiene hoy" in page
    assert "Responda a más tardar el 21 de noviembre de 2025" in page
    assert "Solo el empleado" in page
    for address in (
        "life/",
        "life/BIR/",
        "family/",
        "family/add/",
        "papers/",
        "pay/",
        "history/",
        "profile/",
    ):
        answer = browser.get(f"/portal/{address}")
        assert 'lang="es"' in answer.content.decode()
        for english in ("Save", "Report", "What you", "Nobody", "None yet", "Together"):
            assert not re.search(rf"\b{english}\b", text(answer)), (address, english)


def test_staff_has_no_portal(employer, as_face, database, embedded_server):
    from django.test import Client as Browser
    from tests.faces.conftest import GIVEN, LENIENT

    from openbenefits.accounts.models import User
    from openbenefits.accounts.roles import RoleCode
    from openbenefits.accounts.services import give_role

    url = embedded_server.url(database.settings_dict["NAME"])
    use_database(url)
    user = User.objects.create_user("a specialist")
    give_role(user, employer.client_id, RoleCode.SPECIALIST, **GIVEN)
    use_database(url, as_face=True)
    browser = Browser(HTTP_HOST="localhost")
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    with LENIENT:
        assert browser.get("/portal/").status_code == 403
