"""What is offered alike is stored once, and what is prepared alike is not stored again (decision 0013)."""

from datetime import date

import polars as pl
import pytest

from openbenefits.core.codes import Level
from openbenefits.enrollment.models import EventOption, EventPlan, MenuOption, Preparation
from openbenefits.events.models import Event, EventStep
from openbenefits.runs.services import run
from openbenefits.store.bulk import copy_out, schema_of
from openbenefits.workforce import services

from .conftest import NOW

KEY = ("client_id", "person_id", "benefit_record", "schedule_id", "event_number", "preparation")


@pytest.fixture
def prepared(fresh_database, kept, make_employer):
    def build():
        employer = make_employer(fresh_database, is_faulty=False, people=60)
        run(fresh_database, employer.order(through=Level.OPTIONS), now=NOW, workers=1)
        return employer

    return kept(fresh_database, "menus", build)


def test_menus_that_say_the_same_are_stored_once(fresh_database, prepared):
    schema = schema_of(MenuOption)
    stored = copy_out(fresh_database, f"SELECT {', '.join(schema)} FROM enrollment_menuoption", schema)
    terms = [name for name in stored.columns if name != "menu_id"]
    menus = stored.sort(terms).group_by("menu_id").agg(terms)
    assert menus.height == menus.unique(terms).height
    assert 1 < menus.height < EventPlan.objects.exclude(menu_id=None).count()
    accounts = EventPlan.objects.filter(plan_type="60")  # everybody may have one, at any amount
    assert accounts.count() > 30
    assert accounts.values("menu_id").distinct().count() < 5


def test_the_options_of_an_event_are_those_of_its_menus(fresh_database, prepared):
    shared = dict(EventPlan.objects.exclude(menu_id=None).values_list("person_id", "menu_id"))
    assert len(set(shared.values())) < len(shared)  # some have one together
    for plan in EventPlan.objects.exclude(menu_id=None).values():
        place = {name: plan[name] for name in (*KEY, "plan_type")}
        shown = EventOption.objects.filter(**place).values_list("option_id", "pay_before_tax_cents")
        of_menu = MenuOption.objects.filter(client_id=plan["client_id"], menu_id=plan["menu_id"])
        assert sorted(shown) == sorted(of_menu.values_list("option_id", "pay_before_tax_cents"))
        electable = EventOption.objects.filter(**place, is_electable=True).count()
        assert electable == plan["offered_options"]


def test_what_says_the_same_is_not_stored_again_and_what_differs_is(fresh_database, prepared):
    ready = Event.objects.filter(process_status="PR")
    raised = ready.order_by("person_id").first().person_id
    before = set(ready.values_list("person_id", flat=True))
    services.change_job(
        prepared.client_id,
        raised,
        on=date(2025, 10, 15),
        action="PAY",
        changes={"annual_pay_cents": 17_777_700},
        made_by="test",
        now=NOW,
    )
    run(fresh_database, prepared.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW, workers=1)
    final = Event.objects.filter(
        person_id__in=before, process_status="FE", schedule_id=prepared.open_enrollment
    )
    numbers = dict(final.values_list("person_id", "preparation"))
    assert len(numbers) > 10
    assert numbers.pop(raised) == 2
    assert set(numbers.values()) == {1}
    written = Preparation.objects.filter(schedule_id=prepared.open_enrollment).values_list(
        "preparation", "person_id"
    )
    assert [person for number, person in written if number == 2] == [raised]
    assert EventStep.objects.filter(person_id__in=numbers, to_status="FE").count() == len(numbers)


def test_a_decision_repeated_keeps_when_and_by_which_run_it_was_prepared(fresh_database, prepared):
    made = pl.DataFrame(list(Preparation.objects.order_by("person_id", "benefit_record").values()))
    run(fresh_database, prepared.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW, workers=1)
    after = pl.DataFrame(list(Preparation.objects.order_by("person_id", "benefit_record").values()))
    assert after.equals(made)
