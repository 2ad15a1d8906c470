"""An invoice from its file to its close: refused, mapped, asked about, carried forward, promised, paid.

Each once.
"""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from django.db import IntegrityError, transaction
from tests.accounts.test_approvals import folder_of
from tests.reconcile.conftest import BEFORE, CARRIER, LOADED, MONTH, NOW, book, end, write

from openbenefits.accounts.approvals import ApprovalWanted, approve, propose
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import access_of, give_role
from openbenefits.casework.models import Ticket
from openbenefits.core.money import dollars
from openbenefits.payroll.taken import take
from openbenefits.programs import services as setup
from openbenefits.reconcile import items, loading, matching
from openbenefits.reconcile.disputes import (
    disputable,
    dispute_file,
    dispute_letter,
    dispute_rows,
    write_dispute,
)
from openbenefits.reconcile.entries import entries
from openbenefits.reconcile.frames import load_items, load_rows
from openbenefits.reconcile.items import Move, MoveRefused
from openbenefits.reconcile.loading import InvoiceOrder, InvoiceRefused
from openbenefits.reconcile.models import (
    CarrierTerms,
    Invoice,
    InvoiceLine,
    Item,
    ItemAct,
    PersonMonth,
    PersonReference,
    PlanMonth,
)
from openbenefits.reconcile.outputs import figures
from openbenefits.reconcile.reconciling import reconcile
from openbenefits.reconcile.rules.residuals import CALENDAR, NOT_BILLED, NOT_COLLECTED
from openbenefits.reconcile.states import InvoiceState, ItemState
from openbenefits.reconcile.terms import Terms, TermsRefused, Wash, read_terms, save_terms, terms_of
from openbenefits.sample.invoices import HEADINGS, printed
from openbenefits.store.sheets import FileRefused
from openbenefits.workforce.models import DependentFact, Person

BY = {"author": "ann", "now": LOADED}
DECEMBER = date(2025, 12, 1)


def order(path: Path, number: str = "N-1", month: date = MONTH, **more) -> InvoiceOrder:
    told = {"client_id": 0, "carrier": CARRIER, "number": number, "month": month, "statement_on": month}
    return InvoiceOrder(**(told | {"cutoff_on": month, "path": path} | more))


@pytest.fixture
def lines(two, fresh_database):
    """The lines of two clients for the plans of one carrier: vision, and one medical plan."""
    return mutual(book(fresh_database, two))


MUTUAL = ["SAMPLE-VISION", "SAMPLE-HDHP"]


def mutual(of) -> pl.DataFrame:
    rows = of.lines().filter(pl.col("plan").is_in(MUTUAL))
    alone = pl.len().over("person_id") == 1
    return rows.sort(~alone, "person_id")  # those with vision alone first


def only_mutual(connection):
    save_terms(CARRIER, _terms(carriers=("Sample Mutual (invented)",)), author="test", now=NOW)


def _terms(**more) -> Terms:
    import msgspec

    return msgspec.structs.replace(terms_of(CARRIER), **more)


def state_of(connection, invoice) -> tuple:
    rows = load_items(connection, invoice_id=invoice.pk).sort("key")
    return rows.drop("result").rows(), ItemAct.objects.count(), Ticket.objects.count()


def test_a_header_that_does_not_add_up_and_a_second_time_are_refused(two, fresh_database, lines, tmp_path):
    connection, file = fresh_database, write(lines, tmp_path / "a.csv")
    whole = int(lines["premium_cents"].sum())
    with pytest.raises(InvoiceRefused, match=r"current charges: the header says .*off by -\$1\.00"):
        loading.load(connection, order(file, current_cents=whole - 100), **BY)
    with pytest.raises(InvoiceRefused, match="total due"):
        loading.load(connection, order(file, previous_cents=500, total_cents=whole), **BY)
    assert not Invoice.objects.exists()
    made = loading.load(connection, order(file, previous_cents=500, total_cents=whole + 500), **BY)
    assert loading.original(made) == file.read_bytes()
    assert bytes(made.content) != file.read_bytes()
    with pytest.raises(InvoiceRefused, match="this very file is invoice N-1"):
        loading.load(connection, order(file, number="N-2"), **BY)
    assert InvoiceLine.objects.count() == lines.height
    loading.take_back(connection, made)
    assert (Invoice.objects.count(), InvoiceLine.objects.count()) == (0, 0)


