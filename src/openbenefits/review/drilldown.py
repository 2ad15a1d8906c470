"""One event from participant to cost: plan types, options, prices with reasons, dependents, investments.

Everything about rules and prices is what `explain` says; nothing is computed a second time. Beside it stands
what was elected and what is held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from openbenefits.enrollment.models import Election, ElectionBeneficiary, ElectionDependent, ElectionFund
from openbenefits.events.windows import EventPlace
from openbenefits.reports.explain import Explanation, explain
from openbenefits.reports.explain_parts import CostPart, OptionPart, PlanPart
from openbenefits.reports.frames import (
    COVERAGE_PLACE,
    load_beneficiaries,
    load_coverage,
    load_covered,
    load_events,
    load_funds,
    with_case,
)
from openbenefits.reports.rules import hundredths_text, money_text
from openbenefits.workforce.models import Dependent

PARTICIPANT, PLAN_TYPES, OPTIONS, COSTS = "Participant", "Plan types", "Options", "Costs"
DEPENDENTS, BENEFICIARIES, INVESTMENTS, HELD = "Dependents", "Beneficiaries", "Investments", "Held"
SHEETS = (PARTICIPANT, PLAN_TYPES, OPTIONS, COSTS, DEPENDENTS, BENEFICIARIES, INVESTMENTS, HELD)

_TEXT, _BOOL, _DATE, _CENTS = pl.String(), pl.Boolean(), pl.Date(), pl.Int64()
PLAN_COLUMNS = {
    **dict.fromkeys(("plan_type", "name", "event_rule", "choice", "default", "household", "elected"), _TEXT),
    "dates": _TEXT,
}
OPTION_COLUMNS = {
    **dict.fromkeys(("plan_type", "option", "name", "option_type"), _TEXT),
    **dict.fromkeys(("is_eligible", "is_electable", "is_current", "is_default", "is_elected"), _BOOL),
    **dict.fromkeys(("is_proof_required",), _BOOL),
    "coverage": _TEXT,
    "per_pay": _CENTS,
    "employer_a_year": _CENTS,
    "why": _TEXT,
}
COST_COLUMNS = {
    **dict.fromkeys(("plan_type", "option", "kind", "rate_table", "keys", "contribution"), _TEXT),
    **dict.fromkeys(("total", "employer", "employee", "per_pay"), _CENTS),
    "arithmetic": _TEXT,
}
SHARE_COLUMNS = {"plan_type": _TEXT, "of": _TEXT, "dependent": pl.Int16(), "share": _TEXT, "kind": _TEXT}
HELD_COLUMNS = {
    **dict.fromkeys(("plan_type", "name"), _TEXT),
    "from_on": _DATE,
    "through_on": _DATE,
    **dict.fromkeys(("kind_name", "basis", "what", "covers", "rule", "made_by", "deduction"), _TEXT),
}
ELECTED, IN_FORCE = "elected", "held"


def drill_down(
    connection: Any, place: EventPlace, *, plan_type: str | None = None
) -> Mapping[str, pl.DataFrame]:
    """Show an event from its participant down to each cost, of all plan types or of one, as SHEETS.

    Money is dollars as text, blank where it is not known. `of` says of dependents, beneficiaries and funds
    whether they are elected in this event or held by the timeline.

    Errors: NothingToExplain if there is no such event.
    """
    told = explain(
        connection,
        place.client_id,
        place.person_id,
        benefit_record=place.benefit_record,
        event=(place.schedule_id, place.event_number),
        plan_type=plan_type,
    )
    elected = _elected(connection, place, plan_type)
    chosen = {one["plan_type"]: one["option_code"] for one in elected}
    return {
        PARTICIPANT: _participant(told),
        PLAN_TYPES: _frame([_plan(plan, chosen) for plan in told.plans], PLAN_COLUMNS),
        OPTIONS: _options(told, chosen),
        COSTS: _costs(told),
        **_shares(connection, place, elected, plan_type),
        HELD: _frame([{name: asdict(one)[name] for name in HELD_COLUMNS} for one in told.held], HELD_COLUMNS),
    }


def _frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Any]) -> pl.DataFrame:
    """Shape rows; whole cents become dollars as text."""
    made = pl.DataFrame(list(rows), schema=dict(columns))
    cents = [name for name, kind in columns.items() if kind == _CENTS]
    return made.with_columns(money_text(pl.col(name)).alias(name) for name in cents)


# --- what explain says --------------------------------------------------------------------------------------


def _participant(told: Explanation) -> pl.DataFrame:
    """Who, which event, where it stands, the facts used, the programs with why."""
    event = told.event
    rows = [
        ("employee", told.employee_number),
        ("client", told.client),
        ("benefit record", str(told.benefit_record)),
        ("event", f"{event.event_class} {event.class_name} of {event.event_on}"),
        ("schedule", f"{event.schedule}, event {event.event_number}"),
        ("status", f"{event.status or ''} {event.status_name}".strip()),
        *((fact.name, fact.value) for fact in told.facts),
        *((f"program {one.code}", one.why) for one in told.programs),
        *(
            (f"message {one.code}", f"{one.title}: expected {one.expected}, found {one.found}")
            for one in event.notes
        ),
        *(("differs from what is stored", line) for line in told.differences),
    ]
    return pl.DataFrame(rows, schema={"what": _TEXT, "value": _TEXT}, orient="row")


def _plan(plan: PlanPart, chosen: Mapping[str, str]) -> dict[str, Any]:
    return {
        "plan_type": plan.plan_type,
        "name": plan.name,
        "event_rule": f"{plan.event_rule}, {plan.event_rule_row}",
        "choice": plan.choice,
        "default": plan.default,
        "household": plan.household,
        "elected": chosen.get(plan.plan_type),
        "dates": "; ".join(f"{one.what}: {one.sentence}" for one in plan.days),
    }


def _options(told: Explanation, chosen: Mapping[str, str]) -> pl.DataFrame:
    rows = [
        {
            "plan_type": plan.plan_type,
            "option": one.code,
            "name": one.name,
            "option_type": one.option_type,
            "is_eligible": one.is_eligible,
            "is_electable": one.is_electable,
            "is_current": one.is_current,
            "is_default": one.is_default,
            "is_elected": chosen.get(plan.plan_type) == one.code,
            "is_proof_required": one.proof is not None and one.proof.is_required,
            "coverage": one.coverage,
            "per_pay": one.pay_cents,
            "employer_a_year": one.annual_employer_cents,
            "why": one.why,
        }
        for plan in told.plans
        for one in plan.options
    ]
    return _frame(rows, OPTION_COLUMNS)


def _costs(told: Explanation) -> pl.DataFrame:
    rows = [
        _cost(plan, option, cost) for plan in told.plans for option in plan.options for cost in option.costs
    ]
    return _frame(rows, COST_COLUMNS)


def _cost(plan: PlanPart, option: OptionPart, cost: CostPart) -> dict[str, Any]:
    return {
        "plan_type": plan.plan_type,
        "option": option.code,
        "kind": cost.kind,
        "rate_table": f"{cost.rate_table} of {cost.valid_from}" if cost.valid_from else cost.rate_table,
        "keys": ", ".join(f"{key.name} {key.value}" for key in cost.keys),
        "contribution": cost.contribution,
        "total": cost.total_cents,
        "employer": cost.employer_cents,
        "employee": cost.employee_cents,
        "per_pay": cost.pay_cents,
        "arithmetic": "; ".join(cost.lines),
    }


# --- what was elected, and what is held ---------------------------------------------------------------------


def _elected(connection: Any, place: EventPlace, plan_type: str | None) -> list[dict[str, Any]]:
    """The last submission of each plan type, unless withdrawn."""
    rows = Election.objects.using(connection.alias).filter(**place.key())
    if plan_type is not None:
        rows = rows.filter(plan_type=plan_type)
    last = {(row["plan_type"], row["slot"]): row for row in rows.order_by("submission").values()}
    return [row for row in last.values() if not row["is_withdrawn"]]


def _shares(
    connection: Any, place: EventPlace, elected: Sequence[Mapping[str, Any]], plan_type: str | None
) -> dict[str, pl.DataFrame]:
    """Dependents, beneficiaries and funds, as elected and as held: three sheets."""
    parts = [_of_elections(connection, place, elected), _of_timeline(connection, place, plan_type)]
    numbers = Dependent.objects.using(connection.alias).filter(person_id=place.person_id)
    known = dict(numbers.values_list("id", "number"))
    sheets = {}
    for name in (DEPENDENTS, BENEFICIARIES, INVESTMENTS):
        rows = pl.concat([part[name] for part in parts])
        number = pl.col("dependent_id").replace_strict(known, default=None, return_dtype=pl.Int16)
        named = rows.with_columns(dependent=number).select(*SHARE_COLUMNS)
        sheets[name] = named.sort("plan_type", "of", "kind", "dependent", nulls_last=True)
    sheets[DEPENDENTS] = sheets[DEPENDENTS].drop("share", "kind")
    sheets[INVESTMENTS] = sheets[INVESTMENTS].drop("dependent").rename({"kind": "fund"})
    return sheets


_ROW = {"plan_type": _TEXT, "of": _TEXT, "dependent_id": pl.Int64(), "share": _TEXT, "kind": _TEXT}


def _of_elections(
    connection: Any, place: EventPlace, elected: Sequence[Mapping[str, Any]]
) -> dict[str, pl.DataFrame]:
    wanted = {(row["plan_type"], row["slot"], row["submission"]) for row in elected}

    def rows(model: Any) -> list[dict[str, Any]]:
        found = model.objects.using(connection.alias).filter(**place.key()).values()
        return [row for row in found if (row["plan_type"], row["slot"], row["submission"]) in wanted]

    dependents = [_row(row, ELECTED) for row in rows(ElectionDependent)]
    shares = [
        _row(row, ELECTED) | {"kind": _beneficiary(row["is_contingent"]), "share": row["percent_hundredths"]}
        for row in rows(ElectionBeneficiary)
    ]
    funds = [
        _row(row, ELECTED) | {"kind": row["fund"], "share": f"{row['percent']}%"}
        for row in rows(ElectionFund)
    ]
    beneficiaries = pl.DataFrame(shares, schema=_ROW | {"share": pl.Int32()})
    return {
        DEPENDENTS: pl.DataFrame(dependents, schema=_ROW),
        BENEFICIARIES: beneficiaries.with_columns(share=hundredths_text(pl.col("share")) + "%"),
        INVESTMENTS: pl.DataFrame(funds, schema=_ROW),
    }


def _row(row: Mapping[str, Any], of: str) -> dict[str, Any]:
    dependent = row.get("dependent_id")
    return {"plan_type": row["plan_type"], "of": of, "dependent_id": dependent, "share": None, "kind": None}


def _beneficiary(is_contingent: bool) -> str:
    return "contingent" if is_contingent else "primary"


def _of_timeline(connection: Any, place: EventPlace, plan_type: str | None) -> dict[str, pl.DataFrame]:
    """Of the points that hold; each from its day."""
    events = load_events(connection, client_ids=[place.client_id], person_ids=[place.person_id])
    mine = with_case(events.filter(**place.key()))
    points = load_coverage(connection, mine)
    if plan_type is not None:
        points = points.filter(plan_type=plan_type)
    key = ["case", *COVERAGE_PLACE]
    kinds = pl.when("is_contingent").then(pl.lit("contingent")).otherwise(pl.lit("primary"))
    nobody, nothing = pl.lit(None, pl.Int64), pl.lit(None, pl.String)
    parts = {
        DEPENDENTS: load_covered(connection, mine).with_columns(share=nothing, kind=nothing),
        BENEFICIARIES: load_beneficiaries(connection, mine).with_columns(
            share=hundredths_text(pl.col("percent_hundredths")) + "%", kind=kinds
        ),
        INVESTMENTS: load_funds(connection, mine).with_columns(
            share=pl.format("{}%", "percent"), kind="fund", dependent_id=nobody
        ),
    }
    held = pl.format("{} from {}", pl.lit(IN_FORCE), "begins_on")
    return {
        name: rows.join(points.select(key), on=key, how="semi")
        .with_columns(of=held)
        .select(pl.col(column).cast(kind) for column, kind in _ROW.items())
        for name, rows in parts.items()
    }


__all__ = ["SHEETS", "drill_down"]
