"""The playbooks that come with the product: each reads, runs, and its steps are told with what data says. Source: §7."""

import json
from datetime import date
from pathlib import Path

import pytest
from tests.workflow.conftest import NOW, TODAY, later

from openbenefits.casework.models import Ticket
from openbenefits.casework.services import complete_task
from openbenefits.renewals.models import Batch, BenefitsPlan, Offer
from openbenefits.workflow import models, services
from openbenefits.workflow.checking import check_channel
from openbenefits.workflow.checks import CHECKS, verdicts
from openbenefits.workflow.progress import progress, summary
from openbenefits.workflow.reading import read, read_file
from openbenefits.workflow.scheduled import run_schedules
from openbenefits.workflow.schema import NAME, json_schema
from openbenefits.workflow.shipped_channels import FOLDER, shipped, take_over

SCHEMA = Path(__file__).parents[2] / "docs" / "schema" / NAME


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_each_reads_without_a_fault(file):
    channel, findings = read_file(file)
    assert findings == []
    assert [one.sentence() for one in check_channel(channel)] == []
    assert channel.channel == file.stem


def test_the_published_schema_is_that_of_the_program():
    assert json.loads(SCHEMA.read_text()) == json_schema()


def test_a_faulty_file_says_where(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("channel: x\nname: X\nkind: job\non: {operation: sometimes}\nitems: []\n")
    channel, (finding,) = read_file(file)
    assert channel is None
    assert (finding.file, finding.line, finding.where) == ("bad.yaml", 4, "on.operation")
    file.write_text("channel: [")
    assert read_file(file)[1][0].code == "yaml"


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"kind": "pet"}, "kind"),
        ({"on": {"changed": "shoe"}}, "on.changed"),
        ({"by_hand": True}, "on"),
        ({"expression": "1 AND"}, "expression"),
        ({"withdrawn_when": [{"label": "1", "field": "shoe", "operator": "equals"}]}, "withdrawn_when[0]"),
        (
            {"withdrawn_when": [{"label": "1", "field": "action", "operator": "changed"}]},
            "withdrawn_when[0]",
        ),
        ({"items": []}, "items"),
        ({"items": [{"item": "a", "title": "A"}]}, "items[0]"),
        ({"items": [{"item": "a", "title": "A", "task": {"subject": "{{person.birth_on}}"}}]}, "items[0]"),
        ({"items": [{"item": "a", "title": "A", "change": {"act": "drop tables"}}]}, "items[0].change"),
        ({"items": [{"item": "a", "title": "A", "change": {"act": "enter activity"}}]}, "items[0].change"),
        (
            {"items": [{"item": "a", "title": "A", "task": {"subject": "x"}, "after": {"item": "b"}}]},
            "items[0].after",
        ),
        ({"items": [{"item": "a", "title": "A", "case": {"subject": "x", "marked": True}}]}, "items[0].case"),
        ({"conditions": [{"label": "AND", "field": "action", "operator": "is blank"}]}, "conditions[0]"),
        (
            {"conditions": [{"label": "1", "field": "valid_from", "operator": "on", "value": "soon"}]},
            "conditions[0].value",
        ),
    ],
)
def test_what_names_nothing_is_refused(said, where):
    fine = {
        "channel": "c",
        "name": "C",
        "kind": "job",
        "on": {},
        "items": [{"item": "a", "title": "A", "task": {"subject": "x"}}],
    }
    found = check_channel(read(fine | said))
    assert where in [one.where for one in found]
    assert check_channel(read(fine)) == []


def test_a_termination_sets_off_its_playbook_and_data_says_what_is_done(world):
    assert len(take_over(None, author="test", now=NOW)) == len(shipped())
    assert take_over(None, author="test", now=NOW) == []
    world.change(
        world.first,
        on=date(2026, 4, 1),
        action="TER",
        job_status="T",
        last_day_employed=date(2026, 3, 31),
        now=later(days=1),
    )
    world.look()
    steps = progress(world.connection, world.client_id, today=TODAY)
    assert set(steps["channel"]) == {"employee-termination"}
    assert steps.select("item", "stands", "is_proved").rows() == [
        ("end-coverage", "open", True),
        ("cobra", "open", False),  # no duty yet, as no event has been made of the change
        *((item, "to come", None) for item in ("last-deduction", "carrier", "invoice")),
    ]
    first = Ticket.objects.get(category="eligibility")
    assert first.assignee_id == world.users["ann"].pk
    complete_task("ann", first.pk, now=later(days=2))
    world.look()
    steps = progress(world.connection, world.client_id, today=TODAY)
    there = steps.filter(steps["stands"] != "to come")
    assert there["item"].to_list() == ["end-coverage", "cobra", "last-deduction", "carrier"]
    assert steps.filter(item="end-coverage").select("stands", "done_by").row(0) == ("done in time", "ann")
    (row,) = summary(steps).iter_rows(named=True)
    assert (row["steps"], row["done"], row["to_come"], row["unproved"]) == (5, 1, 1, 0)


