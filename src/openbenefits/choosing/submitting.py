"""What is meant becomes submitted: entered, checked by the engine and loaded, or refused as a whole.

Before that it is rehearsed: done for real, looked at, and given up. So what a person sees before submitting
is what submitting makes.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from openbenefits.choosing.drafts import By, forget_drafts, keep_act
from openbenefits.choosing.holding import holding_of
from openbenefits.choosing.models import ChoiceAct
from openbenefits.choosing.outcome import lines_of
from openbenefits.choosing.rules.lines import Line, line_to_json
from openbenefits.choosing.rules.stated import Stated
from openbenefits.core.codes import ActionSource, ChoiceActKind, ProcessStatus, Severity
from openbenefits.enrollment.elections import enter_several
from openbenefits.enrollment.entry_cells import election_cells
from openbenefits.events.activity import PROOF_MISSING, ActivityPlace, prove_activity
from openbenefits.events.models import Activity, Event, Message
from openbenefits.events.windows import EventPlace
from openbenefits.review.demand import Asked, settle_event
from openbenefits.runs.gate import RunHeld
from openbenefits.store.trials import given_up

SOURCE = "portal"
TO_VALIDATE = (ProcessStatus.ET, ProcessStatus.EE, ProcessStatus.RE)
ANSWERABLE = (ProcessStatus.PR, ProcessStatus.NT)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a choice cannot be: of a plan type, or of the event. `code` is the engine's, or a column's."""

    plan_type: str | None
    code: str
    expected: str
    found: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What submitting makes: the lines, or why not.

    waits: what it still waits for: the code of a message, or 'held' (the next run checks it).
    """

    lines: tuple[Line, ...]
    refusals: tuple[Refusal, ...] = ()
    waits: tuple[str, ...] = ()
    status: str | None = None

    @property
    def is_refused(self) -> bool:
        """Whether it cannot be submitted so."""
        return bool(self.refusals)


class SubmissionRefused(ValueError):
    """What was to be submitted is refused; nothing was."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("expected choices the plan allows, found some that it does not; correct them")
        self.outcome = outcome


