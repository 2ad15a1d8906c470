"""A year of a client, from what it has to what the ordinary run offers next year: nothing is typed again."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from django.core import mail
from django.db import connection
from django.db.models import Q
from django.test import override_settings
from tests.renewals.conftest import choose_all, hand, offers_of

from openbenefits.accounts.models import EmployeeLogin, User
from openbenefits.core.codes import AreaOf, Level, RateUnit
from openbenefits.enrollment.models import Coverage
from openbenefits.matching import services as matching
from openbenefits.matching.matched import NOBODY
from openbenefits.matching.offers import candidates_of
from openbenefits.matching.rules.ranking import DEFAULT_WEIGHTS
from openbenefits.programs import services as setup
from openbenefits.programs.models import Schedule, SetupKey
from openbenefits.renewals import frames
from openbenefits.renewals.approving import Signature, sign
from openbenefits.renewals.codes import BatchStatus, OfferStatus, bands_of
from openbenefits.renewals.comparing import comparison_of
from openbenefits.renewals.jobs import run_due
from openbenefits.renewals.models import Batch, OfferCount, Reminder
from openbenefits.renewals.moves import BATCH
from openbenefits.renewals.plans import rates_of, set_rates
from openbenefits.renewals.price_lists import price_list_of
from openbenefits.renewals.reminding import not_elected
from openbenefits.renewals.setting_up import put_into_force
from openbenefits.renewals.statuses import RenewalRefused, move
from openbenefits.renewals.weighing import prefill_counts
from openbenefits.runs.services import RunOrder, run
from openbenefits.workforce.models import PersonFact

OCTOBER = datetime(2026, 10, 20, 9, tzinfo=UTC)


def to_review(batch):
    for step in (BatchStatus.PREPARED, BatchStatus.REVIEW):
        move(BATCH, batch, step, author="specialist", now=OCTOBER)


def signed(connection, batch):
    to_review(batch)
    choose_all(batch, hand(now=OCTOBER))
    return sign(connection, batch, Signature(name="Q. Press"), by=hand(9, "contact", OCTOBER))


@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_an_approved_batch_is_prepared_by_the_ordinary_run_at_its_prices(year, fresh_database):
    batch = Batch.objects.get(pk=year.renewal)
    _vision_by_pay_and_smoking(fresh_database, batch)
    _life_by_the_company_and_disability_by_pay(fresh_database, batch)
    weighed = comparison_of(fresh_database, batch)
    _some_have(year, "QUILL/21/2X", 12)
    _some_have(year, "QUILL/60/FSA", 3)
    _some_have(year, "QUILL/31/LTD", 20)
    compared = compared_as_a_package(fresh_database, year)
    assert weighed.offers.height >= 2
    assert weighed.lines["people"].sum() > 0
    signed(fresh_database, batch)
    change = put_into_force(fresh_database, batch, by=hand(now=OCTOBER))
    assert change.release is not None
    assert batch.schedule == "OE27"
    schedule = Schedule.objects.filter(client_id=year.client_id, code="OE27").latest("release_id")
    assert (schedule.window_begins_on, schedule.window_ends_on) == (date(2026, 11, 2), date(2026, 11, 20))
    order = RunOrder(
        client_id=year.client_id,
        schedule_id=schedule.schedule_id,
        as_of=date(2026, 11, 2),
        through=Level.OPTIONS,
        started_by="test",
    )
    run(fresh_database, order, now=OCTOBER)
    stored = frames.load_stored(fresh_database, year.client_id, schedule.schedule_id, date(2027, 1, 1))
    offered = {
        (f"{one['program']}/{one['plan_type']}/{one['option_code']}", row["tier"], bands_of(row)): (
            row["premium_cents"] * 12,
            row["employer_cents"] * 12,
        )
        for one in weighed.offers.iter_rows(named=True)
        for row in weighed.lines.filter(offer_id=one["offer_id"]).iter_rows(named=True)
        if one["plan_type"] == "10" or one["plan_type"] == "14"
    }
    tiers = {"1": "EE", "2": "ES", "3": "EK", "4": "EF", "12": "ES"}
    prepared = stored.filter(pl.col("option").str.contains("HDHP|VISION"))
    assert prepared.height >= 4
    for row in prepared.iter_rows(named=True):
        stem, _, code = row["option"].rpartition("-")
        is_banded = "VISION" in stem
        price = (row["most_total"], row["most_employer"])
        bands = SURCHARGES if is_banded else {(): 0}
        assert price in {offered[stem, tiers[code], one] for one in bands}, row
        assert is_banded or row["least_total"] == row["most_total"]
    charged = charged_by_person(year.client_id, schedule.schedule_id)
    lowest = next(iter(SURCHARGES))
    surcharges = {
        premium - offered["QUILL/14/VISION", tiers[option.rpartition("-")[2]], lowest][0] // 12
        for (_, option), (premium, *_) in charged.items()
        if "VISION" in option
    }
    assert surcharges == set(SURCHARGES.values())  # all four have people, and each pays its own
    _life_disability_and_accounts_go_on(year, batch, weighed, stored)
    _everybody_costs_what_the_package_said(year, compared, weighed, schedule)
    _who_has_not_elected_is_reminded_once(year, fresh_database, batch)


def _life_disability_and_accounts_go_on(year, batch, weighed, stored):
    """They are in the batch without being typed, counted with their volume, and set-up at their new rates."""
    offers = {one.plan.setup_plan: one for one in offers_of(batch)}
    assert {"SAMPLE-BASIC-LIFE", "SAMPLE-SUPP-LIFE", "SAMPLE-LTD", "SAMPLE-FSA", "SAMPLE-HSA"} <= set(offers)
    plans = weighed.plans()
    basic = plans.filter(offer_id=offers["SAMPLE-BASIC-LIFE"].pk).row(0, named=True)
    assert basic["people"] > 10
    assert basic["was_premium_cents"] < basic["is_premium_cents"] == basic["is_employer_cents"]
    here, there = weighed.lines.filter(offer_id=offers["SAMPLE-BASIC-LIFE"].pk).iter_rows(named=True)
    assert here["premium_cents"] == round(here["volume_cents"] * 0.155 / 1_000)
    assert (here["people"], there["people"]) == (basic["people"], 0)  # all work for the one company
    parts = setup.loaded_in_force(year.client_id).parts
    tables = {one.code: one for one in parts.rate_tables if one.valid_from == date(2027, 1, 1)}
    life, age = (tables[f"QUILL-{code}"] for code in ("20-SAMPLE-BASIC-LIFE", "21-SAMPLE-SUPP-LIFE"))
    assert (life.area_of, life.geography) == ("company", "ma-rating-areas")
    assert (life.unit, life.keys, life.rates[0].rate, life.rates[0].employer_rate) == (
        "per_thousand",
        ["area"],
        Decimal("0.155"),
        Decimal("0.155"),
    )
    assert (age.keys, age.rates[1].age_from, age.rates[1].rate) == (["age"], 25, Decimal("0.064"))
    assert not any("SAMPLE-FSA" in code for code in tables)
    ltd = tables["QUILL-31-SAMPLE-LTD"]
    assert (ltd.unit, ltd.rates[0].rate) == ("percent_of_base", Decimal("0.475"))
    bundle = [setup.loaded_in_force(year.client_id)]
    again = [price_list_of(bundle, one.code, one.code[6:8], date(2027, 1, 1)) for one in (life, ltd)]
    assert [(one.unit, one.area_of) for one in again] == [
        (RateUnit.PER_THOUSAND, AreaOf.COMPANY),
        (RateUnit.PERCENT_OF_BASE, AreaOf.HOME),
    ]
    vision = price_list_of(bundle, "QUILL-14-VISION", "14", date(2027, 1, 1))
    assert {one.bands for one in vision.rates} == set(SURCHARGES)
    prices = {row["option"]: row for row in stored.iter_rows(named=True)}
    assert {"QUILL/21/1X", "QUILL/21/2X", "QUILL/21/3X", "QUILL/60/FSA", "QUILL/67/HSA"} <= set(prices)
    whole = prices["QUILL/20/BASIC"]
    assert whole["most_total"] == whole["most_employer"] > 0
    half = prices["QUILL/31/LTD"]
    assert abs(half["most_total"] - 2 * half["most_employer"]) <= 1


def _some_have(year, option, people):
    """Let so many people have chosen an option of what nobody has by default."""
    key = SetupKey.objects.get(client_id=year.client_id, kind="option", code=option)
    points = Coverage.objects.filter(client_id=year.client_id, plan_type=option.split("/")[1])
    chosen = points.order_by("person_id").values_list("person_id", flat=True)[:people]
    points.filter(person_id__in=list(chosen)).update(kind="E", option_id=key.pk)


def compared_as_a_package(connection, year):
    asked = matching.Asked(
        client_id=year.client_id,
        title="2027",
        as_of=date(2026, 9, 15),
        prices_on=date(2027, 1, 1),
        candidates=candidates_of(connection, year.client_id, [year.renewal]),
        weights=DEFAULT_WEIGHTS,
        affordable_hundredths=996,
    )
    return matching.price_asked(connection, asked)[0]


def _everybody_costs_what_the_package_said(year, compared, weighed, schedule):
    """What the comparison said of the unsigned batch, person by person, is what its set-up then charges."""
    held = compared.packages
    (number,) = held.packages.filter(code=f"batch-{year.renewal}")["package"]
    menus = held.menus.filter(package=number).select("menu", "category")
    taken = compared.taken.join(menus, on="menu").drop_nulls("offer")
    stems = {
        row["setup_plan"]: f"{row['program']}/{row['plan_type']}/{row['option_code']}"
        for row in weighed.offers.iter_rows(named=True)
    }
    codes = {"EE": "1", "ES": "2", "EK": "3", "EF": "4"}
    taken = taken.join(held.offers.select("offer", "plan", "option"), on="offer")
    taken = taken.join(compared.census.people.select("person", "number"), on="person")
    told = {}
    for row in taken.iter_rows(named=True):
        option = row["option"] or f"{stems[row['plan']]}-{codes[row['tier']]}"
        told[row["number"], option] = (row["premium_cents"], row["employer_cents"], row["employee_cents"])
    charged = charged_by_person(year.client_id, schedule.schedule_id)
    free = {key: one for key, one in told.items() if key[1].split("/")[1] in ("40", "60", "67")}
    assert set(free.values()) <= {(0, 0, 0)}
    priced = {key: one for key, one in told.items() if key not in free}
    assert {key[1].split("/")[1] for key in priced} == {"10", "14", "20", "21", "31"}
    assert [sum(key[1].startswith(f"QUILL/{one}/") for key in told) for one in ("21", "31", "60")] == [
        12,
        20,
        3,
    ]
    assert {key: charged.get(key) for key in priced} == priced
    notes = set(compared.notes.select("category", "why").iter_rows())
    assert {category for category, _ in notes} == {"40", "60", "67"}
    assert ("67", NOBODY) in notes
    assert ("60", NOBODY) not in notes
    basic = [one[0] for (_, option), one in charged.items() if option == "QUILL/20/BASIC"]
    (whole,) = weighed.plans().filter(setup_plan="SAMPLE-BASIC-LIFE")["is_premium_cents"]
    assert abs(whole - sum(basic)) <= len(basic)  # the batch's own page goes by the coverage on average
    measured = compared.measured.filter(package=number).row(0, named=True)
    assert measured["employer_cents"] == sum(one[1] for one in told.values())
    assert measured["unplaced"] == 0


CHARGED = """
SELECT p.employee_number, k.code, annual_employer_cents,
       annual_before_tax_cents + annual_after_tax_cents AS employee_cents
