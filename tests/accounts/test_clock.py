"""The clock runs, or stands still on a day of its own."""

from datetime import UTC, date, datetime

import pytest

from openbenefits.accounts.clock import STANDS_ON, now, standing, today


def test_it_runs(monkeypatch):
    monkeypatch.delenv(STANDS_ON, raising=False)
    before = datetime.now(UTC)
    assert before <= now() <= datetime.now(UTC)
    assert standing() is None
    assert abs((today() - before.date()).days) <= 1


def test_it_stands_still(monkeypatch):
    monkeypatch.setenv(STANDS_ON, "2026-11-09")
    assert today() == date(2026, 11, 9)
    assert (now().date(), now().tzinfo) == (date(2026, 11, 9), UTC)


def test_a_day_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv(STANDS_ON, "soon")
    with pytest.raises(ValueError, match="soon"):
        today()