def test_nothing_of_a_number_is_kept_that_could_be_read(two, fresh_database, lines, tmp_path):
    loading.load(fresh_database, order(write(lines, tmp_path / "a.csv")), **BY)
    kept = str(list(InvoiceLine.objects.values()))
    shown = printed(lines)[HEADINGS["ssn"]].drop_nulls()
    assert not [number for number in shown.to_list() if len(number) == 9 and number in kept]


def test_labels_without_a_meaning_stop_it_and_are_remembered(two, fresh_database, lines, tmp_path):
    connection = fresh_database
    terms = _terms(plans={}, tiers={})
    save_terms(CARRIER, terms, author="test", now=NOW)
    invoice = loading.load(connection, order(write(lines, tmp_path / "a.csv")), **BY)
    with pytest.raises(InvoiceRefused, match=r"plan 'PL SAMPLE-VISION' \(\d+ lines\).*tier 'EE ONLY'"):
        reconcile(connection, invoice, **BY)
    tiers = {"EE ONLY": "1", "EE+SP": "2", "EE+CH": "3", "FAM": "4", "EE+1": "12"}
    plans = {f"PL {plan}": plan for plan in MUTUAL}
    said = {"plans": plans, "tiers": tiers}
    assert loading.map_labels(connection, invoice, said, **BY) == 0
    only_mutual(connection)
    told = reconcile(connection, invoice, **BY)
    assert told["matched"] == lines.height
    assert terms_of(CARRIER).plans == plans
    assert CarrierTerms.objects.count() == 4


def test_again_from_the_same_inputs_nothing_is_written(two, fresh_database, lines, tmp_path):
    connection = fresh_database
    only_mutual(connection)
    rows = lines.with_columns(premium_cents=pl.col("premium_cents") + 300)
    invoice = loading.load(connection, order(write(rows, tmp_path / "a.csv")), **BY)
    first = reconcile(connection, invoice, **BY)
    before = state_of(connection, invoice)
    assert reconcile(connection, invoice, author="bob", now=LOADED + timedelta(days=1)) == first
    assert state_of(connection, invoice) == before
    assert Invoice.objects.get(pk=invoice.pk).results == 1


def test_an_answer_is_kept_and_the_next_invoice_knows_it(two, fresh_database, lines, tmp_path):
    connection = fresh_database
    only_mutual(connection)
    spoiled = {"ssn": None, "employee_number": None, "member_id": "Y1"}
    at = pl.int_range(pl.len()) == 0
    changed = lines.with_columns(
        *(
            pl.when(at).then(pl.lit(value, pl.String)).otherwise(name).alias(name)
            for name, value in spoiled.items()
        ),
        person_id=pl.when(at).then(900_003).otherwise("person_id"),
        last_name=pl.when(at).then(pl.col("last_name") + "h").otherwise("last_name"),
    )
    invoice = loading.load(connection, order(write(changed, tmp_path / "a.csv")), **BY)
    reconcile(connection, invoice, **BY)
    (asked,) = matching.asked_about(connection, invoice).to_dicts()
    assert asked["identity"] == "M:Y1"
    (item,) = Item.objects.filter(invoice_id=invoice.pk)
    assert (item.code, item.difference_cents) == ("UNMATCHED_PERSON", 0)
    done = matching.confirm(connection, invoice, {"M:Y1": asked["person_id"]}, **BY)
    assert (done.asked, done.matched) == (0, lines.height)
    told = PersonReference.objects.get()
    assert (told.author, told.made_at) == ("ann", LOADED)
    reconcile(connection, invoice, **BY)
    item.refresh_from_db()
    assert item.state == ItemState.RESOLVED
    with pytest.raises(InvoiceRefused, match="expected somebody on this invoice"):
        matching.confirm(connection, invoice, {"M:nobody": None}, **BY)


