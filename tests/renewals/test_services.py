"""What may be done with plans, batches and offers, what is refused, and what the database holds everybody to."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import fastexcel
import polars as pl
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError
from tests.cli.conftest import cli
from tests.renewals.conftest import choose_all, hand, offers_of
from tests.renewals.test_year import signed, to_review
from xlsxwriter import Workbook

from openbenefits.programs import services as setup
from openbenefits.renewals import underwriting
from openbenefits.renewals.approving import Signature, choose, document_of, sign, withdraw
from openbenefits.renewals.batches import (
    BatchOrder,
    OfferOrder,
    add_offer,
    apply_group,
    begin_batch,
    change_batch,
)
from openbenefits.renewals.codes import (
    Band,
    BatchStatus,
    BatchType,
    Method,
    OfferStatus,
    RateSource,
    Tier,
    bands_of,
)
from openbenefits.renewals.comparing import comparison_of
from openbenefits.renewals.designs import design_deltas
from openbenefits.renewals.existing import add_existing
from openbenefits.renewals.frames import load_offers
from openbenefits.renewals.jobs import due_for_renewal, run_due
from openbenefits.renewals.models import Batch, BenefitsPlan, ClientApproval, OfferCount, StatusChange
from openbenefits.renewals.moves import BATCH
from openbenefits.renewals.plans import (
    Rate,
    copy_plan,
    edges_of,
    make_group,
    rates_of,
    renew_plan,
    set_rates,
    set_risk_factor,
    zips_of_peo,
)
from openbenefits.renewals.presenting import shown
from openbenefits.renewals.price_lists import price_list_of
from openbenefits.renewals.progress import counted, who_has_elected
from openbenefits.renewals.renewing import NoSuccessor, clone_to_child, renew_batch
from openbenefits.renewals.setting_up import put_into_force
from openbenefits.renewals.statuses import RenewalRefused, hide, move
from openbenefits.renewals.underwriting import Verdict, decide, define, submit
from openbenefits.renewals.weighing import (
    prefill_counts,
    set_contribution,
    set_counts,
    set_people,
    set_volume,
)
from openbenefits.renewals.workbook import workbook_of
from openbenefits.renewals.workbook_reading import read_back
from openbenefits.renewals.workflow_kinds import KINDS
from openbenefits.workflow.kinds import kind_of
from openbenefits.workforce.models import Client, PersonFact

__all__ = ["cli"]

DOLLAR = 1_000_000
JANUARY = datetime(2027, 1, 2, 9, tzinfo=UTC)


def areas_of(geography) -> list[str]:
    return zips_of_peo().filter(geography=geography)["area"].unique().sort().to_list()


def renewal(year) -> Batch:
    return Batch.objects.get(pk=year.renewal)


def test_the_renewal_keeps_everything_but_plans_rates_and_days(year):
    """users-want 26: a renewal with no edits equals last year except dates (and what the carrier changed)."""
    old, new = offers_of(year.batch), offers_of(year.renewal)
    assert len(old) == len(new)
    for one in new:
        before = one.renewed_from
        assert one.plan.renewed_from_id == before.plan_id
        for name in ("benefit_group", "program", "option_code", "method", "waiting_period"):
            assert getattr(one, name) == getattr(before, name)
        kept = [sorted(each.tiers.values_list("tier", "employer_cents")) for each in (one, before)]
        assert kept[0] == kept[1]
    assert {one.status for one in old} == {OfferStatus.ACTIVE}


def test_plans_nobody_renewed_are_named_and_may_be_left_out(year, fresh_database):
    third = put_third_year(year, fresh_database)
    lonely = offers_of(third)[0]
    BenefitsPlan.objects.filter(renewed_from=lonely.plan).update(renewed_from=None)
    with pytest.raises(NoSuccessor, match=lonely.plan.unique_code):
        renew_batch(third, by=hand(now=JANUARY))
    made = renew_batch(third, by=hand(now=JANUARY), leaves_out=True)
    assert [one.pk for one in made.left_out] == [lonely.pk]
    assert made.batch.offers.count() == len(offers_of(third)) - 1
    with pytest.raises(RenewalRefused, match="renewed already"):
        renew_batch(third, by=hand(now=JANUARY))


def put_third_year(year, connection_of) -> Batch:
    """Let the renewal be active, and renew its plans once more."""
    batch = renewal(year)
    signed(connection_of, batch)
    put_into_force(connection_of, batch, by=hand())
    run_due(connection_of, JANUARY.date(), author="nightly", now=JANUARY)
    for plan in BenefitsPlan.objects.filter(begins_on=date(2027, 1, 1)):
        renew_plan(plan, f"{plan.setup_plan}-2028", by=hand(now=JANUARY), source="test", change_micros=0)
    batch.refresh_from_db()
    assert batch in due_for_renewal(date(2027, 9, 15))
    return batch


def test_a_plan_is_renewed_once(year):
    plan = offers_of(year.batch)[0].plan
    with pytest.raises(RenewalRefused, match="not renewed"):
        renew_plan(plan, "AGAIN", by=hand(), source="test")


def test_a_key_stands_once_and_a_percentage_group_locks_the_factor(year):
    batch = renewal(year)
    offer = offers_of(batch)[0]
    with pytest.raises(RenewalRefused, match="once in a batch"):
        add_offer(batch, OfferOrder(plan=offer.plan, rate_group=offer.rate_group.title), by=hand())
    set_rates(
        offer.plan,
        "107.5",
        [Rate(tier=Tier.EE, premium_micros=100 * DOLLAR)],
        begins_on=batch.effective_on,
        source="test",
        by=hand(),
        client_id=year.client_id,
        rate_source=RateSource.PERCENTAGE,
        factor_micros=107_500_000,
    )
    with pytest.raises(RenewalRefused, match="expected no risk factor"):
        add_offer(
            batch, OfferOrder(plan=offer.plan, rate_group="107.5", risk_factor_micros=90_000_000), by=hand()
        )
    made = add_offer(batch, OfferOrder(plan=offer.plan, rate_group="107.5"), by=hand())
    assert comparison_of(connection, batch).lines.filter(offer_id=made.pk)["premium_cents"].to_list() == [
        10_750
    ]
    with pytest.raises(RenewalRefused, match="expected one of its rate groups"):
        add_offer(batch, OfferOrder(plan=offer.plan, rate_group="Z"), by=hand())


def test_a_risk_factor_of_the_client_is_taken_and_prices_follow_rates(year):
    batch = renewal(year)
    plan = offers_of(batch)[0].plan
    set_risk_factor(year.client_id, 110_000_000, begins_on=date(2027, 1, 1), source="underwriting", by=hand())
    made = add_offer(batch, OfferOrder(plan=plan, benefit_group="QOF", employer={Tier.EE: 1_000}), by=hand())
    assert made.risk_factor_micros == 110_000_000
    before = premium_of(batch, made)
    set_rates(
        plan,
        "A",
        [Rate(tier=Tier.EE, premium_micros=200 * DOLLAR)],
        begins_on=plan.begins_on,
        source="t",
        by=hand(),
    )
    assert premium_of(batch, made) == 22_000 != before
    set_contribution(made, Method.PERCENT, {Tier.EE: 50_000_000})
    assert comparison_of(connection, batch).lines.filter(offer_id=made.pk)["employer_cents"].to_list() == [
        11_000
    ]


def premium_of(batch, offer) -> int:
    return comparison_of(connection, batch).lines.filter(offer_id=offer.pk, tier="EE")["premium_cents"][0]


def test_what_was_signed_stays_as_it_was_signed(year, fresh_database):
    batch = renewal(year)
    before = comparison_of(fresh_database, batch).lines.sort("offer_id", "tier")
    approval = signed(fresh_database, batch)
    plan = offers_of(batch)[0].plan
    set_rates(
        plan, "A", [Rate(tier=Tier.EE, premium_micros=1)], begins_on=plan.begins_on, source="t", by=hand()
    )
    assert comparison_of(fresh_database, batch).lines.sort("offer_id", "tier").equals(before)
    with pytest.raises(RenewalRefused, match="may still change"):
        set_contribution(offers_of(batch)[0], Method.DOLLARS, {})
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        ClientApproval.objects.filter(pk=approval.pk).update(signature="Somebody else")
    withdraw(batch, by=hand(), reason="a wrong contribution")
    assert (batch.status, offers_of(batch)[0].status) == (BatchStatus.SELECTION, OfferStatus.SELECTED)
    assert comparison_of(fresh_database, batch).lines.filter(offer_id=offers_of(batch)[0].pk).height == 1


@pytest.mark.parametrize("wrong", ["name", "choice", "contribution", "status"])
def test_what_cannot_be_signed(year, fresh_database, wrong):
    batch = renewal(year)
    if wrong != "status":
        to_review(batch)
    if wrong != "choice":
        choose_all(batch, hand())
    if wrong == "contribution":
        set_contribution(offers_of(batch)[0], Method.DOLLARS, {})
    name = "" if wrong == "name" else "Q."
    expected = {
        "name": "a typed name",
        "choice": "every plan selected or rejected",
        "contribution": "contribution to every tier",
        "status": "before the client",
    }
    with pytest.raises(RenewalRefused, match=expected[wrong]):
        sign(fresh_database, batch, Signature(name=name), by=hand())
    assert not ClientApproval.objects.exists()


def test_the_database_refuses_illegal_moves_whoever_makes_them(year):
    with pytest.raises(DatabaseError, match="expected a legal move"), transaction.atomic():
        Batch.objects.filter(pk=year.renewal).update(status="active")
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        StatusChange.objects.all().delete()


def test_a_hidden_status_is_passed_over(year):
    hide(BatchStatus.PREPARED, by=hand())
    batch = renewal(year)
    move(BATCH, batch, BatchStatus.REVIEW, author="x", now=hand().now)
    moves = StatusChange.objects.filter(record="batch", record_id=batch.pk).order_by("pk")
    assert list(moves.values_list("after", flat=True)) == ["prep for presentation", "client review"]
    with pytest.raises(RenewalRefused, match="expected one of"):
        hide(BatchStatus.ACTIVE, by=hand())


# --- underwriting -------------------------------------------------------------------------------------------


def test_underwriting_needs_another_person_and_expires(year, fresh_database):
    define("Risk", BatchType.RENEWAL, holds_days=30)
    with pytest.raises(RenewalRefused, match="either one row"):
        define("Risk", BatchType.RENEWAL, contract_type="PEO")
    batch = renewal(year)
    signed(fresh_database, batch)
    with pytest.raises(RenewalRefused, match="underwriting was asked"):
        put_into_force(fresh_database, batch, by=hand())
    (approval,) = submit(batch, by=hand(1))
    with pytest.raises(RenewalRefused, match="another person"):
        decide(approval, Verdict(is_approved=True), by=hand(1))
    with pytest.raises(IntegrityError), transaction.atomic():
        type(approval).objects.filter(pk=approval.pk).update(decided_by_id=1)
    with pytest.raises(RenewalRefused, match="expected the approval of underwriting"):
        put_into_force(fresh_database, batch, by=hand())
    decide(approval, Verdict(is_approved=True, contingencies="a census in December"), by=hand(2, "risk"))
    last = approval.expires_on
    assert last == hand().now.date() + timedelta(days=30)
    assert underwriting.expire(last, by=hand()) == 0
    assert underwriting.expire(last + timedelta(days=1), by=hand()) == 1
    (again,) = submit(batch, by=hand(2, "risk"))
    assert (again.pk, again.status, again.decided_by_id) == (approval.pk, "reprocess", None)
    decide(again, Verdict(is_approved=True), by=hand(1))
    assert put_into_force(fresh_database, batch, by=hand()).release


def test_what_holds_one_batch_is_named_by_the_jobs(year, fresh_database):
    define("Risk", BatchType.RENEWAL)
    signed(fresh_database, renewal(year))
    held = [
        one for one in run_due(fresh_database, date(2026, 10, 21), author="n", now=hand().now) if one.is_held
    ]
    assert [one.record for one in held] == [f"batch {year.renewal}"]
    assert "underwriting" in held[0].told


# --- groups, children, workbook -----------------------------------------------------------------------------


def test_a_plan_group_goes_in_once(year):
    master = BenefitsPlan.objects.filter(client_id=0, begins_on=date(2027, 1, 1)).first()
    group = make_group(2027, "Core", [(master, "A")])
    batch = begin_batch(year.client_id, BatchOrder(effective_on=date(2027, 1, 1)), by=hand())
    assert [one.plan_id for one in apply_group(batch, group, by=hand())] == [master.pk]
    assert apply_group(batch, group, by=hand()) == []


def child_of(year) -> Batch:
    child = Client.objects.create(code="child", name="Child")
    order = BatchOrder(effective_on=date(2027, 1, 1), type=BatchType.RENEWAL, parent_client_id=year.client_id)
    return begin_batch(child.pk, order, by=hand())


def test_a_childs_batch_gets_the_parents_offers_and_the_workbook_its_counts(year, fresh_database):
    parent, child = renewal(year), child_of(year)
    masters = [one for one in offers_of(parent) if one.plan.client_id == 0]
    made = clone_to_child(parent, child, by=hand())
    assert {one.plan_id for one in made} == {one.plan_id for one in masters}
    assert clone_to_child(parent, child, by=hand()) == []
    late = begin_batch(
        child.client_id, BatchOrder(effective_on=date(2027, 7, 1), parent_client_id=year.client_id), by=hand()
    )
    with pytest.raises(RenewalRefused, match="begins on 2027-01-01"):
        clone_to_child(parent, late, by=hand())
    set_counts(made[0], {(Tier.EE, ()): 7})
    mine = next(one for one in masters if one.plan_id == made[0].plan_id)
    set_counts(mine, {(Tier.EE, ()): 5})
    assert people_in(workbook_of(fresh_database, parent), mine.pk) == 12
    taken = read_back(parent, "w.xlsx", edited(workbook_of(fresh_database, parent), mine.pk, "13"))
    assert (taken.changed, taken.faults) == (1, [])
    assert OfferCount.objects.get(offer=mine, tier="EE").people == 6
    below = read_back(parent, "w.xlsx", edited(workbook_of(fresh_database, parent), mine.pk, "3"))
    assert "at least 7" in below.faults[0].sentence()


def test_who_lacks_the_fact_of_a_band_is_told_of_wherever_numbers_are_seen(year, fresh_database, cli):
    batch = renewal(year)
    offer = next(one for one in offers_of(batch) if one.plan.plan_type == "14")
    flat = rates_of(offer.rate_group)
    by_smoking = [replace(one, bands=bands_of({Band.SMOKER: edge})) for edge in (0, 1) for one in flat]
    group = {"begins_on": date(2027, 1, 1), "source": "letter", "by": hand()}
    set_rates(offer.plan, offer.rate_group.title, by_smoking, **group)
    PersonFact.objects.filter(client_id=year.client_id).update(is_smoker=None)
    told = prefill_counts(fresh_database, batch, date(2026, 9, 15))
    people = sum(offer.counts.values_list("people", flat=True))
    assert told.unknown == {"smoking": people}
    assert people > 0
    assert told.outside == {}
    assert all(bands == {"smoker": 0} for bands in offer.counts.values_list("bands", flat=True))
    (row,) = rows_of(workbook_of(fresh_database, batch)).filter(Offer=str(offer.pk)).rows(named=True)
    singles = offer.counts.get(tier="EE").unknown
    assert row["Not known, in the lowest band"].startswith(f"smoking: EE {singles}")
    set_counts(offer, {(Tier.EE, bands_of({Band.SMOKER: 0})): 1})  # somebody knows better
    assert not offer.counts.get(tier="EE").unknown
    Batch.objects.filter(pk=year.batch).update(status=BatchStatus.ACTIVE)
    OfferCount.objects.all().delete()
    Batch.objects.filter(pk=batch.pk).update(renewal_of=None)
    said = " ".join(cli("renewals", "renew", year.batch).output.split())
    assert f"not known, and counted in the lowest band: smoking of {people}" in said


def test_rates_by_area_are_counted_by_the_zip_of_the_home_and_become_set_up(year, fresh_database):
    batch, where = renewal(year), "ma-rating-areas"
    offer = next(one for one in offers_of(batch) if one.plan.plan_type == "14")
    before = sum(offer.counts.values_list("people", flat=True))
    areas, flat = areas_of(where), rates_of(offer.rate_group)
    rates = [
        replace(one, bands=bands_of({"area": area}), premium_micros=one.premium_micros + number * DOLLAR)
        for one in flat
        for number, area in enumerate(areas)
    ]
    group = {"begins_on": date(2027, 1, 1), "source": "letter", "by": hand()}
    given = (offer.plan, offer.rate_group.title, rates)
    with pytest.raises(RenewalRefused, match="a geography with rating areas"):
        set_rates(*given, **group, geography="nowhere")
    elsewhere = [replace(one, bands=bands_of({"area": "R-MA009"})) for one in flat]
    with pytest.raises(RenewalRefused, match=r"expected areas of ma-rating-areas .*found R-MA009"):
        set_rates(*given[:2], rates + elsewhere, **group, geography=where)
    with pytest.raises(RenewalRefused, match="a geography and an address of bands that are areas alone"):
        set_rates(*given[:2], flat, **group, geography=where)
    set_rates(*given, **group, geography=where)
    told = prefill_counts(fresh_database, batch, date(2026, 9, 15))
    assert (told.unknown, told.outside) == ({}, {})
    assert offer.counts.filter(tier="EE").count() > 1
    assert sum(offer.counts.values_list("people", flat=True)) == before
    shown_ = next(one for one in shown(fresh_database, batch).plans if one.offer_id == offer.pk)
    assert "in area R-MA001" in {one.band for one in shown_.lines}
    signed(fresh_database, batch)
    put_into_force(fresh_database, batch, by=hand())
    parts = setup.loaded_in_force(year.client_id).parts
    table = next(one for one in parts.rate_tables if one.code == f"QUILL-14-{offer.option_code}")
    assert (table.keys, table.geography) == (["coverage_code", "area"], where)
    assert {one.area for one in table.rates} == set(areas)
    again = price_list_of([setup.loaded_in_force(year.client_id)], table.code, "14", date(2027, 1, 1))
    assert (again.geography, edges_of(again.rates, Band.AREA)) == (where, set(areas))
    assert len(again.rates) == len(rates)


def test_a_plan_without_tiers_that_is_not_renewed_ends_and_people_typed_keep_the_volume(year, fresh_database):
    batch = renewal(year)
    offers = {one.plan.setup_plan: one for one in offers_of(batch)}
    life = offers["SAMPLE-SUPP-LIFE"]
    set_volume(life, 5_000_000)
    OfferCount.objects.filter(offer=life, bands={"age": 0}).delete()
    set_people(life, {Tier.EE: 40})
    lines = comparison_of(fresh_database, batch).lines.filter(offer_id=life.pk)
    assert lines.filter(age=0).select("people", "premium_cents").drop_nulls().height == 1
    assert lines["people"].sum() == 40
    offers["SAMPLE-LTD"].delete()
    signed(fresh_database, batch)
    put_into_force(fresh_database, batch, by=hand())
    programs = setup.loaded_in_force(year.client_id).parts.programs
    parts = next(one for one in programs if one.valid_from == date(2027, 1, 1)).plan_types
    options = {one.plan_type: [option.code for option in one.options] for one in parts if one.active}
    assert (options.get("31"), options["21"], options["60"]) == (None, ["1X", "2X", "3X"], ["FSA"])


def rows_of(data: bytes) -> pl.DataFrame:
    return fastexcel.read_excel(data).load_sheet("Offer", header_row=3, dtypes="string").to_polars()


def people_in(data: bytes, offer: int) -> int:
    return int(float(rows_of(data).filter(Offer=str(offer))["EE people"][0]))


def edited(data: bytes, offer: int, people: str) -> bytes:
    """Write the sheet again with another number of people, as somebody would in a spreadsheet."""
    rows = rows_of(data).with_columns(
        pl.when(pl.col("Offer") == str(offer)).then(pl.lit(people)).otherwise("EE people").alias("EE people")
    )
    file = BytesIO()
    rows.filter(pl.col("Offer").is_not_null()).write_excel(file, worksheet="Offer")
    return file.getvalue()


@pytest.mark.parametrize(
    ("said", "expected"), [("many", "a whole number"), ("-1", "a whole number"), ("2.5", "2.5")]
)
def test_a_workbook_with_a_fault_changes_nothing_and_names_its_row(year, fresh_database, said, expected):
    batch = renewal(year)
    offer = offers_of(batch)[0]
    before = list(OfferCount.objects.filter(offer__batch=batch).values_list("pk", "people"))
    taken = read_back(batch, "w.xlsx", edited(workbook_of(fresh_database, batch), offer.pk, said))
    (fault,) = taken.faults
    assert fault.column == "EE people"
    assert fault.row > 1
    assert expected in fault.sentence()
    assert list(OfferCount.objects.filter(offer__batch=batch).values_list("pk", "people")) == before
    with pytest.raises(RenewalRefused, match="cannot be read"):
        read_back(batch, "w.xlsx", b"no workbook")


def test_a_clients_workbook_has_formulas_and_nothing_of_the_peos_own(year, fresh_database):
    data = workbook_of(fresh_database, renewal(year), for_client=True)
    assert not [name for name in rows_of(data).columns if "cost" in name.lower() or "margin" in name.lower()]
    assert "True cost" in rows_of(workbook_of(fresh_database, renewal(year))).columns
    assert fastexcel.read_excel(data).sheet_names == ["Offer", "Bands", "Plan design", "Signature"]
    assert not [name for name in bands_in(data).columns if "cost" in name.lower()]


def bands_in(data: bytes) -> pl.DataFrame:
    return fastexcel.read_excel(data).load_sheet("Bands", dtypes="string").to_polars()


def test_people_of_a_band_are_changed_on_the_sheet_of_bands(year, fresh_database):
    batch = renewal(year)
    offer = next(one for one in offers_of(batch) if one.plan.setup_plan == "SAMPLE-SUPP-LIFE")
    data = workbook_of(fresh_database, batch)
    rows = bands_in(data)
    assert rows.filter(Offer=str(offer.pk))["Band"].to_list()[:3] == [None, "from age 25", "from age 30"]

    def again(**changes: pl.Expr) -> bytes:
        file = BytesIO()
        with Workbook(file) as book:
            rows_of(data).write_excel(book, "Offer")
            is_third = (pl.col("Offer") == str(offer.pk)) & (pl.col("Number") == "3")
            changed = {name: pl.when(is_third).then(one).otherwise(name) for name, one in changes.items()}
            rows.with_columns(**changed).write_excel(book, "Bands")
        return file.getvalue()

    assert read_back(batch, "w.xlsx", again()).changed == 0
    taken = read_back(batch, "w.xlsx", again(People=pl.lit("4")))
    assert (taken.changed, taken.faults) == (1, [])
    known = {bands["age"]: people for bands, people in offer.counts.values_list("bands", "people")}
    assert known[30] == 4
    (row,) = rows_of(workbook_of(fresh_database, batch)).filter(Offer=str(offer.pk)).rows(named=True)
    assert int(float(row["EE people"])) == sum(known.values())
    (fault,) = read_back(batch, "w.xlsx", again(Band=pl.lit("from age 31"))).faults
    assert (fault.column, fault.found) == ("Band", "EE, from age 31")


def test_days_that_cannot_be_are_refused(year):
    for given in (
        {"enrollment_begins_on": date(2026, 11, 2), "enrollment_ends_on": None},
        {"enrollment_begins_on": date(2026, 11, 20), "enrollment_ends_on": date(2026, 11, 2)},
        {"enrollment_begins_on": date(2026, 12, 20), "enrollment_ends_on": date(2027, 1, 2)},
    ):
        with pytest.raises(RenewalRefused):
            change_batch(renewal(year), **given)


# --- who has elected, and the command line ------------------------------------------------------------------


def test_who_has_elected_is_counted_and_nobody_is_dropped(year, fresh_database):
    people = who_has_elected(fresh_database, year.client_id, [year.employer.open_enrollment])
    assert people.height >= 30
    row = counted(people).row(0, named=True)
    groups = ("not_started", "in_progress", "completed", "not_eligible")
    assert sum(row[name] for name in groups) == row["people"] == people.height
    assert people.filter(pl.col("data_error") != "").is_empty()


def test_a_year_by_commands(year, fresh_database, cli, tmp_path):
    batch = renewal(year)
    assert "Benefits batches" in cli("renewals", "list", "-c", "quill").output
    assert "premium" in cli("renewals", "show", batch.pk).output
    assert cli("renewals", "workbook", batch.pk, tmp_path / "w.xlsx").exit_code == 0
    assert "0 numbers" in cli("renewals", "read-workbook", batch.pk, tmp_path / "w.xlsx").output
    factor = ("renewals", "risk-factor", "-c", "quill", "107.5", "--source", "underwriting")
    assert "107.5 %" in cli(*factor).output
    assert "passed over" in cli("renewals", "hide", "update client selection").output
    assert "used again" in cli("renewals", "hide", "update client selection", "--back").output
    assert "found 'active' set by hand" in cli("renewals", "move", batch.pk, "active").output
    for status in ("prep for presentation", "client review"):
        assert status in cli("renewals", "move", batch.pk, status).output
    for offer in offers_of(batch):
        choose(offer, is_selected=True, by=hand())
    sign(fresh_database, renewal(year), Signature(name="Q. Press"), by=hand())
    done = cli("renewals", "jobs", "--on", "2026-10-21")
    assert done.exit_code == 0, done.output
    assert "release" in done.output
    assert "Nobody is in" in cli("renewals", "progress", "-c", "quill", "-s", "OE27").output
    told = cli("renewals", "progress", "-c", "quill", "-s", "OE26", "--csv", tmp_path / "p.csv")
    assert told.exit_code == 0, told.output
    assert json.dumps(str(tmp_path))[1:-1] in told.output.replace("\n", "") or (tmp_path / "p.csv").exists()


def test_channels_know_batches_and_offers(year):
    """Each declared field is SQL that the database can read."""
    for kind in KINDS:
        columns = ", ".join(f"{kind.path(name)} AS {name}" for name in kind.fields)
        query = f"SELECT {columns}, {kind.active}, {kind.ended} FROM {kind.table} AS t"
        with connection.cursor() as cursor:
            cursor.execute(query)
            assert cursor.fetchall()
        assert kind_of(kind.name) == kind


def test_a_present_plan_stands_against_an_offer(year):
    batch = begin_batch(year.client_id, BatchOrder(effective_on=date(2027, 1, 1)), by=hand())
    plan = offers_of(year.renewal)[0].plan
    offer = add_offer(batch, OfferOrder(plan=plan, rate_group="A", employer={Tier.EE: 0}), by=hand())
    with pytest.raises(RenewalRefused, match="from 0 to the premium"):
        add_existing(batch, name="X", plan_type="10", premiums={Tier.EE: 1}, employers={Tier.EE: 2})
    for premium in (50_000, 40_000):  # the later one takes the place of the first
        add_existing(
            batch,
            name="Their plan",
            plan_type=plan.plan_type,
            premiums={Tier.EE: premium},
            employers={Tier.EE: 10_000},
            compare_to=offer,
        )
    set_counts(offer, {(Tier.EE, ()): 3})
    row = comparison_of(connection, batch).plans().row(0, named=True)
    assert (row["was_premium_cents"], row["was_employee_cents"]) == (3 * 40_000, 3 * 30_000)
    assert row["change_premium_cents"] == row["is_premium_cents"] - 120_000


def test_a_client_level_plan_is_a_copy_of_a_master(year):
    master = BenefitsPlan.objects.filter(client_id=0, begins_on=date(2027, 1, 1)).first()
    given = {"begins_on": date(2027, 1, 1), "source": "copied", "by": hand()}
    made = copy_plan(master, year.client_id, "OWN-1", **given)
    assert (made.kind, made.client_id, made.model_plan_id) == ("client", year.client_id, master.pk)
    assert rates_of(made.rate_groups.get(title="A")) == rates_of(master.rate_groups.get(title="A"))
    with pytest.raises(RenewalRefused, match="expected a model, base or master"):
        copy_plan(made, year.client_id, "OWN-2", **given)
    with pytest.raises(RenewalRefused, match="unique plan code"):
        copy_plan(master, year.client_id, "OWN-1", **given)


def test_a_design_that_changes_is_told_in_words_sheet_and_document(year, fresh_database):
    renewed = next(
        one for one in offers_of(year.renewal) if one.plan.plan_type == "10" and one.renewed_from is not None
    )
    before = design_deltas(fresh_database, load_offers(fresh_database, [year.renewal]))
    same = before[renewed.pk]
    assert {one.change for one in same} == {"the same"}  # set-up has one design for both years
    was = same[0].was
    cents = int(was.replace("$", "").replace(",", "").replace(".", ""))
    design = {"deductible": f"{cents // 100 + 500}.00", "coinsurance_percent": "12.5", "drug": "7"}
    BenefitsPlan.objects.filter(pk=renewed.plan_id).update(design=design)
    weighed = comparison_of(fresh_database, Batch.objects.get(pk=year.renewal))
    told = {one.name: one for one in weighed.designs[renewed.pk]}
    assert (told["Deductible, one person"].change, told["Deductible, one person"].is_better) == (
        "+$500.00",
        False,
    )
    told_now = told["Deductible, one person"].is_now
    assert told["Coinsurance"].is_now == "12.5 %"
    book = fastexcel.read_excel(workbook_of(fresh_database, weighed.batch, for_client=True))
    rows = book.load_sheet("Plan design", dtypes="string").to_polars().rows()
    first = (str(renewed.pk), renewed.plan.name, "Deductible, one person", was, told_now, "+$500.00")
    assert first in rows
    assert document_of(weighed, None)[:5] == b"%PDF-"
