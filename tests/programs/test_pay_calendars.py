"""Pay calendars: checks off holidays and weekends, off-cycle checks, deductions by pay, calendars that end."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from openbenefits.programs import services as setup
from openbenefits.programs.frames import PEO, load_ending_calendars
from openbenefits.programs.models import Bundle, PayPeriod
from openbenefits.programs.pay_calendars import calendar_year, calendars_ending
from openbenefits.programs.reader import read

from .auditing import audited_client, the_one
from .factories import make_client, make_peo

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
ACME = 7
NEW_YEAR, CHRISTMAS = date(2026, 1, 1), date(2026, 12, 25)
HOLIDAYS = [
    {
        "code": "BANKS",
        "name": "Bank holidays",
        "source": "5 USC 6103",
        "days": [{"day": day, "name": "closed"} for day in (NEW_YEAR, CHRISTMAS)],
    }
]


def with_holidays(group, **more):
    group[0] |= {"holidays": "BANKS", "calendar_through": date(2026, 12, 31)} | more


def bundles(folder, **more):
    peo = read(make_peo(folder / "peo", holiday_calendars=HOLIDAYS)).bundle
    client = read(
        make_client(folder / "client", pay_groups=lambda group: with_holidays(group, **more))
    ).bundle
    return peo, client


@pytest.mark.parametrize(
    ("rule", "paid"), [("before", date(2026, 12, 24)), ("after", date(2026, 12, 28)), ("none", CHRISTMAS)]
)
def test_a_check_on_a_holiday_is_paid_on_a_bank_day(fresh_database, tmp_path, rule, paid):
    peo, client = bundles(tmp_path, holiday_rule=rule)
    group = client.parts.pay_groups[0]
    year = calendar_year(client, peo, group.code, 2026)
    moved = year.pays.filter(pl.col("due_on") == CHRISTMAS)
    assert moved["check_on"].to_list() == [paid]
    assert year.holidays == {NEW_YEAR: "closed", CHRISTMAS: "closed"}
    setup.apply(
        make_peo(tmp_path / "peo", holiday_calendars=HOLIDAYS), client_id=PEO, applied_by="t", now=NOW
    )
    change = setup.apply(tmp_path / "client", client_id=ACME, applied_by="t", now=NOW)
    stored = PayPeriod.objects.filter(release_id=change.release.pk).values_list("check_on", flat=True)
    assert paid in set(stored)
    assert (CHRISTMAS in set(stored)) == (rule == "none")


def test_other_holidays_of_the_peo_are_told_to_the_clients_that_go_by_them(fresh_database, tmp_path):
    setup.apply(
        make_peo(tmp_path / "peo", holiday_calendars=HOLIDAYS), client_id=PEO, applied_by="t", now=NOW
    )
    bundles(tmp_path)
    setup.apply(tmp_path / "client", client_id=ACME, applied_by="t", now=NOW)
    other = [HOLIDAYS[0] | {"days": HOLIDAYS[0]["days"][:1]}]
    folder = make_peo(tmp_path / "other", holiday_calendars=other)
    change = setup.apply(folder, client_id=PEO, applied_by="t", now=NOW)
    assert [one.code for one in change.findings] == ["holidays_moved"]
    assert Bundle.objects.get(client_id=PEO).release.number == 2


def test_which_pays_take_a_deduction_is_counted_in_whole_years_only(tmp_path):
    peo, client = bundles(tmp_path)
    group = client.parts.pay_groups[0]
    year = calendar_year(client, peo, group.code, 2026)
    counted = {code: taken for code, taken in year.taken.items() if taken is not None}
    assert counted
    for code, (taken, pays) in counted.items():
        assert pays == 26
        assert taken == sum(code in codes for codes in year.taken_in.values())
    later = calendar_year(client, peo, group.code, 2027)
    assert set(later.taken.values()) == {None}
    assert calendar_year(client, peo, "NONE", 2026) is None


def test_the_audit_names_years_without_holidays_and_checks_on_closed_days(tmp_path):
    later = {"holidays": "BANKS", "calendar_through": date(2027, 12, 31)}
    found = audited_client(
        tmp_path / "a", peo={"holiday_calendars": HOLIDAYS}, pay_groups=lambda group: group[0].update(later)
    )
    assert the_one([one for one in found if one.code != "part_year"]) == ("no_holidays", "pay_groups[BW]")
    checks = [{"check_on": CHRISTMAS, "reason": "bonus"}, {"check_on": date(2026, 7, 7), "reason": "bonus"}]
    found = audited_client(
        tmp_path / "b",
        peo={"holiday_calendars": HOLIDAYS},
        pay_groups=lambda group: with_holidays(group, off_cycle=checks),
    )
    assert the_one([one for one in found if one.code == "off_cycle"]) == ("off_cycle", "pay_groups[BW]")
    found = audited_client(tmp_path / "c", pay_groups=lambda group: group[0].update(holidays="NONE"))
    assert "unknown_code" in {one.code for one in found}


def test_a_calendar_is_said_to_end_as_early_as_its_group_wants(fresh_database, tmp_path):
    peo, client = bundles(tmp_path, warn_months=2)
    assert calendars_ending(client, date(2026, 11, 1)) == []
    assert [one.months_left for one in calendars_ending(client, date(2026, 11, 2))] == [1]
    setup.apply(
        make_peo(tmp_path / "peo", holiday_calendars=HOLIDAYS), client_id=PEO, applied_by="t", now=NOW
    )
    setup.apply(tmp_path / "client", client_id=ACME, applied_by="t", now=NOW)
    assert load_ending_calendars(fresh_database, [ACME], date(2026, 10, 1)).is_empty()
    late = load_ending_calendars(fresh_database, [ACME], date(2026, 12, 1))
    assert late["pay_group"].to_list() == [client.parts.pay_groups[0].code]
    assert peo.parts.holiday_calendars[0].code == "BANKS"