def test_a_new_client_gets_its_playbook_and_census_is_looked_at(world):
    take_over(None, author="test", now=NOW)
    fresh = world.workforce.add_client("birch", "Birch").pk
    world.look()
    steps = progress(world.connection, fresh, today=TODAY)
    assert dict(steps.filter(stands="open").select("item", "is_proved").iter_rows()) == {
        "set-up": False,
        "codes": False,
        "carriers": False,
    }
    assert steps.filter(stands="to come")["item"].to_list() == [
        *("payroll", "census", "enrolment", "first-pay", "first-invoice")
    ]
    asked = {
        name: verdicts(world.connection, one, [str(world.client_id)], TODAY)
        for name, one in CHECKS.items()
        if one.kind == "client"
    }
    told = {name: rows["is_done"][0] for name, rows in asked.items()}
    names = ("set-up in force", "census matched", "everybody left", "everybody enrolled")
    assert [told[name] for name in names] == [True, True, False, False]


def test_a_client_leaves_by_hand_once(world):
    take_over(None, author="test", now=NOW)
    key = str(world.client_id)
    when = {"today": TODAY, "now": NOW}
    assert services.start(None, world.connection, world.client_id, "client-termination", key, **when) == 2
    assert services.start(None, world.connection, world.client_id, "client-termination", key, **when) == 0
    with pytest.raises(services.ChannelMissing, match="expected a record"):
        services.start(None, world.connection, world.client_id, "client-termination", "999999", **when)
    assert models.Made.objects.filter(cause="by hand 2026-03-02").count() == 2


def test_a_batch_that_is_not_signed_is_said_in_time(world):
    take_over(None, author="test", now=NOW)
    made = {"client_id": world.client_id, "made_by": "test", "made_at": NOW}
    batch = Batch.objects.create(effective_on=date(2026, 7, 1), **made)
    assert world.days(date(2026, 4, 20), date(2026, 5, 5)) == [1, 1]
    steps = progress(world.connection, world.client_id, today=TODAY)
    assert steps.select("item", "key", "is_proved").rows() == [
        ("review", str(batch.pk), False),
        ("approval", str(batch.pk), False),
    ]
    assert models.Outbox.objects.filter(kind="batch").count() == 1  # its end closes what is open


def test_a_client_is_renewed_by_the_days_of_its_own_batch(world):
    """No open enrolment of the year after is known yet; the plan is the PEO's, and asked for once."""
    take_over(None, author="test", now=NOW)
    said = {"client_id": 0, "plan_type": "10", "setup_plan": "HMO", "name": "HMO", "carrier": "Blue"}
    said |= {"carrier_plan_code": "H", "source": "letter", "status": "active"}
    days_of = {"begins_on": date(2025, 8, 1), "expires_on": date(2026, 7, 31)}
    plan = BenefitsPlan.objects.create(unique_code="HMO-26", **said, **days_of)
    made = {"client_id": world.client_id, "made_by": "test", "made_at": NOW, "status": "active"}
    batch = Batch.objects.create(effective_on=date(2025, 8, 1), expires_on=date(2026, 7, 31), **made)
    later_batch = Batch.objects.create(effective_on=date(2025, 11, 1), expires_on=date(2026, 10, 31), **made)
    for one in (batch, later_batch):
        Offer.objects.create(
            client_id=world.client_id, batch=one, plan=plan, status="active", begins_on=one.effective_on
        )
    days = (date(2026, 4, 2), date(2026, 4, 3), date(2026, 4, 23), date(2026, 5, 3))
    assert world.days(*days) == [0, 1, 0, 1]
    assert [run_schedules(world.connection, 0, today=day, now=NOW)["renewal-plan"] for day in days] == [
        0,
        0,
        1,
        0,
    ]
    steps = progress(world.connection, None, today=TODAY)
    assert steps.select("client", "item", "key", "is_proved", "subject").rows() == [
        (
            "acme",
            "rates",
            str(batch.pk),
            None,
            "Start the renewal of acme for 2026-08-01: request carrier rates",
        ),
        (
            *("acme", "renew", str(batch.pk), False),
            "Renew the batch of acme for 2026-08-01; plans nobody renewed yet: 1",
        ),
        (
            *(None, "renew", str(plan.pk), False),
            "Load the rates of Blue from 2026-08-01 and renew HMO-26; batches that offer it: 2",
        ),
    ]
    BenefitsPlan.objects.create(unique_code="HMO-27", begins_on=date(2026, 8, 1), renewed_from=plan, **said)
    Batch.objects.create(effective_on=date(2026, 8, 1), renewal_of=batch, **(made | {"status": "pending"}))
    steps = progress(world.connection, None, today=TODAY)
    assert steps["is_proved"].to_list() == [None, True, True]
    assert world.days(date(2026, 5, 4)) == [0]  # renewed: nothing is asked for again
    assert world.days(date(2026, 7, 3)) == [1]  # the other batch, on a day of its own


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_every_check_can_be_asked(world, name):
    check = CHECKS[name]
    key = str(world.first if check.kind == "person" else world.client_id)
    found = verdicts(world.connection, check, [key], TODAY)
    assert found["key"].to_list() == [key]
    assert found["is_done"].null_count() == found["told"].null_count() == 0
