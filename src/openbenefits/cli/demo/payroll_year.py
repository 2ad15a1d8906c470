"""Step 12, the year at payroll: somebody is hired there and somebody leaves, each there and back again."""

from datetime import date

from openbenefits.cli.demo.after import ENTERABLE, EVENTS, maintain, person_of
from openbenefits.cli.demo.choosing import fresh, household
from openbenefits.cli.demo.going_live import THERE, employee, export, on
from openbenefits.cli.demo.newcomer import CLIENT
from openbenefits.cli.demo.offers import offers_of
from openbenefits.cli.demo.stage import ACTOR, Stage, at
from openbenefits.cli.screen import say
from openbenefits.enrollment.elections import enter_file
from openbenefits.platform.exchange import Work, sync, take_vouchers
from openbenefits.platform.standin import payrolls
from openbenefits.platform.standin.server import Standin

HIRED, LEAVER = "P025", "P009"
HIRED_ON, KNOWN, CHOSE = date(2026, 8, 3), date(2026, 8, 4), date(2026, 8, 10)
LAST_DAY, LEFT_KNOWN, AFTER_END = date(2026, 10, 16), date(2026, 10, 19), date(2026, 11, 2)
PAY = {"pay_date": "2026-09-25", "begins": "2026-09-14", "ends": "2026-09-27"}
PAYS = 26
ROBIN = {
    "first_name": "Robin",
    "last_name": "Birch",
    "birth_date": "1992-06-14",
    "sex": "F",
    "zip": "02139",
    "state": "MA",
    "hire_date": HIRED_ON.isoformat(),
    "pay_group": "LBW",
    "annual_pay": "58000",
}


def play(stage: Stage, platform: Standin, work: Work) -> None:
    """Hire and end somebody at the platform; what follows here goes back there."""
    with stage.step("12 Payroll: a hire and a termination there; coverage follows, and goes back"):
        _hired(stage, platform, work)
        _paid(platform, work)
        _left(stage, platform, work)


def _hired(stage: Stage, platform: Standin, work: Work) -> None:
    """A hire there comes in by the queue, becomes an event, is answered, and the enrolment goes out."""
    platform.world.add_employee(THERE, HIRED, **employee(dict(ROBIN)))
    _taken_in(on(work, KNOWN), "A hire")
    maintain(stage, CLIENT, KNOWN)
    person = person_of(work.client_id, HIRED)
    schedule = stage.schedules[CLIENT, EVENTS]
    offers = offers_of(stage.connection, [schedule], ENTERABLE, [person])
    chosen = fresh(offers, household(stage.connection, work.client_id, person, HIRED, CHOSE), CHOSE)
    path = stage.output("elections", f"{CLIENT}-hire.csv")
    chosen.write_csv(path)
    came = enter_file(stage.connection, work.client_id, path, received_by=ACTOR, now=at(CHOSE))
    maintain(stage, CLIENT, CHOSE)
    say(f"The hire is an event with {offers.height} options; {came.entered} elections are final.")
    begun = date(HIRED_ON.year, HIRED_ON.month + 1, 1)
    export(on(work, begun), "people", "hire")
    _say_what_is_there(platform, HIRED)


def _paid(platform: Standin, work: Work) -> None:
    """A pay is calculated and posted there, and what it took is taken into the ledger."""
    world = platform.world
    batch = payrolls.open_batch(world, THERE, pay_group="LBW", **PAY)
    payrolls.calculate(world, THERE, batch, per_year=PAYS)
    payrolls.complete(world, THERE, batch)
    day = date.fromisoformat(PAY["pay_date"])
    taken = take_vouchers(on(work, day), day, day)
    lines = taken.result.taken if taken.result else 0
    say(f"The pay of {day} is posted there: {lines} deductions taken into the ledger.")


def _left(stage: Stage, platform: Standin, work: Work) -> None:
    """A termination there ends coverage here by the rules, and the end goes back."""
    record = platform.world.employees[THERE][LEAVER]
    record["client"] |= {"statusClass": "T", "statusDate": LAST_DAY.isoformat()}
    platform.world.happened("Employee", "Client", "change", THERE, LEAVER, "statusClass")
    _taken_in(on(work, LEFT_KNOWN), "A termination")
    maintain(stage, CLIENT, LEFT_KNOWN)
    export(on(work, AFTER_END), "people", "termination")
    _say_what_is_there(platform, LEAVER)


def _taken_in(work: Work, what: str) -> None:
    came = sync(work)
    say(f"{what}: {came['events']} events told, {came.get('complete', 0)} taken in as facts.")


def _say_what_is_there(platform: Standin, number: str) -> None:
    """Say what the platform holds of somebody now."""
    rows = platform.world.enrolments.get((THERE, number), [])
    told = [
        f"{one['planId']} {one['status']} from {one['coverageStart']}"
        + (f" through {one['coverageEnd']}" if one["coverageEnd"] else "")
        for one in rows
    ]
    say(f"There, of {number}: {'; '.join(told) or 'no enrolment'}.")
