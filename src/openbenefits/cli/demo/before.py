"""Step 1, before: set-up, census, what is held today, calendars, and a snapshot of it all."""

import polars as pl
from rich.table import Table

from openbenefits.cli.census import print_audit
from openbenefits.cli.demo.stage import ACTOR, SNAPSHOT, START, Stage, at
from openbenefits.cli.screen import console, count_findings, print_findings, say, table_of
from openbenefits.core.codes import Level
from openbenefits.enrollment.takeover import take_over
from openbenefits.events.services import void_events
from openbenefits.programs import services as setup
from openbenefits.programs.frames import PEO, load_setup
from openbenefits.reports.frames import load_events
from openbenefits.reports.names import load_schedules
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.workforce import census
from openbenefits.workforce.audit import audit_data


def play(stage: Stage) -> None:
    """Bring everything in, look at it, and take the snapshot."""
    with stage.step("1 Before: set-up"):
        _apply_setup(stage)
        _show_setup(stage)
    with stage.step("1 Before: census, data audit, coverage taken over"):
        _import_census(stage)
        _take_over(stage)
    with stage.step("1 Before: snapshot of what is held"):
        stage.run_all("Snapshot", SNAPSHOT, START, through=Level.OPTIONS)
        _clear_way(stage)


def _apply_setup(stage: Stage) -> None:
    """Audit and apply the PEO's bundle, then each client's."""
    folders = {PEO: SAMPLE_FOLDER / "peo"}
    folders |= {number: SAMPLE_FOLDER / "clients" / code for code, number in stage.clients.items()}
    table = Table("Bundle", "Audit", "Outcome", "Release", title="Set-up", title_justify="left")
    for client_id, folder in folders.items():
        change = setup.apply(folder, client_id=client_id, applied_by=ACTOR, now=at(START))
        release = str(change.release.number) if change.release else "none"
        table.add_row(folder.name, count_findings(change.findings), str(change.outcome), release)
        print_findings(change.findings)
    console.print(table)
    for row in load_schedules(stage.connection).iter_rows(named=True):
        stage.schedules[row["client"], row["schedule"]] = row["schedule_id"]


def _show_setup(stage: Stage) -> None:
    """List pay calendars, process groups, schedules and the open enrolment of each client."""
    tables = load_setup(stage.connection)
    codes = pl.DataFrame(list(stage.clients.items()), schema=["client", "client_id"], orient="row")
    codes = codes.with_columns(pl.col("client_id").cast(pl.Int32))
    periods = (
        tables["pay_period"]
        .group_by("pay_group_id")
        .agg(pays=pl.len(), first=pl.col("begins_on").min(), last=pl.col("ends_on").max())
    )
    calendars = tables["pay_group"].join(codes, on="client_id").join(periods, on="pay_group_id", how="left")
    console.print(
        table_of(
            calendars.sort("client", "code").select(
                "client", "code", "name", "frequency", "pays", "first", "last"
            ),
            title="Pay groups and their calendars",
        )
    )
    groups = (
        tables["benefit_group"]
        .join(codes, on="client_id")
        .group_by("client")
        .agg(process_groups=pl.col("code").sort().str.join(", "))
    )
    schedules = (
        tables["schedule"].join(codes, on="client_id").sort("client", "kind", descending=[False, True])
    )
    console.print(
        table_of(
            schedules.join(groups, on="client", maintain_order="left").select(
                *("client", "process_groups", "code", "name"),
                event_day="period_begins_on",
                window=pl.format("{} to {}", "window_begins_on", "window_ends_on"),
            ),
            title="Process groups and schedules",
        )
    )


def _import_census(stage: Stage) -> None:
    """Preview, show and import each census, then audit the data."""
    table = Table("File", "Rows", "New people", "Changed", "Asked", "Bad rows", "Imported as", title="Census",
                  title_justify="left")  # fmt: skip
    for files in stage.each_client("Census"):
        client_id = stage.clients[files.client]
        found = census.preview(client_id, files.census, as_of=START)
        change = census.apply(found, made_by=ACTOR, now=at(START))
        again = census.preview(client_id, files.census, as_of=START)
        counts = (
            found.rows_read,
            *(found.people[name] for name in ("new", "changed", "asked")),
            found.bad_row_count,
        )
        is_known = not again.people["new"] and not again.people["changed"]
        note = (
            f"change {change.pk}; the same file again would change {'nothing' if is_known else 'SOMETHING'}"
        )
        table.add_row(f"{files.client}/{files.census.name}", *(f"{count:,}" for count in counts), note)
    console.print(table)
    print_audit(audit_data(stage.connection, list(stage.clients.values()), START))


def _take_over(stage: Stage) -> None:
    """Take over the coverage held in 2025, the start of every timeline."""
    rows = taken = approvals = bad = 0
    for files in stage.each_client("Coverage taken over"):
        client_id = stage.clients[files.client]
        result = take_over(stage.connection, client_id, files.current_coverage, now=at(START), made_by=ACTOR)
        rows, taken = rows + result.rows_read, taken + result.taken
        approvals, bad = approvals + result.approvals, bad + result.bad_row_count
        if result.bad_rows.height:
            causes = result.bad_rows.group_by("column", "expected", "cure").len("rows")
            console.print(table_of(causes, title=f"Left out at {files.client}"))
    say(f"{rows:,} rows: {taken:,} change points, {approvals:,} approved amounts; {bad or 'no'} bad rows.")


def _clear_way(stage: Stage) -> None:
    """Void the snapshot events that stay open: a snapshot only looks, and must keep nobody waiting."""
    events = load_events(stage.connection, schedule_ids=stage.schedule_ids(SNAPSHOT), event_statuses=["O"])
    void_events(
        stage.connection, events, cause="voided by the administrator", run_id=None, actor=ACTOR, now=at(START)
    )
    if events.height:
        say(
            f"{events.height} snapshot events are not final: faults in the data, or coverage that would end."
            " They would keep open enrolment waiting, so the administrator voids them; it will meet the"
            " same faults."
        )
