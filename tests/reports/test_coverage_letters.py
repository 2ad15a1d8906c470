"""Letters of coverage and of loss: who, which plan, from when, through when; kept, and given to its way."""

from datetime import date
from importlib.resources import files
from io import BytesIO

import polars as pl
import pytest
from pypdf import PdfReader

from openbenefits.delivery.codes import DocumentKind
from openbenefits.delivery.services import documents_of, open_document
from openbenefits.reports.covered_spans import load_covered_spans, lost
from openbenefits.reports.issuing_letters import LetterOrder, LetterRefused, issue_letters
from openbenefits.reports.labels import labels_pdf
from openbenefits.reports.spoken import words_of
from openbenefits.reports.tabulated import pdf_of

DAY = date(2025, 11, 3)


@pytest.fixture
def now(world):
    return world.rows("SELECT now()")[0][0]


@pytest.fixture
def family(world, ann):
    """Ann: medical alone since 2025, then with her family from March to the end of September; life since July."""
    point = world.coverage("1001", "BLUE-4", begins_on=date(2025, 3, 1))
    world.covers(point, world.husband, world.son)
    world.coverage("1001", "NOMED", kind="W", begins_on=date(2025, 10, 1))
    world.coverage("1001", "LIFE2", begins_on=date(2025, 7, 1), coverage_cents=10_000_000)
    return ann["person_id"]


def issue(world, now, kind, **more):
    order = LetterOrder(client_id=world.client_id, kind=kind, as_of=DAY, **more)
    return issue_letters(world.connection, order, on=DAY, now=now, actor="test")


def text_of(world, document_id, person_id, now):
    pdf = open_document(
        document_id, client_id=world.client_id, person_id=person_id, author="x", now=now, by_person=False
    )
    file = PdfReader(BytesIO(pdf))
    assert file.trailer["/Root"]["/MarkInfo"]["/Marked"] == True  # noqa: E712 - a type of its own
    return file.metadata.title, " ".join(" ".join(page.extract_text() for page in file.pages).split())


def test_a_letter_of_coverage_says_what_holds_on_the_day(world, family, now):
    world.person("1002", "Dan", "Reed")
    result = issue(world, now, DocumentKind.COVERAGE)
    assert (len(result.documents), result.nothing, result.had_one) == (1, 1, 0)
    title, said = text_of(world, result.documents[0], family, now)
    assert title == "Letter of coverage"
    for words in (
        "Ann Moss",
        "Term life",
        "$100,000",
        "July 1, 2025",
        "no end known",
        "Harbor Foods",
        "November 3, 2025",
    ):
        assert words in said
    assert "Blue Basic Saver" not in said


def test_a_letter_of_loss_says_of_each_of_the_family_from_when_through_when(world, family, now):
    result = issue(world, now, DocumentKind.LOSS, since=date(2025, 9, 1))
    title, said = text_of(world, result.documents[0], family, now)
    assert title == "Letter of loss of coverage"
    for words in (
        "Ann Moss Blue Basic Saver",
        "January 1, 2025 September 30, 2025",  # a change of coverage code is no gap
        "Ben Moss spouse",
        "March 1, 2025 September 30, 2025",
        "special enrolment period",
    ):
        assert words in said
    assert "Term life" not in said
    assert issue(world, now, DocumentKind.LOSS, since=date(2025, 10, 1)).nothing == 0
    assert documents_of(world.connection, world.client_id, family)["kind"].to_list() == ["loss"]


def test_a_letter_is_in_the_language_of_its_person(world, family, now):
    world.person("1003", "Eva", "Ruiz", language="es")
    world.coverage("1003", "BLUE-4", begins_on=date(2025, 3, 1))
    result = issue(world, now, DocumentKind.COVERAGE)
    english, spanish = result.documents
    title, said = text_of(world, spanish, world.people["1003"], now)
    assert title == "Carta de cobertura"
    for words in ("A quien corresponda", "1 de marzo de 2025", "sin fin conocido", "3 de noviembre de 2025"):
        assert words in said
    for words in ("Coverage", "Covered", "Date", "Page", "November", "letter"):
        assert words not in said
    assert text_of(world, english, family, now)[0] == "Letter of coverage"


