"""What pays took goes to partners once: contributions by a layout, premiums as an 820, corrections apart."""

from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest
from tests.carriers.custody_files import HOUR, LAYOUT, report
from tests.carriers.test_premium_writing import TERMS, VALUES
from tests.payroll.worlds import World
from typer.testing import CliRunner

import openbenefits.carriers.layouts as layouts
from openbenefits.carriers.conformance import findings_of
from openbenefits.carriers.layouts.layout import read_layout_file
from openbenefits.carriers.layouts.reading import read_back
from openbenefits.carriers.payments.reading import read_payments
from openbenefits.cli.main import app

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = date(2026, 1, 4), date(2026, 1, 18), date(2026, 2, 1)
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
FSA = Path(layouts.__file__).parent / "examples" / "fsa_contributions.yaml"


def made(connection, folder):
    """Two people with a pledge and health cover, and an agreement with their carrier."""
    from openbenefits.carriers.agreements.partners import Partner, save_partner

    world = World(connection, folder)
    for number in ("0007", "0008"):
        person = world.hire(number)
        world.cover(person, "10", "HMO-1")
        world.cover(person, "60", "FSA", pledge_cents=130_000)
    terms = msgspec.structs.replace(TERMS, policies={"HMO": "GRP-1"})
    partner = Partner(
        name="Carrier",
        carriers=("Carrier",),
        kind="file",
        layout=read_layout_file(FSA),
        premium=terms,
        values={"*": VALUES | {"employer": "E77"}},
    )
    save_partner(world.client_id, "care", partner, author="test", now=NOW)
    return world


@pytest.fixture
def world(fresh_database, kept, tmp_path):
    return kept(fresh_database, "paying", lambda: made(fresh_database, tmp_path))


def take(world, folder, *rows):
    """A file of what pays took: (number, plan type, tax class, end of pay, dollars)."""
    from openbenefits.payroll.taken import take

    names = ("employee_number", "plan_type", "tax_class", "ends_on", "taken")
    texts = [dict(zip(names, map(str, row), strict=True)) | {"pay_group": "BW"} for row in rows]
    path = folder / f"taken{len(list(folder.iterdir()))}.csv"
    pl.DataFrame(texts).write_csv(path)
    return take(world.connection, world.client_id, path, now=NOW, made_by="test")


def feed(world):
    from openbenefits.carriers.building.services import Feed

    return Feed(client_id=world.client_id, code="care")


def contribute(world, on=THIRD):
    from openbenefits.carriers.payments.services import build_contributions

    return build_contributions(world.connection, feed(world), on=on, author="test", now=NOW)


def pay(world, month=JANUARY, **more):
    from openbenefits.carriers.payments.services import build_premium

    told = {"month": month, "paid_on": date(2026, 3, 5), "author": "test", "now": NOW}
    return build_premium(world.connection, feed(world), **(told | more))


def content(file):
    from openbenefits.store.secrets import open_file

    return open_file(bytes(file.content))


def lines(file):
    read = read_back(read_layout_file(FSA), content(file))["contribution"]
    columns = ("Employee ID", "Pay Date", "Employee Amount", "Year To Date", "Type")
    return read.select(columns).rows()


def links(file):
    """What the chain of custody keeps of a file."""
    from openbenefits.carriers.models import FileLine

    names = ("line", "plan_type", "kind", "begins_on", "ends_on", "set")
    return list(FileLine.objects.filter(file_id=file.pk).order_by("number").values_list(*names))


def test_what_was_taken_is_funded_once_and_a_correction_is_a_row_of_its_own(world, tmp_path):
    take(world, tmp_path, ("0007", "60", "B", FIRST, "50.00"), ("0008", "60", "B", FIRST, "50.01"))
    file = contribute(world)
    assert (file.state, file.kind, file.members, file.lines) == ("validated", "file", 2, 2)
    assert links(file) == [("contributions", "60", "contribution", FIRST, FIRST, 1)] * 2
    assert lines(file) == [
        ("0007", date(2026, 1, 9), 5_000, 5_000, "false"),
        ("0008", date(2026, 1, 9), 5_001, 5_001, "false"),
    ]
    assert contribute(world) is None
    take(world, tmp_path, ("0007", "60", "B", SECOND, "50.00"))
    take(world, tmp_path, ("0008", "60", "B", FIRST, "40.01"))
    assert lines(contribute(world)) == [
        ("0008", date(2026, 1, 9), -1_000, 4_001, "true"),
        ("0007", date(2026, 1, 23), 5_000, 10_000, "false"),
    ]
    assert contribute(world) is None


