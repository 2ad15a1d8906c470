"""Laws of choosing, over the people of an employer: only what was submitted, or stated as default, is processed;
and a price is the same wherever it is shown."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from tests.portal.conftest import TODAY, as_face, clock, employer, users

from openbenefits.accounts.roles import ROLES, RoleCode
from openbenefits.accounts.services import Access, working
from openbenefits.choosing.drafts import By, save_drafts
from openbenefits.choosing.models import ChoiceAct
from openbenefits.choosing.names import names_of
from openbenefits.choosing.offered import Offer, Stated
from openbenefits.choosing.offering import offer_of
from openbenefits.choosing.rules.lines import line_from_json
from openbenefits.choosing.submitting import SubmissionRefused, rehearse, submit
from openbenefits.core.codes import AmountKind
from openbenefits.enrollment.models import Coverage
from openbenefits.events.windows import EventPlace
from openbenefits.payroll.services import owed
from openbenefits.reports.frames import load_events, with_case
from openbenefits.reports.issuing import CONFIRMATION, ENROLLMENT, letters_of
from openbenefits.reports.rules import money_text
from openbenefits.runs.gate import RunHeld

__all__ = ["as_face", "clock", "employer", "users"]

NOW = datetime(2025, 11, 5, 12, tzinfo=UTC)
ACCESS = ROLES[RoleCode.EMPLOYEE].permissions
PEOPLE = [("alone", 0), ("alone", 1), ("head", 0), ("head", 1), ("head", 2), ("head", 3)]


def choices(offer: Offer, seed: int) -> dict[str, Stated]:
    """Choose something in most plan types, otherwise for each person: options, people and amounts vary."""
    chosen = {}
    for place, plan in enumerate(offer.choices):
        open_ones = [one for one in plan.options if one.is_electable and (one.is_fitting or one.is_waiver)]
        if (seed + place) % 4 == 3 or not open_ones:
            continue  # nothing is said: the stated default
        option = open_ones[(seed * 7 + place) % len(open_ones)]
        if option.is_waiver:
            chosen[plan.plan_type] = Stated(option_code=option.code)
            continue
        chosen[plan.plan_type] = Stated(
            option_code=option.code,
            pledge_cents=600_00 + seed if plan.amount_kind == AmountKind.PLEDGE else None,
            percent_thousandths=4_000 if plan.amount_kind == AmountKind.PERCENT else None,
            dependents=plan.cover,
            funds=((plan.funds[0][0], 100),) if plan.is_invested else (),
        )
    return chosen


def place_of(user, employer) -> EventPlace:
    return EventPlace(
        client_id=employer.client_id,
        person_id=user.employee.person_id,
        benefit_record=0,
        schedule_id=employer.open_enrollment,
        event_number=0,
    )


@pytest.mark.parametrize(("kind", "number"), PEOPLE)
def test_only_what_was_submitted_or_stated_is_processed_at_the_price_shown(
    employer, users, as_face, kind, number
):
    user = users[f"{kind} {number}"]
    place, by = place_of(user, employer), By(user_id=user.pk, author=user.username, now=NOW)
    access = Access(
        user_id=user.pk, permissions={employer.client_id: ACCESS}, person_id=user.employee.person_id
    )
    with working(as_face, access):
        offer = offer_of(as_face, place, today=TODAY)
        stated = choices(offer, seed=number + 3 * len(kind))
        review = rehearse(as_face, place, stated, by, today=TODAY)
        for one in review.refusals:  # leave out what the engine refuses, as a person would
            stated.pop(one.plan_type, None)
        if review.is_refused:
            review = rehearse(as_face, place, stated, by, today=TODAY)
        assert not review.is_refused, review.refusals
        assert not ChoiceAct.objects.filter(person_id=place.person_id).exists()  # a rehearsal leaves nothing
        act = submit(as_face, place, stated, by, today=TODAY)
    with working(as_face, access):
        confirmed = [line_from_json(told) for told in act.content["lines"]]
        assert confirmed == list(review.lines)
        processed_is_submitted(offer, stated, place)
        prices_are_the_same(as_face, offer, stated, confirmed, place)


def processed_is_submitted(offer, stated, place) -> None:
    """What the event made is what was submitted, else the default that was stated."""
    made = Coverage.objects.filter(
        person_id=place.person_id, schedule_id=place.schedule_id, superseded_by_run__isnull=True
    )
    for point in made:
        plan = offer.plan(point.plan_type)
        if point.plan_type in stated:
            option = plan.option(stated[point.plan_type].option_code)
            if point.kind == "E":
                assert point.option_id == option.option_id
                assert point.pledge_cents == stated[point.plan_type].pledge_cents
            else:
                assert option.is_waiver or point.kind in ("I", "N"), (point.plan_type, point.kind)
        elif point.kind in ("E", "D"):
            assert point.option_id == plan.default_option_id, point.plan_type
        else:
            assert plan.default_option_id is None or plan.by_id(plan.default_option_id).is_waiver


def prices_are_the_same(connection, offer, stated, lines, place) -> None:
    """List, review, confirmation, letters and what payroll is owed say one price."""
    events = load_events(connection, schedule_ids=[place.schedule_id], person_ids=[place.person_id])
    mine, names = with_case(events.filter(**place.key())), names_of(connection, place.client_id)
    statement = str(letters_of(connection, ENROLLMENT, mine, names).to_dicts())
    letter = str(letters_of(connection, CONFIRMATION, mine, names).to_dicts())
    pays = owed(
        connection,
        place.client_id,
        begin=date(2026, 1, 1),
        through=date(2026, 12, 31),
        person_ids=[place.person_id],
    ).filter(kind="deduction")
    seen = whole_years = 0
    for line in lines:
        plan = offer.plan(line.plan_type)
        option = plan.by_id(line.after.option_id) if line.after else None
        if option is None or option.pay_cents is None or line.after.is_stated or line.waits_for_cents:
            continue
        seen += 1
        assert (line.after.pay_cents, line.after.year_cents) == (option.pay_cents, option.year_cents)
        said = pl.select(money_text(pl.lit(option.pay_cents))).item()
        assert said in statement
        assert said in letter
        taken = pays.filter(plan_type=line.plan_type).sort("ends_on")
        first = next((cents for cents in taken["owed_cents"] if cents), 0)
        assert abs(first - option.pay_cents) <= 1, line.plan_type  # a cent of the split
        if not set(taken["cause"][1:]) - {""}:  # else a birthday made a later pay another one
            assert taken["owed_cents"].sum() == option.year_cents, line.plan_type
            whole_years += 1
    assert seen
    assert whole_years
    for line in lines:
        if line.after is not None and line.after.pledge_cents is not None:
            taken = pays.filter(plan_type=line.plan_type)["owed_cents"].to_list()
            assert (
                sum(count * cents for count, cents in line.after.pays)
                == line.after.pledge_cents
                == sum(taken)
            )


def test_a_refusal_leaves_no_election_and_is_kept(employer, users, as_face):
    user = users["alone 2"]
    place, by = place_of(user, employer), By(user_id=user.pk, author=user.username, now=NOW)
    access = Access(
        user_id=user.pk, permissions={employer.client_id: ACCESS}, person_id=user.employee.person_id
    )
    with working(as_face, access):
        with pytest.raises(SubmissionRefused) as refused:
            submit(as_face, place, {"60": Stated(option_code="FSA", pledge_cents=1)}, by, today=TODAY)
        assert [one.code for one in refused.value.outcome.refusals] == ["BA1318"]
        assert not offer_of(as_face, place, today=TODAY).is_submitted
        kept = list(ChoiceAct.objects.filter(person_id=place.person_id).values_list("kind", "content"))
        assert kept == [("refuse", {"refusals": [["60", "BA1318"]]})]


def test_what_one_has_is_priced_for_whom_it_covers_even_once_it_is_declined(employer, users, as_face):
    """A draft that declines, or a submission that did, leaves the price of keeping it as it was."""
    user = users["head 4"]
    place, by = place_of(user, employer), By(user_id=user.pk, author=user.username, now=NOW)
    access = Access(
        user_id=user.pk, permissions={employer.client_id: ACCESS}, person_id=user.employee.person_id
    )

    def kept_price():
        plan = offer_of(as_face, place, today=TODAY).plan("10")
        assert plan.cover == plan.held.stated.dependents
        return plan.by_id(plan.held.option_id).pay_cents

    declined = {"10": Stated(option_code="WAIVE")}
    with working(as_face, access):
        before = kept_price()
        save_drafts(as_face, place, declined, by)
        assert kept_price() == before
        submit(as_face, place, declined, by, today=TODAY)
    with working(as_face, access):
        assert kept_price() == before


def test_what_a_held_run_cannot_check_is_kept_and_said_to_wait(employer, users, as_face, monkeypatch):
    """The gate of runs is closed (an audit has errors): the choice is submitted, and the next run checks it."""

    def held(*_args, **_more):
        raise RunHeld("expected audits without open errors")

    user = users["alone 3"]
    place, by = place_of(user, employer), By(user_id=user.pk, author=user.username, now=NOW)
    access = Access(
        user_id=user.pk, permissions={employer.client_id: ACCESS}, person_id=user.employee.person_id
    )
    monkeypatch.setattr("openbenefits.choosing.submitting.settle_event", held)
    with working(as_face, access):
        act = submit(as_face, place, {"10": Stated(option_code="WAIVE")}, by, today=TODAY)
    assert (act.content["waits"], act.content["lines"]) == (["held"], [])
    with working(as_face, access):
        offer = offer_of(as_face, place, today=TODAY)
    assert offer.process_status == "ET"
    assert offer.plan("10").submitted == Stated(option_code="WAIVE")
