"""What the queue calls (procrastinate finds the first by its name in the migration's trigger)."""

from django.db import connection
from procrastinate import JobContext
from procrastinate.contrib.django import app

from openbenefits.accounts import clock
from openbenefits.adhoc.scheduling import send_due
from openbenefits.background import carrier_kinds
from openbenefits.background.nightly import expire_all, look_at_balances, remind_all
from openbenefits.background.services import perform
from openbenefits.casework.answering import tell_askers
from openbenefits.casework.changing import delete_marked
from openbenefits.casework.codes import Job
from openbenefits.casework.escalating import escalate
from openbenefits.casework.inquiries import carry
from openbenefits.casework.notices import send_notices
from openbenefits.casework.quiet import quiet_at
from openbenefits.renewals.jobs import run_due
from openbenefits.repair.night import night
from openbenefits.review.closing import close_gone
from openbenefits.workforce.models import Client

NIGHTLY = "nightly"
"""Who started what a night started."""


@app.task(name="openbenefits.perform", queue="requests", pass_context=True)
def perform_request(context: JobContext, request: int) -> None:
    """Do what somebody asked for; where the worker is to end, stop at the next step."""
    try:
        perform(request, clock.now, is_ending=context.should_abort)
    finally:
        connection.close()  # the thread may be another one next time


@app.task(name="openbenefits.night", queue="requests", pass_context=True)
def perform_night(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - the queue gives it
    """Carry out everything due today, of every client; where the worker is to end, no further client.

    What holds a client is told by its work list and its runs. A client with quiet hours is left for another
    night; files for carriers are built on their days, whoever is quiet.
    """
    try:
        quiet = quiet_at(Job.NIGHT, clock.now())
        if quiet.is_everywhere:
            return
        # set-up first, then its runs
        run_due(connection, clock.today(), author=NIGHTLY, now=clock.now(), without=quiet.clients)
        clients = list(Client.objects.exclude(pk__in=quiet.clients).order_by("code"))
        expire_all(connection, clients, on=clock.today(), now=clock.now(), author=NIGHTLY)
        for _ in night(connection, clients, clock.today(), now=clock.now(), started_by=NIGHTLY):
            if context.should_abort():
                return
        remind_all(connection, clients, on=clock.today(), now=clock.now(), author=NIGHTLY)
        look_at_balances(connection, clients, on=clock.today())
        carrier_kinds.nightly(connection, on=clock.today(), now=clock.now())  # coverage as the runs left it
    finally:
        connection.close()


@app.task(name="openbenefits.carriers", queue="requests", queueing_lock="carriers")
def keep_carriers(timestamp: int) -> None:  # noqa: ARG001 - the queue gives it
    """Send released carrier files, take in what partners answered, open cases of what is overdue."""
    try:
        quiet = quiet_at(Job.CARRIERS, clock.now())
        if not quiet.is_everywhere:
            carrier_kinds.keep(connection, now=clock.now(), author=NIGHTLY, without=quiet.clients)
    finally:
        connection.close()


@app.task(name="openbenefits.reports_due", queue="requests", queueing_lock="reports due")
def send_reports(timestamp: int) -> None:  # noqa: ARG001 - the queue gives it
    """Send the reports that are due today."""
    try:
        quiet = quiet_at(Job.REPORTS, clock.now())
        if not quiet.is_everywhere:
            send_due(connection, today=clock.today(), now=clock.now(), without=quiet.clients)
    finally:
        connection.close()


@app.task(name="openbenefits.casework", queue="requests", queueing_lock="casework")
def keep_casework(timestamp: int) -> None:  # noqa: ARG001 - the queue gives it
    """Close tasks and cases whose cause is gone, carry out what time does to them, tell people, delete."""
    try:
        moment = clock.now()
        quiet = quiet_at(Job.CASEWORK, moment)
        if quiet.is_everywhere:
            return
        without = quiet.clients
        close_gone(connection, as_of=clock.today(), now=moment, without=without)
        carry(moment, without=without)
        escalate(moment, without=without)
        send_notices(connection, now=moment, without=without)
        tell_askers(connection, moment, without=without)
        delete_marked(moment, without=without)
    finally:
        connection.close()
