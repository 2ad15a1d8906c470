"""Statements: what they say, what issuing them does, and that a crash does not lose or double one."""

from datetime import date
from io import BytesIO

import pytest
from pypdf import PdfReader

from openbenefits.delivery.codes import Channel
from openbenefits.delivery.services import choose_channel, documents_of, open_document
from openbenefits.reports import issuing, services

DAY = date(2025, 11, 3)
ON_THE_STATEMENT = """
Harbor Foods
Ann Moss
1001 Pier Street
Salem, MA 01970
Employee number 1001
Open enrolment 2026
January 1, 2026
by November 21, 2025
Ben Moss
spouse
February 29, 2012
Blue Basic Saver
BLUE-1
BLUE-4
Employee only
Family
$75.00
$1,950.00
$6,500.00
$210.50
Neighborhood Prime
Decline this benefit
$25.00
you keep what you have: Blue Basic Saver, Employee only.
Term life
$200,000
proof needed
Harbor credit
$18.46
from $100.00 to $3,400.00
answer required
Signature
taken before tax
"""
ON_THE_CONFIRMATION = """
Your benefits are confirmed
Blue Basic Saver, Family
also covered: Ben Moss, Cal Moss
Jan 1, 2026
Jan 9, 2026
$210.50
$12,000.00
Term life, $150,000
default applied
proof pending
You asked for $200,000
$12.00
$2,400.00 for the year
Harbor credit
$18.46
Taken from each pay: $204.04
not part of this sum
"""


def text_of(path):
    return " ".join(" ".join(page.extract_text() for page in PdfReader(path).pages).split())


def issue(world, folder, now, schedule_id=900, **columns):
    return services.issue_enrollment_statements(
        world.connection, schedule_id, folder=folder, on=DAY, now=now, **columns
    )


@pytest.fixture
def now(world):
    return world.rows("SELECT now()")[0][0]


def test_an_enrolment_statement_says_who_what_and_how_much(world, ann, tmp_path, now):
    result = issue(world, tmp_path, now)
    said = text_of(result.files[0])
    assert [words for words in ON_THE_STATEMENT.strip().splitlines() if words not in said] == []
    assert (
        said.index("Medical") < said.index("Supplemental life") < said.index("spending account (health FSA)")
    )


def test_issuing_moves_the_prepared_and_notes_the_day_once(world, ann, tmp_path, now):
    world.person("1002", "Dan", "Reed")
    entered = world.event("1002", process_status="ET")
    world.person("1003", "Eve", "Hall")
    for status in (
        {"process_status": "PE"},
        {"event_number": 1, "process_indicator": "P"},
        {"event_number": 2, "event_status": "V"},
    ):
        world.event("1003", **status)
    world.step(ann, 1, "AS")
    world.step(ann, 2, "PR", from_status="AS")
    world.rows("UPDATE events_event SET steps = 2 WHERE person_id = %s RETURNING 1", ann["person_id"])
    assert issue(world, tmp_path, now).issued == 2
    held = "SELECT process_status, option_notified_on FROM events_event WHERE person_id = %s ORDER BY steps"
    assert world.rows(held, ann["person_id"]) == [("NT", DAY)]
    assert world.rows(held, entered["person_id"]) == [("ET", DAY)]
    assert sorted(world.rows(held, world.people["1003"])) == [("PE", None), ("PR", None), ("PR", None)]
    steps = "SELECT step, from_status, to_status, cause, actor, run_id FROM events_eventstep WHERE step > 2"
    assert world.rows(steps) == [(3, "PR", "NT", "statement issued", "statements", None)]
    again = issue(world, tmp_path, now)
    assert (again.issued, again.files) == (0, ())


def test_one_file_per_person_with_pages_of_their_own(world, ann, tmp_path, now):
    world.person("1002", "Dan", "Reed")
    world.offer(world.event("1002"))
    result = issue(world, tmp_path, now, per_person=True)
    assert [
        name in text_of(file) for file, name in zip(result.files, ("Ann Moss", "Dan Reed"), strict=True)
    ] == [True, True]
    assert "Ann Moss" not in text_of(result.files[1])
    assert [file.name for file in result.files] == sorted(file.name for file in tmp_path.iterdir())


def test_batches_follow_one_another_and_progress_is_told(world, ann, tmp_path, now):
    for number in ("1002", "1003"):
        world.person(number, "Dan", "Reed")
        world.event(number)
    told = []
    result = issue(world, tmp_path, now, batch_people=2, progress=lambda done, of: told.append((done, of)))
    assert (len(result.files), result.issued, told) == (2, 3, [(2, 3), (3, 3)])


