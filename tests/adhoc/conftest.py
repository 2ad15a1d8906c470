"""Two clients whose open enrolment is final, with letters, messages and payroll of both."""

from datetime import UTC, date, datetime

import pytest
from tests.accounts.conftest import as_face, pair
from tests.delivery.test_documents import put_document

from openbenefits.accounts.roles import ROLES, RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, Access
from openbenefits.workforce.models import Person

__all__ = ["as_face", "pair"]

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAY = date(2026, 3, 1)


def access_to(*clients, code=RoleCode.SPECIALIST, user_id=1):
    return Access(user_id=user_id, permissions=dict.fromkeys(clients, ROLES[code].permissions))


EVERYWHERE = access_to(EVERY_CLIENT)


@pytest.fixture(scope="module")
def filled(database, pair):
    """The pair, each with a letter to everybody and a pay that took something."""
    with database.cursor() as cursor:
        for employer in pair:
            people = Person.objects.filter(client_id=employer.client_id).order_by("pk")
            for person_id in people.values_list("pk", flat=True)[:5]:
                put_document(database, employer.client_id, person_id)
            cursor.execute(
                """
                INSERT INTO payroll_taken (client_id, person_id, benefit_record, plan_type, kind, tax_class,
                    pay_group_id, ends_on, version, pay_number, taken_cents, change_id, known_since, is_deleted)
                SELECT client_id, id, 0, '10', 'deduction', 'B', 1, '2026-01-10', v, 1, id * 100 + v, 1, now(), v = 3
                FROM workforce_person, generate_series(1, 2 + (id %% 2)::int) AS v WHERE client_id = %s
                """,
                [employer.client_id],
            )
            cursor.execute(
                """
                INSERT INTO events_message (client_id, run_id, person_id, benefit_record, schedule_id,
                    event_number, number, code, severity, expected, found, is_current)
                SELECT client_id, 99, person_id, benefit_record, schedule_id, event_number, 1, 'BA1215', 'W',
                    'a', 'b', true
                FROM events_event WHERE client_id = %s
                """,
                [employer.client_id],
            )
            cursor.execute(
                """
                INSERT INTO enrollment_election (client_id, person_id, benefit_record, schedule_id, event_number,
                    plan_type, slot, submission, option_code, received_on, elector, source, is_withdrawn,
                    files_separately)
                SELECT client_id, person_id, benefit_record, schedule_id, event_number, '10', 0, n, 'WAIVE',
                    '2025-11-05', 'employee', 'file', false, false
                FROM events_event, generate_series(1, 2) AS n WHERE client_id = %s AND person_id %% 3 > 0
                """,
                [employer.client_id],
            )
            cursor.execute(
                "UPDATE events_event SET elected_on = '2025-11-05' WHERE client_id = %s AND person_id %% 3 > 0",
                [employer.client_id],
            )
    return pair