FROM events_event AS e
JOIN enrollment_eventoption AS o
  USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
JOIN programs_setupkey AS k ON k.id = o.option_id AND k.client_id = o.client_id
JOIN workforce_person AS p ON p.id = o.person_id
WHERE e.client_id = %s AND e.schedule_id = %s AND e.event_status <> 'V' AND annual_employer_cents IS NOT NULL
"""


def charged_by_person(client_id, schedule_id):
    """What each option costs each person a month, as the run stored it: premium, employer, employee."""
    with connection.cursor() as cursor:
        cursor.execute(CHARGED, [client_id, schedule_id])
        rows = cursor.fetchall()
    months = {}
    for number, option, employer, employee in rows:
        premium, given = ((2 * cents + 12) // 24 for cents in (employer + employee, employer))
        months[number, option] = (premium, given, premium - given)
    return months


PAY_EDGE = 50_000
SURCHARGES = {
    bands_of({"pay": pay, "smoker": smoker}): cents
    for pay, smoker, cents in ((0, 0, 0), (0, 1, 300), (PAY_EDGE, 0, 500), (PAY_EDGE, 1, 800))
}
"""What vision costs more a month, by pay and smoking together."""


def _life_by_the_company_and_disability_by_pay(connection, batch):
    """Let life cost by the rating area of the company, and disability a percentage of pay."""
    plans = {one.plan.setup_plan: one for one in offers_of(batch)}
    life, disability = plans["SAMPLE-BASIC-LIFE"], plans["SAMPLE-LTD"]
    given = {"begins_on": date(2027, 1, 1), "source": "letter", "by": hand()}
    (rate,) = rates_of(life.rate_group)
    dear = replace(rate, bands=bands_of({"area": "R-MA002"}), premium_micros=9_000_000)
    rates = [replace(rate, bands=bands_of({"area": "R-MA001"})), dear]
    area = {"geography": "ma-rating-areas", "area_of": AreaOf.COMPANY}
    set_rates(life.plan, life.rate_group.title, rates, unit=RateUnit.PER_THOUSAND, **area, **given)
    (rate,) = rates_of(disability.rate_group)
    share = replace(rate, premium_micros=475_000)  # 0.475 percent of pay
    set_rates(disability.plan, disability.rate_group.title, [share], unit=RateUnit.PERCENT_OF_BASE, **given)
    prefill_counts(connection, batch, date(2026, 9, 15))


def _vision_by_pay_and_smoking(connection, batch):
    """Let vision cost five dollars more for who earns more than some dollars a year, three for who smokes."""
    facts = PersonFact.objects.filter(client_id=batch.client_id)
    facts.update(
        is_smoker=Q(person_id__in=[one for one in facts.values_list("person_id", flat=True) if one % 2])
    )
    offer = next(one for one in offers_of(batch) if one.plan.plan_type == "14")
    group = offer.rate_group
    rates = [
        replace(one, bands=bands, premium_micros=one.premium_micros + cents * 10_000)
        for one in rates_of(group)
        for bands, cents in SURCHARGES.items()
    ]
    given = {"begins_on": group.begins_on, "source": "letter", "by": hand()}
    dearest = list(SURCHARGES)[-1]
    with pytest.raises(RenewalRefused, match=r"none for EE, from \$50,000 a year, smokers"):
        set_rates(offer.plan, group.title, [one for one in rates if one.bands != dearest], **given)
    with pytest.raises(RenewalRefused, match="of smokers 0 and 1"):
        set_rates(offer.plan, group.title, [one for one in rates if dict(one.bands)["smoker"]], **given)
    set_rates(offer.plan, group.title, rates, **given)
    OfferCount.objects.filter(offer=offer).delete()
    prefill_counts(connection, batch, date(2026, 9, 15))
    people = {bands_of(bands): count for bands, count in offer.counts.values_list("bands", "people")}
    assert len(people) == 4
    assert min(people.values()) > 0


def _who_has_not_elected_is_reminded_once(year, connection, batch):
    waiting = not_elected(connection, batch)["person_id"].unique().sort()
    assert waiting.len() > 3
    for number, person in enumerate(waiting.to_list()[:3]):
        user = User.objects.create_user(f"e{number}", f"e{number}@example.com", is_active=number < 2)
        EmployeeLogin.objects.create(
            user=user, client_id=year.client_id, person_id=person, given_by="test", given_at=OCTOBER
        )
    User.objects.filter(username="e1").update(language="es")
    before = run_due(connection, date(2026, 11, 9), author="nightly", now=OCTOBER)
    assert not [one for one in before if one.job == "reminder"]
    missed = datetime(2026, 11, 16, 3, tzinfo=UTC)  # the reminders of the 10th and the 15th are due: one mail
    (told,) = [
        one
        for one in run_due(connection, missed.date(), author="nightly", now=missed)
        if one.job == "reminder"
    ]
    assert told.told == f"2 reminded by mail, {waiting.len() - 2} without an address"
    assert sorted(one.to[0] for one in mail.outbox) == ["e0@example.com", "e1@example.com"]
    said = {one.to[0]: one.body for one in mail.outbox}
    assert "ends on November 20, 2026" in said["e0@example.com"]
    assert "termina el 20 de noviembre de 2026" in said["e1@example.com"]
    sent = Reminder.objects.filter(batch=batch, sent_at__isnull=False)
    assert list(sent.order_by("due_on").values_list("due_on", "mailed")) == [
        (date(2026, 11, 10), 2),
        (date(2026, 11, 15), 2),
    ]
    assert run_due(connection, missed.date(), author="nightly", now=missed) == []
    assert len(mail.outbox) == 2


def test_the_year_turns_on_its_day(year, fresh_database):
    batch, old = Batch.objects.get(pk=year.renewal), Batch.objects.get(pk=year.batch)
    signed(fresh_database, batch)
    day = {"author": "nightly", "now": OCTOBER, "without": {year.client_id}}
    asleep = run_due(fresh_database, date(2026, 10, 20), **day)
    assert {one.client_id for one in asleep} == {0}, "its quiet hours leave the client"
    done = run_due(fresh_database, date(2026, 10, 20), author="nightly", now=OCTOBER)
    assert [(one.job, one.is_held) for one in done if one.record == f"batch {batch.pk}"] == [
        ("set-up", False)
    ]
    batch.refresh_from_db()
    old.refresh_from_db()
    assert (batch.status, old.status) == (BatchStatus.APPROVED, BatchStatus.ACTIVE)
    assert list(Reminder.objects.order_by("due_on").values_list("due_on", flat=True)) == [
        date(2026, 11, day) for day in (10, 15, 18, 20)
    ]
    new_year = datetime(2027, 1, 1, 3, tzinfo=UTC)
    run_due(fresh_database, new_year.date(), author="nightly", now=new_year)
    batch.refresh_from_db()
    old.refresh_from_db()
    assert (batch.status, old.status) == (BatchStatus.ACTIVE, BatchStatus.EXPIRED)
    assert {one.status for one in offers_of(batch)} == {OfferStatus.ACTIVE}
    assert {one.status for one in offers_of(old)} == {OfferStatus.EXPIRED}
    again = run_due(fresh_database, new_year.date(), author="nightly", now=new_year)
    assert again == []
