"""Reconciliation on its pages: walked from a file to a payment in a browser, read on both widths, and refused."""

import re

import msgspec
import polars as pl
import pytest
from django.db import connections
from django.test import Client as Browser
from django.utils import timezone
from tests.faces.conftest import GIVEN, LENIENT, check, look, sign_in, signed_in, text
from tests.reconcile.conftest import CARRIER, LOADED, MONTH, TIERS, book, put_two, write
from tests.reconcile.test_billing import bill_of, file_of

from openbenefits.accounts.clock import STANDS_ON
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import EVERY_CLIENT, give_role
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import perform
from openbenefits.reconcile.loading import InvoiceOrder, load, map_labels
from openbenefits.reconcile.models import Invoice, InvoiceLine, Item
from openbenefits.reconcile.reconciling import reconcile
from openbenefits.reconcile.terms import EVERY, Terms, Wash, save_terms, terms_of
from openbenefits.workforce.models import Client

HERE = "/workbench/invoices/"
PLANS = ("SAMPLE-VISION", "SAMPLE-HDHP")
NAMES = {"money": (EVERY_CLIENT, RoleCode.ADMINISTRATOR), "reader": (EVERY_CLIENT, RoleCode.AUDITOR)}


@pytest.fixture(scope="module")
def users(database, kept, tmp_path_factory):
    """Two clients with coverage; who works on invoices, who only reads, and who does so for one client."""

    def build():
        put_two(tmp_path_factory.mktemp("two"))
        terms = Terms(
            carriers=("Sample Mutual (invented)",),
            subgroups={"HARBOR-01": "harbor", "QUILL-01": "quill"},
            wash={EVERY: Wash(kind="wash", day=15)},
        )
        save_terms(CARRIER, terms, author="test", now=LOADED)
        for name, (client_id, code) in NAMES.items():
            give_role(User.objects.create_user(name, f"{name}@example.com"), client_id, code, **GIVEN)
        only = User.objects.create_user("of quill", "quill@example.com")
        give_role(only, Client.objects.get(code="quill").pk, RoleCode.FINANCE, **GIVEN)

    kept(database, "workbench: reconciliation", build)
    return {user.username: user for user in User.objects.all()}


@pytest.fixture(scope="module")
def file(users, tmp_path_factory):
    """An invoice of a carrier with a name that is not quite right, a wrong amount, and somebody left out."""
    clients = dict(Client.objects.values_list("code", "pk"))
    lines = book(connections["default"], clients).lines().filter(pl.col("plan").is_in(PLANS))
    lines = lines.sort(pl.len().over("person_id"), "person_id")  # those with one line first
    rows = lines.to_dicts()
    rows[0] |= {
        "last_name": rows[0]["last_name"] + "h",
        "ssn": None,
        "employee_number": None,
        "person_id": 900_003,
    }
    rows[3]["premium_cents"] += 500
    del rows[5]
    path = write(pl.DataFrame(rows, schema=lines.schema), tmp_path_factory.mktemp("f") / "november.csv")
    told = pl.read_csv(path, infer_schema=False)
    told.with_columns(pl.lit("2025-01-01").alias("Effective Date")).write_csv(path)
    return path