def test_one_file_of_contributions_for_several_clients(world, tmp_path):
    """The PEO's agreement: each client's money under his own values; a login reads his own people's lines."""
    from openbenefits.carriers.agreements.partners import partner_of, save_partner
    from openbenefits.carriers.building.services import Feed
    from openbenefits.carriers.models import CarrierFile, FileLine
    from openbenefits.carriers.payments.services import build_contributions
    from openbenefits.store.isolation import FACE, Rights, acting

    def built():
        shared = Feed(client_id=0, code="funds")
        return build_contributions(world.connection, shared, on=THIRD, author="test", now=NOW)

    def told(file):
        read = read_back(read_layout_file(FSA), content(file))["contribution"]
        return sorted(read.select("Employer ID", "Employee ID", "Employee Amount", "Type").rows())

    other = world.beside(tmp_path, "other")
    other.cover(other.hire("0007"), "60", "FSA", pledge_cents=130_000)  # the same number, somebody else
    values = {"acme": {"employer": "E1"}, "other": {"employer": "E2"}}
    own = partner_of(world.client_id, "care")[2]
    partner = msgspec.structs.replace(own, premium=None, values={"acme": values["acme"]})
    save_partner(0, "funds", partner, author="test", now=NOW)
    take(world, tmp_path, ("0007", "60", "B", FIRST, "50.00"), ("0008", "60", "B", FIRST, "50.01"))
    take(other, tmp_path, ("0007", "60", "B", FIRST, "30.00"))
    lacking = built()
    assert (lacking.state, content(lacking)) == ("invalid", b"")
    save_partner(0, "funds", msgspec.structs.replace(partner, values=values), author="test", now=NOW)
    file = built()
    assert (file.client_id, file.state, file.members, file.lines) == (0, "validated", 3, 3)
    mine = [("E1", "0007", 5_000, "false"), ("E1", "0008", 5_001, "false")]
    assert told(file) == [*mine, ("E2", "0007", 3_000, "false")]
    assert built() is None
    lines = FileLine.objects.filter(file_id=file.pk)
    for client_id, count in ((world.client_id, 2), (other.client_id, 1)):
        with (
            acting(world.connection, Rights(user_id=1, reads=(0, client_id))),
            world.connection.cursor() as cursor,
        ):
            cursor.execute(f"SET LOCAL ROLE {FACE}")
            assert set(lines.values_list("client_id", flat=True)) == {client_id}
            assert (lines.count(), CarrierFile.objects.exists()) == (count, False)
    take(other, tmp_path, ("0007", "60", "B", FIRST, "20.00"))
    take(world, tmp_path, ("0007", "60", "B", SECOND, "50.00"))
    assert told(built()) == [mine[0], ("E2", "0007", -1_000, "true")]


def test_a_report_marks_the_lines_of_contributions_and_of_a_payment_it_names(world, tmp_path):
    from openbenefits.carriers.agreements.partners import partner_of, save_partner
    from openbenefits.carriers.answers import services as answering
    from openbenefits.carriers.custody import services as custody
    from openbenefits.carriers.models import FileLine, FileSet

    def answer(*rows, hours=1):
        given = {"author": "test", "now": NOW + hours * HOUR}
        return answering.take(world.connection, world.client_id, "care", report(*rows), "report", **given)

    def verdicts(file):
        rows = FileLine.objects.filter(file_id=file.pk).order_by("person_id")
        return list(rows.values_list("verdict", "code", "words"))

    partner = partner_of(world.client_id, "care")[2]
    reporting = msgspec.structs.replace(partner, reports={"errors": LAYOUT})
    save_partner(world.client_id, "care", reporting, author="test", now=NOW)
    take(world, tmp_path, ("0007", "60", "B", FIRST, "50.00"), ("0008", "60", "B", FIRST, "50.00"))
    take(world, tmp_path, ("0007", "10", "B", FIRST, "62.05"), ("0008", "10", "B", FIRST, "62.05"))
    money, premium = contribute(world), pay(world)
    money.state, premium.state = "sent", "accepted"
    money.save()
    premium.save()
    FileSet.objects.filter(file_id=premium.pk).update(code="A")
    refused = {"member": "0008", "status": "REJ", "code": "9", "text": "no account"}
    said = [("accepted", None, None), ("refused", "9", "no account")]
    answer({"member": "0007", "status": "OK"}, refused)
    assert (verdicts(money), verdicts(premium)) == (said, [(None, None, None)] * 2)
    named = {"reference": premium.reference}
    answer({"member": "0007", "status": "OK"} | named, refused | named)
    assert verdicts(premium) == said
    person = FileLine.objects.filter(file_id=money.pk).order_by("person_id")[1].person_id
    chain = custody.chain(world.client_id, person, now=NOW + 2 * HOUR).filter(pl.col("file_id").is_not_null())
    told = chain.sort("line").select("line", "file_id", "stage", "verdict", "verdict_code").rows()
    assert told == [("contributions", money.pk, "refused", "refused", "9"),
                    ("premium", premium.pk, "refused", "refused", "9")]  # fmt: skip
    answer({"member": "0008", "status": "OK"}, {"member": "0008", "status": "OK"} | named, hours=3)
    for file in (money, premium):
        file.refresh_from_db()
        assert (file.state, {verdict for verdict, _, _ in verdicts(file)}) == ("reconciled", {"accepted"})


