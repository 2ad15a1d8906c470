"""Lists for administrators and insurers: who is in an account, who is insured, who lost cover."""

from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.carriers.custody_files import LAYOUT, report
from tests.carriers.test_paying import NOW, made

import openbenefits.carriers.layouts as layouts
from openbenefits.carriers.layouts.layout import FileLayout, read_layout_file
from openbenefits.carriers.layouts.reading import read_back

ON = date(2026, 3, 1)
PRICE = 31_025  # five times the 62.05 two pays take of the employee, who pays a fifth
EXAMPLES = Path(layouts.__file__).parent / "examples"
ACCOUNTS = msgspec.convert(
    {
        "name": "accounts",
        "content": "eligibility",
        "when": [{"value": "plan_type", "is_in": ["60"]}],
        "records": [
            {
                "name": "r",
                "columns": [
                    {"name": "number", "value": "employee_number", "required": True},
                    {"name": "name", "value": "last_name"},
                    {"name": "state", "value": "state"},
                    {"name": "hired", "value": "hired_on", "kind": "day"},
                    {"name": "from", "value": "begins_on", "kind": "day"},
                    {"name": "through", "value": "ends_on", "kind": "day"},
                    {"name": "pledge", "value": "pledge_cents", "kind": "money"},
                ],
            }
        ],
    },
    FileLayout,
)


@pytest.fixture
def world(fresh_database, kept, tmp_path):
    return kept(fresh_database, "paying", lambda: made(fresh_database, tmp_path))


def agree(world, layout, **more):
    from openbenefits.carriers.agreements.partners import Cadence, Partner, save_partner

    told = {"cadence": Cadence(mode="2"), "values": {"*": {"employer": "E77", "policy": "4712"}}}
    partner = Partner(name="List", carriers=("Carrier",), kind="file", layout=layout, **(told | more))
    save_partner(world.client_id, "list", partner, author="test", now=NOW)


def build(world, on=ON, **more):
    from openbenefits.carriers.building.services import Feed
    from openbenefits.carriers.lists.services import build_list

    feed = Feed(client_id=world.client_id, code="list")
    return build_list(world.connection, feed, on=on, author="test", now=NOW, **more)


def told(file, layout):
    from openbenefits.store.secrets import open_file

    read = read_back(layout, open_file(bytes(file.content)))
    return next(iter(read.values())).drop("line").rows()


def end(world, number, plan_type, on):
    """The coverage of somebody ends."""
    from openbenefits.enrollment.models import Coverage
    from openbenefits.workforce.models import Person

    person = Person.objects.get(client_id=world.client_id, employee_number=number).pk
    base = {"client_id": world.client_id, "person_id": person, "benefit_record": 0, "slot": 0, "version": 1}
    point = {"kind": "T", "basis": "eligible", "rule": "test", "made_at": NOW, "deduction_begins_on": on}
    world.write(Coverage, base | point | {"plan_type": plan_type, "begins_on": on})


def test_accounts_are_listed_once_and_then_what_is_new(world):
    agree(world, ACCOUNTS)
    begin = date(2026, 1, 1)
    row = ("Moss", "MA", date(2015, 1, 1), begin)
    assert told(build(world), ACCOUNTS) == [("0007", *row, None, 130_000), ("0008", *row, None, 130_000)]
    assert build(world) is None
    end(world, "0008", "60", date(2026, 4, 1))
    assert told(build(world), ACCOUNTS) == [("0008", *row, date(2026, 3, 31), 130_000)]
    assert len(told(build(world, mode="4"), ACCOUNTS)) == 2
    assert build(world) is None


def test_everybody_in_a_list_has_a_line_in_the_chain_of_custody(world):
    from openbenefits.carriers.answers import services as answering
    from openbenefits.carriers.custody import services as custody
    from openbenefits.carriers.filing import services as filing
    from openbenefits.carriers.models import FileLine

    agree(world, ACCOUNTS, reports={"errors": LAYOUT})
    file = build(world)
    rows = FileLine.objects.filter(file_id=file.pk).order_by("number")
    said = list(rows.values_list("line", "plan_type", "kind", "begins_on", "ends_on", "dependent_id"))
    assert said == [("60", "60", "in a list", date(2026, 1, 1), None, None)] * 2
    person = rows[0].person_id
    filing.release(file.pk, author="ann", words="seen", now=NOW)
    chain = custody.chain(world.client_id, person, now=NOW).filter(line="60").row(0, named=True)
    assert (chain["stage"], chain["file_id"], chain["is_intended"]) == ("released", file.pk, True)
    assert chain["is_as_sent"]
    file.state = "sent"
    file.save()
    answer = report({"member": "0007", "line": "60", "status": "OK"}, {"member": "0008", "status": "REJ"})
    answering.take(world.connection, world.client_id, "list", answer, "r", author="test", now=NOW)
    assert list(rows.values_list("verdict", flat=True)) == ["accepted", "refused"]
    chain = custody.chain(world.client_id, person, now=NOW).filter(line="60").row(0, named=True)
    assert (chain["stage"], chain["verdict"]) == ("confirmed", "accepted")