def test_an_invoice_is_walked_from_its_file_to_its_payment(page, site, file):
    sign_in(page, site, "money")
    page.wait_for_url("**/workbench/")
    page.goto(site + HERE)
    page.get_by_role("link", name="Load an invoice").click()
    page.get_by_label("For", exact=True).select_option("0")
    page.get_by_label("Carrier or agency").fill(CARRIER)
    page.get_by_label("Number of the invoice").fill("NOV-1")
    page.get_by_label("A day of the month billed").fill(MONTH.isoformat())
    page.get_by_label("Made out on").fill(MONTH.isoformat())
    page.get_by_label("Total due as printed").fill("1.00")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Load it").click()
    assert "total due: the header says $1.00" in page.locator(".errorlist").inner_text()
    page.get_by_label("Total due as printed").fill("")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Load it").click()

    assert "Columns left out\nEffective Date" in page.locator("dl.facts").inner_text()
    page.get_by_role("link", name="Say what they mean").click()
    for plan in PLANS:
        page.get_by_label(f"PL {plan}").select_option(plan)
    for code, label in TIERS.items():
        if (field := page.get_by_label(label, exact=True)).count():
            field.select_option(code)
    page.get_by_role("button", name="Remember it").click()
    page.get_by_text("Every label has a meaning.").wait_for()
    page.get_by_role("link", name="Back to the invoice").click()
    _reconcile(page)

    assert "Person not recognised" in page.locator("figure.bars").first.inner_text()
    page.locator(".cards a", has_text="to be asked about").click()
    check(page, "people")
    page.get_by_role("button", name="Yes, it is").click()
    page.get_by_text("Nobody has to be asked about.").wait_for()
    page.get_by_role("link", name="Back to the invoice").click()
    _reconcile(page)
    assert "Person not recognised" not in page.locator("figure.bars").first.inner_text()

    page.get_by_role("region", name="Differences, by deadline and dollars").locator(
        "tbody tr", has_text="Another rate"
    ).locator("a").first.click()
    check(page, "difference")
    page.get_by_label("It is", exact=True).select_option("promised")
    page.locator("#id_words").fill("they credit it")
    page.get_by_label("A day of the month whose invoice").fill("2025-12-01")
    page.get_by_role("button", name="Write it down").click()
    assert "promised: they credit it" in page.locator("ol li", has_text="money").last.inner_text()

    page.goto(site + f"{HERE}{Invoice.objects.get().pk}/")
    page.get_by_role("button", name="It was sent").click()
    page.get_by_text("Marked as sent to the carrier.").wait_for()
    for step in ("It is reviewed", "Approve the payment", "It is paid"):
        page.get_by_role("button", name=step).click()
    assert "paid" in page.locator("dl.facts .status").first.inner_text()
    states = sorted(Item.objects.values_list("state", flat=True))
    assert states == ["promised", "resolved", "sent"]
    assert Invoice.objects.get().paid_cents == sum(
        InvoiceLine.objects.values_list("premium_cents", flat=True)
    )


@pytest.fixture(scope="module")
def invoice(users, file):
    """The invoice, reconciled: as the walk leaves it, or loaded here."""
    known = Invoice.objects.order_by("pk").last()
    if known is not None and known.results:
        return known
    labels = {
        "plans": {f"PL {plan}": plan for plan in PLANS},
        "tiers": {text_: code for code, text_ in TIERS.items()},
    }
    order = InvoiceOrder(
        client_id=0, carrier=CARRIER, number="NOV-1", month=MONTH, statement_on=MONTH, path=file
    )
    made = load(connections["default"], order, author="test", now=LOADED)
    map_labels(connections["default"], made, labels, author="test", now=LOADED)
    reconcile(connections["default"], made, author="test", now=LOADED)
    return made


def _reconcile(page) -> None:
    page.locator("form[action$='/run'] button").click()
    page.wait_for_url("**/requests/**")
    request = ProcessRequest.objects.latest("pk")
    assert perform(request.pk, timezone.now).state == "done", ProcessRequest.objects.get(pk=request.pk).told
    page.goto(page.url.split("/workbench/")[0] + f"{HERE}{request.asked_for['invoice']}/")


def test_every_page_reads_well(page, site, invoice):
    sign_in(page, site, "money")
    page.wait_for_url("**/workbench/")
    item = Item.objects.filter(invoice_id=invoice.pk).order_by("pk").first()
    places = (
        "",
        "load",
        f"{invoice.pk}/",
        f"{invoice.pk}/?all=1",
        f"{invoice.pk}/labels",
        f"{invoice.pk}/people",
        f"{invoice.pk}/money",
        "terms/",
        f"terms/of?carrier={CARRIER}",
    )
    for where in (
        *(HERE + one for one in places),
        "/workbench/differences/",
        f"/workbench/differences/{item.pk}/",
        f"/workbench/harbor/self-bill/?month={MONTH}",
        f"/workbench/harbor/carrier-balances/?month={MONTH}",
    ):
        assert page.goto(site + where).status == 200, where
        look(page, where)


def test_a_bill_to_a_client_is_loaded_and_shows_four_legs(page, site, invoice, tmp_path):
    quill = Client.objects.get(code="quill").pk
    rows = bill_of(connections["default"], quill)
    rows = rows.filter(pl.col("plan").is_in(PLANS)).with_columns(
        expected_cents=pl.col("expected_cents") + 100
    )
    sign_in(page, site, "money")
    page.wait_for_url("**/workbench/")
    page.goto(site + HERE + "load")
    page.get_by_label("For", exact=True).select_option(str(quill))
    page.get_by_label("What it is").select_option("billing")
    page.get_by_label("Carrier or agency").fill("Client billing")
    page.get_by_label("Number of the invoice").fill("B-1")
    page.get_by_label("A day of the month billed").fill(MONTH.isoformat())
    page.get_by_label("Made out on").fill(MONTH.isoformat())
    page.get_by_label("File").set_input_files(file_of(rows, tmp_path / "bill.csv"))
    page.get_by_role("button", name="Load it").click()
    _reconcile(page)
    assert "Client billed another amount" in page.locator("figure.bars").first.inner_text()
    look(page, "a bill to a client")
    page.get_by_role("link", name="Four legs by plan and person").click()
    look(page, "four legs")
    of_plan = page.get_by_role("region", name="Four legs by plan").inner_text()
    vision = rows.filter(plan="SAMPLE-VISION")["expected_cents"].sum()
    assert f"${vision / 100:,.2f}" in of_plan


