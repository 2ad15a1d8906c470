"""What was typed into a form of elections: read, entered as rows of a file, its faults at their cells."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection, transaction

from openbenefits.accounts import clock
from openbenefits.enrollment.elections import EntryResult, enter_several, withdraw
from openbenefits.enrollment.rules.validate import WAIVER
from openbenefits.review.entry import Offer, PlanOffered
from openbenefits.workbench.person.about import NUL

Cells = dict[str, str]
WAIVE_KEY = "w"
RARE = ("funds", "beneficiaries", "contingent_beneficiaries")


@dataclass
class CellShown:
    """A cell of a form: its name, what stands in it, and what is wrong with it."""

    column: str
    name: str
    text: str
    errors: list[str] = field(default_factory=list)


@dataclass
class PlanShown:
    """A plan type of a form: what is offered, and its cells by column."""

    plan: PlanOffered
    cells: dict[str, CellShown]
    is_saved: bool = False

    @property
    def option(self) -> CellShown:
        """The cell of the option."""
        return self.cells["option"]

    @property
    def others(self) -> list[CellShown]:
        """The cells beside the option that mean anything here."""
        return [self.cells[column] for column in self.plan.asks]

    @property
    def usual(self) -> list[CellShown]:
        """The cells that are typed most of the time."""
        return [cell for cell in self.others if cell.column not in (*RARE, "waive_reason")]

    @property
    def rare(self) -> list[CellShown]:
        """The cells that are typed now and then: closed, so that the keyboard passes them by."""
        return [cell for cell in self.others if cell.column in RARE]

    @property
    def has_rare(self) -> bool:
        """Whether something stands in those, or is wrong with them."""
        return any(cell.text or cell.errors for cell in self.rare)

    @property
    def picked(self) -> set[int]:
        """The dependents that stand in the cell, by number."""
        cell = self.cells.get("dependents")
        return {int(word) for word in cell.text.split() if word.isdigit()} if cell else set()


@dataclass
class Entered:
    """What came of a form. faults: what is wrong with no cell of it."""

    plans: list[PlanShown]
    received_on: date | None
    faults: list[str] = field(default_factory=list)
    saved: int = 0
    unchanged: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        errors = [cell.errors for plan in self.plans for cell in plan.cells.values()]
        return not self.faults and not any(errors)


def shown_of(offer: Offer) -> list[PlanShown]:
    """The form of an event, with what stands."""
    return [_shown(plan, dict(plan.stands)) for plan in offer.plans if plan.is_choice or plan.stands]


def _shown(plan: PlanOffered, typed: Cells) -> PlanShown:
    cells = {
        column: CellShown(column, f"{plan.plan_type}-{column}", typed.get(column, ""))
        for column in ("option", *plan.asks)
    }
    return PlanShown(plan, cells, is_saved=bool(plan.stands))


def entered(request: Any, offer: Offer, elector: str) -> Entered:
    """Enter what was posted; what cannot be keeps its text, with what is wrong beside it."""
    plans = [_typed(shown, request.POST) for shown in shown_of(offer)]
    received_on = _day(request.POST.get("received_on", ""))
    told = Entered(plans=plans, received_on=received_on)
    if received_on is None:
        told.faults.append(
            "expected the day the elections were received, like 2026-03-31, found none; state it"
        )
        return told
    withdrawn = [shown for shown in plans if request.POST.get(f"{shown.plan.plan_type}-withdraw")]
    rows = [shown for shown in plans if shown not in withdrawn and _is_filled(shown)]
    with transaction.atomic():
        for shown in withdrawn:
            _tell(told, [shown], _withdrawn(offer, shown, received_on, elector))
        if rows:
            _tell(told, rows, _written(offer, rows, received_on, elector))
    return told


def _typed(shown: PlanShown, posted: Any) -> PlanShown:
    """Take what was posted; boxes of which none is ticked are told by a field beside them."""
    for column, cell in shown.cells.items():
        if cell.name in posted or f"{cell.name}-asked" in posted:
            shown.cells[column].text = " ".join(posted.getlist(cell.name)).replace(NUL, "").strip()
    shown.option.text = _code(shown.plan, shown.option.text)
    return shown


def _code(plan: PlanOffered, typed: str) -> str:
    """Read a code, a number of the list of options, or w for the waiver."""
    codes = {option.code.upper(): option.code for option in plan.options}
    if typed.upper() in codes or not typed:
        return codes.get(typed.upper(), "")
    if typed.isdecimal() and 0 < int(typed) <= len(plan.options):
        return plan.options[int(typed) - 1].code
    return WAIVER if typed.lower() == WAIVE_KEY else typed.upper()


def _is_filled(shown: PlanShown) -> bool:
    return any(cell.text for cell in shown.cells.values())


def _written(offer: Offer, rows: list[PlanShown], received_on: date, elector: str) -> EntryResult:
    place = offer.place
    typed: list[dict[str, str | None]] = [
        {
            "plan_type": shown.plan.plan_type,
            "received_on": received_on.isoformat(),
            **{column: cell.text or None for column, cell in shown.cells.items()},
        }
        for shown in rows
    ]
    return enter_several(
        connection,
        place.client_id,
        (place.person_id, place.benefit_record, place.schedule_id, place.event_number),
        typed,
        elector=elector,
        source="administrator",
        now=clock.now(),
    )


def _withdrawn(offer: Offer, shown: PlanShown, received_on: date, elector: str) -> EntryResult:
    return withdraw(
        connection,
        **offer.place.key(),
        plan_type=shown.plan.plan_type,
        received_on=received_on,
        elector=elector,
        source="administrator",
        now=clock.now(),
    )


def _tell(told: Entered, rows: list[PlanShown], result: EntryResult) -> None:
    """Put what is wrong beside its cell."""
    told.saved += result.entered
    told.unchanged += result.unchanged
    bad: set[int] = set()
    for fault in result.bad_rows.iter_rows(named=True):
        number = min(fault["row"], len(rows)) - 1  # rows are counted from 1
        bad.add(number)
        words = f"expected {fault['expected']}, found {fault['found']}; {fault['cure']}"
        column = "option" if fault["column"] == "plan_type" else fault["column"]
        cell = rows[number].cells.get(column)
        if cell is not None:
            cell.errors.append(words)
        elif words not in told.faults:
            told.faults.append(f"{fault['column']}: {words}")
    for number, shown in enumerate(rows):
        shown.is_saved = number not in bad
        codes = {option.code for option in shown.plan.options} | {WAIVER, ""}
        if shown.is_saved and shown.option.text not in codes:
            shown.option.errors.append(
                f"expected an option that is offered, found {shown.option.text}; correct it"
            )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else clock.today()
    except ValueError:
        return None
