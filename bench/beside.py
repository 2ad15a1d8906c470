"""The same work one person at a time: a rule engine and the scalar oracle, beside the kernel."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
import zen
from tests.oracle import prepare as prepare_by_oracle
from tests.oracle.rows import Setup

from bench import zen_graph
from bench.children import Progress, timed
from bench.documents import Row, sample_of
from bench.kernel import Measured, tables_of
from bench.world import Made, read_world
from openbenefits.core.codes import OptionType
from openbenefits.enrollment.rules.prepare import prepare
from openbenefits.programs.rulebook import compile_rulebook

PEOPLE = 300
REPEATS = 3
UNPRICED = ("40", "60")  # what a person states has no price until stated


def measure_beside(made: Made, progress: Progress) -> Measured:
    """Take the times of zen-engine and of the oracle, and say where they and the kernel agree.

    Set-up is compiled before the clock starts, and everybody is worked on once to warm up.
    """
    world = read_world(made.frames / "whole")
    sample = sample_of(made, world, PEOPLE)
    tables = tables_of(world.tables, sample.situation.cases["client_id"].unique())
    prepared = prepare(sample.situation, compile_rulebook(tables))
    kernel = _by_case(
        prepared.options.filter(option_type=OptionType.OPTION)
        .join(prepared.plans.select("plan", "plan_type"), on="plan")
        .join(tables["option"].select("option_id", "code").unique(), on="option_id")
    )
    graphs = {number: zen_graph.graph_of(sample.peo, client) for number, client in sample.clients.items()}
    requests: list[Any] = [
        {
            "key": str(number),
            "context": zen_graph.context_of(Setup(sample.peo, sample.clients[number]), person),
        }
        for number, person in sample.people
    ]
    engine = zen.ZenEngine({"loader": {"type": "static", "content": _content(graphs)}})
    people = [(sample.clients[number], person) for number, person in sample.people]
    seconds, answers = _laps(
        {
            "zen": lambda: [engine.evaluate(one["key"], one["context"]) for one in requests],
            "zen_batch": lambda: engine.evaluate_batch(requests),
            "oracle": lambda: [prepare_by_oracle(sample.peo, *one) for one in people],
        },
        progress,
    )
    return {
        "people": len(people),
        **{f"{name}_per_second": len(people) / spent for name, spent in seconds.items()},
        "zen_agrees": _share(kernel, [_of_zen(one["result"]) for one in answers["zen"]]),
        "oracle_agrees": _share(kernel, [_of_oracle(one) for one in answers["oracle"]]),
        "options": sum(map(len, kernel.values())) / len(people),
    }


def _content(graphs: dict[int, str]) -> dict[str, Row]:
    return {str(number): json.loads(graph) for number, graph in graphs.items()}


def _laps(
    tasks: Mapping[str, Callable[[], list[Any]]], progress: Progress
) -> tuple[dict[str, float], dict[str, list[Any]]]:
    """Let each work on everybody some times, in turns; the first lap is not counted."""
    laps: dict[str, list[float]] = {name: [] for name in tasks}
    answers: dict[str, list[Any]] = {}
    for lap in range(REPEATS + 1):
        for number, (name, task) in enumerate(tasks.items(), 1):
            one = timed(task)
            answers[name] = one.answer
            laps[name].append(one.seconds)
            progress(lap * len(tasks) + number, (REPEATS + 1) * len(tasks))
    return {name: min(spent[1:]) for name, spent in laps.items()}, answers


# --- do they agree? -----------------------------------------------------------------------------------------

Options = dict[tuple[str, str], tuple[int, int] | None]
"""The month's total and the employer's part in cents, by plan type and option."""


def _share(kernel: dict[int, Options], others: Sequence[Options]) -> float:
    """Answer for how many people options and prices are the same, of all."""
    same = sum(kernel.get(case, {}) == other for case, other in enumerate(others))
    return same / len(others)


def _by_case(options: pl.DataFrame) -> dict[int, Options]:
    found: dict[int, Options] = {}
    for row in options.iter_rows(named=True):
        found.setdefault(row["case"], {})[row["plan_type"], row["code"]] = _price(
            row["plan_type"], row["year_total_cents"], row["annual_employer_cents"]
        )
    return found


def _of_zen(answer: Row) -> Options:
    return {
        (row["plan_type"], row["code"]): _price(
            row["plan_type"], 12 * round(row["month"] * 100), 12 * round(row["employer"] * 100)
        )
        for row in answer.get("options") or ()
        if answer.get("program")
    }


def _twelve(month: int | None) -> int | None:
    """The year of a monthly price."""
    return None if month is None else 12 * month


def _of_oracle(answer: Row) -> Options:
    return {
        (plan_type, code): _price(plan_type, _twelve(row["month_total_cents"]), row["annual_employer_cents"])
        for (plan_type, code), row in answer["options"].items()
        if code != "WAIVE"
    }


def _price(plan_type: str, total: int, employer: int) -> tuple[int, int] | None:
    return None if plan_type in UNPRICED else (total, employer)