def test_a_line_in_the_subgroup_of_another_client_is_asked_about(two, fresh_database, lines, tmp_path):
    connection = fresh_database
    only_mutual(connection)
    two_lines = lines.filter(pl.len().over("person_id") == 2, client="harbor").rows(named=True)[0]
    here = (pl.col("person_id") == two_lines["person_id"]) & (pl.col("plan") == two_lines["plan"])
    rows = lines.with_columns(client=pl.when(here).then(pl.lit("quill")).otherwise("client"))
    invoice = loading.load(connection, order(write(rows, tmp_path / "a.csv")), **BY)
    reconcile(connection, invoice, **BY)
    found = Item.objects.order_by("code").values_list("code", "client_id", "difference_cents")
    cents = two_lines["premium_cents"]
    assert list(found) == [
        ("INV_MISSING", two["harbor"], -cents),
        ("UNMATCHED_PERSON", two["quill"], cents),
    ]
    matching.confirm(connection, invoice, {"M:" + two_lines["member_id"]: two_lines["person_id"]}, **BY)
    reconcile(connection, invoice, **BY)
    assert not Item.objects.exclude(state="resolved").exists()


def test_a_wrong_month_is_carried_promised_reopened_and_closed_by_its_credit(
    two, fresh_database, lines, tmp_path
):
    connection = fresh_database
    only_mutual(connection)
    full = mutual(book(connection, two, BEFORE))
    gone = book(connection, two).expected.units.filter(pl.col("plan_type") == "14").sort("person_id").head(1)
    person = gone["person_id"][0]
    end(gone, date(2025, 9, 30))
    wrong = full  # October bills whom September ended
    october = loading.load(connection, order(write(wrong, tmp_path / "o.csv"), "OCT", BEFORE), **BY)
    reconcile(connection, october, **BY)
    (item,) = Item.objects.filter(invoice_id=october.pk)
    assert (item.code, item.person_id, item.deadline_on) == (
        "INV_TERMED_BILLED",
        person,
        BEFORE + timedelta(days=90),
    )
    ticket = Ticket.objects.get()
    assert ticket.due_on == item.deadline_on - timedelta(days=10)

    step = Move(state=ItemState.PROMISED, words="they credit it", promised_on=MONTH, reference="C-77")
    items.move([item.pk], step, **BY)
    right = lines.filter((pl.col("person_id") != person) | (pl.col("plan") == "SAMPLE-HDHP"))
    november = loading.load(connection, order(write(right, tmp_path / "n.csv"), "NOV"), **BY)
    reconcile(connection, november, **BY)
    item.refresh_from_db()
    assert item.state == ItemState.OPEN  # promised for November, not there
    (carried,) = Item.objects.filter(invoice_id=november.pk)
    assert (carried.code, carried.state, carried.carries) == ("RETRO_MISSING", "carried", item.pk)
    with pytest.raises(MoveRefused, match="earlier difference"):
        items.move([carried.pk], Move(state=ItemState.SENT, words="x"), **BY)
    assert items.worklist(connection, MONTH)["id"].to_list() == [item.pk]  # once, not twice

    credit = full.filter(person_id=person, plan="SAMPLE-VISION").with_columns(
        premium_cents=-pl.col("premium_cents"), line_class=pl.lit("Retro adj"), month=pl.lit(BEFORE)
    )
    later = pl.concat([right.with_columns(month=pl.lit(DECEMBER)), credit])
    december = loading.load(connection, order(write(later, tmp_path / "d.csv"), "DEC", DECEMBER), **BY)
    told = reconcile(connection, december, **BY)
    item.refresh_from_db()
    assert (item.state, item.recovered_cents) == (ItemState.RESOLVED, item.difference_cents)
    assert not Item.objects.filter(invoice_id=december.pk).exists()
    assert told["settled_cents"] == -item.difference_cents
    ticket.refresh_from_db()
    assert ticket.status in ("resolved", "closed")


