"""Step 10, a newcomer: the prospect becomes a client, signs in the portal, and its people choose."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import polars as pl
from django.test import Client as Browser
from django.test import override_settings
from django.urls import reverse

from openbenefits.accounts.clock import STANDS_ON
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import give_role
from openbenefits.cli.demo.choosing import fresh
from openbenefits.cli.demo.next_year import apply, note_schedules
from openbenefits.cli.demo.offers import offers_of
from openbenefits.cli.demo.prospect import BEGINS, CENSUS, CHOSEN, candidates
from openbenefits.cli.demo.stage import ACTOR, Stage, at
from openbenefits.cli.screen import say
from openbenefits.core.codes import Level, ProcessStatus
from openbenefits.enrollment.elections import enter_file
from openbenefits.matching.candidates import MEDICAL
from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals.batches import BatchOrder, OfferOrder, add_offer, begin_batch, change_batch
from openbenefits.renewals.codes import BatchStatus, Tier
from openbenefits.renewals.jobs import run_due
from openbenefits.renewals.models import Batch, BenefitsPlan
from openbenefits.renewals.moves import BATCH
from openbenefits.renewals.plans import Rate, set_rates
from openbenefits.renewals.statuses import move
from openbenefits.renewals.taking_over import masters_from_setup
from openbenefits.runs.services import run
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.sample.names import FAMILIES, MEN, WOMEN
from openbenefits.sample.people import ssn_of
from openbenefits.workforce import census
from openbenefits.workforce.recording import add_client

CLIENT, NAME = "larch", "Larch Joinery (invented)"
TOOK_UP, SIGNED, WINDOW_ENDS = date(2025, 11, 10), date(2025, 11, 18), date(2025, 12, 12)
WINDOW_BEGINS, FINAL = date(2025, 11, 24), date(2025, 12, 15)
HIRED = date(2021, 3, 1)
OPTION, RATE_GROUP = "HDHP", "B"
FIRST_SSN = 700_000
RELATIONS = {"spouse": "spouse", "child": "child"}


def play(stage: Stage) -> None:
    """Set the client up, let its contact sign what was ranked, and enrol its people."""
    with stage.step("10 A newcomer: the prospect is set up, signs in the portal, and its people choose"):
        stage.clients[CLIENT] = add_client(CLIENT, NAME).pk
        apply(stage, CLIENT, SAMPLE_FOLDER / "newcomer", TOOK_UP)
        people = _import_people(stage)
        batch = _offered(stage)
        _signed_in_portal(stage, batch)
        for done in run_due(stage.connection, SIGNED, author=ACTOR, now=at(SIGNED)):
            if done.client_id == batch.client_id:
                say(f"{done.job}: {done.told}")
        batch.refresh_from_db()
        note_schedules(stage)
        _enrolled(stage, batch.schedule, people)


# --- its people ---------------------------------------------------------------------------------------------


def _import_people(stage: Stage) -> pl.DataFrame:
    """Import the people that were priced as a census, with the names a prospect leaves out."""
    rows = pl.read_csv(CENSUS, infer_schema=False).with_row_index("at")
    is_employee = pl.col("person") == "employee"
    number = pl.col("at").cast(pl.Int64)
    people = rows.select(
        record=pl.when(is_employee).then(pl.lit("employee")).otherwise(pl.lit("dependent")),
        employee_number="number",
        dependent_number=pl.when(~is_employee).then(pl.int_range(pl.len()).over("number")),
        first_name=_picked(pl.when(pl.col("sex") == "F").then(number), WOMEN).fill_null(_picked(number, MEN)),
        last_name=_picked(pl.col("number").str.slice(1).cast(pl.Int64), FAMILIES),
        ssn=number.map_elements(lambda at: ssn_of(FIRST_SSN + at), return_dtype=pl.String),
        birth_date="birth_date",
        sex="sex",
        smoker=pl.lit("N"),
        relationship=pl.col("person").replace_strict(RELATIONS, default=None, return_dtype=pl.String),
        disabled=pl.when(~is_employee).then(pl.lit("N")),
        zip="zip",
        state="state",
        **{name: pl.when(is_employee).then(pl.lit(value)) for name, value in _JOB.items()},
        annual_pay="annual_pay",
    )
    path = stage.output("people", f"{CLIENT}.csv")
    people.write_csv(path)
    found = census.preview(stage.clients[CLIENT], path, as_of=TOOK_UP)
    census.apply(found, made_by=ACTOR, now=at(TOOK_UP))
    say(f"{found.people['new']} people of the census that was priced are {NAME}'s now.")
    return people


_JOB = {
    "hire_date": HIRED.isoformat(),
    "effective_date": HIRED.isoformat(),
    "action": "HIR",
    "job_status": "A",
    "company": "LJ",
    "benefit_group": "LAR",
    "pay_group": "LBW",
    "full_part_time": "F",
    "regular_temporary": "R",
    "weekly_hours": "40",
}


def _picked(number: pl.Expr, names: tuple[str, ...]) -> pl.Expr:
    """Pick a name by a number."""
    return (number % len(names)).replace_strict(dict(enumerate(names)), return_dtype=pl.String)


# --- what it is offered -------------------------------------------------------------------------------------


def _offered(stage: Stage) -> Batch:
    """Put what was ranked into a batch: rates and contributions are those of the package, not typed again."""
    by = Hand(name=ACTOR, user_id=1, now=_moment(TOOK_UP))
    masters_from_setup(BEGINS, by=by)
    found = candidates()
    row = found.rows.filter(package=CHOSEN, category=MEDICAL).row(0, named=True)
    plan = BenefitsPlan.objects.get(client_id=0, setup_plan=row["plan"])
    premium, cost = (
        {one["tier"]: one["rate_micros"] for one in found.rates.filter(table=row[name]).iter_rows(named=True)}
        for name in ("rate_table", "true_table")
    )
    rates = [Rate(tier=tier, premium_micros=premium[tier], cost_micros=cost[tier]) for tier in Tier]
    set_rates(plan, RATE_GROUP, rates, begins_on=BEGINS, source=f"package {CHOSEN}", by=by)
    order = BatchOrder(
        effective_on=BEGINS, enrollment_begins_on=WINDOW_BEGINS, enrollment_ends_on=WINDOW_ENDS
    )
    batch = begin_batch(stage.clients[CLIENT], order, by=by)
    employer = {tier: row[f"employer_{tier.lower()}_cents"] for tier in Tier}
    offer = OfferOrder(plan=plan, rate_group=RATE_GROUP, option_code=OPTION, employer=employer)
    add_offer(batch, offer, by=by)
    for step in (BatchStatus.PREPARED, BatchStatus.REVIEW):
        move(BATCH, batch, step, author=ACTOR, now=at(TOOK_UP))
    return batch


def _signed_in_portal(stage: Stage, batch: Batch) -> None:
    """Let the client's contact sign in, take the offer and sign it, as a browser would."""
    user = User.objects.create_user(f"{CLIENT}-contact", f"contact@{CLIENT}.example")
    give_role(user, batch.client_id, RoleCode.CONTACT, given_by=ACTOR, now=at(TOOK_UP))
    change_batch(batch, contact_id=user.pk)
    chosen = {f"offer-{one.pk}": "select" for one in batch.offers.all()}
    signed = {"name": "Linda Larch", "title": "Owner", "agreed": "yes"}
    with _as_of(SIGNED), override_settings(SECOND_FACTOR="off"):
        browser = Browser(HTTP_HOST="localhost")
        browser.force_login(user)
        for page, typed in (("portal:offer_choose", chosen), ("portal:offer_sign", signed)):
            answer = browser.post(reverse(page, args=[batch.pk]), typed)
            if answer.headers.get("Location") != reverse("portal:offer", args=[batch.pk]):
                raise RuntimeError(f"{page}: expected that it is taken, found {answer.status_code}")
        document = browser.get(reverse("portal:offer_document", args=[batch.pk]))
    path = stage.output("reports", f"{CLIENT}-signed.pdf")
    path.write_bytes(document.content)
    say(f"The contact of {NAME} chose and signed in the portal; what was signed: {path}")


