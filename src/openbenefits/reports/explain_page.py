"""An explanation as a page of the command line."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from openbenefits.reports.explain_parts import (
    CostPart,
    CreditPart,
    EventPart,
    Explanation,
    HeldPart,
    Note,
    OptionPart,
    PlanPart,
    ProgramPart,
)
from openbenefits.reports.explain_words import day, listed, money

RESULT_WORDS = {"E": "eligible", "I": "ineligible", "NL": "not in list", "NE": "not evaluated"}


def render(explanation: Explanation) -> RenderableType:
    """Lay an explanation out: event, facts, programs, plan types, what is held."""
    number, client = explanation.employee_number, explanation.client
    return Group(
        Text(f"Employee {number} of {client}, benefit record {explanation.benefit_record}", style="bold"),
        *_event(explanation.event),
        *_section("Facts used", _facts(explanation)),
        *_section("Programs", *(line for program in explanation.programs for line in _program(program))),
        *(line for plan in explanation.plans for line in _plan(plan)),
        *_section("What the person has", *(line for held in explanation.held for line in _held(held))),
        *_credits(explanation.credits),
        *_section("Check", *_check(explanation)),
    )


def _section(title: str, *lines: RenderableType) -> Iterator[RenderableType]:
    yield Text()
    yield Text(title, style="bold")
    yield from (Padding(line, (0, 0, 0, 2)) for line in lines)


def _indented(text: str, *, by: int = 2, style: str = "") -> RenderableType:
    return Padding(Text(text, style=style), (0, 0, 0, by))


def _pairs(rows: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column()
    for name, value in rows:
        table.add_row(name, Text(value))
    return table


# --- event and facts ----------------------------------------------------------------------------------------


def _event(event: EventPart) -> Iterator[RenderableType]:
    status = f"{event.status} {event.status_name}" if event.status else event.status_name
    rows = [
        ("What happened", event.happened),
        ("Class", f"{event.event_class} {event.class_name}: {event.why_class}"),
        ("Event date", day(event.event_on)),
        ("Schedule", f"{event.schedule}, event {event.event_number}"),
        ("Stands at", status),
        (
            "Explained as of",
            f"{event.known_at:%Y-%m-%d %H:%M} UTC, {event.worked_in}" if event.known_at else "now",
        ),
    ]
    if event.window_begins_on and event.window_ends_on:
        rows.append(("Elections", f"{day(event.window_begins_on)} to {day(event.window_ends_on)}"))
    yield from _section("Event", _pairs(rows), _steps(event))
    if event.notes:
        yield from _section("Messages", *(Text(_note(note)) for note in event.notes))


def _steps(event: EventPart) -> Table:
    table = Table.grid(padding=(0, 2))
    for step in event.steps:
        table.add_row(
            step.status, step.name, f"{step.at:%Y-%m-%d %H:%M}", step.event_status, Text(step.cause)
        )
    return table


def _note(note: Note) -> str:
    where = f" (plan type {note.plan_type})" if note.plan_type else ""
    found = f"expected {note.expected}, found {note.found}"
    return f"{note.severity} {note.code}{where}: {note.title}; {found}. {note.cure}"


def _facts(explanation: Explanation) -> Table:
    return _pairs([(fact.name, fact.value) for fact in explanation.facts])


# --- programs -----------------------------------------------------------------------------------------------


def _program(program: ProgramPart) -> Iterator[RenderableType]:
    outcome = "in it" if program.is_assigned else "not in it"
    style = "green" if program.is_assigned else ""
    yield Text(f"{program.code} ({program.name}): {outcome}, {program.why}", style=style)
    used = [one for one in program.rule.criteria if one.result != "NE"]
    for one in used:
        result = f"{one.result} {RESULT_WORDS[one.result]}" if one.result in RESULT_WORDS else one.result
        yield _indented(f"{result}: {one.meaning} is {one.value}, expected {one.expected}")
    unused = len(program.rule.criteria) - len(used)
    if unused:
        yield _indented(f"NE not evaluated: {unused} other fields the rule does not look at", style="dim")


# --- plan types ---------------------------------------------------------------------------------------------


def _plan(plan: PlanPart) -> Iterator[RenderableType]:
    rows = [
        (
            "Event rule",
            f"{plan.event_rule}, {plan.event_rule_row}" + (f" ({plan.source})" if plan.source else ""),
        )
    ]
    rows += [(part.what, f"{part.sentence} [{part.term}]") for part in plan.days]
    rows += [("Dependents", plan.household)] if plan.household else []
    rows += [("Choice", plan.choice), ("Without election", plan.default)]
    offered = [option for option in plan.options if option.is_eligible]
    yield from _section(
        f"Plan type {plan.plan_type} {plan.name}",
        _pairs(rows),
        *(line for option in offered for line in _option(option)),
        *_not_offered(plan),
        *_sources(plan),
    )


def _not_offered(plan: PlanPart) -> Iterator[RenderableType]:
    """Say of the other options why not, those with the same reason together."""
    reasons: dict[str, list[str]] = {}
    for option in plan.options:
        if not option.is_eligible:
            reasons.setdefault(option.why, []).append(option.code)
    yield from (Text(f"{listed(codes)}: {why}", style="dim") for why, codes in reasons.items())


def _option(option: OptionPart) -> Iterator[RenderableType]:
    marks = [
        mark for mark, holds in (("present", option.is_current), ("default", option.is_default)) if holds
    ]
    is_priced = any(cost.kind == "price" for cost in option.costs)
    price = f", {money(option.pay_cents)} per pay" if is_priced and option.pay_cents is not None else ""
    name = f"{option.code} ({option.name})" if option.name else option.code
    marked = f" [{', '.join(marks)}]" if marks else ""
    yield Text(f"{name}{price}: {option.why}{marked}", style="green" if option.is_electable else "")
    if option.coverage:
        yield _indented(f"coverage {option.coverage}")
    if option.proof is not None:
        yield _indented(f"evidence: {option.proof.sentence}")
    for cost in option.costs:
        yield from _cost(cost)
    if option.imputed:
        yield _indented(f"taxable, beside pay: {option.imputed}")


def _cost(cost: CostPart) -> Iterator[RenderableType]:
    keys = ", ".join(f"{key.name} {key.value}" for key in cost.keys)
    keyed = f" for {keys}" if keys else ""
    named = cost.kind if cost.kind == "decided" else f"{cost.kind}: {_table(cost)}{keyed}"
    yield _indented(named)
    for line in cost.lines:
        yield _indented(line, by=4)


def _table(cost: CostPart) -> str:
    return f"rate table {cost.rate_table}" + (f" of {cost.valid_from}" if cost.valid_from else "")


def _sources(plan: PlanPart) -> Iterator[RenderableType]:
    """Say once where the plans, rates and contributions of a plan type were taken from."""
    sources: dict[str, list[str]] = {}
    plans = [(one.plan_source, f"plan {one.plan}") for one in plan.options if one.is_eligible]
    costs = [cost for option in plan.options for cost in option.costs]
    named = plans + [(cost.source, _table(cost)) for cost in costs]
    named += [(cost.contribution_source, f"contribution {cost.contribution}") for cost in costs]
    for source, name in dict.fromkeys(named):
        if source:
            sources.setdefault(source, []).append(name)
    yield from (Text(f"from {source}: {listed(names)}", style="dim") for source, names in sources.items())


# --- what is held -------------------------------------------------------------------------------------------


def _held(held: HeldPart) -> Iterator[RenderableType]:
    until = f" through {day(held.through_on)}" if held.through_on else ""
    what = f": {held.what}" if held.what else ""
    covers = f", covers {held.covers}" if held.covers else ""
    yield Text(f"{held.name}, {held.kind_name}, from {day(held.from_on)}{until}{what}{covers}")
    yield _indented(f"by {held.made_by}; rule: {held.rule}; basis: {held.basis}")
    if held.deduction:
        yield _indented(f"deduction from {day(held.deduction_begins_on)}: {held.deduction}")


def _credits(used: CreditPart | None) -> Iterator[RenderableType]:
    """Say what the credits paid for and what became of the rest; nothing where there were none."""
    if used is None:
        return
    rows = [
        ("Credits a year", _amount(used.total_cents)),
        ("Used for", f"{_amount(used.used_cents)} of {_amount(used.cost_cents)} before tax"),
        ("Left over", f"{_amount(used.excess_cents)}, {used.treatment}"),
    ]
    parts = {"Paid": used.paid_cents, "Forfeited": used.forfeited_cents, "Rolled": used.rolled_cents}
    rows += [(name, _amount(cents)) for name, cents in parts.items() if cents]
    rows += [(f"Into {one.name}", one.value) for one in used.rolls]
    yield from _section(f"Credits from {day(used.from_on)}", _pairs(rows))


def _amount(cents: int | None) -> str:
    return "not known" if cents is None else money(cents)


def _check(explanation: Explanation) -> list[RenderableType]:
    if explanation.event.known_at is None:
        return [Text("No run has worked on this event yet: this is what the facts of now would give.")]
    if not explanation.differences:
        return [Text("Prepared again from the same facts: everything stored agrees to the cent and the day.")]
    told = [Text(line, style="red") for line in explanation.differences]
    return [Text("Prepared again, this differs from what was stored:", style="red"), *told]