def test_a_line_counts_in_the_month_it_names(two, fresh_database, lines, tmp_path):
    """Adjustments of the month billed, months ahead, credits without a month: each is compared once."""
    connection = fresh_database
    only_mutual(connection)
    gone = book(connection, two).expected.units.filter(pl.col("plan_type") == "14").sort("person_id").head(1)
    person = gone["person_id"][0]
    before = mutual(book(connection, two, BEFORE))
    end(gone, date(2025, 9, 30))
    credit = before.filter(pl.col("person_id") == person, plan="SAMPLE-VISION").with_columns(
        premium_cents=-pl.col("premium_cents"),
        line_class=pl.lit("Adjustment"),
        month=pl.lit(None, pl.Date),
    )
    adjusted, twice, back, ahead, early = lines.filter(
        pl.col("person_id") != person, plan="SAMPLE-VISION"
    ).rows(named=True)[:5]
    others = lines.filter(
        ~(pl.col("person_id").is_in([person, adjusted["person_id"]]) & pl.col("plan").eq(MUTUAL[0]))
    )
    more = [
        adjusted | {"line_class": "Adjustment"},
        twice,
        back | {"premium_cents": -back["premium_cents"]},
        ahead | {"month": DECEMBER},
        early | {"month": DECEMBER, "premium_cents": early["premium_cents"] + 300},
    ]
    rows = pl.concat([others, credit, pl.DataFrame(more, schema=lines.schema)])
    found = []
    for number, month, shown in (
        ("OCT", BEFORE, before),
        ("NOV", MONTH, rows),
        ("DEC", DECEMBER, december_of(connection, two, ahead)),
    ):
        file = write(shown, tmp_path / f"{number}.csv")
        invoice = loading.load(connection, order(file, number, month), **BY)
        reconcile(connection, invoice, **BY)
        items = Item.objects.filter(invoice_id=invoice.pk).order_by("code", "person_id")
        found.append([(one.code, one.person_id, one.month, one.difference_cents) for one in items])
    october, november, december = found
    assert october == [("INV_TERMED_BILLED", person, BEFORE, -credit["premium_cents"][0])]
    assert november == [
        ("INV_DUPLICATE", twice["person_id"], MONTH, twice["premium_cents"]),
        ("INV_MISSING", back["person_id"], MONTH, -back["premium_cents"]),
        ("INV_RATE", early["person_id"], DECEMBER, 300),
    ]
    assert december == [
        ("RETRO_AMOUNT", early["person_id"], DECEMBER, early["premium_cents"] + 300),
        ("RETRO_MISSING", twice["person_id"], MONTH, twice["premium_cents"]),
        ("RETRO_MISSING", back["person_id"], MONTH, -back["premium_cents"]),
    ]
    assert Item.objects.get(code="INV_TERMED_BILLED").state == ItemState.RESOLVED


def december_of(connection, two, ahead):
    """The lines of December but for whom November billed it already."""
    rows = mutual(book(connection, two, DECEMBER))
    return rows.filter((pl.col("person_id") != ahead["person_id"]) | (pl.col("plan") != "SAMPLE-VISION"))


def test_a_dispute_names_what_is_the_carriers_and_is_marked_once(two, fresh_database, lines, tmp_path):
    connection = fresh_database
    only_mutual(connection)
    rows = lines.with_columns(premium_cents=pl.col("premium_cents") + 300)
    invoice = loading.load(connection, order(write(rows, tmp_path / "a.csv")), **BY)
    reconcile(connection, invoice, **BY)
    mine = disputable(connection, invoice, MONTH)
    assert mine.height == lines.height
    assert mine["cluster"].unique().to_list() != [""]  # of one ratio, for each tier
    matters = mine.filter(pl.col("cluster") != "").select("client_id", "cluster").n_unique()
    assert Ticket.objects.count() == matters > 1
    text = dispute_file(mine).decode()
    assert text.count("\n") == mine.height + 1
    assert not [ssn for ssn in lines["ssn"].drop_nulls().to_list() if ssn in text]
    assert dispute_letter(invoice, mine, LOADED)[:5] == b"%PDF-"
    gone = MONTH + timedelta(days=200)
    assert disputable(connection, invoice, gone).is_empty()  # no credit is taken so late
    assert figures(connection, invoice, gone)["lost to the window"] == 10_000
    made = write_dispute(connection, invoice, tmp_path / "out", **BY)
    assert (made.items, made.claimed_cents) == (mine.height, 300 * mine.height)
    assert write_dispute(connection, invoice, tmp_path / "out", **BY).items == 0