def test_what_was_withdrawn_or_refused_was_not_told(world, tmp_path):
    take(world, tmp_path, ("0007", "60", "B", FIRST, "50.00"))
    for state in ("withdrawn", "rejected", "not read"):
        file = contribute(world)
        assert lines(file)[0][2] == 5_000
        file.state = state
        file.save()
    assert contribute(world) is not None
    assert contribute(world) is None


def test_money_that_comes_back_waits_for_a_person(world, tmp_path):
    take(world, tmp_path, ("0007", "60", "B", FIRST, "50.00"))
    contribute(world)
    take(world, tmp_path, ("0007", "60", "B", FIRST, "20.00"))
    file = contribute(world)
    assert (file.state, [one["code"] for one in file.holds]) == ("held", ["money back"])


def test_a_layout_that_lacks_something_makes_an_invalid_file_that_told_nothing(world, tmp_path):
    from openbenefits.carriers.agreements.partners import partner_of, save_partner

    _, _, partner = partner_of(world.client_id, "care")
    lacking = msgspec.structs.replace(partner, values={})
    save_partner(world.client_id, "care", lacking, author="test", now=NOW)
    take(world, tmp_path, ("0007", "60", "B", FIRST, "50.00"))
    file = contribute(world)
    assert (file.state, content(file)) == ("invalid", b"")
    assert "a value named employer" in file.findings[0]["words"]
    save_partner(world.client_id, "care", partner, author="test", now=NOW)
    assert contribute(world).state == "validated"


def test_a_month_of_premium_is_paid_as_taken_and_numbered(world, tmp_path):
    from openbenefits.carriers.models import ControlNumber, FileAct, FileSet

    take(
        world,
        tmp_path,
        ("0007", "10", "B", FIRST, "62.05"),
        ("0008", "10", "B", FIRST, "62.05"),
        ("0007", "10", "B", SECOND, "0"),
    )
    file = pay(world)
    assert (file.state, file.kind, file.interchange, file.group) == ("validated", "820", 1, 1)
    data = content(file)
    assert findings_of(data) == []
    (read,) = read_payments(data)
    assert read.total_cents == read.sum_cents == 12_410
    told = read.lines.sort("employee_number").select(
        "employee_number", "plan_label", "paid_cents", "covered_from", "covered_through", "adjustment"
    )
    january = (JANUARY, date(2026, 1, 31))
    assert told.rows() == [("0007", "GRP-1", 6_205, *january, ""), ("0008", "GRP-1", 6_205, *january, "")]
    assert set(ControlNumber.objects.values_list("kind", "number")) == {("ISA", 1), ("RA", 1)}
    assert list(FileSet.objects.values_list("set", "control_number")) == [(1, "0001")]
    assert links(file) == [("premium", "10", "premium", JANUARY, date(2026, 1, 31), 1)] * 2
    assert list(FileAct.objects.values_list("state", flat=True)) == ["built", "validated"]
    assert pay(world) is None


