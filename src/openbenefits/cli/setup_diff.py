"""What `openbenefits setup diff` shows and writes: records, clients, people, dollars."""

import json as json_text
import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape

from openbenefits.cli.clock import now
from openbenefits.cli.screen import MOST_LINES, console, dollars, progress, say, table_of

if TYPE_CHECKING:
    from openbenefits.programs.differences import Difference
    from openbenefits.programs.inheritance import ClientRecord
    from openbenefits.programs.services import Comparison
    from openbenefits.runs.effects import SetupEffect

SIGNS = {"added": "[green]+[/]", "removed": "[red]-[/]", "changed": "[yellow]~[/]"}
_BEGIN = re.compile(r" from (\d{4}-\d{2}-\d{2})\]")


def print_differences(found: Sequence["Difference"]) -> None:
    """Print the changed records, the first of them."""
    for one in found[:MOST_LINES]:
        values = f": {one.old} → {one.new}" if one.change == "changed" else ""
        console.print(f"{SIGNS[one.change]} {escape(f'{one.path}{values}')}")
    if len(found) > MOST_LINES:
        say(f"… and {len(found) - MOST_LINES} more")


def print_standings(standings: Sequence["ClientRecord"]) -> None:
    """Print which clients inherit, override or own each changed record; count those it does not reach."""
    reached = [one for one in standings if one.standing != "not used"]
    rows = pl.DataFrame(
        [(f"{one.section}[{one.code}]", one.client, one.standing) for one in reached],
        schema=["record", "client", "standing"],
        orient="row",
    )
    if reached:
        console.print(table_of(rows, title="Who goes by the changed records"))
    idle = len(standings) - len(reached)
    if idle:
        say(f"{idle} times a client has no use for a changed record.")


def day_of(found: Iterable["Difference"], today: date) -> date:
    """Answer the day from which all changed records hold, today at the earliest.

    >>> from openbenefits.programs.differences import Difference
    >>> one = Difference(path="plans[HMO from 2027-01-01].name", change="changed", old="A", new="B")
    >>> day_of([one], date(2026, 11, 1)), day_of([], date(2026, 11, 1))
    (datetime.date(2027, 1, 1), datetime.date(2026, 11, 1))
    """
    begins = [date.fromisoformat(match[1]) for one in found if (match := _BEGIN.search(one.path))]
    return max([today, *begins])


def show_effect(connection: Any, folder: Path, as_of: date) -> "SetupEffect | None":
    """Compute and show whom a folder moves; None where it is of a client not yet brought in."""
    from openbenefits.programs.reader import read
    from openbenefits.runs.effects import effect_of
    from openbenefits.workforce.models import Client

    loaded = read(folder).bundle
    codes = dict(Client.objects.values_list("id", "code"))
    numbers = {code: number for number, code in codes.items()}
    if loaded is None or (loaded.is_client and loaded.code not in numbers):
        return None
    client_id = numbers[loaded.code] if loaded.is_client else 0
    with progress("Preparing everybody before and after") as told:
        effect = effect_of(connection, client_id, folder, as_of=as_of, now=now(), progress=told)
    if effect.changes.is_empty():
        say(f"Nobody's eligibility, default or price on {as_of} is moved by it.")
        return effect
    clients = named(connection, effect.clients, codes)
    console.print(table_of(clients, title=f"Whom it moves, as of {as_of}"))
    moved = named(connection, effect.plans.filter(pl.col("changed") > 0), codes)
    if not moved.is_empty():
        console.print(table_of(_in_dollars(moved), title="Coverage in force: dollars before → after"))
    return effect


def named(connection: Any, rows: pl.DataFrame, codes: dict[int, str]) -> pl.DataFrame:
    """Put codes in place of the numbers of clients and plans."""
    from openbenefits.programs.frames import load_setup

    shown = rows.with_columns(
        pl.col("client_id").replace_strict(codes, return_dtype=pl.String).alias("client")
    ).select("client", pl.exclude("client", "client_id"))
    if "plan_id" not in rows.columns:
        return shown
    plans = load_setup(connection)["plan"].select("plan_id", plan="code").unique("plan_id", keep="last")
    with_plan = shown.join(plans, on="plan_id", how="left", maintain_order="left")
    return with_plan.select(
        "client", "plan_type", "plan", pl.exclude("client", "plan_type", "plan", "plan_id")
    )


def save(
    comparison: "Comparison", effect: "SetupEffect | None", *, csv: Path | None, json: Path | None
) -> list[Path]:
    """Write the comparison: as CSV files (one for each table), as one JSON file."""
    tables = _tables(comparison, effect)
    written = []
    if csv is not None:
        from openbenefits.reports.files import write_csv

        written += write_csv(csv, tables)
    if json is not None:
        from openbenefits.reports.files import write_whole

        text = json_text.dumps(
            {name: rows.to_dicts() for name, rows in tables.items()}, indent=1, default=str
        )
        written.append(write_whole(json, lambda draft: draft.write_text(text + "\n", encoding="utf-8")))
    return written


def _tables(comparison: "Comparison", effect: "SetupEffect | None") -> dict[str, pl.DataFrame]:
    """Answer the tables of a comparison: records, clients; people and dollars where they were computed."""
    records = [
        (one.path, one.change, *("" if value is None else str(value) for value in (one.old, one.new)))
        for one in comparison.differences
    ]
    standings = [(one.client, one.section, one.code, one.standing) for one in comparison.standings]
    text = pl.String
    tables = {
        "records": pl.DataFrame(
            records, dict.fromkeys(("record", "change", "old", "new"), text), orient="row"
        ),
        "standing": pl.DataFrame(
            standings, dict.fromkeys(("client", "section", "code", "standing"), text), orient="row"
        ),
    }
    if effect is None:
        return tables
    from django.db import connection

    from openbenefits.workforce.models import Client

    codes = dict(Client.objects.values_list("id", "code"))
    return tables | {
        "whom": named(connection, effect.clients, codes),
        "dollars": named(connection, effect.plans, codes),
        "people": named(connection, effect.changes, codes),
    }


def _in_dollars(rows: pl.DataFrame) -> pl.DataFrame:
    """Write before and after into one cell, for the month and the year, of both sides."""
    texts = {}
    for side in ("employee", "employer"):
        for span in ("month_cents", "cents"):
            before, after = rows[f"{side}_{span}"], rows[f"{side}_{span}_after"]
            name = f"{side}_{'month' if span == 'month_cents' else 'year'}"
            texts[name] = [f"{dollars(old)} → {dollars(new)}" for old, new in zip(before, after, strict=True)]
    columns = {name: pl.Series(values, dtype=pl.String) for name, values in texts.items()}
    return rows.select("client", "plan_type", "plan", "people", "changed", "lost", "without_price", **columns)
