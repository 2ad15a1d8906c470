"""Reports kept, shared and sent: always with the rights of who reads them."""

from datetime import UTC, date, datetime

import pytest
from django.core import mail
from django.test import override_settings
from tests.adhoc.conftest import DAY, access_to

from openbenefits.accounts.models import AuditEntry, User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import access_of, end_role, give_role, working
from openbenefits.adhoc.models import ReportSchedule, ReportSending
from openbenefits.adhoc.query import Filter, Query, QueryRefused, document_of, read_query
from openbenefits.adhoc.running import run_query, run_whole
from openbenefits.adhoc.saved import (
    ReportMissing,
    SavingRefused,
    open_report,
    remove_report,
    reports_of,
    save_report,
)
from openbenefits.adhoc.scheduling import Every, next_after, schedule_report, send_due
from openbenefits.adhoc.shipped import SHIPPED
from openbenefits.delivery.services import set_terms

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
BY = {"author": "jane", "now": NOW}
IN_MEMORY = override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
NAMES = Query(subject="people", columns=("client", "employee_number", "birth_on"))


@pytest.fixture(autouse=True)
def no_mail():
    mail.outbox = []


@pytest.fixture
def user(database, filled):
    """A specialist of the first client."""
    number = User.objects.count()
    made = User.objects.create_user(f"jane{number}", f"jane{number}@example.com")
    give_role(made, filled[0].client_id, RoleCode.SPECIALIST, given_by="test", now=NOW)
    return made


