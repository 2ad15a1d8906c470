"""Step 11, payroll: a client goes live on the payroll platform, and payroll is audited before it runs.

The platform is a stand-in of ours that answers over HTTP on this machine.
"""

from datetime import date

import polars as pl

from openbenefits.cli.demo.stage import ACTOR, Stage, at
from openbenefits.cli.screen import console, say, table_of
from openbenefits.platform import connecting, exporting
from openbenefits.platform.audits import curing, services
from openbenefits.platform.client.session import Patience
from openbenefits.platform.exchange import Work, fixed, look_at, send
from openbenefits.platform.here import here_of, offered
from openbenefits.platform.standin.server import Standin
from openbenefits.platform.standin.world import World
from openbenefits.workforce.models import Person

CLIENT, THERE = "quill", "QUILL"
LIVE = date(2026, 11, 9)
REASON = "go live"


def play(stage: Stage) -> None:
    """Link the client, export its set-up and people, plant faults there, find and cure them."""
    with stage.step("11 Payroll: set-up and enrolments exported, read back, audited"), Standin() as platform:
        _fill(platform.world, stage)
        work = _linked(stage, platform)
        look_at(work)
        for part in ("set-up", "people"):
            exporting.export(_sides(stage), part, reason=REASON, author=ACTOR, now=at(LIVE))
            came = send(work)
            look_at(work)
            say(f"{part} exported: " + ", ".join(f"{count} {state}" for state, count in came.items()))
        _say_whether_payroll_may_run(stage)
        before = _faults(stage)
        _plant(platform.world)
        look_at(work)
        planted = _faults(stage).join(before, on=["audit", "key"], how="anti")
        console.print(table_of(planted, title="Planted at the platform, and found"))
        for code, key in planted.select("audit", "key").iter_rows():
            curing.cure(_sides(stage), code, key, reason="found before payroll", author=ACTOR, now=at(LIVE))
        send(work)
        look_at(work)
        left = _faults(stage).join(planted, on=["audit", "key"], how="semi")
        say(f"One click on each sent the cure: {left.height} of {planted.height} are left.")


def _fill(world: World, stage: Stage) -> None:
    """Let the platform know the client, its people, and the plans of the PEO."""
    rows = offered(here_of(stage.connection, stage.clients[CLIENT], LIVE))
    world.add_client(THERE, "Quill Press")
    for tier in rows["tier"].unique().sort().drop_nulls():
        if tier:
            world.tiers[tier] = {"typeCode": tier}
    codes = rows.group_by("plan").agg(pl.col("deduction_code").drop_nulls().first()).sort("plan")
    for plan, code in codes.iter_rows():
        world.add_plan(plan, pr125Dedn=code or "", billCode="B")
    for number in Person.objects.filter(client_id=stage.clients[CLIENT]).values_list(
        "employee_number", flat=True
    ):
        world.add_employee(THERE, number, client={"statusClass": "A"}, compensation={"payGroup": "QBW"})


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