def test_a_crash_before_the_commit_leaves_a_file_that_is_written_again(
    world, ann, tmp_path, now, monkeypatch
):
    class Killed(Exception):
        pass

    def die(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(issuing, "update_from", die)
        with pytest.raises(Killed):
            issue(world, tmp_path, now)
    (left,) = tmp_path.iterdir()
    assert world.rows("SELECT process_status, option_notified_on FROM events_event") == [("PR", None)]
    result = issue(world, tmp_path, now)
    assert (result.issued, list(tmp_path.iterdir())) == (1, [left])
    assert result.files == (left,)


def test_a_later_statement_of_the_same_person_is_another_file(world, ann, tmp_path, now):
    first = issue(world, tmp_path, now).files
    world.rows("UPDATE events_event SET option_notified_on = NULL, process_status = 'ET' RETURNING 1")
    assert not set(issue(world, tmp_path, now).files) & set(first)


def test_people_held_by_a_run_are_left_for_later(world, ann, tmp_path, now):
    other = world.connection.copy("other")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM workforce_person FOR NO KEY UPDATE")
        assert (issue(world, tmp_path, now).issued, issue(world, tmp_path, now).busy) == (0, 1)
    finally:
        other.rollback()
        other.close()
    assert issue(world, tmp_path, now).issued == 1


def test_a_window_counted_from_the_notice_begins_with_it(world, tmp_path, now):
    world.person("1001", "Ann", "Moss")
    own = {
        "window_begins_on": None,  # preparation leaves it open until the notice
        "window_ends_on": None,
        "event_on": date(2025, 10, 11),
    }
    world.event("1001", event_class="MAR", schedule_id=901, **own)
    said = text_of(issue(world, tmp_path, now, schedule_id=901).files[0])
    assert world.rows("SELECT window_begins_on, window_ends_on FROM events_event") == [
        (DAY, date(2025, 12, 3))
    ]
    assert "by December 3, 2025" in said
    assert "Marriage" in said


FORMS = [  # what the class prints; the statement, the confirmation
    ("both", 1, 1),
    ("enrollment", 1, 0),
    ("confirmation", 0, 1),
    ("none", 0, 0),
]


@pytest.mark.parametrize(("forms", "statement", "confirmation"), FORMS)
def test_a_class_says_which_letters_it_prints(world, ann, tmp_path, now, forms, statement, confirmation):
    world.rows("UPDATE programs_eventclass SET forms = %s WHERE code = 'OE' RETURNING 1", forms)
    asked = issue(world, tmp_path, now)
    assert (asked.issued, asked.not_printed) == (statement, 1 - statement)
    held = world.rows("SELECT process_status, option_notified_on FROM events_event")
    assert held == [("NT", DAY) if statement else ("PR", None)]
    world.rows("UPDATE events_event SET process_status = 'FE' RETURNING 1")
    confirmed = services.issue_confirmations(world.connection, 900, folder=tmp_path, on=DAY, now=now)
    assert (confirmed.issued, confirmed.not_printed) == (confirmation, 1 - confirmation)
    noted = world.rows("SELECT confirm_notified_on FROM events_event")
    assert noted == [(DAY if confirmation else None,)]


EARLY = [  # days before the event of 3 December that a statement may be printed; on 3 November it is
    (None, 1),
    (30, 1),
    (31, 1),
    (29, 0),
    (0, 0),
]


@pytest.mark.parametrize(("days", "printed"), EARLY)
def test_a_statement_is_not_printed_too_early_and_a_confirmation_whenever(
    world, ann, tmp_path, now, days, printed
):
    world.rows("UPDATE events_event SET event_on = '2025-12-03' RETURNING 1")
    world.rows("UPDATE programs_eventclass SET enrollment_form_days = %s RETURNING 1", days)
    asked = issue(world, tmp_path, now)
    assert (asked.issued, asked.not_printed) == (printed, 1 - printed)
    world.rows("UPDATE events_event SET process_status = 'FE' RETURNING 1")
    confirmed = services.issue_confirmations(world.connection, 900, folder=tmp_path, on=DAY, now=now)
    assert (confirmed.issued, confirmed.not_printed) == (1, 0)


def test_statements_are_printed_on_letter_or_a4(world, ann, tmp_path, now):
    with pytest.raises(ValueError, match="us-letter, a4"):
        issue(world, tmp_path, now, paper="a5")
    page = PdfReader(issue(world, tmp_path, now, paper="a4").files[0]).pages[0]
    assert (round(page.mediabox.width), round(page.mediabox.height)) == (595, 842)


def test_a_reprint_changes_nothing(world, ann, tmp_path, now):
    asked = {"kind": "enrollment", "name": "lost in the post", "folder": tmp_path}
    people = [ann["person_id"]]
    assert services.reprint(world.connection, 900, person_ids=people, **asked) is None
    issue(world, tmp_path, now)
    before = world.rows("SELECT * FROM events_event")
    file = services.reprint(world.connection, 900, person_ids=people, **asked)
    assert "Ann Moss" in text_of(file)
    assert world.rows("SELECT * FROM events_event") == before


def test_a_reprint_is_what_was_sent_whatever_changed_since(world, ann, tmp_path, now):
    issue(world, tmp_path, now)
    world.rows(
        "UPDATE enrollment_menuoption SET pay_before_tax_cents = 99900 WHERE option_id = 11 RETURNING 1"
    )
    asked = {"kind": "enrollment", "name": "lost", "folder": tmp_path, "person_ids": [ann["person_id"]]}
    said = text_of(services.reprint(world.connection, 900, **asked))
    assert "$75.00" in said
    assert "$999.00" not in said


def test_every_letter_is_kept_and_its_file_is_for_everybody(world, ann, tmp_path, now):
    """Tagged, with a title and a language, tables with headings: what a screen reader needs."""
    world.person("1002", "Dan", "Reed")
    world.offer(world.event("1002"))
    result = issue(world, tmp_path, now)
    kept = [documents_of(world.connection, world.client_id, one) for one in world.people.values()]
    assert [one.select("kind", "channel", "fate", "schedule_id").rows() for one in kept] == [
        [("enrollment", "print", "sent", 900)]
    ] * 2
    whole = text_of(result.files[0])
    for letters, name in zip(kept, ("Ann Moss", "Dan Reed"), strict=True):
        row = letters.row(0, named=True)
        asked = {"client_id": row["client_id"], "person_id": row["person_id"], "author": "x", "now": now}
        file = PdfReader(BytesIO(open_document(row["document_id"], by_person=False, **asked)))
        root = file.trailer["/Root"]
        assert (root["/MarkInfo"]["/Marked"], root["/Lang"]) == (True, "en")
        assert (file.metadata.title, root["/ViewerPreferences"]["/DisplayDocTitle"]) == (
            "Enrolment statement",
            True,
        )
        assert {"/H1", "/H2", "/Table", "/TH", "/TD"} <= set(tags_of(root["/StructTreeRoot"]))
        assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()
        assert name in whole


def tags_of(node):
    """Every tag of a structure tree."""
    node = node.get_object()
    if isinstance(node, list):
        return [tag for child in node for tag in tags_of(child)]
    if not isinstance(node, dict):
        return []
    own = [str(node["/S"])] if "/S" in node else []
    return own + (tags_of(node["/K"]) if "/K" in node else [])


def test_without_a_folder_letters_go_as_their_people_chose(world, ann, now):
    choose_channel(
        world.client_id, ann["person_id"], Channel.PORTAL, consented_on=DAY, how="portal", author="x", now=now
    )
    world.person("1002", "Dan", "Reed")
    world.event("1002")
    result = services.issue_enrollment_statements(world.connection, 900, on=DAY, now=now)
    assert (result.issued, result.files) == (2, ())
    stands = [
        documents_of(world.connection, world.client_id, one).select("channel", "fate").row(0)
        for one in world.people.values()
    ]
    assert stands == [("portal", "sent"), ("print", "waiting")]


def test_a_confirmation_says_what_holds_and_what_it_costs(world, ann, tmp_path, now):
    world.rows("UPDATE events_event SET process_status = 'FE', event_status = 'C' RETURNING 1")
    point = world.coverage(
        "1001", "BLUE-4", event=ann, begins_on=date(2026, 1, 1), deduction_begins_on=date(2026, 1, 9)
    )
    world.covers(point, world.husband, world.son)
    world.coverage(
        "1001", "LIFE4", event=ann, kind="D", begins_on=date(2026, 1, 1), coverage_cents=15_000_000,
        requested_coverage_cents=20_000_000,
    )  # fmt: skip
    world.coverage("1001", "FSA", event=ann, begins_on=date(2026, 1, 1), pledge_cents=240_000)
    result = services.issue_confirmations(world.connection, 900, folder=tmp_path, on=DAY, now=now)
    said = text_of(result.files[0])
    assert [words for words in ON_THE_CONFIRMATION.strip().splitlines() if words not in said] == []
    assert world.rows("SELECT confirm_notified_on, process_status FROM events_event") == [(DAY, "FE")]
    assert services.issue_confirmations(world.connection, 900, folder=tmp_path, on=DAY, now=now).issued == 0


IN_SPANISH = (
    *(
        "Su hoja de inscripción",
        "Responda hasta el 21 de noviembre de 2025.",
        "cónyuge",
        "29 de febrero de 2012",
    ),
    *("conserva lo que tiene: Blue Basic Saver, Solo el empleado.", "Rechazar este beneficio", "Firma"),
    *(
        "Vecindad Preferente",
        "se necesita prueba",
        "de $100.00 a $3,400.00",
        "se descuenta antes de impuestos",
    ),
)
CONFIRMED_IN_SPANISH = (
    *("Sus beneficios están confirmados", "1 ene 2026", "Se descuenta de cada pago: $192.04", "Ben Moss"),
    *("antes de impuestos $210.50", "también cubiertos: Ben Moss, Cal Moss", "Blue Basic Saver, Familia"),
)
ENGLISH = (
    "Neighborhood",
    "Employee",
    "Your",
    "Event ",
    "Coverage",
    "January",
    "Jan ",
    "before",
    "Family",
    "spouse",
)


def test_statements_are_in_the_language_of_their_person(world, ann, tmp_path, now):
    named = {"release_id": 1, "client_id": 1, "language": "es"}
    world.write("programs.Translation", named | {"name": "Neighborhood Prime", "text": "Vecindad Preferente"})
    world.rows("UPDATE workforce_personfact SET language = 'es' RETURNING 1")
    (statement,) = issue(world, tmp_path / "asked", now, per_person=True).files
    world.rows("UPDATE events_event SET process_status = 'FE', event_status = 'C' RETURNING 1")
    point = world.coverage(
        "1001", "BLUE-4", event=ann, begins_on=date(2026, 1, 1), deduction_begins_on=date(2026, 1, 9)
    )
    world.covers(point, world.husband, world.son)
    told = services.issue_confirmations(
        world.connection, 900, folder=tmp_path / "told", on=DAY, now=now, per_person=True
    )
    (confirmation,) = told.files
    for file, words in ((statement, IN_SPANISH), (confirmation, CONFIRMED_IN_SPANISH)):
        said = text_of(file)
        assert [one for one in words if one not in said] == []
        assert [one for one in ENGLISH if one in said] == []
        assert PdfReader(file).trailer["/Root"]["/Lang"] == "es"


def test_a_confirmation_shows_what_an_event_left_unchanged(world, ann, tmp_path, now):
    world.rows("UPDATE events_event SET process_status = 'FE', event_status = 'C' RETURNING 1")
    result = services.issue_confirmations(world.connection, 900, folder=tmp_path, on=DAY, now=now)
    said = text_of(result.files[0])
    assert "Blue Basic Saver, Employee only" in said
    assert "unchanged" in said
    assert "Taken from each pay: $56.54" in said


def test_a_confirmation_says_what_became_of_credits_left_over(world, ann, tmp_path, now):
    [key] = world.rows(
        "UPDATE events_event SET process_status = 'FE', event_status = 'C'"
        " RETURNING client_id, person_id, benefit_record, schedule_id, event_number"
    )
    names = ("client_id", "person_id", "benefit_record", "schedule_id", "event_number")
    event = dict(zip(names, key, strict=True))
    use = event | {"begins_on": date(2026, 1, 1), "made_at": now, "treatment": "rolled_over"}
    use |= {"excess_cents": 48_000, "paid_cents": 0, "is_taken_back": False}
    world.write(
        "enrollment.CreditUse",
        use | {"version": 1, "forfeited_cents": 48_000, "rolled_cents": 0},
        use | {"version": 2, "forfeited_cents": 8_000, "rolled_cents": 40_000},
    )
    world.write("enrollment.CreditRoll", event | {"version": 2, "plan_type": "60", "rolled_cents": 40_000})
    result = services.issue_confirmations(world.connection, 900, folder=tmp_path, on=DAY, now=now)
    said = " ".join(text_of(result.files[0]).split())
    assert "$480.00 is not used up by what you pay before tax" in said
    assert "$400.00 goes into health care spending account" in said
    assert "$80.00 is forfeited" in said
    assert "is paid with your credits" not in said