@contextmanager
def _as_of(day: date) -> Iterator[None]:
    """Let the web stand on a day."""
    before = os.environ.get(STANDS_ON)
    os.environ[STANDS_ON] = day.isoformat()
    try:
        yield
    finally:
        if before is None:
            del os.environ[STANDS_ON]
        else:
            os.environ[STANDS_ON] = before


# --- what its people choose ---------------------------------------------------------------------------------


def _enrolled(stage: Stage, schedule: str, people: pl.DataFrame) -> None:
    """Prepare the open enrolment the batch brought, enter what people choose, and make it final."""
    prepared = stage.order(CLIENT, schedule, WINDOW_BEGINS, through=Level.OPTIONS)
    run(stage.connection, prepared, now=at(WINDOW_BEGINS))
    offers = offers_of(stage.connection, [stage.schedules[CLIENT, schedule]], [str(ProcessStatus.PR)])
    family = people.filter(record="dependent").select(
        "employee_number",
        "dependent_number",
        "relationship",
        pl.col("birth_date").str.to_date(),
        "disabled",
    )
    path = stage.output("elections", f"{CLIENT}.csv")
    fresh(offers, family, WINDOW_BEGINS).write_csv(path)
    came = enter_file(stage.connection, stage.clients[CLIENT], path, received_by=ACTOR, now=at(WINDOW_BEGINS))
    final = stage.order(CLIENT, schedule, FINAL, is_finalizing=True)
    result = run(stage.connection, final, now=at(FINAL))
    say(f"{came.entered} elections of {result.people} people; the open enrolment {schedule} is final.")


def _moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