def test_every_word_of_the_templates_has_its_spanish():
    folder = files("openbenefits.reports")
    templates = {one.name: one.read_text() for one in folder.iterdir() if one.name.endswith(".typ")}
    spanish = words_of(templates, "es")
    assert len(spanish) > 80
    assert {word for word, said in spanish.items() if word == said} <= {"Plan"}
    assert words_of(templates, "en") == {word: word for word in spanish}


def test_who_has_a_letter_of_the_day_gets_no_second_one_unless_asked_for(world, family, now):
    issue(world, now, DocumentKind.COVERAGE)
    again = issue(world, now, DocumentKind.COVERAGE)
    assert (again.documents, again.had_one) == ((), 1)
    assert len(issue(world, now, DocumentKind.COVERAGE, again=True).documents) == 1


def test_another_plan_of_the_same_kind_is_no_loss(world, ann):
    world.coverage("1001", "NHP-1", begins_on=date(2025, 6, 1))
    people = pl.DataFrame(
        {"client_id": [world.client_id], "person_id": [ann["person_id"]]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
    spans = load_covered_spans(world.connection, people)
    assert spans.select("plan", "from_on", "last_on").rows() == [
        ("Blue Basic Saver", date(2025, 1, 1), date(2025, 5, 31)),
        ("Neighborhood Prime", date(2025, 6, 1), None),
    ]
    assert lost(spans, date(2025, 1, 1), DAY).is_empty()


def test_a_loss_needs_the_day_it_is_looked_for_from(world, now):
    with pytest.raises(LetterRefused, match="expected the first day"):
        issue(world, now, DocumentKind.LOSS)
    with pytest.raises(LetterRefused, match="expected coverage or loss"):
        issue(world, now, DocumentKind.ENROLLMENT)


@pytest.mark.parametrize(("paper", "per_sheet"), [("us-letter", 30), ("a4", 24)])
def test_labels_fill_their_sheets(paper, per_sheet):
    rows = pl.DataFrame(
        {
            "name": [f"Person {number}" for number in range(per_sheet + 1)] + ["Nowhere"],
            "line1": ["1 Pier Street"] * (per_sheet + 1) + [None],
            "city": "Salem",
            "state": "MA",
            "postal_code": "01970",
            "country": ["USA"] * per_sheet + ["CAN"] * 2,
        }
    )
    pages = PdfReader(BytesIO(labels_pdf(rows, title="Labels", paper=paper))).pages
    assert [page.extract_text().count("Pier Street") for page in pages] == [per_sheet, 1]
    assert "CAN" in pages[1].extract_text()
    assert not [page for page in pages if "Nowhere" in page.extract_text()]
    skipped = PdfReader(BytesIO(labels_pdf(rows, title="Labels", paper=paper, skip=2))).pages
    assert [page.extract_text().count("Pier Street") for page in skipped] == [per_sheet - 2, 3]


def test_a_report_as_pdf_repeats_its_headings_and_says_its_selections():
    rows = pl.DataFrame(
        {"employee_number": [str(one) for one in range(120)], "day": date(2026, 1, 5), "amount": 7}
    )
    pdf = pdf_of(
        "BAS027 Process status",
        {"Process status": rows, "None of it": rows.clear()},
        selections=[("Department", "Sales*")],
        made="November 3, 2025",
    )
    file = PdfReader(BytesIO(pdf))
    root = file.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"], file.metadata.title) == (
        "en",
        True,
        "BAS027 Process status",
    )
    said = [page.extract_text() for page in file.pages]
    assert len(said) > 2
    assert all("Employee number" in page for page in said[:-1])
    assert "Department: Sales*" in said[0]
    assert "Jan 5, 2026" in said[0]
    assert "Nothing to list." in said[-1]
    assert f"1 of {len(said)}" in said[0]