def test_what_was_told_and_never_was_ends_before_it_begins(world):
    agree(world, ACCOUNTS)
    build(world)
    with world.connection.cursor() as cursor:
        cursor.execute(
            "UPDATE enrollment_coverage SET superseded_by_run = 1, superseded_at = now()"
            " WHERE plan_type = '60' AND person_id = (SELECT max(person_id) FROM enrollment_coverage)"
        )
    (row,) = told(build(world), ACCOUNTS)
    assert (row[0], row[4], row[5]) == ("0008", date(2026, 1, 1), date(2025, 12, 31))
    assert build(world) is None


def test_what_ended_long_ago_is_let_be(world):
    agree(world, ACCOUNTS, retro_days=30)
    end(world, "0008", "60", date(2026, 2, 15))
    assert len(told(build(world), ACCOUNTS)) == 2
    assert build(world, on=ON + timedelta(days=60)) is None


def test_volumes_are_listed_with_pay_and_class(world):
    from openbenefits.workforce.models import Person

    layout = msgspec.convert(
        {
            "name": "volumes",
            "content": "disability",
            "when": [{"value": "plan_type", "is_in": ["20"]}],
            "records": [
                {
                    "name": "r",
                    "columns": [
                        {"name": "number", "value": "employee_number"},
                        {"name": "pay", "value": "annual_pay_cents", "kind": "money"},
                        {"name": "volume", "value": "volume_cents", "kind": "money"},
                    ],
                }
            ],
        },
        FileLayout,
    )
    agree(world, layout)
    person = Person.objects.get(client_id=world.client_id, employee_number="0007").pk
    world.cover(person, "20", "LIFE", coverage_cents=5_200_000)
    assert told(build(world), layout) == [("0007", 5_200_000, 5_200_000)]


def test_losses_go_to_the_cobra_administrator_once(world):
    from openbenefits.compliance.models import CobraDuty
    from openbenefits.enrollment.models import Coverage
    from openbenefits.workforce.models import Person

    layout = read_layout_file(EXAMPLES / "cobra_events.yaml")
    agree(world, layout)
    assert build(world) is None
    end(world, "0007", "10", ON)
    person = Person.objects.get(client_id=world.client_id, employee_number="0007").pk
    duty = {"client_id": world.client_id, "person_id": person, "dependent_id": 0, "cover": "medical"}
    days = {
        "happened_on": date(2026, 2, 20),
        "last_covered_on": date(2026, 2, 28),
        "election_notice_by": date(2026, 4, 14),
        "election_through": date(2026, 5, 1),
        "continues_through": date(2027, 8, 31),
        "recorded_on": ON,
        "made_at": NOW,
    }
    said = {"state": "due", "cause": "termination", "reason": "left", "source": "the law"}
    CobraDuty.objects.create(**duty, lost_on=ON, version=1, **said, **days)
    file = build(world)
    assert (file.state, file.lines, file.members) == ("validated", 1, 1)
    read = _records(file, layout)
    assert read["event"].select("employee id", "event", "beneficiaries").rows() == [
        ("0007", "termination", 1)
    ]
    assert read["plan"].select("plan", "tier", "last day covered", "monthly price").rows() == [
        ("HMO", "1", date(2026, 2, 28), PRICE)
    ]
    assert build(world) is None
    CobraDuty.objects.create(**duty, lost_on=ON, version=2, **(said | {"state": "withdrawn"}), **days)
    Coverage.objects.filter(person_id=person, plan_type="10", kind="T").update(superseded_by_run=1)
    every = msgspec.structs.replace(layout, when=())
    agree(world, every)
    assert _records(build(world), every)["plan"]["plan"].to_list() == ["HMO"]
    assert build(world) is None


def _records(file, layout):
    from openbenefits.store.secrets import open_file

    return read_back(layout, open_file(bytes(file.content)))


def test_a_night_builds_what_is_due_and_one_failure_stops_no_other(world):
    from openbenefits.carriers.lists.services import build_others

    agree(world, ACCOUNTS)
    found = {one.feed.code: one for one in build_others(world.connection, ON, NOW)}
    assert (found["list"].state, found["care"].file_id) == ("validated", None)
    lacking = msgspec.structs.replace(ACCOUNTS, content="cobra", order=("salary",))
    agree(world, lacking)
    found = {one.feed.code: one for one in build_others(world.connection, ON, NOW)}
    assert (found["list"].state, found["list"].error) == ("", "")


def test_an_agreement_of_something_else_builds_no_list(world):
    from openbenefits.carriers.agreements.partners import PartnerRefused

    agree(world, read_layout_file(EXAMPLES / "fsa_contributions.yaml"))
    with pytest.raises(PartnerRefused, match="a layout of a list"):
        build(world)