@pytest.fixture(scope="module")
def of_client(invoice):
    """A difference of each client, by its code."""
    clients = dict(Client.objects.values_list("pk", "code"))
    rows = Item.objects.filter(invoice_id=invoice.pk, person_id__isnull=False).values_list("client_id", "pk")
    return {clients[client_id]: pk for client_id, pk in rows}


def test_who_may_not_sees_and_does_nothing(users, invoice, of_client, as_face):
    with LENIENT:
        reader = signed_in(Browser(HTTP_HOST="localhost"), users["reader"])
        assert reader.get(HERE).status_code == 403
        assert reader.post(f"{HERE}{invoice.pk}/run").status_code == 403
        quill = signed_in(Browser(HTTP_HOST="localhost"), users["of quill"])
        assert quill.get(f"{HERE}{invoice.pk}/").status_code == 404  # several clients share it
        assert "NOV-1" not in text(quill.get(HERE))
        assert of_client
        for code, item in of_client.items():
            answer = quill.get(f"/workbench/differences/{item}/")
            assert answer.status_code == (200 if code == "quill" else 404)
        assert "several clients" not in text(quill.get(f"{HERE}load"))


@pytest.fixture(scope="module")
def terms(invoice) -> str:
    """What is agreed with the carrier, read before a face takes over."""
    return msgspec.yaml.encode(terms_of(CARRIER)).decode()


def test_terms_are_put_into_force_by_who_works_for_everybody(users, terms, as_face):
    where = f"{HERE}terms/of?carrier={CARRIER}"
    with LENIENT:
        money = signed_in(Browser(HTTP_HOST="localhost"), users["money"])
        assert "What is agreed (YAML)" in text(money.get(where))
        wrong = terms.replace("day: 15", "day: 25")
        assert "expected a wash day" in text(money.post(where, {"document": wrong}))
        assert money.post(where, {"document": "{"}).status_code == 422
        said = {"document": terms.replace("day: 15", "day: 16")}
        assert "In force from now on" in text(money.post(where, said, follow=True))
        quill = signed_in(Browser(HTTP_HOST="localhost"), users["of quill"])
        assert "day: 16" in text(quill.get(where))
        assert quill.post(where, {"document": terms}).status_code == 403
        assert money.post(where, {"document": terms}).status_code == 302


def test_our_own_bill_and_balances_are_shown_and_saved(users, invoice, as_face):
    with LENIENT:
        quill = signed_in(Browser(HTTP_HOST="localhost"), users["of quill"])
        own = text(quill.get("/workbench/quill/self-bill/", {"month": MONTH.isoformat()}))
        assert "How it follows from the month before" in own
        saved = quill.get("/workbench/quill/self-bill/", {"month": MONTH.isoformat(), "bill.export": "csv"})
        premiums = [line.rsplit(",", 2)[1] for line in saved.content.decode().splitlines()[1:]]
        assert premiums
        assert all(float(one.strip('"').replace("$", "").replace(",", "")) > 0 for one in premiums)
        assert quill.get("/workbench/harbor/self-bill/").status_code == 404
        where = "/workbench/quill/carrier-balances/"
        money = signed_in(Browser(HTTP_HOST="localhost"), users["money"])
        assert "Charged less taken" in text(money.get(where, {"month": MONTH.isoformat()}))
        told = text(quill.get(where, {"month": MONTH.isoformat()}))  # several clients share the invoice
        assert "No invoice of this carrier was taken in" in told
        assert quill.get("/workbench/quill/self-bill/", {"month": "soon"}).status_code == 200
        reader = signed_in(Browser(HTTP_HOST="localhost"), users["reader"])
        assert reader.get("/workbench/quill/carrier-balances/").status_code == 403


def test_the_day_stands_where_it_is_told(monkeypatch, users, invoice, as_face):
    monkeypatch.setenv(STANDS_ON, "2026-06-01")
    with LENIENT:
        browser = signed_in(Browser(HTTP_HOST="localhost"), users["money"])
        assert re.search(r"[1-9]\d* past the last day", text(browser.get("/workbench/differences/")))