def test_who_is_not_billed_is_named_by_the_carriers_number_however_late(two, fresh_database, lines, tmp_path):
    connection = fresh_database
    only_mutual(connection)
    both = lines.filter(pl.len().over("person_id") == 2).head(2)  # vision and medical of one person
    (left_out,) = both.filter(plan="SAMPLE-VISION").rows(named=True)
    rows = lines.filter((pl.col("person_id") != left_out["person_id"]) | (pl.col("plan") != left_out["plan"]))
    invoice = loading.load(connection, order(write(rows, tmp_path / "a.csv")), **BY)
    reconcile(connection, invoice, **BY)
    late = disputable(connection, invoice, MONTH + timedelta(days=200))
    (told,) = dispute_rows(late).rows(named=True)
    assert (told["member_id"], told["rows"]) == (left_out["member_id"], None)
    assert (told["claimed"], told["said"]) == (dollars(-left_out["premium_cents"]).replace("$", ""), "")


def test_steps_follow_one_another_and_say_why(two, fresh_database, lines, tmp_path):
    connection = fresh_database
    only_mutual(connection)
    invoice = loading.load(connection, order(write(lines, tmp_path / "a.csv")), **BY)
    with pytest.raises(MoveRefused, match="expected matched to follow"):
        items.advance(invoice, InvoiceState.PAID)
    matching.match_invoice(connection, invoice)
    with pytest.raises(MoveRefused, match="reconcile it first"):
        items.advance(invoice, InvoiceState.REVIEWED)
    reconcile(connection, invoice, **BY)
    for step in (InvoiceState.REVIEWED, InvoiceState.APPROVED, InvoiceState.PAID):
        invoice = items.advance(invoice, step)
    assert invoice.paid_cents == invoice.total_cents
    with pytest.raises(InvoiceRefused, match="not yet paid"):
        reconcile(connection, invoice, **BY)
    after = lines.with_columns(month=pl.lit(DECEMBER))
    told = order(write(after, tmp_path / "b.csv"), "N-2", DECEMBER, previous_cents=700)
    following = loading.load(connection, told, **BY)
    reconcile(connection, following, **BY)
    (balance,) = Item.objects.filter(invoice_id=following.pk)
    assert (balance.code, balance.difference_cents) == ("INV_BALANCE", 700)
    with pytest.raises(MoveRefused, match="expected a reason"):
        items.move([balance.pk], Move(state=ItemState.RESOLVED, words=" "), **BY)
    with pytest.raises(MoveRefused, match="expected the month"):
        items.move([balance.pk], Move(state=ItemState.PROMISED, words="soon"), **BY)
    items.move([balance.pk], Move(state=ItemState.NOT_AN_ERROR, words="paid by check"), **BY)
    with pytest.raises(MoveRefused, match="open it again first"):
        items.move([balance.pk], Move(state=ItemState.SENT, words="again"), **BY)


def test_terms_that_cannot_be_are_refused():
    assert read_terms({"carriers": ["A"], "wash": {"*": {"kind": "wash", "day": 31}}}).wash_of(
        "x", "y"
    ) == Wash(kind="wash", day=31)
    for wrong in (
        {"carriers": []},
        {"carriers": ["A"], "wash": {"*": {"day": 25}}},
        {"carriers": ["A"], "tier": {}},
    ):
        with pytest.raises(TermsRefused):
            read_terms(wrong)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Plan,Amount\nVision,abc\n", "row 2: premium xxx"),
        ("Plan,Premium,DOB\nVision,1.00,31/31/2018\n", "row 2: birth_on 99/99/9999"),
        ("Plan,Premium\n,1.00\n", "row 2: plan blank"),
        ("Foo,Bar\n1,2\n", "no row of headings"),
        ("Plan,Premium,Amount\nVision,1,2\n", "expected one column for each of premium"),
        ("Plan,Premium\n", "found none"),
    ],
)
def test_a_file_is_read_whole_or_not_at_all(two, fresh_database, tmp_path, text, said):
    file = tmp_path / "a.csv"
    file.write_text(text)
    with pytest.raises((FileRefused, InvoiceRefused), match=said):
        loading.load(fresh_database, order(file), **BY)
    assert not Invoice.objects.exists()


