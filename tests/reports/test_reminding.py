"""Reminders by rule: who is due, one letter for all that is missing, in his language; noted, and not twice."""

from datetime import date, timedelta

import polars as pl
import pytest
from django.core import mail
from django.test import override_settings

from openbenefits.background.nightly import remind_all
from openbenefits.background.tasks import NIGHTLY
from openbenefits.delivery.codes import Channel
from openbenefits.delivery.services import choose_channel, documents_of
from openbenefits.enrollment import evidence_deciding, verifying
from openbenefits.programs.sections.operation import DeadlinesPart
from openbenefits.reports import reminding
from openbenefits.reports.reminding import due, remind_due
from openbenefits.workforce.models import Client

RULE = DeadlinesPart(evidence_days=60, dependent_days=45, first_reminder_days=10, reminder_every_days=14)
DAY = date(2026, 3, 20)


@pytest.mark.parametrize(
    ("since", "reminded", "deadline", "is_due"),
    [
        (DAY - timedelta(days=9), None, None, False),
        (DAY - timedelta(days=10), None, None, True),
        (DAY - timedelta(days=30), DAY - timedelta(days=13), None, False),
        (DAY - timedelta(days=30), DAY - timedelta(days=14), DAY, True),
        (DAY - timedelta(days=30), DAY - timedelta(days=14), DAY - timedelta(days=1), False),
    ],
)
def test_who_is_due_first_then_every_so_many_days_until_the_deadline(since, reminded, deadline, is_due):
    days = {"since": since, "reminded_on": reminded, "deadline_on": deadline}
    rows = pl.DataFrame([days], schema=dict.fromkeys(days, pl.Date))
    assert due(rows, RULE, DAY).height == is_due
    assert due(rows, DeadlinesPart(), DAY).is_empty()
    once = DeadlinesPart(first_reminder_days=10)
    assert due(rows, once, DAY).height == (is_due and reminded is None)


@pytest.fixture
def missing(world, ann, monkeypatch):
    """Ann waits for evidence about life; her husband and son are covered and not proved."""
    for module in (evidence_deciding, verifying):
        monkeypatch.setattr(module, "deadlines_of", lambda _: RULE)
    point = world.coverage("1001", "BLUE-4", begins_on=date(2025, 3, 1))
    world.covers(point, world.husband, world.son)
    world.coverage(
        "1001",
        "LIFE4",
        begins_on=date(2025, 3, 1),
        coverage_cents=15_000_000,
        requested_coverage_cents=20_000_000,
    )
    return world.rows("SELECT made_at FROM enrollment_coverage ORDER BY made_at DESC LIMIT 1")[0][0]


def told(world, monkeypatch, on, now):
    """Remind, and answer what was done and what the letters said."""
    said = []
    issue = reminding.issue_notices
    monkeypatch.setattr(
        reminding, "issue_notices", lambda *given, **how: said.append(given[2]) or issue(*given, **how)
    )
    return remind_due(world.connection, world.client_id, on=on, now=now, author="nightly"), said


def test_one_letter_tells_of_all_that_is_missing_and_comes_again(world, missing, monkeypatch):
    made = missing
    first = made.date() + timedelta(days=10)
    assert told(world, monkeypatch, first - timedelta(days=1), made)[0]["letters"] == 0
    done, said = told(world, monkeypatch, first, made)
    assert done == {"letters": 1, "evidence": 1, "papers": 2}
    body = said[0]["body"][0]
    for words in ("Supplemental life", "Ben Moss, Cal Moss", "Please send it by"):
        assert words in body
    assert told(world, monkeypatch, first, made)[0]["letters"] == 0

    world.rows("UPDATE workforce_personfact SET language = 'es' RETURNING 1")
    done, said = told(world, monkeypatch, first + timedelta(days=14), made)
    assert done["letters"] == 1
    assert said[0]["title"].to_list() == ["Todavía falta algo"]
    late = made.date() + timedelta(days=50)
    assert told(world, monkeypatch, late, made)[0] == {"letters": 1, "evidence": 1, "papers": 0}
    assert told(world, monkeypatch, late + timedelta(days=14), made)[0]["letters"] == 0
    letters = documents_of(world.connection, world.client_id, world.people["1001"])
    assert letters["kind"].to_list() == ["notice"] * 3
    assert letters["fate"].to_list() == ["waiting"] * 3


@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_the_night_mails_who_agreed_to_mail_a_link_and_nothing_more(world, missing):
    mail.outbox = []
    ann = world.people["1001"]
    world.rows("UPDATE workforce_personfact SET language = 'es', email = 'ann@example.com' RETURNING 1")
    said = {"consented_on": missing.date(), "how": "on paper", "author": "test", "now": missing}
    choose_channel(world.client_id, ann, Channel.EMAIL, **said)
    clients = Client.objects.filter(pk=world.client_id)
    night = missing + timedelta(days=10)
    given = {"on": night.date(), "now": night, "author": NIGHTLY}
    assert remind_all(world.connection, clients, **given) == {"harbor": 1}
    (letter,) = mail.outbox
    assert letter.to == ["ann@example.com"]
    assert "/portal/" in letter.body
    assert "Acceda para leerlo" in letter.body
    assert not [
        one for one in ("vida", "life", "Moss, ", "Ben", "Cal ") if one in letter.body + letter.subject
    ]
    fates = documents_of(world.connection, world.client_id, ann)
    assert fates.select("channel", "fate").rows() == [("email", "sent")]
    assert remind_all(world.connection, clients, **given) == {"harbor": 0}
    assert len(mail.outbox) == 1
