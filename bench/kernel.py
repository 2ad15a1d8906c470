"""The kernel alone: speed, memory, and how time grows. Frames in, frames out; no database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from bench.children import Lap, Progress, crew, peak_bytes, timed
from bench.world import World, read_world
from openbenefits.core.codes import OptionType
from openbenefits.enrollment.rules.prepare import Prepared, Situation, prepare
from openbenefits.programs.rulebook import Rulebook, compile_rulebook
from openbenefits.runs.partitions import partition_size, with_partition
from openbenefits.runs.workers import most_workers

REPEATS = 3

Measured = dict[str, float]


def measure_partitions(folder: Path, progress: Progress) -> Measured:
    """Prepare everybody in partitions, each with the set-up of its clients alone.

    As runs do, in as many processes at once as there are cores, each of which holds its partitions; they are
    started, and set-up is compiled, outside the time. Beside it, one after the other in this process.
    """
    world = read_world(folder)
    parts = [
        (taken(world.situation, part), tables_of(world.tables, part["client_id"].unique()))
        for part in partitions(world.situation.cases, most_workers())
    ]
    people, clients = world.situation.cases.height, world.situation.cases["client_id"].n_unique()
    compiling = timed(lambda: tasks_of(parts))
    tasks = compiling.answer
    counts = [_counts(task()) for task in tasks]
    alone = _best({"alone": lambda: _done(tasks)}, progress)["alone"]
    workers = min(most_workers(), len(parts))
    with crew(laps_of, [parts[first::workers] for first in range(workers)]) as (lap, idle):
        best = _best_laps({"together": lap}, progress)["together"]
        peak = lap().answer
    return {
        "people": people,
        "clients": clients,
        "partitions": len(parts),
        "workers": workers,
        "compile_seconds": compiling.seconds,
        **best,
        "per_second": people / best["seconds"],
        "alone_per_second": people / alone["seconds"],
        "alone_cpu": alone["cpu"],
        "idle_bytes": idle,
        "peak_bytes": peak,
        **{name: sum(count[name] for count in counts) / people for name in counts[0]},
    }


Part = tuple[Situation, dict[str, pl.DataFrame]]
"""A partition, and the set-up of its clients."""


def tasks_of(parts: Sequence[Part]) -> list[Callable[[], Prepared]]:
    """Compile the set-up of partitions; answer how to prepare each."""
    return [partial(_prepared, situation, compile_rulebook(tables)) for situation, tables in parts]


def laps_of(parts: Sequence[Part]) -> Callable[[], None]:
    """Answer how to prepare partitions one after the other."""
    return partial(_done, tasks_of(parts))


def _prepared(situation: Situation, book: Rulebook) -> Prepared:
    """Prepare as for the first time: a copy of the rulebook remembers nothing of the lap before."""
    return prepare(situation, replace(book))


def _done(tasks: Sequence[Callable[[], Prepared]]) -> None:
    """Do tasks, and forget what they answer."""
    for task in tasks:
        task()


def measure_whole(folder: Path, progress: Progress) -> Measured:
    """Prepare everybody in one frame."""
    world = read_world(folder)
    book = compile_rulebook(world.tables)
    idle = peak_bytes()
    best = _best({"whole": lambda: _prepared(world.situation, book)}, progress)["whole"]
    people = world.situation.cases.height
    return {
        "people": people,
        **best,
        "per_second": people / best["seconds"],
        "idle_bytes": idle,
        "peak_bytes": peak_bytes(),
    }


def measure_growth(folder: Path, progress: Progress) -> Measured:
    """Take the times of a world and of its doubles, in turns, each in one frame.

    `participants`: everybody, and every second one. `clients`: every second one, and
    everybody of half of the clients. `rules`: a fifth of the clients, with their set-up once and twice.
    """
    whole, double = read_world(folder / "whole"), read_world(folder / "double")
    cases = whole.situation.cases
    clients = cases["client_id"].n_unique()
    second = taken(whole.situation, cases.filter(pl.col("case") % 2 == 0))
    half = _of_clients(whole, clients // 2)
    once = _of_clients(whole, clients // 5)
    worlds = {"whole": whole, "half": half, "once": once, "double": double}
    books = {name: compile_rulebook(world.tables) for name, world in worlds.items()}
    found = _best(
        {
            "half_people": lambda: _prepared(second, books["whole"]),
            "whole": lambda: _prepared(whole.situation, books["whole"]),
            "half_clients": lambda: _prepared(half.situation, books["half"]),
            "rules_once": lambda: _prepared(once.situation, books["once"]),
            "rules_twice": lambda: _prepared(double.situation, books["double"]),
        },
        progress,
    )
    return {
        **{f"{name}_{clock}": value for name, best in found.items() for clock, value in best.items()},
        **_ratios("participants", found["whole"], found["half_people"]),
        **_ratios("clients", found["half_people"], found["half_clients"]),
        **_ratios("rules", found["rules_twice"], found["rules_once"]),
        "rules_people": once.situation.cases.height,
        "rule_rows": double.tables["eligibility_rule"].height / once.tables["eligibility_rule"].height,
        "option_rows": double.tables["option"].height / once.tables["option"].height,
        "peak_bytes": peak_bytes(),
    }


def _ratios(name: str, doubled: Measured, once: Measured) -> Measured:
    return {name: doubled["seconds"] / once["seconds"], f"{name}_cpu": doubled["cpu"] / once["cpu"]}


def _of_clients(world: World, last: int) -> World:
    """Keep the clients up to a number, and their people."""
    wanted = pl.col("client_id") <= last
    return World(
        tables={name: frame.filter(wanted) for name, frame in world.tables.items()},
        situation=taken(world.situation, world.situation.cases.filter(wanted)),
    )


# --- taking a situation apart ------------------------------------------------------------------------------


def partitions(cases: pl.DataFrame, workers: int) -> list[pl.DataFrame]:
    """Take everybody apart as runs do."""
    people = cases.with_columns(person_id="case")  # each with one benefit record
    parts = with_partition(people, partition_size(cases.height, workers)).drop("person_id")
    return parts.partition_by("partition", include_key=False)


def taken(situation: Situation, cases: pl.DataFrame) -> Situation:
    """Keep some cases of a situation, numbered anew."""
    numbers = cases.select("case").with_row_index("new").with_columns(pl.col("new").cast(pl.Int32))
    frames = {
        name: frame.join(numbers, on="case", maintain_order="left").with_columns(case="new").drop("new")
        for name, frame in _frames(situation).items()
    }
    return Situation(**frames)


def tables_of(tables: Mapping[str, pl.DataFrame], clients: pl.Series) -> dict[str, pl.DataFrame]:
    """Keep the set-up rows of some clients and of the PEO."""
    wanted = [0, *clients.to_list()]
    return {name: frame.filter(pl.col("client_id").is_in(wanted)) for name, frame in tables.items()}


def _frames(situation: Situation) -> dict[str, pl.DataFrame]:
    return {one.name: getattr(situation, one.name) for one in fields(situation)}


# --- timing ---------------------------------------------------------------------------------------------


def _best(tasks: Mapping[str, Callable[[], Any]], progress: Progress) -> dict[str, Measured]:
    """Time each task in turns, and keep the best of each clock."""
    return _best_laps({name: partial(timed, task) for name, task in tasks.items()}, progress)


def _best_laps(tasks: Mapping[str, Callable[[], Lap]], progress: Progress) -> dict[str, Measured]:
    """Go round each in turns, once to warm up and then some times; keep the best of each clock."""
    found: dict[str, list[Lap]] = {name: [] for name in tasks}
    done, total = 0, (REPEATS + 1) * len(tasks)
    for _ in range(REPEATS + 1):
        for name, task in tasks.items():
            found[name].append(task()._replace(answer=None))
            done += 1
            progress(done, total)
    return {
        name: {
            "seconds": min(lap.seconds for lap in laps[1:]),
            "cpu": min(lap.cpu for lap in laps[1:]),
        }
        for name, laps in found.items()
    }


def _counts(prepared: Prepared) -> Measured:
    """Count what came out, and who stands where."""
    statuses = prepared.cases["process_status"]
    options = prepared.options.filter(option_type=OptionType.OPTION)
    return {
        "plan_types": prepared.plans.height,
        "options": options.height,
        "waivers": prepared.options.height - options.height,
        "priced": prepared.options.drop_nulls("year_total_cents").height,
        "electable": prepared.options.filter("is_electable").height,
        "messages": prepared.messages.height,
        "ready": statuses.filter(statuses == "PR").len(),
    }