def test_who_has_elected_at_renewal_and_who_has_not(database, filled):
    """The report that comes with the product answers it for everybody, and agrees with the events."""
    mine = filled[0].client_id
    found = run_whole(
        database, SHIPPED["renewal-elections"].query, access_to(mine), as_of=DAY, client_id=mine
    )
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.employee_number, e.elected_on IS NOT NULL FROM events_event AS e
            JOIN workforce_person AS p ON p.id = e.person_id
            WHERE e.client_id = %s AND e.schedule_id = %s AND e.event_status IN ('O', 'C')
                  AND e.process_status NOT IN ('AS', 'AN', 'AE', 'FA')  -- who is asked nothing owes no answer
            """,
            [mine, filled[0].open_enrollment],
        )
        truth = dict(cursor.fetchall())
    assert dict(found.frame.select("employee_number", "has_elected").rows()) == truth
    assert set(truth.values()) == {True, False}
    assert found.frame["has_elected"].is_sorted()


@pytest.mark.parametrize("key", SHIPPED)
def test_every_report_that_comes_with_the_product_runs(as_face, filled, key):
    mine = filled[0].client_id
    access = access_to(mine)
    with working(as_face, access):
        _, query, saved = open_report(access, mine, key)
        assert saved is None
        assert read_query(document_of(query)) == query
        run_query(as_face, query, access, as_of=DAY, client_id=mine)


def test_a_report_is_ones_own_until_it_is_shared(as_face, filled):
    mine = filled[0].client_id
    jane, ken = access_to(mine, user_id=1), access_to(mine, user_id=2)
    with working(as_face, jane):
        kept = save_report(jane, mine, " Birthdays ", NAMES, is_shared=False, **BY)
    key = str(kept.pk)
    with working(as_face, ken):
        assert key not in [one.key for one in reports_of(ken, mine)]
        with pytest.raises(ReportMissing):
            open_report(ken, mine, key)
    with working(as_face, jane):
        save_report(jane, mine, "Birthdays", NAMES, is_shared=True, key=key, **BY)
    with working(as_face, ken):
        assert open_report(ken, mine, key)[:2] == ("Birthdays", NAMES)
        with pytest.raises(ReportMissing, match="report of your own"):
            save_report(ken, mine, "Mine now", NAMES, is_shared=True, key=key, **BY)
    other = access_to(filled[1].client_id, user_id=3)
    with working(as_face, other), pytest.raises(ReportMissing):
        open_report(other, mine, key)
    with working(as_face, jane):
        remove_report(jane, mine, key, now=NOW)
        assert key not in [one.key for one in reports_of(jane, mine)]


def test_a_shared_report_shows_its_reader_what_he_may_see(as_face, filled):
    mine = filled[0].client_id
    author = access_to(mine, user_id=1)
    with working(as_face, author):
        kept = save_report(author, mine, "Born", NAMES, is_shared=True, **BY)
        assert run_query(as_face, NAMES, author, as_of=DAY).frame["birth_on"].null_count() == 0
    reader = access_to(mine, code=RoleCode.BROKER, user_id=2)
    with working(as_face, reader):
        _, query, _ = open_report(reader, mine, str(kept.pk))
        found = run_query(as_face, query, reader, as_of=DAY)
    assert (found.total, found.withheld) == (12, ("Born",))
    assert found.frame["birth_on"].null_count() == 12


def test_a_name_is_wanted(as_face, filled):
    mine = filled[0].client_id
    with working(as_face, access_to(mine)), pytest.raises(SavingRefused, match="a name of 1 to 100"):
        save_report(access_to(mine), mine, "  ", NAMES, is_shared=False, **BY)


REFUSED = [
    ({"subject": "secrets", "columns": ["a"]}, "expected one of people"),
    ({"subject": "people", "columns": ["ssn_sealed"]}, "expected a column of the subject"),
    ({"subject": "people", "columns": []}, "at least one column"),
    ({"subject": "people", "columns": ["age", "age"]}, "found age twice"),
    ({"subject": "people", "columns": ["age"], "sql": "DROP TABLE x"}, "as the builder makes it"),
    ({"subject": "people", "columns": ["age"], "order": [{"by": "birth_on"}]}, "expected to sort by one of age"),
    ({"subject": "people", "columns": ["age"], "filters": [{"field": "age", "operator": "contains", "values": ["1"]}]}, "expected one of is,"),
    ({"subject": "people", "columns": ["age"], "filters": [{"field": "age", "operator": "is", "values": ["x"]}]}, "expected a whole number"),
    ({"subject": "people", "columns": ["age"], "filters": [{"field": "annual_pay", "operator": "is", "values": ["1.005"]}]}, "two decimals"),
    ({"subject": "people", "columns": ["age"], "filters": [{"field": "job_status", "operator": "is", "values": ["Z"]}]}, "expected one of A, L"),
    ({"subject": "people", "aggregates": [{"function": "sum", "field": "last_name"}]}, "expected an amount or a day"),
    ({"subject": "people", "aggregates": [{"function": "eval", "field": "age"}]}, "expected one of count"),
    ({"subject": "people", "columns": ["age"], "chart": {"kind": "bar", "label": "age", "value": "state"}}, "picture of a column"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "told"), REFUSED)
def test_what_is_not_in_the_declaration_is_refused_in_words(document, told):
    with pytest.raises(QueryRefused, match=told):
        read_query(document)


@pytest.mark.parametrize("text", ["'; DROP TABLE workforce_person; --", "%(clients)s", "{0}", "\\", "%", "_"])
def test_what_somebody_states_is_a_value_and_never_sql(database, filled, text):
    for operator in ("is", "is_not", "contains", "begins_with"):
        query = Query(
            subject="people",
            columns=("last_name",),
            filters=(Filter(field="last_name", operator=operator, values=(text,)),),
        )
        total = run_query(database, query, access_to(filled[0].client_id), as_of=DAY).total
        assert total == (12 if operator == "is_not" else 0), operator


DAYS = [
    (Every.DAY, date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 2)),
    (Every.WEEK, date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 8)),
    (Every.WEEK, date(2026, 3, 1), date(2026, 3, 20), date(2026, 3, 22)),
    (Every.MONTH, date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28)),
    (Every.MONTH, date(2026, 12, 15), date(2026, 12, 16), date(2027, 1, 15)),
]


@pytest.mark.parametrize(("every", "day", "not_before", "expected"), DAYS)
def test_the_next_day_is_found(every, day, not_before, expected):
    assert next_after(every, day, not_before=not_before) == expected


def ordered(database, user, client_id, **more):
    access = access_of(database, user)
    kept = save_report(access, client_id, "Names", NAMES, is_shared=False, **BY)
    asked = {"every": Every.WEEK, "begins_on": DAY, "attached": False, "now": NOW} | more
    return schedule_report(access, client_id, kept, **asked)


@IN_MEMORY
def test_a_report_that_is_due_is_sent_once_as_a_link(database, filled, user):
    mine = filled[0].client_id
    order = ordered(database, user, mine)
    sent = send_due(database, today=DAY, now=NOW)
    assert [(one.fate, one.rows) for one in sent] == [("sent", 12)]
    (letter,) = mail.outbox
    assert (letter.to, letter.attachments) == ([user.email], [])
    assert f"/workbench/harbor/builder/{order.report_id}/" in letter.body
    assert "12 rows" in letter.body
    assert send_due(database, today=DAY, now=NOW) == []
    order.refresh_from_db()
    assert order.next_on == date(2026, 3, 8)
    assert AuditEntry.objects.filter(user=user, what="report sent by mail", client_id=mine).count() == 1
    ReportSchedule.objects.update(is_ended=True)


@IN_MEMORY
def test_it_runs_with_the_rights_its_reader_has_on_that_day(database, filled, user):
    order = ordered(database, user, filled[0].client_id)
    end_role(user, filled[0].client_id, RoleCode.SPECIALIST, ended_by="test", now=NOW)
    (sent,) = send_due(database, today=DAY, now=NOW)
    assert (sent.fate, mail.outbox, sent.schedule_id) == ("refused", [], order.pk)
    ReportSchedule.objects.update(is_ended=True)


@IN_MEMORY
def test_the_list_goes_along_only_where_the_client_allows_it(database, filled, user):
    mine = filled[0].client_id
    with pytest.raises(SavingRefused, match="lets mails carry"):
        ordered(database, user, mine, attached=True)
    set_terms(mine, attaches=True, author="x", now=NOW)
    ordered(database, user, mine, attached=True)
    send_due(database, today=DAY, now=NOW)
    ((name, data, _),) = mail.outbox[0].attachments
    assert name.endswith(".xlsx")
    assert data[:2] == b"PK"
    set_terms(mine, attaches=False, author="x", now=NOW)
    ReportSchedule.objects.update(is_ended=True)


@override_settings(
    EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=9
)
def test_a_mail_that_fails_stops_no_other(database, filled, user):
    ordered(database, user, filled[0].client_id)
    assert [one.fate for one in send_due(database, today=DAY, now=NOW)] == ["failed"]
    assert ReportSending.objects.order_by("-pk")[0].told == "ConnectionRefusedError"
    ReportSchedule.objects.update(is_ended=True)