def test_a_write_off_waits_for_another_person_where_the_client_wants_one(
    two, fresh_database, lines, tmp_path
):
    connection, client = fresh_database, two["harbor"]
    only_mutual(connection)
    wanted = folder_of(tmp_path, "strict", "second_person: {write_off: true}")
    assert setup.apply(wanted, client_id=client, applied_by="test", now=NOW).release
    ann, bob = (User.objects.create_user(name) for name in ("ann", "bob"))
    for one in (ann, bob):
        give_role(one, client, RoleCode.FINANCE, given_by="test", now=NOW)
    rows = lines.with_columns(premium_cents=pl.col("premium_cents") + 300)
    invoice = loading.load(connection, order(write(rows, tmp_path / "a.csv")), **BY)
    reconcile(connection, invoice, **BY)
    item = Item.objects.filter(client_id=client, leg="A").order_by("pk")[0]
    step = Move(state=ItemState.WRITTEN_OFF, words="too small to claim")
    with pytest.raises(ApprovalWanted) as wants, transaction.atomic():
        items.move([item.pk], step, **BY)
    with pytest.raises(IntegrityError, match="an approval by another person"), transaction.atomic():
        Item.objects.filter(pk=item.pk).update(state="written off", closed_at=LOADED)
    proposal = propose(access_of(connection, ann), wants.value.matter, reason="small", now=LOADED)
    approve(access_of(connection, bob), proposal, reason="agreed", now=LOADED)
    assert items.move([item.pk], step, **BY) == 1
    other = Item.objects.filter(client_id=two["quill"], leg="A").order_by("pk")[0]
    assert items.move([other.pk], step, **BY) == 1  # that client wants nobody else