def test_what_changes_of_a_month_that_was_paid_is_an_adjustment_and_never_netted(world, tmp_path):
    take(world, tmp_path, ("0007", "10", "B", FIRST, "62.05"), ("0008", "10", "B", FIRST, "62.05"))
    pay(world)
    take(world, tmp_path, ("0007", "10", "B", FIRST, "52.05"), ("0007", "10", "B", THIRD, "62.05"))
    (read,) = read_payments(content(pay(world, FEBRUARY)))
    told = read.lines.select("employee_number", "paid_cents", "adjustment").sort(
        "employee_number", "paid_cents"
    )
    assert ("0007", -1_000, "52") in told.rows()
    assert ("0007", 6_205, "") in told.rows()
    assert read.total_cents == read.sum_cents == 5_205
    assert pay(world, FEBRUARY) is None


def test_recovered_money_rides_as_an_adjustment(world, tmp_path):
    from openbenefits.payroll.ledger import Asked, schedule
    from openbenefits.payroll.policies import state_policy
    from openbenefits.payroll.rules.corrections import Agreed

    given = {"valid_from": JANUARY, "source": "the law", "author": "test", "now": NOW, "periods": 1}
    state_policy(world.connection, client_id=0, state="", **given)
    take(world, tmp_path, ("0007", "10", "B", FIRST, "0"), ("0008", "10", "B", FIRST, "62.05"))
    pay(world)
    asked = Asked(client_id=world.client_id, through=SECOND)
    schedule(
        world.connection,
        asked,
        on=date(2026, 1, 20),
        agreed=Agreed(pre_tax_ground="documented error"),
        reason="missed",
        author="test",
        now=NOW,
    )
    orders = _orders(world)
    assert orders.height
    ends_on, cents = orders.row(0)
    owed = 0 if ends_on == THIRD else 6_205
    take(world, tmp_path, ("0007", "10", "B", ends_on, f"{(owed + cents) / 100:.2f}"))
    (read,) = read_payments(content(pay(world, ends_on.replace(day=1))))
    mine = read.lines.filter(employee_number="0007")
    assert mine.filter(adjustment="53")["paid_cents"].to_list() == [cents]


def _orders(world):
    from openbenefits.payroll.frames import load_orders

    rows = load_orders(world.connection, world.client_id, None).filter(plan_type="10", kind="deduction")
    return rows.select("ends_on", "cents")


def test_without_terms_or_layout_nothing_is_built(world):
    from openbenefits.carriers.agreements.partners import Partner, PartnerRefused, save_partner

    save_partner(
        world.client_id, "care", Partner(name="C", carriers=("C",), kind="portal"), author="test", now=NOW
    )
    with pytest.raises(PartnerRefused, match="a layout of contributions"):
        contribute(world)
    with pytest.raises(PartnerRefused, match="add `premium`"):
        pay(world)


def test_a_night_builds_contributions_once_and_a_command_the_premium(world, tmp_path):
    from openbenefits.carriers.due import build_due
    from openbenefits.carriers.models import PartnerVersion
    from openbenefits.workforce.models import Client

    take(world, tmp_path, ("0007", "60", "B", FIRST, "50.00"), ("0007", "10", "B", FIRST, "62.05"))
    (built,) = build_due(world.connection, THIRD, NOW, 1)
    assert (built.feed, built.state) == (feed(world), "validated")
    spoilt = {"client_id": world.client_id, "code": "spoilt", "version": 1, "author": "test", "made_at": NOW}
    PartnerVersion.objects.create(document={"name": "No carriers"}, **spoilt)
    bad, again = build_due(world.connection, THIRD, NOW, 1)
    assert (bad.feed.code, "carriers" in bad.error) == ("spoilt", True)
    assert (again.feed.code, again.file_id, again.error) == ("care", None, "")
    PartnerVersion.objects.filter(code="spoilt").delete()
    code = Client.objects.get(pk=world.client_id).code
    order = ["carriers", "premium", "care", "--client", code, "--month", "2026-01-15"]
    made = CliRunner().invoke(app, [*order, "--paid-on", "2026-03-05"])
    assert (made.exit_code, "validated" in made.output) == (0, True), made.output
    made = CliRunner().invoke(app, [*order, "--paid-on", "2026-03-06"])
    assert (made.exit_code, "Nothing new" in made.output) == (0, True), made.output
    refused = CliRunner().invoke(
        app, ["carriers", "retell", str(built.file_id), "--member", "x", "--words", "the SSN was corrected"]
    )
    assert (refused.exit_code, "a member whom a report refused" in refused.output) == (1, True)