def test_one_file_for_several_clients_with_the_values_of_each(world):
    """The PEO's agreement: a client's login reads his own values of it, and none of the file."""
    from openbenefits.carriers.agreements.partners import (
        Cadence,
        Partner,
        partner_of,
        save_partner,
    )
    from openbenefits.carriers.building.services import Feed
    from openbenefits.carriers.lists.services import build_list, build_others
    from openbenefits.carriers.models import CarrierFile, FileLine, PartnerValues, PartnerVersion
    from openbenefits.store.isolation import FACE, Rights, acting
    from openbenefits.workforce.models import Client

    code = Client.objects.get(pk=world.client_id).code
    other = Client.objects.create(code="other", name="Other")
    values = {"*": {"employer": "E77"}, code: {"policy": "4712"}, "other": {"policy": "9999"}}
    told_so = {"cadence": Cadence(mode="2"), "values": values}
    partner = Partner(name="List", carriers=("Carrier",), kind="file", layout=ACCOUNTS, **told_so)
    assert save_partner(0, "list", partner, author="test", now=NOW) == 1
    assert save_partner(0, "list", partner, author="test", now=NOW) == 1
    assert partner_of(other.pk, "list")[2] == partner
    later = msgspec.structs.replace(partner, values=values | {"later": {"policy": "1"}})
    assert save_partner(0, "list", later, author="test", now=NOW) == 2
    assert PartnerValues.objects.get(client="later").client_id == 0

    def seen(client_id):
        """Whose values a user of one client reads, as a face."""
        rights = Rights(user_id=1, reads=(0, client_id), writes=(client_id,))
        with acting(world.connection, rights), world.connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {FACE}")
            return set(PartnerValues.objects.values_list("client", flat=True))

    assert seen(other.pk) == {"other"}, "of a client to come nobody's users read anything"
    come = Client.objects.create(code="later", name="Later")
    assert PartnerValues.objects.get(client="later").client_id == come.pk
    assert (seen(come.pk), seen(other.pk)) == ({"later"}, {"other"})
    assert partner_of(come.pk, "list")[2].values["later"] == {"policy": "1"}
    assert save_partner(0, "list", partner, author="test", now=NOW) == 3
    file = build_list(world.connection, Feed(client_id=0, code="list"), on=ON, author="test", now=NOW)
    assert (file.client_id, file.members, file.state) == (0, 2, "validated")
    (again,) = (one for one in build_others(world.connection, ON, NOW) if one.feed.code == "list")
    assert (again.file_id, again.error) == (None, "")
    lines = FileLine.objects.filter(file_id=file.pk)
    assert set(lines.values_list("client_id", flat=True)) == {world.client_id}
    for client_id, policy in ((world.client_id, "4712"), (other.pk, "9999")):
        with (
            acting(world.connection, Rights(user_id=1, reads=(0, client_id))),
            world.connection.cursor() as cursor,
        ):
            cursor.execute(f"SET LOCAL ROLE {FACE}")
            assert partner_of(client_id, "list")[2].values == {
                "*": {"employer": "E77"},
                Client.objects.get(pk=client_id).code: {"policy": policy},
            }
            assert PartnerValues.objects.filter(version=3).count() == 1
            assert policy not in str(PartnerVersion.objects.get(code="list", version=3).document)
            assert not CarrierFile.objects.exists()
            assert lines.exists() == (client_id == world.client_id)


def test_agreements_of_before_have_their_values_parted_by_client_and_put_together_again(fresh_database):
    from django.core.management import call_command

    from openbenefits.carriers.models import PartnerValues, PartnerVersion
    from openbenefits.workforce.models import Client

    known = Client.objects.create(code="acme", name="Acme")
    values = {"*": {"employer": "E77"}, "acme": {"policy": "4712"}, "later": {"policy": "1"}}
    versions = [
        (0, 1, {"name": "L"}),
        (0, 2, {"name": "L", "values": values}),
        (known.pk, 1, {"values": values}),
    ]

    def documents():
        rows = PartnerVersion.objects.order_by("client_id", "version")
        return [(row.client_id, row.version, row.document) for row in rows]

    call_command("migrate", "carriers", "0001_files", verbosity=0)
    for client_id, version, document in versions:
        told = {"client_id": client_id, "code": "list", "version": version, "document": document}
        PartnerVersion.objects.create(**told, author="test", made_at=NOW)
    call_command("migrate", "carriers", verbosity=0)
    assert documents() == [versions[0], (0, 2, {"name": "L", "values": {"*": values["*"]}}), versions[2]]
    apart = PartnerValues.objects.order_by("client").values_list("client_id", "version", "client", "values")
    assert list(apart) == [(known.pk, 2, "acme", values["acme"]), (0, 2, "later", values["later"])]
    call_command("migrate", "carriers", "0001_files", verbosity=0)
    assert documents() == versions