def oddly_taken(owing: pl.DataFrame, people: list[int], nobody: str) -> pl.DataFrame:
    """Takings as owed, but of the first nothing, of the next twice, of the third a dollar more, then after tax.

    Of the fifth in one pay of two, and of nobody who owes: as of the first.
    """
    who = pl.col("person_id")
    cents = (
        pl.when(who == people[0])
        .then(0)
        .when(who == people[1])
        .then(pl.col("owed_cents") * 2)
        .when(who == people[2])
        .then(pl.col("owed_cents") + 100)
        .otherwise("owed_cents")
    )
    tax = pl.when(who == people[3]).then(pl.lit("A")).otherwise("tax_class")
    rest = (pl.col("taken") % 100).cast(pl.String).str.zfill(2)
    left_out = (who == people[4]) & (pl.col("ends_on") == pl.col("ends_on").max().over("person_id"))
    orphan = owing.filter(who == people[0]).with_columns(
        employee_number=pl.lit(nobody), taken=pl.col("owed_cents")
    )
    rows = owing.with_columns(taken=cents, tax_class=tax).filter(~left_out)
    return pl.concat([rows, orphan]).select(
        *("employee_number", "benefit_record", "plan_type", "tax_class", "pay_group", "ends_on"),
        taken=pl.format("{}.{}", pl.col("taken") // 100, rest),
    )


def assert_taken_apart(money: pl.DataFrame, people: list[int]) -> None:
    """What was collected less what was billed is payroll's, the carrier's, timing or unexplained, to the cent."""
    collected = pl.col("taken_cents") + pl.col("employer_cents") - pl.col("invoiced_cents")
    ours = pl.col("payroll_cents") - pl.col("carrier_cents")
    parts = ours + pl.col("timing_cents") + pl.col("unexplained_cents")
    assert money.filter(collected != parts).is_empty()
    assert money.filter(pl.col("carrier_cents") != 0).is_empty()  # the invoice is right
    wrong = money.filter(pl.col("person_id").is_in(people) & (pl.col("payroll_cents") != 0))
    assert set(wrong["person_id"]) == set(people)
    assert set(money["timing"]) <= {"", CALENDAR, NOT_BILLED, NOT_COLLECTED}


def test_what_pays_took_is_compared_with_what_they_owed(two, fresh_database, lines, tmp_path):
    from openbenefits.payroll.services import owed

    connection, client = fresh_database, two["harbor"]
    only_mutual(connection)
    november = owed(connection, client, begin=MONTH, through=date(2025, 11, 30))
    owing = november.filter(pl.col("owed_cents") > 0, kind="deduction", plan_type="14")
    twice = owing.filter(pl.len().over("person_id") == 2).sort("person_id")
    people = twice["person_id"].unique(maintain_order=True).to_list()
    units = book(connection, two).expected.units
    end(units.filter(plan_type="14", person_id=people[5]), date(2025, 10, 31))
    stranger = Person.objects.filter(client_id=client).exclude(pk__in=units["person_id"].to_list()).first()
    file = tmp_path / "taken.csv"
    oddly_taken(owing.sort("person_id", "ends_on"), people, stranger.employee_number).write_csv(file)
    assert take(connection, client, file, made_by="test", now=NOW).bad_row_count == 0
    lines = lines.filter((pl.col("person_id") != people[5]) | (pl.col("plan") != "SAMPLE-VISION"))
    invoice = loading.load(connection, order(write(lines, tmp_path / "a.csv")), **BY)
    told = reconcile(connection, invoice, **BY)
    found = dict(Item.objects.filter(leg="B", plan_type="14").values_list("person_id", "code"))
    assert found == {
        people[0]: "DED_MISSING",
        people[1]: "DED_DOUBLE",
        people[2]: "DED_AMOUNT",
        people[3]: "DED_TAX",
        people[4]: "DED_FREQUENCY",
        people[5]: "DED_AFTER_TERM",
        stranger.pk: "DED_ORPHAN",
    }
    assert told["taken_cents"] - told["owed_cents"] == sum(
        Item.objects.filter(leg="B").values_list("difference_cents", flat=True)
    )
    money = load_rows(connection, PersonMonth, invoice.pk)
    assert_taken_apart(money, people[:3])
    assert money["unexplained_cents"].sum() == told["uncollected_cents"]
    told = entries(connection, invoice)
    assert told["debit_cents"].sum() == told["credit_cents"].sum() == invoice.total_cents
    assert (
        told.filter(account="withheld")["debit_cents"].sum()
        == load_rows(connection, PlanMonth, invoice.pk)["taken_cents"].sum()
    )
    open_ = Item.objects.filter(leg="C", code="MONEY_UNEXPLAINED")
    assert open_.count() == money.filter(pl.col("unexplained_cents") != 0).height


def test_a_family_under_one_number_is_not_billed_twice(two, fresh_database, tmp_path):
    """The employee's line after those of the children, all under one number, ten dollars too much."""
    connection = fresh_database
    of = book(connection, two).lines()
    whole = of.filter(pl.col("dependents") > 0, pl.col("plan") != MUTUAL[0]).head(1)
    (row,) = whole.rows(named=True)
    facts = DependentFact.objects.filter(client_id__gt=0, person_id=row["person_id"])
    family = [
        row
        | {"last_name": one.last_name, "first_name": one.first_name, "birth_on": one.birth_on}
        | {"premium_cents": 100, "ssn": None, "employee_number": None, "dependents": None}
        for one in facts.order_by("dependent_id")
    ]
    own = row | {"premium_cents": row["premium_cents"] - 100 * len(family) + 1000, "dependents": None}
    others = of.join(whole.select("person_id", "plan"), on=["person_id", "plan"], how="anti")
    rows = pl.concat([pl.DataFrame([*family, own], schema=of.schema), others])
    invoice = loading.load(connection, order(write(rows, tmp_path / "a.csv")), **BY)
    reconcile(connection, invoice, **BY)
    (item,) = Item.objects.filter(invoice_id=invoice.pk)
    assert (item.code, item.difference_cents) == ("INV_RATE", 1000)
    assert len(family) == row["dependents"]