class QuestionsOpen(Exception):
    """What was to be submitted asks something that was not answered; nothing was submitted."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("expected an answer to each second question, found some open; answer them")
        self.outcome = outcome


def rehearse(
    connection: Any, place: EventPlace, stated: Mapping[str, Stated], by: By, *, today: date
) -> Outcome:
    """Answer what submitting these choices would make; nothing stays of it.

    With nothing stated and nothing submitted: what comes of no answer.
    """
    before = _held_before(connection, place, today)
    with given_up():
        return _worked(connection, place, stated, by, today, before, is_rehearsal=True)


def submit(
    connection: Any,
    place: EventPlace,
    stated: Mapping[str, Stated],
    by: By,
    *,
    today: date,
    asks: Callable[[Outcome], Iterable[str]] | None = None,
    answered: Collection[str] = (),
) -> ChoiceAct:
    """Submit choices as a whole: entered, checked, loaded; drafts are forgotten.

    `asks` names the second questions about an outcome (None: there are none); all must be `answered`.
    The act answered is the confirmation.

    Errors: SubmissionRefused: nothing was submitted; the refusal is kept. QuestionsOpen: nothing was.
    """
    before = _held_before(connection, place, today)
    try:
        with transaction.atomic(using=connection.alias):
            outcome = _worked(connection, place, stated, by, today, before, is_rehearsal=False)
            if outcome.is_refused:
                raise SubmissionRefused(outcome)
            if not outcome.lines and outcome.waits:
                outcome = rehearse(connection, place, {}, by, today=today)
            asked = list(asks(outcome)) if asks else []
            if not set(asked) <= set(answered):
                raise QuestionsOpen(outcome)
    except SubmissionRefused as refused:
        codes = [(one.plan_type, one.code) for one in refused.outcome.refusals]
        keep_act(connection, place, ChoiceActKind.REFUSE, by, content={"refusals": codes})
        raise
    forget_drafts(connection, place)
    return keep_act(
        connection,
        place,
        ChoiceActKind.SUBMIT,
        by,
        content={
            "stated": {kind: one.to_json() for kind, one in stated.items()},
            "lines": [line_to_json(line) for line in outcome.lines],
            "waits": list(outcome.waits),
            "status": outcome.status,
            "answered": asked,
        },
    )


def _held_before(connection: Any, place: EventPlace, today: date) -> Any:
    """What the person has before the event: the day before it, or today where that is earlier."""
    event = Event.objects.using(connection.alias).get(**place.key())
    eve = date.fromordinal(event.event_on.toordinal() - 1)
    held = holding_of(
        connection,
        place.client_id,
        place.person_id,
        on=eve,
        today=min(today, eve),
        benefit_record=place.benefit_record,
    )
    return held.today()


def _worked(
    connection: Any,
    place: EventPlace,
    stated: Mapping[str, Stated],
    by: By,
    today: date,
    before: Any,
    *,
    is_rehearsal: bool,
) -> Outcome:
    """Enter, check and load; what is wrong is answered, and the caller gives it all up."""
    if stated:
        faults = _entered(connection, place, stated, by, today)
        if faults:
            return Outcome(lines=(), refusals=faults)
    if is_rehearsal:
        _assume_proof(connection, place, by)
    event = Event.objects.using(connection.alias).get(**place.key())
    waits: tuple[str, ...] = ()
    asked = Asked(as_of=today, now=by.now, author=by.author)
    try:
        with transaction.atomic(using=connection.alias):
            if event.process_status in TO_VALIDATE:
                settle_event(connection, place, asked, with_defaults=False)
            elif is_rehearsal and event.process_status in ANSWERABLE:
                settle_event(connection, place, asked, with_defaults=True)
    except RunHeld:
        waits = ("held",)
    event.refresh_from_db()
    refusals = _refusals(connection, place) if not waits else ()
    if refusals:
        return Outcome(lines=(), refusals=refusals, status=event.process_status)
    is_final = event.process_status == ProcessStatus.FE
    codes = _codes(connection, place)
    if not is_final and not waits:
        waits = (PROOF_MISSING,) if PROOF_MISSING in codes else ("held",)
    lines = lines_of(connection, place, before) if is_final else ()
    return Outcome(lines=lines, waits=waits, status=event.process_status)


def _entered(
    connection: Any, place: EventPlace, stated: Mapping[str, Stated], by: By, today: date
) -> tuple[Refusal, ...]:
    rows = [election_cells(plan_type=kind, received_on=today, **one.cells()) for kind, one in stated.items()]
    event = (place.person_id, place.benefit_record, place.schedule_id, place.event_number)
    entry = enter_several(
        connection, place.client_id, event, rows, elector=by.author, source=SOURCE, now=by.now
    )
    kinds = list(stated)
    return tuple(
        Refusal(
            plan_type=kinds[row["row"] - 1], code=row["column"], expected=row["expected"], found=row["found"]
        )
        for row in entry.bad_rows.iter_rows(named=True)
    )


def _assume_proof(connection: Any, place: EventPlace, by: By) -> None:
    """For a rehearsal: as if the paper of the life event had been seen, to show what it would make."""
    known = Activity.objects.using(connection.alias).filter(
        client_id=place.client_id,
        person_id=place.person_id,
        schedule_id=place.schedule_id,
        event_number=place.event_number,
        source=str(ActionSource.MANUAL),
    )
    messages = Message.objects.using(connection.alias).filter(
        **place.key(), is_current=True, code=PROOF_MISSING
    )
    found = known.first()
    if found is None or not messages.exists():
        return
    activity = ActivityPlace(
        client_id=place.client_id,
        person_id=place.person_id,
        event_on=found.event_on,
        bas_action=found.bas_action,
        benefit_record=found.benefit_record,
        sequence=found.sequence,
    )
    prove_activity(connection, activity, reason="a rehearsal", author=by.author, now=by.now)


def _refusals(connection: Any, place: EventPlace) -> tuple[Refusal, ...]:
    rows = Message.objects.using(connection.alias).filter(
        **place.key(), is_current=True, severity=str(Severity.ERROR)
    )
    return tuple(
        Refusal(plan_type=row.plan_type, code=row.code, expected=row.expected, found=row.found)
        for row in rows.order_by("plan_type", "code")
    )


def _codes(connection: Any, place: EventPlace) -> set[str]:
    rows = Message.objects.using(connection.alias).filter(**place.key(), is_current=True)
    return set(rows.values_list("code", flat=True))
