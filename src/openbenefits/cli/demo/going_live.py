"""Step 11, payroll: the newcomer goes live on the payroll platform, and payroll is audited before it runs.

The platform is a stand-in of ours that answers over HTTP on this machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import polars as pl

from openbenefits.cli.demo.newcomer import CLIENT, NAME
from openbenefits.cli.demo.stage import ACTOR, Stage, at
from openbenefits.cli.screen import console, say, table_of
from openbenefits.platform import connecting, exporting
from openbenefits.platform.audits import curing, services
from openbenefits.platform.client.session import Patience
from openbenefits.platform.exchange import Work, fixed, look_at, send, sync
from openbenefits.platform.here import here_of, offered
from openbenefits.platform.standin.server import Standin, Terms
from openbenefits.platform.standin.world import World

THERE = "LARCH"
LIVE = date(2026, 1, 5)
REASON = "go live"
UNMASKED = frozenset({"NOMASKDOB"})
"""Birth dates are shown to our service user: without them nobody could be taken in."""


def play(stage: Stage, platform: Standin) -> Work:
    """Link the client, export its set-up and people, plant faults there, find and cure them."""
    with stage.step("11 Payroll: set-up and enrolments exported, read back, audited"):
        _fill(platform.world, stage)
        work = _linked(stage, platform)
        look_at(work)
        for part in ("set-up", "rates", "people"):
            export(work, part, REASON)
        came = sync(work)
        say(f"{came['employees']} employees read there: {came.get('complete', 0)} say something new.")
        _say_whether_payroll_may_run(stage)
        _find_and_cure(stage, platform.world, work)
    return work


@contextmanager
def platform_of_demo() -> Iterator[Standin]:
    """Run the stand-in for as long as the story needs it."""
    with Standin(terms=Terms(unmasked=UNMASKED)) as running:
        yield running


def on(work: Work, day: date) -> Work:
    """Answer the same exchange on another day."""
    return replace(work, today=day, clock=fixed(at(day)))


def export(work: Work, part: str, reason: str) -> None:
    """Plan a part of an export, send it, read it back, and look again."""
    sides = services.sides_of(work.connection, work.client_id, work.today)
    exporting.export(sides, part, reason=reason, author=ACTOR, now=work.clock())
    came = send(work)
    look_at(work)
    told = ", ".join(f"{count} {state}" for state, count in came.items())
    say(f"{part} exported: {told or 'nothing differs'}")


def employee(row: dict[str, str | None]) -> dict[str, object]:
    """Answer the parts of an employee there, from a row of a census."""
    job = {"statusClass": "A", "lastHireDate": row["hire_date"], "statusDate": row["hire_date"]}
    pay = {"payGroup": row["pay_group"], "standardHours": "40", "annualPay": f"{row['annual_pay']}.00"}
    return {
        "firstName": row["first_name"],
        "lastName": row["last_name"],
        "person": {"birthDate": row["birth_date"], "gender": row["sex"]},
        "contactInformation": {"zipcode": row["zip"], "state": row["state"]},
        "client": job,
        "compensation": pay,
    }


def _fill(world: World, stage: Stage) -> None:
    """Let the platform know the client, its people, and the plans of the PEO."""
    rows = offered(here_of(stage.connection, stage.clients[CLIENT], LIVE))
    world.add_client(THERE, NAME)
    for tier in rows["tier"].unique().sort().drop_nulls():
        if tier:
            world.tiers[tier] = {"typeCode": tier}
    codes = rows.group_by("plan").agg(pl.col("deduction_code").drop_nulls().first()).sort("plan")
    for plan, code in codes.iter_rows():
        world.add_plan(plan, pr125Dedn=code or "", billCode="B")
    people = pl.read_csv(stage.output("people", f"{CLIENT}.csv"), infer_schema=False)
    for row in people.filter(record="employee").iter_rows(named=True):
        world.add_employee(THERE, row["employee_number"], **employee(row))


def _linked(stage: Stage, platform: Standin) -> Work:
    """Connect to the platform, and say which client there is ours."""
    terms = platform.terms
    order = connecting.ConnectionOrder(
        client_id=0,
        code="standin",
        base_url=platform.url,
        peo_id=terms.peo_id,
        username=terms.username,
        password=terms.password,
    )
    made = connecting.connect(order, author=ACTOR, now=at(LIVE))
    connecting.link(stage.clients[CLIENT], made, THERE, author=ACTOR, now=at(LIVE))
    return Work(
        connection=stage.connection,
        client_id=stage.clients[CLIENT],
        author=ACTOR,
        today=LIVE,
        clock=fixed(at(LIVE)),
        patience=Patience(first_wait=0.02),  # it is on this very machine
    )


def _find_and_cure(stage: Stage, world: World, work: Work) -> None:
    """Spoil records at the platform; find each by an audit, and send its cure."""
    before = _faults(stage)
    _plant(world)
    look_at(work)
    planted = _faults(stage).join(before, on=["audit", "key"], how="anti")
    console.print(table_of(planted, title="Planted at the platform, and found"))
    for code, key in planted.select("audit", "key").iter_rows():
        curing.cure(_sides(stage), code, key, reason="found before payroll", author=ACTOR, now=at(LIVE))
    send(work)
    look_at(work)
    left = _faults(stage).join(planted, on=["audit", "key"], how="semi")
    say(f"One click on each sent the cure: {left.height} of {planted.height} are left.")


def _sides(stage: Stage) -> services.Sides:
    return services.sides_of(stage.connection, stage.clients[CLIENT], LIVE)


def _faults(stage: Stage) -> pl.DataFrame:
    """List what nobody accepted of plans and enrolments: audit, key, what is here and there."""
    sides = _sides(stage)
    rows = [
        services.audit(sides, code)
        .rows.filter("is_fault")
        .select(pl.lit(code).alias("audit"), "key", "here", "there")
        for code in ("A1", "A6")
    ]
    return pl.concat(rows)


def _say_whether_payroll_may_run(stage: Stage) -> None:
    answer = services.may_run(stage.connection, stage.clients[CLIENT], on=LIVE, now=at(LIVE))
    say(f"May payroll run? {'Yes.' if answer.may_run else 'No: ' + '; '.join(answer.reasons)}")


def _plant(world: World) -> None:
    """Let somebody at the platform start a plan late, and end two enrolments."""
    setups = world.setups[THERE]
    setups[min(setups)]["startDate"] = "2026-12-01"
    spoilt = 0
    for place, rows in sorted(world.enrolments.items()):
        if spoilt < 2 and place[0] == THERE and rows:
            rows[0]["status"] = "T"
            spoilt += 1
